"""Every row with every row, under any metric, with gradients.

A metric is finish(combine over coordinates of term(x, y)). What is combined over the coordinates is one differentiable
operation, :class:`_Combined`, which keeps its inputs and nothing else; the finish is plain torch on the (n, m) result.

* A sum of products is a matrix product.
* On the CPU, other sums go through kernels compiled for the term, forward, and for its derivative, backward: the
  gradient by x_i is sum over j of G_ij term'(x_i, y_j), a weighted sum of slopes.
* Elsewhere, and for maxima, blocks of rows are broadcast by plain torch; backward computes each block again.
* Gradients of gradients come from the plain operations, whose own gradients torch knows.

Working memory beyond the (n, m) result is bounded by :data:`BLOCK` numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likewise.compute.slopes import pair_slopes, pair_sums
from likewise.errors import ShapeError
from likewise.formula.expr import ACC, DIM, Expr, X, Y, stat
from likewise.formula.metric import Metric
from likewise.formula.screen import factor, scales_of
from likewise.nn.check import accumulate_dtype, check_metric, check_tensor, check_together
from likewise.nn.eager import eager
from likewise.nn.expression import evaluate

#: Numbers that a broadcast block may hold: 16 MB in float32.
BLOCK = 1 << 22

_COMPILED = (torch.float32, torch.float64)
PRODUCT = Expr("mul", (X, Y))
DIFFERENCE = Expr("sub", (X, Y))
SQUARE = Expr("mul", (DIFFERENCE, DIFFERENCE))


def compare(x: Tensor, y: Tensor, *, metric: Any) -> Tensor:
    """metric(x_i, y_j) for every pair of rows: :func:`likewise.pairwise` on tensors, with gradients of any order.

    Parameters
    ----------
    x : Tensor of shape (..., n, d)
    y : Tensor of shape (..., m, d)
        Of one device and one floating dtype; leading axes broadcast.
    metric : str, Metric or callable

    Returns
    -------
    Tensor of shape (..., n, m)
        In the dtype given; sums of 16-bit numbers run in float32.

    Raises
    ------
    InputError, ShapeError, DtypeError, UnknownMetricError
        Where the tensors do not fit each other, or the metric is not known.

    Examples
    --------
    >>> import torch
    >>> compare(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [1.0, 1.0]]), metric="manhattan")
    tensor([[7., 2.]])
    """
    check_tensor(x, "x", 2)
    check_tensor(y, "y", 2)
    check_together(x=x, y=y)
    if x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; the last axes must be equal")
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; the axes before the last two do not broadcast"
        ) from None
    return scores(x, y, check_metric(metric, x.shape[-1]))


@eager
def scores(x: Tensor, y: Tensor, metric: Metric) -> Tensor:
    """:func:`compare` of tensors that are known to fit."""
    dtype, wide = x.dtype, accumulate_dtype(x.dtype)
    if metric.matrix is not None:
        matrix = torch.as_tensor(metric.matrix, dtype=wide, device=x.device)
        x, y = x.to(wide) @ matrix, y.to(wide) @ matrix
    core = factor(metric)
    if core.terms == (PRODUCT,) and core.identity and metric.finish == ACC and metric.combine == "sum":
        return (x @ y.transpose(-1, -2)).to(dtype)
    x, y = x.to(wide), y.to(wide)
    x_rows, y_rows = Rows(x, "x"), Rows(y, "y")
    u = evaluate(core.u, x_rows.leaves((1,)))
    v = evaluate(core.v, y_rows.leaves((1,)))
    finish = metric.finish
    if core.terms == (PRODUCT,) and (scaled := scaled_finish(finish)) is not None:
        finish, (a, b) = scaled
        u = u / divisor(a, x_rows)
        v = v / divisor(b, y_rows)
    env: dict[Expr, Any] = {DIM: float(x.shape[-1])}
    for i, term in enumerate(core.terms):
        env[Expr("acc", value=i)] = combined(u, v, term, metric.combine, x_rows, y_rows)
    env |= x_rows.leaves((-1, 1)) | y_rows.leaves((1, -1))
    return torch.as_tensor(evaluate(finish, env)).to(dtype)


def scaled_finish(finish: Expr) -> tuple[Expr, tuple[Expr, Expr]] | None:
    """(the finish of rows of unit length, their divisors) where it divides by both rows' norms, as cosine does."""
    for node in finish.walk():
        if node.op == "where" and (found := scales_of(node)) is not None:
            return finish.replace({node: ACC}), found
    return None


