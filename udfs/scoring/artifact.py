"""A trained model as a folder: model.safetensors (the weights) and manifest.json (all that is needed to use them).

In: a folder. Out: a `Manifest` and float32 arrays, after the version, the weights' hash, names, shapes and finiteness
were checked; anything else is a ModelError with its reason. Nothing here unpickles or runs code from the folder.
Must not know: torch, the network's arithmetic, or where features come from.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, ValidationError, model_validator

from schemas.errors import ModelError

MANIFEST, WEIGHTS = "manifest.json", "model.safetensors"
MANIFEST_BYTES = 1 << 20  # a manifest is a few kB; more is not one
HEADER_BYTES = 1 << 16  # what safetensors may add to the weights themselves

Weights = dict[str, npt.NDArray[np.float32]]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Width = Annotated[int, Field(gt=0, le=4096)]


class Manifest(BaseModel):
    """What a model is: features in order as `view:feature`, normalisation, label, origin, sizes, the weights' hash."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal[1] = 1
    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    interval: str
    features: Annotated[tuple[str, ...], Field(min_length=1, max_length=4096)]
    mean: tuple[Finite, ...]
    std: tuple[Annotated[Finite, Field(gt=0)], ...]
    clip: Annotated[Finite, Field(gt=0)]  # normalised features are held within [-clip, clip]
    max_missing: Annotated[int, Field(ge=0)]  # a row with more missing features gets no score
    label: str
    train_start: str  # event times of the first and last bar that were learned from, ISO 8601, UTC
    train_end: str
    rows: PositiveInt
    seed: int
    metrics: dict[str, Finite]  # of the walk-forward folds, not of these weights
    code: str  # digest of the package that computes features and scores
    hidden: Annotated[tuple[Width, ...], Field(max_length=8)]
    weights_sha256: Digest

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [feature.partition(":") for feature in self.features]
        if len(set(self.features)) < len(names) or not all(view and name for view, _, name in names):
            raise ValueError("features must be distinct and of the form view:feature")
        if not len(self.features) == len(self.mean) == len(self.std):
            raise ValueError("features, mean and std differ in length")
        return self

    @property
    def version(self) -> str:
        """16 hex digits of the SHA-256 of the manifest, which holds the weights' hash: any change is a new version."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each weight: `weight_i` [out, in] and `bias_i` [out] of layer i."""
        sizes = (len(self.features), *self.hidden, 1)
        pairs = [(sizes[i + 1], sizes[i]) for i in range(len(sizes) - 1)]
        weights: dict[str, tuple[int, ...]] = {f"weight_{i}": pair for i, pair in enumerate(pairs)}
        return weights | {f"bias_{i}": pair[:1] for i, pair in enumerate(pairs)}

    def columns(self) -> dict[str, dict[str, int]]:
        """View -> {feature -> its column in the model's input}, in the order of the features."""
        views: dict[str, dict[str, int]] = {}
        for column, feature in enumerate(self.features):
            view, _, name = feature.partition(":")
            views.setdefault(view, {})[name] = column
        return views


class _File(BaseModel):
    """manifest.json: the version beside what it is the hash of."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: str
    manifest: Manifest


def encode(weights: Weights) -> bytes:
    """The bytes of model.safetensors."""
    from safetensors.numpy import save as to_bytes

    data: bytes = to_bytes(weights)
    return data


def save(folder: Path, manifest: Manifest, weights: bytes) -> None:
    """Write both files; each appears whole, and a reader between the two meets a hash that does not fit."""
    folder.mkdir(parents=True, exist_ok=True)
    text = _File(version=manifest.version, manifest=manifest).model_dump_json(indent=1)
    for name, data in ((WEIGHTS, weights), (MANIFEST, text.encode())):
        part = folder / f".{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)


def load(folder: Path) -> tuple[Manifest, Weights]:
    """Manifest and weights of a folder that passed every check; ModelError with the reason if it did not."""
    manifest = read_manifest(folder)
    path = folder / WEIGHTS
    floats = sum(int(np.prod(shape)) for shape in manifest.shapes.values())
    data = _read(path, 4 * floats + HEADER_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.weights_sha256:
        raise ModelError(f"weights have SHA-256 {found}, the manifest says {manifest.weights_sha256}", where=str(path))
    return manifest, _weights(data, manifest, path)


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone, its version checked; ModelError if it is damaged."""
    path = folder / MANIFEST
    try:
        file = _File.model_validate_json(_read(path, MANIFEST_BYTES))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise ModelError(f"manifest: {key or 'file'}: {problem['msg']}", where=str(path)) from error
    if file.version != file.manifest.version:
        raise ModelError(f"manifest is of version {file.manifest.version} but says {file.version}", where=str(path))
    return file.manifest


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        hint = "make a model: tickloom train --features FEATURES.parquet --out FOLDER"
        raise ModelError(f"no model: {error.strerror}", where=str(path), hint=hint) from error
    if len(data) > most:
        raise ModelError(f"file has more than the {most} bytes that this model can need", where=str(path))
    return data


def _weights(data: bytes, manifest: Manifest, path: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        weights: Weights = from_bytes(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"not a safetensors file: {error}", where=str(path)) from error
    shapes = {name: array.shape for name, array in weights.items()}
    if shapes != manifest.shapes:
        raise ModelError(f"weights have shapes {shapes}, the manifest needs {manifest.shapes}", where=str(path))
    for name, array in weights.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{name} must be finite float32", where=str(path))
    return weights
