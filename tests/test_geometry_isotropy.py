"""How evenly rows use their space, against the definitions of the papers; and rows without their top directions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import Space, isotropy, top_directions
from likewise.geometry.isotropy import effective_rank


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.standard_normal((500, 12)) @ rng.standard_normal((12, 12)) + rng.standard_normal(12)


def isoscore(variances):
    """Steps 3 to 7 of Rudman et al. 2022, as the paper writes them."""
    d = len(variances)
    normed = np.sqrt(d) * variances / np.linalg.norm(variances)
    defect = np.linalg.norm(normed - np.ones(d)) / np.sqrt(2 * (d - np.sqrt(d)))
    share = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return (d * share - 1) / (d - 1)


def test_figures_are_those_of_the_definitions(rows):
    found = isotropy(rows)
    variances = np.linalg.eigvalsh(np.cov(rows.T))[::-1]
    assert_allclose(found.spectrum, variances, rtol=1e-9)
    assert_allclose(found.shares_top, np.cumsum(variances) / variances.sum(), rtol=1e-12)
    assert_allclose(found.isoscore.value, isoscore(variances), rtol=1e-9)
    assert_allclose(found.participation.value, variances.sum() ** 2 / (variances**2).sum(), rtol=1e-9)
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    shares = singular / singular.sum()
    assert_allclose(found.effective_rank.value, np.exp(-(shares * np.log(shares)).sum()), rtol=1e-9)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(len(rows), dtype=bool)]
    assert_allclose(found.mean_cosine.value, cosines.mean(), rtol=1e-9)
    assert_allclose(found.mean_share.value, (rows.mean(axis=0) ** 2).sum() / (rows**2).sum(axis=1).mean(), rtol=1e-9)
    assert found.isoscore.complete
    assert (found.d, found.zero_rows) == (12, 0)


@pytest.mark.parametrize("d", [2, 3, 50, 300])
def test_the_ends_of_the_scale(d):
    even = np.concatenate([np.eye(d), -np.eye(d)])
    found = isotropy(even)
    for name, wanted in {"isoscore": 1, "effective_rank": d, "participation": d, "mean_share": 0}.items():
        assert_allclose(getattr(found, name).value, wanted, atol=1e-9)
    line = np.outer(np.arange(-5.0, 6), np.eye(d)[0])
    found = isotropy(line)
    for name, wanted in {"isoscore": 0, "effective_rank": 1, "participation": 1}.items():
        assert_allclose(getattr(found, name).value, wanted, atol=1e-9)
    assert found.zero_rows == 1
    assert found.axes_for(0.99) == 1


def test_one_dimension():
    found = isotropy(np.arange(1.0, 9)[:, None])
    assert (found.isoscore.value, found.mean_cosine.value, found.effective_rank.value) == (1, 1, 1)


@pytest.mark.parametrize("power", [600, -600])
def test_huge_and_tiny_rows(rows, power):
    wanted, found = isotropy(rows), isotropy(rows * 2.0**power)
    for name in ("mean_cosine", "mean_share", "isoscore", "effective_rank", "participation"):
        assert_allclose(getattr(found, name).value, getattr(wanted, name).value, rtol=1e-12)


def test_a_mean_far_from_zero_costs_no_digits(rows):
    wanted, found = isotropy(rows), isotropy(rows + 2.0**20)
    assert_allclose(found.spectrum, wanted.spectrum, rtol=1e-6)
    assert found.mean_share.value > 0.999


@pytest.mark.parametrize("name", ["mean_cosine", "mean_share", "isoscore", "effective_rank", "participation"])
def test_intervals_cover_what_all_rows_give(name):
    rng = np.random.default_rng(1)
    made = rng.standard_t(5, (8000, 10)) * np.linspace(1, 3, 10) + 0.5
    truth = getattr(isotropy(made), name).value
    hits = 0
    for seed in range(60):
        found = getattr(isotropy(made, sample=1500, seed=seed), name)
        assert (found.rows, found.total) == (1500, 8000)
        hits += found.low <= truth <= found.high
    assert hits >= 51  # 57 of 60 are wanted; three standard deviations of 1.7 below


def test_the_seed_settles_the_rows_and_threads_change_nothing(rows):
    one, two = isotropy(rows, sample=100, seed=3), isotropy(rows, sample=100, seed=3, n_jobs=2)
    assert_array_equal(one.spectrum, two.spectrum)
    assert one.isoscore == two.isoscore
    assert isotropy(rows, sample=100, seed=4).isoscore != one.isoscore


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8, bool])
def test_other_types(dtype):
    made = np.random.default_rng(0).integers(0, 2, (200, 6)).astype(dtype)
    assert_allclose(isotropy(made).spectrum, isotropy(made.astype(float)).spectrum, rtol=1e-12)


def test_constant_columns_and_bad_rows(rows):
    wide = np.concatenate([rows, np.full((500, 2), 3.5)], axis=1)
    assert_allclose(isotropy(wide).effective_rank.value, isotropy(rows).effective_rank.value, rtol=1e-9)
    wide[7] = np.nan
    assert isotropy(wide, on_bad="skip").isoscore.rows == 499
    with pytest.raises(InputError, match="all 20 rows are equal; no direction has any variance"):
        isotropy(np.ones((20, 3)))


def test_it_says_what_it_found(rows):
    found = isotropy(rows, sample=200)
    lines = str(found).splitlines()
    assert lines[0] == "isotropy of 200 of 500 rows in 12 dimensions"
    assert len(lines) == 4
    told = found.as_dict()
    assert told["isoscore"]["rows"] == 200
    assert list(told["axes_for"]) == ["50%", "90%", "99%"]


def test_effective_rank_of_nothing():
    assert effective_rank(np.zeros(3)) == 0


# ---- all but the top


def test_without_the_mean_and_the_largest_directions(rows):
    found = top_directions(rows, remove=(0, 1, 3), k=5)
    centred = rows - rows.mean(axis=0)
    _, _, vt = np.linalg.svd(centred, full_matrices=False)
    before = lw.topk(rows, None, 5, metric="cosine").indices
    for i, count in enumerate((0, 1, 3)):
        left = centred - centred @ vt[:count].T @ vt[:count] if count else rows
        lists = lw.topk(left, None, 5, metric="cosine").indices
        counts = np.bincount(lists.ravel(), minlength=500)
        spread = counts - counts.mean()
        assert_allclose(found.skewness[i], (spread**3).mean() / (spread**2).mean() ** 1.5, rtol=1e-9)
        assert_allclose(found.overlap[i], np.mean([np.isin(a, b).mean() for a, b in zip(lists, before, strict=True)]))
        assert_allclose(found.isoscore[i], isotropy(left).isoscore.value, rtol=1e-6)
        assert_allclose(found.mean_cosine[i], isotropy(left).mean_cosine.value, atol=1e-9)
    assert found.overlap[0] == 1
    assert found.removed == (0, 1, 3)
    assert found.metric == "cosine"


def test_top_directions_of_a_space_are_under_its_metric(rows):
    found = top_directions(Space(rows, "euclidean", sample=100), remove=(0, 2), k=3)
    assert (found.metric, found.rows, found.total) == ("euclidean", 100, 500)
    assert top_directions(rows, remove=(2,), k=3, metric="manhattan").overlap[0] < 1  # of the rows as they were
    assert "   2: mean cosine" in str(found)
    assert found.as_dict()["removed"] == [0, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"remove": (12,)}, "remove=(12,); one count at least is wanted, each below the 12 dimensions"),
        ({"remove": ()}, "remove=(); one count at least is wanted, each below the 12 dimensions"),
        ({"remove": (1, -1)}, "remove=-1; a whole number of directions, 0 at least, is wanted"),
        ({"k": 500}, "k=500, and a row has 499 others"),
        ({"k": 0}, "k=0; a whole number of neighbours, 1 at least, is wanted"),
    ],
)
def test_what_is_refused(rows, options, message):
    with pytest.raises(InputError) as caught:
        top_directions(rows, **options)
    assert str(caught.value) == message
