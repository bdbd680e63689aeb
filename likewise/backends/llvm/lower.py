"""An expression -> IR, on scalars or vectors: a table of operators and a walk."""

from __future__ import annotations

from typing import Any

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import Function, Value, constant
from likewise.formula.expr import Expr

_COMPARE = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}


def lower(f: Function, expr: Expr, env: dict[Expr, Value], typ: Any, *, answer: bool = True) -> Value:
    """The value of ``expr`` where ``env`` gives its leaves.

    ``answer``: minimum and maximum let a NaN through, as NumPy's do; a screen can do without.
    Leaves may be callables, made when first needed. Values are shared: each subtree is computed once.
    """
    done: dict[Expr, Value] = {}

    def walk(e: Expr) -> Value:
        if e not in done:
            done[e] = emit(e)
        return done[e]

    def emit(e: Expr) -> Value:
        if e in env:
            value = env[e]
            return value() if callable(value) else value
        if e.op == "const":
            return constant(typ, float(e.value or 0.0))
        args = [walk(a) for a in e.args]
        b = f.b
        match e.op:
            case "neg":
                return b.fneg(args[0])
            case "abs":
                return functions.unary(f, "fabs", args[0])
            case "sqrt" | "floor":
                return functions.unary(f, e.op, args[0])
            case "add":
                return b.fadd(*args)
            case "sub":
                return b.fsub(*args)
            case "mul":
                return b.fmul(*args)
            case "div":
                return b.fdiv(*args)
            case "min" | "max":
                return extreme(f, e.op, *args, answer=answer)
            case "pow":
                return functions.power(f, *args)
            case "lt" | "le" | "eq":
                return b.fcmp_ordered(_COMPARE[e.op], *args)
            case "ne":
                return b.fcmp_unordered("!=", *args)
            case "and":
                return b.and_(*args)
            case "or":
                return b.or_(*args)
            case "not":
                return b.not_(args[0])
            case "where":
                return b.select(*args)
        return functions.TABLE[e.op](f, args[0])

    return walk(expr)


def extreme(f: Function, op: str, a: Value, b: Value, *, answer: bool = True) -> Value:
    """The smaller or larger of two; with ``answer``, NaN if either is."""
    sign = "<" if op == "min" else ">"
    picked = f.b.select(f.b.fcmp_ordered(sign, a, b), a, b)
    return f.b.select(f.b.fcmp_unordered("uno", a, a), a, picked) if answer else picked
