"""Who is who, drawn on time lines: a day a column, the security that each ticker's daily bar belongs to.

An action with ex-day d holds for bars that end after midnight of d: from the bar of day d on.
"""

import pickle

import pytest

from udfs.securities import Actions

DAY_US = 86_400_000_000
DAYS = 8


def event(spec, event_id):
    """A record of `3 FB > META` (symbol change), `3 A x` (delisting), `3 A m B` (merger), `3 A r` (relisting),
    `3 A @ B` (exchange move), `3 A 2:1` (split), `3 A $` (dividend)."""
    day, symbol, verb, *other = spec.split()
    kinds = {">": "SYMBOL_CHANGE", "x": "DELISTING", "m": "MERGER", "r": "RELISTING", "@": "EXCHANGE_MOVE",
             "$": "CASH_DIVIDEND", "n": "NAME_CHANGE", "o": "OTHER"}  # fmt: skip
    terms = {"action_type": kinds.get(verb, "SPLIT"), "other_symbol": other[0] if other else None, "cash_amount": 1.0}
    if ":" in verb:
        terms["numerator"], terms["denominator"] = map(int, verb.split(":"))
    return terms | {"event_id": event_id, "version": 1, "function": "NEW", "symbol": symbol, "ex_date": int(day),
                    "known_at": 0}  # fmt: skip


def heard(*specs):
    return Actions(event(spec, f"{i:02}") for i, spec in enumerate(specs))


def line(actions, symbol):
    return " ".join(actions.security(symbol, (day + 1) * DAY_US) for day in range(DAYS))


TIME_LINES = {
    "nothing": ([], {"A": "A A A A A A A A"}),
    "what moves no name": (["3 A n B", "3 A @", "3 A @ A", "3 A 2:1", "3 A $", "3 A o"], {"A": "A A A A A A A A"}),
    "symbol change": (["3 FB > META"], {"FB": "FB FB FB FB#2 FB#2 FB#2 FB#2 FB#2",
                                        "META": "META META META FB FB FB FB FB"}),
    "exchange move to another name": (["3 A @ B"], {"A": "A A A A#2 A#2 A#2 A#2 A#2", "B": "B B B A A A A A"}),
    "a reused ticker": (["2 META > METV", "4 FB > META"], {"META": "META META META#2 META#2 FB FB FB FB",
                                                           "METV": "METV METV META META META META META META",
                                                           "FB": "FB FB FB FB FB#2 FB#2 FB#2 FB#2"}),
    "twice on": (["2 A > B", "5 B > C"], {"B": "B B A A A B#2 B#2 B#2", "C": "C C C C C A A A"}),
    "there and back": (["2 A > B", "5 B > A"], {"A": "A A A#2 A#2 A#2 A A A", "B": "B B A A A B#2 B#2 B#2"}),
    "a chain on one day": (["3 A > B", "3 B > C"], {"A": "A A A A#2 A#2 A#2 A#2 A#2", "B": "B B B A A A A A",
                                                    "C": "C C C B B B B B"}),
    "a swap": (["3 A > B", "3 B > A"], {"A": "A A A B B B B B", "B": "B B B A A A A A"}),
    "delisting": (["3 A x"], {"A": "A A A A#2 A#2 A#2 A#2 A#2"}),
    "merger": (["3 A m B"], {"A": "A A A A#2 A#2 A#2 A#2 A#2", "B": "B B B B B B B B"}),
    "three lives": (["2 A x", "5 A m B"], {"A": "A A A#2 A#2 A#2 A#3 A#3 A#3"}),
    "merged and delisted": (["3 A m B", "3 A x"], {"A": "A A A A#2 A#2 A#2 A#2 A#2"}),
    "relisting": (["2 A x", "5 A r"], {"A": "A A A#2 A#2 A#2 A A A"}),
    "relisting after another life": (["1 A x", "3 A x", "5 A r"], {"A": "A A#2 A#2 A#3 A#3 A#2 A#2 A#2"}),
    "relisting at once": (["3 A x", "3 A r"], {"A": "A A A A A A A A"}),
    "relisting of what never left": (["3 A r"], {"A": "A A A A A A A A"}),
    "two into one: the last event": (["3 A > C", "3 B > C"], {
        "A": "A A A A#2 A#2 A#2 A#2 A#2", "B": "B B B B#2 B#2 B#2 B#2 B#2", "C": "C C C B B B B B"}),
    "one into two: the last event": (["3 A > B", "3 A > C"], {
        "B": "B B B B#2 B#2 B#2 B#2 B#2", "C": "C C C A A A A A"}),
    "delisted and renamed, then relisted": (  # as on a fall from an exchange to the counter: A -> AQ -> A
        ["2 A x", "2 A > AQ", "5 A r"], {"A": "A A A#2 A#2 A#2 A A A", "AQ": "AQ AQ A A A AQ#2 AQ#2 AQ#2"}),
    "the change ends the ticker it enters": (["3 A > B", "5 B x"], {"B": "B B B A A B#2 B#2 B#2"}),
}  # fmt: skip


