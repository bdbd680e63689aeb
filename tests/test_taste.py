"""Taste: recommendation by what items are. New items and new users, decay, dislikes, reasons."""

import numpy as np
import pytest

import likewise as lw
from likewise.backends.llvm.target import using
from likewise.errors import InputError
from likewise.recommend import Attributes, Blend, Ease, Interactions, Popular, Taste, load
from likewise.recommend.taste import centred

rng = np.random.default_rng(0)
IDS = [f"i{n:02}" for n in rng.permutation(40)]  # in no order
VECTORS = rng.standard_normal((40, 6)).astype(np.float32)
ITEMS = Attributes.of(IDS, VECTORS, names=list("abcdef"))


def some_interactions(users=15, items=30, n=200):
    """Of the first 30 items: nobody took the other 10."""
    return Interactions.read(
        (
            rng.integers(users, size=n) + 1,
            [IDS[i] for i in rng.integers(items, size=n)],
            rng.integers(1, 11, n) / 2,
            rng.integers(1_000_000, size=n).astype(float),
        )
    )


KINDS = {"id": [1, 2, 3, 4], "kind": ["horror", "drama", "horror", "drama"]}
TAKEN = some_interactions()


def definition(taken, items, user, *, half_life=None, negative=None, pull=0.25, recent=None, unit=True):
    """The user's vector and all items' in plain float64, as taste.py's first page has them; items by rising id."""
    order = np.argsort(items.ids)
    v = items.vectors[order].astype(float)
    v = v - v.mean(axis=0)
    if unit:
        v /= np.linalg.norm(v, axis=1, keepdims=True)
    h = taken.histories()
    own = slice(h.offsets[user], h.offsets[user + 1])
    place = {name: row for row, name in enumerate(items.ids[order].tolist())}
    rows = np.array([place[taken.items[i]] for i in h.items[own]])
    values, times = h.values[own], h.times[own]
    weight = np.ones(len(rows)) if half_life is None else 0.5 ** ((times.max() - times) / half_life)
    if recent is not None:
        weight[np.argsort(times, kind="stable")[:-recent]] = 0
    limit = {None: -np.inf, "mean": values.mean()}.get(negative, negative)
    liked = values >= limit
    point = np.zeros(v.shape[1])
    for of, amount in ((liked, 1), (~liked, -pull)):
        if weight[of].sum() > 0:
            point += amount * (weight[of, None] * v[rows[of]]).sum(axis=0) / weight[of].sum()
    return point, v, rows


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"half_life": 200_000.0},
        {"negative": "mean"},
        {"negative": 3.0, "pull": 1.0},
        {"recent": 3},
        {"recent": 2, "half_life": 100_000.0, "negative": "mean"},
    ],
)
@pytest.mark.parametrize("metric", ["cosine", "dot", "manhattan", "euclidean"])
def test_lists_are_those_of_the_definition(metric, settings):
    model = Taste(metric, **settings).fit(TAKEN, items=ITEMS)
    found = model.recommend(None, 5)
    assert model.items.tolist() == sorted(IDS)
    for user in range(len(TAKEN.users)):
        point, v, rows = definition(TAKEN, ITEMS, user, unit=metric == "cosine", **settings)
        scores = lw.pairwise(point[None], v, metric=metric)[0]
        scores = scores if lw.metrics[metric].closer == "larger" else -scores
        scores[rows] = -np.inf
        best = np.argsort(-scores, kind="stable")[:5]
        np.testing.assert_array_equal(found.indices[user], best)
        np.testing.assert_allclose(found.scores[user], scores[best], rtol=1e-5, atol=1e-6)


def test_items_that_nobody_took_are_recommended():
    new = set(IDS[30:])
    found = Taste().fit(TAKEN, items=ITEMS).recommend(None, 40)
    assert new <= set(found.items[found.items != None].tolist())  # noqa: E711
    assert not new & set(Popular().fit(TAKEN).recommend(None, 10).items.ravel().tolist())


