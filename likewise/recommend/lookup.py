"""Items as people ask for them: by a title, or the start of one, and by conditions on a column."""

from __future__ import annotations

import difflib
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.recommend.attributes import Attributes
from likewise.recommend.blocks import number_of, parts_of

Mask = NDArray[np.bool_]

_SHOWN = 5
_MOST_COMPARED = 50_000  # comparing letter by letter takes seconds beyond
_CONDITION = re.compile(r"\s*(?P<column>[^=<>!]+?)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>.*?)\s*", re.DOTALL)
_YEAR = re.compile(r" \([\d–-]+\)$")
_ARTICLE = re.compile(r"^(.*), (the|an?)$")
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def find(items: Attributes, text: str) -> Any:
    """The id of the item that somebody means.

    In this order: the title as written; the title, whatever its case and accents; the same without a year behind it
    and with its article in front; an id; the only title that begins so; the only title that has it somewhere.

    Raises
    ------
    InputError
        Where several items are meant, with their titles, or none, with the nearest.

    Examples
    --------
    >>> films = Attributes.read({"id": [6, 7, 9], "title": ["Heat (1995)", "Alien (1979)", "Alien 3 (1992)"]})
    >>> find(films, "Heat (1995)"), find(films, "alien"), find(films, "alien 3"), find(films, "9"), find(films, "he")
    (6, 7, 9, 9, 6)
    >>> find(films, "ali")
    Traceback (most recent call last):
    likewise.errors.InputError: 'ali' may be 'Alien (1979)' or 'Alien 3 (1992)'; write more of the title, or its id
    """
    titles = [] if items.titles is None else [str(title) if title is not None else "" for title in items.titles]
    exact = [row for row, title in enumerate(titles) if title == text]
    if exact:
        return _only(items, exact, text, titles)
    wanted, folded = plain(text), [plain(title) for title in titles]
    for names in (folded, [_bare(title) for title in folded]):
        alike = [row for row, title in enumerate(names) if title == wanted]
        if alike:
            return _only(items, alike, text, titles)
    rows = np.flatnonzero([str(one) == text.strip() for one in items.ids.tolist()])
    if len(rows):
        return items.ids.tolist()[int(rows[0])]
    if wanted:
        for has in (str.startswith, str.__contains__):
            some = [row for row, title in enumerate(folded) if has(title, wanted)]
            if some:
                return _only(items, some, text, titles)
    known = titles or [str(one) for one in items.ids.tolist()]
    only = "" if items.titles is not None else "; these items have ids alone, and titles come with a table of items"
    raise InputError(f"no item of {items.source} is called {text!r}{nearest(text, known)}{only}")


def _only(items: Attributes, rows: list[int], text: str, titles: list[str]) -> Any:
    ids = items.ids.tolist()
    if len(rows) == 1:
        return ids[rows[0]]
    same = len({titles[row] for row in rows}) < len(rows)  # only the ids tell them apart
    shown = [f"{titles[row]!r}" + (f" (id {ids[row]})" if same else "") for row in rows[:_SHOWN]]
    more = f", or {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    raise InputError(f"{text!r} may be {' or '.join(shown)}{more}; write more of the title, or its id")


def plain(text: str) -> str:
    """Text without case, accents and runs of spaces.

    Examples
    --------
    >>> plain(" Amélie  (2001)")
    'amelie (2001)'
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def _bare(title: str) -> str:
    """A folded title without a year behind it, and with its article in front: "matrix, the (1999)" is "the matrix"."""
    return _ARTICLE.sub(r"\2 \1", _YEAR.sub("", title))


def nearest(text: str, names: Sequence[str]) -> str:
    """What else may have been meant, for the end of a message."""
    known = {plain(name): name for name in reversed(names[:_MOST_COMPARED])}
    wanted = plain(text)
    heads = {_bare(key): name for key, name in known.items()}
    close = [known[key] for key in difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)]
    close += [heads[key] for key in difflib.get_close_matches(wanted, heads, n=3, cutoff=0.6)]
    close = list(dict.fromkeys(close))[:3]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def where(items: Attributes, conditions: Iterable[str], *, separator: str = "|") -> NDArray[Any]:
    """The ids of the items that meet all conditions.

    Parameters
    ----------
    items : Attributes
        As read from a table.
    conditions : texts such as ``"genres=Comedy"``, ``"country!=US"``, ``"year>=1990"``
        Equal means: whatever the case, one of the values, where a cell is a list. Order is of numbers.

    Raises
    ------
    InputError
        Where a column is not there, or no item meets a condition, with the nearest values.

    Examples
    --------
    >>> films = Attributes.read({"id": [6, 7], "genres": ["crime|drama", "horror"], "minutes": [170, 117]})
    >>> where(films, ["genres=Drama", "minutes>120"])
    array([6])
    """
    mask = np.ones(len(items), bool)
    for text in conditions:
        mask &= _met(items, text, separator)
    if not mask.any():
        raise InputError("no item meets all of the conditions; leave one out")
    return items.ids[mask]


def _met(items: Attributes, text: str, separator: str) -> Mask:
    """Which items meet one condition; at least one does."""
    found = _CONDITION.fullmatch(text)
    if not found:
        raise InputError(f"{text!r} is no condition; write it as column=value, column!=value or column>=number")
    column, sign, value = found["column"], found["sign"], found["value"]
    columns = dict(items.columns or {})
    if column not in columns:
        close = difflib.get_close_matches(column, columns, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(f"{items.source} has no column {column!r}; {hint}it has {', '.join(columns) or 'none'}")
    if sign in _ORDER:
        limit = number_of(value)
        if np.isnan(limit):
            raise InputError(f"{text!r}: {value!r} is no number, and {sign} compares numbers")
        with np.errstate(invalid="ignore"):
            mask = _ORDER[sign](np.array([number_of(one) for one in columns[column].tolist()]), limit)
        if not mask.any():
            raise InputError(f"no item has {text}")
        return np.asarray(mask, bool)
    wanted = plain(value)
    cells = [_values(one, separator) for one in columns[column].tolist()]
    equal = np.array([wanted in {plain(part) for part in cell} for cell in cells], bool)
    number = number_of(value)
    if not np.isnan(number):  # 1990 is 1990.0
        equal |= np.array([any(number_of(part) == number for part in cell) for cell in cells], bool)
    if not equal.any():
        names = list(dict.fromkeys(part for one in columns[column].tolist() for part in parts_of(one, separator)))
        raise InputError(f"no item of {items.source} has {column}={value}{nearest(value, names)}")
    return equal if sign in ("=", "==") else ~equal


def _values(cell: Any, separator: str) -> list[str]:
    """What a cell has: the whole text, and its parts."""
    whole = [] if isinstance(cell, (list, tuple, np.ndarray)) else [str(cell)]
    return list(dict.fromkeys([*parts_of(cell, separator), *(whole if cell is not None else [])]))
