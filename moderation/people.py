"""People: their roles on sites, their names, passwords and preferences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from moderation.errors import BadName, BadPassword, BadPreferences

MOST_NAME, MOST_TYPED = 64, 1_000
"""Characters of a name, as it is kept and as it may be given."""
RESERVED = frozenset({"akismet", "perspective", "automatic", "campaign", "command", "import"})
"""Names, alone or before a colon, under which reviews and acts of no person are kept."""
LEAST_PASSWORD, MOST_PASSWORD = 10, 1_000
"""Length and nothing else, as NIST SP 800-63B asks; the upper bound keeps hashing cheap."""
LANGUAGES = ("en", "de")
MOST_KEYS = 100
MOST_ACTION = 32


class Role(StrEnum):
    """What a person may do on a site; each may do what the ones before it may."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Its place, from 0."""
        return list(Role).index(self)

    def covers(self, other: Role) -> bool:
        """Whether whoever has this role may do what ``other`` may."""
        return self.rank >= other.rank


class Preferences(Struct, frozen=True, omit_defaults=True):
    """What people have chosen for themselves."""

    language: str = ""
    """Empty: what the browser asks for."""
    keys: dict[str, str] = {}
    """Actions of the dashboard to the key that a person wants for each; the others keep theirs."""
    blur_abuse: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in."""

    id: int
    name: str
    roles: Mapping[int, Role]
    """By the number of the site."""
    preferences: Preferences
    created_at: int
    disabled_at: int | None

    def may(self, role: Role, site_id: int) -> bool:
        """Whether the person has at least that role on a site."""
        own = self.roles.get(site_id)
        return own is not None and self.disabled_at is None and own.covers(role)

    def owns_any(self) -> bool:
        """Whether the person owns a site; who does may create more."""
        return self.disabled_at is None and Role.OWNER in self.roles.values()


def checked_name(text: str) -> str:
    """A name in the one spelling that is kept; raises ``BadName``."""
    # Spaces in a row look like one: two names that read alike are one name.
    name = re.sub(" +", " ", unicodedata.normalize("NFKC", text[:MOST_TYPED])).strip()
    if not 1 <= len(name) <= MOST_NAME or len(text) > MOST_TYPED:
        raise BadName(f"has 1 to {MOST_NAME} characters")
    # Printable leaves out control characters, line breaks, marks that turn the direction of text, and lone surrogates.
    if not name.isprintable():
        raise BadName("has printable characters only")
    if name.partition(":")[0].casefold() in RESERVED:
        raise BadName("is not that of a protocol or of the machine")
    return name


def checked_password(password: str, name: str) -> str:
    """A password that will do for an account; raises ``BadPassword``."""
    if len(password) < LEAST_PASSWORD:
        raise BadPassword(f"has at least {LEAST_PASSWORD} characters")
    if len(password) > MOST_PASSWORD:
        raise BadPassword(f"has at most {MOST_PASSWORD:,} characters")
    if password.casefold() == name.casefold():
        raise BadPassword("is not the name of the account")
    return password


def checked_preferences(wanted: Preferences) -> Preferences:
    """Preferences that make sense; raises ``BadPreferences``. Which actions there are is the dashboard's affair."""
    if wanted.language and wanted.language not in LANGUAGES:
        raise BadPreferences("language", f"there are {', '.join(LANGUAGES)}")
    if len(wanted.keys) > MOST_KEYS or any(not 1 <= len(action) <= MOST_ACTION for action in wanted.keys):
        raise BadPreferences("keys", "too many actions, or one without a proper name")
    for action, key in wanted.keys.items():
        if len(key) != 1 or not key.isprintable():
            raise BadPreferences(action, "wants one key")
    taken = list(wanted.keys.values())
    for action, key in wanted.keys.items():
        if taken.count(key) > 1:
            raise BadPreferences(action, f"the key {key} is given twice")
    return wanted
