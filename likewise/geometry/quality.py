"""What is wrong with rows, whatever the metric: numbers that are none, rows of nothing, columns that say nothing.

One pass over the rows, a few at a time, and another over their deviations from the middle, the median of each column:

    bad       a coordinate is NaN or infinite                   the row is left out of all that follows
    zero      all coordinates are 0
    constant  a column whose least and largest value are one
    far       |row - middle| / the median of that over all rows, above 30: seen by itself, not by a share of the rows
    scale     std of a column / median std of the columns that vary; without far rows, which would widen every column
    copies    rows that equal an earlier one, -0.0 being 0.0: a 64-bit hash of each row's bytes is sorted, and rows of
              one hash are compared, so that no chance of two hashes meeting is left to luck
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import read, to_floating
from likewise.compute import topk
from likewise.compute.options import Progress, read_options
from likewise.errors import InputError, ShapeError
from likewise.geometry.copies import hashes, multipliers
from likewise.geometry.estimate import Estimate, Floats, proportion
from likewise.geometry.space import Space, power_of_two, whole

#: Times the median column's: a column whose spread is beyond that outweighs the others in every distance.
WIDE = 100.0
#: Of the median column's: a column whose spread is below that is as good as constant.
NARROW = 1e-3
#: Times the usual row's: a row whose distance from the middle is beyond that weighs, squared, as much as 900 others.
FAR = 30.0
#: Of the rows: where more than that are so far, they are no outliers but rows of another kind, and none is called far.
FEW_FAR = 0.05
#: How far from 1 a length may be for rows to be called unit rows.
UNIT = 1e-3
#: Groups of equal rows that are shown.
GROUPS = 10
_MEMBERS = 100  # rows of such a group that are shown
_NEAR_SAMPLE = 1_000  # rows whose nearest by cosine is searched
_NEAR_BUDGET = 4e11  # and the pair-dimensions that this may take: some ten seconds
_MIDDLE = 1 << 22  # numbers whose medians are the middle, at most: 34 MB in float64
_BLOCK = 1 << 20  # numbers looked at together: 8 MB in float64, which a processor's cache holds

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Quality:
    """What :func:`quality` found. Rows and columns are numbered as they came.

    Attributes
    ----------
    n, d : int
    dtype : str
    bad_rows : ndarray of int
        With NaN or infinite values; nothing else here counts them.
    bad_columns : ndarray of int
        Without a single finite value.
    zero_rows : ndarray of int
    far_rows : ndarray of int
        More than :data:`FAR` times as far from the middle as the usual row, if these are few (:data:`FEW_FAR`): the
        farthest first.
    far_share : float
        What these have of the sum of squared distances from the middle: near 1, means and variances are theirs.
    remoteness : ndarray of shape (n,)
        Each row's distance from the middle over the median one; NaN of bad rows.
    constant_columns : ndarray of int
        One value in all good rows.
    near_constant_columns : ndarray of int
        Spread below :data:`NARROW` of the median column's.
    wide_columns : ndarray of int
        Spread above :data:`WIDE` times the median column's: these decide every distance.
    scales : ndarray of shape (d,)
        Each column's standard deviation over the median one of the columns that vary, by the rows that are not far;
        NaN where there is none.
    duplicate_rows : int
        Good rows that equal an earlier one.
    duplicate_groups : tuple of ndarray
        The largest groups of equal rows, ten at most, the first hundred of each.
    duplicate_sizes : tuple of int
        How many rows each of these groups has.
    shortest, longest, mean_length : float
        Of the good rows. NaN where there are none.
    unit : bool
        Whether all lengths are 1 to within :data:`UNIT`.
    near_duplicates : Estimate or None
        The share of rows that have another within the cosine asked for, copies included; if it was asked for.
    """

    n: int
    d: int
    dtype: str
    bad_rows: Integers
    bad_columns: Integers
    zero_rows: Integers
    far_rows: Integers
    far_share: float
    remoteness: Floats = field(repr=False)
    constant_columns: Integers
    near_constant_columns: Integers
    wide_columns: Integers
    scales: Floats = field(repr=False)
    duplicate_rows: int
    duplicate_groups: tuple[Integers, ...]
    duplicate_sizes: tuple[int, ...]
    shortest: float
    longest: float
    mean_length: float
    unit: bool
    near_duplicates: Estimate | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong: no bad, empty, far or equal rows, no columns that say nothing or drown others."""
        rows, columns = (self.bad_rows, self.zero_rows, self.far_rows), (self.constant_columns, self.wide_columns)
        return not self.duplicate_rows and not any(map(len, (*rows, *columns, self.near_constant_columns)))

    def as_dict(self) -> dict[str, Any]:
        """For programs: how many of each, and the first twenty."""
        found: dict[str, Any] = {"n": self.n, "d": self.d, "dtype": self.dtype, "good": self.good}
        for name in _LISTS:
            numbers = getattr(self, name)
            found[name] = {"count": len(numbers), "first": numbers[:20].tolist()}
        found["far_share"] = self.far_share
        groups = zip(self.duplicate_groups, self.duplicate_sizes, strict=True)
        found["duplicate_rows"] = self.duplicate_rows
        found["duplicate_groups"] = [{"count": size, "first": rows[:20].tolist()} for rows, size in groups]
        lengths = (self.shortest, self.longest, self.mean_length)
        names = ("shortest", "longest", "mean_length")
        found |= {name: _json(length) for name, length in zip(names, lengths, strict=True)}
        found["unit"] = self.unit
        found["near_duplicates"] = None if self.near_duplicates is None else self.near_duplicates.as_dict()
        return found

    def __str__(self) -> str:
        lines = [f"{self.n:,} rows of {self.d:,} {self.dtype} coordinates, of lengths {self._lengths()}"]
        lines += [
            f"{_count(len(numbers), what)}: {_some(numbers)}"
            for name, what in _LISTS.items()
            if len(numbers := getattr(self, name))
        ]
        if self.duplicate_rows:
            largest = (
                f"the most frequent, row {self.duplicate_groups[0][0]}, is there {self.duplicate_sizes[0]:,} times"
            )
            lines.append(f"{_count(self.duplicate_rows, 'rows equal to an earlier one')}; {largest}")
        if self.near_duplicates is not None:
            lines.append(f"share of rows with a near duplicate: {self.near_duplicates}")
        if self.good:
            lines.append(
                "nothing is wrong with them: no bad, empty, far or repeated rows, no idle or overwhelming columns"
            )
        return "\n".join(lines)

    def _lengths(self) -> str:
        if self.unit:
            return "1"
        return f"{self.shortest:.4g} to {self.longest:.4g}"


