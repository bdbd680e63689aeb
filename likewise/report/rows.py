"""What is wrong with the rows themselves: values that are no numbers, empty rows, outliers, copies, idle columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise import geometry
from likewise.geometry.quality import FAR, NARROW
from likewise.report import thresholds
from likewise.report.asked import Asked
from likewise.report.drawing import BLUE, COLOURS, HATCHES, INK, VERMILION, Plot, plain_numbers
from likewise.report.finding import Finding, Level, counted, number, percent

_NO_DIRECTION = ("cosine", "correlation", "dot")  # of rows of zeros, these say nothing


def values(asked: Asked) -> Finding:
    """Rows with NaN or infinities, and rows of zeros."""
    found = asked.quality
    bad, zero = len(found.bad_rows), len(found.zero_rows)
    level: Level = "good"
    verdict = "Every value is a number, and no row is empty."
    meaning = "Nothing had to be left out."
    action, code = "Nothing.", ""
    if zero:
        everything = zero == found.n
        level = "act" if everything or asked.space.metric.name in _NO_DIRECTION else "note"
        verdict = f"{counted(zero, 'row is', 'rows are')} empty, all zeros: no direction."
        meaning = (
            "An empty row is as like to one row as to any other by dot or cosine, and all empty rows are copies of "
            "each "
            f"other. They often stand for something that was not found: {asked.some(found.zero_rows, asked.row)}."
        )
        action, code = "Find out where they come from, or leave them out.", "items = items[(items != 0).any(axis=1)]"
    if bad:
        level = "act"
        also = f" And {counted(zero, 'row is', 'rows are')} empty, all zeros." if zero else ""
        have, were = ("has", "it was") if bad == 1 else ("have", "they were")
        verdict = (
            f"{bad:,} of {found.n:,} rows {have} values that are no numbers (NaN or infinite); {were} left out.{also}"
        )
        meaning = (
            "Such a row has no distance to any other. All that follows is about the other rows. The rows are "
            f"{asked.some(found.bad_rows, asked.row)}."
        )
        action = "Find out where they come from; a search refuses them, unless it is told to skip them."
        code = "items = items[np.isfinite(items).all(axis=1)]"
    parts = {"usable": found.n - bad - zero, "empty": zero, "not numbers": bad}
    return Finding(
        "values",
        "Are all values numbers?",
        verdict,
        level,
        {"rows": f"{found.n:,}", "with NaN or infinities": f"{bad:,}", "all zeros": f"{zero:,}"},
        meaning,
        action,
        code,
        f"From all {found.n:,} rows.",
        Plot(lambda axes: shares(axes, parts), f"The {found.n:,} rows as a bar: {_listed(parts)}.", 1.1),
        numbers={"n": found.n, "bad_rows": bad, "zero_rows": zero, "first_bad_rows": found.bad_rows[:20]},
    )


_NO_LENGTHS = ("cosine", "correlation")  # how far out a row lies is nothing to these


def outweigh(found: geometry.Quality, metric: str) -> bool:
    """Whether a few rows lie so far off that means, axes and distances are about them."""
    return found.far_share >= thresholds.OUTLYING.value and metric not in _NO_LENGTHS


def outliers(asked: Asked) -> Finding:
    """Rows far off all others, which decide means and axes by themselves."""
    found = asked.quality
    away = found.remoteness[np.isfinite(found.remoteness)]
    farthest = float(away.max(initial=0.0))
    usual = "as far from the middle as the usual row"
    beyond = int((away > FAR).sum())
    level: Level = "good"
    verdict = f"No row lies far off: the farthest is {number(farthest)} times {usual}."
    meaning = "Means, deviations and principal axes are about all of the rows, not about a few of them."
    action, code = "Nothing.", ""
    if not farthest:
        verdict = "No row lies far off." if len(away) else "No row lies far off: there is none to look at."
    elif len(found.far_rows):
        level = "act" if asked.far_out else "note"
        lies = counted(len(found.far_rows), "row lies", "rows lie") + " far off all others"
        least, most = number(found.remoteness[found.far_rows[-1]]), number(farthest)
        span = most if least == most else f"{least} to {most}"
        share = percent(found.far_share) if found.far_share < _NEARLY else "nearly all"
        verdict = f"{lies}: {span} times {usual}."
        each = len(found.far_rows) == 1
        meaning = (
            f"{'It is' if each else 'Farthest first:'} {asked.some(found.far_rows, asked.row)}, with "
            f"{share} of the squared distances from the middle. Such rows come of another unit, of "
            "a number that stands for a missing value, or of damage; or of counts and prices, a few of which are far "
            "larger than the rest."
        )
        if asked.far_out:
            meaning += (
                f" Means and principal axes would be about {'it' if each else 'them'} alone, so that "
                f"{'it was' if each else 'they were'} set aside: all that follows is about the other rows."
            )
        action = (
            f"Look at {'it' if each else 'them'}, and mend or leave out what is wrong; of counts and prices, compare "
            "logarithms."
        )
        code = "items = np.delete(items, lw.geometry.quality(items).far_rows, axis=0)"
    elif beyond:
        level = "note"
        verdict = f"{percent(beyond / len(away))} of the rows are over {FAR:.0f} times {usual}: two kinds seem mixed."
        meaning = (
            "So many are no outliers. A number such as -999 may stand for missing values; rows of two sources may have "
            "two units; rows that were never trained or filled stay near each other, while the others spread; and "
            "counts and prices vary by powers of ten."
        )
        action = (
            "Look at rows of either kind: mark what is missing, bring all to one unit, or compare each kind with its "
            "own; of counts and prices, compare logarithms."
        )
    return Finding(
        "outliers",
        "Are there outliers?",
        verdict,
        level,
        {
            "far off": f"{len(found.far_rows):,}",
            "the farthest": f"{number(farthest)} times the usual",
            "of squared distances": percent(found.far_share),
        },
        meaning,
        action,
        code,
        f"From all {len(away):,} usable rows. The middle is the median of each column, the usual row the median one.",
        _remoteness(away, farthest),
        numbers={"far_rows": found.far_rows[:20], "count": len(found.far_rows), "share": found.far_share}
        | {"farthest": farthest, "beyond": beyond},
    )


def _remoteness(away: Any, farthest: float) -> Plot | None:
    """How far rows lie from the middle."""
    away = away[away > 0]
    if not len(away) or away.min() == farthest or farthest > _DRAWN:
        return None
    low, high = max(float(away.min()), 1e-3), max(farthest, 1.1 * FAR) * 1.05
    heights, edges = np.histogram(np.maximum(away, low), np.geomspace(0.95 * low, high, 50))

    def draw(axes: Any) -> None:
        axes.stairs(heights, edges, fill=True, facecolor=BLUE)
        axes.axvline(FAR, color=VERMILION, linestyle="--", linewidth=1.8, label="far off, from here on")
        axes.set(xscale="log", yscale="symlog", xlabel="distance from the middle / the usual row's", ylabel="rows")
        axes.set_ylim(0, heights.max() * 8)
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
        axes.legend(loc="upper right")

    return Plot(draw, f"How far from the middle rows lie: the farthest {number(farthest)} times as far as the usual.")


_NEARLY = 0.999  # digits beyond say nothing
_DRAWN = 1e100  # an axis of more powers of ten shows nothing

#: In the order that the rows have: np.unique alone would sort them, away from their labels and names.
_DISTINCT = """first = np.sort(np.unique(items, axis=0, return_index=True)[1])
items = items[first]  # and so all that belongs to the rows: labels[first]"""


