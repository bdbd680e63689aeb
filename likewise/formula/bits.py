"""Rows of zeros and ones: every sum over coordinates follows from one count.

A term takes four values there: f00, f01, f10, f11, x first. With c = popcount(x & y) and n_x, n_y the ones of the rows,

    sum f(x, y)  =  f00 d + (f10 - f00) n_x + (f01 - f00) n_y + (f11 - f10 - f01 + f00) c,

and where f00 = f11 and f01 = f10 it needs h = popcount(x ^ y) alone: f00 d + (f01 - f00) h. For whole f all of these
are whole numbers, exact in float64: the value is the definition's own, bit for bit.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from likewise.formula.expr import ACC, DIM, Expr, X, Y, accumulator, const, stat
from likewise.formula.metric import Metric

#: Up to this many coordinates, and this large a term, limits of counts are sharp (:class:`Limits`).
LARGEST_D = 1 << 24
_LARGEST_TERM = 64.0
NNZ_X, NNZ_Y = stat("nnz_x"), stat("nnz_y")
#: What is counted, as a formula.
COUNTED = {"xor": Expr("ne", (X, Y)), "and": Expr("and", (X, Y))}


@dataclass(frozen=True)
class Counts:
    """A metric of zeros and ones: what to count, and the expressions of the count (``ACC``), ``nnz`` and ``d``."""

    op: str  # "xor" or "and"
    table: tuple[tuple[Expr, Expr], ...]  # (accumulator, what it is)

    @property
    def term(self) -> Expr:
        """The counted bit as a formula."""
        return COUNTED[self.op]

    def rewrite(self, e: Expr) -> Expr:
        """An expression of the metric's accumulators, in terms of the count."""
        return e.replace(dict(self.table))


_SCALAR: dict[str, Callable[..., Any]] = {
    "neg": operator.neg,
    "abs": abs,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": lambda a, b: a / b if b else a * math.copysign(math.inf, b),
    "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan,
    "floor": lambda a: float(math.floor(a)) if math.isfinite(a) else a,
    "min": lambda a, b: a if a < b or a != a else b,
    "max": lambda a, b: a if a > b or a != a else b,
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
    "and": operator.and_,
    "or": operator.or_,
    "not": operator.not_,
    "where": lambda test, a, b: a if test else b,
}


def _at(e: Expr, x: float, y: float) -> Any:
    """A term at one pair of coordinates; KeyError for what is not plain arithmetic."""
    if e.op == "const":
        return float(e.value or 0.0)
    if e.op in ("x", "y"):
        return x if e.op == "x" else y
    return _SCALAR[e.op](*(_at(a, x, y) for a in e.args))


def _corners(term: Expr) -> tuple[float, float, float, float] | None:
    """f00, f01, f10, f11: whole numbers, and the same for -0 as for 0; else None."""
    try:
        found = []
        for zero_x, zero_y in ((0.0, 0.0), (-0.0, 0.0), (0.0, -0.0), (-0.0, -0.0)):
            pairs = ((zero_x, zero_y), (zero_x, 1.0), (1.0, zero_y), (1.0, 1.0))
            found.append(tuple(float(_at(term, x, y)) for x, y in pairs))
    except (KeyError, OverflowError):
        return None
    whole = all(abs(f) <= _LARGEST_TERM and f == math.floor(f) for f in found[0])
    return found[0] if whole and all(f == found[0] for f in found) else None  # type: ignore[return-value]


@functools.lru_cache(maxsize=1024)
def counts_of(metric: Metric) -> Counts | None:
    """How the metric follows from counts of bits, or None."""
    if metric.combine not in ("sum", "mean") or metric.matrix is not None:
        return None
    if any(s.startswith("dev") for s in metric.stats):
        return None  # squares about the mean, summed in order: not a function of the count alone
    corners = [_corners(term) for term in metric.terms]
    tables = [c for c in corners if c is not None]
    if len(tables) < len(corners):
        return None
    op = "xor" if all(f00 == f11 and f01 == f10 for f00, f01, f10, f11 in tables) else "and"
    return Counts(op, tuple((accumulator(i), _linear(op, table)) for i, table in enumerate(tables)))


def _linear(op: str, table: tuple[float, float, float, float]) -> Expr:
    f00, f01, f10, f11 = table
    if op == "xor":
        parts = [(f01 - f00, ACC), (f00, DIM)]
    else:
        parts = [(f10 - f00, NNZ_X), (f01 - f00, NNZ_Y), (f11 - f10 - f01 + f00, ACC), (f00, DIM)]
    total: Expr | None = None
    for factor, leaf in parts:
        if factor == 0:
            continue
        if total is not None and factor < 0:
            total = Expr("sub", (total, leaf if factor == -1 else Expr("mul", (leaf, const(-factor)))))
            continue
        part = leaf if factor == 1 else Expr("mul", (leaf, const(factor)))
        total = part if total is None else Expr("add", (total, part))
    if total is None:
        return const(0)
    # a sum that starts at +0 is never -0, which -1 * 0 would be
    return Expr("add", (total, const(0))) if any(factor < 0 for factor, _ in parts) else total


