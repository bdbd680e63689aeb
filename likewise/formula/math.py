"""``lw.math``: the functions that a formula may call.

They work on traced values (inside a formula) and on plain numbers and arrays (to try a formula out).

>>> from likewise import math
>>> math.where(2.0 > 1.0, math.sqrt(4.0), 0.0)
2.0
"""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.formula.trace import Traced, apply

_NUMPY: dict[str, Any] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "arctan": np.arctan,
    "arccos": lambda v: np.arccos(np.clip(v, -1.0, 1.0)),
    "min": np.minimum,
    "max": np.maximum,
    "where": np.where,
}


def _call(op: str, *args: Any) -> Any:
    if any(isinstance(a, Traced) for a in args):
        return apply(op, *args)
    result = _NUMPY[op](*args)
    return result.item() if np.ndim(result) == 0 else result


def abs(a: Any, /) -> Any:
    """Absolute value."""
    return _call("abs", a)


def sqrt(a: Any, /) -> Any:
    """Square root; NaN below zero."""
    return _call("sqrt", a)


def floor(a: Any, /) -> Any:
    """Largest whole number not above ``a``."""
    return _call("floor", a)


def exp(a: Any, /) -> Any:
    """e to the power ``a``."""
    return _call("exp", a)


def log(a: Any, /) -> Any:
    """Natural logarithm; -inf at zero, NaN below."""
    return _call("log", a)


def sin(a: Any, /) -> Any:
    """Sine of an angle in radians."""
    return _call("sin", a)


def cos(a: Any, /) -> Any:
    """Cosine of an angle in radians."""
    return _call("cos", a)


def tanh(a: Any, /) -> Any:
    """Hyperbolic tangent."""
    return _call("tanh", a)


def arctan(a: Any, /) -> Any:
    """Angle in (-pi/2, pi/2) with that tangent."""
    return _call("arctan", a)


def arccos(a: Any, /) -> Any:
    """Angle in [0, pi] with that cosine; the cosine is first clamped to [-1, 1], past which it may have rounded."""
    return _call("arccos", a)


def minimum(a: Any, b: Any, /) -> Any:
    """The smaller of two numbers."""
    return _call("min", a, b)


def maximum(a: Any, b: Any, /) -> Any:
    """The larger of two numbers."""
    return _call("max", a, b)


def where(condition: Any, a: Any, b: Any, /) -> Any:
    """``a`` where the condition holds, else ``b``: what an ``if`` would say."""
    return _call("where", condition, a, b)
