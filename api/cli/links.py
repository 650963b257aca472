"""Addresses of the server, to type or to click."""

from __future__ import annotations

from moderation.settings import Settings


def base_url(settings: Settings) -> str:
    """Where the server is reached from this machine."""
    return f"http://{_reachable(settings.host)}:{settings.port}"


def welcome_link(settings: Settings, token: str) -> str:
    """A one-time link to make an account, to join a site or to set a password."""
    return f"{base_url(settings)}/dashboard/welcome/{token}"


def _reachable(host: str) -> str:
    """An address to type, for a host that means all addresses."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # Compared, not bound.
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
