"""KMeans and KernelDensity: scikit-learn's checks and answers, tails, and integrals."""

import pickle
import re

import numpy as np
import pytest

pytest.importorskip("sklearn")
from scipy.special import logsumexp
from sklearn import cluster, neighbors
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import likewise as lw
from likewise.errors import InputError
from likewise.estimators import KernelDensity, KMeans, density

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)) + 4 * RNG.integers(0, 3, (200, 1))
Q = RNG.normal(size=(50, 3)) * 5
KERNELS = ["gaussian", "exponential", "tophat", "epanechnikov", "linear", "cosine"]


def says(text, error=InputError):
    return pytest.raises(error, match=re.escape(text))


@parametrize_with_checks(
    [
        KMeans(3),
        KMeans(3, metric="cosine", init="random"),
        KMeans(3, metric="manhattan"),
        KernelDensity(),
        KernelDensity(kernel="linear", bandwidth="scott", metric="manhattan"),
    ],
)
def test_conventions(estimator, check):
    check(estimator)


# ---- k-means


def test_clusters_as_scikit_learn_from_the_same_start():
    for dtype in (np.float64, np.float32):
        x = X.astype(dtype)
        ours = KMeans(3, init=x[:3], tol=0).fit(x)
        theirs = cluster.KMeans(3, init=x[:3], n_init=1, tol=0, algorithm="lloyd").fit(x)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-5, atol=1e-5)
        assert ours.cluster_centers_.dtype == dtype
        assert ours.inertia_ == pytest.approx(theirs.inertia_)
        np.testing.assert_array_equal(ours.predict(Q.astype(dtype)), theirs.predict(Q.astype(dtype)))
        np.testing.assert_allclose(ours.transform(Q.astype(dtype)), theirs.transform(Q.astype(dtype)), rtol=1e-4)
        assert ours.score(x) == pytest.approx(-ours.inertia_)


def test_weights_as_scikit_learn_from_the_same_start():
    weights = RNG.integers(0, 3, 200) * 0.7
    ours = KMeans(3, init=X[:3], tol=0).fit(X, sample_weight=weights)
    theirs = cluster.KMeans(3, init=X[:3], n_init=1, tol=0, algorithm="lloyd").fit(X, sample_weight=weights)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-12)
    assert ours.inertia_ == pytest.approx(theirs.inertia_)
    assert ours.score(X, sample_weight=weights) == pytest.approx(theirs.score(X, sample_weight=weights))
    np.testing.assert_array_equal(KMeans(3, init=X[:3], tol=0).fit_predict(X, sample_weight=weights), ours.labels_)


def test_drawn_starts_have_weight():
    weights = np.zeros(200)
    weights[[5, 60, 150]] = 1, 2, 3
    for init in ("random", "k-means++"):
        found = KMeans(3, init=init, random_state=0).fit(X, sample_weight=weights)
        assert found.inertia_ == pytest.approx(0, abs=1e-12)
    with says("init='random' draws n_clusters=4 rows of weight above 0, and there are 3"):
        KMeans(4, init="random").fit(X, sample_weight=weights)
    with pytest.warns(ConvergenceWarning, match="3 distinct clusters found, .* in X, or rows of weight 0"):
        KMeans(4, random_state=0).fit(X, sample_weight=weights)
    with says("sample_weight has shape (1,); one weight a row is wanted: (200,)"):
        KMeans(3).fit(X, sample_weight=[1.0])


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "manhattan"])
@pytest.mark.parametrize(
    "init", ["k-means++", "random", lambda x, k, random_state: x[random_state.permutation(len(x))[:k]]]
)
def test_starts(metric, init):
    one = KMeans(3, init=init, metric=metric, random_state=5).fit(X)
    assert one.score(X) == pytest.approx(-one.inertia_)
    np.testing.assert_array_equal(
        one.labels_, KMeans(3, init=init, metric=metric, random_state=5, n_jobs=1).fit_predict(X)
    )
    more = KMeans(3, init=init, n_init=12, metric=metric, random_state=5).fit(X)
    assert more.inertia_ <= one.inertia_ * (1 + 1e-12)
    again = pickle.loads(pickle.dumps(more.set_params(init="random")))
    np.testing.assert_array_equal(again.predict(Q), more.predict(Q))


def test_refused_clusters():
    for arguments, text in [
        ({"n_clusters": 0}, "n_clusters=0; Expected n_clusters > 0"),
        ({"n_clusters": 201}, "n_samples=200 should be >= n_clusters=201."),
        ({"metric": "chebyshev"}, "k-means by chebyshev is not defined here"),
        (
            {"init": "best"},
            "init='best' is not known; it is 'k-means++', 'random', an array of shape (8, 3) or a function",
        ),
        ({"init": X[:3]}, "init has shape (3, 3); centroids of shape (8, 3) are wanted"),
        ({"n_init": 0}, "n_init=0; Expected n_init > 0"),
        ({"tol": -1}, "tol=-1; a number of at least 0 is wanted"),
    ]:
        with says(text):
            KMeans(**arguments).fit(X)
    with pytest.warns(
        ConvergenceWarning, match="1 distinct clusters found, fewer than n_clusters=2: are there equal rows"
    ):
        assert KMeans(2).fit(np.ones((5, 2))).inertia_ == 0


