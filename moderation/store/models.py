"""Models that sites have learnt: versions in the database, so that every replica has them, unpacked into a local
folder to be mapped into memory.

A version is a manifest and arrays that are named by their SHA-256; versions with the same array share it. Which
version serves is one number in the row of the site: replacing it is atomic, and running servers notice it with the
next look at the site, within a second.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, select, update

from moderation import artifact
from moderation.artifact import MANIFEST, Manifest
from moderation.classifier import Classifier
from moderation.errors import ArtifactError, ModelNotFound, NothingBefore
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.audit import note_by
from moderation.store.database import insert_into, reading, writing
from moderation.store.rows import as_text
from moderation.store.schema import arrays, models, sites
from moderation.store.sites import count_change

_FAST = 1
"""zlib's level: weights hardly shrink, and training should not wait for them."""
_MOST_NUMBER = 2**31 - 1
"""What a column of numbers holds; no version has it."""
_NAME = 50
"""Characters of a site's name in the name of a model."""


class LabelsUsed(Struct, frozen=True, kw_only=True):
    """What a version learnt from."""

    count: int
    outcomes: dict[str, int]
    first: str = ""
    """Lowest and highest id of a comment among them."""
    last: str = ""
    until: int = 0
    """When the newest of them was said: milliseconds since 1970, UTC."""
    digest: str = ""
    """SHA-256 over ids, outcomes and weights, in order."""


class Check(Struct, frozen=True, kw_only=True):
    """One test of the gate."""

    name: str
    passed: bool
    told: str
    comments: tuple[str, ...] = ()
    """Ids of comments that speak against the challenger."""


class Training(Struct, frozen=True, kw_only=True):
    """How a version came to be: kept with it for ever."""

    labels: LabelsUsed
    champion: str
    """Name of the model that served when it was trained."""
    figures: dict[str, Any] = {}
    """Measurements, as the page and the report show them."""
    gate: tuple[Check, ...] = ()
    forced: str | None = None
    """Why it was promoted although the gate refused it."""

    @property
    def passed(self) -> bool:
        """Whether the gate let it through."""
        return all(check.passed for check in self.gate)


@dataclass(frozen=True, slots=True)
class Version:
    """One model of a site."""

    site_id: int
    number: int
    manifest: Manifest
    training: Training
    created_by: str
    created_at: int
    promoted_at: int | None
    """When it last came into service; None: it never did."""
    replaced: int | None
    """The version that served before; None: the base model."""

    @property
    def name(self) -> str:
        """As verdicts name it."""
        return self.manifest.name


def name_of(site: str, number: int) -> str:
    """The name of a site's model; long names of sites are cut, as a verdict belongs to its site anyway."""
    return f"{site[:_NAME]}/{number}"


_manifest = msgspec.json.Decoder(Manifest).decode
_training = msgspec.json.Decoder(Training).decode


def _version(row: Row[Any]) -> Version:
    return Version(
        row.site_id,
        row.number,
        _manifest(row.manifest),
        _training(row.training),
        row.created_by,
        row.created_at,
        row.promoted_at,
        row.replaced,
    )


