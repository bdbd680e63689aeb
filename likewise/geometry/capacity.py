"""How many things d dimensions can hold: two rules of thumb, each with what it takes for granted.

**Words.** A skip-gram model says that words i and j meet with probability exp(u_i . v_j) / Z. If their vectors lie
anywhere on the sphere of radius sqrt(n), then with N words and the angle t between two of them,

    entropy of a pair  =  2 ln N + ln E[exp(n cos t)] - E[n cos t exp(n cos t)] / E[exp(n cos t)]

t has density ~ sin^(n-2), so the integrand is exp(n (ln sin t + cos t)), largest at cos t = (sqrt(5) - 1) / 2, where
ln sin t = -0.2406: the entropy is 2 ln N - 0.2406 n. It cannot be negative, and where the formula says so, N samples
are too few to fill the n dimensions: room is ample from  n = 2 / 0.24 ln N = 8.33 ln N  on  (Jianlin Su 2020; 8.31
without rounding the 0.24).

**Retrieval.** With documents and queries of d free coordinates each, trained on the very test by gradients, Weller,
Boratko, Naim & Lee (2025, "On the Theoretical Limitations of Embedding-Based Retrieval", LIMIT) raised the number of
documents until some pair of them could not be made the top 2 of any query, for d up to 45, and fitted

    documents  =  -10.5322 + 4.0309 d + 0.0520 d^2 + 0.0037 d^3
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from likewise.geometry.space import whole

_ENTROPY = 8.33
_LIMIT = (-10.5322, 4.0309, 0.0520, 0.0037)
_FITTED = 45  # the largest d that the polynomial has seen

ASSUMPTIONS = (
    "8.33 ln N: skip-gram word vectors of norm sqrt(d), spread evenly over directions; enough room, not quality",
    "LIMIT: every pair of items is the top 2 of some query, by dot product; vectors free, trained on the test itself, "
    f"so that no model does better; fitted up to d = {_FITTED}, beyond that extrapolated",
)


@dataclass(frozen=True)
class Capacity:
    """What d dimensions hold, by two rules; ``assumptions`` says what each takes for granted.

    ``entropy_dimensions`` are enough for ``items`` words, and ``enough`` says whether ``d`` has them. ``limit_items``
    is the number of items of which d dimensions can return any two, ``any_two`` whether ``items`` are no more, and
    ``limit_dimensions`` the fewest dimensions that could.
    """

    d: int
    items: int
    entropy_dimensions: float
    enough: bool
    limit_items: float
    any_two: bool
    limit_dimensions: int
    extrapolated: bool
    assumptions: tuple[str, ...] = ASSUMPTIONS

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {"assumptions": list(self.assumptions)}

    def __str__(self) -> str:
        room = "has room for" if self.enough else "is short of room for"
        pairs = "can" if self.any_two else "cannot"
        far = ", extrapolated" if self.extrapolated else ""
        return "\n".join(
            [
                f"d = {self.d:,} {room} {self.items:,} words: 8.33 ln N = {self.entropy_dimensions:.1f} dimensions",
                f"any two of {self.items:,} items {pairs} be the top 2 of a query: up to {self.limit_items:,.0f} items "
                f"at d = {self.d:,}{far}; {self.items:,} take d = {self.limit_dimensions:,}",
                *(f"assumed for {line}" for line in self.assumptions),
            ]
        )


def entropy_dimensions(vocabulary: int) -> float:
    """Dimensions with ample room for skip-gram vectors of so many words: 8.33 ln N (Jianlin Su 2020).

    Examples
    --------
    >>> round(entropy_dimensions(100_000)), round(entropy_dimensions(10**7))
    (96, 134)
    """
    return _ENTROPY * math.log(whole(vocabulary, "vocabulary", 1, "of words"))


def limit_items(d: int) -> float:
    """Items of which d dimensions can return any two, by a fit up to d = 45 (Weller et al. 2025); never below 2.

    Examples
    --------
    >>> round(limit_items(32)), round(limit_items(1024))
    (293, 4031488)
    """
    d = whole(d, "d", 1, "of dimensions")
    try:
        return max(2.0, sum(factor * float(d) ** power for power, factor in enumerate(_LIMIT)))
    except OverflowError:
        return math.inf


def capacity(d: int, items: int) -> Capacity:
    """Whether d dimensions hold so many items, by the entropy rule for words and by the LIMIT fit for retrieval.

    Parameters
    ----------
    d : int
        Dimensions of the vectors.
    items : int
        How many there are.

    Returns
    -------
    Capacity

    Raises
    ------
    InputError
        Unless both are whole numbers of at least 1.

    Examples
    --------
    >>> found = capacity(384, 1_000_000)
    >>> found.enough, found.any_two, found.limit_dimensions
    (True, False, 642)
    """
    d, items = whole(d, "d", 1, "of dimensions"), whole(items, "items", 1)
    words, most = entropy_dimensions(items), limit_items(d)
    needed = _limit_dimensions(items)
    return Capacity(d, items, words, d >= words, most, items <= most, needed, max(d, needed) > _FITTED)


def _limit_dimensions(items: int) -> int:
    """The least d with ``limit_items(d) >= items``, by bisection: the polynomial rises."""
    low, high = 0, 1
    while limit_items(high) < items:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if limit_items(middle) >= items else (middle, high)
    return high
