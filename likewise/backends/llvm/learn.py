"""How to code a set of rows: what it learns from a sample of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm.kernels.codes import largest_code
from likewise.backends.llvm.rows import Side
from likewise.backends.llvm.target import Target
from likewise.formula.codes import Coding, Part, kind_of

Floats = NDArray[np.float64]


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
    """Codes of the coordinates as they are: the whole scan in integers."""
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
    vectors, spread = principal(sample - mean, cuts[-1])
    turned = mean @ vectors
    parts = []
    for first, last in zip((0, *cuts), cuts, strict=False):
        weight, ends = np.ones(last - first), (0, last - first)
        if not parts:
            weight, ends = _weights(spread[first:last])
        parts.append(Part("dot", turned[first:last], weight, ends, 0.0, -largest, largest))
    space = flat_part("dot", mean, largest)
    return Coding(rule, vectors, tuple(parts), whole_part("dot", side, d, target), space)


def _weights(spread: Floats) -> tuple[Floats, tuple[int, ...]]:
    """Powers of two that even out the coordinates' spread, at most 4, changing at multiples of 4."""
    logs = np.clip(np.floor(np.log2(spread[0] / np.maximum(spread, spread[0] * 2.0**-20))), 0, 2)
    logs = np.minimum.accumulate(logs.reshape(-1, 4).min(axis=1)[::-1])[::-1].repeat(4)
    ends = (0, *(int(i) for i in np.nonzero(np.diff(logs))[0] + 1), len(spread))
    return 2.0**logs, ends


def principal(rows: Floats, count: int) -> tuple[Floats, Floats]:
    """The first principal axes (d, count) of centred rows and the spread along them; no vector grows by them."""
    d = rows.shape[1]
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    order = np.argsort(values)[::-1][:count]
    axes = np.ascontiguousarray(vectors[:, order])
    off = float(np.linalg.norm(axes.T @ axes - np.eye(count))) + d * 2.0**-50
    return axes * (1 - off), np.sqrt(np.maximum(values[order], 0)) + 2.0**-500
