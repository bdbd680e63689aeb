"""Tables in and out of files. Damaged files end in an error of ours, whatever was damaged."""

import csv
import io
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from likewise.errors import InputError, LikewiseError
from likewise.files import Table, check_writable, read, write
from likewise.files.source import Source, arrow_bytes, open_source

ROOT = Path(__file__).parents[1]
POINTS = np.array([[0.5, -1.0, 2.0], [3.0, 4.25, 5.0]])


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write a file of that name and text or bytes into an empty working folder; gives its name."""
    monkeypatch.chdir(tmp_path)

    def put(name, content):
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return put


@pytest.fixture
def stdin(monkeypatch):
    def stdin(content):
        data = content.encode() if isinstance(content, str) else content
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return "-"

    return stdin


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def npy_declaring(shape, descr="<f8", data=b""):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def vecs(rows, dtype):
    return b"".join(struct.pack("<i", len(row)) + np.asarray(row, dtype).tobytes() for row in rows)


def parquet(columns, **kwargs):
    sink = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink, **kwargs)
    return sink.getvalue()


def arrow(columns, opened=pa.ipc.new_file):
    table, sink = columns if isinstance(columns, pa.Table) else pa.table(columns), io.BytesIO()
    with opened(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def message(path, **kwargs):
    with pytest.raises(InputError) as caught:
        read(path, **kwargs)
    assert type(caught.value).__module__ == "likewise.errors"
    return str(caught.value)


# ---- .npy


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "float32", "float64"])
def test_npy_keeps_its_type_and_stays_mapped(put, dtype):
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    table = read(put("x.npy", npy(array)))
    assert (table.vectors.dtype, table.ids, table.columns, table.source) == (dtype, None, [], "x.npy")
    assert isinstance(table.vectors, np.memmap)
    assert not table.vectors.flags.writeable
    np.testing.assert_array_equal(table.vectors, array)


@pytest.mark.parametrize(
    ("dtype", "wider"),
    [
        ("int16", "float32"),
        ("uint16", "float32"),
        ("int32", "float64"),
        ("uint32", "float64"),
        ("int64", "float64"),
        ("uint64", "float64"),
        (">f4", "float32"),
        (">f8", "float64"),
        (">i2", "float32"),
        (">i8", "float64"),
    ],
)
def test_other_numbers_are_widened_exactly(put, dtype, wider):
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    limits = [max(int(info.min), -(2**53)), min(int(info.max), 2**53)] if np.dtype(dtype).kind in "iu" else [1.5, -2]
    table = read(put("x.npy", npy(np.array([limits], dtype))))
    assert table.vectors.dtype == np.dtype(wider)
    assert table.vectors.dtype.isnative
    assert [int(v) if np.dtype(dtype).kind in "iu" else float(v) for v in table.vectors[0]] == limits


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1])
def test_whole_numbers_that_float64_cannot_hold_are_refused(put, value):
    path = put("x.npy", npy(np.array([[0], [value], [1]])))
    assert message(path) == (
        "x.npy has whole numbers beyond 2^53 in row 2, which float64 cannot hold exactly; "
        "are they identifiers rather than measurements?"
    )


def test_npy_in_columns_first_order(put):
    table = read(put("x.npy", npy(np.asfortranarray(POINTS))))
    np.testing.assert_array_equal(table.vectors, POINTS)
    assert isinstance(table.vectors, np.memmap)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions(put, version):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, POINTS, version=version)
    np.testing.assert_array_equal(read(put("x.npy", stream.getvalue())).vectors, POINTS)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.array([[1j]]), "complex128 values"),
        (np.array([["a"]]), "str32 values"),
        (np.array([["2020-01-01"]], "M8[D]"), "datetime64[D] values"),
        (np.zeros((1, 1), [("a", "f4")]), "void32 values"),
        (np.zeros((1, 1), np.longdouble), f"{np.dtype(np.longdouble).name} values"),
    ],
)
def test_what_is_no_real_number_is_refused(put, array, found):
    path = put("x.npy", npy(array))
    assert message(path) == f"x.npy holds {found}; save it as float32, float64, int8, uint8 or bool"


class Trap:
    """Unpickling it would write a file."""

    def __reduce__(self):
        return open, ("trapped", "w")


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_objects_are_never_unpickled(put, name):
    objects = np.array([[Trap()]], object)
    path = put(name, npy(objects, allow_pickle=True) if name == "x.npy" else npz(a=objects))
    assert "holds Python objects, which are never unpickled here; save it as float32" in message(path)
    assert not Path("trapped").exists()


def test_a_pickle_is_no_npy(put):
    assert message(put("x.npy", pickle.dumps(POINTS))).startswith("x.npy cannot be read as a NumPy array: ")


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((3,), "reshape(1, -1) makes one vector of it"),
        ((), "reshape it to one vector a row"),
        ((2, 3, 4), "reshape it to one vector a row"),
    ],
)
def test_npy_takes_two_dimensions(put, shape, remedy):
    path = put("x.npy", npy(np.zeros(shape)))
    assert message(path) == (f"x.npy holds an array of shape {shape}; vectors are the rows of a table (n, d): {remedy}")


def test_npy_without_rows(put):
    table = read(put("x.npy", npy(np.zeros((0, 3), "f4"))))
    assert (table.vectors.shape, table.vectors.dtype) == ((0, 3), "float32")


@pytest.mark.parametrize("shape", [(3, 0), (10**18, 0), (0, 0), (-1, 3)])
def test_npy_without_coordinates(put, shape):
    path = put("x.npy", npy_declaring(shape))
    assert message(path) == f"x.npy holds an array of shape {shape}: its vectors have no coordinates"


@pytest.mark.parametrize("shape", [(10**18, 10**6), (2**40, 1), (2, 4), (1, 7)])
def test_npy_that_declares_more_than_it_holds(put, shape):
    path = put("x.npy", npy_declaring(shape, data=bytes(48)))
    declared = shape[0] * shape[1] * 8
    assert message(path) == (
        f"x.npy is truncated: {shape[0]:,} x {shape[1]:,} of float64 are {declared:,} bytes, and 48 are there; "
        "copy or write the file again"
    )


def test_npy_of_more_rows_than_an_array_can_have(put):
    assert message(put("x.npy", npy_declaring((0, 2**62)))).startswith("x.npy cannot be read as a NumPy array: ")


@pytest.mark.parametrize("option", ["columns", "id"])
def test_npy_has_no_names(put, option):
    path = put("x.npy", npy(POINTS))
    assert message(path, **{option: "a"}) == f"x.npy has no column names, so {option}='a' cannot be found in it"
    assert read(path, **{option: "a"}, strict=False).vectors.shape == (2, 3)


# ---- .npz


def test_npz_of_one_array(put):
    table = read(put("x.npz", npz(rows=POINTS)))
    np.testing.assert_array_equal(table.vectors, POINTS)
    assert table.source == "x.npz:rows"


def test_npz_of_several_arrays(put):
    path = put("x.npz", npz(train=POINTS, test=POINTS * 2))
    assert message(path) == "x.npz holds 2 arrays: train, test; name one, as in x.npz:train"
    np.testing.assert_array_equal(read("x.npz:test").vectors, POINTS * 2)
    assert message("x.npz:tast") == "x.npz holds no array 'tast'; did you mean 'test'? it has train, test"
    assert message("x.npz:") == "x.npz holds no array ''; it has train, test"
    assert message("y.npz:test") == "there is no file 'y.npz'; did you mean 'x.npz'?"


def test_npz_compressed_well_is_read(put):
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.zeros((2000, 500)))  # 8 MB in 8 kB
    assert read(put("x.npz", stream.getvalue())).vectors.shape == (2000, 500)


def test_npz_that_declares_more_than_can_be_compressed(put):
    data = bytearray(npz(a=POINTS))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 0xFFFFFFF0)  # the size, uncompressed, in the directory
    assert "x.npz:a declares 4,294,967,280 bytes and holds 176, compressed" in message(put("x.npz", bytes(data)))


def test_an_archive_of_no_arrays(put):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    said = "is an archive without arrays; of a spreadsheet, export the sheet as CSV"
    assert message(put("x.xlsx", stream.getvalue())) == f"x.xlsx {said}"
    assert message(put("x.npz", b"PK\x05\x06" + bytes(18))) == f"x.npz {said}"


# ---- .fvecs, .bvecs, .ivecs


@pytest.mark.parametrize(
    ("extension", "dtype", "read_as"),
    [("fvecs", "<f4", "float32"), ("bvecs", "u1", "uint8"), ("ivecs", "<i4", "float64")],
)
@pytest.mark.parametrize("d", [1, 3, 128])
def test_vecs(put, extension, dtype, read_as, d):
    rows = np.arange(2 * d).reshape(2, d) % 251
    table = read(put(f"x.{extension}", vecs(rows, dtype)))
    assert table.vectors.dtype == read_as
    np.testing.assert_array_equal(table.vectors, rows)


def test_fvecs_stay_mapped(put):
    vectors = read(put("x.fvecs", vecs(POINTS, "<f4"))).vectors
    base = vectors
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("cut", [1, 4, 15, 17])
def test_fvecs_truncated(put, cut):
    path = put("x.fvecs", vecs([[1, 2, 3], [4, 5, 6]], "<f4")[:-cut])
    assert message(path) == (
        "x.fvecs is truncated or of another format: its first vector has 3 coordinates, so that a row takes 16 bytes, "
        f"and its {32 - cut} bytes are no multiple of that"
    )


@pytest.mark.parametrize("d", [0, -1, -(2**31)])
def test_fvecs_of_no_dimension(put, d):
    path = put("x.fvecs", struct.pack("<i", d) + bytes(12))
    assert message(path) == f"x.fvecs begins with dimension {d}: it is no file of float32 vectors, or is damaged"


def test_fvecs_of_a_huge_dimension(put):
    assert "has 2,147,483,647 coordinates, so that a row takes 8,589,934,592 bytes" in message(
        put("x.fvecs", struct.pack("<i", 2**31 - 1) + bytes(12))
    )


def test_fvecs_whose_rows_disagree(put):
    data = bytearray(vecs([[1, 2], [3, 4], [5, 6]], "<f4"))
    data[12:16] = struct.pack("<i", 7)
    assert message(put("x.fvecs", bytes(data))) == (
        "x.fvecs is damaged or of another format: row 2 says it has 7 coordinates, row 1 has 2"
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_fvecs_of_a_few_bytes(put, size):
    assert "is no file of uint8 vectors" in message(put("x.bvecs", b"\x01" * size))


# ---- choosing columns: CSV, Parquet and Arrow alike

FILMS = {"title": ["A", "B"], "year": [1999, 2001], "action": [1.5, -2.0], "comedy": [0.0, 4.0], "seen": [True, False]}


def films_as(kind):
    if kind == "csv":
        rows = [
            list(FILMS),
            *([*map(str, row[:-1]), str(row[-1]).lower()] for row in zip(*FILMS.values(), strict=True)),
        ]
        return "\n".join(map(",".join, rows))
    if kind == "jsonl":
        return "\n".join(json.dumps(dict(zip(FILMS, row, strict=True))) for row in zip(*FILMS.values(), strict=True))
    return {"parquet": parquet, "arrow": arrow}[kind](FILMS)


@pytest.fixture(params=["csv", "parquet", "arrow", "jsonl"])
def films(request, put):
    return put(f"films.{request.param}", films_as(request.param))


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        (None, ["year", "action", "comedy", "seen"]),
        ("comedy", ["comedy"]),
        ("comedy,year", ["comedy", "year"]),
        (" comedy , year ", ["comedy", "year"]),
        ("year:comedy", ["year", "action", "comedy"]),
        ("action:", ["action", "comedy", "seen"]),
        ("seen,year:action", ["seen", "year", "action"]),
        (["comedy", "year:action"], ["comedy", "year", "action"]),
        (("action:action",), ["action"]),
    ],
)
def test_columns(films, columns, chosen):
    table = read(films, columns=columns, id="title")
    assert (table.columns, table.ids, table.source) == (chosen, ["A", "B"], films)
    np.testing.assert_array_equal(table.vectors, np.array([FILMS[name] for name in chosen], float).T)
    assert read(films, columns=columns).ids is None


def test_the_id_column_is_not_part_of_the_vectors(films):
    table = read(films, id="year")
    assert (table.ids, table.columns) == (["1999", "2001"], ["action", "comedy", "seen"])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("acton", "{} has no column 'acton'; did you mean 'action'? It has title, year, action, comedy, seen"),
        ("xyz", "{} has no column 'xyz'; it has title, year, action, comedy, seen"),
        ("", "{} has no column ''; it has title, year, action, comedy, seen"),
        ("year,", "{} has no column ''; it has title, year, action, comedy, seen"),
        ([], "columns=[] chooses nothing of {}; it has title, year, action, comedy, seen"),
        (
            "year:comdy",
            "{} has no column 'comdy', an end of the range 'year:comdy'; did you mean 'comedy'? "
            "It has title, year, action, comedy, seen",
        ),
        ("comedy:year", "the range 'comedy:year' is backwards: {} has 'year' before 'comedy'"),
        ("year,action,year", "columns='year,action,year' chooses 'year' twice"),
        ("year:comedy,action", "columns='year:comedy,action' chooses 'action' twice"),
    ],
)
def test_columns_that_are_not_there(films, columns, said):
    assert message(films, columns=columns) == said.format(films)


def test_an_id_that_is_not_there(films):
    assert message(films, id="titel") == (
        f"{films} has no id column 'titel'; did you mean 'title'? It has title, year, action, comedy, seen"
    )
    assert read(films, id="titel", strict=False).ids is None


def test_a_chosen_column_that_is_not_numeric(films):
    found = " (row 1: 'A')" if films.endswith("csv") else ""
    assert message(films, columns="year,title") == (
        f"{films}: column 'title' is not numeric but text{found}; numeric columns: year, action, comedy, seen"
    )


def test_names_that_look_like_lists_and_ranges(put):
    path = put("x.parquet", parquet({"a": [1.0], "a,b": [2.0], "c:d": [3.0], "a.b": [4.0]}))
    for name, value in {"a": 1.0, "a,b": 2.0, "c:d": 3.0, "a.b": 4.0}.items():
        table = read(path, columns=name)
        assert (table.columns, table.vectors.tolist()) == ([name], [[value]])
    assert read(path, columns="a,c:d").columns == ["a", "c:d"]


# ---- Parquet and Arrow


@pytest.fixture(params=["parquet", "arrow", "feather", "stream"])
def put_table(request, put):
    """Write columns as a Parquet or Arrow file."""

    def put_table(columns):
        if request.param == "parquet":
            return put("t.parquet", parquet(columns))
        if request.param == "feather":
            table = columns if isinstance(columns, pa.Table) else pa.table(columns)
            pyarrow.feather.write_feather(table, "t.feather", compression="zstd")
            return "t.feather"
        return put("t.arrow", arrow(columns, pa.ipc.new_stream if request.param == "stream" else pa.ipc.new_file))

    return put_table


@pytest.mark.parametrize(
    ("types", "read_as"),
    [
        (["float32", "float32"], "float32"),
        (["float64", "float32"], "float64"),
        (["float16", "float16"], "float16"),
        (["int8", "int8"], "int8"),
        (["uint8", "uint8"], "uint8"),
        (["int8", "uint8"], "float32"),
        (["uint8", "float16"], "float16"),
        (["bool", "bool"], "bool"),
        (["bool", "int8"], "int8"),
        (["bool", "float32"], "float32"),
        (["int16", "float16"], "float32"),
        (["int64", "float32"], "float64"),
        (["int32", "int8"], "float64"),
    ],
)
def test_types_of_columns(put_table, types, read_as):
    columns = {f"c{i}": np.array([0, 1, 1], type_) for i, type_ in enumerate(types)}
    table = read(put_table(columns))
    assert table.vectors.dtype == read_as
    np.testing.assert_array_equal(table.vectors, [[0, 0], [1, 1], [1, 1]])


def test_decimals_dictionaries_and_dates(put_table):
    import datetime
    import decimal

    columns = {
        "day": pa.array([datetime.date(2020, 1, 2)] * 2),
        "price": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-3.50")]),
        "kind": pa.array([7, 8]).dictionary_encode(),
        "name": pa.array(["p", "q"]).dictionary_encode(),
    }
    table = read(path := put_table(columns), id="name")
    assert (table.columns, table.ids) == (["price", "kind"], ["p", "q"])
    assert table.vectors.tolist() == [[1.25, 7], [-3.5, 8]]
    assert read(path, id="day", columns="kind").ids == ["2020-01-02"] * 2
    assert "column 'day' is not numeric but date32[day]" in message(path, columns="day")


@pytest.mark.parametrize(
    "type_", [pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3)], ids=str
)
@pytest.mark.parametrize("chunks", [1, 2])
def test_a_column_of_lists_is_the_vectors(put_table, type_, chunks):
    one = pa.array(POINTS.astype("f4").tolist(), type_)
    column = pa.chunked_array([one] * chunks)
    path = put_table(pa.table({"n": list(range(2 * chunks)), "v": column}))
    table = read(path, id="n")
    assert (table.vectors.dtype, table.columns) == ("float32", ["v"])
    np.testing.assert_array_equal(table.vectors, np.tile(POINTS, (chunks, 1)))
    assert table.ids == [str(i) for i in range(2 * chunks)]
    assert read(path, columns="n").vectors.ravel().tolist() == list(range(2 * chunks))
    assert message(path, columns="n,v") == f"{path}: column 'v' holds vectors of its own; choose it alone"


@pytest.mark.parametrize("element", [pa.bool_(), pa.int8(), pa.uint8(), pa.float16(), pa.float64()], ids=str)
def test_lists_keep_their_type(put_table, element):
    rows = [[0, 1], [1, 1]] if element != pa.bool_() else [[False, True], [True, True]]
    rows = [np.array(row, element.to_pandas_dtype()) for row in rows]
    table = read(put_table({"v": pa.array(rows, pa.list_(element))}))
    assert table.vectors.dtype == element.to_pandas_dtype()
    assert table.vectors.tolist() == [[0, 1], [1, 1]]


def test_lists_in_a_slice_and_a_tensor(put_table):
    rows = pa.array([[float(i), float(i)] for i in range(5)], pa.list_(pa.float64(), 2))
    assert read(put_table(pa.table({"v": rows}).slice(1, 3))).vectors.tolist() == [[1, 1], [2, 2], [3, 3]]
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(POINTS)
    np.testing.assert_array_equal(read(put_table({"v": tensor})).vectors, POINTS)


def test_arrow_lists_stay_mapped(put):
    vectors = read(put("x.arrow", arrow({"v": pa.array(POINTS.tolist(), pa.list_(pa.float64(), 3))}))).vectors
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


@pytest.mark.parametrize("rows", [[[1.0, 2.0], [3.0]], [[1.0, 2.0], []]])
def test_lists_of_different_lengths(put_table, rows):
    path = put_table({"v": rows})
    assert message(path) == (
        f"{path}: column 'v' has vectors of different lengths: 2 numbers in row 1, {len(rows[1])} in row 2"
    )


def test_lists_of_nothing(put_table):
    path = put_table({"v": pa.array([[], []], pa.list_(pa.float32()))})
    assert message(path) == f"{path}: column 'v' has vectors without coordinates"


def test_several_columns_of_lists(put_table):
    path = put_table({"old": [[1.0]], "new": [[2.0]]})
    assert message(path) == f"{path} has 2 columns of vectors: old, new; choose one with columns="
    assert read(path, columns="new").vectors.tolist() == [[2.0]]


REMEDY = "fill them in, leave those rows out or choose other columns"


def test_missing_values(put_table):
    path = put_table({"a": [1.0, 2.0, 3.0], "b": [None, 1.0, None], "v": [[1.0, 2.0], [1.0, None], None]})
    assert message(path, columns="a,b") == f"{path}: column 'b' has missing values in rows 1, 3; {REMEDY}"
    assert message(path, columns="v") == f"{path}: column 'v' has missing values in row 3; {REMEDY}"
    assert message(path, columns="a", id="b") == f"{path}: column 'b' has missing values in rows 1, 3; {REMEDY}"
    assert read(path, columns="a").vectors.shape == (3, 1)


def test_missing_values_inside_lists(put_table):
    path = put_table({"v": [[1.0, 2.0], [1.0, None], [None, None]]})
    assert message(path) == f"{path}: column 'v' has missing values in rows 2, 3; {REMEDY}"


def test_many_missing_values_are_counted(put_table):
    path = put_table({"a": pa.array([None] * 14, pa.float32())})
    assert "missing values in rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4 more; " in message(path)


@pytest.mark.parametrize(
    ("columns", "d"),
    [({"a": pa.array([], pa.float32())}, 1), ({"v": pa.array([], pa.list_(pa.float32(), 5))}, 5)],
)
def test_tables_without_rows(put_table, columns, d):
    table = read(put_table(columns))
    assert (table.vectors.shape, table.vectors.dtype) == ((0, d), "float32")


def test_tables_without_numbers(put_table):
    path = put_table({"name": ["a"], "tags": [["x"]]})
    assert message(path).startswith(f"{path} has no numeric column; it has name (text), tags (list<")


def test_whole_numbers_in_a_column_that_float64_cannot_hold(put_table):
    path = put_table({"key": [1, 2**60]})
    assert message(path).startswith(f"{path}: column 'key' has whole numbers beyond 2^53 in row 2, ")


def test_two_columns_of_one_name(put):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    assert message(put("x.arrow", arrow(table))) == "x.arrow has two columns called 'a'; give each a name of its own"


def test_parquet_of_several_row_groups_and_columns_unread(put):
    columns = {"a": np.arange(10.0), "other": ["x"] * 10, "b": np.arange(10.0)}
    path = put("x.parquet", parquet(columns, row_group_size=3))
    np.testing.assert_array_equal(read(path, columns="b,a").vectors, np.arange(10.0)[:, None].repeat(2, 1))


def test_feather_version_1_says_what_to_do(put):
    path = put("x.feather", b"FEA1" + bytes(20) + b"FEA1")
    assert message(path) == "x.feather is Feather version 1; write it again with pyarrow.feather.write_feather"


# ---- CSV


def test_csv_ids_are_text_to_the_letter(put):
    path = put("x.csv", "key,a\n007,1\nNA,2\n 1e3,3\n,4\n")
    assert read(path, id="key").ids == ["007", "NA", " 1e3", ""]


@pytest.mark.parametrize("cell", ["", "NA", "null", "NaN"])
def test_csv_missing_values(put, cell):
    path = put("x.csv", f"a,b\n1,2\n3,{cell}\n\n4,5\n6,{cell}\n")
    assert message(path) == f"x.csv: column 'b' has missing values in rows 2, 4; {REMEDY}"
    assert read(path, columns="a").vectors.ravel().tolist() == [1, 3, 4, 6]


def test_csv_a_column_of_nothing(put):
    path = put("x.csv", "a,b\n1,\n2,\n")
    assert read(path).columns == ["a"]
    assert message(path, columns="a,b") == f"x.csv: column 'b' has missing values in rows 1, 2; {REMEDY}"


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,-2.5\n",
        "a,b\r\n1,-2.5\r\n",
        "\ufeffa,b\n1,-2.5\n",
        "a;b\n1;-2.5",
        "a\tb\n1\t-2.5\n",
        '"a","b"\n"1","-2.5"\n',
        "\n\na,b\n1,-2.5\n\n",
        " a , b \n 1 , -2.5 \n",
    ],
)
def test_csv_as_people_write_it(put, text):
    table = read(put("x.csv", text))
    assert (table.columns, table.vectors.tolist(), table.vectors.dtype) == (["a", "b"], [[1, -2.5]], "float64")


def test_csv_quoted_cells(put):
    path = put("x.csv", 'title,"a, of\nb",b\n"4 Months, 3 Weeks",1,2\n"two\nlines",3,4\n"a ""q""",5,6\n')
    table = read(path, id="title")
    assert (table.ids, table.columns) == (["4 Months, 3 Weeks", "two\nlines", 'a "q"'], ["a, of\nb", "b"])
    assert table.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("header", ["0,1,2", ",0,1", "2001,2002,2010"])
