"""Walk-forward evaluation: learn from the past only, test on what came after, again and again."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.errors import DataError

FEW_SYMBOLS = 3  # a rank correlation across fewer symbols says nothing

Times = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Fold(NamedTuple):
    """Rows to learn from and rows to test on (bool[R]), and the first and last event time (µs) of the test."""

    train: Mask
    test: Mask
    start: int
    end: int


class Metrics(NamedTuple):
    """How good forecasts were.

    `ic`: information coefficient, the mean over bars of the rank correlation across symbols (NaN below three symbols).
    `hit_rate`: share of nonzero outcomes whose sign was forecast; `up_rate`: the hit rate of always saying "up".
    `mse_ratio`: mean squared error over that of a forecast of zero; below 1 is better than no model.
    """

    rows: int
    ic: float
    hit_rate: float
    up_rate: float
    mse_ratio: float


def folds(event_time: Times, label_time: Times, count: int) -> list[Fold]:
    """`count` folds over equal blocks of bars; fold i tests on block i + 1 and learns from all blocks before it.

    A label that is known only at label_time may not reach the test: rows whose label_time is the test's first bar or
    later are left out, an embargo of one bar (of the symbol's own bars). DataError if there are too few bars.
    """
    bars = np.unique(event_time)
    if len(bars) < 3 * (count + 1):
        raise DataError(f"{len(bars)} bars with labels are too few for {count} folds", hint="give a longer table")
    edges = np.linspace(0, len(bars), count + 2).astype(int)
    spans = [(int(bars[first]), int(bars[last - 1])) for first, last in pairwise(edges[1:])]
    return [Fold(label_time < start, (event_time >= start) & (event_time <= end), start, end) for start, end in spans]


def measure(event_time: Times, forecast: Numbers, outcome: Numbers) -> Metrics:
    """Metrics of forecasts [R] against what came [R], both log returns."""
    moved = outcome != 0
    hits = np.sign(forecast[moved]) == np.sign(outcome[moved])
    errors, zero = np.square(forecast - outcome).mean(), np.square(outcome).mean()
    ic = _rank_correlation(event_time, forecast, outcome)
    return Metrics(len(outcome), ic, float(hits.mean()), float((outcome[moved] > 0).mean()), float(errors / zero))


def _rank_correlation(event_time: Times, forecast: Numbers, outcome: Numbers) -> float:
    ranks = pd.DataFrame({"forecast": forecast, "outcome": outcome}).groupby(event_time).rank()
    centred = ranks - ranks.groupby(event_time).transform("mean")
    a, b = centred["forecast"], centred["outcome"]
    sums = pd.DataFrame({"ab": a * b, "aa": a * a, "bb": b * b, "n": 1.0}).groupby(event_time).sum()
    usable = sums[(sums["n"] >= FEW_SYMBOLS) & (sums["aa"] > 0) & (sums["bb"] > 0)]
    return float((usable["ab"] / np.sqrt(usable["aa"] * usable["bb"])).mean())
