"""Learning finds a signal that is there, finds none where none is, and does the same thing twice."""

import numpy as np
import pytest

from schemas.errors import DataError
from udfs.scoring import tensors
from udfs.scoring.learn import Recipe, Rows, learn, walk_forward

DAY = 86_400_000_000
RECIPE = Recipe("test", "1d", seed=7)


def rows(strength, bars=120, symbols=8):
    """Label = strength * first feature + noise, in returns of 1 %; the second feature says nothing."""
    rng = np.random.default_rng(11)
    time = np.repeat(np.arange(bars) * DAY, symbols)
    values = rng.normal([50, 0.0], [10, 2.0], (len(time), 2))
    labels = 0.01 * (strength * (values[:, 0] - 50) / 10 + rng.normal(size=len(time)))
    values[rng.random(values.shape) < 0.05] = np.nan
    return Rows(("indicators_1d:rsi_14", "indicators_1d:volume_z_20"), values, labels, time, time + DAY)


def mean(found, key):
    return np.mean([getattr(metrics, key) for _, metrics in found])


def test_finds_a_signal_and_no_ghost():
    signal, noise = walk_forward(rows(1.0), RECIPE, 2), walk_forward(rows(0.0), RECIPE, 2)
    assert mean(signal, "ic") > 0.5
    assert mean(signal, "mse_ratio") < 0.7
    assert abs(mean(noise, "ic")) < 0.12
    assert mean(noise, "mse_ratio") > 0.95


def test_same_seed_same_bytes():
    (first, weights), (again, same), (other, _) = (
        learn(rows(1.0), recipe) for recipe in (RECIPE, RECIPE, Recipe("test", "1d", seed=8))
    )
    assert first == again
    assert tensors.encode(weights) == tensors.encode(same)
    assert first.version != other.version


def test_manifest_says_what_was_learned_from():
    given = rows(0.0)
    manifest, _ = learn(given, RECIPE)
    values = given.values[~np.isnan(given.values).all(axis=1)]  # a row may miss half of its features, not both
    assert manifest.rows == len(values)
    assert manifest.mean == pytest.approx(np.nanmean(values, axis=0))
    assert manifest.std == pytest.approx(np.nanstd(values, axis=0))
    assert (manifest.train_start, manifest.train_end) == ("1970-01-01T00:00:00+00:00", "1970-04-30T00:00:00+00:00")
    assert manifest.max_missing == 1


def test_a_feature_without_values_is_left_out():
    given = rows(0.0)
    given.values[:, 0] = np.nan
    assert learn(given, RECIPE)[0].features == ("indicators_1d:volume_z_20",)


def test_a_constant_feature_does_no_harm():
    given = rows(0.0)
    given.values[:, 0] = 3.0
    manifest, weights = learn(given, RECIPE)
    assert manifest.std[0] == 1.0
    assert all(np.isfinite(array).all() for array in weights.values())


def sequences(bars=150, symbols=8, steps=3):
    """Label = return two bars ago - return now + noise: what knows the bars but not their order learns nothing."""
    rng = np.random.default_rng(5)
    time = np.repeat(np.arange(bars) * DAY, symbols)
    values = rng.normal(0, 0.01, (len(time), steps))
    labels = values[:, 0] - values[:, -1] + 0.005 * rng.normal(size=len(time))
    names = tuple(f"indicators_1d:log_return{f'_lag_{lag}' if lag else ''}" for lag in reversed(range(steps)))
    return Rows(names, values, labels, time, time + DAY)


def test_a_gru_learns_from_the_order_of_bars():
    """By the same code as an mlp: the same bytes twice, and a signal in the product of two bars is found."""
    recipe = Recipe("test", "1d", seed=7, architecture="gru", steps=3, hidden=(16,))
    [(_, found)] = walk_forward(sequences(), recipe, 1)
    assert found.ic > 0.5
    (first, weights), (again, same) = (learn(sequences(), recipe) for _ in range(2))
    assert first == again
    assert (first.architecture, first.steps, first.channels) == ("gru", 3, 1)
    assert tensors.encode(weights) == tensors.encode(same)


def test_a_channel_without_values_is_left_out_at_every_step():
    given = sequences()
    names = tuple(name.replace("log_return", "rsi_14") for name in given.features)
    order = [0, 3, 1, 4, 2, 5]
    values = np.column_stack([given.values, given.values])[:, order]
    values[:, 3] = np.nan  # rsi_14 a bar ago
    features = tuple((given.features + names)[i] for i in order)
    rows = Rows(features, values, given.labels, given.event_time, given.label_time)
    manifest, _ = learn(rows, Recipe("test", "1d", architecture="gru", steps=3, hidden=(4,)))
    assert manifest.features == given.features


def test_nothing_to_learn_from():
    given = rows(0.0)
    given.values[:] = np.nan
    with pytest.raises(DataError, match="no row has enough"):
        learn(given, RECIPE)
