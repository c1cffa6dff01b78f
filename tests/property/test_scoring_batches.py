"""A row has the same bytes in every batch: alone, among others, at any place, in any order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.scoring import made, made_gru
from udfs.scoring.model import Model


@st.composite
def batches(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.normal([50, 0, 1], [30, 0.05, 1.0], (draw(st.integers(1, 1500)), 3))
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    return values, rng.permutation(len(values)), draw(st.integers(1, len(values)))


@settings(max_examples=40, deadline=None)
@given(batches(), st.sampled_from([(), (4,), (32, 16), (33, 17, 5), "gru"]), st.integers(0, 99))
def test_batch_and_place_do_not_matter(batch, hidden, seed):
    values, order, cut = batch
    found = made_gru(seed, 9, 3) if hidden == "gru" else made(seed, hidden)
    values = np.tile(values, 2) if hidden == "gru" else values
    model = Model(*found[:2], "cpu")
    assert len(model.buckets) > 1
    whole = model.score(values)
    assert whole[order].tobytes() == model.score(values[order]).tobytes()
    assert whole.tobytes() == np.concatenate([model.score(values[:cut]), model.score(values[cut:])]).tobytes()
    assert whole[:1].tobytes() == model.score(values[:1]).tobytes()
