"""The page about a site's model: what it says, what owners do there, and what it never does."""

from __future__ import annotations

import re

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from api.dashboard import model
from api.dashboard.curves import later_share, learning_plot, reliability, reliability_plot
from api.dashboard.model_words import feature_name, promised, stored_tables
from moderation.drift import Sort
from moderation.past import DAY, Outcome
from moderation.people import Role
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.models import Check, LabelsUsed, Training, name_of
from moderation.store.schema import arrays, comments, verdicts
from tests.api.test_dashboard import HOSTILE, Tags, moderating
from tests.builders import make_manifest, random_weights, write_model
from tests.conftest import client_of, parts_of
from tests.learning import Blog, talk, wares
from tests.people import csrf_token

PAGE = "/dashboard/sites/blog/model"
TABLE = {
    "key": "later",
    "title": "blog/1 against base/0.0.1",
    "note": "On later labels.",
    "columns": ["", "challenger", "champion"],
    "rows": [["wrong in all", "8.4 % (6.0–11.6)", "8.2 % (5.7–11.3)"]],
}
BINS = [{"low": 0.8, "high": 0.9, "comments": 22, "predicted": 0.86, "observed": {"value": 0.75, "low": 0, "high": 1}}]
FIGURES = {
    "promise": {"told": ["With 95% confidence at most 1 in 500"], "ham": 1_600, "reject": {"n": 1_600}},
    "tables": {"later": TABLE},
    "later": {"blog/1": {"calibration_error": None, "bins": BINS}},
    "shares": {"wrong in all": 0.084},
}
PASSED = Check(name="missed spam", passed=True, told="the same")
REFUSED = Check(name="false rejections", passed=False, told="ham rejected: 3", comments=("a" * 32,))


def training(*gate: Check, figures: dict = FIGURES) -> Training:
    used = LabelsUsed(count=30, outcomes={"ham": 20, "spam": 10}, until=now_ms())
    return Training(labels=used, champion="base/0.0.1", figures=figures, gate=gate or (PASSED,))


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """The owner of the site ``blog``, in a browser."""
    client_of(app)
    return moderating(app, "olga", Role.OWNER)


@pytest.fixture
def add(app: Flask, owner, tmp_path):
    """Adds a version of the site's model."""

    def add_one(told: Training | None = None) -> int:
        book, site = parts_of(app).models, parts_of(app).sites.site("blog")
        number = book.next_number(site.id)
        manifest = make_manifest(name=name_of("blog", number))
        folder = write_model(tmp_path / str(number), weights=random_weights(manifest, number), name=manifest.name)
        return book.add("blog", site.id, folder, told or training(), Actor("tess", "machine")).number

    return add_one


@pytest.fixture
def said(app: Flask, owner, shipped) -> Blog:
    """Settles comments of the site."""
    found = Blog.__new__(Blog)
    found.engine, found.model = parts_of(app).engine, shipped
    found.sites, found.site, found.store = parts_of(app).sites, site(app), parts_of(app).store
    return found


def site(app):
    return parts_of(app).sites.site("blog")


def post(browser, path: str = "", **fields):
    token = csrf_token(browser.get("/dashboard/sites"))
    return browser.post(f"{PAGE}{path}", data={"csrf_token": token, **fields}, follow_redirects=True)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


# -- What it says


def test_a_site_of_which_nothing_is_known_is_told_so(owner):
    page = words(owner.get(PAGE).text)
    assert "It is the base model: it has learnt nothing from this site." in page
    assert "Nobody has looked at anything yet that could tell." in page
    assert "No comment has come yet that they could be tried on." in page
    assert "Too few comments to compare." in page
    assert "There is no version of this site's own yet." in page


def test_what_serves_is_told_with_its_labels_and_its_promise(owner, add):
    add()
    post(owner, "/promote", version="1")
    page = words(owner.get(PAGE).text)
    assert "blog/1, since" in page and "(olga)" in page
    assert "It has learnt from 30 labels of this site: fine 20, spam 10" in page
    assert "With 95% confidence at most 1 in 500." in page
    assert "needed for a promise" not in page


