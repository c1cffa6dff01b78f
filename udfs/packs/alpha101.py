"""The formulas of "101 Formulaic Alphas" (Kakushadze 2016, arXiv 1601.00991) that need only prices, volume and VWAP.

In: `ALPHAS`, number -> text, in the words of `FUNCTIONS` and of udfs/expressions.py. Out: `FEATURES`, whose outputs are
`alpha_001` to `alpha_101`. As in the paper a broken window is rounded down, min and max over days are `ts_min` and
`ts_max`, signedpower(x, a) is x ** a, adv(d) is the mean turnover in money; stddev is the sample's (ddof 1), ranks are
shares in (0, 1]. A bar without a value counts in no window.

Four are written so that a split can restate what they keep. 1: the largest of closes and of deviations is the larger
of the largest close and the largest deviation, which are kept apart, and squares of what is not negative change no
order. 2: a difference of logarithms is the logarithm of a ratio. 29: a number that is subtracted at both ends of a
difference cancels; sums and products of one day are what they are of. 81: of positive numbers a product is the
exponential of a sum of logarithms.

Left out are 48, 58, 59, 63, 67, 69, 70, 76, 79, 80, 82, 87, 89, 90, 91, 93, 97, 100, which need classes of industries,
and 56, which needs market capitalisation: they come with no topic.
"""

from udfs.expressions import expression
from udfs.registry import Feature

FUNCTIONS = {
    "returns": "rocp(close, 1)",
    "vwap": "turnover / volume",
    "adv": "lambda d: sma(turnover, d)",
    "delta": "lambda x, d: mom(x, d)",
    "correlation": "lambda x, y, d: correl(x, y, d)",
    "decay_linear": "lambda x, d: wma(x, d)",
    "sum": "lambda x, d: sma(x, d) * floor(d)",
    "product": "lambda x, d: exp(sum(log(x), d))",
    "stddev": "lambda x, d: stddev(x, d, sqrt(floor(d) / (floor(d) - 1)))",
    # of alpha 1: closes where the bar did not fall, deviations where it did, and 0 in the units of each elsewhere
    "risen": "(close - close) * stddev(returns, 20) if returns < 0 else close",
    "fallen": "stddev(returns, 20) if returns < 0 else 0",
    # of alphas 46, 49 and 51: how much more the close fell in the ten days before than in the last ten
    "bend": "(delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10",
}

