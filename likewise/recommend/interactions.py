"""Interactions: who took what, how much of it, and when. The one form that every model is fitted to."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError, ShapeError
from likewise.extras import need
from likewise.files.records import Records, records
from likewise.recommend.ids import Ids, as_ids, codes_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: What columns are usually called; capitals, spaces, - and _ aside.
USER_NAMES = ("user", "userid", "customer", "customerid", "visitorid", "reader", "member", "uid", "account")
ITEM_NAMES = ("item", "itemid", "movieid", "productid", "product", "bookid", "isbn", "articleid", "article", "trackid",
              "songid", "artistid", "asin", "iid", "movie", "book", "track", "song", "artist")  # fmt: skip
VALUE_NAMES = ("rating", "value", "score", "stars", "weight", "count", "plays", "quantity")
TIME_NAMES = ("timestamp", "time", "date", "datetime", "ts", "unixtime", "when")

DUPLICATES = ("last", "sum", "max")

#: A date and time with a zone: Z, +02:00, -0530 or +02.
_ZONED = re.compile(r"(.*\d[T ].*?\d)\s*(?:Z|([+-])(\d\d)(?::?(\d\d))?)")


@dataclass(frozen=True)
class Histories:
    """What each of n users took: row i has ``items[offsets[i]:offsets[i + 1]]``, in rising order, each once.

    Attributes
    ----------
    offsets : ndarray of int64, shape (n + 1,)
    items : ndarray of int64
        Numbers of items.
    values : ndarray of float64
    times : ndarray of float64, or None
        Seconds.
    users : ndarray of int64, shape (n,)
        Each row's number among the users a model was fitted to; -1 for somebody new.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int64]
    values: NDArray[np.float64]
    times: NDArray[np.float64] | None
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many items each row has."""
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> Histories:
        """Some rows, in the order wanted."""
        counts = self.counts[rows]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        at = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], counts)
        times = None if self.times is None else self.times[at]
        return Histories(offsets, self.items[at], self.values[at], times, self.users[rows])

    def slice(self, first: int, stop: int) -> Histories:
        """Rows ``first`` to ``stop``, without a copy of what they hold."""
        here = slice(int(self.offsets[first]), int(self.offsets[stop]))
        times = None if self.times is None else self.times[here]
        offsets = self.offsets[first : stop + 1] - self.offsets[first]
        return Histories(offsets, self.items[here], self.values[here], times, self.users[first:stop])

    def later(self) -> NDArray[np.int64]:
        """How many items of its row each was taken before; 0 for all, where there are no times."""
        if self.times is None or not len(self.items):
            return np.zeros(len(self.items), np.int64)
        row = np.repeat(np.arange(len(self)), self.counts)
        order = np.lexsort((self.times, row))
        row, times = row[order], self.times[order]
        changes = np.flatnonzero((np.diff(row) != 0) | (np.diff(times) != 0))
        last = np.append(changes, len(row) - 1)  # of those of one row taken at one time
        stop = np.repeat(last + 1, np.diff(last, prepend=-1))
        out = np.empty(len(row), np.int64)
        out[order] = self.offsets[row + 1] - stop
        return out

    def fading(self, half: float | None) -> NDArray[np.float64]:
        """How much each item counts: 0.1 + 0.9 * 2 ** (-later / half), and 1 without a half or times.

        A tenth is left of what is longest ago, so that a taste is not only what was taken last.
        """
        if half is None or self.times is None:
            return np.ones(len(self.items))
        return 0.1 + 0.9 * np.exp2(-self.later() / half)

    def unit(self, *, binary: bool = False) -> float:
        """The root mean square of the values, which models take for 1: so settings do not depend on their scale."""
        if binary or not len(self.values):
            return 1.0
        return float(np.sqrt(np.mean(self.values**2))) or 1.0

    def matrix(self, items: int, *, binary: bool = False) -> csr_array:
        """As a sparse matrix of (rows, items); ones in the place of values, if ``binary``."""
        sparse = need("scipy.sparse", "recommendation", extra="recommend")
        values = np.ones(len(self.items)) if binary else self.values
        return sparse.csr_array((values, self.items, self.offsets), shape=(len(self), items))


class Interactions:
    """Who took what: one row an interaction, in the order given.

    Usually made by :meth:`read`.

    Attributes
    ----------
    users, items : ndarray
        The different ids, in rising order: int64, or an object array of str.
    user_of, item_of : ndarray of int64, shape (n,)
        The user and the item of each interaction, as numbers into these.
    values : ndarray of float64, shape (n,)
        Ratings, counts; ones, if there are none.
    times : ndarray of float64, shape (n,), or None
        Seconds (since 1970, if they were dates). A column of plain numbers is taken as it is.
    duplicates : str
        What :attr:`matrix` and :meth:`histories` make of a user's several interactions with one item: "last" (the
        latest in time, or without times the last in order), "sum" of the values (the latest time), or "max".
    """

    def __init__(
        self,
        users: Any,
        items: Any,
        values: Any = None,
        times: Any = None,
        *,
        duplicates: str = "last",
        on_bad: str = "raise",
    ) -> None:
        users, items = as_ids(users, "user"), as_ids(items, "item")
        given = {"users": users, "items": items}
        if values is not None:
            given["values"] = values = _numbers(values, "values")
        if times is not None:
            given["times"] = times = as_seconds(times, "times")
        if len({len(array) for array in given.values()}) > 1:
            found = ", ".join(f"{len(array):,} {name}" for name, array in given.items())
            raise ShapeError(f"interactions have to come in columns of equal length; found {found}")
        good = _good_rows(values, times, len(users), on_bad, "interactions")
        if not good.all():
            users, items = users[good], items[good]
            values = None if values is None else values[good]
            times = None if times is None else times[good]
        self._users, self.user_of = codes_of(users, "user")
        self._items, self.item_of = codes_of(items, "item")
        self.values = np.ones(len(users)) if values is None else values
        self.times: NDArray[np.float64] | None = times
        self.duplicates = _check_duplicates(duplicates)

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        user: str | None = None,
        item: str | None = None,
        value: str | None = None,
        time: str | None = None,
        encoding: str | None = None,
        duplicates: str = "last",
        on_bad: str = "raise",
    ) -> Interactions:
        """Interactions from a table, from arrays or from a sparse matrix.

        Parameters
        ----------
        source : path-like, table, tuple of arrays, or sparse matrix
            Whatever :func:`likewise.files.records` reads (CSV, JSON lines, Parquet, frames...); a tuple ``(users,
            items)``, ``(users, items, values)`` or ``(users, items, values, times)``, where values may be None; or a
            SciPy sparse matrix of users x items, whose row and column numbers are the ids: every entry that is stored
            is an interaction, zeros too, and duplicates are summed as SciPy does. Interactions come back as they are.
        user, item, value, time : str, optional
            What the columns are called. Default: the usual names (user_id, movieId, rating, timestamp, ...). A value
            and a time are optional.
        encoding : str, optional
            Of a text file. Default: UTF-8.
        duplicates : {"last", "sum", "max"}
            What a user's several interactions with one item count as.
        on_bad : {"raise", "skip"}
            About rows without a user or an item, or with a value or a time that is NaN.

        Raises
        ------
        InputError
            Where the columns cannot be told, or rows are bad: with their numbers, counted from 1.

        Examples
        --------
        >>> taken = Interactions.read({"user": ["ann", "ann", "bob"], "film": [7, 9, 9], "rating": [4, 5, 3]},
        ...                           item="film")
        >>> taken
        3 interactions of 2 users with 2 items
        >>> taken.users, taken.items, taken.item_of
        (array(['ann', 'bob'], dtype=object), array([7, 9]), array([0, 1, 1]))
        """
        if isinstance(source, Interactions):
            return source
        if on_bad not in ("raise", "skip"):
            raise InputError(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'")
        if isinstance(source, tuple):
            if not 2 <= len(source) <= 4:
                raise InputError(f"found a tuple of {len(source)}; (users, items[, values[, times]]) is wanted")
            return cls(*source, duplicates=duplicates, on_bad=on_bad)
        if hasattr(source, "tocoo") and hasattr(source, "shape"):
            return cls._from_sparse(source, duplicates, on_bad)
        table = records(source, encoding=encoding)
        names = _columns_of(table, {"user": user, "item": item, "value": value, "time": time})
        return cls._from_records(table, names, duplicates, on_bad)

    @classmethod
    def _from_records(cls, table: Records, names: dict[str, str], duplicates: str, on_bad: str) -> Interactions:
        bad = np.zeros(len(table), bool)
        for what in ("user", "item"):
            column = table.column(names[what])
            bad |= table.missing(names[what])
            if column.dtype == object:
                bad |= np.fromiter((value == "" for value in column), bool, len(column))
        values = table.numbers(names["value"]) if "value" in names else None
        times = as_seconds(table.column(names["time"]), f"{table.source}: column {names['time']!r}") if (
            "time" in names
        ) else None  # fmt: skip
        good = ~bad & _good_rows(values, times, len(table), "skip", table.source)
        if not good.all():
            if on_bad == "raise":
                raise _bad_rows(np.flatnonzero(~good), table.source)
            table = table.take(good)
            values = None if values is None else values[good]
            times = None if times is None else times[good]
        users, items = table.column(names["user"]), table.column(names["item"])
        return cls(users, items, values, times, duplicates=duplicates)

    @classmethod
    def _from_sparse(cls, source: Any, duplicates: str, on_bad: str) -> Interactions:
        if len(source.shape) != 2:
            raise ShapeError(f"found a sparse array of shape {source.shape}; (users, items) is wanted")
        rows = source.tocsr()
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        pairs = rows.tocoo()
        row, column = (np.asarray(part, np.int64) for part in pairs.coords)
        values = _numbers(pairs.data, "values")
        good = _good_rows(values, None, len(values), on_bad, "the matrix")
        ids = [Ids(np.arange(n), noun) for n, noun in zip(pairs.shape, ("user", "item"), strict=True)]
        return cls._of(ids[0], ids[1], row[good], column[good], values[good], None, duplicates)

    @classmethod
    def _of(
        cls,
        users: Ids,
        items: Ids,
        user_of: NDArray[np.int64],
        item_of: NDArray[np.int64],
        values: NDArray[np.float64],
        times: NDArray[np.float64] | None,
        duplicates: str,
    ) -> Interactions:
        made = cls.__new__(cls)
        made._users, made._items, made.user_of, made.item_of = users, items, user_of, item_of
        made.values, made.times, made.duplicates = values, times, _check_duplicates(duplicates)
        return made

    @property
    def users(self) -> NDArray[Any]:
        """The different users' ids, in rising order."""
        return self._users.values

    @property
    def items(self) -> NDArray[Any]:
        """The different items' ids, in rising order."""
        return self._items.values

    @property
    def user_ids(self) -> Ids:
        """The users' ids with their numbers."""
        return self._users

    @property
    def item_ids(self) -> Ids:
        """The items' ids with their numbers."""
        return self._items

    def __len__(self) -> int:
        return len(self.user_of)

    def __repr__(self) -> str:
        return f"{len(self):,} interactions of {len(self._users):,} users with {len(self._items):,} items"

    def take(self, rows: NDArray[Any]) -> Interactions:
        """Some of the interactions, by a mask or by row numbers; users and items stay known, all of them."""
        times = None if self.times is None else self.times[rows]
        kept = self.user_of[rows], self.item_of[rows], self.values[rows]
        return self._of(self._users, self._items, *kept, times, self.duplicates)

    def with_items(self, items: Any, *, skip: bool = False) -> Interactions:
        """The same with another list of items that are known.

        Each item that was taken has to be among them; or, with ``skip``, what was taken of others is left out.
        """
        ids = items if isinstance(items, Ids) else Ids(items, "item")
        number = ids.find(self.items)
        if skip:
            return self.take(number[self.item_of] >= 0).with_items(ids)
        taken = np.unique(self.item_of)
        if (absent := taken[number[taken] < 0]).size:
            raise ids.unknown(self.items[absent[0]], len(absent))
        return self._of(self._users, ids, self.user_of, number[self.item_of], self.values, self.times, self.duplicates)

    @cached_property
    def _merged(self) -> Histories:
        """What each user took, each item once."""
        n, m = len(self._users), len(self._items)
        if len(self) and float(n) * m >= 2.0**63:
            raise InputError(f"{n:,} users x {m:,} items are more pairs than can be numbered")
        cell = self.user_of * m + self.item_of
        if bool((cell[1:] > cell[:-1]).all()):  # in order already, each once
            kept, values, times = np.arange(len(cell)), self.values, self.times
        else:
            order = np.argsort(cell, kind="stable") if self.times is None else np.lexsort((self.times, cell))
            cell = cell[order]
            first = np.flatnonzero(np.concatenate([np.ones(min(len(cell), 1), bool), cell[1:] != cell[:-1]]))
            kept = order[np.append(first[1:], len(cell)) - 1]  # the latest of each
            values = self.values[kept]
            if len(first) < len(cell) and self.duplicates != "last":
                ufunc = np.add if self.duplicates == "sum" else np.maximum
                values = ufunc.reduceat(self.values[order], first)
            times = None if self.times is None else self.times[kept]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(self.user_of[kept], minlength=n))])
        return Histories(offsets, self.item_of[kept], values, times, np.arange(n))

    def histories(self) -> Histories:
        """What each user took, each item once, as numbers; users in the order of :attr:`users`."""
        return self._merged

    @property
    def matrix(self) -> csr_array:
        """(users, items): a SciPy sparse array of values, the caller's own; each pair once, as ``duplicates`` says."""
        return self._merged.matrix(len(self._items)).copy()


