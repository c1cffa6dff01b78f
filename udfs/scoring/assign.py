"""Who is scored by which model: a hash of salt, model and entity, the same in every process and after every restart."""

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError

REMEMBERED = 1 << 20  # entities whose model is kept in mind
CHAMPION = "champion"


class Folders(NamedTuple):
    """Model folders, relative to base: the champion's, and each challenger's with its share of the entities."""

    champion: str
    challengers: Mapping[str, float] = {}
    base: str = ""

    def weights(self) -> dict[str, float]:
        """Share of each, the champion first: it has what is left. ModelError if nothing is left."""
        left = 1 - sum(self.challengers.values())
        if left <= 0 or min(self.challengers.values(), default=1) <= 0:
            what = f"challengers' shares {dict(self.challengers)} leave nothing to the champion"
            raise ModelError(what, hint="scoring.challengers: each above 0, all together below 1")
        return {CHAMPION: left, **self.challengers}

    def paths(self) -> list[Path]:
        """The folders, the champion's first."""
        return [Path(self.base, name) for name in (self.champion, *self.challengers)]


class Assignment:
    """Shares entities out by weight (rendezvous hashing, Schindelhauer and Schomaker 2005).

    An entity goes to the name with the largest -weight / ln(u), u in (0, 1) by hash of (salt, name, entity). So a
    change of one weight moves entities to or from that name only.
    """

    def __init__(self, salt: str, weights: Mapping[str, float]) -> None:
        self._salt, self._weights = salt, dict(weights)
        self._known: dict[str, int] = {}

    def of(self, entities: Sequence[str]) -> npt.NDArray[np.int64]:
        """Place among the names of each entity's model, int64[M]."""
        if len(self._weights) == 1:
            return np.zeros(len(entities), np.int64)
        if len(self._known) > REMEMBERED:
            self._known.clear()
        return np.array([self._place(entity) for entity in entities], np.int64)

    def _place(self, entity: str) -> int:
        if (known := self._known.get(entity)) is not None:
            return known
        keys = [-weight / math.log(self._uniform(name, entity)) for name, weight in self._weights.items()]
        self._known[entity] = keys.index(max(keys))
        return self._known[entity]

    def _uniform(self, name: str, entity: str) -> float:
        parts = (part.encode() for part in (self._salt, name, entity))
        text = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
        return (int.from_bytes(blake2b(text, digest_size=6).digest(), "little") + 0.5) / 2**48
