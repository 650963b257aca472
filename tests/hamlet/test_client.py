"""The client for Python, sync and async, against the real server and over a bad line."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import msgspec
import pytest

from hamlet.answers import HamletRefused, HamletUnavailable, NotFromHamlet
from hamlet.calls import LONGEST_WAIT, MOST_AT_ONCE, Response, pause
from hamlet.client import (
    AsyncHamlet,
    Author,
    BadItem,
    Comment,
    Decision,
    Decisions,
    Hamlet,
    Post,
    Trial,
    Unknown,
    verify_webhook,
)
from moderation.webhooks import decisions_body, headers, shown_key
from moderation.webhooks import test_body as trial_body  # By its own name it would be a test.
from tests.api.test_server import Server, serving
from tests.hamlet.flaky import LOSE_ANSWER, LOSE_REQUEST, Answer, line_to

SPAM = "Cheap pills without prescription at http://best-pills.example/buy !!!"
HAM = "Thanks, step 3 fixed it for me."
BUSY = Answer(503, {"Retry-After": "0"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server."""
    with serving(tmp_path_factory.mktemp("client")) as start:
        yield start()


@pytest.fixture
def line(server):
    with line_to(server.port) as found:
        yield found


@pytest.fixture(params=["sync", "async"])
def hamlet(request, line, server):
    """Calls a method of the client over the line."""

    def call(name, *args, key=server.key, patience=15.0, **kwargs):
        with Hamlet(line.url, key, patience=patience) as client:
            found = getattr(client, name)(*args, **kwargs)
            return list(found) if name == "decisions" else found

    async def call_async(name, *args, key=server.key, patience=15.0, **kwargs):
        async with AsyncHamlet(line.url, key, patience=patience) as client:
            found = getattr(client, name)(*args, **kwargs)
            return [one async for one in found] if name == "decisions" else await found

    if request.param == "sync":
        return call
    return lambda *args, **kwargs: asyncio.run(call_async(*args, **kwargs))


@pytest.fixture
def new_id():
    return f"c-{uuid.uuid4().hex}"


# -- The calls


def test_a_comment_is_checked(hamlet):
    verdict = hamlet("check", Comment(text=SPAM, author=Author(name="Ann"), post=Post(url="https://blog.example/1")))
    assert verdict.decision in (Decision.HOLD, Decision.REJECT)
    assert verdict.scores["spam"] > 0.5
    assert verdict.reasons[0].message


def test_the_id_of_a_comment_is_the_site_s(hamlet, new_id):
    first, again = (hamlet("check", Comment(text=HAM, id=new_id)) for _ in range(2))
    assert (first.external_id, first.repeated, again.repeated) == (new_id, False, True)
    assert again.id == first.id


def test_comments_are_checked_together(hamlet):
    verdicts = hamlet("check", [Comment(text=HAM), Comment(text=SPAM)])
    assert verdicts[0].decision is Decision.ACCEPT
    assert verdicts[1].decision is not Decision.ACCEPT


def test_a_long_list_is_sent_in_several(hamlet, line):
    verdicts = hamlet("score", [Comment(text=f"number {i}") for i in range(MOST_AT_ONCE + 1)])
    assert (len(verdicts), len(line.sent)) == (MOST_AT_ONCE + 1, 2)


def test_no_comments_have_no_verdicts(hamlet, line):
    assert (hamlet("check", []), line.sent) == ([], [])


def test_a_bad_one_of_a_list_is_told_in_its_place(hamlet):
    verdicts = hamlet("check", [Comment(text=HAM), Comment(text=HAM, id="x" * 300)])
    assert isinstance(verdicts[1], BadItem)
    assert (verdicts[1].index, verdicts[1].problem.status) == (1, 422)


def test_scoring_keeps_nothing(hamlet, new_id):
    assert hamlet("score", Comment(text=SPAM, id=new_id)).id == ""
    with pytest.raises(HamletRefused):
        hamlet("show", new_id)


@pytest.mark.parametrize("start", ["c", "ü 1/2?x#y%41", "..", "a.b"])
def test_a_comment_is_shown(hamlet, start):
    name = start if start == ".." else f"{start}-{uuid.uuid4().hex}"
    hamlet("check", Comment(text=HAM, id=name, author=Author(name="Ann")))
    shown = hamlet("show", name)
    assert (shown.external_id, shown.revisions[0].comment.author.name) == (name, "Ann")
    assert shown.verdicts[0].decision is Decision.ACCEPT


def test_a_review_is_told_and_comes_back_as_a_decision(hamlet, new_id):
    before = max((one.number for one in hamlet("decisions")), default=0)
    hamlet("check", Comment(text=HAM, id=new_id))
    assert hamlet("review", new_id, "spam", reviewer="ann", note="again").reviews[0].note == "again"
    (decided,) = hamlet("decisions", after=before)
    assert (decided.external_id, decided.decision, decided.outcome) == (new_id, Decision.REJECT, "spam")


