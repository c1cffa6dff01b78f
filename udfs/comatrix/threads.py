"""Rows of a matrix on several threads: compiled code lets go of Python's lock, no row's bytes depend on others'."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

PIECES = 8  # of each thread: rows do not all take as long


class Threads:
    """That many, from 1 on; 1 is the caller's own."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, "comatrix") if count > 1 else None

    def over(self, start: int, stop: int, work: Callable[[int, int], object]) -> None:
        """Call work(a, b) of pieces of the rows start:stop; an error of one is raised."""
        if self._pool is None:
            work(start, stop)
            return
        pieces = self._count * PIECES
        cuts = [start + (stop - start) * piece // pieces for piece in range(pieces + 1)]
        for each in [self._pool.submit(work, a, b) for a, b in pairwise(cuts) if a < b]:
            each.result()
