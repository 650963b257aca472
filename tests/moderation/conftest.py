"""Properties are not timed, write nothing to the tree, and test the same examples on every machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("hamlet", deadline=None, database=None, derandomize=True, max_examples=100)
settings.load_profile("hamlet")
