"""How a search is screened: cheap scores with a rigorous bound, to be settled in float64.

A screen packs ``u(x)`` and ``v(y)`` (what the formula does to one row alone, moved out of the pair loop), compares them
in float32 and says how far each score may be from the float64 one. The rules, tried in order:

``dot``
    sum of u v, finished by nothing or by a division through a statistic of each row (cosine, correlation), which
    moves into the packed rows. With u~, v~ the packed float32 rows, r = 2^-24 where packing rounds and 0 where not,

        |fl(u~ . v~) - u . v|  <=  (gamma_d + 2 r + r^2 + gamma64) |u| |v|  +  (d + 2) 2^-148 (1 + |u| + |v|),

    gamma_d = d u / (1 - d u): Cauchy-Schwarz twice, and Higham's bound of an inner product. Every score is an absolute
    distance away, one number per query.
``difference``
    sum of |u - v|^p with p = 1 or 2, or max |u - v|, of rows that float32 does not hold exactly. Packing moves each row
    by at most r |u|, so the norm of the difference moves by at most R = r (|u| + max |v|) in the same norm; the sum
    itself has a relative bound. For p = 2, (a + R)^2 <= (1 + t) a^2 + (1 + 1/t) R^2, t = 2^-16, turns it into a slope
    and an offset.
``interval``
    any other formula of + - * / abs sqrt minimum maximum where: forward error analysis (:mod:`.bounds`), if float32
    holds the rows exactly.
``bits``
    rows of zeros and ones whose sums follow from a count of bits (:mod:`.bits`): exact.
``direct``
    no bound known: float64 throughout, which needs none.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likewise.formula.bits import LARGEST_D, counts_of
from likewise.formula.bounds import HUGE32, TINY32, U32, Bound, Error, analyse, combined
from likewise.formula.expr import ACC, Expr, X, Y, const, stat
from likewise.formula.metric import Metric
from likewise.formula.rank import Rank, rank_of
from likewise.formula.simplify import simplify

_U64 = 2.0**-53
#: t of the ``difference`` rule: its slope lets in pairs within a relative t, its offset those within R / sqrt(t); R is
#: some 2^-23 of the rows' norms, so both stay far below the gaps between neighbours.
_SPLIT = 2.0**-16


@dataclass(frozen=True)
class Rows:
    """What is known of one side's rows after ``u(x)``: exactness and size. Made from a pass over the data.

    ``exact``: float32 holds every packed value. ``whole``: all are integers. ``low, high``: their range.
    """

    exact: bool
    whole: bool
    low: float
    high: float

    @property
    def magnitude(self) -> float:
        return max(abs(self.low), abs(self.high))

    @property
    def binary(self) -> bool:
        """Whether all values are 0 or 1."""
        return self.whole and self.low >= 0 and self.high <= 1


@dataclass(frozen=True)
class Core:
    """A metric with what concerns one row alone taken out of the pair loop."""

    u: Expr  # of x and its statistics
    v: Expr  # of y and its statistics
    terms: tuple[Expr, ...]  # of X (= u) and Y (= v)

    @property
    def identity(self) -> bool:
        return self.u == X and self.v == Y


@dataclass(frozen=True)
class Screen:
    """One way to order a search.

    ``kind`` is the rule's name. ``key`` is what is compared, smaller being better, of the accumulators (and, for
    ``direct``, the rows' statistics). ``scale_x, scale_y`` divide the packed rows to unit length (None: they stay).
    """

    kind: str
    core: Core
    rank: Rank
    key: Expr
    scale_x: Expr | None = None
    scale_y: Expr | None = None

    @property
    def compute(self) -> str:
        return {"direct": "f64", "bits": "bits"}.get(self.kind, "f32")


@dataclass(frozen=True)
class Slack:
    """threshold = slope * (k-th best key) + offset(query); ``exact`` where keys are float64's own order.

    :func:`offsets` gives the offset of each query from ``base``, and from ``relative`` and the rows' norms where
    ``kind`` names one.
    """

    slope: float = 1.0
    base: float = 0.0
    exact: bool = False
    kind: str = "constant"  # "constant", "dot", "l1", "l2", "linf": how norms enter
    relative: float = 0.0


@functools.lru_cache(maxsize=1024)
def factor(metric: Metric) -> Core:
    """Move maximal one-sided parts of the terms out of the pair loop: sqrt(x) - sqrt(y) packs the roots."""
    sides: dict[str, set[Expr]] = {"x": set(), "y": set()}

    def collect(e: Expr) -> None:
        side = e.side()
        if side in ("x", "y") and not e.is_truth:
            sides[side].add(e)
            return
        for arg in e.args:
            collect(arg)

    for term in metric.terms:
        collect(term)
    if len(sides["x"]) == 1 and len(sides["y"]) == 1:
        (u,), (v,) = sides["x"], sides["y"]
        terms = tuple(t.replace({u: Expr("x", value="u"), v: Expr("y", value="v")}) for t in metric.terms)
        plain = {Expr("x", value="u"): X, Expr("y", value="v"): Y}
        return Core(u, v, tuple(simplify(t.replace(plain)) for t in terms))
    return Core(X, Y, metric.terms)


_PRODUCT = Expr("mul", (X, Y))
_DIFFERENCE = Expr("sub", (X, Y))
_ABSOLUTE = Expr("abs", (_DIFFERENCE,))
_SQUARE = Expr("mul", (_DIFFERENCE, _DIFFERENCE))


def scales_of(e: Expr) -> tuple[Expr, Expr] | None:
    """(a, b) when e is s / (a b) with a of x's row alone and b of y's, guarded against zero or not."""
    if e.op == "where":
        guard, zero, quotient = e.args
        found = scales_of(quotient)
        if found is None or zero != const(0):
            return None
        a, b = found
        wanted = {frozenset((const(0), a)), frozenset((const(0), b))}
        tests = guard.args if guard.op == "or" else (guard,)
        if {frozenset(t.args) for t in tests if t.op == "eq"} != wanted or len(tests) != 2:
            return None
        return found
    if e.op != "div":
        return None
    top, bottom = e.args
    if top == ACC and bottom.op == "mul":
        parts = {p.side(): p for p in bottom.args}
    elif top.op == "div" and top.args[0] == ACC:
        parts = {p.side(): p for p in (top.args[1], bottom)}
    else:
        return None
    return (parts["x"], parts["y"]) if set(parts) == {"x", "y"} else None


def choose(metric: Metric, x: Rows | None = None, y: Rows | None = None, d: int = 128) -> Screen:
    """The screen for a metric and data; without data, the one for float32 input of ordinary size."""
    x = x or Rows(True, False, -1e3, 1e3)
    y = y or Rows(True, False, -1e3, 1e3)
    core, rank = factor(metric), rank_of(metric)
    key = rank.expr if rank.sign > 0 else Expr("neg", (rank.expr,))
    if x.binary and y.binary and (screen := bits_screen(metric, d)) is not None:
        return screen
    direct = direct_screen(metric)
    if d * U32 > 0.01:
        return direct
    largest = max(x.magnitude, y.magnitude)
    if not largest < 2.0**60 or (0 < largest < 2.0**-60):
        return direct  # squares would leave float32's range
    summed = metric.combine in ("sum", "mean") and len(core.terms) == 1
    if summed and core.terms[0] == _PRODUCT:
        if rank.expr == ACC:
            return Screen("dot", core, rank, key)
        if (scales := scales_of(rank.expr)) is not None and _to_unit_length(core, scales):
            plain = ACC if rank.sign > 0 else Expr("neg", (ACC,))
            guarded = rank.expr.op == "where"
            return Screen("dot", core, Rank(ACC, rank.sign), plain, *(_divisor(a, guarded) for a in scales))
    exact = x.exact and y.exact and core.identity
    if not exact:
        if rank == Rank(ACC, 1) and _difference_norm(metric, core) is not None:
            return Screen("difference", core, rank, key)
        return direct
    screen = Screen("interval", core, rank, key)
    return direct if _interval(screen, metric, x, y, d) is None else screen


def bits_screen(metric: Metric, d: int) -> Screen | None:
    """The screen for rows of zeros and ones, if a count of bits gives the metric."""
    counts, rank = counts_of(metric), rank_of(metric)
    if counts is None or d > LARGEST_D:
        return None
    key = rank.expr if rank.sign > 0 else Expr("neg", (rank.expr,))
    return Screen("bits", Core(X, Y, (counts.term,)), rank, counts.rewrite(key))


def _divisor(norm: Expr, guarded: bool) -> Expr:
    """What a row is divided by. Guarded, one of zeros stays and scores 0; unguarded, it scores NaN."""
    return Expr("where", (Expr("eq", (norm, const(0))), const(1), norm)) if guarded else norm


def _to_unit_length(core: Core, scales: tuple[Expr, Expr]) -> bool:
    """Whether each packed row is divided by its own norm: the bound counts on a length of 1."""
    for u, leaf, side, scale in ((core.u, X, "x", scales[0]), (core.v, Y, "y", scales[1])):
        centred = Expr("sub", (leaf, stat(f"mean_{side}")))
        if (u, scale) not in ((leaf, stat(f"norm_{side}")), (centred, stat(f"dev_{side}"))):
            return False
    return True


def direct_screen(metric: Metric) -> Screen:
    """No screen: float64 throughout, in the metric's own terms."""
    rank = rank_of(metric)
    return Screen("direct", factor(metric), rank, rank.expr if rank.sign > 0 else Expr("neg", (rank.expr,)))


