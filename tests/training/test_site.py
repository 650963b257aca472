"""A site's training from end to end: labels in, a challenger tried, promoted or refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console
from sqlalchemy import insert, select, update

from moderation import artifact
from moderation.classifier import Classifier
from moderation.comment import Comment
from moderation.errors import OtherFeatures
from moderation.past import Outcome
from moderation.review import Actor
from moderation.store.models import ModelBook
from moderation.store.schema import comments, leases, models
from moderation.store.sites import Site
from tests.conftest import ROOT
from tests.learning import Blog, talk, wares
from training import page
from training.corpora import read_seeds
from training.due import is_due
from training.site import Asked, NothingToLearn, Result, keep_result, train_site

HAM, SPAM, ABUSE = Outcome.HAM, Outcome.SPAM, Outcome.ABUSE
ANN = Actor("ann", "command")
BASE = artifact.find(ROOT / "models")


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def blog(engine, shipped) -> Blog:
    return Blog(engine, shipped)


@pytest.fixture
def book(engine, tmp_path) -> ModelBook:
    return ModelBook(engine, tmp_path / "cache")


@pytest.fixture(scope="module")
def few_seeds(tmp_path_factory) -> Path:
    """Some of the seeds: as many as a test can wait for."""
    folder = tmp_path_factory.mktemp("seeds")
    some = [one for one in read_seeds() if one.labels.get("spam") in (0, 1)][::60]
    (folder / "some.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in some))
    return folder


@pytest.fixture
def train(engine, blog, book, few_seeds, tmp_path):
    """Trains the blog's model; kept and promoted if asked."""

    def train_it(*, keep: bool = False, site: Site | None = None, **asked) -> Result:
        out = tmp_path / "out" / f"{len(list(tmp_path.glob('out/*')))}"
        site = site or blog.sites.site("blog")
        result = train_site(engine, site, BASE, book, Asked(seeds=few_seeds, **asked), out)
        if keep:
            version = keep_result(book, site, out, result, ANN, page.figures(result))
            book.promote(site.id, version.number, ANN)
        return result

    return train_it


def failed(result: Result) -> list[str]:
    return [check.name for check in result.checks if not check.passed]


def spam_of(model: Classifier, text: str) -> float:
    return float(model.scores([Comment(text=text)])[0, model.heads.index("spam")])


def test_a_site_without_labels_has_nothing_to_learn(train):
    with pytest.raises(NothingToLearn, match="blog has no labels") as caught:
        train()
    assert "hamlet import labels" in caught.value.hint


def test_a_site_with_many_comments_and_no_reviews_has_nothing_to_learn(engine, blog, train):
    rows = [
        {"id": f"{n:032x}", "site_id": blog.site.id, "external_id": None, "is_test": False, "received_at": 0}
        for n in range(20_000)
    ]
    with engine.begin() as connection:
        connection.execute(insert(comments), rows)
    with pytest.raises(NothingToLearn):
        train()


def test_labels_that_were_not_asked_for_do_not_count(blog, train):
    blog.settle(spam=3, ham=3)
    with pytest.raises(NothingToLearn, match="that were asked for"):
        train(without=("ann",))


def test_one_label_makes_a_model_that_the_gate_keeps_out(blog, train):
    blog.settle(spam=1, ham=0)
    result = train()
    assert result.labels.taught[0].outcome is SPAM
    assert "later labels" in failed(result)


def test_a_few_hundred_labels_make_a_better_model(blog, train, book):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    result = train(keep=True)
    assert failed(result) == []
    model = book.load(blog.site.id, 1)
    assert spam_of(model, wares(500)) > spam_of(blog.model, wares(500))
    assert spam_of(model, talk(500)) < 0.5 < spam_of(model, wares(500))


def test_the_same_labels_give_the_same_model(blog, train):
    blog.settle(spam=30, ham=40)
    first, second = train(), train()
    assert first.manifest == second.manifest


