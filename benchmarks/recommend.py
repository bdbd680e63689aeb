"""Recommendations on MovieLens (ml-latest-small): how good the lists are, beside other libraries, on the same splits.

Every contestant is fitted to the same training interactions, and gives each tested user 10 unseen items; likewise's own
measures judge all of them. Settings come from a grid for each contestant, among them whether ratings count or only that
somebody rated. They are chosen by NDCG@10 on a validation split, made of the training interactions in the same way (the
last item but one of each user; the time before the cut, cut again). Then it is fitted again, and tested once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.data import each, need
from benchmarks.harness import Goal, Settings, Table, reason_of
from likewise.recommend import Attributes, Ease, Factors, Interactions, Neighbours, Popular, Taste, evaluate, measures
from likewise.recommend import splits as cuts

Array = Any
Lists = Callable[[Array], Array]
K = 10
SAMPLES = 1000
ENOUGH = 100  # users: with fewer, no two contestants can be told apart


@dataclass(frozen=True)
class Contestant:
    """A model by name: ``fit(split, **settings)`` gives a function from users (numbers) to lists (users, K)."""

    name: str
    fit: Callable[..., Lists]
    grid: Sequence[dict[str, Any]] = field(default_factory=lambda: [{}])
    ours: bool = False


def ones(split: cuts.Split, ratings: bool = False) -> Any:
    """The training interactions as a CSR matrix of ones, users x items; or of ratings."""
    matrix = sparse.csr_matrix(split.train.matrix, copy=True)
    if not ratings:
        matrix.data[:] = 1.0
    return matrix


# ------------------------------------------------------------------------------------------------ peers


def implicit_als(split: cuts.Split, factors: int, regularization: float, alpha: float, ratings: bool = False) -> Lists:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=factors, regularization=regularization, alpha=alpha, random_state=0, num_threads=1
    )
    return by_implicit(model, split, ratings)


def implicit_neighbours(
    split: cuts.Split, kind: str, neighbours: int, ratings: bool = False, **settings: float
) -> Lists:
    from implicit import nearest_neighbours

    return by_implicit(getattr(nearest_neighbours, kind)(K=neighbours, num_threads=1, **settings), split, ratings)


def by_implicit(model: Any, split: cuts.Split, ratings: bool) -> Lists:
    matrix = ones(split, ratings).astype(np.float32)
    model.fit(matrix, show_progress=False)

    def lists(users: Array) -> Array:
        found, _ = model.recommend(users, matrix[users], N=K, filter_already_liked_items=True)
        return seen_out(found, users, matrix)

    return lists


def seen_out(found: Array, users: Array, matrix: Any) -> Array:
    """Lists without what was seen: implicit fills its lists up with such items where it has no other."""
    out = np.full((len(users), K), -1, np.int64)
    for row, (user, items) in enumerate(zip(users, found, strict=True)):
        seen = set(matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]].tolist())
        kept = [item for item in items.tolist() if item >= 0 and item not in seen][:K]
        out[row, : len(kept)] = kept
    return out


def by_scores(scores: Callable[[Array], Array], split: cuts.Split) -> Lists:
    """Lists from the scores of users x items; -inf and NaN are never recommended. Ties to the lowest number."""
    matrix = ones(split)

    def lists(users: Array) -> Array:
        table = np.array(scores(users), np.float64)
        rows, columns = matrix[users].nonzero()
        table[rows, columns] = -np.inf
        table[np.isnan(table)] = -np.inf
        best = np.argsort(-table, axis=1, kind="stable")[:, :K]
        return np.where(np.take_along_axis(table, best, 1) > -np.inf, best, -1)

    return lists


def lenskit_scorer(split: cuts.Split, kind: str, module: str, **settings: Any) -> Lists:
    import importlib

    from lenskit.data import ItemList, RecQuery, from_interactions_df

    config = {name.removesuffix("_"): value for name, value in settings.items()}
    scorer = getattr(importlib.import_module(f"lenskit.{module}"), kind)(**config)
    data = from_interactions_df(frame(split.train), user_col="user_id", item_col="item_id")
    scorer.train(data)
    matrix, items = ones(split), ItemList(item_ids=np.arange(len(split.train.items)))

    def scores(users: Array) -> Array:
        rows = []
        for user in users.tolist():
            seen = matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]
            history = ItemList(item_ids=seen)
            rows.append(scorer(RecQuery(user_id=user, user_items=history), items).scores())
        return np.array(rows)

    return by_scores(scores, split)


def frame(interactions: Interactions) -> Any:
    import pandas as pd

    return pd.DataFrame({"user_id": interactions.user_of, "item_id": interactions.item_of})


def rectools_model(split: cuts.Split, kind: str, ratings: bool = False, **settings: Any) -> Lists:
    from rectools import models
    from rectools.dataset import Dataset

    table = frame(split.train).assign(weight=split.train.values if ratings else 1.0, datetime="2000-01-01")
    data = Dataset.construct(table)
    model = getattr(models, kind)(**settings)
    model.fit(data)

    def lists(users: Array) -> Array:
        found = model.recommend(users, data, k=K, filter_viewed=True)
        out = np.full((len(users), K), -1, np.int64)
        place = {user: row for row, user in enumerate(users.tolist())}
        rows = np.array([place[user] for user in found["user_id"]])
        out[rows, found["rank"].to_numpy() - 1] = found["item_id"]
        return out

    return lists


# ------------------------------------------------------------------------------------------------ likewise


def own(split: cuts.Split, kind: Any, **settings: Any) -> Lists:
    model = kind(**settings).fit(split.train)
    return lambda users: model.recommend(split.train.users[users], K).indices


# ------------------------------------------------------------------------------------------------ who takes part


def grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Every combination of settings."""
    found: list[dict[str, Any]] = [{}]
    for name, options in values.items():
        found = [one | {name: option} for one in found for option in options]
    return found


