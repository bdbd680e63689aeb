"""How many dimensions the rows really use, and how evenly; and what so many can hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise import geometry
from likewise.report import thresholds
from likewise.report.asked import Asked
from likewise.report.drawing import BLUE, GREEN, INK, VERMILION, Plot, plain_numbers
from likewise.report.finding import Finding, Level, cosine, counted, drawn, number, percent, ranged

_THINS = 0.8  # times the skewness of hubs: what taking the mean out has to get it below, to be advised
_SHOWN = 0.9  # of the variance, marked in the picture
_FEW = 0.25  # of the axes: where these have that share, rows do not point to all sides


def dimension(asked: Asked) -> Finding:
    """The intrinsic dimension, beside the number of coordinates."""
    space, d = asked.distances, asked.space.d
    twonn = geometry.intrinsic_dimension(space)
    mle = geometry.intrinsic_dimension(space, "mle")
    spread = asked.isotropy
    value, needed = twonn.value, spread.axes_for(_SHOWN)
    full = max(spread.effective_rank.value, value.value) >= thresholds.FULL_RANK.value * d
    if full:
        verdict = f"The rows fill their {d:,} dimensions: none can go without loss."
        if d == 1:
            verdict = "The rows fill their only dimension."
        meaning = (
            f"The variance is spread over {number(spread.effective_rank.value)} of {d:,} directions. Near a row, "
            "neighbours "
            f"lie as they would in {ranged(value)} dimensions; where the true figure is high, this reads low, since no "
            "number of rows fills so many."
        )
        action, code = "Nothing.", ""
    else:
        fewer = "somewhat fewer" if value.value > 0.5 * d else "far fewer"
        axes = f"{_SHOWN:.0%} of the variance is on {counted(needed, 'axis', 'axes')}"
        verdict = f"Intrinsic dimension {value.value:.0f} of {d:,}: {fewer} numbers would do near a row; {axes}."
        meaning = (
            f"Near a row, neighbours lie as they would in {ranged(value)} dimensions (by the ratio of the two nearest "
            f"distances; by the {mle.k} nearest: {ranged(mle.value)}). That is a lower bound for any code: "
            f"do not cut the vectors to so few. Straight axes need more where the rows lie on something curved; {axes}."
        )
        action = "See the question on memory for what a smaller code costs; principal axes are the first thing to try."
        code = f"items = lw.transforms.Rotate(rank={needed}).fit_transform(items)"
    if twonn.copies or twonn.left_out:
        meaning += (
            f" {twonn.copies + twonn.left_out:,} rows that are copies, or at distance 0 of another, were left out."
        )
    figures = {
        "intrinsic dimension (TwoNN)": ranged(value),
        f"by {mle.k} neighbours (MLE)": ranged(mle.value),
        "effective rank": ranged(spread.effective_rank),
        f"axes for {_SHOWN:.0%} of variance": f"{needed:,}",
        "coordinates": f"{d:,}",
    }
    return Finding(
        "dimension",
        "How many dimensions do the rows really use?",
        verdict,
        "good" if full else "note",
        figures,
        meaning + asked.by_distance,
        action,
        code,
        drawn(value, mle.value),
        _variance(spread, needed, value.value),
        numbers={"twonn": twonn.as_dict(), "mle": mle.as_dict(), "isotropy": spread.as_dict()},
    )


def _variance(spread: geometry.Isotropy, needed: int, intrinsic: float) -> Plot:
    """The share of the variance on the first so many axes."""
    top, d = spread.shares_top, spread.d

    def draw(axes: Any) -> None:
        at = np.arange(1, d + 1)
        axes.plot(at, 100 * top, color=BLUE, linewidth=2, label="these rows")
        axes.plot(at, 100 * at / d, color=INK, linewidth=1, linestyle=":", label="if all axes were alike")
        axes.plot(
            needed, 100 * top[needed - 1], "s", color=VERMILION, markersize=7, label=f"{needed:,} axes: {_SHOWN:.0%}"
        )
        if np.isfinite(intrinsic):
            axes.axvline(intrinsic, color=GREEN, linestyle="--", linewidth=1.5, label=f"intrinsic: {intrinsic:.0f}")
        axes.set(xlabel="principal axes kept", ylabel="% of the variance", ylim=(0, 103), xlim=(0, d + 1))
        axes.legend(loc="lower right")

    return Plot(draw, f"How much of the variance the first axes have: {needed:,} of {d:,} have {_SHOWN:.0%} of it.")


# ---- evenness of directions


def isotropy(asked: Asked) -> Finding:
    """Whether all rows lean to one side, and what it does to neighbours to take that out."""
    found, metric = asked.isotropy, asked.space.metric.name
    leaning = found.mean_share.value >= thresholds.LEANING.value
    between = cosine(found.mean_cosine.value)
    level: Level = "good"
    title = "Do the rows point everywhere?"
    figures = {
        "mean cosine": ranged(found.mean_cosine, cosine),
        "shared by all": ranged(found.mean_share, percent),
        "IsoScore": ranged(found.isoscore),
        "effective rank": ranged(found.effective_rank),
    }
    sure = drawn(found.mean_cosine, found.isoscore)
    numbers: dict[str, Any] = {"isotropy": found.as_dict()}
    plot: Plot | None = _spectrum(found)
    if not leaning:
        verdict = f"The rows point to all sides: two drawn at random have a cosine of {between}."
        if (needed := found.axes_for(_SHOWN)) <= _FEW * found.d:
            verdict = (
                f"The rows lean to no side, but point along few lines: {needed:,} of {found.d:,} axes have "
                f"{_SHOWN:.0%} of the variance."
            )
        meaning = (
            f"The mean of all rows has {percent(found.mean_share.value)} of their energy. IsoScore is 1 where all "
            "directions "
            "have the same variance, and 0 where the rows lie on a line."
        )
        return Finding("isotropy", title, verdict, level, figures, meaning, "Nothing.", "", sure, plot, numbers=numbers)
    if found.d == 1:
        meaning = f"{percent(found.mean_share.value)} of the rows' energy is their common mean."
        return Finding(
            "isotropy", title, "All rows lean to one side of the only dimension.", "note", figures, meaning, "Nothing.",
            "", sure, plot, numbers=numbers,
        )  # fmt: skip
    top = geometry.top_directions(asked.space.under("cosine"), _removed(found.d), min(asked.k, asked.space.n - 1))
    before, after = float(top.skewness[0]), float(top.skewness[1])
    minds = metric not in _SHIFTED
    level = "act" if minds and after < _THINS * before else "note"
    verdict = f"The rows lean to one side: two drawn at random have a cosine of {between}."
    thins = after < _THINS * before
    if not minds:
        verdict += f" {metric.capitalize()} does not see this; cosine and dot do."
    elif thins:
        verdict += " Take out what they share, with RemoveTop."
    meaning = (
        f"{percent(found.mean_share.value)} of the rows' energy is their common mean, which tells no two of them "
        "apart. By "
        "cosine and dot it makes all rows look alike; distances that only look at differences, such as Euclid's, "
        "do not "
        f"see it. Without mean and largest direction, the skewness of hubs by cosine goes from {number(before)} to "
        f"{number(after)}, and {percent(float(top.overlap[1]))} of the neighbours stay ({top.rows:,} rows among "
        "themselves)."
    )
    action = (
        "Where rows are compared by cosine or dot, take out the mean and the largest direction: hubs get fewer."
        if thins
        else (
            "Hubs by cosine do not get fewer without it, so there is no need. Whether neighbours get better, labels "
            "tell: make a second report, of rows from which it is taken out."
        )
    )
    code = "items = lw.transforms.RemoveTop(directions=1).fit_transform(items)" if thins else ""
    lines = tuple(
        (str(count), cosine(mean), number(score, 2), number(skew), percent(float(stay)))
        for count, mean, score, skew, stay in zip(
            top.removed, top.mean_cosine, top.isoscore, top.skewness, top.overlap, strict=True
        )
    )
    heads = ("directions removed", "mean cosine", "IsoScore", "hubs: skewness", "neighbours kept")
    numbers["removed"] = lines
    return Finding("isotropy", title, verdict, level, figures, meaning, action, code, sure, plot, heads, lines, numbers)


_SHIFTED = ("euclidean", "sqeuclidean", "manhattan", "chebyshev", "mahalanobis", "correlation")  # do not see a shift


def _removed(d: int) -> tuple[int, ...]:
    return tuple(count for count in (0, 1, 2, 3, 5) if count < d)


def _spectrum(found: geometry.Isotropy) -> Plot | None:
    """The deviation along each principal axis."""
    spectrum = np.diff(found.shares_top, prepend=0.0)  # of rows near 1e200, variances themselves are infinite
    spectrum = spectrum[spectrum > 0]
    if len(spectrum) < 2:
        return None
    deviations = np.sqrt(spectrum / spectrum.mean())

    def draw(axes: Any) -> None:
        axes.plot(np.arange(1, len(deviations) + 1), deviations, color=BLUE, linewidth=2, label="these rows")
        axes.axhline(1, color=INK, linestyle=":", linewidth=1, label="if all axes were alike")
        low = max(float(deviations[-1]), 1e-4)
        axes.set(
            xlabel="principal axis", ylabel="deviation / mean", yscale="log", ylim=(low / 1.3, deviations[0] * 1.3)
        )
        axes.set(xlim=(0, len(deviations) + 1))
        plain_numbers(axes.yaxis)
        axes.legend(loc="lower left")  # the one corner where neither line goes

    return Plot(
        draw,
        f"How far the rows spread along each principal axis: {number(float(deviations[0]))} times the mean at most.",
    )


# ---- capacity


def capacity(asked: Asked) -> Finding:
    """Whether so many dimensions can hold so many items, by two rules of thumb."""
    found = geometry.capacity(asked.space.d, asked.space.n)
    n, d = found.items, found.d
    size = counted(d, "dimension")
    room = f"{size} can hold {n:,} items"
    if not found.enough:
        room = (
            f"{size} {'is' if d == 1 else 'are'} few for {n:,} items (for as many words, "
            f"{found.entropy_dimensions:.0f} are ample)"
        )
    joined = "and" if found.enough == found.any_two else "but"
    pairs = "any two of them can be the top 2 of some query, if the vectors are made for it"
    if not found.any_two:
        pairs = "not every two of them can be the top 2 of a query, however the vectors are made"
    verdict = f"{room}, {joined} {pairs}."
    meaning = (
        f"Two rules of thumb. Skip-gram word vectors have ample room in 8.33 ln N = {found.entropy_dimensions:.0f} "
        f"dimensions. And with {size} there are queries for any two of up to {found.limit_items:,.0f} items"
        f"{' (extrapolated)' if found.extrapolated else ''}; for {n:,} items it takes {found.limit_dimensions:,}. "
        "Assumed: "
        f"{'; '.join(found.assumptions)}."
    )
    action = "Nothing."
    if not found.any_two:
        action = (
            "Where any combination of items may be asked for, search by words or with several vectors an item as well."
        )
    figures = {
        "ample for words": f"{found.entropy_dimensions:.0f} dimensions",
        "any two of": f"{found.limit_items:,.0f} items",
        "there are": f"{n:,} items in {size}",
    }
    return Finding(
        "capacity",
        "Can so few dimensions hold so many items?",
        verdict,
        "good" if found.enough and found.any_two else "note",
        figures,
        meaning,
        action,
        "",
        f"Computed from {n:,} and {d:,}; the rows themselves were not looked at.",
        _limits(found),
        numbers=found.as_dict(),
    )


def _limits(found: geometry.Capacity) -> Plot:
    """The LIMIT polynomial and the entropy rule, and where these rows stand."""
    most = max(2 * found.d, 64)
    at = np.unique(np.geomspace(2, most, 60).astype(int))
    any_two = [geometry.limit_items(int(size)) for size in at]

    def draw(axes: Any) -> None:
        axes.plot(at, any_two, color=BLUE, linewidth=2, label="any two can be the top 2, below")
        axes.plot(
            at,
            np.exp(np.minimum(at / 8.33, 60)),
            color=GREEN,
            linestyle="--",
            linewidth=2,
            label="ample for words, below",
        )
        axes.plot(found.d, found.items, "D", color=VERMILION, markersize=8, label="these rows")
        axes.set(xscale="log", yscale="log", xlabel="dimensions", ylabel="items", ylim=(2, max(found.items * 100, 1e4)))
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))  # above: lines and point may be anywhere below

    words = f"What so many dimensions hold by two rules of thumb, and {found.items:,} items in {found.d:,}."
    return Plot(draw, words, 3.2)
