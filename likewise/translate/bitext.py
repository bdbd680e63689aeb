"""Parallel sentences found in two piles of text (bitext mining; Artetxe & Schwenk 2019, as in LASER).

For each x its k nearest y, and for each y its k nearest x. Each pair so found is scored by its margin, against the
means of these k cosines:

    ratio      c(x, y) / ((r(x) + r(y)) / 2)        distance   c(x, y) - (r(x) + r(y)) / 2        absolute   c(x, y)

A cosine alone says little: a short general sentence is near to much. A margin asks whether the pair is nearer than what
else is near to either.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.reductions import TopK
from likewise.translate.retrieval import read_number
from likewise.translate.rows import Floats, Options, alike, read_rows, same_space, unit
from likewise.translate.searching import nearest

MARGINS = ("ratio", "distance", "absolute")
DIRECTIONS = ("forward", "backward", "intersection", "max")
Integers = NDArray[np.int64]


class Bitext(NamedTuple):
    """Pairs of rows, the best first: ``scores`` (p,) float64, ``sources`` and ``targets`` (p,) int64 row numbers."""

    scores: Floats
    sources: Integers
    targets: Integers

    def take(self, which: NDArray[Any]) -> Bitext:
        """Some of the pairs: a mask, or their numbers in the order wanted."""
        return Bitext(self.scores[which], self.sources[which], self.targets[which])


def mine_bitext(
    x: Any,
    y: Any,
    *,
    k: int = 4,
    margin: str = "ratio",
    direction: str = "max",
    threshold: float | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Bitext:
    """Pairs of rows that are likely translations of each other.

    Parameters
    ----------
    x, y : array_like or SciPy sparse, of shape (n, d) and (m, d)
        In one space.
    k : int, default 4
        Neighbours, in each direction; as many as there are, if fewer.
    margin : {"ratio", "distance", "absolute"}
    direction : {"max", "forward", "backward", "intersection"}
        forward: the best y for each x. backward: the best x for each y. intersection: pairs that are both. max: of all
        these the best first, as long as neither of a pair has been taken: each row is in one pair at most.
    threshold : float, optional
        Pairs of lower scores are left out. For ratios 1.05 to 1.2 is usual; count what it finds on text of your own.
    n_jobs, memory_limit, progress
        See :mod:`likewise.compute`.

    Returns
    -------
    Bitext
        The best first; among equals the lowest source, then target.

    Notes
    -----
    A ratio whose neighbourhoods have no positive mean (rows all at right angles, zero rows) says nothing; it counts
    as 0.

    Examples
    --------
    >>> import likewise as lw
    >>> english = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.0], [0.5, 0.5, 0.5]]
    >>> german = [[0.0, 0.9, 0.1], [1.0, 0.1, 0.0]]
    >>> pairs = lw.translate.mine_bitext(english, german, k=2)
    >>> list(zip(pairs.sources.tolist(), pairs.targets.tolist()))
    [(0, 1), (1, 0)]
    """
    for name, value, known in (("margin", margin, MARGINS), ("direction", direction, DIRECTIONS)):
        if value not in known:
            raise InputError(f"{name}={value!r} is not known; it is one of {', '.join(known)}")
    least = _read_threshold(threshold)
    k = read_number("k", k)
    a, b = read_rows(x, "x"), read_rows(y, "y")
    same_space(a, b, "x", "y")
    n, m = a.shape[0], b.shape[0]
    if not n or not m:
        return Bitext(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    a, b = map(unit, alike(a, b))
    there, back = Options(n_jobs, memory_limit, progress).stages(n * m, n * m)
    forward, backward = nearest(a, b, min(k, m), "dot", there), nearest(b, a, min(k, n), "dot", back)
    of_x, of_y = forward.values.mean(axis=1), backward.values.mean(axis=1)
    to_y = _best(forward, of_x, of_y, margin)
    to_x = _best(backward, of_y, of_x, margin)
    found = _joined(Bitext(to_y[0], np.arange(n), to_y[1]), Bitext(to_x[0], to_x[1], np.arange(m)), direction)
    return found if least is None else found.take(found.scores >= least)


def margins(cosines: Floats, of_x: Floats, of_y: Floats, how: str) -> Floats:
    """The margin of pairs, from their cosines and the mean cosines of both neighbourhoods."""
    if how == "absolute":
        return cosines
    mean = (of_x + of_y) / 2
    if how == "distance":
        return cosines - mean
    return np.divide(cosines, mean, out=np.zeros_like(cosines), where=mean > 0)


def _best(found: TopK, own: Floats, others: Floats, margin: str) -> tuple[Floats, Integers]:
    """Of each row's neighbours the one of the largest margin, the lowest of equals: (margins, row numbers)."""
    scores = margins(found.values, np.broadcast_to(own[:, None], found.values.shape), others[found.indices], margin)
    tied = np.where(scores == scores.max(axis=1, keepdims=True), found.indices, np.iinfo(np.int64).max)
    return scores.max(axis=1), tied.min(axis=1)


def _joined(forward: Bitext, backward: Bitext, direction: str) -> Bitext:
    if direction in ("forward", "backward"):
        return _in_order(forward if direction == "forward" else backward)
    if direction == "intersection":
        both = backward.sources[forward.targets] == forward.sources
        return _in_order(forward.take(both))
    every = _in_order(
        Bitext(
            np.concatenate([forward.scores, backward.scores]),
            np.concatenate([forward.sources, backward.sources]),
            np.concatenate([forward.targets, backward.targets]),
        )
    )
    taken_x, taken_y = np.zeros(len(forward.scores), bool), np.zeros(len(backward.scores), bool)
    keep = []
    for place, (source, target) in enumerate(zip(every.sources.tolist(), every.targets.tolist(), strict=True)):
        if not taken_x[source] and not taken_y[target]:
            taken_x[source] = taken_y[target] = True
            keep.append(place)
    return every.take(np.array(keep, np.int64))


def _in_order(pairs: Bitext) -> Bitext:
    return pairs.take(np.lexsort((pairs.targets, pairs.sources, -pairs.scores)))


def _read_threshold(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"threshold={value!r} is not a number") from None
    if np.isnan(number):
        raise InputError("threshold is NaN; no pair would be kept")
    return number
