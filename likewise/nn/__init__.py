"""Learn with any metric: neurons, attention, memories and language models in torch.

The package needs torch (``pip install 'likewise[torch]'``).
"""

from __future__ import annotations

from likewise.extras import need

need("torch", "lw.nn", extra="torch")

from likewise.nn.attention import Attention  # noqa: E402 - after the check that torch is there
from likewise.nn.cache import Cache  # noqa: E402
from likewise.nn.comparison import compare  # noqa: E402
from likewise.nn.dense import Dense  # noqa: E402
from likewise.nn.edits import Change, Effect  # noqa: E402
from likewise.nn.experts import CollapseWarning, MixtureOfExperts, Usage  # noqa: E402
from likewise.nn.functional import attend  # noqa: E402
from likewise.nn.memory import Memory  # noqa: E402
from likewise.nn.product_keys import ProductKeys  # noqa: E402
from likewise.nn.training import Record, Training, evaluate, train  # noqa: E402
from likewise.nn.transformer import Transformer  # noqa: E402
from likewise.nn.vocabulary import Vocabulary  # noqa: E402

__all__ = [
    "Attention",
    "Cache",
    "Change",
    "CollapseWarning",
    "Dense",
    "Effect",
    "Memory",
    "MixtureOfExperts",
    "ProductKeys",
    "Record",
    "Training",
    "Transformer",
    "Usage",
    "Vocabulary",
    "attend",
    "compare",
    "evaluate",
    "train",
]
