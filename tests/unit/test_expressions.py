"""Expressions: their numbers against numpy and TA-Lib, their degrees against splits, their errors in words."""

import numpy as np
import pytest
import talib

from schemas.errors import FeatureError
from tests.oracles.packs import random_bars
from tests.oracles.prices import Bars, real
from udfs.expressions import expression
from udfs.kernels.state import Degree
from udfs.plan import RESERVED, Plan
from udfs.registry import COLUMNS, FEATURES, NONE, PRICE, VOLUME

NESTED = "ema(1000*sum_diff(ema(close,20),ema(close,40)),10) - ema(1000*sum_diff(ema(close,20),ema(close,40)),20)"
SUM_DIFF = {"sum_diff": "lambda x, y: (x-y)/(x+y)"}


def of(text: str, bars: Bars, functions: dict[str, str] | None = None) -> np.ndarray:
    """The values of an expression on the bars of one security."""
    plan = Plan("1d", expression("x", text, functions))
    columns = {name: np.array(bars[name]) for name in COLUMNS if name in bars}
    assert plan.outputs == ("x",)
    return plan.step(np.zeros((1, plan.width)), np.zeros(len(bars["close"]), np.int64), columns)[:, 0]


def after(function, values: np.ndarray, *params: float) -> np.ndarray:
    """A function of TA-Lib over a series that begins with NaN."""
    first = int(np.flatnonzero(~np.isnan(values))[0])
    return np.concatenate([np.full(first, np.nan), function(values[first:], *params)])


@pytest.mark.parametrize("bars", [random_bars(1, 500), real("AAPL"), real("IBM")], ids=["random", "AAPL", "IBM"])
def test_the_nested_factor_of_dolphindb(bars):
    close = bars["close"]
    fast, slow = talib.EMA(close, 20), talib.EMA(close, 40)
    inner = 1000 * (fast - slow) / (fast + slow)
    wanted = after(talib.EMA, inner, 10) - after(talib.EMA, inner, 20)
    np.testing.assert_allclose(of(NESTED, bars, SUM_DIFF), wanted, rtol=0, atol=1e-12 * np.nanmax(np.abs(inner)))


def test_equal_parts_are_computed_once():
    rows = expression("x", NESTED, SUM_DIFF)
    assert [row.name.split("(")[0] for row in rows].count("ema") == 4, "two of the close, two of what is made of them"
    plan = Plan("1d", [*rows, *expression("y", "ema(close, 20) / ema(close, 40)")])
    assert plan.outputs == ("x", "y")
    assert plan.width == RESERVED + 4 * 2
    assert plan.lookback("x") == 39 + 19
    assert plan.degree("x") == NONE


def or_nan(values: np.ndarray) -> np.ndarray:
    """A zero divides nothing."""
    return np.where(values == 0, np.nan, values)


