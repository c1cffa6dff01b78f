"""From many hashes of strings to few strings."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]


def dictionary(hashes: Hashes, read: Callable[[Ints], list[str]]) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct strings in ascending order, and the place in them of each of n hashes (int32[n]).

    `read` gives the strings at some places of the column; it is called once, with one place per distinct hash.
    """
    codes, firsts = _group(hashes)
    names = read(firsts)
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return [names[place] for place in order], rank[codes]


@njit
def _group(hashes: Hashes) -> tuple[NDArray[np.int32], Ints]:
    """The group of each hash in order of appearance, and where each group first appears: open addressing."""
    codes, firsts, count = np.empty(hashes.shape[0], np.int32), np.empty(64, np.int64), 0
    keys, groups = np.empty(256, np.uint64), np.full(256, -1, np.int32)
    for k in range(hashes.shape[0]):
        slot = _slot(keys, groups, hashes[k])
        if groups[slot] < 0:
            keys[slot], groups[slot], firsts[count] = hashes[k], count, k
            count += 1
        codes[k] = groups[slot]
        if count == firsts.shape[0]:
            firsts = np.concatenate((firsts, firsts))
            keys, groups = np.empty(4 * firsts.shape[0], np.uint64), np.full(4 * firsts.shape[0], -1, np.int32)
            for group in range(count):
                slot = _slot(keys, groups, hashes[firsts[group]])
                keys[slot], groups[slot] = hashes[firsts[group]], group
    return codes, firsts[:count]


@njit
def _slot(keys: Hashes, groups: NDArray[np.int32], wanted: np.uint64) -> int:
    """The slot that holds a hash, or the free one where it belongs."""
    slot: int = np.int64(wanted >> np.uint64(32)) & (keys.shape[0] - 1)
    while groups[slot] >= 0 and keys[slot] != wanted:
        slot = (slot + 1) & (keys.shape[0] - 1)
    return slot
