"""The manifest of a model: all that is needed to use its weights, and nothing that could be run.

In: bytes that somebody trusted has signed. Out: a checked `Manifest`, or a ModelError that names the key.
Must not know: files, signatures, torch, or where features come from.
"""

import hashlib
import json
import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, ValidationError, model_validator

from schemas.errors import ModelError

FLOATS = 1 << 26  # of all weights together: 256 MB

Finite = Annotated[float, Field(allow_inf_nan=False)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Width = Annotated[int, Field(gt=0, le=4096)]
Text = Annotated[str, Field(max_length=200)]
Feature = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_]{1,128}:[A-Za-z0-9_]{1,128}$")]


class Manifest(BaseModel):
    """What a model is: features in order as `view:feature`, normalisation, label, origin, sizes, the weights' hash.

    An `mlp` takes the features as they are; a `gru` takes them as `steps` bars, the oldest first, of as many channels
    each, and has one hidden layer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal[2] = 2
    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    serial: PositiveInt  # rises with every publication under this name: an older one does not replace a newer one
    interval: Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,8}(us|ms|s|m|h|d)$")]
    architecture: Literal["mlp", "gru"] = "mlp"
    steps: Annotated[int, Field(gt=0, le=1024)] = 1
    features: Annotated[tuple[Feature, ...], Field(min_length=1, max_length=4096)]
    mean: tuple[Finite, ...]
    std: tuple[Annotated[Finite, Field(gt=0)], ...]
    clip: Annotated[Finite, Field(gt=0, le=1e6)]  # normalised features are held within [-clip, clip]
    max_missing: Annotated[int, Field(ge=0)]  # a row with more missing features gets no score
    label: Text
    train_start: Text  # event times of the first and last bar that were learned from, ISO 8601, UTC
    train_end: Text
    rows: PositiveInt
    seed: int
    metrics: dict[str, Finite]  # of the walk-forward folds, not of these weights
    code: Text  # digest of the package that computes features and scores
    hidden: Annotated[tuple[Width, ...], Field(max_length=8)]
    weights_sha256: Digest

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.features)) < len(self.features):
            raise ValueError("features must be distinct")
        if not len(self.features) == len(self.mean) == len(self.std):
            raise ValueError("features, mean and std differ in length")
        if strange := [name for name in self.features if not name.partition(":")[0].endswith(f"_{self.interval}")]:
            raise ValueError(f"feature {strange[0]} is not of interval {self.interval}")
        if self.architecture == "mlp" and self.steps != 1:
            raise ValueError("an mlp has one step")
        if self.architecture == "gru" and (len(self.hidden) != 1 or len(self.features) % self.steps):
            raise ValueError("a gru has one hidden layer, and as many features at each step")
        if (floats := sum(math.prod(shape) for shape in self.shapes.values())) > FLOATS:
            raise ValueError(f"{floats} weights are more than {FLOATS}")
        return self

    @property
    def version(self) -> str:
        """16 hex digits of the SHA-256 of the manifest, which holds the weights' hash: any change is a new version."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def channels(self) -> int:
        """Features at each step."""
        return len(self.features) // self.steps

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths of the linear layers from the first input to the one output; of a gru, of what is behind it."""
        return (len(self.features), *self.hidden, 1) if self.architecture == "mlp" else (*self.hidden, 1)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each weight: `weight_i` [out, in] and `bias_i` [out] of layer i.

        A gru of width H has `weight_ih` [3H, channels], `weight_hh` [3H, H], `bias_ih` and `bias_hh` [3H] before it:
        gates reset, update, new, as in torch.
        """
        sizes = self.sizes
        pairs = [(sizes[i + 1], sizes[i]) for i in range(len(sizes) - 1)]
        weights: dict[str, tuple[int, ...]] = {f"weight_{i}": pair for i, pair in enumerate(pairs)}
        weights |= {f"bias_{i}": pair[:1] for i, pair in enumerate(pairs)}
        if self.architecture == "gru":
            gates = 3 * self.hidden[0]
            weights |= {"weight_ih": (gates, self.channels), "weight_hh": (gates, self.hidden[0])}
            weights |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        return weights

    def columns(self) -> dict[str, dict[str, int]]:
        """View -> {feature -> its column in the model's input}, in the order of the features."""
        views: dict[str, dict[str, int]] = {}
        for column, feature in enumerate(self.features):
            view, _, name = feature.partition(":")
            views.setdefault(view, {})[name] = column
        return views

    def encoded(self) -> bytes:
        """The bytes of manifest.json, which are signed."""
        return self.model_dump_json(indent=1).encode()


def read(data: bytes, where: str) -> Manifest:
    """The manifest in these bytes; ModelError if they are no manifest of this version."""
    found = strict_json(data, where)
    if isinstance(found, dict) and "version" in found and "manifest" in found:
        what = "this manifest is of version 0.1.0 and not signed"
        raise ModelError(what, where=where, hint="train the model again: tickloom train")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise ModelError(f"manifest: {key or 'file'}: {problem['msg']}", where=where) from error


def strict_json(data: bytes, where: str) -> Any:
    """JSON in UTF-8 without NaN, repeated keys or nesting beyond reason; ModelError for anything else."""
    try:
        return json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ModelError("JSON is nested too deeply", where=where) from error
    except ValueError as error:
        raise ModelError(f"not JSON: {error}", where=where) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
