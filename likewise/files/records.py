"""Records: rows of named columns, as people have them. One door for files, frames and plain Python.

:func:`read` in this package gives vectors, a matrix of numbers; :func:`records` gives columns, each with a type of its
own: who took what and when, what a film is called, what a document says.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError, ShapeError
from likewise.extras import need
from likewise.files.columns import check_unique, shortened
from likewise.files.reading import kind_of
from likewise.files.source import Source, arrow_bytes, decoded, open_source, reading, rows_text
from likewise.files.text import csv_header

#: Whatever :func:`records` reads.
Recordlike = Any

#: A number written with zeros in front, at the start of a cell: it would not come back as it is written.
_PADDED = re.compile(rb'(?:^|[,;\t\n"])[+-]?0[0-9]')


@dataclass(frozen=True)
class Records:
    """Rows of named columns.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (n,)
        int64, float64, bool or datetime64[us] where a column is that throughout; else an object array of what was found
        (``str``, ``list``, ``int``), with None where a value is missing. Missing numbers among floats are NaN.
    source : str
        Where they came from, for messages.

    Examples
    --------
    >>> table = records({"user": ["ann", "bob"], "rating": [4.5, 3.0]})
    >>> len(table), table["rating"]
    (2, array([4.5, 3. ]))
    """

    columns: dict[str, NDArray[Any]]
    source: str

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.column(name)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def names(self) -> list[str]:
        """What the columns are called, in order."""
        return list(self.columns)

    def column(self, name: str) -> NDArray[Any]:
        """The column of that name; InputError with the nearest names where there is none."""
        if name in self.columns:
            return self.columns[name]
        close = difflib.get_close_matches(str(name), self.names, n=1)
        near = f"; did you mean {close[0]!r}? It has " if close else "; it has "
        raise InputError(f"{self.source} has no column {name!r}{near}{shortened(self.names)}")

    def first_of(self, names: Iterable[str]) -> str | None:
        """Whichever of these names is a column: capitals, spaces, - and _ aside. The first, or None."""
        known = {_plain(name): name for name in reversed(self.names)}
        return next((known[_plain(name)] for name in names if _plain(name) in known), None)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Which rows have no value in a column: None, NaN, no time."""
        values = self.column(name)
        if values.dtype.kind == "O":
            return np.fromiter((value is None or value != value for value in values), bool, len(values))
        return np.asarray(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values))  # of integers too: none

    def text(self, name: str) -> NDArray[np.object_]:
        """A column as text: numbers as they are written, None where a value is missing."""
        values, missing = self.column(name), self.missing(name)
        pairs = zip(values.tolist(), missing, strict=True)
        return _objects(
            [None if absent else value if isinstance(value, str) else str(value) for value, absent in pairs]
        )

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64, NaN where a value is missing; InputError with the row where one is no number."""
        values = self.column(name)
        if values.dtype.kind in "biuf":
            return values.astype(np.float64)
        out = np.full(len(values), np.nan)
        for row, (value, absent) in enumerate(zip(values, self.missing(name), strict=True)):
            if absent or (isinstance(value, str) and not value.strip()):
                continue
            try:
                out[row] = float(value)
            except (TypeError, ValueError):
                raise InputError(
                    f"{self.source}: column {name!r} has to be numbers; row {row + 1} has {str(value)[:40]!r}"
                ) from None
        return out

    def codes(self, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """A column as the different values it has, in rising order, and the number of each row's among these.

        The values of a column that holds more than one type are ordered as text; a missing one is an InputError.
        """
        values, missing = self.column(name), self.missing(name)
        empty = missing | (values == "") if values.dtype.kind == "O" else missing
        if empty.any():
            where = rows_text((np.flatnonzero(empty) + 1).tolist())
            raise InputError(f"{self.source}: column {name!r} has no value in {where}; leave those rows out")
        if values.dtype.kind != "O":
            different, code = np.unique(values, return_inverse=True)
            return different, code.astype(np.int64)
        try:
            seen = {value: 0 for value in values.tolist()}
        except TypeError:
            raise InputError(f"{self.source}: column {name!r} holds lists, which cannot name anything") from None
        of_one_type = len({type(value) for value in seen}) == 1
        order = sorted(seen) if of_one_type else sorted(seen, key=lambda value: (str(value), str(type(value))))
        numbers = {value: number for number, value in enumerate(order)}
        code = np.fromiter(map(numbers.__getitem__, values.tolist()), np.int64, len(values))
        return _objects(order), code

    def take(self, rows: NDArray[Any]) -> Records:
        """Some of the rows: a boolean mask, or row numbers in the order wanted."""
        return Records({name: values[rows] for name, values in self.columns.items()}, self.source)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()


def records(source: Recordlike, *, encoding: str | None = None) -> Records:
    """Rows of named columns, from what people keep them in.

    Parameters
    ----------
    source : path-like, frame, or columns
        ``.csv`` or ``.tsv`` with a header, ``.jsonl``, ``.json`` (an array of objects), ``.parquet``, ``.arrow`` or
        ``.feather``; ``-`` for standard input; a pandas or polars frame; an Arrow table; a dictionary of columns; a
        list of dictionaries; a structured NumPy array; or :class:`Records`, which come back as they are.
    encoding : str, optional
        Of a text file, as Python names it: ``"cp1252"``, ``"latin-1"``, ``"utf-16"``. Default: UTF-8.

    Returns
    -------
    Records

    Raises
    ------
    InputError
        Where the file is absent, damaged, empty or in another encoding (with the line); where columns are of different
        lengths; where the source is of no kind that is read.
    MissingExtraError
        Where pyarrow is needed and not installed: CSV, Parquet and Arrow.

    Examples
    --------
    >>> records([{"title": "Heat", "year": 1995}, {"title": "Alien", "year": 1979}])["year"]
    array([1995, 1979])
    """
    if isinstance(source, Records):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _from_file(open_source(source), encoding)
    if isinstance(source, Mapping):
        return _checked("the table", {str(name): _settled(values) for name, values in source.items()})
    if isinstance(source, np.ndarray) and source.dtype.names:
        return _checked("the array", {name: _settled(source[name]) for name in source.dtype.names})
    kind = type(source).__module__.partition(".")[0]
    if kind in _FRAMES and type(source).__name__ in ("DataFrame", "LazyFrame", "Table"):
        return _FRAMES[kind](source)
    if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
        return _from_objects("the list", list(source))
    raise InputError(
        f"found {type(source).__name__} where a table is wanted: a path, a pandas or polars frame, an Arrow table, "
        "a dictionary of columns or a list of dictionaries"
    )


def _checked(source: str, columns: dict[str, NDArray[Any]]) -> Records:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        (first, n), (other, m) = next(
            ((a, n), (b, m)) for a, n in lengths.items() for b, m in lengths.items() if n != m
        )
        raise ShapeError(f"{source} has columns of different lengths: {first!r} has {n} values, {other!r} {m}")
    if not columns:
        raise InputError(f"{source} has no columns")
    return Records(columns, source)


# ---- one column


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _settled(values: Any) -> NDArray[Any]:
    """Any sequence as one of the types that :class:`Records` promises."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind != "O":
        return _settled_array(values)
    if hasattr(values, "tolist") and getattr(values, "ndim", 1) == 1:
        values = values.tolist()
    found = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in found if value is not None}
    if kinds and all(issubclass(kind, (bool, np.bool_)) for kind in kinds) and None not in found:
        return np.array(found, bool)
    if kinds and all(issubclass(kind, (int, np.integer)) and not issubclass(kind, bool) for kind in kinds):
        small = all(value is None or -(2**63) <= value < 2**63 for value in found)
        return np.array(found, np.int64) if small and None not in found else _objects(found)
    if kinds and all(issubclass(kind, (int, float, np.number)) and not issubclass(kind, bool) for kind in kinds):
        return np.array([np.nan if value is None else float(value) for value in found])
    if kinds and all(hasattr(kind, "isoformat") or issubclass(kind, np.datetime64) for kind in kinds):
        return _times(found)
    if kinds and all(issubclass(kind, (list, tuple, np.ndarray, set)) for kind in kinds):
        return _objects([None if value is None else list(value) for value in found])
    return _objects([str(value) if isinstance(value, np.str_) else value for value in found])


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _settled_array(values: NDArray[Any]) -> NDArray[Any]:
    kind = values.dtype.kind
    if kind == "b":
        return values
    if kind == "M":
        return values.astype("datetime64[us]")
    if kind == "i" or (kind == "u" and (values.size == 0 or values.max() < 2**63)):
        return values.astype(np.int64, copy=False)
    if kind == "f":
        return values.astype(np.float64, copy=False)
    if kind in "Uu":
        return _objects(values.tolist())
    raise InputError(f"a column of {values.dtype} cannot be read; use numbers, truth values, text or times")


