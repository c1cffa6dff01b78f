"""The 61 candlestick patterns against TA-Lib, to the last tie, on bars in which each of them is found."""

from functools import cache

import numpy as np
import pytest
import talib

from tests.oracles.packs import patterns as twins
from tests.oracles.packs import random_bars
from tests.oracles.prices import SYMBOLS, Bars, real
from udfs.packs.patterns import FEATURES
from udfs.plan import Plan
from udfs.registry import Feature

NAMES = talib.get_function_groups()["Pattern Recognition"]
PRICES = ("open", "high", "low", "close")
QUIET = (50.0, 51.0, 49.0, 50.5)  # open, high, low, close: body 0.5, range 2
# two patterns so rare that neither the random nor the real bars hold them
BUILT = {
    #  a long black bar with a long tail, a shorter one higher up in its range, a small one without shadows in that
    "CDL3STARSINSOUTH": [(50, 50.5, 43, 47), (48.5, 49, 44, 46.5), (46, 46, 45.6, 45.6)],
    #  two black marubozu, a gap down whose shadow reaches back up, and a black bar around it
    "CDLCONCEALBABYSWALL": [(50, 50, 48, 48), (48.5, 48.5, 46, 46), (45.5, 47, 44, 44.5), (47.5, 47.5, 43, 43)],
}
every_row = pytest.mark.parametrize("row", FEATURES, ids=[row.name for row in FEATURES])


def built(name: str) -> Bars:
    return dict(zip(PRICES, np.array([QUIET] * 14 + BUILT[name], float).T, strict=True))


def wild(seed: int) -> Bars:
    """Bars that fall and rise tenfold, then stand still: a total that should be 0 is what rounding has left of it.

    Of tame bars each total is exact (differences of prices near each other, in units of their last digit), and it
    would not matter where it began.
    """
    random = np.random.default_rng(seed)
    close = np.exp(random.normal(0, 2, 10_000))
    edges = close * np.exp(random.normal(0, 1, (3, 10_000)))
    still = np.repeat(random.random(500) < 0.5, 20)
    halt = np.repeat(close[::20], 20)
    columns = (edges[2], np.maximum(edges, close).max(0), np.minimum(edges, close).min(0), close)
    return {name: np.where(still, halt, column) for name, column in zip(PRICES, columns, strict=True)}


@cache
def samples() -> list[Bars]:
    return [
        *(random_bars(seed, 10_000) for seed in range(1, 9)),
        *map(wild, (1, 2)),
        *map(real, SYMBOLS),
        *map(built, BUILT),
    ]


def by_talib(output: str, bars: Bars) -> np.ndarray:
    return getattr(talib, output.replace("_", "").upper())(*(bars[name] for name in PRICES)).astype(float)


def ours(row: Feature, bars: Bars, cut: int) -> np.ndarray:
    """float64[outputs, bars], in calls of `cut` bars."""
    plan, n = Plan("1d", [row]), len(bars["close"])
    state, parts = np.zeros((1, plan.width)), []
    for start in range(0, n, cut):
        part = {name: bars[name][start : start + cut] for name in PRICES}
        parts.append(plan.step(state, np.zeros(len(part["close"]), np.int64), part))
    return np.concatenate(parts).T


def test_every_pattern_is_an_output_of_one_row() -> None:
    outputs = [output for row in FEATURES for output in row.outputs]
    assert sorted(outputs) == sorted(name.lower().replace("cdl", "cdl_", 1) for name in NAMES)
    assert len(outputs) == 61


@every_row
@pytest.mark.parametrize("cut", [10_000, 97])
def test_equals_talib_and_is_found(row: Feature, cut: int) -> None:
    found = np.zeros(len(row.outputs), bool)
    for bars in samples():
        wanted = np.array([by_talib(output, bars) for output in row.outputs])
        wanted[:, : row.lookback] = np.nan  # all of a row start with the latest
        values = ours(row, bars, cut)
        np.testing.assert_array_equal(values, wanted)
        assert not np.signbit(values[values == 0]).any()
        found |= (np.nan_to_num(values) != 0).any(axis=1)
    assert dict(zip(row.outputs, found, strict=True)) == dict.fromkeys(row.outputs, True)


@pytest.mark.parametrize("name", BUILT)
def test_the_rarest_patterns_end_the_bars_built_for_them(name: str) -> None:
    output = name.lower().replace("cdl", "cdl_", 1)
    (row,) = (row for row in FEATURES if output in row.outputs)
    assert ours(row, built(name), 10_000)[row.outputs.index(output), -1] == 100


@every_row
def test_equals_its_definition_where_nothing_is_rounded(row: Feature) -> None:
    walk = random_bars(11, 800)
    bars = {name: np.round(walk[name] * 8) / 8 for name in PRICES}
    wanted = twins.TWINS[row.name]({name: column.tolist() for name, column in bars.items()})
    np.testing.assert_array_equal(ours(row, bars, 800), np.array(wanted))


@every_row
def test_securities_in_one_call_do_not_mix(row: Feature) -> None:
    both = [random_bars(seed, 60) for seed in (1, 2)]
    plan, order = Plan("1d", [row]), np.repeat([0, 1, 1, 0], 30)
    place = [np.flatnonzero(order == security) for security in (0, 1)]
    mixed = {name: np.empty(120) for name in PRICES}
    for name in PRICES:
        mixed[name][place[0]], mixed[name][place[1]] = both[0][name], both[1][name]
    found = plan.step(np.zeros((2, plan.width)), order, mixed).T
    for security, bars in enumerate(both):
        np.testing.assert_array_equal(found[:, place[security]], ours(row, bars, 60))
