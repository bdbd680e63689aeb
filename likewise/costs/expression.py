"""Two arrays and an operator between them: ``[3,3,2] @ [2,4]``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likewise.costs.alignment import Alignment, align
from likewise.costs.ceilings import Ceilings, ceilings
from likewise.costs.check import MOST_NUMBERS, read_choice, read_shape
from likewise.costs.result import Clash, Explanation, Operation, Run, Steps
from likewise.costs.run import draw
from likewise.costs.text import shape_text
from likewise.errors import ShapeError

#: What may stand between two arrays.
OPERATORS = {
    "@": "matrix product",
    ".": "dot product of two vectors",
    "*": "product element by element, the Hadamard product",
    "/": "quotient element by element",
    "+": "sum element by element",
    "-": "difference element by element",
}
_NUMPY: dict[str, Any] = {
    "@": np.matmul,
    ".": np.dot,
    "*": np.multiply,
    "/": np.divide,
    "+": np.add,
    "-": np.subtract,
}


def expression(x: Any, op: str, y: Any, *, dtype: str = "float32", n_jobs: int | None = None) -> Explanation:
    """What ``x op y`` computes and costs: how the shapes align, FLOPs, bytes, BLAS level, the time to expect.

    Parameters
    ----------
    x, y : tuple of int, or array
        Shapes, of up to 32 axes.
    op : {"@", ".", "*", "/", "+", "-"}
        The matrix product, the dot product of two vectors, or what is done element by element.
    dtype : {"float64", "float32", "float16", "bfloat16"}
    n_jobs : int, optional
        Threads of a product; default every core. NumPy computes element by element on one.

    Returns
    -------
    Explanation
        A :class:`Clash` where the shapes do not fit: ``ok`` is False, and ``check()`` raises.

    Raises
    ------
    InputError, ShapeError, DtypeError
        Where these are no shapes.

    Notes
    -----
    A product of (n, d) and (d, m) takes 2 n d m FLOPs, a multiply-add being two. Bytes are the operands as they are,
    read once, and the result, written once.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.costs.expression((3, 3, 2), "@", (2, 4)).flops
    144
    >>> print(lw.costs.expression((5, 1), "+", (3,)).drawing)
             -2   -1
    x         5    1
    y              3
    result    5    3
    """
    op = read_choice(op, "op", OPERATORS)
    shapes = read_shape(x, "x"), read_shape(y, "y")
    aligned = align(shapes[0], op, shapes[1])
    title = f"{_written(shapes[0])} {op} {_written(shapes[1])}: {OPERATORS[op]}"
    kind = {"@": "matmul", ".": "dot"}.get(op, "elementwise")
    if not aligned.ok:
        facts = {"x": list(shapes[0]), "y": list(shapes[1]), "op": op}
        return Clash(
            kind,
            f"{title}: the shapes do not fit",
            (),
            (),
            None,
            aligned.drawing(),
            notes=(aligned.clash(),),
            facts=facts,
        )
    if math.prod(aligned.result) > MOST_NUMBERS:
        raise ShapeError(f"the result, {shape_text(aligned.result)}, is too large to be counted with")
    roof = ceilings(dtype, n_jobs)
    one = _product(aligned, roof) if op in ("@", ".") else _elementwise(aligned, roof)
    return Explanation(
        kind, title, (one,), aligned.result, roof, aligned.drawing(), aligned.element(), tuple(aligned.repeats()),
        facts={"x": list(shapes[0]), "y": list(shapes[1]), "op": op, "dtype": roof.dtype},
        run=_run(aligned, one, roof),
    )  # fmt: skip


def matmul(x: Any, y: Any, *, dtype: str = "float32", n_jobs: int | None = None) -> Explanation:
    """What the matrix product of two shapes computes and costs; see :func:`expression`.

    >>> import likewise as lw
    >>> product = lw.costs.matmul((1024, 768), (768, 3072))
    >>> product.flops == 2 * 1024 * 768 * 3072, product.level
    (True, 3)
    """
    return expression(x, "@", y, dtype=dtype, n_jobs=n_jobs)


def _written(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _numbers(aligned: Alignment) -> int:
    return math.prod(aligned.x) + math.prod(aligned.y) + math.prod(aligned.result)


def _product(aligned: Alignment, roof: Ceilings) -> Operation:
    flops = 2 * math.prod(aligned.result) * aligned.size("summed")
    shared = all(
        axis.y in (None, 1) for axis in aligned.lead
    )  # one y for all batches: their rows are rows of one matrix
    rows = aligned.size("rows") * (math.prod(aligned.result[: len(aligned.lead)]) if shared else 1)
    level = 1 + (rows > 1) + (aligned.size("columns") > 1)
    what = f"{shape_text(aligned.x)} @ {shape_text(aligned.y)}"
    return roof.operation("product", what, flops=flops, products=flops, numbers=_numbers(aligned), level=level)


def _elementwise(aligned: Alignment, roof: Ceilings) -> Operation:
    what = f"{shape_text(aligned.x)} {aligned.op} {shape_text(aligned.y)}"
    flops = math.prod(aligned.result)
    return roof.operation("elements", what, flops=flops, numbers=_numbers(aligned), level=1, threads=1)


def _run(aligned: Alignment, one: Operation, roof: Ceilings) -> Run:
    def make() -> Steps:
        x, y = draw(*aligned.x, dtype=roof.dtype), draw(*aligned.y, dtype=roof.dtype, seed=1)
        run = _NUMPY[aligned.op]
        out = np.empty(aligned.result, x.dtype)
        if aligned.op == ".":
            return [(one.name, lambda: run(x, y))]
        return [(one.name, lambda: run(x, y, out=out))]

    return Run(make, one.bytes, refusal=numpy_refusal(roof.dtype), threads=roof.threads)


def numpy_refusal(dtype: str) -> str:
    """Why it is not run: NumPy has no fast products of 16-bit numbers."""
    if dtype in ("float16", "bfloat16"):
        return f"dtype={dtype!r} is not measured: NumPy has no products of 16-bit numbers; take float32 or float64"
    return ""