def test_new_users_have_the_lists_of_old_ones_with_the_same_history():
    plain = Interactions(TAKEN.users[TAKEN.user_of], TAKEN.items[TAKEN.item_of])
    model = Taste().fit(plain, items=ITEMS)
    histories = [sorted(set(plain.items[plain.item_of[plain.user_of == u]].tolist())) for u in range(len(plain.users))]
    old, new = model.recommend(None, 7), model.recommend(histories, 7)
    np.testing.assert_array_equal(old.indices, new.indices)
    np.testing.assert_array_equal(old.scores, new.scores)


def test_new_items_join_without_interactions_of_their_own():
    more = Attributes.of([*IDS, "new"], np.vstack([VECTORS, VECTORS[:1]]))  # the twin of item 0
    model = Taste().fit(TAKEN, items=more)
    assert model.recommend([[IDS[0]]], 1).items[0, 0] == "new"
    assert model.similar_items(IDS[0], 1).items.tolist() == ["new"]


@pytest.mark.parametrize("options", [{"n_jobs": 1}, {"n_jobs": 2}, {"memory_limit": 50_000}])
def test_the_same_bits_however_it_is_computed(options):
    model = Taste(half_life=300_000.0, negative="mean").fit(TAKEN, items=ITEMS)
    found, one = model.recommend(None, 6), [model.recommend(user, 6) for user in model.users.tolist()]
    again = model.recommend(None, 6, **options)
    for a, b, c in zip(
        found[1:], again[1:], (np.stack(part) for part in list(zip(*one, strict=True))[1:]), strict=True
    ):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize("target", ["portable", "avx2"])
