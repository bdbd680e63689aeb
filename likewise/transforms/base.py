"""Models with parameters and ``fit``, as scikit-learn has them, without importing it.

``sklearn.base.clone`` and ``Pipeline`` ask for ``get_params``, ``set_params``, ``fit``, ``transform`` and, since 1.6,
``__sklearn_tags__``, which imports scikit-learn when it is asked: by scikit-learn.
"""

from __future__ import annotations

import inspect
import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, give, read, to_floating
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.transforms.moments import BLOCK


class Parameters:
    """Parameters by name: a subclass stores those of its ``__init__`` unchanged under their own names."""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, by name, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **parameters: Any) -> Any:
        """Other values for some parameters; ``fit`` again."""
        for name, value in parameters.items():
            if name not in self._names():
                known = ", ".join(self._names()) or "none"
                raise InputError(f"{type(self).__name__} has no parameter {name!r}; it has {known}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: p.default for name, p in inspect.signature(type(self).__init__).parameters.items()}
        given = [f"{n}={v!r}" for n, v in self.get_params().items() if v is not defaults[n] and v != defaults[n]]
        return f"{type(self).__name__}({', '.join(given)})"


class Transform(Parameters):
    """A map of rows that is fitted to rows.

    A subclass has ``_fit(rows)``, of an array (n, d) that may be of any type that the verbs read, and ``_map(block)``
    from float64 to float64, which is given some 16 MB at a time. Rows of float32 and narrower floating types become
    float32, all others float64; torch tensors become torch tensors; a single vector stays one.

    Attributes
    ----------
    n_features_in_ : int
        d, of the rows fitted.
    """

    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the map from rows (n, d); ``y`` is not looked at."""
        rows = self._rows(read(X, "X"))
        if len(rows) < 2:
            raise ShapeError(f"X has {len(rows)} rows; {type(self).__name__} is fitted to 2 at least")
        self._fit(rows)
        self.n_features_in_ = int(rows.shape[1])
        return self

    def transform(self, X: Any) -> Any:
        """Rows (n, d) mapped to (n, r); or one vector."""
        batch = self._fitted(X, self._d(), "were fitted")
        return self._given(self._mapped(batch, self._map, self._width()), batch)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """``fit(X).transform(X)``."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns of :meth:`transform`, as scikit-learn asks for them: the class's, numbered."""
        self._d()
        return np.array([f"{type(self).__name__.lower()}{i}" for i in range(self._width())], dtype=object)

    # ---- of the subclass

    def _fit(self, rows: NDArray[Any]) -> None:
        raise NotImplementedError

    def _map(self, block: NDArray[np.float64]) -> NDArray[Any]:
        raise NotImplementedError

    def _width(self) -> int:
        """Columns of what :meth:`transform` gives."""
        return self.n_features_in_

    # ---- the door

    def _d(self) -> int:
        if not hasattr(self, "n_features_in_"):
            raise InputError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self.n_features_in_

    def _rows(self, batch: Batch) -> NDArray[Any]:
        """One set of finite rows."""
        if batch.lead:
            raise ShapeError(f"X has shape {batch.array.shape}; one set of rows, of shape (n, d), is wanted")
        rows = to_floating(batch) if batch.dtype == "bfloat16" else batch.array
        if rows.dtype.kind == "f":
            step = max(1, BLOCK // rows.shape[1])
            bad = [
                first + np.flatnonzero(~np.isfinite(rows[first : first + step]).all(axis=1))
                for first in range(0, len(rows), step)
            ]
            found = np.concatenate([np.empty(0, np.int64), *bad])
            if len(found):
                named = ", ".join(str(i) for i in found[:5]) + (", ..." if len(found) > 5 else "")
                raise BadRowsError(
                    f"X has NaN or infinite values in row{'s' * (len(found) > 1)} {named}; mend them, or take these "
                    "rows out",
                    [int(i) for i in found],
                )
        return rows

    def _fitted(self, X: Any, d: int, what: str) -> Batch:
        """Rows of d columns, as ``what`` were."""
        batch = read(X, "X")
        self._rows(batch)
        if batch.d != d:
            raise ShapeError(f"X has vectors of {batch.d} coordinates, and {type(self).__name__} wants {d}, as {what}")
        return batch

    def _mapped(self, batch: Batch, function: Any, width: int, dtype: Any = None) -> NDArray[Any]:
        """A function of float64 rows, a block at a time."""
        rows = to_floating(batch) if batch.dtype == "bfloat16" else batch.array
        narrow = batch.dtype in ("float32", "float16", "bfloat16")
        made = np.empty((len(rows), width), dtype or (np.float32 if narrow else np.float64))
        step = max(1, BLOCK // max(rows.shape[1], width))
        for first in range(0, len(rows), step):
            made[first : first + step] = function(rows[first : first + step].astype(np.float64))
        return made

    def _given(self, made: NDArray[Any], batch: Batch) -> Any:
        return give(made[0] if batch.vector else made, batch)

    # ---- for scikit-learn

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]),
            input_tags=InputTags(),
        )


class Invertible(Transform):
    """A map that can be undone, as far as it keeps what it is given: a subclass has ``_unmap(block)``."""

    def inverse_transform(self, X: Any) -> Any:
        """Rows (n, r) mapped back to (n, d): the nearest rows that are mapped to these."""
        d = self._d()
        batch = self._fitted(X, self._width(), "transform gives")
        return self._given(self._mapped(batch, self._unmap, d), batch)

    def _unmap(self, block: NDArray[np.float64]) -> NDArray[Any]:
        raise NotImplementedError


def read_rank(rank: Any, d: int, name: str = "rank", least: int = 1) -> int:
    """How many directions of d: a whole number; None is all."""
    if rank is None:
        return d
    if isinstance(rank, (bool, np.bool_)) or not hasattr(rank, "__index__"):
        raise InputError(f"{name}={rank!r} is not a whole number")
    count = int(rank)
    if not least <= count <= d:
        raise InputError(f"{name}={count}; rows have {d} dimensions, so {least} to {d} is wanted")
    return count


def read_share(value: Any, name: str) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise InputError(f"{name}={value!r}; a number from 0 to 1 is wanted")
    return float(value)


def read_number(value: Any, name: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InputError(f"{name}={value!r} is not a finite number")
    return float(value)
