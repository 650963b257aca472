"""Who may ask: a site, by its key."""

from __future__ import annotations

import pytest

from tests.conftest import parts_of, with_key

CALLS = pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/comments"), ("POST", "/v1/score"), ("GET", "/v1/comments/c1")]
)


@CALLS
def test_without_a_key_nothing_is_answered(anonymous, problem, method, path):
    response = anonymous.open(path, method=method, json={"text": "Hi"})
    problem(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="hamlet"'


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Bearer 0123456789ab", "Bearer é", "Basic YTpi", "0123456789ab",
     "Bearer " + "0" * 5_000],
)  # fmt: skip
def test_what_is_no_key_is_refused(anonymous, problem, stored, header):
    response = anonymous.post("/v1/comments", json={"text": "Hi"}, headers={"Authorization": header})
    problem(response, 401, "unauthorized")
    assert stored() == 0


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {} "])
def test_a_key_opens_the_door(anonymous, site_key, form):
    headers = {"Authorization": form.format(site_key)}
    assert anonymous.post("/v1/comments", json={"text": "Hi"}, headers=headers).status_code == 200


def test_a_key_under_another_scheme_is_refused(anonymous, site_key, problem):
    response = anonymous.post("/v1/score", json={"text": "Hi"}, headers={"Authorization": f"Token {site_key}"})
    assert "Bearer" in problem(response, 401, "unauthorized")["detail"]


def test_a_key_in_the_address_is_no_key(anonymous, site_key):
    assert anonymous.post(f"/v1/score?key={site_key}", json={"text": "Hi"}).status_code == 401


def test_a_revoked_key_is_refused(app, client, site_key, problem):
    assert client.post("/v1/score", json={"text": "Hi"}).status_code == 200
    parts_of(app).sites.revoke_key("blog", site_key)
    problem(client.post("/v1/score", json={"text": "Hi"}), 401, "unauthorized")


def test_every_key_of_a_site_opens_the_same_door(app, client):
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    other = with_key(app, parts_of(app).sites.create_key("blog"))
    assert other.get("/v1/comments/c1").status_code == 200


def test_the_key_is_never_sent_back(client, site_key):
    for response in (
        client.post("/v1/comments", json={"text": "Hi"}),
        client.post("/v1/comments"),
        client.get("/v1/x"),
    ):
        assert site_key not in response.text + str(response.headers)


def test_a_refusal_says_nothing_about_other_keys(anonymous, app, site_key):
    def refused(key):
        return anonymous.post("/v1/score", json={}, headers={"Authorization": f"Bearer {key}"}).text

    assert refused(site_key[:-1] + ("0" if site_key[-1] != "0" else "1")) == refused("nonsense")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_some_pages_need_no_key(anonymous, path):
    assert anonymous.get(path).status_code == 200
