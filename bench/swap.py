"""Promoting and rolling back a site's model while a server with two workers is under load: requests that failed, and
how long it took until every answer came from the new model.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import hamlet, post
from bench.tables import show

CLIENTS, SETTLED = 4, 3.0
"""Clients that ask all the time; seconds after which nothing may come from the old model any more."""


class Asking:
    """Clients that post comments until they are told to stop, and what they were answered."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key, self._done = port, key, threading.Event()
        self.answers: list[tuple[float, str]] = []
        self.failed: Counter[str] = Counter()

    def _ask(self, number: int) -> None:
        count = 0
        while not self._done.is_set():
            count += 1
            try:
                status, body = post(self._port, self._key, {"text": f"Nice post number {number} {count}"})
                self.answers.append((time.monotonic(), json.loads(body)["model"]))
                if status != 200:
                    self.failed[str(status)] += 1
            except (OSError, urllib.error.URLError, ValueError) as error:
                self.failed[type(error).__name__] += 1

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Ask meanwhile."""
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def last(self, since: float, until: float, is_old: Callable[[str], bool]) -> float:
        """Seconds after a moment at which the last answer of the old model came, as far as another moment."""
        return max((at - since for at, name in self.answers if since <= at < until and is_old(name)), default=0.0)


def main() -> None:
    """Train, promote and roll back under load, and print."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "HAMLET_DATABASE": str(Path(folder, "hamlet.db")),
            "HAMLET_SECRET": "of the benchmark alone",
            "HAMLET_MODEL_CACHE": str(Path(folder, "cache")),
        }
        os.environ.update(environment)

        def command(*line: str) -> None:
            subprocess.run([sys.executable, "-m", "hamlet", *line], check=True, capture_output=True)

        with hamlet(workers=2) as (port, key, _):
            rows = [
                json.dumps({"text": f"{word} {n} on sale today", "outcome": "spam" if n % 4 == 0 else "ham"})
                for n, word in enumerate(["lamp", "boat", "song", "rose"] * 30)
            ]
            labels = Path(folder, "labels.jsonl")
            labels.write_text("\n".join(rows))
            command("import", "labels", str(labels), "--site", "demo")
            subprocess.run(
                [sys.executable, "-m", "hamlet", "train", "--site", "demo"], check=False, capture_output=True
            )
            base = json.loads(post(port, key, {"text": "Nice post"})[1])["model"]
            command("models", "promote", "demo", "base")
            time.sleep(SETTLED)
            asking, times = Asking(port, key), []
            with asking.going_on():
                time.sleep(1)
                for line in (("promote", "demo", "1", "--force", "bench"), ("rollback", "demo")):
                    command("models", *line)
                    times.append(time.monotonic())
                    time.sleep(SETTLED)
            up = asking.last(times[0], times[0] + SETTLED, lambda model: model != "demo/1")
            down = asking.last(times[1], times[1] + SETTLED, lambda model: model == "demo/1")
            show(
                "Exchanging a site's model under load",
                ("requests", "failed", "promoted: last answer of the old", "rolled back: last answer of the new"),
                [(f"{len(asking.answers):,}", f"{asking.failed.total():,}", f"{up:.2f} s", f"{down:.2f} s")],
                f"Two workers, {CLIENTS} clients; seconds after the command had ended. Base: {base}.",
            )
