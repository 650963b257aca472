from __future__ import annotations

import pytest
from hypothesis import given

from moderation.comment import Author, Comment
from moderation.features import extract
from moderation.text import Evidence, Link, fold
from moderation.tokens import DISGUISES, MAX_LINKS, MAX_NAMES, SHORT_TEXT, names_of, text_tokens, tokens_of
from tests.builders import BITS, make_author, make_comment
from tests.moderation.strategies import any_comments


def tokens(comment: Comment | None = None, *links: Link, evidence: Evidence | None = None) -> set[str]:
    found, _ = tokens_of(comment or make_comment(), links, evidence or Evidence())
    return {token.name for token in found}


def names(comment: Comment | None = None, *links: Link) -> str:
    return tokens_of(comment or make_comment(), links, Evidence())[1]


def of_words(text: str, original: str | None = None) -> list[str]:
    (found,) = text_tokens([text], [text if original is None else original])
    return [token.name for token in found]


def make_link(url: str = "http://example.com", anchor: str = "here", start: int = 3, end: int = 9) -> Link:
    return Link(url, anchor, start, end)


def test_a_comment_without_links_and_author_has_no_tokens_and_no_names():
    assert tokens() == set()
    assert names() == ""


@pytest.mark.parametrize(
    "author", [Author(), Author(ip="192.0.2.7", user_agent="curl", role="editor"), Author(name="", url="")]
)
def test_missing_fields_give_no_tokens_and_no_names(author):
    assert tokens(make_comment(author=author)) == set()
    assert names(make_comment(author=author)) == ""


def test_a_link_tells_its_domain_and_its_top_level_domain():
    assert {"link:domain=example.co.uk", "link:tld=uk"} <= tokens(None, make_link("https://blog.example.co.uk/x"))


def test_a_link_to_a_bare_address_has_no_domain():
    assert tokens(None, make_link("http://192.0.2.7/x")) == {"link:ip", "link:count=1"}


@pytest.mark.parametrize(("count", "name"), [(1, "1"), (2, "2"), (3, "3-5"), (5, "3-5"), (6, "6+"), (100, "6+")])
def test_links_are_counted_in_bins(count, name):
    assert {token for token in tokens(None, *[make_link()] * count) if "count" in token} == {f"link:count={name}"}


def test_only_the_first_links_are_read():
    links = [make_link(f"http://site{i}.com") for i in range(MAX_LINKS + 5)]
    assert sum(token.startswith("link:domain=") for token in tokens(None, *links)) == MAX_LINKS


@pytest.mark.parametrize(
    ("anchor", "mismatch"),
    [
        ("www.bank.com", True),
        ("https://bank.com/login", True),
        ("example.com", False),
        ("shop.example.com", False),
        ("click here. now", False),
        ("", False),
    ],
)
def test_an_anchor_that_names_another_domain_is_a_mismatch(anchor, mismatch):
    assert ("link:mismatch" in tokens(None, make_link("http://example.com", anchor))) is mismatch


def test_a_link_token_points_to_its_link():
    found, _ = tokens_of(make_comment(), (make_link(start=3, end=9),), Evidence())
    assert {token.span for token in found if token.name.startswith("link:domain")} == {(3, 9)}


def test_an_author_tells_the_domains_of_email_and_home_page():
    author = Author(email="ann@mail.example.org", url="https://blog.example.net")
    expected = {"email:domain=mail.example.org", "email:tld=org", "url:domain=example.net", "url:tld=net", "url:home"}
    assert tokens(make_comment(author=author)) == expected


@pytest.mark.parametrize(
    ("url", "depth"),
    [("http://example.com/", "url:home"), ("example.com", "url:home"), ("http://example.com/buy/now", "url:deep")],
)
def test_a_home_page_is_told_from_a_deep_link(url, depth):
    assert {token for token in tokens(make_comment(author=Author(url=url))) if token in ("url:home", "url:deep")} == {
        depth
    }


@pytest.mark.parametrize(
    ("name", "is_url"), [("best-casino.com", True), ("Ann", False), ("Ann B. Smith", False), ("Ann.", False)]
)
def test_an_address_for_a_name_is_a_token(name, is_url):
    assert ("name:url" in tokens(make_comment(author=Author(name=name)))) is is_url


@pytest.mark.parametrize("name", ["J.R.R.Tolkien", "Dr.Smith"])
def test_a_dotted_name_is_no_address(name):
    assert "name:url" not in tokens(make_comment(author=Author(name=name)))


def test_the_names_of_an_author_are_the_name_and_the_words_of_the_address():
    author = make_author(name="Ünal", url="https://cheap-pills.example/buy")
    assert names_of(author) == "Ünal cheap pills example buy"


