"""How far a formula evaluated in float32 can be from its true value.

Forward error analysis of an expression, node by node (Higham, *Accuracy and Stability of Numerical Algorithms*,
ch. 2-3). Each node gets

    interval [low, high]   where its true value lies,
    relative rho, absolute eta   with  |computed - true| <= rho |true| + eta,

under the standard model fl(a op b) = (a op b)(1 + delta) + mu with |delta| <= u, |mu| <= half the smallest
subnormal (mu = 0 for + and -, which never underflow). ``None`` where nothing rigorous is known: then a search does
not screen with the formula but computes it in float64.

All arithmetic here is float64 on numbers of the size of u = 2^-24; every result is inflated by a relative 2^-40, far
above what float64 loses in the few operations of an analysis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from likewise.formula.expr import Expr

#: Unit roundoff and smallest subnormal of float32.
U32 = 2.0**-24
TINY32 = 2.0**-149
#: Magnitudes above this are not trusted to stay finite in float32.
HUGE32 = 2.0**126
_SAFE = 1 + 2.0**-40


@dataclass(frozen=True)
class Error:
    """Interval of the true value and bound of the computed one; ``whole`` where values are integers."""

    low: float
    high: float
    rho: float = 0.0
    eta: float = 0.0
    whole: bool = False

    @property
    def magnitude(self) -> float:
        return max(abs(self.low), abs(self.high))

    @property
    def exact(self) -> bool:
        return self.rho == 0 and self.eta == 0

    @property
    def absolute(self) -> float:
        """The bound with its relative part taken at the largest magnitude."""
        return self.eta + (self.rho * self.magnitude if self.rho else 0.0)


Bound = Error | None


def _compound(*rhos: float) -> float:
    """(1 + a)(1 + b)... - 1, rounded up."""
    product = 1.0
    for rho in rhos:
        product *= 1 + rho
    return (product - 1) * _SAFE + (2.0**-60 if any(rhos) else 0.0)


def _rounded(low: float, high: float, rho: float, eta: float, *, whole: bool, tiny: bool) -> Bound:
    """The result of one correctly rounded operation on operands already bounded by rho, eta."""
    if math.isnan(low) or math.isnan(high):
        return None
    if whole and max(abs(low), abs(high)) < 2**24 and rho == 0 and eta == 0:
        return Error(low, high, 0.0, 0.0, True)  # integers below 2^24 are exact in float32
    return Error(low, high, _compound(rho, U32), eta * (1 + U32) * _SAFE + (TINY32 if tiny else 0.0), whole)


def _corners(op: str, a: Error, b: Error) -> tuple[float, float]:
    def one(x: float, y: float) -> float:
        if op == "mul":
            return 0.0 if x == 0 or y == 0 else x * y
        return x / y if y else math.copysign(math.inf, x) if x else 0.0

    values = [one(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return min(values), max(values)


def _add(a: Error, b: Error, sign: int) -> Bound:
    low = a.low + (b.low if sign > 0 else -b.high)
    high = a.high + (b.high if sign > 0 else -b.low)
    whole = a.whole and b.whole
    if a.exact and b.exact:
        return _rounded(low, high, 0.0, 0.0, whole=whole, tiny=False)
    alike = (a.low >= 0 and b.low >= 0 and sign > 0) or (a.high <= 0 and b.high <= 0 and sign > 0)
    if alike:
        return _rounded(low, high, max(a.rho, b.rho), a.eta + b.eta, whole=False, tiny=False)
    eta = a.absolute + b.absolute
    return _rounded(low, high, 0.0, eta, whole=False, tiny=False) if math.isfinite(eta) else None


def _mul(a: Error, b: Error, same: bool) -> Bound:
    low, high = _corners("mul", a, b)
    if same:
        low = 0.0
    eta = 0.0
    if a.eta or b.eta:
        eta = a.magnitude * (1 + a.rho) * b.eta + b.magnitude * (1 + b.rho) * a.eta + a.eta * b.eta
        if not math.isfinite(eta):
            return None
    whole = a.whole and b.whole
    return _rounded(low, high, _compound(a.rho, b.rho), eta, whole=whole, tiny=True)


def _div(a: Error, b: Error) -> Bound:
    if b.low < 0 < b.high or b.eta:
        return None  # a denominator of unknown sign, or one that could round to zero
    if b.high <= 0:
        return None
    low, high = _corners("div", a, b)
    if b.low == 0:
        low, high = (min(low, 0.0) if a.low >= 0 else -math.inf), math.inf
    if a.eta and b.low == 0:
        return None
    if b.rho >= 0.5:
        return None
    eta = a.eta / (b.low * (1 - b.rho)) if a.eta else 0.0
    return _rounded(low, high, _compound(a.rho, b.rho / (1 - b.rho)), eta, whole=False, tiny=True)


def _extreme(op: str, a: Error, b: Error) -> Bound:
    pick = min if op == "min" else max
    low, high = pick(a.low, b.low), pick(a.high, b.high)
    whole = a.whole and b.whole
    if a.low >= 0 and b.low >= 0:
        return Error(low, high, max(a.rho, b.rho), max(a.eta, b.eta), whole)
    eta = max(a.absolute, b.absolute)
    return Error(low, high, 0.0, eta, whole) if math.isfinite(eta) else None


def _decidable(condition: Expr, env: dict[Expr, Bound]) -> bool:
    """Whether float32 takes the branch that exact arithmetic takes."""
    if condition.op in ("and", "or", "not"):
        return all(_decidable(a, env) for a in condition.args)
    a, b = (analyse(arg, env) for arg in condition.args)
    if a is None or b is None:
        return False
    if a.exact and b.exact:
        return True
    # the sign of a value with a relative bound below 1 alone is never lost
    zero = Error(0.0, 0.0)
    return any(p == zero or (p.low == p.high == 0) for p in (a, b)) and all(p.eta == 0 and p.rho < 0.5 for p in (a, b))


def _known_ratio(e: Expr) -> tuple[float, float] | None:
    """|a - b| / (|a| + |b|) lies in [0, 1], which intervals alone do not see."""
    top, bottom = e.args
    if not (top.op == "abs" and top.args[0].op in ("sub", "add") and bottom.op == "add"):
        return None
    return (0.0, 1.0) if {Expr("abs", (a,)) for a in top.args[0].args} == set(bottom.args) else None


def analyse(e: Expr, env: dict[Expr, Bound], *, last: bool = False) -> Bound:
    """The error of ``e`` in float32, given that of its leaves; None where no bound is known.

    ``last``: nothing is computed from the value, so that a quotient of sums may be as large as it likes: should it
    overflow to infinity, its true value is still above every finite one.
    """
    if e in env:
        return env[e]
    if e.op == "const":
        value = float(e.value or 0.0)
        whole = value == int(value) if math.isfinite(value) else False
        representable = abs(value) < 2**24 and whole
        return Error(
            value, value, 0.0 if representable else U32, 0.0 if abs(value) > 2.0**-100 or value == 0 else TINY32, whole
        )
    if e.op == "where":
        if not _decidable(e.args[0], env):
            return None
        branches = [analyse(a, env, last=last) for a in e.args[1:]]
        a, b = branches
        if a is None or b is None:
            return None
        joined = Error(
            min(a.low, b.low), max(a.high, b.high), max(a.rho, b.rho), max(a.eta, b.eta), a.whole and b.whole
        )
        return joined
    args = [analyse(a, env) for a in e.args]
    if not args or any(a is None for a in args):
        return None
    found = _operation(e, [a for a in args if a is not None])
    if found is None or (last and found.low >= 0 and not found.eta > TINY32):
        return found
    return found if found.magnitude < HUGE32 else None


def _operation(e: Expr, args: list[Error]) -> Bound:
    a = args[0]
    match e.op:
        case "neg":
            return Error(-a.high, -a.low, a.rho, a.eta, a.whole)
        case "abs":
            low = 0.0 if a.low < 0 < a.high else min(abs(a.low), abs(a.high))
            return Error(low, a.magnitude, a.rho, a.eta, a.whole)
        case "sqrt":
            if a.low < 0 or a.rho >= 0.5:
                return None
            # sqrt((1 + r) v + e) <= sqrt(v)(1 + r) + sqrt(e), and from below sqrt(v)(1 - r) - sqrt(e)
            return _rounded(math.sqrt(a.low), math.sqrt(a.high), a.rho, math.sqrt(a.eta), whole=False, tiny=True)
        case "add" | "sub":
            return _add(a, args[1], 1 if e.op == "add" else -1)
        case "mul":
            return _mul(a, args[1], e.args[0] == e.args[1])
        case "div":
            if (known := _known_ratio(e)) is not None and a.eta == 0 and args[1].eta == 0 and args[1].rho < 0.5:
                rho = _compound(a.rho, args[1].rho / (1 - args[1].rho))
                return _rounded(*known, rho, 0.0, whole=False, tiny=True)
            return _div(a, args[1])
        case "min" | "max":
            return _extreme(e.op, a, args[1])
    return None  # exp, log, pow...: no rigorous float32 bound is claimed


def combined(term: Bound, combine: str, d: int) -> Bound:
    """The error of ``d`` terms combined one after another in float32.

    A sum of terms that are never negative keeps a relative bound: |error| <= ((1 + rho)(1 + u)^(d-1) - 1) sum + d eta.
    One with both signs has an absolute bound only, at d times the largest term.
    """
    if term is None:
        return None
    if combine in ("max", "min"):
        return term
    steps = max(d - 1, 0)
    if steps * U32 > 0.01:
        return None  # (1 + u)^d - 1 would no longer be small: beyond some 160,000 dimensions
    low, high = d * term.low, d * term.high
    if not (abs(low) < HUGE32 and abs(high) < HUGE32):
        return None
    if term.exact and term.whole and max(abs(low), abs(high)) < 2**24:
        return Error(low, high, 0.0, 0.0, True)
    growth = math.expm1(steps * math.log1p(U32)) * _SAFE
    if term.low >= 0:
        return Error(low, high, _compound(term.rho, growth), d * term.eta * (1 + growth) * _SAFE)
    largest = term.magnitude * (1 + term.rho) + term.eta
    eta = d * (term.absolute + largest * growth) * _SAFE
    return Error(low, high, 0.0, eta)
