"""What a rule is: action, kind and value, and what it means to meet one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from moderation.signals.signal import Seen

Spans = tuple[tuple[int, int], ...]
"""Places in the original text, as [start, end)."""
MOST_SPANS = 20
"""Places shown for one rule; a text may hold its word a thousand times."""


class Action(StrEnum):
    """What a rule does. Allow beats block, block beats hold, and each of them beats the score."""

    ALLOW = "allow"
    BLOCK = "block"
    HOLD = "hold"


class RuleKind(StrEnum):
    """What a rule looks at."""

    DOMAIN = "domain"
    EMAIL = "email"
    EMAIL_DOMAIN = "email-domain"
    IP = "ip"
    NAME = "name"
    WORD = "word"
    REGEX = "regex"
    LANGUAGE = "language"
    LINKS = "links"
    POST_AGE = "post-age"


class NewRule(Struct, frozen=True, kw_only=True):
    """A rule that is to be: checked, its value in the one spelling that is kept; see ``moderation.rules.checked``."""

    action: Action
    kind: RuleKind
    value: str
    note: str = ""
    created_by: str = ""
    expires_at: int | None = None

    def numbered(self, number: int, now: int = 0) -> Rule:
        """The rule it would be under a number."""
        return Rule(
            id=number,
            action=self.action,
            kind=self.kind,
            value=self.value,
            note=self.note,
            created_by=self.created_by,
            created_at=now,
            expires_at=self.expires_at,
        )


class Rule(Struct, frozen=True, kw_only=True):
    """One rule of a site. Times are milliseconds since 1970, UTC."""

    id: int
    action: Action
    kind: RuleKind
    value: str
    note: str = ""
    created_by: str = ""
    created_at: int = 0
    expires_at: int | None = None
    hits: int = 0
    last_hit_at: int | None = None

    def expired(self, now: int) -> bool:
        """Whether it is over; a rule ends with the moment it expires at."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that a comment meets, and where in the original text."""

    rule: Rule
    spans: Spans = ()


class Table(Protocol):
    """The rules of one kind, laid out to be looked up."""

    def find(self, seen: Seen) -> Iterable[Hit]:
        """The rules that a comment meets, each once, in any order, expired ones too."""
        ...
