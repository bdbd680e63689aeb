"""``likewise recommend``: for users and for titles, with reasons; names as people write them; how it fails."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from likewise.cli import app
from likewise.errors import InputError
from likewise.recommend import Attributes, Ease, Interactions, Taste, lookup

RATINGS = """\
userId,movieId,rating,timestamp
1,10,5,1
1,11,4,2
2,10,4,1
2,11,5,2
2,12,4,3
3,12,5,1
3,13,4,2
4,10,3,1
4,13,2,2
"""
FILMS = """\
movieId,title,genres,year
10,Heat (1995),crime|drama,1995
11,"Matrix, The (1999)",action|sci-fi,1999
12,Alien (1979),horror|sci-fi,1979
13,Amélie (2001),comedy|romance,2001
14,Alien 3 (1992),horror|sci-fi,1992
15,Emma (1996),comedy|romance,1996
16,Emma (1996),romance,1996
"""
DATA = ["--interactions", "ratings.csv", "--items", "films.csv"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ratings.csv").write_text(RATINGS)
    Path("films.csv").write_text(FILMS, encoding="utf-8")


def invoke(*args):
    return CliRunner().invoke(app, ["recommend", *map(str, args)])


def lines(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]


def failed(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.removeprefix("Error: ")[:-1]


def test_a_user_gets_what_the_model_says():
    (line,) = lines(*DATA, "--user", 1, "-k", 2)
    films = Attributes.read("films.csv")
    model = Ease().fit(Interactions.read("ratings.csv"), items=films)
    found = model.recommend(1, 2)
    assert line["user"] == 1
    assert [one["item"] for one in line["recommendations"]] == found.items.tolist()
    assert [one["score"] for one in line["recommendations"]] == found.scores.tolist()
    assert line["recommendations"][0]["title"] == "Alien (1979)"
    why = model.explain(1, 12)
    assert line["recommendations"][0]["why"] == [
        {"because": films.title_of(name), "amount": amount}
        for name, amount in zip(why.names, why.amounts.tolist(), strict=True)
    ]


def test_titles_in_place_of_a_user():
    (line,) = lines(*DATA, "--like", "heat", "--like", "The Matrix", "-k", 1)
    assert line["like"] == [{"item": 10, "title": "Heat (1995)"}, {"item": 11, "title": "Matrix, The (1999)"}]
    assert [one["title"] for one in line["recommendations"]] == ["Alien (1979)"]
    assert {one["because"] for one in line["recommendations"][0]["why"]} == {"Heat (1995)", "Matrix, The (1999)"}


def test_several_users_are_several_lines():
    found = lines(*DATA, "--user", 3, "--user", 1, "-k", 1, "--why", 0)
    assert [line["user"] for line in found] == [3, 1]
    assert all("why" not in one for line in found for one in line["recommendations"])


@pytest.mark.parametrize("model", ["ease", "neighbours", "taste", "popular"])
def test_every_model_gives_exactly_k_unseen(model):
    (line,) = lines(*DATA, "--user", 1, "-k", 5, "--model", model)
    found = [one["item"] for one in line["recommendations"]]
    assert sorted(found) == [12, 13, 14, 15, 16]
    (line,) = lines(*DATA, "--user", 1, "-k", 50, "--model", model, "--seen")
    assert len(line["recommendations"]) == 7


def test_factors():
    pytest.importorskip("implicit")
    (line,) = lines(*DATA, "--user", 1, "-k", 2, "--model", "factors")
    assert len(line["recommendations"]) == 2


def test_taste_says_which_attributes():
    (line,) = lines(*DATA, "--like", "Alien (1979)", "--model", "taste", "-k", 1)
    (one,) = line["recommendations"]
    assert one["title"] == "Alien 3 (1992)"
    assert {reason["because"] for reason in one["why"]} <= {"genres=horror", "genres=sci-fi", "year"}
    why = Taste().fit(Interactions.read("ratings.csv"), items=Attributes.read("films.csv")).explain([12], 14)
    assert one["score"] == why.score


def test_conditions():
    def found(*conditions):
        options = [part for text in conditions for part in ("--where", text)]
        (line,) = lines(*DATA, "--user", 3, "-k", 10, *options)
        return sorted(one["item"] for one in line["recommendations"])

    assert found("genres=Sci-Fi") == [11, 14]
    assert found("genres=romance", "genres!=comedy") == [16]
    assert found("year>=1996") == [11, 15, 16]
    assert found("year=1996") == [15, 16]
    assert found("title=emma (1996)") == [15, 16]
    assert found("genres=crime|drama") == [10]


def test_for_people_and_for_files():
    result = invoke(*DATA, "--user", 1, "-k", 2, "--table")
    assert result.exit_code == 0
    assert "for 1" in result.stdout
    assert "Alien (1979)" in result.stdout
    lines(*DATA, "--user", 1, "--user", 3, "-k", 2, "--out", "found.csv")
    rows = list(csv.DictReader(Path("found.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["for"], row["rank"]) for row in rows] == [("1", "1"), ("1", "2"), ("3", "1"), ("3", "2")]
    assert rows[0]["title"] == "Alien (1979)"
    assert rows[0]["why"].count(";") == 1
    lines(*DATA, "--like", "Heat", "-k", 2, "--out", "found.parquet")
    table = pq.read_table("found.parquet")
    assert table.column_names == ["for", "rank", "item", "title", "score", "why"]
    assert table["for"].to_pylist() == ["Heat (1995)"] * 2


def test_somebody_who_has_seen_everything():
    text = RATINGS + "".join(f"1,{item},3,9\n" for item in range(12, 17))
    Path("ratings.csv").write_text(text)
    assert lines(*DATA, "--user", 1)[0]["recommendations"] == []
    assert invoke(*DATA, "--user", 1, "--table").stdout == "for 1\n"
    lines(*DATA, "--user", 1, "--out", "none.csv")
    assert Path("none.csv").read_text().splitlines() == ["for,rank,item,title,score,why"]


def test_without_a_table_of_items():
    (line,) = lines("--interactions", "ratings.csv", "--like", 10, "-k", 1)
    assert line["like"] == [{"item": 10}]
    assert line["recommendations"][0]["item"] == 11
    assert "title" not in line["recommendations"][0]
    assert "no item of the interactions is called 'Heat'" in failed("--interactions", "ratings.csv", "--like", "Heat")


def test_columns_of_other_names_and_encodings():
    Path("bought.csv").write_bytes("wer;was\nanna;Käse\nanna;Brot\nbert;Käse\n".replace(";", ",").encode("cp1252"))
    given = ["--interactions", "bought.csv", "--user-column", "wer", "--item-column", "was", "--encoding", "cp1252"]
    (line,) = lines(*given, "--user", "bert", "-k", 1)
    assert line == {
        "user": "bert",
        "recommendations": [
            {"item": "Brot", "score": line["recommendations"][0]["score"], "why": line["recommendations"][0]["why"]}
        ],
    }
    assert "not UTF-8" in failed(*given[:-2], "--user", "bert")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say for whom: either --user ID or --like TITLE"),
        (["--user", 1, "--like", "Heat"], "say for whom: either --user ID or --like TITLE"),
        (["--user", 5], "user 5 is not known; did you mean 4?"),
        (["--user", "anna"], "user 'anna' is not known: users here are whole numbers, as 1"),
        (["--like", "Heet"], "no item of films.csv is called 'Heet'; did you mean 'Heat (1995)'?"),
        (["--like", "Ali"], "'Ali' may be 'Alien (1979)' or 'Alien 3 (1992)'; write more of the title, or its id"),
        (["--like", "emma"], "'emma' may be 'Emma (1996)' (id 15) or 'Emma (1996)' (id 16); write more"),
        (["--like", ""], "no item of films.csv is called ''"),
        (["--user", 1, "--where", "genre=comedy"], "films.csv has no column 'genre'; did you mean 'genres'? it has"),
        (["--user", 1, "--where", "genres=comdy"], "no item of films.csv has genres=comdy; did you mean 'comedy'?"),
        (["--user", 1, "--where", "comedy"], "'comedy' is no condition; write it as column=value"),
        (["--user", 1, "--where", "year>late"], "'year>late': 'late' is no number, and > compares numbers"),
        (["--user", 1, "--where", "year>2020"], "no item has year>2020"),
        (["--user", 1, "--where", "year>2000", "--where", "genres=drama"], "no item meets all of the conditions"),
        (["--user", 1, "--diversify", "2"], "diversify is a number from 0"),
        (["--user", 1, "--out", "found.txt"], "its extension is not one of"),
        (["--user", 1, "--user-column", "wer"], "ratings.csv has no column 'wer'"),
        (["--user", 1, "--id", "nr"], "films.csv has no column 'nr'"),
    ],
)
def test_what_goes_wrong(options, message):
    assert message in failed(*DATA, *options)


def test_what_goes_wrong_with_files():
    alone = ["--interactions", "ratings.csv", "--user", 1]
    assert "give their table with --items FILE" in failed(*alone, "--model", "taste")
    assert "--id belongs to --items, which was not given" in failed(*alone, "--id", "movieId")
    assert "cannot both be standard input" in failed("--interactions", "-", "--items", "-", "--user", 1)
    assert "absent.csv" in failed("--interactions", "absent.csv", "--user", 1)
    Path("twice.csv").write_text("movieId,title\n10,Heat\n10,Heat\n")
    assert "the id 10 is there twice, in rows 1 and 2" in failed(*alone, "--items", "twice.csv")
    Path("words.csv").write_text("movieId,title\nten,Heat\n")
    assert "items= are text, and the items of the interactions are numbers" in failed(*alone, "--items", "words.csv")
    Path("bad.csv").write_text("userId,movieId,rating\n1,10,5\n1,,4\n")
    assert "row 2 without a user or an item" in failed("--interactions", "bad.csv", "--user", 1)
    Path("odd.csv").write_text("who,what\n1,10\n")
    assert "none of the columns 'who', 'what' is called as users usually are" in failed(
        "--interactions", "odd.csv", "--user", 1
    )


def test_a_catalogue_of_one_item():
    Path("one.csv").write_text("user,item\n1,10\n")
    assert lines("--interactions", "one.csv", "--user", 1) == [{"user": 1, "recommendations": []}]


# ---- titles


def test_titles_as_people_write_them():
    films = Attributes.read("films.csv")
    for text, item in {
        "Amélie (2001)": 13, "amelie": 13, "AMELIE (2001)": 13, "matrix": 11, "the matrix": 11, "Matrix, The": 11,
        "alien": 12, "alien 3": 14, "16": 16, "hea": 10, "atri": 11, " heat ": 10,
    }.items():  # fmt: skip
        assert lookup.find(films, text) == item, text
    plain = Attributes.of(["a", "b"], [[1], [2]])
    assert lookup.find(plain, "b") == "b"
    with pytest.raises(InputError, match="no item of the attributes is called 'c'"):
        lookup.find(plain, "c")


def test_conditions_on_lists_of_other_kinds():
    table = {"id": [1, 2, 3], "tags": [["New Wave", "noir"], [], None], "price": [1.5, None, 3.0]}
    items = Attributes.read(table)
    assert lookup.where(items, ["tags=new wave"]).tolist() == [1]
    assert lookup.where(items, ["tags!=noir"]).tolist() == [2, 3]
    assert lookup.where(items, ["price<2"]).tolist() == [1]
    assert lookup.where(items, ["price=3"]).tolist() == [3]
    with pytest.raises(InputError, match="has no column 'tags'; it has none"):
        lookup.where(Attributes.of([1], [[1.0]]), ["tags=x"])


def test_reasons_without_titles_are_ids():
    (line,) = lines("--interactions", "ratings.csv", "--user", 1, "-k", 1)
    assert {one["because"] for one in line["recommendations"][0]["why"]} <= {10, 11}
