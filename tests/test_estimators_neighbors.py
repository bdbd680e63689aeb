"""Nearest-neighbour estimators: scikit-learn's checks, its answers, and what only any metric asks for."""

import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
import joblib
import scipy.sparse as sp
from sklearn import neighbors as peers
from sklearn.base import clone
from sklearn.cluster import DBSCAN, SpectralClustering
from sklearn.datasets import load_digits, make_blobs
from sklearn.manifold import TSNE
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import likewise as lw
from likewise.errors import BadRowsError, InputError, UnknownMetricError
from likewise.estimators import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    RadiusNeighborsClassifier,
)
from likewise.estimators import search as engine
from likewise.estimators.base import threads

RNG = np.random.default_rng(0)
#: Whole numbers: distances tie often, and are the same however they are summed.
X = RNG.integers(0, 4, (150, 5)).astype(np.float64)
Q = RNG.integers(0, 4, (60, 5)).astype(np.float64)
Y = RNG.integers(0, 3, 150)
WORDS = np.array(["no", "perhaps", "yes"])[Y]
DIGITS = load_digits(return_X_y=True)
METRICS = ["euclidean", "manhattan", "chebyshev", "canberra", "braycurtis"]


def says(text, error=InputError):
    return pytest.raises(error, match=re.escape(text))


@parametrize_with_checks(
    [
        KNeighborsClassifier(),
        KNeighborsClassifier(weights="distance", metric="angular"),  # takes sparse rows
        KNeighborsRegressor(metric=lw.metric(lambda x, y: abs(x - y) ** 1.5)),
        KNeighborsTransformer(),
        RadiusNeighborsClassifier(),
    ]
)
def test_conventions(estimator, check):
    check(estimator)


# ---- as scikit-learn


@pytest.mark.parametrize(("k", "score"), [(1, 0.99137), (5, 0.98046)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_digits(k, score, dtype):
    x, y = DIGITS
    x_train, x_test, y_train, y_test = train_test_split(x.astype(dtype), y, test_size=0.25, random_state=0)
    found = KNeighborsClassifier(k).fit(x_train, y_train).predict(x_test)
    # at the 5th place 658 and 1130 tie for row 122: scikit-learn's trees take the lower as we do, its brute force not
    tree = peers.KNeighborsClassifier(k, algorithm="kd_tree").fit(x_train, y_train)
    np.testing.assert_array_equal(found, tree.predict(x_test))
    assert f1_score(y_test, found, average="macro") == pytest.approx(score, abs=5e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "weights", ["uniform", "distance", lambda v: np.exp(-v)], ids=["uniform", "distance", "function"]
)
def test_classes_and_shares_as_scikit_learn(metric, weights):
    x, q = abs(RNG.normal(size=(150, 5))), abs(RNG.normal(size=(60, 5)))
    x[:20] = q[:20]  # at distance 0
    both = [
        module(7, weights=weights, metric=metric, **more).fit(x, WORDS)
        for module, more in [(KNeighborsClassifier, {}), (peers.KNeighborsClassifier, {"algorithm": "ball_tree"})]
    ]
    np.testing.assert_array_equal(both[0].predict(q), both[1].predict(q))
    np.testing.assert_allclose(both[0].predict_proba(q), both[1].predict_proba(q), rtol=1e-12)
    assert both[0].score(q, both[1].predict(q)) == 1.0
    np.testing.assert_array_equal(both[0].predict(None), both[1].predict(None))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_means_as_scikit_learn(weights):
    x, q, y = RNG.normal(size=(150, 5)), RNG.normal(size=(60, 5)), RNG.normal(size=(150, 2))
    x[:20] = q[:20]
    for target in (y, y[:, 0], y[:, :1]):
        ours = KNeighborsRegressor(4, weights=weights).fit(x, target)
        theirs = peers.KNeighborsRegressor(4, weights=weights, algorithm="kd_tree").fit(x, target)
        np.testing.assert_allclose(ours.predict(q), theirs.predict(q), rtol=1e-12)
        assert ours.score(q, ours.predict(q)) == 1.0


def test_graphs_as_scikit_learn():
    x, q = RNG.normal(size=(80, 5)), RNG.normal(size=(30, 5))
    ours, theirs = KNeighborsClassifier(6).fit(x, np.arange(80) % 2), peers.NearestNeighbors(n_neighbors=6).fit(x)
    for mode in ("connectivity", "distance"):
        for rows in (q, None):
            a, b = ours.kneighbors_graph(rows, mode=mode), theirs.kneighbors_graph(rows, mode=mode)
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-12)
    near, far = RadiusNeighborsClassifier(1.5).fit(x, np.arange(80) % 2), peers.NearestNeighbors(radius=1.5).fit(x)
    for rows in (q, None):
        a, b = near.radius_neighbors_graph(rows, mode="distance"), far.radius_neighbors_graph(rows, mode="distance")
        np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-12)
        values, indices = near.radius_neighbors(rows)
        expected = far.radius_neighbors(rows, sort_results=True)
        for mine, other in ((values, expected[0]), (indices, expected[1])):
            assert mine.dtype == object
            for some, others in zip(mine, other, strict=True):
                np.testing.assert_allclose(some, others, rtol=1e-12)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("label", [1, "most_frequent", 7])
