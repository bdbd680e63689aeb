"""Rows of counts: of words by number, of runs of words, of the character n-grams in words."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from likewise.extras import need

Range = tuple[int, int]


def count_rows(rows: list[list[int]], width: int) -> Any:
    """How often each number occurs in each row."""
    lengths = np.array([len(row) for row in rows], np.int64)
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    indices = np.fromiter(itertools.chain.from_iterable(rows), np.int64, count=int(indptr[-1]))
    made = need("scipy.sparse", "counting terms").csr_array(
        (np.ones(len(indices)), indices, indptr), shape=(len(rows), width)
    )
    made.sum_duplicates()
    return made


def runs_of(rows: list[list[int]], names: list[str], length: int) -> tuple[list[str], Any]:
    """Runs of so many words: their names and counts."""
    numbers: dict[tuple[int, ...], int] = {}
    found = [
        [numbers.setdefault(tuple(row[first : first + length]), len(numbers)) for first in range(len(row) - length + 1)]
        for row in rows
    ]
    return [" ".join(names[number] for number in run) for run in numbers], count_rows(found, len(numbers))


def grams_of(names: list[str], lengths: Range) -> tuple[list[str], Any]:
    """The character n-grams of words, named with a # in front (no word has one), and how often each word has each."""
    numbers: dict[str, int] = {}
    rows = []
    for word in names:
        padded = f" {word} "
        rows.append(
            [
                numbers.setdefault("#" + padded[first : first + length], len(numbers))
                for length in range(lengths[0], lengths[1] + 1)
                for first in range(len(padded) - length + 1)
            ]
        )
    return list(numbers), count_rows(rows, len(numbers))


def unit_rows(rows: Any) -> Any:
    """CSR rows scaled to unit length in place; rows of zeros stay."""
    lengths = np.diff(rows.indptr)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    norms = np.sqrt(np.bincount(owner, rows.data**2, minlength=len(lengths)))
    rows.data /= np.where(norms > 0, norms, 1.0)[owner]
    return rows
