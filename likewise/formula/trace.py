"""A Python function of two numbers -> an expression, by running it once on traced values.

``Traced`` overloads the operators and NumPy's ufuncs; whatever would need a concrete number (an ``if``, ``float()``,
``math.sqrt``) raises a :class:`TraceError` with the line and the way to write it. Nothing is evaluated from text and
no bytecode is read.
"""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from likewise.errors import TraceError
from likewise.formula.expr import DIM, STATISTICS, Expr, accumulator, const, stat

_HERE = str(Path(__file__).parent)
_NUMPY = str(Path(np.__file__).parent)

#: NumPy ufunc name -> operator, so that np.sqrt(x - y) traces too.
_UFUNCS = {
    "absolute": "abs",
    "fabs": "abs",
    "negative": "neg",
    "sqrt": "sqrt",
    "floor": "floor",
    "exp": "exp",
    "log": "log",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "arctan": "arctan",
    "arccos": "arccos",
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "power": "pow",
    "minimum": "min",
    "maximum": "max",
    "less": "lt",
    "less_equal": "le",
    "equal": "eq",
    "not_equal": "ne",
    "logical_and": "and",
    "logical_or": "or",
    "logical_not": "not",
}


def _fail(what: str, remedy: str) -> NoReturn:
    """Raise a TraceError that shows the line of the user's formula."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_HERE, _NUMPY)):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(name, number).strip()
    where = f"\n  {name}, line {number}:\n    {line}" if line and not name.startswith(_HERE) else ""
    raise TraceError(f"{what}{where}\n  {remedy}") from None


class Traced:
    """A number that has no value yet: arithmetic on it builds an expression."""

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __repr__(self) -> str:
        return f"Traced({self.expr})"

    # fmt: off
    def __add__(self, other: Any) -> Traced: return apply("add", self, other)
    def __radd__(self, other: Any) -> Traced: return apply("add", other, self)
    def __sub__(self, other: Any) -> Traced: return apply("sub", self, other)
    def __rsub__(self, other: Any) -> Traced: return apply("sub", other, self)
    def __mul__(self, other: Any) -> Traced: return apply("mul", self, other)
    def __rmul__(self, other: Any) -> Traced: return apply("mul", other, self)
    def __truediv__(self, other: Any) -> Traced: return apply("div", self, other)
    def __rtruediv__(self, other: Any) -> Traced: return apply("div", other, self)
    def __pow__(self, other: Any) -> Traced: return apply("pow", self, other)
    def __rpow__(self, other: Any) -> Traced: return apply("pow", other, self)
    def __neg__(self) -> Traced: return apply("neg", self)
    def __pos__(self) -> Traced: return self
    def __abs__(self) -> Traced: return apply("abs", self)
    def __lt__(self, other: Any) -> Traced: return apply("lt", self, other)
    def __le__(self, other: Any) -> Traced: return apply("le", self, other)
    def __gt__(self, other: Any) -> Traced: return apply("lt", other, self)
    def __ge__(self, other: Any) -> Traced: return apply("le", other, self)
    def __eq__(self, other: object) -> Traced: return apply("eq", self, other)  # type: ignore[override]
    def __ne__(self, other: object) -> Traced: return apply("ne", self, other)  # type: ignore[override]
    def __and__(self, other: Any) -> Traced: return apply("and", self, other)
    def __rand__(self, other: Any) -> Traced: return apply("and", other, self)
    def __or__(self, other: Any) -> Traced: return apply("or", self, other)
    def __ror__(self, other: Any) -> Traced: return apply("or", other, self)
    def __invert__(self) -> Traced: return apply("not", self)
    # fmt: on

    __hash__ = None  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Traced:
        name = ufunc.__name__
        if method != "__call__" or kwargs:
            _fail(f"np.{name}.{method} cannot be traced", "write the formula for one coordinate, without reductions")
        if name == "greater":
            return apply("lt", inputs[1], inputs[0])
        if name == "greater_equal":
            return apply("le", inputs[1], inputs[0])
        if name == "square":
            return apply("mul", inputs[0], inputs[0])
        if name not in _UFUNCS:
            _fail(f"np.{name} is not part of the formula language", f"known functions: {', '.join(FUNCTIONS)}")
        return apply(_UFUNCS[name], *inputs)

    def __bool__(self) -> NoReturn:
        _fail(
            "a formula cannot branch on x or y: it is traced once, before there are numbers",
            "write lw.math.where(condition, a, b) for `a if condition else b`, lw.math.minimum / maximum for min / max,"
            "\n"
            "  and & | ~ for `and`, `or`, `not`",
        )

    def __float__(self) -> NoReturn:
        _fail("a formula was asked for a number while it is traced", "use lw.math.sqrt, exp, log... in place of math.*")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Traced:
        if function is np.where and len(args) == 3 and not kwargs:
            return apply("where", *args)
        _fail(f"np.{function.__name__} cannot be traced", f"known functions: {', '.join(FUNCTIONS)}")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        _fail(
            f"x and y are single coordinates and have no .{name}",
            "the sum over coordinates is the metric's combine='sum'; functions are in lw.math",
        )

    def _no_number(self, *_: Any) -> NoReturn:
        _fail("int(), round(), % and // cannot be traced", "use lw.math.floor")

    __int__ = __index__ = __round__ = __trunc__ = __ceil__ = __floor__ = _no_number
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = _no_number

    def __getitem__(self, _: Any) -> NoReturn:
        _fail("x and y are single coordinates, not vectors", "write the formula for one coordinate")

    def __iter__(self) -> NoReturn:
        _fail("x and y are single coordinates, not vectors", "the sum over coordinates is the metric's combine='sum'")

    def __len__(self) -> NoReturn:
        _fail("x and y are single coordinates, not vectors", "the number of coordinates is called d")


def lift(value: Any) -> Expr:
    """A traced value or a number -> expression."""
    if isinstance(value, Traced):
        return value.expr
    if isinstance(value, Expr):
        return value
    if isinstance(value, (str, bytes, complex)) or not hasattr(value, "__float__") or np.ndim(value):
        _fail(
            f"a formula is made of numbers; found {type(value).__name__} {value!r}", "return a number made of x and y"
        )
    return const(float(value))


def number(expr: Expr) -> Expr:
    """A truth value counts as 1 or 0 where a number is wanted."""
    return Expr("where", (expr, const(1), const(0))) if expr.is_truth else expr


def truth(expr: Expr) -> Expr:
    """A number counts as true where it is not zero."""
    return expr if expr.is_truth else Expr("ne", (expr, const(0)))


def apply(op: str, *args: Any) -> Traced:
    exprs = [lift(a) for a in args]
    if op in ("and", "or", "not"):
        exprs = [truth(e) for e in exprs]
    elif op == "where":
        exprs = [truth(exprs[0]), number(exprs[1]), number(exprs[2])]
    else:
        exprs = [number(e) for e in exprs]
    return Traced(Expr(op, tuple(exprs)))


#: Functions a formula may call, by the name it has in ``lw.math`` and on the command line.
FUNCTIONS: dict[str, tuple[str, int]] = {
    "abs": ("abs", 1),
    "sqrt": ("sqrt", 1),
    "floor": ("floor", 1),
    "exp": ("exp", 1),
    "log": ("log", 1),
    "sin": ("sin", 1),
    "cos": ("cos", 1),
    "tanh": ("tanh", 1),
    "arctan": ("arctan", 1),
    "arccos": ("arccos", 1),
    "minimum": ("min", 2),
    "maximum": ("max", 2),
    "where": ("where", 3),
}

_NAMES = {f"{name}_{side}": stat(f"{name}_{side}") for name in STATISTICS for side in "xy"}


def known_names() -> list[str]:
    return [*_NAMES, "d"]


def name_expr(name: str) -> Expr | None:
    """The expression behind a name a formula may use besides x and y: norm_x, sum_y, d..."""
    return DIM if name == "d" else _NAMES.get(name)


def _results(value: Any) -> tuple[Expr, ...]:
    values = value if isinstance(value, tuple) else (value,)
    if not values:
        _fail("the formula returns nothing", "return a number made of x and y")
    return tuple(number(lift(v)) for v in values)


def _arguments(
    function: Callable[..., Any], first: list[Expr], bound: dict[str, float]
) -> tuple[list[Any], dict[str, Any]]:
    """What to call a formula with: coordinates, then statistics and parameters by name."""
    if isinstance(function, np.ufunc) and function.nin == len(first) and not bound:
        return [Traced(e) for e in first], {}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        name = getattr(function, "__name__", repr(function))
        raise TraceError(
            f"{name} is not a Python function of two numbers\n  write it out: lambda x, y: abs(x - y)"
        ) from None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    waiting = list(first)
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        known = name_expr(parameter.name)
        if waiting and known is None:
            positional.append(Traced(waiting.pop(0)))
        elif known is not None:
            named[parameter.name] = Traced(known)
        elif parameter.name in bound:
            named[parameter.name] = bound[parameter.name]
        elif parameter.default is not parameter.empty:
            named[parameter.name] = parameter.default
        else:
            raise TraceError(
                f"the formula's argument {parameter.name!r} has no meaning\n"
                f"  besides x and y it may name {', '.join(known_names())}, or have a default (a parameter)"
            )
    if waiting and first[0].op == "x":
        raise TraceError("a formula takes two numbers\n  write it as a function of x and y: lambda x, y: abs(x - y)")
    unknown = set(bound) - set(signature.parameters)
    if unknown:
        raise TraceError(f"the formula has no parameter {sorted(unknown)[0]!r}\n  its arguments are {signature}")
    return positional, named


def trace_terms(function: Callable[..., Any], bound: dict[str, float] | None = None) -> tuple[Expr, ...]:
    """The terms of a formula of two coordinates: one expression, or several for a tuple."""
    positional, named = _arguments(function, [Expr("x"), Expr("y")], bound or {})
    return _results(function(*positional, **named))


def trace_finish(function: Callable[..., Any], terms: int, bound: dict[str, float] | None = None) -> Expr:
    """The finish as an expression of the ``terms`` combined values and the rows' statistics."""
    positional, named = _arguments(function, [accumulator(i) for i in range(terms)], bound or {})
    results = _results(function(*positional, **named))
    if len(results) != 1:
        raise TraceError("a finish returns one number\n  several combined values come in as its first arguments")
    return results[0]
