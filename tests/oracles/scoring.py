"""The plain twin of the model (float64, one row at a time), rank correlation by its definition, and made-up models."""

import hashlib
import math

import numpy as np

from udfs.scoring import artifact
from udfs.scoring.artifact import Manifest, Weights

FEATURES = ("indicators_1d:rsi_14", "indicators_1d:log_return", "cross_asset_1d:beta_market_60")


def made(seed: int, hidden: tuple[int, ...] = (8, 4), **changes: object) -> tuple[Manifest, Weights, bytes]:
    """A model of random weights over FEATURES."""
    rng = np.random.default_rng(seed)
    fields = {
        "name": "made",
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
    data = artifact.encode(weights)
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
    layers = len(manifest.hidden) + 1
    for i in range(layers):
        x = [
            float(bias) + sum(float(w) * v for w, v in zip(line, x, strict=True))
            for line, bias in zip(weights[f"weight_{i}"], weights[f"bias_{i}"], strict=True)
        ]
        x = x if i == layers - 1 else [max(0.0, v) for v in x]
    return x[0]


def rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's: Pearson's correlation of the ranks, ties sharing their mean rank; NaN if one side is constant."""
    ranks = [[sum(y < x for y in side) + sum(y == x for y in side) / 2 for x in side] for side in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1]) if all(len(set(side)) > 1 for side in ranks) else math.nan
