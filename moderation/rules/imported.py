"""Lists of rules from elsewhere: what an entry becomes, or why it becomes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import re2

from moderation.errors import BadRule
from moderation.rules.checked import checked
from moderation.rules.rule import Action, NewRule, RuleKind

SHOWN = 80
"""Characters of an entry in a report."""
_PLAIN_WORDS = re.compile(r"\w(?:[\w '’-]*\w)?")


@dataclass(frozen=True, slots=True)
class Mapped:
    """An entry and the rule it becomes."""

    line: int
    """From 1."""
    entry: str
    rule: NewRule


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry, or a part of one, that becomes nothing."""

    line: int
    entry: str
    why: str


@dataclass(slots=True)
class Imported:
    """A list of rules as it was read."""

    mapped: list[Mapped] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    ignored: list[Skipped] = field(default_factory=list)
    """Parts of entries that say nothing about who is met; the rest of their entries was taken."""

    def take(self, line: int, entry: str, action: Action, kind: RuleKind, value: str, note: str) -> None:
        """Note what an entry becomes, or why that makes no sense."""
        try:
            rule = checked(action, kind, value, note=note, created_by="import")
        except BadRule as error:
            self.skipped.append(Skipped(line, entry[:SHOWN], str(error)))
        else:
            self.mapped.append(Mapped(line, entry[:SHOWN], rule))


def as_text(raw: bytes, most: int) -> str:
    """A file's text; :class:`BadRule` if it is none, or too much."""
    if len(raw) > most:
        raise BadRule(f"the file has {len(raw):,} bytes; at most {most:,} are read: cut it into several", "$")
    if b"\0" in raw:
        raise BadRule("the file is not text (it holds NUL bytes); export the list as plain text", "$")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadRule(f"line {line} is not UTF-8; save the file as UTF-8", "$") from error


def escaped(text: str) -> str:
    """Text as a regular expression that finds just this."""
    return str(re2.escape(text))


def is_plain_words(text: str) -> bool:
    """Whether a text is words and nothing else, so that it can be looked up word by word."""
    return _PLAIN_WORDS.fullmatch(text) is not None
