"""Naive twins of the cycles: each series of Ehlers' transform as one list over the whole history.

The rows have no length that could be made short, so a history of less than 64 bars sees the warm-up of most of them
only; what comes after it is for the test against TA-Lib.
"""

import math
from types import SimpleNamespace

from tests.oracles.packs import Bars

Series = list[float]
NAN = math.nan
SMALL: dict[str, dict[str, float]] = {}
GRID = {
    "mama": [{"fast": 0.99, "slow": 0.01}, {"fast": 0.3, "slow": 0.3}, {"fast": 0.02, "slow": 0.4}],
}


def _quarter(x: Series, k: int, gain: float) -> float:
    """Ehlers' Hilbert transform of x at bar k; x is 0 before its first value."""
    ago = [x[k - lag] if k >= lag else 0.0 for lag in (0, 2, 4, 6)]
    return (0.0962 * ago[0] - 0.0962 * ago[3] - 0.5769 * ago[2] + 0.5769 * ago[1]) * gain


def _period(re: float, im: float, last: float) -> float:
    period = 360 / math.degrees(math.atan(im / re)) if re and math.atan(im / re) else last
    period = min(period, 1.5 * last)
    period = max(period, 0.67 * last)
    return 0.2 * min(max(period, 6), 50) + 0.8 * last


def transform(close: Series, start: int) -> SimpleNamespace:
    """Lists from bar `start` on: smooth, in_phase, quadrature, period, smooth_period."""
    smooth = [
        (4 * close[k] + 3 * close[k - 1] + 2 * close[k - 2] + close[k - 3]) * 0.1 for k in range(start, len(close))
    ]
    turned, in_phase, quadrature, periods, averaged = [], [], [], [0.0], [0.0]
    i2, q2, re, im = [0.0], [0.0], 0.0, 0.0
    for k in range(len(smooth)):
        gain = 0.075 * periods[-1] + 0.54
        turned.append(_quarter(smooth, k, gain))
        quadrature.append(_quarter(turned, k, gain))
        in_phase.append(turned[k - 3] if k >= 3 else 0.0)
        i2.append(0.2 * (in_phase[k] - _quarter(quadrature, k, gain)) + 0.8 * i2[-1])
        q2.append(0.2 * (quadrature[k] + _quarter(in_phase, k, gain)) + 0.8 * q2[-1])
        re = 0.2 * (i2[-1] * i2[-2] + q2[-1] * q2[-2]) + 0.8 * re
        im = 0.2 * (i2[-1] * q2[-2] - q2[-1] * i2[-2]) + 0.8 * im
        periods.append(_period(re, im, periods[-1]))
        averaged.append(0.33 * periods[-1] + 0.67 * averaged[-1])
    return SimpleNamespace(smooth=smooth, in_phase=in_phase, quadrature=quadrature, smooth_period=averaged[1:])


def phases(cycle: SimpleNamespace) -> Series:
    """Of the dominant cycle, in degrees."""
    out, phase = [], 0.0
    for k, period in enumerate(cycle.smooth_period):
        n = int(period + 0.5)
        window = [cycle.smooth[k - j] if k >= j else 0.0 for j in range(n)]
        sine = sum(math.sin(j * 2 * math.pi / n) * price for j, price in enumerate(window))
        cosine = sum(math.cos(j * 2 * math.pi / n) * price for j, price in enumerate(window))
        kept = phase + (sine > 0) * 90 - (sine < 0) * 90
        phase = (math.degrees(math.atan(sine / cosine)) if cosine else kept) + 90 + 360 / period
        phase += 180 if cosine < 0 else 0
        phase -= 360 if phase > 315 else 0
        out.append(phase)
    return out


def trendlines(close: Series, start: int, cycle: SimpleNamespace) -> Series:
    means = [0.0, 0.0, 0.0]
    for k, period in enumerate(cycle.smooth_period, start):
        n = int(period + 0.5)
        means.append(sum(close[k + 1 - n : k + 1][::-1]) / n if n else 0.0)
    return [(4 * means[k] + 3 * means[k - 1] + 2 * means[k - 2] + means[k - 3]) / 10 for k in range(3, len(means))]


def waves(phase: Series) -> tuple[Series, Series]:
    return [math.sin(math.radians(p)) for p in phase], [math.sin(math.radians(p + 45)) for p in phase]


def modes(cycle: SimpleNamespace, lines: Series) -> Series:
    """1 trend, 0 cycle; before the first bar phase and both waves are 0."""
    phase = [0.0, *phases(cycle)]
    sine, lead = waves(phase)
    lead[0], cross, out = 0.0, -1, []
    for k, period in enumerate(cycle.smooth_period):
        before, now = sine[k] - lead[k], sine[k + 1] - lead[k + 1]
        crossed = (now > 0 >= before) or (now < 0 <= before)
        cross = k if crossed else cross
        cycles = 0.67 * 360 / period < phase[k + 1] - phase[k] < 1.5 * 360 / period
        cycles = cycles or crossed or k - cross + (cross >= 0) < 0.5 * period
        away = lines[k] != 0 and abs((cycle.smooth[k] - lines[k]) / lines[k]) >= 0.015
        out.append(float(away or not cycles))
    return out


def late(values: Series, bars: Bars, first: int) -> Series:
    """The series over all bars, NaN before bar `first`."""
    whole = [NAN] * (len(bars["close"]) - len(values)) + values
    return [NAN if k < first else value for k, value in enumerate(whole)]


def dcperiod(bars: Bars) -> tuple[Series]:
    return (late(transform(bars["close"], 12).smooth_period, bars, 32),)


def phasor(bars: Bars) -> tuple[Series, Series]:
    cycle = transform(bars["close"], 12)
    return late(cycle.in_phase, bars, 32), late(cycle.quadrature, bars, 32)


def dcphase(bars: Bars) -> tuple[Series]:
    return (late(phases(transform(bars["close"], 37)), bars, 63),)


def sine_wave(bars: Bars) -> tuple[Series, Series]:
    sine, lead = waves(phases(transform(bars["close"], 37)))
    return late(sine, bars, 63), late(lead, bars, 63)


def trendmode(bars: Bars) -> tuple[Series]:
    cycle = transform(bars["close"], 37)
    return (late(modes(cycle, trendlines(bars["close"], 37, cycle)), bars, 63),)


def trendline(bars: Bars) -> tuple[Series]:
    return (late(trendlines(bars["close"], 37, transform(bars["close"], 37)), bars, 63),)


def mama(bars: Bars, fast: float, slow: float) -> tuple[Series, Series]:
    cycle = transform(bars["close"], 12)
    parts = zip(cycle.in_phase, cycle.quadrature, strict=True)
    phase = [0.0, *(math.degrees(math.atan(q / i)) if i else 0.0 for i, q in parts)]
    one, two, both = 0.0, 0.0, []
    for k, price in enumerate(bars["close"][12:]):
        fell = max(phase[k] - phase[k + 1], 1.0)
        weight = max(fast / fell, slow) if fell > 1 else fast
        one += weight * (price - one)
        two += weight / 2 * (one - two)
        both.append((one, two))
    return late([a for a, _ in both], bars, 32), late([b for _, b in both], bars, 32)


TWINS = {
    "ht_dcperiod": dcperiod, "ht_dcphase": dcphase, "ht_phasor": phasor, "ht_sine": sine_wave,
    "ht_trendmode": trendmode, "ht_trendline": trendline, "mama": mama,
}  # fmt: skip
