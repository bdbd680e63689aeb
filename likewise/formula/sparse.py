"""Sparse rows: which metrics need only the coordinates that both rows have.

A term vanishes when it is 0 wherever one of its coordinates is 0, as x * y is. Adding 0 changes no bit of a sum, so the
sum over the coordinates that both rows have, in their order, is the sum over all coordinates.

Where all that is stored is ones, a metric that follows from counts of bits (:mod:`likewise.formula.bits`) follows from
the number of common coordinates: exactly, since all counts are whole numbers.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from likewise.formula.bits import NNZ_X, NNZ_Y, counts_of
from likewise.formula.expr import ACC, Expr, X, Y, const
from likewise.formula.metric import Metric
from likewise.formula.rank import rank_key

#: 1 for a coordinate that both rows have: what is added up where only their number matters.
ONE = const(1)


@dataclass(frozen=True)
class SparseForm:
    """A metric of sparse rows: terms summed over common coordinates, and key and value of these sums."""

    terms: tuple[Expr, ...]
    key: Expr
    value: Expr

    @property
    def stats(self) -> frozenset[str]:
        """Statistics of whole rows that key and value read."""
        return self.key.stats() | self.value.stats()


@functools.lru_cache(maxsize=256)
def sparse_form(metric: Metric, ones: bool) -> SparseForm | None:
    """How the metric follows from common coordinates, or None. ``ones``: every stored value on both sides is 1."""
    if metric.combine not in ("sum", "mean") or metric.matrix is not None:
        return None
    if any(name.startswith("dev") for name in metric.stats):
        return None  # squares about the mean: the absent coordinates are in it, each rounded in its turn
    key, value = rank_key(metric), metric.finish
    if ones and (counts := counts_of(metric)) is not None:
        common = ACC
        if counts.op == "xor":  # bits that differ = all ones but the common ones, twice
            common = Expr("sub", (Expr("add", (NNZ_X, NNZ_Y)), Expr("mul", (const(2), ACC))))
        table = {leaf: made.replace({ACC: common}) for leaf, made in counts.table}
        return SparseForm((ONE,), key.replace(table), value.replace(table))
    if all(_vanishes(term) for term in metric.terms):
        return SparseForm(metric.terms, key, value)
    return None


def _vanishes(term: Expr) -> bool:
    return not term.is_truth and not term.stats() and all(_is_zero(term, side) for side in (X, Y))


def _is_zero(e: Expr, zero: Expr) -> bool:
    """Whether an expression is 0, of any sign, where the coordinate ``zero`` is 0 and the other is finite."""
    if e == zero or e == const(0):
        return True
    if e.op == "mul":  # the other factor is finite: it is an expression of finite numbers without a division
        return any(_is_zero(a, zero) and _is_finite(b) for a, b in (e.args, e.args[::-1]))
    if e.op in ("neg", "abs", "sqrt"):
        return _is_zero(e.args[0], zero)
    if e.op == "min" and any(_is_zero(a, zero) and b.op == "abs" for a, b in (e.args, e.args[::-1])):
        return True
    if e.op in ("add", "sub", "min", "max"):
        return all(_is_zero(a, zero) for a in e.args)
    return e.op == "where" and all(_is_zero(a, zero) for a in e.args[1:])


def _is_finite(e: Expr) -> bool:
    """Whether it is finite for all finite coordinates: sums and products might overflow, and inf * 0 is NaN."""
    return all(node.op in ("x", "y", "const", "abs", "neg", "min", "max") for node in e.walk())
