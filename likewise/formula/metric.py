"""A metric: what is computed per coordinate, how it combines, what finishes it, and which way is closer."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError, TraceError
from likewise.formula.expr import ACC, DIM, Expr, stat
from likewise.formula.simplify import simplify
from likewise.formula.trace import Traced, trace_finish, trace_terms

COMBINES = ("sum", "mean", "max", "min")
CLOSER = ("smaller", "larger")
_DEEPEST = 150  # levels of a formula: far above any that is written by hand, and safe to walk by recursion


@dataclass(frozen=True, eq=False)
class Metric:
    """A comparison of two rows: ``finish(combine over coordinates of term(x, y))``.

    Make one with :func:`likewise.metric`, or take one of ``lw.metrics``. Two metrics are equal when they compute the
    same: ``lw.metric(lambda x, y: abs(x - y)) == lw.metrics["manhattan"]``.

    Attributes
    ----------
    name : str
        As printed. It plays no part in equality.
    terms : tuple of Expr
        Per coordinate: usually one, or several that combine side by side (Jaccard counts two things).
    combine : {"sum", "mean", "max", "min"}
        Over the coordinates.
    closer : {"smaller", "larger"}
        Which value is the better one.
    finish : Expr
        The value, from the combined ``s`` (``s1``... for further terms) and the rows' statistics.
    matrix : ndarray of shape (d, e), optional
        Rows are multiplied by it, in float64, before anything else (Mahalanobis whitens).
    value_range : tuple of two floats
        For tables; (-inf, inf) where nothing is claimed.
    """

    name: str
    terms: tuple[Expr, ...]
    combine: str
    closer: str
    finish: Expr
    matrix: NDArray[np.float64] | None = None
    value_range: tuple[float, float] = (-math.inf, math.inf)
    formula: Callable[..., Any] | None = field(default=None, repr=False)
    finish_formula: Callable[..., Any] | None = field(default=None, repr=False)
    parameters: tuple[tuple[str, float], ...] = ()

    @functools.cached_property
    def _key(self) -> tuple[Any, ...]:
        matrix = None if self.matrix is None else (self.matrix.shape, self.matrix.tobytes())
        return (self.terms, self.combine, self.closer, self.finish, matrix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metric) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by what it computes. A lambda cannot be pickled: the copy computes the same without it."""
        kept = {name: _importable(getattr(self, name)) for name in ("formula", "finish_formula")}
        values = {f.name: getattr(self, f.name) for f in fields(self)} | kept
        return (Metric, tuple(values.values()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Metric:
        return self  # nothing in it changes

    def __str__(self) -> str:
        terms = ", ".join(map(str, self.terms))
        inner = f"{self.combine}({terms})"
        before = (
            f"with x, y multiplied by a {self.matrix.shape[0]} x {self.matrix.shape[1]} matrix: "
            if self.matrix is not None
            else ""
        )
        after = "" if self.plain_finish == ACC else f", then {self.plain_finish}"
        return f"{self.name}: {before}{inner}{after}; {self.closer} is closer"

    @property
    def plain_finish(self) -> Expr:
        """The finish as its author wrote it, without the division that ``mean`` adds."""
        if self.combine != "mean":
            return self.finish
        undone = {Expr("div", (Expr("acc", value=i), DIM)): Expr("acc", value=i) for i in range(len(self.terms))}
        return self.finish.replace(undone)

    @functools.cached_property
    def stats(self) -> frozenset[str]:
        """The row statistics it reads, such as {"norm_x", "norm_y"}."""
        return frozenset().union(self.finish.stats(), *(t.stats() for t in self.terms))

    def __call__(self, *arrays: Any, **parameters: float) -> Metric:
        """The same formula with other parameters: ``weighted(p=3)`` for ``def weighted(x, y, p=2)``."""
        if arrays:
            raise InputError(
                f"{self.name} is a metric, not a function of arrays; "
                "use lw.paired(x, y, metric=...) or lw.pairwise(x, y, metric=...)"
            )
        if self.formula is None:
            raise InputError(f"{self.name} has no parameters to set")
        bound = dict(self.parameters) | parameters
        return metric(
            self.formula,
            combine=self.combine,
            closer=self.closer,
            finish=self.finish_formula,
            name=self.name,
            value_range=self.value_range,
            **bound,
        )


@overload
def metric(formula: Callable[..., Any] | Metric, **options: Any) -> Metric: ...
@overload
def metric(formula: None = None, **options: Any) -> Callable[[Callable[..., Any]], Metric]: ...


def metric(
    formula: Callable[..., Any] | None = None,
    *,
    combine: str = "sum",
    closer: str = "smaller",
    finish: Callable[..., Any] | None = None,
    name: str | None = None,
    value_range: tuple[float, float] = (-math.inf, math.inf),
    **parameters: float,
) -> Metric | Callable[[Callable[..., Any]], Metric]:
    """Turn a Python formula of two numbers into a metric. A decorator and a call.

    The formula is run once, on symbols, and compiled; it is never called per pair. It may use the functions of
    ``lw.math``, NumPy's of the same names, parameters with defaults, and by name the rows' statistics
    (``norm_x``, ``sum_y``, ``mean_x``, ``dev_x``, ``norm1_x``, ``nnz_x``) and the number of coordinates ``d``.

    Parameters
    ----------
    formula : callable
        ``f(x, y)`` of one coordinate; a tuple for several sums side by side.
    combine : {"sum", "mean", "max", "min"}
        Over the coordinates.
    closer : {"smaller", "larger"}
        Which values are the better ones.
    finish : callable, optional
        Of the combined value(s) and, by name, the rows' statistics.
    name : str, optional
        Default: the function's own.
    value_range : tuple of two floats, optional
        For tables.
    **parameters : float
        Values for the formula's parameters.

    Returns
    -------
    Metric
        Or, without a formula, a decorator that gives one.

    Raises
    ------
    TraceError
        Where the formula cannot be traced; the message shows its line and the way to write it.

    Examples
    --------
    >>> import likewise as lw
    >>> @lw.metric(closer="smaller")
    ... def squared(x, y):
    ...     return (x - y) ** 2
    >>> print(squared)
    squared: sum((x - y) * (x - y)); smaller is closer
    >>> lw.metric(lambda x, y: abs(x - y)) == lw.metrics["manhattan"]
    True
    """
    if combine not in COMBINES:
        raise InputError(f"combine={combine!r} is not known; it is one of {', '.join(COMBINES)}")
    if closer not in CLOSER:
        raise InputError(f"closer={closer!r} is not known; it is 'smaller' (a distance) or 'larger' (a similarity)")
    if formula is None:
        return lambda f: metric(
            f, combine=combine, closer=closer, finish=finish, name=name, value_range=value_range, **parameters
        )
    if isinstance(formula, Metric):
        return formula
    if not callable(formula):
        raise InputError(f"a metric is made from a function of two numbers; found {type(formula).__name__}")
    terms = trace_terms(formula, parameters)
    made = from_terms(
        name or getattr(formula, "__name__", "metric").replace("<lambda>", "formula"),
        terms,
        finish=None if finish is None else trace_finish(finish, len(terms)),
        combine=combine,
        closer=closer,
        value_range=value_range,
    )
    return replace(made, formula=formula, finish_formula=finish, parameters=tuple(sorted(parameters.items())))


def from_terms(
    name: str,
    terms: tuple[Expr, ...],
    *,
    finish: Expr | None = None,
    combine: str = "sum",
    closer: str = "smaller",
    value_range: tuple[float, float] = (-math.inf, math.inf),
) -> Metric:
    """A metric from expressions: simplified, the mean's division written into the finish."""
    if (depth := max(e.depth for e in (*terms, finish or ACC))) > _DEEPEST:
        raise TraceError(f"the formula is nested {depth} levels deep; at most {_DEEPEST} are read")
    if finish is None:
        if len(terms) > 1:
            raise InputError(f"the formula returns {len(terms)} values: give finish= to make one of them")
        finish = ACC
    if combine == "mean":
        finish = finish.replace(
            {Expr("acc", value=i): Expr("div", (Expr("acc", value=i), DIM)) for i in range(len(terms))}
        )
    return Metric(name, tuple(map(simplify, terms)), combine, closer, simplify(finish), value_range=value_range)


def _importable(function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The function, if another process can find it by its name."""
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return function if found is function else None


def statistic(name: str) -> Traced:
    """A row statistic as a traced value, for the named metrics."""
    return Traced(stat(name))
