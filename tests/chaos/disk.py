"""A disk of its own for checkpoints: a file with an ext4 file system, which can be full or frozen.

In: the folder on which it is mounted. Out: the same folder; None where this machine has no loop devices or no root.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE_MB = 1024


def _run(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Disk:
    """A mounted file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def mount(folder: Path, image: Path) -> "Disk | None":
        """Mount a new one."""
        tools = all(map(shutil.which, ("mkfs.ext4", "mount", "fsfreeze")))
        if os.geteuid() or not tools:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(SIZE_MB << 20)
        made = _run("mkfs.ext4", "-q", "-m", "0", str(image)) and _run("mount", "-o", "loop", str(image), str(folder))
        return Disk(folder) if made else None

    def unmount(self) -> None:
        """Let it go."""
        _run("umount", "-l", str(self.folder))

    @contextmanager
    def full(self) -> Iterator[None]:
        """No byte is left."""
        filler = self.folder / "filler"
        free = shutil.disk_usage(self.folder).free
        try:
            _run("fallocate", "-l", str(free - (1 << 16)), str(filler))
            with suppress(OSError), filler.open("ab", buffering=0) as file:
                while file.write(b"\0" * (1 << 16)):
                    pass
            yield
        finally:
            filler.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever writes waits."""
        _run("fsfreeze", "-f", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "-u", str(self.folder))