def test_decisions_are_read_page_by_page(hamlet, line):
    one = {"number": 1, "id": "a", "external_id": None, "decision": "hold", "outcome": None, "decided_by": "x",
           "decided_at": "2026-01-05T12:00:00Z"}  # fmt: skip
    pages = [
        {"decisions": [one], "next": 1, "more": True},
        {"decisions": [{**one, "number": 2}], "next": 2, "more": False},
    ]
    line.troubles = [Answer(200, body=json.dumps(page).encode()) for page in pages]
    assert [decided.number for decided in hamlet("decisions")] == [1, 2]


def test_half_an_emoji_is_no_reason_to_fail(hamlet):
    assert hamlet("check", Comment(text="Hi \ud83d")).warnings


def test_what_a_later_version_answers_is_passed_over(hamlet, line):
    body = {"decision": "hold", "scores": {}, "reasons": [], "new": {"a": 1}}
    line.troubles = [Answer(200, body=json.dumps(body).encode())]
    assert hamlet("score", Comment(text=HAM)).decision is Decision.HOLD


# -- Over a bad line


@pytest.mark.parametrize("trouble", [LOSE_REQUEST, LOSE_ANSWER, BUSY, Answer(429, {"Retry-After": "0"}), Answer(502)])
def test_a_call_that_gets_no_answer_is_made_again(hamlet, line, trouble):
    line.troubles = [trouble, trouble]
    assert hamlet("check", Comment(text=HAM)).decision is Decision.ACCEPT
    assert len(line.sent) == 3


def test_a_comment_is_not_judged_twice_though_its_answer_was_lost(hamlet, line):
    line.troubles = [LOSE_ANSWER]
    verdict = hamlet("check", Comment(text=HAM))
    assert (verdict.repeated, verdict.external_id[:3], line.sent[0]) == (True, "py-", line.sent[1])


def test_comments_of_a_list_are_not_judged_twice_either(hamlet, line):
    line.troubles = [LOSE_ANSWER]
    assert [one.repeated for one in hamlet("check", [Comment(text=HAM), Comment(text=SPAM)])] == [True, True]


@pytest.mark.parametrize(
    "trouble",
    [LOSE_REQUEST, Answer(503), Answer(503, {"Retry-After": "3600"}), Answer(429, {"Retry-After": "Mon"})],
)
def test_after_a_while_a_call_is_given_up(hamlet, line, trouble):
    line.troubles = [trouble] * 100
    with pytest.raises(HamletUnavailable):
        hamlet("check", Comment(text=HAM), patience=0.3)
    assert 1 <= len(line.sent) < 100


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"\xff", b'{"decision": "perhaps"}'])
def test_an_answer_that_is_not_hamlet_s_is_no_answer(hamlet, line, body):
    line.troubles = [Answer(200, body=body)]
    with pytest.raises(HamletUnavailable, match="not Hamlet's"):
        hamlet("check", Comment(text=HAM))


@pytest.mark.parametrize("body", [b"[{}]", b"[]", b"{}", b'[{"problem": 5}]'])
def test_a_list_that_is_not_hamlet_s_is_no_answer(hamlet, line, body):
    line.troubles = [Answer(200, body=body)]
    with pytest.raises(HamletUnavailable, match="not Hamlet's"):
        hamlet("check", [Comment(text=HAM)])


def test_a_failure_of_the_server_is_not_asked_for_again(hamlet, line):
    line.troubles = [Answer(500)]
    with pytest.raises(HamletUnavailable, match="500"):
        hamlet("check", Comment(text=HAM))
    assert len(line.sent) == 1


def test_nobody_there_is_unavailable(line, server):
    with Hamlet("http://127.0.0.1:1", server.key, patience=0.2) as client, pytest.raises(HamletUnavailable):
        client.check(Comment(text=HAM))


# -- What is refused


def test_what_is_refused_is_not_sent_again(hamlet, line):
    with pytest.raises(HamletRefused, match="no such key") as refused:
        hamlet("check", Comment(text=HAM), key="wrong")
    assert (refused.value.status, refused.value.kind, len(line.sent)) == (401, "unauthorized", 1)


def test_a_comment_that_is_not_there_is_refused(hamlet):
    with pytest.raises(HamletRefused) as refused:
        hamlet("show", "nothing")
    assert (refused.value.status, refused.value.kind) == (404, "comment-not-found")


@pytest.mark.parametrize(
    "answer", [Answer(301, {"Location": "https://elsewhere.example/"}), Answer(404), Answer(400, body=b"{}")]
)
def test_a_refusal_without_a_reason_names_its_status(hamlet, line, answer):
    line.troubles = [answer]
    with pytest.raises(HamletRefused, match=f"status {answer.status}"):
        hamlet("check", Comment(text=HAM))


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "javascript:alert(1)"])
@pytest.mark.parametrize("kind", [Hamlet, AsyncHamlet])
def test_an_address_that_is_none_is_refused(kind, url):
    with pytest.raises(ValueError, match="begins with http"):
        kind(url, "k")


def test_the_key_is_not_shown(server):
    with Hamlet("http://localhost:8080/", "secret-key") as client:
        assert repr(client) == "Hamlet('http://localhost:8080')"


