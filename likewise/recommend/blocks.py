"""Columns of a table as blocks of named coordinates: numbers, categories, lists and words.

What each kind becomes, and why no block weighs more for having more in it, is on the first page of
:mod:`likewise.recommend.attributes`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files.records import Records
from likewise.terms import words

Vectors = NDArray[np.float32]
Words = list[list[str]]  # of each item; one may be there several times

#: Cells that say nothing, whatever their case.
MISSING = ("", "(no genres listed)", "nan", "none", "null")


@dataclass(frozen=True)
class Block:
    """Coordinates ``start`` to ``stop`` of the vectors, made of one column."""

    name: str
    kind: str
    start: int
    stop: int
    weight: float = 1.0


class Maker:
    """Blocks side by side."""

    def __init__(self, n: int, weights: dict[str, float], max_words: int, source: str) -> None:
        self.n, self.weights, self.max_words, self.source = n, weights, max_words, source
        self.parts: list[Vectors] = []
        self.names: list[str] = []
        self.blocks: list[Block] = []
        self.known: list[str] = []
        if max_words < 1:
            raise InputError(f"max_words={max_words!r}: a block has at least one coordinate")
        for name, weight in weights.items():
            if not 0 <= weight < math.inf:
                raise InputError(f"weights={{{name!r}: {weight!r}}}: a weight is a number of at least 0")

    def add_column(self, table: Records, column: str, kind: str, separator: str) -> None:
        """The block of one column."""
        values = table.column(column)
        if kind == "numbers":
            self.add_numbers(column, as_numbers(values, column, table.source))
        elif kind == "categories":
            self.add_words(column, kind, [[] if is_missing(v) else [str(v).strip()] for v in values.tolist()])
        elif kind == "lists":
            self.add_words(column, kind, [parts_of(v, separator) for v in values.tolist()])
        else:
            self.add_words(column, kind, [[] if is_missing(v) else words(str(v)) for v in values.tolist()], True)

    def add_numbers(self, name: str, values: NDArray[np.float64]) -> None:
        """(x - mean) / deviation, in one coordinate; all zero where all are equal."""
        known = values[np.isfinite(values)]
        largest = float(np.abs(known).max(initial=0.0)) or 1.0
        scaled = known / largest  # so that no square overflows
        mean, deviation = (float(scaled.mean()), float(scaled.std())) if len(known) else (0.0, 0.0)
        if deviation <= 1e-12 * abs(mean):  # equal numbers whose mean was rounded
            deviation = 0.0
        row = np.where(np.isfinite(values), (values / largest - mean) / (deviation or 1.0), 0.0)
        self._keep(name, "numbers", (row if deviation else np.zeros(self.n))[:, None], [name])

    def add_words(self, name: str, kind: str, cells: Words, tfidf: bool = False) -> None:
        """One coordinate for each word, of those that most items have; rows of length 1, or 0."""
        counts = [Counter(one) for one in cells]
        have = Counter(word for one in counts for word in one)
        chosen = sorted(have, key=lambda word: (-have[word], word))[: self.max_words]
        place = {word: j for j, word in enumerate(chosen)}
        idf = [math.log((1 + self.n) / (1 + have[word])) + 1 for word in chosen]
        rows = np.zeros((self.n, len(chosen)), np.float32)
        for row, one in enumerate(counts):
            known = [(place[word], number) for word, number in one.items() if word in place]
            if known:
                amounts = np.array([number * idf[j] if tfidf else 1.0 for j, number in known])
                rows[row, [j for j, _ in known]] = amounts / math.sqrt(float(amounts @ amounts))
        self._keep(name, kind, rows, [f"{name}={word}" for word in chosen])

    def _keep(self, name: str, kind: str, rows: NDArray[Any], names: list[str]) -> None:
        weight = float(self.weights.get(name, 1.0))
        self.known.append(name)
        if weight == 0 or not names:
            return
        start = len(self.names)
        self.parts.append((rows * weight).astype(np.float32, copy=False))
        self.names += names
        self.blocks.append(Block(name, kind, start, len(self.names), weight))

    def done(self) -> tuple[Vectors, list[str], tuple[Block, ...]]:
        """All of them."""
        for name in self.weights:
            if name not in self.known:
                raise InputError(
                    f"{self.source}: weights= names {name!r}, which makes no block; "
                    f"there are {', '.join(self.known) or 'none'}"
                )
        if not self.parts:
            return np.zeros((self.n, 0), np.float32), [], ()
        vectors = np.empty((self.n, len(self.names)), np.float32)
        for block in self.blocks:  # each part is let go once it is copied
            vectors[:, block.start : block.stop] = self.parts.pop(0)
        return vectors, self.names, tuple(self.blocks)


def as_numbers(values: NDArray[Any], column: str, source: str) -> NDArray[np.float64]:
    """A column as float64, NaN where nothing is said; dates as seconds."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[s]").astype(np.float64)
        return np.where(np.isnat(values), np.nan, seconds)
    out = np.full(len(values), np.nan)
    for row, value in enumerate(values.tolist()):
        if is_missing(value):
            continue
        try:
            out[row] = float(value)
        except (TypeError, ValueError):
            raise InputError(
                f"{source}: the column {column!r} is asked for as numbers, and row {row + 1} has {value!r}"
            ) from None
    return out


def number_of(value: Any) -> float:
    """A cell as a number, NaN where it is none."""
    try:
        return math.nan if is_missing(value) else float(value)
    except (TypeError, ValueError):
        return math.nan


def parts_of(value: Any, separator: str) -> list[str]:
    """The values of a list, each once."""
    if isinstance(value, (list, tuple, np.ndarray)):
        parts = [str(one).strip() for one in value if not is_missing(one)]
    else:
        parts = [] if is_missing(value) else [one.strip() for one in str(value).split(separator)]
    return [one for one in dict.fromkeys(parts) if not is_missing(one)]


def is_missing(value: Any) -> bool:
    """Whether a cell says nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and value.strip().casefold() in MISSING
