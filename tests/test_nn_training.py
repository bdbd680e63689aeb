"""Training: the recipe, runs that are cut off, checkpoints, and what does not fit."""

import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from likewise.errors import InputError
from likewise.nn import Transformer, Vocabulary, evaluate, train, training
from likewise.nn.training import Recipe, optimiser_for, places

ROOT = Path(__file__).parents[1]
TEXT = "the quick brown fox jumps over the lazy dog; " * 30
MODEL = {"context": 16, "layers": 1, "heads": 2, "width": 16, "metric": "manhattan", "dropout": 0.1}
RUN = {"steps": 24, "batch": 4, "warmup": 4, "lr": 1e-2, "every": 8, "seed": 3}


def taught(**changes):
    model = changes.pop("model", MODEL)
    text = changes.pop("text", TEXT)
    return train(model, text, **(RUN | changes))


def same(one, two):
    """Whether two runs ended alike, to the bit: weights, and every loss on the way."""
    losses = [[(r.step, r.loss, r.validation) for r in made.records] for made in (one, two)]
    weights = [made.model.state_dict() for made in (one, two)]
    return losses[0] == losses[1] and all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.fixture(scope="module")
def uninterrupted():
    return taught()


# ---- what it does


def test_it_learns_a_text():
    made = taught(steps=150, model=MODEL | {"dropout": 0.0})
    assert made.validation < 1.0 < math.log(28) < made.records[0].loss + 1
    assert evaluate(made.model, TEXT) == pytest.approx(made.validation, abs=0.2)
    assert not made.model.training
    assert made.finished


def test_records(uninterrupted):
    assert [record.step for record in uninterrupted.records] == [8, 16, 24]
    seconds = [record.seconds for record in uninterrupted.records]
    assert seconds == sorted(seconds)
    assert uninterrupted.validation == uninterrupted.records[-1].validation


def test_the_same_seed_gives_the_same_bits(uninterrupted):
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert same(taught(), uninterrupted)
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(taught(seed=4), uninterrupted)


def test_the_step_size_is_nanogpts():
    recipe = Recipe(steps=2000, lr=1e-3, min_lr=1e-4, warmup=100)
    assert recipe.lr_at(0) == pytest.approx(1e-3 / 101)
    assert recipe.lr_at(100) == 1e-3
    assert recipe.lr_at(1050) == pytest.approx(5.5e-4)
    assert recipe.lr_at(2000) == pytest.approx(1e-4)


def test_matrices_alone_decay():
    model = Transformer(9, context=8, layers=1, heads=2, width=16, metric="manhattan", bias=True)
    decays = {
        id(p): group["weight_decay"] for group in optimiser_for(model, Recipe()).param_groups for p in group["params"]
    }
    for name, parameter in model.named_parameters():
        matrix = name.endswith("weight") and "norm" not in name
        assert decays[id(parameter)] == (0.1 if matrix else 0.0), name


def test_every_place_of_the_text_is_taught():
    found = np.concatenate([places(Recipe(batch=50, seed=1), step, 20) for step in range(20)])
    assert set(found.tolist()) == set(range(20))
    assert places(Recipe(), 7, 1000).tolist() == places(Recipe(), 7, 1000).tolist()


def test_validation_is_the_mean_over_windows_side_by_side():
    model = Transformer(Vocabulary.of(TEXT), **{**MODEL, "dropout": 0.0}, seed=0)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT).astype(np.int64))
    windows = [(ids[i : i + 16], ids[i + 1 : i + 17]) for i in range(0, len(ids) - 16, 16)]
    wanted = np.mean([model(x[None], y[None])[1].item() for x, y in windows])
    assert evaluate(model, TEXT) == pytest.approx(wanted, rel=1e-5)
    assert evaluate(model, TEXT, windows=5) == pytest.approx(wanted, rel=0.05)


def test_without_validation():
    made = taught(validation=0, steps=8)
    assert made.validation is None


def test_numbers_as_text():
    ids = np.tile(np.arange(7), 60)
    made = taught(model=MODEL | {"vocab": 7}, text=ids, steps=8)
    assert made.model.vocabulary is None
    assert len(made.records) == 1


def test_progress_and_reports(capsys):
    seen, records = [], []
    made = taught(progress=lambda done, total: seen.append((done, total)), report=records.append)
    assert seen == [(step, 24) for step in range(1, 25)]
    assert records == made.records
    taught(steps=2, progress=True)
    assert capsys.readouterr().err == ""  # a line appears after a second only


