"""What the library promises whatever the metric: memory, threads, directions, errors, types, shapes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import likewise as lw
from likewise.errors import BadRowsError, DtypeError, InputError, ShapeError, UnknownMetricError

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((5, 8)), rng.standard_normal((20, 8))


def python(code, **keywords):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, **keywords
    )


# ---- memory and threads

MEMORY = """
import numpy as np, likewise as lw
def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
rng = np.random.default_rng(0)
X, Y = (rng.standard_normal((n, 16), dtype=np.float32) for n in (20_000, 200_000))
lw.topk(X[:10], Y[:100], 5, metric="dot")
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = status("VmRSS")
lw.topk(X, Y, 5, metric="dot", memory_limit="40MB")
print(status("VmHWM") - before - X.shape[0] * 5 * 16 / 2**20)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="peak memory is read from Linux's /proc")
def test_memory_limit_is_kept():
    result = python(MEMORY)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 40  # the matrix would take 16,000


BY_CODES = """
import sys
import numpy as np, likewise as lw
from likewise.compute import coding
def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
rng = np.random.default_rng(0)
metric, dtype, d = sys.argv[1], sys.argv[2], 64
X, Y = ((40 * rng.random((n, d))).astype(dtype) for n in (6_000, 100_000))
coding.SMALL_WORK = 0
lw.topk(X[:500], Y[:5000], 5, metric=metric)
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = status("VmRSS")
found = lw.topk(X, Y, 5, metric=metric, memory_limit="64MB", stats=True)
print(found.stats.screened > 0, status("VmHWM") - before - X.shape[0] * 5 * 16 / 2**20)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("metric", "dtype"),
    [("euclidean", "float32"), ("euclidean", "uint8"), ("cosine", "float32"), ("manhattan", "uint8")],
)
def test_memory_limit_is_kept_by_codes(metric, dtype):
    result = python(BY_CODES.replace("sys.argv[1]", repr(metric)).replace("sys.argv[2]", repr(dtype)))
    assert result.returncode == 0, result.stderr
    by_codes, peak = result.stdout.split()
    assert float(peak) < 64
    if dtype == "uint8":  # the others may be quicker in float32
        assert by_codes == "True"


@pytest.mark.parametrize(
    "call",
    [
        "lw.topk(x, x, 5, metric='manhattan')",
        "lw.topk(x, x, 5, metric=lw.minkowski(3.3))",  # a hundred times slower a pair
        "lw.pairwise(x[:20_000], x[:20_000], metric=lw.minkowski(3.3))",
        "lw.within(x, x, 0.1, metric=lw.minkowski(3.3))",
        "lw.attend(x, x, x)",
    ],
)
def test_ctrl_c_stops_within_a_second(call):
    code = (
        "import signal, numpy as np, likewise as lw\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job may have inherited none
        "x = np.random.default_rng(0).standard_normal((200_000, 64), dtype=np.float32)\n"
        "lw.topk(x[:100], x[:100], 5, metric='manhattan')\n"
        f"print('ready', flush=True)\n{call}\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert time.monotonic() - start < 2.5  # a second, and as much again for a busy machine and the interpreter's end


def test_works_after_a_fork():
    code = (
        "import os, warnings, numpy as np, likewise as lw\n"
        "warnings.simplefilter('ignore')\n"
        "x = np.random.default_rng(0).standard_normal((3000, 32))\n"
        "first = lw.topk(x, x, 3, metric='dot', n_jobs=3).indices\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if (lw.topk(x, x, 3, metric='dot', n_jobs=3).indices == first).all() else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert python(code).stdout == "0\n"


def test_progress_reaches_the_end():
    seen = []
    lw.topk(X, Y, 2, metric="dot", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100, 100)


@pytest.mark.parametrize("n_jobs", [1, 2, -1, None])
def test_n_jobs(n_jobs):
    assert lw.topk(X, Y, 2, metric="dot", n_jobs=n_jobs).indices.shape == (5, 2)


# ---- directions, units, padding


def test_directions_and_units():
    a, b = np.array([[4.0, -3.0]]), np.array([[-4.0, 4.0]])
    assert lw.pairwise(a, b, metric="dot").item() == -28
    assert lw.pairwise(a, b, metric="cosine").item() == pytest.approx(-0.98995, abs=1e-5)
    assert lw.pairwise(a, b, metric="euclidean").item() == pytest.approx(113**0.5)
    assert lw.pairwise(a, b, metric="sqeuclidean").item() == 113
    assert lw.topk(a, [[1, 0], [9, 0]], 1, metric="dot").indices.item() == 1
    assert lw.topk(a, [[1, 0], [9, 0]], 1, metric="euclidean").indices.item() == 0


def test_a_zero_vector_has_cosine_0_with_everything():
    assert lw.pairwise([[0.0, 0.0], [1.0, 2.0]], [[0.0, 0.0], [3.0, 1.0]], metric="cosine")[0].tolist() == [0, 0]
    assert lw.topk([[0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]], 2, metric="cosine").indices.tolist() == [[0, 1]]


def test_short_rows_are_padded():
    found = lw.topk(X, Y[:3], 5, metric="dot")
    assert (found.indices[:, 3:] == -1).all()
    assert np.isnan(found.values[:, 3:]).all()
    assert np.sort(found.indices[:, :3], axis=1).tolist() == [[0, 1, 2]] * 5
    none = lw.topk(X, Y[:0], 2, metric="dot")
    assert (none.indices == -1).all()
    assert np.isnan(none.values).all()
    assert lw.topk(X[:0], Y, 2, metric="dot").values.shape == (0, 2)


def test_ties_go_to_the_lowest_index():
    same = np.ones((300, 4), np.float32)
    for metric in ("dot", "euclidean", "cosine", "chebyshev", "hamming"):
        assert (lw.topk(same[:3], same, 7, metric=metric).indices == np.arange(7)).all()


def test_where_admits_only_what_it_says():
    mask = rng.random((5, 20)) < 0.3
    found = lw.topk(X, Y, 20, metric="euclidean", where=mask)
    for row, admitted in zip(found.indices, mask, strict=True):
        assert sorted(row[row >= 0]) == np.nonzero(admitted)[0].tolist()
    shared = lw.topk(X, Y, 20, metric="euclidean", where=mask[0])
    assert (np.sort(shared.indices, axis=1)[:, -mask[0].sum() :] == np.nonzero(mask[0])[0]).all()
    hits = lw.within(X, Y, np.inf, metric="euclidean", where=mask)
    assert np.diff(hits.offsets).tolist() == mask.sum(axis=1).tolist()


# ---- shapes and types


def test_leading_axes_broadcast_from_the_right():
    x = np.arange(18.0).reshape(3, 3, 2)
    y = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(lw.pairwise(x, y, metric="dot"), x @ y.T)
    assert lw.pairwise(x, y, metric="dot").shape == (3, 3, 4)
    assert lw.topk(x, y, 2, metric="dot").indices.shape == (3, 3, 2)
    per_batch = lw.topk(x, x, 1, metric="euclidean")
    assert per_batch.indices[..., 0].tolist() == [[0, 1, 2]] * 3
    assert lw.pairwise(x[:, None], x[None], metric="dot").shape == (3, 3, 3, 3)
    assert lw.attend(x, y, y).shape == (3, 3, 2)
    assert lw.weighted_sum(x, y, np.ones((4, 5)), metric="dot").shape == (3, 3, 5)


def test_single_vectors_give_up_their_axis():
    assert lw.topk(X[0], Y, 3, metric="dot").indices.shape == (3,)
    assert lw.pairwise(X[0], Y, metric="dot").shape == (20,)
    assert lw.pairwise(X[0], Y[0], metric="dot").shape == ()
    assert lw.pairwise(X, Y[0], metric="dot").shape == (5,)
    assert lw.paired(X[0], Y, metric="dot").shape == (20,)
    assert lw.contributions(X[0], Y[0], metric="dot").shape == (8,)


def test_what_comes_out_is_what_went_in():
    torch = pytest.importorskip("torch")
    q, items = torch.tensor(X, dtype=torch.float32), torch.tensor(Y, dtype=torch.bfloat16)
    found = lw.topk(q, items, 2, metric="dot")
    assert isinstance(found.values, torch.Tensor)
    assert found.indices.dtype == torch.int64
    same = lw.topk(X.astype(np.float32), items.float().numpy(), 2, metric="dot")
    np.testing.assert_array_equal(found.indices.numpy(), same.indices)
    np.testing.assert_array_equal(found.values.numpy(), same.values)
    assert isinstance(lw.pairwise(X, Y, metric="dot"), np.ndarray)
    assert lw.pairwise(X.astype(np.float16), Y.astype(np.float32), metric="dot").dtype == np.float32
    assert lw.pairwise(X.astype(np.float32), Y, metric="dot").dtype == np.float64


def test_any_layout_and_protocol(tmp_path):
    expected = lw.pairwise(X, Y, metric="manhattan")
    np.save(tmp_path / "y.npy", Y)

    class DLPack:
        def __dlpack__(self, **keywords):
            return Y.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return Y.__dlpack_device__()

    wide = np.repeat(Y, 2, axis=1)
    for same in (
        *(Y.tolist(), np.asfortranarray(Y), wide[:, ::2], np.flip(np.flip(Y, 0), 0), Y.astype(">f8"), memoryview(Y)),
        *(np.load(tmp_path / "y.npy", mmap_mode="r"), DLPack()),
    ):
        np.testing.assert_array_equal(lw.pairwise(X, same, metric="manhattan"), expected)


# ---- errors, word by word


def says(text):
    return pytest.raises(InputError, match=f"^{re.escape(text)}$")


def test_dimension_mismatch_shows_both_shapes():
    shapes = "queries has vectors of 8 coordinates (shape (5, 8)) and items of 7 (shape (20, 7))"
    with says(f"{shapes}; the last axes must be equal"):
        lw.topk(X, Y[:, :7], 1, metric="dot")


def test_bad_rows_are_named():
    bad = Y.copy()
    bad[3, 1], bad[17, 0] = np.nan, np.inf
    with pytest.raises(BadRowsError) as caught:
        lw.topk(X, bad, 1, metric="dot")
    assert str(caught.value) == "items has NaN or infinite values in rows 3, 17; mend them, or pass on_bad='skip'"
    assert caught.value.rows == [3, 17]


def test_bad_rows_can_be_skipped():
    bad_x, bad_y = X.copy(), Y.copy()
    bad_x[2, 0], bad_y[3, 1] = np.nan, -np.inf
    found = lw.topk(bad_x, bad_y, 20, metric="euclidean", on_bad="skip")
    good = np.delete(np.arange(20), 3)
    expected = lw.topk(np.delete(X, 2, 0), Y[good], 20, metric="euclidean")
    np.testing.assert_array_equal(
        np.delete(found.indices, 2, 0), np.where(expected.indices < 0, -1, good[expected.indices])
    )
    assert (found.indices[2] == -1).all()
    matrix = lw.pairwise(bad_x, bad_y, metric="dot", on_bad="skip")
    assert np.isnan(matrix[2]).all()
    assert np.isnan(matrix[:, 3]).all()
    assert np.isfinite(matrix[0, :3]).all()
    assert lw.prepare(bad_y, metric="dot", on_bad="skip").kept.tolist() == good.tolist()
    hits = lw.within(bad_x, bad_y, np.inf, metric="euclidean", on_bad="skip")
    assert np.diff(hits.offsets).tolist() == [19, 19, 0, 19, 19]
    assert 3 not in hits.indices


def test_a_misspelt_metric_is_answered_with_the_nearest():
    with pytest.raises(UnknownMetricError, match="no metric is called 'manhatan'; did you mean 'manhattan'"):
        lw.topk(X, Y, 1, metric="manhatan")
    with says("metric= is missing: a name such as 'euclidean', a metric, or a function of two numbers"):
        lw.topk(X, Y, 1)


def test_other_refusals():
    with says("k=0; at least 1 neighbour is to be found"):
        lw.topk(X, Y, 0, metric="dot")
    with says("k='3' is not a whole number"):
        lw.topk(X, Y, "3", metric="dot")
    with says("on_bad='ignore' is not known; it is 'raise' or 'skip'"):
        lw.topk(X, Y, 1, metric="dot", on_bad="ignore")
    with says("n_jobs=0 means nothing; use 1 for a single thread or None for every core"):
        lw.topk(X, Y, 1, metric="dot", n_jobs=0)
    with says("memory_limit='lots' is not a size; write bytes, or text such as '500MB' or '2GiB'"):
        lw.topk(X, Y, 1, metric="dot", memory_limit="lots")
    with says("where= has shape (19,); a boolean mask of shape (20,) or (5, 20) is wanted"):
        lw.topk(X, Y, 1, metric="dot", where=np.ones(19, bool))
    with says("these items were prepared for dot, not cosine; prepare them again"):
        lw.topk(X, lw.prepare(Y, metric="dot"), 1, metric="cosine")
    with pytest.raises(ShapeError, match="its vectors have no coordinates"):
        lw.topk(X[:, :0], Y[:, :0], 1, metric="dot")
    with pytest.raises(DtypeError, match="holds complex numbers"):
        lw.topk(X + 1j, Y, 1, metric="dot")
    with pytest.raises(DtypeError, match=r"above 2\^53 float64 cannot tell them apart"):
        lw.topk(np.array([[2**60 + 1]]), np.array([[1]]), 1, metric="dot")


def test_sparse_matrices_are_searched_and_refused_elsewhere_with_a_remedy():
    sparse = pytest.importorskip("scipy.sparse")
    assert (
        lw.topk(X, sparse.csr_matrix(Y), 1, metric="dot").indices.tolist()
        == lw.topk(X, Y, 1, metric="dot").indices.tolist()
    )
    for verb in (lw.pairwise, lw.paired):
        with pytest.raises(DtypeError, match=r"use \.toarray\(\)"):
            verb(X, sparse.csr_matrix(Y), metric="dot")


def test_a_formula_that_gives_nan_is_pointed_at():
    ratio = lw.metric(lambda x, y: abs(x - y) / (abs(x) + abs(y)), name="ratio")
    with pytest.warns(lw.NaNWarning, match="ratio gave NaN for so many items that 1 rows have fewer than 2") as caught:
        found = lw.topk([[0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]], 2, metric=ratio)
    assert found.indices.tolist() == [[1, -1]]
    assert caught[0].filename == __file__


def test_explain_of_prepared_items_is_that_of_their_search():
    made = np.random.default_rng(0)
    low_rank = made.standard_normal((3000, 12)) @ made.standard_normal((12, 256))
    items = (low_rank + 0.05 * made.standard_normal((3000, 256))).astype(np.float32)
    shelf = lw.prepare(items, metric="euclidean")
    steps = lw.explain(items[:9], shelf, k=5).plan.steps
    assert [step.split()[0] for step in steps[1:]] == ["code", "seed", "scan", "list", "refine", "settle"]
    assert "once, before" in steps[1]
    assert lw.explain(shelf, k=5).plan.steps[1] == steps[1]
    packed = lw.prepare(items[:100], metric="manhattan")
    assert "panels once, before" in lw.explain(items[:9], packed, k=5).plan.steps[1]
    with pytest.raises(InputError, match="these items were prepared for manhattan, not dot; prepare them again"):
        lw.explain(items[:9], packed, k=5, metric="dot")
    with pytest.raises(InputError, match="metric= is missing"):
        lw.explain(items[:9], items, k=5)


def test_prepared_items_answer_alike():
    for metric in ("dot", "cosine", "manhattan", "canberra", lw.mahalanobis(np.eye(8) * 2), lw.rbf(0.1)):
        for rows in (Y, Y.astype(np.float32), (Y * 10).astype(np.int8)):
            plain, ready = lw.topk(X, rows, 4, metric=metric), lw.topk(X, lw.prepare(rows, metric=metric), 4)
            np.testing.assert_array_equal(plain.indices, ready.indices)
            np.testing.assert_array_equal(plain.values, ready.values)


ILL = {
    "far from the origin and close together": 1e6 + 1e-3 * rng.standard_normal((400, 6)),
    "duplicates": np.repeat(rng.standard_normal((40, 6)), 10, axis=0),
    "subnormal": rng.standard_normal((200, 6)) * 1e-310,
    "subnormal in float32": (rng.standard_normal((200, 6)) * 1e-42).astype(np.float32),
    "huge and tiny": rng.standard_normal((200, 6)) * 10.0 ** rng.integers(-150, 150, (200, 1)),
    "near float32's end": (rng.standard_normal((200, 6)) * 1e38).clip(-3e38, 3e38).astype(np.float32),
    "one coordinate": rng.standard_normal((300, 1)),
    "outlier": np.concatenate([rng.standard_normal((300, 6)), 1e8 * np.ones((1, 6))]),
}


@pytest.mark.parametrize("data", ILL)
@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan", "chebyshev", "canberra", "correlation"])
def test_ill_conditioned_data(name, data):
    from likewise.backends import reference

    rows = ILL[data]
    found = lw.topk(rows[:30], rows, 12, metric=name)
    expected = reference.topk(lw.metrics[name], rows[:30].astype(float), rows.astype(float), 12)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("metric", ["dot", "euclidean", lw.mahalanobis(np.eye(8))])
def test_bad_rows_are_named_where_there_is_nothing_to_compare_them_with(metric):
    bad = X.copy()
    bad[2, 1] = np.nan
    none = np.empty((0, 8))
    for call in (
        lambda **how: lw.topk(bad, none, 1, metric=metric, **how).values,
        lambda **how: lw.pairwise(bad, none, metric=metric, **how),
        lambda **how: lw.weighted_sum(bad, none, np.empty((0, 3)), metric=metric, **how),
        lambda **how: lw.attend(bad, none, np.empty((0, 3)), metric=metric, **how),
    ):
        with pytest.raises(BadRowsError, match="has NaN or infinite values in row 2;"):
            call()
        assert np.isnan(call(on_bad="skip")[2]).all()
    with pytest.raises(BadRowsError, match="y has NaN or infinite values in row 2;"):
        lw.pairwise(none, bad, metric=metric)
