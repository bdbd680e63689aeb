"""Precision against dimension: recall of coded rows, against definitions in NumPy."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import Space, precision
from likewise.geometry.estimate import proportion
from likewise.geometry.quantise import Quantiser, leading


@pytest.fixture
def rows():
    return np.random.default_rng(0).standard_normal((400, 24)).astype(np.float32)


def nearest(distances, k):
    """Numbers of the k least, each row's own left out, ties to the lowest."""
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def share(truth, found):
    return np.mean([len(set(t) & set(f)) / len(t) for t, f in zip(truth, found, strict=True)])


def row(found, way, d, bits):
    (one,) = [each for each in found.rows if (each.way, each.d, each.bits) == (way, d, bits)]
    return one


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "dot", "angular", "manhattan", "canberra"])
def test_single_precision_of_all_coordinates_loses_nothing(rows, metric):
    found = precision(rows, metric=metric, bits=[32], dimensions=[24])
    assert {each.settled.value for each in found.rows} == {1.0}
    assert row(found, "truncated", 24, 32).recall.value == 1.0
    assert len(found.rows) == (1 if metric in ("manhattan", "canberra") else 3)


def test_one_bit_is_a_sign_about_the_mean(rows):
    rows += 0.3
    found = precision(rows, bits=[1], ways=["truncated"], dimensions=[11], k=5)
    signs = rows[:, :11] > rows[:, :11].mean(axis=0)
    by_codes = nearest((signs[:, None] != signs[None]).sum(axis=2).astype(float), 20)
    truth = nearest(np.linalg.norm(rows[:, None].astype(float) - rows[None].astype(float), axis=2), 5)
    (one,) = found.rows
    assert one.recall.value == pytest.approx(share(truth, by_codes[:, :5]), abs=1e-12)
    assert one.settled.value == pytest.approx(share(truth, by_codes), abs=1e-12)
    assert (one.bytes, one.recall.complete, found.candidates) == (2, True, 20)


def test_settled_is_what_settling_gives(rows):
    found = precision(rows, bits=[4], ways=["truncated"], dimensions=[8], k=4, candidates=9)
    coded = Quantiser(rows[:, :8], 4).decoded(rows[:, :8]).astype(float)
    exact = np.linalg.norm(rows[:, None].astype(float) - rows[None].astype(float), axis=2)
    candidates = nearest(np.linalg.norm(rows[:, None, :8].astype(float) - coded[None], axis=2), 9)
    settled = np.take_along_axis(candidates, np.take_along_axis(exact, candidates, 1).argsort(axis=1)[:, :4], 1)
    assert found.rows[0].settled.value == pytest.approx(share(nearest(exact, 4), settled), abs=1e-12)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_codes_are_the_nearest_level(rows, bits):
    quantiser = Quantiser(rows, bits)
    coded = quantiser.decoded(rows)
    levels = quantiser.low + quantiser.step * np.arange(2**bits)[:, None]
    assert_allclose(
        coded, np.take_along_axis(levels, np.abs(rows[None] - levels[:, None]).argmin(axis=0), 0), atol=1e-6
    )
    assert all(len(np.unique(column)) <= 2**bits for column in coded.T)


def test_four_levels_of_a_gaussian_lie_where_max_put_them():
    rows = np.random.default_rng(1).standard_normal((20_000, 2)).astype(np.float32)
    quantiser = Quantiser(rows, 2)
    assert_allclose(quantiser.low, -1.494, atol=0.12)
    assert_allclose(quantiser.step, 0.996, atol=0.08)
    assert np.mean((quantiser.decoded(rows) - rows) ** 2) == pytest.approx(0.1188, rel=0.05)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_whole_numbers_that_fit_are_kept(dtype):
    rows = np.random.default_rng(2).integers(-100 if dtype is np.int8 else 0, 101, (300, 6)).astype(dtype)
    assert_array_equal(Quantiser(rows.astype(np.float32), 8).decoded(rows.astype(np.float32)), rows)
    found = precision(rows, bits=[8], ways=["truncated"])
    assert found.best_at(6).recall.value == 1.0


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_half_precision_of_any_scale(rows, scale):
    wide = (rows * np.float32(scale)).astype(np.float32)
    assert_allclose(Quantiser(wide, 16).decoded(wide), wide, rtol=2**-11, atol=scale * 1e-6)


