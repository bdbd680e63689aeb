"""Draw the pictures of docs/reach.md; with --check, only say whether they are up to date.

Films by two numbers and a taste; how distances, balls and neighbour lists change with dimension; and captions beside
Gaussian rows, where the data are at hand (LIKEWISE_DATA).
"""

import csv
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from generated import ROOT, asked_to_check, keep

import likewise as lw

matplotlib.use("svg")
from matplotlib import pyplot as plt

SETTINGS = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# of Okabe and Ito, which most people can tell apart; each line has a manner of its own as well
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555")
STYLES = ("-", "--", "-.", ":", (0, (5, 1)))
TASTE = np.array([2.0, 3.0])
ROWS = 2000
DATA = Path(os.environ.get("LIKEWISE_DATA", ROOT.parent / "shared" / "data"))
CAPTIONS = DATA / "multi30k" / "minilm-train-en.f16.npy"


def gaussian(d: int) -> Any:
    """The rows that the page has, too."""
    return np.random.default_rng(0).standard_normal((ROWS, d))


def places() -> Any:
    """Each pair of action and intellect that a film has."""
    with (ROOT / "examples" / "films" / "films.csv").open(encoding="utf-8", newline="") as file:
        films = list(csv.DictReader(file))
    return np.unique([[float(film["action"]), float(film["intellect"])] for film in films], axis=0)


def films(axes: Any) -> None:
    at = places()
    for axis, metric in zip(axes, ("dot", "cosine"), strict=True):
        scores = lw.pairwise(TASTE, at, metric=metric)
        axis.scatter(*at.T, c=scores, s=26, cmap="cividis", edgecolors="black", linewidths=0.3)
        best = at[np.flatnonzero(scores >= scores.max() - 1e-12)]
        axis.scatter(*best.T, s=130, facecolors="none", edgecolors=COLOURS[1], linewidths=1.6)
        axis.annotate("", TASTE, (0, 0), arrowprops={"arrowstyle": "-|>", "lw": 1.8})
        along = np.linspace(-5.4, 5.4, 2)
        if metric == "dot":  # equal scores on lines across the taste
            for level in (-10, 0, 10, 20):
                axis.plot(along, (level - TASTE[0] * along) / TASTE[1], ":", color="#777777", lw=0.8)
        else:  # and on rays from the middle
            for turn in (-2, -1, 1, 2):
                angle = np.arctan2(TASTE[1], TASTE[0]) + turn * np.pi / 4
                axis.plot([0, 9 * np.cos(angle)], [0, 9 * np.sin(angle)], ":", color="#777777", lw=0.8)
        axis.set(
            title=metric, xlim=(-5.6, 5.6), ylim=(-5.6, 5.6), aspect="equal", xlabel="action", xticks=range(-4, 5, 2)
        )
    axes[0].set_ylabel("intellect")


def distances(axis: Any) -> None:
    for i, d in enumerate((2, 16, 128, 512)):
        sample = lw.geometry.concentration(gaussian(d)).distances
        height, edges = np.histogram(sample / sample.mean(), bins=np.linspace(0, 2.5, 101), density=True)
        axis.plot((edges[1:] + edges[:-1]) / 2, height, linestyle=STYLES[i], color=COLOURS[i], label=f"d = {d}")
    axis.set(xlabel="distance of two random points / mean distance", yticks=[], xlim=(0, 2.5), ylim=(0, 14))
    axis.spines["left"].set_visible(False)
    axis.legend(frameon=False)


