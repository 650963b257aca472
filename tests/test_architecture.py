"""docs/architecture.md is kept true: it names every module, and only modules that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = ("moderation", "training", "api", "hamlet")


def modules() -> list[str]:
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" in parts or parts[-1] == "__main__":
                continue  # Described as a whole.
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [name for name in found if name not in ROOMS or name == "api"]


@pytest.mark.parametrize("name", modules())
def test_every_module_is_named(name):
    assert f"`{name}`" in PAGE


def test_every_named_module_exists():
    named = set(re.findall(rf"`((?:{'|'.join(ROOMS)})(?:\.[a-z0-9_]+)+)`", PAGE))
    assert named <= set(modules())
