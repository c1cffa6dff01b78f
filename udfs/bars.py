"""Bars as a function of the *set* of records of their window.

In: all tick records of one bar time, in any order, with repeats, cancels and corrections. Out: one bar a symbol.
Order of arrival cannot matter here, so a late, doubled or cancelled trade needs no case of its own anywhere else.
This file must not know watermarks, logs or features.

    turnover            sum of price x size
    twap                mean of the price over time, from the first trade to the end of the bar
    realised_variance   sum of r^2, r the log return from one trade to the next
    bipower_variation   pi / 2 x sum of |r| |r before|: the same without jumps (Barndorff-Nielsen, Shephard 2004)
    signed_volume       sizes at an up-tick less those at a down-tick; one at the same price has the side before it, one
                        before the first move none (the tick rule: Lee, Ready 1991)
    largest_trade       largest size

Beside its numbers a bar says which trades it is made of, so that others can prove it (IDS): a trade's id is the FNV-1a
of its trade_id (without one, a hash of sequence and event time), of which sums and exclusive ors are exact in float64.

    id_sum              sum of the low 32 bits of the trades' ids
    id_xor              exclusive or of the low 52 bits
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.fnv import EMPTY_TEXT, fnv1a
from udfs.kernels.state import Floats
from udfs.ticks import CANCEL, TRADE, Ticks

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

COLUMNS = (
    "open", "high", "low", "close", "volume", "trade_count",
    "turnover", "twap", "realised_variance", "bipower_variation", "signed_volume", "largest_trade",
)  # fmt: skip
IDS = ("id_sum", "id_xor")
OPEN, HIGH, LOW, CLOSE, VOLUME, TRADES, TURNOVER, TWAP, VARIANCE, BIPOWER, SIGNED, LARGEST = range(12)
DUPLICATES, CANCELLED, AMENDMENTS, ORPHANS = range(4)
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying loses nothing


class Trades(NamedTuple):
    """The records that count, in the order in which they make bars, amendments applied.

    code int32[n] points into names; left: microseconds to the bar's end, int64[n]; price, size: float64[n].
    """

    names: list[str]
    code: NDArray[np.int32]
    left: Ints
    price: Floats
    size: Floats

    def path(self, symbols: Collection[str]) -> tuple[list[str], Floats]:
        """The trades of some symbols: the symbol of each, ascending; what it had left and its price, float64[m, 2]."""
        places = sorted((name, i) for i, name in enumerate(self.names) if name in symbols)
        rows = [np.flatnonzero(self.code == i) for _, i in places]
        of = np.concatenate([np.empty(0, np.int64), *rows])
        names = [name for (name, _), each in zip(places, rows, strict=True) for _ in each]
        return names, np.column_stack([self.left[of], self.price[of]]).astype(np.float64)


@dataclass(frozen=True)
class Bars:
    """symbols: ascending; values: float64[len(symbols), 12] in the order of COLUMNS; trades: what they are made of.

    ids: float64[len(symbols), 2], whole numbers in the order of IDS.

    counts: int64[4], the records that made no trade: duplicates, cancelled trades, the amendments (cancels,
    corrections) of known trades and of others (orphans).
    """

    symbols: list[str]
    values: Floats
    counts: Ints
    trades: Trades
    ids: Floats


@njit
def _before(i: int, j: int, event_time: Ints, sequence: Ints, price: Floats, size: Floats) -> bool:
    """Order of two records; price and size only make it total, for repeats that contradict each other."""
    return (event_time[i], sequence[i], price[i], size[i]) < (event_time[j], sequence[j], price[j], size[j])


@njit
def _resolve(
    order: Ints,
    identity: Hashes,
    event_time: Ints,
    sequence: Ints,
    kind: NDArray[np.int8],
    price: Floats,
    size: Floats,
    counts: Ints,
) -> NDArray[np.bool_]:
    """Which records are trades that count, bool[n]. A correction's price and size are written over its trade's."""
    alive = np.zeros(order.shape[0], np.bool_)
    first = 0
    while first < order.shape[0]:
        last = first
        trade = correct = -1
        cancels = corrections = 0
        while last < order.shape[0] and identity[order[last]] == identity[order[first]]:
            i = order[last]
            if kind[i] == TRADE:
                counts[DUPLICATES] += trade >= 0
                if trade < 0 or _before(i, trade, event_time, sequence, price, size):
                    trade = i
            elif kind[i] == CANCEL:
                cancels += 1
            else:
                corrections += 1
                if correct < 0 or _before(correct, i, event_time, sequence, price, size):
                    correct = i
            last += 1
        counts[DUPLICATES] += max(cancels - 1, 0)
        counts[AMENDMENTS if trade >= 0 else ORPHANS] += min(cancels, 1) + corrections
        if trade >= 0 and cancels > 0:
            counts[CANCELLED] += 1
        elif trade >= 0:
            alive[trade] = True
            if correct >= 0:
                price[trade], size[trade] = price[correct], size[correct]
        first = last
    return alive


@njit
def _in_order(event_time: Ints, sequence: Ints, key: Hashes) -> bool:
    """Whether trades stand by (event time, sequence, key) already, as nearly always."""
    for i in range(1, event_time.shape[0]):
        if (event_time[i], sequence[i], key[i]) < (event_time[i - 1], sequence[i - 1], key[i - 1]):
            return False
    return True


@njit
def add_trades(code: NDArray[np.int32], left: Ints, price: Floats, size: Floats, values: Floats) -> None:
    """Trades in time order into their bars' rows of values float64[n, 12], which are zeros before.

    code: the bar of each trade; left: microseconds from it to the end of its bar, int64. Sums are made in this order.
    """
    first, last = np.zeros(values.shape[0]), np.zeros(values.shape[0])  # what the bar's first and last trade had left
    move, sign = np.zeros(values.shape[0]), np.zeros(values.shape[0])  # of the last trade: size of the return, side
    for k in range(code.shape[0]):
        i, p = code[k], price[k]
        bar = values[i]
        if bar[TRADES] == 0:
            bar[OPEN] = bar[HIGH] = bar[LOW] = bar[CLOSE] = p
            first[i] = last[i] = left[k]
        change = math.log(p / bar[CLOSE])
        bar[VARIANCE] += change * change
        bar[BIPOWER] += math.pi / 2 * (abs(change) * move[i])
        move[i] = abs(change)
        if p != bar[CLOSE]:
            sign[i] = 1.0 if p > bar[CLOSE] else -1.0
        bar[SIGNED] += sign[i] * size[k]
        bar[TWAP] += (bar[CLOSE] - bar[OPEN]) * (last[i] - left[k])
        last[i] = left[k]
        bar[HIGH] = max(bar[HIGH], p)
        bar[LOW] = min(bar[LOW], p)
        bar[CLOSE] = p
        bar[VOLUME] += size[k]
        bar[TRADES] += 1
        bar[TURNOVER] += p * size[k]
        bar[LARGEST] = max(bar[LARGEST], size[k])
    for i in range(values.shape[0]):  # so far a sum of differences from the open: a price that stands still is exact
        bar = values[i]
        if bar[TRADES] > 0:
            bar[TWAP] = bar[OPEN] + (bar[TWAP] + (bar[CLOSE] - bar[OPEN]) * last[i]) / first[i]


@njit
def _add_ids(code: NDArray[np.int32], ids: Hashes, found: NDArray[np.uint64]) -> None:
    """Sums and exclusive ors of trades' ids by bar: uint64[n, 2] in the order of IDS, zeros before."""
    for k in range(code.shape[0]):
        found[code[k], 0] += ids[k] & np.uint64(0xFFFFFFFF)
        found[code[k], 1] ^= ids[k] & np.uint64(0xFFFFFFFFFFFFF)


