"""k-means: against scikit-learn from the same start, and what has to hold whatever the start."""

import itertools
import re

import numpy as np
import pytest

import likewise as lw
from likewise.errors import BadRowsError, InputError, ShapeError, UnknownMetricError

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(6, 9)) * 4
X = (CENTRES[RNG.integers(6, size=700)] + RNG.normal(size=(700, 9))).astype(np.float32)
METRICS = ["sqeuclidean", "euclidean", "cosine", "manhattan"]
metrics = pytest.mark.parametrize("metric", METRICS)


def says(text):
    return pytest.raises(InputError, match="^" + re.escape(text) + "$")


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_as_scikit_learn_from_the_same_start(dtype):
    cluster = pytest.importorskip("sklearn.cluster")
    x = X.astype(dtype)
    for k in (1, 2, 6, 30):
        start = x[:k].copy()
        found = lw.kmeans(x, k, init=start, tol=0)
        peer = cluster.KMeans(k, init=start, n_init=1, tol=0, algorithm="lloyd").fit(x)
        assert found.inertia == pytest.approx(peer.inertia_, rel=1e-5)
        np.testing.assert_array_equal(found.labels, peer.labels_)
        np.testing.assert_allclose(found.centroids, peer.cluster_centers_, rtol=1e-4, atol=1e-5)


def test_as_good_a_start_as_scikit_learn():
    cluster = pytest.importorskip("sklearn.cluster")
    ours = [lw.kmeans(X, 25, seed=seed).inertia for seed in range(8)]
    theirs = [cluster.KMeans(25, n_init=1, random_state=seed).fit(X).inertia_ for seed in range(8)]
    assert np.mean(ours) < 1.02 * np.mean(theirs)


@metrics
def test_labels_are_the_nearest_centroids(metric):
    found = lw.kmeans(X, 7, metric=metric, max_iter=3)
    best = lw.topk(X, found.centroids, 1, metric=metric)
    np.testing.assert_array_equal(found.labels, best.indices[:, 0])
    losses = {"cosine": 1 - best.values, "euclidean": best.values**2}.get(metric, best.values)
    assert found.inertia == pytest.approx(losses.sum(), rel=1e-12)
    assert found.centroids.dtype == np.float32
    assert found.labels.dtype == np.int64


@metrics
def test_centroids_are_the_centres_of_their_rows(metric):
    x = X.astype(np.float64)
    found = lw.kmeans(x, 5, metric=metric, tol=0)
    assert found.iterations < 300
    for label in range(5):
        rows = x[found.labels == label]
        if metric == "cosine":
            centre = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).sum(axis=0)
            centre /= np.linalg.norm(centre)
        else:
            centre = np.median(rows, axis=0) if metric == "manhattan" else rows.mean(axis=0)
        np.testing.assert_allclose(found.centroids[label], centre, rtol=1e-12, atol=1e-12)


@metrics
def test_the_same_bits_for_any_number_of_threads(metric):
    one = lw.kmeans(X, 8, metric=metric, seed=3, n_jobs=1)
    for jobs, limit in ((2, None), (5, "200kB")):
        other = lw.kmeans(X, 8, metric=metric, seed=3, n_jobs=jobs, memory_limit=limit)
        for part, wanted in zip(other, one, strict=True):
            np.testing.assert_array_equal(part, wanted)


def test_seeds_and_starts():
    seeds = [lw.kmeans(X, 12, seed=seed).inertia for seed in range(4)]
    assert len(set(seeds)) > 1
    assert lw.kmeans(X, 12, seed=0, n_init=6).inertia <= seeds[0]


@metrics
def test_inertia_falls_with_every_step(metric):
    x = X.astype(np.float64)
    steps = [lw.kmeans(x, 9, metric=metric, init=x[:9], max_iter=i, tol=0).inertia for i in (1, 2, 4, 8, 16)]
    assert all(after <= before * (1 + 1e-12) for before, after in itertools.pairwise(steps))


@pytest.mark.parametrize("metric", ["sqeuclidean", "manhattan"])
def test_every_row_its_own_cluster(metric):
    found = lw.kmeans(X[:40], 40, metric=metric)
    assert found.inertia == 0
    assert sorted(found.labels) == list(range(40))


