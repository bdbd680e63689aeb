"""The feed-forward layer as a memory: keys that answer to an input, and values that are added up by how much.

    out(x) = sum over j of  activation(score(x, key_j)) value_j  +  bias
    score(x, key_j) = scale metric(x, key_j) + key_bias_j          (a distance enters negated)

With the dot product this is Linear, activation, Linear, term by term: the rows of the first matrix are the keys, the
columns of the second the values (Geva et al. 2021, "Transformer Feed-Forward Layers Are Key-Value Memories").
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.nn.activation import activated, activation_of, module_of, named
from likewise.nn.check import check_count, check_metric, check_rows
from likewise.nn.comparison import scores
from likewise.nn.eager import eager, tracing
from likewise.nn.edits import Change, add, edit, remove
from likewise.nn.select import BLOCK, Finder, array_of, best, in_blocks, split

_DOT = as_metric("dot")


class Answers(NamedTuple):
    """Which keys answer to an input: ``keys`` (..., k) int64, their ``scores`` and ``activations``; the best first."""

    keys: Tensor
    scores: Tensor
    activations: Tensor


class Inputs(NamedTuple):
    """What a key answers to: ``inputs`` (k,) int64, their ``scores`` (k,), and ``labels`` if any were given."""

    inputs: Tensor
    scores: Tensor
    labels: list[Any] | None


class Memory(nn.Module):
    """A feed-forward layer as keys and values, under any metric: readable, sparse if wanted, and editable.

    Parameters
    ----------
    d : int
        Coordinates of an input, and of a key.
    n_keys : int
        Keys, and values: the hidden width of the feed-forward layer.
    d_out : int, optional
        Coordinates of a value; default d.
    metric : str, Metric or callable
        What compares inputs with keys; one with a gradient.
    activation : str or callable
        "relu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh", "softmax", "identity", or a function that keeps shapes.
    top_k : int, optional
        Only the k keys with the largest scores count (ties to the lowest index); the others' activations are 0, and no
        gradient reaches them. Softmax then runs over the chosen. Where no gradients are wanted, on the CPU, the best
        are those of float64 arithmetic: by likewise's exact search if the order is the metric's own (no key biases, or
        equal ones) or the metric is dot, else by all scores. In training they are those of the layer's own precision.
    scale : float or "learned", optional
        What the metric is multiplied by, above 0. Default: 1 for dot; else so that scores of normal rows have a spread
        of 1, and key biases so that their mean is 0. Half of the keys then answer to a layer-normed input.
    bias : bool
        Whether each key has a bias (a threshold; of distances, a radius), and the answer one too.
    device, dtype
        As in ``torch.nn.Linear``. Initial values come from torch's generator: ``torch.manual_seed``.

    Attributes
    ----------
    keys : Parameter of shape (n_keys, d)
    values : Parameter of shape (n_keys, d_out)
    key_bias : Parameter of shape (n_keys,), or None
    bias : Parameter of shape (d_out,), or None

    Raises
    ------
    InputError, UnknownMetricError
        Where a size, the metric or the activation does not fit.

    Examples
    --------
    >>> import torch
    >>> from likewise.nn import Memory
    >>> memory = Memory(4, 16, d_out=3, metric="manhattan", activation="gelu")
    >>> memory(torch.randn(2, 5, 4)).shape
    torch.Size([2, 5, 3])
    """

    bias: Tensor | None
    key_bias: Tensor | None

    def __init__(
        self,
        d: int,
        n_keys: int,
        d_out: int | None = None,
        *,
        metric: Any = "dot",
        activation: Any = "relu",
        top_k: int | None = None,
        scale: float | str | None = None,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.d, n_keys = check_count(d, "d"), check_count(n_keys, "n_keys")
        self.d_out = self.d if d_out is None else check_count(d_out, "d_out")
        self.metric = check_metric(metric, self.d, learned=True)
        self.activation = activation_of(activation)[0]
        self.top_k = None if top_k is None else check_count(top_k, "top_k")
        if self.top_k is not None and self.top_k > n_keys:
            raise InputError(f"top_k={self.top_k} of {n_keys} keys: at most n_keys")
        if not bias and self.activation == "relu" and self.metric.closer == "smaller":
            raise InputError(
                f"{self.metric.name} enters negated, so that relu of it is 0 everywhere without a bias; "
                "pass bias=True, or activation='softmax'"
            )
        where = {"device": device, "dtype": dtype}
        self.keys = nn.Parameter(torch.empty(n_keys, self.d, **where))
        self.values = nn.Parameter(torch.empty(n_keys, self.d_out, **where))
        for name, size in (("key_bias", n_keys), ("bias", self.d_out)):
            self.register_parameter(name, nn.Parameter(torch.empty(size, **where)) if bias else None)
        self.log_scale: nn.Parameter | None = None
        self.fixed_scale = read_scale(scale, self.metric, self.d)
        if scale == "learned":
            self.log_scale = nn.Parameter(torch.empty((), **where))
        self._finder = Finder()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initial values: those of Linear, activation, Linear for dot; else keys are normal, as layer-normed inputs."""
        dot = self.metric == _DOT
        with torch.no_grad():
            if dot:
                self.keys.uniform_(-(self.d**-0.5), self.d**-0.5)
            else:
                self.keys.normal_()
            if self.key_bias is not None:
                if dot:
                    self.key_bias.uniform_(-(self.d**-0.5), self.d**-0.5)
                else:
                    self.key_bias.fill_(-self._sign * self.fixed_scale * spread(self.metric, self.d)[0])
            bound = self.n_keys**-0.5
            self.values.uniform_(-bound, bound)
            if self.bias is not None:
                self.bias.uniform_(-bound, bound)
            if self.log_scale is not None:
                self.log_scale.fill_(math.log(self.fixed_scale))

    @property
    def n_keys(self) -> int:
        """How many keys there are now."""
        return len(self.keys)

    @property
    def scale(self) -> Tensor | float:
        """What the metric is multiplied by."""
        return self.fixed_scale if self.log_scale is None else self.log_scale.exp()

    @property
    def _is_plain(self) -> bool:
        """Whether the score is the metric's value as it is."""
        return self._sign == 1 and self.log_scale is None and self.fixed_scale == 1

    @property
    def _sign(self) -> int:
        return 1 if self.metric.closer == "larger" else -1

    # ---- reading

    def forward(self, x: Tensor) -> Tensor:
        """The answers to inputs (..., d): (..., d_out)."""
        return in_blocks(self._read, self._rows(x), self._numbers).reshape(*x.shape[:-1], self.d_out)

    def scores(self, x: Tensor) -> Tensor:
        """The score of each key, before the activation: (..., n_keys) of (..., d)."""
        return self._scores(self._rows(x)).reshape(*x.shape[:-1], self.n_keys)

    def activations(self, x: Tensor) -> Tensor:
        """How much each key answers to inputs (..., d): (..., n_keys); 0 for keys that ``top_k`` leaves out."""
        return self._activations(self._rows(x)).reshape(*x.shape[:-1], self.n_keys)

    @property
    def _numbers(self) -> int:
        """What one row takes while it is read."""
        return self.n_keys if self.top_k is None else max(self.n_keys, self.top_k * self.d)

    def _rows(self, x: Tensor, name: str = "x") -> Tensor:
        """Inputs as rows (n, d), checked."""
        return check_rows(x, name, self.d, keys=self.keys)

    def check_table(self, inputs: Tensor, name: str) -> Tensor:
        """Inputs (n, d), checked."""
        rows = self._rows(inputs, name)
        if inputs.ndim != 2:
            raise ShapeError(f"{name} has shape {tuple(inputs.shape)}; (n, {self.d}) is wanted")
        return rows

    def _score(self, compared: Tensor, key_bias: Tensor | None) -> Tensor:
        """The score from the metric's value."""
        made = compared if self._is_plain else (compared * (self._sign * self.scale)).to(compared.dtype)
        return made if key_bias is None else made + key_bias

    def _compare(self, rows: Tensor, keys: Tensor) -> Tensor:
        return scores(rows, keys, self.metric)

    def _scores(self, rows: Tensor) -> Tensor:
        return self._score(self._compare(rows, self.keys), self.key_bias)

    def _read(self, rows: Tensor) -> Tensor:
        """The answers to rows."""
        if self.top_k is None:
            made = self._activations(rows) @ self.values
        else:
            chosen, weights = self._chosen(rows, self.top_k)
            made = F.embedding_bag(chosen, self.values, per_sample_weights=weights, mode="sum")
        return made if self.bias is None else made + self.bias

    def _activations(self, rows: Tensor) -> Tensor:
        if self.top_k is None:
            return activated(activation_of(self.activation)[1], self._scores(rows))
        chosen, weights = self._chosen(rows, self.top_k)
        return weights.new_zeros(len(rows), self.n_keys).scatter(1, chosen, weights)

    def _chosen(self, rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k best keys of each row and their activations, (n, k), in the order of the keys."""
        learning = torch.is_grad_enabled() and (rows.requires_grad or any(p.requires_grad for p in self.parameters()))
        with torch.no_grad():
            chosen = self._search(rows, k, exact=not learning).sort(-1).values
        compared = self._compare(rows[:, None, :], self.keys[chosen])[:, 0]
        scored = self._score(compared, None if self.key_bias is None else self.key_bias[chosen])
        return chosen, activated(activation_of(self.activation)[1], scored)

    # ---- which keys are the best

    @eager
    def _search(self, rows: Tensor, k: int, exact: bool) -> Tensor:
        """The k best keys of each row, the best first: if ``exact``, by the engine's search or scores in float64."""
        if not exact or rows.device.type != "cpu" or tracing():
            return best(self._scores(rows), k)
        if (sides := self._searched(rows)) is not None:
            found = torch.from_numpy(self._finder.find(*sides[:2], k, sides[2]).indices)
            if not (found < 0).any():  # a formula that has no value for some pair
                return found
        bias = None if self.key_bias is None else self.key_bias.double()
        return best(self._score(self._compare(rows.double(), self.keys.double()), bias), k)

    def _searched(self, rows: Tensor) -> tuple[NDArray[Any], NDArray[Any], Metric] | None:
        """Queries, items and a metric whose largest values are the largest scores; None where there are none such.

        Biases of dot are one more coordinate: x . key + bias / scale = (x, 1 / scale) . (key, bias).
        """
        queries, items, bias = array_of(rows), array_of(self.keys), self.key_bias
        if not (np.isfinite(queries).all() and np.isfinite(items).all()):
            return None
        if bias is None or bool((bias == bias[:1]).all()):
            return queries, items, self.metric
        if self.metric != _DOT or not bool(torch.isfinite(bias).all()):
            return None
        one = np.full((len(queries), 1), 1 / float(self.scale), queries.dtype)
        return np.hstack([queries, one]), np.hstack([items, array_of(bias)[:, None]]), self.metric

    # ---- looking inside

    @torch.no_grad()
    def keys_for(self, x: Tensor, k: int = 10) -> Answers:
        """The k keys that answer most to each input.

        Parameters
        ----------
        x : Tensor of shape (..., d)
        k : int

        Returns
        -------
        Answers
            ``keys``, ``scores`` and ``activations``, each (..., k), the largest score first, ties to the lowest index.

        Examples
        --------
        >>> memory = Memory(2, 3)
        >>> memory.keys_for(torch.ones(2), k=2).keys.shape
        torch.Size([2])
        """
        rows, k = self._rows(x), min(check_count(k, "k"), self.n_keys)
        parts = [self._answers(part, k) for part in split(rows, BLOCK // self._numbers)]
        return Answers(*(torch.cat(part).reshape(*x.shape[:-1], k) for part in zip(*parts, strict=True)))

    def _answers(self, rows: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
        keys = self._search(rows, k, exact=True)
        return keys, self._scores(rows).gather(1, keys), self._activations(rows).gather(1, keys)

    @torch.no_grad()
    def inputs_for(self, key: int, inputs: Tensor, k: int = 10, labels: Any = None) -> Inputs:
        """The k of some inputs that a key answers to most: what it stands for.

        Parameters
        ----------
        key : int
        inputs : Tensor of shape (n, d)
        k : int
        labels : sequence of n, optional
            What the inputs are: words, file names, classes.

        Returns
        -------
        Inputs
            ``inputs`` (the rows' numbers), ``scores`` and ``labels`` of the k best (all, if there are fewer), the
            largest score first, ties to the lowest index.
        """
        key, rows = self.check_key(key), self.check_table(inputs, "inputs")
        if labels is not None and len(labels) != len(rows):
            raise ShapeError(f"there are {len(labels)} labels for {len(rows)} inputs")
        k = min(check_count(k, "k"), len(rows))
        bias = None if self.key_bias is None else self.key_bias[key]
        one = self.keys[key : key + 1]
        scored = in_blocks(lambda part: self._score(self._compare(part, one), bias), rows, self.d)[:, 0]
        found = best(scored[None], k)[0] if k else scored.new_empty(0, dtype=torch.int64)
        named_rows = None if labels is None else [labels[i] for i in found.tolist()]
        return Inputs(found, scored[found], named_rows)

    def check_key(self, key: Any) -> int:
        """The number of a key, from 0."""
        if isinstance(key, bool) or not hasattr(key, "__index__") or (isinstance(key, Tensor) and key.ndim):
            raise InputError(f"key={key!r} is not the number of a key")
        number = int(key.__index__())
        if not 0 <= number < self.n_keys:
            raise InputError(f"key={number} is not there: keys are numbered 0 to {self.n_keys - 1}")
        return number

    # ---- changing what it says

    def edit(self, at: int | Tensor, value: Tensor, *, others: Tensor | None = None, ridge: float = 1e-3) -> Change:
        """Give a key another value, or an input another answer, by a change of values in closed form.

        For a key: its value. For an input x with activations a, values become V + u r^T, where r is what the answer
        lacks and u^T a = 1. Of all such u it is the one that disturbs ``others`` least, in the mean of squares:
        u = C^-1 a / (a^T C^-1 a), with C the mean of a_i a_i^T over the others and ridge times its mean diagonal added
        (as ROME does: Meng et al. 2022). Without ``others``, u = a / |a|^2, the smallest. Only values of keys that
        answer to x change.

        Parameters
        ----------
        at : int, or Tensor of shape (d,) or (m, d)
            A key's number, or the input; several inputs are changed together.
        value : Tensor of shape (d_out,) or (m, d_out)
            The key's value, or the answer that the memory is to give to the input.
        others : Tensor of shape (n, d), optional
            Inputs whose answers are to stay as they are: at least as many as there are keys, if they can be had.
        ridge : float
            How little the others count: 0 spares them all, if they leave room for that; large forgets them.

        Returns
        -------
        Change
            What changed: ``print`` it; ``effect(inputs)`` counts whose answers did; ``undo()``.

        Raises
        ------
        InputError
            Where no key answers to the input (:meth:`add` gives it one), or inputs ask for different answers though
            the same keys answer to them.

        Examples
        --------
        >>> import torch
        >>> memory = Memory(8, 64, d_out=3)
        >>> x, wanted = torch.randn(8), torch.tensor([1.0, 2.0, 3.0])
        >>> change = memory.edit(x, wanted)
        >>> torch.allclose(memory(x), wanted, atol=1e-4)
        True
        >>> change.undo()
        """
        return edit(self, at, value, others, ridge)

    def add(self, x: Tensor, value: Tensor, *, others: Tensor | None = None, ridge: float = 1e-2) -> Change:
        """Give an input the wanted answer by a new key, which answers to it and to as little else as can be.

        The key's bias puts its threshold midway between the score of x and the largest score of ``others``. For dot
        the key is S^-1 (x - m), with m and S the others' mean and covariance (ridge times its mean diagonal added):
        the direction in which x stands out most. For other metrics it is x itself. With relu none of the others is
        changed then. Other activations have no threshold: a dot key gets so long that what is left of them is below
        1e-3; under other metrics look at ``leak``, and where it is large, :meth:`edit` disturbs less.

        Parameters
        ----------
        x : Tensor of shape (d,)
        value : Tensor of shape (d_out,)
            The answer that the memory is to give to x.
        others : Tensor of shape (n, d), optional
            Inputs whose answers are to stay: the more like those to come, the better. Default: the memory's own keys.
        ridge : float
            Of the covariance.

        Returns
        -------
        Change
            ``keys`` has the number of the new key, the last one; ``leak`` the largest activation of it among the
            others, against that by x.

        Raises
        ------
        InputError
            Where no threshold tells x from the others, or the new key is not among the ``top_k`` of x.
        """
        return add(self, x, value, others, ridge)

    def remove(self, key: int) -> Change:
        """Forget a key and its value; keys after it move up by one. ``undo()`` of what it returns puts it back."""
        return remove(self, key)

    # ---- from and to torch

    @classmethod
    def from_ffn(cls, ffn: nn.Sequential, *, top_k: int | None = None) -> Memory:
        """The memory that a feed-forward layer is: Sequential(Linear, activation, Linear), copied.

        Examples
        --------
        >>> ffn = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 4))
        >>> x = torch.randn(3, 4)
        >>> torch.allclose(Memory.from_ffn(ffn)(x), ffn(x), atol=1e-5)
        True
        """
        first, activation, last = _three(ffn)
        made = cls(
            first.in_features,
            first.out_features,
            last.out_features,
            activation=named(activation),
            top_k=top_k,
            device=first.weight.device,
            dtype=first.weight.dtype,
        )
        with torch.no_grad():
            made.keys.copy_(first.weight)
            made.values.copy_(last.weight.T)
            for name, given in (("key_bias", first.bias), ("bias", last.bias)):
                parameter: Any = given  # None of a layer without one
                if parameter is None:
                    setattr(made, name, None)
                else:
                    getattr(made, name).copy_(parameter)
        return made

    def to_ffn(self) -> nn.Sequential:
        """Sequential(Linear, activation, Linear) that computes the same: of a dense memory by dot."""
        module = module_of(self.activation)
        if self.metric != _DOT or self.top_k is not None or module is None:
            found = f"metric={self.metric.name!r}, top_k={self.top_k}, activation={self.activation!r}"
            raise InputError(
                f"a feed-forward layer compares by dot, reads all keys, and activates by a module: {found}"
            )
        like = {"device": self.keys.device, "dtype": self.keys.dtype}
        first = nn.Linear(self.d, self.n_keys, bias=self.key_bias is not None, **like)
        last = nn.Linear(self.n_keys, self.d_out, bias=self.bias is not None, **like)
        with torch.no_grad():
            first.weight.copy_(self.keys * self.scale)
            last.weight.copy_(self.values.T)
            for layer, bias in ((first, self.key_bias), (last, self.bias)):
                if bias is not None:
                    layer.bias.copy_(bias)
        return nn.Sequential(first, module, last)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """A state with another number of keys, as after add and remove, makes the memory that large."""
        keys = state_dict.get(f"{prefix}keys")
        if isinstance(keys, Tensor) and keys.ndim == 2 and len(keys) >= max(1, self.top_k or 1):
            for name in ("keys", "values", "key_bias"):
                parameter, saved = getattr(self, name), state_dict.get(f"{prefix}{name}")
                if parameter is not None and isinstance(saved, Tensor) and len(saved) != len(parameter):
                    parameter.data, parameter.grad = parameter.new_empty(len(saved), *parameter.shape[1:]), None
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """What print shows."""
        known = self.activation if isinstance(self.activation, str) else "a function"
        top = "" if self.top_k is None else f", top_k={self.top_k}"
        return f"d={self.d}, n_keys={self.n_keys}, d_out={self.d_out}, metric={self.metric.name}, {known}{top}"


def read_scale(scale: Any, metric: Metric, d: int) -> float:
    """What ``scale=`` says the metric is multiplied by, or where a learned factor starts."""
    if scale is None or scale == "learned":
        return 1.0 if metric == _DOT else 1 / spread(metric, d)[1]
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < math.inf:
        raise InputError(f"scale={scale!r} is neither a number above 0 nor 'learned'")
    return float(scale)


@functools.lru_cache(maxsize=256)
def spread(metric: Metric, d: int) -> tuple[float, float]:
    """Mean and standard deviation of the metric between normal rows; (0, 1) where they tell nothing."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(128, d, generator=generator, dtype=torch.float64) for _ in range(2))
    values = scores(x, y, metric)
    mean, deviation = float(values.mean()), float(values.std())
    return (mean, deviation) if math.isfinite(mean) and 1e-6 < deviation < math.inf else (0.0, 1.0)


def _three(ffn: Any) -> tuple[nn.Linear, nn.Module, nn.Linear]:
    """The layers of Sequential(Linear, activation, Linear)."""
    parts = list(ffn) if isinstance(ffn, nn.Sequential) else []
    match parts:
        case [nn.Linear() as first, activation, nn.Linear() as last]:
            if first.out_features != last.in_features:
                raise ShapeError(f"{first.out_features} activations meet a layer that takes {last.in_features}")
            return first, activation, last
    found = ", ".join(type(part).__name__ for part in parts) or type(ffn).__name__
    raise InputError(f"nn.Sequential(Linear, activation, Linear) is wanted; found {found}")