def test_csv_headers_of_numbers_that_count_up(put, header):
    assert read(put("x.csv", f"{header}\n5,6,7\n")).columns == header.split(",")


@pytest.mark.parametrize("line", ["0.5,1,2", "3,1,2", "1,1,1", "-1,0,1", "1e3,2e3,3e3"])
def test_csv_without_a_header(put, line):
    path = put("x.csv", f"{line}\n{line}\n")
    assert message(path) == (
        f"x.csv has no header: its first line is numbers ({', '.join(line.split(','))}...); "
        "put a line with the columns' names on top"
    )


@pytest.mark.parametrize("text", ["\n", " \n1\n", ",,\n1,2,3\n"])
def test_csv_with_an_empty_header(put, text):
    assert message(put("x.csv", text)) == "x.csv has no header: the first line of a CSV names its columns"


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\n\n\n"])
def test_csv_without_rows(put, text):
    assert message(put("x.csv", text)) == "x.csv has a header and no rows below it"


def test_csv_two_columns_of_one_name(put):
    assert message(put("x.csv", "a,b, a\n1,2,3\n")) == "x.csv has two columns called 'a'; give each a name of its own"


def test_csv_a_row_of_another_length(put):
    said = message(put("x.csv", "a,b\n1,2\n3\n"))
    assert said.startswith("x.csv cannot be read as CSV: ")
    assert "Row #3: Expected 2 columns, got 1: 3" in said


