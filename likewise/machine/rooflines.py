"""How much of the machine each way of comparing reaches: the roofline.

A metric costs some FLOPs for each coordinate of a pair. Its rate in coordinates a second is set beside two others: that
of its own instructions on registers alone, and that of multiply-adds, which the vendor's FLOPS stand for:

    share of its instructions  =  rate / rates.peak(metric)
    share of the dot product's =  rate / multiply-adds a second
    share of nominal FLOPS     =  rate * FLOPs a coordinate / (2 * multiply-adds a second)

The roofline (Williams, Waterman and Patterson, "Roofline", CACM 2009) draws FLOP/s over the FLOPs for each byte that
has to come from memory: below (peak / bandwidth), memory is the limit, beyond it arithmetic.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np

from likewise import rates
from likewise.backends.llvm.pool import available_cores
from likewise.compute import prepare, topk, weighted_sum
from likewise.compute.options import Progress, read_options
from likewise.errors import InputError
from likewise.formula.bits import counts_of
from likewise.formula.metric import Metric
from likewise.formula.metrics import NAMED, as_metric
from likewise.formula.parse import metric_from_name
from likewise.formula.screen import choose, factor
from likewise.machine.peaks import Machine, measure
from likewise.plan import flops_per_coordinate
from likewise.reductions import CountedTopK

#: Rounds of a measurement, all metrics in turn, and the seconds of one core that a run is cut to.
ROUNDS, RUN_SECONDS = 5, 0.025
_K, _MOST_SIDE = 10, 8192
#: Rows of the search of one query are so many bytes at most, and twice the largest cache at least where that is less.
_MOST_SINGLE = 256 << 20

#: All named metrics; minkowski, which is the Euclidean distance at its default, with a cube, a root and a true power.
DEFAULT = tuple(
    name
    for known in NAMED
    if known != "mahalanobis"  # which is a Euclidean distance of other rows
    for name in ([f"minkowski(p={p})" for p in (3, 1.5, 1.7)] if known == "minkowski" else [known])
)


@dataclass(frozen=True)
class RooflineRow:
    """What one metric reaches.

    Attributes
    ----------
    metric, formula : str
        Its name, and what is computed for each coordinate of a pair.
    flops : int
        FLOPs of a coordinate: one each for arithmetic, a function, and combining. Signs and comparisons are free.
    d, pairs : int
        Coordinates, and the number of pairs of a run.
    rate, together : float
        Coordinates of pairs a second, of one core and of ``threads``: of ``weighted_sum`` on float32 rows, which
        computes every pair in full.
    threads : int
    allowed : float
        Coordinates a second and core that the formula's own instructions allow, on registers alone.
    products : float
        Multiply-adds a second and core, measured in the same minutes.
    search : float
        Coordinates of pairs a second that a search of prepared items gets through on one core, computed or excluded.
    way : str
        What that search compared: "float32", "float64", "8-bit codes" or "bits".
    single : float
        Coordinates a second of a search of prepared items by one query, on one core; they lie in memory.
    """

    metric: str
    formula: str
    flops: int
    d: int
    pairs: int
    rate: float
    together: float
    threads: int
    allowed: float
    products: float
    search: float
    way: str
    single: float

    @property
    def share(self) -> float:
        """Of the rate that its own instructions allow."""
        return self.rate / self.allowed

    @property
    def of_products(self) -> float:
        """Of the rate of multiply-adds: how near it comes to the speed of a perfect dot product."""
        return self.rate / self.products

    @property
    def search_of_products(self) -> float:
        """The same of the search."""
        return self.search / self.products

    @property
    def flops_per_second(self) -> float:
        """FLOP/s of one core."""
        return self.rate * self.flops

    @property
    def of_nominal(self) -> float:
        """FLOP/s as a share of the peak, two FLOPs a multiply-add."""
        return self.flops_per_second / (2 * self.products)

    @property
    def intensity(self) -> float:
        """FLOPs for each byte of input and output, of the comparison of all with all."""
        side = math.isqrt(self.pairs)
        return self.flops * self.d * side / (4 * (2 * self.d + 2))

    @property
    def single_intensity(self) -> float:
        """FLOPs for each byte of one query's search: each coordinate of 4 bytes is read once."""
        return self.flops / 4  # a search by codes reads fewer bytes than that, and may lie above the roof

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {
            "share_of_its_instructions": self.share,
            "share_of_multiply_adds": self.of_products,
            "share_of_nominal_flops": self.of_nominal,
            "search_share_of_multiply_adds": self.search_of_products,
            "flops_per_second": self.flops_per_second,
            "intensity": self.intensity,
            "single_intensity": self.single_intensity,
        }

    def cells(self) -> dict[str, str]:
        """For a table: see :data:`NOTE`."""
        return {
            "metric": self.metric,
            "G/s": f"{self.rate / 1e9:.1f}",
            "own": f"{self.share:.0%}",
            "dot": f"{self.of_products:.0%}",
            "FLOPS": f"{self.of_nominal:.0%}",
            "search": f"{self.search / 1e9:.1f}",
            "by": self.way,
        }


