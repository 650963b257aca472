"""Facts about a comment outside its running text: its links and its author, as named features.

A missing field gives no token: that a site does not send e-mail addresses says nothing about its commenters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moderation.comment import Author, Comment
from moderation.letters import oddest
from moderation.links import domain_of, email_domain, host_of, is_ip_host, looks_like_address, path_words
from moderation.scrambled import first_scrambled
from moderation.text import NO_EVIDENCE, Evidence, Link

MAX_LINKS = 20
MAX_NAME = 100
MAX_NAMES = 600
"""Characters of names and addresses looked at: a real one is far shorter, and a hostile one costs no more."""


@dataclass(frozen=True, slots=True)
class Token:
    """A feature with a name."""

    name: str
    group: str
    """What it speaks of: ``link``, ``author``, ``disguise`` or ``words``."""
    about: str
    """The piece of the comment it was read off, to show to a person."""
    span: tuple[int, int] | None = None
    """Where it stands in the original, if that is known already."""
    place: tuple[int, int] | None = None
    """Where it stands in the folded text; few ask where that came from, and telling costs as much as folding did."""


def names_of(author: Author | None) -> str:
    """What an author calls himself: name and words of the URL, unfolded."""
    if author is None:
        return ""
    words = [author.name[:MAX_NAME]] if author.name else []
    if author.url:
        words += path_words(author.url)
    return " ".join(words)[:MAX_NAMES]


def tokens_of(comment: Comment, links: tuple[Link, ...], evidence: Evidence) -> tuple[list[Token], str]:
    """All tokens of a comment, and the words of the addresses it links to."""
    tokens: list[Token] = []
    words: list[str] = []
    if links:
        _of_links(links, tokens, words)
    if comment.author is not None:
        _of_author(comment.author, tokens)
    if evidence is not NO_EVIDENCE:
        _of_disguise(evidence, tokens)
    return tokens, " ".join(words)[:MAX_NAMES]


ODD_AT = (5.0, 5.6)
"""Of a hundred random words 90 reach the first step and 70 the second, of harmless names one and none."""
PHRASES_AT = (0, 2, 4, 8, 16)


def phrase_tokens(worth: float, words: str, place: tuple[int, int] | None) -> list[Token]:
    """Tokens for phrases known from spam: one for each step that their worth together reaches."""
    return [Token(f"phrases>{step}", "phrases", words, place=place) for step in PHRASES_AT if worth > step]


def _of_links(links: tuple[Link, ...], tokens: list[Token], words: list[str]) -> None:
    found: list[Token] = []
    for link in links[:MAX_LINKS]:
        host, span = host_of(link.url), (link.start, link.end)
        about = link.url[:200]
        domain = domain_of(link.url)
        if is_ip_host(host):
            found.append(Token("link:ip", "link", about, span))
        elif domain:
            found.append(Token(f"link:domain={domain}", "link", about, span))
            found.append(Token(f"link:tld={domain.rpartition('.')[2]}", "link", about, span))
            found.extend(_of_letters("link", domain.partition(".")[0], "link", span))
        shown = domain_of(link.anchor) if looks_like_address(link.anchor) else ""
        if shown and domain and shown != domain:
            found.append(Token("link:mismatch", "link", about, span))
        words.extend(path_words(link.url))
    # A fact counts once, or ten links to harmless places would outweigh all that is said.
    tokens.extend({token.name: token for token in reversed(found)}.values())
    count = len(links)
    bin_ = "1" if count == 1 else "2" if count == 2 else "3-5" if count <= 5 else "6+"
    tokens.append(Token(f"link:count={bin_}", "link", f"{count} link" + "s" * (count > 1)))


def _of_author(author: Author, tokens: list[Token]) -> None:
    if author.name and looks_like_address(author.name):
        tokens.append(Token("name:url", "author", author.name[:MAX_NAME]))
    elif author.name:
        tokens.extend(_of_letters("name", author.name[:MAX_NAME].lower(), "author"))
        tokens.extend(_of_case("name", author.name[:MAX_NAME], "author"))
    if author.email and (domain := email_domain(author.email)):
        tokens.append(Token(f"email:domain={domain}", "author", author.email[:100]))
        tokens.append(Token(f"email:tld={domain.rpartition('.')[2]}", "author", author.email[:100]))
    if author.url and (domain := domain_of(author.url)):
        tokens.append(Token(f"url:domain={domain}", "author", author.url[:200]))
        tokens.append(Token(f"url:tld={domain.rpartition('.')[2]}", "author", author.url[:200]))
        tokens.extend(_of_letters("url", domain.partition(".")[0], "author"))
        depth = "deep" if "/" in author.url.split("//", 1)[-1].strip("/") else "home"
        tokens.append(Token(f"url:{depth}", "author", author.url[:200]))


def _of_letters(what: str, text: str, group: str, span: tuple[int, int] | None = None) -> list[Token]:
    """Tokens for a name that is a word of no language: one for each step that its surprise reaches."""
    bits, word = oddest(text)
    return [Token(f"{what}:odd>{step}", group, word, span) for step in ODD_AT if bits > step]


FEW_LETTERS = 64
"""Of a text, in which a word of no language is told: a long one may quote a key or a hash."""
SHORT_TEXT = 400
"""Letters of a text that is looked at for scrambled words: in a long one some stranger's name is an anagram."""


