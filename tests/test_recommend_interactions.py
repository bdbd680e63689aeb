"""Who took what: from tables, arrays and sparse matrices; ids come back as they were given."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from likewise.errors import InputError, ShapeError
from likewise.recommend import Interactions
from likewise.recommend.ids import Ids
from likewise.recommend.interactions import as_seconds

COLUMNS = {"userId": [7, 3, 7], "movieId": ["b", "a", "a"], "rating": [4, 2.5, 1], "timestamp": [30, 10, 20]}


def test_columns_are_told_by_their_usual_names():
    taken = Interactions.read(COLUMNS)
    assert taken.users.tolist() == [3, 7]
    assert taken.users.dtype == np.int64
    assert taken.items.tolist() == ["a", "b"]
    assert taken.user_of.tolist() == [1, 0, 1]
    assert taken.item_of.tolist() == [1, 0, 0]
    assert taken.values.tolist() == [4, 2.5, 1]
    assert taken.times.tolist() == [30, 10, 20]
    np.testing.assert_array_equal(taken.matrix.toarray(), [[2.5, 0], [1, 4]])


def test_columns_by_name_and_missing_ones():
    table = {"who": [1], "what": [2]}
    with pytest.raises(InputError, match="none of the columns 'who', 'what' is called as users usually are; name it"):
        Interactions.read(table)
    with pytest.raises(InputError, match="no column 'whom'; did you mean 'who'"):
        Interactions.read(table, user="whom", item="what")
    taken = Interactions.read(table, user="who", item="what")
    assert taken.values.tolist() == [1.0]
    assert taken.times is None


def test_files_and_frames_read_alike(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user_id,item_id,rating,timestamp\nann,x1,4,2024-05-17T00:00:00\nbob,x2,3,2024-05-18T00:00:00\n")
    taken = Interactions.read(path)
    assert taken.users.tolist() == ["ann", "bob"]
    assert np.diff(taken.times).tolist() == [86400.0]
    import pandas

    again = Interactions.read(pandas.read_csv(path, parse_dates=["timestamp"]))
    np.testing.assert_array_equal(again.times, taken.times)
    assert again.items.tolist() == taken.items.tolist()


@pytest.mark.parametrize("bad", [None, float("nan"), ""])
def test_rows_without_an_id_are_named_or_skipped(bad):
    table = {"user": ["a", bad, "c"], "item": [1, 2, 3]}
    with pytest.raises(InputError, match="the table: row 2 without a user or an item"):
        Interactions.read(table)
    assert Interactions.read(table, on_bad="skip").users.tolist() == ["a", "c"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers(bad):
    with pytest.raises(InputError, match="interactions: row 2 "):
        Interactions.read(([1, 2, 3], [1, 2, 3], [1.0, bad, 2.0]))
    assert len(Interactions.read(([1, 2, 3], [1, 2, 3], [1.0, bad, 2.0]), on_bad="skip")) == 2
    with pytest.raises(InputError, match="row 2 "):
        Interactions.read({"user": [1, 2], "item": [1, 2], "rating": [1.0, bad]})
    with pytest.raises(InputError, match="values have to be numbers"):
        Interactions.read(([1], [1], ["good"]))


def test_what_is_refused():
    with pytest.raises(ShapeError, match="found 2 users, 1 items"):
        Interactions.read(([1, 2], [1]))
    with pytest.raises(InputError, match="user ids are of more than one type"):
        Interactions.read(([1, "a"], [1, 2]))
    with pytest.raises(InputError, match="whole numbers or text"):
        Interactions.read(([1.5, 2], [1, 2]))
    with pytest.raises(InputError, match="tuple of 5"):
        Interactions.read(([1],) * 5)
    with pytest.raises(InputError, match="on_bad='ignore'"):
        Interactions.read(([1], [1]), on_bad="ignore")
    with pytest.raises(InputError, match="duplicates='first'"):
        Interactions.read(([1], [1]), duplicates="first")


@pytest.mark.parametrize(("duplicates", "value"), [("last", 3.0), ("sum", 9.0), ("max", 5.0)])
def test_duplicates(duplicates, value):
    taken = Interactions.read(([1, 1, 1, 2], ["a"] * 4, [1, 3, 5, 7], [0, 2, 1, 0]), duplicates=duplicates)
    assert len(taken) == 4
    assert taken.matrix.toarray().tolist() == [[value], [7.0]]
    assert taken.histories().times.tolist() == [2.0, 0.0]


def test_last_without_times_is_the_last_row():
    assert Interactions.read(([1, 1], ["a", "a"], [5, 2])).matrix.toarray().tolist() == [[2.0]]


def test_sparse_matrices_name_by_number():
    matrix = sp.random_array((6, 9), density=0.3, rng=np.random.default_rng(0), format="csc")
    taken = Interactions.read(matrix)
    assert taken.users.tolist() == list(range(6))
    assert taken.items.tolist() == list(range(9))
    np.testing.assert_array_equal(taken.matrix.toarray(), matrix.toarray())


def test_duplicates_of_a_sparse_matrix_are_summed_and_stored_zeros_are_interactions():
    taken = Interactions.read(sp.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0]))))
    assert len(taken) == 2
    assert taken.matrix.toarray().tolist() == [[0.0, 3.0], [0.0, 0.0]]
    assert taken.histories().counts.tolist() == [1, 1]
    with pytest.raises(ShapeError, match="sparse array of shape"):
        Interactions.read(sp.coo_array(np.ones(3)))


def test_a_subset_keeps_the_vocabularies():
    taken = Interactions.read(COLUMNS)
    some = taken.take(taken.user_of == 0)
    assert len(some) == 1
    assert some.users.tolist() == [3, 7]
    assert some.histories().counts.tolist() == [1, 0]
    assert some.with_items(["a", "c"]).matrix.shape == (2, 2)
    with pytest.raises(InputError, match="item 'b' is not known"):
        taken.with_items(["a", "c"])


def test_histories_are_taken_and_cut():
    rng = np.random.default_rng(0)
    taken = Interactions.read((rng.integers(0, 20, 300), rng.integers(0, 30, 300), rng.random(300), rng.random(300)))
    whole, matrix = taken.histories(), taken.matrix.toarray()
    rows = np.array([3, 3, 17, 0])
    np.testing.assert_array_equal(whole.take(rows).matrix(30).toarray(), matrix[rows])
    np.testing.assert_array_equal(whole.slice(5, 9).matrix(30).toarray(), matrix[5:9])
    assert whole.take(rows).users.tolist() == rows.tolist()
    assert np.all(np.diff(whole.items)[np.diff(np.repeat(np.arange(20), whole.counts)) == 0] > 0)


def test_ids_are_found_and_the_nearest_offered():
    films = Ids(["Heat", "Alien", "Heat"], "item")
    assert films.values.tolist() == ["Alien", "Heat"]
    assert films.find(["Heat", "heat"]).tolist() == [1, -1]
    with pytest.raises(InputError, match=r"item 'Heet' is not known; did you mean 'Heat'\?"):
        films.numbers(["Heet"])
    with pytest.raises(InputError, match="item 3 is a number; items here are text: 'Alien'"):
        films.numbers([3])
    numbers = Ids([10, 20, 30], "user")
    assert numbers.numbers(np.array([30, 10], np.uint8)).tolist() == [2, 0]
    with pytest.raises(InputError, match=r"user 19 \(and 1 more\) is not known; did you mean 20\?"):
        numbers.numbers([10, 19, 99])
    with pytest.raises(InputError, match="user '10' is text; users here are numbers: 10"):
        numbers.numbers(["10"])
    with pytest.raises(InputError, match="there are no users"):
        Ids([], "user").numbers([1])


NOON = 1_715_947_200.0  # 2024-05-17T12:00:00 in UTC
ZONE = datetime.timezone(datetime.timedelta(hours=-4))


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([1_700_000_000, None, 3], [1_700_000_000, np.nan, 3]),  # whole numbers with gaps are an object array
        (["1700000000", "", "2.5"], [1_700_000_000, np.nan, 2.5]),  # no year
        (["2024-05-17T12:00:00", None, "2024-05-17"], [NOON, np.nan, NOON - 43_200]),
        (["2024-05-17T12:00:00Z", "2024-05-17 14:00+02:00", "2024-05-17T08:00:00.000-0400"], [NOON] * 3),
        (
            [datetime.datetime(2024, 5, 17, 8, tzinfo=ZONE), datetime.datetime(2024, 5, 17, 12), None],
            [NOON] * 2 + [np.nan],
        ),
        ([datetime.date(2024, 5, 17), pd.Timestamp("2024-05-17T12:00Z"), pd.NaT], [NOON - 43_200, NOON, np.nan]),
        (np.array(["2024-05-17T12", "NaT"], "datetime64[h]"), [NOON, np.nan]),
    ],
)
def test_times_are_seconds_whatever_they_are_written_in(times, seconds):
    np.testing.assert_array_equal(as_seconds(times, "times"), seconds)
    good = ~np.isnan(seconds)
    table = {"user": ["ann"] * len(times), "item": [str(n) for n in range(len(times))], "time": times}
    np.testing.assert_array_equal(Interactions.read(table, on_bad="skip").times, np.array(seconds)[good])


@pytest.mark.parametrize("times", [["yesterday", "2024-05-17"], [object(), None], ["12", "2024-05-17T25:00"]])
def test_what_is_no_time(times):
    with pytest.raises(InputError, match=r"times: .*; times are numbers, or dates as in 2024-05-17T12:30:00"):
        as_seconds(times, "times")
