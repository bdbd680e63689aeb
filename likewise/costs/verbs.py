"""What a verb will do and cost, by shapes or by the arrays themselves, before it runs.

Searches, matrices and folds compare every pair: n m d coordinates, each at the rate that the metric's own instructions
allow. Searches have a plan besides: which screen, which arithmetic, how the loops are cut (:mod:`likewise.plan`).
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likewise import compute as verbs
from likewise import rates
from likewise.arrays import read
from likewise.compute.coding import choose_coding
from likewise.compute.options import Options, read_options
from likewise.compute.prepared import Prepared, resolve_items
from likewise.compute.search import read_count
from likewise.compute.sides import fold_compute, metric_for, result_dtype, search_statistics, side_of
from likewise.costs.ceilings import Ceilings, ceilings, elementwise, home
from likewise.costs.check import MOST_AXES, MOST_NUMBERS
from likewise.costs.layers import SOFTMAX_FLOPS
from likewise.costs.result import LEVELS, Explanation, Operation, Run, Steps, labelled
from likewise.costs.run import draw
from likewise.costs.text import nearest, ratio_text, shape_text, size_text, time_text
from likewise.errors import InputError, ShapeError
from likewise.formula.codes import Coding
from likewise.formula.math import exp
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.formula.screen import Rows, choose
from likewise.plan import (
    ELEMENT_BYTES,
    Outlook,
    Plan,
    coded_steps,
    coding_seconds,
    float_seconds,
    flops_per_coordinate,
    plan_search,
    scan_seconds,
)
from likewise.reductions import Counts, KMeans

if TYPE_CHECKING:
    from likewise.backends.llvm.rows import Side

#: Checks, planning and threads of a call, however small.
CALL_SECONDS = 5e-4
#: Steps of k-means that are measured.
MOST_STEPS = 5
#: The names of each verb's arrays, in its order.
ARRAYS = {
    "topk": ("queries", "items"),
    "within": ("queries", "items"),
    "pairwise": ("x", "y"),
    "paired": ("x", "y"),
    "contributions": ("x", "y"),
    "weighted_sum": ("x", "y", "weights"),
    "attend": ("q", "k", "v"),
    "kmeans": ("x",),
}
VERBS: dict[str, Callable[..., Any]] = {name: getattr(verbs, name) for name in ARRAYS}
_SEARCHES = ("topk", "within")
_COUNTING = ("topk", "kmeans")
#: How many arrays a verb cannot do without, where more than one.
_NEEDED = {"paired": 2, "contributions": 2, "weighted_sum": 2, "attend": 3}
#: What a verb compares by where nothing is said.
_USUAL_METRIC = {"attend": "dot", "kmeans": "sqeuclidean"}


@dataclass(frozen=True)
class VerbExplanation(Explanation):
    """What a verb will do and cost.

    Attributes
    ----------
    plan : Plan
        Prints the steps.
    peak, rate : float
        Pair-dimensions per second and core: of float32 products, and what the metric's own instructions allow.
    stats : Counts or None
        What a search counted of itself, where it was measured.
    """

    plan: Plan | None = field(default=None, repr=False)
    peak: float = 0.0
    rate: float = 0.0
    stats: Counts | None = field(default=None, repr=False, compare=False)
    found: list[Any] = field(default_factory=list, repr=False, compare=False)  # what the last run gave

    @property
    def share_of_peak(self) -> float | None:
        """Of the pair-dimensions per second that float32 products reach on all threads, by the time measured."""
        if not self.measured or self.plan is None or self.ceilings is None:
            return None
        return self.plan.pair_dimensions / self.measured / self.ceilings.multiply_adds()

    def measure(self) -> VerbExplanation:
        """The same with measured times, and ``stats`` of a search."""
        made = cast(VerbExplanation, super().measure())
        (result,) = self.found
        self.found.clear()
        if isinstance(result, KMeans):
            steps = result.iterations + 1  # and a last assignment
            (one,) = made.operations
            return replace(made, operations=(replace(one, measured=(one.measured or 0.0) / steps),))
        return replace(made, stats=getattr(result, "stats", None))

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        made = super().as_dict()
        made |= {} if self.plan is None else self.plan.as_dict()
        counted = {} if self.stats is None else {"stats": _counted(self.stats)}
        return made | {
            "blas_level": self.level,
            "peak_pair_dimensions_per_second_and_core": self.peak,
            "share_of_fma_peak": self.rate / self.peak if self.peak else 0.0,
        } | counted  # fmt: skip

    def _shown(self) -> list[str]:
        assert self.plan is not None
        level = "" if self.level is None else f"; BLAS level {self.level} ({LEVELS[self.level]})"
        cost = f"{self.flops:,} FLOPs on {self.bytes:,} bytes: {ratio_text(self.intensity)} FLOPs a byte{level}"
        lines = list(self.plan.steps[1:])
        if len(self.operations) > 1:
            lines += ["", *self._table(), ""]
        lines += labelled("result", shape_text(self.out_shape)) + labelled("cost", cost)
        lines += labelled("memory", f"{size_text(self.plan.memory)} beyond input and result") + self._limit()
        lines += labelled(
            "speed",
            f"its instructions allow {self.rate / 1e9:.1f} G pair-dimensions/s a core, "
            f"{self.rate / self.peak if self.peak else 0.0:.0%} of a float32 dot product's",
        )
        lines += self._times()
        if self.stats is not None:
            lines += labelled("stats", *map(" ".join, _counted_text(self.stats)))
        return lines + [line for note in self.notes for line in labelled("note", note)]

    def _times(self) -> list[str]:
        threads = 1 if self.plan is None else self.plan.threads
        lines = labelled("time", f"about {time_text(self.seconds)} on {threads} thread{'s' * (threads > 1)}")
        if self.measured is None:
            return lines
        share = self.share_of_peak or 0.0
        said = f"{time_text(self.measured)}, {self.measured / self.seconds:.2f} times the time expected"
        return lines + labelled("measured", f"{said}: {share:.1%} of a float32 dot product's peak")


def _counted(stats: Counts) -> dict[str, Any]:
    names = ("pairs", "screened", "listed", "scored", "settled", "kind")
    return {name: getattr(stats, name) for name in names}


def _counted_text(stats: Counts) -> list[tuple[str, str]]:
    names = {"screened": "compared in 8-bit integers", "listed": "listed", "scored": "scored", "settled": "settled"}
    return [("of", f"{stats.pairs:,} pairs"), *((f"{getattr(stats, name):,}", said) for name, said in names.items())]


# ---- what is compared


@dataclass(frozen=True)
class _Operand:
    """An array, or a shape in its place."""

    shape: tuple[int, ...]
    dtype: str
    known: Rows
    side: Side | None = None
    vector: bool = False

    @property
    def bytes(self) -> int:
        """Of the array as it is handed in."""
        return int(math.prod(self.shape) * ELEMENT_BYTES.get(self.dtype, 1))


def is_shape(value: Any) -> bool:
    """Whether this stands for an array of that shape: a tuple of whole numbers."""
    return isinstance(value, tuple) and len(value) > 0 and all(type(size) is int for size in value)


def _operand(value: Any, name: str, side: str, metric: Any, options: Options, d: int | None) -> _Operand:
    if isinstance(value, Prepared):
        return _Operand(value.shape, value.batch.dtype, value.side.known)
    if is_shape(value):
        if any(size < 0 for size in value) or (value[-1] == 0 and d is None):
            raise ShapeError(f"{name} has shape {value}; (n, d) with d >= 1 is wanted")
        if len(value) > MOST_AXES or math.prod(value) > MOST_NUMBERS:
            raise ShapeError(
                f"{name} has shape {str(value)[:60]}; at most {MOST_AXES} axes and 10^18 numbers are counted"
            )
        vector = len(value) == 1
        return _Operand((1, *value) if vector else value, "float32", Rows(True, False, -10.0, 10.0), vector=vector)
    if hasattr(value, "tocsr"):
        raise InputError(f"{name} is a sparse matrix; what dense rows cost is explained, or a shape in their place")
    batch = read(value, name, packed=d is None)
    shape = (*batch.array.shape[:-1], batch.d)
    if d is not None:  # weights and values are not compared
        return _Operand(shape, batch.dtype, Rows(True, False, -10.0, 10.0), vector=batch.vector)
    wanted = search_statistics(metric_for(metric, batch.d), side)
    rows = side_of(batch, batch.flat(), name, wanted, options)
    return _Operand(shape, batch.dtype, rows.known, rows, batch.vector)


def _lead(first: tuple[int, ...], second: tuple[int, ...], cut: int) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(first[:cut], second[:cut])
    except ValueError:
        raise ShapeError(f"the leading axes of {first} and {second} do not broadcast") from None


# ---- the door


def comparison(
    *given: Any,
    metric: Any = None,
    k: Any = None,
    verb: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    **settings: Any,
) -> VerbExplanation:
    """What a verb will do and cost; see :func:`likewise.explain`, of which this is the part for verbs."""
    name = read_verb(verb, k)
    options = read_options(n_jobs, memory_limit, on_bad, None)
    arrays, values = ARRAYS[name], _values(name, given, settings)
    _check_settings(name, settings)
    metric = _USUAL_METRIC.get(name) if metric is None else metric
    if k is not None:
        k = read_count(k)
        if name not in _COUNTING:
            raise InputError(f"k={k} belongs to {' and '.join(_COUNTING)}, and this is {name}")
    elif name in _COUNTING:
        raise InputError(f"{name} has to know how many: k=10")
    prepared = next((value for value in reversed(values) if isinstance(value, Prepared)), None)
    if prepared is not None:
        if name not in _SEARCHES:
            raise InputError(f"prepared items serve searches: topk and within; {name} takes the rows themselves")
        _, metric, _ = resolve_items(prepared, metric)
    x = _operand(values[0], arrays[0], "x", metric, options, None)
    if name == "kmeans":
        y = replace(x, shape=(k, x.shape[-1]), side=None, vector=False)
    else:
        y = x if values[1] is None else _operand(values[1], arrays[1], "y", metric, options, None)
    if x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"{arrays[0]} have {x.shape[-1]} coordinates and {arrays[1]} {y.shape[-1]}; the last axes must be equal"
        )
    found = metric_for(metric, int(x.shape[-1]))
    call = _Call(name, found, options, (x, y), k, settings, values, prepared)
    if name in ("paired", "contributions"):
        return _row_by_row(call)
    if name in ("weighted_sum", "attend"):
        third = (call.m,) if values[2] is None else values[2]
        return _folded(call, _operand(third, arrays[2], "y", None, options, call.d))
    return _clusters(call) if name == "kmeans" else _compared(call)


def _values(name: str, given: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, ...]:
    """The verb's arrays, by place or by name, which are taken out of ``settings``."""
    arrays = ARRAYS[name]
    wanted = f"{name} takes {len(arrays)} array{'s' * (len(arrays) > 1)}: {', '.join(arrays)}"
    if len(given) > len(arrays):
        if any(value is not None for value in given[len(arrays) :]):
            raise InputError(f"{wanted}; {len(given)} were given")
        given = given[: len(arrays)]
    values = [*given, *[None] * (len(arrays) - len(given))]
    for place, array in enumerate(arrays):
        for word in {array, ("queries", "items", array)[place]} & settings.keys():
            if values[place] is not None:
                raise InputError(f"{name} is given {word} twice")
            values[place] = settings.pop(word)
    if any(value is None for value in values[: _NEEDED.get(name, 1)]):
        raise InputError(wanted)
    return tuple(values)


