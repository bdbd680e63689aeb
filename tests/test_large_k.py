"""Any number of neighbours, up to all: the same answers whatever the lists of candidates had to go through."""

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from likewise.backends.llvm import candidates
from likewise.backends.llvm import target as targets

SIZES = [1, 2, 31, 32, 33, 63, 64, 65, 1000]
M = 1500
METRICS = ["dot", "euclidean", "cosine", "manhattan", "chebyshev", "canberra"]


def rows(kind, n, d=17, seed=0, dtype=np.float32):
    made = np.random.default_rng(seed).standard_normal((n, d))
    if kind == "ties":
        made = np.round(made)
    if kind == "few":  # ten distinct rows
        made = made[np.arange(n) % 10]
    return made.astype(dtype)


def agrees(found, metric, x, y, k, where=None):
    expected = reference.topk(lw.metrics[metric], x.astype(np.float64), y.astype(np.float64), k, where)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("kind", ["real", "ties", "few"])
@pytest.mark.parametrize("metric", METRICS)
def test_every_size(metric, kind, dtype):
    x, y = rows(kind, 6, seed=1, dtype=dtype), rows(kind, M, seed=2, dtype=dtype)
    for k in [*SIZES, M - 1, M, M + 1]:
        agrees(lw.topk(x, y, k, metric=metric, n_jobs=1), metric, x, y, k)


@pytest.mark.parametrize("metric", ["dot", "canberra"])
def test_rows_that_never_end_better(metric):
    """The worst order for a threshold: every item is closer than all before it; and the other way round."""
    x, y = np.ones((3, 4), np.float32), np.linspace(1, 2, 5000, dtype=np.float32)[:, None] * np.ones(4, np.float32)
    for items in (y, y[::-1].copy()):
        for k in (1, 64, 1000):
            agrees(lw.topk(x, items, k, metric=metric), metric, x, items, k)


@pytest.mark.parametrize("k", [1, 33, 700])
def test_few_queries_share_out_the_items(k):
    x, y = rows("ties", 2), rows("ties", 5000, seed=3)
    for jobs in (1, 2, 7):
        agrees(lw.topk(x, y, k, metric="euclidean", n_jobs=jobs), "euclidean", x, y, k)


@pytest.mark.parametrize("kind", ["real", "ties"])
def test_where(kind):
    x, y = rows(kind, 5, seed=1), rows(kind, M, seed=2)
    rng = np.random.default_rng(5)
    for where in (rng.random(M) < 0.5, rng.random((5, M)) < 0.02, np.zeros(M, bool)):
        for k in (1, 32, 65, 1000):
            agrees(lw.topk(x, y, k, metric="dot", where=where), "dot", x, y, k, where)


@pytest.mark.filterwarnings("ignore::likewise.NaNWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_nan_is_no_neighbour(dtype):
    """A formula that is NaN for half of the items: such keys fill lists, and count nowhere."""
    metric = lw.metric(lambda x, y: lw.math.sqrt(x - y), closer="smaller")
    x, y = np.zeros((4, 3), dtype), rows("real", M, 3, seed=4, dtype=dtype)
    for k in (1, 2, 33, 200, M):
        found = lw.topk(x, y, k, metric=metric)
        expected = reference.topk(metric, x.astype(np.float64), y.astype(np.float64), k)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.values, expected.values)


def test_infinite_keys_are_neighbours():
    x, y = np.ones((2, 2)), np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [2.0, 2.0]] * 40)
    metric = lw.metric(lambda x, y: x / y, closer="smaller")
    for k in (1, 50, 100, 160):
        found, expected = lw.topk(x, y, k, metric=metric), reference.topk(metric, x, y, k)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("metric", ["euclidean", "canberra"])
def test_near_ties_that_overflow_a_list(metric):
    """More items than a list holds within a float32 rounding of each other: found again in float64."""
    base = np.random.default_rng(7).random((1, 8)) + 1
    y = base + np.random.default_rng(8).random((3000, 8)) * 1e-12
    x = base + 1
    for k in (1, 40, 300):
        agrees(lw.topk(x, y, k, metric=metric), metric, x, y, k)


def test_small_memory_and_blocks():
    x, y = rows("ties", 70), rows("ties", 4000, seed=9)
    whole = lw.topk(x, y, 900, metric="manhattan")
    for limit in ("1MB", "100kB", 1):
        for part, wanted in zip(lw.topk(x, y, 900, metric="manhattan", memory_limit=limit), whole, strict=True):
            np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("name", ["avx2", "portable"])
def test_every_instruction_set(name):
    if targets.host().name == "neon" and name == "avx2":
        pytest.skip("another architecture")
    x, y = rows("ties", 9), rows("ties", 3000, seed=3)
    for dtype in (np.float32, np.float64):
        whole = lw.topk(x.astype(dtype), y.astype(dtype), 500, metric="euclidean")
        with targets.using(name):
            found = lw.topk(x.astype(dtype), y.astype(dtype), 500, metric="euclidean")
        np.testing.assert_array_equal(found.indices, whole.indices)
        np.testing.assert_array_equal(found.values, whole.values)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "bool"])
def test_narrow_types(dtype):
    rng = np.random.default_rng(1)
    x, y = ((rng.random((n, 19)) * 3).astype(dtype) for n in (4, 2000))
    for k in (3, 100, 2000):
        agrees(lw.topk(x, y, k, metric="manhattan"), "manhattan", x, y, k)


# ---- the sort of settled candidates


def in_order(keys, k):
    n, width = keys.shape
    found = np.tile(np.arange(width), (n, 1))
    out = [np.full((n, k), np.nan), np.full((n, k), np.nan), np.full((n, k), -1)]
    candidates.order_lines(k, keys, keys * 2, found, out)
    return out


def test_radix_sort_is_stable_and_leaves_nan_out():
    rng = np.random.default_rng(0)
    lines = [
        rng.standard_normal(64),
        np.round(rng.standard_normal(64)),
        np.where(rng.random(64) < 0.5, 0.0, -0.0),
        np.where(rng.random(64) < 0.5, np.nan, rng.standard_normal(64)),
        np.full(64, np.nan),
        1.0 + np.arange(64)[::-1] * 2.0**-52,
        np.concatenate([[1e300], 1.0 + np.arange(63)[::-1] * 2.0**-52]),  # one key far away hides all differences
        rng.choice([np.inf, -np.inf, 5e-324, -5e-324, 0.0, np.nan], 64),
        np.full(64, 3.5),
    ]
    keys = np.array(lines)
    for k in (1, 7, 64):
        got, values, indices = in_order(keys, k)
        for line, found, value, places in zip(keys, got, values, indices, strict=True):
            known = np.nonzero(~np.isnan(line))[0]
            best = known[np.argsort(line[known], kind="stable")][:k]
            np.testing.assert_array_equal(places, np.pad(best, (0, k - len(best)), constant_values=-1))
            np.testing.assert_array_equal(found[: len(best)], line[best])
            np.testing.assert_array_equal(value[: len(best)], line[best] * 2)
            assert np.isnan(found[len(best) :]).all()
