"""Whether a world that has come to rest holds what it must: committed output, dead letters, counters, the store.

It reads what anybody could read (committed records, the store's vectors, the job's counters) with code of its own.
"""

import json
from collections import Counter, defaultdict
from contextlib import nullcontext, suppress
from io import BytesIO
from typing import Any

import numpy as np
from fastavro import schemaless_reader

from schemas.loader import load
from tests.simulation.job import NAMES
from tests.simulation.market import ACTION, PRICE, Place
from tests.simulation.reader import STAMP
from tests.simulation.small import SECOND, SHARDS
from tests.simulation.truth import SHOWN, Key, Truth, as_bytes, truth
from tests.simulation.world import Trace, World
from udfs.ticks import shard_of

MOVE = 1 << 20
OPERATOR = {"indicators_1s": "indicators", "cross_asset_1s": "cross", "universe_1s": "cross"}
"""Views whose revisions are counted together."""
Seen = dict[Key, tuple[int, bytes | None]]


class WrongError(Exception):
    """What a check found; the check's name comes first."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(f"{check}: {what}")
        self.check = check


class Output:
    """What was committed: the newest of each row with its revision, dead letters, how often each was said."""

    def __init__(self, world: World) -> None:
        self.rows: Seen = {}
        self.shards: dict[Key, str] = {}
        self.closed: defaultdict[tuple[str, int], int] = defaultdict(int)
        """The last bar time of a view and shard that was told at revision 0."""
        self.bars: dict[tuple[str, int], tuple[int, tuple[float, ...] | None]] = {}
        self.said: Counter[tuple[Any, ...]] = Counter()
        self.revisions: defaultdict[tuple[Any, ...], set[int]] = defaultdict(set)
        self.dead: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
        for _, record in world.around.broker.committed():
            schema = load(NAMES[int.from_bytes(record.value[1:5], "big")])
            row: Any = schemaless_reader(BytesIO(record.value[5:]), schema)
            if record.topic.endswith(".dlq"):
                place = row["partition"], row["offset"]
                self.dead[record.topic][row["topic"], *place, row["reason"], row["raw"]] += 1
            else:
                for time in ("event_time", "known_at"):
                    row[time] = int(row[time].timestamp()) * SECOND
                self._bars(row) if record.topic == "market.bar.v1" else self._features(row)

    def _bars(self, row: dict[str, Any]) -> None:
        end, revision = row["event_time"], row["revision"]
        columns = zip(*(row[name] for name in SHOWN), strict=True)
        values = dict(zip(row["symbols"], columns, strict=True)) | dict.fromkeys(row["removed"])
        for symbol, bar in values.items():
            self.said["bars", symbol, end, revision] += 1
            self.revisions["bars", shard_of(symbol, SHARDS), end].add(revision % MOVE)
            if revision > self.bars.get((symbol, end), (-1, None))[0]:
                self.bars[symbol, end] = revision, bar

    def _features(self, row: dict[str, Any]) -> None:
        view, end, revision = row["view"], row["event_time"], row["revision"]
        numbers = np.array([column["values"] for column in row["doubles"]]).T
        texts = list(zip(*(column["values"] for column in row["strings"]), strict=True)) or [()] * len(numbers)
        values: dict[str, bytes | None] = dict.fromkeys(row["removed"])
        values |= {n: as_bytes(numbers[i], list(texts[i])) for i, n in enumerate(row["symbols"])}
        if revision == 0:
            self.closed[view, row["shard"]] = max(self.closed[view, row["shard"]], end)
        for entity, packed in values.items():
            self.said[view, entity, end, revision] += 1
            self.revisions[OPERATOR[view], row["shard"], end].add(revision % MOVE)
            if revision > self.rows.get((view, entity, end), (-1, None))[0]:
                self.rows[view, entity, end] = revision, packed
                self.shards[view, entity, end] = str(row["shard"])


def check(world: World) -> None:
    """WrongError from the first check that fails."""
    output = Output(world)
    refused = _dead_letters(world, output)
    clean = truth(world.market, refused)
    twice = [key for key, times in output.said.items() if times > 1]
    _none("doubled", twice)
    _none("gap", [key for key, of in output.revisions.items() if max(of) > len(of - {0})])
    _bars(output, clean)
    found = {key: packed for key, (_, packed) in output.rows.items() if packed is not None}
    _none("lost", [key for key in clean.rows if key not in found])
    _none("not gone", [key for key in found if key not in clean.rows])
    _none("value", [key for key, packed in found.items() if packed != clean.rows[key]])
    _counters(world, clean, len(refused))
    _store(world, output)


def _none(name: str, wrong: list[Any]) -> None:
    if wrong:
        raise WrongError(name, f"{len(wrong)}, such as {sorted(wrong, key=str)[:3]}")


def _dead_letters(world: World, output: Output) -> set[Place]:
    """Each poisoned record once, with its bytes and reason; the places of what was refused as too late."""
    wanted = Counter(
        (topic, partition, offset, message.reason, message.value)
        for topic, partitions in ((PRICE, world.market.prices), (ACTION, [world.market.actions]))
        for partition, messages in enumerate(partitions)
        for offset, message in enumerate(messages)
        if message.reason
    )
    found = output.dead[f"{PRICE}.dlq"] + output.dead[f"{ACTION}.dlq"]
    _none("dead letters", [*(wanted - found), *(found - wanted)])
    late = output.dead[f"{PRICE}.late.dlq"]
    _none("dead letters", [*output.dead[f"{ACTION}.late.dlq"], *(each for each, times in late.items() if times > 1)])
    newest = max(message.time_ms for of in world.market.prices for message in of) * 1000
    refused = set()
    for topic, partition, offset, reason, raw in late:
        message = world.market.prices[partition][offset]
        ours = topic == PRICE and reason == "beyond_horizon" and message.value == raw and message.row is not None
        if not ours or (message.row or {})["event_time"] >= newest - (world.market.horizon - 1) * SECOND:
            raise WrongError("dead letters", f"{partition}/{offset} was refused as too late")
        refused.add((partition, offset))
    return refused


def _bars(output: Output, clean: Truth) -> None:
    """Each input in the right bar: the volume of a bar is the set of its trades."""
    found = {key: bar for key, (_, bar) in output.bars.items() if bar is not None}
    for key in sorted({*found, *clean.bars}):
        ours, wanted = found.get(key, (0.0,) * len(SHOWN)), clean.bars.get(key, (0.0,) * len(SHOWN))
        volume = SHOWN.index("volume")
        if ours[volume] != wanted[volume]:
            more, less = int(ours[volume]) & ~int(wanted[volume]), int(wanted[volume]) & ~int(ours[volume])
            raise WrongError("inputs", f"{key}: trades {more:b} too many, {less:b} missing, {ours} for {wanted}")
        if ours != wanted:
            raise WrongError("bar", f"{key}: {ours} for {wanted}")


def _counters(world: World, clean: Truth, refused: int) -> None:
    """Every record has one fate, and the counters say which; they are state, so exact across restarts."""
    fates: Counter[str] = Counter()
    for task in world.job.tasks:
        if task.name == "bars":
            for of in task.state.values():  # type: ignore[attr-defined]
                with suppress(KeyError):
                    fates.update(json.loads(of["log"]["m"]))
    wanted = {name: clean.fates.get(name, 0) for name in ("used", "duplicates", "cancelled", "amendments", "orphans")}
    wanted["heard"] = clean.fates["heard"]
    fates["heard"] = fates["on_time"] + fates["late"]
    _none("counters", [(name, fates[name], n) for name, n in wanted.items() if fates[name] != n])


def _store(world: World, output: Output) -> None:
    """Each entity's vector is its newest committed row.

    Or it is of an attempt that was undone, at a later time: without values, once a bar of its shard came after it.
    """
    newest: dict[tuple[str, str], tuple[int, int, bytes | None]] = {}
    written = world.around.server.written
    for (view, entity, end), (revision, packed) in output.rows.items():
        newest[view, entity] = max(
            newest.get((view, entity), (0, 0, None)), (end, revision, packed), key=lambda of: of[:2]
        )
    held = {(view, entity): vector for (_, view, entity), vector in world.around.server.vectors.items()}
    for key in sorted({*newest, *held}):
        if written is not None and key in newest:  # what a store has lost is noticed when its shard is written again
            view, entity = key
            if ("tickloom", view, output.shards[view, entity, newest[key][0]]) not in written:
                continue
        if key not in held:
            raise WrongError("store", f"{key} is not held")
        end, revision, packed = newest.get(key, (0, 0, None))
        values, at = _unpacked(key[0], held[key]), STAMP.unpack_from(held[key])[0]
        shard = shard_of(key[1], SHARDS) if OPERATOR[key[0]] == "indicators" else 0
        if at > end and world.job.attempt > 1 and (values is None or at >= output.closed[key[0], shard]):
            continue
        if at != end or values != packed:
            raise WrongError("store", f"{key}: {STAMP.unpack_from(held[key])} for {end}, {revision}")


def _unpacked(view: str, vector: bytes) -> bytes | None:
    """A vector's row as bytes, None without any value."""
    from feature_repo.views import layout

    of = layout(view)
    found = of.unpack([vector])
    texts = [column[0] or "" for column in found.strings]
    return None if np.isnan(found.values[0]).all() and not any(texts) else as_bytes(found.values[0], texts)


def run(seed: int, trace: Trace = None, *, around: Any = None, **of: Any) -> World:
    """One world and its check. around: a context in which the job runs, and the check does not; of: of the World."""
    world = World(seed, trace, **of)
    with around or nullcontext():
        world.run()
    check(world)
    return world
