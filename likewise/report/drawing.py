"""Pictures of a report: SVG that needs no script, no font and no colour to be understood.

The colours are those of Okabe and Ito (2008), which people of every kind of colour vision tell apart; beside them,
lines differ in their marks and dashes, and areas in their hatching. The ink is the page's own: light on a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from likewise.extras import need

BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
HATCHES = ("", "////", "xxx", "\\\\\\\\", "---", "|||")  # dots would be 250 KB of circles a picture

#: Stands for the page's ink, and is replaced by ``currentColor``.
INK = "#123456"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "likewise",  # names of parts do not change from run to run
    "svg.fonttype": "none",  # text stays text: small, found by a search, read aloud
    "font.family": "sans-serif",
    "font.size": 10,
    "hatch.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "legend.labelcolor": INK,
    "hatch.color": INK,
}
_WIDTH = 5.0  # inches, 360 points: a telephone shows letters of 10 points about as large as they are


@dataclass(frozen=True)
class Plot:
    """How to draw a picture, and what it shows in words.

    ``draw(axes)`` draws it on matplotlib's axes; ``alt`` is for those who do not see it.
    """

    draw: Callable[[Any], None]
    alt: str
    height: float = 2.7

    def svg(self, name: str) -> str:
        """The picture as an ``<svg>`` element, for a page in which no other goes by ``name``.

        Raises
        ------
        MissingExtraError
            Where matplotlib is absent.
        """
        need("matplotlib", "drawing the pictures of a report", extra="report")
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        with matplotlib.rc_context(_STYLE):
            figure = Figure(figsize=(_WIDTH, self.height))
            FigureCanvasSVG(figure)
            figure.patch.set_visible(False)
            axes = figure.subplots()
            axes.patch.set_visible(False)
            self.draw(axes)
            file = io.StringIO()
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        return inline(file.getvalue(), name, self.alt)


def plain_numbers(axis: Any) -> None:
    """Ticks of a logarithmic axis as ``1,000``, not as powers of ten."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def inline(svg: str, name: str, alt: str) -> str:
    """A file of matplotlib's as an element of a page: no prologue, names of its own, its meaning in words."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)  # it would be the whole page's
    svg = re.sub(r"\s*font-family: [^;\"]*;?", "", svg)  # the page's own
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(INK, "currentColor", svg, flags=re.IGNORECASE)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    view = size.group(0) if size else ""
    head = f'<svg role="img" aria-labelledby="{name}-alt" {view}>\n<title id="{name}-alt">{escape(alt)}</title>'
    body = svg[svg.index(">") + 1 :]
    return head + body.rstrip()
