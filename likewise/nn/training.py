"""Teach a language model a text, so that a run that is cut off goes on as if nothing had happened.

    for step = 0, 1, ...:
        windows = batch places of the text              drawn from (seed, step)
        loss    = mean of -log p(next symbol)
        AdamW at lr(step), gradients no longer than clip

All chance of a step comes from the seed and the step's number, so that weights, the optimiser's two averages and the
number of steps are the whole state. A checkpoint holds these; it is written beside its place and renamed, so that a
process that is killed at any moment leaves the last whole one.

The recipe is nanoGPT's (https://github.com/karpathy/nanoGPT): warm-up and half a cosine of the step size, decay of
matrices alone.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from likewise.errors import InputError
from likewise.files.archive import load_archive, save_archive
from likewise.nn import checkpoint as files
from likewise.nn.check import accumulate_dtype, check_count, check_number, check_share
from likewise.nn.transformer import Transformer, check_seed
from likewise.nn.vocabulary import Vocabulary

_SAVE_SECONDS = 60.0  # a checkpoint is at most that old
_EVALUATED = 1 << 12  # symbols at a time in validation


@dataclass(frozen=True)
class Recipe:
    """How a model is taught; what decides its weights."""

    steps: int = 2000
    batch: int = 12
    lr: float = 1e-3
    min_lr: float = 1e-4
    warmup: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.1
    clip: float = 1.0
    validation: float = 0.1
    seed: int = 0

    def lr_at(self, step: int) -> float:
        """The step size: up in a line for ``warmup`` steps, then down to ``min_lr`` along half a cosine."""
        if step < self.warmup:
            return self.lr * (step + 1) / (self.warmup + 1)
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.min_lr + 0.5 * (1 + math.cos(math.pi * min(1.0, share))) * (self.lr - self.min_lr)


@dataclass(frozen=True)
class Record:
    """What is known of a run after a step.

    Losses are means of -log p in nats a symbol: ``loss`` over the batches since the last record, ``validation`` over
    text that is not trained on, None where none was kept. ``seconds`` are those of training, without validation.
    """

    step: int
    loss: float
    validation: float | None
    seconds: float


@dataclass
class Training:
    """A model and how it was taught."""

    model: Transformer
    recipe: Recipe
    records: list[Record] = field(default_factory=list)
    step: int = 0
    seconds: float = 0.0

    @property
    def validation(self) -> float | None:
        """The last validation loss."""
        return self.records[-1].validation if self.records else None

    @property
    def finished(self) -> bool:
        """Whether all steps were taken."""
        return self.step >= self.recipe.steps


def train(
    model: Transformer | Mapping[str, Any] | None,
    text: str | NDArray[Any],
    *,
    steps: int = 2000,
    batch: int = 12,
    lr: float = 1e-3,
    min_lr: float | None = None,
    warmup: int = 100,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.1,
    clip: float = 1.0,
    validation: float = 0.1,
    windows: int | None = 2000,
    every: int = 250,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    report: Callable[[Record], None] | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
) -> Training:
    """Teach a model to say what comes next in a text.

    Called again with the same arguments, it goes on from its checkpoint, to the same weights, bit for bit, as if it had
    never stopped: on the same machine with as many threads. Ctrl-C ends it after the step it is in, saved.

    Parameters
    ----------
    model : Transformer, or mapping, or None
        The model, which is changed; or the arguments of a :class:`Transformer` for the text's own characters.
    text : str, or integers of shape (n,)
        What to learn. Numbers are the model's symbols.
    steps : int
        How many batches.
    batch : int
        Windows of ``model.context`` symbols in each.
    lr, min_lr, warmup : float, float, int
        The step size rises to ``lr`` in ``warmup`` steps, and falls to ``min_lr`` (default: a tenth) along a cosine.
    betas, weight_decay, clip : (float, float), float, float
        Of AdamW: its memories, the decay of matrices, the longest gradient (0: any).
    validation : float
        The share of the text, its end, that is kept apart; 0 for none.
    windows : int, optional
        Windows of it that are looked at, spread evenly; None for all.
    every : int
        Steps from one record to the next.
    seed : int
        Of the places and of dropout; of the weights too where the model is made here.
    checkpoint : path-like, optional
        A file to keep the run in: at each record, once a minute, and at Ctrl-C. :meth:`Transformer.load` reads the
        model from it.
    report : callable, optional
        Called with each new :class:`Record`.
    progress : bool or callable, optional
        True for a line on standard error, or a function of (steps done, steps).

    Returns
    -------
    Training
        With ``.model``, ``.records`` and ``.validation``.

    Raises
    ------
    InputError
        Where the text is too short or has other characters than the model, the checkpoint is of another run (what
        differs is said), or the loss is no longer a number.

    Examples
    --------
    >>> text = "to be or not to be, that is the question. " * 20
    >>> made = train({"context": 16, "layers": 1, "heads": 2, "width": 32}, text, steps=60, warmup=5, lr=1e-2)
    >>> made.validation < 1.0  # guessing among 15 characters would be log(15) = 2.7
    True
    """
    recipe = _recipe(steps, batch, lr, min_lr, warmup, betas, weight_decay, clip, validation, seed)
    windows = None if windows is None else check_count(windows, "windows")
    every = check_count(every, "every")
    model = _model(model, text, recipe.seed)
    ids = _ids(model, text)
    taught, kept = _split(ids, model.context, recipe.validation)
    run = _Run(Training(model, recipe), _fingerprint(ids), checkpoint)
    run.resume()
    show = _Line() if progress is True else None
    told = progress if callable(progress) else None
    made = run.training
    if made.finished:
        return made
    model.train()
    with (
        torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []),
        _interruptible() as interrupted,
    ):
        while not made.finished:
            began = time.perf_counter()
            value = run.advance(taught)
            made.seconds += time.perf_counter() - began
            if made.step % every == 0 or made.finished:
                found = evaluate(model, kept, windows=windows) if len(kept) else None
                made.records.append(Record(made.step, run.mean(), found, made.seconds))
                run.save()
                if report is not None:
                    report(made.records[-1])
            elif run.due():
                run.save()
            if told is not None:
                told(made.step, recipe.steps)
            if show is not None:
                show(made, value)
            if interrupted() and not made.finished:
                run.save()
                raise KeyboardInterrupt(run.farewell())
    model.eval()
    return made


def evaluate(model: Transformer, text: str | NDArray[Any], *, windows: int | None = None) -> float:
    """The mean of -log p of what follows, in nats a symbol, over windows of a text side by side.

    Parameters
    ----------
    model : Transformer
    text : str, or integers of shape (n,)
        Longer than the model's context.
    windows : int, optional
        The most windows to look at, spread evenly over the text. Default: all.

    Examples
    --------
    >>> model = Transformer(Vocabulary.of("ab"), context=4, layers=1, heads=1, width=8, seed=0)
    >>> 0.5 < evaluate(model, "abab" * 10) < 0.9  # nothing learned yet: about log(2) = 0.69
    True
    """
    ids, context = _ids(model, text), model.context
    if len(ids) <= context:
        raise InputError(f"the text has {len(ids)} symbols; more than the model's context of {context} are wanted")
    count = (len(ids) - 1) // context
    chosen = np.arange(count) if windows is None or windows >= count else np.linspace(0, count - 1, windows).astype(int)
    at_once = max(1, _EVALUATED // context)
    total, training = 0.0, model.training
    model.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(chosen), at_once):
                part = chosen[start : start + at_once] * context
                x, y = gather(ids, part, context, model.device)
                logits = model.logits(x)
                wide = logits.to(accumulate_dtype(logits.dtype))  # sums of 4,096 losses in bfloat16 go in steps of 64
                losses = functional.cross_entropy(wide.flatten(0, 1), y.flatten(), reduction="sum")
                total += float(losses.double())
    finally:
        model.train(training)
    return total / (len(chosen) * context)


# ---- one run


class _Run:
    """The state of a run: its model, its optimiser, what it has seen; in memory and in a file."""

    def __init__(self, training: Training, text: dict[str, Any], path: str | os.PathLike[str] | None) -> None:
        self.training, self.text = training, text
        self.path = None if path is None else Path(path)
        self.names = dict(training.model.named_parameters())
        self.optimiser = optimiser_for(training.model, training.recipe)
        self.sum, self.count = 0.0, 0  # of losses since the last record
        self.saved = time.monotonic()

    def advance(self, ids: NDArray[Any]) -> float:
        """One step; the loss before it."""
        made = self.training
        model, recipe, step = made.model, made.recipe, made.step
        starts = places(recipe, step, len(ids) - model.context)
        x, y = gather(ids, starts, model.context, model.device)
        torch.manual_seed(_mixed(recipe.seed, step))  # of dropout, on any device
        value = take_step(model, self.optimiser, recipe, step, x, y)
        if not math.isfinite(value):
            kept = f"; {self.path} holds the run before that" if self.path is not None and self.path.exists() else ""
            raise InputError(
                f"the loss at step {step:,} is {value}; try a smaller lr= (it is {recipe.lr:g}) or a longer "
                f"warmup= (it is {recipe.warmup}){kept}"
            )
        made.step += 1
        self.sum, self.count = self.sum + value, self.count + 1
        return value

    def mean(self) -> float:
        """The mean loss since the last record, which begins anew."""
        mean = self.sum / self.count
        self.sum, self.count = 0.0, 0
        return mean

    def due(self) -> bool:
        """Whether the last checkpoint is old."""
        return self.path is not None and time.monotonic() - self.saved > _SAVE_SECONDS

    def header(self) -> dict[str, Any]:
        """What a run is, and where it stands."""
        made = self.training
        return files.model_header(made.model) | {
            "recipe": asdict(made.recipe),
            "text": self.text,
            "step": made.step,
            "seconds": made.seconds,
            "records": [asdict(record) for record in made.records],
            "pending": [self.sum, self.count],
            "torch": torch.__version__,
        }

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self.path is None:
            return
        arrays = files.model_arrays(self.training.model)
        for name, parameter in self.names.items():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                arrays[f"optimiser.{key}.{name}"] = files.to_array(torch.as_tensor(value))
        save_archive(self.path, files.KIND, self.header(), arrays)
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Take over what the checkpoint holds, if there is one; it has to be of this run."""
        if self.path is None:
            return
        files.sweep(self.path)
        if not self.path.exists():
            self.save()  # a folder that cannot be written is found before an hour's work
            return
        header, arrays = load_archive(self.path, files.KIND)
        if "recipe" not in header:
            raise InputError(f"{self.path} holds a model, not a run that could go on; name another checkpoint")
        if differing := list(differences(header, self.header())):
            raise InputError(
                f"{self.path} holds another run: {'; '.join(differing)}. Give the same settings to go on with it, "
                "or name another checkpoint"
            )
        try:
            made, recorded = self.training, [Record(**record) for record in header["records"]]
            made.step, made.seconds, made.records = int(header["step"]), float(header["seconds"]), recorded
            self.sum, self.count = header["pending"]
            made.model.load_state_dict({n: files.to_tensor(arrays[f"model.{n}"]) for n in made.model.state_dict()})
            for name, value in arrays.items():
                if name.startswith("optimiser."):
                    _, key, parameter = name.split(".", 2)
                    weight = self.names[parameter]
                    self.optimiser.state[weight][key] = files.to_tensor(value).to(weight.device)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{self.path} holds no run that could go on: {error}; it may be damaged") from None

    def farewell(self) -> str:
        """What somebody who pressed Ctrl-C wants to know."""
        made = self.training
        where = f"stopped after step {made.step:,} of {made.recipe.steps:,}"
        if self.path is None:
            return f"{where}; nothing was saved: that takes checkpoint="
        return f"{where}; saved in {self.path}: the same call goes on from there"


