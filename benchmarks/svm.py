"""Support vector machines on a9a (libsvm's data): 32,561 people of 123 yes-or-no features, 16,281 others to judge.

scikit-learn's SVC is libsvm, exact and on one thread. KernelClassifier approximates, from 500 landmarks. Both are given
the same sparse rows, C and gamma; who predicts better shows in the accuracy on the other people.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import each, need
from benchmarks.environment import hold_threads
from benchmarks.harness import Goal, Settings, Table, quartiles, timed

FEATURES, LANDMARKS = 123, 500
FASTER, WORSE = 20.0, -0.2  # times; points of accuracy
Array = Any


def a9a(settings: Settings) -> tuple[Array, Array, Array, Array]:
    """Training rows and labels, test rows and labels; rows are CSR with the 32-bit indices that SVC wants."""
    from sklearn.datasets import load_svmlight_file

    folder = need("libsvm")
    found: list[Any] = []
    for name in ("a9a.gz", "a9a.t.gz"):
        rows, labels = load_svmlight_file(str(folder / name), n_features=FEATURES)
        rows.indices, rows.indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
        few = 3_000 if settings.quick else None
        found += [rows[:few], labels[:few]]
    return tuple(found)  # type: ignore[return-value]


def settings_of(rows: Array) -> list[tuple[str, float, float]]:
    """(name of gamma, gamma, C): libsvm's default, and scikit-learn's, "scale"."""
    mean = rows.mean()
    scale = 1 / (rows.shape[1] * (rows.multiply(rows).mean() - mean**2))
    return [(name, gamma, C) for name, gamma in (("1/d", 1 / rows.shape[1]), ("scale", scale)) for C in (1.0, 10.0)]


def versus(data: tuple[Array, Array, Array, Array], name: str, gamma: float, C: float, settings: Settings) -> list[Any]:
    """A row of the table: both in turn."""
    from sklearn.svm import SVC

    from likewise.estimators import KernelClassifier

    rows, labels, others, truth = data
    ours = KernelClassifier(
        C, metric_params={"gamma": gamma}, solver="nystroem", n_components=LANDMARKS, random_state=0,
        n_jobs=settings.threads,
    )  # fmt: skip
    theirs = SVC(C=C, gamma=gamma)
    ours.fit(rows, labels)  # compiles
    times: dict[Any, list[float]] = {ours: [], theirs: []}
    for _ in range(min(settings.rounds, 3)):
        for model, taken in times.items():
            taken.append(timed(partial(model.fit, rows, labels))[0])
    seconds = [quartiles(taken)[1] for taken in times.values()]
    predicting = [timed(partial(model.predict, others)) for model in times]
    accuracy = [100 * float(np.mean(found == truth)) for _, found in predicting]
    print(f"  C={C:g}, gamma={name}: {seconds} s, {accuracy}")
    return [f"{C:g}", name, *seconds, seconds[1] / seconds[0], *(s for s, _ in predicting), *accuracy]


def machines(settings: Settings) -> dict[str, Any]:
    data = a9a(settings)
    hold_threads(settings.threads)
    n = data[0].shape[0]
    table = Table(
        "svm-a9a",
        "Support vector machines of a9a",
        f"Fitted to {n:,} x {FEATURES} sparse rows by a Gaussian kernel; accuracy on {data[2].shape[0]:,} others. "
        f"likewise is KernelClassifier(solver='nystroem') with {LANDMARKS} landmarks on {settings.threads} threads; "
        "SVC has one. The first fit of likewise compiles, and is not timed.",
        [
            ("C", "text"), ("gamma", "text"), ("likewise", "s"), ("SVC", "s"), ("speed", "times"),
            ("likewise predicts", "s"), ("SVC predicts", "s"), ("likewise accuracy", "points"),
            ("SVC accuracy", "points"),
        ],
    )  # fmt: skip
    goals = []
    for name, gamma, C in settings_of(data[0]):
        row = versus(data, name, gamma, C, settings)
        table.rows.append(row)
        what = f"C={C:g}, gamma={name}"
        goals += [
            Goal(f"fit against SVC, {what}", row[4], "times", at_least=FASTER),
            Goal(f"accuracy less that of SVC, {what}", row[7] - row[8], "points", at_least=WORSE),
        ]
    table.goals = goals
    return table.as_dict()


def run(settings: Settings) -> list[dict[str, Any]]:
    print("\nSupport vector machines")
    return each(settings, {"Support vector machines of a9a": machines})
