"""Ways to look ahead in a feature or around a batch, each planted where people plant them; see planted_reads.py."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from tickloom.leaks.check import Features, by_kernels
from tickloom.leaks.world import DAY, World, part
from udfs.adjustment import when
from udfs.bars import CLOSE, VOLUME
from udfs.kernels.state import COUNT
from udfs.registry import Feature, feature

WARM_UP = 5
Series = Callable[[np.ndarray], np.ndarray]
Kernel = Callable[..., None]


def row(kernel: Kernel) -> Feature:
    """The feature `planted` of close, with this kernel."""
    return feature("planted", ("planted",), ("close",), kernel, (COUNT,), WARM_UP)


def each_security(of: Series) -> Kernel:
    """The kernel that gives each security of a call `of` all its values in this call, as a batch hands them over."""

    def step(state, at, rows, x, out, to):
        for security in np.unique(rows):
            here = np.flatnonzero(rows == security)
            out[here, to] = of(x[here])

    return step


def shifted(x: np.ndarray, by: int) -> np.ndarray:
    """x[i + by], at the end the last."""
    return x[np.minimum(np.arange(len(x)) + by, len(x) - 1)]


def centred(x: np.ndarray) -> np.ndarray:
    return np.convolve(np.pad(x, 2, "edge"), np.ones(5) / 5, "valid")


def filled_back(x: np.ndarray) -> np.ndarray:
    """The mean of WARM_UP + 1 bars; where there are not so many yet, the first such mean."""
    means = np.array([x[max(i - WARM_UP, 0) : i + 1].mean() for i in range(len(x))])
    means[:WARM_UP] = means[min(WARM_UP, len(x) - 1)]
    return means


def smoothed(x: np.ndarray) -> np.ndarray:
    """Exponential smoothing forwards, which is honest."""
    out = x.copy()
    for i in range(1, len(x)):
        out[i] = 0.8 * out[i - 1] + 0.2 * x[i]
    return out


def pivot(x: np.ndarray) -> np.ndarray:
    """1 where a bar is higher than its neighbours on both sides."""
    return ((x > np.roll(x, 1)) & (x > shifted(x, 1))).astype(float)


def later_of_another(state, at, rows, x, out, to):
    """The close, and a hundredth of the last close of the security after it."""
    for i, security in enumerate(rows):
        other = np.flatnonzero(rows == (security + 1) % (rows.max() + 1))
        out[i, to] = x[i] + (x[other[-1]] / 100 if len(other) else 0)


def next_cross_section(state, at, rows, x, out, to):
    """The mean of the bars here and of as many that follow."""
    n = len(np.unique(rows))
    for i in range(len(rows)):
        out[i, to] = x[i : i + 2 * n].mean()


def from_the_end(state, at, rows, x, out, to):
    """A running mean that begins with the last close, in the state."""
    for i, security in enumerate(rows):
        s = state[security, at:]
        if s[0] == 0:
            s[0] = x[np.flatnonzero(rows == security)[-1]]
        s[0] += 0.1 * (x[i] - s[0])
        out[i, to] = s[0]


def state_first(state, at, rows, x, out, to):
    """Takes all bars into the state, then gives what it says."""
    for i, security in enumerate(rows):
        state[security, at] = 0.9 * state[security, at] + x[i]
    out[:, to] = state[rows, at]


def row_number(state, at, rows, x, out, to):
    """The place of a security among all that the tape will ever have."""
    out[:, to] = rows


def number_of_securities(state, at, rows, x, out, to):
    """The securities that the tape will ever have."""
    out[:, to] = len(state)


KERNELS: dict[str, Kernel] = {
    "the next bar": each_security(lambda x: shifted(x, 1)),
    "a bar ten later": each_security(lambda x: shifted(x, 10)),
    "the log return shifted by one": each_security(lambda x: np.log(shifted(x, 1) / x)),
    "whether the next bar rises": each_security(lambda x: np.sign(shifted(x, 1) - x)),
    "a centred window": each_security(centred),
    "a mean of the whole sample": each_security(lambda x: x - x.mean()),
    "a median of the whole sample": each_security(lambda x: x - np.median(x)),
    "the highest of all": each_security(lambda x: x / x.max()),
    "the lowest of all": each_security(lambda x: x / x.min()),
    "a z-score of the whole sample": each_security(lambda x: (x - x.mean()) / (x.std() + 1)),
    "a rank in the whole sample": each_security(lambda x: np.argsort(np.argsort(x)) / len(x)),
    "a scale from lowest to highest": each_security(lambda x: (x - x.min()) / (np.ptp(x) + 1)),
    "outliers cut at quantiles of the whole": each_security(lambda x: np.clip(x, *np.quantile(x, [0.1, 0.9]))),
    "a warm-up filled from behind": each_security(filled_back),
    "the last of the tape": each_security(lambda x: x / x[-1]),
    "the length of the tape": each_security(lambda x: np.full(len(x), float(len(x)))),
    "bars to the end": each_security(lambda x: np.arange(len(x))[::-1] + 0.0),
    "the order reversed": each_security(lambda x: np.cumsum(x[::-1])[::-1]),
    "a filter forwards and backwards": each_security(lambda x: smoothed(smoothed(x)[::-1])[::-1]),
    "a pivot that the bar after confirms": each_security(pivot),
    "the sum of the whole day": each_security(lambda x: np.full(len(x), x.sum())),
    "a line between now and the end": each_security(lambda x: np.linspace(x[0], x[-1], len(x))),
    "a later bar of another symbol": later_of_another,
    "a cross-section with the next bar": next_cross_section,
    "state that begins with the end": from_the_end,
    "state that is written before it is read": state_first,
    "the number of the state row": row_number,
    "how many securities there will be": number_of_securities,
}


def back_adjusted(world: World, features: Features) -> pa.Table:
    """Every bar in the units of the end of the tape: adjusted for the splits to come, as charts are."""
    values, bars = world.bars.values.copy(), world.bars
    for action in (each for each in world.actions if each["action_type"] == "SPLIT"):
        before = (bars.times <= when(action)) & (np.array(bars.names)[bars.rows] == action["symbol"])
        values[before, : CLOSE + 1] *= action["denominator"] / action["numerator"]
        values[before, VOLUME] *= action["numerator"] / action["denominator"]
    return by_kernels(replace(world, bars=replace(bars, values=values), actions=[]), features)


def a_day_early(world: World, features: Features) -> pa.Table:
    """Actions from the day before their ex-day on."""
    return by_kernels(
        replace(world, actions=[each | {"ex_date": each["ex_date"] - 1} for each in world.actions]), features
    )


def labelled_by_start(world: World, features: Features) -> pa.Table:
    """Bars named after their beginning."""
    return by_kernels(replace(world, bars=replace(world.bars, times=world.bars.times - world.interval_us)), features)


def survivors(world: World, features: Features) -> pa.Table:
    """Only the symbols that still trade at the end."""
    alive = np.unique(world.bars.rows[world.bars.times == world.ends[-1]])
    return by_kernels(replace(world, bars=part(world.bars, np.isin(world.bars.rows, alive))), features)


def never_delisted(world: World, features: Features) -> pa.Table:
    """Without the symbols that will be delisted."""
    gone = [each["symbol"] for each in world.actions if each["action_type"] == "DELISTING"]
    return by_kernels(
        replace(world, bars=part(world.bars, ~np.isin(np.array(world.bars.names)[world.bars.rows], gone))), features
    )


def daily_volume(world: World, features: Features) -> pa.Table:
    """Every bar with the volume of its whole day."""
    values, keys = world.bars.values.copy(), world.bars.times // DAY * 1000 + world.bars.rows
    _, place = np.unique(keys, return_inverse=True)
    values[:, VOLUME] = np.bincount(place, values[:, VOLUME])[place]
    return by_kernels(replace(world, bars=replace(world.bars, values=values)), features)


def last_ticker(world: World, features: Features) -> pa.Table:
    """Every row under the last ticker of its security."""
    names = {each["symbol"]: each["other_symbol"] for each in world.actions if each["action_type"] == "SYMBOL_CHANGE"}
    found = by_kernels(world, features)
    symbols = pa.array([names.get(name, name) for name in found["symbol"].to_pylist()], pa.string())
    return found.set_column(0, "symbol", symbols)


def over_outputs(of: Series, *names: str) -> Callable[[World, Features], pa.Table]:
    """A batch of which these outputs are each symbol's `of` all its values."""

    def compute(world: World, features: Features) -> pa.Table:
        found = by_kernels(world, features)
        symbols = np.array(found["symbol"].to_pylist())
        for name in names:
            values = found[name].to_numpy().copy()
            for symbol in np.unique(symbols):
                values[symbols == symbol] = of(values[symbols == symbol])
            found = found.set_column(found.column_names.index(name), name, pa.array(values))
        return found

    return compute


