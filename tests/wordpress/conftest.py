"""A real WordPress with its Akismet plug-in: Debian's, over a MariaDB and PHP's own web server."""

from __future__ import annotations

import getpass
import html
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest

from tests.api.test_server import Server, serving
from tests.conftest import ROOT
from tests.postgres import free_port

HERE = Path(__file__).parent
UNPACKED = ROOT / ".venv" / "debian" / "usr" / "share" / "wordpress"
PATIENCE = 60.0
"""Seconds for what never comes; a limit, not a measurement."""
PASSWORD = "a password of the tests"
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', 'localhost:%s');
define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', ''); $table_prefix = 'wp_';
define('DISABLE_WP_CRON', true); define('AUTOMATIC_UPDATER_DISABLED', true); define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_ACCESSIBLE_HOSTS', '127.0.0.1'); define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
SETTINGS = ("display_errors=0", "log_errors=0", "sendmail_path=/bin/true", "opcache.enable=0")
PHP = ("php", *(part for one in SETTINGS for part in ("-d", one)))


class Browser:
    """Somebody before the blog, with cookies."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._open = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({})).open

    def get(self, path: str) -> str:
        return self._ask(path, None)

    def post(self, path: str, **fields: str) -> str:
        return self._ask(path, urlencode(fields).encode())

    def _ask(self, path: str, body: bytes | None) -> str:
        url = path if path.startswith("http") else f"{self._base}/{path}"
        with self._open(url, body, timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
            return text

    def link(self, page: str, pattern: str) -> str:
        """The address of a link on a page."""
        found = re.search(pattern, html.unescape(page))
        assert found is not None, page
        return f"wp-admin/{found[0]}"


class Blog:
    """The WordPress."""

    def __init__(self, folder: Path, port: int, hamlet: Server) -> None:
        self.folder, self.port, self.hamlet = folder, port, hamlet
        self.url = f"http://127.0.0.1:{port}"
        self.visitor, self.admin = Browser(self.url), Browser(self.url)

    def php(self, *arguments: str):
        """What ``site.php`` says."""
        command = (*PHP, str(self.folder / "site.php"), *arguments)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) if done.stdout else None

    def connect(self, url: str) -> None:
        """Write the plug-in that ``hamlet connect wordpress`` makes."""
        file = self.folder / "wp-content" / "mu-plugins" / "hamlet.php"
        self.hamlet_command("connect", "wordpress", "--site", "demo", "--url", url, "--write", str(file))

    def hamlet_command(self, *arguments: str) -> None:
        command = (sys.executable, "-m", "hamlet", *arguments, "--database", "hamlet.db", "--secret-file", "secret")
        folder = self.hamlet.log.parent
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def comment(self, author: str, text: str) -> None:
        """Fill in the form below the first post."""
        page = self.visitor.get("?p=1")
        form = re.search(r'<form[^>]*id="commentform".*?</form>', page, re.DOTALL)
        assert form is not None, page
        inputs = re.findall(r"<input[^>]*type=.hidden.[^>]*>", form[0])
        hidden = {re.search("name=.([^'\"]+)", one)[1]: re.search("value=.([^'\"]*)", one)[1] for one in inputs}
        email = f"{author.lower().replace(' ', '-')}@example.org"
        self.visitor.post("wp-comments-post.php", **hidden, author=author, email=email, url="", comment=text)

    def status(self, author: str) -> str:
        """What has become of somebody's comment: approved, unapproved (it waits), spam."""
        return self.comments()[author][1]

    def comments(self) -> dict[str, tuple[int, str]]:
        return self.php("comments")

    def act(self, author: str, action: str) -> None:
        """Follow the link below a comment, such as "Spam", as a moderator."""
        number = self.comments()[author][0]
        listed = "spam" if action == "unspamcomment" else "all"
        page = self.admin.get(f"wp-admin/edit-comments.php?comment_status={listed}")
        self.admin.get(self.admin.link(page, rf"comment\.php\?c={number}&action={action}&[^'\"]*"))

    def waits(self, author: str) -> str:
        """Hamlet's id of somebody's comment in its queue."""
        items = self.hamlet.ask("GET", "/v1/queue")[1]["items"]
        (found,) = [one["id"] for one in items if one["comment"]["author"]["name"] == author]
        return found

    def reviews(self, author: str) -> list[tuple[str, str]]:
        """What Hamlet knows that people said of somebody's comment."""
        (kept,) = [one for one in self.kept() if one["revisions"][0]["comment"]["author"]["name"] == author]
        return [(one["outcome"], one["reviewer"]) for one in kept["reviews"]]

    def kept(self) -> list[dict]:
        """All comments that Hamlet has."""
        with closing(sqlite3.connect(self.hamlet.log.parent / "hamlet.db")) as database:
            ids = [row[0] for row in database.execute("SELECT id FROM comments ORDER BY id")]
        return [self.hamlet.ask("GET", f"/v1/comments/{one}")[1] for one in ids]


