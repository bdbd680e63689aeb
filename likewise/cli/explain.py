"""What a computation will do and cost, as a command: of shapes, of a layer, of a verb on files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

import likewise as lw
from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import (
    AsTable,
    Closer,
    Combine,
    Finish,
    Formula,
    Jobs,
    Memory,
    MetricName,
    OnBad,
    chosen_metric,
    memory_size,
)
from likewise.cli.verbs import Columns, Id, read_tables
from likewise.costs import Explanation
from likewise.costs.grammar import is_text
from likewise.costs.verbs import read_verb
from likewise.errors import InputError

_SHAPE = re.compile(r"[0-9]{1,15}(x[0-9]{1,15})+")


@guarded
def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="Two shapes and what is between them, as in '[3,3,2] @ [2,4]'; a layer, as in 'linear(batch=32, "
            "inputs=512, outputs=2048)', feed_forward, attention or transformer; or ITEMS: a file of vectors, or a "
            "shape such as 100000x128 in its place.",
            show_default=False,
        ),
    ],
    queries: Annotated[
        str | None,
        typer.Argument(metavar="QUERIES", help="A file or shape, too. Default: each of ITEMS.", show_default=False),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("-k", min=1, help="Of a search for k neighbours; k clusters. Default: of the matrix."),
    ] = None,
    metric: MetricName = None,
    formula: Formula = None,
    combine: Combine = None,
    closer: Closer = None,
    finish: Finish = None,
    verb: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of topk, within, pairwise, paired, contributions, weighted_sum, attend or kmeans. Default: topk with "
            "-k, else pairwise.",
        ),
    ] = None,
    radius: Annotated[float | None, typer.Option(help="Of within: a value as the metric gives it.")] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Run it, too, and say what it took.")] = False,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="Of numbers of shapes and layers: float32 (default), float64..."),
    ] = None,
    id: Id = None,
    columns: Columns = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
    memory_limit: Memory = None,
    on_bad: OnBad = "raise",
) -> None:
    """What a computation will do and cost, before it runs: how shapes align, FLOPs, bytes, the time to expect.

    Of shapes that do not fit, it says where, and exits with 1.

    Example: likewise explain '[3,3,2] @ [2,4]' --table

    Example: likewise explain 'attention(tokens=1024, width=768, heads=12)' --measure --table

    Example: likewise explain items.npy queries.npy -k 10 --metric cosine --table

    Example: likewise explain 100000x128 1000x128 --metric manhattan --verb weighted_sum
    """
    if is_text(what) and not Path(what).exists():
        found = _of_text(what, queries, dtype, n_jobs)
    else:
        if dtype is not None:
            raise InputError("--dtype belongs to shapes in brackets and to layers; files have their own types")
        verb_name = read_verb(verb, k)
        if metric is None and formula is None and verb_name in ("attend", "kmeans"):
            how = None
        else:
            if metric is None and formula is None:
                _check_items(what)
            how = chosen_metric(metric, formula, combine, closer, finish)
        settings: dict[str, Any] = {"n_jobs": n_jobs, "memory_limit": memory_size(memory_limit), "on_bad": on_bad}
        if radius is not None:
            settings["radius"] = radius
        arrays = _arrays(verb_name, what, queries, columns, id)
        found = lw.explain(*arrays, metric=how, k=k, verb=verb_name, **settings)
    if measure and found.ok:
        found = found.measure()
    if table:
        print(show.printable(str(found)))
    else:
        show.lines([found.as_dict()])
    if not found.ok:
        raise typer.Exit(1)


def _check_items(what: str) -> None:
    """Refuse what is neither a file nor a shape, before a metric is asked for."""
    if not (_is_shape(what) or what == "-" or ".npz:" in what or (what and Path(what).exists())):
        raise InputError(
            f"{what!r} is neither a file nor a computation; write '[3,3,2] @ [2,4]', a layer such as "
            "'linear(batch=32, inputs=512, outputs=2048)', or a shape such as 100000x128"
        )


def _of_text(text: str, queries: str | None, dtype: str | None, n_jobs: int | None) -> Explanation:
    if queries is not None:
        raise InputError(f"{text!r} stands alone; QUERIES belong to a file or a shape such as 100000x128")
    settings: dict[str, Any] = {"dtype": dtype, "n_jobs": n_jobs}
    return lw.explain(text, **{name: value for name, value in settings.items() if value is not None})


def _arrays(verb: str, items: str, queries: str | None, columns: str | None, id: str | None) -> tuple[Any, ...]:
    """The verb's arrays in its own order: queries first; values and weights are a column each that is made up."""
    pool: Any
    asked: Any
    if _is_shape(items) or (queries is not None and _is_shape(queries)):
        for text in (items, queries):
            if text is not None and not _is_shape(text):
                raise InputError(f"{text!r} is no shape; give both as shapes, as in 100000x128, or both as files")
        pool, asked = _shape(items), None if queries is None else _shape(queries)
    else:
        tables = read_tables(items, queries, columns, id)
        pool, asked = tables[0].vectors, None if tables[1] is None else tables[1].vectors
    if verb == "kmeans":
        if asked is not None:
            raise InputError("kmeans takes ITEMS alone")
        return (pool,)
    first = pool if asked is None else asked
    shape = pool if isinstance(pool, tuple) else tuple(int(size) for size in pool.shape)
    return (first, pool, shape) if verb == "attend" else (first, pool)


def _is_shape(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None and not Path(text).exists()


def _shape(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))