def read_verb(verb: Any, k: Any = None) -> str:
    """The name of a verb, given as text or as the function itself; of a search where there is a k, else pairwise."""
    if verb is None:
        return "pairwise" if k is None else "topk"
    for name, function in VERBS.items():
        if verb is function or verb == name:
            return name
    if isinstance(verb, str):
        hint = nearest(verb[:40], VERBS) or f"; verbs are {', '.join(VERBS)}"
        raise InputError(f"no verb is called {verb[:40]!r}{hint}")
    raise InputError(f"{getattr(verb, '__name__', verb)!r} is no verb of likewise; verbs are {', '.join(VERBS)}")


_COMMON = {"metric", "n_jobs", "memory_limit", "on_bad", "progress", "stats", "k"}


def _check_settings(name: str, settings: dict[str, Any]) -> None:
    known = [p for p in inspect.signature(VERBS[name]).parameters if p not in ARRAYS[name]]
    for key in settings:
        if key not in known:
            own = [p for p in known if p not in _COMMON]
            hint = nearest(key, [*known, "verb", "measure"]) or (f"; its own are {', '.join(own)}" if own else "")
            raise InputError(f"{name} has no setting {key!r}{hint}")


@dataclass(frozen=True)
class _Call:
    """A verb with what it is given, checked."""

    verb: str
    metric: Metric
    options: Options
    operands: tuple[_Operand, _Operand]
    k: int | None
    settings: dict[str, Any]
    values: tuple[Any, ...]
    prepared: Prepared | None

    @property
    def d(self) -> int:
        """Coordinates."""
        return int(self.operands[0].shape[-1])

    @functools.cached_property
    def lead(self) -> tuple[int, ...]:
        """Leading axes, broadcast."""
        return _lead(self.operands[0].shape, self.operands[1].shape, -2)

    @property
    def n(self) -> int:
        """Rows of x, of all batches."""
        return math.prod([*self.lead, self.operands[0].shape[-2]])

    @property
    def m(self) -> int:
        """Rows of y, of one batch."""
        return int(self.operands[1].shape[-2])

    @property
    def roof(self) -> Ceilings:
        """Of float32 numbers."""
        return ceilings("float32", self.options.threads)

    def plan(self, packed: bool = False) -> Plan:
        """Of the comparison of all pairs."""
        from likewise.backends.llvm.candidates import state_bytes

        (x, y), metric = self.operands, self.metric
        known = [x.known, y.known]
        if metric.matrix is not None:
            known = [Rows(False, False, rows.low, rows.high) for rows in known]
        return plan_search(
            self.verb, metric, (self.n, self.m, self.d), (x.dtype, y.dtype), (known[0], known[1]),
            threads=self.options.threads, memory_limit=self.options.memory,
            per_query=state_bytes(min(self.k or 1, max(self.m, 1)), self.m, 4), prepared=packed,
        )  # fmt: skip

    def operation(self, name: str, what: str, core_seconds: float, flops: int, moved: int, level: int) -> Operation:
        """All of a verb, or a part of it; times are of this machine's cores."""
        threads = self.roof.threads
        source = home(moved)
        waits = moved / self.roof.bandwidth(source)
        products = flops if self.metric == dot or name == "sum" else 0
        return Operation(
            name, what, flops, products, moved, arithmetic_seconds=core_seconds / threads, memory_seconds=waits,
            call_seconds=CALL_SECONDS, source=source, level=level, threads=threads,
        )  # fmt: skip

    def explanation(
        self,
        plan: Plan,
        operations: tuple[Operation, ...],
        out: tuple[int, ...],
        rate: float,
        notes: tuple[str, ...] = (),
    ) -> VerbExplanation:
        """The result."""
        kept: list[Any] = []
        facts = {} if self.k is None else {"k": self.k}
        return VerbExplanation(
            self.verb, plan.steps[0], operations, out, self.roof, notes=(*self._not_counted(), *notes), facts=facts,
            run=self._run(kept, sum(one.bytes for one in operations)), plan=plan, peak=rates.fma_rate("f32"), rate=rate,
            found=kept,
        )  # fmt: skip

    def _not_counted(self) -> tuple[str, ...]:
        names = [name for name in ("where", "mask") if self.settings.get(name) is not None]
        return tuple(f"{name}=: all pairs are counted, whatever it leaves out" for name in names)

    def _run(self, kept: list[Any], held: int) -> Run:
        """The verb itself, on the arrays or on numbers drawn in their place."""
        verb, settings = VERBS[self.verb], dict(self.settings)
        refusal = ""
        if self.verb == "within" and "radius" not in settings:
            refusal = "within has to know its radius to be measured: radius=0.5"
        if self.verb == "topk" and "stats" not in settings:
            settings["stats"] = True
        options = {"n_jobs": self.options.threads, "on_bad": "skip" if self.options.skip_bad else "raise"}
        if self.options.memory is not None:
            options["memory_limit"] = self.options.memory
        settings |= {name: value for name, value in options.items() if name in inspect.signature(verb).parameters}
        if self.k is not None and self.verb in ("topk", "kmeans"):
            settings["k"] = self.k
        settings["metric"] = self.metric

        def make() -> Steps:
            arrays = [draw(*value, seed=i) if is_shape(value) else value for i, value in enumerate(self.values)]
            if self.verb == "weighted_sum" and arrays[2] is None:
                arrays[2] = draw(self.m, seed=2)
            if self.verb == "kmeans":
                settings.update(max_iter=min(MOST_STEPS, settings.get("max_iter", MOST_STEPS)), tol=0.0)

            def run() -> None:
                kept[:] = [verb(*arrays, **settings)]

            return [("compare", run)]

        return Run(make, held, refusal=refusal, longest=60.0)  # verbs can be interrupted


