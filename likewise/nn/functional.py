"""Attention under any metric, on tensors: softmax(scale * score(q, k)) v in memory linear in the lengths.

Three routes give the same numbers to rounding:

* What a softmax cannot tell from a dot product (dot, cosine, squared distances, their matrices) goes to torch's fused
  attention: :mod:`likewise.nn.products`.
* Without gradients, long sequences on the CPU go through :func:`likewise.attend`.
* All else is computed in blocks of pairs: :mod:`likewise.nn.blocks`.
"""

from __future__ import annotations

import contextlib
import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.compute import attend as engine_attend
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.formula.rank import never_negative
from likewise.nn.blocks import PAIRS, Rule, Weights, in_blocks
from likewise.nn.check import (
    accumulate_dtype,
    check_metric,
    check_share,
    check_tensor,
    check_together,
    finite,
)
from likewise.nn.eager import eager, tracing
from likewise.nn.mask import Look, read_mask
from likewise.nn.products import as_products, attend_products

#: Pairs of one head above which :func:`likewise.attend` is no slower than scores, softmax and a product.
ENGINE = 1 << 16

NORMALIZERS = ("softmax", "kernel", "relu", "none")


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    metric: Any = "dot",
    scale: float | Tensor | None = None,
    mask: Any = None,
    normalizer: str = "softmax",
    dropout: float = 0.0,
    offset: int = 0,
) -> Tensor:
    """Attention under any metric: :func:`likewise.attend` on tensors, with gradients.

    Similarities enter as they are and distances negated, so that near keys weigh most: "euclidean" is -|q - k|,
    "sqeuclidean" its negated square, which is the one that a dot product can stand for.

    Parameters
    ----------
    q : Tensor of shape (..., n, d)
    k : Tensor of shape (..., m, d)
    v : Tensor of shape (..., m, e)
        Of one device and one floating dtype; leading axes (batches, heads) broadcast.
    metric : str, Metric or callable
    scale : float or Tensor, optional
        What scores are multiplied by. A tensor may be learned; its last two axes are 1: one number, or (heads, 1, 1).
        Default 1 / sqrt(d) for "dot", else 1.
    mask : "causal", Tensor of bool or of float, of shape (..., n, m), optional
        "causal": query i sees the keys 0 .. ``offset`` + i. Boolean: True where a query may look. Float: added to the
        scaled scores. A query that may look at nothing gets zeros, and passes on no gradient.
    normalizer : {"softmax", "kernel", "relu", "none"}
        What makes weights of scores s: exp(s) / sum exp(s); the metric itself over its sum, for kernels, which are
        never negative (Nadaraya and Watson; a scale is then a power); relu(s) over the number of keys in sight
        (Wortsman et al., 2023); s as it is.
    dropout : float
        The share of weights that are set to 0; the others grow by 1 / (1 - dropout).
    offset : int
        The place of the first query among the keys, for "causal".

    Returns
    -------
    Tensor of shape (..., n, e)
        In the dtype given; 16-bit numbers are compared and summed in float32.

    Raises
    ------
    InputError, ShapeError, DtypeError, UnknownMetricError
        Where tensors or options do not fit, and where a normalizer has no meaning for the metric.

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.tensor([[0.0]]), torch.tensor([[0.0], [9.0]]), torch.tensor([[1.0], [2.0]])
    >>> attend(q, k, v, metric="sqeuclidean")
    tensor([[1.]])
    """
    check_tensor(q, "q", 2)
    check_tensor(k, "k", 2)
    check_tensor(v, "v", 2)
    check_together(q=q, k=k, v=v)
    n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
    if k.shape[-1] != d or not d:
        raise ShapeError(f"q has shape {tuple(q.shape)} and k {tuple(k.shape)}; the last axes must be equal, and not 0")
    if v.shape[-2] != m:
        raise ShapeError(f"v has shape {tuple(v.shape)}; one row per key is wanted, and k has {m}")
    try:
        lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    except ValueError:
        shapes = f"q has shape {tuple(q.shape)}, k {tuple(k.shape)} and v {tuple(v.shape)}"
        raise ShapeError(f"{shapes}; the axes before the last two do not broadcast") from None
    found = check_metric(metric, d)
    rule = read_normalizer(normalizer, found)
    look = read_mask(mask, lead, n, m, q, check_offset(offset))
    return weigh(q, k, v, rule, read_scale(scale, found, lead, q), look, check_share(dropout, "dropout"))


# ------------------------------------------------------------------------------------------------ options


@functools.lru_cache(maxsize=256)
def read_normalizer(name: str, metric: Metric) -> Rule:
    """The rule of a metric. A kernel exp(t) over its sum is the softmax of t, which neither over- nor underflows."""
    if name not in NORMALIZERS:
        raise InputError(f"normalizer={name!r} is not known; it is one of {', '.join(map(repr, NORMALIZERS))}")
    sign = 1.0 if metric.closer == "larger" else -1.0
    positive = metric.value_range[0] >= 0 or never_negative(metric.finish, metric)
    if name == "relu" and sign < 0 and positive:
        raise InputError(f"normalizer='relu' makes 0 of negated distances, and {metric.name} is one; take 'softmax'")
    if name != "kernel":
        return Rule(metric, sign, name)
    if sign < 0 or not positive:
        raise InputError(
            f"normalizer='kernel' wants a similarity that is never negative, such as 'rbf' or 'laplacian'; "
            f"{metric.name} is none"
        )
    if metric.finish.op == "exp":
        inner = replace(metric, name=f"log {metric.name}", finish=metric.finish.args[0], formula=None)
        return Rule(inner, 1.0, "softmax")
    return Rule(metric, 1.0, "softmax", log=True)


