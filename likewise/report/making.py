"""From rows to a report: every question in turn, on rows that are checked, drawn and searched once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise import __version__, geometry
from likewise.compute.options import Progress
from likewise.errors import InputError, LikewiseError, ShapeError
from likewise.geometry import Space
from likewise.geometry.copies import first_equals
from likewise.geometry.space import whole
from likewise.report import codes, dimensions, distances, labelled, lengths, rows, thresholds
from likewise.report.asked import Asked
from likewise.report.finding import Finding, Level, counted
from likewise.report.page import SIGNS, in_order, page

#: Key, what is said while it is worked at, and who answers; in the order of the page.
QUESTIONS: tuple[tuple[str, str, Callable[[Asked], Finding]], ...] = (
    ("values", "values", rows.values),
    ("outliers", "outliers", rows.outliers),
    ("copies", "copies", rows.copies),
    ("columns", "columns", rows.columns),
    ("concentration", "distances", distances.concentration),
    ("hubs", "hubs", distances.hubs),
    ("norms", "lengths", lengths.norms),
    ("isotropy", "directions", dimensions.isotropy),
    ("dimension", "dimension", dimensions.dimension),
    ("precision", "codes", codes.precision),
    ("capacity", "capacity", dimensions.capacity),
    ("labels", "labels", labelled.separation),
)

#: Called at the start of each step, as ``on_stage(name, number, steps)``.
OnStage = Callable[[str, int, int], None] | None


@dataclass(frozen=True)
class Report:
    """What was found out about a set of vectors.

    Attributes
    ----------
    name : str
        What the vectors are called.
    n, d : int
        Rows and columns as they came.
    dtype, metric : str
    used : int
        Rows that took part: without those that are no numbers, and what was set aside: heavy outliers, many copies.
    findings : tuple of Finding
        In the order of the page.
    method : tuple of str
        How it was found out, a paragraph each.
    """

    name: str
    n: int
    d: int
    dtype: str
    metric: str
    used: int
    findings: tuple[Finding, ...]
    method: tuple[str, ...]

    def __getitem__(self, key: str) -> Finding:
        """The finding of that key; KeyError with all keys where there is none."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise KeyError(f"{key!r}; there are {', '.join(finding.key for finding in self.findings)}")

    def by_level(self) -> list[Finding]:
        """What asks for an act first."""
        return in_order(self.findings)

    @property
    def about(self) -> str:
        """What was looked at, in a sentence, or two where it is little."""
        said = f"{self.n:,} rows of {self.d:,} {self.dtype} numbers, compared by {self.metric}."
        if self.used < thresholds.FEW_ROWS.value:
            said += f" Only {counted(self.used, 'row')} took part: take all that is said for hints."
        return said

    @property
    def summary(self) -> str:
        """How many findings of each level there are."""
        counts = Counter(finding.level for finding in self.findings)
        said: dict[Level, str] = {
            "act": counted(counts["act"], "thing") + " to act on",
            "note": f"{counts['note']:,} to know",
            "good": f"{counts['good']:,} that {'is' if counts['good'] == 1 else 'are'} fine",
        }
        if not counts["act"]:
            said["act"] = "Nothing to act on"
        return f"{said['act']}, {said['note']}, {said['good']}."

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        about = {"name": self.name, "n": self.n, "d": self.d, "dtype": self.dtype, "metric": self.metric}
        about["used"] = self.used
        return about | {
            "findings": [finding.as_dict() for finding in self.findings],
            "method": list(self.method),
        }

    def html(self) -> str:
        """One page that needs no network, no script and nothing beside it.

        Raises
        ------
        MissingExtraError
            Where matplotlib is absent, which draws the pictures.
        """
        return page(self)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.about} {self.summary}"]
        lines += [f"{SIGNS[f.level][0]} {SIGNS[f.level][1]:<5}{f.verdict}" for f in self.by_level()]
        return "\n".join(lines)


def report(
    items: Any,
    labels: Any = None,
    *,
    metric: Any = None,
    k: int = 10,
    only: Sequence[str] | None = None,
    name: str = "vectors",
    names: Sequence[Any] | None = None,
    columns: Sequence[str] = (),
    on_bad: str = "skip",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
    on_stage: OnStage = None,
) -> Report:
    """Can these vectors be trusted? Every question that :mod:`likewise.geometry` has, answered in plain words.

    Parameters
    ----------
    items : array_like of shape (n, d)
        Any element type that the verbs take. A memory map is not copied, unless it has rows that are skipped.
    labels : array_like of shape (n,), optional
        A class for each row, as text or numbers; None, NaN and "" are not known. Which metric tells them apart is then
        asked as well.
    metric : str, Metric or function, optional
        How the rows are compared. Default: euclidean. Distances are asked of cosine as the chord between unit rows, and
        of other likenesses by Euclid.
    k : int
        Neighbours in a list; fewer where there are not so many rows.
    only : sequence of str, optional
        Keys of the questions to ask: "hubs", "norms"... Default: all.
    name : str
        What the vectors are called.
    names, columns : sequence, optional
        What rows and columns are called.
    on_bad : {"skip", "raise"}
        Rows with NaN or infinite values are left out and reported, or refused.
    sample : int, optional
        How many rows are drawn whose neighbours among all are searched. Default: all, or what some ten seconds allow.
    seed : int
        Of every draw: the same seed gives the same report, byte for byte.
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`; progress is that of each step.
    on_stage : function, optional
        Called as ``on_stage(name, number, steps)`` at the start of each step.

    Returns
    -------
    Report

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError
        Where there are not three good rows, or labels are not one a row. A question that cannot be asked of these rows
        says so in its place.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((300, 16))
    >>> found = report(rows * np.r_[1000, np.ones(15)])
    >>> print(found["columns"].verdict)
    Scales differ: column 0 alone decides every distance, varying ... times as much as the usual one.
    """
    chosen = _chosen(only, labels is not None)
    stage = _Stages(on_stage, len(chosen) + 2)
    options: dict[str, Any] = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress}
    stage("reading")
    quality = geometry.quality(items, seed=seed, **options)
    options |= {"sample": sample, "seed": seed, "on_bad": on_bad}
    space = Space(items, "euclidean" if metric is None else metric, **options)
    known = None if labels is None else _labels(labels, quality.n)
    space, far, copies = _set_aside(space, quality)
    k = min(whole(k, "k", 1, "of neighbours"), space.n - 1)
    asked = Asked(space, k, quality, names, columns, known, far, copies)
    stage("neighbours")
    space.neighbours(min(max(k, _FURTHEST), space.n - 1))  # once for all questions
    findings = []
    for key, says, answer in chosen:
        stage(says)
        findings.append(_answered(key, answer, asked))
    return Report(
        str(name),
        quality.n,
        quality.d,
        quality.dtype,
        space.metric.name,
        space.n,
        tuple(findings),
        _method(asked, sample),
    )


