"""When an ex-day begins at an exchange: the session open in its own time zone, or the next session's."""

import subprocess
import sys
from datetime import date, datetime

import numpy as np
import pytest

from schemas.errors import DataError
from schemas.settings import parse_duration
from udfs.sessions import ALWAYS, OUTSIDE, ex_time, sessions, window_end, window_ends

EPOCH = date(1970, 1, 1)


def _us(text: str) -> int:
    return round(datetime.fromisoformat(text + "Z").timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("mic", "day", "opens"),
    [
        ("24/7", "2014-06-08", "2014-06-08T00:00"),
        ("24/7", "1969-12-31", "1969-12-31T00:00"),
        ("XNYS", "2014-06-09", "2014-06-09T13:30"),  # summer time
        ("XNYS", "2013-01-02", "2013-01-02T14:30"),
        ("XNYS", "2014-06-07", "2014-06-09T13:30"),  # a Saturday
        ("XNYS", "2001-09-11", "2001-09-17T13:30"),  # the exchange stayed closed
        ("XNYS", "2020-01-01", "2020-01-02T14:30"),  # a holiday
        ("XNYS", "2016-12-31", "2017-01-03T14:30"),  # the next session lies in the next year
        ("XNAS", "2014-06-09", "2014-06-09T13:30"),
        ("XLON", "2022-03-25", "2022-03-25T08:00"),
        ("XLON", "2022-03-28", "2022-03-28T07:00"),  # summer time began in between
        ("XTKS", "2001-10-01", "2001-10-01T00:00"),
        ("XASX", "2020-01-02", "2020-01-01T23:00"),  # opens on the day before, in UTC
        ("XHKG", "2020-01-25", "2020-01-29T01:30"),  # New Year
    ],
)
def test_the_session_open(mic: str, day: str, opens: str) -> None:
    expected = datetime.fromisoformat(opens + "Z").timestamp() * 1_000_000
    assert ex_time((date.fromisoformat(day) - EPOCH).days, mic) == expected


@pytest.mark.parametrize(
    ("mic", "end", "day", "closes"),
    [
        ("24/7", "2024-07-04T00:00", "2024-07-03", "2024-07-04T00:00"),  # a bar is named by its end
        ("24/7", "2024-07-04T00:01", "2024-07-04", "2024-07-05T00:00"),
        ("XNYS", "2024-07-02T13:30", None, None),  # ends with the open: before the session
        ("XNYS", "2024-07-02T13:31", "2024-07-02", "2024-07-02T20:00"),
        ("XNYS", "2024-07-02T20:00", "2024-07-02", "2024-07-02T20:00"),
        ("XNYS", "2024-07-02T20:01", None, None),
        ("XNYS", "2024-07-03T17:01", None, None),  # a half day
        ("XNYS", "2024-07-04T15:00", None, None),  # a holiday
        ("XNYS", "2024-12-02T14:30", None, None),  # winter time
        ("XNYS", "2024-12-02T14:31", "2024-12-02", "2024-12-02T21:00"),
        ("CMES", "2024-01-02T00:30", "2024-01-02", "2024-01-02T23:00"),  # opened the evening before
        ("XHKG", "2026-11-23T02:00", "2026-11-23", "2026-11-23T08:00"),
    ],
)
def test_the_session_of_a_bar(mic: str, end: str, day: str | None, closes: str | None) -> None:
    found = sessions(np.array([_us(end)]), mic)
    expected = (OUTSIDE, OUTSIDE) if day is None else ((date.fromisoformat(day) - EPOCH).days, _us(str(closes)))
    assert (found.day[0], found.close[0]) == expected


