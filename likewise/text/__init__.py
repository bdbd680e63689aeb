"""Search text by meaning and by words, find near duplicates and communities; ``lw.text`` is this package.

Made of the verbs: a search is :func:`likewise.topk` over vectors or over sparse rows of words, near duplicates are
:func:`likewise.within`. docs/search.md is its tutorial.
"""

from likewise.terms import Vectorizer
from likewise.text.communities import communities
from likewise.text.documents import Documents, Passages, cut_passages, read_documents, sentences
from likewise.text.duplicates import Pairs, near_duplicates
from likewise.text.embed import EmbeddingWarning, embed
from likewise.text.fusion import fuse
from likewise.text.lexical import Bm25, TfIdf
from likewise.text.lsa import Lsa
from likewise.text.search import Hit, Hits, Index

__all__ = [
    "Bm25",
    "Documents",
    "EmbeddingWarning",
    "Hit",
    "Hits",
    "Index",
    "Lsa",
    "Pairs",
    "Passages",
    "TfIdf",
    "Vectorizer",
    "communities",
    "cut_passages",
    "embed",
    "fuse",
    "near_duplicates",
    "read_documents",
    "sentences",
]
