"""``comment-check``: the verdict in the words of the protocol."""

from __future__ import annotations

import re

import pytest

from moderation.policy import AkismetHold, Mode, Override
from tests.akismet.conftest import BLOG
from tests.conftest import parts_of

PILLS = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"
EVERYTHING_HELD = {"thresholds": {"spam": Override(hold_at=0.0, reject_at=None)}}
EVERYTHING_REJECTED = {"mode": Mode.CLOSED}


def newest(app):
    """The newest comment with all that is kept of it."""
    found = parts_of(app)
    site = found.sites.site("blog")
    with found.engine.begin() as connection:
        row = connection.exec_driver_sql("SELECT max(id) FROM comments").scalar_one()
    return found.store.history(site.id, row)


def test_ham_is_false(check):
    assert check(comment_content="Thanks, step 3 fixed it for me.") == "false"


def test_spam_is_true(check):
    assert check(comment_content=PILLS, comment_author="Cheap pills") == "true"


def test_next_to_nothing_is_ham(check):
    assert check() == "false"


def test_a_comment_is_kept_as_it_was_sent(app, check):
    check(
        comment_content="Hi",
        comment_type="reply",
        comment_author="Ann",
        comment_author_email="ann@example.org",
        comment_author_url="https://ann.example.org",
        user_agent="Firefox",
        referrer="https://blog.example.org/",
        permalink="https://blog.example.org/?p=7",
        comment_parent="12",
        comment_date_gmt="2026-01-05 12:00:00",
        user_role="editor,author",
    )
    comment = newest(app).revisions[0].comment
    assert (comment.text, comment.type, comment.parent.id) == ("Hi", "reply", "12")
    assert (comment.author.name, comment.author.ip, comment.author.role) == ("Ann", "192.0.2.7", "editor")
    assert (comment.post.url, comment.referrer) == ("https://blog.example.org/?p=7", "https://blog.example.org/")
    assert comment.submitted_at.isoformat() == "2026-01-05T12:00:00"


@pytest.mark.parametrize("written", ["yesterday", "0000-00-00 00:00:00", "9" * 400])
def test_a_time_that_is_none_is_left_out(app, check, written):
    check(comment_content="Hi", comment_date_gmt=written)
    assert newest(app).revisions[0].comment.submitted_at is None


def test_content_type_is_another_name_for_comment_type(app, check):
    check(comment_content="Hi", content_type="forum-post")
    assert newest(app).revisions[0].comment.type == "forum-post"


# -- Headers


def test_every_answer_carries_a_guid_of_its_own(call):
    answers = [call("comment-check"), call("comment-check"), call("comment-check", api_key="nonsense"),
               call("comment-check", user_ip="")]  # fmt: skip
    guids = {answer.headers["X-akismet-guid"] for answer in answers}
    assert len(guids) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", guid) for guid in guids)


def test_a_good_answer_carries_no_other_header_of_the_protocol(call):
    names = [name.lower() for name in call("comment-check", comment_content=PILLS).headers.keys()]
    assert [name for name in names if name.startswith("x-akismet")] == ["x-akismet-guid"]


def test_a_bad_key_is_invalid_and_explained_by_nothing(call):
    answer = call("comment-check", api_key="0123456789ab")
    assert (answer.status_code, answer.data) == (200, b"invalid")
    assert "X-akismet-debug-help" not in answer.headers


@pytest.mark.parametrize("field", ["user_ip", "blog"])
@pytest.mark.parametrize("value", ["", " ", None])
def test_what_must_be_there_is_asked_for(call, stored, field, value):
    answer = call("comment-check", **{field: value})
    assert (answer.status_code, answer.text) == (200, f"Missing required field: {field}.")
    assert answer.headers["X-akismet-debug-help"] == f'Empty "{field}" value'
    assert stored() == 0


# -- What was decided, and what is told


def test_a_rejected_comment_is_spam_and_may_be_kept(call, choose):
    choose(**EVERYTHING_REJECTED)
    answer = call("comment-check", comment_content="Hi")
    assert answer.text == "true"
    assert "X-akismet-pro-tip" not in answer.headers


def test_a_site_may_want_rejected_comments_thrown_away(call, choose):
    choose(akismet_discard=True, **EVERYTHING_REJECTED)
    answer = call("comment-check", comment_content="Hi")
    assert (answer.text, answer.headers["X-akismet-pro-tip"]) == ("true", "discard")


def test_a_held_comment_is_never_thrown_away(call, choose):
    choose(akismet_discard=True, **EVERYTHING_HELD)
    assert "X-akismet-pro-tip" not in call("comment-check", comment_content="Hi").headers


@pytest.mark.parametrize(
    ("hold", "body", "error"),
    [(AkismetHold.SPAM, "true", False), (AkismetHold.PENDING, "false", True), (AkismetHold.PUBLISH, "false", False)],
)
def test_a_held_comment_is_told_as_the_site_wants(call, choose, hold, body, error):
    choose(akismet_hold=hold, **EVERYTHING_HELD)
    answer = call("comment-check", comment_content="Hi")
    assert (answer.text, "X-akismet-error" in answer.headers) == (body, error)
    assert "X-akismet-recheck-after" not in answer.headers


def test_held_is_spam_unless_the_site_wants_otherwise(check, choose):
    choose(**EVERYTHING_HELD)
    assert check(comment_content="Hi") == "true"


def test_in_shadow_mode_everything_is_ham(app, check, choose):
    choose(mode=Mode.SHADOW, **EVERYTHING_HELD)
    assert check(comment_content="Hi") == "false"
    assert newest(app).verdicts[0].verdict.decision == "hold"


# -- The protocol's trials


