"""Training and bulk scoring over a real Dask cluster of two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from moderation.errors import BadSetting
from tests.training.test_train import HAM, QUICK, SPAM
from training.cluster import over
from training.train import train_base

PYTHON = (sys.executable, "-m")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Not ours.
        from distributed import LocalCluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            yield cluster.scheduler_address


@pytest.fixture
def seeds(tmp_path):
    """A folder of few seeds."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    rows = [
        {
            "id": f"{label}-{n}",
            "text": f"{chr(97 + n // 10)}{n} {texts[n % 5]}",
            "labels": {"spam": label, "threat": n % 2},
        }
        for n in range(60)
        for label, texts in ((1, SPAM), (0, HAM))
    ]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.filterwarnings("ignore")
def test_a_model_trained_over_a_cluster_is_the_same_as_one_trained_here(tmp_path, seeds, scheduler):
    here = train_base(tmp_path / "here" / "base" / "1", None, QUICK, seeds=seeds)
    with over(scheduler):
        there = train_base(tmp_path / "there" / "base" / "1", None, QUICK, seeds=seeds)
    assert here == there


def test_comments_scored_over_a_cluster_come_back_in_order(tmp_path, scheduler):
    lines = (
        "".join(json.dumps({"id": str(n), "text": f"Nice post number {n}"}) + "\n" for n in range(1_300)) + "nonsense\n"
    )
    (tmp_path / "comments.jsonl").write_text(lines)
    outputs = []
    for more in ((), ("--scheduler", scheduler)):
        command = [*PYTHON, "hamlet", "score", str(tmp_path / "comments.jsonl"), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.returncode == 1 and ":1301:" in done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == 1_300


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_said(address, monkeypatch):
    monkeypatch.setattr("moderation.cluster.PATIENCE", "1s")
    with pytest.raises(BadSetting, match="does not answer"), over(address):
        pass


def test_without_a_scheduler_the_work_is_done_here():
    with over(None):
        pass
