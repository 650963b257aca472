"""Which language a text is in, and which attributes are given in it."""

from __future__ import annotations

import time

import pytest

from api.perspective.languages import Detector, Told, detector
from tests.perspective.conftest import HELLO, analysis

OROMO = "Akkam jirtu? Ani nagaa dha, galatoomi obboleessa koo"
TEXTS = {
    "en": "Thanks, that was a good read and it helped me a lot.",
    "de": "Vielen Dank, das war ein guter Artikel und hat mir sehr geholfen.",
    "fr": "Merci beaucoup, cet article était vraiment très intéressant.",
    "es": "Muchas gracias, este artículo me ha ayudado mucho con mi problema.",
    "pt": "Muito obrigado, este artigo ajudou-me muito com o meu problema.",
    "ru": "Спасибо большое, очень полезная статья, мне помогло.",
    "ja": "とても役に立つ記事でした。ありがとうございます。",
    "zh": "非常感谢，这篇文章对我帮助很大。",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_language_is_recognised(analyze, code):
    answer = analyze(TEXTS[code])
    assert (answer["languages"], answer["detectedLanguages"]) == ([code], [code])


def test_what_the_client_names_and_what_is_recognised_are_both_told(analyze):
    answer = analyze(TEXTS["de"], languages=["en"])
    assert (answer["languages"], answer["detectedLanguages"]) == (["en"], ["de"])


@pytest.mark.parametrize("code", ["en", "es", "fr", "de", "pt", "en-US", "pt_BR", "EN", "hi-Latn", "zh-Hant"])
def test_a_language_that_a_client_names_scores(analyze, code):
    assert analyze(languages=[code])["languages"] == [code]


def test_one_language_needs_no_list(analyze):
    assert analyze(languages="en")["languages"] == ["en"]


@pytest.mark.parametrize("languages", [[], [""], None])
def test_no_language_is_none(analyze, languages):
    assert analyze(languages=languages)["languages"] == ["en"]


def test_a_language_that_is_named_and_not_scored_is_refused(refused, post):
    body = analysis(HELLO, "INSULT", languages=["en", "sv", "ja"])
    message = "Attribute INSULT does not support request languages: sv, ja"
    assert refused(body) == (message, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE")
    assert post(body).json["error"]["details"][0]["languageNotSupportedByAttributeError"] == {
        "requestedLanguages": ["sv", "ja"],
        "attribute": "INSULT",
    }


def test_a_language_that_is_recognised_and_not_scored_is_refused(refused, post):
    message = "Attribute TOXICITY does not support request languages: om"
    assert refused(analysis(OROMO)) == (message, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE")
    assert post(analysis(OROMO)).json["error"]["details"][0]["languageNotSupportedByAttributeError"] == {
        "detectedLanguages": ["om"],
        "attribute": "TOXICITY",
    }


def test_what_the_client_names_counts_more_than_what_is_recognised(analyze):
    assert analyze(OROMO, languages=["en"])["attributeScores"]


def test_most_attributes_are_given_in_fewer_languages(analyze, refused):
    assert analyze(TEXTS["ja"], "TOXICITY", "SPAM")["attributeScores"]
    assert refused(analysis(TEXTS["ja"], "THREAT"))[1] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


@pytest.mark.parametrize("text", ["😀", "+1", "https://example.com/abc/def", "lol", "", "12345", "\n", "a" * 20_000])
def test_where_nothing_tells_nothing_is_told(text):
    assert detector.tell(text) == Told()


def test_who_does_not_wait_is_told_as_soon_as_the_model_is_there():
    new = Detector()
    assert new.tell(TEXTS["de"], wait=False) == Told()
    give_up = time.monotonic() + 30
    while new.tell(TEXTS["de"], wait=False) == Told() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert new.tell(TEXTS["de"], wait=False).code == "de"


def test_who_waits_is_told_at_once():
    assert Detector().tell(TEXTS["de"]) == Told("de", sure=True)
