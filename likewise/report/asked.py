"""What the questions of a report share: the rows, the caller's names for them, and the searches made so far."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import geometry
from likewise.geometry import Space

_FEWEST = 20_000  # rows that neighbours are looked for among, whatever they take


@dataclass
class Asked:
    """Rows under one metric, and what is known of them.

    ``names`` are what the caller calls rows, ``columns`` the columns, ``labels`` one label a row of the file; each may
    be absent. Numbers of rows are the file's. The space is without what was set aside: ``far_out`` rows far off all
    others, and ``copies_out`` copies.
    """

    space: Space
    k: int
    quality: geometry.Quality
    names: Sequence[Any] | None = None
    columns: Sequence[str] = ()
    labels: Any = None
    far_out: int = 0
    copies_out: int = 0

    @property
    def all_listed(self) -> bool:
        """Whether every row's list has all others in it, so that no list says anything."""
        return self.k >= self.space.n - 1

    @functools.cached_property
    def isotropy(self) -> geometry.Isotropy:
        """How evenly the rows use their space, which two questions ask."""
        return geometry.isotropy(self.space)

    @functools.cached_property
    def distances(self) -> Space:
        """The space by a distance: its own metric, or cosine's chord for products, or Euclid's for other likenesses."""
        if self.space.metric.closer == "smaller" or self.space.metric.name == "cosine":
            return self.space
        return self.space.under("euclidean")

    @property
    def by_distance(self) -> str:
        """How distances are called in a sentence, and why another than the caller's is taken where one is."""
        known, own = self.distances.metric.name, self.space.metric.name
        if known == own:
            return ""
        return f" {own} says how alike rows are, not how far apart: distances are measured by {known}."

    @property
    def complete_labels(self) -> Any:
        """The labels, where every row has one."""
        if self.labels is None or any(label is None or label != label or label == "" for label in self.labels.tolist()):
            return None
        return self.labels

    def among(self, most: int) -> Space:
        """The space, or so many bytes of its rows, drawn: where a question would take another copy of them all.

        A search by cosine keeps rows of length 1 in float32 beside the caller's.
        """
        space = self.space
        rows = max(_FEWEST, most // (4 * space.d))
        if space.n <= rows:
            return space
        numbers = space.draw(rows, purpose=0xA5)
        return space.only(numbers, min(space.sample_size, rows))

    def row(self, number: int) -> str:
        """What a row is called: ``row 17``, or ``Alien (row 17)``."""
        if self.names is None:
            return f"row {number:,}"
        return f"{shortened(str(self.names[number]))} (row {number:,})"

    def column(self, number: int) -> str:
        """What a column is called: ``column 3``, or ``'income'``."""
        if number < len(self.columns) and len(self.columns) == self.quality.d:
            return repr(shortened(self.columns[number]))
        return f"column {number:,}"

    def some(self, numbers: NDArray[np.int64], call: Any, most: int = 5) -> str:
        """The first few, by name: ``row 3, row 17 and 12 more``."""
        shown = ", ".join(call(int(number)) for number in numbers[:most])
        rest = len(numbers) - most
        return shown + (f" and {rest:,} more" if rest > 0 else "")


def shortened(text: str, most: int = 40) -> str:
    """A name that leaves room for the sentence around it."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