def test_one_cluster():
    found = lw.kmeans(X, 1)
    np.testing.assert_allclose(found.centroids[0], X.mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert not found.labels.any()


@metrics
def test_more_clusters_than_distinct_rows(metric):
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] * 5)
    found = lw.kmeans(x, 6, metric=metric)
    assert found.inertia == pytest.approx(0, abs=1e-14)
    assert len(set(found.labels)) == 3
    assert np.isfinite(found.centroids).all()


def test_an_empty_cluster_takes_the_farthest_row():
    x = np.array([[0.0], [1.0], [2.0], [30.0], [31.0]])
    found = lw.kmeans(x, 3, init=[[1.0], [1.0], [-100.0]], tol=0)
    assert len(set(found.labels)) == 3
    assert found.inertia < 4


def test_zero_rows_under_cosine():
    x = np.vstack([np.zeros((2, 3)), np.eye(3), -np.eye(3)])
    found = lw.kmeans(x, 3, metric="cosine")
    assert np.isfinite(found.centroids).all()
    assert found.inertia >= 2  # the cosine of a zero row is 0


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "bool"])
def test_narrow_types(dtype):
    x = (np.abs(X[:200]) % 3).astype(dtype)
    for metric in METRICS:
        found = lw.kmeans(x, 4, metric=metric)
        wide = lw.kmeans(x.astype(np.float64), 4, metric=metric, init=found.centroids, max_iter=1)
        assert found.inertia >= wide.inertia * (1 - 1e-6)
        assert found.centroids.dtype == (np.float32 if dtype == "float16" else np.float64)


@metrics
def test_weights_as_repeated_rows(metric):
    x, counts = X.astype(np.float64), RNG.integers(0, 4, len(X))
    for tol in (0, 1e-2):
        found = lw.kmeans(x, 7, metric=metric, init=x[:7], weights=counts, tol=tol)
        repeated = lw.kmeans(np.repeat(x, counts, axis=0), 7, metric=metric, init=x[:7], tol=tol)
        np.testing.assert_allclose(found.centroids, repeated.centroids, rtol=1e-10, atol=1e-10)
        np.testing.assert_array_equal(np.repeat(found.labels, counts), repeated.labels)
        assert found.inertia == pytest.approx(repeated.inertia, rel=1e-10)
        assert found.iterations >= repeated.iterations  # labels of rows without weight settle too
    np.testing.assert_array_equal(found.labels, lw.topk(x, found.centroids, 1, metric=metric).indices[:, 0])


@metrics
def test_weights_of_one_and_a_start_by_weight(metric):
    plain, ones = (lw.kmeans(X, 5, metric=metric, init=X[:5], weights=weights) for weights in (None, np.ones(700)))
    for part, wanted in zip(ones, plain, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-6)
    weights = np.zeros(700)
    weights[[3, 50, 99]] = 1e-3, 1.0, 2.0
    for seed in range(5):
        found = lw.kmeans(X, 3, metric=metric, weights=weights, seed=seed)
        assert set(found.labels[[3, 50, 99]]) == {0, 1, 2}  # rows without weight are no start and fill no cluster
        assert found.inertia == pytest.approx(0, abs=1e-6)
    again = lw.kmeans(X, 5, metric=metric, weights=RNG.random(700), seed=1, n_jobs=1)
    assert np.isfinite(again.centroids).all()


def test_medians_by_weight():
    def median(weights):
        return lw.kmeans([[0.0], [1.0], [5.0], [9.0]], 1, metric="manhattan", weights=weights).centroids[0, 0]

    assert median([1, 1, 1, 1]) == 3.0
    assert median([1, 1, 1, 0]) == 1.0
    assert median([0.3, 0.3, 0.3, 0.8]) == 5.0
    assert median([2, 0, 0, 2]) == 4.5
    assert median([1, 0, 0, 9]) == 9.0


def test_numbers_whose_squares_float64_does_not_hold():
    x = X.astype(np.float64) * 1e200
    for metric in ("sqeuclidean", "manhattan"):
        with says("float64 does not hold the variance of the rows; scale them, or pass tol=0"):
            lw.kmeans(x, 2, metric=metric)
    with pytest.raises(InputError, match=r"sqeuclidean of a row and its nearest centroid is inf .* scale the rows"):
        lw.kmeans(x, 2, tol=0)
    found, expected = (lw.kmeans(rows, 2, metric="manhattan", init=rows[:2], tol=0) for rows in (x, x / 1e200))
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_torch_comes_out_where_torch_went_in():
    torch = pytest.importorskip("torch")
    found = lw.kmeans(torch.from_numpy(X), 4)
    assert isinstance(found.centroids, torch.Tensor)
    assert isinstance(found.labels, torch.Tensor)
    np.testing.assert_array_equal(found.labels.numpy(), lw.kmeans(X, 4).labels)
    assert lw.kmeans(torch.from_numpy(X).bfloat16(), 4).centroids.dtype == torch.float32


