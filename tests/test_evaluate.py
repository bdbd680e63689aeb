"""Splits, measures and reports of recommenders."""

import itertools

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.recommend import Attributes, Ease, Interactions, Neighbours, Popular, Taste, evaluate
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
from likewise.recommend.report import CHANCE
from likewise.recommend.splits import SPLITS, by_history, by_items, by_time, by_users, leave_one_out

# ---- measures


def some_lists(rng, users=40, items=30, k=7):
    """Lists without repetitions, some padded, and what is relevant."""
    lists = np.array([rng.permutation(items)[:k] for _ in range(users)])
    for row in range(0, users, 5):
        lists[row, rng.integers(k) :] = -1
    relevant = [np.sort(rng.permutation(items)[: rng.integers(1, 13)]) for _ in range(users)]
    offsets = np.cumsum([0, *map(len, relevant)])
    return lists, (offsets, np.concatenate(relevant)), relevant


def test_measures_by_hand():
    hits = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
    found = accuracy(hits, np.array([3, 1, 6]))
    log = np.log2
    expected = {
        "hr": [1, 0, 1],
        "recall": [2 / 3, 0, 4 / 6],
        "precision": [0.5, 0, 1],
        "ndcg": [(1 / log(3) + 1 / log(5)) / (1 + 1 / log(3) + 1 / log(4)), 0, 1],
        "map": [(1 / 2 + 2 / 4) / 3, 0, 4 / 6],
        "mrr": [0.5, 0, 1],
    }
    assert tuple(found) == tuple(expected) == ACCURACY
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-15, err_msg=name)


@pytest.mark.filterwarnings("ignore")
def test_measures_agree_with_ir_measures():
    theirs = pytest.importorskip("ir_measures")
    lists, csr, relevant = some_lists(np.random.default_rng(0))
    k = lists.shape[1]
    found = accuracy(hits_of(lists, csr), np.diff(csr[0]))
    qrels = [theirs.Qrel(f"{u:03}", str(i), 1) for u, items in enumerate(relevant) for i in items]
    run = [
        theirs.ScoredDoc(f"{u:03}", str(i), float(k - rank))
        for u, items in enumerate(lists)
        for rank, i in enumerate(items)
        if i >= 0
    ]
    names = {
        "hr": theirs.Success @ k, "recall": theirs.R @ k, "precision": theirs.P @ k,
        "ndcg": theirs.nDCG @ k, "map": theirs.AP @ k, "mrr": theirs.RR @ k,
    }  # fmt: skip
    for name, measure in names.items():
        rows = {metric.query_id: metric.value for metric in measure.iter_calc(qrels, run)}
        expected = [rows.get(f"{u:03}", 0.0) for u in range(len(lists))]
        np.testing.assert_allclose(found[name], expected, atol=1e-12, err_msg=name)


def test_hits_against_sets():
    lists, csr, relevant = some_lists(np.random.default_rng(1))
    expected = [[i in set(own.tolist()) for i in items.tolist()] for items, own in zip(lists, relevant, strict=True)]
    np.testing.assert_array_equal(hits_of(lists, csr), expected)


def test_padding_is_never_a_hit():
    # with -1 taken for a number, the padding of user 1 would be the last item of user 0
    assert not hits_of(np.array([[0, -1], [-1, -1]]), (np.array([0, 1, 2]), np.array([4, 0]))).any()
    assert not hits_of(np.array([[-1]]), (np.array([0, 0]), np.empty(0, np.int64))).any()


def test_users_without_relevant_items_are_refused():
    with pytest.raises(InputError, match="without relevant items has no recall"):
        accuracy(np.zeros((2, 3), bool), np.array([1, 0]))
    with pytest.raises(InputError, match="1 lists and relevant items of 2 users"):
        hits_of(np.zeros((1, 3), int), (np.array([0, 1, 1]), np.array([0])))


