"""How a server keeps the webhooks told: another process delivers, beside the workers.

In a process of its own, since the workers are forked off the server's: no transaction may be under way there.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from moderation.errors import HamletError

if TYPE_CHECKING:
    from moderation.rounds import Rounds

POLL_SECONDS, WATCH_SECONDS = 2.0, 1.0
SHORTEST_REST, LONGEST_REST = 1.0, 60.0
"""Seconds before a process that died is started again, twice as long each time."""
STOP_SECONDS = 5.0
COMMAND = (sys.executable, "-m", "hamlet", "webhooks", "deliver")
log = logging.getLogger(__name__)


def keep_delivering(command: tuple[str, ...] = COMMAND) -> Callable[[], None]:
    """Begin, in a thread that starts the process and watches it; returns what ends both."""
    done = threading.Event()
    whole = (*command, "--parent", str(os.getpid()))
    watcher = threading.Thread(target=_watch, args=(whole, done), name="delivering", daemon=True)
    watcher.start()

    def stop() -> None:
        done.set()
        watcher.join(STOP_SECONDS)

    return stop


def _watch(command: tuple[str, ...], done: threading.Event) -> None:
    rest = SHORTEST_REST
    while not done.is_set():
        try:
            # A session of its own: Ctrl-C is for the server.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # Our own command.
        except OSError as error:
            log.warning("webhooks are not delivered, again in %.0f s: %s", rest, error)
        else:
            _wait_for(process, done)
            if not done.is_set():
                log.warning("delivering ended with exit code %s, again in %.0f s", process.returncode, rest)
        done.wait(rest)
        rest = min(2 * rest, LONGEST_REST)


def _wait_for(process: subprocess.Popen[bytes], done: threading.Event) -> None:
    """Wait until the process dies, or end it. What it is sending it may finish, or another one sends it again."""
    while process.poll() is None and not done.wait(WATCH_SECONDS):
        pass
    if process.poll() is None:
        process.terminate()
        process.wait()


def deliver_for_ever(deliverers: Sequence[Rounds], parent: int | None) -> None:
    """Deliver what is due until told to stop (SIGTERM), or the process that started this one is gone."""
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    while not done.is_set() and (parent is None or os.getppid() == parent):
        for one in deliverers:
            try:
                one.begin_round()
            except HamletError as error:
                log.warning("%ss put off: %s", one.name, error)
        done.wait(POLL_SECONDS)
    for one in deliverers:
        one.finish()