def _times(found: list[Any]) -> NDArray[Any]:
    """Times without a zone; those with one are brought to UTC first."""
    plain = []
    for value in found:
        if getattr(value, "tzinfo", None) is not None:
            value = (value - value.utcoffset()).replace(tzinfo=None)
        plain.append(np.datetime64("NaT") if value is None else np.datetime64(value))
    return np.array(plain).astype("datetime64[us]")


# ---- frames


def _from_pandas(frame: Any) -> Records:
    names = [str(name) for name in frame.columns]
    check_unique("the frame", names)
    columns = {}
    for place, name in enumerate(names):
        series = frame.iloc[:, place]
        plain = isinstance(series.dtype, np.dtype) and series.dtype.kind != "O"
        columns[name] = _settled(series.to_numpy() if plain else series.to_numpy(dtype=object, na_value=None))
    return _checked("the frame", columns)


def _from_polars(frame: Any) -> Records:
    if hasattr(frame, "collect"):
        frame = frame.collect()
    columns = {}
    for name in frame.columns:
        series = frame[name]
        plain = series.null_count() == 0 and series.dtype.is_numeric() and not series.dtype.is_decimal()
        columns[name] = _settled(series.to_numpy() if plain else series.to_list())
    return _checked("the frame", columns)


def _from_arrow(table: Any, source: str = "the table") -> Records:
    import pyarrow.types as t

    check_unique(source, list(table.schema.names))
    columns = {}
    for name in table.schema.names:
        values = table[name]
        plain = values.null_count == 0 and (t.is_integer(values.type) or t.is_floating(values.type))
        if t.is_decimal(values.type):
            values = values.cast("float64")
        columns[name] = _settled(values.to_numpy() if plain else values.to_pylist())
    return _checked(source, columns)


