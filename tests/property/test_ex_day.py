"""The ex-day through the whole live way: total returns to the last digit, state that follows a change of ticker."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.world import (
    DAY,
    RATIOS,
    Action,
    Clean,
    World,
    action,
    bits,
    draw_action,
    draw_moves,
    final_bars,
    short_windows,
    tape,
)
from udfs.table import table
from udfs.ticks import Ticks


def total_return_of_the_ex_day_is_exact(random: Random) -> None:
    """P7: ln(P_ex / (P_prev - D)) and ln((P_ex + D) / P_prev) to 2 ulp of the ratio; a split's P_ex is in old units."""
    ticks = tape(random.randrange(2**32), 20, symbols=["A", "B"], whole=True)
    paid = [Fraction(random.randint(1, 1000), 256) for _ in range(random.choice([1, 1, 2]))]
    actions = [action(f"d{i}", "CASH_DIVIDEND", "A", cash_amount=float(cash)) for i, cash in enumerate(paid)]
    split = Fraction(*random.choice([(1, 1), (2, 1), (1, 10), (7, 5)]))
    if split != 1:
        actions.append(action("s", "SPLIT", "A", numerator=split.numerator, denominator=split.denominator))
    before, after, at = ex_closes(final_bars(ticks), "A")
    found = table(World().run(draw_moves(random, ticks, actions)).frames).to_pylist()
    row = next(row for row in found if row["symbol"] == "A" and row["event_time"].timestamp() * 1_000_000 == at)
    cash, new = sum(paid), after * split
    for name, ratio in (("log_total_return", new / (before - cash)), ("log_total_return_ex", (new + cash) / before)):
        exact = math.log(ratio)
        assert abs(row[name] - exact) <= 2 * math.ulp(float(ratio)) / float(ratio) + math.ulp(exact), name
    assert row["log_return"] == pytest.approx(math.log(new / before), abs=1e-14)


def ex_closes(bars: pa.Table, symbol: str) -> tuple[Fraction, Fraction, int]:
    """The closes around the first midnight, and when the bar of the later one ends."""
    rows = [row for row in bars.to_pylist() if row["symbol"] == symbol]
    ends = [round(row["event_time"].timestamp() * 1_000_000) for row in rows]
    at = next(i for i, end in enumerate(ends) if end > DAY)
    return Fraction(rows[at - 1]["close"]), Fraction(rows[at]["close"]), ends[at]


@dataclass(frozen=True)
class Change:
    """Companies by the names that never change, those that trade to or from the first midnight only, and new tickers.

    A company's name sorts where its security's id does, which is what correlations are summed in the order of.
    """

    said: tuple[Action, ...]
    tickers: dict[str, str]
    companies: tuple[str, ...] = ("A", "B", "C", "D")
    ends: str = ""
    begins: str = ""

    def ticker(self, company: str, time: int) -> str:
        """What it trades under in a bar that ends then."""
        return self.tickers.get(company, company) if time > DAY else company


CHANGES = {
    "a new ticker": Change((action("s", "SYMBOL_CHANGE", "C", other_symbol="E"),), {"C": "E"}),
    "at another exchange": Change((action("s", "EXCHANGE_MOVE", "C", other_symbol="E"),), {"C": "E"}),
    "one takes what another leaves": Change(
        (action("s", "SYMBOL_CHANGE", "C", other_symbol="E"), action("t", "SYMBOL_CHANGE", "B", other_symbol="C")),
        {"C": "E", "B": "C"},
    ),
    "a ticker used again": Change(
        (action("s", "DELISTING", "A"),), {"A#2": "A"}, ("A", "A#2", "B", "C", "D"), ends="A", begins="A#2"
    ),
    "used again after a merger": Change(
        (action("s", "MERGER", "C", other_symbol="B"),), {"C#2": "C"}, ("A", "B", "C", "C#2"), ends="C", begins="C#2"
    ),
    "left and used again": Change(
        (action("s", "SYMBOL_CHANGE", "C", other_symbol="E"),),
        {"C": "E", "C#2": "C"}, ("A", "B", "C", "C#2", "D"), begins="C#2",
    ),
    "delisted and relisted": Change((action("s", "DELISTING", "C"), action("t", "RELISTING", "C", ex_date=1)), {}),
}  # fmt: skip


def a_company_keeps_its_state_whatever_its_ticker(random: Random, name: str = "") -> None:
    """P8: every number is as if each company had always had one name of its own, heard in time or late."""
    change = CHANGES[name or random.choice(list(CHANGES))]
    ticks = tape(random.randrange(2**32), random.choice([10, 30]), symbols=list(change.companies), strays=False)
    names, early = np.array(ticks.symbols)[ticks.code], ticks.event_time < DAY
    ticks = ticks.take(~(((names == change.ends) & ~early) | ((names == change.begins) & early)))
    company = random.choice(change.companies)
    day = {change.ends: 0, change.begins: 2}.get(company, random.choice([0, 2]))
    paid = draw_action(random, "paid", (*RATIOS, "CASH_DIVIDEND", "SPIN_OFF")) | {"ex_date": day}
    told = paid | {"symbol": change.ticker(company, day * DAY)}
    moves = draw_moves(random, listed(ticks, change), [*change.said, told])
    world = World(random.randint(1, 4)).run(moves)
    twin = Clean.of(ticks, [paid | {"symbol": company}])
    assert bits(table(world.frames)) == bits(twin.table, change.ticker)
    assert world.state() == twin.state


def listed(ticks: Ticks, change: Change) -> Ticks:
    """The trades of companies under their tickers."""
    early = ticks.event_time < DAY
    after = replace(ticks.take(~early), symbols=[change.ticker(name, DAY + 1) for name in ticks.symbols])
    return Ticks.concat([ticks.take(early), after])


PROPERTIES = (total_return_of_the_ex_day_is_exact, a_company_keeps_its_state_whatever_its_ticker)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
@settings(max_examples=10, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_holds(holds: Callable[[Random], None], random: Random) -> None:
    with short_windows(benchmarks=(), pairs=()):  # these are tickers
        holds(random)


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_of_ticker(name: str) -> None:
    with short_windows(benchmarks=(), pairs=()):
        for seed in range(2):
            a_company_keeps_its_state_whatever_its_ticker(Random(seed), name)
