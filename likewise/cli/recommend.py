"""``likewise recommend``: what somebody may like next, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import typer

from likewise import files
from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import AsTable, Jobs, Memory, Out, memory_size
from likewise.errors import InputError
from likewise.recommend import Attributes, Interactions, Recommender, lookup

_HEADS = ["for", "rank", "item", "title", "score", "why"]


@guarded
def recommend(
    interactions: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Who took what: a table with columns for user and item, and perhaps rating and time; .csv, .jsonl, "
            ".parquet, .arrow or .feather.",
            show_default=False,
        ),
    ],
    items: Annotated[
        str | None, typer.Option(metavar="FILE", help="What the items are: a table with their ids, titles, and more.")
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Recommend for this user of the interactions. Repeatable.")
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TITLE",
            help="Recommend for somebody who likes this item: its title, or as much of it as no other has, or its id. "
            "Repeatable: all of them are one person's.",
        ),
    ] = None,
    model: Annotated[
        Literal["ease", "neighbours", "factors", "taste", "popular"],
        typer.Option(help="From who took what: ease, neighbours, factors; from what items are: taste."),
    ] = "ease",
    k: Annotated[int, typer.Option("-k", min=1, help="How many recommendations for each.")] = 10,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Only items of which this is true, as in 'genres=Comedy' or 'year>=1990'. Repeatable: all have to be.",
        ),
    ] = None,
    diversify: Annotated[
        float, typer.Option(metavar="SHARE", help="0: by score alone; towards 1: items less and less like each other.")
    ] = 0.0,
    why: Annotated[int, typer.Option(metavar="N", min=0, help="How many reasons to give for each.")] = 3,
    seen: Annotated[bool, typer.Option("--seen", help="Recommend what the user took already, too.")] = False,
    user_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the interactions. Default: the usual names.")
    ] = None,
    item_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the interactions. Default: the usual names.")
    ] = None,
    value_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the interactions: ratings or counts.")
    ] = None,
    time_column: Annotated[str | None, typer.Option(metavar="NAME", help="Of the interactions.")] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Of the items: their ids.")] = None,
    title: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of the items: their titles.")] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Of text files. Default: UTF-8.")] = None,
    out: Out = None,
    table: AsTable = False,
    n_jobs: Jobs = None,
    memory_limit: Memory = None,
) -> None:
    """What somebody may like next, and why: an object for each user, the best first.

    Reasons are what a score is made of: items that were taken before or, of --model taste, attributes.

    Example: likewise recommend --interactions ratings.csv --items movies.csv --like "Heat (1995)" --like Alien --table
    """
    if bool(user) == bool(like):
        raise InputError("say for whom: either --user ID or --like TITLE, each as often as you like")
    if interactions == items == "-":
        raise InputError("--interactions and --items cannot both be standard input; put one of them into a file")
    if out is not None:
        files.check_writable(out, _HEADS)
    taken = Interactions.read(
        interactions, user=user_column, item=item_column, value=value_column, time=time_column, encoding=encoding
    )
    if where and items is None:
        raise InputError("--where is a condition on a column of --items, which was not given")
    known = _items_of(items, taken, id, title, encoding)
    admitted = lookup.where(known, where) if where else None
    asked: Any = [[lookup.find(known, text) for text in like]] if like else [_user(taken, text) for text in user or ()]
    with show.progress() as progress:
        fitted = _made(model, items is not None).fit(taken, items=known, n_jobs=n_jobs, progress=progress)
        found = fitted.recommend(
            asked,
            k,
            exclude_seen=not seen,
            where=admitted,
            diversify=diversify,
            n_jobs=n_jobs,
            memory_limit=memory_size(memory_limit),
        )
    lists = [
        _List(whom, dict(zip(row, scores, strict=True)), _reasons(fitted, whom, row, why, known), known)
        for whom, row, scores in zip(asked, found.items.tolist(), found.scores.tolist(), strict=True)
    ]
    if out is not None:
        files.write(out, _columns(lists))
    if table:
        for one in lists:
            show.tables(one.grids(), heading=one.heading)
    elif out is None:
        show.lines(one.object() for one in lists)


@dataclass(frozen=True)
class _List:
    """What one person is recommended."""

    whom: Any  # a user's id, or the ids of what somebody likes
    scores: Mapping[Any, float]
    reasons: Mapping[Any, list[tuple[Any, float]]]
    known: Attributes

    @property
    def titled(self) -> bool:
        return self.known.titles is not None

    @property
    def heading(self) -> str:
        return f"for {self._name}"

    @property
    def _name(self) -> str:
        return ", ".join(map(self.known.title_of, self.whom)) if isinstance(self.whom, list) else str(self.whom)

    def _best(self) -> Iterator[tuple[Any, float]]:
        return ((item, score) for item, score in self.scores.items() if item is not None)

    def object(self) -> dict[str, Any]:
        """For a line of JSON."""
        who = {"like": [self._item(one) for one in self.whom]} if isinstance(self.whom, list) else {"user": self.whom}
        rows = []
        for item, score in self._best():
            why = [{"because": name, "amount": amount} for name, amount in self.reasons.get(item, [])]
            rows.append(self._item(item) | {"score": score} | ({"why": why} if why else {}))
        return who | {"recommendations": rows}

    def _item(self, item: Any) -> dict[str, Any]:
        return {"item": item} | ({"title": self.known.title_of(item)} if self.titled else {})

    def rows(self) -> Iterator[dict[str, Any]]:
        """For a file."""
        for rank, (item, score) in enumerate(self._best(), 1):
            why = "; ".join(f"{name} {amount:+.3g}" for name, amount in self.reasons.get(item, []))
            yield dict(zip(_HEADS, [self._name, rank, item, self.known.title_of(item), score, why], strict=True))

    def grids(self) -> list[Any]:
        """For people."""
        left = {"for", "item"} if self.titled else {"for", "title"}
        rows = [{k: v for k, v in row.items() if k not in left} for row in self.rows()]
        return [show.plain_table([row | {"score": f"{row['score']:.4g}"} for row in rows])] if rows else []


def _columns(lists: Sequence[_List]) -> dict[str, Any]:
    rows = [row for one in lists for row in one.rows()]
    text = {"for", "title", "why"}
    return {
        head: [row[head] for row in rows]
        or np.array([], str if head in text else np.int64 if head == "rank" else np.float64)
        for head in _HEADS
    }


def _items_of(
    source: str | None, taken: Interactions, id: str | None, title: str | None, encoding: str | None
) -> Attributes:
    """The table of items; without one, items that have ids alone."""
    if source is None:
        for option, value in (("--id", id), ("--title", title)):
            if value is not None:
                raise InputError(f"{option} belongs to --items, which was not given")
        return Attributes(taken.items, np.zeros((len(taken.items), 0), np.float32), [], source="the interactions")
    return Attributes.read(source, id=id, title=title, encoding=encoding)


def _made(name: str, described: bool) -> Recommender:
    import likewise.recommend as models

    if name == "taste" and not described:
        raise InputError("--model taste compares what items are: give their table with --items FILE")
    kinds: dict[str, Callable[[], Recommender]] = {
        "ease": models.Ease,
        "neighbours": models.Neighbours,
        "factors": models.Factors,
        "taste": models.Taste,
        "popular": models.Popular,
    }
    return kinds[name]()


def _user(taken: Interactions, text: str) -> Any:
    """A user's id, as the interactions have it."""
    if taken.user_ids.text:
        return text
    try:
        return int(text)
    except ValueError:
        raise InputError(f"user {text!r} is not known: users here are whole numbers, as {taken.users[0]}") from None


def _reasons(
    model: Recommender, whom: Any, items: Sequence[Any], most: int, known: Attributes
) -> dict[Any, list[tuple[Any, float]]]:
    """The largest parts of each score, by title; by id, where items have none."""
    out: dict[Any, list[tuple[Any, float]]] = {}
    ids = set(known.ids.tolist())
    for item in items:
        if item is None or not most:
            continue
        why = model.explain(whom, item)
        parts = zip(why.names[:most], why.amounts[:most].tolist(), strict=True)
        out[item] = [(_reason(name, ids, known), amount) for name, amount in parts]
    return out


def _reason(name: Any, ids: set[Any], known: Attributes) -> Any:
    if name not in ids:
        return str(name)  # an attribute, or "popularity"
    return name if known.titles is None else known.title_of(name)
