"""The languages of the dashboard: everything is translated, and nothing but the words differs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from flask import g

from api.dashboard import language
from api.dashboard.forms import ROLES
from moderation.people import LANGUAGES, Preferences, Role
from tests.conftest import ROOT
from tests.people import signed_in, with_people

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext.babel_extract")]
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy": None}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def messages() -> Catalog:
    """Everything that templates and modules say."""
    found = Catalog()
    for file, line, message, comments, context in extract_from_dir(ROOT / "api", METHODS, keywords=KEYWORDS):
        found.add(message, locations=[(file, line)], auto_comments=comments, context=context)
    return found


def translated(name: str) -> Catalog:
    with (Path(language.FOLDER) / f"{name}.po").open(encoding="utf-8") as file:
        return read_po(file, locale=name)


MESSAGES = messages()
OTHERS = pytest.mark.parametrize("name", [name for name in LANGUAGES if name != "en"])


def forms_of(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_messages_are_found_in_templates_and_modules():
    files = {file for one in MESSAGES if one.id for file, _ in one.locations}
    assert {"dashboard/people.py", "dashboard/forms.py", "templates/people/sign_in.html"} <= files


@OTHERS
def test_every_message_is_translated(name):
    catalogue = translated(name)
    missing = [
        (one.id, one.locations)
        for one in MESSAGES
        if one.id and not all(forms_of(getattr(catalogue.get(one.id), "string", "")) or [""])
    ]
    assert missing == []


@OTHERS
def test_nothing_is_translated_that_is_not_said(name):
    assert [one.id for one in translated(name) if one.id and MESSAGES.get(one.id) is None] == []


@OTHERS
def test_translations_have_the_placeholders_of_the_message(name):
    for one in translated(name):
        if one.id:
            wanted, found = (
                [set(PLACEHOLDER.findall(form)) for form in forms_of(text)] for text in (one.id, one.string)
            )
            assert found == wanted, one.id


@OTHERS
def test_translations_say_nothing_as_markup(name):
    assert [one.id for one in translated(name) if one.id and "<" in "".join(forms_of(one.string))] == []


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("de", "de"), ("de-AT,en;q=0.5", "de"), ("fr,de;q=0.8", "de"), ("fr", "en"), ("", "en"), ("\x7f;;q=x", "en")],
)
def test_a_page_speaks_what_the_browser_asks_for(app, asked, shown):
    with_people(app)
    page = app.test_client().get("/dashboard/sign-in", headers={"Accept-Language": asked})
    assert f'<html lang="{shown}">' in page.text
    assert {"de": ">Anmelden<", "en": ">Sign in<"}[shown] in page.text


def test_a_page_speaks_what_the_person_has_chosen(app):
    people = with_people(app)
    ann = signed_in(app)
    people.choose(1, Preferences(language="de"))
    page = ann.get("/dashboard/account", headers={"Accept-Language": "en"})
    assert '<html lang="de">' in page.text
    assert "Überall abmelden" in page.text


def speak(name: str, shown):
    g.language = name
    return str(shown())


@pytest.mark.parametrize(
    ("shown", "english", "german"),
    [
        (lambda: language.number(1_234.5), "1,234.5", "1.234,5"),
        (lambda: language.percent(0.125, 1), "12.5 %", "12,5 %"),
        (
            lambda: language.when(1_767_614_400_000).replace("\u202f", " "),
            '<time datetime="2026-01-05T12:00:00+00:00">1/5/26, 12:00 PM UTC</time>',
            '<time datetime="2026-01-05T12:00:00+00:00">05.01.26, 12:00 UTC</time>',
        ),
        (lambda: ROLES[Role.OWNER], "owner", "Leitung"),
    ],
)
def test_numbers_times_and_words_are_written_as_the_language_does(app, shown, english, german):
    with app.test_request_context():
        assert (speak("en", shown), speak("de", shown)) == (english, german)


def test_how_long_ago_is_said_in_words(app):
    with app.test_request_context():
        assert ">56 years ago</time>" in speak("en", lambda: language.ago(0)).replace("57", "56")


def test_plurals_follow_the_number(app):
    one, many = (
        "Too many failures. Wait a second and try again.",
        "Too many failures. Wait %(num)s seconds and try again.",
    )
    with app.test_request_context():
        g.language = "de"
        assert "eine Sekunde" in language.ngettext(one, many, 1)
        assert "7 Sekunden" in language.ngettext(one, many, 7)


def test_outside_of_a_request_messages_are_english():
    assert language.gettext("Sign in") == "Sign in"
