"""What attention compares by, and how well a language model learns: the same transformer, one argument changed.

    python -m benchmarks.lm                     an hour on two cores; writes docs/language_model.json, .md and .svg
    python -m benchmarks.lm --seeds 1           a third of it: one seed of each metric
    python -m benchmarks.lm --from-json         measures nothing: writes the page's tables and plots

It may be stopped at any moment: the same command goes on where it was. A finished run stands in the JSON and is not
repeated; one that was cut off goes on from its checkpoint, which is kept in the folder of likewise's cache.

nanoGPT's recipe for the processor (its README: shakespeare_char, --device=cpu --block_size=64 --batch_size=12
--n_layer=4 --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0), with its split and step
size. Its README states a validation loss of 1.88, estimated from 20 batches; here it is the mean over all of the
validation text. Step times are compared with the same network on torch's own attention: written by hand, as nanoGPT is,
and with torch's layer.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environment import load, machine, pin, versions
from benchmarks.harness import Goal, quartiles
from benchmarks.report import digits, duration, goal_lines
from tools.generated import between, grid

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "language_model.md", ROOT / "docs" / "language_model.json"
PACKAGES = ("likewise", "python", "numpy", "torch")

#: What attention compares by. The first is what everybody uses; the others multiply their scores by a number that each
#: head learns, and "dot-learned" says what that does by itself.
METRICS = ("dot", "dot-learned", "cosine", "sqeuclidean", "euclidean", "manhattan", "rbf", "laplacian")
WRITTEN = {
    "dot": "q · k, fixed scale",
    "dot-learned": "q · k",
    "cosine": "q · k / |q| |k|",
    "sqeuclidean": "-|q - k|²",
    "euclidean": "-|q - k|",
    "manhattan": "-Σ |q - k|",
    "rbf": "exp(-γ |q - k|²)",
    "laplacian": "exp(-γ Σ |q - k|)",
}
COLOURS = ("#000000", "#999999", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7")  # Okabe and Ito
SEEDS = 3
STEPS, EVERY = 2000, 200
PEER = "torch's attention"  # its scaled_dot_product_attention, in a network written by hand
LAYER = "torch's layer"  # its nn.MultiheadAttention, in the same network
KNOWN = 1.88  # nanoGPT's README

QUICK = {"steps": 6, "every": 3, "warmup": 2, "batch": 4}
SMALL = {"context": 16, "layers": 1, "heads": 2, "width": 16}

Results = dict[str, Any]


# ---- runs


def text_of(quick: bool) -> str:
    """tinyshakespeare; a rhyme where it has to be quick."""
    if quick:
        return "Peter Piper picked a peck of pickled peppers.\n" * 30
    from benchmarks.data import need

    return need("tinyshakespeare/input.txt").read_text(encoding="utf-8")


def one_run(metric: str, seed: int, text: str, folder: Path, quick: bool) -> Results:
    """One model taught the text."""
    from likewise.nn import train

    checkpoint = folder / f"{metric}-{seed}{'-quick' if quick else ''}.lm"
    recipe: Any = QUICK if quick else {"steps": STEPS, "every": EVERY}
    made = train(
        (SMALL if quick else {}) | argument(metric),
        text,
        seed=seed,
        windows=None,
        checkpoint=checkpoint,
        progress=sys.stderr.isatty(),
        **recipe,
    )
    return {
        "metric": metric,
        "seed": seed,
        "steps": [record.step for record in made.records],
        "seconds": [record.seconds for record in made.records],
        "training": [record.loss for record in made.records],
        "validation": [record.validation for record in made.records],
        "scales": [scale_of(block.attention) for block in made.model.blocks],
        "parameters": made.model.parameters_count,
    }


def argument(metric: str) -> Results:
    """What is changed."""
    name, _, learned = metric.partition("-")
    return {"metric": name} | ({"scale": "learned"} if learned else {})


def scale_of(attention: Any) -> list[float]:
    import torch

    return [float(x) for x in torch.as_tensor(attention.scale).detach().reshape(-1)]


def checkpoints() -> Path:
    """Where runs that were cut off are kept."""
    from likewise.backends.llvm.jit import cache_folder

    folder = (cache_folder() or Path.home() / ".cache" / "likewise") / "lm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# ---- step times


def plain_model(symbols: int, sizes: Results) -> Any:
    """nanoGPT's network, from torch alone: its attention is torch's scaled_dot_product_attention."""
    import torch
    from torch import nn
    from torch.nn import functional

    width, heads, layers = sizes["width"], sizes["heads"], sizes["layers"]

    class SelfAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inward, self.outward = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)

        def forward(self, x: Any) -> Any:
            q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in self.inward(x).split(width, 2))
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.outward(y.transpose(1, 2).contiguous().flatten(2))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
            self.attention = SelfAttention()
            self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.one(x))
            return x + self.down(functional.gelu(self.up(self.two(x))))

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(symbols, width), nn.Embedding(sizes["context"], width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm = nn.LayerNorm(width, bias=False)
            for parameter in self.parameters():
                if parameter.ndim == 2:
                    nn.init.normal_(parameter, std=0.02)

        def logits(self, ids: Any) -> Any:
            x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
            return functional.linear(self.norm(self.blocks(x)), self.tokens.weight)

        def loss(self, logits: Any, targets: Any) -> Any:
            return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    return Plain()


def with_torch_layers(model: Any) -> Any:
    """The same model, its attention exchanged for torch's layer."""
    import torch
    from torch import nn

    class Layer(nn.Module):
        def __init__(self, heads: int, width: int, context: int) -> None:
            super().__init__()
            self.layer = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))

        def forward(self, x: torch.Tensor, **_: Any) -> Any:
            return self.layer(x, x, x, need_weights=False, attn_mask=self.mask, is_causal=True)[0]

    for block in model.blocks:
        block.attention = Layer(block.attention.num_heads, block.attention.embed_dim, model.context)
    return model