def _ids(ticks: Ticks) -> Hashes:
    """uint64[n]: the id of each record within its symbol; without one, of time and sequence."""
    unnamed = ticks.sequence.astype("u8") * MIX ^ ticks.event_time.astype("u8")
    found: Hashes = np.where(ticks.trade_id == EMPTY_TEXT, unnamed, ticks.trade_id)
    return found


def identity(ticks: Ticks) -> Hashes:
    """uint64[n] that tells trades apart: symbol and trade id; without an id, symbol, time and sequence."""
    symbol = np.array([fnv1a(name) for name in ticks.symbols], "u8")[ticks.code]
    found: Hashes = _ids(ticks) * MIX ^ symbol
    return found


def build(ticks: Ticks, end: int) -> Bars:
    """Resolve repeats, cancels and corrections by trade id; bars by (event time, sequence, identity) of what is left.

    A CANCEL or CORRECT works whether it came before or after its trade; of several corrections the last by
    (event time, sequence) holds. Symbols without a surviving trade have no bar. end: of the bar, microseconds UTC.
    """
    counts = np.zeros(4, np.int64)
    key, price, size = identity(ticks), ticks.price.copy(), ticks.size.copy()
    alive = _resolve(np.argsort(key), key, ticks.event_time, ticks.sequence, ticks.kind, price, size, counts)
    rows = np.flatnonzero(alive)
    if not _in_order(ticks.event_time[rows], ticks.sequence[rows], key[rows]):
        rows = rows[np.lexsort((key[rows], ticks.sequence[rows], ticks.event_time[rows]))]
    values, ids = np.zeros((len(ticks.symbols), len(COLUMNS))), np.zeros((len(ticks.symbols), len(IDS)), "u8")
    trades = Trades(ticks.symbols, ticks.code[rows], end - ticks.event_time[rows], price[rows], size[rows])
    add_trades(trades.code, trades.left, trades.price, trades.size, values)
    _add_ids(trades.code, _ids(ticks)[rows], ids)
    alive_symbols = sorted(np.flatnonzero(values[:, TRADES]), key=ticks.symbols.__getitem__)
    names = [ticks.symbols[i] for i in alive_symbols]
    return Bars(names, values[alive_symbols], counts, trades, ids[alive_symbols].astype(np.float64))
