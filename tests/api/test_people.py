"""Signing in to the dashboard, one's own account, and the people of a site."""

from __future__ import annotations

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from api.dashboard.access import local_path
from moderation.people import Preferences, Role
from tests.conftest import client_of, parts_of
from tests.people import PASSWORD, Clock, csrf_token, make_member, send, signed_in, with_people

JSON = {"Accept": "application/json"}
SIGN_IN = "/dashboard/sign-in"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(app, clock):
    """Ann owns ``blog`` and ``shop``; Mo moderates ``blog``, Vic views it; Charlie has a site of his own."""
    people = with_people(app, "blog", "shop", clock=clock)
    make_member(people, 1, Role.MODERATOR, "mo")
    make_member(people, 1, Role.VIEWER, "vic")
    parts_of(app).sites.create_site("elsewhere")
    make_member(people, 3, Role.OWNER, "charlie")
    return people


@pytest.fixture
def browser(app, people):
    """A browser in which nobody has signed in."""
    return app.test_client()


@pytest.fixture
def ann(app, people):
    return signed_in(app)


def cookie_of(answer: TestResponse) -> str:
    return answer.headers.get("Set-Cookie", "")


def link_on(page: TestResponse) -> str:
    """The one-time link that a page shows, as a path."""
    found = re.search(r'readonly value="http://localhost(/dashboard/welcome/[\w-]+)"', page.text)
    assert found is not None, page.text
    return found[1]


# -- Signing in


def test_the_form_has_a_language_labels_and_a_token(browser):
    page = browser.get(SIGN_IN)
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert re.search(r'<label for="name">Name</label>\s*<input autocomplete="username"', page.text)
    assert csrf_token(page)


def test_whoever_signs_in_goes_to_the_page_they_wanted(browser):
    answer = browser.get("/dashboard/account?x=1")
    assert (answer.status_code, answer.location) == (303, "/dashboard/sign-in?next=/dashboard/account?x%3D1")
    answer = send(browser, SIGN_IN, answer.location, name="ann", password=PASSWORD, next="/dashboard/account?x=1")
    assert (answer.status_code, answer.location) == (303, "/dashboard/account?x=1")
    assert browser.get(answer.location).status_code == 200


def test_the_page_wanted_is_in_the_form(browser):
    page = browser.get(SIGN_IN, query_string={"next": '/dashboard/"><script>'})
    assert '"><script>' not in page.text
    assert 'value="/dashboard/&#34;&gt;&lt;script&gt;"' in page.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/dashboard\\@evil.example", "/dashboardevil", "/dashboard@evil.example", "/dashboard/\n//evil.example",
        "/\t/evil.example", "/v1/comments", "http:/dashboard/", "", "/dashboard.evil.example",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(browser, target):
    assert local_path(target) == "/dashboard/"
    assert send(browser, SIGN_IN, name="ann", password=PASSWORD, next=target).location == "/dashboard/"


@pytest.mark.parametrize("target", ["/dashboard", "/dashboard/", "/dashboard?site=blog", "/dashboard/people/blog"])
def test_a_page_of_the_dashboard_is_a_place_to_go(target):
    assert local_path(target) == target


def test_whoever_is_signed_in_is_not_asked_again(ann):
    assert ann.get(SIGN_IN + "?next=/dashboard/account").location == "/dashboard/account"


