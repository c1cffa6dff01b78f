"""What a synthetic tape must come to: its final bars, and how many records of each kind it holds.

In: the trades of each window in order of event time, and the records in order of arrival. Out: bars as a table, counts.
This file must not know how late, repeated or cancelled records arise, and shares no code with udfs/bars.py.
"""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickloom.tape.files import BAR
from tickloom.tape.generate import ORIGINAL, REPEAT, WITHDRAWAL, Rows
from tickloom.tape.noise import Codes, Ints
from tickloom.tape.spec import Spec
from udfs.compiled import njit
from udfs.kernels.state import Floats

_INSIDE = ("turnover", "twap", "realised_variance", "bipower_variation", "signed_volume", "largest_trade")
FINAL_BAR = pa.schema([*BAR, ("trade_count", pa.int64()), *((name, pa.float64()) for name in _INSIDE)])
_COUNT, _VALUES = 5, 12  # the place of trade_count; numbers of a bar, open to largest trade
_KEPT = _VALUES + 4  # and of one that is open: times of its first and last trade, last return, side


class FinalBars:
    """Folds trades into bars; keeps only the bars that are open."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._names = pa.array(spec.tickers)
        self._open = np.zeros((len(spec.tickers), _KEPT))
        self._end = np.zeros(1, "i8")

    def push(self, trades: Rows, cancelled: NDArray[np.bool_]) -> pa.Table:
        """Bars (FINAL_BAR, by event_time and symbol) that are complete when the trades after them begin."""
        times = np.ascontiguousarray(trades["event_time"])
        closing = len(np.unique(times // self._spec.interval_us)) * len(self._spec.tickers)
        symbol, end, values = np.empty(closing, "i8"), np.empty(closing, "i8"), np.empty((closing, _VALUES))
        columns = (trades["ticker"], times, trades["price"], trades["size"], cancelled)
        n = _fold(*columns, self._spec.interval_us, self._open, self._end, symbol, end, values)
        return self._table(symbol[:n], end[:n], values[:n])

    def close(self) -> pa.Table:
        """The bars that are still open."""
        symbol = np.flatnonzero(self._open[:, _COUNT])
        values = np.array([_closed(bar, self._end[0]) for bar in self._open[symbol]]).reshape(-1, _VALUES)
        return self._table(symbol, np.full(len(symbol), self._end[0]), values)

    def _table(self, symbol: NDArray[np.int64], end: NDArray[np.int64], values: NDArray[np.float64]) -> pa.Table:
        columns = [self._names.take(pa.array(symbol)), pa.array(end), *map(pa.array, values.T)]
        return pa.table(columns, FINAL_BAR.names).cast(FINAL_BAR)


class Tally:
    """Counts arriving records. A trade is late when its block ended the lateness before the newest time so far."""

    def __init__(self, spec: Spec, block_us: int) -> None:
        self.counts: Counter[str] = Counter()
        self._lateness_us, self._block_us = spec.bound_us - block_us, block_us
        self._newest = 0

    def push(self, records: Rows) -> None:
        """The next records to arrive."""
        newest = np.maximum.accumulate(np.concatenate([[self._newest], records["event_time"]]))
        ends = (records["event_time"] // self._block_us + 1) * self._block_us
        late = (records["copy"] == ORIGINAL) & (ends <= newest[:-1] - self._lateness_us)
        self._newest = int(newest[-1])
        copies = {"ticks": ORIGINAL, "duplicates": REPEAT, "cancels": WITHDRAWAL}
        self.counts.update({name: int(np.sum(records["copy"] == copy)) for name, copy in copies.items()})
        self.counts.update(records=len(records), late=int(late.sum()))


@njit
def _closed(bar: Floats, end: int) -> Floats:
    """The numbers of an open bar at its end; the time mean was a sum of differences from the open x microseconds."""
    found = bar[:12].copy()
    found[7] = bar[0] + (bar[7] + (bar[3] - bar[0]) * (end - bar[13])) / (end - bar[12])
    return found


@njit
def _trade(bar: Floats, time: int, price: float, size: float) -> None:
    """One more trade of an open bar; the first makes it."""
    if bar[5] == 0.0:
        bar[0] = bar[1] = bar[2] = bar[3] = price
        bar[12] = bar[13] = time
    move = math.log(price / bar[3])
    if price != bar[3]:
        bar[15] = 1.0 if price > bar[3] else -1.0
    bar[4] += size
    bar[5] += 1.0
    bar[6] += price * size
    bar[7] += (bar[3] - bar[0]) * (time - bar[13])
    bar[8] += move * move
    bar[9] += math.pi / 2 * (abs(move) * abs(bar[14]))
    bar[10] += bar[15] * size
    bar[11] = max(bar[11], size)
    bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
    bar[13], bar[14] = time, move


@njit
def _fold(
    symbol: Codes, time: Ints, price: Floats, size: Floats, cancelled: NDArray[np.bool_], interval: int,
    opened: Floats, clock: Ints, out_symbol: Ints, out_end: Ints, out: Floats,
) -> int:  # fmt: skip
    n = 0
    for i in range(symbol.shape[0]):
        end = (time[i] // interval + 1) * interval
        if end != clock[0]:
            for s in range(opened.shape[0]):
                if opened[s, _COUNT] > 0:
                    out_symbol[n], out_end[n] = s, clock[0]
                    out[n] = _closed(opened[s], clock[0])
                    opened[s] = 0.0
                    n += 1
            clock[0] = end
        if not cancelled[i]:
            _trade(opened[symbol[i]], time[i], price[i], size[i])
    return n
