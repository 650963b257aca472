"""The compiled inner loops, where set-up found a C compiler; ``None`` where it did not.

What they do is said by the numpy code beside each caller, which does the same to the bit and is the definition: a
change there is made in ``kernels.pyx``, too, and the tests hold one against the other.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Rows = NDArray[np.int32]
Hashes = NDArray[np.uint64]
Codes = NDArray[np.uint32]


class Kernels(Protocol):
    """What ``kernels.pyx`` has. Arrays of other sizes than agreed raise ``ValueError`` or ``IndexError``."""

    def fold(
        self,
        codes: Codes,
        starts: Index,
        table: Codes,
        expansion_start: Codes,
        expansion_chars: Codes,
        limits: Codes,
        /,
    ) -> tuple[Codes, Index | None, Index, Index]:
        """What ``moderation.text._fold_codes`` gives.

        ``limits``: end of the table, first number of an expansion, first code point of the plane of tags, the space,
        the seam, and how often a character may stand side by side.
        """
        ...

    def hash_grams(
        self,
        codes: Codes,
        seams: Index,
        letters: NDArray[np.uint8],
        factors: Hashes,
        sizes: Hashes,
        bits: int,
        padding: int,
        /,
    ) -> tuple[Hashes, Rows, NDArray[np.int32], Index, Index, Index]:
        """Prefix hashes, rows, windows begun before each place, starts and ends of words, first words of pairs.

        ``letters``: whether a code point is of words; ``factors``: the base, its inverse, that of words, of pairs.
        """
        ...

    def find_phrases(
        self,
        prefix: Hashes,
        size: int,
        seams: Index,
        heads: Index,
        lengths: Index,
        head_map: NDArray[np.uint8],
        head_bits: int,
        whole_map: NDArray[np.uint8],
        whole_bits: int,
        factors: Hashes,
        hashes: Hashes,
        /,
    ) -> Index:
        """[3, found]: where phrases inside of texts begin, their lengths, their numbers.

        Phrases from ``lengths[i]`` on and shorter than ``lengths[i + 1]`` begin with ``heads[i]`` characters that are
        in ``head_map``; ``factors``: the inverse of the base, and what spreads a hash over all bits.
        """
        ...

    def add_rows(
        self,
        weights: NDArray[np.int16],
        rows: Rows,
        bounds: Index,
        targets: Index,
        sums: NDArray[np.float64],
        /,
    ) -> None:
        """Add to ``sums[targets[i]]`` the weights of ``rows[bounds[i]:bounds[i + 1]]``."""
        ...


KERNELS: Kernels | None
try:
    KERNELS = cast(Kernels, import_module("moderation.kernels"))
except ImportError:
    KERNELS = None
