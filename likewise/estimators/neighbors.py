"""Nearest neighbours by any metric: classify, regress, or make the graph that other estimators go on with.

Parameters, attributes and answers are those of ``sklearn.neighbors``. Neighbours are exact: what float64 arithmetic
gives, ties to the row fitted first (scikit-learn's brute force takes any of those that tie at the k-th place), ties of
votes to the smallest label. A similarity (dot, cosine, a kernel) works as a distance does: its neighbours are the
largest, and what is called distances are its values. The n x m matrix is never made.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from likewise.compute.sides import name_rows
from likewise.errors import InputError
from likewise.estimators.base import WORKING_BYTES
from likewise.estimators.metrics import resolve
from likewise.estimators.search import Floats, Integers, KNeighbours, RadiusNeighbours, csr_graph, whole
from likewise.estimators.votes import Labelled, check_weights, count_votes, neighbour_weights
from likewise.reductions import Within


class KNeighborsClassifier(ClassifierMixin, Labelled, KNeighbours):
    """Classify by the labels of the k nearest neighbours, by any metric.

    Parameters
    ----------
    n_neighbors : int
    weights : {"uniform", "distance"} or callable
        What a neighbour's vote counts: 1; one over its distance, or its similarity where the metric is one, which must
        not be negative; or what a function makes of the (n_queries, n_neighbors) values.
    metric : str, Metric or callable
        Any name of ``lw.metrics``, a metric, or a Python formula of two numbers.
    metric_params : dict, optional
        Parameters of a named metric.
    n_jobs : int, optional
        Threads; default every core, but one within a worker of joblib. Answers do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several outputs
    effective_metric_ : Metric
    n_samples_fit_, n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the rows came with names.
    outputs_2d_ : bool

    Notes
    -----
    Rows are copied by ``fit``. From the second search on they are prepared: see :func:`likewise.prepare`.

    Examples
    --------
    >>> from likewise.estimators import KNeighborsClassifier
    >>> model = KNeighborsClassifier(1, metric=lambda x, y: abs(x - y) ** 1.5)
    >>> model.fit([[0.0], [1.0], [9.0]], ["low", "low", "high"]).predict([[6.0]])
    array(['high'], dtype='<U4')
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> KNeighborsClassifier:
        """Keep the rows (n, n_features) and their labels (n,) or (n, n_outputs)."""
        whole(self.n_neighbors, "n_neighbors")
        check_weights(self.weights)
        self._fit_labels(self._fit_rows(X, y, multi_output=True))
        return self

    def _voted(self, X: Any) -> Iterator[tuple[slice, list[Floats]]]:
        """Votes for each class of each output, some queries at a time."""
        values, indices = self.kneighbors(X)
        n, k = indices.shape
        weights = neighbour_weights(self.weights, values, self.effective_metric_)
        sizes = [len(classes) for classes in self._class_lists]
        step = max(1, WORKING_BYTES // (24 * (max(sizes) + k)))  # counted in whole numbers, then in floats
        for first in range(0, n, step):
            here = slice(first, min(first + step, n))
            count = here.stop - first
            rows = np.repeat(np.arange(count), k)
            some = None if weights is None else weights[here]
            found = indices[here].ravel()
            yield here, [count_votes(rows, self._codes[found, i], some, count, size) for i, size in enumerate(sizes)]

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of most votes, the smallest of several: (n_queries,) or (n_queries, n_outputs).

        None for X classifies each fitted row by the others.
        """
        numbers = [[votes.argmax(axis=1) for votes in outputs] for _, outputs in self._voted(X)]
        return self._labels([np.concatenate(column) for column in zip(*numbers, strict=True)])

    def predict_proba(self, X: Any) -> Any:
        """Each class's share of the votes: (n_queries, n_classes), or a list of these for several outputs."""
        parts = [outputs for _, outputs in self._voted(X)]
        shares = [np.concatenate(column) for column in zip(*parts, strict=True)]
        for votes in shares:
            votes /= votes.sum(axis=1, keepdims=True)
        return shares if self.outputs_2d_ else shares[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KNeighborsRegressor(RegressorMixin, KNeighbours):
    """The mean target of the k nearest neighbours, by any metric.

    Parameters
    ----------
    n_neighbors, weights, metric, metric_params, n_jobs
        As for :class:`KNeighborsClassifier`.

    Examples
    --------
    >>> from likewise.estimators import KNeighborsRegressor
    >>> KNeighborsRegressor(2, metric="manhattan").fit([[0.0], [1.0], [9.0]], [0.0, 1.0, 9.0]).predict([[0.4]])
    array([0.5])
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> KNeighborsRegressor:
        """Keep the rows (n, n_features) and their targets (n,) or (n, n_outputs)."""
        whole(self.n_neighbors, "n_neighbors")
        check_weights(self.weights)
        self._y = np.array(self._fit_rows(X, y, multi_output=True, y_numeric=True))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The mean, weighted, of the neighbours' targets: (n_queries,) or (n_queries, n_outputs), float64.

        None for X predicts each fitted row by the others.
        """
        values, indices = self.kneighbors(X)
        weights = neighbour_weights(self.weights, values, self.effective_metric_)
        targets = self._y.reshape(len(self._y), -1)
        n, k = indices.shape
        made = np.empty((n, targets.shape[1]))
        step = max(1, WORKING_BYTES // (16 * k * targets.shape[1]))
        for first in range(0, n, step):
            here = slice(first, first + step)
            found = targets[indices[here]]  # (queries, k, outputs)
            if weights is None:
                made[here] = found.mean(axis=1, dtype=np.float64)
            else:
                w = weights[here][:, :, None]
                made[here] = (found * w).sum(axis=1) / w.sum(axis=1)
        return made if self._y.ndim == 2 else made.ravel()


class KNeighborsTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, KNeighbours):
    """Rows -> the graph of their k nearest neighbours, for estimators that take precomputed ones, by any metric.

    ``TSNE(metric="precomputed")``, ``SpectralClustering(affinity="precomputed_nearest_neighbors")``, ``DBSCAN`` and
    others go on from there, so that they work by any metric, and without the n x n matrix.

    Parameters
    ----------
    mode : {"distance", "connectivity"}
        What an entry holds: the distance, one neighbour more than ``n_neighbors`` being kept, since a fitted row is its
        own first (the diagonal is stored); or 1. Of a similarity there is "connectivity" alone.
    n_neighbors, metric, metric_params, n_jobs
        As for :class:`KNeighborsClassifier`.

    Examples
    --------
    >>> from likewise.estimators import KNeighborsTransformer
    >>> graph = KNeighborsTransformer(n_neighbors=1, metric="manhattan").fit_transform([[0.0], [1.0], [9.0]])
    >>> graph.toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 8., 0.]])
    """

    def __init__(
        self,
        *,
        mode: str = "distance",
        n_neighbors: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> KNeighborsTransformer:
        """Keep the rows (n, n_features)."""
        whole(self.n_neighbors, "n_neighbors")
        if self.mode not in ("connectivity", "distance"):
            raise InputError(f"mode={self.mode!r} is not known; it is 'connectivity' or 'distance'")
        if self.mode == "distance":
            resolve(
                self.metric,
                self.metric_params,
                closer="smaller",
                needed_by="KNeighborsTransformer(mode='distance')",
            )
        self._fit_rows(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X: Any) -> Any:
        """The graph of the rows' neighbours among the fitted: CSR of shape (n_queries, n_samples_fit)."""
        check_is_fitted(self, "_shelf")
        values, indices = self.kneighbors(X, int(self.n_neighbors) + (self.mode == "distance"))
        return self._made(values, indices)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """The graph of the rows among themselves.

        With ``mode="distance"`` each row comes first in its own list, at 0, even where others are equal to it.
        """
        self.fit(X)
        if self.mode == "connectivity":
            return self.transform(X)
        values, indices = self._nearest(None, int(self.n_neighbors))
        own = np.arange(self.n_samples_fit_)[:, None]
        return self._made(np.hstack([np.zeros(own.shape), values]), np.hstack([own, indices]))

    def _made(self, values: Floats, indices: Integers) -> Any:
        """The graph: rows by rising distance, as those who read it expect."""
        n, k = indices.shape
        offsets, shape = np.arange(0, n * k + 1, k), (n, self.n_samples_fit_)
        if self.mode == "connectivity":
            return csr_graph(np.ones(n * k), indices.ravel(), offsets, shape)
        if (values < 0).any():
            raise InputError(
                f"{self.effective_metric_.name} is negative for some pairs (down to {values.min():g}); a graph of "
                "distances has none below 0: pass mode='connectivity', or another metric"
            )
        order = np.argsort(values, axis=1, kind="stable")  # what is ordered by squares may have roots an ulp apart
        values, indices = np.take_along_axis(values, order, 1), np.take_along_axis(indices, order, 1)
        return csr_graph(values.ravel(), indices.ravel(), offsets, shape)


class RadiusNeighborsClassifier(ClassifierMixin, Labelled, RadiusNeighbours):
    """Classify by the labels of all neighbours within a radius, by any metric.

    Parameters
    ----------
    radius : float
        In the metric's units: at most that far, or for a similarity at least that alike. The boundary belongs to it.
    weights, metric, metric_params, n_jobs
        As for :class:`KNeighborsClassifier`; a function of weights gets the values of one query's neighbours.
    outlier_label : label, list of them (one an output), "most_frequent" or None
        What a row without neighbours is: a label, new or known; the most frequent one; None raises.

    Attributes
    ----------
    classes_, effective_metric_, n_samples_fit_, n_features_in_, outputs_2d_
        As for :class:`KNeighborsClassifier`.
    outlier_label_ : list, or None
        One label an output.

    Examples
    --------
    >>> from likewise.estimators import RadiusNeighborsClassifier
    >>> model = RadiusNeighborsClassifier(2.0, metric="manhattan", outlier_label=-1)
    >>> model.fit([[0.0], [1.0], [9.0]], [0, 0, 1]).predict([[8.0], [5.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        radius: float = 1.0,
        *,
        weights: Any = "uniform",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        outlier_label: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.metric = metric
        self.metric_params = metric_params
        self.outlier_label = outlier_label
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> RadiusNeighborsClassifier:
        """Keep the rows (n, n_features) and their labels (n,) or (n, n_outputs)."""
        self._radius(None)
        check_weights(self.weights)
        self._fit_labels(self._fit_rows(X, y, multi_output=True))
        self.outlier_label_ = self._outlier_labels()
        return self

    def _outlier_labels(self) -> list[Any] | None:
        lists = self._class_lists
        if self.outlier_label is None:
            return None
        if isinstance(self.outlier_label, str) and self.outlier_label == "most_frequent":
            return [classes[np.bincount(self._codes[:, i]).argmax()] for i, classes in enumerate(lists)]
        given = self.outlier_label
        labels = list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given] * len(lists)
        if len(labels) != len(lists):
            raise InputError(f"outlier_label={given!r} has {len(labels)} labels; there are {len(lists)} outputs")
        for classes, label in zip(lists, labels, strict=True):
            kinds = np.asarray(label).dtype.kind, classes.dtype.kind
            alike = kinds[0] == kinds[1] or set(kinds) <= set("iub") or kinds[1] == "O"
            if np.ndim(label) or not alike:
                raise InputError(f"outlier_label={label!r} is no label of the kind of y, whose classes are {classes}")
        return labels

    def _voted(self, X: Any) -> Iterator[tuple[list[Floats], NDArray[np.bool_]]]:
        """(votes for each class of each output, rows without neighbours), some queries at a time."""
        queries = self._read_queries(X)
        sizes = [len(classes) for classes in self._class_lists]
        for here, found in self._within_by_parts(queries, self._radius(None), max(sizes)):
            counts = np.diff(found.offsets)
            alone = counts == 0
            if alone.any() and self.outlier_label_ is None:
                raise InputError(
                    f"No neighbors found for {name_rows(here.start + np.flatnonzero(alone))} of X within radius "
                    f"{self._radius(None):g} by {self.effective_metric_.name}; "
                    "pass another radius, or outlier_label= for such rows"
                )
            rows = np.repeat(np.arange(len(counts)), counts)
            weights = self._weights(found)
            codes = self._codes[found.indices]
            yield [count_votes(rows, codes[:, i], weights, len(counts), size) for i, size in enumerate(sizes)], alone

    def _weights(self, found: Within) -> Floats | None:
        if self.weights is None or (isinstance(self.weights, str) and self.weights == "uniform"):
            return None
        lines = [found.values[a:b] for a, b in itertools.pairwise(found.offsets) if a < b]
        made = [neighbour_weights(self.weights, line, self.effective_metric_) for line in lines]
        return np.concatenate([np.empty(0), *(one for one in made if one is not None)])

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of most votes, the smallest of several; ``outlier_label`` where nobody votes.

        (n_queries,) or (n_queries, n_outputs). None for X classifies each fitted row by the others.
        """
        parts = [([votes.argmax(axis=1) for votes in outputs], alone) for outputs, alone in self._voted(X)]
        alone = np.concatenate([some for _, some in parts])
        numbers = [np.concatenate(column) for column in zip(*(some for some, _ in parts), strict=True)]
        made = self._labels(numbers)
        if not alone.any() or self.outlier_label_ is None:
            return made
        made = made.astype(np.result_type(made.dtype, *(np.asarray(label).dtype for label in self.outlier_label_)))
        made[alone] = self.outlier_label_ if self.outputs_2d_ else self.outlier_label_[0]
        return made

    def predict_proba(self, X: Any) -> Any:
        """Each class's share of the votes: (n_queries, n_classes), or a list of these for several outputs.

        A row without neighbours is all of its ``outlier_label``, and 0 throughout where that is no class.
        """
        parts = list(self._voted(X))
        alone = np.concatenate([some for _, some in parts])
        shares = [np.concatenate(column) for column in zip(*(outputs for outputs, _ in parts), strict=True)]
        for i, (votes, classes) in enumerate(zip(shares, self._class_lists, strict=True)):
            if alone.any() and self.outlier_label_ is not None:
                known = classes == self.outlier_label_[i]
                votes[np.ix_(alone, known)] = 1.0
                if not known.any():
                    warnings.warn(
                        f"outlier_label {self.outlier_label_[i]!r} is not among the classes: rows without neighbours "
                        "have probability 0 of each",
                        UserWarning,
                        stacklevel=2,
                    )
            total = votes.sum(axis=1, keepdims=True)
            votes /= np.where(total == 0, 1.0, total)
        return shares if self.outputs_2d_ else shares[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = False
        return tags
