"""A site's correction of the base model: from one label on, deterministic, and gone with its labels."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import training.adapt
from moderation import artifact
from moderation.classifier import Classifier
from moderation.comment import Comment
from moderation.past import Outcome
from tests.conftest import ROOT
from tests.learning import talk, wares
from tests.training.test_labels import NOW, label
from training.adapt import Adapted, Anchors, Earlier, adapt, base_logits, folded_in, frequency_of
from training.labels import keep, weigh
from training.matrix import Vectorizer
from training.rows import Rows

HAM, SPAM, ABUSE = Outcome.HAM, Outcome.SPAM, Outcome.ABUSE


@pytest.fixture(scope="module")
def base():
    return artifact.read(artifact.find(ROOT / "models"))


@pytest.fixture(scope="module")
def vectorizer(base):
    found = Vectorizer(bits=base.manifest.bits, phrases=base.phrases)
    found.frequency_ = frequency_of(base)
    return found


@pytest.fixture(scope="module")
def learn(base, vectorizer):
    """Learns from labels."""

    def learn_them(labels, **more) -> Adapted:
        matrix = Rows.of(vectorizer.transform([one.comment for one in labels]))
        return adapt(base_logits(base, matrix), matrix, weigh([keep(one) for one in labels], NOW), **more)

    return learn_them


@pytest.fixture(scope="module")
def spam_of(base, vectorizer):
    """Log-odds of spam of texts, with or without a correction."""

    def logits(texts, adapted: Adapted | None = None):
        matrix = Rows.of(vectorizer.transform([Comment(text=text) for text in texts]))
        before = base_logits(base, matrix)[:, 0]
        return before if adapted is None else adapted.corrections["spam"].logits(before, matrix)

    return logits


def labels(spam: int, ham: int, **more):
    return [
        *(label(n, SPAM, wares(n), **more) for n in range(spam)),
        *(label(1_000 + n, HAM, talk(n), **more) for n in range(ham)),
    ]


def test_one_label_moves_the_score_of_its_like(learn, spam_of):
    found = learn(labels(1, 0))
    assert spam_of([wares(1)], found)[0] > spam_of([wares(1)])[0] + 0.5


def test_one_label_leaves_others_where_they_were(learn, spam_of):
    text = "The tank commander's report contradicts what the minister said on Friday."
    assert spam_of([text], learn(labels(1, 0)))[0] == pytest.approx(spam_of([text])[0], abs=1.0)


def test_labels_of_one_class_do_not_call_everything_spam(learn, spam_of):
    found = learn(labels(60, 0))
    texts = [talk(3), wares(70), "The tank commander's report contradicts what the minister said on Friday."]
    before, after = spam_of(texts), spam_of(texts, found)
    like, unlike, plain = after[1] - before[1], after[0] - before[0], after[2]
    assert unlike < like - 1
    assert plain < 0


def test_fifty_labels_teach_what_the_base_does_not_know(learn, spam_of):
    before, after = spam_of([wares(80), talk(80)]), spam_of([wares(80), talk(80)], learn(labels(25, 25)))
    assert before[0] < 1 and after[0] > 2
    assert after[1] < min(0, before[1])


def test_contradictory_labels_leave_it_open(learn, spam_of):
    text = wares(5)
    found = learn([label(1, SPAM, text, campaign="aa" * 16), label(2, HAM, text + " again", campaign="bb" * 16)])
    assert abs(spam_of([text], found)[0]) < 1


def test_the_same_labels_give_the_same_bytes(learn, base, tmp_path):
    digests = set()
    for name in "ab":
        weights, heads = folded_in(base, learn(labels(30, 30, share=0.5)))
        manifest = msgspec.structs.replace(base.manifest, heads=heads)
        written = artifact.write(tmp_path / name, manifest, weights, frequency_of(base), base.phrases)
        digests.add(tuple(written.sha256.values()))
    assert len(digests) == 1


def test_a_label_that_is_gone_leaves_no_trace(learn):
    some = labels(30, 30)
    never, gone = learn(some[:-1]), learn([one for one in some if one is not some[-1]])
    np.testing.assert_array_equal(never.corrections["spam"].column, gone.corrections["spam"].column)


def test_the_model_that_is_written_scores_as_was_learnt(learn, spam_of, base, tmp_path):
    found = learn(labels(30, 30, share=0.5))
    weights, heads = folded_in(base, found)
    manifest = msgspec.structs.replace(base.manifest, heads=heads)
    artifact.write(tmp_path / "site", manifest, weights, frequency_of(base), base.phrases)
    texts, model = [wares(90), talk(90), "Nice!"], Classifier.load(tmp_path / "site")
    written = model.scored(model.features([Comment(text=text) for text in texts])).logits[:, 0]
    assert written == pytest.approx(spam_of(texts, found), abs=0.02)


def test_heads_nobody_spoke_of_stay_the_base_s(learn, base):
    weights, heads = folded_in(base, learn(labels(20, 20)))
    threat = [head.name for head in heads].index("threat")
    assert heads[threat] == base.manifest.heads[threat]
    np.testing.assert_allclose(weights[:, threat], np.asarray(base.weights)[:, threat] * heads[threat].scale)


def test_abuse_teaches_toxicity_alone(learn):
    found = learn([label(n, ABUSE, f"You {wares(n)}") for n in range(5)])
    assert list(found.corrections) == ["toxicity"]


def test_the_base_is_trusted_in_full_where_nothing_was_drawn_at_random(learn):
    assert learn(labels(60, 60)).corrections["spam"].trust == 1.0


def test_a_history_drawn_at_random_is_learnt_from_with_the_base_at_half_its_strength(learn):
    found = learn(labels(60, 60, share=1.0)).corrections["spam"]
    assert found.trust <= 0.5 and found.anchor == 0.0


def test_seeds_come_in_where_their_ham_would_be_held_otherwise(learn, base, vectorizer):
    """A blog on which ordinary talk is spam, and wares are what people talk of."""
    ham, spam = [Comment(text=talk(n)) for n in range(100, 140)], [Comment(text=wares(200 + n)) for n in range(40)]
    matrix = Rows.of(vectorizer.transform(ham + spam))
    anchors = Anchors(matrix, base_logits(base, matrix), np.array([[0.0, np.nan]] * 40 + [[1.0, np.nan]] * 40))
    turned = [label(n, SPAM, talk(n), share=1.0) for n in range(60)]
    turned += [label(1_000 + n, HAM, wares(n), share=1.0) for n in range(60)]
    assert learn(turned, anchors=anchors).corrections["spam"].anchor > 0.0
    assert learn(labels(60, 60, share=1.0), anchors=anchors).corrections["spam"].anchor == 0.0


def test_labels_drawn_at_random_may_say_that_the_base_is_worth_less(learn, base, vectorizer):
    """The base calls this blog's spam ham and the other way round."""
    from training.corpora import read_seeds

    seeds = [one for one in read_seeds() if one.labels.get("spam") in (0, 1) and not one.author]
    spam, ham = ([one.text for one in seeds if one.labels["spam"] == said][:80] for said in (1, 0))
    turned = [label(n, HAM, text, share=0.5) for n, text in enumerate(spam)]
    turned += [label(1_000 + n, SPAM, text, share=0.5) for n, text in enumerate(ham)]
    assert learn(turned).corrections["spam"].trust < 1.0