def test_coverage_novelty_and_diversity():
    lists = np.array([[0, 1, 2], [2, 3, -1], [1, -1, -1], [-1, -1, -1]])
    assert coverage(lists, 8) == 0.5
    assert coverage(lists, 0) == 0
    bits = novelty(lists, np.array([16, 8, 1, 0]), 16)  # nobody took item 3: as if one had
    np.testing.assert_array_equal(bits, [5 / 3, 4, 1, np.nan])
    vectors = np.array([[1.0, 0], [0, 2], [3, 3], [0, 0]])
    c = np.sqrt(0.5)
    found = diversity(lists, vectors)
    np.testing.assert_allclose(found, [1 - (0 + c + c) / 3, 1, np.nan, np.nan], rtol=1e-12)
    from scipy.sparse import csr_array

    np.testing.assert_array_equal(diversity(lists, csr_array(vectors)), found)


def test_diversity_pair_by_pair():
    rng = np.random.default_rng(2)
    vectors, lists = rng.standard_normal((20, 5)), np.array([rng.permutation(20)[:6] for _ in range(10)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [np.mean([1 - unit[i] @ unit[j] for i, j in itertools.combinations(row, 2)]) for row in lists]
    np.testing.assert_allclose(diversity(lists, vectors), expected, rtol=1e-12)


def test_bootstrap_intervals():
    values = np.random.default_rng(3).normal(5, 2, 400)
    means = bootstrap_means(np.column_stack([values, values + 1]), samples=2000, seed=1)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1, rtol=1e-9)  # the same users are drawn for all columns
    low, high = interval(means)
    half = 1.96 * values.std() / np.sqrt(400)
    np.testing.assert_allclose([low[0], high[0]], [values.mean() - half, values.mean() + half], atol=0.15 * half)
    np.testing.assert_array_equal(means[:, 0], bootstrap_means(values, samples=2000, seed=1))
    assert (means[:, 0] != bootstrap_means(values, samples=2000, seed=2)).any()
    with pytest.raises(InputError, match="at least one user"):
        bootstrap_means(np.empty(0))


# ---- splits


def some_interactions(rng, users=50, items=40, n=900, text=False):
    """With repetitions, equal times, and one user who has one item."""
    user, item = rng.integers(users - 1, size=n), rng.integers(items, size=n)
    user, item = np.append(user, users - 1), np.append(item, 3)
    times = rng.integers(60, size=n + 1).astype(float)
    ids = [f"u{u:02}" for u in user] if text else user + 100
    return Interactions.read((ids, item * 10, rng.integers(1, 6, n + 1).astype(float), times))


def pairs(interactions):
    return set(zip(interactions.user_of.tolist(), interactions.item_of.tolist(), strict=True))


def targets(split):
    return {
        (int(u), int(i))
        for row, u in enumerate(split.users)
        for i in split.indices[split.offsets[row] : split.offsets[row + 1]]
    }


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("text", [False, True])
def test_nothing_held_out_is_trained_on(name, text):
    whole = some_interactions(np.random.default_rng(4), text=text)
    split = SPLITS[name](whole, seed=1)
    held = targets(split)
    assert held
    assert not held & pairs(split.train)
    assert not held & pairs(split.given)
    assert held <= pairs(whole)
    assert (split.train.users.tolist(), split.train.items.tolist()) == (whole.users.tolist(), whole.items.tolist())
    assert (np.diff(split.users) > 0).all()
    assert (split.relevant > 0).all()
    assert split.relevant.sum() == len(split.indices) == len(held)
    again = SPLITS[name](whole, seed=1)
    np.testing.assert_array_equal(split.indices, again.indices)


def test_leave_one_out_takes_the_last_of_each_user():
    whole = some_interactions(np.random.default_rng(5))
    split = leave_one_out(whole)
    assert (split.relevant == 1).all()
    assert len(split.users) == 49  # all but the one with a single item
    for user, item in targets(split):
        own = whole.user_of == user
        latest = whole.item_of[own & (whole.times == whole.times[own].max())]
        assert item in latest
    other = leave_one_out(whole, seed=9)  # another seed: another of those of the last moment
    assert targets(split) != targets(other)


def test_leave_one_out_without_times_is_a_choice_of_the_seed():
    whole = Interactions.read(([1, 1, 1, 2, 2], [1, 2, 3, 1, 2]))
    found = {tuple(sorted(targets(leave_one_out(whole, seed=seed)))) for seed in range(30)}
    assert len(found) == 6


def test_time_split_knows_nothing_of_the_future():
    whole = some_interactions(np.random.default_rng(6))
    split = by_time(whole, share=0.3)
    cut = split.train.times.max()
    assert (whole.times <= cut).sum() == len(split.train)
    assert 0.65 <= len(split.train) / len(whole) <= 0.75
    late = {(u, i) for u, i, t in zip(whole.user_of, whole.item_of, whole.times, strict=True) if t > cut}
    assert targets(split) == late - pairs(split.train)
    with pytest.raises(InputError, match="wants times, and these interactions have none"):
        by_time(Interactions.read(([1, 1], [1, 2])))


def test_history_split_takes_the_last_part_of_everybody():
    whole = Interactions.read(([1] * 10 + [2] * 3 + [3], [*range(10), 0, 1, 2, 5], None, [*range(10), 2, 1, 0, 0]))
    split = by_history(whole, share=0.2)
    assert targets(split) == {(0, 8), (0, 9), (1, 0)}
    assert pairs(split.train) == pairs(whole) - targets(split)


def test_users_split_gives_the_first_part_of_new_users():
    whole = some_interactions(np.random.default_rng(7))
    split = by_users(whole, share=0.2, given=0.5, seed=3)
    new = np.unique(split.given.user_of)
    assert not np.isin(split.train.user_of, new).any()
    assert len(new) == 10
    assert set(split.users) <= set(new)
    assert whole.users.tolist().index(149) not in new  # with one item there is nothing to ask
    for user in new:
        late = [whole.times[(whole.user_of == u) & (whole.item_of == i)].max() for u, i in targets(split) if u == user]
        assert min(late) >= split.given.times[split.given.user_of == user].max() or not late


def test_items_split_holds_out_whole_items():
    whole = some_interactions(np.random.default_rng(8))
    split = by_items(whole, share=0.25, seed=2)
    assert len(np.unique(split.indices)) == 10
    assert not np.isin(split.train.item_of, split.indices).any()
    assert (split.taken[np.unique(split.indices)] == 0).all()
    assert split.taken.sum() == len(pairs(split.train))


def test_only_what_is_liked_is_relevant():
    whole = some_interactions(np.random.default_rng(9))
    split, all_ = by_time(whole, relevant=4), by_time(whole)
    best = {(u, i) for u, i, v in zip(whole.user_of, whole.item_of, whole.values, strict=True) if v >= 4}
    assert targets(split) < targets(all_)
    assert targets(split) <= best


def test_parts_of_a_split():
    split = by_time(some_interactions(np.random.default_rng(10)))
    few = split.of(split.indices < 5)
    assert targets(few) == {(u, i) for u, i in targets(split) if i < 5}
    assert (few.relevant > 0).all()


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_shares_are_checked(share):
    whole = some_interactions(np.random.default_rng(11))
    for split in (by_time, by_users, by_items):
        with pytest.raises(InputError, match="a share lies between 0 and 1"):
            split(whole, share=share)


def test_too_little_to_hold_out():
    one_each = Interactions.read(([1, 2], [1, 2], None, [1.0, 1.0]))
    with pytest.raises(InputError, match="nothing is left to test on"):
        leave_one_out(one_each)
    with pytest.raises(InputError, match="nothing is left to test on"):
        by_time(one_each)
    with pytest.raises(InputError, match="two or more items, and there are none"):
        by_users(one_each)
    with pytest.raises(InputError, match="nothing is left to train on"):
        by_items(Interactions.read(([1, 2], [7, 7])))


def test_a_matrix_is_the_caller_s_own():
    whole = some_interactions(np.random.default_rng(12))
    before = whole.matrix.toarray()
    whole.matrix.data[:] = 1
    np.testing.assert_array_equal(whole.matrix.toarray(), before)


# ---- reports


def two_tastes(seed=0, users=60, items=24, each=7):
    """Half of the users take even items, half odd ones; four items come late, and were not there before."""
    rng = np.random.default_rng(seed)
    taken = []
    for user in range(users):
        pool = np.arange(user % 2, items - 4, 2)
        late = np.arange(items - 4 + user % 2, items, 2)
        first = rng.permutation(pool)[:each]
        taken += [(f"u{user}", i, 4.0, float(t)) for t, i in enumerate(first)]
        taken.append((f"u{user}", rng.choice(late), 4.0, 100.0))
    films = Attributes.of(np.arange(items), np.eye(2)[np.arange(items) % 2], names=["even", "odd"])
    return Interactions.read(tuple(zip(*taken, strict=True))), films


def plain_ndcg(model, split, k, where=None):
    found = model.recommend(split.train.users[split.users], k, where=where)
    gains = []
    for row, items in enumerate(found.items.tolist()):
        own = split.train.items[split.indices[split.offsets[row] : split.offsets[row + 1]]].tolist()
        dcg = sum(1 / np.log2(rank + 2) for rank, item in enumerate(items) if item in own)
        gains.append(dcg / sum(1 / np.log2(rank + 2) for rank in range(min(k, len(own)))))
    return np.array(gains)


def test_a_report_has_what_the_measures_say():
    taken, films = two_tastes()
    split = by_history(taken, share=0.4)
    report = evaluate({"close": Neighbours(), "taste": Taste()}, taken, items=films, split=split, k=5, bootstrap=300)
    names = list(dict.fromkeys(row["model"] for row in report.rows))
    assert names == ["Popular", "close", "taste", CHANCE]
    base = plain_ndcg(Popular().fit(split.train, items=films), split, 5)
    for name, model in (("close", Neighbours()), ("taste", Taste())):
        each = plain_ndcg(model.fit(split.train, items=films), split, 5)
        row, less = report.row(name), report.difference(name)
        assert row["ndcg"] == pytest.approx(each.mean())
        assert row["ndcg_low"] <= row["ndcg"] <= row["ndcg_high"]
        low, high = interval(bootstrap_means(each - base, samples=300))
        assert (less["difference"], less["low"], less["high"]) == pytest.approx(((each - base).mean(), low, high))
        assert less["apart"] == (low > 0 or high < 0)
    assert 0 < report.row("close")["coverage"] <= 1


def test_new_items_are_ranked_among_themselves():
    taken, films = two_tastes()
    report = evaluate(Taste(), taken, items=films, k=2)  # each user's last item is one of the four new ones
    assert report.row("Taste", "cold items")["users"] == 60
    assert report.row("Taste", "cold items")["hr"] == 1  # two of four are of the right kind
    for name in ("Popular", CHANCE):
        row = report.row(name, "cold items")
        assert 0.2 < row["hr"] < 0.8
    assert report.difference("Taste", "hr", "cold items")["apart"]
    assert "ranked among the 4 of these" in str(report)
    with pytest.raises(InputError, match="there is no row of 'Ease'"):
        report.row("Ease")
    with pytest.raises(InputError, match="there is no difference of 'Popular'"):
        report.difference("Popular")
    assert {row["group"] for row in evaluate(Taste(), taken, items=films, k=2, cold=False).rows} == {"all"}


def test_a_split_made_before_and_items_that_nobody_took():
    taken, films = two_tastes()
    more = Attributes.of([-1, *films.ids, 99], np.vstack([films.vectors[1], films.vectors, films.vectors[0]]))
    one, two = (evaluate([Ease(), Taste()], taken, items=more, split=s, k=3) for s in ("history", by_history(taken)))
    np.testing.assert_equal(one.rows, two.rows)
    alone = evaluate([Ease()], taken, split="history", k=3)
    assert alone.row("Ease")["ndcg"] == one.row("Ease")["ndcg"]


def test_only_new_items_with_the_split_by_items():
    taken, films = two_tastes()
    report = evaluate(Taste(), taken, items=films, split="items", k=3, share=0.3)
    assert {row["group"] for row in report.rows} == {"cold items"}
    assert report.row("Taste", "cold items")["ndcg"] > report.row(CHANCE, "cold items")["ndcg_high"]


def test_users_of_whom_little_is_known():
    taken, films = two_tastes()
    some = np.concatenate([np.flatnonzero(taken.user_of == u)[:: 1 + u % 3] for u in range(60)])
    report = evaluate([Popular(), Taste()], taken.take(some), items=films, split="history", few=3, k=3)
    groups = {row["group"]: row["users"] for row in report.rows}
    assert groups["cold users"] == 40
    assert groups["all"] == 60
    assert "with at most 3 items before; 0 have none" in str(report)


@pytest.mark.parametrize("split", list(SPLITS))
def test_every_split_and_the_same_figures_again(split):
    taken, films = two_tastes(3)
    models = {"taste": Taste(), "ease": Ease(l2=10.0)}
    one = evaluate(models, taken, items=films, split=split, k=4, bootstrap=50, seed=4)
    two = evaluate(models, taken, items=films, split=split, k=4, bootstrap=50, seed=4, n_jobs=1, memory_limit="1MB")
    np.testing.assert_equal(one.rows, two.rows)
    np.testing.assert_equal(one.differences, two.differences)
    assert not hasattr(models["ease"], "_items")  # copies were fitted


def test_without_attributes():
    taken, _ = two_tastes()
    report = evaluate(Neighbours(), taken, split="users", k=3)
    assert report.row("Neighbours")["ndcg"] > report.row("Popular")["ndcg"]
    assert 0 < report.row("Neighbours")["diversity"] < 1


def test_what_is_printed():
    taken, films = two_tastes()
    report = evaluate({"by taste": Taste()}, taken, items=films, k=2, bootstrap=40)
    lines = str(report).splitlines()
    assert lines[0] == "leave one out: each user's last item; k = 2"
    assert lines[2] == "all: 60 users"
    assert lines[3].split()[:3] == ["model", "NDCG@2", "95%"]
    table = [line for line in lines[3:6] if line]
    assert len({line.index("NDCG@2") + len("NDCG@2") for line in table[:1]}) == 1
    assert lines[4].startswith("Popular  ")
    assert lines[5].startswith("by taste ")
    pages = report.to_markdown()
    assert "| model | NDCG@2 | 95% interval | less Popular |" in pages
    assert "|---|---:|" in pages
    assert "nan" not in pages + str(report)


def test_progress_is_told():
    taken, films = two_tastes()
    seen = []
    evaluate([Taste()], taken, items=films, bootstrap=10, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_what_cannot_be_evaluated():
    taken, films = two_tastes()
    with pytest.raises(InputError, match="split='random' is not known; there are leave-one-out, time"):
        evaluate(Popular(), taken, split="random")
    with pytest.raises(InputError, match="leave-one-out holds out one item of each user"):
        evaluate(Popular(), taken, share=0.2)
    with pytest.raises(InputError, match="two models are called Taste; name them"):
        evaluate([Taste(), Taste()], taken, items=films)
    with pytest.raises(InputError, match="'one' is a str; a Recommender is wanted"):
        evaluate({"one": "ease"}, taken)
    with pytest.raises(InputError, match="'Popular' is what the baseline is called"):
        evaluate({"Popular": Taste()}, taken, items=films)
    with pytest.raises(InputError, match="give their attributes"):
        evaluate(Taste(), taken)


@pytest.mark.parametrize("stored", [1, 50, 1 << 20])
def test_diversity_does_not_depend_on_how_many_lists_are_looked_at_together(stored, monkeypatch):
    from scipy.sparse import csr_array

    rng = np.random.default_rng(4)
    vectors, lists = rng.poisson(0.3, (20, 15)).astype(float), rng.integers(-1, 20, (40, 5))
    whole = diversity(lists, vectors)
    monkeypatch.setattr("likewise.recommend.measures._STORED", stored)
    np.testing.assert_array_equal(diversity(lists, vectors), whole)
    np.testing.assert_allclose(diversity(lists, csr_array(vectors)), whole, rtol=1e-12)
    assert diversity(lists[:0], vectors).shape == (0,)
