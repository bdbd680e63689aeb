"""The generated elementary functions against NumPy's long double, in units in the last place."""

from __future__ import annotations

import numpy as np
import pytest

import likewise as lw

m = lw.math
rng = np.random.default_rng(0)


def apply(function, x, dtype=np.float64):
    """function(x) by the engine: the finish of one pair of one coordinate."""
    rows = np.asarray(x, dtype)[:, None]
    metric = lw.metric(lambda a, b: a + b, finish=function)
    if dtype == np.float64:
        return lw.paired(rows, np.zeros_like(rows), metric=metric)
    one = np.ones(1, dtype)
    return lw.weighted_sum(rows, np.zeros((1, 1), dtype), one, metric=metric)


def ulps(got, want, dtype=np.float64):
    """Largest distance in units in the last place of ``dtype``."""
    unit = np.spacing(np.abs(want).astype(dtype)).astype(np.longdouble)
    return float(np.max(np.abs(got.astype(np.longdouble) - want) / unit))


def wide(low, high, count=50_000):
    return np.concatenate([rng.uniform(low, high, count), rng.uniform(-1, 1, count) * min(1.0, high)])


def positive(low, high, count=50_000):
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


CASES = {
    # name: (formula, NumPy's, float64 inputs, allowed ulps)
    "exp": (m.exp, np.exp, wide(-700, 700), 1.0),
    "log": (m.log, np.log, np.concatenate([positive(1e-300, 1e300), 1 + rng.uniform(-1e-6, 1e-6, 10_000)]), 1.3),
    "tanh": (m.tanh, np.tanh, np.concatenate([wide(-25, 25), rng.uniform(-1e-9, 1e-9, 1000)]), 3.0),
    "arctan": (m.arctan, np.arctan, np.concatenate([wide(-9, 9), rng.standard_cauchy(10_000) * 1e4]), 4.5),
    "arccos": (m.arccos, np.arccos, rng.uniform(-1, 1, 50_000), 4.5),
    "sin": (m.sin, np.sin, wide(-1000, 1000), 2.5),
    "cos": (m.cos, np.cos, wide(-1000, 1000), 2.5),
    "power 1.7": (lambda s: s**1.7, lambda v: v ** np.longdouble(1.7), positive(1e-100, 1e100), 1.5),
    "power -2.3": (lambda s: s**-2.3, lambda v: v ** np.longdouble(-2.3), positive(1e-50, 1e50), 1.5),
    "power 100.5": (lambda s: s**100.5, lambda v: v ** np.longdouble(100.5), positive(1e-2, 1e2), 3.0),
}
SINGLE = {
    "exp": (-80, 80, 1.5),
    "tanh": (-9, 9, 3.0),
    "sin": (-50, 50, 2.0),
    "cos": (-50, 50, 2.0),
    "arctan": (-9, 9, 5.0),
}


@pytest.mark.parametrize("name", CASES)
def test_float64(name):
    formula, exact, x, allowed = CASES[name]
    assert ulps(apply(formula, x), exact(x.astype(np.longdouble))) <= allowed


@pytest.mark.parametrize("name", SINGLE)
def test_float32(name):
    low, high, allowed = SINGLE[name]
    x = rng.uniform(low, high, 50_000).astype(np.float32)
    formula, exact, _, _ = CASES[name]
    assert ulps(apply(formula, x, np.float32), exact(x.astype(np.longdouble)), np.float32) <= allowed


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, -2.0, 0.5, 5e-324, 1e-310, 2.0**-1022, 700.0, 1e5])


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "arctan", "sin", "cos"])
def test_special_values(name):
    formula, exact, _, _ = CASES[name]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(apply(formula, SPECIAL), exact(SPECIAL), rtol=2e-15, atol=0)


@pytest.mark.parametrize("p", [2.5, -1.5, 3.0, 5.0, -3.0, 0.3, 7.0])
def test_special_powers(p):
    with np.errstate(all="ignore"):
        inputs = SPECIAL + 0.0  # x + y, with y = 0, has made -0 into 0
        np.testing.assert_allclose(apply(lambda s: s**p, inputs), np.power(inputs, p), rtol=1e-14, atol=0)


def test_infinities_that_a_finish_meets():
    big = np.array([800.0, -800.0])
    np.testing.assert_array_equal(apply(lambda s: m.tanh(m.exp(s)), big), [1.0, 0.0])
    np.testing.assert_array_equal(apply(lambda s: m.log(m.exp(s)), big), [np.inf, -np.inf])
    np.testing.assert_array_equal(apply(lambda s: m.arctan(m.exp(s)), big), [np.pi / 2, 0.0])


def test_angles_too_large_to_reduce_give_nan():
    assert np.isnan(apply(m.sin, [1e9, -1e300])).all()
    assert np.isnan(apply(m.cos, [1e9, -1e300])).all()
