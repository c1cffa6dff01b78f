"""The features to look at: those of the registry, and a user's own after them."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from schemas.errors import FeatureError, nearest
from udfs.registry import FEATURES, Feature


def with_registry(name: str) -> tuple[Feature, ...]:
    """The registry, then the rows `module:NAME`; a row that gives an output of the registry's stands in for that row.

    The module is looked for in the working folder first. FeatureError if there is no such module or sequence of rows.
    """
    own = _load(name) if name else ()
    outputs = {output for row in own for output in row.outputs}
    return (*(row for row in FEATURES if not outputs & set(row.outputs)), *own)


def _load(name: str) -> Sequence[Feature]:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = vars(import_module(module))
    except (ImportError, ValueError) as error:
        raise FeatureError(
            f"--features {name}: {error}", hint="module:NAME, of a module that can be imported"
        ) from error
    finally:
        sys.path.pop(0)
    rows = found.get(attribute)
    if not isinstance(rows, Sequence) or not all(isinstance(row, Feature) for row in rows):
        known = [key for key, value in found.items() if isinstance(value, Sequence) and not key.startswith("_")]
        what = "is no sequence of registry rows" if attribute in found else "does not exist"
        raise FeatureError(f"--features {name} {what}", where=module, hint=nearest(attribute, known))
    return rows
