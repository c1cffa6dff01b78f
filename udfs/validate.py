"""Which decoded trade records can be used, and which reason speaks against each other one.

In: decoded columns of market.price.v1 and the record times of their block. Out: a reason per record, 0 for none.
"""

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.fnv import EMPTY_TEXT
from udfs.kernels.state import Floats, Rows
from udfs.ticks import CANCEL, HEARTBEAT

REASONS = ("", "empty_symbol", "price_not_finite", "price_not_positive", "size_not_valid", "event_time_gap",
           "symbol_too_long")  # fmt: skip
EMPTY, NOT_FINITE, NOT_POSITIVE, SIZE, GAP, LONG = range(1, 7)
MOST_BYTES = 255
"""Of a symbol: it stands in every frame that follows."""


@njit
def validate(
    symbol: NDArray[np.uint64],
    symbol_bytes: NDArray[np.int64],
    event_time: NDArray[np.int64],
    price: Floats,
    size: Floats,
    kind: NDArray[np.int8],
    first: Rows,
    last: Rows,
) -> NDArray[np.int8]:
    """Reason codes int8[n].

    symbol: uint64 hashes; symbol_bytes: its length, int64; event_time: int64 microseconds; price, size: float64;
    kind: int8; first, last: the earliest and latest payload time, int64 microseconds, that each record's block allows.
    A heartbeat only has a time; a cancel needs no price.
    """
    reason = np.zeros(kind.shape[0], np.int8)
    for i in range(kind.shape[0]):
        if event_time[i] < first[i] or event_time[i] >= last[i]:
            reason[i] = GAP
        elif kind[i] == HEARTBEAT:
            continue
        elif symbol[i] == EMPTY_TEXT:
            reason[i] = EMPTY
        elif symbol_bytes[i] > MOST_BYTES:
            reason[i] = LONG
        elif kind[i] == CANCEL:
            continue
        elif not np.isfinite(price[i]):
            reason[i] = NOT_FINITE
        elif price[i] <= 0:
            reason[i] = NOT_POSITIVE
        elif not np.isfinite(size[i]) or size[i] < 0:
            reason[i] = SIZE
    return reason
