"""Attempts to break the bounds: what float32 gives, against what is true, on inputs chosen to be hard.

First the error analysis of single expressions against exact arithmetic; then whole screens, emulated one operation
after another; then the engine.
"""

import functools
import math
import warnings
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import likewise as lw
from likewise.backends import reference
from likewise.formula.bounds import Error, analyse, combined
from likewise.formula.expr import ACC, DIM, Expr, X, Y, const, stat
from likewise.formula.rank import rank_of
from likewise.formula.screen import Rows, choose, offsets, slack
from tests.cases import BY_NAME, THOROUGH, order_is_exact

F32 = np.float32
m = lw.math

# ------------------------------------------------------------------------------------------------ one expression

_FLOAT32 = {
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "where": np.where,
}


def in_float32(e, leaves):
    """The value as compiled code computes it: every operation rounded to float32."""
    if e in leaves:
        return leaves[e]
    if e.op == "const":
        return F32(e.value)
    with np.errstate(all="ignore"):
        made = _FLOAT32[e.op](*(in_float32(a, leaves) for a in e.args))
    return made if made.dtype == bool else made.astype(F32)


def exactly(e, leaves):
    """The value to 400 digits; ZeroDivisionError or ArithmeticError where it has none."""
    if e in leaves:
        return leaves[e]
    if e.op == "const":
        return Decimal(e.value)
    if e.op == "where":
        return exactly(e.args[1] if exactly(e.args[0], leaves) else e.args[2], leaves)
    args = [exactly(a, leaves) for a in e.args]
    match e.op:
        case "neg":
            return -args[0]
        case "abs":
            return abs(args[0])
        case "sqrt":
            return args[0].sqrt()
        case "add":
            return args[0] + args[1]
        case "sub":
            return args[0] - args[1]
        case "mul":
            return args[0] * args[1]
        case "div":
            return args[0] / args[1]
        case "min" | "max":
            return (min if e.op == "min" else max)(args)
        case "lt":
            return args[0] < args[1]
        case "le":
            return args[0] <= args[1]
        case "eq":
            return args[0] == args[1]
        case "ne":
            return args[0] != args[1]
        case "and":
            return args[0] and args[1]
        case "or":
            return args[0] or args[1]
        case "not":
            return not args[0]
    raise AssertionError(e.op)


def node(op):
    return lambda *args: Expr(op, args)


def expressions(leaves):
    def extend(inner):
        truths = st.builds(lambda op, a, b: Expr(op, (a, b)), st.sampled_from(["lt", "le", "eq", "ne"]), inner, inner)
        square = inner.map(lambda a: Expr("mul", (a, a)))
        difference = st.builds(lambda a, b: Expr("abs", (Expr("sub", (a, b)),)), inner, inner)
        return st.one_of(
            st.builds(lambda op, a: Expr(op, (a,)), st.sampled_from(["neg", "abs", "sqrt"]), inner),
            st.builds(
                lambda op, a, b: Expr(op, (a, b)),
                st.sampled_from(["add", "sub", "mul", "div", "min", "max"]),
                inner,
                inner,
            ),
            st.builds(node("where"), truths, inner, inner),
            square,
            difference,
            st.builds(
                lambda a, b: Expr("div", (Expr("abs", (a,)), Expr("add", (const(1), Expr("abs", (b,)))))), inner, inner
            ),
        )

    return st.recursive(st.sampled_from(leaves), extend, max_leaves=8)


LEAVES = [X, X, X, Y, Y, Y, const(0), const(1), const(3), const(0.1), const(-2.5), const(1e-3), const(16777217)]

#: Magnitudes from the smallest subnormal of float32 to where its squares overflow.
float32s = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**59), max_value=2.0**59),
    st.integers(-20, 20).map(float),
    st.integers(-149, 59).map(lambda e: 2.0**e),
    st.integers(-(2**24), 2**24).map(float),
    st.floats(1e6, 1e6 + 1, width=32),
)


