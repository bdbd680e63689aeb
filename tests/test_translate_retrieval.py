"""Retrieval and mining against their formulas, written out in NumPy on the whole matrix."""

import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import likewise as lw
from likewise.backends.llvm.target import host, using
from likewise.errors import BadRowsError, InputError, MissingExtraError, ShapeError
from likewise.translate import blend, hubness, mine_bitext, occurrences, quality, retrieve

METHODS = ["nearest", "csls", "ratio", "distance", "softmax"]


def unit(rows):
    rows = np.asarray(rows, float)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)


def means(cosines, k):
    """Of each row, the mean of its k largest."""
    k = min(k, cosines.shape[1])
    return np.sort(cosines, axis=1)[:, cosines.shape[1] - k :].mean(axis=1)


def definition(x, y, method, neighbours=10, beta=30.0, background=None):
    """Every score of the n x m matrix."""
    around = unit(x if background is None else background)
    x, y = unit(x), unit(y)
    c = x @ y.T
    if method == "nearest":
        return c
    if method == "softmax":
        return np.exp(beta * c) / np.exp(beta * (around @ y.T)).sum(axis=0)
    of_x, of_y = means(c, neighbours)[:, None], means(y @ around.T, neighbours)
    if method == "csls":
        return 2 * c - of_x - of_y
    mean = (of_x + of_y) / 2
    return np.divide(c, mean, out=np.zeros_like(c), where=c != 0) if method == "ratio" else c - mean


def rows(n, d, seed=0, kind="dense"):
    rng = np.random.default_rng(seed)
    if kind == "dense":
        return rng.standard_normal((n, d)) + 0.5  # a common direction: some are hubs
    return sp.random_array((n, d), density=0.3, rng=rng, format="csr")


def dense(value):
    return value.toarray() if sp.issparse(value) else value


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (7, 8, 15), (1, 40, 16), (40, 1, 17), (63, 90, 33)])
@pytest.mark.parametrize("method", METHODS)
def test_retrieve_is_its_formula(method, n, m, d, kind):
    x, y = rows(n, d, 1, kind), rows(m, d, 2, kind)
    found = retrieve(x, y, 5, method=method, neighbours=3)
    scores = definition(dense(x), dense(y), method, neighbours=3)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    k = min(5, m)
    np.testing.assert_allclose(found.values[:, :k], np.take_along_axis(scores, order, 1), rtol=1e-11, atol=1e-13)
    picked = np.take_along_axis(scores, found.indices[:, :k], 1)  # rounding may turn round what is nearly equal
    np.testing.assert_allclose(picked, found.values[:, :k], rtol=1e-11, atol=1e-13)
    assert (found.indices[:, k:] == -1).all()
    assert np.isnan(found.values[:, k:]).all()
    assert all(len(set(line)) == k for line in found.indices[:, :k].tolist())


