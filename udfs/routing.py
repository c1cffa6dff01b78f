"""Rows of bars on their way to the shards of their securities.

In: a frame of bars under the tickers of one shard. Out: the same rows as frames for the shards that keep their
securities, with revisions that rise when a bar moves. This file must not know ticks or logs.
"""

from collections.abc import Mapping
from dataclasses import replace

from udfs.frame import Frame
from udfs.securities import Actions
from udfs.ticks import shard_of

MOVE = 1 << 20
"""Revisions of a bar's rows start anew, this much higher, when it moves to another security, so to another writer."""


def route(frame: Frame, moves: Mapping[str, int], actions: Actions, shards: int) -> list[Frame]:
    """The rows and removals of a frame, one frame for each shard of their securities and number of moves.

    moves: symbol -> how often its bar at this time has moved. A security is kept where the ticker of its id belongs.
    """
    names = [*frame.symbols, *frame.removed]
    if not names:
        return []
    if not moves and not any(name in actions.cuts for name in names):
        return [frame]
    ids = {name: actions.security(name, frame.event_time) for name in names}
    kinds = {name: (shard_of(ids[name].split("#")[0], shards), moves.get(name, 0)) for name in names}
    return [_part(frame, ids, kinds, shard, count) for shard, count in sorted(set(kinds.values()))]


def _part(frame: Frame, ids: dict[str, str], kinds: dict[str, tuple[int, int]], shard: int, moves: int) -> Frame:
    rows = [i for i, name in enumerate(frame.symbols) if kinds[name] == (shard, moves)]
    symbols, removed = [frame.symbols[i] for i in rows], [n for n in frame.removed if kinds[n] == (shard, moves)]
    revision, securities = moves * MOVE + frame.revision, [ids[name] for name in [*symbols, *removed]]
    values = frame.values[rows]
    return replace(frame, shard=shard, revision=revision, symbols=symbols, values=values, removed=removed,
                   securities=securities)  # fmt: skip
