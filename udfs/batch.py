"""All features of a history at once: the kernels of the live job, folded over a table of bars.

In: a table of unadjusted bars and one of corporate actions (records of market.corporate_action.v1), both in any order.
Out: a table of every feature at every bar, in the order of event time and symbol, the same bytes as the live job gives.
This file must not know Flink, files, or how any feature is computed.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import DataError
from schemas.settings import parse_duration
from udfs.bars import COLUMNS, add_trades
from udfs.catalogue import chosen
from udfs.crossed import Take, crossed
from udfs.fold import Due, fold
from udfs.frame import CROSS_ASSET
from udfs.kernels.state import Floats, Rows
from udfs.plan import Plan
from udfs.prints import PER_BAR, left, sizes
from udfs.registry import Feature
from udfs.rollup import roll
from udfs.securities import Actions
from udfs.sessions import ALWAYS, OUTSIDE, window_ends

TIME = pa.timestamp("us", tz="UTC")
PRICES = ("open", "high", "low", "close")
REQUIRED = ("symbol", "event_time", *PRICES, "volume")
ACTION = ("event_id", "version", "function", "symbol", "action_type", "ex_date", "known_at")
FEATURES = "features"
SHOWN = 3  # bad rows named in an error


@dataclass(frozen=True)
class Tape:
    """Bars by event time, then symbol.

    `names` ascending; `rows` int64[M], each bar's place among them; `times` int64[M], bar ends in microseconds UTC;
    `values` float64[M, 12] in the order of `udfs.bars.COLUMNS`.
    """

    names: list[str]
    rows: Rows
    times: Rows
    values: Floats

    def by_security(self, actions: Actions) -> tuple[list[str], Rows]:
        """The names of the securities, ascending, and each bar's place among them, int64[M]."""
        ids = np.array(self.names, object)[self.rows]
        for row, name in enumerate(self.names):
            if name in actions.cuts:
                bars = np.flatnonzero(self.rows == row)
                ids[bars] = [actions.security(name, end) for end in self.times[bars].tolist()]
        names = sorted(set(ids.tolist())) if set(actions.cuts) & set(self.names) else self.names
        place = {name: i for i, name in enumerate(names)}
        return names, np.array([place[name] for name in ids.tolist()], "i8")


def compute_views(
    bars: pa.Table,
    actions: pa.Table | None,
    interval: str,
    *,
    features: Sequence[Feature] = (),
    factors: Sequence[Feature] = (),
    calendar: str = ALWAYS,
    ticks: pa.Table | None = None,
) -> dict[str, pa.Table]:
    """The table of `compute`, and those of the universe and of pairs, in memory; parameters and errors as there."""
    parts: defaultdict[str, list[pa.Table]] = defaultdict(list)
    found = compute(
        bars, actions, interval, features=features, factors=factors, calendar=calendar, ticks=ticks,
        take=lambda view, part: parts[view].append(part),
    )  # fmt: skip
    return {FEATURES: found, **{view: pa.concat_tables(of) for view, of in parts.items()}}


