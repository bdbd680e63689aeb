"""Rows of zeros and ones: counted, a word at a time, to the reference's own bits."""

import itertools
import struct

import numpy as np
import pytest

import likewise as lw
from likewise import rates
from likewise.backends import reference
from likewise.backends.llvm import jit
from likewise.backends.llvm import target as targets
from likewise.backends.llvm.search import search_formula
from likewise.errors import BackendError, DtypeError, InputError, ShapeError
from likewise.formula.bits import NNZ_X, NNZ_Y, Affine, counts_of, limits_of
from likewise.formula.expr import ACC, DIM
from likewise.formula.screen import Rows, choose

BINARY = Rows(True, True, 0.0, 1.0)
LENGTHS = (1, 7, 8, 9, 63, 64, 65, 127, 1000, 2048)
#: Metrics that counts of bits settle: with a limit of the count, and without (cosine, angular, sums of roots).
COUNTED = ("hamming", "jaccard", "dot", "manhattan", "euclidean", "braycurtis", "canberra", "cosine")
OTHERS = ("chebyshev", "correlation", "minkowski")
RUNNABLE = {
    "avx512": ["avx512", "avx2", "portable"],
    "avx2": ["avx2", "portable"],
    "neon": ["neon", "portable"],
    "portable": ["portable"],
}[targets.host().name]


def rows(n, d, seed, share=0.4):
    """Random bits; a row of zeros, one of ones, and a copy."""
    made = np.random.default_rng(seed).random((n, d)) < share
    if n > 5:
        made[1], made[2], made[4] = False, True, made[3]
    return made


def garbage(x, bitorder="big", seed=5):
    """Packed bits whose padding is random."""
    d = x.shape[-1]
    ones = np.random.default_rng(seed).random((*x.shape[:-1], -(-d // 8) * 8)) < 0.5
    ones[..., :d] = x
    return lw.Bits(np.packbits(ones, axis=-1, bitorder=bitorder), d, bitorder=bitorder)


KINDS = {
    "bool": lambda x: x,
    "uint8": lambda x: x.astype(np.uint8),
    "float32": lambda x: np.where(x, np.float32(1), np.float32(-0.0)),  # a negative zero is zero
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16) * np.float16(-1) * np.float16(-1),
    "int64": lambda x: x.astype(np.int64),
    "bits": garbage,
    "little bits": lambda x: garbage(x, "little"),
}


def same(found, expected):
    """Values by their bits, indices, offsets."""
    for part, wanted in zip(found, expected, strict=True):
        assert part.shape == wanted.shape
        np.testing.assert_array_equal(part, wanted)
        if part.dtype == np.float64:
            assert (np.signbit(part) == np.signbit(wanted))[~np.isnan(part)].all()


def check(metric, x, y, k, kind_x=lambda x: x, kind_y=lambda y: y, where=None, **options):
    found = lw.metrics[metric] if isinstance(metric, str) else metric
    same(
        lw.topk(kind_x(x), kind_y(y), k, metric=metric, where=where, **options),
        reference.topk(found, x, y, k, where),
    )
    values = reference.pairwise(found, x, y)
    radius = float(np.median(values)) if values.size else 1.0
    same(
        lw.within(kind_x(x), kind_y(y), radius, metric=metric, where=where, **options),
        reference.within(found, x, y, radius, where),
    )


# ------------------------------------------------------------------------------------------------ formulas


def test_formulas_are_recognised_by_what_they_compute():
    def named(name):
        return counts_of(lw.metrics[name])

    def of(f, **options):
        return counts_of(lw.metric(f, **options))

    assert named("hamming").op == "xor"
    assert named("jaccard").op == "and"
    assert of(lambda x, y: lw.math.where(x != y, 1, 0), combine="mean") == named("hamming")
    assert of(lambda x, y: lw.math.where(x == y, 0, 1), combine="mean") == named("hamming")
    assert of(lambda x, y: (x - y) ** 2, combine="mean") == named("hamming")
    assert of(lambda x, y: 3 * lw.math.minimum(x, y)).op == "and"
    assert all(named(name) is not None for name in COUNTED)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x * 0.5,  # not whole
        lambda x, y: lw.math.exp(x) * y,
        lambda x, y: x / y,  # undefined at 0
        lambda x, y: lw.math.where(1 / x < 0, 1, 0) * y,  # tells -0 from 0
        lambda x, y: x * y * 1e6,
        lambda x, y, mean_x: (x - mean_x) * y,
        lambda x, y, d: x * y * d,
    ],
)
def test_formulas_that_counts_do_not_settle(f):
    assert counts_of(lw.metric(f)) is None


