"""The features that a polynomial kernel stands for, written out."""

from __future__ import annotations

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

_MOST_FEATURES = 10_000_000


class PolynomialFeatureMap(TransformerMixin, BaseEstimator):
    """The features whose dot product is the polynomial kernel: (gamma x.y + coef0)^degree = f(x) . f(y).

    A feature for each product of at most ``degree`` coordinates (the multinomial theorem),

        f_a(x) = sqrt(degree! / (a_0! ... a_d!) coef0^a_0 gamma^(degree - a_0)) x_1^a_1 ... x_d^a_d,

    where a_0 makes the exponents add up to ``degree``: binomial(d + degree, degree) of them. The kernel gives the same number
    in d multiplications, which is the kernel trick.

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
        if (count := math.comb(d + degree, degree)) > _MOST_FEATURES:
            raise InputError(
                f"degree={degree} of {d} coordinates makes {count:,} features; use the kernel, lw.polynomial(), which "
                "needs none"
            )
        exponents, weights = [], []
        for total in range(degree + 1):
            if coef0 == 0 and total < degree:
                continue
            for chosen in combinations_with_replacement(range(d), total):
                powers = Counter(chosen)
                ways = math.factorial(degree) // math.factorial(degree - total)
                for power in powers.values():
                    ways //= math.factorial(power)
                exponents.append([powers[i] for i in range(d)])
                weights.append(math.sqrt(ways * coef0 ** (degree - total) * gamma**total))
        self.exponents_ = np.array(exponents, dtype=np.int64).reshape(len(exponents), d)
        self.weights_ = np.array(weights)
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
        out = np.tile(self.weights_, (len(rows), 1))
        for i in range(rows.shape[1]):
            powers = np.power.outer(rows[:, i], np.arange(self.exponents_[:, i].max(initial=0) + 1))
            out *= powers[:, self.exponents_[:, i]]
        return out

    @property
    def _n_features_out(self) -> int:
        return len(self.weights_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the features: "1", "x0", "x0^2 x1"..."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([_product(names, powers) for powers in self.exponents_], dtype=object)


def _product(names: NDArray[Any], powers: NDArray[np.int64]) -> str:
    parts = [str(name) if power == 1 else f"{name}^{power}" for name, power in zip(names, powers, strict=True) if power]
    return " ".join(parts) or "1"
