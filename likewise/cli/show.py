"""What is printed: JSON lines for programs, tables for people, progress for those who wait."""

from __future__ import annotations

import difflib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

from likewise.errors import InputError
from likewise.files.writing import json_line

#: What rows are called: ids, or row numbers.
Names = Sequence[str] | Sequence[int]

_BLOCK = 4096  # rows turned into Python objects at a time
_CELL = 12  # characters that a number of a matrix takes in a table


@dataclass(frozen=True)
class Hits:
    """What a search found, with names for rows. Nothing of it is spelled out before it is written."""

    values: NDArray[np.float64]
    indices: NDArray[np.int64]
    queries: Names
    items: Names

    def _rows(self) -> Iterator[tuple[Any, list[tuple[Any, float]]]]:
        """Each query's name, and the names and values of its neighbours; padding left out."""
        for start in range(0, len(self.values), _BLOCK):
            values = self.values[start : start + _BLOCK].tolist()
            indices = self.indices[start : start + _BLOCK].tolist()
            for row, (best, found) in enumerate(zip(values, indices, strict=True), start):
                yield self.queries[row], [(self.items[i], v) for i, v in zip(found, best, strict=True) if i >= 0]

    def objects(self) -> Iterator[dict[str, Any]]:
        """An object for each query."""
        for query, found in self._rows():
            yield {"query": query, "neighbours": [{"item": item, "value": value} for item, value in found]}

    def columns(self) -> Iterator[dict[str, Any]]:
        """Columns query, rank, item and value, in batches; one at least, if without rows."""
        rows = self._rows()
        for _ in range(max(1, -(-len(self.values) // _BLOCK))):
            block = list(itertools.islice(rows, _BLOCK))
            yield {
                "query": _column(self.queries, [query for query, found in block for _ in found]),
                "rank": np.array([rank for _, found in block for rank in range(1, len(found) + 1)], np.int64),
                "item": _column(self.items, [item for _, found in block for item, _ in found]),
                "value": np.array([value for _, found in block for _, value in found], np.float64),
            }

    def tables(self) -> Iterator[Grid]:
        """A table for each query."""
        for query, found in self._rows():
            rows = [(rank, item, f"{value:.6g}") for rank, (item, value) in enumerate(found, 1)]
            yield _grid(["rank", "item", "value"], rows, title=str(query), right={"rank", "value"})


@dataclass(frozen=True)
class Matrix:
    """Every query with every item, with names for rows and columns."""

    values: NDArray[np.float64]
    queries: Names
    items: Names

    def objects(self) -> Iterator[dict[str, Any]]:
        """An object for each query."""
        for query, row in zip(self.queries, self.values, strict=True):
            yield {"query": query, "values": row.tolist()}

    def columns(self, path: str) -> Iterator[dict[str, Any]]:
        """In batches, what a format can say of a matrix.

        NumPy files take the numbers alone, CSV a column for each item, the others a list for each query.
        """
        kind = Path(path).suffix.lower()
        if kind in (".npy", ".npz"):
            yield {"values": self.values}
            return
        for start in range(0, max(1, len(self.values)), _BLOCK):
            block = self.values[start : start + _BLOCK]
            query = _column(self.queries, list(self.queries[start : start + _BLOCK]))
            if kind == ".csv":
                yield {"query": query} | {str(name): block[:, j] for j, name in enumerate(self.items)}
            else:
                yield {"query": query, "values": block}

    def tables(self) -> Iterator[Grid]:
        """One table, of as many rows and columns as can be looked at."""
        rows, columns = len(self.queries), len(self.items)
        wide = max(1, min(columns, (Console().width - 20) // (_CELL + 3)))
        high = min(rows, 100)
        cells = [
            (name, *(f"{value:.6g}" for value in row[:wide].tolist()))
            for name, row in zip(self.queries[:high], self.values[:high], strict=True)
        ]
        caption = ""
        if (high, wide) != (rows, columns):
            caption = f"{high} x {wide} of {rows:,} x {columns:,} are shown; --out FILE writes them all"
        heads = [str(name) for name in self.items[:wide]]
        yield _grid(["", *heads], cells, caption=caption, right=set(heads))


def check_heads(path: str, items: Names) -> None:
    """Refuse a CSV of a matrix in which two columns would have one name."""
    if Path(path).suffix.lower() == ".csv" and len({"query", *map(str, items)}) <= len(items):
        raise InputError(f"{path} would have two columns of one name: the items' names repeat; write .parquet or .npy")


def _column(names: Names, values: list[Any]) -> Any:
    if isinstance(names, range):
        return np.array(values, np.int64)
    return values or np.array([], str)  # an empty list would not say that it is one of text


def lines(objects: Iterable[Any]) -> None:
    """JSON lines on standard output, as they come."""
    for item in objects:
        sys.stdout.write(json_line(item) + "\n")


def tables(grids: Iterable[Grid], heading: str = "") -> None:
    """Tables on standard output, as they come."""
    console = Console(highlight=False)
    if heading:
        console.print(Text(printable(heading)))
    for grid in grids:
        console.print(grid)


def plain_table(rows: list[dict[str, Any]], title: str = "") -> Grid:
    """Dictionaries of the same keys as a table."""
    return _grid(list(rows[0]), [tuple(row.values()) for row in rows], title=title)


def _grid(
    heads: list[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    caption: str = "",
    right: set[str] | None = None,
) -> Grid:
    grid = Grid(
        title=Text(printable(title), style="bold") if title else None,
        caption=Text(printable(caption), style="dim") if caption else None,
        title_justify="left",
        caption_justify="left",
    )
    for head in heads:
        grid.add_column(Text(printable(head)), justify="right" if head in (right or ()) else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(printable(str(cell))) for cell in row))
    return grid


def printable(text: str) -> str:
    """The text without what would steer a terminal: names come from files that anybody may have written."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def nearest_names(text: str, names: Sequence[str]) -> str:
    """What else somebody may have meant, for the end of a message."""
    wanted = text.casefold()
    folded = {name.casefold(): name for name in names}
    close = [name for key, name in folded.items() if wanted.strip() and wanted in key][:3]
    if not close:  # the first 20,000: comparing letter by letter takes a second for these
        first = list(itertools.islice(folded, 20_000))
        close = [folded[key] for key in difflib.get_close_matches(wanted, first, n=3, cutoff=0.5)]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """A callback(done, total) that shows a bar on a terminal once the work has taken a second."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    task = bar.add_task("")
    begun = time.monotonic()
    lock = threading.Lock()  # calls may come from several threads; the bar starts once

    def advance(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        with lock:
            if not bar.live.is_started and time.monotonic() - begun > 1:
                bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def stages() -> Iterator[tuple[Callable[[str, int, int], None] | None, Callable[[int, int], None] | None]]:
    """Two callbacks, (name, number, steps) and (done, total) of a step, that show a bar on a terminal."""
    if not sys.stderr.isatty():
        yield None, None
        return
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description:<14}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("")
        at = [0, 1]  # the step, and how many there are

        def begin(name: str, number: int, steps: int) -> None:
            at[:] = number, steps
            bar.update(task, description=printable(name), completed=number, total=steps)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=at[0] + (done / total if total else 0.0), total=at[1])

        yield begin, advance
