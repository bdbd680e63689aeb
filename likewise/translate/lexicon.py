"""Word translations learnt from pairs of sentences, and the space of words that they make.

IBM Model 1 (Brown, Della Pietra, Della Pietra & Mercer 1993): each word t of a target sentence comes from one word s of
the source sentence (or from none, the empty word), each equally likely a priori, so that

    p(target | source) ~ product over t of  sum over s of p(t | s)

whose likelihood has one maximum. Expectation-maximisation goes there:

    E    a(s, t) = p(t | s) / sum over s' of p(t | s')       how much of t comes from s, in each pair of sentences
    M    p(t | s) = sum of a(s, t) / sum over t' of a(s, t')  over all pairs of sentences

The table p(t | s) is a linear map of rows of source words to rows of target words, and p(s | t), learnt alike, one
back. A sentence then is two rows side by side, each of unit length: its own words, and what these are in the other
language, where a word counts by a power of idf = ln((1 + n) / df). The cosine of a source and a target sentence is the
mean of two, one in the words of either language.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.extras import need
from likewise.terms import Text, as_sentences, count_rows, words
from likewise.translate.blend import blend
from likewise.translate.estimator import Model
from likewise.translate.retrieval import read_number
from likewise.translate.rows import Floats, Options, Rows, same_number

Integers = NDArray[np.int64]
_BLOCK = 1 << 20  # co-occurrences of words that are looked at together: 50 MB
_TINY = np.finfo(float).tiny  # after many rounds, what is improbable is zero


class Lexicon(Model):
    """A bilingual lexicon from pairs of sentences, and with it one space for both languages.

    Needs SciPy. Memory while fitting is some 50 MB and 12 bytes a pair of words that occur in one pair of sentences.

    Parameters
    ----------
    rounds : int, default 8
        Of expectation-maximisation.
    min_count : int, default 2
        Words in fewer sentences are left out: once is too little to learn a translation from.
    least : float, default 0.01
        Translations less probable than this are forgotten, once learnt.
    longest : int, default 100
        Pairs with a sentence of more words are not learnt from: each word might come from each, and which it is a long
        sentence does not tell. Nor would their number be bounded.
    power : float, default 0.25
        Of the inverse document frequency by which a word counts, on either side of the map.

    Attributes
    ----------
    source_words_, target_words_ : list of str
        The words, in the order of the columns of the space: source words first.

    Examples
    --------
    >>> import likewise as lw
    >>> english = ["a man", "a dog", "the man sleeps", "the dog sleeps", "a man sleeps"]
    >>> german = ["ein mann", "ein hund", "der mann schläft", "der hund schläft", "ein mann schläft"]
    >>> lexicon = lw.translate.Lexicon(min_count=1).fit(english, german)
    >>> [word for word, _ in lexicon.translations("dog", 1)]
    ['hund']
    >>> rows, others = lexicon.transform(["the dog"]), lexicon.transform_target(["ein mann", "der hund"])
    >>> lw.translate.retrieve(rows, others, 1, method="nearest").indices
    array([[1]])
    """

    _saved: ClassVar[tuple[str, ...]] = (
        "source_words_",
        "target_words_",
        "source_weights_",
        "target_weights_",
        "forward_values_",
        "forward_columns_",
        "forward_ends_",
        "backward_values_",
        "backward_columns_",
        "backward_ends_",
    )

    def __init__(
        self, *, rounds: int = 8, min_count: int = 2, least: float = 0.01, longest: int = 100, power: float = 0.25
    ) -> None:
        self.rounds = rounds
        self.min_count = min_count
        self.least = least
        self.longest = longest
        self.power = power

    def fit(self, sources: Any, targets: Any, *, progress: Progress = None) -> Lexicon:
        """Learn from sentences and their translations; texts, or lists of words."""
        need("scipy.sparse", "Lexicon", extra="translate")
        rounds, min_count = read_number("rounds", self.rounds), read_number("min_count", self.min_count)
        if not 0 <= self.least < 1:
            raise InputError(f"least={self.least!r}; a probability in [0, 1) is wanted")
        left, right = _short_pairs(sources, targets, read_number("longest", self.longest))
        source, target = _Vocabulary(left, min_count), _Vocabulary(right, min_count)
        for found, name in ((source.words, "sources"), (target.words, "targets")):
            if not found:
                raise InputError(
                    f"{name} have no word that occurs in at least {min_count} of {len(left):,} sentences: "
                    "give more sentences, or a lower min_count="
                )
        self.source_words_, self.target_words_ = source.words, target.words
        self.source_weights_, self.target_weights_ = (
            np.log((1 + len(left)) / side.counts) ** self.power for side in (source, target)
        )
        a, b = _numbers_of(left, self._source_known()), _numbers_of(right, self._target_known())
        sizes = len(source.words), len(target.words)
        there, back = Options(progress=progress).stages(rounds, rounds)
        forward = _pruned(_model1(a, b, sizes, rounds, there), self.least, sizes)
        backward = _pruned(_model1(b, a, sizes[::-1], rounds, back), self.least, sizes[::-1])
        self.forward_values_, self.forward_columns_, self.forward_ends_ = forward
        self.backward_values_, self.backward_columns_, self.backward_ends_ = backward
        self._learnt: tuple[Rows, Rows] | None = None
        return self

    def transform(self, sources: Any) -> Rows:
        """Source sentences in the shared space: CSR rows of unit length, (n, source words + target words).

        A sentence without any known word is a zero row, which has cosine 0 with everything.
        """
        own, other = self._sides(as_sentences(sources, "sources"), source=True)
        return blend(own, other)

    def transform_target(self, targets: Any) -> Rows:
        """Target sentences in the shared space, likewise."""
        own, other = self._sides(as_sentences(targets, "targets"), source=False)
        return blend(other, own)

    def translations(self, word: str, k: int = 5) -> list[tuple[str, float]]:
        """The likeliest translations of a source word, with p(t | s); none for a word that is not known."""
        return self._look_up(word, k, source=True)

    def back_translations(self, word: str, k: int = 5) -> list[tuple[str, float]]:
        """The likeliest source words of a target word, with p(s | t)."""
        return self._look_up(word, k, source=False)

    def _look_up(self, word: str, k: int, *, source: bool) -> list[tuple[str, float]]:
        tables = self._tables()
        if not isinstance(word, str):
            raise InputError(f"word is {type(word).__name__}, {word!r}; one word is wanted, as a string")
        number = (self._source_known() if source else self._target_known()).get(" ".join(words(word)))
        if number is None:
            return []
        names, table = (self.target_words_, tables[0]) if source else (self.source_words_, tables[1])
        here = slice(table.indptr[number], table.indptr[number + 1])
        found = sorted(zip(-table.data[here], table.indices[here], strict=True))[: read_number("k", k)]
        return [(names[column], float(-value)) for value, column in found]

    def _sides(self, texts: Sequence[Text], *, source: bool) -> tuple[Rows, Rows]:
        """Rows of a sentence's own words and of their translations."""
        tables = self._tables()
        known, table = (self._source_known(), tables[0]) if source else (self._target_known(), tables[1])
        weights = (self.source_weights_, self.target_weights_)
        own_weights, other_weights = weights if source else weights[::-1]
        own = count_rows([[known[word] for word in words(text) if word in known] for text in texts], len(known))
        own.data = own_weights[own.indices]  # whether a word is there, not how often: "a" is nothing twice
        other = own @ table
        other.sort_indices()
        other.data *= other_weights[other.indices]
        return own, other

    def _source_known(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.source_words_)}

    def _target_known(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.target_words_)}

    def _tables(self) -> tuple[Rows, Rows]:
        """p(t | s), (source words, target words), and p(s | t)."""
        self._check_fitted()
        if getattr(self, "_learnt", None) is None:
            sparse = need("scipy.sparse", "Lexicon", extra="translate")
            sizes = len(self.source_words_), len(self.target_words_)
            forward = (self.forward_values_, self.forward_columns_, self.forward_ends_)
            backward = (self.backward_values_, self.backward_columns_, self.backward_ends_)
            tables = sparse.csr_array(forward, shape=sizes), sparse.csr_array(backward, shape=sizes[::-1])
            self._learnt = tables
        assert self._learnt is not None
        return self._learnt


