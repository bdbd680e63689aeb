"""Filters and self-joins: whatever is admitted, however it is said, however it is computed, the answer is the same.

Every form of ``where=`` says which pairs are admitted; the reference computes all pairs and leaves the others out. The
ways that a search may take (all pairs with the filter in the kernel, items gathered first, listed pairs) are forced in
turn by what they are said to cost.
"""

import functools
import re
import warnings

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from likewise.backends.llvm import filters as engine_filters
from likewise.backends.llvm import target as targets
from likewise.compute import filters, search
from likewise.errors import InputError, ShapeError
from tests.cases import BY_NAME, DTYPES, float64, rows
from tests.test_same_bits import RUNNABLE

N, M, D = 23, 419, 9
#: Every kind: products, scaled products, sums, maxima, a matrix, rows made anew, a formula with exp in every pair.
NAMES = ["dot", "cosine", "euclidean", "manhattan", "chebyshev", "mahalanobis", "hellinger", "gaussians"]
names = pytest.mark.parametrize("name", NAMES)
SHARES = [0.0, 1 / M, 0.005, 0.01, 0.1, 0.5, 1.0]
FORMS = ["shared", "each", "lists"]
forms = pytest.mark.parametrize("form", FORMS)

#: Costs that make a search take one way or another.
WAYS = {
    "as planned": {},
    "all pairs": {"_COPY": 10**9, "_PAIRS": 10**9},
    "gathered": {"_COPY": -(10**9), "_PAIRS": 10**9},
    "listed": {"_COPY": 10**9, "_PAIRS": 1e-9, "_MOST_LISTED": 1.0},
    "some listed": {"_COPY": 10**9, "_PAIRS": 1e-9, "_MOST_LISTED": 0.3},
}
ways = pytest.mark.parametrize("way", WAYS)


def take_the_way(monkeypatch, way):
    for name, cost in WAYS[way].items():
        monkeypatch.setattr(search, name, cost)


def data(name, n=N, m=M, dtype="float32"):
    case = BY_NAME[name]
    x, y = (DTYPES[dtype](rows(case.data, size, D, seed)) for size, seed in ((n, 1), (m, 2)))
    y[m // 2 :: 7] = y[0]  # ties
    return case.make(D), x, y


def admitted(form, share, n=N, m=M, seed=0):
    """(n, m): what is admitted; the rows of one mask are alike, those of lists have any share in turn."""
    rng = np.random.default_rng(seed)
    if form == "shared":
        some = np.zeros(m, bool)
        some[rng.permutation(m)[: round(share * m)]] = True
        return np.broadcast_to(some, (n, m))
    made = rng.random((n, m)) < share
    made[::5] = rng.random((len(made[::5]), m)) < 0.6  # queries are not alike
    made[1::7] = False
    return made


def lists_of(left_out, seed=0):
    """(offsets, indices) of a table, duplicated and shuffled row by row."""
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.repeat(np.flatnonzero(row), 2)) for row in left_out]
    return np.cumsum([0, *map(len, parts)]), np.concatenate([*parts, np.empty(0, np.int64)])


def said(form, table):
    return {"shared": lambda: table[0], "each": lambda: table, "lists": lambda: lists_of(~table)}[form]()


@functools.cache
def everything(name, dtype="float32", same=False):
    """Keys and values of all pairs: the engine's own values where NumPy's functions round otherwise."""
    metric, x, y = data(name, dtype=dtype)
    y = x if same else y
    x64, y64 = float64(x), float64(y)
    keys, values = reference.keys_and_values(metric, x64, y64)
    if name == "gaussians":
        values = lw.pairwise(x64, y64, metric=metric)
        keys = -values
    return keys, values


def best(keys, values, table, k):
    state = reference.Best(k)
    indices = np.where(table, np.arange(keys.shape[1]), -1)
    return state.finish(state.step(state.init(len(keys)), keys, values, indices))


def same_topk(found, expected):
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


def same_within(found, keys, values, table, radius, closer):
    inside = table & (values <= radius if closer == "smaller" else values >= radius)
    row, item = np.nonzero(inside)
    expected = reference.all_within(len(keys), row, keys[row, item], values[row, item], item)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------------------------------ against the reference


@names
@forms
def test_every_selectivity(name, form):
    metric, x, y = data(name)
    keys, values = everything(name)
    radius = float(np.quantile(values, 0.2 if metric.closer == "smaller" else 0.8))
    for share in SHARES:
        table = admitted(form, share)
        for k in (1, 7, M + 3):
            same_topk(lw.topk(x, y, k, metric=metric, where=said(form, table)), best(keys, values, table, k))
        found = lw.within(x, y, radius, metric=metric, where=said(form, table))
        same_within(found, keys, values, table, radius, metric.closer)


