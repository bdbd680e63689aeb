"""What the estimators share: the door for rows, by scikit-learn's conventions, and the number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from likewise.arrays import NATIVE, is_sparse, read, to_floating
from likewise.compute.sides import name_rows
from likewise.errors import BadRowsError, InputError

#: Memory that a step of work may take beyond inputs and outputs.
WORKING_BYTES = 64 << 20
#: Checked a piece at a time, so that no mask of all numbers is made.
_CHECKED_BYTES = 4 << 20
_ABSENT = "no_validation"


def read_rows(
    estimator: BaseEstimator,
    X: Any,
    y: Any = _ABSENT,
    *,
    reset: bool,
    dtypes: tuple[str, ...] = NATIVE,
    accept_sparse: bool = False,
    copy: bool = False,
    **checks: Any,
) -> Any:
    """Rows, or (rows, targets), checked as scikit-learn does and in a type that the engine reads.

    float32 stays float32; what is in none of the ``dtypes`` becomes the first of them, and integers that float64 does
    not hold raise. Rows with NaN or infinite values raise with their numbers.

    Parameters
    ----------
    estimator : BaseEstimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set (``reset``) or compared.
    X : array_like of shape (n, d)
    y : array_like, optional
        Targets; ``checks`` may say ``multi_output`` and ``y_numeric``.
    reset : bool
        True in ``fit``.
    dtypes : tuple of str
        Default: all that the engine reads.
    accept_sparse : bool
        Whether SciPy's sparse matrices are taken: as CSR.
    copy : bool
        Whether the rows are kept, and so must not change with the caller's.

    Returns
    -------
    ndarray or CSR matrix of shape (n, d), or a pair with the targets
    """
    if is_sparse(y):
        raise InputError(f"y is sparse, of shape {y.shape}; pass y.toarray()")
    found = validate_data(
        estimator,
        X,
        y,
        reset=reset,
        dtype="numeric",
        order="C",
        accept_sparse="csr" if accept_sparse else False,
        copy=copy,
        ensure_all_finite=False,
        **checks,
    )
    rows = found[0] if isinstance(found, tuple) else found
    rows = rows if is_sparse(rows) else _typed(rows, dtypes)
    if len(bad := _bad_rows(rows)):
        raise BadRowsError(
            f"X has NaN or infinite values in {name_rows(bad)}; fill them (sklearn.impute) or take these rows out",
            [int(i) for i in bad],
        )
    if not isinstance(found, tuple):
        return rows
    if checks.get("y_numeric") and found[1].dtype.kind not in "biuf":
        raise InputError(f"y is of type {found[1].dtype}; a regression is of numbers")
    return rows, found[1]


def _typed(rows: NDArray[Any], dtypes: tuple[str, ...]) -> NDArray[Any]:
    """The rows in one of these types: as they are, or in the first where that holds their values exactly."""
    if rows.dtype.name in dtypes:
        return np.asarray(rows, rows.dtype.newbyteorder("="))
    return to_floating(read(rows, "X")).astype(dtypes[0], copy=False)


def _bad_rows(rows: Any) -> NDArray[np.int64]:
    """The numbers of rows with NaN or infinite values."""
    if is_sparse(rows):
        places = np.flatnonzero(~np.isfinite(rows.data))
        return np.unique(np.searchsorted(rows.indptr, places, side="right") - 1)
    if rows.dtype.kind != "f":
        return np.empty(0, np.int64)
    step = max(1, _CHECKED_BYTES // (rows.itemsize * rows.shape[1]))
    bad = [
        first + np.flatnonzero(~np.isfinite(rows[first : first + step]).all(axis=1))
        for first in range(0, len(rows), step)
    ]
    return np.concatenate([np.empty(0, np.int64), *bad])


def threads(n_jobs: int | None) -> int | None:
    """``n_jobs=`` for the engine: None is every core, but one inside a worker of joblib, which has its own share."""
    if n_jobs is None and getattr(get_active_backend()[0], "nesting_level", None):
        return 1
    return n_jobs
