"""The two questions: does a batch look ahead, and does a read "as known" change later?

In: a World, features, instants to cut it at. Out: Findings. The ways that are asked (compute a batch, play a hearing,
read as known) are arguments, so that a test can ask one that leaks. This file must not know what a feature is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pyarrow as pa

from feature_repo.views import apart
from schemas.settings import settings
from tickloom.leaks import futures
from tickloom.leaks import hearing as heard
from tickloom.leaks.findings import Findings, View
from tickloom.leaks.hearing import Hearing, hearing
from tickloom.leaks.world import Random, World
from udfs import batch
from udfs.batch import FEATURES
from udfs.catalogue import chosen
from udfs.frame import Frame
from udfs.log import Horizon
from udfs.panel.columns import Columns
from udfs.plan import Plan
from udfs.registry import Feature
from udfs.simulation import Simulation
from udfs.table import table

BATCH, AS_KNOWN = "batch", "as known"
REREAD = f"{AS_KNOWN}, later read"
"""The check that a read as known gives the same when its bar has closed and when the tape is over."""
ROOM = 60
"""Bar times after the longest warm-up, in which every feature has values."""
SPARSE = 8
"""Of so many instants one begins another future of each kind to be heard: it takes seconds, that of a batch 0.2 s."""
AFTER = 20
"""Bars for which a hearing goes on after its cut."""
READS = 3
"""Instants up to a cut at which each other future is read as known."""
TURN = 6
"""Bars after which changes of the past have been applied twice."""
HELD = Horizon(bars=1 << 20, anchor=16)

Features = Sequence[Feature]
Emitted = list[tuple[int, Frame]]
Tables = Mapping[str, pa.Table]
"""By view, as `udfs.batch.compute_views` has them; one table alone is that of symbols."""
Compute = Callable[[World, Features], pa.Table | Tables]
Play = Callable[[Hearing, Plan], Emitted]
Read = Callable[[Iterable[Frame], int], pa.Table | Tables]


def run(world: World, features: Features, points: int, seed: int) -> Findings:
    """Both questions, at so many instants; "as known" of the last bar times only, as many as `enough`."""
    rng, findings = np.random.default_rng(seed), Findings()
    in_batch(world, features, cuts(world, features, points, rng), rng, findings)
    late = world.last(enough(features, world.interval))
    as_known(late, features, cuts(late, features, points, rng), max(points // SPARSE, 1), rng, findings)
    return findings


def enough(features: Features, interval: str) -> int:
    """Bar times in which every feature gets to have values."""
    return max(_warm_ups(features, interval)) + ROOM


def _warm_ups(features: Features, interval: str) -> set[int]:
    """Bars before the first value: of each feature, of correlations, of the factors that are chosen."""
    plans = [Plan(interval, rows) for rows in (features, chosen(across=True)) if rows]
    return {Columns(settings().cross_asset).reach, *(plan.lookback(name) for plan in plans for name in plan.outputs)}


def cuts(world: World, features: Features, points: int, rng: Random) -> list[int]:
    """Bar ends to cut at, ascending: half of them where something begins, as far as there are such, others anywhere.

    Something begins at an action's ex time, and where the warm-up of a feature or of correlations ends.
    """
    ends = world.ends[:-1]  # after the last there is no future
    begin = world.edges() & set(ends)
    begin |= {end for bars in _warm_ups(features, world.interval) for end in ends[max(bars - 1, 0) : bars + 1]}
    edges: list[int] = rng.permutation(sorted(begin))[: (points + 1) // 2].tolist()
    others: list[int] = rng.permutation(sorted(set(ends) - set(edges)))[: points - len(edges)].tolist()
    return sorted(edges + others)


def by_kernels(world: World, features: Features) -> pa.Table:
    """The batch of `tickloom features compute`."""
    return batch.compute(world.table, world.announced, world.interval, features=features, factors=chosen(across=True))


def all_views(world: World, features: Features) -> Tables:
    """The same with what is told of the universe and of pairs."""
    factors = chosen(across=True)
    return batch.compute_views(world.table, world.announced, world.interval, features=features, factors=factors)


def read_all(frames: Iterable[Frame], known_at: int) -> Tables:
    """All tables as they were known."""
    of = list(frames)
    return {FEATURES: table(of, known_at)} | {view: table(of, known_at, (view,)) for view in apart()}


def in_batch(
    world: World, features: Features, at: Sequence[int], rng: Random, findings: Findings, compute: Compute = all_views
) -> None:
    """No output at a bar that ends by a cut may change with what comes after the cut."""
    base = _views(compute(world, features))
    for cut in at:
        for name, other in futures.FUTURES.items():
            then = _views(compute(other(world, cut, rng), features))
            _compare(findings, f"{BATCH}, {name}", cut, base, then, cut)


def _views(found: pa.Table | Tables) -> dict[str, View]:
    tables = {FEATURES: found} if isinstance(found, pa.Table) else found
    return {name: View(tables[name], "" if name == FEATURES else f"{name}.") for name in (FEATURES, *apart())
            if name in tables}  # fmt: skip


def _compare(
    findings: Findings, check: str, cut: int, was: dict[str, View], now: dict[str, View], until: int
) -> None:  # fmt: skip
    for name, view in was.items():
        findings.compare(check, cut, view, now[name], until)


def play(tape: Hearing, plan: Plan) -> Emitted:
    """What the job emits as it hears a tape, each frame with the first bar end by which it was there.

    Changes of the past are applied now before the bar that is open closes, now after.
    """
    shards, found = (
        Simulation(tape.interval_us, plan, interval=plan.interval, horizon=HELD, factors=chosen(across=True)),
        [],
    )
    for number, (end, ticks, actions) in enumerate(tape.steps()):
        frames = [frame for action in actions for frame in shards.hear_action(action)]
        shards.hear_ticks(ticks)
        frames += shards.amend() if number % TURN == 2 else []
        frames += shards.advance(end)
        found += [(end, frame) for frame in frames]
        found += [(end + tape.interval_us, frame) for frame in (shards.amend() if number % TURN == TURN - 1 else [])]
    return found


def as_known(
    world: World, features: Features, at: Sequence[int], turns: int, rng: Random, findings: Findings,
    play: Play = play, read: Read = read_all,
) -> None:  # fmt: skip
    """Nothing as known at a cut may change by what is heard after it: in this future, in others (`turns` of a kind)."""
    tape, plan = hearing(world, rng), Plan(world.interval, features)
    emitted = play(tape, plan)
    base = {cut: _views(read([frame for _, frame in emitted], cut)) for cut in at}
    for cut in at:
        then = _views(read([frame for end, frame in emitted if end <= cut], cut))
        _compare(findings, REREAD, cut, then, base[cut], world.ends[-1])
    for turn, (k, (name, other)) in product(range(turns), enumerate(heard.FUTURES.items())):
        cut = at[((len(at) >> turn) - 1 - k) % len(at)]  # each turn in half the time of the one before: it costs less
        frames = [frame for _, frame in play(other(tape, cut, rng).until(cut + AFTER * tape.interval_us), plan)]
        before = [each for each in at if each < cut]
        for each in [cut, *rng.permutation(before)[: READS - 1].tolist()]:
            _compare(findings, f"{AS_KNOWN}, {name}", cut, base[each], _views(read(frames, each)), world.ends[-1])
