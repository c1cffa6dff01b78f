"""The two environments of a job, streaming, in UTC.

A job says what it was submitted with, as Flink's global job parameters, so that `tickloom upgrade` can ask it.
"""

import hashlib
import json
import sys
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from schemas.settings import computed, settings

CONFIG = {
    "table.local-time-zone": "UTC",
    # a local aggregation of arrays saves nothing: all ticks travel anyway
    "table.optimizer.agg-phase-strategy": "ONE_PHASE",
    # rows that stages of one task hand on are not copied: no stage keeps one
    "pipeline.object-reuse": "true",
    # ids of SQL operators by their place in the plan, not by all that hangs on them: a later version finds their state
    "table.exec.uid.generation": "ALWAYS",
}


def environment(name: str, bundle: int = 1000) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """DataStream and Table environment of the job `name`; all else comes from flink-conf or the command line.

    bundle: the most rows that go to Python at once. Flink holds all that comes back of them, so it is small where one
    row makes megabytes.
    """
    stream = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(stream)
    tables.get_config().set("pipeline.name", name)
    stream.get_config().set_global_job_parameters(submitted(tables.get_config().get("python.files", "")))
    for key, value in (CONFIG | {"python.fn-execution.bundle.size": str(bundle)}).items():
        tables.get_config().set(key, value)
    return stream, tables


def submitted(code: str) -> dict[str, str]:
    """Arguments of the entry, what is computed, and a digest (16 characters) of the zip that workers get."""
    path = Path(code.removeprefix("file:"))
    return {
        "tickloom.arguments": json.dumps(sys.argv[1:]),
        "tickloom.computed": json.dumps({k: v.model_dump(mode="json") for k, v in computed(settings()).items()}),
        "tickloom.code": hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "",
    }
