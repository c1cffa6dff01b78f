"""The features to look at: those that are computed, and a user's own after them."""

from udfs import catalogue
from udfs.registry import Feature


def with_registry(name: str) -> tuple[Feature, ...]:
    """The chosen features, then the rows `module:NAME`; a row that gives an output of theirs stands in for that row.

    The module is looked for in the working folder first. FeatureError if there is no such module or sequence of rows.
    """
    own = catalogue.rows(name if ":" in name else f"{name}:") if name else ()
    outputs = {output for row in own for output in row.outputs}
    return (*(row for row in catalogue.chosen() if not outputs & set(row.outputs)), *own)
