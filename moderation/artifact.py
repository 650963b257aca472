"""The model on disk: a manifest and plain arrays, checked before they are used. Never a pickle: a model is data.

models/base/1.0.0/manifest.json   what it is, how it was made, the SHA-256 of every array
models/base/1.0.0/weights.npy     [features, columns] int16, memory-mapped, so that workers share its pages

models/base/1.0.0/phrases.npy     [n, 3] uint64: hash, worth and hash of the first characters of phrases known from spam

The last column of the weights is the square of each row's inverse document frequency; the others are the heads'.
Weights are whole numbers that each head's ``scale`` turns into log-odds: half the size of 32-bit floats
and faster to add up. Columns are filled up to eight, so that a row is one load.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from moderation import features
from moderation.errors import ArtifactError, ModelNotFound, OtherFeatures
from moderation.grams import feature_count
from moderation.phrases import NONE, Phrases

FORMAT = 1
MANIFEST = "manifest.json"
WEIGHTS = "weights.npy"
PHRASES = "phrases.npy"
ALIGNED = 8
LEAST_BITS, MOST_BITS = 1, 26


class HeadManifest(Struct, frozen=True, kw_only=True):
    """One head: its place among the columns, its calibration and its thresholds."""

    name: str
    bias: float
    """Log-odds, already calibrated."""
    slope: float
    """Platt scaling (Platt 1999): calibrated log-odds = bias + slope * sum(weights * scales of the features)."""
    scale: float = 1.0
    """What one unit of the stored weights is worth."""
    hold_at: float | None
    reject_at: float | None
    """None: the head informs and does not decide, unless a site sets thresholds for it."""
    evidence: str
    """What the thresholds rest on: how many comments, which bound."""
    metrics: dict[str, float] = {}


class DataSource(Struct, frozen=True, kw_only=True):
    """One corpus the model was trained on."""

    name: str
    rows: int
    sha256: str
    licence: str
    positives: dict[str, int] = {}


class Manifest(Struct, frozen=True, kw_only=True):
    """All that is to be known of a model."""

    format: int
    name: str
    features_version: int
    bits: int
    heads: tuple[HeadManifest, ...]
    frequency_scale: float = 1.0
    """What one unit of the last column is worth: squared inverse document frequency."""
    signals: dict[str, float] = {}
    """Weights of signals that a site has learnt, by code."""
    base: str | None = None
    """Of a site's own model: the base model that it corrects."""
    rejects_with_base: bool = False
    """Whether it rejects only what its base rejects as well, as it has no bound of its own yet."""
    data: tuple[DataSource, ...]
    sha256: dict[str, str]
    made_with: dict[str, str] = {}


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(
    folder: Path,
    manifest: Manifest,
    weights: NDArray[np.floating],
    frequency: NDArray[np.floating] | None = None,
    phrases: Phrases = NONE,
) -> Manifest:
    """Write a model folder; returns the manifest with scales and digests filled in.

    ``weights`` [features, heads], each already times its row's inverse document frequency; ``frequency`` [features] is
    that frequency, 1 everywhere if not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    squares = np.ones(weights.shape[0]) if frequency is None else frequency.astype(np.float64) ** 2
    stored, scales = quantized(weights, squares)
    np.save(folder / WEIGHTS, stored, allow_pickle=False)
    np.save(folder / PHRASES, phrases.as_array(), allow_pickle=False)
    heads = zip(manifest.heads, scales[:-1], strict=True)
    manifest = msgspec.structs.replace(
        manifest,
        heads=tuple(msgspec.structs.replace(head, scale=scale) for head, scale in heads),
        frequency_scale=scales[-1],
        sha256={name: digest_of(folder / name) for name in (WEIGHTS, PHRASES)},
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(text + b"\n")
    return manifest


def quantized(weights: NDArray[np.floating], squares: NDArray[np.floating]) -> tuple[NDArray[np.int16], list[float]]:
    """Weights [rows, heads] and squares [rows] as whole numbers [rows, columns], and the scale of each of them."""
    rows, heads = weights.shape
    whole = np.concatenate([weights, squares[:, None]], axis=1).astype(np.float64)
    top = np.abs(whole).max(axis=0)
    scales = np.where(top > 0, top / np.iinfo(np.int16).max, 1.0)
    stored = np.zeros((rows, columns(heads)), dtype=np.int16)
    stored[:, :heads] = np.rint(weights / scales[:-1])
    stored[:, -1] = np.maximum(np.rint(squares / scales[-1]), 1)
    return stored, scales.tolist()


def columns(heads: int) -> int:
    """Columns that a number of heads and the one of the frequencies are filled up to."""
    return -(-(heads + 1) // ALIGNED) * ALIGNED


def read_manifest(folder: Path) -> Manifest:
    """Read a manifest, or raise an :class:`ArtifactError` that says what is wrong with it."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        raise ModelNotFound(folder, "there is no manifest.json") from error
    except OSError as error:
        raise ArtifactError(folder, f"manifest.json: {error.strerror}") from error
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(folder, f"manifest.json: {error}") from error
    if manifest.format != FORMAT:
        raise ArtifactError(folder, f"written in format {manifest.format}, this Hamlet reads format {FORMAT}")
    if manifest.features_version != features.VERSION:
        raise OtherFeatures(
            folder, f"made for features {manifest.features_version}, this Hamlet has {features.VERSION}"
        )
    if not LEAST_BITS <= manifest.bits <= MOST_BITS:
        raise ArtifactError(
            folder, f"bits must lie between {LEAST_BITS} and {MOST_BITS}, the manifest says {manifest.bits}"
        )
    return manifest


