"""What computations take beside what lw.explain expects: the three BLAS levels, batches, softmax, attention.

    python -m benchmarks.explain              a minute; writes docs/explain.json, and the tables of docs/explain.md
    python -m benchmarks.explain --from-json  measures nothing: writes the tables of docs/explain.json
    python -m benchmarks.explain --quick --json X.json --page X.md    small sizes, to see that it runs

Every figure is the quickest of the runs that lw.explain(..., measure=True) makes in several turns through all of them:
on a machine that does other things as well, each has a chance of a quiet moment.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.environment import machine, pin, versions
from tools.generated import between, grid

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "explain.md", ROOT / "docs" / "explain.json"
TURNS = 8
SEARCH = "lw.topk, {:,} x {:,} x {:,}, by dot"  # as it stands in the table


def cases(quick: bool) -> dict[str, list[Any]]:
    """What is explained and measured, by table: texts, and the sizes of a search."""
    n, long = (256, 10_000) if quick else (4096, 20_000_000)
    side = 64 if quick else 1024
    width, heads = (32, 2) if quick else (512, 8)
    narrow = 16 if quick else 256
    return {
        "levels": [f"[{long}] . [{long}]", f"[{n},{n}] @ [{n}]", f"[{side},{side}] @ [{side},{side}]", (n, 4 * n, 256)],
        "batches": [
            f"linear(batch={batch}, inputs={n // 2}, outputs={n // 2}, bias=False)" for batch in (1, 4, 16, 64, 256)
        ],
        "softmax": [
            f"attention(tokens={tokens}, width={width}, heads={heads})" for tokens in (side // 4, side, 2 * side)
        ],
        "shares": [
            f"transformer(layers=1, width={narrow}, heads=4, context={times * narrow}, bias=False)"
            for times in (1, 2, 4, 8)
        ],
    }


def measured(quick: bool) -> dict[str, Any]:
    """Each explanation with the quickest time of each of its operations, over all turns."""
    import likewise as lw

    every = [case for table in cases(quick).values() for case in table]
    best: dict[Any, Any] = {}
    for turn in range(1 if quick else TURNS):
        for case in every:
            found = explained(lw, case).measure().as_dict()
            kept = best.setdefault(case, found)
            for old, new in zip(kept["operations"], found["operations"], strict=True):
                if new["measured_seconds"] is not None:
                    old["measured_seconds"] = min(old["measured_seconds"], new["measured_seconds"])
            print(f"turn {turn + 1}: {case}", flush=True)
    for one in best.values():
        one["measured_seconds"] = sum(part["measured_seconds"] or 0.0 for part in one["operations"])
    roof = lw.costs.ceilings()
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": {name: found for name, found in versions().items() if name in ("likewise", "python", "numpy")},
        "blas": blas(),
        "threads": roof.threads,
        "peak_flops": 2 * roof.multiply_adds(),
        "bandwidth": roof.bandwidth(),
        "ridge": roof.ridge,
        "tables": {
            name: [{"text": case if isinstance(case, str) else SEARCH.format(*case), **best[case]} for case in table]
            for name, table in cases(quick).items()
        },
    }  # fmt: skip


def explained(lw: Any, case: Any) -> Any:
    """A text, or a search of random rows of the sizes (n, m, d)."""
    if isinstance(case, str):
        return lw.explain(case)
    n, m, d = case
    return lw.explain((n, d), (m, d), k=10, metric="dot")


def blas() -> str:
    """The library behind NumPy's products, and the processor whose kernels it takes."""
    import threadpoolctl

    found = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
    return (
        f"{found[0]['internal_api']} with its kernels for {found[0].get('architecture', 'any')}" if found else "unknown"
    )


# ---- tables


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.3g}"


def _share(results: dict[str, Any], one: dict[str, Any]) -> str:
    return f"{one['flops'] / one['measured_seconds'] / results['peak_flops']:.1%}"


