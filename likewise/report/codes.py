"""How small the vectors can be stored before neighbours are lost."""

from __future__ import annotations

from typing import Any

from likewise import geometry
from likewise.errors import InputError
from likewise.geometry import PrecisionRow
from likewise.report import thresholds
from likewise.report.asked import Asked
from likewise.report.drawing import COLOURS, DASHES, INK, MARKS, Plot
from likewise.report.finding import Finding, drawn, number, percent, ranged

#: What is tried, the simplest first, and what the dimensions that are kept are then called.
_WAYS = {"truncated": "leading", "rotated": "rotated", "projected": "projected"}


def precision(asked: Asked) -> Finding:
    """The smallest code that loses hardly a neighbour."""
    if asked.all_listed:
        raise InputError(
            f"of {asked.space.n:,} rows each has all others among its {asked.k:,} nearest, so that no code could lose "
            "one; a smaller k tells"
        )
    found = geometry.precision(asked.space, k=asked.k, ways=tuple(_WAYS))
    now = asked.space.d * asked.space.rows.dtype.itemsize
    keeps = 1 - thresholds.SMALL_LOSS.value
    alone, settled = _smallest(found, keeps, False), _smallest(found, keeps, True)
    alone = alone if alone is not None and alone.bytes < now else None
    settled = settled if settled is not None and settled.bytes < now else None
    figures = {"bytes a vector now": f"{now:,}"}
    what = f"recall@{found.k}"
    verdict = f"No smaller code keeps the neighbours: every one tried loses over {percent(1 - keeps)} of {what}."
    action, code = "Keep the vectors as they are.", ""
    if settled is not None and alone is None:
        verdict = (
            f"No smaller code keeps the neighbours by itself; {_lost(settled, found.d, settled.settled, what)} once "
            f"re-ranked: {number(now / settled.bytes, 2)} times less memory."
        )
    if alone is not None:
        verdict = f"{_lost(alone, found.d, alone.recall, what)}: {number(now / alone.bytes, 2)} times less memory."
        figures |= {"smallest code": f"{alone.bytes:,} bytes", what: ranged(alone.recall, percent)}
        action = f"Store {_named(alone, found.d)}: {alone.bytes:,} bytes in place of {now:,}."
        code = _code(alone, found)
    if settled is not None:
        figures |= {
            "with re-ranking": f"{settled.bytes:,} bytes",
            f"{what}, re-ranked": ranged(settled.settled, percent),
        }
        several = f"the {found.candidates} best by codes"
        action += (
            f" If the vectors stay on a disk to re-rank {several}, {_named(settled, found.d)} are enough: "
            f"{settled.bytes:,} bytes "
            f"lose {percent(1 - settled.settled.value)}."
        )
    meaning = (
        f"Vectors were coded in every way that fits a budget, and the {found.k} nearest looked for among the codes of "
        f"{found.items:,} rows. Recall is the share that is found of the {found.k} that the vectors themselves give by "
        f"{found.metric}. Re-ranked, the {found.candidates} best by codes are put in order by the vectors themselves."
    )
    if found.left_out:
        meaning += " Not tried: " + "; ".join(f"{way} ({why})" for way, why in found.left_out.items()) + "."
    heads = ("bytes", "best code alone", what, "best code, re-ranked", f"{what}, re-ranked")
    return Finding(
        "precision",
        "How small can the vectors be stored?",
        verdict,
        "note" if alone is not None or settled is not None else "good",
        figures,
        meaning,
        action,
        code,
        drawn(*(row.recall for row in found.rows[:1]), of="rows"),
        _curves(found, alone),
        heads,
        tuple(_line(group) for group in _budgets(found)),
        found.as_dict(),
    )


def _smallest(found: geometry.Precision, keeps: float, settled: bool) -> PrecisionRow | None:
    """The fewest bytes that keep so much; of those that do, the simplest to make."""
    least = found.smallest_with(keeps, settled=settled)
    if least is None:
        return None
    rows = (row for row in found.rows if row.bytes == least.bytes)
    return min(
        (row for row in rows if (row.settled if settled else row.recall).value >= keeps),
        key=lambda row: ([*_WAYS].index(row.way), -row.d),
    )


def _lost(row: PrecisionRow, d: int, recall: geometry.Estimate, what: str) -> str:
    """``8-bit codes of 128 rotated dimensions lose 0.2% recall@10``."""
    return f"{_named(row, d)} lose {percent(1 - recall.value)} {what}"