def filled(x: np.ndarray) -> np.ndarray:
    """Missing values are the first that follows."""
    there = np.flatnonzero(~np.isnan(x))
    return x[there[np.minimum(np.searchsorted(there, np.arange(len(x))), len(there) - 1)]] if len(there) else x


BATCHES: dict[str, tuple[Callable[[World, Features], pa.Table], str, str]] = {
    "adjusted back from the end": (back_adjusted, "sma_5", "batch, other actions"),
    "actions a day early": (a_day_early, "sma_5", "batch, other actions"),
    "bars labelled by their start": (labelled_by_start, "log_return", "batch, other bars"),
    "the universe of the end": (survivors, "(rows)", "batch, other symbols"),
    "what will be delisted is left out": (never_delisted, "(rows)", "batch, other actions"),
    "the volume of the whole day": (daily_volume, "obv", "batch, other bars"),
    "the last ticker": (last_ticker, "(rows)", "batch, other actions"),
    "correlations with the next bar": (over_outputs(lambda x: shifted(x, 1), "corr_market_60"), "corr_market_60",
                                       "batch, other bars"),
    "outputs smoothed around": (over_outputs(centred, "sma_5"), "sma_5", "batch, other bars"),
    "outputs filled from behind": (over_outputs(filled, "sma_5"), "sma_5", "batch, other bars"),
    "outputs scaled by their whole": (over_outputs(lambda x: x / (1 + np.nanstd(x)), "obv"), "obv", "batch, no bars"),
}  # fmt: skip
