"""Which metric separates labelled rows: planted labels, ties, nulls, and the definitions in plain Python."""

from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import likewise as lw
from likewise.errors import InputError, ShapeError
from likewise.geometry import Space, separation
from likewise.geometry.labels import _holm, mcnemar


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_labels_in_the_direction(rng):
    labels = rng.integers(0, 3, 900)
    directions = unit(np.eye(16)[labels] * 3 + rng.standard_normal((900, 16)))
    found = separation(directions * rng.lognormal(0, 3, (900, 1)), labels)
    assert found.best in ("cosine", "correlation")
    assert "cosine" in found.tied
    assert {"euclidean", "manhattan", "chebyshev", "dot"}.isdisjoint(found.tied)
    assert found.structured


def test_labels_in_the_length(rng):
    labels = rng.integers(0, 2, 800)
    rows = unit(rng.standard_normal((800, 4))) * (1 + labels[:, None]) * rng.uniform(0.95, 1.05, (800, 1))
    found = separation(rows, np.array(["short", "long"])[labels], metrics=["euclidean", "cosine"])
    assert (found.best, found.tied, found.decided) == ("euclidean", ["euclidean"], True)
    assert found.rows[0].accuracy.low > 0.95
    (difference,) = found.differences
    assert difference.real
    assert difference.low < difference.value < difference.high
    assert difference.p < 1e-6
    assert str(found).endswith("\neuclidean separates them best")


def test_labels_of_nothing_are_reported_as_nothing(rng):
    rows, said = rng.standard_normal((400, 8)), 0
    for seed in range(20):
        found = separation(rows, np.random.default_rng(seed).integers(0, 4, 400), metrics=["euclidean", "cosine"])
        said += found.structured
        assert found.chance == pytest.approx(0.25, abs=0.03)
    assert said <= 4  # 5% of 20 is 1
    found = separation(rows, np.random.default_rng(0).integers(0, 4, 400))
    assert len(found.tied) == len(found.rows) == 7
    assert str(found).endswith("\nthe labels carry no structure here: shuffled ones do as well")
    assert not found.decided


def test_a_class_that_fills_the_rows_is_no_structure(rng):
    labels = np.where(rng.random(1000) < 0.95, "most", "few")
    found = separation(rng.standard_normal((1000, 5)), labels, metrics=["euclidean"])
    assert found.rows[0].accuracy.value > 0.85  # high, and still nothing
    assert found.majority == pytest.approx(0.95, abs=0.02)
    assert not found.structured
    assert found.rows[0].balanced < 0.6


def test_a_tie_is_called_a_tie(rng):
    labels = rng.integers(0, 2, 600)
    rows = rng.standard_normal((600, 3)) + 2 * labels[:, None]
    found = separation(rows, labels, metrics=["euclidean", "sqeuclidean", "manhattan"])
    assert {"euclidean", "sqeuclidean", "manhattan"} == set(found.tied)
    same = [each for each in found.differences if each.value == 0]
    assert same
    assert all(each.p == 1 and not each.real for each in same)
    assert "is not shown to be better" in str(found) or "no metric is shown to be better" in str(found)


def test_metrics_that_are_alike_are_seldom_called_different():
    called = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 300)
        rows = rng.standard_normal((300, 6)) + 0.7 * labels[:, None]
        # four turns of the same noise: Manhattan distances of turned rows are as good as one another
        turns = [np.linalg.qr(rng.standard_normal((6, 6)))[0] for _ in range(2)]
        metrics = ["manhattan", *(lw.mahalanobis(turn @ np.diag([1, 1, 1, 2, 2, 2]) @ turn.T) for turn in turns)]
        called += any(each.real for each in separation(rows, labels, metrics=metrics).differences)
    assert called <= 4


@pytest.mark.parametrize("k", [1, 3, 6])
def test_votes_are_as_defined(rng, k):
    rows, labels = rng.standard_normal((120, 3)), rng.integers(0, 4, 120)
    right = []
    for i in range(120):
        order = [j for j in np.argsort(np.abs(rows - rows[i]).sum(axis=1), kind="stable") if j != i][:k]
        voters = [labels[j] for j in order]
        counts = Counter(voters)
        winner = next(label for label in voters if counts[label] == max(counts.values()))
        right.append(winner == labels[i])
    found = separation(rows, labels, metrics="manhattan", k=k)
    assert found.rows[0].accuracy.value == np.mean(right)
    assert (found.judged, found.items, found.k) == (120, 120, k)


def test_scores_of_classes_are_as_scikit_learn_has_them(rng):
    scores = pytest.importorskip("sklearn.metrics")
    labels = np.repeat([0, 1, 2], [200, 60, 40])
    rows = rng.standard_normal((300, 4)) + labels[:, None]
    nearest = lw.topk(rows, None, 1, metric="euclidean").indices[:, 0]
    found = separation(rows, labels, metrics=["euclidean"]).rows[0]
    assert found.balanced == pytest.approx(scores.balanced_accuracy_score(labels, labels[nearest]))
    assert found.macro_f1 == pytest.approx(scores.f1_score(labels, labels[nearest], average="macro"))


def test_mahalanobis_is_that_of_the_rows_covariance(rng):
    labels = rng.integers(0, 2, 500)
    rows = rng.standard_normal((500, 5)) @ np.diag([1, 10, 100, 1000, 1e4])
    rows[:, 0] += 4 * labels
    rows = rows @ np.linalg.qr(rng.standard_normal((5, 5)))[0]
    own = lw.mahalanobis(np.linalg.inv(np.cov(rows.T, bias=True)))
    found = {each.metric: each.accuracy.value for each in separation(rows, labels, metrics=["mahalanobis", own]).rows}
    assert len(found) == 2
    assert len(set(found.values())) == 1
    assert separation(rows, labels).best == "mahalanobis"


