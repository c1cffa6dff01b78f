"""The jars that Maven fetched: where they lie, and whether they are the ones of flink-conf/connectors/jars.lock."""

import hashlib
from pathlib import Path

from schemas.errors import StackError
from schemas.settings import PROJECT

FOLDER = PROJECT / "flink-conf" / "connectors"
TARGET = FOLDER / "target"
LOCK = FOLDER / "jars.lock"
FETCH = "make setup"


def files() -> list[Path]:
    """Every fetched file that the lock must name, in the order of their names."""
    return sorted([*TARGET.glob("flink/*.jar"), *TARGET.glob("kafka/*.jar"), *TARGET.glob("*.tar.gz")])


def connectors() -> list[Path]:
    """The connector jars that go into Flink's lib folder; StackError if they were not fetched."""
    return _found(sorted(TARGET.glob("flink/*.jar")), "Flink connectors")


def kafka_class_path() -> str:
    """Class path of the Kafka server; StackError if its jars were not fetched."""
    _found(list(TARGET.glob("kafka/kafka_*.jar")), "Kafka server")
    return str(TARGET / "kafka" / "*")


def registry_runner() -> Path:
    """The jar that starts the schema registry; StackError if it was not fetched and unpacked."""
    return _found(list(TARGET.glob("registry/*-runner.jar")), "schema registry")[0]


def lines() -> list[str]:
    """`sha256  name` of every fetched file: what the lock should say."""
    return [f"{_sha256(path)}  {path.relative_to(TARGET).as_posix()}" for path in files()]


def check() -> None:
    """StackError that names the first file that is missing, unexpected, or not the one that the lock describes."""
    locked, found = set(LOCK.read_text("utf-8").splitlines()), set(lines())
    for line in sorted(locked ^ found, key=lambda line: line.split()[1]):
        name = line.split()[1]
        what = "is missing or differs from the lock" if line in locked else "is not the file of the lock"
        raise StackError(f"{name} {what}", where=str(LOCK), hint=f"rm -r {TARGET} && {FETCH}")


def _found(paths: list[Path], what: str) -> list[Path]:
    if not paths:
        raise StackError(f"no jar of the {what}", where=str(TARGET), hint=FETCH)
    return paths


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    check()
