"""Write the configuration files of one stack: those of flink-conf with its own ports and folders.

In: the files of flink-conf, the ports, the jars. Out: files and links in the state folder, the same at each call.
Must not know: which servers run.
"""

import sys
import tomllib
from pathlib import Path
from threading import Lock

from schemas.errors import StackError, nearest
from schemas.sections import Stack
from schemas.settings import PROJECT, Ports, settings, state_dir
from tickloom.stack import jars, security
from tickloom.stack.environment import flink_folder, flink_home
from tickloom.stack.ports import HOST

SOURCE = PROJECT / "flink-conf"
PROFILES = SOURCE / "profiles"
WORKER = Path(__file__).with_name("worker.py")
# 16 bytes in base64, as KRaft wants the name of a cluster: "tickloom-stack-1"
CLUSTER_ID = "dGlja2xvb20tc3RhY2stMQ"
BROKER_SILENCE_MS = 5_000
"""After which another leads the partitions of one of three brokers."""
_ONE_AT_A_TIME = Lock()


def override(text: str, values: dict[str, object], separator: str) -> str:
    """A flat `key<separator>value` file in which these values replace or join those that it has."""
    kept = [line for line in text.splitlines() if line.partition(separator)[0] not in values]
    return "\n".join([*kept, *(f"{key}{separator}{value}" for key, value in values.items())]) + "\n"


def profile(name: str) -> dict[str, object]:
    """What a profile of flink-conf/profiles sets, by Flink's keys; StackError if there is none of this name."""
    files = {path.stem: path for path in PROFILES.glob("*.yaml")}
    if not name:
        return {}
    if name not in files:
        raise StackError(f"no profile {name!r}", where=str(PROFILES), hint=nearest(name, files))
    lines = (line for line in files[name].read_text("utf-8").splitlines() if line and not line.startswith("#"))
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}


def profile_settings(name: str) -> dict[str, dict[str, object]]:
    """What a profile sets of our own settings, by section."""
    path = PROFILES / f"{name}.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def flink(stack: Stack) -> None:
    """Flink's configuration and lib folder: the wheel's jars, its Python jar, and the connectors, as links."""
    conf, home, ports = flink_folder("conf"), flink_home(), stack.ports
    values = profile(stack.profile) | {
        "jobmanager.rpc.port": ports.flink + 1,
        "rest.port": ports.flink,
        "io.tmp.dirs": flink_folder("tmp"),
        "execution.checkpointing.dir": flink_folder("checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": flink_folder("savepoints").as_uri(),
        "python.executable": conf / "python",
    }
    if stack.high_availability:
        values |= _high_availability(ports)
    for name in ("tmp", "checkpoints", "savepoints"):
        flink_folder(name).mkdir(parents=True, exist_ok=True)
    with _ONE_AT_A_TIME:  # JobManager and TaskManager start together and read the same files
        _links(conf, [path for path in SOURCE.iterdir() if path.suffix in {".properties", ".toml"}])
        _links(flink_folder("lib"), [*home.glob("lib/*.jar"), *home.glob("opt/flink-python-*.jar"), *jars.connectors()])
        _write(conf / "python", f'#!/bin/sh\nexec {sys.executable} -I -S {WORKER} "$@"\n')
        (conf / "python").chmod(0o755)
        _write(conf / "config.yaml", override((SOURCE / "config.yaml").read_text("utf-8"), values, ": "))


def zookeeper(port: int) -> Path:
    """ZooKeeper's configuration file: one server, on this machine only."""
    folder = state_dir() / "zookeeper"
    folder.mkdir(parents=True, exist_ok=True)
    text = (SOURCE / "zookeeper.properties").read_text("utf-8")
    path = folder / "zookeeper.properties"
    _write(path, override(text, {"clientPort": port, "dataDir": folder / "data"}, "="))
    return path


def kafka(ports: Ports, broker: int, brokers: int) -> Path:
    """The configuration file of a broker (counted from 0); StackError if its data is of a cluster of other size."""
    folder = state_dir() / "kafka"
    _demand_size(folder, brokers)
    listeners = [kafka_listeners(ports, index) for index in range(brokers)]
    replicas, in_sync = brokers, min(2, brokers)
    values = {
        "node.id": broker + 1,
        "controller.quorum.voters": ",".join(f"{i + 1}@{HOST}:{port}" for i, (_, port) in enumerate(listeners)),
        "listeners": "BROKER://{0}:{1},CONTROLLER://{0}:{2}".format(HOST, *listeners[broker]),
        "advertised.listeners": f"BROKER://{HOST}:{listeners[broker][0]}",
        "log.dirs": folder / f"data-{broker + 1}",
        "min.insync.replicas": in_sync,
        "broker.session.timeout.ms": 60_000 if brokers == 1 else BROKER_SILENCE_MS,
        "broker.heartbeat.interval.ms": 1_000,
    }
    values |= dict.fromkeys(("default.replication.factor", *_internal("replication.factor")), replicas)
    values |= dict.fromkeys(_internal("min.isr")[1:], in_sync)
    if settings().stack.secure:
        values |= security.broker_properties()
    path = folder / f"broker-{broker + 1}.properties"
    path.write_text(override((SOURCE / "kafka.properties").read_text("utf-8"), values, "="), "utf-8")
    return path


def kafka_listeners(ports: Ports, broker: int) -> tuple[int, int]:
    """(broker port, controller port) of a broker, counted from 0."""
    return ports.kafka + 2 * broker, ports.kafka + 2 * broker + 1


def _high_availability(ports: Ports) -> dict[str, object]:
    return {
        "high-availability.type": "zookeeper",
        "high-availability.zookeeper.quorum": f"{HOST}:{ports.zookeeper}",
        "high-availability.storageDir": flink_folder("ha").as_uri(),
        "high-availability.jobmanager.port": ports.flink + 1,
    }


def _internal(setting: str) -> list[str]:
    topics = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
    return [f"{topic}.{setting}" for topic in topics]


def _demand_size(folder: Path, brokers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "brokers"
    with _ONE_AT_A_TIME:
        kept = int(record.read_text("utf-8")) if record.exists() else brokers
        _write(record, str(kept))
    if kept != brokers:
        raise StackError(
            f"the data of this stack belongs to {kept} broker(s), not {brokers}",
            where=str(folder),
            hint=f"tickloom stack up --brokers {kept}, or tickloom stack down --wipe first",
        )


def _write(path: Path, text: str) -> None:
    """Write what is new: a server that reads the file meanwhile must not meet an empty one."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _links(folder: Path, targets: list[Path]) -> None:
    """Make the folder hold links to these files; those that are right stay, since a running server may read them."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / target.name: target for target in targets}
    for link in folder.iterdir():
        if link.is_symlink() and link.readlink() != wanted.get(link):
            link.unlink()
    for link, target in wanted.items():
        if not link.is_symlink():
            link.symlink_to(target)
