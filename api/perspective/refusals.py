"""Everything that is refused, in the words of the service: clients look for these very sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.errors import HamletError

SERVICE = "commentanalyzer.googleapis.com"
_ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
INVALID_REQUEST = "INVALID_REQUEST"
_LONGEST_ECHO = 300
"""Characters of what was sent that a message repeats."""


class Refusal(HamletError):
    """A request that is refused. There is always a detail: clients look at the first one unseen."""

    def __init__(
        self, status: int, name: str, message: str, detail: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.name, self.message, self.detail = status, name, message, detail
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """What the client reads."""
        told = {"code": self.status, "message": self.message, "status": self.name, "details": [self.detail]}
        return {"error": told}


def invalid(message: str, kind: str = INVALID_REQUEST, **more: Any) -> Refusal:
    """A request that makes no sense."""
    return Refusal(400, "INVALID_ARGUMENT", message, {"@type": _ERROR, "errorType": kind, **more})


def empty() -> Refusal:
    """There is no comment."""
    return invalid("Comment must be non-empty.", "COMMENT_EMPTY")


def too_long() -> Refusal:
    """The comment is longer than the service takes."""
    return invalid("Comment text too long.", "COMMENT_TOO_LONG")


def no_attributes(field: str = "requested_attributes") -> Refusal:
    """Nothing is asked for."""
    return invalid(f"Missing {field}", "NO_REQUESTED_ATTRIBUTES")


def unknown_attribute(name: str) -> Refusal:
    """There is no score of this name; none is invented."""
    return invalid(f"Unknown requested attribute: {name[:_LONGEST_ECHO]}")


def unsupported_language(attribute: str, languages: Sequence[str], *, named: bool) -> Refusal:
    """The attribute is not scored in these languages, which the client ``named`` or Hamlet has recognised."""
    listed = ", ".join(languages)[:_LONGEST_ECHO]
    told = {"requestedLanguages" if named else "detectedLanguages": list(languages), "attribute": attribute}
    return invalid(
        f"Attribute {attribute} does not support request languages: {listed}",
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        languageNotSupportedByAttributeError=told,
    )


def bad_json(why: str) -> Refusal:
    """The body is no JSON, or none of the right shape."""
    return invalid(f"Invalid JSON payload received. {why}")


def bad_value(at: str, what: str) -> Refusal:
    """A field has a value that it cannot have."""
    return invalid(f"Invalid value at '{at[:_LONGEST_ECHO]}' ({what[:_LONGEST_ECHO]})")


def no_key() -> Refusal:
    """Nobody knows who asks."""
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return Refusal(403, "PERMISSION_DENIED", message, _info("CREDENTIALS_MISSING"))


def invalid_key() -> Refusal:
    """No such key, or it was revoked. The service says 400, and clients know a bad key by that."""
    message = "API key not valid. Please pass a valid API key."
    return Refusal(400, "INVALID_ARGUMENT", message, _info("API_KEY_INVALID"))


def too_large(most: int) -> Refusal:
    """The body is over the limit."""
    return invalid(f"Request payload size exceeds the limit: {most} bytes.")


def not_found() -> Refusal:
    """There is nothing at this address."""
    return Refusal(404, "NOT_FOUND", "Method not found.", _info("METHOD_NOT_FOUND"))


def method_not_allowed() -> Refusal:
    """There is something, and it is asked by POST."""
    message = "The method is called with POST."
    return Refusal(405, "INVALID_ARGUMENT", message, _info("METHOD_NOT_ALLOWED"), {"Allow": "POST"})


def unavailable(retry_after: int) -> Refusal:
    """Later it may be possible."""
    headers = {"Retry-After": str(retry_after)}
    message = "The service is currently unavailable."
    return Refusal(503, "UNAVAILABLE", message, _info("SERVICE_UNAVAILABLE"), headers)


def internal() -> Refusal:
    """Something went wrong here."""
    return Refusal(500, "INTERNAL", "Internal error encountered.", _info("INTERNAL"))


def _info(reason: str) -> dict[str, Any]:
    return {"@type": _INFO, "reason": reason, "domain": "googleapis.com", "metadata": {"service": SERVICE}}
