"""The code of a job as one zip: what Flink sends to its Python workers.

A zip and not a wheel: Flink unpacks it, so that numba's cache and the schemas beside the code are files. The same
sources give the same bytes, and so the same name of numba's cache.
"""

import tempfile
import zipfile
from pathlib import Path

from schemas.settings import PROJECT

PACKAGES = ("feature_repo", "jobs", "schemas", "udfs")
SUFFIXES = {".py", ".avsc", ".yaml"}
ZIP = PROJECT / "dist" / "tickloom.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)


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


if __name__ == "__main__":
    print(build().relative_to(PROJECT))