def compute(
    bars: pa.Table,
    actions: pa.Table | None,
    interval: str,
    *,
    features: Sequence[Feature] = (),
    factors: Sequence[Feature] = (),
    calendar: str = ALWAYS,
    ticks: pa.Table | None = None,
    take: Take = lambda _view, _part: None,
) -> pa.Table:
    """Every feature at every bar: symbol, event_time, one float64 column a feature, peers and clusters string or null.

    bars: symbol, event_time (a timestamp, the bar's end; UTC), open, high, low, close, volume, unadjusted; what else
    bars have (see `udfs.bars`) is, where the table lacks it, that of the four prints of a replay (`udfs.prints`).
    actions: the columns of the Avro schema. All actions count from their ex-date on, whenever they became known.
    NaN while warming up. DataError names the rows of bars that cannot be used: missing, not finite or not positive
    prices, negative volume, two bars of one symbol at one time. features must have log_return; factors: rows that look
    across the universe; without either, those that the settings choose. calendar: of actions that name no listing, and
    of features that read the session. ticks: what the bars are made of, for pairs, in the columns of market.price.v1;
    an empty table for bars that are rolled up, whose ticks count for nothing; None: the four prints of a replay. take:
    is handed the rows of the universe and of pairs, which are kept nowhere else.
    """
    tape = read_bars(bars, interval)
    plan = Plan(interval, features, calendar)
    factors = factors or (() if features else chosen(across=True))
    known = Actions(read_actions(actions) if actions is not None else [], calendar)
    securities, rows = tape.by_security(known)
    due = Due.of(known.adjustments, {name: row for row, name in enumerate(securities)})

    def folded(plan: Plan) -> Floats:
        return fold(plan, plan.blank(len(securities)), rows, tape.times, tape.values, due)

    values = folded(plan)
    log_returns = values[:, plan.outputs.index("log_return")]
    own = _across(tape, securities, rows, log_returns, known, parse_duration(interval), take, ticks)
    names = pa.array(tape.names, pa.string())
    columns = {"symbol": names.take(pa.array(tape.rows)), "event_time": pa.array(tape.times).cast(TIME)}
    columns |= dict(zip(plan.outputs, map(pa.array, values.T.copy()), strict=True))
    if factors:
        more = Plan(interval, factors, calendar)
        columns |= dict(zip(more.outputs, map(pa.array, folded(more).T.copy()), strict=True))
    columns |= {name: own[name] for name in own.column_names if name not in columns}
    return pa.table(columns)


def _across(
    tape: Tape, securities: list[str], rows: Rows, log_returns: Floats, known: Actions, interval_us: int, take: Take,
    ticks: pa.Table | None,
) -> pa.Table:  # fmt: skip
    """The rows of members in the order of bars, null for a bar of none; those of the other views are handed over."""
    members: list[pa.Table] = []

    def taken(view: str, part: pa.Table) -> None:
        if view == CROSS_ASSET:
            members.append(part)
        else:
            take(view, part)

    there = crossed(tape, securities, rows, log_returns, known, interval_us, taken, ticks)
    own = pa.concat_tables(members).combine_chunks()
    return own if there.all() else own.take(pa.array(np.maximum(np.cumsum(there) - 1, 0), mask=~there))


def roll_up(bars: pa.Table, actions: pa.Table | None, of: str, interval: str, calendar: str = ALWAYS) -> pa.Table:
    """Bars of a longer interval, made of those `of` a shorter one as in the live job: symbol, event_time, bar columns.

    Parameters and errors as of `compute`. Windows are those of `udfs.sessions.window_ends`. A bar bears the last
    ticker of its parts; there is none of a security that has no ticker at the window's end.
    """
    tape, known = read_bars(bars, of), Actions(read_actions(actions) if actions is not None else [], calendar)
    securities, rows = tape.by_security(known)
    windows = window_ends(tape.times, parse_duration(interval), calendar)
    inside = np.flatnonzero(windows != OUTSIDE)
    due = Due.of(known.adjustments, {name: row for row, name in enumerate(securities)})
    rolled = roll(rows[inside], tape.times[inside], windows[inside], tape.values[inside], due)
    last = inside[np.array([parts[-1] for parts in rolled.parts], "i8")]
    symbols = [tape.names[row] for row in tape.rows[last].tolist()]
    held = [
        name not in known.cuts or known.security(name, end) == securities[row]
        for name, end, row in zip(symbols, rolled.ends.tolist(), rolled.rows.tolist(), strict=True)
    ]
    columns = {"symbol": pa.array(symbols, pa.string()), "event_time": pa.array(rolled.ends).cast(TIME)}
    columns |= dict(zip(COLUMNS, map(pa.array, rolled.values.T.copy()), strict=True))
    made = pa.table(columns).filter(pa.array(held, pa.bool_()))
    return made.sort_by([("event_time", "ascending"), ("symbol", "ascending")])


