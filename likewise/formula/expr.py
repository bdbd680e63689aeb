"""Expressions: what a formula is after tracing.

A formula is a tree over the two coordinates ``x`` and ``y``, constants, and statistics of the two rows (their norm,
their sum...). A finish is a tree over the combined values ``acc`` and the same statistics. Trees are immutable, equal
when they are written alike, and print as the Python that would make them.

``OPS`` is the whole language: a backend is a table with these keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: operator -> (number of arguments, how it prints). "{0}" is the first argument.
OPS: dict[str, tuple[int, str]] = {
    # leaves
    "x": (0, "x"),
    "y": (0, "y"),
    "acc": (0, "acc"),  # value: which of the metric's combined values
    "stat": (0, ""),  # value: "norm_x", "sum_y"...
    "dim": (0, "d"),
    "const": (0, ""),
    # arithmetic: correctly rounded everywhere, so their bits are the same on every machine
    "neg": (1, "-{0}"),
    "abs": (1, "abs({0})"),
    "sqrt": (1, "sqrt({0})"),
    "floor": (1, "floor({0})"),
    "add": (2, "{0} + {1}"),
    "sub": (2, "{0} - {1}"),
    "mul": (2, "{0} * {1}"),
    "div": (2, "{0} / {1}"),
    "min": (2, "minimum({0}, {1})"),
    "max": (2, "maximum({0}, {1})"),
    # elementary functions: our own polynomials in compiled code, within a few units in the last place
    "exp": (1, "exp({0})"),
    "log": (1, "log({0})"),
    "sin": (1, "sin({0})"),
    "cos": (1, "cos({0})"),
    "tanh": (1, "tanh({0})"),
    "arctan": (1, "arctan({0})"),
    "arccos": (1, "arccos({0})"),  # of a value clamped to [-1, 1]: a cosine may round past 1
    "pow": (2, "{0} ** {1}"),
    # truth values, used by where
    "lt": (2, "{0} < {1}"),
    "le": (2, "{0} <= {1}"),
    "eq": (2, "{0} == {1}"),
    "ne": (2, "{0} != {1}"),
    "and": (2, "{0} & {1}"),
    "or": (2, "{0} | {1}"),
    "not": (1, "~{0}"),
    "where": (3, "where({0}, {1}, {2})"),
}

TRUTHS = frozenset({"lt", "le", "eq", "ne", "and", "or", "not"})
COMMUTATIVE = frozenset({"add", "mul", "min", "max", "eq", "ne", "and", "or"})
#: As Python binds them: & and | tighter than a comparison.
_PRECEDENCE = {"lt": 1, "le": 1, "eq": 1, "ne": 1, "or": 2, "and": 3, "add": 4, "sub": 4, "mul": 5, "div": 5}
_PRECEDENCE |= {"neg": 6, "not": 6, "pow": 7}

#: Statistics of a row that a formula may name, as ``norm_x`` or ``norm_y``.
STATISTICS = {
    "norm": "Euclidean norm, sqrt(sum of squares)",
    "sum": "sum of the coordinates",
    "mean": "sum / d",
    "dev": "Euclidean norm of the row after its mean is taken away",
    "norm1": "sum of absolute values",
    "nnz": "number of coordinates that are not zero",
}


@dataclass(frozen=True)
class Expr:
    """A node: an operator of :data:`OPS`, its arguments, and for leaves a value."""

    op: str
    args: tuple[Expr, ...] = ()
    value: float | str | int | None = None

    def __post_init__(self) -> None:
        # hashed once: trees are keys of many caches
        object.__setattr__(self, "_hash", hash((self.op, self.args, self.value)))
        object.__setattr__(self, "_depth", 1 + max((arg.depth for arg in self.args), default=0))

    def __hash__(self) -> int:
        return int(self.__dict__["_hash"])

    def __reduce__(self) -> tuple[object, ...]:
        # made anew: the hash of a text is another one in another process
        return (Expr, (self.op, self.args, self.value))

    def __str__(self) -> str:
        return _show(self, 0)

    @property
    def depth(self) -> int:
        """Levels of the tree."""
        return int(self.__dict__["_depth"])

    @property
    def is_truth(self) -> bool:
        return self.op in TRUTHS

    def walk(self) -> Iterator[Expr]:
        """Every node, children before parents."""
        for arg in self.args:
            yield from arg.walk()
        yield self

    def leaves(self) -> frozenset[Expr]:
        return frozenset(node for node in self.walk() if not node.args)

    def stats(self) -> frozenset[str]:
        """Names of the row statistics it uses: {"norm_x", ...}."""
        return frozenset(str(node.value) for node in self.walk() if node.op == "stat")

    def side(self) -> str:
        """Which row it depends on: "" (neither), "x", "y", or "xy"."""
        sides = set()
        for leaf in self.leaves():
            if leaf.op in ("x", "y"):
                sides.add(leaf.op)
            elif leaf.op == "stat":
                sides.add(str(leaf.value)[-1])
            elif leaf.op == "acc":
                sides |= {"x", "y"}
        return "".join(sorted(sides))

    def rebuild(self, visit: Callable[[Expr], Expr]) -> Expr:
        """The tree with ``visit`` applied to every node, children first."""
        if not self.args:
            return visit(self)
        return visit(Expr(self.op, tuple(arg.rebuild(visit) for arg in self.args), self.value))

    def replace(self, table: dict[Expr, Expr]) -> Expr:
        """The tree with every subtree that is a key of ``table`` exchanged, outermost first."""
        if self in table:
            return table[self]
        if not self.args:
            return self
        return Expr(self.op, tuple(arg.replace(table) for arg in self.args), self.value)

    def order(self) -> tuple[bool, int, str]:
        """A fixed order of trees, used to write commutative operators one way: constants last."""
        return (self.op == "const", self.depth, str(self))


X = Expr("x")
Y = Expr("y")
DIM = Expr("dim")
ACC = Expr("acc", value=0)


def const(value: float) -> Expr:
    return Expr("const", value=float(value))


def stat(name: str) -> Expr:
    return Expr("stat", value=name)


def accumulator(index: int) -> Expr:
    return Expr("acc", value=index)


def _show(expr: Expr, outer: int) -> str:
    if expr.op == "const":
        value = float(expr.value or 0.0)
        text = str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)
        text = text.replace("inf", "1e999")  # which Python reads as infinite
        return f"({text})" if value < 0 and outer >= 4 else text
    if expr.op == "stat":
        return str(expr.value)
    if expr.op == "acc":
        return "s" if expr.value == 0 else f"s{expr.value}"
    mine = _PRECEDENCE.get(expr.op)
    if mine is None:  # a call: its arguments need no brackets
        return OPS[expr.op][1].format(*(_show(arg, 0) for arg in expr.args))
    # the right side of - / ** binds tighter, so that a - (b - c) keeps its brackets
    inner = [_show(arg, mine + (i > 0 or expr.op == "pow")) for i, arg in enumerate(expr.args)]
    text = OPS[expr.op][1].format(*inner)
    return f"({text})" if mine < outer else text
