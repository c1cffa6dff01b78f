"""Start, find and stop the stack's processes, and no others.

In: a component's name, command and environment. Out: a process that outlives the shell that started it.
A process is ours if its environment carries our mark (state folder and component), which a reused process id cannot
forge; the pid file only says which of them leads. A Python worker of Flink inherits the mark of its TaskManager, so
that one whose parent was killed is found and stopped too. Must not know: what the components are.
"""

import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "TICKLOOM_COMPONENT"
GRACE_S = 10.0
POLL_S = 0.05
EXEC_READS = 20
# the shell leaves at once, so that the server belongs to init and never becomes a zombie of a long test run
LAUNCH = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'


@dataclass(frozen=True)
class Place:
    """Where the traces of one stack lie: its state folder."""

    home: Path

    def log(self, name: str) -> Path:
        """The log file of a component."""
        return self.home / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Process id and start time (seconds since 1970) of a component's leading process."""
        return self.home / "run" / f"{name}.pid"

    def mark(self, name: str) -> str:
        """What the environment of every process of the component carries."""
        return f"{self.home}:{name}"

    def names(self) -> list[str]:
        """Components that were started and not stopped since."""
        return sorted(path.stem for path in self.pid_file("*").parent.glob("*.pid"))


def launch(place: Place, name: str, command: list[str], env: dict[str, str]) -> None:
    """Start a component in a session of its own; its log begins anew, and the one before is kept beside it."""
    for folder in (place.log(name).parent, place.pid_file(name).parent):
        folder.mkdir(parents=True, exist_ok=True)
    if place.log(name).exists():
        place.log(name).rename(place.log(name).with_suffix(".log.1"))
    done = subprocess.run(
        ["/bin/sh", "-c", LAUNCH, "sh", str(place.log(name)), *command],
        env={**env, MARK: place.mark(name)},
        cwd=place.home,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    written = place.pid_file(name).with_suffix(".new")
    written.write_text(f"{done.stdout.strip()} {time.time():.3f}\n", "utf-8")
    written.replace(place.pid_file(name))


def leader(place: Place, name: str) -> psutil.Process | None:
    """The component's leading process; None when it does not run."""
    try:
        process = psutil.Process(int(place.pid_file(name).read_text("utf-8").split()[0]))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    for _ in range(EXEC_READS):  # a process that is just being replaced by exec shows no environment for a moment
        if _marks(process) == place.mark(name):
            return process
        if not _blank(process):
            return None
        time.sleep(POLL_S)
    return None


def started_at(place: Place, name: str) -> float:
    """When the component was last started, in seconds since 1970."""
    return float(place.pid_file(name).read_text("utf-8").split()[1])


def family(place: Place, names: Iterable[str]) -> list[psutil.Process]:
    """Every living process of these components, those included whose parent is gone."""
    marks = {place.mark(name) for name in names}
    return [process for process in psutil.process_iter() if _marks(process) in marks]


def stop(place: Place, names: Iterable[str]) -> None:
    """Ask every process of these components to end, end what is left after a grace of seconds, and forget them."""
    names = list(names)
    end(place, names, GRACE_S)
    for name in names:
        place.pid_file(name).unlink(missing_ok=True)


def end(place: Place, names: list[str], grace_s: float = 0) -> None:
    """End every process of these components, those included that a killed one left behind."""
    deadline = time.monotonic() + grace_s
    asked: set[psutil.Process] = set()
    while left := family(place, names):
        late = time.monotonic() > deadline
        for process in left if late else set(left) - asked:
            with suppress(psutil.NoSuchProcess):
                process.kill() if late else process.terminate()
        asked.update(left)
        time.sleep(POLL_S)


def _marks(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK) if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _blank(process: psutil.Process) -> bool:
    """Whether it runs but shows no environment at all."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and not process.environ()
    except psutil.Error:
        return False
