"""Expressions over columns and kernels -> rows of the registry: factors nest as deep as one likes.

In: text in Python's own grammar, `ema(close - sma(close, 20), 10) / atr(high, low, close, 14)`: bar columns, outputs of
rows above, numbers, + - * / **, comparisons, `and`, `or`, `x if condition else y`, abs sign sqrt log exp floor max min,
and every kernel of the catalogue by its name, first its inputs, then its parameters (a broken period is rounded down)
and its convention, `ema(close, 20, "pandas")`; of several outputs one is taken by its place,
`macd(close, 12, 26, 9)[2]`. `rank` and its like look across the universe. Out: a row for each kernel and operation,
those of parts without a name of their own; equal parts have equal names, so a plan computes them once. Warm-up, state
and degree follow from the rows. A sum of a price and a volume, or the logarithm of a price, has no degree: no split
could restate what is kept of it, so it may not go into a kernel with state that depends on it. This file must not know
how a kernel computes.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial, reduce

from schemas.errors import FeatureError, nearest
from udfs import catalogue
from udfs.kernels import arithmetic
from udfs.kernels.state import Degree
from udfs.registry import COLUMNS, NONE, PRICE, VOLUME, Feature, Parameter, feature

BINARY = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
          ast.And: "and", ast.Or: "or"}  # fmt: skip
COMPARED = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "less", ast.GtE: "less_equal", ast.Eq: "equal"}
OF_ONE, OF_TWO = ("abs", "sign", "sqrt", "log", "exp", "floor"), ("max", "min")
Node = str | float
"""A part of an expression: the name of the column that holds it, or a number."""


def expression(
    name: str, text: str, functions: Mapping[str, str] | None = None, known: Mapping[str, Degree | None] | None = None
) -> tuple[Feature, ...]:
    """The rows that give `name`; FeatureError with the place in the text for what cannot be understood.

    functions: own ones by name, `{"mid": "lambda x, y: (x + y) / 2"}`, or parts, `{"middle": "mid(high, low)"}`. known:
    columns besides the bars' that the text reads, outputs of rows above, with their degrees.
    """
    compiler = _Compiler(text, dict(functions or {}), {**COLUMNS, **(known or {})})
    made = compiler.node(_parse(text), {})
    if isinstance(made, float):
        raise FeatureError(f"expression {name} is a number", where=text)
    if made not in compiler.rows:
        raise FeatureError(f"expression {name} is a column as it is", where=text)
    *parts, last = {id(row): row for row in compiler.rows.values()}.values()
    return (*parts, replace(last, name=name, outputs=tuple(name if o == made else o for o in last.outputs)))


@dataclass
class _Compiler:
    text: str
    functions: dict[str, str]
    degrees: dict[str, Degree | None]
    rows: dict[str, Feature] = field(default_factory=dict)

    def node(self, tree: ast.expr, given: Mapping[str, Node]) -> Node:
        """The column or number of a part; given: arguments of the function whose body this is."""
        match tree:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return self._name(tree, name, given)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._operate("multiply", -1.0, self.node(operand, given))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return self._operate(BINARY[type(op)], self.node(left, given), self.node(right, given))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
                pair = [self.node(left, given), self.node(right, given)]
                return self._operate(COMPARED[type(op)], *(pair[::-1] if isinstance(op, ast.Gt | ast.GtE) else pair))
            case ast.BoolOp(op=op, values=values):
                join = partial(self._operate, BINARY[type(op)])
                return reduce(join, [self.node(value, given) for value in values])
            case ast.IfExp(test=test, body=body, orelse=other):
                return self._choose(*(self.node(part, given) for part in (test, body, other)))
            case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int() as place)):
                return self._call(call, given, place)
            case ast.Call():
                return self._call(tree, given, 0)
        raise self._wrong(tree, "is no part of an expression")

    def _name(self, tree: ast.expr, name: str, given: Mapping[str, Node]) -> Node:
        if name in given:
            return given[name]
        if name in self.functions:
            return self._inner(name).node(_parse(self.functions[name]), {})
        if name not in self.degrees:
            raise self._wrong(tree, "is no column", nearest(name, [*given, *self.functions, *self.degrees]))
        return name

    def _call(self, call: ast.Call, given: Mapping[str, Node], place: int) -> Node:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        convention = _convention(call) if name in _kernels() and name not in self.functions else ""
        nodes = [self.node(argument, given) for argument in call.args[: -1 if convention else None]]
        if name in OF_ONE and len(nodes) == 1:
            return self._operate(name, nodes[0], 0.0)
        if name in OF_TWO and len(nodes) == 2:
            return self._operate(name, *nodes)
        if name in self.functions:
            return self._own(call, name, nodes)
        if name not in _kernels():
            raise self._wrong(call, "is no function", nearest(name, [*OF_ONE, *OF_TWO, *self.functions, *_kernels()]))
        return self._kernel(call, _kernels()[name].at(convention), nodes, place)

    def _own(self, call: ast.Call, name: str, nodes: list[Node]) -> Node:
        body = _parse(self.functions[name])
        if not isinstance(body, ast.Lambda) or len(body.args.args) != len(nodes):
            raise self._wrong(call, f"does not fit {name} = {self.functions[name]}")
        given = {argument.arg: node for argument, node in zip(body.args.args, nodes, strict=True)}
        return self._inner(name).node(body.body, given)

    def _inner(self, name: str) -> "_Compiler":
        """For the body of a function, in which its own name means what it means without it."""
        others = {key: text for key, text in self.functions.items() if key != name}
        return replace(self, text=self.functions[name], functions=others)

    def _kernel(self, call: ast.Call, row: Feature, nodes: list[Node], place: int) -> Node:
        inputs, numbers = nodes[: len(row.inputs)], nodes[len(row.inputs) :]
        columns = [node for node in inputs if isinstance(node, str)]
        params = [node for node in numbers if isinstance(node, float)]
        if len(columns) != len(row.inputs) or len(params) != len(numbers) or len(params) > len(row.free):
            wanted = ", ".join([*row.inputs, *row.free])
            raise self._wrong(call, f"does not fit {row.name}({wanted}): columns first, then numbers")
        if not 0 <= place < len(row.outputs):
            raise self._wrong(call, f"asks for output {place} of {len(row.outputs)}")
        whole = {key: int(value) if isinstance(of, int) else value
                 for (key, of), value in zip(row.free.items(), params, strict=False)}  # fmt: skip
        of = row.at(row.convention, **whole)
        text = f"{row.name}({', '.join([*columns, *map(_shown, of.free.values()), *_named(of)])})"
        degrees = self._degrees_of(call, of, [self.degrees[column] for column in columns])
        outputs = tuple(f"{text}[{k}]" for k in range(len(of.outputs)))
        self._add(replace(of, name=text, outputs=outputs, inputs=tuple(columns), degrees=degrees, oracle=""))
        return outputs[place]

    def _degrees_of(self, call: ast.Call, row: Feature, now: list[Degree | None]) -> tuple[Degree | None, ...]:
        """Of a kernel's outputs when columns of these degrees stand for its own inputs."""
        if row.across:
            return row.degrees
        kept = {k for slot in row.state for k, power in enumerate(slot.powers) if power}
        if any(degree is None and k in kept for k, degree in enumerate(now)):
            raise self._wrong(call, "keeps what has no degree: no split could restate it")
        kinds = _kinds([COLUMNS.get(name, NONE) for name in row.inputs], now)
        if kinds is None and kept and not row.mixed:
            raise self._wrong(call, "mixes what scales apart: no split could restate what it keeps")
        if kinds is None:
            return tuple(degree if row.mixed and degree == NONE else None for degree in row.degrees)
        return tuple(degree and _moved(degree, kinds) for degree in row.degrees)

    def _operate(self, operation: str, x: Node, y: Node) -> Node:
        code = arithmetic.OPERATIONS.index(operation)
        if isinstance(x, float) and isinstance(y, float):
            return arithmetic.apply(code, x, y)
        degree = _degree(operation, self._scale(x, y), self._scale(y, x))
        if operation == "power":
            degree = _raised(self._scale(x, y), y if isinstance(y, float) else self.degrees[y])
        text = f"{operation}({x}, {y})"
        if isinstance(x, str) and isinstance(y, str):
            row = feature(text, (text,), (x, y), arithmetic.of_two, (), 0, {"operation": code}, degree)
        else:
            column, number = (y, x) if isinstance(x, float) else (x, y)
            params = {"operation": code, "number": float(number), "first": int(isinstance(x, float))}
            row = feature(text, (text,), (str(column),), arithmetic.with_number, (), 0, params, degree)
        self._add(row)
        return text

    def _choose(self, condition: Node, x: Node, y: Node) -> Node:
        if isinstance(condition, float):
            return x if condition else y
        x_degree, y_degree = self._scale(x, y), self._scale(y, x)
        inputs = [str(self._operate("second", condition, node)) if isinstance(node, float) else node for node in (x, y)]
        text = f"choose({condition}, {x}, {y})"
        degree = x_degree if x_degree == y_degree and self.degrees[condition] is not None else None
        self._add(feature(text, (text,), (condition, *inputs), arithmetic.choose, (), 0, {}, degree))
        return text

    def _scale(self, node: Node, other: Node) -> Degree | None:
        """Degree of a node; a zero has that of what it stands beside."""
        if isinstance(node, str):
            return self.degrees[node]
        return self.degrees[other] if isinstance(other, str) and node == 0.0 else NONE

    def _add(self, row: Feature) -> None:
        for output, degree in zip(row.outputs, row.degrees, strict=True):
            self.rows.setdefault(output, row)
            self.degrees[output] = degree

    def _wrong(self, tree: ast.expr, what: str, hint: str = "") -> FeatureError:
        found = ast.get_source_segment(self.text, tree) or ast.unparse(tree)
        return FeatureError(f"{found!r} {what}", where=f"{self.text}, column {tree.col_offset + 1}", hint=hint)


