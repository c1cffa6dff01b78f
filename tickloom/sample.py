"""`tickloom sample`: real daily prices of five symbols (2000 to 2013) as Parquet.

In: bokeh_sampledata, whose stocks are public domain and unadjusted. Out: bars.parquet; ticks.parquet, four prints a bar
that rebuild it; actions.parquet, the real splits and cash dividends, each checked against the adjusted close of the
source (Quandl WIKI, which adjusts for cash by the close of the ex-day, as CRSP does).
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from schemas.errors import DataError
from schemas.settings import UNITS
from tickloom.tape.files import BAR, price_writer, to_price, write_actions
from udfs.prints import prints

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
DAY_US = UNITS["d"]


class RealSplit(NamedTuple):
    """A split: the day of its announcement (after the close), the first day that trades in new units, its ratio."""

    symbol: str
    announced: date
    ex: date
    numerator: int
    denominator: int


SPLITS = (
    RealSplit("AAPL", date(2000, 4, 19), date(2000, 6, 21), 2, 1),
    RealSplit("MSFT", date(2003, 1, 16), date(2003, 2, 18), 2, 1),
    RealSplit("AAPL", date(2005, 2, 11), date(2005, 2, 28), 2, 1),
)
SPECIAL = {("MSFT", date(2004, 11, 15)): 3.0}  # paid with the ordinary dividend of that day


def sample(out: Annotated[Path, typer.Option(help="Folder to write into.")]) -> None:
    """Write real daily prices of five symbols (2000 to 2013): bars, ticks that rebuild them, splits and dividends."""
    stocks = _stocks()
    for split in SPLITS:
        check_split(stocks[split.symbol], split)
    paid = [row for symbol, stock in stocks.items() for row in dividends(symbol, stock)]
    bars, repaired = mend(daily_bars(stocks))
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(bars, out / "bars.parquet")
    with price_writer(out / "ticks.parquet") as writer:
        writer.write_table(to_price(prints(bars, DAY_US).sort_by("event_time")))
    write_actions([_action(split) for split in SPLITS] + paid, out / "actions.parquet")
    counts = f"{len(bars):,} daily bars of {', '.join(SYMBOLS)}, {4 * len(bars):,} ticks"
    typer.echo(f"{out}: {counts}, {len(SPLITS)} splits, {len(paid)} dividends")
    typer.echo(f"{repaired} bars whose open or close lay outside [low, high] were widened in bars.parquet")


def daily_bars(stocks: dict[str, dict[str, list[Any]]]) -> pa.Table:
    """Columns `BAR` of all symbols, sorted by event_time (end of the UTC day), then symbol."""
    parts = []
    for symbol, columns in stocks.items():
        days = pa.array([date.fromisoformat(day) for day in columns["date"]])
        ends = pc.add(days.cast(pa.timestamp("us", "UTC")), pa.scalar(timedelta(days=1)))
        values = [columns[name] for name in ("open", "high", "low", "close", "volume")]
        parts.append(pa.table([pa.array([symbol] * len(days)), ends, *values], BAR))
    return pa.concat_tables(parts).sort_by([("event_time", "ascending"), ("symbol", "ascending")])


def mend(bars: pa.Table) -> tuple[pa.Table, int]:
    """The bars with low and high widened to hold open and close, and how many needed it.

    The bars file, not the ticks, is where a repair is made: ticks rebuild the file exactly.
    """
    high = pc.max_element_wise(bars["high"], bars["open"], bars["close"])
    low = pc.min_element_wise(bars["low"], bars["open"], bars["close"])
    wrong = pc.or_(pc.not_equal(high, bars["high"]), pc.not_equal(low, bars["low"]))
    whole = bars.set_column(3, BAR.field("high"), high).set_column(4, BAR.field("low"), low)
    return whole, pc.sum(wrong.cast(pa.int64())).as_py() or 0


def check_split(stock: dict[str, list[Any]], split: RealSplit) -> None:
    """DataError unless the source's own adjustment steps by the split's ratio on its ex-date (1e-9 relative)."""
    at = stock["date"].index(split.ex.isoformat())
    before, after = (stock["adj_close"][i] / stock["close"][i] for i in (at - 1, at))
    ratio = split.numerator / split.denominator
    if abs(after / before / ratio - 1) > 1e-9:
        what = f"the source adjusts by {after / before:.6g}, not {ratio:g}"
        hint = "install the version of bokeh-sampledata that requirements.lock names"
        raise DataError(what, where=f"{split.symbol} {split.ex}", hint=hint)


def dividends(symbol: str, stock: dict[str, list[Any]]) -> list[dict[str, object]]:
    """The cash that the source adjusts for, as corporate actions; DataError for cash that is no whole cent (1e-6).

    A step s of adj_close / close on a day that is not a split's is a dividend of close * (s - 1).
    """
    splits = {split.ex for split in SPLITS if split.symbol == symbol}
    days = [date.fromisoformat(day) for day in stock["date"]]
    found: list[dict[str, object]] = []
    rates = [adjusted / close for adjusted, close in zip(stock["adj_close"], stock["close"], strict=True)]
    for ex, close, before, after in zip(days[1:], stock["close"][1:], rates, rates[1:], strict=False):
        cash = close * (after / before - 1)
        if ex in splits or abs(cash) < 1e-6:
            continue
        if abs(cash - round(cash, 2)) > 1e-6 or cash < 0:
            hint = "install the version of bokeh-sampledata that requirements.lock names"
            raise DataError(f"the source adjusts for {cash:.6g} in cash", where=f"{symbol} {ex}", hint=hint)
        special = SPECIAL.get((symbol, ex), 0.0)
        found += [_dividend(symbol, ex, "SPECIAL_DIVIDEND", special)] if special else []
        found.append(_dividend(symbol, ex, "CASH_DIVIDEND", round(cash - special, 2)))
    return found


def _stocks() -> dict[str, dict[str, list[Any]]]:
    from bokeh_sampledata import stocks

    return {symbol: getattr(stocks, symbol) for symbol in SYMBOLS}


def _dividend(symbol: str, ex: date, kind: str, cash: float) -> dict[str, object]:
    """Known six days before ex, the latest that SEC rule 10b-17 allows (ten days before the record day)."""
    return {
        "event_id": f"{symbol}-{ex}-{kind}",
        "symbol": symbol,
        "action_type": kind,
        "ex_date": ex,
        "cash_amount": cash,
        "currency": "USD",
        "known_at": datetime.combine(ex - timedelta(days=6), datetime.min.time(), UTC) + timedelta(hours=21),
    }


def _action(split: RealSplit) -> dict[str, object]:
    return {
        "event_id": f"{split.symbol}-{split.ex}",
        "symbol": split.symbol,
        "action_type": "SPLIT",
        "ex_date": split.ex,
        "numerator": split.numerator,
        "denominator": split.denominator,
        "known_at": datetime.combine(split.announced, datetime.min.time(), UTC) + timedelta(hours=21),
    }
