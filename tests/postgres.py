"""A real PostgreSQL for the session, started by the tests themselves.

``HAMLET_TEST_POSTGRES_URL`` names another server to use instead; its user must be allowed to create databases.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

VARIABLE = "HAMLET_TEST_POSTGRES_URL"
USER = "hamlet"
FILE_COPY_SINCE = 15_00_00
STARTS = 3
"""Somebody else may take the free port before the server does."""
OPTIONS = "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50", "deadlock_timeout=100ms"


class Server:
    """A running server, by the URL of a database from which others can be created."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of the template; dropped at the end."""
        name = f"hamlet_{secrets.token_hex(6)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            if statement.startswith("CREATE") and connection.info.server_version >= FILE_COPY_SINCE:
                statement += " STRATEGY FILE_COPY"  # A third of the time for a database this small.
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running_server() -> Iterator[Server]:
    """The server that the environment names, or one of our own."""
    if url := os.environ.get(VARIABLE):
        yield Server(url)
        return
    with _own_server(_programs()) as url:
        yield Server(url)


def _programs() -> Path:
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not found:
        pytest.fail(f"there is no PostgreSQL to test on: apt-get install postgresql, or set {VARIABLE}", pytrace=False)
    return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)


@contextmanager
def _own_server(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="hamlet-pg-"))  # A short path: a socket's name has at most 107 characters.
    if os.geteuid() == 0:
        shutil.chown(folder, _user())
    with _cleared_up(programs, folder):
        initdb = (programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "trust")
        _run(*initdb, "-E", "UTF8", "--locale=C", "--no-sync")
        yield f"postgresql://{USER}@127.0.0.1:{_start(programs, folder)}/postgres"


@contextmanager
def _cleared_up(programs: Path, folder: Path) -> Iterator[None]:
    """Stop the server and delete its folder at the end, and also if the tests are killed: their pipe closes then."""
    script = 'cat; "$0" -D "$1/data" -m immediate -w stop; rm -rf "$1"'
    command = (*_become(), "sh", "-c", script, str(programs / "pg_ctl"), str(folder))
    keeper = subprocess.Popen(
        command,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests.
    )
    try:
        yield
    finally:
        keeper.communicate()


def _start(programs: Path, folder: Path) -> int:
    for attempt in range(STARTS):
        port = free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 " + " ".join(f"-c {one}" for one in OPTIONS)
        command = (programs / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start")
        if _run(*command, check=attempt == STARTS - 1).returncode == 0:
            return port
    raise AssertionError("unreachable: the last attempt is checked")


def _user() -> str:
    """Whom PostgreSQL runs as: it refuses root."""
    return "postgres" if os.geteuid() == 0 else getpass.getuser()


def _become() -> tuple[str, ...]:
    return ("runuser", "-u", _user(), "--") if os.geteuid() == 0 else ()


def _run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    # Output goes to a file: the server would hold a pipe open for as long as it lives.
    with tempfile.TemporaryFile() as out:
        done = subprocess.run((*_become(), *map(str, command)), stdout=out, stderr=out, cwd="/", check=False)
        out.seek(0)
        if check and done.returncode:
            pytest.fail(f"{command[0]} failed: {out.read().decode(errors='replace')}", pytrace=False)
    return done


def free_port() -> int:
    """A port on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
