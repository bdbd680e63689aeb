"""Models beside each other on one split, with the baselines and what chance alone makes of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Progress, read_options
from likewise.compute.search import read_count
from likewise.errors import InputError
from likewise.recommend.attributes import Attributes
from likewise.recommend.ids import Ids
from likewise.recommend.interactions import Interactions
from likewise.recommend.measures import (
    ACCURACY,
    accuracy,
    bootstrap_means,
    coverage,
    diversity,
    hits_of,
    interval,
    novelty,
)
from likewise.recommend.model import Recommender
from likewise.recommend.popular import Popular
from likewise.recommend.report import ALL, BASELINE, CHANCE, COLD_ITEMS, COLD_USERS, Report, Row
from likewise.recommend.splits import SPLITS, Split

Lists = NDArray[np.int64]


def evaluate(
    models: Any,
    interactions: Any,
    *,
    items: Any = None,
    split: str | Split = "leave-one-out",
    k: int = 10,
    cold: bool = True,
    few: int = 5,
    relevant: float | None = None,
    share: float | None = None,
    seed: int = 0,
    bootstrap: int = 1000,
    level: float = 0.95,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Report:
    """Fit models to one part of the interactions, and judge their lists by the other.

    ``Popular`` is always among them: a model that is no better knows nothing of people.

    Parameters
    ----------
    models : Recommender, list of them, or dict of name to Recommender
        Copies are fitted; the models themselves stay as they are.
    interactions : Interactions, or whatever :meth:`Interactions.read` takes
        All of them; where ``split`` is a Split, those that it was made of.
    items : Attributes, or whatever :meth:`Attributes.read` takes, optional
        For models that compare attributes; also what lists' diversity is measured by (else: who took the items). Their
        items can be recommended too.
    split : {"leave-one-out", "time", "history", "users", "items"}, or a Split
        See :mod:`likewise.recommend.splits`.
    k : int
        Length of the lists.
    cold : bool
        Whether to have rows for cold items (nobody took them in training) and cold users (at most ``few`` items).
    relevant : float, optional
        Held-out interactions of lower values are no targets.
    share : float, optional
        How much is held out, where the split has a share. Default: 0.2.
    seed : int
        Of the split, the bootstrap and the row of chance.
    bootstrap : int
        Samples; intervals are percentiles over users drawn again with replacement, the same for every model.
    level : float
        Of the intervals.

    Returns
    -------
    Report

    Notes
    -----
    Cold items are ranked among themselves, for users who have a history: the candidates are all items that occur in
    ``interactions``, but in no training interaction. A model that knows items only from who took them scores all of
    these alike, and so ranks them by their ids, which may say something by accident; the row ``(chance)``, a random
    order for each user, is what it is fair to compare with.

    Examples
    --------
    >>> from likewise.recommend import Popular
    >>> taken = [(u, i) for u in range(6) for i in range(5) if (u + i) % 3]
    >>> users, films = zip(*taken)
    >>> report = evaluate(Popular(), (users, films), k=2, bootstrap=50)
    >>> [(row["model"], row["group"], row["users"]) for row in report.rows][0]
    ('Popular', 'all', 6)
    """
    options = read_options(n_jobs, memory_limit, "raise", progress)
    k = read_count(k)
    whole = Interactions.read(interactions)
    known = None if items is None else items if isinstance(items, Attributes) else Attributes.read(items)
    named = _named(models)
    if known is not None:
        whole = whole.with_items(Ids(np.concatenate([whole.items, known.ids]), "item"))
    part = _split(split, whole, seed, relevant, share).with_items(whole.item_ids)
    there = np.isin(np.arange(len(whole.items)), whole.item_of)
    groups = _groups(part, there, cold, few, only_cold=split == "items")
    vectors = _vectors(part, known)
    how = {"n_jobs": n_jobs, "memory_limit": memory_limit}
    found: dict[tuple[str, str], Lists] = {}
    for done, (name, model) in enumerate(named.items()):
        fitted = copy.deepcopy(model).fit(part.train, items=known, n_jobs=n_jobs)
        for group in groups:
            found[name, group.name] = _lists(fitted, group, whole, k, how)
        if options.progress is not None:
            options.progress(done + 1, len(named))
    rows: list[Row] = []
    differences: list[Row] = []
    for group in groups:
        lists = {name: found[name, group.name] for name in named}
        if group.candidates is not None:
            lists[CHANCE] = _by_chance(group, k, seed)
        _judge(group, lists, part, vectors, (bootstrap, level, seed), rows, differences)
    notes = [note for group in groups for note in group.notes]
    return Report(part.words, k, level, rows, differences, notes)


@dataclass(frozen=True)
class _Group:
    """Some of the users and targets of a split, and which items are ranked (None: all)."""

    name: str
    split: Split
    candidates: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def _named(models: Any) -> dict[str, Recommender]:
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        rows: Sequence[Any] = [models] if isinstance(models, Recommender) else list(models)
        names = [repr(model).removesuffix("()") for model in rows]
        if twice := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise InputError(f"two models are called {twice}; name them: {{'one': ..., 'other': ...}}")
        named = dict(zip(names, rows, strict=True))
    for name, model in named.items():
        if not isinstance(model, Recommender):
            raise InputError(
                f"the model {name!r} is a {type(model).__name__}; a Recommender is wanted, as Popular() is"
            )
        if name == BASELINE and type(model) is not Popular:
            raise InputError(f"{BASELINE!r} is what the baseline is called; give the model another name")
    return named if BASELINE in named else {BASELINE: Popular()} | named


def _split(split: str | Split, whole: Interactions, seed: int, relevant: float | None, share: float | None) -> Split:
    if isinstance(split, Split):
        return split
    if split not in SPLITS:
        raise InputError(f"split={split!r} is not known; there are {', '.join(SPLITS)}")
    if share is not None and split == "leave-one-out":
        raise InputError("share= says how much is held out, and leave-one-out holds out one item of each user")
    given = {} if share is None else {"share": share}
    return SPLITS[split](whole, seed=seed, relevant=relevant, **given)


def _groups(split: Split, there: NDArray[np.bool_], cold: bool, few: int, only_cold: bool) -> list[_Group]:
    groups = [] if only_cold else [_Group(ALL, split)]
    taken = split.taken
    number = np.bincount(split.given.user_of, minlength=len(split.given.users))[split.users]
    fresh = (taken[split.indices] == 0) & np.repeat(number > 0, split.relevant)
    if (cold or only_cold) and fresh.any():
        candidates = np.flatnonzero(there & (taken == 0))
        note = (
            f"{COLD_ITEMS}: items without a training interaction, ranked among the {len(candidates):,} of these, for "
            "users with a history; models that score all of them alike rank them by id"
        )
        groups.append(_Group(COLD_ITEMS, split.of(fresh), candidates, (note,)))
    new = np.repeat(number <= few, split.relevant)
    if cold and not only_cold and new.any() and not new.all():
        none = int((number == 0).sum())
        note = (
            f"{COLD_USERS}: with at most {few} items before; {none:,} have none, and get what is popular from any model"
        )
        groups.append(_Group(COLD_USERS, split.of(new), None, (note,)))
    return groups


def _lists(model: Recommender, group: _Group, whole: Interactions, k: int, how: dict[str, Any]) -> Lists:
    """A model's lists for the users of a group, as numbers of the whole's items."""
    split = group.split
    where = None if group.candidates is None else whole.items[group.candidates]
    users: Any = split.train.users[split.users]
    if split.given is not split.train:  # they are new to the model
        theirs = split.given.take(np.isin(split.given.user_of, split.users))
        users = Interactions(
            theirs.users[theirs.user_of],
            theirs.items[theirs.item_of],
            theirs.values,
            theirs.times,
            duplicates=theirs.duplicates,
        )
    found = model.recommend(users, k, where=where, **how).indices
    number = np.append(whole.item_ids.find(model.items), -1)
    return np.asarray(number[found], np.int64)


def _by_chance(group: _Group, k: int, seed: int) -> Lists:
    """A random order for each user, of what the user has not taken."""
    rng = np.random.default_rng(seed)
    assert group.candidates is not None  # cold ones: nobody took any of them
    wide = min(k, len(group.candidates))
    lists = np.full((len(group.split.users), k), -1, np.int64)
    for row in lists:
        row[:wide] = rng.choice(group.candidates, wide, replace=False)
    return lists


def _vectors(split: Split, items: Attributes | None) -> Any:
    """What the items of lists are compared by: attributes, or who took them."""
    if items is None:
        return split.train.matrix.T.tocsr()
    vectors = np.zeros((len(split.train.items), items.vectors.shape[1]), np.float32)
    at = split.train.item_ids.find(items.ids)
    vectors[at[at >= 0]] = items.vectors[at >= 0]
    return vectors


def _judge(
    group: _Group,
    lists: dict[str, Lists],
    part: Split,
    vectors: Any,
    drawing: tuple[int, float, int],
    rows: list[Row],
    differences: list[Row],
) -> None:
    """Rows of one group, the baseline's first."""
    split, (samples, level, seed) = group.split, drawing
    catalogue = len(part.train.items) if group.candidates is None else len(group.candidates)
    takers, users = part.taken, len(np.unique(part.train.user_of))
    base: NDArray[np.float64] | None = None
    for name in sorted(lists, key=lambda name: name != BASELINE):
        found = lists[name]
        each = accuracy(hits_of(found, (split.offsets, split.indices)), split.relevant)
        table = np.column_stack([each[measure] for measure in ACCURACY])
        means = bootstrap_means(table, samples=samples, seed=seed)
        low, high = interval(means, level)
        row: Row = {"model": name, "group": group.name, "users": len(split.users)}
        for j, measure in enumerate(ACCURACY):
            row |= {measure: float(table[:, j].mean())}
            row |= {f"{measure}_low": float(low[j]), f"{measure}_high": float(high[j])}
        row["coverage"] = coverage(found, catalogue)
        row["novelty"] = _mean(novelty(found, takers, users))
        row["diversity"] = _mean(diversity(found, vectors))
        rows.append(row)
        if base is None:
            base, base_table = means, table
            continue
        low, high = interval(means - base, level)
        for j, measure in enumerate(ACCURACY):
            less = float((table[:, j] - base_table[:, j]).mean())
            apart = bool(low[j] > 0 or high[j] < 0)
            differences.append(
                {"model": name, "group": group.name, "measure": measure, "difference": less}
                | {"low": float(low[j]), "high": float(high[j]), "apart": apart}
            )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