def test_radius_as_scikit_learn(weights, label):
    x, q, y = RNG.normal(size=(150, 3)), RNG.normal(size=(60, 3)) * 1.5, RNG.integers(0, 3, 150)
    x[:20] = q[:20]
    arguments = {"radius": 0.7, "weights": weights, "outlier_label": label}
    ours = RadiusNeighborsClassifier(**arguments).fit(x, y)
    theirs = peers.RadiusNeighborsClassifier(algorithm="kd_tree", **arguments).fit(x, y)
    assert not all(len(found) for found in ours.radius_neighbors(q, return_distance=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # both: the label 7 is no class
        np.testing.assert_array_equal(ours.predict(q), theirs.predict(q))
        np.testing.assert_allclose(ours.predict_proba(q), theirs.predict_proba(q), rtol=1e-12)
        np.testing.assert_array_equal(ours.predict(None), theirs.predict(None))


def test_several_outputs():
    y = np.stack([Y, (Y + 1) % 2, np.zeros(150, int)], axis=1)
    x, q = RNG.normal(size=(150, 5)), RNG.normal(size=(60, 5))
    for ours, theirs in [
        (KNeighborsClassifier(5), peers.KNeighborsClassifier(5)),
        (RadiusNeighborsClassifier(9.0), peers.RadiusNeighborsClassifier(9.0)),
    ]:
        ours.fit(x, y)
        theirs.fit(x, y)
        np.testing.assert_array_equal(ours.predict(q), theirs.predict(q))
        for mine, other in zip(ours.predict_proba(q), theirs.predict_proba(q), strict=True):
            np.testing.assert_allclose(mine, other)
        assert [list(c) for c in ours.classes_] == [list(c) for c in theirs.classes_]


# ---- ties, duplicates, awkward sizes


def test_ties_go_to_the_lowest_index_and_the_smallest_label():
    same = np.zeros((6, 2))
    model = KNeighborsClassifier(4).fit(same, ["c", "b", "b", "c", "a", "a"])
    assert model.kneighbors([[0.0, 0.0]], return_distance=False).tolist() == [[0, 1, 2, 3]]
    assert model.predict([[0.0, 0.0]]).tolist() == ["b"]
    values, indices = model.kneighbors(Q[:0:-1, :2] * 0)
    assert (values == 0).all()
    assert (indices == [0, 1, 2, 3]).all()
    assert model.kneighbors(None, 5, return_distance=False)[2].tolist() == [0, 1, 3, 4, 5]


def test_whole_numbers_full_of_ties():
    """By the definition: sorted by distance, then by index; votes counted one by one."""
    for metric, distance in [
        ("manhattan", lambda a, b: abs(a - b).sum(-1)),
        ("chebyshev", lambda a, b: abs(a - b).max(-1)),
    ]:
        order = np.argsort(distance(Q[:, None], X[None]), axis=1, kind="stable")[:, :6]
        model = KNeighborsClassifier(6, metric=metric).fit(X, Y)
        np.testing.assert_array_equal(model.kneighbors(Q, return_distance=False), order)
        votes = np.array([np.bincount(Y[row], minlength=3) for row in order])
        np.testing.assert_array_equal(model.predict(Q), votes.argmax(axis=1))
        np.testing.assert_array_equal(model.predict_proba(Q), votes / 6)


def test_the_same_for_any_number_of_threads_and_any_parts(monkeypatch):
    x, q = RNG.normal(size=(150, 5)), RNG.normal(size=(60, 5))
    for make in (KNeighborsClassifier, lambda **more: RadiusNeighborsClassifier(2.0, outlier_label="no", **more)):
        model = make(weights="distance").fit(x, WORDS)
        first = model.predict_proba(q)
        alone = model.predict_proba(None)
        np.testing.assert_array_equal(model.predict_proba(q), first)  # prepared by now
        np.testing.assert_array_equal(make(weights="distance", n_jobs=1).fit(x, WORDS).predict_proba(q), first)
        with monkeypatch.context() as patch:
            for module in (engine, __import__("likewise.estimators.neighbors").estimators.neighbors):
                patch.setattr(module, "WORKING_BYTES", 1000)
            np.testing.assert_array_equal(make(weights="distance").fit(x, WORDS).predict_proba(q), first)
            np.testing.assert_array_equal(make(weights="distance").fit(x, WORDS).predict_proba(None), alone)
    whole = KNeighborsRegressor(3).fit(x, Y).predict(q)
    monkeypatch.setattr("likewise.estimators.neighbors.WORKING_BYTES", 1000)
    np.testing.assert_array_equal(KNeighborsRegressor(3).fit(x, Y).predict(q), whole)


def test_one_class_one_feature_one_row():
    assert KNeighborsClassifier(3).fit(X[:, :1], np.zeros(150)).predict_proba(Q[:, :1]).tolist() == [[1.0]] * 60
    lonely = KNeighborsClassifier(1).fit([[1.0]], ["only"])
    assert lonely.predict([[9.0]]).tolist() == ["only"]
    with says("Expected n_neighbors <= n_samples_fit - 1, but n_neighbors = 1, n_samples_fit = 1, n_samples = 1"):
        lonely.predict(None)


def test_objects_and_lists_and_frames():
    pandas = pytest.importorskip("pandas")
    model = KNeighborsClassifier(1).fit(X.astype(object), WORDS.astype(object))
    assert model.predict(X.tolist()).dtype == object
    frame = pandas.DataFrame(X, columns=list("abcde"))
    model.fit(frame, WORDS)
    assert model.feature_names_in_.tolist() == list("abcde")
    with says("feature names should match", ValueError):
        model.predict(frame[list("edcba")])
    model.fit(X, WORDS)
    with says("X has 2 features, but KNeighborsClassifier is expecting 5 features as input", ValueError):
        model.predict(X[:, :2])


def test_fitted_rows_are_a_copy():
    x = RNG.normal(size=(50, 3))
    model = KNeighborsRegressor(1).fit(x, y := np.arange(50.0))
    before = model.predict(x)
    rows = x.copy()
    x[:], y[:] = 0, 0
    np.testing.assert_array_equal(model.predict(rows), before)
    np.testing.assert_array_equal(model.predict(rows), before)


# ---- any metric


@pytest.mark.parametrize(
    ("metric", "parameters"),
    [
        ("rbf", {"gamma": 0.1}),
        (lw.rbf(gamma=0.1), None),
        (lw.rbf, {"gamma": 0.1}),
        ("gaussian", {"gamma": 0.1}),
    ],
)
def test_ways_to_say_a_metric(metric, parameters):
    model = KNeighborsClassifier(3, metric=metric, metric_params=parameters).fit(X, Y)
    assert model.effective_metric_ == lw.rbf(gamma=0.1)
    np.testing.assert_array_equal(model.kneighbors(Q)[1], lw.topk(Q, X, 3, metric="sqeuclidean").indices)


def test_parameters_of_metrics():
    found = KNeighborsRegressor(metric="minkowski", metric_params={"p": 3}).fit(X, Y)
    theirs = peers.KNeighborsRegressor(metric="minkowski", p=3).fit(X, Y)
    np.testing.assert_allclose(found.kneighbors(Q)[0], theirs.kneighbors(Q)[0])
    inverse = np.linalg.inv(np.cov(X.T))
    found = KNeighborsRegressor(metric="mahalanobis", metric_params={"VI": inverse}).fit(X, Y)
    theirs = peers.KNeighborsRegressor(metric="mahalanobis", metric_params={"VI": inverse}).fit(X, Y)
    np.testing.assert_allclose(found.kneighbors(Q)[0], theirs.kneighbors(Q)[0], rtol=1e-9, atol=1e-12)
    formula = KNeighborsRegressor(metric=lambda x, y: abs(x - y), metric_params={"combine": "max"}).fit(X, Y)
    assert formula.effective_metric_ == lw.metrics["chebyshev"]


def test_similarities_are_largest_first_and_weigh_by_themselves():
    x, q = abs(RNG.normal(size=(150, 5))), abs(RNG.normal(size=(60, 5)))
    model = KNeighborsRegressor(4, metric="cosine", weights="distance").fit(x, Y)
    values, indices = model.kneighbors(q)
    assert (np.diff(values, axis=1) <= 0).all()
    np.testing.assert_allclose(model.predict(q), (Y[indices] * values).sum(1) / values.sum(1))
    near = RadiusNeighborsClassifier(0.9, metric="cosine", outlier_label=0).fit(x, Y)
    assert all((line >= 0.9).all() for line in near.radius_neighbors(q)[0])
    nothing = KNeighborsClassifier(2, metric="dot", weights="distance").fit([[1.0, 0.0], [1.0, 0.0]], [0, 1])
    assert nothing.predict_proba([[0.0, 1.0]]).tolist() == [[0.5, 0.5]]  # similarities of 0
    text = "weights='distance' by dot, which is negative for some neighbours (down to -1); pass weights='uniform'"
    with says(text):
        nothing.predict([[-1.0, 0.0]])


def test_weights_at_the_ends_of_float64():
    """1 / 1e-308 and a similarity of 1e308 are numbers, but sums of such are not."""
    x, y = [[1e-308], [2e-308], [1.5e-308]], [0, 1, 1]
    expected = [1 / (1 + 1 / 2 + 1 / 1.5), (1 / 2 + 1 / 1.5) / (1 + 1 / 2 + 1 / 1.5)]
    settings = {"n_neighbors": 3, "weights": "distance", "metric": "manhattan"}
    shares = KNeighborsClassifier(**settings).fit(x, y).predict_proba([[0.0]])
    np.testing.assert_allclose(shares, [expected], rtol=1e-12)
    np.testing.assert_allclose(KNeighborsRegressor(**settings).fit(x, y).predict([[0.0]]), expected[1:], rtol=1e-12)
    near = RadiusNeighborsClassifier(1.0, weights="distance", metric="manhattan").fit(x, y)
    np.testing.assert_allclose(near.predict_proba([[0.0]]), [expected], rtol=1e-12)
    alike = KNeighborsRegressor(2, weights="distance", metric="dot").fit([[1e308], [1.5e308]], [0, 1])
    np.testing.assert_allclose(alike.predict([[1.0]]), 0.6, rtol=1e-12)
    far = KNeighborsRegressor(2, weights="distance").fit([[1e200], [-1e200]], [0, 1])
    assert far.predict([[0.0]]) == 0.5  # both distances are infinite


def test_a_search_over_metrics():
    x, y = DIGITS[0][:240], DIGITS[1][:240]
    grid = {"kneighborsclassifier__metric": ["manhattan", lw.rbf(gamma=0.5), lambda x, y: abs(x - y) ** 1.5]}
    pipe = make_pipeline(MinMaxScaler(), KNeighborsClassifier(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of joblib about its own workers
        found = GridSearchCV(pipe, grid, n_jobs=2, cv=2).fit(x, y)
    alone = GridSearchCV(pipe, grid, cv=2).fit(x, y)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert found.cv_results_["mean_test_score"].min() > 0.8


def test_cloned_and_pickled():
    made = lw.metric(lambda x, y: abs(x - y) ** 1.5)
    model = KNeighborsClassifier(3, metric=made).fit(X, WORDS)
    model.predict(Q)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(Q), model.predict(Q))
    assert again.effective_metric_ == clone(model).metric == made
    model.predict(Q)  # prepared now, which copies are not
    assert len(pickle.dumps(model)) < 2 * X.nbytes


def test_sparse_rows():
    x = sp.random_array((80, 30), density=0.2, format="csr", rng=np.random.default_rng(1))
    y = np.arange(80) % 3
    dense = KNeighborsClassifier(4, metric="cosine").fit(x.toarray(), y)
    for rows in (x, sp.csc_matrix(x)):
        model = KNeighborsClassifier(4, metric="cosine").fit(rows, y)
        np.testing.assert_array_equal(model.kneighbors(x)[0], dense.kneighbors(x.toarray())[0])
        np.testing.assert_array_equal(model.predict(x.toarray()), dense.predict(x.toarray()))
        np.testing.assert_array_equal(model.predict(None), dense.predict(None))
    for estimator in (KNeighborsClassifier(), RadiusNeighborsClassifier(metric="cosine")):
        with pytest.raises((TypeError, ValueError), match=r"[Ss]parse"):
            estimator.fit(x, y)
    x.data[3] = np.nan
    row = int(np.searchsorted(x.indptr, 3, side="right")) - 1
    with says(f"X has NaN or infinite values in row {row};", BadRowsError):
        KNeighborsClassifier(metric="cosine").fit(x, y)


# ---- graphs for others


def test_a_graph_for_others():
    x, y = make_blobs(60, centers=3, cluster_std=0.5, random_state=0)
    made = KNeighborsTransformer(n_neighbors=24, metric="manhattan")
    graph = made.fit_transform(x)
    theirs = peers.KNeighborsTransformer(n_neighbors=24, metric="manhattan").fit_transform(x)
    np.testing.assert_allclose(graph.toarray(), theirs.toarray())
    assert graph.nnz == 60 * 25  # the diagonal is stored
    assert made.get_feature_names_out()[:2].tolist() == ["kneighborstransformer0", "kneighborstransformer1"]
    spectral = SpectralClustering(3, affinity="precomputed_nearest_neighbors", n_neighbors=24, random_state=0)
    labels = spectral.fit_predict(graph)
    assert len({(a, b) for a, b in zip(labels, y, strict=True)}) == 3
    labels = DBSCAN(0.5, min_samples=3, metric="precomputed").fit_predict(graph)
    np.testing.assert_array_equal(labels, DBSCAN(0.5, min_samples=3, metric="manhattan").fit_predict(x))
    assert labels.max() > 1
    embedded = TSNE(metric="precomputed", init="random", perplexity=3, max_iter=250, random_state=0)
    assert embedded.fit_transform(KNeighborsTransformer(n_neighbors=12).fit_transform(x)).shape == (60, 2)


def test_each_row_is_first_in_its_own_list_even_among_equals():
    same = np.vstack([np.zeros((5, 2)), np.ones((5, 2))])
    graph = KNeighborsTransformer(n_neighbors=2).fit_transform(same)
    assert graph.indices.reshape(10, 3)[:, 0].tolist() == list(range(10))
    assert graph.nnz == 30
    assert (graph.data == 0).all()


def test_graphs_of_similarities():
    text = (
        "KNeighborsTransformer(mode='distance') needs a distance, and cosine is a similarity (larger is closer); "
        "pass metric='angular', or a formula: lw.metric(..., closer='smaller')"
    )
    with says(text):
        KNeighborsTransformer(metric="cosine").fit(X)
    graph = KNeighborsTransformer(metric="cosine", mode="connectivity", n_neighbors=3).fit_transform(X + 1)
    assert graph.nnz == 450
    assert (graph.data == 1).all()
    with says("formula is negative for some pairs (down to -"):
        KNeighborsTransformer(metric=lambda x, y: x - y).fit_transform(X)


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"metric": "euclidian"},
            "no metric is called 'euclidian'; did you mean 'euclidean', 'sqeuclidean', 'euclid'?",
        ),
        (
            {"metric": "minkowski", "metric_params": {"q": 3}},
            "metric_params has 'q', which minkowski does not take; it takes 'p'",
        ),
        ({"metric": "cosine", "metric_params": {"p": 3}}, "metric_params={'p': 3}: cosine has no parameters"),
        (
            {"metric": lw.rbf(), "metric_params": {"gamma": 1}},
            "metric_params={'gamma': 1} beside rbf, which has its parameters",
        ),
        ({"metric": "mahalanobis"}, "mahalanobis needs metric_params={'VI': ...}, or metric=lw.mahalanobis(...)"),
        ({"metric": "rbf", "metric_params": [1]}, "metric_params=[1] is not a dictionary of parameters"),
        ({"metric": 3}, "metric= takes a name, a metric or a function of two numbers; found int 3"),
        ({"n_neighbors": 0}, "n_neighbors=0; Expected n_neighbors > 0"),
        ({"n_neighbors": 2.5}, "n_neighbors=2.5 is not a whole number"),
        ({"weights": "near"}, "weights='near' is not known; it is 'uniform', 'distance' or a function of distances"),
    ],
)
def test_bad_parameters(arguments, text):
    with says(text):
        KNeighborsClassifier(**arguments).fit(X, Y)


