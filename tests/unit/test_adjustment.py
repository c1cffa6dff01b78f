"""Which splits are in force, from tables of records; the order in which records are heard never matters."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import DataError
from udfs.adjustment import Split, effective, problem

DAY_US = 86_400_000_000


def record(event_id="e", version=1, function="NEW", **changes):
    base = {
        "event_id": event_id, "version": version, "function": function, "symbol": "A", "action_type": "SPLIT",
        "ex_date": date(1970, 1, 11), "numerator": 2, "denominator": 1, "status": "FINAL", "known_at": 0,
    }  # fmt: skip
    return base | changes


SPLIT = Split("A", 10 * DAY_US, 2, 1)
THREE = Split("A", 10 * DAY_US, 3, 1)
CASES = {
    "one": ([record()], [SPLIT]),
    "twice the same": ([record(), record()], [SPLIT]),
    "replaced": ([record(), record(version=2, function="REPLACE", numerator=3)], [THREE]),
    "an older version comes late": ([record(version=2, function="REPLACE", numerator=3), record()], [THREE]),
    "cancelled": ([record(), record(version=2, function="CANCEL")], []),
    "cancelled without terms": ([record(), record(version=2, function="CANCEL", numerator=0, denominator=0)], []),
    "replaced, cancelled": (
        [record(), record(version=2, function="REPLACE"), record(version=3, function="CANCEL")],
        [],
    ),
    "reinstated": (
        [record(numerator=3), record(version=2, function="CANCEL"), record(version=3, function="REINSTATE")],
        [THREE],
    ),
    "reinstated, all else unheard": ([record(version=3, function="REINSTATE")], [SPLIT]),
    "cancelled again": ([record(version=3, function="REINSTATE"), record(version=4, function="CANCEL"), record()], []),
    "provisional": ([record(status="PROVISIONAL")], [SPLIT]),
    "provisional, then final": ([record(status="PROVISIONAL", known_at=5), record(numerator=3)], [THREE]),
    "reverse": (
        [record(action_type="REVERSE_SPLIT", numerator=1, denominator=10)],
        [Split("A", 10 * DAY_US, 1, 10)],
    ),
    "other kinds": ([record(action_type="CASH_DIVIDEND", numerator=0), record(action_type="OTHER")], []),
    "two on one day, by event": ([record("f"), record("e", numerator=3)], [THREE, SPLIT]),
    "by ex-date": (
        [record("e"), record("f", ex_date=date(1970, 1, 2))],
        [Split("A", DAY_US, 2, 1), SPLIT],
    ),
    "a date in days": ([record(ex_date=10)], [SPLIT]),
}


@pytest.mark.parametrize(("records", "splits"), CASES.values(), ids=CASES)
def test_what_is_in_force(records, splits):
    assert effective(records).get("A", []) == splits
    assert effective(reversed(records)).get("A", []) == splits


def test_symbols_are_kept_apart():
    found = effective([record("e"), record("f", symbol="B", numerator=3)])
    assert found == {"A": [SPLIT], "B": [Split("B", 10 * DAY_US, 3, 1)]}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"numerator": 0}, "0/1"),
        ({"denominator": -1}, "2/-1"),
        ({"function": "UNDO"}, "UNDO"),
    ],
)
def test_records_that_cannot_be_used(changes, fault):
    assert fault in problem(record(**changes))
    with pytest.raises(DataError, match=f"{fault}.*'e'"):
        effective([record(**changes)])


records = st.lists(
    st.builds(
        record,
        event_id=st.sampled_from("abc"),
        version=st.integers(1, 3),
        function=st.sampled_from(["NEW", "REPLACE", "CANCEL", "REINSTATE"]),
        symbol=st.sampled_from("AB"),
        ex_date=st.sampled_from([date(2020, 1, 1), date(2020, 1, 2)]),
        numerator=st.integers(1, 4),
        status=st.sampled_from(["FINAL", "PROVISIONAL"]),
        known_at=st.sampled_from([0, 1, datetime(2020, 1, 1, tzinfo=UTC)]),
    ),
    max_size=8,
)


@given(records, st.randoms())
def test_order_and_repeats_change_nothing(heard, random):
    again = heard + heard[:3]
    random.shuffle(again)
    assert effective(again) == effective(heard)
