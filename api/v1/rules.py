"""The site's own rules: shown, added, changed, removed, and tried on what the site has had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from msgspec import UNSET, Meta, Struct, UnsetType

from api.auth import site_of_request
from api.problems import Refused
from api.v1.bodies import answer_json, number_asked, read_as
from api.v1.schemas import at
from api.wiring import parts
from moderation.errors import BadRule
from moderation.past import DAY, milliseconds
from moderation.rules import Action, NewRule, Rule, RuleKind
from moderation.rules.checked import MOST_DAYS, checked
from moderation.rules.replay import MOST_COMMENTS, Replay, Tally, replay
from moderation.store import now_ms

bp = Blueprint("rules", __name__)

MOST_RULES_AT_ONCE = 10_000
MOST_TRIED = 1_000
MOST_SHOWN = 10_000

Expiry = Annotated[datetime | None, Meta(description="When it ends; null: never. With its offset from UTC")]
Note = Annotated[str, Meta(description="Why; shown with every verdict it makes")]


class RuleWanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to add or to try."""

    action: Annotated[str, Meta(description="allow, block or hold", examples=["block"])]
    kind: Annotated[str, Meta(description=", ".join(RuleKind), examples=["domain"])]
    value: Annotated[str | int, Meta(description="What it looks for", examples=["casino.example"])]
    note: Note = ""
    created_by: Annotated[str, Meta(description="Who makes it", examples=["ann"])] = "api"
    expires_at: Expiry = None


class RuleChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to a rule; what is not named stays. What a rule says cannot change: that is another rule."""

    note: Note | UnsetType = UNSET
    expires_at: Expiry | UnsetType = UNSET


class RuleShown(Struct, frozen=True, kw_only=True):
    """A rule as it is kept: its value in the one spelling that is compared."""

    id: int
    action: Action
    kind: RuleKind
    value: str
    note: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    expired: bool
    hits: Annotated[int, Meta(description="Comments it decided or helped to decide")]
    last_hit_at: datetime | None


class RulesShown(Struct, frozen=True, kw_only=True):
    """Rules of the site, oldest first."""

    rules: tuple[RuleShown, ...]
    total: Annotated[int, Meta(description="How many the site has")]
    next: Annotated[int | None, Meta(description="Ask for those after this id; null: these are the last")]


class Duplicate(Struct, frozen=True, kw_only=True):
    """A rule of a list that says what another one says already."""

    index: Annotated[int, Meta(description="Its place in the list, from 0")]
    rule_id: Annotated[int, Meta(description="The rule that is there")]


class RulesAdded(Struct, frozen=True, kw_only=True):
    """What became of a list of rules."""

    added: tuple[RuleShown, ...]
    duplicates: tuple[Duplicate, ...]


class RuleTried(Struct, frozen=True, kw_only=True):
    """What one rule would have met, by itself."""

    action: Action
    kind: RuleKind
    value: str
    met: Annotated[int, Meta(description="Comments it would have met")]
    decided: Annotated[dict[str, int], Meta(description="Those by what was decided then: accept, hold, reject")]
    said: Annotated[dict[str, int], Meta(description="Those by what people said: ham, spam, abuse, other, none")]
    wrong: Annotated[
        int,
        Meta(
            description="Block or hold: comments that people called ham, or that were accepted and nobody objected to;"
            " allow: comments that people called spam or abuse"
        ),
    ]
    examples: Annotated[tuple[str, ...], Meta(description="Beginnings of the newest, of those not counted as wrong")]
    wrong_examples: tuple[str, ...]


class Tried(Struct, frozen=True, kw_only=True):
    """What rules would have done. Nothing was saved."""

    comments: Annotated[int, Meta(description="Comments looked at")]
    since: Annotated[datetime | None, Meta(description="When the oldest of them came")]
    met: Annotated[int, Meta(description="Comments that any of the rules would have met")]
    rules: tuple[RuleTried, ...]


@bp.get("/rules")
def list_() -> Response:
    """Show the site's rules."""
    site, found = site_of_request(), parts()
    after, most = number_asked("after", 0, 2**31 - 1), number_asked("limit", 1_000, MOST_SHOWN)
    some = found.rules.all(site.id, after=after, most=most + 1)
    last = some[:most][-1:] if len(some) > most else []
    shown = RulesShown(
        rules=_all_shown(some[:most]), total=found.rules.count(site.id), next=last[0].id if last else None
    )
    return answer_json(shown)


