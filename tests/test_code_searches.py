"""Searches through 8-bit codes give what float64 gives, bit for bit: every rule, shape, type, filter and target.

Codes are forced here on data far too small to gain by them.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest

import likewise as lw
from likewise.backends.llvm import jit, kernels, learn
from likewise.backends.llvm import scan as scans
from likewise.backends.llvm import target as targets
from likewise.backends.llvm.rows import Packer, take
from likewise.compute import coding, prepared, search
from likewise.compute.sides import makes_rows
from likewise.formula.codes import rule_of
from likewise.formula.expr import Y
from likewise.formula.screen import Rows
from likewise.plan import Outlook
from tests.cases import DTYPES, float64, inverse_covariance
from tests.test_agreement import same_topk
from tests.test_same_bits import RUNNABLE, neon, same  # noqa: F401

# ------------------------------------------------------------------------------------------------ forcing


class Forced:
    """In place of a choice by cost: codes wherever there is a rule, of the coordinates or of principal ones."""

    def __init__(self) -> None:
        self.cuts: tuple[int, ...] = ()
        self.made = 0

    def __call__(self, metric, screen, items, k, n, threads, memory=None):
        rule = rule_of(metric, screen)
        if rule is None or items.n < 2 or not 16 <= items.d <= coding.MANY_COORDINATES:
            return None
        core, scale = screen.core, screen.scale_y
        some = take(items, learn.sample_rows(items.n, 256))
        sample = np.asarray(Packer(some, "y", core.v, scale, "f64", 1).pack(0, some.n, threads)).reshape(some.n, -1)
        sample = sample[~np.isnan(sample).any(axis=1)]
        plain = core.v == Y and scale is None
        side = replace(items, known=items.known if plain else Rows(False, False, items.known.low, items.known.high))
        self.made += 1
        if self.cuts and rule in ("product", "square"):
            made = learn.energy_first(rule, side, sample, targets.current(), self.cuts)
        else:
            made = learn.plain(rule, side, sample, targets.current())
        return made, Outlook(items.d, ())


@pytest.fixture
def forced(monkeypatch):
    made = Forced()
    monkeypatch.setattr(coding, "FEW_ITEMS", 2)
    may_code = coding.may_code
    monkeypatch.setattr(
        prepared, "may_code", lambda metric, screen, m, d, k: may_code(metric, screen, max(m, 32 * k), d, k)
    )
    monkeypatch.setattr(prepared, "choose_coding", made)
    monkeypatch.setattr(search, "choose_coding", made)
    return made


CUTS = {"plain": (), "head": (16,), "two parts": (16, 32)}
ways = pytest.mark.parametrize("way", CUTS)

USER = {
    "my squares": lw.metric(lambda x, y: (x - y) ** 2, name="my squares"),
    "my product": lw.metric(lambda x, y: x * y, closer="larger", name="my product"),
    "my city": lw.metric(lambda x, y: abs(x - y), closer="larger", finish=lambda s: 1 / (1 + s), name="my city"),
    "my largest": lw.metric(lambda x, y: abs(x - y), combine="max", name="my largest"),
    "my cosine": lw.metric(
        lambda x, y: x * y, closer="larger", finish=lambda s, norm_x, norm_y: s / (norm_x * norm_y), name="my cosine"
    ),
    "my roots": lw.metric(
        lambda x, y: (lw.math.sqrt(abs(x)) - lw.math.sqrt(abs(y))) ** 2, finish=lw.math.sqrt, name="my roots"
    ),
}
NAMED = (
    *("dot", "cosine", "angular", "correlation", "euclidean", "sqeuclidean", "rbf", "polynomial", "sigmoid"),
    *("rational_quadratic", "matern32", "manhattan", "laplacian", "chebyshev"),
)
METRICS = {name: lw.metrics[name] for name in NAMED} | USER | {"mahalanobis": None}


def metric_of(name, d):
    return lw.mahalanobis(inverse_covariance(d)) if name == "mahalanobis" else METRICS[name]


def rows(kind, n, d, seed):
    rng = np.random.default_rng([seed, n, d])
    if kind == "clusters":
        centres = np.random.default_rng(d).standard_normal((8, d)) * 0.9 ** np.arange(d)
        made = centres[rng.integers(0, 8, n)] + 0.2 * rng.standard_normal((n, d)) * 0.9 ** np.arange(d)
    elif kind == "ties":
        made = rng.integers(-1, 2, (n, d)) * np.where(np.arange(d) < 3, 1.0, 0.0) + 0.5
    elif kind == "bytes":
        made = rng.integers(0, 30, (n, d)).astype(float)
    else:
        made = rng.standard_normal((n, d))
    if n > 4:
        made[1::7] = made[rng.integers(0, n, len(made[1::7]))]
    if kind == "normal" and n > 4:
        made[n // 2] = 0
    return made


def counted(metric, x, y, k, both=True, screened=True, **options):
    """The answer of one call, and of prepared items, the same; by codes."""
    once = lw.topk(x, y, k, metric=metric, stats=True, **options)
    if screened:  # codes there were
        assert once.stats.screened > 0
    if both:
        ready = lw.topk(x, lw.prepare(y, metric=metric), k, stats=True, **options)
        for one, other in zip(ready, once, strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
        if screened and (metric.matrix is not None or not makes_rows(metric)):
            assert ready.stats.screened > 0
    return once


# ------------------------------------------------------------------------------------------------ agreement


@ways
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("kind", ["normal", "clusters", "ties", "bytes"])
def test_every_metric(name, kind, way, forced):
    forced.cuts = CUTS[way]
    shapes = [(1, 64, 33), (2, 97, 48), (5, 700, 33), (13, 321, 64), (40, 1031, 40)]
    for (n, m, d), k in zip(shapes, itertools.cycle((1, 2, 10, 33, 100)), strict=False):
        metric = metric_of(name, d)
        x, y = rows(kind, n, d, 1), rows(kind, m, d, 2)
        x[n // 2] = y[m // 3]
        if name in ("dot", "rbf", "cosine", "manhattan"):
            x, y = x.astype(np.float32), y.astype(np.float32)
        if name == "my cosine":
            x, y = x + (x == 0).all(axis=1, keepdims=True), y + (y == 0).all(axis=1, keepdims=True)
        found = counted(metric, x, y, k)
        same_topk(found, metric, x.astype(float), y.astype(float), k)
    assert forced.made


@ways
@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type(dtype, name, way, forced):
    forced.cuts = CUTS[way]
    x, y = (DTYPES[dtype](rows("normal", n, 35, seed)) for n, seed in ((9, 1), (300, 2)))
    metric = lw.metrics[name]
    same_topk(counted(metric, x, y, 6, screened=dtype != "bool"), metric, float64(x), float64(y), 6)
    other = DTYPES["float32"](2 * rows("normal", 9, 35, 1))
    same_topk(counted(metric, other, y, 6), metric, float64(other), float64(y), 6)


# ------------------------------------------------------------------------------------------------ options


@functools.cache
def fixed(kind, n, m, d):
    return rows(kind, n, d, 1).astype(np.float32), rows(kind, m, d, 2).astype(np.float32)


@ways
@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("kind", ["clusters", "bytes"])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_filters(kind, name, n, way, forced):
    """A mask for all queries, one for each, lists, and the items that are the queries."""
    forced.cuts = CUTS[way]
    x, y = fixed(kind, n, 777, 36)
    metric, rng = lw.metrics[name], np.random.default_rng(n)
    for share in (0.02, 0.6, 0.98):
        shared, each = rng.random(777) < share, rng.random((n, 777)) < share
        for mask in (shared, each):
            found = counted(metric, x, y, 5, screened=share > 0.9, where=mask)
            same_topk(found, metric, float64(x), float64(y), 5, np.broadcast_to(mask, (n, 777)))
    best = lw.topk(x, y, 5, metric=metric).indices
    lists = np.arange(0, best.size + 1, best.shape[1]), best.ravel()
    mask = np.ones((n, 777), bool)
    np.put_along_axis(mask, best, False, 1)
    same_topk(counted(metric, x, y, 4, where=lists), metric, float64(x), float64(y), 4, mask)
    own = counted(metric, y, None, 3, both=False)
    same_topk(own, metric, float64(y), float64(y), 3, ~np.eye(777, dtype=bool))
    ready = lw.topk(lw.prepare(y, metric=metric), None, 3)
    np.testing.assert_array_equal(ready.indices, own.indices)


@ways
@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan", "chebyshev", "mahalanobis"])
@pytest.mark.parametrize("kind", ["clusters", "bytes", "ties"])
def test_threads_memory_and_skipped_rows(kind, name, way, forced):
    forced.cuts = CUTS[way]
    metric = metric_of(name, 33)
    for n in (1, 5, 130):
        x, y = fixed(kind, n, 1500, 33)
        expected = lw.topk(x, y, 7, metric=metric, n_jobs=1)
        same_topk(expected, metric, float64(x), float64(y), 7)
        for options in ({"n_jobs": 2}, {"n_jobs": 5}, {"memory_limit": "3MB"}, {"memory_limit": 1, "n_jobs": 3}):
            found = counted(metric, x, y, 7, screened="memory_limit" not in options, **options)
            same(found._asdict(), expected._asdict())
        bad = y.copy()
        bad[[3, 700, 1499], [1, 2, 3]] = np.nan, np.inf, -np.inf
        good = np.delete(np.arange(1500), [3, 700, 1499])
        skipped = lw.topk(x, bad, 7, metric=metric, on_bad="skip", stats=True)
        assert skipped.stats.screened
        wanted = lw.topk(x, y[good], 7, metric=metric)
        np.testing.assert_array_equal(skipped.indices, good[wanted.indices])
        np.testing.assert_array_equal(skipped.values, wanted.values)
        seen = []
        lw.topk(x, y, 7, metric=metric, n_jobs=3, progress=lambda done, total, seen=seen: seen.append((done, total)))
        assert seen[-1] == (n * 1500, n * 1500)


@ways
def test_batches(way, forced):
    forced.cuts = CUTS[way]
    x, y = rows("clusters", 30, 40, 1).reshape(3, 10, 40), rows("clusters", 900, 40, 2)
    for metric in map(lw.metrics.__getitem__, ("euclidean", "cosine", "manhattan")):
        shared = counted(metric, x, y, 4)
        each = counted(metric, x, y.reshape(3, 300, 40), 4, both=False)
        for i in range(3):
            same_topk((shared.values[i], shared.indices[i]), metric, x[i], y, 4)
            same_topk((each.values[i], each.indices[i]), metric, x[i], y[300 * i : 300 * (i + 1)], 4)


# ------------------------------------------------------------------------------------------------ instruction sets


@ways
@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("target", RUNNABLE)
def test_instruction_sets(name, target, way, forced):
    forced.cuts = CUTS[way]
    metric = lw.metrics[name]
    for kind, scale in (("clusters", 1), ("bytes", 1), ("bytes", 4)):  # 4: beyond the 7 bits of some
        for n in (1, 40):
            x, y = (scale * rows for rows in fixed(kind, n, 700, 50))
            expected = lw.topk(x, y, 9, metric=metric)
            with targets.using(target):
                shelf = lw.prepare(y, metric=metric)
                same(counted(metric, x, y, 9)._asdict(), expected._asdict())
            same(lw.topk(x, shelf, 9)._asdict(), expected._asdict())  # prepared for one, searched with another
            same_topk(expected, metric, float64(x), float64(y), 9)


class Compiled(Exception):
    """All there was to compile is compiled."""


@ways
@pytest.mark.parametrize("name", ["cosine", "euclidean", "manhattan", "chebyshev"])
def test_kernels_compile_for_neon(name, way, neon, forced, monkeypatch):  # noqa: F811
    """All three kernels of a scan; sums of products are an instruction that this machine cannot stand in for."""
    forced.cuts = CUTS[way]
    x, y = fixed("clusters", 5, 300, 40)
    arm = targets.named("neon")

    def compile_only(scan, entry):
        make = {"scan": kernels.scan.scan_kernel, "refine": kernels.scan.refine_kernel}[entry]
        neon.append(jit.compile_object(jit.emit_ir(lambda module: make(module, entry, scan)), arm))
        if entry == "scan" and scan.mode == "topk":
            raise Compiled

    monkeypatch.setattr(scans, "_scan_call", compile_only)
    with targets.using("neon"), pytest.raises(Compiled):
        lw.topk(x, y, 4, metric=name, n_jobs=1)
    assert len(neon) >= 5
    for made in neon:
        assert made[:4] == b"\x7fELF"


# ------------------------------------------------------------------------------------------------ corners


ILL = {
    "far from the origin": lambda rng, n, d: 1e6 + 1e-3 * rng.standard_normal((n, d)),
    "copies": lambda rng, n, d: np.repeat(np.random.default_rng(4).standard_normal((5, d)), -(-n // 5), axis=0)[:n],
    "one row": lambda rng, n, d: np.full((n, d), 5.5),
    "zeros": lambda rng, n, d: np.zeros((n, d)),
    "ones and zeros": lambda rng, n, d: rng.integers(0, 2, (n, d)).astype(float),
    "scales": lambda rng, n, d: rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-30, 15, (n, 1)),
    "tiny": lambda rng, n, d: rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-160, -30, (n, 1)),
    "denormal": lambda rng, n, d: rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-46, -30, (n, 1)),
    "huge": lambda rng, n, d: rng.uniform(-1, 1, (n, d)) * 2.0**59.9,
    "outlier": lambda rng, n, d: np.concatenate([rng.standard_normal((n - 1, d)), np.full((1, d), 1e9)]),
    "cauchy": lambda rng, n, d: rng.standard_cauchy((n, d)).clip(-1e15, 1e15),
    "one-hot": lambda rng, n, d: np.eye(d)[rng.integers(0, d, n)],
    "in 0 to 256": lambda rng, n, d: rng.integers(0, 257, (n, d)).astype(float),
    "bytes far out": lambda rng, n, d: 1e9 + rng.integers(0, 250, (n, d)),
    "a line": lambda rng, n, d: 1e9 + np.outer(rng.choice([-1.0, 1.0, 1.5], n), np.arange(1.0, d + 1)),
}


@ways
@pytest.mark.parametrize("name", ["dot", "cosine", "correlation", "euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("kind", ILL)
def test_ill_natured_data(kind, name, way, forced):
    """Screens that can tell nothing apart fall back, and never drop an answer."""
    forced.cuts = CUTS[way]
    metric = lw.metrics[name]
    for dtype, k in itertools.product((np.float64, np.float32), (1, 12)):
        rng = np.random.default_rng(2)
        x, y = (ILL[kind](rng, n, 48).astype(dtype) for n in (20, 500))
        if kind in ("tiny", "denormal"):
            x = rng.standard_normal((20, 48)).astype(dtype)
        x[::3] = y[: len(x[::3])]
        found = counted(metric, x, y, k, screened=False)
        same_topk(found, metric, float64(x), float64(y), k)
        far = (1e-12 * x).astype(dtype)
        same_topk(counted(metric, far, y, k, screened=False), metric, float64(far), float64(y), k)


@ways
def test_nothing_undefined_is_found(way, forced):
    """An unguarded cosine is NaN of rows of zeros: neither they nor what is learnt from them gets in the way."""
    forced.cuts = CUTS[way]
    x, y = fixed("clusters", 12, 600, 40)
    y = y.copy()
    y[::5] = 0
    found = counted(USER["my cosine"], x, y, 6)
    same_topk(found, USER["my cosine"], float64(x), float64(y), 6)


def test_the_first_threshold_of_copies_is_their_distance(forced):
    """Whole numbers, and k copies among the rows first looked at: a sum of 0 is no less than 0."""
    y = np.random.default_rng(0).integers(0, 256, (3000, 40)).astype(np.uint8)
    for name in ("manhattan", "chebyshev", "euclidean"):
        for k in (1, 3):
            y[:k] = y[0]
            found = counted(lw.metrics[name], y[:30], y, k)
            same_topk(found, lw.metrics[name], float64(y[:30]), float64(y), k)


# ------------------------------------------------------------------------------------------------ statistics


@ways
def test_statistics(way, forced):
    forced.cuts = CUTS[way]
    x, y = fixed("clusters", 40, 3000, 48)
    for name, jobs in itertools.product(("euclidean", "dot", "manhattan", "chebyshev"), (1, 2, 5)):
        stats = counted(lw.metrics[name], x, y, 10, n_jobs=jobs).stats
        assert stats.pairs == stats.screened == 40 * 3000
        assert stats.pairs > stats.listed >= stats.scored >= stats.settled >= 40 * 10
        assert stats.coordinates == stats.pairs * (CUTS[way][0] if way != "plain" and stats.kind == "dot" else 48)
        assert stats.seconds > 0
        assert 0 < stats.scan_seconds < stats.seconds * jobs
        assert stats.threads == jobs
        assert stats.kind == {"manhattan": "sum", "chebyshev": "max"}.get(name, "dot")
        assert 0 < stats.share_of_peak < 1
        assert f"120,000 pairs: 120,000 in 8-bit integers, {stats.listed:,} listed" in str(stats)


def test_statistics_without_codes():
    x, y = fixed("clusters", 40, 300, 48)
    stats = lw.topk(x, y, 10, metric="euclidean", stats=True).stats
    assert (stats.pairs, stats.screened, stats.listed, stats.scored) == (12_000, 0, 0, 0)
    assert 400 <= stats.settled < 12_000
    assert "8-bit" not in str(stats)
    assert not hasattr(lw.topk(x, y, 10, metric="euclidean"), "stats")
