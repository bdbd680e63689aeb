"""Which metric separates labelled rows: each row judged by its nearest others, and metrics judged on the same rows.

    accuracy     the share of rows whose nearest other has their label (leave one out; Cover & Hart 1967)
    interval     Wilson's score interval (1927): for other rows of the same kind
    two metrics  of the rows that one gets right and the other wrong, as many should be on either side: McNemar's exact
                 test (1947); Holm's correction (1979) over all pairs of metrics, so that it does not matter which is
                 best, and in 95 of 100 cases no pair is called different that is not
    chance       the same rows with their labels shuffled: how often the best of the metrics does as well (the largest
                 of all metrics in each shuffle, Westfall & Young 1993)

A difference that chance would make is reported as no difference: ``tied`` has every metric that is not shown to be
worse than the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import topk
from likewise.compute.options import Progress
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.geometry.estimate import CONFIDENCE, Estimate, wilson
from likewise.geometry.space import Space, power_of_two, whole

Integers = NDArray[np.int64]

#: The metrics that are compared, unless said otherwise; Mahalanobis' where rows are many times their coordinates.
METRICS = ("euclidean", "cosine", "manhattan", "chebyshev", "dot", "correlation", "mahalanobis")
#: Rows that are judged, unless said otherwise: an accuracy is then known to 0.02 and a difference to 0.01.
QUERIES = 2_000
#: Rows among which they look, at most.
ITEMS = 100_000
_NUMBERS = 48_000_000  # of these rows, at most: 192 MB in float32
_BUDGET = 2e11  # pair-dimensions of one search: four seconds of two cores in float32
_FEWEST = 500
_SHUFFLES = 199
_PER_COORDINATE = 10  # rows that a covariance takes for each coordinate
_MOMENTS = 20_000  # rows that give it, where there are more
_WIDE = 2_048  # coordinates up to which rows are whitened: 3 s by LAPACK
_BLOCK = 1 << 20  # numbers whitened at a time


@dataclass(frozen=True)
class SeparationRow:
    """One metric: the share of rows whose nearest others have their label, and what it says of each class.

    ``accuracy`` has Wilson's interval, for other rows of the same kind, even where all rows were judged. ``balanced``
    is the mean over classes of the share of their rows that are right; ``macro_f1`` that of 2 p r / (p + r) with
    precision p and recall r.
    """

    metric: str
    accuracy: Estimate
    balanced: float
    macro_f1: float

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        plain = {"metric": self.metric, "balanced": self.balanced, "macro_f1": self.macro_f1}
        return plain | {"accuracy": self.accuracy.as_dict()}


@dataclass(frozen=True)
class Difference:
    """The best metric's accuracy less another's, on the same rows.

    ``low`` to ``high`` is the interval of Agresti & Min (2005) for this pair alone. ``p`` is McNemar's exact one, after
    Holm's correction over all pairs of metrics; ``real`` says that it is below 0.05.
    """

    metric: str
    value: float
    low: float
    high: float
    p: float
    real: bool

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        verdict = "worse" if self.real else "no difference shown"
        return f"{self.metric}: {-self.value:+.4f} ({-self.high:+.4f} to {-self.low:+.4f}), {verdict}"


@dataclass(frozen=True)
class Separation:
    """What :func:`separation` found: ``rows``, the best metric first.

    Attributes
    ----------
    rows : list of SeparationRow
    best : str
        The metric of the first. See ``tied`` before it is called the best.
    tied : list of str
        Metrics that are not shown to be worse than the best, itself among them.
    differences : list of Difference
        The best against each other one.
    chance : float
        Accuracy to be expected with shuffled labels.
    chance_high : float
        What the best of the metrics reaches with shuffled labels in one of twenty cases.
    p_chance : float
        How often the best of the metrics does as well with shuffled labels; 1 / 200 is the least that is told.
    majority : float
        The share of the largest class.
    classes : dict
        Labels, and how many rows of each there are among those that were searched, the most frequent first.
    judged, items : int
        Rows that were judged, and rows among which they looked.
    k : int
    unlabelled, alone : int
        Rows that were left out: without a label, and the only ones of theirs.
    copies : float
        The share of judged rows whose nearest by the best metric equals them in every coordinate: where there are many,
        accuracy says little about rows that are new.
    left_out : dict
        Metrics that were not taken, and why.
    """

    rows: list[SeparationRow]
    best: str
    tied: list[str]
    differences: list[Difference]
    chance: float
    chance_high: float
    p_chance: float
    majority: float
    classes: dict[Any, int]
    judged: int
    items: int
    k: int
    unlabelled: int
    alone: int
    copies: float
    left_out: dict[str, str]

    @property
    def structured(self) -> bool:
        """Whether neighbours have equal labels more often than chance makes them."""
        return self.p_chance < 1 - CONFIDENCE

    @property
    def decided(self) -> bool:
        """Whether one metric is shown to be better than all others."""
        return self.structured and len(self.tied) == 1

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        plain = dict(self.__dict__)
        plain["rows"] = [row.as_dict() for row in self.rows]
        plain["differences"] = [difference.as_dict() for difference in self.differences]
        plain["classes"] = {str(label): count for label, count in self.classes.items()}
        return plain | {"structured": self.structured, "decided": self.decided}

    def __str__(self) -> str:
        how = "nearest other" if self.k == 1 else f"{self.k} nearest others"
        lines = [f"labels by the {how}: {self.judged:,} rows of {len(self.classes):,} classes, among {self.items:,}"]
        lines += [
            f"{row.metric:<12} {row.accuracy.value:.4f} ({row.accuracy.low:.4f} to {row.accuracy.high:.4f})"
            for row in self.rows
        ]
        lines.append(f"by chance {self.chance:.4f}; the largest class alone {self.majority:.4f}")
        if not self.structured:
            lines.append("the labels carry no structure here: shuffled ones do as well")
        elif self.decided:
            lines.append(f"{self.best} separates them best")
        elif len(self.tied) == len(self.rows):
            lines.append("no metric is shown to be better than another")
        else:
            lines.append(f"{self.best} is not shown to be better than {', '.join(self.tied[1:])}")
        return "\n".join(lines)


def separation(
    items: Any,
    labels: Any,
    *,
    metrics: Sequence[Any] | None = None,
    k: int = 1,
    sample: int | None = None,
    on_bad: str = "raise",
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Separation:
    """Which metric separates labelled rows best, and whether that is more than chance.

    Rows without a label (None, NaN, an empty text) and rows that are the only ones of theirs are left out. With k > 1
    the nearest others vote; of equal counts, the label that is met first among them wins.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    labels : array_like of shape (n,)
        Texts, numbers or other things that can be told apart, one for each row of items.
    metrics : sequence of str, Metric or function, optional
        Default: :data:`METRICS`; "mahalanobis" (Euclid after the rows have been whitened by their own covariance)
        where there are ten rows a coordinate at least, and at most 2,048 coordinates.
    k : int
        Others that vote.
    sample : int, optional
        Rows that are judged. Default: 2,000, or as few as some seconds a metric allow. They look among all rows, or
        among 100,000 drawn ones, fewer of more than 480 coordinates.
    on_bad, seed, n_jobs, memory_limit, progress
        As for :func:`likewise.topk`; the seed draws rows and shuffles.

    Returns
    -------
    Separation

    Raises
    ------
    ShapeError
        For labels of another length.
    InputError
        For labels of fewer than two classes with two rows each.
    BadRowsError, DtypeError, UnknownMetricError

    Examples
    --------
    Labels are directions here, and lengths are noise:

    >>> rng = np.random.default_rng(0)
    >>> labels = rng.choice(["left", "right"], 600)
    >>> rows = rng.standard_normal((600, 64)) + np.where(labels == "left", -0.3, 0.3)[:, None]
    >>> found = separation(rows * rng.lognormal(0, 3, (600, 1)), labels, metrics=("euclidean", "cosine"))
    >>> found.best, found.tied, found.structured
    ('cosine', ['cosine'], True)
    """
    k = whole(k, "k", 1)
    wanted = None if sample is None else whole(sample, "sample", 2, "of rows")
    options = {"on_bad": on_bad, "seed": seed, "n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress}
    space = Space.of(items, None, **options)
    codes, names = read_labels(labels, space)
    labelled = np.flatnonzero(codes >= 0)
    unlabelled = space.n - len(labelled)
    rng = np.random.default_rng([space.seed, 0x1AB])
    most = max(min(ITEMS, _NUMBERS // space.d), 5_000)
    if len(labelled) > most:
        labelled = np.sort(rng.choice(labelled, most, replace=False))
    counts = np.bincount(codes[labelled], minlength=len(names))
    kept = labelled[counts[codes[labelled]] > 1]
    alone = len(labelled) - len(kept)
    counts = np.where(counts > 1, counts, 0)
    _require_classes(names, counts, len(labelled))
    rows = space.rows if len(kept) == space.n else space.rows[kept]
    classes, codes = np.unique(codes[kept], return_inverse=True)
    judged = _drawn(len(kept), space.d, wanted, rng)

    tried, left_out = _metrics(rows, metrics, space)
    votes, nearest = [], []
    k = min(k, len(kept) - 1)
    itself = (np.arange(len(judged) + 1), judged)
    verb = space.options | {"progress": None}
    report = space.options["progress"]
    for done, (_, metric) in enumerate(tried):
        among = rows if metric is not None else _whitened(rows)
        found = topk(among[judged], among, k, metric=metric or "euclidean", where=itself, **verb).indices
        nearest.append(found)
        votes.append(_vote(codes, found))
        if report is not None:
            report(done + 1, len(tried))
    right = np.array([vote == codes[judged] for vote in votes])
    order = np.argsort(-right.mean(axis=1), kind="stable")
    shuffled, largest = _shuffled(codes, judged, nearest, rng)
    accuracy = right.mean(axis=1)
    differences = _differences(right, [name for name, _ in tried], order)
    best = order[0]
    first = nearest[best][:, 0]
    copies = (rows[judged] == rows[first]).all(axis=1) & (first >= 0)
    sizes = {_plain(names[each]): int(counts[each]) for each in classes[np.argsort(-counts[classes], kind="stable")]}
    return Separation(
        rows=[_row(tried[i][0], right[i], votes[i], codes[judged], len(classes), space.n - unlabelled) for i in order],
        best=tried[best][0],
        tied=[tried[best][0], *(each.metric for each in differences if not each.real)],
        differences=differences,
        chance=float(shuffled[:, best].mean()),
        chance_high=float(np.quantile(largest, CONFIDENCE)),
        p_chance=float((1 + (largest >= accuracy[best]).sum()) / (1 + len(largest))),
        majority=float(counts.max() / counts.sum()),
        classes=sizes,
        judged=len(judged),
        items=len(kept),
        k=k,
        unlabelled=unlabelled,
        alone=alone,
        copies=float(copies.mean()),
        left_out=left_out,
    )


def read_labels(labels: Any, space: Space) -> tuple[Integers, list[Any]]:
    """A number from 0 for each row's label, -1 where there is none; and the labels."""
    try:
        listed = np.asarray(labels) if hasattr(labels, "__array__") else np.asarray(list(labels), object)
    except (TypeError, ValueError):
        raise InputError(
            f"labels are {labels!r:.60}; one text or number for each of {space.n} rows is wanted"
        ) from None
    if isinstance(labels, np.ma.MaskedArray):
        listed = listed.astype(object)
        listed[np.ma.getmaskarray(labels)] = None
    if listed.ndim != 1:
        raise ShapeError(f"labels have shape {listed.shape}; one for each of {space.n} rows is wanted")
    if space.kept is not None and len(listed) != space.n and len(listed) > space.kept[-1]:
        listed = listed[space.kept]
    if len(listed) != space.n:
        raise ShapeError(f"there are {len(listed)} labels, and {space.n} rows")
    if listed.dtype.kind in "biuf":
        present = ~np.isnan(listed) if listed.dtype.kind == "f" else np.ones(len(listed), bool)
        names, found = np.unique(listed[present], return_inverse=True)
        codes = np.full(len(listed), -1, np.int64)
        codes[present] = found
        return codes, list(names)
    codes = np.full(len(listed), -1, np.int64)
    known: dict[Any, int] = {}
    for place, label in enumerate(listed.tolist()):
        try:
            if not _missing(label):
                codes[place] = known.setdefault(label, len(known))
        except TypeError:
            raise InputError(f"labels[{place}] is {label!r}; a label is a text or a number") from None
    return codes, list(known)


