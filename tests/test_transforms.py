"""The truncated decomposition against LAPACK, and canonical correlations against their definition."""

import numpy as np
import pytest
import scipy.sparse as sp

from likewise.transforms import canonical, truncated_svd

RNG = np.random.default_rng(0)


def low_rank(n, m, rank, noise=0.0):
    """A sparse matrix with singular values of about 1 / 1, 1 / 2, ... of the largest."""
    left, right = RNG.standard_normal((n, rank)), RNG.standard_normal((rank, m)) / np.arange(1, rank + 1)[:, None]
    made = left @ right + noise * RNG.standard_normal((n, m))
    return sp.csr_array(made * (np.abs(made) > 0.1))


@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (3000, 1500)])
def test_singular_values(shape):
    rows = low_rank(*shape, 10)
    left, values, right = truncated_svd(rows, 8, seed=3)
    expected = np.linalg.svd(rows.toarray(), compute_uv=False)[:8]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
    np.testing.assert_allclose(left.T @ left, np.eye(8), atol=1e-4)
    np.testing.assert_allclose(right.T @ right, np.eye(8), atol=1e-4)
    np.testing.assert_allclose(rows @ right, left * values, atol=1e-3 * values[0])
    again = truncated_svd(rows, 8, seed=3)
    for one, other in zip((left, values, right), again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fewer_directions_than_asked_for():
    rows = sp.csr_array(np.outer(np.arange(1.0, 6), [1.0, 2.0, 0.0]))
    left, values, right = truncated_svd(rows, 5)
    assert (left.shape, values.shape, right.shape) == ((5, 1), (1,), (3, 1))
    assert truncated_svd(sp.csr_array((4, 3)), 2)[1].shape == (0,)


@pytest.mark.parametrize("seed", [0, 1])
def test_large_matrices_are_decomposed_by_projection(seed):
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.standard_normal((n, 12)))[0] for n in (1500, 1100))
    s = 2.0 ** -np.arange(12)
    rows = sp.csr_array(u * s @ v.T)
    got_u, got_s, got_v = truncated_svd(rows, 8, seed)
    np.testing.assert_allclose(got_s, s[:8], rtol=1e-9)
    np.testing.assert_allclose(np.abs((got_v * v[:, :8]).sum(axis=0)), 1, rtol=1e-6)
    np.testing.assert_allclose((got_u * got_s) @ got_v.T, u[:, :8] * s[:8] @ v[:, :8].T, atol=1e-6)
    again = truncated_svd(rows, 8, seed)
    np.testing.assert_array_equal(again[0], got_u)


def test_canonical_correlations_without_a_ridge():
    """Of dense data, against the definition: singular values of the product of orthonormal bases."""
    common = RNG.standard_normal((200, 3))
    left, right = (common @ RNG.standard_normal((3, m)) + 0.3 * RNG.standard_normal((200, m)) for m in (8, 6))
    _, _, found = canonical(truncated_svd(sp.csr_array(left), 8), truncated_svd(right, 8), (0.0, 0.0), 1.0)
    bases = [np.linalg.qr(rows)[0] for rows in (left, right)]
    np.testing.assert_allclose(found, np.linalg.svd(bases[0].T @ bases[1], compute_uv=False), atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_matrices_of_small_rank_and_of_any_scale(scale, sparse, dtype):
    rows = np.zeros((1500, 1200))
    rows[:, :600] = RNG.standard_normal((1500, 4)) @ RNG.standard_normal((4, 600))
    u, s, v = truncated_svd((sp.csr_array(rows) if sparse else rows) * scale, 20, dtype=dtype)
    digits = 1e-5 if dtype is np.float32 else 1e-12
    assert (u.shape, s.shape, v.shape) == ((1500, 4), (4,), (1200, 4))
    np.testing.assert_allclose(s / scale, np.linalg.svd(rows, compute_uv=False)[:4], rtol=digits)
    np.testing.assert_allclose(u.T @ u, np.eye(4), atol=digits)
    np.testing.assert_allclose(v.T @ v, np.eye(4), atol=digits)
    np.testing.assert_allclose(u * (s / scale) @ v.T, rows, atol=digits * s[0] / scale)


@pytest.mark.parametrize("shape", [(3000, 20000), (0, 5), (4, 3)])
def test_a_matrix_of_zeros_has_no_directions(shape):
    u, s, v = truncated_svd(sp.csr_array(shape), 10)
    assert (u.shape, s.shape, v.shape) == ((shape[0], 0), (0,), (shape[1], 0))
