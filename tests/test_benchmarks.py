"""The benchmarks' own machinery: who is missing is said, ratios are of medians, pages hold what was measured."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

import likewise as lw
from benchmarks import harness, kernels, report, startup
from benchmarks.harness import Aim, Contestant, Entry, NotOffered, Race, Settings, quartiles, race

ROOT = Path(__file__).parents[1]
MACHINE = {
    "cpu": "a processor", "architecture": "some", "target": "portable", "cores": 2, "caches": {"L1": "32K"},
    "memory_bytes": 2**34, "fma_per_second_and_core": 1e11, "load_before": 0.1, "system": "Linux",
}  # fmt: skip


def sleeper(seconds: float, share: float = 1.0) -> Entry:
    return Entry(lambda: time.sleep(seconds), share=share)


def absent() -> Entry:
    import no_such_library  # noqa: F401


def unwilling() -> Entry:
    raise NotOffered("it has no such comparison")


@pytest.fixture(scope="module")
def results():
    task = Race(
        "sleep", "Sleep", "a little", "Who wakes first.",
        [
            Contestant("ours", lambda: sleeper(0.001), "likewise"),
            Contestant("half the task", lambda: sleeper(0.005, share=0.5)),
            Contestant("slower", lambda: sleeper(0.05)),
            Contestant("sloppy", lambda: sleeper(0.0001), "approximate"),
            Contestant("absent", absent),
            Contestant("unwilling", unwilling),
        ],
        lambda found: {"error": 0.0},
        work=1e6, aims=[Aim("ours", 2.0), Aim("ours", 1e6, "slower")], headline=True,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "hold_threads", lambda threads: None)  # the other tests keep theirs
        part = race(task, Settings(threads=1, rounds=3), say=lambda text: None)
    versions = {"python": "3", "likewise": "0", "numpy": "2"}
    made = {"date": "2000-01-01", "threads": 1, "quick": False, "machine": MACHINE, "versions": versions}
    return json.loads(json.dumps(made | {"sections": {"topk": [part]}}))


def test_a_race_names_the_best_peer_and_those_who_are_missing(results):
    (part,) = results["sections"]["topk"]
    assert [r["name"] for r in part["results"]] == ["sloppy", "ours", "half the task", "slower"]
    assert part["best_peer"] == "half the task"
    assert part["missing"] == [
        {"name": "absent", "reason": "not installed: No module named 'no_such_library'"},
        {"name": "unwilling", "reason": "it has no such comparison"},
    ]
    medians = {r["name"]: r["median"] for r in part["results"]}
    ratio = medians["half the task"] / medians["ours"]
    assert medians["half the task"] > 0.0099  # 5 ms for half
    assert [(g["value"], g["met"]) for g in part["goals"]] == [
        (ratio, True),
        (medians["slower"] / medians["ours"], False),
    ]


def test_the_page_and_the_readme_show_what_was_measured(results):
    (part,) = results["sections"]["topk"]
    ratio = report.digits(part["goals"][0]["value"])
    page = report.page(results)
    assert f"Best peer: half the task. ours: {ratio}×." in page
    assert "- absent: not installed: No module named 'no_such_library'" in page
    assert "Timed on a part of the pairs, and scaled to all: half the task (50%)." in page
    text = report.with_block("above <!-- benchmarks -->old<!-- /benchmarks --> below", results)
    assert text.startswith("above <!-- benchmarks -->")
    assert text.endswith("<!-- /benchmarks --> below")
    assert f"**{ratio}×**" in text
    assert "old" not in text
    assert report.with_block(text, results) == text
    assert report.with_block("no markers", results) == "no markers"


@pytest.mark.parametrize("metric", ["dot", "chebyshev"])
def test_the_kernel_that_is_timed_does_the_work(metric):
    cached = kernels.Cached(lw.metrics[metric])
    rows, width = cached.tile.rows, cached.tile.width
    cached.search()()
    assert not cached.scratch.any()  # no candidate
    cached.micro()()
    found = cached.scratch.view(np.float32)[: rows * width].reshape(rows, width)  # of the last tile and panel
    x = cached.queries[-rows * kernels.D :].reshape(kernels.D, rows).T
    y = cached.items[-width * kernels.D :].reshape(kernels.D, width).T
    np.testing.assert_allclose(found, lw.pairwise(x, y, metric=metric), rtol=1e-5, atol=1e-5)


def test_the_first_call_is_taken_apart(tmp_path):
    found = json.loads(startup.in_process("-m", "benchmarks.startup", "dot", cache=str(tmp_path)))
    assert {name for name, _ in found["kernels"]} == {"stats", "pack", "search", "pairs"}
    assert found["compiler"] + sum(seconds for _, seconds in found["kernels"]) < found["first"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34, "12.3 s"),
        (0.9999, "1.00 s"),
        (0.12345, "123 ms"),
        (0.001, "1.00 ms"),
        (4.56e-5, "45.6 µs"),
        (1234, "1,230 s"),
    ],
)
def test_durations(seconds, text):
    assert report.duration(seconds) == text


def test_quartiles():
    assert quartiles([5.0]) == (5.0, 5.0, 5.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 100.0]) == (2.0, 3.0, 4.0)


MEASURED = ROOT / "docs" / "benchmarks.json"


@pytest.mark.skipif(not MEASURED.exists(), reason="no measurements are kept")
def test_the_published_pages_are_those_of_the_measurements():
    results = json.loads(MEASURED.read_text(encoding="utf-8"))
    page, readme = ROOT / "docs" / "benchmarks.md", (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == report.page(results)
    assert report.with_block(readme, results) == readme
