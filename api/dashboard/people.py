"""Pages about people: signing in, one's own account, and who may do what on a site."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard import access
from api.dashboard.access import my_site, my_sites, person, person_or_none
from api.dashboard.forms import (
    ROLES,
    ChangePasswordForm,
    InviteForm,
    NewPasswordForm,
    PreferencesForm,
    RoleForm,
    SignInForm,
    WelcomeForm,
)
from api.dashboard.keys import changes_of
from api.dashboard.language import gettext as _
from api.origin import address_of_request, is_encrypted
from api.problems import Refused
from api.wiring import parts
from moderation.errors import BadToken, LastOwner, SignInRefused, UserExists, UserNotFound, WrongPassword
from moderation.people import Preferences, Role, User
from moderation.store.invitations import Invitation
from moderation.store.sites import Site

people_bp = Blueprint("people", __name__)

Answer = AnyResponse | str | tuple[str, int]
UNFIT = 422
"""Status of a form that is shown again with what is wrong."""


# -- Signing in and out


@people_bp.get("/sign-in")
def sign_in() -> Answer:
    """The form; whoever is signed in goes on."""
    target = access.local_path(request.args.get("next", ""))
    if person_or_none() is not None:
        return _see(target)
    return render_template("people/sign_in.html", form=SignInForm(next=target), wait=0)


@people_bp.post("/sign-in")
def sign_in_now() -> Answer:
    """Begin a session, if name and password fit."""
    form = SignInForm()
    if not form.validate():
        return render_template("people/sign_in.html", form=form, wait=0), UNFIT
    try:
        _begin(form.name.data, form.password.data)
    except SignInRefused as refused:
        return _refuse_sign_in(form, refused)
    return _see(access.local_path(form.next.data or ""))


def _begin(name: str, password: str) -> None:
    about = request.user_agent.string
    access.begin_session(parts().people.sign_in(name, password, address_of_request(), about))


def _refuse_sign_in(form: SignInForm, refused: SignInRefused) -> Response:
    page = render_template("people/sign_in.html", form=form, wait=refused.retry_after, refused=True)
    response = make_response(page, 429 if refused.retry_after else 403)
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


@people_bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End this session."""
    parts().people.sign_out(access.session_token())
    access.end_session()
    flash(_("You are signed out."))
    return _see(url_for(".sign_in"))


@people_bp.get("/session")
def session() -> Response:
    """Who is signed in, and the token for what a script sends: it is another one after every sign-in."""
    return jsonify(name=person().name, csrf_token=generate_csrf())


# -- One-time links


@people_bp.get("/welcome/<token>")
def welcome(token: str) -> Answer:
    """What a link is good for: the first account, joining a site, or a new password."""
    invitation = parts().people.invitation(token)
    if invitation.is_reset:
        return _show_welcome(token, invitation, NewPasswordForm())
    return _show_welcome(token, invitation, WelcomeForm())


@people_bp.post("/welcome/<token>")
def welcome_now(token: str) -> Answer:
    """Use the link, and sign in with what was chosen."""
    invitation = parts().people.invitation(token)
    return _reset(token, invitation) if invitation.is_reset else _join(token, invitation)


@people_bp.post("/welcome/<token>/accept")
def accept(token: str) -> AnyResponse:
    """Join a site with the account that is signed in."""
    parts().people.accept(token, person().id)
    flash(_("Welcome! You have joined."))
    return _see(access.HOME)


@people_bp.errorhandler(BadToken)
def spent(_error: BadToken) -> tuple[str, int]:
    """The page of a link that is good for nothing (any more)."""
    return render_template("people/spent.html"), 404


def _show_welcome(token: str, invitation: Invitation, form: NewPasswordForm) -> str:
    return render_template("people/welcome.html", token_of_link=token, invitation=invitation, form=form, roles=ROLES)


def _join(token: str, invitation: Invitation) -> Answer:
    form = WelcomeForm()
    if not form.validate():
        return _show_welcome(token, invitation, form), UNFIT
    try:
        user = parts().people.join(token, form.name.data, form.password.data)
    except UserExists:
        form.name.errors = [_("Somebody has this name already; choose another one.")]
        return _show_welcome(token, invitation, form), UNFIT
    return _begin_as(user, form.password.data)


def _reset(token: str, invitation: Invitation) -> Answer:
    form = NewPasswordForm()
    form.user = invitation.user
    if not form.validate():
        return _show_welcome(token, invitation, form), UNFIT
    return _begin_as(parts().people.reset_password(token, form.password.data), form.password.data)


def _begin_as(user: User, password: str) -> AnyResponse:
    try:
        _begin(user.name, password)
    except SignInRefused:  # Too many failures from this address, or the account is disabled.
        return _see(url_for(".sign_in"))
    return _see(access.HOME)


# -- One's own account


@people_bp.get("/account")
def account() -> str:
    """Password, preferences and sessions."""
    who, form = person(), PreferencesForm(formdata=None)
    form.show(who.preferences)
    return _show_account(form, ChangePasswordForm(formdata=None))