@pytest.mark.parametrize("method", METHODS[1:])
def test_retrieve_with_a_background(method):
    x, y, around = rows(3, 20, 1), rows(50, 20, 2), rows(70, 20, 3)
    found = retrieve(x, y, 1, method=method, background=around)
    scores = definition(x, y, method, background=around)
    np.testing.assert_array_equal(found.indices[:, 0], scores.argmax(axis=1))
    np.testing.assert_allclose(found.values[:, 0], scores.max(axis=1), rtol=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_equal_items_go_by_their_number(method, kind):
    y = rows(6, 12, 2, kind)
    y = np.vstack([y] * 3) if kind == "dense" else sp.vstack([y] * 3, format="csr")
    x = rows(30, 12, 1, kind)
    found = retrieve(x[np.flatnonzero(abs(x).sum(axis=1))], y, 3, method=method)
    np.testing.assert_array_equal(found.indices, found.indices[:, :1] + [[0, 6, 12]])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_answer_does_not_depend_on_how_it_is_found(method, kind):
    x, y = rows(90, 24, 1, kind), rows(200, 24, 2, kind)
    expected = retrieve(x, y, 4, method=method, n_jobs=1)
    for options in ({"n_jobs": 2}, {"memory_limit": "1MB"}, {"progress": lambda done, total: None}):
        found = retrieve(x, y, 4, method=method, **options)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("method", METHODS)
def test_lengths_do_not_matter(method):
    x, y = rows(20, 9, 1), rows(30, 9, 2)
    factors = 2.0 ** np.arange(-10, 20)
    expected = retrieve(x, y, 3, method=method)
    found = retrieve(x * 1024, y * factors[:, None], 3, method=method)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_zero_rows_are_at_right_angles_to_all(method, kind):
    x, y = rows(5, 8, 1), rows(9, 8, 2)
    x[2] = 0
    y[[0, 4]] = 0
    found = retrieve(kind(x), kind(y), 9, method=method, neighbours=2)
    scores = definition(x, y, method, neighbours=2)
    np.testing.assert_allclose(found.values, -np.sort(-scores, axis=1), rtol=1e-11, atol=1e-13)


def test_a_ratio_of_negative_means_is_the_formula():
    x, y = -rows(4, 3, 1) - 3, rows(6, 3, 2) + 3
    found = retrieve(x, y, 2, method="ratio", neighbours=2)
    scores = definition(x, y, "ratio", neighbours=2)
    np.testing.assert_allclose(found.values, -np.sort(-scores, axis=1)[:, :2], rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_other_types_are_compared_in_float64(dtype):
    x, y = (rows(20, 9, seed) * 3 for seed in (1, 2))
    x, y = x.astype(dtype), y.astype(dtype)
    found, expected = retrieve(x, y, 3), retrieve(x.astype(float), y.astype(float), 3)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


def test_tensors_and_lists_and_a_sparse_side():
    x, y = rows(6, 5, 1), rows(8, 5, 2)
    expected = retrieve(x, y, 2)
    for a, b in ((torch.from_numpy(x), y.tolist()), (sp.csr_array(x), y), (x, sp.coo_matrix(y))):
        found = retrieve(a, b, 2)
        assert isinstance(found.indices, np.ndarray)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-12)


def test_nearest_takes_any_metric():
    x, y = rows(9, 5, 1), rows(8, 5, 2)
    found = retrieve(x, y, 2, method="nearest", metric="manhattan")
    expected = lw.topk(x, y, 2, metric="manhattan")
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


def test_softmax_of_a_large_temperature_neither_overflows_nor_vanishes():
    x = np.eye(4)
    y = -np.eye(4)  # all cosines are 0 or -1
    found = retrieve(x, y, 3, method="softmax", inverse_temperature=5000)
    assert np.isfinite(found.values).all()
    np.testing.assert_allclose(found.values, 1 / 3)


def test_no_rows():
    for method in METHODS:
        none = retrieve(np.empty((0, 3)), np.ones((2, 3)), 2, method=method)
        assert none.indices.shape == (0, 2)
        found = retrieve(np.ones((2, 3)), np.empty((0, 3)), 2, method=method)
        assert (found.indices == -1).all()


def test_progress_goes_once_from_0_to_the_end():
    seen = []
    retrieve(rows(300, 9, 1), rows(200, 9, 2), 3, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (180_000, 180_000)


def test_progress_that_is_none():
    assert len(retrieve(rows(3, 4), rows(3, 4), 1, progress=True).values) == 3
    for call in (
        lambda: retrieve(rows(3, 4), rows(3, 4), 1, progress="yes"),
        lambda: lw.translate.CCA().fit(rows(3, 4), rows(3, 4), progress="yes"),
    ):
        with pytest.raises(InputError, match=r"progress= takes True or a function of \(done, total\)"):
            call()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_matrix_is_never_made(method, kind):
    x, y = rows(3000, 16, 1, kind), rows(3000, 16, 2, kind)
    retrieve(x[:10], y[:10], 3, method=method)  # kernels are compiled
    tracemalloc.start()
    try:
        retrieve(x, y, 3, method=method, memory_limit="8MB")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 36e6  # half of 3,000 x 3,000 float64


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: retrieve([[1.0]], [[1.0]], method="cosine"), InputError, "method='cosine' is not known; it is one of"),
        (lambda: retrieve([[1.0]], [[1.0]], metric="dot"), InputError, "metric= belongs to method='nearest'; csls is"),
        (lambda: retrieve([[1.0]], [[1.0, 2]]), ShapeError, r"queries has shape \(1, 1\) and items \(1, 2\)"),
        (lambda: retrieve([[1.0]], [[1.0]], neighbours=0), InputError, "neighbours=0; at least 1 is wanted"),
        (lambda: retrieve([[1.0]], [[1.0]], neighbours=1.5), InputError, "neighbours=1.5 is not a whole number"),
        (lambda: retrieve([[1.0]], [[1.0]], 0), InputError, "k=0"),
        (
            lambda: retrieve([[1.0]], [[1.0]], method="softmax", inverse_temperature=-1),
            InputError,
            "inverse_temperature=-1; a number above 0 is wanted",
        ),
        (lambda: retrieve([[1.0], [np.nan]], [[1.0]]), BadRowsError, "queries has NaN or infinite values in row 1"),
        (
            lambda: retrieve(sp.csr_array([[1.0], [np.inf]]), [[1.0]]),
            BadRowsError,
            "queries has NaN or infinite values in row 1",
        ),
        (lambda: retrieve(np.ones((2, 2, 2)), [[1.0, 2]]), ShapeError, r"queries has shape \(2, 2, 2\); rows of shape"),
        (
            lambda: retrieve([1.0, 2], [[1.0, 2]]),
            ShapeError,
            r"queries has shape \(2,\); rows of shape \(n, d\) are wanted: \[queries\] for a single row",
        ),
        (
            lambda: retrieve([[1.0]], [[1.0]], background=[[1.0, 2]]),
            ShapeError,
            r"background has shape \(1, 2\) and items \(1, 1\)",
        ),
    ],
)
def test_what_is_wrong_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call()


