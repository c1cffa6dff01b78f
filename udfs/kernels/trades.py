"""The trades of one bar in one number, from the first bar on; the state only counts bars.

`vwap` is turnover / volume, the mean price of what was traded (Berkowitz, Logue, Noser 1988); a bar without volume has
none. `bar_twap` is the mean price over time, from the first trade to the bar's end. `tick_imbalance` is the volume
bought less the volume sold, by the tick rule (Lee, Ready 1991), over the volume: -1 to 1. `largest_trade_share` is the
largest trade over the volume: 0 to 1. Both are 0 for a bar without volume. Prices in units of price, shares have none.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT,)


@njit
def mean_price(state: Floats, at: int, rows: Rows, volume: Floats, turnover: Floats, out: Floats, to: int) -> None:
    """From volume, turnover float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = turnover[i] / volume[i] if volume[i] > 0.0 else math.nan
        state[rows[i], at] += not math.isnan(volume[i] + turnover[i])


@njit
def share(state: Floats, at: int, rows: Rows, part: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From a part of the volume and the volume, float64[M], to out[M, to]; a bar with a NaN is skipped."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(part[i] + volume[i]):
            out[i, to] = part[i] / volume[i] if volume[i] > 0.0 else 0.0
            state[rows[i], at] += 1


@njit
def same(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = x[i]
        state[rows[i], at] += not math.isnan(x[i])
