"""Asking the service that a site had before, beside Hamlet's own judgement, to see who is right.

Never on a request's way, and never to decide by: what is asked stands in a bounded heap, and what does not fit is left
out. The service is asked as the blog would ask it, but is told of no callback.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from sqlalchemy import Engine

from moderation.background import Aside
from moderation.comment import Author, Comment, Post
from moderation.errors import BadAddress, NotTaken, StoreUnavailable
from moderation.outgoing import Outside
from moderation.store import Checked
from moderation.store.incumbents import ERROR, HAM, SPAM, Incumbent, Incumbents
from moderation.verdict import Decision

MOST_WAITING, AT_ONCE = 500, 2
KEPT_BACK = frozenset({"api_key", "key", "callback", "blog_charset", "charset"})
"""Fields that are Hamlet's own, or said anew."""
HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "User-Agent": "Hamlet"}
ANSWERS = {"true": SPAM, "false": HAM}
log = logging.getLogger(__name__)


class Asking:
    """Asks the services of sites."""

    def __init__(self, incumbents: Incumbents, outside: Outside, engine: Engine) -> None:
        self.incumbents, self._outside = incumbents, outside
        self.aside = Aside(AT_ONCE, MOST_WAITING, engine)

    def ask(self, site_id: int, comment_id: str, ours: Decision, fields: Sequence[tuple[str, str]]) -> None:
        """Ask the service of a site, if it has one, some time soon; ``fields`` is the form of the check."""
        incumbent = self._incumbent(site_id)
        if incumbent is None:
            return
        body = body_of(incumbent.key, fields)
        if not self.aside.offer(lambda: self._ask(site_id, comment_id, ours, incumbent, body)):
            log.warning("incumbent not asked: site_id=%d, %d comments wait already", site_id, MOST_WAITING)

    def ask_about(self, site_id: int, comment: Comment, checked: Checked) -> None:
        """Likewise, for a comment that came by another protocol and says enough to be asked about."""
        if comment.is_test or checked.repeated or self._incumbent(site_id) is None:
            return
        if fields := fields_of(comment):
            self.ask(site_id, checked.id, checked.verdict.decision, fields)

    def _incumbent(self, site_id: int) -> Incumbent | None:
        """The service of a site. The comment is stored by now, so that nothing may fail its answer any more."""
        try:
            return self.incumbents.remembered(site_id)
        except StoreUnavailable as error:
            log.warning("incumbent not asked: %s", error)
            return None

    def _ask(self, site_id: int, comment_id: str, ours: Decision, incumbent: Incumbent, body: bytes) -> None:
        theirs = self._answer(incumbent, body)
        if not self.aside.closed.is_set():
            self.incumbents.keep(site_id, comment_id, ours, theirs)

    def _answer(self, incumbent: Incumbent, body: bytes) -> str:
        try:
            answered = self._outside.post(f"{incumbent.url}/1.1/comment-check", body, HEADERS)
        except (BadAddress, NotTaken) as error:
            log.info("incumbent did not answer: %s", error)
            return ERROR
        return ANSWERS.get(answered.said, ERROR) if answered.taken else ERROR


def fields_of(comment: Comment) -> list[tuple[str, str]]:
    """A comment as a form; empty if it lacks what the service insists on: the blog, and where it came from."""
    author, post = comment.author or Author(), comment.post or Post()
    try:
        parts = urlsplit(post.url or "")
    except ValueError:
        return []
    if not author.ip or not parts.netloc:
        return []
    found = {
        "blog": f"{parts.scheme}://{parts.netloc}",
        "user_ip": author.ip,
        "user_agent": author.user_agent,
        "referrer": comment.referrer,
        "permalink": post.url,
        "comment_type": comment.type,
        "comment_author": author.name,
        "comment_author_email": author.email,
        "comment_author_url": author.url,
        "comment_content": comment.text,
        "blog_lang": comment.language,
        "user_role": author.role,
    }
    return [(name, value) for name, value in found.items() if value]


def body_of(key: str, fields: Sequence[tuple[str, str]]) -> bytes:
    """The form of a check with another key."""
    others = [(name, value) for name, value in fields if name not in KEPT_BACK]
    return urlencode([("api_key", key), ("blog_charset", "UTF-8"), *others]).encode()
