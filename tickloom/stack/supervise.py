"""Start again whatever server of the stack was killed: what `tickloom stack watch` does until its signal.

In: the state folder, whose pid files say what shall run: `up` writes them, `down` deletes them. Out: the same
servers, running. One that dies soon after its start is started again after growing pauses. Must not know: whether a
server answers (one that hangs is Flink's or Kafka's own affair, and may wake up), what the components are.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from schemas.errors import StackError
from schemas.settings import settings, state_dir
from tickloom.stack import causes, control, process, security
from tickloom.stack.components import components
from tickloom.stack.environment import environment

POLL_S = 0.2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SETTLED_S = 60.0
"""What ran for so long is started again at once."""


@dataclass
class Watch:
    """What is remembered of a component: how long the next pause is, and when it may be started again."""

    pause_s: float = 0.0
    due: float = 0.0
    gone: bool = False


@dataclass
class Supervisor:
    """Starts again what died; `tell` gets a line for each death and each start."""

    tell: Callable[[str], object]
    watched: dict[str, Watch] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Look several times a second, until `stop` is set; the servers run on."""
        while not stop.wait(POLL_S):
            self.look()

    def look(self) -> None:
        """Start again what died and whose pause is over; nothing while another command changes the stack."""
        place = process.Place(state_dir())
        for name in place.names():
            watch = self.watched.setdefault(name, Watch())
            if process.leader(place, name):
                watch.gone = False
                continue
            try:
                with control.alone(place, wait=False):
                    self._revive(place, name, watch)
            except BlockingIOError:
                return

    def _revive(self, place: process.Place, name: str, watch: Watch) -> None:
        if not place.pid_file(name).exists() or process.leader(place, name):
            return  # stopped or started by a command while we waited for our turn
        now = time.time()
        if not watch.gone:
            lived_s = now - process.started_at(place, name)
            watch.pause_s = 0.0 if lived_s > SETTLED_S else min(2 * watch.pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
            watch.gone, watch.due = True, now + watch.pause_s
            cause = causes.explain(causes.read(place.log(name)))[0]
            self._say(f"{name} died after {lived_s:.0f} s{': ' * bool(cause)}{cause}; again in {watch.pause_s:g} s")
        if now >= watch.due:
            self._start(place, name, watch)

    def _start(self, place: process.Place, name: str, watch: Watch) -> None:
        settings.cache_clear()
        found = next((each for each in components() if each.name == name), None)
        process.end(place, [name])  # what the dead one left behind, such as Python workers
        if not found:
            place.pid_file(name).unlink(missing_ok=True)
            return self._say(f"{name} is no component of these settings any more")
        try:
            env = security.confined(name, {**environment(), **found.env})
            process.launch(place, name, found.command(), env)
        except (StackError, OSError) as error:
            watch.pause_s = min(2 * watch.pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
            watch.due = time.time() + watch.pause_s
            return self._say(f"{name} cannot be started: {error}")
        watch.gone = False  # it may die again before the next look
        leader = process.leader(place, name)
        return self._say(f"{name} started again, process {leader.pid if leader else 'gone at once'}")

    def _say(self, what: str) -> None:
        self.tell(f"{time.strftime('%H:%M:%S')} {what}")


@contextmanager
def supervised(tell: Callable[[str], object] = lambda line: None) -> Iterator[Supervisor]:
    """A supervisor in a thread of its own while the block runs."""
    stop, supervisor = threading.Event(), Supervisor(tell)
    thread = threading.Thread(target=supervisor.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield supervisor
    finally:
        stop.set()
        thread.join()
