"""Text as numbers: one for each character, or one for each byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likewise.errors import InputError

_PIECE = 1 << 20  # characters turned at a time: 4 MB of code points


class Vocabulary:
    """The symbols of a language model, numbered: characters in the order of their code points, or the 256 bytes.

    Parameters
    ----------
    characters : str, optional
        Every character once. Default: bytes of UTF-8, which write any text; a character is then up to four symbols.

    Examples
    --------
    >>> letters = Vocabulary.of("hello")
    >>> len(letters), letters.encode("hole").tolist(), letters.decode([1, 0, 2])
    (4, [1, 3, 2, 0], 'hel')
    >>> len(Vocabulary()), Vocabulary().encode("é").tolist()
    (256, [195, 169])
    """

    def __init__(self, characters: str | None = None) -> None:
        if characters is not None and not isinstance(characters, str):
            raise InputError(f"characters= is of type {type(characters).__name__}; a str is wanted, or None for bytes")
        if characters is not None and (not characters or len(set(characters)) != len(characters)):
            raise InputError("characters= wants every character once, and one at least; Vocabulary.of(text) finds them")
        self.characters = None if characters is None else "".join(sorted(characters))
        self._codes = None if self.characters is None else _codes(self.characters)

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """The characters of a text."""
        if not isinstance(text, str):
            raise InputError(f"text is of type {type(text).__name__}; a str is wanted")
        if not text:
            raise InputError("the text is empty, so it has no characters to number")
        return cls("".join(set(text)))

    def __len__(self) -> int:
        return 256 if self.characters is None else len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return "Vocabulary()" if self.characters is None else f"Vocabulary({self.characters!r})"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds every number."""
        return np.dtype(np.min_scalar_type(len(self) - 1))

    def encode(self, text: str) -> NDArray[Any]:
        """The numbers of a text's symbols, in the smallest type that holds them.

        Raises
        ------
        InputError
            Where a character is none of the vocabulary's: which, and where.
        """
        if not isinstance(text, str):
            raise InputError(f"text is of type {type(text).__name__}; a str is wanted")
        if self._codes is None:
            return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        found = np.empty(len(text), self.dtype)
        for start in range(0, len(text), _PIECE):
            codes = _codes(text[start : start + _PIECE])
            at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
            if len(strange := np.flatnonzero(self._codes[at] != codes)):
                place = start + int(strange[0])
                raise InputError(
                    f"{text[place]!r} (character {place + 1:,}) is not among the {len(self)} characters of this "
                    "vocabulary; leave it out, or make a model of bytes, which write any text: Vocabulary(), or "
                    "likewise lm train --bytes"
                )
            found[start : start + _PIECE] = at
        return found

    def decode(self, ids: ArrayLike) -> str:
        """The text that numbers stand for; bytes that are no UTF-8 become the replacement character."""
        return "".join(self.decode_each([ids]))

    def decode_each(self, pieces: Sequence[ArrayLike] | Iterator[ArrayLike]) -> Iterator[str]:
        """The text of numbers that come piece by piece; a character of several bytes comes when it is whole."""
        import codecs

        whole = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in pieces:
            ids = self._checked(piece)
            if self.characters is None:
                yield whole.decode(ids.astype(np.uint8).tobytes())
            else:
                yield "".join(self.characters[i] for i in ids.tolist())
        if self.characters is None:
            yield whole.decode(b"", final=True)

    def _checked(self, ids: ArrayLike) -> NDArray[Any]:
        numbers = np.atleast_1d(np.asarray(ids))
        if not numbers.size:
            return np.empty(0, np.int64)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise InputError(
                f"ids has shape {numbers.shape} and holds {numbers.dtype}; one row of whole numbers is wanted"
            )
        if int(numbers.min()) < 0 or int(numbers.max()) >= len(self):
            wrong = int(numbers[(numbers < 0) | (numbers >= len(self))][0])
            raise InputError(f"{wrong} is no number of this vocabulary, which has 0 to {len(self) - 1}")
        return numbers


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
