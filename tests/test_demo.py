"""The demonstration runs, says what it should, and ends quietly."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEMO = [sys.executable, str(ROOT / "examples" / "films" / "demo.py")]


def environment() -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    return known | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *options], env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=120
    )


@pytest.fixture(scope="module")
def shown() -> str:
    done = run("--quick")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│┃").split("│")]


def section(text: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    lines = text[text.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("┡"))
    end = next(i for i, line in enumerate(lines) if line.startswith("└"))
    return [cells(line) for line in lines[start + 1 : end]]


def test_it_shows_the_film_under_four_metrics(shown):
    assert "Films most alike to Alien, under four metrics" in shown
    head = next(line for line in shown.splitlines() if "euclidean" in line)
    assert re.findall(r"\w+", head) == ["euclidean", "manhattan", "cosine", "chebyshev"]
    rows = section(shown, "Films most alike")
    assert [row[0] for row in rows] == [str(rank) for rank in range(1, 9)]
    assert rows[0][1].startswith("The Thing")
    for column, sign in ((1, 1), (2, 1), (3, -1), (4, 1)):
        values = [float(row[column].split()[-1]) for row in rows]
        assert values == sorted(values, key=lambda v: sign * v)
    assert not any("Alien " in cell for row in rows for cell in row)


def test_contributions_add_up(shown):
    nearest = section(shown, "Films most alike")[0][2]  # by manhattan, with its distance
    *rows, together = section(shown, "Why The Thing?")
    adds = [float(row[3]) for row in rows]
    assert len(adds) == 12
    assert adds == sorted(adds, reverse=True)
    assert sum(adds) == pytest.approx(float(together[3]), abs=12 * 0.005)
    assert float(nearest.split()[-1]) == pytest.approx(float(together[3]), abs=0.005)
    assert all(bool(row[4]) == (float(row[3]) > 0.05) for row in rows)


def test_the_formula_its_plan_and_the_speed(shown):
    assert "return lw.math.minimum(abs(x - y), 2)" in shown
    assert all(float(row[2]) <= 2 * 12 for row in section(shown, "A formula of one's own"))
    assert "by capped: sum(minimum(abs(x - y), 2)); smaller is closer" in shown
    speeds = section(shown, "The speed of this machine")
    assert [row[0] for row in speeds] == ["dot", "euclidean", "manhattan", "chebyshev", "capped"]
    assert all(float(row[1]) > 0 and float(row[3]) > 0 for row in speeds)
    assert all(float(row[5].rstrip("%")) > 99 for row in speeds)


def test_a_pipe_gets_no_colour(shown):
    assert "\x1b" not in shown


def test_a_title_in_small_letters():
    assert "Films most alike to Amélie" in run("--quick", "--film", "amélie").stdout


def test_a_title_that_is_unknown():
    done = run("--film", "alein")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "No film is called 'alein'. Try: Alien, Aliens, Coraline, Leviathan, Halloween\n"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_it_quietly():
    with subprocess.Popen(
        DEMO, env=environment() | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (-signal.SIGINT, "")
