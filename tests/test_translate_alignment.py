"""Alignments: planted maps found again, and what is asked of pairs that determine none."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp

from likewise.errors import InputError, ShapeError
from likewise.translate import CCA, Alignment, mutual_nearest, retrieve

PLAIN = {"unit": False, "center": False}
ROOT = Path(os.environ.get("LIKEWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def normal(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def first(x, y, **options):
    return retrieve(x, y, 1, **options).indices[:, 0]


@pytest.mark.parametrize("noise", [0, 0.05])
@pytest.mark.parametrize("options", [PLAIN, {}, {"whiten": True, "dewhiten": True}, {"whiten": True, "reweight": 0.5}])
def test_a_planted_rotation_is_found(options, noise):
    x, r = normal(200, 12), rotation(12)
    y = x @ r + noise * normal(200, 12, 1)
    found = Alignment(**options).fit(x[:100], y[:100])
    np.testing.assert_array_equal(first(found.transform(x), found.transform_target(y)), np.arange(200))
    if not noise and not options.get("whiten"):
        np.testing.assert_allclose(found.matrix_, r, atol=1e-6)
    if not noise:
        np.testing.assert_allclose(found.transform(x), found.transform_target(y), atol=1e-6)


@pytest.mark.parametrize("n", [12, 13, 300])
def test_it_is_scipys_procrustes(n):
    x, y = normal(n, 12), normal(n, 12, 1)
    expected, _ = scipy.linalg.orthogonal_procrustes(x, y)
    np.testing.assert_allclose(Alignment(**PLAIN).fit(x, y).matrix_, expected, atol=1e-9)


@pytest.mark.parametrize("options", [PLAIN, {}])
def test_there_and_back(options):
    x, y = normal(50, 6) + 2, normal(50, 6, 1) - 1
    found = Alignment(**options).fit(x, y)
    back = found.inverse_transform(found.transform(x))
    if not options:  # lengths are gone
        unit = x / np.linalg.norm(x, axis=1, keepdims=True) - found.mean_
        x = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_allclose(found.matrix_.T @ found.matrix_, np.eye(6), atol=1e-12)


def test_centring_is_undone_without_unit_length():
    x = normal(50, 6) + 2
    found = Alignment(unit=False).fit(x, x @ rotation(6))
    np.testing.assert_allclose(found.inverse_transform(found.transform(x)), x, atol=1e-12)


@pytest.mark.parametrize(("d1", "d2"), [(5, 9), (9, 5)])
@pytest.mark.parametrize("options", [PLAIN, {}, {"whiten": True}])
def test_spaces_of_different_dimensions(d1, d2, options):
    hidden = normal(200, 5)
    x, y = (hidden @ np.linalg.qr(normal(d, 5, d))[0].T for d in (d1, d2))
    found = Alignment(**options).fit(x[:100], y[:100])
    a, b = found.transform(x), found.transform_target(y)
    assert a.shape == b.shape == (200, d2)
    np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_array_equal(first(a, b), np.arange(200))


def test_few_dimensions_keep_what_correlates_most():
    x = normal(300, 6)
    y = np.hstack([x[:, :2] @ rotation(2), normal(300, 4, 1)])
    found = Alignment(whiten=True, dimensions=2, unit=False).fit(x, y)
    assert found.transform(x).shape == found.transform_target(y).shape == (300, 2)
    assert found.correlations_[1] > 0.99 > 0.3 > found.correlations_[2]


def test_whitening_gives_directions_that_vary_alike():
    x = normal(400, 5) * [1, 2, 4, 8, 16] + 3
    found = Alignment(whiten=True, unit=False, regularization=0).fit(x, x @ rotation(5))
    np.testing.assert_allclose(np.cov(found.transform(x).T, bias=True), np.eye(5), atol=1e-9)
    np.testing.assert_allclose(found.correlations_, 1)


def test_rows_do_not_depend_on_each_other():
    x, y = normal(70, 33), normal(70, 33, 1)
    for found in (Alignment(whiten=True, reweight=0.5).fit(x, y), CCA(10).fit(x, y)):
        whole = found.transform(x)
        np.testing.assert_array_equal(whole[17:23], found.transform(x[17:23]))
        np.testing.assert_array_equal(whole[5:6], found.transform(x[5:6]))
        assert found.transform(x[:0]).shape == (0, whole.shape[1])


def test_pairs_that_span_too_little():
    x = np.zeros((20, 6))
    x[:, :3] = normal(20, 3)
    r = rotation(6)
    found = Alignment(**PLAIN).fit(x, x @ r)
    assert found.rank_ == 3
    np.testing.assert_allclose(found.transform(x), x @ r, atol=1e-9)  # where they say something, it is right
    np.testing.assert_allclose(found.matrix_.T @ found.matrix_, np.eye(6), atol=1e-9)  # and a rotation elsewhere
    whitened = Alignment(unit=False, whiten=True).fit(x, x @ r)
    assert np.isfinite(whitened.transform(normal(5, 6))).all()


def test_one_pair():
    found = Alignment(**PLAIN).fit([[3.0, 0.0]], [[0.0, 5.0]])
    assert found.rank_ == 1
    np.testing.assert_allclose(found.transform([[1.0, 0.0]]), [[0.0, 1.0]], atol=1e-12)
    for model in (Alignment(), CCA()):
        with pytest.raises(InputError, match="pair"):
            model.fit([[3.0, 0.0]], [[0.0, 5.0]])


def test_zero_rows_stay_where_they_are():
    x, y = normal(30, 4), normal(30, 4, 1)
    x[3] = 0
    found = Alignment(center=False).fit(x, y)
    np.testing.assert_array_equal(found.transform(x)[3], 0)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: Alignment().fit(normal(3, 2), normal(4, 2)), ShapeError, "x and y are to be pairs.* 3 and 4 of them"),
        (lambda: Alignment().fit(np.zeros((5, 3)), normal(5, 3)), InputError, "the pairs do not vary together at all"),
        (lambda: Alignment().fit(np.empty((0, 3)), np.empty((0, 3))), InputError, "x has no rows; at least one pair"),
        (lambda: Alignment().transform([[1.0]]), InputError, "this Alignment is not fitted yet; call fit first"),
        (lambda: CCA().transform([[1.0]]), InputError, "this CCA is not fitted yet; call fit first"),
        (
            lambda: Alignment().fit(normal(5, 3), normal(5, 3, 1)).transform([[1.0]]),
            ShapeError,
            r"x has shape \(1, 1\); rows of 3 coordinates were fitted",
        ),
        (
            lambda: Alignment().fit(normal(5, 3), normal(5, 3, 1)).inverse_transform([[1.0]]),
            ShapeError,
            r"z has shape \(1, 1\); the shared space has 3 coordinates",
        ),
        (
            lambda: Alignment().fit(sp.csr_array(np.eye(3)), np.eye(3)),
            InputError,
            r"x is sparse \(3 x 3\); CCA takes sparse rows",
        ),
        (
            lambda: Alignment().set_params(units=1),
            InputError,
            "Alignment has no parameter 'units'; it has unit, center",
        ),
        (
            lambda: Alignment(dimensions=0).fit(normal(5, 3), normal(5, 3, 1)),
            InputError,
            "dimensions=0; at least 1 is wanted",
        ),
        (lambda: CCA(0).fit(np.eye(3), np.eye(3)), InputError, "dimensions=0; at least 1 is wanted"),
        (lambda: CCA(ridge=-1).fit(np.eye(3), np.eye(3)), InputError, "ridge=-1; a number of at least 0 is wanted"),
        (lambda: CCA().fit(np.ones((4, 2)), np.eye(4)), InputError, "all rows of x are equal: nothing varies with it"),
        (lambda: CCA(center=True).fit(sp.eye_array(4), np.eye(4)), InputError, "x is sparse, and center=True would"),
        (lambda: CCA().fit(np.eye(3), np.eye(4)), ShapeError, "x and y are to be pairs, one by one; there are 3 and 4"),
    ],
)
def test_what_is_wrong_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call()


# ---------------------------------------------------------------------------------------------------- self-learning


def words(n=3000):
    """Real word vectors, or without these, rows that cluster alike."""
    path = ROOT / "glove-twitter-25d" / "vectors.f32.npy"
    if path.exists():
        return np.load(path)[:n].astype(float)
    return normal(n, 25) * np.linspace(0.3, 2, 25) + normal(40, 25, 1)[np.random.default_rng(2).integers(0, 40, n)]


@pytest.mark.parametrize("noise", [0, 0.1])
def test_ten_pairs_find_the_others(noise):
    x = words()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    r = rotation(25)
    y = ((x + noise * x.std() * normal(*x.shape, 1)) @ r)[order]
    where = np.argsort(order)
    seed = rng.choice(1000, 10, replace=False)
    pairs = np.column_stack([seed, where[seed]])
    alone = Alignment().fit_dictionary(x, y, pairs, rounds=0)
    learnt = Alignment().fit_dictionary(x, y, pairs)
    right = [(first(a.transform(x), a.transform_target(y)) == where).mean() for a in (alone, learnt)]
    assert right[0] < 0.5
    assert right[1] == 1 if not noise else right[1] > 0.99
    if not noise:
        np.testing.assert_allclose(learnt.matrix_, r, atol=1e-6)
        np.testing.assert_array_equal(learnt.pairs_, np.column_stack([np.arange(len(x)), where]))


def test_rounds_are_reported_and_end():
    x = words(400)
    seen = []
    found = Alignment().fit_dictionary(
        x, x @ rotation(25), [[i, i] for i in range(40)], rows=300, progress=lambda *at: seen.append(at)
    )
    assert seen[0] == (1, 20)
    assert len(seen) < 20  # the same pairs again
    assert found.pairs_.max() == 299


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], r"pairs has shape \(0,\) of float64; row numbers"),
        (np.empty((0, 2), int), "pairs is empty; at least one pair is wanted"),
        ([[0, 9]], "pairs names a row of y outside 0 to 4"),
        ([[-1, 0]], "pairs names a row of x outside 0 to 4"),
        ([[0.5, 1]], r"pairs has shape \(1, 2\) of float64"),
    ],
)
def test_pairs_that_are_none(pairs, said):
    with pytest.raises(InputError, match=said):
        Alignment().fit_dictionary(normal(5, 3), normal(5, 3, 1), pairs)


def test_mutual_nearest():
    x, y = normal(30, 5), normal(40, 5, 1)
    there, back = first(x, y, method="nearest"), first(y, x, method="nearest")
    expected = [[i, j] for i, j in enumerate(there) if back[j] == i]
    np.testing.assert_array_equal(mutual_nearest(x, y, method="nearest"), expected)


# --------------------------------------------------------------------------------------------------------------- CCA


def test_cca_is_its_definition():
    """Correlations are those of the best combinations: the roots of the generalised eigenproblem (Hotelling 1936)."""
    x = normal(300, 5)
    y = np.hstack([x[:, :2] + 0.5 * normal(300, 2, 1), normal(300, 2, 2)])
    found = CCA(ridge=0, power=0).fit(x, y)
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    m = np.linalg.solve(a.T @ a, a.T @ b) @ np.linalg.solve(b.T @ b, b.T @ a)
    roots = np.sort(np.linalg.eigvals(m).real)[::-1][:4]
    np.testing.assert_allclose(found.correlations_, np.sqrt(roots), atol=1e-10)
    u, v = found.transform(x), found.transform_target(y)
    np.testing.assert_allclose(u.T @ v, np.diag(found.correlations_), atol=1e-10)
    np.testing.assert_allclose(u.T @ u, np.eye(4), atol=1e-10)


def test_cca_weighs_axes_by_their_correlation():
    x, y = normal(300, 5), normal(300, 5, 1) + normal(300, 5)
    plain, weighted = CCA(power=0).fit(x, y), CCA(power=2).fit(x, y)
    np.testing.assert_allclose(weighted.transform(x), plain.transform(x) * plain.correlations_**2, atol=1e-12)


def test_a_ridge_keeps_chance_from_correlating():
    x, y = normal(40, 30), normal(40, 30, 1)
    assert CCA(ridge=0).fit(x, y).correlations_[0] > 0.99
    assert CCA(ridge=10).fit(x, y).correlations_[0] < 0.3


def test_cca_of_sparse_rows_is_that_of_dense_ones():
    x, y = (sp.random_array((200, d), density=0.2, rng=d, format="csr") for d in (30, 40))
    found, expected = CCA(8).fit(x, y), CCA(8, center=False).fit(x.toarray(), y.toarray())
    np.testing.assert_allclose(found.transform(x), expected.transform(x.toarray()), atol=1e-10)
    np.testing.assert_allclose(found.transform_target(y), expected.transform_target(y.toarray()), atol=1e-10)


def test_cca_of_fewer_axes_than_asked():
    x = normal(50, 3) @ normal(3, 10, 1)  # of rank 3
    assert CCA(500).fit(x, normal(50, 6, 2)).transform(x).shape == (50, 3)


# ---------------------------------------------------------------------------------------------------- as others have it


@pytest.mark.parametrize("model", [Alignment(whiten=True, reweight=0.5, dimensions=3), CCA(3, ridge=0.5)])
def test_kept_in_a_file(model, tmp_path):
    x, y = normal(40, 6), normal(40, 5, 1)
    model.fit(x, y).save(tmp_path / "model")
    again = type(model).load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(x), model.transform(x))
    np.testing.assert_array_equal(again.transform_target(y), model.transform_target(y))
    assert again.get_params() == model.get_params()
    for name in type(model)._saved:
        assert np.shape(getattr(again, name)) == np.shape(getattr(model, name))  # a number stays one
    other = CCA if isinstance(model, Alignment) else Alignment
    with pytest.raises(InputError, match=f"holds likewise.translate.{type(model).__name__}, not likewise.translate."):
        other.load(tmp_path / "model")


def test_scikit_learn_clones_it():
    from sklearn.base import clone

    for model in (Alignment(whiten=True), CCA(7)):
        assert clone(model).get_params() == model.get_params()
    assert repr(Alignment(whiten=True, dimensions=3)) == "Alignment(whiten=True, dimensions=3)"
    assert repr(CCA().set_params(dimensions=9)) == "CCA(dimensions=9)"