# -- Waiting


def test_the_time_between_two_tries_grows_to_a_limit():
    waits = [pause(failures, None) for failures in range(1, 50)]
    assert 0.05 <= waits[0] <= 0.1
    assert max(waits) <= LONGEST_WAIT
    assert min(waits[10:]) >= LONGEST_WAIT / 2


@pytest.mark.parametrize(("told", "low", "high"), [("3", 3, 3.1), ("0", 0, 0.1), ("", 0.05, 0.1), ("-1", 0.05, 0.1),
                                                   ("²", 0.05, 0.1), ("9" * 400, 1e8, 1e9)])  # fmt: skip
def test_the_server_s_word_counts(told, low, high):
    assert low <= pause(1, Response(503, b"", told)) <= high


AN_HOUR = 3_600.0
"""A client that waited for its time-out would let nobody see the end of this test."""


def test_a_server_that_keeps_silent_is_waited_for_no_longer_than_the_call():
    def check(url):
        with Hamlet(url, "0123456789ab", timeout=AN_HOUR, patience=0.2) as client:
            client.check(Comment(text=HAM))

    async def check_async(url):
        async with AsyncHamlet(url, "0123456789ab", timeout=AN_HOUR, patience=0.2) as client:
            await client.check(Comment(text=HAM))

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for call in (check, lambda url: asyncio.run(check_async(url))):
            with pytest.raises(HamletUnavailable):
                call(url)


# -- Webhooks

KEY = bytes(range(32))
SECRET = shown_key(KEY)
NOW = 1_800_000_000


def signed(body: bytes, key: bytes = KEY, name: str = "m1") -> dict[str, str]:
    return headers(key, name, NOW, body)


def test_a_trial_is_understood():
    body = trial_body("blog")
    assert verify_webhook(body, signed(body), SECRET, now=NOW) == Trial(site="blog")


def test_decisions_are_understood():
    body = decisions_body("blog", [])
    assert verify_webhook(body, signed(body), SECRET, now=NOW) == Decisions(site="blog", decisions=())


def test_a_sort_that_is_not_known_yet_is_taken():
    body = b'{"type": "something", "site": 5}'
    assert verify_webhook(body, signed(body), SECRET, now=NOW) == Unknown(type="something")


def test_the_names_of_headers_have_any_case():
    body = trial_body("blog")
    shouted = {name.upper(): value for name, value in signed(body).items()}
    assert isinstance(verify_webhook(body, shouted, SECRET, now=NOW), Trial)


def test_one_of_several_signatures_will_do():
    body = trial_body("blog")
    given = {**signed(body), "webhook-signature": f"v1a,x v1,ä {signed(body)['webhook-signature']}"}
    assert isinstance(verify_webhook(body, given, SECRET, now=NOW), Trial)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,\ud83d"},
        {"webhook-id": "m2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 5_000},
        {"webhook-timestamp": "-1"},
    ],
)
def test_a_changed_webhook_is_not_hamlet_s(change):
    body = trial_body("blog")
    with pytest.raises(NotFromHamlet):
        verify_webhook(body, {**signed(body), **change}, SECRET, now=NOW)


def test_another_body_or_another_key_is_not_hamlet_s():
    body = trial_body("blog")
    for given, key in ((body + b" ", KEY), (body, bytes(32))):
        with pytest.raises(NotFromHamlet, match="signature"):
            verify_webhook(given, signed(body, key), SECRET, now=NOW)


def test_no_headers_are_not_hamlet_s():
    with pytest.raises(NotFromHamlet):
        verify_webhook(b"{}", {}, SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"type": "decisions"}', b'{"type": 5}'])
def test_a_signed_body_that_says_nothing_is_not_hamlet_s(body):
    with pytest.raises(NotFromHamlet, match="none of Hamlet's"):
        verify_webhook(body, signed(body), SECRET, now=NOW)


@pytest.mark.parametrize("now", [NOW + 301, NOW - 301])
def test_an_old_webhook_is_not_taken(now):
    body = trial_body("blog")
    with pytest.raises(NotFromHamlet, match="too old"):
        verify_webhook(body, signed(body), SECRET, now=now)


def test_a_secret_that_is_none_is_the_blog_s_mistake():
    body = trial_body("blog")
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(body, signed(body), "whsec_?", now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_lets_nobody_sign(secret):
    body = trial_body("blog")
    with pytest.raises(ValueError, match="empty"):
        verify_webhook(body, signed(body, b""), secret, now=NOW)


# -- The module itself


def test_the_client_needs_neither_web_server_nor_database_nor_model():
    code = "import sys, hamlet.client; print(*(name.partition('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"httpx", "msgspec"} <= set(done.stdout.split())
    assert not {"flask", "sqlalchemy", "numpy", "sklearn", "api"} & set(done.stdout.split())


def test_a_comment_reads_as_it_is_sent(hamlet, line):
    comment = Comment(text=HAM, id="same-1", author=Author(name="Ann"))
    hamlet("score", comment)
    assert msgspec.json.decode(line.sent[0], type=Comment) == comment
