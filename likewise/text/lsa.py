"""Texts as short dense vectors without a neural network: latent semantic analysis, of one language or of two.

**One language** (Deerwester et al. 1990). Rows of weighted terms A (n, terms) are cut to their r largest singular
directions, A ~ U diag(s) V', and a text with the row a becomes a V.

**Two languages** (canonical correlations with a ridge: :mod:`likewise.transforms.cca`). Row i of A and row i of B say
the same in two vocabularies. Both are cut to r directions as above, and what they have in common is sought there: two
matrices that take either into one space, where the cosine says how alike two texts are in meaning. power > 0 makes
directions count that both languages agree on, and ridge, in units of texts, keeps directions down that few texts have.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files import load_archive, save_archive
from likewise.files.source import reading
from likewise.terms import Range, Vectorizer, Weighting, as_texts
from likewise.transforms import canonical, truncated_svd

Floats = NDArray[np.float32]
_KIND = "likewise.text.Lsa"
_BATCH = 8192  # texts turned at a time, so that their rows of terms stay small


class Lsa:
    """Texts to vectors by a truncated singular value decomposition of their terms.

    Parameters
    ----------
    dimensions : int, default 300
        At most so many; fewer where the texts have a smaller rank.
    words, characters, weighting, min_count, max_share, stem, stop
        Which terms count, and how much: as :class:`~likewise.text.Vectorizer`.
    ridge, power : float, defaults 10 and 1
        Of :meth:`fit_pairs` only.
    seed : int, default 0
        Of the random projection that begins the decomposition.

    Attributes
    ----------
    projection : ndarray of shape (terms, dimensions), float32
    strengths : ndarray of shape (dimensions,)
        Singular values, or canonical correlations after :meth:`fit_pairs`; falling.

    Examples
    --------
    >>> texts = ["a man rides a bike", "a man rides a horse", "a dog sleeps", "a cat sleeps"]
    >>> vectors = Lsa(2, min_count=1).fit(texts).transform(["a bike", "a horse", "a cat"])
    >>> (vectors @ vectors[0] > 0.9).tolist()
    [True, True, False]
    """

    def __init__(
        self,
        dimensions: int = 300,
        *,
        words: Range | None = (1, 1),
        characters: Range | None = None,
        weighting: Weighting = "tfidf",
        min_count: int = 2,
        max_share: float = 1.0,
        stem: str | None = None,
        stop: Sequence[str] = (),
        ridge: float = 10.0,
        power: float = 1.0,
        seed: int = 0,
    ) -> None:
        if dimensions < 1:
            raise InputError(f"dimensions={dimensions!r}; a whole number from 1 is wanted")
        if not ridge >= 0 or not power >= 0:
            raise InputError(f"ridge={ridge!r} and power={power!r} cannot be negative")
        self.dimensions, self.ridge, self.power, self.seed = int(dimensions), float(ridge), float(power), seed
        self.vectorizer = Vectorizer(
            words=words,
            characters=characters,
            weighting=weighting,
            min_count=min_count,
            max_share=max_share,
            stem=stem,
            stop=stop,
        )
        self.projection: Floats = np.zeros((0, 0), np.float32)
        self.strengths: NDArray[np.float64] = np.zeros(0)

    # ---- learning

    def fit(self, texts: Sequence[str]) -> Lsa:
        """Learn terms and directions from texts of one language.

        Raises
        ------
        InputError
            Where no term is left.
        """
        rows = self._rows(texts, "texts")
        _, self.strengths, right = truncated_svd(rows, self.dimensions, self.seed, dtype=np.float32)
        self.projection = np.ascontiguousarray(right, np.float32)
        return self

    def fit_transform(self, texts: Sequence[str]) -> Floats:
        """The same, and the vectors of those texts."""
        return self.fit(texts).transform(texts)

    def fit_pairs(self, sources: Sequence[str], targets: Sequence[str]) -> tuple[Lsa, Lsa]:
        """Learn one space for two languages, from pairs that say the same.

        Parameters
        ----------
        sources, targets : sequences of str, equally long
            ``targets[i]`` is a translation of ``sources[i]``.

        Returns
        -------
        source, target : Lsa
            One encoder a language, made with this one's options; this one stays as it is.

        Examples
        --------
        >>> english, german = Lsa(2, min_count=1).fit_pairs(["a dog", "a cat"], ["ein Hund", "eine Katze"])
        >>> (english.transform(["the cat"]) @ german.transform(["Hund", "Katze"]).T).argmax().item()
        1
        """
        sources, targets = as_texts(sources, "sources"), as_texts(targets, "targets")
        if len(sources) != len(targets):
            raise InputError(f"{len(sources):,} sources and {len(targets):,} targets; row i of both is one pair")
        ours, theirs = self._like(), self._like()
        one, other = ours._rows(sources, "sources"), theirs._rows(targets, "targets")
        a, b = (truncated_svd(rows, self.dimensions, self.seed, dtype=np.float32) for rows in (one, other))
        *maps, strengths = canonical(a, b, (self.ridge, self.ridge), self.power)
        ours.projection, theirs.projection = (np.ascontiguousarray(found, np.float32) for found in maps)
        ours.strengths = theirs.strengths = strengths
        return ours, theirs

    def _rows(self, texts: Sequence[str], name: str) -> Any:
        rows = self.vectorizer.fit_transform(as_texts(texts, name))
        if not rows.nnz:
            least = self.vectorizer.min_count
            raise InputError(
                f"{name}: no term is in {least} of the {rows.shape[0]:,} texts; give more, or a smaller min_count="
            )
        return rows

    def _like(self) -> Lsa:
        return Lsa(self.dimensions, ridge=self.ridge, power=self.power, seed=self.seed, **self.vectorizer.options())

    # ---- using

    def transform(self, texts: Sequence[str]) -> Floats:
        """Vectors of unit length, (n, dimensions) float32; of zeros for a text without a known term."""
        texts = as_texts(texts)
        if not len(self.projection):
            raise InputError("this Lsa has learned nothing yet; call fit(texts) or fit_pairs(sources, targets)")
        made = np.zeros((len(texts), self.projection.shape[1]), np.float32)
        for first in range(0, len(texts), _BATCH):
            rows = self.vectorizer.transform(texts[first : first + _BATCH])
            made[first : first + _BATCH] = _unit(rows.astype(np.float32) @ self.projection)
        return made

    def encode(self, texts: Sequence[str]) -> Floats:
        """The same as :meth:`transform`, under the name that sentence encoders have for it."""
        return self.transform(texts)

    # ---- keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it into one file, without pickle."""
        header = {"dimensions": self.dimensions, "ridge": self.ridge, "power": self.power, "seed": self.seed}
        words = self.vectorizer
        arrays: dict[str, Any] = {"projection": self.projection, "strengths": self.strengths, "weights": words.weights}
        save_archive(path, _KIND, header | words.options(), arrays | {"terms": words.terms})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Lsa:
        """Read what :meth:`save` wrote."""
        header, arrays = load_archive(path, _KIND)
        with reading(str(path), "an Lsa"):
            made = cls(**header)
            made.vectorizer.restored(arrays["terms"], arrays["weights"])
            made.projection, made.strengths = arrays["projection"], arrays["strengths"]
        return made


def _unit(rows: Floats) -> Floats:
    norms = np.sqrt((rows.astype(np.float64) ** 2).sum(1, keepdims=True))
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)
