"""What a server does by itself every so often, in another process, beside its workers."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """A command of ours, done again and again."""

    name: str
    command: tuple[str, ...]
    first_seconds: float
    """How long after the start it is done first."""
    every_seconds: float
    can_wait: bool = False
    """Whether it is left for the next time while the machine is busy, and done with little of it."""

    def keep_doing(self) -> Callable[[], None]:
        """Begin, in a thread of its own; returns what ends it.

        The work is left to another process, which reads the settings from the environment. A server's workers are
        forked off this one: a fork in the middle of a transaction would leave a worker whose SQLite is locked for
        good.
        """
        done = threading.Event()

        def work() -> None:
            seconds = self.first_seconds
            while not done.wait(seconds):
                seconds = self.every_seconds
                if not (self.can_wait and is_busy()):
                    self.run()

        threading.Thread(target=work, name=self.name, daemon=True).start()
        return done.set

    def run(self) -> None:
        """Do it once in another process; a failure is a line in the log."""
        command = ("nice", "-n", "10", *self.command) if self.can_wait and os.name == "posix" else self.command
        try:
            # A session of its own: Ctrl-C is for the server.
            done = subprocess.run(command, capture_output=True, check=False, start_new_session=True)  # noqa: S603  # Our own command.
        except OSError as error:
            log.warning("%s put off: %s", self.name, error)
            return
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()  # Whatever it says, it is done again the next time.
            log.warning("%s put off: %s", self.name, said or f"exit code {done.returncode}")


def is_busy() -> bool:
    """Whether more wants to run than there are processors."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)


PYTHON = (sys.executable, "-m", "hamlet")
HOUSEKEEPING = Chore("housekeeping", (*PYTHON, "db", "prune"), 60.0, 3_600.0)
"""Take out of the database what is too old."""
TRAINING = Chore("training", (*PYTHON, "train", "due"), 120.0, 60.0, can_wait=True)
"""Train the models of sites that have asked for it."""
