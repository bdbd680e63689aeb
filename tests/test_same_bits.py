"""The same bits for every number of threads, every cut of the data, every memory limit and every instruction set."""

import functools
import itertools
import struct

import numpy as np
import pytest

import likewise as lw
from likewise import plan
from likewise.backends.llvm import jit
from likewise.backends.llvm import target as targets
from likewise.compute import slopes
from likewise.errors import BackendError
from likewise.reductions import Best
from tests.cases import BY_NAME, DTYPES, rows

#: Every screen and combination, statistics in finish and term, and every elementary function.
NAMES = [
    *("dot", "cosine", "manhattan", "chebyshev", "mahalanobis", "jaccard", "angular", "matern32", "minkowski(p=5)"),
    *("periodic", "saturating", "three sums", "by sums", "statistics in the term"),
]
names = pytest.mark.parametrize("name", NAMES)

RUNNABLE = {
    "avx512": ["avx512", "avx2", "portable"],
    "avx2": ["avx2", "portable"],
    "neon": ["neon", "portable"],
    "portable": ["portable"],
}[targets.host().name]


def same(found, expected):
    """Equal shapes, types and bits, -0 and 0 told apart; every NaN counts as one."""
    assert found.keys() == expected.keys()
    for name, array in found.items():
        wanted = expected[name]
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape), name
        bits = array.dtype.str.replace("f", "u").replace("i", "u")
        unknown = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        np.testing.assert_array_equal(unknown, np.isnan(wanted), err_msg=name)
        differ = (array.view(bits) != wanted.view(bits)) & ~unknown
        assert not differ.any(), (name, array[differ][:3], wanted[differ][:3])


@functools.cache
def data(kind, dtype="float32", n=27, m=531, d=19):
    x, y = (DTYPES[dtype](rows(kind, size, d, seed)) for seed, size in enumerate((n, m)))
    return x, y, rows("real", m, 37, 2).astype(np.float32 if dtype == "float32" else np.float64)


def answers(name, dtype="float32", items=lambda y, metric: y, **options):
    """What every verb gives, by name."""
    x, y, w = data(BY_NAME[name].data, dtype)
    metric = BY_NAME[name].make(x.shape[1])
    found = {}
    shelf = items(y, metric)
    found["topk values"], found["topk indices"] = lw.topk(x, shelf, 7, metric=metric, **options)
    radius = float(np.median(found["topk values"]))
    found["within values"], found["within indices"], found["within offsets"] = lw.within(
        x, shelf, radius, metric=metric, **options
    )
    found["masked values"], found["masked indices"] = lw.topk(
        x, shelf, 3, metric=metric, where=np.arange(len(y)) % 3 == 1, **options
    )
    found["pairwise"] = lw.pairwise(x, y, metric=metric, **options)
    found["paired"] = lw.paired(x, y[: len(x)], metric=metric, **options)
    found["narrow sum"] = lw.weighted_sum(x, y, w[:, :2], metric=metric, **options)
    found["wide sum"] = lw.weighted_sum(x, y, w, metric=metric, **options)
    scale = 8 / float(np.abs(found["pairwise"]).max())
    masks = {"open": None, "causal": "causal", "boolean": np.indices((len(x), len(y))).sum(axis=0) % 4 > 0}
    masks["additive"] = rows("real", len(x), len(y), 3)
    for kind, mask in masks.items():
        found[f"{kind} attention"] = lw.attend(x, y, w, metric=metric, scale=scale, mask=mask, **options)
    return found


@functools.cache
def expected(name, dtype="float32"):
    return answers(name, dtype, n_jobs=1)


# ------------------------------------------------------------------------------------------------ threads and cuts


@names
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_threads(name, n_jobs):
    same(answers(name, n_jobs=n_jobs), expected(name))


@names
def test_items_prepared_or_not(name):
    same(answers(name, items=lambda y, metric: lw.prepare(y, metric=metric)), expected(name))


@names
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_size_of_blocks_groups_and_memory(name, dtype, monkeypatch):
    for block, group, memory in [(1, 1, None), (20_000, 5_000, None), (1 << 20, 1 << 12, "200kB"), (1 << 24, 1, 1)]:
        monkeypatch.setattr(plan, "BLOCK_BYTES", block)
        monkeypatch.setattr(plan, "GROUP_BYTES", group)
        same(answers(name, dtype, memory_limit=memory, n_jobs=2), expected(name, dtype))


def rowwise(name, x, y, w, metric, radius, **options):
    """Verbs whose rows depend on no other row of x, one array each, a row a query."""
    top = lw.topk(x, y, 5, metric=metric)
    near = lw.within(x, y, radius, metric=metric)
    found = {"values": top.values, "indices": top.indices, "matrix": lw.pairwise(x, y, metric=metric)}
    found["counts"], found["hits"] = np.diff(near.offsets), np.bincount(near.indices, minlength=len(y))[None]
    found["narrow sum"] = lw.weighted_sum(x, y, w[:, :1], metric=metric)
    found["wide sum"] = lw.weighted_sum(x, y, w, metric=metric)
    found["attention"] = lw.attend(x, y, w, metric=metric, scale=options["scale"])
    return found


@names
def test_any_split_of_the_queries(name):
    x, y, w = data(BY_NAME[name].data)
    metric = BY_NAME[name].make(x.shape[1])
    values = lw.pairwise(x, y, metric=metric)
    options = {"radius": float(np.median(values)), "scale": 8 / float(np.abs(values).max())}
    whole = rowwise(name, x, y, w, metric, **options)
    for cuts in ([0, 1, 27], [0, 4, 9, 27], [0, 12, 13, 26, 27]):  # one, few and many rows: other tiles
        parts = [rowwise(name, x[a:b], y, w, metric, **options) for a, b in itertools.pairwise(cuts)]
        joined = {key: np.concatenate([part[key] for part in parts]) for key in whole}
        joined["hits"] = joined["hits"].sum(axis=0, keepdims=True)
        same(joined, whole)