_FRAMES: dict[str, Callable[[Any], Records]] = {
    "pandas": _from_pandas,
    "polars": _from_polars,
    "pyarrow": _from_arrow,
}


# ---- files


def _from_file(source: Source, encoding: str | None) -> Records:
    if encoding is not None:
        source = Source(source.name, decoded(source.name, bytes(source.data), encoding).encode(), member=source.member)
    kind = kind_of(source)
    if kind in ("csv", "jsonl"):
        check_utf8(source)
        return _from_csv(source) if kind == "csv" else _from_json(source)
    if kind not in ("parquet", "arrow"):
        raise InputError(f"{source.name} holds an array without column names; a table is wanted: CSV, JSON or Parquet")
    pa = need("pyarrow", f"reading {kind}", extra="cli")
    with reading(source.name, kind):
        buffer = arrow_bytes(source)
        if kind == "parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(buffer)
        else:
            opened = pa.ipc.open_file if source.head(6) == b"ARROW1" else pa.ipc.open_stream
            table = opened(buffer).read_all()
        table.validate(full=True)
        return _from_arrow(table, source.name)


def check_utf8(source: Source) -> None:
    """Refuse text that is not UTF-8, by the line where it ceases to be."""
    step = 1 << 24
    for start in range(0, len(source.data), step):
        chunk = bytes(source.data[start : start + step])
        try:
            chunk.decode()
        except UnicodeDecodeError:  # it may only be cut at a border of two chunks
            decoded(source.name, bytes(source.data), "utf-8")
            return


def _from_csv(source: Source) -> Records:
    pa = need("pyarrow", "reading CSV", extra="cli")
    import pyarrow.csv as pc

    header, delimiter = csv_header(source)
    names = [name.strip() for name in header]
    check_unique(source.name, names)

    def parse(types: dict[str, Any], threads: bool) -> Any:
        return pc.read_csv(
            arrow_bytes(source),
            read_options=pc.ReadOptions(use_threads=threads, block_size=1 << 24),
            parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pc.ConvertOptions(column_types=types),
        )

    with reading(source.name, "CSV"):
        try:
            table = parse({}, True)
        except pa.ArrowInvalid:
            table = parse({}, False)  # one thread can say which row is malformed, and sees the types of all rows
        if _PADDED.search(source.data):
            # 007 is not 7: whole columns with such cells are text, to the letter
            whole = [name for name in table.column_names if pa.types.is_integer(table.schema.field(name).type)]
            written = parse({name: pa.string() for name in whole}, True)
            for name in whole:
                if any(_is_padded(cell) for cell in written[name].to_pylist()):
                    place = table.column_names.index(name)
                    table = table.set_column(place, name, written[name])
        return _from_arrow(table.rename_columns([name.strip() for name in table.column_names]), source.name)


def _is_padded(cell: str) -> bool:
    digits = cell.strip().lstrip("+-")
    return len(digits) > 1 and digits[0] == "0"


def _from_json(source: Source) -> Records:
    if source.head().removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        rows = _json_array(source)
    else:
        rows = []
        with source.stream() as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    with reading(f"{source.name}, line {number},", "JSON"):
                        rows.append(json.loads(line.removeprefix(b"\xef\xbb\xbf")))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"{source.name}, row {number}: found {str(row)[:40]}; every row is an object")
    if not rows:
        raise InputError(f"{source.name} holds no rows")
    return _from_objects(source.name, rows)


def _json_array(source: Source) -> list[Any]:
    with reading(source.name, "JSON"):
        rows = json.loads(bytes(source.data).decode("utf-8-sig"))
        return rows if isinstance(rows, list) else [rows]


def _from_objects(source: str, rows: list[Any]) -> Records:
    """Rows as dictionaries; a key that a row does not have is missing there."""
    names = list(dict.fromkeys(str(key) for row in rows for key in row))
    return _checked(source, {name: _settled([row.get(name) for row in rows]) for name in names})
