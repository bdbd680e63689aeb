"""Which format a file has, and who reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from likewise.errors import InputError
from likewise.files import binary, tables, text
from likewise.files.columns import Wanted
from likewise.files.source import Source, Table, open_source

#: A choice of columns: names and ranges a:d in one text, or a list of them.
Columns = str | Sequence[str]

#: Formats that know no column names, and those that do.
NAMELESS: dict[str, Callable[[Source], Table]] = {
    "npy": binary.read_npy,
    "npz": binary.read_npz,
    "fvecs": binary.read_fvecs,
    "bvecs": binary.read_bvecs,
    "ivecs": binary.read_ivecs,
}
NAMED: dict[str, Callable[[Source, Wanted], Table]] = {
    "parquet": tables.read_parquet,
    "arrow": tables.read_arrow,
    "csv": text.read_csv,
    "jsonl": text.read_jsonl,
}
EXTENSIONS = {f".{kind}": kind for kind in (*NAMELESS, *NAMED)} | {
    ".pq": "parquet",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".tsv": "csv",
    ".ndjson": "jsonl",
}
MAGIC = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # an archive of nothing
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # the stream form of it
}
#: Known on sight, and not read.
REFUSED = {
    b"FEA1": "is Feather version 1; write it again with pyarrow.feather.write_feather",
    b"PARE": "is encrypted Parquet; decrypt it first",
    b"\x1f\x8b": "is compressed by gzip; try: gunzip -c FILE | likewise ... -",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; try: zstd -dc FILE | likewise ... -",
    b"BZh": "is compressed by bzip2; try: bunzip2 -c FILE | likewise ... -",
    b"\xfd7zXZ": "is compressed by xz; try: xz -dc FILE | likewise ... -",
    b"\x89HDF": "is HDF5; export the array with numpy.save",
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8",
}


def read(
    path: str | os.PathLike[str],
    *,
    columns: Columns | None = None,
    id: str | None = None,
    strict: bool = True,
    gaps: bool = False,
) -> Table:
    """Vectors from a file.

    The format goes by the file's extension, else by its first bytes. Of a file with named columns the vectors are its
    one column of lists of numbers, or else all its numeric columns.

    Parameters
    ----------
    path : path-like
        ``.npy``, ``.npz`` (``file.npz:array`` where it holds several), ``.parquet``, ``.arrow`` or ``.feather``,
        ``.csv`` or ``.tsv`` with a header, ``.jsonl``, ``.fvecs``, ``.bvecs``, ``.ivecs``; ``-`` is standard input.
    columns : str or sequence of str, optional
        Which columns: ``"a,b,c"``, ranges such as ``"a:d"`` in the file's order, or a list of those.
    id : str, optional
        The column that names the rows; it is then not part of the vectors.
    strict : bool, default True
        Whether ``columns`` for a file that has no names, or an ``id`` column that is not there, is an error. If not, it
        is passed over.
    gaps : bool, default False
        Whether values may be missing: numbers, and whole vectors, are then NaN, and names "".

    Returns
    -------
    Table

    Raises
    ------
    InputError
        Where the file is absent, empty, truncated, damaged or of an unknown format; where it declares more than it
        holds; where a chosen column is absent, not numeric or has missing values (but see ``gaps``), with the row
        numbers.
    MissingExtraError
        Where pyarrow is needed and not installed.

    Examples
    --------
    >>> table = read("films.csv", columns="action:intellect", id="title")  # doctest: +SKIP
    >>> table.vectors.shape, table.ids[0]  # doctest: +SKIP
    ((866, 10), '10 Things I Hate About You')
    """
    source = open_source(path)
    kind = kind_of(source)
    if kind in NAMED:
        return NAMED[kind](source, Wanted(columns, id, strict, gaps))
    for option, value in (("columns", columns), ("id", id)):
        if value is not None and strict:
            raise InputError(f"{source.name} has no column names, so {option}={value!r} cannot be found in it")
    return NAMELESS[kind](source)


def kind_of(source: Source) -> str:
    """The format of a source: a key of NAMELESS or NAMED."""
    named = EXTENSIONS.get(Path(source.name).suffix.lower()) if source.path else None
    if named in ("fvecs", "bvecs", "ivecs"):
        return named  # no first bytes of its own: they are a number
    found = _by_first_bytes(source)
    if named and found and named != found:
        raise InputError(f"{source.name} is named as {named} but holds {found}; give it the extension of its format")
    return named or found or _text_kind(source)


def _by_first_bytes(source: Source) -> str | None:
    head = source.head()
    if not any(byte < 9 or byte >= 0xF8 for byte in head):  # neither occurs in UTF-8 text
        return None  # so that a CSV whose first column is called PAR1 is a CSV
    for magic, why in REFUSED.items():
        if head.startswith(magic):
            raise InputError(f"{source.name} {why}")
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def _text_kind(source: Source) -> str:
    head = source.head()
    if any(byte < 9 for byte in head):
        raise InputError(
            f"{source.name} is of no known format: it begins with {head[:8]!r}; "
            f"read are {', '.join(EXTENSIONS)} and the same on standard input but for fvecs, bvecs and ivecs"
        )
    return "jsonl" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{") else "csv"
