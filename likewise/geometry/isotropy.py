"""Whether rows point everywhere alike, or a few directions carry them.

With mean m, covariance C of d variances l_1 >= ... >= l_d along its principal axes:

    mean cosine       of two rows drawn: (|sum u|^2 - n) / (n (n - 1)), u the unit rows; 0 where they point everywhere
    mean share        |m|^2 / mean |x|^2: what of the rows' energy all of them have in common
    participation     (sum l)^2 / sum l^2, from 1 to d: how many axes would carry this, were they alike
    IsoScore          (participation - 1) / (d - 1): 1 for equal variances, 0 for a line
    effective rank    exp(-sum p ln p) with p = sqrt(l) / sum sqrt(l): axes by the entropy of singular values

IsoScore is Rudman, Gillman, Rayne & Eickhoff's (2022). They write l' = sqrt(d) l / |l|, the defect
D = |l' - 1| / sqrt(2 (d - sqrt(d))) and (d (d - D^2 (d - sqrt(d)))^2 / d^2 - 1) / (d - 1). Since |l' - 1|^2 =
2 d - 2 sqrt(d) sum(l) / |l|, the square is d participation, and the whole the line above. The effective rank is Roy &
Vetterli's (2007), the participation ratio older than its names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import topk
from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.geometry.estimate import Estimate, Floats, jackknife
from likewise.geometry.hubness import occurrences, skewness
from likewise.geometry.space import FEWEST, Space, whole
from likewise.transforms.moments import Moments, axes, blocks, exponent_of, merged, moments
from likewise.vectors import normalize_array

#: Rows that a covariance is taken of, at most, unless ``sample=`` says how many...
MOST = 100_000
#: ...and fewer where they are wide: products of numbers, some seconds of one core. Never below eight rows a dimension.
WORK = 1e11
#: Rows that :func:`top_directions` compares with each other, fewer above 800 dimensions.
POOL = 10_000
_DRAW, _POOL = 0x150, 0x70D  # the purposes of draws


@dataclass(frozen=True)
class Isotropy:
    """How evenly rows use their space.

    Attributes
    ----------
    d : int
    mean_cosine : Estimate
        Of two rows drawn.
    mean_share : Estimate
        |mean|^2 / mean |x|^2.
    isoscore, effective_rank, participation : Estimate
        Of the covariance. Of m drawn rows in d dimensions they are too small by some d / m of themselves.
    spectrum : ndarray of shape (d,)
        Variances along the principal axes, falling.
    shares_top : ndarray of shape (d,)
        The share of the variance that the first 1, 2, ... d axes have.
    zero_rows : int
        Rows drawn that point nowhere; the mean cosine leaves them out.
    """

    d: int
    mean_cosine: Estimate
    mean_share: Estimate
    isoscore: Estimate
    effective_rank: Estimate
    participation: Estimate
    spectrum: Floats
    shares_top: Floats
    zero_rows: int

    def axes_for(self, share: float) -> int:
        """How many principal axes have this share of the variance."""
        return int(np.searchsorted(self.shares_top, share - 1e-12) + 1)

    def as_dict(self) -> dict[str, Any]:
        """For programs; of the spectrum, the axes that half, 90% and 99% of the variance need."""
        names = ("mean_cosine", "mean_share", "isoscore", "effective_rank", "participation")
        told = {name: getattr(self, name).as_dict() for name in names}
        needed = {f"{share:.0%}": self.axes_for(share) for share in (0.5, 0.9, 0.99)}
        return {"d": self.d, **told, "axes_for": needed, "zero_rows": self.zero_rows}

    def __str__(self) -> str:
        rows = self.isoscore
        return (
            f"isotropy of {rows.rows:,} of {rows.total:,} rows in {self.d} dimensions\n"
            f"two rows drawn have a cosine of {self.mean_cosine}; their mean has {self.mean_share} of their energy\n"
            f"IsoScore {self.isoscore}, effective rank {self.effective_rank}, participation {self.participation}\n"
            f"half of the variance is on {self.axes_for(0.5)} axes, 90% on {self.axes_for(0.9)}, "
            f"99% on {self.axes_for(0.99)}"
        )


@dataclass(frozen=True)
class TopDirections:
    """Rows without their mean and largest directions: one entry for each of ``removed``.

    Attributes
    ----------
    metric : str
    k, rows, total, d : int
        Neighbours compared; rows compared with each other, of how many.
    removed : tuple of int
        Directions removed, with the mean; 0 is the rows as they are.
    mean_cosine, isoscore : ndarray
        As :func:`isotropy` has them, of what is left.
    skewness : ndarray
        Of the k-occurrences: how many lists of k nearest a row is in. Above 1 there are hubs.
    overlap : ndarray
        The share of a row's k nearest that stay.
    """

    metric: str
    k: int
    rows: int
    total: int
    d: int
    removed: tuple[int, ...]
    mean_cosine: Floats
    isoscore: Floats
    skewness: Floats
    overlap: Floats

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        names = ("mean_cosine", "isoscore", "skewness", "overlap")
        told = {name: [float(v) for v in getattr(self, name)] for name in names}
        return {name: getattr(self, name) for name in ("metric", "k", "rows", "total", "d")} | {
            "removed": list(self.removed),
            **told,
        }

    def __str__(self) -> str:
        lines = [
            f"without the largest directions: {self.rows:,} of {self.total:,} rows, {self.k} nearest by {self.metric}"
        ]
        columns = (self.removed, self.mean_cosine, self.isoscore, self.skewness, self.overlap)
        for count, cosine, score, skew, stay in zip(*columns, strict=True):
            lines.append(
                f"{count:>4}: mean cosine {cosine:6.3f}, IsoScore {score:.3f}, skewness of hubs {skew:5.2f}, "
                f"{stay:.0%} of neighbours stay"
            )
        return "\n".join(lines)


def isotropy(
    items: Any,
    *,
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Isotropy:
    """Whether all directions are used alike: mean direction, spectrum, and the usual figures that sum them up.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
        Of a space, the rows; its metric does not matter.
    on_bad, sample, seed, n_jobs, memory_limit, progress
        As for :class:`Space`. Default of ``sample``: 100,000 rows, fewer above 1,000 dimensions.

    Returns
    -------
    Isotropy
        Intervals of drawn rows are jackknifed, a tenth of the rows at a time.

    Raises
    ------
    InputError
        Where all rows are equal.

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.random.default_rng(0).standard_normal((4000, 16))
    >>> found = lw.geometry.isotropy(rows)
    >>> found.isoscore.value > 0.99, abs(found.mean_cosine.value) < 0.01
    (True, True)
    >>> lw.geometry.isotropy(rows + 5).mean_cosine.value > 0.9
    True
    """
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, sample=sample, seed=seed, **options)
    size = space.size(int(min(MOST, max(WORK / space.d**2, 8 * space.d))))
    numbers = space.draw(size, _DRAW)
    parts = _grouped(space, numbers)
    whole_ = _Sums.of(parts)
    spectrum = whole_.spectrum()
    if not spectrum[0] > 0:
        raise InputError(f"all {len(numbers):,} rows are equal; no direction has any variance")
    values = whole_.figures(spectrum)
    if len(parts) == 1:
        told = {name: Estimate.exact(value, space.n) for name, value in values.items()}
    else:
        left = [_Sums.of(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
        without = [sums.figures(sums.spectrum()) for sums in left]
        told = {
            name: jackknife(value, np.array([other[name] for other in without]), len(numbers), space.n)
            for name, value in values.items()
        }
    exponent = 2 * whole_.moments.exponent
    with np.errstate(over="ignore"):
        variances = np.ldexp(spectrum, exponent)
    return Isotropy(
        d=space.d,
        **told,
        spectrum=variances,
        shares_top=np.minimum(np.cumsum(spectrum) / spectrum.sum(), 1.0),
        zero_rows=len(numbers) - whole_.pointing,
    )


@dataclass(frozen=True)
class _Sums:
    """What the figures of some rows need: their moments, the sum of unit rows, and how many these are."""

    moments: Moments
    unit: Floats
    pointing: int

    @classmethod
    def of(cls, parts: list[_Sums]) -> _Sums:
        if len(parts) == 1:
            return parts[0]
        unit = np.sum([part.unit for part in parts], axis=0)
        return cls(merged([part.moments for part in parts]), unit, sum(part.pointing for part in parts))

    def spectrum(self) -> Floats:
        return np.asarray(np.maximum(np.linalg.eigvalsh(self.moments.covariance())[::-1], 0.0))

    def figures(self, spectrum: Floats) -> dict[str, float]:
        """All that :class:`Isotropy` has an interval for."""
        n, d = self.pointing, len(spectrum)
        mean = float(self.moments.mean @ self.moments.mean)
        energy = mean + float(spectrum.sum()) * (self.moments.n - 1) / self.moments.n
        participation = _participation(spectrum)
        return {
            "mean_cosine": (float(self.unit @ self.unit) - n) / (n * (n - 1)) if n > 1 else float("nan"),
            "mean_share": mean / energy if energy else float("nan"),
            "isoscore": _isoscore(participation, d),
            "effective_rank": effective_rank(spectrum),
            "participation": participation,
        }


def _grouped(space: Space, numbers: NDArray[np.int64]) -> list[_Sums]:
    """The sums of all rows as one group; of drawn ones in ten, or five where covariances are large."""
    groups = 1 if len(numbers) == space.n else 10 if space.d <= 1024 else 5
    exponent = exponent_of(space.rows, numbers)
    mixed = numbers if groups == 1 else np.random.default_rng([space.seed, _DRAW]).permutation(numbers)
    report = space.options["progress"]
    parts = []
    for group in np.array_split(mixed, groups):
        group = np.sort(group)
        unit, pointing = np.zeros(space.d), 0
        for block in blocks(space.rows, group):
            directions = normalize_array(block)
            unit += directions.sum(axis=0)
            pointing += int(directions.any(axis=1).sum())
        parts.append(_Sums(moments(space.rows, group, exponent=exponent), unit, pointing))
        if report is not None:
            report(len(parts), groups)
    return parts


def effective_rank(variances: Floats) -> float:
    """exp of the entropy of singular values, which go as the roots of variances (Roy & Vetterli 2007).

    Examples
    --------
    >>> round(effective_rank(np.array([4.0, 4.0, 4.0, 0.0])), 6)
    3.0
    """
    shares = np.sqrt(variances[variances > 0])
    shares = shares / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def _participation(variances: Floats) -> float:
    squares = float(variances @ variances)
    return float(variances.sum()) ** 2 / squares if squares else float("nan")


def _isoscore(participation: float, d: int) -> float:
    """1 where there is one dimension, which is used like all others."""
    return (participation - 1) / (d - 1) if d > 1 else 1.0


def top_directions(
    items: Any,
    remove: tuple[int, ...] = (0, 1, 2, 3, 5),
    k: int = 10,
    *,
    metric: Any = None,
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> TopDirections:
    """What is left without the mean and the largest directions: "all but the top" (Mu & Viswanath 2018).

    Word vectors share a mean and a few directions that say how frequent a word is, not what it means. Without them
    cosines spread, and hubs go. Whether that is wanted, the overlap tells: it is the price.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    remove : tuple of int
        How many directions; 0 is the rows as they are, 1 and more go with the mean. Mu & Viswanath take d / 100.
    k : int
        Neighbours compared.
    metric : str, Metric or function
        Default: the space's own, or cosine.
    on_bad, sample, seed, n_jobs, memory_limit, progress
        As for :class:`Space`. Default of ``sample``: 10,000 rows, which are compared with each other.

    Returns
    -------
    TopDirections
        Figures of the rows drawn, among themselves.

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.random.default_rng(0).standard_normal((500, 8)) + 3
    >>> found = lw.geometry.top_directions(rows, remove=(0, 1))
    >>> abs(found.mean_cosine).round(1).tolist(), found.overlap.tolist()[0]
    ([0.9, 0.0], 1.0)
    """
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    usual = None if isinstance(items, Space) else "cosine"
    space = Space.of(items, usual if metric is None else metric, sample=sample, seed=seed, **options)
    counts = tuple(whole(count, "remove", 0, "of directions") for count in remove)
    if not counts or max(counts) >= space.d:
        raise InputError(f"remove={remove!r}; one count at least is wanted, each below the {space.d} dimensions")
    numbers = space.draw(space.size(min(POOL, max((1 << 23) // space.d, FEWEST))), _POOL)
    k = whole(k, "k", 1, "of neighbours")
    if k >= len(numbers):
        raise InputError(f"k={k}, and a row has {len(numbers) - 1} others")
    rows = space.rows[numbers].astype(np.float64)
    found = moments(rows)
    mean = np.ldexp(found.mean, found.exponent)
    _, vectors = axes(found.covariance())
    results = []
    before: NDArray[np.int64] | None = None
    for count in (0, *counts):
        left = rows if not count else _without(rows, mean, vectors[:, :count])
        if count or before is None:
            lists = topk(left, None, k, metric=space.metric, **space.options).indices
        else:
            lists = before
        before = lists if before is None else before
        results.append(_measured(left, before, lists))
    columns = np.array(results[1:]).T
    return TopDirections(space.metric.name, k, len(numbers), space.n, space.d, counts, *columns)


def _without(rows: Floats, mean: Floats, directions: Floats) -> Floats:
    """x - m - V V'(x - m)."""
    centred = rows - mean
    return np.asarray(centred - (centred @ directions) @ directions.T)


def _measured(rows: Floats, before: NDArray[np.int64], lists: NDArray[np.int64]) -> tuple[float, float, float, float]:
    """Mean cosine, IsoScore, skewness of the k-occurrences, and the share of neighbours that stay."""
    unit = normalize_array(rows)
    pointing, total = int(unit.any(axis=1).sum()), unit.sum(axis=0)
    cosine = (float(total @ total) - pointing) / max(pointing * (pointing - 1), 1)
    spectrum = np.maximum(np.linalg.eigvalsh(moments(rows).covariance()), 0.0)
    stay = (lists[:, :, None] == before[:, None, :]).any(axis=2).mean()
    skew = skewness(occurrences(lists, len(rows)))
    return cosine, _isoscore(_participation(spectrum), rows.shape[1]), skew, float(stay)
