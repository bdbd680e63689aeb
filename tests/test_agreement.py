"""Every verb against the reference, for every metric, element type and awkward shape.

Where a formula is made of + - * / abs sqrt minimum maximum floor where, answers have the reference's bits. Elsewhere
(exp, log, pow...) ours and NumPy's functions differ in the last places: values agree to 1e-12, and the order is that of
the values which the engine itself gives.
"""

import functools
from dataclasses import replace

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from likewise.formula.rank import rank_of
from likewise.reductions import Best
from tests.cases import (
    BY_NAME,
    DTYPES,
    METRICS,
    NARROW,
    SHAPES,
    float64,
    order_is_exact,
    rows,
    value_is_exact,
)

UNIT = {"float16": 2.0**-24, "float32": 2.0**-24, "float64": 2.0**-53}  # of the arithmetic
U32 = UNIT["float32"]
CLOSE = 1e-12
metrics = pytest.mark.parametrize("case", METRICS, ids=str)
dtypes = pytest.mark.parametrize("dtype", DTYPES)
#: At least one of every screen, combination, number of terms and use of statistics: for tests that compile a kernel a
#: type or a tile.
REPRESENTATIVE = pytest.mark.parametrize(
    "case",
    [
        BY_NAME[name]
        for name in [
            *(
                "dot",
                "cosine",
                "correlation",
                "euclidean",
                "manhattan",
                "chebyshev",
                "mahalanobis",
                "hamming",
                "jaccard",
            ),
            *("canberra", "rbf", "matern32", "logarithmic", "hellinger", "three sums", "smallest difference"),
            *("largest and mean", "by sums", "total variation", "statistics in the term"),
        ]
    ],
    ids=str,
)
#: For what is costly to compile: more than a panel, more than a block of 256, less than a tile.
FEW = [(5, 40, 17), (17, 300, 8), (31, 7, 1)]


@functools.cache
def data(kind, n, d, seed, dtype="float32"):
    """(rows in that type, the same numbers in float64)."""
    if dtype.startswith("torch"):
        pytest.importorskip("torch")
    elif dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    made = DTYPES[dtype](rows(kind, n, d, seed))
    return made, float64(made)


def pair(case, n, m, d, dtype="float32", other=None):
    """A metric with rows to compare: x, y, and both in float64."""
    (x, x64), (y, y64) = data(case.data, n, d, 1, dtype), data(case.data, m, d, 2, other or dtype)
    return case.make(d), x, y, x64, y64


def own_topk(metric, x64, y64, k):
    """The k best by the engine's own values: for formulas whose functions NumPy rounds otherwise."""
    sign = 1 if metric.closer == "smaller" else -1
    values = lw.pairwise(x64, y64, metric=metric)
    best = Best(k)
    return best.finish(best.step(best.init(len(x64)), sign * values, values, np.arange(len(y64))))


def same_topk(found, metric, x64, y64, k, where=None):
    values, indices = (np.asarray(part) for part in found)
    assert values.dtype == np.float64
    assert indices.dtype == np.int64
    expected = reference.topk(metric, x64, y64, k, where)
    if not order_is_exact(metric) and where is None:
        rank = rank_of(metric)
        order = replace(metric, finish=rank.expr, closer="smaller" if rank.sign > 0 else "larger")
        np.testing.assert_array_equal(indices, own_topk(order, x64, y64, k).indices)
        np.testing.assert_allclose(values, expected.values, rtol=CLOSE)
        return
    np.testing.assert_array_equal(indices, expected.indices)
    if value_is_exact(metric):
        np.testing.assert_array_equal(values, expected.values)
    else:
        np.testing.assert_allclose(values, expected.values, rtol=CLOSE)


def same_matrix(found, metric, x64, y64, narrow):
    expected = reference.pairwise(metric, x64, y64)
    found = np.asarray(found)
    assert found.dtype == (np.float32 if narrow else np.float64)
    assert found.shape == expected.shape
    if not value_is_exact(metric):
        np.testing.assert_allclose(found, expected, rtol=2 * U32 if narrow else CLOSE, atol=2.0**-149 if narrow else 0)
    else:
        np.testing.assert_array_equal(found, expected.astype(found.dtype))


