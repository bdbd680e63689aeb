"""What a score becomes before it weighs a value: ReLU and its kin by name, or a function of one's own."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from likewise.errors import InputError, ShapeError

Activation = Callable[[Tensor], Tensor]


def _softmax(scores: Tensor) -> Tensor:
    return torch.softmax(scores, -1)


#: name -> function; all but softmax look at one score at a time.
ACTIVATIONS: dict[str, Activation] = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda scores: F.gelu(scores, approximate="tanh"),
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": _softmax,
    "identity": lambda scores: scores,
}
_MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": lambda: nn.Softmax(-1),
    "identity": nn.Identity,
}


def activation_of(value: Any) -> tuple[str | Activation, Activation]:
    """What ``activation=`` names, as it is kept and as it is called."""
    if isinstance(value, str):
        if value in ACTIVATIONS:
            return value, ACTIVATIONS[value]
        near = difflib.get_close_matches(value, ACTIVATIONS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(ACTIVATIONS)}"
        raise InputError(f"activation={value!r} is not known; {hint}")
    if not callable(value):
        raise InputError(
            f"activation= is of type {type(value).__name__}; a name ({', '.join(ACTIVATIONS)}) "
            "or a function of a tensor is wanted"
        )
    return value, value


def activated(activation: Activation, scores: Tensor) -> Tensor:
    """The activations of scores, one for each."""
    made = activation(scores)
    if made.shape != scores.shape:
        raise ShapeError(
            f"activation= made {tuple(made.shape)} of scores {tuple(scores.shape)}; it must keep their shape"
        )
    return made


def module_of(kept: str | Activation) -> nn.Module | None:
    """The torch module of an activation; None where it is a function that is no module."""
    if isinstance(kept, str):
        return _MODULES[kept]()
    return kept if isinstance(kept, nn.Module) else None


def named(module: nn.Module) -> str | nn.Module:
    """The name of a torch activation, or the module itself where it has none here."""
    if type(module) is nn.GELU:
        return "gelu" if module.approximate == "none" else "gelu_tanh"
    if type(module) is nn.Softmax and module.dim != -1:
        raise InputError(f"the softmax goes along axis {module.dim}; along the keys it is nn.Softmax(-1)")
    plain = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.Softmax: "softmax"}
    return plain.get(type(module), "identity" if type(module) is nn.Identity else module)