def test_the_line_of_progress(uninterrupted, capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    line = training._Line()
    made = training.Training(uninterrupted.model, Recipe(steps=2000))
    for made.step in range(1, 101):
        now[0] += 0.05
        line(made, 2.0)
    made.records.append(uninterrupted.records[0])
    now[0] += 1.0
    made.step = 120
    line(made, 2.0)
    shown = capsys.readouterr().err.split("\r")
    assert 15 < len(shown) < 25  # from the first second on, five times a second at most
    assert shown[-1].startswith("120 of 2,000: loss 2.000, validation ")
    assert "20.0 steps/s, 1:34 left" in shown[-1]
    assert "\n" not in shown[-1]


# ---- runs that are cut off

CHILD = f"""
import os, signal, sys
import torch
torch.set_num_threads(int(sys.argv[3]))
from likewise.nn import train
kill_at, path = int(sys.argv[1]), sys.argv[2]

def progress(done, total):
    if done == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

if kill_at < 0:  # in the middle of writing the checkpoint of that step: some of it is on the disk
    import likewise.files.archive as archive
    kept, fsync, written = -kill_at, os.fsync, []
    def sync(handle):
        written.append(handle)
        if len(written) == kept:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)
    archive.os.fsync = sync

train({MODEL!r}, {TEXT!r}, checkpoint=path, progress=progress, **{RUN!r})
"""


def killed(kill_at, path):
    """A process that trains until it kills itself, with signal 9."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(kill_at), str(path), str(torch.get_num_threads())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_and_resumed_is_as_uninterrupted(tmp_path, uninterrupted):
    path = tmp_path / "model.lm"
    killed(13, path)  # the last checkpoint is that of step 8
    killed(-1, path)  # resumed there, and killed again while writing that of step 16
    left = list(tmp_path.glob(".model.lm.*.part"))
    assert len(left) == 1
    assert Transformer.load(path).vocabulary == Vocabulary.of(TEXT)  # what was whole is still there
    os.utime(left[0], (0, 0))  # an hour later
    steps = []
    made = taught(checkpoint=path, progress=lambda done, total: steps.append(done))
    assert steps == list(range(9, 25))
    assert same(made, uninterrupted)
    assert not left[0].exists()
    again = taught(checkpoint=path)  # finished: nothing to do
    assert same(again, uninterrupted)
    assert same(again, made)


@pytest.fixture
def ctrl_c_works():
    """Python's own handler: a shell that starts tests in the background has Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, uninterrupted):
    path = tmp_path / "model.lm"

    def progress(done, total):
        if done == 11:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as stopped:
        taught(checkpoint=path, progress=progress)
    assert str(stopped.value) == f"stopped after step 11 of 24; saved in {path}: the same call goes on from there"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt) as stopped:
        taught(progress=progress)
    assert str(stopped.value) == "stopped after step 11 of 24; nothing was saved: that takes checkpoint="
    assert same(taught(checkpoint=path), uninterrupted)


def test_an_error_leaves_the_last_checkpoint(tmp_path, uninterrupted):
    path = tmp_path / "model.lm"

    def progress(done, total):
        if done == 19:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        taught(checkpoint=path, progress=progress)
    assert same(taught(checkpoint=path), uninterrupted)


def test_it_runs_in_another_thread(uninterrupted):
    made = []
    thread = threading.Thread(target=lambda: made.append(taught()))
    thread.start()
    thread.join()
    assert same(made[0], uninterrupted)


def test_what_was_taught_can_be_taught_further(tmp_path):
    first = taught(checkpoint=tmp_path / "first.lm", steps=8)
    loss = first.records[-1].validation
    model = Transformer.load(tmp_path / "first.lm")
    assert evaluate(model, TEXT[-135:]) == pytest.approx(loss, rel=1e-6)
    second = taught(model=model, text=TEXT, checkpoint=tmp_path / "second.lm")
    assert second.model is model
    assert second.validation < loss


# ---- what does not fit


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "model.lm"
    taught(checkpoint=path, steps=8)
    return path


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"lr": 1e-3}, "lr=0.01 there, lr=0.001 here; min_lr=0.001 there, min_lr=0.0001 here"),
        ({"steps": 9}, "steps=8 there, steps=9 here"),
        ({"betas": (0.9, 0.95)}, "betas=[0.9, 0.99] there, betas=[0.9, 0.95] here"),
        ({"model": MODEL | {"metric": "dot"}}, "metric='manhattan' there, metric='dot' here"),
        ({"model": MODEL | {"hidden": 8}}, "hidden=64 there, hidden=8 here"),
        ({"text": TEXT[:-1] + "."}, "28 kinds of symbols there, 29 here; another text of the same length"),
        ({"text": TEXT * 2}, "another text (1,350 symbols there, 2,700 here)"),
    ],
)
def test_another_run_is_not_gone_on_with(kept, changes, differing):
    with pytest.raises(InputError) as failure:
        taught(checkpoint=kept, **({"steps": 8} | changes))
    assert str(failure.value) == (
        f"{kept} holds another run: {differing}. Give the same settings to go on with it, or name another checkpoint"
    )


