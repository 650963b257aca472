"""Calling back clients of the Akismet protocol: a comment that was checked is decided otherwise later.

WordPress names with each check an address of its own, and a guid it will know the comment by. Of what people decide in
Hamlet it hears there; what it said itself (submit-spam, submit-ham) it is not told again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from moderation.errors import BadAddress
from moderation.policy import AkismetHold, Choices, Mode
from moderation.store.decisions import Told
from moderation.targets import PORTS, take_apart
from moderation.verdict import Decision

MOST_URL = 500
MOST_IN_CALL = 100
VIA = "akismet"
"""How the protocol's own feedback is named, alone or before a colon and the reporter."""
HEADERS = {"Content-Type": "application/json", "User-Agent": "Hamlet"}
_encode = msgspec.json.Encoder().encode
_IS_SPAM = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Callback:
    """What a client wants to hear of a comment, where, and how it will know it again."""

    url: str
    guid: str
    post: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A later decision on a comment that a client asked about."""

    told: Told
    callback: Callback
    email: str | None


class _Comment(Struct, frozen=True, kw_only=True):
    guid: str
    result: Annotated[str, Meta(pattern="true|false")]
    comment_post_ID: str | UnsetType = UNSET  # noqa: N815  # The protocol's name.
    comment_parent: str | UnsetType = UNSET
    comment_author_email: str | UnsetType = UNSET


class _Body(Struct, frozen=True, kw_only=True):
    key: str
    endpoint: str
    comments: tuple[_Comment, ...]


def own_address(url: str, blog: str) -> str:
    """An address to call back, if it is one of the blog that asks; empty if it is not, or none at all.

    Same host, and the usual port or the blog's own. Who has a key still cannot make Hamlet call somebody else.
    """
    if not url or len(url) > MOST_URL:
        return ""
    try:
        there, home = take_apart(url), take_apart(blog if "://" in blog else f"http://{blog}")
    except BadAddress:
        return ""
    same = there.host == home.host and there.port in (*PORTS.values(), home.port)
    return url if same else ""


def result_of(told: Told, choices: Choices) -> str | None:
    """A decision in the words of the protocol; None: there is nothing to say."""
    if told.by.partition(":")[0] == VIA:
        return None  # The client said so itself.
    if told.outcome is None and choices.mode is Mode.SHADOW:
        return _IS_SPAM[False]  # As every answer is there: what a person said of it was taken back.
    if told.decision is not Decision.HOLD:
        return _IS_SPAM[told.decision is Decision.REJECT]
    # A client that was asked to wait goes on waiting.
    return {AkismetHold.SPAM: "true", AkismetHold.PUBLISH: "false"}.get(choices.akismet_hold)


def body_of(key: str, rows: Sequence[Later], choices: Choices) -> bytes | None:
    """The body that tells decisions, of each comment the newest; None: there is nothing to say."""
    newest: dict[str, _Comment] = {}
    for one in rows:
        newest.pop(one.callback.guid, None)  # What was decided before counts no more, even if this is not told.
        result = result_of(one.told, choices)
        if result is not None:
            newest[one.callback.guid] = _comment(one, result)
    return _encode(_Body(key=key, endpoint="comment-check", comments=tuple(newest.values()))) if newest else None


def _comment(one: Later, result: str) -> _Comment:
    return _Comment(
        guid=one.callback.guid,
        result=result,
        comment_post_ID=one.callback.post or UNSET,
        comment_parent=one.callback.parent or UNSET,
        comment_author_email=one.email or UNSET,
    )
