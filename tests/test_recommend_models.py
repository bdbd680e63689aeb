"""Every recommender: by its own definition, and by what all of them promise."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from types import MappingProxyType

import numpy as np
import pytest

import likewise as lw
from likewise.compute.options import read_options
from likewise.errors import InputError, ShapeError
from likewise.recommend import Blend, Ease, Factors, Interactions, Neighbours, Popular, load
from likewise.recommend.blend import _all_scores
from likewise.recommend.diversity import pool_size
from likewise.recommend.serving import best_of_scores

OPTIONS = read_options(2, None, "raise", None)
USERS, ITEMS = 40, 60


def made(seed=0, users=USERS, items=ITEMS, share=0.15, text=True):
    """Interactions in which every item is taken, as popular ones are: some much more than others."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, items + 1) ** 0.7
    n = max(int(users * items * share), 1)
    user, item = rng.integers(0, users, n), rng.choice(items, n, p=weight / weight.sum())
    user, item = np.append(user, rng.integers(0, users, items)), np.append(item, np.arange(items))
    names = np.array([f"film {i:03}" for i in range(items)])[item] if text else item * 10
    return Interactions.read((user + 100, names, rng.integers(1, 11, len(user)) / 2, rng.random(len(user))))


def factors(taken, d=8, seed=1, **settings):
    vectors = np.random.default_rng(seed).standard_normal((len(taken.items), d)).astype(np.float32)
    return Factors.from_items(vectors, taken, **settings)


MODELS = {
    "Popular": lambda taken: Popular().fit(taken),
    "Popular, half-life": lambda taken: Popular(half_life=0.2).fit(taken),
    "Neighbours": lambda taken: Neighbours(k=20).fit(taken),
    "Neighbours, jaccard": lambda taken: Neighbours(k=7, metric="jaccard").fit(taken),
    "Neighbours, bm25 dot": lambda taken: Neighbours(k=9, metric="dot", weighting="bm25").fit(taken),
    "Neighbours, users": lambda taken: Neighbours(by="users", k=10).fit(taken),
    "Neighbours, users, jaccard": lambda taken: Neighbours(by="users", k=10, metric="jaccard").fit(taken),
    "Ease": lambda taken: Ease(l2=5.0).fit(taken),
    "Ease, primal": lambda taken: Ease(l2=5.0).fit(taken.take(taken.item_of < 25).with_items(taken.items[:25])),
    "Factors": factors,
    "Blend": lambda taken: Blend([(Ease(l2=5.0), 1.0), (Neighbours(k=9), 0.5), (Popular(), 0.1)]).fit(taken),
    "Blend, ranks": lambda taken: Blend([(Ease(l2=5.0), 1.0), (Popular(), 0.5)], by="ranks").fit(taken),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param](made())


@pytest.fixture(scope="module")
def taken():
    return made()


def check(found, model, histories, k, mask=None, exclude=True):
    """Against the model's own scores, sorted."""
    scores = _all_scores(model, histories, OPTIONS)
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape).copy()
    if exclude:
        allowed[np.repeat(np.arange(len(histories)), histories.counts), histories.items] = False
    for row in range(len(histories)):
        order = np.argsort(np.where(allowed[row], -scores[row], np.inf), kind="stable")[:k]
        order = order[allowed[row, order]]
        assert found.indices[row, : len(order)].tolist() == order.tolist()
        np.testing.assert_allclose(found.scores[row, : len(order)], scores[row, order], rtol=1e-12, atol=1e-14)
        assert (found.indices[row, len(order) :] == -1).all()
        assert np.isnan(found.scores[row, len(order) :]).all()
        assert found.items[row].tolist() == [*model.items[order].tolist(), *[None] * (k - len(order))]


# ---- what all promise


def test_the_best_unseen_items_and_no_others(model):
    check(model.recommend(k=12), model, model._histories, 12)


def test_seen_items_on_request(model):
    check(model.recommend(k=12, exclude_seen=False), model, model._histories, 12, exclude=False)


