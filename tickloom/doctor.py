"""`tickloom doctor`: looks at everything a run needs, and names the command that mends what it lacks.

In: this machine, the settings, the stack if it runs. Out: one line a check, exit 1 if one failed.
A check returns what it found, or raises: Absent for what a run can do without, else another TickloomError.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

from schemas.errors import StackError, TickloomError
from schemas.settings import config_file, settings, state_dir
from tickloom.stack import jars, ports, probe, process
from tickloom.stack.components import components, flink_url
from tickloom.stack.environment import environment, flink_home
from tickloom.stack.process import Place

LOADER = """
public class Load {
    public static void main(String[] names) throws Exception {
        for (String name : names) Class.forName(name);
    }
}
"""
FLINK_CLASSES = (
    "org.apache.flink.table.api.TableEnvironment",
    "org.apache.flink.client.python.PythonDriver",
    "org.apache.flink.connector.kafka.sink.KafkaSink",
)
JAVA_AT_LEAST = 17


class Absent(TickloomError):
    """Something that a run can do without."""


def doctor() -> None:
    """Check Java, Maven, the jars, ports, servers, Feast and the GPU; each failure names the command that mends it."""
    failed = False
    for name, check in CHECKS.items():
        try:
            mark, said = "ok", check()
        except Absent as absent:
            mark, said = "-", str(absent)
        except TickloomError as error:
            mark, said, failed = "FAIL", str(error), True
        typer.secho(f"{mark:4} {name:16} {said}", fg={"ok": "green", "-": "yellow"}.get(mark, "red"))
    raise typer.Exit(failed)


def python() -> str:
    """The interpreter of the lock file's environment."""
    if not (3, 11) <= sys.version_info[:2] < (3, 13):
        raise StackError(f"Python {sys.version.split()[0]}", hint="rm -r .venv && make setup PYTHON=python3.11")
    return sys.executable


def java() -> str:
    """Java's version, 17 or later."""
    said = _output(["java", "-version"], "install a JDK 17 or later: apt-get install openjdk-17-jdk-headless")
    found = re.search(r'version "(\d+)', said)
    if not found or int(found[1]) < JAVA_AT_LEAST:
        raise StackError(said.splitlines()[0], hint="install a JDK 17 or later, or set JAVA_HOME to one")
    return said.splitlines()[0]


def maven() -> str:
    """Maven's version; it only fetches jars."""
    return _output(["mvn", "--version"], "apt-get install maven").splitlines()[0]


def hashes() -> str:
    """All jars are there and are those of the lock."""
    jars.check()
    return f"{len(jars.files())} files as {jars.LOCK.name} says"


def configuration() -> str:
    """The settings can be read."""
    settings()
    return str(config_file())


def free_ports() -> str:
    """Each port is held by our own server, or by nobody."""
    for each in components():
        if not process.leader(Place(state_dir()), each.name):
            ports.demand_free(each.name, each.ports)
    return ", ".join(str(port) for each in components() for port in each.ports)


def registry() -> str:
    """The schema registry answers."""
    url = settings().registry.url
    if not probe.registry(url):
        raise Absent("does not run", where=url, hint="tickloom stack up")
    return f"{len(probe.fetch(f'{url}/subjects'))} subjects at {url}"


def cluster() -> str:
    """Flink answers, with slots."""
    if not probe.jobmanager(flink_url()):
        raise Absent("does not run", where=flink_url(), hint="tickloom stack up")
    found = probe.fetch(f"{flink_url()}/overview")
    if not found["slots-total"]:
        raise StackError("no TaskManager", where=flink_url(), hint="tickloom stack up taskmanager")
    return f"{found['slots-available']} of {found['slots-total']} slots free at {flink_url()}"


def redis() -> str:
    """redis-server is installed; without it the online store is SQLite."""
    found = shutil.which("redis-server")
    if not found:
        raise Absent("not installed, so the online store is SQLite", hint="apt-get install redis-server")
    return found


def feast() -> str:
    """Feast's registry knows our feature views."""
    said = _output([str(Path(sys.executable).parent / "feast"), "feature-views", "list"], "make setup")
    found = re.findall(r"^(\w+)\s+\{", said, re.MULTILINE)
    if not found:
        raise Absent("no feature view is registered", hint='eval "$(tickloom stack env)" && feast apply')
    return ", ".join(found)


def gpu() -> str:
    """A CUDA device for scoring; without it the CPU scores."""
    import torch

    if not torch.cuda.is_available():
        raise Absent(
            "no CUDA device, so the CPU scores", hint="install a driver for torch's CUDA " + str(torch.version.cuda)
        )
    return torch.cuda.get_device_name()


def _loads(class_path: Callable[[], str], *names: str) -> Callable[[], str]:
    """A check that Java loads these classes, one of each jar that matters."""

    def check() -> str:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "Load.java"
            source.write_text(LOADER, "utf-8")
            _output(
                ["java", "-cp", class_path(), str(source), *names], "rm -r flink-conf/connectors/target && make setup"
            )
        return ", ".join(name.rpartition(".")[2] for name in names)

    return check


def _flink_jars() -> str:
    return ":".join([f"{flink_home()}/lib/*", f"{flink_home()}/opt/*", *map(str, jars.connectors())])


def _output(command: list[str], hint: str) -> str:
    """What a command prints; StackError with its last line if it fails or is not there."""
    if not shutil.which(command[0]):
        raise StackError(f"{command[0]} is not installed", hint=hint)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    printed = [line for line in (done.stderr + done.stdout).splitlines() if not line.startswith("NOTE: Picked up")]
    if done.returncode:
        raise StackError(next(iter(printed[-1:]), "failed"), where=" ".join(command[:2]), hint=hint)
    return "\n".join(printed)


CHECKS: dict[str, Callable[[], str]] = {
    "python": python,
    "java": java,
    "maven": maven,
    "settings": configuration,
    "jars": hashes,
    "flink": _loads(_flink_jars, *FLINK_CLASSES),
    "kafka": _loads(jars.kafka_class_path, "kafka.Kafka"),
    "registry": _loads(lambda: str(jars.registry_runner()), "io.quarkus.bootstrap.runner.QuarkusEntryPoint"),
    "ports": free_ports,
    "flink answers": cluster,
    "registry answers": registry,
    "redis": redis,
    "feast": feast,
    "gpu": gpu,
}
