"""Attention in blocks of pairs, for metrics that no fused attention knows.

    for a block of queries:
        s = scale * score(q, k)        every pair of the block
        w = softmax(s)
        out = w v

Where all pairs are few, torch keeps what its backward needs. Else nothing is kept but the rows: backward computes each
block again and adds up its gradients, so that memory is linear in the lengths, for a third more time. Gradients of
gradients keep all pairs.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from likewise.formula.expr import DIM, const
from likewise.formula.metric import Metric
from likewise.formula.simplify import simplify
from likewise.nn.check import accumulate_dtype
from likewise.nn.comparison import scores
from likewise.nn.mask import Look, rows_of

#: Pairs of a block: 4 MB of scores in float32, and some ten times that while a block's gradient is computed.
PAIRS = 1 << 20
#: Pairs that are kept for backward, where there are no more: four matrices of 16 MB.
KEPT = 1 << 22
#: Rows that a block of queries has at least, where heads can be taken one at a time instead.
ROWS = 64


@dataclass(frozen=True)
class Rule:
    """How a metric becomes weights: its ``sign``, whether the ``log`` of its value is the score, what normalises."""

    metric: Metric
    sign: float
    normalizer: str
    log: bool = False


@dataclass(frozen=True)
class Piece:
    """Some queries of some heads: an index into the leading axes, and rows."""

    lead: tuple[int, ...]
    start: int
    stop: int

    def of(self, t: Tensor, rows: slice | None = None) -> Tensor:
        """The part of a tensor that belongs here; axes of 1 stand for any number."""
        at = tuple(slice(i, i + 1) if size > 1 else slice(None) for i, size in zip(self.lead, t.shape, strict=False))
        t = t[at] if any(s != slice(None) for s in at) else t
        return t if rows is None else rows_of(t, rows)


@dataclass(frozen=True)
class Weights:
    """The definition: how values are weighed by what their keys and a query have in common."""

    rule: Rule
    look: Look
    dropout: float

    def pieces(self, lead: tuple[int, ...], n: int, m: int, pairs: int) -> list[Piece]:
        """All pairs, in pieces of at most ``pairs``, as far as one query with all its keys is no more."""
        axes = 0
        while axes < len(lead) and math.prod(lead[axes:]) * min(n, ROWS) * m > pairs:
            axes += 1
        rows = max(1, min(n, pairs // (math.prod(lead[axes:]) * m)))
        if self.look.offset is not None:
            rows = min(rows, max(ROWS, n // 4))  # so that the first queries need not meet the last keys
        starts = range(0, n, rows)
        return [Piece(i, start, min(start + rows, n)) for i in np.ndindex(*lead[:axes]) for start in starts]

    def rows(self, piece: Piece, q: Tensor, k: Tensor, v: Tensor, scale: Any, mask: Any) -> list[Any]:
        """What a piece is computed from, as views."""
        stop = self.look.part(piece.start, piece.stop, k.shape[-2]).stop
        keys, queries = slice(0, stop), slice(piece.start, piece.stop)
        if isinstance(mask, Tensor):
            mask = piece.of(mask, queries if mask.shape[-2] > 1 else slice(None))[..., keys]
        scale = piece.of(scale) if isinstance(scale, Tensor) else scale
        return [piece.of(q, queries), piece.of(k, keys), piece.of(v, keys), scale, mask]

    def weigh(self, piece: Piece, q: Tensor, k: Tensor, v: Tensor, scale: Any, mask: Tensor | None) -> Tensor:
        """A piece of the answer, from its :meth:`rows`."""
        wide, rule = accumulate_dtype(q.dtype), self.rule
        s = scores(q.to(wide), k.to(wide), _of_width(rule.metric, q.shape[-1]))
        if rule.log:
            s = torch.where(s > 0, torch.log(torch.where(s > 0, s, 1)), -math.inf)
        s = s * (rule.sign * (scale.to(wide) if isinstance(scale, Tensor) else scale))
        part = self.look.part(piece.start, piece.stop, k.shape[-2])
        causal = Look(self.look.offset).of(part, q.device)
        weights = _WEIGHTS[rule.normalizer](s, mask, causal, rule.log)
        if self.dropout:
            weights = F.dropout(weights, self.dropout)
        return weights @ v.to(wide)


@functools.lru_cache(maxsize=256)
def _of_width(metric: Metric, d: int) -> Metric:
    """The metric of rows of ``d`` coordinates, whose number is a constant then: 1 / d is no division any more."""
    return replace(metric, finish=simplify(metric.finish.replace({DIM: const(d)})), formula=None)


def in_blocks(weights: Weights, q: Tensor, k: Tensor, v: Tensor, scale: Any, learned: bool) -> Tensor:
    """All of the answer; tensors have as many axes each, of which the leading ones are equal or 1."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    n, m = q.shape[-2], k.shape[-2]
    few = math.prod(lead) * n * m <= KEPT
    pieces = weights.pieces(lead, n, m, math.prod(lead) * n * m if few else PAIRS)
    given = (q, k, v, scale, weights.look.mask)
    if len(pieces) == 1:
        return weights.weigh(pieces[0], *weights.rows(pieces[0], *given))
    if learned and few:  # in pieces only because it is causal
        return torch.cat([weights.weigh(piece, *weights.rows(piece, *given)) for piece in pieces], -2)
    made: Tensor = _InBlocks.apply(weights, lead, pieces, *given)  # type: ignore[no-untyped-call]
    return made