def test_a_promise_does_not_speak_of_thresholds_set_by_hand(owner, add):
    add()
    post(owner, "/promote", version="1")
    assert "Thresholds were set by hand" not in owner.get(PAGE).text
    post(owner, part="simulator", hold="0.1", reject="0.2")
    assert "Thresholds were set by hand" in owner.get(PAGE).text


def test_what_was_held_alone_says_nothing_of_all_comments(app, owner, said):
    """Without spot checks everything that people looked at was held: that is no share of what came."""
    post(owner, part="simulator", hold="0", reject="")
    said.site = site(app)
    said.say(map(talk, range(40)), Outcome.HAM)
    page = words(owner.get(PAGE).text)
    assert "of all fine comments, heldtoo few to say" in page
    assert "of all fine comments, rejectedtoo few to say" in page


def test_without_spot_checks_the_page_proposes_them(app, owner):
    assert "Nothing is drawn: spot checks are off." in owner.get(PAGE).text
    post(owner, part="spot-checks", spot_checks="2")
    assert site(app).choices.spot_checks == 0.02
    assert "2,994 more drawn comments" in owner.get(PAGE).text


def test_drawn_ham_brings_the_promise_nearer(app, owner, said):
    post(owner, part="spot-checks", spot_checks="50")
    said.say(map(talk, range(30)), Outcome.HAM, share=0.5)
    page = owner.get(PAGE).text
    there = re.search(r"every second one counts, (\d+) of 1,497 are there", page)
    assert there is not None and 0 < int(there[1]) < 30


def test_errors_are_told_in_words_with_their_interval(owner, said):
    said.say(map(talk, range(120)), Outcome.HAM, share=0.5)
    page = words(owner.get(PAGE).text)
    assert re.search(r"Of what was accepted, 0 % \(0–\d+\.\d %\) was spam or abuse, from \d+ looked at\.", page)
    assert "Too few to say how much of what was rejected was fine: 0 of 20 looked at." in page


def test_what_moved_is_named_with_both_shares(app, owner, said):
    said.say([f"{talk(number)} {number * 7919}" for number in range(200)], Outcome.HAM, age=20)
    with parts_of(app).engine.begin() as connection:
        shift(connection, sorted(connection.execute(comments.select()).scalars()), 15 * DAY)
    said.say([f"{number * 104729} {wares(number)} http://new{number}.example" for number in range(200)], Outcome.SPAM)
    page = words(owner.get(PAGE).text)
    assert "Nothing has moved beyond chance." not in page
    assert re.search(r"with a link or a home page\s*0 %\s*100 %", page)


def shift(connection, ids, by: int) -> None:
    """Let comments have come earlier."""
    connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    for one in ids:
        new = f"{int(one[:12], 16) - by:012x}{one[12:]}"
        connection.execute(text("UPDATE comments SET id=:new, received_at=received_at-:by WHERE id=:one"), locals())
        for table in ("revisions", "verdicts", "reviews", "traces"):
            connection.execute(text(f"UPDATE {table} SET comment_id=:new WHERE comment_id=:one"), locals())
        connection.execute(text("DELETE FROM queue WHERE comment_id=:one"), locals())


def test_comments_worth_a_review_lead_to_them(app, owner):
    client = client_of(app, "second")
    client.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    kept = client.post("/v1/comments", json={"text": "hats for sale"}).json["id"]
    ann = moderating(app, "sam", Role.VIEWER, site="second")
    page = ann.get("/dashboard/sites/second/model").text
    assert f'href="/dashboard/comments/second/{kept}"' in page


# -- Versions


def test_versions_are_listed_with_gate_and_state(owner, add):
    add(), add(training(REFUSED))
    post(owner, "/promote", version="1")
    page = owner.get(PAGE).text
    assert page.count("serves</span>") == 1
    assert re.search(r'versions/2">2</a>.*?refused', page, re.S)


def test_a_click_promotes_and_another_goes_back(app, owner, add):
    add()
    assert "blog/1 serves from now on." in post(owner, "/promote", version="1").text
    assert site(app).model == 1
    assert "base/" in post(owner, "/rollback").text
    assert site(app).model is None
    acts = [act.action for act in parts_of(app).seen.acts([site(app).id], actor="olga", before=None, limit=9)]
    assert acts[:2] == ["rollback", "promote"]


