"""Secrets of others that have to be sent again: encrypted, so that a copy of the database gives none of them away.

Our own keys are kept as hashes. But who calls a client back must show it the client's key, and who asks another
service needs the key for that. Fernet (AES and HMAC), with a key made of the installation's secret and a purpose.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken

from moderation.secret import keyed_hash


def seal(secret: bytes, purpose: str, text: str) -> str:
    """A text, encrypted."""
    return _fernet(secret, purpose).encrypt(text.encode()).decode()


def unseal(secret: bytes, purpose: str, sealed: str) -> str | None:
    """What was encrypted for this purpose; None: with another secret, or it was changed."""
    try:
        return _fernet(secret, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _fernet(secret: bytes, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(bytes.fromhex(keyed_hash(secret, "seal", purpose))))
