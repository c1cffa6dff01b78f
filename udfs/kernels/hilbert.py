"""Ehlers' Hilbert transform and the dominant cycle's period that it measures: what the cycle kernels share.

In: one price a bar. Out: the price's in-phase and quadrature parts, its smoothed value and, in the state, the period.
This file must not know what is made of them.

A price is smoothed by weights 4, 3, 2, 1; the transform H(x) = (0.0962 x + 0.5769 x[2] - 0.5769 x[4] - 0.0962 x[6]) *
(0.075 * period before + 0.54), [k]: k bars ago, turns it a quarter cycle. D = H(smooth), quadrature Q = H(D),
in-phase I = D[3]; turned once more, I2 = I - H(Q) and Q2 = Q + H(I) are averaged with weight 0.2, and so are Re and
Im of the product with the bar before. Their angle gives the period, held within 0.67 and 1.5 of the period before and
within 6 and 50 bars, and averaged with weight 0.2; `smooth_period` averages it again, with weight 0.33.

Seed: all parts are 0 at bar `start` (from 0), where the transform begins; before it prices are only smoothed. Where
Re or Im is 0, as in a series that never moved, the period stays. Re and Im are price squared, all else but the
periods is price, so nothing here depends on the unit. The smoother is TA-Lib's running sum, rounding included: a
better one would differ where a flat stretch leaves nothing but rounding. The sum never forgets that rounding, so
series with different first bars keep a distance of up to 1e-10. Source: Ehlers, Rocket Science for Traders, 2001.
TA-Lib: the body of its HT functions and MAMA, the same operations in the same order (0.8 fuses some products with a
sum: 1e-13).
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

EARLY = 12
"""`start` of what needs the period only; 37 where a whole cycle is measured."""
LATE = 37
LONGEST = 50
DEGREES = 45.0 / math.atan(1.0)
"""Degrees in a radian, as TA-Lib has it."""
SETTLED = 450
"""Bars after which the seed is forgotten, down to the sum's rounding; measured, for the period feeds back on itself."""
_EDGE, _INNER = 0.0962, 0.5769
_PRICES, _D, _Q = 3, 7, 16
_I2, _Q2, _RE, _IM, _PERIOD, SMOOTH_PERIOD, SMOOTH = 22, 23, 24, 25, 26, 27, 28


def slots(memory: int) -> tuple[Slot, ...]:
    """State of `push` with a ring of the last `memory` (6 or more) smoothed prices; SMOOTH + memory slots."""
    return (
        COUNT,
        Slot("weighted_sum", (1,)),
        Slot("plain_sum", (1,)),
        Slot("prices", (1,), per=lambda _: 4),
        Slot("detrended", (1,), per=lambda _: 9),
        Slot("quadrature", (1,), per=lambda _: 6),
        Slot("in_phase_2", (1,)),
        Slot("quadrature_2", (1,)),
        Slot("re", (2,)),
        Slot("im", (2,)),
        Slot("period"),
        Slot("smooth_period"),
        Slot("smooth", (1,), per=lambda _: memory),
    )


@njit
def push(s: Floats, x: float, start: int, memory: int) -> tuple[float, float, float]:
    """Take price x into the state row s: in-phase and quadrature part (0 before bar `start`) and smoothed price."""
    t = int(s[0])
    s[0] += 1
    price = _smooth(s, t, x)
    if t < start:
        return 0.0, 0.0, price
    gain = 0.075 * s[_PERIOD] + 0.54
    back = SMOOTH
    turned = _turn(price, s[back + (t - 2) % memory], s[back + (t - 4) % memory], s[back + (t - 6) % memory], gain)
    s[back + t % memory] = price
    two, four, six = s[_D + (t - 2) % 9], s[_D + (t - 4) % 9], s[_D + (t - 6) % 9]
    quadrature = _turn(turned, two, four, six, gain)
    in_phase = s[_D + (t - 3) % 9]
    ahead = _turn(in_phase, s[_D + (t - 5) % 9], s[_D + (t - 7) % 9], s[_D + t % 9], gain)
    behind = _turn(quadrature, s[_Q + (t - 2) % 6], s[_Q + (t - 4) % 6], s[_Q + t % 6], gain)
    s[_D + t % 9], s[_Q + t % 6] = turned, quadrature
    _measure(s, in_phase - behind, quadrature + ahead)
    return in_phase, quadrature, price


@njit
def _smooth(s: Floats, t: int, x: float) -> float:
    """The weighted mean of the last 4 prices, by TA-Lib's two running sums; meaningful from bar 3 on."""
    s[2] += x
    s[2] -= s[_PRICES + t % 4]
    s[1] += x * min(t + 1, 4)
    s[_PRICES + t % 4] = x
    price = s[1] * 0.1
    if t >= 3:
        s[1] -= s[2]
    return float(price)


@njit
def _turn(x: float, two: float, four: float, six: float, gain: float) -> float:
    """H of x and its values two, four and six bars ago."""
    return (_EDGE * x - _EDGE * six - _INNER * four + _INNER * two) * gain


@njit
def _measure(s: Floats, i: float, q: float) -> None:
    """Average the phasor and the angle that it turned in one bar, and from that the period."""
    i2, q2 = 0.2 * i + 0.8 * s[_I2], 0.2 * q + 0.8 * s[_Q2]
    s[_RE] = 0.2 * (i2 * s[_I2] + q2 * s[_Q2]) + 0.8 * s[_RE]
    s[_IM] = 0.2 * (i2 * s[_Q2] - q2 * s[_I2]) + 0.8 * s[_IM]
    s[_I2], s[_Q2] = i2, q2
    last = period = s[_PERIOD]
    angle = math.atan(s[_IM] / s[_RE]) if s[_RE] != 0.0 else 0.0
    if angle != 0.0:
        period = 360.0 / (angle * DEGREES)
    period = max(min(period, 1.5 * last), 0.67 * last)
    period = min(max(period, 6.0), 50.0)
    s[_PERIOD] = 0.2 * period + 0.8 * last
    s[SMOOTH_PERIOD] = 0.33 * s[_PERIOD] + 0.67 * s[SMOOTH_PERIOD]
