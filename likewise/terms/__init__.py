"""Texts as rows of counted terms: what search, translation and recommendation by words have in common."""

from likewise.terms.counting import Range, count_rows, unit_rows
from likewise.terms.vectorizer import Vectorizer, Weighting
from likewise.terms.words import Text, as_sentences, as_texts, words

__all__ = ["Range", "Text", "Vectorizer", "Weighting", "as_sentences", "as_texts", "count_rows", "unit_rows", "words"]