def test_a_label_that_was_forgotten_leaves_no_trace(blog, train):
    from moderation.store.forget import Person, Who, erase, held

    blog.settle(spam=20, ham=30)
    before = train().manifest.sha256
    from moderation.comment import Author

    blog.say(["Pavel was here and sells everything"], SPAM, author=Author(email="gone@example.org"))
    assert train().manifest.sha256 != before
    person = Person(Who.EMAIL, "gone@example.org", blog.sites.secret)
    for found in held(blog.engine, person, None):
        erase(blog.engine, person, found)
    assert train().manifest.sha256 == before


def test_the_next_champion_is_tried_on_labels_it_has_not_seen(blog, train):
    blog.settle(spam=40, ham=60, age=10)
    first = train(keep=True)
    blog.settle(spam=40, ham=60, age=0, first=300)
    second = train()
    assert (first.champion, second.champion) == (BASE.parent.name + "/" + BASE.name, "blog/1")
    seen = {one.comment_id for one in first.labels.taught}
    assert second.later.labels and not seen & {one.comment_id for one in second.later.labels}


def test_labels_older_than_the_base_count_as_any(blog, train):
    blog.settle(spam=30, ham=30, age=3_000)
    assert len(train().labels.taught) == 60


def test_a_model_of_an_older_hamlet_gives_way_to_one_that_is_tried_against_the_base(blog, train, book, engine):
    blog.settle(spam=40, ham=60, age=10)
    first = train(keep=True)
    old = msgspec.structs.replace(book.show(blog.site.id, 1).manifest, features_version=1)
    with engine.begin() as connection:
        connection.execute(update(models).values(manifest=msgspec.json.encode(old).decode()))
    with pytest.raises(OtherFeatures, match="made for features 1"):
        book.load(blog.site.id, 1)
    blog.settle(spam=40, ham=60, age=0, first=300)
    second = train(keep=True)
    assert first.champion == second.champion == BASE.parent.name + "/" + BASE.name
    assert book.load(blog.site.id, blog.sites.site("blog").model).name == "blog/2"


def test_a_new_base_model_takes_over_from_models_of_an_old_one(blog, train, book, few_seeds, tmp_path, engine):
    """The old model goes on serving; the next training starts from the new base."""
    blog.settle(spam=30, ham=50, age=9)
    train(keep=True)
    new = tmp_path / "models" / "base" / "9.0.0"
    model = artifact.read(BASE)
    weights = model.weights[:, : len(model.manifest.heads)] * [head.scale for head in model.manifest.heads]
    frequency = (model.weights[:, -1] * model.manifest.frequency_scale) ** 0.5
    manifest = msgspec.structs.replace(model.manifest, name="base/9.0.0")
    artifact.write(new, manifest, weights, frequency, model.phrases)
    assert book.load(blog.site.id, 1).manifest.base != "base/9.0.0"
    blog.settle(spam=20, ham=30, age=0, first=300)
    result = train_site(engine, blog.sites.site("blog"), new, book, Asked(seeds=few_seeds), tmp_path / "second")
    assert (result.champion, result.manifest.base) == ("blog/1", "base/9.0.0")


# -- Poison


@pytest.fixture
def poisoned(blog, train, book):
    """A good model serves; then a stolen account flips what it finds."""
    blog.settle(spam=80, ham=160, age=20)
    train(keep=True)
    blog.settle(spam=30, ham=60, age=2, first=300, by="ben")
    blog.say(map(wares, range(500, 650)), HAM, by="eve", age=0.5)
    blog.say(map(talk, range(500, 650)), SPAM, by="eve", age=0.5)
    return blog


def test_who_flips_labels_stands_out(poisoned, train):
    by_name = {one.name: one for one in train().reviewers}
    assert by_name["eve"].against > 0.3 * by_name["eve"].labels
    assert by_name["ben"].against < 0.05 * by_name["ben"].labels


