"""What ``torch.compile`` and ``torch.jit.trace`` are to leave alone: functions whose machine code they cannot read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run as it is inside a compiled graph: the graph breaks there."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling():
            # not as a decorator, which would load the compiler with every import
            return torch.compiler.disable(function)(*args, **kwargs)  # type: ignore[no-any-return, no-untyped-call]
        return function(*args, **kwargs)

    return call


def tracing() -> bool:
    """Whether ``torch.jit.trace`` is at work: it would keep what the engine answers as a constant."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