def text_tokens(texts: Sequence[str], originals: Sequence[str]) -> list[list[Token]]:
    """Tokens for the words of short texts: folded and without their links, and as they came."""
    tokens = [
        _of_few_words(text, original) if len(text) <= FEW_LETTERS else []
        for text, original in zip(texts, originals, strict=True)
    ]
    for i, word in first_scrambled(texts).items():
        tokens[i].append(Token("text:scrambled", "words", word))
    return tokens


def _of_few_words(text: str, original: str) -> list[Token]:
    tokens = _of_letters("text", text, "words")
    if len(text.split()) == len(original.split()) == 1:
        tokens += _of_case("text", original[:MAX_NAME].strip(), "words")
    return tokens


_INNER_CAPITAL = re.compile(r"[a-z](?=[A-Z])")
MIXED, MIXED_ODD = 2, 4.5
"""Capitals inside a word, and bits a letter, from which on both together are those of a drawn word: "OpenStreetMap"
has the one and "kubectl" the other."""


def _of_case(what: str, text: str, group: str) -> list[Token]:
    """A token for a word in capitals and small letters as they come, "hTjVbNqE"."""
    if len(_INNER_CAPITAL.findall(text)) < MIXED or oddest(text.lower())[0] < MIXED_ODD:
        return []
    return [Token(f"{what}:case", group, text)]


_MARKS = 3
"""Accents that a word may have on top of each other."""


_DISGUISES: dict[str, Callable[[Evidence], str]] = {
    "disguise:hidden": lambda found: f"{found.hidden} invisible characters" if found.hidden else "",
    "disguise:lookalikes": lambda found: (
        f"{found.lookalikes} look-alike letters inside words" if found.lookalikes else ""
    ),
    "disguise:stacked": lambda found: f"{found.stacked} stacked accents" if found.stacked > _MARKS else "",
    "disguise:bbcode": lambda found: "BBCode markup" if found.bbcode else "",
    "disguise:mixed": lambda found: "HTML and BBCode side by side" if found.bbcode and found.tags else "",
    "disguise:spaced": lambda found: "words with gaps between their letters" if found.spaced else "",
    "disguise:leet": lambda found: "words with digits or signs for letters" if found.leet else "",
}
DISGUISES = tuple(_DISGUISES)
"""Tokens that never speak for a comment: whoever trains a base model lets none of their weights be negative."""


def _of_disguise(evidence: Evidence, tokens: list[Token]) -> None:
    tokens.extend(Token(name, "disguise", about) for name, say in _DISGUISES.items() if (about := say(evidence)))
