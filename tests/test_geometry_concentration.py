"""How alike distances are, by formulas that are known."""

import json
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import Space, concentration


@pytest.mark.parametrize("d", [64, 256, 1024, 4096])
def test_gaussian_distances_spread_by_one_over_the_root_of_2d(d):
    rows = np.random.default_rng(d).standard_normal((4000, d), dtype=np.float32)
    found = concentration(rows, sample=20)
    assert found.expected == 1 / math.sqrt(2 * d)
    assert abs(found.ratio.value / found.expected - 1) < 0.02
    assert found.ratio.low < found.ratio.value < found.ratio.high
    assert found.ratio.rows == 20_000
    assert_allclose(found.equivalent_dimension.value, 1 / (2 * found.ratio.value**2))
    assert found.equivalent_dimension.low < found.equivalent_dimension.value < found.equivalent_dimension.high


def by_definition(distances):
    """All from the whole matrix, in plain NumPy."""
    n = len(distances)
    upper = distances[np.triu_indices(n, 1)]
    others = distances + np.diag(np.full(n, np.inf))
    nearest, farthest, mean = others.min(axis=1), distances.max(axis=1), distances.sum(axis=1) / (n - 1)
    return upper.std() / upper.mean(), mean.mean() / nearest.mean(), (nearest / farthest).mean()


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "manhattan", lambda x, y: abs(x - y) ** 3])
def test_few_rows_are_answered_exactly(metric):
    rows = np.random.default_rng(1).standard_normal((120, 5))
    found = concentration(rows, metric=metric)
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    against = (unit if metric == "cosine" else rows)[:, None]
    apart = np.abs(against - against[:, 0])
    if callable(metric):
        distances = (apart**3).sum(axis=2)
    else:
        distances = apart.sum(axis=2) if metric == "manhattan" else np.sqrt((apart**2).sum(axis=2))
    ratio, contrast, closeness = by_definition(distances)
    assert_allclose(found.ratio.value, ratio, rtol=1e-9)
    assert_allclose(found.relative_contrast.value, contrast, rtol=1e-9)
    assert_allclose(found.nearest_to_farthest.value, closeness, rtol=1e-9)
    assert found.ratio.complete
    assert found.relative_contrast.complete
    assert len(found.rows) == 120
    assert len(found.distances) == 120 * 119 // 2


def test_intervals_hold_what_all_pairs_give():
    rows = np.random.default_rng(2).standard_normal((600, 10))
    wanted = concentration(rows, pairs=10**6)
    assert wanted.ratio.complete
    hits = np.zeros(3)
    for seed in range(40):
        found = concentration(rows, pairs=2000, sample=100, seed=seed)
        for i, name in enumerate(("ratio", "relative_contrast", "nearest_to_farthest")):
            one = getattr(found, name)
            hits[i] += one.low <= getattr(wanted, name).value <= one.high
    assert (hits >= 34).all()


def test_more_dimensions_bring_all_rows_to_one_distance():
    rng = np.random.default_rng(3)
    found = [concentration(rng.random((1000, d)), sample=200) for d in (2, 16, 128)]
    contrasts = [f.relative_contrast.value for f in found]
    assert contrasts[0] > 10 > contrasts[1] > 1.5 > contrasts[2] > 1
    assert found[0].nearest_to_farthest.value < 0.1 < 0.6 < found[2].nearest_to_farthest.value


def test_seeds_and_threads():
    rows = np.random.default_rng(4).standard_normal((500, 12))
    one, two = (concentration(rows, pairs=1000, sample=60, n_jobs=n) for n in (1, 2))
    assert one.ratio == two.ratio
    assert one.relative_contrast == two.relative_contrast
    assert_array_equal(one.rows, two.rows)
    assert concentration(rows, pairs=1000, sample=60, seed=1).ratio != one.ratio
    space = Space(rows, sample=60)
    assert concentration(space, pairs=1000).ratio == one.ratio  # a Space answers as its rows do


def test_copies_constants_and_bad_rows():
    rows = np.random.default_rng(5).standard_normal((50, 4))
    doubled = concentration(np.concatenate([rows, rows]))
    assert doubled.relative_contrast.value == math.inf
    assert doubled.nearest_to_farthest.value == 0
    equal = concentration(np.ones((30, 4)))
    assert math.isnan(equal.ratio.value)
    assert math.isnan(equal.nearest_to_farthest.value)
    assert "std/mean" in str(equal)
    broken = np.insert(rows, 7, np.nan, axis=0)
    found = concentration(broken, on_bad="skip")
    assert 7 not in found.rows
    assert found.rows.max() == 50
    assert found.ratio == concentration(rows).ratio


def test_what_is_no_distance_is_an_error():
    with pytest.raises(InputError, match="dot says how alike rows are, not how far apart"):
        concentration(np.eye(5), metric="dot")
    with pytest.raises(InputError, match="pairs=1; a whole number, 2 at least, is wanted"):
        concentration(np.eye(5), pairs=1)


def test_said_in_words_and_for_programs():
    found = lw.geometry.concentration(np.random.default_rng(6).standard_normal((300, 32)))
    assert "independent Gaussian coordinates, d = 32: 0.125" in str(found)
    assert 2 <= len(str(found).splitlines()) <= 6
    assert json.loads(json.dumps(found.as_dict()))["ratio"]["value"] == found.ratio.value
