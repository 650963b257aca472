"""Google's client for Python, which builds itself from our description, against the real server."""

from __future__ import annotations

import json
from contextlib import closing

import httplib2
import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError, UnknownApiNameOrVersion

from tests.perspective.conftest import HELLO, INSULT, analysis


@pytest.fixture
def connect(server):
    """Makes clients, as the documentation of Perspective does."""

    with closing(httplib2.Http()) as http:

        def make(key=server.key, version="v1alpha1"):
            address = f"http://127.0.0.1:{server.port}/$discovery/rest?version={version}"
            given = {"discoveryServiceUrl": address, "static_discovery": False, "http": http}
            return build("commentanalyzer", version, developerKey=key, **given)

        yield make


@pytest.fixture
def comments(connect):
    return connect().comments()


def error_of(call):
    with pytest.raises(HttpError) as failed:
        call.execute()
    return failed.value.status_code, json.loads(failed.value.content)["error"]


def test_a_comment_is_analyzed(comments):
    answer = comments.analyze(body=analysis(INSULT, "TOXICITY", "THREAT")).execute()
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.9
    assert answer["languages"] == ["en"]


def test_a_score_is_suggested(comments):
    scores = {"TOXICITY": {"summaryScore": {"value": 0.1}}}
    body = {"comment": {"text": HELLO}, "attributeScores": scores, "clientToken": "g1"}
    assert comments.suggestscore(body=body).execute()["clientToken"] == "g1"


def test_every_parameter_the_client_knows_is_taken(comments):
    body = analysis(context={"entries": [{"text": "x"}]}, languages=["en"], spanAnnotations=True, doNotStore=True,
                    clientToken="c", sessionId="s", communityId="m")  # fmt: skip
    answer = comments.analyze(body=body, x__xgafv="2", fields="*", quotaUser="q", prettyPrint=True).execute()
    assert answer["clientToken"] == "c"


def test_a_refusal_is_understood(comments):
    status, error = error_of(comments.analyze(body=analysis(HELLO, "FLIRTATION")))
    assert (status, error["message"]) == (400, "Unknown requested attribute: FLIRTATION")


def test_a_wrong_key_is_told_when_the_client_is_made(connect):
    with pytest.raises(HttpError, match="API key not valid") as failed:
        connect(key="wrong")
    assert failed.value.status_code == 400


def test_without_a_key_a_client_is_made_that_may_not_call(connect):
    assert error_of(connect(key=None).comments().analyze(body=analysis()))[0] == 403


def test_another_version_is_not_there(connect):
    with pytest.raises(UnknownApiNameOrVersion):
        connect(version="v2")


# -- Batches


@pytest.fixture
def batch(connect):
    """Sends calls together; answers and failures in their order."""
    service = connect()

    def send(*bodies):
        told = {}
        many = service.new_batch_http_request(callback=lambda name, answer, error: told.update({name: error or answer}))
        for number, body in enumerate(bodies):
            many.add(service.comments().analyze(body=body), request_id=f"é {number}")
        many.execute()
        return [told[f"é {number}"] for number in range(len(bodies))]

    return send


def test_calls_are_answered_together(batch):
    answers = batch(analysis(INSULT), analysis(HELLO), analysis("größer 😀 als –", clientToken="ü\n--x"))
    values = [one["attributeScores"]["TOXICITY"]["summaryScore"]["value"] for one in answers]
    assert values[0] > 0.9 > values[1]
    assert answers[2]["clientToken"] == "ü\n--x"


def test_one_call_that_fails_fails_alone(batch):
    answers = batch(analysis(), analysis(""), analysis())
    assert isinstance(answers[1], HttpError)
    assert (answers[1].status_code, answers[1].reason) == (400, "Comment must be non-empty.")
    assert answers[0] == answers[2]


def test_a_hundred_calls_go_together(batch):
    assert (
        len([one for one in batch(*[analysis(f"number {i}") for i in range(100)]) if "attributeScores" in one]) == 100
    )
