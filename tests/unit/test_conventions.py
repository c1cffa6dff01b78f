"""Conventions: the numbers of the libraries that are named, and how a row, an expression and a page ask for one."""

import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import talib
from talipp import indicators as talipp
from talipp.ohlcv import OHLCV

from schemas.errors import FeatureError
from tests.oracles import packs
from tests.oracles.beside_talib import ours
from tests.oracles.packs import random_bars
from tickloom import reference
from udfs import catalogue
from udfs.expressions import expression
from udfs.plan import Plan
from udfs.registry import Feature

ROWS: dict[str, Feature] = {row.name: row for row in reversed(catalogue.kernels())}
NAMED = [row for row in ROWS.values() if row.conventions]
every_convention = pytest.mark.parametrize(
    "row", [row.at(name) for row in NAMED for name in row.conventions], ids=lambda row: f"{row.name}-{row.convention}"
)
BARS = random_bars(5, 400)
CLOSE, VOLUME = pd.Series(BARS["close"]), pd.Series(BARS["volume"])


def ewm(x: pd.Series, span: int, convention: str) -> pd.Series:
    """As pandas' users write it."""
    return x.ewm(span=span, adjust=convention == "adjusted").mean()


def macd(convention: str) -> list[pd.Series]:
    line = ewm(CLOSE, 12, convention) - ewm(CLOSE, 26, convention)
    signal = ewm(line, 9, convention)
    return [line, signal, line - signal]


def cutler() -> pd.Series:
    change = CLOSE.diff()
    gain, loss = (change.clip(lower=0).rolling(14).mean(), (-change).clip(lower=0).rolling(14).mean())
    return 100 * gain / (gain + loss)


def by_talipp() -> pd.Series:
    bars = zip(BARS["open"], BARS["high"], BARS["low"], BARS["close"], strict=True)
    return pd.Series(talipp.ATR(14, [OHLCV(*map(float, bar)) for bar in bars]), dtype=float)


def true_range() -> np.ndarray:
    return talib.TRANGE(BARS["high"], BARS["low"], BARS["close"])


def wanted(row: str, convention: str) -> Callable[[], list[pd.Series]]:
    if row == "macd":
        return lambda: macd(convention)
    return lambda: [ewm(CLOSE, 12, convention)]


LIBRARIES: dict[tuple[str, str], Callable[[], list[pd.Series]]] = {
    **{(row, name): wanted(row, name) for row in ("ema", "macd") for name in ("pandas", "adjusted")},
    ("rsi", "simple"): lambda: [cutler()],
    ("atr", "tradingview"): lambda: [by_talipp()],
    ("atr", "simple"): lambda: [pd.Series(true_range()).rolling(14).mean()],
    ("stddev", "sample"): lambda: [CLOSE.rolling(5).std()],
    ("var", "sample"): lambda: [CLOSE.rolling(5).var()],
    ("bbands", "sample"): lambda: [CLOSE.rolling(20).mean() + k * CLOSE.rolling(20).std() for k in (2, 0, -2)],
    ("volume_z", "sample"): lambda: [(VOLUME - VOLUME.rolling(20).mean()) / VOLUME.rolling(20).std()],
    ("volume_z", "population"): lambda: [(VOLUME - VOLUME.rolling(20).mean()) / VOLUME.rolling(20).std(ddof=0)],
    ("volatility", "sample"): lambda: [np.log(CLOSE).diff().rolling(20).std() * np.sqrt(252)],
    ("volatility", "population"): lambda: [np.log(CLOSE).diff().rolling(20).std(ddof=0) * np.sqrt(252)],
}


@pytest.mark.parametrize(("row", "convention"), LIBRARIES, ids=["-".join(pair) for pair in LIBRARIES])
def test_equals_the_library(row: str, convention: str) -> None:
    of = ROWS[row].at(convention)
    for found, want in zip(ours(of, BARS), LIBRARIES[row, convention](), strict=True):
        assert np.flatnonzero(~np.isnan(found))[0] == of.lookback + len(packs.needed(of))
        shown = ~np.isnan(found)
        scale = np.abs(want[shown]).max()
        np.testing.assert_allclose(found[shown], want[shown], rtol=1e-10, atol=1e-12 * scale)


