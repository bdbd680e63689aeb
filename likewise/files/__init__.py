"""Tables in and out of files: vectors, records, and what is kept between runs.

:func:`read` takes what vectors are kept in: ``.npy`` and ``.npz``, Parquet, Arrow and Feather, CSV, JSON lines, the
``.fvecs`` family, and ``-`` for standard input. :func:`write` makes most of them. :func:`records` takes rows of named
columns, from files and from frames; :func:`save_archive` and :func:`load_archive` keep arrays between runs, without
pickle. Whatever is wrong with a file ends in an :class:`~likewise.errors.InputError` that says which file, what was
found in it and what to try.
"""

from likewise.files.archive import kind_of_archive, load_archive, save_archive
from likewise.files.reading import read
from likewise.files.records import Records, records
from likewise.files.source import Table
from likewise.files.writing import check_writable, write

__all__ = [
    "Records",
    "Table",
    "check_writable",
    "kind_of_archive",
    "load_archive",
    "read",
    "records",
    "save_archive",
    "write",
]