def test_csv_of_another_encoding(put):
    assert (
        message(put("x.csv", "größe,b\n1,2\n".encode("latin-1"))) == "x.csv is not in UTF-8; save it in that encoding"
    )
    assert message(put("y.csv", "a\n1\n".encode("utf-16"))) == "y.csv is text in UTF-16; save it as UTF-8"


def test_csv_one_bad_cell_does_not_drop_a_column(put):
    path = put("x.csv", "name,a,b\nx,1,2\ny,2,\nz,3,4\nv,n/k,5\n")
    assert message(path, columns="a,name") == (
        "x.csv: column 'a' is not numeric but text (row 4: 'n/k'); numeric columns: b"
    )
    assert message(path) == (
        "x.csv: column 'a' is numbers but for row 4: 'n/k'; correct it, or choose columns without it"
    )


@pytest.mark.parametrize("cell", ["1_000", "1,5", "1e", "٣", "--1"])
def test_csv_cells_that_are_almost_numbers(put, cell):
    path = put("x.csv", f'a,b\n1,2\n"{cell}",3\n4,5\n')
    assert message(path) == (
        f"x.csv: column 'a' is numbers but for row 2: {cell!r}; correct it, or choose columns without it"
    )
    assert (
        message(path, columns="a") == f"x.csv: column 'a' is not numeric but text (row 2: {cell!r}); numeric columns: b"
    )


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400", "+1.", ".5", "1E-3"])
def test_csv_cells_that_are_numbers(put, cell):
    assert read(put("x.csv", f"a,b\n1,2\n{cell},3\n4,5\n")).vectors[1, 0] == float(cell)


