"""Maps of whole sets of rows: their largest directions, those that two sets have in common, what corrects for hubs."""

from likewise.transforms.cca import canonical
from likewise.transforms.rescale import CSLS, LocalScaling, Rescaled, csls, local_scaling
from likewise.transforms.svd import SVD, truncated_svd

__all__ = [
    "CSLS",
    "SVD",
    "LocalScaling",
    "Rescaled",
    "canonical",
    "csls",
    "local_scaling",
    "truncated_svd",
]
