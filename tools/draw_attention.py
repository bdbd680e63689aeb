"""Draw docs/attention.svg; with --check, only say whether it is up to date.

Six keys lie in the plane, each with a colour as its value. Every point of the plane asks as a query, and is painted
with the colour that it gets.
"""

import io
import sys
from typing import Any

import matplotlib
import numpy as np
from generated import ROOT, asked_to_check, keep

import likewise as lw

matplotlib.use("svg")
from matplotlib import pyplot as plt

KEYS = np.array([[1.2, 0.9], [-0.9, 1.4], [-1.5, -0.4], [0.2, -1.5], [1.7, -1.1], [0.1, 0.25]])
COLOURS = np.array(  # of Okabe and Ito, which most people can tell apart
    [[0.84, 0.37, 0], [0, 0.45, 0.7], [0, 0.62, 0.45], [0.8, 0.47, 0.65], [0.94, 0.89, 0.26], [0.35, 0.35, 0.35]]
)
PANELS = (("dot", 4.0), ("cosine", 8.0), ("sqeuclidean", 4.0), ("manhattan", 5.0))
SIDE, REACH = 48, 2.0


def painted(metric: str, scale: float) -> Any:
    """The colour of each point of the plane, (SIDE, SIDE, 3), in 32 steps: rounding is the same on all machines."""
    along = np.linspace(-REACH, REACH, SIDE)
    plane = np.stack(np.meshgrid(along, along), -1).reshape(-1, 2)
    colours = lw.attend(plane, KEYS, COLOURS, metric=metric, scale=scale)
    return (np.clip(np.round(colours * 31), 0, 31) / 31).reshape(SIDE, SIDE, 3)


def drawing() -> str:
    settings = {"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
    with matplotlib.rc_context(settings):
        figure, axes = plt.subplots(1, 4, figsize=(8, 2.2))
        for axis, (metric, scale) in zip(axes, PANELS, strict=True):
            box = (-REACH, REACH, -REACH, REACH)
            axis.imshow(painted(metric, scale), origin="lower", extent=box, interpolation="nearest")
            axis.scatter(*KEYS.T, c=COLOURS, edgecolors="black", linewidths=1, s=22)
            axis.plot(0, 0, "+", color="black", markersize=5)
            axis.set(title=metric, xticks=[], yticks=[])
        figure.subplots_adjust(left=0.01, right=0.99, bottom=0.03, top=0.86, wspace=0.06)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


if __name__ == "__main__":
    page = ROOT / "docs" / "attention.svg"
    sys.exit(keep(page, drawing(), tool="draw_attention.py", check=asked_to_check(__doc__)))