@st.composite
def samples(draw):
    """(values, their Error as a leaf): whole only where all are."""
    values = draw(st.lists(float32s, min_size=1, max_size=6))
    if draw(st.booleans()):
        values = [abs(v) for v in values]
    whole = all(v == int(v) for v in values)
    low, high = min(values), max(values)
    if draw(st.booleans()):  # an interval wider than what comes
        low, high = min(low, 0.0), max(high, 1.0)
    return values, Error(low, high, whole=whole)


def holds(bound, computed, true):
    """|computed - true| <= rho |true| + eta, in exact arithmetic."""
    if math.isnan(computed):
        return False
    distance = abs(Decimal(float(computed)) - true)
    return distance <= Decimal(bound.rho) * abs(true) + Decimal(bound.eta)


@settings(max_examples=600 * THOROUGH)
@given(expressions(LEAVES), samples(), samples())
def test_the_error_of_an_expression_is_within_its_bound(e, x, y):
    env = {X: x[1], Y: y[1]}
    bound = analyse(e, env)
    assume(bound is not None)
    with localcontext(Context(prec=400, Emin=-999999, Emax=999999)):
        for a in x[0]:
            for b in y[0]:
                try:
                    true = exactly(e, {X: Decimal(a), Y: Decimal(b)})
                except ArithmeticError:  # 0 / 0 or the root of a negative number, in a branch not taken or not
                    continue
                computed = in_float32(e, {X: F32(a), Y: F32(b)})
                assert holds(bound, computed, true), f"{e} at {a!r}, {b!r}: {computed!r} for {float(true)!r}, {bound}"
                slip = Decimal(bound.rho + 2.0**-40) * abs(true) + Decimal(
                    bound.eta
                )  # ends are float64, not rounded out
                assert Decimal(bound.low) - slip <= true <= Decimal(bound.high) + slip, f"{e} at {a!r}, {b!r}: {bound}"
                if bound.whole:
                    assert true == int(true)


TERMS = [
    Expr("mul", (X, Y)),
    Expr("abs", (Expr("sub", (X, Y)),)),
    Expr("mul", (Expr("sub", (X, Y)), Expr("sub", (X, Y)))),
    BY_NAME["canberra"].make(1).terms[0],
    BY_NAME["pinball"].make(1).terms[0],
    BY_NAME["softened product"].make(1).terms[0],
    BY_NAME["clipped"].make(1).terms[0],
    BY_NAME["power 1.5"].make(1).terms[0],
]


@settings(max_examples=150 * THOROUGH)
@given(
    st.sampled_from(TERMS),
    st.sampled_from(["sum", "max", "min"]),
    st.lists(st.tuples(float32s, float32s), min_size=1, max_size=24),
    st.booleans(),
)
def test_the_error_of_a_combination_is_within_its_bound(term, combine, pairs, fused):
    a, b = (np.array(side, F32) for side in zip(*pairs, strict=True))
    env = {
        leaf: Error(float(v.min()), float(v.max()), whole=bool((v == np.floor(v)).all()))
        for leaf, v in ((X, a), (Y, b))
    }
    bound = combined(analyse(term, env), combine, len(a))
    assume(bound is not None)
    with localcontext(Context(prec=400, Emin=-999999, Emax=999999)), np.errstate(all="ignore"):
        truths = [exactly(term, {X: Decimal(float(p)), Y: Decimal(float(q))}) for p, q in zip(a, b, strict=True)]
        values = [in_float32(term, {X: p, Y: q}) for p, q in zip(a, b, strict=True)]
        if combine != "sum":
            pick = max if combine == "max" else min
            assert holds(bound, pick(values), pick(truths))
            return
        total = F32(0)
        for p, q, value in zip(a, b, values, strict=True):
            if fused and term.op == "mul":
                left, right = (in_float32(arg, {X: p, Y: q}) for arg in term.args)
                total = fma(left, right, total)
            else:
                total = F32(total + value)
        assert holds(bound, total, sum(truths)), (a, b, total, float(sum(truths)), bound)


def fma(a, b, c):
    """a b + c rounded once to float32: exact in Decimal, then to the nearest."""
    with localcontext(Context(prec=400, Emin=-999999, Emax=999999)):
        true = Decimal(float(a)) * Decimal(float(b)) + Decimal(float(c))
        near = F32(float(true))
        around = [
            v for v in (np.nextafter(near, F32(-np.inf)), near, np.nextafter(near, F32(np.inf))) if np.isfinite(v)
        ]
        return min(around, key=lambda v: abs(Decimal(float(v)) - true))


