"""Builds ``moderation/text_tables.npz``: how one code point is folded.

The table is shipped, not computed at start, so that a score does not depend on the Unicode version of the Python
that serves. Rebuild with ``python -m training.text_tables`` after raising ``confusable-homoglyphs``.

Folding is context-free: every code point maps to a string (mostly of one character) whose characters map to
themselves. So folding twice changes nothing, and a whole batch folds with one table look-up.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
from confusable_homoglyphs.confusables import confusables_data

from moderation.text import (
    CLASS_CJK,
    CLASS_CYRILLIC,
    CLASS_DIGIT,
    CLASS_GREEK,
    CLASS_LATIN,
    CLASS_LETTER,
    EXPANSION,
    TABLE_SIZE,
    TABLES,
)

# Diacritics that decorate Latin, Greek and Cyrillic. Marks of other scripts are vowels: they stay.
DIACRITICS = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))

# Only letters of these scripts are taken for Latin: a Chinese or Arabic letter is never a disguise for one.
DISGUISING = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET", "OSAGE")

# Signs that open markup are folded away, so that folded text holds no markup and folding it again finds none.
MARKUP_SIGNS = {"<": "‹", ">": "›", "[": "⁅", "]": "⁆", "&": "⅋"}

BY_HAND = {
    "ı": "i",
    "ł": "l",
    "đ": "d",
    "ø": "o",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
}


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def _is_diacritic(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in DIACRITICS)


def _is_invisible(char: str) -> bool:
    if char in "\t\n\v\f\r\x85":
        return False
    code = ord(char)
    if 0xFE00 <= code <= 0xFE0F or code in (
        0x034F,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180C,
        0x180D,
        0x3164,
        0xFFA0,
    ):
        return True  # Variation selectors and fillers: drawn as nothing, used to break words.
    return unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _latin_twins() -> dict[str, str]:
    """Letters that look like one ASCII letter, from Unicode's confusables."""
    twins: dict[str, str] = {}
    for char, entries in confusables_data.items():
        if len(char) != 1 or ord(char) < 0x80 or _script(char) not in DISGUISING:
            continue
        if not unicodedata.category(char).startswith("L"):
            continue
        for entry in entries:
            twin = entry["c"]
            if len(twin) == 1 and twin.isascii() and twin.isalpha():
                twins[char] = twin.lower()
                break
    return twins


def _fold_once(char: str, twins: dict[str, str]) -> str:
    if _is_invisible(char) or _is_diacritic(char):
        return ""
    if char.isspace() or unicodedata.category(char).startswith("Z"):
        return " "
    if char in BY_HAND:
        return BY_HAND[char]
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    # Case first: the confusables of capitals and small letters differ.
    lowered = char.casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not _is_diacritic(c))
    out = unicodedata.normalize("NFC", plain)
    out = "".join(twins.get(c, c) for c in out)
    return "".join(MARKUP_SIGNS.get(c, c) for c in out)


def fold_character(char: str, twins: dict[str, str]) -> str:
    """Fold one character until nothing changes any more."""
    current = char
    for _ in range(8):
        folded = "".join(_fold_once(c, twins) for c in current)
        if folded == current:
            return folded
        current = folded
    raise ValueError(f"folding U+{ord(char):04X} does not come to rest")


def _class(char: str) -> int:
    category = unicodedata.category(char)
    if category in ("Nd", "Nl", "No"):
        return CLASS_DIGIT
    if not category.startswith(("L", "M")):
        return 0
    script = _script(char)
    by_script = {"LATIN": CLASS_LATIN, "CYRILLIC": CLASS_CYRILLIC, "GREEK": CLASS_GREEK, "FULLWIDTH": CLASS_LATIN}
    if script in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"):
        return CLASS_CJK
    return by_script.get(script, CLASS_LETTER)


def build() -> dict[str, np.ndarray]:
    """The arrays of ``text_tables.npz``: ``fold``, ``classes``, ``expansion_start``, ``expansion_chars``."""
    twins = _latin_twins()
    fold = np.zeros(TABLE_SIZE, dtype=np.uint32)
    classes = np.zeros(TABLE_SIZE, dtype=np.uint8)
    starts, chars = [0], list[int]()
    numbers: dict[str, int] = {}
    for code in range(1, TABLE_SIZE):
        char = chr(code)
        classes[code] = _class(char)
        folded = fold_character(char, twins)
        if len(folded) == 1:
            fold[code] = ord(folded)
        elif folded:
            if folded not in numbers:
                numbers[folded] = len(numbers)
                chars.extend(map(ord, folded))
                starts.append(len(chars))
            fold[code] = EXPANSION + numbers[folded]
    return {
        "fold": fold,
        "classes": classes,
        "expansion_start": np.array(starts, dtype=np.uint32),
        "expansion_chars": np.array(chars, dtype=np.uint32),
    }


def main(path: Path = TABLES) -> None:
    """Write the table."""
    np.savez_compressed(path, **build())  # type: ignore[arg-type]  # numpy's stub takes the first for a flag


if __name__ == "__main__":
    main()
