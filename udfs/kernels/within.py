"""Of one bar time, within groups of members: x less the mean of the members whose group is the same number.

A group is any number beside x, of which equal ones are one group: `demean_within(close, floor(rank(volume) * 5))` takes
out what members of equal turnover have in common. Who lacks x or a group is no member and has no value. A result is a
plain number of degree 0; sums are taken in ascending order within a group, so the order of members changes no byte.
O(n log n), no state. Source: industry-neutral factors, Kakushadze 2016.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.across import mean_of, members_of
from udfs.kernels.state import Floats, Rows


@njit
def demean(_state: Floats, _at: int, rows: Rows, x: Floats, group: Floats, out: Floats, to: int) -> None:
    """From x, group float64[M] of one bar time to out[M, to], in units of x."""
    out[: rows.size, to] = math.nan
    here = members_of(x + group)
    here = here[np.argsort(x[here])]
    here = here[np.argsort(group[here], kind="mergesort")]  # ascending x within ascending groups
    start = 0
    while start < here.size:
        stop = start + 1
        while stop < here.size and group[here[stop]] == group[here[start]]:
            stop += 1
        mean = mean_of(x[here[start:stop]])
        for i in range(start, stop):
            out[here[i], to] = x[here[i]] - mean
        start = stop
