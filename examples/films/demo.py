"""Films most alike to one, why, by a formula of one's own, and how fast. No download, under a minute.

make demo
make demo ARGS="--film Casablanca"
"""

import argparse
import csv
import difflib
import signal
import sys
import time
from pathlib import Path

for name in ("SIGINT", "SIGPIPE"):  # Ctrl-C, or a reader such as head that has enough: end at once and quietly
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)

try:
    import numpy as np
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    from scipy.spatial.distance import cdist

    import likewise as lw
except ModuleNotFoundError as error:
    sys.exit(f"The demonstration needs {error.name}. Run `make demo`, or install it: pip install '.[cli]' scipy")

SHOWN = 8  # neighbours of a film
METRICS = ("euclidean", "manhattan", "cosine", "chebyshev")
FORMULA = """
    @lw.metric(closer="smaller")
    def capped(x, y):
        return lw.math.minimum(abs(x - y), 2)
"""


@lw.metric(closer="smaller")
def capped(x, y):
    return lw.math.minimum(abs(x - y), 2)


# ---- the films


class Films:
    """Titles, what films.csv says of them, and vectors: ratings as they are, year and minutes stretched to -5 to 5."""

    def __init__(self) -> None:
        with (Path(__file__).parent / "films.csv").open(encoding="utf-8", newline="") as file:
            (_, *self.attributes), *rows = csv.reader(file)
        self.titles = [row[0] for row in rows]
        self.known = np.array([row[1:] for row in rows], dtype=np.float32)
        low, high = self.known[:, :2].min(axis=0), self.known[:, :2].max(axis=0)
        self.steps = (high - low) / 10  # the years, and the minutes, that count as one point
        self.vectors = self.known.copy()
        self.vectors[:, :2] = (self.known[:, :2] - low) / self.steps - 5

    def called(self, title: str) -> int:
        """The row of a title, in capitals or not; ends the program with the nearest titles where there is none."""
        folded = [known.casefold() for known in self.titles]
        wanted = title.strip().casefold()
        if wanted in folded:
            return folded.index(wanted)
        near = [known for known in folded if wanted and wanted in known][:5]
        near = near or difflib.get_close_matches(wanted, folded, 5, 0.4) or folded[:5]
        sys.exit(f"No film is called {title!r}. Try: {', '.join(self.titles[folded.index(known)] for known in near)}")

    def nearest(self, film: int, metric, k: int = SHOWN) -> lw.TopK:
        """The k other films most alike to one."""
        others = np.arange(len(self.titles)) != film
        return lw.topk(self.vectors[film], self.vectors, k, metric=metric, where=others)


def side_by_side(films: Films, film: int) -> Table:
    """The nearest films under each metric, a column each."""
    heads = [f"{metric}\n{lw.metrics[metric].closer} is closer" for metric in METRICS]
    columns = [zip(*films.nearest(film, metric), strict=True) for metric in METRICS]
    rows = [
        [str(rank), *(Text.assemble(films.titles[i], "  ", (f"{value:.3g}", "dim")) for value, i in found)]
        for rank, found in enumerate(zip(*columns, strict=True), 1)
    ]
    return grid(["", *heads], rows, caption="Equal values are in order of title.")


def why(films: Films, a: int, b: int) -> Table:
    """What each attribute adds to the Manhattan distance of two films."""
    adds = lw.contributions(films.vectors[a], films.vectors[b], metric="manhattan")
    bars = np.rint(20 * adds / max(adds.max(), 1)).astype(int)
    rows = [
        [films.attributes[i], f"{films.known[a, i]:g}", f"{films.known[b, i]:g}", f"{adds[i]:.2f}", "█" * bars[i]]
        for i in np.argsort(-adds, kind="stable")
    ]
    rows.append(["together", "", "", f"{adds.sum():.2f}", "their Manhattan distance"])
    return grid(["attribute", films.titles[a], films.titles[b], "adds", ""], rows, right=(1, 2, 3))


def by_formula(films: Films, film: int) -> Table:
    """The nearest films by a formula of one's own, and the rank that Manhattan gives them."""
    before = films.nearest(film, "manhattan", len(films.titles) - 1).indices.tolist()
    found = zip(*films.nearest(film, capped), strict=True)
    rows = [
        [str(rank), films.titles[i], f"{value:.3g}", str(before.index(i) + 1)]
        for rank, (value, i) in enumerate(found, 1)
    ]
    return grid(["", "by capped", "value", "rank by manhattan"], rows, right=(2, 3))


# ---- speed


def numpy_capped(queries, items):
    """The formula in NumPy, a query at a time: all at once would hold every coordinate of every pair in memory."""
    return np.stack([np.minimum(np.abs(row - items), 2).sum(axis=1) for row in queries])