def test_memory_is_what_is_said(rows):
    found = precision(rows)
    for each in found.rows:
        assert each.bytes == -(-each.d * each.bits // 8)
        assert 1 <= each.d <= 24
    assert found.sizes()[0] == 96  # 24 coordinates of 4 bytes
    for part in (2, 4, 8, 16, 32):  # what fits into a share of that, for each way
        there = {(each.bits, each.way) for each in found.rows if each.bytes == 96 // part}
        assert {(32 // part, "rotated"), (32 // part, "truncated"), (32 // part, "projected")} <= there
    assert [each.bytes for each in found.rows] == sorted((each.bytes for each in found.rows), reverse=True)


def test_spun_axes_keep_what_principal_axes_keep():
    rng = np.random.default_rng(6)
    rows = rng.standard_normal((1500, 32)) * 0.7 ** np.arange(32) @ np.linalg.qr(rng.standard_normal((32, 32)))[0]
    found = precision(rows, ways=["rotated", "spun"], bits=[1, 32], dimensions=[16])
    assert row(found, "spun", 16, 32).recall.value == pytest.approx(
        row(found, "rotated", 16, 32).recall.value, abs=0.01
    )
    # one bit of the 16th axis says as much as one of the first, and means little
    assert row(found, "spun", 16, 1).recall.value > row(found, "rotated", 16, 1).recall.value + 0.05


def test_many_coordinates_have_fewer_axes(monkeypatch):
    module = sys.modules["likewise.geometry.precision"]  # the name is the function's, too
    monkeypatch.setattr(module, "_WIDE", 20)
    monkeypatch.setattr(module, "_AXES", 8)
    rows = np.random.default_rng(7).standard_normal((300, 24))
    found = precision(rows, ways=["truncated", "rotated", "projected", "spun"], bits=[32], dimensions=[8, 24])
    assert [(each.d, each.way) for each in found.rows] == [
        (24, "truncated"),
        (8, "truncated"),
        (8, "rotated"),
        (8, "projected"),
        (8, "spun"),
    ]


def test_leading_bits_are_those_of_fewer_coordinates(rows):
    whole = Quantiser(rows, 1).packed(rows)
    few = leading(whole, 11)
    assert_array_equal(few.unpack(), Quantiser(rows[:, :11], 1).packed(rows[:, :11]).unpack())


def test_axes_that_no_coordinate_shows():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((1000, 4)) @ rng.standard_normal((4, 32)) + 0.01 * rng.standard_normal((1000, 32))
    found = precision(rows, bits=[8], dimensions=[2, 4], k=5)
    for d in (2, 4):
        turned, cut = row(found, "rotated", d, 8), row(found, "truncated", d, 8)
        assert turned.recall.low > cut.recall.high or turned.recall.value > cut.recall.value + 0.1
    assert row(found, "rotated", 4, 8).settled.value > 0.99


def test_more_bits_and_more_coordinates_find_more(rows):
    found = precision(rows, ways=["rotated"], bits=[2, 4, 8, 32], dimensions=[6, 12, 24])
    for d in (6, 12, 24):
        shares = [row(found, "rotated", d, bits).recall.value for bits in (2, 4, 8, 32)]
        assert np.all(np.diff(shares) > -0.02)
    for bits in (4, 8, 32):
        assert np.all(np.diff([row(found, "rotated", d, bits).recall.value for d in (6, 12, 24)]) > 0)


def test_best_and_smallest(rows):
    found = precision(rows)
    small = found.smallest_with(0.9)
    assert small.recall.value >= 0.9
    assert all(each.recall.value < 0.9 for each in found.rows if each.bytes < small.bytes)
    best = found.best_at(24)
    assert best.bytes <= 24
    assert all(each.recall.value <= best.recall.value for each in found.rows if each.bytes <= 24)
    assert found.best_at(0) is None
    assert found.smallest_with(1.01) is None
    assert found.smallest_with(0.9, settled=True).bytes <= small.bytes


def test_drawn_rows_seeds_and_threads(rows):
    one = precision(rows, sample=50, seed=5, n_jobs=1, bits=[4, 1])
    assert one.as_dict() == precision(rows, sample=50, seed=5, n_jobs=2, bits=[1, 4]).as_dict()
    assert one.as_dict() != precision(rows, sample=50, seed=6, bits=[4, 1]).as_dict()
    each = one.rows[0].recall
    assert (each.rows, each.total, one.queries, one.items) == (50, 400, 50, 400)
    assert each.low < each.value < each.high


def test_a_space_brings_its_metric(rows):
    assert precision(Space(rows, "cosine"), bits=[8], dimensions=[4]).metric == "cosine"


def test_metrics_of_a_rotation_alone_are_turned(rows):
    found = precision(rows, metric="manhattan", bits=[8])
    assert {each.way for each in found.rows} == {"truncated"}
    assert found.left_out == {
        "rotated": "manhattan is not the same of turned rows",
        "projected": "manhattan is not the same of turned rows",
    }
    own = lw.metric(lambda x, y: (x - y) ** 2, name="own")
    assert precision(rows, metric=own, bits=[8]).left_out == {}
    assert precision(rows, metric="rbf", bits=[8]).left_out == {}
    assert "correlation" in precision(rows, metric="correlation", bits=[8]).left_out["rotated"]


def test_a_matrix_belongs_to_all_coordinates(rows):
    found = precision(rows, metric=lw.mahalanobis(np.eye(24)), bits=[1, 8], dimensions=[12, 24])
    assert [(each.bits, each.d) for each in found.rows] == [(8, 24), (1, 24), (1, 12)]


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((50, 3)),
        np.repeat(np.arange(20.0), 3).reshape(20, 3),
        np.full((30, 2), 7, np.uint8),
        np.random.default_rng(0).standard_normal((40, 1)),
        np.random.default_rng(0).standard_normal((40, 5)) * 1e150,
        np.random.default_rng(0).standard_normal((40, 5)) * 1e-150,
        np.random.default_rng(0).standard_normal((12, 5)),
        np.random.default_rng(0).standard_normal((40, 5)).astype(np.float16),
        np.random.default_rng(0).standard_normal((40, 5)) > 0,
    ],
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_odd_rows(rows, metric):
    found = precision(rows, metric=metric)
    assert all(0 <= each.recall.low <= each.recall.value <= each.recall.high <= 1 for each in found.rows)
    assert row(found, "truncated", rows.shape[1], 32).settled.value > 0.99


def test_equal_values_are_no_loss():
    rows = np.repeat(np.random.default_rng(4).standard_normal((100, 6)), 2, axis=0)
    found = precision(rows, bits=[16, 32], ways=["truncated"], dimensions=[6])
    assert all(each.settled.value > 0.99 for each in found.rows)


def test_rows_that_a_metric_has_no_numbers_for():
    rows = np.random.default_rng(0).standard_normal((40, 5)) * 1e300  # x . y overflows
    with pytest.raises(InputError, match="cosine gives no number for these rows, so nobody is anybody's neighbour"):
        precision(rows, metric="cosine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": [3]}, "bits=3 is not known; there are 1, 2, 4, 8, 16, 32"),
        ({"bits": []}, "bits is empty; there are 1, 2, 4, 8, 16, 32"),
        ({"ways": "folded"}, "ways='folded' is not known; there are truncated, rotated, projected, spun"),
        ({"k": 400}, "k=400, and a row has 399 others"),
        ({"k": 0}, "k=0; a whole number, 1 at least, is wanted"),
        ({"candidates": 5}, "candidates=5; a whole number, 10 at least, is wanted"),
        ({"dimensions": [0]}, "dimensions=0; a whole number, 1 at least, is wanted"),
        ({"sample": 0}, "sample=0; a whole number of rows, 1 at least, is wanted"),
    ],
)
def test_what_is_refused(rows, options, message):
    with pytest.raises(InputError) as caught:
        precision(rows, **options)
    assert str(caught.value) == message


def test_it_says_how_far_it_is_and_prints(rows):
    calls = []
    found = precision(rows, progress=lambda done, total: calls.append((done, total)), dimensions=[24], k=3)
    assert calls[-1] == (18, 18)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert str(found).startswith(
        "recall@3 by euclidean: 400 rows among 400, 24 coordinates; "
        "settled: the best 12 put in order by the vectors themselves\n0.99 by codes alone: "
    )
    assert len(found.table().splitlines()) == 19


def test_the_interval_of_a_share_covers_as_often_as_it_says():
    rng, hits = np.random.default_rng(5), 0
    truth = rng.beta(9, 1, 20_000)  # how easy each row is: hits of one row go together
    for _ in range(200):
        shares = rng.binomial(10, rng.choice(truth, 150)) / 10
        found = proportion(shares, 10, 20_000)
        hits += found.low <= truth.mean() <= found.high
    assert 178 <= hits <= 200  # 95% of 200 is 190, with four standard deviations of 3
    assert proportion(np.ones(100), 10, 1000).low == pytest.approx(0.996, abs=0.002)
