"""How many facts a feed-forward layer holds: by its width, by what it compares with, by the bits of a number.

    python -m benchmarks.facts              some minutes on two quiet cores; writes docs/memory.json, tables, pictures
    python -m benchmarks.facts --from-json  measures nothing: writes the tables and pictures of docs/memory.json

A fact is a subject and a relation, side by side, and an object. Subjects and relations are words as GloVe's 25
coordinates (of Twitter; random rows where these are absent), the objects 256 random directions of 64 coordinates. A
memory (``lw.nn.Memory``, 50 -> width -> 64) is trained to point to the object; recall is the share of its facts for
which that object's direction has the largest product. There is nothing to generalise: objects are drawn at random.

Every memory gets the same gradient steps: 400 of Adam on 512 facts each, at a rate that falls linearly to 0, from 0.01
for up to 512 keys and 0.01 sqrt(512 / width) for more: with 0.01, wide memories recall less than with 0.004.
Each metric gets the one of three rates that serves it best on facts of another seed.
Runs that docs/memory.json has already are not repeated; --fresh forgets them.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import likewise as lw
from benchmarks.data import need
from benchmarks.environment import hold_threads, machine, pin, versions
from benchmarks.harness import NotOffered
from benchmarks.report import digits
from likewise.nn import Memory
from tools.generated import between, grid

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "memory.md", ROOT / "docs" / "memory.json"
Results = dict[str, Any]
OBJECTS, D_OUT, RELATIONS = 256, 64, 32
RATE, BATCH = 0.01, 512
RATES, CHOOSING = (0.003, 0.01, 0.03), 100  # tried for each metric, on facts of that seed
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


@dataclass(frozen=True)
class Sizes:
    """What is measured."""

    seeds: int = 3
    steps: int = 400
    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    facts: tuple[int, ...] = (4096, 8192, 16384)
    metric_width: int = 512
    metric_facts: int = 8192
    bit_facts: int = 4096
    budgets: tuple[int, ...] = (64, 128)  # widths of the float32 memories whose bytes others get
    edits: int = 10
    edit_width: int = 1024
    edit_facts: int = 4096


QUICK = Sizes(1, 5, (8, 16), (64, 128), 8, 64, 64, (4,), 2, 16, 64)
METRICS: dict[str, Any] = {
    "dot": "dot",
    "cosine": "cosine",
    "euclidean": "euclidean",
    "manhattan": "manhattan",
    "rbf": lw.rbf(gamma=0.02),
}

# ------------------------------------------------------------------------------------------------ facts


@dataclass(frozen=True)
class Facts:
    """Inputs (n, 50), the number of each one's object, and the objects' directions (256, 64)."""

    x: Tensor
    y: Tensor
    objects: Tensor

    def answers(self, memory: nn.Module, x: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            found: Tensor = (memory(self.x if x is None else x) @ self.objects.T).argmax(-1)
        return found

    def recall(self, memory: nn.Module) -> float:
        return float((self.answers(memory) == self.y).float().mean())


def words() -> tuple[Tensor, str]:
    """Rows of 25 coordinates, and where they are from."""
    try:
        rows = np.load(need("glove-twitter-25d/vectors.f32.npy"))
    except NotOffered:
        return torch.randn(11_925, 25, generator=torch.Generator().manual_seed(0)), "random"
    return torch.from_numpy(rows.astype(np.float32)), "GloVe"


def facts(count: int, seed: int) -> Facts:
    """So many pairs of count / 8 subjects and 32 relations, each with an object."""
    rows, _ = words()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(rows), generator=generator)
    relations, subjects = order[:RELATIONS], order[RELATIONS : RELATIONS + max(1, count // 8)]
    pairs = torch.randperm(len(subjects) * RELATIONS, generator=generator)[:count]
    x = torch.cat([rows[subjects[pairs // RELATIONS]], rows[relations[pairs % RELATIONS]]], 1)
    objects = F.normalize(torch.randn(OBJECTS, D_OUT, generator=generator), dim=1)
    return Facts((x - x.mean(0)) / x.std(0), torch.randint(OBJECTS, (count,), generator=generator), objects)


def learn(memory: nn.Module, known: Facts, steps: int, seed: int, width: int = 512, rate: float = RATE) -> None:
    """Steps of Adam towards each fact's object, by cross entropy of products with all objects."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(memory.parameters(), rate * min(1.0, math.sqrt(512 / width)))
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for _ in range(steps):
        part = torch.randint(len(known.x), (BATCH,), generator=generator)
        loss = F.cross_entropy(8 * (memory(known.x[part]) @ known.objects.T), known.y[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()


def memory_of(width: int, seed: int, metric: Any = "dot") -> Memory:
    torch.manual_seed(seed)
    return Memory(50, width, D_OUT, metric=metric)


# ------------------------------------------------------------------------------------------------ fewer bits


class Signs(nn.Module):
    """A memory read as signs times one length, the mean of all numbers: trained as if the numbers were read."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory

    def forward(self, x: Tensor) -> Tensor:
        read = {name: numbers + (signs(numbers) - numbers).detach() for name, numbers in self._numbers()}
        made: Tensor = torch.func.functional_call(self.memory, read, (x,))
        return made

    def _numbers(self) -> list[tuple[str, Tensor]]:
        return [("keys", self.memory.keys), ("values", self.memory.values)]


def signs(numbers: Tensor) -> Tensor:
    return torch.where(numbers >= 0, 1.0, -1.0) * numbers.abs().mean()


def bytes_of(width: int, bits: int) -> int:
    """Keys and values in so many bits, their two lengths where these are fewer than 32, and biases in float32."""
    numbers = width * (50 + D_OUT) * bits // 8
    return numbers + 4 * (width + D_OUT) + (8 if bits < 32 else 0)


def width_within(size: int, bits: int) -> int:
    """The widest memory of so many bytes."""
    fixed = 4 * D_OUT + (8 if bits < 32 else 0)
    return int((size - fixed) / ((50 + D_OUT) * bits / 8 + 4))


@torch.no_grad()
def rounded(memory: Memory, bits: int) -> None:
    """Keys and values in 8 bits or in 1, each with one length for all, after training."""
    for numbers in (memory.keys, memory.values):
        if bits == 1:
            numbers.copy_(signs(numbers))
        else:
            step = numbers.abs().max() / 127
            numbers.copy_((numbers / step).round() * step)


def seconds(memory: nn.Module, x: Tensor, rounds: int = 15) -> float:
    """The median time of an answer to all of x."""
    times = []
    with torch.no_grad():
        for _ in range(rounds):
            start = time.perf_counter()
            memory(x)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


# ------------------------------------------------------------------------------------------------ measurements


def width_row(width: int, count: int, seed: int, sizes: Sizes) -> Results:
    known, memory = facts(count, seed), memory_of(width, seed)
    learn(memory, known, sizes.steps, seed, width)
    return {"recall": known.recall(memory)}


@functools.cache
def best_rate(metric: str, sizes: Sizes) -> float:
    """The one of three rates with which a metric recalls most of other facts than those it is tested on."""
    known = facts(sizes.metric_facts, CHOOSING)

    def recall(rate: float) -> float:
        memory = memory_of(sizes.metric_width, CHOOSING, METRICS[metric])
        learn(memory, known, sizes.steps, CHOOSING, rate=rate)
        return known.recall(memory)

    return max(RATES, key=recall)


def metric_row(metric: str, seed: int, sizes: Sizes) -> Results:
    known, memory = facts(sizes.metric_facts, seed), memory_of(sizes.metric_width, seed, METRICS[metric])
    rate = best_rate(metric, sizes)
    start = time.perf_counter()
    learn(memory, known, sizes.steps, seed, rate=rate)
    return {"recall": known.recall(memory), "step": (time.perf_counter() - start) / sizes.steps, "rate": rate}


#: name -> bits, whether signs are trained, whether the memory is as wide as its bytes allow
STORED = {
    "float32": (32, False, False),
    "8 bit, rounded after training": (8, False, False),
    "8 bit, rounded after training, as wide as the bytes allow": (8, False, True),
    "1 bit, trained as signs": (1, True, False),
    "1 bit, trained as signs, as wide as the bytes allow": (1, True, True),
    "1 bit, signs taken after training, as wide as the bytes allow": (1, False, True),
}


def bits_row(stored: str, budget: int, seed: int, sizes: Sizes) -> Results:
    bits, trained, wide = STORED[stored]
    known = facts(sizes.bit_facts, seed)
    width = width_within(bytes_of(budget, 32), bits) if wide else budget
    memory = memory_of(width, seed)
    learn(Signs(memory) if trained else memory, known, sizes.steps, seed, width)
    if bits < 32:
        rounded(memory, bits)
    took = seconds(memory, known.x[:1024])
    return {"recall": known.recall(memory), "width": width, "bytes": bytes_of(width, bits), "read": took}


#: name -> (the method, whether it is told of half of the other facts)
WAYS = {
    "`edit(x, value)`": ("edit", False),
    "`edit(x, value, others=half)`": ("edit", True),
    "`add(x, value, others=half)`": ("add", True),
}


def edit_row(seed: int, sizes: Sizes) -> Results:
    """Facts given another object, one at a time: whose answers change among the facts that no way was told of."""
    known, memory = facts(sizes.edit_facts, seed), memory_of(sizes.edit_width, seed)
    learn(memory, known, sizes.steps, seed, sizes.edit_width)
    half = len(known.x) // 2
    before, length = known.answers(memory), float(memory(known.x).detach().norm(dim=-1).mean())
    made: Results = {"recall": known.recall(memory)}
    for name, (way, told) in WAYS.items():
        shares, right = [], 0
        for i in range(sizes.edits):
            other = (int(known.y[i]) + 1) % OBJECTS
            value = known.objects[other] * length
            rest = known.x[sizes.edits : half] if told else None
            change = getattr(memory, way)(known.x[i], value, others=rest)
            right += int(known.answers(memory, known.x[i : i + 1])) == other
            shares.append(float((known.answers(memory)[half:] != before[half:]).float().mean()))
            change.undo()
        made[name] = {"right": right / sizes.edits, "mean": statistics.mean(shares), "most": max(shares)}
    return made


def plan(sizes: Sizes) -> Iterator[tuple[str, Callable[[], Results]]]:
    """Every run by name, seed after seed: what is cut off has whole seeds."""
    for seed in range(sizes.seeds):
        for count in sizes.facts:
            for width in sizes.widths:
                yield (
                    f"width {width} facts {count} seed {seed}",
                    lambda w=width, n=count, s=seed: width_row(w, n, s, sizes),
                )
        for metric in METRICS:
            yield f"metric {metric} seed {seed}", lambda m=metric, s=seed: metric_row(m, s, sizes)
        for budget in sizes.budgets:
            for stored in STORED:
                yield f"bits {budget} {stored} seed {seed}", lambda b=budget, n=stored, s=seed: bits_row(n, b, s, sizes)
        yield f"edit seed {seed}", lambda s=seed: edit_row(s, sizes)


def measure(sizes: Sizes, path: Path, fresh: bool) -> Results:
    """All runs, each kept in the file as soon as it is done."""
    about = {"sizes": json.loads(json.dumps(asdict(sizes))), "rows": words()[1]}
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() and not fresh else {}
    runs = found.get("runs", {}) if all(found.get(key) == value for key, value in about.items()) else {}
    used = {name: version for name, version in versions().items() if name in ("likewise", "python", "torch")}
    here = {"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(), "cpu": machine()["cpu"]}
    for number, (name, run) in enumerate(steps := list(plan(sizes))):
        if name in runs:
            continue
        start = time.perf_counter()
        runs[name] = run() | {"seconds": time.perf_counter() - start}
        print(f"{number + 1} of {len(steps)}: {name}: recall {runs[name]['recall']:.3f}", file=sys.stderr, flush=True)
        results = {**here, "threads": torch.get_num_threads(), "versions": used, **about, "runs": runs}
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------ the page


def of(results: Results, name: str, what: str = "recall") -> list[Any]:
    """A figure of each seed."""
    seeds = range(results["sizes"]["seeds"])
    return [results["runs"][key][what] for seed in seeds if (key := f"{name} seed {seed}") in results["runs"]]


def percent(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds."""
    spread = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{spread}"


def mean(values: Sequence[float]) -> float:
    return statistics.mean(values)


def apart(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two means differ by more than two standard errors of the difference."""
    if min(len(one), len(other)) < 2:
        return False
    error = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    return abs(mean(one) - mean(other)) > 2 * error


def width_part(results: Results) -> str:
    sizes = results["sizes"]
    rows = [
        [f"{width:,}", *(percent(of(results, f"width {width} facts {count}")) for count in sizes["facts"])]
        for width in sizes["widths"]
    ]
    table = grid(["width", *(f"{count:,} facts" for count in sizes["facts"])], rows)
    return "\n".join([table, *width_findings(results)])


def width_findings(results: Results) -> Iterator[str]:
    sizes = results["sizes"]
    level = []
    for count in sizes["facts"]:
        recalls = [of(results, f"width {width} facts {count}") for width in sizes["widths"]]
        gains = [apart(b, a) and mean(b) > mean(a) for a, b in itertools.pairwise(recalls)]
        level.append((count, gains))
    all_gain = [f"{count:,}" for count, gains in level if all(gains)]
    not_all = [f"{count:,}" for count, gains in level if not all(gains)]
    if all_gain:
        yield f"Each doubling of the width adds recall, by more than two standard errors, for {_and(all_gain)} facts.\n"
    if not_all:
        yield f"For {_and(not_all)} facts at least one doubling adds nothing that can be told from chance.\n"
    narrow, wide = sizes["widths"][0], sizes["widths"][-1]
    count = max(
        sizes["facts"],
        key=lambda n: mean(of(results, f"width {wide} facts {n}")) - mean(of(results, f"width {narrow} facts {n}")),
    )
    one, other = (mean(of(results, f"width {w} facts {count}")) for w in (narrow, wide))
    yield (
        f"The largest difference is at {count:,} facts: {one:.0%} with {narrow:,} keys ({count / narrow:g} facts "
        f"each), {other:.0%} with {wide:,} ({count / wide:g} each).\n"
    )


def metric_part(results: Results) -> str:
    sizes, names = results["sizes"], [m for m in METRICS if of(results, f"metric {m}")]
    base = mean(of(results, "metric dot", "step"))
    rows = [
        [
            m,
            percent(of(results, f"metric {m}")),
            f"{mean(of(results, f'metric {m}', 'step')) / base:.1f}×",
            f"{of(results, f'metric {m}', 'rate')[0]:g}",
        ]
        for m in names
    ]
    title = f"relu of a score by ({sizes['metric_width']:,} keys, {sizes['metric_facts']:,} facts)"
    dot = of(results, "metric dot")
    parts: dict[str, list[str]] = {"better": [], "worse": [], "alike": []}
    for m in names[1:]:
        values = of(results, f"metric {m}")
        kind = "alike" if not apart(values, dot) else "better" if mean(values) > mean(dot) else "worse"
        parts[kind].append(f"{m} ({100 * (mean(values) - mean(dot)):+.1f})")
    words_of = {"better": "More than dot", "worse": "Fewer than dot", "alike": "Not to be told from dot"}
    said = " ".join(f"{words_of[kind]}: {', '.join(found)}." for kind, found in parts.items() if found)
    return "\n".join([grid([title, "recall, %", "a step, against dot", "rate"], rows), said + "\n"])


def bits_part(results: Results) -> str:
    rows = []
    for budget in results["sizes"]["budgets"]:
        for stored in STORED:
            name = f"bits {budget} {stored}"
            width, size = of(results, name, "width")[0], of(results, name, "bytes")[0]
            read = mean(of(results, name, "read")) * 1e3
            rows.append(
                [stored, f"{width:,}", f"{size / 1e3:.1f} kB", percent(of(results, name)), f"{digits(read, 2)} ms"]
            )
    heads = [f"{results['sizes']['bit_facts']:,} facts", "width", "bytes", "recall, %", "1,024 answers"]
    return "\n".join([grid(heads, rows), *bits_findings(results)])


def bits_findings(results: Results) -> Iterator[str]:
    for budget in results["sizes"]["budgets"]:
        plain = of(results, f"bits {budget} float32")
        size = of(results, f"bits {budget} float32", "bytes")[0] / 1e3
        once = mean(of(results, f"bits {budget} float32", "read"))
        said = []
        for name, (_, _, wide) in STORED.items():
            if wide:
                found, read = of(results, f"bits {budget} {name}"), mean(of(results, f"bits {budget} {name}", "read"))
                against = "not to be told from" if not apart(found, plain) else "more than"
                against = "less than" if against == "more than" and mean(found) < mean(plain) else against
                said.append(
                    f"{name.removesuffix(', as wide as the bytes allow')}: {mean(found):.0%}, {against} float32's "
                    f"{mean(plain):.0%}, in {digits(read / once, 2)} times its time"
                )
        yield f"In the same {size:.0f} kB, as wide as they allow. {'; '.join(said)}.\n"
    yield "Times are of numbers unpacked to float32 beforehand: what is saved is memory, and wider costs time.\n"


def edit_part(results: Results) -> str:
    rows = []
    for name in WAYS:
        found = of(results, "edit", name)
        right, share, most = (mean([f[key] for f in found]) for key in ("right", "mean", "most"))
        rows.append([name, f"{right:.0%}", f"{share:.2%}", f"{max(most, *(f['most'] for f in found)):.2%}"])
    sizes = results["sizes"]
    title = f"{sizes['edit_width']:,} keys, {sizes['edit_facts']:,} facts"
    return grid([title, "new object recalled", "other answers changed, mean", "most"], rows)


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def about(results: Results) -> str:
    used, sizes = results["versions"], results["sizes"]
    took = sum(run["seconds"] for run in results["runs"].values()) / 60
    return (
        f"Measured {results['date']} by `python -m benchmarks.facts` in {took:.0f} minutes on {results['cpu']}, "
        f"{results['threads']} threads; likewise {used['likewise']}, torch {used['torch']}. Words are "
        f"{'GloVe vectors' if results['rows'] == 'GloVe' else 'random rows'}; {sizes['seeds']} seeds, ± one standard "
        f"deviation; {sizes['steps']} steps.\n"
    )


def parts(results: Results, stem: str) -> dict[str, str]:
    """What stands between the page's markers."""
    width = f"![Recall by facts a key, a line a width]({stem}_width.svg)\n"
    bits = f"![Recall by bytes, a line a way of storing]({stem}_bits.svg)\n"
    return {
        "width": "\n".join([width_part(results), width]),
        "metrics": metric_part(results),
        "bits": "\n".join([bits_part(results), bits]),
        "edits": edit_part(results),
        "about": about(results),
    }


def draw(path: Path, lines: dict[str, tuple[Sequence[float], Sequence[float]]], x: str, y: str) -> None:
    """Lines of points, the horizontal axis in powers of two."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams |= {"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 9}
    figure, ax = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    for (name, (across, up)), colour in zip(lines.items(), COLOURS, strict=False):
        ax.plot(across, up, "o-", color=colour, label=name, linewidth=1.4, markersize=4)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set(xlabel=x, ylabel=y, ylim=(0, None))
    ax.grid(color="#dddddd", linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def pictures(results: Results, page: Path) -> None:
    sizes = results["sizes"]
    recall = {
        f"{w:,} keys": (
            [n / w for n in sizes["facts"]],
            [100 * mean(of(results, f"width {w} facts {n}")) for n in sizes["facts"]],
        )
        for w in sizes["widths"]
    }
    draw(page.with_name(f"{page.stem}_width.svg"), recall, "facts a key", "recall, %")
    stored = {}
    for name in STORED:
        runs = [f"bits {budget} {name}" for budget in sizes["budgets"]]
        stored[name.replace(", as wide as the bytes allow", ", wide")] = (
            [of(results, run, "bytes")[0] / 1e3 for run in runs],
            [100 * mean(of(results, run)) for run in runs],
        )
    draw(page.with_name(f"{page.stem}_bits.svg"), stored, "kilobytes", "recall, %")


def write_page(results: Results, page: Path) -> None:
    text = between(page.read_text(encoding="utf-8"), parts(results, page.stem), page.name)
    page.write_text(text, encoding="utf-8")
    pictures(results, page)
    print(f"wrote {page} and two pictures beside it")


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.facts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="(2)")
    parser.add_argument("--fresh", action="store_true", help="measure what was measured already, too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: to see that it works")
    parser.add_argument("--json", type=Path, help="where the measurements are (docs/memory.json)")
    parser.add_argument("--page", type=Path, help="the page with the markers (docs/memory.md)")
    parser.add_argument("--from-json", action="store_true", help="measure nothing: write the page")
    chosen = parser.parse_args(given)
    if chosen.quick and not (chosen.json and chosen.page):
        parser.error("--quick wants --json and --page: it is not to be mistaken for a measurement")
    path, page = chosen.json or MEASURED, chosen.page or PAGE
    if chosen.from_json:
        results = json.loads(path.read_text(encoding="utf-8"))
    else:
        if not chosen.quick:
            pin(chosen.threads)
            hold_threads(chosen.threads)
        results = measure(QUICK if chosen.quick else Sizes(), path, chosen.fresh)
    write_page(results, page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
