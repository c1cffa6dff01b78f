"""`tickloom leaks`: does any feature know the future?

In: features, and a market to try them on. Out: a table of outputs and checks, the first leak of each output that has
one, and a count; exit status 1 with any leak.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tickloom.leaks.findings import Findings

WIDTH = 110  # of the table, also where the output is no terminal
console = Console(highlight=False, soft_wrap=True, width=WIDTH)


def leaks(
    features: Annotated[str, typer.Option(help="module:NAME of more features: a sequence of registry rows.")] = "",
    bars: Annotated[Path | None, typer.Option(help="Parquet of bars to try them on; a seeded market if none.")] = None,
    actions: Annotated[Path | None, typer.Option(help="Parquet of the corporate actions of these bars.")] = None,
    interval: Annotated[str, typer.Option(help="Length of these bars: 1s, 1m, 1h, 1d.")] = "1d",
    points: Annotated[int, typer.Option(min=1, help="Instants after which the future is another one.")] = 24,
    seed: Annotated[int, typer.Option(help="Equal seeds and options give equal checks.")] = 0,
) -> None:
    """Change the future, and look whether any feature changes before: look-ahead in prices, actions, or known_at.

    After each of many instants later bars get other prices, end, or are joined by new symbols, and later actions are
    other ones: nothing in a batch may move before. Then trades and actions are heard one by one, and what is heard
    after each instant is another thing, late trades, cancels and actions with an ex-date in the past among it: a read
    as known at that instant may not change, nor may it between then and the end.
    """
    from tickloom.leaks.check import enough, run
    from tickloom.leaks.rows import with_registry
    from tickloom.leaks.world import files, market

    rows = with_registry(features)
    world = files(bars, actions, interval) if bars else market(seed, enough(rows, "1m"))
    size = (
        f"{len(world.ends):,} bar times, {len(world.bars.names):,} symbols, {len(world.actions):,} records of actions"
    )
    console.print(f"{bars or f'market {seed}'}: {size}")
    with console.status(f"{points} instants"):
        found = run(world, rows, points, seed)
    console.print(grid(found))
    for output, leak in sorted(found.first().items()):
        console.print(f"{output}: {leak}", style="red", markup=False)
    if vacant := found.vacant():
        console.print(f"never had a value, so nothing is known of: {', '.join(vacant)}", style="yellow", markup=False)
    leaking, compared = found.totals()
    console.print(f"{leaking:,} leaks in {compared:,} comparisons")
    if leaking:
        raise typer.Exit(1)


def grid(found: "Findings") -> Table:
    """Leaks and comparisons of every output by every check; a dash where nothing could be compared."""
    outputs, checks = (list(dict.fromkeys(names)) for names in zip(*found.compared, strict=True))
    table = Table("leaks/compared", *(check.replace(", ", "\n").replace(" ", "\n") for check in checks), box=None)
    for output in outputs:
        table.add_row(output, *(_cell(found, output, check) for check in checks))
    return table


def _cell(found: "Findings", output: str, check: str) -> str:
    compared, leaks = found.compared[output, check], len(found.leaks.get((output, check), ()))
    cell = f"{leaks}/{compared}" if compared else "-"
    return f"[red]{cell}[/red]" if leaks else cell
