"""The alphas of the paper over tables of time by symbol, each as the paper has it: number -> function of a Universe."""

from collections.abc import Callable

import numpy as np

from tests.oracles.universe import Table, Universe, known


def alpha_001(u: Universe) -> Table:
    inner = u.where(u.less(u.returns, 0), u.stddev(u.returns, 20), u.close)
    return u.rank(u.ts_argmax(inner**2, 5)) - 0.5


def alpha_007(u: Universe) -> Table:
    move = u.delta(u.close, 7)
    return u.where(u.less(u.adv(20), u.volume), (-1 * u.ts_rank(move.abs(), 60)) * np.sign(move), -1)


def alpha_008(u: Universe) -> Table:
    product = u.sum(u.open, 5) * u.sum(u.returns, 5)
    return -1 * u.rank(product - u.delay(product, 10))


def one_way(u: Universe, days: int) -> Table:
    """Of alphas 9 and 10: the move, turned round unless the last days all went one way."""
    move = u.delta(u.close, 1)
    falls = u.where(u.less(u.ts_max(move, days), 0), move, -1 * move)
    return u.where(u.less(0, u.ts_min(move, days)), move, falls)


def alpha_021(u: Universe) -> Table:
    long, short, spread = u.sum(u.close, 8) / 8, u.sum(u.close, 2) / 2, u.stddev(u.close, 8)
    heavy = u.where(u.at_most(1, u.volume / u.adv(20)), 1, -1)
    return u.where(u.less(long + spread, short), -1, u.where(u.less(short, long - spread), 1, heavy))


def alpha_024(u: Universe) -> Table:
    slope = u.delta(u.sum(u.close, 100) / 100, 100) / u.delay(u.close, 100)
    return u.where(u.at_most(slope, 0.05), -1 * (u.close - u.ts_min(u.close, 100)), -1 * u.delta(u.close, 3))


def alpha_029(u: Universe) -> Table:
    ranked = u.rank(u.rank(-1 * u.rank(u.delta(u.close - 1, 5))))
    scaled = u.scale(np.log(u.sum(u.ts_min(ranked, 2), 1)))
    left = u.ts_min(u.product(u.rank(u.rank(scaled)), 1), 5)
    return left + u.ts_rank(u.delay(-1 * u.returns, 6), 5)


def alpha_030(u: Universe) -> Table:
    close = [u.close, *(u.delay(u.close, d) for d in (1, 2, 3))]
    signs = np.sign(close[0] - close[1]) + np.sign(close[1] - close[2]) + np.sign(close[2] - close[3])
    return (1.0 - u.rank(signs)) * u.sum(u.volume, 5) / u.sum(u.volume, 20)


def alpha_036(u: Universe) -> Table:
    return (
        2.21 * u.rank(u.correlation(u.close - u.open, u.delay(u.volume, 1), 15))
        + 0.7 * u.rank(u.open - u.close)
        + 0.73 * u.rank(u.ts_rank(u.delay(-1 * u.returns, 6), 5))
        + u.rank(u.correlation(u.vwap, u.adv(20), 6).abs())
        + 0.6 * u.rank((u.sum(u.close, 200) / 200 - u.open) * (u.close - u.open))
    )


def alpha_045(u: Universe) -> Table:
    ends = u.correlation(u.sum(u.close, 5), u.sum(u.close, 20), 2)
    return -1 * (u.rank(u.sum(u.delay(u.close, 5), 20) / 20) * u.correlation(u.close, u.volume, 2) * u.rank(ends))


def bend(u: Universe) -> Table:
    """Of alphas 46, 49 and 51."""
    return (u.delay(u.close, 20) - u.delay(u.close, 10)) / 10 - (u.delay(u.close, 10) - u.close) / 10


def step(u: Universe) -> Table:
    return (-1 * 1) * (u.close - u.delay(u.close, 1))


