"""Partial sums: which formulas they are allowed for, what their bound has to hold, and the reference's answers."""

import math

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from likewise.backends.llvm import partial as engine
from likewise.backends.llvm import search as searches
from likewise.backends.llvm.target import using
from likewise.compute import coding
from likewise.compute import partial as choice
from likewise.formula import partial
from likewise.formula.expr import X, Y
from likewise.formula.partial import convex, group_allowance, never_negative_on, partial_slack, power_of, range_of
from likewise.formula.screen import Rows, choose
from likewise.formula.trace import trace_terms
from tests.test_same_bits import RUNNABLE

M = lw.math
REAL, POSITIVE = Rows(True, False, -3.0, 5.0), Rows(True, False, 0.0, 5.0)
ABOVE_ONE = Rows(True, False, 1.0, 5.0)


def made(formula, **options):
    return lw.metric(formula, **options)


# ------------------------------------------------------------------------------------------------ the decision


@pytest.mark.parametrize(
    ("formula", "rows", "never"),
    [
        (lambda x, y: abs(x - y), REAL, True),
        (lambda x, y: abs(x - y) ** 1.5, REAL, True),
        (lambda x, y: abs(x - y) ** 2.3, REAL, True),
        (lambda x, y: (x - y) ** 2, REAL, True),
        (lambda x, y: (x * y) ** 2, REAL, True),
        (lambda x, y: x * y, REAL, False),
        (lambda x, y: x * y, POSITIVE, True),
        (lambda x, y: abs(x) - abs(y), REAL, False),
        (lambda x, y: x - y, POSITIVE, False),
        (lambda x, y: x - 1, ABOVE_ONE, True),
        (lambda x, y: x - 1, POSITIVE, False),
        (lambda x, y: M.maximum(x - y, 0), REAL, True),
        (lambda x, y: M.minimum(abs(x - y), 1), REAL, True),
        (lambda x, y: M.minimum(x, abs(y)), REAL, False),
        (lambda x, y: M.where(x > y, abs(x - y), x), REAL, False),
        (lambda x, y: M.where(x > y, abs(x - y), x), POSITIVE, True),
        (lambda x, y: M.where(x == y, 0, abs(x - y) / (abs(x) + abs(y))), REAL, True),
        (lambda x, y: (x - y) ** 2 / (x + y), POSITIVE, True),
        (lambda x, y: (x - y) ** 2 / (x + y), REAL, False),
        (lambda x, y: M.log(1 + abs(x - y)), REAL, True),
        (lambda x, y: M.log(abs(x - y)), REAL, False),
        (lambda x, y: x * M.log(x / y), ABOVE_ONE, False),
        (lambda x, y: M.exp(x - y), REAL, True),
        (lambda x, y: 1 - M.exp(-abs(x - y)), REAL, False),  # rounding might take exp past 1
        (lambda x, y: M.tanh(abs(x - y)), REAL, True),
        (lambda x, y: M.tanh(x - y), REAL, False),
        (lambda x, y: M.arctan(x * y), REAL, False),
        (lambda x, y: M.sqrt(abs(x * y)), REAL, True),
        (lambda x, y: 2 + M.cos(x - y), REAL, True),
        (lambda x, y: 1 - M.cos(x - y), REAL, False),
        (lambda x, y: x != y, REAL, True),
        (lambda x, y: -abs(x - y), REAL, False),
    ],
)
def test_whether_terms_may_be_negative(formula, rows, never):
    assert never_negative_on(made(formula), rows, rows, 64) is never


