"""The door: what is to be explained, by text, by shapes, by arrays, or as a call."""

from __future__ import annotations

from typing import Any

from likewise.costs.check import read_flag
from likewise.costs.grammar import read_text
from likewise.costs.result import Explanation
from likewise.costs.verbs import comparison, real_call
from likewise.errors import InputError


def explain(what: Any, *more: Any, measure: bool = False, **settings: Any) -> Explanation:
    """What a computation will do and cost, before it runs; with ``measure=True`` also what it took.

    Parameters
    ----------
    what : str, array_like, tuple of int, or a verb
        One of four:

        - text: two shapes and what is between them, ``"[3,3,2] @ [2,4]"``, with ``@ . * / + -``; or a layer,
          ``"linear(batch=32, inputs=512, outputs=2048)"``, ``"feed_forward(tokens=1024, width=768)"``,
          ``"attention(tokens=1024, width=768, heads=12, metric=manhattan)"``,
          ``"transformer(layers=12, width=768, heads=12, context=1024, vocabulary=50257)"``. Their settings are those
          of :func:`likewise.costs.linear` and its like, and may also be given by keyword.
        - arrays of a verb; ``queries`` and ``items`` of a search, say. Items may be what :func:`prepare` returned.
        - shapes of these, such as ``(1000, 128)``: float32 rows of ordinary size.
        - a verb, such as ``lw.topk``, and after it exactly its arguments.
    *more
        The other arrays or shapes; of a verb, its arguments. A search and a matrix need but one.
    measure : bool
        Whether to run it, too: the quickest of several runs, after one to warm up. Refused where that would take over
        ten seconds (a verb: a minute), or half of this machine's memory. Shapes stand for random numbers then.
    **settings
        Of arrays and shapes: ``metric``; ``verb``, its name, by default "topk" where ``k`` is given and else
        "pairwise"; ``k``, ``n_jobs``, ``memory_limit`` and what else the verb takes. Of two shapes in text: ``dtype``
        and ``n_jobs``. Of layers and verbs: their own.

    Returns
    -------
    Explanation
        Prints how shapes align, what one number of the result is made of, the plan of a search, FLOPs, bytes, BLAS
        level, what limits it on this machine, and the time to expect. ``flops``, ``bytes``, ``seconds``... and
        ``as_dict()`` are for programs. Where the shapes of a text do not fit, it is a :class:`~likewise.costs.Clash`,
        which prints where: ``ok`` is False, and ``check()`` raises.

    Raises
    ------
    InputError, ShapeError, BadRowsError, DtypeError, UnknownMetricError
        Each says what was found and what to try.

    Notes
    -----
    A multiply-add is two FLOPs; every other operation on numbers, an exponential too, is one. Bytes are operands read
    once and results written once. Rates are measured on this machine (:mod:`likewise.rates`).

    Examples
    --------
    >>> import likewise as lw
    >>> print(lw.explain("[3,3,2] @ [2,4]").drawing)
             batch   rows   summed   columns
    x            3      3        2
    y                            2         4
    result       3      3                  4
    >>> print(str(lw.explain((1000, 128), (100_000, 128), k=10, metric="manhattan")).splitlines()[0])
    topk: 1,000 x 100,000 pairs of 128 float32 coordinates, by manhattan: sum(abs(x - y)); smaller is closer
    >>> lw.explain(lw.pairwise, [[1.0, 2.0]], metric="dot").flops
    4
    """
    read_flag(measure, "measure")
    if isinstance(what, str):
        if more:
            raise InputError("a text explains itself; nothing may follow it but settings by name")
        made = read_text(what, **settings)
    elif callable(what) and not hasattr(what, "__array__") and not hasattr(what, "__dlpack__"):
        made = real_call(what, *more, **settings)
    else:
        made = comparison(what, *more, **settings)
    return made.measure() if measure else made
