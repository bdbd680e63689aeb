"""Is a formula a kernel? Proofs by the rules under which kernels are closed, read off the expression.

A function K of two rows is a *kernel* (positive semi-definite) if it is symmetric and sum_ij c_i c_j K(x_i, x_j) >= 0
for all rows x_i and numbers c_i. It is *conditionally negative definite* (here: a *squared distance*) if that sum is
<= 0 wherever the c_i add up to 0: as |x - y|^2 is, and |x - y|. The two are bound by Schoenberg's theorem:

    psi is a squared distance   <=>   exp(-t psi) is a kernel for every t > 0.

Rules, with f any function of one row, K and L kernels, psi and phi squared distances (Berg, Christensen and Ressel,
"Harmonic Analysis on Semigroups", 1984, chapter 3):

    kernels             f(x) f(y),  c >= 0,  K + L,  c K,  K L (Schur),  K^n,  exp(K),  exp(-psi),
                        1 / psi and psi^-a where psi >= c > 0,  min(f(x), f(y)) where f >= 0,  cos(f(x) - f(y)),
                        [f(x) = f(y)],  (1 + a) exp(-a) for a = sqrt(psi) (Matern),
                        K without the rows that have a property: where(p(x) | p(y), 0, K)
    squared distances   |f(x) - f(y)|^p for 0 < p <= 2,  max(f(x), f(y)),  f(x) + f(y),  c,  psi + phi,  c psi,  -K,
                        psi^p for 0 < p <= 1 and log(c + psi) for c >= 1 where psi >= 0,
                        [f(x) != f(y)],  arccos of a kernel within [-1, 1]

A rule that applies proves; where none does, nothing is said. The proofs are of the formula in real numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from likewise.formula.expr import ACC, Expr, X, Y, const
from likewise.formula.metric import Metric

Steps = tuple[str, ...]
_ONE = const(1)
_POSITIVE_STATISTICS = ("norm", "dev", "norm1", "nnz")


def proof_of_kernel(metric: Metric, *, nonnegative: bool = False) -> Steps | None:
    """The steps that prove a metric to be a kernel, or None. ``nonnegative``: on rows without negative values."""
    return Prover(metric, nonnegative and metric.matrix is None).kernel(metric.finish)


def proof_of_distance(metric: Metric, *, nonnegative: bool = False) -> Steps | None:
    """The steps that prove a metric to be conditionally negative definite, or None."""
    found = Prover(metric, nonnegative and metric.matrix is None).distance(metric.finish)
    return None if found is None else found.steps


@dataclass(frozen=True)
class Distance:
    """A proof that an expression is a squared distance, and whether it is never negative."""

    steps: Steps
    nonnegative: bool


@dataclass
class Prover:
    """The rules, for one metric. Each method gives the steps of a proof, or None."""

    metric: Metric
    nonnegative: bool
    _kernels: dict[Expr, Steps | None] = field(default_factory=dict)
    _distances: dict[Expr, Distance | None] = field(default_factory=dict)

    def kernel(self, e: Expr) -> Steps | None:
        """Whether e is a kernel."""
        if e not in self._kernels:
            self._kernels[e] = None  # for the question inside itself
            self._kernels[e] = self._kernel(e)
        return self._kernels[e]

    def distance(self, e: Expr) -> Distance | None:
        """Whether e is a squared distance."""
        if e not in self._distances:
            self._distances[e] = None
            self._distances[e] = self._distance(e)
        return self._distances[e]

    # ------------------------------------------------------------------------------------------------ kernels

    def _kernel(self, e: Expr) -> Steps | None:
        if e.op == "acc":
            inner = self._summed(e)
            steps = self.kernel(inner) if inner else None
            return steps and (*steps, f"{e} = sum({inner}): a sum of kernels")
        if not e.side():
            return (f"{e}: a constant >= 0",) if self.never_negative(e) else None
        if e.op == "add" or e.op == "sub" or e.op == "neg":
            return self._sum_of_kernels(e)
        if e.op in ("mul", "div"):
            return self._product_of_kernels(e)
        if e.op == "exp":
            found = self.distance(Expr("neg", e.args))
            if direct := self.kernel(e.args[0]):
                return (*direct, f"{e}: the exponential of a kernel")
            step = f"{e}: exp(-psi) of a conditionally negative definite psi (Schoenberg)"
            return None if found is None else (*found.steps, step)
        if e.op == "pow":
            return self._power_of_kernel(e)
        if e.op == "min" and _mirrored(*e.args) and all(map(self.never_negative, e.args)):
            return (
                f"{e}: the smaller of two numbers >= 0, the length that [0, {e.args[0]}] and [0, {e.args[1]}] share",
            )
        if e.op == "cos" and e.args[0].op == "sub" and _mirrored(*e.args[0].args):
            return (f"{e}: cos a cos b + sin a sin b, a sum of products f(x) f(y)",)
        if e.op == "eq" and _mirrored(*e.args):
            return (f"{e}: 1 where both are the same",)
        if e.op == "and" and _mirrored(*e.args):
            return (f"{e}: a product f(x) f(y)",)
        if e.op == "where":
            return self._where_kernel(e)
        return None

    def _summed(self, acc: Expr) -> Expr | None:
        """The term whose sum an accumulator is."""
        return self.metric.terms[int(acc.value or 0)] if self.metric.combine in ("sum", "mean") else None

    def _sum_of_kernels(self, e: Expr) -> Steps | None:
        terms = _terms(e)
        if len(terms) == 1:
            return self.kernel(terms[0][1]) if terms[0][0] > 0 and terms[0][1] != e else None
        parts = [self.kernel(_signed(term, sign)) for sign, term in terms]
        if any(part is None for part in parts):
            return None
        return (*_together(parts), f"{e}: a sum of kernels")

    def _product_of_kernels(self, e: Expr) -> Steps | None:
        """f(x) f(y), a scale, kernels, and reciprocals of positive squared distances: in one product."""
        over, under = _factors(e)
        scale = [f for f in (*over, *under) if not f.side()]
        one_sided = [[f for f in part if len(f.side()) == 1] for part in (over, under)]
        if sum(self._negative(f) for f in scale) % 2 or not all(self._signed(f) for f in scale):
            return None
        if not all(_symmetric(part) for part in one_sided):
            return None
        kernels, divisors = ([f for f in part if f.side() == "xy"] for part in (over, under))
        proofs: list[Steps | None] = []
        if one_sided[0] or one_sided[1]:
            proofs.append((f"{_written(*one_sided)}: a product f(x) f(y)",))
        if matern := self._matern(kernels):
            proofs.append(matern)
        else:
            proofs += [self.kernel(f) for f in kernels]
        proofs += [self._reciprocal(f) for f in divisors]
        if any(proof is None for proof in proofs):
            return None
        if len(proofs) == 1 and not scale:
            return proofs[0]
        return (*_together(proofs), f"{e}: " + ("a product of kernels" if len(proofs) > 1 else "a kernel, scaled"))

    def _reciprocal(self, e: Expr) -> Steps | None:
        found = self.distance(e)
        if found is None or not self._above_zero(e):
            return None
        return (*found.steps, f"1 / ({e}): the integral over t of exp(-t psi), psi = {e} > 0")

    def _power_of_kernel(self, e: Expr) -> Steps | None:
        base, exponent = e.args
        if exponent.op == "const":
            power = float(exponent.value or 0.0)
            steps = self.kernel(base)
            if steps and power > 0 and power == int(power):
                return (*steps, f"{e}: a whole power of a kernel")
            found = self.distance(base)
            if found and power < 0 and self._above_zero(base):
                return (*found.steps, f"{e}: a mixture of exp(-t psi) over t, psi = {base} > 0")
        return None

    def _matern(self, factors: list[Expr]) -> Steps | None:
        """(1 + a) exp(-a), a = c sqrt(psi): with u = a^2, -d/du of it is exp(-sqrt u) / 2, completely monotone."""
        if len(factors) != 2:
            return None
        for linear, decay in (factors, factors[::-1]):
            if linear.op == "add" and linear.args[1] == _ONE and decay == Expr("exp", (Expr("neg", linear.args[:1]),)):
                over, under = _factors(linear.args[0])
                roots = [f for f in over if f.op == "sqrt"]
                others = [f for f in (*over, *under) if f.op != "sqrt"]
                found = self.distance(roots[0].args[0]) if len(roots) == 1 else None
                if found and found.nonnegative and all(not f.side() and self.never_negative(f) for f in others):
                    what = "a completely monotone function of a^2, a conditionally negative definite number >= 0"
                    return (*found.steps, f"({linear}) * {decay}: {what} (Schoenberg)")
        return None

    def _where_kernel(self, e: Expr) -> Steps | None:
        test, then, other = e.args
        if test.op == "or" and _mirrored(*test.args) and then == const(0):
            steps = self.kernel(other)
            return steps and (*steps, f"{e}: a kernel, 0 for the rows where {test.args[0]}")
        if equal := _if_equal(e):
            same, differ = equal
            if self.never_negative(differ) and self._at_least(same, differ):
                return (f"{e}: more for the same than for different values",)
        if test.op == "and" and _mirrored(*test.args) and other == const(0) and self._scalar(then):
            return (f"{e}: a product f(x) f(y)",)
        return None

    # ------------------------------------------------------------------------------------------------ distances

    def _distance(self, e: Expr) -> Distance | None:
        if e.op == "acc":
            inner = self._summed(e)
            found = self.distance(inner) if inner else None
            step = f"{e} = sum({inner}): a sum of conditionally negative definite terms"
            return found and Distance((*found.steps, step), found.nonnegative)
        if not e.side():
            return Distance((f"{e}: a constant",), self.never_negative(e))
        power = _power_of_difference(e)
        if power is not None and 0 < power[1] <= 2:
            what = f"|a - b|^{power[1]:g} with an exponent of at most 2"
            return Distance((f"{e}: {what} is conditionally negative definite",), True)
        if e.op in ("add", "sub", "neg"):
            return self._sum_of_distances(e)
        if e.op in ("mul", "div"):
            return self._scaled_distance(e)
        if e.op == "sqrt" or (e.op == "pow" and e.args[1].op == "const" and 0 < float(e.args[1].value or 0) <= 1):
            found = self.distance(e.args[0])
            if found and found.nonnegative:
                return Distance((*found.steps, f"{e}: a power of at most 1 of a squared distance >= 0"), True)
            return None
        if e.op == "log":
            return self._logarithm(e)
        if e.op == "max" and _mirrored(*e.args):
            sign = all(map(self.never_negative, e.args))
            return Distance((f"{e}: half of a + b + |a - b|, conditionally negative definite",), sign)
        if e.op == "ne" and _mirrored(*e.args):
            return Distance((f"{e}: 1 - [a = b], conditionally negative definite",), True)
        if e.op == "arccos" and self._within_one(e.args[0]) and (steps := self.kernel(e.args[0])):
            what = "pi/2 less a power series of a kernel with coefficients >= 0: conditionally negative definite"
            return Distance((*steps, f"{e}: {what}"), True)
        if e.op == "where" and (equal := _if_equal(e)):
            same, differ = equal
            if self._at_least(differ, same):
                step = f"{e}: less for the same than for different values, conditionally negative definite"
                return Distance((step,), self.never_negative(same))
        return None

    def _sum_of_distances(self, e: Expr) -> Distance | None:
        parts: list[Steps | None] = []
        sides: list[tuple[int, Expr]] = []
        nonnegative, bounds = True, 0.0  # bounds: constants, less the largest values of kernels taken away
        terms = _terms(e)
        if len(terms) == 1 and terms[0][0] > 0:
            return self.distance(terms[0][1]) if terms[0][1] != e else None
        for sign, term in terms:
            if len(term.side()) == 1:
                sides.append((sign, term))
                nonnegative &= sign > 0 and self.never_negative(term)
                continue
            if term.op == "const":
                bounds += sign * float(term.value or 0)
                continue
            found = self.distance(term) if sign > 0 else None
            if found:
                parts.append(found.steps)
                nonnegative &= found.nonnegative
            elif not term.side():
                parts.append(None if sign < 0 and not self.never_negative(term) else ())
                nonnegative &= sign > 0 and self.never_negative(term)
            else:
                steps = self.kernel(_signed(term, -sign))
                parts.append(steps and (*steps, f"{_signed(term, sign)}: a kernel, negated"))
                nonnegative &= sign < 0 and self._within_one(term)
                bounds -= 1.0
        x, y = ([(sign, t) for sign, t in sides if t.side() == side] for side in "xy")
        if any(part is None for part in parts) or not _same(x, [(sign, _swap(t)) for sign, t in y]):
            return None
        return Distance((*_together(parts), f"{e}: a sum of such terms"), nonnegative and bounds >= 0)

    def _scaled_distance(self, e: Expr) -> Distance | None:
        over, under = _factors(e)
        scale = [f for f in (*over, *under) if not f.side()]
        rest = [f for f in over if f.side()]
        if any(f.side() for f in under) or not rest or not all(self._signed(f) for f in scale):
            return None
        negative = sum(self._negative(f) for f in scale) % 2
        inner = rest[0]
        for f in rest[1:]:
            inner = Expr("mul", (inner, f))
        if inner == e:
            return None
        if negative:
            steps = self.kernel(inner)
            if steps:
                return Distance((*steps, f"{e}: a kernel, negated"), False)
            found = self.distance(Expr("neg", (inner,))) if inner.op in ("add", "sub", "neg") else None
            return found and Distance((*found.steps, f"{e}: scaled"), found.nonnegative)
        found = self.distance(inner)
        return found and Distance((*found.steps, f"{e}: scaled by a number >= 0"), found.nonnegative)

    def _logarithm(self, e: Expr) -> Distance | None:
        inner = e.args[0]
        found = self.distance(inner)
        least = sum(float(term.value or 0) * sign for sign, term in _terms(inner) if term.op == "const")
        if found is None or least < 1:
            return None
        rest = [(sign, term) for sign, term in _terms(inner) if term.op != "const"]
        if all(sign > 0 and (d := self.distance(term)) and d.nonnegative for sign, term in rest):
            return Distance((*found.steps, f"{e}: the logarithm of 1 or more and a squared distance"), True)
        return None

    # ------------------------------------------------------------------------------------------------ signs

    def never_negative(self, e: Expr) -> bool:
        """Whether a value is >= 0 for all rows in question."""
        if e.op in ("x", "y"):
            return self.nonnegative
        if e.op == "const":
            return float(e.value or 0) >= 0
        if e.op == "stat":
            kind = str(e.value)[:-2]
            return kind in _POSITIVE_STATISTICS or (self.nonnegative and kind in ("sum", "mean"))
        if e.op in ("dim", "abs", "sqrt", "exp", "arccos") or e.is_truth:
            return True
        if e.op == "acc":
            return self.never_negative(self.metric.terms[int(e.value or 0)])
        if e.op == "mul" and e.args[0] == e.args[1]:
            return True
        if e.op == "pow" and e.args[1].op == "const" and float(e.args[1].value or 0) % 2 == 0:
            return True
        if e.op in ("add", "mul", "div", "min"):
            return all(map(self.never_negative, e.args))
        if e.op == "max":
            return any(map(self.never_negative, e.args))
        if e.op == "where":
            return all(map(self.never_negative, e.args[1:]))
        return e.op in ("pow", "floor") and self.never_negative(e.args[0])

    def _scalar(self, e: Expr) -> bool:
        return not e.side() and self.never_negative(e)

    def _negative(self, e: Expr) -> bool:
        return self.never_negative(
            Expr("neg", (e,)) if e.op != "const" else const(-float(e.value or 0))
        ) and e != const(0)

    def _signed(self, e: Expr) -> bool:
        """Whether a scalar's sign is known."""
        return self.never_negative(e) or self._negative(e)

    def _at_least(self, a: Expr, b: Expr) -> bool:
        return a.op == "const" and b.op == "const" and float(a.value or 0) >= float(b.value or 0)

    def _above_zero(self, e: Expr) -> bool:
        """A sum of a positive constant and of what is never negative."""
        terms = _terms(e)
        if sum(float(t.value or 0) * sign for sign, t in terms if t.op == "const") <= 0:
            return False
        rest = [(sign, t) for sign, t in terms if t.op != "const"]
        return all(sign > 0 and (self.never_negative(t) or _is_nonnegative(self.distance(t))) for sign, t in rest)

    def _within_one(self, e: Expr) -> bool:
        """A kernel in [-1, 1]: a cosine, a correlation, exp(-psi) of psi >= 0."""
        if e.op == "exp":
            return _is_nonnegative(self.distance(Expr("neg", e.args)))
        if e.op == "where" and e.args[0].op == "or" and e.args[1] == const(0):
            return self._within_one(e.args[2])
        over, under = _factors(e)
        if over != [ACC] or len(self.metric.terms) != 1 or self.metric.combine != "sum":
            return False
        named = {"norm": (X, Y), "dev": tuple(Expr("sub", (v, Expr("stat", value=f"mean_{v}"))) for v in (X, Y))}
        return any(
            set(under) == {Expr("stat", value=f"{name}_x"), Expr("stat", value=f"{name}_y")}
            and len(under) == 2
            and self.metric.terms[0] in (Expr("mul", pair), Expr("mul", pair[::-1]))
            for name, pair in named.items()
        )