@pytest.mark.parametrize(
    ("metric", "cut"),
    [
        (made(lambda x, y: abs(x - y) ** 1.5), True),
        (made(lambda x, y: abs(x - y) ** 1.5, combine="max"), True),
        (made(lambda x, y: abs(x - y) ** 1.5, combine="mean"), True),
        (made(lambda x, y: abs(x - y) ** 1.5, combine="min"), False),  # falls with more coordinates
        (made(lambda x, y: abs(x - y) ** 1.5, closer="larger"), False),
        (made(lambda x, y: abs(x - y) ** 1.5, closer="larger", finish=lambda s: M.exp(-s)), True),
        (made(lambda x, y: abs(x - y) ** 1.5, finish=lambda s: -s), False),
        (made(lambda x, y: abs(x - y), finish=lambda s, norm_x: s / norm_x), False),  # not the sum itself
        (lw.metrics["dot"], False),
        (lw.metrics["cosine"], False),
        (lw.metrics["braycurtis"], False),  # two sums
        (lw.metrics["canberra"], True),
        (lw.metrics["manhattan"], True),
        (lw.minkowski(p=2.3), True),
    ],
)
def test_which_metrics_are_cut(metric, cut):
    screen = choose(metric, REAL, REAL, 64)
    assert (partial_slack(metric, screen, REAL, REAL, 64) is not None) is cut


def test_ranges_hold_what_is_computed():
    """Values of formulas at random points lie in the range found for them."""
    rng = np.random.default_rng(0)
    formulas = [
        *(lambda x, y: x * y - y, lambda x, y: (x - y) / (2 + x), lambda x, y: M.sqrt(abs(x)) - y),
        *(lambda x, y: M.exp(x) * M.tanh(y), lambda x, y: M.arctan(x) + M.floor(y), lambda x, y: M.sin(x) / 3),
        *(lambda x, y: M.log(1 + abs(x)) * y, lambda x, y: M.where(x < y, x, 2 * y), lambda x, y: -M.minimum(x, y)),
    ]
    x, y = rng.uniform(-1.5, 2.5, (2, 4000))
    for formula in formulas:
        (term,) = trace_terms(formula, {})
        low, high = range_of(term, {X: (-1.5, 2.5), Y: (-1.5, 2.5)})
        values = reference.evaluate(term, {X: x, Y: y})
        assert low <= values.min() <= values.max() <= high, term
        assert math.isfinite(low)


def test_logarithms_above_one_are_not_negative():
    """What the range of log claims, of the library's own logarithm, where it is nearest to 0."""
    close = 1 + np.arange(4000) * 2.0**-52
    near = made(lambda x, y: M.log(1 + abs(x - y)))
    found = lw.pairwise(np.concatenate([close - 1, np.geomspace(1e-17, 1, 4000)])[:, None], [[0.0]], metric=near)
    assert found.min() >= 0


@pytest.mark.parametrize("kind", ["interval", "difference", "direct"])
def test_partial_scores_stay_below_the_threshold(kind):
    """slope * (a pair's own score) + offset is at least its score over any coordinates, in any order of summation."""
    metric = made((lambda x, y: abs(x - y) ** 2.3) if kind == "direct" else (lambda x, y: abs(x - y)))
    rows = Rows(kind != "difference", False, -1e4, 1e4)
    d = 3000
    screen = choose(metric, rows, rows, d)
    assert screen.kind == kind
    slack = partial_slack(metric, screen, rows, rows, d)
    rng = np.random.default_rng(1)
    dtype = np.float64 if kind == "direct" else np.float32
    for size in (1e-30, 1e-3, 1.0, 1e3):
        x, y = (rng.standard_normal((2, d)) * size).astype(dtype)
        terms = np.abs(x - y) ** dtype(2.3 if kind == "direct" else 1)
        whole = np.cumsum(terms, dtype=dtype)[-1]
        for h in (1, 100, 2900, d):
            for order in (np.arange(d), np.argsort(terms), np.argsort(-terms)):
                part = np.cumsum(terms[order][:h], dtype=dtype)[-1]
                assert part <= slack.slope * whole + slack.base


# ---------------------------------------------------------------------------------------------------- the answers


@pytest.fixture
def sizes():
    """The size of groups to take the means of, where this is allowed; none: single coordinates."""
    return []