def test_csv_text_is_left_out(put):
    assert read(put("x.csv", "title,day,a\n1917,2020-01-02,1\nAlien,2020-01-03,2\nHeat,2020-01-04,3\n")).columns == [
        "a"
    ]


def test_csv_of_many_columns(put):
    names, row = [f"c{i}" for i in range(20_000)], ["0.123456789012"] * 20_000
    path = put("x.csv", "\n".join([",".join(names), *[",".join(row)] * 20]))  # a row is wider than a small block
    assert read(path).vectors.shape == (20, 20_000)


# ---- JSON lines


def test_jsonl_arrays(put):
    table = read(put("x.jsonl", "[1, 2.5]\n\n  [3, -4]\n"))
    assert (table.vectors.tolist(), table.vectors.dtype, table.columns, table.ids) == (
        [[1, 2.5], [3, -4]],
        "f8",
        [],
        None,
    )
    assert read(put("b.ndjson", "[true, false]\n")).vectors.dtype == bool
    assert np.isnan(read(put("n.jsonl", "[NaN, 1]\n")).vectors[0, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]\n[1]\n", "x.jsonl has vectors of different lengths: 2 numbers in row 1, 1 in row 2"),
        ("[1, null]\n", "x.jsonl, row 1: found null where a number is wanted"),
        ('[1, 2]\n[1, "a"]\n', "x.jsonl, row 2: found text where a number is wanted"),
        ("[[1, 2], [3, 4]]\n", "x.jsonl, row 1: found an array where a number is wanted"),
        ("[]\n", "x.jsonl has vectors without coordinates"),
        ("\n \n", "x.jsonl holds no lines of JSON"),
        ("1\n", "x.jsonl, row 1: found a number; every row is an array of numbers, or every row is an object"),
        (
            '[1]\n{"a": 1}\n',
            "x.jsonl, row 2: found an object; every row is an array of numbers, or every row is an object",
        ),
    ],
)
def test_jsonl_that_is_no_table(put, text, said):
    assert message(put("x.jsonl", text)) == said


