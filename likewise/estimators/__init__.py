"""Learn with any metric: nearest-neighbour and kernel machines, by scikit-learn's conventions.

The package needs scikit-learn (``pip install 'likewise[learn]'``).
"""

from __future__ import annotations

from likewise.extras import need

need("sklearn", "lw.estimators", extra="learn")

from likewise.estimators.neighbors import (  # noqa: E402  (after the check above)
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
]