def _named(row: PrecisionRow, d: int) -> str:
    """``8-bit codes of 128 rotated dimensions``, ``1-bit codes of all 64 dimensions``."""
    kept = f"all {d:,}" if row.d == d and row.way == "truncated" else f"{row.d:,} {_WAYS[row.way]}"
    if row.d == 1:
        return f"{row.bits}-bit codes of {'the only' if d == 1 else f'one {_WAYS[row.way]}'} dimension"
    return f"{row.bits}-bit codes of {kept} dimensions"


def _budgets(found: geometry.Precision) -> list[list[PrecisionRow]]:
    """The rows by budget, the largest first; what is within a fifth of a budget belongs to it: 48 bytes to 49."""
    groups: list[list[PrecisionRow]] = []
    for row in sorted(found.rows, key=lambda row: -row.bytes):
        if groups and row.bytes > 0.8 * groups[-1][0].bytes:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _line(group: list[PrecisionRow]) -> tuple[str, ...]:
    """The best codes of a budget, alone and settled."""
    alone = max(group, key=lambda row: row.recall.value)
    settled = max(group, key=lambda row: row.settled.value)
    size = f"{group[0].bytes:,}"
    return (size, _short(alone), percent(alone.recall.value), _short(settled), percent(settled.settled.value))


def _short(row: PrecisionRow) -> str:
    return f"{row.bits} bit x {row.d:,} {row.way}"


def _code(row: PrecisionRow, found: geometry.Precision) -> str:
    """What makes such codes, as far as it is a line."""
    centre = ", center=True" if found.metric in ("euclidean", "sqeuclidean") else ""
    turned = {
        "rotated": f"items = lw.transforms.Rotate(rank={row.d}{centre}).fit_transform(items)",
        "projected": f"items = lw.transforms.RandomProjection({row.d}, kind='orthogonal').fit_transform(items)",
        "truncated": "" if row.d == found.d else f"items = items[:, :{row.d}]",
    }[row.way]
    several = {8: "one", 4: "two", 2: "four"}.get(row.bits, "")
    coded = {
        1: "items = lw.transforms.Binarize(threshold='median').fit_transform(items)",
        16: "items = items.astype(np.float16)  # up to 65,504: divide larger ones first",
        32: "items = items.astype(np.float32)",
    }.get(row.bits, _LEVELS.format(levels=2**row.bits - 1, several=several))
    return f"{turned}\n{coded}".strip()


#: Codes from end to end of each column; what was measured also cuts outliers off where that errs less.
_LEVELS = """low = items.min(axis=0).astype(np.float32)
step = np.maximum(items.max(axis=0) - low, 1e-30) / {levels}
codes = np.rint((items - low) / step).astype(np.uint8)  # {several} a byte
items = low + step * codes  # decoded again, to be compared"""


def _curves(found: geometry.Precision, chosen: PrecisionRow | None) -> Plot:
    """The best recall of each way for so many bytes, and with settling."""
    groups = {group[0].bytes: group for group in reversed(_budgets(found))}
    ways = list(dict.fromkeys(row.way for row in found.rows))

    def best(way: str | None, settled: bool) -> tuple[list[int], list[float]]:
        points = {
            size: max((row.settled if settled else row.recall).value for row in group if way in (None, row.way))
            for size, group in groups.items()
            if any(way in (None, row.way) for row in group)
        }
        return list(points), [100 * value for value in points.values()]

    def draw(axes: Any) -> None:
        for way, colour, mark, dash in zip(ways, COLOURS, MARKS, DASHES, strict=False):
            axes.plot(*best(way, False), color=colour, marker=mark, linestyle=dash, linewidth=1.8, label=way)
        axes.plot(*best(None, True), color=INK, marker="x", linestyle=":", linewidth=1.2, label="best, re-ranked")
        if chosen is not None:
            axes.plot(chosen.bytes, 100 * chosen.recall.value, "o", markersize=14, fillstyle="none", color=INK)
            axes.annotate(
                "smallest that keeps\nthe neighbours",
                (chosen.bytes, 100 * chosen.recall.value),
                (0, -14),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=9,
            )
        axes.set(xscale="log", xlabel="bytes a vector", ylabel=f"recall@{found.k}, %", ylim=(0, 104))
        axes.set_xticks(list(groups), [f"{size:,}" for size in groups])
        axes.minorticks_off()
        axes.legend(loc="lower right")

    read = ", ".join(f"{size:,} bytes: {value:.0f}%" for size, value in zip(*best(None, False), strict=True))
    return Plot(draw, f"The best recall of codes alone, for so many bytes a vector. {read}.", 3.2)