def test_where_admits_exactly_k_of_them(model):
    m = len(model.items)
    rng = np.random.default_rng(3)
    for share in (0.3, 0.9):
        mask = rng.random(m) < share
        found = model.recommend(k=5, where=mask)
        check(found, model, model._histories, 5, mask)
        by_id = model.recommend(k=5, where=model.items[mask])
        np.testing.assert_array_equal(by_id.indices, found.indices)
        check(model.recommend(k=5, where=mask, exclude_seen=False), model, model._histories, 5, mask, exclude=False)
    none = model.recommend(k=3, where=np.zeros(m, bool))
    assert (none.indices == -1).all()
    assert np.isnan(none.scores).all()
    assert none.items[0].tolist() == [None] * 3


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_few_admitted_items_for_those_with_and_without_a_history(model, count, exclude_seen):
    admitted = list(model.items[20 : 20 + count])
    lists = [[model.items[0]], []]
    both = model.recommend(lists, 4, where=admitted, exclude_seen=exclude_seen)
    for row, history in enumerate(lists):
        alone = model.recommend([history], 4, where=admitted, exclude_seen=exclude_seen)
        np.testing.assert_array_equal(both.indices[row], alone.indices[0])
        np.testing.assert_array_equal(both.scores[row], alone.scores[0])
    assert (np.sort(both.indices, axis=1) == [-1] * (4 - count) + list(range(20, 20 + count))).all()


def test_models_are_pickled_and_copied_after_use(model):
    found, alike = model.recommend(k=5), model.similar_items(model.items[:3], 4)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        same, like = again.recommend(k=5), again.similar_items(again.items[:3], 4)
        np.testing.assert_array_equal(same.items, found.items)
        np.testing.assert_array_equal(same.scores, found.scores)
        np.testing.assert_array_equal(like.scores, alike.scores)
        assert repr(again) == repr(model)


def test_what_does_not_fit_in_memory_is_refused_at_once(model):
    for call in (lambda: model.similar_items(model.items[0], 10**12), lambda: model.recommend(k=10**12)):
        with pytest.raises(InputError, match="does not fit in memory"):
            call()


def test_any_mapping_is_a_history_with_values(taken):
    model = Ease(l2=5.0).fit(taken)
    history = {taken.items[0]: 5.0, taken.items[3]: 1.0}
    as_dict, as_view = model.recommend([history], 5), model.recommend([MappingProxyType(history)], 5)
    np.testing.assert_array_equal(as_view.scores, as_dict.scores)
    assert (as_dict.scores != model.recommend([list(history)], 5).scores).any()


def test_more_than_there_are(model):
    m = len(model.items)
    check(model.recommend(k=m + 7), model, model._histories, m + 7)


def test_the_answer_does_not_depend_on_memory_or_threads(model):
    whole = model.recommend(k=8)
    for options in ({"memory_limit": "1MB"}, {"n_jobs": 1}, {"n_jobs": 2, "memory_limit": 40_000}):
        part = model.recommend(k=8, **options)
        np.testing.assert_array_equal(part.indices, whole.indices)
        np.testing.assert_array_equal(part.scores, whole.scores)
    one = model.recommend(model.users[5], k=8)
    assert one.indices.shape == (8,)
    np.testing.assert_array_equal(one.scores, whole.scores[5])
    some = model.recommend([model.users[7], model.users[5], model.users[7]], k=8)
    np.testing.assert_array_equal(some.scores, whole.scores[[7, 5, 7]])


def test_a_new_user_with_the_same_history_gets_the_same(model):
    if "users" in repr(model):
        pytest.skip("somebody new has everybody for neighbours, also the user of that history")
    kept = model._histories
    row = 4
    items, values = model.items[kept.items], kept.values
    here = slice(kept.offsets[row], kept.offsets[row + 1])
    history = dict(zip(items[here].tolist(), values[here].tolist(), strict=True))
    new, known = model.recommend([history], 8), model.recommend(model.users[row], 8)
    assert new.items[0].tolist() == known.items.tolist()
    np.testing.assert_allclose(new.scores[0], known.scores, rtol=1e-9)


def test_interactions_of_new_users(model):
    taken = Interactions.read((["x", "y", "y"], [*model.items[[3, 1]], model.items[3]], [4.0, 2.0, 5.0]))
    found = model.recommend(taken, 6)
    as_lists = [{model.items[3]: 4.0}, {model.items[1]: 2.0, model.items[3]: 5.0}]
    np.testing.assert_array_equal(found.scores, model.recommend(as_lists, 6).scores)
    assert not set(found.items[1]) & {model.items[1], model.items[3]}


def test_nothing_taken_gives_what_is_popular(model):
    found = model.recommend([[], [model.items[0]], []], 5)
    assert (found.indices >= 0).all()
    np.testing.assert_array_equal(found.indices[0], found.indices[2])
    alone = model.recommend([[]], 5)
    np.testing.assert_array_equal(alone.indices[0], found.indices[0])
    if model._needs_history:
        order = np.argsort(-model._popularity, kind="stable")[:5]
        assert found.indices[0].tolist() == order.tolist()
    parts = model.explain([], alone.items[0, 0])
    assert parts.amounts.sum() == pytest.approx(parts.score, rel=1e-5)
    assert parts.score == pytest.approx(alone.scores[0, 0])


