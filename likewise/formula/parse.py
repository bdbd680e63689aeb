"""A formula written as text -> traced terms: ``"abs(x - y) ** 1.5"``.

The text is parsed by :mod:`ast` and walked; only numbers, the names of the language, arithmetic, comparisons and the
functions of ``lw.math`` have a meaning. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any, NoReturn

from likewise.errors import InputError, TraceError
from likewise.formula.expr import Expr, X, Y, accumulator, const
from likewise.formula.metric import Metric, from_terms
from likewise.formula.metrics import ALIASES, NAMED, by_name
from likewise.formula.trace import FUNCTIONS, Traced, apply, known_names, lift, name_expr, number

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
_BINARY |= {ast.BitAnd: "and", ast.BitOr: "or"}
_UNARY = {ast.USub: "neg", ast.Invert: "not", ast.Not: "not"}
_COMPARE: dict[type, tuple[str, bool]] = {
    ast.Lt: ("lt", False),
    ast.LtE: ("le", False),
    ast.Gt: ("lt", True),
    ast.GtE: ("le", True),
    ast.Eq: ("eq", False),
    ast.NotEq: ("ne", False),
}
_FUNCTIONS = FUNCTIONS | {"min": ("min", 2), "max": ("max", 2)}
_LONGEST = 10_000  # characters: far above any formula, far below what would exhaust the parser


def _refuse(text: str, node: ast.AST | None, why: str) -> NoReturn:
    column = getattr(node, "col_offset", 0)
    known = f"x, y, {', '.join(known_names())}; functions {', '.join(_FUNCTIONS)}"
    raise TraceError(f"{why}\n    {text}\n    {' ' * column}^\n  a formula may use numbers, {known}") from None


def parse(text: str, names: dict[str, Expr]) -> tuple[Expr, ...]:
    """The expressions of a formula in text; a comma makes several."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise TraceError(f"the formula is {len(text)} characters long; at most {_LONGEST} are read")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TraceError(f"the formula cannot be read: {getattr(error, 'msg', error)}\n    {text[:200]}") from None

    def walk(node: ast.AST) -> Traced:
        match node:
            case ast.Constant(value=bool() | int() | float() as literal):
                try:
                    return Traced(const(float(literal)))
                except OverflowError:
                    _refuse(text, node, "a number of the formula is too large")
            case ast.Name(id=name):
                expr = names.get(name) or name_expr(name)
                return Traced(expr) if expr is not None else _refuse(text, node, f"the formula names {name!r}")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return apply(_BINARY[type(op)], walk(left), walk(right))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return walk(operand)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return apply(_UNARY[type(op)], walk(operand))
            case ast.BoolOp(op=op, values=values):
                result = walk(values[0])
                for value in values[1:]:
                    result = apply("and" if isinstance(op, ast.And) else "or", result, walk(value))
                return result
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                name, swap = _COMPARE[type(op)]
                a, b = walk(left), walk(right)
                return apply(name, b, a) if swap else apply(name, a, b)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return apply("where", walk(test), walk(body), walk(orelse))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
                op_name, arity = _FUNCTIONS[name]
                if len(args) != arity:
                    _refuse(text, node, f"{name} takes {arity} argument{'s' * (arity > 1)}; found {len(args)}")
                return apply(op_name, *map(walk, args))
        return _refuse(text, node, f"{type(node).__name__} is not part of the formula language")

    nodes: list[Any] = list(tree.elts) if isinstance(tree, ast.Tuple) else [tree]
    if not nodes:
        _refuse(text, tree, "the formula is empty")
    try:
        return tuple(number(lift(walk(node))) for node in nodes)
    except RecursionError:
        raise TraceError("the formula is nested too deeply to be read") from None


def metric_from_text(
    formula: str, *, combine: str = "sum", closer: str = "smaller", finish: str | None = None
) -> Metric:
    """A metric from text: what ``--formula`` and ``--finish`` of the command line take.

    >>> print(metric_from_text("abs(x - y)", combine="max"))
    abs(x - y): max(abs(x - y)); smaller is closer
    """
    from likewise.formula.metric import CLOSER, COMBINES

    if combine not in COMBINES:
        raise TraceError(f"combine {combine!r} is not known; it is one of {', '.join(COMBINES)}")
    if closer not in CLOSER:
        raise TraceError(f"closer {closer!r} is not known; it is one of {', '.join(CLOSER)}")
    terms = parse(formula, {"x": X, "y": Y})
    names = {"s": accumulator(0)} | {f"s{i}": accumulator(i) for i in range(len(terms))}
    finished = parse(finish, names) if finish else None
    if finished is not None and len(finished) != 1:
        raise TraceError("a finish is one formula of s (s0, s1... where the formula returns several)")
    made = from_terms(formula.strip(), terms, combine=combine, closer=closer, finish=finished[0] if finished else None)
    return made


def metric_from_name(text: str) -> Metric:
    """A named metric, with its parameters if it takes any: what ``--metric`` of the command line takes.

    >>> metric_from_name("minkowski(p=3)").name
    'minkowski(p=3)'
    """
    if "(" not in text:
        return by_name(text)
    try:
        call = ast.parse(text.strip()[:_LONGEST], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    match call:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if all(word.arg for word in keywords):
            given = {str(word.arg): _parameter(text, word) for word in keywords}
        case _:
            raise InputError(f"the metric {text[:100]!r} cannot be read; write a name, or as in rbf(gamma=0.5)")
    if len(given) < len(keywords):
        raise InputError(f"the metric {text[:100]!r} gives a parameter twice")
    key = ALIASES.get(name.lower(), name.lower())
    made = by_name(key)  # known, or an error that offers the nearest
    if not given:
        return made
    maker = NAMED[key]
    known = [] if isinstance(maker, Metric) else list(inspect.signature(maker).parameters)
    if unknown := [word for word in given if word not in known]:
        takes = f"its parameters are {', '.join(known)}" if known else "it takes none"
        raise InputError(f"{key} has no parameter {unknown[0]!r}; {takes}")
    return maker(**given)


def _parameter(text: str, word: ast.keyword) -> float:
    match word.value:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            sign = 1
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            sign = -1
        case _:
            raise InputError(f"the metric {text[:100]!r} cannot be read; {word.arg} has to be a number")
    try:
        return sign * float(value)
    except OverflowError:
        raise InputError(f"the metric {text[:100]!r} cannot be read; {word.arg} is too large") from None
