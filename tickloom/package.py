"""The code of a job as one zip: what Flink sends to its Python workers.

A zip and not a wheel: Flink unpacks it, so that numba's cache and the schemas beside the code are files. The same
sources give the same bytes, and so the same name of numba's cache. Zips that jobs were started with are kept in the
state folder by their digest, so that `tickloom upgrade` finds the way back.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import StackError
from schemas.settings import PROJECT, state_dir

PACKAGES = ("feature_repo", "jobs", "schemas", "udfs")
SUFFIXES = {".py", ".avsc", ".yaml"}
ZIP = PROJECT / "dist" / "tickloom.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Code:
    """Code of the jobs: the zip for workers, and the folder in which Flink's client finds the same."""

    archive: Path = ZIP
    folder: Path = PROJECT


def sources(project: Path = PROJECT) -> list[Path]:
    """Files that belong to the package, relative to the project, in order."""
    found = (path for package in PACKAGES for path in (project / package).rglob("*") if path.suffix in SUFFIXES)
    return sorted(path.relative_to(project) for path in found)


def build(target: Path = ZIP, project: Path = PROJECT) -> Path:
    """Write the zip if its content changed; two builds of the same sources are equal byte for byte."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, delete=False) as file:
        fresh = Path(file.name)  # two builds at once must not meet
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sources(project):
            entry = zipfile.ZipInfo(path.as_posix(), EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (project / path).read_bytes(), zipfile.ZIP_DEFLATED)
    return fresh.replace(target)


def digest(archive: Path) -> str:
    """Hex digest (16 characters) of a zip."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()[:16]


def keep(archive: Path = ZIP) -> str:
    """Keep a copy of a zip in the state folder; its digest."""
    name = digest(archive)
    copy = _kept(name)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(archive, copy.with_suffix(".part"))
        copy.with_suffix(".part").replace(copy)
    return name


def kept(name: str) -> Code:
    """The code of a digest: its zip, unpacked beside all else of the checkout; StackError if it was not kept."""
    archive = _kept(name)
    if not archive.exists():
        hint = "start it by hand from its sources: python -m tickloom.package, flink run -s <savepoint> ..."
        raise StackError(f"code {name} was not kept", where=str(archive.parent), hint=hint)
    folder = archive.with_suffix("")
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(dir=archive.parent))
        zipfile.ZipFile(archive).extractall(fresh)
        for entry in PROJECT.iterdir():  # models and packages of one's own are found from there as ever
            if not (fresh / entry.name).exists():
                (fresh / entry.name).symlink_to(entry)
        fresh.replace(folder)
    return Code(archive, folder)


def layout(name: str) -> int:
    """The layout of kept state (`udfs.log.LAYOUT`) that the code of a digest writes; 1 from before it had a number."""
    with zipfile.ZipFile(_kept(name)) as archive:
        found = re.search(r"^LAYOUT = (\d+)", archive.read("udfs/log.py").decode(), re.MULTILINE)
    return int(found[1]) if found else 1


def _kept(name: str) -> Path:
    return state_dir() / "code" / f"{name}.zip"


if __name__ == "__main__":
    print(build().relative_to(PROJECT))
