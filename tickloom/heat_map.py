"""A heat map of correlations, members that move together side by side.

In: correlations float64[N, N], names. Out: an order of the members, an image. This file must not know where matrices
come from.
"""

from typing import IO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from udfs.estimators.clusters import distances
from udfs.kernels.state import Floats, Rows

NUMBERED, NAMED = 16, 100
"""Members up to which cells show their numbers, and axes their names."""


def order(correlations: Floats) -> Rows:
    """int64[N]: leaves of the tree of average linkage by sqrt(2 (1 - rho)), turned so that neighbours are near.

    Where two branches meet, both are turned so that the nearest of their ends touch (Gruvaeus & Wainer 1972); the tree
    by chains of nearest neighbours (Müllner 2011), O(N^2). The first of the ends comes first by its place.
    """
    apart = distances(correlations)
    near, size = apart.copy(), np.ones(len(apart))
    np.fill_diagonal(near, np.inf)
    leaves = {i: [i] for i in range(len(apart))}
    chain: list[int] = []
    while len(leaves) > 1:
        chain = chain or [next(iter(leaves))]
        last = chain[-1]
        j = int(near[last].argmin())
        if len(chain) < 2 or near[last, j] < near[last, chain[-2]]:
            chain.append(j)
            continue
        i, j = sorted((chain.pop(), chain.pop()))
        near[i] = near[:, i] = (size[i] * near[i] + size[j] * near[j]) / (size[i] + size[j])
        near[j] = near[:, j] = near[i, i] = np.inf
        size[i] += size[j]
        leaves[i] = _joined(leaves[i], leaves.pop(j), apart)
    found = next(iter(leaves.values()), [])
    return np.array(found[::-1] if found and found[-1] < found[0] else found, np.int64)


def _joined(a: list[int], b: list[int], apart: Floats) -> list[int]:
    """One after the other, each as it is or reversed, so that the ends that meet are the nearest."""
    ways = [(x, y) for x in (a, a[::-1]) for y in (b, b[::-1])]
    x, y = min(ways, key=lambda way: apart[way[0][-1], way[1][0]])
    return x + y


def draw(correlations: Floats, names: list[str], title: str, file: IO[bytes], form: str) -> None:
    """Write the map as png, svg or pdf (`form`): colours from -1 to 1 about 0; names and numbers while legible."""
    places, n = order(correlations), len(names)
    shown = correlations[np.ix_(places, places)]
    side = min(12.0, max(5.0, 0.55 * n if n <= NUMBERED else 3.5 + 0.11 * n))
    figure = Figure(figsize=(side, side))
    axes = figure.add_subplot()
    image = axes.imshow(shown, cmap="RdBu_r", vmin=-1.0, vmax=1.0, interpolation="nearest" if n <= NAMED else "auto")
    axes.set_title(title, fontsize=11, loc="left")
    axes.spines[:].set_visible(False)
    _name(axes, [names[i] for i in places])
    if n <= NUMBERED:
        _number(axes, shown)
    beside = axes.inset_axes((1.03, 0.0, 0.03, 1.0))
    figure.colorbar(image, cax=beside, ticks=[-1, -0.5, 0, 0.5, 1], label="correlation")
    figure.savefig(file, format=form, dpi=120, bbox_inches="tight", pad_inches=0.15)


def _name(axes: Axes, names: list[str]) -> None:
    if len(names) > NAMED:
        axes.set(xticks=[], yticks=[], xlabel="ordered by average linkage")
        return
    size = float(np.clip(500 / len(names), 5, 10))
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > NUMBERED else 0, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)


def _number(axes: Axes, shown: Floats) -> None:
    """Each cell's number, and lines between cells."""
    between = np.arange(1, len(shown)) - 0.5
    axes.hlines(between, -0.5, len(shown) - 0.5, "white", linewidth=1.5)
    axes.vlines(between, -0.5, len(shown) - 0.5, "white", linewidth=1.5)
    for (i, j), value in np.ndenumerate(shown):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=9)
