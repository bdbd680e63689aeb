"""Draw the pictures of docs/kernels.md: docs/kernels-regions.svg and docs/kernels-process.svg. Needs matplotlib."""

from pathlib import Path

import matplotlib
import numpy as np
from generated import ROOT
from sklearn.datasets import make_circles

import likewise as lw
from likewise.estimators import GaussianProcessRegressor, KernelClassifier

matplotlib.use("svg")
from matplotlib import pyplot as plt

BLUE, ORANGE = "#3b6fb6", "#e08214"
STYLE = {"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}


def regions(file: Path) -> None:
    """The plane by four machines, fitted to the same circles."""
    rows, labels = make_circles(120, noise=0.08, factor=0.5, random_state=0)
    heavy = lw.metric(
        lambda x, y: abs(x - y), finish=lambda s: 1 / (1 + s), closer="larger", name="1 / (1 + manhattan)"
    )
    metrics = {
        "dot": "dot",
        "(x·y + 1)²": lw.polynomial(degree=2, gamma=1.0),
        "exp(-|x - y|² / 2)": "rbf",
        "1 / (1 + |x - y|₁)": heavy,
    }
    steps = np.linspace(-1.6, 1.6, 41)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), constrained_layout=True)
    for axis, (title, metric) in zip(axes, metrics.items(), strict=True):
        machine = KernelClassifier(metric=metric, C=10).fit(rows, labels)
        height = machine.decision_function(grid).reshape(41, 41)
        axis.contourf(steps, steps, height, levels=[-1e9, 0, 1e9], colors=[BLUE, ORANGE], alpha=0.25)
        for label, colour in enumerate((BLUE, ORANGE)):
            axis.plot(*rows[labels == label][::3].T, ".", color=colour, markersize=4)
        axis.set(title=f"{title}: {machine.score(rows, labels):.0%}", xticks=[], yticks=[], aspect="equal")
    save(figure, file)


def process(file: Path) -> None:
    """A Gaussian process that was shown a sine with a gap."""
    x = np.delete(np.linspace(0, 6, 25), np.s_[13:19])[:, None]
    seen = np.sin(x[:, 0]) + 0.1 * np.random.default_rng(0).standard_normal(len(x))
    model = GaussianProcessRegressor(
        metric_params={"gamma": 1.0}, alpha=0.1, optimizer="fmin_l_bfgs_b", optimized=("gamma", "variance", "noise")
    ).fit(x, seen)
    at = np.linspace(-2, 9, 121)
    mean, std = model.predict(at[:, None], return_std=True)
    figure, axis = plt.subplots(figsize=(7, 2.6), constrained_layout=True)
    axis.fill_between(at, mean - 2 * std, mean + 2 * std, color=BLUE, alpha=0.2, linewidth=0)
    axis.plot(at, mean, color=BLUE)
    axis.plot(at, np.sin(at), color="grey", linestyle=":")
    axis.plot(x[:, 0], seen, ".", color=ORANGE)
    save(figure, file)


def save(figure: object, file: Path) -> None:
    """An SVG without a date, the same from run to run."""
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[attr-defined]
    plt.close(figure)  # type: ignore[arg-type]
    print(f"wrote {file.relative_to(ROOT)}, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    with matplotlib.rc_context(STYLE):
        regions(ROOT / "docs" / "kernels-regions.svg")
        process(ROOT / "docs" / "kernels-process.svg")