def test_an_unknown_metric_is_an_error_of_its_own():
    with pytest.raises(UnknownMetricError):
        KNeighborsClassifier(metric="nan_euclidean").fit(X, Y)


def test_bad_rows_are_named():
    x = X.copy()
    x[[3, 7], 1] = np.nan, np.inf
    with pytest.raises(BadRowsError, match=r"X has NaN or infinite values in rows 3, 7; fill them") as error:
        KNeighborsClassifier().fit(x, Y)
    assert error.value.rows == [3, 7]
    with says("y is of type <U7; a regression is of numbers"):
        KNeighborsRegressor().fit(X, WORDS)
    with says("y is sparse, of shape (150, 1); pass y.toarray()"):
        KNeighborsClassifier().fit(X, sp.csr_matrix(Y[:, None]))
    with says("Input y contains NaN", ValueError):
        KNeighborsRegressor().fit(X, np.where(Y == 1, np.nan, Y))


def test_numbers_that_float64_does_not_hold_are_refused():
    large = np.array([[2**53 + 1], [2**53 + 2]])
    for rows in (large, large.tolist(), large.astype(np.uint64)):
        with says("X holds integers up to 9007199254740994; above 2^53 float64 cannot tell them apart", TypeError):
            KNeighborsClassifier(1).fit(rows, [0, 1])
    for dtype in (np.float16, np.int8, np.int16, np.int64, bool, ">f4"):
        model = KNeighborsClassifier(3).fit(X.astype(dtype), Y)
        wide = KNeighborsClassifier(3).fit(X.astype(dtype).astype(np.float64), Y)
        np.testing.assert_array_equal(model.kneighbors(Q)[1], wide.kneighbors(Q)[1])
    with says("X holds", TypeError):
        KNeighborsClassifier(1).fit(X.astype(np.longdouble), Y)


