"""The rows that benchmarks search: real ones from the folder LIKEWISE_DATA (default ../shared/data), and random ones.

Whatever is absent raises :class:`NotOffered` with the reason, and the benchmark that wanted it says so and goes on.
Loaders keep what they made, so that all benchmarks of a run share rows, exact answers and graphs.
"""

from __future__ import annotations

import csv
import functools
import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import NotOffered, Settings, Table
from benchmarks.search_peers import Data
from benchmarks.search_peers import gaussian as gaussian_rows

Array = Any
ROOT = Path(os.environ.get("LIKEWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))
K = 10
PIXELS = 784
RADIUS, BITS = 2, 2_048  # of Morgan fingerprints


def need(name: str) -> Path:
    path = ROOT / name
    if not path.exists():
        raise NotOffered(f"{path} is absent (set LIKEWISE_DATA)")
    return path


def skipped(name: str, title: str, why: NotOffered) -> dict[str, Any]:
    """What stands in the place of a measurement whose data are absent."""
    print(f"\n{title}: not measured: {why}")
    return Table(name, title, f"Not measured: {why}.", []).as_dict()


def each(settings: Settings, tasks: dict[str, Callable[[Settings], dict[str, Any]]]) -> list[dict[str, Any]]:
    """One task after another; those whose data are absent say so."""
    parts = []
    for title, task in tasks.items():
        try:
            parts.append(task(settings))
        except NotOffered as why:
            parts.append(skipped(title.lower().replace(" ", "-"), title, why))
    return parts


# ------------------------------------------------------------------------------------------------ numbers


def images(name: str) -> Array:
    """(n, 784) uint8: an IDX file is 16 bytes of sizes and then its pixels."""
    with gzip.open(need(f"fashion-mnist/{name}-images-idx3-ubyte.gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, PIXELS)


@functools.cache
def _fashion(threads: int, items: int, queries: int) -> Data:
    rows = [images(part)[:count].astype(np.float32) for part, count in (("t10k", queries), ("train", items))]
    return Data(*rows, K, threads)


def fashion(settings: Settings) -> Data:
    """Fashion-MNIST: 5,000 test images in the 60,000 training images, float32."""
    return _fashion(settings.threads, *((6_000, 200) if settings.quick else (60_000, 5_000)))


@functools.cache
def first(data: Data, count: int) -> Data:
    """The same items for the first queries only; the same object for the same numbers."""
    if count >= len(data.queries):
        return data
    return Data(data.queries[:count], data.items, data.k, data.threads)


@functools.cache
def _captions(threads: int, items: int, queries: int) -> Data:
    rows = np.load(need("multi30k/minilm-train-en.f16.npy")).astype(np.float32)
    return Data(rows[28_000 : 28_000 + queries], rows[:items], K, threads)


def captions(settings: Settings) -> Data:
    """Captions embedded by MiniLM: 1,000 in 28,000 others, 384 coordinates, float16 made float32."""
    return _captions(settings.threads, *((5_000, 100) if settings.quick else (28_000, 1_000)))


def gaussian(settings: Settings, items: int, d: int) -> Data:
    """1,000 queries in Gaussian items: no structure to use."""
    items, queries = (items // 10, 100) if settings.quick else (items, 1_000)
    return gaussian_rows(items, queries, d, K, settings.threads)


# ------------------------------------------------------------------------------------------------ bits


@dataclass(frozen=True, eq=False)
class BitRows(Data):
    """Rows of packed bits, eight to a byte; ``smiles`` are the items' molecules, if that is what they are."""

    smiles: tuple[str, ...] = ()

    @property
    def d(self) -> int:
        return int(8 * self.items.shape[1])


def unpacked(rows: Array) -> Array:
    """(n, d) of 0 and 1 in uint8."""
    return np.unpackbits(rows, axis=1)


def random_bits(settings: Settings) -> BitRows:
    """1,000 queries in 1,000,000 rows of 1,024 random bits: binary codes of embeddings, without their structure."""
    items, queries = (20_000, 50) if settings.quick else (1_000_000, 1_000)
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 256, (count, 128), dtype=np.uint8) for count in (queries, items)]
    return BitRows(*rows, K, settings.threads)


def fingerprints(settings: Settings) -> BitRows:
    """Morgan fingerprints (radius 2, 2,048 bits) of the molecules of the HIV screen: 1,000 in the others."""
    path = need("molecules/hiv.csv.gz")
    try:
        from rdkit import Chem, DataStructs, RDLogger
        from rdkit.Chem import rdFingerprintGenerator
    except ImportError as error:
        raise NotOffered(f"not installed: {error}") from error
    RDLogger.DisableLog("rdApp.*")  # it comments on valences
    with gzip.open(path, "rt", newline="") as file:
        smiles = [row["smiles"] for row in csv.DictReader(file)]
    chosen = np.random.default_rng(0).permutation(len(smiles))[: 2_100 if settings.quick else None]
    make = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS).GetFingerprint
    known = [(smiles[i], molecule) for i in chosen if (molecule := Chem.MolFromSmiles(smiles[i])) is not None]
    packed = b"".join(DataStructs.BitVectToBinaryText(make(molecule)) for _, molecule in known)
    rows, queries = np.frombuffer(packed, np.uint8).reshape(-1, BITS // 8), 100 if settings.quick else 1_000
    return BitRows(rows[:queries], rows[queries:], K, settings.threads, tuple(text for text, _ in known[queries:]))