class ModelBook:
    """Models of sites in a database; ``cache`` is the folder that they are unpacked into."""

    def __init__(self, engine: Engine, cache: Path) -> None:
        self._engine, self._cache = engine, cache

    def next_number(self, site_id: int) -> int:
        """The number of a site's next version."""
        with reading(self._engine) as connection:
            return _last(connection, site_id) + 1

    def add(self, site: str, site_id: int, folder: Path, training: Training, actor: Actor) -> Version:
        """Keep a model folder as the site's next version, which serves nobody yet; all of it or nothing.

        Its name in the manifest must be the next version's; raises :class:`ArtifactError` if somebody else took it.
        """
        model = artifact.read(folder)
        # Before the transaction: nobody waits for it.
        packed = {
            digest: zlib.compress((folder / name).read_bytes(), _FAST) for name, digest in model.manifest.sha256.items()
        }
        with writing(self._engine) as connection:
            _serving(connection, site_id)  # Until the end its next number is ours.
            number, now = _last(connection, site_id) + 1, now_ms()
            if model.manifest.name != name_of(site, number):
                raise ArtifactError(folder, f"meanwhile another training has made {model.manifest.name}: train again")
            for digest, data in sorted(packed.items()):  # In one order: sites share arrays, and nobody waits in a ring.
                self._keep_array(connection, digest, data)
            values = (site_id, number, as_text(model.manifest), as_text(training), actor.name, now, None, None)
            connection.execute(insert(models).values(values))
            note_by(connection, site_id, actor, "train", model=number)
            return _version(connection.execute(_one(site_id, number)).one())

    def _keep_array(self, connection: Connection, digest: str, data: bytes) -> None:
        """Keep an array unless it is there, and whole."""
        statement = insert_into(self._engine, arrays).values(digest=digest, data=data)
        new = {"data": statement.excluded.data}
        other = arrays.c.data != statement.excluded.data
        connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=new, where=other))

    def all(self, site_id: int) -> list[Version]:
        """A site's versions, newest first."""
        query = select(models).where(models.c.site_id == site_id).order_by(models.c.number.desc())
        with reading(self._engine) as connection:
            return [_version(row) for row in connection.execute(query)]

    def show(self, site_id: int, number: int) -> Version:
        """One version; raises :class:`ModelNotFound`."""
        with reading(self._engine) as connection:
            return _version(_found(connection, site_id, number))

    def promote(self, site_id: int, number: int | None, actor: Actor, *, why: str | None = None) -> None:
        """Let a version serve, or with None the base model. ``why`` a gate's refusal was overruled is kept with it."""
        with writing(self._engine) as connection:
            before = _serving(connection, site_id)
            if number is not None:
                self._ready(connection, site_id, number, why)
                if number != before:
                    new = {"promoted_at": now_ms(), "replaced": before}
                    connection.execute(update(models).where(_is(site_id, number)).values(new))
            count_change(connection, site_id, model=number)
            detail: dict[str, Any] = {"model": number or "base", "before": before or "base"}
            if why is not None:
                detail["why"] = why
            note_by(connection, site_id, actor, "promote", **detail)

    def _ready(self, connection: Connection, site_id: int, number: int, why: str | None) -> None:
        """Look at all of a version before it serves."""
        version = _version(_found(connection, site_id, number))
        self._unpacked(connection, version.manifest, f"{site_id}-{number}")
        if why is not None:
            training = msgspec.structs.replace(version.training, forced=why)
            kept = update(models).where(_is(site_id, number)).values(training=as_text(training))
            connection.execute(kept)

    def rollback(self, site_id: int, actor: Actor) -> int | None:
        """Let the version serve again that served before; returns it (None: the base model).

        Raises :class:`NothingBefore` if the base model serves.
        """
        with writing(self._engine) as connection:
            now = _serving(connection, site_id)
            if now is None:
                raise NothingBefore()
            before: int | None = _found(connection, site_id, now).replaced
            if before is not None:
                self._ready(connection, site_id, before, None)
            count_change(connection, site_id, model=before)
            note_by(connection, site_id, actor, "rollback", model=before or "base", before=now)
            return before

    def prune(self, site_id: int, keep: int, actor: Actor) -> list[int]:
        """Forget all versions but the newest ``keep``, the one that serves and the one it replaced."""
        with writing(self._engine) as connection:
            now = _serving(connection, site_id)
            spared = {now, _found(connection, site_id, now).replaced} if now is not None else set()
            numbers = select(models.c.number).where(models.c.site_id == site_id).order_by(models.c.number.desc())
            old = [n for n in list(connection.execute(numbers).scalars())[keep:] if n not in spared]
            if old:
                connection.execute(delete(models).where(models.c.site_id == site_id, models.c.number.in_(old)))
                gone = models.c.site_id == site_id, models.c.replaced.in_(old)
                connection.execute(update(models).where(*gone).values(replaced=None))
                _drop_unused(connection)
                note_by(connection, site_id, actor, "prune-models", models=old)
        for number in old:  # Where else it was unpacked nobody looks into it any more.
            rmtree(self._cache / f"{site_id}-{number}", ignore_errors=True)
        return old

    def load(self, site_id: int, number: int) -> Classifier:
        """A version, ready to score; raises :class:`ModelNotFound` or :class:`ArtifactError`."""
        with reading(self._engine) as connection:
            version = _version(_found(connection, site_id, number))
            return Classifier.load(self._unpacked(connection, version.manifest, f"{site_id}-{number}"))

    def _unpacked(self, connection: Connection, manifest: Manifest, name: str) -> Path:
        """The folder of a version, verified; what is missing or damaged there comes from the database again."""
        folder = self._cache / name
        try:
            if artifact.read(folder).manifest == manifest:
                return folder
        except ArtifactError:
            pass
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for file, digest in manifest.sha256.items():
                if Path(file).name != file:
                    raise ArtifactError(folder, f"the manifest names {file!r}, which is no file of a model")
                _replace(folder / file, _array(connection, digest, folder / file))
            _replace(folder / MANIFEST, msgspec.json.encode(manifest))
        except OSError as error:
            raise ArtifactError(folder, f"cannot be unpacked: {error.strerror or error}") from error
        artifact.read(folder)
        return folder


