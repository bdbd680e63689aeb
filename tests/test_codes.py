"""The bounds of 8-bit screens: no pair of rows, however ill-natured, may score worse than it is.

Scores are worked out here from the very arrays that the kernels read: integer sums from the codes, then each step in
float32. A pair has to pass every level under a threshold that is its own key: that is what a search relies on.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import likewise as lw
from likewise.backends.llvm import codes as engine
from likewise.backends.llvm import learn, scan
from likewise.backends.llvm import target as targets
from likewise.backends.llvm.candidates import Candidates
from likewise.backends.llvm.filters import FilterFields
from likewise.backends.llvm.rows import Packer, Side, measure, take
from likewise.backends.llvm.search import search_formula
from likewise.compute.options import read_options
from likewise.compute.sides import Pair, screened, search_statistics, transformed
from likewise.formula.codes import Coding, rule_of
from likewise.formula.expr import Y
from likewise.formula.screen import Rows, offsets, slack
from likewise.reductions import Counts
from tests.cases import DTYPES as ALL_DTYPES
from tests.cases import THOROUGH
from tests.test_same_bits import RUNNABLE

cdist = pytest.importorskip("scipy.spatial.distance").cdist
OPTIONS = read_options(1, None, "raise", None)
F32 = np.float32
INF = F32(np.inf)
CHECKED = {"pairs": 0, "levels": 0}

# ------------------------------------------------------------------------------------------------ data


def normal(rng, n, d):
    return rng.standard_normal((n, d))


def scales_of_rows(rng, n, d):
    return rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-30, 15, (n, 1))


def scales_of_coordinates(rng, n, d):
    return rng.standard_normal((n, d)) * 10.0 ** np.random.default_rng(5).uniform(-12, 6, d)


def scales_of_both(rng, n, d):
    return scales_of_coordinates(rng, n, d) * 10.0 ** rng.uniform(-10, 8, (n, 1))


def outlier_coordinates(rng, n, d):
    made = rng.standard_normal((n, d))
    made[rng.random((n, d)) < 1 / d] *= 1e4
    return made


def outlier_rows(rng, n, d):
    made = rng.standard_normal((n, d))
    made[-max(n // 50, 1) :] *= 1e9
    return made


def nearly_equal(rng, n, d):
    return np.random.default_rng(6).standard_normal(d) + 1e-7 * rng.standard_normal((n, d))


def mean_above_spread(rng, n, d):
    return 1e6 * np.random.default_rng(7).standard_normal(d) + rng.standard_normal((n, d))


def mean_far_above_spread(rng, n, d):
    return 1e10 * np.random.default_rng(7).standard_normal(d) + rng.standard_normal((n, d))


def lost_in_the_mean(rng, n, d):
    """Rotated, the rows differ by no more than float64's rounding of them."""
    return 1e14 * np.random.default_rng(7).standard_normal(d) + rng.standard_normal((n, d))


def zeros(rng, n, d):
    made = rng.standard_normal((n, d))
    made[rng.random(n) < 0.5] = 0
    return made


def constant_rows(rng, n, d):
    return np.repeat(rng.integers(-3, 4, (n, 1)) / 7, d, axis=1)


def one_constant(rng, n, d):
    return np.full((n, d), 5.5)


def on_the_grid(rng, n, d):
    """Codes leave out nothing: multiples of a row's own scale, and 127 of them in each."""
    made = rng.integers(-127, 128, (n, d)) * 2.0 ** rng.integers(-20, 20, (n, 1))
    made[:, 0] = 127 * 2.0 ** rng.integers(-20, 20, n)
    return made


def between_the_grid(rng, n, d):
    """What codes leave out is as large as can be."""
    made = rng.integers(-127, 127, (n, d)) + 0.5
    made[:, 0] = 127
    return made * 2.0 ** rng.integers(-3, 3, (n, 1))


def denormal(rng, n, d):
    made = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-46, -36, (n, 1))
    made[0] = rng.standard_normal(d)
    return made


