"""The verbs as commands. Each reads files, calls the verb of its name, and shows what it gives."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

import likewise as lw
from likewise import files
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
    Nearest,
    OnBad,
    Out,
    chosen_metric,
    memory_size,
)
from likewise.errors import InputError
from likewise.files import Table

# ---- what the verbs take

Items = Annotated[
    str,
    typer.Argument(
        metavar="ITEMS",
        help="Vectors to compare with: .npy, .npz, .parquet, .arrow, .feather, .csv, .jsonl, .fvecs, .bvecs or .ivecs; "
        "file.npz:name for one of several arrays; - for standard input.",
        show_default=False,
    ),
]
Queries = Annotated[
    str | None,
    typer.Argument(metavar="QUERIES", help="Vectors to compare. Default: each of ITEMS.", show_default=False),
]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column that names the rows.")]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Columns that make the vectors: a,b,c or a range a:d. Default: the column of lists, or all numeric ones.",
    ),
]


@guarded
def topk(
    items: Items,
    queries: Queries = None,
    k: Nearest = 10,
    metric: MetricName = None,
    formula: Formula = None,
    combine: Combine = None,
    closer: Closer = None,
    finish: Finish = None,
    id: Id = None,
    columns: Columns = None,
    query: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Use the item of that id (or row number, without --id) as a query. Repeatable."
        ),
    ] = None,
    out: Out = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
    memory_limit: Memory = None,
    on_bad: OnBad = "raise",
) -> None:
    """The k nearest items of every query, exactly, the best first.

    Without QUERIES, items are compared with each other, and none is its own neighbour. Rows count from 0.

    Example: likewise topk films.csv --id title --columns action:intellect --metric manhattan --query Alien
    """
    how = chosen_metric(metric, formula, combine, closer, finish)
    if queries is not None and query:
        raise InputError("QUERIES and --query were both given; take one of them")
    if out is not None:
        files.check_writable(out, ["query", "rank", "item", "value"])
    pool, asked = read_tables(items, queries, columns, id)
    others: NDArray[Any] | None = pool.vectors
    itself = None  # what each query leaves out
    if query:
        own = np.concatenate([_rows_called(pool, text) for text in query])
        vectors, names = pool.vectors[own], _names(pool, own)
        itself = (np.arange(len(own) + 1), own)
    elif asked is None:
        vectors, names, others = pool.vectors, _names(pool), None  # each with the others
    else:
        vectors, names = asked.vectors, _names(asked)
    with show.progress() as progress:
        values, indices = lw.topk(
            vectors,
            others,
            k,
            metric=how,
            where=itself,
            n_jobs=n_jobs,
            memory_limit=memory_size(memory_limit),
            on_bad=on_bad,
            progress=progress,
        )
    hits = show.Hits(values, indices, names, _names(pool))
    if out is not None:
        files.write(out, hits.columns())
    if table:
        show.tables(hits.tables(), heading=str(how))
    elif out is None:
        show.lines(hits.objects())


@guarded
def pairwise(
    items: Items,
    queries: Queries = None,
    metric: MetricName = None,
    formula: Formula = None,
    combine: Combine = None,
    closer: Closer = None,
    finish: Finish = None,
    id: Id = None,
    columns: Columns = None,
    out: Out = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
    memory_limit: Memory = None,
    on_bad: OnBad = "raise",
) -> None:
    """Every query with every item: a matrix, a line for each query.

    Example: likewise pairwise films.csv --id title --columns action:intellect --metric cosine --out films.npy
    """
    how = chosen_metric(metric, formula, combine, closer, finish)
    if out is not None:
        files.check_writable(out, ["values"])
    pool, asked = read_tables(items, queries, columns, id)
    if out is not None:
        show.check_heads(out, _names(pool))
    pair = (pool.vectors,) if asked is None else (asked.vectors, pool.vectors)
    with show.progress() as progress:
        values = lw.pairwise(
            *pair, metric=how, n_jobs=n_jobs, memory_limit=memory_size(memory_limit), on_bad=on_bad, progress=progress
        )
    matrix = show.Matrix(values, _names(pool if asked is None else asked), _names(pool))
    if out is not None:
        files.write(out, matrix.columns(out))
    if table:
        show.tables(matrix.tables(), heading=str(how))
    elif out is None:
        show.lines(matrix.objects())


@guarded
def metrics(table: AsTable = False) -> None:
    """The named metrics: formula, which way is closer, range, and whether a search by them can be screened."""
    rows = lw.metrics.rows()
    if table:
        show.tables([show.plain_table(rows)])
    else:
        show.lines(rows)


# ---- what they share


def read_tables(items: str, queries: str | None, columns: str | None, id: str | None) -> tuple[Table, Table | None]:
    """Both tables, with the same columns where both have names."""
    if items == queries == "-":
        raise InputError("ITEMS and QUERIES cannot both be standard input; put one of them into a file")
    pool = files.read(items, columns=columns, id=id)
    if queries is None:
        return pool, None
    # of several columns the names say which is which; a lone one of vectors may be called differently elsewhere
    same = pool.columns if columns is not None or len(pool.columns) > 1 else None
    return pool, files.read(queries, columns=same, id=id, strict=False)


def _names(table: Table, rows: NDArray[np.int64] | None = None) -> show.Names:
    """What to call rows: their ids, or else their numbers."""
    if rows is None:
        return table.ids if table.ids is not None else range(len(table.vectors))
    return [table.ids[row] if table.ids is not None else row for row in rows.tolist()]


def _rows_called(table: Table, text: str) -> NDArray[np.int64]:
    if table.ids is not None:
        rows = [row for row, name in enumerate(table.ids) if name == text]
        if not rows:
            raise InputError(f"no item of {table.source} is called {text!r}{show.nearest_names(text, table.ids)}")
    else:
        rows = [int(text)] if text.isascii() and text.isdigit() else []
        if not rows or rows[0] >= len(table.vectors):
            raise InputError(
                f"--query {text!r} is no row of {table.source}, which has rows 0 to {len(table.vectors) - 1}; "
                "to ask by name, say with --id which column has the names"
            )
    return np.array(rows, np.int64)
