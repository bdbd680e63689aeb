"""docs/geometry.md shows what benchmarks/geometry.py measured, and no other numbers."""

import json

from benchmarks import geometry as bench
from tools.generated import between


def test_the_tables_are_those_measured():
    page, measured = bench.PAGE.read_text(encoding="utf-8"), json.loads(bench.MEASURED.read_text(encoding="utf-8"))
    assert between(page, bench.tables(measured), bench.PAGE.name) == page, (
        "run: python -m benchmarks.geometry --from-json"
    )


def test_what_was_measured_agrees_and_is_faster():
    for race in json.loads(bench.MEASURED.read_text(encoding="utf-8"))["dimension"]:
        assert abs(race["dimension"] / race["peer_dimension"] - 1) < 1e-6
        assert race["faster"] >= 5
