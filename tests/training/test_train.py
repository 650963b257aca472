"""Training: deterministic, sound without corpora, and saying what it stands on."""

import gzip
import json
from random import Random

import numpy as np
import pytest

from moderation import artifact
from moderation.classifier import MAX_LOGIT, Classifier
from moderation.errors import HamletError
from tests.builders import make_comments
from training.corpora import CorpusError, read_constructs, read_profanity, read_seeds, unspun
from training.estimator import CommentVectorizer
from training.recipes import HeadRecipe, Recipe
from training.train import gather, head_weights, train_base

QUICK = Recipe(
    bits=12,
    folds=3,
    heads={"spam": HeadRecipe(strength=10), "threat": HeadRecipe(strength=10, decides=False)},
)
SPAM = ["cheap pills online", "best casino bonus", "buy watches here", "hot loans now", "replica bags sale"]
HAM = ["thanks for the fix", "I disagree with that", "which version is it", "my mother liked it", "see the docs"]


@pytest.fixture
def seeds(tmp_path):
    """A folder of few seeds, each with a word of its own, so that no two are alike."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    with (folder / "seeds.jsonl").open("w") as out:
        for number in range(60):
            for label, texts in ((1, SPAM), (0, HAM)):
                text = f"{'abcdefghij'[number // 10]}{number} {texts[number % 5]}"
                row = {"id": f"{label}-{number}", "text": text, "labels": {"spam": label, "threat": number % 7 == 0}}
                out.write(json.dumps(row | {"labels": {"spam": label, "threat": int(number % 7 == 0)}}) + "\n")
    return folder


def test_a_trained_model_tells_spam_from_ham(tmp_path, seeds):
    train_base(tmp_path / "base" / "1.0.0", None, QUICK, seeds=seeds)
    spam, ham = Classifier.load(tmp_path / "base" / "1.0.0").scores(
        make_comments("cheap casino pills", "thanks, the docs")
    )
    assert spam[0] > 0.5 > ham[0]


def test_the_same_input_gives_the_same_model(tmp_path, seeds):
    first, second = (train_base(tmp_path / name / "base" / "1", None, QUICK, seeds=seeds) for name in "ab")
    assert first == second


def test_the_manifest_says_what_it_was_trained_on(tmp_path, seeds):
    manifest = train_base(tmp_path / "base" / "2.0.0", None, QUICK, seeds=seeds)
    assert (manifest.name, [source.name for source in manifest.data]) == ("base/2.0.0", ["seeds"])
    assert manifest.data[0].rows == 120


def test_a_head_that_informs_has_no_thresholds(tmp_path, seeds):
    manifest = train_base(tmp_path / "base" / "1", None, QUICK, seeds=seeds)
    assert {head.name: head.reject_at is None for head in manifest.heads} == {"spam": False, "threat": True}


def test_corpora_are_learnt_from_where_the_folder_has_them(tmp_path, seeds):
    data = tmp_path / "data"
    data.mkdir()
    with gzip.open(data / "sms-spam.jsonl.gz", "wt") as out:
        for number in range(20):
            out.write(json.dumps({"text": f"message {number}", "labels": {"spam": number % 2}}) + "\n")
    manifest = train_base(tmp_path / "base" / "1", data, QUICK, seeds=seeds)
    assert [(source.name, source.rows) for source in manifest.data] == [("seeds", 120), ("sms-spam", 20)]


def test_the_phrases_of_the_list_are_compiled_into_the_model(tmp_path, seeds):
    data = tmp_path / "data"
    (data / "lists").mkdir(parents=True)
    (data / "lists" / "blacklist.txt").write_text("replica handbags\nviagra\nthanks for\n")
    train_base(tmp_path / "base" / "1", data, QUICK, seeds=seeds)
    phrases = artifact.read(tmp_path / "base" / "1").phrases
    assert phrases.hashes.size == 0  # From 60 harmless comments no phrase is known to be rare.


def test_a_bad_line_is_named_with_its_file_and_number(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n{"text": 3}\n')
    with pytest.raises(CorpusError, match=r"x\.jsonl:2: .*text"):
        read_seeds(tmp_path)


def test_a_folder_without_seeds_is_refused(tmp_path):
    with pytest.raises(HamletError, match="no seeds"):
        read_seeds(tmp_path)


def test_a_seed_judges_every_head():
    assert all({"spam", "toxicity", "threat"} <= set(seed.labels) for seed in read_seeds()[:50])


@pytest.mark.parametrize(
    ("template", "readings"), [("plain", {"plain"}), ("{a|b} {c|{d|e}}", {"a c", "a d", "a e", "b c", "b d", "b e"})]
)
def test_a_template_is_read_in_each_of_its_ways(template, readings):
    assert {unspun(template, Random(seed)) for seed in range(60)} == readings


def test_without_a_list_there_are_no_constructs(tmp_path):
    assert read_constructs(tmp_path, 3, Random(0)) == []


def test_the_vectorizer_keeps_the_estimator_contract():
    vectorizer = CommentVectorizer(bits=10)
    assert vectorizer.get_params()["bits"] == 10
    matrix = vectorizer.fit_transform(["a comment", "another one"])
    assert matrix.shape == (2, 1 << 10)


def test_rows_weigh_as_the_classifier_weighs_them(tmp_path, seeds):
    folder = tmp_path / "base" / "1.0.0"
    train_base(folder, None, QUICK, seeds=seeds)
    model, stored = Classifier.load(folder), artifact.read(folder)
    comments = make_comments("cheap casino, cheap pills at http://x.ru", "thanks for the fix")
    head = stored.manifest.heads[0]
    vectorizer = CommentVectorizer(bits=QUICK.bits)
    vectorizer.frequency_ = np.sqrt(stored.weights[:, -1] * stored.manifest.frequency_scale)
    raw = vectorizer.transform(comments) @ (stored.weights[:, 0] * head.scale / vectorizer.frequency_)
    expected = np.clip(head.bias + head.slope * raw, -MAX_LOGIT, MAX_LOGIT)
    np.testing.assert_allclose(model.scored(model.features(comments)).logits[:, 0], expected, atol=0.02)


def test_a_head_with_a_threshold_set_by_hand_holds_and_never_rejects(tmp_path, seeds):
    by_hand = Recipe(bits=12, folds=3, heads={"threat": HeadRecipe(strength=10, hold_at=0.6)})
    (head,) = train_base(tmp_path / "base" / "1", None, by_hand, seeds=seeds).heads
    assert (head.hold_at, head.reject_at) == (0.6, None)


# -- Lists of swear words


@pytest.fixture
def swearing(tmp_path):
    """A data folder with swear words of four languages and a licence."""
    folder = tmp_path / "data" / "lists" / "profanity"
    folder.mkdir(parents=True)
    for name, words in (("de", "mist\nkacke"), ("fr", "zut\nflûte"), ("tlh", "petaq"), ("LICENSE", "free"), ("nl", "")):
        (folder / name).write_text(words, encoding="utf-8")
    return tmp_path / "data"


def test_swear_words_are_profane_in_every_language(swearing):
    rows = read_profanity(swearing, Random(0))
    assert {row.language for row in rows} == {"de", "fr"}
    assert all(row.labels["profanity"] == 1 for row in rows)


def test_swear_words_are_toxic_only_where_no_corpus_says_what_is(swearing):
    assert {row.language for row in read_profanity(swearing, Random(0)) if "toxicity" in row.labels} == {"fr"}


def test_without_lists_nobody_swears(tmp_path):
    assert read_profanity(tmp_path, Random(0)) == []


def test_lists_are_sources_with_their_licence(swearing, seeds):
    sources = {source.name: source for source in gather(swearing, QUICK, seeds).sources}
    assert sources["profanity-lists"].licence == "CC BY 4.0 (LDNOOBW)"
    assert sources["profanity-lists"].positives["profanity"] == sources["profanity-lists"].rows


def test_the_harmless_comments_of_a_corpus_may_weigh_more(seeds):
    dataset = gather(None, QUICK, seeds)
    labels = dataset.labels("spam")
    even = head_weights(dataset, labels, QUICK, HeadRecipe(strength=1))
    more = head_weights(dataset, labels, QUICK, HeadRecipe(strength=1, boost_harmless={"seeds": 3.0}))
    assert np.allclose(more[labels < 0.5], 3 * even[labels < 0.5])
    assert np.allclose(more[labels >= 0.5], even[labels >= 0.5])
