"""The roofline as a picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from likewise.extras import need

if TYPE_CHECKING:
    from likewise.machine.rooflines import Roofline, RooflineRow

#: Of Okabe and Ito, which most people can tell apart; the marks differ too.
_SEARCH, _SUM, _SINGLE, _ROOF = "#0072B2", "#D55E00", "#009E73", "#333333"
_LINES = {"l1": ":", "l2": "-.", "l3": "--", "memory": "-"}
_SETTINGS = {"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}


def draw(found: Roofline) -> str:
    """SVG of two panels: FLOP/s under the roofs, and each metric's share of the rate of multiply-adds."""
    matplotlib = need("matplotlib", "drawing a roofline", extra="plot")
    need("matplotlib.figure", "drawing a roofline", extra="plot")
    with matplotlib.rc_context(_SETTINGS):
        height = 3.4 + 0.26 * len(found.rows)
        figure = matplotlib.figure.Figure(figsize=(7.2, 3.6 + height), layout="constrained")
        roof, bars = figure.subplots(2, 1, height_ratios=(3.6, height))
        _roofs(roof, found)
        _bars(bars, found)
        figure.draw_without_rendering()  # places are known from here on
        _names(roof, found)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _roofs(axis: Any, found: Roofline) -> None:
    """FLOP/s over FLOPs a byte, one core."""
    machine, rows = found.machine, found.rows
    peak, bottom = machine.flops(), min(machine.flops() / 300, *(row.flops_per_second / 2 for row in rows))
    left, right = 0.05, 2 * max(row.intensity for row in rows)
    for level in machine.levels:
        bandwidth = machine.bandwidth(level)
        ridge = peak / bandwidth
        start = max(left, bottom / bandwidth)
        axis.plot([start, ridge], [start * bandwidth, peak], _LINES[level], color=_ROOF, linewidth=1)
        title = f"{level.upper() if level != 'memory' else level} {bandwidth / 1e9:,.0f} GB/s"
        axis.plot([], [], _LINES[level], color=_ROOF, linewidth=1, label=title)
    widest = max(machine.bandwidth(level) for level in machine.levels)
    axis.plot([peak / widest, right], [peak, peak], color=_ROOF, linewidth=1.6)
    text = f"float32 multiply-adds: {peak / 1e9:,.0f} GFLOP/s"
    axis.annotate(text, (right, peak), (-4, 16), textcoords="offset points", ha="right", va="bottom", fontsize=8)
    for colour, mark, name, places in (
        (_SUM, "o", "all with all (weighted_sum)", [(row.intensity, row.flops_per_second) for row in rows]),
        (_SINGLE, "s", "one query's search", [(row.single_intensity, row.single * row.flops) for row in rows]),
    ):
        axis.plot(*zip(*places, strict=True), mark, color=colour, markersize=5, markeredgecolor="white", label=name)
    highest = max(peak, *(row.flops_per_second for row in rows))
    axis.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, 3 * highest))
    axis.set(xlabel="FLOPs for each byte of input and output", ylabel="FLOP/s of one core")
    axis.set_title(f"Roofline of one core: {machine.cpu} ({machine.architecture})", loc="left", fontsize=10)
    axis.grid(True, which="major", linewidth=0.4, color="#dddddd")
    axis.minorticks_off()
    axis.legend(loc="center", bbox_to_anchor=(0.57, 0.4), fontsize=8, frameon=True)


#: Named first, as far as there is room; then the slowest.
_FIRST = ("dot", "euclidean", "manhattan", "chebyshev")


def _names(axis: Any, found: Roofline) -> None:
    """A name to the left of points of all with all, where it covers neither another name nor a point."""
    order = {name: place for place, name in enumerate(_FIRST)}
    rows = sorted(found.rows, key=lambda row: (order.get(row.metric, len(order)), row.flops_per_second))
    places = {row.metric: axis.transData.transform((row.intensity, row.flops_per_second)) for row in rows}
    scale = axis.figure.dpi / 72
    taken = [(x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale) for x, y in places.values()]
    for row in rows:
        x, y = places[row.metric]
        name = _short(row)
        box = (x - (9 + 5.2 * len(name)) * scale, y - 5 * scale, x - 5 * scale, y + 5 * scale)
        if all(box[2] < a or c < box[0] or box[3] < b or d < box[1] for a, b, c, d in taken):
            taken.append(box)
            at = (row.intensity, row.flops_per_second)
            axis.annotate(name, at, (-7, 0), textcoords="offset points", ha="right", va="center", fontsize=8)


def _bars(axis: Any, found: Roofline) -> None:
    """Coordinates a second beside those of multiply-adds: computed in full, allowed, and searched."""
    rows = sorted(found.rows, key=lambda row: row.of_products)
    places = list(range(len(rows)))
    axis.barh(places, [100 * row.of_products for row in rows], color=_SUM, height=0.62, label="computed in full")
    allowed = [100 * row.allowed / row.products for row in rows]
    axis.plot(allowed, places, "|", color="black", markersize=11, markeredgewidth=1.6, label="its instructions allow")
    searched = [100 * row.search_of_products for row in rows]
    axis.plot(
        searched, places, "D", color=_SEARCH, markersize=4.5, markeredgecolor="white", label="search gets through"
    )
    axis.set_yticks(places, [_short(row) for row in rows])
    axis.axvline(100, color=_ROOF, linewidth=1)
    axis.axvline(1, color=_ROOF, linewidth=1, linestyle=":")
    axis.annotate("1%", (1, len(rows) - 0.4), (2, 0), textcoords="offset points", fontsize=8, va="bottom")
    axis.set(xlim=(0, 1.08 * max(105.0, *searched, *allowed)), ylim=(-0.7, len(rows) + 0.6))
    axis.set_xlabel("coordinates of pairs a second, in % of the core's rate of multiply-adds")
    axis.set_title(f"Each metric beside a perfect dot product, d = {rows[0].d}", loc="left", fontsize=10)
    axis.legend(loc="lower right", fontsize=8, frameon=True)


def _short(row: RooflineRow) -> str:
    return row.metric if len(row.metric) <= 24 else row.metric.partition("(")[0]
