"""The named metrics, a formula line or two each, and the table of them.

Names follow SciPy and scikit-learn. Directions are the field's own: ``cosine`` and ``correlation`` are similarities in
[-1, 1], ``dot`` is the dot product, ``euclidean`` is rooted, ``hamming`` and ``jaccard`` are the proportions that SciPy
gives.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likewise.errors import InputError, UnknownMetricError
from likewise.formula import math as m
from likewise.formula.metric import Metric, metric
from likewise.formula.simplify import simplify
from likewise.formula.trace import trace_finish

_INF = math.inf

dot = metric(lambda x, y: x * y, closer="larger", name="dot")

cosine = metric(
    lambda x, y: x * y,
    closer="larger",
    finish=lambda s, norm_x, norm_y: m.where((norm_x == 0) | (norm_y == 0), 0, s / norm_x / norm_y),
    name="cosine",
    value_range=(-1, 1),
)

angular = metric(
    lambda x, y: x * y,
    finish=lambda s, norm_x, norm_y: m.arccos(m.where((norm_x == 0) | (norm_y == 0), 0, s / norm_x / norm_y)) / math.pi,
    name="angular",
    value_range=(0, 1),
)

correlation = metric(
    lambda x, y, mean_x, mean_y: (x - mean_x) * (y - mean_y),
    closer="larger",
    finish=lambda s, dev_x, dev_y: m.where((dev_x == 0) | (dev_y == 0), 0, s / dev_x / dev_y),
    name="correlation",
    value_range=(-1, 1),
)

sqeuclidean = metric(lambda x, y: (x - y) ** 2, name="sqeuclidean", value_range=(0, _INF))
euclidean = metric(lambda x, y: (x - y) ** 2, finish=m.sqrt, name="euclidean", value_range=(0, _INF))
manhattan = metric(lambda x, y: abs(x - y), name="manhattan", value_range=(0, _INF))
chebyshev = metric(lambda x, y: abs(x - y), combine="max", name="chebyshev", value_range=(0, _INF))

canberra = metric(
    lambda x, y: m.where(x == y, 0, abs(x - y) / (abs(x) + abs(y))), name="canberra", value_range=(0, _INF)
)
braycurtis = metric(
    lambda x, y: (abs(x - y), abs(x + y)),
    finish=lambda a, b: m.where(a == 0, 0, a / b),
    name="braycurtis",
    value_range=(0, _INF),
)
hamming = metric(lambda x, y: x != y, combine="mean", name="hamming", value_range=(0, 1))
jaccard = metric(
    lambda x, y: (x != y, (x != 0) | (y != 0)),
    finish=lambda a, b: m.where(b == 0, 0, a / b),
    name="jaccard",
    value_range=(0, 1),
)


def _number(name: str, value: Any, *, above: float = -_INF) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is not a number") from None
    if not math.isfinite(number) or number <= above:
        raise InputError(f"{name}={value!r} is out of range: a finite number above {above:g} is wanted")
    return number


def minkowski(p: float = 2.0) -> Metric:
    """Minkowski distance: (sum |x - y|^p)^(1/p), for p >= 1.

    >>> import likewise as lw
    >>> float(lw.pairwise([[0.0, 0.0]], [[3.0, 4.0]], metric=lw.minkowski(p=2))[0, 0])
    5.0
    """
    p = _number("p", p)
    if p < 1:
        raise InputError(f"p={p:g} is below 1, where Minkowski is no metric; for sums of small powers write a formula")
    made = metric(
        lambda x, y: abs(x - y) ** p, finish=lambda s: s ** (1 / p), name=f"minkowski(p={p:g})", value_range=(0, _INF)
    )
    return replace(made, formula=None)


def mahalanobis(VI: ArrayLike) -> Metric:
    """Mahalanobis distance: sqrt((x - y) VI (x - y)^T), as the Euclidean distance of whitened rows.

    Rows are multiplied by L, where VI = L L^T, in float64; then Euclid.

    Parameters
    ----------
    VI : array_like of shape (d, d)
        The inverse of the covariance: symmetric, positive semi-definite.

    Raises
    ------
    InputError
        Where VI is not square, not symmetric or not positive semi-definite.
    """
    try:
        matrix = np.array(VI, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"VI is not a matrix of numbers: {error}") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"VI has shape {matrix.shape}; mahalanobis takes a square matrix (d, d)")
    if not np.isfinite(matrix).all():
        raise InputError("VI holds NaN or infinite values; is the covariance invertible?")
    scale = float(np.abs(matrix).max(initial=0.0))
    if np.abs(matrix - matrix.T).max(initial=0.0) > 1e-8 * scale:
        raise InputError("VI is not symmetric; pass the inverse of a covariance matrix")
    return replace(euclidean, name="mahalanobis", matrix=_cholesky((matrix + matrix.T) / 2, scale), formula=None)


def _cholesky(a: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """L with a = L L^T, by rank-one updates: the same bits on every machine, which LAPACK does not promise."""
    rest, lower = a.copy(), np.zeros_like(a)
    tiny = 1e-12 * scale
    for j in range(len(a)):
        pivot = rest[j, j]
        if pivot < -tiny or (pivot <= tiny and np.abs(rest[j:, j]).max() > 1e-6 * scale):
            raise InputError(f"VI is not positive semi-definite (pivot {pivot:.3g} at row {j})")
        if pivot <= tiny:
            continue
        column = rest[j:, j] / math.sqrt(pivot)
        lower[j:, j] = column
        rest[j:, j:] -= column[:, None] * column[None, :]
    return lower


def _gamma(gamma: float | None) -> Callable[[Any], Any]:
    """The factor gamma, 1/d by default, as scikit-learn has it."""
    if gamma is None:
        return lambda d: 1 / d
    value = _number("gamma", gamma, above=0)
    return lambda d: value


def _kernel(name: str, base: Metric, finish: Callable[..., Any], value_range: tuple[float, float]) -> Metric:
    """A kernel: the terms of a distance or of dot, with a finish of its own."""
    finished = simplify(trace_finish(finish, len(base.terms)))
    return replace(base, name=name, finish=finished, closer="larger", value_range=value_range, formula=None)


def _named(name: str, **parameters: float | None) -> str:
    given = ", ".join(f"{key}={value:g}" for key, value in parameters.items() if value is not None)
    return f"{name}({given})" if given else name


def polynomial(degree: float = 3, gamma: float | None = None, coef0: float = 1.0) -> Metric:
    """Polynomial kernel: (gamma x.y + coef0)^degree; gamma is 1/d by default."""
    degree, coef0, g = _number("degree", degree, above=0), _number("coef0", coef0), _gamma(gamma)
    name = _named("polynomial", degree=degree, gamma=gamma, coef0=coef0)
    return _kernel(name, dot, lambda s, d: (g(d) * s + coef0) ** degree, (-_INF, _INF))


def rbf(gamma: float | None = None) -> Metric:
    """Gaussian kernel: exp(-gamma |x - y|^2); gamma is 1/d by default."""
    g = _gamma(gamma)
    return _kernel(_named("rbf", gamma=gamma), sqeuclidean, lambda s, d: m.exp(-(g(d) * s)), (0, 1))


def laplacian(gamma: float | None = None) -> Metric:
    """Laplacian kernel: exp(-gamma |x - y|_1); gamma is 1/d by default."""
    g = _gamma(gamma)
    return _kernel(_named("laplacian", gamma=gamma), manhattan, lambda s, d: m.exp(-(g(d) * s)), (0, 1))


def sigmoid(gamma: float | None = None, coef0: float = 1.0) -> Metric:
    """Sigmoid kernel: tanh(gamma x.y + coef0); gamma is 1/d by default."""
    coef0, g = _number("coef0", coef0), _gamma(gamma)
    return _kernel(_named("sigmoid", gamma=gamma, coef0=coef0), dot, lambda s, d: m.tanh(g(d) * s + coef0), (-1, 1))


def rational_quadratic(alpha: float = 1.0, length_scale: float = 1.0) -> Metric:
    """Rational quadratic kernel: (1 + |x - y|^2 / (2 alpha l^2))^(-alpha)."""
    alpha, scale = _number("alpha", alpha, above=0), _number("length_scale", length_scale, above=0)
    divisor = 2 * alpha * scale**2
    name = _named("rational_quadratic", alpha=alpha, length_scale=scale)
    return _kernel(name, sqeuclidean, lambda s: (1 + s / divisor) ** -alpha, (0, 1))


def matern32(length_scale: float = 1.0) -> Metric:
    """Matern kernel with nu = 3/2: (1 + a) exp(-a), a = sqrt(3) |x - y| / l."""
    factor = math.sqrt(3) / _number("length_scale", length_scale, above=0)

    def finish(s: Any) -> Any:
        a = factor * m.sqrt(s)
        return (1 + a) * m.exp(-a)

    return _kernel(_named("matern32", length_scale=length_scale), sqeuclidean, finish, (0, 1))


#: Metrics without parameters, and makers of those that have them.
NAMED: dict[str, Metric | Callable[..., Metric]] = {
    "dot": dot,
    "cosine": cosine,
    "euclidean": euclidean,
    "sqeuclidean": sqeuclidean,
    "manhattan": manhattan,
    "chebyshev": chebyshev,
    "minkowski": minkowski,
    "mahalanobis": mahalanobis,
    "hamming": hamming,
    "jaccard": jaccard,
    "canberra": canberra,
    "braycurtis": braycurtis,
    "correlation": correlation,
    "angular": angular,
    "polynomial": polynomial,
    "rbf": rbf,
    "laplacian": laplacian,
    "sigmoid": sigmoid,
    "rational_quadratic": rational_quadratic,
    "matern32": matern32,
}

ALIASES = {
    "ip": "dot",
    "inner_product": "dot",
    "linear": "dot",
    "l2": "euclidean",
    "euclid": "euclidean",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "taxicab": "manhattan",
    "linf": "chebyshev",
    "chessboard": "chebyshev",
    "tanimoto": "jaccard",
    "pearson": "correlation",
    "poly": "polynomial",
    "gaussian": "rbf",
}


#: Formulas of those whose parameter is not a number that could stand in the formula.
_WRITTEN = {
    "minkowski": "sum(abs(x - y) ** p), then s ** (1 / p)",
    "mahalanobis": "euclidean of x L and y L, where VI = L L^T",
}


class MetricTable(Mapping[str, Metric]):
    """``lw.metrics``: every named metric at its default parameters, by name or alias; prints as a table.

    >>> import likewise as lw
    >>> lw.metrics["l1"].name
    'manhattan'
    """

    def __getitem__(self, name: str) -> Metric:
        return by_name(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in NAMED if name != "mahalanobis")  # which has no default

    def __len__(self) -> int:
        return len(NAMED) - 1

    def __contains__(self, name: object) -> bool:
        return ALIASES.get(str(name), name) in tuple(self)

    def rows(self) -> list[dict[str, str]]:
        """One dictionary a metric: name, formula, direction, range, aliases, how its search is bounded."""
        from likewise.formula.screen import describe_screen

        rows = []
        for name in NAMED:
            one = _default(name) or mahalanobis([[1.0]])
            low, high = one.value_range
            left, right = "[" if math.isfinite(low) else "(", "]" if math.isfinite(high) else ")"
            rows.append(
                {
                    "name": name,
                    "formula": _WRITTEN.get(name) or str(one).split(": ", 1)[1].rsplit("; ", 1)[0],
                    "closer": one.closer,
                    "range": f"{left}{low:g}, {high:g}{right}",
                    "bound": describe_screen(one),
                    "aliases": ", ".join(alias for alias, of in ALIASES.items() if of == name),
                }
            )
        return rows

    def __str__(self) -> str:
        rows = self.rows()
        heads = list(rows[0])
        widths = {h: max(len(h), *(len(r[h]) for r in rows)) for h in heads}
        lines = ["  ".join(h.ljust(widths[h]) for h in heads).rstrip()]
        lines += ["  ".join(r[h].ljust(widths[h]) for h in heads).rstrip() for r in rows]
        return "\n".join(lines)

    __repr__ = __str__


def _default(name: str) -> Metric | None:
    known = NAMED[name]
    if isinstance(known, Metric):
        return known
    return None if name == "mahalanobis" else known()


def by_name(name: str) -> Metric:
    """The metric of that name or alias, at its default parameters."""
    if not isinstance(name, str):
        raise UnknownMetricError(f"a metric's name is text; found {type(name).__name__} {name!r}")
    key = name.strip().lower()
    key = ALIASES.get(key, key)
    if key not in NAMED:
        close = difflib.get_close_matches(key, [*NAMED, *ALIASES], n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else f"known: {', '.join(NAMED)}"
        raise UnknownMetricError(f"no metric is called {name!r}; {hint}")
    found = _default(key)
    if found is None:
        raise UnknownMetricError("mahalanobis needs the inverse covariance: metric=lw.mahalanobis(VI)")
    return found


def as_metric(what: Any) -> Metric:
    """A name, a metric, a maker of metrics or a Python function of two numbers -> a metric."""
    if isinstance(what, Metric):
        return what
    if isinstance(what, str):
        return by_name(what)
    for name, known in NAMED.items():
        if what is known:
            return by_name(name)
    if callable(what):
        made: Metric = metric(what)
        return made
    raise UnknownMetricError(
        f"metric= takes a name, a metric or a function of two numbers; found {type(what).__name__} {what!r}"
    )
