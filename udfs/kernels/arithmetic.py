"""Arithmetic of two columns, or of a column and a number, for expressions: no state, NaN where an operand is.

+ - * / with the usual meaning; a division by zero has no value. `max` and `min` of two; abs, sign, square root and
natural logarithm of one, without a value where they are not defined. Comparisons give 1 or 0. Degrees: see
udfs/expressions.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

OPERATIONS = ("add", "subtract", "multiply", "divide", "max", "min", "less", "less_equal", "abs", "sign", "sqrt", "log")
ADD, SUBTRACT, MULTIPLY, DIVIDE, MAX, MIN, LESS, LESS_EQUAL, ABS, SIGN, SQRT, LOG = range(len(OPERATIONS))


@njit
def apply(operation: int, x: float, y: float) -> float:
    """One operation by its number; y does not count for those of one operand."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if operation == ADD:
        return x + y
    if operation == SUBTRACT:
        return x - y
    if operation == MULTIPLY:
        return x * y
    if operation == DIVIDE:
        return x / y if y != 0.0 else math.nan
    if operation == MAX:
        return max(x, y)
    if operation == MIN:
        return min(x, y)
    return _of_other(operation, x, y)


@njit
def _of_other(operation: int, x: float, y: float) -> float:
    if operation == LESS:
        return 1.0 if x < y else 0.0
    if operation == LESS_EQUAL:
        return 1.0 if x <= y else 0.0
    if operation == ABS:
        return abs(x)
    if operation == SIGN:
        return 0.0 if x == 0.0 else math.copysign(1.0, x)
    if operation == SQRT:
        return math.sqrt(x) if x >= 0.0 else math.nan
    return math.log(x) if x > 0.0 else math.nan


@njit
def of_two(
    _state: Floats, _at: int, rows: Rows, x: Floats, y: Floats, out: Floats, to: int, operation: int
) -> None:  # fmt: skip
    """From x, y float64[M] to out[M, to]."""
    for i in range(rows.size):
        out[i, to] = apply(operation, x[i], y[i])


@njit
def with_number(
    _state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int, operation: int, number: float, first: int
) -> None:
    """From x float64[M] and a number, which stands before it where `first` is 1, to out[M, to]."""
    for i in range(rows.size):
        out[i, to] = apply(operation, number, x[i]) if first else apply(operation, x[i], number)
