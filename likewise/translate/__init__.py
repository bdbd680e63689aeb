"""Translate by nearness: two languages in one space, and what is nearest there.

Spaces are brought into one by an :class:`Alignment` (rotation), by :class:`CCA`, or by a :class:`Lexicon` of word
translations learnt from pairs; :func:`blend` puts several side by side. There :func:`retrieve` finds translations,
:func:`mine_bitext` finds pairs, :func:`quality` rates them, and a :class:`TranslationMemory` gives what people
translated before.
"""

from likewise.terms import Vectorizer
from likewise.translate.alignment import Alignment, mutual_nearest
from likewise.translate.bitext import Bitext, mine_bitext
from likewise.translate.blend import blend
from likewise.translate.cca import CCA
from likewise.translate.lexicon import Lexicon
from likewise.translate.memory import Match, TranslationMemory, fuzzy_match
from likewise.translate.quality import quality
from likewise.translate.retrieval import hubness, occurrences, retrieve
from likewise.translate.texts import read_aligned, read_lines

__all__ = [
    "CCA",
    "Alignment",
    "Bitext",
    "Lexicon",
    "Match",
    "TranslationMemory",
    "Vectorizer",
    "blend",
    "fuzzy_match",
    "hubness",
    "mine_bitext",
    "mutual_nearest",
    "occurrences",
    "quality",
    "read_aligned",
    "read_lines",
    "retrieve",
]
