"""Who calls: counted for every key and protocol, and shown to owners."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import insert, select, update

from api.wiring import Parts
from moderation.background import Soon
from moderation.errors import StoreUnavailable
from moderation.past import HOUR
from moderation.people import Role
from moderation.store import now_ms
from moderation.store.callbacks import Callback
from moderation.store.clients import MOST_FEEDBACK, STRANGERS_FOR, Clients
from moderation.store.retention import prune
from moderation.store.schema import clients, strangers
from tests.akismet.conftest import BLOG, WORDPRESS
from tests.api.test_dashboard import moderating
from tests.api.test_sites_page import post
from tests.conftest import DATABASES, client_of, parts_of

PATH = "/dashboard/clients"


def counted(app) -> list:
    """The clients of the site ``blog``, as they are written down."""
    found: Parts = parts_of(app)
    found.clients.flush()
    return found.clients.of_sites([found.sites.site("blog").id])


def refused(app) -> list:
    found: Parts = parts_of(app)
    found.clients.flush()
    return found.clients.strangers([found.sites.site("blog").id])


def text_of(page) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page.text).split())


# -- What is counted


def test_a_call_is_counted_with_its_key_and_client(app, client, site_key):
    client.get("/v1/site", headers={"User-Agent": "my-blog/1.0"})
    (one,) = counted(app)
    assert (one.prefix, one.surface, one.agent, one.calls, one.errors) == (site_key[:4], "native", "my-blog/1.0", 1, 0)


def test_protocols_are_told_apart(app, client, call):
    client.get("/v1/site")
    call("comment-check", comment_content="Hi")
    call("verify-key", key=None)
    assert sorted((one.surface, one.agent[:9], one.calls) for one in counted(app)) == [
        ("akismet", "WordPress", 2),
        ("native", "Werkzeug/", 1),
    ]


def test_counts_go_on_after_they_were_written(app, client):
    for _ in range(2):
        client.get("/v1/site")
        counted(app)
    (one,) = counted(app)
    assert one.calls == 2


@pytest.mark.parametrize(
    ("path", "error"), [("/v1/comments/none", "404 Comment not found"), ("/v1/queue?limit=x", "422 Invalid request")]
)
def test_the_last_error_is_kept_in_a_few_words(app, client, path, error):
    client.get(path)
    client.get("/v1/site")
    (one,) = counted(app)
    assert (one.calls, one.errors, one.last_error) == (2, 1, error)


def test_an_error_of_akismet_is_its_debug_help(app, call):
    call("comment-check", user_ip="")
    (one,) = counted(app)
    assert (one.errors, one.last_error) == (1, 'Empty "user_ip" value')


def test_a_long_name_of_a_client_is_cut(app, client):
    client.get("/v1/site", headers={"User-Agent": "x" * 5_000})
    assert counted(app)[0].agent == "x" * 200


def test_pages_and_calls_without_a_key_are_not_counted(app, site_key, anonymous):
    anonymous.get("/v1/site")
    anonymous.get("/healthz")
    anonymous.get("/nothing")
    anonymous.post("/1.1/comment-check", data={"blog": BLOG})
    assert (counted(app), refused(app)) == ([], [])


def test_a_call_with_a_bad_key_stands_out(app, call):
    for _ in range(3):
        call("comment-check", api_key="0123456789ab")
    (one,) = refused(app)
    assert (one.site, one.surface, one.agent, one.calls) == (None, "akismet", WORDPRESS, 3)
    assert re.fullmatch("[0-9a-f]{12}", one.address)
    assert counted(app) == []


@pytest.mark.parametrize("key", ["nonsense", "x" * 10_000, "\N{SNOWMAN}", "0123456789AB"])
def test_what_can_be_no_key_is_a_bad_key(app, call, key):
    call("comment-check", api_key=key)
    assert len(refused(app)) == 1


def test_a_key_that_was_revoked_is_known_again(app, call, site_key):
    parts_of(app).sites.revoke_key("blog", site_key)
    call("verify-key", key=site_key)
    assert [one.site for one in refused(app)] == ["blog"]


def test_who_guesses_keys_fills_no_database(app, call, monkeypatch):
    monkeypatch.setattr("moderation.store.clients.MOST_STRANGERS", 2)
    monkeypatch.setattr("moderation.store.clients.MOST_STRANGERS_AT_ONCE", 4)
    found = parts_of(app).clients
    for number in range(9):
        found.refused("0123456789ab", "native", f"192.0.2.{number}", "guesser")
    assert len(refused(app)) == 2


@pytest.mark.usefixtures("site_key")
def test_who_is_known_is_counted_however_many_guess(app, monkeypatch):
    monkeypatch.setattr("moderation.store.clients.MOST_STRANGERS_AT_ONCE", 1)
    for address in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):
        parts_of(app).clients.refused("0123456789ab", "native", address, "blog")
    assert [one.calls for one in refused(app)] == [2]


def test_strangers_are_forgotten(app, call):
    call("comment-check", api_key="0123456789ab")
    assert len(refused(app)) == 1
    prune(parts_of(app).engine, [], now_ms() + STRANGERS_FOR + 1_000)
    assert refused(app) == []


def test_a_write_that_fails_fails_no_call(app, client):
    with parts_of(app).engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE clients")
    assert client.get("/v1/site").status_code == 200


def test_what_could_not_be_written_is_written_later(app, client, call, monkeypatch):
    def fail(*_):
        raise StoreUnavailable("the disk is full")

    client.get("/v1/comments/none")
    call("comment-check", api_key="0123456789ab")
    monkeypatch.setattr("moderation.store.clients.writing", fail)
    with pytest.raises(StoreUnavailable):
        parts_of(app).clients.flush()
    monkeypatch.undo()
    client.get("/v1/site")
    (one,) = counted(app)
    assert (one.calls, one.errors, one.last_error) == (2, 1, "404 Comment not found")
    assert [one.calls for one in refused(app)] == [1]


def test_counts_are_written_by_themselves(app, engine_soon):
    soon, done = engine_soon
    soon.ask()
    soon.ask()
    assert done.wait(30)


@pytest.fixture
def engine_soon(app):
    from threading import Event

    done = Event()
    return Soon(done.set, 0.01, parts_of(app).engine), done


def test_nothing_is_begun_after_the_database_was_closed(app, engine_soon):
    soon, done = engine_soon
    parts_of(app).engine.dispose()
    soon.ask()
    assert not done.wait(0.1)


@DATABASES
def test_clients_are_counted_on_either_database(make_app, database_url):
    app = make_app(database=database_url)
    blog = client_of(app)
    for _ in range(2):
        blog.get("/v1/site")
        assert blog.get("/v1/site", headers={"Authorization": "Bearer 0123456789ab"}).status_code == 401
        parts_of(app).clients.flush()
    assert ([one.calls for one in counted(app)], [one.calls for one in refused(app)]) == ([2], [2])


# -- A flood of feedback


@pytest.fixture
def say(app, site_key, monkeypatch):
    """Gives so much feedback at an hour of the day."""
    found = parts_of(app)

    def give(times: int, hour: int = 1) -> None:
        monkeypatch.setattr("moderation.store.clients.now_ms", lambda: hour * HOUR + 5)
        for _ in range(times):
            found.clients.called((found.sites.site("blog").id, site_key[:4], "akismet"), WORDPRESS, feedback=True)
        found.clients.flush()

    return give


def floods(app) -> list:
    with parts_of(app).engine.begin() as connection:
        return list(connection.exec_driver_sql("SELECT actor, via, detail FROM audit WHERE action = 'feedback-flood'"))


def test_a_flood_of_feedback_is_noted_once_an_hour(app, say, site_key):
    say(MOST_FEEDBACK)
    assert (counted(app)[0].flooded_at, floods(app)) == (None, [])
    say(1)
    say(1)
    (noted,) = floods(app)
    assert (noted.actor, noted.via, counted(app)[0].flooded_at) == ("machine", "akismet", HOUR + 5)
    assert json.loads(noted.detail)["key"] == site_key[:4]
    say(MOST_FEEDBACK + 1, hour=2)
    assert len(floods(app)) == 2


def test_feedback_of_two_hours_makes_no_flood(app, say):
    say(MOST_FEEDBACK)
    say(MOST_FEEDBACK, hour=2)
    assert floods(app) == []


def test_feedback_of_wordpress_is_counted_as_such(app, call):
    call("submit-spam", comment_content="Hi")
    call("submit-ham", comment_content="Hi", is_test="1")
    call("comment-check", comment_content="Hi")
    counted(app)
    with parts_of(app).engine.begin() as connection:
        assert connection.execute(select(clients.c.calls, clients.c.in_hour)).one() == (3, 1)


# -- The page


@pytest.fixture
def ann(app):
    """The owner of the site ``blog``."""
    client_of(app)
    return moderating(app, "ann", Role.OWNER)


def key_of(app, site: str = "blog") -> str:
    return parts_of(app).sites.create_key(site)


def test_owners_see_who_calls(app, ann):
    key = key_of(app)
    app.test_client().get("/v1/comments/no", headers={"Authorization": f"Bearer {key}", "User-Agent": "<b>blog</b>"})
    page = ann.get(PATH)
    assert "&lt;b&gt;blog&lt;/b&gt;" in page.text and "404 Comment not found" in page.text
    assert f"{key[:4]}…" in text_of(page)


def test_keys_that_nobody_has_called_with_are_named(app, ann):
    assert (
        f"Keys that nobody has called with: {key_of(app)[:4]}…" in text_of(ann.get(PATH))
        or len(parts_of(app).sites.keys("blog")) == 2
    )


def test_a_bad_key_is_shouted_on_both_pages(app, ann):
    assert 'role="alert"' not in ann.get(PATH).text
    app.test_client().get("/v1/site", headers={"Authorization": "Bearer 0123456789ab"})
    assert "Somebody calls with a key that is none" in ann.get(PATH).text
    assert "Somebody calls with a key that is none" in ann.get("/dashboard/sites/blog").text


def test_a_bad_key_of_last_month_is_not_shouted(app, ann):
    row = {"digest": "d", "surface": "native", "address": "a", "agent": "old", "calls": 1, "first_at": 0, "last_at": 0}
    with parts_of(app).engine.begin() as connection:
        connection.execute(insert(strangers).values(**row))
    assert "old" not in text_of(ann.get(PATH))


def test_a_revoked_key_is_told_to_its_owners_alone(app, ann):
    key = key_of(app)
    parts_of(app).sites.revoke_key("blog", key)
    app.test_client().get("/v1/site", headers={"Authorization": f"Bearer {key}", "User-Agent": "left-behind"})
    assert "revoked key of blog" in ann.get(PATH).text
    client_of(app, "charlies")
    assert "left-behind" not in moderating(app, "charlie", Role.OWNER, site="charlies").get(PATH).text


def test_others_sites_are_not_shown(app, ann):
    client_of(app, "charlies").get("/v1/site", headers={"User-Agent": "charlies-blog"})
    assert "charlies" not in ann.get(PATH).text
    assert ann.get(f"{PATH}?site=charlies").status_code == 404


def test_the_page_is_for_owners(app):
    client_of(app)
    assert moderating(app, "mia", Role.MODERATOR).get(PATH).status_code == 403


def test_a_flood_and_a_failing_callback_are_shown(app, ann):
    found = parts_of(app)
    site = found.sites.site("blog").id
    found.clients.called((site, "abcd", "akismet"), WORDPRESS)
    found.clients.flush()
    with found.engine.begin() as connection:
        connection.execute(update(clients).values(flooded_at=now_ms()))
    comment = client_of(app, "second").post("/v1/comments", json={"text": "Hi"}).json["id"]
    found.callbacks.expect(site, comment, Callback("https://blog.example/hook", "g"), "0123456789ab")
    page = text_of(ann.get(PATH))
    assert "flood of feedback" in page and "https://blog.example/hook" in page


def test_the_page_speaks_german(app, ann):
    app.test_client().get("/v1/site", headers={"Authorization": "Bearer 0123456789ab"})
    assert "Aufrufe mit ungültigem Schlüssel" in ann.get(PATH, headers={"Accept-Language": "de"}).text


# -- What Akismet clients are told


def test_owners_choose_what_akismet_clients_are_told(app, ann):
    post(ann, part="akismet", akismet_hold="pending", akismet_discard="yes")
    choices = parts_of(app).sites.site("blog").choices
    assert (choices.akismet_hold, choices.akismet_discard) == ("pending", True)
    post(ann, part="akismet", akismet_hold="spam")
    assert parts_of(app).sites.site("blog").choices.akismet_discard is False


@pytest.mark.parametrize("hold", ["", "never", "<b>"])
def test_a_choice_that_is_none_is_refused(app, ann, hold):
    assert post(ann, part="akismet", akismet_hold=hold).status_code == 422


def test_clients_can_be_listed_of_none(app):
    found: Clients = parts_of(app).clients
    assert (found.of_sites([]), found.strangers([])) == ([], [])
    found.flush()
    with parts_of(app).engine.begin() as connection:
        assert connection.execute(select(clients)).all() == []
