"""Work that arrives at the same moment is done together.

Judging four comments at once takes little longer than judging one, and one commit can carry all of them. So requests
that meet in a process share their work: the first to come does what has gathered, the others wait for their share.
Nobody waits for company: a request that is alone begins at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class _Ticket(Generic[Task, Result]):
    """What one caller wants done, and what came of it."""

    __slots__ = ("done", "error", "results", "tasks")

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.results: Sequence[Result] = ()
        self.error: BaseException | None = None
        self.done = False


class Together(Generic[Task, Result]):
    """Calls ``work`` for many threads, with all tasks that wait in one list.

    ``work`` returns a result for each task, in order. If it raises, every caller of that round gets the error: it is
    for failures that do not belong to one task (a database that is away), others are reported as results.
    """

    def __init__(self, work: Callable[[list[Task]], Sequence[Result]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._turn = Condition()
        self._waiting: list[_Ticket[Task, Result]] = []
        self._busy = False

    def __call__(self, tasks: Sequence[Task]) -> Sequence[Result]:
        """Have tasks done, alone or in company."""
        ticket: _Ticket[Task, Result] = _Ticket(tasks)
        with self._turn:
            self._waiting.append(ticket)
            while self._busy and not ticket.done:
                self._turn.wait()
            if not ticket.done:
                self._busy = True
                round_ = self._take(ticket)
        if not ticket.done:
            self._do(round_)
        if ticket.error is not None:
            raise ticket.error
        return ticket.results

    def _take(self, own: _Ticket[Task, Result]) -> list[_Ticket[Task, Result]]:
        """The tickets of the next round: that of who does it, then of the others, oldest first, as many as fit."""
        self._waiting.remove(own)
        count, size = 0, len(own.tasks)
        for ticket in self._waiting:
            size += len(ticket.tasks)
            if size > self._most:
                break
            count += 1
        round_, self._waiting = [own, *self._waiting[:count]], self._waiting[count:]
        return round_

    def _do(self, round_: list[_Ticket[Task, Result]]) -> None:
        try:
            results = self._work([task for ticket in round_ for task in ticket.tasks])
            at = 0
            for ticket in round_:
                ticket.results = results[at : at + len(ticket.tasks)]
                at += len(ticket.tasks)
        except BaseException as error:
            for ticket in round_:
                ticket.error = error
            raise
        finally:
            with self._turn:
                for ticket in round_:
                    ticket.done = True
                self._busy = False
                self._turn.notify_all()
