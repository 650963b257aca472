"""``submit-spam`` and ``submit-ham``: what people say becomes reviews."""

from __future__ import annotations

import pytest

from moderation.errors import CommentNotFound
from tests.akismet.conftest import BLOG
from tests.akismet.test_checking import EVERYTHING_HELD, newest
from tests.conftest import DATABASES, parts_of

THANKS = "Thanks for making the web a better place."


def said_of(app):
    return [(one.outcome, one.reviewer) for one in newest(app).reviews]


@pytest.mark.parametrize(("endpoint", "outcome"), [("submit-spam", "spam"), ("submit-ham", "ham")])
def test_feedback_is_a_review_of_the_comment_that_was_checked(app, call, check, stored, endpoint, outcome):
    check(comment_content="Hi")
    answer = call(endpoint, comment_content="Hi", reporter="ann")
    assert (answer.status_code, answer.text, answer.content_type) == (200, THANKS, "text/html; charset=utf-8")
    assert (stored(), said_of(app)) == (1, [(outcome, "akismet:ann")])


def test_feedback_is_told_as_a_decision(app, call, check, client):
    check(comment_content="Hi")
    call("submit-spam", comment_content="Hi", reporter="ann")
    (told,) = client.get("/v1/decisions").json["decisions"]
    assert (told["id"], told["decision"], told["decided_by"]) == (newest(app).id, "reject", "akismet:ann")


def test_feedback_is_noted_with_the_way_it_came(app, call, check):
    check(comment_content="Hi")
    call("submit-spam", comment_content="Hi", reporter="ann")
    with parts_of(app).engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT via FROM audit WHERE action = 'review'").scalar_one() == "akismet"


def test_feedback_takes_a_held_comment_out_of_the_queue(app, call, check, choose):
    choose(**EVERYTHING_HELD)
    check(comment_content="Hi")
    site = parts_of(app).sites.site("blog").id
    assert parts_of(app).queue.counts([site]).total == 1
    call("submit-ham", comment_content="Hi")
    assert parts_of(app).queue.counts([site]).total == 0


def test_feedback_teaches_the_records(app, call, check):
    check(comment_content="Hi", comment_author_email="ann@example.org")
    call("submit-spam", comment_content="Hi", comment_author_email="ann@example.org")
    with parts_of(app).engine.begin() as connection:
        query = "SELECT spam FROM records WHERE trace LIKE 'email:%%'"
        assert connection.exec_driver_sql(query).scalar_one() == 1


def test_without_a_reporter_the_client_is_the_reviewer(app, call):
    call("submit-spam", comment_content="Hi")
    assert said_of(app) == [("spam", "akismet:WordPress")]


def test_a_long_name_is_cut(app, call):
    call("submit-spam", comment_content="Hi", reporter="a" * 500)
    assert said_of(app) == [("spam", "akismet:" + "a" * 56)]


def test_feedback_sent_again_adds_nothing(app, call):
    for _ in range(2):
        call("submit-spam", comment_content="Hi", reporter="ann")
    assert said_of(app) == [("spam", "akismet:ann")]


def test_the_newest_feedback_counts(app, call):
    for endpoint in ("submit-spam", "submit-ham"):
        call(endpoint, comment_content="Hi", reporter="ann")
    assert said_of(app) == [("spam", "akismet:ann"), ("ham", "akismet:ann")]


def test_the_same_said_of_a_later_version_settles_it_too(app, call, check, choose):
    choose(**EVERYTHING_HELD)
    for browser in ("Firefox", "Chrome"):
        check(comment_content="Hi", user_agent=browser)
        call("submit-ham", comment_content="Hi", reporter="ann")
    site = parts_of(app).sites.site("blog").id
    assert parts_of(app).queue.counts([site]).total == 0


def test_a_comment_that_was_never_checked_is_kept_with_what_was_said(app, call, stored):
    assert call("submit-ham", comment_content="Hi").text == THANKS
    assert (stored(), newest(app).revisions[0].comment.text) == (1, "Hi")


def test_nothing_is_learnt_from_trials(app, call, check):
    check(comment_content="Hi")
    assert call("submit-spam", comment_content="Hi", is_test="1").text == THANKS
    assert said_of(app) == []


def test_nothing_is_kept_of_trials_that_were_never_checked(call, stored):
    assert call("submit-spam", comment_author="viagra-test-123").text == THANKS
    assert stored() == 0


