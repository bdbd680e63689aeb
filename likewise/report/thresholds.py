"""Where a verdict turns, each with the reason for that number: one table for the code, the page and the tests."""

from __future__ import annotations

from dataclasses import dataclass

from likewise.geometry.norms import EVERYWHERE


@dataclass(frozen=True)
class Threshold:
    """A number at which a verdict turns: what is measured, what is then said, and why there."""

    value: float
    measured: str
    said: str
    why: str

    def __float__(self) -> float:
        return self.value


MANY_COPIES = Threshold(
    0.1,
    "share of rows that equal an earlier one",
    "from here on: act; below, if there are any: know",
    "of ten neighbours one is then a copy, and tests on held-out rows meet rows they were fitted to",
)
OUTLYING = Threshold(
    0.5,
    "share of all squared distances from the middle that a few far rows have",
    "from here on: act; below: know",
    "means and principal axes are then more about these few than about all others",
)
FEW_ROWS = Threshold(
    30.0,
    "rows that took part",
    "below: all that is said is a hint",
    "a list of ten neighbours then holds a third of all rows, and no interval of a median is worth its name",
)
WIDE_COLUMN = Threshold(
    100.0,
    "spread of a column over that of the median column",
    "from here on: it decides distances alone",
    "squared, one such column outweighs 10,000 others",
)
STEADY_LENGTHS = Threshold(
    0.05,
    "standard deviation of the lengths over their mean",
    "up to here: lengths do not matter",
    "products then differ by 5% from cosines, less than neighbours differ among themselves",
)
SAME_RANKING = Threshold(
    0.95,
    "share of the k nearest by dot product that cosine finds, too",
    "from here on: the choice does not matter",
    "half a neighbour in ten, which is what rounding to 8 bits costs as well",
)
LONGEST_EVERYWHERE = Threshold(
    EVERYWHERE,
    "share of the k nearest by dot product that are among the longest hundredth of rows",
    "from here on: whether dot is better is left to labels, though lengths carry information",
    "twenty times their share: of GloVe's words it is 35%, and by dot 'red' is next to 'the', 'and' and 'my'",
)
LITTLE_CONTRAST = Threshold(
    1.3,
    "mean distance over distance to the nearest",
    "below: the nearest hardly stand out",
    "independent Gaussian coordinates have this contrast at some 200 dimensions and 10,000 rows",
)
CLEAR_CONTRAST = Threshold(
    2.0,
    "mean distance over distance to the nearest",
    "from here on: the nearest stand out",
    "the nearest is twice as near as a row picked at random",
)
SOME_HUBS = Threshold(
    1.0,
    "skewness of how often rows are among the k nearest of others",
    "below: no strong hubs; from here on: some",
    "random lists have 1/sqrt(k), 0.3 for ten neighbours; three times that is no accident of drawing",
)
STRONG_HUBS = Threshold(
    2.0,
    "skewness of how often rows are among the k nearest of others",
    "from here on: strong hubs",
    "the skewness of an exponential distribution: most rows in few lists or none, a few in very many",
)
FULL_RANK = Threshold(
    0.8,
    "effective rank, or intrinsic dimension, over d",
    "from here on: the rows fill their dimensions",
    "dropping a direction then loses what the others do not say",
)
LEANING = Threshold(
    0.25,
    "squared length of the mean vector over the mean squared length",
    "from here on: the rows lean to one side",
    "random pairs then have a cosine of about 0.25, twice the spread that 64 Gaussian coordinates give",
)
SMALL_LOSS = Threshold(
    0.005,
    "neighbours of the k nearest that codes lose",
    "the smallest code that loses less is named",
    "one neighbour in 200: below what another draw of queries changes",
)

#: All of them, as the page lists them.
TABLE: dict[str, Threshold] = {name: value for name, value in globals().items() if isinstance(value, Threshold)}