def tiny(rng, n, d):
    made = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-320, -100, (n, 1))
    made[0] = rng.standard_normal(d)
    return made


def huge(rng, n, d):
    return rng.uniform(-1, 1, (n, d)) * 2.0**59.9


def duplicates(rng, n, d):
    return np.random.default_rng(8).standard_normal((7, d))[rng.integers(0, 7, n)]


def heavy_tails(rng, n, d):
    return np.clip(rng.standard_cauchy((n, d)), -1e15, 1e15)


def very_heavy_tails(rng, n, d):
    return np.clip(np.sign(rng.standard_normal((n, d))) * np.exp(6 * rng.standard_normal((n, d))), -1e17, 1e17)


def sparse(rng, n, d):
    return np.where(rng.random((n, d)) < 0.03, rng.standard_normal((n, d)), 0.0)


def one_hot(rng, n, d):
    return np.eye(d)[rng.integers(0, d, n)] * rng.choice([1.0, 3.0, -2.0], (n, 1))


def low_rank(rng, n, d):
    return rng.standard_normal((n, 3)) @ np.random.default_rng(9).standard_normal((3, d))


def decaying(rng, n, d):
    return rng.standard_normal((n, d)) @ (
        np.random.default_rng(9).standard_normal((d, d)) * 0.9 ** np.arange(d)[:, None]
    )


def line(rng, n, d):
    """One direction, and a mean far from 0: residuals that ought to be 0 are float64's own rounding."""
    return 1e9 + np.outer(rng.choice([-1.0, 1.0], n), np.random.default_rng(9).standard_normal(d))


def bytes_(rng, n, d):
    return rng.integers(0, 256, (n, d)).astype(float)


def signed_bytes(rng, n, d):
    return rng.integers(-128, 128, (n, d)).astype(float)


def more_than_bytes(rng, n, d):
    return rng.integers(0, 257, (n, d)).astype(float)


def seven_bits(rng, n, d):
    return rng.integers(0, 128, (n, d)).astype(float)


def few_integers(rng, n, d):
    return rng.integers(0, 3, (n, d)).astype(float)


def integers_far_out(rng, n, d):
    return 1e12 + rng.integers(0, 200, (n, d))


def steps(rng, n, d):
    """Many ties: a few values."""
    return rng.integers(-2, 3, (n, d)) * 0.3


GENERATORS = (
    *(normal, scales_of_rows, scales_of_coordinates, scales_of_both, outlier_coordinates, outlier_rows, nearly_equal),
    *(
        mean_above_spread,
        mean_far_above_spread,
        lost_in_the_mean,
        zeros,
        constant_rows,
        one_constant,
        on_the_grid,
        between_the_grid,
    ),
    *(denormal, tiny, huge, duplicates, heavy_tails, very_heavy_tails, sparse, one_hot, low_rank, decaying, line),
    *(bytes_, signed_bytes, more_than_bytes, seven_bits, few_integers, integers_far_out, steps),
)

#: How queries differ from rows of the same making.
QUERIES = {
    "alike": lambda x, y: x,
    "items themselves": lambda x, y: y[: len(x)].copy(),
    "nearly items": lambda x, y: y[: len(x)] * (1 + 1e-6),
    "elsewhere": lambda x, y: 3 * x + 10 * np.abs(y).mean(),
    "another scale": lambda x, y: x * 10.0 ** np.linspace(-12, 3, len(x))[:, None],
    "not whole": lambda x, y: x + 0.37,
    "out of range": lambda x, y: x * np.where(np.arange(len(x)) % 2, 1.5, 1)[:, None] + 5,
}

DTYPES = {name: ALL_DTYPES[name] for name in ("float64", "float32", "float16", "bfloat16", "uint8", "int8")}

DIMENSIONS = (16, 17, 63, 64, 65, 100)


# ------------------------------------------------------------------------------------------------ scores


def side(rows, metric, which):
    dtype = rows.dtype.name
    wanted = search_statistics(metric, which)
    made = measure(np.ascontiguousarray(rows), dtype, wanted, 1)
    return transformed(made, metric, wanted, OPTIONS)


