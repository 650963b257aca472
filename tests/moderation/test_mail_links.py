"""Links to one comment: they say what they were made for, until they expire, and cannot be made up."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import BadLink
from moderation.mail_links import MailLink, link_for, read

SECRET, COMMENT = b"a secret of the tests", "0123456789abcdef" * 2
END = 1_800_000_000_000


def make_link(reviewer: str = "ann", secret: bytes = SECRET) -> str:
    return link_for(secret, 7, COMMENT, reviewer, END)


@pytest.mark.parametrize("reviewer", ["ann", "Zoë", "x" * 64, "北"])
def test_a_link_is_read_back(reviewer):
    assert read(SECRET, make_link(reviewer), END - 1) == MailLink(7, COMMENT, reviewer, END)


def test_a_link_fits_a_mail_and_needs_no_escaping():
    token = make_link()
    assert len(token) < 64
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_link_expires():
    with pytest.raises(BadLink, match="expired"):
        read(SECRET, make_link(), END)


def test_another_installation_s_link_is_refused():
    with pytest.raises(BadLink, match="made up"):
        read(SECRET, make_link(secret=b"another secret"), 0)


@pytest.mark.parametrize("place", range(0, 43, 3))
def test_a_changed_link_is_refused(place):
    raw = bytearray(base64.urlsafe_b64decode(make_link() + "=" * (-len(make_link()) % 4)))
    raw[place] ^= 1
    with pytest.raises(BadLink, match="made up"):
        read(SECRET, base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="), 0)


@given(st.text(max_size=100))
def test_what_is_no_link_is_refused(text):
    with pytest.raises(BadLink):
        read(SECRET, text, 0)


@pytest.mark.parametrize("end", [0, 1, 16, 20, 40, -1])
def test_a_link_that_was_cut_is_refused(end):
    with pytest.raises(BadLink):
        read(SECRET, make_link()[:end], 0)
