"""Bars as ticks: four prints a bar that rebuild it exactly.

In: bars as an Arrow table (symbol, event_time = bar end, open, high, low, close, volume). Out: a table of the columns
`TICK`. A bar of width d has prints at its start + k*d/4 (k = 0..3): open, high, low, close. Their sizes are q, q, q and
volume - 3q with q = floor(volume / 4), so that the sums are exact in float64, in this order.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PER_BAR = 4
SYMBOL = pa.dictionary(pa.int32(), pa.string())
BAR_COLUMNS = ("symbol", "event_time", "open", "high", "low", "close", "volume")
TICK = pa.schema(
    [
        ("symbol", SYMBOL),
        ("event_time", pa.int64()),
        ("price", pa.float64()),
        ("size", pa.float64()),
        ("sequence", pa.int64()),
        ("trade_id", pa.string()),
        ("kind", pa.int8()),
        ("venue", pa.string()),
        ("conditions", pa.string()),
    ]
)


def prints(bars: pa.Table, interval_us: int) -> pa.Table:
    """Bars of one interval -> four rows of `TICK` each, bar after bar; event_time int64 microseconds, kind TRADE.

    sequence is the bar's number since 1970 times four plus k, so it grows per symbol whatever rows came before;
    trade_id is `<symbol>-<bar's event_time in microseconds>-<k>`.
    """
    k = np.arange(PER_BAR)
    ends = bars["event_time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()[:, None]
    *prices, volume = (_numbers(bars, name) for name in BAR_COLUMNS[2:])
    symbol = bars["symbol"].combine_chunks().cast(SYMBOL).take(pa.array(np.repeat(np.arange(len(bars)), PER_BAR)))
    columns = {
        "symbol": symbol,
        "event_time": pa.array((ends - left(interval_us)).ravel()),
        "price": pa.array(np.column_stack(prices).ravel()),
        "size": pa.array(sizes(volume).ravel()),
        "sequence": pa.array((ends // interval_us * PER_BAR + k).ravel()),
        "trade_id": _trade_ids(symbol, np.repeat(ends.ravel(), PER_BAR)),
        "kind": pa.array(np.zeros(len(symbol), "i1")),
        "venue": pa.nulls(len(symbol), pa.string()),
        "conditions": pa.nulls(len(symbol), pa.string()),
    }
    return pa.table(columns, TICK)


def left(interval_us: int) -> NDArray[np.int64]:
    """Microseconds from each print of a bar to the bar's end, int64[4]."""
    found: NDArray[np.int64] = interval_us - np.arange(PER_BAR) * interval_us // PER_BAR
    return found


def sizes(volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sizes of the prints of each bar, float64[n, 4], from its volume, float64[n]."""
    quarter = np.floor(volume / PER_BAR)
    return np.column_stack([quarter, quarter, quarter, volume - 3 * quarter])


def _numbers(bars: pa.Table, name: str) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = bars[name].cast(pa.float64()).to_numpy()
    return numbers


def _trade_ids(symbol: pa.DictionaryArray, ends: NDArray[np.int64]) -> pa.Array:
    k = pa.array(np.arange(len(ends)) % PER_BAR).cast(pa.string())
    return pc.binary_join_element_wise(symbol.cast(pa.string()), pa.array(ends).cast(pa.string()), k, "-")