def packed(one: Side, which, u, scale):
    """u(row) / scale in float64: what the codes are of, before centring."""
    return np.asarray(Packer(one, which, u, scale, "f64", 1).pack(0, one.n, 1)).reshape(one.n, -1)


def codings(rule, pair: Pair, cuts):
    """Codes of the coordinates as they are, and of principal ones, learnt from every other item."""
    core, scale = pair.screen.core, pair.screen.scale_y
    some = take(pair.y, np.arange(0, pair.y.n, 2))
    sample = packed(some, "y", core.v, scale)
    plain = core.v == Y and scale is None
    known = pair.y.known if plain else Rows(False, False, pair.y.known.low, pair.y.known.high)
    items, target = replace(pair.y, known=known), targets.current()
    yield learn.plain(rule, items, sample, target)
    if rule in ("product", "square"):
        for cut in cuts:
            yield learn.energy_first(rule, items, sample, target, cut)


@dataclass
class Scores:
    """A search by codes, worked out in NumPy."""

    pair: Pair
    coding: Coding
    items: engine.CodedItems
    queries: scan.CodedQueries

    @classmethod
    def of(cls, metric, pair, coding):
        core, screen = pair.screen.core, pair.screen
        items = engine.code_items(pair.y, core.v, screen.scale_y, coding, 1)
        formula = search_formula(pair.metric, screen)
        return cls(pair, coding, items, scan.CodedQueries(pair.x, core.u, screen.scale_x, items, formula, 1))

    def sums(self, x, y, part):
        """The integers of all pairs in one part's codes."""
        if part.kind == "dot":
            a, b = (rows.codes[:, : part.d].astype(np.float64) for rows in (x, y))
            return (a * (part.top / part.weight) ** 2) @ b.T  # below 2^53: exact
        u, v = (rows.codes[:, : part.d].view(np.uint8).astype(np.float64) for rows in (x, y))
        return cdist(u, v, {"sum": "cityblock", "max": "chebyshev"}[part.kind])

    @functools.cached_property
    def first(self):
        return self.sums(self.queries.side.parts[0], self.items.side.parts[0], self.coding.parts[0])

    def product(self, i, sums):
        """s_x s_y sum, each step in float32."""
        n, m = sums.shape
        made = sums.astype(F32)
        if self.queries.scan.scaled or i:
            made = made * self.items.scales[i][:m]
        return made * self.queries.a[i][:n, None]


def fma(a, b, c):
    return (np.float64(a) * np.float64(b) + c).astype(F32)


def limits(start, gain, threshold, always_margin=False):
    """As the kernels have it."""
    move = F32(gain) * threshold
    size = np.abs(start) + np.abs(move)
    made = (start - move) - F32(2.0**-18) * size
    return made if always_margin else np.where(np.abs(move) < INF, made, -move)


def passes(score, limit):
    return ~(score < limit)