@people_bp.post("/account/preferences")
def change_preferences() -> Answer:
    """Keep language, blurring and keys."""
    who, form = person(), PreferencesForm()
    if not form.validate():
        return _show_account(form, ChangePasswordForm(formdata=None)), UNFIT
    wanted = Preferences(form.language.data, changes_of(form.wanted_keys()), form.blur_abuse.data)
    parts().people.choose(who.id, wanted)
    flash(_("Saved."))
    return _see(url_for(".account"))


@people_bp.post("/account/password")
def change_password() -> Answer:
    """Set another password; the other sessions end."""
    who, form = person(), ChangePasswordForm()
    form.user = who.name
    if form.validate() and _is_changed(who, form):
        flash(_("The password is changed. Other sessions have ended."))
        return _see(url_for(".account"))
    preferences = PreferencesForm(formdata=None)
    preferences.show(who.preferences)
    return _show_account(preferences, form), UNFIT


def _is_changed(who: User, form: ChangePasswordForm) -> bool:
    try:
        parts().people.change_password(who.id, form.old.data, form.password.data, keep=access.session_token())
    except WrongPassword:
        form.old.errors = [_("That is not your password.")]
        return False
    except SignInRefused as refused:
        form.old.errors = [_("Too many failures: wait %(seconds)s seconds.", seconds=refused.retry_after)]
        return False
    return True


@people_bp.post("/account/sign-out-everywhere")
def sign_out_everywhere() -> AnyResponse:
    """End every session, this one too."""
    parts().people.sign_out_everywhere(person().id)
    access.end_session()
    flash(_("You are signed out everywhere."))
    return _see(url_for(".sign_in"))


def _show_account(preferences: PreferencesForm, password: ChangePasswordForm) -> str:
    sessions = parts().people.sessions(person().id, access.session_token())
    return render_template("people/account.html", preferences=preferences, password=password, sessions=sessions)


# -- The people of a site


@people_bp.get("/people")
def people() -> Answer:
    """The sites whose people one may manage; straight to it if it is only one."""
    owned = my_sites(Role.OWNER)
    if len(owned) == 1:
        return _see(url_for(".of_site", site=owned[0].name))
    return render_template("people/sites.html", sites=owned)


@people_bp.get("/people/<site>")
def of_site(site: str) -> str:
    """Who has which role on a site."""
    found = my_site(site, Role.OWNER)
    return render_template(
        "people/people.html",
        site=found,
        members=parts().people.of_site(found.id),
        invite=InviteForm(formdata=None),
        roles=ROLES,
        may_reset=_may_reset,
    )


@people_bp.post("/people/<site>/invite")
def invite(site: str) -> AnyResponse:
    """Make a link to join the site, to be shown once."""
    found, form = my_site(site, Role.OWNER), InviteForm()
    if form.validate():
        token = parts().people.invite(found.id, Role(form.role.data), by=person().name)
        flash(_link(token), "link")
    return _back(found)


@people_bp.post("/people/<site>/<int:user_id>/role")
def set_role(site: str, user_id: int) -> AnyResponse:
    """Give a member another role."""
    found, form = my_site(site, Role.OWNER), RoleForm()
    member = _member(found, user_id)
    if form.validate():
        _unless_last_owner(lambda: parts().people.set_role(member.id, found.id, Role(form.role.data), by=person().name))
    return _back(found)


@people_bp.post("/people/<site>/<int:user_id>/remove")
def remove(site: str, user_id: int) -> AnyResponse:
    """Take a member's role and end their sessions."""
    found = my_site(site, Role.OWNER)
    member = _member(found, user_id)
    _unless_last_owner(lambda: parts().people.remove(member.id, found.id, by=person().name))
    return _back(found)


@people_bp.post("/people/<site>/<int:user_id>/reset")
def reset(site: str, user_id: int) -> AnyResponse:
    """Make a link that sets a member's password anew, to be shown once."""
    found = my_site(site, Role.OWNER)
    member = _member(found, user_id)
    if not _may_reset(member):
        raise Refused(403, "forbidden", f"{member.name} has roles on sites that are not yours")
    flash(_link(parts().people.reset_link(member.name, by=person().name)), "link")
    return _back(found)


def _may_reset(member: User) -> bool:
    """Whoever sets a password anew has the account: they must own every site that it can see."""
    return member.id != person().id and all(person().may(Role.OWNER, site_id) for site_id in member.roles)


def _member(site: Site, user_id: int) -> User:
    found = next((user for user in parts().people.of_site(site.id) if user.id == user_id), None)
    if found is None:
        raise UserNotFound(str(user_id))
    return found


def _unless_last_owner(act: Callable[[], None]) -> None:
    try:
        act()
        flash(_("Saved."))
    except LastOwner as error:
        told = _(
            "%(name)s is the last owner of %(site)s. Make somebody else an owner first.",
            name=error.name,
            site=error.site,
        )
        flash(told, "error")


def _link(token: str) -> str:
    scheme = "https" if is_encrypted() else "http"
    return url_for(".welcome", token=token, _external=True, _scheme=scheme)


def _back(site: Site) -> AnyResponse:
    return _see(url_for(".of_site", site=site.name))


def _see(path: str) -> AnyResponse:
    return redirect(path, 303)
