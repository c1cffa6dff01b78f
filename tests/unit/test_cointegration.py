"""Engle and Granger's pairs against statsmodels, numpy, and the laws of scale and of series that do not move."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.stattools import coint

from tests.oracles.prices import real
from udfs.estimators.cointegration import engle_granger

FIRST, SECOND = np.array([0, 1, 2]), np.array([1, 2, 0])


def prices(bars: int = 120, seed: int = 0) -> np.ndarray:
    """Log prices: two that move together, one that does not."""
    random = np.random.default_rng(seed)
    path = 4 + np.cumsum(random.normal(0, 0.01, (bars, 2)), axis=0)
    return np.column_stack([path[:, 0], 1 + 0.7 * path[:, 0] + random.normal(0, 0.005, bars), path[:, 1]])


def spread_of(y: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Hedge ratio and spread, by numpy."""
    design = np.column_stack([x, np.ones(len(x))])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    return float(solution[0]), y - design @ solution


def half_life(spread: np.ndarray) -> float:
    pull = float(np.linalg.lstsq(spread[:-1, None], np.diff(spread), rcond=None)[0][0])
    return 0.0 if pull <= -1 else math.log(0.5) / math.log(1 + pull) if pull < 0 else math.nan


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 150), st.integers(0, 10**6), st.sampled_from([0, 1]))
def test_equals_statsmodels_and_numpy(bars, seed, lags):
    logs = prices(bars, seed)
    found = engle_granger(logs, FIRST, SECOND, lags)
    for k in range(3):
        y, x = logs[:, FIRST[k]], logs[:, SECOND[k]]
        hedge, spread = spread_of(y, x)
        assert found.adf_t[k] == pytest.approx(coint(y, x, maxlag=lags, autolag=None)[0], rel=1e-9)
        assert found.hedge[k] == pytest.approx(hedge, abs=1e-12)
        assert found.spread[k] == pytest.approx(spread[-1], abs=1e-13)
        assert found.zscore[k] == pytest.approx(spread[-1] / spread.std(ddof=1), abs=1e-11)
        assert found.half_life[k] == pytest.approx(half_life(spread), rel=1e-9, nan_ok=True)


def test_tells_a_pair_that_returns_from_one_that_does_not():
    found = engle_granger(prices(500), FIRST, SECOND)
    assert found.adf_t[0] < -10 < -3.4 < found.adf_t[1], "5 % of pairs that do not return are below -3.4"
    assert found.half_life[0] < 2 < found.half_life[1]


def test_real_prices():
    logs = np.log(np.column_stack([real(symbol)["close"][-500:] for symbol in ("AAPL", "IBM")]))
    found = engle_granger(logs, FIRST[:1], SECOND[:1])
    wanted = coint(logs[:, 0], logs[:, 1], maxlag=1, autolag=None)[0]
    assert found.adf_t[0] == pytest.approx(wanted, rel=1e-9)


def test_units_of_prices_change_nothing():
    logs = np.round(prices() * 2**20) / 2**20
    found = engle_granger(logs, FIRST, SECOND)
    moved = engle_granger(logs + np.array([2.0**5, 0.0, -(2.0**4)]), FIRST, SECOND)
    assert [a.tobytes() for a in moved] == [a.tobytes() for a in found]
    turned = engle_granger(logs[:, ::-1], 2 - FIRST, 2 - SECOND)
    assert [a.tobytes() for a in turned] == [a.tobytes() for a in found]


def test_pairs_without_a_spread():
    logs = prices()
    flat = np.column_stack([logs[:, 0], np.full(120, 0.1), logs[:, 0], 0.1 + 0.3 * logs[:, 0], logs[:, 2]])
    found = engle_granger(flat, np.array([0, 1, 0, 0, 0]), np.array([1, 0, 2, 3, 4]))
    for each in found:
        assert np.isnan(each).tolist() == [True, True, True, True, False]
    assert np.isnan(engle_granger(logs[:5], FIRST, SECOND).hedge).all(), "six bars are the least with a lag"
    assert not np.isnan(engle_granger(logs[:5], FIRST, SECOND, lags=0).hedge).any()


def test_a_spread_that_jumps_once_has_numbers():
    step = np.array([0.0] * 6 + [1.0])
    found = engle_granger(np.column_stack([step, np.arange(7.0)]), np.array([0]), np.array([1]))
    assert np.isfinite(found.hedge).all()


def test_other_lags_are_refused():
    with pytest.raises(ValueError, match="2 lags"):
        engle_granger(prices(), FIRST, SECOND, lags=2)