def test_other_combinations_are_not_counted():
    assert counts_of(lw.metrics["chebyshev"]) is None
    assert counts_of(lw.metric(lambda x, y: x != y, combine="min")) is None
    assert counts_of(lw.metric(lambda x, y: x * y, finish=lambda s, dev_x: s / dev_x)) is None
    assert counts_of(lw.mahalanobis(np.eye(3))) is None


def test_limits_of_keys():
    def limits(name):
        screen = choose(lw.metrics[name], BINARY, BINARY, 100)
        return limits_of(screen.key, counts_of(lw.metrics[name]).op)

    hamming, jaccard = limits("hamming"), limits("jaccard")
    assert (hamming.a, hamming.b, hamming.direction) == (Affine(c=1.0), Affine(one=1.0), -1)
    assert not hamming.of_items
    assert (jaccard.a, jaccard.b) == (Affine(c=-2.0, x=1.0, y=1.0), Affine(c=-1.0, x=1.0, y=1.0))
    assert jaccard.direction == 1
    assert jaccard.of_items
    assert (jaccard.low, jaccard.high) == (-0.001, 1.0)
    assert limits("dot").direction == 1
    assert limits("euclidean").direction == -1
    assert limits("cosine") is None


def test_keys_without_a_safe_limit_have_none():
    count, x, y, d = ACC, NNZ_X, NNZ_Y, DIM
    assert limits_of(count, "xor") is not None
    e = type(ACC)
    assert limits_of(e("div", (count, e("sub", (x, y)))), "and") is None  # a divisor below 0
    assert limits_of(e("div", (d, e("add", (x, y)))), "and") is None  # not 0 where the divisor is
    assert limits_of(e("div", (x, e("add", (x, y)))), "and") is None  # does not depend on the count
    assert limits_of(e("mul", (count, count)), "and") is None
    assert limits_of(e("sqrt", (count,)), "and") is None


# ------------------------------------------------------------------------------------------------ agreement


@pytest.mark.parametrize("d", LENGTHS)
@pytest.mark.parametrize("metric", ["hamming", "jaccard"])
def test_every_kind_of_input(metric, d):
    x, y = rows(13, d, 0), rows(70, d, 1)
    for kind_x, kind_y in [*((k, k) for k in KINDS), ("bits", "bool"), ("float32", "little bits"), ("bits", "uint8")]:
        check(metric, x, y, 6, KINDS[kind_x], KINDS[kind_y])
        same(lw.topk(KINDS[kind_x](x), lw.prepare(KINDS[kind_y](y), metric=metric), 6),
             reference.topk(lw.metrics[metric], x, y, 6))  # fmt: skip


@pytest.mark.parametrize("metric", COUNTED)
def test_every_metric_that_counts(metric):
    for d in (1, 65, 200):
        x, y = rows(9, d, 2), rows(50, d, 3)
        for kind in ("bool", "bits", "float64"):
            assert choose(lw.metrics[metric], BINARY, BINARY, d).kind == "bits"
            check(metric, x, y, 5, KINDS[kind], KINDS[kind])
            same((lw.pairwise(KINDS[kind](x), KINDS[kind](y), metric=metric),),
                 (reference.pairwise(lw.metrics[metric], x, y),))  # fmt: skip


@pytest.mark.parametrize("metric", ["angular", "rbf", "sigmoid"])
def test_elementary_functions_are_those_of_every_other_search(metric):
    """The library's own, which differ from NumPy's in the last place: settled as rows of numbers are."""
    x, y = rows(9, 65, 2), rows(50, 65, 3)
    for kind in ("bool", "bits"):
        found = lw.topk(KINDS[kind](x), KINDS[kind](y), 5, metric=metric)
        np.testing.assert_array_equal(found.indices, reference.topk(lw.metrics[metric], x, y, 5).indices)
        for i in range(5):
            same((found.values[:, i],), (lw.paired(x, y[found.indices[:, i]], metric=metric),))


