"""Calling clients back: in order, at least once, as webhooks are delivered."""

from __future__ import annotations

import json
import logging

from moderation.callbacks import HEADERS, body_of
from moderation.delivery import GONE, told
from moderation.errors import BadAddress, NotTaken
from moderation.outgoing import Outside
from moderation.rounds import Rounds
from moderation.store import now_ms
from moderation.store.callbacks import Callbacks, CalledBack
from moderation.store.sites import Sites
from moderation.webhooks import LONGEST_DELAY, delay

log = logging.getLogger(__name__)


class CallbackDeliverer(Rounds):
    """Calls back the clients of all sites; many may run over one database."""

    name = "callback"

    def __init__(self, callbacks: Callbacks, outside: Outside, sites: Sites) -> None:
        super().__init__()
        self._callbacks, self._outside, self._sites = callbacks, outside, sites

    def due(self) -> list[int]:
        """Addresses that are to be told something."""
        return self._callbacks.due(now_ms())

    def deliver(self, place: int) -> bool | None:
        """Tell an address what it does not know yet. True: done; False: it was not taken; None: nothing was due."""
        claimed = self._callbacks.claim(place, now_ms())
        if claimed is None:
            return None
        if not self._is_good(claimed):
            self._callbacks.drop(claimed.id)
            return None
        rows, last = self._callbacks.later(claimed)
        body = body_of(claimed.key or "", rows, claimed.choices)
        why, wait = self._send(claimed, body) if body is not None else ("", 0)
        if why:
            self._callbacks.failed(claimed, why, wait)
            log.warning(
                "callback failed: site=%s failures=%d error=%s", claimed.site, claimed.failures + 1, json.dumps(why)
            )
            return False
        self._callbacks.succeeded(claimed, last)
        return True

    def _is_good(self, claimed: CalledBack) -> bool:
        """A key that was revoked is not shown to anybody, not even to who knows it."""
        site = self._sites.of_key(claimed.key) if claimed.key is not None else None
        return site is not None and site.id == claimed.site_id

    def _send(self, claimed: CalledBack, body: bytes) -> tuple[str, int]:
        """Why it was not taken, and how long to wait; nothing and 0: it was."""
        wait = delay(claimed.failures + 1)
        try:
            answered = self._outside.post(claimed.url, body, HEADERS)
        except (BadAddress, NotTaken) as error:
            return str(error), wait
        if answered.taken:
            return "", 0
        return told(answered), LONGEST_DELAY if answered.status == GONE else wait