@bp.post("/rules")
def add() -> Response:
    """Add a rule, or a list of them: all or none, but for those that are there already."""
    site, found = site_of_request(), parts()
    wanted = _one_or_many()
    if isinstance(wanted, RuleWanted):
        added = found.rules.add_one(site.id, _checked(wanted, "$"))
        found.sites.forget()
        return answer_json(_shown(added), 201)
    if len(wanted) > MOST_RULES_AT_ONCE:
        raise Refused(413, "too-many-rules", f"at most {MOST_RULES_AT_ONCE:,} in one request, got {len(wanted):,}")
    done = found.rules.add(site.id, [_checked(one, f"$[{i}]") for i, one in enumerate(wanted)])
    found.sites.forget()
    duplicates = tuple(Duplicate(index=index, rule_id=rule.id) for index, rule in done.duplicates.items())
    return answer_json(RulesAdded(added=_all_shown(done.rules), duplicates=duplicates), 201)


@bp.post("/rules/test")
def test() -> Response:
    """Try rules on the comments the site has had; nothing is saved."""
    site, found = site_of_request(), parts()
    body = _one_or_many()
    wanted = [body] if isinstance(body, RuleWanted) else body
    if len(wanted) > MOST_TRIED:
        raise Refused(413, "too-many-rules", f"at most {MOST_TRIED:,} are tried at once, got {len(wanted):,}")
    candidates = [_checked(one, f"$[{i}]").numbered(i) for i, one in enumerate(wanted)]
    most, days = number_asked("comments", MOST_COMMENTS, MOST_COMMENTS), number_asked("days", MOST_DAYS, MOST_DAYS)
    history = found.rules.history(site.id, most=most, since=max(0, now_ms() - days * DAY))
    return answer_json(_tried(replay(candidates, history, site.choices.trusted_hops)))


@bp.get("/rules/<int:rule_id>")
def show(rule_id: int) -> Response:
    """Show a rule."""
    return answer_json(_shown(parts().rules.get(site_of_request().id, rule_id)))


@bp.patch("/rules/<int:rule_id>")
def change(rule_id: int) -> Response:
    """Change a rule's note or expiry."""
    site, found = site_of_request(), parts()
    body = read_as(RuleChange)
    expires_at = body.expires_at if body.expires_at is UNSET else _moment(body.expires_at, "$")
    changed = found.rules.change(site.id, rule_id, note=body.note, expires_at=expires_at)
    found.sites.forget()
    return answer_json(_shown(changed))


@bp.delete("/rules/<int:rule_id>")
def remove(rule_id: int) -> Response:
    """Remove a rule; the answer is what it was."""
    site, found = site_of_request(), parts()
    removed = found.rules.remove(site.id, rule_id)
    found.sites.forget()
    return answer_json(_shown(removed))


def _one_or_many() -> RuleWanted | list[RuleWanted]:
    return read_as(RuleWanted | list[RuleWanted])  # type: ignore[arg-type]  # No type has a union's.


def _checked(wanted: RuleWanted, where: str) -> NewRule:
    try:
        return checked(
            wanted.action,
            wanted.kind,
            wanted.value,
            note=wanted.note,
            created_by=wanted.created_by,
            expires_at=_moment(wanted.expires_at, "$"),
            now=now_ms(),
        )
    except BadRule as error:
        raise BadRule(error.what, where + error.at[1:]) from error


def _moment(time: datetime | None, where: str) -> int | None:
    """A time of a request in milliseconds since 1970, UTC."""
    if time is None:
        return None
    if time.tzinfo is None:
        raise BadRule("it has no offset from UTC; write 2026-12-31T00:00:00Z", f"{where}.expires_at")
    return milliseconds(time)


def _all_shown(rules: Sequence[Rule]) -> tuple[RuleShown, ...]:
    return tuple(_shown(rule) for rule in rules)


def _shown(rule: Rule) -> RuleShown:
    return RuleShown(
        id=rule.id,
        action=rule.action,
        kind=rule.kind,
        value=rule.value,
        note=rule.note,
        created_by=rule.created_by,
        created_at=at(rule.created_at),
        expires_at=None if rule.expires_at is None else at(rule.expires_at),
        expired=rule.expired(now_ms()),
        hits=rule.hits,
        last_hit_at=None if rule.last_hit_at is None else at(rule.last_hit_at),
    )


def _tried(found: Replay) -> Tried:
    return Tried(
        comments=found.comments,
        since=None if found.since is None else at(found.since),
        met=found.met,
        rules=tuple(_tally(one) for one in found.tallies),
    )


def _tally(one: Tally) -> RuleTried:
    return RuleTried(
        action=one.rule.action,
        kind=one.rule.kind,
        value=one.rule.value,
        met=one.met,
        decided=one.decided,
        said=one.said,
        wrong=one.wrong,
        examples=tuple(one.examples),
        wrong_examples=tuple(one.wrong_examples),
    )
