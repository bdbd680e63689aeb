"""Plans and generated code as text: a change to either shows up as a diff, to be looked at and accepted.

Rewritten by ``pytest --update-golden``.
"""

from __future__ import annotations

import pytest

from likewise.backends.llvm import jit, kernels
from likewise.backends.llvm.kernels import Formula, tile_for
from likewise.backends.llvm.target import Target
from likewise.formula.metrics import by_name, mahalanobis, minkowski
from likewise.formula.parse import metric_from_text
from likewise.formula.screen import Rows, choose
from likewise.plan import plan_search

ROWS = {
    "float32": Rows(exact=True, whole=False, low=-10.0, high=10.0),
    "float64": Rows(exact=False, whole=False, low=-10.0, high=10.0),
    "pixels": Rows(exact=True, whole=True, low=0.0, high=255.0),
}
METRICS = {
    "dot": by_name("dot"),
    "cosine": by_name("cosine"),
    "euclidean": by_name("euclidean"),
    "rbf": by_name("rbf"),
    "jaccard": by_name("jaccard"),
    "minkowski_1.3": minkowski(p=1.3),
    "mahalanobis": mahalanobis([[2.0, 1.0], [1.0, 2.0]]),
    "hellinger": metric_from_text("(sqrt(x) - sqrt(y)) ** 2"),
}


def test_plans(golden):
    plans = []
    for name, metric in METRICS.items():
        for kind, rows in ROWS.items():
            made = plan_search(
                "topk",
                metric,
                (1000, 50_000, 2),
                ("float32", "float32"),
                (rows, rows),
                threads=2,
                memory_limit=None,
                per_query=2000,
            )
            plans.append(f"== {name}, {kind} rows\n{made}\n")
    golden("plans.txt", "\n".join(plans))


# a small target of the generator's own, so that the text is the same on every machine
SMALL = Target("small", "x86_64-unknown-linux-gnu", "x86-64", "", 4, 8, False)


@pytest.mark.parametrize("name", ["manhattan"])
def test_generated_search(name, golden):
    metric = by_name(name)
    screen = choose(metric)
    formula = Formula(screen.core.terms, metric.combine, screen.key)
    tile = tile_for(SMALL, "f32", formula, queries=1)
    text = jit.emit_ir(lambda module: kernels.search_kernel(module, "search", tile, formula, exact=False))
    golden(f"search_{name}.ll", text)
