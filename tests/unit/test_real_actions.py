"""Real corporate actions: what was published about them comes out of our terms, alone and all in one world."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracles.events import DAY_US, days, events, in_new_terms, returns, twin
from udfs.adjustment import EFFECTS, NAMES, Effect, Policy, factors, problem
from udfs.securities import MEMBERSHIP, Actions
from udfs.sessions import ex_time

EVENTS = list(events())
WORLD = Actions(action for event in EVENTS for action in event.actions)
ULP = 2**-52

each = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)


def changes(event, world=WORLD):
    """The event's adjustments, of the security that its ticker denoted before."""
    ids = {action["event_id"] for action in event.actions}
    security = world.security(event.before, twin(event)[4].day * DAY_US + DAY_US)
    return tuple(change for change in world.adjustments.get(security, ()) if change.event_id in ids)


def test_there_are_many_of_every_type():
    kinds = Counter(action["action_type"] for event in EVENTS for action in event.actions)
    assert set(kinds) == (set(EFFECTS) | set(NAMES)) - set(MEMBERSHIP)  # of an index, not of a company
    assert len(EVENTS) >= 80
    assert len({event.name for event in EVENTS}) == len(EVENTS)


@each
def test_its_records_can_be_used_and_its_days_are_sessions(event):
    for action in event.actions:
        assert problem(action) == ""
        if action["mic"]:
            assert ex_time(action["ex_date"], action["mic"]) // DAY_US - action["ex_date"] in (-1, 0)


@each
def test_alone_it_is_what_it_is_among_all(event):
    alone = Actions(event.actions)
    assert changes(event, alone) == changes(event)
    assert len(changes(event)) == sum(action["action_type"] in EFFECTS for action in event.actions)


@pytest.mark.parametrize("event", [e for e in EVENTS if "factor" in e.facts], ids=lambda event: event.name)
def test_the_published_factor(event):
    published, close, less = (event.facts.get(key, 0) for key in ("factor", "close", "less"))
    ratios = [change for change in changes(event) if change.effect > 0]
    price, volume = factors(ratios or changes(event), Policy.TOTAL, close or 100.0, 1.0)
    if "/" in published:
        assert price == Fraction(published)
        assert volume == (1 if event.actions[0]["action_type"] == "CURRENCY_CHANGE" else 1 / price)
    else:
        assert rounded(price / (1 - Fraction(less) / Fraction(close)), published) == Decimal(published)


@pytest.mark.parametrize("event", [e for e in EVENTS if "restated" in e.facts], ids=lambda event: event.name)
def test_the_published_close_in_new_terms(event):
    close, restated = event.facts["close"], event.facts["restated"]
    assert rounded(Fraction(close) * factors(changes(event), Policy.TOTAL, close, 1.0)[0], restated) == Decimal(
        restated
    )


@pytest.mark.parametrize("event", [e for e in EVENTS if "adjusted" in e.facts], ids=lambda event: event.name)
def test_the_published_adjusted_closes(event):
    last, close = event.facts["closes"]
    before, after = event.facts["adjusted"]
    price, _ = factors(changes(event), Policy.TOTAL_EX, last, close)
    assert close / (last * float(price)) == pytest.approx(after / before, rel=1e-12)


@each
def test_the_twins_total_return_on_the_ex_day_is_exact(event):
    """P7. By both conventions; volumes and prices meet again in new units."""
    days_ = twin(event)
    last, close = days_[4].close, days_[5].close if len(days_) > 5 else 1.0
    yahoo, crsp = returns(event.actions, Fraction(last), Fraction(close))
    for policy, expected in ((Policy.TOTAL, yahoo), (Policy.TOTAL_EX, crsp)):
        price, volume = factors(changes(event), policy, last, close)
        assert Fraction(close) / (Fraction(last) * price) == expected
        assert close / (last * float(price)) == pytest.approx(float(expected), rel=2 * ULP)
        assert volume == in_new_terms(event.actions, Fraction(last))[1]


@each
def test_split_adjusted_the_twin_falls_by_its_cash_alone(event):
    last = twin(event)[4].close
    others = [change for change in changes(event) if change.effect > 0]
    by_split, by_total = (factors(changes(event), policy, last, 1.0) for policy in (Policy.SPLIT, Policy.TOTAL))
    paid = sum(Fraction(a["cash_amount"]) for a in event.actions if EFFECTS.get(a["action_type"]) is Effect.CASH)
    left = Fraction(last) - paid
    assert by_split == factors(others, Policy.SPLIT, left, 1.0)
    assert by_total[0] == by_split[0] * left / Fraction(last)


@pytest.mark.parametrize("world", ["alone", "among all"])
@each
def test_who_is_who(event, world):
    """P8. The security goes on under its new ticker, ends, and is never mixed with one that takes its ticker."""
    found = WORLD if world == "among all" else Actions(event.actions)
    days_ = twin(event)
    names = [found.security(day.symbol, (day.day + 1) * DAY_US) for day in days_]
    security = names[4]
    if event.after:
        assert set(names) == {security}
    else:
        assert security not in names[5:]
        assert found.security(event.before, (days(event.facts["ex_date"]) + 1) * DAY_US) != security
    if "reused" in event.facts:
        assert found.security(event.before, (days(event.facts["reused"]) + 1) * DAY_US) != security
    if event.after not in ("", event.before):
        assert found.security(event.before, (days(event.facts["ex_date"]) + 1) * DAY_US) != security
        assert found.security(event.after, days_[4].day * DAY_US + DAY_US) != security


def rounded(value, like):
    """value with as many decimals as the text has."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(like))
