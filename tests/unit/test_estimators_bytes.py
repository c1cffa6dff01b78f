"""Compiled code gives the bytes of its own lines run one by one: no sum reordered, no product fused, no LAPACK."""

import hashlib
import os
import subprocess
import sys

import numpy as np

from udfs.estimators import breaks, clusters, cointegration, line, partial, shrinkage, spearman, spectrum
from udfs.estimators.mean_correlation import mean_correlation


def window(bars: int, members: int) -> np.ndarray:
    """Whole numbers of 2^-18, drawn by a congruence: the same on every machine."""
    draws = np.arange(bars * members, dtype=np.int64) ** 2 * 7919 % 10007
    return (draws - 5003).reshape(bars, members) / 2.0**18


def digest(bars: int, members: int) -> list[str]:
    """Of everything that uses neither logarithms nor numpy's sums; matrices are handed on."""
    x, first = window(bars, members), np.arange(4)
    series, norms, clean = line.market(x), shrinkage.norms(x), spectrum.clipped(x)
    numbers = (
        series, *line.on(x, series), line.downside(x, series), line.through_origin(x, series),
        spearman.to_series(x, series), np.array(norms), np.array(shrinkage.identity(norms)),
        np.array(shrinkage.oas(norms)), np.array(shrinkage.constant_correlation(x)), clean,
        *spectrum.components(x, 3, scaled=True)[:2], *spectrum.components(x, 3, scaled=False)[:2],
        partial.of_pairs(x, shrinkage.oas(norms), first, first[::-1].copy()), mean_correlation(x).members,
        clusters.labels(clean, 1.3), breaks.score(x[: bars // 2], x[bars // 2 :]).members,
        *cointegration.engle_granger(x, first, first[::-1].copy())[:3],
    )  # fmt: skip
    return [hashlib.sha256(each.tobytes()).hexdigest()[:16] for each in numbers]


def all_of() -> str:
    return " ".join([*digest(60, 5), *digest(12, 40)])


def test_compiled_and_interpreted_bytes_are_the_same() -> None:
    code = f"from {__name__} import all_of; print(all_of())"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == all_of().split()
