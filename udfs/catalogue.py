"""Which features there are, and which are computed: packs of rows, ours and those of anybody's packages.

In: `features.packs` of the settings, names of our packs or `module:NAME` of a sequence of rows that a module has. Out:
the rows in order. A pack of one's own needs no change here: a module with rows that Python can import is enough. A pack
of which any row looks across the universe is computed as a whole where all securities are at hand, the others by shard;
so it reads bar columns and its own rows.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from schemas.errors import FeatureError, nearest
from schemas.settings import settings
from udfs import packs, registry
from udfs.registry import Feature

CORE = "core"
EXPRESSIONS = ("alpha101",)
"""Packs that are made of the rows of the others."""
HINT = "a pack of ours, or module:NAME of a module that can be imported"


def names() -> tuple[str, ...]:
    """Our packs: the core, then the others by name."""
    return (CORE, *sorted(module.name for module in iter_modules(packs.__path__)))


def kernels() -> tuple[Feature, ...]:
    """The rows of our packs that have kernels of their own."""
    return tuple(row for pack in names() if pack not in EXPRESSIONS for row in rows(pack))


def rows(pack: str) -> tuple[Feature, ...]:
    """The rows of a pack, `module:NAME` looked for in the working folder first; FeatureError if there is none."""
    if pack == CORE:
        return registry.FEATURES
    if ":" not in pack:
        if pack not in names():
            raise FeatureError(f"there is no pack {pack!r}", hint=nearest(pack, names()) or HINT)
        pack = f"udfs.packs.{pack}:FEATURES"
    return tuple(_load(*pack.split(":", 1)))


def chosen(given: Sequence[str] = (), *, across: bool = False) -> tuple[Feature, ...]:
    """The rows of these packs, those of the settings if none are given; each once.

    across: of the packs that look across the universe, instead of those that look at one security at a time.
    """
    packs_of = [of for pack in given or settings().features.packs if looks_across(of := rows(pack)) == across]
    return tuple({id(row): row for of in packs_of for row in of}.values())


def looks_across(of: Sequence[Feature]) -> bool:
    """Whether these rows must see the whole universe."""
    return any(row.across for row in of)


def _load(module: str, attribute: str) -> Sequence[Feature]:
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = vars(import_module(module))
    except (ImportError, ValueError) as error:
        raise FeatureError(f"features {module}:{attribute}: {error}", hint=HINT) from error
    finally:
        sys.path.pop(0)
    given = found.get(attribute)
    if not isinstance(given, Sequence) or not all(isinstance(row, Feature) for row in given):
        known = [key for key, value in found.items() if isinstance(value, Sequence) and not key.startswith("_")]
        what = "is no sequence of registry rows" if attribute in found else "does not exist"
        raise FeatureError(f"features {module}:{attribute} {what}", where=module, hint=nearest(attribute, known))
    return given