# ------------------------------------------------------------------------------------------------ the reference itself


SOURCED = [(case, d) for case in METRICS if case.source for d in (1, 8, 17) if (case.name, d) != ("correlation", 1)]


@pytest.mark.parametrize(("case", "d"), SOURCED, ids=lambda value: str(value))
def test_the_reference_is_what_others_compute(case, d):
    pytest.importorskip("scipy")
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(d)
    x, y = rng.normal(size=(6, d)), rng.normal(size=(9, d))
    if case.data == "codes":
        x, y = ((a > 0).astype(float) for a in (x, y))  # SciPy's Jaccard is one of sets
    found = reference.pairwise(case.make(d), x, y)
    np.testing.assert_allclose(found, case.source(x, y), rtol=1e-9, atol=1e-12 if d > 1 else 1e-7)


# ------------------------------------------------------------------------------------------------ searches


@metrics
def test_topk_in_every_shape(case):
    for i, (n, m, d) in enumerate(SHAPES):
        metric, x, y, x64, y64 = pair(case, n, m, d)
        k = (1, 3, m + 2)[i % 3]
        same_topk(lw.topk(x, y, k, metric=metric), metric, x64, y64, k)


@REPRESENTATIVE
@dtypes
def test_topk_of_every_type(case, dtype):
    for n, m, d in [(5, 40, 17), (3, 70, 8)]:
        metric, x, y, x64, y64 = pair(case, n, m, d, dtype)
        same_topk(lw.topk(x, y, 4, metric=metric), metric, x64, y64, 4)


@pytest.mark.parametrize("name", ["dot", "cosine", "manhattan", "canberra", "hamming"])
@pytest.mark.parametrize(
    "types", [("float64", "int8"), ("float16", "float32"), ("bool", "float64"), ("uint8", "int8")], ids=str
)
def test_sides_of_different_types(name, types):
    (x, x64), (y, y64) = data("real", 9, 16, 1, types[0]), data("real", 33, 16, 2, types[1])
    metric = lw.metrics[name]
    same_topk(lw.topk(x, y, 3, metric=metric), metric, x64, y64, 3)
    same_matrix(lw.pairwise(x, y, metric=metric), metric, x64, y64, NARROW.issuperset(types))


@metrics
def test_within(case):
    check_within(case, "float32", [(7, 65, 8), (33, 31, 3), (0, 3, 2)])


@REPRESENTATIVE
def test_within_of_float64(case):
    check_within(case, "float64", [(7, 65, 8), (1, 5, 17), (3, 0, 2)])


