"""What protects the dashboard's pages: the cookie, the tokens of its forms, its headers, and how it fails."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from flask import Blueprint, Flask, Response, g, redirect, render_template, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard.access import SignInNeeded, path_asked_for, person_or_none
from api.origin import is_encrypted
from api.problems import CONTENT_TYPE, Problem, Refused, problem_of, respond
from api.wiring import parts
from moderation.secret import keyed_hash

COOKIE, PATH = "hamlet_session", "/dashboard"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
csrf = CSRFProtect()


class Cookie(SecureCookieSessionInterface):
    """Flask's signed cookie, kept to https whenever it was handed out over https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Decided by the request: on a machine of one's own plain http has to do."""
        return is_encrypted()


def init_app(app: Flask) -> None:
    """Set up the cookie and the tokens of forms."""
    secret = parts_secret(app)
    app.secret_key = keyed_hash(secret, "cookie", "dashboard")
    app.session_interface = Cookie()
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_PATH=PATH,  # The API never sees it.
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=90),
        WTF_CSRF_CHECK_DEFAULT=False,  # The dashboard alone is checked, below: sites carry keys and no cookie.
        WTF_CSRF_TIME_LIMIT=None,  # A page may stay open over night; the token ends with the session.
        WTF_CSRF_SSL_STRICT=False,  # Our pages send no Referer; the token and SameSite protect.
    )
    csrf.init_app(app)


def parts_secret(app: Flask) -> bytes:
    """The installation's secret, outside of a request."""
    with app.app_context():
        return parts().sites.secret


def watch(bp: Blueprint) -> None:
    """Protect the pages of a blueprint and of those nested in it."""
    bp.before_request(csrf.protect)
    bp.after_request(harden)
    bp.after_request(_show_problem)  # The last one added runs first.
    bp.register_error_handler(SignInNeeded, _ask_to_sign_in)
    bp.register_error_handler(CSRFError, _refuse_forged)
    bp.context_processor(lambda: {"person": person_or_none()})


def harden(response: Response) -> Response:
    """Headers of every page: nothing from elsewhere runs in it, and nobody keeps it."""
    response.headers["Cache-Control"] = "no-store"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CSP
    return response


def wants_page() -> bool:
    """Whether a browser shows the answer, rather than a script reads it."""
    kinds = "text/html", "application/json"
    return request.accept_mimetypes.best_match(kinds, "text/html") == "text/html"


def _ask_to_sign_in(error: SignInNeeded) -> AnyResponse:
    if wants_page():
        return redirect(url_for("dashboard.people.sign_in", next=path_asked_for()), 303)
    return respond(problem_of(error, request.path))


def _refuse_forged(error: CSRFError) -> Response:
    told = "the form carries no token of this session, or an old one; load the page again"
    return respond(problem_of(Refused(400, "stale-form", told), request.path))


def _show_problem(response: Response) -> Response:
    """Turn a problem into a page, for a browser."""
    if response.mimetype != CONTENT_TYPE or not wants_page():
        return response
    problem = msgspec.json.decode(response.get_data(), type=Problem)
    g.setdefault("person", None)  # Not asked for now: the database may be what fails.
    page = render_template("people/problem.html", problem=problem)
    shown = Response(page, response.status_code, mimetype="text/html")
    for name in ("Retry-After", "Allow"):
        if name in response.headers:
            shown.headers[name] = response.headers[name]
    return shown
