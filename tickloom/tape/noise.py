"""Numbers of a synthetic tape, each a pure function of (seed, symbol, sequence): no state, no order, any place alone.

The generator is SplitMix64 used as a hash of counters (Steele, Lea, Flood 2014, https://doi.org/10.1145/2714064.2660195).
Prices wander by value noise: sums of straight lines between random points, over 21 octaves of time, half of it common
to all symbols. Only +, -, *, / and sqrt of IEEE 754 are used, so a seed gives the same bytes on every machine.
"""

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.kernels.state import Floats

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

GOLDEN = 0x9E3779B97F4A7C15
MARKET = -1
"""The source of the wandering that all symbols share."""
TIME, BASE, BETA, BOUNCE, SIZE, LATE, LATE_BY, DUPLICATE, DUPLICATE_BY, CANCEL, CANCEL_BY, BAD, ACTION = range(13)
KIND, HISTORY, IN_TIME, RATIO, NEWS, NEWS_BY, CASH = range(13, 20)
"""What a number is drawn for."""
OCTAVE = 1_000
FIRST, LAST = 20, 41
"""Octaves of the wandering: steps of 2**20 us (a second) to 2**40 us (13 days)."""
DAILY_VOLATILITY = 0.02
AMPLITUDE = DAILY_VOLATILITY * np.sqrt(2.0 ** np.arange(FIRST, LAST) / 86_400e6)


@njit
def mix(x: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64: uint64 -> uint64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit
def draw(seed: int, symbol: int, sequence: int, purpose: int) -> np.uint64:
    """The random uint64 of a symbol, a sequence and a purpose."""
    x = mix(np.uint64(seed) + np.uint64(GOLDEN) * np.uint64(symbol + 2))
    x = mix(x + np.uint64(GOLDEN) * np.uint64(sequence + 1))
    return mix(x + np.uint64(GOLDEN) * np.uint64(purpose + 1))


@njit
def unit(seed: int, symbol: int, sequence: int, purpose: int) -> float:
    """The same number as float64 in [0, 1)."""
    return float(draw(seed, symbol, sequence, purpose) >> np.uint64(11)) * 2.0**-53


@njit
def units(seed: int, symbol: Codes, sequence: Ints, purpose: int) -> Floats:
    """`unit` of arrays symbol and sequence, float64[n]."""
    found = np.empty(symbol.shape[0])
    for i in range(found.shape[0]):
        found[i] = unit(seed, symbol[i], sequence[i], purpose)
    return found


@njit
def base(seed: int, symbol: int) -> float:
    """Price of a symbol, in dollars, before it wanders or splits."""
    return 20.0 + 180.0 * unit(seed, symbol, 0, BASE)


@njit
def wander(seed: int, source: int, time: int) -> float:
    """Relative deviation of a price source at a time in microseconds: about DAILY_VOLATILITY a day, bounded by 0.5."""
    total = 0.0
    for octave in range(FIRST, LAST):
        step = time >> octave
        left = unit(seed, source, step, OCTAVE + octave)
        right = unit(seed, source, step + 1, OCTAVE + octave)
        part = np.float64(time - (step << octave)) / np.float64(1 << octave)
        total += AMPLITUDE[octave - FIRST] * (left + (right - left) * part - 0.5)
    return total


@njit
def times(seed: int, counts: Ints, periods: Floats, start: int, first: int, last: int) -> tuple[Codes, Ints, Ints]:
    """Trades with event_time in [first, last): symbol int32, sequence int64, event_time int64, by symbol and sequence.

    Trade k of a symbol lies at start + (k + a random part) * its period, in microseconds.
    """
    low = np.empty(counts.shape[0], np.int64)
    high = np.empty(counts.shape[0], np.int64)
    for s in range(counts.shape[0]):
        low[s] = max(0, min(counts[s], np.int64((first - start) / periods[s]) - 1))
        high[s] = max(0, min(counts[s], np.int64((last - start) / periods[s]) + 2))
    room = (high - low).sum()
    symbol, sequence, event_time = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
    n = 0
    for s in range(counts.shape[0]):
        for k in range(low[s], high[s]):
            time = start + np.int64((k + unit(seed, s, k, TIME)) * periods[s])
            if first <= time < last:
                symbol[n], sequence[n], event_time[n] = s, k, time
                n += 1
    return symbol[:n], sequence[:n], event_time[:n]


@njit
def terms(
    seed: int, symbol: Codes, sequence: Ints, event_time: Ints, firsts: Ints, ex_times: Ints, ratios: Floats
) -> tuple[Floats, Floats]:
    """Prices and sizes, float64[n]: raw, in the units after each of the symbol's splits with ex_time <= event_time.

    ex_times (int64 microseconds) and ratios (new units per old) of symbol s are at firsts[s]:firsts[s + 1].
    """
    price, size = np.empty(symbol.shape[0]), np.empty(symbol.shape[0])
    for i in range(symbol.shape[0]):
        s, k, time = symbol[i], sequence[i], event_time[i]
        units_held = 1.0
        for j in range(firsts[s], firsts[s + 1]):
            if ex_times[j] <= time:
                units_held *= ratios[j]
        level = base(seed, s)
        beta = 0.5 + unit(seed, s, 0, BETA)
        level *= 1.0 + 0.5 * (beta * wander(seed, MARKET, time) + wander(seed, s, time))
        level += 0.04 * (unit(seed, s, k, BOUNCE) - 0.5)
        price[i] = max(1.0, np.floor(level / units_held * 100.0 + 0.5)) / 100.0
        lots = 1 + draw(seed, s, k, SIZE) % np.uint64(20)
        size[i] = max(1.0, np.floor(100.0 * np.float64(lots) * units_held))
    return price, size
