"""The views of the real sample against the naive twin, fed with TA-Lib's returns: joins, splits, gaps, the snapshot."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.settings import settings
from tests.oracles import panel as oracle
from tests.oracles.prices import REAL_SPLITS, SYMBOLS, by_talib_split, day_us, real
from tests.oracles.world import short_windows
from tests.unit.test_batch import REAL, REAL_ACTIONS
from tests.unit.test_panel import assert_numbers
from udfs import batch
from udfs.frame import PAIRS, UNIVERSE
from udfs.panel.columns import INSIDE, Columns
from udfs.panel.snapshot import Snapshot
from udfs.registry import FEATURES

RETURNS = [row for row in FEATURES if row.name == "log_return"]
OF: dict[str, Any] = {
    "windows": (20, 60), "decays": (0.94,), "benchmarks": ("IBM", "NONE"), "peers": 3, "loadings": 2,
    "pairs": ("AAPL|MSFT", "GOOG|AAPL", "FB|IBM", "IBM|NONE"),
}  # fmt: skip
CARRY = {"gaps": "carry", "min_returns": 10, "returns": "simple"}
SPLITS = [day for splits in REAL_SPLITS.values() for day, _, _ in splits]
JOINS = [date(2004, 8, 19), date(2012, 5, 18)]
Views = dict[str, pa.Table]


def returns() -> tuple[np.ndarray, np.ndarray]:
    """Times, and TA-Lib's log returns of the bars adjusted for the splits so far, float64[T, 5]."""
    times = np.unique(np.concatenate([real(name)["event_time"] for name in SYMBOLS]))
    found = np.full((len(times), len(SYMBOLS)), np.nan)
    for j, name in enumerate(SYMBOLS):
        bars = real(name)
        found[np.searchsorted(times, bars["event_time"]), j] = by_talib_split(bars, REAL_SPLITS.get(name, []))[
            "log_return"
        ]
    return times, found


TIMES, LOGS = returns()
SPANS = {"exclude": (700, 1440), "carry": (3000, len(TIMES))}
"""The days of each run: around two splits and the joining of GOOG; with carried prices around that of FB."""


@pytest.fixture(scope="module", params=["exclude", "carry"])
def run(request) -> tuple[str, Views]:
    """The batch's views."""
    first, stop = SPANS[request.param]
    times = pa.array(TIMES[first:stop])
    bars = REAL.filter(pc.is_in(REAL["event_time"].cast(pa.int64()), times))
    with short_windows(**OF | (CARRY if request.param == "carry" else {})):
        return request.param, batch.compute_views(bars, REAL_ACTIONS, "1d", features=RETURNS)


def at(table: pa.Table, end: int) -> pa.Table:
    return table.filter(pc.equal(table["event_time"].cast(pa.int64()), end))


def days(first: int, stop: int) -> list[int]:
    """First bars, full windows, the days around splits and joins and a window later, the last one."""
    turns = [int(np.searchsorted(TIMES, day_us(day))) for day in (*SPLITS, *JOINS)]
    wanted = {first + k for k in (0, 1, 2, 9, 10, 19, 20, 39, 40, 59, 60, 61, 119, 120)}
    wanted |= {turn + k for turn in turns for k in (-1, 0, 1, 2, 10, 11, 20, 21, 60, 61, 120)}
    return sorted(each for each in {*wanted, stop - 1} if first <= each < stop)


def test_every_number_of_every_view(run):
    name, views = run
    of = settings().cross_asset.model_copy(update=OF | (CARRY if name == "carry" else {}))
    columns, (first, stop) = Columns(of), SPANS[name]
    logs = np.where(np.arange(len(TIMES))[:, None] == first, np.nan, LOGS)
    index = {symbol: j for j, symbol in enumerate(SYMBOLS)}
    pairs = [tuple(index.get(symbol, -1) for symbol in pair.split("|")) for pair in of.pairs]
    checked = days(first, stop)
    assert len(checked) > 20
    for day in checked:
        want = oracle.said(logs[max(first, day - 1500) : day + 1], of, [index["IBM"], -1], pairs)
        members, whole, of_two = (at(views[view], int(TIMES[day])) for view in (batch.FEATURES, UNIVERSE, PAIRS))
        here = [index[symbol] for symbol in members["symbol"].to_pylist()]
        numbers = {key: np.array(values, float)[here] for key, values in want.members.items()}
        assert_numbers(columns.numbers, np.array([members[key].to_numpy() for key in columns.numbers]), numbers)
        for key in columns.members:
            wanted = [SYMBOLS[k] if k >= 0 else None for k in np.array(want.others[key])[here]]
            assert members[key].to_pylist() == wanted, (key, day)
        assert_numbers(columns.universe, np.array([whole[key][0].as_py() for key in columns.universe]), want.universe)
        shown = [
            "|".join(each) for each in zip(of_two["symbol_a"].to_pylist(), of_two["symbol_b"].to_pylist(), strict=True)
        ]
        seen = np.array([want.pairs[f"n_obs_{bars}"] for bars in of.windows]).max(axis=0)
        assert {pair for pair, count in zip(of.pairs, seen, strict=True) if count} <= set(shown)
        order = [of.pairs.index(pair) for pair in shown]
        two = {key: np.array(values, float)[order] for key, values in want.pairs.items()}
        names = columns.pair[: -len(INSIDE)]
        assert_numbers(names, np.array([of_two[key].to_numpy() for key in names]), two)


def test_the_snapshot_is_the_matrix(run):
    name, views = run
    stop = SPANS[name][1]
    end = int(TIMES[stop - 1])
    last = at(views[UNIVERSE], end)
    of = Snapshot.unpack(last["returns_60"][0].as_py())
    here = [j for j in range(len(SYMBOLS)) if not np.isnan(LOGS[stop - 60 : stop, j]).any()]
    assert of.symbols == [SYMBOLS[j] for j in here]
    x = LOGS[stop - 60 : stop, here]
    x = x if name == "exclude" else np.expm1(x)
    np.testing.assert_allclose(of.returns, x, rtol=0, atol=1e-15)
    found = of.matrix()
    np.testing.assert_allclose(found, np.corrcoef(x.T), rtol=0, atol=1e-12)
    members = at(views[batch.FEATURES], end)
    peers = zip(members["peer_60"].to_pylist(), members["peer_corr_60"].to_pylist(), strict=True)
    for i, (peer, value) in enumerate(peers):
        assert value == pytest.approx(found[i, of.symbols.index(peer)], abs=1e-12)
