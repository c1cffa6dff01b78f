"""The cross-section of a history: what the operator would emit at each bar time, all at once.

In: bars by time and symbol, the securities they belong to, their log returns, perhaps their ticks. Out: tables of
members, of the universe, of pairs, some bar times at once, since the texts of a long history are larger than memory.
This file must not know how a number is computed.
"""

from collections.abc import Callable, Iterator
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa

from schemas.settings import CrossAsset, settings
from udfs.frame import CROSS_ASSET, FEATURE_VIEWS, PAIRS, UNIVERSE
from udfs.kernels.state import Floats, Rows
from udfs.panel.asynchronous import of_pairs
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel
from udfs.panel.rolling import Mask
from udfs.panel.tables import Table, tables
from udfs.ring import Ring
from udfs.securities import Actions
from udfs.tick_paths import Bars, of_prints, of_ticks

TIME = pa.timestamp("us", tz="UTC")
KEYS = dict.fromkeys(FEATURE_VIEWS, ("symbol",)) | {UNIVERSE: ("universe",), PAIRS: ("symbol_a", "symbol_b")}
"""Names of the columns by which a row of each view is found, beside event_time."""
CHUNK = 1024  # bar times whose returns are laid out as one matrix
LIMIT = 1 << 23  # characters of the universe's texts in one table, about
Time = tuple[int, dict[str, Table]]
Take = Callable[[str, pa.Table], object]
"""Is handed a view and more rows of it, in order; once at least of each view."""


def crossed(
    bars: Bars, securities: list[str], rows: Rows, log_returns: Floats, actions: Actions, interval_us: int,
    take: Take, ticks: pa.Table | None = None, of: CrossAsset | None = None,
) -> Mask:  # fmt: skip
    """Hand over tables: keys, event_time, numbers float64 (NaN), texts string or null; whose bar has a row, bool[M].

    rows int64[M]: each bar's place among the securities, which are ascending. Rows of members are in the order of bars.
    ticks: see `udfs.batch.compute`.
    """
    columns = Columns(of or settings().cross_asset)
    there = _in_universe(bars.times, securities, rows, actions, columns.of.members == "all")
    if ticks is None:
        paths = of_prints(bars, columns.watched, interval_us)
    else:
        paths = of_ticks(ticks, columns.watched, interval_us)

    def inside(end: int) -> Floats:
        return of_pairs(columns.pairs, paths.get(end, {}), interval_us)

    for group in _groups(_tables(bars, securities, rows, log_returns, there, columns, inside)):
        for view in (CROSS_ASSET, UNIVERSE, PAIRS):
            take(view, joined([(end, each[view]) for end, each in group], view, columns))
    return there


def _groups(found: Iterator[Time]) -> Iterator[list[Time]]:
    """As many times at once as the limit allows; the last group, which may be empty, is always there."""
    group: list[Time] = []
    size = 0
    for end, each in found:
        group.append((end, each))
        size += sum(len(text) for texts in each[UNIVERSE].texts.values() for text in texts)
        if size >= LIMIT:
            yield group
            group, size = [], 0
    yield group


def _in_universe(times: Rows, securities: list[str], rows: Rows, actions: Actions, otherwise: bool) -> Mask:
    """Whose bar is a member's, bool[M]."""
    there = np.full(len(rows), otherwise)
    for row, name in enumerate(securities):
        if name in actions.memberships:
            own = np.flatnonzero(rows == row)
            there[own] = [actions.member(name, end, otherwise) for end in times[own].tolist()]
    return there


def joined(parts: list[tuple[int, Table]], view: str, columns: Columns) -> pa.Table:
    """The rows of many times as one table."""
    symbols = list(chain.from_iterable(part.symbols for _, part in parts))
    times = np.repeat([end for end, _ in parts], [len(part.symbols) for _, part in parts]).astype(np.int64)
    names = columns.names(view)
    values = [part.values for _, part in parts if part.symbols]
    numbers = np.concatenate(values) if values else np.empty((0, len(names)))
    found = keys(view, symbols) | {"event_time": pa.array(times).cast(TIME)}
    found |= {name: pa.array(numbers[:, i].copy()) for i, name in enumerate(names)}
    for name in columns.texts(view):
        texts = chain.from_iterable(part.texts[name] for _, part in parts if part.symbols)
        found[name] = pa.array([text or None for text in texts], pa.string())
    return pa.table(found)


def keys(view: str, symbols: list[str]) -> dict[str, pa.Array]:
    """The columns of a view's keys, of a frame's symbols."""
    names = KEYS[view]
    parts = [symbol.split("|") for symbol in symbols] if len(names) > 1 else [[symbol] for symbol in symbols]
    return {name: pa.array([part[i] for part in parts], pa.string()) for i, name in enumerate(names)}


def _tables(
    bars: Bars, securities: list[str], rows: Rows, log_returns: Floats, there: Mask, columns: Columns,
    inside: Callable[[int], Floats],
) -> Iterator[Time]:  # fmt: skip
    """Each time's rows, in order; a time without a member is none; inside: what the trades of its bars say of pairs."""
    n, times = len(securities), bars.times[there]
    rows, own_names, log_returns = rows[there], bars.rows[there], log_returns[there]
    starts = np.flatnonzero(np.diff(times, prepend=times[:1] - 1, append=times[-1:] + 1)).tolist()
    panel, own = Panel(columns, np.empty((0, n)), -1), np.arange(n)
    for first in range(0, len(starts) - 1, CHUNK):
        ring = Ring(names=securities)
        for start, stop in pairwise(starts[first : first + CHUNK + 1]):
            here, end = rows[start:stop], int(times[start])
            returns, present = np.full(n, np.nan), np.zeros(n, bool)
            returns[here], present[here] = log_returns[start:stop], True
            ring.times.append(end)
            ring.returns[end], ring.present[end] = returns, present
            ring.tickers[end] = _renamed(bars.names, own_names[start:stop], securities, here)
        count = len(ring.times)
        sections = panel.advance(ring.matrix(0, count), *ring.wanted(columns.benchmarks, columns.pairs, 0, count))
        for end, section in zip(ring.times, sections, strict=True):
            yield end, tables(section, columns, ring, end, own, inside(end))


def _renamed(names: list[str], rows: Rows, securities: list[str], places: Rows) -> dict[str, str]:
    """Tickers of the securities that are there under another name."""
    if names is securities:
        return {}
    both = zip(rows.tolist(), places.tolist(), strict=True)
    return {securities[j]: names[i] for i, j in both if names[i] != securities[j]}
