"""Which terms are in force, and what each does to prices and volumes: tables; the order of hearing never matters."""

from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import permutations
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import DataError
from schemas.loader import load
from udfs.adjustment import EFFECTS, NAMES, Adjustment, Effect, Policy, adjustment, factors, problem
from udfs.announcements import in_force

DAY_US = 86_400_000_000
SESSION = date(2001, 1, 12)


def record(event_id="e", version=1, function="NEW", **changes):
    base = {
        "event_id": event_id, "version": version, "function": function, "symbol": "A", "action_type": "SPLIT",
        "ex_date": date(1970, 1, 11), "numerator": 2, "denominator": 1, "status": "FINAL", "known_at": 0,
    }  # fmt: skip
    return base | changes


TWO, THREE = record(), record(numerator=3)
IN_FORCE = {
    "one": ([TWO], [TWO]),
    "twice the same": ([TWO, TWO], [TWO]),
    "replaced": ([TWO, record(version=2, function="REPLACE", numerator=3)], [3]),
    "an older version comes late": ([record(version=2, function="REPLACE", numerator=3), TWO], [3]),
    "cancelled": ([TWO, record(version=2, function="CANCEL")], []),
    "cancelled without terms": ([TWO, record(version=2, function="CANCEL", numerator=0, symbol="")], []),
    "replaced, cancelled": ([TWO, record(version=2, function="REPLACE"), record(version=3, function="CANCEL")], []),
    "reinstated": ([THREE, record(version=2, function="CANCEL"), record(version=3, function="REINSTATE")], [3]),
    "reinstated, all else unheard": ([record(version=3, function="REINSTATE")], [2]),
    "cancelled again": ([record(version=3, function="REINSTATE"), record(version=4, function="CANCEL"), TWO], []),
    "provisional": ([record(status="PROVISIONAL")], [2]),
    "provisional, then final": ([record(status="PROVISIONAL", known_at=5), THREE], [3]),
    "final by default": ([record(status="PROVISIONAL", known_at=5), record(numerator=3) | {"status": None}], [3]),
    "the later known of two alike": ([record(known_at=5), record(known_at=datetime(1970, 1, 1, tzinfo=UTC))], [2]),
    "its type is replaced": ([TWO, record(version=2, function="REPLACE", action_type="OTHER")], ["OTHER"]),
    "two on one day, by event": ([record("f"), record("e", numerator=3)], [3, 2]),
    "by ex-date": ([record("e"), record("f", ex_date=date(1970, 1, 2), numerator=3)], [3, 2]),
    "a date in days": ([record("f"), record("e", ex_date=10, numerator=3)], [3, 2]),
    "cash, capital, ratio, notice": (
        [
            record("a", action_type="OTHER"),
            record("b"),
            record("c", action_type="SPIN_OFF", cash_amount=1.0),
            record("d", action_type="CASH_DIVIDEND", cash_amount=1.0),
        ],
        ["CASH_DIVIDEND", "SPIN_OFF", 2, "OTHER"],
    ),
    "by session, not by date": (  # Tokyo opens on the 12th before New York does
        [record("a", ex_date=SESSION, mic="XNYS"), record("b", ex_date=SESSION, mic="XTKS", numerator=3)],
        [3, 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("records", "terms"), IN_FORCE.values(), ids=IN_FORCE)
def test_what_is_in_force(records, terms):
    for heard in permutations(records):
        found = in_force(heard)
        assert [r["numerator"] if r["action_type"] == "SPLIT" else r["action_type"] for r in found] == [
            t["numerator"] if isinstance(t, dict) else t for t in terms
        ]


def test_a_field_without_order_that_no_split_reads_decides_nothing():
    amounts = [("CHF", nan), ("EUR", 1.0), ("USD", nan)]
    records = [record(cash_amount=amount, currency=currency) for currency, amount in amounts]
    assert {in_force(heard)[0]["currency"] for heard in permutations(records)} == {"EUR"}


P, C = 40.0, 30.0  # close before, close after
TERMS = {
    "SPLIT": ({}, (Fraction(1, 2), Fraction(2))),
    "REVERSE_SPLIT": ({"numerator": 1, "denominator": 8}, (Fraction(8), Fraction(1, 8))),
    "RATIO_CHANGE": ({"numerator": 5, "denominator": 2}, (Fraction(2, 5), Fraction(5, 2))),
    "STOCK_DIVIDEND": ({"numerator": 1, "denominator": 20}, (Fraction(20, 21), Fraction(21, 20))),
    "SHARE_CLASS_DIVIDEND": ({"numerator": 1, "denominator": 1}, (Fraction(1, 2), Fraction(2))),
    "CURRENCY_CHANGE": ({"numerator": 1, "denominator": 1000}, (Fraction(1, 1000), Fraction(1))),
    "SPIN_OFF": ({"cash_amount": 10.0}, (Fraction(3, 4), Fraction(1))),
    "RIGHTS_ISSUE": ({"numerator": 1, "denominator": 3, "subscription_price": 20.0}, (Fraction(35, 40), Fraction(1))),
    "CASH_DIVIDEND": ({"cash_amount": 10.0}, None),
    "SPECIAL_DIVIDEND": ({"cash_amount": 10.0}, None),
    "RETURN_OF_CAPITAL": ({"cash_amount": 10.0}, None),
    "OTHER": ({"numerator": 7}, (Fraction(1), Fraction(1))),
}
CASH = {
    Policy.SPLIT: Fraction(1),
    Policy.TOTAL: Fraction(3, 4),
    Policy.TOTAL_EX: Fraction(3, 4),
}  # 30 / (30 + 10) happens to agree


@pytest.mark.parametrize(("kind", "terms", "expected"), [(kind, *row) for kind, row in TERMS.items()], ids=TERMS)
def test_the_factor_of_each_type(kind, terms, expected):
    found = adjustment(record(action_type=kind, **terms))
    assert (found.ex_time_us, found.effect, found.event_id) == (10 * DAY_US, EFFECTS[kind], "e")
    assert found.scale(Policy.RAW, P, C) == (1, 1)
    for policy, cash in CASH.items():
        assert found.scale(policy, P, C) == (expected or (cash, 1))
        assert factors([found], policy, P, C) == (expected or (cash, 1))


def test_every_type_of_the_schema_has_its_place():
    field = next(f for f in load("market.corporate_action.v1")["fields"] if f["name"] == "action_type")
    assert set(field["type"]["symbols"]) == set(EFFECTS) | set(NAMES)
    assert set(TERMS) == set(EFFECTS)
    for kind in NAMES:
        assert adjustment(record(action_type=kind)) is None


@pytest.mark.parametrize(
    ("kind", "terms", "last", "close"),
    [
        ("CASH_DIVIDEND", {"cash_amount": 40.0}, 40.0, 1.0),
        ("SPECIAL_DIVIDEND", {"cash_amount": 41.0}, 40.0, 1.0),
        ("CASH_DIVIDEND", {"cash_amount": 1.0}, 0.0, 1.0),
        ("CASH_DIVIDEND", {"cash_amount": 1.0}, -1.0, 1.0),
        ("CASH_DIVIDEND", {"cash_amount": 1.0}, nan, 1.0),
        ("CASH_DIVIDEND", {"cash_amount": 0.0}, 40.0, 1.0),
        ("SPIN_OFF", {"cash_amount": 40.0}, 40.0, 1.0),
        ("RIGHTS_ISSUE", {"subscription_price": 40.0}, 40.0, 1.0),
        ("RIGHTS_ISSUE", {"subscription_price": 50.0}, 40.0, 1.0),
    ],
)
def test_terms_that_the_price_rules_out_change_nothing(kind, terms, last, close):
    found = adjustment(record(action_type=kind, **terms))
    for policy in Policy:
        assert found.scale(policy, last, close) == (1, 1)


def test_the_two_conventions_of_cash_differ_where_the_day_itself_moved():
    found = adjustment(record(action_type="CASH_DIVIDEND", cash_amount=10.0))
    assert found.scale(Policy.TOTAL, 40.0, 50.0) == (Fraction(3, 4), 1)  # Yahoo: 50 / 30
    assert found.scale(Policy.TOTAL_EX, 40.0, 50.0) == (Fraction(5, 6), 1)  # CRSP: 60 / 40
    assert found.scale(Policy.TOTAL_EX, 40.0, 0.0) == (1, 1)


def test_cash_is_taken_as_the_double_that_prices_are():
    found = adjustment(record(action_type="CASH_DIVIDEND", cash_amount=0.1))
    assert found.scale(Policy.TOTAL, 0.1, 0.1) == (1, 1)  # as 1/10 it would leave a sliver of the price


def changes(*kinds):
    terms = {"split": {}, "cash": {"action_type": "CASH_DIVIDEND", "cash_amount": 4.0},
             "spin": {"action_type": "SPIN_OFF", "cash_amount": 6.0},
             "rights": {"action_type": "RIGHTS_ISSUE", "numerator": 1, "subscription_price": 20.0}}  # fmt: skip
    return [adjustment(record(str(i), **terms[kind])) for i, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "split", "total", "total_ex"),
    [
        ([], Fraction(1), Fraction(1), Fraction(1)),
        (["split", "split"], Fraction(1, 4), Fraction(1, 4), Fraction(1, 4)),
        (["cash", "cash"], Fraction(1), Fraction(32, 40), Fraction(30, 38)),  # as one dividend of 8
        (["cash", "split"], Fraction(1, 2), Fraction(36, 80), Fraction(60, 64) / 2),  # 30 after are 60 of the old units
        (
            ["cash", "spin"],
            Fraction(30, 36),
            Fraction(30, 40),
            Fraction(36, 40) * Fraction(30, 36),
        ),  # 30 after were 36 before the spin-off
        (["spin", "rights"], Fraction(27, 40), Fraction(27, 40), Fraction(27, 40)),  # 40 - 6 = 34; (34 + 20) / 2 = 27
        (
            ["split", "cash"],
            Fraction(1, 2),
            Fraction(16, 40),
            Fraction(30, 34) / 2,
        ),  # a later day, no bar between: cash of a new unit
    ],
)
def test_several_at_one_bar_act_as_one(kinds, split, total, total_ex):
    found = changes(*kinds)
    expected = {Policy.RAW: Fraction(1), Policy.SPLIT: split, Policy.TOTAL: total, Policy.TOTAL_EX: total_ex}
    for policy, price in expected.items():
        assert factors(found, policy, P, C)[0] == price, policy


BAD = {
    "numerator zero": ({"numerator": 0}, "ratio 0/1 is not positive"),
    "denominator negative": ({"denominator": -1}, "ratio 2/-1 is not positive"),
    "numerator large": ({"numerator": 2**31 + 1}, "too large"),
    "denominator large": ({"denominator": 2**63}, "too large"),
    "function": ({"function": "UNDO"}, "unknown function 'UNDO'"),
    "type": ({"action_type": "SPLITT"}, "unknown action type 'SPLITT'"),
    "symbol": ({"symbol": ""}, "no symbol"),
    "cash missing": ({"action_type": "CASH_DIVIDEND"}, "cash_amount None of a CASH_DIVIDEND"),
    "cash negative": ({"action_type": "RETURN_OF_CAPITAL", "cash_amount": -1.0}, "cash_amount -1.0"),
    "cash infinite": ({"action_type": "SPECIAL_DIVIDEND", "cash_amount": inf}, "cash_amount inf"),
    "cash nan": ({"action_type": "SPIN_OFF", "cash_amount": nan}, "cash_amount nan"),
    "subscription": ({"action_type": "RIGHTS_ISSUE"}, "subscription_price None"),
    "rights": ({"action_type": "RIGHTS_ISSUE", "numerator": 0, "subscription_price": 1.0}, "ratio 0/1"),
    "no other": ({"action_type": "SYMBOL_CHANGE"}, "no other_symbol"),
    "itself": ({"action_type": "SYMBOL_CHANGE", "other_symbol": "A"}, "'A' is the symbol itself"),
    "merged into itself": ({"action_type": "MERGER", "other_symbol": "A"}, "'A' is the symbol itself"),
    "exchange": ({"mic": "XXXX"}, "no sessions of XXXX"),
    "no such day": ({"ex_date": 2**31 - 1}, "not a day of this time"),
    "before the calendar": ({"ex_date": date(1980, 1, 2), "mic": "XTKS"}, "no sessions of XTKS in 1980"),
}  # fmt: skip


@pytest.mark.parametrize(("terms", "fault"), BAD.values(), ids=BAD)
def test_records_that_cannot_be_used(terms, fault):
    assert fault in problem(record(**terms))
    assert problem(record(**terms) | {"function": "CANCEL"}) == ""  # it needs no terms
    with pytest.raises(DataError, match=r"(?s)in corporate action 'e'"):
        in_force([record(**terms)])


@pytest.mark.parametrize(
    "terms",
    [
        {"action_type": "NAME_CHANGE", "other_symbol": "A"},
        {"action_type": "EXCHANGE_MOVE", "other_symbol": "A"},
        {"action_type": "MERGER"},
        {"action_type": "CASH_DIVIDEND", "cash_amount": 0.0, "numerator": 0},
        {"numerator": 2**31, "mic": "XNYS", "ex_date": date(2000, 6, 21)},
    ],
)
def test_records_that_can(terms):
    assert problem(record(**terms)) == ""


def test_the_calendar_of_those_that_name_none():
    assert "no sessions of XXXX" in problem(record(), "XXXX")
    assert adjustment(record(ex_date=SESSION), "XNYS").ex_time_us % DAY_US == 14.5 * DAY_US / 24


@settings(deadline=None)
@given(st.fractions(Fraction(1, 100), 5, max_denominator=100), st.floats(10, 1000), st.floats(1, 1000))
def test_the_ex_days_return_is_the_conventions(value, last, close):
    paid = Adjustment(0, Effect.CASH, "e", value=value)
    yahoo, crsp = (paid.scale(policy, last, close)[0] for policy in (Policy.TOTAL, Policy.TOTAL_EX))
    assert Fraction(close) / (Fraction(last) * yahoo) == Fraction(close) / (Fraction(last) - value)
    assert Fraction(close) / (Fraction(last) * crsp) == (Fraction(close) + value) / Fraction(last)
