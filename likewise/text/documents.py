"""Documents as people have them, and the passages they are cut into.

:func:`read_documents` takes tables (:func:`likewise.files.records`), folders of text files, zips of either, and lists
of strings. :func:`cut_passages` cuts what is long into overlapping passages that begin and end with a sentence.
"""

from __future__ import annotations

import difflib
import gzip
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files import Records, records
from likewise.files.source import decoded

Id = str | int

_IDS = ("_id", "id", "doc_id", "document_id", "docno", "pid", "uid", "key", "url")
_TITLES = ("title", "headline", "heading", "subject", "name")
_TEXTS = (
    "text",
    "abstract",
    "body",
    "content",
    "contents",
    "passage",
    "document",
    "description",
    "sentence",
    "caption",
)
_PLAIN = (".txt", ".md")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".arrow", ".feather", ".ipc")


@dataclass(frozen=True)
class Documents:
    """Documents: what each is called, its title (or ""), and its text (or "").

    Examples
    --------
    >>> documents = read_documents(["A man rides a bike.", "A dog sleeps."])
    >>> len(documents), documents.ids, documents.texts[1]
    (2, [0, 1], 'A dog sleeps.')
    """

    ids: list[Id]
    titles: list[str]
    texts: list[str]
    source: str

    def __len__(self) -> int:
        return len(self.ids)

    def whole(self, place: int) -> str:
        """Title and text of one document, as one string."""
        return " ".join(part for part in (self.titles[place], self.texts[place]) if part)

    def places(self, ids: Iterable[Any]) -> NDArray[np.int64]:
        """The numbers of some documents by their ids; InputError with the nearest id where one is unknown."""
        known = {name: place for place, name in enumerate(self.ids)}
        found = []
        for name in ids:
            name = name.item() if isinstance(name, np.generic) else name
            if name not in known:
                close = difflib.get_close_matches(str(name), map(str, self.ids), n=1)
                other = {str(key): key for key in known}.get(str(name))
                nearest = other if other is not None else next(iter(close), None)
                near = "" if nearest is None else f"; did you mean {nearest!r}?"
                raise InputError(f"{self.source} has no document {name!r}{near}")
            found.append(known[name])
        return np.array(found, np.int64)


# ---- reading


def read_documents(
    source: Any,
    *,
    id: str | None = None,
    title: str | None = None,
    text: str | Sequence[str] | None = None,
    encoding: str | None = None,
) -> Documents:
    """Documents from a table, a folder, a zip or a list.

    Parameters
    ----------
    source : path-like, list of str, frame, columns, or Documents
        A table as :func:`likewise.files.records` reads it (CSV, JSON lines, Parquet, a frame...), also compressed as
        ``.gz``; a folder of ``.txt`` and ``.md`` files, searched with all folders in it, or one such file; a ``.zip``
        of one table or of text files (``file.zip:member`` where it holds several tables); or strings, as a list, an
        iterator, an array or one column of a frame.
    id, title : str, optional
        Columns that name a document and give its title. Default: the usual names (``_id``, ``id``, ``doc_id``...,
        ``title``, ``headline``...). Without an id, documents are numbered from 0; a file's is its path.
    text : str or sequence of str, optional
        The column of the text, or several, joined. Default: the usual names (``text``, ``abstract``, ``body``...). A
        column of lists of strings is joined by spaces.
    encoding : str, optional
        Of text files and text tables. Default: UTF-8, or UTF-16 where a file begins with its mark.

    Returns
    -------
    Documents
        Ids are int where the column holds whole numbers, else str.

    Raises
    ------
    InputError
        Where there are no documents; where no column can be the text; where two documents have one id, or one has none;
        where a file is not in the encoding (with the line).
    """
    if isinstance(source, Documents):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if os.path.isdir(path):
            return _from_files(path, _folder(Path(path), encoding))
        if member := re.match(r"(.*\.zip)(?::(.*))?$", path, re.IGNORECASE | re.DOTALL):
            return _from_zip(member[1], member[2], (id, title, text), encoding)
        if path.lower().endswith(_PLAIN):
            return _from_files(path, [(Path(path).name, decoded(path, _bytes(Path(path)), encoding))])
        if path.lower().endswith(".gz"):
            data = _unzipped(path)
            return _from_table(_table(data, Path(path).stem, path, encoding), (id, title, text))
        return _from_table(records(path, encoding=encoding), (id, title, text))
    if isinstance(source, (list, tuple)) and all(isinstance(entry, str) for entry in source):
        return _made(list(range(len(source))), [""] * len(source), [_clean(entry) for entry in source], "the list")
    if isinstance(source, np.ndarray) and source.dtype.kind in "UO" and source.ndim == 1:
        return read_documents(source.tolist())
    if isinstance(source, Iterator) or _is_series(source):
        return read_documents(list(source), id=id, title=title, text=text, encoding=encoding)
    if isinstance(source, (list, tuple)) and not all(hasattr(entry, "keys") for entry in source):
        place = next(n for n, entry in enumerate(source) if not isinstance(entry, str))
        entry = source[place]
        found = "nothing" if entry is None or entry != entry else type(entry).__name__  # NaN, as some frames have it
        raise InputError(f"the list has {found} at {place}; strings are wanted, or dictionaries")
    return _from_table(records(source, encoding=encoding), (id, title, text))


