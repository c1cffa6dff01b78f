"""Bars against their naive twin, and whatever order the records come in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.bars import Record, bars_of, ids_of, ticks, trades_of
from udfs.bars import COLUMNS, TRADES, Bars, build
from udfs.ticks import CANCEL, CORRECT, TRADE

# few of everything, so that repeats, contradictions and equal times come up; sizes in binary fractions, whose sums
# are exact in any order
RECORD = st.builds(
    Record,
    st.sampled_from(["A", "B"]),
    st.integers(0, 3),
    st.integers(1, 4).map(float),
    st.integers(1, 8).map(lambda n: n / 4),
    st.integers(0, 2),
    st.sampled_from(["", "", "x", "y"]),
    st.sampled_from([TRADE, TRADE, TRADE, CANCEL, CORRECT]),
)
END = 5
RECORDS = st.lists(RECORD, min_size=1, max_size=12)


def told_apart(records: list[Record]) -> bool:
    """Whether no two trades of a symbol that stand have one time and sequence."""
    places = [(row.symbol, row.event_time, row.sequence) for row in trades_of(records)[0]]
    return len(set(places)) == len(places)


@settings(deadline=None)  # the first example compiles
@given(RECORDS.filter(told_apart))
def test_bars_are_those_of_the_naive_twin(records: list[Record]) -> None:
    found, wanted = build(ticks(records), END), bars_of(records, END)
    assert found.symbols == sorted(wanted)
    for row, name in zip(found.values, found.symbols, strict=True):
        assert tuple(wanted[name]) == COLUMNS
        np.testing.assert_allclose(row, list(wanted[name].values()), rtol=1e-14, atol=0, err_msg=name)
    assert found.counts.tolist() == list(trades_of(records)[1].values())
    assert found.counts.sum() + found.values[:, TRADES].sum() == len(records)


@settings(deadline=None)
@given(RECORDS)
def test_ids_say_which_trades_a_bar_is_made_of(records: list[Record]) -> None:
    found = build(ticks(records), END)
    assert dict(zip(found.symbols, map(tuple, found.ids.tolist()), strict=True)) == ids_of(records)


@settings(deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(records: list[Record], random) -> None:
    shuffled = random.sample(records, len(records))
    assert plain(build(ticks(shuffled), END)) == plain(build(ticks(records), END))


def plain(bars: Bars) -> tuple[list[str], bytes, bytes]:
    return bars.symbols, bars.values.tobytes(), bars.counts.tobytes()
