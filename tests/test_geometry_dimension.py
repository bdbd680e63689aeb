"""Intrinsic dimension: against scikit-dimension, which is installed beside for this, and against what is known."""

import gzip
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import Space, intrinsic_dimension
from likewise.geometry.copies import first_equals

DATA = Path(os.environ.get("LIKEWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))
METHODS = ("twonn", "mle", "local_pca", "correlation")


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it and numba warn when they are imported
        return pytest.importorskip("skdim").id


def sphere(n, d, seed=0):
    """Rows on the sphere of d dimensions, in d + 1."""
    return lw.normalize(np.random.default_rng(seed).standard_normal((n, d + 1)))


def roll(n, seed=0):
    """A Swiss roll: two dimensions, rolled up in three."""
    rng = np.random.default_rng(seed)
    angle, height = 1.5 * np.pi * (1 + 2 * rng.random(n)), 21 * rng.random(n)
    return np.stack([angle * np.cos(angle), height, angle * np.sin(angle)], axis=1)


def affine(n, d=5, wide=20, seed=0):
    """A cube of d dimensions, laid into more."""
    rng = np.random.default_rng(seed)
    return rng.random((n, d)) @ rng.standard_normal((d, wide)) + 7


def fashion(n):
    path = DATA / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent (set LIKEWISE_DATA)")
    with gzip.open(path) as file:
        return np.frombuffer(file.read(16 + n * 784), np.uint8, offset=16).reshape(n, 784)


MADE = {"sphere": (sphere, (800, 4)), "roll": (roll, (800,)), "affine": (affine, (800,)), "fashion": (fashion, (2000,))}


@pytest.fixture(scope="module", params=MADE)
def rows(request):
    make, given = MADE[request.param]
    return make(*given)


def theirs(peer, way, rows, **settings):
    """The same definition there."""
    with np.errstate(divide="ignore"):  # of -ln(1 - F) at the last ratio, which it does not use
        return _theirs(peer, way, rows, **settings)


def _theirs(peer, way, rows, **settings):
    if way == "local_pca":
        one = peer.lPCA(**settings).fit_pw(rows, n_neighbors=100)
        return float(np.mean(one.dimension_pw_)), one.dimension_pw_
    if way == "mle":
        comb = settings.pop("comb", "mle")
        one = peer.MLE(**settings).fit(rows, n_neighbors=20, comb=comb)
        return one.dimension_, one.dimension_pw_
    one = {"twonn": peer.TwoNN, "correlation": peer.CorrInt}[way](**settings).fit(rows)
    return one.dimension_, None


@pytest.mark.parametrize("method", METHODS)
def test_it_is_what_scikit_dimension_finds(peer, rows, method):
    if method == "local_pca" and rows.shape[1] > 100:
        rows = rows[:400]
    found = intrinsic_dimension(rows, method)
    value, local = theirs(peer, method, rows.astype(np.float64))
    assert_allclose(found.value.value, value, rtol=1e-6)
    assert found.value.complete
    assert found.copies == found.left_out == 0
    if local is not None:
        assert_allclose(found.local, local, rtol=1e-6)


@pytest.mark.parametrize(
    ("method", "ours", "other"),
    [
        ("twonn", {"discard": 0.3}, {"discard_fraction": 0.3}),
        ("twonn", {"fit": "likelihood"}, {"method": "mle"}),
        ("twonn", {"fit": "likelihood", "discard": 0}, {"method": "mle", "discard_fraction": 0}),
        ("mle", {"unbiased": True, "average": "mean"}, {"unbiased": True, "comb": "mean"}),
        ("mle", {"average": "median"}, {"comb": "median"}),
        ("local_pca", {"threshold": 0.2}, {"alphaFO": 0.2}),
        ("local_pca", {"rule": "fan"}, {"ver": "Fan"}),
        ("local_pca", {"rule": "share", "threshold": 0.6}, {"ver": "ratio", "alphaRatio": 0.6}),
        ("local_pca", {"rule": "participation"}, {"ver": "participation_ratio"}),
        ("correlation", {"k_small": 4, "k": 9}, {"k1": 4, "k2": 9}),
    ],
)
def test_settings_are_those_of_scikit_dimension(peer, method, ours, other):
    made = affine(300) + 0.2 * np.random.default_rng(1).standard_normal((300, 20))
    value, _ = theirs(peer, method, made, **other)
    assert_allclose(intrinsic_dimension(made, method, **ours).value.value, value, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("make", "d"), [(lambda: sphere(2000, 3), 3), (lambda: roll(2000), 2), (lambda: affine(2000), 5)]
)
def test_dimensions_that_are_known(method, make, d):
    k = 20 if method == "local_pca" else None  # few enough that a roll is flat
    found = intrinsic_dimension(make(), method, k=k)
    assert d - 1 < found.value.value < d + 0.5
    assert d - 1.2 < np.nanmedian(found.local) < d + 0.5


@pytest.mark.parametrize("method", METHODS)
def test_rows_drawn_meet_all_and_have_an_interval_around_the_answer(method):
    made = affine(3000)
    whole = intrinsic_dimension(made, method, k=30 if method == "local_pca" else None, sample=3000)
    drawn = intrinsic_dimension(made, method, k=30 if method == "local_pca" else None, sample=400)
    assert (drawn.value.rows, drawn.value.total, len(drawn.local)) == (400, 3000, 400)
    assert drawn.value.low - 0.1 <= whole.value.value <= drawn.value.high + 0.1
    assert drawn.value.high - drawn.value.low < 1.2
    if method != "correlation":  # whose radii are medians of the rows drawn
        assert_array_equal(drawn.local, whole.local[drawn.rows])


@pytest.mark.parametrize("method", METHODS)
def test_rows_that_repeat_change_nothing_and_are_counted(method):
    made = affine(500)
    twice = np.concatenate([made, made[:400], made[:100]])
    once, again = intrinsic_dimension(made, method), intrinsic_dimension(twice, method)
    assert_allclose(again.value.value, once.value.value, rtol=1e-12)
    assert_array_equal(again.local, once.local)
    assert (again.copies, once.copies, again.value.complete) == (500, 0, True)
    assert "500 rows repeat earlier ones, and were taken out" in str(again)


def test_rows_that_repeat_left_out_as_scikit_dimension_does(peer):
    made = affine(300, 2, 3)
    made[250:] = made[:50]
    with pytest.warns(UserWarning, match="Dropping 100 points"):
        value = peer.TwoNN().fit(made).dimension_
    found = intrinsic_dimension(made, duplicates="leave_out")
    assert_allclose(found.value.value, value, rtol=1e-6)
    assert (found.copies, found.left_out, found.value.rows, found.value.complete) == (0, 100, 200, True)
    assert "100 rows were left out: a neighbour is at distance 0" in str(found)


def test_rows_at_distance_0_that_differ_are_left_out():
    made = affine(300)
    made[-10:] = 3 * made[:10]  # the same direction
    found = intrinsic_dimension(made, metric="cosine")
    assert (found.copies, found.left_out) == (0, 20)
    assert 3 < found.value.value < 5


def test_whole_numbers_with_ties():
    made = np.random.default_rng(0).integers(0, 6, (600, 4))
    for method in METHODS:
        found = intrinsic_dimension(made.astype(np.uint8), method, metric="euclidean")
        assert np.isfinite(found.value.value)
        assert not np.isinf(found.local).any()
        assert found.copies == 600 - len(np.unique(made, axis=0))


@pytest.mark.parametrize("metric", ["manhattan", "cosine", "sqeuclidean", lambda x, y: abs(x - y) ** 1.5])
def test_any_distance(metric):
    found = intrinsic_dimension(sphere(1000, 3), "mle", metric=metric)
    power = 1.5 if callable(metric) else 1  # distances to the power p divide the dimension by p
    assert 2.4 < found.value.value * power < 3.3
    if not callable(metric):
        assert 2.4 < intrinsic_dimension(sphere(1000, 3), "correlation", metric=metric).value.value < 3.3


def test_threads_and_spaces_change_nothing():
    made = affine(700)
    space = Space(made, n_jobs=1)
    for method in METHODS:
        one, two = intrinsic_dimension(space, method), intrinsic_dimension(made, method, n_jobs=2)
        assert one.value == two.value
        assert_array_equal(one.local, two.local)


def test_float32_and_huge_and_tiny_numbers():
    made = affine(400)
    for method in METHODS:
        wanted = intrinsic_dimension(made, method).value.value
        assert_allclose(intrinsic_dimension(made.astype(np.float32), method).value.value, wanted, rtol=0.02)
        assert_allclose(intrinsic_dimension(made * 2.0**400, method).value.value, wanted, rtol=1e-12)
        assert_allclose(intrinsic_dimension(made * 2.0**-400, method).value.value, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("pca", {}, "method='pca' is not known; it is one of twonn, mle, local_pca, correlation"),
        ("mle", {"discard": 0.2}, "mle has no setting discard=; it has average, unbiased"),
        ("twonn", {"k": 5}, "k=5: twonn looks at two neighbours; mle at more"),
        ("twonn", {"discard": 0}, "discard=0; a share below 1 is wanted, above 0 for fit='line'"),
        ("twonn", {"discard": 0.99}, "discard=0.99 leaves fewer than 2 of 40 rows; discard less"),
        ("twonn", {"fit": "curve"}, "fit='curve' is not known; it is 'line' or 'likelihood'"),
        ("twonn", {"duplicates": "keep"}, "duplicates='keep' is not known; it is 'merge' or 'leave_out'"),
        ("mle", {"k": 1}, "k=1; a whole number of neighbours, 2 at least, is wanted"),
        ("mle", {"k": 2, "unbiased": True}, "k=2 is too small for mle with unbiased=True; take 10 or 20"),
        ("mle", {"k": 40}, "k=40, and a row has 39 others"),
        ("mle", {"average": "mode"}, "average='mode' is not known; it is one of inverses, mean, median"),
        (
            "local_pca",
            {"rule": "elbow"},
            "rule='elbow' is not known; it is one of fukunaga_olsen, share, participation, fan",
        ),
        ("local_pca", {"threshold": 2}, "threshold=2; fukunaga_olsen takes a share from 0 to 1"),
        ("local_pca", {"rule": "fan", "threshold": 0.1}, "threshold=0.1; fan takes none"),
        (
            "local_pca",
            {"metric": "manhattan"},
            "local_pca decomposes rows themselves, so it is Euclid's; manhattan takes another",
        ),
        ("correlation", {"k_small": 20}, "k_small=20 is not below k=20; two radii are wanted"),
    ],
)
def test_what_is_refused(method, settings, message):
    with pytest.raises(InputError) as caught:
        intrinsic_dimension(affine(40), method, **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("method", METHODS)
def test_rows_that_do_not_differ(method):
    with pytest.raises(InputError, match="items have 1 rows that differ; a dimension shows in 3 at least"):
        intrinsic_dimension(np.ones((50, 4)), method)
    with pytest.raises(InputError, match="euclidean finds another row at distance 0 from all but 0 of 50; a dimension"):
        intrinsic_dimension(np.ones((50, 4)), method, duplicates="leave_out")
    if method != "local_pca":  # where all is as far from all, variances are still those of 49 directions
        with pytest.raises(
            InputError, match=r"nearest of 50 rows are as far as each other; a dimension needs distances"
        ):
            intrinsic_dimension(np.eye(50), method)
    with pytest.raises(InputError, match="dot says how alike rows are, not how far apart"):
        intrinsic_dimension(affine(40), method, metric="dot")


def test_it_says_what_it_found():
    found = intrinsic_dimension(sphere(500, 3), "mle", sample=100)
    told = found.as_dict()
    assert (told["method"], told["metric"], told["d"], told["k"]) == ("mle", "euclidean", 4, 20)
    assert told["value"]["rows"] == 100
    assert len(told["local_quartiles"]) == 3
    lines = str(found).splitlines()
    assert lines[0].startswith("intrinsic dimension 2.")
    assert lines[0].endswith("of 4, by mle under euclidean")
    assert lines[1] == "from the 20 nearest of 100 rows, among 500"
    assert len(lines) == 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8, np.uint8, bool])