class _InBlocks(torch.autograd.Function):
    """Pieces one after the other, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any,
        weights: Weights,
        lead: tuple[int, ...],
        pieces: list[Piece],
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *more: Any,
    ) -> Tensor:
        ctx.call, ctx.numbers = (weights, pieces), [None if isinstance(t, Tensor) else t for t in more]
        ctx.save_for_backward(q, k, v, *(t if isinstance(t, Tensor) else None for t in more))
        ctx.random = _random_state(q.device) if weights.dropout else None
        out = v.new_empty((*lead, q.shape[-2], v.shape[-1]), dtype=accumulate_dtype(v.dtype))
        for piece in pieces:
            piece.of(out, slice(piece.start, piece.stop)).copy_(
                weights.weigh(piece, *weights.rows(piece, q, k, v, *more))
            )
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        weights, pieces = ctx.call
        q, k, v, *more = ctx.saved_tensors
        given = [q, k, v, *(number if t is None else t for t, number in zip(more, ctx.numbers, strict=True))]
        wanted = ctx.needs_input_grad[3:]
        twice = torch.is_grad_enabled()  # somebody wants gradients of these gradients
        with _random_again(q.device, ctx.random):
            found = (_kept if twice else _added)(weights, pieces, given, wanted, grads[0])
        return (None, None, None, *found)


def _added(weights: Weights, pieces: list[Piece], given: list[Any], wanted: Any, grad: Tensor) -> list[Tensor | None]:
    """Gradients by what is ``wanted``, piece after piece."""
    sums: list[Any] = [torch.zeros_like(t) if w else None for t, w in zip(given, wanted, strict=True)]
    for piece in pieces:
        rows = [
            t.detach().requires_grad_(w) if isinstance(t, Tensor) else t
            for t, w in zip(weights.rows(piece, *given), wanted, strict=True)
        ]
        with torch.enable_grad():
            out = weights.weigh(piece, *rows)
        here = grad_of(piece, grad)
        found = iter(_grad(out, [t for t, w in zip(rows, wanted, strict=True) if w], here, create_graph=False))
        stand = [t if w else g for t, g, w in zip(sums, given, wanted, strict=True)]
        for total, w in zip(weights.rows(piece, *stand), wanted, strict=True):
            if w:
                total += next(found)
    return sums


def _kept(weights: Weights, pieces: list[Piece], given: list[Any], wanted: Any, grad: Tensor) -> list[Tensor | None]:
    """The same, differentiable."""
    given = [t.view_as(t) if isinstance(t, Tensor) else t for t in given]  # k may be made of q: its gradient is not q's
    chosen = [t for t, w in zip(given, wanted, strict=True) if w]
    sums: list[Any] = [0] * len(chosen)
    for piece in pieces:
        out = weights.weigh(piece, *weights.rows(piece, *given))
        found = _grad(out, chosen, grad_of(piece, grad), create_graph=True)
        sums = [total + one for total, one in zip(sums, found, strict=True)]
    spread = iter(sums)
    return [next(spread) if w else None for w in wanted]


def grad_of(piece: Piece, grad: Tensor) -> Tensor:
    """The rows of a gradient that belong to a piece."""
    return piece.of(grad, slice(piece.start, piece.stop))


def _grad(out: Tensor, by: list[Tensor], grad: Tensor, *, create_graph: bool) -> tuple[Tensor, ...]:
    return torch.autograd.grad(out, by, grad, create_graph=create_graph, materialize_grads=True)


def _random_state(device: torch.device) -> Any:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


@contextlib.contextmanager
def _random_again(device: torch.device, state: Any) -> Iterator[None]:
    """With the random numbers that forward drew, where it drew any."""
    if state is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1], device)
        yield


# ------------------------------------------------------------------------------------------------ normalisers


def _softmax(s: Tensor, mask: Tensor | None, causal: Tensor | None, log: bool) -> Tensor:
    if causal is not None:
        s = torch.where(causal, s, -math.inf)
    if mask is not None:
        s = torch.where(mask, s, -math.inf) if mask.dtype == torch.bool else s + mask
    if mask is None and not log:  # every query sees a key: the first, if it is causal
        return torch.softmax(s, -1)
    seen = (s != -math.inf).any(-1, keepdim=True)
    return torch.where(seen, torch.softmax(torch.where(seen, s, 0), -1), 0)


def _none(s: Tensor, mask: Tensor | None, causal: Tensor | None, log: bool) -> Tensor:
    if mask is not None and mask.dtype != torch.bool:
        s = s + torch.where(mask == -math.inf, 0, mask)
    allowed = _allowed(mask, causal)
    return s if allowed is None else torch.where(allowed, s, 0)


def _relu(s: Tensor, mask: Tensor | None, causal: Tensor | None, log: bool) -> Tensor:
    allowed = _allowed(mask, causal)
    count = s.shape[-1] if allowed is None else allowed.sum(-1, keepdim=True).clamp_min(1)
    return torch.relu(_none(s, mask, causal, log)) / count


def _allowed(mask: Tensor | None, causal: Tensor | None) -> Tensor | None:
    """Which keys each query may look at."""
    if mask is None:
        return causal
    allowed = mask if mask.dtype == torch.bool else mask != -math.inf
    return allowed if causal is None else allowed & causal


_WEIGHTS: dict[str, Callable[[Tensor, Tensor | None, Tensor | None, bool], Tensor]] = {
    "softmax": _softmax,
    "relu": _relu,
    "none": _none,
}
