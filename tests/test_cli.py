"""The command line: what it prints, what it writes, how it fails."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import likewise as lw
from likewise.cli import app, show
from likewise.errors import LikewiseError
from likewise.formula.metrics import by_name
from likewise.formula.parse import metric_from_name

ROOT = Path(__file__).parents[1]
FILMS = ROOT / "examples" / "films" / "films.csv"

# the points (0, 0), (1, 0), (0, 3), (5, 5); a column of text and one that is not a coordinate
POINTS = "name,year,x,y\nanna,1,0,0\nbert,2,1,0\ncarl,3,0,3\ndora,4,5,5\n"
CHOSEN = ["--id", "name", "--columns", "x,y"]
MANHATTAN = [[0, 1, 3, 10], [1, 0, 4, 9], [3, 4, 0, 7], [10, 9, 7, 0]]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder with one table in it."""
    monkeypatch.chdir(tmp_path)
    Path("points.csv").write_text(POINTS)
    np.save("points.npy", np.array([[0, 0], [1, 0], [0, 3], [5, 5]], "f4"))


def invoke(*args, stdin=None):
    return CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)


def ok(*args, stdin=None):
    """What a command prints, as text."""
    result = invoke(*args, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def lines(*args, stdin=None):
    """What a command prints, from JSON; NaN and infinities are not JSON."""
    return [json.loads(line, parse_constant=pytest.fail) for line in ok(*args, stdin=stdin).splitlines()]


def neighbours(*args, stdin=None):
    """Query -> [(item, value), ...]."""
    found = lines("topk", *args, stdin=stdin)
    return {line["query"]: [(hit["item"], hit["value"]) for hit in line["neighbours"]] for line in found}


def failed(*args, stdin=None, code=2):
    """The one message of a command that fails."""
    result = invoke(*args, stdin=stdin)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith("\n")
    return result.stderr.removeprefix("Error: ")[:-1]


def process(*args, code=None, **kwargs):
    """A real run, in a process of its own."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *(["-c", code] if code else ["-m", "likewise"]), *map(str, args)]
    return subprocess.run(command, env=env | kwargs.pop("env", {}), capture_output=True, timeout=120, **kwargs)


# ---- topk


def test_topk_of_items_with_each_other():
    assert neighbours("points.csv", *CHOSEN, "-k", 2, "--metric", "manhattan") == {
        "anna": [("bert", 1), ("carl", 3)],
        "bert": [("anna", 1), ("carl", 4)],
        "carl": [("anna", 3), ("bert", 4)],
        "dora": [("carl", 7), ("bert", 9)],
    }


def test_topk_prints_one_json_object_a_line():
    assert ok("topk", "points.csv", *CHOSEN, "-k", 1, "-m", "l1").splitlines()[0] == (
        '{"query": "anna", "neighbours": [{"item": "bert", "value": 1.0}]}'
    )


@pytest.mark.parametrize("k", [3, 4, 100])
def test_topk_of_more_than_there_are(k):
    found = neighbours("points.csv", *CHOSEN, "-k", k, "-m", "manhattan")
    assert [len(hits) for hits in found.values()] == [3, 3, 3, 3]
    assert found["anna"] == [("bert", 1), ("carl", 3), ("dora", 10)]


def test_topk_without_ids_counts_rows_from_0():
    assert neighbours("points.npy", "-k", 1, "-m", "manhattan") == {
        0: [(1, 1)],
        1: [(0, 1)],
        2: [(0, 3)],
        3: [(2, 7)],
    }


def test_topk_leaves_a_row_out_of_its_own_list_among_equals():
    np.save("same.npy", np.ones((5, 2)))
    found = neighbours("same.npy", "-k", 2, "-m", "euclidean")
    assert {query: [item for item, _ in hits] for query, hits in found.items()} == {
        0: [1, 2],
        1: [0, 2],
        2: [0, 1],
        3: [0, 1],
        4: [0, 1],
    }


def test_topk_leaves_a_row_out_where_it_is_not_its_own_best():
    assert neighbours("points.npy", "-k", 1, "-m", "dot") == {0: [(1, 0)], 1: [(3, 5)], 2: [(3, 15)], 3: [(2, 15)]}


def test_topk_of_queries_from_another_file():
    Path("ask.csv").write_text("name,y,x\nzoe,3,1\n")  # the same columns in another order
    assert neighbours("points.csv", "ask.csv", *CHOSEN, "-k", 2, "-m", "manhattan") == {
        "zoe": [("carl", 1), ("bert", 3)]
    }


def test_topk_keeps_an_equal_query_of_another_file():
    assert neighbours("points.csv", "points.npy", *CHOSEN, "-k", 1, "-m", "manhattan") == {
        0: [("anna", 0)],
        1: [("bert", 0)],
        2: [("carl", 0)],
        3: [("dora", 0)],
    }


@pytest.mark.parametrize("queries", ["x,y\n0,2\n", "[0, 2]\n", '{"x": 0, "y": 2, "year": 9}\n'])
def test_topk_of_queries_from_standard_input(queries):
    assert neighbours("points.csv", "-", *CHOSEN, "-k", 1, "-m", "manhattan", stdin=queries) == {0: [("carl", 1)]}


def test_topk_of_items_from_standard_input():
    stream = io.BytesIO()
    np.save(stream, np.array([[0.0, 3.0]]))
    assert neighbours("-", "points.npy", "-m", "manhattan", stdin=stream.getvalue())[3] == [(0, 7)]
    assert neighbours("-", *CHOSEN, "-k", 1, "-m", "manhattan", stdin=POINTS)["dora"] == [("carl", 7)]


def test_topk_of_chosen_items():
    found = neighbours("points.csv", *CHOSEN, "-k", 1, "-m", "manhattan", "--query", "dora", "--query", "anna")
    assert list(found.items()) == [("dora", [("carl", 7)]), ("anna", [("bert", 1)])]
    assert neighbours("points.npy", "-k", 1, "-m", "manhattan", "--query", 3) == {3: [(2, 7)]}


def test_topk_of_an_id_that_several_items_have():
    Path("twins.csv").write_text("name,x\np,0\nq,5\np,9\n")
    found = lines("topk", "twins.csv", "--id", "name", "-k", 2, "-m", "manhattan", "--query", "p")
    assert [[(hit["item"], hit["value"]) for hit in line["neighbours"]] for line in found] == [
        [("q", 5), ("p", 9)],
        [("q", 4), ("p", 9)],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bret", "no item of points.csv is called 'Bret'; did you mean 'bert'?"),
        ("a", "no item of points.csv is called 'a'; did you mean 'anna' or 'carl' or 'dora'?"),
        ("xyz", "no item of points.csv is called 'xyz'"),
        ("", "no item of points.csv is called ''"),
    ],
)
def test_topk_of_an_item_that_is_not_there(text, said):
    assert failed("topk", "points.csv", *CHOSEN, "-m", "l1", "--query", text) == said


@pytest.mark.parametrize("text", ["4", "-1", "anna", "1.0", "²", "9" * 30])
def test_topk_of_a_row_that_is_not_there(text):
    assert failed("topk", "points.npy", "-m", "l1", f"--query={text}") == (
        f"--query {text!r} is no row of points.npy, which has rows 0 to 3; "
        "to ask by name, say with --id which column has the names"
    )


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (["--formula", "abs(x - y)"], [1, 3, 10]),
        (["--formula", "abs(x - y)", "--combine", "max"], [1, 3, 5]),
        (["--formula", "abs(x - y)", "--combine", "mean"], [0.5, 1.5, 5]),
        (["--formula", "(x - y) ** 2", "--finish", "sqrt(s)"], [1, 3, 50**0.5]),
        (["--formula", "abs(x - y)", "--closer", "larger"], [10, 3, 1]),
        (["--metric", "chebyshev"], [1, 3, 5]),
        (["--metric", "minkowski(p=1)"], [1, 3, 10]),
        (["--metric", "laplacian(gamma=0.5)"], [np.exp(-0.5), np.exp(-1.5), np.exp(-5)]),
    ],
)
def test_topk_by_formulas_and_metrics(options, values):
    found = neighbours("points.csv", *CHOSEN, *options, "--query", "anna")["anna"]
    assert [value for _, value in found] == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl", "npz"])
def test_topk_writes_columns(extension):
    out = f"hits.{extension}"
    assert ok("topk", "points.csv", *CHOSEN, "-k", 2, "-m", "manhattan", "--out", out) == ""
    if extension == "parquet":
        columns = pq.read_table(out).to_pydict()
    elif extension == "npz":
        with np.load(out) as loaded:
            columns = {name: loaded[name].tolist() for name in loaded.files}
    else:
        text = Path(out).read_text()
        rows = list(csv.DictReader(text.splitlines())) if extension == "csv" else map(json.loads, text.splitlines())
        columns = {name: [] for name in ("query", "rank", "item", "value")}
        for row in rows:
            for name, kind in zip(columns, (str, int, str, float), strict=True):
                columns[name].append(kind(row[name]))
    assert columns == {
        "query": ["anna", "anna", "bert", "bert", "carl", "carl", "dora", "dora"],
        "rank": [1, 2] * 4,
        "item": ["bert", "carl", "anna", "carl", "anna", "bert", "carl", "bert"],
        "value": [1, 3, 1, 4, 3, 4, 7, 9],
    }
    assert sorted(os.listdir()) == sorted(["points.csv", "points.npy", out])


def test_topk_writes_row_numbers_as_numbers():
    ok("topk", "points.npy", "-k", 1, "-m", "manhattan", "--out", "hits.parquet")
    assert pq.read_table("hits.parquet").to_pydict() == {
        "query": [0, 1, 2, 3],
        "rank": [1] * 4,
        "item": [1, 0, 0, 2],
        "value": [1, 1, 3, 7],
    }


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5])
def test_topk_writes_in_batches(monkeypatch, rows):
    monkeypatch.setattr(show, "_BLOCK", 2)
    np.save("ask.npy", np.zeros((rows, 2)))
    options = ["points.csv", "ask.npy", *CHOSEN, "-k", 2, "-m", "manhattan"]
    ok("topk", *options, "--out", "hits.parquet")
    table = pq.read_table("hits.parquet")
    assert table.to_pydict()["query"] == [i for i in range(rows) for _ in range(2)]
    assert table.to_pydict()["item"] == ["anna", "bert"] * rows
    assert table.column_names == ["query", "rank", "item", "value"]
    assert neighbours(*options) == {i: [("anna", 0), ("bert", 1)] for i in range(rows)}


def test_topk_without_items():
    np.save("none.npy", np.zeros((0, 2), "f4"))
    assert neighbours("none.npy", "points.npy", "-m", "manhattan") == {0: [], 1: [], 2: [], 3: []}
    assert neighbours("none.npy", "-m", "manhattan") == {}
    ok("topk", "none.npy", "points.npy", "-m", "manhattan", "--out", "hits.parquet")
    assert pq.read_table("hits.parquet").num_rows == 0


def test_topk_as_a_table():
    text = ok("topk", "points.csv", *CHOSEN, "-k", 2, "-m", "manhattan", "--table", "--query", "dora")
    assert "manhattan: sum(abs(x - y)); smaller is closer" in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    assert rows == [["1", "carl", "7"], ["2", "bert", "9"]]


def test_topk_as_a_table_and_a_file():
    text = ok("topk", "points.csv", *CHOSEN, "-m", "manhattan", "--table", "--out", "hits.csv")
    assert "carl" in text
    assert Path("hits.csv").exists()


def test_names_cannot_steer_the_terminal():
    Path("odd.csv").write_text("name,x\n\x1b[31mred\x07,1\n[bold]b[/bold],2\n")
    text = ok("topk", "odd.csv", "--id", "name", "-m", "l1", "--table")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]b[/bold]" in text
    assert "\x1b" not in failed("topk", "odd.csv", "--id", "\x1b[31m", "-m", "l1")


def test_values_that_are_no_numbers_are_null():
    found = neighbours("points.csv", *CHOSEN, "--formula", "1 / abs(x - y)", "--query", "bert", "-k", 3)
    assert found == {"bert": [("dora", 0.45), ("carl", 1 + 1 / 3), ("anna", None)]}  # 1 / 0 is infinite


def test_topk_on_bad_rows():
    np.save("bad.npy", np.array([[0, 0], [np.nan, 1], [2, 2]]))
    said = failed("topk", "bad.npy", "points.npy", "-m", "manhattan")
    assert failed("topk", "bad.npy", "points.npy", "-m", "manhattan", "--on-bad", "raise") == said
    found = neighbours("bad.npy", "points.npy", "-m", "manhattan", "--on-bad", "skip")
    assert {item for hits in found.values() for item, _ in hits} == {0, 2}


# ---- what is passed on


@pytest.fixture
def calls(monkeypatch):
    """The keyword arguments that the verbs are called with."""
    seen = {}

    def spied(name, real):
        def verb(*args, **kwargs):
            seen[name] = (args, kwargs)
            return real(*args, **kwargs)

        return verb

    for name in ("topk", "pairwise"):
        monkeypatch.setattr(lw, name, spied(name, getattr(lw, name)))
    return seen


@pytest.mark.parametrize("verb", ["topk", "pairwise"])
def test_options_reach_the_verb(calls, verb):
    ok(verb, "points.npy", "-m", "l1", "--n-jobs", 2, "--memory-limit", "2GB", "--on-bad", "raise")
    _, kwargs = calls[verb]
    assert kwargs.pop("where", None) is None
    assert kwargs == {
        "metric": by_name("manhattan"),
        "n_jobs": 2,
        "memory_limit": "2GB",
        "on_bad": "raise",
        "progress": None,
    }
    ok(verb, "points.npy", "-m", "l1", "--memory-limit", "1000000000", "--on-bad", "skip")
    assert calls[verb][1] | {"metric": None, "where": None} == {
        "where": None,
        "metric": None,
        "n_jobs": None,
        "memory_limit": 1_000_000_000,
        "on_bad": "skip",
        "progress": None,
    }


def test_a_mapped_file_stays_mapped(calls):
    ok("topk", "points.npy", "points.npy", "-m", "l1")
    assert all(isinstance(table, np.memmap) for table in calls["topk"][0][:2])


def test_items_leave_themselves_out(calls):
    ok("topk", "points.npy", "-k", 3, "-m", "l1")
    assert calls["topk"][0][1:] == (None, 3)
    ok("topk", "points.npy", "-k", 3, "-m", "l1", "--query", "2", "--query", "0")
    assert [part.tolist() for part in calls["topk"][1]["where"]] == [[0, 1, 2], [2, 0]]
    ok("topk", "points.npy", "points.npy", "-k", 3, "-m", "l1")
    assert calls["topk"][1]["where"] is None


# ---- pairwise


def test_pairwise():
    found = lines("pairwise", "points.csv", *CHOSEN, "--metric", "manhattan")
    assert found == [
        {"query": name, "values": row} for name, row in zip(["anna", "bert", "carl", "dora"], MANHATTAN, strict=True)
    ]


def test_pairwise_of_queries_has_a_row_for_each():
    Path("ask.csv").write_text("x,y\n1,3\n5,5\n")
    found = lines("pairwise", "points.csv", "ask.csv", *CHOSEN, "--formula", "abs(x - y)")
    assert found == [{"query": 0, "values": [4, 3, 1, 6]}, {"query": 1, "values": [10, 9, 7, 0]}]


@pytest.mark.parametrize("extension", ["npy", "npz", "parquet", "arrow", "csv", "jsonl"])
def test_pairwise_writes_a_matrix(extension, monkeypatch):
    monkeypatch.setattr(show, "_BLOCK", 3)
    out = f"m.{extension}"
    assert ok("pairwise", "points.csv", *CHOSEN, "-m", "manhattan", "--out", out) == ""
    if extension in ("npy", "npz"):
        from likewise.files import read

        assert read(out).vectors.tolist() == MANHATTAN
        return
    if extension == "csv":
        assert Path(out).read_text().splitlines()[:2] == ["query,anna,bert,carl,dora", "anna,0.0,1.0,3.0,10.0"]
    again = lines("pairwise", out, "--id", "query", "-m", "chebyshev")  # what is written can be read
    assert [line["query"] for line in again] == ["anna", "bert", "carl", "dora"]
    assert again[0]["values"] == [0, 1, 3, 10]


@pytest.mark.parametrize("names", ["pp", ["query", "p"]])
def test_pairwise_of_items_of_one_name(names):
    Path("twins.csv").write_text(f"name,x\n{names[0]},0\n{names[1]},9\n")
    options = ["pairwise", "twins.csv", "--id", "name", "-m", "l1", "--out"]
    assert failed(*options, "m.csv") == (
        "m.csv would have two columns of one name: the items' names repeat; write .parquet or .npy"
    )
    assert not Path("m.csv").exists()
    ok(*options, "m.parquet")


def test_pairwise_as_a_table(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = ok("pairwise", "points.csv", *CHOSEN, "-m", "manhattan", "--table")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    assert rows == [
        [name, *map(str, row)] for name, row in zip(["anna", "bert", "carl", "dora"], MANHATTAN, strict=True)
    ]
    assert "shown" not in text
    text = ok("pairwise", FILMS, "--id", "title", "-m", "manhattan", "--table")
    assert "100 x 4 of 866 x 866 are shown; --out FILE writes them all" in text


# ---- metrics, explain


def test_metrics():
    rows = lines("metrics")
    assert {row["name"] for row in rows} == {*lw.metrics, "mahalanobis"}  # which has no default
    assert rows == lw.metrics.rows()
    text = ok("metrics", "--table")
    assert all(name in text for name in ("name", "closer", "manhattan", "chebyshev"))


@pytest.mark.parametrize("queries", [[], ["points.npy"]])
@pytest.mark.parametrize("k", [[], ["-k", "3"]])
def test_explain(queries, k):
    x = np.load("points.npy")
    expected = lw.explain(x, x, k=int(k[1]) if k else None, metric="manhattan")
    options = ["explain", "points.npy", *queries, *k, "-m", "manhattan"]
    (found,) = lines(*options)
    assert found.keys() == json.loads(show.json_line(expected.as_dict())).keys()
    assert ok(*options, "--table").splitlines()[0] == str(expected).splitlines()[0]


# ---- errors


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["topk", "points.csv"],
            "say how to compare: --metric NAME or --formula TEXT; likewise metrics lists the names",
        ),
        (
            ["topk", "points.csv", "-m", "l1", "--formula", "x * y"],
            "--metric and --formula were both given; take one of them",
        ),
        (["topk", "points.csv", "-m", "l1", "--finish", "s"], "--finish belongs to --formula, which was not given"),
        (["topk", "points.csv", "--combine", "max"], "--combine belongs to --formula, which was not given"),
        (["pairwise", "points.csv", "--closer", "larger"], "--closer belongs to --formula, which was not given"),
        (["topk", "points.csv", "-m", "minkowsky"], "no metric is called 'minkowsky'; did you mean 'minkowski'?"),
        (
            ["topk", "points.csv", "-m", "rbf(gama=1)"],
            "rbf has no parameter 'gama'; its parameters are gamma",
        ),
        (
            ["topk", "points.csv", "--formula", "x - y", "--combine", "median"],
            "combine 'median' is not known; it is one of sum, mean, max, min",
        ),
        (
            ["topk", "points.csv", "--formula", "x - y", "--closer", "near"],
            "closer 'near' is not known; it is one of smaller, larger",
        ),
        (["topk", "point.csv", "-m", "l1"], "there is no file 'point.csv'; did you mean 'points.csv'?"),
        (
            ["topk", "points.csv", "points.csv", "-m", "l1", "--query", "x"],
            "QUERIES and --query were both given; take one of them",
        ),
        (
            ["topk", "-", "-", "-m", "l1"],
            "ITEMS and QUERIES cannot both be standard input; put one of them into a file",
        ),
        (
            ["topk", "points.csv", "-m", "l1", "--id", "nam"],
            "points.csv has no id column 'nam'; did you mean 'name'? It has name, year, x, y",
        ),
        (
            ["topk", "points.npy", "-m", "l1", "--id", "name"],
            "points.npy has no column names, so id='name' cannot be found in it",
        ),
        (
            ["topk", "points.csv", "-m", "l1", "--columns", "name:y"],
            "points.csv: column 'name' is not numeric but text (row 1: 'anna'); numeric columns: year, x, y",
        ),
        (
            ["topk", "points.csv", "-m", "l1", "--out", "no/x.csv"],
            "no/x.csv cannot be written: there is no folder 'no'",
        ),
        (
            ["topk", "points.csv", "-m", "l1", "--out", "x.npy"],
            "x.npy cannot be written: .npy holds one array, these are query, rank, item, value; write .npz",
        ),
    ],
)
def test_errors_are_one_line(args, said):
    assert failed(*args) == said


def test_a_formula_that_cannot_be_read_is_shown():
    said = failed("topk", "points.csv", "--formula", "abs(x - z)")
    assert said.splitlines()[:3] == ["the formula names 'z'", "    abs(x - z)", "            ^"]


def test_dimensions_that_do_not_fit():
    np.save("three.npy", np.zeros((2, 3)))
    said = failed("topk", "points.npy", "three.npy", "-m", "l1")
    assert "(2, 3)" in said
    assert "(4, 2)" in said


def test_queries_that_lack_a_column():
    Path("ask.csv").write_text("name,x,z\nzoe,1,2\n")
    assert (
        failed("topk", "points.csv", "ask.csv", *CHOSEN, "-m", "l1") == "ask.csv has no column 'y'; it has name, x, z"
    )


def test_an_output_that_cannot_be_written_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(lw, "topk", lambda *_, **__: pytest.fail("the search ran"))
    assert "its extension is not one of" in failed("topk", "points.npy", "-m", "l1", "--out", "hits.xlsx")


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 141), (MemoryError, 2), (LikewiseError("no"), 2)]
)
def test_exit_codes(monkeypatch, error, code):
    def verb(*_, **__):
        raise error

    monkeypatch.setattr(lw, "topk", verb)
    monkeypatch.setattr("likewise.cli.guard._silence", lambda: None)
    result = invoke("topk", "points.npy", "-m", "l1")
    assert (result.exit_code, result.stdout) == (code, "")
    assert (
        result.stderr
        == {
            130: "",
            141: "",
            2: "Error: no\n"
            if isinstance(error, LikewiseError)
            else "Error: there is not enough memory for this; "
            "topk needs less than pairwise, and takes --memory-limit\n",
        }[code]
    )


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(lw, "topk", lambda *_, **__: 1 / 0)
    result = invoke("topk", "points.npy", "-m", "l1")
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("args", [["-k", "0"], ["-k", "x"], ["--on-bad", "ignore"], ["--none"], []])
def test_usage_errors(args):
    result = invoke("topk", *(["points.npy", "-m", "l1", *args] if args else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage:" in result.stderr


def test_version():
    assert ok("--version") == f"likewise {lw.__version__}\n"


# ---- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("seconds", "shown"), [(0.5, False), (2.0, True)])
def test_progress_is_shown_after_a_second_on_a_terminal(monkeypatch, seconds, shown):
    clock = iter([0.0, seconds, seconds, seconds])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(show, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    with show.progress() as advance:
        advance(3, 7)
        advance(7, 7)
    assert ("7/7" in sys.stderr.getvalue()) == shown
    assert sys.stderr.getvalue() == "" or shown


def test_progress_is_not_shown_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with show.progress() as advance:
        assert advance is None


# ---- metrics by name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("manhattan", "manhattan"),
        (" L1 ", "manhattan"),
        ("manhattan()", "manhattan"),
        ("minkowski(p=3)", "minkowski(p=3)"),
        ("RBF( gamma = 0.5 )", "rbf(gamma=0.5)"),
        ("poly(degree=2, coef0=-1)", "polynomial(degree=2, coef0=-1)"),
        ("rbf", "rbf"),
    ],
)
def test_metric_from_name(text, name):
    assert metric_from_name(text).name == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rbf(0.5)", "the metric 'rbf(0.5)' cannot be read; write a name, or as in rbf(gamma=0.5)"),
        ("rbf(gamma=", "the metric 'rbf(gamma=' cannot be read; write a name, or as in rbf(gamma=0.5)"),
        ("rbf(**{})", "the metric 'rbf(**{})' cannot be read; write a name, or as in rbf(gamma=0.5)"),
        ("(1)(p=2)", "the metric '(1)(p=2)' cannot be read; write a name, or as in rbf(gamma=0.5)"),
        ("rbf(gamma=g)", "the metric 'rbf(gamma=g)' cannot be read; gamma has to be a number"),
        ("rbf(gamma=True)", "the metric 'rbf(gamma=True)' cannot be read; gamma has to be a number"),
        ("rbf(gamma=exit())", "the metric 'rbf(gamma=exit())' cannot be read; gamma has to be a number"),
        ("rbf(gamma=1, gamma=2)", "the metric 'rbf(gamma=1, gamma=2)' gives a parameter twice"),
        ("rbf(gamma=1e999)", "gamma=inf is out of range: a finite number above 0 is wanted"),
        ("dot(p=2)", "dot has no parameter 'p'; it takes none"),
        ("minkowsky(p=3)", "no metric is called 'minkowsky'; did you mean 'minkowski'?"),
        ("mahalanobis(VI=1)", "mahalanobis needs the inverse covariance: metric=lw.mahalanobis(VI)"),
    ],
)
def test_metric_from_name_refuses(text, said):
    with pytest.raises(LikewiseError) as caught:
        metric_from_name(text)
    assert str(caught.value) == said


def test_metric_from_name_of_numbers_too_large():
    for text in (f"rbf(gamma=0x{'f' * 400})", f"rbf(gamma={'9' * 5000})", "rbf(gamma=" * 5000, "rbf(gamma=-" * 200):
        with pytest.raises(LikewiseError, match="cannot be read"):
            metric_from_name(text)


# ---- real runs


def test_real_films():
    options = [FILMS, "--id", "title", "--columns", "action:intellect", "-k", 3, "-m", "manhattan"]
    done = process("topk", *options, "--query", "8½")
    assert (done.returncode, done.stderr) == (0, b"")
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["query"] == "8½"
    with open(FILMS, encoding="utf-8", newline="") as file:
        rows = {row[0]: np.array(row[3:], float) for row in list(csv.reader(file))[1:]}
    values = {title: float(np.abs(row - rows["8½"]).sum()) for title, row in rows.items() if title != "8½"}
    assert [hit["value"] for hit in line["neighbours"]] == sorted(values.values())[:3]
    assert all(values[hit["item"]] == hit["value"] for hit in line["neighbours"])


def test_real_bytes_through_standard_input(tmp_path):
    done = process("topk", "-", "-k", 1, "-m", "l1", input=Path("points.npy").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.splitlines()[3])["neighbours"] == [{"item": 2, "value": 7.0}]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_real_output_is_utf8_whatever_the_terminal(encoding):
    Path("odd.csv").write_text("name,x\n8½ 東京,1\nb,2\n", encoding="utf-8")
    done = process("topk", "odd.csv", "--id", "name", "-m", "l1", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8").splitlines()[0])["query"] == "8½ 東京"


def test_real_errors_have_no_traceback():
    done = process("topk", "nothing.npy", "-m", "l1")
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"Error: there is no file 'nothing.npy'\n")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error():
    np.save("many.npy", np.zeros((3000, 2), "f4"))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "likewise", "topk", "many.npy", "-m", "l1"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout.readline().startswith(b'{"query": 0')
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 141


def test_without_typer():
    code = "import sys; sys.modules['typer'] = None; import likewise.cli; likewise.cli.main()"
    done = process(code=code)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "Error: the command line needs typer; install it with: pip install 'likewise[cli]'\n"
    )


def test_the_module_is_light():
    code = """
import sys
import likewise.cli
print(*sorted({"typer", "rich", "pyarrow"} & sys.modules.keys()))
assert not hasattr(likewise.cli, "nothing")
likewise.cli.app
print(*sorted({"typer", "pyarrow"} & sys.modules.keys()))
"""
    done = process(code=code)
    assert (done.returncode, done.stdout.decode().splitlines()) == (0, ["", "typer"]), done.stderr


def test_every_command_is_described():
    for command in app.registered_commands:
        assert command.callback.__doc__
        assert "Usage: " in ok(command.callback.__name__, "--help")
    assert {command.callback.__name__ for command in app.registered_commands} == {
        "topk",
        "pairwise",
        "metrics",
        "explain",
        "machine",
        "report",
        "recommend",
        "search",
        "translate",
    }
