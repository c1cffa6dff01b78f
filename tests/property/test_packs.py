"""Every kernel of the packs against its naive twin, and the laws that let state be cut, moved, restored and scaled."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import packs
from tests.property.test_kernels import columns as prices_and_volume
from tests.property.test_kernels import split
from udfs.plan import Plan
from udfs.registry import COLUMNS, Feature

ROWS = packs.rows()
every_row = pytest.mark.parametrize(("pack", "row"), ROWS, ids=[packs.told(*each) for each in ROWS])
few = settings(deadline=None, max_examples=25)
# eighths of a dollar: ties and flat stretches are frequent, and halving or doubling is exact
price = st.integers(8, 200).map(lambda eighths: eighths / 8)
bar = st.tuples(price, price, price, price, st.integers(0, 50).map(float))
histories = st.lists(st.one_of(bar, st.just((5.0, 5.0, 5.0, 5.0, 3.0))), min_size=1, max_size=60)


def columns(history: list[Any]) -> dict[str, np.ndarray]:
    """The bars with every column."""
    return packs.whole(prices_and_volume(history))


def small(pack: str, row: Feature) -> Feature:
    """The row with windows so short that a short history turns each ring."""
    return row.at(**packs.oracle(pack).SMALL.get(row.name, {}))


def longer(row: Feature, history: list[Any]) -> list[Any]:
    """The history again and again, until rows that look far back have values too."""
    return history * (1 + row.lookback // 40)


def plan_of(row: Feature) -> Plan:
    return Plan("1d", [*packs.needed(row), row])


def run(row: Feature, bars: dict[str, np.ndarray], state: np.ndarray | None = None) -> np.ndarray:
    """Outputs of one security, float64[outputs, bars]."""
    plan = plan_of(row)
    state = np.zeros((1, plan.width)) if state is None else state
    return plan.step(state, np.zeros(len(bars["close"]), np.int64), bars).T[-len(row.outputs) :]


@every_row
@few
@given(history=histories)
def test_equals_its_twin(pack, row, history):
    of = small(pack, row)
    history = longer(of, history)
    bars = columns(history)
    wanted = packs.oracle(pack).TWINS[row.name]({name: column.tolist() for name, column in bars.items()}, **of.params)
    assert len(wanted) == len(of.outputs)
    for name, found, want in zip(of.outputs, run(of, bars), wanted, strict=True):
        scale = max([1e-300, *(abs(v) for v in want if not np.isnan(v))])
        np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-12 * scale, err_msg=name)


@every_row
@few
@given(history=histories, data=st.data())
def test_any_cut_gives_the_same_bytes(pack, row, history, data):
    of = small(pack, row)
    history = longer(of, history)
    bars = columns(history)
    whole, plan = run(of, bars), plan_of(of)
    state, parts = np.zeros((1, plan.width)), []
    cuts = sorted(data.draw(st.sets(st.integers(1, len(history)), max_size=4)))
    for start, stop in pairwise([0, *cuts, len(history)]):
        state = np.frombuffer(state.tobytes()).reshape(state.shape).copy()
        parts.append(run(of, {name: column[start:stop] for name, column in bars.items()}, state))
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


@every_row
@few
@given(history=histories, power=st.integers(-6, 6), data=st.data())
def test_a_dyadic_split_of_the_state_is_exact(pack, row, history, power, data):
    #  old units  x x x x|x x x
    #  new units         |y y y    y = x restated; the state is scaled at the bar
    of = small(pack, row)
    history = longer(of, history)
    bars = columns(history)
    at, plan = data.draw(st.integers(0, len(history))), plan_of(of)
    new, old = (2**power, 1) if power >= 0 else (1, 2**-power)
    scale = {name: (new / old) ** (degree.volume - degree.price) for name, degree in COLUMNS.items()}
    state = np.zeros((1, plan.width))
    run(of, {name: column[:at] for name, column in bars.items()}, state)
    state[0] *= plan.factors([split(new, old)], 1.0, 1.0)
    after = run(of, {name: column[at:] * scale[name] for name, column in bars.items()}, state)
    restated = run(of, {name: column * scale[name] for name, column in bars.items()})[:, at:]
    np.testing.assert_array_equal(after, restated)
    whole = run(of, bars)[:, at:]
    for degree, found, want in zip(of.degrees, after, whole, strict=True):
        if degree is not None:
            np.testing.assert_array_equal(found, want * (new / old) ** (degree.volume - degree.price))


@every_row
@few
@given(history=histories, data=st.data())
def test_a_gap_is_skipped(pack, row, history, data):
    of = small(pack, row)
    history = longer(of, history)
    bars = columns(history)
    reads = [name for name in COLUMNS if all(name in row.inputs for row in (of, *packs.needed(of)))]
    at = data.draw(st.integers(0, len(history)))
    if not reads:
        return
    gap = data.draw(st.sampled_from(reads))
    with_gap = {name: np.insert(column, at, np.nan if name == gap else column[0]) for name, column in bars.items()}
    found = run(of, with_gap)
    assert np.isnan(found[:, at]).all()
    assert np.delete(found, at, axis=1).tobytes() == run(of, bars).tobytes()
