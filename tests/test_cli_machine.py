"""``likewise machine``: lines, one object, a table, a picture; and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from likewise.cli import app
from likewise.machine import rooflines
from tests.test_machine import UNKNOWN, fresh  # noqa: F401


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, fresh):  # noqa: F811
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def invoke(*args):
    return CliRunner().invoke(app, ["machine", "-d", "8", "--n-jobs", "1", *args], env={"COLUMNS": "80"})


def lines(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]


def failed(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.removeprefix("Error: ")[:-1]


def test_the_machine_and_a_line_a_metric():
    machine, *metrics = lines("-m", "manhattan", "--metric", "minkowski(p=3)")
    assert machine["threads"] == 1
    assert machine["flops"]["f32"] == 2 * machine["rates"]["fma f32"]["one_core"]
    assert [(metric["metric"], metric["d"], metric["flops"]) for metric in metrics] == [
        ("manhattan", 8, 2),
        ("minkowski(p=3)", 8, 4),
    ]
    assert lines("-m", "manhattan") == [machine, metrics[0]]
    (whole,) = lines("-m", "manhattan", "--json")
    assert whole == {"machine": machine, "metrics": metrics[:1]}
    assert lines("-m", "manhattan", "--refresh") != [machine, metrics[0]]


def test_a_table_for_people_fits_a_terminal():
    result = invoke("-m", "dot", "--metric", "polynomial", "--table")
    assert result.exit_code == 0
    assert "multiply-adds" in result.stdout
    assert any(line.split("│")[1].strip() == "polynomial" for line in result.stdout.splitlines() if "│" in line)


def test_a_picture():
    pytest.importorskip("matplotlib")
    assert lines("-m", "dot", "--plot", "roofline.svg")
    assert "<svg" in Path("roofline.svg").read_text()


def test_what_is_refused_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr(rooflines, "measure", pytest.fail)
    assert failed("-m", "manhatan") == UNKNOWN
    assert failed("--table", "--json") == "--table and --json were both given; take one of them"
    assert failed("--plot", "roofline.png") == (
        "the roofline is drawn as SVG, and roofline.png is not called that; try roofline.svg"
    )
    assert failed("--plot", "no/roofline.svg") == "no/roofline.svg cannot be written: there is no folder no"
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert failed("--plot", "roofline.svg") == "--plot needs matplotlib; install it with: pip install 'likewise[plot]'"