def step_times(text: str, quick: bool) -> Results:
    """Seconds of a step, models in turn: the same batches, the same optimiser."""
    import torch

    from likewise.nn import Transformer, Vocabulary
    from likewise.nn.training import Recipe, gather, optimiser_for, places, take_step

    vocabulary = Vocabulary.of(text)
    ids, recipe = vocabulary.encode(text), Recipe()
    sizes = SMALL if quick else {"context": 64, "layers": 4, "heads": 4, "width": 128}
    rounds, together = (3, 1) if quick else (15, 5)
    models: dict[str, Any] = {PEER: plain_model(len(vocabulary), sizes)}
    models[LAYER] = with_torch_layers(Transformer(vocabulary, seed=0, **sizes))
    models |= {metric: Transformer(vocabulary, seed=0, **argument(metric), **sizes) for metric in METRICS}
    optimisers = {name: optimiser_for(model, recipe) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(-1, rounds):  # the first is not timed: kernels are compiled
        batches = [
            gather(
                ids,
                places(recipe, together * turn + i + together, len(ids) - sizes["context"]),
                sizes["context"],
                torch.device("cpu"),
            )
            for i in range(together)
        ]
        for name, model in models.items():
            start = time.perf_counter()
            for x, y in batches:
                take_step(model, optimisers[name], recipe, 500, x, y)
            if turn >= 0:
                times[name].append((time.perf_counter() - start) / together)
    speed = {
        peer: list(quartiles([a / b for a, b in zip(times[peer], times["dot"], strict=True)])) for peer in (PEER, LAYER)
    }
    return {"times": {name: list(quartiles(all_)) for name, all_ in times.items()}, "speed": speed}


# ---- all of it


def measure(seeds: int, quick: bool, path: Path, only: Sequence[str] = ()) -> Results:
    """What is not in the JSON yet; it is written after each run."""
    results: Results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"runs": []}
    if results["runs"] and results["quick"] != quick:
        raise SystemExit(f"{path} holds {'quick' if results['quick'] else 'whole'} runs; name another file with --json")
    text, folder = text_of(quick), checkpoints()
    done = {(run["metric"], run["seed"]) for run in results["runs"]}
    about = {
        "command": "python -m benchmarks.lm",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "quick": quick,
        "machine": machine() | {"load_before": load()},
        "versions": {name: version for name, version in versions().items() if name in PACKAGES},
    }
    if "steps" not in results:
        results = about | {"steps": step_times(text, quick), "runs": results["runs"]}
        keep(path, results)
    for seed in range(seeds):
        for metric in only or METRICS:
            if (metric, seed) in done:
                continue
            made = one_run(metric, seed, text, folder, quick)
            results["runs"].append(made)
            keep(path, results)
            for left in folder.glob(f"{metric}-{seed}{'-quick' if quick else ''}.lm"):
                left.unlink()
            print(
                f"{metric}, seed {seed}: validation loss {made['validation'][-1]:.4f} in {made['seconds'][-1]:.0f} s",
                flush=True,
            )
    return results


