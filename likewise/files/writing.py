"""Columns into files: Parquet, Arrow, CSV, JSON lines, ``.npz`` and ``.npy``.

A file is written beside its destination and then renamed onto it: whoever looks finds the old one or the whole new one.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.extras import need

Columns = Mapping[str, Any]


def write(path: str | os.PathLike[str], columns: Columns | Iterable[Columns]) -> None:
    """Write columns into a file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The extension is the format: ``.parquet``, ``.arrow`` or ``.feather``, ``.csv``, ``.jsonl``, ``.npz``, or
        ``.npy`` for a single array.
    columns : dict of str to array or list, or an iterable of those
        Columns of equal length; an array of shape (n, d) is a column of lists, which CSV has none of. An iterable of
        batches with the same names is written as it comes, so that a large result need not exist at once (but in
        ``.npz`` and ``.npy``, which need it whole).

    Raises
    ------
    InputError
        Where the format is unknown or cannot hold the columns, their lengths differ, or the file cannot be written.
    MissingExtraError
        Where pyarrow is needed and not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from likewise.files import read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "points.jsonl")
    ...     write(file, {"a": [1.0, 2.0], "b": [3.0, 4.0]})
    ...     print(file.read_text().strip())
    {"a": 1.0, "b": 3.0}
    {"a": 2.0, "b": 4.0}
    """
    batches = iter([columns] if isinstance(columns, Mapping) else columns)
    first = _checked(next(batches, {}))
    if not first:
        raise InputError(f"there is nothing to write into {os.fspath(path)}")
    check_writable(path, list(first))
    rest = (_checked(batch, first) for batch in batches)
    with replacing(Path(path)) as handle:
        _WRITERS[Path(path).suffix.lower()](handle, itertools.chain([first], rest))


def check_writable(path: str | os.PathLike[str], names: Sequence[str] = ()) -> None:
    """Refuse, before any work is done for it, a file that :func:`write` could not make of columns of these names."""
    target = Path(path)
    check_place(target, tuple(_WRITERS))
    if target.suffix.lower() == ".npy" and len(names) > 1:
        raise InputError(f"{target} cannot be written: .npy holds one array, these are {', '.join(names)}; write .npz")
    if _WRITERS[target.suffix.lower()] in (_write_parquet, _write_arrow):
        need("pyarrow", f"writing {target.suffix}", extra="cli")


def check_place(target: Path, extensions: Sequence[str]) -> None:
    """Refuse a file of another extension, or in no folder."""
    if target.suffix.lower() not in extensions:
        raise InputError(f"{target} cannot be written: its extension is not one of {', '.join(extensions)}")
    if not target.parent.is_dir():
        raise InputError(f"{target} cannot be written: there is no folder {str(target.parent)!r}")
    if target.is_dir():
        raise InputError(f"{target} cannot be written: it is a folder")


def _checked(batch: Columns, like: Columns | None = None) -> Columns:
    """The batch, its columns all of one length and named as in the batch before."""
    lengths = {name: len(values) for name, values in batch.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"columns differ in length: {', '.join(f'{name} {n}' for name, n in lengths.items())}")
    if like is not None and list(batch) != list(like):
        raise InputError(f"batches differ in columns: {', '.join(like)}; then {', '.join(batch)}")
    return batch


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` once it is whole."""
    target = Path(os.path.realpath(path))  # a link stays a link
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())  # the rename must not reach the disk before the contents do
        os.replace(beside, target)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            beside.unlink()


# ---- the formats


def _write_npy(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    (array,) = _joined(batches).values()
    np.lib.format.write_array(handle, array, allow_pickle=False)


def _write_npz(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    with zipfile.ZipFile(handle, "w") as archive:
        for name, values in _joined(batches).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)


def _joined(batches: Iterator[Columns]) -> dict[str, NDArray[Any]]:
    parts = list(batches)
    return {name: np.concatenate([_plain(name, part[name]) for part in parts]) for name in parts[0]}


def _plain(name: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"column {name!r} is no array: {error}") from None
    if array.dtype.hasobject:
        raise InputError(f"column {name!r} mixes values that NumPy cannot hold in one array")
    return array


def _write_parquet(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    import pyarrow.parquet as pq

    _write_tables(batches, lambda schema: pq.ParquetWriter(handle, schema))


def _write_arrow(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    import pyarrow as pa

    _write_tables(batches, lambda schema: pa.ipc.new_file(handle, schema))


def _write_tables(batches: Iterator[Columns], open_writer: Callable[[Any], Any]) -> None:
    import pyarrow as pa

    tables = (pa.table({name: _arrow(name, values) for name, values in batch.items()}) for batch in batches)
    first = next(tables)
    with open_writer(first.schema) as writer:
        for table in itertools.chain([first], tables):
            try:
                writer.write_table(table.cast(first.schema))
            except pa.ArrowException as error:
                raise InputError(f"a later batch is of other types: {' '.join(str(error).split())}") from None


def _arrow(name: str, values: Any) -> Any:
    import pyarrow as pa

    try:
        if isinstance(values, np.ndarray) and values.ndim == 2:
            return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"column {name!r} cannot be written: {' '.join(str(error).split())}") from None


def _write_csv(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    def rows() -> Iterator[list[Any]]:
        for number, batch in enumerate(batches):
            if number == 0:
                yield list(batch)
            columns = [_listed(values) for values in batch.values()]
            for name, column in zip(batch, columns, strict=True):
                if column and isinstance(column[0], (list, tuple, dict)):
                    raise InputError(f"CSV has one value a cell, and column {name!r} holds lists; try .parquet")
            yield from map(list, zip(*columns, strict=True))

    class Encoded:
        """What csv.writer writes text into."""

        def write(self, text: str) -> int:
            return handle.write(text.encode())

    csv.writer(Encoded(), lineterminator="\n").writerows(rows())


def _write_jsonl(handle: BinaryIO, batches: Iterator[Columns]) -> None:
    for batch in batches:
        for row in zip(*map(_listed, batch.values()), strict=True):
            handle.write(json_line(dict(zip(batch, row, strict=True))).encode() + b"\n")


def _listed(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def json_line(value: Any) -> str:
    """One line of JSON. NaN and infinities, which JSON has no number for, become null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain_json)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain_json)


def _plain_json(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return _finite(value.tolist())
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


_WRITERS: dict[str, Callable[[BinaryIO, Iterator[Columns]], None]] = {
    ".parquet": _write_parquet,
    ".pq": _write_parquet,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".npz": _write_npz,
    ".npy": _write_npy,
}
