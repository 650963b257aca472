"""Training throughput and peak memory as data grows: a quarter, a half and all of what there is."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.tables import show
from training.recipes import BASE
from training.train import gather, learn_phrases, train_on

SHARES = (0.25, 0.5, 1.0)


def train_some(part: float, data_dir: Path | None) -> dict[str, float]:
    """Train on a random part of the comments, in this process."""
    dataset = gather(data_dir, BASE)
    phrases = learn_phrases(dataset, data_dir)
    rows = np.random.default_rng(0).permutation(len(dataset.comments))[: round(part * len(dataset.comments))]
    rows.sort()
    some = replace(dataset, comments=[dataset.comments[i] for i in rows], origin=dataset.origin[rows])
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        train_on(some, phrases, Path(folder, "base", "bench"), BASE)
    seconds = time.perf_counter() - begun
    return {"comments": rows.size, "seconds": seconds, "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main() -> None:
    """Measure each size in a process of its own, and print."""
    data_dir = os.environ.get("HAMLET_DATA_DIR", "")
    rows = []
    for part in SHARES:
        command = [sys.executable, "-m", "bench.training", str(part), data_dir]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(
            (
                f"{part / SHARES[0]:.0f} x",
                f"{found['comments']:,.0f}",
                f"{found['seconds']:,.1f}",
                f"{found['comments'] / found['seconds']:,.0f}",
                f"{found['kilobytes'] / 1024:,.0f}",
            )
        )
    show(
        "Training the base model as data grows",
        ("", "comments", "seconds", "comments a second", "peak memory, MB"),
        rows,
        "All heads, five folds each for calibration. "
        + ("Seeds and corpora." if data_dir else "Seeds alone; set HAMLET_DATA_DIR for the corpora."),
    )


if __name__ == "__main__":
    print(json.dumps(train_some(float(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None)))
