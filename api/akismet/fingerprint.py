"""Recognising a comment that comes again: sent twice, checked again, or told to be spam or ham.

Clients of this protocol name no id: WordPress asks before it has stored the comment, and later sends what it has
stored. So the fields that stay the same make the id under which a site's comment is kept, with the same unique index
that finds the ids of /v1: a comment that is sent again is the same comment, and feedback finds its check by one lookup.
What changes on the way through WordPress is left out of the fingerprint: slashes that it adds to a check and not to
feedback, tags and attributes that it takes out or puts in, entities, line ends.

It is a keyed hash, since what goes into it holds addresses, and the ids of comments outlive those.
"""

from __future__ import annotations

import html
import re
from contextlib import suppress

from api.akismet.form import Form
from moderation.secret import keyed_hash

_TAG = re.compile(r"<[^<>]*>")
_TARGET = re.compile(r"""(?:href|src)\s*=\s*["']?([^\s"'>]+)""", re.IGNORECASE)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def external_id(form: Form, secret: bytes, *, trial: bool = False) -> str:
    """The id of a comment among those of its site. A trial is none of them, whatever comment it resembles."""
    kind = "akismet-trial" if trial else "akismet"
    return f"{kind}:{keyed_hash(secret, 'akismet', _stable(form))[:32]}"


def _stable(form: Form) -> str:
    parts = (
        _place(form["blog"]),
        _place(form["permalink"]),
        _words(form["comment_author"]),
        form["comment_author_email"].replace("\\", "").lower(),
        form["user_ip"],
        _words(form["comment_content"]),
    )
    return "\0".join(parts)


def _place(url: str) -> str:
    """A URL without what differs between two ways of writing it; the query stays, it may be the post's number."""
    return _SCHEME.sub("", url.replace("\\", ""), count=1).rstrip("/").lower()


def _words(text: str) -> str:
    """A text without slashes, tags, entities and breaks; of a tag that leads somewhere, where to."""
    plain = _TAG.sub(_target, text.replace("\\", ""))
    with suppress(ValueError):  # A number of thousands of digits.
        plain = html.unescape(plain)
    return " ".join(plain.split())


def _target(tag: re.Match[str]) -> str:
    found = _TARGET.search(tag[0])
    return f" {found[1]} " if found else " "
