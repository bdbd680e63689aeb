"""What lengths carry: figures against their definitions, and verdicts on rows made to have or not to have it."""

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import likewise as lw
from likewise.errors import InputError, ShapeError
from likewise.geometry import Space, norms
from likewise.geometry.ranks import ranks, spearman

DATA = Path(os.environ.get("LIKEWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def gaussian(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def planted(n=2000, d=32, groups=10, seed=0):
    """Groups of directions; each group has a length of its own. And the groups."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, n)
    directions = lw.normalize(2 * rng.standard_normal((groups, d))[group] + rng.standard_normal((n, d)))
    return directions * (1 + 0.2 * group + 0.05 * rng.standard_normal(n))[:, None], group


def test_figures_are_those_of_the_definitions():
    rows = gaussian(300, 6) * np.exp(gaussian(300, 1, 1))
    found = norms(rows, 5)
    lengths = np.linalg.norm(rows, axis=1)
    assert_allclose(found.mean.value, lengths.mean())
    assert_allclose(found.variation.value, lengths.std() / lengths.mean())
    assert_allclose((found.smallest, found.largest), (lengths.min(), lengths.max()))
    assert_allclose(found.norms, lengths)
    assert_allclose(found.chance, 1 / np.sqrt(12))
    dot, cosine = (lw.topk(rows, None, 5, metric=name).indices for name in ("dot", "cosine"))
    assert_allclose(found.agreement.value, np.mean([np.isin(a, b).mean() for a, b in zip(dot, cosine, strict=True)]))
    scipy = pytest.importorskip("scipy.stats")
    unit = lw.normalize(rows)
    columns = (lengths, lengths[cosine].mean(axis=1), unit @ unit.mean(axis=0))
    xy, xz, yz = (scipy.spearmanr(columns[i], columns[j]).statistic for i, j in ((0, 1), (0, 2), (1, 2)))
    assert_allclose(found.structure.value, (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)), rtol=1e-9)
    assert_allclose(found.longest.value, np.isin(dot, np.argsort(-lengths)[:3]).mean())
    assert found.agreement.complete
    assert found.structure.complete
    assert not found.unit


@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_those_of_scipy(ties):
    scipy = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 10, 200) if ties else rng.random(200) for _ in range(2))
    assert_allclose(ranks(x), scipy.rankdata(x) - 1)
    assert_allclose(spearman(x, y), scipy.spearmanr(x, y).statistic, rtol=1e-9)
    assert spearman(x, np.ones(200)) == 0


@pytest.mark.parametrize("d", [4, 16, 64, 512])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gaussian_lengths_carry_nothing(d, seed):
    found = norms(gaussian(2000, d, seed))
    assert found.information == "none"
    assert_allclose(found.variation.value, found.chance, rtol=0.1)
    assert found.prefer == "cosine"
    assert "as chance makes" in found.reasons[0]


@pytest.mark.parametrize("sample", [None, 500])
def test_planted_lengths_are_found(sample):
    rows, _ = planted()
    found = norms(rows, sample=sample)
    assert found.information == "strong"
    assert found.structure.value > 0.8
    assert found.reasons[0].startswith("rows that point alike are alike long: correlation 0.9")
    shuffled = lw.normalize(rows) * np.random.default_rng(0).permutation(np.linalg.norm(rows, axis=1))[:, None]
    found = norms(shuffled, sample=sample)
    assert abs(found.structure.value) < 0.1
    assert found.information == "some"  # they vary by more than chance makes them
    assert "and chance makes" in found.reasons[0]


def test_lengths_that_follow_a_number_given():
    rng = np.random.default_rng(0)
    count = rng.exponential(size=1500)
    rows = lw.normalize(gaussian(1500, 32)) * (1 + 0.05 * count)[:, None]
    assert norms(rows).information != "strong"
    found = norms(rows, popularity=count)
    assert (found.information, round(found.popularity.value, 6)) == ("strong", 1)
    assert norms(rows, popularity=np.where(count < 1, np.nan, count)).popularity.rows == (count >= 1).sum()
    assert norms(rows, popularity=rng.random(1500)).information != "strong"


def test_labels_decide():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 1200)
    rows = gaussian(1200, 8, 3)
    rows[:, 0] += np.where(label, 6, 1)  # the same direction, another length
    found = norms(rows, labels=label)
    dot, cosine = (label[lw.topk(rows, None, 1, metric=name).indices[:, 0]] == label for name in ("dot", "cosine"))
    assert (found.by_dot.value, found.by_cosine.value) == (dot.mean(), cosine.mean())
    assert_allclose(found.better_by.value, dot.mean() - cosine.mean())
    assert found.prefer == ("dot" if dot.mean() > cosine.mean() else "cosine")
    words = np.array(["a", "b"])[label]
    assert norms(rows, labels=words).by_dot == found.by_dot
    assert norms(rows, labels=rng.integers(0, 2, 1200)).prefer in ("either", "dot", "cosine")
    assert "the first neighbour has the row's label" in str(found)


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("d", [8, 64])
def test_gaussian_rows_around_a_mean_and_their_copies_carry_nothing(mean, d):
    rows = gaussian(2000, d, 5) + mean
    once, twice = norms(rows), norms(np.concatenate([rows, rows]))
    assert once.information == twice.information == "none"
    assert (twice.copies, once.copies, twice.among) == (2000, 0, 2000)
    assert_allclose(once.structure.value, twice.structure.value, atol=1e-9)
    if d > 8 or not mean:
        beside = np.concatenate([rows, np.full((2000, 2), 3.0)], axis=1)
        assert norms(beside).information == "none"


def test_unit_rows():
    found = norms(lw.normalize(gaussian(500, 16)), labels=np.arange(500) % 3)
    assert found.unit
    assert (found.agreement.value, found.rank_correlation.value, found.information, found.prefer) == (
        1,
        1,
        "none",
        "either",
    )
    assert found.better_by.value == 0
    near = lw.normalize(gaussian(500, 16)) * (1 + 1e-4 * gaussian(500, 1, 2))
    assert norms(near).unit
    assert norms(near).agreement.value > 0.97


def test_fashion_images_are_found_by_their_direction():
    folder = DATA / "fashion-mnist"
    if not folder.exists():
        pytest.skip(f"{folder} is absent (set LIKEWISE_DATA)")
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + 3000 * 784), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + 3000), np.uint8, offset=8)
    found = norms(images, labels=labels)
    assert found.information == "some"  # a coat is a larger picture than a sandal
    assert found.prefer == "cosine"  # and yet large pictures are not what a sandal is like
    assert found.by_dot.value < 0.5 < found.by_cosine.value
    assert norms(images).prefer == "cosine"  # half of what dot finds is the longest hundredth


def test_drawn_rows_have_intervals():
    rows, label = planted(3000)
    everything, found = norms(rows, labels=label), norms(rows, labels=label, sample=400, seed=2)
    assert (found.structure.rows, found.structure.total) == (400, 3000)
    for name in ("agreement", "structure", "by_dot", "by_cosine", "longest"):
        drawn, truth = getattr(found, name), getattr(everything, name).value
        assert drawn.low - 0.01 <= truth <= drawn.high + 0.01
    assert found.mean.complete
    assert found.rank_correlation.rows == 200


def test_a_large_set_is_searched_in_part(monkeypatch):
    rows, label = planted(6000)
    wanted = norms(rows, labels=label)
    monkeypatch.setattr(sys.modules["likewise.geometry.norms"], "NUMBERS", 32 * 3000)
    found = norms(rows, labels=label)
    assert (wanted.among, found.among) == (6000, 3000)
    assert (found.structure.rows, found.structure.total, found.mean.complete) == (3000, 6000, True)
    assert found.information == wanted.information == "strong"
    for name in ("structure", "by_dot", "by_cosine"):
        assert abs(getattr(found, name).value - getattr(wanted, name).value) < 0.05


def test_zero_rows_bad_rows_and_huge_ones():
    rows = gaussian(300, 8)
    rows[5] = 0
    assert norms(rows).smallest == 0
    assert norms(np.zeros((50, 3))).information == "none"
    rows[9] = np.inf
    label = np.arange(300) % 4
    assert norms(rows, labels=label, on_bad="skip").n == 299
    assert (
        norms(Space(rows, on_bad="skip"), labels=np.delete(label, 9)).by_dot
        == norms(rows, labels=label, on_bad="skip").by_dot
    )
    assert norms(gaussian(500, 4) * 1e150).information == "none"
    with pytest.raises(InputError, match=r"rows are up to .*e\+200 long, and their products overflow; divide"):
        norms(gaussian(100, 4) * 1e200)


def test_threads_change_nothing():
    rows, label = planted(600)
    one, two = (norms(rows, labels=label, n_jobs=n).as_dict() for n in (1, 2))
    assert one == two


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 50}, InputError, "k=50, and a row has 49 others"),
        ({"labels": [1, 2]}, ShapeError, "there are 2 labels, and 50 rows"),
        ({"popularity": ["a"] * 50}, InputError, "popularity holds <U1; a number for each row is wanted"),
        ({"popularity": [np.nan] * 50}, InputError, "popularity has 0 finite numbers; 3 at least are wanted"),
    ],
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error) as caught:
        norms(gaussian(50, 4), **options)
    assert str(caught.value) == message
