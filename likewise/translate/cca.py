"""The directions of two feature spaces that vary together: canonical correlation analysis (Hotelling 1936).

Of pairs x_i, y_i, features of one sentence in two languages, say. :mod:`likewise.transforms.cca` has the mathematics.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from likewise.arrays import is_sparse
from likewise.compute.options import Progress
from likewise.errors import InputError, ShapeError
from likewise.transforms import canonical, truncated_svd
from likewise.translate.alignment import times
from likewise.translate.estimator import Model
from likewise.translate.retrieval import read_number
from likewise.translate.rows import Floats, Options, Rows, read_rows, same_number


class CCA(Model):
    """Two feature spaces, dense or sparse, brought into a third where pairs of rows are alike.

    Parameters
    ----------
    dimensions : int, default 500
        Of the shared space, and of the truncated SVD of either side. As many as the data have, if fewer.
    ridge : float, default 1.0
        In units of the mean of s^2 over the axes kept.
    power : float, default 1.0
        Of the correlation by which an axis counts.
    center : bool, optional
        Subtract the mean of each feature first. Default: of dense rows, not of sparse ones, which cannot be.
    seed : int, default 0
        Of the random projection that finds the axes of large sparse spaces.

    Attributes
    ----------
    correlations_ : ndarray of shape (e,)
        Of the pairs along each shared axis, falling.
    matrix_, target_matrix_ : ndarray of shape (d1, e) and (d2, e)

    Examples
    --------
    Two views of one hidden number, each among noise of its own:

    >>> import numpy as np, likewise as lw
    >>> rng = np.random.default_rng(0)
    >>> hidden = rng.standard_normal((500, 1))
    >>> x = np.hstack([rng.standard_normal((500, 3)), hidden])
    >>> y = np.hstack([hidden + 0.1 * rng.standard_normal((500, 1)), rng.standard_normal((500, 2))])
    >>> found = lw.translate.CCA(ridge=1e-6).fit(x, y)
    >>> bool(found.correlations_[0] > 0.99), found.transform(x).shape
    (True, (500, 3))
    """

    _saved: ClassVar[tuple[str, ...]] = ("matrix_", "target_matrix_", "mean_", "target_mean_", "correlations_")

    def __init__(
        self,
        dimensions: int = 500,
        *,
        ridge: float = 1.0,
        power: float = 1.0,
        center: bool | None = None,
        seed: int = 0,
    ) -> None:
        self.dimensions = dimensions
        self.ridge = ridge
        self.power = power
        self.center = center
        self.seed = seed

    def fit(self, x: Any, y: Any, *, progress: Progress = None) -> CCA:
        """Learn from pairs: row i of x (n, d1) belongs with row i of y (n, d2); each may be sparse."""
        options = Options(progress=progress)
        rank = read_number("dimensions", self.dimensions)
        if not 0 <= self.ridge < np.inf:
            raise InputError(f"ridge={self.ridge!r}; a number of at least 0 is wanted")
        a, b = read_rows(x, "x"), read_rows(y, "y")
        same_number(a, b, "x", "y")
        if a.shape[0] < 2:
            raise InputError(f"there is {a.shape[0]} pair; a correlation needs at least 2")
        means, parts = [], []
        for done, (rows, name) in enumerate(((a, "x"), (b, "y"))):
            mean = self._mean(rows, name)
            kind = np.float32 if is_sparse(rows) else np.float64  # half the time, and no worse translations
            part = truncated_svd(rows - mean if mean.any() else rows, rank, self.seed, dtype=kind)
            if not len(part.s):
                raise InputError(f"all rows of {name} are {'equal' if mean.any() else 'zero'}: nothing varies with it")
            means.append(mean)
            parts.append(part)
            options.report(done + 1, 2)
        ridges = [self.ridge * float(np.mean(part.s**2)) for part in parts]
        self.mean_, self.target_mean_ = means
        found = canonical(parts[0], parts[1], (ridges[0], ridges[1]), self.power)
        self.matrix_: Floats = found[0]
        self.target_matrix_: Floats = found[1]
        self.correlations_: Floats = found[2]
        return self

    def transform(self, x: Any) -> Floats:
        """Source rows (n, d1) in the shared space, (n, e)."""
        self._check_fitted()
        return _mapped(x, "x", self.mean_, self.matrix_)

    def transform_target(self, y: Any) -> Floats:
        """Target rows (m, d2) in the shared space, (m, e)."""
        self._check_fitted()
        return _mapped(y, "y", self.target_mean_, self.target_matrix_)

    def _mean(self, rows: Rows, name: str) -> Floats:
        if is_sparse(rows):
            if self.center:
                raise InputError(f"{name} is sparse, and center=True would fill it; leave center out, or give it dense")
            return np.zeros(rows.shape[1])
        return np.asarray(rows.mean(axis=0)) if self.center is not False else np.zeros(rows.shape[1])


def _mapped(value: Any, name: str, mean: Floats, matrix: Floats) -> Floats:
    rows = read_rows(value, name)
    if rows.shape[1] != len(matrix):
        raise ShapeError(f"{name} has shape {rows.shape}; rows of {len(matrix)} features were fitted")
    if is_sparse(rows):
        return np.asarray(rows @ matrix - (mean @ matrix if mean.any() else 0))
    return times(rows - mean, matrix)