def test_where_a_covariance_is_not_known(rng):
    rows, labels = rng.standard_normal((60, 10)), np.arange(60) % 2
    found = separation(rows, labels)
    assert found.left_out == {"mahalanobis": "60 rows do not tell the covariance of 10 coordinates; 100 would"}
    with pytest.raises(InputError, match="mahalanobis: 60 rows do not tell the covariance of 10 coordinates"):
        separation(rows, labels, metrics=["mahalanobis"])
    constant = np.hstack([rng.standard_normal((60, 2)), np.ones((60, 1))])
    assert len(separation(constant, labels).rows) == 7


def test_rows_without_labels_and_lonely_ones_are_left_out(rng):
    rows = rng.standard_normal((10, 2))
    labels = ["a", "a", None, "b", "b", "", float("nan"), "alone", "  ", "a"]
    found = separation(rows, labels, metrics=["euclidean"])
    assert (found.unlabelled, found.alone, found.judged) == (4, 1, 5)
    assert found.classes == {"a": 3, "b": 2}
    assert found.rows[0].accuracy.total == 6
    numbers = np.array([0, 0, 1, 1, np.nan, 1, 7])
    found = separation(rows[:7], numbers, metrics=["euclidean"])
    assert (found.unlabelled, found.alone, found.classes) == (1, 1, {1.0: 3, 0.0: 2})
    masked = np.ma.array([0, 0, 1, 1, 1], mask=[0, 0, 0, 0, 1])
    assert separation(rows[:5], masked, metrics=["euclidean"]).unlabelled == 1


def test_labels_of_rows_that_are_skipped(rng):
    rows, labels = rng.standard_normal((40, 2)), np.arange(40) % 2
    rows[labels == 1] += 100
    rows[3] = np.nan
    found = separation(rows, labels, metrics=["euclidean"], on_bad="skip")
    assert (found.items, found.rows[0].accuracy.value) == (39, 1.0)


def test_copies_are_told_of(rng):
    rows = np.repeat(rng.standard_normal((100, 3)), 2, axis=0)
    labels = np.repeat(np.arange(100) % 2, 2)
    assert separation(rows, labels, metrics=["euclidean"]).copies == 1.0
    assert separation(rows[::2], labels[::2], metrics=["euclidean"]).copies == 0.0


def test_formulas_of_one_name_are_told_apart(rng):
    rows, labels = rng.standard_normal((50, 2)), np.arange(50) % 2
    metrics = [lw.metric(lambda x, y: abs(x - y), name="own"), lw.metric(lambda x, y: (x - y) ** 4, name="own")]
    assert {each.metric for each in separation(rows, labels, metrics=metrics).rows} == {"own", "own (2)"}


def test_seeds_threads_and_drawn_rows(rng):
    rows, labels = rng.standard_normal((500, 4)), rng.integers(0, 3, 500)
    one = separation(rows, labels, sample=100, seed=1, n_jobs=1)
    assert one.as_dict() == separation(Space(rows, seed=1, n_jobs=2), labels, sample=100).as_dict()
    assert one.as_dict() != separation(rows, labels, sample=100, seed=2).as_dict()
    assert (one.judged, one.items) == (100, 500)
    calls = []
    separation(rows, labels, metrics=["dot", "cosine"], progress=lambda *at: calls.append(at))
    assert calls == [(1, 2), (2, 2)]


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial(few, many):
    n, least = few + many, min(few, many)
    wanted = min(1.0, 2 * sum(comb(n, i) for i in range(least + 1)) / 2**n)
    assert mcnemar(few, many) == pytest.approx(wanted, rel=1e-9)
    assert mcnemar(few, many) == mcnemar(many, few)


def test_holm():
    assert_allclose(_holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert _holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1, 2], ShapeError, "there are 2 labels, and 4 rows"),
        ([[1], [2], [1], [2]], ShapeError, "labels have shape (4, 1); one for each of 4 rows is wanted"),
        (None, InputError, "labels are None; one text or number for each of 4 rows is wanted"),
        (
            [None] * 4,
            InputError,
            "labels are all missing; two classes with two rows each, at least, are to be told apart",
        ),
        (
            ["a", "a", "a", "b"],
            InputError,
            "of all labels only 'a' is met twice; two classes at least are to be told apart",
        ),
        (
            ["a", "b", "c", "d"],
            InputError,
            "4 labels are all different; is this a column of names? Classes of several rows are wanted",
        ),
        (["a", "a", {}, "b"], InputError, "labels[2] is {}; a label is a text or a number"),
    ],
)
def test_labels_that_are_refused(labels, error, message):
    with pytest.raises(error) as caught:
        separation(np.arange(8.0).reshape(4, 2), labels)
    assert str(caught.value) == message


def test_options_that_are_refused():
    rows, labels = np.arange(8.0).reshape(4, 2), [0, 0, 1, 1]
    with pytest.raises(InputError, match="metrics is empty; the default is euclidean, cosine"):
        separation(rows, labels, metrics=[])
    with pytest.raises(InputError, match="k=0; a whole number, 1 at least, is wanted"):
        separation(rows, labels, k=0)
    assert separation(rows, labels, k=99, metrics=["euclidean"]).k == 3
