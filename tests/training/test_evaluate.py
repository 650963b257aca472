"""What ``hamlet evaluate`` measures: figures checked against known ones, on small made-up data."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from hamlet.cli import cli
from moderation.check import Judging, judge
from moderation.classifier import Classifier
from moderation.comment import LabelledComment
from moderation.grams import feature_count
from moderation.policy import make_policy
from moderation.text import as_text, fold, fold_batch, revealed
from moderation.verdict import SEVERITY
from tests.builders import make_comments, make_head, tiny_model, write_model
from training import bias, corpora, disguise, evaluate, swap, transfer
from training.judged import Judge, Part, group_numbers, joined, judged, judged_by, logits_of
from training.measures import (
    ROC_RATES,
    curve,
    histogram,
    ranking,
    recall_at,
    reliability,
    resampled,
    roc,
    share,
)

SPAM = ("Buy cheap watches now", "Casino bonus for everyone", "Cheap pills without prescription", "Win money tonight")
HAM = ("Thanks, step three fixed it", "I disagree with the second part", "Lovely pictures of the lake", "See you there")


def labelled(text: str, number: int = 0, **labels: float) -> LabelledComment:
    return LabelledComment(text=text, id=f"c{number}", language="en", labels=labels)


@pytest.fixture
def few() -> list[LabelledComment]:
    """Spam and ham, eight comments of each head's both classes."""
    spam = [labelled(text, i, spam=1.0, toxicity=0.0) for i, text in enumerate(SPAM)]
    ham = [labelled(text, 10 + i, spam=0.0, toxicity=0.0) for i, text in enumerate(HAM)]
    rude = [labelled(f"You are an idiot, {text}", 20 + i, spam=0.0, toxicity=1.0) for i, text in enumerate(HAM)]
    return [*spam, *ham, *rude]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "base" / "0.0.1")


def scored(rng: np.random.Generator, size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    labels = (rng.random(size) < 0.3).astype(float)
    return np.round(rng.normal(labels, 1.0), 1), labels


# -- Ranking


def test_auc_and_average_precision_are_scikit_learn_s_even_with_ties():
    scores, labels = scored(np.random.default_rng(1))
    found = ranking(scores, labels)
    assert found.auc.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-5)
    assert found.average_precision.value == pytest.approx(average_precision_score(labels, scores), abs=1e-5)


def test_recall_at_a_false_positive_rate_is_counted_by_hand():
    scores = np.array([9.0, 8.0, 7.0, 6.0, *np.linspace(5, 0, 97)])
    labels = np.array([1.0, 0.0, 1.0, 1.0, *np.zeros(96), 1.0])
    table = curve(scores, labels >= 0.5, np.ones((1, labels.size)))
    # 97 negatives: 1 % allows none, so only the first positive; 2 % allows one.
    assert recall_at(table, 0.01)[0] == 0.25
    assert recall_at(table, 0.02)[0] == 0.75


def test_a_tie_across_the_allowed_rate_is_not_split():
    table = curve(np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, False, True, False]), np.ones((1, 4)))
    assert recall_at(table, 0.1)[0] == 0


def test_without_both_classes_there_is_no_auc():
    assert ranking(np.array([0.1, 0.2]), np.array([1.0, 1.0])).auc is None


def test_weights_count_like_copies():
    rng = np.random.default_rng(2)
    scores, labels = scored(rng, 60)
    often = rng.integers(0, 4, 60)
    weighted = curve(scores, labels >= 0.5, often[None, :].astype(float))
    copied = curve(scores.repeat(often), labels.repeat(often) >= 0.5, np.ones((1, often.sum())))
    assert recall_at(weighted, 0.1)[0] == recall_at(copied, 0.1)[0]


def test_the_roc_curve_never_falls():
    found = roc(*scored(np.random.default_rng(3)))
    assert len(found) == ROC_RATES.size
    assert all(a <= b for a, b in pairwise(found))


# -- Intervals


def test_intervals_are_the_same_every_time():
    scores, labels = scored(np.random.default_rng(4))
    assert ranking(scores, labels) == ranking(scores, labels)


def test_an_interval_holds_its_value_and_narrows_with_more_comments():
    small, large = (ranking(*scored(np.random.default_rng(5), size)).auc for size in (100, 5_000))
    assert small.low < small.value < small.high
    assert large.high - large.low < small.high - small.low


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(6)
    found = [share(rng.random(200) < 0.3) for _ in range(200)]
    assert 0.88 <= np.mean([one.low <= 0.3 <= one.high for one in found]) <= 0.99


