"""The vectorised scoring UDF: an Arrow batch of raw requests in, as many scores and dead letters out.

Opens what a worker needs, measures, and watches for newer models; must not know how a request is answered.
"""

import time
from typing import NamedTuple

import pandas as pd
from pyflink.table import DataTypes, Table
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

from jobs.runtime.metrics import Histogram
from jobs.stages.answer import STATUSES, Answering, Place
from udfs.scoring.assign import Assignment, Folders

FIELDS = (
    ("topic", DataTypes.STRING()),
    ("k", DataTypes.BYTES()),
    ("v", DataTypes.BYTES()),
    ("ts", DataTypes.TIMESTAMP(3)),
)
BOUNDS_US = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000)


class Scoring(NamedTuple):
    """What a worker needs to score: addresses, and model folders that exist on its machine.

    trusted: public keys (hex) that may sign models; salt: of the shares; ids: topic -> schema id of what is written;
    max_age_us: features older than this are STALE; refuse: statuses that get no score; watch_s: how often to look for
    newer models.
    """

    folders: Folders
    trusted: tuple[str, ...]
    salt: str
    store: str
    project: str
    registry: str
    ids: dict[str, int]
    max_age_us: int
    refuse: tuple[str, ...]
    watch_s: float


def score(requests: Table, scoring: Scoring) -> Table:
    """Requests (v bytes, part int, pos bigint, ts timestamp(3)) -> answers (topic, k bytes, v bytes, ts), one each."""
    fields = [DataTypes.FIELD(name, kind) for name, kind in FIELDS]
    return requests.map(udf(Score(scoring), result_type=DataTypes.ROW(fields), func_type="pandas"))


class Score(ScalarFunction):
    """Answers each batch as a whole; models, store and registry are opened once a worker."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def is_deterministic(self) -> bool:
        """No: the store moves on between two calls, so no planner may call twice or fold the call away."""
        return False

    def open(self, function_context: FunctionContext) -> None:
        """Load the models (torch takes seconds), connect, and watch for newer models."""
        from feature_repo.stores import open_store
        from jobs.runtime.scorer import Scorer, fits
        from schemas.registry import Lookup
        from udfs.scoring.roster import Roster

        to = self._scoring
        self._roster = Roster(to.folders, to.trusted, fits)
        self._store = open_store(to.store)
        shares = Assignment(to.salt, to.folders.weights())
        self._scorer = Scorer(self._store, to.project, lambda: self._roster.lineup, shares)
        self._answering = Answering(self._scorer, Lookup(to.registry), to.ids, to.max_age_us, to.refuse)
        group = function_context.get_metric_group().add_group("tickloom")
        self._latency = Histogram(group, "score_us", BOUNDS_US)
        self._statuses = {s: group.add_group("status", s).counter("symbols_scored") for s in STATUSES}
        self._refused, self._told = group.counter("models_refused"), 0
        self._roster.watch(to.watch_s)

    def close(self) -> None:
        """Stop watching, and let go of connections."""
        if hasattr(self, "_answering"):
            self._roster.close()
            self._scorer.close()
            self._store.close()

    def eval(self, requests: pd.DataFrame) -> pd.DataFrame:
        """Rows (v, part, pos, ts) -> rows (topic, k, v, ts), one for one; an answer keeps its request's timestamp."""
        begun = time.perf_counter_ns()
        # by place: the planner hands over the names of the source's columns, not those of the query
        messages, parts, positions, timestamps = (requests[column] for column in requests.columns)
        places = [Place(*place) for place in zip(parts.tolist(), positions.tolist(), strict=True)]
        topics, keys, values = zip(*self._answering.answer(messages.tolist(), places), strict=True)
        self._measure((time.perf_counter_ns() - begun) / 1000, len(topics))
        return pd.DataFrame({"topic": topics, "k": keys, "v": values, "ts": timestamps})

    def _measure(self, taken_us: float, requests: int) -> None:
        """An answer is there when its batch is; metrics are an engine's thread's own, so the watcher cannot count."""
        self._latency.observe(taken_us, requests)
        for status, count in self._answering.statuses.items():
            self._statuses[status].inc(count)
        self._answering.statuses.clear()
        refused = self._roster.refused
        self._refused.inc(refused - self._told)
        self._told = refused
