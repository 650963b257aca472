"""The tables of an evaluation, once for the terminal, the HTML report and the model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from training.measures import Measured

if TYPE_CHECKING:
    from training.evaluate import Evaluation, Outcome, Row, Texts

INTERVALS = "Brackets: 95 % bootstrap interval, by group (article, video) where there are ten or more."
SEEN = "* seen in training: the figures flatter."


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first ``names`` columns are words, the others figures."""

    key: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def percent(figure: Measured) -> str:
    """A share in per cent with its interval."""
    if figure is None:
        return "–"
    return f"{100 * figure.value:.2f} ({100 * figure.low:.2f}–{100 * figure.high:.2f})"


def plain(figure: Measured) -> str:
    """A figure with its interval."""
    return "–" if figure is None else str(figure)


def starred(name: str, seen: bool) -> str:
    """A name with a mark if it was seen in training."""
    return f"{name} *" if seen else name


def all_tables(evaluation: Evaluation) -> list[Table]:
    """Every table that has rows."""
    made = (
        _ranking("corpora", "Telling apart, by corpus", evaluation.corpora),
        _outcomes("outcomes", "What the thresholds do, by corpus", evaluation.corpora),
        _ranking("languages", "Telling apart, by language", evaluation.languages),
        _outcomes("language-outcomes", "What the thresholds do, by language", evaluation.languages),
        _false_positives(evaluation),
        _left_out(evaluation),
        _left_out_outcomes(evaluation),
        _hatecheck(evaluation),
        _identity(evaluation),
        _swaps(evaluation),
        _disguises(evaluation),
        _reliability(evaluation),
        _learning(evaluation),
        _sources(evaluation),
    )
    return [table for table in made if table.rows]


def _ranking(key: str, title: str, rows: Sequence[Row]) -> Table:
    columns = ("head", "of", "comments", "positive", "AUC", "average precision", "recall at 1 % FP", "at 0.1 % FP")
    cells = []
    for row in rows:
        found = row.ranking
        figures = (found.auc, found.average_precision, found.recall_at_1_percent, found.recall_at_1_permille)
        counts = (f"{found.comments:,}", f"{found.positives:,}")
        cells.append((row.head, starred(row.name, row.seen), *counts, *map(plain, figures)))
    return Table(key, title, f"{SEEN} {INTERVALS}", columns, tuple(cells), 2)


def _outcomes(key: str, title: str, rows: Sequence[Row]) -> Table:
    columns = (
        "head", "of", "positive", "accepted %", "held %", "rejected %", "harmless", "accepted %", "held %", "rejected %"
    )  # fmt: skip
    cells = tuple(
        (row.head, starred(row.name, row.seen), *_outcome(row.positives), *_outcome(row.harmless)) for row in rows
    )
    note = f"Decisions of all heads together. Harmless: judged, and by no head to be anything but fine. {SEEN}"
    return Table(key, title, note, columns, cells, 2)


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    return (f"{outcome.comments:,}", *map(percent, (outcome.accepted, outcome.held, outcome.rejected)))


def _false_positives(evaluation: Evaluation) -> Table:
    rows = tuple(
        (starred(one.corpus, one.seen), *_outcome(one.outcome)[:1], *_outcome(one.outcome)[2:])
        for one in evaluation.false_positives
    )
    columns = ("corpus", "harmless", "held %", "rejected %")
    return Table("false-positives", "Harmless comments held and rejected", SEEN, columns, rows)


def _left_out(evaluation: Evaluation) -> Table:
    columns = ("head", "left out", "name", "comments", "positive", "AUC", "accuracy", "recall at 1 % FP", "at 0.1 % FP")
    cells = []
    for row in evaluation.left_out:
        found = row.ranking
        if found.auc is not None:
            figures = (found.auc, row.accuracy, found.recall_at_1_percent, found.recall_at_1_permille)
            counts = (f"{found.comments:,}", f"{found.positives:,}")
            cells.append((row.head, row.kind, row.name, *counts, *map(plain, figures)))
    note = (
        "Trained anew: 'fold' without a fifth of everything (groups kept together), 'corpus' without the"
        " corpus, 'group' without the group (video), 'group alone' from the other groups of its corpus alone."
        " Repeats are left out. Accuracy at the score where both classes, weighed alike in"
        " training, are even."
    )
    return Table("left-out", "Corpora and groups never met", note, columns, tuple(cells), 3)


def _left_out_outcomes(evaluation: Evaluation) -> Table:
    columns = (
        "head", "left out", "corpus", "positive", "held or rejected %", "rejected %",
        "others", "held or rejected %", "rejected %",
    )  # fmt: skip
    cells = []
    for row in evaluation.left_out:
        if row.kind in ("fold", "corpus"):
            reached = [(f"{r.comments:,}", percent(r.held), percent(r.rejected)) for r in (row.positives, row.others)]
            cells.append((row.head, row.kind, row.name, *reached[0], *reached[1]))
    note = "The head's own shipped thresholds, on scores put on the shipped model's scale."
    title = "What the thresholds do on comments never met"
    return Table("left-out-outcomes", title, note, columns, tuple(cells), 3)


