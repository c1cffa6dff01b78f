"""Every indicator against TA-Lib, on real prices across their splits and on random ones."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from tests.oracles.prices import REAL_SPLITS, SYMBOLS, Bars, by_talib_split, day_us, random_bars, real
from udfs.adjustment import Adjustment, Effect
from udfs.plan import Plan
from udfs.registry import FEATURES

PLAN = Plan("1d")
COLUMNS = ("open", "high", "low", "close", "volume")


def in_force(day: date, new: int, old: int) -> Adjustment:
    """A split of the sample."""
    return Adjustment(day_us(day), Effect.RATIO, f"{day}", Fraction(old, new), Fraction(new, old))


def ours(bars: Bars, splits: list[tuple[date, int, int]]) -> Bars:
    """The plan's outputs on one symbol, its state scaled between the stretches that splits part."""
    state, parts, start = np.zeros((1, PLAN.width)), [], 0
    ends = [int(np.searchsorted(bars["event_time"], day_us(day), "right")) for day, _, _ in splits]
    for end, split in [*zip(ends, splits, strict=True), (len(bars["close"]), None)]:
        columns = {name: bars[name][start:end] for name in COLUMNS}
        parts.append(PLAN.step(state, np.zeros(end - start, np.int64), columns))
        state[0] *= PLAN.factors([in_force(*split)], 1.0, 1.0) if split else 1.0
        start = end
    return dict(zip(PLAN.outputs, np.concatenate(parts).T, strict=True))


def assert_close(found: Bars, wanted: Bars, tolerance: float) -> None:
    assert list(found) == list(wanted)
    for name, column in found.items():
        np.testing.assert_allclose(column, wanted[name], rtol=tolerance, atol=0, equal_nan=True, err_msg=name)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_real_prices_equal_talib_on_adjusted_bars(symbol):
    bars, splits = real(symbol), REAL_SPLITS.get(symbol, [])
    assert_close(ours(bars, splits), by_talib_split(bars, splits), 1e-10)


def test_the_splits_are_in_the_real_prices():
    # the close halves on each ex-date; without the action the features jump
    for symbol, splits in REAL_SPLITS.items():
        bars = real(symbol)
        without = ours(bars, [])["log_return"]
        for day, numerator, denominator in splits:
            at = int(np.searchsorted(bars["event_time"], day_us(day), "right"))
            assert bars["close"][at] / bars["close"][at - 1] == pytest.approx(denominator / numerator, rel=0.12)
            assert without[at] < -0.5


def test_nothing_jumps_at_the_real_splits():
    for symbol, splits in REAL_SPLITS.items():
        bars, found = real(symbol), ours(real(symbol), splits)
        for day, numerator, denominator in splits:
            at = int(np.searchsorted(bars["event_time"], day_us(day), "right"))
            assert abs(found["log_return"][at]) < 0.1
            for name in (name for name in PLAN.outputs if not name.startswith("log_")):
                degree = PLAN.degree(name)
                scale = (numerator / denominator) ** (degree.volume - degree.price)
                column = found[name]
                # the step over the ex-date, in new units, is one of the ordinary steps around it
                steps = np.abs(np.diff(column[at - 30 : at - 1])) * scale
                after = np.abs(np.diff(column[at : at + 30]))
                step = abs(column[at] - column[at - 1] * scale)
                ordinary = np.concatenate([steps, after])
                if not np.isnan(step):
                    assert step <= 1.5 * np.nanmax(ordinary), (symbol, day, name)


@pytest.mark.parametrize("seed", range(3))
def test_random_bars_equal_talib(seed):
    bars = random_bars(600, seed)
    splits = [] if seed == 0 else [(date(1970, 6, 1), 3, 2), (date(1971, 1, 10), 1, 10)]
    assert_close(ours(bars, splits), by_talib_split(bars, splits), 1e-10)


def test_flat_windows_give_what_the_row_says():
    flat = {name: np.full(260, 0.1) for name in COLUMNS} | {"event_time": np.arange(260)}
    last = {name: column[-1] for name, column in ours(flat, []).items()}
    declared = {name: row.flat for row in FEATURES if row.flat is not None for name in row.outputs}
    assert {name: last[name] for name in declared} == declared
    prices = ("sma_20", "sma_200", "bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2")
    assert [last[name] for name in prices] == [0.1] * len(prices)
    assert [last[name] for name in ("ema_12", "ema_26")] == pytest.approx([0.1, 0.1], rel=1e-15)


def test_a_window_is_flat_as_soon_as_it_is():
    # 37 moving bars, then 20 equal ones: the window's second moment is exactly 0, wherever its blocks lie
    bars = random_bars(80, 5)
    for name in COLUMNS:
        bars[name][37:] = 0.3
    found = ours(bars, [])
    assert found["volatility_20"][57] == 0.0
    assert found["volume_z_20"][56] == 0.0
    assert found["bb_upper_20_2"][56] == found["bb_lower_20_2"][56] == found["sma_20"][56] == 0.3


def test_the_middle_band_is_the_moving_average():
    found = ours(real("IBM"), [])
    assert found["bb_middle_20_2"].tobytes() == found["sma_20"].tobytes()


@pytest.mark.parametrize(("interval", "bars"), [("1d", 252), ("1m", 252 * 390), ("1s", 252 * 23_400), ("5d", 50.4)])
def test_volatility_is_a_year_s(interval, bars):
    days, other = Plan("1d"), Plan(interval)
    columns = {name: random_bars(40, 1)[name] for name in COLUMNS}
    rows = np.zeros(40, np.int64)
    at = days.outputs.index("volatility_20")
    a, b = (plan.step(np.zeros((1, plan.width)), rows, columns)[:, at] for plan in (days, other))
    np.testing.assert_allclose(b, a * np.sqrt(bars / 252), rtol=1e-15)


@pytest.mark.parametrize("power", [-40, -1, 1, 3, 40])
def test_every_feature_has_the_degrees_it_declares(power):
    # prices times f, volumes by f: bitwise, for f a power of two
    bars, f = real("MSFT"), 2.0**power
    scaled = {name: column / f if name == "volume" else column * f for name, column in bars.items()}
    found = ours(scaled | {"event_time": bars["event_time"]}, [])
    for name, column in ours(bars, []).items():
        degree = PLAN.degree(name)
        assert (column * f ** (degree.price - degree.volume)).tobytes() == found[name].tobytes(), name


def test_bar_by_bar_equals_a_whole_history():
    bars, rows = {name: real("AAPL")[name][:700] for name in COLUMNS}, np.zeros(1, np.int64)
    state, whole = np.zeros((1, PLAN.width)), np.zeros((1, PLAN.width))
    steps = [PLAN.step(state, rows, {name: column[k : k + 1] for name, column in bars.items()}) for k in range(700)]
    assert np.concatenate(steps).tobytes() == PLAN.step(whole, np.zeros(700, np.int64), bars).tobytes()
    assert state.tobytes() == whole.tobytes()
