"""What a report is made of: findings, each with the numbers and the picture behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from likewise.geometry import Estimate
from likewise.report.drawing import Plot

#: What a finding asks of its reader: do something, know it, or nothing.
Level = Literal["act", "note", "good"]
LEVELS: tuple[Level, ...] = ("act", "note", "good")


@dataclass(frozen=True)
class Finding:
    """One question about the rows, answered.

    Attributes
    ----------
    key : str
        What it is called in a program, and in the page's links: ``"hubs"``.
    title : str
        The question.
    verdict : str
        The answer, a sentence.
    level : {"act", "note", "good"}
    figures : dict of str to str
        The numbers behind the verdict, as they are shown; the first is the one that decided.
    meaning, action : str
        What the answer means for somebody who uses the vectors, and what to do about it.
    code : str
        A line or two of Python that does it, or nothing.
    sure : str
        From how many rows it was taken, and with what confidence.
    plot : Plot or None
    heads, rows
        A table for those who want all numbers, or nothing.
    numbers : dict
        The numbers for programs, under the names that :mod:`likewise.geometry` gives them.
    """

    key: str
    title: str
    verdict: str
    level: Level
    figures: Mapping[str, str]
    meaning: str
    action: str
    code: str = ""
    sure: str = ""
    plot: Plot | None = None
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def figure(self) -> str:
        """The number that decided, with its name."""
        return next((f"{name}: {value}" for name, value in self.figures.items()), "")

    @property
    def plot_svg(self) -> str:
        """The picture as SVG, or nothing where there is none."""
        return self.plot.svg(self.key) if self.plot else ""

    def as_dict(self) -> dict[str, Any]:
        """For programs: all but the picture."""
        return {
            "key": self.key,
            "title": self.title,
            "level": self.level,
            "verdict": self.verdict,
            "meaning": self.meaning,
            "action": self.action,
            "code": self.code,
            "sure": self.sure,
            "numbers": plain(dict(self.numbers)),
        }


def plain(value: Any) -> Any:
    """Numbers, arrays and estimates as JSON has them; what is no number there is null."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, Estimate):
        return plain(value.as_dict())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# ---- numbers as people read them


def number(value: float, digits: int = 3) -> str:
    """Three digits that count: ``0.0123``, ``4.57``, ``784``, ``60,000``.

    >>> number(0.012345), number(4.567), number(783.6), number(60000.0), number(0.0), number(1.2e-7)
    ('0.0123', '4.57', '784', '60,000', '0', '1.2e-07')
    """
    value = float(value)
    if not math.isfinite(value):
        return "no number"
    if value == round(value) or abs(value) >= 10**digits:
        return f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.{digits}g}"
    return f"{value:.{digits}g}"


def percent(value: float) -> str:
    """A share: ``41%``, ``0.2%``, ``99.7%``.

    >>> percent(0.41), percent(0.0016), percent(0.997), percent(1.0), percent(0.00001)
    ('41%', '0.2%', '99.7%', '100%', '0.001%')
    """
    if not math.isfinite(value):
        return "no number"
    share = 100 * value
    rest = min(abs(share), abs(100 - share))  # to the nearer end, whose digits count
    digits = 0 if rest >= 10 or rest == 0 else 1 if rest >= 0.1 else min(-math.floor(math.log10(rest)), 6)
    text = f"{share:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def ranged(value: Estimate, say: Any = number) -> str:
    """An estimate with its interval, where it has one: ``4.57 (4.3 to 4.9)``."""
    text = str(say(value.value))
    if value.low == value.high or not math.isfinite(value.low + value.high):
        return text
    low, high = str(say(value.low)), str(say(value.high))
    return text if low == high == text else f"{text} ({low} to {high})"


def drawn(*estimates: Estimate, of: str = "rows") -> str:
    """How sure a finding is: from all rows, or from drawn ones with an interval."""
    partial = [estimate for estimate in estimates if not estimate.complete]
    if not partial:
        return f"From all {estimates[0].total:,} {of}." if estimates else ""
    fewest = min(partial, key=lambda estimate: estimate.rows)
    return (
        f"From {fewest.rows:,} of {fewest.total:,} {of}, drawn at random. The ranges in brackets hold what all {of} "
        f"would give with {fewest.confidence:.0%} confidence."
    )


def cosine(value: float) -> str:
    """Two digits after the point, and no minus before nothing: ``0.45``, ``0.00``."""
    return f"{value:.2f}".replace("-0.00", "0.00")


def counted(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