# ------------------------------------------------------------------------------------------------ limits of counts


@dataclass(frozen=True)
class Affine:
    """count * c + nnz_x * x + nnz_y * y + d * dim + one."""

    c: float = 0.0
    x: float = 0.0
    y: float = 0.0
    dim: float = 0.0
    one: float = 0.0

    def plus(self, other: Affine, times: float = 1.0) -> Affine:
        """self + times * other."""
        mine, theirs = self._all(), other._all()
        return Affine(*(a + times * b for a, b in zip(mine, theirs, strict=True)))

    def _all(self) -> tuple[float, ...]:
        return (self.c, self.x, self.y, self.dim, self.one)

    def corners(self, op: str) -> tuple[float, float, float, float]:
        """What one coordinate of each kind (00, 01, 10, 11) adds."""
        unequal, both = (self.c, 0.0) if op == "xor" else (0.0, self.c)
        return (
            self.dim,
            self.dim + self.y + unequal,
            self.dim + self.x + unequal,
            self.dim + self.x + self.y + both,
        )


def affine(e: Expr) -> Affine | None:
    """The coefficients of an expression that is affine in the count and the rows' ones."""
    leaf = {ACC: Affine(c=1.0), NNZ_X: Affine(x=1.0), NNZ_Y: Affine(y=1.0), DIM: Affine(dim=1.0)}.get(e)
    if leaf is not None:
        return leaf
    if e.op == "const":
        return Affine(one=float(e.value or 0.0))
    if e.op not in ("add", "sub", "neg", "mul"):
        return None
    parts = [affine(a) for a in e.args]
    a, b = parts[0], parts[-1]
    if a is None or b is None:
        return None
    if e.op == "neg":
        return Affine().plus(a, -1.0)
    if e.op in ("add", "sub"):
        return a.plus(b, 1.0 if e.op == "add" else -1.0)
    for number, other in ((a, b), (b, a)):
        if number == Affine(one=number.one):
            return Affine().plus(other, number.one)
    return None


@dataclass(frozen=True)
class Limits:
    """key <= T as a limit of the count alone, given the rows' ones: the test that the common pair fails.

    Where key = A / B with A and B affine, B >= 0, and A = 0 wherever B = 0 (or B = 1),

        key <= T   implies   A - T B <= 0,   that is   direction * count >= (A - T B without the count) / |slope|,

    slope = A.c - T B.c, whose sign stays the same over all T in [low, high], the range of A / B. T is clamped to it.
    """

    a: Affine
    b: Affine
    low: float
    high: float
    direction: int  # +1: large counts are close

    @property
    def of_items(self) -> bool:
        """Whether the limit depends on the item's ones, not on the query alone."""
        return bool(self.a.y or self.b.y)


_ONE = Affine(one=1.0)
_AFFINE_RANGE = 2.0**31  # no key d * 64 is larger


@functools.lru_cache(maxsize=1024)
def limits_of(key: Expr, op: str) -> Limits | None:
    """The limit that a key (an expression of the count) sets, or None where it is no such ratio."""
    found = _ratio(key)
    if found is None:
        return None
    a, b = found
    if b == _ONE:
        whole = all(v == math.floor(v) and abs(v) <= _LARGEST_TERM**2 for v in a._all())
        low, high = -_AFFINE_RANGE, _AFFINE_RANGE
        if not whole or a.c not in (1, -1, 2, -2):
            return None
    else:
        if a.one or b.one:
            return None
        tops, bottoms = a.corners(op), b.corners(op)
        if any(f < 0 for f in bottoms) or any(t and not f for t, f in zip(tops, bottoms, strict=True)):
            return None
        quotients = [t / f for t, f in zip(tops, bottoms, strict=True) if f]
        if not quotients:
            return None
        low, high = min(quotients) - 0.001, max(quotients)
    slopes = [a.c - t * b.c for t in (low, high)]
    if min(map(abs, slopes)) < 0.01 or slopes[0] * slopes[1] <= 0:
        return None
    return Limits(a, b, low, high, -1 if slopes[0] > 0 else 1)


def _ratio(e: Expr) -> tuple[Affine, Affine] | None:
    """(A, B) of A / B, guarded against B = 0 or not, or of A itself."""
    if e.op == "neg":
        inner = _ratio(e.args[0])
        return None if inner is None else (Affine().plus(inner[0], -1.0), inner[1])
    if e.op == "where":
        guard, _, quotient = e.args
        inner = _ratio(quotient)
        if inner is None or guard.op != "eq" or inner[1] == _ONE:
            return None
        sides = [affine(side) for side in guard.args]
        if None in sides or sides[0].plus(sides[1], -1.0) not in (inner[1], Affine().plus(inner[1], -1.0)):  # type: ignore[union-attr,arg-type]
            return None
        return inner
    if e.op == "div":
        a, b = affine(e.args[0]), affine(e.args[1])
        return None if a is None or b is None else (a, b)
    found = affine(e)
    return None if found is None else (found, _ONE)
