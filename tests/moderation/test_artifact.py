from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation import artifact
from moderation.artifact import MANIFEST, PHRASES, WEIGHTS
from moderation.errors import ArtifactError, ModelNotFound
from tests.builders import make_manifest, random_weights, write_model

BITS = 4


@pytest.fixture
def folder(tmp_path) -> Path:
    """A good model folder, to be spoilt."""
    return write_model(tmp_path / "base" / "1.0.0", bits=BITS)


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


def forge_weights(folder: Path, blob: bytes) -> None:
    """Other weights, with a manifest that vouches for them."""
    (folder / WEIGHTS).write_bytes(blob)
    change_manifest(folder, sha256={name: artifact.digest_of(folder / name) for name in (WEIGHTS, PHRASES)})


def save(tmp_path: Path, array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    np.save(tmp_path / "other.npy", array, allow_pickle=allow_pickle)
    return (tmp_path / "other.npy").read_bytes()


class Bomb:
    """Unpickled, it would make a folder."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.at),)


def test_what_is_written_is_read(tmp_path):
    manifest = make_manifest(bits=BITS)
    weights = random_weights(manifest)
    written = artifact.write(tmp_path / "new" / "folder", manifest, weights)
    model = artifact.read(tmp_path / "new" / "folder")
    read, mapped = model.manifest, model.weights
    assert read == written
    scales = [head.scale for head in read.heads]
    assert mapped[:, :2] * scales == pytest.approx(weights, abs=max(scales))


def test_weights_are_mapped_read_only(folder):
    weights = artifact.read(folder).weights
    assert isinstance(weights, np.memmap)
    assert not weights.flags.writeable


def test_the_manifest_vouches_for_the_weights(folder):
    assert artifact.read_manifest(folder).sha256 == {
        name: artifact.digest_of(folder / name) for name in (WEIGHTS, PHRASES)
    }


def test_tampered_weights_are_refused(folder):
    blob = bytearray((folder / WEIGHTS).read_bytes())
    blob[-1] ^= 1
    (folder / WEIGHTS).write_bytes(blob)
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.read(folder)


def test_truncated_weights_are_refused(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-2])
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.read(folder)


def test_truncated_weights_are_refused_though_the_manifest_vouches_for_them(folder):
    forge_weights(folder, (folder / WEIGHTS).read_bytes()[:-2])
    with pytest.raises(ArtifactError, match=WEIGHTS):
        artifact.read(folder)


def test_weights_nobody_vouches_for_are_refused(folder):
    change_manifest(folder, sha256={})
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.read(folder)


def test_missing_weights_are_named(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(ArtifactError, match="is missing"):
        artifact.read(folder)


def test_a_folder_without_a_manifest_is_no_model(folder):
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelNotFound):
        artifact.read(folder)


def test_a_manifest_that_cannot_be_read_is_refused(folder):
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).mkdir()
    with pytest.raises(ArtifactError, match=MANIFEST):
        artifact.read(folder)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((16, 1), np.int16),
        np.zeros((15, 8), np.int16),
        np.zeros((8, 16), np.int16),
        np.zeros(128, np.int16),
        np.zeros((), np.int16),
        np.zeros((16, 8), np.float32),
        np.zeros((16, 8), np.int32),
        np.zeros((16, 8), ">i2"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_weights_of_another_shape_or_type_are_refused(folder, tmp_path, array):
    forge_weights(folder, save(tmp_path, array))
    with pytest.raises(ArtifactError, match="expected int16"):
        artifact.read(folder)


def test_an_array_of_objects_is_refused_and_never_unpickled(folder, tmp_path):
    array = np.array([[Bomb(tmp_path / "boom"), None]] * 16, dtype=object)
    forge_weights(folder, save(tmp_path, array, allow_pickle=True))
    with pytest.raises(ArtifactError):
        artifact.read(folder)
    assert not (tmp_path / "boom").exists()


def test_a_pickle_is_refused_and_never_unpickled(folder, tmp_path):
    forge_weights(folder, pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(ArtifactError):
        artifact.read(folder)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "blob", [b"no magic at all", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x00"]
)
def test_weights_that_are_no_array_are_refused(folder, blob):
    forge_weights(folder, blob)
    with pytest.raises(ArtifactError, match=WEIGHTS):
        artifact.read(folder)


def test_an_empty_weights_file_is_refused(folder):
    forge_weights(folder, b"")
    with pytest.raises(ArtifactError):
        artifact.read(folder)


def test_a_zip_of_arrays_is_refused(folder, tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros((16, 8), np.int16))
    forge_weights(folder, (tmp_path / "other.npz").read_bytes())
    with pytest.raises(ArtifactError):
        artifact.read(folder)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "format 2"),
        ({"features_version": 99}, "features 99"),
        ({"bits": "four"}, "bits"),
        ({"heads": [{"name": "spam"}]}, "bias"),
        ({"heads": None}, "heads"),
    ],
)
def test_a_manifest_this_hamlet_cannot_use_says_why(folder, change, why):
    change_manifest(folder, **change)
    with pytest.raises(ArtifactError, match=why):
        artifact.read(folder)


@pytest.mark.parametrize("bits", [-1, 10**12])
def test_an_impossible_size_is_refused(folder, bits):
    change_manifest(folder, bits=bits)
    with pytest.raises(ArtifactError):
        artifact.read(folder)


@pytest.mark.parametrize("field", ["format", "name", "features_version", "bits", "heads", "data", "sha256"])
def test_a_manifest_without_a_field_names_it(folder, field):
    manifest = json.loads((folder / MANIFEST).read_bytes())
    del manifest[field]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=field):
        artifact.read(folder)


@pytest.mark.parametrize("raw", [b"", b"hello", b"[]", b"null", b'{"format": 1', b'{"name": "\xff"}', b"\xff\xfe"])
def test_a_manifest_that_is_no_json_object_is_refused(folder, raw):
    (folder / MANIFEST).write_bytes(raw)
    with pytest.raises(ArtifactError, match=MANIFEST):
        artifact.read(folder)


def test_a_manifest_nested_without_end_is_refused(folder):
    (folder / MANIFEST).write_bytes(b'{"x":' + b"[" * 100_000)
    with pytest.raises(ArtifactError):
        artifact.read(folder)


def test_a_model_is_found_by_name(folder, tmp_path):
    assert artifact.find(tmp_path, "base/1.0.0") == folder.resolve()


def test_the_newest_version_wins(tmp_path):
    for version in ("1.9.0", "1.10.0", "1.2.11", "0.99.0"):
        write_model(tmp_path / "base" / version, bits=BITS)
    assert artifact.find(tmp_path) == tmp_path / "base" / "1.10.0"
    assert artifact.available(tmp_path) == ["base/0.99.0", "base/1.2.11", "base/1.9.0", "base/1.10.0"]


def test_a_release_is_newer_than_its_trial(tmp_path):
    for version in ("1.0.0", "1.0.rc"):
        write_model(tmp_path / "base" / version, bits=BITS)
    assert artifact.find(tmp_path).name == "1.0.0"


def test_a_folder_without_a_manifest_is_not_available(folder, tmp_path):
    (tmp_path / "base" / "2.0.0").mkdir()
    assert artifact.available(tmp_path) == ["base/1.0.0"]


def test_a_version_of_strange_digits_does_not_hide_the_others(folder, tmp_path):
    write_model(tmp_path / "base" / "0.²", bits=BITS)
    assert artifact.find(tmp_path).name == "1.0.0"


def test_no_models_is_an_error_that_says_where(tmp_path):
    with pytest.raises(ModelNotFound, match="no model here"):
        artifact.find(tmp_path)


def test_an_unknown_name_is_answered_with_the_known_ones(folder, tmp_path):
    with pytest.raises(ModelNotFound, match=r"base/1\.0\.0"):
        artifact.find(tmp_path, "base/7.7.7")


@pytest.mark.parametrize("name", ["..", "../secret", "base/../../secret", "/", "base/1.0.0/../../../secret"])
def test_a_name_leads_nowhere_outside_the_models(folder, tmp_path, name):
    write_model(tmp_path / "secret", bits=BITS)
    write_model(tmp_path / "models" / "base" / "1.0.0", bits=BITS)
    with pytest.raises(ModelNotFound):
        artifact.find(tmp_path / "models", name)


def test_a_symbolic_link_leads_nowhere_outside_the_models(tmp_path):
    write_model(tmp_path / "secret", bits=BITS)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelNotFound):
        artifact.find(tmp_path / "models", "link")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_name_no_folder_can_have_is_not_found(tmp_path, name):
    with pytest.raises(ModelNotFound):
        artifact.find(tmp_path, name)
