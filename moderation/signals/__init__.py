"""Evidence beside the text: who, how and how often. One detector a file; this is their list, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from moderation.signals import (
    anchor,
    author_domain,
    author_record,
    copies,
    disposable,
    foreign_language,
    form_old,
    hidden_field,
    ip_link,
    keyword_name,
    link_count,
    link_domain,
    look_alike,
    new_domain,
    old_post,
    role,
    shortener,
    too_fast,
    topic,
    trackback,
    trusted_author,
    velocity,
)
from moderation.signals.signal import Finding, Seen, Signal

SIGNALS: tuple[Signal, ...] = (
    hidden_field.SIGNAL,
    too_fast.SIGNAL,
    form_old.SIGNAL,
    role.SIGNAL,
    author_record.SIGNAL,
    trusted_author.SIGNAL,
    velocity.SIGNAL,
    copies.SIGNAL,
    link_count.SIGNAL,
    link_domain.SIGNAL,
    author_domain.SIGNAL,
    new_domain.SIGNAL,
    shortener.SIGNAL,
    ip_link.SIGNAL,
    anchor.SIGNAL,
    look_alike.SIGNAL,
    disposable.SIGNAL,
    keyword_name.SIGNAL,
    old_post.SIGNAL,
    foreign_language.SIGNAL,
    topic.SIGNAL,
    trackback.SIGNAL,
)
BY_CODE = {signal.code: signal for signal in SIGNALS}


def observe(seen: Seen, signals: Iterable[Signal], weights: Mapping[str, float]) -> list[Finding]:
    """Ask signals; ``weights`` are the site's own, by code, where it has learnt some."""
    findings = []
    for signal in signals:
        found = signal.find(seen)
        if found is not None:
            findings.append(Finding(signal, found, signal.weighs(weights) * found.strength))
    return findings
