"""A universe of securities as tables of time by symbol, and the functions of "101 Formulaic Alphas" over them.

Each function is its definition (Kakushadze 2016, A.2) by pandas and numpy, each window anew. A window holds the last
bars with values.

The last digits decide some numbers of a factor: a rank among values that are equal but for rounding, a comparison of
such. Which ones, `noise` shows, by which each result that is rounded is moved (as a share of its window's size), and
`grid`, to which it is rounded, so that what is nearly equal becomes equal.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

Table = pd.DataFrame
NAMES = ("open", "high", "low", "close", "volume", "turnover")


def random_tables(seed: int, symbols: int, bars: int) -> dict[str, Table]:
    """Bars on a grid of cents and whole lots: ties, flat bars, symbols without a bar, one that is listed late.

    One in ten trades below 1, so that its turnover is less than its volume.
    """
    random = np.random.default_rng(seed)
    shape = bars, symbols
    unit = np.where(np.arange(symbols) % 10 == 9, 1e-4, 1e-2)
    close = random.uniform(2000, 6000, symbols) * unit * np.exp(np.cumsum(random.normal(0, 0.02, shape), axis=0))
    opened = close * np.exp(random.normal(0, 0.01, shape))
    edges = close * np.exp(random.normal(0, 0.01, (2, *shape)))
    flat = random.random(shape) < 0.02
    parts = [np.where(flat, close, part) for part in (opened, *edges)]
    prices = np.round(np.array([*parts, close]) / unit) * unit
    opened, close = prices[0], prices[-1]
    high, low = prices.max(axis=0), prices.min(axis=0)
    volume = np.round(np.exp(random.normal(8, 0.7, shape))) * 100
    turnover = volume * (low + (high - low) * np.round(random.random(shape), 3))
    missing = random.random(shape) < 0.02
    missing[: bars // 10, 1] = True
    columns = [f"S{i:02}" for i in range(symbols)]
    values = dict(zip(NAMES, (opened, high, low, close, volume, turnover), strict=True))
    return {name: pd.DataFrame(np.where(missing, np.nan, of), columns=columns) for name, of in values.items()}


def known(x: Table) -> Table:
    """What is not finite is no value."""
    return x.where(np.isfinite(x))


class Universe:
    """Tables of bars, and the functions over them."""

    def __init__(self, tables: dict[str, Table], noise: float = 0.0, grid: float = 0.0, seed: int = 0) -> None:
        self.open, self.high, self.low, self.close, self.volume, self.turnover = (tables[name] for name in NAMES)
        self.vwap = known(self.turnover / self.volume)
        self._noise, self._grid, self._random = noise, grid, np.random.default_rng(seed)
        self.returns = self._over(lambda x: x[:, 1] / x[:, 0] - 1, 2, self.close, size=lambda x: x[:, 1] != x[:, 0])

    def _over(
        self, function: Callable[..., np.ndarray], days: float, *of: Table,
        size: Callable[..., np.ndarray | float] | None = None,
    ) -> Table:  # fmt: skip
        """`function` of the windows, float64[n, days] each, of every symbol; size: of what it rounds."""
        days, values = int(days), np.array([x.to_numpy() for x in of])
        out, sizes = np.full((2, *of[0].shape), np.nan)
        for k in range(out.shape[1]):
            bars = np.flatnonzero(np.isfinite(values[:, :, k]).all(axis=0))
            if len(bars) >= days:
                windows = sliding_window_view(values[:, bars, k], days, axis=1)
                out[bars[days - 1 :], k] = function(*windows)
                sizes[bars[days - 1 :], k] = size(*windows) if size else 0.0
        if self._noise:
            out += self._noise * sizes * self._random.uniform(-1, 1, out.shape)
        if self._grid:
            width = self._grid * 2.0 ** np.ceil(np.log2(np.where(sizes > 0, sizes, 1)))
            out = np.where(sizes > 0, np.round(out / width) * width, out)
        return pd.DataFrame(out, of[0].index, of[0].columns)

    # -- across the universe

    def rank(self, x: Table) -> Table:
        return known(x).rank(axis=1, pct=True)

    def scale(self, x: Table, a: float = 1.0) -> Table:
        return known(known(x).div(known(x).abs().sum(axis=1), axis=0) * a)

    # -- over time

    def delay(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w[:, 0], int(d) + 1, x)

    def delta(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w[:, -1] - w[:, 0], int(d) + 1, x)

    def sum(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.sum(axis=1), d, x, size=lambda w: np.abs(w).sum(axis=1) * _broken(w))

    def product(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.prod(axis=1), d, x, size=lambda w: (w.shape[1] > 1) * w.prod(axis=1))

    def stddev(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.std(axis=1, ddof=1), d, x, size=lambda w: np.abs(w).max(axis=1))

    def covariance(self, x: Table, y: Table, d: float) -> Table:
        return self._over(
            lambda v, w: ((v - v.mean(axis=1)[:, None]) * (w - w.mean(axis=1)[:, None])).mean(axis=1),
            d, x, y, size=lambda v, w: np.abs(v).max(axis=1) * np.abs(w).max(axis=1),
        )  # fmt: skip

    def correlation(self, x: Table, y: Table, d: float) -> Table:
        return self._over(_correlation, d, x, y, size=lambda v, w: 10.0 * (np.abs(_correlation(v, w)) < 1))

    def ts_min(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.min(axis=1), d, x)

    def ts_max(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.max(axis=1), d, x)

    def ts_argmax(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.argmax(axis=1) + 1.0, d, x)

    def ts_argmin(self, x: Table, d: float) -> Table:
        return self._over(lambda w: w.argmin(axis=1) + 1.0, d, x)

    def ts_rank(self, x: Table, d: float) -> Table:
        return self._over(lambda w: pd.DataFrame(w).rank(axis=1, pct=True).to_numpy()[:, -1], d, x)

    def decay_linear(self, x: Table, d: float) -> Table:
        weights = np.arange(1.0, int(d) + 1)
        return self._over(lambda w: w @ weights / weights.sum(), d, x, size=lambda w: np.abs(w).max(axis=1))

    def adv(self, d: int) -> Table:
        return self.sum(self.turnover, d) / d

    # -- of one bar

    def where(self, condition: Table, x: Table | float, y: Table | float) -> Table:
        """By a condition of less, at_most and the like: 1, 0 or no value."""
        full = [part if isinstance(part, pd.DataFrame) else condition * 0 + part for part in (x, y)]
        return full[0].where(condition == 1, full[1]).where(condition.notna())

    def less(self, x: Table | float, y: Table | float) -> Table:
        return _either(x, y, lambda a, b: a < b)

    def at_most(self, x: Table | float, y: Table | float) -> Table:
        return _either(x, y, lambda a, b: a <= b)

    def power(self, x: Table, y: Table) -> Table:
        return (x**y).where(x.notna() & y.notna())

    def max(self, x: Table, y: Table) -> Table:
        return self.where(self.less(x, y), y, x)

    def min(self, x: Table, y: Table) -> Table:
        return self.where(self.less(x, y), x, y)


def _broken(w: np.ndarray) -> np.ndarray:
    """Where a window of several values has any that is no whole number: only then does its sum round."""
    return (w != np.round(w)).any(axis=1) & (w.shape[1] > 1)


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's of each window; 0 where one does not move, 1 or -1 on a line."""
    dx, dy = x - x.mean(axis=1)[:, None], y - y.mean(axis=1)[:, None]
    moves = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    sizes = np.where(moves, np.sqrt((dx * dx).sum(axis=1) * (dy * dy).sum(axis=1)), 1.0)
    found = np.where(moves, (dx * dy).sum(axis=1) / sizes, 0.0)
    return np.where(np.abs(found) > 1 - 1e-12, np.sign(found), found)


def _either(x: Table | float, y: Table | float, test: Callable[..., Table]) -> Table:
    x, y = (known(part) if isinstance(part, pd.DataFrame) else part for part in (x, y))
    return test(x, y).astype(float).where((x - y).notna())
