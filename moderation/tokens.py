"""Facts about a comment outside its running text: its links and its author, as named features.

A missing field gives no token: that a site does not send e-mail addresses says nothing about its commenters.
"""

from __future__ import annotations

from dataclasses import dataclass

from moderation.comment import Author, Comment
from moderation.links import domain_of, email_domain, host_of, is_ip_host, looks_like_address, path_words
from moderation.text import Evidence, Link

MAX_LINKS = 20
MAX_NAME = 100
MAX_NAMES = 600
"""Characters of names and addresses looked at: a real one is far shorter, and a hostile one costs no more."""


@dataclass(frozen=True, slots=True)
class Token:
    """A feature with a name."""

    name: str
    group: str
    """What it speaks of: ``link``, ``author`` or ``disguise``."""
    about: str
    """The piece of the comment it was read off, to show to a person."""
    span: tuple[int, int] | None = None


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
    if evidence.hidden or evidence.lookalikes or evidence.stacked > 3 or evidence.bbcode:
        _of_disguise(evidence, tokens)
    return tokens, " ".join(words)[:MAX_NAMES]


PHRASES_AT = (0, 2, 4, 8, 16)


def phrase_tokens(worth: float, words: str, span: tuple[int, int] | None) -> list[Token]:
    """Tokens for phrases known from spam: one for each step that their worth together reaches."""
    return [Token(f"phrases>{step}", "phrases", words, span) for step in PHRASES_AT if worth > step]


def _of_links(links: tuple[Link, ...], tokens: list[Token], words: list[str]) -> None:
    for link in links[:MAX_LINKS]:
        host, span = host_of(link.url), (link.start, link.end)
        about = link.url[:200]
        domain = domain_of(link.url)
        if is_ip_host(host):
            tokens.append(Token("link:ip", "link", about, span))
        elif domain:
            tokens.append(Token(f"link:domain={domain}", "link", about, span))
            tokens.append(Token(f"link:tld={domain.rpartition('.')[2]}", "link", about, span))
        shown = domain_of(link.anchor) if looks_like_address(link.anchor) else ""
        if shown and domain and shown != domain:
            tokens.append(Token("link:mismatch", "link", about, span))
        words.extend(path_words(link.url))
    count = len(links)
    bin_ = "1" if count == 1 else "2" if count == 2 else "3-5" if count <= 5 else "6+"
    tokens.append(Token(f"link:count={bin_}", "link", f"{count} link" + "s" * (count > 1)))


def _of_author(author: Author, tokens: list[Token]) -> None:
    if author.name and looks_like_address(author.name):
        tokens.append(Token("name:url", "author", author.name[:MAX_NAME]))
    if author.email and (domain := email_domain(author.email)):
        tokens.append(Token(f"email:domain={domain}", "author", author.email[:100]))
        tokens.append(Token(f"email:tld={domain.rpartition('.')[2]}", "author", author.email[:100]))
    if author.url and (domain := domain_of(author.url)):
        tokens.append(Token(f"url:domain={domain}", "author", author.url[:200]))
        tokens.append(Token(f"url:tld={domain.rpartition('.')[2]}", "author", author.url[:200]))
        depth = "deep" if "/" in author.url.split("//", 1)[-1].strip("/") else "home"
        tokens.append(Token(f"url:{depth}", "author", author.url[:200]))


def _of_disguise(evidence: Evidence, tokens: list[Token]) -> None:
    if evidence.hidden:
        tokens.append(Token("disguise:hidden", "disguise", f"{evidence.hidden} invisible characters"))
    if evidence.lookalikes:
        tokens.append(
            Token("disguise:lookalikes", "disguise", f"{evidence.lookalikes} look-alike letters inside words")
        )
    if evidence.stacked > 3:
        tokens.append(Token("disguise:stacked", "disguise", f"{evidence.stacked} stacked accents"))
    if evidence.bbcode:
        tokens.append(Token("disguise:bbcode", "disguise", "BBCode markup"))
