"""KernelRidge, KernelClassifier, GaussianProcessRegressor, gram and PolynomialFeatureMap beside scikit-learn."""

import pickle
import re
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_circles, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor as TheirProcess
from sklearn.gaussian_process import kernels
from sklearn.kernel_ridge import KernelRidge as TheirRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import likewise as lw
from likewise.errors import InputError, UnknownMetricError
from likewise.estimators import (
    GaussianProcessRegressor,
    KernelClassifier,
    KernelRidge,
    PolynomialFeatureMap,
    gram,
    kernel_classifier,
)
from likewise.estimators.gram import GramFamily, gram_matrix

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Q = RNG.normal(size=(40, 3))
Y = np.sin(X[:, 0]) + X[:, 1] ** 2 + 0.1 * RNG.normal(size=120)
DIGITS, LABELS = load_digits(return_X_y=True)
SCALE = 1 / (DIGITS.shape[1] * DIGITS.var())


def says(text, error=InputError):
    return pytest.raises(error, match=re.escape(text))


@parametrize_with_checks(
    [
        KernelRidge(),
        KernelRidge(solver="cg", tol=1e-10, n_components=10, random_state=0),
        KernelClassifier(),
        KernelClassifier(metric="laplacian", class_weight="balanced", decision_function_shape="ovr"),
        KernelClassifier(solver="nystroem", tol=1e-10, random_state=0),
        GaussianProcessRegressor(),
        GaussianProcessRegressor(metric_params={"gamma": 0.1}, optimizer="fmin_l_bfgs_b", alpha=1e-3),
        PolynomialFeatureMap(),
    ]
)
def test_conventions(estimator, check):
    check(estimator)


# ---- gram

KERNELS = [
    ("dot", {}, {"kernel": "linear"}),
    ("polynomial", {"gamma": SCALE, "coef0": 0.0}, {"kernel": "poly"}),
    ("rbf", {"gamma": SCALE}, {"kernel": "rbf"}),
    ("sigmoid", {"gamma": SCALE, "coef0": 0.0}, {"kernel": "sigmoid"}),
    ("cosine", {}, "cosine_similarity"),
    ("laplacian", {"gamma": SCALE}, "laplacian_kernel"),
]


@pytest.mark.parametrize(("name", "parameters", "theirs"), KERNELS, ids=[k[0] for k in KERNELS])
def test_svc_with_gram_predicts_as_with_its_own_kernels(name, parameters, theirs):
    from sklearn.metrics import pairwise

    train, test = slice(0, 900), slice(900, None)
    if isinstance(theirs, str):
        function = getattr(pairwise, theirs)
        settings = {"kernel": lambda A, B: function(A, B, **parameters)}
    else:
        settings = theirs | {"gamma": SCALE}
    with_ours = SVC(kernel=gram(name, parameters)).fit(DIGITS[train], LABELS[train])
    with_theirs = SVC(**settings).fit(DIGITS[train], LABELS[train])
    np.testing.assert_array_equal(with_ours.predict(DIGITS[test]), with_theirs.predict(DIGITS[test]))
    machine = KernelClassifier(metric=name, metric_params=parameters, solver="exact").fit(DIGITS[train], LABELS[train])
    np.testing.assert_array_equal(machine.predict(DIGITS[test]), with_theirs.predict(DIGITS[test]))
    to_the_end = SVC(kernel=gram(name, parameters), tol=1e-10, decision_function_shape="ovo")
    to_the_end.fit(DIGITS[train], LABELS[train])
    machine.decision_function_shape = "ovo"
    decisions = to_the_end.decision_function(DIGITS[test])
    np.testing.assert_allclose(machine.decision_function(DIGITS[test]), decisions, atol=1e-5)
    machine.decision_function_shape = to_the_end.decision_function_shape = "ovr"
    decisions = to_the_end.decision_function(DIGITS[test])
    np.testing.assert_allclose(machine.decision_function(DIGITS[test]), decisions, atol=1e-5)


