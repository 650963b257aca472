"""What a training has found, on one readable page: for the terminal, as JSON and as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from rich.console import Console
from rich.text import Text

from moderation.printable import printable
from training import measures
from training.gate import Trial
from training.labels import HEADS
from training.measures import Figure, Measured, Roc
from training.plots import reliability_diagram, roc_near_zero
from training.rivals import ACCEPT, HOLD, REJECT, Bools, Floats, compare, wrong
from training.site import Result
from training.tables import Table, plain, print_table

SHOWN_FLIPS, SHOWN_WORDS = 15, 8
TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)  # Intervals take their time, and they are shown, kept and written to a file.
def tables(result: Result) -> tuple[Table, ...]:
    """Every table that has rows, in the order they are read."""
    made = (
        _gate(result),
        _later(result),
        _labels(result),
        _reviewers(result),
        _flips(result),
        _words(result),
        _heads(result),
        _signals(result),
    )
    return tuple(table for table in made if table.rows)


def headline(result: Result) -> str:
    """The outcome in a sentence."""
    name = result.manifest.name
    if result.promoted:
        return f"{name} serves {result.site} from now on (before: {result.champion})."
    if result.passed:
        kept = "was kept and not promoted" if result.version is not None else "was not kept: a dry run"
        return f"{name} passed the gate and {kept}; {result.champion} serves on."
    failed = ", ".join(check.name for check in result.checks if not check.passed)
    return f"The gate refused {name} ({failed}); {result.champion} serves on."


def show(result: Result, console: Console) -> None:
    """Print the page."""
    console.print(Text(headline(result), style="bold"), soft_wrap=True)
    for sentence in _promised(result):
        console.print(Text(sentence), soft_wrap=True)
    console.print()
    for table in tables(result):
        print_table(table, console)


def _promised(result: Result) -> Iterator[str]:
    yield from (f"{sentence}." for sentence in result.promise.told)
    limits = [(head.name, head.hold_at, head.reject_at) for head in result.manifest.heads if head.name in HEADS]
    yield "Thresholds: " + "; ".join(
        f"{name} holds from {_score(hold)} and rejects from {_score(reject)}" for name, hold, reject in limits
    )


def _score(value: float | None) -> str:
    return "never" if value is None else f"{value:.4f}"


def _gate(result: Result) -> Table:
    rows = tuple(
        ("passed" if check.passed else "REFUSED", check.name, check.told, " ".join(check.comments[:3]))
        for check in result.checks
    )
    note = "On labels and comments that the challenger has not learnt from. The ids speak against it."
    return Table("gate", "Gate", note, ("", "check", "found", "such as"), rows, 4)


def _later(result: Result) -> Table:
    trial = result.later
    note = (
        f"{len(trial.labels):,} labels later than those that either has learnt from, {int(trial.bad.sum()):,} of them"
        " spam or abuse. Brackets: 95 % bootstrap interval, near-copies drawn together; p: exact McNemar test."
    )
    columns = ("on later labels", "challenger", "champion", "difference", "p")
    return Table(
        "later", f"{trial.challenger.name} against {trial.champion.name}", note, columns, tuple(_compared(trial))
    )


def _compared(trial: Trial) -> Iterator[tuple[str, ...]]:
    if not trial.labels:
        return
    groups = np.unique([one.group for one in trial.labels], return_inverse=True)[1].reshape(-1)
    highest = [one.scores.max(axis=1) for one in (trial.challenger, trial.champion)]
    if trial.bad.any() and not trial.bad.all():
        names = ("AUC", "recall at 1 % false positives", "recall at 0.1 % false positives")
        for name, both in zip(names, _rankings(highest, trial.bad, groups), strict=True):
            yield (name, *(plain(one) for one in both), "")
    for name, rows, hits in _kinds(trial):
        yield (name, *_shares(hits, groups[rows]), f"{compare(hits[0], hits[1]).p:.3f}")


def _kinds(trial: Trial) -> Iterator[tuple[str, Bools, list[Bools]]]:
    """What can be counted: a name, the comments it is counted on, and which of those it is true of, of either."""
    decided = [one.decisions for one in (trial.challenger, trial.champion)]
    kinds = (
        ("ham rejected", ~trial.bad, REJECT, REJECT),
        ("ham held or rejected", ~trial.bad, HOLD, REJECT),
        ("spam and abuse accepted", trial.bad, ACCEPT, ACCEPT),
        ("spam and abuse rejected", trial.bad, REJECT, REJECT),
    )
    for name, rows, low, high in kinds:
        if rows.any():
            yield name, rows, [(one[rows] >= low) & (one[rows] <= high) for one in decided]
    yield "wrong in all", np.ones(trial.bad.size, dtype=bool), [wrong(one, trial.bad) for one in decided]


def _rankings(scores: list[Floats], bad: Bools, groups: Any) -> Iterator[tuple[Measured, Measured, Measured]]:
    """AUC and recalls of both, and their differences, on the same resamples."""

    def measure(weights: Floats) -> Floats:
        curves = [measures.curve(one, bad, weights) for one in scores]
        rows = [[measures.auc(one), measures.recall_at(one, 0.01), measures.recall_at(one, 0.001)] for one in curves]
        both = np.array(rows)
        return np.concatenate([both[0], both[1], both[0] - both[1]]).T

    found = measures.figures(*measures.bootstrap(measure, bad.size, groups))
    yield from zip(found[0:3], found[3:6], found[6:9], strict=True)


def _shares(hits: list[Bools], groups: Any) -> tuple[str, str, str]:
    def measure(weights: Floats) -> Floats:
        total = np.maximum(weights.sum(axis=1), 1e-9)
        both = [(weights * one).sum(axis=1) / total for one in hits]
        return np.stack([*both, both[0] - both[1]], axis=1)

    found = measures.figures(*measures.bootstrap(measure, hits[0].size, groups))
    return tuple(map(_percent, found))  # type: ignore[return-value]  # Three of them.


def _percent(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return f"{100 * figure.value:.1f} % ({100 * figure.low:.1f}–{100 * figure.high:.1f})"


def _labels(result: Result) -> Table:
    rows = tuple(
        (str(one.outcome), *(f"{n:,}" for n in (one.day, one.week, one.month, one.older, one.count)))
        for one in result.ages
    )
    note = f"{result.aside:,} of them were drawn at random and are kept aside for the promise."
    if result.labels.conflicts:
        note += f" {result.labels.conflicts:,} were overruled by a newer label of the same words."
    return Table("labels", "Labels", note, ("outcome", "today", "this week", "this month", "older", "all"), rows)


def _reviewers(result: Result) -> Table:
    rows = tuple(
        (one.name, f"{one.labels:,}", f"{one.against:,}", f"{one.against / one.labels:.0%}") for one in result.reviewers
    )
    note = (
        "Against the others: labels that a model of everybody else's labels finds less than 10 % likely. Leave somebody"
        " out with --without-reviewer NAME."
    )
    return Table("reviewers", "Who said it", note, ("reviewer", "labels", "against the others", ""), rows)


def _flips(result: Result) -> Table:
    rows = tuple(
        (one.outcome, f"{one.before} -> {one.after}", one.comment_id, _line(one.text))
        for one in result.flips[:SHOWN_FLIPS]
    )
    note = f"{result.flipped:,} labelled comments would have been decided differently; wrong ones first."
    return Table("flips", "Decided differently", note, ("label", "decision", "comment", "text"), rows, 4)


def _line(text: str, most: int = 70) -> str:
    line = " ".join(printable(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _words(result: Result) -> Table:
    gained = [one for one in result.moved[:SHOWN_WORDS] if one.by > 0]
    lost = [one for one in result.moved[::-1][:SHOWN_WORDS] if one.by < 0]
    rows = tuple((one.word, f"{one.comments:,}", f"{one.by:+.2f}") for one in (*gained, *lost[::-1]))
    note = "What each alone adds to the log-odds of spam, beyond what the champion says."
    return Table("words", "Words and domains that moved most", note, ("word", "labels with it", "change"), rows)


def _heads(result: Result) -> Table:
    rows = tuple(
        (one.head, *(f"{n:,.0f}" for n in (one.labels, one.anchor)), f"{one.trust:g}", f"{one.slope:.2f}")
        for one in result.adapted.corrections.values()
    )
    columns = ("head", "labels", "seeds count for", "trust in the base", "calibration")
    note = "Base and seeds count in full unless labels drawn at random say that less is better, or are most of all."
    return Table("heads", "What was learnt", note, columns, rows)


def _signals(result: Result) -> Table:
    rows = tuple(
        (one.code, f"{one.in_spam:,}", f"{one.in_ham:,}", f"{one.prior:+.2f}", f"{one.weight:+.2f}")
        for one in result.adapted.signals
    )
    columns = ("signal", "in spam", "in ham", "shipped", "learnt")
    return Table("signals", "Signals, in log-odds of spam", "Beside what the text says.", columns, rows)


def figures(result: Result) -> dict[str, Any]:
    """What is kept with the version for the dashboard: no text of any comment."""
    told = {table.key: msgspec.to_builtins(table) for table in tables(result) if table.key not in ("flips", "words")}
    return {
        "promise": {
            "told": list(result.promise.told),
            "ham": result.promise.ham,
            "bad": result.promise.bad,
            "reject": _bound(result.promise.reject),
            "accept": _bound(result.promise.accept),
        },
        "tables": told,
        "later": _scores(result.later),
        "shares": {name: float(hits[0].mean()) for name, _, hits in _kinds(result.later) if hits[0].size},
    }


def _bound(found: Any) -> dict[str, float] | None:
    return None if found is None else {"n": found.n, "alpha": found.alpha, "delta": found.delta, "at": found.threshold}


def _scores(trial: Trial) -> dict[str, Any]:
    """Reliability of both on later labels."""
    return {
        one.name: msgspec.to_builtins(measures.reliability(one.scores.max(axis=1), trial.bad.astype(np.float64)))
        for one in (trial.challenger, trial.champion)
        if trial.bad.size
    }


def as_json(result: Result) -> bytes:
    """Everything, with ids and without texts of comments."""
    told = {
        "site": result.site,
        "model": result.manifest.name,
        "champion": result.champion,
        "passed": result.passed,
        "promoted": result.promoted,
        "headline": headline(result),
        "labels": msgspec.to_builtins(result.labels.used),
        "gate": msgspec.to_builtins(result.checks),
        "flips": [
            {"id": one.comment_id, "outcome": one.outcome, "before": one.before, "after": one.after}
            for one in result.flips
        ],
        "words": msgspec.to_builtins(result.moved[:50] + result.moved[-50:]),
        **figures(result),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def as_html(result: Result) -> str:
    """The page with plots, in one file that needs nothing from anywhere. It shows texts: for oneself."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("site.html").render(
        headline=headline(result),
        promised=list(_promised(result)),
        tables=tables(result),
        note="Dashed upright lines: 0.1 % and 1 % false positives.",
        site=result.site,
        name=result.manifest.name,
        # Our own SVG: everything from outside was escaped where it was put in.
        plots=[Markup(plot) for plot in _plots(result.later)],  # noqa: S704
    )


def _plots(trial: Trial) -> Iterator[str]:
    if not (trial.bad.any() and not trial.bad.all()):
        return
    bad = trial.bad.astype(np.float64)
    both = (trial.challenger, trial.champion)
    negatives = int((~trial.bad).sum())
    rocs = [Roc("spam", one.name, False, negatives, measures.roc(one.scores.max(axis=1), bad)) for one in both]
    yield roc_near_zero("spam and abuse, later labels", rocs)
    yield reliability_diagram(
        "spam and abuse, later labels",
        [(one.name, measures.reliability(one.scores.max(axis=1), bad)) for one in both],
    )
