"""Texts as rows of terms: against scikit-learn and against their definitions."""

import math

import numpy as np
import pytest

import likewise as lw
from likewise.errors import InputError
from likewise.terms import Vectorizer, as_sentences, as_texts, words

TEXTS = [
    "A man rides a bike, a red bike.",
    "Two dogs play in the park",
    "the man and the dog",
    "",
    "Straße STRASSE straße",
    "fahrradfahrer fahrrad",
]


def test_words_are_folded():
    assert words("Der STRASSENköter, der Straßenköter") == ["der", "strassenköter"] * 2
    assert words("e\u0301tude ﬁn _x 3.5") == ["étude", "fin", "_x", "3", "5"]
    assert words("!?") == []


@pytest.mark.parametrize("ranges", [((1, 1), None), ((1, 2), None), (None, (3, 5)), (None, (2, 2))])
def test_tfidf_is_that_of_scikit_learn(ranges):
    from sklearn.feature_extraction.text import TfidfVectorizer

    runs, characters = ranges
    pattern = {"token_pattern": r"(?u)\b\w+\b"} if runs else {}
    analyzer = "word" if runs else "char_wb"
    peer = TfidfVectorizer(analyzer=analyzer, ngram_range=runs or characters, sublinear_tf=True, **pattern)
    clean = [" ".join(words(text)) for text in TEXTS]  # its character n-grams would have the commas
    expected = peer.fit_transform(clean).toarray()
    mine = Vectorizer(words=runs, characters=characters)
    rows = mine.fit_transform(TEXTS)
    columns = [peer.vocabulary_[term.removeprefix("#")] for term in mine.terms]
    assert sorted(columns) == list(range(expected.shape[1]))
    np.testing.assert_allclose(rows.toarray(), expected[:, columns], rtol=1e-12, atol=1e-15)


def test_log_entropy_is_its_definition():
    made = Vectorizer(weighting="log-entropy").fit(["a a b", "a c", "b c c"])
    for term, weight in zip(made.terms, made.weights, strict=True):
        tf = np.array([text.split().count(term) for text in ("a a b", "a c", "b c c")])
        p = tf[tf > 0] / tf.sum()
        assert weight == pytest.approx(1 + (p * np.log(p)).sum() / math.log(3))


def test_terms_are_chosen():
    made = Vectorizer(min_count=2, max_share=0.5).fit(TEXTS)
    assert made.terms == ["a", "man", "the"][1:]  # a: in one text, twice
    assert Vectorizer(stop=["The", "a"]).fit(TEXTS).terms == sorted(set(words(" ".join(TEXTS))) - {"the", "a"})
    assert Vectorizer(stem=lambda word: word.rstrip("s")).fit(["dogs dog"]).terms == ["dog"]
    assert Vectorizer(stem="english").fit(["riding rides"]).terms == ["ride"]
    unknown = Vectorizer().fit(TEXTS).transform(["xyzzy", "", "bike"])
    assert np.diff(unknown.indptr).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"words": None}, "leave no terms"),
        ({"words": (2, 1)}, r"words=\(2, 1\); two whole numbers from 1"),
        ({"weighting": "okapi"}, "weighting='okapi' is not known"),
    ],
)
def test_vectorizer_says_what_is_wrong(options, message):
    with pytest.raises(InputError, match=message):
        Vectorizer(**options)
    with pytest.raises(InputError, match="stem='klingon' is no language of PyStemmer"):
        Vectorizer(stem="klingon").fit(TEXTS)


def test_both_uses_have_it():
    assert lw.text.Vectorizer is lw.translate.Vectorizer is Vectorizer


def test_words_and_parts_of_words():
    made = Vectorizer(characters=(3, 4)).fit(["bike"])
    assert made.terms == sorted(["bike", "# bi", "#bik", "#ike", "#ke ", "# bik", "#bike", "#ike "])


def test_lists_of_words_are_texts_too():
    made = Vectorizer(words=(1, 2), characters=(3, 3))
    expected = made.fit_transform(["the old man", "old man"]).toarray()
    terms = made.terms
    np.testing.assert_array_equal(made.fit_transform([["The", "old", "man"], ("old", "man")]).toarray(), expected)
    assert made.terms == terms
    assert words(["Straße", "New York"]) == ["strasse", "new york"]


def test_words_that_look_like_other_terms_are_counted_with_them():
    made = Vectorizer(words=(1, 2), characters=(3, 3), weighting="count")
    counts = made.fit_counts([["a b", "a", "b"], ["#abc", "abc"], ["d"]])
    assert len(set(made.terms)) == len(made.terms)
    assert counts[:, [made.terms.index("a b")]].toarray().ravel().tolist() == [2, 0, 0]  # a word, and a run of two
    assert counts[:, [made.terms.index("#abc")]].toarray().ravel().tolist() == [0, 3, 0]  # a word, and twice a part
    np.testing.assert_array_equal(made.counts([["a b", "a", "b"], ["#abc", "abc"], ["d"]]).toarray(), counts.toarray())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: as_texts([["a", "b"]]), r"texts\[0\] is list, \['a', 'b'\]; a string is wanted"),
        (lambda: as_sentences([["a", 1]]), r"texts\[0\] is list, \['a', 1\]; a string is wanted"),
        (lambda: as_sentences(b"ab", "sources"), r"sources is one string; a list of strings is wanted: \[b'ab'\]"),
        (lambda: as_sentences(3, "sources"), "sources is int; a list of strings is wanted"),
        (lambda: Vectorizer().transform(["a"]), "this Vectorizer has learned no terms yet; call fit"),
        (lambda: Vectorizer(min_count=0), r"min_count=0, max_share=1.0; at least 1 and a share in \(0, 1\] are wanted"),
    ],
)
def test_what_is_wrong_is_said(call, said):
    with pytest.raises(InputError, match=said):
        call()


def test_kept_in_a_file(tmp_path):
    made = Vectorizer(words=(1, 2), characters=(2, 3), stem="english", stop=["the"], min_count=2).fit(TEXTS)
    made.save(tmp_path / "x")
    again = Vectorizer.load(tmp_path / "x")
    assert (again.terms, again.options()) == (made.terms, made.options())
    np.testing.assert_array_equal(again.transform(TEXTS).toarray(), made.transform(TEXTS).toarray())
    with pytest.raises(InputError, match="a stem= function cannot be stored"):
        Vectorizer(stem=str.upper).fit(TEXTS).save(tmp_path / "y")
