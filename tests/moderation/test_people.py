"""People: names, passwords, roles; and accounts, sessions and one-time links in a database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select

from moderation.errors import (
    BadName,
    BadPassword,
    BadPreferences,
    BadToken,
    HamletError,
    LastOwner,
    SignInRefused,
    UserExists,
    UserNotFound,
    WrongPassword,
)
from moderation.passwords import Passwords
from moderation.people import Preferences, Role, User, checked_name, checked_password, checked_preferences
from moderation.store import schema
from moderation.store.audit import acts
from moderation.store.people import People
from moderation.store.sessions import LONGEST_MS, SEEN_EVERY_MS
from tests.conftest import DATABASES
from tests.people import CHEAP, PASSWORD, Clock, make_member, make_owner, make_people

# -- Names, passwords, roles


def make_user(**changes) -> User:
    facts = {"id": 1, "name": "ann", "roles": {}, "preferences": Preferences(), "created_at": 0, "disabled_at": None}
    return User(**{**facts, **changes})


@pytest.mark.parametrize("own", Role)
@pytest.mark.parametrize("asked", Role)
def test_a_role_covers_those_below_it(own, asked):
    order = ["viewer", "moderator", "owner"]
    assert make_user(roles={7: own}).may(asked, 7) is (order.index(own) >= order.index(asked))


def test_a_role_on_one_site_is_none_on_another():
    assert not make_user(roles={7: Role.OWNER}).may(Role.VIEWER, 8)


def test_a_disabled_person_may_do_nothing():
    user = make_user(roles={7: Role.OWNER}, disabled_at=5)
    assert not user.may(Role.VIEWER, 7)
    assert not user.owns_any()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ann  Lee ", "Ann Lee"),
        ("ａｎｎ", "ann"),
        ("ﬁn", "fin"),
        ("Zoe\u0308", "Zoë"),
        ("安", "安"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_name_is_kept_in_one_spelling(given, kept):
    assert checked_name(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "x" * 65,
        "x" + " " * 2_000 + "y",
        "a\nb",
        "a\0b",
        "a\x1bb",
        "a\u202eb",
        "a\u200bb",
        "a\ud800",
        "Akismet",
        "akismet:ann",
    ],
)
def test_a_hostile_name_is_refused(given):
    with pytest.raises(BadName):
        checked_name(given)


def test_markup_is_only_a_name():
    assert checked_name("<script>") == "<script>"


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 1_001, "Annabelle Lee"])
def test_a_password_that_is_short_endless_or_the_name_is_refused(password):
    with pytest.raises(BadPassword):
        checked_password(password, "annabelle lee")


@pytest.mark.parametrize("password", ["x" * 10, "x" * 1_000, "🐎🔋 stapled 🐎🔋"])
def test_a_long_password_needs_nothing_else(password):
    assert checked_password(password, "ann") == password


@pytest.mark.parametrize(
    "wanted",
    [
        Preferences(language="xx"),
        Preferences(keys={"next": "jj"}),
        Preferences(keys={"next": ""}),
        Preferences(keys={"next": "\n"}),
        Preferences(keys={"next": "j", "previous": "j"}),
        Preferences(keys={"x" * 100: "j"}),
        Preferences(keys={str(number): chr(65 + number) for number in range(200)}),
    ],
)
def test_preferences_that_make_no_sense_are_refused(wanted):
    with pytest.raises(BadPreferences):
        checked_preferences(wanted)


def test_passwords_are_argon2id_by_default():
    kept = Passwords().hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(kept) <= 255


def test_two_ways_to_type_an_accent_are_one_password():
    passwords = Passwords(CHEAP)
    assert passwords.fits("cafe\u0301 cafe\u0301", passwords.hash("caf\u00e9 caf\u00e9"))


def test_no_password_fits_nobody_and_nonsense():
    passwords = Passwords(CHEAP)
    assert not passwords.fits(PASSWORD, None)
    assert not passwords.fits(PASSWORD, "nonsense")
    assert not passwords.fits("x" * 100_000, None)


def test_nobody_s_hash_is_as_dear_as_anybody_s():
    class Counting(PasswordHasher):
        seen: list = []  # noqa: RUF012

        def verify(self, kept, given):
            self.seen.append(str(kept).rsplit("$", 2)[0])
            return super().verify(kept, given)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    passwords.fits(PASSWORD, None)
    passwords.fits(PASSWORD, passwords.hash("another password"))
    assert Counting.seen[0] == Counting.seen[1]


# -- In a database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(engine, clock) -> People:
    """People of the sites blog (1) and shop (2)."""
    rows = [
        {"id": number, "name": name, "policy": "{}", "policy_number": 0, "created_at": 0}
        for number, name in ((1, "blog"), (2, "shop"))
    ]
    with engine.begin() as connection:
        connection.execute(insert(schema.sites), rows)
        connection.execute(insert(schema.facts), [{"name": "secret", "value": "x"}])
    return make_people(engine, clock)


def signed_in(people: People, name: str = "ann", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return people.sign_in(name, password, address, "Firefox")


def fail(people: People, times: int, name: str = "ann", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused) as caught:
            signed_in(people, name, "not the password", address)
        assert caught.value.retry_after == 0


def noted(engine) -> list[tuple[int | None, str, str]]:
    with engine.begin() as connection:
        return [(act.site_id, act.actor, act.action) for act in reversed(acts(connection, [1, 2, None]))]


@DATABASES
def test_the_first_owner_owns_every_site(people, engine):
    assert not people.any()
    assert make_owner(people).roles == {1: Role.OWNER, 2: Role.OWNER}
    assert people.any()
    assert noted(engine)[-1] == (None, "ann", "join")


@DATABASES
def test_there_is_one_first_owner(people):
    first, second = people.first_token(), people.first_token()
    with pytest.raises(BadToken):
        people.join(first, "ann", PASSWORD)
    people.join(second, "ann", PASSWORD)
    assert people.first_token() is None
    with pytest.raises(BadToken):
        people.join(second, "bob", PASSWORD)


@DATABASES
def test_a_link_for_the_first_owner_is_void_once_there_is_one(people, engine, clock):
    token = people.first_token()
    with engine.begin() as connection:
        row = {"name": "bob", "password": "", "preferences": "{}", "created_at": 0}
        connection.execute(insert(schema.users), [row])
    with pytest.raises(BadToken):
        people.join(token, "ann", PASSWORD)


@DATABASES
@pytest.mark.parametrize(("what", "days"), [("first", 1), ("invitation", 7), ("reset", 1)])
def test_a_link_expires(people, clock, what, days):
    token = people.first_token()
    if what != "first":
        make_owner(people)
        token = people.invite(1, Role.VIEWER, by="ann") if what == "invitation" else people.reset_link("ann", by="ann")
    clock.forward(days=days, seconds=-1)
    people.invitation(token)
    clock.forward(seconds=1)
    with pytest.raises(BadToken):
        people.invitation(token)
    with pytest.raises(BadToken):
        people.reset_password(token, PASSWORD) if what == "reset" else people.join(token, "bob", PASSWORD)


@DATABASES
def test_an_invitation_gives_its_role_on_its_site_only(people, engine):
    make_owner(people)
    assert make_member(people, 2, Role.MODERATOR, "bob").roles == {2: Role.MODERATOR}
    assert noted(engine)[-2:] == [(2, "ann", "invite"), (2, "bob", "join")]


@DATABASES
def test_of_two_who_use_a_link_at_once_one_joins(people):
    make_owner(people)
    token = people.invite(1, Role.VIEWER, by="ann")

    def join(name: str) -> str | None:
        try:
            return people.join(token, name, PASSWORD).name
        except BadToken:
            return None

    with ThreadPoolExecutor(4) as pool:
        joined = [name for name in pool.map(join, ["b", "c", "d", "e"]) if name]
    assert len(joined) == 1
    assert len(people.all()) == 2


@DATABASES
def test_a_name_that_is_taken_does_not_use_the_link_up(people):
    make_owner(people)
    token = people.invite(1, Role.VIEWER, by="ann")
    with pytest.raises(UserExists):
        people.join(token, "ａnn", PASSWORD)
    assert people.join(token, "closed", PASSWORD).name == "closed"


@DATABASES
def test_an_account_that_exists_accepts_an_invitation(people):
    make_owner(people)
    bob = make_member(people, 1, Role.VIEWER, "bob")
    token = people.invite(2, Role.MODERATOR, by="ann")
    assert people.accept(token, bob.id).roles == {1: Role.VIEWER, 2: Role.MODERATOR}
    with pytest.raises(BadToken):
        people.accept(token, bob.id)


@DATABASES
def test_accepting_an_invitation_never_lowers_a_role(people):
    ann = make_owner(people)
    assert people.accept(people.invite(1, Role.VIEWER, by="ann"), ann.id).roles[1] is Role.OWNER


@DATABASES
def test_tokens_and_passwords_are_not_in_the_database(people, engine):
    make_owner(people)
    tokens = [people.invite(1, Role.VIEWER, by="ann"), people.reset_link("ann", by="ann"), signed_in(people)]
    with engine.begin() as connection:
        kept = str([connection.execute(select(table)).all() for table in schema.metadata.sorted_tables])
    assert all(secret not in kept for secret in (*tokens, PASSWORD, "192.0.2.1"))


@DATABASES
def test_a_session_is_its_person_s(people):
    make_owner(people)
    bob = make_member(people, 1, Role.VIEWER, "bob")
    assert people.user_of(signed_in(people, "bob")) == bob
    assert people.user_of("") is None
    assert people.user_of("x" * 43) is None


@DATABASES
def test_every_sign_in_is_another_session(people):
    make_owner(people)
    first, second = signed_in(people), signed_in(people)
    assert first != second
    assert len(people.sessions(1)) == 2


@DATABASES
def test_a_name_signs_in_in_any_spelling_of_its_own(people):
    make_owner(people, "Zoë")
    assert people.user_of(signed_in(people, " Zoe\u0308 "))


@DATABASES
@pytest.mark.parametrize("name", ["nobody", "", "a\0b", "x" * 5_000, "' OR 1=1 --"])
def test_a_name_that_is_not_there_is_refused_like_a_wrong_password(people, name):
    make_owner(people)
    with pytest.raises(SignInRefused) as wrong:
        signed_in(people, "ann", "not the password")
    with pytest.raises(SignInRefused) as missing:
        signed_in(people, name)
    assert str(wrong.value) == str(missing.value)


@DATABASES
def test_guesses_wait_longer_and_longer(people, clock):
    make_owner(people)
    waits = []
    for _ in range(5 + 12):
        fail(people, 1)
        try:
            signed_in(people, "ann", "not the password")
        except SignInRefused as error:
            waits.append(error.retry_after)
            clock.forward(seconds=error.retry_after)
    assert waits[:4] == [0, 0, 1, 2]
    assert waits[-1] == 15 * 60


@DATABASES
def test_the_right_password_waits_too_and_then_clears_the_count(people, clock):
    make_owner(people)
    fail(people, 5)
    with pytest.raises(SignInRefused, match="wait 1 seconds"):
        signed_in(people)
    clock.forward(seconds=1)
    signed_in(people)
    fail(people, 5)


@DATABASES
def test_accounts_that_do_not_exist_are_slowed_down_alike(people):
    fail(people, 5, "nobody")
    with pytest.raises(SignInRefused, match="wait"):
        signed_in(people, "nobody")


@DATABASES
@pytest.mark.parametrize("block", ["192.0.2.1", "2001:db8::{}", "::ffff:192.0.2.1", "unix"])
def test_an_address_that_tries_many_names_is_slowed_down(people, block):
    make_owner(people)
    for number in range(20):
        fail(people, 1, f"name{number}", block.format(number))
    with pytest.raises(SignInRefused, match="wait"):
        signed_in(people, "ann", PASSWORD, block.format(99))
    signed_in(people, "ann", PASSWORD, "198.51.100.7")


@DATABASES
def test_failures_are_forgotten_after_a_day(people, clock):
    make_owner(people)
    fail(people, 5)
    clock.forward(days=1, seconds=1)
    fail(people, 5)


@DATABASES
def test_guesses_sent_at_once_are_counted_one_by_one(people):
    make_owner(people)

    def guess(_: int) -> int:
        try:
            signed_in(people, "ann", "not the password")
        except SignInRefused as error:
            return error.retry_after
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(guess, range(24)))
    assert waits.count(0) == 5


@DATABASES
def test_a_session_slides_fourteen_days_and_ends_after_ninety(people, clock):
    make_owner(people)
    token = signed_in(people)
    begun = clock.now
    while clock.now + 13 * 86_400_000 < begun + LONGEST_MS:
        clock.forward(days=13)
        assert people.user_of(token)
    clock.now = begun + LONGEST_MS
    assert people.user_of(token) is None


@DATABASES
def test_a_session_that_is_not_used_for_fourteen_days_is_over(people, clock):
    make_owner(people)
    token = signed_in(people)
    clock.forward(days=14)
    assert people.user_of(token) is None
    assert people.sessions(1) == []


@DATABASES
def test_being_seen_is_written_every_five_minutes(people, clock):
    make_owner(people)
    token, begun = signed_in(people), clock.now
    clock.now = begun + SEEN_EVERY_MS - 1
    people.user_of(token)
    assert people.sessions(1)[0].seen_at == begun
    clock.now = begun + SEEN_EVERY_MS
    people.user_of(token)
    assert people.sessions(1)[0].seen_at == clock.now


@DATABASES
def test_sessions_are_listed_with_their_browsers(people):
    make_owner(people)
    token = people.sign_in("ann", PASSWORD, "192.0.2.1", "Evil\0\x1b[31m" + "x" * 500)
    (session,) = people.sessions(1, token)
    assert session.is_this
    assert session.about.startswith("Evil  [31mxxx")
    assert len(session.about) == 200


@DATABASES
def test_signing_out_ends_one_session(people, engine):
    make_owner(people)
    first, second = signed_in(people), signed_in(people)
    people.sign_out(first)
    people.sign_out("nonsense")
    assert people.user_of(first) is None
    assert people.user_of(second)
    assert noted(engine)[-1] == (None, "ann", "sign-out")


@DATABASES
def test_signing_out_everywhere_ends_one_s_own_sessions(people):
    ann = make_owner(people)
    make_member(people, 1, Role.VIEWER, "bob")
    first, second, bobs = signed_in(people), signed_in(people), signed_in(people, "bob")
    people.sign_out_everywhere(ann.id)
    assert [people.user_of(one) is None for one in (first, second, bobs)] == [True, True, False]


@DATABASES
def test_changing_the_password_ends_the_other_sessions(people):
    ann = make_owner(people)
    this, other = signed_in(people), signed_in(people)
    people.change_password(ann.id, PASSWORD, "another password", keep=this)
    assert people.user_of(this)
    assert people.user_of(other) is None
    assert signed_in(people, password="another password")
    with pytest.raises(SignInRefused):
        signed_in(people)


@DATABASES
def test_changing_the_password_needs_the_old_one_and_cannot_be_guessed(people):
    ann = make_owner(people)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            people.change_password(ann.id, "not the password", "another password")
    with pytest.raises(SignInRefused, match="wait"):
        people.change_password(ann.id, PASSWORD, "another password")


@DATABASES
def test_a_reset_sets_a_password_and_ends_all_sessions(people):
    make_owner(people)
    session = signed_in(people)
    fail(people, 5)
    token = people.reset_link("ann", by="ann")
    assert people.invitation(token).user == "ann"
    people.reset_password(token, "another password")
    assert people.user_of(session) is None
    assert signed_in(people, password="another password")
    with pytest.raises(BadToken):
        people.reset_password(token, "a third password")


@DATABASES
def test_a_link_is_good_for_nothing_else(people):
    ann = make_owner(people)
    reset, invitation = people.reset_link("ann", by="ann"), people.invite(1, Role.VIEWER, by="ann")
    session = signed_in(people)
    for token in (reset, session):
        with pytest.raises(BadToken):
            people.join(token, "bob", PASSWORD)
        with pytest.raises(BadToken):
            people.accept(token, ann.id)
    with pytest.raises(BadToken):
        people.reset_password(invitation, PASSWORD)
    assert people.user_of(reset) is None


@DATABASES
def test_a_newer_reset_link_makes_the_older_void(people):
    make_owner(people)
    older, newer = people.reset_link("ann", by="ann"), people.reset_link("ann", by="ann")
    with pytest.raises(BadToken):
        people.invitation(older)
    people.invitation(newer)


@DATABASES
def test_a_hash_with_older_parameters_is_made_anew_at_sign_in(people, engine, clock):
    make_owner(people)
    dearer = People(engine, b"s" * 16, Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)), clock)
    assert dearer.user_of(signed_in(dearer))
    with engine.begin() as connection:
        assert "t=2" in connection.execute(select(schema.users.c.password)).scalar_one()
    assert signed_in(dearer)


@DATABASES
def test_preferences_are_kept(people):
    ann = make_owner(people)
    wanted = Preferences(language="de", keys={"next": "ö"}, blur_abuse=True)
    assert people.choose(ann.id, wanted).preferences == wanted
    assert people.user("ann").preferences == wanted


@DATABASES
def test_the_last_owner_stays(people):
    ann = make_owner(people)
    make_member(people, 1, Role.MODERATOR, "bob")
    for act in (
        lambda: people.set_role(ann.id, 1, Role.VIEWER, by="ann"),
        lambda: people.remove(ann.id, 1, by="ann"),
        lambda: people.disable("ann", by="ann"),
    ):
        with pytest.raises(LastOwner, match="ann is the last owner of blog"):
            act()


@DATABASES
def test_an_owner_who_is_disabled_does_not_count(people):
    ann = make_owner(people)
    make_member(people, 1, Role.OWNER, "bob")
    people.disable("bob", by="ann")
    with pytest.raises(LastOwner):
        people.remove(ann.id, 1, by="ann")
    people.enable("bob", by="ann")
    people.remove(ann.id, 1, by="ann")
    assert people.user("ann").roles == {2: Role.OWNER}


@DATABASES
def test_of_two_owners_who_step_down_at_once_one_stays(people):
    users = [make_owner(people), make_member(people, 1, Role.OWNER, "bob")]

    def step_down(user: User) -> bool:
        try:
            people.set_role(user.id, 1, Role.VIEWER, by=user.name)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(step_down, users)) == [False, True]


@DATABASES
def test_removal_ends_the_sessions(people, engine):
    make_owner(people)
    bob = make_member(people, 1, Role.MODERATOR, "bob")
    token = signed_in(people, "bob")
    people.remove(bob.id, 1, by="ann")
    assert people.user_of(token) is None
    assert [user.name for user in people.of_site(1)] == ["ann"]
    assert noted(engine)[-1] == (1, "ann", "remove")
    with pytest.raises(UserNotFound):
        people.remove(bob.id, 1, by="ann")


@DATABASES
def test_a_disabled_account_is_refused_everywhere(people):
    make_owner(people)
    make_member(people, 1, Role.MODERATOR, "bob")
    token = signed_in(people, "bob")
    people.disable("bob", by="ann")
    assert people.user_of(token) is None
    with pytest.raises(SignInRefused):
        signed_in(people, "bob")
    people.enable("bob", by="ann")
    assert people.user_of(token) is None
    assert signed_in(people, "bob")


@DATABASES
def test_a_role_holds_at_once(people):
    make_owner(people)
    bob = make_member(people, 1, Role.VIEWER, "bob")
    token = signed_in(people, "bob")
    people.set_role(bob.id, 1, Role.OWNER, by="ann")
    assert people.user_of(token).roles == {1: Role.OWNER}


@DATABASES
def test_whoever_creates_a_site_owns_it(people, engine):
    ann = make_owner(people)
    with engine.begin() as connection:
        row = {"id": 3, "name": "new", "policy": "{}", "policy_number": 0, "created_at": 0}
        connection.execute(insert(schema.sites), [row])
    people.add_owner(ann.id, 3)
    assert people.user("ann").roles[3] is Role.OWNER


@DATABASES
@pytest.mark.parametrize(
    "act",
    [
        lambda people: people.user("nobody"),
        lambda people: people.user("a\0b"),
        lambda people: people.user_by_id(77),
        lambda people: people.reset_link("nobody", by="ann"),
        lambda people: people.disable("nobody", by="ann"),
        lambda people: people.set_role(77, 1, Role.VIEWER, by="ann"),
    ],
)
def test_a_person_who_is_not_there_is_named(people, act):
    with pytest.raises(UserNotFound):
        act(people)


@DATABASES
def test_housekeeping_takes_out_what_is_over_and_nothing_else(people, clock):
    make_owner(people)
    old = signed_in(people)
    fail(people, 1, "nobody")
    clock.forward(days=15)
    new = signed_in(people)
    assert people.prune() == 2  # The session, and the count of the name; that of the address went at signing in.
    assert people.user_of(old) is None
    assert people.user_of(new)


@DATABASES
def test_every_act_is_noted(people, engine):
    make_owner(people)
    bob = make_member(people, 1, Role.OWNER, "bob")
    people.set_role(bob.id, 1, Role.VIEWER, by="ann")
    people.choose(bob.id, Preferences(blur_abuse=True))
    people.change_password(bob.id, PASSWORD, "another password")
    people.sign_out_everywhere(bob.id)
    people.reset_password(people.reset_link("bob", by="ann"), PASSWORD)
    people.disable("bob", by="ann")
    people.enable("bob", by="ann")
    assert [action for _, _, action in noted(engine)] == [
        "first-link", "join", "join", "join", "invite", "join", "role", "preferences", "change-password",
        "sign-out-everywhere", "reset-link", "reset-password", "disable", "enable",
    ]  # fmt: skip


def test_every_refusal_says_what_to_do():
    errors: list[HamletError] = [SignInRefused(5), BadToken(), LastOwner("ann", "blog"), UserExists("a")]
    assert all(error.hint and "\n" not in str(error) for error in errors)


@DATABASES
@pytest.mark.parametrize("how", ["removed", "demoted", "disabled"])
def test_links_of_somebody_who_is_owner_no_more_are_void(people, how):
    make_owner(people)
    bob = make_member(people, 1, Role.OWNER, "bob")
    make_member(people, 1, Role.VIEWER, "carl")
    back, account, others = (
        people.invite(1, Role.OWNER, by="bob"),
        people.reset_link("carl", by="bob"),
        people.invite(1, Role.VIEWER, by="ann"),
    )
    if how == "removed":
        people.remove(bob.id, 1, by="ann")
    elif how == "demoted":
        people.set_role(bob.id, 1, Role.VIEWER, by="ann")
    else:
        people.disable("bob", by="command")
    for token in (back, account):
        with pytest.raises(BadToken):
            people.invitation(token)
    assert people.invitation(others).role is Role.VIEWER


@DATABASES
def test_a_link_that_sets_a_password_is_void_once_the_person_joins_a_site_of_somebody_else(people):
    make_owner(people)
    carl = make_member(people, 1, Role.VIEWER, "carl")
    by_owner = people.reset_link("carl", by="ann")
    people.accept(people.invite(2, Role.VIEWER, by="dora"), carl.id)
    with pytest.raises(BadToken):
        people.invitation(by_owner)


@DATABASES
def test_a_link_of_the_command_line_that_sets_a_password_outlives_a_new_role(people):
    make_owner(people)
    carl = make_member(people, 1, Role.VIEWER, "carl")
    by_command = people.reset_link("carl", by="command")
    people.set_role(carl.id, 2, Role.VIEWER, by="command")
    assert people.invitation(by_command).is_reset