@pytest.fixture(autouse=True)
def always(monkeypatch, sizes):
    """Cut wherever it is allowed, however little there is to gain: after 24 coordinates, or 6 groups of them."""
    taken = []

    def heads(metric, screen, queries, items, k, n, threads):
        if not choice.may_cut(metric, screen, queries, items.known, items.n, items.d, k):
            return None
        x = engine.sample_rows(items, screen.core.u, "x", 64, threads)
        if sizes and group_allowance(metric, screen, queries, items.known, items.d) is not None:
            groups = np.arange(items.d)[:, None]
            while groups.shape[1] < sizes[0]:
                some = (engine.means(rows, groups) for rows in (x[::2], x[1::2]))
                groups = engine.paired(*some, groups)
            return engine.Heads(groups[:6].ravel(), np.arange(items.d)[::-1].copy(), sizes[0]), 0.0
        order = engine.coordinate_order(screen.core, x[::2], x[1::2])
        return engine.Heads.single(order, 24), 0.0

    def chunk(*args):
        taken.append(True)
        return whole(*args)

    whole = searches._partial_chunk
    for module in ("compute.prepared", "compute.search"):
        monkeypatch.setattr(f"likewise.{module}.choose_heads", heads)
    monkeypatch.setattr(searches, "_partial_chunk", chunk)
    monkeypatch.setattr(choice, "FEW_ITEMS", 0)
    monkeypatch.setattr(choice, "FEW_COORDINATES", 25)
    monkeypatch.setattr(coding, "FEW_ITEMS", 10**9)
    return taken


def data(n=37, m=700, d=77, seed=0, dtype=np.float32, **options):
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.standard_normal(d))
    x, y = (rng.standard_normal((rows, d)) * spread for rows in (n, m))
    if options.get("whole"):
        x, y = np.rint(2 * x), np.rint(2 * y)
    if options.get("positive"):
        x, y = np.abs(x), np.abs(y)
    return x.astype(dtype), y.astype(dtype)


def agrees(found, metric, x, y, k, where=None):
    right = reference.topk(metric, x.astype(np.float64), y.astype(np.float64), k, where)
    np.testing.assert_array_equal(found.indices, right.indices)
    np.testing.assert_allclose(found.values, right.values, rtol=1e-12)


CUT = {
    "power": made(lambda x, y: abs(x - y) ** 1.5),
    "mean": made(lambda x, y: abs(x - y) ** 0.5, combine="mean"),
    "largest": made(lambda x, y: abs(x - y) / (1 + abs(x) + abs(y)), combine="max"),
    "similar": made(lambda x, y: abs(x - y), closer="larger", finish=lambda s: 1 / (1 + s)),
    "manhattan": lw.metrics["manhattan"],
    "chebyshev": lw.metrics["chebyshev"],
    "canberra": lw.metrics["canberra"],
    "any power": lw.minkowski(p=2.3),
    "logarithms": made(lambda x, y: M.log(1 + abs(x - y))),
    "largest logarithm": made(lambda x, y: M.log(1 + (x - y) ** 2), combine="max"),
    "roots": made(lambda x, y: (M.sqrt(abs(x)) - M.sqrt(abs(y))) ** 2),
    "exponentials": made(lambda x, y: (M.tanh(x) - M.tanh(y)) ** 2),
    "branches": made(lambda x, y: M.where(x > y, 2 * (x - y) ** 2, abs(x - y))),
    "of d": made(lambda x, y, d: abs(x - y) / d),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CUT)
def test_answers_are_the_reference(name, dtype, always):
    metric = CUT[name]
    x, y = data(dtype=dtype)
    agrees(lw.topk(x, y, 7, metric=metric), metric, x, y, 7)
    assert always == [True]
    agrees(lw.topk(x, lw.prepare(y, metric=metric), 7), metric, x, y, 7)
    assert len(always) == 1 + (name not in ("roots", "exponentials"))  # which write rows of their own, at each call


