"""Naive twins of the session pack: each by its definition, looking back over the whole history at every bar."""

import math
from collections import defaultdict
from collections.abc import Callable

from tests.oracles.packs import Bars
from tests.oracles.packs.desk import NAN, Series
from tests.oracles.packs.intrabar import Out, bands, over

SMALL = {
    "opening_range": {"minutes": 80},
    "relative_volume": {"sessions": 2, "bins": 6},
    "relative_session_volume": {"sessions": 2, "bins": 6},
}


def since_open(bars: Bars) -> list[slice]:
    """Of each bar, those of its session up to it."""
    session = bars["session"]
    return [slice(session.index(day), k + 1) for k, day in enumerate(session)]


def session_vwap(bars: Bars) -> Out:
    return bands(over(bars["turnover"], bars["volume"], 0.0), bars["volume"], list(since_open(bars)))


def session_range(bars: Bars) -> Out:
    return [max(bars["high"][w]) for w in since_open(bars)], [min(bars["low"][w]) for w in since_open(bars)]


def opening_range(bars: Bars, minutes: float) -> Out:
    early = [time <= 60 * minutes for time in bars["session_time"]]

    def found(name: str, extreme: Callable[..., float]) -> Series:
        kept = [[x for x, is_early in zip(bars[name][w], early[w], strict=True) if is_early] for w in since_open(bars)]
        return [extreme(values, default=NAN) for values in kept]

    return found("high", max), found("low", min)


def overnight_return(bars: Bars) -> Out:
    firsts = [w.start for w in since_open(bars)]
    return ([math.log(bars["open"][k] / bars["close"][k - 1]) if k else NAN for k in firsts],)


def session_volume(bars: Bars) -> Out:
    return ([math.fsum(bars["volume"][w]) for w in since_open(bars)],)


def by_time(x: Series, bars: Bars, sessions: int, bins: int) -> Series:
    """Over the mean of the last sessions' own means of the same bin."""
    of_bin: dict[int, dict[float, Series]] = defaultdict(lambda: defaultdict(list))
    found = []
    for value, session, seconds in zip(x, bars["session"], bars["session_time"], strict=True):
        each = of_bin[min(math.ceil(seconds / (86_400 / bins)), bins)]
        before = [math.fsum(values) / len(values) for day, values in each.items() if day != session][-sessions:]
        usual = math.fsum(before) / sessions if len(before) == sessions else 0.0
        found.append(value / usual if usual else NAN)
        each[session].append(value)
    return found


def relative_volume(bars: Bars, sessions: int, bins: int) -> Out:
    return (by_time(bars["volume"], bars, sessions, bins),)


def relative_session_volume(bars: Bars, sessions: int, bins: int) -> Out:
    return (by_time(session_volume(bars)[0], bars, sessions, bins),)


TWINS = {
    "session_vwap": session_vwap, "session_range": session_range, "opening_range": opening_range,
    "overnight_return": overnight_return, "session_volume": session_volume, "relative_volume": relative_volume,
    "relative_session_volume": relative_session_volume,
}  # fmt: skip
