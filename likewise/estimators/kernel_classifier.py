"""A support vector machine under any kernel: exact for some thousand rows, by landmarks for more."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from likewise.arrays import row_weights
from likewise.errors import InputError
from likewise.estimators.base import read_rows
from likewise.estimators.gram import Matrix, check_kernel_matrix, gram_matrix, kernel_sum
from likewise.estimators.landmarks import choose_landmarks
from likewise.estimators.metrics import resolve
from likewise.estimators.polish import polish
from likewise.estimators.primal import Features, fit_linear, floor_for
from likewise.estimators.settings import choice, limit, number, reporter, room_for_gram, whole

#: Rows up to which "auto" solves exactly: 200 MB, a second or so.
EXACT_ROWS = 5_000
_NEWTON_STEPS = 50
#: libsvm cannot be interrupted, and need not end where values are large (a polynomial of 50 x.y of degree 9): so many
#: steps take 24 s of 3,000 rows then. The first 5,000 rows of a9a take 119,000 at C = 100,000, in a second.
_LIBSVM_STEPS = 1_000_000
#: Support vectors up to which the exact machine is polished: less than libsvm's own time.
_MOST_POLISHED = 2_000


class KernelClassifier(ClassifierMixin, BaseEstimator):
    """A support vector machine: the widest margin in the space of a kernel, one class against one.

    ``solver="exact"`` is libsvm's algorithm, by ``sklearn.svm.SVC``, on the Gram matrix that likewise makes; its result
    is then solved to the last digits (:mod:`likewise.estimators.polish`), where it has at most 2,000 support vectors.
    ``solver="nystroem"`` approximates twice: the kernel by its projection on ``n_components`` of the rows
    (:mod:`likewise.estimators.landmarks`), and the corner of the hinge loss by a parabola from -1/4 to 1/4
    (:mod:`likewise.estimators.primal`). Its time grows with the number of rows, not with their square, and it predicts
    from the landmarks alone. More landmarks bring it nearer to the exact machine.

    Parameters
    ----------
    C : float
        What a violated margin costs, above 0.
    metric : str, Metric or callable
        A kernel: a name of ``lw.metrics``, a metric, or a formula of two numbers (larger is closer).
    metric_params : mapping, optional
        Parameters of a named one; gamma is 1/d by default. What ``SVC`` calls "scale" is ``1 / (d * X.var())``.
    solver : {"auto", "exact", "nystroem"}
        "auto": exact up to 5,000 rows.
    n_components : int
        Landmarks of "nystroem".
    class_weight : dict or "balanced", optional
        Factors of C by class; "balanced" for n / (classes * rows of the class).
    decision_function_shape : {"ovr", "ovo"}
        As in ``SVC``: a column a class, or a column a pair of classes.
    tol : float
        Where to stop: as in ``SVC``; of "nystroem", where a Newton step promises less than this share of the objective.
    max_iter : int
        Of each machine: -1 for 1,000,000 steps of libsvm ("exact") and 50 Newton steps ("nystroem"). Where they do not
        suffice there is a ConvergenceWarning.
    memory_limit : int or str, optional
        What the Gram matrix or the features may take; default 2 GiB. Features beyond it are made again in each step.
    random_state : int, RandomState instance or None
        Draws the landmarks.
    progress : bool or callable, optional
        True for a line on standard error; or a function of machines done and machines in all.
    n_jobs : int, optional
        Threads; default every core.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
    solver_ : str
    support_ : ndarray of int
        Rows that the machine is made of; for "nystroem" the landmarks.
    support_vectors_ : ndarray or CSR matrix
        These rows.
    coef_ : ndarray of shape (rows of support_, pairs of classes)
        What each counts in each machine.
    intercept_ : ndarray of shape (pairs of classes,)
    n_support_ : ndarray of shape (classes,)
        Support vectors of each class; of "exact" only.
    n_iter_ : ndarray of shape (pairs of classes,)

    Examples
    --------
    >>> from likewise.estimators import KernelClassifier
    >>> xor = [[0, 0], [1, 1], [0, 1], [1, 0]]
    >>> KernelClassifier(metric="polynomial", metric_params={"degree": 2}, C=100).fit(xor, [0, 0, 1, 1]).predict(xor)
    array([0, 0, 1, 1])
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        metric: Any = "rbf",
        metric_params: Mapping[str, Any] | None = None,
        solver: str = "auto",
        n_components: int = 500,
        class_weight: Any = None,
        decision_function_shape: str = "ovr",
        tol: float = 1e-3,
        max_iter: int = -1,
        memory_limit: int | str | None = None,
        random_state: Any = None,
        progress: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.metric = metric
        self.metric_params = metric_params
        self.solver = solver
        self.n_components = n_components
        self.class_weight = class_weight
        self.decision_function_shape = decision_function_shape
        self.tol = tol
        self.max_iter = max_iter
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.progress = progress
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KernelClassifier:
        """Find the margins.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        y : array_like of shape (n,)
            Labels of at least two classes.
        sample_weight : array_like of shape (n,), or a number, optional
            Factors of C by row; a row of weight 0 is left out.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For a distance in the place of a kernel, and for fewer than two classes.
        """
        metric = resolve(self.metric, self.metric_params, closer="larger", needed_by="KernelClassifier")
        C = number("C", self.C, above=0)
        solver = choice("solver", self.solver, ("auto", "exact", "nystroem"))
        choice("decision_function_shape", self.decision_function_shape, ("ovr", "ovo"))
        rows, labels = read_rows(self, X, y, reset=True, accept_sparse=True)
        check_classification_targets(labels)
        weights = np.ones(rows.shape[0])
        if sample_weight is not None:
            weights = row_weights(sample_weight, rows.shape[0], "sample_weight")
        used = np.flatnonzero(weights > 0)
        if len(used) < rows.shape[0]:
            rows, labels, weights = rows[used], labels[used], weights[used]
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"the number of classes has to be greater than one; y has {len(self.classes_)} class among the rows of "
                "weight above 0"
            )
        weights = weights * self._class_weights(numbers, weights)[numbers]
        if solver == "auto":
            fits = 8 * len(numbers) ** 2 <= limit(self.memory_limit)
            solver = "exact" if len(numbers) <= EXACT_ROWS and fits else "nystroem"
        self._metric, self.solver_ = metric, solver
        solve = self._fit_exact if solver == "exact" else self._fit_nystroem
        self.support_: NDArray[np.int64] = used[solve(rows, numbers, C * weights)]
        return self

    def _class_weights(self, numbers: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The factor of each class."""
        k = len(self.classes_)
        if self.class_weight is None:
            return np.ones(k)
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            return np.asarray(weights.sum() / (k * np.bincount(numbers, weights, k)))
        if not isinstance(self.class_weight, Mapping):
            raise InputError(f"class_weight={self.class_weight!r} is not known; it is 'balanced' or a dict by class")
        labels = self.classes_.tolist()
        unknown = [label for label in self.class_weight if label not in labels]
        if unknown and any(label not in self.class_weight for label in labels):
            raise InputError(
                f"class_weight names {unknown[0]!r}, which is no class of y: these are {', '.join(map(repr, labels))}"
            )
        given = [self.class_weight.get(label, 1.0) for label in labels]
        return np.array([number("class_weight", value, above=0) for value in given])

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """The classes of each machine: decisions above 0 are for the first."""
        return iter([(1, 0)]) if len(self.classes_) == 2 else combinations(range(len(self.classes_)), 2)

    # ------------------------------------------------------------------------------------------------ exact

    def _fit_exact(self, rows: Any, numbers: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
        n = len(numbers)
        room_for_gram(n, self.memory_limit, 1, "use solver='nystroem', which makes none, or give more")
        most = _LIBSVM_STEPS if self.max_iter == -1 else whole("max_iter", self.max_iter, least=1)
        machine = SVC(C=1.0, kernel="precomputed", tol=number("tol", self.tol, above=0), max_iter=most)
        K = gram_matrix(self._metric, rows, n_jobs=self.n_jobs)
        check_kernel_matrix(self._metric, K)
        machine.fit(K, numbers, sample_weight=costs)
        first, self.intercept_, self.n_iter_ = machine.support_, np.array(machine.intercept_), machine.n_iter_
        coefficients = np.zeros((n, len(self.intercept_)))
        coefficients[first] = self._columns(machine.dual_coef_, numbers[first])
        for k, (i, j) in enumerate(self._pairs()):
            of_pair = np.flatnonzero((numbers == i) | (numbers == j))
            own, y = coefficients[of_pair, k], np.where(numbers[of_pair] == i, 1.0, -1.0)
            if np.count_nonzero(own) <= _MOST_POLISHED:
                part = K if len(of_pair) == n else K[np.ix_(of_pair, of_pair)]
                coefficients[of_pair, k], self.intercept_[k] = polish(
                    part, y, costs[of_pair], own, float(self.intercept_[k])
                )
        used = np.flatnonzero(coefficients.any(axis=1))
        support = used[np.argsort(numbers[used], kind="stable")]  # class by class, as in SVC
        self.support_vectors_, self.coef_ = rows[support], coefficients[support]
        self.n_support_ = np.bincount(numbers[support], minlength=len(self.classes_))
        return support

    def _columns(self, dual: Matrix, of_class: NDArray[np.int64]) -> Matrix:
        """libsvm's table of coefficients, a column a machine: row j - 1 has those of class i < j against j."""
        if len(self.classes_) == 2:
            return np.ascontiguousarray(dual.T)
        columns = np.zeros((len(of_class), len(self.intercept_)))
        for machine, (i, j) in enumerate(self._pairs()):
            columns[of_class == i, machine] = dual[j - 1, of_class == i]
            columns[of_class == j, machine] = dual[i, of_class == j]
        return columns

    # ------------------------------------------------------------------------------------------------ landmarks

    def _fit_nystroem(self, rows: Any, numbers: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
        tol, count = number("tol", self.tol, above=0), whole("n_components", self.n_components, least=1)
        most = _NEWTON_STEPS if self.max_iter == -1 else whole("max_iter", self.max_iter, least=1)
        random, report = check_random_state(self.random_state), reporter(self.progress)
        landmarks = choose_landmarks(self._metric, rows, count, random, floor=floor_for(rows), n_jobs=self.n_jobs)
        features = Features.of(landmarks, rows, limit(self.memory_limit))
        pairs = list(self._pairs())
        found = []
        for done, (i, j) in enumerate(pairs):
            report(done, len(pairs))
            two = features
            of_pair = np.flatnonzero((numbers == i) | (numbers == j))
            if len(pairs) > 1:
                two = features.take(of_pair)
            y = np.where(numbers[of_pair] == i, 1.0, -1.0)
            found.append(fit_linear(two, y, costs[of_pair], random, tol=tol, max_iter=most))
        report(len(pairs), len(pairs))
        if not all(one.converged for one in found):
            warnings.warn(
                f"Newton's method stopped after max_iter={most} steps; raise it, or tol",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.support_vectors_ = landmarks.rows
        self.coef_ = landmarks.basis @ np.stack([one.w for one in found], axis=1)
        self.intercept_ = np.array([one.b for one in found])
        self.n_iter_ = np.array([one.steps for one in found])
        return landmarks.indices

    # ------------------------------------------------------------------------------------------------ decisions

    def _decisions(self, X: Any) -> Matrix:
        """A column a machine."""
        check_is_fitted(self)
        rows = read_rows(self, X, reset=False, accept_sparse=True)
        found = kernel_sum(self._metric, rows, self.support_vectors_, self.coef_, n_jobs=self.n_jobs)
        return np.asarray(found + self.intercept_)

    def _votes(self, decisions: Matrix) -> tuple[Matrix, Matrix]:
        """How many machines are for each class, and the sums of their decisions."""
        votes, sums = np.zeros((2, len(decisions), len(self.classes_)))
        for machine, (i, j) in enumerate(self._pairs()):
            first = decisions[:, machine] > 0
            votes[first, i] += 1
            votes[~first, j] += 1
            sums[:, i] += decisions[:, machine]
            sums[:, j] -= decisions[:, machine]
        return votes, sums

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """How far each row lies on which side.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n,), (n, classes) or (n, pairs of classes)
            Of two classes: above 0 for ``classes_[1]``. "ovo": a column for each pair (i, j), i < j, above 0 for i.
            "ovr": votes, and less than half a vote for how clear they are.
        """
        decisions = self._decisions(X)
        if len(self.classes_) == 2:
            return decisions[:, 0]
        if self.decision_function_shape == "ovo":
            return decisions
        votes, sums = self._votes(decisions)
        return np.asarray(votes + sums / (3 * (np.abs(sums) + 1)))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the most votes; the first of them where several have as many.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        votes, _ = self._votes(self._decisions(X))
        return np.asarray(self.classes_[votes.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
