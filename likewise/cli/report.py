"""``likewise report``: whether vectors can be trusted, as a page for people or lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table as Grid

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
    chosen_metric,
    memory_size,
)
from likewise.cli.verbs import Columns, Id, Items
from likewise.errors import InputError
from likewise.extras import need
from likewise.files.reading import NAMELESS
from likewise.files.records import records
from likewise.files.source import decoded, open_source, reading
from likewise.files.writing import check_place, replacing
from likewise.report import Report
from likewise.report import report as make
from likewise.report.page import SIGNS

_NAMELESS = tuple(f".{kind}" for kind in NAMELESS)
_PAGES = (".html", ".htm")
#: What a column of labels is often called, in a file of several columns.
_LABELS = ("label", "labels", "class", "target", "y")


@guarded
def report(
    items: Items,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="A column of ITEMS with a class for each row, which is then no coordinate; or a file with a label for "
            "each row: .npy, .txt (one a line), or a table of one column, or one called label.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the report as a page, .html, that needs nothing else."),
    ] = None,
    metric: MetricName = None,
    formula: Formula = None,
    combine: Combine = None,
    closer: Closer = None,
    finish: Finish = None,
    id: Id = None,
    columns: Columns = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many neighbours lists have.")] = 10,
    sample: Annotated[
        int | None,
        typer.Option(min=3, metavar="N", help="Rows drawn to search among all. Default: what some ten seconds allow."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn: the same seed, the same report.")] = 0,
    table: AsTable = False,
    n_jobs: Jobs = None,
    memory_limit: Memory = None,
    on_bad: Annotated[
        Literal["raise", "skip"], typer.Option(help="Rows with NaN or infinities: an error, or left out and reported.")
    ] = "skip",
) -> None:
    """Can these vectors be trusted? A verdict in plain words on each question, with the figures and pictures behind it.

    Rows that are defective or repeated, columns that say nothing, distances that are all alike, hubs, lengths, the
    dimensions that are really used, how small the vectors may be stored, and, with --labels, which metric tells the
    classes apart. Without --out, an object for each question. Compares by euclidean, if no metric is named.

    Example: likewise report vectors.parquet --labels genre -o report.html
    """
    plain = formula is None and not any((combine, closer, finish))
    how = None if metric is None and plain else chosen_metric(metric, formula, combine, closer, finish)
    if out is not None:
        check_place(Path(out), _PAGES)
        need("matplotlib", "drawing the pictures of a report", extra="report")
    pool, classes = _read(items, columns, id, labels)
    with show.stages() as (begin, advance):
        found = make(
            pool.vectors,
            classes,
            metric=how,
            k=k,
            name=Path(pool.source).name,
            names=pool.ids,
            columns=pool.columns,
            on_bad=on_bad,
            sample=sample,
            seed=seed,
            n_jobs=n_jobs,
            memory_limit=memory_size(memory_limit),
            progress=advance,
            on_stage=begin,
        )
        page = None if out is None else found.html()
    if out is not None and page is not None:
        with replacing(Path(out)) as handle:
            handle.write(page.encode("utf-8"))
        print(f"{out}: {found.summary}", file=sys.stderr)
    if table:
        show.tables(_tables(found), heading=f"{found.name}: {found.about} {found.summary}")
    elif out is None:
        show.lines(_objects(found))


def _objects(found: Report) -> Iterator[dict[str, Any]]:
    for finding in found.findings:
        yield finding.as_dict()


def _tables(found: Report) -> Iterator[Grid]:
    rows = [
        {"": " ".join(SIGNS[finding.level]), "verdict": finding.verdict, "figure": finding.figure}
        for finding in found.by_level()
    ]
    yield show.plain_table(rows)


# ---- vectors and labels


def _read(items: str, columns: str | None, id: str | None, labels: str | None) -> tuple[files.Table, Any]:
    """The vectors, with what rows are called, and a label for each row."""
    if labels is None:
        return files.read(items, columns=columns, id=id, gaps=True), None
    if labels != id and Path(labels).is_file():
        return files.read(items, columns=columns, id=id, gaps=True), _from_file(labels)
    table = _labelled(items, columns, labels)
    if id is None or id == labels:
        return files.Table(table.vectors, None if id is None else table.ids, table.columns, table.source), table.ids
    if items == "-":
        raise InputError("standard input can be read once, so --id and --labels cannot both name columns of it")
    other = next((column for column in table.columns if column != id), id)
    names = files.read(items, columns=[other], id=id, gaps=True).ids
    vectors, kept = table.vectors, table.columns
    if columns is None and id in kept:  # a column of numbers that names rows is no coordinate
        keep = [place for place, column in enumerate(kept) if column != id]
        vectors, kept = vectors[:, keep], [kept[place] for place in keep]
    return files.Table(vectors, names, kept, table.source), table.ids


def _labelled(items: str, columns: str | None, labels: str) -> files.Table:
    """The vectors, with a column of labels, which is none of theirs, in place of ids."""
    if Path(items).suffix.lower() in _NAMELESS:
        raise InputError(f"{items} has no columns, and there is no file {labels!r}: --labels takes a file beside it")
    try:
        return files.read(items, columns=columns, id=labels, gaps=True)
    except InputError as error:
        said = str(error).replace("no id column", "no column")
        if said != str(error) and ("/" in labels or "." in labels):
            said = f"there is no file {labels!r}, and {said}"
        raise InputError(said) from None


def _from_file(path: str) -> Any:
    """A label for each row, from a file of its own."""
    kind = Path(path).suffix.lower()
    if kind == ".npy":
        return _from_npy(path)
    if kind in (".txt", ""):
        source = open_source(path, "labels")
        return decoded(source.name, bytes(source.data)).splitlines()
    table = records(path)
    column = table.names[0] if len(table.names) == 1 else table.first_of(_LABELS)
    if column is None:
        raise InputError(
            f"{path} has {len(table.names)} columns, and none is called {', '.join(_LABELS[:-1])} or {_LABELS[-1]}; "
            "keep the column of labels alone"
        )
    return table[column]


def _from_npy(path: str) -> NDArray[Any]:
    source = open_source(path, "labels")
    with reading(source.name, "a NumPy array"):
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    if array.ndim != 1:
        raise InputError(f"{path} holds an array of shape {array.shape}; labels are one a row, of shape (n,)")
    return array
