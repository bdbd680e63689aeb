"""The door: whatever holds numbers comes in as rows, and results leave as what came in.

NumPy arrays, nested lists, anything with the buffer, ``__array__`` or DLPack protocol, torch tensors (bfloat16 too).
Nothing is copied that is already contiguous and of a type the engine reads; nothing is cast to something narrower.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.bits import Bits
from likewise.errors import DtypeError, InputError, ShapeError

#: Element types the engine reads as they are.
NATIVE = ("float64", "float32", "float16", "int8", "uint8", "bool")


@dataclass(frozen=True)
class Batch:
    """Rows with leading batch axes: ``array`` is (..., n, d), C-contiguous; ``dtype`` its element type's name.

    bfloat16 lies in a uint16 array. ``vector`` marks a single vector, whose axis the result gives up again.
    """

    array: NDArray[Any]
    dtype: str
    vector: bool
    torch: bool

    @property
    def lead(self) -> tuple[int, ...]:
        """The batch axes before (n, d)."""
        return self.array.shape[:-2]

    @property
    def rows(self) -> int:
        """n."""
        return int(self.array.shape[-2])

    @property
    def d(self) -> int:
        """Coordinates of a vector."""
        return int(self.array.shape[-1])

    def flat(self) -> NDArray[Any]:
        """All rows of all batches, (rows, d)."""
        return self.array.reshape(-1, self.d)


@dataclass(frozen=True)
class BitBatch(Batch):
    """Rows of packed bits: ``array`` is (..., n, ceil(d / 8)) bytes."""

    coordinates: int = 0
    bitorder: str = "big"

    @property
    def d(self) -> int:
        """Bits of a row."""
        return self.coordinates

    def flat(self) -> NDArray[Any]:
        """All rows of all batches, as bytes."""
        return self.array.reshape(-1, self.array.shape[-1])


def _from_torch(tensor: Any) -> tuple[NDArray[Any], str | None]:
    torch = sys.modules["torch"]
    if tensor.layout is not torch.strided:
        raise DtypeError(f"a torch tensor of layout {tensor.layout} cannot be compared; use .to_dense()")
    plain = tensor.detach().cpu().contiguous()
    if plain.dtype == torch.bfloat16:
        return plain.view(torch.int16).numpy().view(np.uint16), "bfloat16"
    return np.asarray(plain.numpy()), None


def _is_torch(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_sparse(value: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    return hasattr(value, "tocsr") and hasattr(value, "nnz")


def _as_numpy(value: Any, name: str) -> tuple[NDArray[Any], str | None]:
    """Any accepted object as a NumPy array, and a type name NumPy lacks."""
    if _is_torch(value):
        return _from_torch(value)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{name} is a masked array with masked entries; fill or drop them first")
    if is_sparse(value):
        raise DtypeError(f"{name} is a sparse matrix of shape {value.shape}; dense rows are compared: use .toarray()")
    if isinstance(value, np.ndarray):
        array = np.asarray(value)
    elif hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        try:
            array = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise DtypeError(f"{name} could not be read through DLPack: {error}") from None
    else:
        try:
            array = np.asarray(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ShapeError(f"{name} is not a regular array of numbers: {error}") from None
    if array.dtype.name == "bfloat16":
        return np.ascontiguousarray(array).view(np.uint16), "bfloat16"
    return array, None


def _native(array: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """An array in a type the engine reads, widened where it must be."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if array.dtype.name in NATIVE:
        return np.asarray(array, array.dtype.newbyteorder("=")), array.dtype.name
    if kind in "iu":
        if size == 8 and array.size:
            largest = max(abs(int(array.min())), abs(int(array.max())))
            if largest > 2**53:
                raise DtypeError(f"{name} holds integers up to {largest}; above 2^53 float64 cannot tell them apart")
        return array.astype(np.float64), "float64"
    if array.size == 0 and kind == "O":
        return array.astype(np.float64), "float64"
    what = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    found = what.get(kind, f"{array.dtype}")
    raise DtypeError(
        f"{name} holds {found} ({array.dtype}); numbers are compared: {', '.join(NATIVE)}, bfloat16, integers"
    )


