"""Factors: users and items as short vectors whose dot product says how much one likes the other.

Y. Hu, Y. Koren and C. Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008. With the confidence
c_ui = 1 + alpha r_ui of what a user took, and 1 of all else, the vectors x_u and y_i minimise

    sum over all u, i of c_ui (p_ui - x_u . y_i)^2  +  l2 (|x|^2 + |y|^2)          p_ui = 1 if u took i, else 0

by alternating least squares, which the package implicit does. Given the items, a user's best vector is a closed form:

    A_u = Y'Y + l2 I + sum over what u took of (c_ui - 1) y_i y_i'
    x_u = A_u^-1 sum over what u took of c_ui y_i

All users get theirs by it, those that the items were learned from and new ones alike: the same history has the same
answer. And a score is a sum over the history, which is its explanation:

    x_u . y_i  =  sum over what u took of  c_uj (y_i . A_u^-1 y_j)
"""

from __future__ import annotations

import functools
import logging
import operator
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm.pool import resolve_jobs, run
from likewise.compute import pairwise, prepare, topk
from likewise.compute.options import Options
from likewise.errors import InputError, ShapeError
from likewise.extras import need
from likewise.plan import DEFAULT_MEMORY
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Recommender, Wanted
from likewise.recommend.serving import best_of_vectors
from likewise.reductions import TopK

_BLOCK = 1 << 16  # vectors that are float64 at a time


