"""Models change while scores go on: never a mixed batch, never a bad one, and each symbol knows its model."""

import logging
import shutil
import threading
from collections import Counter

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import FeatureError, ModelError
from tests.oracles.scoring import FEATURES, TRUSTED, made, publish
from udfs.scoring import artifact, tensors
from udfs.scoring.assign import Assignment, Folders
from udfs.scoring.model import Model
from udfs.scoring.roster import Lineup, Roster

MALLORY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ASSIGNED = [0, 0, 0, 1, 1, 0]  # of AAPL, FB, GOOG, IBM, MSFT and nothing; another release must not move them
SYMBOLS = [f"S{i}" for i in range(20_000)]
VALUES = np.random.default_rng(0).normal([50, 0, 1], [10, 0.02, 0.5], (700, 3))


def fits(manifest, interval):
    if manifest.interval != interval:
        raise ModelError(f"knows bars of {manifest.interval}")
    if "indicators_1d:unheard_of" in manifest.features:
        raise FeatureError("no number 'unheard_of'", where="view indicators_1d")


@pytest.fixture
def folder(tmp_path):
    publish(tmp_path / "a", *made(1, serial=5)[::2])
    return tmp_path / "a"


@pytest.fixture
def roster(folder):
    return Roster(Folders(str(folder)), TRUSTED, fits, "cpu")


def version(roster, slot=0):
    return roster.lineup.models[slot].manifest.version


def test_a_new_version_is_put_in(roster, folder):
    before = roster.lineup
    roster.look()
    assert roster.lineup is before
    publish(folder, *made(2, serial=6)[::2])
    assert roster.lineup is before
    roster.look()
    assert version(roster) == made(2, serial=6)[0].version
    assert roster.refused == 0
    expected = Model(*made(2, serial=6)[:2], "cpu").score(VALUES)
    assert roster.lineup.score(VALUES, np.zeros(700, int)).tobytes() == expected.tobytes()


def nan_weights(folder):
    manifest, weights, _ = made(2, serial=6)
    data = tensors.encode(weights | {"bias_0": np.full(8, np.nan, "f4")})
    publish(folder, manifest.model_copy(update={"weights_sha256": artifact.hashlib.sha256(data).hexdigest()}), data)


def huge_weights(folder):
    manifest, weights, _ = made(2, serial=6)
    data = tensors.encode({name: np.full_like(array, 3e38) for name, array in weights.items()})
    publish(folder, manifest.model_copy(update={"weights_sha256": artifact.hashlib.sha256(data).hexdigest()}), data)


def other_weights(folder):
    (publish(folder, *made(2, serial=6)[::2]) / artifact.WEIGHTS).write_bytes(made(3)[2])


def other_key(folder):
    path = artifact.save(folder, *made(2, serial=6)[::2], MALLORY)
    artifact.publish(folder, path.name)


def unknown_feature(folder):
    features = ("indicators_1d:unheard_of", *FEATURES[1:])
    publish(folder, *made(2, serial=6, features=features)[::2])


def other_interval(folder):
    features = tuple(name.replace("1d", "1m") for name in FEATURES)
    publish(folder, *made(2, serial=6, features=features, interval="1m")[::2])


