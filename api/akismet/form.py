"""Forms as clients of the Akismet protocol send them: in any charset, with fields twice, as arrays, or in the query.

They are read from the raw body. Werkzeug takes every form for UTF-8, and of ``Jos%E9`` in Latin-1 it would leave those
very letters.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from api.v1.bodies import whole_body

MOST_FIELDS = 5_000
"""WordPress sends the whole comment form and the server's variables: a few hundred."""
_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")
# Python's codecs are more than charsets: some unpack archives, others take time that grows with the square.
_PLAIN = re.compile(
    r"utf-8|(iso8859-|cp|koi8-|mac-|tis-)\w+|gbk|gb2312|gb18030|big5\w*|euc_\w+|shift_jis\w*|iso2022_\w+|hz"
)
_LATIN_1 = frozenset({"ascii", "iso8859-1"})
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name, each with all its values in their order."""

    fields: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        """The value of a field, without white space around it; empty if it is not there.

        Of several the last counts, as in PHP, which all servers of this protocol were written in.
        """
        found = self.fields.get(name)
        return found[-1].strip() if found else ""

    def raw(self, name: str) -> str:
        """Likewise, with its white space."""
        found = self.fields.get(name)
        return found[-1] if found else ""

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Names and values, as they were sent."""
        return ((name, value) for name, values in self.fields.items() for value in values)

    def first_of(self, *names: str) -> str:
        """The first of some fields that is not empty."""
        return next((value for name in names if (value := self[name])), "")

    def says(self, name: str) -> bool:
        """Whether a field says yes."""
        return self[name].lower() not in ("", "0", "false", "no", "off")


def read_form() -> Form:
    """Query and body of the request; where both have a field, the body's comes last and so counts."""
    query = split_pairs(request.query_string)
    if request.mimetype == "multipart/form-data":
        sent = [(name, value) for name, values in request.form.lists() for value in values]
        return _form([*decoded(query, "utf-8"), *sent])
    pairs = query + split_pairs(whole_body())
    return _form(decoded(pairs, _charset_of(pairs)))


def split_pairs(raw: bytes) -> Pairs:
    """Names and values, each byte of them a character: Latin-1 maps all bytes and loses none."""
    if raw.count(b"&") >= MOST_FIELDS:
        raise RequestEntityTooLarge(f"more than {MOST_FIELDS:,} fields")
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")


def decoded(pairs: Pairs, charset: str) -> Pairs:
    """Names and values in a charset; what it cannot read, and NUL, becomes U+FFFD."""
    return [(_decode(name, charset), _decode(value, charset)) for name, value in pairs]


def _decode(value: str, charset: str) -> str:
    return value.encode("latin-1").decode(charset, "replace").replace("\0", "\ufffd")


def _form(pairs: Iterable[tuple[str, str]]) -> Form:
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.replace("\0", "\ufffd"))
    return Form(fields)


def _charset_of(pairs: Pairs) -> str:
    """The charset that the request names: in its Content-Type, else in a field; UTF-8 if none will do."""
    named = dict(pairs)
    asked = request.mimetype_params.get("charset", ""), named.get("blog_charset", ""), named.get("charset", "")
    return next((codec for name in asked if (codec := codec_of(name))), "utf-8")


def codec_of(name: str) -> str:
    """The codec of a charset's name; empty if there is none, or it is no plain charset."""
    if not _CHARSET.fullmatch(name.strip()):
        return ""
    try:
        codec = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return ""
    if codec in _LATIN_1:
        return "cp1252"  # What browsers send under both names.
    return codec if _PLAIN.fullmatch(codec) else ""
