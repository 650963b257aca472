"""What clients ask about their key, and statistics."""

from __future__ import annotations

import re

import pytest

from moderation.policy import AkismetHold
from tests.akismet.test_checking import EVERYTHING_HELD, EVERYTHING_REJECTED
from tests.conftest import parts_of

KEYED = [
    ("1.1", "comment-check"), ("1.1", "submit-spam"), ("1.1", "submit-ham"), ("1.1", "deactivate"),
    ("1.1", "get-subscription"), ("1.1", "get-stats"), ("1.2", "get-key-stats"), ("1.1", "token"),
    ("1.1", "verify-wpcom-key"), ("1.2", "key-sites"), ("1.2", "usage-limit"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "endpoint"), KEYED)
@pytest.mark.parametrize("key", ["0123456789ab", "INVALID_TEST_KEY", "", None])
def test_a_bad_key_is_invalid_everywhere(call, version, endpoint, key):
    answer = call(endpoint, version=version, api_key=key)
    assert (answer.status_code, answer.data, answer.content_type) == (200, b"invalid", "text/plain; charset=utf-8")
    assert "X-akismet-debug-help" not in answer.headers


def test_a_revoked_key_is_invalid(app, call, site_key):
    parts_of(app).sites.revoke_key("blog", site_key)
    assert call("comment-check").text == "invalid"


@pytest.mark.parametrize("name", ["key", "api_key"])
def test_a_key_is_verified_by_either_name(call, site_key, name):
    answer = call("verify-key", **{"api_key": None, name: site_key})
    assert (answer.data, answer.content_type) == (b"valid", "text/plain; charset=utf-8")
    assert [one for one in answer.headers.keys() if one.lower().startswith("x-akismet")] == []


def test_a_bad_key_is_verified_as_one_without_a_word(call):
    answer = call("verify-key", api_key="0123456789ab")
    assert answer.data == b"invalid"
    assert "X-akismet-debug-help" not in answer.headers


@pytest.mark.parametrize(("fields", "name"), [({"api_key": ""}, "key"), ({"blog": ""}, "blog")])
def test_an_empty_field_is_named(call, fields, name):
    answer = call("verify-key", **fields)
    assert (answer.data, answer.headers["X-akismet-debug-help"]) == (b"invalid", f'Empty "{name}" value')


def test_wordpress_is_told_that_the_subscription_is_active(call):
    assert call("get-subscription").json == {
        "account_id": 1,
        "account_type": "hamlet",
        "account_name": "blog",
        "status": "active",
        "next_billing_date": False,
        "limit_reached": False,
    }


def test_a_connected_wordpress_is_told_the_same(call):
    assert call("verify-wpcom-key", user_id="7").json == call("get-subscription").json


def test_a_blog_that_stops_is_told_so_and_its_key_stays(call):
    assert call("deactivate").data == b"deactivated"
    assert call("comment-check").text == "false"


def test_a_token_is_a_word(call, site_key):
    token = call("token").text
    assert re.fullmatch("[0-9a-f]{32}", token)
    assert site_key not in token


def test_somebody_is_here(anonymous):
    assert anonymous.get("/1.1/test").data == b"connected"


def test_there_are_no_compatible_plugins(anonymous):
    assert anonymous.get("/1.2/compatible-plugins").json == []


# -- Statistics


@pytest.fixture
def used(call, check, choose):
    """Four comments: two ham, one of them missed; two spam, one of them wrongly. And a trial."""
    check(comment_content="One")
    check(comment_content="Two")
    check(comment_content="Trial", is_test="1")
    choose(**EVERYTHING_REJECTED)
    check(comment_content="Three")
    check(comment_content="Four")
    call("submit-spam", comment_content="Two")
    call("submit-ham", comment_content="Four")


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("span", "parts"), [("6-months", 6), ("year", 12), ("60-days", 60), ("all", 1), ("", 1), ("nonsense", 1)]
)
def test_comments_are_counted(call, span, parts):
    stats = call("get-stats", **{"from": span}).json
    breakdown = stats.pop("breakdown")
    assert stats == {
        "spam": 2, "ham": 2, "missed_spam": 1, "false_positives": 1, "accuracy": 50.0, "time_saved": 20,
    }  # fmt: skip
    assert len(breakdown) == parts
    assert list(breakdown.values())[-1]["spam"] == 2
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", one["da"]) for one in breakdown.values())


def test_where_nothing_was_asked_nothing_is_counted(call):
    stats = call("get-key-stats", version="1.2", **{"from": "all"}).json
    assert (stats["spam"], stats["ham"], stats["accuracy"], len(stats["breakdown"])) == (0, 0, 100.0, 1)


@pytest.mark.parametrize(("hold", "spam"), [(AkismetHold.SPAM, 1), (AkismetHold.PENDING, 0), (AkismetHold.PUBLISH, 0)])
def test_a_held_comment_is_counted_as_it_was_told(call, check, choose, hold, spam):
    choose(akismet_hold=hold, **EVERYTHING_HELD)
    check(comment_content="Hi")
    assert call("get-stats").json["spam"] == spam


@pytest.mark.usefixtures("used")
def test_the_use_of_this_month_has_no_limit(call):
    answer = call("usage-limit", version="1.2").json
    assert answer == {"limit": "none", "usage": 4, "percentage": "0.00", "throttled": False}


def test_the_use_is_told_at_length(call):
    answer = call("usage-limit", version="1.2", extended="1").json
    assert (answer["notice_level"], answer["upgrade"]) == ("NOTICE_NONE", False)


@pytest.mark.usefixtures("used")
def test_sites_are_listed_by_month(call):
    answer = call("key-sites", version="1.2").json
    ((month, (row,)), *rest) = answer.items()
    assert re.fullmatch(r"20\d\d-\d\d", month)
    assert row == {
        "site": "blog", "api_calls": 4, "spam": 2, "ham": 2, "missed_spam": 1, "false_positives": 1, "is_revoked": False
    }  # fmt: skip
    assert dict(rest) == {"limit": 500, "offset": 0, "total": 1}


def test_sites_are_listed_as_a_table(call, site_key):
    answer = call("key-sites", version="1.2", format="csv", month="2022-09", limit="10")
    assert answer.text == (
        f"Active sites for {site_key} during 2022-09 (limit:10, offset: 0, total: 1)\n"
        "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked\n"
        "blog,0,0,0,0,0,false"
    )


def test_sites_that_are_not_wanted_are_left_out(call):
    assert call("key-sites", version="1.2", filter="other").json["total"] == 0


@pytest.mark.parametrize(
    "fields", [{"month": "2022-13"}, {"month": "٢٠٢٢-٠٩"}, {"limit": "-1"}, {"limit": "²"}, {"offset": "9" * 50}]
)
def test_what_makes_no_sense_is_left_out_of_account(call, fields):
    assert call("key-sites", version="1.2", **fields).json["total"] == 1


@pytest.mark.parametrize("endpoint", ["key-sites", "usage-limit"])
def test_version_1_2_can_be_asked_by_get(anonymous, site_key, endpoint):
    assert anonymous.get(f"/1.2/{endpoint}?api_key={site_key}").is_json
