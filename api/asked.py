"""What the address of a queue page asks for: every view of the queue is an address that can be shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from moderation.errors import BadFilter
from moderation.past import DAY, HOUR
from moderation.review import MOST_SEARCHED, Facet, Filter, Order
from moderation.store import now_ms

AGES = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
"""Waiting for at least so long."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A view of the queue."""

    values: Mapping[str, str]
    """As in the address, without what is empty or as it is anyway."""
    site: str
    order: Order
    wanted: Filter
    after: str | None

    def address(self, **changes: str | None) -> str:
        """The query string of this view with changes; None takes a filter away."""
        changed = {**self.values, **changes}
        return urlencode({name: value for name, value in changed.items() if value})


def read(arguments: Mapping[str, str]) -> Asked:
    """The view an address asks for; raises ``BadFilter`` for what makes no sense."""
    names = ("site", "order", "age", "q", *(facet.value for facet in Facet))
    values = {name: value for name in names if (value := arguments.get(name, "").strip())}
    try:
        order = Order(values.get("order", Order.OLDEST))
    except ValueError:
        raise BadFilter(f"order: one of {', '.join(Order)}, not {values['order'][:40]!r}") from None
    facets = {facet: values[facet.value] for facet in Facet if facet.value in values}
    return Asked(
        values, values.get("site", ""), order, Filter(facets, _search(values), _until(values)), arguments.get("after")
    )


def _search(values: Mapping[str, str]) -> str:
    return values.get("q", "")[: MOST_SEARCHED + 1]


def _until(values: Mapping[str, str]) -> int | None:
    age = values.get("age")
    if age is None:
        return None
    if age not in AGES:
        raise BadFilter(f"age: one of {', '.join(AGES)}, not {age[:40]!r}")
    return now_ms() - AGES[age]
