"""The generated elementary functions against NumPy's long double, in units in the last place."""

from __future__ import annotations

import math

import numpy as np
import pytest

import likewise as lw

m = lw.math
rng = np.random.default_rng(0)
COUNT = 20_000
DTYPES = {"float64": np.float64, "float32": np.float32}
TYPES = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


def apply(function, x, dtype=np.float64):
    """function(x) by the engine: the finish of one pair of one coordinate, in that arithmetic."""
    rows = np.asarray(x, dtype)[:, None]
    metric = lw.metric(lambda a, b: a + b, finish=function)
    if dtype == np.float64:
        return lw.paired(rows, np.zeros_like(rows), metric=metric)
    return lw.weighted_sum(rows, np.zeros((1, 1), dtype), np.ones(1, dtype), metric=metric)


def uniform(low, high):
    return rng.uniform(low, high, COUNT)


def across(low, high):
    """Of every magnitude between."""
    return np.exp(rng.uniform(math.log(low), math.log(high), COUNT))


def magnitudes(dtype):
    """Of every magnitude that the type has, subnormal ones among them."""
    limits = np.finfo(dtype)
    return np.exp(uniform(math.log(limits.smallest_subnormal), math.log(limits.max)))


def near(point, dtype):
    return point + rng.uniform(-1, 1, COUNT) * 10.0 ** rng.uniform(-16 if dtype == np.float64 else -7, -1, COUNT)


def exp_range(dtype):
    limits = np.finfo(dtype)
    low, high = math.log(limits.smallest_subnormal) - 2, math.log(limits.max) + 1
    return np.concatenate([uniform(low, high), uniform(-1, 1), uniform(low, low + 20)])


def log_range(dtype):
    return np.concatenate([magnitudes(dtype), near(1, dtype), uniform(0, 3)])


def tanh_range(dtype):
    return np.concatenate([uniform(-25, 25), uniform(-0.6, 0.6), magnitudes(dtype)])


def arctan_range(dtype):
    return np.concatenate([uniform(-9, 9), magnitudes(dtype), -magnitudes(dtype), near(1, dtype)])


def arccos_range(dtype):
    ends = 1 - across(1e-15, 1)
    return np.concatenate([uniform(-1, 1), ends, -ends, np.clip(near(0, dtype), -1, 1)])


def angle_range(dtype):
    most = 2.0**20 if dtype == np.float64 else 2.0**12
    zeros = np.arange(-2000, 2000) * (math.pi / 2)  # where one of sin and cos vanishes, and its digits might
    return np.concatenate([uniform(-7, 7), uniform(-most, most), zeros, near(0, dtype)])


def power_range(dtype):
    return np.concatenate([magnitudes(dtype), near(1, dtype), uniform(0.5, 2), uniform(0, np.finfo(dtype).tiny)])


FUNCTIONS = {
    # name: (ours, NumPy's, inputs, allowed units)
    "exp": (m.exp, np.exp, exp_range, 1.0),
    "log": (m.log, np.log, log_range, 1.3),
    "tanh": (m.tanh, np.tanh, tanh_range, 2.5),
    "arctan": (m.arctan, np.arctan, arctan_range, 4.5),
    "arccos": (m.arccos, np.arccos, arccos_range, 5.5),
    "sin": (m.sin, np.sin, angle_range, 2.5),
    "cos": (m.cos, np.cos, angle_range, 2.5),
}