@pytest.mark.parametrize("metric", OTHERS)
def test_other_metrics_see_booleans(metric, monkeypatch):
    found = lw.metrics[metric]
    x, y = rows(9, 70, 2), rows(3000, 70, 3)
    for options in ({}, {"memory_limit": "100kB"}):  # in slabs
        found_bits = lw.topk(garbage(x), garbage(y), 4, metric=metric, **options)
        same(found_bits, lw.topk(x, y, 4, metric=metric))
        shelf = lw.prepare(garbage(y), metric=metric)
        same(lw.topk(garbage(x), shelf, 4, **options), found_bits)
    same((lw.pairwise(garbage(x), garbage(y), metric=found),), (lw.pairwise(x, y, metric=found),))
    same((lw.paired(garbage(x), garbage(y[:9]), metric=found),), (lw.paired(x, y[:9], metric=found),))


@pytest.mark.parametrize("n", [0, 1, 3, 12, 13, 25])
@pytest.mark.parametrize("m", [0, 1, 15, 16, 17, 33])
def test_awkward_shapes(n, m):
    x, y = rows(n, 100, 0), rows(m, 100, 1)
    for metric, kind in itertools.product(("hamming", "jaccard", "cosine"), ("bits", "bool")):
        for k in (1, 16, 40):
            found = lw.topk(KINDS[kind](x), KINDS[kind](y), k, metric=metric)
            same(found, reference.topk(lw.metrics[metric], x, y, k))
            same(lw.topk(KINDS[kind](x), lw.prepare(KINDS[kind](y), metric=metric), k), found)


def test_single_rows_and_batches():
    x, y = rows(12, 37, 0), rows(24, 37, 1)
    one = lw.topk(garbage(x[0]), garbage(y), 3, metric="jaccard")
    assert one.values.shape == (3,)
    same(one, lw.topk(x[0], y, 3, metric="jaccard"))
    xs, ys = x.reshape(2, 6, 37), y.reshape(2, 12, 37)
    same(lw.topk(garbage(xs), garbage(ys), 3, metric="hamming"), lw.topk(xs, ys, 3, metric="hamming"))
    same(lw.topk(garbage(xs), garbage(y), 3, metric="hamming"), lw.topk(xs, y, 3, metric="hamming"))
    same((lw.pairwise(garbage(xs), garbage(ys), metric="jaccard"),), (lw.pairwise(xs, ys, metric="jaccard"),))
    same((lw.paired(garbage(x[0]), garbage(y), metric="jaccard"),), (lw.paired(x[0], y, metric="jaccard"),))
    same((lw.contributions(garbage(x), garbage(y[:12]), metric="hamming"),),
         (lw.contributions(x, y[:12], metric="hamming"),))  # fmt: skip


@pytest.mark.parametrize("metric", ["hamming", "jaccard"])
def test_all_ties(metric):
    x, y = rows(30, 130, 0), np.tile(rows(1, 130, 1), (500, 1))
    for k in (1, 10, 500, 501):
        for kind in ("bool", "bits"):
            found = lw.topk(KINDS[kind](x), KINDS[kind](y), k, metric=metric)
            same(found, reference.topk(lw.metrics[metric], x, y, k))


def test_few_distances_and_many_ties():
    x, y = rows(20, 3, 0), rows(3000, 3, 1)
    for metric in ("hamming", "jaccard", "dot"):
        check(metric, x, y, 50)


def test_rows_of_zeros():
    x, y = np.zeros((3, 70), bool), rows(40, 70, 0)
    y[7] = False
    for kind in ("bool", "bits"):
        found = lw.topk(KINDS[kind](x), KINDS[kind](y), 3, metric="jaccard")
        assert found.indices[0].tolist()[:2] == [1, 7]
        assert found.values[0].tolist()[:2] == [0.0, 0.0]
        check("jaccard", x, y, 40, KINDS[kind], KINDS[kind])
        check("jaccard", x, x, 3, KINDS[kind], KINDS[kind])


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "cosine"])
def test_filters(metric):
    x, y = rows(17, 90, 0), rows(333, 90, 1)
    rng = np.random.default_rng(2)
    for mask in (rng.random(333) < 0.1, rng.random((17, 333)) < 0.3, np.zeros(333, bool)):
        for kind in ("bool", "bits"):
            check(metric, x, y, 8, KINDS[kind], KINDS[kind], where=mask)


