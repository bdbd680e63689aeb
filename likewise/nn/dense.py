"""A layer of neurons, each of which compares its input with its weights by any metric."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import DtypeError, InputError, ShapeError
from likewise.formula.metrics import dot
from likewise.nn.activation import activated, activation_of
from likewise.nn.check import accumulate_dtype, check_count, check_metric, check_tensor, finite
from likewise.nn.comparison import scores
from likewise.nn.spread import spread


class Dense(nn.Module):
    """activation(scale * score(x, w_j) + b_j) for each neuron j: ``torch.nn.Linear`` under any metric.

    A similarity enters as it is and a distance negated, so that a neuron answers most to what is like its weights.
    ``metric="dot"`` without an activation is ``torch.nn.Linear``, to the bit.

    Parameters
    ----------
    in_features : int
    out_features : int
        Neurons.
    metric : str, Metric or callable
    activation : {"relu", "gelu", "silu", "sigmoid", "tanh", ...} or callable, optional
        A callable takes a tensor to one of the same shape. Default: none.
    bias : bool
    scale : float or "learned", optional
        What scores are multiplied by. Default: 1 for similarities; for distances what makes those of standard normal
        rows vary by 1. "learned" begins there.
    device, dtype
        Of the parameters.

    Raises
    ------
    InputError, ShapeError, UnknownMetricError
        Where sizes do not fit, or the metric is not known or has no gradient.

    Notes
    -----
    How learning begins: for "dot" as in ``torch.nn.Linear``. Else weights are points among the inputs, and are taken to
    be spread as these are: standard normal, for inputs of mean 0 and variance 1. A distance to them has a large mean
    and a small spread, so biases begin where they balance the mean: about half of the neurons are above 0.

    Examples
    --------
    >>> import torch
    >>> layer = Dense(4, 3, metric="euclidean", activation="relu")
    >>> layer(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        metric: Any = "dot",
        activation: str | Callable[[Tensor], Tensor] | None = None,
        bias: bool = True,
        scale: float | str | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = check_count(in_features, "in_features")
        self.out_features = check_count(out_features, "out_features")
        self.metric = check_metric(metric, in_features, learned=True)
        self.activation, self._activate = activation_of("identity" if activation is None else activation)
        if dtype is not None and not dtype.is_floating_point:
            raise DtypeError(f"dtype={str(dtype)[6:]} cannot be learned in; a floating one is wanted: torch.float32")
        self._sign = 1.0 if self.metric.closer == "larger" else -1.0
        self._usual = 1.0 if self._sign > 0 else 1 / spread(self.metric, in_features)[1]
        learned = isinstance(scale, str)
        if learned and scale != "learned":
            raise InputError(f"scale={scale!r} is not known; it is a number or 'learned'")
        if scale is not None and not learned:
            self._usual = finite(scale)
        made = {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.empty(out_features, in_features, **made))
        self.bias = nn.Parameter(torch.empty(out_features, **made)) if bias else None
        self.scale: float | nn.Parameter = nn.Parameter(torch.empty((), **made)) if learned else self._usual
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin anew."""
        with torch.no_grad():
            if self.metric == dot:
                nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            else:
                nn.init.normal_(self.weight)
            if self.bias is not None:
                if self.metric == dot:
                    nn.init.uniform_(self.bias, -1 / math.sqrt(self.in_features), 1 / math.sqrt(self.in_features))
                elif self._sign < 0:
                    self.bias.fill_(self._usual * spread(self.metric, self.in_features)[0])
                else:
                    self.bias.zero_()
            if isinstance(self.scale, nn.Parameter):
                self.scale.fill_(self._usual)

    def extra_repr(self) -> str:
        """What is printed of it."""
        scale = "'learned'" if isinstance(self.scale, nn.Parameter) else f"{self.scale:.4g}"
        activation = self.activation if not callable(self.activation) else getattr(self.activation, "__name__", "...")
        kept = f"{self.in_features}, {self.out_features}, metric={self.metric.name!r}"
        return f"{kept}, activation={activation!r}, bias={self.bias is not None}, scale={scale}"

    def forward(self, x: Tensor) -> Tensor:
        """What the neurons say of each row.

        Parameters
        ----------
        x : Tensor of shape (..., in_features)

        Returns
        -------
        Tensor of shape (..., out_features)
            In the dtype of ``x``, or that of autocast; 16-bit numbers are compared in float32.
        """
        self._check(x)
        value = self._value(x)
        return value if self.activation == "identity" else activated(self._activate, value)

    def _value(self, x: Tensor) -> Tensor:
        plain = self.metric == dot and not isinstance(self.scale, nn.Parameter) and self.scale == 1
        if plain:
            return F.linear(x, self.weight, self.bias)
        kind = x.device.type
        cast = kind != "meta" and torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if cast else x.dtype
        with torch.autocast(kind if kind != "meta" else "cpu", enabled=False):
            wide = accumulate_dtype(self.weight.dtype)
            rows = x.to(wide).reshape(-1, self.in_features)
            value = scores(rows, self.weight.to(wide), self.metric) * (self._sign * self.scale)
            if self.bias is not None:
                value = value + self.bias
            return value.reshape(*x.shape[:-1], self.out_features).to(dtype)

    def _check(self, x: Any) -> None:
        check_tensor(x, "x")
        if x.shape[-1] != self.in_features:
            raise ShapeError(f"x has shape {tuple(x.shape)}; rows of in_features={self.in_features} are wanted")
        if x.device != self.weight.device:
            raise InputError(f"x is on {x.device} and the layer on {self.weight.device}; move one: .to(x.device)")
        kind = x.device.type
        if x.dtype != self.weight.dtype and not (kind != "meta" and torch.is_autocast_enabled(kind)):
            found = f"x holds {str(x.dtype)[6:]} and the layer {str(self.weight.dtype)[6:]}"
            raise DtypeError(f"{found}; convert one: layer.to(x.dtype)")
