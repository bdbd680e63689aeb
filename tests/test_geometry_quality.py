"""What is wrong with rows: planted faults, and every array against a definition in plain Python."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from likewise.errors import DtypeError, InputError, ShapeError
from likewise.geometry import Space, quality
from likewise.geometry import quality as _exported
from likewise.geometry.quality import _groups


@pytest.fixture
def rows():
    return np.random.default_rng(0).standard_normal((500, 12))


def test_nothing_wrong(rows):
    found = quality(rows)
    assert found.good
    assert str(found).endswith(
        "\nnothing is wrong with them: no bad, empty, far or repeated rows, no idle or overwhelming columns"
    )
    lengths = np.linalg.norm(rows, axis=1)
    assert_allclose([found.shortest, found.longest, found.mean_length], [lengths.min(), lengths.max(), lengths.mean()])
    assert not found.unit
    assert_allclose(found.scales, rows.std(axis=0) / np.median(rows.std(axis=0)))


def test_each_fault_is_named(rows):
    rows[3, 2], rows[7, 0], rows[9, 1] = np.nan, np.inf, -np.inf
    rows[20] = 0
    rows[21] = -0.0
    rows[:, 4] = 5.0
    rows[20:22, 4] = 0  # so that column is not constant, and these rows are empty
    rows[:, 5] *= 1e4
    rows[:, 6] *= 1e-5
    rows[:, 8] = 2.5
    rows[20:22, 8] = 0
    rows[:, 9] = np.nan
    found = quality(rows)
    assert_array_equal(found.bad_columns, [9])
    assert len(found.bad_rows) == 500  # each has a NaN there
    assert_array_equal(found.constant_columns, [])
    assert np.isnan(found.scales).all()

    found = quality(rows[:, :9])
    assert_array_equal(found.bad_rows, [3, 7, 9])
    assert_array_equal(found.zero_rows, [20, 21])
    assert_array_equal(found.wide_columns, [5])
    assert_array_equal(found.near_constant_columns, [6])
    assert found.duplicate_rows == 1
    assert_array_equal(found.duplicate_groups[0], [20, 21])
    assert not found.good

    found = quality(np.delete(rows[:, :9], [20, 21], axis=0))
    assert_array_equal(found.constant_columns, [4, 8])
    assert str(found).splitlines()[1:] == [
        "3 rows with NaN or infinite values: 3, 7, 9",
        "2 columns of one value: 4, 8",
        "1 column with less than 0.001 of the median spread: 6",
        "1 column with more than 100 times the median spread: 5",
    ]


@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.float16]),
        st.tuples(st.integers(1, 30), st.integers(1, 9)),
        elements=st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, float("nan"), float("inf")]),
    )
    | arrays(
        st.sampled_from([np.int8, np.uint8, bool]),
        st.tuples(st.integers(1, 30), st.integers(1, 5)),
        elements=st.just(1),
    )
    | arrays(st.sampled_from([np.int8]), st.tuples(st.integers(1, 30), st.integers(1, 3)))
)
def test_copies_are_those_of_a_plain_count(rows):
    found = quality(rows)
    good = [i for i in range(len(rows)) if all(np.isfinite(float(value)) for value in rows[i])]
    assert_array_equal(found.bad_rows, sorted(set(range(len(rows))) - set(good)))
    counts = Counter(tuple(float(value) for value in rows[i]) for i in good)  # 0.0 == -0.0, and they hash alike
    assert found.duplicate_rows == sum(count - 1 for count in counts.values())
    assert list(found.duplicate_sizes) == sorted((c for c in counts.values() if c > 1), reverse=True)[:10]
    for group in found.duplicate_groups:
        assert len({tuple(float(value) for value in rows[i]) for i in group}) == 1
        assert list(group) == sorted(group)
    columns = range(rows.shape[1]) if good else []
    assert_array_equal(found.constant_columns, [j for j in columns if len({float(rows[i, j]) for i in good}) == 1])
    assert_array_equal(found.zero_rows, [i for i in good if not any(rows[i])])


def test_rows_of_one_hash_that_are_not_equal_are_told_apart():
    rows = np.array([[1.0], [2.0], [1.0], [3.0], [2.0], [1.0]])
    groups, repeats = _groups(rows, np.zeros(6, np.uint64), np.arange(6))
    assert [group.tolist() for group in groups] == [[0, 2, 5], [1, 4]]
    assert repeats == 3


def test_half_of_the_rows_twice(rows):
    found = quality(np.vstack([rows, rows[::-1]]).astype(np.float32))
    assert found.duplicate_rows == 500
    assert len(found.duplicate_groups) == 10
    assert_array_equal(found.duplicate_groups[0], [0, 999])
    assert "500 rows equal to an earlier one; the most frequent, row 0, is there 2 times" in str(found)


def test_the_largest_groups_come_first(rows):
    rows[100:350], rows[400:450] = rows[0], rows[1]
    found = quality(rows)
    assert found.duplicate_sizes == (251, 51)
    assert_array_equal(found.duplicate_groups[0][:3], [0, 100, 101])
    assert [len(group) for group in found.duplicate_groups] == [100, 51]
    assert found.duplicate_rows == 300


def test_unit_rows(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert quality(unit.astype(np.float16)).unit
    assert quality(unit).unit
    assert not quality(unit * 1.01).unit


def test_far_rows(rows):
    rows[[3, 400]] = [[1e5], [-1e7]]
    found = quality(rows)
    assert_array_equal(found.far_rows, [400, 3])
    away = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    assert_allclose(found.remoteness, away / np.median(away))
    assert found.far_share == pytest.approx((away[[3, 400]] ** 2).sum() / (away**2).sum())
    usual = np.delete(rows, [3, 400], axis=0).std(axis=0)
    assert_allclose(found.scales, usual / np.median(usual))
    assert len(found.wide_columns) == 0
    assert "2 rows over 30 times as far from the middle as the usual one: 400, 3" in str(found)
    assert not found.good
    assert found.as_dict()["far_rows"] == {"count": 2, "first": [400, 3]}


def test_far_rows_have_to_be_few(rows):
    for count, named in ((25, 25), (26, 0)):
        shifted = rows.copy()
        shifted[:count] += 1e4
        assert len(quality(shifted).far_rows) == named


def test_far_rows_of_many_rows_are_those_of_a_drawn_middle():
    rows = np.random.default_rng(2).standard_normal((60_000, 80))  # more than medians are taken of
    rows[[5, 50_000]] *= 1e3
    found = quality(rows)
    assert_array_equal(np.sort(found.far_rows), [5, 50_000])
    away = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    assert_allclose(found.remoteness, away / np.median(away), rtol=0.01)
    assert_array_equal(quality(rows).remoteness, found.remoteness)


@pytest.mark.parametrize(("usual", "odd"), [(1.0, 1e300), (1e-300, 1.0), (1e-160, 1e140), (1e300, 1e308)])
def test_far_rows_of_any_scale(rows, usual, odd):
    scales = quality(rows).scales
    rows *= usual
    rows[0] = odd
    found = quality(rows)
    assert_array_equal(found.far_rows, [0])
    assert found.far_share == pytest.approx(1, abs=1e-4)
    assert_allclose(found.scales, scales, rtol=0.2)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 1e307])
def test_any_scale(rows, scale):
    found = quality(rows * scale)
    assert_array_equal(found.zero_rows, [])
    assert found.longest == pytest.approx(
        np.linalg.norm(rows, axis=1).max() * scale, rel=1e-6 if scale > 1e-300 else 0.1
    )
    assert_allclose(found.scales, quality(rows).scales, rtol=1e-6 if scale > 1e-300 else 0.1)


def test_the_ends_of_float64():
    largest = np.finfo(np.float64).max
    found = quality([[largest, -largest], [-largest, largest], [largest, 0.0]])
    assert found.longest == np.inf
    assert np.isfinite(found.scales).all()


def test_a_far_mean_does_not_hide_a_spread():
    rows = np.random.default_rng(1).standard_normal((1000, 3)) + np.array([0, 1e7, 0])
    assert_allclose(quality(rows).scales, rows.std(axis=0) / np.median(rows.std(axis=0)), rtol=1e-6)


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.zeros((1, 3)), np.full((4, 3), np.nan), np.zeros((3, 1), bool)])
def test_few_rows_or_none(rows):
    found = quality(rows)
    assert found.n == len(rows)
    assert str(found)
    assert found.as_dict()["n"] == len(rows)


def test_near_duplicates(rows):
    rows[250:] = rows[:250] * 3 + 1e-4
    found = quality(rows, near=0.999)
    assert found.near_duplicates.value == 1.0
    assert found.near_duplicates.complete
    drawn = quality(rows, near=0.999, sample=100, seed=3).near_duplicates
    assert (drawn.rows, drawn.total) == (100, 500)
    assert quality(rows[:250], near=0.999).near_duplicates.value == 0.0
    assert quality(rows[:1], near=0.999).near_duplicates is None
    rows[0] = np.nan
    assert quality(rows, near=0.999).near_duplicates.total == 499


def test_other_holders_of_numbers(rows):
    torch = pytest.importorskip("torch")
    found = quality(torch.from_numpy(rows).to(torch.bfloat16))
    assert (found.dtype, found.n) == ("bfloat16", 500)
    assert quality(Space(rows)).n == 500
    assert quality(rows.tolist()).good
    assert _exported is quality


def test_progress(rows):
    calls = []
    quality(rows, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (2, 2)


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        (np.ones((2, 3, 4)), {}, ShapeError, "items have shape (2, 3, 4); one set of rows, of shape (n, d), is wanted"),
        (np.ones((3, 2)), {"near": 2}, InputError, "near=2; a cosine from -1 to 1 is wanted, such as 0.999"),
        (np.ones((3, 2)), {"near": "x"}, InputError, "near='x'; a cosine from -1 to 1 is wanted, such as 0.999"),
        (["a"], {}, DtypeError, None),
    ],
)
def test_what_is_refused(rows, options, error, message):
    with pytest.raises(error) as caught:
        quality(rows, **options)
    assert message is None or str(caught.value) == message
