"""``comments:suggestscore``: what people say, as reviews."""

from __future__ import annotations

import json

import pytest

from moderation.policy import Override
from tests.conftest import client_of, parts_of
from tests.perspective.conftest import HELLO, INSULT


def suggestion(value=1, name="TOXICITY", text=INSULT, **changes):
    """What Coral sends when a moderator has decided."""
    place = {"url": "https://blog.example.org/story?page=2&commentID=c7", "reply_to_id_Coral_comment_id": "c6",
             "Coral_comment_id": "c7"}  # fmt: skip
    return {
        "comment": {"text": text},
        "context": {"entries": [{"text": json.dumps(place)}]},
        "attributeScores": {name: {"summaryScore": {"value": value}}},
        "languages": ["en"],
        "communityId": "Coral:https://blog.example.org",
        "clientToken": "comment:c7",
        **changes,
    }


@pytest.fixture
def suggest(post):
    """Takes a suggestion; its answer."""

    def send(*args, **changes):
        response = post(suggestion(*args, **changes), "suggestscore")
        assert response.status_code == 200, response.text
        return response.json

    return send


@pytest.fixture
def kept(app):
    """All comments of the site ``blog``, with their reviews."""

    def find():
        found = parts_of(app)
        site = found.sites.site("blog").id
        with found.engine.connect() as connection:
            ids = connection.exec_driver_sql("SELECT id FROM comments ORDER BY id").scalars().all()
        return [found.store.history(site, one) for one in ids]

    return find


@pytest.fixture
def outcomes(kept):
    """What was said of the only comment."""

    def find():
        (history,) = kept()
        return [str(review.outcome) for review in history.reviews]

    return find


def test_the_answer_has_the_documented_shape(suggest):
    told = {"clientToken": "comment:c7", "detectedLanguages": ["en"], "requestedLanguages": ["en"]}
    assert suggest(text=HELLO) == told


def test_without_token_and_languages_the_answer_has_none(suggest):
    assert suggest(text=HELLO, clientToken=None, languages=None) == {"detectedLanguages": ["en"]}


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("TOXICITY", 1, "abuse"),
        ("TOXICITY@6", 0.5, "abuse"),
        ("INSULT", 0.9, "abuse"),
        ("TOXICITY", 0.49, "ham"),
        ("TOXICITY", 0, "ham"),
        ("SPAM", 1, "spam"),
        ("SPAM", 0, "ham"),
    ],
)
def test_a_score_becomes_a_review(suggest, outcomes, name, value, outcome):
    suggest(value, name)
    assert outcomes() == [outcome]


def test_the_highest_score_has_the_word(suggest, outcomes):
    scores = {"TOXICITY": {"summaryScore": {"value": 0.6}}, "SPAM": {"summaryScore": {"value": 0.9}}}
    suggest(attributeScores=scores)
    assert outcomes() == ["spam"]


@pytest.mark.parametrize("score", [{}, {"type": "PROBABILITY"}, {"value": None}])
def test_a_value_that_is_left_out_is_zero(suggest, outcomes, score):
    suggest(attributeScores={"TOXICITY": {"summaryScore": score}})
    assert outcomes() == ["ham"]


def test_scores_of_parts_will_do(suggest, outcomes):
    spans = [{"begin": 0, "end": 4, "score": {"value": 0.1}}, {"begin": 4, "end": 9, "score": {"value": 0.8}}]
    suggest(attributeScores={"TOXICITY": {"spanScores": spans}})
    assert outcomes() == ["abuse"]


def test_the_comment_is_kept_with_its_place(suggest, kept):
    suggest()
    (history,) = kept()
    comment = history.revisions[0].comment
    assert (comment.text, comment.post.url) == (INSULT, "https://blog.example.org/story?page=2")
    assert (comment.parent.id, history.external_id[:12]) == ("c6", "perspective:")
    assert history.reviews[0].reviewer == "perspective:Coral:https://blog.example.org"


def test_the_opposite_value_is_another_review_of_the_same_comment(suggest, outcomes):
    for value in (1, 0):
        suggest(value)
    assert outcomes() == ["abuse", "ham"]


def test_the_same_value_again_says_nothing_new(suggest, outcomes):
    for _ in range(2):
        suggest()
    assert outcomes() == ["abuse"]


def test_a_comment_that_was_edited_is_the_same_comment(suggest, kept):
    suggest(1, text=INSULT)
    suggest(0, text=HELLO)
    (history,) = kept()
    assert [one.comment.text for one in history.revisions] == [INSULT, HELLO]