def _compared(call: _Call) -> VerbExplanation:
    """Every pair: a search or a matrix."""
    x, y = call.operands
    n, m, d, k, found = call.n, call.m, call.d, call.k, call.metric
    search = call.verb in _SEARCHES
    packed = None
    if call.prepared is not None:
        packed = call.prepared.packed_for(choose(found, x.known, y.known, d))
    plan = call.plan(packed is not None)
    arithmetic = plan.screen.compute
    if not search:
        arithmetic = "f64"
        lines = (
            plan.steps[0],
            "pack       both into float64 panels",
            f"compare    {found.combine} over coordinates in float64, in order; finish; round once",
        )
        plan = replace(plan, steps=lines)
    each = 16 if search else np.dtype(result_dtype(x.dtype, y.dtype)).itemsize  # of a search, a value and a number
    columns = {"topk": (k,), "within": (), "pairwise": () if y.vector else (m,)}[call.verb]
    out = (*call.lead, *(() if x.vector else (int(x.shape[-2]),)), *columns)
    moved = int(n * d * ELEMENT_BYTES.get(x.dtype, 1)) + int(m * d * ELEMENT_BYTES.get(y.dtype, 1))
    moved += math.prod(out) * each if call.verb != "within" else 0
    rate = rates.known_rate(found, arithmetic)
    work = float_seconds(n, m, d, rate)
    if search and (coded := _coding(plan, call, k or 10)) is not None:
        coding, outlook = coded
        integers = rates.integer_rate(coding.kind)
        work = scan_seconds(n, m, outlook, integers) + (coding_seconds(m, d) if call.prepared is None else 0.0)
        plan, rate = replace(plan, steps=coded_steps(plan, coding, outlook, call.prepared is not None)), integers
    flops = n * m * d * flops_per_coordinate(found)
    one = call.operation("compare", f"{n:,} x {m:,} x {d:,}", work, flops, moved, plan.blas_level)
    notes = ("as many items are found as there are: their bytes are not counted",) if call.verb == "within" else ()
    return call.explanation(plan, (one,), out, rate, notes)


