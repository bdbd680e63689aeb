"""Settings of kernel machines, checked where they are used: in ``fit``, as scikit-learn wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from likewise.arrays import parse_memory
from likewise.compute.options import read_options
from likewise.errors import InputError

#: For matrices that are kept: what a machine with 8 GB can spare.
DEFAULT_LIMIT = 2 << 30


def number(name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf) -> float:
    """A finite number within its range."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name}={value!r} is not a number")
    found = float(value)
    if not math.isfinite(found) or found <= above or found < least:
        wanted = f"above {above:g}" if above > -math.inf else f"of at least {least:g}"
        raise InputError(f"{name}={value!r} is out of range; a finite number {wanted} is wanted")
    return found


def whole(name: str, value: Any, *, least: int) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise InputError(f"{name}={value!r}: a whole number of at least {least} is wanted")
    return int(value)


def choice(name: str, value: Any, known: Sequence[str]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name}={value!r} is not known; it is one of {', '.join(known)}")
    return value


def limit(memory_limit: Any) -> int:
    """``memory_limit=`` in bytes."""
    return parse_memory(memory_limit) or DEFAULT_LIMIT


def room_for_gram(n: int, memory_limit: Any, copies: int, instead: str) -> None:
    """InputError where matrices of n x n numbers are more than ``memory_limit``."""
    wanted = 8.0 * n * n * copies
    if wanted > limit(memory_limit):
        raise InputError(
            f"the Gram matrix of {n:,} rows needs {wanted / 1e9:.2g} GB of the {limit(memory_limit) / 1e9:.2g} GB of "
            f"memory_limit; {instead}"
        )


def reporter(progress: Any) -> Callable[[int, int], None]:
    """``progress=``: None, True (a line on standard error) or a function of done and total."""
    return read_options(None, None, "raise", progress).progress or (lambda done, total: None)
