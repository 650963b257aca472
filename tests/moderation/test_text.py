from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation import text as texts
from moderation.text import TABLES, Evidence, as_text, fold, fold_batch, plain_links, plainly, revealed
from tests.moderation.strategies import any_text, plain_text
from training import text_tables


@given(any_text)
def test_folding_twice_changes_nothing(text):
    once = fold(text).text
    assert fold(once).text == once


@pytest.mark.parametrize("plane", range(17))
def test_every_code_point_folds_to_a_fixpoint(plane):
    once = fold("x".join(map(chr, range(plane << 16, (plane + 1) << 16)))).text
    assert fold(once).text == once


@given(any_text)
def test_every_folded_character_comes_from_a_place_in_the_original(text):
    folded = fold(text)
    assert len(folded.offsets) == len(folded.text)
    assert all(0 <= place < len(text) for place in folded.offsets)


@given(any_text)
def test_places_in_the_original_never_go_back(text):
    assert np.all(np.diff(fold(text).offsets) >= 0)


@given(plain_text)
def test_each_character_comes_from_the_one_it_points_to(text):
    folded = fold(text)
    for character, place in zip(folded.text, folded.offsets, strict=True):
        assert character in fold(text[place]).text


@given(any_text)
def test_folded_text_holds_no_markup_no_newline_and_no_double_space(text):
    folded = fold(text).text
    assert not set(folded) & set("<>[]&\n\r\t\0")
    assert "  " not in folded


@given(st.lists(any_text, max_size=5))
@example(["a\x07b", "é"])
def test_a_text_folds_the_same_alone_and_in_company(texts):
    batch = fold_batch(texts)
    for i, text in enumerate(texts):
        alone, low, high = fold(text), batch.bounds[i] + 1, batch.bounds[i + 1]
        assert as_text(batch.codes[low:high]) == alone.text
        assert [places.tolist() for places in batch.traced(i)] == [alone.offsets.tolist(), alone.ends.tolist()]
        assert (batch.links[i], batch.evidence[i]) == (alone.links, alone.evidence)


ascii_text = st.text(st.characters(max_codepoint=127) | st.sampled_from("aaa  ..\n\0\x1e<>[]&"), max_size=40)


@given(st.lists(ascii_text, max_size=4))
@example(["", ""])
@example(["a\x1eb"])
@example(["nu\0l"])
@example(["a  b", "aaaa"])
@example(["I said: > ]"])
def test_plain_texts_fold_the_same_in_company_that_is_not_plain(some):
    plain, other = fold_batch(some), fold_batch([*some, "é"])
    end = int(other.bounds[len(some)]) + 1
    assert plain.text == as_text(plain.codes) == other.text[:end]
    assert plain.bounds.tolist() == other.bounds[: len(some) + 1].tolist()
    for i in range(len(some)):
        assert [places.tolist() for places in plain.traced(i)] == [places.tolist() for places in other.traced(i)]
    assert plain.evidence == other.evidence[: len(some)]


def test_a_batch_has_a_seam_before_every_text_and_one_at_the_end():
    batch = fold_batch(["a", "", "b\nc"])
    assert as_text(batch.codes) == "\na\n\nb c\n"
    assert batch.bounds.tolist() == [0, 2, 3, 7]


def test_an_empty_batch_folds_to_one_seam():
    assert as_text(fold_batch([]).codes) == "\n"


def test_the_shipped_tables_are_what_training_builds():
    shipped, built = np.load(TABLES, allow_pickle=False), text_tables.build()
    assert set(shipped.files) == set(built)
    assert all(np.array_equal(shipped[name], built[name]) for name in built)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Hello World", "hello world"),
        ("a \t\n\u00a0b", "a b"),
        ("Straße", "strasse"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("𝐇𝐞𝐥𝐥𝐨", "hello"),
        ("ﬁne", "fine"),
        ("crème brûlée", "creme brulee"),
        ("h̶e̶l̶l̶o̶", "hello"),
        ("zero\u200bwidth", "zerowidth"),
        ("\u202eright to left\u202c", "right to left"),
        ("soft\u00adhyphen", "softhyphen"),
        ("va\ufe0fria\U000e0101nt", "variant"),
        ("\U000e0041tag", "tag"),
        ("pаypаl", "paypal"),  # Cyrillic а
        ("gοοgle", "google"),  # Greek ο
        ("٤٢ ４２", "42 42"),
        ("сoooooool", "coool"),
        ("www", "www"),
        ("👍👍👍👍👍👍", "👍👍👍"),
        ("日本語", "日本語"),
        ("\ud800half", "half"),
        ("nu\x00l", "nul"),
        ("“quoted” ‘text’", "\"quoted\" 'text'"),
        ("5 < 6 & [7]", "5 ‹ 6 ⅋ ⁅7⁆"),
    ],
)
def test_disguise_is_folded_away(text, folded):
    assert fold(text).text == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("one<b>word</b>s", "onewords"),
        ("two<br>words", "two words"),
        ("<p>a</p><p>b</p>", " a b "),
        ("a<!-- hidden -->b", "a b"),
        ("a[i]b[/i]c", "abc"),
        ("[quote]a[/quote]", " a "),
        ("fish &amp; chips", "fish ⅋ chips"),
        ("caf&eacute;", "cafe"),
        ("&#118;&#x69;agra", "viagra"),
        ("&lt;b&gt;", "‹b›"),
        ("&amp;lt;", "⅋lt;"),
        ("I <3 you", "i ‹3 you"),
        ("a[0] = b[1]", "a⁅0⁆ = b⁅1⁆"),
    ],
)
def test_markup_is_folded_away(text, folded):
    assert fold(text).text == folded


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("plain", {}),
        ("a\u200bb\u202ec", {"hidden": 2}),
        ("a\U000e0041b", {"hidden": 1}),
        ("a\x07b", {"hidden": 1}),
        ("pаypal", {"lookalikes": 2}),
        ("привет", {}),
        ("h̶e̶y̶", {"stacked": 3}),
        ("crème", {}),
        ("<b>x</b><br>", {"tags": 3}),
        ("[b]x[/b]", {"bbcode": 2}),
        ("&lt;&#62;", {"entities": 2}),
    ],
)
def test_what_was_folded_is_counted(text, counts):
    evidence = fold(text).evidence
    names = ("hidden", "lookalikes", "stacked", "tags", "bbcode", "entities")
    assert {name: getattr(evidence, name) for name in names if getattr(evidence, name)} == counts


