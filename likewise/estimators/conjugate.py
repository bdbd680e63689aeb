"""(S K S + alpha I) c = b for many rows: conjugate gradients with a Nystroem preconditioner, K never being made.

With the features F of m landmarks (:mod:`likewise.estimators.landmarks`), K ~ F F', and

    P = S F F' S + alpha I,    P^-1 v = (v - S F (alpha I + F' S^2 F)^-1 F' S v) / alpha

is near the matrix wherever the landmarks see it, so that few steps are left (Cutajar et al. 2016; Rudi, Carratino and
Rosasco 2017, FALKON). Products with K and F are weighted sums over rows. Those of the steps go in float32, three times
as fast as float64; residuals are computed in float64, and what is left is solved for again (iterative refinement).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from likewise.arrays import is_sparse
from likewise.compute import weighted_sum
from likewise.errors import InputError
from likewise.estimators.base import threads
from likewise.estimators.gram import Matrix, kernel_sum, not_finite
from likewise.estimators.landmarks import Landmarks
from likewise.formula.metric import Metric

#: How far float32 steps reduce a residual before it is computed anew.
_REDUCTION = 1e-3
#: Products p'Ap in float64 are negative beyond doubt below this much of |p| |Ap|: rounding makes 1e-16 a row of it.
_ROUNDING = 1e-10
_TINY = 1e-300


@dataclass
class Solved:
    """The solution, products with K that it took (each of all columns), and |b - A c| / |b| of the worst column."""

    c: Matrix
    products: int
    residual: float


@dataclass
class System:
    """The matrix S K S + alpha I as products, and the inverse of what is near it."""

    metric: Metric
    X: Any
    scale: NDArray[np.float64]
    alpha: float
    landmarks: Landmarks
    n_jobs: int | None

    def __post_init__(self) -> None:
        inner = np.zeros((self.landmarks.rank, self.landmarks.rank))
        for rows, block in self.landmarks.blocks(self.X):
            block *= self.scale[rows, None]
            with np.errstate(over="ignore", invalid="ignore"):  # looked for below
                inner += block.T @ block
        if not np.isfinite(inner).all():
            raise not_finite(self.metric)
        inner.flat[:: len(inner) + 1] += self.alpha
        self._inner = cho_factor(inner, overwrite_a=True)
        self._single = None if is_sparse(self.X) else _as_float32(self.X)

    def times(self, v: Matrix, *, single: bool) -> Matrix:
        """(S K S + alpha I) v, K v in float32 or float64."""
        scaled = self.scale[:, None] * v
        if single and self._single is not None:
            # float32 sums of numbers near 1: whatever the size of v
            size = max(float(np.abs(scaled).max()), _TINY)
            column = (scaled / size).astype(np.float32)
            rows, jobs = self._single, threads(self.n_jobs)
            product = size * weighted_sum(rows, rows, column, metric=self.metric, n_jobs=jobs).astype(np.float64)
        else:
            product = kernel_sum(self.metric, self.X, self.X, scaled, n_jobs=self.n_jobs)
        return np.asarray(self.scale[:, None] * product + self.alpha * v)

    def near_inverse(self, v: Matrix) -> Matrix:
        """P^-1 v."""
        inner = cho_solve(self._inner, self.landmarks.transposed_times(self.X, self.scale[:, None] * v))
        return np.asarray((v - self.scale[:, None] * self.landmarks.times(self.X, inner)) / self.alpha)


def _as_float32(rows: NDArray[Any]) -> NDArray[np.float32] | None:
    """The rows in float32; None where that does not hold their size."""
    with np.errstate(over="ignore"):
        made = np.asarray(rows, np.float32)
    return made if np.isfinite(made).all() else None


def solve(
    system: System, b: Matrix, *, tol: float, max_iter: int, report: Callable[[float], None] = lambda _: None
) -> Solved:
    """c with |b - A c| <= tol |b| for each column, or as far as ``max_iter`` products and rounding let it come."""
    # columns are solved at a size near 1, by a power of 2: squares of 1e-170 and 1e170 are 0 and infinite
    sizes = np.ldexp(1.0, np.clip(np.frexp(np.abs(b).max(axis=0))[1], -1000, 1000))
    b = b / sizes
    norms = np.maximum(_norms(b), _TINY)
    c, rest, used, single = np.zeros_like(b), b.copy(), 0, True
    residual = _norms(rest) / norms
    while residual.max() > tol and used < max_iter:
        wanted = np.maximum(tol / 2 * norms, (_REDUCTION if single else 0.0) * _norms(rest))
        step, products = _conjugate_gradients(system, rest, wanted, max_iter - used, single, norms, report)
        new = c + step
        left = b - system.times(new, single=False)
        used += products + 1
        now, before = _norms(left) / norms, float(residual.max())
        if now.max() < before:
            c, rest, residual = new, left, now
        report(float(residual.max()))
        if not now.max() <= 0.5 * before:
            if not single:
                break
            single = False  # float32 does not reduce it any more
    return Solved(c * sizes, used, float(residual.max(initial=0.0)))


def _conjugate_gradients(
    system: System,
    b: Matrix,
    wanted: NDArray[np.float64],
    max_iter: int,
    single: bool,
    norms: NDArray[np.float64],
    report: Callable[[float], None],
) -> tuple[Matrix, int]:
    """(x, products) with residuals of at most ``wanted``: columns apart, but one product for all that are not done.

    Where rounding hides that the matrix is positive definite, the steps end early: float32 does so for an alpha below
    some 1e-7 of K, float64 for one below 1e-16. Only what float64 shows to be negative is an error.
    """
    x = np.zeros_like(b)
    live = np.flatnonzero(_norms(b) > wanted)
    r = b[:, live]
    z = system.near_inverse(r) if len(live) else r
    p, rz = z.copy(), np.einsum("ij,ij->j", r, z)
    for turn in range(max_iter):
        if not len(live):
            return x, turn
        q = system.times(p, single=single)
        curvature = np.einsum("ij,ij->j", p, q)
        if not single and not np.isfinite(curvature).all():
            raise not_finite(system.metric)
        if not (curvature > 0).all() or not (rz > 0).all():
            if single or not (curvature < -_ROUNDING * _norms(p) * _norms(q)).any():
                return x, turn + 1
            raise InputError(
                f"K + alpha I is not positive definite on these rows: {system.metric.name} is no kernel, or "
                f"alpha={system.alpha:g} is too small; see positive_semidefinite(metric, X)"
            )
        step = rz / curvature
        x[:, live] += step * p
        r = r - step * q
        sizes = _norms(r)
        report(float((sizes / norms[live]).max()))
        on = sizes > wanted[live]
        live, r, p, rz = live[on], r[:, on], p[:, on], rz[on]
        if not len(live):
            return x, turn + 1
        z = system.near_inverse(r)
        new = np.einsum("ij,ij->j", r, z)
        p = z + (new / rz) * p
        rz = new
    return x, max_iter


def _norms(columns: Matrix) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.einsum("ij,ij->j", columns, columns)))


def digits_done(residual: float, tol: float) -> int:
    """Of a hundred: how much of the way from 1 to ``tol`` a residual has come, in digits."""
    if not 0 < tol < 1:
        return 100
    return int(np.clip(100 * math.log(max(residual, _TINY)) / math.log(tol), 0, 100))
