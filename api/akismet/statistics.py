"""Statistics of a site, counted from the store each time they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response

from api.akismet.access import site_of
from api.akismet.answers import answer_json, invalid
from api.akismet.form import read_form
from api.wiring import parts
from moderation.past import BAD, Outcome, milliseconds
from moderation.policy import AkismetHold
from moderation.store.sites import Site
from moderation.store.tallies import first_arrival, tally
from moderation.verdict import Decision

bp = Blueprint("statistics", __name__)
SECONDS_A_SPAM = 10
"""What a look at one costs a person; a guess."""
MONTHS = {"6-months": 6, "year": 12}
DAYS = 60
MOST_MONTHS = 120


@dataclass(slots=True)
class Counts:
    """Comments by what their site was told, and how often people said otherwise."""

    spam: int = 0
    ham: int = 0
    missed_spam: int = 0
    false_positives: int = 0

    def add(self, other: Counts) -> None:
        """Count those of another time, too."""
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)

    @property
    def all(self) -> int:
        """All comments."""
        return self.spam + self.ham

    @property
    def accuracy(self) -> float:
        """Per cent of which nobody said otherwise."""
        wrong = self.missed_spam + self.false_positives
        return round(100 * (1 - wrong / self.all), 2) if self.all else 100.0


def count(site: Site, first: date, end: date) -> Counts:
    """The comments of a site from one day (of UTC) to before another."""
    counts = Counts()
    for (decision, outcome), number in tally(parts().engine, site.id, _start(first), _start(end)).items():
        if _is_spam(decision, site):
            counts.spam += number
            counts.false_positives += number if outcome is Outcome.HAM else 0
        else:
            counts.ham += number
            counts.missed_spam += number if outcome in BAD else 0
    return counts


def _is_spam(decision: Decision, site: Site) -> bool:
    held = decision is Decision.HOLD and site.choices.akismet_hold is AkismetHold.SPAM
    return decision is Decision.REJECT or held


def _start(day: date) -> int:
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))


def today() -> date:
    """The day of UTC."""
    return datetime.now(UTC).date()


def next_month(day: date) -> date:
    """The first day of the month after that of a day."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


@bp.post("/1.1/get-stats")
@bp.post("/1.2/get-key-stats")
def stats() -> Response:
    """How many there were, in all and by month, or by day."""
    form = read_form()
    site = site_of(form)
    return answer_json(_stats(site, form["from"])) if site is not None else invalid()


def _stats(site: Site, span: str) -> dict[str, Any]:
    total, breakdown = Counts(), {}
    for name, first, end in _spans(site, span):
        counts = count(site, first, end)
        total.add(counts)
        breakdown[name] = {**asdict(counts), "blogs": 1, "da": first.isoformat()}
    return {
        **asdict(total),
        "accuracy": total.accuracy,
        "time_saved": total.spam * SECONDS_A_SPAM,
        "breakdown": breakdown,
    }


def _spans(site: Site, span: str) -> Iterator[tuple[str, date, date]]:
    """Names, first days and ends of the months, or days, that are asked for."""
    now = today()
    if span == f"{DAYS}-days":
        for back in range(DAYS - 1, -1, -1):
            day = now - timedelta(days=back)
            yield day.isoformat(), day, day + timedelta(days=1)
        return
    months = MONTHS.get(span) or _months_since_first(site, now)
    place = now.year * 12 + now.month - months  # Months since the year 0, from 0.
    for number in range(place, place + months):
        first = date(number // 12, number % 12 + 1, 1)
        yield f"{first:%Y-%m}", first, next_month(first)


def _months_since_first(site: Site, now: date) -> int:
    first = first_arrival(parts().engine, site.id)
    if first is None:
        return 1
    day = datetime.fromtimestamp(first / 1000, UTC)
    return min(max((now.year - day.year) * 12 + now.month - day.month + 1, 1), MOST_MONTHS)
