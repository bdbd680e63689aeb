"""The features that a polynomial kernel stands for, written out."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from likewise.errors import InputError
from likewise.estimators.base import read_rows
from likewise.estimators.gram import float_rows
from likewise.estimators.settings import number, whole

#: Of all features together: they are kept as 4 bytes each.
_MOST_FACTORS = 50_000_000


class PolynomialFeatureMap(TransformerMixin, BaseEstimator):
    """The features whose dot product is the polynomial kernel: (gamma x.y + coef0)^degree = f(x) . f(y).

    A feature for each product of at most ``degree`` coordinates (the multinomial theorem),

        f_a(x) = sqrt(degree! / (a_0! ... a_d!) coef0^a_0 gamma^(degree - a_0)) x_1^a_1 ... x_d^a_d,

    where a_0 makes the exponents add up to ``degree``: binomial(d + degree, degree) of them. The kernel gives the same
    number in d multiplications, which is the kernel trick.

    Parameters
    ----------
    degree : int
        At least 0.
    gamma : float, optional
        Default 1/d, as for ``lw.polynomial``.
    coef0 : float
        At least 0: below, there are no such features, and no kernel.

    Attributes
    ----------
    exponents_ : ndarray of shape (n_features_out, d)
    weights_ : ndarray of shape (n_features_out,)

    Examples
    --------
    >>> import likewise as lw
    >>> from likewise.estimators import PolynomialFeatureMap
    >>> X = [[1.0, 2.0], [3.0, 4.0]]
    >>> F = PolynomialFeatureMap(degree=2, gamma=1.0).fit_transform(X)
    >>> F.shape
    (2, 6)
    >>> F @ F.T
    array([[ 36., 144.],
           [144., 676.]])
    >>> lw.pairwise(X, metric=lw.polynomial(degree=2, gamma=1.0))
    array([[ 36., 144.],
           [144., 676.]])
    """

    def __init__(self, degree: int = 2, *, gamma: float | None = None, coef0: float = 1.0) -> None:
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0

    def fit(self, X: Any, y: Any = None) -> PolynomialFeatureMap:
        """Count the coordinates.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored
        """
        rows = read_rows(self, X, reset=True)
        degree, d = whole("degree", self.degree, least=0), rows.shape[1]
        gamma = 1 / d if self.gamma is None else number("gamma", self.gamma, above=0)
        coef0 = number("coef0", self.coef0, least=0)
        if (count := math.comb(d + degree, degree)) * max(degree, 1) > _MOST_FACTORS:
            raise InputError(
                f"degree={degree} of {d} coordinates makes {count:,} features; use the kernel, lw.polynomial(), which "
                "needs none"
            )
        # a product of at most `degree` coordinates is one of `degree` factors, of which some are 1: factor 0
        chosen = combinations_with_replacement(range(coef0 == 0, d + 1), degree)
        flat = np.fromiter(itertools.chain.from_iterable(chosen), np.int32)
        self._factors: NDArray[np.int32] = flat.reshape(-1, degree) if degree else np.zeros((1, 0), np.int32)
        self.weights_ = np.sqrt(_ways(self._factors) * _scales(self._factors, gamma, coef0))
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """The features of rows.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, n_features_out), float64
        """
        check_is_fitted(self)
        rows = float_rows(read_rows(self, X, reset=False)).astype(np.float64, copy=False)
        rows = np.hstack([np.ones((len(rows), 1)), rows])
        out = np.tile(self.weights_, (len(rows), 1))
        for factor in self._factors.T:
            out *= rows[:, factor]
        return out

    @property
    def exponents_(self) -> NDArray[np.int64]:
        """What each feature is a product of: (n_features_out, d), made when it is asked for."""
        check_is_fitted(self)
        made = np.zeros((len(self._factors), self.n_features_in_ + 1), np.int64)
        for factor in self._factors.T:
            made[np.arange(len(made)), factor] += 1
        return made[:, 1:]

    @property
    def _n_features_out(self) -> int:
        return len(self.weights_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the features: "1", "x0", "x0^2 x1"..."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([_product(names, factors) for factors in self._factors.tolist()], dtype=object)


def _ways(factors: NDArray[np.int32]) -> NDArray[np.float64]:
    """degree! / (a_0! ... a_d!) of rising factors: factor by factor, the length so far over that of its run."""
    ways, run = np.ones(len(factors)), np.ones(len(factors))
    for i in range(1, factors.shape[1]):
        run = np.where(factors[:, i] == factors[:, i - 1], run + 1, 1.0)
        ways = ways * (i + 1) / run
    return ways


def _scales(factors: NDArray[np.int32], gamma: float, coef0: float) -> NDArray[np.float64]:
    """coef0^a_0 gamma^(degree - a_0)."""
    ones = np.count_nonzero(factors == 0, axis=1).astype(np.float64)
    return np.asarray(np.power(coef0, ones) * np.power(gamma, factors.shape[1] - ones))


def _product(names: NDArray[Any], factors: list[int]) -> str:
    powers = Counter(factor for factor in factors if factor)
    return " ".join(f"{names[i - 1]}^{power}" if power > 1 else str(names[i - 1]) for i, power in powers.items()) or "1"