def test_too_few_rows():
    with says("Expected n_neighbors <= n_samples_fit, but n_neighbors = 5, n_samples_fit = 3, n_samples = 60"):
        KNeighborsClassifier().fit(X[:3], Y[:3]).predict(Q)
    with says(
        "Expected n_neighbors <= n_samples_fit, but n_neighbors = 6, n_samples_fit = 5, n_samples = 5", ValueError
    ):
        KNeighborsTransformer().fit(X[:5]).transform(X[:5])


def test_formulas_that_give_nan():
    rows, labels = [[0.0], [1.0], [2.0]], [0, 1, 1]
    model = KNeighborsClassifier(2, metric=lambda x, y: (x - y) / (x - y)).fit(rows, labels)
    assert model.predict([[1.0]]).tolist() == [0]
    model.set_params(n_neighbors=3)
    text = "formula is NaN for so many pairs that 3 neighbours are not to be had of row 1 of X; guard the formula"
    with pytest.warns(lw.NaNWarning, match="1 rows have fewer than 3 neighbours"), says(text):
        model.predict([[9.0], [1.0]])


def test_functions_of_weights():
    fitted = KNeighborsClassifier(3, weights=lambda v: v * 0).fit(X, Y)
    with says("All neighbors of some sample is getting zero weights."):
        fitted.predict(Q)
    with says("weights gave shape (60,) for values of shape (60, 3); they have to be equal"):
        fitted.set_params(weights=lambda v: v[:, 0]).predict(Q)
    with says("weights gave numbers that are NaN, infinite or negative; a neighbour counts 0 or more"):
        fitted.set_params(weights=lambda v: -v - 1).predict(Q)


