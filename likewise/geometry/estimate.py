"""A number with what is known of its error: how many rows it was taken from, and an interval if these were drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Of the intervals, unless said otherwise.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """``value`` from ``rows`` of ``total`` rows; ``low`` to ``high`` holds what all would give, with ``confidence``.

    All rows give the value itself: ``low == value == high``, and ``confidence`` 1.
    """

    value: float
    low: float
    high: float
    rows: int
    total: int
    confidence: float = CONFIDENCE

    @property
    def complete(self) -> bool:
        """Whether it is of all rows."""
        return self.rows >= self.total

    @classmethod
    def exact(cls, value: float, rows: int) -> Estimate:
        """Of all rows."""
        return cls(float(value), float(value), float(value), rows, rows, 1.0)

    def __float__(self) -> float:
        return self.value

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def __str__(self) -> str:
        if self.complete or not math.isfinite(self.low + self.high):
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


def bootstrap(
    statistic: Callable[[NDArray[Any]], float],
    sample: NDArray[Any],
    total: int,
    *,
    seed: int,
    resamples: int = 200,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A statistic of drawn rows, with the interval that drawing them anew gives (Efron 1979).

    Parameters
    ----------
    statistic : function of an array (rows, ...) that gives a number
    sample : ndarray of shape (rows, ...)
        One entry for each drawn row. As many as ``total``: the answer is exact, and nothing is drawn.
    total : int
        Rows there are.
    seed : int
    resamples : int
        How often the sample is drawn anew.
    confidence : float
        Of the percentile interval.

    Examples
    --------
    >>> found = bootstrap(np.mean, np.arange(100.0), 1000, seed=0)
    >>> found.value, found.low < 49.5 < found.high
    (49.5, True)
    """
    value = float(statistic(sample))
    rows = len(sample)
    if rows >= total:
        return Estimate.exact(value, total)
    rng = np.random.default_rng([seed, 0xB007])
    again = np.array([statistic(sample[rng.integers(0, rows, rows)]) for _ in range(resamples)])
    again = again[~np.isnan(again)]
    if not len(again):
        return Estimate(value, math.nan, math.nan, rows, total, confidence)
    with np.errstate(invalid="ignore"):  # of infinite values: the interval is then no number
        low, high = np.quantile(again, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value), rows, total, confidence)


def proportion(shares: NDArray[np.float64], trials: int, total: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of each drawn row's share of hits among ``trials``, with Wilson's score interval (1927).

    With shares s of n rows and their mean p, as many independent hits as would vary alike stand for the rows (Kish's
    design effect, 1965): p (1 - p) / var(s) a row, from 1 (a row hits always or never) to ``trials`` (its hits know
    nothing of one another). p and var(s) count one more row that missed once, so that rows without a miss are not taken
    for a proof.

    Parameters
    ----------
    shares : ndarray of shape (rows,)
        From 0 to 1.
    trials : int
        Of each row, such as the k of recall@k.
    total : int
        Rows there are. As many as were drawn: the answer is exact.
    confidence : float

    Examples
    --------
    >>> print(proportion(np.array([1.0] * 90 + [0.0] * 10), 1, 1000))
    0.9 (0.8256 to 0.9448)
    """
    value, rows = float(shares.mean()), len(shares)
    if rows >= total:
        return Estimate.exact(value, total)
    low, high = wilson(value, rows * _worth(shares, trials), confidence)
    return Estimate(value, min(low, value), max(high, value), rows, total, confidence)


def _worth(shares: NDArray[np.float64], trials: int) -> float:
    """How many independent hits or misses a row stands for."""
    if trials == 1:
        return 1.0
    more = np.append(shares, max(float(shares.mean()) - 1 / trials, 0.0))
    p, variance = float(more.mean()), float(more.var())
    return min(max(p * (1 - p) / variance, 1.0), float(trials)) if variance > 0 else 1.0


def wilson(value: float, count: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """What a share of ``count`` independent hits or misses may be in truth (Wilson 1927)."""
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = (value + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(z2 * (value * (1 - value) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)


#: Student's t that 97.5% of draws stay below, by degrees of freedom.
_T = {4: 2.776, 9: 2.262}


def jackknife(value: float, without: NDArray[np.float64], rows: int, total: int) -> Estimate:
    """A statistic of drawn rows, with the interval of its values without each of some groups of them (Tukey 1958).

    For what is too dear to be computed two hundred times: ``without`` has the g values that leave out one of g groups
    of equal size, drawn by chance; the error is sqrt((g - 1) / g sum (without - mean)^2), and the interval Student's,
    of g - 1 degrees of freedom. g is 5 or 10, and the confidence :data:`CONFIDENCE`.
    """
    if rows >= total:
        return Estimate.exact(value, total)
    g = len(without)
    half = _T[g - 1] * float(np.sqrt((g - 1) * np.var(without)))
    return Estimate(float(value), float(value) - half, float(value) + half, rows, total)