@pytest.mark.parametrize(
    "metric",
    [
        lw.metrics["dot"],
        lw.metrics["cosine"],
        made(lambda x, y: x * y),
        made(lambda x, y: abs(x) - abs(y)),
        made(lambda x, y: M.where(x > y, x, abs(y))),
        made(lambda x, y: abs(x - y), combine="min"),
        made(lambda x, y: abs(x - y), closer="larger"),
        made(lambda x, y: x * M.log(1 + y * y)),
    ],
    ids=str,
)
def test_terms_that_may_be_negative_are_not_cut(metric, always):
    x, y = data()
    agrees(lw.topk(x, y, 5, metric=metric), metric, x, y, 5)
    agrees(lw.topk(x, lw.prepare(y, metric=metric), 5), metric, x, y, 5)
    assert not always


def test_queries_may_bring_what_items_do_not(always):
    """x * y of items above 0: cut for queries above 0, whole for others."""
    metric = made(lambda x, y: x * y + 0.5 * abs(x - y))
    x, y = data(positive=True)
    shelf = lw.prepare(y, metric=metric)
    agrees(lw.topk(x, shelf, 5), metric, x, y, 5)
    assert always == [True]
    agrees(lw.topk(-x, shelf, 5), metric, -x, y, 5)
    assert always == [True]


