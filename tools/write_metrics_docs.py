"""Write docs/metrics.md from the table of named metrics; with --check, only say whether it is up to date."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from generated import ROOT, asked_to_check, grid, keep

HEAD = """\
# Metrics

<!-- Written by tools/write_metrics_docs.py from likewise/formula/metrics.py: change that, then run the tool again. -->

Every verb takes `metric=`: a name of this table or an alias, a metric object such as `lw.rbf(gamma=0.5)`, or a Python
function of two numbers ([formulas of your own](formulas.md)). The table itself is `lw.metrics`, and `likewise metrics`
on the command line.

Names and formulas follow SciPy and scikit-learn. `dot`, `cosine`, `correlation` and the kernels are similarities: the
larger value is the closer one. Nothing is negated, squared or subtracted from 1 on the way out. A zero vector has
cosine 0 with every vector.

How to read a formula: `x` and `y` are the same coordinate of two rows. What stands in `sum(...)`, `mean(...)` or
`max(...)` is worked out for each coordinate and combined into `s`; where there are two sums, the second is `s1`. After
`then` comes what is done with them. `norm_x` is the Euclidean norm of x's row, `mean_x` its mean, `dev_x` its norm once
the mean is taken away, and `d` the number of coordinates.

*Search* says how `topk` and `within` find the answer for float32 rows. With a bound, every pair is compared in float32,
or in 8-bit integers where that is named and quicker ([exact search](exact.md)), and those that the bound cannot rule
out are compared again in float64. Without one, every pair is compared in float64, which takes longer. All give the same
answer. It may depend on the data: `lw.explain` says what is done with yours.

"""
BETWEEN = """
## Parameters

These are made by a function of that name: `metric=lw.minkowski(p=3)`, and on the command line
`--metric 'minkowski(p=3)'`. The name alone stands for the defaults.

"""


def _short(default: float | None) -> str:
    return "None" if default is None else f"{default:g}"


def call(name: str, maker: Any) -> str:
    """How a metric with parameters is made, with its defaults: minkowski(p=2.0)."""
    known = inspect.signature(maker).parameters.values()
    given = [p.name if p.default is p.empty else f"{p.name}={_short(p.default)}" for p in known]
    return f"lw.{name}({', '.join(given)})"


def page(rows: list[dict[str, str]], named: Mapping[str, Any]) -> str:
    """The page, from the rows of ``lw.metrics`` and what each name stands for."""
    makers = {name: known for name, known in named.items() if inspect.isfunction(known)}
    metrics = [
        [
            f"`{row['name']}`",
            f"`{row['formula']}`",
            row["closer"],
            row["range"],
            row["bound"],
            ", ".join(f"`{alias}`" for alias in row["aliases"].split(", ") if alias),
        ]
        for row in rows
    ]
    parameters = [
        [f"`{name}`", f"`{call(name, maker)}`", str(inspect.getdoc(maker)).partition("\n")[0]]
        for name, maker in makers.items()
    ]
    heads = ["name", "formula, at default parameters", "closer", "range", "search", "aliases"]
    made = ["name", "made by", "what it is"]
    return HEAD + grid(heads, metrics, left=len(heads)) + BETWEEN + grid(made, parameters, left=len(made))


def main() -> int:
    check = asked_to_check(__doc__)
    sys.path.insert(0, str(ROOT))  # this tree's metrics, not those installed elsewhere
    import likewise as lw
    from likewise.formula.metrics import NAMED

    return keep(ROOT / "docs" / "metrics.md", page(lw.metrics.rows(), NAMED), tool="write_metrics_docs.py", check=check)


if __name__ == "__main__":
    sys.exit(main())
