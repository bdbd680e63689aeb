"""What a search is ordered by.

A finish that rises or falls strictly with the combined value does not change who is nearest, so the order is decided
before it: ``euclidean`` is ordered by the sum of squares, ``rbf`` too. That is the more faithful order: two distances
that differ but round to one square root, or two kernels that both underflow to 0.0, keep their true order.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from likewise.formula.expr import ACC, Expr, const
from likewise.formula.metric import Metric

_RISING = frozenset({"exp", "tanh", "arctan"})
_RISING_ABOVE_ZERO = frozenset({"sqrt", "log"})  # below, their NaN is no value to be found
_FALLING = frozenset({"neg", "arccos"})


@dataclass(frozen=True)
class Rank:
    """The expression that orders a search; ``sign`` +1 where smaller is better."""

    expr: Expr
    sign: int


def _constant(expr: Expr) -> float | None:
    """+1 or -1 for a constant of that sign (``d`` counts as one), else None."""
    if expr.side() or any(leaf.op == "acc" for leaf in expr.leaves()):
        return None
    if expr.op == "dim":
        return 1.0
    if expr.op == "const":
        value = float(expr.value or 0.0)
        return None if value == 0 else (1.0 if value > 0 else -1.0)
    if expr.op in ("mul", "div"):
        a, b = map(_constant, expr.args)
        return None if a is None or b is None else a * b
    return None


def never_negative(expr: Expr, metric: Metric) -> bool:
    """Whether the expression is known to be >= 0 from its form and the metric's terms."""
    if expr.op in ("abs", "sqrt", "exp"):
        return True
    if expr.op == "acc":
        return never_negative(metric.terms[int(expr.value or 0)], metric)
    if expr.op == "const":
        return float(expr.value or 0.0) >= 0
    if expr.op == "dim":
        return True
    if expr.op == "mul" and expr.args[0] == expr.args[1]:
        return True
    if expr.op == "pow":
        return never_negative(expr.args[0], metric)
    if expr.op in ("add", "mul", "div", "min", "max"):
        return all(never_negative(a, metric) for a in expr.args)
    if expr.op == "where":
        return all(never_negative(a, metric) for a in expr.args[1:])
    return False


def _is_free(expr: Expr) -> bool:
    """A number that is the same for every pair of a call (constants and d), of any sign."""
    return not expr.side() and not any(leaf.op == "acc" for leaf in expr.leaves())


def peel(expr: Expr, metric: Metric) -> tuple[Expr, int]:
    """Strip the strictly monotone layers from the outside; the sign says whether the order turned round."""
    sign = 1
    while True:
        step = _peel_once(expr, metric)
        if step is None:
            return expr, sign
        expr, turn = step
        sign *= turn


def _peel_once(e: Expr, metric: Metric) -> tuple[Expr, int] | None:
    if e.op in _RISING:
        return e.args[0], 1
    if e.op in _RISING_ABOVE_ZERO and never_negative(e.args[0], metric):
        return e.args[0], 1
    if e.op in _FALLING:
        return e.args[0], -1
    if e.op in ("add", "sub"):
        a, b = e.args
        if _is_free(b):
            return a, 1
        if _is_free(a):
            return b, 1 if e.op == "add" else -1
    if e.op in ("mul", "div"):
        a, b = e.args
        if (turn := _constant(b)) is not None:
            return a, int(turn)
        if (turn := _constant(a)) is not None:
            if e.op == "mul":
                return b, int(turn)
            if never_negative(b, metric):  # c / b falls as b > 0 rises
                return b, -int(turn)
    if e.op == "pow" and (turn := _constant(e.args[1])) is not None and never_negative(e.args[0], metric):
        return e.args[0], int(turn)
    if e.op == "mul" and (cube := _odd_power(e)) is not None:
        return cube, 1
    if e.op == "mul":  # Matern: (1 + a) exp(-a) falls for a >= 0, its derivative being -a exp(-a)
        for first, second in (e.args, e.args[::-1]):
            if first.op == "exp" and first.args[0].op == "neg":
                a = first.args[0].args[0]
                if second.op == "add" and set(second.args) == {const(1), a} and never_negative(a, metric):
                    return a, -1
    return None


def _odd_power(e: Expr) -> Expr | None:
    """b for b * b * b, however it is bracketed; also b * b for b >= 0 is left to the caller."""
    for square, base in (e.args, e.args[::-1]):
        if square.op == "mul" and square.args == (base, base):
            return base
    return None


@functools.lru_cache(maxsize=1024)
def rank_of(metric: Metric) -> Rank:
    """What ``metric``'s search is ordered by, and which way."""
    sign = 1 if metric.closer == "smaller" else -1
    inner, turn = peel(metric.finish, metric)
    return Rank(inner, sign * turn) if inner != metric.finish else Rank(metric.finish, sign)


def is_plain(rank: Rank) -> bool:
    """Whether the order is that of the combined value itself."""
    return rank.expr == ACC


def rank_key(metric: Metric) -> Expr:
    """What a search sorts by: the ordering expression, negated where larger is better."""
    rank = rank_of(metric)
    return rank.expr if rank.sign > 0 else Expr("neg", (rank.expr,))
