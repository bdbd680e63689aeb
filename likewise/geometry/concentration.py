"""How alike distances are: in many independent dimensions all points are about equally far from each other.

For coordinates that are independent and alike, squared distances are sums of d terms, so that their spread falls
against their mean:

    std / mean of |x - y|  ->  1 / sqrt(2 d)        for Gaussian coordinates;   d = 512: 3%

Real rows are as concentrated as that of some smaller d: ``equivalent_dimension`` = 1 / (2 ratio^2), which Chavez et al.
(2001) call the intrinsic dimension of a metric space. What a search feels is how much nearer the nearest row is than
the others: nearest over farthest (Beyer et al. 1999), and the mean distance over that to the nearest, the relative
contrast (He, Kumar & Chang 2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise
from likewise.compute.options import Progress
from likewise.geometry.estimate import Estimate, Floats, bootstrap
from likewise.geometry.space import Space, whole
from likewise.vectors import normalize

#: Random pairs of rows that distances are taken of: they give std / mean to half a percent.
PAIRS = 20_000
_QUERIES = 500  # rows that are compared with all
_BUDGET = 4e10  # pair-dimensions that they may take: five seconds of two cores, in float64
_BLOCK = 1 << 22  # distances at a time: 32 MB


@dataclass(frozen=True)
class Concentration:
    """How alike distances are.

    Attributes
    ----------
    ratio : Estimate
        Standard deviation over mean, of the distances of random pairs; its ``rows`` and ``total`` count pairs.
    expected : float
        What independent Gaussian coordinates give: 1 / sqrt(2 d).
    equivalent_dimension : Estimate
        Of the Gaussian rows that are as concentrated: 1 / (2 ratio^2).
    relative_contrast : Estimate
        Mean distance over mean distance to the nearest other row: 1 where all are equally far, large where the nearest
        stands out, infinite where every row has a copy.
    nearest_to_farthest : Estimate
        Mean over rows of the distance to the nearest over that to the farthest: near 1 where all are equally far.
    distances : ndarray of shape (pairs,)
        Of random pairs.
    nearest, farthest : ndarray of shape (q,)
        Distances of some rows to the nearest and the farthest of all others.
    rows : ndarray of shape (q,)
        Which rows these are.
    """

    ratio: Estimate
    expected: float
    equivalent_dimension: Estimate
    relative_contrast: Estimate
    nearest_to_farthest: Estimate
    distances: Floats
    nearest: Floats
    farthest: Floats
    rows: NDArray[np.int64]

    def as_dict(self) -> dict[str, Any]:
        """For programs: the numbers, without the samples of distances."""
        names = ("ratio", "equivalent_dimension", "relative_contrast", "nearest_to_farthest")
        return {"expected": self.expected} | {name: getattr(self, name).as_dict() for name in names}

    def __str__(self) -> str:
        d = round(1 / (2 * self.expected**2))
        return "\n".join(
            [
                f"std/mean of distances {self.ratio}; independent Gaussian coordinates, d = {d:,}: {self.expected:.4g}",
                f"as concentrated as Gaussian rows of {self.equivalent_dimension} dimensions",
                f"mean distance / distance to the nearest: {self.relative_contrast}",
                f"nearest / farthest: {self.nearest_to_farthest}",
            ]
        )


def concentration(
    items: Any,
    *,
    metric: Any = None,
    pairs: int = PAIRS,
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Concentration:
    """How alike the distances between rows are, and how far the nearest row stands out.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    metric : str, Metric or function, optional
        A distance; "cosine" stands for the chord between unit rows, "sqeuclidean" for its root. Default: the Space's
        own, or "euclidean".
    pairs : int
        Random pairs of rows for ``ratio`` and the histogram; all pairs, if there are no more.
    sample : int, optional
        How many rows are compared with all others. Default: 500, or fewer where that takes more than some seconds.
    on_bad, seed, n_jobs, memory_limit, progress
        As for :class:`Space`.

    Returns
    -------
    Concentration
        NaN where all rows are equal. Intervals are those of drawing pairs, and rows, anew.

    Raises
    ------
    InputError
        Where the metric is no distance.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((2000, 64))
    >>> found = concentration(rows)
    >>> round(found.ratio.value, 2), round(found.expected, 2)
    (0.09, 0.09)
    """
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, metric, sample=sample, seed=seed, **options)
    space.require_distance()
    drawn, among = _random_pairs(space, whole(pairs, "pairs", 2))
    distances = space.between(*drawn)
    ratio = bootstrap(_spread, distances, among, seed=space.seed)
    rows = space.draw(min(_queries(space), space.sample_size), purpose=2)
    nearest, farthest, mean = _extremes(space, rows)
    sides = np.stack([mean, nearest, farthest], axis=1)
    return Concentration(
        ratio,
        1 / math.sqrt(2 * space.d),
        _equivalent(ratio),
        bootstrap(_contrast, sides, space.n, seed=space.seed),
        bootstrap(_closeness, sides, space.n, seed=space.seed),
        distances,
        nearest,
        farthest,
        rows if space.kept is None else space.kept[rows],
    )


def _random_pairs(space: Space, most: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], int]:
    """Two different rows each, every pair as likely, and how many pairs there are; all of them, if these are few."""
    n, among = space.n, space.n * (space.n - 1) // 2
    if among <= most:
        left, right = np.triu_indices(n, 1)
        return (left, right), among
    rng = np.random.default_rng([space.seed, 1])
    left = rng.integers(0, n, most)
    return (left, (left + 1 + rng.integers(0, n - 1, most)) % n), among


def _queries(space: Space) -> int:
    return min(space.n, max(50, min(_QUERIES, int(_BUDGET / (space.n * space.d)))))


def _extremes(space: Space, rows: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Distance of some rows to the nearest and the farthest other, and the mean distance to the others."""
    metric = "euclidean" if space.metric.name in ("cosine", "sqeuclidean") else space.metric
    queries = _as_compared(space, space.floats(rows))  # of float64, as distances then are
    nearest, farthest, total = np.full(len(rows), np.inf), np.zeros(len(rows)), np.zeros(len(rows))
    step = max(1, min(_BLOCK // len(rows), _BLOCK // space.d))
    for first in range(0, space.n, step):
        block = _as_compared(space, space.rows[first : first + step])
        found = np.asarray(pairwise(queries, block, metric=metric, n_jobs=space.options["n_jobs"]))
        own = np.flatnonzero((rows >= first) & (rows < first + step))
        found[own, rows[own] - first] = 0.0
        total += found.sum(axis=1)
        farthest = np.maximum(farthest, found.max(axis=1))
        found[own, rows[own] - first] = np.inf
        nearest = np.minimum(nearest, found.min(axis=1))
    return nearest, farthest, total / (space.n - 1)


def _as_compared(space: Space, rows: NDArray[Any]) -> NDArray[Any]:
    """Rows whose Euclidean distances are the chords, for cosine."""
    return np.asarray(normalize(rows.astype(np.float64))) if space.metric.name == "cosine" else rows


def _over(numerator: float, denominator: float) -> float:
    """A quotient; infinite above 0, and NaN for 0 over 0."""
    if denominator == 0:
        return math.nan if numerator == 0 else math.inf
    return numerator / denominator


def _spread(distances: NDArray[Any]) -> float:
    return _over(float(distances.std()), float(distances.mean()))


def _contrast(sides: NDArray[Any]) -> float:
    return _over(float(sides[:, 0].mean()), float(sides[:, 1].mean()))


def _closeness(sides: NDArray[Any]) -> float:
    apart = sides[sides[:, 2] > 0]
    return float(np.mean(apart[:, 1] / apart[:, 2])) if len(apart) else math.nan


def _equivalent(ratio: Estimate) -> Estimate:
    def dimension(spread: float) -> float:
        return _over(1.0, 2 * spread * spread)

    return Estimate(
        dimension(ratio.value),
        dimension(ratio.high),  # the wider the spread, the fewer dimensions
        dimension(ratio.low),
        ratio.rows,
        ratio.total,
        ratio.confidence,
    )
