"""Trend (1) or cycle (0), by Ehlers' four rules on the sine wave, the phase and the trendline.

1, but 0 for half a dominant period after the sine and the lead sine have crossed, and 0 while the phase moves by 0.67
to 1.5 times 360 / period a bar; 1 for all that where the smoothed price is 1.5 % or more away from the trendline.
Parts: hilbert.py, ht_dcphase.py, ht_sine.py, ht_trendline.py. Seeded at bar 38, first at bar 64; no unit. TA-Lib:
HT_TRENDMODE, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert, ht_dcphase, ht_sine, ht_trendline
from udfs.kernels.state import Floats, Rows, Slot

STATE = (*ht_dcphase.STATE, Slot("sine"), Slot("lead"), Slot("bars_since_cross"), *ht_trendline.TREND)
SMOOTH_PERIOD, LATE, LONGEST, PHASE = hilbert.SMOOTH_PERIOD, hilbert.LATE, hilbert.LONGEST, ht_dcphase.PHASE
RADIANS = ht_sine.RADIANS
SINE, LEAD, SINCE, TREND = PHASE + 1, PHASE + 2, PHASE + 3, PHASE + 4
push, turn, trend = hilbert.push, ht_dcphase.turn, ht_trendline.trend


@njit
def _crossed(s: Floats, phase: float) -> bool:
    """Whether sine and lead sine have changed sides; keeps both."""
    sine, lead = math.sin(phase * RADIANS), math.sin((phase + 45.0) * RADIANS)
    crossed = (sine > lead and s[SINE] <= s[LEAD]) or (sine < lead and s[SINE] >= s[LEAD])
    s[SINE], s[LEAD] = sine, lead
    return bool(crossed)


@njit
def _mode(s: Floats, smooth: float) -> float:
    """The mode of the bar that `push` took, whose smoothed price is `smooth`."""
    period, before = s[SMOOTH_PERIOD], s[PHASE]
    phase = turn(s)
    crossed = _crossed(s, phase)
    s[SINCE] = 1.0 if crossed else s[SINCE] + 1.0
    line = trend(s, TREND, int(s[0]), period)
    if line != 0.0 and abs((smooth - line) / line) >= 0.015:
        return 1.0
    turns_as_a_cycle = 0.67 * 360.0 / period < phase - before < 1.5 * 360.0 / period
    return 0.0 if crossed or s[SINCE] < 0.5 * period or turns_as_a_cycle else 1.0


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[TREND + 3 + int(s[0]) % LONGEST] = x[i]
        _, _, smooth = push(s, x[i], LATE, LONGEST)
        if s[0] > LATE:
            mode = _mode(s, smooth)
            if s[0] > 63:
                out[i, to] = mode