def take_step(model: Any, optimiser: torch.optim.Optimizer, recipe: Recipe, step: int, x: Tensor, y: Tensor) -> float:
    """Forward, backward, update; the loss before it. A model is what has ``logits(x)`` and ``loss(logits, y)``."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.lr_at(step)
    loss = model.loss(model.logits(x), y)
    loss.backward()
    if recipe.clip:
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    value = float(loss.detach())
    if math.isfinite(value):
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return value


def optimiser_for(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with decay of matrices alone: of what has two axes longer than 1."""
    learned = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in learned if sum(n > 1 for n in p.shape) > 1]
    rest = [p for p in learned if sum(n > 1 for n in p.shape) <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    fused = all(p.device.type in ("cpu", "cuda") for p in learned)  # one pass over the weights
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=recipe.lr, betas=recipe.betas, fused=fused)


def places(recipe: Recipe, step: int, count: int) -> NDArray[np.int64]:
    """Where the windows of a step begin, each below ``count``."""
    rng = np.random.Generator(np.random.Philox(key=recipe.seed, counter=[0, 0, step, 0]))
    return rng.integers(0, count, recipe.batch)


def gather(ids: NDArray[Any], starts: NDArray[Any], context: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Windows of symbols, and what follows each symbol: (batch, context) both."""
    windows = torch.from_numpy(ids[starts[:, None] + np.arange(context + 1)].astype(np.int64)).to(device)
    return windows[:, :-1], windows[:, 1:]


def _mixed(seed: int, step: int) -> int:
    """A seed for torch's generator at a step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))


# ---- the door


def _recipe(
    steps: Any,
    batch: Any,
    lr: Any,
    min_lr: Any,
    warmup: Any,
    betas: Any,
    weight_decay: Any,
    clip: Any,
    validation: Any,
    seed: Any,
) -> Recipe:
    lr = check_number(lr, "lr")
    try:
        first, second = betas
    except (TypeError, ValueError):
        raise InputError(f"betas={betas!r} is not a pair of numbers") from None
    return Recipe(
        steps=check_count(steps, "steps"),
        batch=check_count(batch, "batch"),
        lr=lr,
        min_lr=lr / 10 if min_lr is None else check_number(min_lr, "min_lr"),
        warmup=check_count(warmup, "warmup", 0),
        betas=(check_share(first, "betas[0]"), check_share(second, "betas[1]")),
        weight_decay=check_number(weight_decay, "weight_decay"),
        clip=check_number(clip, "clip"),
        validation=check_share(validation, "validation"),
        seed=check_seed(seed),
    )


def _model(model: Any, text: Any, seed: int) -> Transformer:
    if isinstance(model, Transformer):
        return model
    if model is not None and not isinstance(model, Mapping):
        raise InputError(
            f"model is of type {type(model).__name__}; a Transformer is wanted, or a mapping of its arguments"
        )
    given = dict(model or {})
    vocab = given.pop("vocab", None)
    if vocab is None:
        if not isinstance(text, str):
            raise InputError(
                "numbers do not say which symbols there are; give a Transformer, or 'vocab' among the arguments"
            )
        vocab = Vocabulary.of(text)
    try:
        return Transformer(vocab, **({"seed": seed} | given))
    except TypeError as error:
        said = str(error).removeprefix("Transformer.__init__() ")
        raise InputError(f"the model's arguments do not fit: {said}") from None


def _ids(model: Transformer, text: Any) -> NDArray[Any]:
    """A text as the model's symbols."""
    if isinstance(text, str):
        if model.vocabulary is None:
            raise InputError("this model has no vocabulary, so it takes numbers; make it with Vocabulary.of(text)")
        return model.vocabulary.encode(text)
    ids = text.detach().cpu().numpy() if isinstance(text, Tensor) else np.asarray(text)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InputError(f"the text has shape {ids.shape} and holds {ids.dtype}; a str or a row of integers is wanted")
    if len(ids) and (int(ids.min()) < 0 or int(ids.max()) >= model.symbols):
        wrong = int(ids[(ids < 0) | (ids >= model.symbols)][0])
        raise InputError(f"the text holds {wrong}; the model's symbols are 0 to {model.symbols - 1}")
    return ids


def _split(ids: NDArray[Any], context: int, share: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is taught, and what is kept for validation: both longer than the context."""
    at = int(len(ids) * (1 - share))
    taught, kept = ids[:at], ids[at:]
    remedies = " or a smaller context=", ", a smaller context= or validation=0"
    for part, what, remedy in ((taught, "for training", remedies[0]), (kept, "for validation", remedies[1])):
        if len(part) <= context and (share or part is taught):
            raise InputError(
                f"the text has {len(ids):,} symbols, {len(part):,} of them {what}; more than the context of {context} "
                f"are wanted: give more text{remedy}"
            )
    return taught, kept


def _fingerprint(ids: NDArray[Any]) -> dict[str, Any]:
    import hashlib

    digest = hashlib.sha256()
    for start in range(0, len(ids), 1 << 20):
        digest.update(ids[start : start + (1 << 20)].astype("<u4").tobytes())
    return {"symbols": len(ids), "sha256": digest.hexdigest()}


def differences(kept: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """What a checkpoint's run and a call do not have in common, for people."""
    for part in ("model", "recipe"):
        for name, value in given[part].items():
            before = kept[part].get(name)
            value = list(value) if isinstance(value, tuple) else value  # as JSON has it
            if before != value:
                before, value = (v["name"] if isinstance(v, Mapping) else v for v in (before, value))
                yield f"{name}={before!r} there, {name}={value!r} here"
    if kept["symbols"] != given["symbols"] or kept["vocabulary"] != given["vocabulary"]:
        yield f"{kept['symbols']} kinds of symbols there, {given['symbols']} here"
    if kept["text"] != given["text"]:
        there, here = kept["text"]["symbols"], given["text"]["symbols"]
        yield "another text" + (
            f" ({there:,} symbols there, {here:,} here)" if there != here else " of the same length"
        )


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed. A second one is not waited for: it raises where it is."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # somebody else's business
        yield pressed.is_set
        return

    def press(number: int, frame: Any) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class _Line:
    """A line on standard error: how far, the loss, how fast, how long still."""

    def __init__(self) -> None:
        self.begun = self.last = time.monotonic()
        self.first: int | None = None
        self.smooth: float | None = None

    def __call__(self, made: Training, loss: float) -> None:
        self.smooth = loss if self.smooth is None else 0.95 * self.smooth + 0.05 * loss
        self.first = made.step - 1 if self.first is None else self.first
        now, steps = time.monotonic(), made.recipe.steps
        if now - self.begun < 1 or (now - self.last < 0.2 and not made.finished):
            return
        self.last = now
        rate = (made.step - self.first) / (now - self.begun)
        found = "" if made.validation is None else f", validation {made.validation:.3f}"
        left = (steps - made.step) / rate
        sys.stderr.write(
            f"\r{made.step:,} of {steps:,}: loss {self.smooth:.3f}{found}, {rate:.1f} steps/s, {_clock(left)} left  "
            + ("\n" if made.finished else "")
        )
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"
