"""Texts to vectors by a sentence encoder: in batches of like length, unit length, and never twice.

Vectors go into a store, a folder, as they are made, so that an interrupted run goes on where it stopped, and a corpus
that grew costs what is new::

    store/
        3f9c.../               a folder for each model
            model.likewise     what the model makes of two probe texts: how it is known again
            0a1b....likewise   some hundred texts: their hashes, and their vectors

A text is known by the hash of its words, a model by what it does. So vectors of two models cannot be mixed up, whatever
the models are called, and one model is the same under any name.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Progress, read_options
from likewise.errors import InputError
from likewise.extras import need
from likewise.files import load_archive, save_archive
from likewise.terms import as_texts

Floats = NDArray[np.float32]
_KIND = "likewise.text.vectors"
_PROBE_KIND = "likewise.text.model"
# The long one tells models apart that cut texts at different lengths.
_PROBES = ("A man rides a bike.", " ".join(f"number {n} of the things to say," for n in range(200)))
_SAME = 1e-3  # a model gives its vectors again to some 1e-6; rounded to 16 bits, to 1e-4
_CHUNK = 512  # texts in a file of a store,
_SECONDS = 20.0  # or fewer, where they take longer than this

Role = Literal["text", "query", "document"]
Encode = Callable[[list[str]], NDArray[Any]]


class EmbeddingWarning(UserWarning):
    """A file of a store that cannot be read; its texts are embedded again."""


def encoder(model: Any, role: Role = "text") -> Encode:
    """A function from texts to vectors.

    Parameters
    ----------
    model : str, path-like or object
        The name of a sentence-transformers model, the folder of one, or an object with ``encode(texts)`` or
        ``transform(texts)``, or a function.
    role : {"text", "query", "document"}
        Some models put other words in front of a query than of a document: where the model has ``encode_query`` and
        ``encode_document``, as those of sentence-transformers have, these are called.

    Raises
    ------
    InputError
        Where there is no such model, or no network to fetch it.
    MissingExtraError
        Where a name or a folder is given and sentence-transformers is not installed.
    """
    if isinstance(model, (str, os.PathLike)):
        model = load_model(os.fspath(model))
    more = {}
    if type(model).__module__.partition(".")[0] == "sentence_transformers":
        more = {"show_progress_bar": False}
    for name in ("encode", "transform") if role == "text" else (f"encode_{role}", "encode", "transform"):
        if callable(found := getattr(model, name, None)):
            return lambda texts: np.asarray(found(texts, **more))
    if callable(model):
        return lambda texts: np.asarray(model(texts))
    raise InputError(
        f"model={model!r:.60} cannot embed; give the name or folder of a sentence-transformers model, "
        "or an object with encode(texts)"
    )


def load_model(name: str) -> Any:
    """A sentence-transformers model by name or folder."""
    library = need("sentence_transformers", f"model={name!r}", extra="text")
    try:
        with _quietly():
            return library.SentenceTransformer(name)
    except Exception as error:  # of the network, of files, of half a dozen libraries
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"model={name!r} cannot be loaded: {said}. Give a folder that holds one, or a name known to Hugging Face; "
            "offline (HF_HUB_OFFLINE=1) it has to be there already"
        ) from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the bar that transformers draws for the weights it loads."""
    import transformers

    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def embed(
    texts: Sequence[str],
    model: Any,
    *,
    role: Role = "text",
    batch_size: int = 64,
    store: str | os.PathLike[str] | None = None,
    progress: Progress = None,
) -> Floats:
    """Vectors of texts, of unit length.

    Parameters
    ----------
    texts : sequence of str
        Texts that occur more than once are embedded once.
    model : str, path-like or object
    role : {"text", "query", "document"}
        As :func:`encoder` takes them.
    batch_size : int, default 64
        Texts that go through the model together, sorted by length. A neural model may round differently in other
        batches, in the seventh digit.
    store : path-like, optional
        A folder for vectors, made if need be. What is in it is not embedded again; what is embedded goes into it every
        few seconds. It may serve several models and corpora, also at the same time.
    progress : bool or function of (done, total), optional

    Returns
    -------
    ndarray of shape (n, d), float32
        A vector of zeros, where the model gives one, stays.

    Raises
    ------
    InputError
        Where a text is no string, the model cannot be loaded, or gives vectors of another shape, NaN or infinities.

    Examples
    --------
    >>> embed(["aab", "b"], lambda texts: np.array([[t.count("a"), t.count("b")] for t in texts])).round(2)
    array([[0.89, 0.45],
           [0.  , 1.  ]], dtype=float32)
    """
    texts = as_texts(texts)
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size!r}; a whole number from 1 is wanted")
    encode = encoder(model, role)
    keys = [_key(text) for text in texts]
    wanted = dict(zip(keys, texts, strict=True))
    kept = Store(store, encode) if store is not None else None
    done: dict[bytes, Floats] = {} if kept is None else kept.read(wanted)
    missing = [key for key in wanted if key not in done]
    missing.sort(key=lambda key: (-len(wanted[key]), key))  # the longest first: too little memory shows at once
    tell = read_options(1, None, "raise", progress).progress
    try:
        for first in range(0, len(missing), batch_size):
            batch = missing[first : first + batch_size]
            vectors = _checked(encode([wanted[key] for key in batch]), len(batch))
            done.update(zip(batch, vectors, strict=True))
            if kept is not None:
                kept.add(batch, vectors)
            if tell is not None:
                tell(first + len(batch), len(missing))
    finally:  # on Ctrl-C too
        if kept is not None:
            kept.flush()
    if not keys:
        return np.zeros((0, _checked(encode([_PROBES[0]]), 1).shape[1]), np.float32)
    widths = {len(vector) for vector in done.values()}
    if len(widths) > 1:
        raise InputError(f"the model gave vectors of {' and '.join(map(str, sorted(widths)))} numbers; one d is wanted")
    return np.stack([done[key] for key in keys])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _checked(vectors: NDArray[Any], count: int) -> Floats:
    """What a model gave, as float32 rows of unit length."""
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != count or vectors.dtype.kind not in "fiu":
        raise InputError(
            f"the model gave {vectors.dtype} of shape {vectors.shape} for {count} texts; ({count}, d) is wanted"
        )
    rows = vectors.astype(np.float64)
    if not np.isfinite(rows).all():
        raise InputError("the model gave NaN or infinite values; embed a few texts by themselves to see which")
    norms = np.sqrt((rows**2).sum(1, keepdims=True))
    return np.asarray(rows / np.where(norms > 0, norms, 1.0), np.float32)


