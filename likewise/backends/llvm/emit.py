"""Loops, branches, memory and vectors in LLVM IR, so that kernels read as the loops they are.

One function takes one argument: a pointer to 64-bit fields (addresses, counts and float64 bits), named by the kernel.
Variables live in memory slots that LLVM turns into registers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(n) for n in (1, 8, 16, 32, 64))
F16, F32, F64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()
PTR = ir.PointerType()
FLOATS = {"f32": F32, "f64": F64, "bits": F64}  # counts of bits become float64 keys
BYTES = {F32: 4, F64: 8, I8: 1, I16: 2, I32: 4, I64: 8, F16: 2}
Value = Any


def vector(elem: Any, lanes: int) -> Any:
    return ir.VectorType(elem, lanes)


def suffix(typ: Any) -> str:
    """How an intrinsic's name spells a type: v16f32."""
    if isinstance(typ, ir.VectorType):
        return f"v{typ.count}{suffix(typ.element)}"
    return {F32: "f32", F64: "f64", F16: "f16"}.get(typ) or f"i{typ.width}"


class Function:
    """An IR function under construction."""

    def __init__(self, module: ir.Module, name: str, fields: tuple[str, ...]) -> None:
        self.module = module
        self.fn = ir.Function(module, ir.FunctionType(I64, [PTR]), name)
        self.fn.args[0].add_attribute("noalias")
        self.entry = self.fn.append_basic_block("entry")
        self.b = ir.IRBuilder(self.entry)
        self._fields = {name: i for i, name in enumerate(fields)}
        self._loaded: dict[str, Value] = {}
        body = self.fn.append_basic_block("body")
        self._enter = self.b.branch(body)
        self.b.position_at_end(body)

    # fields, loaded once, at the function's start

    def _at_entry(self) -> ir.IRBuilder:
        builder = ir.IRBuilder(self.entry)
        builder.position_before(self._enter)
        return builder

    def field(self, name: str) -> Value:
        if name not in self._loaded:
            at = self._at_entry()
            address = at.gep(self.fn.args[0], [I64(self._fields[name])], source_etype=I64)
            self._loaded[name] = at.load(address, typ=I64)
        return self._loaded[name]

    def pointer(self, name: str) -> Value:
        key = f"*{name}"
        if key not in self._loaded:
            value = self.field(name)
            self._loaded[key] = self._at_entry().inttoptr(value, PTR)
        return self._loaded[key]

    def number(self, name: str, typ: Any) -> Value:
        """A float64 field, as ``typ``."""
        key = f"{name}:{typ}"
        if key not in self._loaded:
            value = self.field(name)
            at = self._at_entry()
            wide = at.bitcast(value, F64)
            self._loaded[key] = wide if typ == F64 else at.fptrunc(wide, typ)
        return self._loaded[key]

    # variables

    def slot(self, typ: Any, count: int = 1, align: int | None = None) -> Value:
        made = self._at_entry().alloca(typ, count)
        made.type = PTR  # llvmlite still gives it a typed pointer
        if align:
            made.align = align
        return made

    def variable(self, value: Value) -> Value:
        slot = self.slot(value.type)
        self.b.store(value, slot)
        return slot

    def get(self, slot: Value, typ: Any) -> Value:
        return self.b.load(slot, typ=typ)

    def put(self, value: Value, slot: Value) -> None:
        self.b.store(value, slot)

    # memory: element i of an array at p

    def at(self, p: Value, i: Value, typ: Any) -> Value:
        return self.b.gep(p, [i if not isinstance(i, int) else I64(i)], source_etype=typ)

    def load(self, p: Value, i: Value, typ: Any, align: int | None = None) -> Value:
        """``typ`` at element ``i``; for a vector type, ``i`` counts its elements."""
        elem = typ.element if isinstance(typ, ir.VectorType) else typ
        value = self.b.load(self.at(p, i, elem), typ=typ)
        value.align = align or BYTES[elem]
        return value

    def store(self, value: Value, p: Value, i: Value) -> None:
        elem = value.type.element if isinstance(value.type, ir.VectorType) else value.type
        self.b.store(value, self.at(p, i, elem)).align = BYTES[elem]

    # control

    @contextmanager
    def loop(self, start: Value, stop: Value, step: int = 1, name: str = "i") -> Iterator[Value]:
        """for i in range(start, stop, step), 64-bit."""
        start = I64(start) if isinstance(start, int) else start
        stop = I64(stop) if isinstance(stop, int) else stop
        head, body, done = (self.fn.append_basic_block(f"{name}.{part}") for part in ("head", "body", "done"))
        before = self.b.block
        self.b.branch(head)
        self.b.position_at_end(head)
        index = self.b.phi(I64, name)
        index.add_incoming(start, before)
        self.b.cbranch(self.b.icmp_signed("<", index, stop), body, done)
        self.b.position_at_end(body)
        yield index
        after = self.b.add(index, I64(step))
        index.add_incoming(after, self.b.block)
        self.b.branch(head)
        self.b.position_at_end(done)

    @contextmanager
    def loop_while(self, condition: Any, name: str = "while") -> Iterator[None]:
        """while condition(): the callable emits the test."""
        head, body, done = (self.fn.append_basic_block(f"{name}.{part}") for part in ("head", "body", "done"))
        self.b.branch(head)
        self.b.position_at_end(head)
        self.b.cbranch(condition(), body, done)
        self.b.position_at_end(body)
        yield
        if not self.b.block.is_terminated:
            self.b.branch(head)
        self.b.position_at_end(done)

    @contextmanager
    def when(self, condition: Value, likely: bool | None = None) -> Iterator[None]:
        with self.b.if_then(condition, likely=likely):
            yield

    def ret(self, value: int | Value = 0) -> None:
        self.b.ret(I64(value) if isinstance(value, int) else value)

    # vectors

    def splat(self, value: Value, lanes: int) -> Value:
        typ = vector(value.type, lanes)
        undefined = ir.Constant(typ, ir.Undefined)
        first = self.b.insert_element(undefined, value, I32(0))
        return self.b.shuffle_vector(first, undefined, ir.Constant(vector(I32, lanes), [0] * lanes))

    def intrinsic(self, name: str, result: Any, *args: Value) -> Value:
        known = self.module.globals.get(name)
        if known is None:
            known = ir.Function(self.module, ir.FunctionType(result, [a.type for a in args]), name)
        return self.b.call(known, args)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        return self.intrinsic(f"llvm.fma.{suffix(a.type)}", a.type, a, b, c)

    def any_lane(self, mask: Value) -> Value:
        """A vector of i1 -> its bits as an integer."""
        return self.b.bitcast(mask, ir.IntType(mask.type.count))


def constant(typ: Any, value: float | int) -> Value:
    if isinstance(typ, ir.VectorType):
        return ir.Constant(typ, [ir.Constant(typ.element, value)] * typ.count)
    return ir.Constant(typ, value)


def integer_like(typ: Any) -> Any:
    """The integer type of the same shape and width as a float type."""
    if isinstance(typ, ir.VectorType):
        return vector(integer_like(typ.element), typ.count)
    return {F32: I32, F64: I64, F16: I16}[typ]