# ------------------------------------------------------------------------------------------------------------ hubness


def test_hubness_is_the_skewness_of_occurrences():
    from scipy.stats import skew

    indices = np.random.default_rng(0).integers(0, 50, (200, 4)) ** 2 // 50
    counts = np.bincount(indices.ravel(), minlength=60)
    np.testing.assert_array_equal(occurrences(indices, 60), counts)
    assert hubness(indices, 60) == pytest.approx(skew(counts))
    assert hubness([[0, -1], [1, -1]], 2) == 0
    assert hubness(np.empty((0, 3), int), 0) == 0


def test_hubness_falls_by_csls():
    rng = np.random.default_rng(0)
    centre = rng.standard_normal(100)
    x, y = (rng.standard_normal((1500, 100)) + 0.3 * centre for _ in range(2))
    plain, corrected = (hubness(retrieve(x, y, 10, method=method).indices, 1500) for method in ("nearest", "csls"))
    assert corrected < plain / 2


def test_indices_that_are_none():
    with pytest.raises(InputError, match="indices goes up to 5; there are 3 items, counted from 0"):
        occurrences([[5]], 3)
    with pytest.raises(InputError, match="indices holds float64; numbers of items are wanted"):
        hubness([[0.5]], 3)


# ------------------------------------------------------------------------------------------------------------- bitext


