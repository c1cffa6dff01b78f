"""Folding bars into feature state: the one loop that live frames, rewinds and batches share.

In: bars in time order, the state rows they belong to, and the corporate actions of those rows. Out: features; the
state has moved on. An action scales its row before the row's first bar that ends after the action's instant; which
actions that are follows from the row alone (TIME, the end of its last bar). This file must not know where any of it
is kept.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from udfs.adjustment import Adjustment
from udfs.bars import COLUMNS
from udfs.kernels.state import Floats, Rows
from udfs.plan import CLOSE, TIME, Plan
from udfs.sessions import clock


@dataclass(frozen=True)
class Due:
    """Adjustments of state rows, all that are in force: rows, ex_times int64[k], in order of application."""

    rows: Rows
    ex_times: Rows
    adjustments: list[Adjustment]

    @staticmethod
    def of(adjustments: Mapping[str, Sequence[Adjustment]], place: Mapping[str, int]) -> "Due":
        """Those of the securities that have a state row."""
        found = [(place[name], each) for name, all_ in adjustments.items() if name in place for each in all_]
        rows, ex_times = np.array([row for row, _ in found], "i8"), np.array([a.ex_time_us for _, a in found], "i8")
        return Due(rows, ex_times, [adjustment for _, adjustment in found])


def fold(plan: Plan, state: Floats, rows: Rows, times: Rows, values: Floats, due: Due) -> Floats:
    """Step the state through bars in time order, scaling rows where actions take effect.

    state: float64[N, plan.width], changed in place; rows: int64[M], the state row of each bar; times: int64[M] bar
    ends, microseconds UTC, nondecreasing; values: float64[M, 12] in the order of bars.COLUMNS, unadjusted. An action
    whose row has no bar after it waits. For a plan that looks across the universe the bars must be those of all rows.
    Returns float64[M, len(plan.outputs)].
    """
    columns = dict(zip(COLUMNS, np.ascontiguousarray(values.T), strict=True))
    if plan.reads_clock:
        columns |= clock(times, plan.calendar)
    out = np.empty((len(rows), len(plan.outputs)))
    cuts, start = _cuts(state, rows, times, due), 0
    if plan.across:
        cuts = {start: {} for start in (np.flatnonzero(np.diff(times)) + 1).tolist()} | cuts
    for stop, bars in sorted(cuts.items()):
        _step(plan, state, rows, times, columns, out, start, stop)
        for bar, adjustments in bars.items():
            row = state[rows[bar]]
            row *= plan.factors(adjustments, float(row[CLOSE]), float(columns["close"][bar]))
        start = stop
    _step(plan, state, rows, times, columns, out, start, len(rows))
    return out


def _cuts(state: Floats, rows: Rows, times: Rows, due: Due) -> dict[int, dict[int, list[Adjustment]]]:
    """First bar of the time at which actions take effect -> the bar of each row -> its actions."""
    found: defaultdict[int, defaultdict[int, list[Adjustment]]] = defaultdict(lambda: defaultdict(list))
    if len(rows) and len(due.rows):
        for k in np.flatnonzero((state[due.rows, TIME] <= due.ex_times) & (due.ex_times < times[-1])):
            after = int(np.searchsorted(times, due.ex_times[k], "right"))
            of_row = np.flatnonzero(rows[after:] == due.rows[k])
            if len(of_row):
                bar = after + int(of_row[0])
                found[int(np.searchsorted(times, times[bar]))][bar].append(due.adjustments[k])
    return {start: dict(bars) for start, bars in found.items()}


def _step(
    plan: Plan, state: Floats, rows: Rows, times: Rows, columns: dict[str, Floats], out: Floats, start: int, stop: int
) -> None:
    if stop > start:
        part = rows[start:stop]
        out[start:stop] = plan.step(state, part, {name: column[start:stop] for name, column in columns.items()})
        state[part, TIME], state[part, CLOSE] = times[start:stop], columns["close"][start:stop]
