"""Where a request comes from, as far as a proxy in front of Hamlet tells."""

from __future__ import annotations

from ipaddress import ip_address

from flask import request


def address_of_request() -> str:
    """The address that failures are counted for.

    Behind a proxy on this machine or in its network all requests would share one: then it is the one that the proxy
    has added to ``X-Forwarded-For``, which is the last.
    """
    peer = request.remote_addr or ""
    told = [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",")]
    return told[-1] if told[-1] and _is_near(peer) else peer


def is_encrypted() -> bool:
    """Whether the request came over https, here or at a proxy."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "") == "https"


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
