"""What brings hubs down, and what it costs: neighbour lists by three rescaled comparisons beside the plain ones.

With v(x, y) the comparison's value turned so that smaller is closer, and rows among themselves:

    CSLS                 2 v(x, y) - r(x) - r(y),  r the mean of v over a row's k nearest     Conneau et al. 2018
    local scaling        d(x, y)^2 / (s(x) s(y)),  s the distance to the k-th nearest     Zelnik-Manor & Perona 2004
    mutual proximity     P(X > v) P(Y > v),  X, Y Gaussian as the values of each row        Schnitzer et al. 2012

CSLS of cosines and local scaling of Euclidean distances are dot products of rows with a coordinate or two more, and can
be searched in any number (:func:`likewise.csls`, :func:`likewise.transforms.local_scaling`). Mutual proximity is none,
and the other two are none for other metrics. So the effect is measured on a drawn set of rows among themselves, a block
of their values at a time, computed twice: once for what each row has to know of itself, once for the lists.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise
from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.geometry.estimate import Floats
from likewise.geometry.hubness import Hubness, occurrences, of_counts
from likewise.geometry.space import Space, whole
from likewise.vectors import normalize

_AMONG = 4_000  # rows that are compared with each other, for each reduction anew
_BLOCK = 1 << 21  # values at a time: 16 MB
_FAR = 1e150  # in place of what is no number, and of infinities: sums of its square do not overflow
_STEPS = 1024  # of the table of the Gaussian's tail, per standard deviation

Lists = NDArray[np.int64]


@dataclass(frozen=True)
class HubnessReduction:
    """Hubness as rows are compared, and as each reduction compares them; all of the same drawn rows among themselves.

    ``agreement`` says of each reduction what share of a row's k neighbours stays. ``local_scaling`` is None where the
    metric is no distance.
    """

    k: int
    rows: NDArray[np.int64]
    before: Hubness
    csls: Hubness
    local_scaling: Hubness | None
    mutual_proximity: Hubness
    agreement: dict[str, float]

    @property
    def reduced(self) -> dict[str, Hubness]:
        """The reductions by name."""
        named = {"csls": self.csls, "local_scaling": self.local_scaling, "mutual_proximity": self.mutual_proximity}
        return {name: found for name, found in named.items() if found is not None}

    @property
    def best(self) -> str:
        """The reduction that shares places in lists most evenly, by the Robin Hood index.

        Not by skewness, which grows where a few hubs stay and all other rows become more even.
        """
        return min(self.reduced, key=lambda name: self.reduced[name].robin_hood.value)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        named = {"before": self.before} | self.reduced
        return {
            "k": self.k,
            "rows": len(self.rows),
            "best": self.best,
            "agreement": self.agreement,
            **{name: found.as_dict() for name, found in named.items()},
        }

    def __str__(self) -> str:
        lines = [
            f"{len(self.rows):,} rows among themselves, {self.k} neighbours: skewness "
            f"{self.before.skewness.value:.2f}, {self.before.antihubs.value:.1%} in nobody's list"
        ]
        for name, found in self.reduced.items():
            lines.append(
                f"{name.replace('_', ' ')}: skewness {found.skewness.value:.2f}, {found.antihubs.value:.1%} in "
                f"nobody's list; {self.agreement[name]:.0%} of neighbours stay"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class _Row:
    """What each row knows of itself, (m,) each."""

    near: Floats  # mean of its k smallest values
    scale: Floats  # distance to its k-th nearest
    mean: Floats  # of all its values
    spread: Floats


def hubness_reduction(
    items: Any,
    *,
    metric: Any = None,
    k: int = 10,
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> HubnessReduction:
    """Hubness before and after CSLS, local scaling and mutual proximity, and how many neighbours each leaves.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    metric : str, Metric or function, optional
        Any that gives x and y what it gives y and x. Default: the Space's own, or "euclidean".
    k : int
        Neighbours in a list, and in what is known of a row.
    sample : int, optional
        How many rows are compared with each other, 4,000 at most.
    on_bad, seed, n_jobs, memory_limit, progress
        As for :class:`Space`.

    Returns
    -------
    HubnessReduction

    Raises
    ------
    InputError
        Where there are no k others.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((1000, 128))
    >>> found = hubness_reduction(rows)
    >>> found.csls.skewness.value < found.before.skewness.value / 2
    True
    """
    k = whole(k, "k", 1, "of neighbours")
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, metric, sample=sample, seed=seed, **options)
    numbers = space.draw(min(_AMONG, space.sample_size), purpose=4)
    if k >= len(numbers):
        raise InputError(f"k={k}, and a row has {len(numbers) - 1} others")
    values = _Values(space, numbers)
    lists = _lists(values, _knowledge(values, k), k)
    names = numbers if space.kept is None else space.kept[numbers]
    found = {
        name: of_counts(occurrences(some, len(numbers)), k, space.n, names, names, seed=space.seed)
        for name, some in lists.items()
    }
    return HubnessReduction(
        k,
        names,
        found["plain"],
        found["csls"],
        found.get("local_scaling"),
        found["mutual_proximity"],
        {name: _shared(lists["plain"], some) for name, some in lists.items() if name != "plain"},
    )


class _Values:
    """All values between some rows, smaller closer, a block at a time: distances, the chord for cosine, if they are."""

    def __init__(self, space: Space, numbers: NDArray[np.int64]) -> None:
        rows = space.floats(numbers)  # values are then as precise as those of a search
        name = space.metric.name
        self.chord = name == "cosine"
        self.distance = self.chord or space.metric.closer == "smaller"
        self.metric = "euclidean" if self.chord or name == "sqeuclidean" else space.metric
        self.rows = np.asarray(normalize(rows)) if self.chord else rows
        self.n_jobs = space.options["n_jobs"]

    def blocks(self) -> Iterator[tuple[slice, tuple[NDArray[np.int64], ...], Floats]]:
        """Rows of the matrix, with the places of the diagonal in them."""
        m = len(self.rows)
        step = max(1, _BLOCK // m)
        for first in range(0, m, step):
            part = slice(first, min(first + step, m))
            values = np.asarray(pairwise(self.rows[part], self.rows, metric=self.metric, n_jobs=self.n_jobs))
            turned = np.asarray(values if self.distance else -values, np.float64)  # _FAR is beyond float32
            values = np.nan_to_num(turned, nan=_FAR, posinf=_FAR, neginf=-_FAR)
            yield part, (np.arange(len(values)), np.arange(part.start, part.stop)), values

    def compared(self, distances: Floats) -> Floats:
        """What CSLS subtracts from: 1 - cos = chord^2 / 2 for cosine, else the values themselves."""
        return np.square(distances) / 2 if self.chord else distances


def _knowledge(values: _Values, k: int) -> _Row:
    """Of each row, from one pass over all values."""
    m = len(values.rows)
    near, scale, mean, spread = np.empty((4, m))
    for part, own, block in values.blocks():
        block[own] = np.inf
        first = np.partition(block, k - 1, axis=1)[:, :k]
        near[part], scale[part] = values.compared(first).mean(axis=1), first.max(axis=1)
        block[own] = 0.0
        mean[part] = block.sum(axis=1) / (m - 1)
        block -= mean[part, None]
        block[own] = 0.0
        spread[part] = np.sqrt(np.square(block).sum(axis=1) / (m - 1))
    return _Row(near, _not_zero(scale), mean, _not_zero(spread))


def _lists(values: _Values, row: _Row, k: int) -> dict[str, Lists]:
    """The k nearest others of each row by each comparison, (m, k)."""

    def csls(part: slice, v: Floats) -> Floats:
        return 2 * values.compared(v) - row.near  # a row's own r does not change its order

    def local_scaling(part: slice, d: Floats) -> Floats:
        return np.square(d) / row.scale

    def mutual_proximity(part: slice, v: Floats) -> Floats:
        mine = (v - row.mean[part, None]) / row.spread[part, None]
        return -(_log_tail(mine) + _log_tail((v - row.mean) / row.spread))

    hows: dict[str, Callable[[slice, Floats], Floats]] = {"plain": lambda part, v: v, "csls": csls}
    if values.distance:
        hows["local_scaling"] = local_scaling
    hows["mutual_proximity"] = mutual_proximity
    parts: dict[str, list[Lists]] = {name: [] for name in hows}
    for part, own, block in values.blocks():
        for name, how in hows.items():
            scores = how(part, block)
            scores[own] = np.inf
            parts[name].append(_smallest(scores, k))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _smallest(scores: Floats, k: int) -> Lists:
    """Where the k smallest of each row stand, ties to the lowest number, in rising order of number."""
    last = np.partition(scores, k - 1, axis=1)[:, k - 1 : k]
    keep = scores <= last
    for tied in np.flatnonzero(keep.sum(axis=1) > k):
        equal = np.flatnonzero(scores[tied] == last[tied])
        keep[tied, equal[k - int((scores[tied] < last[tied]).sum()) :]] = False
    return np.nonzero(keep)[1].reshape(-1, k)


def _shared(lists: Lists, others: Lists) -> float:
    """Mean share of a row's list that the other list has too."""
    m = int(max(lists.max(), others.max())) + 1
    row = np.arange(len(lists))[:, None] * m
    return float(np.isin((row + lists).ravel(), (row + others).ravel()).mean())


def _not_zero(values: Floats) -> Floats:
    """Zeros (k copies of a row; equal values) as the least that is not."""
    positive = values[values > 0]
    return np.where(values > 0, values, positive.min() if len(positive) else 1.0)


_TAIL_FROM, _TAIL_TO = -10.0, 37.0  # beyond, 1 - P is below rounding, and erfc vanishes


@functools.cache
def _tail_table() -> tuple[Floats, Floats]:
    at = np.arange(_TAIL_FROM, _TAIL_TO, 1 / _STEPS)
    return at, np.array([math.log(math.erfc(z / math.sqrt(2)) / 2) for z in at])


def _log_tail(z: Floats) -> Floats:
    """ln P(Z > z) of a standard Gaussian, from a table, to 1e-6 (NumPy has no erfc); constant below -10, above 37."""
    return np.interp(z, *_tail_table())