def check_within(case, dtype, shapes):
    for n, m, d in shapes:
        metric, x, y, x64, y64 = pair(case, n, m, d, dtype)
        keys, values = reference.keys_and_values(metric, x64, y64)
        # in units of the data: the boundary itself, a float to either side of it, everything, nothing
        known = np.unique(lw.pairwise(x64, y64, metric=metric))
        edge = known[len(known) // 3] if len(known) else 1.0
        for radius in (edge, np.nextafter(edge, np.inf), np.nextafter(edge, -np.inf), np.inf, -np.inf):
            found = lw.within(x, y, radius, metric=metric)
            if value_is_exact(metric):
                expected = reference.within(metric, x64, y64, radius)
                for part, wanted in zip(found, expected, strict=True):
                    np.testing.assert_array_equal(part, wanted)
            else:
                own = lw.pairwise(x64, y64, metric=metric)
                inside = own <= radius if metric.closer == "smaller" else own >= radius
                counts = np.diff(found.offsets)
                np.testing.assert_array_equal(counts, inside.sum(axis=1))
                here = np.repeat(np.arange(n), counts)
                np.testing.assert_array_equal(np.sort(here * max(m, 1) + found.indices), np.flatnonzero(inside))
                np.testing.assert_array_equal(found.values, own[here, found.indices])
                np.testing.assert_allclose(found.values, values[here, found.indices], rtol=CLOSE)
                if order_is_exact(metric):
                    best_first = [
                        np.lexsort((found.indices[here == i], keys[i, found.indices[here == i]])) for i in range(n)
                    ]
                    assert all((order == np.arange(len(order))).all() for order in best_first)


@pytest.mark.parametrize(
    "name", ["dot", "cosine", "euclidean", "chebyshev", "canberra", "logarithmic", "by norms", "mahalanobis"]
)
@pytest.mark.parametrize("verb", ["topk", "within"])
def test_masks(name, verb):
    case = next(c for c in METRICS if c.name == name)
    metric, x, y, x64, y64 = pair(case, 20, 70, 9)
    rng = np.random.default_rng(5)
    masks = [
        rng.random(70) < 0.5,
        rng.random((20, 70)) < 0.1,
        rng.random((1, 70)) < 0.3,
        np.zeros(70, bool),
        np.ones((20, 70), bool),
    ]
    for mask in masks:
        if verb == "topk":
            same_topk(lw.topk(x, y, 5, metric=metric, where=mask), metric, x64, y64, 5, np.broadcast_to(mask, (20, 70)))
        else:
            radius = float(np.median(lw.pairwise(x64, y64, metric=metric)))
            everything = lw.within(x, y, radius, metric=metric)
            here = np.repeat(np.arange(20), np.diff(everything.offsets))
            kept = np.broadcast_to(mask, (20, 70))[here, everything.indices]
            found = lw.within(x, y, radius, metric=metric, where=mask)
            np.testing.assert_array_equal(found.indices, everything.indices[kept])
            np.testing.assert_array_equal(found.values, everything.values[kept])
            np.testing.assert_array_equal(np.diff(found.offsets), np.bincount(here[kept], minlength=20))


# ------------------------------------------------------------------------------------------------ every pair


@metrics
def test_pairwise_in_every_shape(case):
    for i, (n, m, d) in enumerate(SHAPES):
        metric, x, y, x64, y64 = pair(case, n, m, d, "float32" if i % 2 else "float64")
        same_matrix(lw.pairwise(x, y, metric=metric), metric, x64, y64, narrow=i % 2 == 1)


@REPRESENTATIVE
@dtypes
def test_pairwise_of_every_type(case, dtype):
    for n, m, d in [(5, 40, 17), (3, 33, 8)]:
        metric, x, y, x64, y64 = pair(case, n, m, d, dtype)
        same_matrix(lw.pairwise(x, y, metric=metric), metric, x64, y64, dtype in NARROW)


@REPRESENTATIVE
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_paired_has_the_diagonal_of_pairwise(case, dtype):
    for n, d in [(1, 1), (9, 7), (33, 16), (0, 5)]:
        metric, x, y, x64, y64 = pair(case, n, n, d, dtype)
        found = lw.paired(x, y, metric=metric)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, np.diagonal(lw.pairwise(x64, y64, metric=metric)))


@metrics
def test_contributions(case):
    for n, d in [(1, 1), (9, 7), (33, 16)]:
        metric, x, y, x64, y64 = pair(case, n, n, d)
        if len(metric.terms) > 1:
            with pytest.raises(lw.errors.InputError, match="a coordinate has no contribution of its own"):
                lw.contributions(x, y, metric=metric)
            continue
        found = lw.contributions(x, y, metric=metric)
        assert found.shape == (n, d if metric.matrix is None else metric.matrix.shape[1])
        values = lw.paired(x64, y64, metric=metric)
        size = np.abs(found).sum(axis=1)
        if case.name in (
            "dot",
            "cosine",
            "correlation",
            "manhattan",
            "sqeuclidean",
            "hamming",
            "canberra",
            "covariance",
            "mean product",
        ):
            np.testing.assert_array_less(np.abs(found.sum(axis=1) - values), (4 * d + 8) * 2.0**-53 * size + 1e-300)
        join = {"sum": np.sum, "mean": np.sum, "max": np.max, "min": np.min}[metric.combine]
        if case.name in ("euclidean", "mahalanobis"):
            np.testing.assert_allclose(np.sqrt(join(found, axis=1)), values, rtol=1e-13)
        if case.name in ("chebyshev", "smallest difference", "largest product"):
            np.testing.assert_array_equal(join(found, axis=1), values)


