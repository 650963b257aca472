"""Rules of each kind laid out to be looked up: by a key, by a number, by a network."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_network

from moderation.past import DAY, Address, address_of, plain_email, plain_name
from moderation.rules.hosts import hosts_of, within
from moderation.rules.patterns import PatternError, RegexTable
from moderation.rules.rule import MOST_SPANS, Action, Hit, Rule, RuleKind, Spans, Table
from moderation.rules.words import WordTable
from moderation.signals.signal import Seen

Key = tuple[str, tuple[int, int] | None]
"""A value that rules may have, and where the comment has it; None: beside the text."""


log = logging.getLogger(__name__)
_NONSENSE = ValueError, IndexError, PatternError


class KeyTable:
    """Rules that are met where a comment has a key equal to their value."""

    def __init__(self, rules: Sequence[Rule], keys_of: Callable[[Seen], Iterable[Key]]) -> None:
        self._rules = by_value(rules)
        self._keys_of = keys_of

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        spans: dict[str, list[tuple[int, int]]] = {}
        for key, span in self._keys_of(seen):
            if key in self._rules:
                found = spans.setdefault(key, [])
                if span is not None and len(found) < MOST_SPANS:
                    found.append(span)
        for key, found in spans.items():
            places = tuple(sorted(found))  # Links in markup come before plain ones.
            yield from (Hit(rule, places) for rule in self._rules[key])


class DomainTable:
    """Rules for domains: a link to one of them is enough to block or hold, but to allow, all links must be allowed.

    Otherwise a spammer would only have to add a link to a domain that everybody allows.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._any = KeyTable(rules, _domains)
        self._allowed = by_value(rule for rule in rules if rule.action is Action.ALLOW)

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        hits = list(self._any.find(seen))
        if not any(hit.rule.action is Action.ALLOW for hit in hits):
            return iter(hits)
        everything = all(self._allows(host, seen.now) for host, _ in hosts_of(seen))
        return (hit for hit in hits if everything or hit.rule.action is not Action.ALLOW)

    def _allows(self, host: str, now: int) -> bool:
        rules = (rule for domain in within(host) for rule in self._allowed.get(domain, ()))
        return any(not rule.expired(now) for rule in rules)


class NumberTable:
    """Rules that are met from a number on."""

    def __init__(self, rules: Sequence[Rule], measure: Callable[[Seen], tuple[int, Spans] | None]) -> None:
        self._rules = sorted(rules, key=_number)
        self._numbers = [_number(rule) for rule in self._rules]
        self._measure = measure

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        measured = self._measure(seen)
        if measured is not None:
            number, spans = measured
            yield from (Hit(rule, spans) for rule in self._rules[: bisect_right(self._numbers, number)])


class NetworkTable:
    """Rules for addresses and networks: one look-up for each length of prefix that there is."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: defaultdict[tuple[int, int], dict[int, list[Rule]]] = defaultdict(dict)
        for rule in rules:
            network = ip_network(rule.value)
            shift = network.max_prefixlen - network.prefixlen
            start = int(network.network_address) >> shift
            self._rules[network.version, shift].setdefault(start, []).append(rule)

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        address = _address(seen)
        if address is None:
            return
        for (version, shift), rules in self._rules.items():
            if version == address.version:
                yield from (Hit(rule) for rule in rules.get(int(address) >> shift, ()))


def by_value(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Rules by their value: one value may be allowed and blocked."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.value, []).append(rule)
    return found


def _number(rule: Rule) -> int:
    return int(rule.value)


def _address(seen: Seen) -> Address | None:
    author = seen.comment.author
    return address_of(author.ip, seen.hops) if author is not None and author.ip else None


def _domains(seen: Seen) -> Iterator[Key]:
    for host, span in hosts_of(seen):
        for domain in within(host):
            yield domain, span


def _email(seen: Seen) -> str:
    author = seen.comment.author
    return plain_email(author.email) if author is not None and author.email else ""


def _emails(seen: Seen) -> Iterator[Key]:
    yield _email(seen), None


def _email_domains(seen: Seen) -> Iterator[Key]:
    for domain in within(_email(seen).rpartition("@")[2]):
        yield domain, None


def _names(seen: Seen) -> Iterator[Key]:
    author = seen.comment.author
    if author is not None and author.name:
        yield plain_name(author.name), None


def _languages(seen: Seen) -> Iterator[Key]:
    yield seen.language, None


def _links(seen: Seen) -> tuple[int, Spans]:
    return len(seen.links), tuple(sorted((link.start, link.end) for link in seen.links[:MOST_SPANS]))


def _post_age(seen: Seen) -> tuple[int, Spans] | None:
    post = seen.comment.post
    if post is None or post.published_at is None:
        return None
    # A post of exactly n days is not older than n days.
    return (seen.now - int(post.published_at.timestamp() * 1000) - 1) // DAY, ()


_TABLES: dict[RuleKind, Callable[[Sequence[Rule]], Table]] = {
    RuleKind.DOMAIN: DomainTable,
    RuleKind.EMAIL: lambda rules: KeyTable(rules, _emails),
    RuleKind.EMAIL_DOMAIN: lambda rules: KeyTable(rules, _email_domains),
    RuleKind.IP: NetworkTable,
    RuleKind.NAME: lambda rules: KeyTable(rules, _names),
    RuleKind.WORD: WordTable,
    RuleKind.REGEX: RegexTable,
    RuleKind.LANGUAGE: lambda rules: KeyTable(rules, _languages),
    RuleKind.LINKS: lambda rules: NumberTable(rules, _links),
    RuleKind.POST_AGE: lambda rules: NumberTable(rules, _post_age),
}


def table_of(kind: RuleKind, rules: Sequence[Rule]) -> Table:
    """The rules of one kind, laid out.

    All were checked before they were kept. Should one of them make no sense all the same (another version of RE2, a
    row written by hand), it is left out and logged: it must not keep a site from being served.
    """
    try:
        return _TABLES[kind](rules)
    except _NONSENSE:
        return _TABLES[kind]([rule for rule in rules if _makes_sense(rule)])


def _makes_sense(rule: Rule) -> bool:
    try:
        _TABLES[rule.kind]((rule,))
    except _NONSENSE as error:
        log.warning("rule %d (%s %s) is left out: %s", rule.id, rule.kind, rule.value, error)
        return False
    return True