@ways
@forms
@pytest.mark.parametrize("name", ["cosine", "manhattan", "mahalanobis", "gaussians"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_way_of_computing_it(name, form, way, dtype, monkeypatch):
    take_the_way(monkeypatch, way)
    metric, x, y = data(name, dtype=dtype)
    keys, values = everything(name, dtype)
    radius = float(np.quantile(values, 0.2 if metric.closer == "smaller" else 0.8))
    for share in (0.0, 1 / M, 0.1, 0.5):
        table = admitted(form, share, seed=1)
        for items in (y, lw.prepare(y, metric=metric)):
            for options in ({"n_jobs": 1}, {"n_jobs": 2, "memory_limit": 5000}):
                found = lw.topk(x, items, 7, metric=metric, where=said(form, table), **options)
                same_topk(found, best(keys, values, table, 7))
                hits = lw.within(x, items, radius, metric=metric, where=said(form, table), **options)
                same_within(hits, keys, values, table, radius, metric.closer)


@ways
@forms
def test_bad_rows_skipped(form, way, monkeypatch):
    take_the_way(monkeypatch, way)
    _, x, y = data("euclidean")
    keys, values = everything("euclidean")
    x, y = x.copy(), y.copy()
    x[[0, 4, 22], 3] = np.nan
    y[[1, 7, 100, 418], 0] = np.inf
    for share in (0.01, 0.5):
        table = admitted(form, share, seed=2)
        left = table.copy()
        left[[0, 4, 22]] = left[:, [1, 7, 100, 418]] = False
        for items in (y, lw.prepare(y, metric="euclidean", on_bad="skip")):
            found = lw.topk(x, items, 9, metric="euclidean", where=said(form, table), on_bad="skip")
            same_topk(found, best(keys, values, left, 9))
            hits = lw.within(x, items, 2.5, metric="euclidean", where=said(form, table), on_bad="skip")
            same_within(hits, keys, values, left, 2.5, "smaller")


@ways
@forms
@pytest.mark.parametrize("leads", [((2, 3), ()), ((2, 3), (3,)), ((), (2,)), ((2,), (2,)), ((0,), ()), ((1,), (1,))])
def test_batches(form, way, leads, monkeypatch):
    take_the_way(monkeypatch, way)
    lead = np.broadcast_shapes(*leads)
    rng = np.random.default_rng(3)
    x, y = (rng.integers(-3, 4, (*own, size, D)).astype(float) for own, size in zip(leads, (5, 60), strict=True))
    count = int(np.prod(lead))
    every = [np.broadcast_to(array, (*lead, *array.shape[-2:])).reshape(count, *array.shape[-2:]) for array in (x, y)]
    masks = {"shared": [(60,), (*(1,) * len(lead), 1, 60)], "each": [(5, 60), (*lead, 1, 60), (*lead, 5, 60)]}
    for shape in masks.get(form, [(*lead, 5, 60)]):
        where = rng.random(shape) < 0.3
        table = np.broadcast_to(where, (*lead, 5, 60)).reshape(count, 5, 60)
        if form == "lists":
            where = lists_of(~table.reshape(-1, 60))
        found = lw.topk(x, y, 6, metric="manhattan", where=where)
        assert found.indices.shape == (*lead, 5, 6)
        hits = lw.within(x, y, 12, metric="manhattan", where=where)
        assert hits.offsets.shape == (count * 5 + 1,)
        for i, (a, b) in enumerate(zip(*every, strict=True)):
            keys, values = reference.keys_and_values(lw.metrics["manhattan"], a, b)
            expected = best(keys, values, table[i], 6)
            np.testing.assert_array_equal(found.indices.reshape(count, 5, 6)[i], expected.indices)
            np.testing.assert_array_equal(found.values.reshape(count, 5, 6)[i], expected.values)
            within = reference.within(lw.metrics["manhattan"], a, b, 12, table[i])
            here = slice(hits.offsets[5 * i], hits.offsets[5 * i + 5])
            np.testing.assert_array_equal(hits.indices[here], within.indices)
            np.testing.assert_array_equal(np.diff(hits.offsets[5 * i : 5 * i + 6]), np.diff(within.offsets))


@ways
def test_masks_in_any_layout_are_read_where_they_are(way, monkeypatch):
    take_the_way(monkeypatch, way)
    metric, x, y = data("chebyshev")
    keys, values = everything("chebyshev")
    table = admitted("each", 0.2)
    expected = best(keys, values, table, 8)
    wide = np.zeros((N, 3, M, 2), bool)
    wide[:, 1, :, 1] = table
    turned = np.ascontiguousarray(table[::-1, ::-1])[::-1, ::-1]
    for mask in (np.asfortranarray(table), wide[:, 1, :, 1], turned, table.tolist(), tuple(map(tuple, table))):
        same_topk(lw.topk(x, y, 8, metric=metric, where=mask), expected)
    two = table[:2]  # a tuple of two rows is a mask, not offsets and indices
    same_topk(lw.topk(x[:2], y, 8, metric=metric, where=tuple(two)), best(keys[:2], values[:2], two, 8))


@ways
@pytest.mark.parametrize("m", [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129])
def test_edges_of_panels(m, way, monkeypatch):
    take_the_way(monkeypatch, way)
    metric, x, y = data("manhattan", m=m)
    keys, values = reference.keys_and_values(metric, float64(x), float64(y))
    page = np.zeros((N + 1) * m, bool)  # the mask ends where its memory ends
    for share in (0.1, 0.7, 1.0):
        table = page[-N * m :].reshape(N, m)
        table[:] = np.random.default_rng(m).random((N, m)) < share
        for where in (table, lists_of(~table)):
            same_topk(lw.topk(x, y, 5, metric=metric, where=where), best(keys, values, table, 5))


@ways
def test_ties_go_to_the_lowest_index_that_is_admitted(way, monkeypatch):
    take_the_way(monkeypatch, way)
    same = np.ones((400, 4), np.float32)
    mask = np.arange(400) % 3 == 1
    expected = np.flatnonzero(mask)[:6]
    for metric in ("dot", "euclidean", "cosine", "chebyshev", "hamming"):
        for where in (mask, np.tile(mask, (30, 1)), lists_of(np.tile(~mask, (30, 1)))):
            assert (lw.topk(same[:30], same, 6, metric=metric, where=where).indices == expected).all()


def test_lists_of_any_whole_numbers():
    _, x, y = data("dot")
    expected = lw.topk(x, y, 5, metric="dot", where=lists_of(~admitted("lists", 0.9)))
    offsets, indices = lists_of(~admitted("lists", 0.9))
    for one, other in (("int32", "uint16"), ("uint64", "int64"), ("uint32", "uint64")):
        same_topk(lw.topk(x, y, 5, metric="dot", where=(offsets.astype(one), indices.astype(other))), expected)
    same_topk(lw.topk(x, y, 5, metric="dot", where=(offsets.tolist(), indices.tolist())), expected)
    same_topk(lw.topk(x, y, 5, metric="dot", where=([0] * (N + 1), [])), lw.topk(x, y, 5, metric="dot"))
    first = lw.within(x, y, 3.0, metric="dot")
    assert not len(lw.within(x, y, 3.0, metric="dot", where=(first.offsets, first.indices)).indices)


def test_lists_are_sorted_and_lose_their_duplicates():
    made = filters.rising_lists(np.array([0, 0, 3, 3, 7]), np.array([5, 1, 5, 0, 2, 2, 0]), 6)
    assert [made.items[a:b].tolist() for a, b in zip(made.start, made.stop, strict=True)] == [[], [1, 5], [], [0, 2]]
    kept = np.array([4, 1, 3])
    assert filters.rising_lists(np.array([0, 0, 1, 3, 3]), kept, 6).items.tolist() == [4, 1, 3]
    assert filters.rising_lists(np.array([0, 0, 0]), kept[:0], 6).items.tolist() == []


@pytest.mark.parametrize("name", ["cosine", "manhattan", "chebyshev", "mahalanobis"])
@forms
def test_the_same_bits_for_any_cut_of_the_work_and_on_any_target(name, form, monkeypatch):
    metric, x, y = data(name, n=60, m=3000)
    table = admitted(form, 0.5, 60, 3000)  # several slabs where the memory is small
    where = said(form, table)
    expected = lw.topk(x, y, 20, metric=metric, where=where, n_jobs=1)
    for way in WAYS:
        with monkeypatch.context() as patch:
            take_the_way(patch, way)
            for options in ({"n_jobs": 1}, {"n_jobs": 2}, {"n_jobs": 3, "memory_limit": 1}, {"memory_limit": "300kB"}):
                same_topk(lw.topk(x, y, 20, metric=metric, where=where, **options), expected)
            for target in RUNNABLE:
                with targets.using(target):
                    same_topk(lw.topk(x, y, 20, metric=metric, where=where), expected)


def test_a_table_of_all_pairs_is_never_made(monkeypatch):
    seen = []
    real = engine_filters.Filter._table

    def spied(self, some):
        seen.append(len(some) * self.m)
        return real(self, some)

    monkeypatch.setattr(engine_filters.Filter, "_table", spied)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((900, 2)), rng.standard_normal((1000, 2))
    nearly_all = np.tile(np.arange(990), 900)
    found = lw.topk(x, y, 3, metric="euclidean", where=(np.arange(901) * 990, nearly_all), memory_limit="100kB")
    assert (found.indices >= 990).all()
    assert len(seen) > 1
    assert max(seen) <= 1 << 16


# ------------------------------------------------------------------------------------------------ self-joins


@names
def test_self_join(name):
    metric, x, _ = data(name)
    x = np.concatenate([x, x[3:9]])  # equal rows stay
    x64 = float64(x)
    keys, values = reference.keys_and_values(metric, x64, x64)
    if name == "gaussians":
        values = lw.pairwise(x64, x64, metric=metric)
        keys = -values
    others = ~np.eye(len(x), dtype=bool)
    rng = np.random.default_rng(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no row is short for want of itself
        for k in (1, 6, len(x) - 1, len(x) + 2):
            same_topk(lw.topk(x, None, k, metric=metric), best(keys, values, others, k))
            same_topk(lw.topk(lw.prepare(x, metric=metric), None, k), best(keys, values, others, k))
    radius = float(np.median(values))
    same_within(lw.within(x, None, radius, metric=metric), keys, values, others, radius, metric.closer)
    mask, wide = rng.random(len(x)) < 0.4, rng.random((len(x), len(x))) < 0.4
    for where, table in ((mask, mask & others), (wide, wide & others), (lists_of(~wide), wide & others)):
        same_topk(lw.topk(x, None, 5, metric=metric, where=where), best(keys, values, table, 5))
        same_within(lw.within(x, None, radius, metric=metric, where=where), keys, values, table, radius, metric.closer)


@ways
@pytest.mark.parametrize("form", [None, *FORMS])
def test_self_join_of_batches_with_bad_rows(form, way, monkeypatch):
    take_the_way(monkeypatch, way)
    rng = np.random.default_rng(5)
    x = rng.integers(-2, 3, (2, 3, 40, 5)).astype(np.float32)
    spoiled = x.copy()
    spoiled[0, 1, [2, 30], 1], spoiled[1, 2, 0, 0] = np.nan, np.inf
    table = rng.random((2, 3, 40, 40)) < 0.3
    if form == "shared":
        table[:] = table[0, 0, 0]
    elif form is None:
        table[:] = True
    where = {"shared": table[0, 0, 0], "each": table, "lists": lists_of(~table.reshape(-1, 40))}.get(form)
    good = np.isfinite(spoiled).all(axis=-1)
    table = table & good[..., None] & good[..., None, :] & ~np.eye(40, dtype=bool)
    found = lw.topk(spoiled, None, 4, metric="manhattan", where=where, on_bad="skip")
    for index in np.ndindex(2, 3):
        rows64 = x[index].astype(float)
        keys, values = reference.keys_and_values(lw.metrics["manhattan"], rows64, rows64)
        expected = best(keys, values, table[index], 4)
        np.testing.assert_array_equal(found.indices[index], expected.indices)
        np.testing.assert_array_equal(found.values[index], expected.values)


def test_self_join_of_one_row_and_of_none():
    assert lw.topk([1.0, 2.0], None, 2, metric="dot").indices.tolist() == [-1, -1]
    assert lw.topk(np.empty((0, 3)), None, 2, metric="dot").indices.shape == (0, 2)
    assert lw.within([[1.0, 2.0]], None, 9.0, metric="euclidean").offsets.tolist() == [0, 0]


@ways
@pytest.mark.parametrize("metric", ["euclidean", lw.mahalanobis(np.diag([1.0, 2.0, 3.0]))], ids=str)
def test_self_join_over_several_blocks_chunks_and_slabs(metric, way, monkeypatch):
    take_the_way(monkeypatch, way)
    x = np.random.default_rng(6).standard_normal((2500, 3), dtype=np.float32)
    both = lw.topk(x, x, 4, metric=metric)
    assert (both.indices[:, 0] == np.arange(2500)).all()
    nearest = np.arange(2501), both.indices[:, 1]
    for options in ({"memory_limit": "100kB", "n_jobs": 1}, {"memory_limit": 1, "n_jobs": 2}, {}):
        found = lw.topk(x, None, 3, metric=metric, **options)
        np.testing.assert_array_equal(found.indices, both.indices[:, 1:])
        found = lw.topk(x, None, 2, metric=metric, where=nearest, **options)
        np.testing.assert_array_equal(found.indices, both.indices[:, 2:])


@ways
def test_pairs_of_value_nan_are_never_found(way, monkeypatch):
    take_the_way(monkeypatch, way)
    ratio = lw.metric(lambda x, y: abs(x - y) / (abs(x) + abs(y)), name="ratio")
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 2, (9, 4)).astype(float), rng.integers(0, 2, (50, 4)).astype(float)
    table = rng.random((9, 50)) < 0.3
    for where, only in ((table, table), (table[0], table[:1]), (lists_of(~table), table)):
        only = np.broadcast_to(only, (9, 50))
        same_topk(lw.topk(x, y, 6, metric=ratio, where=where), reference.topk(ratio, x, y, 6, only))
        found, expected = lw.within(x, y, 2.0, metric=ratio, where=where), reference.within(ratio, x, y, 2.0, only)
        np.testing.assert_array_equal(found.indices, expected.indices)


# ------------------------------------------------------------------------------------------------ refusals, by the word

X, Y = np.ones((5, 2)), np.ones((20, 2))
PAIR = "where=(offsets, indices)"


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        (
            np.ones(20),
            InputError,
            "where= is of type float64; a boolean mask of shape (20,) or (5, 20) is wanted, True = admitted, "
            "or a tuple (offsets, indices) of what each query leaves out",
        ),
        (
            np.ones((4, 20), bool),
            ShapeError,
            "where= has shape (4, 20); a boolean mask of shape (20,) or (5, 20) is wanted",
        ),
        (np.ones((), bool), ShapeError, "where= has shape (); a boolean mask of shape (20,) or (5, 20) is wanted"),
        (([0, 1.5], [1]), InputError, f"{PAIR}: offsets are of type float64; whole numbers are wanted"),
        (([0, 1], [True]), InputError, f"{PAIR}: indices are of type bool; whole numbers are wanted"),
        (([[0, 1]], [1]), ShapeError, f"{PAIR}: offsets have shape (1, 2); a single axis is wanted"),
        (([0, 1], 1), ShapeError, f"{PAIR}: indices have shape (); a single axis is wanted"),
        (([0, 1], [1]), ShapeError, f"{PAIR}: 2 offsets for 5 queries; 6 are wanted"),
        (
            ([1, 1, 1, 1, 1, 1], [1]),
            InputError,
            f"{PAIR}: offsets run from 1 to 1; from 0 to 1 is wanted, the number of indices",
        ),
        (
            ([0, 1, 1, 1, 1, 3], [1]),
            InputError,
            f"{PAIR}: offsets run from 0 to 3; from 0 to 1 is wanted, the number of indices",
        ),
        (
            ([0, 2, 1, 2, 2, 2], [1, 2]),
            InputError,
            f"{PAIR}: offsets fall from 2 to 1 at query 1; they may only rise",
        ),
        (
            ([0, 1, 1, 1, 1, 2], [1, 20]),
            InputError,
            f"{PAIR}: index 20 at position 1 is not among the 20 items; they are 0 to 19",
        ),
        (
            ([0, 1, 1, 1, 1, 1], [-1]),
            InputError,
            f"{PAIR}: index -1 at position 0 is not among the 20 items; they are 0 to 19",
        ),
        (
            ([0, 1, 1, 1, 1, 1], np.array([2**63], np.uint64)),
            InputError,
            f"{PAIR}: index 9223372036854775808 at position 0 is not among the 20 items; they are 0 to 19",
        ),
    ],
)
def test_malformed_filters_are_refused(where, error, message):
    for call in (lw.topk, lw.within):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call(X, Y, 2, metric="dot", where=where)


def test_lists_of_no_items_are_refused():
    message = f"{PAIR}: index 0 at position 0 is not among the 0 items; there are none"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        lw.topk(X[:1], Y[:0], 2, metric="dot", where=([0, 1], [0]))


def test_ragged_filters_are_refused():
    with pytest.raises(ShapeError, match=r"^where= is not a regular array: "):
        lw.topk(X, Y, 2, metric="dot", where=[[True], [True, False]])
    with pytest.raises(ShapeError, match=r"^where=\(offsets, indices\): indices is not a regular array: "):
        lw.topk(X, Y, 2, metric="dot", where=([0, 1], [[1], [1, 2]]))