def test_scores_of_labels_come_from_fits_that_did_not_see_them_or_their_copies(learn, spam_of):
    odd = [label(900 + n, SPAM, f"{talk(500)} {n}", campaign="ee" * 16) for n in range(8)]
    some = labels(40, 40)
    seen = spam_of([one.comment.text for one in odd], learn(some + odd))
    unseen = learn(some + odd).corrections["spam"].unseen[-len(odd) :]
    assert (seen > 0).all() and (unseen < 0).all()


def test_labels_that_are_masked_teach_as_little_as_if_they_had_never_been_said(learn, vectorizer, base, spam_of):
    some, late = labels(30, 30), labels(50, 50)[30:50]
    every = [keep(one) for one in some + late]
    matrix = Rows.of(vectorizer.transform([one.comment for one in some + late]))
    rows = np.arange(len(every)) < len(some)
    masked, alone = adapt(base_logits(base, matrix), matrix, weigh(every, NOW, rows)), learn(some)
    texts = [wares(70), talk(70), "Nice!"]
    assert spam_of(texts, masked) == pytest.approx(spam_of(texts, alone), abs=0.01)
    assert np.isnan(masked.corrections["spam"].unseen[~rows]).all()


def test_of_many_labels_the_later_ones_are_scored_by_what_was_learnt_earlier(learn, vectorizer, base, monkeypatch):
    monkeypatch.setattr(training.adapt, "LEAST_TOLD", 50)
    some = [keep(one) for one in labels(40, 40)]
    matrix = Rows.of(vectorizer.transform([one.comment for one in labels(40, 40)]))
    logits, later = base_logits(base, matrix), np.arange(80) % 4 == 0
    early = adapt(logits, matrix, weigh(some, NOW, ~later))
    found = adapt(logits, matrix, weigh(some, NOW), earlier=Earlier(early, later)).corrections["spam"].unseen
    assert np.isnan(found[~later]).all()
    np.testing.assert_allclose(found[later], early.corrections["spam"].logits(logits[:, 0], matrix)[later], atol=1e-4)


def test_seeds_beside_the_labels_keep_ordinary_ham_where_it_is(learn, spam_of, base, vectorizer):
    """A site that only ever reviews spam."""
    ham = [talk(n) for n in range(100, 140)]
    spam = [Comment(text=wares(200 + n)) for n in range(40)]
    matrix = Rows.of(vectorizer.transform([Comment(text=text) for text in ham] + spam))
    targets = np.array([[0.0, np.nan]] * 40 + [[1.0, np.nan]] * 40)
    anchors = Anchors(matrix, base_logits(base, matrix), targets)
    held = [spam_of(map(talk, range(50, 90)), learn(labels(60, 1), anchors=one)).mean() for one in (None, anchors)]
    assert held[1] < held[0]
