"""From the caller's arrays to sides that the engine can pack: measured, checked, transformed.

The compiled engine is imported inside functions, so that ``import likewise`` loads NumPy and nothing heavier.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, BitBatch, broadcast_lead
from likewise.compute.options import Options, caller_level, physical_memory
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.formula.bits import counts_of
from likewise.formula.expr import Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.formula.screen import Core, Screen, choose, direct_screen, factor
from likewise.plan import DEFAULT_MEMORY

if TYPE_CHECKING:
    from likewise.backends.llvm.rows import Side

#: Floating types that float32 holds.
FLOAT32 = ("float32", "float16", "bfloat16")
#: Per-row norms that a bound may be written in.
NORMS = frozenset({"norm", "norm1", "linf"})


def metric_for(metric: Any, d: int) -> Metric:
    """The metric behind ``metric=``, checked to fit vectors of d coordinates."""
    if metric is None:
        raise InputError("metric= is missing: a name such as 'euclidean', a metric, or a function of two numbers")
    found = as_metric(metric)
    if found.matrix is not None and found.matrix.shape[0] != d:
        rows = found.matrix.shape[0]
        raise ShapeError(f"{found.name}'s matrix is for vectors of {rows} coordinates; these have {d}")
    return found


def name_rows(rows: NDArray[np.int64]) -> str:
    """Row numbers for a message, the first ten."""
    shown = ", ".join(map(str, rows[:10]))
    return f"row{'s' * (len(rows) > 1)} {shown}" + (f" and {len(rows) - 10:,} more" if len(rows) > 10 else "")


def refuse_bad(rows: NDArray[np.int64], name: str, options: Options) -> None:
    """Raise for rows with NaN or infinities, unless they are to be skipped."""
    if len(rows) and not options.skip_bad:
        raise BadRowsError(
            f"{name} has NaN or infinite values in {name_rows(rows)}; mend them, or pass on_bad='skip'",
            [int(i) for i in rows],
        )


def measured(rows: NDArray[Any], dtype: str, name: str, wanted: frozenset[str], options: Options) -> Side:
    """One pass over the rows; bad ones raise, or are listed in the side."""
    from likewise.backends.llvm.rows import measure

    side = measure(rows, dtype, wanted, options.threads)
    refuse_bad(side.bad, name, options)
    return side


def side_of(batch: Batch, rows: NDArray[Any], name: str, wanted: frozenset[str], options: Options) -> Side:
    """One pass over some rows of a batch, which may be bits."""
    from likewise.backends.llvm.bits import COUNTED, bit_side, measure_bool

    if isinstance(batch, BitBatch):
        return bit_side(rows, batch.d, batch.bitorder, wanted, options.threads)
    if batch.dtype == "bool" and wanted <= COUNTED:
        return measure_bool(rows, wanted, options.threads)
    return measured(rows, batch.dtype, name, wanted, options)


def as_rows(side: Side, wanted: frozenset[str], options: Options) -> Side:
    """Bits as booleans, for what does not count them; other sides as they are."""
    from likewise.backends.llvm.bits import BitSide, unpacked
    from likewise.backends.llvm.rows import measure

    if not isinstance(side, BitSide):
        return side
    return measure(unpacked(side, 0, side.n, options.threads), "bool", wanted, options.threads)


def statistics_of(metric: Metric, which: str) -> frozenset[str]:
    """The statistics the metric's formulas name, of side "x" or "y"."""
    return frozenset(s[:-2] for s in metric.stats if s.endswith(which))


def search_statistics(metric: Metric, which: str) -> frozenset[str]:
    """Those, and the norm that a search's bound may need, so that one pass over the data gathers all."""
    names, core = statistics_of(metric, which), factor(metric)
    if (counts := counts_of(metric)) is not None and counts.op == "and":
        names |= {"nnz"}
    if metric.matrix is not None or not core.identity:
        return names
    if core.terms[0].op == "mul":
        return names | {"norm"}
    return names | ({"linf"} if metric.combine == "max" else {"norm1"})