def keep(path: Path, results: Results) -> None:
    """Write the JSON in one step."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)


# ---- the page


def of(results: Results, metric: str) -> list[Results]:
    return [run for run in results["runs"] if run["metric"] == metric]


def last(results: Results, metric: str) -> list[float]:
    """Validation losses at the end, one a seed."""
    return [run["validation"][-1] for run in of(results, metric)]


def spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else math.nan


def known(results: Results) -> list[str]:
    return [metric for metric in METRICS if of(results, metric)]


def table(results: Results) -> str:
    """Losses and times by metric."""
    times = results["steps"]["times"]
    best = min(known(results), key=lambda metric: statistics.mean(last(results, metric)))
    rows = []
    for metric in known(results):
        values = last(results, metric)
        mean = f"{statistics.mean(values):.3f}"
        rows.append(
            [
                metric,
                WRITTEN[metric],
                f"**{mean}**" if metric == best else mean,
                f"{spread(values):.3f}" if len(values) > 1 else "",
                f"{min(values):.3f} to {max(values):.3f}",
                f"{statistics.mean(run['training'][-1] for run in of(results, metric)):.3f}",
                f"{of(results, metric)[0]['parameters']:,}",
                duration(times[metric][1]),
                f"{digits(times[PEER][1] / times[metric][1])}×",
            ]
        )
    heads = ["metric", "score", "validation loss", "deviation", "seeds", "training", "parameters", "a step", "speed"]
    return grid(heads, rows, left=2)


def goals(results: Results) -> list[Goal]:
    """What was to be reached."""
    dot = statistics.mean(last(results, "dot"))
    return [
        Goal("dot's validation loss against nanoGPT's 1.88", dot / KNOWN, "times", 1.83 / KNOWN, 1.93 / KNOWN),
        *(
            Goal(
                f"a step of dot against the same network with {peer}", results["steps"]["speed"][peer][1], "times", 1.0
            )
            for peer in (PEER, LAYER)
        ),
    ]


def findings(results: Results) -> Iterator[str]:
    """Sentences that the figures bear out."""
    dot = last(results, "dot")
    names = [metric for metric in known(results) if metric != "dot"]
    error = {m: math.hypot(spread(last(results, m)), spread(dot)) / math.sqrt(len(dot)) for m in names}
    change = {m: statistics.mean(last(results, m)) - statistics.mean(dot) for m in names}
    parts = {"lower": [], "higher": [], "level": []}
    for m in names:
        clear = len(dot) > 1 and abs(change[m]) > 2 * error[m]
        parts["level" if not clear else "lower" if change[m] < 0 else "higher"].append(f"{m} ({change[m]:+.3f})")
    words = {
        "lower": "A lower loss than dot's, by more than two standard errors of the difference",
        "higher": "A higher one",
        "level": "Not to be told from dot",
    }
    said = [f"{words[kind]}: {', '.join(found)}." for kind, found in parts.items() if found]
    yield f"dot: {statistics.mean(dot):.3f} (nanoGPT states {KNOWN}). {' '.join(said)}\n"
    hand, layer = (results["steps"]["speed"][peer] for peer in (PEER, LAYER))
    yield (
        f"A step of dot takes {digits(1 / hand[1])} times that of a network written by hand on torch's "
        f"`scaled_dot_product_attention` (quartiles {digits(1 / hand[2])} to {digits(1 / hand[0])}), against which "
        f'"speed" is, and {digits(1 / layer[1])} times that of the same network with `torch.nn.MultiheadAttention` '
        f"({digits(1 / layer[2])} to {digits(1 / layer[0])}).\n"
    )


def about(results: Results) -> str:
    here, used = results["machine"], results["versions"]
    seeds = len({run["seed"] for run in results["runs"]})
    return (
        f"Measured {results['date']} by `{results['command']}` on {here['cpu']}, {here['cores_used']} cores; "
        f"{seeds} seed{'s' if seeds > 1 else ''}; likewise {used['likewise']}, torch {used['torch']}. Losses are nats "
        "a character over the whole validation text, deviation is that of one seed.\n"
    )


def parts(results: Results, picture: str) -> dict[str, str]:
    """What stands between the page's markers."""
    image = f"![Validation loss by step and by second of training, a line a metric]({picture})\n"
    return {"metrics": "\n".join([image, table(results), about(results), *findings(results)])}


def plot(results: Results, path: Path) -> None:
    """Validation loss by step and by second: the mean over seeds, a line a metric."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams |= {"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 9}
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for metric, colour in zip(METRICS, COLOURS, strict=True):
        runs = of(results, metric)
        if not runs:
            continue
        loss = [statistics.mean(values) for values in zip(*(run["validation"] for run in runs), strict=True)]
        second = results["steps"]["times"][metric][1]
        for ax, unit in zip(axes, (1.0, second), strict=True):
            ax.plot([unit * step for step in runs[0]["steps"]], loss, color=colour, label=metric, linewidth=1.4)
    for ax, name in zip(axes, ("step", "second of training"), strict=True):
        ax.set_xlabel(name)
        ax.grid(color="#dddddd", linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("validation loss, nats a character")
    axes[1].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def write_page(results: Results, page: Path) -> None:
    text = between(page.read_text(encoding="utf-8"), parts(results, page.with_suffix(".svg").name), page.name)
    page.write_text(text, encoding="utf-8")
    plot(results, page.with_suffix(".svg"))
    print(f"wrote {page} and {page.with_suffix('.svg').name}")


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lm", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of each metric ({SEEDS})")
    parser.add_argument("--metric", action="append", choices=METRICS, help="this one; repeatable (all)")
    parser.add_argument("--threads", type=int, default=2, help="(2)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: to see that it works")
    parser.add_argument("--json", type=Path, help="where the measurements are (docs/language_model.json)")
    parser.add_argument("--page", type=Path, help="the page with the markers (docs/language_model.md)")
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
        try:
            results = measure(chosen.seeds, chosen.quick, path, chosen.metric or ())
        except KeyboardInterrupt as stopped:
            print(f"\n{stopped}".replace("the same call", "the same command"), file=sys.stderr)
            return 130
    if not of(results, "dot"):
        print("the page waits for dot, which the others are compared with")
        return 0
    write_page(results, page)
    print("".join(goal_lines([goal.as_dict() for goal in goals(results)])).replace("**", ""), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
