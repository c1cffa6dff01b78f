"""The keys of jobs/runtime/spread.py on a mini-cluster: each worker gets as many as every other."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

KEYS, WORKERS = 8, 4
QUERY = "select k, max(n) from given group by k"


def place(kind: str) -> list[tuple[int, int]]:
    """(key, worker) of each key, in a process of its own: a JVM is never left by the one that started it."""
    from pyflink.common import Row, Types
    from pyflink.datastream import DataStream, ProcessFunction, RuntimeContext
    from pyflink.datastream.functions import KeyedProcessFunction

    from jobs.runtime import spread
    from jobs.runtime.environment import environment

    class Where(KeyedProcessFunction, ProcessFunction):
        def open(self, context: RuntimeContext) -> None:
            self.worker = context.get_index_of_this_subtask()

        def process_element(self, row: Row, context: object) -> list[Row]:
            return [Row(row[0], self.worker)]

    stream, tables = environment("spread")
    stream.set_parallelism(WORKERS)
    keys = spread.stream_keys(KEYS) if kind == "stream" else spread.table_keys(KEYS)
    pair = Types.ROW_NAMED(["k", "n"], [Types.INT(), Types.INT()])
    rows: DataStream = stream.from_collection([Row(key, 1) for key in keys], pair)
    if kind == "stream":
        rows = rows.key_by(lambda row: row[0], key_type=Types.INT())
    else:
        tables.create_temporary_view("given", rows)
        rows = tables.to_changelog_stream(tables.sql_query(QUERY))
    with rows.process(Where(), output_type=pair).execute_and_collect() as found:
        return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize("kind", ["stream", "table"])
def test_each_worker_gets_as_many_keys(kind):
    with ProcessPoolExecutor(1, get_context("spawn")) as own:
        found = own.submit(place, kind).result(timeout=500)
    assert len(dict(found)) == KEYS
    assert Counter(worker for _, worker in found) == dict.fromkeys(range(WORKERS), KEYS // WORKERS)
