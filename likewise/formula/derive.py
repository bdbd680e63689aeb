"""Derivatives of formulas, as formulas: what a gradient is compiled from.

Almost everywhere, and where a formula has a kink or a pole, the choice that learning wants: |t| has slope 0 at 0, as
have sqrt and powers below 1 (a distance of a row to itself pulls nowhere), a tie of ``minimum`` counts half of either
side, comparisons and ``floor`` are flat.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from likewise.formula.expr import Expr, const
from likewise.formula.metric import Metric
from likewise.formula.simplify import simplify

ZERO, ONE = const(0), const(1)


def _neg(a: Expr) -> Expr:
    return ZERO if a == ZERO else Expr("neg", (a,))


def _add(a: Expr, b: Expr) -> Expr:
    return b if a == ZERO else a if b == ZERO else Expr("add", (a, b))


def _sub(a: Expr, b: Expr) -> Expr:
    return _neg(b) if a == ZERO else a if b == ZERO else Expr("sub", (a, b))


def _mul(a: Expr, b: Expr) -> Expr:
    if ZERO in (a, b):
        return ZERO
    return b if a == ONE else a if b == ONE else Expr("mul", (a, b))


def _div(a: Expr, b: Expr) -> Expr:
    return ZERO if a == ZERO else a if b == ONE else Expr("div", (a, b))


def _where(test: Expr, a: Expr, b: Expr) -> Expr:
    return a if a == b else Expr("where", (test, a, b))


def _call(name: str, *args: Expr) -> Expr:
    return Expr(name, args)


def _sign(a: Expr) -> Expr:
    """-1, 0 or 1; a NaN counts as 0 here, and stands in the value."""
    return _where(_call("lt", ZERO, a), ONE, _where(_call("lt", a, ZERO), const(-1), ZERO))


def _unless_zero(a: Expr, slope: Expr) -> Expr:
    return _where(_call("eq", a, ZERO), ZERO, slope)


def _power(base: Expr, exponent: Expr, d_base: Expr, d_exponent: Expr) -> Expr:
    value = _call("pow", base, exponent)
    made = ZERO
    if d_base != ZERO:
        slope = _mul(exponent, _call("pow", base, _sub(exponent, ONE)))
        smooth = exponent.op == "const" and float(exponent.value or 0.0) >= 1
        made = _mul(slope if smooth else _unless_zero(base, slope), d_base)
    if d_exponent != ZERO:
        made = _add(made, _mul(_unless_zero(base, _mul(value, _call("log", base))), d_exponent))
    return made


#: operator -> derivative from its arguments and their derivatives
_RULES: dict[str, Callable[..., Expr]] = {
    "neg": lambda a, da: _neg(da),
    "abs": lambda a, da: _mul(_sign(a), da),
    "sqrt": lambda a, da: _mul(_unless_zero(a, _div(const(0.5), _call("sqrt", a))), da),
    "floor": lambda a, da: ZERO,
    "add": lambda a, b, da, db: _add(da, db),
    "sub": lambda a, b, da, db: _sub(da, db),
    "mul": lambda a, b, da, db: _add(_mul(da, b), _mul(a, db)),
    "div": lambda a, b, da, db: _sub(_div(da, b), _mul(_div(_div(a, b), b), db)),
    "exp": lambda a, da: _mul(_call("exp", a), da),
    "log": lambda a, da: _div(da, a),
    "sin": lambda a, da: _mul(_call("cos", a), da),
    "cos": lambda a, da: _neg(_mul(_call("sin", a), da)),
    "tanh": lambda a, da: _mul(_sub(ONE, _mul(_call("tanh", a), _call("tanh", a))), da),
    "arctan": lambda a, da: _div(da, _add(ONE, _mul(a, a))),
    "arccos": lambda a, da: _where(
        _call("lt", _mul(a, a), ONE), _neg(_div(da, _call("sqrt", _sub(ONE, _mul(a, a))))), ZERO
    ),
    "pow": _power,
}


def _extreme(op: str, a: Expr, b: Expr, da: Expr, db: Expr) -> Expr:
    first = _call("lt", a, b) if op == "min" else _call("lt", b, a)
    tie = _mul(const(0.5), _add(da, db)) if da != db else da
    return _where(first, da, _where(_call("eq", a, b), tie, db))


@functools.lru_cache(maxsize=4096)
def derivative(expr: Expr, leaf: Expr) -> Expr:
    """The derivative of a formula by one of its leaves: ``X``, ``Y``, an accumulator, a statistic.

    >>> from likewise.formula.expr import X
    >>> from likewise.formula.metrics import sqeuclidean
    >>> str(derivative(sqeuclidean.terms[0], X))
    '(x - y) * 2'
    """
    return simplify(_derive(simplify(expr), leaf))


def _derive(e: Expr, leaf: Expr) -> Expr:
    if e == leaf:
        return ONE
    if not e.args or e.is_truth:
        return ZERO
    if e.op == "where":
        return _where(e.args[0], _derive(e.args[1], leaf), _derive(e.args[2], leaf))
    slopes = [_derive(a, leaf) for a in e.args]
    if all(s == ZERO for s in slopes):
        return ZERO
    if e.op == "mul" and e.args[0] == e.args[1]:  # a square: 2 a a', not a' a + a a'
        return _mul(const(2), _mul(e.args[0], slopes[0]))
    if e.op in ("min", "max"):
        return _extreme(e.op, *e.args, *slopes)
    return _RULES[e.op](*e.args, *slopes)


def has_gradient(metric: Metric) -> bool:
    """Whether the value moves with the rows at all: counts of unequal coordinates (Hamming, Jaccard) do not."""
    leaves = {leaf for e in (*metric.terms, metric.finish) for leaf in e.leaves() if leaf.op == "stat"}
    smooth = {s for s in leaves if not str(s.value).startswith("nnz")}
    through_terms = any(
        derivative(metric.finish, Expr("acc", value=i)) != ZERO
        and any(derivative(term, leaf) != ZERO for leaf in (Expr("x"), Expr("y"), *smooth))
        for i, term in enumerate(metric.terms)
    )
    return through_terms or any(derivative(metric.finish, s) != ZERO for s in smooth)
