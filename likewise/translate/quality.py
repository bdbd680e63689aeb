"""How good a translation is, as how near it is to what it translates."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.arrays import is_sparse
from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.translate.bitext import MARGINS, margins
from likewise.translate.retrieval import read_number
from likewise.translate.rows import Floats, Options, Rows, alike, read_rows, same_number, same_space, unit
from likewise.translate.searching import neighbourhood

MEASURES = ("cosine", *MARGINS[:2])


def quality(
    x: Any,
    y: Any,
    *,
    measure: str = "cosine",
    neighbours: int = 4,
    background: tuple[Any, Any] | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Floats:
    """How alike each sentence and its translation are, row by row, in a space that both languages share.

    Parameters
    ----------
    x, y : array_like or SciPy sparse, of shape (n, d)
        Row i of y is the translation of row i of x.
    measure : {"cosine", "ratio", "distance"}
        The cosine, or its margin over the mean cosine of either with its ``neighbours`` nearest on the other side:
        :func:`mine_bitext` has the formulas. Margins of different sentences compare better; they need some
        thousand sentences to reckon with.
    neighbours : int, default 4
    background : (array_like, array_like), optional
        Rows of the kind of x and of y among which neighbours are looked for. Default: x and y.
    n_jobs, memory_limit, progress
        See :mod:`likewise.compute`.

    Returns
    -------
    ndarray of shape (n,)
        Larger is better; cosines in [-1, 1], 0 where either row is zero (no known word, say).

    Examples
    --------
    >>> import likewise as lw
    >>> lw.translate.quality([[1.0, 0.0], [0.0, 2.0]], [[3.0, 4.0], [0.0, 1.0]])
    array([0.6, 1. ])
    """
    if measure not in MEASURES:
        raise InputError(f"measure={measure!r} is not known; it is one of {', '.join(MEASURES)}")
    near = read_number("neighbours", neighbours)
    a, b = read_rows(x, "x"), read_rows(y, "y")
    same_number(a, b, "x", "y")
    same_space(a, b, "x", "y")
    a, b = map(unit, alike(a, b))
    cosines = _paired(a, b)
    if measure == "cosine":
        return cosines
    others = (a, b)
    if background is not None:
        others = _read_background(background, a)
    pairs = (a.shape[0] * others[1].shape[0], b.shape[0] * others[0].shape[0])
    first, second = Options(n_jobs, memory_limit, progress).stages(*pairs)
    of_x, of_y = neighbourhood(a, others[1], near, first), neighbourhood(b, others[0], near, second)
    return margins(cosines, of_x, of_y, measure)


def _read_background(background: Any, x: Rows) -> tuple[Rows, Rows]:
    if not isinstance(background, (tuple, list)) or len(background) != 2:
        raise InputError("background= takes two sets of rows, of the kind of x and of y: (rows, rows)")
    names = ("the background of x", "the background of y")
    for_x, for_y = (unit(read_rows(rows, name)) for rows, name in zip(background, names, strict=True))
    same_space(for_x, x, names[0], "x")
    same_space(for_y, x, names[1], "x")
    return for_x, for_y


def _paired(x: Rows, y: Rows) -> Floats:
    """Row by row dot products."""
    if is_sparse(x) or is_sparse(y):
        return np.asarray((x * y).sum(axis=1)).ravel()
    from likewise.compute import paired

    return np.asarray(paired(x, y, metric="dot")) if len(x) else np.empty(0)
