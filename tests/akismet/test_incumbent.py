"""The service a site had before is asked, too: beside the answer, never for it."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from hamlet.cli import cli
from moderation.background import Aside
from moderation.errors import BadSetting
from moderation.incumbent import Asking
from moderation.outgoing import Outside
from moderation.past import Outcome
from moderation.review import Actor
from moderation.store.forget import Person, Who, erase, held
from moderation.store.incumbents import WEEK, Incumbent, Incumbents, Week
from moderation.store.schema import incumbents, opinions
from moderation.verdict import Decision
from tests.akismet.test_checking import EVERYTHING_HELD
from tests.conftest import DATABASES, client_of, parts_of
from tests.receiver import receiving

ANN = Actor("ann", "command")
THEIR_KEY = "fedcba987654"
MONDAY = 1_767_571_200_000
"""5 January 2026, 00:00 UTC."""


def says(body: str, status: int = 200):
    """An answer with a body."""

    def answer(handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


@pytest.fixture
def service():
    """The service, as far as it is asked."""
    with receiving() as found:
        yield found


@pytest.fixture
def beside(app, site_key, service):
    """The site ``blog`` has a service; waits until it was asked."""
    found = parts_of(app)
    found.asking = Asking(Incumbents(found.engine, found.sites.secret), Outside(service.host), found.engine)
    incumbent = Incumbent(f"http://{service.host}", THEIR_KEY)
    found.asking.incumbents.set(found.sites.site("blog").id, incumbent, ANN)
    return found.asking.aside.wait


def kept(app) -> list[tuple[str, str]]:
    with parts_of(app).engine.begin() as connection:
        return [(row.ours, row.theirs) for row in connection.execute(select(opinions))]


# -- Asking


def test_the_service_is_asked_what_the_blog_asked(check, beside, service, site_key):
    service.answers = [says("true")]
    check(comment_content="Grüße", comment_context=["a", "b"], callback="https://blog.example.org/x")
    beside()
    (got,) = service.got
    form = parse_qs(got.body.decode())
    assert (got.path, form["api_key"], form["comment_content"]) == ("/1.1/comment-check", [THEIR_KEY], ["Grüße"])
    assert (form["comment_context"], form["user_ip"]) == (["a", "b"], ["192.0.2.7"])
    assert "callback" not in form and site_key not in got.body.decode()


@pytest.mark.parametrize(
    ("answer", "theirs"),
    [("true", "spam"), ("false", "ham"), ("invalid", "error"), ("", "error"), ("<html>true", "error")],
)
def test_both_answers_are_kept(app, check, beside, service, answer, theirs):
    service.answers = [says(answer)]
    assert check(comment_content="Thanks, that helped.") == "false"
    beside()
    assert kept(app) == [("accept", theirs)]


@pytest.mark.parametrize("status", [302, 401, 500])
def test_an_answer_of_another_status_is_none(app, check, beside, service, status):
    service.answers = [says("true", status)]
    check(comment_content="Hi")
    beside()
    assert kept(app) == [("accept", "error")]


def test_a_comment_of_our_own_api_is_asked_about_as_akismet_would_have_it(app, client, beside, service):
    service.answers = [says("true")]
    author = {"name": "Eve", "email": "eve@example.org", "ip": "192.0.2.7"}
    comment = {"text": "Hi", "author": author, "post": {"url": "https://blog.example.org/?p=7"}}
    client.post("/v1/comments", json={**comment, "id": "c1"})
    client.post("/v1/comments", json={**comment, "id": "c1"})
    beside()
    (got,) = service.got
    asked = {name: value for name, (value,) in parse_qs(got.body.decode()).items()}
    assert (asked["blog"], asked["permalink"]) == ("https://blog.example.org", "https://blog.example.org/?p=7")
    assert (asked["comment_author"], asked["user_ip"], asked["api_key"]) == ("Eve", "192.0.2.7", THEIR_KEY)
    assert kept(app) == [("accept", "spam")]


@pytest.mark.parametrize("url", [None, "", "nonsense", "/a/b", "http://", "http://[x"])
def test_a_comment_that_says_too_little_is_not_asked_about(client, beside, service, url):
    answer = client.post("/v1/comments", json={"text": "Hi", "author": {"ip": "192.0.2.7"}, "post": {"url": url}})
    assert answer.status_code == 200
    client.post("/v1/comments", json={"text": "Hi", "post": {"url": "https://blog.example.org/"}})
    beside()
    assert service.got == []


def test_a_failure_to_look_up_the_service_fails_no_check(app, check, beside, service, monkeypatch):
    monkeypatch.setattr("moderation.store.incumbents.REMEMBERED_SECONDS", -1.0)
    with parts_of(app).engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE incumbents")
    assert check(comment_content="Thanks, that helped.") == "false"
    assert service.got == []


def test_an_import_is_not_asked_about(client, beside, service):
    comment = {"text": "Hi", "author": {"ip": "192.0.2.7"}, "post": {"url": "https://blog.example.org/"}}
    client.post("/v1/comments", json=[comment, comment])
    beside()
    assert service.got == []


def test_a_private_address_is_not_asked(app, check, beside, service):
    parts_of(app).asking._outside = Outside()
    check(comment_content="Hi")
    beside()
    assert (service.got, kept(app)) == ([], [("accept", "error")])


def test_what_the_service_says_decides_nothing(check, beside, service, choose):
    service.answers = [says("true"), says("false")]
    assert check(comment_content="Thanks, that helped.") == "false"
    choose(mode="closed")
    assert check(comment_content="Thanks, once more.") == "true"
    beside()


def test_a_site_that_only_watches_compares_what_would_have_been_decided(app, check, beside, service, choose):
    choose(**{**EVERYTHING_HELD, "mode": "shadow"})
    service.answers = [says("true")]
    assert check(comment_content="Hi") == "false"
    beside()
    assert kept(app) == [("hold", "spam")]


def test_the_same_comment_is_asked_once_and_again_when_it_is_checked_again(app, check, beside, service):
    service.answers = [says("true"), says("false")]
    for fields in ({}, {}, {"recheck_reason": "recheck_queue"}):
        check(comment_content="Hi", **fields)
        beside()
    assert (len(service.got), kept(app)) == (2, [("accept", "ham")])


def test_trials_are_not_asked(check, beside, service):
    check(comment_content="Hi", is_test="1")
    check(comment_author="viagra-test-123")
    beside()
    assert service.got == []


def test_a_site_without_a_service_asks_nobody(app, check, beside, service):
    site = parts_of(app).sites.site("blog").id
    parts_of(app).asking.incumbents.remove(site, ANN)
    check(comment_content="Hi")
    beside()
    assert service.got == []


def test_what_does_not_fit_is_left_out(app):
    aside, begun = Aside(1, 1, parts_of(app).engine), []
    from threading import Event

    go, working = Event(), Event()
    assert aside.offer(lambda: (working.set(), go.wait(30)))
    assert working.wait(30)
    assert [aside.offer(lambda: begun.append(1)) for _ in range(2)] == [True, False]
    go.set()
    aside.wait()
    assert begun == [1]


def test_a_failure_does_not_end_the_work(app, caplog):
    aside, done = Aside(1, 5, parts_of(app).engine), []
    aside.offer(lambda: 1 / 0)
    aside.offer(lambda: done.append(1))
    aside.wait()
    assert done == [1] and "ZeroDivisionError" in caplog.text


def test_the_key_cannot_be_read_in_the_database(app, beside):
    with parts_of(app).engine.begin() as connection:
        (row,) = connection.execute(select(incumbents))
    assert THEIR_KEY not in str(row)
    other = Incumbents(parts_of(app).engine, b"another secret of tests")
    assert other.show(row.site_id) is None


def test_opinions_are_forgotten_with_a_person(app, check, beside, service):
    check(comment_content="Hi", comment_author_email="eve@example.org")
    beside()
    found = parts_of(app)
    eve = Person(Who.EMAIL, "eve@example.org", found.sites.secret)
    for one in held(found.engine, eve):
        erase(found.engine, eve, one)
    assert kept(app) == []


# -- Comparing


@DATABASES
def test_weeks_tell_who_was_right(make_app, database_url, monkeypatch):
    app = make_app(database=database_url)
    blog, found = client_of(app), parts_of(app)
    site, kept_ = found.sites.site("blog").id, found.asking.incumbents
    accept, reject = Decision.ACCEPT, Decision.REJECT
    said = [
        (accept, "ham", None, 0), (reject, "spam", Outcome.HAM, 0), (Decision.HOLD, "spam", Outcome.SPAM, 0),
        (accept, "error", None, 0), (accept, "spam", Outcome.HAM, 0), (accept, "spam", Outcome.ABUSE, 0),
        (reject, "ham", Outcome.SPAM, WEEK - 1), (reject, "ham", None, WEEK - 1), (accept, "spam", Outcome.HAM, WEEK),
    ]  # fmt: skip
    for number, (ours, theirs, outcome, later) in enumerate(said):
        comment = blog.post("/v1/comments", json={"text": f"comment {number}"}).json["id"]
        monkeypatch.setattr("moderation.store.incumbents.now_ms", lambda at=MONDAY + later: at)
        kept_.keep(site, comment, ours, theirs)
        if outcome is not None:
            found.queue.settle(site, [comment], outcome, ANN)
    second, first = kept_.weeks(site, 2, now=MONDAY + WEEK)
    assert first == Week(date(2026, 1, 5), 8, 1, 1, 2, 4, 2, 1)
    assert second == Week(date(2026, 1, 12), 1, 0, 0, 0, 1, 1, 0)
    assert [one.begin for one in kept_.weeks(site, 1, now=MONDAY + WEEK)] == [date(2026, 1, 12)]


def test_a_review_that_was_taken_back_sides_with_nobody(app, client):
    found = parts_of(app)
    site = found.sites.site("blog").id
    comment = client.post("/v1/comments", json={"text": "Hi"}).json["id"]
    found.asking.incumbents.keep(site, comment, Decision.ACCEPT, "spam")
    found.queue.settle(site, [comment], Outcome.HAM, ANN)
    found.queue.undo(site, comment, 1, ANN)
    (week,) = found.asking.incumbents.weeks(site, 1)
    assert (week.disagreed, week.with_us, week.with_them) == (1, 0, 0)


# -- The commands


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs commands over a database with the site ``blog``; raises what they refuse."""
    storage = ("--database", str(tmp_path / "h.db"), "--secret-file", str(tmp_path / "secret"))

    def run(*arguments: str, **options) -> str:
        done = CliRunner().invoke(cli, [*arguments, *storage], **options)
        if done.exception is not None:
            raise done.exception
        return done.output

    run("sites", "create", "blog")
    return run


