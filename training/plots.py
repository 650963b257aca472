"""Plots as SVG text: axes, lines, bars and points, coloured by the page's style sheet. No library, no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from typing import TYPE_CHECKING

import numpy as np

from training.measures import HISTOGRAM_EDGES, ROC_RATES, Reliability, Roc, log_odds

if TYPE_CHECKING:
    from training.evaluate import Evaluation, Histogram

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 12, 44
COLOURS = 8
"""Classes c0 … c7 of the style sheet; more lines get dashes."""

Point = tuple[float, float]
Tick = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Axes:
    """A rectangle of the data, and its ticks. ``log_x``: decades on the x axis."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    x_title: str
    y_title: str
    log_x: bool = False

    def at(self, point: Point) -> Point:
        """Data to pixels."""
        low, high, x = (*self.x, point[0])
        if self.log_x:
            low, high, x = log10(low), log10(high), log10(max(x, self.x[0]))
        right = (x - low) / (high - low)
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot, with its name in the legend."""

    name: str
    points: Sequence[Point]
    dots: bool = False


def svg(title: str, axes: Axes, body: Sequence[str], legend: Sequence[str] = ()) -> str:
    """A whole picture; the legend stands below it as text."""
    picture = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_frame(axes)}{''.join(body)}</svg>"
    )
    keys = "".join(f'<li class="{_colour(i)}">{escape(name)}</li>' for i, name in enumerate(legend))
    return f"<figure><figcaption>{escape(title)}</figcaption>{picture}<ul>{keys}</ul></figure>"


def _colour(number: int) -> str:
    return f"c{number % COLOURS}" + (" dashed" if number >= COLOURS else "")


def _frame(axes: Axes) -> str:
    out = []
    for value, label in axes.x_ticks:
        x, y = axes.at((value, axes.y[0]))
        out.append(f'<path class="grid" d="M{x:.1f} {y:.1f}V{TOP}"/>')
        out.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{escape(label)}</text>')
    for value, label in axes.y_ticks:
        x, y = axes.at((axes.x[0], value))
        out.append(f'<path class="grid" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(axes.x_title)}</text>')
    down = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 12 {down:.0f})"'
    out.append(f'<text x="12" y="{down:.0f}" {turned} text-anchor="middle">{escape(axes.y_title)}</text>')
    return "".join(out)


def polyline(axes: Axes, points: Sequence[Point], style: str) -> str:
    """A line through points."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(axes.at, points))
    return f'<polyline class="{style}" points="{places}"/>'


def dot(axes: Axes, point: Point, style: str) -> str:
    """A point."""
    x, y = axes.at(point)
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def upright(axes: Axes, x: float, style: str) -> str:
    """A line from bottom to top."""
    return polyline(axes, [(x, axes.y[0]), (x, axes.y[1])], style)


def lines(title: str, axes: Axes, drawn: Sequence[Line], before: Sequence[str] = ()) -> str:
    """A plot of lines, each in its colour."""
    body = list(before)
    for number, line in enumerate(drawn):
        body.append(polyline(axes, line.points, f"line {_colour(number)}"))
        body += [dot(axes, point, f"dot {_colour(number)}") for point in line.points if line.dots]
    return svg(title, axes, body, [line.name for line in drawn])


TENTHS: tuple[Tick, ...] = tuple((i / 5, f"{i / 5:.1f}") for i in range(6))
RATES: tuple[Tick, ...] = ((1e-4, "0.01 %"), (1e-3, "0.1 %"), (1e-2, "1 %"), (1e-1, "10 %"), (1.0, "100 %"))


def roc_near_zero(head: str, rocs: Sequence[Roc]) -> str:
    """Recall against false-positive rate on a logarithmic axis; a line begins where one negative can be seen."""
    axes = Axes((1e-4, 1), (0, 1), RATES, TENTHS, "false positives", "recall", log_x=True)
    drawn = []
    for one in rocs:
        points = [p for p in zip(ROC_RATES.tolist(), one.recall, strict=True) if p[0] * one.negatives >= 1]
        drawn.append(Line(f"{one.name}{' *' if one.seen else ''}", points))
    marks = [upright(axes, rate, "mark") for rate in (0.001, 0.01)]
    return lines(f"{head}: ROC near zero", axes, drawn, marks)


