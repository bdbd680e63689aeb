r"""Texts as rows of counted terms: words, runs of words, and character n-grams inside words.

What a word is: :mod:`likewise.terms.words`. Character n-grams
are taken of each word with a space at either end, so that " bi" is the beginning of a word and "ike " an end: a German
compound shares them with its parts. Where a language writes no spaces, ``words=None, characters=(1, 3)`` is the way.

Weights, of a term that occurs tf times in a text, in df of n texts, gf times in all of them:

    tfidf        (1 + ln tf) (1 + ln((1 + n) / (1 + df)))         Salton & Buckley 1988, smoothed as scikit-learn
    log-entropy  ln(1 + tf) (1 + sum over texts of p ln p / ln n), p = tf / gf        Dumais 1991
    count        tf

and rows are then scaled to unit length, so that their dot product is the cosine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.extras import need
from likewise.files import load_archive, save_archive
from likewise.files.source import reading
from likewise.terms.counting import Range, count_rows, grams_of, runs_of, unit_rows
from likewise.terms.words import Text, as_sentences, stemmer_of, words

_KIND = "likewise.terms.Vectorizer"
Weighting = Literal["tfidf", "log-entropy", "count"]


class Vectorizer:
    """Texts to sparse rows of weighted terms. Lists of words will do in place of texts, where no words are to be found.

    Parameters
    ----------
    words : (int, int) or None, default (1, 1)
        Runs of how many words are terms; (1, 2) counts pairs of neighbours too.
    characters : (int, int), optional
        Lengths of the character n-grams that are terms besides, as in (3, 5).
    weighting : {"tfidf", "log-entropy", "count"}, default "tfidf"
    min_count : int, default 1
        Terms in fewer texts than this are left out.
    max_share : float, default 1.0
        Terms in a larger share of the texts are left out.
    stem : str or callable, optional
        A language of PyStemmer, as in "english", or a function of a word.
    stop : iterable of str, optional
        Words that are no terms, before stemming.

    Examples
    --------
    >>> rows = Vectorizer().fit_transform(["a man rides a bike", "a dog sleeps"])
    >>> rows.shape, float((rows[[0]] @ rows[[1]].T).toarray()[0, 0].round(2))
    ((2, 6), 0.26)
    """

    def __init__(
        self,
        *,
        words: Range | None = (1, 1),
        characters: Range | None = None,
        weighting: Weighting = "tfidf",
        min_count: int = 1,
        max_share: float = 1.0,
        stem: str | Callable[[str], str] | None = None,
        stop: Iterable[str] = (),
    ) -> None:
        if words is None and characters is None:
            raise InputError("words=None and characters=None leave no terms; give one of them, as in words=(1, 1)")
        if weighting not in ("tfidf", "log-entropy", "count"):
            raise InputError(f"weighting={weighting!r} is not known; it is 'tfidf', 'log-entropy' or 'count'")
        if not min_count >= 1 or not 0 < max_share <= 1:
            raise InputError(
                f"min_count={min_count!r}, max_share={max_share!r}; at least 1 and a share in (0, 1] are wanted"
            )
        self.words, self.characters = _range(words, "words"), _range(characters, "characters")
        self.weighting: Weighting = weighting
        self.min_count, self.max_share = min_count, max_share
        self.stem, self.stop = stem, _distinct(stop)
        self.terms: list[str] = []
        self.weights: NDArray[np.float64] = np.zeros(0)
        self._columns: dict[str, int] | None = None

    # ---- learning

    def fit(self, texts: Sequence[Text]) -> Vectorizer:
        """Learn the terms of some texts and their weights."""
        self.fit_counts(texts)
        return self

    def fit_transform(self, texts: Sequence[Text]) -> Any:
        """The same, and the rows of those texts."""
        return self.weigh(self.fit_counts(texts))

    def fit_counts(self, texts: Sequence[Text]) -> Any:
        """Learn, and give the counts: (n, terms) CSR."""
        texts = as_sentences(texts)
        names, counts = self._counted(texts)
        n = len(texts)
        df = np.bincount(counts.indices, minlength=len(names))
        good = np.flatnonzero((df >= self.min_count) & (df <= self.max_share * n))
        good = good[np.argsort(np.array(names, object)[good], kind="stable")] if len(good) else good
        counts = counts[:, good].tocsr()
        counts.sort_indices()
        self.terms = [names[column] for column in good]
        self._columns = {term: column for column, term in enumerate(self.terms)}
        self.weights = _weights(counts, df[good], self.weighting)
        return counts

    def restored(self, terms: list[str], weights: NDArray[np.float64]) -> Vectorizer:
        """Itself with terms and weights that were learned before."""
        self.terms, self.weights = list(terms), np.asarray(weights, np.float64)
        self._columns = {term: column for column, term in enumerate(self.terms)}
        return self

    def options(self) -> dict[str, Any]:
        """What it was made with, for a header; a stemming function of one's own cannot be stored."""
        if callable(self.stem):
            raise InputError("a stem= function cannot be stored; name a language of PyStemmer, as in stem='english'")
        return {
            "words": self.words,
            "characters": self.characters,
            "weighting": self.weighting,
            "min_count": self.min_count,
            "max_share": self.max_share,
            "stem": self.stem,
            "stop": self.stop,
        }

    # ---- keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it into one file, without pickle."""
        save_archive(path, _KIND, self.options(), {"terms": self.terms, "weights": self.weights})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vectorizer:
        """Read what :meth:`save` wrote."""
        header, arrays = load_archive(path, _KIND)
        with reading(str(path), "a Vectorizer"):
            return cls(**header).restored(arrays["terms"], arrays["weights"])

    # ---- using

    def transform(self, texts: Sequence[Text]) -> Any:
        """Rows of texts: (n, terms) CSR of unit length; a text without a known term has a row of zeros."""
        return self.weigh(self.counts(texts))

    def counts(self, texts: Sequence[Text]) -> Any:
        """Counts of the known terms: (n, terms) CSR."""
        if self._columns is None:
            raise InputError("this Vectorizer has learned no terms yet; call fit(texts) first")
        names, counts = self._counted(as_sentences(texts))
        places = np.array([self._columns.get(name, -1) for name in names], np.int64)
        known = np.flatnonzero(places >= 0)
        counts = counts[:, known].tocoo()
        shape = (counts.shape[0], len(self.terms))
        made = need("scipy.sparse", "counting terms").csr_array(
            (counts.data, (counts.row, places[known][counts.col])), shape=shape
        )
        made.sort_indices()
        return made

    def weigh(self, counts: Any) -> Any:
        """Counts to weighted rows of unit length."""
        rows = counts.astype(np.float64)
        if self.weighting == "tfidf":
            rows.data = 1 + np.log(rows.data)
        elif self.weighting == "log-entropy":
            rows.data = np.log1p(rows.data)
        rows.data *= self.weights[rows.indices]
        return unit_rows(rows)

    def tokens(self, text: Text) -> list[str]:
        """The words of a text as this counts them: stop words gone, stemmed."""
        stem, stop = stemmer_of(self.stem), set(self.stop)
        found = [word for word in words(text) if word not in stop]
        return found if stem is None else [stem(word) for word in found]

    def _counted(self, texts: list[Text]) -> tuple[list[str], Any]:
        """All terms of some texts, and (n, terms) counts of them."""
        sparse = need("scipy.sparse", "counting terms")
        stem, stop = stemmer_of(self.stem), set(self.stop)
        known: dict[str, int] = {}  # a word as written, and the number of its stem; -1 for a stop word
        numbers: dict[str, int] = {}
        rows: list[list[int]] = []
        for text in texts:
            row = []
            for word in words(text):
                if (number := known.get(word)) is None:
                    made = word if stem is None else stem(word)
                    number = -1 if word in stop else numbers.setdefault(made, len(numbers))
                    known[word] = number
                if number >= 0:
                    row.append(number)
            rows.append(row)
        names, counts = list(numbers), count_rows(rows, len(numbers))
        blocks, terms = [], []
        if self.words is not None:
            for length in range(self.words[0], self.words[1] + 1):
                found = (names, counts) if length == 1 else runs_of(rows, names, length)
                terms += found[0]
                blocks.append(found[1])
        if self.characters is not None:  # n-grams of a text: its words' counts times the words' n-grams
            grams, parts = grams_of(names, self.characters)
            terms += grams
            blocks.append(counts @ parts)
        made = sparse.csr_array(sparse.hstack(blocks, format="csr") if len(blocks) > 1 else blocks[0])
        return _merged(terms, made)


