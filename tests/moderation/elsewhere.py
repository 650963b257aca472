"""What tests let another process do to a database: ``python -m tests.moderation.elsewhere WORK URL [ARGUMENT ...]``.

It says ``ready`` when everything is imported and begins at a line on its standard input, so that several begin
together.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from moderation.secret import load_secret
from moderation.store import migrate
from moderation.store.database import open_database
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_author, make_judged
from tests.moderation.evidence import COPY, keep_one

ROOT = Path(__file__).resolve().parent.parent.parent


def record(url: str, site: str, own: str, count: str) -> object:
    """Record comments one by one: ``count`` of our own, and one that all processes have."""
    store = SqlStore(open_database(url))
    for number in range(int(count)):
        keep(store, int(site), [make_judged(f"comment {number} of {own}", id=f"{own}-{number}")])
    (shared,) = keep(store, int(site), [make_judged("the same", Decision(own), id="shared")])
    return [shared.id, shared.verdict.decision]


def record_and_die(url: str, site: str) -> None:
    """Record a comment, and end by SIGKILL as soon as it is recorded."""
    keep(SqlStore(open_database(url)), int(site), [make_judged("the last one", id="last")])
    os.kill(os.getpid(), signal.SIGKILL)


def count(url: str, site: str, own: str) -> None:
    """Record near-copies of one author, one by one."""
    store = SqlStore(open_database(url))
    for number in range(30):
        keep_one(store, f"{COPY} {own}", author=make_author(), id=f"{own}-{number}", site=int(site))


def upgrade(url: str) -> None:
    """Bring the database to the newest version."""
    engine = open_database(url)
    migrate.upgrade(engine)
    engine.dispose()


def secret(file: str) -> str:
    """Read or make the secret in a file."""
    return load_secret(None, Path(file)).decode()


WORKS = {work.__name__: work for work in (record, record_and_die, count, upgrade, secret)}


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a process; it waits until :func:`together` lets it begin."""
    command = (sys.executable, "-m", "tests.moderation.elsewhere", *arguments)
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def together(*processes: subprocess.Popen[str]) -> list[str]:
    """Let processes begin when all of them are ready; what each answered."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate()[0] for process in processes]


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(WORKS[sys.argv[1]](*sys.argv[2:])))