@pytest.mark.parametrize("text", ["[1, 2]\n[1, 2", '{"a": 1}\n{"a"', "[" * 100_000, "[1]\n[" + "9" * 5000 + "]"])
def test_jsonl_damaged(put, text):
    said = message(put("x.jsonl", text))
    assert said.startswith(f"x.jsonl, line {text.count(chr(10)) + 1}, cannot be read as JSON: ")


def test_jsonl_numbers_too_large(put):
    assert message(put("x.jsonl", f"[1{'0' * 400}]")).startswith("x.jsonl cannot be read as JSON lines: ")


def test_jsonl_objects(put):
    path = put("x.jsonl", '{"id": "p", "v": [1, 2.5]}\n{"id": "q", "v": [3, 4], "more": 1}\n')
    table = read(path, id="id")
    assert (table.vectors.tolist(), table.ids, table.columns) == ([[1, 2.5], [3, 4]], ["p", "q"], ["v"])
    assert message(path, columns="more") == f"x.jsonl: column 'more' has missing values in row 1; {REMEDY}"
    mixed = put("m.jsonl", '{"a": 1, "b": 1}\n{"a": "x", "b": 2}\n')
    assert message(mixed).startswith("m.jsonl: column 'a' cannot be read as values of one type: ")
    assert read(mixed, columns="b").vectors.tolist() == [[1], [2]]


