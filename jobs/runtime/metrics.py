"""Counters of the features job: where each record that came in has ended.

on_time + late = used + cancelled + duplicates + amendments + orphans + those in bars not yet closed.
"""

from collections.abc import Mapping

from pyflink.datastream import RuntimeContext

from udfs.tick_shard import FATES, TickShard


class Counts:
    """Gauges over the shards of one operator, exact across restarts; and a counter of dead letters since the start."""

    def __init__(self, context: RuntimeContext, shards: Mapping[int, TickShard]) -> None:
        group = context.get_metrics_group().add_group("tickloom")
        for fate in FATES:
            group.gauge(fate, lambda fate=fate: sum(shard.counts[fate] for shard in shards.values()))
        self._dead = group.counter("dead_letters")

    def dead(self) -> None:
        """One more dead letter."""
        self._dead.inc()
