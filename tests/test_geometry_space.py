"""Spaces: rows read, drawn and searched once for many questions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.geometry import Estimate, Space
from likewise.geometry.estimate import bootstrap


@pytest.fixture
def rows():
    return np.random.default_rng(0).standard_normal((300, 8))


def test_neighbours_are_those_of_topk(rows):
    space = Space(rows, "manhattan")
    found, wanted = space.neighbours(4), lw.topk(rows, None, 4, metric="manhattan")
    assert_array_equal(found.rows, np.arange(300))
    assert_array_equal(found.indices, wanted.indices)
    assert_array_equal(found.values, wanted.values)
    assert_array_equal(space.neighbours(2).indices, wanted.indices[:, :2])  # of the same search
    assert_array_equal(space.neighbours(6).indices, lw.topk(rows, None, 6, metric="manhattan").indices)


def test_drawn_rows_meet_all_rows_and_the_seed_settles_them(rows):
    space = Space(rows, sample=50, seed=3)
    found = space.neighbours(3)
    assert len(found.rows) == 50
    assert_array_equal(found.indices, lw.topk(rows, None, 3, metric="euclidean").indices[found.rows])
    assert_array_equal(found.rows, Space(rows, sample=50, seed=3).neighbours(3).rows)
    assert not np.array_equal(found.rows, Space(rows, sample=50, seed=4).neighbours(3).rows)


def test_threads_change_nothing(rows):
    one, two = (Space(rows, "cosine", n_jobs=n).distances(5) for n in (1, 2))
    assert_array_equal(one, two)


def test_distances(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert_allclose(Space(rows, "cosine").distances(3), lw.topk(unit, None, 3, metric="euclidean").values, rtol=1e-9)
    assert_allclose(Space(rows, "sqeuclidean").distances(3), Space(rows).distances(3), rtol=1e-15)
    left, right = np.array([0, 5]), np.array([9, 5])
    assert_allclose(Space(rows).between(left, right), [np.linalg.norm(rows[0] - rows[9]), 0])
    with pytest.raises(InputError, match="dot says how alike rows are, not how far apart"):
        Space(rows, "dot").distances(3)


def test_bad_rows_are_named_or_left_out(rows):
    rows[[4, 7]] = np.nan
    with pytest.raises(BadRowsError, match=r"items has NaN or infinite values in rows 4, 7; mend them"):
        Space(rows)
    space = Space(rows, on_bad="skip")
    assert space.n == 298
    assert_array_equal(space.kept, np.delete(np.arange(300), [4, 7]))


@pytest.mark.parametrize(
    ("items", "options", "error", "message"),
    [
        (np.ones((2, 3)), {}, ShapeError, "items have 2 rows; the shape of a space shows in 3 at least"),
        (np.ones((2, 4, 3)), {}, ShapeError, "items have shape (2, 4, 3); one set of rows, of shape (n, d), is wanted"),
        (np.ones((5, 3)), {"sample": 1}, InputError, "sample=1; a whole number of rows, 3 at least, is wanted"),
        (np.ones((5, 3)), {"sample": 2.5}, InputError, "sample=2.5; a whole number of rows, 3 at least, is wanted"),
        (np.ones((5, 3)), {"seed": -1}, InputError, "seed=-1; a whole number, 0 at least, is wanted"),
    ],
)
def test_what_is_refused(items, options, error, message):
    with pytest.raises(error) as caught:
        Space(items, **options)
    assert str(caught.value) == message


def test_more_neighbours_than_there_are(rows):
    with pytest.raises(InputError, match="k=300, and a row has 299 others"):
        Space(rows).neighbours(300)


def test_a_space_is_taken_as_it_is(rows):
    space = Space(rows, "manhattan", sample=20, seed=5)
    assert Space.of(space) is space
    assert Space.of(space, "manhattan") is space
    other = Space.of(space, "cosine")
    assert other.metric.name == "cosine"
    assert_array_equal(other.neighbours(2).rows, space.neighbours(2).rows)
    assert Space.of(rows).metric.name == "euclidean"
    with pytest.raises(InputError, match="seed= belongs to the Space, which is made already; say it there"):
        Space.of(space, seed=7)


def test_an_estimate_of_all_rows_is_exact():
    found = bootstrap(np.mean, np.arange(10.0), 10, seed=0)
    assert found == Estimate(4.5, 4.5, 4.5, 10, 10, 1.0)
    assert (found.complete, str(found)) == (True, "4.5")


def test_the_interval_of_drawn_rows_covers_as_often_as_it_says():
    everything = np.random.default_rng(1).exponential(size=20_000)
    rng, hits = np.random.default_rng(2), 0
    for seed in range(200):
        found = bootstrap(np.mean, rng.choice(everything, 200, replace=False), 20_000, seed=seed)
        hits += found.low <= everything.mean() <= found.high
    assert 178 <= hits <= 200  # 95% of 200 is 190, with four standard deviations of 3


def test_draws_for_other_purposes_differ(rows):
    space = Space(rows)
    assert not np.array_equal(space.draw(50, 1), space.draw(50, 2))
    assert_array_equal(space.draw(1000), np.arange(300))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "dot"])
def test_many_rows_are_searched_a_slice_at_a_time(rows, metric, monkeypatch):
    rows[40] = rows[200]  # a tie between two slices
    whole = Space(rows, metric, sample=60, seed=1).neighbours(5)
    monkeypatch.setattr("likewise.geometry.space.SLICE", 8 * 37)
    seen = []
    sliced = Space(rows, metric, sample=60, seed=1, progress=lambda done, total: seen.append(done / total))
    assert_array_equal(sliced.neighbours(5).indices, whole.indices)
    assert_array_equal(sliced.neighbours(5).values, whole.values)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    mask = np.arange(300) % 3 == 0
    found = sliced.search(np.arange(10), 4, mask)
    assert_array_equal(found.indices, lw.topk(rows[:10], rows, 4, metric=metric, where=mask).indices)