def test_equal_rows(dtype):
    rng = np.random.default_rng(0)
    made = rng.integers(0, 2, (400, 9)).astype(dtype)
    _, first, inverse = np.unique(made, axis=0, return_index=True, return_inverse=True)
    assert_array_equal(first_equals(made), first[inverse.reshape(-1)])
    wide = rng.standard_normal((50, 7))
    assert_array_equal(first_equals(wide), np.arange(50))


def test_equal_rows_with_signs_and_holes():
    made = np.array([[0.0, 1.0], [-0.0, 1.0], [np.nan, 1.0], [np.nan, 1.0], [0.0, 1.0]])
    assert_array_equal(first_equals(made), [0, 0, 2, 3, 0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_rows_that_are_prepared_first_give_the_same(method, metric, monkeypatch):
    if (method, metric) == ("local_pca", "cosine"):
        pytest.skip("local_pca is Euclid's")
    rows = affine(600).astype(np.float32)
    twice = np.concatenate([rows, rows[:200]])
    wanted = intrinsic_dimension(twice, method, metric=metric, sample=500)
    monkeypatch.setattr(sys.modules["likewise.geometry.space"], "UNPREPARED", 0)
    space = Space(twice, metric, sample=500)
    found = intrinsic_dimension(space, method)
    assert found.value == wanted.value
    assert found.copies == 200
    assert_array_equal(found.local, wanted.local)
