"""The features to look at: those that are computed, and a user's own after them."""

from schemas.errors import FeatureError
from udfs import catalogue
from udfs.registry import Feature


def with_registry(name: str) -> tuple[Feature, ...]:
    """The chosen features, then the rows `module:NAME`; a row that gives an output of theirs stands in for that row.

    The module is looked for in the working folder first. FeatureError if there is no such module or sequence of rows,
    and for rows that look across the universe: they are computed apart, so they are to be chosen by the settings.
    """
    own = catalogue.rows(name if ":" in name else f"{name}:") if name else ()
    if catalogue.looks_across(own):
        hint = f'name them in the setting features.packs: packs = ["core", "{name}"]'
        raise FeatureError("these rows look across the universe", where=name, hint=hint)
    outputs = {output for row in own for output in row.outputs}
    return (*(row for row in catalogue.chosen() if not outputs & set(row.outputs)), *own)
