"""Search by words: BM25, and the cosine of TF-IDF rows. Both are dot products of sparse rows.

BM25 (Robertson et al. 1994, in the form of Lucene) scores a document of L terms, of which the i-th of the query occurs
tf_i times, by

    sum over the query's terms of  ln(1 + (n - df + 0.5) / (df + 0.5)) tf / (tf + k1 (1 - b + b L / mean L))

n being the number of documents and df the number that have the term. The terms of that sum do not depend on the query,
so bm25s computes them all beforehand (Lu 2024), and a query is a row of counts.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.compute import prepare, topk
from likewise.errors import InputError
from likewise.extras import need
from likewise.reductions import TopK
from likewise.terms import Vectorizer

Method = Literal["lucene", "robertson", "atire"]

_SAY_LITTLE = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
#: Words that say little, of English: those that Lucene leaves out.
ENGLISH = tuple(_SAY_LITTLE.split())


class Lexical(ABC):
    """Documents as sparse rows, and queries as sparse rows: the higher their dot product, the better.

    Documents that share no term with a query score 0 and are never found.
    """

    kind = ""
    parameters: tuple[str, ...] = ()  # numbers and names that it was made with, besides the vectorizer's

    def __init__(self, vectorizer: Vectorizer) -> None:
        self.vectorizer = vectorizer
        self.rows: Any = None
        self._ready: Any = None

    @abstractmethod
    def fit(self, texts: Sequence[str]) -> Lexical:
        """Learn terms and weights, and keep the rows of these texts."""

    @abstractmethod
    def queries(self, texts: Sequence[str]) -> Any:
        """Rows of queries, CSR."""

    def search(self, texts: Sequence[str], k: int, *, where: NDArray[np.bool_] | None = None, **options: Any) -> TopK:
        """The k best documents of each query; fewer, padded with -1 and NaN, where fewer share a term with it."""
        if not self.rows.nnz:
            return TopK(np.full((len(texts), k), np.nan), np.full((len(texts), k), -1, np.int64))
        if self._ready is None:
            self._ready = prepare(self.rows, metric="dot")
        found = topk(self.queries(texts), self._ready, k, where=where, **options)
        worthless = ~(found.values > 0)
        return TopK(np.where(worthless, np.nan, found.values), np.where(worthless, -1, found.indices))

    def matched(self, query: str, place: int) -> list[tuple[str, float]]:
        """What each term adds to a document's score, the most first. The amounts sum to the score."""
        both = (self.queries([query]).multiply(self.rows[[place]])).tocoo()
        pairs = [
            (self.vectorizer.terms[column], float(value)) for column, value in zip(both.col, both.data, strict=True)
        ]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A header and arrays for an archive."""
        header: dict[str, Any] = {
            "kind": self.kind,
            "shape": list(self.rows.shape),
            "vectorizer": self.vectorizer.options(),
        }
        header["parameters"] = {name: getattr(self, name) for name in self.parameters}
        rows = self.rows
        arrays = {"data": rows.data, "indices": rows.indices, "indptr": rows.indptr}
        return header, arrays | {"terms": self.vectorizer.terms, "weights": self.vectorizer.weights}

    def restore(self, header: dict[str, Any], arrays: dict[str, Any]) -> Lexical:
        """Itself with the rows of an archive."""
        self.vectorizer = Vectorizer(**header["vectorizer"]).restored(arrays["terms"], arrays["weights"])
        for name in self.parameters:
            setattr(self, name, header["parameters"][name])
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        self.rows = need("scipy.sparse", "counting terms").csr_array(parts, shape=tuple(header["shape"]))
        self.rows.check_format(full_check=True)  # a file may say anything
        return self


class Bm25(Lexical):
    """BM25 by bm25s.

    Parameters
    ----------
    k1, b : float, defaults 1.5 and 0.75
        How soon a repeated term ceases to count; how much long documents are held back (0 to 1).
    method : {"lucene", "robertson", "atire"}
        The variant.
    stem : str or callable, optional
        A language of PyStemmer, as in "english", or a function of a word.
    stop : iterable of str
        Words that do not count, as in ``lexical.ENGLISH``. They weigh little anyway.

    Examples
    --------
    >>> found = Bm25().fit(["a man rides a bike", "a dog sleeps"]).search(["sleeping dog", "cat"], k=2)
    >>> found.indices.tolist()
    [[1, -1], [-1, -1]]
    """

    kind = "bm25"
    parameters = ("k1", "b", "method")

    def __init__(
        self,
        *,
        k1: float = 1.5,
        b: float = 0.75,
        method: Method = "lucene",
        stem: str | Callable[[str], str] | None = None,
        stop: Sequence[str] = (),
    ) -> None:
        if method not in ("lucene", "robertson", "atire"):
            raise InputError(f"method={method!r} is not known; it is 'lucene', 'robertson' or 'atire'")
        if not k1 >= 0 or not 0 <= b <= 1:
            raise InputError(f"k1={k1!r} and b={b!r}; 0 <= k1 and 0 <= b <= 1 are wanted")
        super().__init__(Vectorizer(weighting="count", stem=stem, stop=stop))
        self.k1, self.b, self.method = float(k1), float(b), method

    def fit(self, texts: Sequence[str]) -> Bm25:
        """Learn terms and weights, and keep the rows of these texts."""
        bm25s = need("bm25s", "BM25", extra="text")
        counts = self.vectorizer.fit_counts(texts)
        n, terms = counts.shape
        if not counts.nnz:
            self.rows = need("scipy.sparse", "counting terms").csr_array((n, terms))
            return self
        repeated = np.repeat(counts.indices, counts.data.astype(np.int64)).tolist()
        ends = np.concatenate([[0], np.cumsum(counts.data.astype(np.int64))])[counts.indptr].tolist()
        lists = [repeated[first:end] for first, end in itertools.pairwise(ends)]
        engine = bm25s.BM25(k1=self.k1, b=self.b, method=self.method, dtype="float64")
        scores = engine.build_index_from_ids(list(range(terms)), lists, show_progress=False)
        parts = (scores["data"], scores["indices"], scores["indptr"])
        self.rows = need("scipy.sparse", "counting terms").csc_array(parts, shape=(n, terms)).tocsr()
        self.rows.sort_indices()
        return self

    def queries(self, texts: Sequence[str]) -> Any:
        """Rows of queries: how often each term occurs."""
        return self.vectorizer.counts(texts)


class TfIdf(Lexical):
    """The cosine of TF-IDF rows.

    Parameters
    ----------
    words, characters, stem, stop, min_count, max_share
        As :class:`~likewise.text.Vectorizer` takes them.

    Examples
    --------
    >>> found = TfIdf().fit(["a man rides a bike", "a dog sleeps"]).search(["a dog sleeps"], k=1)
    >>> found.indices.tolist(), found.values.round(6).tolist()
    ([[1]], [[1.0]])
    """

    kind = "tfidf"

    def __init__(self, **options: Any) -> None:
        super().__init__(Vectorizer(**options))

    def fit(self, texts: Sequence[str]) -> TfIdf:
        """Learn terms and weights, and keep the rows of these texts."""
        self.rows = self.vectorizer.fit_transform(texts)
        return self

    def queries(self, texts: Sequence[str]) -> Any:
        """Rows of queries, of unit length."""
        return self.vectorizer.transform(texts)


def lexical(chosen: Any) -> Lexical:
    """``lexical=`` of an index: a name, or an object made with options of one's own."""
    if isinstance(chosen, Lexical):
        return chosen
    kinds: dict[str, type[Lexical]] = {"bm25": Bm25, "tfidf": TfIdf}
    if chosen not in kinds:
        raise InputError(f"lexical={chosen!r} is not known; it is 'bm25', 'tfidf', None, Bm25(...) or TfIdf(...)")
    made: Lexical = kinds[chosen]()  # type: ignore[call-arg]
    return made
