"""Measures across the universe, of the close; expressions take them of anything: `rank(rocp(close, 5))`. What
groups members in `demean_within`, here the number of trades, may be any number, too.

A pack with such rows is computed where all securities are at hand: see docs/adr/0010.
"""

import math

from udfs.kernels import across, within
from udfs.registry import Feature, feature

LEFT_OUT = "a security without a value has none, and is no member of the universe at that time"

FEATURES: tuple[Feature, ...] = (
    feature("rank", ("rank",), ("close",), across.rank, (), 0, across=True, nulls=LEFT_OUT),
    feature("scale", ("scale_{total:g}",), ("close",), across.scale, (), 0, across=True, params={"total": 1.0},
            ranges={"total": (1e-12, math.inf)}, nulls=f"{LEFT_OUT}; none where all are 0"),
    feature("demean", ("demean",), ("close",), across.demean, (), 0, across=True, nulls=LEFT_OUT),
    feature("zscore_across", ("zscore_across",), ("close",), across.zscore, (), 0, across=True,
            nulls=f"{LEFT_OUT}; 0 where all are equal"),
    feature("robust_zscore", ("robust_zscore",), ("close",), across.robust_zscore, (), 0, across=True,
            nulls=f"{LEFT_OUT}; none for others where half are equal"),
    feature("relative_strength", ("relative_strength",), ("close",), across.relative_strength, (), 0, across=True,
            nulls=f"{LEFT_OUT}; none for who is alone"),
    feature("breadth", ("breadth",), ("open", "close"), across.breadth, (), 0, across=True, nulls=LEFT_OUT),
    feature("dispersion", ("dispersion",), ("close",), across.dispersion, (), 0, across=True, nulls=LEFT_OUT),
    feature("demean_within", ("demean_within",), ("close", "trade_count"), within.demean, (), 0, across=True,
            mixed=True, nulls=LEFT_OUT),
)  # fmt: skip
