"""``comments:analyze``."""

from __future__ import annotations

import json

import pytest

from api.perspective.attributes import HEADS
from tests.perspective.conftest import HELLO, INSULT, analysis

PRODUCTION = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
OSMOD = (*PRODUCTION, "SEXUALLY_EXPLICIT", "FLIRTATION", "SPAM", "OBSCENE", "INFLAMMATORY", "LIKELY_TO_REJECT",
         "ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "INCOHERENT", "UNSUBSTANTIAL")  # fmt: skip


def value(answer, name="TOXICITY"):
    return answer["attributeScores"][name]["summaryScore"]["value"]


def test_the_answer_has_the_documented_shape(analyze):
    answer = analyze("Hello there, this is a nice day.", languages=["en"])
    score = {"value": value(answer), "type": "PROBABILITY"}
    assert answer == {
        "attributeScores": {
            "TOXICITY": {"spanScores": [{"begin": 0, "end": 32, "score": score}], "summaryScore": score}
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
    }


def test_answers_are_json_in_utf_8_as_the_service_says_it(post):
    assert post(analysis()).content_type == "application/json; charset=UTF-8"


def test_an_insult_scores_higher_than_thanks(analyze):
    assert value(analyze(INSULT)) > 0.9
    assert value(analyze(HELLO)) < 0.1


def test_the_scores_are_those_of_the_site_s_own_judging(client, analyze):
    text = "Cheap pills at http://best-pills.example/buy you idiot"
    own = client.post("/v1/score", json={"text": text}).json["scores"]
    answer = analyze(text, *PRODUCTION, "SPAM")
    assert {name: value(answer, name) for name in (*PRODUCTION, "SPAM")} == {
        name: own[name.lower()] for name in (*PRODUCTION, "SPAM")
    }


def test_an_experimental_twin_scores_the_same(analyze):
    answer = analyze(INSULT, "INSULT", "INSULT_EXPERIMENTAL")
    assert value(answer, "INSULT") == value(answer, "INSULT_EXPERIMENTAL")


def test_all_attributes_can_be_asked_for_at_once(analyze):
    assert list(analyze(HELLO, *HEADS)["attributeScores"]) == list(HEADS)


def test_the_version_of_an_attribute_stays_in_its_name(analyze):
    assert list(analyze(HELLO, "TOXICITY@6", "SPAM@1")["attributeScores"]) == ["TOXICITY@6", "SPAM@1"]


def test_an_attribute_may_be_null(analyze):
    assert list(analyze(requestedAttributes={"TOXICITY": None})["attributeScores"]) == ["TOXICITY"]


def test_the_token_is_sent_back(analyze):
    assert analyze(clientToken="c1")["clientToken"] == "c1"
    assert "clientToken" not in analyze(clientToken="")


@pytest.mark.parametrize("field", ["sessionId", "communityId"])
def test_other_names_are_not_sent_back(analyze, field):
    assert analyze(**{field: "x"}) == analyze()


@pytest.mark.parametrize(
    "context",
    [{"entries": [{"text": INSULT}, {}]}, {"articleAndParentComment": {"article": {"text": INSULT}}}],
)
def test_the_context_does_not_change_the_scores(analyze, context):
    assert analyze(context=context) == analyze()


@pytest.mark.parametrize("kind", [None, "PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED", 0, 1])
def test_plain_text_may_say_so(post, kind):
    assert post(analysis(comment={"text": "Hi", "type": kind})).status_code == 200


@pytest.mark.parametrize("text", ["😀😀", "+1", "http://example.com/a", " ", "?", "\u200b", "\0"])
def test_what_has_no_language_is_scored(analyze, text):
    answer = analyze(text)
    assert 0 <= value(answer) <= 1
    assert (answer["languages"], answer["detectedLanguages"]) == (["en"], ["und"])


# -- Thresholds


def scores_from(analyze, threshold, **more):
    wanted = {"TOXICITY": {"scoreThreshold": threshold}}
    return analyze(INSULT, requestedAttributes=wanted, **more)["attributeScores"]["TOXICITY"]


def test_below_its_threshold_an_attribute_stays_and_says_nothing(analyze):
    assert scores_from(analyze, 1) == {}


@pytest.mark.parametrize("threshold", [0, 0.0, None, "0.5", -3])
def test_from_its_threshold_on_an_attribute_is_told(analyze, threshold):
    assert set(scores_from(analyze, threshold)) == {"spanScores", "summaryScore"}


def test_the_threshold_itself_is_not_below(analyze):
    exact = value(analyze(INSULT))
    assert scores_from(analyze, exact)["summaryScore"]["value"] == exact


def test_spans_below_the_threshold_are_left_out(analyze):
    wanted = {"TOXICITY": {"scoreThreshold": 0.5}}
    text = f"{INSULT} Thanks for the recipe."
    answer = analyze(text, requestedAttributes=wanted, spanAnnotations=True)
    (span,) = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, len(INSULT))


# -- What is refused, in which words


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b"{comment: {}}", {"comment": {"text": ""}}, {"comment": None}])
def test_a_comment_must_be_there(refused, body):
    assert refused(body) == ("Comment must be non-empty.", "COMMENT_EMPTY")


