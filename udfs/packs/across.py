"""Measures across the universe, of the close; expressions take them of anything: `rank(rocp(close, 5))`.

A pack with such rows is computed where all securities are at hand: see docs/adr/0010.
"""

import math

from udfs.kernels import across
from udfs.registry import Feature, feature

LEFT_OUT = "a security without a value has none, and is no member of the universe at that time"

FEATURES: tuple[Feature, ...] = (
    feature("rank", ("rank",), ("close",), across.rank, (), 0, across=True, nulls=LEFT_OUT),
    feature("scale", ("scale_{total:g}",), ("close",), across.scale, (), 0, across=True, params={"total": 1.0},
            ranges={"total": (1e-12, math.inf)}, nulls=f"{LEFT_OUT}; none where all are 0"),
    feature("demean", ("demean",), ("close",), across.demean, (), 0, across=True, nulls=LEFT_OUT),
    feature("zscore_across", ("zscore_across",), ("close",), across.zscore, (), 0, across=True,
            nulls=f"{LEFT_OUT}; 0 where all are equal"),
)  # fmt: skip
