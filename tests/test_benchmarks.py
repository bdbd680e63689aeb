"""The benchmarks' own machinery: who is missing is said, ratios are of medians, pages hold what was measured."""

import contextlib
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import likewise as lw
from benchmarks import build, data, exact, filtered, harness, integer, kernels, latency, report, startup, truth
from benchmarks.data import BitRows
from benchmarks.harness import Aim, Contestant, Entry, NotOffered, Race, Settings, Table, quartiles, race
from benchmarks.search_peers import Data
from likewise.backends import reference
from likewise.backends.llvm.target import current
from likewise.formula.metrics import as_metric

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
    with pytest.raises(SystemExit, match=r"README.md has no place for benchmarks"):
        report.with_block("no markers", results)


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


def pixels(n, rng):
    """Dark images of few values, some of them twice: ties everywhere."""
    rows = (rng.integers(0, 256, (n, 784)) * (rng.random((n, 784)) < 0.02)).astype(np.float32)
    rows[: n // 4] = rows[n // 4 : 2 * (n // 4)]
    rows[-1] = 0
    return rows


def few_values(n, rng):
    return rng.integers(-2, 3, (n, 40)).astype(np.float32)


def real(n, rng):
    return np.concatenate([rng.standard_normal((n - 2, 40)), np.zeros((2, 40))]).astype(np.float32)


def packed(n, rng):
    return np.packbits(rng.random((n, 64)) < rng.choice([0, 0.1, 0.5], (n, 1)), axis=1)


EXACT = [
    *((rows, metric, "") for rows in (few_values, real) for metric in ("dot", "cosine", "euclidean")),
    *((pixels, metric, "") for metric in ("euclidean", "manhattan", "chebyshev")),
    (pixels, exact.power, "power 1.5"),
    (packed, "hamming", ""),
    (packed, "jaccard", ""),
]


@pytest.mark.parametrize(("rows", "metric", "how"), EXACT)
def test_the_answer_to_compare_with_is_the_definition_s(rows, metric, how, monkeypatch):
    monkeypatch.setattr(truth, "QUERIES", 16)
    monkeypatch.setattr(truth, "ITEMS", 64)
    monkeypatch.setattr(truth, "TOGETHER", 5)
    rng = np.random.default_rng(0)
    read, kind = (truth.unpacked, BitRows) if rows is packed else (np.asarray, Data)
    given = kind(rows(37, rng), rows(150, rng), 4, 2)
    found = truth.exact(given, metric, how)
    expected = reference.topk(as_metric(metric), read(given.queries), read(given.items), given.k)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)
    assert truth.agreement(given, metric, expected)(expected)["recall"] == 1
    assert truth.same(given, metric, expected)(expected) == {"recall": 1.0, "error": 0.0}


def test_the_exact_answer_among_the_admitted():
    rng = np.random.default_rng(0)
    given, mask = Data(real(20, rng), real(90, rng), 3, 1), rng.random(90) < 0.3
    expected = reference.topk(lw.metrics["euclidean"], given.queries, given.items, 3, mask)
    found = truth.exact_among(given, "euclidean", mask)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


def line(points):
    return np.array(points, np.float32)[:, None]


TIED = Data(line([0, 9]), line([3, -1, 1, 2, -2, 8]), 3, 1)  # from 0: 1, 1, then 2, 2; from 9: 1, 6, 7
RIGHT = lw.TopK(np.array([[1.0, 1, 2], [1, 6, 7]]), np.array([[1, 2, 3], [5, 0, 3]]))


def changed(part, at, value):
    values, indices = (array.copy() for array in RIGHT)
    (values if part == "values" else indices)[at] = value
    return lw.TopK(values, indices)


@pytest.mark.parametrize(
    "wrong",
    [
        changed("values", (1, 2), np.nextafter(7.0, 8)),
        changed("values", (1, 2), np.nan),
        changed("indices", (0, 2), 4),  # as near, but not the lowest index
        changed("indices", (1, 2), 2),
        changed("indices", (0, 0), 2),
        changed("indices", (1, 2), -1),
    ],
)
def test_an_answer_of_ours_that_differs_is_no_answer(wrong):
    np.testing.assert_array_equal(truth.exact(TIED, "euclidean").indices, RIGHT.indices)
    with pytest.raises(AssertionError, match=r"likewise and float64 disagree on euclidean, in 1 of 2 rows; row [01]: "):
        truth.same(TIED, "euclidean", RIGHT)(wrong)


def test_functions_that_round_otherwise_may_differ_by_ulps():
    check = truth.same(TIED, "euclidean", RIGHT, ulps=4)
    assert check(changed("values", (1, 2), np.nextafter(7.0, 8)))["error"] > 0
    assert check(changed("indices", (0, 2), 4))["error"] == 0  # its true value is as good
    for wrong in (changed("values", (1, 2), 7.00001), changed("indices", (1, 2), 2), changed("indices", (0, 0), 2)):
        with pytest.raises(AssertionError):
            check(wrong)


