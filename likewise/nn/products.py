"""Metrics that attention may take as dot products, and the fused dot-product attention they go to.

A softmax over keys does not see what is the same for every key. So where a score is a x.y + b, b does not matter, and

    softmax_j(-g |q - k_j|^2) = softmax_j(2 g q.k_j - g |k_j|^2)

which is a dot product with one more coordinate: (q, 1).(2 g k, -g |k|^2). torch's ``scaled_dot_product_attention`` then
does all the rest in memory linear in the lengths. On the CPU its kernel takes float16, bfloat16, float32 and float64,
masks that need no gradient, and queries, keys and values of one width, for which they are filled up with zeros.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend

from likewise.formula.expr import ACC, DIM, Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.screen import factor
from likewise.nn.comparison import PRODUCT, SQUARE, Rows, divisor, scaled_finish
from likewise.nn.expression import evaluate
from likewise.nn.mask import Look, Part, rows_of, seeing

SIXTEEN = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Products:
    """score = slope * sum over coordinates of u v, or of (u - v)^2 where ``squares``, + what all keys share."""

    u: Expr
    v: Expr
    scales: tuple[Expr, Expr] | None  # what rows are divided by: their norms, for cosine
    slope: float
    squares: bool

    @property
    def plain(self) -> bool:
        """Whether rows enter as they are."""
        return self.u == X and self.v == Y and self.scales is None and not self.squares

    def rows(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """u of the queries and v of the keys."""
        if self.u == X and self.v == Y and self.scales is None:
            return q, k
        x, y = Rows(q, "x"), Rows(k, "y")
        u = evaluate(self.u, x.leaves((1,))).expand_as(q)
        v = evaluate(self.v, y.leaves((1,))).expand_as(k)
        if self.scales is not None:
            u, v = u / divisor(self.scales[0], x), v / divisor(self.scales[1], y)
        return u, v


@functools.lru_cache(maxsize=256)
def as_products(metric: Metric, d: int) -> Products | None:
    """The metric as dot products or squares, up to what is the same for all keys; None where it is neither."""
    core, finish = factor(metric), metric.finish
    scales: tuple[Expr, Expr] | None = None
    known = core.terms in ((PRODUCT,), (SQUARE,)) and metric.combine in ("sum", "mean")
    if not known or metric.matrix is not None:
        return None
    if core.terms == (PRODUCT,) and (scaled := scaled_finish(finish)) is not None:
        finish, scales = scaled
    slope = _slope(finish, d)
    return None if slope is None else Products(core.u, core.v, scales, slope, core.terms == (SQUARE,))


def _slope(e: Expr, d: int) -> float | None:
    """a where the expression is a s + b, with a and b the same for every pair of rows."""
    if e == ACC:
        return 1.0
    if _constant(e):
        return 0.0
    if e.op == "neg":
        inner = _slope(e.args[0], d)
        return None if inner is None else -inner
    if e.op in ("add", "sub"):
        a, b = (_slope(arg, d) for arg in e.args)
        return None if a is None or b is None else a + b if e.op == "add" else a - b
    if e.op in ("mul", "div"):
        first, second = e.args
        if e.op == "mul" and _constant(first):
            first, second = second, first
        inner = _slope(first, d)
        if inner is None or not _constant(second):
            return None
        number = float(evaluate(second, {DIM: float(d)}))
        return inner * number if e.op == "mul" else inner / number
    return None


def _constant(e: Expr) -> bool:
    return not e.side()  # the combined value counts as both sides


def attend_products(
    products: Products, q: Tensor, k: Tensor, v: Tensor, scale: float | Tensor, look: Look, pairs: int
) -> Tensor:
    """softmax(scale * score + mask) v by the fused attention.

    Parameters
    ----------
    q, k, v : Tensor of shape (..., n, d), (..., m, d), (..., m, e)
        Of as many axes each; leading axes are equal or 1.
    scale : float, or Tensor whose last two axes are 1
    look : Look
        Which keys each query sees; its mask has as many axes.
    pairs : int
        Of a mask, that are made at once.
    """
    width, dtype = v.shape[-1], v.dtype
    if dtype in SIXTEEN and (not products.plain or look.additive):
        q, k, v = q.float(), k.float(), v.float()  # |k|^2 in 16 bits would be off by more than what tells keys apart
    factor_ = products.slope * scale
    if products.squares:
        q, k, look = _squares(q, k, factor_, look)
        factor_ = 1.0
    elif not products.plain:
        q, k = products.rows(q, k)
    if isinstance(factor_, Tensor):
        q, factor_ = q * factor_.to(q.dtype), 1.0
    q, k, v = _one_width(q, k, v)
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = (_four_axes(t.expand(*lead, *t.shape[-2:])) for t in (q, k, v))
    look = Look(look.offset, None if look.mask is None else _four_axes(look.mask))
    made = [_rows(q, k, v, factor_, look, part) for part in look.parts(q, k, pairs)]
    out = made[0] if len(made) == 1 else torch.cat(made, -2)
    return (out if out.shape[-1] == width else out[..., :width]).reshape(*lead, q.shape[-2], width).to(dtype)


def _squares(q: Tensor, k: Tensor, scale: float | Tensor, look: Look) -> tuple[Tensor, Tensor, Look]:
    """Queries and keys whose products are scale * |q - k|^2, up to what is the same for all keys of a query.

    The squares are those of rows moved to a centre, so that rows far from the origin do not cancel: distances do not
    move, and so neither do gradients. Causal attention takes the first key, which every query sees: the mean would
    let later keys change earlier outputs by a rounding.
    """
    with torch.no_grad():
        if look.offset is not None:
            centre = k[..., :1, :]
        else:
            centre = k.mean(-2, keepdim=True) if look.mask is None else torch.zeros_like(k[..., :1, :])
    q, k = q - centre, k - centre
    squares = (k * k).sum(-1, keepdim=True)
    q = q * (-2 * scale)
    bias = (scale * squares).transpose(-1, -2)
    if look.offset is None and look.mask is None and not bias.requires_grad:
        return q, k, Look(None, bias)  # added to the scores, and no coordinate
    ones = torch.ones_like(q[..., :1]) * scale
    return torch.cat([q, ones], -1), torch.cat([k, squares], -1), look


def _one_width(*tensors: Tensor) -> list[Tensor]:
    """Filled up with zeros to one width: what torch's kernel asks for; on accelerators to a multiple of 8."""
    width = max(t.shape[-1] for t in tensors)
    if tensors[0].device.type != "cpu":
        width = -(-width // 8) * 8
    return [F.pad(t, (0, width - t.shape[-1])) if t.shape[-1] < width else t for t in tensors]


def _four_axes(t: Tensor) -> Tensor:
    """(a, b, c..., n, d) as (a, b c ..., n, d): what torch's kernel takes; a mask's axes of 1 stay."""
    if t.ndim < 4:
        return t.reshape((1,) * (4 - t.ndim) + t.shape)
    return t if t.ndim == 4 else t.flatten(1, -3)


def _rows(q: Tensor, k: Tensor, v: Tensor, scale: float, look: Look, part: Part) -> Tensor:
    """The rows ``part`` of queries: a query that sees nothing gives 0, and no gradient."""
    keys = slice(0, part.stop)
    q, k, v = rows_of(q, part.rows), rows_of(k, keys), rows_of(v, keys)
    if look.mask is None and look.fused_causal(part):
        return fused(q, k, v, None, True, scale)
    mask = look.of(part, q.device)
    if mask is None:
        return fused(q, k, v, None, False, scale)
    seen = seeing(mask)
    if mask.dtype == torch.bool:
        return torch.where(seen, fused(q, k, v, mask | ~seen, False, scale), 0)
    return torch.where(seen, fused(q, k, v, torch.where(seen, mask, 0).to(q.dtype), False, scale), 0)


def fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """torch's attention of (a, b, n, d) rows: a causal one begins at the first key."""
    if mask is not None:
        mask = mask.expand(*q.shape[:-1], k.shape[-2])
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad):
        made: Tensor = _Fused.apply(q, k, v, mask, causal, scale)  # type: ignore[no-untyped-call]
        return made
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale)


