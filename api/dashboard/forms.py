"""The forms about people: what they ask for, and what they say when it will not do."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from api.dashboard.keys import ACTIONS, clashes, keys_of
from api.dashboard.language import NAMES, gettext, lazy
from api.problems import Refused
from api.v1.bodies import whole
from moderation.errors import BadName, BadPassword
from moderation.people import (
    LEAST_PASSWORD,
    MOST_NAME,
    MOST_PASSWORD,
    Preferences,
    Role,
    checked_name,
    checked_password,
)

ROLES = {
    Role.VIEWER: lazy("viewer"),
    Role.MODERATOR: lazy("moderator"),
    Role.OWNER: lazy("owner"),
}
LANGUAGE_CHOICES = [SelectChoice("", lazy("as the browser asks")), *starmap(SelectChoice, NAMES.items())]
ROLE_CHOICES = [SelectChoice(role.value, label) for role, label in ROLES.items()]
SPACE = " "
_needed = InputRequired(lazy("This is needed."))


def _fit_name(form: FlaskForm, field: Field) -> None:
    try:
        checked_name(field.data or "")
    except BadName as error:
        told = gettext(
            "A name has 1 to %(most)s visible characters, and no protocol has it (akismet …).", most=MOST_NAME
        )
        raise ValidationError(told) from error


def _fit_password(name: str, password: str) -> None:
    try:
        checked_password(password, name)
    except BadPassword as error:
        told = gettext(
            "A password has %(least)s to %(most)s characters and is not your name.",
            least=LEAST_PASSWORD,
            most=MOST_PASSWORD,
        )
        raise ValidationError(told) from error


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types.
    """Name and password."""

    name = StringField(lazy("Name"), [_needed], render_kw={"autocomplete": "username", "autofocus": True})
    password = PasswordField(lazy("Password"), [_needed], render_kw={"autocomplete": "current-password"})
    next = HiddenField()


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A password, twice, by a link that sets it anew."""

    user = ""
    password = PasswordField(lazy("New password"), [_needed], render_kw={"autocomplete": "new-password"})
    again = PasswordField(
        lazy("The same password again"),
        [EqualTo("password", lazy("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )

    def validate_password(self, field: Field) -> None:
        """Its length, and that it is not the name."""
        _fit_password(self.user, field.data or "")


class WelcomeForm(NewPasswordForm):
    """What a new account needs."""

    name = StringField(
        lazy("Name"),
        [_needed, _fit_name],
        render_kw={"autocomplete": "username", "maxlength": MOST_NAME, "autofocus": True},
    )

    def validate_password(self, field: Field) -> None:
        """As of another form, with the name that is asked for in this one."""
        _fit_password(self.name.data or "", field.data or "")


class ChangePasswordForm(NewPasswordForm):
    """The old password and a new one."""

    old = PasswordField(lazy("Old password"), [_needed], render_kw={"autocomplete": "current-password"})


class InviteForm(FlaskForm):  # type: ignore[misc]
    """The role that somebody is invited to."""

    role = SelectField(lazy("Role"), choices=ROLE_CHOICES, default=Role.MODERATOR.value)


class RoleForm(InviteForm):
    """Another role for a member."""


class PreferencesForm(FlaskForm):  # type: ignore[misc]
    """Language, blurring and keys."""

    language = SelectField(lazy("Language"), choices=LANGUAGE_CHOICES)
    blur_abuse = BooleanField(lazy("Blur the text of comments that may be abusive until I point at them"))

    def key_fields(self) -> list[Field]:
        """The fields of the keys, in the order of the actions."""
        return [self[f"key_{one.name}"] for one in ACTIONS]

    def show(self, preferences: Preferences) -> None:
        """Fill in what a person has chosen."""
        self.language.data, self.blur_abuse.data = preferences.language, preferences.blur_abuse
        for name, key in keys_of(preferences.keys).items():
            self[f"key_{name}"].data = gettext("space") if key == SPACE else key

    def wanted_keys(self) -> dict[str, str]:
        """Every action with the key that was filled in."""
        return {one.name: _key(self[f"key_{one.name}"].data) for one in ACTIONS}

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and that no two actions have the same key."""
        if not super().validate(extra_validators):
            return False
        found = clashes(self.wanted_keys())
        for name in found:
            self[f"key_{name}"].errors = [gettext("Another action has this key, too.")]
        return not found


def _key(text: str | None) -> str:
    """The key that is meant; that of the space has to be named, since nobody sees it."""
    given = (text or "").strip()
    return SPACE if given.casefold() in ("space", gettext("space").casefold()) else given


def _one_key(form: FlaskForm, field: Field) -> None:
    key = _key(field.data)
    if len(key) != 1 or not key.isprintable():
        raise ValidationError(gettext("One key: a letter, a digit, a sign, or the word space."))


for _action in ACTIONS:
    _field = StringField(_action.label, [Length(max=20), _one_key], render_kw={"autocomplete": "off"})
    setattr(PreferencesForm, f"key_{_action.name}", _field)


MOST_NOTE = 2_000


def note_of(form: Mapping[str, str]) -> str | None:
    """What a moderator noted, as every database can keep it."""
    return form.get("note", "").replace("\0", "\N{REPLACEMENT CHARACTER}")[:MOST_NOTE] or None


def review_number(form: Mapping[str, str]) -> int:
    """Which review is to be taken back."""
    number = whole(form.get("number", ""), 9)
    if number is None:
        raise Refused(422, "invalid-request", "number: which review is to be taken back")
    return number
