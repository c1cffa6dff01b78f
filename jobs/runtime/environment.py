"""The two environments of a job, streaming, in UTC."""

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

CONFIG = {
    "table.local-time-zone": "UTC",
    # a local aggregation of arrays saves nothing: all ticks travel anyway
    "table.optimizer.agg-phase-strategy": "ONE_PHASE",
    # rows that stages of one task hand on are not copied: no stage keeps one
    "pipeline.object-reuse": "true",
}


def environment(name: str, bundle: int = 1000) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """DataStream and Table environment of the job `name`; all else comes from flink-conf or the command line.

    bundle: the most rows that go to Python at once. Flink holds all that comes back of them, so it is small where one
    row makes megabytes.
    """
    stream = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(stream)
    tables.get_config().set("pipeline.name", name)
    for key, value in (CONFIG | {"python.fn-execution.bundle.size": str(bundle)}).items():
        tables.get_config().set(key, value)
    return stream, tables
