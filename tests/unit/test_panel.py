"""Every output of the panel against its naive twin: at the first bars, after a window, after 100,000 bars."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from statsmodels.tsa.stattools import coint

from schemas.settings import CrossAsset, settings
from tests.oracles import panel as oracle
from udfs.panel.columns import INSIDE, Columns
from udfs.panel.panel import Panel, Section

BARS, N = 330, 5
PAIRS = ((0, 1), (3, 2))
BASE = {"windows": (20, 30), "decays": (0.94,), "benchmarks": ("B.x",), "pairs": ("A|B", "D|C"), "peers": 3}
SETTINGS = {
    "exclude": {},
    "carry": {"gaps": "carry", "min_returns": 5, "windows": (4, 20), "returns": "simple"},
    "two": {"gaps": "carry", "min_returns": 2, "windows": (3,), "decays": (0.94, 0.97), "loadings": 0},
    "no clusters": {"cluster_cut": 0.0, "windows": (7,), "decays": (), "loadings": 5, "peers": 6},
    "far clusters": {"cluster_cut": 1.5, "returns": "simple", "windows": (60,)},
}
# the first bars, after one and two windows, where members join, rest and leave
CHECKED = (0, 1, 2, 3, 5, 8, 19, 20, 29, 39, 49, 59, 60, 70, 100, 119, 200, 260, 300, 329)
ALIKE = ("loading", "partial_corr", "spread", "zscore", "adf_t", "half_life", "ledoit_wolf_cc")


def of(**more: object) -> CrossAsset:
    return settings().cross_asset.model_copy(update=BASE | more)


def returns(bars: int = BARS, members: int = N, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(0, 0.01, (bars, members)) + random.normal(0, 0.01, (bars, 1))


def gaps() -> np.ndarray:
    """Holes, one who joins, one who rests for a window, one who leaves."""
    found = returns(seed=1)
    found[np.random.default_rng(2).random(found.shape) < 0.03] = np.nan
    found[:50, 3] = found[100:125, 1] = found[250:, 0] = np.nan
    return found


def flat() -> np.ndarray:
    """One who never moves, one who stops, twins, and a mirror of half their size."""
    found = returns(seed=3, members=7)
    found[:, 2], found[100:, 0], found[:, 4] = 0.001, 0.0, found[:, 1]
    found[:, 6] = -found[:, 1] / 2
    return found


def offset() -> np.ndarray:
    """A mean of a hundred deviations."""
    return returns(seed=4) + np.linspace(-1, 1, N)


def scales() -> np.ndarray:
    """Prices that hardly move beside prices that leap."""
    return returns(seed=5) * 10.0 ** np.arange(-3, 2)


def glitches() -> np.ndarray:
    """A price that is wrong by a factor of thousands for a bar, once in a window."""
    found = returns(seed=6)
    found[[70, 71], 1] = 8, -8
    found[[150, 151], 4] = -9, 9
    return found


def coarse() -> np.ndarray:
    """Ranks and falling bars that tie."""
    return np.random.default_rng(7).integers(-3, 4, (BARS, N)) / 64


def levels() -> np.ndarray:
    """Means that jump together by a hundred deviations: whatever else members do is little of their variance."""
    return returns(seed=8) + (np.arange(BARS) // 45 % 2)[:, None]


def wide() -> np.ndarray:
    """More members than bars, some of them twins."""
    return returns(seed=9, members=40)[:, np.sort(np.random.default_rng(9).integers(0, 40, 44))]


def given(
    given_of: CrossAsset, bars: int, pairs: Sequence[tuple[int, int]] = PAIRS, market: int = 1
) -> list[np.ndarray]:
    """Benchmarks and pairs, the same at each bar."""
    one, two = (
        np.full((bars, len(given_of.benchmarks)), market),
        np.array(pairs[: len(given_of.pairs)], int).reshape(-1, 2),
    )
    return [one, np.tile(two, (bars, 1, 1))]


def bound(name: str, want: np.ndarray, tolerance: float) -> np.ndarray:
    """1e-12; of numbers above 1 that part. A half-life divides by a pull near 0: its square counts."""
    size = np.abs(np.nan_to_num(want))
    return tolerance * (1 + size**2 if name.startswith("half_life") else np.maximum(1, size))


def assert_numbers(names: Iterable[str], found: np.ndarray, want: oracle.Numbers, alike: float = 1e-12) -> None:
    """Each name is there once, each number is the twin's, null where it is null."""
    names = list(names)
    assert sorted(names) == sorted(want)
    for name, values in zip(names, found, strict=True):
        wanted, tolerance = np.array(want[name], float), alike if name.startswith(ALIKE) else 1e-12
        assert np.isnan(values).tolist() == np.isnan(wanted).tolist(), f"{name} {values} {wanted}"
        error = np.nan_to_num(np.abs(values - wanted))
        assert (error <= bound(name, wanted, tolerance)).all(), f"{name} {values} {wanted}"


def assert_section(
    section: Section, columns: Columns, want: oracle.Said, alike: float = 1e-12, *, ties: bool = False
) -> None:
    """All of one bar. ties: whether pairs correlate alike that are no twins, so that rounding makes the order of peers:

    so it is over two bars, where all correlations are 1 or -1.
    """
    assert_numbers(columns.numbers, section.numbers.T, want.members, alike)
    assert_numbers(columns.universe, section.universe, want.universe, alike)
    if len(section.pairs):
        assert_numbers(columns.pair[: -len(INSIDE)], section.pairs.T, want.pairs, alike)  # of windows
    assert sorted(columns.members) == sorted(want.others)
    for name, found in zip(columns.members, section.members.T.tolist(), strict=True):
        assert found == want.others[name] or (ties and "peer" in name), name


