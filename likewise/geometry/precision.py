"""Precision against dimension: which few bytes a vector keep the neighbours of your own vectors.

A budget of B bytes a vector buys d' coordinates of b bits, d' b = 8 B: many coarse ones or few fine ones. Which is
better depends on the vectors, and on which d' coordinates are kept:

    truncated   the first d', as models trained for it allow (Kusupati et al. 2022, Matryoshka representations)
    rotated     the first d' principal axes
    projected   d' random orthogonal axes (Johnson & Lindenstrauss 1984)
    spun        the first d' principal axes, turned among themselves at random: as much of the rows as "rotated" keeps,
                but each coordinate as telling as the next, which one or two bits need (Gong et al. 2013, whose random
                start this is)

For each, drawn rows look for their k nearest others among the coded rows. *Recall* is the share found of the k that the
vectors themselves give. *Settled*, the best 4 k by codes are put in order by the vectors themselves, and the k best of
these are taken: a true neighbour among the 4 k stays, whatever else is there, since only the other k - 1 are nearer. So
settled recall is the share of the true k that is among the 4 k.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from likewise.bits import Bits
from likewise.compute import topk
from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot, sqeuclidean
from likewise.geometry.estimate import Estimate, proportion
from likewise.geometry.quantise import BITS, Quantiser, Single, leading
from likewise.geometry.space import Space, power_of_two, whole
from likewise.transforms import truncated_svd

Way = Literal["truncated", "rotated", "projected", "spun"]
#: The plainest first.
WAYS: tuple[Way, ...] = get_args(Way)

#: Rows that ask, unless said otherwise: recall of 0.99 is then known to 0.003.
QUERIES = 1_000
#: Rows that are asked, at most, and their numbers: 188 MB in float32, of which there are four copies at a time.
ITEMS = 100_000
_NUMBERS = 48_000_000
#: Parts of the memory of the vectors in float32 that are compared.
PARTS = (1, 2, 4, 8, 16, 32, 64)
_WIDE = 4_096  # coordinates up to which all principal axes are found: 20 s by LAPACK
_AXES = 1_024  # of more coordinates, as many axes
_MOMENTS = 20_000  # rows whose second moments give the axes
_BLOCK = 1 << 22  # numbers turned at a time


@dataclass(frozen=True)
class PrecisionRow:
    """One way to store a vector: ``d`` coordinates of ``bits`` bits, ``bytes`` in all, and what it finds.

    ``recall`` by the codes alone; ``settled`` with the best candidates put in order by the vectors themselves.
    """

    way: Way
    d: int
    bits: int
    bytes: int
    recall: Estimate
    settled: Estimate

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        plain = {"way": self.way, "d": self.d, "bits": self.bits, "bytes": self.bytes}
        return plain | {"recall": self.recall.as_dict(), "settled": self.settled.as_dict()}

    def __str__(self) -> str:
        coordinates = f"{self.d:,} {self.way} coordinate{'s' * (self.d != 1)}"
        return f"{self.bits}-bit codes of {coordinates}, {self.bytes:,} byte{'s' * (self.bytes != 1)}"


@dataclass(frozen=True)
class Precision:
    """What :func:`precision` found: ``rows``, the largest first, each a way to store a vector.

    Attributes
    ----------
    rows : list of PrecisionRow
    metric : str
    n, d : int
    k : int
    candidates : int
        How many of the best by codes are settled.
    queries, items : int
        Rows that asked, and rows among which they looked; the fewer these are, the higher is recall.
    left_out : dict
        Ways that were not taken, and why.
    """

    rows: list[PrecisionRow]
    metric: str
    n: int
    d: int
    k: int
    candidates: int
    queries: int
    items: int
    left_out: dict[str, str] = field(default_factory=dict)

    def best_at(self, bytes: float, *, settled: bool = False) -> PrecisionRow | None:
        """The best recall for that many bytes a vector or fewer; None where none fits.

        Of equals, the fewest bytes and the plainest way.
        """
        return max(
            (row for row in self.rows if row.bytes <= bytes),
            key=lambda row: (_recall(row, settled), -row.bytes, -WAYS.index(row.way)),
            default=None,
        )

    def smallest_with(self, recall: float, *, settled: bool = False) -> PrecisionRow | None:
        """The fewest bytes a vector with that recall at least; None where none has it.

        Of equals, the plainest way, and then the best recall.
        """
        return min(
            (row for row in self.rows if _recall(row, settled) >= recall),
            key=lambda row: (row.bytes, WAYS.index(row.way), -_recall(row, settled)),
            default=None,
        )

    def sizes(self) -> list[int]:
        """The bytes a vector that there are rows for, falling."""
        return sorted({row.bytes for row in self.rows}, reverse=True)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        names = ("metric", "n", "d", "k", "candidates", "queries", "items", "left_out")
        return {name: getattr(self, name) for name in names} | {"rows": [row.as_dict() for row in self.rows]}

    def table(self) -> str:
        """All rows, a line each."""
        head = f"{'bytes':>7}  {'bits':>4}  {'d':>6}  {'way':<9}  {f'recall@{self.k}':<26}  settled"
        return "\n".join([head, *(_line(row) for row in self.rows)])

    def __str__(self) -> str:
        lines = [
            f"recall@{self.k} by {self.metric}: {self.queries:,} rows among {self.items:,}, {self.d:,} coordinates; "
            f"settled: the best {self.candidates} put in order by the vectors themselves"
        ]
        for recall in (0.99, 0.95, 0.9):
            for settled in (False, True):
                row = self.smallest_with(recall, settled=settled)
                if row is not None and settled:
                    lines.append(f"{recall:g} settled: {row}: {row.settled}")
                elif row is not None:
                    lines.append(f"{recall:g} by codes alone: {row}: {row.recall}")
        return "\n".join(lines[:6])


def precision(
    items: Any,
    *,
    metric: Any = None,
    k: int = 10,
    bits: Sequence[int] = BITS,
    ways: Sequence[str] = WAYS[:3],
    dimensions: Sequence[int] | None = None,
    candidates: int | None = None,
    sample: int | None = None,
    on_bad: str = "raise",
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Precision:
    """Recall against memory: which bits and which dimensions of these vectors keep their neighbours.

    The rows that are stored are coded, those that ask are not, as in a database that answers by decoding; but one bit a
    coordinate is compared with one bit, by Hamming's distance, as binary embeddings are. Codes are those of
    :mod:`likewise.geometry.quantise`; the ranges of columns, 8 bytes a column, are not counted, nor are the vectors
    that settle, which may lie on a disk.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    metric : str, Metric or function, optional
        Default: the Space's own, or euclidean. Axes are turned for metrics that a rotation leaves alone: of products
        or of squared differences, with no more than lengths besides. For others only the first coordinates are kept.
    k : int
        Neighbours that are looked for.
    bits : sequence of int
        Of 1, 2, 4, 8, 16, 32.
    ways : sequence of str
        Of "truncated", "rotated", "projected", "spun"; by default the first three.
    dimensions : sequence of int, optional
        Numbers of coordinates, each taken with each number of bits; more than there are is all. Default: for the
        memory of the vectors in float32 and for a half, a quarter ... a 64th of it, all d' b that fill it.
    candidates : int, optional
        How many of the best by codes are settled. Default: 4 k.
    sample : int, optional
        Rows that ask. Default: 1,000. They are drawn from at most 100,000 rows, fewer of more than 480 coordinates or
        where ``memory_limit`` says so, among which they look.
    on_bad, seed, n_jobs, memory_limit, progress
        As for :func:`likewise.topk`; the seed draws rows and random axes.

    Returns
    -------
    Precision
        Intervals are for other rows that ask, among the same that are asked.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError

    Examples
    --------
    Four directions matter, and no coordinate shows them:

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.standard_normal((2000, 4)) @ rng.standard_normal((4, 64))
    >>> found = precision(rows, sample=200)
    >>> row = found.smallest_with(0.9)
    >>> print(row, row.recall.value > 0.9)
    8-bit codes of 4 rotated coordinates, 4 bytes True
    """
    counts = _among(bits, BITS, "bits")
    kinds: tuple[Way, ...] = _among(ways, WAYS, "ways")
    k = whole(k, "k", 1)
    queries = QUERIES if sample is None else whole(sample, "sample", 1, "of rows")
    options = {"on_bad": on_bad, "seed": seed, "n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress}
    space = Space.of(items, metric, **options)
    chosen = space.draw(_most(space), 0xE1)
    if k >= len(chosen):
        raise InputError(f"k={k}, and a row has {len(chosen) - 1} others")
    several = min(4 * k if candidates is None else whole(candidates, "candidates", k), len(chosen) - 1)
    sizes = _sizes(space.d, counts, dimensions)
    search = _Search(space, chosen, min(queries, len(chosen)), k, several)
    left_out = _left_out(space.metric, kinds)
    kinds = tuple(way for way in kinds if way not in left_out)
    rows = []
    total = len(kinds) * len(sizes)  # fewer, where there are too many coordinates for all axes
    report = space.options["progress"]
    for way in kinds:
        for row in _rows_of(way, search, sizes):
            rows.append(row)
            if report is not None:
                report(len(rows), total)
    if report is not None:
        report(total, total)
    rows.sort(key=lambda row: (-row.bytes, -row.bits, WAYS.index(row.way)))
    return Precision(rows, space.metric.name, space.n, space.d, k, several, len(search.asking), len(chosen), left_out)


def _among(given: Any, known: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    """Some of what is known, each once, in that order."""
    listed = [given] if isinstance(given, (int, str)) else list(given)
    for one in listed:
        if one not in known:
            raise InputError(f"{name}={one!r} is not known; there are {', '.join(map(str, known))}")
    if not listed:
        raise InputError(f"{name} is empty; there are {', '.join(map(str, known))}")
    return tuple(one for one in known if one in listed)


def _most(space: Space) -> int:
    """Rows that are asked, at most."""
    most = min(ITEMS, _NUMBERS // space.d)
    if space.options["memory_limit"] is not None:
        most = min(most, space.options["memory_limit"] // (16 * space.d))
    return max(most, 1_000)


def _sizes(d: int, bits: tuple[int, ...], dimensions: Sequence[int] | None) -> list[tuple[int, int]]:
    """(bits, coordinates) that are tried."""
    if dimensions is not None:
        listed = [dimensions] if np.ndim(dimensions) == 0 else dimensions
        tried = {min(whole(size, "dimensions", 1), d) for size in listed}
        return sorted((each, size) for each in bits for size in tried)
    found = set()
    for part in PARTS:
        for each in bits:
            kept = 32 * d // (part * each)
            if 1 <= kept <= d:
                found.add((each, kept))
    return sorted(found)


def _left_out(metric: Metric, ways: tuple[Way, ...]) -> dict[str, str]:
    """Ways that the metric does not allow, and why."""
    if _turns(metric):
        return {}
    why = f"{metric.name} is not the same of turned rows"
    return {way: why for way in ways if way != "truncated"}


def _turns(metric: Metric) -> bool:
    """Whether a rotation of both rows leaves the metric as it is."""
    plain = metric.terms in (dot.terms, sqeuclidean.terms) and metric.combine == "sum" and metric.matrix is None
    return plain and metric.stats <= {"norm_x", "norm_y"}


class _Search:
    """Drawn rows looking for their neighbours among drawn rows."""

    def __init__(self, space: Space, chosen: NDArray[np.int64], queries: int, k: int, candidates: int) -> None:
        self.space, self.k, self.candidates = space, k, candidates
        picked = np.random.default_rng([space.seed, 0xE2]).choice(len(chosen), queries, replace=False)
        self.asking = np.sort(picked)
        self.itself = (np.arange(queries + 1), self.asking)
        self.options = space.options | {"progress": None}
        rows = space.rows if len(chosen) == space.n else space.rows[chosen]
        self.truth = self._nearest(rows[self.asking], rows, k, space.metric)
        self.wanted = (self.truth >= 0).sum(axis=1)
        if not self.wanted.any():
            raise InputError(f"{space.metric.name} gives no number for these rows, so nobody is anybody's neighbour")
        self.rows = _single(rows, space.metric)

    def _nearest(self, queries: Any, rows: Any, k: int, metric: Any) -> NDArray[np.int64]:
        return topk(queries, rows, k, metric=metric, where=self.itself, **self.options).indices

    def found(self, queries: Any, rows: Any, metric: Any) -> tuple[Estimate, Estimate]:
        """Recall of the best k, and of the best candidates."""
        indices = self._nearest(queries, rows, self.candidates, metric)
        return self._recall(indices[:, : self.k]), self._recall(indices)

    def _recall(self, found: NDArray[np.int64]) -> Estimate:
        """The share of the truth that is found, a row at a time; rows that have no neighbours do not count."""
        place = len(self.rows) * np.arange(len(found))[:, None]
        hits = np.isin(self.truth + place, np.where(found >= 0, found + place, -1)) & (self.truth >= 0)
        asked = self.wanted > 0
        return proportion(hits.sum(axis=1)[asked] / self.wanted[asked], self.k, self.space.n)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """What rows are shifted by before they are turned: their mean, where a shift leaves the metric alone, too."""
        d = self.rows.shape[1]
        squares = self.space.metric.terms == sqeuclidean.terms
        return self.rows[self._drawn].mean(axis=0, dtype=np.float64) if squares else np.zeros(d)

    @cached_property
    def principal(self) -> NDArray[np.float64]:
        """Directions (d, axes) of the largest second moments, falling."""
        rows = self.rows[self._drawn] - self.centre
        if rows.shape[1] > _WIDE:
            return np.asarray(truncated_svd(rows, _AXES, self.space.seed).v, np.float64)
        values, vectors = np.linalg.eigh(rows.T @ rows)
        return np.asarray(vectors[:, np.argsort(-values, kind="stable")], np.float64)

    @property
    def _drawn(self) -> NDArray[np.int64]:
        mixed = np.random.default_rng([self.space.seed, 0xE3]).permutation(len(self.rows))
        return np.sort(mixed[:_MOMENTS])


def _single(rows: NDArray[Any], metric: Metric) -> Single:
    """The rows in float32: of length 1 for cosine, and where float32 has no such numbers, times a power of two."""
    unit = metric.name in ("cosine", "angular")
    if rows.dtype == np.float32 and not unit:
        largest = max(float(rows.max()), -float(rows.min()))
        if 1e-15 < largest < 1e15:
            return np.ascontiguousarray(rows)
    largest = max(float(rows.max()), -float(rows.min()))
    scale = 1.0 if 1e-15 < largest < 1e15 else power_of_two(largest)
    out = np.empty(rows.shape, np.float32)
    step = max(1, _BLOCK // rows.shape[1])
    for first in range(0, len(rows), step):
        block = rows[first : first + step] * np.float64(scale)
        if unit:
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            block = block / np.where(lengths > 0, lengths, 1)
        out[first : first + step] = block
    return out


def _rows_of(way: Way, search: _Search, sizes: list[tuple[int, int]]) -> Iterator[PrecisionRow]:
    """All sizes of one way."""
    if way == "truncated":
        yield from _coded(way, search, search.rows, sizes)
    elif way == "spun":
        for d in sorted({size for _, size in sizes}):
            kept = search.principal[:, :d]
            if kept.shape[1] == d:
                rows = _turned(search, kept @ _random_axes(d, d, search.space.seed))
                yield from _coded(way, search, rows, [(bits, size) for bits, size in sizes if size == d])
    else:
        axes = max(size for _, size in sizes)
        if way == "rotated":
            basis = search.principal[:, :axes]
        else:
            d = search.rows.shape[1]
            basis = _random_axes(d, axes if d <= _WIDE else min(axes, _AXES), search.space.seed)
        yield from _coded(way, search, _turned(search, basis), sizes)


def _coded(way: Way, search: _Search, rows: Single, sizes: list[tuple[int, int]]) -> Iterator[PrecisionRow]:
    """The first coordinates of these rows in few bits. Columns are coded one by one: so all are at once, for any d'."""
    metric = search.space.metric
    for each in sorted({each for each, _ in sizes}):
        kept = [size for bits, size in sizes if bits == each and size <= rows.shape[1]]
        if metric.matrix is not None and each > 1:  # belongs to all coordinates
            kept = [size for size in kept if size == rows.shape[1]]
        if not kept:
            continue
        wide = rows[:, : max(kept)]
        quantiser = Quantiser(wide, each)
        coded: Any = quantiser.packed(wide) if each == 1 else quantiser.decoded(wide, search.options["n_jobs"])
        for size in kept:
            if isinstance(coded, Bits):
                narrow = leading(coded, size)
                queries = Bits(narrow.array[search.asking], d=size)
                recall, settled = search.found(queries, narrow, "hamming")
            else:
                asked = np.ascontiguousarray(coded[:, :size])
                recall, settled = search.found(rows[search.asking, :size], asked, metric)
            yield PrecisionRow(way, size, each, -(-size * each // 8), recall, settled)


def _turned(search: _Search, basis: NDArray[np.float64]) -> Single:
    """The rows by other axes."""
    rows = search.rows
    out = np.empty((len(rows), basis.shape[1]), np.float32)
    step = max(1, _BLOCK // rows.shape[1])
    narrow, middle = basis.astype(np.float32), search.centre.astype(np.float32)
    for first in range(0, len(rows), step):
        np.matmul(rows[first : first + step] - middle, narrow, out=out[first : first + step])
    return out


def _random_axes(d: int, axes: int, seed: int) -> NDArray[np.float64]:
    """The first columns of a random rotation, by Haar's measure (Stewart 1980)."""
    q, r = np.linalg.qr(np.random.default_rng([seed, 0xE4]).standard_normal((d, axes)))
    return np.asarray(q * np.sign(np.diag(r)), np.float64)


def _line(row: PrecisionRow) -> str:
    return f"{row.bytes:>7,}  {row.bits:>4}  {row.d:>6,}  {row.way:<9}  {row.recall!s:<26}  {row.settled}"


def _recall(row: PrecisionRow, settled: bool) -> float:
    return row.settled.value if settled else row.recall.value
