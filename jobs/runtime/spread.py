"""Keys that lie evenly over the workers: Flink hashes keys, and a handful of them would often meet at one worker.

The i-th of n keys is the smallest whole number that Flink hashes to the middle of the i-th n-th of its key groups, so
that workers get equal numbers of keys whatever their own number is. Flink's hashes are the same in all its versions,
for its savepoints depend on them.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

from pyflink.java_gateway import get_gateway

GROUPS = 128
"""Flink's key groups, for up to 85 workers; flink-conf says so too."""


@cache
def stream_keys(n: int) -> tuple[int, ...]:
    """N keys for a key_by of a DataStream whose key type is INT."""
    jvm = get_gateway().jvm

    def group(key: int) -> int:
        row = jvm.org.apache.flink.types.Row(1)
        row.setField(0, jvm.java.lang.Integer.valueOf(key))
        return _group(row)

    return _spread(n, group)


@cache
def table_keys(n: int) -> tuple[int, ...]:
    """N keys for a group by of one INT column in SQL."""
    data = get_gateway().jvm.org.apache.flink.table.data
    row = data.binary.BinaryRowData(1)
    writer = data.writer.BinaryRowWriter(row)

    def group(key: int) -> int:
        writer.reset()
        writer.writeInt(0, key)
        writer.complete()
        return _group(row)

    return _spread(n, group)


def _group(key: Any) -> int:
    return int(get_gateway().jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(key, GROUPS))


def _spread(n: int, group: Callable[[int], int]) -> tuple[int, ...]:
    waiting = defaultdict[int, list[int]](list)
    for i in range(n):
        waiting[(2 * i + 1) * GROUPS // (2 * n)].append(i)
    keys: dict[int, int] = {}
    for key in count():
        if len(keys) == n:
            break
        if places := waiting[group(key)]:
            keys[places.pop(0)] = key
    return tuple(keys[i] for i in range(n))
