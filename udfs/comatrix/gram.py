"""The passes over the matrix: sums of products of rows, the same bytes however they are cut into blocks and tiles.

In: rows float64[bars, N] of shifted returns (scaled so that no weight is left, udfs/comatrix/base.py), the tile
float64[n, N] of members lo:lo+n with all. Each element is a chain of its own: its start, then one product a bar in the
order of the rows; no BLAS (its order depends on threads), no fastmath. This file knows neither bars nor members.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.comatrix.peers import nearest
from udfs.kernels.state import Floats, Rows

PANEL, STRIP, TURN = 16, 256, 8  # matrix rows, columns and bars of one turn: what the first cache holds


@njit
def add_products(out: Floats, rows: Floats, i: int, left: int, first: int, last: int) -> None:
    """out[j] += rows[s, i] * rows[s, left + j] for s in first:last, in order; four bars a pass save loads."""
    right = left + out.size
    whole = first + max(0, last - first) // 4 * 4
    for s in range(first, whole, 4):
        a, b, c, d = rows[s, i], rows[s + 1, i], rows[s + 2, i], rows[s + 3, i]
        t, u = rows[s, left:right], rows[s + 1, left:right]
        v, w = rows[s + 2, left:right], rows[s + 3, left:right]
        for j in range(out.size):
            out[j] = (((out[j] + a * t[j]) + b * u[j]) + c * v[j]) + d * w[j]
    for s in range(whole, last):
        a, t = rows[s, i], rows[s, left:right]
        for j in range(out.size):
            out[j] += a * t[j]


@njit
def gram(tile: Floats, rows: Floats, lo: int, upper: int, lower: int, first: int, last: int) -> None:
    """tile[upper:lower] = sum of products of the bars first:last: what an update by them one by one would give."""
    for i0 in range(upper, lower, PANEL):
        i1 = min(i0 + PANEL, lower)
        for left in range(0, tile.shape[1], STRIP):
            right = min(left + STRIP, tile.shape[1])
            tile[i0:i1, left:right] = 0.0
            for s in range(first, last, TURN):
                for i in range(i0, i1):
                    add_products(tile[i, left:right], rows, lo + i, left, s, min(s + TURN, last))


@njit
def centre(row: Floats, offset: Floats, i: int) -> None:
    """Take the mean's share out of member i's sums."""
    own = offset[i]
    for j in range(row.size):
        row[j] -= own * offset[j]


@njit
def correlate(row: Floats, inverse: Floats, i: int) -> None:
    """Centred sums into correlations in [-1, 1], NaN where either member takes no part, and with itself."""
    own = inverse[i]
    for j in range(row.size):
        value = row[j] * (own * inverse[j])
        value = 1.0 if value > 1.0 else value
        row[j] = -1.0 if value < -1.0 else value
    row[i] = math.nan


@njit
def advance(
    tile: Floats, rows: Floats, lo: int, folded: int, newest: int, oldest: int, core: int,
    offset: Floats, inverse: Floats, peers: Rows, found: Floats,
) -> None:  # fmt: skip
    """Fold bars into the tile and find the peers at each: a matrix row stays in the cache for all bars.

    rows: folded: the first that the tile lacks, newest: of the first bar of the block, oldest:core: its old edge.
    offset, inverse float64[k, N] a bar; peers int64[k + 1, n, 2, top], peers[0] those of the bar before (a hint, that
    changes no result), found float64[k, n, 2, top].
    """
    work = np.empty(tile.shape[1])
    for i in range(tile.shape[0]):
        row, begin = tile[i], folded
        for k in range(offset.shape[0]):
            add_products(row, rows, lo + i, 0, begin, newest + k + 1)
            begin = newest + k + 1
            work[:] = row
            add_products(work, rows, lo + i, 0, oldest + k, core)
            centre(work, offset[k], lo + i)
            correlate(work, inverse[k], lo + i)
            nearest(work, 1.0, peers[k, i, 0], peers[k + 1, i, 0], found[k, i, 0])
            nearest(work, -1.0, peers[k, i, 1], peers[k + 1, i, 1], found[k, i, 1])


@njit
def centred(tile: Floats, rows: Floats, lo: int, oldest: int, core: int, offset: Floats) -> Floats:
    """The sums of products about the mean, float64[n, N], at the newest bar."""
    whole = tile.copy()
    for i in range(tile.shape[0]):
        add_products(whole[i], rows, lo + i, 0, oldest, core)
        centre(whole[i], offset, lo + i)
    return whole


@njit
def sums_of_rows(rows: Floats, first: int, last: int, offset: Floats, inverse: Floats) -> tuple[Floats, float]:
    """Sum over the members of each bar's rows, in standard units, and of the offsets: of the members that take part."""
    total, shift = np.zeros(last - first), 0.0
    for j in range(offset.size):
        if not math.isnan(inverse[j]):
            shift += offset[j] * inverse[j]
    for s in range(first, last):
        chain = 0.0
        for j in range(offset.size):
            if not math.isnan(inverse[j]):
                chain += rows[s, j] * inverse[j]
        total[s - first] = chain
    return total, shift


@njit
def mean_correlation(rows: Floats, first: int, last: int, offset: Floats, inverse: Floats, lo: int, n: int) -> Floats:
    """Mean correlation of n members from lo on with the others, from the rows: bars x N products, no matrix."""
    total, shift = sums_of_rows(rows, first, last, offset, inverse)
    members = 0
    for j in range(offset.size):
        members += not math.isnan(inverse[j])
    mean = np.zeros(n)
    for s in range(first, last):
        each, own = total[s - first], rows[s, lo : lo + n]
        for i in range(n):
            mean[i] += each * own[i]
    for i in range(n):
        whole = (mean[i] - shift * offset[lo + i]) * inverse[lo + i]
        mean[i] = (whole - 1.0) / (members - 1) if members > 1 else math.nan
    return mean
