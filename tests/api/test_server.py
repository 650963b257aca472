"""The real server, as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import free_port

STARTS_WITHIN = 60.0
"""Seconds; a limit for a server that never answers, not a measurement."""


@dataclass
class Server:
    """A running ``hamlet serve --demo``."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    key: str = ""

    @property
    def output(self) -> str:
        return self.log.read_text()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request on a connection of its own: status and body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def check(self, comment: dict[str, Any]) -> Any:
        status, answer = self.ask("POST", "/v1/comments", comment)
        assert status == 200, answer
        return answer

    def wait(self) -> None:
        """Return when it answers."""
        give_up = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                if self.ask("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"the server does not answer: {self.output}")

    def kill(self) -> None:
        """End it and its workers as a power switch would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Serve = Callable[..., Server]


def command(port: int, *flags: str) -> list[str]:
    return [sys.executable, "-m", "hamlet", "serve", "--demo", "--port", str(port),
            "--database", "hamlet.db", "--secret-file", "secret", *flags]  # fmt: skip


@contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Starts servers over one database in a folder, and ends those that still run."""
    started: list[Server] = []

    def start(*flags: str) -> Server:
        log = folder / f"server-{len(started)}.log"
        port = free_port()
        with log.open("wb") as out:
            process = subprocess.Popen(
                command(port, *flags), cwd=folder, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        server = Server(process, port, log)
        started.append(server)
        server.wait()
        shown = re.search(r"^    ([0-9a-f]{12})$", server.output, re.MULTILINE)
        server.key = shown[1] if shown else started[0].key
        return server

    try:
        yield start
    finally:
        for server in started:
            if server.process.poll() is None:
                server.kill()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers over one database of the test's own."""
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def occupied() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_first_run_shows_a_command_that_works(serve, tmp_path):
    server = serve()
    shown = re.search(r"curl .*\n.*-d '.*'", server.output)
    answer = subprocess.run(["bash", "-c", shown[0]], capture_output=True, cwd=tmp_path, check=True)
    assert json.loads(answer.stdout)["decision"] in ("hold", "reject")


def test_the_key_is_shown_on_the_first_run_alone(serve):
    first = serve()
    first.kill()
    second = serve()
    assert first.key in first.output
    assert not re.search(r"\b[0-9a-f]{12}\b", second.output)
    assert second.ask("POST", "/v1/score", {"text": "Hi"})[0] == 200


def test_a_port_in_use_is_named(tmp_path, occupied):
    done = subprocess.run(command(occupied), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"port {occupied} on 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_leaves_no_database_behind(tmp_path, occupied):
    subprocess.run(command(occupied), cwd=tmp_path, capture_output=True, check=False)
    assert list(tmp_path.iterdir()) == []


def test_two_servers_over_one_file_lose_nothing(serve, tmp_path):
    servers = [serve(), serve("--workers", "2")]

    def send(number: int) -> str:
        return servers[number % 2].check({"text": f"comment {number}", "id": f"c{number}"})["id"]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(send, range(100)))
    with closing(sqlite3.connect(tmp_path / "hamlet.db")) as database:
        assert {row[0] for row in database.execute("SELECT id FROM comments")} == set(ids)
    assert servers[1].ask("GET", "/v1/comments/c0")[1]["id"] == ids[0]


def test_an_answered_comment_survives_the_death_of_the_server(serve):
    first = serve()
    answer = first.check({"text": "the last one", "id": "last"})
    first.kill()
    status, shown = serve().ask("GET", "/v1/comments/last")
    assert (status, shown["id"], shown["revisions"][0]["comment"]["text"]) == (200, answer["id"], "the last one")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_stops(serve, number):
    server = serve()
    server.process.send_signal(number)
    assert server.process.wait(timeout=30) == 0
    assert "Traceback" not in server.output


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that only ask."""
    with serving(tmp_path_factory.mktemp("running")) as start:
        yield start("--max-body", "100000")


def test_a_body_without_a_length_is_read(running):
    chunks = iter([b'{"text": ', b'"in two pieces"}'])
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/score", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 200


@pytest.mark.parametrize("length", [True, False])
def test_a_body_over_the_limit_is_refused(running, length):
    body = json.dumps({"text": "x" * 200_000}).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/score", body if length else iter([body]), headers, encode_chunked=not length)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["status"]) == (413, 413)


def test_many_requests_go_over_one_connection(running):
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        for _ in range(3):
            connection.request("GET", "/readyz")
            assert json.loads(connection.getresponse().read())["status"] == "ready"


def test_an_odd_id_in_the_address_is_found(running):
    running.check({"text": "Hi", "id": "ü 1"})
    assert running.ask("GET", "/v1/comments/%C3%BC%201")[1]["external_id"] == "ü 1"


def test_a_failure_has_the_one_shape(running):
    status, body = running.ask("GET", "/v1/comments/nothing")
    assert (status, body["type"]) == (404, "/docs#comment-not-found")
