"""Requests a second of the main call beside an empty endpoint under the same server, workers and load."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
  local body = bodies[(count + number * 7919) %% #bodies + 1]
  body = '{"id":"b-' .. number .. '-' .. count .. '",' .. body:sub(2)
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(key)s"}
  return wrk.format("POST", "/v1/comments", headers, body)
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


def load(port: int, key: str) -> Load:
    """Post seed comments, each with an id of its own, as fast as the server takes them."""
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder, "bodies.jsonl")
        with bodies.open("w") as out:
            for path in sorted(SEEDS.glob("*.jsonl")):
                for line in path.open(encoding="utf-8"):
                    comment = json.loads(line)
                    sent = {name: comment[name] for name in ("text", "author", "post") if name in comment}
                    out.write(json.dumps(sent) + "\n")
        script = Path(folder, "post.lua")
        script.write_text(LUA % {"bodies": bodies, "key": key})
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
    for name, options in (
        ("POST /v1/comments, survives a process crash", ()),
        ("POST /v1/comments, survives a power loss", ("--durability", "power")),
    ):
        with hamlet(*options) as (port, key, _):
            rows.append(_row(name, load(port, key), baseline))
    show(
        "Requests a second (validated, scored, explained, stored before the answer)",
        ("", "requests/s", "of empty", "p50 ms", "p99 ms", "refused"),
        rows,
        f"wrk, {CONNECTIONS} connections, {SECONDS} s; Granian, 1 worker of 4 threads; SQLite, WAL; the seeds' texts",
    )


def _row(name: str, found: Load, baseline: Load) -> tuple[str, ...]:
    share = found.per_second / baseline.per_second
    return name, f"{found.per_second:,.0f}", f"{share:.2f}", f"{found.p50:.2f}", f"{found.p99:.2f}", str(found.refused)