def test_nobody(model):
    assert model.recommend([], 5).indices.shape == (0, 5)
    assert model.recommend(np.empty(0, np.int64), 5).scores.shape == (0, 5)


def test_explanations_add_up_to_the_score(model):
    found = model.recommend(model.users[:6], 3)
    for user, items, scores in zip(model.users[:6], found.items, found.scores, strict=True):
        for item, score in zip(items, scores, strict=True):
            why = model.explain(user, item)
            assert why.item == item
            assert why.score == pytest.approx(score, rel=1e-9)
            assert len(why.names) == len(why.amounts)
            assert abs(why.amounts.sum() - score) <= 1e-5 * max(np.abs(why.amounts).sum(), 1e-9)
            assert (np.diff(why.amounts) <= 0).all()
            assert str(why).startswith(f"{item}: ")
    new = model.explain([model.items[1], model.items[2]], model.items[5])
    assert abs(new.amounts.sum() - new.score) <= 1e-5 * max(np.abs(new.amounts).sum(), 1e-9)


def test_diversity_of_zero_is_plain_order(model):
    plain, same = model.recommend(k=10), model.recommend(k=10, diversify=0)
    np.testing.assert_array_equal(plain.scores, same.scores)
    np.testing.assert_array_equal(plain.indices, same.indices)


def test_maximal_marginal_relevance(model):
    found = model.recommend(model.users[:4], 6, diversify=0.4)
    p = min(pool_size(6), len(model.items))
    pool = model.recommend(model.users[:4], p)
    for row in range(4):
        items, scores = pool.indices[row], pool.scores[row]
        items, scores = items[items >= 0], scores[items >= 0]
        span = scores.max() - scores.min()
        worth = (scores - scores.min()) / (span if span > 0 else 1)
        alike, chosen = model._similarity(items), []
        while len(chosen) < 6:
            value = [
                -np.inf if i in chosen else 0.6 * worth[i] - (0.4 * max(alike[i, chosen]) if chosen else 0)
                for i in range(len(items))
            ]
            chosen.append(int(np.argmax(value)))
        assert found.indices[row].tolist() == items[chosen].tolist()
        np.testing.assert_array_equal(found.scores[row], scores[chosen])


@pytest.mark.parametrize("diversify", [0.0, 0.5, 1.0])
def test_diverse_lists_are_padded_too(model, diversify):
    mask = np.zeros(len(model.items), bool)
    mask[:4] = True
    found = model.recommend(k=6, where=mask, diversify=diversify)
    plain = model.recommend(k=6, where=mask)
    for row, other in zip(found.indices, plain.indices, strict=True):
        assert sorted(row.tolist()) == sorted(other.tolist())
        count = int((row >= 0).sum())
        assert (row[count:] == -1).all()


def test_the_pool_of_a_diverse_list_is_bounded(taken, monkeypatch):
    assert [pool_size(k) for k in (1, 20, 21, 1000, 3000)] == [100, 100, 105, 2000, 3000]
    monkeypatch.setattr("likewise.recommend.diversity._LONGEST", 59)
    with pytest.raises(InputError, match="all of 60 items with each other; ask for k <= 59"):
        Popular().fit(taken).recommend(k=60, diversify=0.5, exclude_seen=False)


def test_similar_items(model):
    found = model.similar_items(model.items[:5], 6)
    assert found.items.shape == (5, 6)
    for row in range(5):
        assert row not in found.indices[row].tolist()
        assert (np.diff(found.scores[row]) <= 0).all()
    one = model.similar_items(model.items[2], 6)
    np.testing.assert_array_equal(one.scores, found.scores[2])
    everything = model.similar_items(model.items[0], len(model.items) + 3)
    assert everything.items[-1] is None


def test_saved_and_loaded(model, tmp_path):
    path = tmp_path / "model.likewise"
    model.save(path)
    for again in (load(path), type(model).load(path)):
        assert type(again) is type(model)
        assert repr(again) == repr(model)
        for users in (None, [[model.items[0], model.items[7]]]):
            before, after = model.recommend(users, 9), again.recommend(users, 9)
            np.testing.assert_array_equal(before.scores, after.scores)
            assert before.items.tolist() == after.items.tolist()
        assert (
            again.explain(model.users[0], model.items[3]).names == model.explain(model.users[0], model.items[3]).names
        )
    other = Ease if not isinstance(model, Ease) else Popular
    with pytest.raises(InputError, match=f"holds likewise.recommend.{type(model).__name__}, not "):
        other.load(path)