@every_convention
def test_a_flat_window_gives_what_the_row_says(row: Feature) -> None:
    flat = {name: np.full(400, 8.0) for name in ("open", "high", "low", "close", "volume")}
    if row.flat is not None:
        assert ours(row, flat)[:, -1].tolist() == [row.flat] * len(row.outputs)


@every_convention
def test_conventions_settle_the_last_parameters_of_the_kernel(row: Feature) -> None:
    settled = {name: tuple(each.values) for name, each in row.conventions.items()}
    assert set(settled.values()) == {settled[row.convention]}
    assert tuple(row.params) == (*row.free, *settled[row.convention])
    *_, last = ["", *inspect.signature(row.kernel).parameters]
    assert last == (*row.params, "")[len(row.params) - 1]
    kinds = [[type(value) for value in each.values.values()] for each in row.conventions.values()]
    assert all(kind == kinds[0] for kind in kinds), "another kind of number is compiled anew"


def test_names_say_what_is_not_the_default() -> None:
    row = ROWS["bbands"]
    assert row.at("talib", period=10).outputs == ("bb_upper_10_2", "bb_middle_10_2", "bb_lower_10_2")
    sample = row.at("sample")
    assert sample.outputs == ("bb_upper_20_2_sample", "bb_middle_20_2_sample", "bb_lower_20_2_sample")
    assert sample.at(period=5).outputs[0] == "bb_upper_5_2_sample"
    assert (sample.oracle, sample.at("talib")) == ("", row)
    assert Plan("1d", [row]).digest() != Plan("1d", [replaced(sample, row)]).digest()


def replaced(row: Feature, names: Feature) -> Feature:
    """The row under the names of another."""
    return replace(row, outputs=names.outputs)


@pytest.mark.parametrize(
    ("row", "given", "words"),
    [
        ("ema", {"convention": "panda"}, r"ema has no convention 'panda'\s.*'pandas'"),
        ("sma", {"convention": "pandas"}, "sma has no convention 'pandas'"),
        ("ema", {"seed": 1}, "ema has no parameter 'seed'"),
    ],
)
def test_what_cannot_be_asked_for(row: str, given: dict[str, float], words: str) -> None:
    with pytest.raises(FeatureError, match=words):
        ROWS[row].at(**given)


def column(text: str) -> np.ndarray:
    """The values of an expression."""
    plan = Plan("1d", expression("x", text))
    return plan.step(np.zeros((1, plan.width)), np.zeros(len(CLOSE), np.int64), BARS)[:, 0]


def test_an_expression_names_its_convention_last() -> None:
    assert column('ema(close, 12, "pandas")').tobytes() == ours(ROWS["ema"].at("pandas"), BARS)[0].tobytes()
    assert column('ema(close, 12, "talib")').tobytes() == column("ema(close, 12)").tobytes()
    both = expression("x", 'ema(close, 9, "pandas") - ema(close, 9)')
    assert [row.name for row in both] == ['ema(close, 9, "pandas")', "ema(close, 9)", "x"]
    for text in ('ema(close, "pandas", 12)', '"pandas"', 'max(close, "pandas")'):
        with pytest.raises(FeatureError, match=r"""['"]pandas['"]"""):
            expression("x", text)
    with pytest.raises(FeatureError, match=r"ema\(close, period\)"):
        expression("x", "ema(close, 12, 1)")


def test_the_page_of_conventions_has_each() -> None:
    page = reference.pages()[reference.CONVENTIONS]
    for row in NAMED:
        for name, each in row.conventions.items():
            assert any(all(word in line for word in (f"[{row.name}]", name, each.means)) for line in page.splitlines())
