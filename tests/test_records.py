"""Rows of named columns: the same from every kind of file and frame; what is wrong is said with its place."""

import datetime
import json
import os
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from likewise.errors import InputError, ShapeError
from likewise.files import Records, kind_of_archive, load_archive, records, save_archive

NOON = datetime.datetime(2020, 1, 1, 12)
ROWS = [
    {"user": "ann", "item": 7, "rating": 4.5, "when": NOON, "tags": ["a", "b"], "seen": True},
    {"user": "bob", "item": 9, "rating": None, "when": None, "tags": None, "seen": False},
    {"user": None, "item": 7, "rating": 2.0, "when": NOON, "tags": [], "seen": True},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


@pytest.mark.parametrize(
    "source",
    [
        ROWS,
        COLUMNS,
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        pl.DataFrame(ROWS).lazy(),
        pa.Table.from_pylist(ROWS),
        records(ROWS),
    ],
    ids=["rows", "columns", "pandas", "polars", "lazy", "arrow", "records"],
)
def test_every_kind_of_table_is_read_alike(source):
    table = records(source)
    assert len(table) == 3
    assert table.names == list(COLUMNS)
    assert table["user"].tolist() == ["ann", "bob", None]
    assert table["item"].dtype == np.int64
    assert table["item"].tolist() == [7, 9, 7]
    np.testing.assert_array_equal(table["rating"], [4.5, np.nan, 2.0])
    assert table["when"].dtype == np.dtype("datetime64[us]")
    assert table["when"].tolist() == [NOON, None, NOON]
    assert table["tags"].tolist() == [["a", "b"], None, []]
    assert table["seen"].dtype == bool
    for name in ("user", "rating", "when"):
        assert table.missing(name).tolist() == [value is None for value in COLUMNS[name]]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "feather"])
def test_every_kind_of_file_is_read_alike(tmp_path, kind):
    path = tmp_path / f"table.{kind}"
    rows = [{"user": "Åsa", "item": 7, "rating": 4.5}, {"user": "bob, jr", "item": 9, "rating": None}]
    frame = pd.DataFrame(rows)
    if kind in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif kind == "json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        write = pa.parquet.write_table if kind == "parquet" else pa.feather.write_feather
        write(pa.Table.from_pandas(frame), path)
    table = records(path)
    assert table.source == str(path)
    assert table["user"].tolist() == ["Åsa", "bob, jr"]
    assert table["item"].tolist() == [7, 9]
    np.testing.assert_array_equal(table["rating"], [4.5, np.nan])


def test_numbers_with_zeros_in_front_stay_text_and_other_columns_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,n,x\n007,1,0.5\n012,2,0.25\n")
    table = records(path)
    assert table["id"].tolist() == ["007", "012"]
    assert table["n"].tolist() == [1, 2]
    assert table["x"].tolist() == [0.5, 0.25]


def test_an_integer_column_with_a_missing_value_stays_whole_numbers():
    table = records({"n": [1, None, 2**60]})
    assert table["n"].tolist() == [1, None, 2**60]
    np.testing.assert_array_equal(table.numbers("n"), [1, np.nan, 2.0**60])
    assert table.text("n").tolist() == ["1", None, str(2**60)]


def test_encodings(tmp_path):
    path = tmp_path / "a.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        path.write_bytes("id,title\n1,café\n2,naïve\n".encode(encoding))
        table = records(path, encoding=None if encoding.startswith("utf-8") else encoding)
        assert table.names == ["id", "title"]
        assert table["title"].tolist() == ["café", "naïve"]
    with pytest.raises(InputError, match=r"line 2: byte 0xe9 is not UTF-8; .* encoding='cp1252'"):
        records(path)
    with pytest.raises(InputError, match="'klingon' is no encoding"):
        records(path, encoding="klingon")
    path.write_bytes(b"id,title\n1,plain\n" + "2,café\n".encode() + "3,naïve\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 4: byte 0xef is not UTF-8"):
        records(path)


def test_a_column_by_name_and_the_first_of_several():
    table = records({"User_ID": [1], "film": ["x"]})
    assert table.first_of(["user", "userId", "user-id"]) == "User_ID"
    assert table.first_of(["rating"]) is None
    with pytest.raises(
        InputError, match=r"^the table has no column 'flim'; did you mean 'film'\? It has User_ID, film$"
    ):
        table["flim"]


def test_codes_are_ranks_among_the_sorted_values():
    names, code = records({"a": ["y", "x", "y"]}).codes("a")
    assert names.tolist() == ["x", "y"]
    assert code.tolist() == [1, 0, 1]
    numbers, code = records({"a": [10, 9, 10]}).codes("a")
    assert numbers.dtype == np.int64
    assert (numbers.tolist(), code.tolist()) == ([9, 10], [1, 0, 1])
    mixed, code = records({"a": [10, "10", 9]}).codes("a")
    assert mixed.tolist() == [10, "10", 9]
    assert code.tolist() == [0, 1, 2]
    for values, rows in (["x", None, ""], "rows 2, 3"), ([1.0, np.nan], "row 2"):
        with pytest.raises(InputError, match=f"column 'a' has no value in {rows}"):
            records({"a": values}).codes("a")
    with pytest.raises(InputError, match="holds lists"):
        records({"a": [["x"]]}).codes("a")


