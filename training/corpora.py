"""Where labelled comments come from: our seeds, and the public corpora in a folder that may not exist.

Everything is read in the one comment format. What a corpus is, its licence and what may be done with it stands in
``CORPORA``; a label it does not have is unknown, never zero.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec

from moderation.artifact import DataSource, digest_of
from moderation.comment import LabelledComment, numbered
from moderation.errors import BadComment, HamletError

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
SEEDS_NAME = "seeds"
"""What they are called among the corpora."""
ATTRIBUTES = ("severe_toxicity", "identity_attack", "insult", "profanity", "threat")
HEADS = ("spam", "toxicity", *ATTRIBUTES)


class CorpusError(HamletError):
    """A file of labelled comments that cannot be used."""

    hint = "every line must be one JSON object in the comment format; see docs/comment-format.md"


@dataclass(frozen=True, slots=True)
class Corpus:
    """One public corpus: its file, its licence, and how its labels are to be taken."""

    name: str
    licence: str
    about: str
    train: bool = True
    """Whether the shipped model may learn from it; the others only evaluate."""
    assumed: dict[str, float] = field(default_factory=dict)
    """Labels that hold for the whole corpus though nobody judged them one by one."""
    renamed: dict[str, str] = field(default_factory=dict)
    file: str = ""
    toxic_in: tuple[str, ...] = ()
    """Languages in which it says what is toxic."""

    @property
    def path(self) -> str:
        """File inside the data folder."""
        return self.file or f"{self.name}.jsonl.gz"


_NOT_SPAM = {"spam": 0.0}
_SIX = {"obscene": "profanity"}

CORPORA: tuple[Corpus, ...] = (
    Corpus("youtube-spam", "CC BY 4.0 (UCI 380)", "YouTube Spam Collection (Alberto, Lochter, Almeida 2015)"),
    Corpus("sms-spam", "CC BY 4.0 (UCI 228)", "SMS Spam Collection (Almeida, Hidalgo 2011)"),
    Corpus("spambot-templates", "MIT", "flattery posted whole by a bot"),
    Corpus("telegram-ru", "MIT / none stated", "Russian chat spam"),
    Corpus("article-comments-noisy", "none stated", "comments under programming articles", train=False),
    Corpus("tech-blog-ham", "none stated", "approved comments of a technical blog"),
    Corpus("wiki-talk-toxic", "CC BY-SA text, CC0 labels", "Wikipedia talk pages (Jigsaw)", toxic_in=("en",)),
    Corpus("wiki-talk-six-labels", "CC BY-SA text, CC0 labels", "Wikipedia talk pages, six labels", renamed=_SIX),
    Corpus("news-politics-hate", "MIT", "news-site politics comments"),
    Corpus("reddit-offensiveness", "scores MIT", "Ruddit, graded offensiveness", assumed=_NOT_SPAM),
    Corpus("tweets-olid", "research", "OffensEval 2019", train=False),
    Corpus("tweets-offensive", "MIT", "Davidson 2017", train=False),
    Corpus("tweets-de", "CC BY 4.0", "GermEval 2018", assumed=_NOT_SPAM, toxic_in=("de",)),
    Corpus("tweets-pt", "CC BY-SA 4.0", "ToLD-Br", assumed=_NOT_SPAM, toxic_in=("pt",)),
    Corpus("social-zh", "Apache-2.0", "COLD", assumed=_NOT_SPAM, toxic_in=("zh",)),
    Corpus("news-ko", "CC BY-SA 4.0", "Korean news comments", assumed=_NOT_SPAM, toxic_in=("ko",)),
    Corpus("hatecheck-en", "CC BY 4.0", "HateCheck", train=False, file="tests/hatecheck-en.jsonl.gz"),
    Corpus(
        "identity-templates",
        "Apache-2.0",
        "identity-term templates",
        train=False,
        file="tests/identity-templates.jsonl.gz",
    ),
)
BY_NAME = {corpus.name: corpus for corpus in CORPORA}


def read_file(path: Path) -> Iterator[LabelledComment]:
    """Labelled comments of a JSON-lines file, plain or gzip; a bad line stops with file and number."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, comment in numbered(lines, LabelledComment):
                if isinstance(comment, BadComment):
                    raise CorpusError(f"{path}:{number}: {comment}")
                yield comment
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path}: {error}") from error


def read_corpus(data_dir: Path, corpus: Corpus) -> list[LabelledComment]:
    """A corpus with its assumed labels filled in and repeats of a text left out."""
    return unrepeated(_relabelled(comment, corpus) for comment in read_file(data_dir / corpus.path))


