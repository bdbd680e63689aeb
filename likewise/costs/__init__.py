"""What a computation costs: how shapes align, FLOPs, bytes, and the time to expect.

:func:`explain` is the door, for text, shapes, arrays and calls. The rest are its parts, as functions: each gives an
:class:`Explanation`, which prints, and whose ``flops``, ``bytes``, ``seconds`` and ``operations`` are for programs.

>>> from likewise import costs
>>> costs.matmul((32, 512), (512, 2048)).flops
67108864
"""

from likewise.costs.ceilings import Ceilings, ceilings
from likewise.costs.explain import explain
from likewise.costs.expression import expression, matmul
from likewise.costs.layers import attention, feed_forward, linear
from likewise.costs.result import Clash, Explanation, Operation
from likewise.costs.transformer import transformer
from likewise.costs.verbs import VerbExplanation

__all__ = [
    "explain",
    "expression",
    "matmul",
    "linear",
    "feed_forward",
    "attention",
    "transformer",
    "Explanation",
    "Operation",
    "Clash",
    "VerbExplanation",
    "Ceilings",
    "ceilings",
]
