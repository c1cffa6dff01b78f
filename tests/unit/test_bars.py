"""One bar time, drawn as records in order of arrival: symbol, time, price, size, sequence, trade id, kind."""

from math import log, pi

import numpy as np
import pytest

from tests.oracles.bars import Record, ticks
from udfs.bars import CLOSE, COLUMNS, TRADES, build, identity
from udfs.registry import CLOCK
from udfs.registry import COLUMNS as DEGREES
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

NONE = [0, 0, 0, 0]
FIRST, SECOND = ("A", 1, 5.0, 1, 0, "t"), ("A", 2, 6.0)
BUST = ("A", 1, 0.0, 0, 0, "t", CANCEL)
ONE, OTHER = {"A": (5, 5, 5, 5, 1, 1)}, {"A": (6, 6, 6, 6, 1, 1)}


@pytest.mark.parametrize(
    ("records", "bars", "counts"),
    [
        # open, high, low, close by time, whatever came first
        ([("A", 3, 7.0), ("A", 1, 5.0), ("A", 2, 9.0), ("A", 4, 6.0)], {"A": (5, 9, 5, 6, 4, 4)}, NONE),
        # of one time, by sequence
        ([("A", 1, 7.0, 1, 9), ("A", 1, 5.0, 1, 2), ("A", 1, 6.0, 1, 5)], {"A": (5, 7, 5, 7, 3, 3)}, NONE),
        # symbols ascend, and have their own bars
        ([("B", 1, 5.0), ("A", 1, 6.0), ("B", 2, 4.0)], {"A": (6, 6, 6, 6, 1, 1), "B": (5, 5, 4, 4, 2, 2)}, NONE),
        # a trade of size 0 makes a price
        ([("A", 1, 5.0, 0.0)], {"A": (5, 5, 5, 5, 0, 1)}, NONE),
        # one trade id in two symbols is two trades
        ([FIRST, ("B", 1, 6.0, 1, 0, "t")], {"A": (5, 5, 5, 5, 1, 1), "B": (6, 6, 6, 6, 1, 1)}, NONE),
        # heard twice: by trade id; without one, by time and sequence
        ([FIRST, FIRST], ONE, [1, 0, 0, 0]),
        ([("A", 1, 5.0, 1, 4), ("A", 1, 5.0, 1, 4), ("A", 1, 5.0, 1, 5)], {"A": (5, 5, 5, 5, 2, 2)}, [1, 0, 0, 0]),
        # repeats that contradict each other: the first by time, sequence, price, size
        ([("A", 2, 1.0, 1, 0, "t"), FIRST], ONE, [1, 0, 0, 0]),
        ([("A", 1, 9.0, 1, 0, "t"), FIRST], ONE, [1, 0, 0, 0]),
        # cancelled: after its trade, before it, twice; nobody's cancel
        ([FIRST, BUST, SECOND], OTHER, [0, 1, 1, 0]),
        ([BUST, FIRST, SECOND], OTHER, [0, 1, 1, 0]),
        ([FIRST, BUST, BUST], {}, [1, 1, 1, 0]),
        ([("A", 1, 5.0), ("A", 1, 0.0, 0, 0, "", CANCEL)], {}, [0, 1, 1, 0]),
        ([BUST, SECOND], OTHER, [0, 0, 0, 1]),
        # corrected: the trade keeps its place, the last correction has the last word, a cancel is stronger
        ([FIRST, SECOND, ("A", 1, 4.0, 3, 7, "t", CORRECT)], {"A": (4, 6, 4, 6, 4, 2)}, [0, 0, 1, 0]),
        ([("A", 1, 4.0, 3, 8, "t", CORRECT), ("A", 1, 7.0, 2, 7, "t", CORRECT), FIRST],
         {"A": (4, 4, 4, 4, 3, 1)}, [0, 0, 2, 0]),
        ([FIRST, ("A", 1, 4.0, 3, 7, "t", CORRECT), BUST], {}, [0, 1, 2, 0]),
        ([("A", 1, 4.0, 3, 7, "t", CORRECT)], {}, [0, 0, 0, 1]),
    ],
)  # fmt: skip
def test_records_of_one_bar(records: list[tuple], bars: dict[str, tuple[float, ...]], counts: list[int]) -> None:
    found = build(ticks(Record(*record) for record in records), 10)
    assert dict(zip(found.symbols, map(tuple, found.values[:, : TRADES + 1].tolist()), strict=True)) == bars
    assert found.symbols == sorted(bars)
    assert found.counts.tolist() == counts