def test_without_who_flipped_them_the_model_is_as_good_as_before(poisoned, train, book):
    result = train(without=("eve",), keep=True)
    assert "eve" not in {one.reviewer for one in result.labels.taught}
    model = book.load(poisoned.site.id, 2)
    assert spam_of(model, talk(900)) < 0.5 < spam_of(model, wares(900))


def test_labels_at_random_do_not_get_past_the_gate(blog, train):
    blog.settle(spam=60, ham=120, age=20)
    train(keep=True)
    for number in range(200):
        text = wares(700 + number) if number % 2 else talk(700 + number)
        blog.say([text], SPAM if number % 4 < 2 else HAM, by="mallory", age=1 - number / 400)
    blog.settle(spam=40, ham=80, age=0.2, first=300)
    by_name = {one.name: one for one in train().reviewers}
    assert by_name["mallory"].against > 0.3 * by_name["mallory"].labels


# -- The promise


def test_labels_drawn_at_random_are_shared_between_learning_and_the_promise(blog, train):
    blog.settle(spam=20, ham=100, share=1.0)
    result = train()
    assert result.aside + len(result.labels.taught) == 120
    assert 30 < result.aside < 90


def test_too_few_labels_promise_nothing_and_reject_only_with_the_base(blog, train):
    blog.settle(spam=20, ham=60, share=1.0)
    result = train()
    assert result.manifest.rejects_with_base
    assert "rejects only what the base model rejects as well" in result.promise.told[0]


def test_enough_labels_make_a_promise(blog, train):
    choices = msgspec.structs.replace(blog.site.choices, most_ham_rejected=0.05, most_spam_accepted=0.1)
    blog.sites.choose("blog", choices)
    blog.settle(spam=150, ham=200, share=1.0)
    result = train()
    assert not result.manifest.rejects_with_base
    assert result.promise.told[0].startswith("With 95% confidence at most 1 in 20 ham comments is rejected (n = ")
    heads = {head.name: head for head in result.manifest.heads}
    assert heads["spam"].reject_at == heads["toxicity"].reject_at >= 0.9


# -- The page


def test_the_page_says_who_serves_and_names_comments(blog, train):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    result = train()
    with Path(blog.engine.url.database).with_suffix(".txt").open("w+") as file:
        page.show(result, Console(file=file, width=200))
        file.seek(0)
        text = file.read()
    assert "passed the gate" in text.splitlines()[0]
    for title in ("Gate", "blog/1 against base/", "Labels", "Who said it", "Words and domains", "What was learnt"):
        assert title in text
    known = {word for number in range(60) for word in f"{talk(number)} {wares(number)}".lower().split()}
    assert known & set(re.findall(r"\w+", text.partition("Words and domains")[2].partition("What was learnt")[0]))


def test_the_json_page_has_ids_and_no_texts(blog, train):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    told = page.as_json(train()).decode()
    assert json.loads(told)["passed"] is True
    assert "Pavel" not in told and "Irena" not in told


def test_hostile_texts_stay_texts_on_the_page(blog, train):
    blog.settle(spam=30, ham=60, age=9)
    blog.say([f"<script>alert({n})</script>\x1b[31m Pavel {wares(n)}" for n in range(300, 330)], SPAM, age=1)
    html = page.as_html(train())
    assert "<script>" not in html and "\x1b" not in html


def test_everything_stands_once_on_the_html_page(blog, train):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    html = page.as_html(train())
    ids = re.findall(r'id="(.+?)"', html)
    assert {"plots", "gate", "later"} <= set(ids) and len(ids) == len(set(ids))
    assert html.count("<svg") == 2 and html.count("<nav") == html.count("</nav>")


# -- The command