def _levels(results: dict[str, Any]) -> str:
    rows = [
        [
            one["text"] if one["kind"] == "topk" else f"`{one['text']}`",
            str(one["blas_level"]), f"{one['intensity']:,.3g}", one["bound"],
            _ms(one["predicted_seconds"]), _ms(one["measured_seconds"]),
            f"{one['flops'] / one['measured_seconds'] / 1e9:,.3g}", _share(results, one),
        ]
        for one in results["tables"]["levels"]
    ]  # fmt: skip
    heads = ["", "level", "FLOPs a byte", "limit", "expected, ms", "measured, ms", "GFLOP/s", "of the peak"]
    return grid(heads, rows)


def _batches(results: dict[str, Any]) -> str:
    rows = []
    for one in results["tables"]["batches"]:
        batch = one["out_shape"][0]
        rows.append(
            [
                str(batch), str(one["blas_level"]), f"{one['intensity']:,.3g}", _ms(one["measured_seconds"]),
                f"{1e6 * one['measured_seconds'] / batch:,.3g}", _share(results, one),
            ]
        )  # fmt: skip
    return grid(["rows", "level", "FLOPs a byte", "measured, ms", "a row, us", "of the peak"], rows)


def _softmax(results: dict[str, Any]) -> str:
    rows = []
    for one in results["tables"]["softmax"]:
        part = next(part for part in one["operations"] if part["name"] == "softmax")
        products = [o for o in one["operations"] if o["name"] in ("scores", "context")]
        rows.append(
            [
                f"{one['out_shape'][0]:,}", f"{part['flops'] / one['flops']:.1%}",
                f"{one['softmax_share_of_time']:.1%}", f"{part['measured_seconds'] / one['measured_seconds']:.1%}",
                _ms(part["measured_seconds"]), _ms(sum(o["measured_seconds"] for o in products)),
            ]
        )  # fmt: skip
    heads = ["tokens", "of the FLOPs", "of the time expected", "of the time measured", "softmax, ms"]
    return grid([*heads, "scores and context, ms"], rows)


def _shares(results: dict[str, Any]) -> str:
    rows = []
    for one in results["tables"]["shares"]:
        parts = {name: [o for o in one["operations"] if o["part"] == name] for name in ("attention", "feed-forward")}
        products = {name: sum(o["product_flops"] for o in part) for name, part in parts.items()}
        times = {name: sum(o["measured_seconds"] for o in part) for name, part in parts.items()}
        rows.append(
            [
                f"{one['out_shape'][0]:,}", f"{products['attention'] / products['feed-forward']:.2f}",
                *map(_ms, times.values()), f"{times['attention'] / times['feed-forward']:.2f}",
            ]
        )  # fmt: skip
    heads = ["context", "FLOPs, attention / feed-forward", "attention, ms", "feed-forward, ms", "measured, ratio"]
    return grid(heads, rows)


def _machine(results: dict[str, Any]) -> str:
    known = results["machine"]
    threads = f"{results['threads']} thread{'s' * (results['threads'] > 1)}"
    return (
        f"*{known['cpu']}, {threads}: {results['peak_flops'] / 1e9:,.0f} GFLOP/s of float32 multiply-adds, "
        f"{results['bandwidth'] / 1e9:,.0f} GB/s from memory, a ridge at {results['ridge']:.1f} FLOPs a byte; "
        f"NumPy {results['versions']['numpy']} on {results['blas']}; {results['date']}.*"
    )


def tables(results: dict[str, Any]) -> dict[str, str]:
    """The parts of the page that are written."""
    return {
        "machine": _machine(results),
        "levels": _levels(results),
        "batches": _batches(results),
        "softmax": _softmax(results),
        "shares": _shares(results),
    }


def main(args: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--from-json", action="store_true", help="measure nothing: write the tables again")
    parser.add_argument("--quick", action="store_true", help="small sizes; needs --json and --page of its own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, default=MEASURED)
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(args)
    if chosen.quick and (chosen.json == MEASURED or chosen.page == PAGE):
        parser.error("--quick figures are not published: give --json and --page")
    if chosen.from_json:
        results = json.loads(chosen.json.read_text(encoding="utf-8"))
    else:
        if not chosen.quick:
            pin(chosen.threads)
        results = measured(chosen.quick)
        chosen.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = chosen.page
    page.write_text(between(page.read_text(encoding="utf-8"), tables(results), page.name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