def alpha_047(u: Universe) -> Table:
    left = u.rank(1 / u.close) * u.volume / u.adv(20)
    return left * (u.high * u.rank(u.high - u.close) / (u.sum(u.high, 5) / 5)) - u.rank(u.vwap - u.delay(u.vwap, 5))


def alpha_052(u: Universe) -> Table:
    lows = u.ts_min(u.low, 5)
    long = (u.sum(u.returns, 240) - u.sum(u.returns, 20)) / 220
    return (-1 * lows + u.delay(lows, 5)) * u.rank(long) * u.ts_rank(u.volume, 5)


def alpha_060(u: Universe) -> Table:
    place = ((u.close - u.low) - (u.high - u.close)) / (u.high - u.low) * u.volume
    return 0 - 1 * (2 * u.scale(u.rank(place)) - u.scale(u.rank(u.ts_argmax(u.close, 10))))


def middle(u: Universe) -> Table:
    return (u.high + u.low) / 2


def mixed(x: Table, y: Table, weight: float) -> Table:
    return x * weight + y * (1 - weight)


def alpha_064(u: Universe) -> Table:
    left = u.correlation(u.sum(mixed(u.open, u.low, 0.178404), 12.7054), u.sum(u.adv(120), 12.7054), 16.6208)
    return u.less(u.rank(left), u.rank(u.delta(mixed(middle(u), u.vwap, 0.178404), 3.69741))) * -1


def alpha_066(u: Universe) -> Table:
    ratio = (mixed(u.low, u.low, 0.96633) - u.vwap) / (u.open - middle(u))
    right = u.ts_rank(u.decay_linear(ratio, 11.4157), 6.72611)
    return (u.rank(u.decay_linear(u.delta(u.vwap, 3.51013), 7.23052)) + right) * -1


def alpha_071(u: Universe) -> Table:
    left = u.correlation(u.ts_rank(u.close, 3.43976), u.ts_rank(u.adv(180), 12.0647), 18.0175)
    right = u.rank((u.low + u.open) - (u.vwap + u.vwap)) ** 2
    return u.max(u.ts_rank(u.decay_linear(left, 4.20501), 15.6948), u.ts_rank(u.decay_linear(right, 16.4662), 4.4388))


def alpha_072(u: Universe) -> Table:
    right = u.correlation(u.ts_rank(u.vwap, 3.72469), u.ts_rank(u.volume, 18.5188), 6.86671)
    left = u.correlation(middle(u), u.adv(40), 8.93345)
    return u.rank(u.decay_linear(left, 10.1519)) / u.rank(u.decay_linear(right, 2.95011))


def alpha_073(u: Universe) -> Table:
    price = mixed(u.open, u.low, 0.147155)
    right = u.ts_rank(u.decay_linear((u.delta(price, 2.03608) / price) * -1, 3.33829), 16.7411)
    return u.max(u.rank(u.decay_linear(u.delta(u.vwap, 4.72775), 2.91864)), right) * -1


def alpha_074(u: Universe) -> Table:
    right = u.correlation(u.rank(mixed(u.high, u.vwap, 0.0261661)), u.rank(u.volume), 11.4791)
    return u.less(u.rank(u.correlation(u.close, u.sum(u.adv(30), 37.4843), 15.1365)), u.rank(right)) * -1


def alpha_077(u: Universe) -> Table:
    left = u.rank(u.decay_linear((middle(u) + u.high) - (u.vwap + u.high), 20.0451))
    return u.min(left, u.rank(u.decay_linear(u.correlation(middle(u), u.adv(40), 3.1614), 5.64125)))


def alpha_078(u: Universe) -> Table:
    left = u.correlation(u.sum(mixed(u.low, u.vwap, 0.352233), 19.7428), u.sum(u.adv(40), 19.7428), 6.83313)
    return u.power(u.rank(left), u.rank(u.correlation(u.rank(u.vwap), u.rank(u.volume), 5.77492)))


