"""Intrinsic dimension: how many free numbers would make rows that lie as these do, however many they have.

Around a point of a d-dimensional set, the share of rows within a radius r grows as r^d. Four readings of that law:

    twonn         mu = r_2 / r_1 of the two nearest has P(mu > t) = t^-d:  the slope of -ln(1 - F) over ln mu through 0
    mle           ln(r_k / r_j), j < k, are k - 1 exponential numbers of rate d:  1 / d = their mean
    local_pca     how many variances among the k nearest are not small beside the largest
    correlation   C(r), the share of pairs within r, grows as r^d:  d = ln(C(r_2) / C(r_1)) / ln(r_2 / r_1)

Sources: Facco, d'Errico, Rodriguez & Laio 2017; Levina & Bickel 2004, averaged by inverses as MacKay & Ghahramani 2005
say; Fukunaga & Olsen 1971 and Fan et al. 2010; Grassberger & Procaccia 1983 at the radii of Hino's R package ider.

All come out too low where the dimension is high: neighbours are then far, and see the edges of the set (10,000 rows of
a 50-dimensional Gaussian read as 34 by twonn, 31 by mle). A figure of 17 means "17 or somewhat more", and not 768.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.compute import within
from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.geometry.copies import first_equals
from likewise.geometry.estimate import Estimate, Floats, bootstrap
from likewise.geometry.space import Neighbours, Space, whole

#: Rows whose neighbourhoods are decomposed, unless ``sample=`` says how many: some seconds at k = 100.
NEIGHBOURHOODS = 2_000
#: The largest k of each method, unless said otherwise.
DEFAULTS = {"twonn": 2, "mle": 20, "local_pca": 100, "correlation": 20}
_PAIRS = 1 << 21  # pairs within a radius that are listed at a time, about: 48 MB
_ROUNDING = 1e-14  # of the median distance
_EUCLIDEAN = ("euclidean", "sqeuclidean")


@dataclass(frozen=True)
class Dimension:
    """Intrinsic dimension by one method.

    Attributes
    ----------
    method, metric : str
    value : Estimate
        Of the rows drawn, among all.
    local : ndarray of shape (s,)
        At each of ``rows``; NaN where all its neighbours are equally far, so that it has none.
    rows : ndarray of shape (s,)
        Numbers of the rows with a local value.
    d : int
        Numbers that a row has.
    k : int
        Neighbours looked at.
    copies : int
        Rows that repeat an earlier one in every number, and were taken out of the set.
    left_out : int
        Rows drawn, and left out because a neighbour is at distance 0.
    """

    method: str
    metric: str
    value: Estimate
    local: Floats
    rows: NDArray[np.int64]
    d: int
    k: int
    copies: int
    left_out: int

    def as_dict(self) -> dict[str, Any]:
        """For programs; local values by their quartiles."""
        held = self.local[np.isfinite(self.local)]
        quartiles = [float(q) for q in np.quantile(held, (0.25, 0.5, 0.75))] if len(held) else []
        names = ("method", "metric", "d", "k", "copies", "left_out")
        return {
            **{name: getattr(self, name) for name in names},
            "value": self.value.as_dict(),
            "local_quartiles": quartiles,
        }

    def __str__(self) -> str:
        lines = [f"intrinsic dimension {self.value} of {self.d}, by {self.method} under {self.metric}"]
        lines.append(f"from the {self.k} nearest of {len(self.rows):,} rows, among {self.value.total:,}")
        if quartiles := self.as_dict()["local_quartiles"]:
            lines.append(
                "locally {:.3g} (half of the rows: {:.3g} to {:.3g})".format(*(quartiles[i] for i in (1, 0, 2)))
            )
        if self.copies:
            lines.append(f"{self.copies:,} rows repeat earlier ones, and were taken out")
        if self.left_out:
            lines.append(f"{self.left_out:,} rows were left out: a neighbour is at distance 0")
        return "\n".join(lines)


class _Near(NamedTuple):
    """Neighbours of the rows drawn, none of them a copy, as distances; and what was taken out for that."""

    rows: NDArray[np.int64]
    distances: Floats
    indices: NDArray[np.int64]
    admitted: NDArray[np.bool_] | None  # all rows but copies, where there are any
    copies: int
    left_out: int
    total: int


class _Found(NamedTuple):
    """What a method says of the rows."""

    value: Estimate
    local: Floats


def intrinsic_dimension(
    items: Any,
    method: str = "twonn",
    *,
    metric: Any = None,
    k: int | None = None,
    duplicates: str = "merge",
    on_bad: str = "raise",
    sample: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
    **settings: Any,
) -> Dimension:
    """How many numbers would do, if they could be chosen freely: the dimension of the set that the rows lie in.

    Parameters
    ----------
    items : array_like of shape (n, d), or Space
    method : {"twonn", "mle", "local_pca", "correlation"}
    metric : str, Metric or function
        A distance (or cosine, as the chord between unit rows). Default: the space's own, or euclidean, which
        ``local_pca`` asks for.
    k : int, optional
        Neighbours looked at. Default: 20; 100 for ``local_pca``; ``twonn`` takes 2.
    duplicates : {"merge", "leave_out"}
        Whether rows that are equal count as one, or rows with a neighbour at distance 0 are left out, as
        scikit-dimension does. Either is counted in the result.
    on_bad, sample, seed, n_jobs, memory_limit, progress
        As for :class:`Space`.
    **settings
        Of one method:

        ``discard=0.1`` (twonn): the share of largest ratios that is not fitted, as the paper says.
        ``fit="line"`` (twonn): or "likelihood", where these are counted as censored (Denti et al. 2022).
        ``average="inverses"`` (mle): or "mean" or "median" of the local values.
        ``unbiased=False`` (mle): k - 2 for k - 1 above the sum, so that a local value is unbiased.
        ``rule="fukunaga_olsen"`` (local_pca): variances above ``threshold=0.05`` of the largest; or "fan", the first
        gap of 10 or 80% of the variance, less noise; "share", how many reach ``threshold=0.95`` of it;
        "participation", (sum)^2 / sum of squares.
        ``k_small=10`` (correlation): the smaller radius is the median distance to this neighbour.

    Returns
    -------
    Dimension
        Defaults are scikit-dimension's (TwoNN, MLE, lPCA in the 100 nearest, CorrInt), but for equal rows.

    Raises
    ------
    InputError
        Where distances do not tell: fewer than three rows that differ, or all distances equal.

    Examples
    --------
    A plane in nine dimensions.

    >>> import likewise as lw
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.random((1000, 2)) @ rng.standard_normal((2, 9))
    >>> found = lw.geometry.intrinsic_dimension(rows)
    >>> round(found.value.value, 1), found.d
    (1.9, 9)
    """
    if method not in _METHODS:
        raise InputError(f"method={method!r} is not known; it is one of {', '.join(_METHODS)}")
    if duplicates not in ("merge", "leave_out"):
        raise InputError(f"duplicates={duplicates!r} is not known; it is 'merge' or 'leave_out'")
    solve, known = _METHODS[method]
    for name in settings:
        if name not in known:
            raise InputError(f"{method} has no setting {name}=; it has {', '.join(known) or 'none'}")
    if k is not None and method == "twonn":
        raise InputError(f"k={k!r}: twonn looks at two neighbours; mle at more")
    options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress, "on_bad": on_bad}
    space = Space.of(items, metric, sample=sample, seed=seed, **options)
    space.require_distance()
    if method == "local_pca" and space.metric.name not in _EUCLIDEAN:
        raise InputError(f"local_pca decomposes rows themselves, so it is Euclid's; {space.metric.name} takes another")
    most = min(DEFAULTS[method], space.n - 1) if k is None else whole(k, "k", 2, "of neighbours")
    near = _nearest(space, most, duplicates, NEIGHBOURHOODS if method == "local_pca" else None)
    found: _Found = solve(space, near, **settings)
    return Dimension(
        method,
        space.metric.name,
        found.value,
        found.local,
        near.rows,
        space.d,
        near.distances.shape[1],
        near.copies,
        near.left_out,
    )


# ---- neighbours, copies apart


def _nearest(space: Space, k: int, duplicates: str, most: int | None) -> _Near:
    """The k nearest of rows drawn (``most`` of them), all at a distance above 0."""
    size = space.sample_size if most is None else space.size(min(most, space.sample_size))
    found = space.neighbours(k) if size == space.sample_size else _search(space, space.draw(size), k, None)
    distances = _distances(space, found)
    admitted, copies = None, 0
    if duplicates == "merge" and (distances[:, 0] == 0).any():
        first = first_equals(space.rows) == np.arange(space.n)
        copies = int(space.n - first.sum())
        if copies:
            admitted, numbers = first, np.flatnonzero(first)
            if len(numbers) < 3:
                raise InputError(f"items have {len(numbers)} rows that differ; a dimension shows in 3 at least")
            k = min(k, len(numbers) - 1)
            drawn = Space.draw_of(numbers, size, space.seed)
            found = _search(space, drawn, k, first)
            distances = _distances(space, found)
    kept = distances[:, 0] > 0
    if kept.sum() < 3:
        raise InputError(
            f"{space.metric.name} finds another row at distance 0 from all but {int(kept.sum())} of {len(kept):,}; "
            "a dimension needs distances that differ: deduplicate the items, or take another metric"
        )
    return _Near(
        found.rows[kept],
        distances[kept],
        found.indices[kept],
        admitted,
        copies,
        out := int((~kept).sum()),
        space.n - copies - (out if len(kept) == space.n - copies else 0),
    )


def _distances(space: Space, found: Neighbours) -> Floats:
    """As the space has them; 0 where they are only rounding, as of rows that point alike but for the last digit."""
    distances = space.distances_of(found)
    return np.where(distances > _ROUNDING * np.median(distances), distances, 0.0)


def _search(space: Space, numbers: NDArray[np.int64], k: int, admitted: NDArray[np.bool_] | None) -> Neighbours:
    """The k nearest others of these rows, among those admitted."""
    if admitted is None:
        itself = (np.arange(len(numbers) + 1), numbers)
        listed = space.search(numbers, k, where=itself)
        return Neighbours(numbers, listed.values, listed.indices)
    found = space.search(numbers, k + 1, where=admitted)
    own = found.indices == numbers[:, None]
    own[~own.any(axis=1), -1] = True  # k + 1 others at distance 0 are before it
    return Neighbours(numbers, found.values[~own].reshape(-1, k), found.indices[~own].reshape(-1, k))


# ---- the methods


def _twonn(space: Space, near: _Near, *, discard: float = 0.1, fit: str = "line") -> _Found:
    """Facco et al. 2017: with mu_1 <= ... <= mu_N and F = i / N, least squares of y = d x on those not discarded.

        x = ln mu,   y = -ln(1 - F)   =>   d = sum x y / sum x^2

    Locally ln 2 / ln mu: half of the ratios are above 2^(1/d), so its median is d.
    """
    if not 0 <= discard < 1 or (discard == 0 and fit == "line"):
        raise InputError(f"discard={discard!r}; a share below 1 is wanted, above 0 for fit='line'")
    if fit not in ("line", "likelihood"):
        raise InputError(f"fit={fit!r} is not known; it is 'line' or 'likelihood'")
    logs = _logs(near.distances[:, 1], near.distances[:, 0])

    def line(drawn: Floats) -> float:
        n = len(drawn)
        x = np.sort(drawn)[: int(n * (1 - discard))]
        y = -np.log1p(-np.arange(1, len(x) + 1) / n)
        return _ratio(float(x @ y), float(x @ x))

    def likelihood(drawn: Floats) -> float:
        n, x = len(drawn), np.sort(drawn)[: int(len(drawn) * (1 - discard))]
        return _ratio(len(x) - 1, float(x.sum() + (n - len(x)) * x[-1]))

    if int(len(logs) * (1 - discard)) < 2:
        raise InputError(f"discard={discard!r} leaves fewer than 2 of {len(logs)} rows; discard less")
    value = bootstrap(line if fit == "line" else likelihood, logs, near.total, seed=space.seed)
    return _Found(_told(value, near), _local(np.log(2.0), logs))


def _mle(space: Space, near: _Near, *, average: str = "inverses", unbiased: bool = False) -> _Found:
    """Levina & Bickel 2004: at a row, 1 / d = sum over j < k of ln(r_k / r_j) / (k - 1).

    The inverses are averaged, which is the likelihood's maximum for one dimension everywhere (MacKay & Ghahramani).
    """
    k = near.distances.shape[1]
    above = k - 2 if unbiased else k - 1
    if above < 1:
        raise InputError(f"k={k} is too small for mle{' with unbiased=True' if unbiased else ''}; take 10 or 20")
    sums = _logs(near.distances[:, -1:], near.distances).sum(axis=1)
    averages: dict[str, Callable[[Floats], float]] = {
        "inverses": lambda drawn: _ratio(above, float(drawn.mean())),
        "mean": lambda drawn: float(np.nanmean(_local(above, drawn))),
        "median": lambda drawn: float(np.nanmedian(_local(above, drawn))),
    }
    if average not in averages:
        raise InputError(f"average={average!r} is not known; it is one of {', '.join(averages)}")
    if not sums.any():
        raise InputError(_equal(near))
    value = bootstrap(averages[average], sums, near.total, seed=space.seed)
    return _Found(_told(value, near), _local(above, sums))


def _local_pca(space: Space, near: _Near, *, rule: str = "fukunaga_olsen", threshold: float | None = None) -> _Found:
    """How many principal axes the k nearest of a row have, the row itself apart; then the mean over rows."""
    if rule not in _RULES:
        raise InputError(f"rule={rule!r} is not known; it is one of {', '.join(_RULES)}")
    usual = _RULES[rule][1]
    if threshold is not None and (usual is None or not 0 < threshold < 1):
        raise InputError(f"threshold={threshold!r}; {rule} takes {'none' if usual is None else 'a share from 0 to 1'}")
    share = usual if threshold is None else threshold
    count = _RULES[rule][0]
    report = space.options["progress"]
    local = np.empty(len(near.rows))
    for i, nearest in enumerate(near.indices):
        local[i] = count(_variances(space.floats(nearest)), share)
        if report is not None and i % 100 == 99:
            report(i + 1, len(local))
    return _Found(
        _told(bootstrap(lambda drawn: float(np.mean(drawn)), local, near.total, seed=space.seed), near), local
    )


def _correlation(space: Space, near: _Near, *, k_small: int = 10) -> _Found:
    """Grassberger & Procaccia 1983 between two radii, the median distances to two neighbours; pairs closer than each.

    Pairs are of the rows drawn with all. The interval is that of the rows drawn anew, at these radii. Locally
    ln(k / k_small) / ln(r_k / r_k_small), the same slope around one row.
    """
    k = near.distances.shape[1]
    small = whole(k_small, "k_small", 1)
    if small >= k:
        raise InputError(f"k_small={k_small!r} is not below k={k}; two radii are wanted")
    ends = near.distances[:, [small - 1, k - 1]]
    radii = np.median(ends, axis=0)
    if not radii[0] < radii[1]:
        raise InputError(_equal(near))
    counts = _closer(space, near, radii)
    step = float(np.log(radii[1] / radii[0]))

    def slope(drawn: NDArray[Any]) -> float:
        inner, outer = drawn.sum(axis=0)
        return float(np.log(outer / inner)) / step if inner else float("nan")

    if not counts[:, 0].any():
        raise InputError(_equal(near))
    value = bootstrap(slope, counts, near.total, seed=space.seed)
    return _Found(_told(value, near), _local(np.log(k / small), _logs(ends[:, 1], ends[:, 0])))


def _closer(space: Space, near: _Near, radii: Floats) -> NDArray[np.int64]:
    """How many others are closer to each row than each of two radii, rising; (s, 2)."""
    name = space.metric.name
    limit = float(radii[1])
    radius = 1 - limit**2 / 2 if name == "cosine" else limit**2 if name == "sqeuclidean" else limit
    widened = radius + (-1e-9 if name == "cosine" else 1e-9 * abs(radius))  # the boundary is told below
    options = space.options | {"progress": None}
    report = space.options["progress"]
    counts = np.zeros((len(near.rows), 2), np.int64)
    items = space.items_for(len(near.rows))
    first, step = 0, 64
    while first < len(near.rows):
        part = near.rows[first : first + step]
        where = (np.arange(len(part) + 1), part) if near.admitted is None else near.admitted
        found = within(space.rows[part], items, widened, metric=space.metric, where=where, **options)
        owner = np.repeat(np.arange(len(part)), np.diff(found.offsets))
        other = found.indices != part[owner]
        owner = owner[other]
        distances = _as_distances(name, found.values[other])
        for column, limit in enumerate(radii):
            counts[first : first + len(part), column] = np.bincount(owner[distances < limit], minlength=len(part))
        first += len(part)
        step = int(np.clip(_PAIRS * len(part) // (4 * len(found.values) + 1), 64, 4 * step))
        if report is not None:
            report(first, len(near.rows))
    return counts


def _as_distances(name: str, values: Floats) -> Floats:
    """What a metric of this name found, as :meth:`Space.distances` has it."""
    if name == "cosine":
        return np.sqrt(np.maximum(2 - 2 * values, 0))
    return np.asarray(np.sqrt(values) if name == "sqeuclidean" else values)


# ---- variances among neighbours


def _variances(rows: Floats) -> Floats:
    """Variances along the principal axes of (k, d) rows, falling, min(k, d) of them: of the smaller product."""
    centred = rows - rows.mean(axis=0)
    largest = float(np.abs(centred).max())
    if largest:
        centred = np.ldexp(centred, -int(np.frexp(largest)[1]))
    product = centred @ centred.T if len(rows) < rows.shape[1] else centred.T @ centred
    return np.maximum(np.linalg.eigvalsh(product)[::-1], 0.0)


def _above(variances: Floats, share: float | None) -> float:
    """Fukunaga & Olsen 1971: those above a share of the largest."""
    return float((variances > float(share or 0) * variances[0]).sum())


def _reach(variances: Floats, share: float | None) -> float:
    """As many as reach a share of the sum."""
    sums = np.cumsum(variances)
    return float((sums < float(share or 0) * sums[-1]).sum() + 1)


def _participation(variances: Floats, _: float | None) -> float:
    """(sum)^2 / sum of squares."""
    return float(variances.sum() ** 2 / (variances**2).sum()) if variances[0] else 0.0


def _fan(variances: Floats, _: float | None) -> float:
    """Fan et al. 2010: less noise, the mean of what is beyond 95%, the first before a gap of 10 or that reaches 80%."""
    total = float(variances.sum())
    if not total:
        return 0.0
    noise = variances[np.flatnonzero(np.cumsum(variances) / total > 0.95)[0] :].mean()
    left = variances - noise
    with np.errstate(divide="ignore", invalid="ignore"):  # the last ones are noise alone, and may be 0
        ends = (left[:-1] / left[1:] > 10) | (np.cumsum(left) / left.sum() > 0.8)[:-1]
    return float(1 + (np.flatnonzero(ends)[0] if ends.any() else len(left) - 1))


_RULES: dict[str, tuple[Callable[[Floats, float | None], float], float | None]] = {
    "fukunaga_olsen": (_above, 0.05),
    "share": (_reach, 0.95),
    "participation": (_participation, None),
    "fan": (_fan, None),
}
_METHODS: dict[str, tuple[Callable[..., _Found], tuple[str, ...]]] = {
    "twonn": (_twonn, ("discard", "fit")),
    "mle": (_mle, ("average", "unbiased")),
    "local_pca": (_local_pca, ("rule", "threshold")),
    "correlation": (_correlation, ("k_small",)),
}


# ---- small things


def _logs(far: Floats, close: Floats) -> Floats:
    """ln(far / close), without the quotient's overflow."""
    return np.asarray(np.log(far) - np.log(close))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def _local(above: float, below: Floats) -> Floats:
    """above / below, and NaN where that is 0."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


def _told(value: Estimate, near: _Near) -> Estimate:
    """The estimate, if it is a number."""
    if not np.isfinite(value.value):
        raise InputError(_equal(near))
    return value


def _equal(near: _Near) -> str:
    return (
        f"the {near.distances.shape[1]} nearest of {len(near.rows):,} rows are as far as each other; "
        "a dimension needs distances that differ: another k, or another metric"
    )
