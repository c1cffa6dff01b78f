"""Read: Kafka topics -> blocks of raw messages, on time and late, by SQL -> decoded rows (shard, kind, payload).

One predicate splits on-time from late records, so each takes exactly one way; a window whose window_time the watermark
has reached has fired and would drop its record. What comes before the first watermark is
late, for after a restore the windows remember theirs and would drop it. Late ones are gathered for 0.1 s of the clock,
for a call of Python costs more than a record. Blocks are shared out by offset, not by key: every lane gets equal work
whatever the symbols are, and the shard follows from the payload's symbol.
"""

from pyflink.datastream import DataStream
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import TableFunction, udtf

from jobs.runtime import kafka
from jobs.stages.decode import CORPORATE_ACTION, PRICE
from schemas.settings import Settings, parse_duration

LANES = 4
RESULT = [DataTypes.INT(), DataTypes.STRING(), DataTypes.BYTES()]

LATE = """select v, part, pos, window_end block_end, proctime() heard
from windowed where wm is null or window_time <= wm"""
ROWS = f"""
select r.shard, r.kind, r.payload from (
    select false late, array[window_end] ends, array_agg(v) v, array_agg(part) part, array_agg(pos) pos
    from windowed where window_time > wm
    group by window_start, window_end, mod(pos, {LANES})
    union all
    select true, array_agg(block_end), array_agg(v), array_agg(part), array_agg(pos)
    from table(tumble(table late, descriptor(heard), interval '0.1' second))
    group by window_start, window_end
) b, lateral table(decode_prices(late, ends, v, part, pos)) as r(shard, kind, payload)
union all
select r.shard, r.kind, r.payload
from corporate_action a, lateral table(decode_actions(v, part, pos)) as r(shard, kind, payload)
"""


def read(
    tables: StreamTableEnvironment, settings: Settings, prices: TableFunction, actions: TableFunction
) -> DataStream:
    """Rows (shard int, kind string, payload bytes) of the price and the corporate action topic, with watermarks."""
    idle = settings.actions.idle_timeout
    tables.execute_sql(kafka.source("price", PRICE, settings))
    tables.execute_sql(kafka.source("corporate_action", CORPORATE_ACTION, settings, idle_timeout=idle))
    tables.create_temporary_function("decode_prices", udtf(prices, result_types=RESULT))
    tables.create_temporary_function("decode_actions", udtf(actions, result_types=RESULT))
    seconds = parse_duration(settings.bars.block) / 1_000_000
    marked = tables.sql_query("select v, part, pos, rt, current_watermark(rt) wm from price")
    tables.create_temporary_view("marked", marked)
    tumble = f"table(tumble(table marked, descriptor(rt), interval '{seconds:.3f}' second))"
    tables.create_temporary_view("windowed", tables.sql_query(f"select * from {tumble}"))
    tables.create_temporary_view("late", tables.sql_query(LATE))
    return tables.to_data_stream(tables.sql_query(ROWS))