def _array(connection: Connection, digest: str, file: Path) -> bytes:
    data = connection.execute(select(arrays.c.data).where(arrays.c.digest == digest)).scalar_one_or_none()
    if data is None:
        raise ArtifactError(file, "is not in the database")
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise ArtifactError(file, f"is damaged in the database ({error})") from error


def _replace(path: Path, data: bytes) -> None:
    """Write a file in one step: a server that has mapped the old one keeps it."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def _is(site_id: int, number: int) -> Any:
    return and_(models.c.site_id == site_id, models.c.number == number)


def _one(site_id: int, number: int) -> Any:
    return select(models).where(_is(site_id, min(max(number, 0), _MOST_NUMBER)))


def _found(connection: Connection, site_id: int, number: int) -> Row[Any]:
    row = connection.execute(_one(site_id, number)).one_or_none()
    if row is None:
        there = select(models.c.number).where(models.c.site_id == site_id).order_by(models.c.number)
        names = ", ".join(map(str, connection.execute(there).scalars())) or "none"
        raise ModelNotFound(Path(str(number)), f"the site has no such version; there are: {names}")
    return row


def _last(connection: Connection, site_id: int) -> int:
    query = select(func.coalesce(func.max(models.c.number), 0)).where(models.c.site_id == site_id)
    last: int = connection.execute(query).scalar_one()
    return last


def _serving(connection: Connection, site_id: int) -> int | None:
    """The version that serves (None: the base model); until the end nobody else changes the site's models."""
    mine = select(sites.c.model).where(sites.c.id == site_id).with_for_update()
    found: int | None = connection.execute(mine).scalar_one()
    return found


def _drop_unused(connection: Connection) -> None:
    """Forget arrays that no version has any more."""
    unused = set(connection.execute(select(arrays.c.digest)).scalars()) - _used(connection)
    # Who adds a version of another site holds its arrays until it is there: wait for them, and look again.
    held = select(arrays.c.digest).where(arrays.c.digest.in_(unused)).order_by(arrays.c.digest).with_for_update()
    connection.execute(held).all()
    connection.execute(delete(arrays).where(arrays.c.digest.in_(unused - _used(connection))))


def _used(connection: Connection) -> set[str]:
    """Arrays that versions have."""
    manifests = connection.execute(select(models.c.manifest)).scalars()
    return {digest for manifest in manifests for digest in _manifest(manifest).sha256.values()}
