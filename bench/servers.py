"""Servers to measure: Hamlet, and an empty Flask endpoint under the same server with the same workers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, request

WORKERS = 1


def empty_app() -> Flask:
    """An application that reads a body and answers a few bytes of JSON."""
    app = Flask(__name__)

    @app.post("/v1/comments")
    def nothing() -> Response:
        request.get_data(cache=False)
        return Response(b'{"decision":"accept"}', content_type="application/json")

    return app


def serve_empty(port: int, workers: int, threads: int) -> None:
    """Serve the empty application as ``hamlet serve`` serves Hamlet."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "bench.servers:empty_app",
        factory=True,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """A server while it is measured; it is ready when it answers."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    log = Path(folder, "server.log")
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out, text=True)
    try:
        wait_for_answer(port)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(15)


def wait_for_answer(port: int, path: str = "/healthz") -> float:
    """Wait until anything is answered; returns the seconds it took."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < 30:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return time.perf_counter() - begun
        except urllib.error.HTTPError:
            return time.perf_counter() - begun
        except OSError:
            time.sleep(0.005)
    raise SystemExit("bench: the server did not answer within 30 seconds")


@contextmanager
def empty(threads: int = 4) -> Iterator[int]:
    """The empty endpoint; yields its port."""
    port = free_port()
    code = f"from bench.servers import serve_empty; serve_empty({port}, {WORKERS}, {threads})"
    with tempfile.TemporaryDirectory() as folder, running([sys.executable, "-c", code], folder, port):
        yield port


@contextmanager
def hamlet(*options: str, workers: int = WORKERS) -> Iterator[tuple[int, str, subprocess.Popen[str]]]:
    """A Hamlet with a new database; yields its port, a key and the process."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "hamlet",
        "serve",
        "--demo",
        "--port",
        str(port),
        "--workers",
        str(workers),
        *options,
    ]
    with tempfile.TemporaryDirectory() as folder, running(command, folder, port) as server:
        printed = Path(folder, "server.log").read_text()
        found = re.search(r"^ {4}([0-9a-f]{12})$", printed, re.MULTILINE)
        if found is None:
            raise SystemExit(f"bench: no key printed:\n{printed}")
        yield port, found[1], server


def post(port: int, key: str, body: object) -> tuple[int, bytes]:
    """Post a comment."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}/v1/comments", data, headers), timeout=30
    ) as answer:
        return answer.status, answer.read()