def test_groups_are_drawn_whole():
    groups = np.repeat(np.arange(12), 5)
    often = resampled(60, groups, 20)
    assert all((row.reshape(12, 5) == row.reshape(12, 5)[:, :1]).all() for row in often)


def test_comments_of_few_groups_are_drawn_one_by_one():
    assert (resampled(60, np.repeat(np.arange(3), 20), 5) == resampled(60, None, 5)).all()


def test_comments_that_hang_together_widen_the_interval():
    flags = np.repeat(np.arange(20) % 2 == 0, 50)
    alone, together = share(flags), share(flags, np.repeat(np.arange(20), 50))
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_none_of_n_gets_the_exact_binomial_bound():
    found = share(np.zeros(100, dtype=bool))
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025**0.01, abs=1e-4)


def test_nothing_has_no_share():
    assert share(np.zeros(0, dtype=bool)) is None


# -- Calibration


def test_calibrated_scores_have_a_small_calibration_error():
    rng = np.random.default_rng(7)
    scores = rng.random(5_000)
    found = reliability(scores, (rng.random(5_000) < scores).astype(float))
    assert found.calibration_error.value < 0.03
    assert all(abs(one.predicted - one.observed.value) < 0.1 for one in found.bins)


def test_scores_that_are_always_wrong_have_a_calibration_error_of_one():
    assert reliability(np.ones(50), np.zeros(50)).calibration_error.value == 1


def test_a_histogram_adds_up_to_one():
    assert sum(histogram(np.random.default_rng(8).random(100))) == pytest.approx(1)


# -- Judging


def test_decisions_are_those_of_the_server(classifier):
    comments = make_comments(*SPAM, *HAM)
    scores, decisions = Judge.of(classifier)(comments)
    verdicts = judge(comments, Judging(classifier, make_policy(classifier.manifest)))
    assert decisions.tolist() == [SEVERITY[verdict.decision] for verdict in verdicts]
    assert scores.tolist() == [[verdict.scores[head] for head in classifier.heads] for verdict in verdicts]


def test_comments_of_training_are_marked_as_seen(tmp_path, few):
    from moderation.artifact import DataSource

    source = DataSource(name="known", rows=12, sha256="", licence="MIT")
    verdict_of = Judge.of(tiny_model(tmp_path, data=(source,)))
    assert [part.seen for part in judged(verdict_of, [("known", few), ("new", few)])] == [True, False]


def test_groups_of_two_corpora_stay_apart():
    comments = [LabelledComment(text="a", group="x"), LabelledComment(text="b"), LabelledComment(text="c", group="x")]
    part = make_part(comments, np.zeros((3, 2)), np.zeros(3, dtype=np.int64))
    assert joined("both", [part, part]).groups.tolist() == [0, -1, 0, 1, -1, 1]


def make_part(comments, scores, decisions, name="made-up", seen=False) -> Part:
    heads = ("spam", "toxicity")
    return Part(name, seen, heads, list(comments), scores, decisions, group_numbers(comments))


def test_harmless_is_what_no_head_was_judged_to_be(few):
    part = make_part([*few, LabelledComment(text="nobody judged")], np.zeros((13, 2)), np.zeros(13, dtype=np.int64))
    assert [c.text for c in part.take(part.harmless()).comments] == list(HAM)


def test_the_worst_false_positives_come_first_and_without_their_text(classifier, few):
    part = judged(Judge.of(classifier), [("made-up", few)])[0]
    found, texts = evaluate.false_positives(Judge.of(classifier), part)
    severities = [{"reject": 2, "hold": 1, "accept": 0}[one.decision] for one in found.worst]
    assert severities == sorted(severities, reverse=True)
    assert len(found.worst) == found.outcome.comments == len(HAM)
    assert set(texts.values()) == set(HAM)


def test_shares_of_decisions_add_up_to_one():
    found = evaluate.outcome(np.array([0, 0, 1, 2]), np.full(4, -1))
    assert (found.accepted.value, found.held.value, found.rejected.value) == (0.5, 0.25, 0.25)


# -- Who is spoken of


def test_pairs_that_got_two_decisions_are_counted():
    assert swap.changed_pairs("aaab") == (6, 3)
    assert swap.changed_pairs("aabb") == (6, 4)
    assert swap.changed_pairs("aaaa") == (6, 0)


def test_every_sentence_is_filled_with_every_term():
    for one in swap.filled():
        assert len(set(one.texts)) == len(swap.TERMS)
        assert not any(swap.SLOT in text for text in one.texts)


def test_sentences_are_ours_to_fill_only_once():
    assert swap.slotted(["I like women.", "I like Muslims.", "I like tea."]) == ["I like {}."]


