"""What hypothesis draws: hostile text, plain words, whole comments."""

from __future__ import annotations

from datetime import UTC

from hypothesis import strategies as st

from moderation.comment import Author, Comment, Form, LabelledComment, Parent, Post

_FRAGMENTS = (
    "<", ">", "&", ";", "[", "]", "&amp;", "&lt;", "&#60;", "&#x3c;", "&#0;", "&#xD800;", "&nbsp;", "&bogus;",
    "&fjlig;", "<b>", "</b>", "<p>", "<br/>", "<!--", "-->", "<!-- x -->", '<a href="http://a.com">', "</a>",
    "<a href=", "<a>", "[url=http://b.net]", "[url]", "[/url]", "[b]", "[/b]", "[link=", "[quote]",
    "[a](http://c.org)", "<img src=x>", "http://", "https://d.co.uk/x?y=1", "www.", "www.1", "shop.ru", "a@b.de",
    "a-.com", "//", "..", "1.2.3.4", "v1agra", "v i a g r a", "f.r.e.e", "sh!t", "covid19", "mp3", "100%", "c++", "'",
    "!!!", "sooooo", "    ", "\n\n", "\x07", "\u200b", "\u202e", "\u0301", "\ufe0f", "\U000e0041", "а", "ο", "ﬁ", "ﷺ",
    "İ", "ß", "𝐇", "👍", "日本", "\ud83d", "\x00",
)  # fmt: skip

any_character = st.characters(exclude_categories=())
any_text = st.lists(
    st.one_of(st.sampled_from(_FRAGMENTS), st.text(any_character, max_size=8), st.just(" ")), max_size=12
).map("".join)
plain_text = st.text(st.characters(exclude_characters="<[&", exclude_categories=()), max_size=40)
words = st.lists(st.text("abcdefgh", min_size=1, max_size=7), min_size=1, max_size=12)

sendable = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
_maybe = st.none() | sendable
_time = st.none() | st.datetimes(timezones=st.just(UTC))
_form = st.builds(Form, honeypot=_maybe, seconds_to_submit=st.none() | st.floats(allow_nan=False, allow_infinity=False))
_fields = {
    "text": sendable,
    "id": st.none() | sendable.filter(bool),
    "type": sendable,
    "submitted_at": _time,
    "is_test": st.booleans(),
    "author": st.none()
    | st.builds(Author, **dict.fromkeys(("name", "email", "url", "ip", "user_agent", "role"), _maybe)),
    "post": st.none() | st.builds(Post, url=_maybe, title=_maybe, published_at=_time),
    "parent": st.none() | st.builds(Parent, id=_maybe, text=_maybe),
    "form": st.none() | _form,
    "referrer": _maybe,
    "language": _maybe,
}
comments = st.builds(Comment, **_fields)
labelled_comments = st.builds(
    LabelledComment, **_fields, labels=st.dictionaries(sendable, st.floats(0, 1)), kind=_maybe, group=_maybe
)

any_authors = st.none() | st.builds(
    Author, name=st.none() | any_text, email=st.none() | any_text, url=st.none() | any_text
)
any_comments = st.builds(Comment, text=any_text, author=any_authors)
