"""The packed universe: back from its text, and every kind of matrix of it against numpy, scipy and scikit-learn."""

import base64
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.covariance import OAS, LedoitWolf

from schemas.errors import DataError, FeatureError
from tests.oracles import comatrix, estimators
from tests.oracles.panel import centred
from tests.oracles.prices import REAL_SPLITS, SYMBOLS, by_talib_split, real
from udfs import packing
from udfs.panel.snapshot import KINDS, Snapshot

Matrix = np.ndarray


def returns(bars: int, members: int, seed: int = 0) -> Matrix:
    random = np.random.default_rng(seed)
    return random.normal(0, 0.01, (bars, members)) + random.normal(0, 0.01, (bars, 1))


def real_returns() -> Matrix:
    """The last 60 days of the sample."""
    columns = [by_talib_split(real(name), REAL_SPLITS.get(name, []))["log_return"][-60:] for name in SYMBOLS]
    return np.array(columns).T


def snapshot(matrix: Matrix, least: int | None = None) -> Snapshot:
    names = [f"M{j:03}" for j in range(matrix.shape[1])]
    return Snapshot(names, matrix, len(matrix) if least is None else least)


def constant_correlation(x: Matrix) -> Matrix:
    (intensity, mean), sample = estimators.constant_correlation(x), np.cov(x.T, ddof=0)
    target = mean * np.sqrt(np.outer(np.diag(sample), np.diag(sample)))
    np.fill_diagonal(target, np.diag(sample))
    return (1 - intensity) * sample + intensity * target


TWINS: dict[str, Callable[[Matrix], Matrix]] = {
    "correlation": comatrix.correlation,
    "covariance": lambda x: comatrix.covariance(x).astype(float),
    "spearman": lambda x: comatrix.correlation(stats.rankdata(x, axis=0)),
    "ledoit_wolf": lambda x: LedoitWolf().fit(x).covariance_,
    "ledoit_wolf_cc": constant_correlation,
    "oas": lambda x: OAS().fit(x).covariance_,
    "clipped": estimators.clipped,
}
SAMPLES = {
    "few": lambda: returns(60, 5),
    "more members than bars": lambda: returns(20, 45),
    "as many": lambda: returns(30, 30),
    "offset": lambda: returns(60, 6) + np.linspace(-1, 1, 6),
    "scales": lambda: returns(60, 5) * 10.0 ** np.arange(-3, 2),
    "real": real_returns,
}


def test_every_kind_has_a_twin():
    assert sorted(TWINS) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SAMPLES)
def test_equals_its_twin(kind, name):
    x = SAMPLES[name]()
    found = snapshot(x).matrix(kind)
    np.testing.assert_allclose(found, TWINS[kind](centred(x) if kind != "spearman" else x), rtol=0, atol=1e-12)
    if kind in ("correlation", "covariance"):
        numpy = np.corrcoef(x.T) if kind == "correlation" else np.cov(x.T)
        np.testing.assert_allclose(found, numpy, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(KINDS), st.integers(2, 40), st.integers(1, 30), st.integers(0, 10**6), st.booleans())
def test_symmetric_and_positive_semi_definite(kind, bars, members, seed, rough):
    random = np.random.default_rng(seed)
    matrix = random.integers(-1, 2, (bars, members)) / 64 if rough else returns(bars, members, seed)
    matrix[:, random.random(members) < 0.2] = 0.1
    found = snapshot(matrix).matrix(kind)
    assert found.tobytes() == np.ascontiguousarray(found.T).tobytes()
    there = ~np.isnan(np.diag(found))
    assert there.tolist() == [np.ptp(column) > 0 for column in matrix.T]
    assert not np.isnan(found[np.ix_(there, there)]).any()
    assert np.isnan(found[~there]).all()
    if there.any():
        assert np.linalg.eigvalsh(found[np.ix_(there, there)]).min() > -1e-12
    if kind in ("correlation", "spearman"):
        assert (np.diag(found)[there] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_who_takes_no_part_changes_no_byte(kind):
    # of six: 1 has gaps and too few returns, 2 kept its price for three bars, 4 does not move
    matrix = returns(40, 6, seed=1)
    matrix[:30, 1], matrix[7:10, 2], matrix[:, 4] = np.nan, np.nan, 0.25
    carried = np.nan_to_num(matrix[:, [0, 2, 3, 5]])
    found = snapshot(matrix, 20).matrix(kind)
    assert np.isnan(found[[1, 4]]).all()
    assert found[np.ix_([0, 2, 3, 5], [0, 2, 3, 5])].tobytes() == snapshot(carried).matrix(kind).tobytes()
    strict = snapshot(matrix).matrix(kind)
    assert np.flatnonzero(np.isnan(np.diag(strict))).tolist() == [1, 2, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody(kind):
    assert np.isnan(snapshot(np.full((20, 3), 0.1)).matrix(kind)).all()
    assert snapshot(np.empty((0, 0)), 2).matrix(kind).shape == (0, 0)
    assert np.isnan(snapshot(returns(5, 2), 6).matrix(kind)).all(), "the first bars"


@settings(max_examples=30)
@given(st.integers(0, 9), st.integers(0, 6), st.integers(0, 10**6), st.integers(2, 60))
def test_back_from_its_text(bars, members, seed, least):
    matrix = returns(bars, members, seed)
    matrix[np.random.default_rng(seed).random(matrix.shape) < 0.2] = np.nan
    of = Snapshot([f"ÄPFEL|{j}" for j in range(members)], matrix, least)
    text = of.pack()
    assert text.isascii()
    back = Snapshot.unpack(text)
    assert (back.symbols, back.least, back.returns.shape) == (of.symbols, of.least, matrix.shape)
    assert back.returns.tobytes() == matrix.tobytes()
    assert back.pack() == text
    back.matrix()


def bad_texts() -> dict[str, str]:
    good = snapshot(returns(4, 2)).pack()
    data = base64.b64decode(good)

    def packed(header: dict[str, object], arrays: dict[str, Matrix]) -> str:
        return base64.b64encode(packing.pack(header, arrays)).decode()

    one = {"returns": returns(4, 2)}
    return {
        "empty": "",
        "no base64": "universe!",
        "not ASCII": "ä" * 8,
        "cut short": good[: len(good) // 2 // 4 * 4],
        "half a number": base64.b64encode(data[:-3]).decode(),
        "no header": base64.b64encode(b"\0" * 40).decode(),
        "no returns": packed({"symbols": ["A", "B"], "least": 2}, {}),
        "no symbols": packed({"least": 2}, one),
        "no least": packed({"symbols": ["A", "B"]}, one),
        "other symbols": packed({"symbols": ["A"], "least": 2}, one),
        "one row": packed({"symbols": ["A", "B"], "least": 2}, {"returns": returns(4, 2)[0]}),
        "a number": base64.b64encode(b"\x04\0\0\0   5").decode(),
    }


@pytest.mark.parametrize("name", bad_texts())
def test_a_text_that_is_none(name):
    with pytest.raises(DataError, match="no packed universe"):
        Snapshot.unpack(bad_texts()[name])


def test_an_unknown_kind():
    with pytest.raises(FeatureError, match="correlations") as caught:
        snapshot(returns(4, 2)).matrix("correlations")
    assert "correlation" in str(caught.value)
