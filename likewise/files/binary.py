"""Files of numbers without names: ``.npy``, ``.npz``, and the ``.fvecs`` family of the nearest-neighbour benchmarks.

Each declares its own size. The declaration is held against the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import difflib
import io
import mmap
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files.source import Source, Table, reading, rows_text

_KEPT = {np.dtype(t) for t in ("bool", "int8", "uint8", "float16", "float32", "float64")}
_EXACT = 2**53  # the largest n such that float64 holds every whole number up to it
_HEADER = 1 << 17  # bytes: more than a version 1 header can have, and than NumPy reads of a later one
_DEFLATE = 1032  # to 1: the most that deflate can compress


def settled(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The element type that numbers of this one are compared in: itself, or the smallest float that holds them."""
    native = dtype.newbyteorder("=")
    if native in _KEPT:
        return native
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def settle(vectors: NDArray[Any], name: str) -> NDArray[Any]:
    """The same numbers in an element type that is compared natively, exactly or not at all."""
    if vectors.dtype in _KEPT:  # equal to the native type, so native itself
        return vectors
    _check_real(vectors.dtype, name)
    if vectors.dtype.kind in "iu" and vectors.dtype.itemsize == 8:
        _check_exact(vectors, name)
    return vectors.astype(settled(vectors.dtype))


def _check_real(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind not in "biuf" or dtype.itemsize > 8:  # long double is more than any kernel computes in
        found = "Python objects, which are never unpickled here" if dtype.hasobject else f"{dtype.name} values"
        raise InputError(f"{name} holds {found}; save it as float32, float64, int8, uint8 or bool")


def _check_exact(vectors: NDArray[Any], name: str) -> None:
    if vectors.size and (vectors.max() > _EXACT or vectors.min() < -_EXACT):
        beyond = (vectors > _EXACT) | (vectors < -_EXACT)
        rows = np.flatnonzero(beyond.reshape(len(vectors), -1).any(axis=1)) + 1
        raise InputError(
            f"{name} has whole numbers beyond 2^53 in {rows_text(rows.tolist())}, which float64 cannot hold exactly; "
            "are they identifiers rather than measurements?"
        )


# ---- .npy and .npz


def read_npy(source: Source) -> Table:
    """A two-dimensional array; of a file, the rows stay mapped."""
    shape, order, dtype, offset = _npy_header(source.head(_HEADER), source.name)
    _check_npy(source.name, shape, dtype, len(source.data) - offset)
    with reading(source.name, "a NumPy array"):
        if 0 in shape:
            vectors: NDArray[Any] = np.empty(shape, dtype)
        elif source.path is not None:
            vectors = np.memmap(source.path, dtype, "r", offset, shape, order)
        else:
            vectors = _from_bytes(source.data, shape, order, dtype, offset)
    return Table(settle(vectors, source.name), None, [], source.name)


def _from_bytes(
    data: bytes | mmap.mmap, shape: tuple[int, ...], order: Any, dtype: np.dtype[Any], offset: int
) -> NDArray[Any]:
    return np.frombuffer(data, dtype, shape[0] * shape[1], offset).reshape(shape, order=order)


def _npy_header(head: bytes, name: str) -> tuple[tuple[int, ...], Any, np.dtype[Any], int]:
    """Shape, order ("C" or "F"), element type, and where the numbers begin."""
    stream = io.BytesIO(head)
    with reading(name, "a NumPy array"):
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"version {version[0]}.{version[1]} of the format is not known")
        # version 3 is version 2 with names of fields in UTF-8, and arrays with fields are refused below
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    return shape, "F" if fortran else "C", dtype, stream.tell()


def _check_npy(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], available: int) -> None:
    _check_real(dtype, name)
    if len(shape) != 2:
        remedy = "reshape(1, -1) makes one vector of it" if len(shape) == 1 else "reshape it to one vector a row"
        raise InputError(f"{name} holds an array of shape {shape}; vectors are the rows of a table (n, d): {remedy}")
    n, d = shape
    if n < 0 or d < 1:
        raise InputError(f"{name} holds an array of shape {shape}: its vectors have no coordinates")
    declared = n * d * dtype.itemsize
    if declared > available:
        raise InputError(
            f"{name} is truncated: {n:,} x {d:,} of {dtype.name} are {declared:,} bytes, and {available:,} are there; "
            "copy or write the file again"
        )


