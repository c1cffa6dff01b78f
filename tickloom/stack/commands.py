"""`tickloom stack …`: the commands' options and what they print."""

import os
import shlex
from typing import Annotated

import typer

from schemas.errors import StackError, nearest
from schemas.settings import state_dir
from tickloom.stack import causes, components, control, environment, process

Names = Annotated[list[str] | None, typer.Argument(help="Components; all when none is named.", show_default=False)]


def up(
    names: Names = None,
    brokers: Annotated[int | None, typer.Option(help="Kafka brokers, 1 or 3.", show_default=False)] = None,
    ports: Annotated[str, typer.Option(help="`configured`, or `auto` for free ones.")] = "configured",
) -> None:
    """Start Kafka, the schema registry, Flink and Redis, and wait until each answers; what runs already stays."""
    if ports not in {"configured", "auto"}:
        raise StackError(f"--ports {ports}", hint=nearest(ports, ["configured", "auto"]))
    control.up(tuple(names or ()), brokers=brokers, auto_ports=ports == "auto", tell=typer.echo)


def down(
    names: Names = None,
    wipe: Annotated[bool, typer.Option(help="Delete topics, schemas, checkpoints and the online store too.")] = False,
) -> None:
    """Stop the stack's own processes, and no others."""
    stopped = control.down(tuple(names or ()), wipe=wipe)
    typer.echo(f"stopped: {', '.join(stopped) or 'nothing ran'}")


def status() -> None:
    """Show each component, its process and address; exit 1 unless all answer."""
    rows = control.status()
    for row in rows:
        typer.echo(f"{row.name:12} {row.state:7} {row.pid or '-':>8}  {row.address}")
    raise typer.Exit(any(row.state != "up" for row in rows))


def logs(
    component: Annotated[str, typer.Argument(help="kafka, registry, jobmanager, taskmanager or redis.")],
    lines: Annotated[int, typer.Option(help="How many lines.")] = 50,
    follow: Annotated[bool, typer.Option(help="Go on as the log grows.")] = False,
) -> None:
    """Show the end of a component's log."""
    place = process.Place(state_dir())
    path = place.log(component)
    if not path.exists():
        known = [log.stem for log in path.parent.glob("*.log")]
        raise StackError(f"no log of {component!r}", where=str(path.parent), hint=nearest(component, known))
    if follow:
        os.execvp("tail", ["tail", "-n", str(lines), "-f", str(path)])
    typer.echo(causes.last(causes.read(path), lines))


def topics() -> None:
    """Create the topics and register the schemas in a Kafka and a registry that run already, in containers say."""
    components.provision()


def env() -> None:
    """Print exports for native commands: eval "$(tickloom stack env)", then flink list, feast apply and so on."""
    for name, value in environment.exports().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
