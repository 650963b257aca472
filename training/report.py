"""An evaluation as JSON, and as one HTML page that needs nothing from anywhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from training.evaluate import Evaluation, Texts
from training.plots import all_plots
from training.tables import INTERVALS, SEEN, all_tables, starred

TEMPLATES = Path(__file__).parent / "templates"


def as_json(evaluation: Evaluation) -> bytes:
    """All figures; no text of any comment."""
    return msgspec.json.format(msgspec.json.encode(evaluation), indent=1) + b"\n"


def as_html(evaluation: Evaluation, texts: Texts) -> str:
    """The report. It shows texts of the worst false positives: for oneself, not to be passed on."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        tables=all_tables(evaluation),
        # Our own SVG: everything from outside was escaped where it was put in.
        plots=[Markup(plot) for plot in all_plots(evaluation)],  # noqa: S704
        texts=texts,
        starred=starred,
        intervals=INTERVALS,
        seen=SEEN,
    )
