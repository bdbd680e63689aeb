"""Selection: which candidates of a query may still be among its k best, and the threshold that follows.

The k-th smallest key is found by bisection over the floats between the smallest and the largest, counted in order:

    while low < high:
        middle = low + (high - low) / 2
        if count(keys <= middle) >= k:  high = middle
        else:                           low = middle + 1

A round is one sweep of vector compares over a contiguous list, and there are at most 32 rounds in float32, 64 in
float64; a heap would move each key down a tree (44 ns a key at k = 10,000, against some 4).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from likewise.backends.llvm.emit import BYTES, I32, I64, Function, Value, constant, integer_like
from likewise.backends.llvm.kernels.tile import INF, Tile

#: One query's list as :func:`tighten_function` takes it: addresses, then numbers.
LIST_FIELDS = (
    *("keys", "found", "count", "trigger", "threshold", "offset", "overflow"),
    *("k", "cap", "crowd", "step", "spare", "slope"),
)


def tighten_function(module: ir.Module, name: str, tile: Tile, *, exact: bool) -> Any:
    """Lower a query's threshold to what its list of candidates allows, and drop those that no longer qualify.

    With U at least the k-th smallest key (no more than ``spare`` above it in rank, so that bisection may end early),
    the threshold is slope * U + offset. A NaN key proves nothing: it is kept, and not counted. With ``exact`` keys the
    list comes in the order of the items, so that of keys equal to U the first ones stay, as many as make k, and the
    threshold is the next float below U.

    The next call is due when the list has grown by ``step``; more than ``crowd`` left means that the screen cannot tell
    this query's items apart, and marks it as overflowing.
    """
    f = Function(module, name, LIST_FIELDS)
    f.fn.linkage = "internal"
    f.fn.attributes.add("noinline")
    b, elem = f.b, tile.elem
    keys, found, k = f.pointer("keys"), f.pointer("found"), f.field("k")
    count = f.load(f.pointer("count"), 0, I64)
    with f.loop(count, b.add(count, I64(tile.lanes)), name="pad") as i:  # whole vectors; NaN counts nowhere
        f.store(constant(elem, float("nan")), keys, i)
    low, high, numbers = _range(f, tile, keys, count)
    left = f.variable(count)
    with f.when(b.icmp_signed(">=", numbers, k)):
        limit = _bisect(f, tile, keys, count, low, high)
        if exact:
            below = _count(f, tile, keys, count, limit, "<")
            equal = f.variable(b.sub(k, below))  # so many of those equal to the limit stay
            f.put(_keep_first(f, elem, keys, found, count, limit, equal), left)
            f.store(below_float(f, limit), f.pointer("threshold"), I64(0))
        else:
            before = f.load(f.pointer("threshold"), 0, elem)
            bound = b.fadd(b.fmul(limit, f.number("slope", elem)), f.load(f.pointer("offset"), 0, elem))
            bound = b.select(b.fcmp_ordered("<", bound, before), bound, before)
            f.store(bound, f.pointer("threshold"), I64(0))
            f.put(_keep(f, elem, keys, found, count, bound), left)
    kept = f.get(left, I64)
    f.store(kept, f.pointer("count"), I64(0))
    due = b.add(kept, f.field("step"))
    due = b.select(b.icmp_signed("<", due, f.field("cap")), due, f.field("cap"))
    f.store(due, f.pointer("trigger"), I64(0))
    with f.when(b.icmp_signed(">", kept, f.field("crowd"))):
        f.store(I64(1), f.pointer("overflow"), I64(0))
        f.store(constant(elem, -INF), f.pointer("threshold"), I64(0))
    f.ret()
    return f.fn


def _range(f: Function, tile: Tile, keys: Value, count: Value) -> tuple[Value, Value, Value]:
    """The smallest and the largest key, and how many keys are numbers."""
    b, typ = f.b, tile.vec
    whole = integer_like(typ)
    low, high, numbers = (f.variable(v) for v in (constant(typ, INF), constant(typ, -INF), constant(whole, 0)))
    with f.loop(0, count, tile.lanes, "range") as i:
        key = f.load(keys, i, typ)
        f.put(b.select(b.fcmp_ordered("<", key, f.get(low, typ)), key, f.get(low, typ)), low)
        f.put(b.select(b.fcmp_ordered(">", key, f.get(high, typ)), key, f.get(high, typ)), high)
        f.put(b.add(f.get(numbers, whole), b.zext(b.fcmp_ordered("ord", key, key), whole)), numbers)
    low_lanes, high_lanes = f.get(low, typ), f.get(high, typ)
    least, most = (b.extract_element(v, I32(0)) for v in (low_lanes, high_lanes))
    for lane in range(1, tile.lanes):
        a, z = b.extract_element(low_lanes, I32(lane)), b.extract_element(high_lanes, I32(lane))
        least = b.select(b.fcmp_ordered("<", a, least), a, least)
        most = b.select(b.fcmp_ordered(">", z, most), z, most)
    return least, most, _total(f, f.get(numbers, whole))


def _total(f: Function, counts: Value) -> Value:
    """The sum of a vector of counts."""
    element = counts.type.element
    name = f"llvm.vector.reduce.add.v{counts.type.count}i{element.width}"
    total = f.intrinsic(name, element, counts)
    return f.b.zext(total, I64) if element.width < 64 else total


def _count(f: Function, tile: Tile, keys: Value, count: Value, limit: Value, compare: str) -> Value:
    """How many keys compare so with the limit."""
    b, typ = f.b, tile.vec
    whole = integer_like(typ)
    counts = f.variable(constant(whole, 0))
    limits = f.splat(limit, tile.lanes)
    with f.loop(0, count, tile.lanes, "count") as i:
        hits = b.fcmp_ordered(compare, f.load(keys, i, typ), limits)
        f.put(b.add(f.get(counts, whole), b.zext(hits, whole)), counts)
    return _total(f, f.get(counts, whole))


def _bisect(f: Function, tile: Tile, keys: Value, count: Value, least: Value, most: Value) -> Value:
    """A float U with count(keys <= U) from k to k + spare, or the k-th smallest key itself."""
    b, elem, k = f.b, tile.elem, f.field("k")
    low, high = f.variable(ordinal(f, least)), f.variable(ordinal(f, most))
    enough = b.add(k, f.field("spare"))
    with f.loop_while(lambda: b.icmp_signed("<", f.get(low, I64), f.get(high, I64)), "bisect"):
        a, z = f.get(low, I64), f.get(high, I64)
        middle = b.add(a, b.lshr(b.sub(z, a), I64(1)))  # unsigned: all float64 numbers are nearly 2^64
        here = _count(f, tile, keys, count, _from_ordinal(f, middle, elem), "<=")
        reached = b.icmp_signed(">=", here, k)
        f.put(b.select(reached, middle, z), high)
        f.put(b.select(reached, a, b.add(middle, I64(1))), low)
        with f.when(b.and_(reached, b.icmp_signed("<=", here, enough))):
            f.put(middle, low)
    return _from_ordinal(f, f.get(high, I64), elem)


def ordinal(f: Function, x: Value) -> Value:
    """Floats counted in order: the bits of a negative one reversed but for the sign."""
    b, whole = f.b, integer_like(x.type)
    raw = b.bitcast(x, whole)
    signs = b.lshr(b.ashr(raw, whole(whole.width - 1)), whole(1))
    made = b.xor(raw, signs)
    return b.sext(made, I64) if whole.width < 64 else made


def _from_ordinal(f: Function, i: Value, elem: Any) -> Value:
    b, whole = f.b, integer_like(elem)
    raw = b.trunc(i, whole) if whole.width < 64 else i
    signs = b.lshr(b.ashr(raw, whole(whole.width - 1)), whole(1))
    return b.bitcast(b.xor(raw, signs), elem)


def _keep(f: Function, elem: Any, keys: Value, found: Value, count: Value, limit: Value) -> Value:
    """The candidates that still qualify, in order; their number. Written without a branch, which would be a guess."""
    b = f.b
    kept = f.variable(I64(0))
    with f.loop(0, count, name="keep") as i:
        key, to = f.load(keys, i, elem), f.get(kept, I64)
        f.store(key, keys, to)
        f.store(f.load(found, i, I64), found, to)
        f.put(b.add(to, b.zext(b.fcmp_unordered("<=", key, limit), I64)), kept)
    return f.get(kept, I64)


def _keep_first(f: Function, elem: Any, keys: Value, found: Value, count: Value, limit: Value, equal: Value) -> Value:
    """The candidates below the limit, and the first ``equal`` of those at it."""
    b = f.b
    kept = f.variable(I64(0))
    with f.loop(0, count, name="keep") as i:
        key, to, room = f.load(keys, i, elem), f.get(kept, I64), f.get(equal, I64)
        f.store(key, keys, to)
        f.store(f.load(found, i, I64), found, to)
        ties = b.fcmp_ordered("==", key, limit)
        stays = b.or_(b.fcmp_ordered("<", key, limit), b.and_(ties, b.icmp_signed(">", room, I64(0))))
        f.put(b.sub(room, b.zext(ties, I64)), equal)
        f.put(b.add(to, b.zext(stays, I64)), kept)
    return f.get(kept, I64)


def below_float(f: Function, x: Value) -> Value:
    """The next float below x: one step of its bits; NaN below -inf, under which nothing falls."""
    b, whole = f.b, integer_like(x.type)
    raw = b.bitcast(x, whole)
    zero = constant(x.type, 0.0)
    step = b.select(b.fcmp_ordered(">", x, zero), whole(-1), whole(1))
    sign_and_one = whole((1 << (whole.width - 1)) | 1)
    moved = b.select(b.fcmp_ordered("==", x, zero), sign_and_one, b.add(raw, step))
    return b.bitcast(moved, x.type)


class Lists:
    """The lists of a kernel's queries, each handed to :func:`tighten_function` by a record on the stack.

    The kernel's fields of the same names hold the arrays of all its queries, and ``stride`` the room of a list.
    """

    def __init__(self, f: Function, tighten: Any, tile: Tile) -> None:
        self.f, self.tile, self.function = f, tile, tighten
        self.record = f.slot(I64, len(LIST_FIELDS))

    def tighten(self, row: Value) -> None:
        """Call it for one query."""
        f, b = self.f, self.f.b
        size = BYTES[self.tile.elem]
        start = b.mul(row, f.field("stride"))
        steps = {"keys": (start, size), "found": (start, 8), "threshold": (row, size), "offset": (row, size)}
        for i, name in enumerate(LIST_FIELDS):
            value = f.field(name)
            if i < LIST_FIELDS.index("k"):
                at, width = steps.get(name, (row, 8))
                value = b.add(value, b.mul(at, I64(width)))
            f.store(value, self.record, I64(i))
        b.call(self.function, [self.record])
