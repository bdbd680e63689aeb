"""``likewise lm``: training that goes on where it was stopped, samples, and how both fail."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from likewise.cli import app
from likewise.cli.lm import read_texts

ROOT = Path(__file__).parents[1]
TEXT = "the quick brown fox jumps over the lazy dog;\n" * 30
SMALL = ["--layers", 1, "--heads", 2, "--width", 16, "--context", 16, "--batch", 4]
FAST = [*SMALL, "--steps", 20, "--every", 10, "--lr", 0.01]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT, encoding="utf-8")


def invoke(*args, **options):
    return CliRunner().invoke(app, ["lm", *map(str, args)], **options)


def lines(*args, **options):
    result = invoke(*args, **options)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]


def failed(*args, **options):
    result = invoke(*args, **options)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.removeprefix("Error: ")[:-1]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    (path / "text.txt").write_text(TEXT)
    assert invoke("train", path / "text.txt", "--out", path / "model.lm", *FAST).exit_code == 0
    return path / "model.lm"


def test_train_and_sample():
    records = lines("train", "text.txt", "--metric", "manhattan", *FAST)
    assert [list(record) for record in records] == [["step", "loss", "validation", "seconds"]] * 2
    assert [record["step"] for record in records] == [10, 20]
    assert records[1]["validation"] < records[0]["validation"] < 3.5
    result = invoke("sample", "model.lm", "--prompt", "the ", "--length", 30, "--seed", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("the ")
    assert len(result.stdout) == 4 + 30 + 1
    (said,) = lines("sample", "model.lm", "--prompt", "the ", "--length", 30, "--seed", 1, "--json")
    assert said == {"prompt": "the ", "text": result.stdout[4:-1], "seed": 1}
    (other,) = lines("sample", "model.lm", "--prompt", "the ", "--length", 30, "--seed", 2, "--json")
    assert other["text"] != said["text"]


def test_the_same_command_again_has_nothing_to_do():
    assert len(lines("train", "text.txt", *FAST)) == 2
    before = Path("model.lm").read_bytes()
    again = invoke("train", "text.txt", *FAST)
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr == "model.lm has all of its 20 steps: nothing was left to do\n"
    assert Path("model.lm").read_bytes() == before
    assert failed("train", "text.txt", *FAST, "--metric", "cosine", "--seed", 1) == (
        "model.lm holds another run: metric='dot' there, metric='cosine' here; seed=0 there, seed=1 here. "
        "Give the same settings to go on with it, or name another checkpoint"
    )


@pytest.mark.parametrize("metric", ["mahalanobis", "rbf(gamma=0.5)", "ip"])
def test_metrics_of_their_own(metric):
    assert len(lines("train", "text.txt", "--metric", metric, *FAST)) == 2
    assert invoke("train", "text.txt", "--metric", metric, *FAST).stdout == ""
    assert len(lines("sample", "model.lm", "--length", 5, "--json")) == 1


def test_a_table():
    result = invoke("train", "text.txt", "--table", *FAST)
    assert result.exit_code == 0
    assert [w for w in result.stdout.split() if w.isalpha()] == ["step", "loss", "validation", "seconds"]


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="sends Ctrl-C to a process")
def test_ctrl_c_and_the_same_command_goes_on():
    command = [sys.executable, "-m", "likewise", "lm", "train", "text.txt", *map(str, SMALL)]
    command += ["--steps", "100000", "--every", "5"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    first = json.loads(process.stdout.readline())
    assert first["step"] == 5
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert time.monotonic() - stopped < 30
    assert process.returncode == 130, err
    done = int(err.split("stopped after step ")[1].split(" of ")[0].replace(",", ""))
    assert err.strip().endswith("of 100,000; saved in model.lm: the same command goes on from there")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    again = json.loads(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    assert again["step"] == done - done % 5 + 5


def test_several_texts_and_standard_input():
    Path("more.txt").write_bytes(b"one\r\ntwo")
    assert read_texts(["more.txt", "text.txt"]) == "one\ntwo\n" + TEXT
    assert read_texts(["more.txt"]) == "one\ntwo"
    Path("other.txt").write_bytes("naïve".encode("cp1252"))
    assert read_texts(["other.txt"], "cp1252") == "naïve"
    Path("wide.txt").write_bytes("naïve".encode("utf-16"))
    assert read_texts(["wide.txt"]) == "naïve"
    assert len(lines("train", "-", *FAST, input=TEXT)) == 2


def test_bytes_write_any_text():
    lines("train", "text.txt", "--bytes", *FAST)
    (said,) = lines("sample", "model.lm", "--prompt", "é", "--length", 5, "--seed", 0, "--json")
    assert said["prompt"] == "é"


def test_texts_that_do_not_fit():
    Path("empty.txt").write_text("")
    Path("short.txt").write_text("to be or not to be")
    Path("latin.txt").write_bytes(b"first\nna\xefve")
    Path("binary.txt").write_bytes(b"\x00\x01\x02\x00" * 9)
    assert failed("train", "none.txt") == "there is no file 'none.txt'"
    assert failed("train", "tex.txt") == "there is no file 'tex.txt'; did you mean 'text.txt'?"
    assert failed("train", ".") == ". is a folder; name a file in it"
    assert failed("train", "empty.txt") == "empty.txt is empty: there are no characters in it"
    assert failed("train", "short.txt") == (
        "the text has 18 symbols, 16 of them for training; more than the context of 64 are wanted: "
        "give more text or a smaller context="
    )
    assert failed("train", "latin.txt") == (
        "latin.txt, line 2: byte 0xef is not UTF-8; name the file's encoding, as in encoding='cp1252'"
    )
    assert failed("train", "text.txt", "--encoding", "klingon").startswith("'klingon' is no encoding; try utf-8")
    assert failed("train", "binary.txt") == (
        "binary.txt is no text: it has characters of number 0; name its encoding if it is"
    )
    assert failed("train", "-", "-") == "standard input can be read once; put the rest into files"
    assert failed("train", "-", input="") == "standard input is empty: there are no characters in it"
    assert not Path("model.lm").exists()


def test_settings_that_do_not_fit():
    assert failed("train", "text.txt", "--heads", 3) == (
        "width=128 is not a multiple of heads=3: heads share the width equally"
    )
    assert failed("train", "text.txt", "--metric", "manhatten").startswith("no metric is called 'manhatten'; did you")
    assert (
        failed("train", "text.txt", "--dropout", 1) == "dropout=1.0 is out of range: at least 0 and below 1 is wanted"
    )
    assert "cannot be written" in failed("train", "text.txt", "--out", "none/model.lm", *FAST)


def test_samples_that_do_not_fit(model):
    assert failed("sample", "none.lm") == "there is no file 'none.lm'"
    assert failed("sample", "text.txt") == "text.txt is not an archive of likewise, or it is damaged"
    assert failed("sample", model, "--prompt", "tHe") == (
        "'H' (character 2) is not among the 29 characters of this vocabulary; leave it out, or make a model of bytes, "
        "which write any text: Vocabulary(), or likewise lm train --bytes"
    )
    assert failed("sample", model, "--temperature", -1) == (
        "temperature=-1.0 is out of range: a finite number of at least 0 is wanted"
    )


def test_without_torch(monkeypatch):
    for name in [name for name in sys.modules if name == "likewise.nn" or name.startswith("likewise.nn.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert failed("train", "text.txt") == "lw.nn needs torch; install it with: pip install 'likewise[torch]'"
    assert failed("sample", "model.lm") == "lw.nn needs torch; install it with: pip install 'likewise[torch]'"


def test_a_formula_in_place_of_a_metric():
    records = lines("train", "text.txt", "--formula", "min(abs(x - y), 2)", *FAST)
    assert records[1]["validation"] < records[0]["validation"] < 3.5
    assert invoke("sample", "model.lm", "--length", 5).exit_code == 0
    both = failed("train", "text.txt", "--metric", "dot", "--formula", "x * y", *FAST)
    assert both == "--metric and --formula were both given; take one of them"
    assert (
        failed("train", "text.txt", "--closer", "larger", *FAST) == "--closer belongs to --formula, which was not given"
    )
