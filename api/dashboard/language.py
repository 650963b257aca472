"""The languages of the dashboard. English is the source; the others are read from ``api/translations/*.po``."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import LazyProxy, Translations
from babel.units import format_unit
from flask import Flask, g, has_request_context, request
from markupsafe import Markup

from api.dashboard.access import person_or_none
from moderation.errors import HamletError
from moderation.people import LANGUAGES
from moderation.store import now_ms

NAMES = {"en": "English", "de": "Deutsch"}
FOLDER = Path(__file__).parent.parent / "translations"


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations into a language; for English the messages themselves."""
    file = FOLDER / f"{language}.po"
    if not file.exists():
        return NullTranslations()
    with file.open(encoding="utf-8") as text:
        found = read_po(text, locale=language)
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return Translations(compiled)


def language() -> str:
    """The language of this request: what the person has chosen, or what the browser asks for."""
    if not has_request_context():
        return LANGUAGES[0]
    if "language" not in g:
        g.language = _chosen() or _asked_for()
    return str(g.language)


def _chosen() -> str:
    try:
        person = person_or_none()
    except HamletError:  # The page that says so should still speak a language.
        return ""
    return person.preferences.language if person else ""


def _asked_for() -> str:
    """What the browser likes best of ours; whoever reads Austrian German reads German."""
    liked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((one for one in liked if one in LANGUAGES), LANGUAGES[0])


def gettext(message: str, **values: object) -> str:
    """A message in the language of the request; ``%(name)s`` in it stands for a value."""
    return _filled(catalogue(language()).gettext(message), values)


def ngettext(one: str, many: str, n: int, **values: object) -> str:
    """A message that depends on a number, which it calls ``%(num)s``."""
    return _filled(catalogue(language()).ngettext(one, many, n), {"num": n, **values})


def lazy(message: str) -> LazyProxy:
    """A message that is translated when it is shown: for what is made before there is a request."""
    return LazyProxy(gettext, message, enable_cache=False)


def _filled(message: str, values: dict[str, object]) -> str:
    return message % values if values else message


def when(milliseconds: int) -> Markup:
    """A time of the store as an element that a script can turn into local time."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = format_datetime(moment, "short", locale=language())
    iso = moment.isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{} UTC</time>').format(iso, shown)


def ago(milliseconds: int) -> Markup:
    """How long ago a time of the store is, or how soon it comes."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = format_timedelta((milliseconds - now_ms()) // 1000, add_direction=True, locale=language())
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), shown)


def duration(milliseconds: int) -> str:
    """A span of time in its two largest units."""
    seconds, told = milliseconds // 1000, []
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            told.append(format_unit(count, f"duration-{unit}", "short", locale=language()))
        elif told:
            break
    return " ".join(told[:2]) or format_unit(0, "duration-second", "short", locale=language())


def number(value: float) -> str:
    """A number as the language writes it."""
    return format_decimal(value, locale=language())


def percent(share: float, digits: int = 0) -> str:
    """A share of one as per cent."""
    return format_percent(share, "#,##0" + ("." + "0" * digits if digits else "") + " %", locale=language())


def init_app(app: Flask) -> None:
    """Read the translations, and hand them to the templates."""
    for one in LANGUAGES:
        catalogue(one)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # The extension adds it.
        lambda message: catalogue(language()).gettext(message),
        lambda one, many, n: catalogue(language()).ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.globals.update(
        language=language, when=when, ago=ago, duration=duration, number=number, percent=percent
    )
