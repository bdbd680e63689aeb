"""Hubs: rows that stand in the neighbour lists of many others, while some stand in none.

N_k(y) is the number of rows x != y that have y among their k nearest others. Its mean is k. In few dimensions it is
close to k everywhere; in many, rows near the middle are near to everything (Radovanovic, Nanopoulos & Ivanovic 2010).

    skewness      E[(N - k)^3] / E[(N - k)^2]^(3/2)                 0 without hubs, above 1 with strong ones
    antihubs      share of rows with N = 0
    Robin Hood    sum |N - k| / (2 k n)                             share of all places in lists that would have to be
                                                                    given away for all to have as many (Feldbauer 2018)

Where s of n rows are drawn and their lists taken from all n, one sees c(y) <= N(y). Drawing without replacement makes
c hypergeometric, whose falling factorials are unbiased for those of N:

    E[c (c-1) ... (c-r+1)]  =  N (N-1) ... (N-r+1)  s (s-1) ... (s-r+1) / (n (n-1) ... (n-r+1))

and with E[N] = k known, the second and third give the skewness. Its interval is the jackknife's, over the drawn rows:
leaving one out lowers c by one in its list, so all n values cost one pass. (A bootstrap would draw a row twice, and
count its two equal lists as rows that agree.)

How many rows have N = 0 cannot be seen in c, which is mostly 0. So antihubs and the Robin Hood index are those of a
drawn set of rows among themselves, as large as costs no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import topk
from likewise.compute.options import Progress
from likewise.geometry.estimate import CONFIDENCE, Estimate, bootstrap
from likewise.geometry.space import Space, whole

Counts = NDArray[np.int64]
_AMONG = 20_000  # rows that are searched among themselves
_LARGEST = 10
_NORMAL = 1.959963984540054  # standard deviations that hold 95%


@dataclass(frozen=True)
class Hubness:
    """Who stands in how many neighbour lists.

    Attributes
    ----------
    k : int
    skewness : Estimate
        Of the numbers of lists that rows stand in: 0 without hubs, above 1 with strong ones.
    antihubs : Estimate
        Share of rows that stand in nobody's list; of a drawn set of rows among themselves, where not all were searched.
    robin_hood : Estimate
        Share of places in lists that would have to change hands for all rows to have k: 0 to 1; as ``antihubs``.
    largest : ndarray of shape (10,)
        The rows in most lists, the first the most.
    occurrences : ndarray of shape (10,)
        In how many lists; times n / s where s of n lists were seen.
    counts : ndarray of int, of shape (n,)
        In how many of the lists seen each row stands.
    rows : ndarray of shape (s,)
        Whose lists were seen.
    """

    k: int
    skewness: Estimate
    antihubs: Estimate
    robin_hood: Estimate
    largest: NDArray[np.int64]
    occurrences: NDArray[np.float64]
    counts: Counts
    rows: NDArray[np.int64]

    def as_dict(self) -> dict[str, Any]:
        """For programs: the numbers and the largest hubs, without the counts."""
        names = ("skewness", "antihubs", "robin_hood")
        return {
            "k": self.k,
            **{name: getattr(self, name).as_dict() for name in names},
            "largest": self.largest.tolist(),
            "occurrences": self.occurrences.tolist(),
        }

    def __str__(self) -> str:
        n, among = self.skewness.total, self.antihubs.rows
        drawn = "" if among >= n else f" (of {among:,} rows drawn, among themselves)"
        seen = "" if self.skewness.complete else f", by the lists of {len(self.rows):,} of {n:,} rows"
        return "\n".join(
            [
                f"skewness of the {self.k}-occurrence {self.skewness}{seen}; 0 without hubs, above 1 with strong ones",
                f"in nobody's list: {self.antihubs.value:.1%} of rows{drawn}",
                f"Robin Hood index {self.robin_hood}{drawn}",
                f"largest hub: row {self.largest[0]:,}, in {self.occurrences[0]:,.0f} lists; the mean is {self.k}",
            ]
        )


def hubness(
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
) -> Hubness:
    """How unequally rows stand in each other's lists of the k nearest.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    metric : str, Metric or function, optional
        Any. Default: the Space's own, or "euclidean".
    k : int
        Neighbours in a list, fewer than n.
    on_bad, sample, seed, n_jobs, memory_limit, progress
        As for :class:`Space`. Where rows are drawn, the skewness is that of all rows, with an interval, and antihubs
        and the Robin Hood index are those of drawn rows among themselves, as the text of the result says.

    Returns
    -------
    Hubness
        Row numbers are those in ``items``.

    Raises
    ------
    InputError
        Where there are no k others.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((1000, 128))
    >>> found = hubness(rows)
    >>> found.skewness.value > 2, int(found.counts.sum())
    (True, 10000)
    """
    k = whole(k, "k", 1, "of neighbours")
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, metric, sample=sample, seed=seed, **options)
    found = space.neighbours(k)
    counts = occurrences(found.indices, space.n)
    if len(found.rows) == space.n:
        return of_counts(counts, k, space.n, _numbers(space, found.rows), _numbers(space, np.arange(space.n)))
    among = space.draw(max(k + 1, min(_AMONG, math.isqrt(len(found.rows) * space.n))), purpose=3)
    within = occurrences(_lists_among(space, among, k), len(among))
    largest = _most(counts)
    return Hubness(
        k,
        _drawn_skewness(found.indices, counts, space.n),
        *_shares(within, k, space),
        _numbers(space, largest),
        counts[largest] * np.float64(space.n / len(found.rows)),
        counts,
        _numbers(space, found.rows),
    )


def occurrences(lists: NDArray[np.int64], n: int) -> Counts:
    """In how many lists each of n rows stands, (n,)."""
    return np.bincount(lists[lists >= 0], minlength=n).astype(np.int64)


def skewness(counts: NDArray[Any]) -> float:
    """E[(N - mean)^3] / E[(N - mean)^2]^(3/2); 0 where all are equal.

    >>> skewness(np.array([4, 0, 0, 0])).__round__(3)
    1.155
    """
    deviation = counts - counts.mean()
    variance = np.mean(deviation**2)
    return float(np.mean(deviation**3) / variance**1.5) if variance else 0.0


def of_counts(
    counts: Counts, k: int, total: int, rows: NDArray[np.int64], names: NDArray[np.int64], *, seed: int = 0
) -> Hubness:
    """Hubness of rows whose lists, among themselves, were all seen: exact, if they are all the rows that there are."""
    largest = _most(counts)
    return Hubness(
        k,
        bootstrap(skewness, counts, total, seed=seed),
        bootstrap(_antihubs, counts, total, seed=seed),
        bootstrap(_robin_hood(k), counts, total, seed=seed),
        names[largest],
        counts[largest].astype(np.float64),
        counts,
        rows,
    )


def _lists_among(space: Space, numbers: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k nearest others of drawn rows among these rows alone, (m, k), numbered among them."""
    return topk(space.rows[numbers], None, k, metric=space.metric, **space.options).indices