def test_a_formula_of_ones_own():
    @lw.metric(closer="larger", finish=lambda a, b: lw.math.where(b == 0, 0, a / b))
    def tversky(x, y):
        return x * y, 3 * x * y + 2 * (x != y)

    @lw.metric(finish=lambda s, nnz_x, nnz_y: s / (nnz_x + nnz_y))  # NaN for two rows of zeros
    def unguarded(x, y):
        return lw.math.where(x != y, 1, 0)

    @lw.metric(closer="smaller")
    def negative(x, y):
        return -2 * x * y - (x != y)

    x, y = rows(11, 100, 0), rows(200, 100, 1)
    for metric in (tversky, negative):
        check(metric, x, y, 7)
        check(metric, x, y, 7, garbage, garbage)
    found = lw.topk(x, y, 7, metric=unguarded)
    same(found, reference.topk(unguarded, x, y, 7))


def test_random_formulas():
    """Terms drawn as tables of four numbers, finishes as ratios of them: limits hold whatever comes."""
    rng = np.random.default_rng(7)
    x, y = rows(14, 75, 0), rows(150, 75, 1)
    for _ in range(25):
        tables = rng.integers(-3, 4, (2, 4)).tolist()

        def term(x, y, table):
            f00, f01, f10, f11 = table
            inner = lw.math.where(y == 0, f10, f11)
            return lw.math.where(x == 0, lw.math.where(y == 0, f00, f01), inner)

        def pair(x, y, tables=tables):
            return term(x, y, tables[0]), term(x, y, tables[1])

        closer = ["smaller", "larger"][int(rng.integers(2))]
        metric = lw.metric(pair, closer=closer, finish=lambda a, b: lw.math.where(b == 0, 0, a / b), name=str(tables))
        assert counts_of(metric) is not None
        same(lw.topk(x, y, 9, metric=metric), reference.topk(metric, x, y, 9))


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_blocks_and_memory(n_jobs, monkeypatch):
    from likewise import plan

    x, y = rows(50, 300, 0), rows(2000, 300, 1)
    for metric in ("hamming", "jaccard"):
        expected = lw.topk(x, y, 11, metric=metric, n_jobs=1)
        near = lw.within(x, y, float(np.median(expected.values)), metric=metric, n_jobs=1)
        for block, group, memory in [(1, 1, None), (5000, 700, None), (1 << 24, 1 << 20, "100kB")]:
            monkeypatch.setattr(plan, "BLOCK_BYTES", block)
            monkeypatch.setattr(plan, "GROUP_BYTES", group)
            for a, b in ((x, y), (garbage(x), garbage(y))):
                same(lw.topk(a, b, 11, metric=metric, n_jobs=n_jobs, memory_limit=memory), expected)
                radius = float(np.median(expected.values))
                same(lw.within(a, b, radius, metric=metric, n_jobs=n_jobs, memory_limit=memory), near)


# ------------------------------------------------------------------------------------------------ prepared


def test_prepared_bits_keep_their_words_alone():
    y = rows(5000, 1024, 0)
    for kind in ("bits", "bool", "float32"):
        for metric, per_row in (("hamming", 128), ("jaccard", 136)):
            shelf = lw.prepare(KINDS[kind](y), metric=metric)
            assert shelf.shape == (5000, 1024)
            assert shelf.nbytes <= 5008 * per_row
            assert shelf.side.rows.nbytes <= 5008 * 128
            assert shelf.batch.array.strides == (0, 0)


def test_prepared_bits_answer_queries_of_other_numbers():
    x, y = np.random.default_rng(0).integers(0, 3, (9, 80)).astype(np.float32), rows(3000, 80, 1)
    for metric in ("hamming", "jaccard"):
        expected = reference.topk(lw.metrics[metric], x, y, 5)
        for kind in ("bits", "bool"):
            shelf = lw.prepare(KINDS[kind](y), metric=metric)
            same(lw.topk(x, shelf, 5), expected)
            same(lw.topk(x, shelf, 5, memory_limit="50kB"), expected)
            where = np.arange(3000) % 7 == 0
            same(lw.topk(x, shelf, 5, where=where, memory_limit="50kB"),
                 reference.topk(lw.metrics[metric], x, y, 5, where))  # fmt: skip