def contestants() -> list[Contestant]:
    near = implicit_neighbours
    knn = partial(lenskit_scorer, module="knn")
    either = [False, True]
    few, l2 = [20, 100, 400], [100.0, 200.0]  # a fit of the others' EASE takes half a minute; so all have these two
    half = [2.0, 5.0, 20.0]
    nearest = grid(binary=either, k=few, weighting=[None, "bm25"], shrinkage=[0.0, 20.0], amplification=[1.0, 1.5, 2.0])
    return [
        Contestant("likewise Popular", partial(own, kind=Popular), ours=True),
        Contestant("likewise Ease", partial(own, kind=Ease), grid(l2=l2, binary=either), ours=True),
        Contestant(
            "likewise Ease, fading", partial(own, kind=Ease), grid(l2=l2, binary=either, fading=half), ours=True
        ),
        Contestant("likewise Neighbours", partial(own, kind=Neighbours), nearest, ours=True),
        Contestant(
            "likewise Neighbours, fading",
            partial(own, kind=Neighbours),
            [one | {"fading": value} for one in nearest for value in half],
            ours=True,
        ),
        Contestant(
            "likewise Factors",
            partial(own, kind=Factors),
            grid(binary=either, factors=[16, 32, 64], l2=[0.1, 10.0, 30.0], alpha=[1.0, 4.0, 10.0]),
            ours=True,
        ),
        Contestant(
            "implicit ALS",
            implicit_als,
            grid(ratings=either, factors=[16, 32, 64], regularization=[0.1, 10.0, 30.0], alpha=[1.0, 4.0, 10.0]),
        ),
        Contestant(
            "implicit BM25",
            partial(near, kind="BM25Recommender"),
            grid(ratings=either, neighbours=few, K1=[0.6, 1.2], B=[0.2, 0.5, 0.75]),
        ),
        Contestant(
            "implicit cosine", partial(near, kind="CosineRecommender"), grid(ratings=either, neighbours=[10, *few])
        ),
        Contestant(
            "implicit TF-IDF", partial(near, kind="TFIDFRecommender"), grid(ratings=either, neighbours=[10, *few])
        ),
        Contestant(
            "lenskit ItemKNN", partial(knn, kind="ItemKNNScorer", feedback="implicit"), grid(max_nbrs=[20, 100])
        ),
        Contestant("lenskit EASE", partial(knn, kind="EASEScorer"), grid(regularization=l2)),
        Contestant(
            "lenskit ImplicitMF",
            partial(lenskit_scorer, module="als", kind="ImplicitMFScorer"),
            grid(embedding_size=[32, 64], weight=[1.0, 10.0]),
        ),
        Contestant("RecTools EASE", partial(rectools_model, kind="EASEModel"), grid(ratings=either, regularization=l2)),
        Contestant(
            "RecTools PureSVD",
            partial(rectools_model, kind="PureSVDModel"),
            grid(ratings=either, factors=[8, 16, 32, 64]),
        ),
    ]


