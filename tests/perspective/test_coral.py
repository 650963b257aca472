"""Coral's very calls, on one connection, with its headers in their order."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

import pytest

from tests.perspective.conftest import HELLO, INSULT, PATIENCE

LOCALES = ("en", "es", "fr", "de", "pt")


@pytest.fixture
def coral(server):
    """Calls an operation as Coral does; status and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:

        def call(operation, body):
            data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
            connection.putrequest("POST", f"/v1alpha1/comments:{operation}?key={server.key}", True, True)
            for name, value in (
                ("Accept", "application/json, text/plain, */*"),
                ("Content-Type", "application/json"),
                ("User-Agent", "Coral Perspective/9.11.8"),
                ("Content-Length", str(len(data))),
                ("Host", f"127.0.0.1:{server.port}"),
                ("Connection", "keep-alive"),
            ):
                connection.putheader(name, value)
            connection.endheaders(data)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

        yield call


def analyze_of(text, language="en", model="TOXICITY"):
    return {"comment": {"text": text}, "doNotStore": True, "requestedAttributes": {model: {}}, "languages": [language]}


def suggest_of(text, value, comment="c1", model="TOXICITY"):
    place = {"url": f"https://news.example.org/story?commentID={comment}", "Coral_comment_id": comment}
    return {
        "comment": {"text": text},
        "context": {"entries": [{"text": json.dumps(place)}]},
        "attributeScores": {model: {"summaryScore": {"value": value}}},
        "languages": ["en"],
        "communityId": "Coral:https://news.example.org",
        "clientToken": f"comment:{comment}",
    }


@pytest.mark.parametrize("model", ["TOXICITY", "TOXICITY@6", "SEVERE_TOXICITY"])
def test_the_score_stands_under_the_name_of_the_model(coral, model):
    status, answer = coral("analyze", analyze_of(INSULT, model=model))
    assert (status, 0 <= answer["attributeScores"][model]["summaryScore"]["value"] <= 1) == (200, True)


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("text", [HELLO, "これはひどい", "Vilken härlig dag det är idag", "😀"])
def test_all_its_locales_score_whatever_is_written_in_them(coral, language, text):
    assert coral("analyze", analyze_of(text, language))[0] == 200


def test_what_moderators_decide_is_learnt(coral, server):
    for value in (1, 0):
        assert coral("suggestscore", suggest_of(HELLO, value))[1]["clientToken"] == "comment:c1"
    told = server.ask("GET", "/v1/decisions")[1]["decisions"]
    assert [(one["decision"], one["outcome"]) for one in told][-2:] == [("reject", "abuse"), ("accept", "ham")]


def test_a_connection_is_kept_through_refusals(coral):
    assert coral("analyze", analyze_of(""))[0] == 400
    assert coral("analyze", analyze_of(HELLO, "xx"))[0] == 400
    assert coral("analyze", analyze_of(HELLO))[0] == 200
