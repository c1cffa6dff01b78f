"""A stack that only this command uses: its own folder and ports, gone at the end whatever happens."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from schemas.errors import StackError
from schemas.settings import settings, state_dir
from tickloom.stack import control, process

Tell = Callable[[str], object]
PROGRAM = [sys.executable, "-c", "from tickloom.cli import main; main()"]
HOME, NUMBA, TRANSACTIONS = "TICKLOOM_HOME", "NUMBA_CACHE_DIR", "TICKLOOM_KAFKA__TRANSACTION_TIMEOUT"
COMMAND = "command"
"""Mark of what this process starts: a command of Flink is a shell, a JVM and a Python process, each on its own."""


@contextmanager
def private_home() -> Iterator[Path]:
    """A state folder in force for this process and those that it starts; servers and commands are stopped at the end.

    SIGTERM counts as an end too. What numba has compiled is shared with the usual state folder.
    """
    folder, before = Path(tempfile.mkdtemp(prefix="tickloom-verify-")), dict(os.environ)
    place = process.Place(folder)
    compiled = os.environ.get(NUMBA) or str(state_dir().absolute() / "numba")
    handler = signal.signal(signal.SIGTERM, _leave)
    ours = {HOME: str(folder), NUMBA: compiled, process.MARK: place.mark(COMMAND), TRANSACTIONS: "1h"}
    os.environ |= ours
    settings.cache_clear()
    try:
        yield folder
    finally:
        process.stop(place, [COMMAND])
        control.down()
        signal.signal(signal.SIGTERM, handler)
        for name in ours:
            os.environ.pop(name)
            os.environ |= {name: before[name]} if name in before else {}
        settings.cache_clear()
        shutil.rmtree(folder, ignore_errors=True)


def tickloom(words: list[str], tell: Tell) -> None:
    """Run a command of ours, which is told, to its end; StackError with its error if it fails."""
    tell(f"$ {shlex.join(['tickloom', *words])}")
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise StackError(said.splitlines()[-1] if "Traceback" in said else said, where=shlex.join(words[:2]))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)