def test_bounds_are_not_loose_beyond_use():
    """A bound that grows without need would still hold: these may not."""
    ordinary = {X: Error(-10, 10), Y: Error(-10, 10)}
    manhattan = combined(analyse(TERMS[1], ordinary), "sum", 128)
    assert (manhattan.rho, manhattan.eta) == (pytest.approx(128 * 2.0**-24, rel=0.01), 0)
    assert analyse(TERMS[3], ordinary).rho < 4 * 2.0**-24
    pixels = {X: Error(0, 255, whole=True), Y: Error(0, 255, whole=True)}
    assert combined(analyse(TERMS[2], pixels), "sum", 250).exact
    assert not combined(analyse(TERMS[2], pixels), "sum", 784).exact  # 784 * 255^2 is past 2^24
    assert analyse(Expr("exp", (X,)), ordinary) is None
    assert analyse(Expr("div", (X, Y)), ordinary) is None


# ------------------------------------------------------------------------------------------------ hard inputs


def _near_ties(rng, n, d, size):
    """One row, its coordinates moved by an ulp here and there, or by amounts near float32's rounding."""
    row = rng.normal(size=d) * size
    return row * (1 + rng.integers(-2, 3, (n, d)) * 2.0 ** rng.integers(-30, -20))


PATTERNS = {
    "ordinary": lambda rng, n, d: rng.normal(size=(n, d)),
    "scales of coordinates": lambda rng, n, d: rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-9, 9, d),
    "scales of rows": lambda rng, n, d: rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-15, 15, (n, 1)),
    "scales of entries": lambda rng, n, d: rng.choice([-1, 1], (n, d)) * 10.0 ** rng.uniform(-17, 17, (n, d)),
    "offset": lambda rng, n, d: 1e6 + 1e-3 * rng.normal(size=(n, d)),
    "negative offset": lambda rng, n, d: -1e6 + rng.normal(size=(n, d)),
    "near ties": lambda rng, n, d: _near_ties(rng, n, d, 1.0),
    "near ties, large": lambda rng, n, d: _near_ties(rng, n, d, 1e8),
    "ties": lambda rng, n, d: rng.normal(size=(2, d))[rng.integers(0, 2, n)],
    "all equal": lambda rng, n, d: np.tile(rng.normal(size=d), (n, 1)),
    "permuted coordinates": lambda rng, n, d: rng.permuted(np.tile(10.0 ** rng.uniform(-4, 4, d), (n, 1)), axis=1),
    "integers": lambda rng, n, d: rng.integers(-3, 4, (n, d)).astype(float),
    "large integers": lambda rng, n, d: rng.integers(-(2**24), 2**24, (n, d)).astype(float),
    "one outlying coordinate": lambda rng, n, d: rng.normal(size=(n, d)) + np.where(np.arange(d) == 0, 1e9, 0.0),
    "one outlying row": lambda rng, n, d: (
        rng.normal(size=(n, d)) * np.where(np.arange(n) == n // 2, 1e12, 1.0)[:, None]
    ),
    "constant rows": lambda rng, n, d: np.repeat(rng.normal(size=(n, 1)) * 1e3, d, axis=1),
    "cancelling": lambda rng, n, d: (
        rng.normal(size=(n, d)) * np.where(np.arange(d) % 2, 1e7, -1e7) + rng.normal(size=(n, d))
    ),
    "subnormal": lambda rng, n, d: rng.integers(-99, 99, (n, d)) * 2.0**-149,
    "tiny": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-30,
    "tinier": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-19,
    "huge": lambda rng, n, d: rng.normal(size=(n, d)) * 1e17,
    "past the screens": lambda rng, n, d: rng.normal(size=(n, d)) * 1e30,
    "near the largest float32": lambda rng, n, d: rng.uniform(-3.4e38, 3.4e38, (n, d)),
    "sparse": lambda rng, n, d: rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.1),
    "zeros": lambda rng, n, d: np.zeros((n, d)),
    "float64 alone": lambda rng, n, d: 1 + rng.normal(size=(n, d)) * 1e-9,
    "squares vanish": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-161,
}

