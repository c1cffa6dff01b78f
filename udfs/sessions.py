"""When a listing's day begins: the session open of an exchange, from the calendars of exchange_calendars."""

from bisect import bisect_left
from datetime import date
from functools import cache
from typing import Final

from schemas.errors import DataError

EPOCH: Final = date(1970, 1, 1).toordinal()
DAY_US: Final = 86_400_000_000
ALWAYS: Final = "24/7"


def ex_time(day: int, mic: str) -> int:
    """Microseconds UTC of the open of the first session of exchange `mic` on or after `day` (days since 1970).

    mic: ISO 10383 (XNYS, XLON) or another name of exchange_calendars; "24/7" opens each day at midnight UTC.
    DataError for a name that is unknown, and for a day outside the years whose holidays the library knows.
    """
    if mic == ALWAYS:
        return day * DAY_US
    year = date.fromordinal(EPOCH + day).year
    for following in (year, year + 1):
        days, opens = _sessions(mic, following)
        if (at := bisect_left(days, day)) < len(days):
            return opens[at]
    raise DataError(f"{mic} has no session from {date.fromordinal(EPOCH + day)} to the end of {year + 1}")


@cache
def _sessions(mic: str, year: int) -> tuple[list[int], list[int]]:
    """Days since 1970 and opens in microseconds of a year's sessions; a year takes 0.1 s, the library 1 s to import."""
    import exchange_calendars

    try:
        calendar = exchange_calendars.get_calendar(mic, start=f"{year}-01-01", end=f"{year}-12-31")
    except (ValueError, exchange_calendars.errors.CalendarError) as error:
        raise DataError(f"no sessions of {mic} in {year}: {error}", hint="see exchange_calendars") from error
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(int).tolist()
    return days, (calendar.opens_nanos // 1_000).tolist()
