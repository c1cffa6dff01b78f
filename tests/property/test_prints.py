"""Four prints rebuild their bar exactly, whatever its numbers."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.tape import bar_of
from udfs.prints import PER_BAR, TICK, prints

PRICE = st.floats(1e-6, 1e9)
DAY = 86_400_000_000


@st.composite
def bars(draw: st.DrawFn) -> list[dict[str, object]]:
    """A few symbols' bars on consecutive days, with high and low around open and close."""
    found = []
    for symbol in draw(st.lists(st.sampled_from(["A", "BB", "Ä"]), min_size=1, max_size=3, unique=True)):
        for day in range(draw(st.integers(1, 4))):
            low, first, last, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
            volume = draw(st.one_of(st.floats(0, 1e15), st.integers(0, 10).map(float)))
            found.append({"symbol": symbol, "event_time": (day + 11_000) * DAY, "open": first, "high": high,
                          "low": low, "close": last, "volume": volume})  # fmt: skip
    return found


@settings(deadline=None)
@given(bars())
def test_prints_rebuild_the_bar(found: list[dict[str, object]]) -> None:
    ticks = prints(pa.Table.from_pylist(found), DAY)
    assert ticks.schema == TICK
    rows = ticks.to_pylist()
    assert len(rows) == PER_BAR * len(found)
    for i, bar in enumerate(found):
        part = rows[PER_BAR * i : PER_BAR * (i + 1)]
        assert bar_of(part) == {name: bar[name] for name in ("open", "high", "low", "close", "volume")}
        assert [tick["event_time"] for tick in part] == [bar["event_time"] - DAY + k * DAY // 4 for k in range(4)]
        assert {tick["symbol"] for tick in part} == {bar["symbol"]}
        assert all(tick["size"] >= 0 for tick in part)
    assert len({tick["trade_id"] for tick in rows}) == len(rows)
    for before, after in pairwise(rows):
        assert before["symbol"] != after["symbol"] or before["sequence"] < after["sequence"]
