"""Memory of a worker, and time from start to the first answer."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.servers import free_port, hamlet, post, wait_for_answer
from bench.tables import show


def memory(pid: int) -> dict[int, tuple[int, int]]:
    """Resident and unshared memory in MB of a process and its children."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    found = {}
    for one in (pid, *map(int, children)):
        figures = {}
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            figures[name] = int(value.split()[0]) // 1024
        found[one] = figures["Rss"], figures["Private_Dirty"] + figures["Private_Clean"]
    return found


def start_seconds(folder: str) -> float:
    """Seconds from the command to the first judged comment, on a database that exists."""
    port = free_port()
    begun = time.perf_counter()
    command = [sys.executable, "-m", "hamlet", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(port, "/readyz")
        return time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(15)


def main() -> None:
    """Measure and print."""
    rows = []
    with hamlet(workers=1) as (port, key, server):
        for number in range(200):
            post(port, key, {"id": f"m{number}", "text": f"Thanks for this, it helped me a lot. {number}"})
        rows += [_row("after 200 comments", server.pid)]
        post(
            port,
            key,
            [{"text": f"A comment of usual length, number {number}, with some words."} for number in range(1000)],
        )
        rows += [_row("after a list of 1,000", server.pid)]
        post(port, key, {"text": "word " * 200_000})
        rows += [_row("after a comment of 1 MB", server.pid)]
    show("Memory of the worker, MB", ("", "resident", "of it unshared"), rows)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "hamlet", "db", "upgrade"], cwd=folder, check=True, capture_output=True)
        seconds = min(start_seconds(folder) for _ in range(3))
    show("Start", ("", "seconds"), [("from the command to /readyz, best of 3", f"{seconds:.2f}")])


def _row(name: str, pid: int) -> tuple[str, str, str]:
    resident, own = max(figures for process, figures in memory(pid).items() if process != pid)
    return name, str(resident), str(own)