def alpha_081(u: Universe) -> Table:
    left = u.product(u.rank(u.rank(u.correlation(u.vwap, u.sum(u.adv(10), 49.6054), 8.47743)) ** 4), 14.9655)
    return u.less(u.rank(np.log(left)), u.rank(u.correlation(u.rank(u.vwap), u.rank(u.volume), 5.07914))) * -1


def alpha_083(u: Universe) -> Table:
    spread = (u.high - u.low) / (u.sum(u.close, 5) / 5)
    return u.rank(u.delay(spread, 2)) * u.rank(u.rank(u.volume)) / known(spread / (u.vwap - u.close))


def alpha_085(u: Universe) -> Table:
    left = u.correlation(mixed(u.high, u.close, 0.876703), u.adv(30), 9.61331)
    right = u.correlation(u.ts_rank(middle(u), 3.70596), u.ts_rank(u.volume, 10.1595), 7.11408)
    return u.power(u.rank(left), u.rank(right))


def alpha_088(u: Universe) -> Table:
    left = u.decay_linear((u.rank(u.open) + u.rank(u.low)) - (u.rank(u.high) + u.rank(u.close)), 8.06882)
    right = u.correlation(u.ts_rank(u.close, 8.44728), u.ts_rank(u.adv(60), 20.6966), 8.01266)
    return u.min(u.rank(left), u.ts_rank(u.decay_linear(right, 6.65053), 2.61957))


def alpha_092(u: Universe) -> Table:
    left = u.ts_rank(u.decay_linear(u.less(middle(u) + u.close, u.low + u.open), 14.7221), 18.8683)
    right = u.correlation(u.rank(u.low), u.rank(u.adv(30)), 7.58555)
    return u.min(left, u.ts_rank(u.decay_linear(right, 6.94024), 6.80584))


def alpha_094(u: Universe) -> Table:
    right = u.correlation(u.ts_rank(u.vwap, 19.6462), u.ts_rank(u.adv(60), 4.02992), 18.0926)
    return u.power(u.rank(u.vwap - u.ts_min(u.vwap, 11.5783)), u.ts_rank(right, 2.70756)) * -1


def alpha_095(u: Universe) -> Table:
    right = u.correlation(u.sum(middle(u), 19.1351), u.sum(u.adv(40), 19.1351), 12.8742)
    return u.less(u.rank(u.open - u.ts_min(u.open, 12.4105)), u.ts_rank(u.rank(right) ** 5, 11.7584))


def alpha_096(u: Universe) -> Table:
    left = u.decay_linear(u.correlation(u.rank(u.vwap), u.rank(u.volume), 3.83878), 4.16783)
    inner = u.correlation(u.ts_rank(u.close, 7.45404), u.ts_rank(u.adv(60), 4.13242), 3.65459)
    right = u.decay_linear(u.ts_argmax(inner, 12.6556), 14.0365)
    return u.max(u.ts_rank(left, 8.38151), u.ts_rank(right, 13.4143)) * -1


def alpha_098(u: Universe) -> Table:
    left = u.decay_linear(u.correlation(u.vwap, u.sum(u.adv(5), 26.4719), 4.58418), 7.18088)
    days = u.ts_argmin(u.correlation(u.rank(u.open), u.rank(u.adv(15)), 20.8187), 8.62571)
    return u.rank(left) - u.rank(u.decay_linear(u.ts_rank(days, 6.95668), 8.07206))


def alpha_099(u: Universe) -> Table:
    left = u.correlation(u.sum(middle(u), 19.8975), u.sum(u.adv(60), 19.8975), 8.8136)
    return u.less(u.rank(left), u.rank(u.correlation(u.low, u.volume, 6.28259))) * -1