def test_recall_takes_any_of_those_that_tie_and_none_twice():
    check = truth.agreement(TIED, "euclidean", RIGHT)
    assert check(changed("indices", (0, 2), 4)) == {"recall": 1.0, "error": 0.0}
    assert check(changed("indices", (0, 0), 2))["recall"] == 5 / 6
    assert check(changed("indices", (1, 2), 2)) == {"recall": 5 / 6, "error": 1.0}
    assert check(lw.TopK(*(part[:1] for part in RIGHT)))["recall"] == 1  # of fewer queries


QUICK = Settings(threads=1, quick=True, rounds=1, seconds=0.0)


def test_absent_data_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "ROOT", tmp_path)
    data._fashion.cache_clear()
    parts = filtered.run(QUICK)
    file = tmp_path / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    assert [part["what"] for part in parts] == [f"Not measured: {file} is absent (set LIKEWISE_DATA)."] * 3
    assert capsys.readouterr().out.count(f"not measured: {file} is absent") == 3
    assert list(report.table_part(parts[0])) == []


@pytest.fixture
def small(monkeypatch):
    """Fashion-MNIST's stand-in, and everybody's threads left alone."""
    rng = np.random.default_rng(0)
    given = Data(pixels(30, rng), pixels(120, rng), 10, 1)
    for module in (harness, latency, build):
        monkeypatch.setattr(module, "hold_threads", lambda threads: None)
    monkeypatch.setattr(data, "fashion", lambda settings: given)


def test_searches_of_images_are_raced_and_checked(small):
    for task in (partial(exact.pixels_by_products, "euclidean"), exact.pixels_manhattan):
        part = task(QUICK)
        ours = [r for r in part["results"] if r["role"] == "likewise"]
        assert {exact.PREPARED, exact.ONE_SHOT} <= {r["name"] for r in ours}
        assert all(r["check"] == {"recall": 1.0, "error": 0.0} for r in ours)
        assert part["queries"] == 30
        assert "| queries a second |" in "".join(report.race_part(part))


def test_a_wrong_answer_of_ours_ends_the_benchmark(small, monkeypatch):
    sound = lw.topk
    monkeypatch.setattr(lw, "topk", lambda *args, **named: lw.TopK(*(part[:, ::-1] for part in sound(*args, **named))))
    with pytest.raises(AssertionError, match="likewise and float64 disagree on manhattan"):
        exact.pixels_manhattan(QUICK)


def test_filters_latencies_and_one_shot_calls_are_tables_and_races_of_ours(small):
    part = filtered.filtered_race(0.5, QUICK)
    assert part["size"].startswith("30 queries, 60 admitted of 120 x 784")
    (found,) = latency.run(QUICK)
    name, p50, p99, rate, recall = found["rows"][0]
    assert (name, recall) == (exact.PREPARED, 1.0)
    assert 0 < p50 <= p99
    assert rate > 0
    table = build.one_shot("euclidean", QUICK)
    assert [row[0] for row in table["rows"]] == [1, 10]
    assert [goal["value"] for goal in table["goals"]] == [row[2] / row[1] for row in table["rows"]]
    assert "| n | one call |" in "".join(report.table_part(table))
    prepared = build.preparing(QUICK)
    assert [row[0] for row in prepared["rows"]][: len(build.METRICS)] == [f"likewise, {m}" for m in build.METRICS]


def test_the_integer_peak_is_measured_or_said_to_be_unknown():
    known = integer.INSTRUCTIONS.keys() & set(current().features.split(","))
    unknown = pytest.raises(NotOffered, match="this processor has no integer dot product that is known here")
    with contextlib.nullcontext() if known else unknown:
        assert integer.peak() > 1e9


def test_a_table_may_have_nothing_to_show():
    assert list(report.table_part(Table("t", "T", "Not measured.", []).as_dict())) == []


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
def test_a_section_measured_again_says_when(results):
    fresh = results | {"date": "2001-01-01", "command": "python -m benchmarks build", "sections": {"build": []}}
    both = report.updated(results, fresh)
    assert list(both["sections"]) == ["topk", "build"]
    assert both["sections"]["topk"] == results["sections"]["topk"]
    page = report.page(both)
    assert "`python -m benchmarks build`. Measured by itself, 2001-01-01 (load 0.1 before).\n" in page
    assert "`python -m benchmarks topk`\n" in page
    assert report.updated(both, fresh)["again"].keys() == {"build"}
    with pytest.raises(ValueError, match="small sizes"):
        report.updated(results, fresh | {"quick": True})
    with pytest.raises(ValueError, match="it was measured on a processor, and this on another"):
        report.updated(results, fresh | {"machine": MACHINE | {"cpu": "another"}})


def test_the_published_pages_are_those_of_the_measurements():
    results = json.loads(MEASURED.read_text(encoding="utf-8"))
    page, readme = ROOT / "docs" / "benchmarks.md", (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == report.page(results)
    assert report.with_block(readme, results) == readme
