"""Keys that lie evenly over the key groups, whatever the hash."""

import pytest

from jobs.runtime.spread import GROUPS, _spread


def hashed(key: int) -> int:
    return key * 7919 % 1009 % GROUPS


@pytest.mark.parametrize("n", [1, 3, 8, GROUPS, GROUPS + 3])
def test_each_nth_of_the_groups_has_one_key(n):
    keys = _spread(n, hashed)
    assert len(set(keys)) == n
    assert [hashed(key) for key in keys] == [(2 * i + 1) * GROUPS // (2 * n) for i in range(n)]


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_workers_get_equal_numbers(workers):
    found = [hashed(key) * workers // GROUPS for key in _spread(8, hashed)]
    assert [found.count(worker) for worker in range(workers)] == [8 // workers] * workers