def test_unknown_names(model):
    with pytest.raises(InputError, match=r"user 1 is not known; did you mean 100\?"):
        model.recommend(1)
    with pytest.raises(InputError, match="user 'ann' is text"):
        model.recommend("ann")
    with pytest.raises(InputError, match=r"item 'film 0001' is not known; did you mean 'film "):
        model.recommend([["film 0001"]])
    with pytest.raises(InputError, match="item 'what' is not known"):
        model.explain(model.users[0], "what")
    with pytest.raises(InputError, match="item 'what' is not known"):
        model.recommend(k=3, where=["what"])
    with pytest.raises(InputError, match="item 'what' is not known"):
        model.similar_items("what")


def test_arguments_that_do_not_fit(model):
    with pytest.raises(InputError, match="k=0"):
        model.recommend(k=0)
    with pytest.raises(ShapeError, match="booleans for all"):
        model.recommend(where=np.ones(3, bool))
    for bad in (-0.1, 1.1, np.nan, "much"):
        with pytest.raises(InputError, match="diversify is a number from 0"):
            model.recommend(diversify=bad)
    with pytest.raises(InputError, match="either ids or histories"):
        model.recommend([100, ["film 001"]])
    with pytest.raises(InputError, match="put a history into a list"):
        model.recommend({"film 001": 3})
    with pytest.raises(InputError, match="histories: row 1 "):
        model.recommend([{"film 001": np.nan}])


def test_progress_is_reported(model):
    seen = []
    model.recommend(k=3, progress=lambda done, total: seen.append((done, total)), memory_limit=20_000)
    assert seen[-1] == (len(model.users), len(model.users))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("make", [Popular, Neighbours, Ease, lambda: Neighbours(by="users")])
def test_before_fitting_and_with_nothing_to_fit(make):
    with pytest.raises(InputError, match=r"has not been fitted; call fit\(interactions\) first"):
        make().recommend([[1]])
    with pytest.raises(InputError, match="there are no interactions"):
        make().fit(([], []))


@pytest.mark.parametrize(
    "make", [Popular, Neighbours, lambda: Neighbours(by="users"), Ease, lambda: Neighbours(metric="jaccard")]
)
def test_one_item_and_one_user(make):
    model = make().fit(([1], ["only"]))
    assert model.recommend(1, 2).items.tolist() == [None, None]
    assert model.recommend(1, 2, exclude_seen=False).items[0] == "only"
    assert model.recommend([[]], 1).items.tolist() == [["only"]]
    assert model.similar_items("only", 1).items.tolist() == [None]
    assert model.explain(1, "only").score == pytest.approx(model.explain(1, "only").amounts.sum())
    with_cold = make().fit(([1], ["only"]), items=["other", "third"])
    assert with_cold.items.tolist() == ["only", "other", "third"]
    assert with_cold.recommend(1, 5).items.tolist() == ["other", "third", None, None, None]


def test_a_catalogue_may_be_a_table():
    table = {"id": ["third", "only"], "title": ["The third", "The only one"]}
    assert Popular().fit(([1], ["only"]), items=table).items.tolist() == ["only", "third"]
    import pandas

    assert Popular().fit(([1], ["only"]), items=pandas.DataFrame(table)).items.tolist() == ["only", "third"]


def test_fitting_does_not_depend_on_threads(taken):
    for make in (Neighbours, lambda: Neighbours(weighting="bm25")):
        one, two = (make().fit(taken, n_jobs=n).recommend(k=9) for n in (1, 2))
        np.testing.assert_array_equal(one.scores, two.scores)


def test_items_of_another_kind_are_refused():
    with pytest.raises(InputError, match="items= are numbers, and the items of the interactions are text"):
        Popular().fit(([1], ["only"]), items=[3])


def test_integer_ids_come_back_as_integers(tmp_path):
    model = Popular().fit(made(text=False))
    found = model.recommend(100, 3)
    assert all(type(item) is int and item % 10 == 0 for item in found.items)
    model.save(tmp_path / "model")
    assert all(type(item) is int for item in load(tmp_path / "model").recommend(100, 3).items)


# ---- each by its own definition


def test_popular_leaves_out_whatever_was_seen():
    rng = np.random.default_rng(3)
    for m, k in ((1, 1), (5, 2), (9, 9), (30, 4)):
        users, items = rng.integers(0, 12, 8 * m), np.append(rng.integers(0, m, 7 * m), np.arange(m))
        taken = Interactions.read((users, items))
        model = Popular().fit(taken)
        admitted = rng.random(m) < 0.7
        found = model.recommend(k=k, where=admitted)
        counts, seen = model.recommend([[]], m, exclude_seen=False), taken.matrix.toarray() > 0
        order = counts.indices[0][counts.indices[0] >= 0]
        for row in range(len(taken.users)):
            expected = [i for i in order if admitted[i] and not seen[row, i]][:k]
            assert found.indices[row].tolist() == expected + [-1] * (k - len(expected))


