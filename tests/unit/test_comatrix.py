"""The matrix of all pairs against long double, at every bar: means, scales, outliers, gaps, ties, flat members."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.oracles import comatrix as oracle
from udfs.comatrix.matrix import Comatrix
from udfs.comatrix.on_torch import TorchComatrix
from udfs.comatrix.window import Window

ROLLING, DECAYING = Window.rolling(20), Window.decaying(0.8, 5)
WINDOWS = [ROLLING, DECAYING, Window.rolling(2), Window.rolling(3), Window.decaying(0.3, 2)]
N, BARS = 6, 170
NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def new(window: Window, members: int = N, kind: str = "compiled", **options: object) -> Comatrix | TorchComatrix:
    if kind == "compiled":
        return Comatrix(window, np.empty((0, members)), -1, **options)
    return TorchComatrix(window, np.empty((0, members)), -1, device=kind, **options)


@pytest.fixture(params=["compiled", "cpu", pytest.param("cuda", marks=NO_GPU)])
def kind(request) -> str:
    return request.param


def returns(seed: int = 0, bars: int = BARS, members: int = N) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(0, 1e-3, (bars, members)) + random.normal(0, 5e-4, (bars, 1))


def offset() -> np.ndarray:
    """A mean of a thousand deviations."""
    return returns() + np.linspace(-1, 1, N)


def outliers() -> np.ndarray:
    """Glitches of a million deviations, that leave the window again."""
    found = returns()
    found[30, 1], found[31, 2], found[70, :], found[100, 5] = 1e3, -50, 20, 1e-12
    return found


def scales() -> np.ndarray:
    return returns() * 10.0 ** np.arange(-3, N - 3)


def levels() -> np.ndarray:
    """A mean that jumps by ten thousand deviations."""
    return returns() + 10 * (np.arange(BARS) // 45 % 2)[:, None]


def window_of(window: Window, matrix: np.ndarray, bar: int) -> np.ndarray:
    return matrix[max(0, window.oldest(bar)) : bar + 1]


@pytest.mark.parametrize("make", [returns, offset, outliers, scales, levels])
@pytest.mark.parametrize("window", WINDOWS, ids=lambda w: f"{w.bars}-{w.decay}")
def test_each_bar_equals_long_double(window, make, kind):
    matrix, engine = make(), new(window, kind=kind)
    for bar in range(BARS):
        reading = engine.advance(matrix[bar : bar + 1])
        found = engine.correlation()
        if bar + 1 < window.least:
            assert np.isnan(found).all()
            continue
        part = window_of(window, matrix, bar)
        expected = oracle.correlation(part, window.decay)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        covariance = oracle.covariance(part, window.decay)
        deviation = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(engine.covariance() / np.outer(deviation, deviation), expected, rtol=0, atol=1e-12)
        mean = (expected.sum(axis=1) - 1) / (N - 1)
        np.testing.assert_allclose(reading.mean_correlation[0], mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [Window.rolling(60), Window.decaying(0.94, 60)], ids=["rolling", "decaying"])
def test_after_a_hundred_thousand_bars(window):
    matrix, engine = returns(1, 100_000, 3) + 0.01, new(window, 3, top=1)
    matrix[99_900] = 5, -3, 4
    for bar in range(0, 100_000, 1000):
        engine.advance(matrix[bar : bar + 1000])
    expected = oracle.correlation(window_of(window, matrix, 99_999), window.decay)
    np.testing.assert_allclose(engine.correlation(), expected, rtol=0, atol=1e-12)


def test_decaying_is_what_pandas_calls_ewm(kind):
    matrix, engine = returns(2), new(Window.decaying(0.94, 2), kind=kind)
    engine.advance(matrix)
    ewm = pd.DataFrame(matrix).ewm(alpha=0.06)
    np.testing.assert_allclose(engine.correlation(), ewm.corr(pairwise=True).loc[BARS - 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(engine.covariance(), ewm.cov(pairwise=True).loc[BARS - 1], rtol=1e-11)


@pytest.mark.parametrize("window", [ROLLING, DECAYING], ids=["rolling", "decaying"])
@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3])
def test_a_flat_member_is_null_and_spoils_no_other(window, value):
    matrix, engine, without = returns(3), new(window), new(window, N - 1)
    matrix[:, 2] = value
    others = [0, 1, 3, 4, 5]
    for bar in range(BARS):
        reading = engine.advance(matrix[bar : bar + 1])
        alone = without.advance(matrix[bar : bar + 1, others])
        found = engine.correlation()
        assert np.isnan(found[2]).all()
        assert np.isnan(found[:, 2]).all()
        assert np.isnan(reading.mean_correlation[0, 2])
        assert (reading.peers[0, 2] == -1).all()
        assert found[np.ix_(others, others)].tobytes() == without.correlation().tobytes()
        assert reading.mean_correlation[0, others].tobytes() == alone.mean_correlation[0].tobytes()
        assert reading.correlations[0, others].tobytes() == alone.correlations[0].tobytes()


def test_a_gap_excludes_for_a_window_or_is_carried(kind):
    #  bars 0 ... 39 all there, 40 missing, then there again
    matrix = returns(4, 70)
    matrix[40, 1] = np.nan
    strict, carried = new(ROLLING, kind=kind), new(Window.rolling(20, 15), kind=kind)
    for bar in range(70):
        reading = strict.advance(matrix[bar : bar + 1])
        other = carried.advance(matrix[bar : bar + 1])
        in_window = 40 <= bar < 60
        assert np.isnan(strict.correlation()[1, 0]) == (in_window or bar < 19)
        assert reading.seen[0, 1] == min(bar + 1, 20) - in_window
        assert other.age[0].tolist() == [0, int(bar == 40), 0, 0, 0, 0]
        if bar >= 19:
            expected = oracle.correlation(matrix[bar - 19 : bar + 1])
            np.testing.assert_allclose(carried.correlation(), expected, rtol=0, atol=1e-12)
    assert reading.age[0].tolist() == [0] * N


def test_a_member_that_left_ages_and_is_null(kind):
    matrix, engine = returns(5, 60), new(Window.rolling(20, 10), kind=kind)
    matrix[30:, 4] = np.nan
    reading = engine.advance(matrix)
    assert reading.age[29:, 4].tolist() == [*range(20), *[20] * 11]
    assert np.isnan(reading.mean_correlation[:, 4]).tolist() == [bar < 9 or bar > 39 for bar in range(60)]
    assert 4 not in reading.peers[41:]


@pytest.mark.parametrize("window", [ROLLING, DECAYING], ids=["rolling", "decaying"])
def test_a_join_or_a_leave_changes_no_other_byte(window):
    matrix, engine = returns(6), new(window, 4)
    engine.advance(matrix[:80, :4])
    # two join at bar 80, first and third; the last leaves at bar 120
    wide = np.full((len(engine.ring), 6), np.nan)
    wide[:, [1, 3, 4, 5]] = engine.ring
    joined, columns = Comatrix(window, wide, 79), [4, 0, 5, 1, 2, 3]
    joined.advance(matrix[80:120, columns])
    left = Comatrix(window, joined.ring[:, :5], 119)
    left.advance(matrix[120:, columns[:5]])
    engine.advance(matrix[80:, :4])
    found, expected = left.correlation(), engine.correlation()
    assert found[np.ix_([1, 3, 4], [1, 3, 4])].tobytes() == expected[:3, :3].tobytes()
    clean = new(window, 5)
    late = matrix[:, columns[:5]].copy()
    late[:80, [0, 2]] = np.nan
    clean.advance(late)
    assert found.tobytes() == clean.correlation().tobytes()


@pytest.mark.parametrize("members", [1, 2, 40, 90])
def test_peers_are_the_first_of_a_stable_sort(members, kind):
    # few values, so that ties come up; columns repeat
    random = np.random.default_rng(members)
    matrix = (random.integers(-1, 2, (40, members)) / 64)[:, np.sort(random.integers(0, members, members))]
    engine = new(Window.rolling(6), members, kind, top=5)
    for bar in range(40):
        reading, found = engine.advance(matrix[bar : bar + 1]), engine.correlation()
        for i in range(members):
            for side, sign in enumerate((1, -1)):
                expected = oracle.nearest(found[i], i, 5, sign)
                assert reading.peers[0, i, side].tolist() == expected
                values = [found[i, j] if j >= 0 else np.nan for j in expected]
                np.testing.assert_array_equal(reading.correlations[0, i, side], values)


@pytest.mark.parametrize("window", [ROLLING, DECAYING], ids=["rolling", "decaying"])
def test_symmetric_and_no_eigenvalue_below_rounding(window):
    engine = new(window, 60)
    engine.advance(returns(7, 100, 60))  # more members than bars: most eigenvalues are 0
    found = engine.correlation()
    assert found.tobytes() == np.ascontiguousarray(found.T).tobytes()
    assert np.linalg.eigvalsh(found).min() > -1e-12
    assert (np.diag(found) == 1).all()


def test_a_checkpoint_is_the_ring():
    engine = new(ROLLING)
    engine.advance(returns())
    assert engine.ring.tobytes() == returns()[-20:].tobytes()
    assert engine.ring.nbytes == 20 * N * 8


@pytest.mark.parametrize("window", [ROLLING, DECAYING], ids=["rolling", "decaying"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NO_GPU)])
def test_torch_gives_what_the_compiled_gives_in_tiles_and_restored(window, device):
    matrix = returns(8, 90, 12)
    matrix[:, 3], matrix[40, 5] = 0.1, np.nan
    engine, rows = new(window, 12, top=4), np.array([1, 3, 4, 11])
    engine.advance(matrix[:60])
    twin = TorchComatrix(window, engine.ring, 59, rows, 4, device)
    expected, found = engine.advance(matrix[60:]), twin.advance(matrix[60:])
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one[:, rows], rtol=0, atol=1e-12)
        assert other.dtype == one.dtype
    np.testing.assert_allclose(twin.correlation(), engine.correlation()[rows], rtol=0, atol=1e-12)
    assert twin.ring.tobytes() == engine.ring.tobytes()


def test_what_is_refused():
    with pytest.raises(ValueError, match="19 bars of returns up to bar 99, where the window needs 20"):
        Comatrix(ROLLING, returns(bars=19), 99)
    for rows in ([1, 0], [2, 2], [N]):
        with pytest.raises(ValueError, match="not ascending columns of 6"):
            new(ROLLING, rows=np.array(rows))
    with pytest.raises(ValueError, match="no bar"):
        new(ROLLING).correlation()
    for wrong in (lambda: Window.rolling(1), lambda: Window.rolling(5, 6), lambda: Window(5, 5, 1.5)):
        with pytest.raises(ValueError, match="bars from 2 on"):
            wrong()
