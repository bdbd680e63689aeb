"""``likewise lm``: a small language model taught a text, and what it writes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import AsTable, Closer, Combine, Finish, Formula, MetricName, chosen_metric
from likewise.errors import InputError
from likewise.files.source import decoded, open_source
from likewise.formula.metrics import ALIASES

app = typer.Typer(
    name="lm",
    no_args_is_help=True,
    add_completion=False,
    help="A small language model that compares by any metric: teach it a text, and let it write.",
)

Threads = Annotated[int | None, typer.Option("--n-jobs", min=1, metavar="N", help="Threads. Default: every core.")]


@app.command()
@guarded
def train(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...", help="Text files, read one after the other; - for standard input.", show_default=False
        ),
    ],
    out: Annotated[str, typer.Option(metavar="FILE", help="The model, and all it takes to go on.")] = "model.lm",
    metric: MetricName = None,
    formula: Formula = None,
    combine: Combine = None,
    closer: Closer = None,
    finish: Finish = None,
    steps: Annotated[int, typer.Option(min=1, help="How many batches.")] = 2000,
    batch: Annotated[int, typer.Option(min=1, help="Windows of text in each.")] = 12,
    context: Annotated[int, typer.Option(min=1, help="The most characters that the model looks back on.")] = 64,
    layers: Annotated[int, typer.Option(min=1, help="Blocks of attention and feedforward.")] = 4,
    heads: Annotated[int, typer.Option(min=1, help="Attentions side by side in each; they share the width.")] = 4,
    width: Annotated[int, typer.Option(min=1, help="Numbers that stand for a character.")] = 128,
    feedforward: Annotated[
        Literal["dense", "memory", "experts"], typer.Option(help="What follows attention in each block.")
    ] = "dense",
    dropout: Annotated[float, typer.Option(metavar="SHARE", help="Of numbers left out in training.")] = 0.0,
    lr: Annotated[float, typer.Option("--lr", metavar="SIZE", help="The largest step size.")] = 1e-3,
    validation: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the text, its end, kept apart to measure on; 0: none.")
    ] = 0.1,
    every: Annotated[int, typer.Option(metavar="STEPS", min=1, help="From one measurement to the next.")] = 250,
    as_bytes: Annotated[
        bool,
        typer.Option("--bytes", help="Symbols are bytes, which write any text, in place of characters."),
    ] = False,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Of the texts. Default: UTF-8.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    table: AsTable = False,
    n_jobs: Threads = None,
) -> None:
    """Teach a new model a text. The same command again goes on where it was stopped.

    A line of JSON each time the model is measured: losses in nats a symbol, of the text trained on and of the text kept
    apart, and the seconds of training.

    Attention compares by --metric, dot products if it is not given, or by --formula.

    Example: likewise lm train shakespeare.txt --metric manhattan --out shakespeare.lm
    """
    import likewise.nn as nn

    known = _compared_by(metric, formula, combine, closer, finish)
    text = read_texts(texts, encoding)
    _threads(n_jobs)
    vocabulary = nn.Vocabulary() if as_bytes else nn.Vocabulary.of(text)
    model = nn.Transformer(
        vocabulary,
        context=context,
        layers=layers,
        heads=heads,
        width=width,
        metric=known,
        feedforward=feedforward,
        dropout=dropout,
        seed=seed,
    )
    measured: list[Any] = []

    def report(record: Any) -> None:
        measured.append(record)
        if not table:
            _line(record)

    try:
        made = nn.train(
            model,
            text,
            steps=steps,
            batch=batch,
            lr=lr,
            warmup=min(100, steps // 10),
            validation=validation,
            every=every,
            seed=seed,
            checkpoint=out,
            report=report,
            progress=sys.stderr.isatty(),
        )
    except KeyboardInterrupt as stopped:
        if str(stopped):
            typer.echo(f"\n{str(stopped).replace('the same call', 'the same command')}", err=True)
        raise
    if not measured:
        typer.echo(f"{out} has all of its {steps:,} steps: nothing was left to do", err=True)
    if table:
        show.tables([show.plain_table([_row(record) for record in made.records], title=out)])


@app.command()
@guarded
def sample(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="What likewise lm train wrote.", show_default=False)],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What the text begins with.")] = "",
    length: Annotated[int, typer.Option(min=0, metavar="N", help="How many characters to write.")] = 500,
    temperature: Annotated[
        float, typer.Option(metavar="T", help="Below 1, the likely becomes likelier; 0: the likeliest always.")
    ] = 0.8,
    top_k: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Choose from the K likeliest only. Default: from all.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed writes the same text. Default: another each time.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON in place of the text as it comes.")] = False,
    n_jobs: Threads = None,
) -> None:
    """Let a model write, character by character.

    Example: likewise lm sample shakespeare.lm --prompt "ROMEO:" --length 300
    """
    import likewise.nn as nn

    made = nn.Transformer.load(model)
    if made.vocabulary is None:
        raise InputError(f"{model} has no vocabulary: its symbols are numbers, which likewise.nn writes")
    _threads(n_jobs)
    new = made.stream(prompt, length, temperature=temperature, top_k=top_k, seed=seed)
    pieces = made.vocabulary.decode_each(symbol.cpu().numpy() for symbol in new)
    if as_json:
        show.lines([{"prompt": prompt, "text": "".join(pieces), "seed": seed}])
        return
    plain = not sys.stdout.isatty()
    for piece in (prompt, *pieces) if plain else _flushed(prompt, pieces):
        sys.stdout.write(piece if plain else _printable(piece))
    sys.stdout.write("\n")


def _flushed(prompt: str, pieces: Any) -> Any:
    """The pieces, each shown before the next is made."""
    yield prompt
    for piece in pieces:
        yield piece
        sys.stdout.flush()


def _printable(text: str) -> str:
    """The text without what would steer a terminal, but for tabs."""
    return "\t".join(map(show.printable, text.split("\t")))


def read_texts(paths: Sequence[str], encoding: str | None = None) -> str:
    """Text files one after the other, each ending a line; line ends are turned into one character."""
    if paths.count("-") > 1:
        raise InputError("standard input can be read once; put the rest into files")
    texts = []
    for path in paths:
        source = open_source(path, "characters")
        text = decoded(source.name, bytes(source.data), encoding)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\0" in text:
            raise InputError(f"{source.name} is no text: it has characters of number 0; name its encoding if it is")
        texts.append(text)
    return "".join(text if text.endswith("\n") or len(texts) == 1 else text + "\n" for text in texts)


def _compared_by(name: str | None, formula: str | None, *how: str | None) -> Any:
    """What the model's ``metric=`` is: a plain name stays one, and is what a checkpoint says."""
    if formula is None and not any(how):
        name = name or "dot"
        if ALIASES.get(name, name) == "mahalanobis":
            return "mahalanobis"  # of a matrix that is learned
    found = chosen_metric(name, formula, *how)
    return name if formula is None and name and "(" not in name else found


def _threads(count: int | None) -> None:
    if count is not None:
        import torch

        torch.set_num_threads(count)


def _line(record: Any) -> None:
    show.lines([asdict(record)])
    sys.stdout.flush()


def _row(record: Any) -> dict[str, Any]:
    kept = "" if record.validation is None else f"{record.validation:.4f}"
    return {
        "step": f"{record.step:,}",
        "loss": f"{record.loss:.4f}",
        "validation": kept,
        "seconds": f"{record.seconds:.0f}",
    }
