"""A form of the Akismet protocol as a comment, and the protocol's test hooks."""

from __future__ import annotations

import re
from datetime import datetime

from flask import request

from api.akismet.fingerprint import external_id
from api.akismet.form import Form
from moderation.check import Ruled
from moderation.comment import Author, Comment, Parent, Post
from moderation.comment import Form as Filled
from moderation.verdict import Decision, Reason

SPAM_AUTHORS = frozenset({"viagra-test-123", "akismet-guaranteed-spam"})
SPAM_EMAIL = "akismet-guaranteed-spam@example.com"
ADMINISTRATOR = "administrator"
REQUIRED = "blog", "user_ip"
_SLASHED = re.compile(r"\\([\\'\"])")
_UNSLASHED = re.compile(r"[\\'\"]")


def lacking(form: Form) -> str:
    """The first field that must be there and is not, or is empty; all others may be missing."""
    return next((name for name in REQUIRED if not form[name]), "")


def comment_of(form: Form, secret: bytes) -> Comment:
    """What was sent, as a comment."""
    read, trial = _Reader(form), is_trial(form)
    return Comment(
        id=external_id(form, secret, trial=trial),
        text=read.text("comment_content"),
        type=(form.first_of("comment_type", "content_type") or "comment")[:100],
        submitted_at=time_of(form["comment_date_gmt"]),
        is_test=trial,
        author=_author(read),
        post=Post(url=form["permalink"]) if form["permalink"] else None,
        parent=Parent(id=form["comment_parent"]) if form["comment_parent"] not in ("", "0") else None,
        form=Filled(honeypot=trap) if (trap := _honeypot(form)) else None,
        referrer=form["referrer"] or None,
    )


def _author(read: _Reader) -> Author:
    return Author(
        name=read.one("comment_author"),
        email=read.one("comment_author_email"),
        url=read.one("comment_author_url"),
        ip=read.one("user_ip"),
        user_agent=read.one("user_agent"),
        role=role_of(read.form),
    )


class _Reader:
    """Fields without the slashes that WordPress puts before quotes in a new comment, and in no other call."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self._slashed = "wordpress" in request.user_agent.string.lower() and not form["recheck_reason"]

    def text(self, name: str) -> str:
        value = self.form.raw(name)
        return unslashed(value) if self._slashed else value

    def one(self, name: str) -> str | None:
        return self.text(name).strip() or None


def unslashed(text: str) -> str:
    """A text without slashes, if it is one that PHP's addslashes could have made: no quote stands without its own."""
    if _UNSLASHED.search(_SLASHED.sub("", text)):
        return text
    return _SLASHED.sub(r"\1", text)


def role_of(form: Form) -> str | None:
    """The author's role; of several, administrator, else the first."""
    roles = [role for part in form["user_role"].split(",") if (role := part.strip())]
    named = next((role for role in roles if role.lower() == ADMINISTRATOR), None)
    return named or (roles[0] if roles else None)


def time_of(text: str) -> datetime | None:
    """A time as ISO 8601 or as WordPress writes it, in UTC without saying so; None if it is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _honeypot(form: Form) -> str:
    """What stands in the field that people do not see: the one that is named, or that of the WordPress plug-in."""
    named = form["honeypot_field_name"]
    return form.first_of(named, f"POST_{named}", "POST_ak_hp_textarea") if named else form["POST_ak_hp_textarea"]


def is_trial(form: Form) -> bool:
    """Whether nothing is to be learnt from it: it says so, or its author is made up to be called spam."""
    return form.says("is_test") or is_made_up_spam(form)


def is_made_up_spam(form: Form) -> bool:
    """Whether the protocol wants it called spam, so that clients can be tried out."""
    return form["comment_author"] in SPAM_AUTHORS or form["comment_author_email"].lower() == SPAM_EMAIL


def demanded(form: Form) -> Ruled | None:
    """The decision that the protocol demands whatever the comment says, and why; an administrator's always stands."""
    if (role_of(form) or "").lower() == ADMINISTRATOR:
        return Decision.ACCEPT, Reason("role", "written by an administrator of the site", 0.0, "")
    if is_made_up_spam(form):
        return Decision.REJECT, Reason("trial", "an author that the Akismet protocol reserves for trials", 0.0, "")
    return None
