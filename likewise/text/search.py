"""Search documents by meaning, by words, or by both.

An :class:`Index` cuts documents into passages, has them embedded (semantic), and counts their words (lexical). A query
is compared with every passage; a document's score is that of its best passage. Scores are in the units of what was
compared: cosines, BM25, or the sum that :mod:`likewise.text.fusion` defines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.compute import prepare, topk
from likewise.compute.options import Progress, physical_memory
from likewise.compute.search import read_count
from likewise.errors import InputError, ShapeError
from likewise.files import load_archive, save_archive
from likewise.files.source import reading
from likewise.reductions import TopK
from likewise.terms import as_texts, words
from likewise.text.documents import Documents, Id, Passages, cut_passages, read_documents, sentences
from likewise.text.embed import Encode, embed, encoder, load_model, probes_of, same_model
from likewise.text.fusion import Fusion, fuse
from likewise.text.lexical import Lexical
from likewise.text.lexical import lexical as lexical_of

Mode = Literal["semantic", "lexical", "fusion"]
_KIND = "likewise.text.Index"


class Hit(NamedTuple):
    """One document that was found, and why.

    ``text`` is its best passage, characters ``start`` to ``end`` of the document. ``words`` are the terms it shares
    with the query, and what each adds to the lexical score, the most first; empty in a semantic search. ``sentence`` is
    the sentence of the passage whose vector is nearest to the query's, where ``explain=True`` asked for it.
    """

    id: Id
    score: float
    title: str
    text: str
    start: int
    end: int
    words: list[tuple[str, float]]
    sentence: str | None = None


@dataclass(frozen=True)
class Hits:
    """What a search found, the best first.

    Of one query, the arrays have shape (k,), and iterating gives each :class:`Hit`. Of several, they have shape (n, k),
    and iterating gives the Hits of each query. Where fewer than k documents are found, ids are None, scores NaN, and
    documents and passages -1.
    """

    ids: NDArray[np.object_]
    scores: NDArray[np.float64]
    documents: NDArray[np.int64]
    passages: NDArray[np.int64]
    queries: list[str]
    mode: Mode
    index: Index
    nearest: dict[tuple[str, int], str]  # the nearest sentence, by query and passage

    def __repr__(self) -> str:
        return f"Hits(ids={self.ids!r}, scores={self.scores!r}, mode={self.mode!r})"

    def __len__(self) -> int:
        return int((self.documents >= 0).sum()) if self.documents.ndim == 1 else len(self.documents)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Any:
        """The Hit of that rank; of several queries, the Hits of that query."""
        if not -len(self) <= place < len(self):
            raise IndexError(f"there is no hit {place}; there are {len(self)}")
        place %= len(self)
        if self.documents.ndim == 1:
            return self._hit(place)
        return replace(
            self,
            ids=self.ids[place],
            scores=self.scores[place],
            documents=self.documents[place],
            passages=self.passages[place],
            queries=[self.queries[place]],
        )

    def _hit(self, rank: int) -> Hit:
        index, passage, document = self.index, int(self.passages[rank]), int(self.documents[rank])
        parts = index.passages
        shared = []
        if self.mode != "semantic" and index.lexical is not None:
            shared = index.lexical.matched(self.queries[0], passage)
        return Hit(
            index.documents.ids[document],
            float(self.scores[rank]),
            index.documents.titles[document],
            parts.text(index.documents, passage),
            int(parts.start[passage]),
            int(parts.end[passage]),
            shared,
            self.nearest.get((self.queries[0], passage)),
        )


class Index:
    """Documents, ready to be searched.

    Parameters
    ----------
    documents : Documents, or what :func:`~likewise.text.read_documents` reads
    model : str, path-like or object, optional
        A sentence encoder, as :func:`~likewise.text.embed` takes it. None: no search by meaning.
    lexical : {"bm25", "tfidf"}, Bm25, TfIdf or None, default "bm25"
        How words are compared. None: no search by words.
    size, overlap : int, defaults 200 and 40
        Passages, in words: as :func:`~likewise.text.cut_passages`. ``size=None`` leaves documents whole.
    batch_size, store, progress
        Of the embedding: as :func:`~likewise.text.embed`.

    Raises
    ------
    InputError
        Where there are no documents, or neither a model nor a lexical part.

    Examples
    --------
    >>> index = Index(["A man rides a bike.", "A dog sleeps.", "Two dogs play."])
    >>> [(hit.text, hit.words[0][0]) for hit in index.search("the dog", k=2)]
    [('A dog sleeps.', 'dog')]
    """

    def __init__(
        self,
        documents: Any,
        model: Any = None,
        *,
        lexical: Literal["bm25", "tfidf"] | Lexical | None = "bm25",
        size: int | None = 200,
        overlap: int = 40,
        batch_size: int = 64,
        store: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> None:
        if model is None and lexical is None:
            raise InputError("model=None and lexical=None leave nothing to search by; give one of them")
        self.documents: Documents = read_documents(documents)
        self.passages: Passages = cut_passages(self.documents, size, overlap)
        self.lexical: Lexical | None = None if lexical is None else lexical_of(lexical)
        self.model = model
        self.name: str | None = None  # of the model, where it has one
        self.vectors: NDArray[np.float32] | None = None
        self._probes: NDArray[np.float32] | None = None
        self._encode: Encode | None = None
        self._prepared: Any = None
        self.note: dict[str, Any] = {}  # kept with the index: what JSON can say
        texts = [self.passages.whole(self.documents, place) for place in range(len(self.passages))]
        if self.lexical is not None:
            self.lexical.fit(texts)
        if model is not None:
            self._load_model()
            self.vectors = embed(
                texts, self.model, role="document", batch_size=batch_size, store=store, progress=progress
            )

    def __len__(self) -> int:
        return len(self.documents)

    def __repr__(self) -> str:
        by = [type(self.lexical).__name__] if self.lexical is not None else []
        by += [] if self.vectors is None else [f"{self.vectors.shape[1]}-dimensional vectors"]
        return f"<Index: {len(self.documents):,} documents, {len(self.passages):,} passages, by {' and '.join(by)}>"

    # ---- searching

    def search(
        self,
        queries: str | Sequence[str],
        k: int = 10,
        *,
        mode: Mode | None = None,
        where: Any = None,
        fusion: Fusion = "zscore",
        weights: Sequence[float] | None = None,
        depth: int = 100,
        explain: bool = False,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> Hits:
        """The k best documents of a query, or of each of several.

        Parameters
        ----------
        queries : str or sequence of str
            A query without a word finds nothing.
        k : int, default 10
        mode : {"semantic", "lexical", "fusion"}, optional
            By meaning, by words, or by both. Default: by all that the index has.
        where : mask of shape (documents,) or sequence of ids, optional
            Which documents may be found. k of them are, if there are as many; in a lexical search, if as many share a
            word with the query.
        fusion, weights : optional
            As ``method`` and ``weights`` (semantic, lexical) of :func:`~likewise.text.fuse`.
        depth : int, default 100
            How many documents of either ranking are fused; at least k.
        explain : bool, default False
            Whether to look for the nearest sentence in each passage, in a search by meaning. It embeds all of them.
        n_jobs, memory_limit, progress
            As every verb takes them.

        Returns
        -------
        Hits
            Equal scores are in the order of the passages.
        """
        k = read_count(k)
        asked = [queries] if isinstance(queries, str) else as_texts(queries, "queries")
        mode = self._mode(mode)
        admitted = self._admitted(where)
        options = {"n_jobs": n_jobs, "memory_limit": memory_limit, "progress": progress}
        if float(len(asked)) * k * 48 > physical_memory() / 2:  # padded arrays, and names beside them
            raise InputError(f"a result of {len(asked):,} x {k:,} does not fit in memory; ask for a smaller k")
        deep = k if mode != "fusion" else max(k, read_count(depth))
        rankings = []
        if mode != "lexical":
            rankings.append(self._best(self._by_meaning, asked, deep, admitted, options))
        if mode != "semantic":
            rankings.append(self._best(self._by_words, asked, deep, admitted, options))
        scores, documents, passages = rankings[0]
        if mode == "fusion":
            lists = [TopK(values, found) for values, found, _ in rankings]
            scores, documents = fuse(lists, k, method=fusion, weights=weights, floors=(None, 0.0))
            passages = _passages_of(documents, [(found, parts) for _, found, parts in rankings])
        ids = np.empty(documents.shape, object)
        ids[documents >= 0] = [self.documents.ids[place] for place in documents[documents >= 0].tolist()]
        nearest = self._sentences(asked, passages) if explain and mode != "lexical" else {}
        if isinstance(queries, str):
            ids, scores, documents, passages = ids[0], scores[0], documents[0], passages[0]
        return Hits(ids, scores, documents, passages, asked, mode, self, nearest)

    def _mode(self, mode: Mode | None) -> Mode:
        has = {"semantic": self.vectors is not None, "lexical": self.lexical is not None}
        if mode is None:
            return "fusion" if all(has.values()) else "semantic" if has["semantic"] else "lexical"
        if mode not in ("semantic", "lexical", "fusion"):
            raise InputError(f"mode={mode!r} is not known; it is 'semantic', 'lexical' or 'fusion'")
        for part, option in (("semantic", "model"), ("lexical", "lexical")):
            if mode in (part, "fusion") and not has[part]:
                raise InputError(f"mode={mode!r} needs an index with {option}=; this one was made without")
        return mode

    def _admitted(self, where: Any) -> NDArray[np.bool_] | None:
        """Which passages may be found."""
        if where is None:
            return None
        if isinstance(where, str):
            raise InputError(f"where={where!r} is one string; a list of ids is wanted, or a mask")
        given: Any = np.asarray(where)
        if given.dtype == np.bool_:
            if given.shape != (len(self.documents),):
                raise ShapeError(f"where= has shape {given.shape}; a mask of shape ({len(self.documents)},) is wanted")
            return np.asarray(np.take(given, self.passages.document), np.bool_)
        mask = np.zeros(len(self.documents), bool)
        mask[self.documents.places(list(where))] = True
        return mask[self.passages.document]

    def _by_meaning(self, asked: list[str], k: int, where: NDArray[np.bool_] | None, options: dict[str, Any]) -> TopK:
        vectors = self._query_vectors(asked)
        found = topk(vectors, self._items(), k, metric="cosine", where=where, **options)
        silent = (vectors == 0).all(axis=1, keepdims=True)
        return TopK(np.where(silent, np.nan, found.values), np.where(silent, -1, found.indices))

    def _by_words(self, asked: list[str], k: int, where: NDArray[np.bool_] | None, options: dict[str, Any]) -> TopK:
        assert self.lexical is not None  # seen to by _mode
        return self.lexical.search(asked, k, where=where, **options)

    def _best(
        self, rank: Any, asked: list[str], k: int, where: NDArray[np.bool_] | None, options: dict[str, Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Scores, documents and passages of the k best documents: the first of each in the order of passages."""
        n, m = len(asked), len(self.passages)
        scores, documents = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
        passages = documents.copy()
        rest, wide = list(range(n)), k if m == len(np.unique(self.passages.document)) else 2 * k
        while rest:
            values, indices = rank([asked[query] for query in rest], wide, where, options)
            short = []
            for row, query in enumerate(rest):
                found = indices[row][indices[row] >= 0]
                owners, first = np.unique(self.passages.document[found], return_index=True)
                if len(owners) < k and len(found) == wide and wide < m:
                    short.append(query)  # more passages have to be looked at
                    continue
                chosen = np.sort(first)[:k]
                scores[query, : len(chosen)] = values[row][chosen]
                passages[query, : len(chosen)] = found[chosen]
                documents[query, : len(chosen)] = self.passages.document[found[chosen]]
            rest, wide = short, wide * 4
        return scores, documents, passages

    def _items(self) -> Any:
        if self._prepared is None:
            self._prepared = prepare(self.vectors, metric="cosine")
        return self._prepared

    def _query_vectors(self, asked: list[str], role: Literal["query", "document"] = "query") -> NDArray[np.float32]:
        """Vectors of queries; zeros for one without a word."""
        self._load_model()
        assert self.vectors is not None
        made = np.zeros((len(asked), self.vectors.shape[1]), np.float32)
        worded = [place for place, text in enumerate(asked) if words(text)]
        if worded:
            vectors = embed([asked[place] for place in worded], self.model, role=role)
            made[worded] = vectors
        return made

    def _sentences(self, asked: list[str], passages: NDArray[np.int64]) -> dict[tuple[str, int], str]:
        """The sentence of each passage that is nearest to its query."""
        texts = {
            place: self.passages.text(self.documents, place) for place in np.unique(passages[passages >= 0]).tolist()
        }
        parts = {place: [text[a:b] for a, b in sentences(text)] or [text] for place, text in texts.items()}
        every = list(dict.fromkeys(part for found in parts.values() for part in found))
        if not every:
            return {}
        vectors = dict(zip(every, self._query_vectors(every, "document"), strict=True))
        nearest = {}
        for query, vector, row in zip(asked, self._query_vectors(asked), passages.tolist(), strict=True):
            for place in (place for place in row if place >= 0):
                nearest[query, place] = max(parts[place], key=lambda part: float(vectors[part] @ vector))
        return nearest

    # ---- the model

    def _load_model(self) -> None:
        """Have the model at hand, and be sure that it is the one that made the vectors."""
        if self._encode is not None:
            return
        if self.model is None:
            raise InputError("this index was saved without its model; give it, as in Index.load(path, model=...)")
        if isinstance(self.model, (str, os.PathLike)):
            self.name = os.fspath(self.model)
            self.model = load_model(self.name)
        self._encode = encoder(self.model, "document")
        probes = probes_of(self._encode)
        if self._probes is None:
            self._probes = probes
        elif not same_model(self._probes, probes):
            self._encode = None
            raise InputError("model= is not the one that made the vectors of this index; give that one, or index anew")

    # ---- keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index into one file, without pickle. Of a model, its name or folder is kept."""
        header: dict[str, Any] = {"model": self.name, "source": self.documents.source, "note": self.note}
        arrays: dict[str, Any] = {
            "ids": np.array(self.documents.ids) if isinstance(self.documents.ids[0], int) else self.documents.ids,
            "titles": self.documents.titles,
            "texts": self.documents.texts,
            "document": self.passages.document,
            "start": self.passages.start,
            "end": self.passages.end,
        }
        if self.vectors is not None and self._probes is not None:
            arrays |= {"vectors": self.vectors, "probes": self._probes}
        if self.lexical is not None:
            header["lexical"], parts = self.lexical.state()
            arrays |= {f"lexical_{name}": part for name, part in parts.items()}
        save_archive(path, _KIND, header, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Any = None) -> Index:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : path-like
        model : str, path-like or object, optional
            The model that made the vectors. Default: the name it had; it is loaded when it is first needed.
        """
        header, arrays = load_archive(path, _KIND)
        index = cls.__new__(cls)
        with reading(str(path), "an index"):
            index._restore(header, arrays)
        index.model = index.name if model is None else model
        return index

    def _restore(self, header: dict[str, Any], arrays: dict[str, Any]) -> None:
        ids = arrays["ids"] if isinstance(arrays["ids"], list) else arrays["ids"].tolist()
        self.documents = Documents(ids, arrays["titles"], arrays["texts"], header["source"])
        self.passages = Passages(arrays["document"], arrays["start"], arrays["end"])
        lengths = {len(self.passages.start), len(self.passages.end), len(self.passages)}
        lengths |= {len(arrays["vectors"])} if "vectors" in arrays else set()
        if len(lengths) > 1 or not 0 <= self.passages.document.min() <= self.passages.document.max() < len(ids):
            raise InputError("its passages are not those of its documents")
        self.name, self.note = header["model"], header["note"]
        self.vectors, self._probes = arrays.get("vectors"), arrays.get("probes")
        self._encode = self._prepared = self.lexical = None
        if "lexical" in header:
            made = lexical_of(header["lexical"]["kind"])
            parts = {name.removeprefix("lexical_"): part for name, part in arrays.items()}
            self.lexical = made.restore(header["lexical"], parts)
            if self.lexical.rows.shape[0] != len(self.passages):
                raise InputError("its words are not those of its passages")


def _passages_of(
    documents: NDArray[np.int64], rankings: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> NDArray[np.int64]:
    """The passage by which each document was found: in the first ranking that has it."""
    out = np.full(documents.shape, -1, np.int64)
    for query, row in enumerate(documents.tolist()):
        known: dict[int, int] = {}
        for found, passages in rankings:
            for document, passage in zip(found[query].tolist(), passages[query].tolist(), strict=True):
                known.setdefault(document, passage)
        out[query] = [known[document] if document >= 0 else -1 for document in row]
    return out
