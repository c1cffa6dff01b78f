"""The passes over the matrix: sums of products of rows, the same bytes however they are cut into blocks and tiles.

In: rows float64[bars, N] of shifted returns (scaled so that no weight is left, udfs/comatrix/base.py), the tile
float64[n, N] of the members own, int64[n], with all. Each element is a chain of its own: its start, then one product a
bar in the order of the rows; no BLAS (its order depends on threads), no fastmath. This file knows neither bars nor
members.
"""

import math

import numpy as np

from udfs.comatrix.peers import nearest
from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

PANEL, STRIP, TURN = 16, 512, 8  # matrix rows, columns and bars of one turn: what the first cache holds
PENDING = 4  # bars that are added anew each time before they are written into the tile: to write costs as to read


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
def add_eight(out: Floats, rows: Floats, i: int, left: int, s: int) -> None:
    """The same for the eight bars from s on."""
    a, b, c, d = rows[s, i], rows[s + 1, i], rows[s + 2, i], rows[s + 3, i]
    e, f, g, h = rows[s + 4, i], rows[s + 5, i], rows[s + 6, i], rows[s + 7, i]
    right = left + out.size
    p, q, r, t = rows[s, left:right], rows[s + 1, left:right], rows[s + 2, left:right], rows[s + 3, left:right]
    u, v, w, x = rows[s + 4, left:right], rows[s + 5, left:right], rows[s + 6, left:right], rows[s + 7, left:right]
    for j in range(out.size):
        value = (((out[j] + a * p[j]) + b * q[j]) + c * r[j]) + d * t[j]
        out[j] = (((value + e * u[j]) + f * v[j]) + g * w[j]) + h * x[j]


@njit
def gram(tile: Floats, rows: Floats, own: Rows, upper: int, lower: int, first: int, last: int) -> None:
    """tile[upper:lower] = sum of products of the bars first:last: what an update by them one by one would give.

    Of a tile with all rows each pair is computed once: what is left of these rows comes with the rows above.
    """
    both = tile.shape[0] == tile.shape[1]
    for i0 in range(upper, lower, PANEL):
        i1 = min(i0 + PANEL, lower)
        for left in range(i0 if both else 0, tile.shape[1], STRIP):
            right = min(left + STRIP, tile.shape[1])
            tile[i0:i1, left:right] = 0.0
            whole = first + (last - first) // TURN * TURN
            for s in range(first, whole, TURN):
                for i in range(i0, i1):
                    add_eight(tile[i, left:right], rows, own[i], left, s)
            for i in range(i0, i1):
                add_products(tile[i, left:right], rows, own[i], left, whole, last)
            if both:
                for j in range(max(left, i1), right):
                    for i in range(i0, i1):
                        tile[j, i] = tile[i, j]


@njit
def advance(
    tile: Floats, rows: Floats, own: Rows, upper: int, lower: int, folded: int, newest: int, oldest: int, core: int,
    offset: Floats, inverse: Floats, hints: Rows, peers: Rows, found: Floats,
) -> int:  # fmt: skip
    """Find the peers of own[upper:lower] at each bar of a block; return the first bar that the tile lacks afterwards.

    rows: folded: the first that the tile lacks, newest: of the first bar of the block, oldest:core: its old edge.
    offset, inverse float64[k, N] a bar; hints int64[n, 2, 2 * top] (udfs/comatrix/peers.py) change no result; peers
    int64[k, n, 2, top], found float64[k, n, 2, top]: what came out. A row stays in the first cache for TURN bars.
    """
    work, bars = np.empty(tile.shape[1]), offset.shape[0]
    flags = np.zeros((tile.shape[1] + 7) // 8 * 8, np.uint8)
    for start in range(0, bars, TURN):
        begin = folded
        for i in range(upper, lower):
            row, begin = tile[i], folded
            for k in range(start, min(start + TURN, bars)):
                end = newest + k + 1
                if end - begin >= PENDING:
                    add_products(row, rows, own[i], 0, begin, end)
                    begin = end
                if peers.shape[3]:
                    work[:] = row
                    add_products(work, rows, own[i], 0, begin, end)
                    add_products(work, rows, own[i], 0, oldest + k, core)
                    nearest(work, flags, offset[k], inverse[k], own[i], hints[i], peers[k, i], found[k, i])
        folded = begin
    return folded


@njit
def centred(
    tile: Floats, rows: Floats, own: Rows, folded: int, end: int, oldest: int, core: int, offset: Floats
) -> Floats:  # fmt: skip
    """The sums of products about the mean, float64[n, N]; folded:end: the bars that the tile lacks."""
    whole = tile.copy()
    for i in range(tile.shape[0]):
        add_products(whole[i], rows, own[i], 0, folded, end)
        add_products(whole[i], rows, own[i], 0, oldest, core)
        whole[i] -= offset[own[i]] * offset
    return whole


@njit
def sums_of_rows(rows: Floats, first: int, last: int, scale: Floats) -> Floats:
    """rows[s] times scale, summed in the order of columns; four bars a pass, since a chain of sums waits for each."""
    found = np.zeros(last - first)
    whole = first + (last - first) // 4 * 4
    for s in range(first, whole, 4):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for j in range(scale.size):
            each = scale[j]
            a += rows[s, j] * each
            b += rows[s + 1, j] * each
            c += rows[s + 2, j] * each
            d += rows[s + 3, j] * each
        found[s - first], found[s + 1 - first], found[s + 2 - first], found[s + 3 - first] = a, b, c, d
    for s in range(whole, last):
        for j in range(scale.size):
            found[s - first] += rows[s, j] * scale[j]
    return found


@njit
def mean_correlation(rows: Floats, first: int, last: int, offset: Floats, inverse: Floats, own: Rows) -> Floats:
    """Mean correlation of the members own with the others, from the rows: bars x N products, no matrix."""
    scale = np.where(np.isnan(inverse), 0.0, inverse)
    total, members, shift = sums_of_rows(rows, first, last, scale), 0, 0.0
    for j in range(scale.size):
        members += scale[j] > 0.0
        shift += offset[j] * scale[j]
    mean = np.zeros(own.size)
    for s in range(first, last):
        for i in range(own.size):
            mean[i] += total[s - first] * rows[s, own[i]]
    for i in range(own.size):
        whole = (mean[i] - shift * offset[own[i]]) * inverse[own[i]]
        mean[i] = (whole - 1.0) / (members - 1) if members > 1 else math.nan
    return mean
