"""Dot products that know each row's neighbourhood: CSLS and local scaling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.transforms import CSLS, LocalScaling, local_scaling


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 12)), rng.standard_normal((80, 12)) + 0.3


def cosines(x, y):
    return (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T


def nearest_mean(values, k):
    return -np.sort(-values, axis=1)[:, :k].mean(axis=1)


def test_csls_is_its_formula(sets):
    x, y = sets
    c = cosines(x, y)
    wanted = 2 * c - nearest_mean(c, 5)[:, None] - nearest_mean(c.T, 5)
    found = lw.topk(*lw.csls(x, y, 5), 10, metric="dot")
    assert_allclose(found.values, np.sort(wanted, axis=1)[:, ::-1][:, :10], rtol=0, atol=1e-13)
    assert_array_equal(found.indices, np.argsort(-wanted, axis=1)[:, :10])
    assert_array_equal(found.indices, lw.translate.retrieve(x, y, 10, method="csls", neighbours=5).indices)


def test_csls_of_rows_among_themselves_leaves_each_out_of_its_own_mean(sets):
    x, _ = sets
    c = cosines(x, x)
    r = nearest_mean(np.where(np.eye(len(x)), -np.inf, c), 5)
    wanted = 2 * c - r[:, None] - r
    assert_allclose(lw.pairwise(*lw.csls(x, k=5), metric="dot"), wanted, rtol=0, atol=1e-13)


def test_a_fixed_shelf_and_queries_that_arrive(sets):
    x, y = sets
    shelf = CSLS(5).fit(y, x)
    whole = lw.csls(x, y, 5)
    assert_array_equal(shelf.items, whole.items)
    assert_array_equal(shelf.transform(x), whole.queries)
    assert_array_equal(np.stack([shelf.transform(row) for row in x]), whole.queries)  # one at a time: the same bits
    plain = lw.topk(shelf.transform(x, own=False), shelf.index, 7)
    full = lw.topk(*whole, 7, metric="dot")
    assert_array_equal(plain.indices, full.indices)
    assert_allclose(plain.values[:, 0] - full.values[:, 0], -whole.queries[:, -1], atol=1e-13)
    assert_array_equal(CSLS(5).fit(y).items, lw.csls(y, k=5).items)


@pytest.mark.parametrize("scale", ["kth", "mean"])
def test_local_scaling_is_its_formula(sets, scale):
    x, y = sets
    d = np.sqrt(((x[:, None] - y[None]) ** 2).sum(axis=2))
    near_x, near_y = np.sort(d, axis=1)[:, :4], np.sort(d.T, axis=1)[:, :4]
    s, t = (near[:, -1] if scale == "kth" else near.mean(axis=1) for near in (near_x, near_y))
    found = lw.pairwise(*local_scaling(x, y, 4, scale=scale), metric="dot")
    assert_allclose(found, -(d**2) / (s[:, None] * t), rtol=1e-12)
    fitted = LocalScaling(4, scale=scale).fit(y, x)
    assert_array_equal(
        lw.topk(fitted.transform(x, own=False), fitted.index, 6).indices,
        lw.topk(*local_scaling(x, y, 4, scale=scale), 6, metric="dot").indices,
    )


def test_types_are_kept(sets):
    x, y = (rows.astype(np.float32) for rows in sets)
    found = lw.csls(x, y)
    assert found.queries.dtype == found.items.dtype == np.float32
    wide = lw.csls(x.astype(np.float64), y.astype(np.float64))
    assert wide.queries.dtype == np.float64
    assert_allclose(lw.pairwise(*found, metric="dot"), lw.pairwise(*wide, metric="dot"), atol=1e-6)
    assert lw.csls(x.astype(np.float16), y).queries.dtype == np.float32
    assert lw.csls((x * 9).astype(np.int8), y).items.dtype == np.float32
    assert local_scaling(x, y).items.dtype == np.float64
    far = local_scaling(x + 1000, y + 1000)  # products are large, and distances are not lost in them
    assert_allclose(lw.pairwise(*far, metric="dot"), lw.pairwise(*local_scaling(x, y), metric="dot"), rtol=1e-2)


def test_torch_in_torch_out(sets):
    torch = pytest.importorskip("torch")
    x, y = (torch.tensor(rows) for rows in sets)
    found = lw.csls(x, y)
    assert isinstance(found.queries, torch.Tensor)
    assert isinstance(found.items, torch.Tensor)
    assert_array_equal(found.items.numpy(), lw.csls(*sets).items)
    assert isinstance(lw.csls(x).queries, torch.Tensor)


def test_parameters_are_scikit_learns():
    clone = pytest.importorskip("sklearn.base").clone
    assert clone(LocalScaling(3, scale="mean")).get_params()["scale"] == "mean"
    assert repr(CSLS(k=3)) == "CSLS(k=3)"


def test_threads_change_nothing(sets):
    x, y = sets
    for how in (lw.csls, local_scaling):
        one, two = (how(x, y, n_jobs=n) for n in (1, 2))
        assert_array_equal(one.queries, two.queries)
        assert_array_equal(one.items, two.items)


def test_copies_zero_rows_and_few_rows(sets):
    x, _ = sets
    copies = np.repeat(x[:5], 8, axis=0)
    assert np.isfinite(lw.pairwise(*local_scaling(copies, k=3), metric="dot")).all()
    assert np.isfinite(lw.pairwise(*local_scaling(np.ones((4, 2)), k=3), metric="dot")).all()
    zero = np.vstack([x, np.zeros(12)])
    assert np.isfinite(lw.pairwise(*lw.csls(zero), metric="dot")).all()
    assert_array_equal(lw.csls(x[:3], k=99).items, lw.csls(x[:3], k=2).items)  # as many others as there are
    assert lw.csls(x[:1]).items.shape == (1, 14)
    assert lw.csls(x[:0], x).queries.shape == (0, 14)
    assert local_scaling(x[:0], x).queries.shape == (0, 14)


def test_what_does_not_fit_is_an_error(sets):
    x, y = sets
    with pytest.raises(ShapeError, match="queries has vectors of 11 coordinates"):
        lw.csls(x[:, :11], y)
    with pytest.raises(BadRowsError, match="items has NaN or infinite values in row 3"):
        lw.csls(x, np.where(np.arange(80)[:, None] == 3, np.nan, y))
    with pytest.raises(InputError, match="k=0; a whole number of neighbours, 1 at least, is wanted"):
        lw.csls(x, y, 0)
    with pytest.raises(InputError, match="scale='median' is not known; it is one of kth, mean"):
        LocalScaling(scale="median").fit(x)
    with pytest.raises(InputError, match=r"this CSLS has no items yet; call fit\(items\) first"):
        CSLS().transform(x)
    with pytest.raises(ShapeError, match=r"items has shape \(12,\); rows of shape \(m, d\) are wanted"):
        CSLS().fit(x[0])


def test_csls_is_loaded_when_asked_for():
    assert lw.csls is lw.transforms.csls
    assert "csls" in dir(lw)
