"""Thresholds in a form: two fields a head, empty for the model's own, ``never``, or a number from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from api.dashboard.language import gettext
from moderation.artifact import Manifest
from moderation.errors import BadSetting
from moderation.policy import Choices, Override

NEVER = "never"
KINDS = ("hold_at", "reject_at")


@dataclass(frozen=True, slots=True)
class HeadShown:
    """One head: what stands in its fields, and the model's own thresholds."""

    name: str
    values: Mapping[str, str]
    defaults: Mapping[str, float | None]


def thresholds_of(manifest: Manifest, choices: Choices, form: Mapping[str, str] | None = None) -> tuple[HeadShown, ...]:
    """The fields of all heads: as the site has chosen, or as they were filled in."""
    shown = []
    for head in manifest.heads:
        change = choices.thresholds.get(head.name, Override())
        kept = {kind: _text(getattr(change, kind)) for kind in KINDS}
        values = {kind: form.get(f"{head.name}.{kind}", "") for kind in KINDS} if form is not None else kept
        shown.append(HeadShown(head.name, values, {kind: getattr(head, kind) for kind in KINDS}))
    return tuple(shown)


def thresholds_from(heads: Iterable[str], form: Mapping[str, str]) -> dict[str, dict[str, float | None]]:
    """What was filled in; raises ``BadSetting`` for what is no threshold."""
    found = {}
    for head in heads:
        given = {kind: _value(f"{head}.{kind}", form.get(f"{head}.{kind}", "")) for kind in KINDS}
        found[head] = {kind: value for kind, value in given.items() if not isinstance(value, UnsetType)}
    return found


def tidied(choices: Choices) -> Choices:
    """Choices without heads of which nothing is chosen."""
    changes = {name: change for name, change in choices.thresholds.items() if change != Override()}
    return msgspec.structs.replace(choices, thresholds=changes)


def _text(value: float | UnsetType | None) -> str:
    if isinstance(value, UnsetType):
        return ""
    return NEVER if value is None else str(value)


def _value(name: str, text: str) -> float | UnsetType | None:
    text = text.strip().casefold()
    if not text:
        return UNSET
    if text in (NEVER, gettext("never")):
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise BadSetting(name, gettext("a number from 0 to 1, the word never, or nothing")) from error
