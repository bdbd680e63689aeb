"""What is known of items, as vectors whose coordinates have names.

A table has columns of several kinds, and each becomes a *block* of coordinates:

    numbers       (x - mean) / deviation; a missing one is the mean, 0
    categories    one coordinate a value, 1 where the item has it
    lists         the same for several values an item, each 1 / sqrt(how many it has): the block's row has length 1
    text          words, by TF-IDF, rows of length 1
    tags          another table (item, tag): TF-IDF of the tags, rows of length 1

So in no block does an item weigh more for having more genres, words or tags. A block's weight multiplies its rows:
with weight 2 it counts as much as four of weight 1 in a dot product, since both sides are multiplied.

TF-IDF is count * (ln((1 + n) / (1 + df)) + 1), n items of which df have the word (scikit-learn's smooth form).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import BadRowsError, InputError
from likewise.files.records import Records, records
from likewise.recommend.blocks import Block, Maker, Vectors, Words, is_missing
from likewise.recommend.ids import as_ids

#: Titles go by these names, and ids by those, whatever their case and underscores.
TITLES = ("title", "name")
IDS = (
    *("item", "itemId", "id", "movieId", "productId", "product", "bookId", "articleId", "trackId", "songId"),
    *("artistId", "sku", "isbn", "asin", "iid"),
)
TAGS = ("tag", "tags", "label", "keyword")

_YEAR = re.compile(r"\((\d{4})(?:\s*[-–]\s*\d{0,4})?\)\s*$")
_FEW = 0.5  # a text column is of categories if it has at most half as many values as items that have one


@dataclass(frozen=True)
class Attributes:
    """Items and their vectors: ``ids`` (n,), ``vectors`` (n, d) float32, ``names`` of the d coordinates, ``titles``.

    ``ids`` are int64 or an object array of str, each once; ``titles`` an object array of str, or None.

    Examples
    --------
    >>> films = {"id": [1, 2, 3], "title": ["Heat", "Alien", "Ran"], "genres": ["crime|drama", "horror", "drama"]}
    >>> items = Attributes.read(films)
    >>> items.names
    ['genres=drama', 'genres=crime', 'genres=horror']
    >>> items.vectors
    array([[0.71, 0.71, 0.  ], [0.  , 0.  , 1.  ], [1.  , 0.  , 0.  ]], dtype=float32)
    >>> items.ids, items.titles
    (array([1, 2, 3]), array(['Heat', 'Alien', 'Ran'], dtype=object))
    """

    ids: NDArray[Any]
    vectors: Vectors
    names: list[str]
    titles: NDArray[Any] | None = None
    blocks: tuple[Block, ...] = ()
    columns: Mapping[str, NDArray[Any]] | None = None  # the table that was read, for filters
    source: str = "the attributes"

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.shape != (len(self.ids), len(self.names)):
            raise InputError(
                f"{self.source}: {len(self.ids):,} ids, {len(self.names):,} names and vectors of shape "
                f"{self.vectors.shape} do not fit; vectors have a row for each id and a column for each name"
            )
        _check_ids(self.ids, self.source)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        id: str | None = None,
        title: str | None = None,
        numbers: Sequence[str] | None = None,
        categories: Sequence[str] | None = None,
        lists: Sequence[str] | None = None,
        text: Sequence[str] | None = None,
        tags: Any = None,
        years: bool = False,
        weights: Mapping[str, float] | None = None,
        separator: str = "|",
        max_words: int = 512,
        encoding: str | None = None,
    ) -> Attributes:
        """A table with a row for each item.

        Parameters
        ----------
        source : path, frame, dict of columns, list of dicts, ...
            Whatever :func:`likewise.files.records.records` reads.
        id, title : str, optional
            Columns. Default: the usual names (item, itemId, movieId, id, ...; title, name).
        numbers, categories, lists, text : sequences of str, optional
            Which columns make which blocks: with any of these given, the others make none. Default: numeric columns are
            numbers; text with the separator in it, and lists, are lists; text of which at most half the values differ
            is a category. Other text, and titles, make no block unless asked for.
        tags : a table (item, tag), optional
            Its other columns are not read. Rows of items that are not in ``source`` do not count.
        years : bool
            Take the year out of titles that end in one, as in "Heat (1995)", as a number; ``titles`` stay as they are.
        weights : dict, optional
            Block -> weight: columns' names, ``"tags"`` and ``"year"``. Default: 1 each; 0 leaves it out.
        separator : str
            Between the values of a list that is text.
        max_words : int
            Coordinates that one block of categories, lists, words or tags may have: those that most items have.
            The vectors take 4 bytes * items * coordinates.

        Raises
        ------
        InputError
            An id that is there twice or missing; a column that does not exist, or is no number.
        """
        table = records(source, encoding=encoding)
        key = _column(table, id, IDS, "id=", "the item ids")
        ids = _ids(table, key)
        name = title if title is not None else table.first_of(TITLES)
        titles = None if name is None else table.text(name)
        chosen = _kinds(table, {key, name}, separator, numbers, categories, lists, text)
        maker = Maker(len(ids), dict(weights or {}), max_words, table.source)
        for column, kind in chosen.items():
            maker.add_column(table, column, kind, separator)
        if years:
            if titles is None:
                raise InputError(f"{table.source}: years=True takes years out of titles, and there is no title column")
            maker.add_numbers("year", np.array([_year_of(one) for one in titles]))
        if tags is not None:
            maker.add_words("tags", "tags", _tags_of(records(tags, encoding=encoding), key, ids), tfidf=True)
        vectors, names, blocks = maker.done()
        return cls(ids, vectors, names, titles, blocks, dict(table.columns), table.source)

    @classmethod
    def of(cls, ids: Any, vectors: Any, *, names: Sequence[str] | None = None, titles: Any = None) -> Attributes:
        """Vectors that are there already, as embeddings of descriptions are.

        Parameters
        ----------
        ids : array_like of shape (n,)
            Whole numbers or text, each once.
        vectors : array_like of shape (n, d)
            Finite; kept as float32.
        names : sequence of d str, optional
            What the coordinates mean. Default: "coordinate 0", ...
        titles : sequence of n str, optional

        Examples
        --------
        >>> Attributes.of(["a", "b"], [[1, 0], [0.5, 2]]).names
        ['coordinate 0', 'coordinate 1']
        """
        rows = np.asarray(vectors)
        if rows.ndim != 2 or rows.dtype.kind not in "biuf":
            raise InputError(
                f"vectors of shape {rows.shape} and type {rows.dtype}: a table (n, d) of numbers is wanted"
            )
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            raise BadRowsError(
                f"vectors: {len(bad):,} of {len(rows):,} rows hold NaN or infinities, the first {_some(bad)}; "
                "leave these items out",
                bad.tolist(),
            )
        called = list(names) if names is not None else [f"coordinate {j}" for j in range(rows.shape[1])]
        heads = None if titles is None else as_ids(titles, "title").astype(object)
        if heads is not None and len(heads) != len(rows):
            raise InputError(f"{len(heads):,} titles and {len(rows):,} vectors; one title for each is wanted")
        return cls(as_ids(ids, "item"), np.ascontiguousarray(rows, np.float32), called, heads)

    def rows_of(self, ids: Any) -> NDArray[np.int64]:
        """The row of each id, -1 where it is not there."""
        return rows_of(self.ids, as_ids(ids, "item"))

    def title_of(self, id: Any) -> str:
        """The title of an id, or the id itself as text where there is none."""
        row = int(self.rows_of([id])[0])
        return str(id) if self.titles is None or row < 0 else str(self.titles[row])


# ---- ids


def rows_of(known: NDArray[Any], asked: NDArray[Any]) -> NDArray[np.int64]:
    """Where each of ``asked`` is among ``known``; -1 where it is not."""
    place = {one: row for row, one in enumerate(known.tolist())}
    return np.array([place.get(one, -1) for one in asked.tolist()], np.int64)


def _check_ids(ids: NDArray[Any], source: str) -> None:
    values = ids.tolist()
    if len(set(values)) < len(values):
        seen: dict[Any, int] = {}
        for row, value in enumerate(values):
            if value in seen:
                raise InputError(
                    f"{source}: the id {value!r} is there twice, in rows {seen[value] + 1} and {row + 1}; "
                    "an item has one row"
                )
            seen[value] = row


def _ids(table: Records, key: str) -> NDArray[Any]:
    column, bad = table.column(key), table.missing(key)
    if column.dtype.kind == "f":  # whole numbers with gaps are read so
        bad |= column != np.trunc(column)
    elif column.dtype == object:
        bad |= np.array([value == "" for value in column.tolist()], bool)
    if bad.any():
        _no_id(table, key, np.flatnonzero(bad))
    return as_ids(column, "item")


def _no_id(table: Records, key: str, rows: NDArray[np.int64]) -> None:
    raise BadRowsError(
        f"{table.source}: {len(rows):,} rows have no usable id in the column {key!r}, the first {_some(rows + 1)}; "
        "leave them out or give them one",
        rows.tolist(),
    )


def _some(rows: NDArray[np.int64], most: int = 5) -> str:
    text = ", ".join(str(row) for row in rows[:most].tolist())
    return f"{text}, ..." if len(rows) > most else text


def _column(table: Records, given: str | None, usual: Sequence[str], option: str, what: str) -> str:
    """The name of a column: as given, or one of the usual ones."""
    if given is not None:
        table.column(given)  # says which there are, where this one is not
        return given
    found = table.first_of(usual)
    if found is None:
        raise InputError(
            f"{table.source} has no column that is known to hold {what}; say which with {option}: "
            f"it has {', '.join(list(table.columns)[:30])}"
        )
    return found


# ---- which column makes what


def _kinds(
    table: Records,
    taken: set[str | None],
    separator: str,
    numbers: Sequence[str] | None,
    categories: Sequence[str] | None,
    lists: Sequence[str] | None,
    text: Sequence[str] | None,
) -> dict[str, str]:
    """Column -> kind, in the order of the table."""
    given = {"numbers": numbers, "categories": categories, "lists": lists, "text": text}
    asked: dict[str, str] = {}
    for kind, names in given.items():
        if isinstance(names, str):
            raise InputError(f"{kind}={names!r}: a list of columns is wanted, as in {kind}=[{names!r}]")
        for name in names or ():
            table.column(name)
            if name in asked:
                raise InputError(f"the column {name!r} is asked for as {asked[name]} and as {kind}; take one")
            asked[name] = kind
    if any(names is not None for names in given.values()):
        return {name: asked[name] for name in table.columns if name in asked}
    found = {name: _guess(column, separator) for name, column in table.columns.items() if name not in taken}
    return {name: kind for name, kind in found.items() if kind is not None}


def _guess(column: NDArray[Any], separator: str) -> str | None:
    if column.dtype.kind in "biuf":
        return "numbers"
    if column.dtype != object:
        return None  # dates make no block of themselves
    values = [value for value in column.tolist() if not is_missing(value)]
    if not values:
        return None
    if any(isinstance(value, (list, tuple, np.ndarray)) for value in values):
        return "lists"
    if all(isinstance(value, (int, float)) for value in values):
        return "numbers"  # whole numbers among which some are missing
    texts = [str(value) for value in values]
    if sum(separator in one for one in texts) * 10 >= len(texts):
        return "lists"
    return "categories" if len(set(texts)) <= max(_FEW * len(texts), 1) else None


def _year_of(title: Any) -> float:
    found = _YEAR.search(str(title)) if title is not None else None
    return float(found[1]) if found else math.nan


def _tags_of(table: Records, key: str, ids: NDArray[Any]) -> Words:
    """The tags of each item, as often as they were given."""
    item = _column(table, None, (key, *IDS), "its name", "item ids")
    column = _column(table, None, TAGS, "its name", "tags")
    place: dict[Any, int] = {one: row for row, one in enumerate(ids.tolist())}
    own: Iterable[Any] = table.text(item) if ids.dtype == object else table.column(item).tolist()
    words: Words = [[] for _ in ids]
    for one, tag in zip(own, table.text(column), strict=True):
        row = place.get(one)
        if row is not None and not is_missing(tag):
            words[row].append(" ".join(str(tag).casefold().split()))
    return words
