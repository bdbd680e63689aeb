"""How a comparison is run: every contestant in one process, in turn, round after round.

    for a round:
        for a contestant:              A B C  A B C  A B C ...
            time it

so that a slow minute of the machine falls on all of them. The first call of each is not timed. A contestant that cannot
take part is listed with the reason.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from benchmarks.environment import hold_threads

#: Libraries' idle threads go on spinning for some milliseconds; nobody's time should include another's.
PAUSE = 0.05
LEAST_ROUNDS = 3

#: likewise: ours. peer: gives the same answer. approximate: does not quite, so it is never the best peer. yardstick:
#: another of ours, to compare with.
Role = Literal["likewise", "peer", "approximate", "yardstick"]


@dataclass(frozen=True)
class Settings:
    """What the command line asks for."""

    threads: int = 2
    quick: bool = False
    rounds: int = 9
    seconds: float = 8.0  # about as long as one contestant may take in all; a slow one has fewer rounds


class NotOffered(Exception):
    """A library that does not do this task, and why."""


@dataclass
class Entry:
    """A contestant at the start: what is timed, and how to read what it returned."""

    run: Callable[[], Any]
    answer: Callable[[Any], Any] = lambda result: result
    share: float = 1.0  # of the task's pairs that ``run`` covers; its time is divided by it
    check: Callable[[Any], dict[str, float]] | None = None  # where its answer is not the task's


@dataclass(frozen=True)
class Contestant:
    """A name, and what imports the library and builds its index (never timed)."""

    name: str
    make: Callable[[], Entry]
    role: Role = "peer"


@dataclass(frozen=True)
class Goal:
    """A number to reach."""

    what: str
    value: float
    unit: Literal["times", "%", "ms", "MB", "points"]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True)
class Aim:
    """A goal of a race before it is run: how many times as fast as ``against`` (None: the best peer) ours is to be."""

    ours: str
    at_least: float
    against: str | None = None


@dataclass
class Race:
    """One task and those who do it. ``check`` compares an answer with the exact one, as named numbers."""

    name: str
    title: str
    size: str
    what: str
    contestants: Sequence[Contestant]
    check: Callable[[Any], dict[str, float]]
    work: float = 0.0  # pair-dimensions
    aims: Sequence[Aim] = ()
    headline: bool = False  # also in the README
    queries: int = 0  # how many there are, where speed is best told as queries a second


@dataclass
class Table:
    """Measurements without peers: columns of (title, format), formats as in :mod:`benchmarks.report`."""

    name: str
    title: str
    what: str
    columns: Sequence[tuple[str, str]]
    rows: list[list[Any]] = field(default_factory=list)
    goals: Sequence[Goal] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"kind": "table"} | asdict(self) | {"goals": [goal.as_dict() for goal in self.goals]}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, what it returned)."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def reason_of(error: BaseException) -> str:
    """Why a contestant is missing, in a line."""
    if isinstance(error, ImportError):
        return f"not installed: {error}"
    if isinstance(error, NotOffered):
        return str(error)
    text = " ".join(str(error).split())
    return f"does not run here: {type(error).__name__}: {text[:200]}"


def race(task: Race, settings: Settings, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run a race; everything measured, ready for JSON."""
    say(f"\n{task.title}: {task.size}")
    ready: list[tuple[Contestant, Entry, int]] = []
    missing: list[dict[str, str]] = []
    checks: dict[str, dict[str, float]] = {}
    for contestant in task.contestants:
        try:
            entry = contestant.make()
            hold_threads(settings.threads)
            _, result = timed(entry.run)  # compiles, fills caches, starts threads
            seconds, result = timed(entry.run)
            checks[contestant.name] = (entry.check or task.check)(entry.answer(result))
        except Exception as error:
            if contestant.role in ("likewise", "yardstick"):
                raise  # a fault of ours is no reason to be missing
            missing.append({"name": contestant.name, "reason": reason_of(error)})
            say(f"  {contestant.name}: {missing[-1]['reason']}")
            continue
        rounds = max(LEAST_ROUNDS, min(settings.rounds, int(settings.seconds / max(seconds, 1e-9))))
        ready.append((contestant, entry, rounds))
    times: dict[str, list[float]] = {contestant.name: [] for contestant, *_ in ready}
    for turn in range(settings.rounds):
        for contestant, entry, rounds in ready:
            if turn < rounds:
                time.sleep(PAUSE)
                times[contestant.name].append(timed(entry.run)[0] / entry.share)
    results = []
    for contestant, entry, _ in ready:
        low, median, high = quartiles(times[contestant.name])
        results.append(
            {
                "name": contestant.name,
                "role": contestant.role,
                "median": median,
                "quartiles": [low, high],
                "rounds": len(times[contestant.name]),
                "share": entry.share,
                "rate": None if contestant.role == "approximate" else task.work / median,
                "check": checks[contestant.name],
            }
        )
    return _compared(task, sorted(results, key=lambda r: r["median"]), missing, say)


def _compared(task: Race, results: list[Any], missing: list[Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Ratios to the best peer and the goals, added to the results."""
    median = {r["name"]: r["median"] for r in results}
    best = next((r["name"] for r in results if r["role"] == "peer"), None)
    goals = []
    for aim in task.aims:
        against = aim.against or best
        if against in median and aim.ours in median:
            goals.append(
                Goal(f"{aim.ours} against {against}", median[against] / median[aim.ours], "times", aim.at_least)
            )
    for r in results:
        r["against_best_peer"] = median[best] / r["median"] if best else None
        say(f"  {r['name']:45} {r['median'] * 1e3:12,.1f} ms  {r['check']}")
    return {
        "kind": "race",
        "name": task.name,
        "title": task.title,
        "size": task.size,
        "what": task.what,
        "headline": task.headline,
        "work": task.work,
        "queries": task.queries,
        "results": results,
        "missing": missing,
        "best_peer": best,
        "goals": [goal.as_dict() for goal in goals],
    }
