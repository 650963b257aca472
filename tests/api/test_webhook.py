"""``/v1/site/webhook``, and links to comments."""

from __future__ import annotations

import pytest

from moderation.mail_links import read
from moderation.past import DAY
from moderation.store import now_ms
from tests.conftest import client_of, parts_of, with_key
from tests.receiver import receiving, signed

PATH = "/v1/site/webhook"
CALLS = pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")],
)


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def app(make_app, receiver):
    """The application, allowed to speak to the receiver."""
    return make_app(webhook_hosts=receiver.host)


def put(client, url: str) -> dict:
    response = client.put(PATH, json={"url": url})
    assert response.status_code == 200, response.text
    return response.json


def test_a_webhook_is_set_and_shows_its_secret(client, receiver, valid):
    made = put(client, receiver.url)
    valid("WebhookShown", made)
    assert made["url"] == receiver.url
    assert made["secret"].startswith("whsec_")
    assert put(client, receiver.url)["secret"] == made["secret"]


def test_the_secret_is_not_shown_again(client, receiver, valid):
    put(client, receiver.url)
    shown = client.get(PATH).json
    valid("WebhookShown", shown)
    assert (shown["url"], shown["waiting"], shown["failures"]) == (receiver.url, 0, 0)
    assert "secret" not in shown


def test_a_webhook_is_removed(client, receiver, problem, valid):
    put(client, receiver.url)
    removed = client.delete(PATH).json
    valid("WebhookShown", removed)
    assert removed["url"] == receiver.url
    problem(client.get(PATH), 404, "webhook-not-found")


def test_another_secret_is_shown_and_used(client, receiver):
    old = put(client, receiver.url)["secret"]
    new = client.post(f"{PATH}/rotate").json["secret"]
    client.post(f"{PATH}/test")
    assert (signed(old, receiver.got[0]), signed(new, receiver.got[0])) == (False, True)


def test_a_test_shows_what_came_back(client, receiver, valid):
    put(client, receiver.url)
    tested = client.post(f"{PATH}/test").json
    valid("WebhookTested", tested)
    assert tested == {"taken": True, "status": 204, "said": "", "error": None}
    assert receiver.got[0].json == {"type": "test", "site": "blog"}


@pytest.mark.parametrize(("status", "said"), [(302, "redirects"), (500, "answered 500")])
def test_a_test_that_is_not_taken_says_why(client, receiver, valid, status, said):
    put(client, receiver.url)
    receiver.answers = [status]
    tested = client.post(f"{PATH}/test").json
    valid("WebhookTested", tested)
    assert (tested["taken"], tested["status"], said in tested["error"]) == (False, status, True)


def test_a_test_that_is_not_allowed_any_more_says_why(client, receiver, make_app, site_key):
    put(client, receiver.url)
    stricter = with_key(make_app(), site_key)
    tested = stricter.post(f"{PATH}/test").json
    assert (tested["status"], "not on the public internet" in tested["error"]) == (None, True)
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "ftp://blog.example/",
        "https://ann:secret@blog.example/",
        "nonsense",
    ],
)
def test_an_address_that_nothing_is_sent_to_is_refused_and_not_kept(client, problem, url):
    problem(client.put(PATH, json={"url": url}), 422, "invalid-address")
    problem(client.get(PATH), 404, "webhook-not-found")


@pytest.mark.parametrize("body", [{}, {"url": 5}, {"url": ""}, {"url": "x" * 2_001}, {"url": "http://x", "y": 1}, []])
def test_a_body_that_makes_no_sense_is_refused(client, problem, body):
    problem(client.put(PATH, json=body), 422, "invalid-request")


@CALLS
def test_a_webhook_needs_a_key(anonymous, problem, method, path):
    problem(anonymous.open(PATH + path, method=method, json={}), 401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")])
def test_another_site_s_webhook_is_not_found(app, client, receiver, problem, method, path):
    put(client, receiver.url)
    problem(client_of(app, "other").open(PATH + path, method=method), 404, "webhook-not-found")
    assert client.get(PATH).json["url"] == receiver.url


# -- Links


def test_a_link_is_made_for_one_comment_and_one_reviewer(app, client, valid):
    comment_id = client.post("/v1/comments", json={"text": "Hi", "id": "c1"}).json["id"]
    response = client.post("/v1/comments/c1/links", json={"reviewer": "ann"})
    valid("LinkShown", response.json)
    base, _, token = response.json["url"].rpartition("/")
    assert (response.status_code, base) == (201, "http://localhost/dashboard/mail")
    found = read(parts_of(app).sites.secret, token, now_ms())
    assert (found.comment_id, found.reviewer) == (comment_id, "ann")
    assert 0 <= now_ms() + 7 * DAY - found.expires_at < 60_000


@pytest.mark.parametrize(
    "body",
    [{}, {"reviewer": ""}, {"reviewer": "x" * 65}, {"reviewer": "ann", "days": 0}, {"reviewer": "a", "days": 31}],
)
def test_a_link_that_makes_no_sense_is_refused(client, problem, body):
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    problem(client.post("/v1/comments/c1/links", json=body), 422, "invalid-request")


def test_a_link_to_nothing_or_to_another_site_s_comment_is_not_made(app, client, problem):
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    wanted = {"reviewer": "ann"}
    problem(client.post("/v1/comments/c2/links", json=wanted), 404, "comment-not-found")
    problem(client_of(app, "other").post("/v1/comments/c1/links", json=wanted), 404, "comment-not-found")


def test_a_link_needs_a_key(anonymous, problem):
    problem(anonymous.post("/v1/comments/c1/links", json={"reviewer": "ann"}), 401, "unauthorized")
