"""A plan: the rows of the registry laid out in one state matrix and stepped over a cross-section of bars.

In: features and a bar interval; then bars as columns. Out: one float64 per bar and output, and the factors by which
a corporate action scales a security's state. The first slots of a state row are not a feature's: TIME and CLOSE, the
end and the close of the security's last bar, which the fold keeps. This file must not know what any feature computes,
nor where bars come from.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import numpy as np

from schemas.errors import FeatureError, nearest
from schemas.settings import parse_duration
from udfs.adjustment import Adjustment, Effect, Policy, factors
from udfs.catalogue import chosen
from udfs.kernels.state import Degree, Floats, Rows
from udfs.registry import CLOCK, COLUMNS, NONE, Feature
from udfs.sessions import ALWAYS

# numba compiles anew for every other kind of array: Arrow gives read-only ones
WRITABLE: Final = ("C", "A", "W")
LINE: Final = 64  # bytes of a cache line
TIME, CLOSE, RESERVED = range(3)


def hidden(output: str) -> bool:
    """Whether a column is a part of an expression, which has the part's text for a name."""
    return not output.isidentifier()


@dataclass(frozen=True)
class _Step:
    """A feature in its place: its first state slot, its first output column, its parameters for the interval."""

    feature: Feature
    at: int
    to: int
    arguments: tuple[float, ...]


