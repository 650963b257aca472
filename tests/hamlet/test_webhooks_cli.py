"""``hamlet webhooks``, and the process that delivers beside a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from api.cli import delivering
from hamlet.cli import cli
from moderation.errors import BadAddress, HamletError, NotTaken, SiteNotFound, WebhookNotFound
from moderation.store.decisions import Told, tell
from moderation.verdict import Decision
from tests.api.test_server import serving
from tests.receiver import receiving, signed

PATIENCE = 60.0
"""Seconds; a limit for what never happens, not a measurement."""


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def hamlet(tmp_path, monkeypatch, receiver):
    """Runs ``hamlet webhooks`` in a folder with the site ``blog``, allowed to speak to the receiver."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAMLET_WEBHOOK_HOSTS", receiver.host)

    def run(*arguments: str, group: str = "webhooks") -> Result:
        result = CliRunner().invoke(cli, [group, *arguments])
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    run("create", "blog", group="sites")
    return run


@pytest.fixture
def told(hamlet, open_engine) -> Callable[[int], None]:
    """Tells the site so many decisions."""

    def now(count: int) -> None:
        rows = [Told(f"{i:032x}", f"c{i}", Decision.HOLD, None, "campaign", 1) for i in range(count)]
        with open_engine("var/hamlet.db").execution_options(writes=True).begin() as connection:
            tell(connection, 1, rows)

    return now


def test_a_webhook_is_set_and_its_secret_printed(hamlet, receiver):
    done = hamlet("set", "blog", receiver.url)
    assert done.stdout.startswith("whsec_")
    assert len(done.stdout.splitlines()) == 1
    assert f"blog is told at {receiver.url}" in done.stderr


def test_webhooks_are_shown(hamlet, receiver, told):
    hamlet("set", "blog", receiver.url)
    told(2)
    assert hamlet("show").stdout == hamlet("show", "blog").stdout == f"blog\t{receiver.url}\t0\t2\t0\t\t\n"


def test_a_webhook_is_removed(hamlet, receiver):
    hamlet("set", "blog", receiver.url)
    assert hamlet("remove", "blog").stdout == f"blog is told no more at {receiver.url}\n"
    assert hamlet("show").stdout == ""


@pytest.mark.parametrize("line", ["show blog", "remove blog", "rotate blog", "test blog"])
def test_a_webhook_that_is_not_there_is_named(hamlet, line):
    with pytest.raises(WebhookNotFound, match="'blog' has no webhook"):
        hamlet(*line.split())


@pytest.mark.parametrize("line", ["set x http://blog.example", "show x", "remove x", "rotate x", "test x"])
def test_a_site_that_is_not_there_is_named(hamlet, line):
    with pytest.raises(SiteNotFound, match="'x'"):
        hamlet(*line.split())


def test_a_private_address_is_refused_and_not_kept(hamlet):
    with pytest.raises(BadAddress, match="not on the public internet"):
        hamlet("set", "blog", "http://127.0.0.1:9/")
    assert hamlet("show").stdout == ""


def test_a_test_prints_what_comes_back(hamlet, receiver):
    secret = hamlet("set", "blog", receiver.url).stdout.strip()
    assert hamlet("test", "blog").stdout == "204: taken\n"
    assert signed(secret, receiver.got[0])


def test_a_test_that_is_not_taken_has_its_exit_code(hamlet, receiver):
    hamlet("set", "blog", receiver.url)
    receiver.answers = [302]
    done = hamlet("test", "blog")
    assert (done.exit_code, "redirects (302)" in done.stderr) == (1, True)


def test_a_test_of_a_receiver_that_is_down_is_a_sentence(hamlet, receiver, monkeypatch):
    monkeypatch.setenv("HAMLET_WEBHOOK_HOSTS", "127.0.0.1")
    hamlet("set", "blog", "http://127.0.0.1:1/")
    with pytest.raises(NotTaken, match="refused"):
        hamlet("test", "blog")


def test_another_secret_is_printed_and_used(hamlet, receiver):
    old = hamlet("set", "blog", receiver.url).stdout.strip()
    new = hamlet("rotate", "blog").stdout.strip()
    hamlet("test", "blog")
    assert (signed(old, receiver.got[0]), signed(new, receiver.got[0])) == (False, True)


