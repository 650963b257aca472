"""What the tests beside this file need to run against a Hamlet.

They are the end-to-end tests of the Python client ``akismet`` 25.10.1, byte for byte as its source distribution has
them (BSD-3-Clause, see LICENSE). There they call the real service.
"""

from __future__ import annotations

import akismet
import httpx
import pytest
from akismet import _common

from tests.akismet.conftest import PATIENCE
from tests.api.test_server import Server


@pytest.fixture(autouse=True)
def _at_hamlet(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_common, "_API_URL", f"http://127.0.0.1:{server.port}")
    # The tests close no client, so that no connection may be kept.
    given = {"timeout": PATIENCE, "limits": httpx.Limits(max_keepalive_connections=0)}
    monkeypatch.setattr(_common, "_get_sync_http_client", lambda: httpx.Client(**given))
    monkeypatch.setattr(_common, "_get_async_http_client", lambda: httpx.AsyncClient(**given))
    monkeypatch.setenv(_common._KEY_ENV_VAR, server.key)
    monkeypatch.setenv(_common._URL_ENV_VAR, "https://blog.example.org")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def akismet_end_to_end_kwargs() -> dict[str, object]:
    return {"is_test": 1, "user_ip": "127.0.0.1"}


@pytest.fixture
def akismet_bad_config() -> akismet.Config:
    return akismet.Config(key="INVALID_TEST_KEY", url="http://example.com")