def test_prepared_floats_answer_binary_queries():
    x, y = rows(9, 80, 0), rows(100, 80, 1)
    shelf = lw.prepare(y.astype(np.float32), metric="dot")
    for kind in ("bits", "bool", "float32"):
        same(lw.topk(KINDS[kind](x), shelf, 5), reference.topk(lw.metrics["dot"], x, y, 5))
    half = np.where(x, 0.5, 0.0)
    same(lw.topk(half, shelf, 5), reference.topk(lw.metrics["dot"], half, y, 5))


def test_rows_left_out_of_prepared_words():
    y = rows(60, 40, 0).astype(np.float32)
    y[[0, 9, 31]] = np.nan
    x = rows(5, 40, 1)
    shelf = lw.prepare(y, metric="hamming", on_bad="skip")
    same(lw.topk(x, shelf, 6), lw.topk(x, y, 6, metric="hamming", on_bad="skip"))
    assert not np.isin(lw.topk(x, shelf, 57).indices, [0, 9, 31]).any()


@pytest.mark.parametrize("kind", ["bits", "little bits", "bool", "float32"])
def test_prepared_words_against_themselves(kind):
    y = rows(130, 70, 0)
    only_x = lw.metric(lambda x, y: x != y, finish=lambda s, nnz_x: s + nnz_x / 2)
    for metric, radius in (("hamming", 0.4), ("jaccard", 0.6), (only_x, 40.0)):
        shelf = lw.prepare(KINDS[kind](y), metric=metric)
        assert shelf.words_only
        same(lw.topk(shelf, None, 4), lw.topk(y.astype(float), None, 4, metric=metric))
        same(lw.within(shelf, None, radius), lw.within(y.astype(float), None, radius, metric=metric))


def test_prepared_words_against_themselves_without_the_rows_left_out():
    y = rows(60, 40, 0).astype(np.float32)
    y[[0, 9, 31]] = np.nan
    shelf = lw.prepare(y, metric="hamming", on_bad="skip")
    same(lw.topk(shelf, None, 6), lw.topk(y, None, 6, metric="hamming", on_bad="skip"))


# ------------------------------------------------------------------------------------------------ instruction sets


@pytest.mark.parametrize("target", RUNNABLE)
def test_instruction_sets(target):
    with targets.using(target):
        for d in (1, 64, 65, 1000):
            x, y = rows(13, d, 0), rows(70, d, 1)
            for metric in ("hamming", "jaccard", "cosine", "braycurtis"):
                for kind in ("bits", "bool", "float32"):
                    check(metric, x, y, 6, KINDS[kind], KINDS[kind])


@pytest.mark.parametrize(("target", "other"), [*itertools.permutations(RUNNABLE, 2)])
def test_prepared_for_one_instruction_set_searched_with_another(target, other):
    x, y = rows(13, 200, 0), rows(170, 200, 1)
    with targets.using(target):
        shelf = lw.prepare(garbage(y), metric="jaccard")
    with targets.using(other):
        same(lw.topk(garbage(x), shelf, 6, memory_limit=1), reference.topk(lw.metrics["jaccard"], x, y, 6))


def test_kernels_compile_for_neon(monkeypatch):
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
    x, y = rows(13, 200, 0), rows(170, 200, 1)
    with targets.using("neon"):
        for metric, kind in itertools.product(("hamming", "jaccard"), KINDS):
            check(metric, x, y, 6, KINDS[kind], KINDS[kind])
    assert objects
    for made in objects:
        assert (made[:4], made[4], struct.unpack_from("<H", made, 18)[0]) == (b"\x7fELF", 2, 183)


# ------------------------------------------------------------------------------------------------ the class


def test_bits():
    packed = lw.Bits(np.zeros((3, 5, 2), np.uint8), 11)
    assert packed.shape == (3, 5, 11)
    assert len(packed) == 3
    assert repr(packed) == "<bits: 3 x 5 x 11>"
    assert lw.Bits(np.zeros((4, 2), np.uint8)).d == 16
    x = rows(6, 11, 0)
    for order in ("big", "little"):
        np.testing.assert_array_equal(garbage(x, order).unpack(), x)


