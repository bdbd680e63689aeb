r"""A small language model of comparisons: what comes next, from what came before.

    x  = token[ids] + place[0..n]
    x += attention(norm(x))          \  layers times; attention under any metric,
    x += feedforward(norm(x))        /   feedforward as two matrices, a memory or experts
    logits = norm(x) . token         the head compares with the same rows that ids are read from

The shapes and the beginning are those of nanoGPT (Karpathy, https://github.com/karpathy/nanoGPT), after GPT-2 (Radford
et al. 2019): normalise before each part, learned places, GELU; every matrix starts from a normal distribution of
deviation 0.02, those that write into x from 0.02 / sqrt(2 layers).
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import DtypeError, InputError, ShapeError
from likewise.files.archive import load_archive, save_archive
from likewise.formula.metric import Metric
from likewise.formula.metrics import ALIASES, as_metric, dot
from likewise.nn.attention import Attention
from likewise.nn.cache import Cache
from likewise.nn.check import accumulate_dtype, check_count, check_number, check_share
from likewise.nn.experts import MixtureOfExperts
from likewise.nn.memory import Memory
from likewise.nn.vocabulary import Vocabulary

FEEDFORWARD = ("dense", "memory", "experts")
_DEVIATION = 0.02  # of what weights start from


class Transformer(nn.Module):
    """A decoder language model whose attention compares by any metric.

    Parameters
    ----------
    vocab : Vocabulary or int
        The symbols, or how many there are. With a :class:`Vocabulary` the model reads and writes text.
    context : int
        The most symbols it looks back on.
    layers, heads, width : int
        How many blocks; how many attentions side by side in each, which share the width.
    metric : str, Metric or callable
        What attention compares queries and keys by; "mahalanobis" learns its matrix.
    scale : "learned", float or None
        What the comparison is multiplied by before the softmax, as in :class:`likewise.nn.Attention`. Default: fixed
        for "dot" (1 / sqrt(width / heads), as everywhere), else learned, one number for each head.
    feedforward : {"dense", "memory", "experts"}
        The other part of a block: two matrices with GELU between, a :class:`likewise.nn.Memory`, or a
        :class:`likewise.nn.MixtureOfExperts` of memories, two of which answer each symbol.
    feedforward_metric : str, Metric or callable
        What a memory compares with its keys by, or the router of experts with theirs.
    hidden : int, optional
        The width between two matrices; the keys of a memory, or of each expert. Default: 4 x width.
    experts : int
        How many, where feedforward="experts".
    dropout : float
        The share of numbers left out in training.
    bias : bool
        Whether matrices and normalisations have an offset.
    tied : bool
        Whether the head's rows are those of the tokens.
    seed : int, optional
        Of the weights it starts from. Default: torch's own generator, as it stands.

    Raises
    ------
    InputError, UnknownMetricError
        Where sizes do not fit each other, or attention could not learn under the metric.

    Examples
    --------
    >>> model = Transformer(Vocabulary.of("to be or not to be"), context=8, layers=1, heads=2, width=16, seed=0)
    >>> model(torch.tensor([[0, 1, 2]])).shape
    torch.Size([1, 3, 7])
    >>> len(model.generate("to ", 5, seed=0))
    8
    """

    def __init__(
        self,
        vocab: Vocabulary | int,
        *,
        context: int = 64,
        layers: int = 4,
        heads: int = 4,
        width: int = 128,
        metric: Any = "dot",
        scale: Literal["learned"] | float | None = None,
        feedforward: Literal["dense", "memory", "experts"] = "dense",
        feedforward_metric: Any = "dot",
        hidden: int | None = None,
        experts: int = 8,
        dropout: float = 0.0,
        bias: bool = False,
        tied: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary = vocab if isinstance(vocab, Vocabulary) else None
        symbols = len(vocab) if isinstance(vocab, Vocabulary) else check_count(vocab, "vocab")
        counts = {"context": context, "layers": layers, "heads": heads, "width": width, "experts": experts}
        context, layers, heads, width, experts = (check_count(value, name) for name, value in counts.items())
        if width % heads:
            raise InputError(f"width={width} is not a multiple of heads={heads}: heads share the width equally")
        hidden = 4 * width if hidden is None else check_count(hidden, "hidden")
        if feedforward not in FEEDFORWARD:
            raise InputError(f"feedforward={feedforward!r} is not known; it is 'dense', 'memory' or 'experts'")
        if feedforward == "dense" and not _is_dot(feedforward_metric):
            raise InputError("feedforward='dense' compares by products; take 'memory' for another feedforward_metric")
        self.settings: dict[str, Any] = {
            "context": context,
            "layers": layers,
            "heads": heads,
            "width": width,
            "metric": _kept(metric),
            "scale": scale,
            "feedforward": feedforward,
            "feedforward_metric": _kept(feedforward_metric),
            "hidden": hidden,
            "experts": experts,
            "dropout": check_share(dropout, "dropout"),
            "bias": bool(bias),
            "tied": bool(tied),
        }
        self.symbols, self.context = symbols, context
        with _seeded(seed):
            self.tokens = nn.Embedding(symbols, width)
            self.places = nn.Embedding(context, width)
            self.dropout = nn.Dropout(dropout)
            self.blocks = nn.ModuleList(_Block(self.settings) for _ in range(layers))
            self.norm = nn.LayerNorm(width, bias=bias)
            self.head = None if tied else nn.Linear(width, symbols, bias=False)
            self._begin()

    def _begin(self) -> None:
        """The weights to start from."""
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=_DEVIATION)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, Memory) and _is_dot(module.metric):  # other keys begin among their inputs
                nn.init.normal_(module.keys, std=_DEVIATION)
                for offset in (module.key_bias, module.bias):
                    if offset is not None:
                        nn.init.zeros_(offset)
        for block in self.blocks:
            for weight in cast(_Block, block).writing():
                nn.init.normal_(weight, std=_DEVIATION / math.sqrt(2 * len(self.blocks)))

    @property
    def parameters_count(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.tokens.weight.device

    def cache(self) -> list[Cache]:
        """An empty cache for :meth:`forward`: keys and values of each layer."""
        return [Cache(step=self.context) for _ in self.blocks]

    def forward(
        self, ids: Tensor, targets: Tensor | None = None, cache: list[Cache] | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits of the symbol that follows each, and the loss where ``targets`` say what does.

        Parameters
        ----------
        ids : Tensor of shape (batch, n)
            Whole numbers below the vocabulary's length; n is at most ``context``, what is in the cache included.
        targets : Tensor of shape (batch, n), optional
            What follows each; -1 where that does not count.
        cache : list of Cache, optional
            From :meth:`cache`: ``ids`` follow what it holds, and are added to it.

        Returns
        -------
        logits : Tensor of shape (batch, n, symbols)
        loss : Tensor
            With ``targets`` alone: the mean of -log p(target) in nats, and in training what experts add to it.
        """
        self._check(ids, "ids")
        if targets is not None:
            self._check(targets, "targets", least=-1)
            if targets.shape != ids.shape:
                raise ShapeError(
                    f"ids has shape {tuple(ids.shape)} and targets {tuple(targets.shape)}; they must be equal"
                )
        before = 0
        if cache is not None:
            if len(cache) != len(self.blocks):
                raise InputError(
                    f"cache is of {len(cache)} layers and the model of {len(self.blocks)}; take one from model.cache()"
                )
            before = cache[0].length
        if before + ids.shape[1] > self.context:
            held = f" and the cache {before}" if before else ""
            raise ShapeError(
                f"ids has {ids.shape[1]} symbols{held}; the model looks back on {self.context} at most: "
                f"give the last of them, ids[:, -{self.context}:]"
            )
        if ids.dtype.itemsize < 4:  # as Vocabulary.encode gives them; torch looks up none such
            ids = ids.long()
        logits = self.logits(ids, cache, before)
        return logits if targets is None else (logits, self.loss(logits, targets))

    def logits(self, ids: Tensor, cache: list[Cache] | None = None, before: int = 0) -> Tensor:
        """:meth:`forward` of numbers that are known to fit."""
        x = self.tokens(ids) + self.places.weight[before : before + ids.shape[1]]
        x = self.dropout(x) if self.dropout.p else x
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache[i])
        x = self.norm(x)
        return functional.linear(x, self.tokens.weight) if self.head is None else cast(Tensor, self.head(x))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean of -log p(target), in nats; in training with what experts add for being used unequally."""
        logits = logits.to(accumulate_dtype(logits.dtype))
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.reshape(-1).long(), ignore_index=-1)
        if self.training and self.settings["feedforward"] == "experts":
            for block in self.blocks:
                loss = loss + cast(MixtureOfExperts, cast(_Block, block).feedforward).balance_loss
        return loss

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model into one file, in one step; :meth:`load` reads it.

        Raises
        ------
        InputError
            Where the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/model.lm"
        >>> Transformer(Vocabulary.of("abc"), context=4, layers=1, heads=1, width=8).save(path)
        >>> Transformer.load(path).vocabulary
        Vocabulary('abc')
        """
        from likewise.nn.checkpoint import KIND, model_arrays, model_header

        save_archive(path, KIND, model_header(self), model_arrays(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Transformer:
        """The model of a file that :meth:`save` wrote, or :func:`likewise.nn.train` as its checkpoint.

        Raises
        ------
        InputError
            Where the file is absent, damaged or of another kind.
        """
        from likewise.nn.checkpoint import KIND, model_of

        return model_of(path, *load_archive(path, KIND)).eval()

    def _check(self, ids: Any, name: str, least: int = 0) -> None:
        if not isinstance(ids, Tensor):
            raise InputError(
                f"{name} is of type {type(ids).__name__}; a torch tensor is wanted: torch.as_tensor({name})"
            )
        if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
            raise DtypeError(f"{name} holds {str(ids.dtype)[6:]}; whole numbers are wanted: {name}.long()")
        if ids.ndim != 2 or not ids.numel():
            raise ShapeError(f"{name} has shape {tuple(ids.shape)}; (batch, symbols) is wanted, one of each at least")
        if ids.device != self.device:
            raise InputError(f"{name} is on {ids.device} and the model on {self.device}; move one: .to(model.device)")
        if ids.device.type != "meta":
            low, high = (int(t) for t in torch.aminmax(ids))
            if low < least or high >= self.symbols:
                wrong = low if low < least else high
                raise InputError(f"{name} holds {wrong}; the model's symbols are 0 to {self.symbols - 1}")

    def generate(
        self,
        prompt: Any,
        n: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int | None = None,
        cached: bool = True,
    ) -> Any:
        """The prompt and ``n`` symbols more, each drawn from what the model expects to come next.

        Past the context, the model sees the last ``context`` symbols: the window slides on by one, and what is in it is
        read anew for each symbol, since every place in it has changed.

        Parameters
        ----------
        prompt : str, or whole numbers: a list, an array or a tensor of shape (m,) or (batch, m)
            Text where the model has a vocabulary. Without a symbol, the text begins as after a line's end.
        n : int
            How many symbols to add.
        temperature : float
            Logits are divided by it: below 1 the likely becomes likelier; 0 takes the likeliest always, the first of
            equals.
        top_k : int, optional
            Draw from the likeliest ``top_k`` only.
        seed : int, optional
            The same seed gives the same symbols. Default: torch's own generator.
        cached : bool
            Whether keys and values are kept within the context: faster; the same symbols, unless rounding decides.

        Returns
        -------
        Of the prompt's kind: a str, or a tensor or array of int64 of shape (m + n,) or (batch, m + n).

        Examples
        --------
        >>> model = Transformer(5, context=4, layers=1, heads=1, width=8, seed=0)
        >>> model.generate([0, 1], 3, temperature=0).shape
        (5,)
        """
        ids, give = self._prompt(prompt)
        new = list(self.stream(ids, n, temperature=temperature, top_k=top_k, seed=seed, cached=cached))
        return give(torch.stack(new, 1) if new else ids[:, :0])

    def stream(
        self,
        prompt: Any,
        n: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int | None = None,
        cached: bool = True,
    ) -> Iterator[Tensor]:
        """:meth:`generate`, symbol by symbol: a tensor of shape (batch,) each, without the prompt."""
        n = check_count(n, "n", 0)
        temperature = check_number(temperature, "temperature")
        top_k = None if top_k is None else check_count(top_k, "top_k")
        generator = None if seed is None else torch.Generator(self.device).manual_seed(check_seed(seed))
        ids, _ = self._prompt(prompt)
        return self._stream(ids, n, temperature, top_k, generator, cached)

    def _stream(
        self,
        ids: Tensor,
        n: int,
        temperature: float,
        top_k: int | None,
        generator: torch.Generator | None,
        cached: bool,
    ) -> Iterator[Tensor]:
        if not ids.shape[1]:
            ids = ids.new_full((len(ids), 1), self._first())
        cache = self.cache() if cached else None
        fed = 0  # symbols that the cache has seen
        for _ in range(n):
            training = self.training
            self.eval()
            try:
                with torch.no_grad():
                    if cache is not None and ids.shape[1] <= self.context:
                        logits = self.logits(ids[:, fed:], cache, fed)
                        fed = ids.shape[1]
                    else:
                        logits = self.logits(ids[:, -self.context :])
                    chosen = draw(logits[:, -1], temperature, top_k, generator)
            finally:
                self.train(training)
            ids = torch.cat([ids[:, -self.context :] if ids.shape[1] > self.context else ids, chosen[:, None]], 1)
            yield chosen

    def _first(self) -> int:
        """What a text without a beginning follows: a line's end, where the vocabulary has one."""
        if self.vocabulary is None:
            return 0
        if self.vocabulary.characters is None:
            return ord("\n")
        return max(0, self.vocabulary.characters.find("\n"))

    def _prompt(self, prompt: Any) -> tuple[Tensor, Any]:
        """The prompt as (batch, m) numbers, and what gives prompt and continuation back in its kind."""
        if isinstance(prompt, str):
            if self.vocabulary is None:
                raise InputError("this model has no vocabulary, so it takes numbers; make it with Vocabulary.of(text)")
            vocabulary = self.vocabulary
            ids = torch.from_numpy(vocabulary.encode(prompt).astype(np.int64))[None].to(self.device)
            return ids, lambda new: prompt + vocabulary.decode(new[0].cpu().numpy())
        given: Tensor | NDArray[Any] = prompt if isinstance(prompt, Tensor) else np.asarray(prompt)
        if not isinstance(given, Tensor):
            if given.size and given.dtype.kind not in "iu":
                raise DtypeError(f"prompt holds {given.dtype}; text or whole numbers are wanted")
            given = torch.from_numpy(given.astype(np.int64)).to(self.device)
        if given.ndim not in (1, 2):
            raise ShapeError(f"prompt has shape {tuple(given.shape)}; (symbols,) or (batch, symbols) is wanted")
        ids = given if given.ndim == 2 else given[None]
        if ids.numel():
            self._check(ids, "prompt")
        ids = ids.long()
        one, plain = given.ndim == 1, not isinstance(prompt, Tensor)

        def give(new: Tensor) -> Any:
            whole = torch.cat([ids, new], 1)
            whole = whole[0] if one else whole
            return whole.cpu().numpy() if plain else whole

        return ids, give


def draw(logits: Tensor, temperature: float, top_k: int | None, generator: torch.Generator | None) -> Tensor:
    """A symbol for each row of (batch, symbols) logits."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits.float() / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        least = torch.topk(logits, top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    return torch.multinomial(functional.softmax(logits, -1), 1, generator=generator)[:, 0]


class _Block(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        width, bias, dropout = settings["width"], settings["bias"], settings["dropout"]
        metric, scale = settings["metric"], settings["scale"]
        self.norm_attention = nn.LayerNorm(width, bias=bias)
        self.attention = Attention(
            width,
            settings["heads"],
            metric=metric,
            causal=True,
            scale=scale if scale is not None or _is_dot(metric) else "learned",
            bias=bias,
            dropout=dropout,
        )
        self.norm_feedforward = nn.LayerNorm(width, bias=bias)
        self.feedforward = _feedforward(settings)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        looked = self.attention(self.norm_attention(x), cache=cache)
        x = x + (self.dropout(looked) if self.dropout.p else looked)
        known = self.feedforward(self.norm_feedforward(x))
        return cast(Tensor, x + (self.dropout(known) if self.dropout.p else known))

    def writing(self) -> list[Tensor]:
        """The matrices whose products are added to x."""
        found = [self.attention.out_proj.weight]
        if isinstance(self.feedforward, nn.Sequential):
            return [*found, cast(nn.Linear, self.feedforward[2]).weight]
        return found + [module.values for module in self.feedforward.modules() if isinstance(module, Memory)]


def _feedforward(settings: dict[str, Any]) -> nn.Module:
    """Two matrices, a memory or experts; the latter compare by ``feedforward_metric``."""
    width, hidden, metric = settings["width"], settings["hidden"], settings["feedforward_metric"]
    bias = settings["bias"]
    if settings["feedforward"] == "dense":
        return nn.Sequential(nn.Linear(width, hidden, bias=bias), nn.GELU(), nn.Linear(hidden, width, bias=bias))
    if settings["feedforward"] == "memory":  # other scores than products need thresholds
        return Memory(width, hidden, metric=metric, activation="gelu", bias=bias or not _is_dot(metric))
    count = settings["experts"]

    def expert(d: int) -> nn.Module:
        return Memory(d, hidden, activation="gelu", bias=bias)

    return MixtureOfExperts(width, count, top_k=min(2, count), router=metric, expert=expert)


def _kept(metric: Any) -> str | Metric:
    """A metric as settings keep it: its name, as it was given, or what it computes."""
    return metric if isinstance(metric, str) else as_metric(metric)


def _is_dot(metric: Any) -> bool:
    if isinstance(metric, str) and ALIASES.get(metric, metric) == "mahalanobis":
        return False
    return as_metric(metric) == dot


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """torch's generator set to a seed, and back to what it was."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_seed(seed))
        yield


def check_seed(seed: Any) -> int:
    """A seed: 0 to 2**63 - 1."""
    number = check_count(seed, "seed", 0)
    if number >= 1 << 63:
        raise InputError(f"seed={number} is too large: below 2**63 is wanted")
    return number
