"""The pages about sites: seen by their people, changed by their owners, and every change noted."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.people import Role
from moderation.policy import Mode, Override
from moderation.signals import SIGNALS
from moderation.store.sites import Site
from tests.api.test_dashboard import moderating
from tests.conftest import client_of, parts_of, with_key
from tests.people import csrf_token
from tests.receiver import Receiver, receiving

SITE = "/dashboard/sites/blog"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """The owner of the site ``blog``."""
    client_of(app)
    return moderating(app, "ann", Role.OWNER)


def post(browser, path: str = SITE, **fields):
    token = csrf_token(browser.get("/dashboard/sites"))
    return browser.post(path, data={"csrf_token": token, **fields}, follow_redirects=True)


def site(app, name: str = "blog") -> Site:
    return parts_of(app).sites.site(name)


def acts(app) -> list[tuple[str, str, str]]:
    found = parts_of(app).seen.acts([site(app).id], actor="ann", before=None, limit=100)
    return [(act.actor, act.via, act.action) for act in found]


# -- All of them


def test_one_s_sites_are_listed_with_what_waits(app, ann):
    client_of(app, "charlies")
    page = ann.get("/dashboard/sites").text
    assert f'href="{SITE}"' in page and "charlies" not in page


def test_an_owner_makes_a_site_and_owns_it(app, ann):
    page = post(ann, "/dashboard/sites", name="second").text
    key = re.search(r'value="([0-9a-f]{12})"', page)
    assert key is not None
    assert with_key(app, key[1]).get("/v1/site").json["name"] == "second"
    assert parts_of(app).people.user("ann").may(Role.OWNER, site(app, "second").id)
    assert key[1] not in ann.get("/dashboard/sites/second").text


@pytest.mark.parametrize("name", ["", "Blog", "a b", "-x", "x" * 64, "ß"])
def test_a_name_that_will_not_do_is_explained(ann, name):
    answer = post(ann, "/dashboard/sites", name=name)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_name_that_is_taken_is_explained(ann):
    answer = post(ann, "/dashboard/sites", name="blog")
    assert answer.status_code == 422 and "already" in answer.text


def test_who_owns_nothing_makes_no_site(app, ann):
    bob = moderating(app, "bob", Role.MODERATOR)
    assert "A new site" not in bob.get("/dashboard/sites").text
    assert post(bob, "/dashboard/sites", name="mine").status_code == 403


# -- What a site has chosen


def test_the_mode_is_changed_and_noted(app, ann):
    assert "Saved." in post(ann, part="mode", mode="shadow").text
    assert site(app).choices.mode is Mode.SHADOW
    assert ("ann", "dashboard", "choose") in acts(app)


def test_a_threshold_is_a_number_never_or_the_model_s(app, ann):
    post(ann, part="thresholds", **{"spam.hold_at": "0,4", "spam.reject_at": "never", "toxicity.hold_at": ""})
    assert site(app).choices.thresholds == {"spam": Override(hold_at=0.4, reject_at=None)}
    page = ann.get(SITE).text
    assert 'name="spam.hold_at" value="0.4"' in page and 'name="spam.reject_at" value="never"' in page
    post(ann, part="thresholds")
    assert site(app).choices.thresholds == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"spam.hold_at": "often"},
        {"spam.hold_at": "1.5"},
        {"spam.hold_at": "nan"},
        {"spam.hold_at": "0.9", "spam.reject_at": "0.5"},
    ],
)
def test_a_threshold_that_makes_no_sense_is_explained_and_kept_in_the_form(app, ann, fields):
    answer = post(ann, part="thresholds", **fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text and f'value="{fields["spam.hold_at"]}"' in answer.text
    assert site(app).choices.thresholds == {}


def test_a_form_shows_what_it_was_filled_with_after_saving(ann):
    post(ann, part="thresholds", **{"spam.hold_at": "0.123456789"})
    assert 'value="0.123456789"' in ann.get(SITE).text


def test_signals_are_switched_off_and_on(app, ann):
    codes = [one.code for one in SIGNALS]
    post(ann, part="signals", on=codes[2:])
    assert site(app).choices.signals_off == tuple(codes[:2])
    post(ann, part="signals", on=codes)
    assert site(app).choices.signals_off == ()


def test_every_signal_is_shown_with_its_weight_and_what_it_looks_for(ann):
    page = ann.get(SITE).text
    for one in SIGNALS:
        assert f'value="{one.code}"' in page and f"{one.weight:+.2f}" in page


def test_limits_are_changed(app, ann):
    post(ann, part="limits", flood_per_hour="9", trusted_hops="1", keep_addresses_days="30")
    chosen = site(app).choices
    assert (chosen.flood_per_hour, chosen.trusted_hops, chosen.keep_addresses_days) == (9, 1, 30)


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 30])
def test_a_limit_that_makes_no_sense_is_explained(app, ann, value):
    answer = post(ann, part="limits", flood_per_hour=value, trusted_hops="0", keep_addresses_days="90")
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert site(app).choices.flood_per_hour == 600


def test_one_part_leaves_the_others_as_they_are(app, ann):
    post(ann, part="mode", mode="closed")
    post(ann, part="limits", flood_per_hour="9", trusted_hops="0", keep_addresses_days="90")
    assert site(app).choices.mode is Mode.CLOSED


def test_scores_that_there_are_not_are_left_out_or_refused(app, ann):
    post(ann, part="perspective", perspective_omit_unknown="yes")
    assert site(app).choices.perspective_omit_unknown is True
    post(ann, part="perspective")
    assert site(app).choices.perspective_omit_unknown is False


def test_a_part_that_is_none_is_refused(ann):
    assert post(ann, part="everything").status_code == 422


# -- Keys


def test_a_key_is_shown_once_and_revoked_by_its_first_digits(app, ann):
    page = post(ann, f"{SITE}/keys").text
    key = re.search(r'value="([0-9a-f]{12})"', page)
    assert key is not None
    assert with_key(app, key[1]).get("/v1/site").status_code == 200
    assert key[1] not in ann.get(SITE).text and f"<code>{key[1][:4]}…</code>" in ann.get(SITE).text
    post(ann, f"{SITE}/keys/revoke", key=key[1][:4])
    assert with_key(app, key[1]).get("/v1/site").status_code == 401
    assert [act[2] for act in acts(app)][:2] == ["revoke-key", "create-key"]


@pytest.mark.parametrize("key", ["", "zzzz"])
def test_a_key_that_is_none_is_not_revoked(ann, key):
    assert 'class="flash error"' in post(ann, f"{SITE}/keys/revoke", key=key).text


# -- The webhook


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def reaching(make_app, receiver: Receiver) -> Flask:
    """An application that may speak to the receiver."""
    return make_app(webhook_hosts=receiver.host)


def test_a_webhook_is_set_tried_and_removed(reaching, receiver):
    client_of(reaching)
    ann = moderating(reaching, "ann", Role.OWNER)
    assert "whsec_" in post(ann, f"{SITE}/webhook", url=receiver.url).text
    page = ann.get(SITE).text
    assert receiver.url in page and "whsec_" not in page
    assert "has taken" in post(ann, f"{SITE}/webhook/test").text
    assert "whsec_" in post(ann, f"{SITE}/webhook/rotate").text
    assert f"<code>{receiver.url}</code>" not in post(ann, f"{SITE}/webhook/remove").text
    assert [act[2] for act in acts(reaching)][:3] == ["webhook-removed", "webhook-rotated", "webhook-set"]


def test_a_webhook_at_a_private_address_is_refused(ann):
    assert 'class="flash error"' in post(ann, f"{SITE}/webhook", url="http://127.0.0.1:1/").text


@pytest.mark.parametrize("act", ["test", "rotate", "remove"])
def test_a_webhook_that_is_not_there_is_told(ann, act):
    assert "has no webhook" in post(ann, f"{SITE}/webhook/{act}").text


# -- By whom


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MODERATOR])
def test_others_see_what_is_chosen_and_no_keys(app, ann, role):
    page = moderating(app, "bob", role).get(SITE).text
    assert "Thresholds" in page and "revoke" not in page
    assert "<code>" not in page and "</legend>" in page


@pytest.mark.parametrize(
    "path", ["", "/keys", "/keys/revoke", "/webhook", "/webhook/test", "/webhook/rotate", "/webhook/remove"]
)
def test_only_owners_change_a_site(app, ann, path):
    bob = moderating(app, "bob", Role.MODERATOR)
    assert post(bob, SITE + path, part="mode", mode="closed", url="https://x.example").status_code == 403
    assert site(app).choices.mode is Mode.ENFORCE


@pytest.mark.parametrize("path", ["", "/keys", "/webhook"])
def test_charlie_of_another_site_sees_and_changes_nothing(app, ann, path):
    client_of(app, "charlies")
    charlie = moderating(app, "charlie", Role.OWNER, site="charlies")
    assert charlie.get(SITE).status_code == 404
    assert post(charlie, SITE + path, part="mode", mode="closed").status_code == 404


def test_a_change_without_the_page_s_token_is_refused(app, ann):
    assert ann.post(SITE, data={"part": "mode", "mode": "closed"}).status_code == 400
    assert site(app).choices.mode is Mode.ENFORCE
