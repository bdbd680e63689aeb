"""Learn with any metric: nearest-neighbour and kernel machines, by scikit-learn's conventions.

The package needs scikit-learn (``pip install 'likewise[learn]'``).
"""

from __future__ import annotations

from likewise.extras import need

need("sklearn", "lw.estimators", extra="learn")

from likewise.estimators.density import KernelDensity  # noqa: E402  (after the check above)
from likewise.estimators.feature_maps import PolynomialFeatureMap  # noqa: E402
from likewise.estimators.gaussian_process import GaussianProcessRegressor  # noqa: E402
from likewise.estimators.gram import Gram, gram  # noqa: E402
from likewise.estimators.kernel_classifier import KernelClassifier  # noqa: E402
from likewise.estimators.kernel_ridge import KernelRidge  # noqa: E402
from likewise.estimators.kmeans import KMeans  # noqa: E402
from likewise.estimators.neighbors import (  # noqa: E402
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    RadiusNeighborsClassifier,
)
from likewise.estimators.psd import Definiteness, positive_semidefinite  # noqa: E402

__all__ = [
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "KNeighborsTransformer",
    "RadiusNeighborsClassifier",
    "KMeans",
    "KernelDensity",
    "Gram",
    "gram",
    "Definiteness",
    "positive_semidefinite",
    "PolynomialFeatureMap",
    "KernelRidge",
    "KernelClassifier",
    "GaussianProcessRegressor",
]