def _coding(plan: Plan, call: _Call, k: int) -> tuple[Coding, Outlook] | None:
    """The codes that a search would go through: those of prepared items, or what one call would choose."""
    prepared, rows = call.prepared, call.operands[1].side
    if prepared is not None:
        codes = prepared.codes_for(plan.screen, prepared.metric, k)
        return None if codes is None or prepared.outlook is None else (codes.coding, prepared.outlook)
    if rows is None or plan.metric.matrix is not None or plan.screen.compute != "f32":
        return None
    return choose_coding(plan.metric, plan.screen, rows, k, plan.n, call.options.threads)


def _row_by_row(call: _Call) -> VerbExplanation:
    """Row i with row i: level 1, each number is used once."""
    x, y = call.operands
    lead = _lead(x.shape, y.shape, -1)
    n, d, found = math.prod(lead), call.d, call.metric
    terms = call.verb == "contributions"
    each = flops_per_coordinate(found) - (len(found.terms) if terms else 0)
    if terms and len(found.terms) != 1:
        raise InputError(
            f"{found.name} divides sums of {len(found.terms)} terms; a coordinate has no contribution of its own"
        )
    head = f"{call.verb}: {n:,} pairs of {d} {x.dtype} coordinates, by {found}"
    step = "compare    the term of each coordinate, in float64" if terms else (
        f"compare    {found.combine} over coordinates in float64, in order; finish"
    )  # fmt: skip
    plan = replace(call.plan(), n=n, m=1, steps=(head, step), memory=16 * n if not terms else 16 * n * d)
    out = (*lead, d) if terms else lead
    if x.vector and y.vector:
        out = out[1:]
    moved = x.bytes + y.bytes + 8 * (n * d if terms else n)
    rate = rates.known_rate(found, "f64")
    one = call.operation("compare", f"{n:,} x {d:,}", n * d / rate, n * d * each, moved, 1)
    return call.explanation(plan, (one,), out, rate)


