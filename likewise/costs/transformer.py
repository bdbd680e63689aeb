"""A whole transformer: parameters, FLOPs of a pass and of a training step, attention beside feed-forward.

Of each token and layer, with width W, M tokens to look at and H hidden numbers, products cost

    projections  8 W^2        scores and context  4 M W        feed-forward  4 W H  (6 W H where gated)

so that attention costs as much as feed-forward where M = H - 2 W: with H = 4 W, at a context of twice the width; and
its scores and context alone do where M = H. A training step is a forward pass and a backward one, which has two
products for each forward one: by the weights and by what came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.costs.ceilings import SIZES, Ceilings, ceilings
from likewise.costs.check import read_choice, read_flag, read_heads, read_size
from likewise.costs.layers import (
    ACTIVATIONS,
    Array,
    Heads,
    Layer,
    Part,
    attention_part,
    feed_forward_part,
    linear_part,
    read_metric,
    run_of,
    softmax_facts,
)
from likewise.costs.result import Explanation, Operation, Steps
from likewise.costs.run import Workers, draw
from likewise.costs.text import ratio_text, size_text, time_text
from likewise.errors import InputError
from likewise.formula.metric import Metric

#: Operations of a normalisation, for each number: layer: mean, minus it, square, mean, divide, times the weight.
NORMS = {"layer": 6, "rms": 4}


@dataclass(frozen=True)
class _Sizes:
    """What a transformer is made of."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    context: int
    vocabulary: int
    metric: Metric
    activation: str
    gated: bool
    norm: str
    bias: bool
    tied: bool
    places: bool
    final_norm: bool
    learned_scale: bool
    causal: bool

    @property
    def norm_parameters(self) -> int:
        """Of one normalisation: weights, and offsets where there are biases."""
        return self.width * (2 if self.bias and self.norm == "layer" else 1)


