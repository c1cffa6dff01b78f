"""Whether the online store serves the newest row of each symbol."""

import numpy as np
import pyarrow as pa

from feature_repo.stores import open_store
from feature_repo.views import layout, prefixes
from schemas.settings import settings, store_url


def stale(expected: pa.Table, interval: str) -> str:
    """The first symbol of each view whose stored row is not the newest expected one, bit for bit; "" if all are."""
    symbols = expected["symbol"].combine_chunks().dictionary_encode()
    last = np.zeros(len(symbols.dictionary), "i8")
    last[symbols.indices.to_numpy()] = np.arange(len(expected))  # of equal places the last one stays
    newest = expected.take(last)
    problems = [_first_stale(newest, f"{prefix}{interval}") for prefix in prefixes()]
    return "; ".join(filter(None, problems))


def _first_stale(newest: pa.Table, view: str) -> str:
    shape, names = layout(view), newest["symbol"].to_pylist()
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
