"""Maps of whole sets of rows: whitened, turned, cut, as bits; what two sets have in common; what corrects for hubs.

Whiten, Rotate, RemoveTop, Binarize and RandomProjection have ``fit``, ``transform`` and, where one exists,
``inverse_transform``, as scikit-learn has them: they go into its pipelines, and do not need it.
"""

from likewise.transforms.axes import RemoveTop, Rotate, Whiten
from likewise.transforms.base import Transform
from likewise.transforms.binarize import Binarize
from likewise.transforms.cca import canonical
from likewise.transforms.projection import RandomProjection, johnson_lindenstrauss
from likewise.transforms.rescale import CSLS, LocalScaling, Rescaled, csls, local_scaling
from likewise.transforms.svd import SVD, truncated_svd

__all__ = [
    "CSLS",
    "SVD",
    "Binarize",
    "LocalScaling",
    "RandomProjection",
    "RemoveTop",
    "Rescaled",
    "Rotate",
    "Transform",
    "Whiten",
    "canonical",
    "csls",
    "johnson_lindenstrauss",
    "local_scaling",
    "truncated_svd",
]