def read_npz(source: Source) -> Table:
    """The only array of an archive, or the one named ``file.npz:array``."""
    with reading(source.name, "a NumPy archive"), source.stream() as stream, zipfile.ZipFile(stream) as archive:
        entry = _choose_array(source, {info.filename: info for info in archive.infolist()})
        name = f"{source.name}:{entry.filename.removesuffix('.npy')}"
        if entry.file_size > _DEFLATE * entry.compress_size + 1024:
            raise InputError(f"{name} declares {entry.file_size:,} bytes and holds {entry.compress_size:,}, compressed")
        data = archive.read(entry)
    shape, order, dtype, offset = _npy_header(data[:_HEADER], name)
    _check_npy(name, shape, dtype, len(data) - offset)
    with reading(name, "a NumPy array"):
        vectors = _from_bytes(data, shape, order, dtype, offset) if 0 not in shape else np.empty(shape, dtype)
    return Table(settle(vectors, name), None, [], name)


def _choose_array(source: Source, entries: dict[str, zipfile.ZipInfo]) -> zipfile.ZipInfo:
    names = [entry.removesuffix(".npy") for entry in entries if entry.endswith(".npy")]
    if not names:
        raise InputError(f"{source.name} is an archive without arrays; of a spreadsheet, export the sheet as CSV")
    wanted = source.member
    if wanted is None:
        if len(names) > 1:
            raise InputError(
                f"{source.name} holds {len(names)} arrays: {', '.join(names)}; name one, as in {source.name}:{names[0]}"
            )
        wanted = names[0]
    if wanted not in names:
        close = difflib.get_close_matches(wanted, names, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(f"{source.name} holds no array {wanted!r}; {hint}it has {', '.join(names)}")
    return entries[f"{wanted}.npy"]


# ---- .fvecs, .bvecs, .ivecs: each row is its dimension, an int32, and then its coordinates (corpus-texmex.irisa.fr)


def read_fvecs(source: Source) -> Table:
    """Rows of float32."""
    return _read_vecs(source, np.dtype("<f4"))


def read_bvecs(source: Source) -> Table:
    """Rows of uint8."""
    return _read_vecs(source, np.dtype("u1"))


def read_ivecs(source: Source) -> Table:
    """Rows of int32."""
    return _read_vecs(source, np.dtype("<i4"))


def _read_vecs(source: Source, dtype: np.dtype[Any]) -> Table:
    size, name = len(source.data), source.name
    d = int.from_bytes(source.head(4), "little", signed=True)
    row = 4 + d * dtype.itemsize
    if size < 4 or d < 1:
        raise InputError(f"{name} begins with dimension {d}: it is no file of {dtype.name} vectors, or is damaged")
    if size % row:
        raise InputError(
            f"{name} is truncated or of another format: its first vector has {d:,} coordinates, so that a row takes "
            f"{row:,} bytes, and its {size:,} bytes are no multiple of that"
        )
    n = size // row
    # a view with strides: the dimension in front of every row is stepped over, and the rows stay mapped
    raw: Any = source.data if source.path is None else np.memmap(source.path, np.uint8, "r")
    dimensions: NDArray[Any] = np.ndarray((n,), "<i4", raw, 0, (row,))
    other = np.flatnonzero(dimensions != d)
    if len(other):
        raise InputError(
            f"{name} is damaged or of another format: row {other[0] + 1} says it has {dimensions[other[0]]:,} "
            f"coordinates, row 1 has {d:,}"
        )
    vectors: NDArray[Any] = np.ndarray((n, d), dtype, raw, 4, (row, dtype.itemsize))
    return Table(settle(vectors, name), None, [], name)
