"""The interface of every recommender: fit, recommend, explain, find similar items, save, load.

A model says how much it expects a user to like each item, from what the user took: a row of
:class:`~likewise.recommend.interactions.Histories` in, a score for each item out. All else is here and in
:mod:`~likewise.recommend.serving`: who is asked for, what is left out, the best k, their names.

A subclass has ``_fit`` and ``_scores``, ``_reasons`` for :meth:`Recommender.explain`, and ``_arrays`` and ``_restore``
for what it keeps. One whose scores are a metric of two vectors has ``_best`` in the place of a matrix of scores.
"""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from likewise.compute import prepare, topk
from likewise.compute.options import Options, Progress, read_options
from likewise.compute.search import read_count
from likewise.errors import InputError, ShapeError
from likewise.extras import need
from likewise.files.archive import kind_of_archive, load_archive, save_archive
from likewise.recommend.ids import Ids, as_ids
from likewise.recommend.interactions import Histories, Interactions, histories_of
from likewise.reductions import TopK

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Model = TypeVar("Model", bound="Recommender")
_KIND = "likewise.recommend."


class Recommendations(NamedTuple):
    """What is recommended, the best first.

    Attributes
    ----------
    items : ndarray of object, shape (n, k)
        Ids as they were given (int or str); None where fewer than k items are admitted.
    scores : ndarray of float64, shape (n, k)
        Larger is better; in the model's own unit. NaN where there is no item.
    indices : ndarray of int64, shape (n, k)
        Numbers of items, as the model's ``items`` counts them; -1 where there is none.
    """

    items: NDArray[np.object_]
    scores: NDArray[np.float64]
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class Explanation:
    """Why an item has its score: what the score is made of, the largest part first.

    Attributes
    ----------
    item : int or str
    score : float
        What :meth:`Recommender.recommend` gives the item.
    names : list
        What each part comes from: the id of an item taken before, or of a neighbour, or a word ("popularity").
    amounts : ndarray of float64
        Their parts of the score: they add up to it, but for rounding (a relative 1e-5).
    """

    item: Any
    score: float
    names: list[Any]
    amounts: NDArray[np.float64]

    def __str__(self) -> str:
        shown = [f"{self.item}: {self.score:.4g}"]
        shown += [f"  {amount:+.4g}  {name}" for name, amount in list(zip(self.names, self.amounts, strict=True))[:10]]
        return "\n".join([*shown, *([f"  and {len(self.names) - 10:,} more"] if len(self.names) > 10 else [])])


@dataclass(frozen=True)
class Wanted:
    """What a call of :meth:`Recommender.recommend` asks of a model, but for whom."""

    k: int
    exclude_seen: bool
    admitted: NDArray[np.bool_] | None  # of all items; None: every one
    options: Options


