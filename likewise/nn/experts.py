"""A mixture of experts: a router compares each token with a key of each expert, and the best experts answer.

    out(x) = sum over the top_k experts e of  w_e expert_e(x),    w = softmax of their scores
    score_e = scale metric(x, key_e)                              (a distance enters negated)

With top_k=1 that w would be 1 and the router learn nothing, so there it is the softmax of all scores, as in Switch.

Tokens are gathered expert by expert, so an expert computes for its own alone. Routers like to send everything to few
experts; the loss of Switch Transformers (Fedus et al. 2022; GShard, Lepikhin et al. 2021) works against it:

    balance_loss = balance n_experts (sum over e of f_e P_e)

with f_e the share of the assignments that expert e got and P_e the mean over the tokens of softmax(all scores)_e. It is
``balance`` where all experts get equal shares. Whether it was enough is watched: :class:`CollapseWarning`.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from likewise.errors import InputError, ShapeError
from likewise.formula.metrics import as_metric
from likewise.nn.check import check_count, check_metric, check_rows
from likewise.nn.comparison import scores
from likewise.nn.memory import Memory, read_scale
from likewise.nn.select import best

#: An expert is called dead if it gets less than this of a fair share.
DEAD = 0.01


class CollapseWarning(UserWarning):
    """The router of a mixture sends nearly everything to few of its experts."""


class Usage(NamedTuple):
    """Who answered the last tokens: figures over ``tokens`` of them.

    ``shares`` (n_experts,): of the assignments; ``evenness``: their entropy by that of equal shares, 0 to 1; ``dead``:
    experts with less than a hundredth of a fair share; ``dropped``: the share of assignments beyond the capacity.
    """

    tokens: int
    shares: Tensor
    evenness: float
    dead: list[int]
    dropped: float


class MixtureOfExperts(nn.Module):
    """A feed-forward layer in many parts, of which each token uses the few that its router finds most alike.

    Parameters
    ----------
    d : int
        Coordinates of a token; experts keep them.
    n_experts : int
    top_k : int
        Experts that answer each token, at most n_experts.
    router : str, Metric or callable
        What compares tokens with the experts' keys; one with a gradient.
    hidden : int, optional
        Keys of each expert, which is a :class:`Memory`; default 4 d.
    activation : str or callable
        Of the experts.
    expert : callable, optional
        A factory ``expert(d)`` of modules (n, d) -> (n, d), instead of memories.
    capacity_factor : float, optional
        An expert takes at most ceil(capacity_factor tokens top_k / n_experts) assignments a call: first choices before
        second ones, early tokens before late ones. What is beyond adds nothing to the answer. None: no limit.
    balance : float
        The weight of ``balance_loss``, to be added to the loss that is trained.
    noise : float
        The standard deviation of normal noise on the scores, in training only; from torch's generator.
    scale : float or "learned", optional
        What the metric is multiplied by. Default as in :class:`Memory`: scores of normal tokens have a spread near 1.
    window : int
        Tokens after which usage is judged, in training.
    alarm : float, optional
        A :class:`CollapseWarning`, once, where the evenness of a window is below this, or an expert is dead.
        None: never.
    device, dtype
        As in ``torch.nn.Linear``.

    Attributes
    ----------
    keys : Parameter of shape (n_experts, d)
    experts : ModuleList
    balance_loss : Tensor
        Of the latest call, a scalar with gradients.

    Raises
    ------
    InputError, UnknownMetricError
        Where a size, the metric or the factory does not fit.

    Examples
    --------
    >>> import torch
    >>> from likewise.nn import MixtureOfExperts
    >>> mixture = MixtureOfExperts(8, 4, top_k=2, hidden=16)
    >>> out = mixture(torch.randn(3, 10, 8))
    >>> loss = out.square().mean() + mixture.balance_loss
    >>> loss.backward()
    >>> mixture.usage().tokens
    30
    """

    balance_loss: Tensor

    def __init__(
        self,
        d: int,
        n_experts: int,
        *,
        top_k: int = 2,
        router: Any = "dot",
        hidden: int | None = None,
        activation: Any = "gelu",
        expert: Callable[[int], nn.Module] | None = None,
        capacity_factor: float | None = None,
        balance: float = 0.01,
        noise: float = 0.0,
        scale: float | str | None = None,
        window: int = 8192,
        alarm: float | None = 0.7,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.d, self.n_experts = check_count(d, "d"), check_count(n_experts, "n_experts")
        self.top_k, self.window = check_count(top_k, "top_k"), check_count(window, "window")
        if self.top_k > self.n_experts:
            raise InputError(f"top_k={self.top_k} of {self.n_experts} experts: at most n_experts")
        self.metric = check_metric(router, self.d, learned=True)
        self.balance, self.noise = _number(balance, "balance"), _number(noise, "noise")
        self.capacity_factor = None if capacity_factor is None else _number(capacity_factor, "capacity_factor", 0.0)
        self.alarm = None if alarm is None else _number(alarm, "alarm")
        where = {"device": device, "dtype": dtype}
        self.keys = nn.Parameter(torch.empty(self.n_experts, self.d, **where))
        self.fixed_scale, self.log_scale = read_scale(scale, self.metric, self.d), None
        if scale == "learned":
            self.log_scale = nn.Parameter(torch.empty((), **where))
        width = 4 * self.d if hidden is None else check_count(hidden, "hidden")

        def memory(size: int) -> nn.Module:
            return Memory(size, width, activation=activation, **where)

        self.experts = nn.ModuleList([_module(expert or memory, self.d) for _ in range(self.n_experts)])
        self._window, self._lately = _Window(self.n_experts), _Window(self.n_experts)
        self._warned = False
        self.balance_loss = torch.zeros((), **where)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initial values: experts' own; keys normal, for dot of length about 1."""
        with torch.no_grad():
            self.keys.normal_(std=self.d**-0.5 if self.metric == as_metric("dot") else 1.0)
            if self.log_scale is not None:
                self.log_scale.fill_(math.log(self.fixed_scale))
        for expert in self.experts:
            if callable(reset := getattr(expert, "reset_parameters", None)):
                reset()

    @property
    def scale(self) -> Tensor | float:
        """What the metric is multiplied by."""
        return self.fixed_scale if self.log_scale is None else self.log_scale.exp()

    def forward(self, x: Tensor) -> Tensor:
        """The answers to tokens (..., d): (..., d); sets ``balance_loss``."""
        rows = self._rows(x)
        scored = self._scores(rows)
        noisy = scored + self.noise * torch.randn_like(scored) if self.training and self.noise else scored
        with torch.no_grad():
            chosen = best(noisy, self.top_k)
        if self.top_k == 1:
            weights = torch.softmax(noisy, -1).gather(1, chosen)
        else:
            weights = torch.softmax(noisy.gather(1, chosen), -1)
        counts = torch.bincount(chosen.flatten(), minlength=self.n_experts)
        even = counts.to(scored.dtype) / max(chosen.numel(), 1)
        spread = torch.softmax(scored, -1).sum(0) / max(len(rows), 1)
        self.balance_loss = self.balance * self.n_experts * (even * spread).sum()
        out, dropped = self._dispatch(rows, chosen, weights, counts.tolist())
        self._count(counts, dropped, len(rows))
        return out.reshape(x.shape)

    def scores(self, x: Tensor) -> Tensor:
        """The score of each expert: (..., n_experts) of (..., d)."""
        return self._scores(self._rows(x)).reshape(*x.shape[:-1], self.n_experts)

    def _rows(self, x: Tensor) -> Tensor:
        return check_rows(x, "x", self.d, keys=self.keys)

    def _scores(self, rows: Tensor) -> Tensor:
        sign = 1 if self.metric.closer == "larger" else -1
        made = scores(rows, self.keys, self.metric)
        return (made * (sign * self.scale)).to(made.dtype)

    def _dispatch(self, rows: Tensor, chosen: Tensor, weights: Tensor, counts: list[int]) -> tuple[Tensor, int]:
        """Each expert's answers to its own tokens, weighted and added up; and how many assignments were dropped."""
        n = len(rows)
        # sorted by expert; within one, all first choices and then all second ones, each in the order of the tokens
        order = torch.sort(chosen.T.reshape(-1), stable=True).indices
        weight = weights.T.reshape(-1)
        out, start, dropped = torch.zeros_like(rows), 0, 0
        most = self._capacity(n)
        for expert, count in zip(self.experts, counts, strict=True):
            taken = order[start : start + min(count, most)]
            start, dropped = start + count, dropped + max(0, count - most)
            if len(taken):
                tokens = taken % n
                answer = expert(rows[tokens])
                if answer.shape != (len(tokens), self.d):
                    raise ShapeError(
                        f"an expert made {tuple(answer.shape)} of {(len(tokens), self.d)}; it must keep the shape"
                    )
                out = out.index_add(0, tokens, (answer * weight[taken, None]).to(out.dtype))
        return out, dropped

    def _capacity(self, tokens: int) -> int:
        if self.capacity_factor is None:
            return tokens * self.top_k
        return math.ceil(self.capacity_factor * tokens * self.top_k / self.n_experts)

    # ---- who is used

    def _count(self, counts: Tensor, dropped: int, tokens: int) -> None:
        """Add a call to the statistics, and judge a window that is full."""
        if tokens == 0:
            return
        if self._lately.tokens >= self.window:
            self._lately.clear()
        self._lately.add(counts, dropped, tokens)
        if not self.training:
            return
        self._window.add(counts, dropped, tokens)
        if self._window.tokens >= self.window:
            self._judge(self._window.usage())
            self._window.clear()

    def _judge(self, usage: Usage) -> None:
        if self.alarm is None or self._warned or not (usage.evenness < self.alarm or usage.dead):
            return
        self._warned = True
        most = ", ".join(
            f"{e} {float(usage.shares[e]):.0%}" for e in usage.shares.argsort(descending=True)[:3].tolist()
        )
        dead = ", ".join(map(str, usage.dead[:10])) + (", ..." if len(usage.dead) > 10 else "")
        warnings.warn(
            f"the router of {self.n_experts} experts collapses: evenness {usage.evenness:.2f} (alarm below "
            f"{self.alarm:g}) over the last {usage.tokens:,} tokens; most used: {most}; "
            f"{f'dead: {dead}' if usage.dead else 'none is dead'}. Raise balance= ({self.balance:g}) or noise= "
            f"({self.noise:g}), and add balance_loss to what is trained",
            CollapseWarning,
            stacklevel=_outside(),
        )

    def usage(self) -> Usage:
        """Who answered of late: since the last full window of ``window`` tokens, trained on or not."""
        return self._lately.usage()

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles keep: not the graph of the latest loss."""
        return {**self.__dict__, "balance_loss": self.balance_loss.detach()}

    def extra_repr(self) -> str:
        """What print shows."""
        return f"d={self.d}, n_experts={self.n_experts}, top_k={self.top_k}, router={self.metric.name}"


class _Window:
    """Counts of assignments over some tokens."""

    def __init__(self, experts: int) -> None:
        self.experts = experts
        self.clear()

    def clear(self) -> None:
        self.tokens = self.dropped = 0
        self.counts = torch.zeros(self.experts, dtype=torch.int64)

    def add(self, counts: Tensor, dropped: int, tokens: int) -> None:
        self.counts += counts.cpu()
        self.dropped += dropped
        self.tokens += tokens

    def usage(self) -> Usage:
        total = int(self.counts.sum())
        shares = self.counts.double() / max(total, 1)
        entropy = -float(torch.special.xlogy(shares, shares).sum())
        dead = (shares < DEAD / self.experts).nonzero()[:, 0].tolist() if total else []
        evenness = max(0.0, entropy) / math.log(self.experts) if self.experts > 1 and total else 1.0
        return Usage(self.tokens, shares, evenness, dead, self.dropped / max(total, 1))


def _outside() -> int:
    """The ``stacklevel`` of a warning that points past this library's and torch's frames."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in ("likewise", "torch"):
        level, frame = level + 1, frame.f_back
    return level


def _number(value: Any, name: str, above: float | None = None) -> float:
    """A finite number of at least 0, or above 0."""
    wanted = "of at least 0" if above is None else "above 0"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf or value == above:
        raise InputError(f"{name}={value!r} is not a number {wanted}")
    return float(value)


def _module(factory: Any, d: int) -> nn.Module:
    made = factory(d) if callable(factory) else factory
    if not isinstance(made, nn.Module):
        raise InputError(
            f"expert={factory!r} makes a {type(made).__name__}; a function of d that makes a module is wanted"
        )
    return made
