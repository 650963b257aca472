"""Requests a second of the main call beside an empty endpoint under the same server, workers and load."""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.servers import empty, hamlet
from bench.tables import show

SECONDS = 8
CONNECTIONS = 8
SEEDS = Path(__file__).resolve().parent.parent / "seeds"

LUA = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
local count = 0
request = function()
  count = count + 1
  local body = bodies[(count + number * 7919) %% #bodies + 1]:gsub("@@", number .. "-" .. count)
  local headers = {["Content-Type"] = "%(kind)s", ["Authorization"] = "Bearer %(key)s"}
  return wrk.format("POST", "%(path)s", headers, body)
end
done = function(summary, latency, requests)
  io.write(string.format("BENCH %%d %%d %%.3f %%.3f %%d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured."""

    per_second: float
    p50: float
    p99: float
    refused: int


@dataclass(frozen=True)
class Call:
    """One way to ask: its address, and a seed as its body; ``@@`` becomes a number of its own."""

    path: str
    kind: str
    body: Callable[[dict[str, Any], str], str]


def native(comment: dict[str, Any], _key: str) -> str:
    """A comment in the one format."""
    sent = {name: comment[name] for name in ("text", "author", "post") if name in comment}
    return json.dumps({"id": "b-@@", **sent})


def akismet(comment: dict[str, Any], key: str) -> str:
    """The form that Akismet's clients send."""
    author = comment.get("author", {})
    form = {
        "api_key": key,
        "blog": "https://blog.example",
        "user_ip": "192.0.2.7",
        "comment_content": comment["text"],
        "comment_author": author.get("name", ""),
        "comment_author_email": author.get("email", ""),
        "comment_author_url": author.get("url", ""),
        "permalink": "https://blog.example/@@",
    }
    return urlencode(form, safe="@")


def perspective(comment: dict[str, Any], _key: str) -> str:
    """What Coral sends."""
    text = comment["text"].encode()[:20_000].decode(errors="ignore")
    return json.dumps({"comment": {"text": text}, "languages": ["en"], "requestedAttributes": {"TOXICITY": {}}})


NATIVE = Call("/v1/comments", "application/json", native)
AKISMET = Call("/1.1/comment-check", "application/x-www-form-urlencoded", akismet)
PERSPECTIVE = Call("/v1alpha1/comments:analyze?key=%s", "application/json", perspective)


def load(port: int, key: str, call: Call = NATIVE) -> Load:
    """Post seed comments, each with an id of its own, as fast as the server takes them."""
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder, "bodies.jsonl")
        with bodies.open("w") as out:
            for path in sorted(SEEDS.glob("*.jsonl")):
                for line in path.open(encoding="utf-8"):
                    out.write(call.body(json.loads(line), key) + "\n")
        script = Path(folder, "post.lua")
        asked = call.path.replace("%s", key)
        script.write_text(LUA % {"bodies": bodies, "key": key, "path": asked, "kind": call.kind})
        command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"BENCH (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", printed)
    if found is None:
        raise SystemExit(f"bench: wrk said\n{printed}")
    requests, microseconds, p50, p99, refused = (float(figure) for figure in found.groups())
    return Load(requests / microseconds * 1e6, p50, p99, int(refused))


def main() -> None:
    """Measure and print."""
    with empty() as port:
        baseline = load(port, "")
    rows = [_row("empty Flask endpoint", baseline, baseline)]
    for name, options, call in (
        ("POST /v1/comments, survives a process crash", (), NATIVE),
        ("POST /v1/comments, survives a power loss", ("--durability", "power"), NATIVE),
        ("POST /1.1/comment-check", (), AKISMET),
        ("POST /v1alpha1/comments:analyze (nothing stored)", (), PERSPECTIVE),
    ):
        with hamlet(*options) as (port, key, _):
            rows.append(_row(name, load(port, key, call), baseline))
    show(
        "Requests a second (validated, scored, explained, stored before the answer)",
        ("", "requests/s", "of empty", "p50 ms", "p99 ms", "refused"),
        rows,
        f"wrk, {CONNECTIONS} connections, {SECONDS} s; Granian, 1 worker of 4 threads; SQLite, WAL; the seeds' texts",
    )


def _row(name: str, found: Load, baseline: Load) -> tuple[str, ...]:
    share = found.per_second / baseline.per_second
    return name, f"{found.per_second:,.0f}", f"{share:.2f}", f"{found.p50:.2f}", f"{found.p99:.2f}", str(found.refused)