_LISTS = {
    "bad_rows": "rows with NaN or infinite values",
    "bad_columns": "columns without a finite value",
    "zero_rows": "rows of zeros",
    "far_rows": f"rows over {FAR:g} times as far from the middle as the usual one",
    "constant_columns": "columns of one value",
    "near_constant_columns": f"columns with less than {NARROW:g} of the median spread",
    "wide_columns": f"columns with more than {WIDE:g} times the median spread",
}


def quality(
    items: Any,
    *,
    near: float | None = None,
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Quality:
    """What is wrong with rows: NaN, zeros, copies, far rows, idle and overwhelming columns. It refuses no number.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
        Rows with NaN or infinite values are named, and left out of all else. Of a Space: the rows that it has.
    near : float, optional
        A cosine, such as 0.999: rows are drawn, and those counted that have another within it.
    sample : int, optional
        How many rows are drawn for that. Default: 1,000, or as few as ten seconds allow.
    seed, n_jobs, memory_limit, progress
        As for :func:`likewise.topk`; the seed draws those rows.

    Returns
    -------
    Quality

    Raises
    ------
    ShapeError, DtypeError, InputError
        For what is no set of rows of numbers; never for the numbers.

    Examples
    --------
    >>> rows = np.array([[1.0, 5, 0], [2, 5, 0], [1, 5, -0.0], [np.nan, 5, 0]])
    >>> found = quality(rows)
    >>> found.bad_rows, found.constant_columns, found.duplicate_rows
    (array([3]), array([1, 2]), 1)
    >>> print(found)
    4 rows of 3 float64 coordinates, of lengths 5.099 to 5.385
    1 row with NaN or infinite values: 3
    2 columns of one value: 1, 2
    1 row equal to an earlier one; the most frequent, row 0, is there 2 times
    """
    options = read_options(n_jobs, memory_limit, "raise", progress)
    cosine = None if near is None else _read_cosine(near)
    drawn = _NEAR_SAMPLE if sample is None else whole(sample, "sample", 1, "of rows")
    seed = whole(seed, "seed", 0)
    rows, dtype = _rows(items)
    look = _Look(rows)
    steps = max(1, -(-len(rows) // look.step))
    for done, first in enumerate(range(0, len(rows), look.step)):
        look.at(first)
        if options.progress is not None:
            options.progress(done + 1, 2 * steps)
    good = np.flatnonzero(~look.bad)
    away = _Away(look, good, seed)
    groups, repeats = _groups(rows, look.hashes, good)
    if options.progress is not None:
        options.progress(2 * steps, 2 * steps)
    lengths = look.lengths[good]
    verbs = {"n_jobs": options.threads, "memory_limit": options.memory}
    limited = drawn if sample is not None else min(drawn, max(100, int(_NEAR_BUDGET / max(rows.size, 1))))
    constant = np.isfinite(look.least) & (look.least == look.largest)
    return Quality(
        n=len(rows),
        d=rows.shape[1],
        dtype=dtype,
        bad_rows=np.flatnonzero(look.bad),
        bad_columns=np.flatnonzero(look.finite == 0) if len(rows) else np.empty(0, np.int64),
        zero_rows=good[look.empty[good]],
        far_rows=away.far,
        far_share=away.share,
        remoteness=away.remoteness,
        constant_columns=np.flatnonzero(constant),
        near_constant_columns=np.flatnonzero(~constant & (away.scales < NARROW)),
        wide_columns=np.flatnonzero(away.scales > WIDE),
        scales=away.scales,
        duplicate_rows=repeats,
        duplicate_groups=tuple(group[:_MEMBERS] for group in groups),
        duplicate_sizes=tuple(len(group) for group in groups),
        shortest=float(lengths.min()) if len(good) else np.nan,
        longest=float(lengths.max()) if len(good) else np.nan,
        mean_length=float((lengths / len(good)).sum()) if len(good) else np.nan,
        unit=bool(len(good) and np.abs(lengths - 1).max() <= UNIT),
        near_duplicates=None if cosine is None else _near(rows, good, cosine, limited, seed, verbs),
    )


def _rows(items: Any) -> tuple[NDArray[Any], str]:
    if isinstance(items, Space):
        return items.rows, items.rows.dtype.name
    batch = read(items, "items")
    if batch.lead:
        raise ShapeError(f"items have shape {batch.array.shape}; one set of rows, of shape (n, d), is wanted")
    return (to_floating(batch) if batch.dtype == "bfloat16" else batch.array), batch.dtype


def _read_cosine(near: Any) -> float:
    try:
        cosine = float(near)
    except (TypeError, ValueError):
        cosine = np.nan
    if not -1 <= cosine <= 1:
        raise InputError(f"near={near!r}; a cosine from -1 to 1 is wanted, such as 0.999")
    return cosine


class _Look:
    """Rows looked at a block at a time: what each row and each column is found to be."""

    def __init__(self, rows: NDArray[Any]) -> None:
        n, d = rows.shape
        self.rows = rows
        self.step = max(1, _BLOCK // d)
        self.bad = np.zeros(n, bool)
        self.empty = np.zeros(n, bool)
        self.lengths = np.zeros(n)
        self.hashes = np.zeros(n, np.uint64)
        self.finite = np.zeros(d, np.int64)
        self.least, self.largest = np.full(d, np.inf), np.full(d, -np.inf)
        self._odd = multipliers(-(-d * rows.dtype.itemsize // 8))

    def at(self, first: int) -> None:
        """The block that begins there."""
        part = slice(first, first + self.step)
        block, bad = self.rows[part], self.bad[part]
        if block.dtype.kind == "f":
            finite = np.isfinite(block)
            np.logical_not(finite.all(axis=1), out=bad)
            self.finite += finite.sum(axis=0) if bad.any() else len(block)
            block = block + block.dtype.type(0)  # -0.0 + 0.0 is 0.0
        else:
            self.finite += len(block)
        self.hashes[part] = hashes(block, self._odd)
        block = block[~bad]
        if not len(block):
            return
        self.empty[part][~bad] = ~block.any(axis=1)
        self.lengths[part][~bad] = _lengths(block)
        np.minimum(self.least, block.min(axis=0), out=self.least)
        np.maximum(self.largest, block.max(axis=0), out=self.largest)

    def blocks(self, out: NDArray[np.bool_]) -> Iterator[tuple[Integers, Floats]]:
        """The rows that are not ``out``, with their numbers, in float64, a block at a time."""
        for first in range(0, len(self.rows), self.step):
            part = slice(first, first + self.step)
            block, keep = self.rows[part], ~out[part]
            yield first + np.flatnonzero(keep), np.asarray(block if keep.all() else block[keep], np.float64)


def _lengths(block: NDArray[Any]) -> Floats:
    """Of rows, in float64; by their largest coordinate first where a square might overflow or vanish."""
    wide = block.astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->i", wide, wide)
        odd = ~((squares > 1e-290) & (squares < np.inf))
        if odd.any():
            largest = np.abs(wide[odd]).max(axis=1)
            scaled = wide[odd] / np.where(largest > 0, largest, 1)[:, None]
            squares[odd] = np.einsum("ij,ij->i", scaled, scaled)
        lengths = np.sqrt(squares)
        if odd.any():
            lengths[odd] *= largest
    return np.asarray(lengths, np.float64)


class _Away:
    """How far rows lie from the middle, and columns spread about it."""

    def __init__(self, look: _Look, good: Integers, seed: int) -> None:
        n, d = look.rows.shape
        self.look = look
        self.far, self.share = np.empty(0, np.int64), 0.0
        self.remoteness, self.scales = np.full(n, np.nan), np.full(d, np.nan)
        if not len(good):
            return
        self.middle = _middle(look.rows, good, seed)
        largest = float(np.maximum(-look.least, look.largest).max())
        lengths, spread = self._measured(look.bad, power_of_two(largest))
        if (usual := lengths[lengths > 0]).size:
            with np.errstate(over="ignore"):  # infinitely far, beside rows that hardly differ
                self.remoteness = lengths / np.median(usual)
            self.far = np.flatnonzero(self.remoteness > FAR)
        if len(self.far) > FEW_FAR * len(good):
            self.far = self.far[:0]
        if len(self.far):
            self.far = self.far[np.argsort(-lengths[self.far], kind="stable")]
            parts = np.square(lengths / lengths[self.far[0]])
            self.share = float(parts[self.far].sum() / np.nansum(parts))
            out = look.bad.copy()
            out[self.far] = True
            near = np.abs(self.middle).max() + lengths[good][~out[good]].max() / power_of_two(largest)
            _, spread = self._measured(out, power_of_two(float(near)))
        spread[look.least == look.largest] = 0
        if (varying := spread[spread > 0]).size:
            self.scales = spread / np.median(varying)

    def _measured(self, out: NDArray[np.bool_], unit: float) -> tuple[Floats, Floats]:
        """Each row's distance from the middle, NaN of those that are ``out``, and each column's deviation, in units."""
        n, d = self.look.rows.shape
        lengths, sums, squares = np.full(n, np.nan), np.zeros(d), np.zeros(d)
        for numbers, block in self.look.blocks(out):
            away = block * unit - self.middle * unit if unit != 1.0 else block - self.middle
            lengths[numbers] = _lengths(away)
            sums += away.sum(axis=0)
            squares += np.einsum("ij,ij->j", away, away)
        count = n - int(out.sum())
        return lengths, np.sqrt(np.maximum(squares / count - np.square(sums / count), 0))


def _middle(rows: NDArray[Any], good: Integers, seed: int) -> Floats:
    """The median of each column, over as many rows as are quickly sorted; far rows do not move it, unlike the mean."""
    most = max(101, _MIDDLE // rows.shape[1])
    if most < len(good):
        good = np.sort(np.random.default_rng([seed, 0x3ED]).choice(good, most, replace=False))
    values = np.sort(rows[good].astype(np.float64), axis=0)
    half = len(good) // 2
    return np.asarray(values[half] if len(good) % 2 else values[half - 1] / 2 + values[half] / 2)


def _groups(rows: NDArray[Any], hashes: NDArray[np.uint64], good: Integers) -> tuple[list[Integers], int]:
    """The largest groups of equal rows, and how many rows there are that repeat an earlier one."""
    order = good[np.argsort(hashes[good], kind="stable")]
    if not len(order):
        return [], 0
    starts = np.flatnonzero(np.r_[True, hashes[order[1:]] != hashes[order[:-1]]])
    ends = np.r_[starts[1:], len(order)]
    first = np.repeat(order[starts], ends - starts)
    if not _all_equal(rows, order, first):
        order, starts, ends = _apart(rows, order, starts, ends)
    sizes = ends - starts
    largest = np.lexsort((order[starts], -sizes))[:GROUPS]
    groups = [order[starts[i] : ends[i]] for i in largest if sizes[i] > 1]
    return groups, int((sizes - 1).sum())


def _all_equal(rows: NDArray[Any], left: Integers, right: Integers) -> bool:
    """Whether rows with these numbers are equal, pair by pair."""
    left, right = left[left != right], right[left != right]
    step = max(1, _BLOCK // rows.shape[1])
    return all(np.array_equal(rows[left[i : i + step]], rows[right[i : i + step]]) for i in range(0, len(left), step))


def _apart(
    rows: NDArray[Any], order: Integers, starts: Integers, ends: Integers
) -> tuple[Integers, Integers, Integers]:
    """Groups of one hash, those that are not equal apart: some once in 10^7 sets of a million rows."""
    parts = [part for start, end in zip(starts, ends, strict=True) for part in _equal(rows, order[start:end])]
    stops = np.cumsum([len(part) for part in parts])
    return np.concatenate(parts), np.r_[0, stops[:-1]], stops


def _equal(rows: NDArray[Any], numbers: Integers) -> list[Integers]:
    """Rows of one hash, apart where they are not equal."""
    found = []
    while len(numbers):
        alike = (rows[numbers] == rows[numbers[0]]).all(axis=1)
        found.append(numbers[alike])
        numbers = numbers[~alike]
    return found


def _near(
    rows: NDArray[Any], good: Integers, near: float, size: int, seed: int, verbs: dict[str, Any]
) -> Estimate | None:
    """The share of rows with another whose cosine is at least that."""
    if len(good) < 2:
        return None
    among = rows if len(good) == len(rows) else rows[good]
    drawn = np.arange(len(good))
    if size < len(good):
        drawn = np.sort(np.random.default_rng([seed, 0xDEA]).choice(len(good), size, replace=False))
    itself = (np.arange(len(drawn) + 1), drawn)
    best = topk(among[drawn], among, 1, metric="cosine", where=itself, **verbs).values[:, 0]
    return proportion((best >= near).astype(np.float64), 1, len(good))


def _count(number: int, what: str) -> str:
    """As many of them, in the singular or the plural of the first word."""
    thing, _, rest = what.partition(" ")
    return f"{number:,} {thing if number != 1 else thing.removesuffix('s')} {rest}"


def _some(numbers: Integers) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return shown + (", ..." if len(numbers) > 5 else "")


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