@contextmanager
def database(folder: Path) -> Iterator[Path]:
    """A MariaDB of our own; its socket."""
    user = ("--user=root",) if os.geteuid() == 0 else (f"--user={getpass.getuser()}",)
    data, socket = folder / "data", folder / "socket"
    install = ("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal")
    subprocess.run([*install, "--skip-test-db", *user], check=True, capture_output=True)
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
    options = (f"--datadir={data}", f"--socket={socket}", "--skip-networking", "--innodb-flush-log-at-trx-commit=0")
    command = (server, "--no-defaults", *options, f"--pid-file={folder}/pid", *user)
    with running(command, folder):
        script = f"@(new mysqli('localhost', 'root', '', '', 0, '{socket}'))->query('CREATE DATABASE wordpress');"
        until(lambda: subprocess.run([*PHP, "-r", script], capture_output=True, check=False).returncode == 0)
        yield socket


@contextmanager
def running(command: Sequence[str], folder: Path, **environment: str) -> Iterator[None]:
    """A program with all that it starts; ended at the end, and also if the tests are killed: their pipe closes then."""
    script = '"$@" </dev/null & cat; trap "" TERM; kill -TERM 0; wait'
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        keeper = subprocess.Popen(
            ("sh", "-c", script, "sh", *command),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield
    finally:
        keeper.communicate()


def until(done: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    """A WordPress whose Akismet plug-in asks Hamlet, with its key entered on the settings page."""
    if not (UNPACKED / "wp-load.php").exists():
        pytest.fail("there is no WordPress to test with: run scripts/wordpress", pytrace=False)
    with ExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hamlet-wp-")))  # A socket's path is short.
        hamlet = stack.enter_context(serving(tmp_path_factory.mktemp("hamlet")))("--webhook-hosts", "127.0.0.1")
        folder, port = own / "wordpress", free_port()
        shutil.copytree(UNPACKED, folder, ignore_dangling_symlinks=True)
        shutil.copytree(HERE / "plain", folder / "wp-content" / "themes" / "plain")
        (folder / "wp-content" / "mu-plugins").mkdir()
        shutil.copy(HERE / "tests.php", folder / "wp-content" / "mu-plugins")
        shutil.copy(HERE / "site.php", folder)
        (folder / "wp-config.php").write_text(CONFIG % stack.enter_context(database(own)))
        found = Blog(folder, port, hamlet)
        found.php("install", found.url)
        found.connect(f"http://127.0.0.1:{hamlet.port}")
        server = (*PHP, "-S", f"127.0.0.1:{port}", "-t", str(folder))
        stack.enter_context(running(server, own, PHP_CLI_SERVER_WORKERS="3"))
        until(lambda: _answers(found))
        sign_in = {"log": "admin", "pwd": PASSWORD, "wp-submit": "Log In"}
        found.admin.get("wp-login.php")
        found.admin.post("wp-login.php", **sign_in, redirect_to=f"{found.url}/wp-admin/", testcookie="1")
        found.hamlet_command("sites", "set", "demo", "akismet_hold", "pending")
        yield found


def _answers(blog: Blog) -> bool:
    try:
        return bool(blog.visitor.get("?p=1"))
    except OSError:
        return False
