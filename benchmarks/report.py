"""Results -> docs/benchmarks.md and the table in README.md. Pure text: every number comes from the JSON of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tools.generated import between, grid

Results = dict[str, Any]
SECTIONS = {
    "topk": "Exact search",
    "exact": "Exact search of real rows",
    "latency": "One query at a time",
    "filtered": "Filtered search",
    "binary": "Bits",
    "build": "Preparing",
    "integer": "The pass over integer codes",
    "kernels": "Kernels",
    "attention": "Attention",
    "attention_training": "Training through attention",
    "weighted": "Weighted sums",
    "neighbours": "Neighbours of interactions",
    "factors": "Recommendations from factors",
    "duplicates": "Near duplicates",
    "learn": "Classifying by neighbours",
    "recommend": "How good recommendations are",
    "svm": "Support vector machines",
    "ridge": "Kernel ridge regression",
    "startup": "Start",
    "memory": "Memory",
}

HEAD = """\
# Benchmarks

<!-- Written by python -m benchmarks from its own measurements: do not edit, run it again. -->

{machine}

All contestants of a task run in one process on {threads} thread{plural} each, in turn, round after round; the first
calls are not timed. Times are medians, with quartiles. What a library can prepare (an index, packed or normalised
rows) it has prepared beforehand: compare it with *prepared*; *one call* starts from bare arrays each time. **Speed** is
against the best peer that gives the same answer: 2× is half its time. **recall** is the share of the exact neighbours
found, **error** the largest error of a value, both against float64. The exact neighbours are likewise's, some of them
checked against plain NumPy in every run; for real rows and bits they are NumPy's, and every row of likewise's answers
is compared with them. Approximate searches stand there for orientation.

To run it all again: `make bench`, or one part: `make bench ARGS="topk"`.
"""


# ------------------------------------------------------------------------------------------------ numbers


def duration(seconds: float) -> str:
    """Three significant digits in a unit that suits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * scale:
            return f"{digits(seconds / scale)} {unit}"
    return f"{digits(seconds / 1e-6)} µs"


