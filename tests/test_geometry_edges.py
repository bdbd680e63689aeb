"""Geometry where rows, labels or distances are odd: what is left out, what is refused, and in which words."""

import math

import numpy as np
import pytest

import likewise as lw
from likewise import geometry
from likewise.errors import InputError, ShapeError
from likewise.report import report

rng = np.random.default_rng(0)
ROWS = rng.standard_normal((300, 12))


def test_separation_by_mahalanobis_does_not_know_scales():
    """Columns 14 orders of magnitude apart are whitened as those of one scale are."""
    labels = (ROWS[:, 0] + rng.standard_normal(300) / 3 > 0).astype(int)
    scales = 10.0 ** rng.permutation(np.linspace(-8, 6, 12))
    away = ROWS[:, None] - ROWS
    distances = np.einsum("abi,ij,abj->ab", away, np.linalg.inv(np.cov(ROWS.T)), away)
    np.fill_diagonal(distances, np.inf)
    truth = float((labels[distances.argmin(axis=1)] == labels).mean())
    for rows in (ROWS, ROWS * scales, np.hstack([ROWS * scales, np.full((300, 1), 0.1)])):
        found = geometry.separation(rows, labels, metrics=["mahalanobis", "cosine"])
        assert {row.metric: row.accuracy.value for row in found.rows}["mahalanobis"] == truth


def test_rows_without_a_label_tell_nothing_of_lengths():
    labels = np.repeat(np.array(["a", "b", None], object), 100)
    rows = np.repeat(np.eye(12)[:3] * 9, 100, axis=0) + ROWS
    found = geometry.norms(rows, labels=labels)
    assert found.by_cosine is not None
    assert found.by_cosine.value > 0.95
    assert found.by_cosine.rows == 200
    assert geometry.norms(rows[:200], labels=labels[:200]).by_cosine.value > 0.95
    with pytest.raises(InputError, match="labels are all missing"):
        geometry.norms(rows, labels=[None] * 300)


def test_hubness_of_too_few_rows_drawn_is_no_number():
    assert math.isnan(geometry.hubness(ROWS, k=2, sample=3).skewness.value)
    assert math.isfinite(geometry.hubness(ROWS, k=2, sample=100).skewness.value)


@pytest.mark.filterwarnings("ignore::likewise.NaNWarning")
def test_lists_with_gaps():
    """A formula that gives no number for most pairs leaves lists short."""
    often = lw.metric(lambda x, y: lw.math.log(x * y))
    found = geometry.top_directions(ROWS, (0,), 3, metric=often)
    assert found.overlap.tolist() == [1.0]
    assert geometry.hubness(ROWS, k=3, metric=often, sample=100).counts.sum() < 300
    with pytest.raises(InputError, match=r"distances that are infinite or no numbers"):
        geometry.intrinsic_dimension(ROWS, metric=often)


@pytest.mark.parametrize("question", [geometry.concentration, geometry.intrinsic_dimension])
def test_distances_beyond_float64_are_refused(question):
    with pytest.raises(InputError, match=r"euclidean gives distances that are infinite or no numbers; divide items"):
        question(ROWS * 1e300)


def test_distances_that_vanish_are_like_those_of_equal_rows():
    assert math.isnan(geometry.concentration(ROWS * 1e-300).ratio.value)


def test_capacity_of_absurd_sizes():
    assert geometry.limit_items(10**120) == math.inf
    assert geometry.capacity(3, 10**400).limit_dimensions > 10**100


def test_rows_left_out_are_named_where_too_few_remain():
    rows = np.vstack([ROWS[:2], np.full((5, 12), np.nan)])
    with pytest.raises(ShapeError, match="items have 2 rows without NaN or infinite values, of 7; the shape"):
        geometry.hubness(rows, on_bad="skip")


def test_transforms_of_one_column_and_of_large_numbers():
    with pytest.raises(InputError, match="directions=1; rows have 1 dimensions, and nothing would be left: take 0"):
        lw.transforms.RemoveTop().fit(ROWS[:, :1])
    np.testing.assert_allclose(
        lw.transforms.Whiten().fit_transform(ROWS * 1e300), lw.transforms.Whiten().fit_transform(ROWS), atol=1e-9
    )


def test_a_report_of_two_tight_clusters_does_not_call_them_even():
    """All variance is on one line, and dot finds the longest of a cluster though lengths hardly vary."""
    rows = ROWS / 10 + np.where(np.arange(300) % 2, 5, -5)[:, None]
    found = {one.key: one.verdict for one in report(rows, only=["norms", "isotropy"]).findings}
    assert found["isotropy"].startswith("The rows lean to no side, but point along few lines: 1 of 12 axes have 90%")
    assert found["norms"].startswith("Lengths hardly vary, but directions of near rows vary less: prefer cosine to dot")


def test_orthogonal_projection_to_all_dimensions_loses_nothing():
    turned = lw.transforms.RandomProjection(12, kind="orthogonal").fit(ROWS)
    np.testing.assert_allclose(turned.components_ @ turned.components_.T, np.eye(12), atol=1e-14)
    half = lw.transforms.RandomProjection(6, kind="orthogonal").fit_transform(ROWS)
    assert 0.9 < np.square(half).sum() / np.square(ROWS).sum() < 1.1  # lengths are kept on average


def test_code_of_a_report_runs_on_its_rows():
    """Few coordinates, and all distances alike: fewer are advised than there are."""
    found = report(np.eye(24), only=["concentration"]).findings[0]
    assert found.code == "items = lw.transforms.Rotate(rank=12).fit_transform(items)"


def test_a_transformer_looks_at_no_more_than_its_context():
    with pytest.raises(InputError, match="tokens=9 are more than context=4, the most that are looked at"):
        lw.costs.transformer(layers=1, width=8, heads=2, context=4, vocabulary=10, tokens=9)


def test_reductions_of_infinite_distances_end():
    """All others are as far as each other: every comparison has the same lists."""
    found = geometry.hubness_reduction(ROWS * 1e200, k=3)
    assert set(found.agreement.values()) == {1.0}
