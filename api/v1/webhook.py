"""The site's webhook: where it is told of later decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from msgspec import UNSET, Meta, Struct, UnsetType

from api.auth import site_of_request
from api.v1.bodies import answer_json, read_as
from api.v1.schemas import at
from api.wiring import parts
from moderation.delivery import told
from moderation.errors import BadAddress, NotTaken
from moderation.review import Actor
from moderation.store.webhooks import Webhook
from moderation.webhooks import shown_key, signing_key

bp = Blueprint("webhook", __name__)

KEY_HOLDER = Actor("api", "api")
"""Who is written down as the one who did it: whoever holds the site's key."""


class NewWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the site wants to be told."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000, examples=["https://blog.example.org/hamlet"])]


class WebhookShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The site's webhook, and how it fares."""

    url: str
    secret: (
        Annotated[str, Meta(description="What signatures are checked with; shown when it is set or rotated")]
        | UnsetType
    ) = UNSET
    delivered: Annotated[int, Meta(description="Number of the last decision that was taken")]
    waiting: Annotated[int, Meta(description="Decisions that were not taken yet")]
    failures: Annotated[int, Meta(description="In a row")]
    next_at: Annotated[datetime | None, Meta(description="When it is tried again; null: as soon as there is need")]
    last_at: Annotated[datetime | None, Meta(description="When it was tried last")]
    last_error: str | None
    created_at: datetime


class WebhookTested(Struct, frozen=True, kw_only=True):
    """What became of a test."""

    taken: Annotated[bool, Meta(description="Whether the answer was 2xx")]
    status: Annotated[int | None, Meta(description="Of the answer; null: there was none")]
    said: Annotated[str, Meta(description="The beginning of the answer")]
    error: Annotated[str | None, Meta(description="What is wrong")]


@bp.get("/site/webhook")
def show() -> Response:
    """Show the webhook."""
    return answer_json(_shown(parts().webhooks.show(site_of_request().id)))


@bp.put("/site/webhook")
def set_() -> Response:
    """Set the webhook's address; the key of its signatures stays as it is."""
    site, found = site_of_request(), parts()
    url = read_as(NewWebhook).url
    found.deliverer.check(url)
    return answer_json(_shown(found.webhooks.set(site.id, url, actor=KEY_HOLDER), with_key=True))


@bp.delete("/site/webhook")
def remove() -> Response:
    """Remove the webhook; the answer is what it was."""
    site = site_of_request()
    return answer_json(_shown(parts().webhooks.remove(site.id, actor=KEY_HOLDER)))


@bp.post("/site/webhook/rotate")
def rotate() -> Response:
    """Sign with another key from now on."""
    site = site_of_request()
    return answer_json(_shown(parts().webhooks.rotate(site.id, actor=KEY_HOLDER), with_key=True))


@bp.post("/site/webhook/test")
def test() -> Response:
    """Send the webhook a message that tells nothing, now."""
    found = parts()
    webhook = found.webhooks.show(site_of_request().id)
    try:
        answered = found.deliverer.test(webhook)
    except (BadAddress, NotTaken) as error:
        return answer_json(WebhookTested(taken=False, status=None, said="", error=str(error)))
    error_said = None if answered.taken else told(answered)
    return answer_json(
        WebhookTested(taken=answered.taken, status=answered.status, said=answered.said, error=error_said)
    )


def _shown(webhook: Webhook, *, with_key: bool = False) -> WebhookShown:
    found = parts()
    key = signing_key(found.sites.secret, webhook.site_id, webhook.salt)
    return WebhookShown(
        url=webhook.url,
        secret=shown_key(key) if with_key else UNSET,
        delivered=webhook.delivered,
        waiting=found.webhooks.waiting(webhook),
        failures=webhook.failures,
        next_at=at(webhook.next_at) if webhook.next_at else None,
        last_at=at(webhook.last_at) if webhook.last_at is not None else None,
        last_error=webhook.last_error,
        created_at=at(webhook.created_at),
    )
