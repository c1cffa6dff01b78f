"""Features of the trading session: anchored at its open, of its opening range, beside what is usual at this time.

The sessions are those of the setting `bars.calendar`; "24/7" has one a day of UTC. A bar outside sessions, as a bar
of a day that ends at midnight is at an exchange, has no value.
"""

from udfs.kernels import overnight, session_range, session_sum, session_vwap, time_of_day
from udfs.registry import PRICE, VOLUME, Feature, feature

SKIP = "a bar outside sessions or without an input is skipped and has no value"
USUAL = f"{SKIP}; none before there are so many sessions, nor where nothing is usual"
RANGES = {"sessions": (1, 1000), "bins": (1, 1440)}
VWAP = (
    "session_vwap", "session_vwap_upper_1", "session_vwap_lower_1", "session_vwap_upper_2", "session_vwap_lower_2",
)  # fmt: skip


def _by_time(name: str, of: str) -> Feature:
    return feature(name, (name + "_{sessions}_{bins}",), (of, "session", "session_time"), time_of_day.step,
                   time_of_day.STATE, lambda p: p.sessions, params={"sessions": 10, "bins": 48}, ranges=RANGES,
                   flat=1.0, nulls=USUAL)  # fmt: skip


FEATURES: tuple[Feature, ...] = (
    feature("session_vwap", VWAP, ("volume", "turnover", "session"), session_vwap.step, session_vwap.STATE, 0,
            degree=PRICE, nulls=f"{SKIP}; none before the session's first volume"),
    feature("session_range", ("session_high", "session_low"), ("high", "low", "session"), session_range.so_far,
            session_range.STATE, 0, degree=PRICE, nulls=SKIP),
    feature("opening_range", ("opening_high_{minutes}", "opening_low_{minutes}"),
            ("high", "low", "session", "session_time"), session_range.opening, session_range.STATE, 0,
            params={"minutes": 30}, degree=PRICE, ranges={"minutes": (1, 1440)},
            nulls=f"{SKIP}; none in a session without a bar in its first minutes"),
    feature("overnight_return", ("overnight_return",), ("open", "close", "session"), overnight.step, overnight.STATE, 1,
            flat=0.0, nulls=f"{SKIP}; none in the first session"),
    feature("session_volume", ("session_volume",), ("volume", "session"), session_sum.step, session_sum.STATE, 0,
            degree=VOLUME, nulls=SKIP),
    _by_time("relative_volume", "volume"),
    _by_time("relative_session_volume", "session_volume"),
)  # fmt: skip
