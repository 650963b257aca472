"""Work that comes back: in rounds, a few places at the same moment, and each place by one thread at a time."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from moderation.errors import HamletError

AT_ONCE = 8
"""Receivers that are spoken to at the same moment: a slow one does not keep the others waiting."""
log = logging.getLogger(__name__)


class Rounds:
    """Sends what is due, place after place. A place is a number, such as that of a site."""

    name = "delivery"

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=self.name)
        self._busy: set[int] = set()
        self._finishing = Event()

    def due(self) -> list[int]:
        """Places that have something to be sent and may be tried now."""
        raise NotImplementedError

    def deliver(self, place: int) -> bool | None:
        """Send the next message. True: it was taken; False: it was not; None: nothing was due."""
        raise NotImplementedError

    def begin_round(self) -> None:
        """Begin with every place that is due, in threads of their own."""
        for place in self.due():
            if place not in self._busy:
                self._busy.add(place)
                self._pool.submit(self._empty, place)

    def finish(self) -> None:
        """Begin no more; wait for what is under way."""
        self._finishing.set()
        self._pool.shutdown(cancel_futures=True)

    def deliver_all(self) -> tuple[int, int]:
        """Deliver whatever is due, here and now; returns how many messages were taken and how many were not."""
        taken = failed = 0
        while due := self.due():
            outcomes = [self.deliver(place) for place in due]
            taken, failed = taken + outcomes.count(True), failed + outcomes.count(False)
            if outcomes.count(None) == len(outcomes):  # Another deliverer was quicker, everywhere.
                break
        return taken, failed

    def _empty(self, place: int) -> None:
        """Send message after message, until there are no more or one is not taken."""
        try:
            while not self._finishing.is_set() and self.deliver(place):
                pass
        except HamletError as error:
            log.warning("%s put off: place=%d error=%s", self.name, place, json.dumps(str(error)))
        except Exception:
            log.exception("%s put off: place=%d", self.name, place)
        finally:
            self._busy.discard(place)