@pytest.mark.parametrize(
    ("text", "url", "anchor", "shown"),
    [
        ('See <a href="http://a.com/x">here</a>!', "http://a.com/x", "here", '<a href="http://a.com/x">here</a>'),
        ("<a rel=nofollow href=b.net>b</a>", "b.net", "b", "<a rel=nofollow href=b.net>b</a>"),
        ("<A HREF='c.org'><b>C</b>!</A> d", "c.org", "C!", "<A HREF='c.org'><b>C</b>!</A>"),
        ('<a href="http://a.com/?x&amp;y">z</a>', "http://a.com/?x&y", "z", '<a href="http://a.com/?x&amp;y">z</a>'),
        ("x [url=http://d.ru]cheap[/url]", "http://d.ru", "cheap", "[url=http://d.ru]cheap[/url]"),
        ("[url]http://e.com[/url]", "http://e.com", "http://e.com", "[url]http://e.com[/url]"),
        ('[link="f.io"]g[/link]', "f.io", "g", '[link="f.io"]g[/link]'),
        ('<a href="h.com">never closed', "h.com", "never closed", '<a href="h.com">never closed'),
    ],
)
def test_a_link_keeps_its_target_its_anchor_and_its_place(text, url, anchor, shown):
    (link,) = fold(text).links
    assert (link.url, link.anchor) == (url, anchor)
    assert text[link.start : link.end] == shown


def test_a_link_inside_a_link_ends_the_first():
    text = '<a href="a.com">one <a href="b.com">two</a>'
    assert [(link.url, link.anchor) for link in fold(text).links] == [("a.com", "one "), ("b.com", "two")]


@given(any_text)
def test_links_lie_inside_the_original_and_begin_with_their_markup(text):
    for link in fold(text).links:
        assert 0 <= link.start < link.end <= len(text)
        assert text[link.start] in "<["


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        ("buy PILLS now", "pills", "PILLS"),
        ("buy p\u200bills now", "pills", "p\u200bills"),
        ("buy pi<b>ll</b>s now", "pills", "pi<b>ll</b>s"),
        ("die Straße hier", "strasse", "Straße"),
        ("the ﬁne print", "fine", "ﬁne"),
        ("&#118;iagra!", "viagra", "&#118;iagra"),
        ("un caf&eacute; noir", "cafe", "caf&eacute;"),
        ("fast &bogus; food", "bogus", "bogus"),
    ],
)
def test_a_span_of_folded_text_leads_back_to_the_original(text, word, shown):
    folded = fold(text)
    at = folded.text.index(word)
    start, end = folded.span(at, at + len(word))
    assert text[start:end] == shown


def test_an_unknown_entity_is_no_entity():
    assert fold("&bogus;").evidence.entities == 0


def test_an_empty_span_is_empty():
    assert fold("abc").span(2, 2) == (0, 0)


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        ("v1agra", "viagra", "v1agra"),
        ("buy c4s1no", "casino", "c4s1no"),
        ("sh!t happens", "shit", "sh!t"),
        ("f*ck", "fck", "f*ck"),
        ("0nline", "online", "0nline"),
        ("buy v i a g r a now", "viagra", "v i a g r a"),
        ("f.r.e.e money", "free", "f.r.e.e"),
        ("c-a-s-h", "cash", "c-a-s-h"),
        ("v i @ g r 4", "viagra", "v i @ g r 4"),
    ],
)
def test_disguised_words_are_revealed(text, word, shown):
    ((found, places),) = revealed(text)
    assert found == word
    assert text[places[0] : places[-1] + 1] == shown


