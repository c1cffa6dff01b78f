"""A synthetic tape comes to the truth that is written beside it, whatever its options."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import synth as oracle
from tests.oracles.bars import Record, ticks
from tickloom.synth import write_tape
from tickloom.tape import generate, noise
from tickloom.tape.events import dealt
from tickloom.tape.files import read_actions
from tickloom.tape.spec import Spec
from tickloom.tape.truth import FINAL_BAR
from udfs.bars import COLUMNS, TRADES, build
from udfs.tick_files import KINDS

BLOCK_US, LATENESS_US = 1_000_000, 1_000_000
FRACTION = st.sampled_from([0.0, 0.02, 0.3, 1.0])
SPECS = st.builds(
    Spec,
    symbols=st.integers(1, 12),
    ticks=st.integers(1, 400),
    seed=st.integers(0, 2**63 - 1),
    interval_us=st.sampled_from([1_000_000, 60_000_000, 86_400_000_000]),
    rate=st.sampled_from([0.01, 1.0, 100.0]),
    bound_us=st.just(LATENESS_US + BLOCK_US),
    delay_us=st.sampled_from([1, 10_000_000]),
    late=FRACTION,
    duplicates=FRACTION,
    cancels=FRACTION,
    bad=FRACTION,
    actions=st.integers(0, 20),
)


def tape(spec: Spec) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """Records, bars and bad messages (times as int), counts."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_tape(spec, BLOCK_US, folder)
        tables = [pq.read_table(folder / f"{file}.parquet") for file in ("ticks", "bars", "bad")]
        counts = json.loads((folder / "truth.json").read_text())["counts"]
    at = [table.column_names.index("event_time") for table in tables]
    ints = [t.set_column(i, "event_time", t["event_time"].cast(pa.int64())) for i, t in zip(at, tables, strict=True)]
    records, bars, bad = (table.to_pylist() for table in ints)
    return records, bars, counts, bad


@settings(deadline=None, max_examples=40)
@given(SPECS)
def test_the_records_come_to_the_truth(spec: Spec) -> None:
    records, bars, counts, bad = tape(spec)
    wanted = oracle.final_bars(records, spec.interval_us)
    assert [list(bar) for bar in bars] == [list(bar) for bar in wanted]
    for name in FINAL_BAR.names:
        found, expected = ([bar[name] for bar in each] for each in (bars, wanted))
        assert found == (
            pytest.approx(expected, rel=1e-12, abs=1e-18) if name in COLUMNS[TRADES + 1 :] else expected
        ), name
    trades = [row["trade_id"] for row in records if row["kind"] == "TRADE"]
    assert counts["ticks"] == len(set(trades)) == spec.ticks
    assert counts["duplicates"] == len(trades) - spec.ticks
    assert counts["cancels"] == sum(row["kind"] == "CANCEL" for row in records)
    assert counts["records"] == len(records)
    assert counts["late"] == oracle.late_trades(records, LATENESS_US, BLOCK_US)
    assert sum(counts["bad"].values()) == len(bad)
    assert [row["position"] for row in bad] == sorted(row["position"] for row in bad)
    for row in bad:  # published when its trade is: nothing before it, and everything after it, arrives in time order
        assert 0 <= row["position"] <= len(records)
        assert spec.late or any(row["event_time"] == before["event_time"] for before in records[: row["position"]])


@settings(deadline=None, max_examples=20)
@given(SPECS)
def test_the_bars_of_the_job_are_the_truth_to_the_last_bit(spec: Spec) -> None:
    records, bars, _, _ = tape(spec)
    for end in {bar["event_time"] for bar in bars}:
        fields = [{k: v for k, v in row.items() if k in Record._fields} for row in records
                  if row["event_time"] // spec.interval_us + 1 == end // spec.interval_us]  # fmt: skip
        found = build(ticks(Record(**row | {"kind": KINDS.index(row["kind"])}) for row in fields), end)
        wanted = [bar for bar in bars if bar["event_time"] == end]
        assert found.symbols == [bar["symbol"] for bar in wanted]
        assert found.values.tolist() == [[bar[name] for name in COLUMNS] for bar in wanted]


@settings(deadline=None, max_examples=40)
@given(SPECS)
def test_a_record_has_the_ticker_in_force_at_its_event_time(spec: Spec) -> None:
    with TemporaryDirectory() as name:
        write_tape(spec, BLOCK_US, Path(name))
        announced = read_actions(Path(name) / "actions.parquet")
    records, _, counts, _ = tape(spec)
    lives = {first: oracle.tickers(announced, first) for first in spec.names}
    spans = [(start, ticker) for life in lives.values() for start, ticker in life]
    assert len({ticker for _, ticker in spans}) == len(spans)  # no ticker is used twice
    security = {ticker: first for first, life in lives.items() for _, ticker in life}
    for row in records:
        life = lives[security[row["symbol"]]]
        assert row["symbol"] == [ticker for start, ticker in life if start <= row["event_time"]][-1]
        assert row["trade_id"] == f"{row['symbol']}-{row['sequence']}"
    assert counts["actions"] == len(announced)
    assert len({row["event_id"] for row in announced}) == spec.actions


@given(st.integers(0, 2**63 - 1), st.integers(0, 30), st.integers(1, 7))
def test_whole_decks_hold_their_shares(seed: int, count: int, size: int) -> None:
    deck, cards = range(size), dealt(seed, count, noise.KIND, range(size))
    assert len(cards) == count
    for first in range(0, count, size):
        part = cards[first : first + size]
        assert sorted(part) == sorted(set(part) & set(deck))  # none twice
    assert dealt(seed, count + size, noise.KIND, deck)[:count] == cards


@settings(deadline=None, max_examples=20)
@given(SPECS, st.integers(1, 100))
def test_the_size_of_a_window_changes_nothing(spec: Spec, window: int) -> None:
    def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(map(repr, rows))

    whole = tape(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "WINDOW_TICKS", max(window, spec.ticks // 50))
        parts = tape(spec)
    assert in_any_order(parts[0]) == in_any_order(whole[0])
    assert (parts[1], parts[2]) == (whole[1], whole[2])


@settings(deadline=None, max_examples=20)
@given(SPECS)
def test_a_trade_is_a_function_of_seed_symbol_and_sequence(spec: Spec) -> None:
    # the same symbols and time line, with everything else switched off: the trades do not move
    clean = replace(spec, late=0, duplicates=0, cancels=0, bad=0)
    records, _, _, _ = tape(spec)
    trades = {row["trade_id"]: row for row in records if row["kind"] == "TRADE"}
    in_order, _, _, _ = tape(clean)
    assert [trades[row["trade_id"]] for row in in_order] == in_order
    assert [row["event_time"] for row in in_order] == sorted(row["event_time"] for row in in_order)
    assert all(row["price"] >= 0.01 and row["size"] >= 1 for row in in_order)


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(-1, 10**6), st.integers(0, 2**62), st.integers(0, 2_000))
def test_draw_is_splitmix64(seed: int, symbol: int, sequence: int, purpose: int) -> None:
    expected = oracle.draw(seed, symbol, sequence, purpose)
    assert int(noise.draw(seed, symbol, sequence, purpose)) == expected
    assert noise.unit(seed, symbol, sequence, purpose) == (expected >> 11) / 2**53
