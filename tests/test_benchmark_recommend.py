"""The benchmark of recommendations: that others' lists are read right, and settings are chosen without the test."""

import numpy as np
import pytest

from benchmarks import recommend as bench
from likewise.recommend import Ease, Interactions, Popular
from likewise.recommend.splits import leave_one_out

rng = np.random.default_rng(0)
WHOLE = Interactions.read((rng.integers(30, size=600), rng.integers(40, size=600), None, rng.random(600)))


def test_lists_from_scores():
    split = leave_one_out(WHOLE)
    counts = split.taken.astype(float)
    users = split.users[:9]
    lists = bench.by_scores(lambda asked: np.tile(counts, (len(asked), 1)), split)(users)
    ours = Popular().fit(split.train).recommend(split.train.users[users], bench.K).indices
    np.testing.assert_array_equal(lists, ours)
    counts[5:] = np.nan  # not scored: not recommended
    assert bench.by_scores(lambda asked: np.tile(counts, (len(asked), 1)), split)(users).max() < 5


def test_lists_without_what_was_seen():
    split = leave_one_out(WHOLE)
    matrix = bench.ones(split)
    assert set(matrix.data) == {1}
    user = int(split.users[0])
    seen = matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]].tolist()
    new = [item for item in range(40) if item not in seen][:3]
    (row,) = bench.seen_out(np.array([[new[0], *seen[:2], new[1], -1, new[2]]]), np.array([user]), matrix)
    assert row.tolist() == [*new, *[-1] * (bench.K - 3)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["CosineRecommender", "BM25Recommender"])
def test_implicit_is_asked_as_it_should_be(kind):
    pytest.importorskip("implicit")
    split = leave_one_out(WHOLE)
    lists = bench.implicit_neighbours(split, kind, neighbours=20)(split.users)
    matrix = bench.ones(split)
    for user, items in zip(split.users, lists, strict=True):
        own = items[items >= 0]
        assert len(set(own.tolist())) == len(own)
        assert not np.isin(own, matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]).any()


def test_settings_are_chosen_by_validation():
    split = leave_one_out(WHOLE)
    seen = []

    def fit(asked, bonus):
        seen.append(asked)
        return lambda users: np.full((len(users), bench.K), -1) if bonus else bench.own(asked, Ease)(users)

    one = bench.Contestant("one", fit, bench.grid(bonus=[1, 0, 2]))
    assert bench.best_settings(one, split, quick=False) == {"bonus": 0}
    assert all(asked is split for asked in seen)
    assert bench.best_settings(one, split, quick=True) == {"bonus": 1}


def test_goals():
    means = {"likewise Ease": np.full(9, 0.3), "likewise Popular": np.full(9, 0.2), "peer": np.full(9, 0.4)}
    middle = {name: float(values[0]) for name, values in means.items()}
    goal = bench.above("likewise Ease", means, middle)
    assert goal.met
    assert goal.value == pytest.approx(50)
    goal = bench.against("likewise Ease", "peer", middle)
    assert not goal.met
    assert goal.value == pytest.approx(0.75)