#: What the columns of a table say.
NOTE = (
    "G/s: 10^9 coordinates of pairs a second, one core, every pair computed in full. own: share of what its own "
    "instructions allow; dot: of multiply-adds; FLOPS: its FLOP/s of the nominal ones. search: G/s that a search of "
    "prepared items gets through, and by what."
)


@dataclass(frozen=True)
class Roofline:
    """The machine, and what each metric reaches of it."""

    machine: Machine
    rows: tuple[RooflineRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {"machine": self.machine.as_dict(), "metrics": [row.as_dict() for row in self.rows]}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Roofline:
        """What :meth:`as_dict` gave, as of another machine."""
        names = {field.name for field in fields(RooflineRow)}
        rows = [RooflineRow(**{k: v for k, v in row.items() if k in names}) for row in found["metrics"]]
        return cls(Machine.from_dict(found["machine"]), tuple(rows))

    def svg(self) -> str:
        """The roofline as a picture; needs matplotlib."""
        from likewise.machine.draw import draw

        return draw(self)

    def save(self, path: str | Path) -> None:
        """Write :meth:`svg` into a file."""
        check_picture(path)
        text = self.svg()
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from None

    def __str__(self) -> str:
        heads, cells = list(self.rows[0].cells()), [list(row.cells().values()) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if i in (0, 6) else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in (heads, *cells)
        ]
        return "\n".join([str(self.machine), "", *lines, "", NOTE])


def check_picture(path: str | Path) -> None:
    """Refuse a file that the roofline cannot be drawn into, before it is measured.

    Raises
    ------
    InputError
        For a name that does not end in .svg, or a folder that does not exist.
    """
    if Path(path).suffix.lower() != ".svg":
        raise InputError(f"the roofline is drawn as SVG, and {path} is not called that; try roofline.svg")
    if not Path(path).parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {Path(path).parent}")


# ------------------------------------------------------------------------------------------------ measuring


def _name(metric: Metric) -> str:
    """What it is called, without parameters that are the default's."""
    name = metric.name or "formula"
    bare = name.partition("(")[0]
    return bare if bare in NAMED and bare != "mahalanobis" and as_metric(bare) == metric else name


def _is_of_bits(metric: Metric) -> bool:
    """Whether it compares without arithmetic on coordinates, so that zeros and ones are its rows."""
    nodes = {node.op for term in factor(metric).terms for node in term.walk()}
    return counts_of(metric) is not None and not nodes & {"add", "sub", "mul", "div"}


class _Data:
    """Rows that all metrics compare, made once: Gaussian, or zeros and ones."""

    def __init__(self, d: int) -> None:
        self.d, self._made = d, dict[str, Any]()

    def rows(self, count: int, part: int, binary: bool = False) -> Any:
        """The first ``count`` rows of a part: 0 for those of one query's search, which no cache holds."""
        name = f"{part} {binary}"
        if name not in self._made:
            most = _single_rows(self.d) if part == 0 else 4 * _MOST_SIDE
            if binary:
                self._made[name] = (self.rows(most, part) > 0).astype(np.float32)
            else:
                self._made[name] = np.random.default_rng(part).standard_normal((most, self.d), dtype=np.float32)
        return self._made[name][:count]


def _fastest(run: Callable[[], Any], tries: int, alone: bool) -> float:
    """Seconds: of a run on the caller's thread ``alone``, those that the processor gave it, whoever else had some."""
    clock = time.thread_time if alone and rates.FINE_CLOCK else time.perf_counter
    best = math.inf
    for _ in range(tries):
        start = clock()
        run()
        best = min(best, clock() - start)
    return best


class _Contest:
    """One metric's runs, and the best of each so far."""

    def __init__(self, metric: Metric, data: _Data, threads: int) -> None:
        d, allowed, binary = data.d, rates.known_rate(metric), _is_of_bits(metric)
        side = max(256, min(_MOST_SIDE, int(math.sqrt(RUN_SECONDS * allowed / d)) // 256 * 256))
        x, y, weights = data.rows(side, 1), data.rows(side, 2), np.ones(side, np.float32)
        queries, items = data.rows(side // 4, 1, binary), data.rows(4 * side, 2, binary)
        shelf = prepare(items, metric=metric, n_jobs=1)
        stats = cast(CountedTopK, topk(queries, shelf, _K, n_jobs=1, stats=True)).stats
        self.way = "8-bit codes" if stats.screened else "bits" if binary else _ARITHMETIC[choose(metric).compute]
        self.metric, self.data, self.threads, self.pairs = metric, data, threads, side * side
        self.runs: dict[str, Callable[[], Any]] = {
            "rate": lambda: weighted_sum(x, y, weights, metric=metric, n_jobs=1),
            "search": lambda: topk(queries, shelf, _K, n_jobs=1),
        }
        if threads > 1:
            self.runs["together"] = lambda: weighted_sum(x, y, weights, metric=metric, n_jobs=threads)
        self.best = dict.fromkeys(self.runs, math.inf)
        self.single = self._single(binary)

    def _single(self, binary: bool) -> float:
        """Coordinates a second of one query's search; what is prepared for it is not kept."""
        many = self.data.rows(_single_rows(self.data.d), 0, binary)
        shelf = prepare(many, metric=self.metric, n_jobs=1)
        query = self.data.rows(1, 1, binary)
        topk(query, shelf, _K, n_jobs=1)
        return float(many.size / _fastest(lambda: topk(query, shelf, _K, n_jobs=1), 6, True))

    def round(self) -> None:
        """Each run once more; the first compiles, and is not timed."""
        for name, run in self.runs.items():
            if math.isinf(self.best[name]):
                run()
            self.best[name] = min(self.best[name], _fastest(run, 3, name != "together"))

    def row(self) -> RooflineRow:
        """What was found."""
        joined = ", ".join(map(str, factor(self.metric).terms))
        rate = {name: self.pairs * self.data.d / seconds for name, seconds in self.best.items()}
        return RooflineRow(
            metric=_name(self.metric),
            formula=f"{self.metric.combine} of {joined}",
            flops=flops_per_coordinate(self.metric),
            d=self.data.d,
            pairs=self.pairs,
            rate=rate["rate"],
            together=rate.get("together", rate["rate"]),
            threads=self.threads,
            allowed=rates.known_rate(self.metric),
            products=rates.fma_rate(),
            search=rate["search"],
            way=self.way,
            single=self.single,
        )


_ARITHMETIC = {"f32": "float32", "f64": "float64", "bits": "bits"}


def _single_rows(d: int) -> int:
    """Rows that no cache holds, if 256 MB are more than that."""
    return max(min(rates.working_set("memory"), _MOST_SINGLE) // (4 * d), 256)


def _path(metric: Metric, d: int, threads: int) -> Path:
    """Where a row is kept."""
    from likewise.backends.llvm.rows import exact_text

    terms = " ".join(map(exact_text, (*metric.terms, metric.finish)))
    return rates.kept(f"roofline {metric.name} {metric.combine} {metric.closer} {terms} {d} x{threads} {ROUNDS}")


def _kept(path: Path) -> RooflineRow | None:
    """A row that was kept, if it is there and whole."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        row = RooflineRow(**json.loads(path.read_text(encoding="utf-8")))
        numbers = (row.rate, row.together, row.allowed, row.products, row.search, row.single)
        if all(1e3 < float(number) < 1e16 for number in numbers) and f"{row.metric}{row.formula}{row.way}":
            return row
    return None


def _metrics(given: Any) -> list[Metric]:
    if given is None:
        given = DEFAULT
    if isinstance(given, str | Metric) or callable(given):
        given = [given]
    if not isinstance(given, Sequence) or not given:
        raise InputError("metrics= takes metrics or their names in a list; None for every named one")
    found = [metric_from_name(one) if isinstance(one, str) else as_metric(one) for one in given]
    for metric in found:
        if metric.matrix is not None:
            raise InputError(
                f"{metric.name} is a Euclidean distance of rows times a matrix: its rate is that of euclidean"
            )
    return list(dict.fromkeys(found))


def roofline(
    metrics: Any = None,
    *,
    d: int = 128,
    refresh: bool = False,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> Roofline:
    """What each metric reaches of this machine, measured through the verbs on Gaussian float32 rows.

    Rows of zeros and ones for those that only ask whether coordinates are equal. Measured once and kept, as
    :func:`measure` does: all metrics in turn, five rounds, the best of each, and their instructions and multiply-adds
    in every round. Runs of one core are timed by the processor time that they were given.

    Parameters
    ----------
    metrics : list of metrics or names, optional
        As in ``["manhattan", "minkowski(p=3)"]``; functions of two numbers too. Default: every named one.
    d : int
        Coordinates, 1 to 65,536. At 256 and more, what a tile of some metrics reads just fits the first-level cache,
        and where the system put it counts for 10% of their rates.
    refresh : bool
        Measure anew.
    n_jobs : int, optional
        Threads of what is measured "together". Default: one for every processor that this process may use.
    progress : bool or callable, optional
        True for a line on standard error, or a function of (done, total).

    Returns
    -------
    Roofline
        ``rows``, a :class:`RooflineRow` for each metric; ``machine``; ``svg()`` and ``save(path)`` draw it.

    Raises
    ------
    UnknownMetricError, InputError
        Each says what was found and what to try.

    Examples
    --------
    >>> import likewise as lw
    >>> found = lw.machine.roofline(["manhattan"], d=32, n_jobs=1)
    >>> found.rows[0].flops, found.rows[0].share > 0.05
    (2, True)
    """
    chosen = _metrics(metrics)
    if isinstance(d, bool) or not hasattr(d, "__index__") or not 1 <= d.__index__() <= 65_536:
        raise InputError(f"d={d!r} is no number of coordinates; it is a whole number from 1 to 65536")
    d = d.__index__()
    options = read_options(n_jobs, None, "raise", progress)
    threads = min(options.threads, available_cores())
    kept = {metric: None if refresh else _kept(_path(metric, d, threads)) for metric in chosen}
    missing = [metric for metric, row in kept.items() if row is None]
    done, total = 0, (ROUNDS + 1) * len(missing) + 1

    def advance() -> None:
        nonlocal done
        done += 1
        if options.progress is not None:
            options.progress(done, total)

    machine = measure(refresh, n_jobs=n_jobs)
    advance()
    data, contests = _Data(d), list[_Contest]()
    instructions = {(factor(metric).terms, metric.combine): metric for metric in missing}
    for metric in missing:
        contests.append(_Contest(metric, data, threads))
        advance()
    for _ in range(ROUNDS if contests else 0):
        for metric in instructions.values():
            rates.known_rate(metric, refresh="again")
        rates.fma_rate(refresh="again")
        for contest in contests:
            contest.round()
            advance()
    for contest in contests:
        row = contest.row()
        kept[contest.metric] = row
        rates.keep(_path(contest.metric, d, threads), json.dumps(asdict(row)))
    if contests:
        machine = measure(n_jobs=n_jobs)  # multiply-adds were measured again
    return Roofline(machine, tuple(row for row in kept.values() if row is not None))