# ------------------------------------------------------------------------------------------------ shapes of expressions


def _is_nonnegative(found: Distance | None) -> bool:
    return found is not None and found.nonnegative


def _swap(e: Expr) -> Expr:
    """The expression with the two rows exchanged."""

    def visit(node: Expr) -> Expr:
        if node.op in ("x", "y"):
            return Y if node.op == "x" else X
        if node.op == "stat":
            name = str(node.value)
            return Expr("stat", value=name[:-1] + ("y" if name.endswith("x") else "x"))
        return node

    return e.rebuild(visit)


def _mirrored(a: Expr, b: Expr) -> bool:
    """Whether a is f(x), and b the same f of y, or the other way round."""
    return len(a.side()) == 1 and a == _swap(b)


def _terms(e: Expr) -> list[tuple[int, Expr]]:
    """A sum as its signed terms."""
    if e.op == "neg":
        return [(-sign, term) for sign, term in _terms(e.args[0])]
    if e.op in ("add", "sub"):
        first, second = _terms(e.args[0]), _terms(e.args[1])
        return first + (second if e.op == "add" else [(-sign, term) for sign, term in second])
    if e.op in ("mul", "div") and e.args[1].op == "const" and e.args[0].op in ("add", "sub", "neg"):
        # a sum, scaled by a number: its terms, each scaled
        factor = float(e.args[1].value or 0)
        size = const(abs(factor))
        turn = -1 if factor < 0 else 1
        return [(sign * turn, term if size == _ONE else Expr(e.op, (term, size))) for sign, term in _terms(e.args[0])]
    if e.op == "const" and float(e.value or 0) < 0:
        return [(-1, const(-float(e.value or 0)))]
    if e.op in ("mul", "div"):  # (-a) * b and a * (-2)
        over, under = _factors(e)
        negative = [f for f in (*over, *under) if f.op == "const" and float(f.value or 0) < 0]
        if len(negative) % 2:
            return [(-1, _written_out([_plus(f) for f in over], [_plus(f) for f in under]))]
    return [(1, e)]