def test_the_base_model_can_be_promoted(app, owner, add):
    add()
    post(owner, "/promote", version="1")
    post(owner, "/promote", version="base")
    assert site(app).model is None


def test_a_refused_version_asks_for_a_reason(app, owner, add):
    add(training(REFUSED))
    answer = post(owner, "/promote", version="1", why="  ")
    assert answer.status_code == 422 and "The gate has refused this version." in answer.text
    assert site(app).model is None
    post(owner, "/promote", version="1", why="the labels were wrong")
    assert site(app).model == 1
    assert parts_of(app).models.show(site(app).id, 1).training.forced == "the labels were wrong"


def test_a_version_that_cannot_be_read_does_not_serve(app, owner, add):
    add()
    with parts_of(app).engine.begin() as connection:
        connection.execute(update(arrays).values(data=b"nonsense"))
    assert 'role="alert"' in post(owner, "/promote", version="1").text
    assert site(app).model is None


def test_going_back_from_the_base_model_is_explained(owner):
    assert "flash error" in post(owner, "/rollback").text


def test_a_version_shows_its_gate_and_its_tables(owner, add):
    add(training(PASSED, REFUSED))
    page = owner.get(f"{PAGE}/versions/1").text
    assert "blog/1 against base/0.0.1" in page and "8.4 % (6.0–11.6)" in page
    assert f'href="/dashboard/comments/blog/{"a" * 32}"' in page


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999999999"])
def test_a_version_that_is_not_there_is_a_problem(owner, add, number):
    add()
    assert owner.get(f"{PAGE}/versions/{number}").status_code == 404


@pytest.mark.parametrize("version", ["", "x", "-1", "1.5", "٣", "9" * 30])
def test_what_is_no_version_is_not_promoted(owner, add, version):
    add()
    assert post(owner, "/promote", version=version).status_code == 422


def test_reliability_and_learning_curve_are_drawn_and_told_as_tables(owner, add):
    add(), add()
    page = owner.get(PAGE).text
    assert page.count("<svg") == 2 and page.count("<details><summary>As a table") == 2
    assert page.count('class="dot"') == 1 + 2


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_figures_become_nothing_but_text(app, owner, add, text):
    table = {**TABLE, "title": text, "note": text, "columns": [text], "rows": [[text, "9 %"]]}
    hostile = {"promise": {"told": [text]}, "tables": {"later": table}, "later": {text: {"bins": BINS}}}
    add(training(Check(name=text, passed=False, told=text, comments=(text,)), figures=hostile))
    for path in ("", "/versions/1"):
        tags = Tags(owner.get(f"{PAGE}{path}").text).tags
        assert {"style", "img", "textarea", "iframe"}.isdisjoint(tag for tag, _ in tags)
        assert not any(name.startswith("on") or name == "style" for _, given in tags for name in given)


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"tables": [], "later": [], "promise": []},
        {"tables": {"later": None, "x": 7}, "later": {"a": None, "b": {"bins": [{}]}}, "promise": {"told": 7}},
        {"tables": {"later": {"title": "t", "columns": [], "rows": [[], ["wrong in all"]]}}, "shares": {"x": 7}},
    ],
)
def test_figures_of_another_shape_are_left_out(app, owner, add, figures):
    add(training(figures=figures))
    post(owner, "/promote", version="1")
    assert owner.get(PAGE).status_code == owner.get(f"{PAGE}/versions/1").status_code == 200


# -- Other thresholds


@pytest.fixture
def many(said) -> Blog:
    said.say(map(talk, range(40)), Outcome.HAM, share=0.5)
    said.say(map(wares, range(25)), Outcome.SPAM)
    return said


def test_thresholds_are_tried_without_a_script(owner, many):
    page = words(owner.get(f"{PAGE}?hold=0&reject=").text)
    assert "Held a day65now" in page
    assert "comments would be decided otherwise." in page


def judge_by_another(app, count: int) -> None:
    with parts_of(app).engine.begin() as connection:
        ids = sorted(connection.execute(select(comments.c.id)).scalars())[:count]
        connection.execute(update(verdicts).where(verdicts.c.comment_id.in_(ids)).values(model="base/0"))


