"""Names of scores, the heads they stand for, and the languages they are given in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from api.perspective.refusals import unknown_attribute
from moderation.store.sites import Site

EXPERIMENTAL = "_EXPERIMENTAL"
_HEADS = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "profanity",
    "THREAT": "threat",
}
HEADS = {**_HEADS, **{f"{name}{EXPERIMENTAL}": head for name, head in _HEADS.items()}, "SPAM": "spam"}
"""Every attribute there is. The service's experimental twins were the production ones under another name."""
MANY = frozenset(("ar", "zh", "cs", "nl", "en", "fr", "de", "hi", "id", "it", "ja", "ko", "pl", "pt", "ru", "es"))
SOME = frozenset(("de", "en", "es", "fr", "it", "pt", "ru"))
_OF_MANY = frozenset(("toxicity", "spam"))
_VERSION = re.compile(r"(.+)@[0-9A-Za-z._-]{1,40}", re.DOTALL)
"""Clients may ask for a version of an attribute; there is one."""


def heads_of(names: Iterable[str], heads: Iterable[str], site: Site) -> dict[str, str]:
    """The head of each attribute; one that is not known is refused or, if the site wants it so, left out."""
    known, found = frozenset(heads), {}
    for name in names:
        head = HEADS.get(_plain(name))
        if head in known:
            found[name] = head
        elif not site.choices.perspective_omit_unknown:
            raise unknown_attribute(name)
    return found


def _plain(name: str) -> str:
    versioned = _VERSION.fullmatch(name)
    return versioned[1] if versioned else name


def unsupported(head: str, languages: Iterable[str]) -> tuple[str, ...]:
    """The languages in which an attribute of this head is not given."""
    known = MANY if head in _OF_MANY else SOME
    return tuple(one for one in languages if one.replace("_", "-").partition("-")[0].strip().lower() not in known)
