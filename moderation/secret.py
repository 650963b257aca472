"""The installation's secret: what keys and addresses are hashed with."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from moderation.errors import BadSetting


def load_secret(secret: str | None, file: Path) -> bytes:
    """The secret given, or the one in the file; the file is made, readable for its owner only, if it is missing."""
    if secret is not None:
        if len(secret) < 16:
            raise BadSetting("secret", "must have at least 16 characters")
        return secret.encode()
    try:
        if not file.exists():
            _make(file)
        found = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting("secret_file", f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadSetting("secret_file", f"{file} is no text") from error
    if len(found) < 16:
        raise BadSetting("secret_file", f"{file} holds no secret of at least 16 characters")
    return found.encode()


def _make(file: Path) -> None:
    """Make the file, whole from the start: of two servers that start together one makes it, both read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")  # Mode 0600.
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(secrets.token_hex(32) + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def keyed_hash(secret: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA-256 in hex; hashes made for one purpose say nothing about another's."""
    return hmac.new(secret, f"{purpose}\0{value}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
