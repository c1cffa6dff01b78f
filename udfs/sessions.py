"""When a listing's day begins: the session open of an exchange, from the calendars of exchange_calendars."""

from bisect import bisect_left
from functools import cache

from schemas.errors import DataError

DAY_US = 86_400_000_000
ALWAYS = "24/7"


def ex_time(day: int, mic: str) -> int:
    """Microseconds UTC of the open of the first session of exchange `mic` on or after `day` (days since 1970).

    mic: ISO 10383 (XNYS, XLON), any name of exchange_calendars, or "24/7", whose sessions open at midnight UTC.
    DataError for an exchange that is unknown, or has no session in the year after that day.
    """
    if mic == ALWAYS:
        return day * DAY_US
    year = (day * DAY_US // (365_2425 * 8_640_000)) + 1970
    for days, opens in (_sessions(mic, year), _sessions(mic, year + 1)):
        if (at := bisect_left(days, day)) < len(days):
            return opens[at]
    raise DataError(f"{mic} has no session on day {day} or in the year after")


@cache
def _sessions(mic: str, year: int) -> tuple[list[int], list[int]]:
    import exchange_calendars

    try:
        calendar = exchange_calendars.get_calendar(mic, start=f"{year}-01-01", end=f"{year}-12-31")
    except (ValueError, exchange_calendars.errors.CalendarError) as error:
        raise DataError(f"no sessions of {mic} in {year}: {error}") from error
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(int).tolist()
    opens = calendar.opens.to_numpy().astype("datetime64[us]").astype(int).tolist()
    return days, opens
