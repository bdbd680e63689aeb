"""Malformed calls at random: they end in the library's own errors or in a right answer, nothing else.

``LIKEWISE_FUZZ_CALLS`` sets how many (default 3,000; a million takes some 15 minutes on one core).
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from likewise.errors import LikewiseError
from likewise.formula.metrics import as_metric

CALLS = int(os.environ.get("LIKEWISE_FUZZ_CALLS", "3000"))
TYPES = [
    *(np.float64, np.float32, np.float16, np.int8, np.uint8, bool, np.int32, np.int64, np.uint64),
    *(np.complex128, object, "U3", "S2", ">f4", "M8[s]", np.longdouble),
]
METRICS = [
    *lw.metrics,
    *("foo", "", None, 3, b"l1"),
    lambda x, y: abs(x - y),
    lambda x, y: 1 / x,
    lambda x: x,
    lambda x, y: x if x > y else y,
    lambda x, y: "text",
    lw.minkowski(3),
    lw.minkowski,
    lw.mahalanobis(np.eye(4)),
    lw.rbf,
    lw.metric(lambda x, y: (x * y, x + y), finish=lambda a, b, norm_x: a / b * norm_x, closer="larger"),
]
STRANGE = [None, "x", 3, {}, [[1], [1, 2]], np.ma.masked_array([1.0, 2.0], [0, 1]), object(), [[]], 1j, [[None]]]


class Dice:
    """Random arguments from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def chance(self, share):
        return self.rng.random() < share

    def array(self):
        if self.chance(0.03):
            return self.pick(STRANGE)
        shape = tuple(self.pick([0, 1, 2, 3, 4, 4, 4, 7, 17]) for _ in range(self.pick([0, 1, 2, 2, 2, 2, 3, 4])))
        kind = self.pick(TYPES) if self.chance(0.4) else np.float64
        made = np.asarray(self.rng.standard_normal(shape) * 10.0 ** self.rng.integers(-3, 4))
        try:
            made = made.astype(kind)
        except (TypeError, ValueError):
            made = np.zeros(shape, "U1")
        if made.dtype.kind == "f" and made.size and self.chance(0.15):
            made.flat[self.rng.integers(made.size)] = self.pick([np.nan, np.inf, -np.inf])
        if made.ndim and self.chance(0.1):
            made = made[..., ::2]
        if self.chance(0.1):
            made = made.T
        return made.tolist() if self.chance(0.05) else made

    def pair(self):
        a, b = self.array(), self.array()
        if isinstance(a, np.ndarray) and a.ndim and self.chance(0.7):
            shape = (int(self.rng.integers(0, 9)), a.shape[-1])
            b = self.rng.standard_normal(shape).astype(a.dtype if a.dtype.kind in "fiub" else float)
        return a, b

    def options(self):
        made = {}
        if self.chance(0.3):
            made["n_jobs"] = self.pick([1, 2, 0, -1, -3, "a", 2.5, None, True])
        if self.chance(0.2):
            made["memory_limit"] = self.pick([1, 1000, "1MB", "x", -5, "10GB", 1.5, "", "nan"])
        if self.chance(0.4):
            made["on_bad"] = self.pick(["skip", "raise", "x", None])
        if self.chance(0.1):
            made["progress"] = self.pick([None, False, 5, lambda done, total: None])
        return made


def where(dice):
    lists = [([0, 1, 2, 2, 3], [0, 1, 0]), ([0], []), ([0, 5], [1]), ([0, 2, 1, 3, 3], [9, -1, 2**70]), (1, 2)]
    lists += [([], []), (None, "x"), (np.zeros(5, int), np.zeros(0)), (np.zeros(5), np.zeros(0, int)), ([[0]], [[]])]
    masks = [np.ones(4, bool), np.zeros(4, bool), np.ones((4, 4), bool), 5, "x", (True, False), [[1], [1, 2]], object()]
    return None if dice.chance(0.7) else dice.pick(masks + lists)


def topk(dice, a, b):
    k = dice.pick([1, 3, 0, -1, 100, 10**12, "a", 2.0, True, np.int8(2)])
    b = None if dice.chance(0.1) else b
    return lw.topk(a, b, k, metric=dice.pick(METRICS), where=where(dice), **dice.options())


def within(dice, a, b):
    radius = dice.pick([1.0, 0, -1, np.inf, -np.inf, np.nan, "x", None])
    b = None if dice.chance(0.1) else b
    return lw.within(a, b, radius, metric=dice.pick(METRICS), where=where(dice), **dice.options())


def pairwise(dice, a, b):
    return lw.pairwise(a, b if dice.chance(0.8) else None, metric=dice.pick(METRICS), **dice.options())


def paired(dice, a, b):
    return lw.paired(a, dice.pick([a, b]), metric=dice.pick(METRICS), **dice.options())


