"""The gate: what a challenger must pass before it serves.

Later labels are those that neither model has learnt from. A test that counts mistakes asks whether the challenger
makes more of them than chance explains (exact McNemar test); where a real comment would be lost it asks no such
thing: one more is too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.store.models import Check
from training.labels import Kept
from training.measures import expected_calibration_error
from training.rivals import ACCEPT, HOLD, REJECT, Bools, Compared, Decisions, Floats, Rival, compare, wrong

LEAST_LATER = 20
"""Later labels without which nothing is compared, and labels of a language for it to be looked at by itself."""
CALIBRATED, MOST_MORE_ERROR = 0.1, 0.02
"""Expected calibration error that is good enough, and by how much it may exceed the champion's."""
MOST_MORE_HELD = 0.05
"""By so much the share of a corpus's ham that is held may grow: a site may be stricter than the average blog."""
MOST_MORE_REJECTED = 0.002
NAMED = 20
"""Comments named by a check."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Challenger and champion on the same comments."""

    labels: Sequence[Kept]
    bad: Bools
    """Spam and abuse among them."""
    challenger: Rival
    champion: Rival

    def of(self, rows: Bools) -> Trial:
        """On some of the comments."""
        kept = [self.labels[i] for i in np.flatnonzero(rows).tolist()]
        return Trial(kept, self.bad[rows], self.challenger.of(rows), self.champion.of(rows))


@dataclass(frozen=True, slots=True)
class OfCorpus:
    """What both decide of the ham of a corpus that is not the site's."""

    name: str
    challenger: Decisions
    champion: Decisions


def judged(
    later: Trial, overturned: Trial, corpora: Sequence[OfCorpus], swapped: tuple[int, int], pairs: int
) -> tuple[Check, ...]:
    """All checks. ``swapped``: pairs of sentences, of ``pairs``, that differ in who is spoken of alone and get two
    decisions, by challenger and champion.
    """
    return (
        *_of_later(later),
        *_of_languages(later),
        _of_overturned(overturned),
        *(_of_corpus(one) for one in corpora),
        _of_swaps(*swapped, pairs),
    )


def _of_later(trial: Trial) -> Iterator[Check]:
    if len(trial.labels) < LEAST_LATER:
        told = f"{len(trial.labels)} later labels: fewer than {LEAST_LATER}, so nothing can be compared on them"
        yield Check(name="later labels", passed=False, told=told)
        return
    ham = ~trial.bad
    rejections = compare(_is(trial.challenger, REJECT) & ham, _is(trial.champion, REJECT) & ham)
    yield Check(
        name="false rejections",
        passed=len(rejections.worse) <= len(rejections.better),
        told=_told("ham rejected", rejections, int(ham.sum())),
        comments=_named(trial, rejections),
    )
    missed = compare(_is(trial.challenger, ACCEPT) & trial.bad, _is(trial.champion, ACCEPT) & trial.bad)
    yield Check(
        name="missed spam",
        passed=not missed.is_worse,
        told=_told("spam or abuse accepted", missed, int(trial.bad.sum())),
        comments=_named(trial, missed),
    )
    held = compare((trial.challenger.decisions > ACCEPT) & ham, (trial.champion.decisions > ACCEPT) & ham)
    yield Check(
        name="ham held",
        passed=not held.is_worse or len(held.worse) - len(held.better) <= MOST_MORE_HELD * ham.sum(),
        told=_told("ham held or rejected", held, int(ham.sum())),
        comments=_named(trial, held),
    )
    yield _of_calibration(trial)


def _is(rival: Rival, severity: int) -> Bools:
    found: Bools = rival.decisions == severity
    return found


def _told(what: str, compared: Compared, of: int) -> str:
    worse, better = len(compared.worse), len(compared.better)
    if not worse and not better:
        return f"{what}: the same comments of {of:,}"
    return f"{what}: {worse:,} that only the challenger gets wrong, {better:,} that only the champion does, of {of:,}"