def test_gram_is_a_plain_function_of_rows():
    K = gram("rbf", {"gamma": 0.5}, n_jobs=1)
    np.testing.assert_array_equal(K(X, Q), lw.pairwise(X, Q, metric=lw.rbf(gamma=0.5)))
    assert K(X.astype(np.float32)).dtype == np.float64
    np.testing.assert_array_equal(K(sparse.csr_matrix(X), Q), K(X, Q))
    np.testing.assert_array_equal(K(X, sparse.csr_array(Q)), K(X, Q))
    own = pickle.loads(pickle.dumps(gram(lw.metric(lambda x, y: x * y, closer="larger"))))
    np.testing.assert_array_equal(own(X), lw.pairwise(X, metric="dot"))
    assert repr(K) == "gram('rbf', {'gamma': 0.5})"
    with says("gram needs a similarity, and manhattan is a distance (smaller is closer); pass metric='laplacian'"):
        gram("manhattan")
    with says("X has 3 coordinates and Y has 2"):
        K(sparse.csr_matrix(X), Q[:, :2])


def test_gram_in_a_grid_search():
    search = GridSearchCV(SVC(), {"kernel": [gram("rbf"), gram("laplacian"), gram(lambda x, y: x * y)]}, cv=3, n_jobs=2)
    search.fit(X, X[:, 0] * X[:, 1] > 0)
    assert search.best_score_ > 0.8
    assert clone(search.best_estimator_).kernel.metric == search.best_estimator_.kernel.metric


def test_gram_matrices_of_a_family():
    rows = np.vstack([X, np.zeros((1, 3))])
    family = GramFamily(rows, None)
    for name in [n for n in lw.metrics if n != "mahalanobis"] + [
        lw.rbf(gamma=0.7),
        lw.rbf(gamma=2),
        lw.mahalanobis(np.eye(3)),
    ]:
        metric = lw.metrics[name] if isinstance(name, str) else name
        np.testing.assert_allclose(family(metric), gram_matrix(metric, rows), rtol=1e-12, atol=1e-14)


# ---- features