@dataclass(frozen=True, slots=True)
class Model:
    """What a model folder holds, verified. The weights are mapped, not copied."""

    manifest: Manifest
    weights: NDArray[np.int16]
    phrases: Phrases


def read(folder: Path) -> Model:
    """Read and verify a model folder; raises an :class:`ArtifactError` that says what is wrong with it."""
    manifest = read_manifest(folder)
    weights = _read_array(folder, WEIGHTS, manifest, mapped=True)
    _expect(folder, WEIGHTS, weights, np.dtype(np.int16), (feature_count(manifest.bits), columns(len(manifest.heads))))
    phrases = _read_array(folder, PHRASES, manifest, mapped=False)
    _expect(folder, PHRASES, phrases, np.dtype(np.uint64), (phrases.shape[0] if phrases.ndim else 0, 3))
    return Model(manifest, weights, Phrases.from_array(phrases))


def _expect(folder: Path, name: str, array: NDArray[Any], kind: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if array.dtype != kind or array.shape != shape:
        found = f"{array.dtype}{list(array.shape)}"
        raise ArtifactError(folder, f"{name} is {found}, expected {kind}{list(shape)}")


def _read_array(folder: Path, name: str, manifest: Manifest, *, mapped: bool) -> NDArray[Any]:
    path = folder / name
    if not path.is_file():
        raise ArtifactError(folder, f"{name} is missing")
    if digest_of(path) != manifest.sha256.get(name):
        raise ArtifactError(folder, f"{name} is not the file that was trained (SHA-256 differs): damaged or changed")
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ArtifactError(folder, f"{name}: {error}") from error
    if not isinstance(array, np.ndarray):  # An archive of arrays loads, too.
        raise ArtifactError(folder, f"{name} holds no single array")
    return array


def version_key(name: str) -> tuple[int, ...]:
    """Sort key of a version such as ``1.10.0``."""
    return tuple(int(part) if part.isdecimal() else -1 for part in name.split("."))


def find(models: Path, name: str | None = None) -> Path:
    """The folder of a model by name (``base/1.0.0``), or of the newest base model."""
    if name is not None:
        try:
            folder = (models / name).resolve()
            found = folder.is_relative_to(models.resolve()) and folder.is_dir()
        except (ValueError, OSError):  # A NUL, or a name longer than any file's.
            found = False
        if not found:
            raise ModelNotFound(models / name, f"no such model; there are: {', '.join(available(models)) or 'none'}")
        return folder
    names = available(models)
    if not names:
        raise ModelNotFound(models / "base", "no model here")
    return models / names[-1]


def available(models: Path) -> list[str]:
    """Names of the base models, oldest version first."""
    folders = [path.parent for path in (models / "base").glob(f"*/{MANIFEST}")]
    return [f"base/{folder.name}" for folder in sorted(folders, key=lambda folder: version_key(folder.name))]
