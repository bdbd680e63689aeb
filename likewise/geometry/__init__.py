"""Can the space that vectors live in be trusted? Each question a function, for any metric, by the verbs.

Every function takes rows (n, d), or a :class:`Space` that several questions share: rows are then checked and prepared
once, and their neighbours searched once. What is found carries how many rows it was found on, and an interval where
these were drawn.
"""

from likewise.geometry.estimate import Estimate
from likewise.geometry.labels import Difference, Separation, SeparationRow, separation
from likewise.geometry.precision import Precision, PrecisionRow, precision
from likewise.geometry.quality import Quality, quality
from likewise.geometry.space import Neighbours, Space

__all__ = [
    "Difference",
    "Estimate",
    "Neighbours",
    "Precision",
    "PrecisionRow",
    "Quality",
    "Separation",
    "SeparationRow",
    "Space",
    "precision",
    "quality",
    "separation",
]
