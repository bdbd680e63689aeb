"""Valid calls at random with every option at once: batches, masks, bad rows, memory, threads, types, prepared."""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

import likewise as lw
from likewise.backends import reference
from tests.cases import BY_NAME, DTYPES, THOROUGH, float64, rows

CALLS = 120 * THOROUGH
NAMES = ["dot", "cosine", "manhattan", "chebyshev", "mahalanobis", "hellinger", "jaccard", "by sums"]
TYPES = ["float64", "float32", "float16", "int8"]
CLOSE = 1e-9


@dataclass
class Call:
    """A metric, rows in batches with some of them bad, a filter, and options, all from a seed."""

    seed: int
    rng: np.random.Generator = field(init=False)

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        case = BY_NAME[self.pick(NAMES)]
        self.n, self.m, d = (int(self.rng.integers(low, high)) for low, high in ((0, 30), (0, 120), (1, 20)))
        leads = [((), ()), ((), ()), ((2,), ()), ((3, 1), (2,)), ((), (2,)), ((2,), (2,)), ((0,), ()), ((1,), (3, 2))]
        self.lead_x, self.lead_y = self.pick(leads)
        self.lead = np.broadcast_shapes(self.lead_x, self.lead_y)
        self.count = math.prod(self.lead)
        self.metric = case.make(d)
        self.x, self.y = (
            self.make(case.data, lead, size, d) for lead, size in ((self.lead_x, self.n), (self.lead_y, self.m))
        )
        self.alone = self.chance(0.2)
        self.options = {}
        if self.chance(0.4):
            self.options["n_jobs"] = self.pick([1, 2, 3, 5])
        if self.chance(0.4):
            self.options["memory_limit"] = self.pick([1, 5000, 100_000, "10MB"])
        self.bad = self.chance(0.3) and self.x.dtype.kind == self.y.dtype.kind == "f"
        if self.bad:
            self.options["on_bad"] = "skip"
            self.x, self.y = self.spoiled(self.x), self.spoiled(self.y)
        if self.alone:  # of one set with itself
            self.y, self.lead_y, self.m, self.lead = self.x, self.lead_x, self.n, self.lead_x
            self.count = math.prod(self.lead)
        wheres = [None, None, (self.m,), (1, self.m), (self.n, self.m), (*self.lead, self.n, self.m), "lists"]
        shape = self.pick(wheres)
        self.where = self.admitted = None
        if shape is not None:
            drawn = self.rng.random((*self.lead, self.n, self.m) if shape == "lists" else shape)
            self.where = self.admitted = drawn < self.pick([0.0, 0.02, 0.1, 0.5, 0.9, 1.0])
        if shape == "lists":
            rows, indices = np.nonzero(~self.admitted.reshape(self.count * self.n, self.m))
            rows, indices = np.repeat(rows, 2), np.repeat(indices, 2)  # each twice, in any order
            order = np.lexsort((self.rng.random(len(rows)), rows))
            counts = np.bincount(rows, minlength=self.count * self.n)
            self.where = np.concatenate([[0], np.cumsum(counts)]), indices[order]
        self.k = self.pick([1, 2, 5, self.m + 3])

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def chance(self, share):
        return self.rng.random() < share

    def make(self, data, lead, size, d):
        seeds = self.rng.integers(0, 10**6, math.prod(lead))
        made = np.array([rows(data, size, d, int(seed)) for seed in seeds]).reshape(*lead, size, d)
        return DTYPES[self.pick(TYPES)](made)

    def spoiled(self, array):
        array = array.copy()
        for _ in range(3 if array.size else 0):
            array.flat[self.rng.integers(array.size)] = self.pick([np.nan, np.inf, -np.inf])
        return array

    def items(self):
        """y, or y prepared where that is possible."""
        if self.alone:
            return None
        if self.lead_y or self.chance(0.6):
            return self.y
        return lw.prepare(self.y, metric=self.metric, on_bad=self.options.get("on_bad", "raise"))

    def spread(self, array, tail):
        return np.broadcast_to(array, (*self.lead, *tail)).reshape(self.count, *tail)

    def parts(self):
        """Of each batch: both sides in float64 with zeros for bad rows, which of them are good, what is admitted."""
        sides = []
        for array, size in ((self.x, self.n), (self.y, self.m)):
            wide = self.spread(float64(array), (size, array.shape[-1]))
            good = np.isfinite(wide).all(axis=-1)
            sides += [np.where(good[..., None], wide, 0.0), good]
        admitted = sides[1][..., :, None] & sides[3][..., None, :]
        if self.admitted is not None:
            admitted = admitted & self.spread(self.admitted, (self.n, self.m))
        if self.alone:
            admitted = admitted & ~np.eye(self.n, dtype=bool)
        return zip(*sides, admitted, strict=True)

    def __str__(self):
        made = {key: value for key, value in vars(self).items() if key not in ("rng", "x", "y", "where", "admitted")}
        return str(made | {"types": (self.x.dtype, self.y.dtype), "shapes": (self.x.shape, self.y.shape)})