def test_words_where_numbers_are_wanted_name_the_row():
    assert records({"a": ["1.5", "", " 2 "]}).numbers("a").tolist()[::2] == [1.5, 2.0]
    with pytest.raises(InputError, match="column 'a' has to be numbers; row 2 has 'many'"):
        records({"a": ["1.5", "many"]}).numbers("a")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": [1], "b": [1, 2]}, "columns of different lengths: 'a' has 1 values, 'b' 2"),
        ({}, "has no columns"),
        (42, "found int where a table is wanted"),
        ([1, 2], "found list where a table is wanted"),
        ("absent.csv", "there is no file 'absent.csv'"),
        (np.zeros(3, "c16"), "found ndarray where a table is wanted"),
    ],
)
def test_what_is_no_table_is_refused(source, message):
    with pytest.raises(InputError, match=re.escape(message)):
        records(source)
    if isinstance(source, dict) and source:
        with pytest.raises(ShapeError):
            records(source)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"a,b\n1,2\n3\n", "Row #3: Expected 2 columns, got 1"),
        ("a.csv", b"a,a\n1,2\n", "two columns called 'a'"),
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2, cannot be read as JSON"),
        ("a.jsonl", b'{"a": 1}\n3\n', "row 2: found 3; every row is an object"),
        ("a.json", b'[{"a": 1}, 5]', "row 2: found 5"),
        ("a.parquet", b"PAR1nothing", "cannot be read as parquet"),
        ("a.npy", b"\x93NUMPY\x01\x00", "holds an array without column names"),
    ],
)
def test_damaged_files_are_refused_with_what_was_found(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        records(path)


def test_rows_are_taken_by_mask_and_by_number():
    table = records(ROWS)
    assert table.take(np.array([False, True, False]))["user"].tolist() == ["bob"]
    assert table.take(np.array([2, 0]))["item"].tolist() == [7, 7]
    assert isinstance(table.take(np.array([], int)), Records)


# ---- archives


def test_an_archive_gives_back_what_was_saved(tmp_path):
    path = tmp_path / "a.likewise"
    names = np.array(["é", "", "two\nlines", "\ud800"], object)
    arrays = {"x": np.arange(6.0).reshape(2, 3), "bits": np.array([True]), "none": np.empty((0, 4), np.float32)}
    save_archive(path, "test", {"k": 3, "nested": {"a": [1, 2]}}, {**arrays, "names": names, "few": ["a", "b"]})
    header, read = load_archive(path, "test")
    assert header == {"k": 3, "nested": {"a": [1, 2]}}
    assert read["names"] == names.tolist()
    assert read["few"] == ["a", "b"]
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)
    assert kind_of_archive(path) == "test"
    assert list(tmp_path.iterdir()) == [path]  # nothing is left beside it


def test_an_interrupted_save_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.likewise"
    save_archive(path, "test", {}, {"x": np.arange(3)})
    for bad, kind in ((1, "int"), (0, "int"), (None, "NoneType"), (b"", "bytes")):
        with pytest.raises(InputError, match=f"names holds {kind}"):
            save_archive(path, "test", {}, {"x": np.arange(9), "names": np.array([bad, "a"], object)})
    _, read = load_archive(path, "test")
    assert read["x"].tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_archive_of_that_kind_is_refused(tmp_path):
    path = tmp_path / "a.likewise"
    save_archive(path, "apples", {}, {"x": np.arange(300)})
    with pytest.raises(InputError, match="holds apples, not pears"):
        load_archive(path, "pears")
    with pytest.raises(InputError, match="there is no file"):
        load_archive(tmp_path / "b", "apples")
    with pytest.raises(InputError, match="cannot be written"):
        save_archive(tmp_path / "no" / "folder", "apples", {}, {})
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(InputError, match="damaged"):
        load_archive(path, "apples")
    spoilt = whole.replace(bytes(np.arange(300).tobytes()[800:820]), bytes(20))
    assert spoilt != whole
    path.write_bytes(spoilt)
    with pytest.raises(InputError, match="cannot be read as an archive"):
        load_archive(path, "apples")
    np.savez(tmp_path / "c.npz", x=np.arange(3))
    with pytest.raises(InputError, match="is not an archive of likewise"):
        load_archive(tmp_path / "c.npz", "apples")


def test_an_archive_keeps_shapes_and_orders(tmp_path):
    arrays = {"number": np.array(3), "none": np.zeros((0, 4)), "turned": np.arange(6.0).reshape(2, 3).T}
    save_archive(tmp_path / "a", "shapes", {}, arrays)
    for name, array in load_archive(tmp_path / "a", "shapes")[1].items():
        assert array.shape == arrays[name].shape
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")
def test_an_archive_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "other").write_text("")
    save_archive(tmp_path / "a", "rights", {}, {"one": np.ones(1)})
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "other"]
