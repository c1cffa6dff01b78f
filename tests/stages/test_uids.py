"""The operators of the features job as a savepoint knows them: names and ids are frozen, or no state finds its way."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from pyflink.table import StatementSet

from schemas.settings import PROJECT, settings
from tickloom.stack import render
from tickloom.stack.environment import flink_home

GOLDEN = Path(__file__).parents[1] / "golden" / "state.json"
Operators = dict[str, str]


def features() -> Operators:
    """Id of each operator of the features job by its name; in a process of its own."""
    import sys

    from jobs import features
    from jobs.runtime.environment import environment
    from schemas.loader import TOPICS, dead_letter_topics

    sys.argv = ["features", "--score"]
    _, tables = environment("tickloom.features")
    made = features.build(tables, features.arguments(), settings(), dict.fromkeys([*TOPICS, *dead_letter_topics()], 1))
    return operators(made)


def operators(statements: StatementSet) -> Operators:
    """The job graph's own."""
    from pyflink.datastream import StreamExecutionEnvironment

    statements._j_statement_set.attachAsDataStream()
    stream = StreamExecutionEnvironment(statements._t_env._j_tenv.execEnv())
    vertices = stream._generate_stream_graph(True).getJobGraph().getVerticesAsArray()
    pairs = [vertex.getOperatorIDs().get(i) for vertex in vertices for i in range(vertex.getOperatorIDs().size())]
    names = [pair.getUserDefinedOperatorUid() or pair.getUserDefinedOperatorName() for pair in pairs]
    ids = [str(pair.getGeneratedOperatorID()) for pair in pairs]
    return dict(zip(map(str, names), ids, strict=True))


@pytest.fixture
def flink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library folder with the connectors, as a stack has it."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    settings.cache_clear()
    render.flink(settings().stack)
    for name in ("lib", "conf"):
        monkeypatch.setenv(f"FLINK_{name.upper()}_DIR", str(tmp_path / "flink" / name))
    monkeypatch.setenv("FLINK_HOME", str(flink_home()))  # without it PyFlink takes its own lib
    monkeypatch.setenv("TICKLOOM_FEATURES__PACKS", '["core", "across"]')


@pytest.mark.usefixtures("flink")
def test_the_features_job() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = pool.submit(features).result()
    known = json.loads(GOLDEN.read_text("utf-8"))
    assert found == known["features"], "state of before would not find its operators"
    config = (PROJECT / "flink-conf" / "config.yaml").read_text("utf-8")
    assert f"\npipeline.max-parallelism: {known['maximum_parallelism']}\n" in config
