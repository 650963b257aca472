"""Work that can wait a moment: done by a thread of its own, once for however often it was asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread, Timer, current_thread

from sqlalchemy import Engine, event

from moderation.errors import HamletError

IDLE_SECONDS = 1.0
"""After so long without work a thread ends."""
log = logging.getLogger(__name__)


class Soon:
    """Does some work a few seconds after it is asked for; nothing more once its database is closed."""

    def __init__(self, work: Callable[[], None], seconds: float, engine: Engine) -> None:
        self._work, self._seconds = work, seconds
        self._timer: Timer | None = None
        self._under_way: set[Thread] = set()
        self._closed = False
        self._lock = Lock()
        event.listen(engine, "engine_disposed", lambda _: self.close())

    def ask(self) -> None:
        """See that it is done; costs nothing while it is going to be."""
        if self._timer is None:
            with self._lock:
                if self._timer is None and not self._closed:
                    self._timer = Timer(self._seconds, self._run)
                    self._timer.daemon = True
                    self._timer.start()

    def close(self) -> None:
        """Do it no more; wait for what is under way."""
        with self._lock:
            self._closed, timer, under_way = True, self._timer, set(self._under_way)
        if timer is not None:
            timer.cancel()
            under_way.add(timer)
        for thread in under_way - {current_thread()}:
            thread.join()

    def _run(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._timer = None  # From now on it can be asked for again.
            self._under_way.add(current_thread())
        try:
            self._work()
        except HamletError as error:
            log.warning("put off: %s", error)
        except Exception:
            log.exception("put off")
        finally:
            with self._lock:
                self._under_way.discard(current_thread())


class Aside:
    """Does work beside requests, a bounded heap of it: what comes when the heap is full is left out.

    Nothing is done any more once the database is closed.
    """

    def __init__(self, threads: int, most: int, engine: Engine) -> None:
        self._jobs: Queue[Callable[[], None]] = Queue(most)
        self._threads, self._started = threads, 0
        self._lock = Lock()
        self.closed = Event()
        event.listen(engine, "engine_disposed", lambda _: self.closed.set())

    def offer(self, work: Callable[[], None]) -> bool:
        """See that it is done, some time; False: there is too much to do."""
        try:
            self._jobs.put_nowait(work)
        except Full:
            return False
        with self._lock:
            if self._started < self._threads:
                self._started += 1
                Thread(target=self._work, name="aside", daemon=True).start()
        return True

    def wait(self) -> None:
        """Return when everything is done that was asked for."""
        self._jobs.join()

    def _work(self) -> None:
        while not self.closed.is_set():
            try:
                work = self._jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._jobs.empty():  # Whoever comes now begins another thread.
                        self._started -= 1
                        return
                continue
            try:
                if not self.closed.is_set():
                    work()
            except HamletError as error:
                log.warning("left out: %s", error)
            except Exception:
                log.exception("left out")
            finally:
                self._jobs.task_done()
