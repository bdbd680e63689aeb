"""The experiment with language models: that it goes on where it was, and that the page shows what it measured."""

import json

import pytest

from benchmarks import lm as bench
from tools.generated import between

PLACES = "# Page\n\n<!-- metrics -->\n<!-- /metrics -->\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The quick experiment on two metrics."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(bench, "METRICS", ("dot", "manhattan"))
    monkeypatch.setattr(bench, "COLOURS", bench.COLOURS[:2])
    monkeypatch.setattr(bench, "checkpoints", lambda: tmp_path)
    page, kept = tmp_path / "page.md", tmp_path / "page.json"
    page.write_text(PLACES)

    def go(*more):
        assert bench.main(["--quick", "--json", str(kept), "--page", str(page), *more]) == 0
        return json.loads(kept.read_text()), page.read_text(), page.with_suffix(".svg").read_bytes()

    return go


def test_it_goes_on_where_it_was(run, tmp_path, monkeypatch):
    first, page, picture = run("--seeds", "1")
    assert [(r["metric"], r["seed"]) for r in first["runs"]] == [("dot", 0), ("manhattan", 0)]
    assert first["runs"][0]["steps"] == [3, 6]
    assert not list(tmp_path.glob("*.lm"))
    monkeypatch.setattr(bench, "step_times", None)  # measured already
    again, same, identical = run("--seeds", "1")
    assert (again, same, identical) == (first, page, picture)
    second, page, picture = run("--seeds", "2")
    assert second["runs"][:2] == first["runs"]
    assert [(r["metric"], r["seed"]) for r in second["runs"][2:]] == [("dot", 1), ("manhattan", 1)]
    assert "| manhattan | -Σ \\|q - k\\| |" in page
    assert "2 seeds" in page
    assert len(picture) < 60_000
    assert run("--from-json")[1:] == (page, picture)


def test_a_quick_run_is_not_mistaken_for_a_measurement(run, tmp_path, capsys):
    run("--seeds", "1")
    with pytest.raises(SystemExit, match="holds quick runs; name another file with --json"):
        bench.measure(1, False, tmp_path / "page.json")
    with pytest.raises(SystemExit):
        bench.main(["--quick"])
    assert "--quick wants --json and --page" in capsys.readouterr().err


def test_one_metric_alone_writes_no_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "checkpoints", lambda: tmp_path)
    monkeypatch.setattr(bench, "step_times", lambda text, quick: {})
    page = tmp_path / "page.md"
    bench.main(["--quick", "--metric", "cosine", "--seeds", "1", "--json", str(tmp_path / "a"), "--page", str(page)])
    assert capsys.readouterr().out.endswith("the page waits for dot, which the others are compared with\n")
    assert not page.exists()


def test_arguments():
    assert bench.argument("dot") == {"metric": "dot"}
    assert bench.argument("dot-learned") == {"metric": "dot", "scale": "learned"}


def test_what_is_found_is_what_the_figures_bear_out():
    def runs(metric, *losses):
        return [{"metric": metric, "seed": s, "validation": [loss]} for s, loss in enumerate(losses)]

    results = {
        "runs": runs("dot", 1.90, 1.91, 1.89)
        + runs("cosine", 1.91, 1.90, 1.90)
        + runs("manhattan", 1.86, 1.87, 1.86)
        + runs("rbf", 2.2, 2.1, 2.3),
        "steps": {"speed": {bench.PEER: [0.9, 1.0, 1.25], bench.LAYER: [1.0, 1.25, 1.5]}},
    }
    first, second = bench.findings(results)
    assert first == (
        "dot: 1.900 (nanoGPT states 1.88). A lower loss than dot's, by more than two standard errors of the "
        "difference: manhattan (-0.037). A higher one: rbf (+0.300). Not to be told from dot: cosine (+0.003).\n"
    )
    assert second.startswith("A step of dot takes 1.00 times that of a network written by hand on torch's `scaled_dot")
    assert "(quartiles 0.800 to 1.11)" in second
    assert "and 0.800 times that of the same network with `torch.nn.MultiheadAttention` (0.667 to 1.00)" in second
    assert [goal.met for goal in bench.goals(results)] == [True, True, True]


def test_the_page_shows_what_was_measured():
    page = bench.PAGE.read_text(encoding="utf-8")
    if not bench.MEASURED.exists():
        assert between(page, {"metrics": ""}, bench.PAGE.name)  # the place is there
        return
    measured = json.loads(bench.MEASURED.read_text(encoding="utf-8"))
    parts = bench.parts(measured, bench.PAGE.with_suffix(".svg").name)
    assert between(page, parts, bench.PAGE.name) == page, "run: python -m benchmarks.lm --from-json"
    assert not measured["quick"]