def test_the_same_bits_on_other_processors(target):
    model = Taste(negative="mean").fit(TAKEN, items=ITEMS)
    found = model.recommend(None, 6)
    with using(target):
        again = Taste(negative="mean").fit(TAKEN, items=ITEMS).recommend(None, 6)
    for a, b in zip(found[1:], again[1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_dislikes_pull_away():
    films = Attributes.read(
        {"id": [1, 2, 3, 4], "kind": [["horror"], ["drama"], ["horror"], ["drama"]]}, lists=["kind"]
    )
    taken = ([7, 7], [1, 2], [5.0, 1.0])
    liking = Taste(negative=3).fit(taken, items=films)
    assert liking.recommend(7, 2).items.tolist() == [3, 4]
    turned = Taste(negative=3).fit(([7, 7], [1, 2], [1.0, 5.0]), items=films)
    assert turned.recommend(7, 2).items.tolist() == [4, 3]
    # dislikes alone: away from them
    only = Taste(negative=3).fit(([7], [1], [1.0]), items=films)
    assert only.recommend(7, 3).items.tolist() == [2, 4, 3]


def test_equal_values_are_no_dislikes():
    values = [0.1 + 0.2] * 7  # whose mean, rounded, is above each
    taken = ([1] * 7, IDS[:7], values)
    mean, none = (Taste(negative=how).fit(taken, items=ITEMS).recommend(1, 5) for how in ("mean", None))
    np.testing.assert_array_equal(mean.scores, none.scores)


def test_what_is_recent_counts_more():
    films = Attributes.read(
        {"id": [1, 2, 3, 4], "kind": [["horror"], ["drama"], ["horror"], ["drama"]]}, lists=["kind"]
    )
    for early, late, first in ((1, 2, 4), (2, 1, 3)):
        taken = ([7, 7], [early, late], None, [0.0, 10.0])
        for model in (Taste(half_life=1.0), Taste(recent=1)):
            assert model.fit(taken, items=films).recommend(7, 1).items.tolist() == [first]


# ---- reasons


@pytest.mark.parametrize("settings", [{}, {"half_life": 200_000.0, "negative": "mean"}, {"metric": "dot"}])
def test_reasons_add_up_to_the_score(settings):
    model = Taste(**settings).fit(TAKEN, items=ITEMS)
    for user in model.users.tolist()[:5]:
        found = model.recommend(user, 40)
        for item, score in zip(found.items[:20], found.scores, strict=False):
            by_names, by_items = model.explain(user, item), model.explain(user, item, by="items")
            for why in (by_names, by_items):
                assert why.item == item
                assert why.score == pytest.approx(score, rel=1e-12)
                assert why.amounts.sum() == pytest.approx(score, abs=1e-5)
                assert (np.diff(why.amounts) <= 0).all()
            assert set(by_names.names) <= set("abcdef")
            assert set(by_items.names) <= set(IDS[:30])


def test_reasons_name_attributes():
    films = Attributes.read({"id": [1, 2, 3], "genres": ["crime|drama", "horror", "crime"]})
    why = Taste().fit(([1], [1]), items=films).explain(1, 3)
    assert dict(zip(why.names, np.sign(why.amounts), strict=True)) == {
        "not genres=horror": 1,  # neither has it
        "genres=crime": 1,
        "not genres=drama": -1,
    }


def test_reasons_of_a_distance():
    model = Taste("manhattan").fit(TAKEN, items=ITEMS)
    why = model.explain(1, IDS[35])
    assert why.score < 0
    assert why.amounts.sum() == pytest.approx(why.score, abs=1e-5)
    with pytest.raises(InputError, match="manhattan is no sum over the items of a history"):
        model.explain(1, IDS[35], by="items")
    with pytest.raises(InputError, match="the value of euclidean is no sum over coordinates"):
        Taste("euclidean").fit(TAKEN, items=ITEMS).explain(1, IDS[35])
    with pytest.raises(InputError, match="by='words' is not known"):
        model.explain(1, IDS[35], by="words")


# ---- nothing to go by


def test_without_a_history_what_is_popular():
    model, popular = Taste().fit(TAKEN, items=ITEMS), Popular().fit(TAKEN, items=ITEMS)
    assert model.recommend([[]], 5).items.tolist() == popular.recommend([[]], 5).items.tolist()
    assert model.explain([], IDS[3]).names == ["popularity"]


def test_a_history_of_items_of_which_nothing_is_known():
    some = Attributes.of(IDS[:20], VECTORS[:20])
    model, popular = Taste().fit(TAKEN, items=some), Popular().fit(TAKEN, items=some)
    unknown = [[IDS[25], IDS[27]], [IDS[25], IDS[3]]]
    found = model.recommend(unknown, 8)
    assert found.items[0].tolist() == popular.recommend(unknown, 8).items[0].tolist()
    for item, score in zip(found.items[0], found.scores[0], strict=True):
        assert model.explain(unknown[0], item).score == score
    known = model.recommend([[IDS[3]]], 8)
    assert found.scores[1, :5] == pytest.approx(known.scores[0, :5])
    # and such items have no likeness to anything
    assert model.explain([IDS[3]], IDS[25]).score == 0
    assert model.explain([IDS[3]], IDS[25]).amounts.sum() == 0


def test_a_catalogue_of_one_item():
    model = Taste().fit((["ann"], ["x"]), items=Attributes.of(["x"], [[1.0, 2.0]]))
    found = model.recommend("ann", 2)
    assert found.items.tolist() == [None, None]
    assert np.isnan(found.scores).all()
    assert found.indices.tolist() == [-1, -1]
    again = model.recommend("ann", 2, exclude_seen=False)
    assert again.items.tolist() == ["x", None]
    assert again.scores[0] == 1  # by popularity: nothing tells it from the others


def test_items_that_are_all_alike():
    model = Taste().fit(([1], [5]), items=Attributes.of([5, 6, 7], np.ones((3, 4))))
    assert model.recommend(1, 2).items.tolist() == [6, 7]
    assert model.recommend(1, 2).scores.tolist() == [0, 0]  # by popularity


def test_centring():
    rows = np.array([[1, 0], [3, 0], [9, 9], [2, 3]], np.float32)
    out, mean, lengths = centred(rows, np.array([0, 1, 3]), unit=False)
    assert (mean.tolist(), lengths.tolist()) == ([2, 1], [1, 1, 1, 1])
    np.testing.assert_allclose(out, [[-1, -1], [1, -1], [0, 0], [0, 2]])
    out, mean, lengths = centred(rows, np.array([0, 1, 3]), unit=True)
    np.testing.assert_allclose((out * lengths[:, None] + mean)[[0, 1, 3]], rows[[0, 1, 3]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), [1, 1, 0, 1], rtol=1e-6)
    assert not centred(rows, np.empty(0, np.int64), unit=True)[0].any()
    assert not centred(np.full((3, 2), 0.1, np.float32), np.arange(3), unit=True)[0].any()


# ---- filters, files, errors


def test_filters_and_diversity():
    model = Taste().fit(TAKEN, items=ITEMS)
    few = [IDS[31], IDS[2], IDS[17]]
    found = model.recommend(None, 3, where=few, exclude_seen=False)
    assert all(sorted(row) == sorted(few) for row in found.items.tolist())
    assert model.recommend(None, 6, diversify=0.0).items.tolist() == model.recommend(None, 6).items.tolist()
    plain, mixed = model.recommend(None, 6), model.recommend(None, 6, diversify=0.7)
    assert plain.items[:, 0].tolist() == mixed.items[:, 0].tolist()
    assert plain.items.tolist() != mixed.items.tolist()


def test_saved_and_loaded(tmp_path):
    model = Taste("dot", half_life=200_000.0, negative=2.5, pull=0.5, recent=9).fit(TAKEN, items=ITEMS)
    model.save(tmp_path / "taste.likewise")
    again = load(tmp_path / "taste.likewise")
    assert isinstance(again, Taste)
    assert repr(again) == repr(model)
    for a, b in zip(model.recommend(None, 8), again.recommend(None, 8), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.explain(3, IDS[33]).names == model.explain(3, IDS[33]).names


def test_in_a_blend(tmp_path):
    model = Blend([(Ease(), 0.7), (Taste(negative="mean"), 0.3)]).fit(TAKEN, items=ITEMS)
    model.save(tmp_path / "both.likewise")
    again = load(tmp_path / "both.likewise")
    for a, b in zip(model.recommend(None, 8), again.recommend(None, 8), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(IDS[30:]) & set(model.recommend(None, 20).items.ravel().tolist())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"half_life": 0}, "half_life=0; a time above 0"),
        ({"negative": "median"}, "negative='median'; it is 'mean', a number"),
        ({"pull": -1}, "pull=-1; a number of at least 0"),
        ({"recent": 0}, "recent=0; at least 1"),
        ({"metric": "cosin"}, "did you mean"),
        ({"metric": lw.metrics["cosine"]}, "a metric's name is wanted"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(InputError, match=message):
        Taste(**settings)


def test_what_cannot_be_fitted():
    with pytest.raises(InputError, match="Taste compares what items are: give their attributes"):
        Taste().fit(TAKEN)
    with pytest.raises(InputError, match="half_life= needs times"):
        Taste(half_life=1.0).fit(([1], ["i01"]), items=ITEMS)
    with pytest.raises(InputError, match="recent= needs times"):
        Taste(recent=1).fit(([1], ["i01"]), items=ITEMS)
    with pytest.raises(InputError, match="no column makes coordinates"):
        Taste().fit(([1], ["x"]), items={"id": ["x", "y"], "title": ["X", "Y"]})
    with pytest.raises(InputError, match="items= are numbers, and the items of the interactions are text"):
        Taste().fit(([1], ["x"]), items=Attributes.of([1], [[1.0]]))
    with pytest.raises(InputError, match="has not been fitted"):
        Taste().recommend([1])
    with pytest.raises(InputError, match="'i0' is not known; did you mean 'i"):
        Taste().fit(TAKEN, items=ITEMS).recommend([["i0"]])