@pytest.mark.parametrize("name", ["dot", "sqeuclidean", "manhattan", "chebyshev", "canberra", "logarithmic", "jaccard"])
@pytest.mark.parametrize("dtype", ["float32", "int8", "float64"])
def test_any_split_of_the_items(name, dtype):
    x, y, _ = data(BY_NAME[name].data, dtype)
    metric = BY_NAME[name].make(x.shape[1])
    sign = 1 if metric.closer == "smaller" else -1  # these are ordered by their value
    whole = lw.topk(x, y, 9, metric=metric)
    best = Best(9)
    for cuts in ([0, 1, 531], [0, 33, 256, 531], [0, 3, 7, 200, 201, 400, 531]):
        for order in (1, -1):  # merging is commutative and associative
            state = best.init(len(x))
            for a, b in list(itertools.pairwise(cuts))[::order]:
                part = lw.topk(x, y[a:b], 9, metric=metric)
                indices = np.where(part.indices < 0, -1, part.indices + a)
                state = best.merge(state, (sign * part.values, part.values, indices))
            same(best.finish(state)._asdict(), whole._asdict())


@names
def test_any_order_of_the_items_gives_the_same_values(name):
    x, y, _ = data(BY_NAME[name].data)
    metric = BY_NAME[name].make(x.shape[1])
    order = np.random.default_rng(0).permutation(len(y))
    found, shuffled = lw.topk(x, y, 5, metric=metric), lw.topk(x, y[order], 5, metric=metric)
    same({"values": shuffled.values}, {"values": found.values})


@pytest.mark.parametrize("name", ["dot", "euclidean", "canberra"])
def test_many_queries_in_several_chunks(name):
    """More queries than are in hand at a time under a small memory limit."""
    x, y = rows("real", 3000, 6, 1).astype(np.float32), rows("real", 400, 6, 2).astype(np.float32)
    whole = lw.topk(x, y, 4, metric=name, n_jobs=1)
    for limit in (50_000, "1MB"):
        same(lw.topk(x, y, 4, metric=name, memory_limit=limit)._asdict(), whole._asdict())


# ------------------------------------------------------------------------------------------------ instruction sets


@names
@pytest.mark.parametrize("target", RUNNABLE[1:])
def test_instruction_sets(name, target):
    with targets.using(target):
        here = answers(name)
    same(here, expected(name))


@pytest.mark.parametrize("name", ["dot", "chebyshev", "matern32"])
@pytest.mark.parametrize("target", RUNNABLE[1:])
def test_instruction_sets_in_float64(name, target):
    with targets.using(target):
        here = answers(name, "float64")
    same(here, expected(name, "float64"))


@pytest.mark.parametrize("name", ["dot", "chebyshev", "canberra", "by sums", "statistics in the term"])
@pytest.mark.parametrize(("target", "other"), [*itertools.permutations(RUNNABLE, 2)])
def test_prepared_for_one_instruction_set_searched_with_another(name, target, other):
    x, y, _ = data(BY_NAME[name].data)
    metric = BY_NAME[name].make(x.shape[1])
    with targets.using(target):
        shelf = lw.prepare(y, metric=metric)
    with targets.using(other):
        found = lw.topk(x, shelf, 7)
    same(found._asdict(), {part: expected(name)[f"topk {part}"] for part in ("values", "indices")})


@pytest.fixture
def neon(monkeypatch):
    """Compile every kernel for NEON, look at the object, and run the same tiles on this machine."""
    if targets.host().name == "neon":
        pytest.skip("this machine runs NEON itself")
    arm, load, objects = targets.named("neon"), jit._load, []
    try:
        jit.compile_object("define i64 @f(ptr %p) { ret i64 0 }", arm)
    except (BackendError, RuntimeError) as error:
        pytest.skip(f"this llvmlite does not compile for {arm.triple}: {error}")

    def load_both(recipe, name, fields, build, target):
        if target == arm:
            objects.append(jit.compile_object(jit.emit_ir(build.build), arm))
            return load(f"{recipe} in tiles for NEON", name, fields, build, targets.host())
        return load(recipe, name, fields, build, target)

    monkeypatch.setattr(jit, "_load", load_both)
    return objects


@pytest.mark.parametrize("name", ["dot", "chebyshev", "minkowski(p=5)", "by sums"])
def test_kernels_compile_for_neon_and_its_tiles_give_the_same_bits(name, neon):
    with targets.using("neon"):
        here = answers(name)
    assert len(neon) >= 10
    for made in neon:
        magic, bits, machine = made[:4], made[4], struct.unpack_from("<H", made, 18)[0]
        assert (magic, bits, machine) == (b"\x7fELF", 2, 183)  # a 64-bit ELF object for AArch64
    same(here, expected(name))


@pytest.mark.parametrize("name", ["manhattan", "canberra", "minkowski(p=5)"])
def test_slopes_compile_for_neon_and_its_tiles_give_close_numbers(name, neon):
    """Gradients are float32 or float64 sums, with products fused where the machine can: close, not equal."""
    x, y, _ = (rows.astype(np.float64) for rows in data(BY_NAME[name].data))
    term, weights = BY_NAME[name].make(x.shape[1]).terms[0], np.ones((1, len(x), len(y)))

    def run():
        return [
            slopes.pair_sums(term, x[None], y[None], 1),
            *(slopes.pair_slopes(term, weights, x[None], y[None], side, 1) for side in "xy"),
        ]

    wanted = run()
    with targets.using("neon"):
        here = run()
    assert len(neon) == 3
    for one, other in zip(here, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
