"""How much of space a ball is, by dimension: in d = 3 half of the cube around it, in d = 20 a forty-millionth.

    V(d, r) = pi^(d/2) r^d / Gamma(d/2 + 1)

Gamma overflows a float64 at d = 341, so beyond d = 100 it goes by logarithms, whose rounding leaves 12 digits at
d = 1,000. A ball in a cube of side 1 has radius 1/2. A shell of thickness t, as a share of the radius, is
1 - (1 - t)^d of the ball: at d = 512 the outermost hundredth holds 99.4% of it. So a point drawn from a ball lies near
its surface, and a ball reaches no corner of its cube: what is near in every coordinate alone and what is near in all of
them together part ways.
"""

from __future__ import annotations

import math
from typing import Any

from likewise.errors import InputError
from likewise.geometry.space import whole


def log_ball_volume(d: int, radius: float = 1.0) -> float:
    """Natural logarithm of :func:`ball_volume`, which has no d too large.

    >>> round(log_ball_volume(10_000), 3)
    -31867.494
    """
    d, radius = whole(d, "d", 1, "of dimensions"), _positive(radius, "radius")
    return d / 2 * math.log(math.pi) + d * math.log(radius) - math.lgamma(d / 2 + 1)


def ball_volume(d: int, radius: float = 1.0) -> float:
    """Volume of the d-dimensional ball: pi^(d/2) r^d / Gamma(d/2 + 1).

    Parameters
    ----------
    d : int
    radius : float

    Returns
    -------
    float
        0.0 where it is below 5e-324 (a radius of 1: from d = 453), inf above 1.8e308; see :func:`log_ball_volume`.

    Raises
    ------
    InputError
        Unless d is a whole number of at least 1 and the radius above 0.

    Examples
    --------
    The unit ball is largest in 5 dimensions.

    >>> [round(ball_volume(d), 3) for d in (1, 2, 3, 5, 8, 20)]
    [2.0, 3.142, 4.189, 5.264, 4.059, 0.026]
    """
    d, radius = whole(d, "d", 1, "of dimensions"), _positive(radius, "radius")
    if d <= 100 and 0.1 <= radius <= 10:  # no factor overflows: a digit or two more than by logarithms
        half, odd = divmod(d, 2)
        volume = 2 * radius if odd else 1.0
        for step in range(1, half + 1):  # V(d) = V(d - 2) 2 pi r^2 / d
            volume *= 2 * math.pi * radius * radius / (2 * step + odd)
        return volume
    try:
        return math.exp(log_ball_volume(d, radius))
    except OverflowError:
        return math.inf


def ball_in_cube(d: int) -> float:
    """Share of the unit cube that the ball inscribed in it fills: that of radius 1/2.

    Examples
    --------
    >>> [round(ball_in_cube(d), 5) for d in (2, 3, 8, 20)]
    [0.7854, 0.5236, 0.01585, 0.0]
    """
    return ball_volume(d, 0.5)


def shell(d: int, thickness: float) -> float:
    """Share of a ball's volume within ``thickness`` of its surface: 1 - (1 - thickness)^d.

    Parameters
    ----------
    d : int
    thickness : float
        As a share of the radius, 0 to 1.

    Examples
    --------
    >>> [round(shell(d, 0.01), 3) for d in (1, 2, 3, 512)]
    [0.01, 0.02, 0.03, 0.994]
    """
    d = whole(d, "d", 1, "of dimensions")
    share = _number(thickness, "thickness")
    if not 0 <= share <= 1:
        raise InputError(f"thickness={thickness!r}; a share of the radius, from 0 to 1, is wanted")
    return 1.0 if share == 1 else -math.expm1(d * math.log1p(-share))  # thin shells keep their digits


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is not a number") from None


def _positive(value: Any, name: str) -> float:
    number = _number(value, name)
    if not 0 < number < math.inf:
        raise InputError(f"{name}={value!r}; a number above 0 is wanted")
    return number
