"""Volumes of balls by dimension, and what d dimensions hold by two rules."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

import likewise as lw
from likewise.errors import InputError
from likewise.geometry import (
    ball_in_cube,
    ball_volume,
    capacity,
    entropy_dimensions,
    limit_items,
    log_ball_volume,
    shell,
)


def exactly(d):
    """Volume of the unit ball as a fraction times a power of pi: V(d) = V(d - 2) 2 pi / d."""
    fraction, power = (Fraction(1), 0) if d % 2 == 0 else (Fraction(2), 0)
    for step in range(2 if d % 2 == 0 else 3, d + 1, 2):
        fraction, power = fraction * Fraction(2, step), power + 1
    return fraction, power


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 15, 16, 17, 100, 101, 128, 341, 400])
def test_the_ball_by_fractions_of_pi(d):
    fraction, power = exactly(d)
    # fraction and pi^power apart may leave float64's range: by their logarithms
    wanted = math.log(fraction.numerator) - math.log(fraction.denominator) + power * math.log(math.pi)
    assert_allclose(log_ball_volume(d), wanted, rtol=1e-13)
    assert_allclose(ball_volume(d), math.exp(wanted), rtol=1e-12 if d <= 100 else 1e-11)
    assert_allclose(ball_in_cube(d), math.exp(wanted - d * math.log(2)), rtol=1e-12 if d <= 100 else 1e-11)


def test_the_ball_in_its_cube():
    assert abs(ball_in_cube(3) - math.pi / 6) < 1e-15
    assert abs(ball_in_cube(8) - math.pi**4 / 24 / 2**8) < 1e-16
    assert round(ball_in_cube(3), 4) == 0.5236
    assert round(ball_in_cube(8), 5) == 0.01585


def test_many_dimensions_and_large_balls():
    assert ball_volume(10_000) == 0.0
    assert math.isfinite(log_ball_volume(10_000))
    assert ball_volume(10_000, 1e6) == math.inf
    assert_allclose(ball_volume(3, 2.0), 8 * ball_volume(3), rtol=1e-15)
    assert_allclose(ball_volume(3, 1e-90), 4 / 3 * math.pi * 1e-270, rtol=1e-11)


def test_shells():
    assert shell(3, 0.5) == 1 - 0.5**3
    assert shell(512, 0.01) > 0.99
    assert shell(1, 0.5) == 0.5
    assert (shell(7, 0), shell(7, 1)) == (0.0, 1.0)
    assert_allclose(shell(10, 1e-12), 1e-11, rtol=1e-9)  # thin ones keep their digits
    assert_allclose(shell(7, 0.1), 1 - ball_volume(7, 0.9) / ball_volume(7), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ball_volume(0), "d=0; a whole number of dimensions, 1 at least, is wanted"),
        (lambda: ball_volume(2.5), "d=2.5; a whole number of dimensions, 1 at least, is wanted"),
        (lambda: ball_volume(3, -1), "radius=-1; a number above 0 is wanted"),
        (lambda: ball_volume(3, "wide"), "radius='wide' is not a number"),
        (lambda: shell(3, 1.5), "thickness=1.5; a share of the radius, from 0 to 1, is wanted"),
        (lambda: capacity(0, 5), "d=0; a whole number of dimensions, 1 at least, is wanted"),
        (lambda: capacity(5, 0), "items=0; a whole number, 1 at least, is wanted"),
        (lambda: entropy_dimensions(0), "vocabulary=0; a whole number of words, 1 at least, is wanted"),
    ],
)
def test_what_is_no_dimension_is_an_error(call, message):
    with pytest.raises(InputError) as error:
        call()
    assert str(error.value) == message


def test_room_for_words():
    assert round(entropy_dimensions(10**7)) == 134
    assert round(entropy_dimensions(10**5)) == 96  # as the rule's author says
    assert entropy_dimensions(1) == 0
    # the constant: 2 over minus ln sin t, at the angle where sin^n exp(n cos) is largest
    cosine = (math.sqrt(5) - 1) / 2
    assert round(-math.log(math.sqrt(1 - cosine**2)), 2) == 0.24
    assert round(2 / 0.24, 2) == 8.33


def test_entropy_of_a_skip_gram_model_is_what_the_rule_takes_it_for():
    n, angle = 200, np.linspace(0, np.pi, 200_001)[1:-1]
    log = (n - 2) * np.log(np.sin(angle)) + n * np.cos(angle)
    weight, prior = np.exp(log - log.max()), np.exp((n - 2) * np.log(np.sin(angle)))
    mean = np.log(weight.sum() / prior.sum()) + log.max()
    entropy = mean - n * (weight * np.cos(angle)).sum() / weight.sum()  # beside 2 ln N
    assert_allclose(entropy / n, -0.2406, atol=0.002)


def test_pairs_by_retrieval():
    assert_allclose(limit_items(40), -10.5322 + 4.0309 * 40 + 0.0520 * 1600 + 0.0037 * 64000, rtol=1e-14)
    assert limit_items(1) == 2.0  # where the polynomial is negative
    assert 4.0e6 < limit_items(1024) < 4.1e6  # the paper's own extrapolation: 4 million
    found = capacity(1024, 4_000_000)
    assert found.any_two
    assert found.enough
    assert found.extrapolated
    d = found.limit_dimensions
    assert limit_items(d) >= 4_000_000 > limit_items(d - 1)
    assert not capacity(8, 20).extrapolated
    assert capacity(8, 2).limit_dimensions == 1


def test_capacity_says_what_it_assumes():
    found = lw.geometry.capacity(96, 10**7)
    assert not found.enough
    assert not found.any_two
    text = str(found)
    assert "d = 96 is short of room for 10,000,000 words: 8.33 ln N = 134.3 dimensions" in text
    assert "assumed for 8.33 ln N: skip-gram" in text
    assert "fitted up to d = 45" in text
    assert "extrapolated" in text
    assert json.loads(json.dumps(found.as_dict()))["assumptions"] == list(found.assumptions)
