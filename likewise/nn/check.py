"""The door: tensors, metrics and sizes, with errors that say what was found and what to try."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from likewise.compute.sides import metric_for
from likewise.errors import DtypeError, InputError, ShapeError
from likewise.formula.derive import has_gradient
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric


def check_tensor(value: Any, name: str, dims: int = 1) -> Tensor:
    """A floating tensor of at least ``dims`` axes."""
    if not isinstance(value, Tensor):
        raise InputError(f"{name} is of type {type(value).__name__}; a torch tensor is wanted: torch.as_tensor({name})")
    if not value.is_floating_point():
        raise DtypeError(f"{name} holds {str(value.dtype)[6:]}; a floating tensor is wanted: {name}.float()")
    if value.ndim < dims:
        raise ShapeError(f"{name} has shape {tuple(value.shape)}; at least {dims} axes are wanted")
    return value


def check_together(**tensors: Tensor) -> None:
    """Tensors that meet in one operation: one device, one dtype."""
    (first, one), *others = tensors.items()
    for name, other in others:
        if other.device != one.device:
            raise InputError(f"{first} is on {one.device} and {name} on {other.device}; move one: .to({first}.device)")
        if other.dtype != one.dtype:
            found = f"{first} holds {str(one.dtype)[6:]} and {name} {str(other.dtype)[6:]}"
            raise DtypeError(f"{found}; convert one: {name}.to({first}.dtype)")


def check_metric(metric: Any, d: int | None = None, *, learned: bool = False) -> Metric:
    """The metric, that it takes rows of ``d`` coordinates, and, where it is to be ``learned``, that it has a slope."""
    found = as_metric(metric) if d is None else metric_for(metric, d)
    if learned and not has_gradient(found):
        raise InputError(
            f"{found.name} counts coordinates and has no gradient, so nothing would be learned; "
            "take one that moves with its rows, such as 'manhattan'"
        )
    return found


def check_count(value: Any, name: str, least: int = 1) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name}={value!r} is not a whole number")
    count = int(value.__index__())
    if count < least:
        raise InputError(f"{name}={count} is too small: at least {least} is wanted")
    return count


def accumulate_dtype(dtype: torch.dtype) -> torch.dtype:
    """What sums are computed in: float32 for 16-bit numbers."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def check_rows(x: Any, name: str, d: int, **like: Tensor) -> Tensor:
    """Inputs (..., d) as rows (n, d), of the device and dtype of a parameter: in its dtype under torch.autocast."""
    (one,) = like.values()
    check_tensor(x, name)
    if x.shape[-1] != d:
        raise ShapeError(f"{name} has shape {tuple(x.shape)}; the last axis must be d={d}")
    if x.device == one.device and x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        x = x.to(one.dtype)
    check_together(**{name: x}, **like)
    rows: Tensor = x.reshape(-1, d)
    return rows


def finite(scale: Any) -> float:
    """A finite number."""
    try:
        value = float(scale)
    except (TypeError, ValueError):
        raise InputError(f"scale={scale!r} is not a number") from None
    if not math.isfinite(value):
        raise InputError(f"scale={scale!r} is not finite")
    return value


def check_number(value: Any, name: str, least: float = 0.0) -> float:
    """A finite number of at least ``least``."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is not a number") from None
    if not (math.isfinite(number) and number >= least):
        raise InputError(f"{name}={value!r} is out of range: a finite number of at least {least:g} is wanted")
    return number


def check_share(value: Any, name: str) -> float:
    """A number of at least 0 and below 1."""
    try:
        share = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is not a number") from None
    if not 0 <= share < 1:
        raise InputError(f"{name}={value!r} is out of range: at least 0 and below 1 is wanted")
    return share
