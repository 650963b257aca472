"""Training over a Dask cluster, through joblib: what runs side by side here runs side by side there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from moderation.cluster import connected


@contextmanager
def over(scheduler: str | None) -> Iterator[None]:
    """Let joblib's work be done by the workers of a scheduler such as ``tcp://10.0.0.5:8786``; None: here.

    Every worker needs the same Hamlet. Raises :class:`~moderation.errors.BadSetting` if nobody answers there.
    """
    if scheduler is None:
        yield
        return
    with connected(scheduler) as client, joblib.parallel_config(backend="dask", client=client, n_jobs=-1):
        yield