def _hatecheck(evaluation: Evaluation) -> Table:
    rows = tuple(
        (row.name, "hateful" if row.hateful else "harmless", f"{row.comments:,}", percent(row.right))
        for row in evaluation.hatecheck
    )
    note = "Right: hateful sentences held or rejected, harmless ones accepted."
    return Table(
        "hatecheck", "HateCheck by functionality", note, ("functionality", "kind", "sentences", "right %"), rows, 2
    )


def _identity(evaluation: Evaluation) -> Table:
    rows = tuple(
        (row.term, f"{row.ranking.comments:,}", plain(row.ranking.auc), percent(row.false_positives))
        for row in evaluation.identity
    )
    note = "Templates such as 'X is a kind TERM'. False positives: non-toxic ones held or rejected."
    return Table(
        "identity", "Identity templates by term", note, ("term", "sentences", "AUC", "false positives %"), rows
    )


def _swaps(evaluation: Evaluation) -> Table:
    rows = tuple(
        (row.kind, f"{row.sentences:,}", f"{row.pairs:,}", f"{row.changed:,}", percent(row.changed_share),
         ", ".join(row.standing_out) or "–")
        for row in evaluation.swaps
    )  # fmt: skip
    note = "Every sentence with every term of a list of groups of people; all pairs of terms of one sentence."
    columns = ("sentences", "number", "pairs", "decision changed", "changed %", "terms that stand out")
    return Table("swaps", "Identity term swapped", note, columns, rows)


def _disguises(evaluation: Evaluation) -> Table:
    rows = tuple(
        (row.head, row.disguise, starred("seen", True) if row.seen else "unseen", f"{row.caught:,}", percent(row.still))
        for row in evaluation.disguises
    )
    note = "Positives that the head holds undisguised, in disguise (comments that it changes)."
    return Table(
        "disguises", "Disguise attack", note, ("head", "disguise", "comments", "caught", "still caught %"), rows, 3
    )


def _reliability(evaluation: Evaluation) -> Table:
    rows = []
    for one in evaluation.reliability:
        found = one.reliability
        count = sum(part.comments for part in found.bins)
        of = starred("seen", True) if one.seen else "unseen"
        rows.append((one.head, of, f"{count:,}", plain(found.calibration_error)))
    note = "Mean distance of score and truth over ten bins; corpora as they are, not as often as on a site."
    columns = ("head", "comments", "number", "expected calibration error")
    return Table("reliability", "Calibration", note, columns, tuple(rows), 2)


def _learning(evaluation: Evaluation) -> Table:
    rows = tuple(
        (row.head, f"{row.share:.0%}", f"{row.seeds:,}", row.test, plain(row.ranking.auc))
        for row in evaluation.learning
    )
    note = "A head taught by a share of the seeds and nothing else; 100 % is four fifths of the seeds."
    return Table("learning", "Learning curve", note, ("head", "share", "seeds", "tested on", "AUC"), rows, 4)


def _sources(evaluation: Evaluation) -> Table:
    rows = tuple((starred(one.name, one.seen), f"{one.comments:,}", one.licence) for one in evaluation.sources)
    return Table("sources", "Comments evaluated on", SEEN, ("corpus", "comments", "licence"), rows)


def show(evaluation: Evaluation, texts: Texts, console: Console) -> None:
    """Print everything, the worst false positives with their texts; elsewhere than on a terminal, tab-separated."""
    for table in all_tables(evaluation):
        print_table(table, console)
    for line in _worst(evaluation, texts):
        print(line, file=console.file)


def print_table(table: Table, console: Console) -> None:
    """Print a table; elsewhere than on a terminal, tab-separated."""
    if console.is_terminal:
        console.print(_rich(table), Text(table.note, style="dim"), "")
    else:
        lines = (table.title, *("\t".join(row) for row in (table.columns, *table.rows)), "")
        print("\n".join(lines), file=console.file)


def _rich(table: Table) -> RichTable:
    out = RichTable(title=table.title, title_justify="left")
    for number, column in enumerate(table.columns):
        out.add_column(column, justify="left" if number < table.names else "right", overflow="fold")
    for row in table.rows:
        out.add_row(*row)
    return out


def _worst(evaluation: Evaluation, texts: Texts) -> Iterator[str]:
    for one in evaluation.false_positives:
        yield f"Worst of the harmless in {starred(one.corpus, one.seen)}"
        for worst in one.worst:
            text = " ".join(texts.get((one.corpus, worst.id), "").split())[:90]
            yield f"  {worst.decision:<7}{worst.head:<10}{worst.score:.4f}  {worst.id}  {text}"
