"""Multi-head attention by any metric, as a layer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from likewise.errors import DtypeError, InputError, ShapeError
from likewise.formula.metrics import ALIASES, euclidean
from likewise.nn.cache import Cache
from likewise.nn.check import accumulate_dtype, check_count, check_metric, check_share, check_tensor, finite
from likewise.nn.functional import read_normalizer, weigh
from likewise.nn.mask import Look, check_mask
from likewise.nn.products import as_products, fused
from likewise.nn.spread import spread


class Attention(nn.Module):
    """Multi-head attention whose queries and keys are compared by any metric.

    Every head h computes softmax(scale * score(q, k)) v of its own projections, where the score is a similarity as it
    is or a distance negated; what the heads give is projected once more. With ``metric="dot"`` this computes what
    ``torch.nn.MultiheadAttention(batch_first=True)`` does. It is called otherwise: with ``x`` and, where they differ,
    ``context``; True in ``mask`` lets a query look; the answer comes alone, without weights.

    Parameters
    ----------
    embed_dim : int
        Of what goes in and comes out; a multiple of ``num_heads``.
    num_heads : int
        Heads, of ``embed_dim // num_heads`` coordinates each.
    metric : str, Metric or callable
        "mahalanobis" is "euclidean" with ``matrix=True``.
    kv_heads : int, optional
        Heads of keys and values, each of which serves ``num_heads // kv_heads`` heads of queries (grouped-query
        attention; Ainslie et al., 2023). Default: as many as there are.
    causal : bool
        Token i sees the tokens 0 .. i.
    scale : float or "learned", optional
        What scores are multiplied by. Default: what makes the scores of standard normal heads vary by 1, which is
        1 / sqrt(head_dim) for "dot"; 1 with ``normalizer="kernel"``. "learned" begins there, with one number a head.
    bias : bool
        Of the four projections.
    normalizer : {"softmax", "kernel", "relu", "none"}
        As for :func:`attend`.
    dropout : float
        Of the weights, while training.
    matrix : bool
        Whether queries and keys go through a learned matrix, one for each of ``kv_heads``, before they are compared:
        a metric that is learned. It begins as the identity.
    context_dim : int, optional
        Of ``context``; default ``embed_dim``.
    device, dtype
        Of the parameters.

    Raises
    ------
    InputError, ShapeError, UnknownMetricError
        Where sizes do not fit each other, or the metric is not known or has no gradient.

    Notes
    -----
    Dot products, cosine and "sqeuclidean", with or without a matrix, go to torch's fused attention; other metrics are
    computed in blocks. Memory is linear in the length either way, forward and backward. ``dropout`` takes any metric
    through blocks.

    Examples
    --------
    >>> import torch
    >>> layer = Attention(32, 4, metric="manhattan", causal=True)
    >>> layer(torch.zeros(2, 10, 32)).shape
    torch.Size([2, 10, 32])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        metric: Any = "dot",
        kv_heads: int | None = None,
        causal: bool = False,
        scale: float | str | None = None,
        bias: bool = True,
        normalizer: str = "softmax",
        dropout: float = 0.0,
        matrix: bool = False,
        context_dim: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.embed_dim, self.num_heads = check_count(embed_dim, "embed_dim"), check_count(num_heads, "num_heads")
        self.kv_heads = num_heads if kv_heads is None else check_count(kv_heads, "kv_heads")
        self.context_dim = embed_dim if context_dim is None else check_count(context_dim, "context_dim")
        if embed_dim % num_heads:
            raise InputError(f"embed_dim={embed_dim} is no multiple of num_heads={num_heads}")
        if num_heads % self.kv_heads:
            raise InputError(f"num_heads={num_heads} is no multiple of kv_heads={kv_heads}")
        if dtype is not None and not dtype.is_floating_point:
            raise DtypeError(f"dtype={str(dtype)[6:]} cannot be learned in; a floating one is wanted: torch.float32")
        self.head_dim = embed_dim // num_heads
        if isinstance(metric, str) and ALIASES.get(metric, metric) == "mahalanobis":
            metric, matrix = euclidean, True
        self.metric = check_metric(metric, self.head_dim, learned=True)
        self.normalizer, self._rule = normalizer, read_normalizer(normalizer, self.metric)
        self.causal, self.dropout = bool(causal), check_share(dropout, "dropout")
        products = as_products(self.metric, self.head_dim) if normalizer == "softmax" else None
        self._is_fused = products is not None and products.plain
        self._slope = products.slope * self._rule.sign if products is not None else 1.0
        made = {"device": device, "dtype": dtype}
        inner = self.kv_heads * self.head_dim
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias, **made)
        self.k_proj = nn.Linear(self.context_dim, inner, bias=bias, **made)
        self.v_proj = nn.Linear(self.context_dim, inner, bias=bias, **made)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias, **made)
        self.matrix = nn.Parameter(torch.empty(self.kv_heads, self.head_dim, self.head_dim, **made)) if matrix else None
        usual = 1.0 if normalizer == "kernel" else 1 / spread(self.metric, self.head_dim)[1]
        self.log_scale: nn.Parameter | None = None
        if isinstance(scale, str):
            if scale != "learned":
                raise InputError(f"scale={scale!r} is not known; it is a number or 'learned'")
            self.log_scale = nn.Parameter(torch.empty(num_heads, **made))
        self._usual = usual if scale is None or isinstance(scale, str) else finite(scale)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin anew: projections as in ``torch.nn.MultiheadAttention``, matrices as the identity."""
        for layer in (self.q_proj, self.k_proj, self.v_proj):
            nn.init.xavier_uniform_(layer.weight, gain=math.sqrt(0.5))
        self.out_proj.reset_parameters()
        with torch.no_grad():
            for layer in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
                if layer.bias is not None:
                    layer.bias.zero_()
            if self.matrix is not None:
                self.matrix.copy_(torch.eye(self.head_dim, device=self.matrix.device).expand_as(self.matrix))
            if self.log_scale is not None:
                self.log_scale.fill_(math.log(self._usual))

    @property
    def scale(self) -> float | Tensor:
        """What scores are multiplied by: a number, or a tensor of shape (num_heads,) where it is learned."""
        return self._usual if self.log_scale is None else self.log_scale.exp()

    def extra_repr(self) -> str:
        """What is printed of it."""
        kept = f"{self.embed_dim}, {self.num_heads}, metric={self.metric.name!r}"
        if self.kv_heads != self.num_heads:
            kept += f", kv_heads={self.kv_heads}"
        scale = f"{self._usual:.4g}" if self.log_scale is None else "'learned'"
        return f"{kept}, causal={self.causal}, scale={scale}, normalizer={self.normalizer!r}"

    @classmethod
    def from_torch(cls, layer: nn.MultiheadAttention, **options: Any) -> Attention:
        """The same weights as a ``torch.nn.MultiheadAttention``, under ``options`` of one's own, such as a metric.

        Parameters
        ----------
        layer : torch.nn.MultiheadAttention
            Of one width for queries, keys and values, without ``add_bias_kv`` and ``add_zero_attn``. It may take
            (length, batch, embed_dim); this one takes (batch, length, embed_dim).
        **options
            As for the class.

        Examples
        --------
        >>> import torch
        >>> Attention.from_torch(torch.nn.MultiheadAttention(32, 4), metric="euclidean")  # doctest: +ELLIPSIS
        Attention(
          32, 4, metric='euclidean', ...
        """
        if not isinstance(layer, nn.MultiheadAttention):
            raise InputError(f"layer is of type {type(layer).__name__}; a torch.nn.MultiheadAttention is wanted")
        if not layer._qkv_same_embed_dim or layer.bias_k is not None or layer.add_zero_attn:
            raise InputError("layer has kdim, vdim, add_bias_kv or add_zero_attn, which have no place here")
        weight, bias = layer.in_proj_weight, layer.in_proj_bias
        options = {"dropout": layer.dropout, "device": weight.device, "dtype": weight.dtype} | options
        made = cls(layer.embed_dim, layer.num_heads, bias=bias is not None, **options)
        with torch.no_grad():
            for i, mine in enumerate((made.q_proj, made.k_proj, made.v_proj)):
                rows = slice(i * layer.embed_dim, (i + 1) * layer.embed_dim)
                mine.weight.copy_(weight[rows])
                if bias is not None:
                    mine.bias.copy_(bias[rows])
            made.out_proj.load_state_dict(layer.out_proj.state_dict())
        return made.train(layer.training)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        *,
        key_padding_mask: Tensor | None = None,
        mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """What each token of ``x`` finds among the tokens of ``context``.

        Parameters
        ----------
        x : Tensor of shape (batch, n, embed_dim) or (n, embed_dim)
        context : Tensor of shape (batch, m, context_dim) or (m, context_dim), optional
            What is looked at; default ``x``.
        key_padding_mask : Tensor of shape (batch, m) or (m,), optional
            As torch has it: **True = ignore** that token of the context; or floating, added to the scores.
        mask : Tensor that broadcasts to (batch, num_heads, n, m), optional
            As in :func:`attend`: **True = may look**; or floating, added to the scores. With ``causal=True`` both hold.
        cache : Cache, optional
            Tokens before these: the context is appended to it, and all of it is looked at. Masks are over all of it.
            Causal: the first token of ``x`` comes after all tokens that the cache held.

        Returns
        -------
        Tensor of shape (batch, n, embed_dim) or (n, embed_dim)
        """
        single = self._check(x, "x", self.embed_dim)
        given = x if context is None else context
        if context is not None and self._check(context, "context", self.context_dim) != single:
            raise ShapeError(
                f"x has shape {tuple(x.shape)} and context {tuple(context.shape)}; as many axes are wanted"
            )
        if context is None and self.context_dim != self.embed_dim:
            raise ShapeError(f"x has shape {tuple(x.shape)}; with context_dim={self.context_dim} give context, too")
        if not single and given.shape[0] != x.shape[0]:
            shapes = f"x has shape {tuple(x.shape)} and context {tuple(given.shape)}"
            raise ShapeError(f"{shapes}; as many sequences are wanted")
        if single:
            x, given = x[None], given[None]
        if cache is not None and not isinstance(cache, Cache):
            raise InputError(f"cache is of type {type(cache).__name__}; likewise.nn.Cache() is wanted")
        before = 0 if cache is None else cache.length
        batch, n, m = x.shape[0], x.shape[1], before + given.shape[1]
        look = self._look(mask, key_padding_mask, single, (batch, self.num_heads, n, m), x, before)
        q = _heads(self.q_proj(x), self.num_heads)
        k, v = (_heads(project(given), self.kv_heads) for project in (self.k_proj, self.v_proj))
        if self.matrix is not None:
            matrix = self.matrix.to(q.dtype)
            q = (_grouped(q, self.kv_heads) @ matrix[:, None]).reshape(q.shape)
            k = k @ matrix
        if cache is not None:
            k, v = cache.append(k, v)
        out: Tensor = self.out_proj(self._attend(q, k, v, look).transpose(1, 2).flatten(2))
        return out[0] if single else out

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, look: Look) -> Tensor:
        """(batch, num_heads, n, d): queries in groups beside the one head of keys that serves them."""
        groups, share = self.num_heads // self.kv_heads, self.dropout if self.training else 0.0
        scale: float | Tensor = self.scale
        if isinstance(scale, Tensor):
            scale = scale[:, None, None].to(accumulate_dtype(q.dtype))
        if groups == 1 and not share and self._is_usual(q, k, look):
            return fused(q, k, v, None, look.offset == 0, self._slope * self._usual)
        if groups == 1:
            return weigh(q, k, v, self._rule, scale, look, share)
        mask = look.mask
        for_all = not isinstance(scale, Tensor) and (mask is None or mask.shape[1] == 1)
        last = look.offset is None or k.shape[2] <= look.offset + 1
        if q.shape[2] == 1 and for_all and last:  # one token: the heads of a group are rows, and keys stay as they are
            rows = q.reshape(q.shape[0], self.kv_heads, groups, q.shape[-1])
            return weigh(rows, k, v, self._rule, scale, Look(None, mask), share).flatten(1, 2).unsqueeze(2)
        if mask is not None:
            mask = _grouped(mask, self.kv_heads if mask.shape[1] > 1 else 1)
        if isinstance(scale, Tensor):
            scale = scale.reshape(self.kv_heads, groups, 1, 1)
        rows = _grouped(q, self.kv_heads)
        return weigh(rows, k[:, :, None], v[:, :, None], self._rule, scale, Look(look.offset, mask), share).flatten(
            1, 2
        )

    def _is_usual(self, q: Tensor, k: Tensor, look: Look) -> bool:
        """Whether this is torch's attention as it is: no need for the questions that others raise, 0.1 ms a call."""
        plain = self._is_fused and self.log_scale is None and look.mask is None and not _autocast(q)
        whole = look.offset is None or (look.offset == 0 and q.shape[-2] == k.shape[-2])
        return plain and whole and q.numel() > 0 and k.numel() > 0

    def _look(
        self,
        mask: Any,
        padding: Any,
        single: bool,
        shape: tuple[int, int, int, int],
        x: Tensor,
        before: int,
    ) -> Look:
        """Which keys each query sees: not the padded ones, those of the mask, and no later ones where causal."""
        causal = self.causal
        if isinstance(mask, str):
            if mask != "causal":
                raise InputError(f"mask={mask!r} is not known; it is 'causal', a boolean or an additive tensor")
            causal, mask = True, None
        merged = None
        if mask is not None:
            merged = check_mask(mask, "mask", shape, x)
        if padding is not None:
            seen = check_mask(padding, "key_padding_mask", shape[-1:] if single else (shape[0], shape[-1]), x)
            seen = seen.reshape(-1, 1, 1, shape[-1])
            merged = _both(merged, ~seen if seen.dtype == torch.bool else seen)
        return Look(before if causal else None, merged)

    def _check(self, rows: Any, name: str, width: int) -> bool:
        """Whether rows are a single sequence, which fits the parameters."""
        check_tensor(rows, name, 2)
        if rows.ndim > 3 or rows.shape[-1] != width:
            wanted = f"(batch, length, {width}) or (length, {width})"
            raise ShapeError(f"{name} has shape {tuple(rows.shape)}; {wanted} is wanted")
        weight = self.q_proj.weight
        if rows.device != weight.device:
            raise InputError(
                f"{name} is on {rows.device} and the layer on {weight.device}; move one: .to({name}.device)"
            )
        kind = rows.device.type
        if rows.dtype != weight.dtype and not (kind != "meta" and torch.is_autocast_enabled(kind)):
            found = f"{name} holds {str(rows.dtype)[6:]} and the layer {str(weight.dtype)[6:]}"
            raise DtypeError(f"{found}; convert one: layer.to({name}.dtype)")
        single: bool = rows.ndim == 2
        return single


def _heads(rows: Tensor, heads: int) -> Tensor:
    """(batch, n, heads * d) as (batch, heads, n, d)."""
    return rows.reshape(*rows.shape[:2], heads, rows.shape[2] // heads).transpose(1, 2)


def _grouped(t: Tensor, kv_heads: int) -> Tensor:
    """(batch, heads, n, d) as (batch, kv_heads, group, n, d)."""
    return t.reshape(t.shape[0], kv_heads, t.shape[1] // kv_heads, *t.shape[2:])


def _autocast(rows: Tensor) -> bool:
    kind = rows.device.type
    return kind != "meta" and torch.is_autocast_enabled(kind)


def _both(one: Tensor | None, other: Tensor) -> Tensor:
    """Two masks as one: what both let through, with all that is added."""
    if one is None:
        return other
    if one.dtype == torch.bool and other.dtype == torch.bool:
        return one & other
    parts = [torch.where(t, 0.0, -math.inf) if t.dtype == torch.bool else t for t in (one, other)]
    return parts[0] + parts[1]
