"""Near duplicates and communities: all pairs that pass, against the definition and against sentence-transformers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import likewise as lw
from likewise.errors import InputError, ShapeError
from likewise.text import communities, duplicates, near_duplicates
from likewise.text import communities as communities_function

RNG = np.random.default_rng(0)


def clusters(n, d=24, groups=12, spread=0.25):
    """Rows around some centres."""
    centres = RNG.standard_normal((groups, d))
    return (centres[RNG.integers(groups, size=n)] + spread * RNG.standard_normal((n, d))).astype(np.float32)


def expected_pairs(vectors, threshold, metric="cosine"):
    """All pairs, by the whole matrix."""
    values = lw.pairwise(vectors.astype(float), metric=metric)
    first, second = np.triu_indices(len(vectors), 1)
    values = values[first, second]
    closer = lw.metrics[metric].closer
    inside = values >= threshold if closer == "larger" else values <= threshold
    order = np.lexsort((second[inside], first[inside], -values[inside] if closer == "larger" else values[inside]))
    return first[inside][order], second[inside][order], values[inside][order]


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.7), ("cosine", -1.0), ("euclidean", 2.5), ("dot", 9.0)])
def test_all_pairs(metric, threshold, monkeypatch):
    vectors = clusters(150)
    for chunk, pairs in ((7, 10**6), (64, 50), (4096, 1)):
        monkeypatch.setattr(duplicates, "_CHUNK", chunk)
        monkeypatch.setattr(duplicates, "_FIRST", min(chunk, 10))
        monkeypatch.setattr(duplicates, "_PAIRS", pairs)
        same(near_duplicates(vectors, threshold, metric=metric), expected_pairs(vectors, threshold, metric))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("most", [1, 50, 3000, 10**6])
def test_the_best_pairs(metric, most, monkeypatch):
    monkeypatch.setattr(duplicates, "_SAMPLE", 20)
    monkeypatch.setattr(duplicates, "_CHUNK", 50)
    monkeypatch.setattr(duplicates, "_FIRST", 20)
    vectors = clusters(200)
    worst = -1.0 if metric == "cosine" else 1e9
    first, second, values = expected_pairs(vectors, worst, metric)
    found = near_duplicates(vectors, worst, metric=metric, max_pairs=most)
    same(found, (first[:most], second[:most], values[:most]))
    few = near_duplicates(vectors, float(values[30]), metric=metric, max_pairs=most)
    assert len(few.first) == min(most, 31)


def test_a_sample_that_misleads_changes_nothing(monkeypatch):
    monkeypatch.setattr(duplicates, "_guess", lambda *_: 0.9999)
    vectors = clusters(100)
    same(near_duplicates(vectors, 0.5, max_pairs=99), [part[:99] for part in expected_pairs(vectors, 0.5)])


def test_equal_rows():
    vectors = np.ones((40, 3), np.float32)
    found = near_duplicates(vectors, 0.5, max_pairs=5)
    assert list(zip(found.first, found.second, strict=True)) == [(0, j) for j in range(1, 6)]
    assert len(near_duplicates(vectors, 1.0).first) == 40 * 39 // 2


def test_many_equal_rows_are_few_pairs_at_a_time(monkeypatch):
    monkeypatch.setattr(duplicates, "_PAIRS", 2000)
    sizes = []
    search = duplicates.within

    def counted(*args, **options):
        found = search(*args, **options)
        sizes.append(len(found.values))
        return found

    monkeypatch.setattr(duplicates, "within", counted)
    found = near_duplicates(np.ones((500, 3), np.float32), 0.5, max_pairs=700)
    assert max(sizes) <= 2000
    assert (found.first[-1], found.second[-1]) == (1, 202)  # 499 of row 0, and 201 of row 1
    assert (np.diff(found.first) >= 0).all()


def test_zero_rows_are_like_nothing():
    vectors = np.array([[0, 0], [0, 0], [1, 0], [2, 0]], np.float32)
    assert near_duplicates(vectors, 0.1).first.tolist() == [2]


def test_texts_and_what_is_none():
    def encode(texts):
        return np.array([[len(text), text.count("a")] for text in texts])

    found = near_duplicates(["aab", "xyz", "aab"], 0.99, model=encode)
    assert (found.first.tolist(), found.second.tolist()) == ([0], [2])
    assert near_duplicates(np.zeros((0, 4)), 0.5).first.tolist() == []
    assert near_duplicates([[1.0, 2.0]], 0.5).values.tolist() == []
    with pytest.raises(InputError, match="texts need a model="):
        near_duplicates(["a", "b"])
    with pytest.raises(InputError, match="threshold=nan; a number is wanted"):
        near_duplicates([[1.0], [2.0]], float("nan"))
    with pytest.raises(InputError, match="max_pairs=0"):
        near_duplicates([[1.0], [2.0]], max_pairs=0)
    with pytest.raises(ShapeError, match=r"vectors have shape \(2, 1, 1\)"):
        near_duplicates(np.ones((2, 1, 1)))


def test_the_pairs_of_sentence_transformers():
    util = pytest.importorskip("sentence_transformers.util")
    torch = pytest.importorskip("torch")
    vectors = clusters(300)
    mined = util.paraphrase_mining_embeddings(torch.from_numpy(vectors), max_pairs=10**6, top_k=300)
    theirs = {(i, j): score for score, i, j in mined if score >= 0.6}
    found = near_duplicates(vectors, 0.6)
    ours = dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.values.tolist(), strict=True))
    assert ours.keys() == theirs.keys()
    assert max(abs(ours[pair] - theirs[pair]) for pair in ours) < 1e-6


# ---- communities


@pytest.mark.parametrize(("threshold", "least"), [(0.6, 5), (0.8, 3), (0.9, 2), (0.3, 20)])
def test_the_communities_of_sentence_transformers(threshold, least):
    util = pytest.importorskip("sentence_transformers.util")
    torch = pytest.importorskip("torch")
    vectors = clusters(400, spread=0.5)
    theirs = util.community_detection(torch.from_numpy(vectors), threshold=threshold, min_community_size=least)
    ours = communities(vectors, threshold, min_size=least)
    assert len(ours) > 3
    assert [row.tolist() for row in ours] == [list(map(int, row)) for row in theirs]


def test_neighbours_that_are_not_kept_are_looked_for_again(monkeypatch):
    import importlib

    module = importlib.import_module("likewise.text.communities")
    vectors = clusters(300, spread=0.5)
    expected = communities(vectors, 0.6, min_size=3)
    for kept, chunk in ((0, 4096), (500, 64), (10**9, 7)):
        monkeypatch.setattr(module, "_KEPT", kept)
        monkeypatch.setattr(duplicates, "_CHUNK", chunk)
        monkeypatch.setattr(duplicates, "_FIRST", chunk)
        found = communities(vectors, 0.6, min_size=3)
        assert [row.tolist() for row in found] == [row.tolist() for row in expected]


@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(-0.5, 1), st.integers(1, 8))
def test_laws_of_communities(seed, n, threshold, least):
    vectors = np.random.default_rng(seed).integers(-2, 3, (n, 3)).astype(float)
    found = communities(vectors, threshold, min_size=least)
    members = np.concatenate(found) if found else np.zeros(0, int)
    assert len(set(members.tolist())) == len(members)  # no row is in two
    assert [len(row) for row in found] == sorted((len(row) for row in found), reverse=True)
    values = lw.pairwise(vectors, metric="cosine")
    for row in found:
        assert len(row) >= least
        alike = values[row[0], row[1:]]
        assert (alike >= threshold).all()
        assert (np.diff(alike) <= 0).all()


def test_communities_of_little():
    assert communities(np.zeros((0, 3)), 0.5) == []
    assert communities([[1.0, 0.0]], 0.5, min_size=2) == []
    assert [row.tolist() for row in communities([[1.0, 0.0]] * 3, 1.0, min_size=3)] == [[0, 1, 2]]
    assert communities_function is lw.text.communities
    with pytest.raises(InputError, match="min_size=0"):
        communities([[1.0]], min_size=0)
