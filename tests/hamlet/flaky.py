"""A bad line to a server: it loses requests and answers, or answers itself, as a test wants."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PATIENCE = 30.0
"""Seconds for an answer; a limit for a server that never answers, not a measurement."""
LOSE_REQUEST, LOSE_ANSWER = "lose the request", "lose the answer"


@dataclass
class Answer:
    """What the line answers by itself."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"<p>Bad Gateway</p>"


@dataclass
class Line:
    """Meets each request with one of ``troubles``, in their order, and passes on all that come after."""

    port: int = 0
    troubles: list[Any] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    """Bodies as they came."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line to a server on this machine."""
    line = Line()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line.sent.append(body)
            trouble = line.troubles.pop(0) if line.troubles else None
            if trouble == LOSE_REQUEST:
                return
            answer = trouble if isinstance(trouble, Answer) else self.passed_on(body)
            if trouble != LOSE_ANSWER:
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = handle_one  # noqa: N815

        def passed_on(self, body: bytes) -> Answer:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                return Answer(response.status, {"Content-Type": response.headers["Content-Type"]}, response.read())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    line.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
