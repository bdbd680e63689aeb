"""What the lengths of the vectors say."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise import geometry
from likewise.errors import InputError
from likewise.report import thresholds
from likewise.report.asked import Asked
from likewise.report.drawing import BLUE, VERMILION, Plot, plain_numbers
from likewise.report.finding import Finding, Level, drawn, number, percent, ranged

_MOST = 384 << 20  # bytes of rows in float32 among which neighbours are looked for by dot and by cosine


def norms(asked: Asked) -> Finding:
    """Whether dot products and cosines rank alike, and which to take."""
    space = asked.among(_MOST)
    labels = asked.complete_labels
    if labels is not None and space.kept is not None:
        labels = labels[space.kept]
    if asked.all_listed and not asked.quality.unit:
        raise InputError(
            f"of {asked.space.n:,} rows each has all others in its list of {asked.k:,}, by dot as by cosine; a smaller "
            "k tells"
        )
    found = geometry.norms(space, asked.k, labels=labels)
    sure = drawn(found.agreement, found.variation)
    if space.n < asked.space.n:
        sure += f" Neighbours were looked for among {space.n:,} of {asked.space.n:,} rows, drawn at random."
    level, verdict, meaning, action, code = _said(found, asked.space.metric.name)
    figures = {
        "agreement of dot and cosine": ranged(found.agreement, percent),
        "mean length": ranged(found.mean),
        "deviation / mean": ranged(found.variation, percent),
        "shortest": number(found.smallest),
        "longest": number(found.largest),
    }
    return Finding(
        "norms",
        "Do the lengths of the vectors matter?",
        verdict,
        level,
        figures,
        meaning,
        action,
        code,
        sure,
        _histogram(found.norms, found),
        numbers=found.as_dict(),
    )


def _said(found: geometry.Norms, metric: str) -> tuple[Level, str, str, str, str]:
    """Level, verdict, meaning, action and code."""
    if found.unit:
        return (
            "good",
            "All vectors have length 1: dot, cosine and Euclidean distance rank alike.",
            "Lengths carry nothing, as they are all the same. Take dot, which is the cheapest.",
            "Nothing.",
            "",
        )
    if found.d == 1:
        return (
            "act" if metric in _BLIND else "note",
            "In one dimension the length is all there is: cosine sees the sign alone.",
            "By cosine all numbers of one sign are equally near; by dot the largest is nearest to all of them.",
            "Compare numbers by how far apart they are: by euclidean, which is the same as manhattan here.",
            "found = lw.topk(queries, items, 10, metric='euclidean')",
        )
    share = percent(found.agreement.value)
    alike = found.agreement.value >= thresholds.SAME_RANKING.value
    steady = found.variation.value <= thresholds.STEADY_LENGTHS.value and found.agreement.value >= _HALF
    if (alike or steady) and (found.better_by is None or found.prefer == "either"):
        return (
            "good",
            f"Lengths do not matter: dot and cosine find {share} of the same neighbours.",
            f"Lengths vary by {percent(found.variation.value)} of their mean, too little to "
            f"{'change who is nearest' if alike else 'say anything of a row'}.",
            "Take either.",
            "",
        )
    differ = f"dot and cosine share only {share} of the nearest"
    why = f"{_sentence(found.reasons)}. " if found.reasons else ""
    everywhere = found.longest.value
    strong = found.information == "strong" and found.better_by is None
    if strong and found.prefer == "either" and everywhere >= thresholds.LONGEST_EVERYWHERE.value:
        return (
            "note",
            f"Norms carry information that cosine ignores, and by dot the longest rows answer much: {differ}.",
            f"{why}By dot, {percent(everywhere)} of all that is found is among the longest hundredth of rows, whatever "
            "was asked for: in vectors of words, these are the most frequent ones.",
            "Try both on questions with known answers: labels, or clicks, decide. To rank what is alike by how "
            "frequent or certain it is, search by cosine, and sort what is found by length.",
            "lw.geometry.norms(items, labels=labels).prefer",
        )
    if found.prefer == "dot":
        return (
            "act" if metric in _BLIND else "note",
            f"Norms carry rank information: prefer dot to cosine, which ignores them; {differ}.",
            f"{why}Lengths often stand for how frequent or how certain a thing is, and cosine throws this away. "
            "Euclidean "
            "distance minds them too: rows of other lengths are far.",
            "Compare by dot where a longer vector should be found first; by cosine only if lengths must not count.",
            "found = lw.topk(queries, items, 10, metric='dot')",
        )
    if found.prefer == "cosine" and found.better_by is not None:
        return (
            "act" if metric == "dot" else "note",
            f"Lengths mislead: prefer cosine to dot, which finds the label less often; {differ}.",
            f"By the labels given, the first neighbour is right {percent(_value(found.by_cosine))} of the time by "
            "cosine and "
            f"{percent(_value(found.by_dot))} by dot.",
            "Compare by cosine, or bring the rows to length 1 once.",
            "items = lw.normalize(items)",
        )
    if found.information == "none" and found.variation.value <= thresholds.STEADY_LENGTHS.value:
        return (
            "act" if metric == "dot" else "note",
            f"Lengths hardly vary, but directions of near rows vary less: prefer cosine to dot; {differ}.",
            f"Lengths vary by {percent(found.variation.value)} of their mean. Neighbours point so nearly alike that "
            "dot finds the longest among them.",
            "Compare by cosine, or by Euclidean distance." if metric == "dot" else "Nothing.",
            "items = lw.normalize(items)" if metric == "dot" else "",
        )
    if found.information == "none":
        return (
            "act" if metric == "dot" else "good",
            f"Lengths vary by no more than chance and carry nothing: prefer cosine to dot; {differ}.",
            f"{why}By dot, long vectors are found by everybody, whatever they point to.",
            "Compare by cosine, or bring the rows to length 1 once." if metric == "dot" else "Nothing.",
            "items = lw.normalize(items)" if metric == "dot" else "",
        )
    return (
        "note",
        f"Lengths vary, and whether they mean something cannot be told from the rows alone; {differ}.",
        f"{why}This may be information, such as how frequent a thing is, or an accident of how the rows were made.",
        "Try both on questions with known answers: labels, or clicks, decide.",
        "lw.geometry.norms(items, labels=labels).prefer",
    )


_HALF = 0.5  # of the neighbours: where fewer agree, steady lengths decide all the same
_BLIND = ("cosine", "correlation")  # what lengths do not reach


def _sentence(reasons: tuple[str, ...]) -> str:
    text = "; ".join(reasons)
    return text[:1].upper() + text[1:]


def _value(estimate: geometry.Estimate | None) -> float:
    return float("nan") if estimate is None else estimate.value


def _histogram(lengths: Any, found: geometry.Norms) -> Plot | None:
    held = np.asarray(lengths, float)
    held = held[np.isfinite(held)]
    if found.unit or not len(held) or held.min() == held.max():
        return None

    def draw(axes: Any) -> None:
        axes.hist(held, bins=50, range=(0, float(held.max())), color=BLUE, alpha=0.8)
        axes.axvline(float(held.mean()), color=VERMILION, linestyle="--", linewidth=2, label="mean")
        axes.set(xlabel="length of a vector", ylabel="rows drawn", xlim=(0, None))
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
        axes.legend(loc="upper left")

    low, high = np.quantile(held, (0.05, 0.95))
    return Plot(
        draw, f"How often each length occurs: nine of ten rows have {number(float(low))} to {number(float(high))}."
    )