class _Vocabulary:
    """Words by number, and how many texts have each."""

    def __init__(self, texts: Iterable[Sequence[str]], min_count: int) -> None:
        counts = Counter(word for text in texts for word in set(text))
        self.words = sorted(word for word, count in counts.items() if count >= min_count)
        self.counts: NDArray[np.int64] = np.array([counts[word] for word in self.words], np.int64)


def _numbers_of(texts: Iterable[Sequence[str]], known: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The numbers of the known words, text after text, and where each text begins and the last ends."""
    found: list[int] = []
    ends = [0]
    for text in texts:
        found.extend(known[word] for word in text if word in known)
        ends.append(len(found))
    return np.array(found, np.int32), np.array(ends, np.int64)


def _short_pairs(sources: Any, targets: Any, longest: int) -> tuple[list[list[str]], list[list[str]]]:
    """The words of the pairs of which neither side has too many."""
    left, right = as_sentences(sources, "sources"), as_sentences(targets, "targets")
    same_number(left, right, "sources", "targets")
    pairs = [(words(a), words(b)) for a, b in zip(left, right, strict=True)]
    pairs = [pair for pair in pairs if max(map(len, pair)) <= longest]
    return [a for a, _ in pairs], [b for _, b in pairs]


Sentences = tuple[NDArray[np.int32], Integers]


def _model1(
    source: Sentences, target: Sentences, sizes: tuple[int, int], rounds: int, options: Options
) -> tuple[Integers, Floats]:
    """p(t | s) by EM: the pairs of words that occur together, as s * targets + t in rising order, and their values.

    The empty word is source word number sizes[0]; its share is learnt, and left out in the end.
    """
    source = _with_empty(source, sizes[0])
    blocks = _blocks(source[1], target[1])
    seen: list[Integers] = [np.unique(_together(source, target, block, sizes[1])[0]) for block in blocks]
    pairs = np.unique(np.concatenate(seen)) if seen else np.empty(0, np.int64)
    places = [
        np.searchsorted(pairs, _together(source, target, block, sizes[1])[0]).astype(np.int32) for block in blocks
    ]
    owner = pairs // sizes[1]
    p = np.full(len(pairs), 1 / sizes[1])
    for done in range(rounds):
        counts = np.zeros(len(pairs))
        for block, place in zip(blocks, places, strict=True):
            lengths = _together(source, target, block, sizes[1])[1]  # source words that each target word may come from
            share = p[place]
            total = np.add.reduceat(share, np.cumsum(lengths) - lengths) if len(lengths) else share
            share /= np.repeat(np.maximum(total, _TINY), lengths)
            counts += np.bincount(place, share, minlength=len(pairs))
        p = counts / np.maximum(np.bincount(owner, counts, minlength=sizes[0] + 1), _TINY)[owner]
        options.report(done + 1, rounds)
    return pairs, p


def _with_empty(sentences: Sentences, empty: int) -> Sentences:
    """Each sentence with the empty word at its end."""
    numbers, ends = sentences
    return np.insert(numbers, ends[1:], empty).astype(np.int32), ends + np.arange(len(ends))


def _blocks(source: Integers, target: Integers) -> list[slice]:
    """Sentences that have some _BLOCK co-occurrences together."""
    work = np.cumsum(np.diff(source) * np.diff(target))
    cuts = np.flatnonzero(np.diff(work // _BLOCK)) + 1 if len(work) else np.empty(0, np.int64)
    edges = [0, *cuts.tolist(), len(work)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if a < b]


def _together(source: Sentences, target: Sentences, block: slice, width: int) -> tuple[Integers, Integers]:
    """For each target word of these sentences, each source word of its sentence: s * width + t; and how many."""
    per_sentence = np.diff(target[1])[block]
    sentence = np.repeat(np.arange(block.start, block.stop), per_sentence)
    lengths = np.diff(source[1])[sentence]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    s = source[0][np.repeat(source[1][sentence], lengths) + within].astype(np.int64)
    t = np.repeat(target[0][target[1][block.start] : target[1][block.stop]], lengths)
    return s * width + t, lengths


def _pruned(
    found: tuple[Integers, Floats], least: float, sizes: tuple[int, int]
) -> tuple[Floats, NDArray[np.int32], Integers]:
    """The table as CSR arrays, without the empty word and without what is improbable."""
    pairs, p = found
    keep = (p >= max(least, 1e-12)) & (pairs < sizes[0] * sizes[1])
    pairs, p = pairs[keep], p[keep]
    ends = np.searchsorted(pairs, np.arange(sizes[0] + 1, dtype=np.int64) * sizes[1])
    return p, (pairs % sizes[1]).astype(np.int32), ends.astype(np.int64)