def transformer(
    *,
    layers: int,
    width: int,
    heads: int,
    context: int,
    vocabulary: int = 0,
    hidden: int | None = None,
    tokens: int | None = None,
    batch: int = 1,
    kv_heads: int | None = None,
    metric: Any = "dot",
    activation: str = "gelu",
    gated: bool = False,
    norm: str = "layer",
    final_norm: bool | None = None,
    positions: str | None = None,
    bias: bool = True,
    tied: bool = True,
    learned_scale: bool = False,
    causal: bool = False,
    fused: bool = False,
    dtype: str = "float32",
    n_jobs: int | None = None,
) -> Explanation:
    """A transformer of given sizes: GPT-2's make, unless told otherwise.

    Parameters
    ----------
    layers, width, heads : int
        Blocks; the coordinates of a token; the heads that share them.
    context : int
        The most tokens it looks at.
    vocabulary : int
        Its symbols; 0 for blocks alone, without embeddings, head and last normalisation.
    hidden : int, optional
        Of the feed-forward block; default 4 x width.
    tokens, batch : int
        Of a pass: sequences of so many tokens. Default: one of ``context`` tokens.
    kv_heads, metric, causal
        As for :func:`attention`.
    activation, gated
        As for :func:`feed_forward`.
    norm : {"layer", "rms"}
    final_norm : bool, optional
        Whether a normalisation follows the last block; default where there is a vocabulary.
    positions : {"learned", "none"}, optional
        Whether places have vectors of their own; "none" for rotary ones, which have no parameters. Default "learned"
        where there is a vocabulary.
    bias : bool
        Of products (not of the head) and of layer norms.
    tied : bool
        Whether the head's rows are those of the tokens.
    learned_scale : bool
        Whether each head learns what its scores are multiplied by, as :class:`likewise.nn.Transformer` does under other
        metrics than dot.
    fused : bool
        Whether the backward pass computes the scores again, as fused attention does: one product more.
    dtype, n_jobs
        As for :func:`expression`.

    Returns
    -------
    Explanation
        Its operations are those of a forward pass, in the parts "attention", "feed-forward", "head" and "rest". Its
        ``facts``: ``parameters``; ``training_product_flops`` of a forward and a backward pass; ``shares`` of the
        FLOPs by part; ``equal_context``, at which attention costs as much as feed-forward, and
        ``quadratic_context``, at which its scores and context alone do; ``cache_bytes`` of keys and values of a full
        context; and of one token more with such a cache: ``token_flops``, ``token_bytes``, ``token_seconds``.

    Raises
    ------
    InputError, UnknownMetricError, DtypeError

    Notes
    -----
    ``product_flops`` is what torch's ``FlopCounterMode`` counts forward, and ``training_product_flops`` what it counts
    forward and backward, if the first block's input has a gradient.

    Examples
    --------
    >>> import likewise as lw
    >>> gpt2 = lw.costs.transformer(layers=12, width=768, heads=12, context=1024, vocabulary=50257)
    >>> gpt2.facts["parameters"], gpt2.facts["equal_context"], gpt2.facts["quadratic_context"]
    (124439808, 1536, 3072)
    """
    wide, words = read_size(width, "width"), read_size(vocabulary, "vocabulary", 0)
    count, shared = read_heads(wide, heads, kv_heads)
    longest, sequences = read_size(context, "context"), read_size(batch, "batch")
    many = longest if tokens is None else read_size(tokens, "tokens")
    if many > longest:
        raise InputError(f"tokens={many:,} are more than context={longest:,}, the most that are looked at")
    last = words > 0 if final_norm is None else read_flag(final_norm, "final_norm")
    places = ("learned" if words else "none") if positions is None else positions
    sizes = _Sizes(
        read_size(layers, "layers"), wide, count, shared, 4 * wide if hidden is None else read_size(hidden, "hidden"),
        longest, words, read_metric(metric, wide // count), read_choice(activation, "activation", ACTIVATIONS),
        read_flag(gated, "gated"), read_choice(norm, "norm", NORMS), read_flag(bias, "bias"), read_flag(tied, "tied"),
        read_choice(places, "positions", ("learned", "none")) == "learned", last,
        read_flag(learned_scale, "learned_scale"), read_flag(causal, "causal"),
    )  # fmt: skip
    roof = ceilings(dtype, n_jobs)
    again = read_flag(fused, "fused")
    block, head = _block(roof, sizes, sequences, many, many), _head(roof, sizes, sequences * many)
    operations = _operations(block, head, sizes.layers)
    parameters = _parameters(sizes, block, head)
    facts: dict[str, Any] = {"dtype": roof.dtype, "parameters": parameters}
    facts |= _training(operations, again) | _shares(operations) | _crossings(sizes)
    facts |= _token(roof, sizes, parameters) | softmax_facts(operations)
    title = f"transformer: {sizes.layers} layers of width {wide:,}, {count:,} heads, {sizes.hidden:,} hidden; "
    title += f"{sequences * many:,} tokens" + (f" of {words:,} symbols" if words else "")
    out = (sequences * many, words or wide)
    calls = {one.name: one.count for one in block.operations}
    return Layer(
        "transformer", title, operations, out, roof, facts=facts, notes=_notes(facts, sizes.layers),
        run=run_of((block, head), operations, roof, calls),
    )  # fmt: skip


# ---- what it consists of


def _block(roof: Ceilings, sizes: _Sizes, batch: int, tokens: int, keys: int) -> Part:
    """One layer: norm, attention, sum; norm, feed-forward, sum."""
    rows, width = batch * tokens, sizes.width
    shape = Heads(batch, tokens, keys, width, sizes.heads, sizes.kv_heads, sizes.causal, cached=keys - tokens)
    attention = attention_part(roof, shape, sizes.metric, sizes.bias)
    feed = feed_forward_part(roof, rows, width, sizes.hidden, sizes.activation, sizes.gated, sizes.bias)
    norms = _norm(roof, sizes, rows, 2, "norms")
    sums = roof.operation(
        "sums",
        f"{rows:,} x {width:,} + the same",
        flops=2 * rows * width,
        numbers=6 * rows * width,
        count=2,
        part="rest",
    )

    def steps() -> Steps:
        x, y = draw(rows, width, dtype=roof.dtype), draw(rows, width, dtype=roof.dtype, seed=1)
        out = np.empty_like(x)

        def add() -> None:
            for _ in range(2):
                np.add(x, y, out=out)

        return [*norms.steps(), *attention.steps(), *feed.steps(), ("sums", add)]

    own = attention.parameters + feed.parameters + norms.parameters + (sizes.heads if sizes.learned_scale else 0)
    return Part((*norms.operations, *attention.operations, *feed.operations, sums), steps, own, (rows, width))


def _norm(roof: Ceilings, sizes: _Sizes, rows: int, count: int, name: str) -> Part:
    each = NORMS[sizes.norm] + (1 if sizes.norm_parameters > sizes.width else 0)
    one = roof.operation(
        name, f"{rows:,} x {sizes.width:,}", flops=count * rows * sizes.width * each,
        numbers=count * (2 * rows * sizes.width + sizes.norm_parameters), count=count, part="rest",
    )  # fmt: skip

    def change(x: Array) -> None:
        if sizes.norm == "layer":
            x -= x.mean(axis=1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-5)

    def steps() -> Steps:
        x, workers = draw(rows, sizes.width, dtype=roof.dtype), Workers(roof.threads)
        out = np.empty_like(x)

        def run() -> None:
            for _ in range(count):
                workers.each(change, x, out)

        return [(name, run)]

    return Part((one,), steps, count * sizes.norm_parameters, (rows, sizes.width))


def _head(roof: Ceilings, sizes: _Sizes, rows: int) -> Part:
    """What follows the blocks, a norm and the scores of all symbols; and the embedding's rows, at the beginning."""
    parts = []
    if sizes.final_norm:
        parts.append(_norm(roof, sizes, rows, 1, "last norm"))
    if sizes.vocabulary:
        parts.append(linear_part(roof, rows, sizes.width, sizes.vocabulary, False, "head", "head"))
    own = sum(part.parameters for part in parts)
    if sizes.vocabulary and not sizes.tied:
        own += sizes.vocabulary * sizes.width  # of the tokens; the head's are counted above
    operations = tuple(one for part in parts for one in part.operations)
    embedding = _embedding(roof, sizes, rows)

    def steps() -> Steps:
        return [step for part in parts for step in part.steps()]

    return Part((*embedding, *operations), steps, own, (rows, sizes.vocabulary or sizes.width))


def _embedding(roof: Ceilings, sizes: _Sizes, rows: int) -> tuple[Operation, ...]:
    if not sizes.vocabulary:
        return ()
    numbers = rows * sizes.width
    added = numbers if sizes.places else 0
    what = f"{rows:,} of {sizes.vocabulary:,} x {sizes.width:,}{' + places' if added else ''}"
    return (roof.operation("embedding", what, flops=added, numbers=2 * numbers + added, part="rest"),)


def _operations(block: Part, head: Part, layers: int) -> tuple[Operation, ...]:
    """In the order of a pass, the block's times the layers."""
    before = [one for one in head.operations if one.name == "embedding"]
    after = [one for one in head.operations if one.name != "embedding"]
    return (*before, *(one.times(layers) for one in block.operations), *after)


def _parameters(sizes: _Sizes, block: Part, head: Part) -> int:
    places = sizes.context * sizes.width if sizes.places else 0
    return sizes.layers * block.parameters + head.parameters + places


# ---- what follows


def _training(operations: tuple[Operation, ...], fused: bool) -> dict[str, int]:
    """Three products for each forward one; a fourth for the scores, if they are computed again."""
    products = sum(one.product_flops for one in operations)
    scores = sum(one.product_flops for one in operations if one.name == "scores")
    return {"training_product_flops": 3 * products + (scores if fused else 0)}


def _shares(operations: tuple[Operation, ...]) -> dict[str, dict[str, float]]:
    whole = sum(one.flops for one in operations)
    parts = ("attention", "feed-forward", "head", "rest")
    return {"shares": {part: sum(one.flops for one in operations if one.part == part) / whole for part in parts}}


def _crossings(sizes: _Sizes) -> dict[str, int]:
    """Contexts at which the products of attention reach those of feed-forward: whole, and scores and context alone."""
    width, kv = sizes.width, sizes.width // sizes.heads * sizes.kv_heads
    projections = 4 * width * width + 4 * width * kv
    feed = 2 * width * sizes.hidden * (3 if sizes.gated else 2)
    each = 2 * width if sizes.causal else 4 * width  # of a token, for each one in its context; half are seen if causal
    return {"equal_context": max(0, -(-(feed - projections) // each)), "quadratic_context": -(-feed // each)}


def _token(roof: Ceilings, sizes: _Sizes, parameters: int) -> dict[str, Any]:
    """One token more: every parameter and all that the cache holds are read for it."""
    kv = sizes.width // sizes.heads * sizes.kv_heads
    cache = 2 * sizes.layers * kv * sizes.context * SIZES[roof.dtype]
    block, head = _block(roof, sizes, 1, 1, sizes.context), _head(roof, sizes, 1)
    operations = _operations(block, head, sizes.layers)
    return {
        "cache_bytes": cache,
        "token_flops": sum(one.flops for one in operations),
        "token_bytes": sum(one.bytes for one in operations),
        "token_seconds": sum(one.seconds for one in operations),
        "parameter_bytes": parameters * SIZES[roof.dtype],
    }


def _notes(facts: dict[str, Any], layers: int) -> tuple[str, ...]:
    shares = ", ".join(f"{name} {share:.1%}" for name, share in facts["shares"].items() if share)
    equal, alone = facts["equal_context"], facts["quadratic_context"]
    crossing = (
        f"attention costs as much as feed-forward from a context of {equal:,} on, and its scores and context alone do "
        f"from {alone:,}"
        if equal
        else f"attention costs more than feed-forward at any context; its scores and context alone do from {alone:,} on"
    )
    intensity = facts["token_flops"] / facts["token_bytes"]
    return (
        f"{facts['parameters']:,} parameters, {size_text(facts['parameter_bytes'])}",
        f"FLOPs: {shares}",
        crossing,
        f"a training step takes {facts['training_product_flops']:,} FLOPs of products, forward and backward",
        f"keys and values of a full context take {size_text(facts['cache_bytes'])} a sequence",
        f"one token more takes {facts['token_flops']:,} FLOPs on {size_text(facts['token_bytes'])}, "
        f"{ratio_text(intensity)} a byte: about {time_text(facts['token_seconds'])}",
    )