def ball(axes: Any) -> None:
    dimensions = np.arange(1, 21)
    share = [lw.geometry.ball_in_cube(int(d)) for d in dimensions]
    axes[0].semilogy(dimensions, share, "o-", color=COLOURS[0], markersize=3.5)
    for d, side, shift in ((3, "left", (6, 2)), (8, "left", (6, 2)), (20, "right", (-9, -3))):
        text = f"d = {d}: " + (f"{share[d - 1]:.4g}" if d < 20 else f"1 in {1e-6 / share[d - 1]:.0f} million")
        axes[0].annotate(text, (d, share[d - 1]), xytext=shift, textcoords="offset points", ha=side)
    axes[0].set(xlabel="dimension", title="share of the cube inside its ball", xticks=[1, 5, 10, 15, 20])
    wide = np.unique(np.round(np.logspace(0, 3, 40)).astype(int))
    for i, (thickness, at, side) in enumerate(((0.01, (150, 0.5), "left"), (0.05, (9, 0.6), "right"))):
        inside = [lw.geometry.shell(int(d), thickness) for d in wide]
        axes[1].semilogx(wide, inside, linestyle=STYLES[i], color=COLOURS[i])
        axes[1].text(*at, f"outermost {thickness:.0%}\nof the radius", ha=side, color=COLOURS[i])
    axes[1].set(xlabel="dimension", title="share of a ball near its surface", ylim=(0, 1.02))


def hubs(axis: Any) -> None:
    for i, d in enumerate((2, 32, 512)):
        ranked(axis, lw.geometry.hubness(gaussian(d)).counts, i, f"d = {d}")
    ranked(axis, lw.geometry.hubness_reduction(gaussian(512)).mutual_proximity.counts, 3, "d = 512, mutual proximity")
    axis.axhline(10, color="#777777", lw=0.8)
    axis.text(1.05, 10.7, "mean: 10 lists", color="#555555")
    axis.set(xlabel="rows, the most listed first", ylabel="lists of 10 that have it", ylim=(0.8, 600))
    axis.legend(frameon=False)


def ranked(axis: Any, counts: Any, i: int, label: str) -> None:
    """Counts, falling, at some fifty ranks; rows in no list are off the scale."""
    falling = np.sort(counts)[::-1]
    falling = falling[falling > 0]
    at = np.unique(np.round(np.logspace(0, np.log10(len(falling)), 60)).astype(int))
    axis.loglog(at, falling[at - 1], linestyle=STYLES[i], color=COLOURS[i], label=label)


def captions(axis: Any) -> None:
    rows = np.load(CAPTIONS).astype(np.float32)
    unit = {
        "29,000 captions, 384 numbers each": rows,
        "Gaussian, 384 numbers": np.random.default_rng(0).standard_normal((ROWS, 384)),
        "Gaussian, 120 numbers": np.random.default_rng(0).standard_normal((ROWS, 120)),
    }
    for i, (label, some) in enumerate(unit.items()):
        sample = lw.geometry.concentration(some, metric="cosine", sample=50).distances
        height, edges = np.histogram(sample / sample.mean(), bins=np.linspace(0.5, 1.3, 81), density=True)
        axis.plot((edges[1:] + edges[:-1]) / 2, height, linestyle=STYLES[i], color=COLOURS[i], label=label)
    axis.set(xlabel="distance of two random rows / mean distance", yticks=[], xlim=(0.5, 1.3), ylim=(0, None))
    axis.spines["left"].set_visible(False)
    axis.legend(frameon=False, loc="upper left")


def drawing(name: str, draw: Callable[[Any], None], panels: int, size: tuple[float, float]) -> str:
    """One picture as SVG, the same on every machine."""
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": name}):
        figure, axes = plt.subplots(1, panels, figsize=size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.1)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


PICTURES: dict[str, tuple[Callable[[Any], None], int, tuple[float, float]]] = {
    "films": (films, 2, (7, 3.6)),
    "distances": (distances, 1, (6, 2.6)),
    "ball": (ball, 2, (7.5, 2.8)),
    "hubs": (hubs, 1, (6, 3.2)),
    "captions": (captions, 1, (6, 2.6)),
}


if __name__ == "__main__":
    check, faults = asked_to_check(__doc__), 0
    for name, how in PICTURES.items():
        if name == "captions" and not CAPTIONS.exists():
            print(f"docs/reach-captions.svg is left as it is: {CAPTIONS} is absent (set LIKEWISE_DATA)")
            continue
        page = ROOT / "docs" / f"reach-{name}.svg"
        faults += keep(page, drawing(name, *how), tool="draw_reach.py", check=check)
    sys.exit(bool(faults))