@pytest.mark.parametrize(
    "fields",
    [
        {"comment_author": "viagra-test-123"},
        {"comment_author": "akismet-guaranteed-spam"},
        {"comment_author_email": "akismet-guaranteed-spam@example.com"},
    ],
)
def test_a_made_up_author_is_spam_and_never_thrown_away(call, choose, fields):
    choose(akismet_discard=True)
    answer = call("comment-check", comment_content="Hi", **fields)
    assert answer.text == "true"
    assert "X-akismet-pro-tip" not in answer.headers


def test_a_made_up_author_is_thrown_away_on_request(call):
    answer = call("comment-check", comment_author="viagra-test-123", test_discard="1")
    assert (answer.text, answer.headers["X-akismet-pro-tip"]) == ("true", "discard")


def test_nobody_else_is_thrown_away_on_request(call, choose):
    choose(**EVERYTHING_REJECTED)
    assert "X-akismet-pro-tip" not in call("comment-check", comment_content="Hi", test_discard="1").headers


@pytest.mark.parametrize("role", ["administrator", "editor, Administrator", "super_admin,administrator"])
def test_an_administrator_is_ham(app, check, choose, role):
    choose(**EVERYTHING_REJECTED)
    assert check(comment_content=PILLS, comment_author="viagra-test-123", user_role=role) == "false"
    assert newest(app).verdicts[0].verdict.decision == "accept"


def test_another_role_is_no_passport(check, choose):
    choose(**EVERYTHING_REJECTED)
    assert check(comment_content="Hi", user_role="editor") == "true"


@pytest.mark.parametrize(
    ("said", "trial"), [("1", True), ("true", True), ("True", True), ("0", False), ("false", False), ("False", False)]
)
def test_a_trial_is_kept_as_one(app, check, said, trial):
    check(comment_content="Hi", is_test=said)
    assert newest(app).revisions[0].comment.is_test is trial


def test_nothing_is_learnt_from_a_made_up_author(app, check):
    check(comment_content="Hi", comment_author="viagra-test-123")
    assert newest(app).revisions[0].comment.is_test is True


# -- Honeypots


@pytest.mark.parametrize(
    "fields",
    [
        {"honeypot_field_name": "trap", "trap": "x"},
        {"honeypot_field_name": "trap", "POST_trap": "x"},
        {"POST_ak_hp_textarea": "x"},
        {"honeypot_field_name": "trap", "trap": "", "POST_ak_hp_textarea": "x"},
    ],
)
def test_a_filled_honeypot_is_noticed(app, check, fields):
    check(comment_content="Hi", **fields)
    assert newest(app).revisions[0].comment.form.honeypot == "x"


def test_an_empty_honeypot_is_nothing(app, check):
    check(comment_content="Hi", honeypot_field_name="trap", trap="")
    assert newest(app).revisions[0].comment.form is None


# -- Again


def test_a_comment_sent_again_is_the_same(check, stored):
    assert check(comment_content="Hi") == check(comment_content="Hi")
    assert stored() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"comment_content": "Ho"},
        {"comment_author": "Bob"},
        {"comment_author_email": "bob@example.org"},
        {"user_ip": "192.0.2.8"},
        {"permalink": "https://blog.example.org/?p=8"},
        {"blog": "https://other.example.org"},
    ],
)
def test_another_comment_is_another(check, stored, change):
    check(comment_content="Hi", permalink=f"{BLOG}/?p=7")
    check(**{"comment_content": "Hi", "permalink": f"{BLOG}/?p=7", **change})
    assert stored() == 2


def test_a_comment_is_judged_again_on_request(app, check, choose, stored):
    assert check(comment_content="Hi") == "false"
    choose(**EVERYTHING_REJECTED)
    assert check(comment_content="Hi") == "false"
    assert check(comment_content="Hi", recheck_reason="recheck_queue") == "true"
    assert (stored(), [one.verdict.decision for one in newest(app).verdicts]) == (1, ["accept", "reject"])


@pytest.mark.parametrize(("outcome", "answer"), [("spam", "true"), ("abuse", "true"), ("ham", "false")])
def test_who_asks_again_is_told_what_a_person_said(app, client, check, outcome, answer):
    check(comment_content="Hi")
    client.post(f"/v1/comments/{newest(app).id}/reviews", json={"outcome": outcome})
    assert check(comment_content="Hi", recheck_reason="recheck_queue") == answer


@pytest.mark.parametrize(
    ("choices", "outcome", "answers"),
    [({}, "spam", ["false", "true"]), (EVERYTHING_REJECTED, "ham", ["true", "false"])],
)
def test_a_comment_sent_again_is_what_a_person_said_it_is(app, client, check, choose, choices, outcome, answers):
    choose(**choices)
    told = [check(comment_content="Hi")]
    client.post(f"/v1/comments/{newest(app).id}/reviews", json={"outcome": outcome})
    assert [*told, check(comment_content="Hi")] == answers


def test_a_trial_leaves_the_comment_alone_that_it_resembles(app, check, choose, stored):
    choose(**EVERYTHING_HELD)
    check(comment_content="Hi")
    check(comment_content="Hi", is_test="1")
    site = parts_of(app).sites.site("blog").id
    assert (stored(), parts_of(app).queue.counts([site]).total) == (2, 1)


def test_a_comment_that_was_tried_out_before_is_no_trial(app, check):
    check(comment_content="Hi", is_test="1")
    check(comment_content="Hi")
    assert len(newest(app).revisions) == 1
    assert newest(app).revisions[0].comment.is_test is False


def test_a_rule_of_the_site_counts_here_too(client, check):
    rule = {"action": "block", "kind": "word", "value": "unobtainium"}
    assert client.post("/v1/rules", json=rule).status_code == 201
    assert check(comment_content="I like unobtainium.") == "true"
