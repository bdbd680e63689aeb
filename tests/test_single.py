"""One query at a time against prepared items: the short way gives what the long way gives, bit for bit."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

import likewise as lw
from likewise import errors
from likewise.backends import reference
from likewise.backends.llvm import jit, kernels, learn, single
from likewise.backends.llvm.kernels.codes import code_tile
from likewise.backends.llvm.kernels.scan import Level, Scan
from likewise.backends.llvm.rows import Packer
from likewise.backends.llvm.search import search_formula
from likewise.backends.llvm.target import current, named, using
from likewise.compute import prepared
from likewise.formula.codes import rule_of
from likewise.formula.screen import choose
from likewise.plan import Outlook


def reference_topk(queries, items, k, metric):
    return reference.topk(lw.metrics[metric], queries.astype(np.float64), items.astype(np.float64), k)


def low_rank(n: int, d: int, seed: int, rank: int = 12, noise: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spread = 2.0 ** -np.arange(rank)
    axes = np.random.default_rng(99).standard_normal((rank, d))
    return ((rng.standard_normal((n, rank)) * spread) @ axes + noise * rng.standard_normal((n, d))).astype(np.float32)


def pixels(n: int, d: int, seed: int) -> np.ndarray:
    return np.clip(np.rint(60 * low_rank(n, d, seed) + 90), 0, 255).astype(np.float32)


KINDS = {"reals": low_rank, "pixels": pixels}
METRICS = ("euclidean", "sqeuclidean", "dot", "cosine", "rbf")


def by_energy(metric, screen, items, k, n, threads):
    """A coding by principal coordinates, whatever it costs."""
    sample = Packer(items, "y", screen.core.v, screen.scale_y, "f64", 1).pack(0, items.n, threads)
    whole = items if screen.scale_y is None else replace(items, known=replace(items.known, whole=False))
    rule, cuts = rule_of(metric, screen), (32, min(items.d, 96))
    coding = learn.energy_first(rule, whole, sample.reshape(items.n, -1), current(), cuts)
    return coding, Outlook(32, ((64, 100.0),))


@pytest.fixture
def taken(monkeypatch):
    """How many queries went the short way."""
    monkeypatch.setattr(prepared, "choose_coding", by_energy)
    count = [0]
    whole = single.Single.topk

    def counted(self, row):
        found = whole(self, row)
        count[0] += found is not None
        return found

    monkeypatch.setattr(single.Single, "topk", counted)
    return count


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [64, 100, 192])
def test_agrees_with_the_definition(kind, metric, d, taken):
    items, queries = KINDS[kind](4500, d, 1), KINDS[kind](20, d, 2)
    shelf = lw.prepare(items, metric=metric)
    for k in (1, 10, 33):
        taken[0] = 0
        values, indices = reference_topk(queries, items, k, metric)
        for row, value, index in zip(queries, values, indices, strict=True):
            found = lw.topk(row, shelf, k)
            np.testing.assert_array_equal(found.indices, index)
            if metric == "rbf":  # an exponential of our own, within an ulp or so of NumPy's
                np.testing.assert_array_equal(found.values, lw.topk(row, shelf, k, stats=True).values)
                np.testing.assert_allclose(found.values, value, rtol=1e-15)
            else:
                np.testing.assert_array_equal(found.values, value)
        assert taken[0] == len(queries)


def test_the_shape_is_that_of_the_query():
    shelf = lw.prepare(low_rank(4000, 64, 1), metric="euclidean")
    row = low_rank(1, 64, 2)
    assert lw.topk(row[0], shelf, 5).values.shape == (5,)
    assert lw.topk(row, shelf, 5).indices.shape == (1, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_ties_go_to_the_lowest_index(kind, taken):
    once = KINDS[kind](1200, 96, 3)
    items = np.concatenate([once, once, once, once])
    shelf = lw.prepare(items, metric="euclidean")
    for row in (*once[:10], *KINDS[kind](5, 96, 4)):
        _, (index,) = reference_topk(row[None], items, 9, "euclidean")
        np.testing.assert_array_equal(lw.topk(row, shelf, 9).indices, index)
    assert taken[0]


def test_queries_unlike_the_items(taken):
    items = low_rank(4000, 96, 5)
    shelf = lw.prepare(items, metric="dot")
    rng = np.random.default_rng(0)
    for row in (
        np.zeros(96), 1e-30 * rng.standard_normal(96), 1e4 * rng.standard_normal(96), items[7], -items[7],
        np.eye(96)[3], 1e-42 * np.ones(96), np.where(np.arange(96) == 5, 3.0, 1e-20),
    ):  # fmt: skip
        row = np.asarray(row, np.float32)
        values, (index,) = reference_topk(row[None], items, 12, "dot")
        found = lw.topk(row, shelf, 12)
        np.testing.assert_array_equal(found.indices, index)
        np.testing.assert_array_equal(found.values, values[0])


def test_what_is_wrong_is_refused_as_ever():
    shelf = lw.prepare(low_rank(4000, 64, 1), metric="euclidean")
    row = low_rank(1, 64, 2)[0]
    lw.topk(row, shelf, 3)
    bad = row.copy()
    bad[3] = np.nan
    with pytest.raises(errors.BadRowsError, match="NaN or infinite"):
        lw.topk(bad, shelf, 3)
    assert (lw.topk(bad, shelf, 3, on_bad="skip").indices == -1).all()
    for wrong in ({"n_jobs": 0}, {"on_bad": "maybe"}, {"memory_limit": "much"}, {"metric": "dot"}):
        with pytest.raises(errors.InputError):
            lw.topk(row, shelf, 3, **wrong)
    for k in (0, -1, 2.5, True):
        with pytest.raises(errors.InputError):
            lw.topk(row, shelf, k)
    with pytest.raises(errors.ShapeError):
        lw.topk(row[:63], shelf, 3)


def test_other_kinds_of_queries_go_the_long_way(taken):
    items = low_rank(4000, 64, 1)
    shelf = lw.prepare(items, metric="euclidean")
    row = low_rank(1, 64, 2)[0]
    want = lw.topk(row, shelf, 5)
    assert taken[0] == 1
    for other in (row.astype(np.float64), row.tolist(), np.stack([row, row])):
        np.testing.assert_array_equal(np.atleast_2d(lw.topk(other, shelf, 5).indices)[0], want.indices)
    mask = np.ones(len(items), bool)
    np.testing.assert_array_equal(lw.topk(row, shelf, 5, where=mask).indices, want.indices)
    assert lw.topk(row, shelf, 5, stats=True).stats.pairs == len(items)
    assert taken[0] == 1


def test_several_parts_and_threads(monkeypatch, taken):
    monkeypatch.setattr(single, "_PART_BYTES", 1 << 16)
    items, queries = low_rank(6000, 96, 1), low_rank(12, 96, 2)
    shelf = lw.prepare(items, metric="cosine")
    _, want = reference_topk(queries, items, 10, "cosine")
    failures = []

    def ask(jobs):
        for _ in range(5):
            for row, index in zip(queries, want, strict=True):
                if not np.array_equal(lw.topk(row, shelf, 10, n_jobs=jobs).indices, index):
                    failures.append(jobs)

    threads = [threading.Thread(target=ask, args=(jobs,)) for jobs in (1, 2, 3, None)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert taken[0] == 4 * 5 * len(queries)


@pytest.mark.parametrize("target", ["avx2", "portable"])
def test_other_instruction_sets(target, taken):
    items, queries = pixels(3000, 64, 1), pixels(6, 64, 2)
    with using(target):
        shelf = lw.prepare(items, metric="euclidean")
        _, want = reference_topk(queries, items, 7, "euclidean")
        for row, index in zip(queries, want, strict=True):
            np.testing.assert_array_equal(lw.topk(row, shelf, 7).indices, index)
    np.testing.assert_array_equal(lw.topk(queries[0], shelf, 7).indices, want[0])  # prepared for another: the long way


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_kernels_compile_for_neon(metric, exact):
    arm = named("neon")
    screen = choose(lw.metrics[metric])
    formula = search_formula(lw.metrics[metric], screen)
    rule = rule_of(lw.metrics[metric], screen)
    levels = (Level(carry=True), *([Level(exact=True)] if exact else []))
    scan = Scan(code_tile(arm, "dot", 1), True, True, levels, formula, "topk")
    makes = (
        lambda module: kernels.single.nearest_kernel(module, "nearest", scan),
        lambda module: kernels.single.query_kernel(
            module, "query", "float32", screen.core.u, screen.scale_x, rule, exact=exact
        ),
    )
    for make in makes:
        assert jit.compile_object(jit.emit_ir(make), arm)[:4] == b"\x7fELF"