def _folded(call: _Call, third: _Operand) -> VerbExplanation:
    """Every pair, and a sum over the items weighed by what came of it: two products' worth of work in one pass."""
    x, y = call.operands
    n, m, d, found = call.n, call.m, call.d, call.metric
    attends = call.verb == "attend"
    name = "v" if attends else "weights"
    if third.vector and not attends:
        rows, columns = third.shape[-1], 1
    else:
        rows, columns = third.shape[-2], third.shape[-1]
    if rows != m or (attends and third.vector):
        shape = third.shape[1:] if third.vector else third.shape
        raise ShapeError(f"{name} has shape {shape}; one row per item is wanted, and {ARRAYS[call.verb][1]} has {m}")
    lead = _lead((*call.lead, 1, 1), third.shape if not third.vector else (1, 1), -2)
    n = math.prod([*lead, x.shape[-2]])
    arithmetic = fold_compute(x.dtype, y.dtype, third.dtype)
    rate, products = rates.known_rate(found, arithmetic), rates.fma_rate(arithmetic)
    float_name = {"f32": "float32", "f64": "float64"}[arithmetic]
    head = call.plan().steps[0]
    lines = [
        head,
        f"pack       rows into {float_name} panels",
        f"compare    {found.combine} over coordinates in {float_name}",
    ]
    level = 1 + (n > 1) + (m > 1)
    moved = x.bytes + y.bytes
    operations = [
        call.operation(
            "compare", f"{n:,} x {m:,} x {d:,}", float_seconds(n, m, d, rate), n * m * d * flops_per_coordinate(found),
            moved, level,
        )
    ]  # fmt: skip
    if attends:
        exponentials = rates.known_rate(elementwise(lambda x, y: exp(x - y)), arithmetic)
        flops = SOFTMAX_FLOPS * n * m
        operations.append(call.operation("softmax", f"{n:,} x {m:,}", n * m / exponentials, flops, 0, 1))
        lines.append("softmax    block after block of items, against the largest score so far")
    size = 4 if arithmetic == "f32" else 8
    out = (*lead, int(x.shape[-2])) + (() if third.vector and not attends else (columns,))
    if x.vector:
        out = (*lead, *out[len(lead) + 1 :])
    folded = call.operation(
        "sum", f"{n:,} x {m:,} @ {m:,} x {columns:,}", float_seconds(n, m, columns, products), 2 * n * m * columns,
        third.bytes + math.prod([*lead, x.shape[-2], columns]) * size, 1 + (n > 1) + (columns > 1),
    )  # fmt: skip
    operations = [*(replace(one, call_seconds=0.0) for one in operations), folded]
    lines.append(f"sum        weighed by {'these' if attends else name}, 256 items at a time; never all pairs at once")
    plan = replace(call.plan(), n=n, steps=tuple(lines))
    made = call.explanation(plan, tuple(operations), out, rate)
    return replace(made, notes=(*made.notes, "one pass: what is measured stands with the comparison"))


