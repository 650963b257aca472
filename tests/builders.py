"""Builders for tests: they fill in what a test does not care about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderation import artifact, features
from moderation.artifact import HeadManifest, Manifest
from moderation.classifier import Classifier
from moderation.comment import Author, Comment, content_digest
from moderation.features import Features
from moderation.grams import feature_count
from moderation.store import Checked, Judged, Store
from moderation.verdict import Decision, Verdict

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BITS = 16


def make_author(**changes: Any) -> Author:
    """Ann, with the changes asked for."""
    return msgspec.structs.replace(
        Author(name="Ann", email="ann@example.org", url="https://ann.example.org"), **changes
    )


def make_comment(text: str = "Nice post!", **changes: Any) -> Comment:
    """A comment of which nothing is known but its text."""
    return Comment(text=text, **changes)


def make_comments(*texts: str) -> list[Comment]:
    """One comment a text."""
    return [make_comment(text) for text in texts]


def make_head(name: str = "spam", **changes: Any) -> HeadManifest:
    """A head that starts even, with a slope of one."""
    head = HeadManifest(name=name, bias=0.0, slope=1.0, hold_at=0.5, reject_at=0.9, evidence="made up")
    return msgspec.structs.replace(head, **changes)


def make_manifest(**changes: Any) -> Manifest:
    """The manifest of a model with the heads ``spam`` and ``toxicity``."""
    manifest = Manifest(
        format=artifact.FORMAT,
        name="base/0.0.1",
        features_version=features.VERSION,
        bits=BITS,
        heads=(make_head("spam"), make_head("toxicity")),
        data=(),
        sha256={},
    )
    return msgspec.structs.replace(manifest, **changes)


def random_weights(manifest: Manifest, seed: int = 0, size: float = 1.0) -> NDArray[np.float32]:
    """Weights as a classifier might have learnt them, for every row."""
    shape = (feature_count(manifest.bits), len(manifest.heads))
    return np.random.default_rng(seed).normal(0, size, shape).astype(np.float32)


def weights_of(parts: Mapping[int, float], manifest: Manifest | None = None) -> NDArray[np.float32]:
    """Weights of zero but for the rows given, the same for every head."""
    manifest = manifest or make_manifest()
    weights = np.zeros((feature_count(manifest.bits), len(manifest.heads)), dtype=np.float32)
    for row, weight in parts.items():
        weights[row] = weight
    return weights


def write_model(folder: Path, *, weights: NDArray[Any] | None = None, **changes: Any) -> Path:
    """A model folder on disk; random weights unless some are given."""
    manifest = make_manifest(**changes)
    artifact.write(folder, manifest, random_weights(manifest) if weights is None else weights)
    return folder


def tiny_model(folder: Path, *, weights: NDArray[Any] | None = None, **changes: Any) -> Classifier:
    """A small model, written to ``folder`` and loaded from it; random weights unless some are given."""
    return Classifier.load(write_model(folder, weights=weights, **changes))


class Kind(Enum):
    """A kind of n-gram, by its place in a run."""

    CHAR = 0
    WORD = 1
    PAIR = 2


def rows_of(found: Features, comment: int, kind: Kind, *, names: bool = False) -> Counter[int]:
    """How often each row of a kind counts for one comment of a batch."""
    rows: Counter[int] = Counter()
    for run in found.runs:
        texts = run.owner.size // len(Kind)
        for i in range(kind.value * texts, (kind.value + 1) * texts):
            if run.owner[i] == comment and run.block[i] == int(names):
                rows.update(run.rows[run.bounds[i] : run.bounds[i + 1]].tolist())
    return rows


def word_row(word: str, bits: int = BITS) -> int:
    """The row of a word."""
    (row,) = rows_of(features.extract([make_comment(word)], bits), 0, Kind.WORD)
    return row


def all_rows(found: Features) -> NDArray[np.int64]:
    """Every row of a batch."""
    return np.concatenate([found.token_rows, *(run.rows for run in found.runs)])


def seen(found: Features, comment: int) -> dict[str, Any]:
    """All a classifier sees of one comment of a batch, in a form that two batches can be compared by."""
    of_kind = {
        (kind.value, names): rows_of(found, comment, kind, names=names) for kind in Kind for names in (False, True)
    }
    tokens = [(token.name, token.group, token.span) for token in found.tokens[comment]]
    token_rows = found.token_rows[found.token_owner == comment].tolist()
    return {"rows": of_kind, "tokens": tokens, "token_rows": token_rows, "links": found.links[comment]}


def words_text(words: int, seed: int = 0, vocabulary: Sequence[str] = ()) -> str:
    """A long text without links, of random words."""
    rng = np.random.default_rng(seed)
    known = vocabulary or ["".join(rng.choice(list("aeioulnrst"), size)) for size in rng.integers(2, 9, 500)]
    return " ".join(rng.choice(known, words).tolist())


def make_verdict(decision: Decision = Decision.ACCEPT, **changes: Any) -> Verdict:
    """A verdict as a small model might give it."""
    verdict = Verdict(decision, {"spam": 0.25}, {"spam": -1.0}, (), "base/0.0.1", "base/0.0.1+0")
    return msgspec.structs.replace(verdict, **changes)


def make_judged(
    text: str = "Nice post!", decision: Decision = Decision.ACCEPT, **changes: Any
) -> tuple[Comment, str, Verdict]:
    """A comment with its digest and its verdict, as a store takes it."""
    comment = make_comment(text, **changes)
    return comment, content_digest(comment), make_verdict(decision)


def keep(store: Store, site: int, judged: Iterable[tuple[Comment, str, Verdict]]) -> list[Checked]:
    """Keep comments of one site."""
    return store.record([Judged(site, *one) for one in judged])