def test_every_column_has_a_degree() -> None:
    assert tuple(DEGREES) == (*COLUMNS, *CLOCK)


UP, DOWN = log(2) ** 2, log(4) * log(2)


@pytest.mark.parametrize(
    ("trades", "columns"),
    [
        # (time, price, size) in a bar that ends at 10 -> turnover, twap, realised variance, bipower, signed, largest
        ([(4, 5.0, 2.0)], (10, 5, 0, 0, 0, 2)),
        # the first price has no side, whatever the bar before; each is held until the next trade, the last to the end
        ([(2, 4.0, 1.0), (8, 8.0, 3.0)], (28, 5, UP, 0, 3, 3)),
        # a repeated price keeps the side before it; one before the first move has none
        ([(0, 4.0, 1.0), (2, 4.0, 9.0), (4, 8.0, 2.0), (6, 8.0, 3.0), (8, 2.0, 5.0)],
         (90, 5.2, UP + log(4) ** 2, 0, 0, 9)),
        # a jump: two large returns in a row are no jump, one beside calm is
        ([(0, 4.0, 1.0), (5, 8.0, 1.0), (9, 2.0, 1.0)], (14, 5.4, UP + log(4) ** 2, pi / 2 * DOWN, 0, 1)),
        ([(0, 4.0, 0.0), (5, 8.0, 0.0)], (0, 6, UP, 0, 0, 0)),
    ],
)  # fmt: skip
def test_inside_the_bar(trades: list[tuple[int, float, float]], columns: tuple[float, ...]) -> None:
    found = build(ticks(Record("A", *trade) for trade in trades), 10)
    np.testing.assert_allclose(found.values[0, TRADES + 1 :], columns, rtol=1e-15)


def test_a_price_that_stands_still_is_its_own_mean() -> None:
    found = build(ticks(Record("A", k, 0.1, 0.3) for k in (1, 2, 6)), 10)
    assert found.values[0, COLUMNS.index("twap")] == 0.1


def test_what_is_read_is_not_written() -> None:
    columns = ticks([Record("A", 1, 5.0, 1.0, 0, "t"), Record("A", 1, 4.0, 3.0, 1, "t", CORRECT)])
    columns.price.flags.writeable = columns.size.flags.writeable = False  # as unpacked ones are
    assert build(columns, 10).values[0, CLOSE] == 4.0
    assert columns.price.tolist() == [5.0, 4.0]


def test_no_record_makes_no_bar() -> None:
    found = build(ticks([]), 10)
    assert (found.symbols, found.values.shape, found.counts.tolist()) == ([], (0, len(COLUMNS)), NONE)


def test_identity_is_of_symbol_and_trade_not_of_its_terms() -> None:
    # 2,000 trades of two symbols, with and without an id: as many identities, and the same in any company
    rows = [Record(symbol, t, 1.0, 1.0, t % 3, f"{t}" * (t % 2)) for symbol in "AB" for t in range(1000)]
    found = identity(ticks(rows))
    assert len(set(found.tolist())) == 2000
    other = [row._replace(price=2.0, kind=TRADE, size=3.0) for row in reversed(rows)]
    again = identity(Ticks.concat([ticks([Record("0", 0, 1.0)]), ticks(other)]))
    np.testing.assert_array_equal(again[1:], found[::-1])
