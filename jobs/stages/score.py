"""The vectorised scoring UDF: an Arrow batch of raw requests in, as many scores and dead letters out."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pyflink.table import DataTypes, Table
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

from jobs.stages.answer import Answering, Place

FIELDS = (
    ("topic", DataTypes.STRING()),
    ("k", DataTypes.BYTES()),
    ("v", DataTypes.BYTES()),
    ("ts", DataTypes.TIMESTAMP(3)),
)


class Scoring(NamedTuple):
    """What a worker needs to score: addresses, and a model folder that exists on its machine.

    trusted: public keys (hex) that may sign it; ids: topic -> schema id of what is written; max_age_us: features older
    than this are STALE.
    """

    model: str
    trusted: tuple[str, ...]
    store: str
    project: str
    registry: str
    ids: dict[str, int]
    max_age_us: int


def score(requests: Table, scoring: Scoring) -> Table:
    """Requests (v bytes, part int, pos bigint, ts timestamp(3)) -> answers (topic, k bytes, v bytes, ts), one each."""
    fields = [DataTypes.FIELD(name, kind) for name, kind in FIELDS]
    return requests.map(udf(Score(scoring), result_type=DataTypes.ROW(fields), func_type="pandas"))


class Score(ScalarFunction):
    """Answers each batch as a whole; model, store and registry are opened once a worker."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def is_deterministic(self) -> bool:
        """No: the store moves on between two calls, so no planner may call twice or fold the call away."""
        return False

    def open(self, function_context: FunctionContext) -> None:
        """Load the model (torch takes seconds) and connect."""
        from feature_repo.stores import open_store
        from schemas.registry import Lookup
        from udfs.scoring.model import Model

        to = self._scoring
        model, store, lookup = Model.load(Path(to.model), to.trusted), open_store(to.store), Lookup(to.registry)
        self._answering = Answering(model, store, to.project, lookup, to.ids, to.max_age_us)

    def eval(self, requests: pd.DataFrame) -> pd.DataFrame:
        """Rows (v, part, pos, ts) -> rows (topic, k, v, ts), one for one; an answer keeps its request's timestamp."""
        # by place: the planner hands over the names of the source's columns, not those of the query
        messages, parts, positions, timestamps = (requests[column] for column in requests.columns)
        places = [Place(*place) for place in zip(parts.tolist(), positions.tolist(), strict=True)]
        topics, keys, values = zip(*self._answering.answer(messages.tolist(), places), strict=True)
        return pd.DataFrame({"topic": topics, "k": keys, "v": values, "ts": timestamps})
