"""One table of cases, for the tests and for the benchmarks: metrics, element types, awkward shapes, data.

A metric has a source to agree with where somebody else computes it too (SciPy, scikit-learn); the others answer to the
reference backend alone. Sources are imported when called.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import likewise as lw
from likewise.formula.expr import OPS, Expr
from likewise.formula.rank import rank_of

Floats = NDArray[np.float64]
m = lw.math

#: LIKEWISE_THOROUGH=100 has properties tried on a hundred times as many examples.
THOROUGH = int(os.environ.get("LIKEWISE_THOROUGH", "1"))

# ------------------------------------------------------------------------------------------------ metrics


@dataclass(frozen=True)
class Case:
    """A metric for rows of d coordinates, the data it is defined for, and who else computes it."""

    name: str
    make: Callable[[int], lw.Metric]
    data: str = "real"
    source: Callable[[Floats, Floats], Floats] | None = None

    def __str__(self) -> str:
        return self.name


def _scipy(name: str, turn: Callable[[Floats], Floats] = lambda v: v, **parameters: Any) -> Callable[..., Floats]:
    def source(x: Floats, y: Floats) -> Floats:
        from scipy.spatial.distance import cdist

        return turn(cdist(x, y, name, **parameters))

    return source


def _sklearn(name: str, **parameters: Any) -> Callable[..., Floats]:
    def source(x: Floats, y: Floats) -> Floats:
        from sklearn.metrics import pairwise

        return np.asarray(getattr(pairwise, name)(x, y, **parameters))

    return source


def _gaussian_process(name: str, **parameters: Any) -> Callable[..., Floats]:
    def source(x: Floats, y: Floats) -> Floats:
        from sklearn.gaussian_process import kernels

        return np.asarray(getattr(kernels, name)(**parameters)(x, y))

    return source


def _named(name: str, data: str = "real", source: Callable[..., Floats] | None = None) -> Case:
    return Case(name, lambda d: lw.metrics[name], data, source)


def _made(made: lw.Metric, data: str = "real", source: Callable[..., Floats] | None = None) -> Case:
    return Case(made.name, lambda d: made, data, source)


def _user(name: str, formula: Callable[..., Any], data: str = "real", **options: Any) -> Case:
    made = lw.metric(formula, name=name, **options)
    return Case(name, lambda d: made, data)


def inverse_covariance(d: int) -> Floats:
    """A symmetric positive definite matrix, the same for the same d."""
    a = np.random.default_rng(d).normal(size=(d, d))
    return a @ a.T / d + 0.1 * np.eye(d)


def _mahalanobis(x: Floats, y: Floats) -> Floats:
    return _scipy("mahalanobis", VI=inverse_covariance(x.shape[1]))(x, y)


NAMED = [
    _named("dot", source=lambda x, y: x @ y.T),
    _named("cosine", source=_scipy("cosine", lambda v: 1 - v)),
    _named("euclidean", source=_scipy("euclidean")),
    _named("sqeuclidean", source=_scipy("sqeuclidean")),
    _named("manhattan", source=_scipy("cityblock")),
    _named("chebyshev", source=_scipy("chebyshev")),
    _named("minkowski", source=_scipy("minkowski", p=2)),
    Case("mahalanobis", lambda d: lw.mahalanobis(inverse_covariance(d)), source=_mahalanobis),
    _named("hamming", "codes", _scipy("hamming")),
    _named("jaccard", "codes", _scipy("jaccard")),
    _named("canberra", source=_scipy("canberra")),
    _named("braycurtis", source=_scipy("braycurtis")),
    _named("correlation", source=_scipy("correlation", lambda v: 1 - v)),
    _named("angular", source=_scipy("cosine", lambda v: np.arccos(np.clip(1 - v, -1, 1)) / math.pi)),
    _named("polynomial", source=_sklearn("polynomial_kernel", degree=3, coef0=1)),
    _named("rbf", source=_sklearn("rbf_kernel")),
    _named("laplacian", source=_sklearn("laplacian_kernel")),
    _named("sigmoid", source=_sklearn("sigmoid_kernel")),
    _named("rational_quadratic", source=_gaussian_process("RationalQuadratic")),
    _named("matern32", source=_gaussian_process("Matern", nu=1.5)),
]

PARAMETERS = [
    *(_made(lw.minkowski(p=p), source=_scipy("minkowski", p=p)) for p in (1, 1.5, 3, 5)),
    _made(lw.polynomial(degree=2), source=_sklearn("polynomial_kernel", degree=2)),
    _made(
        lw.polynomial(degree=5, gamma=0.25, coef0=0.5),
        source=_sklearn("polynomial_kernel", degree=5, gamma=0.25, coef0=0.5),
    ),
    _made(lw.polynomial(degree=2.5), "positive"),
    _made(lw.rbf(gamma=0.5), source=_sklearn("rbf_kernel", gamma=0.5)),
    _made(lw.laplacian(gamma=0.1), source=_sklearn("laplacian_kernel", gamma=0.1)),
    _made(lw.sigmoid(gamma=0.01, coef0=-0.5), source=_sklearn("sigmoid_kernel", gamma=0.01, coef0=-0.5)),
    _made(lw.matern32(length_scale=3), source=_gaussian_process("Matern", nu=1.5, length_scale=3)),
    _made(
        lw.rational_quadratic(alpha=0.5, length_scale=2),
        source=_gaussian_process("RationalQuadratic", alpha=0.5, length_scale=2),
    ),
]

USER = [
    # one coordinate
    _user("power 1.5", lambda x, y: abs(x - y) ** 1.5),
    _user("power 0.3", lambda x, y: abs(x - y) ** 0.3),
    _user("logarithmic", lambda x, y: m.log(1 + abs(x - y))),
    _user("hellinger", lambda x, y: (m.sqrt(abs(x)) - m.sqrt(abs(y))) ** 2),
    _user("hellinger rooted", lambda x, y: (m.sqrt(x) - m.sqrt(y)) ** 2, "positive", finish=m.sqrt),
    _user("softened product", lambda x, y: x * y / (1 + abs(x)), closer="larger"),
    _user("pinball", lambda x, y: m.where(x > y, x - y, 2 * (y - x))),
    _user("intersection", m.minimum, "positive", closer="larger"),
    _user("clipped", lambda x, y: m.minimum((x - y) ** 2, 1)),
    _user("steps", lambda x, y: m.floor(4 * abs(x - y))),
    _user("agreement", lambda x, y: (x > 0) == (y > 0), closer="larger"),
    _user("both or neither", lambda x, y: ~((x > 0) & (y > 0) | (x < 0) & (y < 0))),
    _user("periodic", lambda x, y: m.sin(x - y) ** 2 + (1 - m.cos(x - y))),
    _user("saturating", lambda x, y: m.tanh(abs(x - y)) + m.arctan(abs(x - y))),
    _user("powers", lambda x, y: abs(x) ** abs(y)),
    _user("entropy", lambda x, y: x * m.log((x + 1) / (y + 1)) + y - x, "positive"),
    _user("roots product", lambda x, y: m.sqrt(x) * m.sqrt(y), "positive", closer="larger"),
    _user("gaussians", lambda x, y: m.exp(-((x - y) ** 2)), closer="larger"),
    # other combinations
    _user("largest square", lambda x, y: (x - y) ** 2, combine="max"),
    _user("largest product", lambda x, y: x * y, combine="max", closer="larger"),
    _user("smallest difference", lambda x, y: abs(x - y), combine="min"),
    _user("smallest product", lambda x, y: x * y, combine="min", closer="larger"),
    _user("mean difference", lambda x, y: abs(x - y), combine="mean"),
    _user("mean product", lambda x, y: x * y, combine="mean", closer="larger"),
    _user("mean square, rooted", lambda x, y: (x - y) ** 2, combine="mean", finish=m.sqrt),
    # several sums, finishes, statistics
    _user(
        "ruzicka",
        lambda x, y: (m.minimum(x, y), m.maximum(x, y)),
        "positive",
        closer="larger",
        finish=lambda a, b: m.where(b == 0, 1, a / b),
    ),
    _user(
        "three sums", lambda x, y: (x * y, x * x, y * y), closer="larger", finish=lambda a, b, c: a / (1 + b + c - a)
    ),
    _user(
        "largest and mean", lambda x, y: (abs(x - y), (x - y) ** 2), combine="mean", finish=lambda a, b: a + m.sqrt(b)
    ),
    _user("similarity", lambda x, y: abs(x - y), closer="larger", finish=lambda s: 1 / (1 + s)),
    _user("turned", lambda x, y: x * y, closer="smaller", finish=lambda s: 3 - 2 * s),
    _user(
        "covariance",
        lambda x, y, mean_x, mean_y: (x - mean_x) * (y - mean_y),
        closer="larger",
        finish=lambda s, d: s / d,
    ),
    _user("by norms", lambda x, y: (x - y) ** 2, finish=lambda s, norm_x, norm_y: s / (1 + norm_x * norm_y)),
    _user(
        "by sums",
        lambda x, y: abs(x - y),
        finish=lambda s, sum_x, sum_y, norm1_x, norm1_y: (s + abs(sum_x - sum_y)) / (1 + norm1_x + norm1_y),
    ),
    _user(
        "by counts",
        lambda x, y: x * y,
        "codes",
        closer="larger",
        finish=lambda s, nnz_x, nnz_y: s / m.sqrt((1 + nnz_x) * (1 + nnz_y)),
    ),
    _user(
        "divided by counts",
        lambda x, y: x * y,
        closer="larger",
        finish=lambda s, nnz_x, nnz_y: s / ((1 + nnz_x) * (1 + nnz_y)),
    ),
    _user(
        "by means",
        lambda x, y: x * y,
        closer="larger",
        finish=lambda s, d, mean_x, mean_y, dev_x, dev_y: (s - d * mean_x * mean_y) / (1 + dev_x * dev_y),
    ),
    _user("total variation", lambda x, y, norm1_x, norm1_y: abs(x / (1 + norm1_x) - y / (1 + norm1_y))),
    _user("d in the term", lambda x, y, d: abs(x - y) / d),
    _user("statistics in the term", lambda x, y, norm_x, norm_y: abs(x * norm_y - y * norm_x)),
    _user("statistics in a branch", lambda x, y, mean_x: m.where(x == y, 0, abs(x - mean_x))),
    # degenerate, and still defined
    _user("constant", lambda x, y: 1),
    _user("of x alone", lambda x, y: abs(x)),
    _user("of y alone", lambda x, y: abs(y)),
    _user("nothing but statistics", lambda x, y: x * y, finish=lambda s, norm_x, norm_y: abs(norm_x - norm_y)),
    _user("to the power 0", lambda x, y: abs(x - y), finish=lambda s: s**0),
]

METRICS = [*NAMED, *PARAMETERS, *USER]
BY_NAME = {case.name: case for case in METRICS}

#: Operators that every machine rounds correctly: a value made of them alone has known bits.
_ELEMENTARY = {"exp", "log", "sin", "cos", "tanh", "arctan", "arccos", "pow"}
EXACT = frozenset(OPS) - _ELEMENTARY


def _exact(*exprs: Expr) -> bool:
    return all(node.op in EXACT for e in exprs for node in e.walk())


def order_is_exact(metric: lw.Metric) -> bool:
    """Whether the order of a search is known bit for bit."""
    return _exact(*metric.terms, rank_of(metric).expr)


def value_is_exact(metric: lw.Metric) -> bool:
    return _exact(*metric.terms, metric.finish)


# ------------------------------------------------------------------------------------------------ shapes

#: Around the widths of registers, panels and tiles.
EDGES = (0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65)


def _shapes() -> Iterator[tuple[int, int, int]]:
    count = len(EDGES)
    for i, d in enumerate(EDGES):
        for shift in (2, 7):  # each d twice, and each n and m, in changing company
            yield EDGES[(5 * i + shift) % count], EDGES[(3 * i + 2 * shift) % count], max(d, 2)
    yield from (
        (3, 65, 1),
        (65, 3, 1),
        (1, 1, 1),
        (5, 0, 4),
        (0, 5, 4),
        (0, 0, 1),
        (2, 600, 3),
        (150, 40, 5),
        (13, 40, 257),
        (3, 33, 600),
    )


#: (n, m, d).
SHAPES = tuple(_shapes())

# ------------------------------------------------------------------------------------------------ data


def rows(data: str, n: int, d: int, seed: int = 0) -> Floats:
    """Rows of ordinary size, some equal to others, one of zeros.

    ``real``: both signs. ``positive``: none below zero. ``codes``: small integers, half of them zero.
    """
    rng = np.random.default_rng([seed, n, d])
    made = rng.normal(size=(n, d))
    if data == "positive":
        made = np.abs(made)
    elif data == "codes":
        made = np.where(rng.random((n, d)) < 0.5, 0.0, rng.integers(1, 4, (n, d)))
    if n > 4:
        made[1::7] = made[rng.integers(0, n, len(made[1::7]))]
        made[2::5] = np.round(made[2::5], 1)
        made[n // 2] = 0
    return made


def _integers(low: int, high: int, dtype: str) -> Callable[[Floats], Any]:
    return lambda rows: np.clip(np.rint(8 * rows), low, high).astype(dtype)


def _bfloat16(rows: Floats) -> Any:
    import ml_dtypes

    return rows.astype(ml_dtypes.bfloat16)


def _torch(name: str) -> Callable[[Floats], Any]:
    def cast(rows: Floats) -> Any:
        import torch

        return torch.from_numpy(np.array(rows)).to(getattr(torch, name))

    return cast


#: Element type -> how float64 rows become it.
DTYPES: dict[str, Callable[[Floats], Any]] = {
    "float64": lambda rows: rows,
    "float32": lambda rows: rows.astype(np.float32),
    "float16": lambda rows: rows.astype(np.float16),
    "bfloat16": _bfloat16,
    "int8": _integers(-128, 127, "int8"),
    "uint8": _integers(0, 255, "uint8"),
    "bool": lambda rows: rows > 0.25,
    "int32": _integers(-1000, 1000, "int32"),
    "big-endian float32": lambda rows: rows.astype(">f4"),
    "big-endian float64": lambda rows: rows.astype(">f8"),
    "big-endian int16": _integers(-1000, 1000, ">i2"),
    "torch float32": _torch("float32"),
    "torch bfloat16": _torch("bfloat16"),
}

#: The types whose dense results are float32.
NARROW = frozenset(("float32", "float16", "bfloat16", "big-endian float32", "torch float32", "torch bfloat16"))


def float64(rows: Any) -> Floats:
    """The values of rows of any of these types, exactly."""
    return np.asarray(rows.double().numpy() if hasattr(rows, "double") else rows).astype(np.float64)