# ---- density


#: log K(r) up to a constant, where the kernel is not 0
LOG_K = {
    "gaussian": lambda r: -0.5 * r * r,
    "exponential": lambda r: -r,
    "tophat": lambda r: np.where(r < 1, 0, -np.inf),
    "epanechnikov": lambda r: np.log(np.where(r < 1, 1 - r * r, 0)),
    "linear": lambda r: np.log(np.where(r < 1, 1 - r, 0)),
    "cosine": lambda r: np.log(np.where(r < 1, np.cos(np.pi / 2 * r), 0)),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("d", [1, 2, 3, 8])
def test_density_as_scikit_learn(kernel, d):
    """And as by the definition, also where scikit-learn's trees add up rounding errors: 1e-15 of the peak and below.

    Of the cosine kernel scikit-learn normalises odd numbers of features alone; test_the_integral_is_one has two.
    """
    x, q = RNG.normal(size=(200, d)), RNG.normal(size=(50, d))
    for h in (0.3, 2.0, "scott", "silverman"):
        for weights in (None, RNG.uniform(0.1, 2, 200)):
            model = KernelDensity(kernel=kernel, bandwidth=h).fit(x, sample_weight=weights)
            found = model.score_samples(q)
            r = np.sqrt(np.square(q[:, None] - x[None]).sum(-1)) / model.bandwidth_
            with np.errstate(divide="ignore"):
                sums = logsumexp(LOG_K[kernel](r), b=weights, axis=1)
            inside = np.isfinite(sums)
            np.testing.assert_array_equal(np.isfinite(found), inside)
            offset = found[inside] - sums[inside]
            assert np.ptp(offset) < 1e-10 if len(offset) else not inside.any()
            peer = neighbors.KernelDensity(kernel=kernel, bandwidth=h).fit(x, sample_weight=weights)
            assert model.bandwidth_ == peer.bandwidth_
            if kernel != "cosine" or d % 2:
                sure = inside & (sums > np.log(1e-3))
                np.testing.assert_allclose(found[sure], peer.score_samples(q)[sure], rtol=1e-10, atol=1e-10)
                assert sure.any() or kernel not in ("gaussian", "exponential") or h == 0.3


@pytest.mark.parametrize("kernel", KERNELS)
def test_float32_stays_float32(kernel):
    x, q = RNG.normal(size=(200, 3)).astype(np.float32), RNG.normal(size=(50, 3)).astype(np.float32)
    wide = KernelDensity(kernel=kernel).fit(x.astype(np.float64)).score_samples(q.astype(np.float64))
    narrow = KernelDensity(kernel=kernel).fit(x).score_samples(q)
    assert narrow.dtype == np.float64
    np.testing.assert_allclose(narrow, wide, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tails(dtype, monkeypatch):
    """Far out all but the nearest rows count nothing: log K there, to all digits."""
    x = np.array([[0.0], [1.0]], dtype)
    q = np.array([[0.5], [5.0], [12.0], [30.0], [38.0], [39.0], [50.0], [1e3], [1e8]], dtype)
    true = np.logaddexp(-0.5 * q.astype(float) ** 2, -0.5 * (q.astype(float) - 1) ** 2)[:, 0] - np.log(
        2 * np.sqrt(2 * np.pi)
    )
    exact = 1e-13 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(KernelDensity().fit(x).score_samples(q)[:-1], true[:-1], rtol=exact)
    np.testing.assert_allclose(KernelDensity().fit(x).score_samples(q)[-1], true[-1], rtol=1e-12)
    monkeypatch.setattr(density, "WORKING_BYTES", 1)  # one row at a time
    np.testing.assert_allclose(KernelDensity().fit(x).score_samples(q), true, rtol=exact)
    slow = KernelDensity(kernel="exponential", bandwidth=0.1).fit(x)
    peer = neighbors.KernelDensity(kernel="exponential", bandwidth=0.1).fit(x)
    np.testing.assert_allclose(
        slow.score_samples(q), peer.score_samples(q), rtol=1e-6 if dtype == np.float32 else 1e-12
    )
    assert KernelDensity().fit(x).score_samples(np.array([[1e200 if dtype == np.float64 else 1e30]], dtype))[0] < -1e50
    assert KernelDensity(kernel="tophat").fit(x).score_samples(q)[3] == -np.inf


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    "metric",
    [
        "euclidean",
        "manhattan",
        "chebyshev",
        lw.minkowski(p=3),
        lw.minkowski(p=1.5),
        lw.mahalanobis([[2.0, 0.5], [0.5, 1.0]]),
    ],
    ids=str,
)
def test_the_integral_is_one(kernel, metric):
    axis = np.linspace(-14, 14, 281)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    model = KernelDensity(kernel=kernel, metric=metric, bandwidth=1.0).fit(
        [[0.3, 0.1], [1.0, -1.0]], sample_weight=[1, 3]
    )
    assert model.normalized_
    assert np.exp(model.score_samples(grid)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(
        1, abs=0.1 if kernel == "tophat" else 0.01
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("h", [1e-200, 1e-30, 1e-17, 1e17])
def test_bandwidths_whose_squares_a_type_does_not_hold(h, kernel, dtype):
    """Where rows are equal, or all is one row to the bandwidth: K(0) / Z."""
    x = (X if h > 1 else np.round(X)).astype(dtype)
    equal = len(x) if h > 1 else (x == x[0]).all(axis=1).sum()
    alone = KernelDensity(kernel=kernel).fit([[0.0] * 3]).score_samples([[0.0] * 3])[0]
    found = KernelDensity(kernel=kernel, bandwidth=h).fit(x).score_samples(x[:1])[0]
    assert found == pytest.approx(alone - 3 * np.log(h) + np.log(equal / len(x)), rel=1e-9)


def test_formulas_and_similarities():
    formula = KernelDensity(metric=lambda x, y: abs(x - y) ** 1.5, bandwidth=2.0).fit(X)
    assert not formula.normalized_
    values = (np.abs(Q[:, None] - X[None]) ** 1.5).sum(-1)
    exponents = 0.5 * (values / 2) ** 2
    least = exponents.min(axis=1)
    expected = np.log(np.exp(least[:, None] - exponents).mean(axis=1)) - least
    np.testing.assert_allclose(formula.score_samples(Q), expected, rtol=1e-11)
    kernel = KernelDensity(metric="rbf", metric_params={"gamma": 0.5}).fit(X)
    gaussian = KernelDensity().fit(X)
    np.testing.assert_allclose(kernel.score_samples(Q * 30), gaussian.score_samples(Q * 30) + 1.5 * np.log(2 * np.pi))
    assert not kernel.normalized_
    with says("dot gives a density that is negative or NaN for some rows (down to -"):
        KernelDensity(metric="dot").fit(X).score_samples(-Q - 99)


def test_rows_that_weigh_nothing_count_nothing():
    weights = np.arange(200) % 3
    some = KernelDensity(bandwidth=0.2).fit(X, sample_weight=weights)
    repeated = KernelDensity(bandwidth=0.2).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(some.score_samples(Q), repeated.score_samples(Q), rtol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "tophat"])
def test_drawn_rows(kernel):
    model = KernelDensity(kernel=kernel, bandwidth=0.5).fit([[0.0, 0.0], [10.0, 0.0]], sample_weight=[1, 3])
    rows = model.sample(4000, random_state=0)
    np.testing.assert_array_equal(rows, model.sample(4000, random_state=0))
    right = rows[:, 0] > 5
    assert right.mean() == pytest.approx(0.75, abs=0.03)
    steps = rows - np.where(right, 10, 0)[:, None] * [1, 0]
    wanted = 0.25 if kernel == "gaussian" else 0.25 / 4  # of a disc: r^2 / 4
    np.testing.assert_allclose(steps.var(axis=0), wanted, rtol=0.1)
    if kernel == "tophat":
        assert np.linalg.norm(steps, axis=1).max() <= 0.5
    with says("n_samples=-1: a whole number of at least 0 is wanted"):
        model.sample(-1)
    for other in (KernelDensity(kernel="linear"), KernelDensity(metric="manhattan")):
        with says("rows are drawn from kernel='gaussian' and 'tophat' by metric='euclidean', not from"):
            other.fit(X).sample()


def test_a_bandwidth_is_found():
    pipe = make_pipeline(StandardScaler(), KernelDensity())
    grid = {"kerneldensity__bandwidth": [0.01, 0.3, 10.0], "kerneldensity__metric": ["euclidean", "manhattan"]}
    assert GridSearchCV(pipe, grid, cv=3).fit(RNG.permutation(X)).best_params_["kerneldensity__bandwidth"] == 0.3


def test_refused_densities():
    for arguments, text in [
        ({"kernel": "box"}, "kernel='box' is not known; it is one of 'gaussian', 'exponential', 'tophat'"),
        ({"bandwidth": 0}, "bandwidth=0; a positive number is wanted, 'scott' or 'silverman'"),
        ({"bandwidth": "wide"}, "bandwidth='wide' is not known; it is a positive number, 'scott' or 'silverman'"),
        ({"bandwidth": None}, "bandwidth=None is not a number; it is a positive one, 'scott' or 'silverman'"),
    ]:
        with says(text):
            KernelDensity(**arguments).fit(X)
    for weights, text in [
        ([1.0], "sample_weight has shape (1,); one weight a row is wanted: (200,)"),
        (np.full(200, -1.0), "sample_weight has NaN, infinite or negative numbers; a row weighs 0 or more"),
        (np.zeros(200), "sample_weight is zero for every row; at least one has to weigh something"),
        (["a"] * 200, "sample_weight is not an array of numbers"),
    ]:
        with says(text):
            KernelDensity().fit(X, sample_weight=weights)
