"""Maps of whole sets of rows: their largest directions, and those that two sets have in common."""

from likewise.transforms.cca import canonical
from likewise.transforms.svd import SVD, truncated_svd

__all__ = ["SVD", "canonical", "truncated_svd"]
