"""The description that clients build themselves from."""

from __future__ import annotations

import pytest

from api.perspective.operations import OPERATIONS

PATH = "/$discovery/rest?version=v1alpha1"


def test_it_leads_to_the_calls(anonymous):
    document = anonymous.get(PATH).json
    methods = document["resources"]["comments"]["methods"]
    paths = {f"v1alpha1/{name}" for name in OPERATIONS}
    assert {one["path"] for one in methods.values()} == paths
    assert (document["servicePath"], document["batchPath"]) == ("", "batch")


def test_every_reference_leads_somewhere(anonymous):
    document = anonymous.get(PATH).json
    named = set(_references(document))
    assert named
    assert named <= set(document["schemas"])


def _references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


@pytest.mark.parametrize(
    ("headers", "root"),
    [
        ({}, "http://localhost/"),
        ({"Host": "hamlet.example.org"}, "http://hamlet.example.org/"),
        ({"Host": "hamlet.example.org:8443", "X-Forwarded-Proto": "https"}, "https://hamlet.example.org:8443/"),
        ({"X-Forwarded-Proto": "gopher"}, "http://localhost/"),
        ({"X-Forwarded-Host": "evil.example"}, "http://localhost/"),
    ],
)
def test_the_address_is_the_one_that_was_asked(anonymous, headers, root):
    assert anonymous.get(PATH, headers=headers).json["rootUrl"] == root


def test_no_way_to_sign_in_is_named(anonymous):
    assert "auth" not in anonymous.get(PATH).json


@pytest.mark.parametrize("path", [PATH, "/%24discovery/rest", "/$discovery/rest?version=v1alpha1&key="])
def test_no_key_is_needed(anonymous, path):
    assert anonymous.get(path).json["name"] == "commentanalyzer"


def test_a_wrong_key_is_told(anonymous, site_key):
    assert anonymous.get(f"{PATH}&key={site_key}").status_code == 200
    response = anonymous.get(f"{PATH}&key=x")
    assert (response.status_code, response.json["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_another_version_is_not_there(anonymous):
    assert anonymous.get("/$discovery/rest?version=v2").json["error"]["code"] == 404
