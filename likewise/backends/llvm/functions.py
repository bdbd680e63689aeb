"""Elementary functions as straight-line IR: the same bits on every machine, for scalars and vectors alike.

Each reduces its argument and sums a Taylor series by Horner's rule, with separate multiplications and additions (no
fused ones, which some machines lack). Lengths are chosen so that the truncated rest is below a quarter of the last
place; errors measured in float64 are below 1 unit in the last place for exp, 1.2 for log, 2.5 for tanh, sin and cos,
3 for pow, and 5 for arctan and arccos.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from llvmlite import ir

from likewise.backends.llvm.emit import F64, Function, Value, constant, integer_like, suffix

#: (mantissa bits, exponent bias, terms of exp, log, sin/cos, atan)
_FORMAT = {"f64": (52, 1023, 14, 12, 9, 13), "f32": (23, 127, 8, 6, 5, 6)}


def _elem(typ: Any) -> Any:
    return typ.element if isinstance(typ, ir.VectorType) else typ


def _format(typ: Any) -> tuple[int, int, int, int, int, int]:
    return _FORMAT["f64" if _elem(typ) == F64 else "f32"]


def _integer(typ: Any, value: int) -> Value:
    return constant(integer_like(typ), value)


def _horner(f: Function, x: Value, coefficients: list[float]) -> Value:
    total = constant(x.type, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = f.b.fadd(f.b.fmul(total, x), constant(x.type, c))
    return total


def unary(f: Function, name: str, x: Value) -> Value:
    return f.intrinsic(f"llvm.{name}.{suffix(x.type)}", x.type, x)


def _round(f: Function, x: Value) -> tuple[Value, Value]:
    """The nearest integer as a float and as bits: adding 1.5 * 2^mantissa leaves it in the low bits."""
    bits, *_ = _format(x.type)
    shift = constant(x.type, 1.5 * 2.0**bits)
    shifted = f.b.fadd(x, shift)
    whole = f.b.fsub(shifted, shift)
    integer = f.b.sub(f.b.bitcast(shifted, integer_like(x.type)), f.b.bitcast(shift, integer_like(x.type)))
    return whole, integer


def _clamp(f: Function, x: Value, low: float, high: float) -> Value:
    low_c, high_c = constant(x.type, low), constant(x.type, high)
    x = f.b.select(f.b.fcmp_ordered("<", x, low_c), low_c, x)
    return f.b.select(f.b.fcmp_ordered(">", x, high_c), high_c, x)


def _power_of_two(f: Function, n: Value, typ: Any) -> Value:
    """2^n for an integer n in the normal range, from its exponent bits."""
    bits, bias, *_ = _format(typ)
    return f.b.bitcast(f.b.shl(f.b.add(n, _integer(typ, bias)), _integer(typ, bits)), typ)


def _scale(f: Function, y: Value, n: Value) -> Value:
    """y * 2^n in two steps, so that results round gently into the subnormals."""
    half = f.b.ashr(n, _integer(y.type, 1))
    y = f.b.fmul(y, _power_of_two(f, half, y.type))
    return f.b.fmul(y, _power_of_two(f, f.b.sub(n, half), y.type))


def _expm1_reduced(f: Function, x: Value, low: float, high: float) -> tuple[Value, Value]:
    """(e^r - 1, n) with x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, the first short enough to be exact."""
    bits, _, terms, *_ = _format(x.type)
    x = _clamp(f, x, low, high)
    whole, n = _round(f, f.b.fmul(x, constant(x.type, 1 / math.log(2))))
    head = math.ldexp(round(math.ldexp(math.log(2), bits - 12)), 12 - bits)
    # ln 2 - head, from 0.693147180559945309417232121458...: the second part of ln 2 beyond float64
    tail = (math.log(2) - head) + 2.3190468138462996e-17
    r = f.b.fsub(f.b.fsub(x, f.b.fmul(whole, constant(x.type, head))), f.b.fmul(whole, constant(x.type, tail)))
    series = _horner(f, r, [1 / math.factorial(k) for k in range(2, terms + 1)])
    return f.b.fadd(r, f.b.fmul(f.b.fmul(r, r), series)), n


def _keep_nan(f: Function, x: Value, y: Value) -> Value:
    return f.b.select(f.b.fcmp_unordered("uno", x, x), x, y)


def exp(f: Function, x: Value) -> Value:
    low, high = (-746.0, 710.0) if _elem(x.type) == F64 else (-104.0, 89.0)
    p, n = _expm1_reduced(f, x, low, high)
    y = _scale(f, f.b.fadd(constant(x.type, 1.0), p), n)
    return _keep_nan(f, x, y)


def _frexp(f: Function, x: Value) -> tuple[Value, Value]:
    """(m, e) with x = m 2^e, sqrt(1/2) <= m < sqrt(2), e a float; for x > 0."""
    bits, bias, *_ = _format(x.type)
    small = f.b.fcmp_ordered("<", x, constant(x.type, 2.0 ** (1 - bias)))
    raised = f.b.fmul(x, constant(x.type, 2.0 ** (bits + 2)))
    x = f.b.select(small, raised, x)
    raw = f.b.bitcast(x, integer_like(x.type))
    # measured from sqrt(1/2): the exponent field then steps where m would leave its interval
    offset = {52: 0x3FE6A09E667F3BCD, 23: 0x3F3504F3}[bits]
    n = f.b.ashr(f.b.sub(raw, _integer(x.type, offset)), _integer(x.type, bits))
    m = f.b.bitcast(f.b.sub(raw, f.b.shl(n, _integer(x.type, bits))), x.type)
    e = _to_float(f, n, x.type)
    return m, f.b.fsub(e, f.b.select(small, constant(x.type, float(bits + 2)), constant(x.type, 0.0)))


def _to_float(f: Function, n: Value, typ: Any) -> Value:
    return f.b.sitofp(n, typ)


def log(f: Function, x: Value) -> Value:
    """log x = e ln 2 + log m, log m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.172."""
    _, _, _, terms, *_ = _format(x.type)
    one = constant(x.type, 1.0)
    m, e = _frexp(f, x)
    top = f.b.fsub(m, one)
    s = f.b.fdiv(top, f.b.fadd(m, one))
    z = f.b.fmul(s, s)
    # 2 atanh(s) = t - s (t - series) with t = m - 1: the leading term is exact
    series = f.b.fmul(z, _horner(f, z, [2 / (2 * k + 1) for k in range(1, terms + 1)]))
    half = f.b.fmul(constant(x.type, 0.5), f.b.fmul(top, top))
    log_m = f.b.fsub(top, f.b.fsub(half, f.b.fmul(s, f.b.fadd(half, series))))
    bits, *_ = _format(x.type)
    head = math.ldexp(round(math.ldexp(math.log(2), bits - 12)), 12 - bits)
    tail = (math.log(2) - head) + 2.3190468138462996e-17
    y = f.b.fadd(f.b.fmul(e, constant(x.type, head)), f.b.fadd(f.b.fmul(e, constant(x.type, tail)), log_m))
    zero, inf = constant(x.type, 0.0), constant(x.type, math.inf)
    y = f.b.select(f.b.fcmp_ordered("==", x, inf), inf, y)
    y = f.b.select(f.b.fcmp_ordered("==", x, zero), constant(x.type, -math.inf), y)
    return f.b.select(f.b.fcmp_unordered("<", x, zero), constant(x.type, math.nan), y)


def tanh(f: Function, x: Value) -> Value:
    """(e^2|x| - 1) / (e^2|x| + 1), with expm1 so that small x keep their digits; the sign at the end."""
    a = unary(f, "fabs", x)
    high = 44.0 if _elem(x.type) == F64 else 20.0
    p, n = _expm1_reduced(f, f.b.fmul(a, constant(x.type, 2.0)), 0.0, high)
    scale = _power_of_two(f, n, x.type)
    # e^2a - 1 = 2^n p + (2^n - 1), exact in its second part
    em1 = f.b.fadd(f.b.fmul(scale, p), f.b.fsub(scale, constant(x.type, 1.0)))
    y = f.b.fdiv(em1, f.b.fadd(em1, constant(x.type, 2.0)))
    return _keep_nan(f, x, f.intrinsic(f"llvm.copysign.{suffix(x.type)}", x.type, y, x))


def arctan(f: Function, x: Value) -> Value:
    """arctan x = pi/2 - arctan 1/x beyond 1; then twice the half-angle rule a -> a / (1 + sqrt(1 + a^2)); series."""
    *_, terms = _format(x.type)
    one = constant(x.type, 1.0)
    a = unary(f, "fabs", x)
    big = f.b.fcmp_ordered(">", a, one)
    t = f.b.select(big, f.b.fdiv(one, a), a)
    for _ in range(2):
        t = f.b.fdiv(t, f.b.fadd(one, unary(f, "sqrt", f.b.fadd(one, f.b.fmul(t, t)))))
    z = f.b.fmul(t, t)
    series = _horner(f, z, [(-1) ** k / (2 * k + 1) for k in range(terms + 1)])
    y = f.b.fmul(constant(x.type, 4.0), f.b.fmul(t, series))
    y = f.b.select(big, f.b.fsub(constant(x.type, math.pi / 2), y), y)
    y = f.b.select(f.b.fcmp_ordered("<", a, constant(x.type, 2.0**-27)), a, y)  # quarters of subnormals would vanish
    return _keep_nan(f, x, f.intrinsic(f"llvm.copysign.{suffix(x.type)}", x.type, y, x))


def arccos(f: Function, x: Value) -> Value:
    """2 arctan(sqrt((1 - x) / (1 + x))), of x clamped to [-1, 1]."""
    one = constant(x.type, 1.0)
    c = _clamp(f, x, -1.0, 1.0)
    ratio = f.b.fdiv(f.b.fsub(one, c), f.b.fadd(one, c))  # infinite at -1, where arctan gives pi / 2
    return f.b.fmul(constant(x.type, 2.0), arctan(f, unary(f, "sqrt", ratio)))


def _half_pi(bits: int, count: int) -> list[float]:
    """pi/2 in parts, all but the last so short that n times one is exact: near a zero of sin, r keeps its digits."""
    rest, parts = Fraction(0x1921FB54442D18469898CC51701B839A252049C1, 1 << 156), []
    for i in range(1, count):
        step = 1 << (bits * i - 1)
        parts.append(Fraction(round(rest * step), step))
        rest -= parts[-1]
    return [float(part) for part in (*parts, rest)]


def _sincos(f: Function, x: Value, shift: int) -> Value:
    """sin(x + shift pi/2): x = n pi/2 + r with pi/2 in parts; the quadrant picks series and sign.

    Beyond |x| = 2^20 (2^12 in float32) the reduction would lose digits: the result is NaN.
    """
    bits, _, _, _, terms, _ = _format(x.type)
    whole, n = _round(f, f.b.fmul(x, constant(x.type, 2 / math.pi)))
    r = x
    for part in _half_pi(32, 3) if bits == 52 else _half_pi(11, 4):
        r = f.b.fsub(r, f.b.fmul(whole, constant(x.type, part)))
    z = f.b.fmul(r, r)
    sine = [(-1) ** k / math.factorial(2 * k + 1) for k in range(1, terms + 1)]
    cosine = [(-1) ** k / math.factorial(2 * k) for k in range(1, terms + 1)]
    s = f.b.fadd(r, f.b.fmul(f.b.fmul(r, z), _horner(f, z, sine)))
    c = f.b.fadd(constant(x.type, 1.0), f.b.fmul(z, _horner(f, z, cosine)))
    quadrant = f.b.add(n, _integer(x.type, shift))
    zero = _integer(x.type, 0)
    odd = f.b.icmp_signed("!=", f.b.and_(quadrant, _integer(x.type, 1)), zero)
    y = f.b.select(odd, c, s)
    flip = f.b.icmp_signed("!=", f.b.and_(quadrant, _integer(x.type, 2)), zero)
    near = f.b.fcmp_ordered("<=", unary(f, "fabs", x), constant(x.type, 2.0**20 if bits == 52 else 2.0**12))
    return f.b.select(near, f.b.select(flip, f.b.fneg(y), y), constant(x.type, math.nan))


def sin(f: Function, x: Value) -> Value:
    return _sincos(f, x, 0)


def cos(f: Function, x: Value) -> Value:
    return _sincos(f, x, 1)


def power(f: Function, a: Value, b: Value) -> Value:
    """a^b = exp(b log a), the product b log a carried in two parts so that large exponents keep their digits.

    Negative a gives NaN but for whole b; 0^b is 0, 1 or inf; a^0 is 1, as in NumPy.
    """
    typ = a.type
    one, zero = constant(typ, 1.0), constant(typ, 0.0)
    size = unary(f, "fabs", a)
    m, e = _frexp(f, size)
    _, _, _, terms, *_ = _format(typ)
    # log2-free: log m in two parts, t - s^2-corrections, with the division's remainder carried along
    top = f.b.fsub(m, one)
    bottom = f.b.fadd(m, one)
    s_high = f.b.fdiv(top, bottom)
    s_low = f.b.fdiv(_remainder(f, top, s_high, m), bottom)
    z = f.b.fmul(s_high, s_high)
    series = f.b.fmul(f.b.fmul(s_high, z), _horner(f, z, [2 / (2 * k + 1) for k in range(1, terms + 1)]))
    low = f.b.fadd(f.b.fmul(constant(typ, 2.0), s_low), series)
    high = f.b.fmul(constant(typ, 2.0), s_high)
    bits, *_ = _format(typ)
    head = math.ldexp(round(math.ldexp(math.log(2), bits - 12)), 12 - bits)
    tail = (math.log(2) - head) + 2.3190468138462996e-17
    whole = f.b.fmul(e, constant(typ, head))
    total, lost = _two_sum(f, whole, high)
    low = f.b.fadd(low, f.b.fadd(lost, f.b.fmul(e, constant(typ, tail))))
    total, low = _two_sum(f, total, low)
    # b (total + low)
    product, rest = _two_product(f, total, b)
    rest = f.b.fadd(rest, f.b.fmul(low, b))
    clamp = 1500.0 if _elem(typ) == F64 else 200.0
    limited = _clamp(f, product, -clamp, clamp)
    inside = f.b.fcmp_ordered("==", limited, product)
    rest = f.b.select(inside, rest, zero)
    y = exp(f, limited)
    y = f.b.select(
        f.b.fcmp_ordered("<", unary(f, "fabs", y), constant(typ, math.inf)), f.b.fadd(y, f.b.fmul(y, rest)), y
    )
    zero_base = f.b.fcmp_ordered("==", a, zero)
    at_zero = f.b.select(f.b.fcmp_ordered("<", b, zero), constant(typ, math.inf), zero)
    infinite = f.b.fcmp_ordered("==", size, constant(typ, math.inf))
    y = f.b.select(infinite, f.b.select(f.b.fcmp_ordered("<", b, zero), zero, constant(typ, math.inf)), y)
    negative = f.b.fcmp_ordered("<", a, zero)
    is_whole = f.b.fcmp_ordered("==", unary(f, "floor", b), b)
    half = f.b.fmul(b, constant(typ, 0.5))
    is_even = f.b.fcmp_ordered("==", unary(f, "floor", half), half)
    signed_zero = f.intrinsic(f"llvm.copysign.{suffix(typ)}", typ, at_zero, a)
    at_zero = f.b.select(is_whole, f.b.select(is_even, at_zero, signed_zero), at_zero)
    y = f.b.select(zero_base, at_zero, y)
    signed = f.b.select(is_whole, f.b.select(is_even, y, f.b.fneg(y)), constant(typ, math.nan))
    y = f.b.select(negative, signed, y)
    y = f.b.select(f.b.fcmp_unordered("uno", a, b), f.b.fadd(a, b), y)
    y = f.b.select(f.b.fcmp_ordered("==", a, one), one, y)
    return f.b.select(f.b.fcmp_ordered("==", b, zero), one, y)


def _split(f: Function, a: Value) -> tuple[Value, Value]:
    """a = high + low, each of half the bits: the low half of the mantissa masked away."""
    bits, *_ = _format(a.type)
    drop = (bits + 3) // 2
    width = 64 if bits == 52 else 32
    mask = -(1 << drop) & ((1 << width) - 1)
    raw = f.b.and_(f.b.bitcast(a, integer_like(a.type)), _integer(a.type, mask))
    high = f.b.bitcast(raw, a.type)
    return high, f.b.fsub(a, high)


def _two_product(f: Function, a: Value, b: Value) -> tuple[Value, Value]:
    """(p, e) with a b = p + e to working accuracy (Dekker), without a fused multiply-add."""
    p = f.b.fmul(a, b)
    ah, al = _split(f, a)
    bh, bl = _split(f, b)
    e = f.b.fsub(f.b.fmul(ah, bh), p)
    e = f.b.fadd(e, f.b.fmul(ah, bl))
    e = f.b.fadd(e, f.b.fmul(al, bh))
    return p, f.b.fadd(e, f.b.fmul(al, bl))


def _two_sum(f: Function, a: Value, b: Value) -> tuple[Value, Value]:
    """(s, e) with a + b = s + e exactly (Knuth)."""
    s = f.b.fadd(a, b)
    t = f.b.fsub(s, a)
    return s, f.b.fadd(f.b.fsub(a, f.b.fsub(s, t)), f.b.fsub(b, t))


def _remainder(f: Function, top: Value, quotient: Value, m: Value) -> Value:
    """top - quotient (m + 1), with the product's and the sum's rounding kept."""
    one = constant(m.type, 1.0)
    bottom, lost = _two_sum(f, m, one)
    p, e = _two_product(f, quotient, bottom)
    return f.b.fsub(f.b.fsub(f.b.fsub(top, p), e), f.b.fmul(quotient, lost))


TABLE = {"exp": exp, "log": log, "tanh": tanh, "arctan": arctan, "arccos": arccos, "sin": sin, "cos": cos}

__all__ = ["TABLE", "power", "unary"]