def test_checkpoints_that_cannot_be_gone_on_with(tmp_path):
    path = tmp_path / "model.lm"
    Transformer(Vocabulary.of(TEXT), **MODEL).save(path)
    with pytest.raises(InputError, match="holds a model, not a run that could go on; name another checkpoint"):
        taught(checkpoint=path)
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="is not an archive of likewise, or it is damaged"):
        taught(checkpoint=path)
    assert path.read_bytes() == b"something else"
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        taught(checkpoint=tmp_path / "none" / "model.lm")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps=0 is too small: at least 1 is wanted"),
        ({"batch": 1.5}, "batch=1.5 is not a whole number"),
        ({"every": 0}, "every=0 is too small: at least 1 is wanted"),
        ({"windows": 0}, "windows=0 is too small: at least 1 is wanted"),
        ({"lr": -1}, "lr=-1 is out of range: a finite number of at least 0 is wanted"),
        ({"lr": math.inf}, "lr=inf is out of range: a finite number of at least 0 is wanted"),
        ({"lr": "big"}, "lr='big' is not a number"),
        ({"betas": 0.9}, "betas=0.9 is not a pair of numbers"),
        ({"betas": (0.9, 1)}, "betas[1]=1 is out of range: at least 0 and below 1 is wanted"),
        ({"validation": 1}, "validation=1 is out of range: at least 0 and below 1 is wanted"),
        ({"model": 3}, "model is of type int; a Transformer is wanted, or a mapping of its arguments"),
        ({"model": {"depth": 3}}, "the model's arguments do not fit: got an unexpected keyword argument 'depth'"),
        ({"text": ""}, "the text is empty, so it has no characters to number"),
        (
            {"text": TEXT[:100]},
            "the text has 100 symbols, 10 of them for validation; more than the context of 16 are wanted: "
            "give more text, a smaller context= or validation=0",
        ),
        (
            {"text": TEXT[:16], "validation": 0},
            "the text has 16 symbols, 16 of them for training; more than the context of 16 are wanted: "
            "give more text or a smaller context=",
        ),
        ({"text": [0, 1]}, "numbers do not say which symbols there are; give a Transformer, or 'vocab' among the "
         "arguments"),
        ({"text": [0.5], "model": MODEL | {"vocab": 3}}, "the text has shape (1,) and holds float64; a str or a row of "
         "integers is wanted"),
        ({"text": [0, 3] * 90, "model": MODEL | {"vocab": 3}}, "the text holds 3; the model's symbols are 0 to 2"),
        ({"model": MODEL | {"vocab": 3}}, "this model has no vocabulary, so it takes numbers; make it with "
         "Vocabulary.of(text)"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(changes, message):
    with pytest.raises(InputError) as failure:
        taught(**changes)
    assert str(failure.value) == message


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    path = tmp_path / "model.lm"
    model = Transformer(Vocabulary.of(TEXT), **MODEL)
    with torch.no_grad():
        model.norm.weight.fill_(math.inf)
    with pytest.raises(InputError) as failure:
        taught(model=model, checkpoint=path)
    assert str(failure.value) == (
        "the loss at step 0 is nan; try a smaller lr= (it is 0.01) or a longer warmup= (it is 4); "
        f"{path} holds the run before that"
    )


def test_evaluate_wants_more_than_a_context():
    with pytest.raises(InputError, match="the text has 16 symbols; more than the model's context of 16 are wanted"):
        evaluate(Transformer(Vocabulary.of(TEXT), **MODEL), TEXT[:16])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_losses_of_16_bit_models_are_summed_in_float32(dtype):
    model = Transformer(Vocabulary.of(TEXT), context=16, layers=1, heads=2, width=16, seed=0).eval()
    wanted = evaluate(model, TEXT)
    assert evaluate(model.to(dtype), TEXT) == pytest.approx(wanted, rel=1e-4 if dtype == torch.float16 else 1e-3)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT[:17]))[None]
    assert model(ids[:, :-1], ids[:, 1:].long())[1].dtype == torch.float32
