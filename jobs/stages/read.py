"""Read: Kafka topics -> blocks of raw messages, on time and late, by SQL -> decoded rows (shard, kind, payload).

A record is late when its block ends before the newest record of its partition, less the allowed lateness. One predicate
says so, so each record takes exactly one way. The newest time is kept in state, not asked of the watermark: the windows
remember theirs across a restore and drop what is behind it, the source does not, and the watermark is never ahead of
any partition's own newest time (which holds as long as no partition of prices may be idle). Only a partition that is
new may begin behind it: so what is behind the watermark is late, too. Late ones are gathered for
0.1 s of the clock, for a call of Python costs more than a record. Blocks are shared out by offset, not by key: every
lane gets equal work whatever the symbols are, and the shard follows from the payload's symbol.
"""

from pyflink.datastream import DataStream
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import TableFunction, udtf

from jobs.runtime import kafka, spread
from jobs.stages.decode import CORPORATE_ACTION, PRICE
from schemas.settings import Settings, parse_duration

LANES = 4
RESULT = [DataTypes.INT(), DataTypes.STRING(), DataTypes.BYTES()]

MARKED = """
select v, part, pos, rt, newest - interval '{lateness:.3f}' second mark from (
    select v, part, pos, rt, max(cast(rt as timestamp_ltz(3))) over (
        partition by part order by arrival rows between unbounded preceding and current row
    ) newest from (select *, proctime() arrival from price)
)"""
IS_LATE = "window_time <= mark or coalesce(window_time <= current_watermark(rt), false)"
LATE = """select v, part, pos, window_end block_end, proctime() heard
from windowed where {late}"""
ROWS = """
select r.shard, r.kind, r.payload from (
    select false late, array[window_end] ends, array_agg(v) v, array_agg(part) part, array_agg(pos) pos
    from windowed where not ({late})
    group by window_start, window_end, {lane}
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
    tables.execute_sql(kafka.source("price", PRICE, settings, "features"))
    tables.execute_sql(kafka.source("corporate_action", CORPORATE_ACTION, settings, "features", idle_timeout=idle))
    tables.create_temporary_function("decode_prices", udtf(prices, result_types=RESULT))
    tables.create_temporary_function("decode_actions", udtf(actions, result_types=RESULT))
    seconds = parse_duration(settings.bars.block) / 1_000_000
    lateness = parse_duration(settings.bars.lateness) / 1_000_000
    tables.create_temporary_view("marked", tables.sql_query(MARKED.format(lateness=lateness)))
    tumble = f"table(tumble(table marked, descriptor(rt), interval '{seconds:.3f}' second))"
    tables.create_temporary_view("windowed", tables.sql_query(f"select * from {tumble}"))
    tables.create_temporary_view("late", tables.sql_query(LATE.format(late=IS_LATE)))
    cases = " ".join(f"when {i} then {key}" for i, key in enumerate(spread.table_keys(LANES)))
    return tables.to_data_stream(
        tables.sql_query(ROWS.format(late=IS_LATE, lane=f"case mod(pos, {LANES}) {cases} end"))
    )