def test_contributions_are_the_hadamard_product():
    x, y = rows("real", 5, 9, 1), rows("real", 5, 9, 2)
    np.testing.assert_array_equal(lw.contributions(x, y, metric="dot"), x * y)


# ------------------------------------------------------------------------------------------------ weighted sums


def weights_of(m, p, seed=3):
    return np.random.default_rng([seed, m, p]).normal(size=(m, p))


@REPRESENTATIVE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weighted_sum(case, dtype):
    unit = UNIT[dtype]
    for n, m, d in FEW:
        metric, x, y, x64, y64 = pair(case, n, m, d, dtype)
        for p in (1, 3, 20):
            w = weights_of(m, p).astype(dtype)
            found = lw.weighted_sum(x, y, w, metric=metric)
            assert found.dtype == dtype
            expected = reference.weighted_sum(metric, x64, y64, w)
            # each value to some d units, a block's sum to 256 more; the functions to some units
            largest = np.abs(reference.pairwise(metric, x64, y64)).max(initial=1.0)
            size = 8 * (d + 256 + 32) * unit * largest * np.abs(w.astype(float)).sum(axis=0)
            assert (np.abs(found - expected) <= size).all(), (n, m, d, p)


@pytest.mark.parametrize("name", ["dot", "manhattan", "sqeuclidean", "chebyshev", "hamming", "largest product"])
@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "uint8", "bfloat16"])
def test_weighted_sums_of_integers_are_exact(name, dtype):
    metric = next(c for c in METRICS if c.name == name).make(9)
    for n, m, d in [(5, 700, 4), (33, 256, 17), (3, 1, 1), (14, 257, 32)]:
        rng = np.random.default_rng([n, m, d])
        x, y = (rng.integers(-3, 4, (size, d)) for size in (n, m))
        if dtype in ("bool", "uint8"):
            x, y = abs(x) // (3 if dtype == "bool" else 1), abs(y) // (3 if dtype == "bool" else 1)
        if name == "hamming":
            metric = lw.metric(lambda x, y: x != y)
        x, y = (
            DTYPES[dtype](a / 8.0) if dtype == "int8" else a.astype(dtype if dtype != "bfloat16" else "float32")
            for a in (x, y)
        )
        for p in (1, 2, 9, 33):
            w = rng.integers(-4, 5, (m, p)).astype(np.float32)
            found = lw.weighted_sum(x, y, w, metric=metric)
            expected = reference.weighted_sum(metric, float64(x), float64(y), w)
            np.testing.assert_array_equal(found, expected)


def test_weights_of_one_column_and_of_batches():
    x, y, w = rows("real", 4, 3, 1), rows("real", 9, 3, 2), weights_of(9, 5)
    whole = lw.weighted_sum(x, y, w, metric="rbf")
    assert whole.shape == (4, 5)
    assert lw.weighted_sum(x, y, w[:, 0], metric="rbf").shape == (4,)
    np.testing.assert_allclose(lw.weighted_sum(x, y, w[:, 0], metric="rbf"), whole[:, 0], rtol=1e-13)
    assert lw.weighted_sum(x[0], y, w[:, 0], metric="rbf").shape == ()
    assert lw.weighted_sum(x[0], y, w, metric="rbf").shape == (5,)
    batches = lw.weighted_sum(np.stack([x, x]), y, np.stack([w, 2 * w]), metric="rbf")
    np.testing.assert_array_equal(batches[0], whole)
    np.testing.assert_array_equal(batches[1], 2 * whole)
    assert (lw.weighted_sum(x, y[:0], w[:0], metric="rbf") == 0).all()
    assert lw.weighted_sum(x[:0], y, w, metric="rbf").shape == (0, 5)


# ------------------------------------------------------------------------------------------------ attention


def near(found, expected, scores, values, d, unit):
    """Each score to some d units of the largest, so each weight to that relative; the sums to some hundred units."""
    bound = (8 * (d + 16) * np.abs(scores).max(initial=1.0) + 600) * unit * np.abs(values).max(initial=1.0)
    assert np.abs(found - expected).max(initial=0.0) <= bound


