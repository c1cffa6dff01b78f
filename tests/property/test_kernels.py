"""Every kernel against its naive twin, and the laws that let state be cut, moved, restored and scaled."""

import math
from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.oracles.indicators import moments as exact_moments
from tests.oracles.indicators import small_features, small_values
from tests.oracles.world import SHORT
from udfs.adjustment import Adjustment, Effect
from udfs.kernels import moments
from udfs.plan import Plan

compiled = settings(deadline=None)  # the first example compiles
NAMES = ("open", "high", "low", "close", "volume")
PERIODS = (2, 3, 7)
PLANS = {period: Plan("1d", small_features(period)) for period in PERIODS}
periods = st.sampled_from(PERIODS)
# eighths of a dollar: ties and flat stretches are frequent, and halving or doubling is exact
price = st.integers(8, 200).map(lambda eighths: eighths / 8)
bar = st.tuples(price, price, price, price, st.integers(0, 50).map(float))
histories = st.lists(st.one_of(bar, st.just((5.0, 5.0, 5.0, 5.0, 3.0))), min_size=1, max_size=40)


def columns(bars):
    """Bars (prices in any order but for the last, the close; volume) as columns."""
    a, b, opened, close, volume = map(np.array, zip(*bars, strict=True))
    high, low = np.max([a, b, opened, close], axis=0), np.min([a, b, opened, close], axis=0)
    return dict(zip(NAMES, (opened, high, low, close, volume), strict=True))


def split(new, old):
    """A ratio in force."""
    return Adjustment(0, Effect.RATIO, "", Fraction(old, new), Fraction(new, old))


def run(plan, bars, rows=None, size=1):
    """Outputs and final state of one call over all bars."""
    state = np.zeros((size, plan.width))
    rows = np.zeros(len(bars["close"]), np.int64) if rows is None else rows
    return plan.step(state, rows, bars), state


@compiled
@given(histories, periods)
def test_kernels_equal_their_definitions(history, period):
    plan, bars = PLANS[period], columns(history)
    found = dict(zip(plan.outputs, run(plan, bars)[0].T, strict=True))
    wanted = small_values(bars, period)
    assert list(found) == list(wanted)
    for name, column in found.items():
        scale = max(map(abs, (*bars["close"], *bars["volume"]))) if name == "obv" else 100.0
        np.testing.assert_allclose(column, wanted[name], rtol=1e-12, atol=1e-14 * scale, err_msg=name)


@compiled
@given(histories, periods)
def test_first_values_come_after_the_lookback(history, period):
    plan, bars = PLANS[period], columns(history)
    for name, column in zip(plan.outputs, run(plan, bars)[0].T, strict=True):
        warm = np.arange(len(column)) >= plan.lookback(name)
        assert (~np.isnan(column) == warm).all(), name


@compiled
@given(st.lists(st.tuples(st.integers(0, 2), bar), min_size=1, max_size=60), periods, st.data())
def test_any_cut_into_calls_gives_the_same_bytes(items, period, data):
    #  items in time order   a b a a c b a      one call
    #  cut, state dumped     a b | a a c | b a  three calls, the state through bytes in between
    plan, bars = PLANS[period], columns([b for _, b in items])
    rows = np.array([row for row, _ in items])
    whole, state = run(plan, bars, rows, 3)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(items)), max_size=5)))
    kept, parts = np.zeros((3, plan.width)), []
    for start, stop in pairwise([0, *cuts, len(items)]):
        kept = np.frombuffer(kept.tobytes()).reshape(kept.shape).copy()
        parts.append(plan.step(kept, rows[start:stop], {name: column[start:stop] for name, column in bars.items()}))
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert kept.tobytes() == state.tobytes()


@compiled
@given(st.lists(st.tuples(st.integers(0, 2), bar), min_size=1, max_size=60), periods)
def test_symbols_do_not_touch_each_other(items, period):
    plan, bars = PLANS[period], columns([b for _, b in items])
    rows = np.array([row for row, _ in items])
    whole, state = run(plan, bars, rows, 3)
    for row in set(rows.tolist()):
        alone, own = run(plan, {name: column[rows == row] for name, column in bars.items()})
        assert alone.tobytes() == whole[rows == row].tobytes()
        assert own[0].tobytes() == state[row].tobytes()


@compiled
@given(histories, periods, st.integers(-6, 6), st.data())
def test_a_dyadic_split_of_the_state_is_exact(history, period, power, data):
    #  old units  x x x x|x x x
    #  new units         |y y y    y = x restated; the state is scaled at the bar
    plan, bars = PLANS[period], columns(history)
    at = data.draw(st.integers(0, len(history)))
    new, old = (2**power, 1) if power >= 0 else (1, 2**-power)
    whole, state = run(plan, bars)
    before, kept = run(plan, {name: column[:at] for name, column in bars.items()})
    kept *= plan.factors([split(new, old)], 1.0, 1.0)
    scale = {name: new / old if name == "volume" else old / new for name in NAMES}
    after = plan.step(kept, np.zeros(len(history) - at, np.int64), {n: c[at:] * scale[n] for n, c in bars.items()})
    degrees = [plan.degree(name) for name in plan.outputs]
    restated = whole * [(new / old) ** (degree.volume - degree.price) for degree in degrees]
    assert before.tobytes() == whole[:at].tobytes()
    np.testing.assert_array_equal(after, restated[at:])
    np.testing.assert_array_equal(kept, state * plan.factors([split(new, old)], 1.0, 1.0))