@pytest.mark.parametrize(
    ("array", "options", "error", "message"),
    [
        (np.zeros((2, 2), bool), {}, DtypeError,
         "Bits takes bytes (uint8), as np.packbits(rows, axis=-1) makes them; found bool. "
         "Booleans and numbers need no wrapper: pass them as they are"),
        (np.zeros((2, 2), np.int64), {}, DtypeError,
         "Bits takes bytes (uint8), as np.packbits(rows, axis=-1) makes them; found int64. "
         "Booleans and numbers need no wrapper: pass them as they are"),
        (np.uint8(3), {}, ShapeError, "Bits takes an array of shape (n, ceil(d / 8)); found a single byte"),
        (np.zeros((4, 2), np.uint8), {"d": 17}, ShapeError,
         "d=17 does not fit an array of shape (4, 2): rows of 2 bytes hold d = 9 to 16 bits"),
        (np.zeros((4, 2), np.uint8), {"d": 8}, ShapeError,
         "d=8 does not fit an array of shape (4, 2): rows of 2 bytes hold d = 9 to 16 bits"),
        (np.zeros((4, 2), np.uint8), {"d": True}, ShapeError,
         "d=True does not fit an array of shape (4, 2): rows of 2 bytes hold d = 9 to 16 bits"),
        (np.zeros((4, 0), np.uint8), {}, ShapeError, "d=0 does not fit an array of shape (4, 0): rows have no bytes"),
        (np.zeros((4, 2), np.uint8), {"d": 9.5}, InputError,
         "d=9.5 is not a whole number; it is how many bits a row has"),
        (np.zeros((4, 2), np.uint8), {"bitorder": "middle"}, InputError,
         "bitorder='middle' is not known; it is 'big' or 'little', as in np.packbits"),
    ],
)  # fmt: skip
def test_errors(array, options, error, message):
    with pytest.raises(error) as caught:
        lw.Bits(array, **options)
    assert str(caught.value) == message


def test_lengths_that_differ():
    with pytest.raises(ShapeError) as caught:
        lw.topk(garbage(rows(3, 10, 0)), garbage(rows(4, 11, 0)), 1, metric="hamming")
    assert str(caught.value) == (
        "queries has vectors of 10 coordinates (shape (3, 10)) and items of 11 (shape (4, 11)); "
        "the last axes must be equal"
    )


def test_the_plan_says_so():
    x, y = garbage(rows(7, 100, 0)), garbage(rows(9, 100, 1))
    plan = lw.explain(x, y, metric="jaccard", k=3, n_jobs=2).plan
    assert str(plan).splitlines() == [
        f"topk: 7 x 9 pairs of 100 bits coordinates, by {lw.metrics['jaccard']}",
        "pack       items into words of 64 bits, in panels, 9 at a time",
        "compare    count the bits that are both set, by popcount; 2 threads, 7 queries at a time",
        "screen     counts are exact: keys are the answer's own",
        "settle     in float64, from the counts; best first, ties to the lowest index",
    ]


def test_rows_longer_than_limits_reach_are_compared_as_numbers():
    assert choose(lw.metrics["hamming"], BINARY, BINARY, 1 << 24).kind == "bits"
    assert choose(lw.metrics["hamming"], BINARY, BINARY, (1 << 24) + 1).kind != "bits"


def test_the_search_reads_no_statistics_it_does_not_need():
    formula = search_formula(lw.metrics["hamming"], choose(lw.metrics["hamming"], BINARY, BINARY, 64))
    assert formula.stats == ()


def test_the_rate_that_instructions_allow():
    xor, both = (rates.peak(lw.metrics[name], "bits") for name in ("hamming", "jaccard"))
    assert xor > rates.peak(lw.metrics["hamming"])
    assert 0.3 < both / xor < 3


def test_rows_that_a_matrix_makes_zeros_and_ones():
    """Mahalanobis rows are multiplied first: what is counted, and what settles, are the products."""
    root = np.array([[1.0, 0.0], [0.0, 1e-300]])
    metric = lw.mahalanobis(root @ root.T)
    x, y = np.array([[0.0, 3.0], [1.0, 5.0]]), np.array([[1.0, 2.0], [0.0, 7.0], [1.0, 0.0]])
    for few in (x, 0 * x):
        found, expected = lw.topk(few, y, 3, metric=metric), reference.topk(metric, few, y, 3)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.values, expected.values)
    zeros = np.zeros((40, 2), np.float32)
    np.testing.assert_array_equal(lw.topk(zeros, zeros, 3, metric=metric).indices, np.arange(3) * np.ones((40, 1), int))
