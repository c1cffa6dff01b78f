"""`tickloom store`: the online store as its keeper sees it.

Values are read with `feast` or `VectorReader`; here are the functions of a Redis, what was refused, and the way back of
a store that has lost its vectors.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)


def rebuild(view: Annotated[str, typer.Option(help="Only this view, such as indicators_1d.")] = "") -> None:
    """Write the newest committed features of every entity into the store; jobs may go on meanwhile."""
    import time

    from feature_repo.stores import open_store
    from jobs.runtime.rebuild import rebuild as write_committed
    from schemas.settings import settings, store_url

    begun = time.monotonic()
    entities = write_committed(open_store(store_url()), settings().store.project, view)
    for name, number in entities.items():
        console.print(f"{name}: {number:,} entities")
    console.print(f"{sum(entities.values()):,} vectors from feature.frame.v1 in {time.monotonic() - begun:.1f} s")


def refused(view: Annotated[str, typer.Argument(help="A view, such as indicators_1d.")]) -> None:
    """Rows that were not written, and why."""
    from feature_repo.stores import open_store
    from schemas.settings import settings, store_url

    grid = Table("entity", "event time", "reason", "values")
    for each in open_store(store_url()).refused(settings().store.project, view):
        grid.add_row(each.entity, str(each.event_time), each.reason, each.values)
    console.print(grid)


def functions() -> None:
    """Load the store's functions into Redis, as a user who may; writers that may not need them there."""
    from feature_repo.stores.redis import RedisStore
    from schemas.settings import store_url

    RedisStore(store_url()).load()
    console.print("loaded: tickloom_fence, tickloom_write, tickloom_swap")
