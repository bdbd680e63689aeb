r"""Texts in, words and rows out; and files of aligned sentences.

A text becomes the words ``\w+`` of its NFKC form, case folded. Where a language writes no spaces between words, give
lists of words in place of texts.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError, ShapeError
from likewise.files.source import open_source, reading
from likewise.translate.estimator import Model
from likewise.translate.retrieval import read_number
from likewise.translate.rows import Floats, Rows, need_scipy, unit

_WORD = re.compile(r"\w+")

#: A sentence: its text, or its words.
Text = str | Sequence[str]


def words_of(text: Text) -> list[str]:
    """The words of a text, case folded.

    >>> words_of("Ein Hund, zwei Straßen")
    ['ein', 'hund', 'zwei', 'strassen']
    """
    if not isinstance(text, str):
        return [unicodedata.normalize("NFKC", word).casefold() for word in text]
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def read_texts(texts: Any, name: str) -> list[Text]:
    """A list of texts (or of lists of words), or an error that says what was found."""
    if isinstance(texts, (str, bytes)):
        raise InputError(f"{name} is a single text; a list of texts is wanted: [{texts[:30]!r}]")
    try:
        found = list(texts)
    except TypeError:
        raise InputError(f"{name} is {type(texts).__name__}; a list of texts is wanted") from None
    for place, text in enumerate(found):
        if isinstance(text, (list, tuple)) and all(isinstance(word, str) for word in text):
            continue
        if not isinstance(text, str):
            raise InputError(f"{name}[{place}] is {type(text).__name__} {str(text)[:30]}; a text is wanted")
    return found


def read_aligned(
    sources: str | os.PathLike[str], targets: str | os.PathLike[str], *, encoding: str = "utf-8"
) -> tuple[list[str], list[str]]:
    """The sentences of two files that are line by line each other's translation: (sources, targets); ``.gz`` too.

    Lines keep their places; a pair of which one is blank says nothing, and is left out.

    Raises
    ------
    ShapeError
        Where they have different numbers of lines; the message says both.
    InputError
        Where a file is absent or damaged, or is not text in that encoding: the message names the line.
    """
    left, right = read_lines(sources, encoding=encoding), read_lines(targets, encoding=encoding)
    if len(left) != len(right):
        raise ShapeError(
            f"{os.fspath(sources)} has {len(left):,} lines and {os.fspath(targets)} {len(right):,}; line by line they "
            "have to be translations of each other"
        )
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a.strip() and b.strip()]
    if not pairs:
        raise InputError(f"{os.fspath(sources)} and {os.fspath(targets)} have no line that both have text in")
    return [a for a, _ in pairs], [b for _, b in pairs]


def read_lines(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> list[str]:
    """The lines of a text file, or of a ``.gz`` of one, without their ends (``-``: standard input)."""
    source = open_source(path, "sentences")
    data: Any = bytes(source.data)
    if data[:2] == b"\x1f\x8b":
        with reading(source.name, "a gzip file"):
            data = gzip.decompress(data)
    try:
        text = data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{source.name}, line {line}: byte 0x{data[error.start]:02x} is not {encoding}; say which encoding it is "
            "in, as in encoding='latin-1'"
        ) from None
    except LookupError:
        raise InputError(f"encoding={encoding!r} is not known; utf-8, latin-1 and cp1252 are usual") from None
    # not splitlines(): form feeds and Unicode's own separators would end lines in one language and not in the other
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline=None)]


class Vocabulary:
    """Words by number, and how many texts have each."""

    def __init__(self, texts: Iterable[Sequence[str]], min_count: int) -> None:
        counts = Counter(word for words in texts for word in set(words))
        self.words = sorted(word for word, count in counts.items() if count >= min_count)
        self.counts: NDArray[np.int64] = np.array([counts[word] for word in self.words], np.int64)


def numbers_of(texts: Iterable[Sequence[str]], known: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The numbers of the known words, text after text, and where each text begins and the last ends."""
    found: list[int] = []
    ends = [0]
    for words in texts:
        found.extend(known[word] for word in words if word in known)
        ends.append(len(found))
    return np.array(found, np.int32), np.array(ends, np.int64)


def presence(numbers: NDArray[np.int32], ends: NDArray[np.int64], width: int) -> Rows:
    """CSR of how often each word occurs, (n, width)."""
    sparse = need_scipy("texts as rows")
    rows = sparse.csr_array((np.ones(len(numbers)), numbers, ends), shape=(len(ends) - 1, width))
    rows.sum_duplicates()
    return rows


class TfIdf(Model):
    """Texts as sparse rows of words and of character n-grams, (1 + ln tf) ln((1 + n) / df), scaled to unit length.

    N-grams are taken of each word with a space at either end, so that inflected and misspelt words are still alike.
    An empty text, or one of unknown terms only, is a zero row.

    Parameters
    ----------
    characters : (int, int) or None, default (3, 5)
        Lengths of the n-grams; None: words only.
    min_count : int, default 1
        Terms in fewer texts are left out.

    Examples
    --------
    >>> rows = TfIdf().fit_transform(["a man rides a bike", "a dog sleeps", "two men ride bikes"])
    >>> bool((rows @ rows.T)[0, 2] > (rows @ rows.T)[0, 1])
    True
    """

    _saved: ClassVar[tuple[str, ...]] = ("terms_", "weights_")

    def __init__(self, *, characters: tuple[int, int] | None = (3, 5), min_count: int = 1) -> None:
        self.characters = characters
        self.min_count = min_count

    def fit(self, texts: Any, y: Any = None) -> TfIdf:
        """Learn the terms of these texts, and how many have each."""
        need_scipy("TfIdf")
        terms = [self._terms(text) for text in read_texts(texts, "texts")]
        known = Vocabulary(terms, read_number("min_count", self.min_count))
        if not known.words:
            raise InputError(f"{len(terms):,} texts have no term that occurs in at least {self.min_count} of them")
        self.terms_ = known.words
        self.weights_: Floats = np.log((1 + len(terms)) / known.counts)
        return self

    def transform(self, texts: Any) -> Rows:
        """CSR rows of unit length, (n, terms)."""
        self._check_fitted()
        known = {term: number for number, term in enumerate(self.terms_)}
        terms = [self._terms(text) for text in read_texts(texts, "texts")]
        rows = presence(*numbers_of(terms, known), len(self.terms_))
        rows.data = (1 + np.log(rows.data)) * self.weights_[rows.indices]
        return unit(rows)

    def fit_transform(self, texts: Any, y: Any = None) -> Rows:
        """:meth:`fit`, then :meth:`transform`."""
        return self.fit(texts).transform(texts)

    def _terms(self, text: Text) -> list[str]:
        words = words_of(text)
        if self.characters is None:
            return words
        least, most = self.characters
        terms = [f"={word}" for word in words]  # no n-gram begins so: = is no letter
        for word in words:
            padded = f" {word} "
            for length in range(least, min(most, len(padded)) + 1):
                terms.extend(padded[i : i + length] for i in range(len(padded) - length + 1))
        return terms
