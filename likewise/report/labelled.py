"""Which metric tells the caller's labels apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise import geometry
from likewise.geometry.labels import METRICS
from likewise.report import thresholds
from likewise.report.asked import Asked, shortened
from likewise.report.drawing import BLUE, INK, VERMILION, Plot
from likewise.report.finding import Finding, Level, percent, ranged


def separation(asked: Asked) -> Finding:
    """The metric by which a row's nearest neighbour most often has its label, or that no metric is shown to be it."""
    own = asked.space.metric
    # named, Mahalanobis' is an error where there are few rows, so all are named only where they have to be
    metrics = None if own.name in METRICS else [own, *(name for name in METRICS if name != "mahalanobis")]
    found = geometry.separation(asked.space, asked.labels, metrics=metrics)
    best = found.rows[0]
    used = next((row for row in found.rows if row.metric == own.name), None)
    level, verdict, action, code = _said(found, own.name)
    meaning = (
        f"By {best.metric}, the nearest other row has the right label for {ranged(best.accuracy, percent)} of "
        f"{found.judged:,} rows; with shuffled labels it would be {percent(found.chance)}, and the largest class "
        "alone is "
        f"{percent(found.majority)} of the rows."
    )
    if found.structured and len(found.tied) > 1:
        meaning += " Where two metrics judge the same rows, the difference may be chance; then they are called equal."
    if found.copies >= thresholds.MANY_COPIES.value:
        meaning += (
            f" But {percent(found.copies)} of the nearest rows are copies, so that this says little about new rows."
        )
    if found.unlabelled or found.alone:
        meaning += (
            f" Left out: {found.unlabelled:,} rows without a label, {found.alone:,} that are alone in their class."
        )
    if found.left_out:
        meaning += " Not tried: " + "; ".join(f"{name} ({why})" for name, why in found.left_out.items()) + "."
    figures = {f"right by {best.metric}": ranged(best.accuracy, percent)}
    if used is not None and used is not best:
        figures[f"right by {own.name}"] = ranged(used.accuracy, percent)
    figures |= {"by chance": percent(found.chance), "largest class": percent(found.majority)}
    figures["classes"] = f"{len(found.classes):,}"
    worse = {each.metric: each for each in found.differences}
    return Finding(
        "labels",
        "Which metric tells the labels apart?",
        verdict,
        level,
        figures,
        meaning,
        action,
        code,
        f"{found.judged:,} rows were judged among {found.items:,}; the ranges are for other rows of the same kind "
        "(95%). "
        "Metrics are compared on the same rows by McNemar's exact test, corrected for all pairs (Holm).",
        _whiskers(found),
        ("metric", "right", "95% range", "against the best", "shown to be worse"),
        tuple(_line(row, worse.get(row.metric)) for row in found.rows),
        found.as_dict(),
    )


def _said(found: geometry.Separation, own: str) -> tuple[Level, str, str, str]:
    """Level, verdict, action and code."""
    best = found.rows[0]
    share = percent(best.accuracy.value)
    if not found.structured:
        return (
            "act",
            "Neighbours say nothing about the labels: shuffled labels do as well, by every metric.",
            "Do not classify by neighbours here. Check that labels and rows are in the same order.",
            "",
        )
    code = f"found = lw.topk(queries, items, {found.k}, metric={best.metric!r})"
    if best.metric == "mahalanobis":
        code = "items = lw.transforms.Whiten().fit_transform(items)  # then by euclidean"
    if found.decided:
        done = own == best.metric
        return (
            "good" if done else "act",
            f"{_named(best.metric)} separates the labels best: {share} of the nearest neighbours are of the same "
            "class.",
            "Nothing: it is the metric in use." if done else f"Compare by {best.metric}.",
            "" if done else code,
        )
    tied = [_plain(name) for name in found.tied]
    fine = own in found.tied
    if len(found.tied) == len(found.rows):
        verdict = f"No metric separates the labels better than another: all are right for about {share} of the rows."
        return "good", verdict, "Take the cheapest or the most usual.", ""
    verdict = f"{_listed(tied)} separate the labels equally well, right for {share} of the rows"
    return (
        "good" if fine else "act",
        f"{verdict[:1].upper()}{verdict[1:]}; "
        f"{_listed([_plain(row.metric) for row in found.rows if row.metric not in found.tied])} "
        f"{'does' if len(found.rows) - len(tied) == 1 else 'do'} worse.",
        f"Nothing: {own} is one of them." if fine else f"Compare by one of these, not by {own}.",
        "" if fine else code,
    )


def _plain(name: str) -> str:
    return shortened(name, 30)


def _named(name: str) -> str:
    text = _plain(name)
    return text[:1].upper() + text[1:]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _line(row: geometry.SeparationRow, against: geometry.Difference | None) -> tuple[str, ...]:
    ends = f"{percent(row.accuracy.low)} to {percent(row.accuracy.high)}"
    if against is None:
        return (_plain(row.metric), percent(row.accuracy.value), ends, "the best", "")
    points = f"{-100 * against.value:+.1f} points"
    return (_plain(row.metric), percent(row.accuracy.value), ends, points, "yes" if against.real else "no")


def _whiskers(found: geometry.Separation) -> Plot:
    """The accuracy of each metric with its range; those that are not worse than the best have a filled mark."""
    rows = found.rows[::-1]

    def draw(axes: Any) -> None:
        for place, row in enumerate(rows):
            tied = row.metric in found.tied
            ends = 100 * np.array([[row.accuracy.value - row.accuracy.low], [row.accuracy.high - row.accuracy.value]])
            axes.errorbar(
                100 * row.accuracy.value,
                place,
                xerr=np.maximum(ends, 0),
                fmt="o" if tied else "s",
                markersize=8,
                color=BLUE if tied else VERMILION,
                fillstyle="full" if tied else "none",
                capsize=4,
                label="not shown to be worse than the best" if tied else "worse",
            )
        axes.axvline(100 * found.majority, color=INK, linestyle=":", linewidth=1.2, label="largest class alone")
        axes.set_yticks(range(len(rows)), [_plain(row.metric) for row in rows])
        axes.set(xlabel="% of rows whose nearest neighbour has their label", ylim=(-0.6, len(rows) - 0.4))
        held = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        axes.legend(held.values(), held.keys(), loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=1)

    read = ", ".join(f"{_plain(row.metric)} {percent(row.accuracy.value)}" for row in found.rows)
    return Plot(draw, f"How often the nearest neighbour has the same label: {read}.", 1.5 + 0.28 * len(rows))
