"""One way of writing each formula: the rules that keep every bit of the value.

Each rule takes a node whose arguments are already simplified. None of them changes a single float64 result: swapping
the arguments of a commutative operator, |y - x| = |x - y|, x ** 2 = x * x by definition of ``**`` in this language.
What would change bits (a dot form for a Euclidean distance, say) is not here but in ``screen.py``, where a bound
accounts for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from likewise.formula.expr import COMMUTATIVE, Expr, const

_FOLD: dict[str, Callable[..., float]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b if b else math.nan,
    "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan,
    "floor": lambda a: float(math.floor(a)),
    "min": min,
    "max": max,
}


def fold_constants(e: Expr) -> Expr:
    """1 + 2 -> 3, for the operators that every machine rounds alike."""
    if e.op in _FOLD and e.args and all(a.op == "const" for a in e.args):
        value = _FOLD[e.op](*(a.value for a in e.args))
        negative_zero = value == 0 and math.copysign(1.0, value) < 0  # constants have no sign of zero
        if math.isfinite(value) and not negative_zero:
            return const(value)
    return e


def power(e: Expr) -> Expr:
    """a ** n: a product for n = 1, 2, 3, 4 and their halves; sqrt(a) for n = 1/2; a division for n = -1."""
    if e.op != "pow" or e.args[1].op != "const":
        return e
    base, n = e.args[0], float(e.args[1].value or 0.0)
    if n == -1:
        return Expr("div", (const(1), base))
    if n <= 0 or n > 4 or (2 * n) != int(2 * n):
        return e
    square = Expr("mul", (base, base))
    whole = {0: None, 1: base, 2: square, 3: Expr("mul", (square, base)), 4: Expr("mul", (square, square))}[int(n)]
    if n == int(n):
        return whole or e
    root = Expr("sqrt", (base,))
    return root if whole is None else Expr("mul", (whole, root))


def identity(e: Expr) -> Expr:
    """a * 1, a / 1, a - 0, -(-a), abs(abs(a)), abs(-a)."""
    if e.op in ("mul", "div") and e.args[1] == const(1):
        return e.args[0]
    if e.op == "mul" and e.args[0] == const(1):
        return e.args[1]
    if e.op == "sub" and e.args[1] == const(0):
        return e.args[0]
    if e.op == "neg" and e.args[0].op == "neg":
        return e.args[0].args[0]
    if e.op == "abs" and e.args[0].op in ("abs", "neg"):
        return Expr("abs", e.args[0].args)
    return e


def difference(e: Expr) -> Expr:
    """|b - a| -> |a - b|, and a square of a difference likewise: subtraction rounds alike both ways."""
    if e.op == "abs" and e.args[0].op == "sub":
        a, b = e.args[0].args
        return Expr("abs", (Expr("sub", tuple(sorted((a, b), key=Expr.order))),))
    if e.op == "max" and all(a.op == "sub" for a in e.args) and e.args[0].args == e.args[1].args[::-1]:
        return difference(Expr("abs", (e.args[0],)))  # maximum(a - b, b - a)
    if e.op == "mul" and e.args[0] == e.args[1]:
        inner = e.args[0]
        if inner.op == "abs":
            inner = inner.args[0]
        if inner.op == "sub":
            inner = Expr("sub", tuple(sorted(inner.args, key=Expr.order)))
        return Expr("mul", (inner, inner))
    return e


def commute(e: Expr) -> Expr:
    """Arguments of + * minimum maximum == != & | in one order."""
    if e.op in COMMUTATIVE:
        return Expr(e.op, tuple(sorted(e.args, key=Expr.order)))
    return e


RULES = (fold_constants, power, identity, difference, commute)


def simplify(expr: Expr) -> Expr:
    """Apply :data:`RULES` bottom-up until nothing changes."""

    def visit(e: Expr) -> Expr:
        for _ in range(8):
            before = e
            for rule in RULES:
                e = rule(e)
            if e == before:
                break
        return e

    while (better := expr.rebuild(visit)) != expr:
        expr = better
    return expr