def test_the_names_of_a_link_are_the_words_of_its_address():
    assert names(make_comment(), make_link("http://best-casino.ru")) == "best casino ru"


def test_names_are_cut_where_no_real_name_goes_on():
    url = "http://example.com/" + "/".join(f"{i}{'x' * 150}" for i in range(12))
    assert len(names(make_comment(), make_link(url))) <= MAX_NAMES


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(hidden=1), {"disguise:hidden"}),
        (Evidence(lookalikes=1), {"disguise:lookalikes"}),
        (Evidence(stacked=3), set()),
        (Evidence(stacked=4), {"disguise:stacked"}),
        (Evidence(bbcode=2), {"disguise:bbcode"}),
        (Evidence(spaced=1), {"disguise:spaced"}),
        (Evidence(leet=1, hidden=2), {"disguise:leet", "disguise:hidden"}),
        (Evidence(tags=9, entities=9), set()),
    ],
)
def test_disguise_is_told_but_html_is_not(evidence, expected):
    assert tokens(evidence=evidence) == expected <= set(DISGUISES)


@given(any_comments)
def test_every_token_is_of_a_known_group_with_something_to_show(comment):
    folded = fold(comment.text)
    found, _ = tokens_of(comment, folded.links, folded.evidence)
    assert all(token.group in ("link", "author", "disguise") for token in found)
    assert all(token.about or token.name.startswith("link") for token in found)


@given(any_comments)
def test_names_are_bounded(comment):
    folded = fold(comment.text)
    _, found = tokens_of(comment, folded.links, folded.evidence)
    assert len(found) <= MAX_NAMES


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (Author(name="fwucqvmdxn"), {"name:odd>5.0", "name:odd>5.6"}),
        (Author(url="http://uyyvryyldqww.com/"), {"url:odd>5.0", "url:odd>5.6"}),
        (Author(name="Christopher", url="https://christopher.example.org"), set()),
        (Author(name="wjqxk"), set()),
    ],
)
def test_names_of_no_language_are_told(author, expected):
    assert {name for name in tokens(make_comment(author=author)) if ":odd" in name} == expected


def test_links_of_no_language_are_told():
    found, _ = tokens_of(Comment(text=""), (Link("http://uyyvryyldqww.com/a", "", 0, 5),), Evidence())
    odd = [token for token in found if ":odd" in token.name]
    assert {(token.name, token.about, token.span) for token in odd} == {
        ("link:odd>5.0", "uyyvryyldqww", (0, 5)),
        ("link:odd>5.6", "uyyvryyldqww", (0, 5)),
    }


def test_few_words_of_no_language_are_told():
    assert of_words("gtydvpq wow") == ["text:odd>5.0", "text:odd>5.6"]
    assert of_words("nice article, wonderful", "Nice article, wonderful") == []


def test_a_long_text_may_quote_a_word_of_no_language():
    assert of_words("gtydvpq " * 9) == []


@pytest.mark.parametrize("word", ["ZYreVwoTEpqX", "hTjVbNqEwYcLpXs"])
def test_drawn_letters_in_capitals_and_small_are_told(word):
    assert "text:case" in of_words(word.lower(), f" {word}\n")
    assert "name:case" in tokens(make_comment(author=Author(name=word)))


@pytest.mark.parametrize("word", ["OpenStreetMap", "PostgreSQL", "hTjVbNqEwYcLpXs said so", "GTYDVPQ", "", "http://a"])
def test_other_capitals_are_not(word):
    assert "text:case" not in of_words(word.lower(), word)


def test_a_link_alone_is_no_drawn_word():
    assert of_words(" " * 22, "http://bit.ly/aBcDeFgH") == []


def test_a_scrambled_word_is_told_of_a_short_text_alone():
    text = "what a pthaogropher"
    short, long = extract([make_comment(text), make_comment(f"{text} {'and so on ' * SHORT_TEXT}")], BITS).tokens
    assert [(token.name, token.about, token.place) for token in short] == [("text:scrambled", "pthaogropher", (8, 20))]
    assert long == []


def test_a_fact_of_many_links_counts_once():
    links = [make_link(f"http://example.com/{number}", start=number, end=number + 1) for number in range(9)]
    found, words = tokens_of(make_comment(), tuple(links), Evidence())
    assert sorted(token.name for token in found) == ["link:count=6+", "link:domain=example.com", "link:tld=com"]
    assert {token.span for token in found if token.name == "link:tld=com"} == {(0, 1)}
    assert words.count("example") == len(links)