def test_a_bad_key_says_nothing(app, call, check):
    check(comment_content="Hi")
    assert call("submit-spam", comment_content="Hi", api_key="0123456789ab").data == b"invalid"
    assert said_of(app) == []


def test_what_must_be_there_is_asked_for(call):
    assert call("submit-spam", user_ip="").text == "Missing required field: user_ip."


def test_another_site_s_comment_is_not_touched(app, call, check):
    check(comment_content="Hi")
    first = newest(app).id
    sites = parts_of(app).sites
    other = sites.create_site("other")
    call("submit-spam", comment_content="Hi", api_key=sites.create_key("other"))
    assert parts_of(app).store.history(sites.site("blog").id, first).reviews == ()
    with pytest.raises(CommentNotFound):
        parts_of(app).store.history(other.id, first)


# -- What WordPress changes between a check and feedback


@pytest.mark.parametrize(
    ("checked", "submitted"),
    [
        ({"comment_content": 'It\\\'s \\"fine\\"'}, {"comment_content": 'It\'s "fine"'}),
        ({"comment_content": "C:\\\\new"}, {"comment_content": "C:\\new"}),
        ({"comment_content": "a\r\nb"}, {"comment_content": "a\nb"}),
        ({"comment_content": " a  b "}, {"comment_content": "a b"}),
        ({"comment_content": "Tom & Ann"}, {"comment_content": "Tom &amp; Ann"}),
        (
            {"comment_content": "<a href='http://a.example'>x</a>"},
            {"comment_content": '<a href="http://a.example" rel="nofollow ugc">x</a>'},
        ),
        ({"comment_author": "O\\'Hara"}, {"comment_author": "O'Hara"}),
        ({"comment_author_email": "Ann@Example.org"}, {"comment_author_email": "ann@example.org"}),
        ({"blog": f"{BLOG}/"}, {"blog": BLOG}),
        ({"permalink": "http://blog.example.org/a"}, {"permalink": "https://blog.example.org/a/"}),
        ({}, {"comment_ID": "5", "comment_date_gmt": "2026-01-05 12:00:00", "comment_check_response": "true"}),
    ],
)
def test_feedback_finds_its_check(app, call, check, stored, checked, submitted):
    check(**{"comment_content": "Hi", **checked})
    call("submit-spam", **{"comment_content": "Hi", **submitted})
    assert stored() == 1
    assert len(said_of(app)) == 1


def test_links_tell_comments_apart(check, stored):
    for host in "ab":
        check(comment_content=f'<a href="http://{host}.example">x</a>')
    assert stored() == 2


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('It\\\'s \\"fine\\"', 'It\'s "fine"'),
        ("C:\\\\new", "C:\\new"),
        ("it's C:\\\\new", "it's C:\\\\new"),
        ("a\\b", "a\\b"),
        ("\\\\'", "\\\\'"),
        ("\\", "\\"),
    ],
)
def test_a_comment_is_judged_without_the_slashes_of_wordpress(app, check, sent, kept):
    check(comment_content=sent)
    assert newest(app).revisions[0].comment.text == kept


def test_a_comment_that_is_checked_again_has_no_slashes_to_lose(app, check):
    check(comment_content="C:\\\\new", recheck_reason="recheck_queue")
    assert newest(app).revisions[0].comment.text == "C:\\\\new"


@DATABASES
def test_a_comment_is_checked_and_reviewed_on_either_database(make_app, database_url):
    app = make_app(database=database_url)
    sites = parts_of(app).sites
    site = sites.create_site("blog")
    form = {"api_key": sites.create_key("blog"), "blog": BLOG, "user_ip": "192.0.2.7", "comment_content": "Hi"}
    answers = [
        app.test_client().post(path, data=form).text
        for path in ("/1.1/comment-check", "/1.1/submit-spam", "/1.1/get-stats")
    ]
    assert answers[:2] == ["false", THANKS]
    assert '"missed_spam":1' in answers[2]
    assert parts_of(app).queue.counts([site.id]).total == 0


def test_nobody_can_tell_an_address_from_the_id(app, call, make_app, tmp_path):
    call("submit-spam", comment_content="Hi")
    name = newest(app).external_id
    other = make_app(database=str(tmp_path / "other.db"), secret_file=tmp_path / "other-secret")
    parts_of(other).sites.create_site("blog")
    key = parts_of(other).sites.create_key("blog")
    form = {"api_key": key, "blog": BLOG, "user_ip": "192.0.2.7", "comment_content": "Hi"}
    other.test_client().post("/1.1/submit-spam", data=form)
    assert name != newest(other).external_id
