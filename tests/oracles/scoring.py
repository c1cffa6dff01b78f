"""The plain twin of the model (float64, one row at a time), rank correlation by its definition, and made-up models."""

import hashlib
import math
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from udfs.scoring import artifact, signature, tensors
from udfs.scoring.manifest import Manifest
from udfs.scoring.tensors import Weights

FEATURES = ("indicators_1d:rsi_14", "indicators_1d:log_return", "cross_asset_1d:beta_market_60")
KEY = Ed25519PrivateKey.from_private_bytes(b"the key that the tests trust....")
TRUSTED = (signature.public_hex(KEY.public_key()),)


def publish(folder: Path, manifest: Manifest, data: bytes) -> Path:
    """A signed version in the folder, as its current one."""
    path = artifact.save(folder, manifest, data, KEY)
    artifact.publish(folder, manifest.version)
    return path


def made(seed: int, hidden: tuple[int, ...] = (8, 4), **changes: object) -> tuple[Manifest, Weights, bytes]:
    """A model of random weights over FEATURES."""
    rng = np.random.default_rng(seed)
    fields = {
        "name": "made",
        "serial": 1,
        "interval": "1d",
        "features": FEATURES,
        "mean": (50.0, 0.0, 1.0),
        "std": (10.0, 0.02, 0.5),
        "clip": 6.0,
        "max_missing": 1,
        "label": "next log_return",
        "train_start": "2000-01-04T00:00:00+00:00",
        "train_end": "2013-03-01T00:00:00+00:00",
        "rows": 100,
        "seed": seed,
        "metrics": {"ic": 0.01},
        "code": "0" * 16,
        "hidden": hidden,
        "weights_sha256": "0" * 64,
    } | changes
    shapes = Manifest(**fields).shapes
    weights = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    data = tensors.encode(weights)
    return Manifest(**fields | {"weights_sha256": hashlib.sha256(data).hexdigest()}), weights, data


def forward(manifest: Manifest, weights: Weights, row: list[float]) -> float:
    """Score of one row: normalise, fill with the mean, clip, multiply layer by layer."""
    missing = [not math.isfinite(value) for value in row]
    if sum(missing) > manifest.max_missing:
        return math.nan
    x = [
        0.0 if gone else max(-manifest.clip, min(manifest.clip, (value - mean) / std))
        for value, gone, mean, std in zip(row, missing, manifest.mean, manifest.std, strict=True)
    ]
    if manifest.architecture == "gru":
        x = unrolled(manifest, weights, x)
    layers = len(manifest.sizes) - 1
    for i in range(layers):
        x = linear(weights, str(i), x)
        x = x if i == layers - 1 else [max(0.0, v) for v in x]
    return x[0]


def linear(weights: Weights, name: str, x: list[float]) -> list[float]:
    """W x + b, one product at a time."""
    return [
        float(bias) + sum(float(w) * v for w, v in zip(line, x, strict=True))
        for line, bias in zip(weights[f"weight_{name}"], weights[f"bias_{name}"], strict=True)
    ]


def unrolled(manifest: Manifest, weights: Weights, x: list[float]) -> list[float]:
    """The last state of a GRU over the bars of a row, as in Cho et al. (2014) and torch.nn.GRU."""
    width, channels = manifest.hidden[0], manifest.channels
    h = [0.0] * width
    for step in range(manifest.steps):
        new = linear(weights, "ih", x[step * channels : (step + 1) * channels])
        old = linear(weights, "hh", h)
        for j, before in enumerate(list(h)):
            reset, update = (1 / (1 + math.exp(-new[g * width + j] - old[g * width + j])) for g in (0, 1))
            candidate = math.tanh(new[2 * width + j] + reset * old[2 * width + j])
            h[j] = (1 - update) * candidate + update * before
    return h


def made_gru(seed: int, width: int = 5, steps: int = 4, **changes: object) -> tuple[Manifest, Weights, bytes]:
    """A GRU of random weights over `steps` bars of two channels."""
    lags = [f"_lag_{lag}" if lag else "" for lag in reversed(range(steps))]
    features = tuple(f"indicators_1d:{name}{lag}" for lag in lags for name in ("log_return", "rsi_14"))
    shape = {"mean": (0.0, 50.0) * steps, "std": (0.02, 10.0) * steps, "max_missing": steps}
    return made(seed, (width,), architecture="gru", steps=steps, features=features, **(shape | changes))


def rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's: Pearson's correlation of the ranks, ties sharing their mean rank; NaN if one side is constant."""
    ranks = [[sum(y < x for y in side) + sum(y == x for y in side) / 2 for x in side] for side in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1]) if all(len(set(side)) > 1 for side in ranks) else math.nan
