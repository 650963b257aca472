"""MODEL_CARD.md: what a model is, what it can and cannot do, and how to make it again.

After the model cards of Mitchell et al. (2019). Written by the training command from the manifest; ``hamlet evaluate
MODEL --card`` adds what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from moderation.artifact import HeadManifest, Manifest, read_manifest
from training import corpora
from training.evaluate import Evaluation
from training.tables import Table, all_tables

CARD = "MODEL_CARD.md"

HEADS_ABOUT = {
    "spam": "unwanted advertising, link building, scams",
    "toxicity": "rude, hateful or threatening, so that people leave the discussion",
    "severe_toxicity": "toxicity of the worst kind",
    "identity_attack": "hate against a group of people",
    "insult": "an insult to a person",
    "profanity": "swear words, whoever they are meant for",
    "threat": "a threat of harm",
}

INTENDED = """\
Comments under blog posts and articles: to sort them into accepted, held for a person, and rejected. Rejected comments
stay reviewable. Not for deciding about people, not for private messages, and not for rejecting without anybody who
ever looks: every site should read its held comments and a sample of the others.
"""

LIMITS = """\
- No public corpus holds labelled spam of real blogs at scale. Spam is learnt from seeds that we wrote and from video
  comments, text messages and chats; flattery whose only fault is the author's link can pass, and is meant to be held.
- Toxicity is learnt mostly from encyclopedia talk pages, social posts and news comments, judged by people of one time
  and place; irony, quotation, dialect and in-group speech are judged worse than plain insults.
- It scores text in any language; what was never in the data (see Languages) is judged by links, names and loan words.
- Words alone: no images, no knowledge of facts, no memory of who wrote what.
- Scores were calibrated on the corpora below, in which spam and abuse are more frequent than on most sites.
- Opinion is not abuse. Naming a group of people must not change a decision; the swap test measures how far that holds.
"""


def write_card(folder: Path, evaluation: Evaluation | None = None) -> Path:
    """Write the card of the model in ``folder``."""
    path = folder / CARD
    path.write_text(card(read_manifest(folder), evaluation), encoding="utf-8")
    return path


def card(manifest: Manifest, evaluation: Evaluation | None = None) -> str:
    """The card as Markdown."""
    parts = [
        f"# Model card: {manifest.name}\n",
        _about(manifest),
        "## Intended use\n",
        INTENDED,
        "## Heads, figures and thresholds\n",
        *_heads(manifest.heads),
        "## Limits\n",
        LIMITS,
        "## Training data\n",
        _data(manifest),
        *_languages(evaluation),
        *(_measured(evaluation) if evaluation else _unmeasured(manifest)),
        "## How to rebuild\n",
        _rebuild(manifest),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _about(manifest: Manifest) -> str:
    made = ", ".join(f"{name} {version}" for name, version in sorted(manifest.made_with.items()))
    rows = sum(source.rows for source in manifest.data)
    return (
        f"Linear heads over 2^{manifest.bits} hashed features (features version {manifest.features_version}), trained"
        f" on {rows:,} comments{f' with {made}' if made else ''}. Plain arrays, no pickle; every score is a sum that"
        " can be explained exactly.\n"
    )


def _heads(heads: Sequence[HeadManifest]) -> Iterator[str]:
    names = list(dict.fromkeys(name for head in heads for name in head.metrics))
    columns = ("head", "what it scores", *(name.replace("_", " ") for name in names), "hold at", "reject at")
    rows = [
        (
            head.name,
            HEADS_ABOUT.get(head.name, ""),
            *(_number(head.metrics.get(name)) for name in names),
            _limit(head.hold_at),
            _limit(head.reject_at),
        )
        for head in heads
    ]
    yield markdown(columns, rows)
    yield "Figures of the training command, on folds that the heads did not see. The thresholds rest on:\n"
    yield "\n".join(f"- {head.name}: {head.evidence}" for head in heads)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and value > 1 else f"{value:.4f}"


def _limit(value: float | None) -> str:
    return "never" if value is None else f"{value:.4f}"


def _data(manifest: Manifest) -> str:
    rows = [
        (
            source.name,
            _what(source.name),
            f"{source.rows:,}",
            ", ".join(f"{head} {count:,}" for head, count in source.positives.items()) or "–",
            source.licence,
        )
        for source in manifest.data
    ]
    return markdown(("corpus", "what it is", "comments", "positives", "licence"), rows)


def _what(name: str) -> str:
    own = {
        corpora.SEEDS_NAME: "labelled comments written for this project",
        "bot-constructs": "readings of a spam bot's templates",
        "spam-phrases": "substrings met in blog spam; only their hashes are kept",
    }
    return corpora.BY_NAME[name].about if name in corpora.BY_NAME else own.get(name, "")


def _languages(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None:
        return
    known = dict.fromkeys(row.name for row in evaluation.languages if row.name != "unknown")
    yield "## Languages\n"
    yield f"Measured in: {', '.join(known) or 'none'}; see the tables by language. Others are not measured.\n"


SHOWN = (
    "corpora", "outcomes", "languages", "left-out", "left-out-outcomes", "false-positives", "hatecheck", "swaps",
    "disguises", "reliability",
)  # fmt: skip


def _measured(evaluation: Evaluation) -> Iterator[str]:
    tables = {table.key: table for table in all_tables(evaluation)}
    yield "## Evaluation\n"
    yield f"By `hamlet evaluate {evaluation.model}{' --quick' if evaluation.quick else ''}`.\n"
    for key in SHOWN:
        if key in tables:
            yield from _table(tables[key])


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}\n"
    yield table.note + "\n"
    yield markdown(table.columns, table.rows, table.names)


def _unmeasured(manifest: Manifest) -> Iterator[str]:
    yield "## Evaluation\n"
    yield f"Not in this card yet: `hamlet evaluate {manifest.name} --data-dir <corpora> --card` adds it.\n"


def _rebuild(manifest: Manifest) -> str:
    alone = {source.name for source in manifest.data} <= {corpora.SEEDS_NAME}
    data = "" if alone else " --data-dir <corpora>"
    return (
        f"```console\n$ hamlet train base{data} --out models/{manifest.name} --force\n```\n\n"
        "Deterministic: with the same versions and the same data (SHA-256 in `manifest.json`) the same arrays."
    )


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]], names: int | None = None) -> str:
    """A table; columns from number ``names`` on stand to the right."""
    left = len(columns) if names is None else names
    rule = ["---" if number < left else "--:" for number in range(len(columns))]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (columns, rule, *rows)) + "\n"


def _cell(text: str) -> str:
    # A star marks what was seen in training; Markdown would take two for emphasis.
    return text.replace("|", "\\|").replace("*", "\\*")
