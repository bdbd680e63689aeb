"""``likewise translate``: what people have translated before, found by meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table as Grid

from likewise import files
from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import AsTable, Jobs, Out
from likewise.errors import InputError


@guarded
def translate(
    sentences: Annotated[
        list[str],
        typer.Argument(
            metavar="SENTENCES...",
            help="What to translate; - for standard input, a sentence a line.",
            show_default=False,
        ),
    ],
    memory: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="SOURCES TARGETS",
            help="Two text files, line by line each other's translation; .gz too.",
            show_default=False,
        ),
    ] = None,
    load: Annotated[
        str | None, typer.Option(metavar="FILE", help="A memory that --save kept, in place of --memory.")
    ] = None,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Keep the memory, to be read in no time.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many translations of each sentence.")] = 3,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compare sentences by this sentence-transformers model, a name or a folder. Default: by their words.",
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of the files of --memory.")] = "utf-8",
    out: Out = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
) -> None:
    """Stored translations of the stored sentences nearest to each sentence, the best first.

    A score is the cosine of both sentences, fuzzy the share of words that need no edit.

    Example: likewise translate --memory train.en train.de "A man rides a bike."
    """
    from likewise.translate import TranslationMemory, read_lines

    if (memory is None) == (load is None):
        raise InputError("say where translations are: either --memory SOURCES TARGETS or --load FILE")
    if sentences.count("-") + (list(memory).count("-") if memory else 0) > 1:
        raise InputError("standard input can be read once; put the rest into files")
    if out is not None:
        files.check_writable(out, _HEADS)
    asked = [text for sentence in sentences for text in (read_lines("-") if sentence == "-" else [sentence])]
    encoder = _Lazy(model) if model is not None else None
    if load is not None:
        stored = TranslationMemory.load(load, encoder)
    else:
        assert memory is not None
        stored = TranslationMemory.read(*memory, encoder, encoding=encoding, n_jobs=n_jobs)
    if save is not None:
        stored.save(save)
    with show.progress() as progress:
        found = stored.translate(asked, k, n_jobs=n_jobs, progress=progress)
    if out is not None:
        files.write(out, _columns(asked, found))
    if table:
        show.tables(_tables(asked, found))
    elif out is None:
        show.lines(_objects(asked, found))


def _objects(asked: list[str], found: Any) -> Iterator[dict[str, Any]]:
    for sentence, matches in zip(asked, found, strict=True):
        shown = [{name: getattr(match, name) for name in _SHOWN} for match in matches]
        yield {"sentence": sentence, "translations": shown}


_SHOWN = ("translation", "score", "fuzzy", "source")
_HEADS = ["sentence", "rank", *_SHOWN]


def _columns(asked: list[str], found: Any) -> dict[str, Any]:
    """For a file: a row for each translation found."""
    rows = [
        [sentence, rank, *(getattr(match, name) for name in _SHOWN)]
        for sentence, matches in zip(asked, found, strict=True)
        for rank, match in enumerate(matches, 1)
    ]
    none = {"rank": np.int64, "score": np.float64, "fuzzy": np.float64}  # an empty list would not say what it is one of
    return {head: [row[at] for row in rows] or np.array([], none.get(head, str)) for at, head in enumerate(_HEADS)}


def _tables(asked: list[str], found: Any) -> Iterator[Grid]:
    for sentence, matches in zip(asked, found, strict=True):
        rows = [
            {
                "translation": match.translation,
                "translates": match.source,
                "score": f"{match.score:.3f}",
                "fuzzy": f"{match.fuzzy:.0%}",
            }
            for match in matches
        ]
        yield show.plain_table(rows or [{"translation": "nothing is like it"}], title=sentence)


class _Lazy:
    """A sentence-transformers model, loaded when it is first needed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: Any = None

    def encode(self, texts: list[str]) -> Any:
        """Rows of float32, of unit length."""
        if self._model is None:
            from likewise.text.embed import load_model

            self._model = load_model(self.name)
        return self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
