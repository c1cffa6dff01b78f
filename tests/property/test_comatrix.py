"""One by one, in blocks, in tiles or restored at any bar: the same bytes."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.comatrix.matrix import Comatrix, Reading
from udfs.comatrix.window import Window

BARS = 90
windows = st.one_of(
    st.builds(lambda bars: Window.rolling(bars, max(2, bars // 2)), st.integers(2, 40)),
    st.builds(Window.rolling, st.integers(2, 40)),
    st.builds(lambda decay: Window.decaying(decay, 2), st.sampled_from([0.05, 0.3, 0.5, 0.7])),
)


def tape(seed: int, members: int) -> np.ndarray:
    """Returns with gaps, an outlier, ties and flat stretches."""
    random = np.random.default_rng(seed)
    coarse = random.random(members) < 0.3
    found = np.where(coarse, random.integers(-1, 2, (BARS, members)) / 64, random.normal(0.1, 1, (BARS, members)))
    found[random.random(found.shape) < 0.03] = np.nan
    found[random.integers(BARS), random.integers(members)] = 1e6
    return found


def pieces(engine: Comatrix, matrix: np.ndarray, cuts: list[int]) -> list[Reading]:
    bounds = [0, *sorted(set(cuts)), len(matrix)]
    return [engine.advance(matrix[a:b]) for a, b in pairwise(bounds) if a < b]


def whole(readings: list[Reading]) -> list[bytes]:
    return [np.concatenate(column).tobytes() for column in zip(*readings, strict=True)]


@settings(deadline=None, max_examples=40)
@given(windows, st.integers(0, 10**6), st.integers(1, 6), st.sets(st.integers(1, BARS - 1)), st.data())
def test_the_same_bytes(window, seed, members, cuts, data):
    matrix = tape(seed, members)
    empty = np.empty((0, members))
    live, blocked = Comatrix(window, empty, -1, top=3), Comatrix(window, empty, -1, top=3, threads=2)
    rows = pieces(live, matrix, list(range(BARS)))
    expected = whole(rows)
    assert whole(pieces(blocked, matrix, list(cuts))) == expected
    assert blocked.correlation().tobytes() == live.correlation().tobytes()
    assert blocked.covariance().tobytes() == live.covariance().tobytes()
    at = data.draw(st.integers(1, BARS - 1), label="restored at")
    before = Comatrix(window, empty, -1, top=3)
    head = pieces(before, matrix[:at], [cut for cut in cuts if cut < at])
    restored = Comatrix(window, before.ring, at - 1, top=3)
    assert restored.correlation().tobytes() == before.correlation().tobytes()
    assert whole(head + pieces(restored, matrix[at:], [cut - at for cut in cuts if cut > at])) == expected
    for tiles in (1, 2, 4):
        places = np.random.default_rng(seed).integers(0, tiles, members)
        owned = [np.flatnonzero(places == tile) for tile in range(tiles)]
        engines = [Comatrix(window, empty, -1, own, top=3) for own in owned]
        parts = [pieces(engine, matrix, list(cuts)) for engine in engines]
        back = np.argsort(np.concatenate(owned))
        beside = [zip(*row, strict=True) for row in zip(*parts, strict=True)]
        joined = [Reading(*(np.concatenate(each, axis=1)[:, back] for each in row)) for row in beside]
        assert whole(joined) == expected
        assert np.vstack([engine.correlation() for engine in engines])[back].tobytes() == live.correlation().tobytes()


def test_the_same_bytes_with_more_members_than_a_strip():
    window, members, at = Window.rolling(9), 530, 40
    matrix = np.random.default_rng(0).normal(0, 1, (at + 12, members)) + np.linspace(0, 3, members)
    engines = [Comatrix(window, matrix[:at], at - 1, top=4, threads=threads) for threads in (1, 3)]
    owned = [np.arange(tile, members, 2) for tile in range(2)]
    tiles = [Comatrix(window, matrix[:at], at - 1, rows, top=4) for rows in owned]
    back = np.argsort(np.concatenate(owned))
    for cut in (at, at + 5):
        one, other = [engine.advance(matrix[cut : cut + 5]) for engine in engines]
        beside = zip(*[tile.advance(matrix[cut : cut + 5]) for tile in tiles], strict=True)
        assert whole([one]) == whole([other]) == [np.concatenate(each, 1)[:, back].tobytes() for each in beside]
        found = engines[0].correlation()
        assert found.tobytes() == np.ascontiguousarray(found.T).tobytes() == engines[1].correlation().tobytes()
        assert np.vstack([tile.correlation() for tile in tiles])[back].tobytes() == found.tobytes()