def _is_series(source: Any) -> bool:
    """Whether it is one column of a frame, of pandas or polars."""
    return getattr(source, "ndim", len(getattr(source, "shape", ()))) == 1 and hasattr(source, "to_frame")


def _made(ids: list[Any], titles: list[str], texts: list[str], source: str) -> Documents:
    if not ids:
        raise InputError(f"{source} holds no documents")
    if not any(texts) and not any(titles):
        raise InputError(f"all {len(ids):,} documents of {source} are empty")
    return Documents(ids, titles, texts, source)


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").strip().removeprefix("\ufeff")


def _from_table(table: Records, names: tuple[str | None, str | None, str | Sequence[str] | None]) -> Documents:
    id, title, text = names
    if text is None:
        text = table.first_of(_TEXTS) or table.first_of(_TITLES)  # titles alone are documents too
        if text is None:
            raise InputError(
                f"{table.source} has the columns {', '.join(table.names)}; "
                f"say which is the text, as in text={table.names[-1]!r}"
            )
    columns = [text] if isinstance(text, str) else list(text)
    if title is None:
        title = table.first_of(_TITLES)
        title = None if title in columns else title
    if id is None:
        id = table.first_of(_IDS)
    ids = list(range(len(table))) if id is None else _ids(table, id)
    titles = [""] * len(table) if title is None else _strings(table, title)
    parts = zip(*(_strings(table, name) for name in columns), strict=True)
    texts = [" ".join(part for part in row if part) for row in parts]
    return _made(ids, titles, texts, table.source)


def _strings(table: Records, name: str) -> list[str]:
    """A column as strings: missing values empty, lists joined."""
    values = table.column(name)
    if values.dtype.kind == "O" and any(isinstance(value, (list, tuple)) for value in values):
        return [
            _clean(" ".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value or ""))
            for value in values
        ]
    return [_clean(value or "") for value in table.text(name)]


def _ids(table: Records, name: str) -> list[Id]:
    values = table.column(name)
    if (absent := table.missing(name)).any():
        rows = (np.flatnonzero(absent) + 1).tolist()
        raise InputError(f"{table.source}: no {name} in row {rows[0]}; {len(rows)} in all. Name them, or another id=")
    if values.dtype.kind == "f" and (values == np.floor(values)).all():
        values = values.astype(np.int64)
    ids: list[Id] = values.tolist() if values.dtype.kind == "i" else [str(value) for value in table.text(name)]
    if len(set(ids)) < len(ids):
        first: dict[Id, int] = {}
        for row, value in enumerate(ids, 1):
            if value in first:
                raise InputError(
                    f"{table.source}: two documents are called {value!r}, in rows {first[value]} and {row}; "
                    f"{len(ids) - len(set(ids))} in all. An id names one document"
                )
            first[value] = row
    return ids


# ---- files of text


def _folder(folder: Path, encoding: str | None) -> Iterator[tuple[str, str]]:
    """(path in the folder, text) of all text files, by path."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PLAIN and path.is_file())
    for path in files:
        yield path.relative_to(folder).as_posix(), decoded(str(path), _bytes(path), encoding)


def _from_files(source: str, found: Iterable[tuple[str, str]]) -> Documents:
    pairs = list(found)
    if not pairs:
        raise InputError(f"{source} holds no {' or '.join(_PLAIN)} files")
    return _made([name for name, _ in pairs], [""] * len(pairs), [_clean(text) for _, text in pairs], source)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


# ---- zips


def _from_zip(path: str, member: str | None, names: tuple[Any, Any, Any], encoding: str | None) -> Documents:
    """The one table of a zip, the member that is named, or else its text files."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path!r}") from None
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read as a zip: {error}") from None
    with archive:
        inside = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if member is not None and member not in inside:
            raise InputError(f"{path} holds no {member!r}; it holds {', '.join(inside[:8])}")
        tables = [name for name in inside if name.lower().endswith(_TABLES)]
        plain = sorted(name for name in inside if name.lower().endswith(_PLAIN))
        if member is None and len(tables) == 1:
            member = tables[0]
        if member is None and tables:
            raise InputError(f"{path} holds {len(tables)} tables; name one, as in {path}:{tables[0]}")
        try:
            if member is not None and not member.lower().endswith(_PLAIN):
                table = _table(archive.read(member), member, f"{path}:{member}", encoding)
                return _from_table(table, names)
            chosen = plain if member is None else [member]
            found = [(name, decoded(f"{path}:{name}", archive.read(name), encoding)) for name in chosen]
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise InputError(f"{path} is damaged or locked: {error}") from None
    return _from_files(path, found)


