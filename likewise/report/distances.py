"""Whether distances still tell rows apart, and whether a few rows are near to everything."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from likewise import geometry
from likewise.errors import InputError
from likewise.report import thresholds
from likewise.report.asked import Asked
from likewise.report.drawing import BLUE, COLOURS, DASHES, GREEN, HATCHES, INK, VERMILION, Plot, plain_numbers
from likewise.report.finding import Finding, Level, drawn, number, percent, ranged

# ---- concentration


def concentration(asked: Asked) -> Finding:
    """How far the nearest row stands out from the others."""
    found = geometry.concentration(asked.distances)
    contrast, ratio = found.relative_contrast, found.ratio
    times = number(contrast.value)
    level: Level = "good"
    if not np.isfinite(contrast.value):
        verdict = "Every row has a copy, at distance 0: neighbours tell copies, and nothing about distances."
        level = "note"
    elif contrast.value >= thresholds.CLEAR_CONTRAST.value:
        verdict = f"Distances tell rows apart: the nearest row is {times} times nearer than a random one."
    elif contrast.value >= thresholds.LITTLE_CONTRAST.value:
        verdict = f"Distances are somewhat alike: the nearest row is only {times} times nearer than a random one."
        level = "note"
    else:
        verdict = f"Distances hardly tell rows apart: the nearest row is only {times} times nearer than a random one."
        level = "act"
    advice = {
        "good": "Nothing.",
        "note": "Search for the k nearest rather than within a radius: a little more of it admits many more rows. "
        "The picture shows how far neighbours and random pairs overlap.",
        "act": "Trust no threshold on distances. Reduce dimensions, or learn an embedding in which some matter more.",
    }
    rank = min(64, max(1, asked.space.d // 2))
    code = f"items = lw.transforms.Rotate(rank={rank}).fit_transform(items)" if level == "act" else ""
    equivalent = found.equivalent_dimension
    meaning = (
        f"Distances of random pairs vary by {percent(ratio.value)} of their mean; {asked.space.d:,} independent "
        "Gaussian "
        f"coordinates would give {percent(found.expected)}. These rows are as concentrated as Gaussian rows of "
        f"{ranged(equivalent)} dimensions. The more alike distances are, the less a neighbour means.{asked.by_distance}"
    )
    figures = {
        "random / nearest": ranged(contrast),
        "nearest / farthest": ranged(found.nearest_to_farthest),
        "deviation / mean": ranged(ratio),
        "if Gaussian": number(found.expected),
    }
    return Finding(
        "concentration",
        "Do distances tell rows apart?",
        verdict,
        level,
        figures,
        meaning,
        advice[level],
        code,
        drawn(contrast, found.nearest_to_farthest),
        _histograms(found),
        numbers=found.as_dict(),
    )


def _histograms(found: geometry.Concentration) -> Plot | None:
    """Distances to the nearest, to anybody and to the farthest, as three outlines."""
    kinds = {"to the nearest": found.nearest, "of random pairs": found.distances, "to the farthest": found.farthest}
    held = np.concatenate([values[np.isfinite(values)] for values in kinds.values()])
    if not len(held) or held.min() == held.max():
        return None
    edges = np.linspace(0, held.max(), 60)

    def draw(axes: Any) -> None:
        for (name, values), colour, dash, hatch in zip(
            kinds.items(), (GREEN, BLUE, VERMILION), DASHES, HATCHES, strict=False
        ):
            heights = np.histogram(values, edges)[0] / len(values)
            axes.stairs(heights, edges, fill=True, facecolor=colour, alpha=0.25, hatch=hatch, linewidth=0)
            axes.stairs(heights, edges, color=colour, linestyle=dash, linewidth=1.8, label=name)
        axes.set(xlabel="distance", ylabel="share", yticks=[], xlim=(0, None))
        plain_numbers(axes.xaxis)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, columnspacing=1.2)

    middles = ", ".join(f"{name} {number(float(np.median(values)))}" for name, values in kinds.items())
    return Plot(draw, f"How often each distance occurs. In the middle: {middles}.")


# ---- hubs

_REDUCTIONS = {"csls": "CSLS", "local_scaling": "local scaling", "mutual_proximity": "mutual proximity"}
_ENOUGH = 0.5  # what can be searched by the verbs is named, where it does at least this share of what the best one does
_TIED = 0.5  # share of the rows whose k nearest are equally near: beyond it, indices decide the lists, not distances
_LEAST = 0.2  # share of the skewness that a reduction has to take away to be named
_CODE = {
    "csls": "queries, items = lw.csls(queries, items, k=10)  # by cosine\n"
    "found = lw.topk(queries, items, 10, metric='dot')",
    "local_scaling": "queries, items = lw.transforms.local_scaling(queries, items, k=10)  # by Euclid\n"
    "found = lw.topk(queries, items, 10, metric='dot')",
    "mutual_proximity": "",
}


def hubs(asked: Asked) -> Finding:
    """Whether a few rows are neighbours of everybody, and what would help."""
    if asked.all_listed:
        raise InputError(f"of {asked.space.n:,} rows each has all others in its list of {asked.k:,}; a smaller k tells")
    if len(asked.quality.constant_columns) == asked.quality.d:
        raise InputError("all rows are equal, so none is nearer than another")
    values = asked.space.neighbours(asked.k).values
    tied = float(np.mean(values[:, 0] == values[:, -1])) if asked.k > 1 else 0.0
    if tied > _TIED:
        raise InputError(
            f"for {percent(tied)} of the rows the {asked.k} nearest are all equally near, so who is listed is arbitrary"
        )
    found = geometry.hubness(asked.space, k=asked.k)
    skewness = found.skewness
    strong = skewness.value >= thresholds.STRONG_HUBS.value
    some = skewness.value >= thresholds.SOME_HUBS.value
    reduction = geometry.hubness_reduction(asked.space, k=asked.k) if some else None
    helps = _helping(reduction, asked) if reduction is not None else ""
    level: Level = "act" if strong and helps else "note" if some else "good"
    # by few rows the figure scatters: no hubs is said only where strong ones are out of question
    untold = not skewness.complete and not some and not skewness.high < thresholds.STRONG_HUBS.value
    first, times = int(found.largest[0]), found.occurrences[0] / found.k
    largest = f"{asked.row(first)} is among the {found.k} nearest of about {found.occurrences[0]:,.0f} rows"
    meaning = (
        f"On average a row stands in {found.k} lists of {found.k} neighbours. {largest[0].upper()}{largest[1:]}, "
        f"{number(times, 2)} times the average; {percent(found.antihubs.value)} of the rows are in nobody's list: "
        f"no search from another of these rows returns them among its {found.k}."
    )
    action, code = "Nothing.", ""
    if untold:
        level = "note"
        verdict = f"Too few rows were drawn to tell whether there are hubs: {skewness.rows:,} of {skewness.total:,}."
        action = "Draw more rows, with --sample or sample=."
    elif not some:
        size = "No strong hubs"
        verdict = f"{size}: no row is the neighbour of far more others than its share."
    else:
        size = "Strong hubs" if strong else "Some hubs"
        who = f"one row is among the nearest of {number(times, 2)} times as many others as the average"
        use = f"use {_REDUCTIONS[helps]}" if helps else "no reduction helps here"
        verdict = f"{size}: {use}. {who[0].upper()}{who[1:]}."
        action = "Nothing that is known reduces them here; look at the largest hubs, which may be defective rows."
    if reduction is not None and helps:
        after = reduction.reduced[helps]
        action = (
            f"Compare by {_REDUCTIONS[helps]}, which takes each row's own neighbourhood into account: the skewness "
            "falls "
            f"from {number(reduction.before.skewness.value)} to {number(after.skewness.value)}, rows in nobody's "
            "list from "
            f"{percent(reduction.before.antihubs.value)} to {percent(after.antihubs.value)}, and "
            f"{percent(reduction.agreement[helps])} of the neighbours stay "
            f"({len(reduction.rows):,} rows among themselves)."
        )
        code = _CODE[helps]
    figures = {
        "skewness": ranged(skewness),
        "in nobody's list": ranged(found.antihubs, percent),
        "largest hub": f"{number(times, 2)} times the average",
    }
    rows = [("as they are", found)] if reduction is None else [("as they are", reduction.before)]
    if reduction is not None:
        rows += [(_REDUCTIONS[name], after) for name, after in reduction.reduced.items()]
    kept = {} if reduction is None else {_REDUCTIONS[name]: share for name, share in reduction.agreement.items()}
    return Finding(
        "hubs",
        "Are a few rows near to everything?",
        verdict,
        level,
        figures,
        meaning,
        action,
        code,
        drawn(skewness, found.antihubs),
        _occurrences(found, asked),
        ("comparison", "skewness", "in nobody's list", "Robin Hood index", "neighbours kept") if some else (),
        tuple(
            (
                name,
                number(hubness.skewness.value),
                percent(hubness.antihubs.value),
                number(hubness.robin_hood.value),
                percent(kept[name]) if name in kept else "all",
            )
            for name, hubness in rows
        )
        if some
        else (),
        {"hubness": found.as_dict(), "reduction": None if reduction is None else reduction.as_dict()},
    )


def _helping(reduction: geometry.HubnessReduction, asked: Asked) -> str:
    """The reduction to name: one that the verbs can search by, if it does enough; else the best; "" if none helps.

    CSLS is a product of rows for cosine (and for rows of length 1, which Euclid ranks alike), local scaling for Euclid.
    """
    before = reduction.before.skewness.value
    gain = {name: before - abs(after.skewness.value) for name, after in reduction.reduced.items()}
    best = max(gain, key=lambda name: gain[name])
    if gain[best] < _LEAST * before:
        return ""
    metric = asked.space.metric.name
    euclid = metric in ("euclidean", "sqeuclidean")
    searched = "csls" if metric == "cosine" or asked.quality.unit else "local_scaling" if euclid else "csls"
    return searched if gain.get(searched, -1.0) >= max(_ENOUGH * gain[best], _LEAST * before) else best


def _occurrences(found: geometry.Hubness, asked: Asked) -> Plot:
    """How many rows stand in how many lists, in doubling bins."""
    share = len(found.rows) / max(len(found.counts), 1)
    most = int(found.counts.max())
    edges = np.array([0, *(2**power for power in range(most.bit_length() + 1))])
    rows = np.histogram(found.counts, edges)[0]
    names = [_range(int(low), int(high)) for low, high in itertools.pairwise(edges)]
    own = (edges[:-1] <= found.k * share) & (found.k * share < edges[1:])
    seen = "" if share >= 1 else f", of {len(found.rows):,} lists seen"

    def draw(axes: Any) -> None:
        at = np.arange(len(rows))
        axes.bar(at[~own], rows[~own], color=BLUE, width=0.85)
        axes.bar(
            at[own],
            rows[own],
            color=COLOURS[4],
            width=0.85,
            hatch="////",
            edgecolor=INK,
            linewidth=0.6,
            label="the average row",
        )
        axes.set(yscale="symlog", xlabel=f"in how many lists of {found.k} neighbours a row is{seen}", ylabel="rows")
        axes.set_ylim(0, max(rows.max() * 8, 10))
        plain_numbers(axes.yaxis)
        axes.set_xticks(at, names, rotation=45 if len(names) > 7 else 0, ha="right" if len(names) > 7 else "center")
        axes.legend(loc="upper right")

    alt = f"How many rows stand in how many neighbour lists; the largest hub stands in {found.occurrences[0]:,.0f}."
    return Plot(draw, alt)


def _range(low: int, high: int) -> str:
    """A bin's name: ``4-7``."""
    return f"{low:,}" if high - low == 1 else f"{low:,}-{high - 1:,}"