CASES = {
    "close - open": lambda b: b["close"] - b["open"],
    "-close / 2 + close": lambda b: b["close"] / 2,
    "abs(close - open) / (high - low)": lambda b: np.abs(b["close"] - b["open"]) / or_nan(b["high"] - b["low"]),
    "sign(close - open)": lambda b: np.sign(b["close"] - b["open"]),
    "max(open, close) - min(open, close)": lambda b: np.abs(b["close"] - b["open"]),
    "sqrt(high * low)": lambda b: np.sqrt(b["high"] * b["low"]),
    "log(high / low)": lambda b: np.log(b["high"] / b["low"]),
    "(close > open) - (close <= open)": lambda b: np.where(b["close"] > b["open"], 1.0, -1.0),
    "(close >= open) * (0 < volume)": lambda b: ((b["close"] >= b["open"]) & (b["volume"] > 0)) * 1.0,
    "macd(close, 12, 26, 9)[2]": lambda b: talib.MACD(b["close"])[2],
    "sma(volume, 5)": lambda b: talib.SMA(b["volume"], 5),
    "sma(sma(close, 3), 4)": lambda b: after(talib.SMA, talib.SMA(b["close"], 3), 4),
    "2 * 3 - close": lambda b: 6 - b["close"],
    "close ** 2 / open ** 2": lambda b: (b["close"] / b["open"]) ** 2,
    "(high / low) ** (close / open)": lambda b: (b["high"] / b["low"]) ** (b["close"] / b["open"]),
    "(close - open) ** 0.5": lambda b: np.sqrt(np.where(b["close"] < b["open"], np.nan, b["close"] - b["open"])),
    "exp(log(high / low)) * floor(2.5)": lambda b: b["high"] / b["low"] * 2,
    "floor(8 * high / low)": lambda b: np.floor(8 * b["high"] / b["low"]),
    "close > open and close == high or close < open and close == low": lambda b: np.where(
        b["close"] > b["open"], b["close"] == b["high"], (b["close"] < b["open"]) & (b["close"] == b["low"])) * 1.0,
    "high if close > open else low if close < open else 0": lambda b: np.where(
        b["close"] > b["open"], b["high"], np.where(b["close"] < b["open"], b["low"], 0)),
    "1 if mom(close, 3) < 0 else 2": lambda b: np.where(
        np.isnan(talib.MOM(b["close"], 3)), np.nan, np.where(talib.MOM(b["close"], 3) < 0, 1.0, 2.0)),
    "3 if 0 else close - open": lambda b: b["close"] - b["open"],
    "delay(close, 3.9) - ts_min(low, 2.5)": lambda b: np.r_[[np.nan] * 3, b["close"][:-3]] - talib.MIN(b["low"], 2),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_numbers(text):
    bars = random_bars(2, 300)
    np.testing.assert_allclose(of(text, bars), CASES[text](bars), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("close - open", PRICE),
        ("close * volume", Degree(1, 1)),
        ("close / open", NONE),
        ("sma(close * volume, 5)", Degree(1, 1)),
        ("sqrt(high * low)", PRICE),
        ("sqrt(high * volume * volume)", None),
        ("close + volume", None),
        ("close + 1", None),
        ("close > 0", NONE),
        ("close > 1", None),
        ("sma(close, 3) > close", NONE),
        ("obv(close, volume)", VOLUME),
        ("ema(volume, 3)", VOLUME),
        ("1 / close", Degree(-1, 0)),
        ("log(close)", None),
        ("log(close / open)", NONE),
        ("rsi(volume, 14)", NONE),
        ("obv(volume, close)", PRICE),
        ("atr(high / low, high / low, high / low, 3)", NONE),
        ("correl(close, volume, 5)", NONE),
        ("volatility(close, 5)", None),
        ("var(volume, 3)", Degree(0, 2)),
        ("(high * low) ** 0.5", PRICE),
        ("close ** 3", Degree(3)),
        ("close ** 0.5", None),
        ("(close / open) ** (high / low)", NONE),
        ("2 ** close", None),
        ("exp(close)", None),
        ("close > open and volume > 0", NONE),
        ("close > open or close > 1", None),
        ("close if close > open else 0", PRICE),
        ("close if close > open else 1", None),
        ("close if close > 1 else open", None),
        ("covariance(close, volume, 3)", Degree(1, 1)),
        ("covariance(close, open, 3)", Degree(2)),
        ("ts_argmax(close, 3) + ts_rank(volume, 3)", NONE),
        ("rank(close)", NONE),
        ("delay(rank(close + volume), 3)", NONE),
    ],
)
def test_degrees(text, degree):
    plan = Plan("1d", expression("x", text))
    assert plan.degree("x") == degree
    bars, split = random_bars(3, 80), {"volume": 2.0}
    scaled = {name: column * split.get(name, 0.5) for name, column in bars.items()}
    if degree is not None:
        wanted = of(text, bars) * 2.0 ** (degree.volume - degree.price)
        assert of(text, scaled).tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ema(clsoe, 20)", "'clsoe' is no column\n.*column 5\n.*'close'"),
        ("emma(close, 20)", "is no function\n.*\n.*'ema'"),
        ("close", "is a column as it is"),
        ("3 + 4", "is a number"),
        ("ema(close + volume, 3)", "no split could restate it"),
        ("sma(log(close), 3)", "no split could restate it"),
        ("ema(volatility(close, 5), 3)", "no split could restate it"),
        ("willr(high, low, volume, 5)", "mixes what scales apart"),
        ("log_return_lag(close, 3)", "not within 7 to 7"),
        ("ema(20, close)", r"ema\(close, period\): columns first"),
        ("ema(close, 0)", "not within 2 to 100000"),
        ("macd(close)[3]", "output 3 of 3"),
        ("close if 1 else 2", "is a column as it is"),
        ("[close]", "is no part of an expression"),
        ("mean_of_bar / 2 + mean_of_bra", "'mean_of_bra' is no column\n.*\n.*'mean_of_bar'"),
        ("ts_argmax(close if close > open else 1, 3)", "no split could restate it"),
        ("1 +", "is no expression: invalid syntax"),
        ("mid(close)", "does not fit mid = lambda x, y: "),
        ("loop(close)", r"'loop\(x\)' is no function"),
        ("__import__('os')", "is no part of an expression"),
    ],
)
def test_what_cannot_be_understood(text, words):
    with pytest.raises(FeatureError, match=words):
        expression("x", text, {"mid": "lambda x, y: (x + y) / 2", "loop": "lambda x: loop(x)",
                              "mean_of_bar": "mid(high, low)"})  # fmt: skip


def test_a_part_has_a_name():
    named = expression(
        "x", "abs(middle - close) / middle", {"mid": "lambda x, y: (x + y) / 2", "middle": "mid(high, low)"}
    )
    plain = expression("x", "abs((high + low) / 2 - close) / ((high + low) / 2)")
    assert [row.outputs for row in named] == [row.outputs for row in plain]


def test_it_stands_beside_other_rows_and_reads_them():
    known = {"rsi_14": NONE}
    plan = Plan("1d", [*FEATURES, *expression("x", "sma(rsi_14, 5) - rsi_14", known=known)])
    assert plan.outputs[-1] == "x"
    assert plan.lookback("x") == 14 + 4
    assert "x" in {row["name"] for row in plan.describe()}
    assert all(name.isidentifier() for name in plan.outputs)


def test_names_of_parts_are_the_same_in_every_process():
    rows = expression("x", "volatility(close, 20) / close")
    assert rows[0].outputs == ("volatility(close, 20, bars_per_year)[0]",)
