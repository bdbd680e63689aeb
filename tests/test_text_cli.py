"""likewise search, from the shell."""

import csv
import json
import os
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from likewise import text
from likewise.cli import app

ROWS = [
    {"_id": 1, "title": "Bikes", "text": "A man rides a bike. It is red."},
    {"_id": 2, "title": "", "text": "A dog sleeps. Two dogs play in the park."},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")


def invoke(*args, stdin=None):
    return CliRunner().invoke(app, ["search", *map(str, args)], input=stdin)


def lines(*args, stdin=None):
    result = invoke(*args, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]


def found(*args, stdin=None):
    return [(line["query"], [hit["id"] for hit in line["hits"]]) for line in lines(*args, stdin=stdin)]


def test_json_lines():
    (line,) = lines("corpus.jsonl", "a dog", "-k", 1)
    assert line["mode"] == "lexical"
    (hit,) = line["hits"]
    assert {key: hit[key] for key in ("id", "text", "start", "end")} == {
        "id": 2,
        "text": ROWS[1]["text"],
        "start": 0,
        "end": 40,
    }
    assert [part["word"] for part in hit["words"]] == ["dog", "a"]
    assert sum(part["amount"] for part in hit["words"]) == pytest.approx(hit["score"])


def test_queries():
    assert found("corpus.jsonl", "dog", "bike") == [("dog", [2]), ("bike", [1])]
    assert found("corpus.jsonl", "-", stdin="dog\r\n\n bike \n") == [("dog", [2]), ("bike", [1])]
    assert found("corpus.jsonl", "zebra") == [("zebra", [])]
    assert found("corpus.jsonl", "a", "--where", 1) == [("a", [1])]
    assert found("corpus.jsonl", "dogs", "--lexical", "tfidf", "--stem", "english") == [("dogs", [2])]
    assert found("corpus.jsonl", "bikes", "--text", "title,text", "--id", "_id") == [("bikes", [1])]


def test_a_table():
    result = invoke("corpus.jsonl", "dog", "zebra", "--table")
    assert result.exit_code == 0
    assert "A dog sleeps." in result.stdout
    assert "nothing" in result.stdout


def test_an_index_is_kept():
    assert found("corpus.jsonl", "dog", "--index", "kept") == [("dog", [2])]
    first = Path("kept").stat().st_mtime_ns
    assert found("corpus.jsonl", "dog", "--index", "kept") == [("dog", [2])]
    assert Path("kept").stat().st_mtime_ns == first  # not written anew
    assert found("corpus.jsonl", "dog", "--index", "kept", "--lexical", "tfidf") == [("dog", [2])]
    assert text.Index.load("kept").lexical.kind == "tfidf"
    later = time.time() + 10
    Path("corpus.jsonl").write_text(json.dumps(ROWS[1] | {"_id": 7}) + "\n", encoding="utf-8")
    os.utime("corpus.jsonl", (later, later))
    assert found("corpus.jsonl", "dog", "--index", "kept") == [("dog", [7])]


def test_an_index_is_a_corpus():
    text.Index("corpus.jsonl").save("made.likewise")
    assert found("made.likewise", "bike") == [("bike", [1])]
    found("corpus.jsonl", "dog", "--index", "papers.idx")  # whatever it is called
    assert found("papers.idx", "bike") == [("bike", [1])]
    assert (
        "--stem is settled when an index is made, and papers.idx is one"
        in invoke("papers.idx", "bike", "--stem", "english").stderr
    )


def test_out_writes_a_file():
    assert lines("corpus.jsonl", "bike", "dog", "zebra", "--out", "found.csv") == []
    rows = list(csv.DictReader(Path("found.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["query"], row["rank"], row["id"], row["title"]) for row in rows] == [
        ("bike", "1", "1", "Bikes"),
        ("dog", "1", "2", ""),
    ]
    assert rows[0]["text"] == ROWS[0]["text"]
    lines("corpus.jsonl", "zebra", "--out", "none.parquet")
    none = pq.read_table("none.parquet")
    assert (none.num_rows, none.column_names) == (0, ["query", "rank", "id", "score", "title", "text"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none.jsonl", "a"], "there is no file 'none.jsonl'"),
        (["corpus.jsonl", "a", "--mode", "semantic"], "mode='semantic' needs an index with model="),
        (["corpus.jsonl", "a", "--where", "9"], "corpus.jsonl has no document '9'"),
        (["corpus.jsonl", "a", "--text", "body"], "corpus.jsonl has no column 'body'"),
        (["corpus.jsonl", "-", "a"], "give no others beside it"),
        (["corpus.jsonl", "-"], "standard input holds no queries"),
        (["-", "-"], "standard input can be read once"),
        (["corpus.jsonl", "a", "--out", "found.txt"], "found.txt cannot be written: its extension"),
    ],
)
def test_errors_are_one_line(args, message):
    result = invoke(*args, stdin="\n")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
