"""Identifiers as people have them, whole numbers or text, and the row numbers that the engine counts by."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError

#: Among more names than this, none is looked for that is nearly the one written: it would take seconds.
_MOST_COMPARED = 200_000


class Ids:
    """Different ids in rising order, and the number of each.

    Attributes
    ----------
    values : ndarray of shape (n,)
        int64, or an object array of str.
    noun : str
        What they name, for messages: "user", "item".

    Examples
    --------
    >>> films = Ids(["Heat", "Alien"], "item")
    >>> films.values, films.numbers(["Heat"])
    (array(['Alien', 'Heat'], dtype=object), array([1]))
    """

    def __init__(self, values: Any, noun: str) -> None:
        self.noun = noun
        self.values = _different(as_ids(values, noun))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def text(self) -> bool:
        """Whether they are text; else they are whole numbers."""
        return self.values.dtype == object

    @cached_property
    def names(self) -> NDArray[np.object_]:
        """All ids as Python has them (int or str), and None behind the last: what index -1 names."""
        out = np.empty(len(self.values) + 1, object)
        out[:-1] = self.values.tolist()
        return out

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.values.tolist())}

    def find(self, wanted: Any) -> NDArray[np.int64]:
        """The number of each id, -1 for one that is not known."""
        ids = as_ids(wanted, self.noun)
        if not len(ids) or not len(self):
            return np.full(len(ids), -1, np.int64)
        if self.text != (ids.dtype == object):
            return np.full(len(ids), -1, np.int64)
        if self.text:
            return np.fromiter((self._number_of.get(name, -1) for name in ids.tolist()), np.int64, len(ids))
        at = np.minimum(np.searchsorted(self.values, ids), len(self) - 1)
        return np.where(self.values[at] == ids, at, -1).astype(np.int64)

    def numbers(self, wanted: Any) -> NDArray[np.int64]:
        """The number of each id; InputError, with the nearest known one, where one is not known."""
        ids = as_ids(wanted, self.noun)
        found = self.find(ids)
        if (unknown := np.flatnonzero(found < 0)).size:
            raise self.unknown(ids[unknown[0]], len(unknown))
        return found

    def unknown(self, name: Any, count: int = 1) -> InputError:
        """The error that says so, with the nearest id."""
        name = name if isinstance(name, str) else int(name)
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        if not len(self):
            return InputError(f"{self.noun} {name!r}{more} is not known: there are no {self.noun}s")
        if self.text and not isinstance(name, str):
            return InputError(f"{self.noun} {name!r}{more} is a number; {self.noun}s here are text: {self.values[0]!r}")
        if not self.text and isinstance(name, str):
            return InputError(
                f"{self.noun} {name!r}{more} is text; {self.noun}s here are numbers: {int(self.values[0])!r}"
            )
        near = self._nearest(name)
        hint = f"; did you mean {near!r}?" if near is not None else f"; {len(self):,} are known"
        return InputError(f"{self.noun} {name!r}{more} is not known{hint}")

    def _nearest(self, name: Any) -> Any:
        if not self.text:
            at = min(int(np.searchsorted(self.values, name)), len(self) - 1)
            around = self.values[max(at - 1, 0) : at + 1]
            return int(min(around.tolist(), key=lambda other: abs(other - name)))
        if len(self) > _MOST_COMPARED:
            return None
        known = {other.casefold(): other for other in reversed(self.values.tolist())}
        close = difflib.get_close_matches(name.casefold(), known, n=1)
        return known[close[0]] if close else None


def as_ids(values: Any, noun: str) -> NDArray[Any]:
    """Ids as int64 or as an object array of str; InputError for anything else."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = values.ravel().tolist()
    if not isinstance(values, np.ndarray):
        values = values.tolist() if hasattr(values, "tolist") else list(values)
        kinds = {type(value) for value in values}
        if kinds and all(issubclass(kind, str) for kind in kinds):
            return as_objects([str(value) for value in values])
        wrong = [kind for kind in kinds if not issubclass(kind, (int, float, np.number)) or issubclass(kind, bool)]
        if wrong:
            both = any(issubclass(kind, str) for kind in kinds) and len(kinds) > 1
            found = "of more than one type; make all of them text" if both else f"of type {wrong[0].__name__}"
            raise InputError(f"{noun} ids are {found}; whole numbers or text name {noun}s")
        values = np.array(values, None if kinds else np.int64)
    array: NDArray[Any] = values
    if array.ndim != 1:
        raise InputError(f"{noun} ids have shape {array.shape}; a single axis is wanted")
    return _settled(array, noun)


def _settled(values: NDArray[Any], noun: str) -> NDArray[Any]:
    if values.dtype.kind == "U":
        return as_objects(values.tolist())
    if values.dtype.kind == "i" or (values.dtype.kind == "u" and (not values.size or values.max() < 2**63)):
        return values.astype(np.int64, copy=False)
    if values.dtype.kind == "f" and bool(np.all(values == np.floor(values))) and bool((np.abs(values) < 2**53).all()):
        return values.astype(np.int64)
    raise InputError(f"{noun} ids are of type {values.dtype}; whole numbers or text name {noun}s")


def as_objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """A list as an object array of one axis, whatever it holds."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _different(ids: NDArray[Any]) -> NDArray[Any]:
    """Each id once, in rising order; the array itself where it is that already."""
    if ids.dtype != object:
        return ids if bool((ids[1:] > ids[:-1]).all()) else np.unique(ids)
    return as_objects(sorted(set(ids.tolist())))


def codes_of(ids: NDArray[Any], noun: str) -> tuple[Ids, NDArray[np.int64]]:
    """The different ids of a column, and the number of each row's among them."""
    different = Ids(ids, noun)
    return different, different.find(ids)
