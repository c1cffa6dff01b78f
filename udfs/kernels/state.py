"""The words in which a kernel declares its state, so that a split, a checkpoint and a reader can understand it.

A kernel keeps one row of float64 slots per symbol, all zeros at the start; slot 0 counts the bars seen. Each slot
is a power of the kernel's inputs (a sum of squared closes: (2,); on-balance volume of inputs close, volume: (0, 1)),
and from that, with the inputs' own degrees, follows by which factor a split scales it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Degree:
    """How a value scales when prices scale by f and volumes by 1/f: by f ** (price - volume)."""

    price: int = 0
    volume: int = 0


@dataclass(frozen=True)
class Slot:
    """One named piece of state: `powers` of the kernel's inputs in order, and how many slots it has.

    per: nothing for one slot, the name of a parameter for as many, or a rule over the parameters (`p.period + 1`).
    forget: a notice that a gap in the price is no split sets it to zero.
    """

    name: str
    powers: tuple[int, ...] = ()
    per: str | Callable[[Any], int] = ""
    forget: bool = False


COUNT = Slot("count")