class Recommender(ABC):
    """A model of what users take.

    Attributes
    ----------
    users, items : ndarray
        The ids it was fitted to, in rising order: int64, or an object array of str.
    """

    #: Whether a user without a history gets popular items, rather than this model's scores.
    _needs_history = True

    _users: Ids
    _items: Ids
    _histories: Histories
    _popularity: NDArray[np.float64]
    _usual_value: float  # what a history counts that says no values: the mean

    # ---- fitting

    def fit(
        self: Model, interactions: Any, items: Any = None, *, n_jobs: int | None = None, progress: Progress = None
    ) -> Model:
        """Learn from interactions.

        Parameters
        ----------
        interactions : Interactions, or whatever :meth:`Interactions.read` takes
        items : array_like of ids, or a table of attributes, optional
            Items that may be recommended besides those that were taken. Models that know an item only from who took it
            score them 0.
        n_jobs : int, optional
            Threads. Default: every core. The model is the same.
        progress : bool or callable, optional
            True shows a line on standard error; a function gets (done, total).

        Returns
        -------
        Recommender
            Itself.

        Raises
        ------
        InputError
            Where there are no interactions, or columns or rows do not make sense.
        """
        need("scipy.sparse", "recommendation", extra="recommend")
        options = read_options(n_jobs, None, "raise", progress)
        taken = Interactions.read(interactions)
        if not len(taken):
            raise InputError("there are no interactions; a model learns from at least one")
        known = self._catalogue(taken, items)
        taken = taken if known is taken.item_ids else taken.with_items(known)
        self._learn(taken, options)
        return self

    def _learn(self, taken: Interactions, options: Options) -> None:
        self._remember(taken.user_ids, taken.item_ids, taken.histories())
        self._fit(taken, options)

    def _catalogue(self, taken: Interactions, items: Any) -> Ids:
        """All items that may be recommended."""
        if items is None:
            return taken.item_ids
        more = as_ids(_ids_of(items), "item")
        if (more.dtype == object) != taken.item_ids.text and len(more):
            kinds = ("text", "numbers") if more.dtype == object else ("numbers", "text")
            raise InputError(f"items= are {kinds[0]}, and the items of the interactions are {kinds[1]}")
        return Ids(np.concatenate([taken.items, more]) if len(more) else taken.items, "item")

    def _remember(self, users: Ids, items: Ids, histories: Histories) -> None:
        self._users, self._items, self._histories = users, items, histories
        # the share of all users who took it: what somebody unknown is told
        self._popularity = np.bincount(histories.items, minlength=len(items)) / max(len(users), 1)
        self._usual_value = float(histories.values.mean()) if len(histories.values) else 1.0
        for name in ("_columns", "_ready_columns", "_unit_columns"):
            self.__dict__.pop(name, None)

    @abstractmethod
    def _fit(self, taken: Interactions, options: Options) -> None:
        """Learn; users, items and histories are kept already."""

    # ---- what a subclass gives

    @abstractmethod
    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        """(rows, items) of float64 scores, larger is better; NaN for an item that may not be recommended.

        A row does not depend on which other rows it is computed with.
        """

    def _score(self, history: Histories, item: int, options: Options) -> float:
        """One of them, for a history of one row."""
        return float(self._scores(history, options)[0, item])

    def _best(self, histories: Histories, wanted: Wanted) -> TopK:
        """The best k of each row, ties to the lowest index; NaN and -1 where there are no more."""
        from likewise.recommend.serving import best_of_scores

        scores = self._scores(histories, wanted.options)
        return best_of_scores(scores, wanted.k, histories if wanted.exclude_seen else None, wanted.admitted)

    def _row_bytes(self) -> int:
        """Memory that :meth:`_best` takes for each row: here, scores, keys, and a copy to select from."""
        return 33 * max(len(self._items), 1)

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        """What an item's score is made of, for a history of one row: names and amounts."""
        raise InputError(f"{type(self).__name__} does not say what its scores are made of")

    def _similarity(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        """How alike each of some items is to each, in [-1, 1]: here, the cosine of who took them."""
        rows = self._unit_columns[items]
        return np.asarray((rows @ rows.T.tocsr()).toarray(), np.float64)

    def _similar(self, items: NDArray[np.int64], k: int, options: Options) -> TopK:
        """The k items most alike to each of some; here, by the cosine of who took them."""
        itself = np.arange(len(items) + 1), items
        return topk(self._columns[items], self._ready_columns, k, where=itself, n_jobs=options.threads)

    def _arrays(self) -> dict[str, Any]:
        """What the model learned, as named arrays."""
        return {}

    def _restore(self, arrays: Mapping[str, Any]) -> None:  # noqa: B027 - some have nothing to take back
        """Take back what :meth:`_arrays` gave."""

    def _settings(self) -> dict[str, Any]:
        """The arguments it was made with."""
        return {
            name: getattr(self, name) for name in inspect.signature(type(self).__init__).parameters if name != "self"
        }

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [f"{k}={v!r}" for k, v in self._settings().items() if v != defaults[k].default]
        return f"{type(self).__name__}({', '.join(changed)})"

    # ---- what is known

    @property
    def users(self) -> NDArray[Any]:
        """The users it was fitted to."""
        return self._known()._users.values

    @property
    def items(self) -> NDArray[Any]:
        """The items that it may recommend."""
        return self._known()._items.values

    def _known(self: Model) -> Model:
        if not hasattr(self, "_items"):
            raise InputError(f"{type(self).__name__} has not been fitted; call fit(interactions) first")
        return self

    @cached_property
    def _columns(self) -> csr_array:
        """(items, users): who took each item, as ones."""
        return self._histories.matrix(len(self._items), binary=True).T.tocsr()

    @cached_property
    def _ready_columns(self) -> Any:
        return prepare(self._columns, metric="cosine")

    @cached_property
    def _unit_columns(self) -> csr_array:
        """The same with rows of length 1, or of zeros."""
        columns = self._columns.copy()
        counts = np.diff(columns.indptr)
        columns.data = columns.data / np.sqrt(np.repeat(counts, counts))
        return columns

    # ---- recommending

    def recommend(
        self,
        users: Any = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        where: Any = None,
        diversify: float = 0.0,
        on_unknown: str = "raise",
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> Recommendations:
        """The k items that each user is expected to like best; ties to the item whose id comes first.

        Parameters
        ----------
        users : id, sequence of ids, of histories, or Interactions, optional
            Users it was fitted to, by id. Or histories of anybody: for each a sequence of item ids, or a mapping from
            item ids to values (without, each counts as the mean of those it was fitted to). Or the interactions of
            other users, in the order of their ``users``. Default: all that it was fitted to. One id alone gives arrays
            of shape (k,).
        k : int
            At least 1.
        exclude_seen : bool
            Whether to leave out what a user took already.
        where : array_like, optional
            Which items may be recommended: booleans in the order of ``items``, or ids.
        diversify : float
            0 to 1: how much the items of a list are to differ from each other, by maximal marginal relevance
            (:mod:`likewise.recommend.diversity`), for k up to 5,000. At 0 the order is plainly by score.
        on_unknown : {"raise", "skip"}
            About items in histories that the model was not fitted to: an error, or left out.
        n_jobs, memory_limit, progress
            As in :mod:`likewise.compute`. Users are gone through some at a time: the answer does not depend on it.

        Returns
        -------
        Recommendations
            Exactly k items for each user, as long as there are so many; then None, NaN and -1. A user without a
            history gets the popular items, scored by the share of users who took them.

        Raises
        ------
        InputError
            Where a user or an item is not known, with the nearest id.

        Examples
        --------
        >>> from likewise.recommend import Popular
        >>> model = Popular().fit((["ann", "ann", "bob", "cid"], ["Heat", "Alien", "Alien", "Fargo"]))
        >>> model.recommend("bob", 2).items
        array(['Fargo', 'Heat'], dtype=object)
        >>> model.recommend([["Heat"], []], 1).items
        array([['Alien'], ['Alien']], dtype=object)
        """
        from likewise.recommend.serving import serve

        options = read_options(n_jobs, memory_limit, "raise", progress)
        if on_unknown not in ("raise", "skip"):
            raise InputError(f"on_unknown={on_unknown!r} is not known; it is 'raise' or 'skip'")
        asked, alone = self._known()._asked(users, on_unknown == "skip")
        k = read_count(k)
        try:
            diversify = float(diversify)
        except (TypeError, ValueError):
            diversify = np.nan
        if not 0 <= diversify <= 1:
            raise InputError("diversify is a number from 0 (by score alone) to 1 (as unlike as may be)")
        found = serve(self, asked, Wanted(k, bool(exclude_seen), self._admitted(where), options), diversify)
        return self._named(found, alone)

    def _named(self, found: TopK, alone: bool) -> Recommendations:
        values, indices = (found.values[0], found.indices[0]) if alone else found
        return Recommendations(self._items.names[indices], values, indices)

    def _asked(self, users: Any, skip: bool = False) -> tuple[Histories, bool]:
        """The histories of those who are asked for, and whether it is one alone."""
        if users is None:
            return self._histories, False
        if isinstance(users, Interactions):
            theirs = users.with_items(self._items, skip=skip).histories()
            new = np.full(len(theirs), -1)
            return Histories(theirs.offsets, theirs.items, theirs.values, theirs.times, new), False
        if isinstance(users, (str, int, np.integer)):
            return self._histories.take(self._users.numbers([users])), True
        if isinstance(users, Mapping):
            raise InputError("found a mapping where users are wanted; put a history into a list: [{item: value}]")
        if not isinstance(users, Iterable) or isinstance(users, bytes):
            raise InputError(f"users={users!r}; an id is wanted, or a sequence of ids or of histories")
        rows = users if isinstance(users, np.ndarray) else list(users)
        if isinstance(rows, np.ndarray) and rows.ndim == 2:
            rows = list(rows)
        lists = [_is_history(row) for row in rows] if not isinstance(rows, np.ndarray) or rows.dtype == object else []
        if any(lists):
            if not all(lists):
                raise InputError("users are either ids or histories (a list of item ids for each), not some of both")
            return histories_of(list(rows), self._items, self._usual_value, skip=skip), False
        return self._histories.take(self._users.numbers(rows)), False

    def _admitted(self, where: Any) -> NDArray[np.bool_] | None:
        """``where=`` as a mask of all items."""
        if where is None:
            return None
        one = isinstance(where, (str, int, np.integer))
        if not one and not isinstance(where, Iterable):
            raise InputError(f"where={where!r}; ids of items are wanted, or a boolean for each item")
        array = where if isinstance(where, np.ndarray) else np.array([where] if one else list(where))
        if array.dtype == np.bool_:
            if array.shape != (len(self._items),):
                raise ShapeError(
                    f"where= has shape {array.shape}; booleans for all {len(self._items):,} items are wanted, or ids"
                )
            return array
        mask = np.zeros(len(self._items), bool)
        mask[self._items.numbers(array)] = True
        return mask

    def similar_items(
        self, items: Any, k: int = 10, *, n_jobs: int | None = None, memory_limit: int | str | None = None
    ) -> Recommendations:
        """The k items most alike to each, itself left out.

        Alike is what the model takes for it: its own similarity, the cosine of its vectors, or else the cosine of who
        took them.

        Parameters
        ----------
        items : id, or sequence of ids
            One alone gives arrays of shape (k,).
        k : int

        Returns
        -------
        Recommendations
        """
        options = read_options(n_jobs, memory_limit, "raise", None)
        alone = isinstance(items, (str, int, np.integer))
        if not isinstance(items, Iterable) and not alone:
            raise InputError(f"items={items!r}; an id is wanted, or a sequence of ids")
        numbers = self._known()._items.numbers([items] if alone else items)
        return self._named(self._similar(numbers, read_count(k), options), alone)

    def explain(self, user: Any, item: Any) -> Explanation:
        """What a user's score of an item is made of.

        Parameters
        ----------
        user : id, or a history
            A sequence of item ids, or a mapping from item ids to values.
        item : id

        Returns
        -------
        Explanation
            Its amounts add up to the score.
        """
        options = read_options(1, None, "raise", None)
        history, _ = self._known()._asked([user])
        number = int(self._items.numbers([item])[0])
        if self._needs_history and not history.counts[0]:
            score, names, amounts = self._popularity[number], ["popularity"], self._popularity[number : number + 1]
        else:
            score = self._score(history, number, options)
            names, amounts = self._reasons(history, number, options)
        order = np.argsort(-amounts, kind="stable")
        return Explanation(self._items.names[number], float(score), [names[at] for at in order], amounts[order])

    def _names_of(self, items: NDArray[np.int64]) -> list[Any]:
        return list(self._items.names[items])

    # ---- keeping

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copies: what is made again when it is needed stays behind."""
        kinds = type(self).__mro__
        made = {name for kind in kinds for name, what in vars(kind).items() if isinstance(what, cached_property)}
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file, without pickle; :func:`likewise.recommend.load` reads it.

        Raises
        ------
        InputError
            Where it cannot be written, or the model has not been fitted.
        """
        header, arrays = self._known()._packed()
        save_archive(path, _KIND + type(self).__name__, header, arrays)

    @classmethod
    def load(cls: type[Model], path: str | os.PathLike[str]) -> Model:
        """A model that :meth:`save` wrote; it recommends the same.

        Raises
        ------
        InputError
            Where the file is absent or damaged, or holds another model.
        """
        need("scipy.sparse", "recommendation", extra="recommend")
        header, arrays = load_archive(path, _KIND + cls.__name__)
        return cls._unpacked(header, arrays)

    def _packed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The model as a header and arrays."""
        return {"settings": self._settings()}, self._packed_histories() | self._arrays()

    def _packed_histories(self) -> dict[str, Any]:
        kept = self._histories
        arrays: dict[str, Any] = {
            "users": self._users.values,
            "items": self._items.values,
            "history.offsets": kept.offsets,
            "history.items": kept.items.astype(np.int32 if len(self._items) < 2**31 else np.int64),
            "history.values": kept.values,
        }
        return arrays if kept.times is None else arrays | {"history.times": kept.times}

    @classmethod
    def _unpacked(cls: type[Model], header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Model:
        try:
            made = cls._from_settings(header)
            users, items = (Ids(_objects_or_numbers(arrays[name]), name[:-1]) for name in ("users", "items"))
            offsets, taken, values = (arrays[f"history.{name}"] for name in ("offsets", "items", "values"))
            times = arrays.get("history.times")
            made._remember(
                users, items, Histories(offsets, taken.astype(np.int64), values, times, np.arange(len(users)))
            )
            made._restore(arrays)
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f"the file of a {cls.__name__} lacks something: {error}") from None
        return made

    @classmethod
    def _from_settings(cls: type[Model], header: Mapping[str, Any]) -> Model:
        """The model before it was fitted."""
        return cls(**header["settings"])


def _ids_of(items: Any) -> Any:
    """The ids of a list of them, or of a table of attributes."""
    from likewise.recommend.attributes import Attributes

    if isinstance(items, Attributes):
        return items.ids
    rows = isinstance(items, Sequence) and len(items) > 0 and isinstance(items[0], Mapping)
    table = isinstance(items, (str, os.PathLike, Mapping)) or hasattr(items, "columns") or hasattr(items, "schema")
    if rows or table or getattr(getattr(items, "dtype", None), "names", None):
        return Attributes.read(items).ids
    return items


def _objects_or_numbers(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else np.array(values, object)


def _is_history(row: Any) -> bool:
    """Whether it lists items, rather than naming a user."""
    return isinstance(row, (Sequence, set, frozenset, Mapping, np.ndarray)) and not isinstance(row, (str, bytes))


def load(path: str | os.PathLike[str]) -> Recommender:
    """Whatever model a file holds.

    Raises
    ------
    InputError
        Where the file is absent or damaged, or holds no recommender.

    Examples
    --------
    >>> import tempfile
    >>> from likewise.recommend import Popular, load
    >>> path = tempfile.mkdtemp() + "/popular.likewise"
    >>> Popular().fit(([1, 2, 2], [7, 7, 9])).save(path)
    >>> load(path).recommend(1, 1).items
    array([9], dtype=object)
    """
    kind = kind_of_archive(path)
    if not kind.startswith(_KIND):
        raise InputError(f"{path} holds {kind}, which is no recommender")
    return model_named(kind.removeprefix(_KIND)).load(path)


def model_named(name: str) -> type[Recommender]:
    """The class of recommenders that is called so."""
    known = {model.__name__: model for model in _subclasses(Recommender)}  # type: ignore[type-abstract]
    if name not in known:
        raise InputError(
            f"no recommender is called {name}; a model of one's own has to be imported before it is loaded"
        )
    return known[name]


def _subclasses(base: type[Recommender]) -> list[type[Recommender]]:
    return [found for kind in base.__subclasses__() for found in (kind, *_subclasses(kind))]