def worst(function, exact, x, dtype):
    """Largest distance in units in the last place; results that should be infinite, zero or NaN have to be."""
    with np.errstate(all="ignore"):
        x = np.asarray(x, dtype)
        x = x[np.isfinite(x)]
        true = exact(x.astype(np.longdouble))
        rounded = true.astype(dtype)
    got = apply(function, x, dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    unit = np.spacing(np.abs(rounded[finite])).astype(np.longdouble)
    return float(np.max(np.abs(got[finite].astype(np.longdouble) - true[finite]) / unit))


@pytest.mark.parametrize("name", FUNCTIONS)
@TYPES
def test_functions(name, dtype):
    function, exact, inputs, allowed = FUNCTIONS[name]
    assert worst(function, exact, inputs(dtype), dtype) <= allowed


@pytest.mark.parametrize("p", [1.7, -2.3, 0.3, 1 / 3, 5, -3, 7, 17, 64, 100.5, 1e-3, -0.01])
@TYPES
def test_powers(p, dtype):
    p = float(dtype(p))  # a constant of the formula is rounded to the arithmetic
    assert worst(lambda s: s**p, lambda v: v ** np.longdouble(p), power_range(dtype), dtype) <= 3.0


@pytest.mark.parametrize("base", [2.0, 0.5, 10.0, 1.0000001])
@TYPES
def test_powers_of_constants(base, dtype):
    base = float(dtype(base))
    assert worst(lambda s: base**s, lambda v: np.longdouble(base) ** v, uniform(-120, 120), dtype) <= 3.0


SPECIAL = np.array([0.0, 1.0, -1.0, -2.0, 0.5, -0.5, 5e-324, -1e-310, 2.0**-1022, 1e-45, 700.0, 1e5, -1e5, 3e38])


@pytest.mark.parametrize("name", FUNCTIONS)
@TYPES
def test_special_values(name, dtype):
    function, exact, _, _ = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        if name in ("sin", "cos"):
            x = x[abs(x) < 3000]
        wanted = exact(np.clip(x, -1, 1) if name == "arccos" else x)  # ours clamps a cosine that has rounded past 1
    np.testing.assert_allclose(apply(function, x, dtype), wanted, rtol=8 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("p", [2.5, -1.5, 3.0, 5.0, -3.0, 0.3, 7.0, -1.0, 0.0, 6.0, -4.0])
@TYPES
def test_special_powers(p, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        x = x + dtype(0)  # x + y, with y = 0, has made -0 into 0
        p = float(dtype(p))
        wanted = np.power(x, dtype(p))
    np.testing.assert_allclose(apply(lambda s: s**p, x, dtype), wanted, rtol=16 * np.finfo(dtype).eps, atol=0)


@TYPES
def test_infinities_and_nan_that_a_finish_meets(dtype):
    big = np.array([800.0, -800.0])
    for function, wanted in (
        (lambda s: m.exp(m.exp(s)), [np.inf, 1.0]),
        (lambda s: m.exp(-m.exp(s)), [0.0, 1.0]),
        (lambda s: m.tanh(m.exp(s)), [1.0, 0.0]),
        (lambda s: m.tanh(-m.exp(s)), [-1.0, 0.0]),
        (lambda s: m.log(m.exp(s)), [np.inf, -np.inf]),
        (lambda s: m.arctan(m.exp(s)), [np.pi / 2, 0.0]),
        (lambda s: m.arccos(m.exp(s)), [0.0, np.pi / 2]),
        (lambda s: m.sqrt(m.exp(s)), [np.inf, 0.0]),
        (lambda s: m.exp(s) ** 2.2, [np.inf, 0.0]),
        (lambda s: m.exp(s) ** -2.2, [0.0, np.inf]),
        (lambda s: m.exp(s) ** 0, [1.0, 1.0]),
        (lambda s: m.sin(m.exp(s)), [np.nan, 0.0]),
        (lambda s: m.log(s), [np.log(800.0), np.nan]),
        (lambda s: m.sqrt(s) ** 2.2, [800.0**1.1, np.nan]),
    ):
        np.testing.assert_allclose(apply(function, big, dtype), wanted, rtol=4 * np.finfo(dtype).eps)
    for function in (
        m.exp,
        m.log,
        m.tanh,
        m.arctan,
        m.sin,
        m.cos,
        m.sqrt,
        m.floor,
        abs,
        lambda s: s**2.2,
        lambda s: 2**s,
    ):
        assert np.isnan(apply(lambda s, of=function: of(m.sqrt(s)), [-1.0], dtype)).all()


def test_the_sign_of_zero_is_kept():
    negative = [-1e-320]  # whose square's negative is -0
    for function in (m.tanh, m.arctan, m.floor, m.sqrt):
        assert np.signbit(apply(lambda s, of=function: of(-(s * s)), negative)).all()


def test_angles_too_large_to_reduce_give_nan():
    assert np.isnan(apply(m.sin, [1e9, -1e300])).all()
    assert np.isnan(apply(m.cos, [1e9, -1e300])).all()
    assert np.isfinite(apply(m.cos, [2.0**20, -(2.0**20)])).all()
    assert np.isnan(apply(m.cos, [4097.0], np.float32)).all()
