"""The audit log: what is written into it, and how it is read page by page."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event, insert, text

from moderation.store.audit import acts, note
from moderation.store.schema import sites
from tests.conftest import DATABASES

pytestmark = DATABASES


@pytest.fixture
def two_sites(engine: Engine) -> tuple[int, int]:
    rows = [{"id": one, "name": f"s{one}", "policy": "{}", "policy_number": 0, "created_at": 0} for one in (1, 2)]
    with engine.begin() as connection:
        connection.execute(insert(sites), rows)
    return 1, 2


def write(engine: Engine, *rows: tuple[int | None, str, str]) -> None:
    with engine.begin() as connection:
        for site_id, actor, action in rows:
            note(connection, site_id=site_id, actor=actor, via="command", action=action)


def read(engine: Engine, *site_ids: int | None, **filters) -> list[str]:
    with engine.begin() as connection:
        return [act.action for act in acts(connection, site_ids, **filters)]


def test_an_act_is_read_as_it_was_written(engine, two_sites):
    with engine.begin() as connection:
        note(connection, site_id=1, actor="ann", via="api", action="review", comment_id="c1", outcome="spam", text="ß")
        (act,) = acts(connection, [1])
    assert (act.site_id, act.actor, act.via, act.action, act.comment_id) == (1, "ann", "api", "review", "c1")
    assert act.detail == {"outcome": "spam", "text": "ß"}


def test_acts_of_several_sites_are_merged_newest_first(engine, two_sites):
    write(engine, (1, "ann", "a"), (2, "ann", "b"), (1, "ann", "c"), (None, "ann", "d"))
    assert read(engine, 1, 2) == ["c", "b", "a"]
    assert read(engine, 1, 2, None) == ["d", "c", "b", "a"]


def test_acts_of_other_sites_are_not_told(engine, two_sites):
    write(engine, (1, "ann", "a"), (2, "ann", "b"), (None, "ann", "c"))
    assert read(engine, 2) == ["b"]
    assert read(engine) == []


def test_a_site_named_twice_is_told_once(engine, two_sites):
    write(engine, (1, "ann", "a"))
    assert read(engine, 1, 1) == ["a"]


def test_pages_follow_one_another_without_gap_or_repetition(engine, two_sites):
    write(engine, *((1 + number % 2, "ann", str(number)) for number in range(7)))
    seen: list[str] = []
    before = None
    with engine.begin() as connection:
        while page := acts(connection, [1, 2], limit=3, before=before):
            seen += [act.action for act in page]
            before = page[-1].id
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_acts_are_narrowed_by_actor_and_action(engine, two_sites):
    write(engine, (1, "ann", "a"), (1, "bob", "a"), (1, "ann", "b"))
    assert read(engine, 1, actor="ann") == ["b", "a"]
    assert read(engine, 1, actions=["a"]) == ["a", "a"]
    assert read(engine, 1, actor="bob", actions=["b"]) == []


def test_an_act_is_undone_with_its_transaction(engine, two_sites):
    with pytest.raises(RuntimeError), engine.begin() as connection:
        note(connection, site_id=1, actor="ann", via="api", action="a")
        raise RuntimeError
    assert read(engine, 1) == []


def test_a_page_is_one_query_a_site_along_an_index(engine, two_sites, kind):
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    read(engine, 1, 2, before=10)
    assert len([one for one in asked if "FROM audit" in one]) == 2
    if kind == "sqlite":
        with engine.begin() as connection:
            query = "SELECT * FROM audit WHERE site_id = 1 AND id < 10 ORDER BY id DESC LIMIT 50"
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
        assert "ix_audit_site_id_id" in str(plan)
        assert "TEMP B-TREE" not in str(plan)
