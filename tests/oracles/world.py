"""Small worlds for the properties of change: trades, corporate actions, and the orders in which they are heard.

A world is drawn from a `random.Random`, hypothesis's own or one of a seed: the same draws give the same world.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.settings import settings
from udfs import batch, cross, crossed, simulation
from udfs.bars import COLUMNS, build, identity
from udfs.fold import Due, fold
from udfs.frame import Frame
from udfs.kernels.state import Rows
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.registry import FEATURES, Feature
from udfs.securities import Actions
from udfs.simulation import Simulation
from udfs.table import TIME, table
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

MINUTE, DAY = 60_000_000, 86_400_000_000
SYMBOLS = ["A", "B", "C", "D", "E"]
HORIZON = Horizon(10_000, 3)  # minutes: more than a tape is long
# every row of the registry with a window of a few bars, so that a short tape turns every ring
FEW = {200: 7, 26: 5, 20: 4, 14: 3, 12: 3, 9: 2}
SHORT = Plan("1m", [replace(row, params={k: FEW.get(v, v) for k, v in row.params.items()}) for row in FEATURES])
WINDOW = 4
RATIOS = ("SPLIT", "REVERSE_SPLIT", "RATIO_CHANGE", "STOCK_DIVIDEND", "SHARE_CLASS_DIVIDEND", "CURRENCY_CHANGE")
CASH = ("CASH_DIVIDEND", "SPECIAL_DIVIDEND", "RETURN_OF_CAPITAL", "SPIN_OFF", "RIGHTS_ISSUE")
NAMES = ("SYMBOL_CHANGE", "EXCHANGE_MOVE", "MERGER", "DELISTING", "RELISTING", "NAME_CHANGE",
         "INDEX_JOIN", "INDEX_LEAVE")  # fmt: skip
KINDS = (*RATIOS, *CASH, *NAMES, "OTHER")
Action = dict[str, Any]
Bits = dict[tuple[str, int], bytes]
Move = tuple[str, Any]


@contextmanager
def short_windows(**of: object) -> Iterator[None]:
    """Correlations over 4 bars, to go with SHORT; what else there is, of it."""
    of = {"windows": (WINDOW,), "peers": 2, "loadings": 1, "benchmarks": ("B",), "pairs": ("A|B", "D|C")} | of
    short = settings().model_copy(update={"cross_asset": settings().cross_asset.model_copy(update=of)})
    with pytest.MonkeyPatch.context() as patch:
        for module in (cross, crossed, simulation):
            patch.setattr(module, "settings", lambda: short)
        yield


def tape(
    seed: int,
    bars: int,
    density: float = 6,
    amended: float = 0.15,
    symbols: list[str] = SYMBOLS,
    *,
    whole: bool = False,
    strays: bool = True,
) -> Ticks:
    """Trades of `bars` minutes around two midnights (of days 1 and 2), with cancels, corrections and repeats.

    density: trades a minute; amended: share that is said again, half of the amendments in a later bar if `strays`.
    Some symbols begin late or end early, unless `whole`.
    """
    rng = np.random.default_rng(seed)
    n = max(1, int(density * bars))
    bar, code = np.sort(rng.integers(0, bars, n)), rng.integers(0, len(symbols), n).astype("i4")
    first, last = rng.integers(-bars, bars // 2, len(symbols)), rng.integers(bars // 2, 2 * bars, len(symbols))
    there = np.flatnonzero((first[code] <= bar) & (bar <= last[code]) | whole | (bar == bar[0]))
    bar, code, n = bar[there], code[there], len(there)
    midnight = np.where(bar < bars // 2, DAY, 2 * DAY - bars // 2 * MINUTE)
    time = midnight + (bar - bars // 4) * MINUTE + rng.integers(0, MINUTE, n)
    price, size = np.round(rng.uniform(10, 20, n), 2), rng.integers(1, 9, n).astype("f8")
    trades = Ticks(symbols, code, time, price, size, np.arange(n), np.arange(n).astype("u8"), np.zeros(n, "i1"))
    again = np.flatnonzero(rng.random(n) < amended)
    kinds, more = rng.choice([TRADE, CANCEL, CORRECT], len(again)).astype("i1"), trades.take(again)
    price = np.where(kinds == TRADE, more.price, more.price + 1)
    sequence = np.where(kinds == TRADE, more.sequence, n + again)
    later = rng.choice([0, 0, MINUTE, 7 * MINUTE], len(again)) * (strays & (kinds != TRADE))
    amendments = replace(more, event_time=more.event_time + later, price=price, sequence=sequence, kind=kinds)
    return Ticks.concat([trades, amendments])


def draw_tape(random: Random, *, strays: bool = True) -> Ticks:
    """A tape of any size and density."""
    density, amended = random.choice([0.7, 1.5, 3, 6]), random.choice([0, 0.15, 0.5])
    return tape(random.randrange(2**32), random.choice([3, 6, 10, 20, 40]), density, amended, strays=strays)


def action(event_id: str, kind: str, symbol: str, **terms: Any) -> Action:
    """A record as the decoder gives it; the ex-day is the first midnight of the tape unless said."""
    first = {"version": 1, "function": "NEW", "status": "FINAL", "ex_date": 1, "known_at": 0}
    ratio = {"numerator": 1, "denominator": 1}
    return first | ratio | {"event_id": event_id, "action_type": kind, "symbol": symbol} | terms


def draw_action(random: Random, event_id: str, kinds: tuple[str, ...] = KINDS) -> Action:
    """An action of any of these types on any of the symbols, on a day before, in or after the tape."""
    kind, (symbol, other) = random.choice(kinds), random.sample(SYMBOLS, 2)
    terms: Action = {"ex_date": random.choice([0, 1, 1, 2, 2, 3])}
    if kind in RATIOS or kind == "RIGHTS_ISSUE":
        terms |= {"numerator": random.randint(1, 7), "denominator": random.choice([1, 1, 2, 5, 10])}
    if kind in CASH:
        terms |= {"cash_amount": random.randint(0, 12) / 8, "subscription_price": random.randint(0, 80) / 8}
    if kind in ("SYMBOL_CHANGE", "MERGER") or (kind == "EXCHANGE_MOVE" and random.random() < 0.5):
        terms["other_symbol"] = other
    return action(event_id, kind, symbol, **terms)


def draw_records(random: Random, events: int) -> list[Action]:
    """Records of some events: announced, replaced, cancelled, reinstated, provisional then final, said again."""
    found = []
    for event_id in "uvwxyz"[:events]:
        first = draw_action(random, event_id) | {"status": random.choice(["FINAL", "PROVISIONAL"])}
        found.append(first)
        for version in range(2, 2 + random.choice([0, 0, 1, 2, 3])):
            function = random.choice(["REPLACE", "CANCEL", "CANCEL", "REINSTATE"])
            terms = draw_action(random, event_id) if function == "REPLACE" else first
            found.append(terms | {"version": version, "function": function, "known_at": version})
        if random.random() < 0.3:
            found.append(random.choice(found) | {"known_at": 9, "status": "FINAL"})
    return found


def draw_moves(random: Random, ticks: Ticks, actions: list[Action]) -> list[Move]:
    """An order in which a world is heard: most in time or all in disorder; time, amendments and restarts in between."""
    rng = np.random.default_rng(random.randrange(2**32))
    low, high = int(ticks.event_time.min()) - MINUTE, int(ticks.event_time.max()) + MINUTE
    late = random.choice([0, MINUTE, 5 * MINUTE, high - low])
    arrival = ticks.event_time + rng.integers(0, late + 1, len(ticks)) * (rng.random(len(ticks)) < 0.4)
    others: list[Move] = [("tell", each) for each in actions]
    others += random.sample(others, len(others) // 3)
    others += [("pass", None)] * random.randint(1, 12) + [("amend", None)] * random.randint(0, 6)
    others += [("restart", None)] * random.randint(0, 2)
    span = random.choice([high - low, (high - low) // 2])  # in half of the worlds all news come early
    return line(ticks, arrival, [(random.randint(low, low + span), *move) for move in others])


def line(ticks: Ticks, arrival: Rows, others: list[tuple[int, str, Any]]) -> list[Move]:
    """Ticks by arrival, and other moves at their times; a `pass` passes its own time."""
    moves: list[Move] = []
    order, start = np.argsort(arrival, kind="stable"), 0
    for at, what, how in [*sorted(others, key=lambda each: each[0]), (2**62, "amend", None)]:
        stop = int(np.searchsorted(arrival[order], at, "right"))
        moves += [("hear", ticks.take(order[start:stop]))] if stop > start else []
        moves.append((what, at if what == "pass" else how))
        start = stop
    return moves


class World:
    """A simulation and all that it emitted."""

    def __init__(
        self, shards: int = 2, horizon: Horizon = HORIZON, plan: Plan = SHORT, rollups: Sequence[str] = (),
        calendar: str = "24/7", factors: Sequence[Feature] = (),
    ) -> None:  # fmt: skip
        self.plan = plan
        self.shape: dict[str, Any] = {"shards": shards, "horizon": horizon, "rollups": rollups, "calendar": calendar}
        self.shape["factors"] = factors
        self.frames: list[Frame] = []
        self.simulation = Simulation(MINUTE, plan, **self.shape)

    @property
    def stores(self) -> dict[str, dict[str, bytes]]:
        """What is stored, by stage and shard."""
        return self.simulation.stores

    def do(self, what: str, how: Any = None) -> "World":
        """One move: hear (ticks), tell (an action), pass (time), amend, restart, finish."""
        simulation = self.simulation
        if what == "hear":
            simulation.hear_ticks(how)
        elif what == "restart":
            self.simulation = Simulation(MINUTE, self.plan, **self.shape, stores=simulation.stores)
        else:
            step = {"tell": simulation.hear_action, "pass": simulation.advance}
            self.frames += step[what](how) if what in step else getattr(simulation, what)()
        return self

    def run(self, moves: list[Move]) -> "World":
        """All moves, and the end."""
        for move in moves:
            self.do(*move)
        return self.do("finish")

    def rows(self) -> Bits:
        """What stands in the end."""
        return bits(table(self.frames))

    def state(self) -> dict[str, bytes]:
        """Live state of every security that has any."""
        shards = [shard.base for shard in self.simulation.features]
        return {name: s.state[i].tobytes() for s in shards for i, name in enumerate(s.names) if s.state[i].any()}


@dataclass
class Clean:
    """The batch over everything, known from the start: its table, and the state after it by security."""

    table: pa.Table
    state: dict[str, bytes]

    @property
    def rows(self) -> Bits:
        """What stands in the end."""
        return bits(self.table)

    @staticmethod
    def of(ticks: Ticks, actions: list[Action], plan: Plan = SHORT, factors: Sequence[Feature] = ()) -> "Clean":
        """Compute it."""
        bars, features = final_bars(ticks), [step.feature for step in plan._steps]
        found = batch.compute(bars, as_table(actions), "1m", features=features, factors=factors)
        tape, known = batch.read_bars(bars, "1m"), Actions(actions)
        names, rows = tape.by_security(known)
        state = np.zeros((len(names), plan.width))
        due = Due.of(known.adjustments, {name: row for row, name in enumerate(names)})
        fold(plan, state, rows, tape.times, tape.values, due)
        return Clean(found, {name: row.tobytes() for name, row in zip(names, state, strict=True) if row.any()})


def final_bars(ticks: Ticks) -> pa.Table:
    """The bars of all records, each window at once; an amendment belongs to the bar of its trade."""
    ends, ids = (ticks.event_time // MINUTE + 1) * MINUTE, identity(ticks)
    trades = ticks.kind == TRADE
    bar = dict(zip(ids[trades].tolist(), ends[trades].tolist(), strict=True))
    ends = np.array([bar.get(name, end) for name, end in zip(ids.tolist(), ends.tolist(), strict=True)])
    parts = []
    for end in np.unique(ends).tolist():
        bars = build(ticks.take(ends == end), end)
        times = pa.array([end] * len(bars.symbols), pa.int64()).cast(TIME)
        columns = dict(zip(COLUMNS, bars.values.T, strict=True))
        parts.append(pa.table({"symbol": pa.array(bars.symbols, pa.string()), "event_time": times, **columns}))
    return pa.concat_tables(parts)


def as_table(actions: list[Action]) -> pa.Table | None:
    """Records as a Parquet file of actions holds them."""
    if not actions:
        return None
    names = {name for each in actions for name in each}
    columns = {name: [each.get(name) for each in actions] for name in names}
    kinds = {"ex_date": (pa.int32(), pa.date32()), "known_at": (pa.int64(), TIME)}
    return pa.table({name: pa.array(values, kinds[name][0]).cast(kinds[name][1]) if name in kinds else values
                     for name, values in columns.items()})  # fmt: skip


def bits(found: pa.Table, ticker: Callable[[str, int], str] = lambda name, _: name) -> Bits:
    """Every row of a table of features by symbol and time, as bytes: NaN is equal to itself.

    ticker: what a symbol, or a peer, is to be shown as at a time.
    """
    texts = [name for name in found.column_names[2:] if pa.types.is_string(found.schema.field(name).type)]
    names = [name for name in found.column_names[2:] if name not in texts]
    numbers = np.array([found[name].to_numpy() for name in names]).T
    others = list(zip(*(found[name].to_pylist() for name in texts), strict=True)) or [()] * len(numbers)
    times = found["event_time"].cast(pa.int64()).to_pylist()
    rows = zip(found["symbol"].to_pylist(), times, numbers, others, strict=True)
    return {(ticker(symbol, time), time):
            row.tobytes() + "|".join(ticker(peer, time) if peer else "" for peer in peers).encode()
            for symbol, time, row, peers in rows}  # fmt: skip
