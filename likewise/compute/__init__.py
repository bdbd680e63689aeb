"""The verbs: check what came in, plan, run.

Every verb takes ``metric=`` (a name, a metric, or a Python function of two numbers), ``n_jobs=`` (threads; default
every core), ``memory_limit=`` (bytes or "500MB", for what is used beyond inputs and outputs), ``on_bad=`` ("raise" on
NaN and infinite rows, or "skip" them) and ``progress=`` (True, or a function of pairs done and pairs in all).
"""

from likewise.compute.cluster import kmeans
from likewise.compute.dense import contributions, paired, pairwise
from likewise.compute.fold import attend, weighted_sum
from likewise.compute.prepared import Prepared, prepare
from likewise.compute.search import topk, within
from likewise.compute.sides import NaNWarning

__all__ = [
    "NaNWarning",
    "Prepared",
    "attend",
    "contributions",
    "kmeans",
    "paired",
    "pairwise",
    "prepare",
    "topk",
    "weighted_sum",
    "within",
]