def reliability_diagram(head: str, found: Sequence[tuple[str, Reliability]]) -> str:
    """Observed against predicted, with intervals."""
    axes = Axes((0, 1), (0, 1), TENTHS, TENTHS, "score", "share that is positive")
    body = [polyline(axes, [(0, 0), (1, 1)], "mark")]
    for number, (_, one) in enumerate(found):
        points = [(part.predicted, part.observed.value) for part in one.bins if part.observed]
        body.append(polyline(axes, points, f"line {_colour(number)}"))
        for part in one.bins:
            if part.observed:
                span = [(part.predicted, part.observed.low), (part.predicted, part.observed.high)]
                body.append(polyline(axes, span, f"line thin {_colour(number)}"))
                body.append(dot(axes, (part.predicted, part.observed.value), f"dot {_colour(number)}"))
    return svg(f"{head}: reliability", axes, body, [name for name, _ in found])


def learning_curve(head: str, evaluation: Evaluation) -> str:
    """AUC against the number of seeds."""
    rows = [row for row in evaluation.learning if row.head == head and row.ranking.auc]
    most = max((row.seeds for row in rows), default=1)
    ticks = [(float(seeds), f"{seeds:,}") for seeds in sorted({row.seeds for row in rows})]
    least = min((row.ranking.auc.low for row in rows if row.ranking.auc), default=0.5)
    bottom = min(0.5, int(least * 10) / 10)
    y_ticks = [(i / 10, f"{i / 10:.1f}") for i in range(round(bottom * 10), 11)]
    axes = Axes((0, float(most)), (bottom, 1), ticks, y_ticks, "seeds", "AUC")
    drawn = []
    for test in dict.fromkeys(row.test for row in rows):
        points = [(float(r.seeds), r.ranking.auc.value) for r in rows if r.test == test and r.ranking.auc]
        drawn.append(Line(test, points, dots=True))
    return lines(f"{head}: learning curve (seeds alone)", axes, drawn)


def score_histogram(found: Histogram, limits: Sequence[float]) -> str:
    """Shares by score, in log-odds, of positives and of others; thresholds as upright lines."""
    top = max(*found.positive, *found.negative) * 1.05 or 1.0
    probabilities = ((-9.21, "0.0001"), (-4.6, "0.01"), (-2.2, "0.1"), (0, "0.5"), (2.2, "0.9"), (4.6, "0.99"))
    ticks = (*probabilities, (9.21, "0.9999"))
    y_ticks = [(top * i / 4, f"{top * i / 4:.0%}") for i in range(5)]
    axes = Axes((-12, 12), (0, top), ticks, y_ticks, "score (in log-odds)", "share of comments")
    body = [_steps(axes, shares, f"area c{i}") for i, shares in enumerate((found.negative, found.positive))]
    body += [upright(axes, _bounded_log_odds(limit), "mark") for limit in limits]
    title = f"{found.head}: scores of {'seen comments *' if found.seen else 'unseen comments'}"
    return svg(title, axes, body, [f"not {found.head}", found.head])


def _bounded_log_odds(limit: float) -> float:
    return float(np.clip(log_odds(np.array([limit])), -12, 12)[0])


def _steps(axes: Axes, shares: Sequence[float], style: str) -> str:
    edges = HISTOGRAM_EDGES.tolist()
    points = [(edges[0], 0.0)]
    for low, high, value in zip(edges[:-1], edges[1:], shares, strict=True):
        points += [(low, value), (high, value)]
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(axes.at, [*points, (edges[-1], 0.0)]))
    return f'<polygon class="{style}" points="{places}"/>'


def all_plots(evaluation: Evaluation) -> list[str]:
    """Every plot for which there are figures."""
    out: list[str] = []
    limits = {one.head: [x for x in (one.hold_at, one.reject_at) if x is not None] for one in evaluation.thresholds}
    for head in dict.fromkeys(one.head for one in evaluation.rocs):
        out.append(roc_near_zero(head, [one for one in evaluation.rocs if one.head == head]))
        found = [
            ("seen *" if one.seen else "unseen", one.reliability) for one in evaluation.reliability if one.head == head
        ]
        out.append(reliability_diagram(head, found))
        out += [score_histogram(one, limits[head]) for one in evaluation.histograms if one.head == head]
        if any(row.head == head for row in evaluation.learning):
            out.append(learning_curve(head, evaluation))
    return out
