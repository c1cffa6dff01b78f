"""Who is who and what is adjusted is a function of the set of records: no order, repeat or detour changes it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.securities import Actions

DAY_US = 86_400_000_000
KINDS = (
    "SPLIT",
    "STOCK_DIVIDEND",
    "CASH_DIVIDEND",
    "SPIN_OFF",
    "SYMBOL_CHANGE",
    "MERGER",
    "DELISTING",
    "RELISTING",
    "OTHER",
)
SYMBOLS = "ABC"
DAYS = 6


def action(event_id, symbol, kind, day, number, version=1, function="NEW", status="FINAL", known_at=0):
    other = SYMBOLS[(SYMBOLS.index(symbol) + number) % 3]
    return {
        "event_id": event_id, "version": version, "function": function, "symbol": symbol, "action_type": kind,
        "ex_date": day, "numerator": number, "denominator": 3, "cash_amount": float(number), "other_symbol": other,
        "status": status, "known_at": known_at,
    }  # fmt: skip


def actions(event_ids, **more):
    days, numbers = st.integers(1, DAYS), st.integers(1, 2)
    return st.builds(action, event_ids, st.sampled_from(SYMBOLS), st.sampled_from(KINDS), days, numbers, **more)


VERSIONS = {
    "version": st.integers(1, 3),
    "function": st.sampled_from(["NEW", "REPLACE", "CANCEL", "REINSTATE"]),
    "status": st.sampled_from(["PROVISIONAL", "FINAL"]),
    "known_at": st.integers(0, 1),
}
heard = st.lists(actions(st.sampled_from("0123456"), **VERSIONS), max_size=12)
events = st.lists(actions(st.uuids().map(str)), max_size=8)


def world(found):
    """All that can be asked of it."""
    ends = [day * DAY_US + us for day in range(DAYS + 2) for us in (0, 1)]
    return found.adjustments, found.cuts, [found.security(symbol, end) for symbol in SYMBOLS for end in ends]


@settings(deadline=None)
@given(heard, st.randoms())
def test_order_and_repeats_change_nothing(records, random):
    again = records + records[:5]
    random.shuffle(again)
    assert world(Actions(again)) == world(Actions(records))


@settings(deadline=None)
@given(heard, actions(st.just("x")), st.data())
def test_announced_and_cancelled_is_never_announced(records, more, data):
    found = [*records, more, more | {"version": 2, "function": "CANCEL"}]
    assert world(Actions(data.draw(st.permutations(found)))) == world(Actions(records))


@settings(deadline=None)
@given(heard, actions(st.just("x")), actions(st.just("x")), st.booleans(), st.data())
def test_provisional_then_final_is_final_from_the_start(records, guess, final, amends, data):
    first = guess | {"status": "PROVISIONAL"}
    last = final | ({"version": 2, "function": "REPLACE"} if amends else {"known_at": 5})
    assert world(Actions(data.draw(st.permutations([*records, first, last])))) == world(Actions([*records, last]))


@settings(deadline=None)
@given(heard, actions(st.just("x")), st.data())
def test_reinstated_is_never_cancelled(records, more, data):
    detour = [more | {"version": 2, "function": "CANCEL"}, more | {"version": 3, "function": "REINSTATE", "ex_date": 9}]
    assert world(Actions(data.draw(st.permutations([*records, more, *detour])))) == world(Actions([*records, more]))


@settings(deadline=None)
@given(events)
def test_no_two_tickers_denote_one_security_at_once(records):
    found = Actions(records)
    for day in range(DAYS + 2):
        names = [found.security(symbol, day * DAY_US + 1) for symbol in SYMBOLS]
        assert len(set(names)) == len(names)


@settings(deadline=None)
@given(events)
def test_cuts_are_where_the_answer_changes(records):
    found = Actions(records)
    for symbol in SYMBOLS:
        days = range(DAYS + 1)
        moves = [
            d * DAY_US for d in days if found.security(symbol, d * DAY_US) != found.security(symbol, d * DAY_US + 1)
        ]
        assert list(found.cuts.get(symbol, ())) == moves


@settings(deadline=None)
@given(events)
def test_an_action_changes_nothing_before_it(records):
    """What is announced for a later day moves neither names nor adjustments of earlier ones."""
    known = [record for record in records if record["ex_date"] <= 3]
    all_, first = Actions(records), Actions(known)
    for symbol in SYMBOLS:
        for day in range(4):
            assert all_.security(symbol, day * DAY_US + 1) == first.security(symbol, day * DAY_US + 1)
    early = {
        name: found
        for name, changes in all_.adjustments.items()
        if (found := tuple(c for c in changes if c.ex_time_us <= 3 * DAY_US))
    }
    assert early == first.adjustments


@settings(deadline=None)
@given(events)
def test_each_adjustment_lands_on_the_security_that_its_ticker_denoted(records):
    found = Actions(records)
    terms = {record["event_id"]: record for record in records}
    placed = [(name, change) for name, changes in found.adjustments.items() for change in changes]
    assert len({change.event_id for _, change in placed}) == len(placed)
    for name, change in placed:
        symbol = terms[change.event_id]["symbol"]
        assert name in {found.security(symbol, change.ex_time_us + us) for us in (0, 1)}
    for changes in found.adjustments.values():
        keys = [(change.ex_time_us, change.effect, change.event_id) for change in changes]
        assert changes
        assert keys == sorted(keys)