class Plan:
    """The features of bars of one interval (`1d`, `1m`), in order; without any, those that the settings choose.

    `outputs` names the columns of `step`; `width` is the float64 slots of a security's state, which starts as zeros.
    `reads_clock`: whether a feature reads the session, which is one of the exchange `calendar` (`udfs.sessions.clock`).
    `across`: some row looks across the universe, so that each `step` must be given one bar time of all securities.
    FeatureError for an input that neither the bars nor a feature above has, or an output named twice.
    """

    def __init__(self, interval: str, features: Sequence[Feature] = (), calendar: str = ALWAYS) -> None:
        self.interval, self.calendar = interval, calendar
        # of each slot: its price and volume degree, its policy, whether a notice empties it
        self._slots: list[tuple[int, int, Policy, bool]] = [(0, 0, Policy.RAW, False)] * RESERVED
        self._degrees: dict[str, Degree | None] = dict(COLUMNS)
        self._lookback: dict[str, int] = dict.fromkeys(COLUMNS, 0)
        self._steps: list[_Step] = []
        for feature in features or chosen():
            # a part of an expression above is there already
            if not all(hidden(output) and output in self._degrees for output in feature.outputs):
                self._steps.append(self._place(feature, parse_duration(interval)))
        self.across = any(step.feature.across for step in self._steps)
        self._columns: tuple[str, ...] = tuple(self._degrees)[len(COLUMNS) :]
        self.outputs: tuple[str, ...] = tuple(name for name in self._columns if not hidden(name))
        self._shown = np.flatnonzero([not hidden(name) for name in self._columns])
        self.width = len(self._slots)
        self.reads_clock = any(set(step.feature.inputs) & set(CLOCK) for step in self._steps)
        self._policies = sorted({policy for _, _, policy, _ in self._slots})
        self._of_ratios = lru_cache(maxsize=1024)(self._ratios)

    def blank(self, securities: int) -> Floats:
        """The state before any bar, float64[securities, width] of zeros, in the order of memory that is quickest."""
        return _by_columns(securities, self.width)

    def at(self, interval: str) -> "Plan":
        """The same features of bars of another interval."""
        return Plan(interval, [step.feature for step in self._steps], self.calendar)

    def step(self, state: Floats, rows: Rows, columns: Mapping[str, Floats]) -> Floats:
        """Take M bars into the state, in place, and return float64[M, len(outputs)], NaN while warming up.

        state: float64[N, width] of `blank`; one in another order of memory is copied there and back. rows: int64[M],
        the state row of each bar, which may repeat (bars of one row in time order); columns: those of
        `udfs.registry.COLUMNS` that the features read, float64[M].
        """
        if state.shape[1:] != (self.width,) or state.dtype != np.float64 or not state.flags.writeable:
            raise FeatureError(f"state must be a writable float64[N, {self.width}]", where="Plan.step")
        held = state
        if state.strides[0] != state.itemsize or state.flags.forc:
            held = self.blank(len(state))
            held[:] = state
        rows = np.require(rows, np.int64, WRITABLE)
        out = _by_columns(len(rows), len(self._columns) + 1)
        at_hand: dict[str, Floats] = {}
        for step in self._steps:
            inputs = [self._column(name, columns, out, at_hand) for name in step.feature.inputs]
            step.feature.kernel(held, step.at, rows, *inputs, out, step.to, *step.arguments)
        if held is not state:
            state[:] = held
        return out[:, self._shown]

    def factors(self, changes: Sequence[Adjustment], last: float, close: float) -> Floats:
        """float64[width] that a security's state row is multiplied by before the first bar after these adjustments.

        last, close: closes of the bars before and after, as they traded. A slot of degree (price, volume) gets price
        factor ** price * volume factor ** volume under the policy of its feature, computed exactly and rounded once.
        """
        if all(change.effect in (Effect.RATIO, Effect.NOTICE) for change in changes):  # whatever the price
            return self._of_ratios(tuple((change.effect, change.price, change.volume) for change in changes))
        return self._factors(changes, last, close)

    def lookback(self, output: str) -> int:
        """Bars before the first value of this output."""
        return self._lookback[self._known(output)]

    def degree(self, output: str) -> Degree | None:
        """Price and volume degree of this output; None for one that does not scale with prices."""
        return self._degrees[self._known(output)]

    def describe(self) -> list[dict[str, Any]]:
        """One row a feature, fit for JSON; what an output scales by, its warm-up in bars, its state in bytes."""
        return [
            {
                "name": (f := step.feature).name,
                "outputs": f.outputs,
                "inputs": f.inputs,
                "convention": f.convention,
                "conventions": {name: dict(each.values) for name, each in f.conventions.items()},
                "params": dict(zip(f.free, step.arguments, strict=False)),
                "lookback": self.lookback(f.outputs[0]),
                "converged": f.converged,
                "degree_price": [degree and degree.price for degree in f.degrees],
                "degree_volume": [degree and degree.volume for degree in f.degrees],
                "null_policy": f.nulls,
                "policy": f.policy,
                "flat": f.flat,
                "state_bytes": 8 * sum(count for _, count, _ in f.layout()),
                "oracle": f.oracle,
            }
            for step in self._steps
            if not all(map(hidden, step.feature.outputs))
        ]

    def digest(self) -> str:
        """Hex digest (16 characters) of interval, names, parameters, state layout and, if read, calendar.

        Where equal, state fits.
        """
        rows = [(s.feature.name, s.feature.outputs, s.feature.inputs, s.arguments, s.feature.layout(), s.feature.policy)
                for s in self._steps]  # fmt: skip
        read = [self.interval, rows] + [self.calendar] * self.reads_clock
        return hashlib.sha256(json.dumps(read).encode()).hexdigest()[:16]

    def layout(self) -> list[tuple[str, int]]:
        """Of each feature, in the order of the state row behind RESERVED: its digest, and its number of float64 slots.

        The digest is of all that the state follows from, the features that it reads included. Where equal, state fits.
        """
        maker: dict[str, str] = {}
        found = []
        for step in self._steps:
            of = step.feature
            read = [maker.get(name, name) for name in of.inputs]
            slots = [(slot.name, count, powers, slot.forget)
                     for slot, (_, count, powers) in zip(of.state, of.layout(), strict=True)]  # fmt: skip
            who = [of.name, of.version, of.kernel.__module__, of.kernel.__name__]
            how = [self.interval, read, step.arguments, slots, of.policy, self.calendar * bool({*of.inputs} & {*CLOCK})]
            digest = hashlib.sha256(json.dumps([who, how]).encode()).hexdigest()[:16]
            maker |= dict.fromkeys(of.outputs, digest)
            found.append((digest, sum(count for _, count, *_ in slots)))
        return found

    def _place(self, feature: Feature, interval_us: int) -> _Step:
        for name in feature.inputs:
            self._known(name)
        if taken := set(feature.outputs) & set(self._degrees):
            raise FeatureError(f"two features give {', '.join(sorted(taken))}", where=feature.name)
        step = _Step(feature, len(self._slots), len(self._degrees) - len(COLUMNS), feature.arguments(interval_us))
        inputs = [self._degrees[name] or NONE for name in feature.inputs]
        for slot, (_, count, powers) in zip(feature.state, feature.layout(), strict=True):
            price = sum(k * d.price for k, d in zip(powers, inputs, strict=False))
            volume = sum(k * d.volume for k, d in zip(powers, inputs, strict=False))
            self._slots += [(price, volume, feature.policy, slot.forget)] * count
        warm = max((self._lookback[name] for name in feature.inputs), default=0)
        self._degrees |= dict(zip(feature.outputs, feature.degrees, strict=True))
        self._lookback |= dict.fromkeys(feature.outputs, warm + feature.lookback)
        return step

    def _known(self, name: str) -> str:
        if name not in self._degrees:
            raise FeatureError(f"no bar column or feature is named {name!r}", hint=nearest(name, self._degrees))
        return name

    def _column(self, name: str, columns: Mapping[str, Floats], out: Floats, at_hand: dict[str, Floats]) -> Floats:
        """One input as the only kind of array that the kernels are compiled for: float64, contiguous, writable."""
        if name not in at_hand:
            source = columns[name] if name in COLUMNS else out[:, self._columns.index(name)]
            at_hand[name] = np.require(source, np.float64, WRITABLE)
        return at_hand[name]

    def _ratios(self, terms: tuple[tuple[Effect, Fraction, Fraction], ...]) -> Floats:
        return self._factors([Adjustment(0, effect, "", price, volume) for effect, price, volume in terms], 1.0, 1.0)

    def _factors(self, changes: Sequence[Adjustment], last: float, close: float) -> Floats:
        notice = any(change.effect is Effect.NOTICE for change in changes)
        of = {policy: factors(changes, policy, last, close) for policy in self._policies}
        kinds = {(price, volume, policy) for price, volume, policy, _ in self._slots}
        powers = {(p, v, policy): float(of[policy][0] ** p * of[policy][1] ** v) for p, v, policy in kinds}
        found = np.array([0.0 if notice and forget else powers[p, v, policy] for p, v, policy, forget in self._slots])
        found.flags.writeable = False
        return found


def _by_columns(rows: int, columns: int) -> Floats:
    """Zeros[rows, columns] (two columns or more), a column after the other in memory, for rows are read together.

    A column takes an odd number of cache lines, so that its neighbours do not push it out of the cache, and more than
    its rows, so that numba sees one kind of matrix, whatever its size.
    """
    lines = (rows * 8 // LINE + 1) | 1
    return np.zeros((columns, lines * LINE // 8)).T[:rows]
