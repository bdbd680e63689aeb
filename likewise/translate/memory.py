"""A translation memory: sentences that people have translated, found again by meaning.

The translation of a new sentence is the stored translation of the stored sentence nearest to it: right where the memory
has one that says the same, and near to right where it has one that says nearly the same. The score says which.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from likewise.arrays import is_sparse, read, to_floating
from likewise.compute import prepare, topk
from likewise.compute.options import Progress
from likewise.errors import InputError, ShapeError
from likewise.extras import need
from likewise.files import load_archive, save_archive
from likewise.terms import Vectorizer, as_sentences, words
from likewise.translate.retrieval import read_number
from likewise.translate.rows import same_number
from likewise.translate.texts import read_aligned

_KIND = "likewise.translate.TranslationMemory"


class Match(NamedTuple):
    """What a memory offers for a sentence.

    Attributes
    ----------
    translation : str
        As stored.
    score : float
        Cosine of the sentence and the stored source, in [-1, 1].
    source : str
        The stored sentence that it translates.
    fuzzy : float
        How much of the wording is the same, in [0, 1]: :func:`fuzzy_match`.
    row : int
        The number of the pair in the memory.
    """

    translation: str
    score: float
    source: str
    fuzzy: float
    row: int


class TranslationMemory:
    """Sentences and their translations, to be searched by the nearest sentence.

    Parameters
    ----------
    sources, targets : sequence of str
        Row i of one translates row i of the other. Pairs of which one is blank are left out.
    encoder : object, optional
        Turns a list of sentences into rows (dense or sparse): something with ``encode`` (a sentence-transformers
        model), with ``transform`` (a fitted scikit-learn pipeline) or a function. Default: a
        :class:`Vectorizer` of the sources' words and parts of words, which needs SciPy.
    vectors : array_like of shape (n, d), optional
        The rows of the sources, where they are known already.
    n_jobs : int, optional
        Threads; default every core.

    Attributes
    ----------
    sources, targets : list of str
        The pairs that are kept.
    vectors : ndarray or csr_array
        One row each.

    Examples
    --------
    >>> import likewise as lw
    >>> english = ["A man rides a bike.", "A dog sleeps.", "Two children play."]
    >>> german = ["Ein Mann fährt Rad.", "Ein Hund schläft.", "Zwei Kinder spielen."]
    >>> memory = lw.translate.TranslationMemory(english, german)
    >>> best = memory.translate("A man is riding his bike.", k=1)[0]
    >>> best.translation, best.source
    ('Ein Mann fährt Rad.', 'A man rides a bike.')
    """

    def __init__(
        self,
        sources: Any,
        targets: Any,
        encoder: Any = None,
        *,
        vectors: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        left, right = _plain(sources, "sources"), _plain(targets, "targets")
        same_number(left, right, "sources", "targets")
        keep = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a.strip() and b.strip()]
        if not keep:
            raise InputError(f"of {len(left):,} pairs none has text on both sides; a memory needs at least one")
        self.sources, self.targets = [left[i] for i in keep], [right[i] for i in keep]
        self.encoder = _words_of(self.sources) if encoder is None else encoder
        if vectors is None:
            self.vectors = _encode(self.encoder, self.sources)
        else:
            rows = _rows(vectors, "vectors")
            if rows.shape[0] != len(left):
                raise ShapeError(f"vectors has shape {rows.shape}; a row for each of {len(left):,} sources is wanted")
            self.vectors = rows if len(keep) == len(left) else rows[np.array(keep)]
        self._items = prepare(self.vectors, metric="cosine", n_jobs=n_jobs)

    @classmethod
    def read(
        cls,
        sources: str | os.PathLike[str],
        targets: str | os.PathLike[str],
        encoder: Any = None,
        *,
        encoding: str | None = None,
        **options: Any,
    ) -> TranslationMemory:
        """The memory of two files of sentences, line by line; ``.gz`` too. See :func:`read_aligned`."""
        return cls(*read_aligned(sources, targets, encoding=encoding), encoder, **options)

    def __len__(self) -> int:
        return len(self.sources)

    def __repr__(self) -> str:
        return f"<TranslationMemory: {len(self):,} pairs of sentences, {self.vectors.shape[1]:,} features>"

    def translate(self, sentences: Any, k: int = 3, *, n_jobs: int | None = None, progress: Progress = None) -> Any:
        """The stored translations of the k stored sentences nearest to each sentence, the best first.

        Parameters
        ----------
        sentences : str or sequence of str
        k : int, default 3
            Fewer where the memory is smaller.
        n_jobs, progress
            See :mod:`likewise.compute`.

        Returns
        -------
        list of Match, for one sentence; a list of such lists for several
            Empty for a sentence whose row is zero: blank, or in words that were never seen.
        """
        single = isinstance(sentences, str)
        asked = _plain([sentences] if single else sentences, "sentences")
        k = min(read_number("k", k), len(self))
        if not asked:
            return []
        rows = _encode(self.encoder, asked)
        if rows.shape[1] != self.vectors.shape[1]:
            raise ShapeError(
                f"the encoder gives {rows.shape[1]} features; this memory was made with {self.vectors.shape[1]}"
            )
        found = topk(rows, self._items, k, n_jobs=n_jobs, progress=progress)
        matches: list[list[Match]] = [[] for _ in asked]
        for i in _nonzero(rows):
            hits = zip(found.indices[i].tolist(), found.values[i].tolist(), strict=True)
            matches[i] = [self._match(asked[i], row, score) for row, score in hits]
        return matches[0] if single else matches

    def _match(self, sentence: str, row: int, score: float) -> Match:
        source = self.sources[row]
        return Match(self.targets[row], score, source, fuzzy_match(sentence, source), row)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write pairs and vectors into one file, without pickle.

        A :class:`Vectorizer` is kept as well. Any other encoder is not: give it again to :meth:`load`.
        """
        arrays: dict[str, Any] = {"sources": self.sources, "targets": self.targets}
        if is_sparse(self.vectors):
            arrays |= {"data": self.vectors.data, "columns": self.vectors.indices, "ends": self.vectors.indptr}
        else:
            arrays["vectors"] = np.asarray(self.vectors)
        header: dict[str, Any] = {"width": int(self.vectors.shape[1]), "encoder": type(self.encoder).__name__}
        if isinstance(self.encoder, Vectorizer):
            header["parameters"] = self.encoder.options()
            arrays |= {"terms": self.encoder.terms, "weights": self.encoder.weights}
        save_archive(path, _KIND, header, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], encoder: Any = None) -> TranslationMemory:
        """The memory that :meth:`save` wrote; with the encoder it was made with, if that was not the default."""
        header, arrays = load_archive(path, _KIND)
        try:
            if "vectors" in arrays:
                rows = arrays["vectors"]
            else:
                shape = (len(arrays["sources"]), header["width"])
                rows = need("scipy.sparse", "Vectorizer", extra="translate").csr_array(
                    (arrays["data"], arrays["columns"], arrays["ends"]), shape=shape
                )
            if encoder is None and "parameters" in header:
                encoder = Vectorizer(**header["parameters"]).restored(arrays["terms"], arrays["weights"])
            pairs = arrays["sources"], arrays["targets"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{os.fspath(path)} is not a whole translation memory: {error}") from None
        if encoder is None:
            raise InputError(
                f"{os.fspath(path)} was made with an encoder of your own ({header.get('encoder')}), which no file "
                "keeps; give it again: TranslationMemory.load(path, encoder)"
            )
        return cls(*pairs, encoder, vectors=rows)


def fuzzy_match(sentence: str, source: str) -> float:
    """How much of the wording of two sentences is the same, in [0, 1]: what translators call a fuzzy match.

    1 - (words to insert, delete or replace) / (words of the longer one); capitals and punctuation aside
    (Levenshtein 1966). 1 for the same words in the same order; 0 where both have none.

    >>> fuzzy_match("A man rides a bike.", "a man rides a red bike")
    0.8333333333333334
    """
    numbers: dict[str, int] = {}
    a, b = (
        np.array([numbers.setdefault(word, len(numbers)) for word in words(text)], np.int64)
        for text in (sentence, source)
    )
    if not len(a) or not len(b):
        return 0.0
    places = np.arange(len(b) + 1)
    row = places  # row[j]: edits that make the first j words of b of the first i of a
    for i, word in enumerate(a, 1):
        upper = np.minimum(row[1:] + 1, row[:-1] + (b != word))  # delete; keep or replace
        row = np.minimum.accumulate(np.append(i, upper) - places) + places  # insert: row[j - 1] + 1, all along
    return float(1 - row[-1] / max(len(a), len(b)))


def _plain(texts: Any, name: str) -> list[str]:
    found = as_sentences(texts, name)
    return [text if isinstance(text, str) else " ".join(text) for text in found]


def _words_of(sources: list[str]) -> Vectorizer:
    found = Vectorizer(characters=(3, 5)).fit(sources)
    if not found.terms:
        raise InputError(f"{len(sources):,} sources have no words; a memory of them needs an encoder of your own")
    return found


def _encode(encoder: Any, texts: list[str]) -> Any:
    """Rows of texts, by whichever way the encoder has."""
    how: Callable[[list[str]], Any] | None = next(
        (getattr(encoder, name) for name in ("encode", "transform") if callable(getattr(encoder, name, None))), None
    )
    if how is None and not callable(encoder):
        raise InputError(
            f"encoder is {type(encoder).__name__}; something with encode(texts) or transform(texts), or a function, "
            "is wanted"
        )
    rows = _rows((how or encoder)(texts), "what the encoder gives")
    if rows.shape[0] != len(texts):
        raise ShapeError(f"the encoder gives rows of shape {rows.shape} for {len(texts):,} sentences")
    return rows


def _nonzero(rows: Any) -> list[int]:
    """The rows that have something in them."""
    some = np.diff(rows.indptr) if is_sparse(rows) else rows.any(axis=1)
    return [int(row) for row in np.flatnonzero(some)]


def _rows(value: Any, name: str) -> Any:
    """Rows in the type that they come in: embeddings in float32 stay so."""
    if is_sparse(value):
        return need("scipy.sparse", name, extra="translate").csr_array(value)
    batch = read(value, name)
    if batch.lead or batch.vector:
        raise ShapeError(f"{name} has shape {batch.array.shape}; rows of shape (n, d) are wanted")
    return to_floating(batch)