def test_popular_counts_and_decays(taken):
    model = Popular().fit(taken)
    matrix = taken.matrix.toarray()
    np.testing.assert_array_equal(model._scores(taken.histories(), OPTIONS)[0], (matrix != 0).sum(axis=0))
    kept = taken.histories()
    decayed = np.zeros(ITEMS)
    np.add.at(decayed, kept.items, 2.0 ** (-(kept.times.max() - kept.times) / 0.2))
    found = Popular(half_life=0.2).fit(taken)._scores(kept, OPTIONS)
    np.testing.assert_allclose(found[0], decayed)
    with pytest.raises(InputError, match="needs times"):
        Popular(half_life=1).fit(([1], [2]))
    with pytest.raises(InputError, match="a time above 0"):
        Popular(half_life=0)


def cosine(rows, shrinkage):
    norm = np.sqrt((rows**2).sum(axis=1))
    return rows @ rows.T / (np.outer(norm, norm) + shrinkage)


def pruned(alike, k):
    """Each row's k largest above 0, itself left out."""
    alike = alike.copy()
    np.fill_diagonal(alike, 0)
    for row in alike:
        row[np.argsort(-row, kind="stable")[k:]] = 0
    return np.maximum(alike, 0)


@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
@pytest.mark.parametrize("weighting", [None, "tfidf", "bm25"])
def test_neighbours_by_items(taken, weighting, shrinkage):
    values = taken.matrix.toarray()
    values /= np.sqrt((values[values != 0] ** 2).mean())
    rows = values.T
    rarity = np.log(1 + len(rows) / np.maximum((rows != 0).sum(axis=0), 1))
    if weighting == "tfidf":
        rows = np.sqrt(rows) * rarity
    if weighting == "bm25":
        length = 0.25 + 0.75 * rows.sum(axis=1, keepdims=True) / rows.sum(axis=1).mean()
        rows = rows * 2.2 / (rows + 1.2 * length) * rarity
    expected = values @ (pruned(cosine(rows, shrinkage or 1e-300), 7) ** 1.5).T
    model = Neighbours(k=7, weighting=weighting, shrinkage=shrinkage).fit(taken)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), expected, rtol=1e-10, atol=1e-12)
    similar = model.similar_items(taken.items[:4], 3).scores
    alike = cosine(rows, shrinkage or 1e-300)
    np.fill_diagonal(alike, -1)
    np.testing.assert_allclose(similar, -np.sort(-alike[:4], axis=1)[:, :3])


def test_neighbours_by_users(taken):
    values = taken.matrix.toarray()
    values /= np.sqrt((values[values != 0] ** 2).mean())
    expected = pruned(cosine(values, 20.0), 6) ** 1.5 @ values
    model = Neighbours(by="users", k=6, weighting=None).fit(taken)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), expected, rtol=1e-10, atol=1e-12)
    why = model.explain(taken.users[0], taken.items[0])
    assert set(why.names) <= set(taken.users.tolist())


def test_jaccard_looks_at_sets(taken):
    ones = (taken.matrix.toarray() != 0) * 1.0
    common = ones.T @ ones
    either = ones.sum(axis=0)[:, None] + ones.sum(axis=0) - common
    expected = ones @ (pruned(common / (either + 5.0), 9) ** 1.5).T
    model = Neighbours(k=9, metric="jaccard").fit(taken)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), expected, rtol=1e-10)
    plain = Neighbours(k=9, metric="jaccard", shrinkage=0, amplification=1).fit(taken)
    expected = ones @ pruned(common / either, 9).T
    np.testing.assert_allclose(plain._scores(taken.histories(), OPTIONS), expected, rtol=1e-10)


def test_a_distance_counts_as_a_similarity(taken):
    ones = (taken.matrix.toarray() != 0) * 1.0
    apart = (ones.T[:, None] != ones.T[None]).sum(axis=2)
    alike = 1 / (1 + apart)
    model = Neighbours(k=60, metric="manhattan", amplification=1, binary=True).fit(taken)
    np.fill_diagonal(alike, 0)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), ones @ alike, rtol=1e-10)
    shares = 1 - apart / USERS
    np.fill_diagonal(shares, 0)
    model = Neighbours(k=60, metric="hamming", amplification=1, binary=True).fit(taken)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), ones @ np.maximum(shares, 0), rtol=1e-10)


