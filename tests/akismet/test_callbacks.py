"""``callback``: clients hear of what people decide later, at their own address and nowhere else."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from hamlet.cli import cli
from moderation.callback_delivery import CallbackDeliverer
from moderation.callbacks import own_address
from moderation.outgoing import Outside
from moderation.past import DAY, Outcome
from moderation.review import Actor
from moderation.sealed import seal, unseal
from moderation.store import now_ms
from moderation.store.forget import Person, Who, erase, held
from moderation.store.retention import prune
from moderation.store.schema import callbacks, receivers
from tests.akismet.test_checking import EVERYTHING_HELD, newest
from tests.conftest import DATABASES, parts_of
from tests.receiver import receiving

ANN = Actor("ann", "dashboard")
HOOK = "/index.php?rest_route=/akismet/v1/webhook"


@pytest.fixture
def blog():
    """WordPress, as far as it is called back."""
    with receiving() as found:
        yield found


@pytest.fixture
def ask(call, blog):
    """A comment-check that names a callback; the guid of its answer."""

    def send(**fields) -> str:
        home = f"http://{blog.host}"
        asked = {"comment_content": "Hi", "blog": home, "callback": home + HOOK, **fields}
        return call("comment-check", **asked).headers["X-akismet-guid"]

    return send


@pytest.fixture
def deliver(app, blog):
    """Delivers what is due; how many were taken and how many were not."""

    def run(hosts: str | None = None) -> tuple[int, int]:
        found = parts_of(app)
        return CallbackDeliverer(found.callbacks, Outside(hosts or blog.host), found.sites).deliver_all()

    return run


@pytest.fixture
def settle(app):
    def say(outcome=Outcome.SPAM, actor=ANN) -> None:
        site = parts_of(app).sites.site("blog").id
        parts_of(app).queue.settle(site, [newest(app).id], outcome, actor)

    return say


def write(app, statement) -> None:
    with parts_of(app).engine.begin() as connection:
        connection.execute(statement)


def kept(app, table) -> list:
    with parts_of(app).engine.begin() as connection:
        return list(connection.execute(select(table)))


def told(blog) -> list[tuple[str, str]]:
    return [(one["guid"], one["result"]) for got in blog.got for one in got.json["comments"]]


# -- What is sent


def test_a_later_decision_is_told_as_the_protocol_has_it(ask, settle, deliver, blog, site_key):
    guid = ask(comment_post_ID="7", comment_parent="0", comment_author_email="eve@example.org")
    settle()
    assert deliver() == (1, 0)
    (got,) = blog.got
    assert (got.path, got.headers["content-type"]) == (HOOK, "application/json")
    comment = {"guid": guid, "result": "true", "comment_post_ID": "7", "comment_parent": "0"}
    comment["comment_author_email"] = "eve@example.org"
    assert got.json == {"key": site_key, "endpoint": "comment-check", "comments": [comment]}


@pytest.mark.parametrize(("outcome", "result"), [("ham", "false"), ("spam", "true"), ("abuse", "true")])
def test_every_outcome_is_told_in_two_words(ask, settle, deliver, blog, outcome, result):
    guid = ask()
    settle(Outcome(outcome))
    deliver()
    assert told(blog) == [(guid, result)]


def test_nothing_is_sent_before_somebody_decides(ask, deliver, blog):
    ask()
    assert (deliver(), blog.got) == ((0, 0), [])


def test_what_the_client_said_itself_is_not_told_to_it(app, ask, call, deliver, blog):
    ask()
    call("submit-spam", comment_content="Hi", blog=f"http://{blog.host}", reporter="ann")
    assert newest(app).reviews[-1].reviewer == "akismet:ann"
    assert (deliver(), blog.got) == ((1, 0), [])


def test_what_the_client_said_last_is_not_undone_by_what_was_said_before(ask, settle, call, deliver, blog):
    ask()
    settle(Outcome.SPAM)
    call("submit-ham", comment_content="Hi", blog=f"http://{blog.host}", reporter="ann")
    deliver()
    assert told(blog) == []


def test_what_was_taken_back_before_it_was_told_is_not_told(app, ask, settle, deliver, blog, choose):
    choose(**EVERYTHING_HELD, akismet_hold="pending")
    ask()
    settle(Outcome.SPAM)
    parts_of(app).queue.undo(parts_of(app).sites.site("blog").id, newest(app).id, 1, ANN)
    deliver()
    assert told(blog) == []


def test_a_comment_is_told_by_the_guid_of_its_newest_check(ask, settle, deliver, blog):
    ask()
    guid = ask(recheck_reason="edit")
    settle()
    deliver()
    assert told(blog) == [(guid, "true")]


def test_a_check_again_after_a_decision_leaves_the_guid_behind(ask, settle, deliver, blog):
    ask()
    settle()
    guid = ask(recheck_reason="recheck_queue")
    settle(Outcome.HAM)
    deliver()
    assert told(blog) == [(guid, "false")]


def test_many_decisions_are_told_in_one_call_and_in_their_order(app, ask, deliver, blog):
    site = parts_of(app).sites.site("blog").id
    guids = []
    for number in range(3):
        guids.append(ask(comment_content=f"comment {number}"))
        parts_of(app).queue.settle(site, [newest(app).id], Outcome.SPAM, ANN)
    deliver()
    assert (len(blog.got), told(blog)) == (1, [(guid, "true") for guid in guids])


@pytest.mark.parametrize(("hold", "result"), [("spam", "true"), ("pending", None), ("publish", "false")])
def test_a_comment_that_waits_again_is_told_as_a_held_one_is(app, ask, settle, deliver, blog, choose, hold, result):
    choose(**EVERYTHING_HELD, akismet_hold=hold)
    guid = ask()
    settle()
    deliver()
    site = parts_of(app).sites.site("blog").id
    parts_of(app).queue.undo(site, newest(app).id, 1, ANN)
    deliver()
    assert told(blog)[1:] == ([(guid, result)] if result else [])


def test_a_site_that_only_watches_is_told_what_people_say(ask, settle, deliver, blog, choose):
    choose(mode="shadow")
    guid = ask()
    settle()
    deliver()
    assert told(blog) == [(guid, "true")]


def test_a_site_that_only_watches_publishes_what_is_taken_back(app, ask, settle, deliver, blog, choose):
    choose(**EVERYTHING_HELD, mode="shadow")
    guid = ask()
    settle()
    deliver()
    parts_of(app).queue.undo(parts_of(app).sites.site("blog").id, newest(app).id, 1, ANN)
    deliver()
    assert told(blog) == [(guid, "true"), (guid, "false")]


def test_the_command_that_delivers_webhooks_calls_back(app, ask, settle, blog, settings):
    guid = ask()
    settle()
    storage = ("--database", settings.database, "--secret-file", str(settings.secret_file))
    done = CliRunner().invoke(cli, ["webhooks", "deliver", "--once", "--webhook-hosts", blog.host, *storage])
    assert (done.output, told(blog)) == ('{"taken": 1, "failed": 0}\n', [(guid, "true")])


# -- Where to


@pytest.mark.parametrize(
    "url",
    [
        "http://blog.example.org/wp-json/akismet/v1/webhook",
        "https://blog.example.org/index.php?rest_route=/akismet/v1/webhook",
        "https://BLOG.example.org:8443/x",
    ],
)
def test_the_blog_s_own_address_is_called(url):
    assert own_address(url, "https://blog.example.org:8443/news") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://evil.example/x",
        "https://blog.example.org.evil.example/x",
        "https://evil.example/blog.example.org",
        "https://blog.example.org@evil.example/x",
        "https://blog.example.org:22/x",
        "https://blog.example.org\\@evil.example/x",
        "ftp://blog.example.org/x",
        "gopher://blog.example.org/x",
        "//blog.example.org/x",
        "https://blog.example.org/\r\nHost: x",
        "https://blog.example.org/" + "x" * 500,
        "https://sub.blog.example.org/x",
        "http://[::1]/x",
    ],
)
def test_no_other_address_is_called(url):
    assert own_address(url, "https://blog.example.org") == ""


@pytest.mark.parametrize("blog", ["", "http://", "blog example", "http://[::1", "x" * 3_000])
def test_a_blog_that_is_no_address_is_not_called(blog):
    assert own_address("https://blog.example.org/x", blog) == ""


def test_another_host_is_not_remembered(app, ask):
    ask(callback="http://evil.example/x")
    assert (kept(app, receivers), kept(app, callbacks)) == ([], [])


def test_a_private_address_is_not_called_unless_the_operator_allows_it(app, ask, settle, deliver, blog):
    ask()
    settle()
    assert (deliver("elsewhere.example"), blog.got) == ((0, 1), [])
    assert "not on the public internet" in kept(app, receivers)[0].last_error


def test_a_redirect_is_not_followed(app, ask, settle, deliver, blog):
    ask()
    settle()
    blog.answers = [302]
    assert (deliver(), len(blog.got)) == ((0, 1), 1)
    assert "redirects" in kept(app, receivers)[0].last_error


def test_trials_are_not_called_back(app, ask):
    ask(is_test="1")
    ask(comment_author="viagra-test-123")
    assert kept(app, callbacks) == []


def test_a_site_can_name_only_so_many_addresses(app, ask, monkeypatch):
    monkeypatch.setattr("moderation.store.callbacks.MOST_RECEIVERS", 1)
    ask()
    ask(comment_content="Hello", callback="http://127.0.0.1/other", blog="http://127.0.0.1")
    assert (len(kept(app, receivers)), len(kept(app, callbacks))) == (1, 1)


# -- At least once


def test_what_is_not_taken_is_sent_again_and_nothing_twice(app, ask, settle, deliver, blog):
    guid = ask()
    settle()
    blog.answers = [500]
    assert deliver() == (0, 1)
    assert deliver() == (0, 0)  # Its time has not come.
    write(app, update(receivers).values(next_at=0))
    assert (deliver(), deliver()) == ((1, 0), (0, 0))
    assert told(blog) == [(guid, "true")] * 2


def test_a_new_key_is_shown_at_once(app, ask, settle, deliver, blog):
    ask()
    settle()
    blog.answers = [401]
    deliver()
    key = parts_of(app).sites.create_key("blog")
    ask(api_key=key, comment_content="Another")
    assert (deliver(), blog.got[-1].json["key"]) == ((1, 0), key)


def test_a_key_that_was_revoked_is_shown_to_nobody(app, ask, settle, deliver, blog, site_key):
    ask()
    settle()
    parts_of(app).sites.revoke_key("blog", site_key)
    assert (deliver(), blog.got, kept(app, receivers)) == ((0, 0), [], [])


def test_the_key_cannot_be_read_in_the_database(app, ask, site_key):
    ask()
    (row,) = kept(app, receivers)
    assert site_key not in str(row)
    assert unseal(parts_of(app).sites.secret, "callback", row.key) == site_key
    assert unseal(b"another secret of tests", "callback", row.key) is None
    assert unseal(parts_of(app).sites.secret, "incumbent", row.key) is None


def test_a_changed_secret_of_others_is_none():
    sealed = seal(b"secret", "callback", "0123456789ab")
    assert unseal(b"secret", "callback", sealed[:-4] + "AAA=") is None
    assert unseal(b"secret", "callback", "") is None


# -- Forgetting


def test_callbacks_are_forgotten_with_the_addresses_of_a_comment(app, ask):
    ask()
    found = parts_of(app)
    prune(found.engine, found.sites.all(), now_ms() + 89 * DAY)
    assert len(kept(app, callbacks)) == 1
    prune(found.engine, found.sites.all(), now_ms() + 91 * DAY)
    assert (kept(app, callbacks), kept(app, receivers)) == ([], [])


def test_callbacks_are_forgotten_with_a_person(app, ask):
    ask(comment_author_email="eve@example.org")
    found = parts_of(app)
    eve = Person(Who.EMAIL, "eve@example.org", found.sites.secret)
    for one in held(found.engine, eve):
        erase(found.engine, eve, one)
    assert kept(app, callbacks) == []


@DATABASES
def test_a_client_is_called_back_on_either_database(make_app, database_url, blog):
    app = make_app(database=database_url)
    found = parts_of(app)
    site, home = found.sites.create_site("blog"), f"http://{blog.host}"
    form = {"api_key": found.sites.create_key("blog"), "blog": home, "user_ip": "192.0.2.7", "comment_content": "Hi"}
    answer = app.test_client().post("/1.1/comment-check", data={**form, "callback": home + HOOK})
    found.queue.settle(site.id, [newest(app).id], Outcome.SPAM, ANN)
    deliverer = CallbackDeliverer(found.callbacks, Outside(blog.host), found.sites)
    assert (deliverer.deliver_all(), told(blog)) == ((1, 0), [(answer.headers["X-akismet-guid"], "true")])
