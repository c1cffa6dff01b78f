"""The features, one row each: everything else (plan, Feast view, batch columns, reference, tests) derives from here.

In: kernels. Out: `FEATURES`, in an order in which a feature stands after those that it reads. This file knows no
engine and no store, and nothing of how a row is computed; `udfs.plan` steps the rows over a cross-section.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Self

from schemas.errors import FeatureError, nearest
from udfs import conventions as by
from udfs.adjustment import Policy
from udfs.conventions import Conventions
from udfs.kernels import atr, bbands, ema, lag, log_return, macd, obv, rsi, sma, suspect_split, volatility, zscore
from udfs.kernels.state import Degree, Slot

PRICE = Degree(price=1)
VOLUME = Degree(volume=1)
NONE = Degree()
CLOCK = {"session": NONE, "session_time": NONE}
"""Columns that the fold makes of a bar's end: see `udfs.sessions.clock`."""
COLUMNS: dict[str, Degree] = {
    "open": PRICE, "high": PRICE, "low": PRICE, "close": PRICE, "volume": VOLUME, "trade_count": NONE,
    "turnover": Degree(1, 1), "twap": PRICE, "realised_variance": NONE, "bipower_variation": NONE,
    "signed_volume": VOLUME, "largest_trade": VOLUME, **CLOCK,
}  # fmt: skip
DAY_US = 86_400_000_000
SESSION_US = 23_400_000_000  # 6.5 hours of trading
TRADING_DAYS = 252
MOST = 100_000
PERIOD = {"period": (2, MOST)}

SKIP = "a bar without an input is skipped and has no value"

# a parameter is a number, or a rule that gives it for a bar interval in microseconds
Parameter = float | Callable[[int], float]


def _filled(output: str, params: Mapping[str, Parameter]) -> str:
    """An output's name with its parameters: 0.5 is 0p5 in it and -1 is m1, for a name is an identifier."""
    return output.format(**params).replace(".", "p").replace("-", "m") if "{" in output else output


@dataclass(frozen=True)
class Rules:
    """What of a feature follows from its parameters and convention: output names, warm-up, convergence, oracle."""

    outputs: tuple[str, ...]
    lookback: int | Callable[[Any], int]
    converged: int | Callable[[Any], int] | None
    flat: float | Callable[[Any], float] | None
    oracle: str
    conventions: Conventions

    def follow(self, params: Mapping[str, Parameter], convention: str) -> dict[str, Any]:
        """Fields of the feature; convergence is at the first output where no rule says otherwise."""
        plain = convention == next(iter(self.conventions), "")
        params = {**params, **(self.conventions[convention].values if convention else {})}
        given = SimpleNamespace(**params)
        lookback = self.lookback(given) if callable(self.lookback) else self.lookback
        converged = self.converged(given) if callable(self.converged) else self.converged
        return {
            "params": params,
            "convention": convention,
            "outputs": tuple(_filled(output, params) + f"_{convention}" * (not plain) for output in self.outputs),
            "flat": self.flat(given) if callable(self.flat) else self.flat,
            "oracle": self.oracle if plain else "",
            "lookback": lookback,
            "converged": lookback if converged is None else max(lookback, converged),
        }