ALPHAS: dict[int, Callable[[Universe], Table]] = {
    2: lambda u: -1 * u.correlation(
        u.rank(u.delta(np.log(u.volume), 2)), u.rank((u.close - u.open) / u.open), 6),
    3: lambda u: -1 * u.correlation(u.rank(u.open), u.rank(u.volume), 10),
    4: lambda u: -1 * u.ts_rank(u.rank(u.low), 9),
    5: lambda u: u.rank(u.open - (u.sum(u.vwap, 10) / 10)) * (-1 * u.rank(u.close - u.vwap).abs()),
    6: lambda u: -1 * u.correlation(u.open, u.volume, 10),
    9: lambda u: one_way(u, 5),
    10: lambda u: u.rank(one_way(u, 4)),
    11: lambda u: (u.rank(u.ts_max(u.vwap - u.close, 3)) + u.rank(u.ts_min(u.vwap - u.close, 3)))
    * u.rank(u.delta(u.volume, 3)),
    12: lambda u: np.sign(u.delta(u.volume, 1)) * (-1 * u.delta(u.close, 1)),
    13: lambda u: -1 * u.rank(u.covariance(u.rank(u.close), u.rank(u.volume), 5)),
    14: lambda u: (-1 * u.rank(u.delta(u.returns, 3))) * u.correlation(u.open, u.volume, 10),
    15: lambda u: -1 * u.sum(u.rank(u.correlation(u.rank(u.high), u.rank(u.volume), 3)), 3),
    16: lambda u: -1 * u.rank(u.covariance(u.rank(u.high), u.rank(u.volume), 5)),
    17: lambda u: ((-1 * u.rank(u.ts_rank(u.close, 10))) * u.rank(u.delta(u.delta(u.close, 1), 1)))
    * u.rank(u.ts_rank(u.volume / u.adv(20), 5)),
    18: lambda u: -1 * u.rank(
        (u.stddev((u.close - u.open).abs(), 5) + (u.close - u.open)) + u.correlation(u.close, u.open, 10)),
    19: lambda u: (-1 * np.sign((u.close - u.delay(u.close, 7)) + u.delta(u.close, 7)))
    * (1 + u.rank(1 + u.sum(u.returns, 250))),
    20: lambda u: ((-1 * u.rank(u.open - u.delay(u.high, 1))) * u.rank(u.open - u.delay(u.close, 1)))
    * u.rank(u.open - u.delay(u.low, 1)),
    22: lambda u: -1 * (u.delta(u.correlation(u.high, u.volume, 5), 5) * u.rank(u.stddev(u.close, 20))),
    23: lambda u: u.where(u.less(u.sum(u.high, 20) / 20, u.high), -1 * u.delta(u.high, 2), 0),
    25: lambda u: u.rank((((-1 * u.returns) * u.adv(20)) * u.vwap) * (u.high - u.close)),
    26: lambda u: -1 * u.ts_max(u.correlation(u.ts_rank(u.volume, 5), u.ts_rank(u.high, 5), 5), 3),
    27: lambda u: u.where(
        u.less(0.5, u.rank(u.sum(u.correlation(u.rank(u.volume), u.rank(u.vwap), 6), 2) / 2.0)), -1, 1),
    28: lambda u: u.scale((u.correlation(u.adv(20), u.low, 5) + ((u.high + u.low) / 2)) - u.close),
    31: lambda u: (u.rank(u.rank(u.rank(u.decay_linear(-1 * u.rank(u.rank(u.delta(u.close, 10))), 10))))
    + u.rank(-1 * u.delta(u.close, 3))) + np.sign(u.scale(u.correlation(u.adv(20), u.low, 12))),
    32: lambda u: u.scale((u.sum(u.close, 7) / 7) - u.close)
    + (20 * u.scale(u.correlation(u.vwap, u.delay(u.close, 5), 230))),
    33: lambda u: u.rank(-1 * ((1 - (u.open / u.close)) ** 1)),
    34: lambda u: u.rank(
        (1 - u.rank(u.stddev(u.returns, 2) / u.stddev(u.returns, 5))) + (1 - u.rank(u.delta(u.close, 1)))),
    35: lambda u: (u.ts_rank(u.volume, 32) * (1 - u.ts_rank((u.close + u.high) - u.low, 16)))
    * (1 - u.ts_rank(u.returns, 32)),
    37: lambda u: u.rank(u.correlation(u.delay(u.open - u.close, 1), u.close, 200)) + u.rank(u.open - u.close),
    38: lambda u: (-1 * u.rank(u.ts_rank(u.close, 10))) * u.rank(u.close / u.open),
    39: lambda u: (-1 * u.rank(u.delta(u.close, 7) * (1 - u.rank(u.decay_linear(u.volume / u.adv(20), 9)))))
    * (1 + u.rank(u.sum(u.returns, 250))),
    40: lambda u: (-1 * u.rank(u.stddev(u.high, 10))) * u.correlation(u.high, u.volume, 10),
    41: lambda u: ((u.high * u.low) ** 0.5) - u.vwap,
    42: lambda u: u.rank(u.vwap - u.close) / u.rank(u.vwap + u.close),
    43: lambda u: u.ts_rank(u.volume / u.adv(20), 20) * u.ts_rank(-1 * u.delta(u.close, 7), 8),
    44: lambda u: -1 * u.correlation(u.high, u.rank(u.volume), 5),
    46: lambda u: u.where(u.less(0.25, bend(u)), -1 * 1, u.where(u.less(bend(u), 0), 1, step(u))),
    49: lambda u: u.where(u.less(bend(u), -1 * 0.1), 1, step(u)),
    50: lambda u: -1 * u.ts_max(u.rank(u.correlation(u.rank(u.volume), u.rank(u.vwap), 5)), 5),
    51: lambda u: u.where(u.less(bend(u), -1 * 0.05), 1, step(u)),
    53: lambda u: -1 * u.delta(((u.close - u.low) - (u.high - u.close)) / (u.close - u.low), 9),
    54: lambda u: (-1 * ((u.low - u.close) * (u.open**5))) / ((u.low - u.high) * (u.close**5)),
    55: lambda u: -1 * u.correlation(
        u.rank((u.close - u.ts_min(u.low, 12)) / (u.ts_max(u.high, 12) - u.ts_min(u.low, 12))), u.rank(u.volume), 6),
    57: lambda u: 0 - (1 * ((u.close - u.vwap) / u.decay_linear(u.rank(u.ts_argmax(u.close, 30)), 2))),
    61: lambda u: u.less(
        u.rank(u.vwap - u.ts_min(u.vwap, 16.1219)), u.rank(u.correlation(u.vwap, u.adv(180), 17.9282))),
    62: lambda u: u.less(
        u.rank(u.correlation(u.vwap, u.sum(u.adv(20), 22.4101), 9.91009)),
        u.rank(u.less(u.rank(u.open) + u.rank(u.open), u.rank((u.high + u.low) / 2) + u.rank(u.high)))) * -1,
    65: lambda u: u.less(
        u.rank(u.correlation(mixed(u.open, u.vwap, 0.00817205), u.sum(u.adv(60), 8.6911), 6.40374)),
        u.rank(u.open - u.ts_min(u.open, 13.635))) * -1,
    68: lambda u: u.less(
        u.ts_rank(u.correlation(u.rank(u.high), u.rank(u.adv(15)), 8.91644), 13.9333),
        u.rank(u.delta(mixed(u.close, u.low, 0.518371), 1.06157))) * -1,
    75: lambda u: u.less(
        u.rank(u.correlation(u.vwap, u.volume, 4.24304)),
        u.rank(u.correlation(u.rank(u.low), u.rank(u.adv(50)), 12.4413))),
    84: lambda u: u.power(u.ts_rank(u.vwap - u.ts_max(u.vwap, 15.3217), 20.7127), u.delta(u.close, 4.96796)),
    86: lambda u: u.less(
        u.ts_rank(u.correlation(u.close, u.sum(u.adv(20), 14.7444), 6.00049), 20.4195),
        u.rank((u.open + u.close) - (u.vwap + u.open))) * -1,
    101: lambda u: (u.close - u.open) / ((u.high - u.low) + 0.001),
    **{int(name[6:]): function for name, function in globals().items() if name.startswith("alpha_")},
}  # fmt: skip
