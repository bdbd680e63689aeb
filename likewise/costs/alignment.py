"""How two shapes align: axis under axis from the right, as NumPy, torch and all others have it.

An operation element by element broadcasts: axes are compared from the last to the first; equal sizes go together, and
an axis of one, or one that is not there, repeats. A matrix product sums over the last axis of x and the last but one of
y, which have to be equal; the axes before these two broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass

from likewise.errors import InputError

Shape = tuple[int, ...]
_LETTERS = "abcdefghlmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # of leading axes: i, j and k have their own meaning
_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/"}


@dataclass(frozen=True)
class Axis:
    """One column of the drawing: an axis of x, of y and of the result; None where it is not there."""

    head: str
    x: int | None
    y: int | None
    result: int | None

    @property
    def clashes(self) -> bool:
        """Whether the two sizes can neither go together nor repeat."""
        if self.x is None or self.y is None or self.x == self.y:
            return False
        return self.head == "summed" or 1 not in (self.x, self.y)


@dataclass(frozen=True)
class Alignment:
    """Two shapes under an operator, axis by axis."""

    op: str
    x: Shape
    y: Shape
    axes: tuple[Axis, ...]

    @property
    def ok(self) -> bool:
        """Whether no axis clashes."""
        return not any(axis.clashes for axis in self.axes)

    @property
    def result(self) -> Shape:
        """Of the result, where the shapes fit."""
        return tuple(axis.result for axis in self.axes if axis.result is not None)

    @property
    def lead(self) -> tuple[Axis, ...]:
        """The axes that broadcast."""
        return tuple(axis for axis in self.axes if axis.head not in ("rows", "summed", "columns"))

    def size(self, head: str) -> int:
        """Of the rows, columns or coordinates summed over; 1 where there is no such axis."""
        axis = next((axis for axis in self.axes if axis.head == head), None)
        if axis is None:
            return 1
        size = axis.x if axis.x is not None else axis.y
        return 1 if size is None else size

    def drawing(self) -> str:
        """The shapes under each other, and a mark under what clashes."""
        columns = [["", "x", "y", "result" if self.ok else ""]]
        for axis in self.axes:
            last = ("^" if axis.clashes else "") if not self.ok else _cell(axis.result)
            columns.append([axis.head, _cell(axis.x), _cell(axis.y), last])
        widths = [max(map(len, column)) for column in columns]
        lines = []
        for row in zip(*(columns if self.result or not self.ok else [column[:3] for column in columns]), strict=True):
            cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
            lines.append("   ".join(cells).rstrip())
        return "\n".join(lines)

    def clash(self) -> str:
        """Why the shapes do not fit, and what to try."""
        axis = next(axis for axis in self.axes if axis.clashes)
        if axis.head == "summed":
            hint = ""
            if len(self.x) > 1 and len(self.y) > 1 and self.x[-1] == self.y[-1]:
                hint = "; the last axes are equal: transpose y, as in x @ y.T"
            elif len(self.x) > 1 and len(self.y) > 1 and self.x[-2] == self.y[-2]:
                hint = "; the rows are as many: transpose x, as in x.T @ y"
            return (
                f"a row of x has {axis.x:,} coordinates and a column of y {axis.y:,}: they are multiplied one with one "
                f"and summed, so both need as many{hint}"
            )
        where = f"axis {axis.head}" if self.op != "@" else "a batch axis"
        return (
            f"{where} has {axis.x:,} in x and {axis.y:,} in y: sizes have to be equal, or one of them 1 to be repeated"
        )

    def repeats(self) -> list[str]:
        """What broadcasting repeats, a sentence for each operand."""
        said = []
        for name in "xy":
            found = [
                axis for axis in self.lead if axis.result not in (None, 1) and getattr(axis, name) in (None, 1)
            ]  # fmt: skip
            if found:
                parts = [f"{axis.result:,} times along {_along(axis, self.op)}" for axis in found]
                said.append(f"{name} is repeated {' and '.join(parts)}, without being copied")
        return said

    def element(self) -> str:
        """What is computed for one number of the result: with letters, then with numbers."""
        lead = self.lead
        letters = [_LETTERS[i] for i in range(len(lead))]
        if self.op in ("@", "."):
            return self._summed(letters)
        general = (
            f"result{_at(letters)} = x{_at(self._own('x', letters))} {_SIGNS[self.op]} y{_at(self._own('y', letters))}"
        )
        if 0 in self.result:
            return f"{general}\nthere is none: an axis has no elements"
        last = [str(size - 1) for size in self.result]
        worked = f"result{_at(last)} = x{_at(self._own('x', last))} {_SIGNS[self.op]} y{_at(self._own('y', last))}"
        return general if not lead else f"{general}\nthe last:  {worked}"

    def _own(self, name: str, index: list[str]) -> list[str]:
        """The index of an operand: no entry where it has no axis, 0 where its axis is repeated."""
        sizes = [(getattr(axis, name), axis.result) for axis in self.lead]
        return [
            "0" if size == 1 and result != 1 else at
            for (size, result), at in zip(sizes, index, strict=True)
            if size is not None
        ]

    def _summed(self, letters: list[str]) -> str:
        rows, columns, d = len(self.x) > 1, len(self.y) > 1, self.size("summed")

        def term(lead: list[str], i: str, k: str, j: str) -> str:
            x = self._own("x", lead) + ([i] if rows else []) + [k]
            y = self._own("y", lead) + [k] + ([j] if columns else [])
            return f"x{_at(x)} * y{_at(y)}"

        def place(lead: list[str], i: str, j: str) -> str:
            return f"result{_at(lead + ([i] if rows else []) + ([j] if columns else []))}"

        row = "row i of x" if rows else "x"
        column = "column j of y" if columns else "y"
        lines = [
            f"{place(letters, 'i', 'j')} = sum over k of {term(letters, 'i', 'k', 'j')}",
            f"{row} times {column}, one coordinate with one (the Hadamard product: {d:,} products), then their sum",
        ]
        if 0 not in self.result:
            zeros = ["0"] * len(letters)
            shown = range(d) if d <= 3 else (0, 1, d - 1)
            parts = [term(zeros, "0", str(k), "0") for k in shown]
            if d > 3:
                parts.insert(2, "...")
            lines.append(f"the first: {place(zeros, '0', '0')} = {' + '.join(parts) or '0, a sum of nothing'}")
        return "\n".join(lines)


def _cell(size: int | None) -> str:
    return "" if size is None else f"{size:,}"


def _at(index: list[str]) -> str:
    return f"[{', '.join(index)}]" if index else ""


def _along(axis: Axis, op: str) -> str:
    return "a batch axis" if op == "@" else f"axis {axis.head}"


def _broadcast(x: Shape, y: Shape, head: str = "") -> tuple[Axis, ...]:
    """Axes from the right; each is called by its number from the end, or all alike."""
    many = max(len(x), len(y))
    a, b = ((None,) * (many - len(shape)) + shape for shape in (x, y))
    made = []
    for place, (p, q) in enumerate(zip(a, b, strict=True)):
        sizes = [size for size in (p, q) if size is not None and size != 1]
        made.append(Axis(head or str(place - many), p, q, sizes[0] if sizes else 1))
    return tuple(made)


def align(x: Shape, op: str, y: Shape) -> Alignment:
    """The alignment of two shapes under "@", ".", "*", "/", "+" or "-"."""
    if op == ".":
        if len(x) != 1 or len(y) != 1:
            raise InputError(
                f"'.' is the dot product of two vectors, and these have {len(x)} and {len(y)} axes; "
                "write @ for matrices, as in [3,3,2] @ [2,4]"
            )
        return Alignment(op, x, y, (Axis("summed", x[0], y[0], None),))
    if op != "@":
        return Alignment(op, x, y, _broadcast(x, y))
    if not x or not y:
        raise InputError("@ multiplies vectors and matrices, and a number has no axes; write * for a product with it")
    axes = list(_broadcast(x[:-2], y[:-2], "batch"))
    if len(x) > 1:
        axes.append(Axis("rows", x[-2], None, x[-2]))
    axes.append(Axis("summed", x[-1], y[-2] if len(y) > 1 else y[-1], None))
    if len(y) > 1:
        axes.append(Axis("columns", None, y[-1], y[-1]))
    return Alignment(op, x, y, tuple(axes))
