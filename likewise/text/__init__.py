"""Texts: search, near duplicates, communities. Built on the verbs; ``lw.text`` is this package."""

from __future__ import annotations

from likewise.text.lsa import Lsa
from likewise.text.terms import Vectorizer

__all__ = ["Lsa", "Vectorizer"]
