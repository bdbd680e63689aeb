"""What layers and shapes are made of, checked at the door."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from likewise.costs.text import nearest
from likewise.errors import InputError, ShapeError

#: The largest axis, the most axes, and the most numbers that an array may have: what is counted stays a finite float.
LARGEST, MOST_AXES, MOST_NUMBERS = 10**12, 32, 10**18


def read_size(value: Any, name: str, least: int = 1) -> int:
    """A whole number of at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={str(value)[:40]!r} is not a whole number") from None
    if isinstance(value, bool):
        raise InputError(f"{name}={value} is not a whole number")
    if number < least:
        raise InputError(f"{name}={number}; at least {least} is wanted")
    if number > LARGEST:
        raise InputError(f"{name}={_short(number)} is too large; at most {LARGEST:,} is counted with")
    return number


def _short(number: int) -> str:
    return f"{number:,}" if number < 10**18 else f"{float(min(number, 10**300)):.3g}"


def read_shape(value: Any, name: str) -> tuple[int, ...]:
    """A shape: a tuple or list of whole numbers, or what has a ``.shape``."""
    given = getattr(value, "shape", value)
    if not isinstance(given, (tuple, list)):
        raise InputError(f"{name} is of type {type(value).__name__}; a shape such as (3, 2), or an array, is wanted")
    if len(given) > MOST_AXES:
        raise ShapeError(f"{name} has {len(given)} axes; at most {MOST_AXES} are drawn")
    shape = tuple(read_size(size, f"an axis of {name}", 0) for size in given)
    if math.prod(shape) > MOST_NUMBERS:
        raise ShapeError(
            f"{name} has {_short(math.prod(shape))} numbers; at most {_short(MOST_NUMBERS)} are counted with"
        )
    return shape


def read_flag(value: Any, name: str) -> bool:
    """True or False, and nothing that is only taken for one."""
    if not isinstance(value, bool):
        raise InputError(f"{name}={str(value)[:40]!r} is not known; it is True or False")
    return value


def read_choice(value: Any, name: str, known: Iterable[str]) -> str:
    """One of a few words."""
    words = list(known)
    if value not in words:
        raise InputError(
            f"{name}={str(value)[:40]!r} is not known; it is one of {', '.join(words)}{nearest(str(value)[:40], words)}"
        )
    return str(value)


def read_heads(width: int, heads: Any, kv_heads: Any) -> tuple[int, int]:
    """How many heads, and how many of keys and values, which share the width equally."""
    many = read_size(heads, "heads")
    shared = many if kv_heads is None else read_size(kv_heads, "kv_heads")
    if width % many:
        raise InputError(f"width={width} is not a multiple of heads={many}: heads share the width equally")
    if many % shared:
        raise InputError(f"heads={many} is not a multiple of kv_heads={shared}: each serves equally many")
    return many, shared
