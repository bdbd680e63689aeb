"""The experiments on facts: that sizes are counted right, and that tables say what was measured."""

import json

import pytest
import torch

from benchmarks import facts as bench
from likewise.nn import Memory


def test_a_page_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    page, path = tmp_path / "memory.md", tmp_path / "memory.json"
    page.write_text(bench.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    settings = ["--quick", "--json", str(path), "--page", str(page)]
    assert bench.main(settings) == 0
    results, text = json.loads(path.read_text()), page.read_text(encoding="utf-8")
    known = bench.facts(64, 0)
    memory = bench.memory_of(8, 0)
    bench.learn(memory, known, 5, 0)
    assert results["runs"]["width 8 facts 64 seed 0"]["recall"] == known.recall(memory)
    assert "| 8 | " in text
    assert "| `edit(x, value)` | " in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("| ")]
    assert len(tables) == 4
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)
    pictures = [page.with_name(f"memory_{name}.svg").read_bytes() for name in ("width", "bits")]
    assert all(len(picture) < 60_000 for picture in pictures)
    again = dict(results["runs"])
    assert bench.main(settings) == 0  # nothing is measured twice, and pictures are the same to the byte
    assert json.loads(path.read_text())["runs"] == again
    assert [page.with_name(f"memory_{name}.svg").read_bytes() for name in ("width", "bits")] == pictures


def test_quick_figures_are_not_published():
    with pytest.raises(SystemExit):
        bench.main(["--quick"])


def test_widths_of_the_same_bytes():
    size = bench.bytes_of(64, 32)
    memory = Memory(50, 64, bench.D_OUT)
    assert size == 4 * sum(p.numel() for p in memory.parameters())
    for bits in (1, 8, 32):
        width = bench.width_within(size, bits)
        assert bench.bytes_of(width, bits) <= size < bench.bytes_of(width + 2, bits)
    assert bench.width_within(size, 32) == 64


def test_signs_are_trained_and_kept():
    known = bench.facts(64, 0)
    memory = bench.memory_of(16, 0)
    bench.learn(bench.Signs(memory), known, 3, 0)
    assert len(memory.keys.detach().unique()) > 2
    answers = bench.Signs(memory)(known.x).detach()
    bench.rounded(memory, 1)
    assert len(memory.keys.detach().unique()) == len(memory.values.detach().unique()) == 2
    torch.testing.assert_close(memory(known.x).detach(), answers)


def test_means_are_told_apart_by_their_errors():
    assert bench.apart([0.5, 0.51, 0.49], [0.6, 0.61, 0.59])
    assert not bench.apart([0.5, 0.7, 0.3], [0.6, 0.8, 0.4])
    assert not bench.apart([0.5], [0.9])
