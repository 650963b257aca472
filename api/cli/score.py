"""``hamlet score``."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from api.cli.lines import opened, whole
from api.cli.options import MODEL, with_settings
from moderation.comment import Comment, numbered
from moderation.errors import BadComment
from moderation.settings import Settings
from moderation.verdict import Verdict

BATCH = 512
Batch = list[tuple[int, Comment | BadComment]]
"""Lines with their numbers."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--explain", is_flag=True, help="Add baseline and reasons, strongest first.")
@click.option("--scheduler", metavar="ADDRESS", help="Score over the Dask cluster of this scheduler, such as tcp://….")
@with_settings(*MODEL)
def score(settings: Settings, file: Path, explain: bool, scheduler: str | None) -> None:
    """Score comments from FILE, or from standard input with '-'. Nothing is stored.

    FILE holds JSON lines in the comment format, plain or .gz; only "text" is required. Each line gives one line of
    JSON with id, decision and scores, in order. A bad line becomes a line on standard error with its number, the
    others go on, and the exit code is 1.

    \b
    echo '{"id": "1", "text": "Great post, buy cheap watches at http://x.example"}' | hamlet score - --explain
    """
    from api.cli.bulk import judging
    from moderation import artifact

    failed, read = 0, deque[Batch]()
    model = artifact.find(settings.models, settings.model)
    with opened(file) as lines, _progress(file) as advance, judging(model, scheduler) as judge_all:

        def batches() -> Iterator[list[Comment]]:
            rows = numbered(whole(lines, file), Comment)
            while batch := list(islice(rows, BATCH)):
                read.append(batch)
                yield [comment for _, comment in batch if not isinstance(comment, BadComment)]

        for verdicts in judge_all(batches()):
            batch, given = read.popleft(), iter(verdicts)
            for number, comment in batch:
                if isinstance(comment, BadComment):
                    failed += 1
                    click.echo(f"{file}:{number}: {comment}", err=True)
                else:
                    sys.stdout.write(_line(comment, next(given), explain) + "\n")
            advance(len(batch))
    if failed:
        click.echo(f"{failed:,} bad line{'s' * (failed > 1)}; the others were scored", err=True)
        click.get_current_context().exit(1)


def _line(comment: Comment, verdict: Verdict, explain: bool) -> str:
    row: dict[str, Any] = {"id": comment.id, "decision": verdict.decision, "scores": verdict.scores}
    if explain:
        row |= {"baseline": verdict.baseline, "reasons": verdict.reasons}
    return msgspec.json.encode(row).decode()


def _progress(file: Path) -> Any:
    """A counter on standard error when somebody watches and the output goes elsewhere."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return nullcontext(lambda count: None)
    from api.cli.progress import counting

    return counting(f"scoring {file}")