@pytest.mark.parametrize("k", [1, 2, 20])
@pytest.mark.parametrize("name", ["manhattan", "chebyshev", "power", "any power", "largest logarithm"])
def test_ties(name, k, always):
    """Few different values, rows that come many times: ties go to the lowest index."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, (900, 40)).astype(np.float32)
    y[300:600] = y[:300]
    x = np.concatenate([y[5:9], rng.integers(0, 2, (9, 40))]).astype(np.float32)
    # zeros and ones are compared as bits, where a formula allows it
    x, y = 3 * x, 3 * y
    agrees(lw.topk(x, y, k, metric=CUT[name]), CUT[name], x, y, k)
    assert always


def test_copies_of_one_row(always):
    x, y = data(5, 900, 60)
    y[:] = y[0]
    agrees(lw.topk(x, y, 4, metric=CUT["power"]), CUT["power"], x, y, 4)
    agrees(lw.topk(x, y, 4, metric=CUT["any power"]), CUT["any power"], x, y, 4)
    assert len(always) == 2


@pytest.mark.parametrize("name", ["power", "chebyshev", "any power"])
def test_filters(name, always):
    metric, rng = CUT[name], np.random.default_rng(4)
    x, y = data()
    shelf = lw.prepare(y, metric=metric)
    for where in (rng.random(len(y)) < 0.8, rng.random((len(x), len(y))) < 0.7):
        agrees(lw.topk(x, shelf, 6, where=where), metric, x, y, 6, where)
    assert always
    found = lw.topk(shelf, None, 3)
    agrees(found, metric, y, y, 3, ~np.eye(len(y), dtype=bool))


@pytest.mark.parametrize("name", CUT)
def test_the_same_bits_everywhere(name, always):
    metric = CUT[name]
    x, y = data(50, 1500, 70, seed=5)
    first = lw.topk(x, y, 9, metric=metric, n_jobs=1)
    found = [lw.topk(x, y, 9, metric=metric, n_jobs=jobs) for jobs in (2, 5)]
    found.append(lw.TopK(*(np.concatenate(p) for p in zip(*(lw.topk(r, y, 9, metric=metric) for r in x), strict=True))))
    found[-1] = lw.TopK(*(array.reshape(50, 9) for array in found[-1]))
    for target in RUNNABLE:
        with using(target):
            found.append(lw.topk(x, y, 9, metric=metric))
    partial.PARTIAL_SUMS, count = False, len(always)
    try:
        found.append(lw.topk(x, y, 9, metric=metric))
    finally:
        partial.PARTIAL_SUMS = True
    assert len(always) == count > 3
    for other in found:
        np.testing.assert_array_equal(other.indices, first.indices)
        np.testing.assert_array_equal(other.values.view(np.int64), first.values.view(np.int64))


def test_items_prepared_for_another_target():
    metric = CUT["power"]
    x, y = data()
    shelf = lw.prepare(y, metric=metric)
    assert shelf.partial is not None
    assert shelf.nbytes >= y.nbytes
    with using("portable"):
        agrees(lw.topk(x, shelf, 5), metric, x, y, 5)


@pytest.mark.parametrize("name", ["power", "chebyshev", "any power", "canberra"])
def test_coordinates_that_never_vary(name, always):
    metric = CUT[name]
    x, y = data()
    x[:, ::2], y[:, ::2] = 7, 7
    agrees(lw.topk(x, y, 5, metric=metric), metric, x, y, 5)
    x[:, 2] = np.arange(len(x))  # but for queries
    agrees(lw.topk(x, y, 5, metric=metric), metric, x, y, 5)
    assert always


@pytest.mark.filterwarnings("ignore::likewise.compute.sides.NaNWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pairs_without_a_value(dtype, always):
    """A NaN in any coordinate: the pair is never found, also where its first coordinates look good."""
    metric = made(lambda x, y: (x - y) ** 2 / (x + y))
    x, y = data(20, 600, 64, positive=True, dtype=dtype)
    x[:5, 3], y[::7, 3] = 0, 0
    agrees(lw.topk(x, y, 5, metric=metric), metric, x, y, 5)
    assert always


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1e20, 1e150])
@pytest.mark.parametrize("name", ["manhattan", "any power", "largest logarithm", "exponentials"])
def test_sizes(name, size, always):
    metric = CUT[name]
    x, y = data(dtype=np.float64)
    agrees(lw.topk(x * size, y * size, 5, metric=metric), metric, x * size, y * size, 5)


@pytest.mark.parametrize("d", [25, 26, 31, 32, 33, 63, 64, 65, 88, 89, 200])
def test_lengths_of_what_is_left(d, always):
    for name in ("power", "chebyshev", "any power"):
        x, y = data(7, 300, d)
        agrees(lw.topk(x, y, 3, metric=CUT[name]), CUT[name], x, y, 3)
    assert len(always) == 3


# ------------------------------------------------------------------------------------------------ means of groups


@pytest.mark.parametrize(
    ("formula", "known"),
    [
        (lambda x, y: abs(x - y), True),
        (lambda x, y: abs(x - y) ** 1.5, True),
        (lambda x, y: abs(x - y) ** 3, True),
        (lambda x, y: abs(x - y) ** 3.5, True),
        (lambda x, y: abs(x - y) ** 1.01, True),
        (lambda x, y: abs(x - y) ** 0.5, False),
        (lambda x, y: abs(x - y) ** 0.99, False),
        (lambda x, y: abs(x + 2 * y - 3) ** 4, True),
        (lambda x, y: (x - y) ** 3, False),
        (lambda x, y: x * x * abs(x), True),
        (lambda x, y: x * y, False),
        (lambda x, y: (x * y) ** 2, False),
        (lambda x, y: (x - y) ** 2 * abs(x), False),
        (lambda x, y: M.maximum(x - y, 0), True),
        (lambda x, y: M.minimum(abs(x - y), 1), False),
        (lambda x, y: 2 * abs(x - y) + (x - y) ** 2 / 3, True),
        (lambda x, y: abs(x - y) / (1 + abs(x)), False),
        (lambda x, y: M.exp(abs(x - y)), True),
        (lambda x, y: M.log(1 + abs(x - y)), False),
        (lambda x, y: M.where(x > y, x - y, y - x), False),
        (lambda x, y: abs(abs(x) - abs(y)), False),
        (lambda x, y: -abs(x - y), False),
        (lambda x, y: 2 - abs(x - y), False),
    ],
)
def test_convexity(formula, known):
    (term,) = made(formula).terms
    assert convex(term) is known
    if known:
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 2, 5000))
        mean = reference.evaluate(term, {X: x.mean(axis=0), Y: y.mean(axis=0)})
        assert (mean <= reference.evaluate(term, {X: x, Y: y}).mean(axis=0) + 1e-12).all()


def test_powers_however_they_are_written():
    for p in (1, 1.5, 2, 2.3, 2.5, 3, 3.5, 4, 7.7):
        (term,) = made(lambda x, y, p=p: abs(x - y) ** p).terms
        (inside,) = made(lambda x, y: x - y).terms
        assert power_of(term) == (inside, p)
    (term,) = made(lambda x, y: (x - y) ** 3).terms
    assert power_of(term) is None


GROUPED = {
    **{name: CUT[name] for name in ("power", "manhattan", "chebyshev", "any power")},
    "largest power": made(lambda x, y: abs(x - y) ** 2.3, combine="max"),
    "mixed": made(lambda x, y: abs(x - y) + 3 * (x - y) ** 2, combine="mean"),
    "one side": made(lambda x, y: M.maximum(x - y, 0)),
    "roots": CUT["roots"],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [2, 8, 16])
@pytest.mark.parametrize("name", GROUPED)
def test_means_of_groups_keep_the_answers(name, size, dtype, always, sizes):
    sizes.append(size)
    metric = GROUPED[name]
    x, y = data(d=101, dtype=dtype)
    for shift in (0, 1e6):  # far from 0: means lose digits
        agrees(lw.topk(x, y + dtype(shift), 7, metric=metric), metric, x, y + dtype(shift), 7)
        x = x + dtype(shift)
    assert always
    shelf = lw.prepare(y, metric=metric)
    if name == "power" and dtype == np.float32:
        assert shelf.partial is not None
        assert shelf.partial.heads.size == size
    agrees(lw.topk(x, shelf, 7), metric, x, y, 7)


@pytest.mark.parametrize("name", ["manhattan", "chebyshev", "mixed"])
def test_whole_numbers_have_means_that_are_not(name, always, sizes):
    """Sums of whole numbers are exact, those of their means' squares are not."""
    sizes.append(16)
    rng = np.random.default_rng(9)
    for high in (6, 100):
        y = rng.integers(0, high, (2000, 8)).repeat(17, axis=1) + rng.integers(0, 2, (2000, 136))
        x, y = y[::50].astype(np.float32), y.astype(np.float32)
        agrees(lw.topk(x, y, 10, metric=GROUPED[name]), GROUPED[name], x, y, 10)
    assert always


