"""Screening by 8-bit codes: what a sum of small integers proves about a pair.

A row is coded as  z = B^T (row - mean),  c = round(z w / s),  z' = s c / w:  B has orthonormal columns (or is the
identity), w are powers of two, one a coordinate, and s is the row's own scale. What the code leaves out is known
exactly: e = |z - z'|, and the tail t = sqrt(|row - mean|^2 - |z|^2). Everything below is about centred rows x and y.

``product``, ``square`` (dot kinds)
    The integers give z'(x) . z'(y) = s_x s_y sum c_x c_y / w^2. By Cauchy-Schwarz, three times,

        x . y  <=  z'(x) . z'(y)  +  e_x |z(y)|  +  |z'(x)| e_y  +  t_x t_y.

    The error is an inner product of two vectors of non-negative numbers, one of each row, hence at most T_x T_y, with

        T_x = |(a e_x, |z'(x)| / a, t_x, r |z'(x)|)|,    T_y = |(|z(y)| / a, a e_y, t_y, r |z(y)|)|,

    whatever a > 0 is; a^2 = |z| / e of typical rows makes it nearly tight. The last entry, r^2 = 2^-20, covers float32:
    s_x, s_y, the conversion of the sum and three multiplications are off by at most 6 u of |z'(x)| |z'(y)|, u = 2^-24.
    So an item's score  s_x s_y sum + T_x T_y + b_y  is never too low, where

        square:   |x - y|^2 <= threshold   iff   x . y - |y|^2 / 2  >=  (|x|^2 - threshold) / 2,
        product:  x'. y' >= -threshold     iff   x . y + mean . y   >=  -threshold - x' . mean,

    x' = x + mean, y' = y + mean being the rows before centring.
``sum``, ``max``
    sum |x - y| and max |x - y|, with one mean and one scale for both sides: by the triangle inequality

        sum |x - y|  >=  s sum |c_x - c_y|  -  |x - s c_x|_1  -  |y - s c_y|_1,

    and the same with the largest difference in place of the sum.

Float64 computes z, e and |z|; its rounding is added to e and t as 2^-52 (d + 8) sqrt(h) (|row| + |mean|), h the number
of columns of B, and where B's columns are not exactly orthonormal B is shrunk until no vector grows by it, so that
|x|^2 - |z|^2 stays the square of a norm.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.formula.expr import ACC, Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.screen import _ABSOLUTE, _PRODUCT, _SQUARE, Screen

Floats = NDArray[np.float64]
_U64 = 2.0**-52
_R = 2.0**-10  # r of the bound
#: Codes leave out some 0.4% of a row, which stands in where a side leaves out nothing.
_TYPICAL = 0.004


def rule_of(metric: Metric, screen: Screen) -> str | None:
    """How codes can screen: "product", "square", "sum", "max", or None."""
    if len(screen.core.terms) != 1 or screen.kind == "direct" or metric.combine not in ("sum", "max"):
        return None
    term, summed = screen.core.terms[0], metric.combine == "sum"
    if screen.kind == "dot":
        return "product" if summed and term == _PRODUCT and screen.key == Expr("neg", (ACC,)) else None
    if screen.key != ACC or not (screen.core.u == X and screen.core.v == Y):
        return None
    if term == _SQUARE and summed:
        return "square"
    if term == _ABSOLUTE:
        return "sum" if summed else "max"
    return None


def kind_of(rule: str) -> str:
    """The integer arithmetic of a rule."""
    return rule if rule in ("sum", "max") else "dot"


@dataclass(frozen=True, eq=False)
class Part:
    """Coordinates coded together.

    ``mean`` (d,) is subtracted; ``weight`` (d,) powers of two, rising from block to block of ``ends``; ``fixed``: one
    scale for all rows, 0: each its own; ``low, high``: codes stay between.
    """

    kind: str
    mean: Floats
    weight: Floats
    ends: tuple[int, ...]
    fixed: float
    low: int
    high: int

    @property
    def d(self) -> int:
        return len(self.mean)

    @property
    def shifts(self) -> tuple[int, ...]:
        """By how much the sums so far are shifted before each block."""
        logs = [round(float(np.log2(self.weight[end - 1]))) for end in self.ends[1:]]
        return (0, *(2 * (b - a) for a, b in itertools.pairwise(logs)))

    @property
    def top(self) -> float:
        """The weight of the last block, in whose units the integers come out."""
        return float(self.weight[-1])


@dataclass(frozen=True, eq=False)
class Coding:
    """How the rows of a search are coded.

    ``basis`` (d, h), times ``shrink``: the rotation, or None. ``parts``: stretches of the rotated coordinates, looked
    at one after the other. ``exact``: a part in the rows' own coordinates, which codes whole numbers without loss:
    that of ``parts`` where it is the only one, else a level of its own.
    """

    rule: str
    basis: Floats | None
    parts: tuple[Part, ...]
    exact: Part | None
    space: Part  # the rows' own coordinates: their mean
    shrink: float = 1.0

    @property
    def kind(self) -> str:
        return kind_of(self.rule)

    @property
    def mean_squares(self) -> float:
        """|mean|^2."""
        return float(self.space.mean @ self.space.mean)

    @property
    def exact_at_once(self) -> bool:
        """Whether the first integers are the answer."""
        return self.exact is not None and self.parts[0] is self.exact


@dataclass
class Lengths:
    """What is known of coded rows at one level, each (n,): coded norm, norm left out, and the tail beyond."""

    norm: Floats
    error: Floats
    tail: Floats


def lengths(squares: list[Floats], errors: list[Floats], whole: Floats, raw: Floats, coding: Coding) -> Lengths:
    """Norms of a prefix of parts, from each one's ``squares`` and ``errors``.

    ``whole`` = |row - mean|^2, ``raw`` = |row| + |mean|.
    """
    norm = np.sqrt(sum(squares, np.zeros(len(whole))))
    error = np.sqrt(sum((e * e for e in errors), np.zeros(len(whole))))
    if coding.basis is None:
        slip = 4 * _U64 * raw
        return Lengths(norm + slip, error + slip, np.zeros(len(whole)))
    d, h = coding.basis.shape
    slip = (d + 8) * np.sqrt(h) * _U64 * raw
    tail = np.sqrt(np.maximum(whole - norm * norm, 0) + slip * (4 * np.sqrt(whole) + slip))
    return Lengths(norm + slip, error + slip, tail)


def typical_alpha(items: Lengths) -> float:
    """The a of the bound, from the items."""
    known = np.isfinite(items.norm)
    if not known.any():
        return 1.0
    norm = float(np.median(items.norm[known])) or 1.0
    error = max(float(np.median(items.error[known])), _TYPICAL * norm)
    return float(np.sqrt(norm / error))


def uncertainty(side: Lengths, alpha: float, query: bool, lossless: bool) -> Floats:
    """T of each row; ``lossless``: no item leaves anything out, and the second entry is dropped."""
    norm, error, tail = side.norm, side.error, side.tail
    shown = norm + error  # at least |z'|
    kept = np.zeros(len(norm))
    if query:
        second = kept if lossless else shown / alpha
        first = alpha * error
    else:
        first, second = norm / alpha, kept if lossless else alpha * error
    made: Floats = np.sqrt(first**2 + second**2 + tail**2 + (_R * shown) ** 2) * (1 + 2.0**-22)
    return made


def upward(values: Any) -> NDArray[np.float32]:
    """Float32 numbers no smaller."""
    with np.errstate(over="ignore"):
        made = np.asarray(values, np.float64).astype(np.float32)
    return np.nextafter(made, np.float32(np.inf))


def biases(coding: Coding, whole: Floats, inner: Floats) -> Floats:
    """b_y, with room for its rounding in float32."""
    bias = -0.5 * whole if coding.rule == "square" else inner
    return np.asarray(bias + 2.0**-19 * np.abs(bias))


def constants(
    coding: Coding, whole: Floats, inner: Floats, mean_squares: float, *, exact: bool = False
) -> tuple[Floats, float]:
    """(constant, gain) of  limit = constant - gain threshold.

    inner + |mean|^2 = x' . mean may be far below either: unless they are ``exact``, their rounding is allowed for.
    """
    if coding.rule == "square":
        return 0.5 * whole, 0.5
    start = -(inner + mean_squares)
    if not exact:
        mean = float(np.sqrt(mean_squares))
        start = start - (coding.space.d + 8) * _U64 * mean * (np.sqrt(whole) + mean)
    return start, 1.0