def test_sessions_of_many_bars_are_those_of_each() -> None:
    ends = np.arange(_us("2023-12-28T00:00"), _us("2024-01-05T00:00"), 1_800_000_000)
    for mic in (ALWAYS, "XNYS", "CMES"):
        alone = [sessions(ends[i : i + 1], mic) for i in range(len(ends))]
        for whole, parts in zip(sessions(ends, mic), zip(*alone, strict=True), strict=True):
            assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize(
    ("mic", "day", "what"),
    [
        ("XXXX", "2020-01-01", "no sessions of XXXX in 2020: .*does not exist"),
        ("", "2020-01-01", "no sessions of  in 2020"),
        ("XTKS", "1980-01-02", "no sessions of XTKS in 1980: .*earliest date"),
        ("XHKG", "2050-01-03", "no sessions of XHKG in 2050: .*only recorded"),
    ],
)
def test_a_calendar_that_does_not_know(mic: str, day: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        ex_time((date.fromisoformat(day) - EPOCH).days, mic)


def test_the_library_is_imported_only_when_an_exchange_is_asked_for() -> None:
    program = (
        "import sys; from udfs.sessions import ex_time; ex_time(0, '24/7'); print('exchange_calendars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"


# the window of each bar: "end of the bar" -> "end of its window", None for none
@pytest.mark.parametrize(
    ("mic", "width", "ends"),
    [
        ("24/7", "5m", {"2024-07-03T00:01": "2024-07-03T00:05", "2024-07-03T00:05": "2024-07-03T00:05"}),
        ("24/7", "1d", {"2024-07-03T00:00": "2024-07-03T00:00", "2024-07-03T00:01": "2024-07-04T00:00"}),
        ("24/7", "2d", {"1970-01-02T12:00": "1970-01-03T00:00", "1969-12-31T12:00": "1970-01-01T00:00"}),
        ("XNYS", "1h", {  # from the open on; the last window of a day is short
            "2024-07-02T13:30": None, "2024-07-02T13:31": "2024-07-02T14:30", "2024-07-02T14:30": "2024-07-02T14:30",
            "2024-07-02T14:31": "2024-07-02T15:30", "2024-07-02T19:31": "2024-07-02T20:00", "2024-07-02T20:01": None,
        }),
        ("XNYS", "1h", {  # a half day, and the holiday after it
            "2024-07-03T16:30": "2024-07-03T16:30", "2024-07-03T16:31": "2024-07-03T17:00", "2024-07-03T17:01": None,
            "2024-07-04T15:00": None,
        }),
        ("XNYS", "1h", {  # summer time begins on the Sunday in between
            "2024-03-08T14:31": "2024-03-08T15:30", "2024-03-11T14:30": "2024-03-11T14:30",
            "2024-03-11T14:31": "2024-03-11T15:30", "2024-03-08T14:30": None, "2024-03-10T15:00": None,
        }),
        ("XNYS", "1d", {
            "2024-03-08T14:31": "2024-03-08T21:00", "2024-03-11T13:31": "2024-03-11T20:00", "2024-07-03T13:31":
            "2024-07-03T17:00", "2024-12-02T14:30": None, "2024-12-02T21:00": "2024-12-02T21:00",
        }),
        ("XTKS", "1d", {"1980-01-04T03:00": None, "2024-03-08T03:00": "2024-03-08T06:00"}),  # no calendar so far back
        ("CMES", "1d", {"2024-01-01T23:01": "2024-01-02T23:00", "2024-01-02T23:00": "2024-01-02T23:00"}),
    ],
)  # fmt: skip
def test_the_window_of_a_bar(mic: str, width: str, ends: dict[str, str | None]) -> None:
    wanted = [OUTSIDE if window is None else _us(window) for window in ends.values()]
    width_us = parse_duration(width)
    assert window_ends(np.array([_us(end) for end in ends]), width_us, mic).tolist() == wanted
    assert [window_end(_us(end), width_us, mic) for end in ends] == wanted


@pytest.mark.parametrize("width", ["1m", "5m", "7m", "1h", "1d"])
def test_windows_tile_every_session(width: str) -> None:
    minutes = np.arange(_us("2024-02-26T00:00"), _us("2024-03-16T00:00"), 60_000_000)
    found, of = window_ends(minutes, parse_duration(width), "XNYS"), sessions(minutes, "XNYS")
    inside = of.day != OUTSIDE
    assert ((found == OUTSIDE) == ~inside).all()
    assert (np.diff(found[inside]) >= 0).all()
    assert (minutes[inside] <= found[inside]).all()
    assert (found[inside] <= of.close[inside]).all()
    assert (found[inside] - minutes[inside] < parse_duration(width)).all()
    assert set(of.close[inside].tolist()) <= set(found.tolist())