@dataclass(frozen=True)
class Feature:
    """One row: `outputs` of `kernel` over `inputs` (bar columns or outputs of rows above), first at bar lookback + 1.

    `degrees` are those of the outputs (None: one that does not scale with prices at all, as an angle), `flat` what they
    are in a window that does not move (None: nothing special), `oracle` the TA-Lib function that gives the same numbers
    ("" if there is none), `policy` the price series that it sees: which corporate actions scale its state. `ranges` are
    the least and the largest value of each parameter, `converged` the bars after which what came before the first one
    moves an output by less than 1e-12 of it, `nulls` what becomes of bars without a value, a volume or a move,
    `version` counts the forms that the state has had, `mixed` says that inputs of one kind may be of several (a price
    beside a volume), `across` that the kernel must be given one bar time of the whole universe at once. `convention` is
    one of `conventions`, the ways in which libraries compute it, and settles those parameters that are not `free`.
    Formula and source are the docstring of the kernel's module.
    """

    name: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    params: Mapping[str, Parameter]
    kernel: Callable[..., None]
    state: tuple[Slot, ...]
    lookback: int
    degrees: tuple[Degree | None, ...]
    flat: float | None
    oracle: str
    policy: Policy
    ranges: Mapping[str, tuple[float, float]]
    converged: int
    nulls: str
    version: int
    mixed: bool
    across: bool
    convention: str
    rules: Rules

    @property
    def conventions(self) -> Conventions:
        """By name, the default first; none where libraries agree."""
        return self.rules.conventions

    @property
    def free(self) -> dict[str, Parameter]:
        """The parameters that no convention settles, in order: the first ones of the kernel."""
        settled = self.conventions[self.convention].values if self.convention else {}
        return {name: value for name, value in self.params.items() if name not in settled}

    def at(self, convention: str = "", **params: Parameter) -> Self:
        """The same feature with other parameters or by another convention, its outputs named by them.

        FeatureError for a parameter out of its range, or a name that the feature does not have.
        """
        convention = convention or self.convention
        if convention and convention not in self.conventions:
            hint = nearest(convention, self.conventions) or f"one of {', '.join(self.conventions) or 'none'}"
            raise FeatureError(f"{self.name} has no convention {convention!r}", hint=hint)
        for name, value in params.items():
            if name not in self.free:
                raise FeatureError(f"{self.name} has no parameter {name!r}", hint=nearest(name, self.free))
            low, high = self.ranges.get(name, (-math.inf, math.inf))
            if not callable(value) and not low <= value <= high:
                raise FeatureError(f"{self.name}: {name} {value} is not within {low:g} to {high:g}")
        return replace(self, **self.rules.follow({**self.params, **params}, convention))

    def layout(self) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        """The state row: name, number of float64 slots and powers of the inputs of each part."""
        return tuple((s.name, self._count(s.per), s.powers) for s in self.state)

    def arguments(self, interval_us: int) -> tuple[float, ...]:
        """The kernel's parameters in order, for bars of this interval."""
        return tuple(value(interval_us) if callable(value) else value for value in self.params.values())

    def _count(self, per: str | Callable[[Any], int]) -> int:
        if callable(per):
            return per(SimpleNamespace(**self.params))
        return int(self._number(per)) if per else 1

    def _number(self, name: str) -> float:
        value = self.params[name]
        if callable(value):
            raise TypeError(f"{self.name}: the size of state cannot depend on the interval ({name})")
        return value


def feature(
    name: str,
    outputs: tuple[str, ...],
    inputs: tuple[str, ...],
    kernel: Callable[..., None],
    state: tuple[Slot, ...],
    lookback: int | Callable[[Any], int],
    params: Mapping[str, Parameter] | None = None,
    degree: Degree | tuple[Degree | None, ...] | None = NONE,
    flat: float | Callable[[Any], float] | None = None,
    oracle: str = "",
    policy: Policy = Policy.SPLIT,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    converged: int | Callable[[Any], int] | None = None,
    nulls: str = SKIP,
    version: int = 1,
    mixed: bool = False,
    across: bool = False,
    conventions: Conventions | None = None,
) -> Feature:
    """A row of the registry; `{param}` in outputs is filled in, `lookback` is a number or a rule over the parameters.

    `lookback` counts the bars with all inputs present that come before the first output; the warm-up of an input
    that is itself a feature is added by the plan. `degree` is that of all outputs, or one for each. `converged` is a
    number or a rule, too; without one the outputs depend on a window only. `flat` may be a rule. The parameters that
    `conventions` settle come last in the kernel; the first convention is the default.
    """
    rules = Rules(outputs, lookback, converged, flat, oracle, conventions or {})
    degrees = degree if isinstance(degree, tuple) else (degree,) * len(outputs)
    return Feature(
        name=name, inputs=inputs, kernel=kernel, state=state, degrees=degrees, policy=policy, ranges=ranges or {},
        nulls=nulls, version=version, mixed=mixed, across=across, rules=rules,
        **rules.follow(params or {}, next(iter(conventions or {}), "")),
    )  # fmt: skip


def bars_per_year(interval_us: int) -> float:
    """252 sessions; bars shorter than a day fill sessions of 6.5 hours (23,400 s)."""
    if interval_us % DAY_US == 0:
        return TRADING_DAYS * DAY_US / interval_us
    return TRADING_DAYS * SESSION_US / interval_us


def forgotten(weight: float) -> int:
    """Bars after which an average that gives the newest value this weight keeps less than 1e-12 of the first."""
    return math.ceil(math.log(1e-12) / math.log1p(-weight)) if weight < 1 else 1


def ema_forgotten(period: int) -> int:
    """The same for an exponential average of this period."""
    return forgotten(2 / (period + 1))