def test_neighbours_by_a_formula_of_ones_own(taken, tmp_path):
    overlap = lw.metric(lambda x, y: lw.math.minimum(abs(x), abs(y)), closer="larger", name="overlap")
    values = taken.matrix.toarray()
    values /= np.sqrt((values[values != 0] ** 2).mean())
    alike = np.minimum(values.T[:, None], values.T[None]).sum(axis=2)
    model = Neighbours(k=8, metric=overlap, amplification=1).fit(taken)
    np.testing.assert_allclose(model._scores(taken.histories(), OPTIONS), values @ pruned(alike, 8).T, rtol=1e-10)
    with pytest.raises(InputError, match=r"a metric of one's own \(overlap\) cannot be saved"):
        model.save(tmp_path / "model")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"by": "films"}, "by='films' is not known"),
        ({"weighting": "idf"}, "weighting='idf' is not known"),
        ({"shrinkage": -1}, "at least 0 is wanted"),
        ({"metric": "dot", "shrinkage": 3}, "shrinkage= goes with the metrics 'cosine' and 'jaccard', not with dot"),
        ({"metric": "cosin"}, "cosine"),
        ({"k": 0}, "k=0"),
        ({"amplification": 0}, "amplification=0; a number above 0"),
    ],
)
def test_neighbours_refuse(settings, message):
    with pytest.raises(InputError, match=message):
        Neighbours(**settings)


@pytest.mark.parametrize("binary", [False, True])
def test_ease_is_its_closed_form_either_way(taken, binary):
    few = taken.take(taken.item_of < 30).with_items(taken.items[:30])  # fewer items than users, and the other way
    for here in (taken, few):
        matrix = here.matrix.toarray()
        x = (matrix != 0) * 1.0 if binary else matrix
        scaled = x / np.sqrt((x[x != 0] ** 2).mean())
        inverse = np.linalg.inv(scaled.T @ scaled + 3.0 * np.eye(x.shape[1]))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        model = Ease(l2=3.0, binary=binary).fit(here)
        assert model._dual == (len(here.users) < len(here.items))
        np.testing.assert_allclose(model._scores(here.histories(), OPTIONS), x @ weights, rtol=1e-8, atol=1e-10)
        every = np.arange(x.shape[1])
        np.testing.assert_allclose(model._weights(every, 4), weights[:, 4], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(
            model.similar_items(here.items[4], 3).scores, -np.sort(-np.delete(weights[4], 4))[:3], rtol=1e-8
        )


def test_ease_refuses(monkeypatch):
    for l2 in (0, -1, np.nan, np.inf):
        with pytest.raises(InputError, match="a number above 0 is wanted"):
            Ease(l2=l2)
    from likewise.recommend import ease

    monkeypatch.setattr(ease, "physical_memory", lambda: 1000.0)
    with pytest.raises(InputError, match="Ease keeps 40 x 40 numbers for 40 users and 60 items"):
        Ease().fit(made())


def test_values_of_zero_leave_ease_without_an_opinion():
    model = Ease().fit(([1, 1, 2], ["a", "b", "a"], [0.0, 0.0, 0.0]))
    assert model.recommend(2, 1).items.tolist() == ["b"]
    assert model.recommend(2, 1).scores.tolist() == [0.0]


def test_factors_fold_in_by_the_closed_form(taken):
    model = factors(taken, l2=0.5, alpha=2.0)
    values = taken.matrix.toarray()
    y, mean = model._vectors.astype(float), taken.histories().values.mean()
    for user in (0, 7, 31):
        confidence = 1 + 2.0 * values[user] / mean * (values[user] != 0)
        left = (y.T * confidence) @ y + 0.5 * np.eye(8)
        x = np.linalg.solve(left, y.T @ (confidence * (values[user] != 0)))
        np.testing.assert_allclose(model._users_vectors[user], x, rtol=1e-5, atol=1e-6)
    several = factors(taken, l2=0.5, alpha=2.0)._folded(taken.histories().take(np.array([3, 3, 9])), 1)
    np.testing.assert_array_equal(several, model._users_vectors[[3, 3, 9]])


def test_factors_are_learned(taken):
    pytest.importorskip("implicit")
    model = Factors(factors=6, iterations=5, seed=3).fit(taken)
    again = Factors(factors=6, iterations=5, seed=3).fit(taken, n_jobs=1)
    np.testing.assert_array_equal(model._vectors, again._vectors)
    check(model.recommend(k=5), model, model._histories, 5)
    other = Factors(factors=6, iterations=5, seed=4).fit(taken)
    assert (other._vectors != model._vectors).any()
    seen = []
    Factors(factors=4, iterations=2).fit(taken, progress=lambda *state: seen.append(state))
    assert seen == [(1, 2), (2, 2)]


def test_factors_refuse(taken):
    for settings in ({"factors": 0}, {"factors": 2.5}, {"iterations": 0}, {"l2": 0}, {"alpha": -1}):
        with pytest.raises(InputError, match="is wanted"):
            Factors(**settings)
    with pytest.raises(ShapeError, match=r"vectors have shape \(3, 2\) for 60 items"):
        Factors.from_items(np.ones((3, 2)), taken)
    with pytest.raises(InputError, match="NaN or infinite"):
        Factors.from_items(np.full((60, 2), np.nan), taken)
    with pytest.raises(InputError, match="some are negative"):
        Factors.from_items(np.ones((2, 2)), ([1, 1], ["a", "b"], [-1.0, 1.0]))


def test_without_implicit_the_message_says_how_to_install_it(taken, monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(lw.errors.MissingExtraError, match=r"pip install 'likewise\[recommend-als\]'"):
        Factors(factors=4).fit(taken)


def test_without_scipy_the_message_says_how_to_install_it(taken, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(lw.errors.MissingExtraError, match=r"pip install 'likewise\[recommend\]'"):
        Popular().fit(taken)


def test_blend_of_deviations_and_of_ranks(taken):
    from scipy.stats import rankdata

    ease, popular = Ease(l2=5.0).fit(taken), Popular().fit(taken)
    histories = taken.histories()
    scores = [ease._scores(histories, OPTIONS), popular._scores(histories, OPTIONS)]
    unit = [(s - s.mean(axis=1, keepdims=True)) / s.std(axis=1, keepdims=True) for s in scores]
    blend = Blend([(Ease(l2=5.0), 2.0), (Popular(), -0.5)]).fit(taken)
    np.testing.assert_allclose(blend._scores(histories, OPTIONS), 2 * unit[0] - 0.5 * unit[1], rtol=1e-9, atol=1e-9)
    ranks = [1 / (60 + rankdata(-s, axis=1)) for s in scores]
    blend = Blend([(Ease(l2=5.0), 2.0), (Popular(), 1.0)], by="ranks").fit(taken)
    np.testing.assert_allclose(blend._scores(histories, OPTIONS), 2 * ranks[0] + ranks[1], rtol=1e-9)
    assert (
        Blend([(Ease(l2=5.0), 1.0)]).fit(taken).recommend(100, 5).items.tolist()
        == ease.recommend(100, 5).items.tolist()
    )


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "a list of"),
        ([Ease()], "a list of"),
        (Ease(), "a list of"),
        ([("Ease", 1)], "'Ease' is no model"),
        ([(Ease(), 0)], "not all of them 0"),
        ([(Ease(), np.nan)], "not all of them 0"),
    ],
)
def test_blend_refuses(models, message):
    with pytest.raises(InputError, match=message):
        Blend(models)


