"""What a call will do and cost, before it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.arrays import read
from likewise.compute.coding import choose_coding
from likewise.compute.options import Options, read_options
from likewise.compute.prepared import Prepared, resolve_items
from likewise.compute.search import read_count
from likewise.compute.sides import metric_for, search_statistics, side_of
from likewise.errors import ShapeError
from likewise.formula.codes import Coding
from likewise.formula.metric import Metric
from likewise.formula.screen import Rows, choose, factor
from likewise.plan import (
    ELEMENT_BYTES,
    Outlook,
    Plan,
    coded_steps,
    coding_seconds,
    float_seconds,
    plan_search,
    scan_seconds,
)

if TYPE_CHECKING:
    from likewise.backends.llvm.rows import Side


@dataclass(frozen=True)
class Explanation:
    """What a call will do and cost; prints as text, ``as_dict()`` for programs."""

    plan: Plan
    out_shape: tuple[int, ...]
    flops: int
    bytes: int
    peak: float
    rate: float
    seconds: float

    @property
    def intensity(self) -> float:
        """FLOPs per byte of input and output."""
        return self.flops / self.bytes if self.bytes else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return self.plan.as_dict() | {
            "out_shape": list(self.out_shape),
            "flops": self.flops,
            "bytes": self.bytes,
            "intensity": self.intensity,
            "peak_pair_dimensions_per_second_and_core": self.peak,
            "share_of_fma_peak": self.rate / self.peak if self.peak else 0.0,
            "predicted_seconds": self.seconds,
        }

    def __str__(self) -> str:
        share = self.rate / self.peak if self.peak else 0.0
        kind = {1: "vector with vector", 2: "matrix with vector", 3: "matrix with matrix"}[self.plan.blas_level]
        return "\n".join(
            [
                str(self.plan),
                f"result     {' x '.join(f'{s:,}' for s in self.out_shape)}",
                f"cost       {self.flops:,} FLOPs on {self.bytes:,} bytes: {self.intensity:.1f} FLOPs a byte; "
                f"BLAS level {self.plan.blas_level} ({kind})",
                f"memory     {_size(self.plan.memory)} beyond input and result",
                f"speed      its instructions allow {self.rate / 1e9:.1f} G pair-dimensions/s a core, "
                f"{share:.0%} of a float32 dot product's",
                f"time       about {self.seconds:.3g} s on {self.plan.threads} thread{'s' * (self.plan.threads > 1)}",
            ]
        )


#: Checks, planning and threads of a call, however small.
_CALL_SECONDS = 5e-4


def _size(count: int) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count = count / 1000  # type: ignore[assignment]
    return f"{count:,.3g} {unit}"


def _flops_per_coordinate(metric: Metric) -> int:
    counted = {
        "add",
        "sub",
        "mul",
        "div",
        "min",
        "max",
        "sqrt",
        "exp",
        "log",
        "pow",
        "tanh",
        "sin",
        "cos",
        "arctan",
        "arccos",
    }
    core = factor(metric)
    nodes = {node for term in core.terms for node in term.walk()}
    return sum(node.op in counted for node in nodes) + len(core.terms)


def explain(
    queries: Any,
    items: Any = None,
    *,
    metric: Any = None,
    k: int | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
) -> Explanation:
    """What a search (with ``k``) or a ``pairwise`` (without) will do and cost, before it runs.

    Parameters
    ----------
    queries, items : array_like, or shapes such as (1000, 128)
        Shapes stand for float32 rows of ordinary size. Default items: the queries. Items may be what :func:`prepare`
        returned: the plan is then that of the search which they serve, by their codes if they have any, and the time
        that preparing them took is not in it.
    metric, k, n_jobs, memory_limit
        As for :func:`topk`. Prepared items bring their own metric.

    Returns
    -------
    Explanation
        Prints the plan step by step, FLOPs, bytes, BLAS level, memory, the rate that the formula's own instructions
        (or those of a pass in 8-bit integers) allow on this machine, and the predicted time. ``as_dict()`` for
        programs.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError
        Each says what was found and what to try.

    Examples
    --------
    >>> import likewise as lw
    >>> print(str(lw.explain((1000, 128), (100_000, 128), k=10, metric="manhattan")).splitlines()[0])
    topk: 1,000 x 100,000 pairs of 128 float32 coordinates, by manhattan: sum(abs(x - y)); smaller is closer
    """
    from likewise import rates
    from likewise.backends.llvm.candidates import state_bytes

    options = read_options(n_jobs, memory_limit, "raise", None)
    k = None if k is None else read_count(k)
    items = queries if items is None else items
    prepared = items if isinstance(items, Prepared) else None
    if prepared is not None:
        _, metric, _ = resolve_items(prepared, metric)
    shapes, sides, rows = [], [], None
    for value, name in ((queries, "queries"), (items, "items")):
        if isinstance(value, Prepared):
            shapes.append(value.shape)
            sides.append((value.batch.dtype, value.side.known))
        elif isinstance(value, tuple) and all(isinstance(s, int) for s in value) and len(value) >= 1:
            if any(s < 0 for s in value) or value[-1] == 0:
                raise ShapeError(f"{name} has shape {value}; (n, d) with d >= 1 is wanted")
            shapes.append(value if len(value) > 1 else (1, *value))
            sides.append(("float32", Rows(True, False, -10.0, 10.0)))
        else:
            batch = read(value, name, packed=True)
            wanted = search_statistics(metric_for(metric, batch.d), {"queries": "x", "items": "y"}[name])
            rows = side = side_of(batch, batch.flat(), name, wanted, options)
            shapes.append((*batch.array.shape[:-1], batch.d))
            sides.append((batch.dtype, side.known))
    if shapes[0][-1] != shapes[1][-1]:
        raise ShapeError(
            f"queries have {shapes[0][-1]} coordinates and items {shapes[1][-1]}; the last axes must be equal"
        )
    d = int(shapes[0][-1])
    found = metric_for(metric, d)
    try:
        lead = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
    except ValueError:
        raise ShapeError(f"the leading axes of {shapes[0]} and {shapes[1]} do not broadcast") from None
    n, m = int(np.prod([*lead, shapes[0][-2]], dtype=np.int64)), int(shapes[1][-2])
    (x_dtype, x_known), (y_dtype, y_known) = sides
    if found.matrix is not None:
        x_known = y_known = Rows(False, False, x_known.low, x_known.high)
    verb = "pairwise" if k is None else "topk"
    packed = None if prepared is None or k is None else prepared.packed_for(choose(found, x_known, y_known, d))
    plan = plan_search(
        verb, found, (n, m, d), (x_dtype, y_dtype), (x_known, y_known),
        threads=options.threads, memory_limit=options.memory, per_query=state_bytes(min(k or 1, max(m, 1)), m, 4),
        prepared=packed is not None,
    )  # fmt: skip
    compute = plan.screen.compute
    if k is None:
        compute = "f64"
        first, *_ = plan.steps
        lines = (
            first,
            "pack       both into float64 panels",
            f"compare    {found.combine} over coordinates in float64, in order; finish; round once",
        )
        plan = replace(plan, steps=lines)
    out = (*lead, int(shapes[0][-2]), m if k is None else k)
    moved = (
        int(n * d * ELEMENT_BYTES.get(x_dtype, 1))
        + int(m * d * ELEMENT_BYTES.get(y_dtype, 1))
        + int(np.prod(out)) * (8 if k is None else 16)
    )
    flops = n * m * d * _flops_per_coordinate(found)
    rate, top = rates.peak(found, compute), rates.fma_rate("f32")
    work = float_seconds(n, m, d, rate)
    if k is not None and (coded := _coding(plan, items, rows, k, options)) is not None:
        coding, outlook = coded
        integers = rates.integer_rate(coding.kind)
        work = scan_seconds(n, m, outlook, integers) + (coding_seconds(m, d) if prepared is None else 0.0)
        plan, rate = replace(plan, steps=coded_steps(plan, coding, outlook, prepared is not None)), integers
    seconds = work / options.threads + moved / 5e9 + _CALL_SECONDS
    return Explanation(plan, out, flops, moved, top, rate, seconds)


def _coding(plan: Plan, items: Any, rows: Side | None, k: int, options: Options) -> tuple[Coding, Outlook] | None:
    """The codes that a search would go through: those of prepared items, or what one call would choose."""
    if isinstance(items, Prepared):
        codes = items.codes_for(plan.screen, items.metric, k)
        return None if codes is None or items.outlook is None else (codes.coding, items.outlook)
    if rows is None or plan.metric.matrix is not None or plan.screen.compute != "f32":
        return None
    return choose_coding(plan.metric, plan.screen, rows, k, plan.n, options.threads)