def _relabelled(comment: LabelledComment, corpus: Corpus) -> LabelledComment:
    labels = {corpus.renamed.get(head, head): value for head, value in comment.labels.items()}
    return msgspec.structs.replace(comment, labels={**corpus.assumed, **labels})


def unrepeated(comments: Iterable[LabelledComment]) -> list[LabelledComment]:
    """The first of each text, compared without case and spacing."""
    seen: set[str] = set()
    kept = []
    for comment in comments:
        key = re.sub(r"\W+", " ", comment.text).casefold().strip() or comment.text
        if key not in seen:
            seen.add(key)
            kept.append(comment)
    return kept


def read_seeds(folder: Path = SEEDS) -> list[LabelledComment]:
    """Our own labelled comments. A seed judges every head: one that is not listed is 0."""
    comments = [comment for path in sorted(folder.glob("*.jsonl")) for comment in read_file(path)]
    if not comments:
        raise CorpusError(f"{folder}: no seeds here")
    zeros = dict.fromkeys(HEADS, 0.0)
    return [msgspec.structs.replace(comment, labels={**zeros, **comment.labels}) for comment in comments]


def source_of(corpus: Corpus, data_dir: Path, rows: list[LabelledComment]) -> DataSource:
    """What the manifest says of a corpus."""
    return DataSource(
        name=corpus.name,
        rows=len(rows),
        sha256=digest_of(data_dir / corpus.path),
        licence=corpus.licence,
        positives=positives(rows),
    )


def positives(rows: list[LabelledComment]) -> dict[str, int]:
    """How many comments have each head at 0.5 or more."""
    counts = {head: sum(row.labels.get(head, 0) >= 0.5 for row in rows) for head in HEADS}
    return {head: count for head, count in counts.items() if count}


_CHOICE = re.compile(r"\{([^{}]*)\}")


def unspun(template: str, random: Random) -> str:
    """One reading of a spintax template: ``{I|We} {like|love} it`` -> ``We like it``."""
    while match := _CHOICE.search(template):
        template = template[: match.start()] + random.choice(match[1].split("|")) + template[match.end() :]
    return template


def read_constructs(data_dir: Path, readings: int, random: Random) -> list[LabelledComment]:
    """Spam read out of the bot templates in ``lists/constructs.txt``, a few readings of each."""
    path = data_dir / "lists" / "constructs.txt"
    if not path.exists():
        return []
    joined = re.sub(r"\s*\n\s*", " ", path.read_text(encoding="utf-8", errors="replace"))
    templates = [part.strip() for part in re.split(r"\|(?![^{]*\})", joined) if len(part.strip()) > 15]
    rows = [
        LabelledComment(
            text=unspun(template, random),
            group=f"construct-{number}",
            language="en",
            labels={"spam": 1.0, "toxicity": 0.0},
        )
        for number, template in enumerate(templates)
        for _ in range(readings)
    ]
    return unrepeated(rows)


_NO_LANGUAGE = frozenset({"eo", "tlh", "kab"})
"""Lists of languages that hardly anybody comments in."""
WORDS_TOGETHER = 3
READINGS_OF_A_WORD, MOST_READINGS = 2, 400


def read_profanity(data_dir: Path, random: Random) -> list[LabelledComment]:
    """Swear words of ``lists/profanity``, one file a language, a few in each comment.

    Profane whatever the language. Toxic only where no corpus of that language says what is: a swear word is not an
    insult, but where nothing else is known it is the best there is.
    """
    folder, known = data_dir / "lists" / "profanity", {lang for corpus in CORPORA for lang in corpus.toxic_in}
    rows: list[LabelledComment] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        language = path.name.partition("-")[0]
        if not path.name.islower() or language in _NO_LANGUAGE:  # LICENSE, README and variants of a language.
            continue
        words = [word for line in path.read_text(encoding="utf-8").splitlines() if (word := line.strip())]
        labels = {"profanity": 1.0} | ({} if language in known else {"toxicity": 1.0})
        rows += [
            LabelledComment(
                text=" ".join(random.sample(words, min(len(words), random.randint(1, WORDS_TOGETHER)))),
                language=language,
                labels=labels,
            )
            for _ in range(min(MOST_READINGS, READINGS_OF_A_WORD * len(words)))
        ]
    return unrepeated(rows)


Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def silent(what: str, done: int, total: int) -> None:
    """A :data:`Progress` that tells nobody."""
