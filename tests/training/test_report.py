"""The HTML report: complete, escaped, and asking nothing of anybody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tests.builders import tiny_model
from tests.training.test_evaluate import Sets
from training import plots, report, tables
from training.evaluate import Evaluation, Histogram, Roc, Texts, evaluate
from training.measures import HISTOGRAM_EDGES, ROC_RATES


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> tuple[Evaluation, Texts]:
    """A tiny model, measured with everything on a few made-up seeds."""
    folder = tmp_path_factory.mktemp("report")
    return evaluate(tiny_model(folder / "base" / "0.0.1"), None, seeds=Sets.write(folder / "seeds"))


@pytest.fixture(scope="module")
def page(evaluated) -> str:
    return report.as_html(*evaluated)


def test_the_page_asks_nothing_of_anybody(page):
    assert not re.search(r"https?://", page)
    assert not re.search(r"<(?:script|link|img|iframe|object)\b|@import|url\(", page)


def test_every_plot_is_on_the_page(page):
    titles = re.findall(r"<figcaption>([^<]*)</figcaption>", page)
    for head in ("spam", "toxicity"):
        for plot in ("ROC near zero", "reliability", "learning curve", "scores of"):
            assert any(title.startswith(head) and plot in title for title in titles), (head, plot)


def test_every_table_is_on_the_page(page, evaluated):
    made = tables.all_tables(evaluated[0])
    assert {"corpora", "outcomes", "swaps", "disguises", "reliability", "learning"} <= {table.key for table in made}
    assert all(f'id="{table.key}"' in page for table in made)


def test_rows_are_as_wide_as_their_heading(evaluated):
    for table in tables.all_tables(evaluated[0]):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_plots_are_well_formed(evaluated):
    for plot in plots.all_plots(evaluated[0]):
        ET.fromstring(plot)


def test_the_page_is_readable_in_light_and_dark(page):
    assert "prefers-color-scheme: dark" in page


def test_texts_are_escaped(evaluated):
    evaluation, texts = evaluated
    page = report.as_html(evaluation, dict.fromkeys(texts, "<script>alert(1)</script>"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_names_in_plots_are_escaped():
    made = Roc("spam", "<b>", False, 1_000, tuple(np.linspace(0, 1, ROC_RATES.size)))
    assert "<b>" not in plots.roc_near_zero("spam", [made])


def test_a_curve_begins_where_one_negative_can_be_seen():
    made = Roc("spam", "few", False, 100, tuple(np.linspace(0, 1, ROC_RATES.size)))
    (points,) = re.findall(r'class="line c0" points="([^"]*)"', plots.roc_near_zero("spam", [made]))
    assert len(points.split()) == int((ROC_RATES * 100 >= 1).sum())


def test_an_empty_histogram_is_drawn():
    nothing = (0.0,) * (HISTOGRAM_EDGES.size - 1)
    ET.fromstring(plots.score_histogram(Histogram("spam", True, nothing, nothing), [0.5]))


def test_the_same_evaluation_gives_the_same_page(evaluated, page):
    assert report.as_html(*evaluated) == page


def test_everything_stands_once_on_the_page(evaluated):
    html = report.as_html(*evaluated)
    ids = re.findall(r'id="(.+?)"', html)
    assert {"plots", "worst"} <= set(ids) and len(ids) == len(set(ids))
    assert html.count("<nav") == html.count("</nav>") == 1


def test_json_can_be_read_back(evaluated):
    import msgspec

    assert msgspec.json.decode(report.as_json(evaluated[0]), type=Evaluation) == evaluated[0]
