"""Partial sums: what some of the coordinates prove about all of them.

Where no term is ever negative, a sum (or maximum) over some coordinates is at most that over all. So a pair whose
partial sum exceeds the threshold of a search is out, whatever the other coordinates are. Two questions are answered
here: may a formula's terms be negative on given rows (interval analysis), and what does rounding do to the bound?

``float32`` (the rules *interval* and *difference* of :mod:`.screen`)
    A threshold slope U + offset is at least (1 + rho) V + eta for every pair of value V that may still be among the
    best, rho and eta being the bounds for the float32 sum of all d coordinates. The sum P of h of them has a float32
    value of at most (1 + rho_h) P + eta_h, with rho_h <= rho and eta_h <= eta, since the bounds grow with the number of
    terms and hold for any order of summation; and P <= V. So the partial score of such a pair is at most the threshold.
    The norm bound of *difference* holds in the same way: a norm over some coordinates is at most that over all.
``float64`` (the rule *direct*: formulas with no float32 bound)
    Terms are computed as the answer's are, bit for bit; only the order of the sum differs. With S the exact sum of
    these terms and g = (d - 1) u / (1 - (d - 1) u), every order gives a number between (1 - g) S and (1 + g) S, and a
    partial one at most (1 + g) S. The k best so far, of scores up to U, have answers up to U (1 + g) / (1 - g); a pair
    with an answer up to that has S of at most U (1 + g) / (1 - g)^2, so a score, whole or partial, of at most

        slope U,    slope = ((1 + g) / (1 - g))^2.

    Maxima are exact in any order. No bound on the terms themselves is needed: exponentials, logarithms, powers serve.

Means of groups
    A term g(x, y) that is convex in both together has, over a group of s coordinates, a sum of at least s g at the
    means of the group (Jensen), and a maximum of at least g there. Coordinates that go together, as neighbouring pixels
    do, lose little by that: one comparison stands for s. The means are rounded, by at most D = 2^-23 of the largest
    value in float32 and 2^-51 in float64. The slope of a convex function is at most its rise over a step w beyond,
    divided by w; so with G the largest value of g on rows that reach 2 w further, w being their range, each term is too
    large by at most 2 D G / w. That, times the coordinates, is ``extra``: the score of groups of a pair that may win
    is at most the threshold plus ``extra``. In float64, where terms are not bounded otherwise, only powers of |x - y|
    are so used: they are right to a few units in the last place, and 2^-40 is added to the slope.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

from likewise.formula.expr import ACC, DIM, Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.screen import Rows, Screen, Slack, slack

#: Off, every search compares whole rows: the same answers, for comparisons of speed.
PARTIAL_SUMS = True

Range = tuple[float, float]
_EVERY: Range = (-math.inf, math.inf)
_U64 = 2.0**-53
#: Elementary functions are within some units in the last place.
_FUNCTION = 2.0**-48


def _outward(low: float, high: float) -> Range:
    """Wider by a step at both ends."""
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)


def _sum(a: Range, b: Range) -> Range:
    """Rounded outward, unless a sum is exact: log(1 + |x - y|) is never negative since 1 + 0 is 1."""
    low, high = _outward(a[0] + b[0], a[1] + b[1])
    return (
        a[0] + b[0] if _adds_exactly(a[0], b[0]) else low,
        a[1] + b[1] if _adds_exactly(a[1], b[1]) else high,
    )


def _adds_exactly(a: float, b: float) -> bool:
    if not math.isfinite(a + b):
        return not (math.isfinite(a) and math.isfinite(b))
    return math.fsum((a, b, -(a + b))) == 0


def _product(a: Range, b: Range) -> Range:
    values = [0.0 if x == 0 or y == 0 else x * y for x in a for y in b]
    low, high = min(values), max(values)
    # a product that underflows to 0 is none: on the side of 0 where it lies, the smallest number holds it
    low, high = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    alike = (a[0] >= 0 and b[0] >= 0) or (a[1] <= 0 and b[1] <= 0)
    opposed = (a[0] >= 0 and b[1] <= 0) or (a[1] <= 0 and b[0] >= 0)
    return (max(low, 0.0) if alike else low, min(high, 0.0) if opposed else high)


def _quotient(a: Range, b: Range) -> Range:
    if b[0] < 0 < b[1]:
        return _EVERY
    if b[0] == 0 or b[1] == 0:
        positive = b[0] >= 0
        return (
            0.0 if (a[0] >= 0 if positive else a[1] <= 0) else -math.inf,
            0.0 if (a[1] <= 0 if positive else a[0] >= 0) else math.inf,
        )
    return _product(a, _outward(1 / b[1], 1 / b[0]))


def _monotone(function: Callable[[float], float], a: Range, low: float, high: float, *, sign: bool = False) -> Range:
    """Of a rising function with values in low..high; ``sign``: it has that of its argument."""

    def at(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf

    found = at(a[0]), at(a[1])
    wider = (found[0] - abs(found[0]) * _FUNCTION - 5e-324, found[1] + abs(found[1]) * _FUNCTION + 5e-324)
    made = max(wider[0], low), min(wider[1], high)
    if sign:
        made = (max(made[0], 0.0) if a[0] >= 0 else made[0], min(made[1], 0.0) if a[1] <= 0 else made[1])
    return made


def _floor(x: float) -> float:
    return float(math.floor(x)) if math.isfinite(x) else x


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def range_of(e: Expr, leaves: dict[Expr, Range]) -> Range:
    """Where the values of an expression lie, computed or exact; NaN aside. Leaves that are not named may be anything.

    >>> from likewise.formula.trace import trace_terms
    >>> (term,) = trace_terms(lambda x, y: abs(x - y) ** 1.5, {})
    >>> range_of(term, {X: (-1.0, 1.0), Y: (-1.0, 1.0)})[0]
    0.0
    """
    low, high = _range_of(e, leaves)
    return _EVERY if math.isnan(low) or math.isnan(high) else (low, high)


def _range_of(e: Expr, leaves: dict[Expr, Range]) -> Range:
    if e in leaves:
        return leaves[e]
    if e.op == "const":
        return (float(e.value or 0.0),) * 2
    if e.op == "stat":
        return (0.0, math.inf) if str(e.value)[:-2] in ("norm", "norm1", "dev", "nnz") else _EVERY
    if e.is_truth or not e.args:
        return _EVERY
    args = [range_of(a, leaves) for a in (e.args[1:] if e.op == "where" else e.args)]
    a, b = args[0], args[-1]
    match e.op:
        case "neg":
            return -a[1], -a[0]
        case "abs":
            return (0.0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1])), max(abs(a[0]), abs(a[1])))
        case "add":
            return _sum(a, b)
        case "sub":
            return _sum(a, (-b[1], -b[0]))
        case "mul":
            low, high = _product(a, b)
            return (max(low, 0.0), high) if e.args[0] == e.args[1] else (low, high)
        case "div":
            return _quotient(a, b)
        case "min":
            return min(a[0], b[0]), min(a[1], b[1])
        case "max":
            return max(a[0], b[0]), max(a[1], b[1])
        case "where":
            return min(a[0], b[0]), max(a[1], b[1])
        case "sqrt":
            return _monotone(lambda x: math.sqrt(max(x, 0.0)), a, 0.0, math.inf)
        case "floor":
            return _monotone(_floor, a, -math.inf, math.inf)
        case "exp":
            return _monotone(math.exp, a, 0.0, math.inf)
        case "log":
            low, high = _monotone(_log, a, -math.inf, math.inf)
            return (max(low, 0.0) if a[0] >= 1 else low, high)
        case "tanh":
            return _monotone(math.tanh, a, -1.0, 1.0, sign=True)
        case "arctan":
            return _monotone(math.atan, a, -2.0, 2.0, sign=True)
        case "arccos":
            return 0.0, 3.2
        case "sin" | "cos":
            return -1.0 - _FUNCTION, 1.0 + _FUNCTION
        case "pow":
            return _power(a, b)
    return _EVERY


def _power(a: Range, b: Range) -> Range:
    """a^b for a base that is never negative; of other bases, whole even exponents."""
    even = b[0] == b[1] and b[0] == int(b[0]) and int(b[0]) % 2 == 0 if math.isfinite(b[0]) else False
    if a[0] >= 0 and b[0] == b[1] and 0 < b[0] < math.inf:
        return _monotone(lambda x: x ** b[0], a, 0.0, math.inf)
    return (0.0, math.inf) if a[0] >= 0 or even else _EVERY


def never_negative_on(metric: Metric, x: Rows, y: Rows, d: int) -> bool:
    """Whether no term of the metric can be below 0 on rows with coordinates in those ranges.

    >>> from likewise.formula.metrics import canberra, dot
    >>> rows = Rows(exact=True, whole=False, low=-3.0, high=5.0)
    >>> never_negative_on(canberra, rows, rows, 128), never_negative_on(dot, rows, rows, 128)
    (True, False)
    """
    leaves = {X: (x.low, x.high), Y: (y.low, y.high), DIM: (float(d), float(d))}
    return all(range_of(term, leaves)[0] >= 0 for term in metric.terms)


def partial_slack(metric: Metric, screen: Screen, x: Rows, y: Rows, d: int) -> Slack | None:
    """The bound with which partial sums screen this search; None where they prove nothing.

    The search has to be ordered by one sum, mean or maximum itself, the smaller the better, of terms that are never
    negative.
    """
    if len(metric.terms) != 1 or metric.combine not in ("sum", "mean", "max") or screen.key != ACC:
        return None
    if screen.kind not in ("interval", "difference", "direct") or screen.core.terms[0].stats():
        return None
    if not never_negative_on(metric, x, y, d):
        return None
    if screen.kind != "direct":
        found = slack(screen, metric, x, y, d)
        return found if math.isfinite(found.base) else None
    if metric.combine == "max":
        return Slack(exact=True)
    if d * _U64 > 2.0**-20:
        return None
    g = d * _U64 / (1 - d * _U64)
    return Slack(slope=((1 + g) / (1 - g)) ** 2 * (1 + 16 * _U64))


# ------------------------------------------------------------------------------------------------ means of groups


def _affine(e: Expr) -> bool:
    if not e.side():
        return True
    if e.op in ("x", "y"):
        return True
    if e.op in ("add", "sub", "neg"):
        return all(map(_affine, e.args))
    if e.op == "mul":
        return any(not a.side() for a in e.args) and all(map(_affine, e.args))
    return e.op == "div" and not e.args[1].side() and _affine(e.args[0])


def power_of(e: Expr) -> tuple[Expr, float] | None:
    """(u, p) where e is |u|^p, however it is written: b * b, b * b * sqrt(b), b ** 2.3 with b = |u|."""
    found = _monomial(e)
    return None if found is None or found[2] else found[:2]


def _monomial(e: Expr) -> tuple[Expr, float, bool] | None:
    """(u, p, signed): |u|^p, or with the sign of u."""
    if e.op == "abs":
        return e.args[0], 1.0, False
    if e.op in ("sqrt", "pow"):
        inner = power_of(e.args[0])
        if inner is None or (e.op == "pow" and e.args[1].op != "const"):
            return None
        return inner[0], inner[1] * (0.5 if e.op == "sqrt" else float(e.args[1].value or 0.0)), False
    if e.op == "mul" and all(a.side() for a in e.args):
        a, b = map(_monomial, e.args)
        if a is None or b is None or a[0] != b[0]:
            return None
        return a[0], a[1] + b[1], a[2] != b[2]
    return e, 1.0, True


@functools.lru_cache(maxsize=1024)
def convex(e: Expr) -> bool:
    """Whether a term is known to be convex in x and y together, whatever they are.

    >>> from likewise.formula.metrics import canberra, manhattan
    >>> convex(manhattan.terms[0]), convex(canberra.terms[0])
    (True, False)
    """
    if _affine(e):
        return True
    if (found := power_of(e)) is not None and found[1] >= 1 and _affine(found[0]):
        return True
    if e.op in ("add", "max"):
        return all(map(convex, e.args))
    if e.op == "exp":
        return convex(e.args[0])
    if e.op in ("mul", "div"):
        rest, factor = e.args if e.op == "div" or not e.args[1].side() else e.args[::-1]
        return factor.op == "const" and float(factor.value or 0.0) >= 0 and convex(rest)
    return False


def group_allowance(metric: Metric, screen: Screen, x: Rows, y: Rows, d: int) -> tuple[float, float] | None:
    """(above, extra): groups' scores are at most ``above`` times the threshold plus ``extra``, for all d coordinates.

    None where means of groups prove nothing. ``above`` is more than 1 where whole rows are exact and means are not.
    """
    term = screen.core.terms[0]
    if not screen.core.identity or not convex(term):
        return None
    if screen.kind == "direct":
        found = power_of(term)
        if found is None or found[0] != Expr("sub", (X, Y)) or found[1] > 64:
            return None
    low, high = min(x.low, y.low), max(x.high, y.high)
    width = high - low
    if width == 0:
        return None
    wide = (low - 2 * width, high + 2 * width)
    least, most = range_of(term, {X: wide, Y: wide, DIM: (float(d), float(d))})
    size = max(abs(low), abs(high)) * (2.0**-51 if screen.kind == "direct" else 2.0**-23)
    extra = 1.01 * 2 * size * (most - min(least, 0.0)) / width * (1 if metric.combine == "max" else d)
    extra += d * (2.0**-1060 if screen.kind == "direct" else 2.0**-148)
    if not extra < 2.0**100:
        return None
    if screen.kind == "direct" or partial_slack(metric, screen, x, y, d) != Slack(exact=True):
        return 1.0, extra
    rough = partial_slack(metric, screen, replace(x, whole=False), replace(y, whole=False), d)
    return None if rough is None else (rough.slope, extra + 1.01 * rough.base)
