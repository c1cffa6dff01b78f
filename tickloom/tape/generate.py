"""A synthetic tape, window after window: the clean trades in event time, and what of them arrives when.

In: a Spec. Out: `windows`, the trades in order; `Arrivals`, the records in order of arrival, with late ones, repeats
and cancels. Memory: a window of about WINDOW_TICKS, and the records that have not arrived at its end.
This file must not know files or truth.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tickloom.tape import noise
from tickloom.tape.spec import Spec
from udfs.prints import TICK
from udfs.tick_files import KINDS

WINDOW_TICKS = 500_000
VENUES = pa.array(["XNAS", "XNYS", "ARCX", None])
ROW = np.dtype(
    [("symbol", "i4"), ("sequence", "i8"), ("event_time", "i8"), ("ticker", "i4"), ("price", "f8"), ("size", "f8"),
     ("arrival", "i8"), ("copy", "i1")]
)  # fmt: skip
"""A record to be published: `symbol` is the place of its security among the spec's names, `ticker` that of its symbol
at the event time among the tickers; `copy` is ORIGINAL, REPEAT (the same trade again) or WITHDRAWAL (its CANCEL)."""
ORIGINAL, REPEAT, WITHDRAWAL = range(3)
Rows = NDArray[np.void]


def windows(spec: Spec) -> Iterator[tuple[int, Rows]]:
    """Windows of event time: (end, exclusive, in microseconds; its trades, sorted by event_time, symbol, sequence)."""
    splits = [event for event in spec.events if event.ratio != 1]
    firsts = np.searchsorted([event.security for event in splits], np.arange(spec.symbols + 1))
    ex_times = np.array([event.ex_us for event in splits], "i8")
    ratios = np.array([event.ratio for event in splits], "f8")
    width = max(1, int(WINDOW_TICKS / spec.rate * 1_000_000))
    end = spec.start_us + int(spec.duration_us) + 1
    for first in range(spec.start_us, end, width):
        last = min(first + width, end)
        drawn = noise.times(spec.seed, spec.counts, spec.periods, spec.start_us, first, last)
        rows = np.zeros(len(drawn[0]), ROW)
        order = np.argsort(drawn[2], kind="stable")
        rows["symbol"], rows["sequence"], rows["event_time"] = (column[order] for column in drawn)
        where = rows["symbol"], rows["sequence"], rows["event_time"]
        rows["price"], rows["size"] = noise.terms(spec.seed, *where, firsts, ex_times, ratios)
        rows["ticker"] = _tickers(spec, rows)
        yield last, rows


def chosen(spec: Spec, rows: Rows, purpose: int, fraction: float) -> NDArray[np.bool_]:
    """Which trades are drawn for a purpose (noise.LATE, DUPLICATE, CANCEL, BAD): about this fraction of them."""
    return np.asarray(noise.units(spec.seed, rows["symbol"], rows["sequence"], purpose) < fraction)


def to_table(spec: Spec, rows: Rows) -> pa.Table:
    """The records as columns of `TICK`; trade_id is `<symbol>-<sequence>`, a CANCEL has all terms of its trade."""
    symbol = pa.DictionaryArray.from_arrays(pa.array(rows["ticker"]), spec.tickers)
    venue = VENUES.take(pa.array((rows["symbol"] + rows["sequence"]) % len(VENUES)))
    sequence = pa.array(rows["sequence"])
    columns = {name: pa.array(rows[name]) for name in ("event_time", "price", "size")} | {
        "symbol": symbol,
        "sequence": sequence,
        "trade_id": pc.binary_join_element_wise(symbol.cast(pa.string()), sequence.cast(pa.string()), "-"),
        "kind": pa.array(np.where(rows["copy"] == WITHDRAWAL, KINDS.index("CANCEL"), 0).astype("i1")),
        "venue": venue,
        "conditions": pa.nulls(len(rows), pa.string()),
    }
    return pa.table([columns[name] for name in TICK.names], TICK)


class Arrivals:
    """Puts records into the order of their arrival."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._pending = np.zeros(0, ROW)

    def push(self, trades: Rows, until: int) -> Rows:
        """All records that arrive before `until` (microseconds), of these trades and of earlier ones, in order."""
        records = np.concatenate([self._pending, *self._records(trades)])
        records = records[np.argsort(records["arrival"], kind="stable")]
        arrived = int(np.searchsorted(records["arrival"], until))
        self._pending = records[arrived:]
        return np.asarray(records[:arrived])

    def rest(self) -> Rows:
        """The records that have not arrived yet, in order."""
        return self._pending

    def _records(self, trades: Rows) -> tuple[Rows, Rows, Rows]:
        """The trades with their arrival, the repeats, the cancels."""
        spec = self._spec
        late = chosen(spec, trades, noise.LATE, spec.late)
        trades["arrival"] = trades["event_time"]
        trades["arrival"][late] += spec.bound_us + self._delay(trades[late], noise.LATE_BY, 1)
        return trades, self._copies(trades, REPEAT), self._copies(trades, WITHDRAWAL)

    def _copies(self, trades: Rows, copy: int) -> Rows:
        """Copies of some trades, after them; most come soon, some as late as can be."""
        spec = self._spec
        if copy == REPEAT:
            fraction, purpose, by = spec.duplicates, noise.DUPLICATE, noise.DUPLICATE_BY
        else:
            fraction, purpose, by = spec.cancels, noise.CANCEL, noise.CANCEL_BY
        found = trades[chosen(spec, trades, purpose, fraction)]
        found["copy"] = copy
        found["arrival"] += self._delay(found, by, 2)
        return found

    def _delay(self, rows: Rows, purpose: int, power: int) -> NDArray[np.int64]:
        part = noise.units(self._spec.seed, rows["symbol"], rows["sequence"], purpose) ** power
        return np.asarray(1 + np.floor(part * self._spec.delay_us), "i8")


def _tickers(spec: Spec, rows: Rows) -> NDArray[np.int32]:
    """int32[n]: the ticker in force at each row's event time."""
    found: NDArray[np.int32] = np.searchsorted(spec.tickers, spec.names).astype("i4")[rows["symbol"]]
    for event in spec.events:
        if event.changes:
            renamed = (rows["symbol"] == event.security) & (rows["event_time"] >= event.ex_us)
            found[renamed] = spec.tickers.index(event.other_symbol)
    return found
