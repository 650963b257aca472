"""Points and lines as numbers for a template to draw, in a square of 100 by 100 with its origin at the bottom left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

SIZE = 100


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line."""

    x: float
    y: float
    radius: float
    cells: tuple[str, ...]
    """What the table beneath says of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one series."""

    key: str
    name: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The line through all of them."""
        return "M" + "L".join(f"{point.x:g} {point.y:g}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines in one square."""

    name: str
    lines: tuple[Line, ...]
    right: str
    """What the ends of both axes stand for."""
    top: str
    diagonal: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(line.points for line in self.lines)


class _Seen(Struct, frozen=True):
    value: float


class _Bin(Struct, frozen=True):
    low: float
    high: float
    comments: int
    predicted: float
    observed: _Seen | None


class _Reliability(Struct, frozen=True):
    bins: tuple[_Bin, ...]


def reliability(figures: Mapping[str, Any], first: str) -> dict[str, tuple[_Bin, ...]]:
    """Bins of scores, by model and ``first`` that of one, as a training kept them; other shapes are left out."""
    kept = figures.get("later")
    found = {}
    for name, one in sorted(kept.items(), key=lambda one: one[0] != first) if isinstance(kept, dict) else ():
        try:
            found[str(name)] = msgspec.convert(one, _Reliability).bins
        except msgspec.ValidationError:
            continue
    return found


def reliability_plot(found: Mapping[str, Sequence[_Bin]], keys: Sequence[str], told: Any) -> Plot:
    """What scores said against what was true; ``told``: a share as the language writes it."""
    lines = []
    for key, (name, bins) in zip(keys, found.items(), strict=False):
        seen = [one for one in bins if one.observed is not None]
        most = max((one.comments for one in seen), default=1)
        points = tuple(_bin_point(one, most, told) for one in seen)
        lines.append(Line(key, name, points))
    return Plot("reliability", tuple(lines), "1", "1", diagonal=True)


def _bin_point(one: _Bin, most: int, told: Any) -> Point:
    truth = one.observed.value if one.observed is not None else 0.0
    cells = f"{one.low:.1f}–{one.high:.1f}", str(one.comments), told(one.predicted), told(truth)
    radius = round(1.2 + 2.8 * (one.comments / most) ** 0.5, 2)
    return Point(_bounded(SIZE * one.predicted), _bounded(SIZE * (1 - truth)), radius, cells)


def _bounded(value: float) -> float:
    return round(min(max(value, 0.0), float(SIZE)), 2)


def later_share(figures: Mapping[str, Any], name: str) -> float | None:
    """A share that a challenger reached on later labels, in per cent; None: nothing of it was kept."""
    shares = figures.get("shares")
    found = shares.get(name) if isinstance(shares, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        return None
    return 100.0 * found


def learning_plot(
    versions: Iterable[tuple[str, int, Mapping[str, Any]]], rows: Mapping[str, tuple[str, str]], told: Any
) -> Plot:
    """Figures of versions (name, labels, figures) over the labels they learnt from.

    ``rows``: of each share the key and the name of its line.
    """
    ordered = sorted(versions, key=lambda one: one[1])
    found = {row: [(one, later_share(one[2], row)) for one in ordered] for row in rows}
    known = [share for of_row in found.values() for _, share in of_row if share is not None]
    top, most = _top(max(known, default=0.0)), max((one[1] for one in ordered), default=0) or 1
    lines = []
    for row, (key, name) in rows.items():
        points = tuple(
            Point(
                _bounded(SIZE * labels / most),
                _bounded(SIZE * (1 - share / top)),
                1.8,
                (version, f"{labels:,}", told(share / 100)),
            )
            for (version, labels, _), share in found[row]
            if share is not None
        )
        lines.append(Line(key, name, points))
    return Plot("learning", tuple(lines), f"{most:,}", told(top / 100))


def _top(value: float) -> float:
    return next((step for step in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if value <= step), float(SIZE))