def _check_duplicates(duplicates: str) -> str:
    if duplicates not in DUPLICATES:
        raise InputError(f"duplicates={duplicates!r} is not known; it is 'last', 'sum' or 'max'")
    return duplicates


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} have to be numbers") from None
    if array.ndim != 1:
        raise ShapeError(f"{name} have shape {array.shape}; a single axis is wanted")
    return array


def as_seconds(times: Any, name: str) -> NDArray[np.float64]:
    """Times as float64 seconds: dates since 1970, in text as ISO 8601 has them; numbers as they are; NaN for none.

    Dates with a zone are brought to UTC, where those without are taken to be.
    """
    array = np.asarray(times)
    if array.dtype.kind in "OU":
        values = [None if value is None or value == "" or value != value else value for value in array.ravel().tolist()]
        try:  # numbers, though some are missing, or written as text: 1700000000 is no year
            return _numbers([np.nan if value is None else _number(value) for value in values], name)
        except (TypeError, ValueError):
            pass
        try:
            array = np.array([_moment(value) for value in values], "datetime64[us]")
        except (TypeError, ValueError) as error:
            raise InputError(f"{name}: {error}; times are numbers, or dates as in 2024-05-17T12:30:00") from None
    if array.dtype.kind == "M":
        seconds = array.astype("datetime64[us]").astype(np.int64) / 1e6
        return np.where(np.isnat(array), np.nan, seconds)
    return _numbers(array, name)


