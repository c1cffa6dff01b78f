"""Metrics of the jobs: where each record that came in has ended, and how long things took.

on_time + late = used + cancelled + duplicates + amendments + orphans + those in bars not yet closed.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from pyflink.datastream import RuntimeContext

from udfs.tick_shard import FATES, TickShard


class Counts:
    """Gauges over the shards of one operator, exact across restarts; and a counter of dead letters since the start."""

    def __init__(self, context: RuntimeContext, shards: Mapping[int, TickShard]) -> None:
        group = context.get_metrics_group().add_group("tickloom")
        for fate in FATES:
            group.gauge(fate, lambda fate=fate: sum(shard.counts[fate] for shard in shards.values()))
        self._dead = group.counter("dead_letters")

    def dead(self, n: int = 1) -> None:
        """So many more dead letters."""
        self._dead.inc(n)


class Histogram:
    """A cumulative histogram as Prometheus has it: `<name>_bucket` by upper bound `le`, `<name>_sum`, `<name>_count`.

    Flink knows no histogram of a Python function; counters in groups of label and value come out the same. name ends
    with the unit, which is that of the bounds (ascending) and of what is observed; labels: of all its series.
    """

    def __init__(self, group: Any, name: str, bounds: Sequence[int], **labels: str) -> None:
        for key, value in labels.items():
            group = group.add_group(key, value)
        self._bounds = tuple(bounds)
        self._buckets = [group.add_group("le", le).counter(f"{name}_bucket") for le in (*map(str, bounds), "+Inf")]
        self._sum, self._count = group.counter(f"{name}_sum"), group.counter(f"{name}_count")

    def observe(self, value: float, times: int = 1) -> None:
        """One value, or several of the same."""
        for bucket in self._buckets[bisect_left(self._bounds, value) :]:
            bucket.inc(times)
        self._sum.inc(round(value) * times)
        self._count.inc(times)