# ---- selection


def test_the_best_of_scores_with_ties_and_gaps():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (50, 31)).astype(float)
    scores[rng.random(scores.shape) < 0.2] = np.nan
    scores[3] = np.nan
    for k in (1, 5, 31, 40):
        found = best_of_scores(scores.copy(), k, None, None)
        for row, line in enumerate(scores):
            order = [
                i for i in np.argsort(np.where(np.isnan(line), np.inf, -line), kind="stable") if line[i] == line[i]
            ]
            expected = (order + [-1] * 31)[: min(k, 31)]
            assert found.indices[row].tolist() == expected
    assert best_of_scores(np.empty((0, 4)), 2, None, None).indices.shape == (0, 2)
    assert best_of_scores(np.empty((3, 0)), 2, None, None).indices.shape == (3, 0)


# ---- size

LARGE = """
import resource, sys
import numpy as np
from likewise.recommend import Factors, Interactions
n = m = 1_000_000
rng = np.random.default_rng(0)
users = np.repeat(np.arange(n), 5)
items = (m * rng.random(len(users)) ** 2).astype(np.int64)
items[:m] = np.arange(m)
taken = Interactions.read((users, items))
vectors = rng.standard_normal((m, 64), dtype=np.float32)
model = Factors.from_items(vectors, taken)
found = model.recommend(np.arange(0, n, 1000), 10)
assert found.indices.shape == (1000, 10) and (found.indices >= 0).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.skipif(not os.environ.get("LIKEWISE_LARGE"), reason="a million users and items: set LIKEWISE_LARGE=1")
def test_a_million_users_and_items_within_two_gigabytes():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2048


def test_fading_counts_what_was_taken_later():
    users = [0, 0, 0, 0, 1, 1]
    taken = Interactions(
        users, [10, 11, 12, 13, 11, 10], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [5.0, 9.0, 5.0, 7.0, 1.0, 2.0]
    )
    histories = taken.histories()
    assert histories.later().tolist() == [2, 0, 2, 1, 0, 1]  # 10 and 12 were taken at one time
    np.testing.assert_allclose(histories.fading(2.0), 0.1 + 0.9 * 2.0 ** -np.array([1, 0, 1, 0.5, 0, 0.5]))
    assert histories.fading(None).tolist() == [1.0] * 6
    assert Interactions(users, [10, 11, 12, 13, 11, 10]).histories().fading(2.0).tolist() == [1.0] * 6
    assert histories.take(np.array([1])).later().tolist() == [0, 1]


@pytest.mark.parametrize("kind", [Ease, Neighbours, lambda **how: Neighbours(by="users", **how)])
def test_a_faded_history_is_one_of_smaller_values(kind):
    rng = np.random.default_rng(0)
    users, items = np.divmod(rng.choice(30 * 40, 400, replace=False), 40)
    taken = Interactions(users, items, rng.integers(1, 6, 400) / 1.0, rng.permutation(400) / 1.0)
    plain, faded = kind().fit(taken), kind(fading=3.0).fit(taken)
    histories = taken.histories()
    less = dataclasses.replace(histories, values=histories.values * histories.fading(3.0))
    if isinstance(plain, Neighbours):
        np.testing.assert_allclose(faded._scores(histories, OPTIONS), plain._scores(less, OPTIONS), rtol=1e-10)
    new = dataclasses.replace(less, users=np.full(len(less), -1))  # a fitted user's scores are kept by Ease
    if isinstance(plain, Ease):
        np.testing.assert_allclose(faded._scores(histories, OPTIONS), plain._scores(new, OPTIONS), rtol=1e-8, atol=1e-9)
    assert not np.allclose(faded._scores(histories, OPTIONS), plain._scores(histories, OPTIONS))
    for user in taken.users[:5]:
        found = faded.recommend(user, 3)
        why = faded.explain(user, found.items[0])
        assert why.score == pytest.approx(found.scores[0], rel=1e-9)
        assert why.amounts.sum() == pytest.approx(why.score, rel=1e-5)
    assert faded.recommend([[taken.items[0]]], 2).scores == pytest.approx(plain.recommend([[taken.items[0]]], 2).scores)
    with pytest.raises(InputError, match="fading=0; a number of items above 0, or None, is wanted"):
        kind(fading=0)
    with pytest.raises(InputError, match="fading='soon'"):
        kind(fading="soon")


def test_one_thing_that_is_no_id():
    model = Popular().fit(([1, 1, 2], [5, 6, 6]))
    with pytest.raises(InputError, match=r"^users=1.5; an id is wanted, or a sequence of ids or of histories$"):
        model.recommend(1.5)
    with pytest.raises(InputError, match=r"^users=b'x'; an id"):
        model.recommend(b"x")
    with pytest.raises(InputError, match=r"^where=5.0; ids of items are wanted, or a boolean for each item$"):
        model.recommend(1, where=5.0)
    with pytest.raises(InputError, match=r"^items=5.0; an id is wanted, or a sequence of ids$"):
        model.similar_items(5.0)
    assert model.recommend(2, 1, where=5).items.tolist() == [5]  # one id, as with text


@pytest.mark.parametrize("k", [10**9, 10**12])
def test_a_result_that_does_not_fit_in_memory(k, monkeypatch):
    monkeypatch.setattr("likewise.recommend.serving.physical_memory", lambda: 16e9)
    model = Ease().fit(([1, 1, 2], [5, 6, 6]))
    for call in (lambda: model.recommend(1, k), lambda: model.similar_items(5, k)):
        with pytest.raises(InputError, match=r"^a result of 1 x [0,1]+ does not fit in memory; ask for fewer"):
            call()


@pytest.mark.parametrize("kind", [Popular, Neighbours, Ease])
def test_items_that_are_not_known_are_an_error_or_left_out(kind):
    model = kind().fit((["ann", "ann", "bob", "cid"], ["Heat", "Alien", "Alien", "Fargo"]))
    lists = [["Heat", "Nope"], ["Nope"], [], {"Alien": 2.0, 5: 1.0}]
    with pytest.raises(InputError, match="item 'Nope'"):
        model.recommend(lists[:2], 2)
    found = model.recommend(lists[:3], 2, on_unknown="skip")
    wanted = model.recommend([["Heat"], [], []], 2)
    assert found.items.tolist() == wanted.items.tolist()
    np.testing.assert_array_equal(found.scores, wanted.scores)
    others = Interactions(["x", "x", "y"], ["Heat", "Nope", "Nope"])
    assert model.recommend(others, 2, on_unknown="skip").items.tolist() == wanted.items.tolist()[:2]
    with pytest.raises(InputError, match="item 'Nope'"):
        model.recommend(others, 2)
    with pytest.raises(InputError, match="on_unknown='ignore' is not known"):
        model.recommend(lists, 2, on_unknown="ignore")
