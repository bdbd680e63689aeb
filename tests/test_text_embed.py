"""Embedding: order, unit length, and a store that loses nothing and mixes nothing up."""

import sys

import numpy as np
import pytest

from likewise.errors import InputError, MissingExtraError
from likewise.text import EmbeddingWarning, Lsa, embed

TEXTS = ["a bike", "", "a much longer text about bikes", "a bike", "dog", "z"]


class Letters:
    """An encoder that counts letters, and how often it is asked."""

    def __init__(self, scale=None, width=26, stop_after=None):
        self.scale = np.ones(width) if scale is None else scale
        self.width, self.stop_after = width, stop_after
        self.texts = []

    def encode(self, texts):
        if self.stop_after is not None and len(self.texts) >= self.stop_after:
            raise KeyboardInterrupt
        self.texts += texts
        counts = [[text.count(chr(97 + letter)) for letter in range(self.width)] for text in texts]
        return np.array(counts, np.float32) * self.scale

    def asked(self):
        """Texts that are no probe."""
        return [text for text in self.texts if "bike." not in text and "number 7 " not in text]


def test_vectors_are_in_order_and_of_unit_length():
    encode = Letters()
    vectors = embed(TEXTS, encode, batch_size=2)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 26)
    expected = np.array([[text.count(chr(97 + letter)) for letter in range(26)] for text in TEXTS], float)
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected / np.where(norms > 0, norms, 1), rtol=1e-6)
    assert sorted(encode.texts) == sorted(set(TEXTS))  # each once
    lengths = [len(text) for text in encode.texts]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batches_change_nothing(batch_size):
    np.testing.assert_array_equal(embed(TEXTS, Letters(), batch_size=batch_size), embed(TEXTS, Letters()))


def test_what_can_embed():
    encode = Letters().encode
    expected = embed(TEXTS, Letters())
    np.testing.assert_array_equal(embed(TEXTS, encode), expected)
    np.testing.assert_array_equal(embed(TEXTS, type("Other", (), {"transform": staticmethod(encode)})()), expected)
    asked = type(
        "Asked", (), {"encode_query": staticmethod(lambda texts: -encode(texts)), "encode": staticmethod(encode)}
    )
    np.testing.assert_array_equal(embed(TEXTS, asked(), role="query"), -expected)
    np.testing.assert_array_equal(embed(TEXTS, asked(), role="document"), expected)
    assert embed([], Letters()).shape == (0, 26)


@pytest.mark.parametrize(
    ("texts", "model", "message"),
    [
        ("one", Letters(), "texts is one string; a list of strings is wanted: ['one']"),
        (["a", None], Letters(), "texts[1] is NoneType, None; a string is wanted"),
        (["a"], 7, "model=7 cannot embed; give the name or folder of a sentence-transformers model"),
        (["a"], lambda texts: np.ones(3), "the model gave float64 of shape (3,) for 1 texts"),
        (["a"], lambda texts: np.full((1, 2), np.nan), "the model gave NaN or infinite values"),
        (["a", "bb"], lambda texts: np.ones((1, len(texts[0]))), "the model gave vectors of 1 and 2 numbers"),
    ],
)
def test_what_cannot(texts, model, message):
    with pytest.raises(InputError) as failure:
        embed(texts, model, batch_size=1)
    assert message in str(failure.value)


def test_a_model_that_is_nowhere(tmp_path, monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot be loaded"):
        embed(["a"], str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'likewise\[text\]'"):
        embed(["a"], "some/model")


# ---- the store


def test_nothing_is_embedded_twice(tmp_path):
    first, second = Letters(), Letters()
    vectors = embed(TEXTS, first, store=tmp_path / "store")
    np.testing.assert_array_equal(embed([*TEXTS, "new"], second, store=tmp_path / "store")[:-1], vectors)
    assert second.asked() == ["new"]


def test_an_interrupted_run_goes_on(tmp_path):
    texts = [f"text {'abc'[n % 3]} {n}" for n in range(100)]
    broken = Letters(stop_after=2 + 40)  # two probes
    with pytest.raises(KeyboardInterrupt):
        embed(texts, broken, store=tmp_path, batch_size=10)
    done = broken.asked()
    assert len(done) == 40
    again = Letters()
    np.testing.assert_array_equal(embed(texts, again, store=tmp_path, batch_size=10), embed(texts, Letters()))
    assert not set(done) & set(again.asked())
    assert len(again.asked()) == 60


def test_models_are_never_mixed_up(tmp_path):
    one, other, narrow = Letters(), Letters(scale=np.arange(1.0, 27)), Letters(width=20)
    expected = [embed(TEXTS, model) for model in (one, other, narrow)]
    for _ in range(2):
        for model, vectors in zip((one, other, narrow), expected, strict=True):
            np.testing.assert_array_equal(embed(TEXTS, model, store=tmp_path), vectors)
    assert len(list(tmp_path.glob("*/model.likewise"))) == 3
    fits = [Lsa(2, min_count=1).fit(texts) for texts in (["a man", "the things"], ["man bike", "to say man"])]
    for lsa in fits:
        np.testing.assert_array_equal(embed(["a man", "things"], lsa, store=tmp_path), embed(["a man", "things"], lsa))


def test_a_model_that_says_nothing_of_the_probes_has_no_store(tmp_path):
    with pytest.raises(InputError, match="cannot tell this model from others"):
        embed(["zz"], Letters(scale=np.eye(26)[25]), store=tmp_path)


def test_a_damaged_file_is_made_again(tmp_path):
    vectors = embed(TEXTS, Letters(), store=tmp_path)
    chunk = next(path for path in tmp_path.glob("*/*.likewise") if path.name != "model.likewise")
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.warns(EmbeddingWarning, match="embedded again"):
        np.testing.assert_array_equal(embed(TEXTS, Letters(), store=tmp_path), vectors)


def test_a_store_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder to write in"):
        embed(["a"], Letters(), store=tmp_path / "file")


def test_progress_is_told(tmp_path):
    told = []
    embed(TEXTS, Letters(), batch_size=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]
