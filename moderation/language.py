"""The language of a comment: what its site says, else the script it is written in."""

from __future__ import annotations

import numpy as np

from moderation.comment import Comment
from moderation.text import CLASS_CJK, CLASS_CYRILLIC, CLASS_GREEK, CLASS_LATIN, CLASS_LETTER, CLASSES, Codes

LEAST_LETTERS = 8
MAX_NAMED = 64
_SCRIPTS = {
    CLASS_LATIN: "latin",
    CLASS_CYRILLIC: "cyrillic",
    CLASS_GREEK: "greek",
    CLASS_CJK: "cjk",
    CLASS_LETTER: "other-script",
}


def language_of(comment: Comment, codes: Codes) -> str:
    """``en``, ``cyrillic`` …; empty if too few letters tell. ``codes``: the folded text."""
    named = (comment.language or "")[:MAX_NAMED].strip().lower().replace("_", "-").partition("-")[0]
    if named.isalnum():
        return named[:16]
    counts = np.bincount(CLASSES.take(codes, mode="clip"), minlength=max(_SCRIPTS) + 1)
    most = max(_SCRIPTS, key=lambda script: int(counts[script]))
    return _SCRIPTS[most] if counts[most] >= LEAST_LETTERS else ""