def test_scores_of_another_model_are_told_until_the_new_one_has_judged_enough(app, owner, many, monkeypatch):
    monkeypatch.setattr(model, "LEAST_OWN", 60)
    judge_by_another(app, 5)
    assert "judged by another model" not in owner.get(PAGE).text
    judge_by_another(app, 6)
    assert "6 of them were judged by another model" in words(owner.get(PAGE).text)


def test_rejecting_everything_is_shown_as_wrong(owner, many):
    page = words(owner.get(f"{PAGE}?hold=0&reject=0").text)
    assert re.search(r"Fine comments rejected\s*100 % \(9\d\.\d–100 %\)", page)
    assert "fine and rejected: 40" in page


def test_at_most_fifty_flips_are_shown(owner, many):
    page = owner.get(f"{PAGE}/flips?hold=0&reject=0").text
    assert page.count("<tr><td") == 50 and "65 comments would be decided otherwise." in page
    assert "<html" not in page


def test_nothing_flips_under_the_thresholds_as_they_are(owner, many):
    assert "No comment would be decided otherwise." in owner.get(f"{PAGE}/flips").text


def test_the_script_gets_scores_without_ids_or_words(owner, many):
    answer = owner.get(f"{PAGE}/history")
    assert set(answer.json) == {"days", "scores", "kinds", "seconds"}
    assert len(answer.json["scores"]) == len(answer.json["kinds"]) == 65
    assert "Pavel" not in answer.text


@pytest.mark.parametrize("query", ["hold=x", "hold=nan", "hold=1.1", "hold=-1", "hold=0.9&reject=0.1", "reject=inf"])
def test_thresholds_that_make_no_sense_are_explained(owner, many, query):
    for path in (PAGE, f"{PAGE}/flips"):
        answer = owner.get(f"{path}?{query}")
        assert answer.status_code == 422 and 'role="alert"' in answer.text


def test_an_owner_uses_thresholds_with_a_click(app, owner, many):
    post(owner, part="simulator", hold="0.4", reject="0,98")
    assert msgspec.to_builtins(site(app).choices.thresholds) == {"spam": {"hold_at": 0.4, "reject_at": 0.98}}
    post(owner, part="simulator", hold="0.4", reject="")
    assert site(app).choices.thresholds["spam"].reject_at is None


def test_thresholds_in_the_page_decide_as_those_of_the_model(app, owner, many):
    judging = parts_of(app).judging(site(app))
    fields = re.findall(r'<input id="(hold|reject)" name="\w+" value="([^"]*)"', owner.get(PAGE).text)
    limits = judging.policy.thresholds[judging.classifier.heads.index("spam")]
    for kind, shown in fields:
        at = getattr(limits, f"{kind}_at")
        assert at is None if not shown else at <= float(shown) <= at + 1e-6


@pytest.mark.parametrize(
    "fields",
    [
        {"part": "simulator", "hold": "2", "reject": ""},
        {"part": "simulator", "hold": "x", "reject": ""},
        {"part": "spot-checks", "spot_checks": "nan"},
        {"part": "spot-checks", "spot_checks": "101"},
        {"part": "spot-checks", "spot_checks": "-1"},
        {"part": "spot-checks"},
        {"part": "learning", "retrain_after": "1.5"},
        {"part": "learning", "retrain_after": "9999999999"},
        {"part": "other"},
        {},
    ],
)
def test_what_makes_no_sense_is_not_kept(app, owner, fields):
    before = site(app).choices
    assert post(owner, **fields).status_code == 422
    assert site(app).choices == before


# -- Automatic training

LEARNING = {
    "part": "learning",
    "retrain_after": "200",
    "retrain_hours": "24",
    "spot_checks": "2,5",
    "most_ham_rejected": "0.1",
    "most_spam_accepted": "10",
}


def test_automatic_training_is_set_up(app, owner):
    post(owner, **LEARNING)
    choices = site(app).choices
    assert (choices.retrain_after, choices.retrain_hours, choices.spot_checks) == (200, 24, 0.025)
    assert (choices.most_ham_rejected, choices.most_spam_accepted) == (0.001, 0.1)
    assert 'name="spot_checks" value="2.5"' in owner.get(PAGE).text


