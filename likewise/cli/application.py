"""The application: all commands, in the order in which ``likewise --help`` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

import likewise as lw
from likewise.cli import lm
from likewise.cli.explain import explain
from likewise.cli.machine import machine
from likewise.cli.recommend import recommend
from likewise.cli.report import report
from likewise.cli.search import search
from likewise.cli.translate import translate
from likewise.cli.verbs import metrics, pairwise, topk

app = typer.Typer(
    name="likewise",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Compare vectors any way you like: exact search and matrices under any metric, on files."""
    if version:
        print(f"likewise {lw.__version__}")
        raise typer.Exit


for command in (topk, pairwise, metrics, explain, machine, report, recommend, search, translate):
    app.command()(command)
app.add_typer(lm.app)
