"""What neighbours count, and what they vote for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import check_classification_targets

from likewise.errors import InputError
from likewise.formula.metric import Metric

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def check_weights(weights: Any) -> None:
    """Raise for what is no way of weighting neighbours."""
    if not (weights is None or callable(weights) or (isinstance(weights, str) and weights in ("uniform", "distance"))):
        raise InputError(f"weights={weights!r} is not known; it is 'uniform', 'distance' or a function of distances")


def neighbour_weights(weights: Any, values: Floats, metric: Metric) -> Floats | None:
    """What each neighbour of one line of values (..., k) counts; None where all count alike.

    In proportion to ::

        distance:    w = 1 / value; where values are 0, these count 1 and the others nothing
        similarity:  w = value; where values are infinite, these count 1 and the others nothing

    Where none counts anything, all distances infinite or all similarities 0, all count alike.
    """
    if weights is None or (isinstance(weights, str) and weights == "uniform"):
        return None
    if callable(weights):
        return _by_function(weights, values)
    if (values < 0).any():
        raise InputError(
            f"weights='distance' by {metric.name}, which is negative for some neighbours (down to {values.min():g}); "
            "pass weights='uniform', or a function of its values that is not negative"
        )
    if not values.shape[-1]:
        return values
    values = values.astype(np.float64)
    if metric.closer == "larger":
        best, which = values.max(axis=-1, keepdims=True), np.isposinf(values)
        over, under = values, best
    else:
        best, which = values.min(axis=-1, keepdims=True), values == 0
        over, under = best, values
    # in proportion to the greatest weight: 1 / 1e-308 is near the end of float64, and a sum of such beyond it
    with np.errstate(divide="ignore", invalid="ignore"):
        made = np.where(which.any(axis=-1, keepdims=True), which, over / under)
    alike = best == (0.0 if metric.closer == "larger" else np.inf)
    return np.where(alike, 1.0, made)


def _by_function(weights: Callable[[Any], Any], values: Floats) -> Floats:
    made = np.asarray(weights(values), dtype=np.float64)
    if made.shape != values.shape:
        raise InputError(f"weights gave shape {made.shape} for values of shape {values.shape}; they have to be equal")
    if not np.isfinite(made).all() or (made < 0).any():
        raise InputError("weights gave numbers that are NaN, infinite or negative; a neighbour counts 0 or more")
    if values.shape[-1] and not made.any(axis=-1).all():
        raise InputError(
            "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case"
        )
    return made


class Labelled:
    """Targets of a classifier: each output's labels as numbers of its sorted classes."""

    classes_: Any
    outputs_2d_: bool
    _codes: Integers

    def _fit_labels(self, y: Any) -> None:
        check_classification_targets(y)
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] != 1
        if y.ndim == 2 and not self.outputs_2d_:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=3,
            )
        columns = y.reshape(len(y), -1)
        pairs = [np.unique(column, return_inverse=True) for column in columns.T]
        classes = [found for found, _ in pairs]
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        self._codes = np.stack([codes for _, codes in pairs], axis=1).astype(np.int64)

    @property
    def _class_lists(self) -> list[NDArray[Any]]:
        return list(self.classes_) if self.outputs_2d_ else [self.classes_]

    def _labels(self, numbers: list[Integers]) -> NDArray[Any]:
        """Labels of class numbers, an array of numbers an output."""
        columns = [classes.take(number) for classes, number in zip(self._class_lists, numbers, strict=True)]
        return np.stack(columns, axis=1) if self.outputs_2d_ else columns[0]


def count_votes(rows: Integers, codes: Integers, weights: Floats | None, n: int, classes: int) -> Floats:
    """(n, classes): what the neighbours of each row count together, added in the order given."""
    flat = None if weights is None else weights.ravel()
    return np.bincount(rows * classes + codes, flat, minlength=n * classes).reshape(n, classes).astype(np.float64)
