"""What the lengths of rows carry: whether the dot product's ranking is another than the cosine's, and a better one.

x.y = |x| |y| cos: from one query, dot and cosine differ only by the lengths of the items. So three questions:

1. Do lengths vary?  variation = std |x| / mean |x|. Coordinates drawn by chance make sqrt(d) long rows that vary by
   1 / sqrt(2 d) of that, and no more: lengths that vary more were put there by what made the rows.
2. Does it matter?  agreement: what of the k best by dot is among the k best by cosine.
3. Is it information?  Length follows meaning, if rows that point alike are alike long: the rank correlation of |x| with
   the mean length of the nearest by cosine, beyond what either owes to the angle with the mean direction (Spearman's,
   partial: rows along a mean that all share, or a constant column, have a length of their own for that alone). Noise
   has 0. With labels, or a number for each row (how often it was
   bought, say), these decide: which ranking finds the row's own class, and whether length rises with the number.

The verdict ``information`` is read off the ends of intervals that are nearer to nothing:

    strong   structure of 0.5 or more, or a correlation with ``popularity`` of 0.3, or dot finds classes better by 1%
    some     structure of 0.3, a correlation of 0.1, or lengths that vary by twice what chance does and 5% at least
    none     else, and wherever lengths vary by less than 1%

Structure asks for more because geometry alone makes some of it: Gaussian rows of few dimensions beside a large constant
column have up to 0.2, and those of 8 with a mean of their own besides, more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise
from likewise.compute.options import Progress
from likewise.errors import InputError, ShapeError
from likewise.geometry.copies import first_equals
from likewise.geometry.estimate import Estimate, Floats, bootstrap
from likewise.geometry.labels import read_labels
from likewise.geometry.ranks import ranks, spearman
from likewise.geometry.space import FEWEST, Neighbours, Space, whole
from likewise.transforms.moments import blocks
from likewise.vectors import norm, normalize_array

#: Bounds of ``information``, of structure and of the correlation with popularity: strong, and some.
STRUCTURE, POPULARITY = (0.5, 0.3), (0.3, 0.1)
#: Dot has to find classes better than cosine by this share of rows, for lengths to tell of them.
BETTER = 0.01
#: Variation that is more than chance: by this factor of 1 / sqrt(2 d), and at least so much.
EXCESS, LEAST = 2.0, 0.05
#: Where so much of what dot finds is among the longest hundredth of rows, "strong" is no reason to prefer it: of
#: GloVe's words it is 35%, and by dot "red" is next to "the", "and" and "my". From a half on, cosine is preferred.
EVERYWHERE, MOSTLY = 0.2, 0.5
#: Below this variation, lengths are equal for every purpose.
NONE = 0.01
#: Numbers in the rows among which neighbours are searched, at most: 134 MB in float32.
NUMBERS = 1 << 25
_LARGEST = 1e153  # a length whose square float64 holds
_EQUAL = 1e-6  # lengths so alike that dot and cosine rank alike but for rounding: not searched
_QUERIES, _POOL = 200, 2_000  # of the rank correlation of dot and cosine
_SHOWN = 10_000  # lengths kept for a histogram


@dataclass(frozen=True)
class Norms:
    """Lengths of rows, and what follows from them.

    Attributes
    ----------
    n, d, k : int
    mean, variation : Estimate
        Of all lengths; standard deviation over mean.
    chance : float
        1 / sqrt(2 d): the variation of Gaussian coordinates.
    smallest, largest : float
    unit : bool
        All lengths are 1, to a thousandth: dot is cosine.
    agreement : Estimate
        The mean share of the k best by dot that are among the k best by cosine.
    rank_correlation : Estimate
        Spearman's, of dot and cosine over up to 2,000 items drawn; the mean over queries.
    longest : Estimate
        The share of the k best by dot that are among the longest hundredth of rows: near 1, these answer everything.
    structure : Estimate
        Spearman's, of a row's length and the mean length of its k nearest by cosine, beyond the mean direction.
    popularity : Estimate or None
        Spearman's, of length and the number given for each row.
    by_dot, by_cosine, better_by : Estimate or None
        With labels: the share of rows whose first neighbour has their label; and dot's less cosine's.
    information : {"none", "some", "strong"}
        See the top of this module for its bounds.
    reasons : tuple of str
        What it rests on, in words.
    among : int
        Rows among which neighbours were searched.
    copies : int
        Rows that repeat an earlier one: these are not searched.
    norms : ndarray of shape (s,)
        Lengths, up to 10,000 drawn, for a histogram.
    """

    n: int
    d: int
    k: int
    mean: Estimate
    variation: Estimate
    chance: float
    smallest: float
    largest: float
    unit: bool
    agreement: Estimate
    rank_correlation: Estimate
    longest: Estimate
    structure: Estimate
    popularity: Estimate | None
    by_dot: Estimate | None
    by_cosine: Estimate | None
    better_by: Estimate | None
    information: str
    reasons: tuple[str, ...]
    among: int
    copies: int
    norms: Floats

    @property
    def prefer(self) -> str:
        """The ranking to take: "dot", "cosine", or "either" where they agree or nothing tells.

        Labels decide, if there are any. Else dot where the lengths carry strong information and it does not answer
        many queries with the longest rows (``longest`` below :data:`EVERYWHERE`); cosine where it answers half with
        them.
        """
        if self.better_by is not None:
            gain = _least(self.better_by)
            return "either" if not gain else "dot" if self.better_by.value > 0 else "cosine"
        if self.unit or self.agreement.low > 0.99:
            return "either"
        if self.longest.value > MOSTLY or self.information == "none":
            return "cosine"
        return "dot" if self.information == "strong" and self.longest.value < EVERYWHERE else "either"

    def as_dict(self) -> dict[str, Any]:
        """For programs, without the lengths themselves."""
        told = {name: value for name, value in self.__dict__.items() if name != "norms"}
        told = {name: v.as_dict() if isinstance(v, Estimate) else v for name, v in told.items()}
        return told | {"reasons": list(self.reasons), "prefer": self.prefer}

    def __str__(self) -> str:
        lines = [
            f"lengths of {self.n:,} rows: {self.mean.value:.4g} on average, {self.smallest:.4g} to {self.largest:.4g}; "
            f"they vary by {self.variation.value:.1%}, and Gaussian coordinates by {self.chance:.1%}",
            f"dot and cosine share {self.agreement.value:.0%} of the {self.k} nearest; ranks correlate by "
            f"{self.rank_correlation.value:.2f}",
            f"{self.longest.value:.0%} of what dot finds is among the longest hundredth of rows",
            f"information in lengths: {self.information} ({'; '.join(self.reasons)})",
        ]
        if self.by_dot is not None and self.by_cosine is not None:
            lines.append(f"the first neighbour has the row's label: {self.by_dot} by dot, {self.by_cosine} by cosine")
        return "\n".join(lines)


def norms(
    items: Any,
    k: int = 10,
    *,
    labels: Any = None,
    popularity: Any = None,
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Norms:
    """Whether the lengths of rows carry something, and so whether to rank by dot or by cosine.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
        Of a space, the rows; its metric does not matter.
    k : int
        Neighbours compared.
    labels : array_like of shape (n,), optional
        A class for each row; None, NaN and an empty text are rows without one, which neither ask nor answer.
    popularity : array_like of shape (n,), optional
        A number for each row that its length may follow: how often it occurs, its price, its age. NaN is not known.
    on_bad, sample, seed, n_jobs, memory_limit, progress
        As for :class:`Space`.

    Returns
    -------
    Norms
        Lengths are of all rows; what needs neighbours is of rows drawn, searched among all, or among as many as
        34 million numbers are (``among`` says how many).

    Raises
    ------
    InputError, ShapeError
        Where k is too large, labels are not one a row, or products of rows overflow.

    Examples
    --------
    Directions in four groups; in each, all rows have nearly one length.

    >>> import likewise as lw
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(0, 4, 1000)
    >>> rows = 5 * np.eye(16)[group] + rng.standard_normal((1000, 16))
    >>> lw.geometry.norms(rows * (1 + group)[:, None]).information
    'strong'
    >>> lw.geometry.norms(rng.standard_normal((1000, 16))).information
    'none'
    """
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, sample=sample, seed=seed, **options)
    k = whole(k, "k", 1, "of neighbours")
    if k >= space.n:
        raise InputError(f"k={k}, and a row has {space.n - 1} others")
    lengths = np.concatenate([norm(block) for block in blocks(space.rows)])
    largest = float(lengths.max())
    if largest > _LARGEST:
        raise InputError(f"rows are up to {largest:.3g} long, and their products overflow; divide the items by that")
    mean = float(lengths.mean())
    classes = None if labels is None else read_labels(labels, space)[0]
    if classes is not None and not (classes >= 0).any():
        raise InputError("labels are all missing; two classes at least are to be told apart")
    numbers = _numbers(popularity, space)
    even = largest - float(lengths.min()) <= _EQUAL * mean
    dot, cosine = _lists(space, k, even, np.arange(space.n))
    copies, population = 0, space.n
    if (cosine.values[:, 0] > 1 - 1e-9).any():
        distinct = np.flatnonzero(first_equals(space.rows) == np.arange(space.n))
        copies = space.n - len(distinct)
        if copies and len(distinct) > k:  # which are as long as each other, and say nothing
            dot, cosine = _lists(space, k, even, distinct)
            population = len(distinct)
    by_dot, by_cosine, better_by = _classes(space, classes, dot, cosine)
    found = _Evidence(
        variation=float(lengths.std()) / mean if mean else 0.0,
        chance=1 / float(np.sqrt(2 * space.d)),
        structure=_structure(space, lengths, cosine),
        popularity=None if numbers is None else _popularity(lengths, numbers, space),
        better_by=better_by,
    )
    information, reasons = found.verdict()
    return Norms(
        n=space.n,
        d=space.d,
        k=k,
        mean=Estimate.exact(mean, space.n),
        variation=Estimate.exact(found.variation, space.n),
        chance=found.chance,
        smallest=float(lengths.min()),
        largest=largest,
        unit=bool((np.abs(lengths - 1) <= 1e-3).all()),
        agreement=bootstrap(_mean, _shared(dot, cosine), population, seed=space.seed),
        rank_correlation=_rank_correlation(space, even),
        longest=bootstrap(_mean, _long(lengths)[dot.indices].mean(axis=1), population, seed=space.seed),
        structure=found.structure,
        popularity=found.popularity,
        by_dot=by_dot,
        by_cosine=by_cosine,
        better_by=better_by,
        information=information,
        reasons=reasons,
        among=min(space.n - copies, max(NUMBERS // space.d, FEWEST)),
        copies=copies,
        norms=lengths[space.draw(_SHOWN, 2)],
    )


@dataclass(frozen=True)
class _Evidence:
    """What the verdict rests on."""

    variation: float
    chance: float
    structure: Estimate
    popularity: Estimate | None
    better_by: Estimate | None

    def verdict(self) -> tuple[str, tuple[str, ...]]:
        """``information`` and its reasons."""
        if self.variation < NONE:
            return "none", (f"lengths vary by {self.variation:.2g} of their mean, under {NONE}",)
        strong: list[str] = []
        some: list[str] = []
        structure = _least(self.structure) if self.structure.value > 0 else 0.0
        if structure >= STRUCTURE[1]:
            said = f"rows that point alike are alike long: correlation {self.structure}"
            (strong if structure >= STRUCTURE[0] else some).append(said)
        if self.popularity is not None and _least(self.popularity) >= POPULARITY[1]:
            said = f"lengths follow the numbers given: correlation {self.popularity}"
            (strong if _least(self.popularity) >= POPULARITY[0] else some).append(said)
        if self.better_by is not None and self.better_by.low >= BETTER:
            strong.append(f"dot finds the label more often than cosine, by {self.better_by}")
        if self.variation >= max(LEAST, EXCESS * self.chance):
            some.append(f"lengths vary by {self.variation:.0%}, and chance makes {self.chance:.0%}")
        if strong or some:
            return ("strong" if strong else "some"), tuple(strong + some)
        return "none", (
            f"lengths vary by {self.variation:.1%}, as chance makes ({self.chance:.1%}), and neighbours' do not agree",
        )


def _least(estimate: Estimate) -> float:
    """The end of its interval that is nearer to 0; 0 if that is inside."""
    return 0.0 if estimate.low <= 0 <= estimate.high else min(abs(estimate.low), abs(estimate.high))


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values))


def _one_a_row(values: Any, name: str, space: Space) -> NDArray[Any]:
    """One entry for each row of the space; those of rows that it left out are left out."""
    array = np.asarray(values)
    if array.ndim == 1 and space.kept is not None and len(array) > space.n:
        array = array[space.kept] if len(array) > space.kept[-1] else array
    if array.shape != (space.n,):
        raise ShapeError(f"{name} has shape {array.shape}; one for each of {space.n} rows is wanted: ({space.n},)")
    return array


def _numbers(values: Any, space: Space) -> Floats | None:
    if values is None:
        return None
    array = _one_a_row(values, "popularity", space)
    if array.dtype.kind not in "biuf":
        raise InputError(f"popularity holds {array.dtype}; a number for each row is wanted")
    numbers = array.astype(np.float64)
    if np.isfinite(numbers).sum() < 3:
        raise InputError(f"popularity has {int(np.isfinite(numbers).sum())} finite numbers; 3 at least are wanted")
    return numbers


def _structure(space: Space, lengths: Floats, near: Neighbours) -> Estimate:
    """Partial correlation of ranks: a row's length and its neighbours', given its cosine with the mean direction."""
    mean = np.zeros(space.d)
    for block in blocks(space.rows):
        mean += normalize_array(block).sum(axis=0)
    along = np.concatenate([normalize_array(block) @ mean for block in blocks(space.rows, near.rows)])
    columns = (lengths[near.rows], lengths[near.indices].mean(axis=1), along)
    return bootstrap(_partial, np.stack([ranks(column) for column in columns], axis=1), space.n, seed=space.seed + 1)


def _partial(columns: Floats) -> float:
    """(r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)(1 - r_yz^2)) of three columns; 0 where nothing is left to correlate."""
    x, y, z = (columns - columns.mean(axis=0)).T
    if z @ z > 0:
        x, y = (v - (v @ z / (z @ z)) * z for v in (x, y))
    size = float(np.sqrt((x @ x) * (y @ y)))
    floor = 1e-12 * len(columns) ** 3  # rounding, of ranks up to n
    return float(np.clip(x @ y / size, -1, 1)) if size > floor else 0.0


def _popularity(lengths: Floats, numbers: Floats, space: Space) -> Estimate:
    known = np.isfinite(numbers)
    return Estimate.exact(spearman(lengths[known], numbers[known]), int(known.sum()))


def _shared(dot: Neighbours, cosine: Neighbours) -> Floats:
    """For each row, the share of its best by dot that cosine finds too."""
    step = max(1, (1 << 24) // dot.indices.shape[1] ** 2)
    return np.concatenate(
        [
            (dot.indices[i : i + step, :, None] == cosine.indices[i : i + step, None, :]).any(axis=2).mean(axis=1)
            for i in range(0, len(dot.rows), step)
        ]
    )


def _long(lengths: Floats) -> NDArray[np.bool_]:
    """Which rows are the longest hundredth; of equal ones the first."""
    order = np.argsort(-lengths, kind="stable")
    long = np.zeros(len(lengths), np.bool_)
    long[order[: max(1, len(lengths) // 100)]] = True
    return long


def _lists(space: Space, k: int, even: bool, rows: NDArray[np.int64]) -> tuple[Neighbours, Neighbours]:
    """The k best by dot and by cosine of rows drawn from these, among these, or as many as :data:`NUMBERS` hold.

    Cosines are screened on a copy of the rows at unit length, which is why these are not all of a large set.
    """
    among = space.draw_of(rows, max(NUMBERS // space.d, FEWEST), space.seed, 5)
    if len(among) == space.n:
        near = space
    else:
        size = min(space.sample_size, len(among))
        near = Space(space.rows[among], sample=size, seed=space.seed, **space.options)
    cosine = Space.of(near, "cosine").neighbours(k)
    dot = cosine if even else Space.of(near, "dot").neighbours(k)
    numbered = [Neighbours(among[found.rows], found.values, among[found.indices]) for found in (dot, cosine)]
    return numbered[0], numbered[1]


def _rank_correlation(space: Space, even: bool) -> Estimate:
    """The mean over drawn queries of Spearman's correlation of dot and cosine over drawn items."""
    items, queries = space.draw(_POOL, 3), space.draw(_QUERIES, 4)
    if even:
        return Estimate(1.0, 1.0, 1.0, len(queries), space.n)
    values = [
        pairwise(space.rows[queries], space.rows[items], metric=name, n_jobs=space.options["n_jobs"])
        for name in ("dot", "cosine")
    ]
    each = np.array([spearman(x, y) for x, y in zip(*values, strict=True)])
    return bootstrap(_mean, each, space.n, seed=space.seed)


def _classes(
    space: Space, labels: NDArray[np.int64] | None, dot: Neighbours, cosine: Neighbours
) -> tuple[Estimate | None, Estimate | None, Estimate | None]:
    """How often the first neighbour has the row's label: by dot, by cosine, and the difference row by row.

    Of rows that have a label, -1 being none; the first of the k neighbours with one is meant.
    """
    if labels is None or not (labels[dot.rows] >= 0).any():
        return None, None, None
    hits = [_hits(labels, found) for found in (dot, cosine)]
    # an interval even where all rows were judged: it is for other rows of the same kind
    by_dot, by_cosine, gain = (
        replace(bootstrap(_mean, values, space.n + 1, seed=space.seed), total=space.n)
        for values in (*hits, hits[0] - hits[1])
    )
    return by_dot, by_cosine, gain


def _hits(labels: NDArray[np.int64], found: Neighbours) -> Floats:
    """1 for each row with a label whose first neighbour with one has the same, else 0."""
    asked = labels[found.rows] >= 0
    near = labels[found.indices[asked]]
    first = near[np.arange(len(near)), (near >= 0).argmax(axis=1)]
    return np.asarray(first == labels[found.rows][asked], np.float64)