def _number(value: Any) -> float:
    if not isinstance(value, (int, float, np.number, str)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _moment(value: Any) -> Any:
    """A date, in text or as Python has it, without its zone: NumPy knows none."""
    if value is None:
        return np.datetime64("NaT")
    zone = datetime.timedelta()
    if isinstance(value, str):
        if found := _ZONED.fullmatch(value.strip()):
            value, sign, hours, minutes = found.groups()
            if sign is not None:
                zone = datetime.timedelta(hours=int(sign + hours), minutes=int(sign + (minutes or "0")))
    elif getattr(value, "tzinfo", None) is not None:
        zone, value = value.utcoffset(), value.replace(tzinfo=None)
    return np.datetime64(value, "us") - np.timedelta64(zone)


def _good_rows(
    values: NDArray[np.float64] | None, times: NDArray[np.float64] | None, n: int, on_bad: str, source: str
) -> NDArray[np.bool_]:
    """Which rows have finite values and times."""
    if on_bad not in ("raise", "skip"):
        raise InputError(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'")
    good = np.ones(n, bool)
    for array in (values, times):
        if array is not None:
            good &= np.isfinite(array)
    if on_bad == "raise" and not good.all():
        raise _bad_rows(np.flatnonzero(~good), source)
    return good


def _bad_rows(rows: NDArray[np.int64], source: str) -> InputError:
    shown = ", ".join(f"{row + 1:,}" for row in rows[:5].tolist())
    more = f" and {len(rows) - 5:,} more" if len(rows) > 5 else ""
    word = "row" if len(rows) == 1 else "rows"
    return InputError(
        f"{source}: {word} {shown}{more} without a user or an item, or with a value or time that is no finite number; "
        "on_bad='skip' leaves them out"
    )


def _columns_of(table: Records, given: dict[str, str | None]) -> dict[str, str]:
    """Which column is which; those that are given are taken by their word."""
    usual = {"user": USER_NAMES, "item": ITEM_NAMES, "value": VALUE_NAMES, "time": TIME_NAMES}
    found: dict[str, str] = {}
    for what, name in given.items():
        if name is not None:
            table.column(name)
            found[what] = name
        elif (guess := table.first_of(usual[what])) is not None and guess not in found.values():
            found[what] = guess
    missing = [what for what in ("user", "item") if what not in found]
    if missing:
        what = missing[0]
        columns = ", ".join(map(repr, table.columns))
        raise InputError(
            f"{table.source}: none of the columns {columns} is called as {what}s usually are; name it: {what}=..."
        )
    return found


def histories_of(lists: Sequence[Any], items: Ids, value: float = 1.0, *, skip: bool = False) -> Histories:
    """Histories of new users: sequences of item ids, or mappings from item ids to values. Twice is once.

    ``value`` is what an item counts where there is no other. Items that are not known are an error, or ``skip``-ped.
    """
    flat: list[Any] = []
    values: list[float] = []
    counts = []
    for entry in lists:
        pairs = list(_pairs(entry, value))
        counts.append(len(pairs))
        flat += [name for name, _ in pairs]
        values += [value for _, value in pairs]
    number = items.find(flat) if skip else items.numbers(flat)
    row = np.repeat(np.arange(len(counts)), counts)
    weights = _numbers(values, "values of a history")
    row, number, weights = row[number >= 0], number[number >= 0], weights[number >= 0]
    _good_rows(weights, None, len(weights), "raise", "histories")
    rows, known = Ids(np.arange(len(counts)), "user"), items
    merged = Interactions._of(rows, known, row, number, weights, None, "last").histories()
    return Histories(merged.offsets, merged.items, merged.values, None, np.full(len(counts), -1))


def _pairs(entry: Any, value: float) -> Iterator[tuple[Any, float]]:
    if isinstance(entry, Mapping):
        yield from entry.items()
    else:
        names = entry.tolist() if hasattr(entry, "tolist") else entry
        yield from ((name, value) for name in names)


def read_setting(name: str, value: Any, wanted: str = "a number above 0", *, zero: bool = False) -> float:
    """A model's setting as a finite number above 0, or from ``zero`` on."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise InputError(f"{name}={value!r}; {wanted} is wanted")
    return number


def check_fading(fading: Any) -> float | None:
    """``fading=`` of a model: None, or a number above 0."""
    return None if fading is None else read_setting("fading", fading, "a number of items above 0, or None,")
