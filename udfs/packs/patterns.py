"""The candlestick patterns of TA-Lib, all 61 in eight rows: those of a row share the last bars and what they average.

An output is named after its function: cdl_3blackcrows is CDL3BLACKCROWS. All outputs of a row start together, with the
longest lookback among them.
"""

from types import ModuleType

from udfs.kernels import (
    patterns_five,
    patterns_four,
    patterns_marches,
    patterns_memory,
    patterns_one,
    patterns_quick,
    patterns_stars,
    patterns_two,
)
from udfs.registry import Feature, feature


def _row(group: ModuleType) -> Feature:
    name = group.__name__.rpartition(".")[2]
    return feature(name, group.OUTPUTS, ("open", "high", "low", "close"), group.step, group.STATE, group.LOOKBACK)


GROUPS = (patterns_one, patterns_two, patterns_stars, patterns_marches, patterns_four, patterns_five, patterns_quick,
          patterns_memory)  # fmt: skip
FEATURES: tuple[Feature, ...] = tuple(_row(group) for group in GROUPS)