# ------------------------------------------------------------------------------------------------ judging


def known_users(split: cuts.Split) -> cuts.Split:
    """Only the users who have a history: libraries differ in what they tell the others."""
    has = np.bincount(split.train.user_of, minlength=len(split.train.users)) > 0
    return split.of(np.repeat(has[split.users], split.relevant))


def judged(lists: Lists, split: cuts.Split) -> dict[str, Array]:
    """Each user's measures."""
    found = np.asarray(lists(split.users), np.int64)
    return measures.accuracy(measures.hits_of(found, (split.offsets, split.indices)), split.relevant)


def best_settings(one: Contestant, validation: cuts.Split, quick: bool) -> dict[str, Any]:
    options = list(one.grid)[: 1 if quick else None]
    if len(options) == 1:
        return options[0]
    values = [judged(one.fit(validation, **settings), validation)["ndcg"].mean() for settings in options]
    return options[int(np.argmax(values))]


def tested(task: str, title: str, what: str, cut: Callable[..., cuts.Split], settings: Settings) -> dict[str, Any]:
    """One split: every contestant, tuned and tested."""
    whole = Interactions.read(need("ml-latest-small/ratings.csv"))
    split = known_users(cut(whole))
    validation = known_users(cut(split.train))
    print(f"\n{title}: {len(split.users):,} users, {len(split.indices):,} held-out interactions")
    values: dict[str, dict[str, Array]] = {}
    chosen: dict[str, str] = {}
    missing = []
    everybody = contestants()
    for one in everybody:
        try:
            best = best_settings(one, validation, settings.quick)
            values[one.name] = judged(one.fit(split, **best), split)
        except Exception as error:
            if one.ours and not isinstance(error, ImportError):
                raise
            missing.append(f"{one.name}: {reason_of(error)}")
            print(f"  {missing[-1]}")
            continue
        chosen[one.name] = ", ".join(f"{name} {value}" for name, value in best.items() if value is not None)
        print(f"  {one.name}: NDCG@{K} {values[one.name]['ndcg'].mean():.4f} ({chosen[one.name]})")
    means = {name: measures.bootstrap_means(found["ndcg"], samples=SAMPLES) for name, found in values.items()}
    middle = {name: float(found["ndcg"].mean()) for name, found in values.items()}
    ours = {one.name for one in everybody if one.ours}
    peers = [name for name in middle if name not in ours]
    best_peer = max(peers, key=middle.__getitem__, default="likewise Popular")
    rows: list[list[Any]] = []
    for name in sorted(middle, key=middle.__getitem__, reverse=True):
        low, high = measures.interval(means[name])
        row: list[Any] = [f"**{name}**" if name in ours else name, middle[name], f"{low:.4f} to {high:.4f}"]
        for other in (best_peer, "likewise Popular"):
            low, high = measures.interval(means[name] - means[other])
            row.append("" if name == other else f"{low:+.4f} to {high:+.4f}")
        row += [float(values[name][measure].mean()) for measure in ("hr", "recall", "map", "mrr")]
        rows.append([*row, chosen[name]])
    columns = [("", "text"), (f"NDCG@{K}", "measure"), ("interval", "text"), (f"less {best_peer}", "text")]
    columns += [("less Popular", "text"), ("HR", "measure"), ("recall", "measure"), ("MAP", "measure")]
    columns += [("MRR", "measure"), ("settings", "text")]
    goals: list[Goal] = []
    if len(split.users) >= ENOUGH:
        tuned = [kind + how for kind in ("likewise Ease", "likewise Neighbours") for how in ("", ", fading")]
        goals = [against(name, best_peer, middle) for name in tuned] + [above(name, means, middle) for name in tuned]
    text = (
        f"{what} {len(split.users):,} users of {len(whole.users):,} with a history are tested, on "
        f"{len(split.indices):,} held-out interactions, among {len(whole.items):,} items. Intervals are of 95%, by "
        f"{SAMPLES:,} bootstrap samples of users, and of differences on the same samples. "
        "Fading looks at the order in which a user rated films, which the others do not; here that is partly the order "
        "of the pages that people rated from."
    )
    if missing:
        text += "\n\nNot measured:\n\n" + "\n".join(f"- {line}" for line in missing)
    return Table(task, title, text, columns, rows, goals).as_dict()