@pytest.fixture
def hamlet(blog, tmp_path, database_url):
    """Runs the command in a process of its own."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"")

    def run(*line: str, wait: bool = True):
        environment = {
            **os.environ,
            "HAMLET_DATABASE": database_url,
            "HAMLET_SECRET": "sixteen bytes or more",
            "HAMLET_MODEL_CACHE": str(tmp_path / "cache"),
        }
        command = [sys.executable, "-m", "hamlet", *line]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not wait:
            return process
        out, err = process.communicate()
        return SimpleNamespace(code=process.returncode, out=out, err=err)

    return run


def test_the_command_trains_promotes_and_goes_back(blog, hamlet, tmp_path):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    tried = hamlet("train", "--site", "blog", "--dry-run", "--report", str(tmp_path / "page.html"))
    assert "passed the gate and was not kept: a dry run" in tried.out
    assert blog.sites.site("blog").model is None
    done = hamlet("train", "--site", "blog")
    assert done.code == 0, done.err
    assert done.out.startswith("blog/1 serves blog from now on (before: base/")
    assert "<h1>Training of blog/1</h1>" in (tmp_path / "page.html").read_text()
    assert "blog/1\tserves blog" in hamlet("models", "list").out
    assert "the base model serves again" in hamlet("models", "rollback", "blog").out


def test_a_refusal_is_exit_code_one_and_can_be_overruled(blog, hamlet):
    blog.settle(spam=3, ham=3)
    refused = hamlet("train", "--site", "blog")
    assert refused.code == 1 and "The gate refused blog/1 (later labels" in refused.out
    assert "--force" in hamlet("models", "promote", "blog", "1").err
    forced = hamlet("train", "--site", "blog", "--force", "to see what happens")
    assert forced.code == 0 and "blog/2 serves blog" in forced.out
    assert "to see what happens" in hamlet("models", "show", "blog", "2").out


def wait_for_lease(blog: Blog) -> None:
    """Until somebody trains."""
    while True:
        with blog.engine.begin() as connection:
            if connection.execute(select(leases.c.name)).first() is not None:
                return
        time.sleep(0.02)


def test_two_trainings_at_once_are_one(blog, hamlet):
    blog.settle(spam=100, ham=200)
    first = hamlet("train", "--site", "blog", wait=False)
    wait_for_lease(blog)
    second = hamlet("train", "--site", "blog")
    first.communicate()
    assert second.code == 1 and "another process is at it" in second.err


def test_a_training_killed_half_way_leaves_everything_as_it_was(blog, hamlet):
    blog.settle(spam=100, ham=200)
    training = hamlet("train", "--site", "blog", wait=False)
    wait_for_lease(blog)
    training.send_signal(signal.SIGKILL)
    training.communicate()
    assert blog.sites.site("blog").model is None
    assert "blog/" not in hamlet("models", "list").out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("train", "--site", "nowhere"), "no site named 'nowhere'"),
        (("train", "--since", "yesterday"), "--since: a date such as 2026-11-01"),
        (("models", "show", "blog", "4"), "there are: none"),
        (("models", "promote", "blog", "x"), "the number of a version, or base"),
        (("models", "rollback", "blog"), "there is nothing before it"),
    ],
)
def test_what_cannot_be_done_is_said(blog, hamlet, line, said):
    done = hamlet(*line)
    assert done.code in (1, 2) and said in done.err


def test_what_teaches_nothing_is_not_due(blog):
    """A training of it would fail, every minute anew."""
    blog.sites.choose("blog", msgspec.structs.replace(blog.site.choices, retrain_after=20, retrain_hours=1))
    blog.say(map(talk, range(30)), Outcome.OTHER)
    assert not is_due(blog.engine, blog.sites.site("blog"))
    blog.say(map(talk, range(30, 50)), Outcome.HAM)
    assert is_due(blog.engine, blog.sites.site("blog"))


def test_what_is_due_is_trained_and_nothing_else(blog, hamlet):
    blog.settle(spam=60, ham=120, age=20)
    blog.settle(spam=20, ham=40, age=1, first=200)
    assert hamlet("train", "due").out == ""
    blog.sites.choose("blog", msgspec.structs.replace(blog.site.choices, retrain_after=100))
    assert "blog/1 serves blog from now on" in hamlet("train", "due").out
    assert hamlet("train", "due").out == ""
