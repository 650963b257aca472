"""What clients of other protocols say of a comment, as a review; the same word said again settles nothing twice."""

from __future__ import annotations

from api.wiring import parts
from moderation.errors import HamletError
from moderation.past import Outcome
from moderation.people import MOST_NAME
from moderation.review import Actor
from moderation.store.sites import Site


def reporter(via: str, who: str) -> Actor:
    """Who says so: the protocol, and whom the client names."""
    return Actor((f"{via}:{who}" if who else via)[:MOST_NAME], via)


def settle(site: Site, comment_id: str, outcome: Outcome, actor: Actor) -> None:
    """Settle a comment, unless this is what was said last, and by whom: then a client heard no answer and asks again.

    What was said of an older version counts for nothing.
    """
    last = parts().store.history(site.id, comment_id).last_said
    if last is not None and (last.outcome, last.reviewer) == (outcome, actor.name):
        return
    result = parts().queue.settle(site.id, [comment_id], outcome, actor)[comment_id]
    if isinstance(result, HamletError):
        raise result
