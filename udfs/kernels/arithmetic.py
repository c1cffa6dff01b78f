"""Arithmetic of two columns, or of a column and a number, for expressions: no state, NaN where an operand is.

+ - * / and power with the usual meaning; a division by zero, a power of zero below 0 and a broken power of a negative
number have no value. `max` and `min` of two; abs, sign, square root, natural logarithm and exponential, floor of one,
without a value where they are not defined. Comparisons, `and` and `or` give 1 or 0; true is what is not 0. `second` is
its second operand where the first has a value; `choose` takes one of two by a condition. Degrees: udfs/expressions.py.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

OPERATIONS = ("add", "subtract", "multiply", "divide", "max", "min", "less", "less_equal", "abs", "sign", "sqrt", "log",
              "exp", "floor", "power", "equal", "and", "or", "second")  # fmt: skip
(ADD, SUBTRACT, MULTIPLY, DIVIDE, MAX, MIN, LESS, LESS_EQUAL, ABS, SIGN, SQRT, LOG,
 EXP, FLOOR, POWER, EQUAL, AND, OR, SECOND) = range(len(OPERATIONS))  # fmt: skip


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
    if operation == SECOND:
        return y
    if operation == POWER:
        return math.nan if (x == 0.0 and y < 0.0) or (x < 0.0 and y != math.floor(y)) else x**y
    if operation in (LESS, LESS_EQUAL, EQUAL, AND, OR):
        return 1.0 if _holds(operation, x, y) else 0.0
    return _of_one(operation, x)


@njit
def _holds(operation: int, x: float, y: float) -> bool:
    if operation == LESS:
        return x < y
    if operation == LESS_EQUAL:
        return x <= y
    if operation == EQUAL:
        return x == y
    return (x != 0.0 and y != 0.0) if operation == AND else (x != 0.0 or y != 0.0)


@njit
def _of_one(operation: int, x: float) -> float:
    if operation == ABS:
        return abs(x)
    if operation == SIGN:
        return 0.0 if x == 0.0 else math.copysign(1.0, x)
    if operation == SQRT:
        return math.sqrt(x) if x >= 0.0 else math.nan
    if operation == EXP:
        return float(np.exp(x))
    if operation == FLOOR:
        return float(math.floor(x))
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


@njit
def choose(
    _state: Floats, _at: int, rows: Rows, condition: Floats, x: Floats, y: Floats, out: Floats, to: int
) -> None:  # fmt: skip
    """From condition, x, y float64[M] to out[M, to]: x where the condition is not 0, else y; NaN where it is NaN."""
    for i in range(rows.size):
        chosen = x[i] if condition[i] != 0.0 else y[i]
        out[i, to] = math.nan if math.isnan(condition[i]) else chosen