def _plus(e: Expr) -> Expr:
    return const(abs(float(e.value or 0))) if e.op == "const" else e


def _written_out(over: list[Expr], under: list[Expr]) -> Expr:
    """The product of these over the product of those, without factors of 1."""
    over = [f for f in over if f != _ONE] or [_ONE]
    e = over[0]
    for f in over[1:]:
        e = Expr("mul", (e, f))
    for f in under:
        if f != _ONE:
            e = Expr("div", (e, f))
    return e


def _signed(term: Expr, sign: int) -> Expr:
    if sign > 0:
        return term
    return const(-float(term.value or 0)) if term.op == "const" else Expr("neg", (term,))


def _factors(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """A product as what stands above and below its line."""
    if e.op == "mul":
        (a, b), (c, d) = _factors(e.args[0]), _factors(e.args[1])
        return a + c, b + d
    if e.op == "div":
        (a, b), (c, d) = _factors(e.args[0]), _factors(e.args[1])
        return a + d, b + c
    if e.op == "neg":
        a, b = _factors(e.args[0])
        return [const(-1), *a], b
    if e == _ONE:
        return [], []
    return [e], []


def _symmetric(one_sided: list[Expr]) -> bool:
    """Whether factors of one row each come in pairs f(x), f(y)."""
    x = [(1, f) for f in one_sided if f.side() == "x"]
    y = [(1, _swap(f)) for f in one_sided if f.side() == "y"]
    return _same(x, y)


def _same(a: list[tuple[int, Expr]], b: list[tuple[int, Expr]]) -> bool:
    rest = list(b)
    for pair in a:
        if pair not in rest:
            return False
        rest.remove(pair)
    return not rest


def _written(over: list[Expr], under: list[Expr]) -> str:
    return str(_written_out(over, under))


def _power_of_difference(e: Expr) -> tuple[Expr, float] | None:
    """(f(x) - f(y), p) where e is |f(x) - f(y)|^p."""
    if e.op == "abs":
        inner = e.args[0]
        return (inner, 1.0) if inner.op == "sub" and _mirrored(*inner.args) else None
    if e.op == "sqrt":
        found = _power_of_difference(e.args[0])
        return found and (found[0], found[1] / 2)
    if e.op == "pow" and e.args[1].op == "const":
        exponent = float(e.args[1].value or 0)
        base = e.args[0]
        if base.op == "sub" and _mirrored(*base.args):
            return (base, exponent) if exponent % 2 == 0 else None
        found = _power_of_difference(base)
        return found and (found[0], found[1] * exponent)
    if e.op == "mul":
        a, b = e.args
        if a == b and a.op == "sub" and _mirrored(*a.args):
            return (a, 2.0)
        left, right = _power_of_difference(a), _power_of_difference(b)
        if left and right and left[0] == right[0]:
            return (left[0], left[1] + right[1])
    return None


def _if_equal(e: Expr) -> tuple[Expr, Expr] | None:
    """(value where both are the same, value where they differ) of where(f(x) == f(y), ...), or None."""
    test, then, other = e.args
    if test.op in ("eq", "ne") and _mirrored(*test.args) and not then.side() and not other.side():
        return (then, other) if test.op == "eq" else (other, then)
    return None


def _together(parts: list[Steps | None]) -> Steps:
    """The steps of several proofs, each once."""
    return tuple(dict.fromkeys(_all(parts)))


def _all(parts: list[Steps | None]) -> Iterator[str]:
    for part in parts:
        yield from part or ()