def mined(x, y, k, margin, direction):
    """The pairs with their scores, in plain Python."""
    c = unit(x) @ unit(y).T
    n, m = c.shape
    of_x, of_y = means(c, k), means(c.T, k)
    score = {
        "absolute": lambda i, j: c[i, j],
        "distance": lambda i, j: c[i, j] - (of_x[i] + of_y[j]) / 2,
        "ratio": lambda i, j: c[i, j] / ((of_x[i] + of_y[j]) / 2),
    }[margin]
    near_x = np.argsort(-c, axis=1, kind="stable")[:, :k]
    near_y = np.argsort(-c.T, axis=1, kind="stable")[:, :k]
    forward = [(i, max(near_x[i], key=lambda j, i=i: (score(i, j), -j))) for i in range(n)]
    backward = [(max(near_y[j], key=lambda i, j=j: (score(i, j), -i)), j) for j in range(m)]
    pairs = {
        "forward": forward,
        "backward": backward,
        "intersection": sorted(set(forward) & set(backward)),
        "max": sorted(set(forward) | set(backward)),
    }[direction]
    pairs = sorted(pairs, key=lambda pair: -score(*pair))
    if direction == "max":
        taken_x, taken_y, kept = set(), set(), []
        for i, j in pairs:
            if i not in taken_x and j not in taken_y:
                taken_x.add(i)
                taken_y.add(j)
                kept.append((i, j))
        pairs = kept
    return pairs, [score(*pair) for pair in pairs]


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
@pytest.mark.parametrize("direction", ["forward", "backward", "intersection", "max"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 17), (40, 33)])
def test_mining_is_its_definition(n, m, direction, margin, kind):
    x, y = rows(n, 11, 1), rows(m, 11, 2)
    found = mine_bitext(kind(x), kind(y), k=4, margin=margin, direction=direction)
    pairs, scores = mined(x, y, 4, margin, direction)
    assert list(zip(found.sources.tolist(), found.targets.tolist(), strict=True)) == pairs
    np.testing.assert_allclose(found.scores, scores, rtol=1e-11)
    assert (np.diff(found.scores) <= 0).all()


def test_mining_finds_pairs_among_others():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 60))
    y = rng.standard_normal((400, 60))
    order = rng.permutation(400)[:100]
    y[order] = x[:100] + 0.1 * rng.standard_normal((100, 60))
    found = mine_bitext(x, y, threshold=1.5)
    assert sorted(zip(found.sources, found.targets, strict=True)) == list(zip(range(100), order, strict=True))
    assert (found.scores >= 1.5).all()


def test_mining_equal_rows_takes_the_first():
    found = mine_bitext(np.ones((3, 2)), np.ones((2, 2)))
    assert list(zip(found.sources.tolist(), found.targets.tolist(), strict=True)) == [(0, 0)]
    np.testing.assert_array_equal(found.scores, [1.0])


def test_mining_nothing():
    for x, y in ((np.empty((0, 2)), np.ones((3, 2))), (np.ones((3, 2)), np.empty((0, 2)))):
        assert [len(column) for column in mine_bitext(x, y)] == [0, 0, 0]
    zeros = mine_bitext(np.zeros((2, 3)), np.ones((2, 3)))
    assert (zeros.scores == 0).all()  # not NaN


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"margin": "cosine"}, "margin='cosine' is not known; it is one of ratio, distance, absolute"),
        ({"direction": "both"}, "direction='both' is not known; it is one of forward, backward, intersection, max"),
        ({"threshold": "high"}, "threshold='high' is not a number"),
        ({"threshold": np.nan}, "threshold is NaN"),
        ({"k": 0}, "k=0; at least 1 is wanted"),
    ],
)
def test_mining_refuses(options, said):
    with pytest.raises(InputError, match=said):
        mine_bitext([[1.0]], [[1.0]], **options)


# ------------------------------------------------------------------------------------------------------------ quality


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("measure", ["cosine", "ratio", "distance"])
@pytest.mark.parametrize("n", [1, 3, 50])
def test_quality_is_its_formula(n, measure, kind):
    x, y = rows(n, 13, 1), rows(n, 13, 2)
    c = unit(x) @ unit(y).T
    mean = (means(c, 4) + means(c.T, 4)) / 2
    own = c.diagonal()
    expected = {"cosine": own, "ratio": own / mean, "distance": own - mean}[measure]
    found = quality(kind(x), kind(y), measure=measure)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_quality_among_a_background():
    x, y, others = rows(3, 13, 1), rows(3, 13, 2), (rows(40, 13, 3), rows(30, 13, 4))
    mean = (means(unit(x) @ unit(others[1]).T, 4) + means(unit(y) @ unit(others[0]).T, 4)) / 2
    found = quality(x, y, measure="distance", background=others)
    np.testing.assert_allclose(found, (unit(x) * unit(y)).sum(axis=1) - mean, rtol=1e-11)
    with pytest.raises(InputError, match="background= takes two sets of rows"):
        quality(x, y, measure="ratio", background=others[0])