def check(
    logs: np.ndarray, given_of: CrossAsset, bars: Iterable[int], alike: float = 1e-12, *, ties: bool = False
) -> list[Section]:
    columns = Columns(given_of)
    panel = Panel(columns, np.empty((0, logs.shape[1])), -1)
    sections, pairs = panel.advance(logs, *given(given_of, len(logs))), PAIRS[: len(given_of.pairs)]
    for bar in bars:
        want = oracle.said(logs[: bar + 1], given_of, [1] * len(given_of.benchmarks), pairs)
        assert_section(sections[bar], columns, want, alike, ties=ties or bar < 2)
    return sections


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("make", [returns, gaps, flat, offset, scales, coarse, wide])
def test_equals_its_twin(make, name):
    check(make(), of(**SETTINGS[name]), CHECKED if make is not wide else CHECKED[:9], ties=make is coarse)


@pytest.mark.parametrize(("make", "alike"), [(glitches, 1e-10), (levels, 1e-7)])
def test_what_is_common_to_all_drowns_the_rest(make, alike):
    # what is left of a member beside the others, or of others beside a glitch, is computed of the digits that are left
    check(make(), of(), CHECKED, alike)


@pytest.mark.parametrize("members", [1, 2, 3])
def test_few_members(members):
    given_of = of(benchmarks=(), pairs=())
    for each in (given_of, of(benchmarks=(), pairs=(), gaps="carry", min_returns=3)):
        check(returns(90, members), each, (0, 2, 5, 19, 20, 29, 60, 89))


class Sparse(Panel):
    """Says something at a few bars only; all else rolls as ever."""

    wanted: frozenset[int] = frozenset()

    def _section(self, at, k, *rest):  # type: ignore[no-untyped-def]
        return super()._section(at, k, *rest) if self.bar + 1 + k in self.wanted else None


def test_after_a_hundred_thousand_bars():
    # the whole way with a rolling window; the last 2,000 from a restore with all windows
    count, logs = 100_000, returns(100_000, 4, seed=10) + 0.001
    logs[np.random.default_rng(11).random(logs.shape) < 0.001] = np.nan
    logs[::997, 2] = 3.0
    for given_of, start in ((of(windows=(20,), decays=(), gaps="carry"), 0), (of(), 98_000)):
        columns, wanted = Columns(given_of), [start + 1000, 99_000, 99_999]
        panel = Sparse(columns, logs[max(0, start - columns.reach) : start], start - 1)
        panel.wanted = frozenset(wanted)
        sections = panel.advance(logs[start:], *given(given_of, count - start))
        for bar in wanted:
            want = oracle.said(logs[max(0, bar - 1500) : bar + 1], given_of, [1], PAIRS)
            assert_section(sections[bar - start], columns, want)


def test_a_flat_member_is_null_and_spoils_nobody():
    sections, columns = check(flat(), of(), [200]), Columns(of())
    numbers = dict(zip(columns.numbers, sections[200].numbers.T, strict=True))
    counted = "momentum_rank", "n_obs", "staleness"
    for name, values in numbers.items():
        assert np.isnan(values[[0, 2] if "ew" not in name else 2]).all() or name.startswith(counted), name
        assert not np.isnan(values[[1, 3, 4, 5]]).any(), name
    others = dict(zip(columns.members, sections[200].members.T, strict=True))
    for name, ids in others.items():
        still = {0, 2} if "ew" not in name else {2}
        assert {ids[j] for j in still} == {-1}, name
        assert not set(ids.tolist()) & still, name
    assert not np.isnan(sections[200].universe).any()


def test_peers_of_twins_are_the_first_by_name():
    # every member thrice: the nearest are its twins, then the others' firsts in turn
    logs = np.repeat(returns(60, 6, seed=12), 3, axis=1)
    given_of = of(peers=17, benchmarks=(), pairs=(), decays=(0.5,))
    columns, section = Columns(given_of), check(logs, given_of, [29, 59])[59]
    for suffix in ("20", "ew5"):
        places = [columns.members.index(f"peer{f'_{k + 1}' if k else ''}_{suffix}") for k in range(17)]
        for j, ids in enumerate(section.members[:, places].tolist()):
            assert ids[:2] == [i for i in range(j // 3 * 3, j // 3 * 3 + 3) if i != j]
            assert sorted(ids) == [i for i in range(18) if i != j], "all of them"
            thirds = [ids[at : at + 3] for at in range(2, 17, 3)]
            assert all(each == list(range(each[0], each[0] + 3)) and each[0] % 3 == 0 for each in thirds)


def test_the_test_of_pairs_is_statsmodels():
    given_of, logs = of(windows=(60,)), returns(200, seed=13)
    columns, section = Columns(given_of), check(logs, given_of, [199])[199]
    prices = np.cumsum(logs[-60:], axis=0)
    for (y, x), found in zip(PAIRS, section.pairs[:, columns.pair.index("adf_t_60")], strict=True):
        wanted = coint(prices[:, y], prices[:, x], maxlag=1, autolag=None)[0]
        assert found == pytest.approx(wanted, abs=1e-12), "statsmodels"


def test_what_is_not_there_has_no_number():
    given_of = of()
    columns, logs = Columns(given_of), returns(60)
    panel = Panel(columns, np.empty((0, N)), -1)
    section = panel.advance(logs, *given(given_of, 60, ((0, -1), (-1, -1)), -1))[-1]
    want = oracle.said(logs, given_of, [-1], [(0, -1), (-1, -1)])
    assert_section(section, columns, want)
    assert np.isnan(section.numbers[:, columns.numbers.index("beta_b_x_20")]).all()
    assert not section.pairs[:, [columns.pair.index(f"n_obs_{bars}") for bars in (20, 30)]].any()