def _distinct(texts: Iterable[str]) -> list[str]:
    """The words of some texts, each once."""
    return sorted({word for text in texts for word in words(text)})


def _range(value: Any, name: str) -> Range | None:
    if value is None:
        return None
    low, high = (value, value) if isinstance(value, int) else tuple(value)
    if not 1 <= low <= high:
        raise InputError(f"{name}={value!r}; two whole numbers from 1 are wanted, the smaller first, as in (1, 2)")
    return int(low), int(high)


def _merged(names: list[str], counts: Any) -> tuple[list[str], Any]:
    """Columns of one name as one: words given as such may have spaces in them, or begin with #."""
    numbers: dict[str, int] = {}
    columns = [numbers.setdefault(name, len(numbers)) for name in names]
    if len(numbers) == len(names):
        return names, counts
    sums = need("scipy.sparse", "counting terms").csr_array((np.ones(len(names)), (np.arange(len(names)), columns)))
    return list(numbers), counts @ sums


def _weights(counts: Any, df: NDArray[np.int64], weighting: Weighting) -> NDArray[np.float64]:
    """One weight a term."""
    n = counts.shape[0]
    if weighting == "tfidf":
        return np.asarray(1 + np.log((1 + n) / (1 + df)), np.float64)
    if weighting == "count" or n < 2:
        return np.ones(counts.shape[1])
    share = counts.astype(np.float64)
    share.data /= np.bincount(share.indices, share.data, minlength=share.shape[1])[share.indices]
    entropy = np.bincount(share.indices, share.data * np.log(share.data), minlength=share.shape[1])
    return np.asarray(1 + entropy / np.log(n), np.float64)