def check(scores: Scores, keys, threshold):
    """Every pair passes every level under its own key as the threshold."""
    with np.errstate(all="ignore"):
        s, queries, items, coding = scores, scores.queries, scores.items, scores.coding
        n, m = keys.shape
        acc = s.first
        start = queries.constant[:n, None]
        limit = limits(start, queries.gain, threshold)
        bias = items.bias[:m]
        if coding.kind == "max":
            size = np.minimum(np.trunc(-limit), 255)
            good = (acc <= size) | np.isnan(size)
            good &= ~(limit > 0)
            yield "max", good
        elif coding.kind == "sum":
            yield "sum", passes(fma(acc.astype(F32), queries.a[0][:n, None], bias), limit)
        else:
            scaled = acc.astype(F32) * items.scales[0][:m] if queries.scan.scaled else acc.astype(F32)
            score = fma(scaled, queries.a[0][:n, None], bias)
            score = fma(items.uncertain[0][:m], queries.t[0][:n, None], score)
            yield "scan", passes(score, limit)
        product = None
        carried = 1
        for level in queries.scan.levels:
            if level.carry:
                if product is None:
                    product = s.product(0, acc)
                part = coding.parts[carried]
                sums = s.sums(queries.side.parts[carried], items.side.parts[carried], part)
                product = s.product(carried, sums) + product
                score = product + bias
                score = fma(items.uncertain[carried][:m], queries.t[carried][:n, None], score)
                yield f"level {carried}", passes(score, limit)
                carried += 1
                continue
            arrays = queries.exact_arrays
            sums = acc if level.at_once else s.sums(queries.side.exact, items.side.exact, coding.exact)
            if level.exact:
                key = (arrays["constant"][:, None] - (sums + arrays["b_y"][:m])) / arrays["gain"]
                yield "exact", key.astype(F32) <= threshold
            else:
                score = (sums.astype(F32) * arrays["s_y"]) * arrays["a_x"][:, None] + arrays["b_y"]
                score = fma(arrays["t_x"][:, None], arrays["t_y"], score)
                yield "fine", passes(score, limits(arrays["constant"][:, None], arrays["gain"], threshold, True))


def check_centred(scores: Scores, x, y):
    """The inequality of :mod:`likewise.formula.codes` itself:  a s sum + T_x T_y + b  is at least the centred score.

    Without the steps' rounding in float32, but for that of the arrays; ``x, y`` are the rows before centring.
    """
    queries, items, coding = scores.queries, scores.items, scores.coding
    (n, d), m = x.shape, len(y)
    mean = coding.space.mean
    with np.errstate(all="ignore"):
        if coding.kind != "dot":
            truth = cdist(x, y, {"sum": "cityblock", "max": "chebyshev"}[coding.kind])
            errors = [rows.parts[0].error for rows in (queries.side, items.side)]
            least = coding.parts[0].fixed * scores.first - errors[0][:, None] - errors[1]
            # float64's rounding of rows - mean, and of the sums
            sizes = [np.abs(rows - mean).sum(axis=1) for rows in (x, y)]
            yield "differences", least <= truth + (d + 8) * 2.0**-52 * np.add.outer(*sizes)
            return
        x, y = x - mean, y - mean
        lengths_ = [np.linalg.norm(rows, axis=1) for rows in (x, y)]
        bias = -0.5 * lengths_[1] ** 2 if coding.rule == "square" else y @ mean
        truth = x @ y.T + bias
        aside = 0.5 * lengths_[1] ** 2 if coding.rule == "square" else lengths_[1] * np.linalg.norm(mean)
        off = (d + 16) * 2.0**-52 * (np.outer(*lengths_) + aside) + 2.0**-146
        score: Any = 0.0
        for i, part in enumerate(coding.parts):
            sums = scores.first if not i else scores.sums(queries.side.parts[i], items.side.parts[i], part)
            unit = np.float64(items.scales[i][:m]) if scores.queries.scan.scaled or i else 1.0
            score = score + sums * unit * np.float64(queries.a[i][:n, None])
            most = score + np.outer(np.float64(queries.t[i][:n]), np.float64(items.uncertain[i][:m])) + items.bias[:m]
            yield f"centred {i}", ~(most < truth - off)


def true_keys(pair: Pair):
    """What orders a search, in float64; the threshold each pair has to pass; both sides' rows as packed."""
    screen, metric = pair.screen, pair.metric
    x = packed(pair.x, "x", screen.core.u, screen.scale_x)
    y = packed(pair.y, "y", screen.core.v, screen.scale_y)
    rule = rule_of(metric, screen)
    bound = slack(screen, metric, pair.x.known, pair.y.known, pair.x.d)
    with np.errstate(over="ignore", invalid="ignore"):
        if rule == "product":
            keys = -(x @ y.T)
            room = offsets(bound, np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1).max())[:, None] / 2
        else:
            keys = cdist(x, y, {"square": "sqeuclidean", "sum": "cityblock", "max": "chebyshev"}[rule])
            # slope and offset leave half of themselves to the pair, float64 loses some of its last digits
            keys, room = keys * (1 + 2.0**-50 * x.shape[1]), 0.0
        threshold = np.nextafter((keys + room).astype(F32), INF) if not bound.exact else keys.astype(F32)
    return keys, threshold, x, y


