"""Whether the online store serves the newest row of each symbol, of the universe, and of each pair."""

import numpy as np
import pyarrow as pa

from feature_repo.stores import open_store
from feature_repo.views import SYMBOL, layout, prefixes
from schemas.settings import settings, store_url
from udfs.batch import FEATURES


def stale(expected: pa.Table, interval: str, of: str = FEATURES) -> str:
    """The first entity of each view whose stored row is not the newest expected one, bit for bit; "" if all are."""
    views = [prefix for prefix in prefixes() if (prefix in SYMBOL if of == FEATURES else prefix == f"{of}_")]
    problems = [_first_stale(expected, f"{prefix}{interval}") for prefix in views]
    return "; ".join(filter(None, problems))


def _entities(table: pa.Table) -> list[str]:
    """Each row's name in the store: of the columns before event_time."""
    keys = [table[name].to_pylist() for name in table.column_names[: table.column_names.index("event_time")]]
    return ["|".join(key) for key in zip(*keys, strict=True)]


def _first_stale(expected: pa.Table, view: str) -> str:
    shape = layout(view)
    rows = expected.filter(expected[shape.numbers[0]].is_valid())  # who is no member of the universe has nulls
    last = {name: i for i, name in enumerate(_entities(rows))}  # of equal names the last one stays
    names, newest = list(last), rows.take(pa.array(last.values(), pa.int64()))
    found = shape.unpack(open_store(store_url()).read(settings().store.project, view, names))
    numbers = shape.kept(np.column_stack([newest[name].to_numpy() for name in shape.numbers]))
    equal = found.present & (found.event_time == newest["event_time"].cast(pa.int64()).to_numpy())
    equal &= (found.values.view("i8") == numbers.view("i8")).all(axis=1)
    for texts, (name, _) in zip(found.strings, shape.texts, strict=True):
        equal &= np.array([text == wanted for text, wanted in zip(texts, newest[name].to_pylist(), strict=True)])
    if equal.all():
        return ""
    first = names[int(np.argmin(equal))]
    return f"{view} of {first} in the online store is not its newest row; {int((~equal).sum())} of {len(names)} are so"
