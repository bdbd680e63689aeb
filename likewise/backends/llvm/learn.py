"""How to code a set of rows: what it learns from a sample of them."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm.dense import matrix
from likewise.backends.llvm.kernels.codes import largest_code
from likewise.backends.llvm.rows import Side, measure
from likewise.backends.llvm.target import Target
from likewise.formula.codes import Coding, Part, kind_of
from likewise.formula.metrics import dot
from likewise.plan import Outlook

Floats = NDArray[np.float64]
#: Up to this many coordinates the principal axes come from the whole covariance matrix (0.3 s); beyond, by iteration.
WIDE = 1024


def flat_part(kind: str, mean: Floats, largest: int) -> Part:
    """All coordinates alike, each row with a scale of its own."""
    return Part(kind, mean, np.ones(len(mean)), (0, len(mean)), 0.0, -largest, largest)


def whole_part(kind: str, side: Side, d: int, target: Target) -> Part | None:
    """Whole numbers coded as they are, if their range fits a byte."""
    low, high, largest = side.known.low, side.known.high, largest_code(target, kind)
    if not side.known.whole or high - low > 2 * largest + 1:
        return None
    if kind != "dot":
        return Part(kind, np.full(d, low), np.ones(d), (0, d), 1.0, 0, 255)
    return Part(kind, np.full(d, low + largest + 1), np.ones(d), (0, d), 1.0, -largest - 1, largest)


def plain(rule: str, side: Side, sample: Floats, target: Target) -> Coding:
    """Codes of the coordinates as they are: the whole scan in integers.

    ``side.known`` is what is known of the rows as they are packed: whole numbers only where nothing was done to them.
    """
    kind, d = kind_of(rule), sample.shape[1]
    exact = whole_part(kind, side, d, target)
    if exact is not None:
        return Coding(rule, None, (exact,), exact, exact)
    if kind != "dot":
        low, high = side.known.low, side.known.high
        spread = 6 * float(sample.std()) or 1.0
        middle = float(sample.mean())
        low, high = max(low, middle - spread), min(high, middle + spread)
        part = Part(kind, np.full(d, low), np.ones(d), (0, d), max((high - low) / 255, 2.0**-400), 0, 255)
        return Coding(rule, None, (part,), None, part)
    part = flat_part(kind, sample.mean(axis=0), largest_code(target, kind))
    return Coding(rule, None, (part,), None, part)


def energy_first(rule: str, side: Side, sample: Floats, target: Target, cuts: tuple[int, ...]) -> Coding:
    """Codes of the principal coordinates, ``cuts`` of them in all after each part."""
    d, largest = sample.shape[1], largest_code(target, "dot")
    mean = sample.mean(axis=0)
    vectors, spread, shrink = principal(sample - mean, cuts[-1])
    turned = mean @ vectors * shrink
    parts: list[Part] = []
    for first, last in zip((0, *cuts), cuts, strict=False):
        weight: Floats = np.ones(last - first)
        ends: tuple[int, ...] = (0, last - first)
        if not parts:
            weight, ends = _weights(spread[first:last])
        parts.append(Part("dot", turned[first:last], weight, ends, 0.0, -largest, largest))
    space = flat_part("dot", mean, largest)
    return Coding(rule, vectors, tuple(parts), whole_part("dot", side, d, target), space, shrink)


def _weights(spread: Floats) -> tuple[Floats, tuple[int, ...]]:
    """Powers of two that even out the coordinates' spread, at most 4, changing at multiples of 4."""
    logs = np.clip(np.floor(np.log2(spread[0] / np.maximum(spread, spread[0] * 2.0**-20))), 0, 2)
    logs = np.minimum.accumulate(logs.reshape(-1, 4).min(axis=1)[::-1])[::-1].repeat(4)
    ends = (0, *(int(i) for i in np.nonzero(np.diff(logs))[0] + 1), len(spread))
    return 2.0**logs, ends


def principal(rows: Floats, count: int) -> tuple[Floats, Floats, float]:
    """Principal axes (d, count) of centred rows, the spread along them, and a factor by which no vector grows."""
    d = rows.shape[1]
    if d <= WIDE:
        values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
        order = np.argsort(values)[::-1][:count]
        axes, values = np.ascontiguousarray(vectors[:, order]), values[order]
    else:  # the widest directions by a few rounds of power iteration
        axes = np.random.default_rng(0).standard_normal((d, count))
        for _ in range(4):
            axes, _ = np.linalg.qr(rows.T @ (rows @ axes))
        _, sizes, right = np.linalg.svd(rows @ axes, full_matrices=False)
        axes, values = np.ascontiguousarray(axes @ right.T), sizes**2 / len(rows)
    axes = axes.astype(np.float32).astype(np.float64)  # half the memory where one query is turned at a time
    off = float(np.linalg.norm(axes.T @ axes - np.eye(count))) + d * 2.0**-50
    return axes, np.sqrt(np.maximum(values, 0)) + 2.0**-500, 1 - off


# --------------------------------------------------------------------------------------------------- outlook

#: Rows that stand for all of them, and those of them that stand for queries.
SAMPLE, QUERIES = 8192, 48
#: And for a call that comes only once.
SMALL_SAMPLE = 2048
#: Lengths of the scan and of what follows it that are tried.
_HEADS = (16, 32, 48, 64, 96, 128, 192, 256, 384)
_MORE = (64, 128, 192, 256)
#: Codes leave out about this share of a row's length: between 0.6% and 1.2% on data of all kinds.
_LEFT_OUT = 0.01
#: Thresholds fall while a scan goes on: pairs listed, over those that the final threshold leaves.
_EARLY = 1.7


