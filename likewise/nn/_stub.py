"""Placeholder of attention."""

from __future__ import annotations
from typing import Any
import math
import torch
from torch import Tensor, nn
import torch.nn.functional as F
from likewise.nn.check import check_metric
from likewise.nn.comparison import scores


class KVCache:
    def __init__(self) -> None:
        self.k: Tensor | None = None
        self.v: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self.k is None else self.k.shape[-2]

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        if self.k is not None and self.v is not None:
            k, v = torch.cat([self.k, k], -2), torch.cat([self.v, v], -2)
        self.k, self.v = k, v
        return k, v


class Attention(nn.Module):
    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        metric: Any = "dot",
        kv_heads: Any = None,
        causal: bool = False,
        scale: Any = None,
        bias: bool = True,
        normalizer: str = "softmax",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.metric, self.num_heads, self.causal = (
            check_metric(metric, embed_dim // num_heads, learned=True),
            num_heads,
            causal,
        )
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(4)
        )
        self.dropout = dropout
        d = embed_dim // num_heads
        self.scale: Any = (
            nn.Parameter(torch.full((num_heads,), 10.0 if self.metric.closer == "larger" else 1 / math.sqrt(d)))
            if scale == "learned"
            else scale or 1 / math.sqrt(d)
        )

    def forward(self, x: Tensor, cache: KVCache | None = None) -> Tensor:
        q, k, v = (
            p(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        if cache is not None:
            k, v = cache.append(k, v)
        n, m = q.shape[-2], k.shape[-2]
        if self.metric.name == "dot" and n == m:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            s = scores(q, k, self.metric)
            s = -s if self.metric.closer == "smaller" else s
            scale = self.scale[:, None, None] if isinstance(self.scale, Tensor) else self.scale
            mask = torch.ones(n, m, dtype=torch.bool).tril(m - n)
            out = (s * scale).masked_fill(~mask, -math.inf).softmax(-1) @ v
        return self.out_proj(out.transpose(1, 2).flatten(-2))