def test_shuffled_translations_are_worse():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 30))
    y = x + rng.standard_normal((500, 30))
    for measure in ("cosine", "ratio", "distance"):
        assert np.median(quality(x, y, measure=measure)) > np.quantile(quality(x, y[::-1], measure=measure), 0.99)


def test_quality_of_none_and_of_zero():
    assert quality(np.empty((0, 2)), np.empty((0, 2))).shape == (0,)
    np.testing.assert_array_equal(quality([[0.0, 0.0]], [[1.0, 1.0]], measure="ratio"), [0.0])
    with pytest.raises(ShapeError, match="x and y are to be pairs, one by one; there are 1 and 2 of them"):
        quality([[1.0]], [[1.0], [2.0]])
    with pytest.raises(InputError, match="measure='euclidean' is not known"):
        quality([[1.0]], [[1.0]], measure="euclidean")


# -------------------------------------------------------------------------------------------------------------- blends


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_cosines_of_a_blend_are_the_mean_of_cosines(kind):
    spaces = [(rows(20, d, d), rows(30, d, d + 1)) for d in (3, 7, 12)]
    x, y = (blend(kind(part[0]), *part[1:], weights=[5, 0, 15]) for part in zip(*spaces, strict=True))
    cosines = [unit(a) @ unit(b).T for a, b in spaces]
    np.testing.assert_allclose(dense(x) @ dense(y).T, 0.25 * cosines[0] + 0.75 * cosines[2], atol=1e-12)
    assert sp.issparse(x) == (kind is sp.csr_array)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: blend(), "there is no space to blend; give rows of at least one"),
        (lambda: blend([[1.0]], [[1.0], [2.0]]), "space 1 and space 2 are to be pairs, one by one; there are 1 and 2"),
        (lambda: blend([[1.0]], weights=[1, 2]), r"weights=\[1, 2\]; 1 numbers of at least 0 are wanted"),
        (lambda: blend([[1.0]], [[1.0]], weights=[-1, 2]), r"weights=\[-1, 2\]; 2 numbers of at least 0 are wanted"),
    ],
)
def test_what_cannot_be_blended(call, said):
    with pytest.raises(InputError, match=said):
        call()


# -------------------------------------------------------------------------------------------------- on every machine


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_same_bits_on_every_processor(kind):
    x, y = rows(50, 24, 1, kind), rows(80, 24, 2, kind)
    expected = [retrieve(x, y, 4, method=method) for method in METHODS]
    for target in ["avx2", "portable"] if host().name == "avx512" else ["portable"]:
        with using(target):
            for method, before in zip(METHODS, expected, strict=True):
                found = retrieve(x, y, 4, method=method)
                np.testing.assert_array_equal(found.indices, before.indices)
                np.testing.assert_array_equal(found.values, before.values)


def test_without_scipy(monkeypatch):
    x = rows(5, 4)
    expected = retrieve(x, x, 2).indices
    for name in [name for name in sys.modules if name.split(".")[0] == "scipy"] + ["scipy", "scipy.sparse"]:
        monkeypatch.setitem(sys.modules, name, None)
    np.testing.assert_array_equal(retrieve(x, x, 2).indices, expected)  # dense rows need none of it
    with pytest.raises(MissingExtraError, match=r"needs SciPy; install it with: pip install 'likewise\[translate\]'"):
        lw.translate.Lexicon().fit(["a"], ["b"])
    with pytest.raises(MissingExtraError, match="counting terms needs SciPy; install it with: pip install SciPy"):
        lw.translate.Vectorizer().fit(["a"])
