"""Webhooks as they reach a blog: whether they are Hamlet's, and what they tell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from hamlet.answers import Decided, NotFromHamlet

TOLERANCE = 300
"""Seconds that a webhook may be old."""


class Decisions(Struct, frozen=True, kw_only=True):
    """A webhook that tells decisions, in their order."""

    site: str
    decisions: tuple[Decided, ...]


class Trial(Struct, frozen=True, kw_only=True):
    """A webhook that tells nothing, to see whether it arrives."""

    site: str


class Unknown(Struct, frozen=True, kw_only=True):
    """A webhook of a sort that this client does not know yet: take it with 2xx as well."""

    type: str = ""


Event = Decisions | Trial | Unknown
_EVENTS: dict[str, type[Decisions] | type[Trial]] = {"decisions": Decisions, "test": Trial}


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None) -> Event:
    """What a webhook tells, if it is Hamlet's and not older than five minutes; raises ``NotFromHamlet``.

    ``body`` is the body as it came, ``secret`` what was shown when the webhook was set (``whsec_…``).
    """
    sent = {name.lower(): value for name, value in headers.items()}
    name, when = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    if not (when.isascii() and when.isdigit() and len(when) < 15):
        raise NotFromHamlet("the webhook has no time")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as error:
        raise ValueError("the secret of a webhook begins with whsec_") from error
    if not key:  # With an empty one anybody could sign.
        raise ValueError("the secret of a webhook is empty")
    signed = b".".join((name.encode("utf-8", "surrogatepass"), when.encode(), body))
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    given = sent.get("webhook-signature", "").encode("utf-8", "surrogatepass").split()
    if not any(hmac.compare_digest(one, expected) for one in given):
        raise NotFromHamlet("the signature of the webhook is not Hamlet's")
    if abs((time.time() if now is None else now) - int(when)) > TOLERANCE:
        raise NotFromHamlet("the webhook is too old")
    return _event(body)


def _event(body: bytes) -> Event:
    try:
        kind = msgspec.json.decode(body, type=Unknown)
        return msgspec.json.decode(body, type=_EVENTS[kind.type]) if kind.type in _EVENTS else kind
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotFromHamlet("the webhook is none of Hamlet's") from error
