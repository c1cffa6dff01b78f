"""The columns that a table of bars lacks, and those that the fold makes of a bar's time: the same on every path."""

from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from jobs.stages.write import BAR, bar_record
from schemas.loader import load
from schemas.wire import decode, encoder
from tests.oracles.bars import Record, bars_of
from tests.oracles.world import MINUTE, Clean, World, action, bits, draw_moves, tape
from tickloom.leaks.world import market
from udfs import batch, catalogue
from udfs.bars import COLUMNS, IDS
from udfs.expressions import expression
from udfs.fold import Due, fold
from udfs.frame import BARS
from udfs.kernels.state import Floats
from udfs.plan import Plan
from udfs.prints import BAR_COLUMNS, prints
from udfs.registry import CLOCK, FEATURES
from udfs.sessions import clock
from udfs.tape import to_ticks

ROWS = [row for name in (*COLUMNS[5:], *CLOCK) for row in expression(f"mean_{name}", f"sma({name}, 2)")]
FEW = [FEATURES[0], *ROWS]
FILE = market(3, 100).table.select(BAR_COLUMNS)


def test_the_batch_of_a_file_is_its_replay() -> None:
    found = batch.compute(FILE, None, "1m", features=FEW, calendar="XNYS")
    ticks = to_ticks(prints(FILE, MINUTE))
    world = World(plan=Plan("1m", FEW, "XNYS")).do("hear", ticks).do("finish")
    assert world.rows() == bits(found)
    assert not any(np.isnan(found[name]).all() for name in Plan("1m", FEW).outputs[1:])


def test_columns_are_those_of_the_prints_by_definition() -> None:
    rows = [Record(*(tick[name] for name in ("symbol", "event_time", "price", "size", "sequence", "trade_id")))
            for tick in prints(FILE, MINUTE).slice(0, 400).to_pylist()]  # fmt: skip
    bars = batch.read_bars(FILE.slice(0, 100), "1m")
    for row, name, end in zip(bars.values, np.array(bars.names)[bars.rows].tolist(), bars.times.tolist(), strict=True):
        wanted = bars_of((each for each in rows if end - MINUTE <= each.event_time < end), end)[name]
        np.testing.assert_allclose(row, list(wanted.values()), rtol=1e-12, atol=1e-18)


def test_what_a_table_has_is_taken_as_it_is() -> None:
    whole = FILE.append_column("turnover", pa.array(np.arange(len(FILE)) * 1.0))
    given, lacking = batch.read_bars(whole, "1m").values, batch.read_bars(FILE, "1m").values
    at = COLUMNS.index("turnover")
    assert sorted(given[:, at]) == list(range(len(FILE)))
    np.testing.assert_array_equal(np.delete(given, at, axis=1), np.delete(lacking, at, axis=1))


def test_the_record_of_a_frame_has_every_column() -> None:
    frame = next(frame for frame in World().do("hear", to_ticks(prints(FILE, MINUTE))).do("finish").frames
                 if frame.view == BARS)  # fmt: skip
    found = decode(encoder(BAR, 7)(bar_record(frame) | {"interval": "1m"}), lambda _: load(BAR))
    assert [found[name] for name in (*COLUMNS, *IDS)] == frame.values.T.tolist()


def us(text: str) -> int:
    return round(datetime.fromisoformat(text + "Z").timestamp() * 1_000_000)


@pytest.mark.parametrize("seed", range(3))
def test_the_packs_that_read_them_end_alike_in_any_order(seed: int) -> None:
    """Late, cancelled and corrected trades, splits; a past of one session is enough for the time of day."""
    rows = [*catalogue.rows("intrabar"), *catalogue.rows("session")]
    small = [row.at(sessions=1) if "sessions" in row.params else row for row in rows]
    ticks, plan = tape(seed, 150, 20), Plan("1m", [FEATURES[0], *small])
    actions = [action("s", "SPLIT", "A", numerator=2), action("r", "REVERSE_SPLIT", "B", denominator=3, ex_date=2)]
    clean = Clean.of(ticks, actions, plan)
    assert World(plan=plan).run(draw_moves(Random(seed), ticks, actions)).rows() == clean.rows
    assert all(np.isfinite(clean.table[name]).any() for name in plan.outputs)


@pytest.mark.parametrize(
    ("mic", "end", "day", "seconds"),
    [
        ("24/7", "2024-07-04T00:00", "2024-07-03", 86_400),
        ("24/7", "2024-07-04T00:01", "2024-07-04", 60),
        ("XNYS", "2024-07-02T13:31", "2024-07-02", 60),  # summer time
        ("XNYS", "2024-12-02T14:31", "2024-12-02", 60),  # winter time
        ("XNYS", "2024-07-03T17:00", "2024-07-03", 12_600),  # the close of a half day
        ("XNYS", "2024-07-03T17:01", None, None),
        ("XNYS", "2024-07-04T15:00", None, None),  # a holiday
    ],
)
def test_the_clock_of_a_bar(mic: str, end: str, day: str | None, seconds: float | None) -> None:
    found = {name: column.tolist() for name, column in clock(np.array([us(end)]), mic).items()}
    if day is None or seconds is None:
        assert np.isnan([found["session"], found["session_time"]]).all()
        return
    since = datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert found == {"session": [since / timedelta(days=1)], "session_time": [seconds]}


def folded(plan: Plan) -> Floats:
    times = np.array([us("2024-07-02T13:31"), us("2024-07-02T13:32")])
    return fold(plan, np.zeros((1, plan.width)), np.zeros(2, "i8"), times, np.ones((2, len(COLUMNS))), Due.of({}, {}))


def test_the_calendar_is_the_plan_s_and_marks_its_digest_where_it_is_read() -> None:
    reads, without = ([row for row in FEW if ("session" in row.name) is which] for which in (True, False))
    of_day, of_exchange = (Plan("1m", reads, mic) for mic in ("24/7", "XNYS"))
    seconds = [folded(plan)[1, plan.outputs.index("mean_session_time")] for plan in (of_day, of_exchange)]
    assert seconds == [13.5 * 3600 + 90, 90]
    assert of_day.digest() != of_exchange.digest()
    assert Plan("1m", without, "XNYS").digest() == Plan("1m", without).digest()


def test_no_calendar_is_asked_for_what_no_feature_reads() -> None:
    plan = Plan("1m", FEATURES, "no such exchange")
    assert not plan.reads_clock
    assert len(folded(plan)) == 2
