"""Keys and values of the tokens so far, so that a model that writes computes each of them once."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.errors import InputError, ShapeError
from likewise.nn.check import check_count, check_tensor, check_together


class Cache:
    """The keys and values of one :class:`~likewise.nn.Attention`; a model has one for each layer.

    Rows are kept as they are compared: (batch, kv_heads, length, head_dim), so that grouped heads are stored once.
    Memory is taken ``step`` tokens at a time or a quarter more than there was, whichever is more.

    Parameters
    ----------
    step : int
        Tokens that room is made for at a time.

    Attributes
    ----------
    length : int
        Tokens so far.

    Examples
    --------
    >>> import torch
    >>> cache = Cache()
    >>> keys, values = cache.append(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4))
    >>> keys, values = cache.append(torch.ones(1, 2, 1, 4), torch.ones(1, 2, 1, 4))
    >>> cache.length, keys.shape
    (4, torch.Size([1, 2, 4, 4]))
    >>> cache.crop(1)
    >>> cache.length
    1
    """

    def __init__(self, *, step: int = 256) -> None:
        self.step = check_count(step, "step")
        self.length = 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def __repr__(self) -> str:
        return f"Cache(length={self.length}, capacity={self.capacity})"

    @property
    def capacity(self) -> int:
        """Tokens that there is room for."""
        return 0 if self._keys is None else self._keys.shape[-2]

    @property
    def keys(self) -> Tensor | None:
        """The keys so far, (batch, heads, length, d), a view; None before the first."""
        return None if self._keys is None else self._keys[..., : self.length, :]

    @property
    def values(self) -> Tensor | None:
        """The values so far, (batch, heads, length, e), a view; None before the first."""
        return None if self._values is None else self._values[..., : self.length, :]

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values, these included, as views.

        Parameters
        ----------
        keys : Tensor of shape (batch, heads, n, d)
        values : Tensor of shape (batch, heads, n, e)

        Raises
        ------
        InputError, ShapeError, DtypeError
            Where they do not fit what is there already, or have gradients to carry.
        """
        check_tensor(keys, "keys", 4)
        check_tensor(values, "values", 4)
        check_together(keys=keys, values=values)
        if keys.shape[:-1] != values.shape[:-1]:
            raise ShapeError(f"keys have shape {tuple(keys.shape)} and values {tuple(values.shape)}; one value per key")
        if torch.is_grad_enabled() and (keys.requires_grad or values.requires_grad):
            raise InputError("a cache keeps no gradients; call the model under torch.no_grad(), or without cache=")
        for name, kept, new in (("keys", self._keys, keys), ("values", self._values, values)):
            if kept is not None:
                _check_like(name, kept, new)
        with torch.no_grad():
            start, self.length = self.length, self.length + keys.shape[-2]
            all_keys, all_values = self._room(start, keys, values)
            all_keys[..., start : self.length, :] = keys
            all_values[..., start : self.length, :] = values
            return all_keys[..., : self.length, :], all_values[..., : self.length, :]

    def _room(self, start: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Where the first ``start`` tokens are kept, and there is room for all."""
        if self._keys is not None and self._values is not None and self.length <= self.capacity:
            return self._keys, self._values
        capacity = -(-max(self.length, self.capacity * 5 // 4) // self.step) * self.step
        made = []
        for kept, new in ((self._keys, keys), (self._values, values)):
            room = new.new_zeros((*new.shape[:-2], capacity, new.shape[-1]))
            if kept is not None:
                room[..., :start, :] = kept[..., :start, :]
            made.append(room)
        self._keys, self._values = made
        return self._keys, self._values

    def crop(self, length: int) -> None:
        """Forget all tokens but the first ``length``; the room stays."""
        length = check_count(length, "length", 0)
        if length > self.length:
            raise InputError(f"length={length} is more than the {self.length} tokens that the cache holds")
        self.length = length

    def reset(self) -> None:
        """Forget all tokens, and give the room back: the next ones may be of another batch, dtype or device."""
        self.length, self._keys, self._values = 0, None, None


def _check_like(name: str, kept: Tensor, new: Tensor) -> None:
    check_together(cache=kept, **{name: new})
    (batch, heads, _, d), (b, h, _, e) = kept.shape, new.shape
    if (batch, heads, d) != (b, h, e):
        held = f"(batch, heads, d) = {(batch, heads, d)}"
        raise ShapeError(f"the cache holds {name} of {held}, these are of {(b, h, e)}; reset() it, or take another")