def read_bars(bars: pa.Table, interval: str) -> Tape:
    """The table as arrays in order, checked, with every column: see `compute`."""
    _need(bars, REQUIRED, "bars")
    names, rows, times = _keys(bars)
    order = np.lexsort((rows, times))
    rows, times = rows[order], times[order]
    here = [name for name in COLUMNS if name in bars.column_names]
    values = {name: _cast(bars, name, pa.float64()).to_numpy()[order] for name in here}
    again = np.zeros(len(rows), bool)
    again[1:] = (rows[1:] == rows[:-1]) & (times[1:] == times[:-1])
    checks = {"two bars of one symbol at one time": again}
    for name in PRICES:
        checks[f"{name} is not a positive number"] = ~((values[name] > 0) & (values[name] < np.inf))
    checks["volume is negative or not a number"] = ~((values["volume"] >= 0) & (values["volume"] < np.inf))
    for fault, bad in checks.items():
        if bad.any():
            raise DataError(f"{fault} in {bad.sum()} of {len(bad)} bars", where=_rows(names, rows, times, order, bad))
    if len(values) < len(COLUMNS):
        values = _printed(values, parse_duration(interval)) | values
    return Tape(names, rows, times, np.column_stack([values[name] for name in COLUMNS]))


def _printed(values: dict[str, Floats], interval_us: int) -> dict[str, Floats]:
    """Every column of bars of which four prints a bar are known, as a replay builds them."""
    bars = len(values["close"])
    prices = np.column_stack([values[name] for name in PRICES])
    code, times = np.repeat(np.arange(bars, dtype="i4"), PER_BAR), np.tile(left(interval_us), bars)
    built = np.zeros((bars, len(COLUMNS)))
    add_trades(code, times, prices.ravel(), sizes(values["volume"]).ravel(), built)
    return dict(zip(COLUMNS, built.T, strict=True))


def read_actions(actions: pa.Table) -> list[dict[str, object]]:
    """The records as Avro has them, times as whole numbers; DataError for columns missing, null, or ex_date no date."""
    _need(actions, ACTION, "actions")
    kind = actions.schema.field("ex_date").type
    if not pa.types.is_date(kind):
        raise DataError(f"ex_date is of type {kind}, not a date", where="actions")
    for name, number in (("ex_date", pa.int32()), ("known_at", pa.int64())):
        place = actions.schema.get_field_index(name)
        actions = actions.set_column(place, name, _plain(actions[name]).cast(number))
    return [{name: value for name, value in row.items() if value is not None} for row in actions.to_pylist()]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times in microseconds, dates in days."""
    return column.cast(TIME) if pa.types.is_timestamp(column.type) else column.cast(pa.date32())


def _keys(bars: pa.Table) -> tuple[list[str], Rows, Rows]:
    """Names ascending, each bar's place among them, and its event time in microseconds UTC."""
    kind = bars.schema.field("event_time").type
    if not pa.types.is_timestamp(kind):
        raise DataError(f"event_time is of type {kind}, not a timestamp", where="bars")
    times = _cast(bars, "event_time", pa.timestamp("us", kind.tz)).cast(pa.int64()).to_numpy()
    symbols = _cast(bars, "symbol", pa.string()).combine_chunks().dictionary_encode()
    symbols = symbols.combine_chunks() if isinstance(symbols, pa.ChunkedArray) else symbols
    order = pc.sort_indices(symbols.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return symbols.dictionary.take(order).to_pylist(), place[symbols.indices], times


def _cast(bars: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    try:
        return bars.column(name).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{name} does not fit {kind}: {error}", where="bars") from error


def _need(table: pa.Table, columns: tuple[str, ...], what: str) -> None:
    if missing := [name for name in columns if name not in table.column_names]:
        raise DataError(f"{what} lack {', '.join(missing)}", where=f"columns: {', '.join(table.column_names)}")
    if empty := [name for name in columns if name not in (*PRICES, "volume") and table.column(name).null_count]:
        raise DataError(f"{what} have nulls in {', '.join(empty)}", where=what)


def _rows(names: list[str], rows: Rows, times: Rows, order: Rows, bad: npt.NDArray[np.bool_]) -> str:
    """The first bad bars by symbol, time and row of the table as given (from 0)."""
    shown = [f"{names[rows[k]]} {np.datetime64(int(times[k]), 'us')} (row {order[k]})" for k in np.flatnonzero(bad)]
    return ", ".join(shown[:SHOWN]) + (", ..." if len(shown) > SHOWN else "")
