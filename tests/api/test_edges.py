"""What a hostile or broken client may send, and what may be broken under the API."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from api import create_app
from moderation.errors import ArtifactError, BadSetting, ModelNotFound, SchemaMismatch
from moderation.store import database, migrate
from tests.conftest import DATABASES, client_of, parts_of

JSON = "application/json"
DEEP = 100_000


def send(client, body: bytes, path: str = "/v1/comments"):
    return client.post(path, data=body, content_type=JSON)


def shown_text(client, answer) -> str:
    """The text that was kept."""
    return client.get(f"/v1/comments/{answer.json['id']}").json["revisions"][-1]["comment"]["text"]


# -- Odd texts


@pytest.mark.parametrize(
    "words",
    ["", " ", "\n\t", ".", "a" * 1_000_000, "word " * 200_000, "a" + "\u0301" * 200_000, "<" * 100_000,
     "[url=" * 20_000, "&amp;" * 50_000, "http://a.b/" * 20_000, "\u202e" * 10_000, "👨\u200d👩\u200d👦" * 10_000,
     "\uffff\U0010ffff", "a\x1fb", '"\\'],
    ids=lambda words: f"{words[:8].encode('unicode_escape').decode()}-{len(words)}",
)  # fmt: skip
def test_any_text_is_judged_and_kept_as_it_is(client, words):
    answer = client.post("/v1/comments", json={"text": words})
    assert (answer.status_code, "warnings" in answer.json) == (200, False)
    assert shown_text(client, answer) == words


@DATABASES
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb'{"text": "a\ud83d"}', "a\ufffd"),
        (rb'{"text": "\ude00b"}', "\ufffdb"),
        (rb'{"text": "\ude00\ud83d"}', "\ufffd\ufffd"),
        (rb'{"text": "\UD83D"}'.replace(rb"\U", rb"\u"), "\ufffd"),
        (rb'{"text": "a\u0000b"}', "a\ufffdb"),
    ],
)
def test_characters_that_cannot_be_kept_are_replaced_with_a_warning(make_app, database_url, sent, kept):
    client = client_of(make_app(database=database_url))
    answer = send(client, sent)
    assert (answer.status_code, len(answer.json["warnings"])) == (200, 1)
    assert shown_text(client, answer) == kept


@DATABASES
def test_an_id_with_such_characters_is_the_same_id_again(make_app, database_url):
    client = client_of(make_app(database=database_url))
    first, again = (send(client, rb'{"text": "Hi", "id": "a\u0000\ud83d"}').json for _ in range(2))
    assert (again["id"], again["repeated"], again["external_id"]) == (first["id"], True, "a\ufffd\ufffd")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(rb'{"text": "\ud83d\ude00"}', "😀"), (rb'{"text": "\\u0000"}', r"\u0000"), (rb'{"text": "\\ud83d"}', r"\ud83d")],
)
def test_characters_that_look_like_those_are_left_alone(client, sent, kept):
    answer = send(client, sent)
    assert shown_text(client, answer) == kept
    assert "warnings" not in answer.json


def test_a_warning_stands_at_the_comment_it_is_about(client):
    first, second = send(client, rb'[{"text": "a\u0000"}, {"text": "b"}]').json
    assert "warnings" in first
    assert "warnings" not in second


# -- Bodies that are no comments


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"{}}", b"text", b"'", b'{"text": "a}', b'{"text": "a\x00"}', b"NaN", b'{"text": "a",}',
     b"\xef\xbb\xbf{}", b'{"text": "\xff"}', b'{"text": "\xc0\xaf"}', b'{"text": "\xed\xa0\xbd"}',
     b"\xff\xfe{\x00}\x00", b'{"text": "\\x"}', b'{"text": "\\ud83"}', b'{"\\ud83d": '],
)  # fmt: skip
def test_what_is_no_json_in_utf8_is_refused(client, problem, stored, body):
    problem(send(client, body), 400, "malformed-json")
    assert stored() == 0


def test_invalid_utf8_is_named(client, problem):
    assert "0xff" in problem(send(client, b'{"text": "\xff"}'), 400, "malformed-json")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP,
        b'{"text": "Hi", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"text": "\\ud83d", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"text": "\\u0000", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    ],
)
def test_json_that_is_nested_without_end_is_refused(client, problem, body):
    problem(send(client, body), 400, "malformed-json")


@pytest.mark.parametrize("depth", [100, 300, 400, 500, 600, 700, 800, 900, 950])
@pytest.mark.parametrize("words", [b"Hi", b"\\u0000", b"\\ud83d"])
def test_json_that_is_nested_deeply_is_taken_or_refused(client, depth, words):
    body = b'{"text": "' + words + b'", "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert send(client, body).status_code in (200, 400)


@pytest.mark.parametrize("body", [b"null", b"true", b"5", b'"Hi"', b"{}", b'{"id": "c1"}', b'{"Text": "Hi"}'])
def test_json_that_is_no_comment_is_refused(client, problem, body):
    assert problem(send(client, body), 422, "invalid-comment")["errors"]


TEXTS = [
    *("text", "id", "type", "referrer", "language", "post.url", "post.title", "parent.id", "parent.text"),
    *("author.name", "author.email", "author.url", "author.ip", "author.user_agent", "author.role", "form.honeypot"),
]
WRONG = [
    *((path, value) for path in TEXTS for value in (5, True, ["x"], {})),
    *((path, value) for path in ("author", "post", "parent", "form") for value in ("x", 5, [], True)),
    *((path, value) for path in ("submitted_at", "post.published_at") for value in ("yesterday", "", {}, True)),
    *(("is_test", value) for value in ("true", 1, [], None)),
    *(("form.seconds_to_submit", value) for value in ("3", True, [])),
    ("text", None),
    ("type", None),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda one: one if isinstance(one, str) else repr(one))
def test_a_value_of_the_wrong_type_is_refused_with_its_place(client, problem, path, value):
    outer, _, inner = path.partition(".")
    sent = {"text": "Hi", outer: {inner: value} if inner else value}
    (error,) = problem(client.post("/v1/comments", json=sent), 422, "invalid-comment")["errors"]
    assert error["at"] == f"$.{path}"


@pytest.mark.parametrize("name", ["", "x" * 256, "👍" * 256])
def test_an_id_has_one_to_255_characters(client, problem, name):
    (error,) = problem(client.post("/v1/comments", json={"text": "Hi", "id": name}), 422, "invalid-comment")["errors"]
    assert error["at"] == "$.id"


@DATABASES
@pytest.mark.parametrize("name", ["x" * 255, "👍" * 255])
def test_a_long_id_is_kept_on_either_database(make_app, database_url, name):
    client = client_of(make_app(database=database_url))
    assert client.post("/v1/comments", json={"text": "Hi", "id": name}).json["external_id"] == name


@pytest.mark.parametrize("path", ["id", "author", "post", "parent", "form", "submitted_at", "author.name"])
def test_a_missing_fact_may_be_written_as_null(client, path):
    outer, _, inner = path.partition(".")
    assert client.post("/v1/comments", json={"text": "Hi", outer: {inner: None} if inner else None}).status_code == 200


def test_unknown_fields_are_named_and_ignored(client):
    sent = {"text": "Hi", "lang": "en", "author": {"nickname": "A"}, "post": {"x": {"y": 1}}}
    warnings = client.post("/v1/comments", json=sent).json["warnings"]
    assert [warning.split("`")[1] for warning in warnings] == ["lang", "author.nickname", "post.x"]


def test_a_field_given_twice_counts_once(client):
    assert shown_text(client, send(client, b'{"text": "first", "text": "second"}')) == "second"


# -- How it is sent


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json", "multipart/form-data"]
)
def test_another_content_type_is_refused(client, problem, content_type):
    response = client.post("/v1/comments", data=b'{"text": "Hi"}', content_type=content_type)
    problem(response, 415, "unsupported-media-type")


def test_a_body_over_the_limit_is_refused(make_app, problem):
    client = client_of(make_app(max_body=2_000))
    body = problem(client.post("/v1/comments", json={"text": "x" * 2_000}), 413, "request-entity-too-large")
    assert "2,000 bytes" in body["detail"]


def test_a_body_at_the_limit_is_taken(make_app):
    client = client_of(make_app(max_body=2_000))
    assert send(client, json.dumps({"text": "Hi"}).encode().ljust(2_000)).status_code == 200


# -- Lists


def test_an_empty_list_is_answered_with_an_empty_list(client):
    answer = client.post("/v1/comments", json=[])
    assert (answer.status_code, answer.json) == (200, [])


def test_a_thousand_comments_are_taken_at_once(client, stored):
    answer = client.post("/v1/comments", json=[{"text": f"Hi {number}"} for number in range(1_000)])
    assert (answer.status_code, len(answer.json), stored()) == (200, 1_000, 1_000)


def test_a_thousand_and_one_are_refused_as_a_whole(client, problem, stored):
    problem(client.post("/v1/comments", json=[{"text": "Hi"}] * 1_001), 413, "too-many-comments")
    assert stored() == 0


@pytest.mark.parametrize("bad", [{}, {"text": 5}, None, [], "Hi", 5])
def test_a_bad_comment_of_a_list_is_told_by_its_place_and_the_others_kept(client, stored, valid, bad):
    answer = client.post("/v1/comments", json=[{"text": "A"}, bad, {"text": "B"}])
    assert (answer.status_code, stored()) == (207, 2)
    valid("Failed", answer.json[1])
    assert (answer.json[1]["index"], answer.json[1]["problem"]["status"]) == (1, 422)


def test_a_list_of_bad_comments_keeps_nothing(client, stored):
    answer = client.post("/v1/comments", json=[{}, {}])
    assert ([one["index"] for one in answer.json], stored()) == ([0, 1], 0)


# -- A database that will not


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)


@contextmanager
def locked(app):
    """Another process's write transaction."""
    with closing(sqlite3.connect(parts_of(app).settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("body", [{"text": "Hi", "id": "c1"}, [{"text": "Hi", "id": "c1"}, {}]])
def test_a_locked_database_is_a_problem_with_a_time_to_come_back(impatient, app, client, problem, body, stored):
    with locked(app):
        response = client.post("/v1/comments", json=body)
    assert "locked" in problem(response, 503, "store-unavailable")["detail"]
    assert int(response.headers["Retry-After"]) > 0
    assert stored() == 0


def test_a_database_that_is_free_again_takes_the_comment(impatient, app, client):
    with locked(app):
        assert client.post("/v1/comments", json={"text": "Hi", "id": "c1"}).status_code == 503
    answer = client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    assert (answer.status_code, "repeated" in answer.json) == (200, False)


def test_a_locked_database_can_be_read_and_scored_with(impatient, app, client):
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    with locked(app):
        assert client.get("/v1/comments/c1").status_code == 200
        assert client.post("/v1/score", json={"text": "Hi"}).status_code == 200


def test_a_database_that_was_deleted_is_a_problem(app, client, problem):
    with parts_of(app).engine.begin() as connection:
        connection.execute(text("DROP TABLE keys"))
    problem(client.post("/v1/comments", json={"text": "Hi"}), 503, "store-unavailable")


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_a_database_at_another_version_is_refused_at_the_start(make_app, version):
    first = make_app()
    with parts_of(first).engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with pytest.raises(SchemaMismatch, match=version):
        make_app()


def test_an_empty_database_is_refused_at_the_start(settings):
    with pytest.raises(SchemaMismatch, match=f"needs {migrate.head()}"):
        create_app(settings)


def test_another_secret_is_refused_at_the_start(make_app):
    make_app()
    with pytest.raises(SchemaMismatch, match="secret"):
        make_app(secret="another secret entirely")


# -- A model that will not


@pytest.fixture
def models(model_folder, tmp_path) -> Path:
    """A folder of models, with one that may be damaged: base/0.0.1."""
    shutil.copytree(model_folder.parent.parent, tmp_path / "models")
    return tmp_path / "models"


def test_a_model_that_is_whole_is_served(make_app, models):
    client = client_of(make_app(models=models))
    assert client.post("/v1/score", json={"text": "Hi"}).json["model"] == "base/0.0.1"


def flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[-1] ^= 1
    path.write_bytes(held)


DAMAGE = {
    "one bit": (flip, "SHA-256 differs"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:1_000]), "SHA-256 differs"),
    "emptied": (lambda path: path.write_bytes(b""), "SHA-256 differs"),
    "gone": (Path.unlink, "is missing"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_refused_at_the_start(make_app, models, name):
    damage, said = DAMAGE[name]
    damage(models / "base" / "0.0.1" / "weights.npy")
    with pytest.raises(ArtifactError, match=said):
        make_app(models=models)


@pytest.mark.parametrize("held", [b"", b"{", b"{}", b"\xff"])
def test_a_damaged_manifest_is_refused_at_the_start(make_app, models, held):
    (models / "base" / "0.0.1" / "manifest.json").write_bytes(held)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        make_app(models=models)


@pytest.mark.parametrize("name", ["base/9.9.9", "..", "../..", "/etc", "nothing"])
def test_an_unknown_model_is_refused_at_the_start_with_those_there_are(make_app, models, name):
    with pytest.raises(ModelNotFound, match=r"there are: base/0\.0\.1"):
        make_app(models=models, model=name)


def test_a_folder_without_models_is_refused_at_the_start(make_app, tmp_path):
    with pytest.raises(ModelNotFound, match="no model here"):
        make_app(models=tmp_path)


def test_a_short_secret_is_refused_at_the_start(make_app):
    with pytest.raises(BadSetting, match="16 characters"):
        make_app(secret="short")


def test_the_settings_come_from_the_environment_where_none_are_given(make_app, settings, monkeypatch):
    make_app()  # Migrates the database and makes the secret.
    for name, value in replace(settings, max_body=4_321).as_environment().items():
        monkeypatch.setenv(name, value)
    app = create_app()
    assert app.config["MAX_CONTENT_LENGTH"] == 4_321
    parts_of(app).engine.dispose()
