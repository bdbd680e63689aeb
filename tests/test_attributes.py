"""Tables of attributes as vectors with named coordinates."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from likewise.errors import BadRowsError, InputError
from likewise.recommend.attributes import Attributes

FILMS = {
    "id": [7, 3, 5, 9, 8],
    "title": ["Heat (1995)", "Alien (1979)", "Ran (1985)", "Untitled", "Unnamed"],
    "genres": ["crime|drama|action", "horror", "drama", "(no genres listed)", None],
    "colour": ["yes", "yes", "no", None, "yes"],
    "minutes": [170.0, 117.0, np.nan, 117.0, np.nan],
}


def test_each_kind_of_column_makes_its_block():
    items = Attributes.read(FILMS)
    assert items.names == [
        "genres=drama", "genres=action", "genres=crime", "genres=horror", "colour=yes", "colour=no", "minutes",
    ]  # fmt: skip
    assert [(b.name, b.kind, b.start, b.stop) for b in items.blocks] == [
        ("genres", "lists", 0, 4),
        ("colour", "categories", 4, 6),
        ("minutes", "numbers", 6, 7),
    ]
    third = 1 / np.sqrt(3)
    z = (170 - 404 / 3) / np.std([170, 117, 117])
    expected = [
        [third, third, third, 0, 1, 0, z],
        [0, 0, 0, 1, 1, 0, -z / 2],
        [1, 0, 0, 0, 0, 1, 0],  # missing minutes: the mean
        [0, 0, 0, 0, 0, 0, -z / 2],  # no genres, no colour
        [0, 0, 0, 0, 1, 0, 0],
    ]
    np.testing.assert_allclose(items.vectors, expected, atol=1e-6)
    assert items.vectors.dtype == np.float32
    assert items.ids.tolist() == [7, 3, 5, 9, 8]
    assert items.ids.dtype == np.int64
    assert items.titles.tolist() == FILMS["title"]


def test_many_genres_do_not_outweigh_one():
    items = Attributes.read(FILMS, lists=["genres"])
    np.testing.assert_allclose((items.vectors**2).sum(axis=1), [1, 1, 1, 0, 0], atol=1e-6)


def test_years_are_taken_only_if_asked_for():
    assert not any("year" in name for name in Attributes.read(FILMS).names)
    items = Attributes.read(FILMS, lists=[], years=True)
    assert items.names == ["year"]
    known = np.array([1995, 1979, 1985])
    np.testing.assert_allclose(items.vectors[:3, 0], (known - known.mean()) / known.std(), atol=1e-6)
    assert items.vectors[3:, 0].tolist() == [0, 0]
    assert items.titles.tolist() == FILMS["title"]
    with pytest.raises(InputError, match="there is no title column"):
        Attributes.read({"id": [1]}, years=True)


@pytest.mark.parametrize("title", ["Friends (1994-2004)", "Friends (1994– )", "Friends (1994) "])
def test_years_of_series(title):
    items = Attributes.read({"id": [1, 2], "title": [title, "M (1931)"]}, years=True)
    assert items.vectors[:, 0].tolist() == [1, -1]


def test_text_is_weighed_by_tf_idf():
    table = {"id": ["a", "b"], "about": ["the cat, the Cat", "the dog"]}
    items = Attributes.read(table, text=["about"])
    assert items.names == ["about=the", "about=cat", "about=dog"]  # most items first, then by the alphabet
    rare = np.log(3 / 2) + 1  # of two documents one has it
    row = np.array([2 * 1.0, 2 * rare, 0])
    np.testing.assert_allclose(items.vectors[0], row / np.linalg.norm(row), rtol=1e-6)


def test_text_agrees_with_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    rng = np.random.default_rng(0)
    about = [" ".join(rng.choice(list("abcdefgh"), 12)) for _ in range(30)]
    items = Attributes.read({"id": np.arange(30), "about": about}, text=["about"])
    theirs = TfidfVectorizer(token_pattern=r"\w+")
    matrix = theirs.fit_transform(about).toarray()
    columns = [theirs.vocabulary_[name.removeprefix("about=")] for name in items.names]
    np.testing.assert_allclose(items.vectors, matrix[:, columns], atol=1e-6)


def test_words_are_those_of_every_search():
    items = Attributes.read({"id": [1], "about": ["L'été — naïve_CAFÉ ﬁlm 2"]}, text=["about"])
    assert sorted(name.removeprefix("about=") for name in items.names) == ["2", "film", "l", "naïve_café", "été"]


def test_tags_come_from_a_table_of_their_own():
    tags = {"userId": [1, 1, 2, 2, 2], "id": [3, 7, 7, 7, 99], "tag": ["Space", "slow  burn", "Slow burn", "", "x"]}
    items = Attributes.read(FILMS, lists=[], tags=tags)
    assert items.names == ["tags=slow burn", "tags=space"]
    assert items.vectors.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]


def test_tags_of_items_with_text_for_ids():
    items = Attributes.read({"item": ["07", "7"]}, tags={"item": ["7", "07", "07"], "tag": ["a", "b", "b"]})
    assert items.names == ["tags=a", "tags=b"]
    assert items.vectors.tolist() == [[0, 1], [1, 0]]


def test_words_beyond_the_most_common_are_left_out():
    table = {"id": np.arange(6), "about": ["a b", "a b", "a c", "d", "e", ""]}
    items = Attributes.read(table, text=["about"], max_words=2)
    assert items.names == ["about=a", "about=b"]
    assert items.vectors[3:].any() == False  # noqa: E712
    with pytest.raises(InputError, match="max_words=0"):
        Attributes.read(table, text=["about"], max_words=0)


def test_weights():
    plain = Attributes.read(FILMS)
    heavy = Attributes.read(FILMS, weights={"genres": 2, "minutes": 0})
    assert heavy.names == plain.names[:-1]
    np.testing.assert_allclose(heavy.vectors[:, :4], 2 * plain.vectors[:, :4])
    np.testing.assert_array_equal(heavy.vectors[:, 4:], plain.vectors[:, 4:6])
    with pytest.raises(InputError, match="weights= names 'genre', which makes no block; there are genres, colour"):
        Attributes.read(FILMS, weights={"genre": 2})
    with pytest.raises(InputError, match="a number of at least 0"):
        Attributes.read(FILMS, weights={"genres": -1})


def test_any_kind_of_table_gives_the_same(tmp_path):
    table = {"item": ["x", "y"], "genres": [["a", "b"], ["b"]], "price": [1.5, 2.5]}
    plain = Attributes.read(table)
    frames = [pd.DataFrame(table), pl.DataFrame(table), [dict(zip(table, row)) for row in zip(*table.values())]]  # noqa: B905
    path = tmp_path / "items.parquet"
    pl.DataFrame(table).write_parquet(path)
    for source in (*frames, path):
        other = Attributes.read(source)
        assert other.names == plain.names
        assert other.ids.tolist() == ["x", "y"]
        np.testing.assert_array_equal(other.vectors, plain.vectors)


def test_other_encodings(tmp_path):
    path = tmp_path / "items.csv"
    path.write_bytes("id,title,genres\n1,Amélie,comédie|drame\n2,Ran,drame\n".encode("cp1252"))
    with pytest.raises(InputError, match="not UTF-8"):
        Attributes.read(path)
    items = Attributes.read(path, encoding="cp1252")
    assert items.titles.tolist() == ["Amélie", "Ran"]
    assert items.names == ["genres=drame", "genres=comédie"]


def test_numbers_of_any_scale():
    items = Attributes.read({"id": [1, 2, 3], "a": [1e300, -1e300, 0], "b": [5.1, 5.1, 5.1], "c": [None] * 3})
    root = np.sqrt(1.5)
    np.testing.assert_allclose(items.vectors, [[root, 0], [-root, 0], [0, 0]], rtol=1e-6)


def test_numbers_as_text():
    items = Attributes.read({"id": [1, 2], "a": ["1", "3"]}, numbers=["a"])
    assert items.vectors[:, 0].tolist() == [-1, 1]
    with pytest.raises(InputError, match=r"'a' is asked for as numbers, and row 2 has 'three'"):
        Attributes.read({"id": [1, 2], "a": ["1", "three"]}, numbers=["a"])


def test_times_are_numbers_if_asked_for():
    days = np.array(["2020-01-01", "2020-01-03", "NaT"], "datetime64[D]")
    table = {"id": [1, 2, 3], "out": days}
    assert Attributes.read(table).names == []
    items = Attributes.read(table, numbers=["out"])
    assert items.vectors[:, 0].tolist() == [-1, 1, 0]


def test_truth_values_are_numbers():
    items = Attributes.read({"id": [1, 2], "new": [True, False]})
    assert items.vectors[:, 0].tolist() == [1, -1]


def test_one_item_and_none():
    one = Attributes.read({"id": [1], "genres": ["a|b"], "minutes": [3]})
    assert one.names == ["genres=a", "genres=b", "minutes"]
    assert one.vectors[0, 2] == 0
    none = Attributes.read({"id": np.empty(0, np.int64), "minutes": np.empty(0)})
    assert none.vectors.shape == (0, 1)
    assert len(none) == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": [1, 2, 1]}, "the id 1 is there twice, in rows 1 and 3"),
        ({"id": ["a", None]}, "1 rows have no usable id in the column 'id', the first 2"),
        ({"id": [1.0, np.nan]}, "1 rows have no usable id in the column 'id', the first 2"),
        ({"id": [1.0, 2.5]}, "1 rows have no usable id in the column 'id', the first 2"),
        ({"film": [1]}, "has no column that is known to hold the item ids; say which with id=: it has film"),
    ],
)
def test_ids_that_cannot_be(table, message):
    with pytest.raises(InputError, match=message):
        Attributes.read(table)


def test_columns_that_are_not_there():
    with pytest.raises(InputError, match="no column 'genre'; did you mean 'genres'"):
        Attributes.read(FILMS, lists=["genre"])
    with pytest.raises(InputError, match="no column 'nr'"):
        Attributes.read(FILMS, id="nr")
    with pytest.raises(InputError, match="asked for as categories and as lists"):
        Attributes.read(FILMS, lists=["genres"], categories=["genres"])
    with pytest.raises(InputError, match=r"as in text=\['title'\]"):
        Attributes.read(FILMS, text="title")


def test_vectors_that_are_there_already():
    vectors = np.arange(6).reshape(3, 2)
    items = Attributes.of(["a", "b", "c"], vectors, titles=["A", "B", "C"])
    assert items.vectors.dtype == np.float32
    assert items.title_of("b") == "B"
    assert items.title_of("z") == "z"
    assert items.rows_of(["c", "q"]).tolist() == [2, -1]
    with pytest.raises(InputError, match="the id 'a' is there twice"):
        Attributes.of(["a", "b", "a"], vectors)
    with pytest.raises(InputError, match="2 ids, 2 names and vectors of shape"):
        Attributes.of(["a", "b"], vectors)
    with pytest.raises(InputError, match=r"a table \(n, d\)"):
        Attributes.of([1], [1.0])
    with pytest.raises(InputError, match="2 titles and 3 vectors"):
        Attributes.of([1, 2, 3], vectors, titles=["A", "B"])
    with pytest.raises(InputError, match="more than one type"):
        Attributes.of([1.5, "b", "c"], vectors)
    with pytest.raises(BadRowsError) as error:
        Attributes.of([1, 2, 3], [[0.0], [np.nan], [np.inf]])
    assert error.value.rows == [1, 2]


def test_whole_numbers_with_some_missing_are_numbers():
    items = Attributes.read({"id": [1, 2, 3, 4], "year": [1990, None, 2000, 2010]})
    assert [(block.name, block.kind) for block in items.blocks] == [("year", "numbers")]
    np.testing.assert_allclose(items.vectors[:, 0], [-np.sqrt(1.5), 0, 0, np.sqrt(1.5)], rtol=1e-6)
