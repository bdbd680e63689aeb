r"""Texts, and the words in them.

The words of a text are the runs ``\w+`` of its NFKC form, case folded ("Straße" and "STRASSE" are one word).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from likewise.errors import InputError
from likewise.extras import need

_WORD = re.compile(r"\w+")

#: A text; or its words, where a language writes no spaces between them.
Text = str | Sequence[str]


def words(text: Text) -> list[str]:
    """The words of a text, case folded; words that are given as such stay whole.

    >>> words("A man's Straße"), words(["New York", "Straße"])
    (['a', 'man', 's', 'strasse'], ['new york', 'strasse'])
    """
    if not isinstance(text, str):
        return [unicodedata.normalize("NFKC", word).casefold() for word in text]
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def as_texts(texts: Any, name: str = "texts") -> list[str]:
    """A list of str, or an error that says which is not."""
    found = _as_list(texts, name)
    for place, text in enumerate(found):
        if not isinstance(text, str):
            raise _no_text(name, place, text)
    return found


def as_sentences(texts: Any, name: str = "texts") -> list[Text]:
    """A list of texts or of lists of words, or an error that says which is neither."""
    found = _as_list(texts, name)
    for place, text in enumerate(found):
        if not isinstance(text, str) and not (
            isinstance(text, (list, tuple)) and all(isinstance(word, str) for word in text)
        ):
            raise _no_text(name, place, text)
    return found


def _as_list(texts: Any, name: str) -> list[Any]:
    if isinstance(texts, (str, bytes)):
        raise InputError(f"{name} is one string; a list of strings is wanted: [{texts[:20]!r}]")
    try:
        return list(texts)
    except TypeError:
        raise InputError(f"{name} is {type(texts).__name__}; a list of strings is wanted") from None


def _no_text(name: str, place: int, text: Any) -> InputError:
    return InputError(f"{name}[{place}] is {type(text).__name__}, {text!r:.40}; a string is wanted")


def stemmer_of(stem: str | Callable[[str], str] | None) -> Callable[[str], str] | None:
    """A function of a word: as given, or a Snowball stemmer by the name of its language (needs PyStemmer)."""
    if stem is None or callable(stem):
        return stem
    stemmers = need("Stemmer", f"stem={stem!r}")
    if stem not in stemmers.algorithms():
        raise InputError(f"stem={stem!r} is no language of PyStemmer; it has {', '.join(stemmers.algorithms())}")
    made: Callable[[str], str] = stemmers.Stemmer(stem).stemWord
    return made
