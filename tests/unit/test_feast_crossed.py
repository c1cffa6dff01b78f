"""The views of the universe and of pairs in Feast, on both stores: the job writes `A|B`, Feast asks by two keys."""

import json
from typing import Any

import numpy as np
import pytest

from feature_repo.stores import open_store
from feature_repo.stores.rows import entity_text
from feature_repo.views import layout, vectors
from schemas.settings import store_url
from tests.unit.serving import BARS, PAIR, at, command, keys_of, of_views, pairs, universe, us
from udfs.frame import PAIRS, UNIVERSE, Frame
from udfs.panel.snapshot import Snapshot

pytestmark = pytest.mark.usefixtures("home")
KEYS = {"universe_1d": ("universe",), "pairs_1d": ("symbol_a", "symbol_b")}


def by_job(view: str, entity: str, value: float, text: str = "") -> None:
    """One row as the features job writes it."""
    of = layout(f"{view}_1d")
    strings = {name: [text] for name, _ in of.texts}
    frame = Frame(view, 0, us(at(1000)), us(at(1000)), 0, [entity], of.numbers, np.full((1, len(of.numbers)), value),
                  strings, interval="1d")  # fmt: skip
    store = open_store(store_url())
    fence = store.fence("tickloom", frame.feature_view, entity)
    store.write("tickloom", frame.feature_view, [entity], vectors(frame.feature_view, frame, fence, 9), shard=entity,
                fence=fence)  # fmt: skip
    store.close()


def ask(feast: Any, view: str, *entity: str) -> dict[str, Any]:
    """All features of an entity."""
    names = [name for name, _ in layout(view).fields]
    row = dict(zip(KEYS[view], entity, strict=True))
    found = feast.get_online_features([f"{view}:{name}" for name in names], [row]).to_dict()
    return {name: found[name][0] for name in names}


def test_pairs_of_the_job_by_feast_s_command() -> None:
    by_job(PAIRS, "JOB|B", 0.1 + 0.2)
    words = ["-e", "symbol_b=B", "-e", "symbol_a=JOB", "-e", "symbol_a=B", "-e", "symbol_b=JOB"]
    found = json.loads(command("get-online-features", "-f", "pairs_1d:corr_60", *words))
    assert found == {"symbol_b": ["B", "JOB"], "symbol_a": ["JOB", "B"], "corr_60": [0.1 + 0.2, None]}


def test_the_universe_of_the_job_with_its_returns(feast: Any) -> None:
    text = Snapshot(["A", "B"], np.array([[0.1, -0.0], [np.nan, 5e-324]]), 2).pack()
    by_job(UNIVERSE, "all of them", 0.5, text)
    found = ask(feast, "universe_1d", "all of them")
    back = Snapshot.unpack(found.pop("returns_60"))
    assert (back.symbols, back.pack()) == (["A", "B"], text)
    assert set(found.values()) == {0.5}


def test_materialized_from_logs_of_their_own(feast: Any) -> None:
    for view, entity, log in (("universe_1d", ["universe"], universe()), ("pairs_1d", [*PAIR], pairs())):
        command("materialize", at(0).isoformat(), at(2000).isoformat(), "-v", view)
        [row] = log.slice(BARS - 1).to_pylist()
        assert ask(feast, view, *entity) == {
            name: None if row[name] != row[name] else row[name] for name, _ in layout(view).fields
        }


@pytest.mark.parametrize(("view", "entity"), [("universe_1d", ["pushed"]), ("pairs_1d", ["PUSH", "B"])])
def test_pushed(feast: Any, view: str, entity: list[str]) -> None:
    keys = {name: [value] for name, value in zip(KEYS[view], entity, strict=True)}
    frame = of_views(keys, view).slice(7, 1).to_pandas()
    feast.push(f"{view}_push", frame)
    row = frame.to_dict("records")[0]
    wanted = {
        name: None if row[name] is None or row[name] != row[name] else row[name] for name, _ in layout(view).fields
    }
    assert ask(feast, view, *entity) == wanted
    store = open_store(store_url())
    assert store.read("tickloom", view, ["|".join(entity)]) != [None], "under the job's own name of it"
    store.close()


def test_names_of_entities_of_two_keys() -> None:
    [key, same, bar, other] = [
        *keys_of(symbol_a=["A"], symbol_b=["B"]), *keys_of(symbol_b=["B"], symbol_a=["A"]),
        *keys_of(symbol_a=["A|B"], symbol_b=["C"]), *keys_of(symbol_a=["A"], symbol_b=["B|C"]),
    ]  # fmt: skip
    assert entity_text(key) == entity_text(same) == "A|B"
    assert len({entity_text(bar), entity_text(other), "A|B|C"}) == 3