def wilder_forgotten(period: int) -> int:
    """The same for Wilder's average of this period."""
    return forgotten(1 / period)


def _wilder(p: Any) -> int:
    """A plain mean forgets with its window."""
    return 0 if p.simple else wilder_forgotten(p.period)


def _sma(period: int) -> Feature:
    return feature("sma", ("sma_{period}",), ("close",), sma.step, sma.STATE, lambda p: p.period - 1,
                   params={"period": period}, ranges=PERIOD, degree=PRICE, oracle="SMA")  # fmt: skip


def _ema(period: int) -> Feature:
    return feature("ema", ("ema_{period}",), ("close",), ema.step, ema.STATE, lambda p: p.period - 1,
                   params={"period": period}, ranges=PERIOD, degree=PRICE, oracle="EMA",
                   converged=lambda p: ema_forgotten(p.period), conventions=by.SEEDS)  # fmt: skip


def _total_return(name: str, policy: Policy) -> Feature:
    return feature(name, (name,), ("close",), log_return.step, log_return.STATE, 1, flat=0.0, policy=policy)


def _lags(of: str, period: int) -> Feature:
    names = tuple(f"{of}_lag_{ago}" for ago in range(1, period + 1))
    return feature(f"{of}_lag", names, (of,), lag.step, lag.STATE, lambda p: p.period, params={"period": period},
                   ranges={"period": (period, period)})  # fmt: skip


MACD = ("macd_{fast}_{slow}_{signal}", "macd_signal_{fast}_{slow}_{signal}", "macd_hist_{fast}_{slow}_{signal}")
BANDS = ("bb_upper_{period}_{width}", "bb_middle_{period}_{width}", "bb_lower_{period}_{width}")

FEATURES: tuple[Feature, ...] = (
    feature("log_return", ("log_return",), ("close",), log_return.step, log_return.STATE, 1, flat=0.0),
    _sma(20),
    _sma(200),
    _ema(12),
    _ema(26),
    feature("rsi", ("rsi_{period}",), ("close",), rsi.step, rsi.STATE, lambda p: p.period,
            params={"period": 14}, ranges=PERIOD, flat=lambda p: p.flat, oracle="RSI", converged=_wilder,
            conventions=by.STRENGTH),
    feature("macd", MACD, ("close",), macd.step, macd.STATE, lambda p: p.slow + p.signal - 2,
            params={"fast": 12, "slow": 26, "signal": 9}, degree=PRICE, oracle="MACD",
            ranges={"fast": (2, MOST), "slow": (2, MOST), "signal": (1, MOST)},
            converged=lambda p: ema_forgotten(p.slow) + ema_forgotten(p.signal), conventions=by.SEEDS),
    feature("atr", ("atr_{period}",), ("high", "low", "close"), atr.step, atr.STATE,
            lambda p: p.period - p.first, params={"period": 14}, ranges=PERIOD, degree=PRICE, oracle="ATR",
            converged=_wilder, conventions=by.RANGES),
    feature("bbands", BANDS, ("close",), bbands.step, bbands.STATE, lambda p: p.period - 1,
            params={"period": 20, "width": 2}, degree=PRICE, oracle="BBANDS",
            ranges={"period": (2, MOST), "width": (0, 100)}, conventions=by.DEVIATION),
    feature("obv", ("obv",), ("close", "volume"), obv.step, obv.STATE, 0, degree=VOLUME, oracle="OBV"),
    feature("volatility", ("volatility_{period}",), ("log_return",), volatility.step, volatility.STATE,
            lambda p: p.period - 1, params={"period": 20, "bars_per_year": bars_per_year}, flat=0.0,
            ranges={"period": (2, MOST), "bars_per_year": (1e-6, math.inf)}, conventions=by.SAMPLE),
    feature("volume_z", ("volume_z_{period}",), ("volume",), zscore.step, zscore.STATE, lambda p: p.period - 1,
            params={"period": 20}, ranges=PERIOD, flat=0.0, conventions=by.SAMPLE),
    _lags("log_return", 7),
    _total_return("log_total_return", Policy.TOTAL),
    _total_return("log_total_return_ex", Policy.TOTAL_EX),
    feature("suspect_split", ("suspect_split",), ("open", "close", "volume"), suspect_split.step, suspect_split.STATE,
            1, params={"period": 20}, ranges=PERIOD, flat=0.0),
)  # fmt: skip
