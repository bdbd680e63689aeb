"""What is held out to test a recommender on.

    leave-one-out   each user's last interaction
    time            everything after one moment, the same for all users: nothing of the future is known
    history         the last part of each user's history, whenever that was
    users           all of some users, who come as new ones with the first part of their history
    items           all of some items, which nobody is known to have taken: cold items only

A pair (user, item) is held out as a whole, if it is there several times. What a user took before the cut is no target
after it, since recommenders leave out what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.recommend.ids import Ids
from likewise.recommend.interactions import Interactions

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """One way of dividing interactions.

    Attributes
    ----------
    train : Interactions
        To fit on, with the users and items of the whole.
    given : Interactions
        What is known of the users that are asked about: ``train``, or the history of users that are not in it.
    users : int array of shape (tested,)
        Which users are asked about: numbers among ``train.users``, rising.
    offsets, indices : int arrays
        What is relevant to ``users[i]``: the items ``indices[offsets[i]:offsets[i + 1]]``, each once.
    words : str
        The split in a line.
    """

    train: Interactions
    given: Interactions
    users: Integers
    offsets: Integers
    indices: Integers
    words: str

    @property
    def relevant(self) -> Integers:
        """How many items are relevant to each user asked about."""
        return np.diff(self.offsets)

    @property
    def taken(self) -> Integers:
        """How many users took each item in ``train``."""
        pairs = np.unique(_pairs(self.train))
        return np.bincount(pairs % max(len(self.train.items), 1), minlength=len(self.train.items)).astype(np.int64)

    def with_items(self, items: Ids) -> Split:
        """The same with another list of items that are known, all of these among them."""
        if items is self.train.item_ids:
            return self
        train = self.train.with_items(items)
        given = train if self.given is self.train else self.given.with_items(items)
        indices = items.numbers(self.train.items[self.indices])
        return Split(train, given, self.users, self.offsets, indices, self.words)

    def of(self, keep: Mask) -> Split:
        """The same for some of the relevant pairs: a mask over ``indices``; users left without one are not asked."""
        owner = np.repeat(np.arange(len(self.users)), self.relevant)[keep]
        number = np.bincount(owner, minlength=len(self.users))
        asked = np.flatnonzero(number)
        offsets = np.concatenate([[0], np.cumsum(number[asked])]).astype(np.int64)
        return Split(self.train, self.given, self.users[asked], offsets, self.indices[keep], self.words)


def leave_one_out(interactions: Interactions, *, seed: int = 0, relevant: float | None = None) -> Split:
    """Hold out the last item of every user who has two or more.

    Of interactions at the same moment, and where there are no times, the seed decides which is the last.

    Parameters
    ----------
    interactions : Interactions
    seed : int
    relevant : float, optional
        Values below this are no targets (they are still held out).
    """
    order = _by_time(interactions, seed)
    user = interactions.user_of[order]
    last = order[np.append(user[1:] != user[:-1], len(user) > 0)] if len(order) else order
    pairs = _pairs(interactions)
    held = np.isin(pairs, pairs[last])
    kept = np.bincount(interactions.user_of[~held], minlength=len(interactions.users))
    held &= kept[interactions.user_of] > 0  # somebody with one item keeps it
    early = ~held
    return _made(interactions, early, early, held, relevant, "leave one out: each user's last item")


def by_time(interactions: Interactions, *, share: float = 0.2, seed: int = 0, relevant: float | None = None) -> Split:
    """Hold out the latest ``share`` of all interactions, by one cut in time.

    Users may be new after the cut, with no history at all. ``seed`` is taken so that all splits are called alike.
    """
    _check_share(share, "share")
    if interactions.times is None:
        raise InputError("a split by time wants times, and these interactions have none; try leave-one-out or users")
    times = interactions.times
    cut = np.quantile(times, 1 - share, method="lower")
    before = times <= cut
    return _made(interactions, before, before, ~before, relevant, f"time: the last {share:.0%} of all interactions")


def by_history(
    interactions: Interactions, *, share: float = 0.2, seed: int = 0, relevant: float | None = None
) -> Split:
    """Hold out the last ``share`` of every user's own history, one interaction at least; users with one item keep it.

    Everybody is tested, with several targets each; but others' future is known.
    """
    _check_share(share, "share")
    number, place = _places(interactions, seed)
    inputs = np.clip(np.round((1 - share) * number), 1, np.maximum(number - 1, 1))
    early = place < inputs[interactions.user_of]
    return _made(interactions, early, early, ~early, relevant, f"history: the last {share:.0%} of each user's own")


def by_users(
    interactions: Interactions,
    *,
    share: float = 0.2,
    given: float = 0.8,
    seed: int = 0,
    relevant: float | None = None,
) -> Split:
    """Hold out a ``share`` of the users: of each, the first ``given`` of the history is input, and the rest the target.

    Users with one item are never held out.
    """
    _check_share(share, "share")
    _check_share(given, "given")
    users = len(interactions.users)
    number = np.bincount(interactions.user_of, minlength=users)
    able = np.flatnonzero(number >= 2)
    if not len(able):
        raise InputError("a split by users wants users with two or more items, and there are none")
    chosen = np.random.default_rng(seed).permutation(able)[: max(1, round(share * len(able)))]
    new = np.isin(interactions.user_of, chosen)
    number, place = _places(interactions, seed)
    inputs = np.clip(np.round(given * number), 1, np.maximum(number - 1, 1))
    early = place < inputs[interactions.user_of]
    words = f"users: {len(chosen):,} of {users:,} are new, with the first {given:.0%} of their history"
    return _made(interactions, ~new, new & early, new & ~early, relevant, words)


def by_items(interactions: Interactions, *, share: float = 0.2, seed: int = 0, relevant: float | None = None) -> Split:
    """Hold out all that is known of a ``share`` of the items, which the seed chooses."""
    _check_share(share, "share")
    there = np.unique(interactions.item_of)
    chosen = np.random.default_rng(seed).permutation(there)[: max(1, round(share * len(there)))]
    cold = np.isin(interactions.item_of, chosen)
    early = ~cold
    words = f"items: {len(chosen):,} of {len(there):,} are new, and only these are ranked"
    return _made(interactions, early, early, cold, relevant, words)


#: The splits by name.
SPLITS: dict[str, Callable[..., Split]] = {
    "leave-one-out": leave_one_out,
    "time": by_time,
    "history": by_history,
    "users": by_users,
    "items": by_items,
}


# ---- what they share


def _made(whole: Interactions, train: Mask, given: Mask, test: Mask, relevant: float | None, words: str) -> Split:
    wanted = test if relevant is None else test & (whole.values >= relevant)
    items = max(len(whole.items), 1)
    pairs = _pairs(whole)
    targets = np.setdiff1d(pairs[wanted], pairs[given])  # sorted, each once
    user, item = np.divmod(targets, items)
    users, number = np.unique(user, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(number)]).astype(np.int64)
    fitted = whole.take(train)
    known = fitted if train is given else whole.take(given)
    if not len(users):
        raise InputError(f"{words}: nothing is left to test on; are there users with two or more items?")
    if not train.any():
        raise InputError(f"{words}: nothing is left to train on; hold out less")
    return Split(fitted, known, users.astype(np.int64), offsets, item.astype(np.int64), words)


def _pairs(interactions: Interactions) -> Integers:
    """A pair (user, item) as one number."""
    items = max(len(interactions.items), 1)
    out: Integers = interactions.user_of.astype(np.int64) * items + interactions.item_of
    return out


def _by_time(interactions: Interactions, seed: int) -> Integers:
    """Interactions user by user, the earliest first; the seed orders those of one moment."""
    chance = np.random.default_rng(seed).permutation(len(interactions.user_of))
    times = chance if interactions.times is None else interactions.times
    return np.lexsort((chance, times, interactions.user_of)).astype(np.int64)


def _places(interactions: Interactions, seed: int) -> tuple[Integers, Integers]:
    """How many interactions each user has, and the place of each interaction in its user's history, from 0."""
    number = np.bincount(interactions.user_of, minlength=len(interactions.users)).astype(np.int64)
    order = _by_time(interactions, seed)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - (np.cumsum(number) - number)[interactions.user_of[order]]
    return number, place


def _check_share(share: float, name: str) -> None:
    if not 0 < share < 1:
        raise InputError(f"{name}={share!r}; a share lies between 0 and 1, as in {name}=0.2")
