"""docs/translate.md shows what benchmarks/translate.py measured, and no other numbers."""

import json

import numpy as np
import pytest

from benchmarks import translate as bench


def test_the_tables_are_those_measured():
    page, measured = bench.PAGE.read_text(encoding="utf-8"), json.loads(bench.MEASURED.read_text(encoding="utf-8"))
    assert bench.written(page, bench.tables(measured)) == page, "run: python -m benchmarks.translate --from-json"


def test_a_page_without_its_places_is_refused():
    with pytest.raises(SystemExit, match="has no place for routes"):
        bench.written("nothing", {"routes": "table"})


def test_area_under_the_curve():
    assert bench.area(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == 0.875  # the pair (2, 2) counts a half
    low, high = bench.interval(np.arange(1000) % 4 == 0)
    assert 0.22 < low < 0.25 < high < 0.28


def test_ranks_are_places_of_the_own_translation():
    x = np.eye(12)
    np.testing.assert_array_equal(bench.ranks(x, x, "nearest"), np.zeros(12))
    assert bench.ranks(x, -x, "nearest").tolist() == [10] * 12  # last of twelve
