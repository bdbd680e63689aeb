"""Product keys: n^2 keys for the price of 2n comparisons (Lample et al. 2019, "Large Memory Layers with Product Keys").

Key (i, j), number n i + j, is the i-th first half beside the j-th second half. Where a metric sums over coordinates,

    metric(x, key_ij) = finish(a_i + b_j),    a_i = sum over the first half's coordinates, b_j over the second's

and where finish rises strictly, the k best of all n^2 sums come from the k best a_i and the k best b_j. Proof: let a_i
not be among the k best of its half, ties to the lowest index. Then there are k others i' with a_i' > a_i, or a_i' = a_i
and i' < i. Each key (i', j) has a larger sum than (i, j), or an equal one and a lower number, so (i, j) is not among
the k best. The same goes for b_j. By the same argument the pair of the p-th best a and the q-th best b comes after
p q - 1 others, so of the k x k pairs only those with p q <= k are looked at: some k ln k. Sums are compared as if they
were not rounded, by their rounding errors (Knuth's two-sum) where they are equal: rounding makes ties of its own.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from likewise.errors import InputError
from likewise.formula.expr import ACC, DIM, const
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.formula.rank import is_plain, rank_of
from likewise.nn.activation import activated, activation_of
from likewise.nn.check import accumulate_dtype, check_count, check_metric, check_rows
from likewise.nn.comparison import scores
from likewise.nn.eager import eager, tracing
from likewise.nn.expression import evaluate
from likewise.nn.memory import Answers, read_scale
from likewise.nn.select import BLOCK, Finder, array_of, best, in_blocks, split

_DOT, _COSINE = as_metric("dot"), as_metric("cosine")


class ProductKeys(nn.Module):
    """A memory of n_side^2 values, of which the top_k whose keys answer most are read, by 2 n_side comparisons.

    Each head compares its query with its own keys; values are shared, and what the heads read is added up.

    Parameters
    ----------
    d : int
        Coordinates of an input: d // 2 meet the first half of a key, the others the second. At least 2.
    n_side : int
        Halves on each side; n_side^2 values.
    top_k : int
        How many are read, at most n_side.
    d_out : int, optional
        Coordinates of a value; default d.
    heads : int
        Several need queries of their own: with more than one, a linear layer makes them.
    project : bool, optional
        Whether a linear layer makes the queries; default heads > 1.
    metric : str, Metric or callable
        A sum over coordinates and a strictly monotone finish (dot, sqeuclidean, euclidean, manhattan, minkowski, rbf,
        laplacian, a formula of one's own), or cosine, for which each half of a key has the same length.
    activation : str or callable
        Of the chosen keys' scores; "softmax" by default.
    scale : float or "learned", optional
        What the metric is multiplied by, above 0 (a distance enters negated). Default as in :class:`Memory`.
    device, dtype
        As in ``torch.nn.Linear``. Initial values come from torch's generator: ``torch.manual_seed``.

    Attributes
    ----------
    first : Parameter of shape (heads, n_side, d // 2)
    second : Parameter of shape (heads, n_side, d - d // 2)
    values : Parameter of shape (n_side^2, d_out)

    Raises
    ------
    InputError, UnknownMetricError
        Where a size, the activation or the metric does not fit.

    Examples
    --------
    >>> import torch
    >>> from likewise.nn import ProductKeys
    >>> memory = ProductKeys(16, 64, top_k=8, d_out=3, heads=2)
    >>> memory(torch.randn(5, 16)).shape, memory.n_keys
    (torch.Size([5, 3]), 4096)
    """

    def __init__(
        self,
        d: int,
        n_side: int,
        *,
        top_k: int,
        d_out: int | None = None,
        heads: int = 1,
        project: bool | None = None,
        metric: Any = "dot",
        activation: Any = "softmax",
        scale: float | str | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.d, self.n_side = check_count(d, "d", 2), check_count(n_side, "n_side")
        self.top_k, self.heads = check_count(top_k, "top_k"), check_count(heads, "heads")
        self.d_out = self.d if d_out is None else check_count(d_out, "d_out")
        if self.top_k > self.n_side:
            raise InputError(f"top_k={self.top_k} of {self.n_side} halves a side: at most n_side")
        self.metric = check_metric(metric, self.d, learned=True)
        self.half_metric, self._sign = half_of(self.metric, self.d)
        self.activation = activation_of(activation)[0]
        if self.heads > 1 and project is False:
            raise InputError(f"{self.heads} heads with one query would read alike: leave project= out")
        where = {"device": device, "dtype": dtype}
        small = self.d // 2
        self.first = nn.Parameter(torch.empty(self.heads, self.n_side, small, **where))
        self.second = nn.Parameter(torch.empty(self.heads, self.n_side, self.d - small, **where))
        self.values = nn.Parameter(torch.empty(self.n_side**2, self.d_out, **where))
        wanted = self.heads > 1 if project is None else bool(project)
        self.query = nn.Linear(self.d, self.heads * self.d, **where) if wanted else None
        self.fixed_scale, self.log_scale = read_scale(scale, self.metric, self.d), None
        if scale == "learned":
            self.log_scale = nn.Parameter(torch.empty((), **where))
        self._finders = [Finder() for _ in range(2 * self.heads)]
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initial values: keys normal, for dot with a spread of 1/sqrt(d); values with one of 1/sqrt(d_out)."""
        with torch.no_grad():
            for half in (self.first, self.second):
                half.normal_(std=self.d**-0.5 if self.metric == _DOT else 1.0)
            self.values.normal_(std=self.d_out**-0.5)
            if self.query is not None:
                self.query.reset_parameters()
            if self.log_scale is not None:
                self.log_scale.fill_(math.log(self.fixed_scale))

    @property
    def n_keys(self) -> int:
        """How many keys, and values, there are: n_side^2."""
        return self.n_side**2

    @property
    def scale(self) -> Tensor | float:
        """What the metric is multiplied by."""
        return self.fixed_scale if self.log_scale is None else self.log_scale.exp()

    def keys(self, head: int = 0) -> Tensor:
        """All keys of a head in full, (n_side^2, d): what a comparison with each of them would need."""
        if not 0 <= check_count(head, "head", 0) < self.heads:
            raise InputError(f"head={head} is not there: heads are numbered 0 to {self.heads - 1}")
        first, second = self._halves(head)
        n = self.n_side
        return torch.cat([first.repeat_interleave(n, 0), second.repeat(n, 1)], -1)

    def forward(self, x: Tensor) -> Tensor:
        """The answers to inputs (..., d): (..., d_out)."""
        rows = self._rows(x)
        return in_blocks(self._read, rows, self._numbers).reshape(*x.shape[:-1], self.d_out)

    @torch.no_grad()
    def keys_for(self, x: Tensor) -> Answers:
        """The top_k keys of each head that answer most: ``keys``, ``scores`` and ``activations`` (..., heads, top_k).

        The best first, ties to the lowest number; exactly those that a comparison with all keys finds, where that adds
        up the halves' sums. On the CPU in float64, whatever the layer's precision.
        """
        rows = self._rows(x)
        parts = [self._chosen(part, exact=True) for part in split(rows, BLOCK // self._numbers)]
        shape = (*x.shape[:-1], self.heads, self.top_k)
        keys, scored = (torch.cat(part).reshape(shape) for part in zip(*parts, strict=True))
        return Answers(keys, scored, activated(activation_of(self.activation)[1], scored))

    # ---- one block of rows

    @property
    def _numbers(self) -> int:
        """What one row takes while it is read."""
        return self.heads * (2 * self.n_side + 4 * len(_staircase(self.top_k)[0]))

    def _rows(self, x: Tensor) -> Tensor:
        return check_rows(x, "x", self.d, values=self.values)

    def _read(self, rows: Tensor) -> Tensor:
        learning = torch.is_grad_enabled() and (rows.requires_grad or any(p.requires_grad for p in self.parameters()))
        keys, scored = self._chosen(rows, exact=not learning)
        weights = activated(activation_of(self.activation)[1], scored)
        return F.embedding_bag(keys.flatten(1), self.values, per_sample_weights=weights.flatten(1), mode="sum")

    def _chosen(self, rows: Tensor, exact: bool) -> tuple[Tensor, Tensor]:
        """Keys and scores, (n, heads, top_k) each."""
        made = rows if self.query is None else self.query(rows)
        queries = made.reshape(len(rows), self.heads, self.d)
        found = [self._head(queries[:, head], head, exact) for head in range(self.heads)]
        keys, scored = (torch.stack(part, 1) for part in zip(*found, strict=True))
        return keys, scored

    def _halves(self, head: int) -> tuple[Tensor, Tensor]:
        """The halves of a head's keys: for cosine each of unit length."""
        first, second = self.first[head], self.second[head]
        if self.metric == _COSINE:
            return F.normalize(first, dim=-1, eps=1e-30), F.normalize(second, dim=-1, eps=1e-30)
        return first, second

    def _head(self, queries: Tensor, head: int, exact: bool) -> tuple[Tensor, Tensor]:
        """The top_k keys of one head and their scores, (n, top_k) each, the best first."""
        small = self.d // 2
        sides = list(zip((queries[:, :small], queries[:, small:]), self._halves(head), strict=True))
        sums = [scores(x, half, self.half_metric) for x, half in sides]
        with torch.no_grad():
            lists = [
                self._best_half(x, half, values, self._finders[2 * head + side], exact)
                for side, ((x, half), values) in enumerate(zip(sides, sums, strict=True))
            ]
            i, j = best_sums(*lists[0], *lists[1])
        total = sums[0].gather(1, i) + sums[1].gather(1, j)
        return i * self.n_side + j, self._score(total, queries)

    @eager
    def _best_half(self, x: Tensor, half: Tensor, sums: Tensor, finder: Finder, exact: bool) -> tuple[Tensor, Tensor]:
        """The top_k halves of one side: what is to be large of each, and their numbers; the best first."""
        exact = exact and not tracing()
        if exact and x.device.type == "cpu" and bool(torch.isfinite(x).all() & torch.isfinite(half).all()):
            found = finder.find(array_of(x), array_of(half), self.top_k, self.half_metric)
            if not (found.indices < 0).any():
                return self._sign * torch.from_numpy(found.values), torch.from_numpy(found.indices)
        numbers = best(self._sign * sums, self.top_k)
        return self._sign * sums.gather(1, numbers), numbers

    def _score(self, total: Tensor, queries: Tensor) -> Tensor:
        """Scores of sums over all coordinates: the metric's finish, the larger the better."""
        if self.metric == _COSINE:
            length = torch.linalg.vector_norm(queries, dim=-1, keepdim=True) * math.sqrt(2)
            value = total / torch.where(length == 0, 1, length)
        else:
            wide = total.to(accumulate_dtype(total.dtype))
            value = torch.as_tensor(evaluate(self.metric.finish, {ACC: wide, DIM: float(self.d)})).to(total.dtype)
        sign = 1 if self.metric.closer == "larger" else -1
        return (value * (sign * self.scale)).to(total.dtype)

    def extra_repr(self) -> str:
        """What print shows."""
        sizes = f"d={self.d}, n_side={self.n_side}, top_k={self.top_k}, d_out={self.d_out}, heads={self.heads}"
        return f"{sizes}, metric={self.metric.name}"


def half_of(metric: Metric, d: int) -> tuple[Metric, int]:
    """The sum over the coordinates of half a row, and +1 where large sums are the best, -1 where small ones are."""
    if metric == _COSINE:
        return _DOT, 1
    rank = rank_of(metric)
    alone = not metric.stats and len(metric.terms) == 1 and metric.matrix is None
    if not alone or metric.combine not in ("sum", "mean") or not is_plain(rank):
        raise InputError(
            f"{metric.name} is no monotone function of a sum over coordinates, so the best keys need not be made of "
            "the best halves; take one that is, such as 'dot', 'cosine', 'euclidean' or 'manhattan'"
        )
    term = metric.terms[0].replace({DIM: const(float(d))})
    closer = "smaller" if rank.sign > 0 else "larger"
    return replace(
        metric, name=f"half of {metric.name}", terms=(term,), combine="sum", closer=closer, finish=ACC
    ), -rank.sign


def _staircase(k: int) -> tuple[list[int], list[int]]:
    """The pairs of ranks (p, q), from 0, with (p + 1)(q + 1) <= k."""
    pairs = [(p, q) for p in range(k) for q in range(k // (p + 1))]
    return [p for p, _ in pairs], [q for _, q in pairs]


def best_sums(a: Tensor, i: Tensor, b: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
    """(i, j) of the k largest sums a + b of two lists of k each, (n, k), the largest first, ties to the lowest (i, j).

    Lists are in order: the largest first, ties to the lowest number.
    """
    k = a.shape[1]
    p, q = (torch.tensor(ranks, device=a.device) for ranks in _staircase(k))
    a, i, b, j = a[:, p], i[:, p], b[:, q], j[:, q]
    total = a + b
    back = total - a
    error = (a - (total - back)) + (b - back)  # total + error = a + b, exactly
    order = torch.arange(len(p), device=a.device).expand(len(a), -1)
    for key, falling in ((j, False), (i, False), (error, True), (total, True)):  # the least telling first
        order = order.gather(1, torch.sort(key.gather(1, order), dim=1, descending=falling, stable=True).indices)
    order = order[:, :k]
    return i.gather(1, order), j.gather(1, order)
