"""What a site has chosen for itself: thresholds, mode, signals."""

from __future__ import annotations

from flask import Blueprint, Response
from msgspec import Struct

from api.auth import site_of_request
from api.problems import Refused
from api.v1.bodies import answer_json, read_json
from api.wiring import parts
from moderation.errors import BadSetting
from moderation.policy import Choices, changed, check_choices
from moderation.review import Actor
from moderation.signals import SIGNALS
from moderation.store.sites import Site

bp = Blueprint("site", __name__)


class SignalShown(Struct, frozen=True, kw_only=True):
    """A signal as it stands on this site."""

    code: str
    about: str
    on: bool
    weight: float
    """Log-odds of spam for one unit of strength."""
    learnt: bool
    """Whether the weight comes from this site's own reviews."""


class SiteShown(Struct, frozen=True, kw_only=True):
    """A site and its choices."""

    name: str
    policy: str
    choices: Choices
    signals: tuple[SignalShown, ...]


@bp.get("/site")
def show() -> Response:
    """Show what the site has chosen."""
    return answer_json(_shown(site_of_request()))


@bp.patch("/site")
def change() -> Response:
    """Change some choices; those not named stay as they are."""
    site, found = site_of_request(), parts()
    data, _ = read_json()
    if not isinstance(data, dict):
        raise Refused(422, "invalid-request", "Expected `object` - at `$`")
    try:
        # Asked for anew: what a worker remembers of a site may be a second old.
        choices = changed(found.sites.site(site.name).choices, data)
        check_choices(found.judging(site).classifier.manifest, choices)
    except BadSetting as error:
        raise Refused(422, "invalid-request", str(error)) from error
    return answer_json(_shown(found.sites.choose(site.name, choices, actor=Actor("api", "api"))))


def _shown(site: Site) -> SiteShown:
    choices, policy = site.choices, parts().judging(site).policy
    return SiteShown(
        name=site.name,
        policy=policy.version,
        choices=choices,
        signals=tuple(
            SignalShown(
                code=one.code,
                about=one.about,
                on=one.code not in choices.signals_off,
                weight=one.weighs(policy.weights),
                learnt=one.code in policy.learnt and one.code not in choices.weights,
            )
            for one in SIGNALS
        ),
    )
