"""Pearson's correlation and beta by their definitions: one pair at a time, plain Python sums."""

import math
from collections.abc import Sequence

Column = Sequence[float]


def centred(column: Column) -> list[float]:
    mean = math.fsum(column) / len(column)
    return [x - mean for x in column]


def product(a: Column, b: Column) -> float:
    return math.fsum(x * y for x, y in zip(centred(a), centred(b), strict=True))


def takes_part(column: Column) -> bool:
    return not any(map(math.isnan, column)) and len(set(column)) > 1


def correlation(a: Column, b: Column) -> float:
    if not (takes_part(a) and takes_part(b)):
        return math.nan
    return product(a, b) / math.sqrt(product(a, a) * product(b, b))


def market(columns: Sequence[Column]) -> list[float]:
    """Mean of the returns that are there at each bar."""
    bars = [[x for x in bar if not math.isnan(x)] for bar in zip(*columns, strict=True)]
    return [math.fsum(bar) / len(bar) if bar else math.nan for bar in bars]


def beta(column: Column, of: Column) -> float:
    if not (takes_part(column) and takes_part(of)):
        return math.nan
    return product(column, of) / product(of, of)
