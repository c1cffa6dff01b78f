"""The models in use, and how newer ones take their place while scores go on.

In: folders with their shares, trusted keys, and a check whether a manifest fits. Out: `lineup`, the models of one
moment: whoever scores a batch takes it once, so no batch mixes versions. A thread looks for newly published versions,
loads and tries each aside, and only then puts it in; one that is refused changes nothing but `refused`, and the log.
Must not know: stores, messages, metrics.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError, TickloomError
from udfs.scoring import artifact
from udfs.scoring.assign import Folders
from udfs.scoring.manifest import Manifest
from udfs.scoring.model import Model

log = logging.getLogger("tickloom.scoring")


@dataclass(frozen=True)
class Lineup:
    """The models of one moment, the champion first, all of one interval."""

    models: tuple[Model, ...]

    @property
    def interval(self) -> str:
        """Length of the bars that the models know."""
        return self.models[0].manifest.interval

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every `view:feature` that one of the models needs, each once."""
        return tuple(dict.fromkeys(feature for model in self.models for feature in model.manifest.features))

    @cached_property
    def _places(self) -> list[list[int]]:
        place = {column: i for i, column in enumerate(self.columns)}
        return [[place[feature] for feature in model.manifest.features] for model in self.models]

    def score(self, values: npt.NDArray[np.float64], by: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Scores [M] of values [M, columns], each row by the model whose place `by` [M] gives."""
        if len(self.models) == 1:  # its features are the columns
            return self.models[0].score(values)
        scores = np.full(len(values), np.nan)
        for i, (model, places) in enumerate(zip(self.models, self._places, strict=True)):
            rows = np.flatnonzero(by == i)
            scores[rows] = model.score(values[rows][:, places])
        return scores


class Roster:
    """Loads the models, and keeps them up to date.

    fits: raises a TickloomError if a model cannot be used beside those of this interval, or at all. refused: how
    many versions were refused since the start. ModelError if one of the first models does not load.
    """

    def __init__(
        self, folders: Folders, trusted: Sequence[str], fits: Callable[[Manifest, str], None], device: str | None = None
    ) -> None:
        self._paths, self._trusted, self._fits, self._device = folders.paths(), trusted, fits, device
        self._seen = [_stamp(path) for path in self._paths]
        self.lineup = Lineup(tuple(Model.load(path, trusted, device) for path in self._paths))
        for model in self.lineup.models:
            self._check(model.manifest, None)
        self.refused = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Put in what is new in the folders and holds; refuse, once each, what does not."""
        for slot, path in enumerate(self._paths):
            stamp = _stamp(path)
            if stamp == self._seen[slot]:
                continue
            self._seen[slot] = stamp
            try:
                self._swap(slot, path)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the models in use go on
                self.refused += 1
                stays = self.lineup.models[slot].manifest
                why = str(error) if isinstance(error, TickloomError) else repr(error)
                log.error("a model was refused, %s %s goes on scoring: %s", stays.name, stays.version, why)

    def watch(self, seconds: float) -> None:
        """Look again and again, from a thread of its own, until `close`."""
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="tickloom-models", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _watch(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            self.look()

    def _swap(self, slot: int, path: Path) -> None:
        models = list(self.lineup.models)
        manifest, weights = artifact.load(path, self._trusted)
        if manifest.version == models[slot].manifest.version:
            return
        self._check(manifest, models[slot].manifest)
        models[slot] = Model(manifest, weights, self._device)
        self.lineup = Lineup(tuple(models))  # one assignment: a batch has the old line-up or the new one
        log.warning("model %s %s scores from now on, serial %d", manifest.name, manifest.version, manifest.serial)

    def _check(self, manifest: Manifest, before: Manifest | None) -> None:
        self._fits(manifest, self.lineup.interval)
        where = f"{manifest.name} {manifest.version}"
        if before and manifest.serial <= before.serial:
            what = f"serial {manifest.serial} is not above {before.serial}, which is in use"
            raise ModelError(what, where=where, hint="to go back to a version: tickloom models promote")


def _stamp(folder: Path) -> tuple[object, ...]:
    """What changes when another version is published, without reading it."""
    found: list[object] = []
    names = (artifact.MANIFEST, artifact.SIGNATURE, artifact.WEIGHTS)
    try:
        path = artifact.current(folder)
        found.append(path)
    except ModelError as error:
        return (str(error),)
    for name in names:
        try:
            status = os.lstat(path / name)
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError as error:
            found.append(error.errno)
    return tuple(found)
