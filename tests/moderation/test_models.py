"""Models of sites: versions in the database, one of which serves, unpacked where they are used."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from moderation.errors import ArtifactError, ModelNotFound, NothingBefore, StoreUnavailable
from moderation.review import Actor
from moderation.store import schema
from moderation.store.database import open_database
from moderation.store.models import Check, LabelsUsed, ModelBook, Training, name_of
from moderation.store.schema import arrays, audit, models
from moderation.store.sites import Sites
from tests.builders import make_manifest, random_weights, write_model
from tests.conftest import DATABASES
from tests.learning import SECRET

pytestmark = DATABASES
ANN = Actor("ann", "command")
TRAINING = Training(labels=LabelsUsed(count=3, outcomes={"ham": 3}), champion="base/0.0.1")


@pytest.fixture
def sites(engine):
    return Sites(engine, SECRET)


@pytest.fixture
def site(sites):
    return sites.create_site("blog")


@pytest.fixture
def book(engine, tmp_path):
    return ModelBook(engine, tmp_path / "cache")


@pytest.fixture
def add(book, site, tmp_path):
    """Adds a version with random weights."""

    def add_one(seed: int | None = None, training: Training = TRAINING):
        number = book.next_number(site.id)
        manifest = make_manifest(name=name_of(site.name, number))
        weights = random_weights(manifest, number if seed is None else seed)
        folder = write_model(tmp_path / f"made-{number}", weights=weights, name=manifest.name)
        return book.add(site.name, site.id, folder, training, ANN)

    return add_one


def test_a_new_version_is_kept_and_serves_nobody(book, site, sites, add):
    version = add()
    assert (version.number, version.name, version.promoted_at) == (1, "blog/1", None)
    assert book.all(site.id) == [version]
    assert sites.site("blog").model is None


def test_a_version_says_how_it_came_to_be(book, site, add):
    gate = (Check(name="missed spam", passed=False, told="12 more", comments=("a" * 32,)),)
    version = add(training=msgspec.structs.replace(TRAINING, gate=gate, figures={"auc": 0.9}))
    assert book.show(site.id, 1).training == version.training
    assert not version.training.passed


def test_what_was_added_can_be_loaded(book, site, add):
    add(seed=5)
    assert book.load(site.id, 1).name == "blog/1"


def test_promoting_counts_as_a_change_of_the_site_and_is_noted(engine, book, site, sites, add):
    add()
    book.promote(site.id, 1, ANN)
    changed = sites.site("blog")
    assert (changed.model, changed.policy_number) == (1, site.policy_number + 1)
    with engine.begin() as connection:
        acts = connection.execute(select(audit.c.actor, audit.c.action)).all()
    assert ("ann", "promote") in [tuple(row) for row in acts]


def test_rolling_back_goes_the_way_it_came(book, site, add):
    for number in (1, 2, 3):
        add()
        book.promote(site.id, number, ANN)
    assert [book.rollback(site.id, ANN) for _ in range(3)] == [2, 1, None]
    with pytest.raises(NothingBefore):
        book.rollback(site.id, ANN)


def test_the_base_can_be_promoted_too(book, site, sites, add):
    add()
    book.promote(site.id, 1, ANN)
    book.promote(site.id, None, ANN)
    assert sites.site("blog").model is None


def test_why_a_gate_was_overruled_is_kept(book, site, add):
    add()
    book.promote(site.id, 1, ANN, why="the labels are old")
    assert book.show(site.id, 1).training.forced == "the labels are old"


def test_an_unknown_version_is_refused_with_those_there_are(book, site, sites, add):
    add()
    with pytest.raises(ModelNotFound, match="there are: 1"):
        book.promote(site.id, 7, ANN)
    assert sites.site("blog").model is None


def test_sites_do_not_see_each_other_s_versions(book, sites, add):
    add()
    other = sites.create_site("other")
    assert book.all(other.id) == []
    with pytest.raises(ModelNotFound):
        book.load(other.id, 1)


def test_two_trainings_cannot_take_the_same_number(book, site, add, tmp_path):
    slow = write_model(tmp_path / "base" / "slow", name=name_of(site.name, 1))
    add()
    with pytest.raises(ArtifactError, match="another training has made blog/1"):
        book.add(site.name, site.id, slow, TRAINING, ANN)
    assert len(book.all(site.id)) == 1


def test_versions_with_the_same_array_share_it(engine, add):
    add(seed=1), add(seed=1)
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(arrays)).scalar_one() == 2  # Weights and phrases.


def test_pruning_spares_what_serves_and_what_it_replaced(engine, book, site, add):
    for number in range(1, 6):
        add()
        if number in (1, 2):
            book.promote(site.id, number, ANN)
    assert book.prune(site.id, 1, ANN) == [4, 3]
    assert [one.number for one in book.all(site.id)] == [5, 2, 1]
    assert book.rollback(site.id, ANN) == 1


def test_a_version_promoted_while_old_ones_are_pruned_is_spared(engine, book, site, add):
    for _ in range(3):
        add()
    with engine.execution_options(writes=True).begin() as connection, ThreadPoolExecutor() as threads:
        connection.execute(update(schema.sites).values(model=1))
        pruned = threads.submit(book.prune, site.id, 1, ANN)
        sleep(0.3)  # It is there, and waits.
        connection.commit()
        assert pruned.result() == [2]
    assert book.load(site.id, 1).name == "blog/1"


def test_an_array_that_another_site_has_just_found_there_is_spared(engine, book, site, sites, add, tmp_path):
    first = add()
    add()
    other = sites.create_site("other")
    array = arrays.c.digest == first.manifest.sha256["weights.npy"]
    with engine.execution_options(writes=True).begin() as connection, ThreadPoolExecutor() as threads:
        connection.execute(update(arrays).where(array).values(data=arrays.c.data))
        pruned = threads.submit(book.prune, site.id, 1, ANN)
        sleep(0.3)  # It is there, and waits.
        row = connection.execute(select(models).where(models.c.number == 1)).one()
        connection.execute(insert(models).values({**row._mapping, "site_id": other.id}))
        connection.commit()
        assert pruned.result() == [1]
    assert book.load(other.id, 1).name == "blog/1"


def test_pruning_drops_arrays_that_nobody_has_any_more(engine, book, site, add):
    for _ in range(3):
        add()
    book.prune(site.id, 1, ANN)
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(arrays)).scalar_one() == 2


# -- What cannot be trusted


def test_a_damaged_file_in_the_cache_is_unpacked_again(book, site, add, tmp_path):
    add()
    before = book.load(site.id, 1).start(0)
    (tmp_path / "cache" / f"{site.id}-1" / "weights.npy").write_bytes(b"nonsense")
    assert book.load(site.id, 1).start(0) == before


def test_a_lost_cache_is_made_again(book, site, add, tmp_path):
    import shutil

    add()
    book.load(site.id, 1)
    shutil.rmtree(tmp_path / "cache")
    assert book.load(site.id, 1).name == "blog/1"


@pytest.mark.parametrize("data", [b"nonsense", b""])
def test_an_array_damaged_in_the_database_is_refused_and_does_not_serve(engine, book, site, sites, add, data):
    add()
    with engine.begin() as connection:
        connection.execute(update(arrays).values(data=data))
    with pytest.raises(ArtifactError, match="damaged"):
        book.promote(site.id, 1, ANN)
    assert sites.site("blog").model is None


def test_an_array_damaged_in_the_database_is_mended_by_who_has_it(engine, book, site, add):
    add(seed=1)
    with engine.begin() as connection:
        connection.execute(update(arrays).values(data=b"nonsense"))
    add(seed=1)
    assert book.load(site.id, 1).name == "blog/1"


def test_an_array_exchanged_for_another_is_refused(engine, book, site, add):
    import zlib

    add()
    with engine.begin() as connection:
        connection.execute(update(arrays).values(data=zlib.compress(b"another file")))
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        book.load(site.id, 1)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(engine, book, site, add, tmp_path):
    version = add()
    digest = version.manifest.sha256["weights.npy"]
    hostile = msgspec.structs.replace(version.manifest, sha256={"../../escaped": digest})
    with engine.begin() as connection:
        connection.execute(update(models).values(manifest=msgspec.json.encode(hostile).decode()))
    with pytest.raises(ArtifactError, match="no file of a model"):
        book.load(site.id, 1)
    assert not list(tmp_path.rglob("escaped"))


def test_a_model_for_other_features_is_refused(engine, book, site, add):
    version = add()
    foreign = msgspec.structs.replace(version.manifest, features_version=999)
    with engine.begin() as connection:
        connection.execute(update(models).values(manifest=msgspec.json.encode(foreign).decode()))
    with pytest.raises(ArtifactError, match="made for features 999"):
        book.promote(site.id, 1, ANN)


def test_a_cache_that_cannot_be_written_is_a_clear_error(engine, site, add, tmp_path):
    add()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArtifactError, match="cannot be unpacked"):
        ModelBook(engine, tmp_path / "file" / "cache").promote(site.id, 1, ANN)


def test_a_full_disk_while_promoting_leaves_what_served(book, site, sites, add, monkeypatch):
    add(), add()
    book.promote(site.id, 1, ANN)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(ArtifactError, match="No space left"):
        book.promote(site.id, 2, ANN)
    assert sites.site("blog").model == 1


def test_a_database_that_is_locked_promotes_nothing(kind, database_url, book, site, sites, add, monkeypatch, tmp_path):
    if kind != "sqlite":
        return
    add()
    monkeypatch.setattr("moderation.store.database.BUSY_SECONDS", 0.1)
    other = open_database(database_url)
    with other.execution_options(writes=True).begin(), pytest.raises(StoreUnavailable):
        impatient = open_database(database_url)
        try:
            ModelBook(impatient, tmp_path / "cache").promote(site.id, 1, ANN)
        finally:
            impatient.dispose()
    other.dispose()
    assert sites.site("blog").model is None


@pytest.mark.parametrize("number", [-1, 0, 2**31, 10**30])
def test_no_version_has_a_number_that_no_database_holds(book, site, number):
    with pytest.raises(ModelNotFound, match="there are: none"):
        book.show(site.id, number)
    with pytest.raises(ModelNotFound):
        book.promote(site.id, number, ANN)


def test_of_a_version_that_is_forgotten_no_file_stays(book, site, add, tmp_path):
    for _ in range(3):
        add()
    for number in (1, 2, 3):
        book.load(site.id, number)
    assert book.prune(site.id, 1, ANN) == [2, 1]
    assert [one.name for one in (tmp_path / "cache").iterdir()] == [f"{site.id}-3"]