def test_a_model_that_sees_nothing_changes_no_decision(tmp_path):
    verdict_of = Judge.of(tiny_model(tmp_path, weights=np.zeros((feature_count(16), 2), dtype=np.float32)))
    found = bias.swaps(verdict_of, None)
    assert sum(one.changed for one in found) == 0
    assert sum(one.pairs for one in found) > 1_000


def test_models_that_see_the_same_share_what_they_see(tmp_path, monkeypatch):
    weights = np.random.default_rng(1).normal(size=(feature_count(16), 2))
    models = [
        tiny_model(tmp_path / "one"),
        tiny_model(tmp_path / "two", weights=weights),
        tiny_model(tmp_path / "wider", bits=17),
    ]
    comments = make_comments(*SPAM, *HAM)
    alone = [model.scored(model.features(comments)).logits for model in models]
    judges = [Judge.of(model) for model in models]
    said = [one(comments) for one in judges]
    looks: list[int] = []
    features = Classifier.features
    monkeypatch.setattr(
        Classifier, "features", lambda model, some: looks.append(model.manifest.bits) or features(model, some)
    )
    for found, expected in zip(logits_of(models, comments), alone, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert looks == [16, 17]
    for (scores, decisions), (expected, decided) in zip(judged_by(judges, comments), said, strict=True):
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(decisions, decided)


def only_women_are_held(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    decisions = np.array([int("women" in text.lower()) for text in texts])
    return np.zeros((len(texts), 2)), decisions


def test_a_judge_with_a_prejudice_is_found_out(monkeypatch, classifier):
    monkeypatch.setattr(Judge, "texts", lambda judge, texts: only_women_are_held(texts))
    found = bias.swaps(Judge.of(classifier), None)
    assert all(one.changed == one.sentences * (len(swap.TERMS) - 1) for one in found)
    assert {one.standing_out for one in found} == {("women",)}


def test_functionalities_are_right_where_hateful_is_held_and_harmless_accepted():
    comments = [
        LabelledComment(text=str(i), group=group, labels={"identity_attack": hateful})
        for i, (group, hateful) in enumerate([("slur_h", 1), ("slur_h", 1), ("fine_nh", 0), ("fine_nh", 0)])
    ]
    part = make_part(comments, np.zeros((4, 2)), np.array([2, 0, 0, 0]))
    found = {one.name: one.right.value for one in bias.functionalities(part)}
    assert found == {"slur_h": 0.5, "fine_nh": 1}


def test_templates_are_sorted_by_the_longest_term_in_them():
    texts = ("X is a kind middle aged", "X is a kind african american", "X is a kind nurse")
    comments = [labelled(text, toxicity=0.0) for text in texts]
    part = make_part(comments, np.zeros((3, 2)), np.array([0, 1, 0]))
    found = {one.term: one.false_positives.value for one in bias.terms(part)}
    assert found == {"(none)": 0, "african american": 1, "middle aged": 0}


# -- Disguise

WORDS = st.from_regex(r"[a-z]{4,10}( [a-z]{4,10}){0,5}", fullmatch=True)
INVISIBLE = pytest.mark.parametrize("hide", [disguise.homoglyphs, disguise.zero_width])


@INVISIBLE
@given(text=WORDS)
@settings(max_examples=60, deadline=None)
def test_folding_takes_off_what_cannot_be_seen(hide, text):
    assert fold(hide(text)).text == fold(text).text


@pytest.mark.parametrize("hide", disguise.DISGUISES.values(), ids=list(disguise.DISGUISES))
def test_disguises_change_words_and_leave_links(hide):
    text = "Great casino bonus at https://best-casino.example/bonus?id=casino and info@casino.example"
    assert hide(text) != text
    assert "https://best-casino.example/bonus?id=casino" in hide(text)
    assert "info@casino.example" in hide(text)


def revealed_words(text: str) -> set[str]:
    return {word for word, _ in revealed(as_text(fold_batch([text]).codes))}


@given(word=st.sampled_from(["viagra", "casino", "idiot", "stupid", "asshole", "bitcoin", "poker", "betting"]))
def test_revealing_finds_what_leet_and_spacing_hide(word):
    assert revealed_words(disguise.leet(f"some {word} here")) >= {word}
    assert revealed_words(disguise.spaced(f"the {word} is")) >= {word}


@INVISIBLE
@given(text=WORDS)
@settings(max_examples=25, deadline=None)
def test_scores_under_what_cannot_be_seen_are_nearly_equal(hide, text, even):
    plain, hidden = even.scores(make_comments(text, hide(text)))
    assert hidden == pytest.approx(plain, abs=0.02)


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    """A model of small weights, so that one named fact more or less moves little."""
    weights = np.random.default_rng(9).normal(0, 0.05, (feature_count(16), 2)).astype(np.float32)
    return tiny_model(tmp_path_factory.mktemp("even"), weights=weights)


def test_only_what_is_caught_undisguised_is_put_in_disguise(tmp_path, few):
    everything = tiny_model(tmp_path / "all", heads=(make_head("spam", bias=5.0), make_head("toxicity", bias=-20.0)))
    verdict_of = Judge.of(everything)
    found = disguise.measure(verdict_of, judged(verdict_of, [("made-up", few)]))
    assert {one.head for one in found} == {"spam"}
    assert {one.caught for one in found} <= {len(SPAM)}


# -- What carries over


class Sets:
    """Two corpora and seeds, easy to tell apart."""

    @staticmethod
    def write(folder: Path) -> Path:
        rng = np.random.default_rng(10)
        lines = []
        for number in range(60):
            words = SPAM if number % 2 else HAM
            text = " ".join(rng.choice(" ".join(words).split(), 6).tolist())
            labels = {"spam": number % 2, "toxicity": int(number % 3 == 0)}
            lines.append(json.dumps({"text": f"{text} {number}", "id": str(number), "lang": "en", "labels": labels}))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "made-up.jsonl").write_text("\n".join(lines))
        return folder


@pytest.fixture
def seeds(tmp_path) -> Path:
    return Sets.write(tmp_path / "seeds")


@pytest.fixture
def data(tmp_path) -> Path:
    """A data folder with the videos of one corpus."""
    import gzip

    folder = tmp_path / "data"
    folder.mkdir()
    lines = []
    for number in range(48):
        text = (SPAM if number % 2 else HAM)[number % 4] + f" number {number}"
        line = {"text": text, "lang": "en", "group": f"video {number % 3}", "labels": {"spam": number % 2}}
        lines.append(json.dumps(line))
    (folder / "youtube-spam.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def test_every_corpus_and_every_group_is_left_out_once(classifier, data, seeds):
    found = transfer.measure(classifier, data, seeds).left_out
    spam = {(one.kind, one.name) for one in found if one.head == "spam"}
    groups = {f"youtube-spam: {which}" for which in ("video 0", "video 1", "video 2", "all groups")}
    assert {name for kind, name in spam if kind == "corpus"} == {"seeds", "youtube-spam"}
    assert {name for kind, name in spam if kind == "group"} == groups
    assert all(one.ranking.auc.value > 0.8 for one in found if one.kind == "group")


def test_the_learning_curve_grows_to_four_fifths_of_the_seeds(classifier, seeds):
    found = [one for one in transfer.measure(classifier, None, seeds).learning if one.head == "spam"]
    assert [one.share for one in found] == list(transfer.SHARES)
    assert [one.seeds for one in found] == sorted(one.seeds for one in found)
    assert {one.test for one in found} == {"seeds held out"}


# -- The command


@pytest.fixture
def run(tmp_path, seeds):
    folder = write_model(tmp_path / "base" / "0.0.1")

    def one(*arguments: str):
        return CliRunner().invoke(cli, ["evaluate", str(folder), "--seeds", str(seeds), *arguments])

    return one


def test_without_a_data_folder_the_seeds_alone_are_used_and_it_says_so(run):
    result = run("--quick")
    assert result.exit_code == 0, result.output
    assert "seeds alone" in result.stderr
    assert "Telling apart, by corpus" in result.stdout


def test_quick_trains_nothing(run, monkeypatch):
    monkeypatch.setattr(transfer, "measure", None)
    assert run("--quick").exit_code == 0


def test_the_json_file_holds_no_text_of_a_comment(run, tmp_path, seeds):
    assert run("--quick", "--json", str(tmp_path / "out.json")).exit_code == 0
    written = (tmp_path / "out.json").read_text()
    assert json.loads(written)["model"] == "base/0.0.1"
    assert not any(comment.text in written for comment in corpora.read_seeds(seeds))


def test_a_data_folder_that_is_not_there_is_named(run):
    result = run("--data-dir", "nowhere")
    assert (result.exit_code, "is not a folder" in result.output) == (2, True)


def test_a_model_can_be_given_by_name(tmp_path, seeds):
    write_model(tmp_path / "base" / "0.0.1")
    line = ["evaluate", "base/0.0.1", "--models", str(tmp_path), "--seeds", str(seeds), "--quick"]
    assert CliRunner().invoke(cli, line).exit_code == 0