def sample_rows(n: int, wanted: int = SAMPLE) -> NDArray[np.int64]:
    """Numbers of evenly spread rows."""
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, wanted)).astype(np.int64))


def _products(x: Floats, y: Floats, threads: int) -> Floats:
    """x y^T by the engine: a BLAS would leave its own threads spinning beside ours."""
    left, right = (measure(np.ascontiguousarray(rows), "float64", frozenset(), 1) for rows in (x, y))
    out = np.empty((len(x), len(y)))
    matrix(dot, left, right, out, threads, 8192)
    return out


def _survivors(rule: str, items: Floats, error: float, k: int, m: int, cuts: list[int], threads: int) -> list[float]:
    """Of m items, how many a bound over the first ``cut`` principal coordinates cannot exclude, for each cut.

    ``items``: centred rows in those coordinates, all d of them; ``error``: what codes leave out, as a share of length.
    """
    step = max(1, len(items) // QUERIES)
    queries = items[::step]
    own = np.arange(len(queries)), np.arange(0, len(items), step)
    squares = [(rows**2).sum(axis=1) for rows in (queries, items)]
    bias = -0.5 * squares[1] if rule == "square" else np.zeros(len(items))
    edges = sorted({0, *cuts, items.shape[1]})
    parts = [_products(queries[:, a:b], items[:, a:b], threads) for a, b in itertools.pairwise(edges)]
    total = np.sum(parts, axis=0) + bias
    total[own] = -np.inf
    share = max(1, round(k * len(items) / m))
    threshold = -np.partition(-total, share - 1, axis=1)[:, share - 1]
    counts, score = {}, np.broadcast_to(bias, total.shape).copy()
    heads = [np.zeros(len(queries)), np.zeros(len(items))]
    for (a, b), part in zip(itertools.pairwise(edges), parts, strict=True):
        score += part
        for i, rows in enumerate((queries, items)):
            heads[i] = heads[i] + (rows[:, a:b] ** 2).sum(axis=1)
        tails = [np.sqrt(np.maximum(whole - head, 0)) for whole, head in zip(squares, heads, strict=True)]
        bound = score + np.outer(*tails) + 2 * error * np.outer(*(np.sqrt(head) for head in heads))
        bound[own] = -np.inf
        counts[b] = float((bound >= threshold[:, None]).sum(axis=1).mean()) * m / len(items)
    return [counts[cut] for cut in cuts]


def _difference_survivors(rule: str, items: Floats, unit: float, lossless: bool, k: int, m: int) -> float:
    """The same for sums and maxima of absolute differences over all coordinates, codes ``unit`` apart."""
    items, queries = items[:1024], items[: min(16, len(items))]
    away = np.abs(queries[:, None, :] - items[None])
    exact = away.sum(axis=2) if rule == "sum" else away.max(axis=2)
    exact[np.arange(len(queries)), np.arange(len(queries))] = np.inf
    share = max(1, round(k * len(items) / m))
    threshold = np.partition(exact, share - 1, axis=1)[:, share - 1]
    # a code is off by at most half a unit, a quarter on average, on both sides
    slack = 0.0 if lossless else unit * (0.5 * items.shape[1] if rule == "sum" else 1.0)
    return float((exact <= threshold[:, None] + slack).sum(axis=1).mean()) * m / len(items)


def outlooks(
    rule: str, side: Side, sample: Floats, k: int, target: Target, threads: int, *, turned: bool
) -> list[tuple[Outlook, Coding | tuple[int, ...]]]:
    """Ways to code these rows, and what each is expected to leave: a coding, or the cuts of one by energy.

    ``turned``: whether to look at principal coordinates as well, which takes some tenths of a second to learn.
    """
    m, d = side.n, sample.shape[1]
    flat = plain(rule, side, sample, target)
    lossless = flat.exact is not None
    last = 4 * d
    if kind_of(rule) != "dot":
        left = _difference_survivors(rule, sample, flat.parts[0].fixed, lossless, k, m)
        stages = ((last, _EARLY * left), (last, 2.0 * k))
        return [(Outlook(d, stages), flat)]
    centred = sample - sample.mean(axis=0)
    (left,) = _survivors(rule, centred, 0.0 if lossless else _LEFT_OUT, k, m, [d], threads)
    made: list[tuple[Outlook, Coding | tuple[int, ...]]] = [
        (Outlook(d, ((d if lossless else last, _EARLY * max(left, 3.0 * k)),)), flat)
    ]
    if not turned or d < 32:
        return made
    vectors, _, _ = principal(centred, d if d <= WIDE else min(512, len(centred)))
    rotated = centred @ vectors
    if vectors.shape[1] < d:  # what is beyond counts as one more coordinate
        beyond = np.sqrt(np.maximum((centred**2).sum(axis=1) - (rotated**2).sum(axis=1), 0))
        rotated = np.column_stack([rotated, beyond])
    heads = [h for h in _HEADS if h <= d // 2 and h < vectors.shape[1]]
    ends = sorted({h + more for h in heads for more in _MORE if h + more <= vectors.shape[1]} | set(heads))
    left_at = dict(zip(ends, _survivors(rule, rotated, _LEFT_OUT, k, m, ends, threads), strict=True))
    full = d if lossless else last
    for head in heads:
        for more in (0, *_MORE):
            end = head + more
            if end not in left_at:
                continue
            first = ((more, _EARLY * left_at[head]),) if more else ()
            made.append((Outlook(head, (*first, (full, _EARLY * left_at[end]))), (head, end) if more else (head,)))
    return made