def read(value: Any, name: str, *, packed: bool = False) -> Batch:
    """Rows from any accepted object; a single vector becomes one row. Bits stay ``packed`` where that is asked for."""
    if value is None:
        raise InputError(f"{name} is None; an array of shape (n, d) is wanted")
    if isinstance(value, Bits):
        if not packed:
            return read(value.unpack(), name)
        rows = np.ascontiguousarray(np.atleast_2d(value.array))
        return BitBatch(rows, "bits", value.array.ndim == 1, False, value.d, value.bitorder)
    array, known = _as_numpy(value, name)
    dtype = known
    if dtype is None:
        array, dtype = _native(array, name)
    if array.ndim == 0:
        raise ShapeError(f"{name} is a single number; an array of shape (n, d) is wanted")
    vector = array.ndim == 1
    if vector:
        array = array[None, :]
    if array.shape[-1] == 0:
        raise ShapeError(f"{name} has shape {array.shape}: its vectors have no coordinates")
    return Batch(np.ascontiguousarray(array), dtype, vector, _is_torch(value))


def to_floating(batch: Batch) -> NDArray[Any]:
    """The array in a floating type of NumPy's that holds its values exactly."""
    if batch.dtype == "bfloat16":
        return (batch.array.astype(np.uint32) << 16).view(np.float32)
    return batch.array if batch.array.dtype.kind == "f" else batch.array.astype(np.float64)


def same_dimension(x: Batch, y: Batch, x_name: str, y_name: str) -> None:
    """Raise, with both shapes, unless the last axes are equal."""
    if x.d != y.d:
        raise ShapeError(
            f"{x_name} has vectors of {x.d} coordinates (shape {_shape(x)}) and {y_name} of {y.d} (shape {_shape(y)}); "
            "the last axes must be equal"
        )


def _shape(batch: Batch) -> tuple[int, ...]:
    shape = (*batch.array.shape[:-1], batch.d)
    return shape[1:] if batch.vector else shape


def broadcast_lead(x: Batch, y: Batch, x_name: str, y_name: str) -> tuple[int, ...]:
    """The leading axes of both, broadcast from the right as in ``matmul``."""
    try:
        return np.broadcast_shapes(x.lead, y.lead)
    except ValueError:
        raise ShapeError(
            f"the leading axes of {x_name} (shape {_shape(x)}) and {y_name} (shape {_shape(y)}) do not broadcast"
        ) from None


def same_rows(x: Batch, y: Batch) -> tuple[int, ...]:
    """The shape (..., n) of x and y compared row by row; raises unless all axes broadcast."""
    same_dimension(x, y, "x", "y")
    try:
        return np.broadcast_shapes(x.array.shape[:-1], y.array.shape[:-1])
    except ValueError:
        raise ShapeError(
            f"x has shape {_shape(x)} and y {_shape(y)}; row by row they must be as many, or one of them a single row"
        ) from None


def give(array: NDArray[Any], *inputs: Batch) -> Any:
    """A result in the caller's kind: a torch tensor if any input was one."""
    if any(batch.torch for batch in inputs):
        return sys.modules["torch"].from_numpy(np.ascontiguousarray(array))
    return array


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def parse_memory(value: Any) -> int | None:
    """``memory_limit=`` in bytes: a number, or text such as "500MB" or "2GiB"."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip().lower().removesuffix("b")
        unit = text.lstrip("0123456789._ ")
        try:
            amount = float(text[: len(text) - len(unit)])
            size = amount * _UNITS[unit]
        except (ValueError, KeyError):
            raise InputError(
                f"memory_limit={value!r} is not a size; write bytes, or text such as '500MB' or '2GiB'"
            ) from None
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"memory_limit={value!r} is not a size; write bytes, or text such as '500MB' or '2GiB'")
    else:
        size = int(value)
    if not 0 < size < float("inf"):
        raise InputError(f"memory_limit={value!r} is not positive")
    return max(int(size), 1)


def row_weights(given: Any, n: int, name: str) -> NDArray[np.float64]:
    """What each of n rows weighs: a number for all, or one a row; finite, none negative, not all 0. A copy."""
    try:
        weights = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from None
    if weights.ndim == 0:
        weights = np.full(n, weights)
    if weights.shape != (n,):
        raise InputError(f"{name} has shape {weights.shape}; one weight a row is wanted: ({n},)")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError(f"{name} has NaN, infinite or negative numbers; a row weighs 0 or more")
    if n and not weights.any():
        raise InputError(f"{name} is zero for every row; at least one has to weigh something")
    return weights
