"""Learn with any metric: nearest-neighbour and kernel machines, by scikit-learn's conventions.

The package needs scikit-learn (``pip install 'likewise[learn]'``).
"""

from __future__ import annotations

from likewise.extras import need

need("sklearn", "lw.estimators", extra="learn")

from likewise.estimators.gram import Gram, gram  # noqa: E402
from likewise.estimators.psd import Definiteness, positive_semidefinite  # noqa: E402

__all__ = [
    "Definiteness",
    "Gram",
    "gram",
    "positive_semidefinite",
]
