"""Files of JSON lines on the command line: plain, gzip, or standard input."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from moderation.errors import HamletError


def opened(file: Path) -> Any:
    """A file to read, as a context; ``-`` is standard input."""
    if str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")
    except OSError as error:
        raise HamletError(f"{file}: {error.strerror}") from error


def whole(lines: IO[bytes], file: Path) -> Iterator[bytes]:
    """Its lines; a file that breaks off is an error that names it."""
    try:
        yield from lines
    except (OSError, EOFError, zlib.error) as error:  # A gzip that is none, cut short or damaged.
        raise HamletError(f"{file}: {error}") from error