def good_rows(side: Side, wanted: frozenset[str], options: Options) -> tuple[Side, NDArray[np.int64] | None]:
    """The side without its bad rows, and the number each row left had before; None where all are good."""
    from likewise.backends.llvm.rows import measure

    if not len(side.bad):
        return side, None
    kept = np.setdiff1d(np.arange(side.n), side.bad)
    rows = np.ascontiguousarray(side.rows[kept])
    return measure(rows, side.dtype, wanted, options.threads), kept


def transformed(side: Side, metric: Metric, wanted: frozenset[str], options: Options) -> Side:
    """The side's rows multiplied by the metric's matrix, if it has one, and measured."""
    from likewise.backends.llvm.dense import multiply
    from likewise.backends.llvm.rows import measure

    if metric.matrix is None:
        return side
    return measure(multiply(side, metric.matrix, options.threads), "float64", wanted | NORMS, options.threads)


def counts_bits(metric: Metric, x: Side, y: Side) -> bool:
    """Whether a comparison of these rows is a count of bits."""
    return choose(metric, x.known, y.known, x.d).kind == "bits"


def slabs(items: Side, metric: Metric, options: Options, *, by_bits: bool = False) -> Iterator[tuple[int, Side]]:
    """(first row, side): all items at once, or slabs of those that are first made into new rows.

    New rows are float64 ones made by the metric, and booleans made of bits that are not compared as such (``by_bits``).
    """
    from likewise.backends.llvm.bits import BitSide, unpacked
    from likewise.backends.llvm.rows import Side, measure

    if isinstance(items, BitSide):
        if by_bits:
            yield 0, items
            return
        wanted = search_statistics(metric, "y")
        step = max(1024, (options.memory or DEFAULT_MEMORY) // (4 * items.d))
        for first in range(0, items.n, step) or [0]:
            rows = unpacked(items, first, min(first + step, items.n), options.threads)
            yield first, measure(rows, "bool", wanted, options.threads)
        return
    step = slab_rows(items, metric, options)
    if not makes_rows(metric) or items.n <= step:
        yield 0, items
        return
    for first in range(0, items.n, step):
        stats = {name: array[first : first + step] for name, array in items.stats.items()}
        yield first, Side(items.rows[first : first + step], items.dtype, items.known, items.bad[:0], stats)


def slab_rows(items: Side, metric: Metric, options: Options, *, copied: bool = False) -> int:
    """How many rows to make into float64 rows at a time; ``copied`` as they are before that, if they need it at all."""
    width = max(items.d, metric.matrix.shape[1]) if metric.matrix is not None else items.d
    size = 8 * width if makes_rows(metric) or not copied else 0
    size += items.d * items.rows.itemsize if copied else 0
    return max(1024, (options.memory or DEFAULT_MEMORY) // (4 * size))


def makes_rows(metric: Metric) -> bool:
    """Whether a search first writes float64 rows of its own: through a matrix, or a function of one row alone."""
    core = factor(metric)
    return metric.matrix is not None or not (core.identity or core.u.stats())


@dataclass(frozen=True)
class Pair:
    """Both sides of a search, as its screen packs them and as they settle, and the screen."""

    metric: Metric  # in terms of the rows that are packed
    screen: Screen
    x: Side
    y: Side
    settle_x: Side
    settle_y: Side


def screened(metric: Metric, x: Side, y: Side, options: Options) -> Pair:
    """Choose the screen for two sides, already multiplied by the metric's matrix."""
    from likewise.backends.llvm.rows import mapped, measure

    metric = replace(metric, matrix=None)
    screen = choose(metric, x.known, y.known, x.d)
    if screen.scale_x is not None and (_loses_digits(screen.scale_x, x) or _loses_digits(screen.scale_y, y)):
        return Pair(metric, direct_screen(metric), x, y, x, y)
    by_rows = screen.kind in ("dot", "difference") and screen.scale_x is None
    if not by_rows or screen.core.identity:
        return Pair(metric, screen, x, y, x, y)
    # screens of sqrt(x), log(y)...: what packing would compute is kept, since its norms are in the bound
    ux = measure(mapped(x, screen.core.u, "x", options.threads), "float64", NORMS, options.threads)
    uy = measure(mapped(y, screen.core.v, "y", options.threads), "float64", NORMS, options.threads)
    plain = replace(metric, terms=screen.core.terms)
    again = choose(plain, ux.known, uy.known, x.d)
    if len(ux.bad) or len(uy.bad) or again.kind not in ("dot", "difference"):
        return Pair(metric, direct_screen(metric), x, y, x, y)
    return Pair(plain, replace(again, core=Core(X, Y, screen.core.terms)), ux, uy, x, y)


def _loses_digits(scale: Expr | None, side: Side) -> bool:
    """Whether the norms that rows are divided by are so small that their squares lost digits: float64 rows alone."""
    norms = [side.stat(name[:-2]) for name in (scale.stats() if scale is not None else ())]
    return not side.known.exact and any(bool(((v > 0) & (v < 2.0**-400)).any()) for v in norms)


def batches(x: Batch, y: Batch, names: tuple[str, str]) -> Iterator[tuple[tuple[int, ...], NDArray[Any], NDArray[Any]]]:
    """(index in the broadcast batch, rows of x, rows of y), one pair at a time."""
    lead = broadcast_lead(x, y, *names)
    xs = np.broadcast_to(x.array, (*lead, *x.array.shape[-2:]))
    ys = np.broadcast_to(y.array, (*lead, *y.array.shape[-2:]))
    for index in np.ndindex(*lead):
        yield index, np.ascontiguousarray(xs[index]), np.ascontiguousarray(ys[index])


def dense_side(
    rows: NDArray[Any], dtype: str, which: str, name: str, metric: Metric, options: Options
) -> tuple[Side, NDArray[np.int64]]:
    """A side with the statistics the metric names, multiplied by its matrix; and its bad rows."""
    wanted = statistics_of(metric, which)
    side = measured(rows, dtype, name, wanted, options)
    return transformed(side, metric, wanted, options), side.bad


def counted_side(
    batch: Batch, rows: NDArray[Any], name: str, metric: Metric, options: Options
) -> tuple[Side, NDArray[np.int64]]:
    """The same for a comparison that may count bits: they stay packed if the metric does, and ones are counted."""
    wanted, counts = statistics_of(metric, name), counts_of(metric)
    if counts is not None and counts.op == "and":
        wanted |= {"nnz"}
    side = side_of(batch, rows, name, wanted, options)
    if counts is None:
        side = as_rows(side, wanted, options)
    return transformed(side, metric, wanted, options), side.bad


def result_dtype(*dtypes: str) -> type[np.float32 | np.float64]:
    """float32 where every input is a float of at most 32 bits, else float64."""
    return np.float32 if all(t in FLOAT32 for t in dtypes) else np.float64


def fold_compute(*dtypes: str) -> str:
    """Arithmetic of weighted sums and attention: float32 for floats of at most 32 bits, as torch has it."""
    return "f32" if all(t in FLOAT32 for t in dtypes) else "f64"


# ---- results


def refuse_too_large(shape: tuple[int, ...]) -> None:
    """An error, rather than a machine out of memory, where values and indices of that shape do not fit."""
    if np.prod(shape, dtype=float) * 16 > physical_memory():
        raise InputError(f"a result of {' x '.join(map(str, shape))} does not fit in memory; ask for a smaller k")


class NaNWarning(RuntimeWarning):
    """A formula gave NaN for so many pairs that rows could not be filled."""


def warn_of_nan(indices: NDArray[np.int64], expected: int, metric: Metric) -> None:
    """Say so where rows have fewer neighbours than expected."""
    short = int(np.count_nonzero((indices >= 0).sum(axis=1) < expected))
    if short:
        warnings.warn(
            f"{metric.name} gave NaN for so many items that {short:,} rows have fewer than {expected} neighbours; "
            "guard the formula (0 / 0, a logarithm or root of a negative number) with lw.math.where",
            NaNWarning,
            stacklevel=caller_level(),
        )