def check_topk(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lw.NaNWarning)
        found = lw.topk(call.x, call.items(), call.k, metric=call.metric, where=call.where, **call.options)
    assert found.indices.shape == found.values.shape == (*call.lead, call.n, call.k)
    for (x, _, y, _, admitted), values, indices in zip(
        call.parts(), *(a.reshape(call.count, call.n, call.k) for a in found), strict=True
    ):
        expected = reference.topk(call.metric, x, y, call.k, admitted)
        np.testing.assert_array_equal(indices, expected.indices)
        np.testing.assert_array_equal(values, expected.values)


def check_within(call):
    values = [reference.pairwise(call.metric, x, y).ravel() for x, _, y, _, _ in call.parts()]
    known = np.concatenate([*values, [0.5]])
    radius = float(known[call.rng.integers(len(known))])
    found = lw.within(call.x, call.items(), radius, metric=call.metric, where=call.where, **call.options)
    expected = [reference.within(call.metric, x, y, radius, admitted) for x, _, y, _, admitted in call.parts()]
    counts = np.concatenate([np.diff(part.offsets) for part in expected] or [[]])
    np.testing.assert_array_equal(np.diff(found.offsets), counts)
    for array, pieces in ((found.values, "values"), (found.indices, "indices")):
        np.testing.assert_array_equal(array, np.concatenate([getattr(part, pieces) for part in expected] or [[]]))


def check_pairwise(call):
    found = lw.pairwise(call.x, call.y, metric=call.metric, **call.options)
    assert found.shape == (*call.lead, call.n, call.m)
    for (x, good_x, y, good_y, _), matrix in zip(call.parts(), found.reshape(call.count, call.n, call.m), strict=True):
        expected = reference.pairwise(call.metric, x, y).astype(found.dtype)
        expected[~good_x], expected[:, ~good_y] = np.nan, np.nan
        np.testing.assert_array_equal(matrix, expected)


def check_weighted_sum(call):
    columns = call.pick([1, 2, 9, 33])
    own = call.lead_y if call.chance(0.5) else ()
    weights = call.rng.normal(size=(*own, call.m, columns))  # float64: so is the arithmetic
    found = lw.weighted_sum(call.x, call.y, weights, metric=call.metric, **call.options)
    assert found.shape == (*call.lead, call.n, columns)
    for (x, good_x, y, good_y, _), part, w in zip(
        call.parts(),
        found.reshape(call.count, call.n, columns),
        call.spread(weights, (call.m, columns)),
        strict=True,
    ):
        matrix = reference.pairwise(call.metric, x, y) * good_y
        expected = np.where(good_x[:, None], matrix @ w, np.nan)
        size = np.abs(matrix) @ np.abs(w) + 1
        assert (np.isnan(part) == np.isnan(expected)).all()
        assert not (np.abs(part - expected) > CLOSE * size).any()


def check_attend(call):
    kind = call.pick(["none", "causal", "boolean", "additive"])
    shape = call.pick([(call.m,), (1, call.m), (call.n, call.m), (*call.lead, call.n, call.m)])
    seen = np.tril(np.ones((call.n, call.m), bool)) if kind == "causal" else call.rng.random(shape) < 0.7
    added = np.where(seen, 0.25 if kind == "additive" else 0.0, -np.inf) if kind != "none" else np.zeros(call.m)
    mask = {"none": None, "causal": "causal", "boolean": seen, "additive": added}[kind]
    values = call.rng.normal(size=(*call.lead_y, call.m, 3))
    found = lw.attend(call.x, call.y, values, metric=call.metric, scale=0.01, mask=mask, **call.options)
    assert found.shape == (*call.lead, call.n, 3)
    for (x, good_x, y, good_y, _), part, v, add in zip(
        call.parts(),
        found.reshape(call.count, call.n, 3),
        call.spread(values, (call.m, 3)),
        call.spread(added, (call.n, call.m)),
        strict=True,
    ):
        expected = reference.attend(call.metric, x, y, v, 0.01, np.where(good_y, add, -np.inf))
        expected = np.where(good_x[:, None], expected, np.nan)
        np.testing.assert_allclose(part, expected, rtol=CLOSE, atol=CLOSE)


VERBS = [check_topk, check_topk, check_within, check_pairwise, check_weighted_sum, check_attend]


@pytest.mark.parametrize("block", range(6))
def test_valid_calls_with_many_options(block):
    for seed in range(block, CALLS, 6):
        call = Call(seed)
        check = call.pick(VERBS)
        try:
            check(call)
        except Exception as error:
            raise AssertionError(f"{check.__name__} of {call}: {error}") from error