def test_bad_rows():
    x = X[:50].copy()
    x[[3, 7], 1] = np.nan
    with pytest.raises(BadRowsError, match="x has NaN or infinite values in rows 3, 7; mend them, or pass"):
        lw.kmeans(x, 3)
    found, without = lw.kmeans(x, 3, on_bad="skip"), lw.kmeans(np.delete(x, [3, 7], 0), 3)
    assert (found.labels[[3, 7]] == -1).all()
    np.testing.assert_array_equal(np.delete(found.labels, [3, 7]), without.labels)
    np.testing.assert_array_equal(found.centroids, without.centroids)
    weights = np.arange(50.0)
    found = lw.kmeans(x, 3, on_bad="skip", weights=weights, init=x[:3])
    without = lw.kmeans(np.delete(x, [3, 7], 0), 3, weights=np.delete(weights, [3, 7]), init=x[:3])
    np.testing.assert_array_equal(found.centroids, without.centroids)


def test_progress():
    seen = []
    lw.kmeans(X, 3, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == 300 * 700 * 3

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lw.kmeans(X, 3, progress=stop)


def test_errors():
    with says("k=0; at least 1 cluster is to be made"):
        lw.kmeans(X, 0)
    with says("k=2.5 is not a whole number"):
        lw.kmeans(X, 2.5)
    with says("k=6 clusters of 5 rows; there can be no more clusters than rows"):
        lw.kmeans(X[:5], 6)
    with says("k=1 clusters of 0 rows; there can be no more clusters than rows"):
        lw.kmeans(np.empty((0, 3)), 1)
    with says(
        "k-means by chebyshev is not defined here: which centre is nearest to a group's rows is known for sqeuclidean "
        "and euclidean (their mean), cosine (their direction) and manhattan (their median)"
    ):
        lw.kmeans(X, 2, metric="chebyshev")
    with pytest.raises(UnknownMetricError):
        lw.kmeans(X, 2, metric="manhatan")
    with pytest.raises(ShapeError, match=re.escape("x has shape (3,); kmeans takes one set of rows, of shape (n, d)")):
        lw.kmeans([1.0, 2.0, 3.0], 1)
    with pytest.raises(ShapeError, match=re.escape("x has shape (2, 3, 4); kmeans takes one set of rows")):
        lw.kmeans(np.zeros((2, 3, 4)), 1)
    with pytest.raises(ShapeError, match=re.escape("init has shape (3, 9); centroids of shape (2, 9) are wanted")):
        lw.kmeans(X, 2, init=X[:3])
    with pytest.raises(ShapeError, match=re.escape("the last axes must be equal")):
        lw.kmeans(X, 2, init=X[:2, :5])
    with says("init='random' is not known; it is 'k-means++' or an array of shape (2, 9)"):
        lw.kmeans(X, 2, init="random")
    with says("init has NaN or infinite values"):
        lw.kmeans(X, 1, init=np.full((1, 9), np.inf))
    with says("n_init=0; at least 1 is wanted"):
        lw.kmeans(X, 2, n_init=0)
    with says("max_iter='x' is not a whole number"):
        lw.kmeans(X, 2, max_iter="x")
    with says("tol=-1; a number of at least 0 is wanted"):
        lw.kmeans(X, 2, tol=-1)
    with says("tol='x' is not a number"):
        lw.kmeans(X, 2, tol="x")
    with says("weights has shape (3,); one weight a row is wanted: (700,)"):
        lw.kmeans(X, 2, weights=[1, 2, 3])
    with says("weights has NaN, infinite or negative numbers; a row weighs 0 or more"):
        lw.kmeans(X, 2, weights=-np.ones(700))
    with says("weights is zero for every row; at least one has to weigh something"):
        lw.kmeans(X, 2, weights=np.zeros(700))
    with says("seed=-3 is negative"):
        lw.kmeans(X, 2, seed=-3)
    with says("seed=None is not a whole number"):
        lw.kmeans(X, 2, seed=None)
