"""Tables with a schema: Parquet and Arrow. And the way from an Arrow table to one matrix, which every format takes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.extras import need
from likewise.files.binary import settle, settled
from likewise.files.columns import Choice, Wanted, choose, shortened, types_of, unwrapped_type
from likewise.files.source import Source, Table, arrow_bytes, reading, rows_text


def read_parquet(source: Source, wanted: Wanted) -> Table:
    """Parquet: only the chosen columns are read."""
    need("pyarrow", "reading Parquet", extra="cli")
    with reading(source.name, "Parquet"):
        import pyarrow.parquet as pq

        file = pq.ParquetFile(arrow_bytes(source))
        choice = choose(source.name, types_of(source.name, file.schema_arrow), wanted)
        _check_memory(source.name, file.metadata.num_rows, len(choice.columns))
        table = file.read(columns=choice.all).select(choice.all)  # asked for a, Parquet gives a.b as well
        table.validate(full=True)
    return matrix_of(source.name, table, choice)


def read_arrow(source: Source, wanted: Wanted) -> Table:
    """Arrow IPC, as a file (Feather) or a stream; what is not compressed stays mapped."""
    pa = need("pyarrow", "reading Arrow files", extra="cli")
    with reading(source.name, "Arrow"):
        reader = pa.BufferReader(pa.py_buffer(source.data))
        if source.head(6) == b"ARROW1":
            file = pa.ipc.open_file(reader)
            choice = choose(source.name, types_of(source.name, file.schema), wanted)
            # opened again: which columns to read is fixed at opening
            fields = [file.schema.get_field_index(name) for name in choice.all]
            file = pa.ipc.open_file(reader, options=pa.ipc.IpcReadOptions(included_fields=fields))
        else:
            _check_stream_ends(source)
            file = pa.ipc.open_stream(reader)
            choice = choose(source.name, types_of(source.name, file.schema), wanted)
        table = file.read_all().select(choice.all)
        table.validate(full=True)  # offsets that point nowhere would be followed otherwise
    return matrix_of(source.name, table, choice)


def _check_stream_ends(source: Source) -> None:
    """A stream may end without a mark, but then one cut between two batches is as good as a whole one."""
    if source.head(4) == b"\xff\xff\xff\xff" and source.data[-8:] != b"\xff\xff\xff\xff\0\0\0\0":
        raise InputError(f"{source.name} is truncated: the mark that ends an Arrow stream is not there")


def matrix_of(name: str, table: Any, choice: Choice) -> Table:
    """The chosen columns of an Arrow table as vectors."""
    of = f"{name}: {'column' if choice.lists else 'the columns'} {shortened(choice.columns, 3)}"
    with reading(name, "a table"):
        if choice.lists:
            vectors = _list_matrix(name, table, choice.columns[0], choice.gaps)
        else:
            vectors = _number_matrix(name, table, choice.columns, choice.gaps)
        ids = None if choice.id is None else _ids(name, table, choice.id, choice.gaps)
        return Table(settle(vectors, of), ids, choice.columns, name)


def _number_matrix(name: str, table: Any, columns: list[str], gaps: bool) -> NDArray[Any]:
    types = [unwrapped_type(table.schema.field(column).type) for column in columns]
    dtype = settled(np.result_type(*{settled(_dtype(type_)) for type_ in types}))
    if gaps and any(table[column].null_count for column in columns):
        dtype = np.result_type(dtype, np.float32)  # which has a NaN
    out = np.empty((table.num_rows, len(columns)), dtype)
    for j, column in enumerate(columns):
        out[:, j] = settle(_numbers(name, column, table[column], gaps), f"{name}: column {column!r}")
    return out


def _dtype(type_: Any) -> np.dtype[Any]:
    import pyarrow as pa

    return np.dtype(np.float64 if pa.types.is_decimal(type_) else type_.to_pandas_dtype())


def _numbers(name: str, column: str, values: Any, gaps: bool) -> NDArray[Any]:
    import pyarrow as pa

    values = _unwrapped(values)
    if not gaps:
        check_present(name, column, values)
    if pa.types.is_decimal(values.type) or (values.null_count and not pa.types.is_floating(values.type)):
        values = values.cast(pa.float64())  # NaN where one is missing
    return np.asarray(values.to_numpy())


def _list_matrix(name: str, table: Any, column: str, gaps: bool) -> NDArray[Any]:
    import pyarrow.compute as pc

    values = _unwrapped(table[column])
    if not gaps:
        check_present(name, column, values)
    present = np.asarray(values.is_valid().to_numpy())
    rows = np.flatnonzero(present)
    vectors = values if len(rows) == len(present) else values.drop_null()
    lengths = np.asarray(pc.list_value_length(vectors).to_numpy())
    d = int(lengths[0]) if len(lengths) else max(getattr(values.type, "list_size", 1), 1)
    other = np.flatnonzero(lengths != d)
    if len(other):
        raise InputError(
            f"{name}: column {column!r} has vectors of different lengths: {d} numbers in row {rows[0] + 1}, "
            f"{lengths[other[0]]} in row {rows[other[0]] + 1}"
        )
    if d < 1:
        raise InputError(f"{name}: column {column!r} has vectors without coordinates")
    inner = pc.list_flatten(vectors)  # of fixed size, a missing one would leave its place
    if not gaps:
        check_present(name, column, inner, d)
    if inner.num_chunks == 1:
        flat = inner.chunk(0).to_numpy(zero_copy_only=False)  # a view where Arrow's layout is NumPy's: not for bool
    else:
        flat = inner.to_numpy()
    if len(rows) == len(present):
        return np.asarray(flat).reshape(-1, d)
    out = np.full((len(present), d), np.nan, np.result_type(flat.dtype, np.float32))
    out[rows] = flat.reshape(-1, d)
    return out


def _unwrapped(values: Any) -> Any:
    import pyarrow as pa

    while (plain := unwrapped_type(values.type)) != values.type:
        if hasattr(values.type, "storage_type"):
            storage = values.type.storage_type
            values = pa.chunked_array([chunk.storage for chunk in values.chunks], storage)
        else:
            values = values.cast(plain)
    return values


def check_present(name: str, column: str, values: Any, d: int = 1) -> None:
    """Refuse missing values; ``d`` consecutive values make a row."""
    if values.null_count:
        missing = np.flatnonzero(np.asarray(values.is_null().to_numpy())) // d + 1
        rows = np.unique(missing).tolist()
        raise InputError(
            f"{name}: column {column!r} has missing values in {rows_text(rows)}; fill them in, leave those rows out "
            "or choose other columns"
        )


def _ids(name: str, table: Any, column: str, gaps: bool) -> list[str]:
    values = _unwrapped(table[column])
    if not gaps:
        check_present(name, column, values)
    return [value if isinstance(value, str) else "" if value is None else str(value) for value in values.to_pylist()]


def _check_memory(name: str, rows: int, columns: int) -> None:
    """Refuse a table that this machine cannot hold, whatever its pages turn out to hold."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return
    if rows * columns > memory:  # a byte a number at least
        raise InputError(
            f"{name} declares {rows:,} rows of {columns:,} columns: more than the {memory / 1e9:.0f} GB of this machine"
        )
