"""What can be done with a key in the queue. People may give an action another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from babel.support import LazyProxy

from api.dashboard.language import lazy


@dataclass(frozen=True, slots=True)
class KeyedAction:
    """An action of the dashboard, its key, and what it does in words."""

    name: str
    key: str
    label: LazyProxy


ACTIONS = (
    KeyedAction("next", "j", lazy("next comment")),
    KeyedAction("previous", "k", lazy("previous comment")),
    KeyedAction("ham", "h", lazy("publish it: it is fine")),
    KeyedAction("spam", "s", lazy("it is spam")),
    KeyedAction("abuse", "a", lazy("it is abuse")),
    KeyedAction("other", "o", lazy("do not publish it, for another reason")),
    KeyedAction("undo", "u", lazy("take the last decision back")),
    KeyedAction("note", "e", lazy("write a note, kept with the decision")),
    KeyedAction("rule", "r", lazy("make a rule from it")),
    KeyedAction("select", " ", lazy("select it; with shift: all from the last one selected")),
    KeyedAction("search", "/", lazy("search")),
    KeyedAction("help", "?", lazy("show the keys")),
)


def keys_of(own: Mapping[str, str]) -> dict[str, str]:
    """Every action with its key, for a person who has changed some."""
    return {one.name: own.get(one.name, one.key) for one in ACTIONS}


def changes_of(wanted: Mapping[str, str]) -> dict[str, str]:
    """Those that differ from what an action has anyway."""
    return {one.name: wanted[one.name] for one in ACTIONS if wanted[one.name] != one.key}


def clashes(wanted: Mapping[str, str]) -> list[str]:
    """Actions whose key another one has, too."""
    taken = list(wanted.values())
    return [name for name, key in wanted.items() if taken.count(key) > 1]