def copies(asked: Asked) -> Finding:
    """Rows that equal an earlier one."""
    found = asked.quality
    n, repeats = found.n - len(found.bad_rows), found.duplicate_rows
    share = repeats / max(n, 1)
    parts = {"different": n - repeats, "copies": repeats}
    numbers = {"duplicate_rows": repeats, "share": share, "largest": found.duplicate_sizes}
    figures = {"copies": f"{repeats:,}", "of all rows": percent(share)}
    plot = Plot(lambda axes: shares(axes, parts), f"The {n:,} rows as a bar: {_listed(parts)}.", 1.1)
    title, sure = "Are rows there more than once?", f"From all {n:,} rows, compared number by number."
    if not repeats:
        return Finding(
            "copies", title, "No row is there twice.", "good", figures, "Neighbours are other things, not copies.",
            "Nothing.", "", sure, plot, numbers=numbers,
        )  # fmt: skip
    size, first = found.duplicate_sizes[0], int(found.duplicate_groups[0][0])
    figures["most frequent"] = f"{size:,} times"
    equal = "equals" if repeats == 1 else "equal"
    verdict = f"{percent(share)} of the rows are copies: {repeats:,} of {n:,} {equal} an earlier row."
    meaning = (
        f"The most frequent is {asked.row(first)}, there {size:,} times. The nearest neighbour of a copied row is its "
        "copy, which makes searches return one thing several times, and tests on held-out rows look better than "
        "they are."
    )
    if asked.copies_out:
        meaning += f" All that follows is about the {asked.space.n:,} different rows."
    action = "Keep one of each, unless the repetition means something, such as how often a thing was seen."
    return Finding(
        "copies", title, verdict, "act" if share >= thresholds.MANY_COPIES.value else "note", figures, meaning, action,
        _DISTINCT, sure, plot, numbers=numbers,
    )  # fmt: skip


