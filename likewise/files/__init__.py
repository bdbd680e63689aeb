"""Tables of vectors, in and out of files.

:func:`read` takes what vectors are kept in: ``.npy`` and ``.npz``, Parquet, Arrow and Feather, CSV, JSON lines, the
``.fvecs`` family, and ``-`` for standard input. :func:`write` makes most of them. Whatever is wrong with a file ends in
an :class:`~likewise.errors.InputError` that says which file, what was found in it and what to try.
"""

from likewise.files.reading import read
from likewise.files.source import Table
from likewise.files.writing import check_writable, write

__all__ = ["Table", "check_writable", "read", "write"]
