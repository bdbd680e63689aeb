"""A plan: what a call will do, decided before it runs, and printed.

metric x reduction x shapes x types -> which screen, which arithmetic, how the loops are cut. Answers never depend on
a plan; time and memory do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from likewise.formula.codes import Coding
from likewise.formula.metric import Metric
from likewise.formula.screen import Rows, Screen, Slack, choose, factor, slack

#: Packed items in hand at a time: small enough to stay in a last-level cache share, large enough that packing and the
#: hand-over between threads are under 2% of the work.
BLOCK_BYTES = 16 << 20
#: Packed queries of one task: all of them meet a panel while it is near. They themselves come from the second-level
#: cache; more of them mean fewer passes over the items (784 coordinates: 1 MB ran 20% faster than 256 KB).
GROUP_BYTES = 1 << 20
#: Working memory a call uses unless told otherwise, beyond its inputs and outputs.
DEFAULT_MEMORY = 256 << 20


@dataclass(frozen=True)
class Outlook:
    """What a scan by codes is expected to do for one query, from a sample: see :func:`scan_seconds`.

    ``coordinates`` of every pair in integers; then ``stages``: (bytes of a row, pairs that get there).
    """

    coordinates: int
    stages: tuple[tuple[int, float], ...]


#: Seconds of one core, measured on Zen 5: what a pair costs beyond its coordinates; what listing a pair and looking at
#: it once more costs; what its bytes cost, from a farther cache.
_PAIR_SECONDS, _LISTED_SECONDS, _BYTE_SECONDS = 4e-11, 1.5e-8, 6e-11
#: The shares of the instructions' rates that whole searches reach.
_FLOAT_SHARE, _INTEGER_SHARE = 0.85, 0.85
#: Rows are coded at this many coordinates per second and core.
_CODE_RATE = 8e8


def float_seconds(n: int, m: int, d: int, rate: float) -> float:
    """Core-seconds of a search of every pair in floating point, at ``rate`` pair-dimensions per second."""
    return n * m * d / (_FLOAT_SHARE * rate)


def scan_seconds(n: int, m: int, outlook: Outlook, rate: float) -> float:
    """Core-seconds of a search by codes, at ``rate`` pair-dimensions per second in integers."""
    listed = sum(pairs * (_LISTED_SECONDS + size * _BYTE_SECONDS) for size, pairs in outlook.stages)
    return n * (m * (outlook.coordinates / (_INTEGER_SHARE * rate) + _PAIR_SECONDS) + listed)


#: What counts as an operation: arithmetic and elementary functions, one each. Signs, comparisons and choices are free.
_COUNTED = {
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


def flops_per_coordinate(metric: Metric) -> int:
    """FLOPs that a pair takes for each of its coordinates: those of the terms, and one each to combine them.

    What concerns one row alone is computed once a row, and not counted: 2 for cosine as for dot.
    """
    core = factor(metric)
    nodes = {node for term in core.terms for node in term.walk()}
    return sum(node.op in _COUNTED for node in nodes) + len(core.terms)


def coding_seconds(rows: int, d: int) -> float:
    """Core-seconds of coding rows."""
    return rows * d / _CODE_RATE


@dataclass(frozen=True)
class Plan:
    """The decisions of one call. ``str(plan)`` explains them."""

    verb: str
    metric: Metric
    n: int
    m: int
    d: int
    x_dtype: str
    y_dtype: str
    threads: int
    screen: Screen
    slack: Slack
    chunk: int
    group: int
    block: int
    memory: int
    steps: tuple[str, ...] = field(default=())

    @property
    def pair_dimensions(self) -> int:
        """n m d: the unit of speed."""
        return self.n * self.m * self.d

    @property
    def blas_level(self) -> int:
        """1 vector with vector, 2 matrix with vector, 3 matrix with matrix."""
        return 1 + (self.n > 1) + (self.m > 1)

    def __str__(self) -> str:
        return "\n".join(self.steps)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verb": self.verb,
            "metric": str(self.metric),
            "n": self.n,
            "m": self.m,
            "d": self.d,
            "dtypes": [self.x_dtype, self.y_dtype],
            "threads": self.threads,
            "screen": self.screen.kind,
            "arithmetic": self.screen.compute,
            "memory": self.memory,
            "blas_level": self.blas_level,
            "pair_dimensions": self.pair_dimensions,
            "steps": list(self.steps),
        }


#: Bytes of an element, where it is not 1.
ELEMENT_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "bits": 0.125}


def plan_search(
    verb: str,
    metric: Metric,
    shape: tuple[int, int, int],
    dtypes: tuple[str, str],
    rows: tuple[Rows, Rows],
    *,
    threads: int,
    memory_limit: int | None,
    per_query: int,
    prepared: bool = False,
    screen: Screen | None = None,
) -> Plan:
    """Choose screen and sizes for a search of (n, m, d) with rows of those types and kinds.

    ``per_query`` is the memory of one query's state; ``prepared``: items are packed already.
    """
    (n, m, d), (x_dtype, y_dtype), (x, y) = shape, dtypes, rows
    screen = screen or choose(metric, x, y, d)
    bound = slack(screen, metric, x, y, d)
    row = d * 4 if screen.compute == "f32" else d * 8 if screen.compute == "f64" else -(-d // 64) * 8  # bytes, packed
    memory = memory_limit or DEFAULT_MEMORY
    block = max(64, min(BLOCK_BYTES, memory // 4) // row)
    held = 8 * (n + m) + (0 if prepared else min(block, m) * row)  # a norm of every row, and packed items
    query = per_query + row + 500  # and some ten candidates being settled
    least = max(1, min(64, (64 << 20) // query))  # of a million neighbours, a few queries at a time
    chunk = max(least, min(16_384, (memory - held) // (2 * query)))
    group = max(12, min(504, GROUP_BYTES // row))  # more than 504 queries changed nothing
    used = held + min(chunk, n) * query
    made = Plan(verb, metric, n, m, d, x_dtype, y_dtype, threads, screen, bound, chunk, group, block, used)
    return replace(made, steps=_steps(made, prepared))


_COMPARED = {
    "dot": "dot products of bytes",
    "sum": "sums of differences of bytes",
    "max": "largest differences of bytes",
}


def coded_steps(plan: Plan, coding: Coding, outlook: Outlook, prepared: bool) -> tuple[str, ...]:
    """The steps of a search by 8-bit codes, in words."""
    first, *rest = plan.steps
    lines = [first] + [line for line in rest if line.startswith("multiply")]
    sizes = [part.d for part in coding.parts]
    what = (
        "all coordinates" if coding.basis is None else f"the first {' + '.join(map(str, sizes))} principal coordinates"
    )
    whole = ", as the whole numbers they are" if coding.exact_at_once else ""
    if coding.exact is not None and not coding.exact_at_once:
        whole = ", and all coordinates as the whole numbers they are"
    lines.append(f"code       items in 8 bits, {'once, before' if prepared else 'for this call'}: {what}{whole}")
    lines.append("seed       score what looks best in a sample: thresholds that are nearly final")
    queries = min(plan.chunk, plan.n)
    workers = f"{_many(plan.threads, 'thread')}, {queries:,} {'query' if queries == 1 else 'queries'} at a time"
    lines.append(f"scan       {_COMPARED[coding.kind]}, {sizes[0]} of {plan.d} coordinates; {workers}")
    left = round(outlook.stages[0][1])
    bound = "Cauchy-Schwarz" if coding.kind == "dot" else "the triangle inequality"
    lines.append(f"list       what {bound} cannot exclude: about {left:,} of {plan.m:,} items a query")
    finer = [f"{size} coordinates more" for size in sizes[1:]]
    finer.append("all as whole numbers" if coding.exact is not None else "all in float32")
    lines.append(f"refine     those by {', then '.join(finer)}")
    lines.append("settle     in float64, coordinate after coordinate; best first, ties to the lowest index")
    return tuple(lines)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_BOUNDS = {
    "dot": "Cauchy-Schwarz bound on the rounding of each score",
    "difference": "norm bound on the rounding of rows and sums",
    "interval": "forward error bound of the formula",
}


def _steps(plan: Plan, prepared: bool) -> tuple[str, ...]:
    """The plan in words, a line a step."""
    screen, metric = plan.screen, plan.metric
    name = {"f32": "float32", "f64": "float64", "bits": "64-bit"}[screen.compute]
    types = plan.x_dtype if plan.x_dtype == plan.y_dtype else f"{plan.x_dtype} and {plan.y_dtype}"
    lines = [f"{plan.verb}: {plan.n:,} x {plan.m:,} pairs of {plan.d} {types} coordinates, by {metric}"]
    if metric.matrix is not None:
        shape = " x ".join(map(str, metric.matrix.shape))
        lines.append(f"multiply   rows by the metric's {shape} matrix, in float64")
    where = "once, before" if prepared else f"{min(plan.block, plan.m):,} at a time"
    kept = "" if screen.core.identity else f", as {screen.core.u} and {screen.core.v}"
    scales = [name for scale in (screen.scale_x, screen.scale_y) if scale is not None for name in scale.stats()]
    scaled = f", divided by {' and '.join(scales)}" if scales else ""
    lines.append(f"pack       items into {name} panels {where}{kept}{scaled}")
    terms = ", ".join(map(str, screen.core.terms))
    queries = min(plan.chunk, plan.n)
    workers = f"{_many(plan.threads, 'thread')}, {queries:,} {'query' if queries == 1 else 'queries'} at a time"
    if screen.kind == "bits":
        counted = "differ" if screen.core.terms[0].op == "ne" else "are both set"
        lines[-1] = f"pack       items into words of 64 bits, in panels, {where}"
        lines.append(f"compare    count the bits that {counted}, by popcount; {workers}")
        lines.append("screen     counts are exact: keys are the answer's own")
        lines.append("settle     in float64, from the counts; best first, ties to the lowest index")
        return tuple(lines)
    lines.append(f"compare    {metric.combine} of {terms} in {name}; {workers}")
    if screen.kind == "direct":
        why = "no float32 bound is known for this formula and data: every pair in float64, in one fixed order"
    elif plan.slack.exact:
        why = "these scores are exact in float32"
    else:
        why = f"{_BOUNDS[screen.kind]}; keep what may still win"
    lines.append(f"screen     {why}")
    lines.append("settle     in float64, coordinate after coordinate; best first, ties to the lowest index")
    return tuple(lines)