def _named(trial: Trial, compared: Compared) -> tuple[str, ...]:
    return tuple(trial.labels[i].comment_id for i in compared.worse[:NAMED])


def _of_calibration(trial: Trial) -> Check:
    """Whether what is called 30 % likely happens 30 % of the time; for spam, of the labels that speak of it."""
    spoken = np.array([one.outcome in ("ham", "spam") for one in trial.labels])
    bad = trial.bad[spoken].astype(np.float64)
    errors = [_calibration_error(one.scores[spoken, 0], bad) for one in (trial.challenger, trial.champion)]
    told = f"expected calibration error {errors[0]:.3f}, the champion's {errors[1]:.3f}, both classes weighed alike"
    return Check(name="calibration", passed=errors[0] <= max(CALIBRATED, errors[1] + MOST_MORE_ERROR), told=told)


def _calibration_error(scores: Floats, bad: Floats) -> float:
    """As scores are made: as if spam were as common as ham."""
    if bad.all() or not bad.any():
        return 0.0
    weight = np.where(bad > 0, 1 / bad.sum(), 1 / (bad.size - bad.sum()))
    return expected_calibration_error(scores, bad, weight, bins=10)


def _of_languages(trial: Trial) -> Iterator[Check]:
    names = np.array([one.language or "?" for one in trial.labels])
    for name in np.unique(names).tolist():
        rows = names == name
        if name == "?" or rows.sum() < LEAST_LATER or rows.all():
            continue
        mine = trial.of(rows)
        compared = compare(wrong(mine.challenger.decisions, mine.bad), wrong(mine.champion.decisions, mine.bad))
        told = _told("wrong", compared, int(rows.sum()))
        yield Check(name=f"language {name}", passed=not compared.is_worse, told=told, comments=_named(mine, compared))


def _of_overturned(trial: Trial) -> Check:
    """Verdicts that people have overturned: what was wrong once must not be wrong again."""
    errors = compare(_against(trial.challenger.decisions, trial.bad), _against(trial.champion.decisions, trial.bad))
    return Check(
        name="never again",
        passed=not errors.is_worse and _lost(trial) <= 0,
        told=_told("verdicts that people overturned and that would be wrong again", errors, len(trial.labels)),
        comments=_named(trial, errors),
    )


def _against(decisions: Decisions, bad: Bools) -> Bools:
    """Ham that is not accepted, and spam or abuse that is."""
    found: NDArray[np.bool_] = (decisions == ACCEPT) == bad
    return found


def _lost(trial: Trial) -> int:
    """By how many more of them the challenger rejects ham."""
    mine, theirs = (_is(one, REJECT) & ~trial.bad for one in (trial.challenger, trial.champion))
    return int(mine.sum() - theirs.sum())


def _of_corpus(one: OfCorpus) -> Check:
    size = max(one.challenger.size, 1)
    held = compare(one.challenger >= HOLD, one.champion >= HOLD)
    rejected = compare(one.challenger >= REJECT, one.champion >= REJECT)
    more_held = (len(held.worse) - len(held.better)) / size
    more_rejected = (len(rejected.worse) - len(rejected.better)) / size
    passed = not (held.is_worse and more_held > MOST_MORE_HELD)
    passed &= not (rejected.is_worse and more_rejected > MOST_MORE_REJECTED)
    shares = [f"{(row >= at).mean():.2%}" for row in (one.challenger, one.champion) for at in (HOLD, REJECT)]
    told = f"ham held {shares[0]} (champion {shares[2]}), rejected {shares[1]} ({shares[3]}), of {size:,}"
    return Check(name=f"ham of {one.name}", passed=bool(passed), told=told)


def _of_swaps(challenger: int, champion: int, pairs: int) -> Check:
    told = f"{challenger:,} of {pairs:,} pairs of sentences about different groups get two decisions ({champion:,})"
    return Check(name="identity swaps", passed=challenger <= champion, told=told)
