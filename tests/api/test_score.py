"""``POST /v1/score``: judged, and nothing kept."""

from __future__ import annotations

import pytest

BODIES = pytest.mark.parametrize("body", [{"text": "Hi", "id": "c1"}, [{"text": "Hi", "id": "c1"}, {"text": "Ho"}]])


@BODIES
def test_nothing_is_stored(client, stored, body):
    assert client.post("/v1/score", json=body).status_code == 200
    assert stored() == 0


def test_a_scored_comment_is_not_found(client):
    client.post("/v1/score", json={"text": "Hi", "id": "c1"})
    assert client.get("/v1/comments/c1").status_code == 404


def test_an_answer_has_no_ids(client, valid):
    answer = client.post("/v1/score", json={"text": "Hi", "id": "c1"}).json
    valid("Answer", answer)
    assert not {"id", "external_id", "repeated"} & set(answer)


@BODIES
def test_the_verdict_is_the_one_a_check_gives(client, body):
    def without_ids(answers):
        answers = answers if isinstance(answers, list) else [answers]
        return [{k: v for k, v in one.items() if k not in ("id", "external_id")} for one in answers]

    scored, checked = (client.post(path, json=body).json for path in ("/v1/score", "/v1/comments"))
    assert without_ids(scored) == without_ids(checked)


def test_a_bad_comment_of_a_list_is_told_by_its_place(client, valid):
    response = client.post("/v1/score", json=[{"text": "Hi"}, {}])
    assert response.status_code == 207
    valid("Failed", response.json[1])
    assert response.json[1]["index"] == 1


def test_unknown_fields_are_named(client):
    assert client.post("/v1/score", json={"text": "Hi", "txet": ""}).json["warnings"] == [
        "unknown field `txet` was ignored"
    ]
