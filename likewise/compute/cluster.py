"""k-means: rows in k groups, each about a centre."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, give, read, row_weights, same_dimension, to_floating
from likewise.compute.options import Options, Progress, read_options
from likewise.compute.search import nearest
from likewise.compute.sides import FLOAT32, good_rows, measured, metric_for, search_statistics
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.formula.metrics import by_name
from likewise.plan import DEFAULT_MEMORY
from likewise.reductions import KMeans

if TYPE_CHECKING:
    from likewise.backends.llvm.rows import Side

Floats = NDArray[Any]
#: Working memory of a median's copy of its rows.
_MEDIAN_BYTES = 32 << 20


@dataclass(frozen=True)
class _Kind:
    """How a metric makes clusters: what is compared, what is lost by a value, and the centre that loses least."""

    metric: Metric
    loss: Callable[[Floats], Floats]
    centre: str  # "mean", "direction" or "median"


def _kinds() -> dict[Metric, _Kind]:
    squares, cosine, manhattan = (by_name(name) for name in ("sqeuclidean", "cosine", "manhattan"))
    mean = _Kind(squares, lambda value: value, "mean")
    return {
        squares: mean,
        by_name("euclidean"): mean,
        cosine: _Kind(cosine, lambda value: np.maximum(1.0 - value, 0.0), "direction"),
        manhattan: _Kind(manhattan, lambda value: value, "median"),
    }


def _kind_of(metric: Any, d: int) -> _Kind:
    found = metric_for(metric, d)
    for known, kind in _kinds().items():
        if known == found:
            return kind
    raise InputError(
        f"k-means by {found.name} is not defined here: which centre is nearest to a group's rows is known for "
        "sqeuclidean and euclidean (their mean), cosine (their direction) and manhattan (their median)"
    )


def kmeans(
    x: Any,
    k: int,
    *,
    metric: Any = "sqeuclidean",
    init: Any = "k-means++",
    weights: Any = None,
    n_init: int = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> KMeans:
    """Rows in k clusters by Lloyd's algorithm: every row to its nearest centroid, every centroid to its rows' centre.

    The assignment is exact, as by :func:`topk` with k = 1, and the labels given are those of the centroids given.
    Results depend on ``seed``, not on threads. A cluster that is left without rows takes the row farthest from its own
    centroid; with fewer than k distinct rows, some stay empty.

    Parameters
    ----------
    x : array_like of shape (n, d)
    k : int
        From 1 to n.
    metric : str or Metric
        "sqeuclidean" or "euclidean", whose centre is the mean; "cosine", the mean of the rows scaled to unit length,
        itself so scaled; "manhattan", the median of each coordinate.
    init : "k-means++" or array_like of shape (k, d)
        How to start: rows drawn one after the other with a chance in proportion to what they lose with those drawn
        before, the best of 2 + log(k) at a time (Arthur and Vassilvitskii 2007); or centroids.
    weights : array_like of shape (n,), optional
        What each row counts, 0 or more: 2 is as if the row were there twice. A row of weight 0 has a label, and no part
        in the centroids.
    n_init : int
        Starts to try; the one of least inertia is given.
    max_iter : int
        Steps of a start at most.
    tol : float
        Stop when the centroids move by a sum of squares of at most tol times the mean variance of a coordinate; 0 to
        go on until no label changes.
    seed : int
        Of the random numbers.
    n_jobs, memory_limit, on_bad, progress
        See :mod:`likewise.compute`. A skipped row has label -1. Progress counts pairs of rows and centroids, up to
        those of max_iter steps.

    Returns
    -------
    KMeans
        ``centroids`` (k, d), float32 where x is of floats of at most 32 bits, else float64; ``labels`` (n,) int64;
        ``inertia``, the weighted sum over rows of squared distances, of 1 - cosine, or of distances; ``iterations``.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError
        Each says what was found and what to try.

    Examples
    --------
    >>> import likewise as lw
    >>> found = lw.kmeans([[0.0], [1.0], [9.0], [10.0]], 2)
    >>> found.centroids[found.labels].ravel(), found.inertia
    (array([0.5, 0.5, 9.5, 9.5]), 1.0)
    """
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    batch = read(x, "x")
    if batch.vector or batch.lead:
        shape = batch.array.shape[1:] if batch.vector else batch.array.shape
        raise ShapeError(f"x has shape {shape}; kmeans takes one set of rows, of shape (n, d)")
    k = _count(k, "k", "cluster is to be made")
    n_init, max_iter = _count(n_init, "n_init"), _count(max_iter, "max_iter")
    kind = _kind_of(metric, batch.d)
    limit, rng = _tolerance(tol), np.random.default_rng(_seed(seed))
    mass = None if weights is None else row_weights(weights, batch.rows, "weights")
    wanted = search_statistics(kind.metric, "x")
    side = measured(batch.array, batch.dtype, "x", wanted, options)
    side, kept = good_rows(side, wanted, options)
    if k > side.n:
        raise InputError(f"k={k} clusters of {side.n} rows; there can be no more clusters than rows")
    start = _start(init, batch, k)
    if mass is not None and kept is not None:
        mass = row_weights(mass[kept], side.n, "weights of the rows that are not skipped")
    run = _Run(kind, side, k, options, np.float32 if batch.dtype in FLOAT32 else np.float64, mass)
    if limit:
        with np.errstate(over="ignore", invalid="ignore"):
            run.still = limit * run.mean_variance()
        if not np.isfinite(run.still):
            raise InputError("float64 does not hold the variance of the rows; scale them, or pass tol=0")
    best: KMeans | None = None
    runs = n_init if start is None else 1
    report = _Steps(options, runs * max_iter, side.n * k)
    for _ in range(runs):
        found = run.lloyd(run.rounded(run.plus_plus(rng) if start is None else start), max_iter, report)
        if best is None or found.inertia < best.inertia:
            best = found
    assert best is not None
    report.end()
    labels = best.labels
    if kept is not None:
        labels = np.full(batch.rows, -1, np.int64)
        labels[kept] = best.labels
    return KMeans(give(best.centroids, batch), give(labels, batch), best.inertia, best.iterations)


def _count(value: Any, name: str, wanted: str = "is wanted") -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={value!r} is not a whole number") from None
    if isinstance(value, (bool, np.bool_)) or number < 1:
        raise InputError(f"{name}={value!r}; at least 1 {wanted}")
    return number


def _seed(seed: Any) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        raise InputError(f"seed={seed!r} is not a whole number") from None
    if number < 0:
        raise InputError(f"seed={seed!r} is negative")
    return number


def _tolerance(tol: Any) -> float:
    try:
        number = float(tol)
    except (TypeError, ValueError):
        raise InputError(f"tol={tol!r} is not a number") from None
    if not 0 <= number < np.inf:
        raise InputError(f"tol={tol!r}; a number of at least 0 is wanted")
    return number


def _start(init: Any, x: Batch, k: int) -> Floats | None:
    """The centroids given, or None for k-means++."""
    if isinstance(init, str):
        if init != "k-means++":
            raise InputError(f"init={init!r} is not known; it is 'k-means++' or an array of shape ({k}, {x.d})")
        return None
    given = read(init, "init")
    same_dimension(x, given, "x", "init")
    if given.lead or given.rows != k or (given.vector and k > 1):
        raise ShapeError(f"init has shape {given.array.shape}; centroids of shape ({k}, {x.d}) are wanted")
    rows = to_floating(given).astype(np.float64)
    if not np.isfinite(rows).all():
        raise InputError("init has NaN or infinite values")
    return rows


class _Steps:
    """Progress in pairs of rows and centroids."""

    def __init__(self, options: Options, steps: int, pairs: int) -> None:
        self.report, self.done, self.total, self.pairs = options.progress, 0, steps * pairs, pairs

    def step(self) -> None:
        self.done += self.pairs
        if self.report is not None:
            self.report(min(self.done, self.total), self.total)

    def end(self) -> None:
        """Fewer steps than allowed were enough."""
        if self.report is not None and self.done < self.total:
            self.report(self.total, self.total)


@dataclass
class _Run:
    """Rows to be clustered, measured once."""

    kind: _Kind
    side: Side
    k: int
    options: Options
    dtype: Any
    mass: Floats | None = None  # what each row counts; None: all 1
    still: float = 0.0  # a sum of squares of moves that is as good as none

    def __post_init__(self) -> None:
        self.options = replace(self.options, progress=None)
        self.masses = np.ones(self.side.n) if self.mass is None else self.mass
        self.factors = self.masses  # of rows in a centre's sum
        # packed rows save a sixth of each step, where there is room for them
        fits = 4 * self.side.n * self.side.d <= (self.options.memory or DEFAULT_MEMORY)
        self.keep: dict[Any, Any] | None = {} if fits and self.side.known.exact else None
        if self.kind.centre == "direction":
            norm = self.side.stat("norm")
            self.factors = np.divide(self.masses, norm, out=np.zeros(self.side.n), where=norm > 0)

    def _side(self, rows: Floats, which: str) -> Side:
        from likewise.backends.llvm.rows import measure

        name = "float32" if rows.dtype == np.float32 else "float64"
        return measure(np.ascontiguousarray(rows), name, search_statistics(self.kind.metric, which), 1)

    def rounded(self, centroids: Floats) -> Floats:
        """In the type they are given in; of unit length for a direction."""
        if self.kind.centre == "direction":
            norm = self._side(centroids, "x").stat("norm")[:, None]
            centroids = np.divide(centroids, norm, out=np.zeros_like(centroids), where=norm > 0)
        made: Floats = np.ascontiguousarray(centroids, self.dtype)
        return made

    def assign(self, centroids: Floats) -> tuple[NDArray[np.int64], Floats]:
        """The nearest centroid of each row, and what the row loses with it, times what it counts."""
        values, labels = nearest(self.side, self._side(centroids, "y"), self.kind.metric, self.options, self.keep)
        losses = self.kind.loss(values)
        if not np.isfinite(losses).all():
            row = int(np.flatnonzero(~np.isfinite(losses))[0])
            raise InputError(
                f"{self.kind.metric.name} of a row and its nearest centroid is {losses[row]} (row {row}, without those "
                "that are skipped): float64 does not hold it; scale the rows"
            )
        return labels, losses * self.masses

    def lloyd(self, centroids: Floats, max_iter: int, report: _Steps) -> KMeans:
        """Assign and centre in turn, until labels or centroids stand still."""
        labels, losses = self.assign(centroids)
        iterations = 0
        while iterations < max_iter:
            iterations += 1
            moved = self.rounded(self.centres(self.refilled(labels, losses), centroids))
            with np.errstate(over="ignore"):
                change = float(np.square(moved.astype(np.float64) - centroids).sum())
            centroids, before = moved, labels
            labels, losses = self.assign(centroids)
            report.step()
            if change <= self.still or np.array_equal(labels, before):
                break
        return KMeans(centroids, labels, float(losses.sum()), iterations)

    def refilled(self, labels: NDArray[np.int64], losses: Floats) -> NDArray[np.int64]:
        """Labels where empty clusters have a row each: of those that lose most, in clusters that keep others."""
        counts = np.bincount(labels[self.masses > 0], minlength=self.k)
        empty = np.nonzero(counts == 0)[0]
        if not len(empty):
            return labels
        labels = labels.copy()
        farthest = iter(np.argsort(-losses, kind="stable"))
        for cluster in empty:
            for row in farthest:
                if losses[row] > 0 and counts[labels[row]] > 1:
                    counts[labels[row]] -= 1
                    labels[row] = cluster
                    break
        return labels

    def centres(self, labels: NDArray[np.int64], before: Floats) -> Floats:
        """The centre of each cluster; an empty one, or one whose directions cancel, stays where it was."""
        from likewise.backends.llvm import groups

        rows = groups.members(labels, self.k)
        if self.kind.centre == "median":
            return self._medians(rows, before)
        sums = groups.sums(self.side, rows, self.factors, self.options.threads)
        if self.kind.centre == "mean":
            totals = np.bincount(labels, self.masses, self.k)[:, None]
            return np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), before)
        return np.where(sums.any(axis=1, keepdims=True), sums, before)

    def _medians(self, rows: list[NDArray[np.int64]], before: Floats) -> Floats:
        from likewise.backends.llvm import pool

        array = to_floating(Batch(self.side.rows, self.side.dtype, False, False))
        out = before.astype(np.float64)

        def one(cluster: int, first: int, step: int) -> None:
            part = array[rows[cluster], first : first + step].astype(np.float64)
            if self.mass is None:
                out[cluster, first : first + step] = np.median(part, axis=0)
            else:
                out[cluster, first : first + step] = _weighted_medians(part, self.mass[rows[cluster]])

        tasks = []
        for cluster, group in enumerate(rows):
            if self.masses[group].any():
                copies = 1 if self.mass is None else 4  # of numbers, their order, their weights, and the sums of these
                step = max(1, _MEDIAN_BYTES // (8 * copies * self.options.threads * len(group)))
                tasks += [functools.partial(one, cluster, first, step) for first in range(0, self.side.d, step)]
        pool.run(tasks, self.options.threads)
        return out

    def mean_variance(self) -> float:
        """The mean over coordinates of the variance of the rows as they are clustered."""
        from likewise.backends.llvm import groups

        everything, total = [np.arange(self.side.n)], float(self.masses.sum())
        mean = groups.sums(self.side, everything, self.factors, self.options.threads) / total
        if self.kind.centre == "direction":
            unit = float(self.masses[self.factors > 0].sum()) / total  # rows of length 1
            return max(unit - float(np.square(mean).sum()), 0.0) / self.side.d
        squares = groups.values_with_all(by_name("sqeuclidean"), self._side(mean, "x"), self.side, self.options.threads)
        return float((squares[0] * self.masses).sum()) / total / self.side.d

    def plus_plus(self, rng: np.random.Generator) -> Floats:
        """k rows, each the best of a few drawn by chance in proportion to the losses with those before.

        They are drawn from the rows in an order of their own, by what is in them. So a start does not depend on the
        order in which rows are given, nor on whether a row is given twice or weighs twice as much.
        """
        from likewise.backends.llvm import groups
        from likewise.backends.llvm.rows import take

        order, tries = np.argsort(fingerprints(self.side.rows), kind="stable"), 2 + int(np.log(self.k))
        threads = self.options.threads

        def losses(rows: NDArray[np.int64]) -> Floats:
            few = take(self.side, rows)
            return self.kind.loss(groups.values_with_all(self.kind.metric, few, self.side, threads)) * self.masses

        def drawn_by(shares: Floats, count: int) -> NDArray[np.int64]:
            with np.errstate(over="ignore", invalid="ignore"):
                rising = np.cumsum(shares[order])
            found = np.searchsorted(rising, rng.random(count) * rising[-1], side="right")
            last = np.flatnonzero(shares[order])[-1]  # rounding may go beyond it
            made: NDArray[np.int64] = order[np.minimum(found, last)]
            return made

        chosen = [int(drawn_by(self.masses, 1)[0])]
        closest = losses(np.array(chosen))[0]
        for _ in range(1, self.k):
            if closest.any():
                rows = drawn_by(closest, tries)
                after = np.minimum(losses(rows), closest)
                pick = int(np.argmin(after.sum(axis=1)))
                chosen.append(int(rows[pick]))
                closest = after[pick]
            else:  # every row is one of the chosen already
                chosen.append(chosen[0])
        picked: Floats = to_floating(Batch(self.side.rows[chosen], self.side.dtype, False, False)).astype(np.float64)
        return picked


def fingerprints(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each row, equal for equal rows: sums of their bits, mixed, times odd numbers, modulo 2^64."""
    factors = np.random.Generator(np.random.Philox(0)).integers(1 << 63, size=rows.shape[1], dtype=np.uint64) * 2 + 1
    made = np.empty(len(rows), np.uint64)
    step = max(1, (1 << 20) // max(rows.shape[1], 1))
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        whole = part.dtype.kind in "biu"
        bits = part.astype(np.uint64) if whole else (part.astype(np.float64) + 0.0).view(np.uint64)  # + 0: no -0
        bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        made[first : first + step] = ((bits ^ (bits >> np.uint64(29))) * factors).sum(axis=1, dtype=np.uint64)
    return made


def _weighted_medians(part: Floats, weights: Floats) -> Floats:
    """Of each column: where half of the weight lies on either side; the middle of such places, as of two medians."""
    order = np.argsort(part, axis=0, kind="stable")
    rising = np.cumsum(weights[order], axis=0)
    half = rising[-1] / 2
    places = np.argmax(rising >= half, axis=0), np.argmax(rising > half, axis=0)
    low, high = (np.take_along_axis(part, np.take_along_axis(order, at[None], 0), 0)[0] for at in places)
    made: Floats = low + (high - low) / 2
    return made