ALPHAS = {
    1: "rank(ts_argmax(risen, 5) if ts_max(risen, 5) > ts_max(fallen, 5) else ts_argmax(fallen, 5)) - 0.5",
    2: "-1 * correlation(rank(log(volume / delay(volume, 2))), rank((close - open) / open), 6)",
    3: "-1 * correlation(rank(open), rank(volume), 10)",
    4: "-1 * ts_rank(rank(low), 9)",
    5: "rank(open - sum(vwap, 10) / 10) * (-1 * abs(rank(close - vwap)))",
    6: "-1 * correlation(open, volume, 10)",
    7: "-1 * ts_rank(abs(delta(close, 7)), 60) * sign(delta(close, 7)) if adv(20) < volume else -1",
    8: "-1 * rank(sum(open, 5) * sum(returns, 5) - delay(sum(open, 5) * sum(returns, 5), 10))",
    9: "delta(close, 1) if 0 < ts_min(delta(close, 1), 5) else "
    "delta(close, 1) if ts_max(delta(close, 1), 5) < 0 else -1 * delta(close, 1)",
    10: "rank(delta(close, 1) if 0 < ts_min(delta(close, 1), 4) else "
    "delta(close, 1) if ts_max(delta(close, 1), 4) < 0 else -1 * delta(close, 1))",
    11: "(rank(ts_max(vwap - close, 3)) + rank(ts_min(vwap - close, 3))) * rank(delta(volume, 3))",
    12: "sign(delta(volume, 1)) * (-1 * delta(close, 1))",
    13: "-1 * rank(covariance(rank(close), rank(volume), 5))",
    14: "-1 * rank(delta(returns, 3)) * correlation(open, volume, 10)",
    15: "-1 * sum(rank(correlation(rank(high), rank(volume), 3)), 3)",
    16: "-1 * rank(covariance(rank(high), rank(volume), 5))",
    17: "-1 * rank(ts_rank(close, 10)) * rank(delta(delta(close, 1), 1)) * rank(ts_rank(volume / adv(20), 5))",
    18: "-1 * rank(stddev(abs(close - open), 5) + (close - open) + correlation(close, open, 10))",
    19: "-1 * sign(close - delay(close, 7) + delta(close, 7)) * (1 + rank(1 + sum(returns, 250)))",
    20: "-1 * rank(open - delay(high, 1)) * rank(open - delay(close, 1)) * rank(open - delay(low, 1))",
    21: "-1 if sum(close, 8) / 8 + stddev(close, 8) < sum(close, 2) / 2 else "
    "1 if sum(close, 2) / 2 < sum(close, 8) / 8 - stddev(close, 8) else "
    "1 if 1 < volume / adv(20) or volume / adv(20) == 1 else -1",
    22: "-1 * (delta(correlation(high, volume, 5), 5) * rank(stddev(close, 20)))",
    23: "-1 * delta(high, 2) if sum(high, 20) / 20 < high else 0",
    24: "-1 * (close - ts_min(close, 100)) if delta(sum(close, 100) / 100, 100) / delay(close, 100) <= 0.05 else "
    "-1 * delta(close, 3)",
    25: "rank(-1 * returns * adv(20) * vwap * (high - close))",
    26: "-1 * ts_max(correlation(ts_rank(volume, 5), ts_rank(high, 5), 5), 3)",
    27: "-1 if 0.5 < rank(sum(correlation(rank(volume), rank(vwap), 6), 2) / 2.0) else 1",
    28: "scale(correlation(adv(20), low, 5) + (high + low) / 2 - close)",
    29: "ts_min(rank(rank(scale(log(ts_min(rank(rank(-1 * rank(delta(close, 5)))), 2))))), 5) + "
    "ts_rank(delay(-1 * returns, 6), 5)",
    30: "(1.0 - rank(sign(close - delay(close, 1)) + sign(delay(close, 1) - delay(close, 2)) + "
    "sign(delay(close, 2) - delay(close, 3)))) * sum(volume, 5) / sum(volume, 20)",
    31: "rank(rank(rank(decay_linear(-1 * rank(rank(delta(close, 10))), 10)))) + rank(-1 * delta(close, 3)) + "
    "sign(scale(correlation(adv(20), low, 12)))",
    32: "scale(sum(close, 7) / 7 - close) + 20 * scale(correlation(vwap, delay(close, 5), 230))",
    33: "rank(-1 * (1 - open / close) ** 1)",
    34: "rank(1 - rank(stddev(returns, 2) / stddev(returns, 5)) + (1 - rank(delta(close, 1))))",
    35: "ts_rank(volume, 32) * (1 - ts_rank(close + high - low, 16)) * (1 - ts_rank(returns, 32))",
    36: "2.21 * rank(correlation(close - open, delay(volume, 1), 15)) + 0.7 * rank(open - close) + "
    "0.73 * rank(ts_rank(delay(-1 * returns, 6), 5)) + rank(abs(correlation(vwap, adv(20), 6))) + "
    "0.6 * rank((sum(close, 200) / 200 - open) * (close - open))",
    37: "rank(correlation(delay(open - close, 1), close, 200)) + rank(open - close)",
    38: "-1 * rank(ts_rank(close, 10)) * rank(close / open)",
    39: "-1 * rank(delta(close, 7) * (1 - rank(decay_linear(volume / adv(20), 9)))) * (1 + rank(sum(returns, 250)))",
    40: "-1 * rank(stddev(high, 10)) * correlation(high, volume, 10)",
    41: "(high * low) ** 0.5 - vwap",
    42: "rank(vwap - close) / rank(vwap + close)",
    43: "ts_rank(volume / adv(20), 20) * ts_rank(-1 * delta(close, 7), 8)",
    44: "-1 * correlation(high, rank(volume), 5)",
    45: "-1 * (rank(sum(delay(close, 5), 20) / 20) * correlation(close, volume, 2) * "
    "rank(correlation(sum(close, 5), sum(close, 20), 2)))",
    46: "-1 if 0.25 < bend else 1 if bend < 0 else -1 * (close - delay(close, 1))",
    47: "rank(1 / close) * volume / adv(20) * (high * rank(high - close) / (sum(high, 5) / 5)) - "
    "rank(vwap - delay(vwap, 5))",
    49: "1 if bend < -1 * 0.1 else -1 * (close - delay(close, 1))",
    50: "-1 * ts_max(rank(correlation(rank(volume), rank(vwap), 5)), 5)",
    51: "1 if bend < -1 * 0.05 else -1 * (close - delay(close, 1))",
    52: "(-1 * ts_min(low, 5) + delay(ts_min(low, 5), 5)) * rank((sum(returns, 240) - sum(returns, 20)) / 220) * "
    "ts_rank(volume, 5)",
    53: "-1 * delta((close - low - (high - close)) / (close - low), 9)",
    54: "-1 * ((low - close) * open ** 5) / ((low - high) * close ** 5)",
    55: "-1 * correlation(rank((close - ts_min(low, 12)) / (ts_max(high, 12) - ts_min(low, 12))), rank(volume), 6)",
    57: "0 - 1 * ((close - vwap) / decay_linear(rank(ts_argmax(close, 30)), 2))",
    60: "0 - 1 * (2 * scale(rank((close - low - (high - close)) / (high - low) * volume)) - "
    "scale(rank(ts_argmax(close, 10))))",
    61: "rank(vwap - ts_min(vwap, 16.1219)) < rank(correlation(vwap, adv(180), 17.9282))",
    62: "(rank(correlation(vwap, sum(adv(20), 22.4101), 9.91009)) < "
    "rank(rank(open) + rank(open) < rank((high + low) / 2) + rank(high))) * -1",
    64: "(rank(correlation(sum(open * 0.178404 + low * (1 - 0.178404), 12.7054), sum(adv(120), 12.7054), 16.6208)) < "
    "rank(delta((high + low) / 2 * 0.178404 + vwap * (1 - 0.178404), 3.69741))) * -1",
    65: "(rank(correlation(open * 0.00817205 + vwap * (1 - 0.00817205), sum(adv(60), 8.6911), 6.40374)) < "
    "rank(open - ts_min(open, 13.635))) * -1",
    66: "(rank(decay_linear(delta(vwap, 3.51013), 7.23052)) + "
    "ts_rank(decay_linear((low * 0.96633 + low * (1 - 0.96633) - vwap) / (open - (high + low) / 2), 11.4157), "
    "6.72611)) * -1",
    68: "(ts_rank(correlation(rank(high), rank(adv(15)), 8.91644), 13.9333) < "
    "rank(delta(close * 0.518371 + low * (1 - 0.518371), 1.06157))) * -1",
    71: "max(ts_rank(decay_linear(correlation(ts_rank(close, 3.43976), ts_rank(adv(180), 12.0647), 18.0175), 4.20501), "
    "15.6948), ts_rank(decay_linear(rank(low + open - (vwap + vwap)) ** 2, 16.4662), 4.4388))",
    72: "rank(decay_linear(correlation((high + low) / 2, adv(40), 8.93345), 10.1519)) / "
    "rank(decay_linear(correlation(ts_rank(vwap, 3.72469), ts_rank(volume, 18.5188), 6.86671), 2.95011))",
    73: "max(rank(decay_linear(delta(vwap, 4.72775), 2.91864)), "
    "ts_rank(decay_linear(delta(open * 0.147155 + low * (1 - 0.147155), 2.03608) / "
    "(open * 0.147155 + low * (1 - 0.147155)) * -1, 3.33829), 16.7411)) * -1",
    74: "(rank(correlation(close, sum(adv(30), 37.4843), 15.1365)) < "
    "rank(correlation(rank(high * 0.0261661 + vwap * (1 - 0.0261661)), rank(volume), 11.4791))) * -1",
    75: "rank(correlation(vwap, volume, 4.24304)) < rank(correlation(rank(low), rank(adv(50)), 12.4413))",
    77: "min(rank(decay_linear((high + low) / 2 + high - (vwap + high), 20.0451)), "
    "rank(decay_linear(correlation((high + low) / 2, adv(40), 3.1614), 5.64125)))",
    78: "rank(correlation(sum(low * 0.352233 + vwap * (1 - 0.352233), 19.7428), sum(adv(40), 19.7428), 6.83313)) ** "
    "rank(correlation(rank(vwap), rank(volume), 5.77492))",
    81: "(rank(log(product(rank(rank(correlation(vwap, sum(adv(10), 49.6054), 8.47743)) ** 4), 14.9655))) < "
    "rank(correlation(rank(vwap), rank(volume), 5.07914))) * -1",
    83: "rank(delay((high - low) / (sum(close, 5) / 5), 2)) * rank(rank(volume)) / "
    "((high - low) / (sum(close, 5) / 5) / (vwap - close))",
    84: "ts_rank(vwap - ts_max(vwap, 15.3217), 20.7127) ** delta(close, 4.96796)",
    85: "rank(correlation(high * 0.876703 + close * (1 - 0.876703), adv(30), 9.61331)) ** "
    "rank(correlation(ts_rank((high + low) / 2, 3.70596), ts_rank(volume, 10.1595), 7.11408))",
    86: "(ts_rank(correlation(close, sum(adv(20), 14.7444), 6.00049), 20.4195) < "
    "rank(open + close - (vwap + open))) * -1",
    88: "min(rank(decay_linear(rank(open) + rank(low) - (rank(high) + rank(close)), 8.06882)), ts_rank("
    "decay_linear(correlation(ts_rank(close, 8.44728), ts_rank(adv(60), 20.6966), 8.01266), 6.65053), 2.61957))",
    92: "min(ts_rank(decay_linear((high + low) / 2 + close < low + open, 14.7221), 18.8683), "
    "ts_rank(decay_linear(correlation(rank(low), rank(adv(30)), 7.58555), 6.94024), 6.80584))",
    94: "rank(vwap - ts_min(vwap, 11.5783)) ** "
    "ts_rank(correlation(ts_rank(vwap, 19.6462), ts_rank(adv(60), 4.02992), 18.0926), 2.70756) * -1",
    95: "rank(open - ts_min(open, 12.4105)) < "
    "ts_rank(rank(correlation(sum((high + low) / 2, 19.1351), sum(adv(40), 19.1351), 12.8742)) ** 5, 11.7584)",
    96: "max(ts_rank(decay_linear(correlation(rank(vwap), rank(volume), 3.83878), 4.16783), 8.38151), ts_rank("
    "decay_linear(ts_argmax(correlation(ts_rank(close, 7.45404), ts_rank(adv(60), 4.13242), 3.65459), 12.6556), "
    "14.0365), 13.4143)) * -1",
    98: "rank(decay_linear(correlation(vwap, sum(adv(5), 26.4719), 4.58418), 7.18088)) - rank("
    "decay_linear(ts_rank(ts_argmin(correlation(rank(open), rank(adv(15)), 20.8187), 8.62571), 6.95668), 8.07206))",
    99: "(rank(correlation(sum((high + low) / 2, 19.8975), sum(adv(60), 19.8975), 8.8136)) < "
    "rank(correlation(low, volume, 6.28259))) * -1",
    101: "(close - open) / (high - low + 0.001)",
}

TEXTS = {f"alpha_{number:03}": text for number, text in ALPHAS.items()}

FEATURES: tuple[Feature, ...] = tuple(row for name, text in TEXTS.items() for row in expression(name, text, FUNCTIONS))