def _difference_norm(metric: Metric, core: Core) -> str | None:
    if len(core.terms) != 1:
        return None
    if metric.combine == "max":
        return "linf" if core.terms[0] == _ABSOLUTE else None
    if metric.combine == "min":
        return None
    return {_ABSOLUTE: "l1", _SQUARE: "l2"}.get(core.terms[0])


def _interval(screen: Screen, metric: Metric, x: Rows, y: Rows, d: int) -> Bound:
    """Forward error of the screen's rank expression."""
    leaves: dict[Expr, Bound] = {
        X: Error(x.low, x.high, whole=x.whole),
        Y: Error(y.low, y.high, whole=y.whole),
        Expr("dim"): Error(d, d, whole=True),
    }
    env: dict[Expr, Bound] = {}
    for i, term in enumerate(screen.core.terms):
        env[Expr("acc", value=i)] = combined(analyse(term, leaves), metric.combine, d)
    env[Expr("dim")] = leaves[Expr("dim")]
    return analyse(screen.rank.expr, env, last=screen.rank.sign > 0)


def slack(screen: Screen, metric: Metric, x: Rows, y: Rows, d: int) -> Slack:
    """The bound of a screen, as slope and offset of the threshold.

    A pair may be among the best if  key <= slope * (k-th best key) + offset.
    """
    if screen.kind in ("direct", "bits"):
        return Slack(exact=True)
    # float64's own rounding of the settled value, against which scores are compared
    f64 = (2 * d + 64) * _U64
    if screen.kind == "dot":
        plain = x.exact and y.exact and screen.core.identity and screen.scale_x is None
        if plain and x.whole and y.whole and d * x.magnitude * y.magnitude < 2**24:
            return Slack(exact=True)
        r = 0.0 if plain else 1.01 * U32
        gamma = (d + 8) * U32 / (1 - (d + 8) * U32)
        relative = 2 * (gamma + 2 * r + f64 + 16 * U32) * 1.001
        return Slack(base=2 * (d + 2) * 2.0**-148, kind="dot", relative=relative)
    if screen.kind == "difference":
        norm = str(_difference_norm(metric, screen.core))
        steps = 1 if norm == "linf" else d
        rho = (steps + 4) * U32 / (1 - (steps + 4) * U32) + f64
        rho = 2 * rho + U32 if norm == "l2" else rho
        slope = (1 + rho) / (1 - rho) * (1 + 4 * U32)
        if norm == "l2":
            slope *= 1 + _SPLIT
        return Slack(slope=slope, base=4 * (d + 2) * TINY32, kind=norm, relative=2 * 1.02 * U32)
    bound = _interval(screen, metric, x, y, d)
    if bound is None or bound.rho + f64 >= 0.5:
        return Slack(slope=1.0, base=math.inf)
    if bound.exact and bound.whole:
        return Slack(exact=True)
    rho, eta = bound.rho + f64, bound.eta * 1.001
    if bound.low >= 0:
        slope = (1 + rho) / (1 - rho) * (1 + 8 * U32)
        base = (2 * eta / (1 - rho) + 2 * TINY32) * 1.001
        return Slack(slope=slope if screen.rank.sign > 0 else 1 / slope, base=base)
    total = 2 * (eta + (rho + 8 * U32) * bound.magnitude) * 1.001
    return Slack(base=total + 2 * TINY32) if total < HUGE32 else Slack(base=math.inf)


