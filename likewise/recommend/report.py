"""What an evaluation found, as numbers and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from likewise.errors import InputError
from likewise.recommend.measures import ACCURACY

Row = dict[str, Any]

#: What :class:`Report` has besides :data:`~likewise.recommend.measures.ACCURACY`.
OTHERS = ("coverage", "novelty", "diversity")
BASELINE = "Popular"
CHANCE = "(chance)"
ALL, COLD_ITEMS, COLD_USERS = "all", "cold items", "cold users"

_HEADS = {"hr": "HR", "recall": "recall", "precision": "precision", "ndcg": "NDCG", "map": "MAP", "mrr": "MRR"}


@dataclass(frozen=True)
class Report:
    """What :func:`~likewise.recommend.evaluate` found; printed, it is a table.

    Attributes
    ----------
    rows : list of dict
        A row for each model and group: ``model``, ``group``, ``users``, the means ``hr``, ``recall``, ``precision``,
        ``ndcg``, ``map`` and ``mrr``, each with ``_low`` and ``_high``, and ``coverage``, ``novelty`` (bits) and
        ``diversity``.
    differences : list of dict
        A row for each model, group and measure: its mean less that of ``Popular`` on the same users, ``difference``,
        ``low`` and ``high``; ``apart`` where 0 is not within.
    notes : list of str
        What groups are and how ties went.
    """

    split: str
    k: int
    level: float
    rows: list[Row]
    differences: list[Row] = field(repr=False)
    notes: list[str] = field(repr=False)

    def row(self, model: str, group: str = ALL) -> Row:
        """The row of one model."""
        for row in self.rows:
            if (row["model"], row["group"]) == (model, group):
                return row
        known = dict.fromkeys((row["model"], row["group"]) for row in self.rows)
        raise InputError(f"there is no row of {model!r} for {group!r}; there are {', '.join(map(str, known))}")

    def difference(self, model: str, measure: str = "ndcg", group: str = ALL) -> Row:
        """How far a model is from ``Popular``."""
        for row in self.differences:
            if (row["model"], row["group"], row["measure"]) == (model, group, measure):
                return row
        raise InputError(f"there is no difference of {model!r} in {measure!r} for {group!r}")

    def _parts(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """For each group: its title, the heads and the cells."""
        heads = ["model", f"NDCG@{self.k}", f"{self.level:.0%} interval", f"less {BASELINE}", "interval"]
        heads += [_HEADS[name] for name in ACCURACY if name != "ndcg"] + list(OTHERS)
        groups = dict.fromkeys(row["group"] for row in self.rows)
        for group in groups:
            cells = []
            rows = [row for row in self.rows if row["group"] == group]
            for row in rows:
                line = [
                    row["model"],
                    _number(row["ndcg"]),
                    f"{_number(row['ndcg_low'])} to {_number(row['ndcg_high'])}",
                ]
                if row["model"] == BASELINE:
                    line += ["", ""]
                else:
                    less = self.difference(row["model"], "ndcg", group)
                    line += [f"{less['difference']:+.4f}", f"{less['low']:+.4f} to {less['high']:+.4f}"]
                line += [_number(row[name]) for name in ACCURACY if name != "ndcg"]
                line += [f"{row['coverage']:.1%}", f"{row['novelty']:.2f}", f"{row['diversity']:.3f}"]
                cells.append([cell if "nan" not in cell else "" for cell in line])
            users = rows[0]["users"]
            yield f"{group}: {users:,} user{'s' * (users != 1)}", heads, cells

    def __str__(self) -> str:
        lines = [f"{self.split}; k = {self.k}"]
        for title, heads, cells in self._parts():
            table = [heads, *cells]
            widths = [max(len(row[j]) for row in table) for j in range(len(heads))]
            lines += ["", title]
            for row in table:
                first, *rest = (
                    cell.ljust(w) if j == 0 else cell.rjust(w)
                    for j, (cell, w) in enumerate(zip(row, widths, strict=True))
                )
                lines.append("  ".join([first, *rest]).rstrip())
        return "\n".join([*lines, "", *self.notes])

    def to_markdown(self) -> str:
        """The same as Markdown tables."""
        lines = [f"{self.split}; k = {self.k}."]
        for title, heads, cells in self._parts():
            lines += ["", f"**{title}**", "", "| " + " | ".join(heads) + " |"]
            lines.append("|" + "|".join(["---"] + ["---:"] * (len(heads) - 1)) + "|")
            lines += ["| " + " | ".join(row) + " |" for row in cells]
        return "\n".join([*lines, "", *(f"{note}  " for note in self.notes)]).rstrip() + "\n"


def _number(value: float) -> str:
    return f"{value:.4f}"
