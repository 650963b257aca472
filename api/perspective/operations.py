"""The two calls, by their names in the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.perspective.access import site_of
from api.perspective.analyze import analyze
from api.perspective.answers import Answer, answer_failure, answer_json
from api.perspective.payload import read_message
from api.perspective.suggest import suggest
from moderation.store.sites import Site

OPERATIONS: dict[str, Callable[[Site, dict[str, Any]], dict[str, Any]]] = {
    "comments:analyze": analyze,
    "comments:suggestscore": suggest,
}


def perform(name: str, key: str, raw: bytes) -> Answer:
    """The answer to a call, whatever becomes of it; the key is looked at first."""
    try:
        site = site_of(key)
        return answer_json(OPERATIONS[name](site, read_message(raw)))
    except Exception as error:  # One call of a batch that fails is one answer.
        return answer_failure(error)
