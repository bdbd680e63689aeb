"""The machine and its roofline: consistent, kept, measured anew where asked or damaged. Nothing here is timed."""

from __future__ import annotations

import json
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import likewise as lw
from likewise import rates
from likewise.backends.llvm import kernels, processor
from likewise.backends.llvm.jit import compile_object, emit_ir
from likewise.backends.llvm.kernels import stream
from likewise.backends.llvm.target import current, named, using
from likewise.errors import InputError, MissingExtraError, UnknownMetricError
from likewise.machine import peaks, rooflines

UNKNOWN = "no metric is called 'manhatan'; did you mean 'manhattan', 'mahalanobis', 'matern32'?"


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Rates of a folder of their own, of small buffers and short runs."""
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path))
    monkeypatch.setattr(rates, "_memory", {})
    monkeypatch.setattr(rates, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(rates, "_MOST_SECONDS", 0.01)
    monkeypatch.setattr(rates, "_SPAN", 5e-5)
    monkeypatch.setattr(rates, "_LONG_SPAN", 5e-5)
    monkeypatch.setattr(rates, "_LEAST_RUNS", 3)
    monkeypatch.setattr(rates, "_AGREE", 1.0)
    monkeypatch.setattr(rates, "_ALONE", -1.0)
    monkeypatch.setattr(rates, "_MOST_MEMORY", 4 << 20)
    monkeypatch.setattr(rooflines, "ROUNDS", 1)
    monkeypatch.setattr(rooflines, "RUN_SECONDS", 1e-4)
    monkeypatch.setattr(rooflines, "_MOST_SIDE", 256)
    return tmp_path


def kept(folder):
    return sorted((folder / "rates").glob("*"))


# ---- rates


def test_a_rate_is_kept_and_read_again(fresh, monkeypatch):
    first = rates.bandwidth("l1")
    (path,) = kept(fresh)
    assert float(path.read_text()) == first
    path.write_text("123456789.0")
    assert rates.bandwidth("l1") == first  # this process knows it
    rates._memory.clear()
    assert rates.bandwidth("l1") == 123456789.0


@pytest.mark.parametrize("damage", ["", "nan", "inf", "-1", "0", "1e99", "fast", "\x00\xff"])
def test_a_damaged_rate_is_measured_anew(fresh, damage):
    rates.fma_rate()
    (path,) = kept(fresh)
    path.write_text(damage)
    rates._memory.clear()
    found = rates.fma_rate()
    assert 1e6 < found < 1e15
    assert float(path.read_text()) == found


def test_refresh_measures_anew_and_again_keeps_the_better(fresh):
    rates.fma_rate()
    (path,) = kept(fresh)
    path.write_text("9e14")
    rates._memory.clear()
    assert rates.fma_rate() == 9e14
    assert rates.fma_rate(refresh="again") == 9e14
    assert float(path.read_text()) == 9e14
    found = rates.fma_rate(refresh=True)
    assert found == float(path.read_text()) < 9e14
    path.write_text("1e7")
    rates._memory[path] = 1e7
    assert rates.fma_rate(refresh="again") > 1e7


def test_what_disagrees_is_not_kept(fresh, monkeypatch):
    monkeypatch.setattr(rates, "_ALONE", 2.0)  # nobody has more than all of a core
    monkeypatch.setattr(rates, "FINE_CLOCK", True)
    found = rates.fma_rate()
    assert found == rates.fma_rate() > 1e6  # of this process
    assert not kept(fresh)


def test_a_folder_that_cannot_be_written_only_costs_time(fresh, monkeypatch):
    blocked = fresh / "file"
    blocked.write_text("")
    monkeypatch.setenv("LIKEWISE_CACHE", str(blocked))
    assert rates.clock() > 1e6


def test_rates_belong_to_their_instruction_set(fresh):
    here = rates.fma_rate()
    with using("portable"):
        assert current().lanes == 4
        narrow = {level: rates.bandwidth(level) for level in rates.LEVELS}
        assert rates.fma_rate() != here
        assert rates.bf16_rate() is None
        assert rates.integer_rate("dot") > 1e6
    assert min(narrow.values()) > 1e6
    assert rates.fma_rate() == here


@pytest.mark.parametrize("kind", ["read", "copy", "triad"])
@pytest.mark.parametrize("threads", [1, 2])
def test_streams_move_what_they_say(fresh, kind, threads):
    assert rates.bandwidth("l1", kind, threads=threads) > 1e6


def test_stream_kernels_compute_what_they_say():
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import address

    lanes, count = current().lanes, 2 * stream.TURN
    a, b = (np.arange(lanes * count, dtype=np.float32) + i for i in (1, 7))
    for kind in stream.ARRAYS:
        c, d = np.zeros_like(a), b.copy()
        out = np.zeros(stream.TURN * lanes, np.float32)
        run = kernel(
            "stream",
            f"stream {kind} {lanes}",
            stream.STREAM_FIELDS,
            lambda module, name, kind=kind: stream.stream_kernel(module, name, kind, current()),
        )
        run(a=address(a), b=address(d), c=address(c), out=address(out), count=count, passes=1)
        if kind == "read":
            parts = a.view(np.uint32).reshape(-1, stream.TURN, lanes)
            assert (out.view(np.uint32).reshape(stream.TURN, lanes) == np.bitwise_xor.reduce(parts)).all()
        assert (d == (a if kind == "copy" else b)).all()
        assert (c == (a + 3 * b if kind == "triad" else 0)).all()


def test_bfloat_products_add_up():
    instruction = stream.bf16_instruction(current())
    if instruction is None:
        pytest.skip("this processor has no dot product of bfloat16")
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import address, aligned

    lanes = current().lanes
    run = kernel(
        "bf16_peak",
        f"{instruction} {lanes}",
        stream.BF16_FIELDS,
        lambda module, name: stream.bf16_peak_kernel(module, name, instruction, lanes),
    )
    seed, out = aligned(4 * lanes, np.uint16), aligned(stream.BF16_SUMS * lanes, np.float32)
    seed[: 2 * lanes], seed[2 * lanes :] = 0x4000, 0x3F00  # 2 and 0.5
    run(count=10, seed=address(seed), out=address(out))
    assert (out.reshape(-1, lanes) == 20 + np.arange(stream.BF16_SUMS)[:, None]).all()


def test_kernels_compile_for_neon():
    neon = named("neon")
    for kind in stream.ARRAYS:
        assert compile_object(emit_ir(lambda m, kind=kind: stream.stream_kernel(m, "f", kind, neon)), neon)
    assert stream.bf16_instruction(neon) is None  # neither told nor assumed


def test_levels_and_kinds_are_checked():
    with pytest.raises(InputError) as error:
        rates.bandwidth("l4")  # type: ignore[arg-type]
    assert str(error.value) == "level='l4' is not known; it is 'l1', 'l2', 'l3' or 'memory'"
    with pytest.raises(InputError) as error:
        rates.bandwidth("l1", "write")  # type: ignore[arg-type]
    assert str(error.value) == "kind='write' is not known; it is 'read', 'copy' or 'triad'"
    with pytest.raises(InputError) as error:
        rates.fma_rate("bf16")
    assert str(error.value) == "compute='bf16' is not known; it is 'f32' or 'f64'"


def test_a_cache_that_is_not_there(monkeypatch):
    monkeypatch.setattr(processor, "caches", lambda: {"l1": 65536, "l2": 1 << 20})
    with pytest.raises(InputError) as error:
        rates.bandwidth("l3")
    assert str(error.value) == "this processor has no L3 cache; it has L1, L2 and memory"
    assert rates.working_set("memory") == 64 << 20


# ---- what the system says


def system(folder, monkeypatch, files, cpuinfo=""):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(processor, "CPUS", folder)
    monkeypatch.setattr(processor, "CPUINFO", folder / "cpuinfo")
    monkeypatch.setattr(processor, "logical", lambda: {0, 1, 2, 3})
    processor.caches.cache_clear()


@pytest.fixture
def forget():
    yield
    processor.caches.cache_clear()


def test_siblings_are_one_core_and_instruction_caches_none(tmp_path, monkeypatch, forget):
    files = {f"cpu{i}/topology/thread_siblings_list": f"{i % 2},{i % 2 + 2}\n" for i in range(4)}
    for i, (level, kind, size) in enumerate(
        [(1, "Data", "48K"), (1, "Instruction", "64K"), (2, "Unified", "2048K"), (3, "Unified", "1G")]
    ):
        for part, text in (("level", level), ("type", kind), ("size", size)):
            files[f"cpu0/cache/index{i}/{part}"] = f"{text}\n"
    files["cpu0/cpufreq/base_frequency"] = "2400000\n"
    system(tmp_path, monkeypatch, files, "model name\t: A Processor @ 3.10GHz\ncpu MHz\t\t: 900.5\n")
    assert processor.cores() == 2
    assert processor.caches() == {"l1": 48 << 10, "l2": 2 << 20, "l3": 1 << 30}
    assert processor.name() == "A Processor @ 3.10GHz"
    assert processor.stated_clock() == 2.4e9
    (tmp_path / "cpu0/cpufreq/base_frequency").unlink()
    assert processor.stated_clock() == 3.1e9


def test_a_system_that_says_nothing(tmp_path, monkeypatch, forget):
    system(tmp_path, monkeypatch, {"cpu0/cache/index0/size": "unknown"})
    assert processor.caches() == processor.USUAL_CACHES
    assert processor.cores() == 4
    assert processor.stated_clock() is None
    assert processor.name()


# ---- the machine


def test_measure_is_consistent_and_says_so_in_json(fresh):
    calls = []
    here = lw.machine.measure(n_jobs=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i + 1, len(here.rates)) for i in range(len(here.rates))]
    assert {"fma f32", "fma f64", "int8 dot", "int8 difference", "popcount", "read memory"} <= set(here.rates)
    assert all(rate.one == rate.together > 0 and rate.threads == 1 for rate in here.rates.values())
    assert here.flops("f64") == 2 * here.rates["fma f64"].one == 2 * here.fma("f64")
    assert here.bandwidth("l1", "triad") == here.rates["triad l1"].one
    with pytest.raises(InputError, match="no rate is called 'read l9'; there are fma f32, "):
        here.bandwidth("l9")
    with pytest.raises(InputError, match="no rate is called 'fma f128'"):
        here.flops("f128")
    assert here.levels == (*(level for level in ("l1", "l2", "l3") if level in here.caches), "memory")
    plain = json.loads(json.dumps(here.as_dict(), allow_nan=False))
    assert plain["rates"]["fma f32"]["one_core"] == here.fma()
    assert lw.machine.Machine.from_dict(plain) == here
    assert f"{here.cpu} ({here.architecture}), {here.instructions} code" in str(here)
    assert here == lw.machine.measure(n_jobs=1)
    assert lw.machine.measure(n_jobs=1, refresh=True).rates != here.rates


def test_measuring_again_keeps_the_better(fresh):
    before = lw.machine.measure(n_jobs=1)
    after = lw.machine.measure(n_jobs=1, refresh="again")
    assert all(after.rates[name].one >= rate.one for name, rate in before.rates.items())
    with pytest.raises(InputError) as error:
        lw.machine.measure("always")  # type: ignore[arg-type]
    assert str(error.value) == "refresh='always' is not known; it is True, False or 'again'"


def test_threads_are_at_most_those_there_are(fresh, monkeypatch):
    monkeypatch.setattr(peaks, "available_cores", lambda: 1)
    assert lw.machine.measure(n_jobs=64).threads == 1


def machine(**changes):
    rate = lw.machine.Rate
    found = {"fma f32": rate(1.2e11, 2e11, 2, ""), "fma f64": rate(6e10, 1e11, 2, "")}
    found |= {f"read {level}": rate(size * 1e9, size * 2e9, 2, "") for level, size in {"l1": 400, "memory": 30}.items()}
    given = {
        "cpu": "CPU", "architecture": "znver5", "instructions": "avx512", "system": "Linux", "lanes": 16, "cores": 2,
        "threads": 2, "caches": {"l1": 48 << 10}, "memory": 2**34, "clock": 3.7e9, "stated_clock": 2.6e9,
        "rates": found,
    }  # fmt: skip
    return lw.machine.Machine(**given | changes)


def test_nominal_flops_are_those_of_the_stated_clock():
    here = machine()
    assert here.a_cycle() == 32
    assert here.a_cycle("f64") == 16
    assert here.nominal_flops() == 2 * 32 * 2.6e9
    assert machine(stated_clock=None).nominal_flops() is None
    assert here.flops(together=True) == 4e11


# ---- the roofline


def row(**changes):
    given = {
        "metric": "euclidean", "formula": "sum of (x - y) * (x - y)", "flops": 3, "d": 256, "pairs": 1024**2,
        "rate": 6e10, "together": 1.1e11, "threads": 2, "allowed": 1.2e11, "products": 1.2e11, "search": 1.5e11,
        "way": "8-bit codes", "single": 1e10,
    }  # fmt: skip
    return lw.machine.RooflineRow(**given | changes)


def test_shares_by_hand():
    one = row()
    assert (one.share, one.of_products, one.of_nominal) == (0.5, 0.5, 0.75)
    assert one.search_of_products == 1.25
    assert one.flops_per_second == 1.8e11
    # 1,024 x 1,024 pairs of 256 coordinates; 2 x 1,024 rows of 256 floats in, 1,024 weights in and 1,024 sums out
    assert one.intensity == pytest.approx(3 * 1024**2 * 256 / (4 * (2 * 1024 * 256 + 2 * 1024)))
    assert one.single_intensity == 0.75


def test_roofline_measures_keeps_and_reads(fresh):
    mine = lw.metric(lambda x, y: abs(x - y) * 2)
    calls = []
    wanted = ["l1", "hamming", "minkowski(p=1.5)", mine, "manhattan"]
    found = lw.machine.roofline(wanted, d=24, n_jobs=1, progress=lambda *at: calls.append(at))
    assert [one.metric for one in found.rows] == ["manhattan", "hamming", "minkowski(p=1.5)", "formula"]
    assert calls == [(i + 1, 9) for i in range(9)]
    assert [one.flops for one in found.rows] == [2, 1, 4, 3]
    assert found.rows[1].way == "bits"
    for one in found.rows:
        assert all(
            0 < n < math.inf for n in (one.rate, one.together, one.allowed, one.products, one.search, one.single)
        )
        assert one.together == one.rate
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert [one["share_of_nominal_flops"] for one in plain["metrics"]] == [one.of_nominal for one in found.rows]
    assert lw.machine.Roofline.from_dict(plain) == found
    again = lw.machine.roofline(wanted, d=24, n_jobs=1)
    assert again == found
    assert lw.machine.roofline("hamming", d=24, n_jobs=1).rows == found.rows[1:2]
    assert lw.machine.roofline("hamming", d=24, n_jobs=1, refresh=True).rows != found.rows[1:2]
    assert "manhattan" in str(found)


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"metric": 1}', "nan", "\x00"])
def test_a_damaged_row_is_measured_anew(fresh, damage):
    (before,) = lw.machine.roofline("dot", d=8, n_jobs=1).rows
    path = rooflines._path(lw.metrics["dot"], 8, 1)
    assert json.loads(path.read_text())["rate"] == before.rate
    path.write_text(damage)
    (after,) = lw.machine.roofline("dot", d=8, n_jobs=1).rows
    assert after != before
    assert json.loads(path.read_text())["rate"] == after.rate
    path.write_text(path.read_text().replace(repr(after.rate), "NaN"))
    assert math.isfinite(lw.machine.roofline("dot", d=8, n_jobs=1).rows[0].rate)


def test_portable_code_has_a_roofline_too(fresh):
    with using("portable"):
        found = lw.machine.roofline(["dot", "canberra"], d=5, n_jobs=1)
    assert found.machine.instructions == "portable"
    assert "bf16 dot" not in found.machine.rates
    assert found.rows[0].rate > 0


def test_all_named_metrics_are_the_default():
    names = [metric.name for metric in rooflines._metrics(None)]
    assert {name.partition("(")[0] for name in names} == set(lw.metrics)
    assert {"minkowski(p=3)", "minkowski(p=1.5)", "minkowski(p=1.7)"} <= set(names)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"metrics": "manhatan"}, UnknownMetricError, UNKNOWN),
        ({"metrics": []}, InputError, "metrics= takes metrics or their names in a list; None for every named one"),
        ({"metrics": 3}, InputError, "metrics= takes metrics or their names in a list; None for every named one"),
        ({"d": 0}, InputError, "d=0 is no number of coordinates; it is a whole number from 1 to 65536"),
        ({"d": True}, InputError, "d=True is no number of coordinates; it is a whole number from 1 to 65536"),
        ({"d": 2.5}, InputError, "d=2.5 is no number of coordinates; it is a whole number from 1 to 65536"),
        (
            {"metrics": [lw.mahalanobis([[1.0]])]},
            InputError,
            "mahalanobis is a Euclidean distance of rows times a matrix: its rate is that of euclidean",
        ),
    ],
)
def test_what_is_refused(given, error, message):
    with pytest.raises(error) as caught:
        lw.machine.roofline(**given)
    assert str(caught.value) == message


def drawn():
    rows = tuple(
        row(metric=name, rate=rate * 1e9, search=2e11, flops=flops)
        for name, rate, flops in (("dot", 100, 2), ("euclidean", 95, 3), ("hamming", 50, 1), ("a & b < c", 0.1, 4))
    )
    return lw.machine.Roofline(machine(), rows)


def test_the_picture_is_svg_and_the_same_each_time(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "roofline.svg"
    drawn().save(path)
    text = path.read_text()
    assert text == drawn().svg()
    texts = " ".join(e.text or "" for e in ElementTree.fromstring(text).iter() if e.tag.endswith("text"))
    assert "Roofline of one core: CPU (znver5)" in texts
    assert "a & b < c" in texts
    assert len(text) < 60_000


def test_pictures_of_one_metric(tmp_path):
    pytest.importorskip("matplotlib")
    one = lw.machine.Roofline(machine(), (row(rate=1e3, search=1e3, single=1e3),))
    assert ElementTree.fromstring(one.svg()) is not None


def test_where_a_picture_cannot_go(tmp_path):
    with pytest.raises(InputError) as error:
        drawn().save("roofline.png")
    assert str(error.value) == "the roofline is drawn as SVG, and roofline.png is not called that; try roofline.svg"
    with pytest.raises(InputError, match=re.escape("cannot be written: there is no folder")):
        drawn().save(tmp_path / "no" / "roofline.svg")


def test_matplotlib_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError) as error:
        drawn().svg()
    assert str(error.value) == ("drawing a roofline needs matplotlib; install it with: pip install 'likewise[plot]'")


# ---- peaks of formulas


def test_the_peak_of_two_terms_counts_both(fresh):
    """Nothing may leave the loop: the kernel's sums depend on every turn and every term."""
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import ONE, address, aligned

    for name in ("jaccard", "braycurtis", "hamming", "canberra", "dot", "manhattan"):
        metric = lw.metrics[name]
        formula = kernels.Formula(metric.terms, metric.combine, lw.metrics["dot"].finish)
        tile = kernels.tile_for(current(), "f64", formula)
        run = kernel(
            "peak",
            f"test peak {name}",
            kernels.PEAK_FIELDS,
            lambda module, own, tile=tile, formula=formula: kernels.peak_kernel(module, own, tile, formula),
        )
        out = aligned(len(formula.terms) * tile.rows * tile.width, np.float64)
        out[:] = np.nan
        run(count=3, one=address(ONE["f64"]), out=address(out))
        assert np.isfinite(out).all(), name


