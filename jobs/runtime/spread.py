"""Keys that lie evenly over the workers: Flink hashes keys, and a handful of them would often meet at one worker.

The i-th of n keys is the smallest whole number that Flink hashes to the middle of the i-th n-th of its key groups, so
that workers get equal numbers of keys whatever their own number is. Flink's hashes are the same in all its versions,
for its savepoints depend on them.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import count

from pyflink.java_gateway import get_gateway

GROUPS = 128
"""Flink's key groups, for up to 85 workers; flink-conf says so too."""


def stream_keys(n: int) -> list[int]:
    """N keys for a key_by of a DataStream whose key type is INT."""
    flink = get_gateway().jvm.org.apache.flink

    def group(key: int) -> int:
        row = flink.types.Row(1)
        row.setField(0, get_gateway().jvm.java.lang.Integer.valueOf(key))
        return int(flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, GROUPS))

    return _spread(n, group)


def table_keys(n: int) -> list[int]:
    """N keys for a group by of one INT column in SQL."""
    flink = get_gateway().jvm.org.apache.flink
    row = flink.table.data.binary.BinaryRowData(1)
    writer = flink.table.data.writer.BinaryRowWriter(row)

    def group(key: int) -> int:
        writer.reset()
        writer.writeInt(0, key)
        writer.complete()
        return int(flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, GROUPS))

    return _spread(n, group)


def _spread(n: int, group: Callable[[int], int]) -> list[int]:
    waiting = defaultdict[int, list[int]](list)
    for i in range(n):
        waiting[(2 * i + 1) * GROUPS // (2 * n)].append(i)
    keys: dict[int, int] = {}
    for key in count():
        if len(keys) == n:
            break
        if places := waiting[group(key)]:
            keys[places.pop(0)] = key
    return [keys[i] for i in range(n)]
