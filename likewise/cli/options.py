"""Arguments that several commands take, declared once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Out = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write into a file in place of JSON lines; its extension is the format."),
]
AsTable = Annotated[bool, typer.Option("--table", help="A table for people in place of JSON lines.")]
Jobs = Annotated[int | None, typer.Option("--n-jobs", metavar="N", help="Threads. Default: every core.")]
Memory = Annotated[str | None, typer.Option("--memory-limit", metavar="SIZE", help="Working memory, as in 2GB.")]
OnBad = Annotated[Literal["raise", "skip"], typer.Option(help="Rows with NaN or infinities: an error, or left out.")]
Nearest = Annotated[int, typer.Option("-k", min=1, help="How many neighbours of each query.")]


def memory_size(text: str | None) -> int | str | None:
    """``--memory-limit`` as the verbs take it."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else text
