"""Changes of a memory in closed form: what was changed, what else that changed, and the way back."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from likewise.errors import InputError, ShapeError
from likewise.formula.metrics import as_metric
from likewise.nn.check import check_tensor, check_together
from likewise.nn.select import in_blocks, split

if TYPE_CHECKING:
    from likewise.nn.memory import Memory

#: How far above and below 0 a new key's scores are put for activations without a threshold: gelu(-8) is -5e-15,
#: silu(-8) is -0.003, against 8 for the input itself.
SHARP = 8.0
_ROWS = ("keys", "values", "key_bias")


@dataclass(frozen=True)
class Effect:
    """What a change did to some inputs: of ``total`` answers, the largest coordinate of ``changed`` is another one.

    ``inputs`` are their numbers, ``largest`` is the largest difference of any coordinate of any answer.
    """

    changed: int
    total: int
    inputs: Tensor
    largest: float

    @property
    def share(self) -> float:
        """changed / total; 0 of none."""
        return self.changed / self.total if self.total else 0.0

    def __str__(self) -> str:
        return (
            f"{self.changed} of {self.total:,} answers changed ({self.share:.2%}); none by more than {self.largest:.3g}"
        )


@dataclass(frozen=True, eq=False)
class Change:
    """One change of a memory.

    Attributes
    ----------
    kind : {"edit", "add", "remove"}
    keys : tuple of int
        The keys whose values changed; the one that is new; the one that is gone.
    before, after : Tensor of shape (..., d_out), or None
        The answers to the input that the change is about, or the values of the key.
    leak : float or None
        Of a new key: the largest activation of it among the others given, against that by its own input.
    """

    memory: Memory
    kind: str
    keys: tuple[int, ...]
    before: Tensor | None
    after: Tensor | None
    leak: float | None
    _was: Any = field(repr=False)
    _left: bytes = field(repr=False)

    def undo(self) -> None:
        """Put the memory back, bit for bit; the latest change first.

        Raises
        ------
        InputError
            Where the memory has been changed since, or trained.
        """
        check_untouched(self)
        restore(self.memory, self)

    @torch.no_grad()
    def effect(self, inputs: Tensor) -> Effect:
        """Whose answers the change changed: :class:`Effect` on inputs (n, d), each by its largest coordinate."""
        check_untouched(self)
        rows = self.memory.check_table(inputs, "inputs")
        after = self.memory(rows)
        earlier = copy.deepcopy(self.memory)
        restore(earlier, self)
        before = earlier(rows)
        moved = (after.argmax(-1) != before.argmax(-1)).nonzero()[:, 0]
        difference = (after - before).abs()
        return Effect(len(moved), len(rows), moved, float(difference.max()) if difference.numel() else 0.0)

    def __str__(self) -> str:
        many = f"{len(self.keys)} values" if len(self.keys) > 1 else f"value {self.keys[0]}"
        what = {"edit": f"edited {many}", "add": f"added key {self.keys[0]}", "remove": f"removed key {self.keys[0]}"}
        moved = ""
        if self.before is not None and self.after is not None:
            moved = f"; the answer moved by {float(torch.linalg.vector_norm(self.after - self.before)):.3g}"
        leak = "" if self.leak is None else f"; others move it by at most {self.leak:.1%} of what its input does"
        return what[self.kind] + moved + leak


# ---- taking back


def check_untouched(change: Change) -> None:
    """That the memory is, to the bit, as the change left it."""
    if _fingerprint(change.memory) != change._left:
        raise InputError(f"the memory has been changed since it {change}; undo the latest change first")


def _fingerprint(memory: Memory) -> bytes:
    """Of all keys, their biases, and values."""
    made = hashlib.blake2b(digest_size=16)
    for part in _parts(memory):
        made.update(str(tuple(part.shape)).encode())
        made.update(part.cpu().contiguous().view(torch.uint8).numpy().data)
    return made.digest()


@torch.no_grad()
def restore(memory: Memory, change: Change) -> None:
    """Take a change back in its memory, or in a copy of that."""
    was = change._was
    if change.kind == "edit":
        memory.values[list(change.keys)] = was
    elif change.kind == "add":
        _replace(memory, [rows[:-1].clone() for rows in _parts(memory)])
    else:
        at = change.keys[0]
        _replace(memory, [torch.cat([r[:at], row[None], r[at:]]) for r, row in zip(_parts(memory), was, strict=True)])


def _parts(memory: Memory) -> list[Tensor]:
    """The parameters that have a row for each key."""
    return [part.detach() for name in _ROWS if (part := getattr(memory, name)) is not None]


def _replace(memory: Memory, parts: list[Tensor]) -> None:
    """Give these parameters other rows. They stay the same objects, so that an optimiser does not train old ones."""
    for parameter, rows in zip([p for n in _ROWS if (p := getattr(memory, n)) is not None], parts, strict=True):
        parameter.data, parameter.grad = rows, None


def _made(memory: Memory, kind: str, keys: Any, answers: Any, leak: float | None, was: Any) -> Change:
    before, after = answers
    return Change(memory, kind, tuple(keys), before, after, leak, was, _fingerprint(memory))


# ---- the door


def _wanted(memory: Memory, given: Any, shape: tuple[int, ...]) -> Tensor:
    value = check_tensor(given, "value")
    if value.shape != shape:
        raise ShapeError(f"value has shape {tuple(value.shape)}; {shape} is wanted")
    check_together(value=value, values=memory.values)
    if not bool(torch.isfinite(value).all()):
        raise InputError("value has NaN or infinite numbers")
    return value


def _finite_rows(memory: Memory, rows: Any, name: str) -> Tensor:
    made = memory._rows(rows, name) if name == "x" else memory.check_table(rows, name)
    if not bool(torch.isfinite(made).all()):
        bad = (~torch.isfinite(made).all(-1)).nonzero()[:10, 0].tolist()
        raise InputError(f"{name} has NaN or infinite values in row {', '.join(map(str, bad))}; leave them out")
    return made


def _check_ridge(ridge: Any) -> float:
    if isinstance(ridge, bool) or not isinstance(ridge, (int, float)) or not 0 <= ridge < float("inf"):
        raise InputError(f"ridge={ridge!r} is not a number of at least 0")
    return float(ridge)


# ---- values


@torch.no_grad()
def edit(memory: Memory, at: Any, value: Any, others: Tensor | None, ridge: float) -> Change:
    """:meth:`likewise.nn.Memory.edit`."""
    if not isinstance(at, Tensor) or at.ndim == 0:
        key = memory.check_key(at)
        wanted, was = _wanted(memory, value, (memory.d_out,)), memory.values[key].clone()
        memory.values[key] = wanted
        now = memory.values[key].clone()
        return _made(memory, "edit", [key], (was, now), None, was[None])
    if at.ndim > 2:
        raise ShapeError(f"x has shape {tuple(at.shape)}; ({memory.d},) or (m, {memory.d}) is wanted")
    rows, ridge = _finite_rows(memory, at, "x"), _check_ridge(ridge)
    wanted = _wanted(memory, value, (*at.shape[:-1], memory.d_out)).reshape(len(rows), memory.d_out)
    if not len(rows):
        raise ShapeError(f"x has shape {tuple(at.shape)}: at least one input is wanted")
    before = memory(rows)
    answering = memory._activations(rows).double()
    if not (answering != 0).any(-1).all():
        row = int((answering == 0).all(-1).nonzero()[0, 0])
        raise InputError(
            f"no key answers to x (row {row}), so no value changes its answer; add(x, value) gives it a key"
        )
    keys = (answering != 0).any(0).nonzero()[:, 0]
    a = answering[:, keys]
    u = least_disturbing(a, _towards(memory, others, keys, ridge, a))
    was = memory.values[keys].clone()
    memory.values[keys] = (was.double() + u @ (wanted.double() - before.double())).to(was.dtype)
    after = memory(rows)
    allowed = 64 * torch.finfo(was.dtype).eps * (1 + float((a.abs() @ memory.values[keys].double().abs()).max()))
    if not float((after - wanted).abs().max()) <= allowed:
        memory.values[keys] = was
        raise InputError(
            "no change of values gives these answers: the same keys answer to several of the inputs, or hardly answer "
            "to one; edit them one by one, or add(x, value)"
        )
    shape = (*at.shape[:-1], memory.d_out)
    return _made(memory, "edit", keys.tolist(), (before.reshape(shape), after.reshape(shape)), None, was)


def least_disturbing(a: Tensor, towards: Tensor) -> Tensor:
    """U (n, m) with A U = 1, of A (m, n), for which U^T C U is least: T (A T)^-1 with T = C^-1 A^T."""
    made: Tensor = towards @ torch.linalg.pinv(a @ towards, hermitian=True)
    return made


def _towards(memory: Memory, others: Tensor | None, keys: Tensor, ridge: float, a: Tensor) -> Tensor:
    """C^-1 A^T, up to a factor, of C = B^T B + r, with B (others, keys) the others' activations.

    Of fewer others than keys, by the identity C^-1 A^T = (A^T - B^T (B B^T + r)^-1 B A^T) / r.
    """
    if others is None:
        return a.T
    rows = _finite_rows(memory, others, "others")
    if len(rows) < len(keys):
        b = torch.cat([memory._activations(part)[:, keys].double() for part in split(rows, 4096)])
        if (r := _ridge_of(b.square().sum() / len(keys), ridge)) is None:
            return a.T
        gram = b @ b.T + r * torch.eye(len(b), dtype=b.dtype).to(b.device)
        made: Tensor = a.T - b.T @ torch.linalg.solve(gram, b @ a.T)
        return made
    c = torch.zeros(len(keys), len(keys), dtype=torch.float64, device=rows.device)
    for part in split(rows, 4096):
        b = memory._activations(part)[:, keys].double()
        c += b.T @ b
    made = torch.linalg.solve(_ridged(c, ridge), a.T)
    return made


def _ridge_of(mean: Tensor, ridge: float) -> float | None:
    """What is added to a diagonal of that mean; None to one of zeros."""
    return max(ridge, 1e-10) * float(mean) if float(mean) > 0 else None


def _ridged(c: Tensor, ridge: float) -> Tensor:
    """With ridge times the mean of the diagonal added to it, and never quite singular."""
    r = _ridge_of(c.diagonal().mean(), ridge)
    made: Tensor = c + (1.0 if r is None else r) * torch.eye(len(c), dtype=c.dtype).to(c.device)
    return made


# ---- keys


@torch.no_grad()
def add(memory: Memory, x: Any, value: Any, others: Tensor | None, ridge: float) -> Change:
    """:meth:`likewise.nn.Memory.add`."""
    row, ridge = _finite_rows(memory, x, "x"), _check_ridge(ridge)
    if x.ndim != 1:
        raise ShapeError(f"x has shape {tuple(x.shape)}; ({memory.d},) is wanted")
    wanted = _wanted(memory, value, (memory.d_out,))
    rest = memory.keys.detach() if others is None else _finite_rows(memory, others, "others")
    rest = rest[(rest != row).any(-1)]
    key, bias = _new_key(memory, row, rest, ridge)
    before = memory(row)
    was = _parts(memory)
    new = [key.to(row.dtype), torch.zeros_like(wanted), *([] if bias is None else [bias.to(row.dtype)])]
    _replace(memory, [torch.cat([r, one.reshape(1, *r.shape[1:])]) for r, one in zip(was, new, strict=True)])
    weight = memory._activations(row)[0, -1].double()
    if not float(weight.abs()) > 1e-6:
        _replace(memory, was)
        raise InputError(
            f"the new key does not answer to x (its activation is {float(weight):.3g}): others lie too near, or "
            f"top_k={memory.top_k} better keys do; pass others= without what is like x, or edit(x, value)"
        )
    memory.values[-1] = ((wanted.double() - memory(row)[0].double()) / weight).to(wanted.dtype)
    answers = before[0], memory(row)[0]
    return _made(memory, "add", [memory.n_keys - 1], answers, _leak(memory, rest, weight), None)


def _new_key(memory: Memory, row: Tensor, rest: Tensor, ridge: float) -> tuple[Tensor, Tensor | None]:
    """A key (d,) that answers to one input, and its bias, a threshold between this and the rest."""
    is_dot = memory.metric == as_metric("dot")
    key = _direction(row.double(), rest.double(), ridge, memory.key_bias is not None) if is_dot else row[0].double()
    own, highest = _scores(memory, row, key).max(), _scores(memory, rest, key)
    top = highest.max() if len(highest) else own - 2 * own.abs().clamp(min=1)
    margin = (own - top) / 2
    if not float(margin) > 1e-6 * float(own.abs() + top.abs()):
        raise InputError(
            "no threshold tells x from the others: one of them is as near to the new key as x; leave it out of others="
        )
    if not is_dot:
        return key, None if memory.key_bias is None else -(own + top) / 2
    high = 1.0 if memory.activation == "relu" else SHARP
    if memory.top_k is not None:  # and above the keys that now answer
        kth = memory.scores(row).double().topk(memory.top_k).values.min()
        high = max(high, 2 * float(kth))
    if memory.key_bias is None:
        return key * (high / own.abs()), None
    return key * (high / margin), -(own + top) / 2 * (high / margin)


def _scores(memory: Memory, rows: Tensor, key: Tensor) -> Tensor:
    """The score of one key by rows, without a bias."""
    one = key.to(rows.dtype)[None]
    return in_blocks(lambda part: memory._score(memory._compare(part, one), None), rows, memory.d)[:, 0].double()


def _direction(row: Tensor, rest: Tensor, ridge: float, centred: bool) -> Tensor:
    """S^-1 (x - m), with the mean and covariance of the rest: where x stands out most."""
    mean = rest.mean(0) if centred and len(rest) else torch.zeros_like(row[0])
    apart, around = row[0] - mean, rest - mean
    c = _ridged(around.T @ around / max(len(rest), 1), ridge)
    made: Tensor = torch.linalg.solve(c, apart)
    return made / max(float(torch.linalg.vector_norm(made)), 1e-300)


def _leak(memory: Memory, rest: Tensor, weight: Tensor) -> float:
    """The largest activation of the last key among the rest, against that by its own input."""
    if not len(rest):
        return 0.0
    largest = max(float(memory._activations(part)[:, -1].abs().max()) for part in split(rest, 1024))
    return largest / float(weight.abs())


@torch.no_grad()
def remove(memory: Memory, key: Any) -> Change:
    """:meth:`likewise.nn.Memory.remove`."""
    number, least = memory.check_key(key), memory.top_k or 1
    if memory.n_keys <= least:
        raise InputError(f"a memory of {memory.n_keys} keys cannot lose one: at least {least} must stay")
    was = [rows[number].clone() for rows in _parts(memory)]
    _replace(memory, [torch.cat([rows[:number], rows[number + 1 :]]) for rows in _parts(memory)])
    return _made(memory, "remove", [number], (None, None), None, was)
