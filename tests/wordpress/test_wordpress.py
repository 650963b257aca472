"""WordPress with its Akismet plug-in, from the settings page to a moderator's click."""

from __future__ import annotations

import re

import pytest

from moderation.past import Outcome
from tests.wordpress.conftest import until

PILLS = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"
SETTINGS = "wp-admin/options-general.php?page=akismet-key-config"


def enter(blog, key: str) -> str:
    """Enter a key on the settings page of the plug-in; the page that follows."""
    page = blog.admin.get(f"{SETTINGS}&view=start")
    nonce = re.search(r'name="_wpnonce" value="([0-9a-f]+)"', page)
    assert nonce is not None, page
    return blog.admin.post(SETTINGS, action="enter-key", key=key, _wpnonce=nonce[1], _wp_http_referer="/wp-admin/")


@pytest.fixture(scope="module")
def wordpress(blog):
    """The blog with its key."""
    enter(blog, blog.hamlet.key)
    assert blog.php("option", "wordpress_api_key") == blog.hamlet.key
    return blog


def test_a_wrong_key_is_not_taken(blog):
    assert "The key you entered is invalid" in enter(blog, "0123456789ab")
    assert blog.php("option", "wordpress_api_key") is False


def test_the_key_is_taken_and_the_page_says_so(wordpress):
    page = wordpress.admin.get(SETTINGS)
    assert wordpress.hamlet.key in page
    assert "There is a problem" not in page


def test_spam_lands_in_spam(wordpress):
    wordpress.comment("Cheap pills", PILLS)
    assert wordpress.status("Cheap pills") == "spam"


def test_a_friendly_comment_is_published(wordpress):
    wordpress.comment("Ann", 'Thanks, step 3 fixed it for me. It\'s "exactly" what I was looking for.')
    assert wordpress.status("Ann") == "approved"


def test_a_comment_that_is_held_waits(wordpress):
    wordpress.hamlet.ask("POST", "/v1/rules", {"action": "hold", "kind": "word", "value": "xylophone"})
    wordpress.comment("Xenia", "Where can I learn to play the xylophone?")
    assert wordpress.status("Xenia") == "unapproved"
    assert wordpress.waits("Xenia")


def test_what_a_moderator_of_wordpress_calls_spam_is_a_review(wordpress):
    wordpress.comment("Eve", "I'd like to tell \"everybody\" about C:\\new & <b>more</b>.\n\nIt's great, isn't it?")
    assert wordpress.status("Eve") == "approved"
    wordpress.act("Eve", "spamcomment")
    assert wordpress.reviews("Eve") == [(Outcome.SPAM, "akismet:admin")]


def test_what_a_moderator_of_wordpress_calls_fine_is_a_review(wordpress):
    wordpress.comment("Pill news", PILLS)
    wordpress.act("Pill news", "unspamcomment")
    assert wordpress.status("Pill news") == "unapproved"  # WordPress takes it out of Spam, to be looked at.
    assert wordpress.reviews("Pill news") == [(Outcome.HAM, "akismet:admin")]


def test_what_is_settled_in_hamlet_is_fetched_by_check_for_spam(wordpress):
    wordpress.comment("Yves", "My xylophone is better than yours.")
    said = {"outcome": "spam", "reviewer": "mia"}
    wordpress.hamlet.ask("POST", f"/v1/comments/{wordpress.waits('Yves')}/reviews", said)
    page = wordpress.admin.get("wp-admin/edit-comments.php")
    nonce = re.search(r'data-nonce="([0-9a-f]+)"', page)
    assert nonce is not None
    asked = {"action": "akismet_recheck_queue", "nonce": nonce[1], "offset": "0", "limit": "100"}
    wordpress.admin.post("wp-admin/admin-ajax.php", **asked)
    assert wordpress.status("Yves") == "spam"


@pytest.mark.parametrize(("author", "outcome", "status"), [("Wanda", "ham", "approved"), ("Vera", "spam", "spam")])
def test_what_is_settled_in_hamlet_reaches_the_blog_by_itself(wordpress, author, outcome, status):
    wordpress.comment(author, f"A xylophone for {author}.")
    assert wordpress.status(author) == "unapproved"
    said = {"outcome": outcome, "reviewer": "mia"}
    wordpress.hamlet.ask("POST", f"/v1/comments/{wordpress.waits(author)}/reviews", said)
    until(lambda: wordpress.status(author) == status)


def test_a_comment_waits_while_hamlet_does_not_answer(wordpress):
    wordpress.connect("http://127.0.0.1:1")
    wordpress.comment("Zoe", "Is anybody there?")
    wordpress.connect(f"http://127.0.0.1:{wordpress.hamlet.port}")
    assert wordpress.status("Zoe") == "unapproved"


# -- The must-use plug-in alone


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_calls_of_the_service_go_to_hamlet(blog, scheme):
    url, key = f"{scheme}://rest.akismet.com/1.1/verify-key", blog.hamlet.key
    assert blog.php("filter", url, f"key={key}&blog={blog.url}") == [200, "valid"]


def test_a_key_in_the_host_goes_along(blog):
    body = f"blog={blog.url}&user_ip=192.0.2.7&comment_content=Hi&is_test=1"
    url = f"https://{blog.hamlet.key}.rest.akismet.com/1.1/comment-check"
    assert blog.php("filter", url, body) == [200, "false"]


def test_without_an_answer_a_check_is_neither_true_nor_false(blog):
    blog.connect("http://127.0.0.1:1")
    answer = blog.php("filter", "https://rest.akismet.com/1.1/comment-check", f"blog={blog.url}")
    blog.connect(f"http://127.0.0.1:{blog.hamlet.port}")
    assert answer == [500, "error"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/1.1/comment-check",
        "https://rest.akismet.com.example.org/1.1/verify-key",
        "https://example.org/rest.akismet.com",
        "https://evil-rest.akismet.com/",
        "https://akismet.com/",
        "nonsense",
        "http:///",
    ],
)
def test_every_other_call_goes_where_it_went(blog, url):
    assert blog.php("filter", url, "") is False