def read_scale(scale: Any, metric: Metric, lead: tuple[int, ...], q: Tensor) -> float | Tensor:
    """A finite number, or a tensor that broadcasts to (*lead, 1, 1)."""
    if scale is None:
        return float(q.shape[-1] ** -0.5) if metric == dot else 1.0
    if isinstance(scale, Tensor):
        if not scale.is_floating_point():
            raise InputError(f"scale holds {str(scale.dtype)[6:]}; floating numbers are wanted: scale.float()")
        if scale.device != q.device:
            raise InputError(f"scale is on {scale.device} and q on {q.device}; move one: .to(q.device)")
        wanted = (*lead, 1, 1)
        try:
            fits = np.broadcast_shapes(tuple(scale.shape), wanted) == wanted
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(f"scale has shape {tuple(scale.shape)}; it must broadcast to {wanted}")
        return scale
    return finite(scale)


def check_offset(value: Any) -> int:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 0:
        raise InputError(f"offset={value!r} is not a whole number of at least 0")
    return int(value.__index__())


# ------------------------------------------------------------------------------------------------ routes


@eager
def weigh(
    q: Tensor, k: Tensor, v: Tensor, rule: Rule, scale: float | Tensor, look: Look, dropout: float = 0.0
) -> Tensor:
    """:func:`attend` of tensors and options that are known to fit."""
    if look.offset is not None and k.shape[-2] <= look.offset + 1:
        look = Look(None, look.mask)  # the first query sees every key: so it is for one query after all the keys
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    dtype, matrix, axes = v.dtype, rule.metric.matrix, len(lead) + 2
    if not (k.shape[-2] and v.shape[-1] and q.shape[-2] and math.prod(lead)):
        return _nothing(q, k, v, lead)
    q, k, v = (t if t.ndim == axes else t.reshape((1,) * (axes - t.ndim) + t.shape) for t in (q, k, v))
    if isinstance(scale, Tensor):
        scale = scale.reshape((1,) * (axes - scale.ndim) + scale.shape)
    with _as_given(q):
        if matrix is not None:
            wide = torch.as_tensor(matrix, dtype=accumulate_dtype(dtype), device=q.device)
            q, k, v = q.to(wide.dtype) @ wide, k.to(wide.dtype) @ wide, v.to(wide.dtype)
            rule = replace(rule, metric=replace(rule.metric, matrix=None))
        return _route(q, k, v, rule, scale, look, dropout).to(dtype)


def _route(q: Tensor, k: Tensor, v: Tensor, rule: Rule, scale: float | Tensor, look: Look, dropout: float) -> Tensor:
    learned = torch.is_grad_enabled() and any(
        isinstance(t, Tensor) and t.requires_grad for t in (q, k, v, scale, look.mask)
    )
    softmax = dropout == 0 and rule.normalizer == "softmax" and not rule.log
    if softmax and not (look.mask is not None and look.mask.requires_grad):
        products = as_products(rule.metric, q.shape[-1])
        if products is not None and _known(q, k):
            products = replace(products, slope=products.slope * rule.sign)
            return attend_products(products, q, k, v, scale, look, PAIRS)
    if softmax and not learned and (found := _through_engine(q, k, v, rule, scale, look)) is not None:
        return found
    return in_blocks(Weights(rule, look, dropout), q, k, v, scale, learned)


def _as_given(q: Tensor) -> contextlib.AbstractContextManager[Any]:
    """Autocast is for layers: the tensors that come here are of the type they are to be computed in."""
    kind = q.device.type
    if kind != "meta" and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return contextlib.nullcontext()


def _known(*rows: Tensor) -> bool:
    """Whether no NaN or infinity is among numbers on the CPU: torch's kernel there makes zeros of a query's NaN."""
    kinds = {t.device.type for t in rows}
    return kinds != {"cpu"} or all(math.isfinite(float(t.detach().sum(dtype=accumulate_dtype(t.dtype)))) for t in rows)


def _nothing(q: Tensor, k: Tensor, v: Tensor, lead: tuple[int, ...]) -> Tensor:
    """Where there is no key, or nothing to compute: zeros that know where they come from."""
    zero = sum((t[..., :0].sum() for t in (q, k, v)), v.new_zeros(()))
    return zero.expand(*lead, q.shape[-2], v.shape[-1]).clone()


def _through_engine(q: Tensor, k: Tensor, v: Tensor, rule: Rule, scale: float | Tensor, look: Look) -> Tensor | None:
    """What :func:`likewise.attend` gives, where it can serve and is no slower."""
    n, m = q.shape[-2], k.shape[-2]
    fits = q.device.type == "cpu" and q.dtype in (torch.float32, torch.float64)
    fits = fits and not tracing()
    fits = fits and (look.offset is None or (look.offset == 0 and look.mask is None))
    if not fits or n * m < ENGINE or (isinstance(scale, Tensor) and scale.numel() > 1):
        return None
    mask = "causal" if look.offset is not None else None if look.mask is None else look.mask.detach().numpy()
    rows = (t.detach().numpy() for t in (q, k, v))
    threads, factor = torch.get_num_threads(), float(scale.detach() if isinstance(scale, Tensor) else scale)
    try:
        found = engine_attend(*rows, metric=rule.metric, scale=factor, mask=mask, n_jobs=threads)
    except BadRowsError:
        return None  # NaN passes through layers: whoever trains looks for it in the loss
    return torch.from_numpy(found)
