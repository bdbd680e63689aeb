"""Compiled kernels on disk: shared by processes, never trusted when damaged, never required."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

CALL = (
    "import likewise as lw; print(lw.topk([[1.0, 2.0]], [[3.0, 4.0], [1.0, 2.5]], 1, metric='manhattan').values[0, 0])"
)


def run(folder, code=CALL, **more):
    environment = os.environ | {"LIKEWISE_CACHE": str(folder)} | more
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def objects(folder):
    return sorted(folder.rglob("*.o"))


def test_kernels_are_kept_where_asked_and_used_again(tmp_path):
    assert run(tmp_path).stdout == "0.5\n"
    kept = objects(tmp_path)
    assert kept
    before = [path.stat().st_mtime_ns for path in kept]
    assert run(tmp_path).stdout == "0.5\n"
    assert [path.stat().st_mtime_ns for path in objects(tmp_path)] == before


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: data[:-1] + b"?"]
)
def test_damaged_entries_are_rebuilt(tmp_path, damage):
    run(tmp_path)
    whole = [path.read_bytes() for path in objects(tmp_path)]
    for path, data in zip(objects(tmp_path), whole, strict=True):
        path.write_bytes(damage(data))
    assert run(tmp_path).stdout == "0.5\n"
    assert [path.read_bytes()[:18] for path in objects(tmp_path)] == [data[:18] for data in whole]
    assert all(len(path.read_bytes()) == len(data) for path, data in zip(objects(tmp_path), whole, strict=True))


def test_many_processes_at_once(tmp_path):
    environment = os.environ | {"LIKEWISE_CACHE": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", CALL], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert [process.communicate(timeout=120)[0] for process in running] == ["0.5\n"] * 6
    assert not list(tmp_path.rglob(".new-*"))


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    result = run(blocked / "below")
    assert (result.returncode, result.stdout) == (0, "0.5\n")


def test_other_constants_are_other_kernels(tmp_path):
    code = (
        "import likewise as lw\n"
        "for c in (1.0, 1.0 + 2.0**-52, -0.0, 0.0):\n"
        "    f = lw.metric(lambda x, y: x * c + y * 0, closer='larger')\n"
        "    print(lw.paired([3.0], [1.0], metric=f).hex())\n"
    )
    expected = [(3.0 * c).hex() for c in (1.0, 1.0 + 2.0**-52, 0.0, 0.0)]
    lines = run(tmp_path, code.replace(".hex()", ".item().hex()")).stdout.split()
    assert [float.fromhex(line) for line in lines] == [float.fromhex(line) for line in expected]
    assert np.float64(lines and float.fromhex(lines[1])) != 3.0
