"""Lists of what was decided and said."""

from __future__ import annotations

import pytest

from moderation.errors import BadFilter
from moderation.store.seen import SeenLists
from tests.conftest import DATABASES


@DATABASES
@pytest.mark.parametrize("before", ["9" * 30, "-" + "9" * 30, "-1", "x", "", "9" * 5_000])
def test_what_is_no_place_of_the_reviewed_is_refused(engine, before):
    with pytest.raises(BadFilter):
        SeenLists(engine).reviewed([1], None, before, 10)


@DATABASES
def test_any_other_place_is_one(engine):
    assert SeenLists(engine).reviewed([1], None, "9" * 18, 10).rows == ()
