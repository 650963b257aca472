"""Signed links to one comment, for the mail a blog sends to its moderators.

A link names the comment and whom it was made for, and carries its own proof: nothing is stored for it. Whoever has
the link may act on that one comment, in that name, until it expires.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass

from moderation.errors import BadLink
from moderation.past import DAY
from moderation.secret import keyed_hash

LIFETIME = 7 * DAY
_HEAD = struct.Struct(">I16sI")
"""Site, comment, expiry in seconds since 1970; the reviewer's name follows, and the proof."""
_PROOF = 16


@dataclass(frozen=True, slots=True)
class MailLink:
    """What a link says."""

    site_id: int
    comment_id: str
    reviewer: str
    expires_at: int


def link_for(secret: bytes, site_id: int, comment_id: str, reviewer: str, expires_at: int) -> str:
    """The token of a link to a comment (by our id), for one reviewer, good until ``expires_at`` (milliseconds)."""
    head = _HEAD.pack(site_id, bytes.fromhex(comment_id), expires_at // 1000)
    said = head + reviewer.encode()
    return base64.urlsafe_b64encode(said + _proof(secret, said)).decode().rstrip("=")


def read(secret: bytes, token: str, now: int) -> MailLink:
    """What a token says; raises :class:`BadLink` with the reason."""
    raw = _bytes_of(token)
    said, proof = raw[:-_PROOF], raw[-_PROOF:]
    if len(said) < _HEAD.size or not hmac.compare_digest(proof, _proof(secret, said)):
        raise BadLink("is damaged or was made up")
    site_id, comment, seconds = _HEAD.unpack_from(said)
    if seconds * 1000 <= now:
        raise BadLink("has expired", expired=True)
    return MailLink(site_id, comment.hex(), said[_HEAD.size :].decode(), seconds * 1000)


def _bytes_of(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadLink("is damaged or was made up") from error


def _proof(secret: bytes, said: bytes) -> bytes:
    return bytes.fromhex(keyed_hash(secret, "mail-link", said.hex()))[:_PROOF]
