"""Learn with any metric: nearest-neighbour and kernel machines, by scikit-learn's conventions.

The package needs scikit-learn (``pip install 'likewise[learn]'``).
"""

from __future__ import annotations

from likewise.extras import need

need("sklearn", "lw.estimators", extra="learn")

from likewise.estimators.density import KernelDensity  # noqa: E402  (after the check above)
from likewise.estimators.kmeans import KMeans  # noqa: E402
from likewise.estimators.neighbors import (  # noqa: E402
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    RadiusNeighborsClassifier,
)

__all__ = [
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "KNeighborsTransformer",
    "RadiusNeighborsClassifier",
    "KMeans",
    "KernelDensity",
]
