"""Phase of the dominant cycle in degrees, -45 to 315: that of one cycle of smoothed prices against a sine.

Over the last n = dominant period (rounded) bars: atan(sum of sin(2 pi k / n) * price[k] / the same with cos) + 90 +
360 / period, which undoes the smoother's lag of a bar, + 180 if the sum of cosines is negative, - 360 above 315.
Where that sum is 0 the phase of the bar before takes the atan's place, 90 less or more by the sign of the other sum.

Seeded by 0 at bar 38, first at bar 64; smoothed prices before bar 38 count as 0. An angle, the same in any unit of
price. TA-Lib: HT_DCPHASE, the same operations in the same order (its bound of 0.01 on the sum is only seen at 0).
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels import hilbert
from udfs.kernels.state import Floats, Rows, Slot

STATE = (*hilbert.slots(hilbert.LONGEST), Slot("phase"))
LONGEST, DEGREES, LATE = hilbert.LONGEST, hilbert.DEGREES, hilbert.LATE
SMOOTH_PERIOD, SMOOTH = hilbert.SMOOTH_PERIOD, hilbert.SMOOTH
PHASE = SMOOTH + LONGEST
push = hilbert.push
TURN = math.atan(1.0) * 8.0
# one cycle of n bars is row n; a table, for a hundred sines a bar would cost more than all else
SINES = np.array([[math.sin(k * TURN / max(n, 1)) for k in range(LONGEST)] for n in range(LONGEST + 1)])
COSINES = np.array([[math.cos(k * TURN / max(n, 1)) for k in range(LONGEST)] for n in range(LONGEST + 1)])


@njit
def turn(s: Floats) -> float:
    """The phase after `push`, which it also keeps."""
    place, n = (int(s[0]) - 1) % LONGEST, int(s[SMOOTH_PERIOD] + 0.5)
    sine = cosine = 0.0
    for k in range(n):
        price = s[SMOOTH + place]
        sine += SINES[n, k] * price
        cosine += COSINES[n, k] * price
        place = place - 1 if place else LONGEST - 1
    phase = s[PHASE]
    if cosine != 0.0:
        phase = math.atan(sine / cosine) * DEGREES
    elif sine != 0.0:
        phase += 90.0 if sine > 0.0 else -90.0
    phase += 90.0
    phase += 360.0 / s[SMOOTH_PERIOD]
    if cosine < 0.0:
        phase += 180.0
    if phase > 315.0:
        phase -= 360.0
    s[PHASE] = phase
    return float(phase)


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        push(s, x[i], LATE, LONGEST)
        if s[0] > LATE:
            phase = turn(s)
            if s[0] > 63:
                out[i, to] = phase
