"""The Python client ``akismet``, sync and async, every method of it."""

from __future__ import annotations

import akismet
import anyio
import httpx
import pytest
from akismet import _common

from tests.akismet.conftest import BLOG, PATIENCE

SPAMMER = {"comment_author": "viagra-test-123"}


@pytest.fixture(params=["sync", "async"])
def ask(request, server, monkeypatch):
    """Calls a method of the client. It sends no key for ``key_sites``, so that the key is in the query as well."""
    monkeypatch.setattr(_common, "_API_URL", f"http://127.0.0.1:{server.port}")
    config, given = akismet.Config(server.key, BLOG), {"params": {"api_key": server.key}, "timeout": PATIENCE}

    def call(name, *args, **kwargs):
        with httpx.Client(**given) as http:
            return getattr(akismet.SyncClient(config, http), name)(*args, **kwargs)

    async def call_async(name, *args, **kwargs):
        async with httpx.AsyncClient(**given) as http:
            return await getattr(akismet.AsyncClient(config, http), name)(*args, **kwargs)

    if request.param == "sync":
        return call
    return lambda name, *args, **kwargs: anyio.run(lambda: call_async(name, *args, **kwargs))


def test_a_key_is_verified(ask):
    assert ask("verify_key") is True
    assert ask("verify_key", "0123456789ab", BLOG) is False


def test_comments_are_checked(ask):
    assert ask("comment_check", "192.0.2.7", comment_content="Thanks, that helped.") is akismet.CheckResponse.HAM
    assert ask("comment_check", "192.0.2.7", **SPAMMER) is akismet.CheckResponse.SPAM


@pytest.mark.parametrize("method", ["submit_spam", "submit_ham"])
def test_feedback_is_taken(ask, method):
    assert ask(method, "192.0.2.7", comment_content="Thanks, that helped.") is True


def test_sites_are_listed(ask):
    assert ask("key_sites")["total"] == 1
    assert ask("key_sites", result_format="csv").startswith("Active sites for ")


def test_use_is_told(ask):
    assert ask("usage_limit")["limit"] == "none"


def test_every_field_the_client_knows_is_taken(ask):
    fields = dict.fromkeys(akismet.AkismetArguments.__optional_keys__, "1")
    assert isinstance(ask("comment_check", "192.0.2.7", **fields), akismet.CheckResponse)