@pytest.mark.parametrize(
    "change", [{"most_ham_rejected": "0"}, {"most_spam_accepted": "100"}, {"retrain_hours": "9000"}]
)
def test_promises_that_cannot_be_kept_are_refused_and_shown_again(app, owner, change):
    answer = post(owner, **{**LEARNING, **change})
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert f'value="{next(iter(change.values()))}"' in answer.text
    assert site(app).choices.retrain_after == 0


# -- Who may


def test_a_moderator_looks_and_does_nothing(app, add):
    add()
    mia = moderating(app, "mia", Role.MODERATOR)
    page = mia.get(PAGE).text
    assert page.count('method="post"') == 2  # Signing out, and the form of training, which is switched off.
    assert '<fieldset class="plain" disabled>' in page
    for path, fields in (("", LEARNING), ("/promote", {"version": "1"}), ("/rollback", {})):
        assert post(mia, path, **fields).status_code == 403
    assert site(app).model is None


def test_charlie_of_another_site_sees_nothing(app, add):
    add()
    client_of(app, "charlies")
    charlie = moderating(app, "charlie", Role.OWNER, site="charlies")
    for path in ("", "/history", "/flips", "/versions/1"):
        assert charlie.get(f"{PAGE}{path}").status_code == 404
    assert post(charlie, "/promote", version="1").status_code == 404


def test_a_form_without_a_token_is_refused(app, owner, add):
    add()
    assert owner.post(f"{PAGE}/promote", data={"version": "1"}).status_code == 400
    assert site(app).model is None


def test_the_page_of_the_site_and_the_list_lead_here(owner):
    for page in ("/dashboard/sites", "/dashboard/sites/blog"):
        assert f'href="{PAGE}"' in owner.get(page).text


def test_everything_is_said_in_german_too(owner, add, many):
    add(training(REFUSED))
    german = {"Accept-Language": "de"}
    for path in ("?hold=0.1&reject=0.2", "/versions/1"):
        page = owner.get(f"{PAGE}{path}", headers=german).text
        assert '<html lang="de">' in page and "%(" not in page


# -- Numbers for drawing


def test_dots_lie_where_the_figures_say():
    plot = reliability_plot(reliability(FIGURES, "blog/1"), ("waiting",), str)
    (dot,) = plot.lines[0].points
    assert (dot.x, dot.y) == (86.0, 25.0)


def test_the_model_that_is_looked_at_is_drawn_first():
    two = {"later": {"base": {"bins": BINS}, "blog/2": {"bins": []}}}
    assert list(reliability(two, "blog/2")) == ["blog/2", "base"]


def test_the_learning_curve_goes_by_labels():
    rows = {"wrong in all": ("spam", "wrong")}
    plot = learning_plot([("b/2", 200, FIGURES), ("b/1", 100, FIGURES), ("b/3", 50, {})], rows, str)
    assert [point.x for point in plot.lines[0].points] == [50.0, 100.0]
    assert plot.lines[0].path == "M50 16L100 16"


@pytest.mark.parametrize("share", [None, "8.4 %", -0.1, 1.1, float("nan"), True, [0.1]])
def test_what_is_no_share_is_not_drawn(share):
    assert later_share({"shares": {"wrong in all": share}}, "wrong in all") is None


def test_stored_tables_are_read_from_either_shape():
    (found,) = stored_tables(FIGURES)
    assert (found.title, found.columns, found.note) == (TABLE["title"], tuple(TABLE["columns"]), "On later labels.")
    assert [found] == stored_tables({"tables": [TABLE]})
    assert promised(FIGURES) == ("With 95% confidence at most 1 in 500",)


@pytest.mark.parametrize(
    ("feature", "name"),
    [
        ((Sort.SIGNAL, "new-domain"), "with the signal: new domain"),
        ((Sort.LANGUAGE, "pl"), "in the language: Polish"),
        ((Sort.LANGUAGE, "xx"), "in the language: xx"),
        ((Sort.REASON, "link"), "first reason: its links"),
        ((Sort.HOURS, "20"), "came between 20 and 0 o'clock (UTC)"),
    ],
)
def test_features_have_names(app, feature, name):
    with app.test_request_context():
        assert feature_name(feature) == name