def test_a_service_is_set_and_removed(hamlet):
    assert "https://rest.akismet.com is asked" in hamlet("sites", "set", "blog", "incumbent_key", THEIR_KEY)
    assert "disagreed on 0" in hamlet("sites", "incumbent", "blog")
    assert "nobody is asked" in hamlet("sites", "set", "blog", "incumbent_key", "none")


def test_a_key_is_read_from_standard_input(hamlet):
    assert "is asked" in hamlet("sites", "set", "blog", "incumbent_key", "-", input=f"{THEIR_KEY}\n")


@pytest.mark.parametrize("key", ["", "two words", "x" * 300, "\u2603"])
def test_what_is_no_key_is_refused(hamlet, key):
    with pytest.raises(BadSetting, match="incumbent_key"):
        hamlet("sites", "set", "blog", "incumbent_key", "-", input=f"{key}\n")


@pytest.mark.parametrize("url", ["ftp://x.example", "http://127.0.0.1:9", "http://127.0.0.1/?x=1", "x"])
def test_an_address_that_is_not_asked_is_refused(hamlet, url):
    hamlet("sites", "set", "blog", "incumbent_key", THEIR_KEY)
    with pytest.raises(BadSetting, match="incumbent_url"):
        hamlet("sites", "set", "blog", "incumbent_url", url)


def test_a_private_address_is_taken_where_the_operator_allows_it(hamlet):
    hamlet("sites", "set", "blog", "incumbent_key", THEIR_KEY)
    allowed = {"HAMLET_WEBHOOK_HOSTS": "127.0.0.1"}
    assert "http://127.0.0.1:9 is asked" in hamlet(
        "sites", "set", "blog", "incumbent_url", "http://127.0.0.1:9/", env=allowed
    )


def test_an_address_without_a_key_is_refused(hamlet):
    with pytest.raises(BadSetting, match="set incumbent_key first"):
        hamlet("sites", "set", "blog", "incumbent_url", "https://rest.akismet.com")