# ---- which format


SAMPLES = {
    "npy": npy(POINTS),
    "npz": npz(a=POINTS),
    "parquet": parquet({"v": POINTS.tolist()}),
    "arrow": arrow({"v": POINTS.tolist()}),
    "stream.arrow": arrow({"v": POINTS.tolist()}, pa.ipc.new_stream),
    "csv": "a,b,c\n" + "\n".join(",".join(map(str, row)) for row in POINTS.tolist()),
    "jsonl": "\n".join(map(json.dumps, POINTS.tolist())),
    "objects.jsonl": "\n".join(json.dumps({"v": row}) for row in POINTS.tolist()),
}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", ["data", "data.txt", "data.V2", None])
def test_the_format_is_found_from_the_bytes(put, stdin, kind, name):
    table = read(put(name, SAMPLES[kind]) if name else stdin(SAMPLES[kind]))
    np.testing.assert_array_equal(table.vectors, POINTS)
    assert table.source.startswith(name or "standard input")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read(put):
    os.mkfifo("pipe.csv")
    with subprocess.Popen(["sh", "-c", "printf 'a,b\\n1,2\\n' > pipe.csv"]):
        assert read("pipe.csv").vectors.tolist() == [[1, 2]]


def test_extensions_in_capitals(put):
    np.testing.assert_array_equal(read(put("X.NPY", SAMPLES["npy"])).vectors, POINTS)
    np.testing.assert_array_equal(read(put("X.NPZ", SAMPLES["npz"])).vectors, POINTS)
    np.testing.assert_array_equal(read("X.NPZ:a").vectors, POINTS)


def test_a_file_whose_own_name_has_a_colon(put):
    np.testing.assert_array_equal(read(put("x.npz:a", SAMPLES["npy"])).vectors, POINTS)


def test_a_csv_that_begins_like_another_format(put):
    assert read(put("x.csv", "PAR1,ARROW1\n1,2\n")).columns == ["PAR1", "ARROW1"]
    assert read(put("data", "PAR1,ARROW1\n1,2\n")).columns == ["PAR1", "ARROW1"]


@pytest.mark.parametrize(
    ("name", "kind"), [("x.csv", "parquet"), ("x.npy", "arrow"), ("x.parquet", "npz"), ("x.jsonl", "npy")]
)
def test_an_extension_that_does_not_fit(put, name, kind):
    path = put(name, SAMPLES[kind])
    assert message(path) == (f"{name} is named as {name[2:]} but holds {kind}; give it the extension of its format")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08\x00abc", "x.csv.gz is compressed by gzip; try: gunzip -c FILE | likewise ... -"),
        (b"\x28\xb5\x2f\xfd\x00", "x.csv.gz is compressed by zstd; try: zstd -dc FILE | likewise ... -"),
        (b"\x89HDF\r\n\x1a\n\x00", "x.csv.gz is HDF5; export the array with numpy.save"),
        (b"PARE\x00", "x.csv.gz is encrypted Parquet; decrypt it first"),
    ],
)
def test_formats_that_are_known_and_not_read(put, content, said):
    assert message(put("x.csv.gz", content)) == said


def test_a_format_that_is_not_known(put):
    assert message(put("x", b"\x00\x01\x02")).startswith(
        r"x is of no known format: it begins with b'\x00\x01\x02'; read are .npy, .npz, "
    )


# ---- no file to read


def test_no_such_file(put):
    put("films.csv", "a\n1\n")
    assert message("film.csv") == "there is no file 'film.csv'; did you mean 'films.csv'?"
    assert message("nothing.npy") == "there is no file 'nothing.npy'"
    assert message("no/where.npy") == "there is no file 'no/where.npy'"
    assert message("a\0b") == "'a\\x00b' cannot be opened: embedded null byte"
    Path("folder").mkdir()
    assert message("folder") == "folder is a folder; name a file in it"
    assert message("x" * 5000).endswith(" cannot be opened: File name too long")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(put):
    os.chmod(put("x.csv", "a\n1\n"), 0)
    assert message("x.csv") == "x.csv cannot be opened: Permission denied"


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet", "x.arrow", "x.csv", "x.fvecs", "x.jsonl", "x", "-"])
def test_an_empty_file(put, stdin, name):
    path = put(name, b"") if name != "-" else stdin(b"")
    called = "standard input" if name == "-" else name
    assert message(path) == f"{called} is empty: there are no vectors in it"


def test_without_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert message("-") == "there is no standard input to read; name a file in place of -"


# ---- damage

DAMAGED = {
    "x.npy": npy(POINTS),
    "x.npz": npz(a=POINTS),
    "x.fvecs": vecs(POINTS, "<f4"),
    "x.bvecs": vecs([[1, 2, 3], [4, 5, 6]], "u1"),
    "x.ivecs": vecs([[1, 2, 3], [4, 5, 6]], "<i4"),
    "columns.parquet": parquet(FILMS),
    "lists.parquet": parquet({"id": ["p", "q"], "v": POINTS.tolist()}, compression="zstd"),
    "columns.arrow": arrow(FILMS),
    "lists.arrow": arrow({"id": ["p", "q"], "v": POINTS.tolist()}),
    "stream.arrow": arrow({"v": pa.array(POINTS.tolist(), pa.list_(pa.float64(), 3))}, pa.ipc.new_stream),
    "x.csv": films_as("csv").encode(),
    "arrays.jsonl": SAMPLES["jsonl"].encode(),
    "objects.jsonl": films_as("jsonl").encode(),
    "unnamed": b"",
}
COUNTS = st.sampled_from([b"\xff" * 8, b"\xff\xff\xff\x7f", b"\x00" * 8, b"\x80" + bytes(7), struct.pack("<q", 10**15)])


