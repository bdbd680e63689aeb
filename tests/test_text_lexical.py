"""Words: BM25 against its definition and bm25s, fusion against its definition."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from likewise.errors import InputError, ShapeError
from likewise.reductions import TopK
from likewise.terms import words
from likewise.text import Bm25, TfIdf, Vectorizer, fuse

TEXTS = [
    "A man rides a bike, a red bike.",
    "Two dogs play in the park",
    "the man and the dog",
    "",
    "Straße STRASSE straße",
    "fahrradfahrer fahrrad",
]


# ---- BM25


def bm25_score(query, text, texts, k1=1.5, b=0.75):
    """The definition, term by term."""
    n, mean = len(texts), np.mean([len(words(text)) for text in texts])
    length, total = len(words(text)), 0.0
    for term in words(query):
        df = sum(term in words(other) for other in texts)
        tf = words(text).count(term)
        total += math.log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * length / mean))
    return total


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (1.2, 0.0)])
def test_bm25_is_its_definition(k1, b):
    made = Bm25(k1=k1, b=b).fit(TEXTS)
    for query in ("a red bike", "the dog dog", "man"):
        found = made.search([query], len(TEXTS))
        expected = np.array([bm25_score(query, text, TEXTS, k1, b) for text in TEXTS])
        order = [place for place in np.argsort(-expected, kind="stable") if expected[place] > 0]
        assert found.indices[0][: len(order)].tolist() == order
        np.testing.assert_allclose(found.values[0][: len(order)], expected[order], rtol=1e-12)
        assert (found.indices[0][len(order) :] == -1).all()
        assert np.isnan(found.values[0][len(order) :]).all()


def test_bm25_is_that_of_bm25s():
    import bm25s

    made = Bm25().fit(TEXTS)
    peer = bm25s.BM25(dtype="float64")
    peer.index([words(text) for text in TEXTS], show_progress=False)
    for query in ("a red bike", "the dog man"):
        scores = peer.get_scores(words(query))
        found = made.search([query], 2)
        np.testing.assert_allclose(np.nan_to_num(found.values[0]), np.sort(scores)[::-1][:2], rtol=1e-12)


def test_what_matched_adds_up_to_the_score():
    for made in (Bm25(), TfIdf(characters=(3, 4))):
        made.fit(TEXTS)
        found = made.search(["a man and a bike"], 3)
        for place, score in zip(found.indices[0].tolist(), found.values[0].tolist(), strict=True):
            if place >= 0:
                amounts = [amount for _, amount in made.matched("a man and a bike", place)]
                assert sum(amounts) == pytest.approx(score, abs=1e-12)
                assert amounts == sorted(amounts, reverse=True)


def test_lexical_filters_and_ties():
    made = Bm25().fit(["x", "y", "x", "x z"])
    assert made.search(["x"], 3).indices.tolist() == [[0, 2, 3]]
    assert made.search(["x"], 2, where=np.array([False, True, True, True])).indices.tolist() == [[2, 3]]
    assert made.search(["", "unknown"], 1).indices.tolist() == [[-1], [-1]]
    assert Bm25().fit(["!", "?"]).search(["a"], 2).indices.tolist() == [[-1, -1]]
    assert Bm25().fit(["one document"]).search(["document"], 2).indices.tolist() == [[0, -1]]


def test_bm25_says_what_is_wrong():
    with pytest.raises(InputError, match="method='bm25l' is not known"):
        Bm25(method="bm25l")
    with pytest.raises(InputError, match="0 <= k1 and 0 <= b <= 1"):
        Bm25(b=2)


# ---- fusion


def ranking(pairs, k):
    values, indices = np.full((1, k), np.nan), np.full((1, k), -1)
    for rank, (index, value) in enumerate(pairs):
        values[0, rank], indices[0, rank] = value, index
    return TopK(values, indices)


ONE = ranking([(4, 9.0), (2, 5.0), (7, 1.0)], 3)
TWO = ranking([(2, 0.9), (9, 0.7)], 4)


def test_reciprocal_ranks():
    found = fuse([ONE, TWO], 5, method="rrf")
    expected = {4: 1 / 61, 2: 1 / 62 + 1 / 61, 7: 1 / 63, 9: 1 / 62}
    order = sorted(expected, key=lambda item: -expected[item])
    assert found.indices.tolist() == [[*order, -1]]
    np.testing.assert_allclose(found.values[0, :4], [expected[item] for item in order])


def test_weighted_scores():
    found = fuse([ONE, TWO], 4, method="minmax", weights=(2, 1))
    expected = {4: 2 + 0, 2: 2 * 0.5 + 1, 7: 0, 9: 0}
    assert dict(zip(found.indices[0].tolist(), found.values[0].tolist(), strict=True)) == pytest.approx(expected)
    assert found.indices[0].tolist() == [2, 4, 7, 9]  # ties to the lowest index
    z = fuse([ONE, TWO], 4, method="zscore")
    deviation = np.std([9, 5, 1])
    assert z.values[0, z.indices[0].tolist().index(4)] == pytest.approx(4 / deviation - 1)


def test_what_a_padded_list_leaves_out_has_a_score():
    found = fuse([ranking([(1, 0.5), (0, 0.4)], 2), ranking([(0, 7.0)], 2)], 2, method="minmax", floors=(None, 0.0))
    assert dict(zip(found.indices[0].tolist(), found.values[0].tolist(), strict=True)) == {1: 1.0, 0: 1.0}
    lone = fuse([ranking([(1, 0.5), (0, 0.4)], 2), ranking([(0, 7.0)], 2)], 2)
    assert lone.indices[0].tolist() == [1, 0]  # without a floor, a list of one says nothing


def test_fusion_of_nothing():
    nothing = ranking([], 2)
    assert fuse([nothing, nothing], 2).indices.tolist() == [[-1, -1]]
    assert fuse([nothing, TWO], 1).indices.tolist() == [[2]]
    with pytest.raises(InputError, match="fusion='borda' is not known"):
        fuse([ONE], 1, method="borda")
    with pytest.raises(InputError, match=r"weights=\(1,\); 2 numbers from 0"):
        fuse([ONE, TWO], 1, weights=(1,))
    with pytest.raises(ShapeError, match="1 and 2 queries"):
        fuse([ONE, TopK(np.zeros((2, 1)), np.zeros((2, 1), np.int64))], 1)


def test_rows_are_sparse():
    assert sp.issparse(Vectorizer().fit_transform(TEXTS))


def test_equal_scores_of_a_ranking_count_alike():
    one = TopK(np.array([[0.1, 0.1, 0.1]]), np.array([[0, 1, 2]]))  # whose mean is 0.10000000000000002
    other = TopK(np.array([[3.0, 1.0, np.nan]]), np.array([[4, 2, -1]]))
    found = fuse([one, other], 4)
    assert found.indices.tolist() == [[4, 0, 1, 2]]
    np.testing.assert_allclose(found.values, [[1.0, -1.0, -1.0, -1.0]])
