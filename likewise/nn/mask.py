"""Which keys a query may look at: all, those up to its own place, those of a mask, and both at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from likewise.errors import DtypeError, InputError, ShapeError


@dataclass(frozen=True)
class Part:
    """Some rows of queries, and how many keys they can see at most."""

    rows: slice
    stop: int


@dataclass(frozen=True)
class Look:
    """What queries see.

    Attributes
    ----------
    offset : int, optional
        Causal: query i sees the keys 0 .. offset + i.
    mask : Tensor of shape (..., n or 1, m), optional
        Boolean (True = may look) or added to the scores (-infinity hides).
    """

    offset: int | None = None
    mask: Tensor | None = None

    @property
    def additive(self) -> bool:
        """Whether a mask is added to the scores."""
        return self.mask is not None and self.mask.is_floating_point()

    def parts(self, q: Tensor, k: Tensor, pairs: int) -> Iterator[Part]:
        """The queries in parts for which a mask of at most ``pairs`` numbers is made; all at once if none is made."""
        n, m = q.shape[-2], k.shape[-2]
        rows = n
        if self.offset is not None and n > 1 and (self.mask is not None or self.offset):
            rows = max(16, pairs // max(m, 1))
        for start in range(0, n, max(rows, 1)):
            yield self.part(start, min(start + rows, n), m)

    def part(self, start: int, stop: int, m: int) -> Part:
        """Queries start .. stop, and the keys they can see."""
        return Part(slice(start, stop), m if self.offset is None else min(m, self.offset + stop))

    def fused_causal(self, part: Part) -> bool:
        """Whether query i of the part sees just the keys 0 .. i."""
        return self.offset is not None and self.offset + part.rows.start == 0

    def of(self, part: Part, device: torch.device) -> Tensor | None:
        """The mask of a part, (..., rows or 1, stop)."""
        mask = self.mask
        if mask is not None:
            mask = mask[..., part.rows if mask.shape[-2] > 1 else slice(None), : part.stop]
        if self.offset is None or part.stop <= self.offset + part.rows.start + 1:
            return mask
        places = torch.arange(part.rows.start, part.rows.stop, device=device) + self.offset
        causal = torch.arange(part.stop, device=device) <= places[:, None]
        if mask is None:
            return causal
        return mask & causal if mask.dtype == torch.bool else torch.where(causal, mask, -math.inf)


def rows_of(t: Tensor, rows: slice) -> Tensor:
    """Some rows; all of them are the tensor itself, whose gradient needs no copy."""
    whole = rows.start in (None, 0) and (rows.stop is None or rows.stop >= t.shape[-2])
    return t if whole else t[..., rows, :]


def seeing(mask: Tensor) -> Tensor:
    """Whether each query may look at anything, (..., n or 1, 1)."""
    return (mask if mask.dtype == torch.bool else mask != -math.inf).any(-1, keepdim=True)


def read_mask(mask: object, lead: tuple[int, ...], n: int, m: int, q: Tensor, offset: int = 0) -> Look:
    """What ``mask=`` says: None, "causal", a boolean or a floating tensor that broadcasts to (*lead, n, m)."""
    if mask is None:
        return Look()
    if isinstance(mask, str):
        if mask != "causal":
            raise InputError(f"mask={mask!r} is not known; it is 'causal', a boolean or an additive tensor")
        return Look(offset)
    return Look(None, check_mask(mask, "mask", (*lead, n, m), q))


def check_mask(mask: object, name: str, shape: tuple[int, ...], q: Tensor) -> Tensor:
    """A boolean or additive mask that broadcasts to ``shape``, with as many axes."""
    if not isinstance(mask, Tensor):
        raise InputError(f"{name} is of type {type(mask).__name__}; None, 'causal' or a torch tensor is wanted")
    if mask.dtype != torch.bool and not mask.is_floating_point():
        found = str(mask.dtype)[6:]
        raise DtypeError(f"{name} holds {found}; boolean (True = may look) or floating (added) is wanted")
    if mask.device != q.device:
        raise InputError(f"{name} is on {mask.device} and q on {q.device}; move one: .to(q.device)")
    try:
        fits = np.broadcast_shapes(tuple(mask.shape), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name} has shape {tuple(mask.shape)}; it must broadcast to {shape}")
    if mask.device.type == "cpu" and mask.is_floating_point() and not bool((mask < math.inf).all()):
        raise InputError(f"{name} holds NaN or +infinity; -infinity hides a key")
    mask = mask.reshape((1,) * (len(shape) - mask.ndim) + mask.shape)
    return mask.expand(*mask.shape[:-1], shape[-1])