def against(name: str, peer: str, middle: dict[str, float]) -> Goal:
    """At least equal to the best peer on these users."""
    what = f"{name} of {peer} ({middle[name]:.4f}, {middle[peer]:.4f}), NDCG"
    return Goal(what, middle[name] / max(middle[peer], 1e-12), "times", at_least=1)


def above(name: str, means: dict[str, Array], middle: dict[str, float]) -> Goal:
    """Better than what is popular, the interval of the difference apart from 0."""
    base = "likewise Popular"
    low, _ = measures.interval(means[name] - means[base])
    what = f"{name} less Popular ({middle[name]:.4f}, {middle[base]:.4f}), lower end of the interval, of Popular's NDCG"
    return Goal(what, 100 * float(low) / max(middle[base], 1e-12), "%", at_least=0)


def last_item(settings: Settings) -> dict[str, Any]:
    what = "Each user's last item is held out, and has to be among the 10."
    return tested("recommend-last", "The last item of each user", what, cuts.leave_one_out, settings)


def last_part(settings: Settings) -> dict[str, Any]:
    what = "The last fifth of each user's history is held out."
    return tested("recommend-history", "The last fifth of each history", what, cuts.by_history, settings)


def one_cut(settings: Settings) -> dict[str, Any]:
    what = (
        "Everything after one moment is held out: a fifth of all interactions. Most users of these data came for one "
        "day, so few have a history before it, and intervals are wide."
    )
    return tested("recommend-time", "One cut in time", what, cuts.by_time, settings)


# ------------------------------------------------------------------------------------------------ cold items


def cold_items(settings: Settings) -> dict[str, Any]:
    """Items that nobody took, by their genres."""
    whole = Interactions.read(need("ml-latest-small/ratings.csv"))
    films = Attributes.read(need("ml-latest-small/movies.csv"))
    rows: list[list[Any]] = []
    goals = []
    for split in ("items", "history", "time"):
        report = evaluate({"Taste": Taste()}, whole, items=films, split=split, k=K, bootstrap=SAMPLES)
        found = {row["model"]: row for row in report.rows if row["group"] == "cold items"}
        for name, row in found.items():
            less = "" if name == "Popular" else report.difference(name, "ndcg", "cold items")
            gap = less and f"{less['low']:+.4f} to {less['high']:+.4f}"
            cells = [split, f"**{name}**" if name == "Taste" else name, row["users"], row["ndcg"]]
            cells += [f"{row['ndcg_low']:.4f} to {row['ndcg_high']:.4f}", gap, row["hr"], row["recall"], row["mrr"]]
            rows.append(cells)
        if split == "items":
            low = report.difference("Taste", "ndcg", "cold items")["low"] / found["Popular"]["ndcg"]
            what = "Taste less Popular on new items, lower end of the interval, of Popular's NDCG"
            goals.append(Goal(what, 100 * low, "%", at_least=1))
            chance = found["Taste"]["ndcg_low"] / found["(chance)"]["ndcg_high"]
            goals.append(
                Goal("Taste's interval over that of chance: lower end by upper end", chance, "times", at_least=1)
            )
    columns = [("split", "text"), ("", "text"), ("users", "count"), (f"NDCG@{K}", "measure"), ("interval", "text")]
    columns += [("less Popular", "text"), ("HR", "measure"), ("recall", "measure"), ("MRR", "measure")]
    what = (
        "Items without a training interaction, ranked among themselves, for users who have a history. *items*: a fifth "
        "of all items, by chance, are held out altogether; the other splits have some by themselves. Taste compares "
        "genres. To Popular all of them are equal, and it ranks them by id; in MovieLens lower ids are better known "
        "films, so that this says much more than chance does, a random order for each user."
    )
    return Table("recommend-cold", "New items", what, columns, rows, goals).as_dict()


def run(settings: Settings) -> list[dict[str, Any]]:
    tasks = {
        "The last item of each user": last_item,
        "The last fifth of each history": last_part,
        "One cut in time": one_cut,
        "New items": cold_items,
    }
    return each(settings, tasks)
