"""Nearest-neighbour estimators: scikit-learn's checks, its answers, and what only any metric asks for."""

import pytest

pytest.importorskip("sklearn")
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from likewise.estimators import (  # noqa: E402
    KernelDensity,
    KMeans,
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    RadiusNeighborsClassifier,
)


@parametrize_with_checks(
    [KNeighborsClassifier(), KNeighborsRegressor(), KNeighborsTransformer(), RadiusNeighborsClassifier(), KMeans(), KernelDensity()]
)
def test_conventions(estimator, check):
    check(estimator)
