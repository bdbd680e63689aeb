"""Nearest in the other language: plain, or corrected for hubs.

In spaces of many dimensions some items are near to everything (*hubs*: Radovanovic et al. 2010), and stand first in
many lists where they are wrong. Three corrections, for x a query, y an item, c(x, y) their cosine, r(x) the mean of
c over the k items nearest to x, and r(y) that over the k queries nearest to y:

    csls       2 c(x, y) - r(x) - r(y)                              Conneau et al. 2018
    distance   c(x, y) - (r(x) + r(y)) / 2                          Artetxe & Schwenk 2019: half of it
    ratio      c(x, y) / ((r(x) + r(y)) / 2)                        Artetxe & Schwenk 2019
    softmax    exp(b c(x, y)) / sum over queries z of exp(b c(z, y))    inverted: Smith et al. 2017

Each is a dot product, or nearly, of rows that carry what is known of them:

    2 c - r(y)          = (2 x, 1) . (y, -r(y))                     and r(x) does not change the order
    b c - log Z(y)      = (b x, 1) . (y, -log Z(y))
    2 c / (r(x) + r(y)) = cos(u, v) / mean(log |u|, log |v|)        u = x exp(r(x)), v = y exp(r(y)), x and y unit

so all of them go through the same exact search as a plain one, and the n x m matrix is never made.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Progress
from likewise.errors import InputError
from likewise.reductions import TopK
from likewise.translate.rows import Options, Rows, alike, read_rows, same_space, scaled, unit, with_column
from likewise.translate.searching import RATIO, exp, log_sum_exp, nearest, neighbourhood

METHODS = ("nearest", "csls", "ratio", "distance", "softmax")


def retrieve(
    queries: Any,
    items: Any,
    k: int = 10,
    *,
    method: str = "csls",
    metric: Any = None,
    neighbours: int = 10,
    inverse_temperature: float = 30.0,
    background: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> TopK:
    """The k items that each query most likely stands for, the best first.

    Parameters
    ----------
    queries, items : array_like or SciPy sparse, of shape (n, d) and (m, d)
        In one space. Lengths do not matter, but to ``metric``. A zero row has cosine 0 with everything.
    k : int
    method : {"csls", "nearest", "ratio", "distance", "softmax"}
        See :mod:`likewise.translate.retrieval`. All but "nearest" need several queries to know the hubs by: give
        ``background`` where there are few.
    metric : str, Metric or callable, optional
        For "nearest" only: any. Default "cosine".
    neighbours : int, default 10
        Of csls, ratio and distance; as many as there are, if fewer.
    inverse_temperature : float, default 30
        Of softmax: b.
    background : array_like of shape (l, d), optional
        Rows of the queries' kind among which the neighbours of items are looked for. Default: the queries.
    n_jobs, memory_limit, progress
        See :mod:`likewise.compute`.

    Returns
    -------
    TopK
        ``values`` (n, k) float64: the formula's own (larger is better; a distance where ``metric`` is one);
        ``indices`` (n, k) int64. NaN and -1 where there are fewer than k items.

    Examples
    --------
    Item 0 is a hub: all queries are nearest to it, and CSLS tells them apart.

    >>> import likewise as lw
    >>> queries = [[1.0, 0.3, 0.0], [1.0, 0.0, 0.3], [1.0, 0.0, 0.0]]
    >>> items = [[1.0, 0.1, 0.1], [0.6, 0.5, 0.0], [0.6, 0.0, 0.5]]
    >>> lw.translate.retrieve(queries, items, 1, method="nearest").indices.ravel()
    array([0, 0, 0])
    >>> lw.translate.retrieve(queries, items, 1, method="csls", neighbours=2).indices.ravel()
    array([1, 2, 0])
    """
    if method not in METHODS:
        raise InputError(f"method={method!r} is not known; it is one of {', '.join(METHODS)}")
    if metric is not None and method != "nearest":
        raise InputError(f"metric= belongs to method='nearest'; {method} is a formula of cosines")
    near = read_number("neighbours", neighbours)
    options = Options(n_jobs, memory_limit, progress)
    x, y = read_rows(queries, "queries"), read_rows(items, "items")
    same_space(x, y, "queries", "items")
    if method == "nearest":
        return nearest(x, y, k, "cosine" if metric is None else metric, options)
    around = x if background is None else read_rows(background, "background")
    same_space(around, y, "background", "items")
    x, y, around = map(unit, alike(x, y, around))
    if method == "softmax":
        return _inverted_softmax(x, y, around, k, read_positive("inverse_temperature", inverse_temperature), options)
    return _by_neighbourhoods(x, y, around, k, method, near, options)


def _by_neighbourhoods(x: Rows, y: Rows, around: Rows, k: int, method: str, neighbours: int, options: Options) -> TopK:
    n, m, b = x.shape[0], y.shape[0], around.shape[0]
    first, second, last = options.stages(n * m, m * b, n * m)
    of_x, of_y = neighbourhood(x, y, neighbours, first), neighbourhood(y, around, neighbours, second)
    if method == "ratio":
        return nearest(scaled(x, exp(of_x)), scaled(y, exp(of_y)), k, RATIO, last)
    found = nearest(with_column(scaled(x, np.full(n, 2.0)), np.ones(n)), with_column(y, -of_y), k, "dot", last)
    values = found.values - of_x[:, None]
    return TopK(values / 2 if method == "distance" else values, found.indices)


def _inverted_softmax(x: Rows, y: Rows, around: Rows, k: int, beta: float, options: Options) -> TopK:
    n, m = x.shape[0], y.shape[0]
    sums, last = options.stages(m * around.shape[0], n * m)
    z = log_sum_exp(scaled(y, np.full(m, beta)), around, sums) if around.shape[0] else np.zeros(m)
    found = nearest(with_column(scaled(x, np.full(n, beta)), np.ones(n)), with_column(y, -z), k, "dot", last)
    return TopK(np.where(found.indices < 0, np.nan, exp(np.nan_to_num(found.values))), found.indices)


def occurrences(indices: Any, items: int) -> NDArray[np.int64]:
    """How often each of so many items stands in lists of neighbours: N_k, of shape (items,); padding (-1) left out.

    >>> occurrences([[0, 2], [0, -1]], 3)
    array([2, 0, 1])
    """
    found = np.asarray(indices)
    if found.dtype.kind not in "iu":
        raise InputError(f"indices holds {found.dtype}; numbers of items are wanted, as in found.indices")
    found = found[found >= 0]
    if found.size and found.max() >= items:
        raise InputError(f"indices goes up to {found.max()}; there are {items:,} items, counted from 0")
    return np.bincount(found.ravel(), minlength=items).astype(np.int64)


def hubness(indices: Any, items: int) -> float:
    """Skewness of N_k, how often each item is among the k nearest: 0 without hubs, above 1 with strong ones.

    E[(N - mean)^3] / std^3 over the items (Radovanovic et al. 2010, JMLR 11); 0 where all occur equally often.

    Parameters
    ----------
    indices : array_like of int, of shape (n, k)
        As a search gives them.
    items : int
        How many items were searched.

    Examples
    --------
    >>> round(hubness([[0], [0], [0], [0]], 4), 3)
    1.155
    >>> hubness([[0], [1], [2], [3]], 4)
    0.0
    """
    counts = occurrences(indices, items).astype(np.float64)
    if not counts.size or np.ptp(counts) == 0:
        return 0.0
    deviation = counts - counts.mean()
    return float(np.mean(deviation**3) / np.mean(deviation**2) ** 1.5)


def read_number(name: str, value: Any, *, least: int = 1) -> int:
    """A whole number of at least 1, or of another least."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={value!r} is not a whole number") from None
    if isinstance(value, (bool, np.bool_)) or number < least:
        raise InputError(f"{name}={value!r}; at least {least} is wanted")
    return number


def read_positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is not a number") from None
    if not 0 < number < np.inf:
        raise InputError(f"{name}={value!r}; a number above 0 is wanted")
    return number
