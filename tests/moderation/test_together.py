"""Work that arrives at the same moment is done together."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from moderation.together import Together


def test_a_caller_alone_is_served_at_once():
    assert Together(lambda tasks: [task * 2 for task in tasks], most=8)([1, 2]) == [2, 4]


def test_those_who_wait_are_served_in_one_round():
    first, begun, rounds = Event(), Event(), []

    def work(tasks):
        rounds.append(len(tasks))
        if len(rounds) == 1:
            begun.set()
            first.wait(10)
        return tasks

    together = Together(work, most=8)
    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(together, ["a"])]
        begun.wait(10)
        answers += [pool.submit(together, [name]) for name in "bcde"]
        while len(together._waiting) < 4:
            pass
        first.set()
        assert [answer.result(10) for answer in answers] == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert rounds == [1, 4]


def test_who_does_a_round_of_others_gets_the_own_results_nevertheless():
    first, begun = Event(), Event()

    def work(tasks):
        if tasks == ["first"]:
            begun.set()
            first.wait(10)
        return tasks

    together = Together(work, most=2)
    with ThreadPoolExecutor(9) as pool:
        busy = pool.submit(together, ["first"])
        begun.wait(10)
        waiting = [pool.submit(together, [number, number]) for number in range(8)]  # No two fit into one round.
        while len(together._waiting) < 8:
            pass
        first.set()
        assert busy.result(10) == ["first"]
        assert [one.result(10) for one in waiting] == [[number, number] for number in range(8)]


def test_a_round_takes_no_more_than_it_may_but_always_one():
    rounds = []
    together = Together(lambda tasks: rounds.append(len(tasks)) or tasks, most=3)
    together([1, 2, 3, 4, 5])
    assert rounds == [5]


def test_everybody_gets_the_own_results_under_load():
    together = Together(lambda tasks: [task + 1 for task in tasks], most=16)
    barrier = Barrier(8)

    def call(number):
        barrier.wait()
        return all(together([number * 1000 + i, i]) == [number * 1000 + i + 1, i + 1] for i in range(300))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(8)))


def test_an_error_reaches_every_caller_and_the_next_round_works():
    def work(tasks):
        if "bad" in tasks:
            raise ValueError("away")
        return tasks

    together = Together(work, most=8)
    with pytest.raises(ValueError, match="away"):
        together(["bad"])
    assert together(["good"]) == ["good"]