_FURTHEST = 20  # neighbours that the intrinsic dimension looks at


def _chosen(only: Sequence[str] | None, labelled: bool) -> list[tuple[str, str, Callable[[Asked], Finding]]]:
    """The questions to ask, in their order."""
    known = [key for key, _, _ in QUESTIONS]
    only = [only] if isinstance(only, str) else only
    for key in () if only is None else only:
        if key not in known:
            raise InputError(f"only={key!r} is no question; there are {', '.join(known)}")
        if key == "labels" and not labelled:
            raise InputError("only='labels' asks about labels, and none were given; say labels=")
    wanted = known if only is None else only
    return [each for each in QUESTIONS if each[0] in wanted and (labelled or each[0] != "labels")]


class _Stages:
    """Counts the steps for whoever listens."""

    def __init__(self, listener: OnStage, steps: int) -> None:
        self._listener, self._steps, self._done = listener, steps, 0

    def __call__(self, name: str) -> None:
        if self._listener is not None:
            self._listener(name, self._done, self._steps)
        self._done += 1


def _answered(key: str, answer: Callable[[Asked], Finding], asked: Asked) -> Finding:
    """The finding, or that the question cannot be asked of these rows, and why."""
    try:
        return answer(asked)
    except LikewiseError as error:
        why = str(error)
        return Finding(
            key,
            f"Not answered: {key}",
            f"The question of {key} cannot be asked of these rows: {why}.",
            "note",
            {},
            "The rows, or the metric, do not allow it.",
            "Nothing, unless you expected an answer.",
            numbers={"error": why},
        )


def _set_aside(space: Space, quality: geometry.Quality) -> tuple[Space, int, int]:
    """The space without what would decide every answer by itself, and how many far rows and copies were left out.

    Outliers that outweigh all other rows, where the metric minds how long rows are; and all copies but one, where there
    are many. At least three rows stay.
    """
    keep = np.ones(space.n, bool)
    if rows.outweigh(quality, space.metric.name):
        keep[quality.far_rows if space.kept is None else np.searchsorted(space.kept, quality.far_rows)] = False
    far = space.n - int(keep.sum())
    if quality.duplicate_rows >= thresholds.MANY_COPIES.value * space.n:
        first = keep & (first_equals(space.rows) == np.arange(space.n))
        keep = first if first.sum() >= 3 else keep
    numbers = np.flatnonzero(keep)
    left = space.n - len(numbers)
    return (space.only(numbers) if left else space), far, left - far


def _labels(labels: Any, n: int) -> Any:
    array = np.asarray(labels, dtype=object) if isinstance(labels, (list, tuple)) else np.asarray(labels)
    if array.shape != (n,):
        raise ShapeError(f"labels have shape {array.shape}; one for each of {n:,} rows is wanted: ({n},)")
    return array


def _method(asked: Asked, sample: int | None) -> tuple[str, ...]:
    """How it was found out: what was drawn, and how to have the same again."""
    space, n = asked.space, asked.space.n
    searched = len(space.neighbours(1).rows)
    everyone = searched == n
    lines = [
        "Neighbours are exact: "
        f"{'every row was' if everyone else f'{searched:,} rows, drawn at random, were each'} compared "
        f"with all {n:,} rows by {space.metric.name}, in the arithmetic of float64."
    ]
    if not everyone:
        why = "as asked" if sample is not None else "as many as some ten seconds allow"
        lines.append(
            f"So many were drawn {why}; draw more with --sample, or sample=. Figures that rest on drawn rows come "
            "with the "
            "range that holds the figure of all rows with 95% confidence. Where a question compares drawn rows among "
            "themselves, or draws fewer, it says so."
        )
    if bad := len(asked.quality.bad_rows):
        lines.append(f"{counted(bad, 'row')} with NaN or infinite values took no part.")
    if asked.far_out:
        lines.append(f"{counted(asked.far_out, 'outlier was', 'outliers were')} set aside, as said there.")
    if asked.copies_out:
        lines.append(f"Of rows that are equal, one each took part: {n:,}.")
    lines.append(
        f"Drawn with seed {space.seed} by likewise {__version__}: the same rows, options and seed give the same "
        "figures."
    )
    return tuple(lines)
