"""Tables for people, plain columns for pipes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.printable import printable


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows: a table on a terminal, tab-separated without a heading elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(printable(str(cell)) for cell in row))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))  # Brackets in a comment are no markup.
    Console().print(table)


def day(milliseconds: int | None) -> str:
    """A time of the store as a date with minutes, UTC."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