@st.composite
def damage(draw, content):
    """The content cut short, overwritten in places, with something pushed in; or anything at all."""
    how = draw(st.sampled_from(["cut", "overwrite", "insert", "anything"])) if content else "anything"
    if how == "anything":
        start = draw(
            st.sampled_from([b"", content[:8], b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1", b"ARROW1\x00\x00"])
        )
        return start + draw(st.binary(max_size=200))
    at = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        return content[:at]
    piece = draw(st.one_of(st.binary(min_size=1, max_size=8), COUNTS))
    return content[:at] + piece + content[at + len(piece) * (how == "overwrite") :]


@pytest.mark.parametrize("name", DAMAGED)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_end_in_an_error_of_ours(name, data, tmp_path):
    path = tmp_path / name
    path.unlink(missing_ok=True)  # a new file: the old one may still be mapped, and must not shrink under it
    path.write_bytes(data.draw(damage(DAMAGED[name])))
    for options in ({}, {"id": "id", "columns": "v", "strict": False}):
        table, said = None, ""
        try:
            table = read(path, **options)
        except LikewiseError as error:
            said = str(error)
        if table is None:
            assert str(path) in said or "columns=" in said
        else:
            assert isinstance(table, Table)
            assert table.vectors.ndim == 2
            assert table.vectors.dtype in (bool, "i1", "u1", "f2", "f4", "f8")
            assert len(np.asarray(table.vectors).tobytes()) == table.vectors.nbytes  # every byte can be read
            assert table.ids is None or len(table.ids) == len(table.vectors)


@pytest.mark.parametrize("name", [name for name in DAMAGED if name not in ("unnamed", "x.csv")])
def test_files_cut_anywhere(put, name):
    """But for text, a file without its end is never taken for a whole one."""
    content = DAMAGED[name]
    rows = {16, 7, len(content) // 2} if name.endswith("vecs") else set()
    for length in range(1, len(content)):
        if length in rows or (name.endswith("jsonl") and content[:length].rstrip().endswith((b"]", b"}"))):
            continue  # a whole number of rows
        path = put(f"{length}-{name}", content[:length])
        with pytest.raises(InputError):
            read(path)
        os.unlink(path)


# ---- writing


COLUMNS = {"name": ["a", 'é, "q"', "c\nd"], "rank": np.array([1, 2, 3]), "value": np.array([0.1, -2.5e-300, 1e300])}


@pytest.mark.parametrize("extension", ["parquet", "pq", "arrow", "feather", "csv", "jsonl"])
def test_what_is_written_is_read(put, extension):
    write(f"x.{extension}", COLUMNS)
    table = read(f"x.{extension}", id="name")
    assert (table.ids, table.columns) == (COLUMNS["name"], ["rank", "value"])
    np.testing.assert_array_equal(table.vectors, np.stack([COLUMNS["rank"], COLUMNS["value"]], axis=1))
    assert os.listdir() == [f"x.{extension}"]


@pytest.mark.parametrize("extension", ["parquet", "arrow", "jsonl"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8"])
def test_matrices_are_columns_of_lists(put, extension, dtype):
    matrix = np.arange(6).reshape(2, 3).astype(dtype)
    write(f"x.{extension}", {"v": matrix.T.copy().T, "name": ["p", "q"]})
    table = read(f"x.{extension}", id="name")
    assert (table.columns, table.ids) == (["v"], ["p", "q"])
    assert table.vectors.dtype == (dtype if extension != "jsonl" else "float64")
    np.testing.assert_array_equal(table.vectors, matrix)


def test_npz_and_npy(put):
    write("x.npz", COLUMNS | {"file": POINTS.T})
    with np.load("x.npz", allow_pickle=False) as loaded:
        assert loaded["name"].tolist() == COLUMNS["name"]
        np.testing.assert_array_equal(loaded["file"], POINTS.T)
        assert loaded["rank"].dtype == np.int64
    write("x.npy", {"values": POINTS})
    np.testing.assert_array_equal(np.load("x.npy"), POINTS)


@pytest.mark.parametrize("extension", ["parquet", "arrow", "csv", "jsonl", "npz"])
def test_batches(put, extension):
    write(f"x.{extension}", ({"a": np.array([i, i + 0.5]), "s": [str(i)] * 2} for i in range(3)))
    if extension == "npz":
        with np.load("x.npz") as loaded:
            assert (loaded["a"].tolist(), loaded["s"].tolist()) == ([0, 0.5, 1, 1.5, 2, 2.5], list("001122"))
    else:
        table = read(f"x.{extension}", columns="a", id="s")
        assert (table.vectors.ravel().tolist(), table.ids) == ([0, 0.5, 1, 1.5, 2, 2.5], list("001122"))


@pytest.mark.parametrize("extension", ["parquet", "arrow", "csv", "jsonl"])
def test_batches_are_written_as_they_come(put, extension):
    alive = []

    class Column(list):
        def __init__(self, values):
            super().__init__(values)
            alive.append(1)

        def __del__(self):
            alive.pop()

    def batches():
        for i in range(20):
            assert len(alive) <= 3
            yield {"a": Column([float(i)] * 10)}

    write(f"x.{extension}", batches())
    assert len(read(f"x.{extension}").vectors) == 200


@pytest.mark.parametrize("extension", ["parquet", "arrow", "csv", "jsonl", "npz"])
def test_columns_without_rows(put, extension):
    write(f"x.{extension}", {"name": np.array([], str), "value": np.array([])})
    if extension in ("parquet", "arrow"):
        assert read(f"x.{extension}", id="name").vectors.shape == (0, 1)
    else:
        assert Path(f"x.{extension}").exists()


def test_json_has_no_nan(put):
    write("x.jsonl", {"a": np.array([np.nan, np.inf, -np.inf, 1.0]), "v": np.array([[np.nan, 1]] * 4)})
    lines = [json.loads(line, parse_constant=pytest.fail) for line in Path("x.jsonl").read_text().splitlines()]
    assert [line["a"] for line in lines] == [None, None, None, 1.0]
    assert lines[0]["v"] == [None, 1.0]


def test_csv_is_what_the_csv_module_reads(put):
    write("x.csv", COLUMNS)
    with open("x.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "rank", "value"]
    assert [(n, int(r), float(v)) for n, r, v in rows[1:]] == list(
        zip(*(list(c) for c in COLUMNS.values()), strict=True)
    )


def refused(path, columns):
    with pytest.raises(InputError) as caught:
        write(path, columns)
    return str(caught.value)


def test_what_cannot_be_written(put):
    put("file", "")
    assert refused("x.xlsx", COLUMNS).startswith("x.xlsx cannot be written: its extension is not one of .parquet, ")
    assert refused("no/x.csv", COLUMNS) == "no/x.csv cannot be written: there is no folder 'no'"
    assert refused("file/x.csv", COLUMNS) == "file/x.csv cannot be written: there is no folder 'file'"
    assert refused("x.npy", COLUMNS) == (
        "x.npy cannot be written: .npy holds one array, these are name, rank, value; write .npz"
    )
    assert refused("x.csv", {"a": [1], "b": [1, 2]}) == "columns differ in length: a 1, b 2"
    assert refused("x.csv", {}) == "there is nothing to write into x.csv"
    assert refused("x.csv", []) == "there is nothing to write into x.csv"
    assert refused("x.csv", [{"a": [1]}, {"b": [1]}]) == "batches differ in columns: a; then b"
    assert refused("x.csv", {"v": POINTS}) == "CSV has one value a cell, and column 'v' holds lists; try .parquet"
    assert refused("x.npz", {"a": [1, None]}) == "column 'a' mixes values that NumPy cannot hold in one array"
    assert refused("x.npz", {"a": [[1], [1, 2]]}).startswith("column 'a' is no array: ")
    assert refused("x.parquet", {"a": [1, "x"]}).startswith("column 'a' cannot be written: ")
    assert refused("x.parquet", [{"a": [1]}, {"a": ["x"]}]).startswith("a later batch is of other types: ")
    Path("x.csv").mkdir()
    assert refused("x.csv", COLUMNS) == "x.csv cannot be written: it is a folder"
    assert sorted(os.listdir()) == ["file", "x.csv"]


@pytest.mark.parametrize("extension", ["parquet", "arrow", "csv", "jsonl", "npz"])
def test_a_failure_leaves_the_old_file_whole(put, extension):
    def batches():
        yield {"a": [1.0]}
        raise KeyboardInterrupt

    path = put(f"x.{extension}", "old")
    with pytest.raises(KeyboardInterrupt):
        write(path, batches())
    assert Path(path).read_text() == "old"
    assert os.listdir() == [path]


def test_a_file_may_be_written_onto_the_one_that_is_read(put):
    table = read(put("x.npy", npy(POINTS)))
    write("x.npy", {"a": table.vectors})
    np.testing.assert_array_equal(read("x.npy").vectors, POINTS)


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_links_and_modes(put):
    Path("folder").mkdir()
    os.symlink("folder/real.csv", "link.csv")
    write("link.csv", {"a": [1]})
    assert os.path.islink("link.csv")
    assert Path("folder/real.csv").read_text() == "a\n1\n"
    old = os.umask(0o027)
    try:
        write("x.csv", {"a": [1]})
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat("x.csv").st_mode) == 0o640


def test_what_can_be_written_is_known_before(put):
    check_writable("x.npz", ["a", "b"])
    check_writable("x.npy", ["a"])
    with pytest.raises(InputError, match="holds one array"):
        check_writable("x.npy", ["a", "b"])
    assert os.listdir() == []


# ---- what is installed


def test_without_pyarrow(tmp_path):
    code = """
import sys
sys.modules["pyarrow"] = None
from likewise.errors import LikewiseError, MissingExtraError
from likewise.files import read, write
open("x.csv", "w").write("a\\n1\\n"); open("x.jsonl", "w").write("[1, 2]\\n")
assert read("x.jsonl").vectors.tolist() == [[1, 2]]
write("x.npy", {"a": read("x.jsonl").vectors}); write("y.csv", {"a": [1]})
assert read("x.npy").vectors.tolist() == [[1, 2]]
for call in (lambda: read("x.csv"), lambda: write("x.parquet", {"a": [1]})):
    try:
        call()
    except MissingExtraError as error:
        print(error)
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.stdout.splitlines(), done.stderr) == (
        [
            "reading CSV needs pyarrow; install it with: pip install 'likewise[cli]'",
            "writing .parquet needs pyarrow; install it with: pip install 'likewise[cli]'",
        ],
        "",
    )


@pytest.mark.parametrize("mapped", [True, False])
def test_pyarrow_threads_hold_no_python_object(tmp_path, mapped):
    """They may outlive the interpreter, and cannot let go of one then: the process would be aborted."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    source = open_source(path) if mapped else Source("a.csv", b"a,b\n1,2\n")
    before = sys.getrefcount(source.data)
    reader = arrow_bytes(source)
    held = sys.getrefcount(source.data) - before  # outside the assertion, which holds one itself
    assert held == 0
    assert reader.read() == b"a,b\n1,2\n"


@pytest.mark.parametrize("kind", ["csv", "parquet", "lists", "whole", "objects", "arrays"])
def test_missing_numbers_are_nan_where_gaps_are_allowed(tmp_path, kind):
    rows = [[1.0, 2.0], [None, 4.0], [5.0, 6.0]]
    columns = {"a": [row[0] for row in rows], "b": [2, 4, 6]}
    path = tmp_path / {"csv": "x.csv", "objects": "x.jsonl", "arrays": "x.jsonl"}.get(kind, "x.parquet")
    if kind == "csv":
        path.write_text("a,b\n1,2\n,4\n5,6\n")
    elif kind == "parquet":
        pq.write_table(pa.table(columns), path)
    elif kind == "lists":
        pq.write_table(pa.table({"v": rows}), path)
    elif kind == "whole":
        pq.write_table(pa.table({"v": pa.array([[1, 2], None, [5, 6]])}), path)
    elif kind == "objects":
        path.write_text("\n".join(json.dumps({"a": a, "b": b}) for a, b in rows))
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(InputError):
        read(path)
    wanted = np.array([[1.0, 2.0], [np.nan, 4.0], [5.0, 6.0]])
    if kind == "whole":
        wanted[1] = np.nan
    np.testing.assert_array_equal(read(path, gaps=True).vectors, wanted)
