"""A formula on tensors: torch operations whose gradients are finite wherever the value is.

At a kink or a pole the slope is the one that :mod:`likewise.formula.derive` states: 0 for sqrt and small powers at 0,
for a quotient where its divisor is 0, and for arccos at -1 and 1. torch's own would be infinite there, and infinity
times 0 is NaN, also where the formula's ``where`` takes the other branch. So quotients and what is made of them pass
no gradient on to a number that is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from likewise.formula.expr import Expr


def _numbers(*values: Any) -> list[Tensor]:
    """Values as tensors: a constant may stand beside a tensor, or alone."""
    like = next((v for v in values if isinstance(v, Tensor)), torch.zeros((), dtype=torch.float64))
    return [v if isinstance(v, Tensor) else like.new_tensor(v) for v in values]


def _where_smooth(smooth: Tensor, value: Tensor, safe: float, function: Callable[[Tensor], Tensor]) -> Tensor:
    """function(value), with a slope of 0 where it is not ``smooth``."""
    inside = function(torch.where(smooth, value, value.new_tensor(safe)))
    return torch.where(smooth, inside, function(value.detach()))


def _sqrt(a: Tensor) -> Tensor:
    return _where_smooth(a != 0, a, 1.0, torch.sqrt)


def _arccos(a: Tensor) -> Tensor:
    return _where_smooth(a.abs() < 1, a, 0.0, lambda t: torch.arccos(t.clamp(-1, 1)))


def _div(a: Any, b: Any) -> Tensor:
    a, b = _numbers(a, b)
    good = (b != 0) & torch.isfinite(a)
    return torch.where(good, torch.where(good, a, 0) / torch.where(good, b, 1), a.detach() / b.detach())


def _guarded_mul(a: Any, b: Any) -> Tensor:
    a, b = _numbers(a, b)
    good = torch.isfinite(a) & torch.isfinite(b)
    return torch.where(good, torch.where(good, a, 0) * torch.where(good, b, 0), a.detach() * b.detach())


def _pow(a: Any, b: Any) -> Tensor:
    a, b = _numbers(a, b)
    if b.ndim == 0 and not b.requires_grad:
        power = float(b)
        if power >= 1 or power == 0:
            return torch.pow(a, power)
        return _where_smooth(a != 0, a, 1.0, lambda t: torch.pow(t, power))
    return torch.where(a == 0, torch.pow(a.detach(), b.detach()), torch.pow(torch.where(a == 0, 1, a), b))


_POLES = ("div", "log", "pow")

_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "neg": torch.neg,
    "abs": torch.abs,
    "sqrt": _sqrt,
    "floor": torch.floor,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "arctan": torch.arctan,
    "arccos": _arccos,
    "not": torch.logical_not,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _div,
    "pow": _pow,
    "min": lambda a, b: torch.minimum(*_numbers(a, b)),
    "max": lambda a, b: torch.maximum(*_numbers(a, b)),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
}


def evaluate(expr: Expr, env: Mapping[Expr, Any]) -> Any:
    """The value of ``expr`` where ``env`` gives its leaves: tensors that broadcast, or numbers.

    Values are shared: each subtree is computed once. Leaves of ``env`` may be callables, made when first needed.
    """
    done: dict[Expr, Any] = {}

    def walk(e: Expr) -> Any:
        if e not in done:
            done[e] = compute(e)
        return done[e]

    def compute(e: Expr) -> Any:
        if e in env:
            value = env[e]
            return value() if callable(value) else value
        if e.op == "const":
            return float(e.value if e.value is not None else math.nan)
        args = [walk(a) for a in e.args]
        if e.op == "where":
            test, a, b = args
            return torch.where(test, *_numbers(a, b)) if isinstance(test, Tensor) else (a if test else b)
        if e.op in _UNARY:
            return _UNARY[e.op](*_numbers(*args))
        if e.op == "mul" and any(node.op in _POLES for node in e.walk()):
            return _guarded_mul(*args)
        return _BINARY[e.op](*args)

    return walk(expr)
