"""Can the space that vectors live in be trusted? Each question a function, for any metric, by the verbs.

Every function takes rows (n, d), or a :class:`Space` that several questions share: rows are then checked and prepared
once, and their neighbours searched once. What is found carries how many rows it was found on, and an interval where
these were drawn.
"""

from likewise.geometry.capacity import Capacity, capacity, entropy_dimensions, limit_items
from likewise.geometry.concentration import Concentration, concentration
from likewise.geometry.dimension import Dimension, intrinsic_dimension
from likewise.geometry.estimate import Estimate
from likewise.geometry.hubness import Hubness, hubness
from likewise.geometry.isotropy import Isotropy, TopDirections, isotropy, top_directions
from likewise.geometry.labels import Difference, Separation, SeparationRow, separation
from likewise.geometry.norms import Norms, norms
from likewise.geometry.precision import Precision, PrecisionRow, precision
from likewise.geometry.quality import Quality, quality
from likewise.geometry.reduction import HubnessReduction, hubness_reduction
from likewise.geometry.space import Neighbours, Space
from likewise.geometry.volume import ball_in_cube, ball_volume, log_ball_volume, shell

__all__ = [
    "Space",
    "Neighbours",
    "Estimate",
    "quality",
    "Quality",
    "ball_volume",
    "log_ball_volume",
    "ball_in_cube",
    "shell",
    "concentration",
    "Concentration",
    "hubness",
    "Hubness",
    "hubness_reduction",
    "HubnessReduction",
    "intrinsic_dimension",
    "Dimension",
    "isotropy",
    "Isotropy",
    "top_directions",
    "TopDirections",
    "norms",
    "Norms",
    "capacity",
    "Capacity",
    "entropy_dimensions",
    "limit_items",
    "precision",
    "Precision",
    "PrecisionRow",
    "separation",
    "Separation",
    "SeparationRow",
    "Difference",
]
