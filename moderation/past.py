"""What a site has seen before: the record of an author, an address, a domain or a campaign, and how comments are
traced to them.

A comment leaves traces: keys of those it came from and of what it links to. For each key the store keeps one record
of counts, brought up to date with every check and review, so that asking costs the same whether a key was met once
or a million times. E-mail and IP addresses are kept only as keyed hashes.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from moderation.comment import Author, Comment
from moderation.links import host_of, is_ip_host, registered_domain, with_scheme
from moderation.secret import keyed_hash
from moderation.text import Link
from moderation.verdict import Decision

HOUR, DAY = 3_600_000, 86_400_000
"""Milliseconds."""
MAX_DOMAINS = 10
"""Domains of one comment that are looked up and counted."""
MAX_LINKS = 4 * MAX_DOMAINS
"""Links of one comment in which they are looked for."""
MAX_KEY = 64
MAX_HOST = 253
"""Characters; a longer one is no name in the DNS, and would take long to encode."""
MAX_EMAIL = 500
"""Characters; a longer one is no address (RFC 5321 allows 254)."""


class Kind(StrEnum):
    """What a record is kept of."""

    EMAIL = "email"
    URL = "url"
    """The author's home page."""
    IP = "ip"
    PREFIX = "prefix"
    """The network an address lies in: /24 or, of IPv6, /48."""
    NAME = "name"
    DOMAIN = "domain"
    """A registered domain that is linked to, in the text or as home page."""
    CAMPAIGN = "campaign"
    LANGUAGE = "language"
    SITE = "site"
    """All comments of the site; its one key is empty."""


LISTED = frozenset({Kind.EMAIL, Kind.URL, Kind.IP, Kind.NAME, Kind.DOMAIN, Kind.CAMPAIGN})
"""Kinds whose comments can be listed; the others are shared by too many, and only counted."""

Trace = tuple[Kind, str]
"""Kind and key."""


class Outcome(StrEnum):
    """What a person said of a comment."""

    HAM = "ham"
    SPAM = "spam"
    ABUSE = "abuse"
    OTHER = "other"


BAD = (Outcome.SPAM, Outcome.ABUSE)
"""What should not have been published."""


def outcome_of(stored: str | None) -> Outcome | None:
    """An outcome as it is stored; None: nobody said anything, or it was taken back."""
    return Outcome(stored) if stored in _OUTCOMES else None


_OUTCOMES = frozenset(Outcome)


@dataclass(frozen=True, slots=True)
class Record:
    """Counts of one key. Times are milliseconds since 1970, UTC."""

    first_at: int
    last_at: int
    accepted: int = 0
    held: int = 0
    rejected: int = 0
    """What the machine decided at first."""
    ham: int = 0
    spam: int = 0
    abuse: int = 0
    """What people said, the newest review of each comment."""
    hour: int = 0
    """Number of the hour, since 1970, of the newest comment."""
    in_hour: int = 0
    before: int = 0
    """Comments in that hour and in the one before it."""

    @property
    def comments(self) -> int:
        """Comments counted."""
        return self.accepted + self.held + self.rejected

    @property
    def bad(self) -> int:
        """Comments that people called spam or abuse."""
        return self.spam + self.abuse

    @property
    def reviewed(self) -> int:
        """Comments that people judged one way or the other."""
        return self.ham + self.bad

    def per_hour(self, now: int) -> float:
        """Comments in the hour up to ``now``: those of this clock hour, and of the last one in proportion."""
        hour, into = divmod(now, HOUR)
        if hour == self.hour:
            return self.in_hour + self.before * (1 - into / HOUR)
        return self.in_hour * (1 - into / HOUR) if hour == self.hour + 1 else 0.0