@pytest.mark.parametrize(
    "parameters",
    [{}, {"degree": 2, "gamma": 1.0}, {"degree": 3, "coef0": 0.0}, {"degree": 4, "gamma": 0.3}, {"degree": 0}],
)
def test_features_of_the_polynomial_kernel(parameters):
    features = PolynomialFeatureMap(**parameters)
    F, G = features.fit_transform(X), features.transform(Q)
    degree = parameters.get("degree", 2)
    if degree:
        kernel = lw.polynomial(**({"degree": 2} | parameters))
        expected = lw.pairwise(X, Q, metric=kernel)
    else:
        expected = np.ones((len(X), len(Q)))
    np.testing.assert_allclose(F @ G.T, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    assert len(features.get_feature_names_out()) == F.shape[1]


def test_names_of_features_and_too_many_of_them():
    features = PolynomialFeatureMap(degree=2).fit(X[:, :2])
    assert list(features.get_feature_names_out()) == ["1", "x0", "x1", "x0^2", "x0 x1", "x1^2"]
    assert features.exponents_.tolist() == [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    many = PolynomialFeatureMap(degree=2, gamma=1.0).fit(rows := np.ones((1, 784)))  # a table of exponents has 2 GB
    assert many.transform(rows).shape == (1, 308_505)
    assert np.square(many.transform(rows)).sum() == pytest.approx(785**2)
    assert list(many.get_feature_names_out()[-2:]) == ["x782 x783", "x783^2"]
    with says("degree=5 of 784 coordinates makes 2,515,874,132,157 features; use the kernel, lw.polynomial()"):
        PolynomialFeatureMap(degree=5).fit(np.zeros((2, 784)))
    with says("coef0=-1 is out of range; a finite number of at least 0 is wanted"):
        PolynomialFeatureMap(coef0=-1).fit(X)


# ---- ridge


@pytest.mark.parametrize("targets", [Y, np.stack([Y, -2 * Y + X[:, 0], X[:, 2]], 1)], ids=["one", "three"])
@pytest.mark.parametrize("weights", [None, RNG.integers(0, 3, len(X)).astype(float)], ids=["plain", "weighted"])
def test_ridge_as_scikit_learn(targets, weights):
    theirs = TheirRidge(alpha=0.3, kernel="rbf", gamma=0.4).fit(X, targets, sample_weight=weights)
    parameters = {"alpha": 0.3, "metric_params": {"gamma": 0.4}}
    exact = KernelRidge(**parameters).fit(X, targets, sample_weight=weights)
    np.testing.assert_allclose(exact.dual_coef_, theirs.dual_coef_, atol=1e-10)
    np.testing.assert_allclose(exact.predict(Q), theirs.predict(Q), atol=1e-10)
    assert (exact.solver_, exact.n_iter_, exact.residual_) == ("exact", 1, 0.0)
    for tol in (1e-3, 1e-9):
        steps = KernelRidge(**parameters, solver="cg", tol=tol, n_components=30, random_state=0)
        steps.fit(X, targets, sample_weight=weights)
        assert 0 < steps.residual_ <= tol
        assert steps.n_iter_ > 0
        root = np.sqrt(np.ones(len(X)) if weights is None else weights)
        # |a - a*| <= |residual| / alpha in the scaled system
        scaled = root if targets.ndim == 1 else root[:, None]
        off = np.divide(steps.dual_coef_ - exact.dual_coef_, scaled, out=np.zeros_like(targets), where=scaled > 0)
        assert np.all(np.linalg.norm(off, axis=0) <= tol * np.linalg.norm(scaled * targets, axis=0) / 0.3)


def test_ridge_refined_from_float32_to_float64():
    rows = RNG.normal(size=(600, 5))
    targets = np.sin(rows.sum(axis=1))
    exact = KernelRidge(alpha=1e-3, solver="exact").fit(rows, targets)
    found = KernelRidge(alpha=1e-3, solver="cg", tol=1e-12, random_state=0).fit(rows, targets)
    assert found.residual_ <= 1e-12
    np.testing.assert_allclose(found.predict(rows), exact.predict(rows), atol=1e-9)


def test_ridge_of_sparse_rows_and_of_a_formula():
    rows = sparse.random_array((200, 30), density=0.2, random_state=0, format="csr")
    targets = rows.sum(axis=1)
    kernel = lw.metric(lambda x, y: lw.math.minimum(x, y), closer="larger", name="intersection")
    dense = KernelRidge(metric=kernel).fit(rows.toarray(), targets)
    np.testing.assert_allclose(
        KernelRidge(metric=kernel).fit(rows, targets).predict(rows), dense.predict(rows.toarray())
    )
    steps = KernelRidge(metric=kernel, solver="cg", random_state=1, tol=1e-9).fit(rows, targets)
    np.testing.assert_allclose(steps.predict(rows), dense.predict(rows.toarray()), atol=1e-6)


def test_ridge_says_what_is_wrong():
    with pytest.warns(ConvergenceWarning, match=r"after 3 products with K the residual is .* raise max_iter"):
        stopped = KernelRidge(alpha=1e-8, solver="cg", max_iter=2, n_components=2, random_state=0).fit(X, Y)
    assert stopped.residual_ > 1e-6
    with says("KernelRidge needs a similarity, and euclidean is a distance (smaller is closer); pass metric='rbf'"):
        KernelRidge(metric="euclidean").fit(X, Y)
    negative = lw.metric(lambda x, y: abs(x - y), finish=lambda s: -s, closer="larger", name="negative")
    for solver in ("exact", "cg"):
        with says("K + alpha I is not positive definite on these rows: negative is no kernel, or alpha=0.01 is too"):
            KernelRidge(alpha=0.01, metric=negative, solver=solver, random_state=0).fit(X, Y)
    with says("the Gram matrix of 120 rows needs 0.00012 GB of the 0.0001 GB of memory_limit; use solver='cg'"):
        KernelRidge(solver="exact", memory_limit="100kB").fit(X, Y)
    assert KernelRidge(memory_limit="100kB", random_state=0).fit(X, Y).solver_ == "cg"
    for arguments, text in [
        ({"alpha": 0}, "alpha=0 is out of range; a finite number above 0 is wanted"),
        ({"alpha": "1"}, "alpha='1' is not a number"),
        ({"solver": "lu"}, "solver='lu' is not known; it is one of auto, exact, cg"),
        ({"solver": "cg", "tol": -1}, "tol=-1 is out of range"),
        ({"solver": "cg", "max_iter": 0}, "max_iter=0: a whole number of at least 1 is wanted"),
        ({"solver": "cg", "n_components": 1.5}, "n_components=1.5: a whole number of at least 1 is wanted"),
        ({"metric_params": {"sigma": 1}}, "metric_params has 'sigma', which rbf does not take; it takes 'gamma'"),
    ]:
        with says(text):
            KernelRidge(**arguments).fit(X, Y)
    with says("did you mean 'gaussian'", UnknownMetricError):
        KernelRidge(metric="gausian").fit(X, Y)


@pytest.mark.parametrize("scale", [1e-20, 1e60])
def test_gradients_where_float32_does_not_hold_the_rows(scale):
    settings = {"metric_params": {"gamma": scale**-2}, "solver": "cg", "random_state": 0, "tol": 1e-9}
    found = KernelRidge(**settings).fit(X * scale, Y)
    expected = KernelRidge(metric_params={"gamma": 1.0}).fit(X, Y).predict(Q)
    np.testing.assert_allclose(found.predict(Q * scale), expected, atol=1e-7)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_gradients_for_targets_whose_squares_float64_does_not_hold(size):
    found = KernelRidge(solver="cg", random_state=0).fit(X, np.stack([Y * size, Y], 1)).predict(Q)
    np.testing.assert_allclose(found[:, 0] / size, found[:, 1], atol=1e-5)


def test_gradients_for_a_penalty_below_the_rounding_of_float32():
    """Its products with a smooth kernel are negative then, by rounding: that makes no metric less of a kernel."""
    rows = RNG.normal(size=(600, 2))
    targets = np.sin(rows.sum(axis=1))
    settings = {"alpha": 1e-6, "metric_params": {"gamma": 0.5}}
    found = KernelRidge(**settings, solver="cg", random_state=0).fit(rows, targets)
    assert found.residual_ <= 1e-6
    np.testing.assert_allclose(found.predict(rows), KernelRidge(**settings).fit(rows, targets).predict(rows), atol=1e-4)


SOLVERS = [
    KernelRidge(),
    KernelRidge(solver="cg"),
    KernelClassifier(),
    KernelClassifier(solver="nystroem"),
    GaussianProcessRegressor(),
]


@pytest.mark.parametrize("model", SOLVERS, ids=str)
def test_values_that_are_not_finite_are_no_fault_of_the_kernel(model):
    with says("polynomial(degree=3, coef0=1) is NaN or infinite for some rows of X; scale the rows, or pass another"):
        clone(model).set_params(metric="polynomial").fit(X * 1e120, X[:, 0] > 0)


@pytest.mark.parametrize("size", [1e60, 1e160])  # beyond float64 with itself alone; with every other row
def test_gradients_meet_a_value_that_is_not_finite(size):
    rows = np.abs(X)
    rows[3] = size
    for seed in range(5):
        with says("polynomial(degree=3, coef0=1) is NaN or infinite for some rows of X; scale the rows"):
            KernelRidge(solver="cg", n_components=3, metric="polynomial", random_state=seed).fit(rows, Y)


@pytest.mark.parametrize("model", [one for one in SOLVERS if getattr(one, "solver", "auto") == "auto"], ids=str)
def test_a_matrix_of_which_solvers_read_one_half_is_symmetric(model):
    lopsided = lw.metric(lambda x, y: x * y * y, closer="larger", name="lopsided")
    with says(
        "lopsided is not symmetric: 4 for a pair of rows, and 2 for the same two in the other order; a kernel is"
    ):
        clone(model).set_params(metric=lopsided).fit([[1.0], [2.0]], [0, 1])


def test_rows_at_the_origin_of_a_kernel():
    rows, targets = np.zeros((60, 2)), np.arange(60) % 2
    assert not KernelRidge(metric="dot", solver="cg").fit(rows, targets).predict(np.ones((1, 2))).any()
    for solver in ("exact", "nystroem"):
        model = KernelClassifier(metric="dot", solver=solver).fit(rows, targets)
        assert model.predict(np.ones((1, 2))).tolist() == [0]


def test_targets_that_are_no_numbers():
    for model in (KernelRidge(), GaussianProcessRegressor()):
        with says("y is of type <U1; a regression is of numbers"):
            model.fit(X, ["1"] * 120)
        with says("y is sparse, of shape (120, 1); pass y.toarray()"):
            model.fit(X, sparse.csr_matrix(Y[:, None]))


def test_ridge_shows_progress():
    seen = []
    model = KernelRidge(solver="cg", random_state=0, progress=lambda done, total: seen.append((done, total)))
    model.fit(X, Y)
    assert len(seen) >= model.n_iter_ - 1
    assert seen[-1] == (100, 100)


# ---- support vector machines


def test_circles_and_weights_as_svc():
    rows, labels = make_circles(200, noise=0.15, factor=0.5, random_state=0)
    weights = RNG.integers(0, 4, 200).astype(float)
    for class_weight in (None, "balanced", {0: 3.0}):
        ours = KernelClassifier(metric_params={"gamma": 1.0}, class_weight=class_weight, tol=1e-6)
        theirs = SVC(gamma=1.0, class_weight=class_weight, tol=1e-6)
        for w in (None, weights):
            if class_weight == "balanced" and w is not None:
                continue  # scikit-learn's releases differ on whether the weights count
            a, b = ours.fit(rows, labels, sample_weight=w), theirs.fit(rows, labels, sample_weight=w)
            np.testing.assert_allclose(a.decision_function(rows), b.decision_function(rows), atol=1e-4)
            np.testing.assert_array_equal(a.n_support_, b.n_support_)
            # with weights, SVC counts its rows without those of weight 0
            counted = np.arange(200) if w is None else np.flatnonzero(w)
            np.testing.assert_array_equal(a.support_, counted[b.support_])


def test_landmarks_come_near_the_exact_machine():
    rows, labels = make_classification(2_500, 10, n_informative=6, n_classes=3, class_sep=1.5, random_state=0)
    labels = np.array(["a", "b", "c"])[labels]
    train, test = slice(0, 2_000), slice(2_000, None)
    exact = KernelClassifier(solver="exact", metric_params={"gamma": 0.03}).fit(rows[train], labels[train])
    kept = KernelClassifier(solver="nystroem", metric_params={"gamma": 0.03}, n_components=300, random_state=0)
    kept.fit(rows[train], labels[train])
    assert (kept.predict(rows[test]) == exact.predict(rows[test])).mean() > 0.97
    assert kept.score(rows[test], labels[test]) > exact.score(rows[test], labels[test]) - 0.01
    made_again = clone(kept).set_params(memory_limit="1kB").fit(rows[train], labels[train])
    np.testing.assert_allclose(made_again.decision_function(rows[test]), kept.decision_function(rows[test]), atol=2e-2)
    as_sparse = clone(kept).fit(sparse.csr_matrix(rows[train]), labels[train])
    np.testing.assert_allclose(as_sparse.coef_, kept.coef_)
    again = pickle.loads(pickle.dumps(kept))
    np.testing.assert_array_equal(again.predict(rows[test]), kept.predict(rows[test]))
    one_thread = clone(kept).set_params(n_jobs=1).fit(rows[train], labels[train])
    np.testing.assert_allclose(one_thread.intercept_, kept.intercept_, atol=1e-6)


def test_landmarks_with_weights_as_with_repeated_rows():
    rows, labels = make_circles(300, noise=0.2, factor=0.4, random_state=1)
    counts = RNG.integers(0, 3, 300)
    settings = {"solver": "nystroem", "n_components": 1_000, "tol": 1e-9, "metric_params": {"gamma": 1.0}}
    weighted = KernelClassifier(**settings).fit(rows, labels, sample_weight=counts)
    repeated = KernelClassifier(**settings).fit(np.repeat(rows, counts, axis=0), np.repeat(labels, counts))
    np.testing.assert_allclose(weighted.decision_function(rows), repeated.decision_function(rows), atol=2e-3)
    assert np.all(counts[weighted.support_] > 0)


def test_formulas_in_a_pipeline_and_a_grid():
    labels = X[:, 0] * X[:, 1] > 0
    own = lw.metric(
        lambda x, y: abs(x - y), finish=lambda s: lw.math.exp(-lw.math.sqrt(s)), closer="larger", name="own"
    )
    pipeline = make_pipeline(StandardScaler(), KernelClassifier())
    grid = {"kernelclassifier__metric": ["dot", "rbf", own, lambda x, y: x * x * y * y], "kernelclassifier__C": [1, 10]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, labels)
    assert search.best_score_ > 0.85
    gammas = {"metric_params": [{"gamma": 0.1}, {"gamma": 1.0}]}
    assert GridSearchCV(KernelClassifier(), gammas, cv=3).fit(X, labels).best_params_["metric_params"]["gamma"] == 1.0


def test_a_metric_that_is_no_kernel_still_ends():
    rows, labels = make_circles(300, noise=0.2, factor=0.4, random_state=1)
    for solver in ("exact", "nystroem"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = KernelClassifier(metric="sigmoid", solver=solver, random_state=0, max_iter=100).fit(rows, labels)
        assert np.isfinite(model.decision_function(rows)).all()
    negative = lw.metric(lambda x, y: x * y, finish=lambda s: -s, closer="larger", name="negative")
    with says("negative is no kernel on these rows: the Gram matrix of 300 of them has no positive eigenvalue"):
        KernelClassifier(metric=negative, solver="nystroem").fit(rows, labels)


def test_a_kernel_of_large_values_still_ends(monkeypatch):
    """libsvm alone goes on and on with it, and takes no Ctrl-C."""
    monkeypatch.setattr(kernel_classifier, "_LIBSVM_STEPS", 10_000)
    rows, labels = make_circles(300, noise=0.3, factor=0.5, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"terminated early \(max_iter=10000\)"):
        KernelClassifier(metric=lw.polynomial(degree=9, gamma=50.0)).fit(rows, labels)


def test_classifier_says_what_is_wrong():
    labels = X[:, 0] > 0
    with pytest.warns(ConvergenceWarning, match=r"Newton's method stopped after max_iter=1 steps; raise it, or tol"):
        KernelClassifier(solver="nystroem", max_iter=1, tol=1e-9, random_state=0).fit(X, labels)
    for arguments, text in [
        ({"C": 0}, "C=0 is out of range; a finite number above 0 is wanted"),
        ({"metric": "manhattan"}, "KernelClassifier needs a similarity, and manhattan is a distance"),
        ({"solver": "smo"}, "solver='smo' is not known; it is one of auto, exact, nystroem"),
        ({"decision_function_shape": "ova"}, "decision_function_shape='ova' is not known; it is one of ovr, ovo"),
        ({"class_weight": "even"}, "class_weight='even' is not known; it is 'balanced' or a dict by class"),
        ({"class_weight": {True: -1}}, "class_weight=-1 is out of range; a finite number above 0 is wanted"),
        ({"class_weight": {"yes": 3}}, "class_weight names 'yes', which is no class of y: these are False, True"),
        ({"solver": "exact", "max_iter": 0}, "max_iter=0: a whole number of at least 1 is wanted"),
        ({"solver": "exact", "tol": 0}, "tol=0 is out of range; a finite number above 0 is wanted"),
        ({"solver": "nystroem", "n_components": 0}, "n_components=0: a whole number of at least 1 is wanted"),
        ({"solver": "exact", "memory_limit": 1000}, "use solver='nystroem', which makes none, or give more"),
    ]:
        with says(text):
            KernelClassifier(**arguments).fit(X, labels)
    with says("the number of classes has to be greater than one; y has 1 class among the rows of weight above 0"):
        KernelClassifier().fit(X, labels, sample_weight=labels.astype(float))


# ---- Gaussian processes

PROCESSES = [
    ("rbf", {"gamma": 0.5 / 1.3**2}, kernels.RBF(1.3)),
    ("matern32", {"length_scale": 0.8}, kernels.Matern(0.8, nu=1.5)),
    ("rational_quadratic", {"alpha": 0.7, "length_scale": 1.1}, kernels.RationalQuadratic(1.1, 0.7)),
    ("dot", None, kernels.DotProduct(1e-12)),
]


@pytest.mark.parametrize(("metric", "parameters", "theirs"), PROCESSES, ids=[p[0] for p in PROCESSES])
@pytest.mark.parametrize("targets", [Y, np.stack([Y, 5 * X[:, 2] + 3], 1)], ids=["one", "two"])
def test_process_as_scikit_learn(metric, parameters, theirs, targets):
    for normalize in (False, True):
        own = GaussianProcessRegressor(
            metric, metric_params=parameters, variance=2.0, alpha=0.01, normalize_y=normalize
        )
        other = TheirProcess(2.0 * theirs, alpha=0.01, optimizer=None, normalize_y=normalize).fit(X, targets)
        own.fit(X, targets)
        for arguments in ({"return_std": True}, {"return_cov": True}):
            for a, b in zip(own.predict(Q, **arguments), other.predict(Q, **arguments), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(own.log_marginal_likelihood(), other.log_marginal_likelihood(), rtol=1e-10)


def test_process_finds_the_parameters_that_scikit_learn_finds():
    kernel = kernels.ConstantKernel(1.0) * kernels.RBF(1.0) + kernels.WhiteKernel(0.1)
    theirs = TheirProcess(kernel, alpha=0).fit(X, Y)
    ours = GaussianProcessRegressor(
        metric_params={"gamma": 0.5}, alpha=0.1, optimizer="fmin_l_bfgs_b", optimized=("gamma", "variance", "noise")
    ).fit(X, Y)
    assert ours.log_marginal_likelihood_value_ == pytest.approx(theirs.log_marginal_likelihood_value_, abs=1e-2)
    length = theirs.kernel_.k1.k2.length_scale
    assert ours.metric_params_["gamma"] == pytest.approx(0.5 / length**2, rel=0.05)
    assert (before := ours.log_marginal_likelihood(gamma=0.5)) < ours.log_marginal_likelihood_value_
    ours.set_params(metric="laplacian")  # which takes another fit
    assert ours.log_marginal_likelihood(gamma=0.5) == before
    with says("noise=-1 is out of range; a finite number of at least 0 is wanted"):
        ours.log_marginal_likelihood(noise=-1)
    ours.set_params(metric="rbf")
    again = (
        clone(ours).set_params(n_restarts_optimizer=2, random_state=0, optimized=("gamma",), bounds=(0.01, 1)).fit(X, Y)
    )
    assert 0.01 <= again.metric_params_["gamma"] <= 1
    assert (again.variance_, again.alpha_) == (1.0, 0.1)


def test_process_says_what_is_wrong():
    with says("the covariance is not positive definite: dot is no kernel, rows repeat, or alpha=0 is too small"):
        GaussianProcessRegressor("dot", alpha=0).fit(np.ones((3, 1)), [1.0, 2.0, 3.0])
    with says("return_std and return_cov are both asked for; choose one"):
        GaussianProcessRegressor().fit(X, Y).predict(Q, return_std=True, return_cov=True)
    optimiser = {"optimizer": "fmin_l_bfgs_b"}
    for arguments, text in [
        ({"metric": "canberra"}, "GaussianProcessRegressor needs a similarity, and canberra is a distance"),
        ({"optimizer": "adam"}, "optimizer='adam' is not known; it is one of fmin_l_bfgs_b"),
        (
            optimiser | {"optimized": ("sigma",)},
            "optimized names 'sigma'; there are 'variance', 'noise', each a number",
        ),
        (optimiser | {"optimized": ()}, "optimized=(): a tuple of names is wanted; there are 'variance', 'noise'"),
        (optimiser | {"optimized": "noise"}, "optimized='noise': a tuple of names is wanted"),
        (optimiser | {"bounds": (1,)}, "bounds=(1,): a least and a largest value are wanted"),
        (optimiser | {"bounds": {"variance": (2, 1)}}, "bounds of variance are 2 and 1: the least comes first"),
        ({"memory_limit": "100kB"}, "the Gram matrix of 120 rows needs 0.00023 GB of the 0.0001 GB of memory_limit"),
    ]:
        with says(text):
            GaussianProcessRegressor(**arguments).fit(X, Y)