def test_the_same_value_for_an_edited_comment_settles_it_too(app, suggest, choose):
    choose(thresholds={"spam": Override(hold_at=0.0, reject_at=None)})
    for text in (HELLO, f"{HELLO} And again."):
        suggest(0, text=text)
    found = parts_of(app)
    assert found.queue.counts([found.sites.site("blog").id]).total == 0


def test_another_token_is_another_comment(suggest, kept):
    suggest()
    suggest(clientToken="comment:c8")
    suggest(communityId="Coral:https://other.example.org")
    assert len(kept()) == 3


def test_without_a_token_the_text_tells_which_comment_it_is(suggest, kept):
    for text in (HELLO, HELLO, INSULT):
        suggest(text=text, clientToken=None)
    assert len(kept()) == 2


def test_a_token_is_never_taken_for_a_text(suggest, kept):
    suggest(clientToken=HELLO)
    suggest(text=HELLO, clientToken=None)
    assert len(kept()) == 2


def test_without_a_community_the_protocol_is_the_reviewer(suggest, kept):
    suggest(communityId=None)
    assert kept()[0].reviews[0].reviewer == "perspective"


def test_what_was_said_reaches_the_feed(client, suggest):
    suggest(0, text="Cheap pills at http://best-pills.example/buy now, no prescription!!!")
    (told,) = client.get("/v1/decisions").json["decisions"]
    assert (told["decision"], told["outcome"]) == ("accept", "ham")


def test_another_site_does_not_see_it(app, suggest, kept):
    suggest()
    assert client_of(app, "other").get(f"/v1/comments/{kept()[0].id}").status_code == 404


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"url": 5}', "[" * 100_000, '{"url": "http://[x"}', "\0"])
def test_a_context_that_is_none_of_coral_s_says_nothing(suggest, kept, text):
    suggest(context={"entries": [{"text": text}]})
    assert kept()[0].revisions[0].comment.post is None


@pytest.mark.parametrize("text", ['{"url": "\\ud800"}', '{"url": "/a\\u0000"}'])
def test_a_context_keeps_nothing_that_no_database_holds(suggest, kept, text):
    place = text.replace("url", "reply_to_id_Coral_comment_id")
    suggest(context={"entries": [{"text": text}]})
    suggest(clientToken="other", context={"entries": [{"text": place}]})
    comments = [one.revisions[0].comment for one in kept()]
    assert len(comments) == 2
    assert all("\0" not in f"{one.post and one.post.url}{one.parent and one.parent.id}" for one in comments)


# -- What is refused


@pytest.mark.parametrize("scores", [{}, None])
def test_a_score_must_be_there(refused, scores):
    assert refused(suggestion(attributeScores=scores), "suggestscore")[0] == "Missing attribute_scores"


@pytest.mark.parametrize("score", [{}, None, {"spanScores": []}])
def test_an_attribute_must_have_a_score(refused, score):
    message, kind = refused(suggestion(attributeScores={"TOXICITY": score}), "suggestscore")
    assert (message, kind) == ("Attribute TOXICITY must have a summary_score or span_scores", "INVALID_REQUEST")


@pytest.mark.parametrize(
    "score",
    [
        {"summaryScore": {"value": 1.1}},
        {"summaryScore": {"value": -0.1}},
        {"summaryScore": {"value": "1"}},
        {"summaryScore": 1},
        {"spanScores": [{"end": 3, "score": {"value": 1}}]},
        {"spanScores": [{"begin": 0, "score": {"value": 1}}]},
        {"spanScores": {}},
    ],
)
def test_a_score_that_is_none_is_refused(refused, stored, score):
    message, _ = refused(suggestion(attributeScores={"TOXICITY": score}), "suggestscore")
    assert message.startswith("Invalid value at 'attributeScores[...]")
    assert stored() == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_no_score_of_zero(refused, stored, value):
    body = json.dumps(suggestion(float(value))).encode()
    assert value.encode() in body
    assert refused(body, "suggestscore")[0].startswith("Invalid JSON payload received.")
    assert stored() == 0


def test_an_attribute_that_is_not_scored_is_refused(refused, stored):
    assert refused(suggestion(name="FLIRTATION"), "suggestscore")[0] == "Unknown requested attribute: FLIRTATION"
    assert stored() == 0


def test_an_attribute_that_may_be_left_out_says_nothing(suggest, stored, choose):
    choose(perspective_omit_unknown=True)
    suggest(name="FLIRTATION")
    assert stored() == 0


@pytest.mark.parametrize(("text", "kind"), [("", "COMMENT_EMPTY"), ("x" * 20_481, "COMMENT_TOO_LONG")])
def test_a_comment_must_be_one(refused, text, kind):
    assert refused(suggestion(text=text), "suggestscore")[1] == kind
