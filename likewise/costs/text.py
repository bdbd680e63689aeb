"""Numbers and times for people; names that somebody may have meant."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence


def shape_text(shape: Sequence[int]) -> str:
    """3 x 3 x 2; "a number" for a scalar."""
    return " x ".join(f"{size:,}" for size in shape) if shape else "a number"


def count_text(count: float) -> str:
    """1.21 G: three digits, and thousands by their letter."""
    for unit in ("", " k", " M", " G", " T", " P", " E"):
        if abs(count) < 999.5 or unit == " E":
            break
        count /= 1000
    return f"{count:,.0f}{unit}" if not unit or abs(count) >= 99.95 else f"{count:,.3g}{unit}"


def size_text(count: float) -> str:
    """1.21 GB."""
    for unit in ("bytes", "KB", "MB", "GB", "TB", "PB"):
        if count < 999.5 or unit == "PB":
            break
        count /= 1000
    return f"{count:,.3g} {unit}"


def time_text(seconds: float) -> str:
    """3.4 ms: two or three digits with the unit that suits."""
    for unit, factor in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:,.3g} s" if seconds < 1e5 else f"{seconds / 86400:,.3g} days"


def ratio_text(ratio: float) -> str:
    """FLOPs a byte, a share: three digits."""
    return f"{ratio:,.3g}" if math.isfinite(ratio) and ratio < 1e6 else f"{ratio:.2g}"


def nearest(word: str, known: Iterable[str]) -> str:
    """What else may have been meant, for the end of a message."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table in plain text, the first ``left`` columns to the left."""
    cells = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]

    def line(row: list[str]) -> str:
        sized = enumerate(zip(row, widths, strict=True))
        return "  ".join(cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in sized).rstrip()

    return [line(row) for row in cells]
