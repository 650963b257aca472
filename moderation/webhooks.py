"""What a site's webhook is sent: bodies, signatures (as the Standard Webhooks specification has them), and when to
try again.

The key of the signatures is made of the installation's secret and a salt, so that a copy of the database signs
nothing. Whoever receives a message checks it with nothing but the secret they were shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import uniform
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from moderation.past import Outcome
from moderation.secret import keyed_hash
from moderation.store.decisions import Told
from moderation.verdict import Decision

MOST_IN_BODY = 100
FIRST_DELAY, LONGEST_DELAY = 5_000, 3_600_000
"""Milliseconds between attempts."""
_encode = msgspec.json.Encoder().encode


class DecisionTold(Struct, frozen=True, kw_only=True):
    """A decision that the site is to follow from now on."""

    number: Annotated[int, Meta(description="Counts the site's decisions, from 1; higher is newer")]
    id: Annotated[str, Meta(description="Hamlet's id of the comment")]
    external_id: Annotated[str | None, Meta(description="The site's own id")]
    decision: Annotated[Decision, Meta(description="What to do with the comment from now on")]
    outcome: Annotated[Outcome | None, Meta(description="What a person said; null: nobody, or it was taken back")]
    decided_by: Annotated[str, Meta(description="A person's name, or what the machine did it for", examples=["ann"])]
    decided_at: datetime


class DecisionsBody(Struct, frozen=True, kw_only=True, tag_field="type", tag="decisions"):
    """Decisions in their order."""

    site: str
    decisions: tuple[DecisionTold, ...]


class TestBody(Struct, frozen=True, kw_only=True, tag_field="type", tag="test"):
    """Nothing, to see whether it arrives."""

    site: str


def shown(number: int, told: Told) -> DecisionTold:
    """A decision of the log for the outside."""
    return DecisionTold(
        number=number,
        id=told.comment_id,
        external_id=told.external_id,
        decision=told.decision,
        outcome=told.outcome,
        decided_by=told.by,
        decided_at=datetime.fromtimestamp(told.at / 1000, UTC),
    )


def decisions_body(site: str, rows: Sequence[tuple[int, Told]]) -> bytes:
    """The body that tells decisions."""
    return _encode(DecisionsBody(site=site, decisions=tuple(shown(*row) for row in rows)))


def test_body(site: str) -> bytes:
    """The body that tells nothing."""
    return _encode(TestBody(site=site))


def decisions_id(site_id: int, rows: Sequence[tuple[int, Told]]) -> str:
    """Names a message; the same decisions sent again have the same name."""
    return f"decisions_{site_id}_{rows[0][0]}_{rows[-1][0]}"


def test_id() -> str:
    """Names a test; no two are the same."""
    return f"test_{secrets.token_hex(8)}"


def new_salt() -> str:
    """Another salt makes another key."""
    return secrets.token_hex(16)


def signing_key(secret: bytes, site_id: int, salt: str) -> bytes:
    """The key of a webhook's signatures: 32 bytes."""
    return bytes.fromhex(keyed_hash(secret, "webhook", f"{site_id}:{salt}"))


def shown_key(key: bytes) -> str:
    """A key as it is handed to the receiver."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message; ``timestamp`` is in seconds since 1970."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers a message is sent with."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Hamlet",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, message_id, timestamp, body),
    }


def delay(failures: int, spread: Callable[[float, float], float] = uniform) -> int:
    """Milliseconds to wait after so many failures in a row: 5 seconds, twice as long each time, at most an hour.

    Up to a quarter less, by chance: receivers that came down together are not all asked again together.
    """
    # The bound on the exponent keeps years of failures from making a huge number.
    whole = min(FIRST_DELAY << min(failures - 1, 20), LONGEST_DELAY)
    return int(whole * spread(0.75, 1.0))