def _unzipped(path: str) -> bytes:
    try:
        return gzip.decompress(_bytes(Path(path)))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read as gzip: {error}") from None


def _table(data: bytes, name: str, source: str, encoding: str | None) -> Records:
    """Bytes of a compressed table, by way of a file of its own name."""
    with tempfile.TemporaryDirectory(prefix="likewise-") as folder:
        path = Path(folder) / (PurePosixPath(name).name or "table")
        path.write_bytes(data)
        try:
            found = records(path, encoding=encoding)
        except InputError as error:
            raise type(error)(str(error).replace(str(path), source)) from None
        return Records(found.columns, source)


# ---- passages

# A sentence ends with . ! or ? (and what closes), then a space; or with an empty line. Full stops of abbreviations and
# of single initials do not end one.
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’）]*|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|St|vs|cf|etc|al|Fig|Figs|Eq|No|vol|pp|ca|approx|i\.e|e\.g|Inc|Ltd|Jr|Sr))\.$"
)
_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(r"\S+")


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end.

    >>> text = "Dr. Who sleeps. He snores! Why?"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Dr. Who sleeps.', 'He snores!', 'Why?']
    """
    found, start = [], 0
    for match in _END.finditer(text):
        end = match.end()
        if match[0][0] == "." and _ABBREVIATION.search(text, start, match.start() + 1):
            continue
        found.append((start, end))
        start = end
    found.append((start, len(text)))
    return [span for span in (_trimmed(text, a, b) for a, b in found) if span[0] < span[1]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))


@dataclass(frozen=True)
class Passages:
    """Parts of documents: ``texts`` of document ``document[i]`` from character ``start[i]`` to ``end[i]``."""

    document: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.document)

    def text(self, documents: Documents, place: int) -> str:
        """The passage as it is written."""
        text: str = documents.texts[self.document[place]]
        return text[self.start[place] : self.end[place]]

    def whole(self, documents: Documents, place: int) -> str:
        """The passage with its document's title in front: what is embedded and indexed."""
        return " ".join(part for part in (documents.titles[self.document[place]], self.text(documents, place)) if part)


def cut_passages(documents: Documents, size: int | None = 200, overlap: int = 40) -> Passages:
    """Cut documents into passages of at most ``size`` words.

    A passage holds whole sentences, and begins with those of the one before it that together have at most ``overlap``
    words. A sentence longer than ``size`` words is cut between words. Every word is in a passage; a document without a
    text has one, of its title; one without either has none.

    Parameters
    ----------
    documents : Documents
    size : int or None
        None leaves documents whole.
    overlap : int
        Less than ``size``.

    Examples
    --------
    >>> documents = read_documents(["One two three. Four five. Six seven eight. Nine."])
    >>> passages = cut_passages(documents, size=5, overlap=2)
    >>> [passages.text(documents, i) for i in range(len(passages))]
    ['One two three. Four five.', 'Four five. Six seven eight.', 'Nine.']
    """
    if size is not None and (size < 1 or not 0 <= overlap < size):
        raise InputError(f"passages of size={size} words with overlap={overlap}; 0 <= overlap < size is wanted")
    found = []
    for place, text in enumerate(documents.texts):
        if not text and not documents.titles[place]:
            continue
        found += [(place, a, b) for a, b in (_cut(text, size, overlap) if size is not None else [(0, len(text))])]
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return Passages(*(np.ascontiguousarray(column) for column in columns))


def _cut(text: str, size: int, overlap: int) -> list[tuple[int, int]]:
    """Where the passages of one text begin and end."""
    units = [unit for start, end in sentences(text) for unit in _units(text, start, end, size)]
    if not units:
        return [(0, len(text))]
    passages, first, count = [], 0, 0
    for place, (_, _, length) in enumerate(units):
        if place > first and count + length > size:
            passages.append((units[first][0], units[place - 1][1]))
            first, count = place, 0
            while first > 0 and count + units[first - 1][2] <= min(overlap, size - length):
                first -= 1
                count += units[first][2]
        count += length
    passages.append((units[first][0], units[-1][1]))
    return passages


def _units(text: str, start: int, end: int, size: int) -> list[tuple[int, int, int]]:
    """(start, end, words) of a sentence, or of its parts where it is too long."""
    spans = [match.span() for match in _TOKEN.finditer(text, start, end)]
    parts = [spans[first : first + size] for first in range(0, len(spans), size)]
    return [(part[0][0], part[-1][1], len(part)) for part in parts]
