"""Judging many comments, here or by the workers of a Dask cluster; the order stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from moderation.check import Judging, judge
from moderation.classifier import Classifier
from moderation.cluster import connected
from moderation.comment import Comment
from moderation.policy import make_policy
from moderation.verdict import Verdict

AHEAD = 4
"""Batches for each worker that are under way at once."""
Batch = list[Comment]
JudgeAll = Callable[[Iterator[Batch]], Iterator[list[Verdict]]]


@contextmanager
def judging(model: Path, scheduler: str | None) -> Iterator[JudgeAll]:
    """How batches are judged by a model: here, or over the cluster of a scheduler such as ``tcp://10.0.0.5:8786``.

    Its workers need the same Hamlet and the same model folder. Raises :class:`~moderation.errors.BadSetting` if
    nobody answers there.
    """
    if scheduler is None:
        here = _judging(str(model))
        yield lambda batches: (judge(batch, here) for batch in batches)
        return
    with connected(scheduler) as client:
        most = AHEAD * max(len(client.scheduler_info()["workers"]), 1)

        def there(batches: Iterator[Batch]) -> Iterator[list[Verdict]]:
            waiting: deque[object] = deque()
            for batch in batches:
                waiting.append(client.submit(judge_there, str(model), batch, pure=False))
                if len(waiting) >= most:
                    yield waiting.popleft().result()  # type: ignore[attr-defined]  # Dask's futures have no types.
            while waiting:
                yield waiting.popleft().result()  # type: ignore[attr-defined]

        yield there


def judge_there(model: str, comments: Batch) -> list[Verdict]:
    """Judge a batch in a worker."""
    return judge(comments, _judging(model))


@lru_cache(maxsize=2)
def _judging(model: str) -> Judging:
    classifier = Classifier.load(Path(model))
    return Judging(classifier, make_policy(classifier.manifest))
