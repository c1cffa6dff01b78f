"""What the trades inside one bar say of configured pairs, without a common clock, in the order of columns.INSIDE."""

import math
from collections.abc import Sequence

import numpy as np

from udfs.estimators import hayashi_yoshida, refresh_time
from udfs.kernels.state import Floats, Rows
from udfs.panel.columns import INSIDE
from udfs.paths import Paths

LAGS, STEPS, LEAST_US = 20, 600, 1000
Ticks = tuple[Rows, Floats]


def lag_us(interval_us: int) -> int:
    """One lag: a 600th of the bar, 1 ms at least; so lags reach a thirtieth of a bar to either side."""
    return max(interval_us // STEPS, LEAST_US)


def of_pairs(pairs: Sequence[tuple[str, str]], paths: Paths, interval_us: int) -> Floats:
    """Of tickers: float64[K, 8], NaN where either has no trade."""
    ticks = {name: (-path[:, 0].astype(np.int64), path[:, 1]) for name, path in paths.items()}
    out = np.full((len(pairs), len(INSIDE)), math.nan)
    for k, (first, second) in enumerate(pairs):
        if first in ticks and second in ticks:
            out[k] = _of(ticks[first], ticks[second], lag_us(interval_us))
    return out


def warm() -> None:
    """Compile before the first bar."""
    of_pairs([("", "")], {"": np.array([[2.0, 1.0], [1.0, 2.0]])}, STEPS)


def _of(first: Ticks, second: Ticks, step: int) -> Floats:
    ends, logs = refresh_time.refreshed([first, second])
    (xx, xy), (_, yy) = refresh_time.covariance_of(logs).tolist()
    size = math.sqrt(xx) * math.sqrt(yy)
    found = hayashi_yoshida.lead_lag(*first, *second, step, LAGS)
    at_once, largest = found.correlations[[LAGS, LAGS + found.lag_us // step]].tolist()
    leads = math.nan if math.isnan(at_once) else found.lag_us
    return np.array([
        hayashi_yoshida.covariance(*first, *second), at_once,
        xy, xy / size if size > 0.0 else math.nan, len(ends),
        leads, found.strength, largest,
    ])  # fmt: skip
