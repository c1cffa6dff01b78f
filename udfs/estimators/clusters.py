"""Clusters of members by the distance sqrt(2 (1 - rho)) of their returns, labelled by the smallest member in each.

In: correlations float64[N, N]. Out: a label for each member. Two clusters after the other are joined, the closest ones
first, while their distance is at most `cut`; it is the least distance of their members (single linkage) or the mean one
(average linkage). Of equal distances the pair goes first whose smaller label is smaller, then whose larger one is. So a
label is a column, and changes only where membership does. O(N^2) memory and, but for rare matrices, time. Source:
Mantegna 1999; Müllner 2011 (the generic algorithm, with the nearest later neighbour of each cluster kept).
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import window
from udfs.kernels.state import Floats, Rows


def labels(correlations: Floats, cut: float, *, single: bool = False) -> Rows:
    """Of float64[N, N]: int64[N], the smallest column of a member's cluster; -1 for a member whose own entry is NaN."""
    return _labels(distances(correlations), cut, single)


def distances(correlations: Floats) -> Floats:
    """sqrt(2 (1 - rho)), 0 to 2, of float64[N, N]; the diagonal of members as it is given."""
    out: Floats = np.sqrt(2.0 * (1.0 - np.clip(window(correlations), -1.0, 1.0)))
    return out


@njit
def _labels(distance: Floats, cut: float, single: bool) -> Rows:
    n = len(distance)
    out, size = np.full(n, -1), np.zeros(n)
    for i in range(n):
        if not math.isnan(distance[i, i]):
            out[i], size[i] = i, 1.0
    near = np.full(n, -1)
    for i in range(n):
        near[i] = _nearest(distance, size, i)
    while True:
        i = _closest(distance, near)
        if i < 0 or distance[i, near[i]] > cut:
            return out
        _join(distance, size, out, i, near[i], single)
        gone = near[i]
        for k in range(gone + 1):
            touched = k == i or near[k] in (i, gone)
            if size[k] and (touched or (k < i and distance[k, i] <= distance[k, near[k]])):
                near[k] = _nearest(distance, size, k)
        near[gone] = -1


@njit
def _nearest(distance: Floats, size: Floats, i: int) -> int:
    """The closest later cluster, of equal ones the first; -1 for none."""
    best = -1
    if size[i]:
        for j in range(i + 1, size.size):
            if size[j] and (best < 0 or distance[i, j] < distance[i, best]):
                best = j
    return best


@njit
def _closest(distance: Floats, near: Rows) -> int:
    """The cluster whose nearest later one is closest, of equal ones the first; -1 for none."""
    best = -1
    for i in range(near.size):
        if near[i] >= 0 and (best < 0 or distance[i, near[i]] < distance[best, near[best]]):
            best = i
    return best


@njit
def _join(distance: Floats, size: Floats, label: Rows, i: int, j: int, single: bool) -> None:
    """Cluster j becomes part of i < j."""
    for k in range(size.size):
        if size[k] and k not in (i, j):
            if single:
                distance[i, k] = min(distance[i, k], distance[j, k])
            else:
                distance[i, k] = (size[i] * distance[i, k] + size[j] * distance[j, k]) / (size[i] + size[j])
            distance[k, i] = distance[i, k]
    size[i] += size[j]
    size[j] = 0.0
    for k in range(label.size):
        if label[k] == j:
            label[k] = i
