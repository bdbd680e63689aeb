"""Latent semantic analysis: against its definition, and two languages against planted ones."""

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.text import Lsa, Vectorizer

RNG = np.random.default_rng(0)
TEXTS = ["a man rides a bike", "a man rides a horse", "the dog sleeps", "a cat sleeps", "dog and cat"]


def test_the_vectors_are_those_of_the_decomposition():
    made = Lsa(3, min_count=1).fit(TEXTS)
    rows = Vectorizer().fit_transform(TEXTS).toarray()
    expected = rows @ np.linalg.svd(rows)[2][:3].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = made.transform(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)
    np.testing.assert_array_equal(made.encode(TEXTS), found)
    np.testing.assert_array_equal(Lsa(3, min_count=1).fit_transform(TEXTS), found)


def test_unknown_words_are_zeros():
    made = Lsa(2, min_count=1).fit(TEXTS)
    assert not made.transform(["xyzzy", ""]).any()
    assert made.transform([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lsa(0), "dimensions=0"),
        (lambda: Lsa(2, ridge=-1), "cannot be negative"),
        (lambda: Lsa(2).transform(["a"]), "has learned nothing yet"),
        (lambda: Lsa(2).fit([]), "no term is in 2 of the 0 texts"),
        (lambda: Lsa(2).fit(["", "!"]), "no term is in 2 of the 2 texts"),
        (lambda: Lsa(2).fit_pairs(["a"], ["b", "c"]), "1 sources and 2 targets"),
        (lambda: Lsa(2, min_count=1).fit_pairs(["a"], [""]), "targets: no term"),
        (lambda: Lsa(2).fit("one text"), "texts is one string"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(InputError, match=message):
        make()


# ---- two languages


def planted(n, seed):
    """Sentences in two made-up languages: word i of one is word i of the other, in another order."""
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(150, rng.integers(4, 9), replace=False) for _ in range(n)]
    return (
        [" ".join(f"word{w}" for w in row) for row in chosen],
        [" ".join(f"Wort{w}" for w in rng.permutation(row)) for row in chosen],
    )


def test_a_planted_language_is_found():
    sources, targets = planted(1500, 0)
    one, other = Lsa(150).fit_pairs(sources, targets)
    asked, there = planted(200, 1)
    found = (one.transform(asked) @ other.transform(there).T).argmax(1)
    assert (found == np.arange(200)).mean() > 0.98
    assert (np.diff(one.strengths) <= 1e-12).all()
    assert one.strengths.max() <= 1 + 1e-9
    np.testing.assert_array_equal(one.strengths, other.strengths)


def test_shuffled_pairs_say_nothing():
    sources, targets = planted(600, 2)
    right = Lsa(100).fit_pairs(sources, targets)
    wrong = Lsa(100).fit_pairs(sources, list(RNG.permutation(targets)))
    asked, there = planted(100, 3)
    hits = [
        ((one.transform(asked) @ other.transform(there).T).argmax(1) == np.arange(100)).mean()
        for one, other in (right, wrong)
    ]
    assert hits[0] > 0.8 > 0.2 > hits[1]


def test_one_pair():
    one, other = Lsa(5, min_count=1).fit_pairs(["a dog"], ["ein Hund"])
    assert one.transform(["dog"]) @ other.transform(["Hund"]).T == pytest.approx(1)


def test_kept_and_read_again(tmp_path):
    made = Lsa(2, min_count=1, characters=(2, 3), stem="english", stop=["the"]).fit(TEXTS)
    made.save(tmp_path / "x")
    again = Lsa.load(tmp_path / "x")
    np.testing.assert_array_equal(again.transform(TEXTS), made.transform(TEXTS))
    assert (again.dimensions, again.vectorizer.options()) == (made.dimensions, made.vectorizer.options())
    with pytest.raises(InputError, match="a stem= function cannot be stored"):
        Lsa(2, min_count=1, stem=str.upper).fit(TEXTS).save(tmp_path / "y")
