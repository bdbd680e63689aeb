"""The kernels, each a loop nest you could draw on a whiteboard, generated for a formula and a target.

Items lie in *panels*: W of them side by side, coordinate by coordinate, so that one vector load brings the same
coordinate of a register's worth of items. Queries lie in *tiles* of R, likewise, so that one broadcast brings a
coordinate of one query. The micro-kernel walks the coordinates once and keeps R x W results in registers:

    for t in range(d):
        items = panel[t]                 # W items, 2 registers
        for r in range(R):
            acc[r] += term(tile[t, r], items)

Each pair is accumulated in its own lane, coordinate after coordinate: a result does not depend on tile, thread or
machine. What follows (the epilogue) is the reduction.

``tile`` is the micro-kernel, ``bits`` that of zeros and ones; ``rows``, ``search``, ``dense`` and ``fold`` are the loop
nests around it, ``stream`` loops that only move memory.
"""

from likewise.backends.llvm.kernels import codes, scan, single, stream
from likewise.backends.llvm.kernels.bits import (
    COUNT_BITS_FIELDS,
    PACK_BITS_FIELDS,
    bit_pairs_fields,
    bit_pairs_kernel,
    bit_peak_kernel,
    count_bits_kernel,
    pack_bits_kernel,
    unpack_bits_kernel,
    words_of,
)
from likewise.backends.llvm.kernels.dense import (
    PEAK_FIELDS,
    matrix_fields,
    matrix_kernel,
    peak_kernel,
)
from likewise.backends.llvm.kernels.fold import (
    BLOCK,
    attend_kernel,
    fold_fields,
    weighted_kernel,
    work_bytes,
)
from likewise.backends.llvm.kernels.order import ORDER_FIELDS, order_kernel
from likewise.backends.llvm.kernels.rows import (
    DEV_FIELDS,
    NOT_FINITE,
    NOT_FLOAT32,
    NOT_WHOLE,
    ROW_STATS,
    STATS_FIELDS,
    SUM_FIELDS,
    dev_kernel,
    pack_fields,
    pack_kernel,
    stats_kernel,
    sum_kernel,
)
from likewise.backends.llvm.kernels.search import (
    FILTER_FIELDS,
    search_fields,
    search_kernel,
    within_fields,
    within_kernel,
)
from likewise.backends.llvm.kernels.select import LIST_FIELDS
from likewise.backends.llvm.kernels.settle import lists_fields, lists_kernel, pairs_fields, pairs_kernel
from likewise.backends.llvm.kernels.tile import Formula, Tile, calls_of, micro_kernel, stat_fields, tile_for

__all__ = [
    "BLOCK",
    "COUNT_BITS_FIELDS",
    "DEV_FIELDS",
    "LIST_FIELDS",
    "FILTER_FIELDS",
    "NOT_FINITE",
    "NOT_FLOAT32",
    "NOT_WHOLE",
    "ORDER_FIELDS",
    "PACK_BITS_FIELDS",
    "PEAK_FIELDS",
    "ROW_STATS",
    "STATS_FIELDS",
    "SUM_FIELDS",
    "Formula",
    "Tile",
    "bit_pairs_fields",
    "bit_pairs_kernel",
    "bit_peak_kernel",
    "calls_of",
    "codes",
    "scan",
    "count_bits_kernel",
    "attend_kernel",
    "dev_kernel",
    "fold_fields",
    "lists_fields",
    "lists_kernel",
    "matrix_fields",
    "matrix_kernel",
    "micro_kernel",
    "order_kernel",
    "pack_bits_kernel",
    "pack_fields",
    "pack_kernel",
    "pairs_fields",
    "pairs_kernel",
    "peak_kernel",
    "search_fields",
    "search_kernel",
    "single",
    "stat_fields",
    "stats_kernel",
    "stream",
    "sum_kernel",
    "tile_for",
    "unpack_bits_kernel",
    "weighted_kernel",
    "within_fields",
    "within_kernel",
    "words_of",
    "work_bytes",
]