def offsets(found: Slack, norms_x: NDArray[np.float64], largest_y: float) -> NDArray[np.float64]:
    """The offset of each query, given upper bounds of the packed rows' norms: the queries' and the largest item's."""
    if found.kind == "constant":
        return np.full(len(norms_x), found.base)
    with np.errstate(over="ignore"):
        if found.kind == "dot":
            return found.relative * norms_x * largest_y + found.base * (1 + norms_x + largest_y)
        radius = found.relative * (norms_x + largest_y)
        if found.kind == "l2":
            return (1 + 1 / _SPLIT) * radius * radius * 1.01 + found.base
        return radius * 1.01 + found.base


def describe_screen(metric: Metric) -> str:
    """For tables: which bounds serve a search of float32 rows."""
    from likewise.formula.codes import rule_of

    rows = Rows(metric.matrix is None, False, -1e3, 1e3)  # rows through a matrix are float64
    screen = choose(metric, rows, rows)
    rule, float32 = rule_of(metric, screen), _BOUNDS[screen.kind]
    if screen.kind == "direct":
        return f"{float32}: float64 throughout"
    if rule is None:
        return f"float32, {float32}"
    codes = _BOUNDS["dot"] if rule in ("product", "square") else "triangle inequality"
    if codes == float32:
        return f"8-bit codes or float32, {float32}"
    return f"8-bit codes, {codes}; or float32, {float32}"


_BOUNDS = {
    "dot": "Cauchy-Schwarz bound",
    "difference": "norm bound",
    "interval": "forward error bound",
    "direct": "none",
}
