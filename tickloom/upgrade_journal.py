"""What ran when: versions of a job, and the upgrades of a state folder, one JSON object a line of upgrades.jsonl.

In: running jobs, upgrades that were done. Out: the version of a running job, and the one before it. Must not know: how
a job is stopped or started.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import StackError, StateError
from schemas.settings import computed, settings, state_dir
from tickloom import package
from tickloom.flink_rest import FlinkRest

FIXED = (("bars", "rollups"), ("bars", "calendar"), ("state", "shards"), ("cross_asset", "tiles"))
"""Settings on which the place of each piece of state depends."""


@dataclass(frozen=True)
class Version:
    """What makes a job what it is. code: digest of its zip; computed: sections of the settings that it computes by."""

    code: str
    parallelism: int
    arguments: list[str]
    computed: dict[str, dict[str, Any]]

    @property
    def interval(self) -> str:
        """The length of bars, "" if it is not known."""
        found = re.search(r"--interval[= ](\S+)", " ".join(self.arguments))
        return found[1] if found else str(self.computed.get("bars", {}).get("interval", ""))

    def variables(self) -> dict[str, str]:
        """Its settings as variables of the environment."""
        return {
            f"TICKLOOM_{section}__{key}".upper(): value if isinstance(value, str) else json.dumps(value)
            for section, keys in self.computed.items()
            for key, value in keys.items()
        }

    def check(self, wanted: "Version") -> None:
        """StateError if the state of this version is of no use to the one that is wanted."""
        pairs: list[tuple[str, object, object]] = [("bars.interval", self.interval, wanted.interval)]
        for section, key in FIXED:
            was, now = (of.computed.get(section, {}).get(key) for of in (self, wanted))
            pairs.append((f"{section}.{key}", was, now))
        for name, ran, given in pairs:
            if ran not in ("", None) and ran != given:
                what = f"{name} is fixed for the life of a job's state: it runs with {ran}, now it is {given}"
                raise StateError(what, where=name, hint="docs/runbook.md, Another interval: start afresh and replay")
        if package.layout(wanted.code) < package.layout(self.code):
            what = f"code {wanted.code} reads state of layout {package.layout(wanted.code)}"
            raise StateError(f"{what}, the job has layout {package.layout(self.code)}")

    def __str__(self) -> str:
        return f"code {self.code} (layout {package.layout(self.code)}), parallelism {self.parallelism}"


def present(parallelism: int, arguments: list[str]) -> Version:
    """The code of this checkout and the settings in force."""
    sections = {name: section.model_dump(mode="json") for name, section in computed(settings()).items()}
    return Version(package.keep(package.build()), parallelism, arguments, sections)


def running(cluster: FlinkRest, job: str, arguments: list[str] | None) -> Version:
    """What a job was submitted with, by what it says itself.

    A job of code that says nothing was of the zip that lies in dist; StackError if its arguments are not given.
    """
    said = cluster.execution(job)
    own = said.get("user-config", {})
    if "tickloom.arguments" not in own and arguments is None:
        hint = '--arguments "--interval 1d --score", or "" for none'
        raise StackError("the job does not say with which arguments it was submitted", where=job, hint=hint)
    code = own.get("tickloom.code") or (package.keep() if package.ZIP.exists() else package.keep(package.build()))
    if package.ZIP.exists() and package.digest(package.ZIP) == code:
        package.keep()
    given = json.loads(own["tickloom.arguments"]) if "tickloom.arguments" in own else arguments
    return Version(code, int(said["job-parallelism"]), given or [], json.loads(own.get("tickloom.computed", "{}")))


class Journal:
    """The upgrades of this state folder, oldest first."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or state_dir() / "upgrades.jsonl"

    def entries(self, name: str) -> list[dict[str, Any]]:
        """Those of a job by name."""
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["job"] == name]

    def add(self, name: str, job: str, version: Version, before: Version, **more: object) -> None:
        """One more: the job of this id runs this version since now, before it another did."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"time": at, "job": name, "id": job, "version": asdict(version), "before": asdict(before), **more}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
