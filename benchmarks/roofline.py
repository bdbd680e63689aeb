"""What each metric reaches of this machine, and what is otherwise reached: docs/machine.md.

    python -m benchmarks.roofline              two minutes; writes docs/machine.json, the page's tables, and the picture
    python -m benchmarks.roofline --again      the machine's rates once more, and keeps the better: after a busy hour
    python -m benchmarks.roofline --from-json  measures nothing: writes the tables and the picture of docs/machine.json

The roofline is measured twice, to see that it says the same. Its peak is set beside the micro-kernel, timed by hand:
called again and again over one tile and one panel that stay in the first-level cache.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import inspect
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environment import load, machine, pin, versions
from benchmarks.report import digits
from tools.generated import between, grid

ROOT = Path(__file__).parents[1]
PAGE, MEASURED, PICTURE = (ROOT / "docs" / name for name in ("machine.md", "machine.json", "roofline.svg"))
PACKAGES = ("likewise", "python", "numpy", "scipy", "scikit-learn", "llvmlite")
D = 128  # of the tile: 6 KB of queries, 16 KB of items on AVX-512
ROUNDS = 8
FIELDS = ("queries", "items", "d", "one", "out", "passes")

# ---- the peak, by hand


def tile_kernel(module: Any, name: str, tile: Any, formula: Any) -> None:
    """The micro-kernel over one tile and one panel, ``passes`` times."""
    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.emit import I64, Function

    f = Function(module, name, FIELDS)
    with f.loop(0, f.field("passes"), name="pass"):
        given = f.pointer("queries"), f.pointer("items"), I64(0), I64(0), f.field("d")
        done = kernels.micro_kernel(f, tile, formula, *given, fused=tile.target.fma, answer=False)
        for i, register in enumerate(v for term in done for row in term for v in row):
            f.store(register, f.pointer("out"), I64(i * tile.lanes))
    f.ret()


def by_hand() -> Callable[[], float]:
    """A function that times the micro-kernel of dot once: multiply-adds a second."""
    import likewise as lw
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.kernels import Formula, tile_for
    from likewise.backends.llvm.rows import ONE, address, aligned, kernel_recipe
    from likewise.backends.llvm.target import current
    from likewise.formula.screen import choose

    screen = choose(lw.metrics["dot"])
    formula = Formula(screen.core.terms, "sum", screen.key)
    tile = tile_for(current(), "f32", formula)
    own = hashlib.sha256(inspect.getsource(tile_kernel).encode()).hexdigest()  # a change there makes a new object
    recipe = kernel_recipe("by hand", tile, formula, own)
    run = kernel("by_hand", recipe, FIELDS, lambda module, name: tile_kernel(module, name, tile, formula))
    queries, items = aligned(tile.rows * D, np.float32), aligned(tile.width * D, np.float32)
    queries[:], items[:] = 1.0, 0.5
    out = aligned(tile.rows * tile.width, np.float32)
    fields = {"queries": queries, "items": items, "one": ONE["f32"], "out": out}
    passes = 600  # about half a millisecond

    def once() -> float:
        given = {name: address(array) for name, array in fields.items()}  # the arrays live as long as this function
        start = time.perf_counter()
        run(passes=passes, d=D, **given)
        seconds = time.perf_counter() - start
        if out[0] != D / 2:
            raise AssertionError(f"the micro-kernel gave {out[0]} for {D} products of 1 and 0.5")
        return passes * tile.rows * tile.width * D / seconds

    return once


def peaks() -> dict[str, float]:
    """Multiply-adds a second of one core: the roofline's, and the micro-kernel's; in turn, the best of each."""
    from likewise import rates

    once = by_hand()
    found = {"roofline": 0.0, "by hand": 0.0}
    for _ in range(ROUNDS):
        found["roofline"] = max(found["roofline"], rates.fma_rate(refresh=True))
        found["by hand"] = max(found["by hand"], *(once() for _ in range(100)))
    return found


# ---- what is otherwise reached


def peers() -> list[dict[str, Any]]:
    """Rates of one core of what people use for metrics: coordinates of pairs a second."""
    from scipy.spatial.distance import cdist
    from sklearn.metrics import pairwise_distances

    from likewise.formula.parse import metric_from_name
    from likewise.plan import flops_per_coordinate

    d = 128
    rng = np.random.default_rng(0)
    wide, single = rng.standard_normal((2, 512, d)), rng.standard_normal((2, 2048, d), dtype=np.float32)
    x, y = single[:, :256]
    few = wide[:, :48]

    def callback(a: Any, b: Any) -> Any:
        return np.abs(a - b).sum()

    runs: list[tuple[str, str, str, Callable[[], Any], int]] = [
        ("NumPy `x @ y.T`", "dot", "f32", lambda: single[0] @ single[1].T, 2048),
        ("NumPy `abs(x[:, None] - y).sum(-1)`", "manhattan", "f32", lambda: np.abs(x[:, None] - y).sum(-1), 256),
        ("NumPy `abs(x[:, None] - y).max(-1)`", "chebyshev", "f32", lambda: np.abs(x[:, None] - y).max(-1), 256),
    ]
    for theirs in ("euclidean", "cosine", "cityblock", "chebyshev", "canberra", "braycurtis"):
        run = lambda theirs=theirs: cdist(*wide, theirs)  # noqa: E731
        runs.append((f"SciPy `cdist`, {theirs}", "manhattan" if theirs == "cityblock" else theirs, "f64", run, 512))
    for p in (3, 1.7):
        run = lambda p=p: cdist(*wide[:, :256], "minkowski", p=p)  # noqa: E731
        runs.append((f"SciPy `cdist`, minkowski, p = {p}", f"minkowski(p={p})", "f64", run, 256))
    runs.append(
        (
            "scikit-learn, a Python function of two rows",
            "manhattan",
            "f64",
            lambda: pairwise_distances(*few, metric=callback),
            48,
        )
    )
    best = [0.0] * len(runs)
    for turn in range(6):
        for i, (_, _, _, run, side) in enumerate(runs):
            start = time.thread_time()
            run()
            if turn:  # the first warms up
                best[i] = max(best[i], side * side * d / (time.thread_time() - start))
    return [
        {
            "name": name,
            "metric": metric,
            "arithmetic": arithmetic,
            "rate": rate,
            "flops": flops_per_coordinate(metric_from_name(metric)),
        }
        for (name, metric, arithmetic, _, _), rate in zip(runs, best, strict=True)
    ]


# ---- the page

SHARES = ("share", "of_products", "of_nominal")


def largest_difference(first: Any, second: Any) -> tuple[str, float]:
    """Where two rooflines disagree the most on a share, and by how much of it."""
    found = {
        a.metric: max(abs(getattr(a, s) / getattr(b, s) - 1) for s in SHARES)
        for a, b in zip(first.rows, second.rows, strict=True)
    }
    worst = max(found, key=lambda name: found[name])
    return worst, found[worst]


def percent(share: float) -> str:
    """Two digits at least below 10%: the claim is about 1%."""
    return f"{100 * share:.0f}%" if share >= 0.0995 else f"{digits(100 * share, 2)}%"


def tables(results: dict[str, Any]) -> dict[str, str]:
    """The parts of the page."""
    here, rows = results["roofline"]["machine"], results["roofline"]["metrics"]
    peak = {kind: here["flops"][kind] for kind in ("f32", "f64")}
    ours = {row["metric"]: row for row in rows}
    units = {"bytes read a second": "GB/s", "bytes read and written a second": "GB/s"}
    giga = lambda value: digits(value / 1e9)  # noqa: E731
    rates = grid(
        ["rate", "one core", f"{here['threads']} threads", ""],
        [
            [name, giga(rate["one_core"]), giga(rate["together"]), units.get(rate["unit"], f"10⁹ {rate['unit']}")]
            for name, rate in here["rates"].items()
        ],
    )
    metrics = grid(
        [
            *("metric", "formula", "FLOPs", "G/s", "of its own instructions", "of multiply-adds", "of nominal FLOPS"),
            *(f"G/s, {rows[0]['threads']} threads", "search, G/s", "by"),
        ],
        [
            [
                f"`{row['metric']}`",
                f"`{row['formula']}`",
                str(row["flops"]),
                giga(row["rate"]),
                percent(row["share_of_its_instructions"]),
                percent(row["share_of_multiply_adds"]),
                percent(row["share_of_nominal_flops"]),
                giga(row["together"]),
                giga(row["search"]),
                row["way"],
            ]
            for row in rows
        ],
        left=2,
    )
    others = grid(
        ["", "arithmetic", "G/s", "of nominal FLOPS", "of its arithmetic's", "likewise, of nominal FLOPS"],
        [
            [
                peer["name"],
                {"f32": "float32", "f64": "float64"}[peer["arithmetic"]],
                digits(peer["rate"] / 1e9),
                percent(peer["flops"] * peer["rate"] / peak["f32"]),
                percent(peer["flops"] * peer["rate"] / peak[peer["arithmetic"]]),
                f"**{percent(ours[peer['metric']]['share_of_nominal_flops'])}**",
            ]
            for peer in results["peers"]
        ],
        left=2,
    )
    least = min(rows, key=lambda row: row["share_of_nominal_flops"])
    fewest = min(rows, key=lambda row: row["share_of_multiply_adds"])
    others_of = [row for row in rows if row not in (least, fewest)]
    next_least = min(others_of, key=lambda row: row["share_of_nominal_flops"])
    next_fewest = min(others_of, key=lambda row: row["share_of_multiply_adds"])
    verdict = (
        f"All but `{fewest['metric']}` reach {percent(next_least['share_of_nominal_flops'])} of nominal FLOPS or more "
        f"(the least: `{next_least['metric']}`), and take in {percent(next_fewest['share_of_multiply_adds'])} or more "
        f"of the coordinates a second that multiply-adds would (the least: `{next_fewest['metric']}`). "
        f"`{fewest['metric']}` takes in {percent(fewest['share_of_multiply_adds'])} of them, at "
        f"{percent(fewest['share_of_its_instructions'])} of what its instructions allow."
    )
    hand = results["peaks"]
    ratio = hand["by hand"] / hand["roofline"]
    worst, difference = results["difference"]["metric"], results["difference"]["share"]
    check = (
        f"- The roofline's peak: {giga(hand['roofline'])} G multiply-adds a second; the micro-kernel, timed by hand "
        f"over one tile and one panel in the first-level cache: {giga(hand['by hand'])} G, {ratio:.1%} of it (to be "
        f"within 5%).\n- Measured twice, no share differed by more than {difference:.1%} of itself (`{worst}`; to be "
        "within 10%)."
    )
    stated = here["stated_clock"]
    nominal = "" if not stated else (
        f" At the {stated / 1e9:.2f} GHz that the system states they would be {giga(here['nominal_flops']['f32'])}; "
        f"at work the core runs at {here['clock'] / 1e9:.2f}."
    )  # fmt: skip
    cores = f"{here['cores']} core{'s' * (here['cores'] > 1)}"
    line = (
        f"Measured {results['date']} on {here['cpu']} ({here['architecture']}; {here['instructions']} code; {cores}; "
        f"load {results['load']} before). Nominal are {giga(peak['f32'])} GFLOP/s of float32 a core, measured.{nominal}"
    )
    return {"machine": line, "rates": rates, "metrics": metrics, "peers": others, "verdict": verdict, "checks": check}


def write(results: dict[str, Any]) -> None:
    """The page's tables, and the picture."""
    PICTURE.write_text(picture(results), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between(page, tables(results), "docs/machine.md"), encoding="utf-8")


