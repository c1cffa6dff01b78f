"""When an exchange is open: the sessions of the calendars of exchange_calendars, half days and holidays as they were.

In: times in microseconds UTC, an exchange (ISO 10383, or "24/7", whose sessions are the days of UTC). Out: session
opens, the session in which a bar lies, its window of trading time. This file must not know bars' values, nor what is
computed of them.
"""

from bisect import bisect_left
from contextlib import suppress
from datetime import date
from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError

EPOCH: Final = date(1970, 1, 1).toordinal()
DAY_US: Final = 86_400_000_000
SECOND_US: Final = 1_000_000
ALWAYS: Final = "24/7"
OUTSIDE: Final = -1
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Sessions(NamedTuple):
    """Of each bar its session, int64[M]: day since 1970 (OUTSIDE if it lies in none), open and close in us UTC."""

    day: Ints
    open: Ints
    close: Ints


def sessions(ends: Ints, mic: str) -> Sessions:
    """The session of exchange `mic` in which each bar that ends at `ends` (int64[M], microseconds UTC) lies.

    A bar lies in a session if open < end <= close. Errors as of `ex_time`.
    """
    if mic == ALWAYS:
        day = (ends - 1) // DAY_US
        return Sessions(day, day * DAY_US, (day + 1) * DAY_US)
    found = Sessions(*(np.full(len(ends), OUTSIDE) for _ in range(3)))
    years = (ends - 1).astype("M8[us]").astype("M8[Y]").astype("i8") + 1970
    for year in np.unique(years).tolist():
        mine, table = years == year, _around(mic, year)
        at = np.searchsorted(table.open, ends[mine], "left") - 1
        inside = (at >= 0) & (ends[mine] <= table.close[at])
        for column, source in zip(found, table, strict=True):
            column[mine] = np.where(inside, source[at], OUTSIDE)
    return found


def clock(ends: Ints, mic: str) -> dict[str, Floats]:
    """Columns of bars that end at `ends` (int64[M], microseconds UTC), float64[M]; NaN outside sessions.

    session: the session's day since 1970; session_time: seconds from its open to the bar's end. Errors as of `ex_time`.
    """
    found = sessions(ends, mic)
    inside = found.open != OUTSIDE
    columns = {"session": found.day, "session_time": (ends - found.open) / SECOND_US}
    return {name: np.where(inside, column, np.nan) for name, column in columns.items()}


def window_ends(ends: Ints, width_us: int, mic: str) -> Ints:
    """End of the window of trading time, `width_us` long, in which each bar that ends at `ends` lies; OUTSIDE for none.

    Windows count from the open of a session, the last one ends with its close, and a day is the session as a whole:
    width_us is a day, or less. "24/7": windows of any width count from 1970. A bar that lies in no session, or in a
    year whose holidays are not known, is in no window.
    """
    if mic == ALWAYS:
        return -(-ends // width_us) * width_us
    found = np.full(len(ends), OUTSIDE)
    years = ends.astype("M8[us]").astype("M8[Y]")
    for year in np.unique(years):
        mine = years == year
        with suppress(DataError):
            _, opens, closes = sessions(ends[mine], mic)
            stops = closes if width_us == DAY_US else opens - (opens - ends[mine]) // width_us * width_us
            found[mine] = np.where(closes == OUTSIDE, OUTSIDE, np.minimum(stops, closes))
    return found


@lru_cache(maxsize=4096)
def window_end(end: int, width_us: int, mic: str) -> int:
    """The same of one bar."""
    return int(window_ends(np.array([end]), width_us, mic)[0])


def ex_time(day: int, mic: str) -> int:
    """Microseconds UTC of the open of the first session of exchange `mic` on or after `day` (days since 1970).

    mic: ISO 10383 (XNYS, XLON) or another name of exchange_calendars; "24/7" opens each day at midnight UTC.
    DataError for a name that is unknown, and for a day outside the years whose holidays the library knows.
    """
    if mic == ALWAYS:
        return day * DAY_US
    year = date.fromordinal(EPOCH + day).year
    for following in (year, year + 1):
        days, opens, _ = _sessions(mic, following)
        if (at := bisect_left(days, day)) < len(days):
            return opens[at]
    raise DataError(f"{mic} has no session from {date.fromordinal(EPOCH + day)} to the end of {year + 1}")


@cache
def _around(mic: str, year: int) -> Sessions:
    """The sessions of a year and of its neighbours, as far as they are known: one may span midnight."""
    parts = {year: _sessions(mic, year)}
    for beside in (year - 1, year + 1):
        with suppress(DataError):  # its holidays are not known; those of the year itself are
            parts[beside] = _sessions(mic, beside)
    ordered = [parts[each] for each in sorted(parts)]
    return Sessions(*(np.concatenate(column).astype("i8") for column in zip(*ordered, strict=True)))


@cache
def _sessions(mic: str, year: int) -> tuple[list[int], list[int], list[int]]:
    """Days since 1970, opens and closes in microseconds of a year's sessions; a year takes 0.1 s, the import 1 s."""
    import exchange_calendars

    try:
        calendar = exchange_calendars.get_calendar(mic, start=f"{year}-01-01", end=f"{year}-12-31")
    except (ValueError, exchange_calendars.errors.CalendarError) as error:
        raise DataError(f"no sessions of {mic} in {year}: {error}", hint="see exchange_calendars") from error
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(int).tolist()
    return days, (calendar.opens_nanos // 1_000).tolist(), (calendar.closes_nanos // 1_000).tolist()