def _numbers(space: Space, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers that rows had among the items given, where some were left out."""
    return rows if space.kept is None else space.kept[rows]


def _most(counts: Counts) -> NDArray[np.int64]:
    """The rows that stand in most lists, the first the most; the lowest number first among equals."""
    return np.argsort(-counts, kind="stable")[:_LARGEST]


def _antihubs(counts: NDArray[Any]) -> float:
    return float(np.mean(counts == 0))


def _robin_hood(k: int) -> Any:
    return lambda counts: float(np.mean(np.abs(counts - k)) / (2 * k))


def _shares(within: Counts, k: int, space: Space) -> tuple[Estimate, Estimate]:
    return (
        bootstrap(_antihubs, within, space.n, seed=space.seed),
        bootstrap(_robin_hood(k), within, space.n, seed=space.seed),
    )


def _drawn_skewness(lists: NDArray[np.int64], counts: Counts, n: int) -> Estimate:
    """The skewness of N by the lists of s of n rows (s, k), with the jackknife's interval; without one by three."""
    s, k = lists.shape
    if s < 4:  # without one, three have to be left
        return Estimate(math.nan, math.nan, math.nan, s, n, CONFIDENCE)
    c = np.where(lists >= 0, counts[lists], 1)  # of the rows in each list; 1 takes nothing away, where it is short
    twos, threes = float((counts * (counts - 1)).sum()), float((counts * (counts - 1) * (counts - 2)).sum())
    value = float(_from_factorials(np.array([twos]), np.array([threes]), s, k, n)[0])
    if s < 4:  # without one of three lists, no three are left to count a row in
        return Estimate(value, math.nan, math.nan, s, n, CONFIDENCE)
    # without one list, c (c-1) falls by 2 (c-1) for each row in it, and c (c-1) (c-2) by 3 (c-1) (c-2)
    left = _from_factorials(twos - 2 * (c - 1).sum(axis=1), threes - 3 * ((c - 1) * (c - 2)).sum(axis=1), s - 1, k, n)
    spread = np.sqrt((s - 1) / s * np.square(left - left.mean()).sum() * (1 - s / n))
    reach = _NORMAL * float(spread)
    return Estimate(value, value - reach, value + reach, s, n, CONFIDENCE)


def _from_factorials(twos: Any, threes: Any, s: int, k: int, n: int) -> NDArray[np.float64]:
    """Skewness from sums over all rows of c (c-1) and of c (c-1) (c-2), in the lists of s rows."""
    second = twos / n * ((n / s) * ((n - 1) / (s - 1)))
    third = threes / n * ((n / s) * ((n - 1) / (s - 1)) * ((n - 2) / (s - 2)))
    variance = second + k - k * k  # E[N^2] = E[N (N-1)] + k
    cube = third + 3 * second + k  # E[N^3]
    centred = cube - 3 * k * (second + k) + 2 * k**3
    positive = variance > 0
    root = np.where(positive, variance, np.nan) ** 1.5
    return np.asarray(centred / root)
