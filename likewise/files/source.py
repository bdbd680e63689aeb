"""What is read: a file mapped into memory, or the bytes of standard input. And what comes out: a table of vectors."""

from __future__ import annotations

import codecs
import difflib
import io
import mmap
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from likewise.errors import InputError, LikewiseError


@dataclass(frozen=True)
class Table:
    """Vectors read from a file.

    Attributes
    ----------
    vectors : ndarray of shape (n, d)
        In the file's own element type where that is bool, int8, uint8, float16, float32 or float64; other integers are
        widened to the smallest float that holds each of them exactly. A ``.npy`` file stays mapped, not loaded.
    ids : list of str or None
        What each row is called, where an id column was named.
    columns : list of str
        The columns that the vectors were made of, in order; one name for a column of lists; empty for a file without
        names.
    source : str
        Where they came from, for messages.
    """

    vectors: NDArray[Any]
    ids: list[str] | None
    columns: list[str]
    source: str


@dataclass(frozen=True)
class Source:
    """Bytes to read, and what to call them in messages.

    ``path`` is set for regular files only: what can be mapped once more. ``member`` is the array of ``file.npz:array``.
    """

    name: str
    data: bytes | mmap.mmap
    path: Path | None = None
    member: str | None = None

    def head(self, length: int = 4096) -> bytes:
        """The first bytes."""
        return bytes(self.data[:length])

    def stream(self) -> BinaryIO:
        """A file object over the bytes; a mapped file is not copied for it."""
        return io.BytesIO(self.data) if self.path is None else open(self.path, "rb")


def open_source(path: str | os.PathLike[str], what: str = "vectors") -> Source:
    """The bytes behind a path, ``-`` (standard input) or ``file.npz:array``; ``what`` is missing from an empty one."""
    text = os.fspath(path)
    if text == "-":
        name, source = "standard input", Source("standard input", _standard_input())
    else:
        name, member = _split_member(text)
        data = _file_bytes(name)
        source = Source(name, data, Path(name) if isinstance(data, mmap.mmap) else None, member)
    if len(source.data) == 0:
        raise InputError(f"{name} is empty: there are no {what} in it")
    return source


def _standard_input() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError("there is no standard input to read; name a file in place of -")
    return bytes(stream.read())


def _split_member(text: str) -> tuple[str, str | None]:
    """``file.npz:array`` -> file and array; a file that has a colon in its own name is left alone."""
    at = text.lower().find(".npz:")
    if at < 0 or os.path.exists(text):
        return text, None
    return text[: at + 4], text[at + 5 :]


def _file_bytes(name: str) -> bytes | mmap.mmap:
    if os.path.isdir(name):
        raise InputError(f"{name} is a folder; name a file in it")
    try:
        with open(name, "rb") as handle:
            info = os.fstat(handle.fileno())
            if stat.S_ISREG(info.st_mode) and info.st_size:
                return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            return handle.read()  # a pipe, or a file of the system that does not know its size
    except FileNotFoundError:
        raise InputError(f"there is no file {name!r}{_near(Path(name))}") from None
    except OSError as error:
        raise InputError(f"{name} cannot be opened: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{name!r} cannot be opened: {error}") from None


def _near(path: Path) -> str:
    try:
        there = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, there, n=1, cutoff=0.8)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""


def decoded(name: str, data: bytes, encoding: str | None = None) -> str:
    r"""Bytes as text: in the encoding named, that of a byte order mark, or UTF-8; InputError with the line that is not.

    >>> decoded("x.txt", "naïve".encode("utf-16")), decoded("x.txt", b"na\xefve", "latin-1")
    ('naïve', 'naïve')
    """
    if encoding is None:
        utf32 = data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-32" if utf32 else "utf-16" if utf16 else "utf-8"
    try:
        return data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except LookupError:
        raise InputError(f"{encoding!r} is no encoding; try utf-8, cp1252, latin-1 or utf-16") from None
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        line = data.count(b"\n", 0, at) + 1
        found = f"byte 0x{data[at]:02x}" if at < len(data) else "the end"
        other = "cp1252" if encoding.lower().startswith("utf") else "utf-8"
        raise InputError(
            f"{name}, line {line}: {found} is not {encoding.upper()}; name the file's encoding, "
            f"as in encoding={other!r}"
        ) from None


def arrow_bytes(source: Source) -> Any:
    """A reader of the bytes for pyarrow's parallel parsers, in memory that Python does not own.

    Their threads may let go of it as late as when the interpreter ends, and letting go of a Python object then aborts
    the process: 1 in 50 runs of a command that failed just after reading ended in SIGABRT.
    """
    import pyarrow as pa

    if source.path is not None:
        return pa.BufferReader(pa.memory_map(str(source.path)).read_buffer())
    copy = pa.BufferOutputStream()
    copy.write(source.data)
    return pa.BufferReader(copy.getvalue())


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Whatever a parser raises becomes an InputError that names the file.

    Parsers fail on damaged bytes in more ways than they document (struct.error, zlib.error, KeyError, OverflowError,
    ArrowInvalid, MemoryError for a size nobody has), so everything is caught here, and only around a parser.
    """
    try:
        yield
    except LikewiseError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
        raise InputError(
            f"{name} cannot be read as {kind}: {said}; it may be truncated, damaged or of another format"
        ) from None


def rows_text(rows: Sequence[int], most: int = 10) -> str:
    """1-based row numbers for a message: "rows 3, 17, 20 and 5 more"."""
    shown = ", ".join(str(row) for row in rows[:most])
    rest = len(rows) - most
    return f"row{'s' * (len(rows) > 1)} {shown}" + (f" and {rest} more" if rest > 0 else "")
