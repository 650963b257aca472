"""Starts the real server as a user would and posts the seeds to it; fails unless every answer is sound."""

from __future__ import annotations

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
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BATCH = 200


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(base: str, key: str, path: str, body: object = None) -> tuple[int, object]:
    """One call; returns status and decoded JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(base + path, data, headers)  # noqa: S310  # Always http, to ourselves.
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def start(folder: str) -> tuple[subprocess.Popen[str], str, str]:
    """The server on a free port, its address and the demo key it printed."""
    port = free_port()
    command = [sys.executable, "-m", "hamlet", "serve", "--demo", "--port", str(port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    printed = ""
    for line in server.stdout:
        printed += line
        if line.startswith("Hamlet serves"):
            break
    key = re.search(r"^ {4}([0-9a-f]{12})$", printed, re.MULTILINE)
    if key is None:
        raise SystemExit(f"smoke: the server printed no key:\n{printed}")
    return server, f"http://127.0.0.1:{port}", key[1]


def wait_until_ready(base: str) -> None:
    """Wait until the server can work; give up after 20 seconds."""
    for _ in range(200):
        try:
            if call(base, "", "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("smoke: the server did not get ready")


def label_of(seed: dict[str, object]) -> str:
    """What a seed is: spam, abuse or ham."""
    labels = seed["labels"]
    assert isinstance(labels, dict)
    return "spam" if labels["spam"] else "abuse" if labels["toxicity"] else "ham"


def main() -> None:
    """Post every seed in lists; then check the thread and one comment's history."""
    seeds = [
        json.loads(line) for path in sorted((ROOT / "seeds").glob("*.jsonl")) for line in path.open(encoding="utf-8")
    ]
    with tempfile.TemporaryDirectory() as folder:
        server, base, key = start(folder)
        try:
            wait_until_ready(base)
            answers = []
            for low in range(0, len(seeds), BATCH):
                status, some = call(base, key, "/v1/comments", seeds[low : low + BATCH])
                assert status == 200, (status, some)
                answers.extend(some)
            assert [a["external_id"] for a in answers] == [s["id"] for s in seeds], "answers are not in order"
            decisions = {a["external_id"]: a["decision"] for a in answers}
            assert decisions["thread-2"] == decisions["thread-3"] == "accept", "the seed thread is not accepted"
            status, shown = call(base, key, f"/v1/comments/{answers[0]['id']}")
            assert status == 200 and shown["verdicts"][0]["scores"] == answers[0]["scores"], shown
            table = Counter((label_of(seed), decisions[seed["id"]]) for seed in seeds)
            for (label, decision), count in sorted(table.items()):
                print(f"{label:5} {decision:7} {count:6,}")
            assert table["ham", "reject"] == 0, "harmless seeds are rejected"
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(15) == 0, f"the server ended with {server.returncode}"
    print(f"smoke: {len(seeds):,} seeds judged and stored")


if __name__ == "__main__":
    main()