def test_rows_without_neighbours():
    model = RadiusNeighborsClassifier(0.5).fit(X, WORDS)
    far = np.vstack([Q[:1] + 90, X[:1], Q[:1] + 80])
    text = (
        "No neighbors found for rows 0, 2 of X within radius 0.5 by euclidean; pass another radius, or outlier_label="
    )
    with says(text):
        model.predict(far)
    named = RadiusNeighborsClassifier(0.5, outlier_label="elsewhere").fit(X, WORDS)
    assert named.predict(far).tolist() == ["elsewhere", WORDS[0], "elsewhere"]
    with pytest.warns(UserWarning, match=r"outlier_label 'elsewhere' is not among the classes: rows without"):
        assert named.predict_proba(far)[[0, 2]].tolist() == [[0.0] * 3] * 2
    with says("outlier_label=3 is no label of the kind of y, whose classes are ['no' 'perhaps' 'yes']"):
        RadiusNeighborsClassifier(outlier_label=3).fit(X, WORDS)
    with says("outlier_label=[1, 2] has 2 labels; there are 1 outputs"):
        RadiusNeighborsClassifier(outlier_label=[1, 2]).fit(X, Y)
    for radius, text in [("wide", "radius='wide' is not a number"), (np.nan, "radius is NaN")]:
        with says(text):
            RadiusNeighborsClassifier(radius).fit(X, Y)


