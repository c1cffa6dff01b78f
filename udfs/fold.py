"""Folding bars into feature state: the one loop that live frames, rewinds and batches share."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from udfs.adjustment import Split
from udfs.bars import COLUMNS
from udfs.kernels.state import Floats, Rows
from udfs.plan import Plan


def fold(
    plan: Plan,
    state: Floats,
    rows: Rows,
    times: Rows,
    values: Floats,
    splits: Iterable[tuple[int, Split]],
    until: int,
) -> Floats:
    """Step the state through bars in time order, scaling a symbol's row at the first bar after each split's instant.

    state: float64[N, plan.width], changed in place; rows: int64[M], the state row of each bar; times: int64[M] bar
    ends, nondecreasing; values: float64[M, 6] in the order of bars.COLUMNS; splits: (state row, split) not yet
    applied, those at or after `until` (the clock after this, microseconds) wait, all others are applied even if their
    symbol has no bar after them. Returns float64[M, len(plan.outputs)].
    """
    columns = dict(zip(COLUMNS, np.ascontiguousarray(values.T), strict=True))
    due = [(row, split) for row, split in splits if split.ex_time_us < until]
    due.sort(key=lambda item: item[1].ex_time_us)
    cuts = [int(np.searchsorted(times, split.ex_time_us, "right")) for _, split in due]
    out = np.empty((len(rows), len(plan.outputs)))
    for k, (start, stop) in enumerate(pairwise([0, *cuts, len(rows)])):
        if k:
            row, split = due[k - 1]
            state[row] *= plan.factors(split.numerator, split.denominator)
        if stop > start:
            part = {name: column[start:stop] for name, column in columns.items()}
            out[start:stop] = plan.step(state, rows[start:stop], part)
    return out


def pending(splits: Mapping[str, Sequence[Split]], rows: Mapping[str, int], since: int) -> list[tuple[int, Split]]:
    """The splits of these symbols that a state folded up to `since` (a bar end, microseconds) has not seen."""
    return [(row, split) for name, row in rows.items() for split in splits.get(name, ()) if split.ex_time_us >= since]
