"""Files of sentences that are line by line each other's translation."""

from __future__ import annotations

import gzip
import io
import os
from typing import Any

from likewise.errors import InputError, ShapeError
from likewise.files.source import open_source, reading


def read_aligned(
    sources: str | os.PathLike[str], targets: str | os.PathLike[str], *, encoding: str = "utf-8"
) -> tuple[list[str], list[str]]:
    """The sentences of two files that are line by line each other's translation: (sources, targets); ``.gz`` too.

    Lines keep their places; a pair of which one is blank says nothing, and is left out.

    Raises
    ------
    ShapeError
        Where they have different numbers of lines; the message says both.
    InputError
        Where a file is absent or damaged, or is not text in that encoding: the message names the line.
    """
    left, right = read_lines(sources, encoding=encoding), read_lines(targets, encoding=encoding)
    if len(left) != len(right):
        raise ShapeError(
            f"{os.fspath(sources)} has {len(left):,} lines and {os.fspath(targets)} {len(right):,}; line by line they "
            "have to be translations of each other"
        )
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a.strip() and b.strip()]
    if not pairs:
        raise InputError(f"{os.fspath(sources)} and {os.fspath(targets)} have no line that both have text in")
    return [a for a, _ in pairs], [b for _, b in pairs]


def read_lines(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> list[str]:
    """The lines of a text file, or of a ``.gz`` of one, without their ends (``-``: standard input)."""
    source = open_source(path, "sentences")
    data: Any = bytes(source.data)
    if data[:2] == b"\x1f\x8b":
        with reading(source.name, "a gzip file"):
            data = gzip.decompress(data)
    try:
        text = data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{source.name}, line {line}: byte 0x{data[error.start]:02x} is not {encoding}; say which encoding it is "
            "in, as in encoding='latin-1'"
        ) from None
    except LookupError:
        raise InputError(f"encoding={encoding!r} is not known; utf-8, latin-1 and cp1252 are usual") from None
    # not splitlines(): form feeds and Unicode's own separators would end lines in one language and not in the other
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline=None)]