def _clusters(call: _Call) -> VerbExplanation:
    """A step of k-means: every row to its nearest centroid, every centroid to the middle of its rows."""
    x, _ = call.operands
    if len(x.shape) != 2:
        raise ShapeError(f"x has shape {x.shape}; one set of rows, (n, d), is wanted")
    n, d, k, found = call.n, call.d, int(call.k or 1), call.metric
    if k > max(n, 1):
        raise InputError(f"k={k} clusters of {n} rows; at most {n}")
    plan = call.plan()
    lines = (*plan.steps, "centre     the sum of each cluster's rows; then again, up to max_iter times (300)")
    rate = rates.known_rate(found, plan.screen.compute)
    flops = n * k * d * flops_per_coordinate(found) + n * d
    seconds = float_seconds(n, k, d, rate) + n * d / rates.fma_rate("f64")
    one = call.operation("compare", f"{n:,} x {k:,} x {d:,}", seconds, flops, 2 * x.bytes + 4 * k * d, plan.blas_level)
    notes = (f"of one step; the time measured is a step's share of {MOST_STEPS} at most",)
    return call.explanation(replace(plan, steps=lines), (one,), (k, d), rate, notes)


def real_call(verb: Callable[..., Any], *arguments: Any, **settings: Any) -> VerbExplanation:
    """What this call of a verb will do and cost: its own arguments, bound as the verb binds them."""
    name = read_verb(verb)
    try:
        bound = dict(inspect.signature(VERBS[name]).bind(*arguments, **settings).arguments)
    except TypeError as error:
        known = ", ".join(inspect.signature(VERBS[name]).parameters)
        raise InputError(f"{name} cannot be called so: {error}; its arguments are {known}") from None
    arrays = [bound.pop(array, None) for array in ARRAYS[name]]
    return comparison(*arrays, verb=name, **bound)