def divisor(scale: Expr, rows: Rows) -> Tensor:
    """What each row is divided by, (..., n, 1): a row of zeros by 1."""
    value: Tensor = evaluate(scale, rows.leaves((1,)))
    return torch.where(value == 0, 1, value)


def _norm(rows: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(rows, dim=-1)
    return norm


class Rows:
    """The rows of one side, and their statistics as tensors, made when they are asked for."""

    def __init__(self, rows: Tensor, side: str) -> None:
        self.rows, self.side = rows, side
        self._made: dict[str, Tensor] = {}

    def statistic(self, name: str) -> Tensor:
        """One of :data:`likewise.formula.expr.STATISTICS`, of shape (..., n)."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Tensor:
        rows = self.rows
        match name:
            case "norm":
                return _norm(rows)
            case "sum":
                return rows.sum(-1)
            case "mean":
                return rows.mean(-1)
            case "dev":
                return _norm(rows - rows.mean(-1, keepdim=True))
            case "norm1":
                return rows.abs().sum(-1)
        return (rows != 0).sum(-1).to(rows.dtype)

    def leaves(self, layout: tuple[int, ...]) -> dict[Expr, Any]:
        """Leaves of an expression: rows, statistics, the number of coordinates.

        ``layout`` says where the row's axis goes: (1,) beside coordinates (..., n, 1), (-1, 1) down a matrix of pairs,
        (1, -1) across it.
        """
        leaf = X if self.side == "x" else Y
        found: dict[Expr, Any] = {leaf: self.rows, DIM: float(self.rows.shape[-1])}
        for name in ("norm", "sum", "mean", "dev", "norm1", "nnz"):
            axis = -2 if layout == (1, -1) else -1
            found[stat(f"{name}_{self.side}")] = lambda name=name, axis=axis: self.statistic(name).unsqueeze(axis)
        return found


def combined(u: Tensor, v: Tensor, term: Expr, combine: str, x_rows: Rows, y_rows: Rows) -> Tensor:
    """The term of each coordinate of each pair, combined over the coordinates: (..., n, m)."""
    d = x_rows.rows.shape[-1]
    u, v = u.expand_as(x_rows.rows), v.expand_as(y_rows.rows)
    if combine in ("sum", "mean") and term == PRODUCT:
        return u @ v.transpose(-1, -2)
    term = term.replace({DIM: Expr("const", value=float(d))})
    names = sorted(term.stats())
    statistics = [(x_rows if name.endswith("x") else y_rows).statistic(name[:-2]) for name in names]
    lead = np.broadcast_shapes(u.shape[:-2], v.shape[:-2])
    count = math.prod(lead)
    flat = [t.expand(*lead, *t.shape[-2:]).reshape(count, *t.shape[-2:]) for t in (u, v)]
    flat += [t.expand(*lead, t.shape[-1]).reshape(count, t.shape[-1]) for t in statistics]
    made: Tensor = _Combined.apply(term, combine, tuple(names), *flat)  # type: ignore[no-untyped-call]
    return made.reshape(*lead, *made.shape[-2:])


class _Combined(torch.autograd.Function):
    """combine over t of term(u[b, i, t], v[b, j, t]) -> (B, n, m), keeping the rows and no pairs for backward."""

    @staticmethod
    def forward(ctx: Any, term: Expr, combine: str, names: tuple[str, ...], *tensors: Tensor) -> Tensor:
        ctx.call = term, combine, names
        ctx.save_for_backward(*tensors)
        u, v = tensors[:2]
        if _compiled(combine, names, u):
            return torch.from_numpy(pair_sums(term, _array(u), _array(v), torch.get_num_threads()))
        out = u.new_empty((len(u), u.shape[1], v.shape[1]))
        for b, i, j in _blocks(u, v):
            parts = _parts(tensors, names, b, i, j)
            out[b, i, j] = _plain(term, combine, names, *parts)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        term, combine, names = ctx.call
        tensors, (grad,) = ctx.saved_tensors, grads
        wanted = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():  # somebody wants gradients of these gradients
            return (None, None, None, *_slopes(term, combine, names, tensors, grad, wanted, create_graph=True))
        if _compiled(combine, names, tensors[0]):
            return (None, None, None, *_compiled_slopes(term, tensors, grad, wanted))
        found: list[Any] = [torch.zeros_like(t) if w else None for t, w in zip(tensors, wanted, strict=True)]
        for b, i, j in _blocks(*tensors[:2]):
            parts = [p.detach() for p in _parts(tensors, names, b, i, j)]
            slopes = _slopes(term, combine, names, parts, grad[b, i, j], wanted, create_graph=False)
            for whole, slope, name in zip(found, slopes, ("_x", "_y", *names), strict=True):
                if whole is not None:
                    whole[b, i if name.endswith("x") else j] += slope
        return (None, None, None, *found)


def _compiled(combine: str, names: tuple[str, ...], u: Tensor) -> bool:
    """Whether the compiled kernels serve: sums on the CPU, of terms that name no statistics of the rows."""
    return combine in ("sum", "mean") and not names and u.device.type == "cpu" and u.dtype in _COMPILED


def _array(t: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = t.detach().contiguous().numpy()
    return array


def _compiled_slopes(term: Expr, tensors: Any, grad: Tensor, wanted: Any) -> list[Tensor | None]:
    u, v = tensors
    if term == SQUARE:  # the slope 2 (u - v) is linear: sums of weights, and a matrix product
        slopes: list[Tensor | None] = [None, None]
        if wanted[0]:
            slopes[0] = 2 * (grad.sum(-1, keepdim=True) * u - grad @ v)
        if wanted[1]:
            turned = grad.transpose(-1, -2)
            slopes[1] = 2 * (turned.sum(-1, keepdim=True) * v - turned @ u)
        return slopes
    arrays, threads = (_array(grad), _array(u), _array(v)), torch.get_num_threads()
    return [
        torch.from_numpy(pair_slopes(term, *arrays, side, threads)) if needed else None
        for side, needed in zip("xy", wanted, strict=True)
    ]


def _plain(term: Expr, combine: str, names: tuple[str, ...], u: Tensor, v: Tensor, *statistics: Tensor) -> Tensor:
    """The definition: (B, n, d) and (B, m, d) broadcast to (B, n, m, d), and combined."""
    env: dict[Expr, Any] = {X: u[:, :, None, :], Y: v[:, None, :, :]}
    for name, s in zip(names, statistics, strict=True):
        env[stat(name)] = s[:, :, None, None] if name.endswith("x") else s[:, None, :, None]
    value = torch.as_tensor(evaluate(term, env), dtype=u.dtype, device=u.device)
    value = value.expand(len(u), u.shape[1], v.shape[1], u.shape[2])
    if combine in ("sum", "mean"):  # the mean's division is in the finish
        return value.sum(-1)
    if not value.shape[-1]:
        return value.new_full(value.shape[:-1], -math.inf if combine == "max" else math.inf)
    return value.amax(-1) if combine == "max" else value.amin(-1)


def _slopes(
    term: Expr,
    combine: str,
    names: tuple[str, ...],
    tensors: Any,
    grad: Tensor,
    wanted: Any,
    *,
    create_graph: bool,
) -> list[Tensor | None]:
    """Gradients of the definition by those of its tensors that are ``wanted``."""
    with torch.enable_grad():
        inputs = [t if create_graph else t.requires_grad_(w) for t, w in zip(tensors, wanted, strict=True)]
        value = _plain(term, combine, names, *inputs)
        chosen = [t for t, w in zip(inputs, wanted, strict=True) if w]
        if not value.requires_grad or not chosen:
            return [torch.zeros_like(t) if w else None for t, w in zip(tensors, wanted, strict=True)]
        slopes = iter(torch.autograd.grad(value, chosen, grad, create_graph=create_graph, materialize_grads=True))
    return [next(slopes) if w else None for w in wanted]


def _blocks(u: Tensor, v: Tensor) -> Iterator[tuple[slice, slice, slice]]:
    """Slices of batches, rows of u and rows of v, whose pairs' coordinates are at most :data:`BLOCK`."""
    (batches, n, d), m = u.shape, v.shape[1]
    columns = max(1, min(m, BLOCK // max(d, 1)))
    rows = max(1, min(n, BLOCK // max(columns * d, 1)))
    together = max(1, BLOCK // max(rows * columns * d, 1)) if rows == n and columns == m else 1
    for b in range(0, batches, together):
        for i in range(0, n, rows):
            for j in range(0, m, columns):
                yield slice(b, b + together), slice(i, i + rows), slice(j, j + columns)


def _parts(tensors: Any, names: tuple[str, ...], b: slice, i: slice, j: slice) -> list[Tensor]:
    rows = (i, j, *(i if name.endswith("x") else j for name in names))
    return [t[b, r] for t, r in zip(tensors, rows, strict=True)]