#: torch's fused attention on the CPU, and its gradient.
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def _is_flash(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> bool:
    """Whether torch would take that kernel."""
    learned = all(t.requires_grad for t in (q, k, v))
    if q.device.type != "cpu" or not learned or torch.compiler.is_compiling():
        return False
    return bool(torch._fused_sdp_choice(q, k, v, None, 0.0, causal, scale=scale) == SDPBackend.FLASH_ATTENTION.value)


class _Fused(torch.autograd.Function):
    """torch's fused attention with gradients of gradients, which it lacks: those are of the plain formula."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
        ctx.call, ctx.graph = (causal, scale), None
        out: Tensor
        if mask is None and _is_flash(q, k, v, causal, scale):  # no graph of its own: 0.1 ms less, forward and backward
            out, sums = _FLASH(q, k, v, 0.0, causal, scale=scale)
            ctx.save_for_backward(q, k, v, None, out, sums)
            return out
        ctx.save_for_backward(q, k, v, mask)
        ctx.graph = _graph(q, k, v, mask, causal, scale, ctx.needs_input_grad)
        out = ctx.graph[1].detach()
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        q, k, v, mask, *flash = ctx.saved_tensors
        causal, scale = ctx.call
        twice = torch.is_grad_enabled()  # somebody wants gradients of these gradients
        if flash and not twice:
            return (*_FLASH_BACKWARD(grads[0], q, k, v, *flash, 0.0, causal, scale=scale), None, None, None)
        if twice:
            with torch.enable_grad():
                inner = [t.view_as(t) for t in (q, k, v)]  # k may be made of q: its gradient is not q's
                out = _plain(inner[0], inner[1], inner[2], mask, causal, scale)
        elif ctx.graph is not None:
            (inner, out), ctx.graph = ctx.graph, None  # let go of at once: a deep network has many
        else:  # the second backward through one graph
            inner, out = _graph(q, k, v, mask, causal, scale, ctx.needs_input_grad)
        wanted = ctx.needs_input_grad[:3]
        chosen = [t for t, w in zip(inner, wanted, strict=True) if w]
        found = iter(torch.autograd.grad(out, chosen, grads[0], create_graph=twice, materialize_grads=True))
        return (*(next(found) if w else None for w in wanted), None, None, None)


def _graph(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float, wanted: Any
) -> tuple[list[Tensor], Tensor]:
    """Rows that begin a graph of their own, and what torch's attention makes of them."""
    with torch.enable_grad():
        q, k, v = (t.detach().requires_grad_(w) for t, w in zip((q, k, v), wanted[:3], strict=True))
        return [q, k, v], F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale)


def _plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """The formula, whose every operation torch can differentiate again and again."""
    scores = (q @ k.transpose(-1, -2)) * scale
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = torch.where(mask, scores, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.softmax(scores, -1) @ v
