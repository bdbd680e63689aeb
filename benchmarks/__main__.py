"""Run benchmarks: all of them, or those named.

A full run writes docs/benchmarks.json, docs/benchmarks.md from it, and the table in README.md. A quick or partial run
writes no page unless asked to: --update puts its sections into the place of theirs, measured on the same processor, and
the page says of each when that was.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.environment import load, machine, pin, versions

ROOT = Path(__file__).parents[1]
NAMES = tuple(report.SECTIONS)
BUSY = 0.3  # load average: above it, threads that wait for each other wait for somebody else too


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)} (all of them)")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant (2)")
    parser.add_argument("--rounds", type=int, help="of each race (9; 3 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the measurements go (docs/benchmarks.json)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="where the page goes (docs/benchmarks.md)")
    parser.add_argument(
        "--from-json", type=Path, metavar="FILE", help="measure nothing: write the pages of these measurements"
    )
    parser.add_argument(
        "--update", action="store_true", help="put these sections into docs/benchmarks.json, in the place of theirs"
    )
    chosen = parser.parse_args(given)
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return chosen


def measure(names: list[str], chosen: argparse.Namespace) -> dict[str, Any]:
    pin(chosen.threads)  # before any library is loaded
    from benchmarks.harness import Settings

    rounds = chosen.rounds or (3 if chosen.quick else 9)
    settings = Settings(chosen.threads, chosen.quick, rounds, 1.0 if chosen.quick else 8.0)
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    here = machine() | {"load_before": load()}
    if here["load_before"] > BUSY:
        print(f"This machine is busy (load {here['load_before']:.1f}): whoever waits for threads will look slow.")
    sections = {name: importlib.import_module(f"benchmarks.{name}").run(settings) for name in names}
    here["load_after"] = load()
    return {
        "command": shlex.join(["python", "-m", "benchmarks", *chosen.names, *_sizes(chosen)]),
        "date": date,
        "threads": chosen.threads,
        "quick": chosen.quick,
        "machine": here,
        "versions": versions(),
        "sections": sections,
    }


def _sizes(chosen: argparse.Namespace) -> list[str]:
    """The options that bear on the numbers: not where they are written."""
    rounds = ["--rounds", str(chosen.rounds)] if chosen.rounds else []
    threads = ["--threads", str(chosen.threads)] if chosen.threads != 2 else []
    return ["--quick"] * chosen.quick + rounds + threads


def main() -> int:
    chosen = arguments()
    names = [name for name in NAMES if name in chosen.names] or list(NAMES)
    full = names == list(NAMES) and not chosen.quick
    docs = ROOT / "docs"
    if chosen.from_json:
        results = json.loads(chosen.from_json.read_text(encoding="utf-8"))
        full = not results["quick"] and list(results["sections"]) == list(NAMES)
    else:
        results = measure(names, chosen)
    if chosen.update:
        before = json.loads((docs / "benchmarks.json").read_text(encoding="utf-8"))
        try:
            results, full = report.updated(before, results), True
        except ValueError as error:
            print(f"docs/benchmarks.json stays as it is: {error}", file=sys.stderr)
            return 1
    kept = chosen.json or (docs / "benchmarks.json" if full else None)
    if kept and (chosen.update or not chosen.from_json):
        write(kept, json.dumps(results, indent=1) + "\n")
    if file := chosen.page or (docs / "benchmarks.md" if full else None):
        write(file, report.page(results))
    readme = ROOT / "README.md"
    if full and not chosen.page and readme.exists():
        write(readme, report.with_block(readme.read_text(encoding="utf-8"), results))
    goals = [goal for parts in results["sections"].values() for part in parts for goal in part["goals"]]
    print("\n" + "".join(report.goal_lines(goals)).replace("**", ""), end="")
    return 0


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"wrote {file}")


if __name__ == "__main__":
    sys.exit(main())
