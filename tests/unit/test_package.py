import os
import zipfile
from pathlib import Path

import pytest

from tickloom import package


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with code, a schema, and things that do not belong in a package."""
    for name in (
        "udfs/a.py",
        "udfs/sub/b.py",
        "schemas/t.avsc",
        "tickloom/cli.py",
        "udfs/__pycache__/a.pyc",
        "udfs/x.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_code_and_schemas_go_in_and_nothing_else(project: Path) -> None:
    with zipfile.ZipFile(package.build(project / "dist" / "p.zip", project)) as archive:
        assert archive.namelist() == ["schemas/t.avsc", "udfs/a.py", "udfs/sub/b.py"]
        assert archive.read("udfs/sub/b.py") == b"udfs/sub/b.py"


def test_the_same_sources_give_the_same_bytes(project: Path) -> None:
    first = package.build(project / "1.zip", project).read_bytes()
    for path in project.rglob("*.py"):
        os.utime(path, (0, 0))
    assert package.build(project / "2.zip", project).read_bytes() == first
    (project / "udfs" / "a.py").write_text("changed")
    assert package.build(project / "3.zip", project).read_bytes() != first


def test_our_own_code_is_packed() -> None:
    names = {path.as_posix() for path in package.sources()}
    assert {"udfs/compiled.py", "schemas/market.price.v1.avsc", "jobs/__init__.py"} <= names
    assert not any(name.startswith(("tickloom", "tests")) for name in names)
