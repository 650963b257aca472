"""What a signal is: one kind of evidence beside the text.

A signal looks at a comment as it arrived (:class:`Seen`) and either finds something or nothing: a fact the site did
not send is no evidence. What it finds adds ``weight * strength`` to the log-odds of the head ``spam``. The weights
here are priors, set by hand; a site with enough labels learns its own (``training.signals``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from moderation.comment import Comment
from moderation.past import Past
from moderation.text import Link

HEAD = "spam"
"""The head that signals speak of: how a comment arrives says nothing about abuse."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A comment as it arrived, and what the site had seen before."""

    comment: Comment
    links: tuple[Link, ...]
    """Links in the text, in order."""
    text: str
    """The folded text, without its links."""
    language: str
    """The language the site named or the script of the text, such as ``en`` or ``cyrillic``; empty if unknown."""
    now: int
    """When it was written: milliseconds since 1970, UTC."""
    past: Past
    hops: int = 0
    """Proxies of the site's own at the right end of the author's chain of addresses."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a signal found."""

    message: str
    """A plain sentence."""
    strength: float = 1.0
    """How much of it: the effect is the signal's weight times this."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where in the original text."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of evidence."""

    code: str
    about: str
    """What it looks for, for people who switch signals on and off."""
    weight: float
    """Log-odds of spam that one unit of strength adds, before anything was learnt; below 0 it speaks for ham."""
    find: Callable[[Seen], Found | None]

    def weighs(self, learnt: Mapping[str, float]) -> float:
        """Its weight on a site that has learnt some, by code."""
        return learnt.get(self.code, self.weight)


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal that found something, and what that adds."""

    signal: Signal
    found: Found
    effect: float
