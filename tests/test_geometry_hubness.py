"""Hubs: who stands in how many lists, by a definition in ten lines; and what brings them down."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import Space, hubness, hubness_reduction
from likewise.geometry.reduction import _log_tail


def defined(rows, k):
    """Skewness of N_k, antihubs and the Robin Hood index, by the whole matrix of distances."""
    n = len(rows)
    distances = np.array([np.sum((rows - row) ** 2, axis=1) for row in rows])
    np.fill_diagonal(distances, np.inf)
    lists = np.argsort(distances, axis=1, kind="stable")[:, :k]
    counts = np.bincount(lists.ravel(), minlength=n)
    deviation = counts - counts.mean()
    skewness = np.mean(deviation**3) / np.mean(deviation**2) ** 1.5 if np.ptp(counts) else 0.0
    return counts, skewness, np.mean(counts == 0), np.abs(counts - k).sum() / (2 * k * n)


def gaussian(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("n", "d", "k"), [(400, 2, 10), (600, 50, 10), (300, 128, 1), (50, 3, 49)])
def test_all_rows_give_what_the_definition_gives_to_the_bit(n, d, k):
    rows = gaussian(n, d)
    found = hubness(rows, k=k)
    counts, skewness, antihubs, robin_hood = defined(rows, k)
    assert_array_equal(found.counts, counts)
    assert found.skewness.value == skewness
    assert found.antihubs.value == antihubs
    assert found.skewness.complete
    assert_allclose(found.robin_hood.value, robin_hood, rtol=1e-14)
    assert_array_equal(found.largest, np.argsort(-counts, kind="stable")[:10])
    assert_array_equal(found.occurrences, counts[found.largest])


def test_any_metric():
    rows = gaussian(200, 20, seed=1)
    lists = lw.topk(rows, None, 5, metric="manhattan").indices
    assert_array_equal(hubness(rows, metric="manhattan", k=5).counts, np.bincount(lists.ravel(), minlength=200))
    alike = lw.topk(rows, None, 5, metric="dot").indices
    assert_array_equal(hubness(rows, metric="dot", k=5).counts, np.bincount(alike.ravel(), minlength=200))


def test_planted_hubs_are_found_and_low_dimensions_have_none():
    rows = gaussian(1500, 100, seed=2)
    planted = np.array([3, 700, 1400])
    rows[planted] *= 0.05  # near the middle of all
    found = hubness(rows)
    assert set(found.largest[:3]) == set(planted)
    assert found.skewness.value > 5
    assert found.occurrences[0] > 500
    assert found.antihubs.value > 0.2
    flat = hubness(np.random.default_rng(2).random((1500, 2)))
    assert abs(flat.skewness.value) < 0.6
    assert flat.antihubs.value < 0.01
    assert flat.robin_hood.value < 0.2
    assert flat.robin_hood.value < found.robin_hood.value


@pytest.mark.parametrize("d", [8, 64])
def test_drawn_lists_tell_the_skewness_of_all_with_an_interval_that_holds_it(d):
    rows = gaussian(4000, d, seed=3).astype(np.float32)
    truth = hubness(rows).skewness.value
    found = [hubness(rows, sample=600, seed=seed) for seed in range(30)]
    values = [one.skewness.value for one in found]
    assert sum(one.skewness.low <= truth <= one.skewness.high for one in found) >= 26
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(30) + 0.02 * truth  # unbiased
    one = found[0]
    assert not one.skewness.complete
    assert one.skewness.rows == 600
    assert one.skewness.total == 4000
    assert one.counts.sum() == 6000
    assert one.antihubs.rows == 1549
    assert "(of 1,549 rows drawn, among themselves)" in str(one)


def test_a_hub_is_found_in_drawn_lists_and_its_occurrences_scaled():
    rows = gaussian(3000, 60, seed=4)
    rows[17] *= 0.01
    whole, drawn = hubness(rows), hubness(rows, sample=500)
    assert drawn.largest[0] == whole.largest[0] == 17
    assert_allclose(drawn.occurrences[0], whole.occurrences[0], rtol=0.2)


def test_copies_and_lists_that_say_too_little():
    rows = np.repeat(gaussian(100, 10, seed=5), 3, axis=0)
    assert hubness(rows, k=2).skewness.value == 0.0  # each row's two copies
    assert hubness(np.ones((20, 3)), k=2).largest[0] == 0  # ties go to the lowest number
    thin = hubness(gaussian(2000, 2, seed=5), sample=4, k=1)
    assert np.isnan(thin.skewness.value)
    assert "skewness" in str(thin)


def test_seeds_threads_and_spaces():
    rows = gaussian(800, 30, seed=6)
    one, two = (hubness(rows, sample=200, n_jobs=n) for n in (1, 2))
    assert one.skewness == two.skewness
    assert one.antihubs == two.antihubs
    assert_array_equal(one.counts, two.counts)
    assert hubness(rows, sample=200, seed=1).skewness != one.skewness
    assert hubness(Space(rows, sample=200)).skewness == one.skewness


def test_rows_left_out_keep_their_numbers():
    rows = gaussian(300, 40, seed=7)
    rows[5] *= 0.01
    broken = np.insert(rows, 0, np.nan, axis=0)
    found = hubness(broken, on_bad="skip")
    assert found.largest[0] == 6
    assert len(found.counts) == 300
    assert hubness_reduction(broken, on_bad="skip").before.largest[0] == 6


def test_what_does_not_fit_is_an_error():
    with pytest.raises(InputError, match="k=5, and a row has 4 others"):
        hubness(np.eye(5), k=5)
    with pytest.raises(InputError, match="k=0; a whole number of neighbours, 1 at least, is wanted"):
        hubness(np.eye(5), k=0)
    with pytest.raises(InputError, match="k=5, and a row has 4 others"):
        hubness_reduction(np.eye(5), k=5)


def test_said_for_programs():
    found = hubness(gaussian(100, 5))
    assert json.loads(json.dumps(found.as_dict()))["largest"] == found.largest.tolist()
    reduced = hubness_reduction(gaussian(100, 5))
    assert json.loads(json.dumps(reduced.as_dict()))["agreement"] == reduced.agreement
    assert 2 <= len(str(found).splitlines()) <= 6
    assert len(str(reduced).splitlines()) == 4


def reduced_lists(rows, k):
    """Lists by the three formulas, from the whole matrix of Euclidean distances."""
    from scipy.stats import norm

    n = len(rows)
    d = np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2))
    off = ~np.eye(n, dtype=bool)
    near = np.sort(np.where(off, d, np.inf), axis=1)[:, :k]
    r, s = near.mean(axis=1), near[:, -1]
    mean = np.array([d[i][off[i]].mean() for i in range(n)])
    std = np.array([d[i][off[i]].std() for i in range(n)])
    scores = {
        "csls": 2 * d - r[:, None] - r,
        "local_scaling": d**2 / (s[:, None] * s),
        "mutual_proximity": -norm.sf((d - mean[:, None]) / std[:, None]) * norm.sf((d - mean) / std),
    }
    lists = {}
    for name, score in scores.items():
        score[~off] = np.inf
        lists[name] = np.argsort(score, axis=1, kind="stable")[:, :k]
    return lists


def test_reductions_are_those_of_their_formulas():
    rows = gaussian(400, 60, seed=8)
    found = hubness_reduction(rows, k=5)
    plain = lw.topk(rows, None, 5, metric="euclidean").indices
    assert_array_equal(found.before.counts, np.bincount(plain.ravel(), minlength=400))
    assert found.before.skewness == hubness(rows, k=5).skewness
    for name, lists in reduced_lists(rows, 5).items():
        counts = np.bincount(lists.ravel(), minlength=400)
        assert_array_equal(getattr(found, name).counts, counts, err_msg=name)
        kept = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(plain, lists, strict=True)])
        assert_allclose(found.agreement[name], kept, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, bool])
def test_rows_of_every_type(dtype):
    rows = (gaussian(300, 24, seed=13) * 3).astype(dtype) if dtype is not bool else gaussian(300, 24, seed=13) > 0
    whole = hubness_reduction(rows.astype(np.float64), k=5)
    found = hubness_reduction(rows, k=5)
    assert_array_equal(found.before.counts, whole.before.counts)
    assert_array_equal(found.mutual_proximity.counts, whole.mutual_proximity.counts)
    assert_array_equal(hubness(rows, k=5).counts, found.before.counts)
    few = lw.geometry.concentration(rows, sample=50)
    assert few.relative_contrast == lw.geometry.concentration(rows.astype(np.float64), sample=50).relative_contrast


def test_csls_of_cosines_is_what_the_search_finds():
    rows = gaussian(300, 40, seed=9)
    itself = (np.arange(301), np.arange(300))
    lists = lw.topk(*lw.csls(rows, k=7), 7, metric="dot", where=itself).indices
    found = hubness_reduction(rows, metric="cosine", k=7)
    assert_array_equal(found.csls.counts, np.bincount(lists.ravel(), minlength=300))
    scaled = lw.transforms.local_scaling(rows, k=7)
    lists = lw.topk(*scaled, 7, metric="dot", where=itself).indices
    found = hubness_reduction(rows, metric="sqeuclidean", k=7)
    assert_array_equal(found.local_scaling.counts, np.bincount(lists.ravel(), minlength=300))


def test_reductions_bring_planted_hubs_down():
    rows = gaussian(1000, 100, seed=10)
    rows[:4] *= 0.05
    found = hubness_reduction(rows)
    for name, reduced in found.reduced.items():
        # skewness would not do: a few hubs far above rows that are now more even are more skewed than before
        assert reduced.robin_hood.value < found.before.robin_hood.value, name
        assert reduced.occurrences[0] < found.before.occurrences[0], name
        assert reduced.antihubs.value < found.before.antihubs.value, name
        assert 0.2 < found.agreement[name] < 1
    assert found.reduced[found.best].robin_hood.value < found.before.robin_hood.value / 1.5
    assert found.reduced[found.best].skewness.value < found.before.skewness.value / 2


def test_reductions_without_distances_with_copies_and_equal_rows():
    rows = gaussian(150, 20, seed=11)
    alike = hubness_reduction(rows, metric="dot")
    assert alike.local_scaling is None
    assert set(alike.agreement) == {"csls", "mutual_proximity"}
    copies = hubness_reduction(np.repeat(rows, 12, axis=0), k=5)
    assert copies.csls.counts.sum() == copies.local_scaling.counts.sum() == 5 * 1800
    equal = hubness_reduction(np.ones((30, 3)), k=4)
    assert equal.mutual_proximity.counts.sum() == 120


def test_reductions_of_drawn_rows_by_seed():
    rows = gaussian(900, 30, seed=12)
    one, two = (hubness_reduction(rows, sample=300, n_jobs=n) for n in (1, 2))
    assert len(one.rows) == 300
    assert one.before.skewness.rows == 300
    assert one.before.skewness.total == 900
    assert one.csls.skewness == two.csls.skewness
    assert not np.array_equal(one.rows, hubness_reduction(rows, sample=300, seed=1).rows)
    assert np.isin(one.before.largest, one.rows).all()


def test_the_tail_of_the_gaussian():
    from scipy.stats import norm

    z = np.linspace(-9, 36, 10_001)
    assert np.abs(_log_tail(z) - norm.logsf(z)).max() < 1e-6
