"""Kernel ridge regression: beside scikit-learn's where its matrix fits, and at a size where it does not.

``python -m benchmarks.ridge N THREADS`` is the process of the large one.
"""

from __future__ import annotations

import json
import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environment import hold_threads
from benchmarks.harness import Goal, Settings, Table, quartiles, timed
from benchmarks.startup import in_process

D, ALPHA, TOL = 20, 1.0, 1e-6
LARGE, MEDIUM, SMALL = 100_000, 10_000, 5_000
MEMORY = 2_000.0  # MB, of the whole process
Array = Any


def data(n: int) -> tuple[Array, Array]:
    """Gaussian rows and a noisy function of three of their coordinates."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n, D))
    return rows, np.sin(2 * rows[:, 0]) + rows[:, 1] * rows[:, 2] + 0.1 * rng.standard_normal(n)


def child(n: int, threads: int) -> dict[str, float]:
    """A fit and a prediction in this process, and the most memory that it ever had."""
    from likewise.estimators import KernelRidge

    rows, targets = data(n + 10_000)
    model = KernelRidge(ALPHA, solver="cg", tol=TOL, random_state=0, n_jobs=threads)
    seconds, _ = timed(partial(model.fit, rows[:n], targets[:n]))
    predicting, found = timed(partial(model.predict, rows[n:]))
    return {
        "fit": seconds,
        "predict": predicting,
        "products": model.n_iter_,
        "residual": model.residual_,
        "score": float(1 - np.var(found - targets[n:]) / np.var(targets[n:])),
        "peak": peak_memory(),
    }


def peak_memory() -> float:
    """The most bytes of this process. Not ``ru_maxrss`` where Linux tells: that starts from what the parent had."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return float(line.split()[1]) * 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def large(settings: Settings) -> dict[str, Any]:
    n = LARGE // 20 if settings.quick else LARGE
    found = json.loads(in_process("-m", "benchmarks.ridge", str(n), str(settings.threads)))
    rows, targets = data(SMALL)
    fits = []
    for solver in ("exact", "cg"):
        from likewise.estimators import KernelRidge

        fits.append(KernelRidge(ALPHA, solver=solver, tol=TOL, random_state=0).fit(rows, targets))
    exact, steps = (model.predict(rows) for model in fits)
    apart = float(np.linalg.norm(exact - steps) / np.linalg.norm(targets))
    print(f"  {n:,}: {found}; {apart:.1e} from exact on {SMALL:,}")
    return Table(
        "ridge-large",
        f"Kernel ridge regression of {n:,} rows",
        f"{n:,} x {D} float64 rows, alpha = {ALPHA:g}, a Gaussian kernel, solved by conjugate gradients to "
        f"tol = {TOL:g} in a process of its own; the Gram matrix would take {8 * n * n / 1e9:,.0f} GB. Memory is what "
        "the process had at most, libraries and data included. R² and predictions are of 10,000 other rows.",
        [
            ("rows", "count"), ("fit", "s"), ("products with K", "count"), ("residual", "error"),
            ("10,000 predictions", "s"), ("R²", "measure"), ("memory", "MB"),
        ],
        [[n, found["fit"], found["products"], found["residual"], found["predict"], found["score"], found["peak"]]],
        [
            Goal(f"memory of the process, {n:,} rows", found["peak"] / 1e6, "MB", at_most=MEMORY),
            Goal(f"predictions less the exact ones, of {SMALL:,} rows, in tol", apart / TOL, "times", at_most=1.0),
        ],
    ).as_dict()  # fmt: skip


def versus(settings: Settings) -> dict[str, Any]:
    from sklearn.kernel_ridge import KernelRidge as Theirs

    from likewise.estimators import KernelRidge

    n = MEDIUM // 10 if settings.quick else MEDIUM
    rows, targets = data(2 * n)
    models = {
        "scikit-learn KernelRidge": Theirs(alpha=ALPHA, kernel="rbf", gamma=1 / D),
        "**likewise KernelRidge, exact**": KernelRidge(ALPHA, solver="exact", n_jobs=settings.threads),
        "**likewise KernelRidge, cg**": KernelRidge(ALPHA, solver="cg", random_state=0, n_jobs=settings.threads),
    }
    for model in models.values():
        model.fit(rows[:1000], targets[:1000]).predict(rows[:10])  # compiles
    times: dict[str, list[list[float]]] = {name: [[], []] for name in models}
    found: dict[str, Array] = {}
    for _ in range(min(settings.rounds, 3)):
        for name, model in models.items():
            times[name][0].append(timed(partial(model.fit, rows[:n], targets[:n]))[0])
            seconds, found[name] = timed(partial(model.predict, rows[n:]))
            times[name][1].append(seconds)
    theirs = next(iter(found.values()))
    scale = float(np.abs(theirs).max())
    table = Table(
        "ridge-versus",
        f"Kernel ridge regression of {n:,} rows, beside scikit-learn",
        f"{n:,} x {D} float64 rows, alpha = {ALPHA:g}, a Gaussian kernel; fit, and prediction of {n:,} others. The "
        f"difference is the largest from scikit-learn's, of the largest prediction; cg has tol = {TOL:g}.",
        [("", "text"), ("fit", "s"), ("prediction", "s"), ("difference", "error")],
    )
    for name in models:
        fit, prediction = (quartiles(taken)[1] for taken in times[name])
        table.rows.append([name, fit, prediction, float(np.abs(found[name] - theirs).max()) / scale])
        print(f"  {name}: {table.rows[-1][1:]}")
    return table.as_dict()


def run(settings: Settings) -> list[dict[str, Any]]:
    print("\nKernel ridge regression")
    hold_threads(settings.threads)
    return [versus(settings), large(settings)]


if __name__ == "__main__":
    print(json.dumps(child(int(sys.argv[1]), int(sys.argv[2]))))
