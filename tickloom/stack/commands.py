"""`tickloom stack …`: the commands' options and what they print."""

import os
import shlex
import signal
import threading
from typing import Annotated

import typer

from schemas.errors import StackError, nearest
from schemas.settings import state_dir
from tickloom.stack import causes, components, control, environment, process, security, supervise

Names = Annotated[list[str] | None, typer.Argument(help="Components; all when none is named.", show_default=False)]


def up(
    names: Names = None,
    brokers: Annotated[int | None, typer.Option(help="Kafka brokers, 1 or 3.", show_default=False)] = None,
    ports: Annotated[str, typer.Option(help="`configured`, or `auto` for free ones.")] = "configured",
    secure: Annotated[
        bool | None, typer.Option(help="TLS, users and rights: docs/security.md.", show_default=False)
    ] = None,
    ha: Annotated[
        bool | None, typer.Option("--ha/--no-ha", help="Jobs survive their JobManager.", show_default=False)
    ] = None,
    taskmanagers: Annotated[int | None, typer.Option(help="More than 1: a standby.", show_default=False)] = None,
    profile: Annotated[
        str | None, typer.Option(help="low-latency, throughput or replay; '' for none.", show_default=False)
    ] = None,
) -> None:
    """Start Kafka, the schema registry, Flink and Redis, and wait until each answers; what runs already stays."""
    if ports not in {"configured", "auto"}:
        raise StackError(f"--ports {ports}", hint=nearest(ports, ["configured", "auto"]))
    wanted = {
        "brokers": brokers,
        "secure": secure,
        "high_availability": ha,
        "taskmanagers": taskmanagers,
        "profile": profile,
    }
    control.up(tuple(names or ()), auto_ports=ports == "auto", tell=typer.echo, **wanted)


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


def watch() -> None:
    """Start again what is killed, until Ctrl-C or SIGTERM; what `down` stopped stays down, and the servers run on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    supervise.Supervisor(typer.echo).run(stop)


def logs(
    component: Annotated[str, typer.Argument(help="kafka, registry, zookeeper, jobmanager, taskmanager or redis.")],
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
    """Print exports for native commands: eval "$(tickloom stack env)", then flink list, feast apply and so on.

    Of a stack with users these are its passwords too, which no other command prints.
    """
    for name, value in (environment.exports() | security.exports()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
