"""Insights: what arrived, what people said of it, how long it waited, and whether they agree with the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from babel.dates import format_date
from flask import Blueprint, render_template, request

from api.dashboard.access import my_site, my_sites
from api.dashboard.charts import Chart, stacked
from api.dashboard.language import gettext, language
from api.problems import Refused
from api.wiring import parts
from moderation.insights import SPANS, Campaign, Day, Insights
from moderation.past import Outcome
from moderation.signals import BY_CODE
from moderation.store.seen import Listed
from moderation.verdict import Decision

bp = Blueprint("insights", __name__, url_prefix="/insights")
USUAL = 30


@bp.get("")
def show() -> str:
    """Some days of one site, or of all that a person has."""
    days, name = _days(), request.args.get("site", "")
    sites = [my_site(name)] if name else my_sites()
    found = parts().insights.look([site.id for site in sites], days)
    return render_template(
        "dashboard/insights.html",
        site=name,
        sites=my_sites(),
        names={site.id: site.name for site in sites},
        span=days,
        spans=SPANS,
        found=found,
        charts=_charts(found),
        decisions=list(Decision),
        outcomes=list(Outcome),
        campaigns=_with_texts(found.campaigns),
        reasons=[(reason_told(code), count) for code, count in found.reasons],
    )


def _days() -> int:
    text = request.args.get("days", str(USUAL))
    if text not in map(str, SPANS):
        raise Refused(422, "invalid-request", f"days: one of {', '.join(map(str, SPANS))}")
    return int(text)


def _charts(found: Insights) -> tuple[Chart, ...]:
    decisions = {"accept": gettext("accepted"), "hold": gettext("held"), "reject": gettext("rejected")}
    outcomes = {
        "ham": gettext("fine"),
        "spam": gettext("spam"),
        "abuse": gettext("abuse"),
        "other": gettext("other"),
    }
    waiting, ends = {"waiting": gettext("waiting")}, gettext("Queue at the end of each day")
    return (
        _chart(found, "arrived", gettext("Comments by day"), decisions, lambda day: _by_name(day.arrived)),
        _chart(found, "reviewed", gettext("Decisions of people by day"), outcomes, lambda day: _by_name(day.reviewed)),
        _chart(found, "waiting", ends, waiting, lambda day: {"waiting": day.waiting}),
    )


def _chart(
    found: Insights, name: str, title: str, series: Mapping[str, str], numbers: Callable[[Day], Mapping[str, int]]
) -> Chart:
    return stacked(name, title, series, [(_date(day), numbers(day)) for day in found.days])


def _by_name(counts: Mapping[Decision, int] | Mapping[Outcome, int]) -> dict[str, int]:
    return {what.value: count for what, count in counts.items()}


def _date(day: Day) -> str:
    return format_date(datetime.fromtimestamp(day.starts_at / 1000, UTC).date(), "d MMM", locale=language())


def reason_told(code: str) -> str:
    """What a code of a reason means; a signal says it itself."""
    names = {
        "words": gettext("its wording"),
        "phrases": gettext("phrases known from spam"),
        "names": gettext("the name of its author"),
        "author": gettext("what its author says of themselves"),
        "link": gettext("its links"),
        "disguise": gettext("disguised words"),
        "rest": gettext("many small things together"),
        "rule": gettext("a rule of the site"),
        "mode": gettext("the mode of the site"),
        "flood": gettext("a flood of comments"),
        "campaign": gettext("held by request with its near-copies"),
    }
    signal = BY_CODE.get(code)
    return signal.about if signal is not None else names.get(code, code.replace("_", " "))


def _with_texts(found: tuple[Campaign, ...]) -> list[tuple[Campaign, Listed | None]]:
    """Campaigns with their first comments, where those are still kept."""
    firsts = parts().seen.some([one.id for one in found])
    return [(one, firsts.get(one.id)) for one in found]
