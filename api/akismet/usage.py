"""How much a key was used: by site, and against a limit that there is not."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, Response

from api.akismet.access import key_of, site_of
from api.akismet.answers import answer, answer_json, invalid
from api.akismet.form import read_form
from api.akismet.statistics import count, next_month, today
from api.v1.bodies import whole
from moderation.store.sites import Site

bp = Blueprint("usage", __name__)
CSV = "text/csv; charset=utf-8"
LIMIT = 500
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


@bp.route("/1.2/usage-limit", methods=["GET", "POST"])
def limit() -> Response:
    """The comments of this month; there is no limit."""
    form = read_form()
    site = site_of(form)
    if site is None:
        return invalid()
    month = _month("")
    used = count(site, month, next_month(month)).all
    body = {"limit": "none", "usage": used, "percentage": "0.00", "throttled": False}
    extended = {"notice_level": "NOTICE_NONE", "upgrade": False} if form.says("extended") else {}
    return answer_json({**body, **extended})


@bp.route("/1.2/key-sites", methods=["GET", "POST"])
def sites() -> Response:
    """The sites of a key in a month; here a key has one."""
    form = read_form()
    site = site_of(form)
    if site is None:
        return invalid()
    month, offset, most = _month(form["month"]), _number(form["offset"], 0), _number(form["limit"], LIMIT)
    rows = [_row(site, month)] if form["filter"] in site.name else []
    shown = rows[offset : offset + most]
    if form["format"].lower() == "csv":
        head = f"{key_of(form)} during {month:%Y-%m} (limit:{most}, offset: {offset}, total: {len(rows)})"
        return answer(_csv(head, shown), CSV)
    return answer_json({f"{month:%Y-%m}": shown, "limit": most, "offset": offset, "total": len(rows)})


def _row(site: Site, month: date) -> dict[str, Any]:
    counts = count(site, month, next_month(month))
    return {"site": site.name, "api_calls": counts.all, **asdict(counts), "is_revoked": False}


def _csv(head: str, rows: list[dict[str, Any]]) -> str:
    columns = "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked"
    # The names of sites have no letters that would need quotes.
    return "\n".join((f"Active sites for {head}", columns, *map(_csv_row, rows)))


def _csv_row(row: dict[str, Any]) -> str:
    return ",".join("false" if value is False else str(value) for value in row.values())


def _month(text: str) -> date:
    """The first day of the month that is asked for; of this one, if that is none."""
    found = _MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else today().replace(day=1)


def _number(text: str, default: int) -> int:
    number = whole(text, 9)
    return default if number is None else number
