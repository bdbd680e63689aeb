"""One space turned onto another, so that what means the same lies in the same direction.

Given pairs of rows x_i, y_i, the rotation R that brings them closest (orthogonal Procrustes, Schoenemann 1966):

    min over R of sum |x_i R - y_i|^2,  R^T R = I     =>     R = P Q^T,   X^T Y = P diag(c) Q^T   (SVD)

around which Artetxe, Labaka & Agirre (2018, AAAI) put steps, all linear:

    prepare    unit length, centring, unit length again
    whiten     x W,  W = (X^T X / n)^(-1/2): all directions vary alike
    rotate     x P and y Q: onto common axes, the k-th of which correlates by c_k
    re-weight  axis k times c_k^reweight, on both sides: those that correlate count most
    de-whiten  times P^T W^-1 P, and Q^T V^-1 Q: as they varied before

Where only a few pairs are known (a seed dictionary), the map they give finds more: pairs of rows that are each other's
nearest by CSLS make the next map, and so on (self-learning; Artetxe et al. 2017, Conneau et al. 2018).
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise
from likewise.compute.options import Progress
from likewise.errors import InputError, ShapeError
from likewise.translate.estimator import Model
from likewise.translate.retrieval import read_number, retrieve
from likewise.translate.rows import Floats, Options, dense_rows, same_number
from likewise.vectors import normalize_array


class _Axes(NamedTuple):
    """A side's half of the map: rows are multiplied by ``map``; ``common`` are its common axes."""

    map: Floats
    common: Floats


