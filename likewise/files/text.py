"""Tables written as text: CSV and JSON lines."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from likewise.errors import InputError
from likewise.extras import need
from likewise.files.columns import (
    Wanted,
    called,
    check_unique,
    choose,
    choose_id,
    is_number,
    refuse_column,
    resolve,
    types_of,
)
from likewise.files.source import Source, Table, arrow_bytes, reading
from likewise.files.tables import check_present, matrix_of

#: What the CSV parser takes for a number; float() takes 1_000 as well.
_NUMBER = r"(?i)^\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)\s*$"

# ---- CSV


def read_csv(source: Source, wanted: Wanted) -> Table:
    """CSV with a header; comma, semicolon or tab, whichever the header has."""
    need("pyarrow", "reading CSV", extra="cli")
    header, delimiter = csv_header(source)
    names = [name.strip() for name in header]
    check_unique(source.name, names)
    of_id = choose_id(source.name, names, wanted)
    chosen = names if wanted.columns is None else resolve(source.name, names, wanted.columns)
    needed = {*chosen, of_id}
    include = [raw for raw, name in zip(header, names, strict=True) if name in needed]
    with reading(source.name, "CSV"):
        table = _parse_csv(source, delimiter, include, of_id)
        types = types_of(source.name, table.schema)
        if wanted.columns is None:
            _check_mostly_numbers(source.name, table, of_id)
        elif bad := [name for name in chosen if not is_number(types[name])]:
            whole = _parse_csv(source, delimiter, header, of_id)  # the message says which columns are numeric
            _refuse_text(source.name, whole, bad[0], types_of(source.name, whole.schema))
    columns = None if wanted.columns is None else chosen
    return matrix_of(source.name, table, choose(source.name, types, Wanted(columns, of_id, gaps=wanted.gaps)))


def _parse_csv(source: Source, delimiter: str, include: list[str], of_id: str | None) -> Any:
    import pyarrow as pa
    import pyarrow.csv as pc

    table = pc.read_csv(
        arrow_bytes(source),
        # one thread: with more, pyarrow cannot say which row is malformed. A row has to fit into a block.
        read_options=pc.ReadOptions(use_threads=False, block_size=1 << 24),
        parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        # an id is text to the letter: 007 is not 7
        convert_options=pc.ConvertOptions(
            include_columns=include, column_types={raw: pa.string() for raw in include if raw.strip() == of_id}
        ),
    )
    return table.rename_columns([raw.strip() for raw in table.column_names])


def csv_header(source: Source) -> tuple[list[str], str]:
    """The names in the header, and the delimiter."""
    text = source.head(1 << 24).decode("utf-8-sig", errors="replace")
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # the first of equals: a comma
    lines = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter)
    with reading(source.name, "CSV"):
        header = next(lines, [])
    if any("�" in column for column in header):
        raise InputError(f"{source.name} is not in UTF-8; save it in that encoding")
    if not "".join(header).strip():
        raise InputError(f"{source.name} has no header: the first line of a CSV names its columns")
    if all(map(_is_number, header)) and not _counts_up(header):
        raise InputError(
            f"{source.name} has no header: its first line is numbers ({', '.join(header[:3])}...); "
            "put a line with the columns' names on top"
        )
    with suppress(csv.Error):  # what is wrong further down is for the parser of the values to say
        if not any(map(any, lines)):
            raise InputError(f"{source.name} has a header and no rows below it")
    return header, delimiter


def _is_number(text: str) -> bool:
    return re.match(_NUMBER, text, re.ASCII) is not None


def _counts_up(header: list[str]) -> bool:
    """Whole numbers that grow are names, as data frames and years give them: 0,1,2 or 2001,2002."""
    if not all(column.strip().isascii() and column.strip().isdigit() for column in header):
        return False
    numbers = [int(column) for column in header if len(column) < 19]
    return all(a < b for a, b in itertools.pairwise(numbers))


def _refuse_text(name: str, table: Any, column: str, types: Mapping[str, Any]) -> NoReturn:
    """A chosen column that is not numeric, with its first cell that is no number."""
    for row, value in enumerate(table[column].to_pylist(), 1):
        if value is not None and not _is_number(str(value)):
            refuse_column(name, column, types, f" (row {row}: {str(value)[:40]!r})")
    check_present(name, column, table[column])
    refuse_column(name, column, types)


def _check_mostly_numbers(name: str, table: Any, of_id: str | None) -> None:
    """One bad cell makes a column text; it must not silently drop out of the vectors."""
    import pyarrow.compute as pc

    for column, type_ in types_of(name, table.schema).items():
        if column == of_id or called(type_) != "text":
            continue
        cells = table[column]
        numbers = np.asarray(pc.match_substring_regex(cells, _NUMBER).to_numpy())
        empty = np.asarray(pc.equal(cells, "").to_numpy())
        bad = np.flatnonzero(~numbers & ~empty)
        if len(bad) < numbers.sum():
            raise InputError(
                f"{name}: column {column!r} is numbers but for row {bad[0] + 1}: {cells[bad[0]].as_py()[:40]!r}; "
                "correct it, or choose columns without it"
            )


# ---- JSON lines


def read_jsonl(source: Source, wanted: Wanted) -> Table:
    """JSON lines: an array of numbers a line, or an object a line."""
    rows = list(_json_rows(source))
    if not rows:
        raise InputError(f"{source.name} holds no lines of JSON")
    kind = type(rows[0])
    for number, row in enumerate(rows, 1):
        if type(row) is not kind or kind not in (list, dict):
            raise InputError(
                f"{source.name}, row {number}: found {_json_kind(row)}; every row is an array of numbers, or every "
                "row is an object"
            )
    return _json_arrays(source.name, rows, wanted) if kind is list else _json_objects(source.name, rows, wanted)


def _json_rows(source: Source) -> Iterator[Any]:
    with source.stream() as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                with reading(f"{source.name}, line {number},", "JSON"):
                    yield json.loads(line)


def _json_kind(value: Any) -> str:
    kinds = {list: "an array", dict: "an object", str: "text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _json_arrays(name: str, rows: list[list[Any]], wanted: Wanted) -> Table:
    for option, value in (("columns", wanted.columns), ("id", wanted.id)):
        if value is not None and wanted.strict:
            raise InputError(f"{name} has no column names, so {option}={value!r} cannot be found in it")
    d = len(rows[0])
    allowed = (int, float, type(None)) if wanted.gaps else (int, float)
    for number, row in enumerate(rows, 1):
        if len(row) != d:
            raise InputError(
                f"{name} has vectors of different lengths: {d} numbers in row 1, {len(row)} in row {number}"
            )
        if bad := [value for value in row if not isinstance(value, allowed)]:
            raise InputError(f"{name}, row {number}: found {_json_kind(bad[0])} where a number is wanted")
    if d < 1:
        raise InputError(f"{name} has vectors without coordinates")
    with reading(name, "JSON lines"):
        bits = all(isinstance(value, bool) for row in rows for value in row)
        vectors = np.array(rows, bool if bits else np.float64)
    return Table(vectors, None, [], name)


def _json_objects(name: str, rows: list[dict[str, Any]], wanted: Wanted) -> Table:
    pa = need("pyarrow", "reading objects of JSON", extra="cli")
    names = list(dict.fromkeys(key for row in rows for key in row))
    of_id = choose_id(name, names, wanted)
    chosen = None if wanted.columns is None else resolve(name, names, wanted.columns)
    columns = {}
    for column in names:
        try:
            columns[column] = _json_column(name, column, [row.get(column) for row in rows])
        except InputError:  # of no one type: that concerns only those who want it
            if chosen is None or column in (*chosen, of_id):
                raise
    table = pa.table(columns)
    return matrix_of(name, table, choose(name, types_of(name, table.schema), Wanted(chosen, of_id, gaps=wanted.gaps)))


def _json_column(name: str, column: str, values: Iterable[Any]) -> Any:
    pa = need("pyarrow", "reading objects of JSON", extra="cli")
    with reading(f"{name}: column {column!r}", "values of one type"):
        return pa.array(values)
