"""The page of costs says what was measured, and can be measured again."""

import json

import pytest

from benchmarks import explain as bench
from tools.generated import between


def test_a_page_is_written(tmp_path):
    page, path = tmp_path / "explain.md", tmp_path / "explain.json"
    page.write_text(bench.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    settings = ["--quick", "--json", str(path), "--page", str(page)]
    assert bench.main(settings) == 0
    text = page.read_text(encoding="utf-8")
    assert bench.main(["--from-json", *settings[1:]]) == 0
    assert page.read_text(encoding="utf-8") == text
    results = json.loads(path.read_text())
    assert {name: len(table) for name, table in results["tables"].items()} == {
        "levels": 4, "batches": 5, "softmax": 3, "shares": 4
    }  # fmt: skip
    assert all(one["measured_seconds"] > 0 for table in results["tables"].values() for one in table)


def test_the_page_has_the_figures_of_its_file():
    page, results = bench.PAGE.read_text(encoding="utf-8"), json.loads(bench.MEASURED.read_text(encoding="utf-8"))
    assert between(page, bench.tables(results), "explain.md") == page
    levels = results["tables"]["levels"]
    assert [one["blas_level"] for one in levels] == [1, 2, 3, 3]
    assert [one["flops"] for one in levels[:3]] == [2 * 20_000_000, 2 * 4096**2, 2 * 1024**3]
    assert all(one["measured_seconds"] > 0 for table in results["tables"].values() for one in table)


def test_quick_figures_are_not_published():
    with pytest.raises(SystemExit):
        bench.main(["--quick"])