def contributions(dice, a, b):
    return lw.contributions(a, dice.pick([a, b]), metric=dice.pick(METRICS))


def weighted_sum(dice, a, b):
    weights = dice.array() if dice.chance(0.4) else np.ones(b.shape[:1] if isinstance(b, np.ndarray) else 1)
    return lw.weighted_sum(a, b, weights, metric=dice.pick(METRICS), **dice.options())


def attend(dice, a, b):
    mask = dice.pick([None, None, "causal", "x", np.ones(4, bool), np.ones((4, 4)), 5, np.full((4, 4), np.nan)])
    scale = dice.pick([None, 1, "x", np.nan, 0])
    values = dice.array() if dice.chance(0.4) else b
    return lw.attend(a, b, values, metric=dice.pick(METRICS), scale=scale, mask=mask, **dice.options())


def prepared(dice, a, b):
    return lw.topk(b, lw.prepare(a, metric=dice.pick(METRICS)), 3)


def on_vectors(dice, a, b):
    verb = dice.pick([lw.norm, lw.normalize, lw.angle, lw.project])
    return verb(a, b) if verb in (lw.angle, lw.project) else verb(a, order=dice.pick([1, 2, "inf", 3, "x", None]))


def explained(dice, a, b):
    verb = dice.pick(
        [None, None, "topk", "within", "paired", "weighted_sum", "attend", "kmeans", "contributions", "x", 5]
    )
    more = [] if dice.chance(0.7) else [dice.array()]
    settings = {"metric": dice.pick(METRICS), "k": dice.pick([None, 3, 0]), "verb": verb, **dice.options()}
    settings |= {} if dice.chance(0.7) else {"radius": dice.pick([1.0, "x"])}
    return str(lw.explain(a, b if dice.chance(0.8) else None, *more, measure=dice.chance(0.2), **settings))


def called(dice, a, b):
    verb = dice.pick([lw.topk, lw.pairwise, lw.attend, lw.kmeans, lw.norm])
    more = {lw.topk: (b, dice.pick([1, 3, 0, "a"])), lw.attend: (b, b), lw.kmeans: (dice.pick([1, 2, 50]),)}.get(
        verb, (b,)
    )
    return str(lw.explain(verb, a, *more, metric=dice.pick(METRICS), **dice.options()))


def formula(dice, a, b):
    """Text at random into the formula parser."""
    from likewise.formula.parse import metric_from_text

    tokens = [
        "x",
        "y",
        "d",
        "norm_x",
        "abs(",
        "sqrt(",
        "where(",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "**",
        "<",
        "==",
        "&",
    ]
    tokens += ["1", "2.5", "1e400", "if", "else", "lambda", "import", "__class__", ".", "[", "]", "'", "\0", "é", "\n"]
    return metric_from_text(" ".join(dice.pick(tokens) for _ in range(dice.rng.integers(1, 9))))


VERBS = [
    *(topk, topk, within, pairwise, paired, contributions, weighted_sum, attend, prepared),
    *(on_vectors, explained, called, formula),
]


@pytest.mark.filterwarnings("ignore")
def test_malformed_calls_end_in_the_librarys_own_errors():
    counts, wrong = {"answers": 0, "refusals": 0}, []
    for seed in range(CALLS):
        dice = Dice(seed)
        verb = dice.pick(VERBS)
        a, b = (None, None) if verb is formula else dice.pair()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                verb(dice, a, b)
            counts["answers"] += 1
        except LikewiseError as error:
            counts["refusals"] += 1
            if not str(error).strip():
                wrong.append((seed, verb.__name__, "an error without a message"))
        except Exception as error:
            wrong.append((seed, verb.__name__, f"{type(error).__name__}: {error}"))
    assert not wrong, wrong[:5]
    assert min(counts.values()) > CALLS / 20, counts  # both ends are reached


@pytest.mark.filterwarnings("ignore")
def test_what_is_answered_is_right():
    checked = 0
    for seed in range(CALLS // 10):
        dice = Dice(10**6 + seed)
        a, b = dice.pair()
        name = dice.pick(list(lw.metrics))
        try:
            found = lw.topk(a, b, 3, metric=name)
        except LikewiseError:
            continue
        x, y = np.atleast_2d(np.asarray(a, float)), np.atleast_2d(np.asarray(b, float))
        if b is None or y.ndim != 2 or np.ndim(a) < 1:  # None: a with itself
            continue
        expected = reference.topk(as_metric(name), x.reshape(-1, x.shape[-1]), y, 3)
        np.testing.assert_array_equal(found.indices.reshape(-1, 3), expected.indices, err_msg=f"seed {seed} {name}")
        np.testing.assert_allclose(found.values.reshape(-1, 3), expected.values, rtol=1e-12, atol=1e-300)
        checked += 1
    assert checked > CALLS // 100
