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
from likewise.nn.functional import attend  # noqa: E402

__all__ = ["Attention", "Cache", "Dense", "attend", "compare"]
