"""k-means as an estimator: :func:`likewise.kmeans` with scikit-learn's parameters, attributes and methods."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from likewise.arrays import read, row_weights, to_floating
from likewise.compute import kmeans, pairwise, topk
from likewise.compute.cluster import fingerprints
from likewise.errors import InputError
from likewise.estimators.base import read_rows, threads
from likewise.estimators.metrics import resolve
from likewise.estimators.search import whole
from likewise.formula.metric import Metric
from likewise.formula.metrics import by_name
from likewise.reductions import KMeans as Clusters

Floats = NDArray[np.float64]


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Rows in k clusters, each about its centre: by squared Euclidean distance, by cosine or by Manhattan distance.

    Assignments are exact, and depend on ``random_state`` alone.

    Parameters
    ----------
    n_clusters : int
    init : {"k-means++", "random"}, array_like of shape (n_clusters, n_features), or callable
        How a start is made: by k-means++; of rows drawn at random; of the centres given; or of those that
        ``init(X, n_clusters, random_state=...)`` gives.
    n_init : "auto" or int
        Starts to try, of which the best is kept. "auto" is 10 for "random" and callables, else 1.
    max_iter : int
        Steps of a start at most.
    tol : float
        Stop when the centres move by a sum of squares of at most tol times the mean variance of a feature.
    random_state : int, RandomState or None
    metric : str or Metric
        "euclidean" or "sqeuclidean", whose centre is the mean; "cosine", the mean direction, of unit length;
        "manhattan", the median of each feature.
    n_jobs : int, optional
        Threads; default every core, but one within a worker of joblib.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray of shape (n_samples,)
        int64; the nearest centre of each row, the lowest number of several.
    inertia_ : float
        The sum over rows, weighted, of squared distances, of 1 - cosine, or of Manhattan distances.
    n_iter_ : int
    effective_metric_ : Metric
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the rows came with names.

    Examples
    --------
    >>> from likewise.estimators import KMeans
    >>> model = KMeans(2, random_state=0, metric="manhattan").fit([[0.0], [1.0], [2.0], [50.0], [51.0], [90.0]])
    >>> sorted(model.cluster_centers_.ravel().tolist()), model.inertia_
    ([1.0, 51.0], 42.0)
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        metric: Any = "euclidean",
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.metric = metric
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Cluster the rows (n_samples, n_features); ``y`` is not used.

        ``sample_weight`` (n_samples,) says what each row counts in the start, in the centres and in the inertia; rows
        of weight 0 have labels all the same. A callable ``init`` is not given the weights.
        """
        k = whole(self.n_clusters, "n_clusters")
        rows = read_rows(self, X, reset=True)
        if len(rows) < k:
            raise InputError(f"n_samples={len(rows)} should be >= n_clusters={k}.")
        self.effective_metric_ = resolve(self.metric, needed_by="KMeans")
        weights = None if sample_weight is None else row_weights(sample_weight, len(rows), "sample_weight")
        best = self._best(rows, k, weights)
        self.cluster_centers_, self.labels_, self.inertia_, self.n_iter_ = best
        self._n_features_out = k
        used = len(np.unique(best.labels if weights is None else best.labels[weights > 0]))
        if used < k:
            warnings.warn(
                f"{used} distinct clusters found, fewer than n_clusters={k}: are there equal rows in X"
                f"{', or rows of weight 0' * (weights is not None)}?",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _best(self, rows: NDArray[Any], k: int, weights: Floats | None) -> Clusters:
        """The start of least inertia."""
        random = check_random_state(self.random_state)
        by_name_ = isinstance(self.init, str)
        if by_name_ and self.init not in ("k-means++", "random"):
            raise InputError(
                f"init={self.init!r} is not known; it is 'k-means++', 'random', an array of shape "
                f"({k}, {rows.shape[1]}) or a function"
            )
        drawn = self.init == "random" if by_name_ else callable(self.init)
        if isinstance(self.n_init, str) and self.n_init == "auto":
            starts = 10 if drawn else 1
        else:
            starts = whole(self.n_init, "n_init")
        if not drawn:
            return self._run(rows, k, weights, self.init, starts, int(random.randint(2**31 - 1)))
        found: Clusters | None = None
        for _ in range(starts):
            if callable(self.init):
                init = self.init(rows, k, random_state=random)
            else:
                init = to_floating(read(rows[_drawn(random, rows, k, weights)], "X"))
            made = self._run(rows, k, weights, init, 1, 0)
            if found is None or made.inertia < found.inertia:
                found = made
        assert found is not None
        return found

    def _run(self, rows: NDArray[Any], k: int, weights: Floats | None, init: Any, starts: int, seed: int) -> Clusters:
        return kmeans(
            rows,
            k,
            metric=self.effective_metric_,
            init=init,
            weights=weights,
            n_init=starts,
            max_iter=whole(self.max_iter, "max_iter"),
            tol=self.tol,
            seed=seed,
            n_jobs=threads(self.n_jobs),
        )

    def _nearest(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        check_is_fitted(self, "cluster_centers_")
        rows = read_rows(self, X, reset=False)
        found = topk(rows, self.cluster_centers_, 1, metric=self.effective_metric_, n_jobs=threads(self.n_jobs))
        return found.values[:, 0], found.indices[:, 0]

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The number of the nearest centre of each row, the lowest of several: (n_samples,) int64."""
        return self._nearest(X)[1]

    def transform(self, X: Any) -> NDArray[Any]:
        """Each row compared with each centre, (n_samples, n_clusters): distances, or cosines for that metric."""
        check_is_fitted(self, "cluster_centers_")
        rows = read_rows(self, X, reset=False)
        made: NDArray[Any] = pairwise(
            rows, self.cluster_centers_, metric=self.effective_metric_, n_jobs=threads(self.n_jobs)
        )
        return made

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The inertia of other rows about these centres, weighted, negated."""
        losses = _losses(self._nearest(X)[0], self.effective_metric_)
        if sample_weight is not None:
            losses = losses * row_weights(sample_weight, len(losses), "sample_weight")
        return -float(losses.sum())


def _drawn(random: Any, rows: NDArray[Any], k: int, weights: Floats | None) -> NDArray[np.int64]:
    """k different rows, each as likely to come next as what it counts; where there are fewer, some again.

    Rows that are equal count together, in an order that is not theirs: so it does not matter whether one is given twice
    or weighs twice as much.
    """
    counted = np.arange(len(rows)) if weights is None else np.flatnonzero(weights)
    if len(counted) < k:
        raise InputError(f"init='random' draws n_clusters={k} rows of weight above 0, and there are {len(counted)}")
    _, first, group = np.unique(fingerprints(rows[counted]), return_index=True, return_inverse=True)
    counts = np.bincount(group, None if weights is None else weights[counted])
    waits = random.exponential(size=len(first)) / counts  # the first of several clocks to ring, of those rates
    order = counted[first[np.argsort(waits, kind="stable")]]
    return np.resize(order, k)


def _losses(values: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """What rows add to the inertia, from their metric's values: as :func:`likewise.kmeans` has it."""
    if metric == by_name("euclidean"):
        return np.square(values)
    return np.maximum(1.0 - values, 0.0) if metric.closer == "larger" else values
