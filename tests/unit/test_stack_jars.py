import hashlib
from pathlib import Path

import pytest

from schemas.errors import StackError
from tickloom.stack import jars


@pytest.fixture(autouse=True)
def target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with one connector, and the lock that describes it."""
    monkeypatch.setattr(jars, "TARGET", tmp_path)
    monkeypatch.setattr(jars, "LOCK", tmp_path / "jars.lock")
    (tmp_path / "flink").mkdir()
    (tmp_path / "flink" / "a.jar").write_bytes(b"a")
    jars.LOCK.write_text(f"{hashlib.sha256(b'a').hexdigest()}  flink/a.jar\n")
    return tmp_path


def test_the_right_files_pass() -> None:
    jars.check()
    assert [path.name for path in jars.connectors()] == ["a.jar"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("flink/a.jar", b"other", "flink/a.jar"),
        ("flink/b.jar", b"a", "flink/b.jar is not the file of the lock"),
        ("flink/a.jar", None, "flink/a.jar is missing or differs from the lock"),
    ],
)
def test_any_difference_is_named(target: Path, name: str, content: bytes | None, said: str) -> None:
    (target / name).unlink(missing_ok=True)
    if content:
        (target / name).write_bytes(content)
    with pytest.raises(StackError, match=said):
        jars.check()


def test_missing_jars_name_the_command_that_fetches_them(target: Path) -> None:
    (target / "flink" / "a.jar").unlink()
    for ask in (jars.connectors, jars.kafka_class_path, jars.registry_runner):
        with pytest.raises(StackError, match="make setup"):
            ask()
