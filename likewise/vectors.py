"""One vector: its length, its direction, its angle to another, its shadow on another.

The dot product ties them together: x.y = |x| |y| cos(angle).

>>> import likewise as lw
>>> a, b = [4, -3], [-4, 4]
>>> float(lw.paired(a, b, metric="dot"))
-28.0
>>> round(float(lw.norm(a) * lw.norm(b) * np.cos(lw.angle(a, b))), 10)
-28.0
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, give, read, same_rows, to_floating
from likewise.errors import InputError

_ORDERS = {1: "L1", 2: "L2", float("inf"): "L-infinity"}


def _read(value: Any, name: str) -> tuple[NDArray[np.float64], Batch]:
    batch = read(value, name)
    array = to_floating(batch).astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values")
    return array, batch


def _order(order: Any) -> float:
    try:
        value = {"l1": 1.0, "l2": 2.0, "linf": np.inf, "max": np.inf}.get(str(order).lower()) or float(order)
    except (TypeError, ValueError):
        value = float("nan")
    if value not in _ORDERS:
        raise InputError(f"order={order!r} is not known; it is 1, 2 or inf (L1, L2, L-infinity)")
    return value


def _norm(array: NDArray[np.float64], order: float) -> NDArray[np.float64]:
    size = np.abs(array)
    if order == 1:
        return np.asarray(size.sum(axis=-1))
    largest = size.max(axis=-1)
    if order == 2:
        # scaled by the power of two below the largest coordinate, so that squares neither overflow nor vanish
        scale = np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)
        return np.asarray(np.sqrt(np.square(array / scale[..., None]).sum(axis=-1)) * scale)
    return np.asarray(largest)


def _drop(array: NDArray[Any], *batches: Batch) -> Any:
    return array[..., 0] if all(b.vector for b in batches) else array


def norm(x: Any, *, order: float | str = 2) -> Any:
    """Length of each vector.

    Parameters
    ----------
    x : array_like of shape (..., d)
    order : {1, 2, inf}
        L1 (sum of absolute values), L2 (Euclid) or L-infinity (largest absolute value).

    Returns
    -------
    ndarray of shape (...)
        In float64.

    Examples
    --------
    >>> import likewise as lw
    >>> float(lw.norm([4, -3])), float(lw.norm([4, -3], order=1)), float(lw.norm([4, -3], order="inf"))
    (5.0, 7.0, 4.0)
    """
    array, batch = _read(x, "x")
    return give(_drop(_norm(array, _order(order)), batch), batch)


def normalize(x: Any, *, order: float | str = 2) -> Any:
    """Each vector over its length; a zero vector stays zero.

    Returns float64 of x's shape (float32 for float32 and narrower floating types).

    Examples
    --------
    >>> import likewise as lw
    >>> lw.normalize([4, -3])
    array([ 0.8, -0.6])
    """
    array, batch = _read(x, "x")
    # first to a largest coordinate near 1, so that subnormal rows keep their direction
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scale = np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)
    array = array / scale
    length = _norm(array, _order(order))[..., None]
    result = np.divide(array, length, out=np.zeros_like(array), where=length > 0)
    if batch.dtype in ("float32", "float16", "bfloat16"):
        result = result.astype(np.float32)
    return give(result[0] if batch.vector else result, batch)


def angle(x: Any, y: Any) -> Any:
    """Angle between vectors in radians, in [0, pi]; pi / 2 where one is zero.

    By 2 atan2(|u - v|, |u + v|) of the unit vectors u, v (Kahan), which keeps small angles that arccos loses.

    Parameters
    ----------
    x, y : array_like of shape (..., d)
        Leading axes broadcast.

    Examples
    --------
    >>> import likewise as lw
    >>> round(float(np.cos(lw.angle([4, -3], [-4, 4]))), 5)
    -0.98995
    """
    (a, xb), (b, yb) = _read(x, "x"), _read(y, "y")
    same_rows(xb, yb)
    u, v = (normalize_array(r) for r in (a, b))
    found = 2 * np.arctan2(_norm(u - v, 2), _norm(u + v, 2))
    zero = (np.abs(u).max(axis=-1) == 0) | (np.abs(v).max(axis=-1) == 0)
    return give(_drop(np.where(zero, np.pi / 2, found), xb, yb), xb, yb)


def normalize_array(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit rows in float64; zero rows stay zero."""
    return np.asarray(normalize(array))


def project(x: Any, y: Any) -> Any:
    """The part of x along y: (x.y / y.y) y; zero where y is zero.

    Parameters
    ----------
    x, y : array_like of shape (..., d)
        Leading axes broadcast.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.project([2, 3], [4, 0])
    array([2., 0.])
    """
    (a, xb), (b, yb) = _read(x, "x"), _read(y, "y")
    same_rows(xb, yb)
    unit = normalize_array(b)
    result = (a * unit).sum(axis=-1, keepdims=True) * unit
    return give(result[0] if xb.vector and yb.vector else result, xb, yb)