def columns(asked: Asked) -> Finding:
    """Columns of one value, and columns that outweigh all others."""
    found = asked.quality
    idle, faint, wide = found.constant_columns, found.near_constant_columns, found.wide_columns
    level: Level = "good"
    verdict = "Every column varies, and none drowns the others."
    meaning = "Each coordinate has a say in every distance."
    action, code = "Nothing.", ""
    if len(idle) + len(faint):
        level = "note"
        quiet = f", and {counted(len(faint), 'other hardly varies', 'others hardly vary')}" if len(faint) else ""
        holds = "holds" if len(idle) == 1 else "hold"
        tail = "it takes memory and says" if len(idle) + len(faint) == 1 else "they take memory and say"
        little = "next to nothing" if len(faint) else "nothing"
        verdict = f"{_of(len(idle), found.d)} {holds} one value only{quiet}: {tail} {little}."
        if not len(idle):
            verdict = (
                f"{counted(len(faint), 'column hardly varies', 'columns hardly vary')}: next to no say in distances."
            )
        numbers = np.union1d(idle, faint)
        apart = "hardly tell rows" if len(faint) else "tell no two rows"
        meaning = (
            f"These columns {apart} apart: {asked.some(numbers, asked.column)}. By cosine and dot, a column of "
            "one large value even makes all rows look alike."
        )
        action = "Drop them; Euclidean and Manhattan distances stay the same."
        code = "items = items[:, items.min(axis=0) < items.max(axis=0)]"
        if len(faint):
            action = "Drop them; Euclidean and Manhattan distances stay nearly the same."
            code = f"spread = items.std(axis=0)\nitems = items[:, spread > {NARROW:g} * np.median(spread[spread > 0])]"
    if len(wide):
        level = "act"
        least = found.scales[wide].min()
        also = f" {counted(len(idle), 'other column holds', 'others hold')} one value only." if len(idle) else ""
        many = f"{len(wide):,} of {found.d:,} columns decide"
        if len(wide) == 1:
            many = f"{asked.column(int(wide[0]))} alone decides"
        verdict = f"Scales differ: {many} every distance, varying {number(least)} times as much as the usual one.{also}"
        meaning = (
            f"Beside {asked.some(wide, asked.column)} the other columns are noise in the sum. This is right only "
            "if all columns are in the same unit, and none of them is a number that names the row. All that follows "
            "about distances is about so few columns."
        )
        action = (
            "Bring the columns to one scale: divide by their deviation, or whiten, which takes out what they share. "
            "Then make this report again."
        )
        code = "items = lw.transforms.Whiten().fit_transform(items)"
    scales = np.sort(found.scales[np.isfinite(found.scales) & (found.scales > 0)])[::-1]
    spread = f"{number(scales[0])} to {number(scales[-1])} times the median" if len(scales) else "none varies"

    def draw(axes: Any) -> None:
        axes.plot(np.arange(1, len(scales) + 1), scales, color=BLUE, linewidth=2)
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        axes.set(xlabel="columns, those that vary most first", ylabel="spread / median spread")
        if scales[0] > 10 * scales[-1]:
            axes.set(yscale="log")
            plain_numbers(axes.yaxis)
        else:
            axes.set(ylim=(0, 1.1 * scales[0]))

    return Finding(
        "columns",
        "Has every column a say?",
        verdict,
        level,
        {
            "columns": f"{found.d:,}",
            "of one value": f"{len(idle):,}",
            "nearly so": f"{len(faint):,}",
            f"over {thresholds.WIDE_COLUMN.value:.0f} times the median": f"{len(wide):,}",
        },
        meaning,
        action,
        code,
        f"From all {found.n - len(found.bad_rows):,} usable rows.",
        Plot(draw, f"How much each column varies, sorted: {spread}.") if len(scales) > 1 else None,
        numbers={
            "constant_columns": idle,
            "near_constant_columns": faint,
            "wide_columns": wide,
            "widest": scales[0] if len(scales) else None,
        },
    )


def _of(count: int, total: int) -> str:
    return f"One of {total:,} columns" if count == 1 else f"{count:,} of {total:,} columns"


def shares(axes: Any, parts: dict[str, int]) -> None:
    """Parts of a whole as one bar, told apart by hatching, with their numbers in the legend."""
    total, left = max(sum(parts.values()), 1), 0.0
    for (name, count), colour, hatch in zip(parts.items(), COLOURS, HATCHES, strict=False):
        if not count and left:  # there is nothing to see; the first part stays, so that a bar of nothing has a name
            continue
        share = count / total
        label = f"{name}: {count:,} ({percent(share)})"
        axes.barh(0, share, left=left, height=0.6, color=colour, hatch=hatch, label=label, edgecolor=INK, linewidth=0.6)
        left += share
    axes.set(xlim=(0, 1), yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xticks([0, 0.5, 1], ["0", "half of the rows", "all"])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(parts), handlelength=1.2, columnspacing=1)


def _listed(parts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in parts.items())
