"""What the page about a site's model says in words: how often it errs, what has moved, what a version stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from babel import Locale, UnknownLocaleError
from msgspec import Struct

from api.dashboard.insights import reason_told
from api.dashboard.language import gettext, language, number, percent
from moderation.drift import Feature, Sort
from moderation.estimates import Errors
from moderation.guarantee import LEAST
from moderation.store.judged import PART_OF_DAY


class Measured(Protocol):
    """A share with its interval, from ``n`` comments."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...


def share(value: float) -> str:
    """A share with one digit behind the point, where that says something."""
    return percent(value, 0 if value in (0, 1) or value >= 0.995 else 1)


def interval(found: Measured) -> str:
    """A share with its interval: 1.2 % (0.1–4.0 %)."""
    return f"{share(found.value)} ({share(found.low).removesuffix(' %')}–{share(found.high)})"


@dataclass(frozen=True, slots=True)
class Told:
    """One error rate."""

    what: str
    found: Measured | None
    n: int
    """Comments looked at that it could be read from."""


def error_rates(found: Errors) -> tuple[Told, ...]:
    """Every rate, the gravest first."""
    return (
        Told(gettext("of what is rejected, fine"), found.ham_of_rejected, found.rejected),
        Told(gettext("of what is accepted, spam or abuse"), found.bad_of_accepted, found.accepted),
        Told(gettext("of all fine comments, rejected"), found.ham_rejected, _n(found.ham_rejected)),
        Told(gettext("of all fine comments, held"), found.ham_held, _n(found.ham_held)),
        Told(gettext("of all spam and abuse, accepted"), found.bad_accepted, _n(found.bad_accepted)),
    )


def _n(found: Measured | None) -> int:
    return 0 if found is None else found.n


def error_sentences(found: Errors) -> Iterator[str]:
    """What matters most, in words; and where too little is known, that."""
    rejected, accepted = found.ham_of_rejected, found.bad_of_accepted
    if rejected is not None:
        yield gettext(
            "Of what was rejected, %(share)s was fine, from %(n)s looked at.",
            share=interval(rejected),
            n=number(rejected.n),
        )
    else:
        yield gettext(
            "Too few to say how much of what was rejected was fine: %(n)s of %(least)s looked at.",
            n=number(found.rejected),
            least=LEAST,
        )
    if accepted is not None:
        yield gettext(
            "Of what was accepted, %(share)s was spam or abuse, from %(n)s looked at.",
            share=interval(accepted),
            n=number(accepted.n),
        )
    else:
        yield gettext(
            "Too few to say how much of what was accepted was spam or abuse: %(n)s of %(least)s looked at.",
            n=number(found.accepted),
            least=LEAST,
        )


def feature_name(feature: Feature) -> str:
    """A feature of comments, as people call it."""
    sort, value = feature
    match sort:
        case Sort.LINKS:
            return gettext("with a link or a home page")
        case Sort.SIGNAL:
            return gettext("with the signal: %(name)s", name=value.replace("-", " "))
        case Sort.LANGUAGE:
            return gettext("in the language: %(name)s", name=_language(value))
        case Sort.REASON:
            return gettext("first reason: %(name)s", name=reason_told(value))
        case Sort.HOURS:
            until = (int(value) + PART_OF_DAY) % 24
            return gettext("came between %(from)s and %(until)s o'clock (UTC)", **{"from": value, "until": until})


def _language(code: str) -> str:
    try:
        return str(Locale.parse(language()).languages.get(code.partition("-")[0], code))
    except (ValueError, UnknownLocaleError):
        return code


class StoredTable(Struct, frozen=True):
    """A table as a training has kept it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def stored_tables(figures: Mapping[str, Any]) -> list[StoredTable]:
    """The tables that are kept with a version, but for that of the gate; what has another shape is left out."""
    kept = figures.get("tables")
    named = kept.items() if isinstance(kept, dict) else enumerate(kept) if isinstance(kept, list) else ()
    found = []
    for key, one in named:
        try:
            if key != "gate":
                found.append(msgspec.convert(one, StoredTable))
        except msgspec.ValidationError:
            continue
    return found


def promised(figures: Mapping[str, Any]) -> tuple[str, ...]:
    """The sentences of a version's promise."""
    kept = figures.get("promise")
    told = kept.get("told") if isinstance(kept, dict) else None
    return tuple(str(one) for one in told) if isinstance(told, list | tuple) else ()


def has_bound(figures: Mapping[str, Any]) -> bool:
    """Whether the promise says how much ham is rejected at most."""
    kept = figures.get("promise")
    return isinstance(kept, dict) and kept.get("reject") is not None