@pytest.mark.parametrize("name", ["power", "chebyshev", "any power"])
def test_rows_that_only_their_groups_tell_apart(name, always, sizes):
    """All coordinates equal within a row: Jensen's bound is tight, rounding decides."""
    sizes.append(16)
    rng = np.random.default_rng(8)
    x, y = (np.repeat(rng.standard_normal((rows, 1)), 128, axis=1).astype(np.float32) for rows in (30, 3000))
    agrees(lw.topk(x, y, 10, metric=CUT[name]), CUT[name], x, y, 10)
    found = lw.topk(x, y, 10, metric=CUT[name])
    for target in RUNNABLE:
        with using(target):
            again = lw.topk(x, y, 10, metric=CUT[name])
        np.testing.assert_array_equal(again.indices, found.indices)
    assert always


# ----------------------------------------------------------------------------------------------------- the choice


def test_rows_without_structure_are_not_cut(monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(6)
    y = rng.standard_normal((6000, 64)).astype(np.float32)
    assert lw.prepare(y, metric=CUT["power"]).partial is None


def test_rows_with_structure_are(monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(6)
    y = (rng.standard_normal((6000, 256)) * np.r_[np.full(32, 30.0), np.ones(224)]).astype(np.float32)
    shelf = lw.prepare(y, metric=CUT["power"])
    assert shelf.partial is not None
    assert shelf.partial.heads.head * shelf.partial.heads.size <= 64
    agrees(lw.topk(y[:20], shelf, 10), CUT["power"], y[:20], y, 10)
