"""Near duplicates: all pairs of vectors that are alike beyond a threshold, or the most alike of them.

Every pair is compared, and no matrix is held: a chunk of rows is searched among the rows from its first on, by
:func:`likewise.within`. Where only the best ``max_pairs`` are wanted, a sample of rows says which threshold some more
than these pass; if it turns out that fewer do, the search is made again with the caller's. So the answer is exact
whatever the sample held, and the sample decides how long it takes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise, within
from likewise.compute.options import Progress, read_options
from likewise.errors import InputError, ShapeError
from likewise.formula.metrics import as_metric
from likewise.terms import as_texts
from likewise.text.embed import embed

_CHUNK = 4096  # rows searched at a time, at most
_FIRST = 256  # and at first, when nobody knows how many pairs they have
_PAIRS = 4_000_000  # pairs found at a time, some 100 MB; more where they come all of a sudden
_SAMPLE = 512  # rows that a threshold is guessed from


class Pairs(NamedTuple):
    """Pairs of rows, the most alike first; ``first[i] < second[i]``."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    values: NDArray[np.float64]


def near_duplicates(
    texts: Any,
    threshold: float = 0.9,
    *,
    metric: Any = "cosine",
    max_pairs: int | None = None,
    model: Any = None,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Pairs:
    """All pairs of texts, or of vectors, that are at least so alike.

    Parameters
    ----------
    texts : sequence of str, or array_like of shape (n, d)
    threshold : float, default 0.9
        In the metric's units: the smallest similarity, or the largest distance, that is listed.
    metric : str, Metric or callable, default "cosine"
        Symmetric: each pair is compared once.
    max_pairs : int, optional
        Only the best so many. Without it, a low threshold may list n (n - 1) / 2 of them.
    model, store : optional
        The encoder of texts: as :func:`~likewise.text.embed`.
    n_jobs, memory_limit, progress
        As every verb takes them.

    Returns
    -------
    Pairs
        Equal values are in the order of ``first``, then ``second``.

    Raises
    ------
    InputError
        Where texts come without a model, or the threshold is NaN.

    Examples
    --------
    >>> near_duplicates([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]], threshold=0.9)
    Pairs(first=array([0]), second=array([2]), values=array([0.99504]))
    """
    vectors = as_vectors(texts, model, store, progress)
    threshold = read_threshold(threshold)
    most = None if max_pairs is None else read_whole(max_pairs, "max_pairs")
    measure = as_metric(metric)
    sign = 1.0 if measure.closer == "smaller" else -1.0
    tell = read_options(n_jobs, memory_limit, "raise", progress).progress
    options = {"metric": measure, "n_jobs": n_jobs, "memory_limit": memory_limit}
    if most is not None:
        guess = _guess(vectors, most, sign, options)
        if guess is not None and sign * guess < sign * threshold:
            found = _pairs(vectors, guess, most, sign, options, tell)
            if len(found.first) == most:
                return found
    return _pairs(vectors, threshold, most, sign, options, tell)


def _pairs(
    vectors: NDArray[Any],
    threshold: float,
    most: int | None,
    sign: float,
    options: dict[str, Any],
    tell: Callable[[int, int], None] | None,
) -> Pairs:
    """All pairs within a threshold in order, or the best of them."""
    kept, held = [_none()], 0  # pairs that are not in order yet
    for first, last, steps in steps_through(len(vectors)):
        found = within(vectors[first:last], vectors[first:], threshold, **options)
        steps.found = len(found.values)
        one = np.repeat(np.arange(last - first), np.diff(found.offsets))
        fresh = found.indices > one
        if most is not None and held >= most:  # of equal values, the pairs that are kept come first
            fresh &= sign * found.values < sign * threshold
        kept.append(Pairs(one[fresh] + first, found.indices[fresh] + first, found.values[fresh]))
        held += len(kept[-1].first)
        if most is not None and held > 2 * most:
            kept, held = [_best(kept, sign, most)], most
            threshold = float(kept[0].values[-1])  # what is worse is not among the best
        if tell is not None:
            tell(last, len(vectors))
    return _best(kept, sign, most)


@dataclass
class Steps:
    """How many rows are searched at a time: fewer, where each finds many."""

    rows: int
    found: int = 0


def steps_through(n: int) -> Iterator[tuple[int, int, Steps]]:
    """(first, last, steps) of some rows after others; ``steps.found`` is told how many pairs these had."""
    first, steps = 0, Steps(max(1, min(_FIRST, _PAIRS // max(n, 1))))  # of which all may be found
    while first < n:
        last = min(first + steps.rows, n)
        yield first, last, steps
        wanted = int(_PAIRS * (last - first) / max(steps.found, 1))
        steps.rows = max(1, min(_CHUNK, 4 * steps.rows, wanted))
        first = last


def _guess(vectors: NDArray[Any], most: int, sign: float, options: dict[str, Any]) -> float | None:
    """A threshold that some more than ``most`` pairs pass, by a sample of the rows; None where there are few rows."""
    n = len(vectors)
    if n < 4 * _SAMPLE:
        return None
    sample = np.sort(np.random.default_rng(0).choice(n, _SAMPLE, replace=False))
    expected = 2 * most * _SAMPLE / n  # each pair is met from both its rows
    rank = int(expected + 4 * math.sqrt(expected)) + 10
    if rank > _SAMPLE * (n - 1) // 2:
        return None
    nearest = np.zeros(0)
    for first in range(0, n, _CHUNK):
        keys = sign * pairwise(vectors[sample], vectors[first : first + _CHUNK], **options)
        own = np.flatnonzero((sample >= first) & (sample < first + _CHUNK))
        keys[own, sample[own] - first] = np.inf
        keys = np.concatenate([nearest, keys.ravel()])
        nearest = np.partition(keys, rank)[: rank + 1] if len(keys) > rank else keys
    return sign * float(nearest.max())


def _none() -> Pairs:
    return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def _best(kept: list[Pairs], sign: float, most: int | None) -> Pairs:
    """All these pairs in order, or the best of them."""
    first, second, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    order = np.lexsort((second, first, sign * values))[:most]
    return Pairs(first[order], second[order], values[order])


def as_vectors(texts: Any, model: Any, store: Any, progress: Progress) -> NDArray[Any]:
    """Vectors as they came, or those of texts."""
    if isinstance(texts, np.ndarray) and texts.dtype.kind not in "OU":
        vectors = texts
    elif isinstance(texts, str) or any(isinstance(text, str) for text in texts):
        if model is None:
            raise InputError("texts need a model= that makes vectors of them; or give vectors")
        return embed(as_texts(texts), model, store=store, progress=progress)
    else:
        vectors = np.asarray(texts)
    if vectors.ndim != 2 and not (vectors.ndim == 1 and not len(vectors)):
        raise ShapeError(f"vectors have shape {vectors.shape}; (n, d) is wanted")
    return vectors.reshape(len(vectors), -1) if vectors.ndim == 1 else vectors


def read_threshold(threshold: Any) -> float:
    """``threshold=`` as a number."""
    try:
        number = float(threshold)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise InputError(f"threshold={threshold!r}; a number is wanted")
    return number


def read_whole(value: Any, name: str) -> int:
    """A whole number from 1."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name}={value!r}; a whole number from 1 is wanted")
    return int(value)
