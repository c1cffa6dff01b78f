"""What a synthetic tape must come to: its final bars, and how many records of each kind it holds.

In: the trades of each window in order of event time, and the records in order of arrival. Out: bars as a table, counts.
This file must not know how late, repeated or cancelled records arise, and shares no code with udfs/bars.py.
"""

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

FINAL_BAR = BAR.append(pa.field("trade_count", pa.int64()))
_VALUES = 6  # open, high, low, close, volume, trade count


class FinalBars:
    """Folds trades into bars; keeps only the bars that are open."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._names = pa.array(spec.tickers)
        self._open = np.zeros((len(spec.tickers), _VALUES))
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
        symbol = np.flatnonzero(self._open[:, -1])
        return self._table(symbol, np.full(len(symbol), self._end[0]), self._open[symbol])

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
def _fold(
    symbol: Codes, time: Ints, price: Floats, size: Floats, cancelled: NDArray[np.bool_], interval: int,
    opened: Floats, clock: Ints, out_symbol: Ints, out_end: Ints, out: Floats,
) -> int:  # fmt: skip
    n = 0
    for i in range(symbol.shape[0]):
        end = (time[i] // interval + 1) * interval
        if end != clock[0]:
            for s in range(opened.shape[0]):
                if opened[s, 5] > 0:
                    out_symbol[n], out_end[n] = s, clock[0]
                    out[n] = opened[s]
                    opened[s] = 0.0
                    n += 1
            clock[0] = end
        if cancelled[i]:
            continue
        bar = opened[symbol[i]]
        if bar[5] == 0.0:
            bar[0] = bar[1] = bar[2] = price[i]
        bar[1] = max(bar[1], price[i])
        bar[2] = min(bar[2], price[i])
        bar[3] = price[i]
        bar[4] += size[i]
        bar[5] += 1.0
    return n
