"""Passwords, hashed with Argon2id."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from moderation.people import MOST_PASSWORD


class Passwords:
    """Hashes passwords and compares them; with a cheap hasher in tests."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        return self._hasher.hash(_spelt(password))

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one kept; takes as long for an account that is not there (None)."""
        nobody = self._nobody
        given = _spelt(password) if len(password) <= MOST_PASSWORD else b""
        try:
            return self._hasher.verify(nobody if kept is None else kept, given) and kept is not None
        except (VerificationError, InvalidHashError):
            return False

    def is_stale(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than are used today."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_bytes(16))


def _spelt(password: str) -> bytes:
    # One spelling, since keyboards differ in how they compose an accent.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
