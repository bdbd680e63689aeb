"""Is a metric a kernel? Proved by rules, or refuted by rows and numbers, or neither.

A support vector machine, kernel ridge regression and a Gaussian process rest on K being positive semi-definite: else
the problem that they solve has no solution, or several, and what comes out is whatever the solver stopped at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from likewise.arrays import is_sparse
from likewise.compute import pairwise
from likewise.errors import InputError, ShapeError
from likewise.estimators.base import threads
from likewise.estimators.kernel_rules import proof_of_distance, proof_of_kernel
from likewise.estimators.metrics import resolve
from likewise.estimators.settings import whole
from likewise.formula.metric import Metric

#: A sum c'Kc counts as negative below this much of sum |c_i K_ij c_j|: eight times the root of float64's rounding,
#: since a root or an arc cosine near its end turns a rounding into its root.
_ROUNDING = 2.0**-23
#: Coordinates of probing rows: low dimensions have counterexamples that show, high ones more of them.
_DIMENSIONS = (1, 2, 3, 8)


@dataclass(frozen=True)
class Definiteness:
    """What is known of a metric as a kernel; prints as the proof or the counterexample.

    Attributes
    ----------
    metric : Metric
    verdict : {"proved", "refuted", "unknown"}
        "unknown": no rule applies, and no counterexample was found.
    steps : tuple of str
        The proof, rule by rule.
    domain : str
        Where the proof holds: "" (everywhere), or "rows without negative values".
    rows : ndarray of shape (m, d)
        The counterexample: rows...
    coefficients : ndarray of shape (m,)
        ... and numbers c for which ``value`` = sum_ij c_i c_j K(x_i, x_j) is negative. Where K is not symmetric, None.
    value : float
    indices : ndarray of shape (m,), or None
        Which rows of X these are.
    smallest, largest : float
        Eigenvalues of the Gram matrix with the least of them, NaN where a rule decided.
    tried : int
        Rows that were compared.
    """

    metric: Metric
    verdict: str
    steps: tuple[str, ...] = ()
    domain: str = ""
    rows: NDArray[np.float64] | None = None
    coefficients: NDArray[np.float64] | None = None
    value: float = math.nan
    indices: NDArray[np.int64] | None = None
    smallest: float = math.nan
    largest: float = math.nan
    tried: int = 0
    hint: str = ""

    @property
    def proved(self) -> bool:
        """Whether it is a kernel, by proof."""
        return self.verdict == "proved"

    @property
    def refuted(self) -> bool:
        """Whether it is none, by a counterexample."""
        return self.verdict == "refuted"

    def __str__(self) -> str:
        lines = {"proved": self._proof, "refuted": self._counterexample, "unknown": self._open}[self.verdict]()
        return "\n".join([*lines, *([self.hint] if self.hint else [])])

    def _proof(self) -> list[str]:
        where = f" on {self.domain}" if self.domain else ""
        return [f"{self.metric.name} is a kernel{where}, proved:", *_numbered(self.steps)]

    def _counterexample(self) -> list[str]:
        assert self.rows is not None
        named = self.indices if self.indices is not None else range(1, len(self.rows) + 1)
        rows = [f"  x{i} = {_row(row)}" for i, row in zip(named, self.rows, strict=True)]
        if self.coefficients is None:
            (i, j), difference = tuple(named), self.value
            return [
                f"{self.metric.name} is no kernel: K(x{i}, x{j}) and K(x{j}, x{i}) differ by {difference:.3g}",
                *rows,
            ]
        rows = [f"{text}, c = {c:+.4f}" for text, c in zip(rows, self.coefficients, strict=True)]
        kind = "is no kernel"
        lines = [f"{self.metric.name} {kind}: the sum of c_i c_j K(x_i, x_j) is {self.value:.4g} < 0 for", *rows]
        if self.steps:
            lines += [f"It is a kernel on {self.domain}:", *_numbered(self.steps)]
        return lines

    def _open(self) -> list[str]:
        return [
            f"{self.metric.name}: no rule proves it to be a kernel, and there is no counterexample among "
            f"{self.tried:,} rows: smallest eigenvalue {self.smallest:.3g}, largest {self.largest:.3g}"
        ]


def positive_semidefinite(
    metric: Any,
    X: Any = None,
    *,
    metric_params: Mapping[str, Any] | None = None,
    n_rows: int = 300,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> Definiteness:
    """Whether a metric is a kernel: a proof, a counterexample, or neither.

    First the rules under which kernels are closed are tried on the formula
    (:mod:`likewise.estimators.kernel_rules`). Where they say nothing, the Gram matrix of rows is made. An eigenvector
    of a negative eigenvalue is a counterexample, once the sum c'Kc over it is below what rounding could make of 0; it
    is cut down to the few rows that suffice.

    Parameters
    ----------
    metric : str, Metric or callable
        As for ``lw.pairwise``.
    X : array_like of shape (n, d), optional
        The rows in question. A proof that needs rows without negative values is taken where X has none, and at most
        ``n_rows`` of them (seeded) are compared. Default: random rows of several kinds in 1 to 8 dimensions, negative
        values among them.
    metric_params : mapping, optional
        Parameters of a named metric.
    n_rows : int
        How many rows of X are compared at most: the eigenvalues take n_rows^3 operations.
    random_state : int, RandomState instance or None
    n_jobs : int, optional

    Returns
    -------
    Definiteness
        ``.proved``, ``.refuted``; prints as the proof or the counterexample.

    Raises
    ------
    InputError
        Where the metric gives NaN or infinite values on X; for ``n_rows`` below 1.

    Examples
    --------
    >>> print(positive_semidefinite("laplacian"))
    laplacian is a kernel, proved:
      1. abs(x - y): |a - b|^1 with an exponent of at most 2 is conditionally negative definite
      2. s = sum(abs(x - y)): a sum of conditionally negative definite terms
      3. s * (1 / d): scaled by a number >= 0
      4. exp(-(s * (1 / d))): exp(-psi) of a conditionally negative definite psi (Schoenberg)
    >>> print(positive_semidefinite("manhattan", [[0.0], [1.0]]))
    manhattan is no kernel: the sum of c_i c_j K(x_i, x_j) is -1 < 0 for
      x0 = (0), c = -0.7071
      x1 = (1), c = +0.7071
    As a distance it makes kernels, though: exp(-gamma * manhattan) is one for every gamma > 0 (Schoenberg).
    """
    found = resolve(metric, metric_params)
    steps = proof_of_kernel(found)
    if steps:
        return Definiteness(found, "proved", steps)
    n_rows = whole("n_rows", n_rows, least=1)
    given = None if X is None else _rows_of(X)
    domain, restricted = "rows without negative values", proof_of_kernel(found, nonnegative=True) or ()
    if restricted and given is not None and given.min() >= 0:
        return Definiteness(found, "proved", restricted, domain)
    random, jobs = check_random_state(random_state), threads(n_jobs)
    hint = ""
    if proof_of_distance(found):
        made = f"exp(-gamma * {found.name})"
        hint = f"As a distance it makes kernels, though: {made} is one for every gamma > 0 (Schoenberg)."
    if given is not None:
        chosen = np.sort(random.permutation(given.shape[0])[:n_rows])
        picked = given[chosen]
        samples: Iterator[NDArray[np.float64]] = iter([np.asarray(picked.toarray() if is_sparse(picked) else picked)])
    else:
        chosen, samples = np.empty(0, np.int64), _probes(random, found)
    best: Definiteness | None = None
    least, most, tried = math.inf, 0.0, 0
    for rows in samples:
        with np.errstate(all="ignore"):
            K = np.asarray(pairwise(rows, metric=found, n_jobs=jobs))
        if not np.isfinite(K).all():
            if given is None:
                continue
            i, j = (int(chosen[at[0]]) for at in np.nonzero(~np.isfinite(K)))
            raise InputError(f"{found.name} of rows {i} and {j} of X is not finite: it is no kernel on these rows")
        tried += len(rows)
        values = np.linalg.eigvalsh((K + K.T) / 2)
        if counterexample := _counterexample(K):
            at, c, value = counterexample
            now = Definiteness(
                found, "refuted", restricted, domain if restricted else "", rows[at], c, value,
                chosen[at] if given is not None else None, float(values[0]), float(values[-1]), tried, hint,
            )  # fmt: skip
            best = now if best is None or _shows_more(now, best) else best
        if values[0] < least:
            least, most = float(values[0]), float(values[-1])
    if best is not None:
        return replace(best, tried=tried)
    if restricted:
        hint = f"On {domain} it is one:\n" + "\n".join(_numbered(restricted))
    return Definiteness(found, "unknown", smallest=least, largest=most, tried=tried, hint=hint)


def _shows_more(a: Definiteness, b: Definiteness) -> bool:
    """Whether a is the simpler counterexample: of fewer rows; of as many, in fewer dimensions; further below 0."""
    return _order(a) < _order(b)


def _order(found: Definiteness) -> tuple[int, int, float]:
    assert found.rows is not None
    return (*found.rows.shape, -abs(found.value))


def _rows_of(X: Any) -> Any:
    """The rows in float64; sparse ones as CSR, since only a few will be made dense."""
    rows = X.tocsr().astype(np.float64) if is_sparse(X) else np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ShapeError(f"X has shape {rows.shape}; rows (n, d) are wanted")
    return rows


def _probes(random: np.random.RandomState, metric: Metric) -> Iterator[NDArray[np.float64]]:
    """Random rows of several kinds: near and far, of both signs and of one, of few values, of zeros and ones."""
    for d in _DIMENSIONS if metric.matrix is None else (metric.matrix.shape[0],):
        for scale in (1.0, 0.2, 5.0):
            yield scale * random.standard_normal((60, d))
        yield random.exponential(size=(60, d))
        yield random.randint(-1, 2, (60, d)).astype(np.float64)
        yield random.randint(0, 2, (60, d)).astype(np.float64)


def _counterexample(K: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64] | None, float] | None:
    """(rows, coefficients, the negative sum), by as few rows as show it; or (two rows, None, K_ij - K_ji)."""
    n = len(K)
    difference = np.abs(K - K.T)
    i, j = np.unravel_index(int(np.argmax(difference)), K.shape)
    if difference[i, j] > _ROUNDING * np.abs(K).max():
        return np.array([i, j]), None, float(K[i, j] - K[j, i])
    symmetric = (K + K.T) / 2
    vector = np.linalg.eigh(symmetric)[1][:, 0]
    order = np.argsort(-np.abs(vector), kind="stable")
    size = 1
    while True:
        at = np.sort(order[:size]).astype(np.int64)
        part = symmetric[np.ix_(at, at)]
        c = np.linalg.eigh(part)[1][:, 0]
        products = (c[:, None] * part * c[None, :]).ravel()
        value = math.fsum(products)
        if value < -_ROUNDING * math.fsum(np.abs(products)):
            used = c != 0
            return at[used], c[used] * np.sign(c[used][-1]), value
        if size >= n:
            return None
        size = min(n, size + 1 if size < 8 else 2 * size)


def _numbered(steps: tuple[str, ...]) -> list[str]:
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]


def _row(row: NDArray[np.float64]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in row[:8])
    return f"({shown}{', ...' if len(row) > 8 else ''})"
