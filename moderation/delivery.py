"""Delivering decisions to the webhooks of sites: in order, at least once, until they are taken.

A decision leaves the outbox only when a receiver has answered 2xx. Until then nothing that comes after it is sent.
"""

from __future__ import annotations

import json
import logging

from moderation.errors import BadAddress, NotTaken
from moderation.outgoing import Answered, Outside
from moderation.rounds import Rounds
from moderation.store import now_ms
from moderation.store.decisions import Told, read_after
from moderation.store.webhooks import Webhook, Webhooks
from moderation.webhooks import (
    LONGEST_DELAY,
    MOST_IN_BODY,
    decisions_body,
    decisions_id,
    delay,
    headers,
    signing_key,
    test_body,
    test_id,
)

GONE = 410
log = logging.getLogger(__name__)


class Deliverer(Rounds):
    """Delivers to the webhooks of all sites; many may run over one database."""

    name = "webhook"

    def __init__(self, webhooks: Webhooks, outside: Outside, secret: bytes) -> None:
        super().__init__()
        self._webhooks, self._outside, self._secret = webhooks, outside, secret

    def due(self) -> list[int]:
        """Sites that are to be told something."""
        return self._webhooks.due(now_ms())

    def deliver(self, site_id: int) -> bool | None:
        """Send a site its next message. True: it was taken; False: it was not; None: nothing was due."""
        claimed = self._webhooks.claim(site_id, now_ms())
        if claimed is None:
            return None
        rows = read_after(self._webhooks.engine, site_id, claimed.delivered, MOST_IN_BODY)
        if not rows:  # Erased meanwhile.
            self._webhooks.succeeded(claimed, claimed.delivered)
            return None
        try:
            answered = self._send(claimed, decisions_id(site_id, rows), decisions_body(claimed.site, rows))
        except (BadAddress, NotTaken) as error:
            self._put_off(claimed, rows, str(error), delay(claimed.failures + 1))
            return False
        if answered.taken:
            self._webhooks.succeeded(claimed, rows[-1][0])
            return True
        wait = LONGEST_DELAY if answered.status == GONE else delay(claimed.failures + 1)
        self._put_off(claimed, rows, told(answered), wait)
        return False

    def check(self, url: str) -> None:
        """Raise ``BadAddress`` unless messages may be sent there."""
        self._outside.check(url)

    def test(self, webhook: Webhook) -> Answered:
        """Send a message that tells nothing; raises ``BadAddress`` or ``NotTaken``. Counts neither way."""
        return self._send(webhook, test_id(), test_body(webhook.site))

    def _send(self, webhook: Webhook, message_id: str, body: bytes) -> Answered:
        key = signing_key(self._secret, webhook.site_id, webhook.salt)
        return self._outside.post(webhook.url, body, headers(key, message_id, now_ms() // 1000, body))

    def _put_off(self, webhook: Webhook, rows: list[tuple[int, Told]], why: str, wait: int) -> None:
        self._webhooks.failed(webhook, why, wait)
        log.warning(
            "webhook failed: site=%s failures=%d first=%d last=%d retry_in=%ds error=%s",
            webhook.site,
            webhook.failures + 1,
            rows[0][0],
            rows[-1][0],
            wait // 1000,
            json.dumps(why),
        )


def told(answered: Answered) -> str:
    """What an answer means, for whoever has to mend it."""
    if answered.status == GONE:
        return "it answered 410 Gone; it is asked once an hour from now on"
    if 300 <= answered.status < 400:
        return f"it redirects ({answered.status}), which is not followed: set the address it leads to"
    return f"it answered {answered.status}" + (f": {answered.said}" if answered.said else "")