def digits(value: float, count: int = 3) -> str:
    """``count`` significant digits, without an exponent: 0.0123, 1.23, 12.3, 123, 1,230."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{count - 1}e}")
    exponent = int(f"{rounded:e}".split("e")[1])
    return f"{rounded:,.{max(count - 1 - exponent, 0)}f}"


FORMATS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "count": "{:,}".format,
    "rate": lambda v: f"{digits(v / 1e9)} G/s",
    "share": lambda v: f"{v[1]:.0%} ({v[0]:.0%} to {v[2]:.0%})",
    "ms": lambda v: f"{digits(v * 1e3)} ms",
    "s": lambda v: f"{digits(v)} s",
    "MB": lambda v: f"{v / 1e6:,.0f} MB",
    "times": lambda v: f"{digits(v)}×",
    "per second": lambda v: digits(v),
    "recall": lambda v: f"{v:.4g}",
    "measure": lambda v: f"{v:.4f}",
    "points": lambda v: f"{v:.2f}%",
    "error": lambda v: f"{v:.1e}" if v else "0",
}
CHECKS: dict[str, Callable[[float], str]] = {
    "recall": lambda v: f"{v:.4g}",
    "accuracy": lambda v: f"{v:.4f}",
    "same": lambda v: f"{v:.4f}",
    "error": lambda v: f"{v:.1e}" if v else "0",
    "ef": "{:.0f}".format,
}
GOALS: dict[str, Callable[[float], str]] = {
    "times": lambda v: f"{digits(v)}×",
    "%": lambda v: f"{v:.0f}%",
    "ms": lambda v: f"{digits(v)} ms",
    "MB": lambda v: f"{v:,.0f} MB",
    "points": lambda v: f"{v:.2f} points",
}


# ------------------------------------------------------------------------------------------------ parts of the page


def race_part(race: Results) -> Iterator[str]:
    best, names = race["best_peer"], sorted({name for r in race["results"] for name in r["check"]}, reverse=True)
    rows = []
    for r in race["results"]:
        low, high = r["quartiles"]
        ours = r["role"] in ("likewise", "yardstick")
        checks = [CHECKS[name](r["check"][name]) if name in r["check"] else "" for name in names]
        rows.append(
            [
                f"**{r['name']}**" if r["role"] == "likewise" else r["name"],
                duration(r["median"]),
                f"{duration(low)} to {duration(high)}",
                *([digits(race["queries"] / r["median"])] if race.get("queries") else []),
                FORMATS["rate"](r["rate"]) if r["rate"] else "",
                "best peer" if r["name"] == best else f"{digits(r['against_best_peer'])}×" if best and ours else "",
                *checks,
            ]
        )
    rates = ["queries a second", "pair-dimensions"] if race.get("queries") else ["pair-dimensions"]
    yield grid(["", "median", "quartiles", *rates, "speed", *names], rows)
    yield from race_notes(race)


def race_notes(race: Results) -> Iterator[str]:
    best = next((r for r in race["results"] if r["name"] == race["best_peer"]), None)
    ours = [r for r in race["results"] if r["role"] == "likewise"]
    if best:
        gains = "; ".join(f"{r['name']}: {digits(r['against_best_peer'])}×" for r in ours)
        yield f"Best peer: {best['name']}. {gains}.\n"
    for yardstick in (r for r in race["results"] if r["role"] == "yardstick"):
        gains = "; ".join(f"{r['name']}: {digits(yardstick['median'] / r['median'])}×" for r in ours)
        yield f"Against {yardstick['name']}: {gains}.\n"
    parts = [f"{r['name']} ({share_text(r['share'])})" for r in race["results"] if r["share"] < 1]
    if parts:
        yield f"Timed on a part of the pairs, and scaled to all: {', '.join(parts)}.\n"
    few = [f"{r['name']} ({r['rounds']})" for r in race["results"] if r["rounds"] < rounds_of(race)]
    if few:
        yield f"Fewer rounds than {rounds_of(race)}: {', '.join(few)}.\n"
    if race["missing"]:
        yield "Not in the race:\n\n" + "".join(f"- {m['name']}: {m['reason']}\n" for m in race["missing"])


def rounds_of(race: Results) -> int:
    return int(max(r["rounds"] for r in race["results"]))


def share_text(share: float) -> str:
    return f"{digits(share * 100, 2)}%"


def table_part(table: Results) -> Iterator[str]:
    if not table["columns"]:
        return  # what there is to say, the text before it says
    heads = [title for title, _ in table["columns"]]
    formats = [FORMATS[kind] for _, kind in table["columns"]]
    yield grid(heads, [[write(v) for write, v in zip(formats, row, strict=True)] for row in table["rows"]])


def goal_lines(goals: Sequence[Results]) -> Iterator[str]:
    for goal in goals:
        write = GOALS[goal["unit"]]
        limits = [("at least", goal["at_least"]), ("at most", goal["at_most"])]
        wanted = " and ".join(f"{words} {write(limit)}" for words, limit in limits if limit is not None)
        yield f"- {'reached' if goal['met'] else '**missed**'}: {goal['what']}, {wanted}: {write(goal['value'])}\n"


def machine_line(results: Results) -> str:
    here, versions = results["machine"], dict(results["versions"])
    memory = f"{here['memory_bytes'] / 2**30:.0f} GiB of memory" if here["memory_bytes"] else "memory unknown"
    caches = ", ".join(f"{level} {size}" for level, size in here["caches"].items())
    python, own = versions.pop("python"), versions.pop("likewise")
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{results['date']}, likewise {own}, on {here['cpu']} ({here['architecture']}; {here['target']} code; "
        f"{here['cores']} cores; {caches}; {memory}; {digits(here['fma_per_second_and_core'] / 1e9)} G float32 "
        f"multiply-adds a second and core; load {here['load_before']} before), {here['system']}, Python {python}. "
        f"Libraries: {libraries}."
    )


def updated(before: Results, fresh: Results) -> Results:
    """Measurements with some sections in the place of theirs; each of these says when and by what it was measured.

    ValueError where the two are of different processors, or the new ones of small sizes.
    """
    if fresh["quick"]:
        raise ValueError("these are measurements of small sizes (--quick)")
    for what in ("cpu", "cores"):
        if before["machine"][what] != fresh["machine"][what]:
            raise ValueError(f"it was measured on {before['machine'][what]}, and this on {fresh['machine'][what]}")
    sections = before["sections"] | fresh["sections"]
    when = {"date": fresh["date"], "command": fresh["command"], "load_before": fresh["machine"]["load_before"]}
    again = before.get("again", {}) | fresh.get("again", dict.fromkeys(fresh["sections"], when))
    return before | {
        "sections": {name: sections[name] for name in SECTIONS if name in sections},
        "versions": before["versions"] | fresh["versions"],
        "again": again,
    }


# ------------------------------------------------------------------------------------------------ the pages


def page(results: Results) -> str:
    """docs/benchmarks.md."""
    threads = results["threads"]
    parts = [HEAD.format(machine=machine_line(results), threads=threads, plural="s" if threads > 1 else "")]
    if results["quick"]:
        parts.append("**A quick run on small sizes: its numbers say nothing.**\n")
    if races(results):
        parts += ["## Summary\n", summary(results)]
    for section, title in SECTIONS.items():
        if section not in results["sections"]:
            continue
        parts.append(f"## {title}\n")
        again = results.get("again", {}).get(section)
        later = f" Measured by itself, {again['date']} (load {again['load_before']} before)." if again else ""
        parts.append(f"`python -m benchmarks {section}`{'.' * bool(later)}{later}\n")
        for part in results["sections"][section]:
            parts.append(f"### {part['title']}\n")
            parts.append(part["what"] + (f" Here {part['size']}.\n" if part["kind"] == "race" else "\n"))
            parts.extend((race_part if part["kind"] == "race" else table_part)(part))
            if part["goals"]:
                parts.append("Aims:\n\n" + "".join(goal_lines(part["goals"])))
    return "\n".join(parts)


def races(results: Results) -> list[Results]:
    return [part for parts in results["sections"].values() for part in parts if part["kind"] == "race"]


def summary(results: Results, headline_only: bool = False) -> str:
    """A line a race: likewise's fastest, the best peer, and the ratio."""
    rows = []
    for race in races(results):
        ours = next((r for r in race["results"] if r["role"] == "likewise"), None)
        peer = next((r for r in race["results"] if r["name"] == race["best_peer"]), None)
        if ours and (race["headline"] or not headline_only):
            theirs = (
                [peer["name"], duration(peer["median"]), f"**{digits(ours['against_best_peer'])}×**"]
                if peer
                else ["", "", ""]
            )
            rows.append([race["title"], race["size"], duration(ours["median"]), *theirs])
    return grid(["task", "size", "likewise", "best peer", "its time", "speed"], rows)


def readme_block(results: Results) -> str:
    here = results["machine"]
    return (
        f"{summary(results, headline_only=True)}\n"
        f"Medians on {results['threads']} threads of {here['cpu']} ({here['architecture']}), {results['date']}; "
        "[every peer, and how it was measured](docs/benchmarks.md)."
    )


def with_block(text: str, results: Results) -> str:
    """The README with its table written anew."""
    return between(text, {"benchmarks": readme_block(results)}, "README.md")
