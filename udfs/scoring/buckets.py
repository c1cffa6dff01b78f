"""Fixed batch sizes: a product of one height is one order of additions, and one CUDA graph."""

from collections.abc import Iterator, Sequence


def split(rows: int, buckets: Sequence[int], least: float = 0.5) -> Iterator[int]:
    """Buckets (of an ascending list) that hold so many rows one after the other; only the last is not full.

    The smallest that holds the rest if the rest fills more than this share of it (or there is none smaller); else the
    largest that the rest fills.
    """
    while rows > 0:
        holds = next((bucket for bucket in buckets if bucket >= rows), 0)
        if not holds or (rows <= least * holds and holds > buckets[0]):
            holds = max(bucket for bucket in buckets if bucket <= rows)
        yield holds
        rows -= holds