def test_what_is_due_is_delivered_once(hamlet, receiver, told):
    hamlet("set", "blog", receiver.url)
    told(2)
    assert json.loads(hamlet("deliver", "--once").stdout) == {"taken": 1, "failed": 0}
    assert json.loads(hamlet("deliver", "--once").stdout) == {"taken": 0, "failed": 0}
    assert receiver.numbers == [1, 2]


def test_what_is_not_taken_has_its_exit_code_and_is_shown(hamlet, receiver, told):
    hamlet("set", "blog", receiver.url)
    told(1)
    receiver.answers = [500]
    assert hamlet("deliver", "--once").exit_code == 1
    assert hamlet("show").stdout.rstrip("\n").split("\t")[3:5] == ["1", "1"]
    assert hamlet("show").stdout.rstrip("\n").endswith("it answered 500")


def test_the_doctor_tells_of_a_webhook_that_fails(hamlet, receiver, told):
    hamlet("set", "blog", receiver.url)
    assert "ok    webhooks    1 set, none failing" in CliRunner().invoke(cli, ["doctor"]).stdout
    told(2)
    receiver.answers = [500]
    hamlet("deliver", "--once")
    done = CliRunner().invoke(cli, ["doctor"])
    assert "FAIL  webhooks    blog: 2 decisions wait after 1 failures: it answered 500" in done.stdout
    assert "-> mend the receiver, then run: hamlet webhooks test blog" in done.stdout


# -- The process beside a server


def wait_for(there: Callable[[], object]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not there() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert there()


def test_delivering_goes_on_until_it_is_told_to_stop(hamlet, receiver, told):
    hamlet("set", "blog", receiver.url)
    line = [sys.executable, "-m", "hamlet", "webhooks", "deliver", "--parent", str(os.getpid())]
    process = subprocess.Popen(line)
    try:
        for number in (1, 2):
            told(1)
            wait_for(lambda number=number: len(receiver.got) == number)
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert receiver.numbers == [1, 2]


def test_delivering_ends_with_its_parent(hamlet):
    line = [sys.executable, "-m", "hamlet", "webhooks", "deliver", "--parent", "1"]
    assert subprocess.run(line, timeout=PATIENCE, check=False).returncode == 0


def test_a_deliverer_that_dies_is_started_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(delivering, "SHORTEST_REST", 0.01)
    monkeypatch.setattr(delivering, "WATCH_SECONDS", 0.01)
    starts = tmp_path / "starts"
    script = f"import sys; open({str(starts)!r}, 'a').write(sys.argv[1] + '\\n'); sys.exit(3)"
    stop = delivering.keep_delivering((sys.executable, "-c", script))
    wait_for(lambda: starts.exists() and len(starts.read_text().splitlines()) > 1)
    stop()
    assert starts.read_text().splitlines()[0] == "--parent"
    assert "delivering ended with exit code 3" in caplog.text


def test_a_deliverer_is_ended_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(delivering, "WATCH_SECONDS", 0.01)
    alive = tmp_path / "alive"
    script = f"import os, time; open({str(alive)!r}, 'w').write(str(os.getpid())); time.sleep(1_000)"
    stop = delivering.keep_delivering((sys.executable, "-c", script))
    wait_for(lambda: alive.exists() and alive.read_text())
    stop()
    with pytest.raises(ProcessLookupError):
        os.kill(int(alive.read_text()), 0)


def test_a_deliverer_that_cannot_be_started_is_a_line_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr(delivering, "SHORTEST_REST", 0.01)
    stop = delivering.keep_delivering(("/nowhere/python",))
    wait_for(lambda: "webhooks are not delivered" in caplog.text)
    stop()


def test_a_server_tells_what_is_decided_after_its_answer(tmp_path, receiver):
    with serving(tmp_path) as serve:
        server = serve("--webhook-hosts", receiver.host)
        _, made = server.ask("PUT", "/v1/site/webhook", {"url": receiver.url})
        assert server.check({"text": "Hi", "id": "c1"})["decision"] == "accept"
        server.ask("POST", "/v1/comments/c1/campaign/hold")
        wait_for(lambda: receiver.got)
        (got,) = receiver.got
    assert signed(made["secret"], got)
    assert [(one["external_id"], one["decision"]) for one in got.json["decisions"]] == [("c1", "hold")]
