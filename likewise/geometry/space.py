"""Rows under one metric, as all questions of this package see them: checked, prepared and searched once."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import read, to_floating
from likewise.compute import paired, prepare, topk
from likewise.compute.options import Progress, read_options
from likewise.compute.prepared import Prepared
from likewise.compute.sides import metric_for, refuse_bad
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.geometry.estimate import Floats
from likewise.reductions import Best, TopK
from likewise.vectors import normalize

#: Pair-dimensions that a search of the drawn rows among all may take: some ten seconds of two cores in 8-bit codes.
BUDGET = 3e12
#: The fewest rows that are drawn, whatever they cost.
FEWEST = 2_000
#: Pair-dimensions below which rows are searched as they are: as long as preparing them takes, or less.
UNPREPARED = 1e11
#: Numbers of the rows that are prepared at a time, where rows are many: 256 MB in float32.
SLICE = 1 << 26
_BLOCK = 1 << 22  # numbers turned into float64 at a time: 32 MB


class Neighbours(NamedTuple):
    """The nearest others of drawn rows, the best first.

    ``rows`` (s,) says which rows these are, rising; ``values`` and ``indices`` (s, k) are as :func:`likewise.topk`
    gives them, by the metric's own values.
    """

    rows: NDArray[np.int64]
    values: Floats
    indices: NDArray[np.int64]


@dataclass
class _Kept:
    """What has been computed so far."""

    prepared: Prepared | None = None
    neighbours: Neighbours | None = None


class Space:
    """Rows under one metric, for several questions.

    Parameters
    ----------
    items : array_like of shape (n, d)
        Any element type that the verbs take. It is not copied where it need not be.
    metric : str, Metric or function
    on_bad : {"raise", "skip"}
        What to do about rows with NaN or infinite values; ``kept`` numbers the others.
    sample : int, optional
        How many rows are drawn whose neighbours among all rows are searched. Default: all, or as many as some ten
        seconds allow, :data:`FEWEST` at least.
    seed : int
        Of every draw: the same seed draws the same rows.
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`.

    Attributes
    ----------
    rows : ndarray of shape (n, d)
    n, d : int
    metric : Metric
    kept : ndarray of shape (n,), or None
        The numbers that the rows had among ``items``, where some were left out.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError

    Examples
    --------
    >>> import likewise as lw
    >>> space = lw.geometry.Space(np.arange(10.0).reshape(5, 2), metric="manhattan")
    >>> space.neighbours(1).indices.ravel()
    array([1, 0, 1, 2, 3])
    """

    def __init__(
        self,
        items: Any,
        metric: Any = "euclidean",
        *,
        on_bad: str = "raise",
        sample: int | None = None,
        seed: int = 0,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> None:
        self._options = read_options(n_jobs, memory_limit, on_bad, progress)
        batch = read(items, "items")
        if batch.lead:
            raise ShapeError(f"items have shape {batch.array.shape}; one set of rows, of shape (n, d), is wanted")
        rows = to_floating(batch) if batch.dtype == "bfloat16" else batch.array
        self.kept: NDArray[np.int64] | None = None
        bad = _bad_rows(rows)
        if len(bad):
            refuse_bad(bad, "items", self._options)
            self.kept = np.setdiff1d(np.arange(len(rows)), bad)
            rows = rows[self.kept]
        if len(rows) < 3:
            others = f" without NaN or infinite values, of {len(batch.array)}" if len(bad) else ""
            raise ShapeError(f"items have {len(rows)} rows{others}; the shape of a space shows in 3 at least")
        self._asked = None if sample is None else whole(sample, "sample", 3, "of rows")
        self.seed = whole(seed, "seed", 0)
        self.rows = rows
        self.n, self.d = (int(size) for size in rows.shape)
        self.metric: Metric = metric_for(metric, self.d)
        most = max(FEWEST, int(BUDGET / (self.n * self.d)))
        self.sample_size = self.size(most)
        self._kept = _Kept()

    @classmethod
    def of(cls, items: Any, metric: Any = None, **options: Any) -> Space:
        """The space itself, where it is one already and the metric is its own or not said; else one of these rows."""
        if not isinstance(items, cls):
            return cls(items, "euclidean" if metric is None else metric, **options)
        given = [name for name, value in options.items() if value is not None and value != _DEFAULTS.get(name)]
        if given:
            raise InputError(f"{given[0]}= belongs to the Space, which is made already; say it there")
        return items if metric is None or metric_for(metric, items.d) == items.metric else items.under(metric)

    def under(self, metric: Any) -> Space:
        """The same rows, and the same draws, under another metric."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"metric": metric_for(metric, self.d), "_kept": _Kept()}
        return other

    def only(self, numbers: NDArray[np.int64], sample: int | None = None) -> Space:
        """A space of some of the rows, three at least; ``kept`` goes on numbering them as they came."""
        sample = self._asked if sample is None else sample
        some = Space(self.rows[numbers], self.metric, sample=sample, seed=self.seed, **self.options)
        some.kept = numbers if self.kept is None else self.kept[numbers]
        return some

    @property
    def options(self) -> dict[str, Any]:
        """Threads, memory and progress, as every verb takes them."""
        return {
            "n_jobs": self._options.threads,
            "memory_limit": self._options.memory,
            "progress": self._options.progress,
        }

    def size(self, most: int) -> int:
        """How many rows a question draws that can afford ``most``: what ``sample=`` says, if it was given."""
        return min(self.n, most if self._asked is None else self._asked)

    def draw(self, size: int, purpose: int = 0) -> NDArray[np.int64]:
        """Numbers of that many rows, all different, rising; all rows if there are no more."""
        return self.draw_of(np.arange(self.n), size, self.seed, purpose)

    @staticmethod
    def draw_of(numbers: NDArray[np.int64], size: int, seed: int, purpose: int = 0) -> NDArray[np.int64]:
        """As :meth:`draw`, of these numbers."""
        if size >= len(numbers):
            return numbers
        return np.sort(np.random.default_rng([seed, purpose]).choice(numbers, size, replace=False))

    def floats(self, numbers: NDArray[np.int64] | slice) -> Floats:
        """Some rows in float64."""
        return np.asarray(self.rows[numbers], np.float64)

    def prepared(self) -> Prepared:
        """The rows prepared for searches, once."""
        if self._kept.prepared is None:
            made = prepare(self.rows, metric=self.metric, n_jobs=self._options.threads)
            assert isinstance(made, Prepared)  # rows are dense here
            self._kept.prepared = made
        return self._kept.prepared

    def items_for(self, queries: int) -> Prepared | NDArray[Any]:
        """What so many queries are best compared with: prepared rows, or the rows as they are.

        Choosing how to prepare rows takes up to a second or two, as long as a search of some 1e11 pair-dimensions.
        """
        few = self._kept.prepared is None and queries * self.n * self.d < UNPREPARED
        return self.rows if few else self.prepared()

    def search(self, numbers: NDArray[np.int64], k: int, where: Any) -> TopK:
        """:func:`likewise.topk` of these rows among all that are admitted, by a mask of the rows or lists of numbers.

        What a search keeps of the rows, codes or rows divided by their lengths, is as large as they are. Of many rows
        it is therefore made a slice at a time: a million rows of 384 float32 numbers, 1.5 GB, take 0.4 GB more.
        """
        step = max(1, SLICE // self.d)
        if self.n <= 2 * step:
            items = self.items_for(len(numbers))
            found = topk(self.rows[numbers], items, k, metric=self.metric, where=where, **self.options)
            return TopK(found.values, found.indices)
        best = Best(k)
        state = best.init(len(numbers))
        for first in range(0, self.n, step):
            items = self.rows[first : first + step]
            shelf = prepare(items, metric=self.metric, n_jobs=self._options.threads)
            only = _where_in(where, first, first + len(items))
            found = topk(self.rows[numbers], shelf, k, metric=self.metric, where=only, **self._options_of(first, step))
            keys = found.values if self.metric.closer == "smaller" else -found.values
            state = best.merge(state, (keys, found.values, np.where(found.indices < 0, -1, found.indices + first)))
        return TopK(state[1], state[2])

    def _options_of(self, first: int, step: int) -> dict[str, Any]:
        """As every verb takes them, where the slice that begins there is searched: progress is that of all slices."""
        report = self._options.progress
        options = self.options | {"progress": None}
        if report is not None:

            def shown(done: int, total: int) -> None:
                share = (first + done / max(total, 1) * min(step, self.n - first)) / self.n
                report(int(share * 1_000_000), 1_000_000)

            options["progress"] = shown
        return options

    def neighbours(self, k: int) -> Neighbours:
        """The k nearest others, among all rows, of the rows that are drawn; searched once for the largest k.

        Raises
        ------
        InputError
            Where there are no k others.
        """
        if k >= self.n:
            raise InputError(f"k={k}, and a row has {self.n - 1} others")
        kept = self._kept.neighbours
        if kept is None or kept.values.shape[1] < k:
            numbers = self.draw(self.sample_size)
            itself = (np.arange(len(numbers) + 1), numbers)
            found = self.search(numbers, k, where=itself)
            kept = self._kept.neighbours = Neighbours(numbers, found.values, found.indices)
        return Neighbours(kept.rows, kept.values[:, :k], kept.indices[:, :k])

    def distances(self, k: int) -> Floats:
        """Distances to the k nearest others, (s, k), rising: what :meth:`neighbours` found, as a distance.

        Euclid's for squared Euclid; the chord between unit rows, sqrt(2 - 2 cos), for cosine; else the metric's own
        values, if smaller is closer.
        """
        self.require_distance()
        return self.distances_of(self.neighbours(k))

    def distances_of(self, found: Neighbours) -> Floats:
        """The values of these neighbours, as distances."""
        k = found.values.shape[1]
        if self.metric.name == "cosine":
            step = max(1, _BLOCK // (k * self.d))
            blocks = [
                self.between(np.repeat(found.rows[i : i + step], k), found.indices[i : i + step].ravel()).reshape(-1, k)
                for i in range(0, len(found.rows), step)
            ]
            return np.concatenate(blocks)
        return self._finite(np.sqrt(found.values) if self.metric.name == "sqeuclidean" else found.values)

    def between(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
        """Distances of rows ``left[i]`` and ``right[i]``, as :meth:`distances` has them."""
        self.require_distance()
        step = max(1, _BLOCK // self.d)
        parts = []
        for first in range(0, len(left), step):
            x, y = self.rows[left[first : first + step]], self.rows[right[first : first + step]]
            if self.metric.name == "cosine":
                values = paired(normalize(x.astype(np.float64)), normalize(y.astype(np.float64)), metric="euclidean")
            else:
                values = paired(x, y, metric=self.metric)
            parts.append(np.sqrt(values) if self.metric.name == "sqeuclidean" else np.asarray(values, np.float64))
        return self._finite(np.concatenate(parts)) if parts else np.empty(0)

    def _finite(self, distances: Floats) -> Floats:
        """These distances, if all are numbers."""
        if not np.isfinite(distances).all():
            raise InputError(
                f"{self.metric.name} gives distances that are infinite or no numbers; divide items with values above "
                "1e150 by their largest, or guard the formula (0 / 0, a logarithm of a negative number)"
            )
        return distances

    def require_distance(self) -> None:
        """Raise, unless values are distances: not negative, and 0 for equal rows."""
        if self.metric.closer == "larger" and self.metric.name != "cosine":
            raise InputError(
                f"{self.metric.name} says how alike rows are, not how far apart, and a distance is asked for; "
                "take euclidean, cosine (as the chord between unit rows) or another metric with smaller values closer"
            )


_DEFAULTS = {"on_bad": "raise", "seed": 0}


def whole(value: Any, name: str, least: int, what: str = "") -> int:
    """A whole number of at least ``least``, or an InputError that says so."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, (bool, np.bool_)) or number < least:
        raise InputError(f"{name}={value!r}; a whole number{what and f' {what}'}, {least} at least, is wanted")
    return number


def power_of_two(largest: float) -> float:
    """What brings the largest number near 1, so that no square overflows or vanishes: exact, being a power of two."""
    return float(np.ldexp(1.0, -min(max(int(np.frexp(largest)[1]), -1000), 1000))) if largest > 0 else 1.0


def _where_in(where: Any, first: int, stop: int) -> Any:
    """What a search of the rows from ``first`` to ``stop`` alone may find, numbered from 0."""
    if not isinstance(where, tuple):
        return where[first:stop]
    offsets, numbers = where
    inside = (numbers >= first) & (numbers < stop)
    return np.r_[0, np.cumsum(inside)][offsets], numbers[inside] - first


def _bad_rows(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers of the rows with NaN or infinite values."""
    if rows.dtype.kind != "f":
        return np.empty(0, np.int64)
    step = max(1, _BLOCK // rows.shape[1])
    found = [
        first + np.flatnonzero(~np.isfinite(rows[first : first + step]).all(axis=1))
        for first in range(0, len(rows), step)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)
