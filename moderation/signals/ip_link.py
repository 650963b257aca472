"""A link to a bare IP address."""

from __future__ import annotations

from moderation.links import host_of, is_ip_host
from moderation.signals.signal import Found, Seen, Signal


def _find(seen: Seen) -> Found | None:
    for link in seen.links:
        if is_ip_host(host := host_of(link.url)):
            return Found(f"links to the bare address {host}", spans=((link.start, link.end),))
    return None


SIGNAL = Signal("ip-link", "a link to an IP address instead of a name", 1.0, _find)
