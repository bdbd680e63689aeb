"""Sorting: the first k of each line of settled candidates, by key and, among equal keys, in the order they came."""

from __future__ import annotations

from llvmlite import ir

from likewise.backends.llvm.emit import F64, I32, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.select import ordinal

ORDER_FIELDS = (
    *("rows", "keys", "values", "width", "found", "stride", "k"),
    *("out_keys", "out_values", "out_indices", "work"),
)
_BITS = 8
_BUCKETS = 1 << _BITS
_ENTRY = vector(I64, 2)  # a key counted in order, and its place in the line


def order_kernel(module: ir.Module, name: str) -> None:
    """Lines of keys and values (rows, width) and of items (rows, stride) -> the first k of each, by rising key.

    NaN keys are left out; where fewer than k remain, the output's line keeps its end.

    A radix sort, which is stable, a byte at a time from the lowest. Keys become whole numbers above the smallest of
    their line, shifted so that the largest fills 64 bits. The upper half nearly always tells all keys apart that
    differ; where a look at the outcome shows that it did not, all eight bytes are sorted. (11 ns a key; NumPy's
    quickest sort, with what has to follow it, took 62.)
    """
    f = Function(module, name, ORDER_FIELDS)
    b, k = f.b, f.field("k")
    counts = f.slot(I64, _BUCKETS, align=64)
    source, target = f.slot(I64), f.slot(I64)
    second = b.add(f.field("work"), b.mul(f.field("width"), I64(16)))
    with f.loop(0, f.field("rows"), name="row") as row:
        line = b.mul(row, f.field("width"))
        keys, values = (f.at(f.pointer(name), line, F64) for name in ("keys", "values"))
        found = f.at(f.pointer("found"), b.mul(row, f.field("stride")), I64)
        f.put(f.field("work"), source)
        f.put(second, target)
        count = _entries(f, keys, f.field("work"))
        _passes(f, source, target, count, 32, counts)
        with f.when(_disordered(f, source, count), likely=False):
            _passes(f, source, target, count, 0, counts)
        most = b.select(b.icmp_signed("<", count, k), count, k)
        out = b.mul(row, k)
        entries = b.inttoptr(f.get(source, I64), ir.PointerType())
        with f.loop(0, most, name="out") as i:
            place = f.load(entries, b.add(b.mul(i, I64(2)), I64(1)), I64)
            to = b.add(out, i)
            f.store(f.load(keys, place, F64), f.pointer("out_keys"), to)
            f.store(f.load(values, place, F64), f.pointer("out_values"), to)
            f.store(f.load(found, place, I64), f.pointer("out_indices"), to)
    f.ret()


def _entries(f: Function, keys: Value, work: Value) -> Value:
    """(key as a whole number, place) of each key that is a number; how many."""
    b = f.b
    least, most = I64((1 << 63) - 1), I64(-(1 << 63))
    low, high, count = f.variable(least), f.variable(most), f.variable(I64(0))
    with f.loop(0, f.field("width"), name="range") as i:
        key = f.load(keys, i, F64)
        number, at = b.fcmp_ordered("ord", key, key), _whole(f, key)
        f.put(b.select(b.and_(number, b.icmp_signed("<", at, f.get(low, I64))), at, f.get(low, I64)), low)
        f.put(b.select(b.and_(number, b.icmp_signed(">", at, f.get(high, I64))), at, f.get(high, I64)), high)
    smallest = f.get(low, I64)
    unused = f.intrinsic("llvm.ctlz.i64", I64, b.sub(f.get(high, I64), smallest), ir.IntType(1)(0))
    unused = b.select(b.icmp_signed("<", unused, I64(63)), unused, I64(63))
    entries = b.inttoptr(work, ir.PointerType())
    with f.loop(0, f.field("width"), name="entry") as i:
        key, at = f.load(keys, i, F64), f.get(count, I64)
        place = b.mul(at, I64(2))
        f.store(b.shl(b.sub(_whole(f, key), smallest), unused), entries, place)
        f.store(i, entries, b.add(place, I64(1)))
        f.put(b.add(at, b.zext(b.fcmp_ordered("ord", key, key), I64)), count)
    return f.get(count, I64)


def _whole(f: Function, key: Value) -> Value:
    return ordinal(f, f.b.fadd(key, constant(F64, 0.0)))  # -0 + 0 = 0: they tie


def _passes(f: Function, source: Value, target: Value, count: Value, start: int, counts: Value) -> None:
    """Entries sorted by their bits from ``start`` upward; source and target change places with every byte."""
    b = f.b
    with f.loop(start, 64, _BITS, "byte") as shift:
        read, write = (b.inttoptr(f.get(slot, I64), ir.PointerType()) for slot in (source, target))

        def bucket(entry: Value, shift: Value = shift) -> Value:
            return b.and_(b.lshr(b.extract_element(entry, I32(0)), shift), I64(_BUCKETS - 1))

        with f.loop(0, _BUCKETS, 8, "clear") as i:
            f.store(constant(vector(I64, 8), 0), counts, i)
        with f.loop(0, count, name="tally") as i:
            at = bucket(f.load(read, b.mul(i, I64(2)), _ENTRY))
            f.store(b.add(f.load(counts, at, I64), I64(1)), counts, at)
        before = f.variable(I64(0))
        with f.loop(0, _BUCKETS, name="start") as i:
            here, so_far = f.load(counts, i, I64), f.get(before, I64)
            f.store(so_far, counts, i)
            f.put(b.add(so_far, here), before)
        with f.loop(0, count, name="move") as i:
            entry = f.load(read, b.mul(i, I64(2)), _ENTRY)
            at = bucket(entry)
            to = f.load(counts, at, I64)
            f.store(entry, write, b.mul(to, I64(2)))
            f.store(b.add(to, I64(1)), counts, at)
        old = f.get(source, I64)
        f.put(f.get(target, I64), source)
        f.put(old, target)


def _disordered(f: Function, source: Value, count: Value) -> Value:
    """Whether any entry is above the next."""
    b = f.b
    entries = b.inttoptr(f.get(source, I64), ir.PointerType())
    wrong = f.variable(ir.IntType(1)(0))
    with f.loop(1, count, name="check") as i:
        place = b.mul(i, I64(2))
        falls = b.icmp_unsigned("<", f.load(entries, place, I64), f.load(entries, b.sub(place, I64(2)), I64))
        f.put(b.or_(f.get(wrong, ir.IntType(1)), falls), wrong)
    return f.get(wrong, ir.IntType(1))
