"""Documents from what people keep them in, and the passages they are cut into."""

import contextlib
import gzip
import json
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import likewise as lw
from likewise.errors import InputError
from likewise.text import cut_passages, read_documents, sentences

ROWS = [
    {"_id": "a", "title": "Bikes", "text": "A man rides a bike."},
    {"_id": "b", "title": "", "text": "A dog sleeps."},
]


def jsonl(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def fails(source, message, **options):
    with pytest.raises(InputError) as failure:
        read_documents(source, **options)
    assert str(failure.value) == message


def test_strings_are_numbered():
    documents = read_documents(["one", "two"])
    assert (documents.ids, documents.titles, documents.texts) == ([0, 1], ["", ""], ["one", "two"])
    assert read_documents(documents) is documents
    assert read_documents(np.array(["one", "two"])).texts == ["one", "two"]


@pytest.mark.parametrize("kind", ["jsonl", "gz", "zip", "csv", "parquet", "frame", "columns", "list"])
def test_tables(kind, tmp_path):
    frame = pd.DataFrame(ROWS)
    path = tmp_path / f"corpus.{kind}"
    source = path
    if kind == "jsonl":
        path.write_text(jsonl(), encoding="utf-8")
    elif kind == "gz":
        source = tmp_path / "corpus.jsonl.gz"
        source.write_bytes(gzip.compress(jsonl().encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("folder/corpus.jsonl", jsonl())
    elif kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        source = {"frame": frame, "columns": frame.to_dict("list"), "list": ROWS}[kind]
    documents = read_documents(source)
    assert (documents.ids, documents.titles) == (["a", "b"], ["Bikes", ""])
    assert [documents.whole(place) for place in (0, 1)] == ["Bikes A man rides a bike.", "A dog sleeps."]


def test_ids_stay_what_they_are():
    assert read_documents({"id": [7, 9], "text": ["x", "y"]}).ids == [7, 9]
    assert read_documents({"id": ["007", "9"], "text": ["x", "y"]}).ids == ["007", "9"]
    assert read_documents({"id": [7.0, 9.0], "text": ["x", "y"]}).ids == [7, 9]
    assert read_documents({"number": [7, 9], "text": ["x", "y"]}, id="number").ids == [7, 9]
    assert all(type(name) is int for name in read_documents({"id": [7, 9], "text": ["x", "y"]}).ids)


def test_columns_can_be_named_and_joined():
    table = {"key": [1], "a": ["one"], "b": [["two", "three"]], "text": ["four"]}
    assert read_documents(table, text=["a", "b"]).texts == ["one two three"]
    assert read_documents(table, title="a").whole(0) == "one four"
    assert read_documents({"title": ["only a title"]}).texts == ["only a title"]
    assert read_documents({"text": ["x", None, 3]}).texts == ["x", "", "3"]


def test_a_folder_of_text_files(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_bytes("\ufeffÜber\r\nalles".encode())
    (tmp_path / "a.md").write_bytes("groß".encode("utf-16"))
    (tmp_path / "deep" / "c.TXT").write_text("here", encoding="utf-8")
    (tmp_path / "ignored.png").write_bytes(b"\x89PNG")
    documents = read_documents(tmp_path)
    assert dict(zip(documents.ids, documents.texts, strict=True)) == {
        "a.md": "groß",
        "b.txt": "Über\nalles",
        "deep/c.TXT": "here",
    }
    (tmp_path / "d.txt").write_bytes(b"one\nna\xefve")
    fails(
        tmp_path,
        f"{tmp_path / 'd.txt'}, line 2: byte 0xef is not UTF-8; name the file's encoding, as in encoding='cp1252'",
    )
    assert read_documents(tmp_path / "d.txt", encoding="cp1252").texts == ["one\nnaïve"]
    fails(tmp_path / "d.txt", "'klingon' is no encoding; try utf-8, cp1252, latin-1 or utf-16", encoding="klingon")


def test_a_zip_of_several_things(tmp_path):
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.jsonl", jsonl())
        archive.writestr("two.csv", "id,text\n1,hello\n")
        archive.writestr("note.txt", "a note")
    fails(path, f"{path} holds 2 tables; name one, as in {path}:one.jsonl")
    assert read_documents(f"{path}:two.csv").ids == [1]
    assert read_documents(f"{path}:note.txt").texts == ["a note"]
    fails(f"{path}:none.csv", f"{path} holds no 'none.csv'; it holds one.jsonl, two.csv, note.txt")
    texts = tmp_path / "texts.zip"
    with zipfile.ZipFile(texts, "w") as archive:
        archive.writestr("b.txt", "two")
        archive.writestr("a.md", "one")
    assert read_documents(texts).ids == ["a.md", "b.txt"]


def test_damaged_files(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK nonsense")
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(jsonl().encode())[:-20])
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n{"text": \n')
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "x.zip", f"{tmp_path / 'x.zip'} cannot be read as a zip: File is not a zip file")
    with pytest.raises(InputError, match="cannot be read as gzip"):
        read_documents(tmp_path / "x.jsonl.gz")
    with pytest.raises(InputError, match=r"x\.jsonl, line 2, cannot be read as JSON"):
        read_documents(tmp_path / "x.jsonl")
    fails(tmp_path / "empty", f"{tmp_path / 'empty'} holds no .txt or .md files")
    fails(tmp_path / "none.zip", f"there is no file {str(tmp_path / 'none.zip')!r}")


def test_damaged_bytes_anywhere_are_an_error_or_another_text(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("corpus.jsonl", jsonl())
    good = path.read_bytes()
    for place in range(len(good)):
        for change in (0xFF, 0x01):
            path.write_bytes(good[:place] + bytes([good[place] ^ change]) + good[place + 1 :])
            with contextlib.suppress(InputError):
                read_documents(path)


def test_what_is_no_corpus():
    fails([], "the list holds no documents")
    fails(["", "  "], "all 2 documents of the list are empty")
    fails(["a", 1], "the list has int at 1; strings are wanted, or dictionaries")
    fails({"x": ["a"], "y": [1]}, "the table has the columns x, y; say which is the text, as in text='y'")
    fails({"id": ["a", None], "text": ["x", "y"]}, "the table: no id in row 2; 1 in all. Name them, or another id=")
    fails(
        {"id": ["a", "b", "a"], "text": ["x", "y", "z"]},
        "the table: two documents are called 'a', in rows 1 and 3; 1 in all. An id names one document",
    )


def test_ids_to_places():
    documents = read_documents({"id": [7, 9], "text": ["x", "y"]})
    assert documents.places([9, np.int64(7)]).tolist() == [1, 0]
    with pytest.raises(InputError, match=r"the table has no document '7'; did you mean 7\?"):
        documents.places(["7"])
    with pytest.raises(InputError, match=r"the list has no document 'x'$"):
        read_documents(["a"]).places(["x"])


# ---- passages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.5 m. in e.g. Rome. Yes.", ["It costs 3.5 m. in e.g. Rome.", "Yes."]),
        ('He said "go." Then left.', ['He said "go."', "Then left."]),
        ("A heading\n\nA text\nof two lines", ["A heading", "A text\nof two lines"]),
        ("これは本です。はい！", ["これは本です。", "はい！"]),
        ("Smith et al. found (p. 3) it. End.", ["Smith et al. found (p. 3) it.", "End."]),
        ("   ", []),
        ("...", ["..."]),
    ],
)
def test_sentences(text, expected):
    assert [text[a:b] for a, b in sentences(text)] == expected


pieces = st.lists(
    st.sampled_from(["word ", "a ", "end. ", "stop! ", "\n\n", "Dr. ", "日本。", "x" * 30 + " "]), max_size=60
)


@given(pieces.map("".join), st.integers(1, 12), st.integers(0, 11))
def test_passages_cover_every_word_in_order(text, size, overlap):
    if overlap >= size or not text.strip():
        return
    documents = read_documents([text])
    text = documents.texts[0]
    passages = cut_passages(documents, size, overlap)
    covered = np.zeros(len(text), bool)
    for a, b in zip(passages.start, passages.end, strict=True):
        assert len(text[a:b].split()) <= size
        covered[a:b] = True
    assert all(covered[i] or text[i].isspace() for i in range(len(text)))
    assert (np.diff(passages.start) > 0).all()
    assert (np.diff(passages.end) > 0).all()
    for end, start in zip(passages.end[:-1], passages.start[1:], strict=True):
        assert len(text[start:end].split()) <= overlap


def test_passages_know_their_document():
    documents = read_documents(
        {"title": ["T", "", "only"], "text": ["One two. Three four. Five six.", "", ""], "id": [5, 6, 7]}
    )
    passages = cut_passages(documents, size=4, overlap=2)
    assert passages.document.tolist() == [0, 0, 2]  # what is empty has none
    assert [passages.whole(documents, place) for place in range(3)] == [
        "T One two. Three four.",
        "T Three four. Five six.",
        "only",
    ]
    assert len(cut_passages(documents, None)) == 2
    with pytest.raises(InputError, match="size=3 words with overlap=3"):
        cut_passages(documents, 3, 3)


def test_the_package_is_found_without_being_asked_for():
    assert lw.text.read_documents is read_documents


def test_texts_as_a_column_or_an_iterator():
    texts = ["A man rides a bike.", "A dog sleeps."]
    for source in (iter(texts), (text for text in texts), pd.Series(texts, index=[7, 3]), pl.Series(texts)):
        found = read_documents(source)
        assert (found.ids, found.texts) == ([0, 1], texts)
    fails(pd.Series(["a", None]), "the list has nothing at 1; strings are wanted, or dictionaries")
