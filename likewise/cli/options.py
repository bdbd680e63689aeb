"""Arguments that several commands take, declared once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from likewise.errors import InputError
from likewise.formula.metric import Metric
from likewise.formula.parse import metric_from_name, metric_from_text

Out = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write into a file in place of JSON lines; its extension is the format."),
]
AsTable = Annotated[bool, typer.Option("--table", help="A table for people in place of JSON lines.")]
Jobs = Annotated[int | None, typer.Option("--n-jobs", metavar="N", help="Threads. Default: every core.")]
Memory = Annotated[str | None, typer.Option("--memory-limit", metavar="SIZE", help="Working memory, as in 2GB.")]
OnBad = Annotated[Literal["raise", "skip"], typer.Option(help="Rows with NaN or infinities: an error, or left out.")]
Nearest = Annotated[int, typer.Option("-k", min=1, help="How many neighbours of each query.")]

MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        "-m",
        metavar="NAME",
        help="A named metric, as in manhattan or 'rbf(gamma=0.5)'. See: likewise metrics",
    ),
]
Formula = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A formula of two coordinates in place of a named metric, as in 'abs(x - y)'."),
]
Combine = Annotated[
    str | None,
    typer.Option(metavar="HOW", help="How a formula combines over coordinates: sum (default), mean, max, min."),
]
Closer = Annotated[
    str | None, typer.Option(metavar="WHICH", help="Which value of a formula is closer: smaller (default) or larger.")
]
Finish = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What is done with a formula's combined value s, as in 'sqrt(s)'.")
]


def memory_size(text: str | None) -> int | str | None:
    """``--memory-limit`` as the verbs take it."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else text


def chosen_metric(
    name: str | None, formula: str | None, combine: str | None, closer: str | None, finish: str | None
) -> Metric:
    """The metric of ``--metric``, or of ``--formula`` and what belongs to it."""
    if name is not None and formula is not None:
        raise InputError("--metric and --formula were both given; take one of them")
    if formula is not None:
        return metric_from_text(formula, combine=combine or "sum", closer=closer or "smaller", finish=finish)
    for option, value in (("combine", combine), ("closer", closer), ("finish", finish)):
        if value is not None:
            raise InputError(f"--{option} belongs to --formula, which was not given")
    if name is None:
        raise InputError("say how to compare: --metric NAME or --formula TEXT; likewise metrics lists the names")
    return metric_from_name(name)