def picture(results: dict[str, Any]) -> str:
    """docs/roofline.svg."""
    from likewise.machine import Roofline

    return Roofline.from_dict(results["roofline"]).svg()


def measured() -> dict[str, Any]:
    """All of it."""
    before = load()
    import likewise as lw

    first, second = (lw.machine.roofline(refresh=True, progress=True) for _ in range(2))
    worst, difference = largest_difference(first, second)
    return {
        "date": datetime.date.today().isoformat(),
        "load": before,
        "environment": machine(),
        "versions": {name: version for name, version in versions().items() if name in PACKAGES},
        "roofline": second.as_dict(),
        "first": [asdict(row) for row in first.rows],
        "difference": {"metric": worst, "share": difference},
        "peaks": peaks(),
        "peers": peers(),
    }


def once_more(results: dict[str, Any]) -> dict[str, Any]:
    """The results with the better of the machine's rates and those measured now."""
    import likewise as lw

    before = results["roofline"]["machine"]["rates"]
    here = lw.machine.measure(refresh="again", progress=True)
    better = {}
    for name, rate in here.rates.items():
        one, together = (
            max(mine, before[name][k]) for mine, k in ((rate.one, "one_core"), (rate.together, "together"))
        )
        better[name] = lw.machine.Rate(one, together, rate.threads, rate.unit)
    results["roofline"]["machine"] = replace(here, rates=better).as_dict()
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from-json", action="store_true", help="write the tables of docs/machine.json")
    parser.add_argument("--again", action="store_true", help="measure the machine's rates once more, keep the better")
    asked = parser.parse_args()
    if asked.from_json:
        write(json.loads(MEASURED.read_text(encoding="utf-8")))
        return 0
    results = once_more(json.loads(MEASURED.read_text(encoding="utf-8"))) if asked.again else measured()
    MEASURED.write_text(json.dumps(results, indent=1, sort_keys=False) + "\n", encoding="utf-8")
    write(results)
    print(*tables(results).values(), sep="\n\n")
    return 0


if __name__ == "__main__":
    pin(2)  # peers are timed by processor time of one thread; NumPy's BLAS is held to one below
    import os

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    sys.exit(main())
