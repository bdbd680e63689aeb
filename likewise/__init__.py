"""likewise compares vectors any way you like, at the speed of the dot product.

>>> import likewise as lw
>>> found = lw.topk([[1.0, 2.0]], [[1.0, 0.0], [1.0, 2.5]], k=1, metric="manhattan")
>>> found.indices
array([[1]])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from likewise import errors
from likewise.bits import Bits
from likewise.compute import (
    NaNWarning,
    Prepared,
    attend,
    contributions,
    kmeans,
    paired,
    pairwise,
    prepare,
    topk,
    weighted_sum,
    within,
)
from likewise.formula import math
from likewise.formula.metric import Metric, metric
from likewise.formula.metrics import (
    MetricTable,
    laplacian,
    mahalanobis,
    matern32,
    minkowski,
    polynomial,
    rational_quadratic,
    rbf,
    sigmoid,
)
from likewise.reductions import KMeans, TopK, Within
from likewise.vectors import angle, norm, normalize, project

if TYPE_CHECKING:
    from likewise import costs, geometry, machine, recommend, text, transforms, translate

    # not in __all__: "import *" must not ask for the packages that these stand on
    from likewise import estimators as estimators
    from likewise import nn as nn
    from likewise.costs.explain import explain
    from likewise.costs.result import Explanation
    from likewise.estimators.gram import gram as gram
    from likewise.transforms import csls

__version__ = "0.1.0"

metrics = MetricTable()

#: Packages that are loaded when they are first asked for.
_USES = (
    "costs",
    "estimators",
    "geometry",
    "machine",
    "nn",
    "recommend",
    "text",
    "transforms",
    "translate",
)

#: Names out of them.
_NAMES = {"Explanation": "costs", "csls": "transforms", "explain": "costs", "gram": "estimators"}


def __getattr__(name: str) -> Any:
    if name in _USES:
        return importlib.import_module(f"likewise.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"likewise.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'likewise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_USES, *_NAMES})


__all__ = [
    "Bits",
    "Explanation",
    "KMeans",
    "Metric",
    "NaNWarning",
    "Prepared",
    "TopK",
    "Within",
    "angle",
    "attend",
    "contributions",
    "costs",
    "csls",
    "errors",
    "explain",
    "geometry",
    "kmeans",
    "laplacian",
    "machine",
    "mahalanobis",
    "matern32",
    "math",
    "metric",
    "metrics",
    "minkowski",
    "norm",
    "normalize",
    "paired",
    "pairwise",
    "polynomial",
    "prepare",
    "project",
    "rational_quadratic",
    "rbf",
    "recommend",
    "sigmoid",
    "text",
    "topk",
    "transforms",
    "translate",
    "weighted_sum",
    "within",
]