@pytest.mark.parametrize(
    "text",
    [
        *("h264", "2nd", "c++", "e.g.", "i.e.", "100%", "mp3", "5 stars!!!", "wow!", "fr33", "covid19", "a cat"),
        *(
            "lovely!this",
            "great!!!thanks",
            "yes|maybe",
            "kubectl+helm",
            "v1 is out",
            "call +49 30 1234",
            "$100",
            "3d",
            "100k",
            "a/b",
            "1. 2. 3.",
            "12:30",
            "hello world",
        ),
    ],
)
def test_plain_words_are_not_taken_for_leet(text):
    assert revealed(text) == []


def test_a_plain_word_is_not_revealed_because_a_disguised_one_stands_beside():
    assert [word for word, _ in revealed("v1agra against covid19")] == ["viagra"]


def test_a_shout_is_not_leet():
    assert [word for word, _ in revealed("cl1ck here!")] == ["click"]


def test_an_address_is_not_leet():
    assert revealed("mail ann@example.org") == []


def test_an_s_behind_an_apostrophe_is_no_spaced_letter():
    assert revealed("she's a 3 at best") == []


def test_a_row_of_numbers_is_not_a_word():
    assert revealed("1 2 3 4") == []


def test_a_word_is_revealed_once():
    assert [word for word, _ in revealed("v*i*a*g*r*a")] == ["viagra"]


@given(any_text)
def test_revealed_words_point_into_the_text(text):
    folded = fold(text).text
    for word, places in revealed(folded):
        assert len(word) == len(places)
        assert sorted(set(places)) == places and places[-1] < len(folded)


@given(any_text)
def test_plain_letters_of_a_revealed_word_are_the_ones_pointed_to(text):
    folded = fold(text).text
    for word, places in revealed(folded):
        assert all(folded[place] in (letter, *"0134578@$!+|") for letter, place in zip(word, places, strict=True))


disguised = st.lists(
    st.sampled_from(
        [
            "v1agra",
            "sh!t",
            "a",
            "b",
            "@",
            "$",
            ".",
            "-",
            "_",
            "'",
            " ",
            "1",
            "9",
            "é",
            "я",
            "www.",
            "://",
            "http",
            "x.com",
            "\n",
        ]
    ),
    max_size=30,
).map("".join)


@given(disguised | any_text.map(lambda text: fold(text).text))
def test_looking_only_where_something_may_stand_finds_all(text):
    assert [found.span() for found in plain_links(text)] == [found.span() for found in texts.PLAIN_LINK.finditer(text)]
    assert [found.span() for found in texts._spaced(text)] == [found.span() for found in texts._SPACED.finditer(text)]
    leet = [found.span() for found in texts._LEET_WORD.finditer(text) if texts._is_leet(found[0])]
    assert [found.span() for found in texts._leet(text)] == leet


def written_plainly(*texts: str) -> list[str]:
    folded = fold_batch(texts)
    return plainly(folded, folded.codes.size).text[1:-1].split("\n")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Buy V1AGRA now", "buy viagra now"),
        ("the c h e a p   p i l l s are here", "the cheap pills are here"),
        ("b.e.s.t. p-i-l-l-s", "best. pills"),
        ("f*ck this sh!t", "fck this shit"),
        ("w a i t   5   d a y s , all of you", "wait 5 days, all of you"),
        ("a  " + "   ".join(" ".join("wordy") for _ in range(30)), "a " + " ".join(["wordy"] * 30)),
        ("h264 and mp3 are no disguise", "h264 and mp3 are no disguise"),
        ("", ""),
    ],
)
def test_disguised_words_are_written_plainly(text, plain):
    assert written_plainly(text, "other", text) == [plain, "other", plain]


def test_only_the_first_texts_are_written_plainly():
    folded = fold_batch(["c4sino", "b3nny"])
    assert plainly(folded, int(folded.bounds[1]) + 1).text == "\ncasino\nb3nny\n"


def test_words_written_plainly_are_counted():
    folded = fold_batch(["fine", "c4sino c a s i n o sl0ts", "<b>c a s h</b>"])
    assert plainly(folded, folded.codes.size).evidence == [
        Evidence(),
        Evidence(spaced=1, leet=2),
        Evidence(spaced=1, tags=2),
    ]


@given(st.lists(st.text("ab0 1@$!.*-<b>é\u200b"), min_size=1, max_size=4))
@example(["a b c d"])
def test_a_plainly_written_text_leads_back_to_the_original(texts):
    folded = fold_batch(texts)
    plain = plainly(folded, folded.codes.size)
    assert plain.text == as_text(plain.codes) and plain.codes[plain.bounds].tolist() == [10] * (len(texts) + 1)
    for i, text in enumerate(texts):
        offsets, ends = plain.traced(i)
        assert offsets.size == ends.size == plain.bounds[i + 1] - plain.bounds[i] - 1
        assert all(0 <= low < high <= len(text) for low, high in zip(offsets, ends, strict=True))
        assert offsets.tolist() == sorted(offsets)