#: metric -> what one would otherwise use, and its scores with the smallest nearest
PEERS = {
    "dot": ("NumPy matmul", lambda queries, items: -(queries @ items.T)),
    "euclidean": ("SciPy cdist", lambda queries, items: cdist(queries, items, "euclidean")),
    "manhattan": ("SciPy cdist", lambda queries, items: cdist(queries, items, "cityblock")),
    "chebyshev": ("SciPy cdist", lambda queries, items: cdist(queries, items, "chebyshev")),
    "capped": ("NumPy", numpy_capped),
}


def best_of(runs: int, call, *args):
    """What a call gives, and the seconds of its fastest run."""
    fastest = np.inf
    for _ in range(runs):
        start = time.perf_counter()
        result = call(*args)
        fastest = min(fastest, time.perf_counter() - start)
    return result, fastest


def measured(name: str, queries, items, k: int, seconds: float) -> list[str]:
    """One row of the table of speeds: a metric by likewise and by its peer."""
    peer, scores = PEERS[name]
    metric = capped if name == "capped" else name
    n, m, d = len(queries), *items.shape

    def search(rows):
        return lw.topk(queries[:rows], items, k, metric=metric).indices

    def peer_search(rows):
        return np.argpartition(scores(queries[:rows], items), k, axis=1)[:, :k]

    search(1)  # a first call compiles
    ours, our_time = best_of(3, search, n)
    few = max(1, n // 50)
    _, its_time = best_of(1, peer_search, few)
    few = min(n, max(few, int(few * seconds / its_time)))
    its, its_time = best_of(3, peer_search, few)

    rate, its_rate = n * m * d / our_time, few * m * d / its_time
    same = np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(ours[:few], its, strict=True)])
    beside = peer if few == n else f"{peer}, {few:,} queries"
    return [name, f"{rate / 1e9:.1f}", beside, f"{its_rate / 1e9:.1f}", f"{rate / its_rate:.1f} x", f"{same:.1%}"]


# ---- the tour


def grid(heads: list[str], rows: list, *, right: tuple[int, ...] = (), caption: str | None = None) -> Table:
    """A table of text; the columns of numbers named by ``right``."""
    table = Table(caption=caption, caption_justify="left")
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i in right else "left")
    for row in rows:
        table.add_row(*row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Films most alike to one, and the speed of this machine.")
    parser.add_argument("--film", metavar="TITLE", default="Alien", help="the film to start from (default: Alien)")
    parser.add_argument("--quick", action="store_true", help="measure speed on small sets, in a second")
    options = parser.parse_args()
    films = Films()
    film = films.called(options.film)

    sys.stdout.reconfigure(encoding="utf-8")
    # in a pipe Rich assumes 80 columns: too narrow for four titles
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)

    def say(heading: str, *text: str) -> None:
        console.print(f"\n{heading}", style="bold")
        console.print(" ".join(text))

    years, minutes = films.steps
    say(
        f"Films most alike to {films.titles[film]}, under four metrics",
        f"{len(films.titles)} films, {len(films.attributes)} attributes of each. The ten ratings, from -5 to 5, are",
        f"taken as they are. Year and minutes are stretched to -5 to 5 as well: {years:.1f} years or {minutes:.1f}",
        "minutes make one point.",
    )
    console.print(side_by_side(films, film))

    nearest = int(films.nearest(film, "manhattan", 1).indices[0])
    adds = "What each attribute adds, in points: lw.contributions(a, b, metric='manhattan')"
    say(f"Why {films.titles[nearest]}?", adds)
    console.print(why(films, film, nearest))

    say("A formula of one's own", "A difference counts 2 points at most, so that one disagreement does not decide:")
    console.print(FORMULA)
    console.print(by_formula(films, film))

    n, m, d, k = (100, 2_000, 64, 10) if options.quick else (1_000, 20_000, 128, 10)
    plan = lw.explain((n, d), (m, d), k=k, metric=capped).plan
    say("What the engine does with the formula", "lw.explain says it, here for vectors as many as are measured next:")
    console.print(f"\n{plan}")

    say(
        "The speed of this machine",
        f"The {k} nearest of {m:,} for {n:,} queries: random float32 vectors of {d} coordinates, from arrays to",
        "answer, the best of three runs. In thousand million pair-dimensions a second: one coordinate of one pair.",
        f"likewise and NumPy's matmul use every core ({plan.threads} here), the others one. Peers pick the nearest by",
        "argpartition; a slow one gets fewer queries, and its rate is that of those.",
    )
    random = np.random.default_rng(0)
    queries, items = (random.standard_normal((rows, d), dtype=np.float32) for rows in (n, m))
    rows = [measured(name, queries, items, k, 0.05 if options.quick else 1.0) for name in PEERS]
    console.print(grid(["metric", "likewise", "beside", "G/s", "faster", "same answer"], rows, right=(1, 3, 4, 5)))


if __name__ == "__main__":
    main()