@cache
def _kernels() -> dict[str, Feature]:
    """The first row of each name: its parameters stand for those that an expression leaves out."""
    return {row.name: row for row in reversed(catalogue.kernels())}


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise FeatureError(f"this is no expression: {error.msg}", where=f"{text}, column {error.offset}") from error


def _degree(operation: str, x: Degree | None, y: Degree | None) -> Degree | None:
    """Of what an operation gives; a number has degree 0, and 0 of any degree is 0."""
    if x is None or y is None:
        return None
    if operation in ("multiply", "divide"):  # by a number, which has none; by a zero nothing is left to scale
        sign = 1 if operation == "multiply" else -1
        return Degree(x.price + sign * y.price, x.volume + sign * y.volume)
    if operation == "sign":
        return NONE
    if operation == "abs":
        return x
    if operation == "sqrt":
        return Degree(x.price // 2, x.volume // 2) if x.price % 2 == x.volume % 2 == 0 else None
    if operation in ("less", "less_equal", "equal"):
        return NONE if x == y else None
    if operation in ("and", "or"):
        return NONE
    return x if x == y and (operation not in ("log", "exp", "floor") or x == NONE) else None


def _raised(x: Degree | None, exponent: float | Degree | None) -> Degree | None:
    """Of a power of x, by a number or by a column of that degree."""
    if x is None or not isinstance(exponent, float):
        return NONE if x == exponent == NONE else None
    price, volume = x.price * exponent, x.volume * exponent
    return Degree(int(price), int(volume)) if price.is_integer() and volume.is_integer() else None


def _kinds(own: list[Degree], now: list[Degree | None]) -> dict[Degree, Degree] | None:
    """What stands for prices, for volumes and for plain numbers; None where that is of several degrees, or of none."""
    found: dict[Degree, Degree] = {}
    for was, degree in zip(own, now, strict=True):
        if degree is None or found.setdefault(was, degree) != degree:
            return None
    return found


def _moved(degree: Degree, kinds: dict[Degree, Degree]) -> Degree | None:
    """A degree in prices and volumes as one in what stands for them; of plain numbers no power is known."""
    if kinds.get(NONE, NONE) != NONE:
        return None
    price, volume = kinds.get(PRICE, NONE), kinds.get(VOLUME, NONE)
    return Degree(
        degree.price * price.price + degree.volume * volume.price,
        degree.price * price.volume + degree.volume * volume.volume,
    )


def _convention(call: ast.Call) -> str:
    """The text that stands last, "" if none does."""
    match call.args[-1:]:
        case [ast.Constant(value=str() as convention)]:
            return convention
    return ""


def _named(row: Feature) -> list[str]:
    """The convention of a row as an expression has it, nothing where it is the default."""
    return [f'"{row.convention}"'] if row.convention != next(iter(row.conventions), "") else []


def _shown(value: Parameter) -> str:
    """A parameter in a name that is the same in every process."""
    return value.__name__ if callable(value) else str(value)