@REPRESENTATIVE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_attend(case, dtype):
    unit = UNIT[dtype]
    for n, m, d in FEW:
        metric, q, k, q64, k64 = pair(case, n, m, d, dtype)
        values = reference.pairwise(metric, q64, k64)
        scale = 10 / max(np.abs(values).max(), 1.0)
        for e in (1, 17):
            v = weights_of(m, e).astype(dtype)
            found = lw.attend(q, k, v, metric=metric, scale=scale)
            assert found.dtype == dtype
            assert found.shape == (n, e)
            near(found, reference.attend(metric, q64, k64, v, scale), scale * values, v, d, unit)


MASKS = {
    "none": lambda n, m, rng: None,
    "causal": lambda n, m, rng: "causal",
    "boolean": lambda n, m, rng: rng.random((n, m)) < 0.5,
    "boolean, one row": lambda n, m, rng: rng.random((1, m)) < 0.5,
    "boolean, of keys": lambda n, m, rng: rng.random(m) < 0.5,
    "nothing seen": lambda n, m, rng: np.zeros((n, m), bool),
    "additive": lambda n, m, rng: rng.normal(size=(n, m)),
    "additive, hiding": lambda n, m, rng: np.where(rng.random((n, m)) < 0.7, -np.inf, 0.0),
    "additive float32": lambda n, m, rng: rng.normal(size=(n, m)).astype(np.float32),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", ["dot", "euclidean", "cosine"])
def test_attend_through_masks(mask, dtype, name):
    unit = UNIT[dtype]
    metric = lw.metrics[name]
    for n, m, d in [(1, 1, 1), (13, 13, 8), (5, 300, 3), (300, 5, 3), (40, 257, 16), (257, 256, 4)]:
        (q, q64), (k, k64) = data("real", n, d, 1, dtype), data("real", m, d, 2, dtype)
        v = weights_of(m, 3).astype(dtype)
        chosen = MASKS[mask](n, m, np.random.default_rng(n))
        found = lw.attend(q, k, v, metric=metric, mask=chosen)
        added = chosen
        if mask == "causal":
            added = np.where(np.tril(np.ones((n, m), bool)), 0.0, -np.inf)
        elif chosen is not None and chosen.dtype == bool:
            added = np.where(np.broadcast_to(chosen, (n, m)), 0.0, -np.inf)
        scale = 1 / np.sqrt(d) if name == "dot" else 1.0
        expected = reference.attend(metric, q64, k64, v, scale, added)
        near(found, expected, scale * reference.pairwise(metric, q64, k64), v, d, unit)
        if added is not None:
            blind = np.isneginf(np.broadcast_to(added, (n, m))).all(axis=1)
            assert (found[blind] == 0).all()


def test_attend_is_scaled_dot_product_attention():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 3, size, 16, generator=generator) for size in (9, 33, 33))
    found = lw.attend(q, k, v)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    square = torch.randn(2, 3, 33, 16, generator=generator)
    causal = torch.nn.functional.scaled_dot_product_attention(square, k, v, is_causal=True)
    torch.testing.assert_close(lw.attend(square, k, v, mask="causal"), causal, rtol=1e-5, atol=1e-5)
    # grouped queries: many heads of q to one of k and v
    shared = lw.attend(q, k[:, :1], v[:, :1])
    torch.testing.assert_close(shared[:, 2], lw.attend(q[:, 2], k[:, 0], v[:, 0]), rtol=0, atol=0)


def test_attend_with_huge_scores_neither_overflows_nor_vanishes():
    q, k = np.array([[1e4], [-1e4]], np.float32), np.array([[1e4], [0.0], [-1e4]], np.float32)
    v = np.array([[1.0], [2.0], [3.0]], np.float32)
    np.testing.assert_array_equal(lw.attend(q, k, v), [[1.0], [3.0]])
    np.testing.assert_array_equal(lw.attend(q, k, v, scale=-1.0), [[3.0], [1.0]])
    np.testing.assert_array_equal(lw.attend(q, k, v, metric="euclidean", scale=1e6), [[1.0], [3.0]])
