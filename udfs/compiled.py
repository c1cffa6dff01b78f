"""The one door to numba: `njit` that works in PyFlink workers and finds its cache wherever the code was unpacked.

Two traps are closed here. A PyFlink worker replaces ``builtins.print`` by a bound method, on which ``import numba``
fails; the original is put back around the import. And numba names its disk cache by the file's path, while each job
unpacks the code into a new folder: here the cache is named by the content of the package, so a second job compiles
nothing. The whole package is digested, since numba does not see a change in a function called from another file.
"""

import builtins
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

_print = builtins.print
builtins.print = getattr(getattr(_print, "__self__", None), "_print", _print)
import numba  # noqa: E402
from numba.core import caching  # noqa: E402

builtins.print = _print

from schemas.settings import state_dir  # noqa: E402

PACKAGE = Path(__file__).parent
P = ParamSpec("P")
R = TypeVar("R")


@cache
def package_digest() -> str:
    """Hex digest (16 characters) of all Python files of this package: the version of the numbers."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class ContentLocator(caching._CacheLocator):  # type: ignore[misc]
    """Places a function's compiled code under NUMBA_CACHE_DIR/<package digest>/<file>."""

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        self._file = Path(py_file)
        self._line = py_func.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Folder of the compiled code, in the state folder when NUMBA_CACHE_DIR is not set."""
        root = os.environ.get("NUMBA_CACHE_DIR") or str(state_dir() / "numba")
        name = "_".join(self._file.relative_to(PACKAGE).with_suffix("").parts)
        return os.path.join(root, package_digest(), name)

    def get_source_stamp(self) -> str:
        """The content's digest stands for the file's time."""
        return package_digest()

    def get_disambiguator(self) -> str:
        """The line tells functions of one name apart."""
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "ContentLocator | None":
        """A locator for functions of this package, None for all others."""
        if not Path(py_file).is_relative_to(PACKAGE):
            return None
        locator = cls(py_func, py_file)
        locator.ensure_cache_path()
        return locator


caching.CacheImpl._locator_classes.insert(0, ContentLocator)


def njit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for scalars and arrays, cached on disk by content; no fastmath, so that bytes are the same everywhere."""
    return numba.njit(cache=True, nogil=True)(function)  # type: ignore[no-any-return]
