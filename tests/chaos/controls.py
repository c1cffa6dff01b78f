"""Runs that must fail: `python -m tests.chaos.controls [name]…`. Each breaks one thing in a copy of the sources, and
the checker must say so; a control that passes means that the checker is blind.

In: the sources that git tracks. Out: a line a control, exit status 1 if one was not caught.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from schemas.settings import PROJECT

LINKED = (".venv", "flink-conf/connectors/target")
CHECK = '    transactions.check(config, "features", tables.get_config().get)\n'


@dataclass(frozen=True)
class Control:
    """Texts to be replaced, by file; the faults that bring it to light; a word of the problem that must be told."""

    name: str
    patches: tuple[tuple[str, str, str], ...]
    faults: tuple[str, ...]
    told: tuple[str, ...]


CONTROLS = (
    Control(
        "at-least-once sink",
        (("jobs/runtime/kafka.py", '"exactly-once"', '"at-least-once"'),),
        ("kill worker", "kill taskmanager"),
        ("doubled",),
    ),
    Control(
        "5 s transaction timeout",
        (("jobs/features.py", CHECK, ""), ("flink-conf/tickloom.toml", '"10m"', '"5s"')),
        ("stop jobmanager", "stop taskmanager"),
        ("lost", "alarm", "serial", "bar"),
    ),
    Control(
        "shuffled event time",
        (
            (
                "tests/chaos/trades.py",
                '"event_time": time, "price": cents',
                '"event_time": time + sequence % 3 * SECOND, "price": cents',
            ),
        ),
        (),
        ("bar",),
    ),
    Control(
        "dropped amendment",
        (("udfs/tick_shard.py", "frames += self._rebuild(min(self.dirty))", "self._rebuild(min(self.dirty))"),),
        (),
        ("bar",),
    ),
)


def copied(folder: Path, control: Control) -> None:
    """The sources with the control's patches; AssertionError if one does not apply."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((PROJECT / name).read_bytes())
    for name in LINKED:
        (folder / name).symlink_to((PROJECT / name).resolve())
    for name, old, new in control.patches:
        text = (folder / name).read_text()
        assert text.count(old) == 1, (name, old)
        (folder / name).write_text(text.replace(old, new))


def caught(control: Control) -> tuple[bool, str]:
    """Whether the run failed, as it must; and what it said."""
    with tempfile.TemporaryDirectory(prefix="tickloom-control-") as folder:
        copied(Path(folder), control)
        words = ["--rate=500", "--symbols=12", "--seconds=90", f"--faults={2 * len(control.faults)}"]
        words += [f"--only={fault}" for fault in control.faults]
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos", *words],
            cwd=folder,
            env={**os.environ, "TICKLOOM_HOME": f"{folder}/home"},
            capture_output=True,
            text=True,
            check=False,
        )
    said = done.stdout.strip().splitlines()[-6:] or done.stderr.splitlines()[-6:]
    return done.returncode != 0 and any(word in line for word in control.told for line in said), "\n  ".join(said)


def main() -> int:
    """0 when every control was caught."""
    chosen = [control for control in CONTROLS if control.name in sys.argv[1:] or not sys.argv[1:]]
    blind = 0
    for control in chosen:
        seen, said = caught(control)
        blind += not seen
        print(f"{control.name}: {'caught' if seen else 'NOT CAUGHT'}\n  {said}", flush=True)
    print(f"{len(chosen) - blind} of {len(chosen)} controls caught")
    return blind


if __name__ == "__main__":
    sys.exit(main())