N = 5


@st.composite
def hard_rows(draw, most=90):
    """(x, y) in float32 or float64, each of one or two patterns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m, d = draw(st.integers(1, most)), draw(st.sampled_from([1, 2, 3, 8, 17, 33]))
    names = draw(st.lists(st.sampled_from(sorted(PATTERNS)), min_size=1, max_size=3))
    state = rng.bit_generator.state
    sides = []
    for n in (N, m):
        if draw(st.booleans()):  # both sides from one stream: the same offsets, scales and rows
            rng.bit_generator.state = state
        parts = [PATTERNS[name](rng, n, d) for name in names]
        sides.append(np.choose(rng.integers(0, len(parts), (n, 1)), parts))
    if draw(st.booleans()):  # queries that are items, and half of their sum
        sides[0][0], sides[0][1] = sides[1][0], (sides[1][0] + sides[1][-1]) / 2
    if draw(st.booleans()):
        sides = [np.abs(side) for side in sides]
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float64]))
    with np.errstate(over="ignore"):
        return tuple(np.clip(side, -3.4e38, 3.4e38).astype(dtype) for side in sides)


# ------------------------------------------------------------------------------------------------ screens, emulated


def known(rows):
    exact = bool((rows.astype(F32).astype(float) == rows).all())
    return Rows(exact, bool((rows == np.floor(rows)).all()), float(rows.min()), float(rows.max()))


def packed(e, rows, side, scale):
    """u of each row over its scale, in float64 and rounded once: what packing makes."""
    leaves = {X: rows, Y: rows, DIM: np.float64(rows.shape[1])}
    leaves |= {stat(f"{name}_{side}"): v[:, None] for name, v in reference.statistics(rows).items()}
    made = reference.evaluate(e, leaves)
    with np.errstate(all="ignore"):
        if scale is not None:
            made = made * (1 / reference.evaluate(scale, leaves))
        return np.broadcast_to(made, rows.shape).astype(F32)


def emulated_keys(screen, metric, x, y):
    """Float32 keys of every pair, summed in order."""
    u, v = packed(screen.core.u, x, "x", screen.scale_x), packed(screen.core.v, y, "y", screen.scale_y)
    start, join = {
        "sum": (0, np.add),
        "mean": (0, np.add),
        "max": (-np.inf, np.maximum),
        "min": (np.inf, np.minimum),
    }[metric.combine]
    accumulators = [np.full((len(x), len(y)), start, F32) for _ in screen.core.terms]
    with np.errstate(all="ignore"):
        for t in range(x.shape[1]):
            leaves = {X: u[:, None, t], Y: v[None, :, t], DIM: F32(x.shape[1])}
            for i, term in enumerate(screen.core.terms):
                accumulators[i] = join(accumulators[i], in_float32(term, leaves)).astype(F32)
    leaves = {Expr("acc", value=i): a for i, a in enumerate(accumulators)} | {DIM: F32(x.shape[1])}
    return np.broadcast_to(in_float32(screen.key, leaves), (len(x), len(y))), (u, v)


def norm_of(rows, kind):
    rows = np.abs(rows.astype(float))
    size = {
        "dot": np.sqrt((rows * rows).sum(axis=1)),
        "l2": np.sqrt((rows * rows).sum(axis=1)),
        "l1": rows.sum(axis=1),
        "linf": rows.max(axis=1),
    }
    return size[kind] * (1 + 2.0**-20)


#: One or two of each screen, combination and shape of finish, of those whose order is known bit for bit.
HARD = [
    *("dot", "cosine", "correlation", "angular", "euclidean", "manhattan", "chebyshev", "canberra", "braycurtis"),
    *("hamming", "jaccard", "polynomial(degree=2, coef0=1)", "rbf", "matern32", "power 1.5", "hellinger", "pinball"),
    *("softened product", "clipped", "intersection", "largest product", "smallest difference", "smallest product"),
    *("mean square, rooted", "ruzicka", "three sums", "largest and mean", "similarity", "covariance", "by norms"),
    *("divided by counts", "total variation", "d in the term", "statistics in a branch"),
]


def is_screened(name):
    screen = choose(BY_NAME[name].make(8), d=8)
    return screen.kind != "direct" and (screen.core.identity or screen.scale_x is not None)


SCREENED = [name for name in HARD if is_screened(name)]


def test_screens_are_what_is_tested():
    kinds = {choose(BY_NAME[name].make(8), d=8).kind for name in SCREENED}
    assert kinds == {"dot", "interval"}
    assert (
        choose(BY_NAME["euclidean"].make(8), Rows(False, False, -1, 1), Rows(True, False, -1, 1)).kind == "difference"
    )
    assert all(order_is_exact(BY_NAME[name].make(8)) for name in HARD)
    assert len(SCREENED) > 20


def bit_keys(screen, x, y):
    """The keys of a count of bits."""
    differ, common = (x[:, None] != y).sum(axis=2), (x[:, None] * y).sum(axis=2)
    leaves = {DIM: np.float64(x.shape[1]), ACC: 1.0 * (differ if screen.core.terms[0].op == "ne" else common)}
    leaves |= {stat(f"{name}_x"): value[:, None] for name, value in reference.statistics(x).items()}
    leaves |= {stat(f"{name}_y"): value for name, value in reference.statistics(y).items()}
    return np.broadcast_to(reference.evaluate(screen.key, leaves), differ.shape)


@pytest.mark.parametrize("name", SCREENED)
@settings(max_examples=30 * THOROUGH)
@given(rows=hard_rows())
def test_no_winner_is_past_the_threshold(name, rows):
    metric = BY_NAME[name].make(rows[0].shape[1])
    x, y = (side.astype(float) for side in rows)
    screen = choose(metric, known(x), known(y), x.shape[1])
    assume(screen.kind != "direct" and screen.core.identity | (screen.scale_x is not None))
    if screen.scale_x is not None and rows[0].dtype == np.float64:
        norms = np.concatenate([reference.statistics(side)[key] for side in (x, y) for key in ("norm", "dev")])
        assume(not ((norms > 0) & (norms < 2.0**-400)).any())  # these rows are never screened
    true, _ = reference.keys_and_values(metric, x, y)
    if screen.kind == "bits":
        np.testing.assert_array_equal(bit_keys(screen, x, y), true)
        return
    found = slack(screen, metric, known(x), known(y), x.shape[1])
    keys, (u, v) = emulated_keys(screen, metric, x, y)
    order = np.lexsort((np.broadcast_to(np.arange(len(y)), true.shape), true), axis=1)
    if found.exact:
        again = np.lexsort((np.broadcast_to(np.arange(len(y)), true.shape), keys), axis=1)
        np.testing.assert_array_equal(order, again)
        return
    if screen.scale_x is not None:
        lengths = np.full(len(x), 1 + 2.0**-20), 1 + 2.0**-20
        assert max(norm_of(side, "dot").max(initial=0) for side in (u, v)) < 1 + 2.0**-18
    else:
        lengths = (
            (norm_of(u, found.kind), norm_of(v, found.kind).max())
            if found.kind != "constant"
            else (np.zeros(len(x)), 0.0)
        )
    with np.errstate(over="ignore"):
        add = np.nextafter(offsets(found, *lengths).astype(F32), F32(np.inf))
        for i in range(len(x)):
            for k in (1, 3):
                if k > len(y):
                    continue
                worst = np.sort(keys[i][~np.isnan(keys[i])])[k - 1 : k]
                threshold = F32(F32(worst[0] * F32(found.slope)) + add[i]) if len(worst) else F32(np.inf)
                winners = order[i, :k]
                assert not (keys[i, winners] > threshold).any(), (
                    screen.kind,
                    found,
                    i,
                    winners,
                    keys[i, winners],
                    threshold,
                )


# ------------------------------------------------------------------------------------------------ the engine


@functools.cache
def made(name, d):
    return BY_NAME[name].make(d)


@pytest.mark.parametrize("name", HARD)
@settings(max_examples=20 * THOROUGH)
@given(rows=hard_rows(), k=st.sampled_from([1, 2, 5]), pick=st.integers(0, 10**6))
def test_searches_of_hard_rows(name, rows, k, pick):
    x, y = rows
    metric = made(name, x.shape[1])
    wide = x.astype(float), y.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lw.NaNWarning)  # squares of the hugest rows are infinite: 0 * inf
        found = lw.topk(x, y, k, metric=metric)
    expected = reference.topk(metric, *wide, k)
    np.testing.assert_array_equal(found.indices, expected.indices)
    if rank_of(metric).expr == metric.finish or metric.name not in ("angular", "rbf", "laplacian", "matern32"):
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-12)
    values = np.unique(lw.pairwise(*wide, metric=metric))
    values = values[~np.isnan(values)]
    radius = float(values[pick % len(values)]) if len(values) else 1.0
    own = lw.pairwise(*wide, metric=metric)
    inside = own <= radius if metric.closer == "smaller" else own >= radius
    near = lw.within(x, y, radius, metric=metric)
    here = np.repeat(np.arange(N), np.diff(near.offsets))
    np.testing.assert_array_equal(np.sort(here * len(y) + near.indices), np.flatnonzero(inside))


@pytest.mark.parametrize(
    "name", ["dot", "cosine", "correlation", "euclidean", "manhattan", "chebyshev", "canberra", "mahalanobis"]
)
@settings(max_examples=15 * THOROUGH)
@given(
    seed=st.integers(0, 2**32 - 1),
    pattern=st.sampled_from(sorted(PATTERNS)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_long_lists_of_candidates(name, seed, pattern, dtype):
    """More near ties than there is room for: the rows that overflow are searched again in float64."""
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        x, y = (np.clip(PATTERNS[pattern](rng, n, 9), -3e38, 3e38).astype(dtype) for n in (N, 700))
    metric = made(name, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lw.NaNWarning)
        found = lw.topk(x, y, 3, metric=metric)
    np.testing.assert_array_equal(found.indices, reference.topk(metric, x.astype(float), y.astype(float), 3).indices)


def test_a_formula_that_gives_nan_for_zero_rows_does_not_push_out_the_others():
    """0 / 0 of a row of zeros: its float32 score may not count as one of the k best."""
    unguarded = lw.metric(lambda x, y: x * y, closer="larger", finish=lambda s, norm_x, norm_y: s / (norm_x * norm_y))
    x, y = np.full((1, 9), -1.0, np.float32), np.vstack([np.zeros((3, 9)), np.ones((1, 9))]).astype(np.float32)
    assert lw.topk(x, y, 1, metric=unguarded).indices.tolist() == [[3]]
    with pytest.warns(lw.NaNWarning, match="1 rows have fewer than 2 neighbours"):
        assert lw.topk(x, y, 2, metric=unguarded).indices.tolist() == [[3, -1]]
    assert lw.within(x, y, -2.0, metric=unguarded).indices.tolist() == [3]


def test_a_division_by_something_other_than_the_norm_has_no_bound_of_unit_length():
    counted = lw.metric(lambda x, y: x * y, closer="larger", finish=lambda s, nnz_x, nnz_y: s / (nnz_x * nnz_y))
    rng = np.random.default_rng(0)
    x, y = (1000 + 1e-3 * rng.normal(size=(n, 9)).astype(np.float32) for n in (20, 50))
    found, expected = lw.topk(x, y, 3, metric=counted), reference.topk(counted, x.astype(float), y.astype(float), 3)
    np.testing.assert_array_equal(found.indices, expected.indices)


@pytest.mark.parametrize("shape", [lambda s: m.sqrt(s), lambda s: m.log(s), lambda s: 1 / s, lambda s: s**0.5])
def test_values_that_are_nan_are_never_found(shape):
    rising = lw.metric(lambda x, y: x * y, finish=shape)
    x, y = np.array([[1.0]]), np.array([[-3.0], [4.0], [2.0], [9.0]])
    found = lw.topk(x, y, 3, metric=rising)
    expected = np.sort(lw.pairwise(x, y, metric=rising)[0])[:3]
    np.testing.assert_array_equal(found.values[0], expected)
