"""Who is it, and what may they see? Every page of the dashboard asks here."""

from __future__ import annotations

from flask import g, request, session

from api.problems import Refused
from api.wiring import parts
from moderation.errors import SiteNotFound
from moderation.people import Role, User
from moderation.review import Actor
from moderation.store.people import DASHBOARD
from moderation.store.sites import Site

HOME = "/dashboard/"
TOKEN = "session"  # noqa: S105  # Where the cookie keeps it.


class SignInNeeded(Refused):
    """Nobody is signed in: a browser is led to the form, a script is told so."""

    def __init__(self) -> None:
        super().__init__(401, "sign-in-needed", "nobody is signed in, or the session is over")


def session_token() -> str:
    """The token of the session that asks; empty if there is none."""
    return str(session.get(TOKEN, ""))


def person_or_none() -> User | None:
    """Who is signed in, if anybody; asked of the database once a request."""
    if "person" not in g:
        token = session_token()
        g.person = parts().people.user_of(token) if token else None
    found: User | None = g.person
    return found


def person() -> User:
    """Who is signed in; raises ``SignInNeeded``."""
    found = person_or_none()
    if found is None:
        raise SignInNeeded
    return found


def acting() -> Actor:
    """They, as who acts; raises ``SignInNeeded``."""
    return Actor(person().name, DASHBOARD)


def begin_session(token: str) -> None:
    """Hand the browser the token of a new session; nothing of what its cookie held before stays."""
    session.clear()
    session.permanent = True  # How long it lives is up to the database; the cookie just has to last as long.
    session[TOKEN] = token
    _forget()


def end_session() -> None:
    """Empty the browser's cookie."""
    session.clear()
    _forget()


def _forget() -> None:
    for name in ("person", "language", "csrf_token"):
        g.pop(name, None)


def my_sites(role: Role = Role.VIEWER) -> list[Site]:
    """The sites on which the person has at least a role, by name."""
    who = person()
    return [site for site in parts().sites.all() if who.may(role, site.id)]


def my_site(name: str, role: Role = Role.VIEWER) -> Site:
    """A site on which the person has at least a role.

    Whether a site exists on which they have none at all is not told.
    """
    who = person()
    try:
        site = parts().sites.site(name)
    except SiteNotFound:
        site = None
    if site is None or not who.may(Role.VIEWER, site.id):
        raise Refused(404, "site-not-found", f"no site named {name!r}")
    if not who.may(role, site.id):
        raise Refused(403, "forbidden", f"on {name} you are {who.roles[site.id]}; this takes {role}")
    return site


def local_path(text: str) -> str:
    """A path of the dashboard to go to after signing in; anything else becomes its first page."""
    inside = text.startswith("/dashboard") and text[len("/dashboard") :][:1] in ("", "/", "?")
    # A browser reads a backslash as a slash, and leaves out line breaks and tabs.
    return text if inside and "\\" not in text and text.isprintable() else HOME


def path_asked_for() -> str:
    """Where to come back to after signing in: the page, unless it was sent a form."""
    if request.method != "GET":
        return HOME
    return request.full_path if request.query_string else request.path
