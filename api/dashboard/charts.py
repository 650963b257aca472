"""Bars of days, stacked, as numbers for a template to draw: 10 units of width a day, 100 of height."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 10, 100, 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a day."""

    key: str
    value: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One day."""

    x: int
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Days side by side."""

    name: str
    title: str
    series: Mapping[str, str]
    """What is stacked, from the bottom up: key and name."""
    columns: tuple[Column, ...]
    top: int
    """The number that the full height stands for."""

    @property
    def width(self) -> int:
        """Units of all days."""
        return WIDTH * len(self.columns)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(bar.value for column in self.columns for bar in column.bars)


def stacked(name: str, title: str, series: Mapping[str, str], days: Iterable[tuple[str, Mapping[str, int]]]) -> Chart:
    """A chart of days, given with their names and numbers."""
    rows = list(days)
    top = rounded_up(max((sum(numbers.get(key, 0) for key in series) for _, numbers in rows), default=0))
    columns = [Column(WIDTH * i, label, _bars(series, numbers, top)) for i, (label, numbers) in enumerate(rows)]
    return Chart(name, title, series, tuple(columns), top)


def _bars(series: Iterable[str], numbers: Mapping[str, int], top: int) -> tuple[Bar, ...]:
    bars, below = [], 0
    for key in series:
        value = numbers.get(key, 0)
        below += value
        bars.append(Bar(key, value, round(HEIGHT * (1 - below / top), 3), round(HEIGHT * value / top, 3)))
    return tuple(bars)


def rounded_up(value: int) -> int:
    """The next of 2, 3, 4, 5, 6, 8, 10, 20, 30 …"""
    size = 1
    while value > 10 * size:
        size *= 10
    return next(step * size for step in (2, 3, 4, 5, 6, 8, 10) if value <= step * size)
