"""The alphas against the paper's definitions by pandas, over a universe with gaps, ties, flat bars and a late listing.

Where the last digits decide a number (a rank among correlations that are equal but for rounding), two ways to compute
it may differ. A twin whose every rounded result is moved by noise, or rounded to a grid, shows which numbers these are
(tests/oracles/universe.py): they are not compared, and their share is bounded.
"""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from tests.oracles.alpha101 import ALPHAS
from tests.oracles.universe import NAMES, Universe, random_tables
from udfs.packs import alpha101
from udfs.plan import Plan

SYMBOLS, BARS = 30, 400
TABLES = random_tables(5, SYMBOLS, BARS)
PLAN = Plan("1d", alpha101.FEATURES)
UNDECIDED = 0.005
# correlations of a few ranks, of two bars, and averages of few yes and no take few values: many are equal
TIED = dict.fromkeys((13, 16, 50, 68, 72, 75, 78, 81, 85, 94), 0.03)
TIED |= {13: 0.05, 15: 0.35, 45: 0.12, 50: 0.05, 88: 0.12, 92: 0.25, 96: 0.3, 98: 0.6}
NEARLY_EQUAL = 1e-7
# a choice has a value as soon as the part that it takes has one
CHOICES = {1, 7, 21}


def run(start: int = 0, stop: int = BARS, state: np.ndarray | None = None) -> np.ndarray:
    """float64[outputs, bars, symbols] of these bar times, NaN where a symbol has no bar."""
    state = PLAN.blank(SYMBOLS) if state is None else state
    out = np.full((len(PLAN.outputs), stop - start, SYMBOLS), np.nan)
    columns = {name: TABLES[name].to_numpy() for name in NAMES}
    for k in range(start, stop):
        here = np.flatnonzero(~np.isnan(columns["close"][k]))
        out[:, k - start, here] = PLAN.step(state, here, {name: of[k, here] for name, of in columns.items()}).T
    return out


@pytest.fixture(scope="module")
def ours() -> dict[str, np.ndarray]:
    return dict(zip(PLAN.outputs, run(), strict=True))


def universes(number: int) -> Iterator[Universe]:
    """As it is, on a grid, and with noise, the same in whatever order the tests run."""
    yield from (Universe(TABLES), Universe(TABLES, grid=1e-9))
    for seed in range(2 if number not in TIED else 12 if number <= 95 else 60):
        yield Universe(TABLES, noise=1e-12, seed=seed)


def finite(number: int, universe: Universe) -> np.ndarray:
    found = ALPHAS[number](universe).to_numpy()
    return np.where(np.isfinite(found), found, np.nan)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("number", alpha101.ALPHAS)
def test_equals_the_paper(number, ours):
    found = ours[f"alpha_{number:03}"]
    wanted, *others = (finite(number, universe) for universe in universes(number))
    values = ~np.isnan(wanted)
    assert values.sum() > 4000
    np.testing.assert_array_equal(~np.isnan(found), values)
    scale = np.nanmax(np.abs(wanted))
    same = [np.abs(other - wanted) <= NEARLY_EQUAL * scale for other in others]
    decided = np.all(same, axis=0) & values
    assert (values & ~decided).sum() <= TIED.get(number, UNDECIDED) * values.sum()
    np.testing.assert_allclose(found[decided], wanted[decided], rtol=0, atol=1e-12 * scale)
    assert len(np.unique(np.round(found[decided], 12))) > 1


def test_the_first_value_comes_after_the_lookback(ours):
    for name, found in ours.items():
        first = int(np.argmax(~np.isnan(found).all(axis=1)))
        if int(name[6:]) not in CHOICES:
            assert 0 <= first - PLAN.lookback(name) <= 2, name  # a symbol may lack a bar


def test_a_state_that_was_stored_gives_the_same_bytes(ours):
    state, again = PLAN.blank(SYMBOLS), PLAN.blank(SYMBOLS)
    run(0, 137, state)
    again[:] = np.frombuffer(state.tobytes()).reshape(state.shape)
    rest = dict(zip(PLAN.outputs, run(137, BARS, again), strict=True))
    for name, whole in ours.items():
        assert rest[name].tobytes() == whole[137:].tobytes(), name


def test_all_alphas_are_there_or_left_out_with_a_reason():
    left_out = alpha101.__doc__[alpha101.__doc__.index("Left out") :]
    named = {int(number) for number in re.findall(r"\d+", left_out)}
    assert set(ALPHAS) == set(alpha101.ALPHAS)
    assert set(alpha101.ALPHAS) | named == set(range(1, 102))
    assert not set(alpha101.ALPHAS) & named
    assert len(alpha101.ALPHAS) >= 60
