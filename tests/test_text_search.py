"""Searching documents: which are found, in what order, with what score, and what is kept."""

import numpy as np
import pytest

from likewise.errors import InputError, ShapeError
from likewise.files import load_archive, save_archive
from likewise.text import Bm25, Index, Lsa, TfIdf, cut_passages

CORPUS = {
    "id": ["a", "b", "c", "d", "e"],
    "title": ["Bikes", "", "", "Bikes", "Empty"],
    "text": [
        "A man rides a bike. The bike is red. He wears no helmet at all.",
        "A dog sleeps in the park. Two dogs play there. A man looks on.",
        "The market fell sharply. Shares of banks lost most. A man sold his bike.",
        "A man rides a bike. The bike is red. He wears no helmet at all.",
        "",
    ],
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letters(texts):
    """A model of a kind: how often each letter occurs."""
    return np.array([[text.lower().count(letter) for letter in LETTERS] for text in texts], np.float32)


@pytest.fixture
def index():
    return Index(CORPUS, letters, size=6, overlap=2)


def test_the_best_passage_of_each_document(index):
    hits = index.search("red bike", k=3, mode="lexical")
    assert hits.ids.tolist()[:2] == ["a", "d"]  # equal: in the order of the documents
    assert hits.scores[0] == hits.scores[1] > hits.scores[2]
    first = hits[0]
    assert first.id == "a"
    assert first.title == "Bikes"
    assert CORPUS["text"][0][first.start : first.end] == first.text
    assert "red" in first.text
    assert sum(amount for _, amount in first.words) == pytest.approx(first.score)
    assert [hit.id for hit in hits] == hits.ids.tolist()


@pytest.mark.parametrize("mode", ["semantic", "lexical", "fusion"])
@pytest.mark.parametrize("size", [3, 6, None])
def test_scores_are_those_of_the_best_passage(mode, size):
    """Every document's best passage, found by looking at all of them."""
    index = Index(CORPUS, letters, size=size, overlap=1)
    query = "a man on a bike"
    passages = [index.passages.whole(index.documents, place) for place in range(len(index.passages))]
    if mode == "semantic":
        rows, query_row = letters(passages).astype(float), letters([query])[0].astype(float)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        scores = rows @ query_row / np.linalg.norm(query_row)
    elif mode == "lexical":
        scores = np.zeros(len(passages))
        found = Bm25().fit(passages).search([query], len(passages))
        scores[found.indices[0][found.indices[0] >= 0]] = found.values[0][found.indices[0] >= 0]
    else:
        hits = index.search(query, k=5)
        assert set(hits.documents.tolist()) == {0, 1, 2, 3, 4}
        return
    best = {document: scores[index.passages.document == document].max() for document in set(index.passages.document)}
    hits = index.search(query, k=4, mode=mode)
    np.testing.assert_allclose(hits.scores, sorted(best.values(), reverse=True)[:4], rtol=1e-5)
    for hit, document in zip(hits.scores, hits.documents, strict=True):
        assert hit == pytest.approx(best[document], rel=1e-5)
    assert len(set(hits.documents.tolist())) == 4


@pytest.mark.parametrize("mode", ["semantic", "lexical", "fusion"])
def test_exactly_k_after_filtering(index, mode):
    mask = np.array([False, True, True, True, False])
    for where in (mask, ["b", "c", "d"], np.array(["d", "b", "c"], object)):
        hits = index.search(["man", "bike man"], k=3, mode=mode, where=where)
        assert [sorted(row) for row in hits.ids.tolist()] == [["b", "c", "d"]] * 2
    hits = index.search("man", k=4, mode=mode, where=["c"])
    assert hits.ids.tolist() == ["c", None, None, None]
    assert hits.documents.tolist()[1:] == hits.passages.tolist()[1:] == [-1, -1, -1]
    assert np.isnan(hits.scores[1:]).all()
    assert len(hits) == len(list(hits)) == 1
    assert index.search("man", k=2, mode=mode, where=np.zeros(5, bool)).ids.tolist() == [None, None]


def test_many_passages_of_one_document_hide_no_other():
    texts = ["bike word. " * 200, "bike and much else.", "else bike, much much more of other things."]
    index = Index(texts, letters, size=2, overlap=0)
    for mode in ("lexical", "semantic"):
        assert sorted(index.search("bike", k=3, mode=mode).ids.tolist()) == [0, 1, 2]


def test_queries_of_a_list_are_the_same_as_alone(index):
    queries = ["man", "bike", "dogs in a park"]
    for mode in ("semantic", "lexical", "fusion"):
        together = index.search(queries, k=3, mode=mode)
        assert len(together) == 3
        for query, hits in zip(queries, together, strict=True):
            alone = index.search(query, k=3, mode=mode)
            assert hits.ids.tolist() == alone.ids.tolist()
            np.testing.assert_array_equal(hits.scores, alone.scores)
            assert list(hits) == list(alone)


@pytest.mark.parametrize("mode", ["semantic", "lexical", "fusion"])
def test_a_query_without_words_finds_nothing(index, mode):
    for query in ("", "  ", "?!"):
        assert index.search(query, k=2, mode=mode).ids.tolist() == [None, None]
    assert index.search([], k=2, mode=mode).ids.shape == (0, 2)
    hits = index.search(["", "man"], k=1, mode=mode)
    assert hits.ids[0, 0] is None
    assert hits.ids[1, 0] is not None


def test_the_nearest_sentence(index):
    hits = index.search("park", k=1, mode="semantic", explain=True)
    assert hits[0].sentence in hits[0].text
    assert hits[0].words == []
    assert index.search("park", k=1, mode="semantic")[0].sentence is None


def test_modes_follow_what_there_is():
    words, meaning = Index(CORPUS), Index(CORPUS, letters, lexical=None)
    assert (words.search("man").mode, meaning.search("man").mode) == ("lexical", "semantic")
    assert Index(CORPUS, letters).search("man").mode == "fusion"
    with pytest.raises(InputError, match="mode='fusion' needs an index with model="):
        words.search("man", mode="fusion")
    with pytest.raises(InputError, match="mode='lexical' needs an index with lexical="):
        meaning.search("man", mode="lexical")
    with pytest.raises(InputError, match="mode='magic' is not known"):
        words.search("man", mode="magic")


def test_one_document():
    index = Index(["A lone document."], letters)
    assert index.search("document", k=3).ids.tolist() == [0, None, None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Index(CORPUS, lexical=None), "leave nothing to search by"),
        (lambda: Index(CORPUS, lexical="okapi"), "lexical='okapi' is not known"),
        (lambda: Index([]), "holds no documents"),
        (lambda: Index(["", ""]), "all 2 documents of the list are empty"),
        (lambda: Index(CORPUS).search("a", k=0), "k=0"),
        (lambda: Index(CORPUS).search(["a", 1]), r"queries\[1\] is int"),
        (lambda: Index(CORPUS).search("a", where="a"), "is one string"),
        (lambda: Index(CORPUS).search("a", where=["z"]), "has no document 'z'"),
        (lambda: Index(CORPUS, letters).search("a", fusion="borda"), "'borda' is not known"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(InputError, match=message):
        make()
    with pytest.raises(ShapeError, match=r"where= has shape \(2,\); a mask of shape \(5,\)"):
        Index(CORPUS).search("a", where=[True, False])


@pytest.mark.parametrize("lexical", ["bm25", "tfidf", None])
def test_kept_and_read_again(tmp_path, lexical):
    index = Index(CORPUS, letters, lexical=lexical, size=6, overlap=2)
    path = tmp_path / "x.likewise"
    index.save(path)
    again = Index.load(path, letters)
    for mode in ("semantic",) if lexical is None else ("semantic", "lexical", "fusion"):
        one, other = (which.search(["man", "red bike"], k=5, mode=mode) for which in (index, again))
        assert one.ids.tolist() == other.ids.tolist()
        np.testing.assert_array_equal(one.scores, other.scores)
        assert list(one[1]) == list(other[1])
    with pytest.raises(InputError, match="saved without its model"):
        Index.load(path).search("man", mode="semantic")
    with pytest.raises(InputError, match="is not the one that made the vectors"):
        Index.load(path, lambda texts: letters(texts) * np.arange(26)).search("man", mode="semantic")


def test_ids_of_both_kinds_come_back(tmp_path):
    for ids in ([3, 5], ["3", "5"]):
        Index({"id": ids, "text": ["one", "two"]}).save(tmp_path / "x")
        assert Index.load(tmp_path / "x").search("two", k=1).ids.tolist() == [ids[1]]


def test_an_index_keeps_how_its_words_are_compared(tmp_path):
    Index(CORPUS, lexical=Bm25(k1=0.9, b=0.4, method="atire", stem="english", stop=["the"])).save(tmp_path / "x")
    made = Index.load(tmp_path / "x").lexical
    assert (made.k1, made.b, made.method, made.vectorizer.stem, made.vectorizer.stop) == (
        *(0.9, 0.4, "atire", "english"),
        ["the"],
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("lexical_indices", lambda part: part + 1000),
        ("lexical_indptr", lambda part: part[::-1].copy()),
        ("document", lambda part: part + 7),
        ("end", lambda part: part[:-1]),
        ("vectors", lambda part: part[:-1]),
        ("titles", None),
    ],
)
def test_an_index_that_contradicts_itself(name, change, tmp_path):
    Index(CORPUS, letters).save(tmp_path / "x")
    header, arrays = load_archive(tmp_path / "x", "likewise.text.Index")
    if change is None:
        del arrays["titles"]
    else:
        arrays[name] = change(arrays[name])
    save_archive(tmp_path / "x", "likewise.text.Index", header, arrays)
    with pytest.raises(InputError):
        Index.load(tmp_path / "x")


def test_what_is_no_index(tmp_path):
    Lsa(1, min_count=1).fit(["a b"]).save(tmp_path / "lsa")
    with pytest.raises(InputError, match=r"holds likewise\.text\.Lsa, not likewise\.text\.Index"):
        Index.load(tmp_path / "lsa")
    with pytest.raises(InputError, match="there is no file"):
        Index.load(tmp_path / "none")


def test_nothing_depends_on_threads_or_memory(index):
    expected = index.search(["man", "bike"], k=3)
    for options in ({"n_jobs": 1}, {"n_jobs": 3}, {"memory_limit": "1MB"}):
        found = index.search(["man", "bike"], k=3, **options)
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.documents, expected.documents)


def test_lsa_is_a_model():
    texts = [*CORPUS["text"][:4], "Dogs and men in parks."]
    index = Index(texts, Lsa(3, min_count=1).fit(texts), lexical=TfIdf(words=(1, 2)))
    assert index.search("dogs in the park", k=1).ids.tolist() == [1]
    assert index.search("xyzzy", k=1, mode="semantic").ids.tolist() == [None]  # no known word
    assert len(cut_passages(index.documents)) == 5


def test_it_says_what_it_is():
    index = Index(["A man rides a bike.", "A dog sleeps."])
    assert repr(index) == "<Index: 2 documents, 2 passages, by Bm25>"
    assert repr(index.search("dog", k=1)).startswith("Hits(ids=array([1], dtype=object), scores=array([0.")


def test_a_result_that_does_not_fit_in_memory():
    with pytest.raises(InputError, match=r"^a result of 1 x 1,000,000,000,000 does not fit in memory; ask for a sm"):
        Index(["a dog"]).search("dog", k=10**12)