def _missing(label: Any) -> bool:
    """None, NaN, pandas' NA, or a text of blanks."""
    if label is None or (isinstance(label, str) and not label.strip()):
        return True
    different = label != label
    return different if isinstance(different, bool) else type(label).__name__ in ("NAType", "NaTType")


def _require_classes(names: list[Any], counts: Integers, labelled: int) -> None:
    several = int((counts > 1).sum())
    if several >= 2:
        return
    if not labelled:
        raise InputError("labels are all missing; two classes with two rows each, at least, are to be told apart")
    if several == 1:
        only = _plain(names[int(counts.argmax())])
        raise InputError(f"of all labels only {only!r} is met twice; two classes at least are to be told apart")
    raise InputError(
        f"{labelled} labels are all different; is this a column of names? Classes of several rows are wanted"
    )


def _drawn(n: int, d: int, wanted: int | None, rng: np.random.Generator) -> Integers:
    """Rows that are judged."""
    size = max(_FEWEST, min(QUERIES, int(_BUDGET / (n * d)))) if wanted is None else wanted
    return np.sort(rng.choice(n, size, replace=False)) if size < n else np.arange(n)


def _metrics(
    rows: NDArray[Any], metrics: Sequence[Any] | None, space: Space
) -> tuple[list[tuple[str, Metric | None]], dict[str, str]]:
    """(name, metric), None for Euclid of whitened rows; and what was left out."""
    single = isinstance(metrics, str) or callable(metrics)
    listed = [metrics] if single else list(METRICS if metrics is None else metrics)
    if not listed:
        raise InputError(f"metrics is empty; the default is {', '.join(METRICS)}")
    tried: list[tuple[str, Metric | None]] = []
    left_out = {}
    for each in listed:
        metric = None
        if isinstance(each, str) and each == "mahalanobis":
            why = _unfit(rows)
            if why is not None and metrics is not None:
                raise InputError(f"mahalanobis: {why}")
            if why is not None:
                left_out[each] = why
                continue
        else:
            metric = space.under(each).metric
        if any(known == metric for _, known in tried):
            continue
        name = "mahalanobis" if metric is None else metric.name
        again = sum(known.split(" (")[0] == name for known, _ in tried)
        tried.append((f"{name} ({again + 1})" if again else name, metric))
    return tried, left_out