def test_rows_without_neighbours_in_several_outputs():
    y = np.stack([Y, Y * 10], axis=1)
    model = RadiusNeighborsClassifier(0.5, outlier_label=[7, 20]).fit(X, y)
    assert model.predict([X[0], X[0] + 90]).tolist() == [y[0].tolist(), [7, 20]]
    with pytest.warns(UserWarning, match="outlier_label 7 is not among the classes"):
        first, second = model.predict_proba([X[0] + 90])
    assert first.tolist() == [[0, 0, 0]]
    assert second.tolist() == [[0, 0, 1]]


def test_one_thread_in_a_worker_of_joblib():
    assert threads(None) is None
    assert threads(3) == 3
    with joblib.parallel_config(backend="threading"):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(threads)(n) for n in (None, 3, None)) == [1, 3, 1]


def test_a_formula_that_fails_says_so_in_fit_alone():
    model = KNeighborsClassifier(metric=lambda x, y: missing_name)  # noqa: F821
    assert not model.__sklearn_tags__().input_tags.sparse
    with pytest.raises(NameError):
        model.fit(X, Y)
    with says("a formula was asked for a number while it is traced", TypeError):
        KNeighborsClassifier(metric=lambda x, y: float(x)).fit(X, Y)


def test_without_scikit_learn_the_line_that_installs_it():
    code = """
import sys
sys.modules["sklearn"] = None
import likewise as lw
try:
    lw.estimators
except lw.errors.MissingExtraError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "lw.estimators needs scikit-learn; install it with: pip install 'likewise[learn]'"
