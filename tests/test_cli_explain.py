"""``likewise explain``: of shapes, layers, files and shapes in their place; what it prints, how it fails."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import likewise as lw
from likewise.cli import app

GPT2 = "transformer(layers=12, width=768, heads=12, context=1024, vocabulary=50257)"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder with two files of vectors in it."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.save("items.npy", rng.standard_normal((30, 4), dtype=np.float32))
    np.save("queries.npy", rng.standard_normal((9, 4), dtype=np.float32))


def invoke(*args):
    return CliRunner().invoke(app, ["explain", *map(str, args)])


def line(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    (text,) = result.stdout.splitlines()
    return json.loads(text, parse_constant=pytest.fail)


def failed(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.removeprefix("Error: ")[:-1]


@pytest.mark.parametrize("text", ["[3,3,2] @ [2,4]", "linear(batch=32, inputs=512, outputs=2048)", GPT2])
def test_text(text):
    found, expected = line(text), lw.explain(text)
    assert found.keys() == expected.as_dict().keys()
    assert (found["flops"], found["bytes"]) == (expected.flops, expected.bytes)
    double = line(text, "--dtype", "float64")
    assert double["bytes"] == 2 * expected.bytes
    result = invoke(text, "--table")
    assert result.stdout.splitlines()[0] == expected.title


def test_a_clash_exits_with_1():
    result = invoke("[3,3,2] @ [5,4]", "--table")
    assert (result.exit_code, result.stdout) == (1, str(lw.explain("[3,3,2] @ [5,4]")) + "\n")
    result = invoke("[3,3,2] @ [5,4]", "--measure")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False


@pytest.mark.parametrize(("items", "queries"), [("items.npy", "queries.npy"), ("30x4", "9x4")])
@pytest.mark.parametrize(
    ("options", "kind", "shape"),
    [
        (["-k", "3", "-m", "cosine"], "topk", [9, 3]),
        (["-m", "manhattan"], "pairwise", [9, 30]),
        (["--formula", "abs(x - y)", "--verb", "weighted_sum"], "weighted_sum", [9]),
        (["--verb", "attend"], "attend", [9, 4]),
        (["--verb", "within", "-m", "cosine", "--radius", "0.5"], "within", [9]),
    ],
)
def test_verbs(items, queries, options, kind, shape):
    found = line(items, queries, *options)
    assert (found["kind"], found["out_shape"], found["n"], found["m"], found["d"]) == (kind, shape, 9, 30, 4)
    assert found["measured_seconds"] is None
    assert line(items, queries, *options, "--measure")["measured_seconds"] > 0


def test_items_alone():
    assert line("items.npy", "--verb", "kmeans", "-k", "3")["out_shape"] == [3, 4]
    assert line("30x4", "--verb", "kmeans", "-k", "3", "-m", "cosine")["out_shape"] == [3, 4]
    assert line("30x4", "-m", "dot")["out_shape"] == [30, 30]
    assert line("30x4", "30x4", "--verb", "paired", "-m", "dot")["out_shape"] == [30]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["[3] . [3]", "[3]"], "'[3] . [3]' stands alone; QUERIES belong to a file or a shape such as 100000x128"),
        (["[3,"], "'[3,' cannot be read; write two shapes and what is between them, as in '[3,3,2] @ [2,4]', or a "
         "layer, as in 'linear(batch=32, inputs=512, outputs=2048)'; layers are linear, "
         "feed_forward, attention, transformer"),
        (["30x4", "queries.npy", "-m", "dot"], "'queries.npy' is no shape; give both as shapes, as in 100000x128, or "
         "both as files"),
        (["30x4 @ 4x5"], "'30x4 @ 4x5' is neither a file nor a computation; write '[3,3,2] @ [2,4]', a layer such as "
         "'linear(batch=32, inputs=512, outputs=2048)', or a shape such as 100000x128"),
        (["30x4"], "say how to compare: --metric NAME or --formula TEXT; likewise metrics lists the names"),
        (["30x4", "9x5", "-m", "dot"], "x have 5 coordinates and y 4; the last axes must be equal"),
        (["30x4", "-m", "dot", "--dtype", "float64"], "--dtype belongs to shapes in brackets and to layers; files have "
         "their own types"),
        (["30x4", "9x4", "-m", "dot", "--verb", "topc"], "no verb is called 'topc'; did you mean 'topk'?"),
        (["30x4", "9x4", "--verb", "kmeans", "-k", "2"], "kmeans takes ITEMS alone"),
        (["30x4", "9x4", "--verb", "within", "-m", "dot", "--measure"], "within has to know its radius to be measured: "
         "radius=0.5"),
        (["30x4", "9x4", "-m", "dot", "--radius", "1"], "pairwise has no setting 'radius'"),
        (["nothing.npy", "-m", "dot"], "there is no file 'nothing.npy'"),
        (["atention(tokens=3)"], "no layer is called 'atention'; did you mean 'attention'?"),
    ],
)  # fmt: skip
def test_errors(args, said):
    assert failed(*args) == said
