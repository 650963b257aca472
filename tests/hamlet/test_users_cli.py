"""``hamlet users``: inviting, roles, lost passwords; and the link to the first account."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from hamlet.cli import cli
from moderation.errors import HamletError, LastOwner, SiteNotFound, UserNotFound
from moderation.people import Role
from moderation.store.audit import acts
from moderation.store.people import People
from moderation.store.sites import load_secret
from tests.people import PASSWORD, make_member, make_owner, make_people

LINK = re.compile(r"http://127\.0\.0\.1:8080/dashboard/welcome/([\w-]{43})\n")


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs ``hamlet users`` in a folder with the sites ``blog`` and ``shop``: ``hamlet("list")``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, ["users", *arguments])
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    for site in ("blog", "shop"):
        CliRunner().invoke(cli, ["sites", "create", site])
    return run


@pytest.fixture
def people(hamlet, open_engine, tmp_path) -> People:
    """The people of that folder: Ann, who owns both sites."""
    found = make_people(open_engine("var/hamlet.db"), secret=load_secret(None, tmp_path / "var" / "secret"))
    make_owner(found)
    return found


def test_people_are_listed_with_their_roles(hamlet, people):
    make_member(people, 1, Role.VIEWER, "vic")
    people.remove(people.user("vic").id, 1, by="ann")
    rows = [line.split("\t") for line in hamlet("list").stdout.splitlines()]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("ann", "blog: owner, shop: owner", "enabled"),
        ("vic", "none", "enabled"),
    ]
    assert hamlet("list", "--site", "blog").stdout.startswith("ann\t")


def test_an_invitation_is_a_link_that_works(hamlet, people):
    done = hamlet("invite", "blog", "moderator")
    (token,) = LINK.findall(done.stdout)
    assert "shown only now" in done.stderr
    assert people.join(token, "mo", PASSWORD).roles == {1: Role.MODERATOR}


def test_links_name_the_host_and_port_of_the_server(hamlet):
    done = hamlet("invite", "blog", "viewer", "--host", "::", "--port", "9000")
    assert done.stdout.startswith("http://127.0.0.1:9000/dashboard/welcome/")


def test_a_role_is_given_and_taken(hamlet, people):
    make_member(people, 1, Role.VIEWER, "mo")
    assert hamlet("role", "mo", "shop", "owner").stdout == "mo is owner of shop\n"
    assert people.user("mo").roles == {1: Role.VIEWER, 2: Role.OWNER}
    assert hamlet("remove", "mo", "blog").stdout == "removed mo from blog\n"
    assert people.user("mo").roles == {2: Role.OWNER}


def test_a_lost_password_is_set_by_a_link(hamlet, people):
    (token,) = LINK.findall(hamlet("reset-password", "ann").stdout)
    people.reset_password(token, "another password")
    assert people.sign_in("ann", "another password", "192.0.2.1")


def test_an_account_is_disabled_and_enabled(hamlet, people):
    make_member(people, 1, Role.VIEWER, "vic")
    token = people.sign_in("vic", PASSWORD, "192.0.2.1")
    assert hamlet("disable", "vic").stdout == "disabled vic\n"
    assert people.user_of(token) is None
    assert "\tdisabled 20" in hamlet("list").stdout
    assert hamlet("enable", "vic").stdout == "enabled vic\n"
    assert people.sign_in("vic", PASSWORD, "192.0.2.1")


@pytest.mark.parametrize("line", ["role ann blog viewer", "remove ann blog", "disable ann"])
def test_the_last_owner_stays(hamlet, people, line):
    with pytest.raises(LastOwner):
        hamlet(*line.split())


@pytest.mark.parametrize("line", ["role x blog viewer", "remove x blog", "reset-password x", "disable x", "enable x"])
def test_a_person_who_is_not_there_is_named(hamlet, people, line):
    with pytest.raises(UserNotFound, match="'x'"):
        hamlet(*line.split())


@pytest.mark.parametrize("line", ["list --site x", "invite x viewer", "role ann x viewer", "remove ann x"])
def test_a_site_that_is_not_there_is_named(hamlet, people, line):
    with pytest.raises(SiteNotFound, match="'x'"):
        hamlet(*line.split())


def test_a_role_that_is_not_there_is_wrong_usage(hamlet):
    assert hamlet("invite", "blog", "emperor").exit_code == 2


def test_commands_are_in_the_audit_log(hamlet, people, open_engine):
    hamlet("invite", "blog", "viewer")
    with open_engine("var/hamlet.db").begin() as connection:
        newest = acts(connection, [1])[0]
    assert (newest.actor, newest.via, newest.action, newest.detail) == (
        "command", "command", "invite", {"role": "viewer"},
    )  # fmt: skip


@pytest.fixture
def serve(hamlet, monkeypatch):
    """Runs ``hamlet serve`` up to the moment it would answer; returns what it prints."""
    monkeypatch.setattr("api.cli.serve.run", lambda settings: None)
    monkeypatch.setattr("api.cli.serve.refuse_taken_port", lambda host, port: None)
    return lambda *more: CliRunner().invoke(cli, ["serve", *more], catch_exceptions=False).stdout


def test_the_server_prints_a_link_to_the_first_account_while_there_is_none(serve, open_engine, tmp_path):
    older, newer = (LINK.findall(serve()) for _ in range(2))
    found = make_people(open_engine("var/hamlet.db"), secret=load_secret(None, tmp_path / "var" / "secret"))
    with pytest.raises(HamletError, match="the link was used already"):
        found.join(older[0], "ann", PASSWORD)
    assert found.join(newer[0], "ann", PASSWORD).roles == {1: Role.OWNER, 2: Role.OWNER}
    assert "create the first account" not in serve()
