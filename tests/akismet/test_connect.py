"""``hamlet connect``: steps for one blog, which work as they are printed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest
from click.testing import CliRunner

from api.cli.connect import FOLDER, NAMES
from hamlet.cli import cli
from moderation.errors import BadSetting, SiteNotFound
from tests.akismet.conftest import PATIENCE
from tests.akismet.test_wire import request_of
from tests.conftest import ROOT
from tests.postgres import free_port

URL = "https://hamlet.example"
NGINX = shutil.which("nginx") or str(ROOT / ".venv" / "debian" / "usr" / "sbin" / "nginx")
"""The system's, or the one that scripts/wordpress unpacks."""


@pytest.fixture
def connect(tmp_path):
    """Runs the command for the site ``blog``; raises what it refuses."""

    def run(*arguments: str, site: str = "blog", url: str = URL) -> str:
        runner, storage = CliRunner(), ("--database", str(tmp_path / "h.db"), "--secret-file", str(tmp_path / "secret"))
        runner.invoke(cli, ["sites", "create", "blog", *storage])
        done = runner.invoke(cli, ["connect", *arguments, "--site", site, "--url", url, *storage])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return run


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_steps_with_nothing_left_to_fill_in(connect, name):
    steps = connect(name)
    assert not re.search("@[A-Z]+@", steps)
    assert "blog" in steps


def test_every_file_has_a_name():
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_documentation(name):
    assert f"`{name}`" in (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")


def test_an_unknown_name_is_refused_with_those_there_are(connect):
    with pytest.raises(BadSetting, match="nothing is known of 'joomla'; there are wordpress, coral"):
        connect("joomla")


def test_an_unknown_site_is_refused(connect):
    with pytest.raises(SiteNotFound):
        connect("coral", site="other")


@pytest.mark.parametrize(
    "url",
    [
        "hamlet.example",
        "ftp://hamlet.example",
        "https://rest.akismet.com",
        "https://0123456789ab.rest.akismet.com/",
        "https://hamlet.example/?x=1",
        "https://hamlet.example/#x",
        "https://hamlet.example/');evil('",
        "https://hamlet.example/*/",
        "https://user:word@hamlet.example",
        "https://",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(connect, tmp_path, url):
    with pytest.raises(BadSetting, match="--url"):
        connect("wordpress", "--write", str(tmp_path / "hamlet.php"), url=url)
    assert not (tmp_path / "hamlet.php").exists()


@pytest.mark.parametrize("url", ["https://hamlet.example/", "https://HAMLET.example:443"])
def test_an_address_has_one_spelling(connect, url):
    assert "https://hamlet.example/v1alpha1" in connect("coral", url=url)


def test_the_plugin_is_written_with_the_address(connect, tmp_path):
    file = tmp_path / "hamlet.php"
    for port in (8080, 8081):  # Written again, it is replaced.
        connect("wordpress", "--write", str(file), url=f"http://127.0.0.1:{port}/")
        assert f"'http://127.0.0.1:{port}'" in file.read_text()


def test_something_else_is_not_overwritten(connect, tmp_path):
    file = tmp_path / "mine.php"
    file.write_text("<?php")
    with pytest.raises(BadSetting, match="left as it is"):
        connect("wordpress", "--write", str(file))
    assert file.read_text() == "<?php"


def test_a_folder_that_is_not_there_is_told(connect, tmp_path):
    with pytest.raises(BadSetting, match="No such file"):
        connect("wordpress", "--write", str(tmp_path / "none" / "hamlet.php"))


def test_only_wordpress_has_a_file(connect, tmp_path):
    with pytest.raises(BadSetting, match="only wordpress"):
        connect("coral", "--write", str(tmp_path / "x"))


def test_the_lines_of_python_work(connect, server):
    steps = connect("pypi", url=f"http://127.0.0.1:{server.port}")
    code = re.search(r"( +import akismet.*?comment_content=\"Hi\"\))", steps, re.DOTALL)
    assert code is not None
    lines = [line[7:] for line in code[1].replace("KEY", server.key).splitlines()]
    found: dict[str, object] = {}
    exec("\n".join(lines).replace("client.comment_check", "answer = client.comment_check"), found)
    found["http"].close()
    assert found["answer"].name == "HAM"


@pytest.fixture
def proxied(connect, server, tmp_path):
    """nginx as its example has it, before the real server: the port of TLS, and the certificate."""
    names = "subjectAltName=DNS:rest.akismet.com,DNS:*.rest.akismet.com"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rest.akismet.com -addext"
    for name in ("hamlet", "akismet"):
        files = ("-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.pem"))
        subprocess.run([*make.split(), names, *files], check=True, capture_output=True)
    port, plain = free_port(), free_port()
    text = connect("nginx").replace("/etc/ssl/private", str(tmp_path)).replace("/etc/ssl", str(tmp_path))
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("listen 80", f"listen 127.0.0.1:{plain}")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
    folders = ("proxy", "fastcgi", "uwsgi", "scgi", "client_body")
    paths = " ".join(f"{one}_temp_path {tmp_path}/{one};" for one in folders)
    user = "user root;" if os.geteuid() == 0 else ""
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"daemon off; {user} pid {tmp_path}/pid; events {{}} http {{ access_log off; {paths} {text} }}")
    with subprocess.Popen((NGINX, "-p", str(tmp_path), "-e", "stderr", "-c", str(conf))) as process:
        yield port, tmp_path / "akismet.pem"
        process.terminate()


def ask_over_tls(port: int, certificate, request: bytes) -> bytes:
    """The answer to the bytes of a request; waits for the port to be listened on."""
    context = ssl.create_default_context(cafile=str(certificate))
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
                context.wrap_socket(plain, server_hostname="0123456789ab.rest.akismet.com") as connection,
            ):
                connection.sendall(request)
                return b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionRefusedError:
            assert time.monotonic() < give_up, "nginx does not listen"
            time.sleep(0.05)


def test_nginx_leads_akismets_names_to_hamlet_as_in_the_example(proxied, server):
    host = f"{server.key}.rest.akismet.com"
    assert ask_over_tls(*proxied, request_of("/1.1/comment-check", host)).endswith(b"\r\n\r\nfalse")
    assert b" 404 " in ask_over_tls(*proxied, request_of("/dashboard/", host)).partition(b"\r\n")[0]