class Alignment(Model):
    """Turns the rows of one space onto those of another.

    Parameters
    ----------
    unit : bool, default True
        Rows are scaled to unit length (before centring and after): only directions count.
    center : bool, default True
        The mean of the rows that ``fit`` saw is subtracted, on each side.
    whiten : bool, default False
        Directions that vary little count as much as others.
    reweight : float, default 0
        The power of the correlation by which each common axis counts; 0.5 is usual with ``whiten``.
    dewhiten : bool, default False
        Undo the whitening, after the rotation.
    dimensions : int, optional
        Keep only so many common axes, those that correlate most.
    regularization : float, default 1e-6
        Of whitening: this share of the mean variance is added to that of each direction.

    Attributes
    ----------
    matrix_ : ndarray of shape (d1, e)
        What prepared source rows are multiplied by; without whitening, re-weighting and ``dimensions``, the rotation R.
    target_matrix_ : ndarray of shape (d2, e)
        The same of targets; the identity there, unless d1 < d2.
    correlations_ : ndarray
        How strongly the pairs vary together along each common axis, falling: c. (Without whitening, covariances.)
    rank_ : int
        How many of these are not zero. Fewer than min(d1, d2): the pairs do not determine the whole rotation.
    pairs_ : ndarray of shape (p, 2)
        After :meth:`fit_dictionary`: the pairs of the last round.

    Examples
    --------
    A rotation is found again, from ten pairs:

    >>> import numpy as np, likewise as lw
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((10, 4))
    >>> rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    >>> found = lw.translate.Alignment(unit=False, center=False).fit(x, x @ rotation)
    >>> bool(np.allclose(found.matrix_, rotation))
    True
    """

    _saved: ClassVar[tuple[str, ...]] = (
        "matrix_",
        "target_matrix_",
        "mean_",
        "target_mean_",
        "correlations_",
        "rank_",
        "pairs_",
    )

    def __init__(
        self,
        *,
        unit: bool = True,
        center: bool = True,
        whiten: bool = False,
        reweight: float = 0.0,
        dewhiten: bool = False,
        dimensions: int | None = None,
        regularization: float = 1e-6,
    ) -> None:
        self.unit = unit
        self.center = center
        self.whiten = whiten
        self.reweight = reweight
        self.dewhiten = dewhiten
        self.dimensions = dimensions
        self.regularization = regularization

    # ---- fitting

    def fit(self, x: Any, y: Any) -> Alignment:
        """Learn from pairs: row i of x (n, d1) belongs with row i of y (n, d2)."""
        a, b = dense_rows(x, "x"), dense_rows(y, "y")
        same_number(a, b, "x", "y")
        self._prepare(a, b)
        self.pairs_: NDArray[np.int64] = np.column_stack([np.arange(len(a))] * 2)
        self._solve(self._prepared(a, self.mean_), self._prepared(b, self.target_mean_))
        return self

    def fit_dictionary(
        self,
        x: Any,
        y: Any,
        pairs: Any,
        *,
        rounds: int = 20,
        neighbours: int = 10,
        rows: int | None = None,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> Alignment:
        """Learn from a few pairs, and then from those that the map itself finds.

        Each round takes the pairs of rows that are mutually nearest by CSLS under the last map, and fits anew. It ends
        when a round finds the same pairs as the one before, or after ``rounds``.

        Parameters
        ----------
        x, y : array_like of shape (n, d1) and (m, d2)
            All rows of both spaces.
        pairs : array_like of int, of shape (p, 2)
            Row numbers (of x, of y) that belong together: the seed.
        rounds : int, default 20
            0 fits the seed and no more.
        neighbours : int, default 10
            Of CSLS.
        rows : int, optional
            Look for pairs among the first so many of either: the most frequent words, where rows are in that order.
        n_jobs, memory_limit, progress
            See :mod:`likewise.compute`; progress counts rounds.
        """
        a, b = dense_rows(x, "x"), dense_rows(y, "y")
        seed = _read_pairs(pairs, len(a), len(b))
        rounds, options = read_number("rounds", rounds, least=0), Options(progress=progress)
        most = max(len(a), len(b)) if rows is None else read_number("rows", rows)
        self._prepare(a, b)
        a, b = self._prepared(a, self.mean_), self._prepared(b, self.target_mean_)
        self._solve(a[seed[:, 0]], b[seed[:, 1]], spanned=rounds > 0)
        self.pairs_ = seed
        for done in range(rounds):
            found = mutual_nearest(
                times(a[:most], self.matrix_),
                times(b[:most], self.target_matrix_),
                neighbours=neighbours,
                n_jobs=n_jobs,
                memory_limit=memory_limit,
            )
            if not len(found):
                raise InputError("no two rows are nearest to each other under the seed's map; give more pairs")
            options.report(done + 1, rounds)
            same = np.array_equal(found, self.pairs_)
            self.pairs_ = found
            self._solve(a[found[:, 0]], b[found[:, 1]])
            if same:
                break
        return self

    def _prepare(self, a: Floats, b: Floats) -> None:
        """Learn the means."""
        for rows, name in ((a, "x"), (b, "y")):
            if not len(rows):
                raise InputError(f"{name} has no rows; at least one pair is wanted")
        means = []
        for rows in (a, b):
            plain = normalize_array(rows) if self.unit else rows
            means.append(plain.mean(axis=0) if self.center else np.zeros(rows.shape[1]))
        self.mean_, self.target_mean_ = means

    def _prepared(self, rows: Floats, mean: Floats) -> Floats:
        if self.unit:
            rows = normalize_array(rows)
        if self.center:
            rows = rows - mean
            return normalize_array(rows) if self.unit else rows
        return rows

    def _solve(self, a: Floats, b: Floats, *, spanned: bool = False) -> None:
        """The map of prepared pairs; ``spanned``: what they say nothing about goes to zero."""
        n = len(a)
        white_a, white_b = (self._whitening(rows) for rows in (a, b))
        cross = (a @ white_a[0]).T @ (b @ white_b[0]) / n
        p, c, qt = np.linalg.svd(cross)
        width = min(cross.shape)
        p, q, c = p[:, :width], qt[:width].T, c[:width]
        self.correlations_ = c
        self.rank_ = int((c > c[0] * max(cross.shape) * np.finfo(float).eps).sum()) if c[0] > 0 else 0
        if self.rank_ == 0:
            raise InputError(
                "the pairs do not vary together at all: all rows of one side are zero, or equal, or there is one pair "
                "and center=True; give more pairs"
            )
        most = width if self.dimensions is None else read_number("dimensions", self.dimensions)
        keep = min(width, most, self.rank_ if spanned or self.reweight or self.whiten else width)
        maps = [self._half(white, axes[:, :keep], c[:keep]) for white, axes in ((white_a, p), (white_b, q))]
        if self.dimensions is None:  # common axes turned back to the target's own: cosines stay
            maps = [half @ q[:, :keep].T for half in maps]
        self.matrix_, self.target_matrix_ = maps

    def _half(self, white: tuple[Floats, Floats], axes: Floats, c: Floats) -> Floats:
        whitening, back = white
        found = (whitening @ axes) * c**self.reweight
        return found @ (axes.T @ back @ axes) if self.whiten and self.dewhiten else found

    def _whitening(self, rows: Floats) -> tuple[Floats, Floats]:
        """W = (X^T X / n + r I)^(-1/2), and its inverse; directions without variance go to zero."""
        d = rows.shape[1]
        if not self.whiten:
            return np.eye(d), np.eye(d)
        values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
        some = values > values[-1] * d * np.finfo(float).eps
        root = np.sqrt(np.where(some, values, 0) + self.regularization * values.mean())
        inverse = np.divide(1, root, out=np.zeros(d), where=some & (root > 0))
        return (vectors * inverse) @ vectors.T, (vectors * np.where(some, root, 0)) @ vectors.T

    # ---- use

    def transform(self, x: Any) -> Floats:
        """Source rows (n, d1) in the shared space, (n, e): to be compared with :meth:`transform_target`."""
        self._check_fitted()
        return self._apply(x, "x", self.mean_, self.matrix_)

    def transform_target(self, y: Any) -> Floats:
        """Target rows (m, d2) in the shared space, (m, e)."""
        self._check_fitted()
        return self._apply(y, "y", self.target_mean_, self.target_matrix_)

    def inverse_transform(self, z: Any) -> Floats:
        """Rows of the shared space, (n, e), back in the source's, (n, d1).

        What :meth:`transform` was given, where the map loses nothing (e >= d1); with ``unit`` as it was prepared, of
        length 1 and about the mean, since its own length is gone.
        """
        self._check_fitted()
        rows = dense_rows(z, "z")
        if rows.shape[1] != self.matrix_.shape[1]:
            raise ShapeError(f"z has shape {rows.shape}; the shared space has {self.matrix_.shape[1]} coordinates")
        back = times(rows, np.asarray(np.linalg.pinv(self.matrix_)))
        return back if self.unit else back + self.mean_

    def _apply(self, value: Any, name: str, mean: Floats, matrix: Floats) -> Floats:
        rows = dense_rows(value, name)
        if rows.shape[1] != len(matrix):
            raise ShapeError(f"{name} has shape {rows.shape}; rows of {len(matrix)} coordinates were fitted")
        return times(self._prepared(rows, mean), matrix)


def mutual_nearest(
    x: Any,
    y: Any,
    *,
    method: str = "csls",
    neighbours: int = 10,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
) -> NDArray[np.int64]:
    """Pairs of rows each of which is the other's nearest: (p, 2) row numbers, in the order of x.

    >>> mutual_nearest([[1.0, 0.0], [0.9, 0.1]], [[0.0, 1.0], [1.0, 0.0]], method="nearest")
    array([[0, 1]])
    """
    options: dict[str, Any] = {"neighbours": neighbours, "n_jobs": n_jobs, "memory_limit": memory_limit}
    there = retrieve(x, y, 1, method=method, **options).indices[:, 0]
    back = retrieve(y, x, 1, method=method, **options).indices[:, 0]
    rows = np.flatnonzero((there >= 0) & (back[there] == np.arange(len(there))))
    return np.column_stack([rows, there[rows]])


def times(rows: Floats, matrix: Floats) -> Floats:
    """A matrix product whose bits do not depend on how many rows there are, as those of BLAS do."""
    if not len(rows):
        return np.empty((0, matrix.shape[1]))
    return np.asarray(pairwise(rows, np.ascontiguousarray(matrix.T), metric="dot"))


def _read_pairs(pairs: Any, n: int, m: int) -> NDArray[np.int64]:
    found = np.asarray(pairs)
    if found.ndim != 2 or found.shape[1] != 2 or found.dtype.kind not in "iu":
        raise InputError(
            f"pairs has shape {found.shape} of {found.dtype}; row numbers (of x, of y) are wanted, of shape (p, 2)"
        )
    if not len(found):
        raise InputError("pairs is empty; at least one pair is wanted")
    for column, rows, name in ((0, n, "x"), (1, m, "y")):
        if found[:, column].min() < 0 or found[:, column].max() >= rows:
            raise InputError(f"pairs names a row of {name} outside 0 to {rows - 1}")
    return found.astype(np.int64)
