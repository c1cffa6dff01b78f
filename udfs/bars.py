"""Bars as a function of the *set* of records of their window.

In: all tick records of one bar time, in any order, with repeats, cancels and corrections. Out: one bar a symbol.
Order of arrival cannot matter here, so a late, doubled or cancelled trade needs no case of its own anywhere else.
This file must not know watermarks, logs or features.
"""

from dataclasses import dataclass

import numpy as np

from udfs.compiled import njit
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks, group

COLUMNS = ("open", "high", "low", "close", "volume", "trade_count")
OPEN, HIGH, LOW, CLOSE, VOLUME, TRADES = range(6)
DUPLICATES, CANCELLED, AMENDMENTS, ORPHANS = range(4)


@dataclass(frozen=True)
class Bars:
    """symbols: ascending; values: float64[len(symbols), 6] in the order of COLUMNS; counts: int64[4], the records
    that made no trade: duplicates, cancelled trades, the amendments (cancels, corrections) of known trades and of others."""

    symbols: list[str]
    values: np.ndarray
    counts: np.ndarray


@njit
def _before(i, j, event_time, sequence):  # type: ignore[no-untyped-def]
    return event_time[i] < event_time[j] or (event_time[i] == event_time[j] and sequence[i] < sequence[j])


@njit
def _resolve(rows, trade_id, event_time, sequence, kind, price, size, counts):  # type: ignore[no-untyped-def]
    """One symbol's records -> positions of its surviving trades. A corrected trade takes over price and size in place."""
    order = rows[np.argsort(trade_id[rows], kind="mergesort")]
    kept = np.empty(order.shape[0], np.int64)
    n = first = 0
    while first < order.shape[0]:
        last = first
        trade = correct = -1
        cancels = amendments = 0
        while last < order.shape[0] and trade_id[order[last]] == trade_id[order[first]]:
            i = order[last]
            if kind[i] == TRADE:
                counts[DUPLICATES] += trade >= 0
                if trade < 0 or _before(i, trade, event_time, sequence):
                    trade = i
            elif kind[i] == CANCEL:
                cancels += 1
            else:
                amendments += 1
                if correct < 0 or _before(correct, i, event_time, sequence):
                    correct = i
            last += 1
        counts[DUPLICATES] += max(cancels - 1, 0)
        if trade < 0:
            counts[ORPHANS] += min(cancels, 1) + amendments
        elif cancels > 0:
            counts[CANCELLED] += 1
            counts[AMENDMENTS] += 1 + amendments
        else:
            counts[AMENDMENTS] += amendments
            if correct >= 0:
                price[trade], size[trade] = price[correct], size[correct]
            kept[n] = trade
            n += 1
        first = last
    return kept[:n]


@njit
def _sort(rows, event_time, sequence):  # type: ignore[no-untyped-def]
    """Insertion order by (event time, sequence) where nearly sorted, else two stable sorts."""
    for i in range(1, rows.shape[0]):
        if _before(rows[i], rows[i - 1], event_time, sequence):
            rows = rows[np.argsort(sequence[rows], kind="mergesort")]
            return rows[np.argsort(event_time[rows], kind="mergesort")]
    return rows


@njit
def _build(starts, order, trade_id, event_time, sequence, kind, price, size, values, counts):  # type: ignore[no-untyped-def]
    for g in range(starts.shape[0] - 1):
        rows = order[starts[g] : starts[g + 1]]
        trades = _sort(_resolve(rows, trade_id, event_time, sequence, kind, price, size, counts), event_time, sequence)
        bar = values[g]
        for k in range(trades.shape[0]):
            p = price[trades[k]]
            if k == 0:
                bar[OPEN] = bar[HIGH] = bar[LOW] = p
            bar[HIGH] = max(bar[HIGH], p)
            bar[LOW] = min(bar[LOW], p)
            bar[CLOSE] = p
            bar[VOLUME] += size[trades[k]]
        bar[TRADES] = trades.shape[0]


def build(ticks: Ticks) -> Bars:
    """Resolve repeats, cancels and corrections by trade id; bars by (event time, sequence) of what is left.

    A CANCEL or CORRECT works whether it came before or after its trade; of several corrections the last by
    (event time, sequence) holds. Symbols without a surviving trade have no bar.
    """
    values = np.zeros((len(ticks.symbols), len(COLUMNS)))
    counts = np.zeros(4, np.int64)
    starts, order = group(ticks.code, len(ticks.symbols))
    _build(starts, order, ticks.trade_id, ticks.event_time, ticks.sequence, ticks.kind,
           ticks.price.copy(), ticks.size.copy(), values, counts)  # fmt: skip
    alive = sorted(np.flatnonzero(values[:, TRADES]), key=ticks.symbols.__getitem__)
    return Bars([ticks.symbols[i] for i in alive], values[alive], counts)