BAD = {
    "an older serial": (lambda f: publish(f, *made(2, serial=4)[::2]), "serial 4 is not above 5"),
    "the same serial": (lambda f: publish(f, *made(2, serial=5)[::2]), "serial 5 is not above 5"),
    "NaN weights": (nan_weights, "holds NaN"),
    "scores that overflow": (huge_weights, "scores NaN or infinity"),
    "weights of another hash": (other_weights, "SHA-256"),
    "an untrusted key": (other_key, "untrusted key"),
    "an unknown feature": (unknown_feature, "unheard_of"),
    "another interval": (other_interval, "knows bars of 1m"),
    "no folder any more": (shutil.rmtree, "no model"),
    "a path in the pointer": (lambda f: (f / "current").write_bytes(b"../b"), "is no version"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_leaves_the_current_one_and_raises_the_alarm_once(roster, folder, name, caplog):
    spoil, reason = BAD[name]
    before, expected = roster.lineup, roster.lineup.score(VALUES, np.zeros(700, int))
    spoil(folder)
    for _ in range(3):
        roster.look()
    assert roster.lineup is before
    assert roster.lineup.score(VALUES, np.zeros(700, int)).tobytes() == expected.tobytes()
    assert roster.refused == 1
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert reason in record.getMessage()
    assert before.models[0].manifest.version in record.getMessage()


def test_after_a_bad_one_a_good_one_is_put_in(roster, folder):
    nan_weights(folder)
    roster.look()
    publish(folder, *made(3, serial=7)[::2])
    roster.look()
    assert version(roster) == made(3, serial=7)[0].version


def test_no_batch_mixes_versions(roster, folder):
    """Two versions come and go while another thread scores: every batch is one version's, in each of its rows."""
    versions = [made(seed, serial=6 + seed) for seed in range(12)]
    scores = {Model(*each[:2], "cpu").score(VALUES).tobytes() for each in versions}
    scores.add(roster.lineup.score(VALUES, np.zeros(700, int)).tobytes())
    seen, done = set(), threading.Event()

    def scoring():
        while not done.is_set():
            lineup = roster.lineup
            parts = [lineup.score(VALUES[i : i + 100], np.zeros(100, int)) for i in range(0, 700, 100)]
            seen.add(np.concatenate(parts).tobytes())

    thread = threading.Thread(target=scoring)
    thread.start()
    roster.watch(0.001)
    for manifest, _, data in versions:
        publish(folder, manifest, data)
        while version(roster) != manifest.version and roster.refused == 0:
            thread.join(0.01)
    done.set()
    thread.join()
    roster.close()
    assert roster.refused == 0
    assert len(seen) > 1
    assert seen <= scores


def test_first_models_must_load(tmp_path):
    with pytest.raises(ModelError, match="no model"):
        Roster(Folders(str(tmp_path)), TRUSTED, fits, "cpu")
    publish(tmp_path, *made(1)[::2])
    with pytest.raises(ModelError, match="no key is trusted"):
        Roster(Folders(str(tmp_path)), (), fits, "cpu")


def test_models_of_two_intervals_do_not_score_side_by_side(tmp_path):
    publish(tmp_path / "a", *made(1)[::2])
    other_interval(tmp_path / "b")
    with pytest.raises(ModelError, match="knows bars of 1m"):
        Roster(Folders(str(tmp_path / "a"), {str(tmp_path / "b"): 0.5}), TRUSTED, fits, "cpu")


def test_challengers_score_their_own_symbols_from_their_own_features(tmp_path):
    """Of the union of features each model gets its own, in its own order."""
    turned = {"features": FEATURES[::-1], "mean": (1.0, 0.0, 50.0), "std": (0.5, 0.02, 10.0)}
    wider = ("cross_asset_1d:peer_corr_60", FEATURES[0])
    for name, model in {
        "a": made(1),
        "b": made(2, **turned),
        "c": made(3, features=wider, mean=(0.0, 0.0), std=(1.0, 1.0)),
    }.items():
        publish(tmp_path / name, *model[::2])
    roster = Roster(
        Folders(str(tmp_path / "a"), {str(tmp_path / "b"): 0.3, str(tmp_path / "c"): 0.2}), TRUSTED, fits, "cpu"
    )
    lineup = roster.lineup
    assert lineup.columns == (*FEATURES, wider[0])
    values, by = np.random.default_rng(1).normal(size=(300, 4)), np.arange(300) % 3
    scores = lineup.score(values, by)
    alone = [
        Model(*made(1)[:2], "cpu").score(values[:, :3]),
        Model(*made(2, **turned)[:2], "cpu").score(values[:, [2, 1, 0]]),
        lineup.models[2].score(values[:, [3, 0]]),
    ]
    assert scores.tobytes() == np.choose(by, alone).tobytes()


def test_only_the_folder_that_changed_is_swapped(tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        publish(tmp_path / name, *made(seed)[::2])
    roster = Roster(Folders(str(tmp_path / "a"), {str(tmp_path / "b"): 0.5}), TRUSTED, fits, "cpu")
    champion = roster.lineup.models[0]
    publish(tmp_path / "b", *made(3, serial=2)[::2])
    roster.look()
    assert roster.lineup.models[0] is champion
    assert version(roster, 1) == made(3, serial=2)[0].version


@pytest.mark.parametrize("shares", [{"b": 0.6, "c": 0.4}, {"b": 1.0}, {"b": 0.0}, {"b": -0.1}])
def test_shares_that_leave_nothing(shares):
    with pytest.raises(ModelError, match="leave nothing"):
        Folders("a", shares).weights()


WEIGHTS = {"champion": 0.6, "b": 0.3, "c": 0.1}


def test_assignment_follows_the_weights():
    """A share of 20,000 symbols lies within five standard deviations of its weight, for a salt as for another."""
    for salt in ("", "x", "tickloom"):
        found = Counter(Assignment(salt, WEIGHTS).of(SYMBOLS).tolist())
        for i, weight in enumerate(WEIGHTS.values()):
            assert abs(found[i] / 20_000 - weight) < 5 * (weight * (1 - weight) / 20_000) ** 0.5


def test_assignment_is_the_same_everywhere_and_known_beforehand():
    first, again = Assignment("tickloom", WEIGHTS), Assignment("tickloom", WEIGHTS)
    assert first.of(SYMBOLS).tolist() == again.of(SYMBOLS[::-1])[::-1].tolist() == first.of(SYMBOLS).tolist()
    assert Assignment("tickloom", WEIGHTS).of(["AAPL", "FB", "GOOG", "IBM", "MSFT", ""]).tolist() == ASSIGNED
    other = Assignment("other", WEIGHTS).of(SYMBOLS)
    assert 0.4 < (first.of(SYMBOLS) == other).mean() < 0.52  # 0.6² + 0.3² + 0.1² = 0.46 by chance


def test_a_changed_weight_moves_no_symbol_between_the_others():
    before = Assignment("s", WEIGHTS).of(SYMBOLS)
    after = Assignment("s", WEIGHTS | {"b": 0.6}).of(SYMBOLS)
    moved = before != after
    assert moved.sum() > 0
    assert set(after[moved]) == {1}
    gone = Assignment("s", {"champion": 0.6, "b": 0.3}).of(SYMBOLS)
    assert np.array_equal(gone[before != 2], before[before != 2])


def test_one_model_takes_all():
    assert not Assignment("s", {"champion": 1.0}).of(SYMBOLS).any()


def test_each_thread_of_an_engine_scores_alone():
    """More threads change the order of a sum; the setting is each thread's own."""
    model, found = Model(*made(1)[:2], "cpu"), []

    def scoring():
        torch.set_num_threads(2)
        model.score(VALUES)
        found.append(torch.get_num_threads())

    thread = threading.Thread(target=scoring)
    thread.start()
    thread.join()
    assert found == [1]


def test_a_lineup_of_one_reads_its_features_in_order():
    lineup = Lineup((Model(*made(1)[:2], "cpu"),))
    assert lineup.columns == FEATURES