@compiled
@given(histories, periods, st.sampled_from([(3, 2), (1, 10), (7, 5), (1001, 1000)]), st.data())
def test_any_split_equals_adjusted_bars(history, period, ratio, data):
    plan, bars = PLANS[period], columns(history)
    assume(np.ptp(bars["close"]) > 1 and np.ptp(bars["volume"]) > 1)
    at = data.draw(st.integers(0, len(history)))
    scale = {name: ratio[0] / ratio[1] if name == "volume" else ratio[1] / ratio[0] for name in NAMES}
    _, kept = run(plan, {name: column[:at] for name, column in bars.items()})
    kept *= plan.factors([split(*ratio)], 1.0, 1.0)
    after = plan.step(kept, np.zeros(len(history) - at, np.int64), {n: c[at:] * scale[n] for n, c in bars.items()})
    wanted = run(plan, {name: column * scale[name] for name, column in bars.items()})[0][at:]
    for name, found, want in zip(plan.outputs, after.T, wanted.T, strict=True):
        if name not in {"obv", "volume_z", "rsi", "suspect"}:  # a tie that rounding parts is a tie no more
            # a flat window that rounding bends has a deviation of the square root of an ulp
            np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("gap", NAMES)
@compiled
@given(histories, periods, st.data())
def test_a_gap_is_skipped(gap, history, period, data):
    plan, bars = PLANS[period], columns(history)
    at = data.draw(st.integers(0, len(history)))
    with_gap = {name: np.insert(column, at, np.nan if name == gap else column[0]) for name, column in bars.items()}
    found, wanted = run(plan, with_gap)[0], run(plan, bars)[0]
    for k, feature in enumerate(small_features(period)):
        reads = {"close"} if feature.inputs == ("log_return",) else set(feature.inputs)
        if gap in reads:
            for name in feature.outputs:
                column = found[:, plan.outputs.index(name)]
                assert math.isnan(column[at]), (k, name)
                assert np.delete(column, at).tobytes() == wanted[:, plan.outputs.index(name)].tobytes(), name


@compiled
@given(
    st.lists(st.one_of(st.floats(-1e3, 1e3), st.just(1e10), st.just(0.0)), min_size=1, max_size=60),
    st.sampled_from([0.0, 1e10, -1e10]),
    periods,
)
def test_moments_are_exact_whatever_passed_through(values, offset, period):
    # an offset of 1e10, or an outlier of 1e10 that has left the window, costs no digits
    state, lean = np.zeros(4 + 2 * period + 1), np.zeros(4 + period)
    values = [value + offset for value in values]
    for k, value in enumerate(values):
        mean, moment = moments.push(state, value, period)
        assert moments.push_mean(lean, value, period) == mean
        if k + 1 >= period:
            window = values[k + 1 - period : k + 1]
            wanted_mean, wanted = exact_moments(window)
            assert mean == pytest.approx(float(wanted_mean), rel=1e-15, abs=4e-16 * max(map(abs, window)))
            assert moment == pytest.approx(float(wanted), rel=1e-13, abs=1e-300)


REGISTRY = Plan("1m")
ULP = 2.0**-52


def scales_by_its_degrees(random: Random) -> None:
    """P1: F(f p, v / f) = f^dp f^-dv F(p, v), bitwise for f a power of two, else to 4 times what an ulp of input moves.

    What it moves: the largest change of the feature in the history, of several in which each input is one ulp off, and
    an ulp of the largest value of the feature, or of the price if it is one.
    """
    rng, plan = np.random.default_rng(random.randrange(2**32)), random.choice([SHORT, REGISTRY])
    bars = walk(rng, random.choice([10, 60, 250]))
    f = random.choice([2.0 ** random.randint(-40, 40), 2.0, 0.5, 1.5, 0.1, 1.4, 1.001, random.uniform(0.01, 100)])
    whole = run(plan, bars)[0]
    degrees = [plan.degree(name) for name in plan.outputs]
    scale = np.array([f ** (degree.price - degree.volume) for degree in degrees])
    wanted = whole * scale
    found = run(plan, {name: column / f if name == "volume" else column * f for name, column in bars.items()})[0]
    if math.frexp(f)[0] == 0.5:
        assert found.tobytes() == wanted.tobytes()
        return
    tries = 3 if len(whole) > 10 else 12  # a short history has few values to see a change in
    off = ({n: c * (1 + ULP * rng.choice([-1, 1], len(c))) for n, c in bars.items()} for _ in range(tries))
    moved = [run(plan, each)[0] for each in off]
    change = np.nanmax(np.abs(np.array(moved) - whole), axis=(0, 1), initial=0)
    largest = [bars["high"].max() * f * degree.price for degree in degrees]
    size = np.maximum(largest, np.nanmax(np.abs(wanted), axis=0, initial=0))
    bound = 4 * (change * scale + np.spacing(size))
    assert (np.isnan(found) == np.isnan(wanted)).all()
    wrong = np.abs(found - wanted) > bound
    assert not wrong.any(), [plan.outputs[k] for k in np.flatnonzero(wrong.any(axis=0))]


def walk(rng, count):
    """Bars of a random walk that rests now and then, and jumps by half or to the double; some without volume."""
    jumps = rng.choice([1, 1, 1, 1, 0.5, 2], count) ** (rng.random(count) < 0.03)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, count) * (rng.random(count) > 0.1))) * np.cumprod(jumps)
    opened = close * np.exp(rng.normal(0, 0.005, count))
    high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) / 1.01
    volume = rng.integers(1, 10**7, count) * (rng.random(count) > 0.05)
    return dict(zip(NAMES, (opened, high, low, close, volume * 1.0), strict=True))


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_every_feature_of_the_registry_scales_by_its_degrees(random):
    scales_by_its_degrees(random)