def probes_of(encode: Encode) -> Floats:
    """What a model makes of the probe texts: how it is known again."""
    return np.concatenate([_checked(encode([text]), 1) for text in _PROBES])


def same_model(one: Floats, other: Floats) -> bool:
    """Whether two models make the same of the probe texts."""
    return one.shape == other.shape and bool(np.abs(one - other).max() < _SAME)


class Store:
    """The vectors of one model in a folder."""

    def __init__(self, folder: str | os.PathLike[str], encode: Encode) -> None:
        probes = probes_of(encode)
        if not probes.any():
            raise InputError(
                "store= cannot tell this model from others: it makes zeros of its probe texts; embed without a store"
            )
        self.folder = self._folder(Path(folder), probes)
        self.width = probes.shape[1]
        self.keys: list[bytes] = []
        self.vectors: list[Floats] = []
        self.since = time.monotonic()

    def _folder(self, root: Path, probes: Floats) -> Path:
        """The folder of the model that makes this of the probes; a new one where there is none."""
        try:
            root.mkdir(parents=True, exist_ok=True)
            for path in sorted(root.glob("*/model.likewise")):
                there = load_archive(path, _PROBE_KIND)[1]["probes"]
                if same_model(there, probes):
                    return path.parent
            folder = root / uuid.uuid4().hex[:16]
            folder.mkdir()
        except OSError as error:
            raise InputError(f"store={str(root)!r} is no folder to write in: {error.strerror or error}") from None
        save_archive(folder / "model.likewise", _PROBE_KIND, {}, {"probes": probes})
        return folder

    def read(self, wanted: dict[bytes, str]) -> dict[bytes, Floats]:
        """The vectors that are there, of those wanted."""
        found: dict[bytes, Floats] = {}
        for keys, vectors in self._chunks():
            found.update((key, vector) for key, vector in zip(keys, vectors, strict=True) if key in wanted)
        return found

    def _chunks(self) -> Iterator[tuple[list[bytes], Floats]]:
        for path in sorted(self.folder.glob("*.likewise")):
            if path.name == "model.likewise":
                continue
            try:
                arrays = load_archive(path, _KIND)[1]
                keys, vectors = arrays["keys"], arrays["vectors"]
                if vectors.shape != (len(keys), self.width):
                    raise InputError(f"{path} holds {len(keys)} texts and {vectors.shape} numbers")
            except (InputError, KeyError) as error:
                warnings.warn(f"{error}; its texts are embedded again", EmbeddingWarning, stacklevel=5)
                continue
            yield [bytes(key) for key in keys], vectors

    def add(self, keys: list[bytes], vectors: Floats) -> None:
        """Keep some vectors; they are on disk after a while, or by :meth:`flush`."""
        self.keys += keys
        self.vectors.append(vectors)
        if len(self.keys) >= _CHUNK or time.monotonic() - self.since > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is not on disk yet."""
        if self.keys:
            keys = np.frombuffer(b"".join(self.keys), np.uint8).reshape(-1, 16)
            chunk: dict[str, NDArray[Any]] = {"keys": keys, "vectors": np.concatenate(self.vectors)}
            save_archive(self.folder / f"{uuid.uuid4().hex}.likewise", _KIND, {}, chunk)
        self.keys, self.vectors, self.since = [], [], time.monotonic()