class Factors(Recommender):
    """Vectors of users and items by alternating least squares (Hu, Koren and Volinsky 2008).

    Learning takes the package implicit (``pip install 'likewise[recommend-als]'``); a model that was saved, or made
    :meth:`from_items`, does without.

    Parameters
    ----------
    factors : int
        Numbers in a vector.
    l2 : float
        How much vectors are held small.
    alpha : float
        How much more a value counts than nothing: the confidence is 1 + alpha value, values in units of their mean.
    iterations : int
    binary : bool
        Whether an interaction counts as 1 whatever its value.
    seed : int
        Of the vectors that the iterations start from.

    Examples
    --------
    >>> import numpy as np
    >>> taken = Interactions.read((["ann", "ann", "bob"], ["Heat", "Ronin", "Heat"]))
    >>> model = Factors.from_items(np.array([[1.0, 0.2], [0.9, 0.3]]), taken, l2=0.1)
    >>> model.recommend("bob", 1).items
    array(['Ronin'], dtype=object)
    """

    def __init__(
        self,
        factors: int = 64,
        *,
        l2: float = 30.0,
        alpha: float = 4.0,
        iterations: int = 15,
        binary: bool = False,
        seed: int = 0,
    ) -> None:
        for name, value in (("factors", factors), ("iterations", iterations)):
            if not hasattr(value, "__index__") or operator.index(value) < 1:
                raise InputError(f"{name}={value!r}; a whole number of at least 1 is wanted")
        for name, amount in (("l2", l2), ("alpha", alpha)):
            if not (amount > 0 and np.isfinite(amount)):
                raise InputError(f"{name}={amount!r}; a number above 0 is wanted")
        self.factors, self.l2, self.alpha = int(factors), float(l2), float(alpha)
        self.iterations, self.binary, self.seed = int(iterations), bool(binary), int(seed)

    @classmethod
    def from_items(cls, vectors: Any, interactions: Any, **settings: Any) -> Factors:
        """A model of item vectors that were learned elsewhere; users get theirs by the closed form.

        Parameters
        ----------
        vectors : array_like of shape (items, d)
            In the order of the ``items`` of the interactions.
        interactions : Interactions, or whatever :meth:`Interactions.read` takes
        **settings
            As for :class:`Factors`: ``l2``, ``alpha`` and ``binary`` matter.
        """
        taken = Interactions.read(interactions)
        rows = np.ascontiguousarray(vectors, np.float32)
        if rows.ndim != 2 or len(rows) != len(taken.items):
            raise ShapeError(
                f"vectors have shape {rows.shape} for {len(taken.items):,} items; a row for each is wanted"
            )
        if not np.isfinite(rows).all():
            raise InputError("vectors have NaN or infinite values")
        made = cls(rows.shape[1], **settings)
        made._remember(taken.user_ids, taken.item_ids, taken.histories())
        made._settle(rows, resolve_jobs(None))
        return made

    def _fit(self, taken: Interactions, options: Options) -> None:
        kept = self._histories
        confidence = kept.matrix(len(self._items), binary=self.binary)
        confidence.data = _confidence(kept, self.binary, _unit(kept, self.binary), self.alpha)
        self._settle(_learn_items(confidence, self, options), options.threads)

    def _settle(self, items: NDArray[np.float32], threads: int) -> None:
        """Keep the items' vectors, and find the users'."""
        self._unit = _unit(self._histories, self.binary)
        self._vectors = items
        for name in ("_ready", "_gram"):
            self.__dict__.pop(name, None)
        self._users_vectors = self._folded(self._histories, threads)

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        """Y'Y + l2 I."""
        total = self.l2 * np.eye(self._vectors.shape[1])
        for first in range(0, len(self._vectors), _BLOCK):  # in float64, some at a time: a million rows are 512 MB
            y = self._vectors[first : first + _BLOCK].astype(np.float64)
            total += y.T @ y
        return total

    @cached_property
    def _ready(self) -> Any:
        return prepare(self._vectors, metric="dot")

    def _folded(self, histories: Histories, threads: int) -> NDArray[np.float32]:
        """Each row's vector, by the closed form."""
        out = np.zeros((len(histories), self._vectors.shape[1]), np.float32)
        confidence = _confidence(histories, self.binary, self._unit, self.alpha)

        def solve(rows: NDArray[np.int64], length: int) -> None:
            left, right = self._systems(histories, confidence, rows, length)
            out[rows] = np.linalg.solve(left, right[:, :, None])[:, :, 0]

        tasks = [partial(solve, rows, length) for rows, length in self._groups(histories, threads)]
        with _one_blas_thread():  # many small systems, one thread each
            run(tasks, threads)
        return out

    def _groups(self, histories: Histories, threads: int) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Rows whose histories are nearly of one length, and that length: as many as there is memory for.

        They are filled up with zeros to a length that depends on their own alone. So the bits of a vector do not depend
        on who else is asked for.
        """
        d = self._vectors.shape[1]
        lengths = _rounded_up(histories.counts)
        for length in np.unique(lengths[lengths > 0]).tolist():
            rows = np.flatnonzero(lengths == length)
            step = max(1, DEFAULT_MEMORY // (8 * threads * 3 * d * (length + d)))
            for first in range(0, len(rows), step):
                yield rows[first : first + step], length

    def _systems(
        self, histories: Histories, confidence: NDArray[np.float64], rows: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A_u (rows, d, d) and right-hand sides (rows, d)."""
        y, c = self._padded(histories, confidence, rows, length)
        left = np.matmul((y * np.maximum(c - 1, 0)[:, :, None]).transpose(0, 2, 1), y)
        left += self._gram
        return left, np.matmul(c[:, None, :], y)[:, 0]

    def _padded(
        self, histories: Histories, confidence: NDArray[np.float64], rows: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vectors (rows, length, d) and confidences (rows, length) of what each row has, zeros behind it."""
        counts = histories.counts[rows]
        inside = np.arange(length) < counts[:, None]
        at = np.where(inside, histories.offsets[rows][:, None] + np.arange(length), 0)
        y = self._vectors[histories.items[at]].astype(np.float64)
        return y * inside[:, :, None], confidence[at] * inside

    def _of(self, histories: Histories, threads: int) -> NDArray[np.float32]:
        """The vectors of those who are asked for."""
        known = histories.users >= 0
        if known.all():
            return self._users_vectors[histories.users]
        return self._folded(histories, threads)

    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        if not len(histories):
            return np.empty((0, len(self._items)))
        users, items = (vectors.astype(np.float64) for vectors in (self._of(histories, options.threads), self._vectors))
        return np.asarray(pairwise(users, items, metric="dot", n_jobs=options.threads), np.float64)

    def _score(self, history: Histories, item: int, options: Options) -> float:
        return float(self._of(history, 1)[0].astype(np.float64) @ self._vectors[item].astype(np.float64))

    def _best(self, histories: Histories, wanted: Wanted) -> TopK:
        return best_of_vectors(
            self._of(histories, wanted.options.threads), self._ready, self._vectors, "dot", histories, wanted
        )

    def _row_bytes(self) -> int:
        return 16 * int(self._vectors.shape[1])

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        confidence = _confidence(history, self.binary, self._unit, self.alpha)
        rows, length = next(self._groups(history, 1))
        left, _ = self._systems(history, confidence, rows, length)
        towards = np.linalg.solve(left[0], self._vectors[item].astype(np.float64))
        amounts = confidence * (self._vectors[history.items].astype(np.float64) @ towards)
        return self._names_of(history.items), amounts

    def _similarity(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(pairwise(self._vectors[items], self._vectors[items], metric="cosine"))

    def _similar(self, items: NDArray[np.int64], k: int, options: Options) -> TopK:
        itself = np.arange(len(items) + 1), items
        return topk(
            self._vectors[items],
            self._vectors,
            k,
            metric="cosine",
            where=itself,
            n_jobs=options.threads,
            memory_limit=options.memory,
        )

    def _arrays(self) -> dict[str, Any]:
        return {"item_vectors": self._vectors, "user_vectors": self._users_vectors, "unit": np.array([self._unit])}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self._vectors, self._users_vectors = arrays["item_vectors"], arrays["user_vectors"]
        self._unit = float(arrays["unit"][0])


def _unit(histories: Histories, binary: bool) -> float:
    """The mean of the values, which counts as 1."""
    if binary or not len(histories.values):
        return 1.0
    return float(histories.values.mean().item()) or 1.0


def _confidence(histories: Histories, binary: bool, unit: float, alpha: float) -> NDArray[np.float64]:
    """1 + alpha value."""
    if binary:
        return np.full(len(histories.items), 1 + alpha)
    if (histories.values < 0).any():
        raise InputError("Factors takes values for confidence, and some are negative; shift them, or use binary=True")
    return 1 + alpha * histories.values / unit


def _rounded_up(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each count, up to the next of 8 steps between powers of 2: at most an eighth more."""
    step = np.maximum(1, np.exp2(np.floor(np.log2(np.maximum(counts, 1))) - 3)).astype(np.int64)
    return np.asarray((counts + step - 1) // step * step)


def _one_blas_thread() -> AbstractContextManager[Any]:
    """BLAS on one thread meanwhile, where threadpoolctl can see to it: its own threads cost more than small systems."""
    controller = _controller()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def _learn_items(confidence: Any, model: Factors, options: Options) -> NDArray[np.float32]:
    """Item vectors, by implicit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about BLAS's threads, which are held below
        als = need("implicit.cpu.als", "Factors", extra="recommend-als")
    from scipy.sparse import csr_matrix

    log = logging.getLogger("implicit")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), _one_blas_thread():
            warnings.simplefilter("ignore")
            learner = als.AlternatingLeastSquares(
                factors=model.factors,
                regularization=model.l2,
                alpha=1.0,
                iterations=model.iterations,
                num_threads=options.threads,
                random_state=model.seed,
            )
            report = options.progress
            learner.fit(
                csr_matrix(confidence.astype(np.float32)),
                show_progress=False,
                callback=report and (lambda done, *_: report(done + 1, model.iterations)),
            )
    finally:
        log.setLevel(level)
    return np.ascontiguousarray(learner.item_factors, np.float32)
