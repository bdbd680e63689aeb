"""Real data against the definition, row by row. Skipped, with the reason, where the data are absent."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference

ROOT = Path(os.environ.get("LIKEWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def need(name):
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"real data: {path} is absent (set LIKEWISE_DATA)")
    return path


def images():
    with gzip.open(need("fashion-mnist/train-images-idx3-ubyte.gz")) as file:
        return np.frombuffer(file.read(16 + 2300 * 784), np.uint8, offset=16).reshape(-1, 784)


def check(metric, queries, items, k=10):
    found = lw.topk(queries, items, k, metric=metric)
    expected = reference.topk(lw.metrics[metric], queries.astype(float), items.astype(float), k)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "dot", "cosine", "braycurtis"])
def test_pixels(metric):
    pixels = images()
    check(metric, pixels[2000:2100], pixels[:2000])


def test_pixels_as_floats_give_the_same_neighbours():
    pixels = images()
    for metric in ("euclidean", "cosine"):
        bytes_, floats = (
            lw.topk(rows[2000:2100], rows[:2000], 10, metric=metric) for rows in (pixels, pixels.astype(np.float32))
        )
        np.testing.assert_array_equal(bytes_.indices, floats.indices)
        np.testing.assert_array_equal(bytes_.values, floats.values)


@pytest.mark.parametrize("metric", ["cosine", "correlation", "euclidean", "canberra"])
def test_word_vectors(metric):
    words = np.load(need("glove-twitter-25d/vectors.f32.npy"))
    check(metric, words[:150], words[:6000])


@pytest.mark.parametrize("metric", ["dot", "euclidean", "manhattan"])
def test_half_precision_sentence_vectors(metric):
    captions = np.load(need("multi30k/minilm-train-en.f16.npy"), mmap_mode="r")
    check(metric, captions[5000:5060], captions[:5000])


# ------------------------------------------------------------------------------------------------ through 8-bit codes


def by_codes(metric, queries, items, k=10, rows=250):
    """Prepared items, each query's row against the definition; codes or partial sums there have to be."""
    shelf = lw.prepare(items, metric=metric)
    found = lw.topk(queries[:rows], shelf, k, stats=True)
    if shelf.partial is None:
        assert found.stats.screened == found.stats.pairs
    assert found.stats.settled < found.stats.pairs / 20
    exact = lw.metrics[metric]
    for first in range(0, rows, 50):  # by the engine's own float64, which other tests hold to the definition
        values = lw.pairwise(np.asarray(queries[first : first + 50], np.float64), np.asarray(items), metric=metric)
        keys = values if exact.closer == "smaller" else -values
        order = np.argsort(keys, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(found.values[first : first + 50], np.take_along_axis(values, order, 1))
        if metric != "cosine":  # whose order is that of what is before its last division
            np.testing.assert_array_equal(found.indices[first : first + 50], order)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "cosine"])
def test_pixels_by_codes(metric):
    with gzip.open(need("fashion-mnist/train-images-idx3-ubyte.gz")) as file:
        pixels = np.frombuffer(file.read(16 + 20_250 * 784), np.uint8, offset=16).reshape(-1, 784)
    by_codes(metric, pixels[20_000:], pixels[:20_000])


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_sentence_vectors_by_codes(metric):
    captions = np.load(need("multi30k/minilm-train-en.f16.npy"), mmap_mode="r")
    by_codes(metric, np.array(captions[20_000:20_250]), np.array(captions[:20_000]))
