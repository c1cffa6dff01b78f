"""The candlestick patterns of one and two bars, and those with a lookback of at most eight, by their definition."""

from tests.oracles.days import both, close_to, down, falls, minus, rises, up

# -- one bar


def spinning(d, times):
    return d.white and d.short and min(d.upper, d.lower) > times * d.body


def rickshaw(d):
    middle = d.lo + (d.h - d.lo) / 2
    return d.doji and min(d.upper, d.lower) > d.body and d.bottom <= middle + d.near and d.top >= middle - d.near


ONE = {
    "belthold": both(lambda d: d.white and d.long and d.no_lower),
    "closingmarubozu": both(lambda d: d.white and d.long and d.no_upper),
    "doji": up(lambda d: d.doji),
    "dragonflydoji": up(lambda d: d.doji and d.no_upper and d.lower > d.tiny),
    "gravestonedoji": up(lambda d: d.doji and d.no_lower and d.upper > d.tiny),
    "highwave": both(spinning, 2),
    "longleggeddoji": up(lambda d: d.doji and max(d.lower, d.upper) > d.body),
    "longline": both(lambda d: d.white and d.long and max(d.upper, d.lower) < d.shade),
    "marubozu": both(lambda d: d.white and d.long and d.no_upper and d.no_lower),
    "rickshawman": up(rickshaw),
    "shortline": both(lambda d: d.white and d.short and max(d.upper, d.lower) < d.shade),
    "spinningtop": both(spinning, 1),
    "takuri": up(lambda d: d.doji and d.no_upper and d.lower > 2 * d.body),
}  # fmt: skip

# -- two bars


def pierces(a, b):
    return falls(a) and b.white and b.o < a.lo and a.c + a.body / 2 < b.c < a.o


def bounces(a, b):
    return falls(a) and b.white and b.o < a.lo


def hammer(b):
    return b.short and b.lower > b.body and b.no_upper


def inverted(b):
    return b.short and b.upper > b.body and b.no_lower


def holds(a, b):
    return b.top <= a.top and b.bottom >= a.bottom


def meets(a, b):
    return a.top == b.top or a.bottom == b.bottom


def harami(a, b, cross):
    return falls(a) and (b.doji if cross else b.body <= b.normal) and holds(a, b) and not meets(a, b)


def harami_80(a, b, cross):
    return falls(a) and (b.doji if cross else b.body <= b.normal) and holds(a, b) and meets(a, b)


def kicks(a, b):
    bare = a.no_upper and a.no_lower and b.no_upper and b.no_lower
    return falls(a) and b.white and b.long and bare and b.lo > a.h


def engulfs(a, b):
    return a.black and b.white and holds(b, a) and not meets(a, b)


def engulfs_80(a, b):
    return a.black and b.white and holds(b, a) and (a.top == b.top) != (a.bottom == b.bottom)


def with_80(whole, part):
    return lambda days: whole(days) + 0.8 * part(days)


TWO = {
    "counterattack": both(lambda a, b: falls(a) and b.white and b.long and close_to(b.c, a.c, a.equal)),
    "darkcloudcover": down(pierces),
    "dojistar": both(lambda a, b: falls(a) and b.doji and b.under(a)),
    "hammer": up(lambda a, b: hammer(b) and b.bottom <= a.lo + a.near),
    "hangingman": minus(lambda a, b: hammer(b) and b.bottom >= a.h - a.near),
    "harami": with_80(both(harami, False), both(harami_80, False)),
    "haramicross": with_80(both(harami, True), both(harami_80, True)),
    "homingpigeon": up(lambda a, b: falls(a) and b.black and b.body <= b.normal and b.o < a.o and b.c > a.c),
    "inneck": minus(lambda a, b: bounces(a, b) and a.c <= b.c <= a.c + a.equal),
    "invertedhammer": up(lambda a, b: inverted(b) and b.under(a)),
    "kicking": both(kicks),
    "kickingbylength": lambda d: both(kicks)(d) * (1 if d[-1].body > d[-2].body else -1),
    "onneck": minus(lambda a, b: bounces(a, b) and close_to(b.c, a.lo, a.equal)),
    "piercing": up(lambda a, b: pierces(a, b) and b.long),
    "separatinglines": both(lambda a, b: a.black and b.white and close_to(b.o, a.o, a.equal) and b.long and b.no_lower),
    "shootingstar": minus(lambda a, b: inverted(b) and b.over(a)),
    "thrusting": minus(lambda a, b: bounces(a, b) and a.c + a.equal < b.c <= a.c + a.body / 2),
}  # fmt: skip

# -- a lookback of at most eight bars


def strike(a, b, c, d):
    near = a.bottom - a.near <= b.o <= a.top + a.near and b.bottom - b.near <= c.o <= b.top + b.near
    return rises(a, b, c) and d.black and near and d.o > c.c and d.c < a.o


def outside(a, b, c):
    return a.black and b.white and a.within(b) and c.c > b.c


def like(b, c):
    return close_to(c.body, b.body, b.near) and close_to(c.o, b.o, b.equal)


def beside(a, b, c):
    return b.white and c.white and b.over(a) and c.over(a) and like(b, c)


def beside_low(a, b, c):
    return b.white and c.white and b.under(a) and c.under(a) and like(b, c)


def tasuki(a, b, c):
    return b.over(a) and b.white and c.black and b.o < c.o < b.c and a.top < c.c < b.o and abs(b.body - c.body) < b.near


def closes_gap(a, b, c):
    return a.white and b.white and c.black and b.over(a) and b.o < c.o < b.c and a.o < c.c < a.c


QUICK = {
    "3linestrike": both(strike), "3outside": both(outside), "engulfing": with_80(both(engulfs), both(engulfs_80)),
    "gapsidesidewhite": lambda days: up(beside)(days) + minus(beside_low)(days),
    "matchinglow": up(lambda a, b: a.black and b.black and close_to(b.c, a.c, a.equal)),
    "sticksandwich": up(
        lambda a, b, c: a.black and b.white and c.black and b.lo > a.c and close_to(c.c, a.c, a.equal)),
    "tasukigap": both(tasuki), "xsidegap3methods": both(closes_gap),
}  # fmt: skip
