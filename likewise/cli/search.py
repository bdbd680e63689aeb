"""``likewise search``: documents by meaning, by words, or by both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.table import Table as Grid

from likewise import files, text
from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import AsTable, Jobs, Out
from likewise.errors import InputError
from likewise.files.archive import kind_of_archive

_HEADS = ["query", "rank", "id", "score", "title", "text"]
_SHOWN = 300  # characters of a passage in a table


@guarded
def search(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="Documents: a folder of .txt and .md files, or a table (.jsonl, .csv, .parquet...), also .gz or in a "
            ".zip; or an index that --index wrote.",
            show_default=False,
        ),
    ],
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY...", help="What to look for; - for a query a line of standard input.", show_default=False
        ),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many documents of each query.")] = 10,
    mode: Annotated[
        Literal["semantic", "lexical", "fusion"] | None,
        typer.Option(help="By meaning, by words, or both. Default: both with --model, else by words."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A sentence-transformers model, by name or folder, to search by meaning."),
    ] = None,
    lexical: Annotated[
        Literal["bm25", "tfidf"] | None, typer.Option(help="How words are compared. Default: bm25.")
    ] = None,
    stem: Annotated[
        str | None,
        typer.Option(metavar="LANGUAGE", help="Compare stems of words, as in english (needs PyStemmer)."),
    ] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that names documents.")] = None,
    title: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of titles.")] = None,
    body: Annotated[
        str | None, typer.Option("--text", metavar="COLUMNS", help="The column of the text, or several: a,b.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Of text files. Default: UTF-8.")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these documents. Repeatable.")] = None,
    index: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Keep the index here, and use it the next time, if it is newer than CORPUS and was made with the "
            "options that are given; vectors go into the folder FILE.vectors as they are made.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which sentence of each passage is nearest in meaning.")
    ] = False,
    out: Out = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
) -> None:
    """The documents that answer a query, the best passage of each.

    Example: likewise search papers.jsonl "does aspirin prevent strokes" -k 3 --table
    """
    if corpus == "-" and "-" in queries:
        raise InputError("standard input can be read once; put the documents or the queries into a file")
    if out is not None:
        files.check_writable(out, _HEADS)
    asked = _asked(queries)
    with show.progress() as progress:
        options = {"model": model, "lexical": lexical, "stem": stem, "id": id, "title": title, "text": body}
        ready = _index(corpus, index, options | {"encoding": encoding}, progress)
        found = ready.search(asked, k, mode=mode, where=_ids(ready, where), explain=explain, n_jobs=n_jobs)
    if out is not None:
        files.write(out, _columns(found))
    if table:
        show.tables(_tables(found))
    elif out is None:
        show.lines(_objects(found))


def _asked(queries: list[str]) -> list[str]:
    if "-" not in queries:
        return queries
    if len(queries) > 1:
        raise InputError("- stands for all queries, from standard input; give no others beside it")
    lines = [line.strip() for line in sys.stdin.read().removeprefix("\ufeff").splitlines()]
    if not any(lines):
        raise InputError("standard input holds no queries; one a line is wanted")
    return [line for line in lines if line]


def _index(corpus: str, index: str | None, options: dict[str, Any], progress: Any) -> text.Index:
    """The index that was kept, where it serves, or a new one."""
    if corpus.endswith(".likewise") or _is_archive(corpus):
        kept = text.Index.load(corpus, options["model"])
        for name, value in options.items():
            if value is not None and name != "model":
                raise InputError(f"--{name} is settled when an index is made, and {corpus} is one already")
        return kept
    given = {"corpus": corpus} | {name: value for name, value in options.items() if value is not None}
    if index is not None and _fresh(Path(index), Path(corpus.partition(".zip:")[0])):
        kept = text.Index.load(index)
        if kept.note == kept.note | given:
            return kept
    body = options["text"].split(",") if options["text"] is not None else None
    documents = text.read_documents(
        corpus, id=options["id"], title=options["title"], text=body, encoding=options["encoding"]
    )
    stem = options["stem"]
    words = text.TfIdf(stem=stem) if options["lexical"] == "tfidf" else text.Bm25(stem=stem)
    store = None if index is None else f"{index}.vectors"
    made = text.Index(documents, options["model"], lexical=words, store=store, progress=progress)
    made.note = given
    if index is not None:
        made.save(index)
    return made


def _is_archive(corpus: str) -> bool:
    """Whether it is a file that the library wrote: an index, or, which loading then says, something else."""
    if corpus == "-" or not Path(corpus).is_file():
        return False
    try:
        kind_of_archive(corpus)
    except InputError:
        return False
    return True


def _fresh(index: Path, corpus: Path) -> bool:
    """Whether an index is there and newer than all of its corpus."""
    if not index.exists() or not corpus.exists():
        return False
    files = corpus.rglob("*") if corpus.is_dir() else [corpus]
    return all(path.stat().st_mtime < index.stat().st_mtime for path in [corpus, *files])


def _ids(index: text.Index, where: list[str] | None) -> list[Any] | None:
    """Ids as the documents have them: numbers, where these are numbers."""
    if not where:
        return None
    known = {str(name): name for name in index.documents.ids}
    return [known.get(name, name) for name in where]


def _objects(found: text.Hits) -> Iterator[dict[str, Any]]:
    for query, hits in zip(found.queries, found, strict=True):
        yield {"query": query, "mode": found.mode, "hits": [_object(hit) for hit in hits]}


def _object(hit: text.Hit) -> dict[str, Any]:
    plain = hit._asdict() | {"words": [{"word": word, "amount": amount} for word, amount in hit.words]}
    return {key: value for key, value in plain.items() if value not in (None, "", [])}


def _columns(found: text.Hits) -> dict[str, Any]:
    """For a file: a row for each document found."""
    rows = [
        [query, rank, hit.id, hit.score, hit.title, hit.text]
        for query, hits in zip(found.queries, found, strict=True)
        for rank, hit in enumerate(hits, 1)
    ]
    none = {"rank": np.int64, "score": np.float64}  # an empty list would not say what it is one of
    return {head: [row[at] for row in rows] or np.array([], none.get(head, str)) for at, head in enumerate(_HEADS)}


def _tables(found: text.Hits) -> Iterator[Grid]:
    for query, hits in zip(found.queries, found, strict=True):
        rows = [
            {
                "rank": rank,
                "id": hit.id,
                "score": f"{hit.score:.4g}",
                "passage": "\n".join(part for part in (hit.title, _shown(hit)) if part),
                "words": " ".join(word for word, _ in hit.words[:8]),
            }
            for rank, hit in enumerate(hits, 1)
        ]
        yield show.plain_table(rows or [{"found": "nothing"}], title=query)


def _shown(hit: text.Hit) -> str:
    """The nearest sentence, where it was looked for, or as much of the passage as a table has room for."""
    passage = " ".join((hit.sentence or hit.text).split())
    return passage if len(passage) <= _SHOWN else passage[:_SHOWN].rsplit(" ", 1)[0] + " ..."