def run(metric, x, y, cuts=()):
    """All codings of one pair of row sets."""
    metric = lw.metrics[metric] if isinstance(metric, str) else metric
    pair = screened(metric, side(x, metric, "x"), side(y, metric, "y"), OPTIONS)
    rule = rule_of(pair.metric, pair.screen)
    if rule is None:
        return 0
    keys, threshold, rows_x, rows_y = true_keys(pair)
    levels = 0
    for coding in codings(rule, pair, cuts):
        scores = Scores.of(metric, pair, coding)
        for name, good in itertools.chain(check(scores, keys, threshold), check_centred(scores, rows_x, rows_y)):
            levels += 1
            CHECKED["levels"] += good.size
            bad = np.argwhere(~good)
            assert not len(bad), f"{name} of {coding.parts[0].kind}: {len(bad)} pairs dropped, {bad[:3].tolist()}"
        CHECKED["pairs"] += keys.size
    return levels


def cuts_for(d):
    """Heads with and without a second part."""
    head = max(16, d // 4 // 16 * 16)
    more = [(16,), (head, d), (d // 2 // 16 * 16 or 16, min(d, d // 2 // 16 * 16 + 21))]
    return [cut for cut in more if cut[0] <= d and (len(cut) == 1 or cut[0] < cut[1])]


RULES = ("dot", "cosine", "correlation", "euclidean", "manhattan", "chebyshev")


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: g.__name__)
def test_no_pair_scores_worse_than_it_is(generator):
    number = GENERATORS.index(generator)
    kinds = itertools.cycle(QUERIES)
    for _ in range(number % len(QUERIES)):
        next(kinds)
    levels = 0
    for turn in range(max(1, THOROUGH)):
        for i, metric in enumerate(RULES):
            d = DIMENSIONS[(number + i + turn) % len(DIMENSIONS)]
            rng = np.random.default_rng([number, i, turn])
            y = generator(rng, 500, d)
            for _ in range(2):
                x = QUERIES[next(kinds)](generator(rng, 40, d), y)
                levels += run(metric, x, y, cuts_for(d))
                x32, y32 = x.astype(F32), y.astype(F32)
                if np.isfinite(x32).all() and np.isfinite(y32).all():
                    levels += run(metric, x32, y32, cuts_for(d)[1:])
    assert levels > 10


# ------------------------------------------------------------------------------------------------ what kernels compute


def kernel_numbers(scores: Scores, levels):
    """The number that the kernel has of every pair after those levels, and the keys of all pairs: each (n, m)."""
    queries, pair = scores.queries, scores.pair
    n, m, d = pair.x.n, pair.y.n, pair.x.d
    screen = pair.screen
    packers = (
        Packer(pair.x, "x", screen.core.u, screen.scale_x, "f32", 1),
        Packer(pair.y, "y", screen.core.v, screen.scale_y, "f32", 1),
    )
    rows = scan.Rows32(*(p.pack(0, p.side.n, 1) for p in packers), {}, frozenset())
    queries.scan = replace(queries.scan, levels=levels)
    offset = np.zeros(n + 32, F32)
    filters = FilterFields(None)
    chunk = scan.ChunkScan(queries, rows, d, m, m, 1.0, offset, lambda at: filters.of(at, 0), Counts())
    panels = -(-m // queries.tile.width)
    chunk.room = n * (panels + 1) * queries.tile.width
    base, (tally, _limit) = chunk.base(0, n)
    entries = np.empty((3, chunk.room + 64), np.int32)
    state = Candidates.empty(n, m, m, np.dtype(F32))
    fields = base | state.fields(0, 1.0, offset) | queries.level_fields(queries.scan, 0) | scan.list_fields(entries)
    chunk.calls["scan"](**fields | {"stretch": panels, "first": 0, "last": panels})
    assert tally[0] == tally[1] == n * m
    numbers, keys = np.zeros((n, m), np.int32), np.full((n, m), np.nan, F32)
    numbers[entries[0, : n * m], entries[1, : n * m]] = entries[2, : n * m]
    assert (state.count == m).all()
    np.put_along_axis(keys, state.found[:, :m], state.keys[:, :m], 1)
    return numbers, keys


@pytest.mark.parametrize("target", RUNNABLE)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "chebyshev"])
@pytest.mark.parametrize("data", [decaying, bytes_, seven_bits], ids=lambda g: g.__name__)
def test_kernels_sum_as_numpy_does(metric, data, target):
    found = lw.metrics[metric]
    with targets.using(target):
        for d, n in ((17, 3), (100, 13), (130, 40)):
            rng = np.random.default_rng(d)
            x, y = data(rng, n, d), data(rng, 333, d)
            pair = screened(found, side(x, found, "x"), side(y, found, "y"), OPTIONS)
            rule = rule_of(pair.metric, pair.screen)
            keys, _, _, _ = true_keys(pair)
            for coding in codings(rule, pair, cuts_for(d)):
                scores = Scores.of(found, pair, coding)
                levels = scores.queries.scan.levels
                numbers, _ = kernel_numbers(scores, ())
                np.testing.assert_array_equal(numbers, scores.first)
                carried = tuple(level for level in levels if level.carry)
                if carried:
                    numbers, _ = kernel_numbers(scores, carried)
                    product = scores.product(0, scores.first)
                    for i in range(1, len(coding.parts)):
                        parts = (scores.queries.side.parts[i], scores.items.side.parts[i])
                        product = scores.product(i, scores.sums(*parts, coding.parts[i])) + product
                    np.testing.assert_array_equal(numbers.view(F32), product)
                exact = tuple(level for level in levels if level.exact)
                if exact:
                    assert data in (bytes_, seven_bits)
                    np.testing.assert_array_equal(kernel_numbers(scores, exact)[1], keys.astype(F32))


@pytest.mark.parametrize("d", [384, 784, 1024, 1100])
def test_many_coordinates(d):
    """Beyond 1024 the principal axes are approximate."""
    for generator, metric in ((decaying, "euclidean"), (mean_above_spread, "dot"), (bytes_, "euclidean")):
        rng = np.random.default_rng(d)
        y = generator(rng, 600, d)
        x = QUERIES["elsewhere" if metric == "dot" else "alike"](generator(rng, 30, d), y)
        assert run(metric, x.astype(F32), y.astype(F32), [(64, 160)])
    for metric in ("manhattan", "chebyshev"):
        assert run(metric, x, y)


@pytest.mark.parametrize(("of_items", "of_queries"), [*zip(DTYPES, DTYPES, strict=True), *itertools.pairwise(DTYPES)])
def test_types(of_items, of_queries):
    rng = np.random.default_rng(3)
    x, y = (np.abs(20 * rng.standard_normal((n, 65))).clip(0, 127) for n in (40, 500))
    x, y = DTYPES[of_queries](x), DTYPES[of_items](y)
    for metric in RULES:
        assert run(metric, x, y, [(16, 65)])


def test_enough_pairs_were_checked():
    print(f"{CHECKED['pairs']:,} pairs checked, {CHECKED['levels']:,} scores")
    assert not CHECKED["pairs"] or CHECKED["pairs"] >= 10_000_000  # none: run by itself


def test_no_panel_is_looked_at_twice_for_the_first_threshold():
    """An item that came twice would count as two: the k-th best of the first pairs would be too good to be true."""
    for panels in (*range(1, 70), 1000):
        for wanted in (1, 31, 33, 320, 2000, 40_000):
            ranges = scan.seed_panels(panels, 32, wanted)
            seen = [p for first, last in ranges for p in range(first, last)]
            assert seen == sorted(set(seen))
            assert seen[-1] < panels
            assert len(seen) >= min(panels, -(-wanted // 32))