@pytest.mark.parametrize(("specs", "lines"), TIME_LINES.values(), ids=TIME_LINES)
def test_who_is_who(specs, lines):
    actions = heard(*specs)
    assert {symbol: line(actions, symbol) for symbol in lines} == lines
    for symbol, drawn in lines.items():
        names = drawn.split()
        moves = [day * DAY_US for day in range(1, DAYS) if names[day] != names[day - 1]]
        assert list(actions.cuts.get(symbol, ())) == moves
    assert not set(actions.cuts) - set(lines) - {"A", "B", "C"}


NAMED = {
    "plain": (["3 A 2:1"], {"A": ["2:1"]}),
    "the old name on the day of the change": (["3 A > B", "3 A 2:1"], {"A": ["2:1"]}),
    "the new name on the day of the change": (["3 A > B", "3 B 2:1"], {"A": ["2:1"]}),
    "the new name before": (["3 A > B", "2 B 2:1"], {"B": ["2:1"]}),
    "the new name after": (["3 A > B", "4 B 2:1"], {"A": ["2:1"]}),
    "the old name after": (["3 A > B", "4 A 2:1"], {"A#2": ["2:1"]}),
    "both lives": (["1 A 2:1", "3 A x", "5 A 3:1"], {"A": ["2:1"], "A#2": ["3:1"]}),
    "on its last day": (["3 A x", "3 A 2:1"], {"A": ["2:1"]}),
    "with its return": (["1 A x", "3 A r", "3 A 1:10"], {"A": ["1:10"]}),
    "across a change, in order": (["1 A 2:1", "3 A > B", "5 B 3:1", "3 B $"], {"A": ["2:1", "$", "3:1"]}),
    "in a swap, the one after": (["3 A > B", "3 B > A", "3 A 2:1"], {"B": ["2:1"]}),
    "a notice too": (["3 A o", "3 A 2:1"], {"A": ["2:1", "o"]}),
    "names alone": (["3 A > B", "3 C x", "3 D n"], {}),
}


@pytest.mark.parametrize(("specs", "named"), NAMED.values(), ids=NAMED)
def test_the_security_that_an_action_names(specs, named):
    found = heard(*specs).adjustments
    assert {name: [specs[int(a.event_id)].split()[2] for a in changes] for name, changes in found.items()} == named


def test_a_bar_that_ends_at_the_ex_time_is_of_the_old_terms():
    actions = heard("3 A > B")
    assert [actions.security("B", 3 * DAY_US + us) for us in (-1, 0, 1)] == ["B", "B", "A"]


def test_an_ex_day_begins_at_the_session_open():
    monday, tuesday = 18_001, 18_002
    records = [event("3 A > B", "0") | {"mic": "XTKS", "ex_date": monday}, event("3 A > C", "1") | {"ex_date": tuesday}]
    tokyo, new_york = monday * DAY_US, tuesday * DAY_US + 13.5 * DAY_US / 24
    assert Actions(records, "XNYS").cuts == {"A": (tokyo, new_york), "B": (tokyo,), "C": (new_york,)}


def test_it_travels_between_processes():
    actions = heard("3 A > B", "3 B 2:1")
    copy = pickle.loads(pickle.dumps(actions))
    assert (copy.cuts, copy.adjustments, line(copy, "B")) == (actions.cuts, actions.adjustments, line(actions, "B"))