def _unfit(rows: NDArray[Any]) -> str | None:
    """Why these rows cannot be whitened by their own covariance."""
    n, d = rows.shape
    if d > _WIDE:
        return f"{d:,} coordinates are too many to be whitened; {_WIDE:,} are the most"
    if n < _PER_COORDINATE * d:
        return f"{n:,} rows do not tell the covariance of {d:,} coordinates; {_PER_COORDINATE * d:,} would"
    return None


def _whitened(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Columns divided by their standard deviations, turned to the principal axes of what is left, and divided again.

    Distances of the results are Mahalanobis', which scales of columns do not change. Axes of nothing are left out.
    Axes and deviations are those of every other row, every third row, ... where there are very many rows.
    """
    n, d = rows.shape
    some = rows[:: max(1, n // max(_MOMENTS, _PER_COORDINATE * d))]
    least, largest = some.min(axis=0).astype(np.float64), some.max(axis=0).astype(np.float64)
    # each column by a power of two of its own, so that a narrow one is not lost beside a wide one
    unit = np.array([power_of_two(each) if each else 0.0 for each in np.where(least < largest, largest - least, 0.0)])
    middle = (least / 2 + largest / 2) * unit
    step = max(1, _BLOCK // d)
    centre, moments = np.zeros(d), np.zeros((d, d))
    for first in range(0, len(some), step):
        centre += (some[first : first + step] * unit - middle).sum(axis=0) / len(some)
    centre += middle
    for first in range(0, len(some), step):
        away = some[first : first + step] * unit - centre
        moments += away.T @ away
    spread = np.sqrt(np.diag(moments) / len(some))
    spread[spread == 0] = 1
    values, vectors = np.linalg.eigh(moments / len(some) / spread / spread[:, None])
    keep = values > max(values[-1], 0) * d * 1e-12
    scaled = vectors[:, keep] / np.sqrt(values[keep]) / spread[:, None] if keep.any() else np.zeros((d, 1))
    out = np.empty((n, scaled.shape[1]), np.float32)
    for first in range(0, n, step):
        out[first : first + step] = (rows[first : first + step] * unit - centre) @ scaled
    return out


def _vote(codes: Integers, found: Integers) -> Integers:
    """The label most of a row's nearest have; of equal counts the one met first; -1 where nobody is found."""
    labels = np.where(found >= 0, codes[found], -1)
    rows, k = labels.shape
    if k == 1:
        return labels[:, 0]
    order = labels.argsort(axis=1, kind="stable")
    rising = np.take_along_axis(labels, order, axis=1)
    begins = np.ones((rows, k), bool)
    begins[:, 1:] = rising[:, 1:] != rising[:, :-1]
    runs = np.diff(np.append(np.flatnonzero(begins), rows * k))
    # for each place, how many have its label
    counts = np.empty((rows, k), np.int64)
    np.put_along_axis(counts, order, np.repeat(runs, runs).reshape(rows, k), axis=1)
    counts[labels < 0] = 0
    return np.asarray(labels[np.arange(rows), counts.argmax(axis=1)], np.int64)


def _shuffled(
    codes: Integers, judged: Integers, nearest: list[Integers], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy of each metric with shuffled labels, and of the best of them."""
    found = np.empty((_SHUFFLES, len(nearest)))
    for again in range(_SHUFFLES):
        mixed = rng.permutation(codes)
        found[again] = [(_vote(mixed, each) == mixed[judged]).mean() for each in nearest]
    return found, found.max(axis=1)


def _differences(right: NDArray[np.bool_], names: list[str], order: Integers) -> list[Difference]:
    """The best against each other, corrected for all pairs that might have been looked at."""
    pairs = list(combinations(range(len(names)), 2))
    only = [(int((right[i] & ~right[j]).sum()), int((right[j] & ~right[i]).sum())) for i, j in pairs]
    corrected = dict(zip(pairs, _holm([mcnemar(*each) for each in only]), strict=True))
    counts = dict(zip(pairs, only, strict=True))
    best, n, found = int(order[0]), right.shape[1], []
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    for other in map(int, order[1:]):
        pair = (min(best, other), max(best, other))
        more, fewer = counts[pair] if best < other else counts[pair][::-1]
        # half a row added to each of the four counts (Agresti & Min 2005)
        middle = (more - fewer) / (n + 2)
        half = z * math.sqrt(more + fewer + 1 - (more - fewer) ** 2 / (n + 2)) / (n + 2)
        low, high = max(middle - half, -1.0), min(middle + half, 1.0)
        p = corrected[pair]
        found.append(Difference(names[other], (more - fewer) / n, low, high, p, p < 1 - CONFIDENCE))
    return found


def mcnemar(only_one: int, only_other: int) -> float:
    """How often chance parts that many disagreements so unevenly: two-sided, exact (McNemar 1947).

    >>> round(mcnemar(1, 9), 6), mcnemar(0, 0)
    (0.021484, 1.0)
    """
    n, few = only_one + only_other, min(only_one, only_other)
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2) for i in range(few + 1)]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def _holm(p: list[float]) -> list[float]:
    """Holm's correction (1979): the smallest times how many there are, the next times one fewer, and so on, rising."""
    corrected, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, min(1.0, p[place] * (len(p) - rank)))
        corrected[place] = largest
    return corrected


def _row(
    name: str, right: NDArray[np.bool_], vote: Integers, truth: Integers, classes: int, total: int
) -> SeparationRow:
    n = len(truth)
    low, high = wilson(float(right.mean()), n)
    there = np.bincount(truth, minlength=classes)
    said = np.bincount(vote[vote >= 0], minlength=classes)
    hit = np.bincount(truth[right], minlength=classes)
    met = there > 0
    balanced = float((hit[met] / there[met]).mean())
    f1 = float((2 * hit[met] / (there[met] + said[met])).mean())
    return SeparationRow(name, Estimate(float(right.mean()), low, high, n, total), balanced, f1)


def _plain(label: Any) -> Any:
    """A label as a Python object."""
    return label.item() if isinstance(label, np.generic) else label
