"""How fast intrinsic dimensions are found, beside scikit-dimension, and that they are the same.

    python -m benchmarks.geometry              half an hour, once; writes docs/geometry.json, and the table of the page
    python -m benchmarks.geometry --quick      10,000 images and fewer: two minutes; writes nothing
    python -m benchmarks.geometry --from-json  measures nothing: writes the table of docs/geometry.json

Fashion-MNIST's training images, 784 pixels in float32, the same array for both; in turn, on one thread; the median of
three rounds, of which all 60,000 images have one. The neighbourhoods of 1,000 rows are decomposed: there all of the
time is the decompositions'.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.environment import machine, pin, versions
from tools.generated import between, grid

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "geometry.md", ROOT / "docs" / "geometry.json"
PACKAGES = ("likewise", "python", "numpy", "llvmlite", "scikit-dimension", "scikit-learn")
THREADS = 1
RACES = (
    *(("twonn", 10_000, 3), ("mle", 10_000, 3), ("correlation", 10_000, 3), ("local_pca", 1_000, 3)),
    *(("mle", 60_000, 1), ("twonn", 60_000, 1)),
)


def pair(method: str) -> tuple[Callable[[Any], float], Callable[[Any], float]]:
    """Ours and theirs: functions of rows that give the dimension."""
    import skdim

    from likewise.geometry import intrinsic_dimension

    def local(rows: Any) -> float:
        return float(skdim.id.lPCA().fit_pw(rows, n_neighbors=100).dimension_pw_.mean())

    theirs: dict[str, Callable[[Any], float]] = {
        "twonn": lambda rows: float(skdim.id.TwoNN().fit(rows).dimension_),
        "mle": lambda rows: float(skdim.id.MLE().fit(rows).dimension_),
        "correlation": lambda rows: float(skdim.id.CorrInt().fit(rows).dimension_),
        "local_pca": local,
    }
    # rows that repeat are treated as theirs are, and none is drawn
    return (
        lambda rows: (
            intrinsic_dimension(rows, method, duplicates="leave_out", sample=len(rows), n_jobs=THREADS).value.value
        ),
        theirs[method],
    )


def race(method: str, rows: Any, rounds: int) -> dict[str, Any]:
    """Both in turn."""
    contestants = pair(method)
    for run in contestants:
        run(rows[:300])  # compiled, imported
    seconds: list[list[float]] = [[], []]
    found = [0.0, 0.0]
    for _ in range(rounds):
        for i, run in enumerate(contestants):
            start = time.perf_counter()
            found[i] = run(rows)
            seconds[i].append(time.perf_counter() - start)
    ours, theirs = (sorted(times)[len(times) // 2] for times in seconds)
    ratios = sorted(b / a for a, b in zip(*seconds, strict=True))
    print(
        f"{method:12} {len(rows):6,} {ours:8.2f} s {theirs:8.2f} s {ratios[len(ratios) // 2]:6.1f} x  {found}",
        flush=True,
    )
    return {
        "method": method,
        "rows": len(rows),
        "rounds": rounds,
        "seconds": ours,
        "peer_seconds": theirs,
        "faster": ratios[len(ratios) // 2],
        "dimension": found[0],
        "peer_dimension": found[1],
    }


def measure(quick: bool) -> dict[str, Any]:
    import numpy as np

    from benchmarks.data import images

    warnings.simplefilter("ignore")  # theirs of points that repeat
    rows = images("train").astype(np.float32)
    races = [race(method, rows[:n], rounds) for method, n, rounds in RACES if not quick or n <= 10_000]
    return {
        "command": "python -m benchmarks.geometry",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": machine(),
        "versions": {name: versions()[name] for name in PACKAGES},
        "threads": THREADS,
        "dimension": races,
    }


def tables(results: dict[str, Any]) -> dict[str, str]:
    """The parts of the page, by name."""
    rows = [
        [
            f"`{row['method']}`",
            f"{row['rows']:,}",
            f"{row['dimension']:.4f}",
            f"{abs(row['dimension'] / row['peer_dimension'] - 1):.0e}".replace("0e+00", "0"),
            f"{row['seconds']:.2f} s",
            f"{row['peer_seconds']:.1f} s",
            f"{row['faster']:.0f} x",
        ]
        for row in results["dimension"]
    ]
    heads = ["method", "images", "dimension", "difference", "likewise", "scikit-dimension", "faster"]
    threads = "one thread" if results["threads"] == 1 else f"{results['threads']} threads"
    said = f"{results['machine']['cpu']}, {threads}, {results['date']}; scikit-dimension " + (
        f"{results['versions'].get('scikit-dimension', '')}. Measured by `{results['command']}`."
    )
    return {"dimension": f"{grid(heads, rows)}\n{said}"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.geometry", description=__doc__)
    parser.add_argument("--from-json", action="store_true", help="measure nothing: write the tables again")
    parser.add_argument("--quick", action="store_true", help="10,000 images and fewer; writes nothing")
    chosen = parser.parse_args()
    if chosen.from_json:
        results = json.loads(MEASURED.read_text(encoding="utf-8"))
    else:
        pin(THREADS)
        results = measure(chosen.quick)
        if chosen.quick:
            return 0
        MEASURED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), tables(results), PAGE.name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
