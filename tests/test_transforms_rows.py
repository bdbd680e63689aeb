"""Maps of rows: against their definitions, through scikit-learn's pipelines, and what they refuse."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import BadRowsError, DtypeError, InputError, ShapeError
from likewise.transforms import Binarize, RandomProjection, RemoveTop, Rotate, Whiten, johnson_lindenstrauss
from likewise.transforms.moments import merged, moments

ALL = [Whiten(), Rotate(), RemoveTop(), Binarize(bits=False), RandomProjection(4)]
IDS = [type(one).__name__ for one in ALL]


def made(n=400, d=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * np.logspace(0, 2, d) + 10


def again(transform, **parameters):
    """Another of its kind, not fitted."""
    return type(transform)(**transform.get_params()).set_params(**parameters)


# ---- moments


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_moments(shift, monkeypatch):
    monkeypatch.setattr("likewise.transforms.moments.BLOCK", 210)
    rows = made() + shift
    found = moments(rows)
    assert_allclose(np.ldexp(found.mean, found.exponent), rows.mean(axis=0), rtol=1e-12)
    assert_allclose(np.ldexp(found.covariance(), 2 * found.exponent), np.cov(rows.T), rtol=1e-7)
    assert_allclose(np.ldexp(found.about_origin(), 2 * found.exponent), rows.T @ rows / len(rows), rtol=1e-12)
    parts = [moments(rows, numbers, exponent=found.exponent) for numbers in np.array_split(np.arange(400), 3)]
    assert_allclose(merged(parts).scatter, found.scatter, rtol=1e-6)
    assert_allclose(merged(parts).mean, found.mean, rtol=1e-12)


@pytest.mark.parametrize("scale", [2.0**600, 2.0**-600])
def test_moments_of_huge_and_tiny_rows(scale):
    rows = made()
    found, wanted = moments(rows * scale), moments(rows)
    assert_array_equal(found.scatter, wanted.scatter)


# ---- each against its definition


def test_euclid_of_whitened_rows_is_mahalanobis():
    rows = made()
    inverse = np.linalg.inv(np.cov(rows.T))
    wanted = lw.pairwise(rows, metric=lw.mahalanobis(inverse))
    assert_allclose(lw.pairwise(Whiten().fit_transform(rows), metric="euclidean"), wanted, rtol=1e-9, atol=1e-9)


def test_whitening_some_axes_and_shrinking():
    rows = made()
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    two = Whiten(2).fit(rows)
    assert_allclose(two.variances_, values[::-1][:2], rtol=1e-9)
    assert_allclose(np.abs((two.components_.T * vectors[:, ::-1][:, :2]).sum(axis=0)), 1, rtol=1e-9)
    assert_allclose(np.cov(two.transform(rows).T), np.eye(2), atol=1e-9)
    half = Whiten(shrinkage=0.5).fit(rows)
    assert_allclose(half.variances_, 0.5 * values[::-1] + 0.5 * values.mean(), rtol=1e-9)
    assert_allclose(half.inverse_transform(half.transform(rows)), rows, rtol=1e-9)
    ratio = lw.pairwise(Whiten(shrinkage=1).fit_transform(rows), metric="euclidean")[0, 1:]
    ratio /= lw.pairwise(rows, metric="euclidean")[0, 1:]
    assert_allclose(ratio, ratio[0])


def test_whitening_leaves_out_directions_without_variance():
    rows = np.concatenate([made(), np.full((400, 2), 3.3), made()[:, :1]], axis=1)
    found = Whiten().fit(rows)
    assert found.transform(rows).shape == (400, 7)
    assert_allclose(found.inverse_transform(found.transform(rows)), rows, rtol=1e-9)
    pseudo = np.linalg.pinv(np.cov(rows.T), rcond=1e-12, hermitian=True)
    difference = rows[:20] - rows[20:40]
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", difference, pseudo, difference))
    assert_allclose(lw.paired(*found.transform(rows[:40]).reshape(2, 20, -1), metric="euclidean"), wanted, rtol=1e-9)
    with pytest.raises(InputError, match="rank=9, and X varies in 7 directions; take 7 at most, or shrinkage="):
        Whiten(9).fit(rows)
    with pytest.raises(InputError, match="all rows of X are equal; there is no variance to whiten"):
        Whiten().fit(np.ones((5, 3)))
    with pytest.raises(InputError, match="columns of X differ in scale so far that float64 does not hold"):
        Whiten().fit(np.random.default_rng(0).standard_normal((100, 2)) * [1, 1e-9])


def test_rotation_keeps_distances_and_products_and_puts_energy_first():
    rows = made()
    turn = Rotate().fit(rows)
    turned = turn.transform(rows)
    for metric in ("dot", "euclidean", "cosine"):
        wanted = lw.pairwise(rows, metric=metric)
        assert_allclose(lw.pairwise(turned, metric=metric), wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
    energy = (turned**2).mean(axis=0)
    assert (np.diff(energy) <= 0).all()
    assert_allclose(turn.energy_, energy / energy.sum(), rtol=1e-9)
    assert_allclose(turn.inverse_transform(turned), rows, rtol=1e-9)
    _, s, _ = np.linalg.svd(rows, full_matrices=False)
    cut = Rotate(3).fit(rows)
    left = cut.inverse_transform(cut.transform(rows)) - rows
    assert_allclose((left**2).sum(), (s[3:] ** 2).sum(), rtol=1e-6)  # no three directions leave out less


def test_rotation_about_the_mean_is_scikit_learns_pca():
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = made()
    theirs = decomposition.PCA(4).fit(rows)
    ours = Rotate(4, center=True).fit(rows)
    signs = np.sign((ours.components_ * theirs.components_).sum(axis=1))
    assert_allclose(ours.transform(rows) * signs, theirs.transform(rows), atol=1e-9)
    assert_allclose(ours.energy_, theirs.explained_variance_ratio_, rtol=1e-9)


@pytest.mark.parametrize("directions", [0, 1, 3])
def test_without_top_directions(directions):
    rows = made()
    left = RemoveTop(directions).fit_transform(rows)
    centred = rows - rows.mean(axis=0)
    _, _, vt = np.linalg.svd(centred, full_matrices=False)
    assert_allclose(left, centred - centred @ vt[:directions].T @ vt[:directions], atol=1e-9)
    assert np.linalg.matrix_rank(left, tol=1e-6) == 7 - directions
    assert not hasattr(RemoveTop, "inverse_transform")


@pytest.mark.parametrize(
    ("threshold", "wanted"), [("zero", lambda x: 0), ("median", lambda x: np.median(x, axis=0)), (2.5, lambda x: 2.5)]
)
def test_bits(threshold, wanted):
    rows = np.random.default_rng(0).standard_normal((50, 19)) + 1
    bits = Binarize(threshold).fit_transform(rows)
    assert isinstance(bits, lw.Bits)
    assert bits.shape == (50, 19)
    assert_array_equal(bits.unpack(), rows > wanted(rows))
    plain = Binarize(threshold, bits=False).fit_transform(rows)
    assert plain.dtype == bool
    assert_array_equal(
        lw.topk(bits, None, 3, metric="hamming").indices, lw.topk(plain, None, 3, metric="hamming").indices
    )


def test_medians_of_many_columns_are_taken_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr("likewise.transforms.binarize._COLUMNS", 100)
    rows = np.random.default_rng(0).standard_normal((51, 19))
    assert_array_equal(Binarize("median").fit(rows).thresholds_, np.median(rows, axis=0))


@pytest.mark.parametrize("kind", ["gaussian", "sparse", "sign"])
def test_projections_keep_lengths(kind):
    rows = np.random.default_rng(0).standard_normal((30, 800))
    ratios = []
    for seed in range(20):
        project = RandomProjection(200, kind=kind, seed=seed).fit(rows)
        ratios.append((project.transform(rows) ** 2).sum(axis=1) / (rows**2).sum(axis=1))
    assert abs(np.mean(ratios) - 1) < 0.02  # 600 of sd sqrt(2 / 200) = 0.1
    assert 0.08 < np.std(ratios) < 0.12
    levels = np.unique(np.abs(project.components_)) * np.sqrt(200)
    if kind == "sign":
        assert_allclose(levels, [1])
    if kind == "sparse":
        assert_allclose(levels, [0, np.sqrt(3)])
        assert abs((project.components_ == 0).mean() - 2 / 3) < 0.01
    back = project.inverse_transform(project.transform(rows))
    assert_allclose(project.transform(back), project.transform(rows), atol=1e-9)  # the nearest rows that map so
    one, two = (RandomProjection(5, kind=kind, seed=1).fit_transform(rows) for _ in range(2))
    assert_array_equal(one, two)


def test_the_bound_of_johnson_and_lindenstrauss():
    theirs = pytest.importorskip("sklearn.random_projection").johnson_lindenstrauss_min_dim
    for n, error in ((100, 0.5), (10**6, 0.1)):
        assert abs(johnson_lindenstrauss(n, error) - theirs(n, eps=error)) <= 1  # which rounds down
    rows = np.random.default_rng(0).standard_normal((60, 1000))
    near = RandomProjection(johnson_lindenstrauss(60, 0.5)).fit_transform(rows)
    upper = np.triu_indices(60, 1)
    ratio = (lw.pairwise(near, metric="sqeuclidean") / np.maximum(lw.pairwise(rows, metric="sqeuclidean"), 1e-9))[upper]
    assert 0.5 < ratio.min() < ratio.max() < 1.5
    for given, message in {(100, 1): "error=1; a share between 0 and 1", (1, 0.1): "n=1; two rows at least"}.items():
        with pytest.raises(InputError, match=message):
            johnson_lindenstrauss(*given)


# ---- what all have in common


@pytest.mark.parametrize("transform", ALL, ids=IDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8, np.uint8, np.int64, bool])
def test_types(transform, dtype):
    rows = np.random.default_rng(0).integers(0, 2, (60, 6)).astype(dtype)
    found = again(transform).fit_transform(rows)
    wanted = again(transform).fit_transform(rows.astype(np.float64))
    kind = bool if isinstance(transform, Binarize) else np.float32 if dtype in (np.float32, np.float16) else np.float64
    assert found.dtype == kind
    assert_allclose(found, wanted.astype(found.dtype), atol=1e-6)


@pytest.mark.parametrize("transform", ALL, ids=IDS)
def test_blocks_change_nothing(transform, monkeypatch):
    rows = made()
    whole = again(transform).fit(rows)
    monkeypatch.setattr("likewise.transforms.base.BLOCK", 210)
    assert_allclose(whole.transform(rows), again(transform).fit(rows).transform(rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("transform", ALL, ids=IDS)
def test_one_vector_no_rows_and_torch(transform):
    rows = made()
    fitted = again(transform).fit(rows)
    assert_allclose(fitted.transform(rows[3]), fitted.transform(rows)[3], rtol=1e-12)
    assert len(fitted.transform(np.empty((0, 7)))) == 0
    torch = pytest.importorskip("torch")
    made_of_torch = again(transform).fit(torch.from_numpy(rows)).transform(torch.from_numpy(rows))
    assert isinstance(made_of_torch, torch.Tensor)
    assert_array_equal(made_of_torch.numpy(), fitted.transform(rows))
    narrow = fitted.transform(torch.from_numpy(rows).to(torch.bfloat16))
    assert narrow.dtype == (torch.bool if isinstance(transform, Binarize) else torch.float32)


@pytest.mark.parametrize("transform", ALL, ids=IDS)
def test_what_is_refused(transform):
    name, rows = type(transform).__name__, made()
    with pytest.raises(InputError, match=f"this {name} is not fitted yet; call fit first"):
        again(transform).transform(rows)
    fitted = again(transform).fit(rows)
    with pytest.raises(ShapeError, match=f"X has vectors of 6 coordinates, and {name} wants 7, as were fitted"):
        fitted.transform(rows[:, :6])
    bad = rows.copy()
    bad[[2, 5]] = np.nan
    for act in (again(transform).fit, fitted.transform):
        with pytest.raises(BadRowsError, match=r"X has NaN or infinite values in rows 2, 5; mend them"):
            act(bad)
        sparse = pytest.importorskip("scipy.sparse").csr_array(rows)
        with pytest.raises(
            DtypeError, match=r"X is a sparse matrix of shape \(400, 7\); dense rows .* use .toarray\(\)"
        ):
            act(sparse)
        with pytest.raises(ShapeError, match=r"X has shape \(2, 3, 7\); one set of rows, of shape \(n, d\), is wanted"):
            act(np.ones((2, 3, 7)))
    with pytest.raises(ShapeError, match=f"X has 1 rows; {name} is fitted to 2 at least"):
        again(transform).fit(rows[:1])
    if hasattr(transform, "inverse_transform"):
        width = fitted.transform(rows).shape[1]
        with pytest.raises(
            ShapeError, match=f"X has vectors of 9 coordinates, and {name} wants {width}, as transform gives"
        ):
            fitted.inverse_transform(np.ones((2, 9)))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (Whiten(8), "rank=8; rows have 7 dimensions, so 1 to 7 is wanted"),
        (Whiten(shrinkage=2), "shrinkage=2; a number from 0 to 1 is wanted"),
        (Rotate(0), "rank=0; rows have 7 dimensions, so 1 to 7 is wanted"),
        (Rotate(2.5), "rank=2.5 is not a whole number"),
        (RemoveTop(7), "directions=7; rows have 7 dimensions, and nothing would be left: take 6"),
        (Binarize("mean"), "threshold='mean' is not known; it is 'zero', 'median' or a number"),
        (Binarize(np.nan), "threshold=nan is not a finite number"),
        (RandomProjection(8), "rank=8; rows have 7 dimensions, so 1 to 7 is wanted"),
        (RandomProjection(None), "rank=None; how many dimensions are to be had is wanted"),
        (
            RandomProjection(2, kind="cauchy"),
            "kind='cauchy' is not known; it is one of gaussian, sparse, sign, orthogonal",
        ),
        (RandomProjection(2, seed=-1), "seed=-1; a whole number, 0 at least, is wanted"),
    ],
)
def test_parameters_that_are_refused(transform, message):
    with pytest.raises(InputError) as caught:
        transform.fit(made())
    assert str(caught.value) == message


def test_parameters_and_their_text():
    one = Whiten(3, shrinkage=0.25)
    assert repr(one) == "Whiten(rank=3, shrinkage=0.25)"
    assert repr(Whiten()) == "Whiten()"
    assert one.get_params() == {"rank": 3, "shrinkage": 0.25}
    assert one.set_params(rank=2) is one
    with pytest.raises(InputError, match="Whiten has no parameter 'ridge'; it has rank, shrinkage"):
        one.set_params(ridge=1)


# ---- scikit-learn


@pytest.mark.parametrize("transform", ALL, ids=IDS)
def test_scikit_learn_clones_them_and_takes_them_into_pipelines(transform):
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.utils.validation import check_is_fitted

    rows, label = made(), np.arange(400) % 2
    copied = clone(again(transform))
    assert copied.get_params() == transform.get_params()
    line = make_pipeline(again(transform), KNeighborsClassifier(1)).fit(rows, label)
    assert line.predict(rows).shape == (400,)
    check_is_fitted(line)
    assert next(iter(line[:-1].get_feature_names_out())) == f"{type(transform).__name__.lower()}0"
    name = type(transform).__name__.lower()
    parameter = {"binarize": "threshold", "removetop": "directions"}.get(name, "rank")
    values = ["zero", "median"] if name == "binarize" else [1, 2]
    search = GridSearchCV(line, {f"{name}__{parameter}": values}, cv=2).fit(rows, label)
    assert search.best_params_[f"{name}__{parameter}"] in values


def test_scikit_learn_is_not_loaded_for_them():
    code = """
import sys, numpy as np, likewise as lw
lw.transforms.Whiten().fit_transform(np.eye(5))
assert "sklearn" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