def test_the_longest_text_is_scored(analyze):
    assert analyze("é" * 10_240)["attributeScores"]


def test_a_text_is_measured_in_bytes(refused):
    assert refused(analysis("é" * 10_240 + "e")) == ("Comment text too long.", "COMMENT_TOO_LONG")


@pytest.mark.parametrize("wanted", [{}, None])
def test_something_must_be_asked_for(refused, wanted):
    assert refused(analysis(requestedAttributes=wanted)) == ("Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES")


@pytest.mark.parametrize("name", ["FLIRTATION", "toxicity", "TOXICITY@", "@6", "", "SPAM_EXPERIMENTAL", "TOXICITY@6@7"])
def test_a_score_that_there_is_not_is_not_invented(refused, name):
    assert refused(analysis(HELLO, name)) == (f"Unknown requested attribute: {name}", "INVALID_REQUEST")


def test_a_score_type_that_there_is_not_is_refused(refused):
    body = analysis(requestedAttributes={"TOXICITY": {"scoreType": "RAW"}})
    message = "Requested score type RAW is not supported by attribute TOXICITY"
    assert refused(body) == (message, "INVALID_REQUEST")


@pytest.mark.parametrize("kind", ["HTML", 2])
def test_markup_is_refused(refused, kind):
    body = analysis(comment={"text": "Hi", "type": kind})
    assert refused(body) == ("Currently, only 'PLAIN_TEXT' comments are supported", "INVALID_REQUEST")


@pytest.mark.parametrize("kind", ["TEX", 3, -1])
def test_a_text_of_no_known_sort_is_refused(refused, kind):
    assert refused(analysis(comment={"text": "Hi", "type": kind})) == ("Unknown text type", "INVALID_REQUEST")


def test_two_contexts_are_refused(refused):
    body = analysis(context={"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}})
    message = "Context can have either entries or article_and_parent_comment, but both fields were populated."
    assert refused(body) == (message, "INVALID_REQUEST")


def test_what_is_wrong_is_told_in_the_documented_order(refused):
    assert refused(analysis("", "FLIRTATION", languages=["sv"]))[1] == "COMMENT_EMPTY"
    assert refused(analysis(HELLO, "FLIRTATION", languages=["sv"]))[1] == "INVALID_REQUEST"
    assert refused(analysis(HELLO, languages=["sv"]))[1] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


def test_there_is_an_end_to_how_much_can_be_asked_for(refused):
    names = [f"TOXICITY@{number}" for number in range(101)]
    assert refused(analysis(HELLO, *names)) == ("At most 100 attributes can be requested.", "INVALID_REQUEST")


# -- A site that wants what it can get


def test_attributes_that_are_not_scored_can_be_left_out(analyze, choose):
    choose(perspective_omit_unknown=True)
    assert list(analyze(HELLO, *OSMOD)["attributeScores"]) == [*PRODUCTION, "SPAM"]


def test_with_all_attributes_left_out_the_answer_is_empty(analyze, choose):
    choose(perspective_omit_unknown=True)
    assert analyze(HELLO, "FLIRTATION")["attributeScores"] == {}


def test_a_model_without_a_head_has_no_score_of_it(make_app, model_folder):
    app = make_app(models=model_folder.parents[1])
    sites = app.extensions["hamlet"].sites
    sites.create_site("blog")
    body = json.dumps(analysis(HELLO, "THREAT"))
    response = app.test_client().post(f"/v1alpha1/comments:analyze?key={sites.create_key('blog')}", data=body)
    assert response.json["error"]["message"] == "Unknown requested attribute: THREAT"


# -- Nothing is kept


@pytest.mark.parametrize("said", [{}, {"doNotStore": True}, {"doNotStore": False}])
def test_nothing_is_kept(analyze, stored, said):
    analyze(**said)
    assert stored() == 0


def test_no_word_of_a_comment_is_written_anywhere(server):
    before = server.output
    body = analysis("quixotic zebra", context={"entries": [{"text": "marmalade sextant"}]}, doNotStore=True)
    for wanted in ({"TOXICITY": {}}, {"FLIRTATION": {}}, 5):
        server.ask("POST", f"/v1alpha1/comments:analyze?key={server.key}", {**body, "requestedAttributes": wanted})
    written = [path.read_bytes() for path in server.log.parent.rglob("*") if path.is_file()]
    assert b"CREATE TABLE comments" in b"".join(written)
    assert not any(word in one for word in (b"quixotic", b"marmalade") for one in written)
    assert server.output == before
