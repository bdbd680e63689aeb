"""Sparse rows at the door: SciPy's matrices, compared by the coordinates that rows have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import is_sparse, read
from likewise.compute.filters import read_where
from likewise.compute.options import Progress, read_options
from likewise.compute.sides import metric_for, refuse_bad, refuse_too_large, warn_of_nan
from likewise.errors import DtypeError, InputError, ShapeError
from likewise.formula.sparse import sparse_form
from likewise.reductions import Best, CountedTopK, Counts, TopK

if TYPE_CHECKING:
    from likewise.backends.llvm.sparse import SparseRows
    from likewise.compute.options import Options
    from likewise.formula.metric import Metric


def takes_sparse(value: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays, or prepared from one."""
    return isinstance(value, PreparedSparse) or is_sparse(value)


def read_sparse(value: Any, name: str, options: Options) -> SparseRows:
    """Rows of a sparse matrix, or of a dense one beside it: duplicates summed, columns rising, zeros not stored."""
    import scipy.sparse as sp

    from likewise.backends.llvm.sparse import SparseRows

    if not is_sparse(value):
        batch = read(value, name)
        if batch.lead or batch.dtype == "bfloat16":
            raise ShapeError(f"{name} has shape {batch.array.shape}; beside sparse rows it has to be (n, d) of numbers")
        value = batch.array
    elif value.ndim != 2:
        raise ShapeError(f"{name} has shape {value.shape}; sparse rows are (n, d)")
    if value.dtype.kind not in "biuf":
        raise DtypeError(f"{name} holds {value.dtype}; sparse rows hold numbers")
    try:  # SciPy makes matrices of indices that are out of range, and leaves it at that
        matrix = sp.csr_array(value)
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise InputError(f"{name} is no whole sparse matrix: {error}") from None
    if not (matrix.has_canonical_format and matrix.data.all()):
        matrix = matrix.copy()  # the caller's stays as it is
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    n, d = matrix.shape
    if d == 0:
        raise ShapeError(f"{name} has shape {matrix.shape}: its vectors have no coordinates")
    if max(n, d) >= 2**31:
        raise ShapeError(f"{name} has shape {matrix.shape}; sparse rows have at most 2^31 - 1 rows and coordinates")
    starts = np.ascontiguousarray(matrix.indptr, np.int64)
    columns = np.ascontiguousarray(matrix.indices, np.int32)
    numbers = _numbers(matrix.data, name)
    if not np.isfinite(numbers).all():
        bad = np.unique(np.searchsorted(starts, np.flatnonzero(~np.isfinite(numbers)), side="right") - 1)
        if options.skip_bad:
            raise InputError(f"{name} has NaN or infinite values; of sparse rows none are skipped: take them out first")
        refuse_bad(bad, name, options)
    return SparseRows(starts, columns, numbers, d, bool((numbers == 1).all()))


def _numbers(data: NDArray[Any], name: str) -> NDArray[Any]:
    """Stored numbers as float32 where that holds them all by their type, else float64."""
    narrow = data.dtype.name in ("float32", "float16", "bool", "int8", "uint8", "int16", "uint16")
    if data.dtype.kind in "iu" and data.dtype.itemsize == 8 and data.size:
        largest = max(abs(int(data.min())), abs(int(data.max())))
        if largest > 2**53:
            raise DtypeError(f"{name} holds integers up to {largest}; above 2^53 float64 cannot tell them apart")
    return np.ascontiguousarray(data, np.float32 if narrow else np.float64)


class PreparedSparse:
    """Sparse items read, measured and transposed once for one metric; pass it wherever :func:`topk` wants ``items``.

    Made by :func:`prepare`. ``shape``, ``metric``, and ``nbytes``: what it holds.
    """

    def __init__(self, items: Any, metric: Any, options: Options, name: str = "items") -> None:
        from likewise.backends.llvm.sparse import turn

        rows = read_sparse(items, name, options)
        self.metric = metric_for(metric, rows.d)
        wanted: frozenset[str] = frozenset()
        for ones in {False, rows.ones}:
            if (form := sparse_form(self.metric, ones)) is not None:
                wanted |= _named(form.stats, "y") | _named(form.stats, "x")
        if sparse_form(self.metric, rows.ones) is None:
            raise InputError(_no_form(self.metric))
        self.rows = rows.measured(wanted)
        self.turned = turn(rows)

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""
        return self.rows.n, self.rows.d

    @property
    def nbytes(self) -> int:
        """Bytes of the rows, of their transpose and of the statistics."""
        rows, turned = self.rows, self.turned
        arrays: list[NDArray[Any]] = [rows.starts, rows.columns, rows.numbers, *rows.stats.values()]
        arrays += [turned.starts, turned.rows, turned.numbers]
        return sum(array.nbytes for array in arrays)

    def __repr__(self) -> str:
        return f"<PreparedSparse: {self.shape[0]:,} x {self.shape[1]:,} for {self.metric.name}>"


def topk_sparse(
    queries: Any,
    items: Any,
    k: int,
    metric: Any,
    where: Any,
    n_jobs: int | None,
    memory_limit: int | str | None,
    on_bad: str,
    progress: Progress,
    stats: bool,
) -> TopK:
    """:func:`likewise.topk` where one side or both are sparse: the same answer as of dense rows, bit for bit."""
    from likewise.backends.llvm import sparse as engine

    begun = time.perf_counter()
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    own = items is None
    ready = queries if own else items
    if not isinstance(ready, PreparedSparse):
        ready = PreparedSparse(ready, metric, options, "queries" if own else "items")
    elif metric is not None and (other := metric_for(metric, ready.rows.d)) != ready.metric:
        raise InputError(f"these items were prepared for {ready.metric.name}, not {other.name}; prepare them again")
    y, found = ready.rows, ready.metric
    x = y if own else read_sparse(queries, "queries", options)
    if x.d != y.d:
        raise ShapeError(
            f"queries has vectors of {x.d} coordinates (shape {(x.n, x.d)}) and items of {y.d} (shape {(y.n, y.d)}); "
            "the last axes must be equal"
        )
    refuse_too_large((x.n, k))
    form = sparse_form(found, x.ones and y.ones)
    if form is None:
        raise InputError(_no_form(found))
    if not own:
        x = x.measured(_named(form.stats, "x"))
    admitted = read_where(where, (), x.n, y.n, own=own).filter(None, None, None)
    state = engine.topk(form, x, y, ready.turned, k, admitted, options.threads, options.progress)
    made = Best(k).finish(state)
    if where is None:
        warn_of_nan(made.indices, min(k, y.n - own), found)
    if not stats:
        return made
    counted = CountedTopK(made.values, made.indices)
    counted.stats = Counts(pairs=x.n * y.n, seconds=time.perf_counter() - begun, threads=options.threads)
    return counted


def _named(stats: frozenset[str], side: str) -> frozenset[str]:
    return frozenset(name[:-2] for name in stats if name.endswith(side))


def _no_form(metric: Metric) -> str:
    return (
        f"{metric.name} of sparse rows needs the coordinates that one of them does not have: only a sum of terms that "
        "are 0 where x or y is 0 does without (dot, cosine, angular, or a formula such as x * y; where all numbers are "
        "1, also hamming, jaccard and others); take other rows as dense ones, with .toarray()"
    )