def first_record(decision: Decision, when: int, live: bool = True) -> Record:
    """The record of a key met once. ``live``: the comment came just now, and counts for how many come in an hour."""
    counted = Record(when, when, hour=when // HOUR if live else 0, in_hour=int(live))
    return replace(counted, **{COLUMN[decision]: 1})


COLUMN = {Decision.ACCEPT: "accepted", Decision.HOLD: "held", Decision.REJECT: "rejected"}
"""Where a decision is counted."""


def merged(old: Record, new: Record) -> Record:
    """Two records of the same key as one."""
    late, early = (new, old) if new.hour >= old.hour else (old, new)
    apart = late.hour - early.hour
    return Record(
        min(old.first_at, new.first_at),
        max(old.last_at, new.last_at),
        old.accepted + new.accepted,
        old.held + new.held,
        old.rejected + new.rejected,
        old.ham + new.ham,
        old.spam + new.spam,
        old.abuse + new.abuse,
        late.hour,
        late.in_hour + (early.in_hour if apart == 0 else 0),
        late.before + (early.before if apart == 0 else early.in_hour if apart == 1 else 0),
    )


def reviewed(record: Record, before: Outcome | None, outcome: Outcome | None) -> Record:
    """A record after one of its comments was reviewed, whose outcome had been ``before``."""
    change = {name: getattr(record, name) for name in JUDGED}
    if before in change:
        change[before] = max(0, change[before] - 1)
    if outcome in change:
        change[outcome] += 1
    return replace(record, **change)


JUDGED = (Outcome.HAM, *BAD)
"""Outcomes that records count; the columns have their names."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Near-copies of a comment that the site got before."""

    id: str
    record: Record


@dataclass(frozen=True, slots=True)
class Past:
    """What a site has seen before a comment: a record for each of its traces that is known."""

    records: Mapping[Trace, Record] = field(default_factory=dict)
    campaign: Campaign | None = None

    def of(self, *kinds: Kind) -> list[tuple[str, Record]]:
        """Keys and records of some kinds, in the order of the comment's traces."""
        return [(key, record) for (kind, key), record in self.records.items() if kind in kinds]

    def one(self, kind: Kind) -> Record | None:
        """The record of a kind that a comment has at most one of."""
        return next((record for (found, _), record in self.records.items() if found is kind), None)


NOTHING = Past()


def moment(comment: Comment, now: int) -> tuple[int, bool]:
    """When a comment was written, and whether it came just now.

    A site's clock that runs ahead is set back to ours; an old comment sent late (a backfill) counts in the records,
    but not for how many come in an hour.
    """
    if comment.submitted_at is None:
        return now, True
    when = milliseconds(comment.submitted_at)
    return max(0, min(when, now)), when > now - DAY


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(time: datetime) -> int:
    """A time in milliseconds since 1970; one that names no zone is read as UTC, not as the server's own."""
    apart = (time if time.utcoffset() is not None else time.replace(tzinfo=UTC)) - _EPOCH
    return (apart.days * 86_400 + apart.seconds) * 1000 + apart.microseconds // 1000


def traces_of(comment: Comment, links: Sequence[Link], language: str, secret: bytes, hops: int = 0) -> list[Trace]:
    """The keys of a comment; a field that is missing leaves none."""
    found: dict[Trace, None] = {(Kind.SITE, ""): None}
    if language:
        found[Kind.LANGUAGE, language] = None
    if comment.author is not None:
        found.update(dict.fromkeys(_of_author(comment.author, secret, hops)))
    found.update(dict.fromkeys((Kind.DOMAIN, domain) for domain in domains_of(comment, links)))
    return list(found)


def domains_of(comment: Comment, links: Sequence[Link]) -> list[str]:
    """The domains that are looked up and counted: that of the home page, then those of the first links."""
    urls = [link.url for link in links[:MAX_LINKS]]
    if comment.author is not None and comment.author.url:
        urls.insert(0, comment.author.url)
    return list(dict.fromkeys(domain for url in urls if (domain := domain_key(url))))[:MAX_DOMAINS]


def _of_author(author: Author, secret: bytes, hops: int) -> list[Trace]:
    found: list[Trace] = []
    if author.email and (email := plain_email(author.email)):
        found.append((Kind.EMAIL, hashed(secret, Kind.EMAIL, email)))
    if author.url and (url := plain_url(author.url)):
        found.append((Kind.URL, hashed(secret, Kind.URL, url)))
    if author.ip and (address := address_of(author.ip, hops)) is not None:
        whole, network = networks_of(address)
        found.append((Kind.IP, hashed(secret, Kind.IP, whole)))
        found.append((Kind.PREFIX, hashed(secret, Kind.PREFIX, network)))
    if author.name and (name := plain_name(author.name)):
        found.append((Kind.NAME, hashed(secret, Kind.NAME, name)))
    return found


def hashed(secret: bytes, kind: Kind, value: str) -> str:
    """The key of a value that may not be kept as it is: 128 bits of its HMAC, in hex."""
    return _hashed(secret, kind.value, value)


@lru_cache(maxsize=8_192)
def _hashed(secret: bytes, purpose: str, value: str) -> str:
    return keyed_hash(secret, f"trace:{purpose}", value)[:32]


def domain_key(url: str) -> str:
    """The registered domain of a URL as one key, in ASCII and short enough to keep; empty if there is none."""
    host = ascii_host(host_of(url))
    domain = host if is_ip_host(host) else registered_domain(host) if host else ""
    return domain[-MAX_KEY:] if domain.isprintable() else ""


def as_written(links: tuple[Link, ...], text: str) -> tuple[Link, ...]:
    """Links with their addresses as they were written.

    Links in running text are found in folded text, where "bücher.example" is spelt "bucher.example" and a host in
    look-alike letters like the one it imitates: neither is where the link leads.
    """
    return links if text.isascii() else tuple(_as_written(link, text) for link in links)


def _as_written(link: Link, text: str) -> Link:
    written = text[link.start : link.end].rstrip(".,;:!?)'")
    # Markup names its target, which folding has not touched.
    if written.isascii() or written[0] in "<[" or not host_of(written):
        return link
    return replace(link, url=written)


_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def plain_email(email: str) -> str:
    """An e-mail address as its owner reads it: lower case, without plus-tag and, at Gmail, without dots."""
    if len(email) > MAX_EMAIL:
        return ""
    local, at, host = unicodedata.normalize("NFKC", email).strip().lower().rpartition("@")
    host = ascii_host(host.strip(" .>"))
    local = local.rpartition("<")[2].strip()  # Ann <ann@example.org>
    local = local.partition("+")[0] or local
    if host in _DOTLESS:
        local, host = local.replace(".", ""), "gmail.com"
    return f"{local}@{host}" if at and local and host else ""


def plain_url(url: str) -> str:
    """A home page as one key: host and path, without scheme, query and closing slash."""
    host = host_of(url)
    if not host:
        return ""
    try:
        path = urlsplit(with_scheme(url)).path.rstrip("/")
    except ValueError:
        path = ""
    return ascii_host(host) + path[:500]


def plain_name(name: str) -> str:
    """A name as one key: case, accents' forms and spacing aside."""
    return " ".join(unicodedata.normalize("NFKC", name[:1_000]).casefold().split())[:200]


def ascii_host(host: str) -> str:
    """An international domain in its ASCII form, so that both spellings are one key."""
    if host.isascii() or len(host) > MAX_HOST:
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str, hops: int = 0) -> Address | None:
    """The commenter's address; None if there is none.

    ``text`` may be a chain as in X-Forwarded-For ("client, proxy, proxy"). The last ``hops`` addresses were written
    by proxies the site trusts; the one before them is what those saw, and all that stands further left anybody can
    make up.
    """
    chain = [part.strip() for part in text[-2_000:].split(",") if part.strip()]
    if not chain:
        return None
    one = chain[max(0, len(chain) - 1 - hops)].strip('"')
    if one.startswith("["):  # [2001:db8::1]:443
        one = one[1:].partition("]")[0]
    elif one.count(":") == 1:  # 192.0.2.1:443
        one = one.partition(":")[0]
    try:
        address = ipaddress.ip_address(one.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Nobody comments from there: it is a proxy of the site's own, and would be everybody's record.
    return None if address.is_loopback or address.is_unspecified else address


def networks_of(address: Address) -> tuple[str, str]:
    """Keys of an address and of its neighbourhood: /32 and /24, or of IPv6 /64 (what one home gets) and /48."""
    near, far = (32, 24) if address.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network((address, length), strict=False)) for length in (near, far))  # type: ignore[return-value]  # Two of two.
