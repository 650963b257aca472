"""Training: deterministic, sound without corpora, and saying what it stands on."""

import gzip
import json
from math import inf
from random import Random

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from moderation import artifact
from moderation.classifier import MAX_LOGIT, Classifier
from moderation.comment import Author, LabelledComment
from moderation.errors import HamletError
from moderation.grams import feature_count, token_index
from tests.builders import make_comments
from training.calibrate import thresholds
from training.corpora import CorpusError, read_constructs, read_profanity, read_seeds, unspun
from training.estimator import CommentVectorizer
from training.recipes import HeadRecipe, Recipe
from training.train import (
    CONTRAST_DOUBT,
    OFTEN,
    Dataset,
    _doubted,
    contrasts,
    design,
    fit_head,
    gather,
    head_weights,
    train_base,
)

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


def test_invisible_characters_do_not_make_spam_harmless(tmp_path, seeds):
    """Though here all comments that have some are ham."""
    file = seeds / "seeds.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    hidden = [row | {"text": row["text"].replace(" ", " \u200b")} if not row["labels"]["spam"] else row for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in hidden))
    train_base(tmp_path / "base" / "1.0.0", None, QUICK, seeds=seeds)
    plain, hidden = Classifier.load(tmp_path / "base" / "1.0.0").scores(
        make_comments("cheap pills online", "che\u200bap pil\u200bls online")
    )
    assert hidden[0] == pytest.approx(plain[0])


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
    assert matrix.shape == (2, feature_count(10))


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


def test_what_stands_in_both_classes_alike_may_weigh_least():
    target, amount = np.array([1.0, 1, 0, 0]), np.array([1.0, 1, 1, 2])
    both, mostly, spam_alone, ham_alone = [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]
    matrix = csr_matrix(np.array([both, mostly, spam_alone, ham_alone], dtype=float).T)
    found = contrasts(matrix, target, amount, 0.5)
    assert found[0] < found[1] < min(found[2:])
    doubt = CONTRAST_DOUBT / 4
    spam, ham = np.array([2, 2, 2, 0]) / 6, np.array([3, 1, 0, 3]) / 7
    expected = np.abs(np.log((spam + doubt) / (ham + doubt))) ** 0.5
    np.testing.assert_allclose(found, expected / np.sqrt(np.average(expected**2, weights=spam + ham)), rtol=1e-5)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_a_head_with_contrast_still_tells_spam_from_ham(tmp_path, seeds, power):
    recipe = Recipe(bits=12, folds=3, heads={"spam": HeadRecipe(strength=10, contrast=power)})
    train_base(tmp_path / "base" / "1.0.0", None, recipe, seeds=seeds)
    spam, ham = Classifier.load(tmp_path / "base" / "1.0.0").scores(
        make_comments("cheap casino pills", "thanks, the docs")
    )
    assert spam[0] > 0.5 > ham[0]


def limits_of(taught: list[float], **choices):
    """Thresholds where harmless comments that nobody saw score up to a half."""
    scores, fine = np.linspace(0, 0.5, 5_000), np.zeros(5_000)
    choice = HeadRecipe(strength=1, least_reject=0.9, **choices)
    return thresholds(scores, fine, np.array(["blog"] * 5_000), choice, 0.95, np.array(taught))


@pytest.mark.parametrize(
    ("taught", "reject_at"), [([], 0.9), ([0.1, 0.89], 0.9), ([0.97331, 0.2], 0.9734), ([1.0], 1.0)]
)
def test_no_comment_that_was_taught_to_be_harmless_is_rejected(taught, reject_at):
    found = limits_of(taught)
    assert found.reject_at == pytest.approx(reject_at)
    assert found.hold_at == limits_of([]).hold_at < 0.5
    assert ("no harmless seed" in found.evidence) == (reject_at > 0.9)


def test_what_was_taught_gives_no_threshold_to_a_head_that_has_none():
    assert limits_of([0.99], decides=False).reject_at is None
    assert limits_of([0.99], hold_at=0.6).reject_at is None


def test_harmless_seeds_are_those_that_no_head_that_decides_finds_fault_with():
    rows = [
        LabelledComment(text="a", labels={"spam": 0, "toxicity": 0.4, "profanity": 1}),
        LabelledComment(text="b", labels={"spam": 0, "toxicity": 0.6}),
        LabelledComment(text="c", labels={"spam": 0}),
        LabelledComment(text="d", labels={"spam": 1}),
    ]
    data = Dataset(rows, np.array(["seeds", "seeds", "blog", "seeds"]), ())
    assert data.harmless_seeds(["spam", "toxicity"]).tolist() == [0]
    assert data.harmless_seeds(["spam", "profanity"]).tolist() == [1]
    assert as_dataset([]).harmless_seeds(["spam"]).tolist() == []


def linking(count: int, domain: str, spam: float) -> list[LabelledComment]:
    text = "so much for that http://{}/{}"
    return [LabelledComment(text=text.format(domain, i), labels={"spam": spam}) for i in range(count)]


def as_dataset(rows: list[LabelledComment]) -> Dataset:
    return Dataset(rows, np.array(["seeds"] * len(rows)), ())


