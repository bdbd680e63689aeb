"""The layers of neural networks: a linear layer, a feed-forward block, attention.

Each is a list of operations. A matrix product of T rows costs 2 T times its weights. What is done number by number
counts one for each addition, multiplication, comparison, division, root and elementary function: torch's counter leaves
these out, and they are where time goes that FLOPs do not show.

Bytes are each operation's operands and result, once: the weights, what comes in, what goes out. So between two
operations an array is written and read again, as it is where each is a call of its own; fused kernels keep it in the
caches. A bias is added where its product is written, and costs its own bytes only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import attend
from likewise.compute.sides import metric_for
from likewise.costs.ceilings import Ceilings, ceilings, elementwise
from likewise.costs.check import read_choice, read_flag, read_heads, read_size
from likewise.costs.expression import numpy_refusal
from likewise.costs.result import Explanation, Operation, Run, Steps
from likewise.costs.run import Workers, draw
from likewise.costs.text import time_text
from likewise.formula import math as formula_math
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.formula.parse import metric_from_name
from likewise.plan import flops_per_coordinate

Array = NDArray[Any]
#: Of a softmax, for each score: the largest so far, minus it, exp, plus, divided by the sum.
SOFTMAX_FLOPS = 5


@dataclass(frozen=True)
class Activation:
    """A function of one number: what it costs in operations, as a formula for its rate, and in NumPy, in place."""

    flops: int
    formula: Callable[[Any, Any], Any]
    run: Callable[[Array], None]


def _gelu(x: Array) -> None:
    inner = x * x
    inner *= 0.044715
    inner += 1
    inner *= x
    inner *= 0.7978845608
    np.tanh(inner, out=inner)
    inner += 1
    inner *= 0.5
    x *= inner


def _silu(x: Array) -> None:
    below = np.exp(-x)
    below += 1
    x /= below


def _relu(x: Array) -> None:
    np.maximum(x, 0, out=x)


#: Gelu by tanh, as in GPT-2: 0.5 x (1 + tanh(c x (1 + 0.044715 x^2))).
ACTIVATIONS = {
    "gelu": Activation(9, lambda x, y: x * y * (1 + formula_math.tanh((1 + x * y * 0.044715) * x * 0.8)) * 0.5, _gelu),
    "relu": Activation(1, lambda x, y: formula_math.maximum(x * y, 0), _relu),
    "silu": Activation(3, lambda x, y: x / (1 + formula_math.exp(-(x * y))), _silu),
}


@dataclass(frozen=True)
class Part:
    """Operations with how they are run, parameters, and what comes out; of which a layer or a whole model is made."""

    operations: tuple[Operation, ...]
    steps: Callable[[], Steps]
    parameters: int
    out_shape: tuple[int, ...]


def linear(
    *, inputs: int, outputs: int, batch: int = 1, bias: bool = True, dtype: str = "float32", n_jobs: int | None = None
) -> Explanation:
    """A linear layer: every row of x with every column of the weights, plus the bias.

    Parameters
    ----------
    inputs, outputs : int
        The weights are (inputs, outputs).
    batch : int
        Rows that go through at once. One row is BLAS level 2: every weight is read for a single multiply-add.
    bias : bool
    dtype, n_jobs
        As for :func:`expression`.

    Returns
    -------
    Explanation
        With ``parameters`` among its ``facts``.

    Raises
    ------
    InputError, DtypeError

    Examples
    --------
    >>> import likewise as lw
    >>> layer = lw.costs.linear(batch=32, inputs=512, outputs=2048)
    >>> layer.product_flops, layer.facts["parameters"]
    (67108864, 1050624)
    """
    rows, n, m = read_size(batch, "batch"), read_size(inputs, "inputs"), read_size(outputs, "outputs")
    roof = ceilings(dtype, n_jobs)
    part = linear_part(roof, rows, n, m, read_flag(bias, "bias"), "product")
    return _explanation("linear", f"linear layer: {rows:,} x {n:,} @ {n:,} x {m:,}", (part,), (rows, m), roof)


def feed_forward(
    *,
    tokens: int,
    width: int,
    hidden: int | None = None,
    activation: str = "gelu",
    gated: bool = False,
    bias: bool = True,
    batch: int = 1,
    dtype: str = "float32",
    n_jobs: int | None = None,
) -> Explanation:
    """A feed-forward block: each token to ``hidden`` numbers, an activation, and back.

    Parameters
    ----------
    tokens, width : int
        Rows of x, and their coordinates.
    hidden : int, optional
        Default 4 x width.
    activation : {"gelu", "relu", "silu"}
    gated : bool
        Whether a second product of x multiplies what is activated (Shazeer 2020, "GLU Variants Improve Transformer").
    bias : bool
    batch : int
        Sequences of so many tokens.
    dtype, n_jobs
        As for :func:`expression`.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError, DtypeError

    Examples
    --------
    >>> import likewise as lw
    >>> block = lw.costs.feed_forward(tokens=1024, width=768)
    >>> block.product_flops == 2 * (2 * 1024 * 768 * 3072)
    True
    """
    rows, wide = read_size(tokens, "tokens") * read_size(batch, "batch"), read_size(width, "width")
    inner = 4 * wide if hidden is None else read_size(hidden, "hidden")
    kind = read_choice(activation, "activation", ACTIVATIONS)
    roof = ceilings(dtype, n_jobs)
    part = feed_forward_part(roof, rows, wide, inner, kind, read_flag(gated, "gated"), read_flag(bias, "bias"))
    title = f"feed-forward block: {rows:,} tokens of {wide:,}, {inner:,} hidden"
    return _explanation("feed_forward", title, (part,), (rows, wide), roof)


def attention(
    *,
    tokens: int,
    width: int,
    heads: int,
    keys: int | None = None,
    kv_heads: int | None = None,
    metric: Any = "dot",
    causal: bool = False,
    bias: bool = True,
    batch: int = 1,
    dtype: str = "float32",
    n_jobs: int | None = None,
) -> Explanation:
    """Attention: projections, the scores of all pairs, their softmax, the values so weighed, and one more projection.

    Parameters
    ----------
    tokens, width, heads : int
        Rows of x, their coordinates, and the heads that share these.
    keys : int, optional
        Tokens that are looked at; default those of x themselves.
    kv_heads : int, optional
        Heads of keys and values (grouped-query attention); default as many as there are.
    metric : str, Metric or callable
        What queries and keys are compared by: "dot", "manhattan", 'rbf(gamma=0.5)'...
    causal : bool
        Count only the pairs of which the key does not come after the query. Default: all, as torch's counter does;
        a mask alone saves nothing.
    bias : bool
        Of the four projections.
    batch : int
        Sequences of so many tokens.
    dtype, n_jobs
        As for :func:`expression`.

    Returns
    -------
    Explanation
        Its ``facts`` have ``softmax_share_of_flops`` and ``softmax_share_of_time``.

    Raises
    ------
    InputError, UnknownMetricError, DtypeError

    Examples
    --------
    >>> import likewise as lw
    >>> layer = lw.costs.attention(tokens=1024, width=768, heads=12)
    >>> [one.name for one in layer.operations]
    ['queries, keys, values', 'scores', 'softmax', 'context', 'output']
    >>> layer.product_flops == 8 * 1024 * 768**2 + 4 * 1024**2 * 768
    True
    """
    rows, wide, many = read_size(tokens, "tokens"), read_size(width, "width"), read_size(batch, "batch")
    others = rows if keys is None else read_size(keys, "keys")
    count, shared = read_heads(wide, heads, kv_heads)
    roof = ceilings(dtype, n_jobs)
    shape = Heads(many, rows, others, wide, count, shared, read_flag(causal, "causal"))
    found = read_metric(metric, shape.head)
    part = attention_part(roof, shape, found, read_flag(bias, "bias"))
    title = f"attention: {shape.rows:,} tokens of {wide:,} look at {others:,}, {count:,} heads, by {found}"
    return _explanation("attention", title, (part,), (many * rows, wide), roof)


def read_metric(metric: Any, d: int) -> Metric:
    """A metric by its name, parameters and all, or as every verb takes it."""
    return metric_for(metric_from_name(metric) if isinstance(metric, str) else metric, d)


# ---- the parts


def linear_part(roof: Ceilings, rows: int, n: int, m: int, bias: bool, name: str, part: str = "") -> Part:
    """One product with weights."""
    flops = 2 * rows * n * m
    numbers = rows * n + n * m + rows * m + (m if bias else 0)
    one = roof.operation(
        name, f"{rows:,} x {n:,} @ {n:,} x {m:,}{' + bias' if bias else ''}", flops=flops + (rows * m if bias else 0),
        products=flops, numbers=numbers, level=product_level(rows, m), part=part,
    )  # fmt: skip

    def steps() -> Steps:
        x, weights, out = draw(rows, n, dtype=roof.dtype), draw(n, m, dtype=roof.dtype), draw(rows, m, dtype=roof.dtype)
        return [(name, lambda: np.matmul(x, weights, out=out))]

    return Part((one,), steps, n * m + (m if bias else 0), (rows, m))


def product_level(rows: int, columns: int) -> int:
    """The BLAS level of a product: how many of its two sides are more than one vector."""
    return 1 + (rows > 1) + (columns > 1)


def feed_forward_part(
    roof: Ceilings, rows: int, width: int, hidden: int, kind: str, gated: bool, bias: bool, part: str = "feed-forward"
) -> Part:
    """Two products with weights, three where gated, and an activation."""
    function = ACTIVATIONS[kind]
    into = hidden * (2 if gated else 1)
    expand = linear_part(roof, rows, width, into, bias, "expand", part)
    contract = linear_part(roof, rows, hidden, width, bias, "contract", part)
    numbers = rows * hidden
    middle = roof.operation(
        "activation", f"{kind} of {rows:,} x {hidden:,}{' times the gate' if gated else ''}",
        flops=numbers * (function.flops + gated), numbers=numbers * (3 if gated else 2),
        formula=(numbers, elementwise(function.formula)), part=part,
    )  # fmt: skip

    def steps() -> Steps:
        inner, workers = draw(rows, into, dtype=roof.dtype), Workers(roof.threads)
        out = np.empty_like(inner)

        def activate(x: Array) -> None:
            function.run(x[:, :hidden])
            if gated:
                x[:, :hidden] *= x[:, hidden:]

        return [*expand.steps(), ("activation", lambda: workers.each(activate, inner, out)), *contract.steps()]

    operations = (*expand.operations, middle, *contract.operations)
    return Part(operations, steps, expand.parameters + contract.parameters, (rows, width))


@dataclass(frozen=True)
class Heads:
    """The sizes of an attention."""

    batch: int
    tokens: int
    keys: int
    width: int
    heads: int
    kv_heads: int
    causal: bool = False
    cached: int = 0  # keys and values that are there already, of each sequence

    @property
    def rows(self) -> int:
        """Tokens of all sequences."""
        return self.batch * self.tokens

    @property
    def head(self) -> int:
        """Coordinates of a head."""
        return self.width // self.heads

    @property
    def kv_width(self) -> int:
        """Coordinates of a key, of all heads."""
        return self.head * self.kv_heads

    @property
    def pairs(self) -> int:
        """Of queries and keys, of all heads; query i of n sees the first m - n + i + 1 of m keys, where causal."""
        n, m = self.tokens, self.keys
        each = n * m
        if self.causal:
            first = max(1, m - n + 1)
            each = (first + m) * (m - first + 1) // 2 if n <= m else m * (m + 1) // 2
        return self.batch * self.heads * each


def attention_part(roof: Ceilings, shape: Heads, metric: Metric, bias: bool, part: str = "attention") -> Part:
    """Projections, scores, softmax, context and the projection of what comes of it."""
    width, kv, pairs, head = shape.width, shape.kv_width, shape.pairs, shape.head
    rows, others, new = shape.rows, shape.batch * shape.keys, shape.batch * (shape.keys - shape.cached)
    weights = width * (width + 2 * kv) + (width + 2 * kv if bias else 0)
    projected = rows * width + 2 * new * kv
    first = roof.operation(
        "queries, keys, values", f"{rows:,} x {width:,} @ {width:,} x {width + 2 * kv:,}{' + bias' if bias else ''}",
        flops=2 * projected * width + (projected if bias else 0), products=2 * projected * width,
        numbers=(rows if rows == new else rows + new) * width + weights + projected,
        level=product_level(rows, width), part=part,
    )  # fmt: skip
    of_heads = f"{shape.batch * shape.heads:,} of {shape.tokens:,} x {head:,}"
    asked = rows * width + others * kv
    products = metric == dot
    compared = pairs * head * flops_per_coordinate(metric)
    scores = roof.operation(
        "scores", f"{of_heads} {'@' if products else metric.name} {head:,} x {shape.keys:,}",
        flops=compared + pairs, products=compared if products else 0, numbers=asked + pairs,
        formula=None if products else (pairs * head, metric), level=product_level(shape.tokens, shape.keys), part=part,
    )  # fmt: skip
    softmax = roof.operation(
        "softmax", f"{shape.batch * shape.heads:,} of {shape.tokens:,} x {shape.keys:,}", flops=SOFTMAX_FLOPS * pairs,
        numbers=2 * pairs, formula=(pairs, elementwise(lambda x, y: formula_math.exp(x - y))), part=part,
    )  # fmt: skip
    context = roof.operation(
        "context", f"{shape.batch * shape.heads:,} of {shape.tokens:,} x {shape.keys:,} @ {shape.keys:,} x {head:,}",
        flops=2 * pairs * head, products=2 * pairs * head, numbers=pairs + others * kv + rows * width,
        level=product_level(shape.tokens, head), part=part,
    )  # fmt: skip
    last = linear_part(roof, rows, width, width, bias, "output", part)

    def steps() -> Steps:
        return [*_attention_steps(roof, shape, metric), *last.steps()]

    return Part((first, scores, softmax, context, *last.operations), steps, weights + last.parameters, (rows, width))


def _attention_steps(roof: Ceilings, shape: Heads, metric: Metric) -> Steps:
    """In NumPy, head beside head; metrics other than products in one pass of :func:`likewise.attend`."""
    batch, n, m, head, groups = shape.batch, shape.tokens, shape.keys, shape.head, shape.heads // shape.kv_heads
    kind = roof.dtype
    x, given = draw(batch * n, shape.width, dtype=kind), draw(batch * m, shape.width, dtype=kind)
    matrices = [draw(shape.width, width, dtype=kind) for width in (shape.width, shape.kv_width, shape.kv_width)]
    q = draw(batch, shape.kv_heads, groups, n, head, dtype=kind) / np.sqrt(head, dtype=kind)
    k, v = (draw(batch, shape.kv_heads, 1, m, head, dtype=kind, seed=seed) for seed in (1, 2))

    def project() -> None:
        for rows, weight in zip((x, given, given), matrices, strict=True):
            np.matmul(rows, weight)

    first = ("queries, keys, values", project)
    if metric != dot:
        return [first, ("context", lambda: attend(q, k, v, metric=metric, n_jobs=roof.threads))]
    scores, out = np.empty((batch, shape.kv_heads, groups, n, m), q.dtype), np.empty_like(q)
    weights = np.empty_like(scores)
    workers = Workers(roof.threads)

    def soften(rows: Array) -> None:
        rows -= rows.max(axis=1, keepdims=True)
        np.exp(rows, out=rows)
        rows /= rows.sum(axis=1, keepdims=True)

    return [
        first,
        ("scores", lambda: np.matmul(q, k.swapaxes(-1, -2), out=scores)),
        ("softmax", lambda: workers.each(soften, scores, weights)),
        ("context", lambda: np.matmul(weights, v, out=out)),
    ]


# ---- the whole


def _explanation(kind: str, title: str, parts: tuple[Part, ...], out: tuple[int, ...], roof: Ceilings) -> Explanation:
    operations = tuple(one for part in parts for one in part.operations)
    facts: dict[str, Any] = {"dtype": roof.dtype, "parameters": sum(part.parameters for part in parts)}
    facts |= softmax_facts(operations)
    return Layer(
        kind, title, operations, out, roof, facts=facts, notes=(f"{facts['parameters']:,} parameters",),
        run=run_of(parts, operations, roof),
    )  # fmt: skip


def softmax_facts(operations: tuple[Operation, ...]) -> dict[str, float]:
    """What share a softmax has of FLOPs, and of the time to expect; nothing where there is none."""
    of_softmax = [one for one in operations if one.name == "softmax"]
    if not of_softmax:
        return {}
    return {
        "softmax_share_of_flops": sum(one.flops for one in of_softmax) / sum(one.flops for one in operations),
        "softmax_share_of_time": sum(one.seconds for one in of_softmax) / sum(one.seconds for one in operations),
    }


class Layer(Explanation):
    """An explanation that says what a softmax costs beside the products, if there is one."""

    def _shown(self) -> list[str]:
        lines = super()._shown()
        softmax = [one for one in self.operations if one.name == "softmax"]
        if softmax:
            said = f"{self.facts['softmax_share_of_flops']:.1%} of the FLOPs"
            said += f" and {self.facts['softmax_share_of_time']:.1%} of the time to expect"
            taken = [one.measured for one in softmax if one.measured is not None]
            if taken and self.measured:
                said += f"; {time_text(sum(taken))} or {sum(taken) / self.measured:.1%} of the time measured"
            lines += [f"{'softmax':10} {said}"]
        if self.measured is not None and any(one.measured is None for one in self.operations):
            lines += [f"{'':10} what has no time of its own was measured with the operation below it, or not at all"]
        return lines


def run_of(
    parts: tuple[Part, ...], operations: tuple[Operation, ...], roof: Ceilings, calls: dict[str, int] | None = None
) -> Run:
    """All parts run one after the other."""

    def make() -> Steps:
        return [step for part in parts for step in part.steps()]

    held = sum(one.bytes // one.count for one in operations)
    return Run(make, held, calls=calls or {}, refusal=numpy_refusal(roof.dtype), threads=roof.threads)
