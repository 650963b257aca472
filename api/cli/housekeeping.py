"""What a server does by itself once an hour: take out of the database what is too old."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable

from moderation.settings import Settings
from moderation.store import now_ms
from moderation.store.retention import Pruned, prune

FIRST_SECONDS, EVERY_SECONDS = 60.0, 3_600.0
COMMAND = (sys.executable, "-m", "hamlet", "db", "prune")
log = logging.getLogger(__name__)


def keep_house() -> Callable[[], None]:
    """Begin, in a thread of its own; returns what ends it.

    The work is left to another process, which reads the settings from the environment. A server's workers are forked
    off this one: a fork in the middle of a transaction would leave a worker whose SQLite is locked for good.
    """
    done = threading.Event()

    def work() -> None:
        seconds = FIRST_SECONDS
        while not done.wait(seconds):
            seconds = EVERY_SECONDS
            run_once()

    threading.Thread(target=work, name="housekeeping", daemon=True).start()
    return done.set


def run_once(command: tuple[str, ...] = COMMAND) -> None:
    """Do it in another process; a failure is a line in the log."""
    try:
        # A session of its own: Ctrl-C is for the server.
        done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)  # noqa: S603  # Our own command.
    except OSError as error:
        log.warning("housekeeping put off for an hour: %s", error)
        return
    if done.returncode:
        log.warning("housekeeping put off for an hour: %s", done.stderr.strip() or f"exit code {done.returncode}")


def clean(settings: Settings) -> Pruned:
    """Do it once, here."""
    from api.wiring import open_engine
    from moderation.store.people import People
    from moderation.store.sites import Sites

    engine = open_engine(settings)
    try:
        sites = Sites.opened(engine, settings)
        People(engine, sites.secret).prune()
        return prune(engine, sites.all(), now_ms())
    finally:
        engine.dispose()