NAMED = ("domain=often.example", "domain=rare.example", "tld=example")


def test_a_token_of_few_comments_does_not_count():
    rows = [*linking(OFTEN, "often.example", 0), *linking(OFTEN - 1, "rare.example", 1)]
    tokens = design(as_dataset(rows), 12).matrix[:, 1 << 12 :]
    met = {name: bool(tokens[:, token_index(f"link:{name}", 12) - (1 << 12)].nnz) for name in NAMED}
    assert met == {"domain=often.example": True, "domain=rare.example": False, "tld=example": True}


def test_a_token_may_speak_for_a_comment_within_bounds_and_against_it_without():
    rows = [*linking(40, "ours.example", 0), *linking(40, "shop.example", 1)]
    plan, labels = design(as_dataset(rows), 12), np.array([0.0] * 40 + [1.0] * 40)
    ours, shop = (token_index(f"link:domain={name}.example", 12) for name in ("ours", "shop"))
    for most, least in ((0.25, -0.25), (inf, -inf)):
        column, _ = fit_head(plan, labels, np.ones(80), QUICK, HeadRecipe(strength=100, most_in_favour=most))
        assert column[1 << 12 :].min() >= least and column[shop] > 0.5
        assert column[ours] == pytest.approx(-0.25) if most < inf else column[ours] < -0.5


def scraped(count: int) -> list[LabelledComment]:
    """Spam that says what ham says and has an author who tells it, spam that tells itself, and ham."""
    shop = Author(name="Cheap Watches", url="http://watches.example")
    said = [f"the bridge was built in {1_000 + i} by the town" for i in range(count)]
    rows = [LabelledComment(text=text, labels={"spam": 1}, author=shop) for text in said]
    rows += [LabelledComment(text=f"buy cheap watches {i}", labels={"spam": 1}, author=shop) for i in range(count)]
    return rows + [LabelledComment(text=text, labels={"spam": 0}) for text in said * 2]


def test_spam_that_words_alone_do_not_tell_weighs_less_without_its_author():
    plan = design(as_dataset(scraped(40)), 12)
    labels = np.array([1.0] * 80 + [0.0] * 80)
    head = HeadRecipe(strength=1, doubts=True)
    weight = _doubted(plan, labels, np.ones(160), QUICK, head).weight
    whole, bare = weight[:160], weight[160:]
    assert bare[:40].max() < 0.15 < 0.35 < bare[40:].min()
    assert whole[:80] + bare == pytest.approx(np.ones(80)) and (whole[80:] == 1).all()


def test_doubt_lets_harmless_words_be():
    plan, labels = design(as_dataset(scraped(40)), 12), np.array([1.0] * 80 + [0.0] * 80)
    rows = plan.matrix[160:200]  # What was said, without its author.
    told = [
        rows @ column + bias
        for doubts in (False, True)
        for column, bias in [fit_head(plan, labels, np.ones(160), QUICK, HeadRecipe(strength=1, doubts=doubts))]
    ]
    assert told[1].max() < told[0].min()


def test_what_only_one_half_has_is_not_doubted():
    plan = design(as_dataset(scraped(4)), 12)
    plan.half[:] = 1
    head = HeadRecipe(strength=1, doubts=True)
    assert _doubted(plan, np.array([1.0] * 8 + [0.0] * 8), np.ones(16), QUICK, head) is plan


def in_languages(*groups: tuple[str | None, int, int]) -> Dataset:
    """So many spam and ham comments of each language."""
    rows = [
        LabelledComment(text=f"{language} {label} {i}", language=language, labels={"spam": label})
        for language, spam, ham in groups
        for label, count in ((1, spam), (0, ham))
        for i in range(count)
    ]
    return Dataset(rows, np.array(["seeds"] * len(rows)), ())


def odds_of(data: Dataset, weight: np.ndarray, language: str) -> float:
    labels, mine = data.labels("spam"), np.array([row.language == language for row in data.comments])
    return weight[mine & (labels == 1)].sum() / weight[mine & (labels == 0)].sum()


def test_a_language_with_much_spam_is_no_evidence_of_it():
    data = in_languages(("en", 100, 100), ("da", 30, 10), ("fi", 0, 10), (None, 50, 1))
    labels = data.labels("spam")
    odd = head_weights(data, labels, QUICK, HeadRecipe(strength=1))
    even = head_weights(data, labels, QUICK, HeadRecipe(strength=1, even_languages=3.0))
    whole = odd[labels == 1].sum() / odd[labels == 0].sum()
    assert odds_of(data, odd, "da") == pytest.approx(3) and odds_of(data, even, "da") == pytest.approx(whole)
    unchanged = np.array([row.language in (None, "fi") for row in data.comments])
    np.testing.assert_array_equal(odd[unchanged], even[unchanged])


def test_a_language_is_weighed_anew_within_bounds():
    data = in_languages(("en", 100, 100), ("da", 1, 100))
    even = head_weights(data, data.labels("spam"), QUICK, HeadRecipe(strength=1, even_languages=2.0))
    assert odds_of(data, even, "da") == pytest.approx(0.01 * 4)
