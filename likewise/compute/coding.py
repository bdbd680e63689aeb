"""Whether a search goes through 8-bit codes first, and which: what each way costs, from this machine's rates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from likewise.formula.codes import Coding, kind_of, rule_of
from likewise.formula.expr import Y
from likewise.formula.metric import Metric
from likewise.formula.screen import Rows, Screen
from likewise.plan import DEFAULT_MEMORY, Outlook, coding_seconds, float_seconds, scan_seconds

if TYPE_CHECKING:
    from likewise.backends.llvm.codes import CodedItems
    from likewise.backends.llvm.rows import Side

#: Fewer items than this are compared before a sample of them is drawn.
FEW_ITEMS = 2048
#: Vectors of fewer coordinates gain nothing: what follows a pair's coordinates costs as much as they do.
FEW_COORDINATES = 16
#: Sums of products of bytes stay in 32 bits up to here.
MANY_COORDINATES = 65_000
#: A one-shot search of less work than this (pair-dimensions) is over before a choice would be made.
SMALL_WORK = 2e9
#: Items are prepared for searches of so many neighbours, more or less.
USUAL_K = 10


def may_code(metric: Metric, screen: Screen, m: int, d: int, k: int) -> str | None:
    """The rule by which codes can screen this search, if there is one and the search is of a size to gain by it."""
    if m < max(FEW_ITEMS, 32 * k) or not FEW_COORDINATES <= d <= MANY_COORDINATES:
        return None
    return rule_of(metric, screen)


#: Bytes of a row at its most, beside its codes: seven float64 numbers as it is coded, then five of each part, three of
#: each level, and three float32 ones that the scan reads.
_NUMBERS, _PART_NUMBERS = 72, 88
#: Copies of a sample, in float64, that are made while it is learnt from.
_SAMPLE_COPIES = 9


def coded_bytes(coding: Coding | None, items: Side, screen: Screen) -> int:
    """Memory that coded items take, at its most; None: coded as they are, without a rotation.

    Row by row and in panels, with what is known of each row; and float32 rows, where there are none yet.
    """
    d = items.d
    widths, panel, slab = [d], d, 0
    if coding is not None:
        widths, panel = [part.d for part in coding.parts], coding.parts[0].d
        widths += [] if coding.exact is None or coding.exact_at_once else [d]
        if coding.basis is not None:  # coordinates made and cut some thousand rows at a time
            rows = min(items.n, max(256, 8_000_000 // d))
            slab = rows * (8 * d + 16 * coding.basis.shape[1])
    row = sum(-(-width // 64) * 64 + _PART_NUMBERS for width in widths) + panel + _NUMBERS
    ready = items.dtype == "float32" and screen.core.v == Y and screen.scale_y is None
    whole = items.known.whole and screen.core.v == Y and screen.scale_y is None  # scored in integers, more likely
    return items.n * (row + (0 if ready or whole else 4 * d)) + slab


def choose_coding(
    metric: Metric, screen: Screen, items: Side, k: int, n: int | None, threads: int, memory: int | None = None
) -> tuple[Coding, Outlook] | None:
    """The best coding of these items, or None where floating point is faster, or codes would take too much ``memory``.

    ``n`` queries will come; None: as many as there may be, and what coding costs does not count.
    """
    from likewise import rates
    from likewise.backends.llvm import learn
    from likewise.backends.llvm.rows import Packer, take
    from likewise.backends.llvm.target import current

    rule = may_code(metric, screen, items.n, items.d, k)
    if rule is None:
        return None
    m, d = items.n, items.d
    if n is not None and n * m * d < SMALL_WORK:
        return None
    rate, integer = rates.known_rate(metric), rates.integer_rate(kind_of(rule))
    direct = float_seconds(n or 1, m, d, rate)
    if n is not None and coding_seconds(m, d) + float_seconds(n, m, d, integer) > direct:
        return None
    if memory is not None and coded_bytes(None, items, screen) > memory:
        return None
    # learning principal axes pays in the long run, or for very many queries
    turned = n is None or float_seconds(n, m, d, integer) > 3.0
    target = current()
    fits = (memory or 2 * DEFAULT_MEMORY) // (8 * d * _SAMPLE_COPIES)
    some = take(items, learn.sample_rows(m, min(learn.SAMPLE if turned else learn.SMALL_SAMPLE, max(fits, 256))))
    made = Packer(some, "y", screen.core.v, screen.scale_y, "f64", 1).pack(0, some.n, threads)
    sample = np.asarray(made).reshape(some.n, -1)
    if (undefined := np.isnan(sample).any(axis=1)).any():  # as of rows of zeros, divided by their length
        sample = sample[~undefined]
        if len(sample) < some.n // 2:
            return None
    plain = screen.core.v == Y and screen.scale_y is None
    known = items.known if plain else Rows(False, False, items.known.low, items.known.high)
    side = replace(items, known=known)
    found = learn.outlooks(rule, side, sample, k, target, threads, turned=turned)
    once = 0.0 if n is None else coding_seconds(m, d)

    def seconds(outlook: Outlook) -> float:
        return scan_seconds(n or 1, m, outlook, integer) + once

    least = min(seconds(outlook) for outlook, _ in found)
    # of those about as quick, the shortest scan: one query at a time waits for memory
    quick = [pair for pair in found if seconds(pair[0]) <= 1.15 * least]
    outlook, coding = min(quick, key=lambda pair: (pair[0].coordinates, seconds(pair[0])))
    flat, first = found[0]
    if not isinstance(coding, Coding) and seconds(outlook) > 0.8 * seconds(flat):
        outlook, coding = flat, first  # without structure: cutting does not pay
    if seconds(outlook) > 0.9 * direct:
        return None
    if not isinstance(coding, Coding):
        coding = learn.energy_first(rule, side, sample, target, coding)
    if memory is not None and coded_bytes(coding, items, screen) > memory:
        return None
    return coding, outlook


def code(screen: Screen, items: Side, coding: Coding, threads: int) -> CodedItems:
    """The items, coded."""
    from likewise.backends.llvm.codes import code_items

    return code_items(items, screen.core.v, screen.scale_y, coding, threads)
