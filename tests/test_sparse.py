"""Sparse rows: the answer of the dense rows, bit for bit, from the coordinates that both have."""

import re

import numpy as np
import pytest
import scipy.sparse as sp

import likewise as lw
from likewise.backends.llvm.target import using
from likewise.errors import BadRowsError, DtypeError, InputError, ShapeError
from likewise.formula.metrics import as_metric
from likewise.formula.sparse import sparse_form


@lw.metric(closer="larger")
def smaller_part(x, y):
    return lw.math.minimum(abs(x), abs(y))


@lw.metric(closer="larger", finish=lambda s, norm1_x, norm1_y: s / (norm1_x + norm1_y - s))
def ruzicka(x, y):
    return lw.math.minimum(abs(x), abs(y))


SPARSE = ["dot", "cosine", "angular", smaller_part, ruzicka]
COUNTED = [*SPARSE, "jaccard", "hamming", "manhattan", "euclidean", "braycurtis", "sqeuclidean"]
SHAPES = [(1, 1, 3, 2), (37, 101, 50, 5), (20, 333, 64, 50), (5, 1000, 20, 1000), (9, 65, 700, 64)]


def rows(rng, n, d, dtype, density=0.2):
    made = sp.random(n, d, density, format="csr", random_state=rng)
    made.data[:] = 1 if dtype is bool else rng.integers(-4, 9, made.nnz) / 3
    if n > 2:
        made = sp.diags_array((np.arange(n) != n // 2).astype(float)) @ made  # a row of nothing
    made.eliminate_zeros()
    return sp.csr_array(made.astype(dtype))


def same(found, wanted):
    np.testing.assert_array_equal(found.indices, wanted.indices)
    np.testing.assert_array_equal(found.values, wanted.values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.filterwarnings("ignore::likewise.compute.sides.NaNWarning")
def test_sparse_rows_give_the_answer_of_dense_rows(dtype, shape):
    n, m, d, k = shape
    rng = np.random.default_rng(0)
    x, y = rows(rng, n, d, dtype), rows(rng, m, d, dtype)
    seen = np.arange(n + 1) * 3, rng.integers(0, m, 3 * n)
    few = rng.random(m) < 0.3
    each = rng.random((n, m)) < 0.5
    for metric in COUNTED if dtype is bool else SPARSE:
        for where in (None, seen, few, each):
            dense = lw.topk(x.toarray(), y.toarray(), k, metric=metric, where=where)
            same(lw.topk(x, y, k, metric=metric, where=where), dense)
        same(lw.topk(x, y.toarray(), k, metric=metric), lw.topk(x.toarray(), y.toarray(), k, metric=metric))
        same(lw.topk(y, None, k, metric=metric), lw.topk(y.toarray(), None, k, metric=metric))


@pytest.mark.parametrize("name", ["avx512", "avx2", "portable"])
def test_targets_threads_and_shares_agree(name, monkeypatch):
    from likewise.backends.llvm import sparse

    rng = np.random.default_rng(1)
    x, y = rows(rng, 90, 40, np.float64), rows(rng, 300, 40, np.float64)
    wanted = lw.topk(x, y, 7, metric="cosine")
    with using(name):
        same(lw.topk(x, y, 7, metric="cosine"), wanted)
    for threads in (1, 3):
        monkeypatch.setattr(sparse, "_TASK_ROWS", 11)
        monkeypatch.setattr(sparse, "_TASK_TERMS", 100)
        same(lw.topk(x, y, 7, metric="cosine", n_jobs=threads), wanted)


def test_every_layout_of_a_sparse_matrix_is_read():
    rng = np.random.default_rng(2)
    x = rows(rng, 30, 20, np.float32)
    wanted = lw.topk(x, None, 4, metric="dot")
    doubled = sp.coo_array(
        (np.repeat(x.tocoo().data / 2, 2), tuple(np.repeat(c, 2) for c in x.tocoo().coords)), x.shape
    )
    stored_zero = x.copy()
    stored_zero.data = np.where(np.arange(x.nnz) % 5 == 0, 0, x.data).astype(np.float32)
    before = stored_zero.nnz
    for layout in (x.tocsc(), x.tocoo(), x.tolil(), sp.csr_matrix(x), doubled):
        same(lw.topk(layout, None, 4, metric="dot"), wanted)
    same(lw.topk(stored_zero, None, 4, metric="cosine"), lw.topk(stored_zero.toarray(), None, 4, metric="cosine"))
    assert stored_zero.nnz == before  # the caller's matrix stays as it is
    for kind in (np.int8, np.int64, np.uint16):
        whole = sp.csr_array(x.astype(kind))
        same(lw.topk(whole, None, 4, metric="dot"), lw.topk(whole.toarray(), None, 4, metric="dot"))


def test_prepared_sparse_rows_answer_alike():
    rng = np.random.default_rng(3)
    x, y = rows(rng, 30, 50, np.float32), rows(rng, 200, 50, bool)
    for metric in ("cosine", "dot"):
        shelf = lw.prepare(y, metric=metric)
        assert shelf.shape == y.shape
        assert shelf.nbytes > y.nnz * 8
        assert repr(shelf) == f"<PreparedSparse: 200 x 50 for {metric}>"
        same(lw.topk(x, shelf, 9), lw.topk(x.toarray(), y.toarray(), 9, metric=metric))
        same(lw.topk(shelf, None, 9), lw.topk(y.toarray(), None, 9, metric=metric))
        same(lw.topk(x[:1], shelf, 9, metric=metric), lw.topk(x[:1].toarray(), y.toarray(), 9, metric=metric))
    with pytest.raises(InputError, match="prepared for dot, not cosine"):
        lw.topk(x, shelf, 3, metric="cosine")
    ones = lw.prepare(y, metric="jaccard")
    same(lw.topk(y[:7], ones, 9), lw.topk(y[:7].toarray(), y.toarray(), 9, metric="jaccard"))
    with pytest.raises(InputError, match="jaccard of sparse rows needs"):
        lw.topk(x, ones, 3)  # not ones


def test_ties_go_to_the_lowest_index_and_items_without_common_coordinates_fill_up():
    eye = sp.csr_array(np.eye(6))
    found = lw.topk(eye, None, 5, metric="dot")
    assert found.indices[2].tolist() == [0, 1, 3, 4, 5]
    assert found.values[2].tolist() == [0, 0, 0, 0, 0]
    found = lw.topk(eye[:1], eye, 8, metric="dot", stats=True)
    assert found.indices[0].tolist() == [0, 1, 2, 3, 4, 5, -1, -1]
    assert np.isnan(found.values[0, 6:]).all()
    assert found.stats.pairs == 6


def test_no_rows_and_no_numbers():
    none, some = sp.csr_array((0, 4)), sp.csr_array((3, 4))
    assert lw.topk(none, some, 2, metric="dot").indices.shape == (0, 2)
    assert lw.topk(some, none, 2, metric="dot").indices.tolist() == [[-1, -1]] * 3
    assert lw.topk(some, some, 2, metric="cosine").indices.tolist() == [[0, 1]] * 3


@pytest.mark.parametrize(
    ("x", "y", "metric", "error", "message"),
    [
        (sp.eye_array(3), sp.eye_array(4), "dot", ShapeError, "vectors of 3 coordinates (shape (3, 3)) and items of 4"),
        (
            sp.eye_array(3) * np.nan,
            sp.eye_array(3),
            "dot",
            BadRowsError,
            "queries has NaN or infinite values in rows 0",
        ),
        (sp.eye_array(3) * 1j, sp.eye_array(3), "dot", DtypeError, "queries holds complex128"),
        (
            sp.eye_array(3) * 2,
            sp.eye_array(3),
            "manhattan",
            InputError,
            "manhattan of sparse rows needs the coordinates",
        ),
        (sp.eye_array(3), sp.eye_array(3), "correlation", InputError, "with .toarray()"),
        (sp.eye_array(3), sp.eye_array(3), "cosin", InputError, "cosine"),
        (sp.eye_array(3), np.zeros((2, 3, 3)), "dot", ShapeError, "beside sparse rows it has to be (n, d)"),
        (sp.csr_array((3, 0)), sp.csr_array((3, 0)), "dot", ShapeError, "no coordinates"),
    ],
)
def test_what_cannot_be_compared_is_refused(x, y, metric, error, message):
    with pytest.raises(error, match=re.escape(message)):
        lw.topk(x, y, 2, metric=metric)


def test_a_term_has_to_vanish_for_sure():
    def vanishes(term, ones=False, finish=None):
        return sparse_form(as_metric(lw.metric(term, finish=finish)), ones) is not None

    assert vanishes(lambda x, y: x * y)
    assert vanishes(lambda x, y: -abs(x) * y)
    assert vanishes(lambda x, y: lw.math.where(x < y, x * y, abs(x * y)))
    assert vanishes(lambda x, y: (x * y, lw.math.minimum(abs(x), abs(y))), finish=lambda a, b: a + b)
    assert not vanishes(lambda x, y: lw.math.minimum(x, y))  # min(0, -1) is -1
    assert not vanishes(lambda x, y: x * y * (x + y) * 1e300)  # a sum may overflow, and inf * 0 is NaN
    assert not vanishes(lambda x, y: abs(x - y))
    assert not vanishes(lambda x, y: x)
    assert not vanishes(lambda x, y: x * (1 / y))
    assert vanishes(lambda x, y: abs(x - y), ones=True)  # by counts


def test_within_names_the_way_out():
    with pytest.raises(DtypeError, match=r"use \.toarray\(\)"):
        lw.within(sp.eye_array(3), sp.eye_array(3), 0.5, metric="dot")


@pytest.mark.parametrize("part", ["indices", "negative", "indptr", "short"])
def test_a_matrix_that_contradicts_itself_is_refused(part):
    good = sp.random_array((6, 5), density=0.6, format="csr", rng=np.random.default_rng(0))
    bad = good.copy()
    if part == "indptr":
        bad.indptr[2] = 10**6
    elif part == "short":
        bad.indptr[-1] += 5
    else:
        bad.indices[0] = 10**6 if part == "indices" else -1
    for queries, items in ((bad, good), (good, bad), (bad, None)):
        with pytest.raises(InputError, match="is no whole sparse matrix"):
            lw.topk(queries, items, 2, metric="dot")


def test_a_result_that_does_not_fit_and_sums_that_overflow_are_told_as_of_dense_rows():
    x, y = (sp.csr_array(np.array(rows)) for rows in ([[1e200, 1e200], [1.0, 0.0]], [[1e200, -1e200], [1.0, 1.0]]))
    with pytest.raises(InputError, match="does not fit in memory; ask for a smaller k"):
        lw.topk(x, y, 10**12, metric="dot")
    for queries, items in ((x, y), (x.toarray(), y.toarray())):  # inf - inf
        with pytest.warns(lw.NaNWarning, match="dot gave NaN for so many items that 1 rows have fewer than 2"):
            found = lw.topk(queries, items, 2, metric="dot")
        assert found.indices.tolist() == [[1, -1], [0, 1]]