@pytest.mark.parametrize(("name", "password"), [("ann", "not the password"), ("nobody", PASSWORD), ("a\0b", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(browser, name, password):
    answer = send(browser, SIGN_IN, name=name, password=password)
    assert answer.status_code == 403
    assert "Name and password do not fit." in answer.text
    assert password not in answer.text
    assert browser.get("/dashboard/account").status_code == 303


def test_an_empty_form_says_what_is_missing(browser):
    answer = send(browser, SIGN_IN)
    assert answer.status_code == 422
    assert answer.text.count("This is needed.") == 2
    assert 'aria-describedby="name-error"' in answer.text


def test_guesses_are_slowed_down(browser, clock):
    for _ in range(5):
        assert send(browser, SIGN_IN, name="ann", password="not the password").status_code == 403
    answer = send(browser, SIGN_IN, name="ann", password=PASSWORD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert "Wait a second and try again." in answer.text
    clock.forward(seconds=1)
    assert send(browser, SIGN_IN, name="ann", password=PASSWORD).status_code == 303


def from_address(browser, name: str, peer: str, told: str = "") -> int:
    token = csrf_token(browser.get(SIGN_IN))
    form = {"csrf_token": token, "name": name, "password": "not the password"}
    headers = {"X-Forwarded-For": told} if told else {}
    return browser.post(SIGN_IN, data=form, headers=headers, environ_base={"REMOTE_ADDR": peer}).status_code


def test_an_address_behind_a_near_proxy_is_the_one_it_adds(browser):
    for number in range(20):
        assert from_address(browser, f"n{number}", "127.0.0.1", f"198.51.100.{number}, 203.0.113.9") == 403
    assert from_address(browser, "other", "127.0.0.1", "203.0.113.9") == 429
    assert from_address(browser, "other", "127.0.0.1", "203.0.113.8") == 403


def test_nobody_far_away_tells_us_their_address(browser):
    for number in range(20):
        assert from_address(browser, f"n{number}", "8.8.8.8", f"198.51.100.{number}") == 403
    assert from_address(browser, "other", "8.8.8.8", "198.51.100.77") == 429


def test_a_far_address_is_no_near_one_where_both_protocols_are_listened_for(browser):
    for number in range(20):
        assert from_address(browser, f"n{number}", "::ffff:8.8.8.8", f"198.51.100.{number}") == 403
    assert from_address(browser, "other", "::ffff:8.8.8.8", "198.51.100.77") == 429


def test_a_disabled_account_is_signed_out_at_once(people, ann):
    make_member(people, 1, Role.OWNER, "olga")
    make_member(people, 2, Role.OWNER, "olaf")
    assert ann.get("/dashboard/account").status_code == 200
    people.disable("ann", by="olga")
    assert ann.get("/dashboard/account").status_code == 303


# -- The cookie


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser):
    cookie = cookie_of(send(browser, SIGN_IN, name="ann", password=PASSWORD))
    assert cookie.startswith("hamlet_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/dashboard"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


@pytest.mark.parametrize("call", [{"base_url": "https://localhost"}, {"headers": {"X-Forwarded-Proto": "https"}}])
def test_a_cookie_handed_out_over_https_stays_there(browser, call):
    cookie = cookie_of(browser.get(SIGN_IN, **call))
    assert "Secure" in cookie.split("; ")


def test_a_session_of_before_is_not_carried_over(app, people, browser):
    planted = browser.get(SIGN_IN)
    before = browser.get_cookie("hamlet_session", path="/dashboard").value
    answer = send(browser, SIGN_IN, name="ann", password=PASSWORD)
    assert answer.status_code == 303
    assert browser.get_cookie("hamlet_session", path="/dashboard").value != before
    assert csrf_token(browser.get("/dashboard/account")) != csrf_token(planted)
    victim = app.test_client()
    victim.set_cookie("hamlet_session", before, path="/dashboard")
    assert victim.get("/dashboard/account").status_code == 303


@pytest.mark.parametrize("value", ["nonsense", "", "eyJzZXNzaW9uIjoieCJ9.aaaa.bbbb"])
def test_a_cookie_that_was_made_up_is_nobody_s(browser, value):
    browser.set_cookie("hamlet_session", value, path="/dashboard")
    assert browser.get("/dashboard/account").status_code == 303


def test_a_session_that_is_over_leads_to_the_form(ann, clock):
    clock.forward(days=14)
    assert ann.get("/dashboard/account").location == "/dashboard/sign-in?next=/dashboard/account"


def test_a_script_is_told_that_nobody_is_signed_in(browser, problem):
    problem(browser.get("/dashboard/account", headers=JSON), 401, "sign-in-needed")


def test_after_signing_in_again_a_script_gets_the_new_token(ann):
    answer = ann.get("/dashboard/session", headers=JSON)
    assert answer.json["name"] == "ann"
    sent = ann.post("/dashboard/sign-out", headers={"X-CSRFToken": answer.json["csrf_token"]})
    assert sent.status_code == 303


def test_the_api_knows_no_cookie(ann):
    assert ann.get("/v1/site").status_code == 401


def test_the_api_needs_no_token(app):
    assert client_of(app).post("/v1/comments", json={"text": "Hi"}).status_code == 200


# -- Tokens of forms, headers

FORMS = [
    "sign-in", "sign-out", "account/password", "account/preferences", "account/sign-out-everywhere",
    "people/blog/invite", "people/blog/2/role", "people/blog/2/remove", "people/blog/2/reset", "welcome/x",
    "welcome/x/accept",
]  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_form_without_its_token_is_refused(ann, problem, path, token):
    answer = ann.post(f"/dashboard/{path}", data={"csrf_token": token}, headers=JSON)
    problem(answer, 400, "stale-form")
    assert ann.get("/dashboard/account").status_code == 200


def test_a_token_of_another_session_is_refused(ann, browser):
    stolen = csrf_token(browser.get(SIGN_IN))
    answer = ann.post("/dashboard/sign-out", data={"csrf_token": stolen})
    assert answer.status_code == 400
    assert "The page was out of date." in unescape(answer.text)


def test_every_form_of_these_pages_was_tried(app):
    found = {
        re.sub(r"<int:\w+>", "2", rule.rule).replace("<site>", "blog").replace("<token>", "x")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("dashboard.people.") and "POST" in (rule.methods or ())
    }
    assert found == {f"/dashboard/{path}" for path in FORMS}


@pytest.mark.parametrize("path", ["sign-in", "account", "people/blog", "people/nowhere", "welcome/x"])
def test_pages_run_nothing_from_elsewhere_and_are_not_kept(ann, path):
    headers = ann.get(f"/dashboard/{path}").headers
    assert headers["Cache-Control"] == "no-store"
    if headers["Content-Type"].startswith("text/html") and path != "sign-in":
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'" in policy
        assert "unsafe" not in policy


def test_the_pages_have_no_script_and_no_style_of_their_own(ann):
    for path in ("account", "people/blog"):
        page = ann.get(f"/dashboard/{path}").text
        assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=", page)


# -- Signing out


def test_signing_out_ends_the_session_in_the_database_too(app, ann):
    kept = ann.get_cookie("hamlet_session", path="/dashboard").value
    answer = send(ann, "/dashboard/sign-out", "/dashboard/account")
    assert answer.location == SIGN_IN
    assert "You are signed out." in ann.get(SIGN_IN).text
    thief = app.test_client()
    thief.set_cookie("hamlet_session", kept, path="/dashboard")
    assert thief.get("/dashboard/account").status_code == 303


def test_signing_out_everywhere_ends_all_sessions(app, ann):
    other = signed_in(app)
    send(ann, "/dashboard/account/sign-out-everywhere", "/dashboard/account")
    assert [one.get("/dashboard/account").status_code for one in (ann, other)] == [303, 303]


# -- One's own account


def test_the_account_lists_the_sessions(app, people, ann):
    app.test_client().get(SIGN_IN)
    people.sign_in("ann", PASSWORD, "192.0.2.1", FIREFOX)
    page = ann.get("/dashboard/account").text
    assert FIREFOX in page
    assert page.count("(this one)") == 1


def change_password(ann, old: str, new: str, again: str | None = None) -> TestResponse:
    fields = {"old": old, "password": new, "again": new if again is None else again}
    return send(ann, "/dashboard/account/password", "/dashboard/account", **fields)


def test_the_password_is_changed_and_other_sessions_end(app, ann):
    other = signed_in(app)
    assert change_password(ann, PASSWORD, "another password").status_code == 303
    assert ann.get("/dashboard/account").status_code == 200
    assert other.get("/dashboard/account").status_code == 303
    signed_in(app, password="another password")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (("not the password", "another password"), "That is not your password."),
        ((PASSWORD, "short"), "A password has 10 to 1000 characters and is not your name."),
        ((PASSWORD, "another password", "anothr password"), "The two passwords differ."),
        (("", "another password"), "This is needed."),
    ],
)
def test_a_password_that_will_not_do_is_explained(ann, fields, told):
    answer = change_password(ann, *fields)
    assert answer.status_code == 422
    assert told in unescape(answer.text)


def keys(**changes: str) -> dict[str, str]:
    from api.dashboard.keys import keys_of

    return {f"key_{name}": key.replace(" ", "space") for name, key in (keys_of({}) | changes).items()}


def choose(ann, **fields: str) -> TestResponse:
    return send(ann, "/dashboard/account/preferences", "/dashboard/account", **fields)


def test_preferences_are_kept(people, ann):
    assert choose(ann, language="de", blur_abuse="y", **keys(next="ö")).status_code == 303
    assert people.user("ann").preferences == Preferences("de", {"next": "ö"}, True)
    page = ann.get("/dashboard/account").text
    assert '<html lang="de">' in page
    assert re.search(r'id="key_next"[^>]* value="ö"', page)


def test_two_actions_cannot_have_one_key(people, ann):
    answer = choose(ann, language="", **keys(next="k"))
    assert answer.status_code == 422
    assert answer.text.count("Another action has this key, too.") == 2
    assert people.user("ann").preferences == Preferences()


def test_two_actions_can_swap_their_keys(people, ann):
    assert choose(ann, language="", **keys(next="k", previous="j")).status_code == 303
    assert people.user("ann").preferences.keys == {"next": "k", "previous": "j"}


def test_the_space_is_named_in_the_language_of_the_page(people, ann):
    people.choose(1, Preferences("de", {"next": " ", "select": "x"}))
    assert re.search(r'id="key_next"[^>]* value="Leertaste"', ann.get("/dashboard/account").text)
    assert choose(ann, language="de", **(keys(select="x") | {"key_next": "leertaste"})).status_code == 303
    assert people.user("ann").preferences.keys == {"next": " ", "select": "x"}


@pytest.mark.parametrize("key", ["", "jj", "\x1b", "\u202e"])
def test_a_key_is_one_that_can_be_seen(ann, key):
    answer = choose(ann, language="", **keys(next=key))
    assert answer.status_code == 422
    assert "One key: a letter, a digit, a sign, or the word space." in answer.text


def test_a_language_that_is_not_there_is_refused(ann):
    assert choose(ann, language="xx", **keys()).status_code == 422


# -- The people of a site


def test_an_owner_sees_the_people_of_a_site(ann):
    page = ann.get("/dashboard/people/blog").text
    assert [name for name in ("ann", "mo", "vic", "charlie") if f">{name}" in page.split("<main")[1]] == [
        "ann", "mo", "vic",
    ]  # fmt: skip


def test_owners_choose_among_their_sites(app, ann):
    page = ann.get("/dashboard/people").text
    assert "/dashboard/people/blog" in page
    assert "/dashboard/people/shop" in page
    assert "elsewhere" not in page
    assert signed_in(app, "charlie").get("/dashboard/people").location == "/dashboard/people/elsewhere"


ACTS = ["invite", "2/role", "2/remove", "2/reset"]


@pytest.mark.parametrize("act", ["", *ACTS])
def test_charlie_sees_nothing_of_another_site(app, people, problem, act):
    charlie = signed_in(app, "charlie")
    token = csrf_token(charlie.get("/dashboard/account"))
    told = []
    for site in ("blog", "nowhere"):
        path = f"/dashboard/people/{site}/{act}".rstrip("/")
        headers = {**JSON, "X-CSRFToken": token}
        answer = charlie.post(path, headers=headers, data={"role": "owner"}) if act else charlie.get(path, headers=JSON)
        told.append(problem(answer, 404, "site-not-found")["detail"].replace(site, "it"))
    assert told[0] == told[1]
    assert people.user("mo").roles == {1: Role.MODERATOR}


@pytest.mark.parametrize("name", ["vic", "mo"])
@pytest.mark.parametrize("act", ["", *ACTS])
def test_who_is_no_owner_cannot_manage_people(app, people, problem, name, act):
    client = signed_in(app, name)
    token = csrf_token(client.get("/dashboard/account"))
    path, headers = f"/dashboard/people/blog/{act}".rstrip("/"), {**JSON, "X-CSRFToken": token}
    answer = client.post(path, headers=headers, data={"role": "owner"}) if act else client.get(path, headers=JSON)
    problem(answer, 403, "forbidden")
    assert len(people.of_site(1)) == 3


@pytest.mark.parametrize("act", ACTS[1:])
def test_people_of_other_sites_cannot_be_reached_through_one_s_own(app, people, problem, act):
    charlie = people.user("charlie")
    ann = signed_in(app)
    token = csrf_token(ann.get("/dashboard/account"))
    path = f"/dashboard/people/blog/{act.replace('2', str(charlie.id), 1)}"
    problem(ann.post(path, headers={**JSON, "X-CSRFToken": token}, data={"role": "viewer"}), 404, "user-not-found")
    assert people.user("charlie") == charlie


def test_a_role_is_changed(people, ann):
    send(ann, "/dashboard/people/blog/3/role", "/dashboard/account", role="moderator")
    assert people.user("vic").roles == {1: Role.MODERATOR}


def test_a_role_that_is_not_there_changes_nothing(people, ann):
    send(ann, "/dashboard/people/blog/3/role", "/dashboard/account", role="emperor")
    assert people.user("vic").roles == {1: Role.VIEWER}


@pytest.mark.parametrize(("act", "fields"), [("role", {"role": "viewer"}), ("remove", {})])
def test_the_last_owner_stays(people, ann, act, fields):
    send(ann, f"/dashboard/people/blog/1/{act}", "/dashboard/account", **fields)
    assert "ann is the last owner of blog." in ann.get("/dashboard/people/blog").text
    assert people.user("ann").roles[1] is Role.OWNER


def test_who_is_removed_is_signed_out(app, people, ann):
    mo = signed_in(app, "mo")
    send(ann, "/dashboard/people/blog/2/remove", "/dashboard/account")
    assert people.user("mo").roles == {}
    assert mo.get("/dashboard/account").status_code == 303


def test_an_invitation_is_shown_once_and_works_once(app, people, ann):
    send(ann, "/dashboard/people/blog/invite", "/dashboard/account", role="moderator")
    link = link_on(ann.get("/dashboard/people/blog"))
    assert "readonly" not in ann.get("/dashboard/people/blog").text
    new = app.test_client()
    assert "ann invites you to blog. Your role: moderator." in new.get(link).text
    answer = send(new, link, link, name="nina", password=PASSWORD, again=PASSWORD)
    assert answer.location == "/dashboard/"
    assert people.user("nina").roles == {1: Role.MODERATOR}
    assert new.get("/dashboard/account").status_code == 200
    again = app.test_client()
    assert again.get(link).status_code == 404
    assert send(again, link, name="nick", password=PASSWORD, again=PASSWORD).status_code == 404


@pytest.fixture
def invitation(people) -> str:
    return "/dashboard/welcome/" + people.invite(2, Role.VIEWER, by="ann")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ann", "Somebody has this name already; choose another one."),
        ("ａｎｎ", "Somebody has this name already; choose another one."),
        ("", "This is needed."),
        ("a\0b", "A name has 1 to 64 visible characters, and no protocol has it (akismet …)."),
        ("a\u202eb", "A name has 1 to 64 visible characters, and no protocol has it (akismet …)."),
        ("x" * 65, "A name has 1 to 64 visible characters, and no protocol has it (akismet …)."),
    ],
)
def test_a_name_that_will_not_do_does_not_use_the_link_up(browser, invitation, name, told):
    answer = send(browser, invitation, name=name, password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 422
    assert told in answer.text
    assert browser.get(invitation).status_code == 200


def test_a_name_is_text_on_every_page(app, browser, ann, invitation):
    hostile = "<img src=x onerror=alert(1)>"
    send(browser, invitation, name=hostile, password=PASSWORD, again=PASSWORD)
    for client, path in ((browser, "account"), (ann, "people/shop")):
        page = client.get(f"/dashboard/{path}").text
        assert "<img" not in page
        assert hostile in unescape(page)


def test_a_password_that_is_the_name_is_refused(browser, invitation):
    answer = send(browser, invitation, name="Annabelle Lee", password="annabelle lee", again="annabelle lee")
    assert answer.status_code == 422


def test_whoever_has_an_account_joins_with_it(app, people, invitation):
    mo = signed_in(app, "mo")
    assert "Join as mo" in mo.get(invitation).text
    assert send(mo, f"{invitation}/accept", invitation).location == "/dashboard/"
    assert people.user("mo").roles == {1: Role.MODERATOR, 2: Role.VIEWER}
    assert mo.get(invitation).status_code == 404


def test_whoever_has_an_account_may_sign_in_first(browser, invitation):
    assert f'href="/dashboard/sign-in?next={invitation}"' in browser.get(invitation).text


def test_a_link_to_a_new_password_works_once_and_ends_the_sessions(app, people, ann):
    mo = signed_in(app, "mo")
    send(ann, "/dashboard/people/blog/2/reset", "/dashboard/account")
    link = link_on(ann.get("/dashboard/people/blog"))
    browser = app.test_client()
    assert "Choose a new password for mo." in browser.get(link).text
    assert send(browser, link, link, password="another password", again="another password").status_code == 303
    assert mo.get("/dashboard/account").status_code == 303
    assert browser.get("/dashboard/account").status_code == 200
    assert browser.get(link).status_code == 404
    signed_in(app, "mo", "another password")


def test_nobody_resets_the_password_of_who_has_sites_elsewhere(people, ann, problem):
    people.set_role(people.user("mo").id, 3, Role.VIEWER, by="charlie")
    token = csrf_token(ann.get("/dashboard/account"))
    headers = {**JSON, "X-CSRFToken": token}
    problem(ann.post("/dashboard/people/blog/2/reset", headers=headers), 403, "forbidden")
    assert "/people/blog/2/reset" not in ann.get("/dashboard/people/blog").text


def test_the_first_link_makes_an_owner_of_everything(app):
    people = parts_of(app).people
    parts_of(app).sites.create_site("blog")
    link = f"/dashboard/welcome/{people.first_token()}"
    browser = app.test_client()
    assert "This makes the first account." in browser.get(link).text
    assert send(browser, link, link, name="ann", password=PASSWORD, again=PASSWORD).location == "/dashboard/"
    assert people.user("ann").roles == {1: Role.OWNER}


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "' OR 1=1 --", "x" * 5_000])
def test_a_link_that_was_made_up_says_nothing(browser, token):
    answer = browser.get(f"/dashboard/welcome/{token}")
    assert answer.status_code == 404
    assert "This link does not work" in answer.text


# -- Failures


def test_a_failure_is_a_page_for_a_browser(ann):
    answer = ann.get("/dashboard/people/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert "There is nothing here, or it is not yours to see." in answer.text


def test_a_database_that_is_away_is_a_page_too(app, ann):
    parts_of(app).engine.dispose()
    with parts_of(app).engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE sessions")
    answer = ann.get("/dashboard/account")
    assert answer.status_code == 503
    assert "The database does not answer just now." in answer.text
    assert answer.headers["Retry-After"]
