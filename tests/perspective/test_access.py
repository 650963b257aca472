"""Keys and addresses."""

from __future__ import annotations

import pytest

from tests.api.test_edges import locked
from tests.conftest import parts_of
from tests.perspective.conftest import analysis

INVALID_KEY = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "commentanalyzer.googleapis.com"},
        }
    ],
}


@pytest.mark.parametrize(
    "path",
    [
        *("/v1alpha1/comments:analyze", "/v1alpha1/comments%3Aanalyze", "/v1alpha1/comments%3aanalyze"),
        *("/comments:analyze", "/comments%3Aanalyze"),
    ],
)
def test_every_way_to_write_the_address_leads_here(anonymous, site_key, path):
    assert anonymous.post(path, json=analysis(), query_string={"key": site_key}).status_code == 200


def test_the_key_may_be_in_a_header(post, site_key):
    assert post(analysis(), query_string={}, headers={"x-goog-api-key": site_key}).status_code == 200


def test_parameters_of_the_service_are_passed_over(post, site_key):
    query = {"key": f" {site_key} ", "alt": "json", "prettyPrint": "false", "$.xgafv": "2", "fields": "x", "a": "b"}
    assert post(analysis(), query_string=query).status_code == 200


@pytest.mark.parametrize("key", ["x", "0123456789ab", "é", "\0", "k" * 10_000])
@pytest.mark.parametrize("operation", ["analyze", "suggestscore"])
def test_a_wrong_key_is_told_before_anything_else(post, key, operation):
    response = post(b"{", operation, query_string={"key": key})
    assert (response.status_code, response.json["error"]) == (400, INVALID_KEY)


def test_a_key_that_was_revoked_is_wrong(app, post, site_key):
    parts_of(app).sites.revoke_key("blog", site_key)
    assert post(analysis()).json["error"] == INVALID_KEY


@pytest.mark.parametrize("query", [{}, {"key": ""}, {"key": " "}])
def test_without_a_key_nobody_is_let_in(post, query):
    response = post(b"", query_string=query)
    error = response.json["error"]
    assert (response.status_code, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    assert error["message"].startswith("Method doesn't allow unregistered callers")
    assert error["details"][0]["@type"].endswith("ErrorInfo")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore", "/comments:analyze"])
def test_another_method_is_not_allowed(anonymous, method, path):
    response = getattr(anonymous, method)(path)
    assert (response.status_code, response.headers["Allow"], response.json["error"]["code"]) == (405, "POST", 405)


@pytest.mark.parametrize("method", ["get", "post", "put"])
@pytest.mark.parametrize("path", ["", "/", "/nothing", "/comments:other", "/a/b", "/comments:analyze/", "/%00"])
def test_what_is_not_there_is_not_found(anonymous, method, path):
    response = getattr(anonymous, method)(f"/v1alpha1{path}")
    error = response.json["error"]
    assert (response.status_code, error["status"], len(error["details"])) == (404, "NOT_FOUND", 1)


def test_a_database_that_is_busy_is_told_with_a_time_to_wait(impatient, app, post, stored):
    scores = {"TOXICITY": {"summaryScore": {"value": 1}}}
    with locked(app):
        response = post({"comment": {"text": "Hi"}, "attributeScores": scores}, "suggestscore")
    error = response.json["error"]
    assert (response.status_code, error["status"], len(error["details"])) == (503, "UNAVAILABLE", 1)
    assert (int(response.headers["Retry-After"]) > 0, stored()) == (True, 0)


def test_a_database_that_takes_nothing_is_scored_with(impatient, app, post):
    with locked(app):
        assert post(analysis()).status_code == 200


def test_a_failure_of_ours_says_nothing_of_itself(app, post):
    parts_of(app).rules = None
    response = post(analysis("some words"))
    error = response.json["error"]
    assert (response.status_code, error["message"]) == (500, "Internal error encountered.")
    assert (error["status"], len(error["details"])) == ("INTERNAL", 1)