def test_benchmark_tables_are_written_from_results(fresh):
    from benchmarks import roofline as bench

    found = drawn()
    results = {
        "date": "2026-01-01", "load": 0.1, "roofline": found.as_dict(), "difference": {"metric": "dot", "share": 0.02},
        "peaks": {"roofline": 1e11, "by hand": 0.98e11},
        "peers": [{"name": "SciPy", "metric": "dot", "arithmetic": "f64", "rate": 1e9, "flops": 2}],
    }  # fmt: skip
    made = bench.tables(results)
    assert "98.0% of it" in made["checks"]
    assert "| SciPy | float64 | 1.00 | 0.83% | 1.7% | **83%** |" in made["peers"]
    assert bench.largest_difference(found, found) == ("dot", 0.0)
    assert bench.percent(0.0123) == "1.2%"


def test_the_micro_kernel_by_hand_is_right():
    from benchmarks.roofline import by_hand

    assert by_hand()() > 0


def test_the_page_shows_what_was_measured():
    from benchmarks import roofline as bench
    from tools.generated import between

    page, measured = bench.PAGE.read_text(encoding="utf-8"), json.loads(bench.MEASURED.read_text(encoding="utf-8"))
    assert between(page, bench.tables(measured), bench.PAGE.name) == page, (
        "run: python -m benchmarks.roofline --from-json"
    )
    assert measured["difference"]["share"] < 0.10
    assert abs(measured["peaks"]["by hand"] / measured["peaks"]["roofline"] - 1) < 0.05
