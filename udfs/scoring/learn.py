"""Learning a model from rows of features and what came next.

In: `Rows` and a `Recipe`. Out: manifest and weights of an artifact, and the walk-forward metrics of the recipe. A fold
is scored by the very model that would be served: same normalisation, same rule for missing features, same forward pass.
Must not know: files, tables, or which features are worth having.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from schemas.errors import DataError
from udfs.compiled import package_digest
from udfs.scoring import network, tensors
from udfs.scoring.fit import fit
from udfs.scoring.manifest import Manifest
from udfs.scoring.model import Model
from udfs.scoring.normalise import normalise, too_few
from udfs.scoring.tensors import Weights
from udfs.scoring.walkforward import Fold, Metrics, folds, measure

LABEL = "log_return of the symbol's next bar"


@dataclass(frozen=True)
class Rows:
    """R rows: values float64[R, n] of the features (`view:feature`), labels float64[R], all labels known.

    event_time and label_time are int64[R] microseconds UTC: when the features and when the label became known.
    """

    features: tuple[str, ...]
    values: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float64]
    event_time: npt.NDArray[np.int64]
    label_time: npt.NDArray[np.int64]

    def part(self, mask: npt.NDArray[np.bool_]) -> "Rows":
        """The rows of a mask bool[R]."""
        return Rows(self.features, self.values[mask], self.labels[mask], self.event_time[mask], self.label_time[mask])


@dataclass(frozen=True)
class Recipe:
    """What is chosen, not learned. Half the features of a row may be missing; outliers are held within clip std."""

    name: str
    interval: str
    seed: int = 0
    serial: int = 1
    architecture: Literal["mlp", "gru"] = "mlp"
    steps: int = 1
    hidden: tuple[int, ...] = (32, 16)
    clip: float = 6.0


def walk_forward(rows: Rows, recipe: Recipe, count: int) -> list[tuple[Fold, Metrics]]:
    """Metrics of the recipe on `count` stretches of time that came after what it had learned from."""
    return [(fold, _test(rows, recipe, fold)) for fold in folds(rows.event_time, rows.label_time, count)]


def learn(rows: Rows, recipe: Recipe, metrics: dict[str, float] | None = None) -> tuple[Manifest, Weights]:
    """An artifact learned from all rows that have enough features; a feature without a single value is left out.

    Of a sequence a channel is left out as a whole, at all its steps.
    """
    known = np.isfinite(rows.values).any(axis=0).reshape(recipe.steps, -1).all(axis=0)
    used = np.tile(known, recipe.steps)
    features = tuple(name for name, use in zip(rows.features, used, strict=True) if use)
    max_missing = len(features) // 2
    enough = rows.part(~too_few(rows.values[:, used], max_missing))
    if not features or not len(enough.labels):
        raise DataError("no row has enough features to learn from", hint="give a table longer than the warm-up")
    values = np.where(np.isfinite(enough.values[:, used]), enough.values[:, used], np.nan)
    std = np.nanstd(values, axis=0)
    draft = Manifest(
        name=recipe.name,
        serial=recipe.serial,
        interval=recipe.interval,
        architecture=recipe.architecture,
        steps=recipe.steps,
        features=features,
        mean=tuple(np.nanmean(values, axis=0).tolist()),
        std=tuple(np.where(std > 0, std, 1.0).tolist()),
        clip=recipe.clip,
        max_missing=max_missing,
        label=LABEL,
        train_start=_iso(enough.event_time.min()),
        train_end=_iso(enough.event_time.max()),
        rows=len(enough.labels),
        seed=recipe.seed,
        metrics=metrics or {},
        code=package_digest(),
        hidden=recipe.hidden,
        weights_sha256="0" * 64,
    )
    weights = network.weights(fit(normalise(values, draft), enough.labels, draft))
    digest = hashlib.sha256(tensors.encode(weights)).hexdigest()
    return draft.model_copy(update={"weights_sha256": digest}), weights


def _test(rows: Rows, recipe: Recipe, fold: Fold) -> Metrics:
    manifest, weights = learn(rows.part(fold.train), recipe)
    test = rows.part(fold.test)
    columns = [rows.features.index(feature) for feature in manifest.features]
    forecast = Model(manifest, weights, "cpu").score(test.values[:, columns])
    scored = ~np.isnan(forecast)
    return measure(test.event_time[scored], forecast[scored], test.labels[scored])


def _iso(event_time_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(event_time_us))).isoformat()
