"""positive_semidefinite: what is proved, what is refuted, and that no proof is contradicted by numbers."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
from scipy import sparse

import likewise as lw
from likewise.errors import InputError, ShapeError
from likewise.estimators import positive_semidefinite
from likewise.estimators.kernel_rules import proof_of_distance, proof_of_kernel
from likewise.estimators.psd import _counterexample, _probes

m = lw.math


def similar(formula, **options):
    return lw.metric(formula, closer="larger", **{"name": "own"} | options)


KERNELS = {
    "dot": "dot",
    "cosine": "cosine",
    "correlation": "correlation",
    "rbf": "rbf",
    "laplacian": "laplacian",
    "matern32": lw.matern32(length_scale=0.3),
    "rational quadratic": lw.rational_quadratic(alpha=2.5),
    "cubic": lw.polynomial(degree=3),
    "of degree 7, without a constant": lw.polynomial(degree=7, coef0=0),
    "exp of a dot product": similar(lambda x, y: x * y, finish=lambda s: m.exp(s)),
    "Gaussian, multiplied out": similar(
        lambda x, y: x * y, finish=lambda s, norm_x, norm_y: m.exp(-0.3 * (norm_x**2 + norm_y**2 - 2 * s))
    ),
    "of angles": similar(lambda x, y: x * y, finish=lambda s, norm_x, norm_y: m.exp(-m.arccos(s / norm_x / norm_y))),
    "1 / (1 + manhattan)": similar(lambda x, y: abs(x - y), finish=lambda s: 1 / (1 + s)),
    "1 / (2 - cosine)": similar(lambda x, y: x * y, finish=lambda s, norm_x, norm_y: 1 / (2 - s / norm_x / norm_y)),
    "sums of Cauchy's": similar(lambda x, y: 1 / (1 + (x - y) ** 2)),
    "log distance": similar(lambda x, y: m.log(1 + abs(x - y)), finish=lambda s: m.exp(-s)),
    "power 1.5": similar(lambda x, y: abs(x - y) ** 1.5, finish=lambda s: m.exp(-s)),
    "of mismatches": similar(lambda x, y: x != y, combine="mean", finish=lambda s: m.exp(-3 * s)),
    "of matches": similar(lambda x, y: x == y),
    "periodic": similar(lambda x, y: m.cos(x - y)),
    "smaller square": similar(lambda x, y: m.minimum(x * x, y * y)),
    "two sums": similar(lambda x, y: (x * y, abs(x - y)), finish=lambda a, b: a + 0.5 * m.exp(-b) + 3 * a * m.exp(-b)),
    "a function of each row": similar(lambda x, y: m.tanh(x) * m.tanh(y)),
    "common nonzeros": similar(lambda x, y: (x != 0) & (y != 0)),
}


@pytest.mark.parametrize("metric", KERNELS.values(), ids=KERNELS)
def test_proved_and_no_number_contradicts(metric):
    found = positive_semidefinite(metric)
    assert (found.proved, found.refuted, found.domain) == (True, False, "")
    assert "is a kernel, proved:\n  1. " in str(found)
    for rows in _probes(np.random.RandomState(7), found.metric):
        K = lw.pairwise(rows, metric=found.metric)
        assert not np.isfinite(K).all() or _counterexample(K) is None


DISTANCES = ["euclidean", "sqeuclidean", "manhattan", "hamming", "angular", lw.minkowski(p=1.5)]


@pytest.mark.parametrize("metric", DISTANCES, ids=str)
def test_distances_are_no_kernels_but_make_some(metric):
    found = positive_semidefinite(metric)
    assert found.refuted
    assert "As a distance it makes kernels, though: exp(-gamma * " in str(found)
    for rows in _probes(np.random.RandomState(3), found.metric):
        D = lw.pairwise(rows, metric=found.metric)
        assert _counterexample(np.exp(-0.5 * D)) is None


REFUTED = {
    "sigmoid": "sigmoid",
    "negative distance": similar(lambda x, y: abs(x - y), finish=lambda s: -s),
    "of degree 2.5": lw.polynomial(degree=2.5),
    "with a constant below 0": lw.polynomial(degree=2, coef0=-1),
    "chebyshev": similar(lambda x, y: abs(x - y), combine="max", finish=lambda s: m.exp(-s)),
    "minkowski 3": similar(lambda x, y: abs(x - y) ** 3, finish=lambda s: m.exp(-s)),
    "not symmetric": similar(lambda x, y: x * x * y),
    "difference of kernels": similar(lambda x, y: x * y - 0.1 * (x - y) ** 2),
    "larger of two": similar(lambda x, y: m.maximum(x, y)),
    "1 - dot": similar(lambda x, y: x * y, finish=lambda s: 1 - s),
    "product of a row": similar(lambda x, y: x * y, finish=lambda s, norm_x: s / (1 + norm_x)),
    "scaled down": similar(lambda x, y: -2 * x * y),
}


@pytest.mark.parametrize("metric", REFUTED.values(), ids=REFUTED)
def test_refuted_by_rows_that_anybody_can_check(metric):
    found = positive_semidefinite(metric)
    assert found.refuted
    K = lw.pairwise(found.rows, metric=found.metric)
    if found.coefficients is None:
        assert K[0, 1] - K[1, 0] == found.value != 0
    else:
        c = found.coefficients
        assert c @ ((K + K.T) / 2) @ c == pytest.approx(found.value, rel=1e-6)
        assert found.value < 0
        assert len(found.rows) <= 32
    assert " is no kernel: " in str(found)


def test_histogram_intersection_on_rows_without_negative_values():
    metric = similar(lambda x, y: m.minimum(x, y), name="intersection")
    anywhere = positive_semidefinite(metric)
    assert anywhere.refuted
    assert len(anywhere.rows) == 1
    assert "It is a kernel on rows without negative values:\n  1. minimum(x, y): the smaller of" in str(anywhere)
    here = positive_semidefinite(metric, np.random.default_rng(0).random((50, 4)))
    assert (here.proved, here.domain) == (True, "rows without negative values")
    assert str(here).startswith("intersection is a kernel on rows without negative values, proved:")
    assert positive_semidefinite(metric, [[1.0, -1.0], [0.0, 2.0]]).steps == here.steps


def test_on_rows_of_ones_own():
    rows = np.random.default_rng(0).standard_normal((400, 3))
    found = positive_semidefinite("sigmoid", rows, metric_params={"gamma": 1.0})
    assert found.refuted
    assert found.tried == 300
    np.testing.assert_array_equal(found.rows, rows[found.indices])
    assert f"x{found.indices[0]} = (" in str(found)
    zeros = positive_semidefinite("chebyshev", np.zeros((5, 2)))
    assert (zeros.verdict, zeros.smallest, zeros.tried) == ("unknown", 0.0, 5)
    assert "no rule proves it to be a kernel, and there is no counterexample among 5 rows" in str(zeros)
    assert pickle.loads(pickle.dumps(found)).verdict == "refuted"
    again = positive_semidefinite("sigmoid", rows, metric_params={"gamma": 1.0}, n_jobs=1)
    np.testing.assert_array_equal(again.indices, found.indices)


def test_only_the_rows_that_are_compared_are_made_dense():
    ones = np.arange(200_000)
    rows = sparse.csr_matrix((np.ones(200_000), (ones, ones // 2)), (200_000, 100_000))  # 160 GB, were it dense
    assert positive_semidefinite("sigmoid", rows, n_rows=20).tried == 20
    assert positive_semidefinite(similar(lambda x, y: m.minimum(x, y)), rows).proved


def test_what_cannot_be_tested():
    broken = similar(lambda x, y: m.log(x - y))
    with pytest.raises(InputError, match="own of rows 0 and 0 of X is not finite: it is no kernel on these rows"):
        positive_semidefinite(broken, [[0.0], [1.0]])
    with pytest.raises(InputError, match="n_rows=0: a whole number of at least 1 is wanted"):
        positive_semidefinite("sigmoid", [[0.0]], n_rows=0)
    with pytest.raises(ShapeError, match=r"X has shape \(3,\); rows \(n, d\) are wanted"):
        positive_semidefinite("sigmoid", [1.0, 2.0, 3.0])


def test_rules_do_not_take_what_only_looks_alike():
    for metric in (
        similar(lambda x, y: abs(x + y), finish=lambda s: m.exp(-s)),
        similar(lambda x, y: abs(2 * x - y), finish=lambda s: m.exp(-s)),
        similar(lambda x, y: abs(x - y), finish=lambda s: m.exp(s)),
        similar(lambda x, y: abs(x - y), finish=lambda s: 1 / s),
        similar(lambda x, y: x * y, finish=lambda s, norm_x, norm_y: s / norm_x / (norm_y + 1)),
        similar(lambda x, y: x * y, finish=lambda s: m.sqrt(s)),
        similar(lambda x, y: x * y, finish=lambda s, d: s - d),
        similar(lambda x, y: m.minimum(x, y * y)),
        similar(lambda x, y: m.where(x == y, 0, 1)),
        similar(lambda x, y: m.where((x == 0) | (y == 1), 0, x * y)),
        similar(lambda x, y: (x - y) ** 2, finish=lambda s: (1 + 2 * m.sqrt(s)) * m.exp(-m.sqrt(s))),
        similar(lambda x, y: x * y, finish=lambda s, norm_x, norm_y: m.arccos(s / norm_x)),
    ):
        assert proof_of_kernel(metric) is None, str(metric)
    for metric in (
        lw.metrics["chebyshev"],
        lw.metrics["canberra"],
        lw.minkowski(p=3),
        similar(lambda x, y: x * y),
        similar(lambda x, y: abs(x - y), finish=lambda s: s * s),
        similar(lambda x, y: abs(x - y), finish=lambda s: m.log(0.5 + s)),
        similar(lambda x, y: abs(x - y), finish=lambda s: m.sqrt(s - 1)),
    ):
        assert proof_of_distance(metric) is None, str(metric)
